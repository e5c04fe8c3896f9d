/* SPDX-License-Identifier: MIT */
/*
 * replay_kind.h - kinds of recordings, and what they share
 */
#ifndef QUIRE_CLI_REPLAY_KIND_H
#define QUIRE_CLI_REPLAY_KIND_H

#include "cli.h"
#include "input.h"

/** struct replay_run - a replay while it goes on */
struct replay_run {
	struct cli *cli;
	struct input *in;
	const struct replay_kind *kind;
	void *state; /* of the kind */
	uint64_t lines;
	uint64_t skipped;   /* damaged lines, left out */
	uint64_t replay_ns; /* spent on the machine */
	struct quire *q;    /* the machine */
	/* At the end: the machine's invariants hold, and its hash. */
	bool sound;
	uint64_t hash;
};

/** struct replay_kind - one kind of recording. What returns an int returns an exit status */
struct replay_kind {
	bool (*is_mine)(const char *line, size_t length); /* can only this kind have that line? */
	int (*begin)(struct replay_run *run);
	int (*line)(struct replay_run *run, const char *line, size_t length);
	int (*flush)(struct replay_run *run);   /* do what was put off */
	void (*report)(struct replay_run *run); /* at the end */
	void (*end)(struct replay_run *run);    /* after a begin that failed, too */
};

/** replay_pages - text of ftrace: the page allocator's events */
extern const struct replay_kind replay_pages;

/** replay_calls - text of strace: the calls that change address spaces */
extern const struct replay_kind replay_calls;

/** replay_touches - text of valgrind's lackey: every access of a program */
extern const struct replay_kind replay_touches;

/** replay_now_ns - a clock for differences */
uint64_t replay_now_ns(void);

/**
 * replay_damaged - something in the input is wrong: with --lenient it is counted, else told
 * @run: the replay
 * @why: in a few words
 *
 * Return: CLI_OK; CLI_FILE: it ends here
 */
int replay_damaged(struct replay_run *run, const char *why);

#endif
