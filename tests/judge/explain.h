/* SPDX-License-Identifier: MIT */
/*
 * explain.h - differences that are known, and why they are there
 */
#ifndef JUDGE_EXPLAIN_H
#define JUDGE_EXPLAIN_H

#include "compare.h"

/** struct evidence - all that is known of a difference */
struct evidence {
	const struct episode *episode;
	const struct difference *difference;
	const struct trace *real, *other;
	const struct origin *origin;
};

/** explain - Return: the number of the reason; -1 if it is none of the known ones */
int explain(const struct evidence *evidence);

#define EXPLAIN_REASONS 16

/** explain_reason - the reason of that number; NULL behind the last */
const char *explain_reason(unsigned n);

#endif
