/* SPDX-License-Identifier: MIT */
/*
 * node.h - a node of the tree of ranges (tree.h), for those who look and those who change
 */
#ifndef CORE_NODE_H
#define CORE_NODE_H

#include "core/assert.h"
#include "core/tree.h"

/**
 * node_seek - the first entry that ends above @address. Return: last or more if there is none
 *
 * Four steps, no branch.
 */
static inline uint32_t node_seek(const struct tree_node *n, uint64_t address)
{
	size_t i = (size_t)(n->end[7] <= address) * 8;

	i += (size_t)(n->end[i + 3] <= address) * 4;
	i += (size_t)(n->end[i + 1] <= address) * 2;
	return (uint32_t)(i + (n->end[i] <= address));
}

/** node_nr - entries in use */
static inline uint32_t node_nr(const struct tree_node *n)
{
	return n->last - n->first;
}

/** node_end - where its last entry ends */
static inline uint64_t node_end(const struct tree_node *n)
{
	return n->end[n->last - 1];
}

/** node_below - where the range before the cursor's entry of @level ends, or the tree begins */
static inline uint64_t node_below(const struct tree_root *tree, const struct tree_cursor *c,
				  uint32_t level)
{
	for (; level < tree->height; level++) {
		const struct tree_node *n = c->node[level];
		uint32_t i = c->at[level];

		if (i > n->first)
			return n->end[i - 1];
	}
	return tree->base;
}

/** node_widest - its widest gap, or what that may be. @low: where the range before it ends */
static inline uint64_t node_widest(const struct tree_node *n, uint32_t level, uint64_t low)
{
	uint64_t most = 0;

	for (uint32_t i = n->first; i < n->last; i++) {
		uint64_t gap = level ? n->gap[i] : n->start[i] - low;

		most = gap > most ? gap : most;
		low = n->end[i];
	}
	return most;
}

#endif
