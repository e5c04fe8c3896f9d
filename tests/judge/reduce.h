/* SPDX-License-Identifier: MIT */
/*
 * reduce.h - the shortest episode that still shows a difference
 */
#ifndef JUDGE_REDUCE_H
#define JUDGE_REDUCE_H

#include "call.h"

/** struct reduction - what an episode must still do */
struct reduction {
	/* Does it show the difference? May shorten @episode behind the call that shows it. */
	bool (*shows)(void *ctx, struct episode *episode);
	void *ctx;
	unsigned trials; /* made so far */
	unsigned most;   /* that are made */
};

/**
 * reduce - leave calls out and make them smaller, as long as the difference shows
 * @r:       how that is seen
 * @episode: shows it; becomes the shortest that was found
 */
void reduce(struct reduction *r, struct episode *episode);

#endif
