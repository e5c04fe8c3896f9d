/* SPDX-License-Identifier: MIT */
/*
 * script.h - the script language: a session on a machine
 *
 * A session reads commands, a line each, and does them on one machine: it
 * describes it, boots it when something first needs its zones, allocates and frees
 * blocks that have names, expects, and shows. Command line, browser, bare
 * metal and tests all speak to Quire through this. docs/SCRIPT.md has the grammar.
 */
#ifndef QUIRE_LAB_SCRIPT_H
#define QUIRE_LAB_SCRIPT_H

#include <quire/format.h>
#include <quire/quire.h>

#include <stdbool.h>
#include <stddef.h>

/* The longest line, with its end, and the longest message. */
#define LAB_LINE_MAX 1024
#define LAB_MESSAGE_MAX 256

/** What became of a line or a script. The numbers are the exit statuses of `quire`. */
enum lab_status {
	LAB_OK = 0,
	LAB_FAILED = 1, /* an expectation, an invariant or a request failed */
	LAB_USAGE = 2,  /* no such command, or a wrong word in it */
	LAB_FILE = 3,   /* a file can't be read, or the host has no memory */
};

/** struct lab_host - what a session needs from where it runs; copied */
struct lab_host {
	void *port;     /* for the session's memory, and quire_config.host of its machines */
	void *machines; /* quire_config.host of its machines, if that is another; else NULL */
	struct quire_sink out;  /* results: cat, draw, hash, explain … */
	struct quire_sink talk; /* say, and what was done if @echo */
	bool echo;              /* tell of each block had and freed */
	bool colour;            /* pictures in colour */
	unsigned columns;       /* their width; 0: 80 */

	/*
	 * Read a whole file. NULL: this host has no files.
	 * Returns 0 and the text, which @done takes back; or a negative error, and in
	 * @why the host's own words for it, if it has some: it comes in as NULL.
	 */
	int (*read)(void *ctx, const char *name, char **text, size_t *length, const char **why);
	void (*done)(void *ctx, char *text, size_t length);

	/* From here on the caller is that processor. NULL: there is only cpu 0. */
	void (*set_cpu)(void *ctx, unsigned cpu);

	void *ctx; /* handed to these three */

	/* What `machine this` is: one with all its tiers, that the host runs on. NULL: none. */
	struct quire *machine;
};

struct lab;

/**
 * lab_create - begin a session; it has no machine yet
 * @host: copied
 * @out:  the session
 *
 * Return: 0; -QUIRE_ENOMEM
 */
int lab_create(const struct lab_host *host, struct lab **out);

/**
 * lab_destroy - end a session and its machine
 * @lab: the session, or NULL
 */
void lab_destroy(struct lab *lab);

/**
 * lab_line - do one line
 * @lab:    the session
 * @text:   without its newline
 * @length: in bytes
 *
 * Return: LAB_OK, or what went wrong: lab_message says it
 */
enum lab_status lab_line(struct lab *lab, const char *text, size_t length);

/**
 * lab_text - do a whole script, up to quit or the first line that goes wrong
 * @lab:    the session
 * @name:   of the script, for messages
 * @text:   its lines
 * @length: in bytes
 *
 * Return: as lab_line; lab_message is then "NAME:LINE: what"
 */
enum lab_status lab_text(struct lab *lab, const char *name, const char *text, size_t length);

/** lab_ended - did the last line say quit? A host that reads line by line ends there */
bool lab_ended(const struct lab *lab);

/** lab_message - what went wrong last, one line without a newline */
const char *lab_message(const struct lab *lab);

/**
 * lab_boot - build the zones of the machine described, unless that is done
 * @lab: the session
 *
 * Return: as lab_line
 */
enum lab_status lab_boot(struct lab *lab);

/** lab_quire - the machine; NULL until it is booted */
struct quire *lab_quire(struct lab *lab);

struct quire_mm;

/** struct lab_process_info - a process of the session */
struct lab_process_info {
	unsigned pid;
	const char *name;    /* in the script */
	const char *command; /* that exec started last; "" if none */
	struct quire_mm *mm;
};

/**
 * lab_next_process - the process with the lowest number above @pid. Return: whether there is one
 */
bool lab_next_process(struct lab *lab, unsigned pid, struct lab_process_info *out);

/**
 * lab_help - write the help of a command
 * @sink: gets the text, at most 80 columns wide
 * @name: of the command; NULL or "": the list of all
 *
 * Return: 0; -QUIRE_ENOENT if there is no such command
 */
int lab_help(const struct quire_sink *sink, const char *name);

/**
 * lab_complete - the i-th word that can stand next
 * @lab:  the session
 * @line: what has been typed, up to where the word is wanted
 * @i:    0, 1, 2, …
 *
 * Return: a word that begins as the last one typed, good until the next call; NULL after the last
 */
const char *lab_complete(struct lab *lab, const char *line, size_t i);

#endif
