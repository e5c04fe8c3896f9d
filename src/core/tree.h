/* SPDX-License-Identifier: MIT */
/*
 * tree.h - disjoint ranges of addresses in order, with their gaps
 *
 * A B+ tree. A node is a few cache lines of limits, one array for each kind, so that a
 * search reads the ends alone. The leaves (level 0) hold the ranges and what they stand for;
 * above them an entry says where a child ends, and how wide a gap before a range in it may be:
 *
 *    level 1      end    [ 48             | 99        ]
 *                 gap    [ 12             | 12        ]
 *                 slot     │              └────────────┐
 *    level 0      [10,20) [32,40) [40,48)      [60,70) [70,80) [85,99)
 *               10       12      0            12      0       5
 *
 * A range that comes makes gaps narrower, which the nodes above need not know at once: a search
 * that does not find what an entry promises corrects it. A range that goes makes the next one's
 * gap wider, and that they learn.
 *
 * A node's entries need not begin with its first: ranges come and go at either end of a leaf
 * without moving the others. Areas of a process do so downwards, those of the kernel upwards.
 *
 *     end  [ 0 | 0 | 48 | 99 | 120 | ∞ | ∞ ]     first 2, last 5
 *
 * Invariants, checked by tree_check:
 * TREE-1  ranges are not empty, in order, and do not overlap
 * TREE-2  an entry above the leaves ends where its child does, and no gap in it is wider than it
 *         says
 * TREE-3  a node but the root has TREE_MIN entries or more, unless it is the first or last of its
 *         level, which have one or more; a root above the leaves has two or more
 * TREE-4  ends before a node's first entry are 0, behind its last one UINT64_MAX; the ranges
 *         counted are those there
 *
 * Nodes are the caller's memory: before an insertion tree_need says how many the tree lacks,
 * tree_give hands one in, tree_spare takes back what is not used. So nothing fails half-way,
 * and the caller can leave its lock to get memory.
 *
 * Locks: the caller's. Source: Bayer and McCreight 1972; Comer 1979; free gaps in the nodes as
 * in Wilson et al., Dynamic Storage Allocation, 1995 (indexed fits).
 */
#ifndef CORE_TREE_H
#define CORE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Entries of a node: 15 ends are two cache lines, a search in them takes four steps, and
 * ten nodes fit a page, so that on a fragmented machine they can be had. */
#define TREE_FAN 15
#define TREE_MIN 4
/* 15 * 4^15 ranges; more do not fit in memory. */
#define TREE_LEVELS 16

/** struct tree_node - a leaf, or where its children end */
struct tree_node {
	uint64_t end[TREE_FAN];   /* exclusive; 0 before the first, UINT64_MAX from last on */
	union {
		uint64_t start[TREE_FAN]; /* in the leaves */
		uint64_t gap[TREE_FAN];   /* above: before no range in the child it is wider */
	};
	union {
		struct tree_node *child; /* above the leaves */
		void *value;             /* in the leaves */
		uint64_t size;           /* one layout on every host */
	} slot[TREE_FAN];
	uint32_t first, last;   /* the entries in use: [first, last) */
	struct tree_node *next; /* of the spare ones */
};

_Static_assert(sizeof(struct tree_node) <= 400, "ten nodes and a slab's record to a page");

/** struct tree_root - zeroed it is empty; base may be set while it is */
struct tree_root {
	uint64_t base;           /* lowest address: the first range has its gap from there */
	struct tree_node *root;
	uint64_t nr;             /* ranges */
	struct tree_node *spare; /* nodes to be used next */
	uint32_t nr_spare;
	uint32_t nr_nodes;       /* in use */
	uint32_t height;         /* levels */
};

/** struct tree_cursor - a place in the tree: at the leaf's entry, or behind its last one */
struct tree_cursor {
	struct tree_node *node[TREE_LEVELS]; /* by level */
	uint32_t at[TREE_LEVELS];
	uint64_t low; /* where the last range before it ends; without one, the tree's base */
};

/** struct tree_range - a range, and what it stands for */
struct tree_range {
	uint64_t start;
	uint64_t end; /* exclusive, UINT64_MAX - 1 at most */
	void *value;
};

/** struct tree_fit - a gap that is looked for */
struct tree_fit {
	uint64_t bytes; /* not 0 */
	uint64_t align; /* power of two, 1 at least */
	uint64_t low;   /* lowest start */
	uint64_t high;  /* highest end */
};

/** tree_find - what the range stands for that has @address. Return: NULL if none has it */
void *tree_find(const struct tree_root *tree, uint64_t address);

/**
 * tree_seek - go to the first range that ends above an address
 * @tree:    the tree
 * @address: any
 * @c:       the place: behind the last range if none ends above it
 *
 * Return: whether there is such a range
 */
bool tree_seek(const struct tree_root *tree, uint64_t address, struct tree_cursor *c);

/** tree_at - the range at the cursor. Return: false behind the last one of its leaf */
bool tree_at(const struct tree_root *tree, const struct tree_cursor *c, struct tree_range *out);

/** tree_value - what the range at the cursor stands for: tree_seek has found one */
static inline void *tree_value(const struct tree_cursor *c)
{
	return c->node[0]->slot[c->at[0]].value;
}

/**
 * tree_above - what the first range above a gap stands for
 * @tree: the tree
 * @c:    by tree_seek, tree_gap or tree_gap_top: in the gap
 *
 * Return: NULL if there is none
 */
static inline void *tree_above(const struct tree_root *tree, const struct tree_cursor *c)
{
	return tree->root && c->at[0] < c->node[0]->last ? tree_value(c) : NULL;
}

/** tree_before - what the last range below the gap stands for. Return: NULL if there is none */
void *tree_before(const struct tree_root *tree, const struct tree_cursor *c);

/** tree_below - where the last range below the gap ends, or the tree begins */
static inline uint64_t tree_below(const struct tree_cursor *c)
{
	return c->low;
}

/** tree_behind - go from the range at the cursor into the gap behind it */
static inline void tree_behind(struct tree_cursor *c)
{
	c->low = c->node[0]->end[c->at[0]++];
}

/** tree_next - go to the next range. Return: false, and the cursor stays, if it is the last */
bool tree_next(const struct tree_root *tree, struct tree_cursor *c);

/**
 * tree_gap - find the lowest gap that fits
 * @tree:  the tree
 * @fit:   size, alignment, limits
 * @c:     where tree_insert puts a range of it
 * @start: the lowest aligned address in the gap
 *
 * Logarithmic (amortized), but for alignments beyond that of all ranges, when gaps that only just
 * fit are looked at one by one.
 *
 * Return: false if there is none
 */
bool tree_gap(struct tree_root *tree, const struct tree_fit *fit, struct tree_cursor *c,
	      uint64_t *start);

/** tree_prev - go to the range before. Return: false, and the cursor stays, if there is none */
bool tree_prev(const struct tree_root *tree, struct tree_cursor *c);

/**
 * tree_gap_top - find the highest gap that fits
 * @tree:  the tree
 * @fit:   size, alignment, limits; high is not 0
 * @c:     where tree_insert puts a range of it
 * @start: the highest aligned address in the gap from which @fit->bytes are free
 *
 * As expensive as tree_gap. Return: false if there is none
 */
bool tree_gap_top(struct tree_root *tree, const struct tree_fit *fit, struct tree_cursor *c,
		  uint64_t *start);

/** tree_need - nodes that an insertion at @c takes, less those that are spare; 0: go ahead */
uint32_t tree_need(const struct tree_root *tree, const struct tree_cursor *c);

/** tree_room - tree_need is 0 for sure: there is room in the leaf */
static inline bool tree_room(const struct tree_root *tree, const struct tree_cursor *c)
{
	return tree->root && c->node[0]->last - c->node[0]->first < TREE_FAN;
}

/** tree_give - hand in memory for a node, sizeof(struct tree_node) */
void tree_give(struct tree_root *tree, void *memory);

/** tree_spare - take a node's memory back. Return: NULL if no more than @keep are unused */
void *tree_spare(struct tree_root *tree, uint32_t keep);

/**
 * tree_insert - put a range into the gap at the cursor, which is not valid after
 * @tree:  with tree_need(tree, c) == 0
 * @c:     in a gap that holds the range, by tree_seek(start), tree_behind or those for gaps
 * @start: of the range
 * @end:   exclusive, UINT64_MAX - 1 at most
 * @value: what it stands for
 */
void tree_insert(struct tree_root *tree, struct tree_cursor *c, uint64_t start, uint64_t end,
		 void *value);

/** tree_erase - take the range at the cursor out; the cursor is not valid after */
void tree_erase(struct tree_root *tree, struct tree_cursor *c);

/**
 * tree_resize - change the limits and the value of the range at the cursor
 * @tree:  the tree
 * @c:     at a range; stays valid
 * @range: does not reach into its neighbours
 */
void tree_resize(struct tree_root *tree, struct tree_cursor *c, const struct tree_range *range);

/**
 * tree_check - are its rules kept?
 * @tree: any
 *
 * Return: NULL, or the rule that is broken: "TREE-1" …
 */
const char *tree_check(const struct tree_root *tree);

#endif
