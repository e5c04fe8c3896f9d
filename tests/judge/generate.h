/* SPDX-License-Identifier: MIT */
/*
 * generate.h - random episodes
 */
#ifndef JUDGE_GENERATE_H
#define JUDGE_GENERATE_H

#include "call.h"

/* Where calls meet: addresses that nothing else in a process wants. */
#define ARENA 0x10000000u
#define ARENA_BYTES (16u << 20)
#define DENSE (ARENA + (2u << 20))  /* in the middle of the pages that most calls want */
#define STACKS (ARENA + (8u << 20)) /* where areas that grow down have room */

/**
 * generate - an episode
 * @seed: the same seed gives the same episode
 * @nr:   calls, up to WIRE_CALLS
 * @out:  filled
 *
 * It does no harm to the executor, whatever becomes of the calls.
 */
void generate(uint64_t seed, unsigned nr, struct episode *out);

#endif
