/* SPDX-License-Identifier: MIT */
/*
 * tree_check.c - the rules of the tree of ranges
 */
#include "core/tree.h"

#include "core/node.h"

static inline uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

struct check {
	const struct tree_root *tree;
	uint64_t nr;    /* ranges seen */
	uint64_t nodes;
	uint64_t end;   /* of the last one */
};

/* Where a node is in its level. */
struct place {
	bool first, last;
};

static const char *limits_check(const struct check *k, const struct tree_node *n, uint32_t level,
				struct place at)
{
	uint32_t few = level + 1 == k->tree->height ? 1 + !!level
		       : at.first || at.last	    ? 1
						    : TREE_MIN;

	if (n->last > TREE_FAN || n->first > n->last || node_nr(n) < few)
		return "TREE-3";
	for (uint32_t i = 0; i < TREE_FAN; i++) {
		if ((i < n->first && n->end[i]) || (i >= n->last && n->end[i] != UINT64_MAX))
			return "TREE-4";
	}
	return NULL;
}

/* @*gap: the widest in it */
static const char *node_check(struct check *k, const struct tree_node *n, uint32_t level,
			      struct place at, uint64_t *gap)
{
	const char *broken = limits_check(k, n, level, at);

	k->nodes++;
	*gap = 0;
	for (uint32_t i = n->first; i < n->last && !broken; i++) {
		const struct tree_node *child = n->slot[i].child;
		const struct place below = { at.first && i == n->first,
					     at.last && i + 1 == n->last };
		uint64_t inside;

		if (!level) {
			if (n->start[i] >= n->end[i] || n->start[i] < k->end)
				return "TREE-1";
			*gap = larger(*gap, n->start[i] - k->end);
			k->end = n->end[i];
			k->nr++;
			continue;
		}
		broken = node_check(k, child, level - 1, below, &inside);
		if (!broken && (n->end[i] != node_end(child) || n->gap[i] < inside))
			broken = "TREE-2";
		/* What an entry says of its child's, it has from there. */
		*gap = larger(*gap, n->gap[i]);
	}
	return broken;
}

const char *tree_check(const struct tree_root *tree)
{
	struct check k = { .tree = tree, .end = tree->base };
	uint32_t spare = 0;
	uint64_t gap;

	if (tree->root) {
		const char *broken = node_check(&k, tree->root, tree->height - 1,
						(struct place){ true, true }, &gap);

		if (broken)
			return broken;
	}
	for (const struct tree_node *n = tree->spare; n; n = n->next)
		spare++;
	if (k.nr != tree->nr || k.nodes != tree->nr_nodes || spare != tree->nr_spare)
		return "TREE-4";
	return NULL;
}
