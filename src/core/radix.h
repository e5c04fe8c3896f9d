/* SPDX-License-Identifier: MIT */
/*
 * radix.h - an array of pointers with holes, and which of them are tagged
 *
 * Six bits of the index choose a slot at each level. Which slots are in use, and in which subtrees
 * something is tagged, are two words of a node, so that the next one is found without looking at
 * slots.
 *
 *    index 0x0c3 = 3 | 3      level 1  present ...1001   tagged ...0001
 *                                        slot 3 │   └ slot 0
 *                             level 0  present ...1000   tagged ...0000
 *                                        slot 3: the pointer
 *
 * Invariants, checked by radix_check:
 * RADIX-1  no node is empty; a root above the leaves has something beyond its first slot
 * RADIX-2  a slot is tagged only if it is in use; above the leaves if and only if something below
 * it is RADIX-3  the pointers and nodes counted are those there
 *
 * Nodes are the caller's memory, as in tree.h: before an insertion radix_need says how many are
 * lacking, radix_give hands one in, radix_spare takes back what is not used.
 *
 * Locks: the caller's. Source: Morrison 1968 (Patricia); Bagwell 2000 (bitmaps of slots in use)
 */
#ifndef CORE_RADIX_H
#define CORE_RADIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RADIX_BITS 6
#define RADIX_SLOTS (1u << RADIX_BITS)
#define RADIX_LEVELS 11 /* 64 bits of index */

/** struct radix_node - a leaf, or a level above */
struct radix_node {
	uint64_t present; /* slots in use */
	uint64_t tagged;
	union {
		struct radix_node *child; /* above the leaves; slot 0 of a spare node: the next */
		void *value;
		uint64_t size; /* one layout on every host */
	} slot[RADIX_SLOTS];
};

/** struct radix_root - zeroed it is empty */
struct radix_root {
	struct radix_node *root;
	struct radix_node *spare; /* nodes to be used next */
	uint64_t nr;              /* pointers */
	uint32_t nr_nodes;        /* in use */
	uint32_t nr_spare;
	uint32_t height;          /* levels */
};

/** radix_find - the pointer at an index. Return: NULL if there is none */
void *radix_find(const struct radix_root *tree, uint64_t index);

/**
 * radix_next - the next pointer
 * @tree:   the tree
 * @index:  the lowest that will do; set to that of the pointer
 * @last:   the highest that will do
 * @tagged: tagged ones alone
 *
 * Return: NULL if there is none
 */
void *radix_next(const struct radix_root *tree, uint64_t *index, uint64_t last, bool tagged);

/** radix_need - nodes that an insertion takes, less those that are spare; 0: go ahead */
uint32_t radix_need(const struct radix_root *tree, uint64_t index);

/** radix_give - hand in memory for a node */
void radix_give(struct radix_root *tree, void *memory);

/** radix_spare - take a node's memory back. Return: NULL if no more than @keep are unused */
void *radix_spare(struct radix_root *tree, uint32_t keep);

/** radix_insert - put a pointer where none is, with radix_need(tree, index) == 0; not tagged */
void radix_insert(struct radix_root *tree, uint64_t index, void *value);

/** radix_erase - take the pointer out. Return: it; NULL if there was none */
void *radix_erase(struct radix_root *tree, uint64_t index);

/** radix_tag - tag the pointer that is there, or not. Return: what it was */
bool radix_tag(struct radix_root *tree, uint64_t index, bool tagged);

/** radix_tagged - is the pointer at an index tagged? */
bool radix_tagged(const struct radix_root *tree, uint64_t index);

/** radix_check - are its rules kept? Return: NULL, or the rule that is broken */
const char *radix_check(const struct radix_root *tree);

#endif
