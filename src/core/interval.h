/* SPDX-License-Identifier: MIT */
/*
 * interval.h - ranges that may overlap: which of them touch a range?
 *
 * An AVL tree by start, each node with the highest last below it, so that all k ranges that touch
 * one are found in O(k + log n). The nodes are embedded in what they stand for, and know their
 * parents: one of a thousand equal ranges is taken out without a search.
 *
 * Invariants, checked by interval_check:
 * INTERVAL-1  ranges are in order of start
 * INTERVAL-2  a node's max is the highest last of its subtree
 * INTERVAL-3  the heights of a node's two sides differ by its balance, one at the most
 * INTERVAL-4  children know their parent; the ranges counted are those there
 *
 * Locks: the caller's. Source: Adelson-Velsky and Landis 1962; Cormen, Leiserson, Rivest, Stein,
 * Introduction to Algorithms, 14.3
 */
#ifndef CORE_INTERVAL_H
#define CORE_INTERVAL_H

#include <stdbool.h>
#include <stdint.h>

/** struct interval - one range: [first, last], both included */
struct interval {
	uint64_t first, last;
	uint64_t max;              /* highest last of this subtree */
	struct interval *child[2]; /* those before, those after */
	uintptr_t up;              /* parent | height of child[1] - height of child[0] + 1 */
};

_Static_assert(sizeof(struct interval) <= 48, "an area's record has room for that");

/** struct interval_root - zeroed it is empty */
struct interval_root {
	struct interval *root;
	uint64_t nr;
};

/** interval_insert - put a range in; first and last are set. Equal ones may be there */
void interval_insert(struct interval_root *tree, struct interval *node);

/** interval_erase - take a range out that is in */
void interval_erase(struct interval_root *tree, struct interval *node);

/**
 * interval_next - the ranges that touch [first, last], one after the other
 * @tree:  the tree, not changed meanwhile
 * @after: NULL: the first one
 * @first: lowest
 * @last:  highest, included
 *
 * In order of start, equal ones in order of insertion, whatever their addresses in the host.
 *
 * Return: NULL after the last
 */
struct interval *interval_next(const struct interval_root *tree, const struct interval *after,
			       uint64_t first, uint64_t last);

/** interval_check - are its rules kept? Return: NULL, or the rule that is broken */
const char *interval_check(const struct interval_root *tree);

#endif
