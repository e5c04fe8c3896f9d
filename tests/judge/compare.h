/* SPDX-License-Identifier: MIT */
/*
 * compare.h - find the first call that two sides answered differently
 */
#ifndef JUDGE_COMPARE_H
#define JUDGE_COMPARE_H

#include "trace.h"

/* In what two answers differ. */
enum aspect {
	ASPECT_NONE,
	ASPECT_STATE, /* one side could not do the call */
	ASPECT_RESULT,
	ASPECT_SIGNAL,
	ASPECT_VALUE, /* what was read */
	ASPECT_BYTES, /* mincore, contents of files */
	ASPECT_MAPS,
	ASPECT_PAGES,  /* which pages are there */
	ASPECT_COUNTS, /* smaps */
	ASPECT_FLAGS,  /* its VmFlags */
	ASPECT_CRASH,  /* one side ended */
	NR_ASPECTS,
};

/** struct difference - where and what */
struct difference {
	enum aspect aspect;
	unsigned call;
	int explained; /* number of the reason, if it is one of the known ones; else -1 */
	uint64_t at;          /* page, area's start (of counts), or index of a byte */
	uint64_t real, other; /* what both say there */
	char text[512];
};

/** aspect_name - of an enum aspect */
const char *aspect_name(enum aspect aspect);

/**
 * compare - find the first difference
 * @episode: what was done
 * @real:    Linux's answers
 * @other:   the other side's
 * @origin:  Linux's release
 * @out:     the first one; ASPECT_NONE if there is none
 *
 * Return: was a difference found, explained or not
 */
bool compare(const struct episode *episode, const struct trace *real, const struct trace *other,
	     const struct origin *origin, struct difference *out);

/** areas_equal - the same addresses, rights, file, place in it */
bool areas_equal(const struct area *a, const struct area *b);

#endif
