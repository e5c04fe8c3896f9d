/* SPDX-License-Identifier: MIT */
/*
 * radix.c - an array of pointers with holes
 */
#include "core/radix.h"

#include "core/assert.h"
#include "core/bits.h"

static unsigned slot_of(uint64_t index, unsigned level)
{
	return (unsigned)(index >> (level * RADIX_BITS)) & (RADIX_SLOTS - 1);
}

/* Levels that an index takes. */
static uint32_t levels_of(uint64_t index)
{
	return index ? bits_last(index) / RADIX_BITS + 1 : 1;
}

/* The leaf that has an index, or would have it. NULL: there is no such node */
static struct radix_node *leaf_of(const struct radix_root *tree, uint64_t index)
{
	struct radix_node *n = tree->root;

	if (levels_of(index) > tree->height)
		return NULL;
	for (uint32_t level = tree->height - 1; level; level--) {
		unsigned i = slot_of(index, level);

		if (!(n->present >> i & 1))
			return NULL;
		n = n->slot[i].child;
	}
	return n;
}

void *radix_find(const struct radix_root *tree, uint64_t index)
{
	const struct radix_node *leaf = leaf_of(tree, index);
	unsigned i = slot_of(index, 0);

	return leaf && leaf->present >> i & 1 ? leaf->slot[i].value : NULL;
}

bool radix_tagged(const struct radix_root *tree, uint64_t index)
{
	const struct radix_node *leaf = leaf_of(tree, index);

	return leaf && leaf->tagged >> slot_of(index, 0) & 1;
}

/*
 * Go down from the root towards *@index while there is something at or above it. Where a node has
 * nothing, *@index becomes the first index behind that node. Return: the pointer; NULL: look again
 * from there
 */
static void *descend(const struct radix_root *tree, uint64_t *index, bool tagged)
{
	const struct radix_node *n = tree->root;

	for (uint32_t level = tree->height; level-- > 0;) {
		unsigned shift = level * RADIX_BITS, i = slot_of(*index, level);
		uint64_t there = (tagged ? n->tagged : n->present) >> i;

		if (!there) {
			/* Behind the last node there is nothing: the sum wraps to 0. */
			unsigned above = shift + RADIX_BITS;

			*index = above < 64 ? ((*index >> above) + 1) << above : 0;
			return NULL;
		}
		unsigned skip = bits_first(there);

		if (skip)
			*index = ((*index >> shift) + skip) << shift;
		i += skip;
		if (!level)
			return n->slot[i].value;
		n = n->slot[i].child;
	}
	return NULL;
}

void *radix_next(const struct radix_root *tree, uint64_t *index, uint64_t last, bool tagged)
{
	uint64_t at = *index;

	while (at <= last && levels_of(at) <= tree->height) {
		uint64_t from = at;
		void *value = descend(tree, &at, tagged);

		if (value && at <= last) {
			*index = at;
			return value;
		}
		if (value || at <= from)
			break;
	}
	return NULL;
}

uint32_t radix_need(const struct radix_root *tree, uint64_t index)
{
	uint32_t levels = levels_of(index), need = 0;

	if (!tree->root) {
		need = levels;
	} else if (levels > tree->height) {
		need = levels - tree->height + levels - 1;
	} else {
		const struct radix_node *n = tree->root;

		for (uint32_t level = tree->height - 1; level; level--) {
			unsigned i = slot_of(index, level);

			if (!(n->present >> i & 1)) {
				need = level;
				break;
			}
			n = n->slot[i].child;
		}
	}
	return need > tree->nr_spare ? need - tree->nr_spare : 0;
}

void radix_give(struct radix_root *tree, void *memory)
{
	struct radix_node *n = memory;

	n->slot[0].child = tree->spare;
	tree->spare = n;
	tree->nr_spare++;
}

void *radix_spare(struct radix_root *tree, uint32_t keep)
{
	struct radix_node *n = tree->spare;

	if (tree->nr_spare <= keep)
		return NULL;
	tree->spare = n->slot[0].child;
	tree->nr_spare--;
	return n;
}

/* A node without anything in it. */
static struct radix_node *take(struct radix_root *tree)
{
	struct radix_node *n = tree->spare;

	ASSERT("RADIX-1", n);
	tree->spare = n->slot[0].child;
	tree->nr_spare--;
	tree->nr_nodes++;
	n->present = 0;
	n->tagged = 0;
	return n;
}

static void give_back(struct radix_root *tree, struct radix_node *n)
{
	tree->nr_nodes--;
	radix_give(tree, n);
}

/* Put levels on top until the index is in reach. */
static void grow(struct radix_root *tree, uint32_t levels)
{
	if (!tree->root) {
		tree->root = take(tree);
		tree->height = levels;
		return;
	}
	while (tree->height < levels) {
		struct radix_node *n = take(tree);

		n->present = 1;
		n->tagged = tree->root->tagged != 0;
		n->slot[0].child = tree->root;
		tree->root = n;
		tree->height++;
	}
}

void radix_insert(struct radix_root *tree, uint64_t index, void *value)
{
	uint32_t levels = levels_of(index);

	if (levels > tree->height)
		grow(tree, levels);
	struct radix_node *n = tree->root;

	for (uint32_t level = tree->height - 1; level; level--) {
		unsigned i = slot_of(index, level);

		if (!(n->present >> i & 1)) {
			n->slot[i].child = take(tree);
			n->present |= 1ull << i;
		}
		n = n->slot[i].child;
	}
	unsigned i = slot_of(index, 0);

	ASSERT("RADIX-3", !(n->present >> i & 1));
	n->slot[i].value = value;
	n->present |= 1ull << i;
	tree->nr++;
}

/* struct path - the nodes from the root to an index, by level */
struct path {
	struct radix_node *node[RADIX_LEVELS];
};

/* Return: false if there is nothing at the index */
static bool path_to(const struct radix_root *tree, uint64_t index, struct path *path)
{
	struct radix_node *n = tree->root;

	if (!tree->height || levels_of(index) > tree->height)
		return false;
	for (uint32_t level = tree->height; level-- > 0;) {
		unsigned i = slot_of(index, level);

		path->node[level] = n;
		if (!(n->present >> i & 1))
			return false;
		if (level)
			n = n->slot[i].child;
	}
	return true;
}

/* Clear the tag, upwards while nothing else is tagged. */
static void untag(const struct radix_root *tree, uint64_t index, struct path *path)
{
	for (uint32_t level = 0; level < tree->height; level++) {
		struct radix_node *n = path->node[level];

		n->tagged &= ~(1ull << slot_of(index, level));
		if (n->tagged)
			return;
	}
}

void *radix_erase(struct radix_root *tree, uint64_t index)
{
	struct path path;

	if (!path_to(tree, index, &path))
		return NULL;
	void *value = path.node[0]->slot[slot_of(index, 0)].value;

	if (path.node[0]->tagged >> slot_of(index, 0) & 1)
		untag(tree, index, &path);
	tree->nr--;
	for (uint32_t level = 0; level < tree->height; level++) {
		struct radix_node *n = path.node[level];

		n->present &= ~(1ull << slot_of(index, level));
		if (n->present)
			break;
		give_back(tree, n);
		if (n == tree->root) {
			tree->root = NULL;
			tree->height = 0;
		}
	}
	while (tree->height > 1 && tree->root->present == 1) {
		struct radix_node *n = tree->root;

		tree->root = n->slot[0].child;
		tree->height--;
		give_back(tree, n);
	}
	return value;
}

bool radix_tag(struct radix_root *tree, uint64_t index, bool tagged)
{
	struct path path;

	if (!path_to(tree, index, &path))
		return false;
	bool was = path.node[0]->tagged >> slot_of(index, 0) & 1;

	if (was && !tagged)
		untag(tree, index, &path);
	for (uint32_t level = 0; !was && tagged && level < tree->height; level++)
		path.node[level]->tagged |= 1ull << slot_of(index, level);
	return was;
}

/* struct count - what a walk over the tree has seen */
struct count {
	uint64_t nr, nodes;
	const char *broken;
};

/* Goes as deep as the tree is high. Return: whether something is tagged here */
static bool walk(const struct radix_node *n, uint32_t level, struct count *count)
{
	count->nodes++;
	if (!n->present)
		count->broken = "RADIX-1";
	if (n->tagged & ~n->present)
		count->broken = "RADIX-2";
	for (unsigned i = 0; i < RADIX_SLOTS && !count->broken; i++) {
		if (!(n->present >> i & 1))
			continue;
		if (!level)
			count->nr++;
		else if (walk(n->slot[i].child, level - 1, count) != (n->tagged >> i & 1) &&
			 !count->broken)
			count->broken = "RADIX-2";
	}
	return n->tagged != 0;
}

const char *radix_check(const struct radix_root *tree)
{
	struct count count = { 0, 0, NULL };

	if (tree->root) {
		if (tree->height > 1 && tree->root->present == 1)
			return "RADIX-1";
		walk(tree->root, tree->height - 1, &count);
	}
	if (!count.broken && (count.nr != tree->nr || count.nodes != tree->nr_nodes))
		count.broken = "RADIX-3";
	return count.broken;
}
