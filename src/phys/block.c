/* SPDX-License-Identifier: MIT */
/*
 * block.c - split and search inside one block of 512 frames
 *
 * The parts' words are searched as one, their union: its lowest bit is a pair of the smallest
 * order that has a free half in any of them, its highest one of the largest.
 */
#include "phys/block.h"

#include "core/assert.h"

/* The bit of the pair of order @k, counted from the leaves, in which leaf @f lies. */
#define PAIR(f, k) (TREE_LEAVES - (TREE_LEAVES >> (k)) + ((f) >> ((k) + 1)))
#define BIT(f, k) (1ull << PAIR(f, k))
#define BIT_LEFT(f, k) ((f) >> (k) & 1 ? 0 : BIT(f, k))

#define PATH(f) (BIT(f, 0) | BIT(f, 1) | BIT(f, 2) | BIT(f, 3) | BIT(f, 4) | BIT(f, 5))
#define LEFT(f)                                                               \
	(BIT_LEFT(f, 0) | BIT_LEFT(f, 1) | BIT_LEFT(f, 2) | BIT_LEFT(f, 3) | \
	 BIT_LEFT(f, 4) | BIT_LEFT(f, 5))
#define LOWER(k) (BIT(0, k) - 1)

#define FOUR(mask, f) mask(f), mask((f) + 1), mask((f) + 2), mask((f) + 3)
#define SIXTEEN(mask, f)                                                      \
	FOUR(mask, f), FOUR(mask, (f) + 4), FOUR(mask, (f) + 8), FOUR(mask, (f) + 12)
#define ALL(mask) SIXTEEN(mask, 0), SIXTEEN(mask, 16), SIXTEEN(mask, 32), SIXTEEN(mask, 48)

const struct block_masks block_masks = {
	.path = { ALL(PATH) },
	.left = { ALL(LEFT) },
	.part = { LOWER(0), LOWER(1), LOWER(2), LOWER(3), LOWER(4), LOWER(5), LOWER(6), LOWER(6),
		  LOWER(6), LOWER(6), LOWER(6), LOWER(6), LOWER(6) },
	.top = { 0, 0, 0, 0, 0, 0, LOWER(0), LOWER(1), LOWER(2), LOWER(3), LOWER(3), LOWER(3),
		 LOWER(3) },
};

/* The order of the pair whose bit is @bit. */
static inline int order_of(unsigned bit)
{
	return TREE_ORDER - 1 - (int)bits_last32(TREE_LEAVES - 1 - bit);
}

_Static_assert(NR_PARTS == 8, "union_of names each part, and top has three orders");

/* The union of the parts. */
static inline uint64_t union_of(const struct block *block)
{
	const struct tree *t = block->part;

	return t[0].pair | t[1].pair | t[2].pair | t[3].pair | t[4].pair | t[5].pair | t[6].pair |
	       t[7].pair;
}

int block_largest(const struct block *block)
{
	if (block->top.pair)
		return TREE_ORDER + order_of(bits_last(block->top.pair));
	uint64_t any = union_of(block);

	return any ? order_of(bits_last(any)) : LARGEST_NONE;
}

bool block_grow(struct block *block, uint32_t f, int order, uint64_t reach)
{
	int base = 0;

	if (reach == TREE_WHOLE) {
		base = TREE_ORDER;
		reach = tree_free(&block->top, f / TREE_LEAVES,
				  block_masks.top[BLOCK_ORDER] ^ block_masks.top[order]);
	}
	order = reach == TREE_WHOLE ? LARGEST_WHOLE : base + order_of(bits_last(reach));
	if (order <= relaxed_load(&block->largest))
		return false;
	relaxed_store(&block->largest, (int8_t)order);
	return true;
}

/* The first leaf of the free half of the pair whose bit is @bit; solves PAIR for it. */
static inline uint32_t free_half(const struct tree *tree, unsigned bit, int order)
{
	uint32_t right = tree->side >> bit & 1;

	return 2 * TREE_LEAVES - ((2 * (TREE_LEAVES - bit) - right) << order);
}

/*
 * The first frame of a free piece of the smallest order that is @order or larger; *order is set
 * to it. There is one: @largest is block->largest, up to 9.
 */
static inline uint32_t find_piece(const struct block *block, int largest, int *order)
{
	if (largest == LARGEST_WHOLE) {
		*order = BLOCK_ORDER;
		return 0;
	}
	uint64_t any = union_of(block) & ~block_masks.part[*order];

	if (any) {
		const struct tree *part = block->part;
		unsigned bit = bits_first(any);

		while (!(part->pair & 1ull << bit))
			part++;
		*order = order_of(bit);
		return (uint32_t)(part - block->part) * TREE_LEAVES + free_half(part, bit, *order);
	}
	unsigned bit = bits_first(block->top.pair & ~block_masks.top[*order]);
	int o = order_of(bit);

	*order = TREE_ORDER + o;
	return free_half(&block->top, bit, o) * TREE_LEAVES;
}

/* Flip @pairs on the path of @leaf, whose right halves stay free while what is left is taken. */
static inline void tree_split(struct tree *tree, uint32_t leaf, uint64_t pairs)
{
	uint64_t flip = block_masks.path[leaf] & pairs;

	tree->pair ^= flip;
	tree->side |= flip;
}

/*
 * Take the first 2^order frames of the free piece of order @found at @f. Its own pair becomes 0,
 * those of the orders between become 1.
 */
static inline void take(struct block *block, uint32_t f, int found, int order, int largest)
{
	const struct block_masks *m = &block_masks;

	tree_split(&block->part[f / TREE_LEAVES], f % TREE_LEAVES,
		   m->part[found + 1] ^ m->part[order]);
	if (found >= TREE_ORDER)
		tree_split(&block->top, f / TREE_LEAVES, m->top[found + 1] ^ m->top[order]);
	if (found == largest)
		relaxed_store(&block->largest, (int8_t)block_largest(block));
	block->nr_free = (uint16_t)(block->nr_free - (1u << order));
}

uint32_t block_take(struct block *block, int order)
{
	int found = order, largest = relaxed_load(&block->largest);

	ASSERT("PHYS-3", largest >= order && largest <= LARGEST_WHOLE);
	uint32_t f = find_piece(block, largest, &found);

	take(block, f, found, order, largest);
	return f;
}

int block_take_smallest(struct block *block, int most, uint32_t *f)
{
	int found = 0, largest = relaxed_load(&block->largest);

	ASSERT("PHYS-3", largest >= 0 && largest <= LARGEST_WHOLE);
	*f = find_piece(block, largest, &found);
	if (most > found)
		most = found;
	take(block, *f, found, most, largest);
	return most;
}

/* The tree with the pairs of @order, 0 .. 8, at frame @f; the two are set to its leaf and order. */
static const struct tree *tree_of(const struct block *block, uint32_t *f, int *order)
{
	if (*order < TREE_ORDER) {
		const struct tree *tree = &block->part[*f / TREE_LEAVES];

		*f %= TREE_LEAVES;
		return tree;
	}
	*f /= TREE_LEAVES;
	*order -= TREE_ORDER;
	return &block->top;
}

bool block_pair(const struct block *block, uint32_t f, int order)
{
	const struct tree *tree = tree_of(block, &f, &order);

	return tree->pair >> PAIR(f, order) & 1;
}

int block_piece(const struct block *block, uint32_t f)
{
	if (block->largest >= LARGEST_WHOLE)
		return block->largest == LARGEST_WHOLE ? BLOCK_ORDER : BLOCK_ORDER + 1;
	for (int order = 0; order < BLOCK_ORDER; order++) {
		uint32_t leaf = f;
		int o = order;
		const struct tree *tree = tree_of(block, &leaf, &o);
		unsigned bit = PAIR(leaf, o);

		if ((tree->pair >> bit & 1) && (tree->side >> bit & 1) == (leaf >> o & 1))
			return order;
	}
	return -1;
}

unsigned block_nr_pieces(const struct block *block, int order)
{
	uint64_t part = block_masks.part[order + 1] ^ block_masks.part[order];
	uint64_t top = block_masks.top[order + 1] ^ block_masks.top[order];
	unsigned nr = bits_count(block->top.pair & top);

	for (unsigned t = 0; t < NR_PARTS; t++)
		nr += bits_count(block->part[t].pair & part);
	return nr;
}
