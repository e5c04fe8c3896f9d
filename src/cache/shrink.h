/* SPDX-License-Identifier: MIT */
/*
 * shrink.h - clean pages that nobody uses are dropped
 *
 * A hand goes round over all files with a store and all their pages. A page that was used since it
 * last came by is passed over once.
 *
 * Source: Corbató, A Paging Experiment with the Multics System, 1968 (the clock)
 */
#ifndef CACHE_SHRINK_H
#define CACHE_SHRINK_H

#include "cache/inode.h"

/** shrink_range - drop what can be dropped of [first, last]. Return: how many. Locks: takes P */
uint64_t shrink_range(struct quire_inode *inode, uint64_t first, uint64_t last);

/** shrink_reclaim - frames are short: struct tier's reclaim */
uint64_t shrink_reclaim(struct quire *q, struct tier *tier, quire_gfp_t gfp);

#endif
