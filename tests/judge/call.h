/* SPDX-License-Identifier: MIT */
/*
 * call.h - episodes: sequences of calls, and their text
 *
 * An episode begins in a fresh process with fresh files, so each is a test of its own. As text
 * it is a script of one line for each call:
 *
 *   3 p0 mmap at=0x10200000 bytes=0x3000 prot=rw flags=private|anonymous|fixed
 *   4 p0 write at=@3+0x1000 value=0x90
 *
 * A number, the process, the call, its arguments. An address may be relative to the
 * result of a call (@3), or to the heap.
 */
#ifndef JUDGE_CALL_H
#define JUDGE_CALL_H

#include <stdbool.h>
#include <stdio.h>

#include "wire.h"

/** struct episode - what is done */
struct episode {
	struct setting setting;
	unsigned nr;
	struct call calls[WIRE_CALLS];
};

/** call_blank - a call of which only the kind is known */
struct call call_blank(enum op op);

/** call_name - of an enum op */
const char *call_name(unsigned op);

/** call_print - one line, with its number; @extra: behind it, may be "" */
void call_print(FILE *to, const struct call *call, unsigned number, const char *extra);

/** episode_print - the whole script */
void episode_print(FILE *to, const struct episode *episode);

/** episode_read - what episode_print wrote. Return: true; else a message was printed */
bool episode_read(FILE *from, struct episode *out);

#endif
