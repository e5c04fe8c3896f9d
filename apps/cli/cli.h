/* SPDX-License-Identifier: MIT */
/*
 * cli.h - what the subcommands of `quire` share
 *
 * main.c finds the subcommand in one table, parses the options that the table
 * allows it, and calls it with the operands that are left. Results go to
 * standard output, talk and errors to standard error. A subcommand returns
 * its exit status.
 */
#ifndef QUIRE_CLI_H
#define QUIRE_CLI_H

#include <quire/format.h>
#include <quire/quire.h>

#include <stdbool.h>
#include <stdint.h>

#include "hosted.h"
#include "input.h"

struct lab;

/** Exit statuses of the program. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,    /* an expectation or an invariant failed */
	CLI_USAGE = 2,     /* a wrong word on the command line or in a script */
	CLI_FILE = 3,      /* a file can't be read or written, or the host has no memory */
	CLI_ASSERTION = 4, /* an assertion of the core */
};

/* Reservations that one command line can make. */
#define CLI_RESERVE_MAX 32

/** struct cli_progress - the bar on standard error; see cli_progress */
struct cli_progress {
	const char *unit;  /* what is counted: "lines", "bytes"; NULL: nothing */
	uint64_t start_ns; /* 0: not started */
	uint64_t drawn_ns; /* last time it was drawn; 0: never */
};

/** struct cli - one run of the program */
struct cli {
	const char *command; /* the subcommand's name, for messages */

	/* Options, as written; NULL or false where they were not given. */
	const char *machine; /* --machine KIND */
	const char *map;     /* --map FILE */
	const char *ram;     /* --ram SIZE */
	const char *split;   /* --split S */
	const char *lowmem;  /* --lowmem ADDRESS */
	const char *movable; /* --movable SIZE */
	const char *cpus;    /* --cpus N */
	const char *reserve[CLI_RESERVE_MAX]; /* --reserve START-END */
	unsigned nr_reserve;
	const char *script; /* --script FILE: brings the machine into a state first */
	const char *dir;    /* --dir D */
	bool lenient;       /* --lenient */
	bool json;          /* --json */
	bool svg;           /* --svg */

	bool out_colour;  /* standard output is a terminal, and NO_COLOR is not set */
	bool err_colour;  /* the same of standard error */
	bool err_terminal; /* standard error is a terminal */
	unsigned columns; /* width of the terminal; 80 where there is none */

	struct quire_sink out;  /* standard output; check with cli_flush */
	struct quire_sink talk; /* standard error */
	struct quire_hosted port; /* the machine's host */
	struct lab *lab;        /* the session that cli_boot made */
	struct cli_progress progress;
	char why[INPUT_WHY_MAX]; /* what was wrong with the file that the session asked for */
};

/**
 * cli_error - one line on standard error
 * @cli: the run
 * @fmt: as printf, without a newline; "FILE:LINE: what" where a file is to blame
 *
 * "quire: " goes before it.
 */
void cli_error(struct cli *cli, const char *fmt, ...) QUIRE_PRINTF(2, 3);

/**
 * cli_usage - cli_error for a wrong command line
 * @cli: the run
 * @fmt: likewise
 *
 * Return: CLI_USAGE
 */
int cli_usage(struct cli *cli, const char *fmt, ...) QUIRE_PRINTF(2, 3);

/**
 * cli_machine_told - was a machine described on the command line?
 * @cli: the run
 *
 * For a command with a machine of its own when there is none.
 */
bool cli_machine_told(const struct cli *cli);

/**
 * cli_boot - make the machine that the options describe, zones and all
 * @cli: the run; cli->script is run on it, too
 * @out: the machine; it belongs to @cli and lives until the program ends
 *
 * Without --machine it is what the map says, else an x86-64; without --map and
 * --ram it has 1 GB.
 *
 * Return: CLI_OK, or the exit status after an error that has been printed
 */
int cli_boot(struct cli *cli, struct quire **out);

/**
 * cli_session - cli_boot, but only the session: nothing is built before it is needed
 * @cli: the run; cli->lab is set
 *
 * The options, if there are any, have been said to the session.
 *
 * Return: as cli_boot
 */
int cli_session(struct cli *cli);

/**
 * cli_script - run a script in cli->lab
 * @cli:  the run
 * @name: of the file; "-" is standard input
 *
 * Return: CLI_OK, or the exit status after an error that has been printed
 */
int cli_script(struct cli *cli, const char *name);

/**
 * cli_line - boot the machine, and do one command of the script language
 * @cli:     the run
 * @command: its name
 * @argc:    of its words
 * @argv:    one each
 *
 * Return: CLI_OK, or the exit status after an error that has been printed
 */
int cli_line(struct cli *cli, const char *command, int argc, char **argv);

/**
 * cli_read_file - read a whole file, as input_all
 * @cli:    the run
 * @name:   "-" is standard input
 * @text:   the contents, to be freed with free()
 * @length: their length
 *
 * Return: CLI_OK; CLI_FILE after an error that has been printed
 */
int cli_read_file(struct cli *cli, const char *name, char **text, size_t *length);

/**
 * cli_flush - write out what is buffered for standard output
 * @cli: the run
 *
 * main does it at the end. A reader that went away (EPIPE) is no error to tell.
 *
 * Return: CLI_OK; CLI_FILE if anything since the start could not be written
 */
int cli_flush(struct cli *cli);

/**
 * cli_progress - show how far the work is
 * @cli:   the run; set cli->progress.unit before
 * @done:  units done
 * @total: of so many; 0 if that is not known
 *
 * Draws a bar with rate and time left on standard error if that is a terminal, and
 * only on work over a second. Cheap, but it reads the clock: call it every
 * thousand units or so.
 */
void cli_progress(struct cli *cli, uint64_t done, uint64_t total);

/** cli_progress_end - wipe the bar; before any other text, and at the end */
void cli_progress_end(struct cli *cli);

/* The subcommands. @argc and @argv are the operands alone. */
int cmd_run(struct cli *cli, int argc, char **argv);
int cmd_shell(struct cli *cli, int argc, char **argv);
int cmd_replay(struct cli *cli, int argc, char **argv);
int cmd_proc(struct cli *cli, int argc, char **argv);
int cmd_draw(struct cli *cli, int argc, char **argv);
int cmd_walk(struct cli *cli, int argc, char **argv);
int cmd_check(struct cli *cli, int argc, char **argv);
int cmd_help(struct cli *cli, int argc, char **argv);
int cmd_completion(struct cli *cli, int argc, char **argv);

#endif
