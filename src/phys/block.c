/* SPDX-License-Identifier: MIT */
/*
 * block.c - split and search inside one block of 512 frames
 *
 * Where the pairs of an order are in block.pair:
 *
 *     order 0  words 4-7      order 2  word 1
 *     order 1  words 2-3      order 3 .. 8  word 0, bits [2^(8-k), 2^(9-k))
 *
 * So the highest bit of word 0 is its smallest piece, the lowest its largest.
 */
#include "phys/block.h"

#include "core/assert.h"

#define WORD(p) ((p) >> 6)
#define BIT(p) (1ull << ((p) & 63))

/* The order of pair @p of word 0. */
static inline int top_order(uint32_t p)
{
	return BLOCK_ORDER - 1 - (int)bits_last32(p);
}

/* The first pair of the smallest order, @order or larger, that has a free half. */
static inline uint32_t find_pair(const struct block *block, int order)
{
	for (; order < 3; order++) {
		for (uint32_t word = 4u >> order; word < 8u >> order; word++) {
			if (block->pair[word])
				return word << 6 | bits_first(block->pair[word]);
		}
	}
	uint64_t top = block->pair[0] & (~0ull >> (64 - (1u << (BLOCK_ORDER - order))));
	/* The highest bit tells the order; the order's pairs begin at a power of two. */
	uint32_t first = 1u << bits_last32(bits_last(top));

	return bits_first(top & (~0ull << first));
}

int block_largest(const struct block *block)
{
	if (block->pair[0])
		return top_order(bits_first(block->pair[0]));
	if (block->pair[1])
		return 2;
	if (block->pair[2] | block->pair[3])
		return 1;
	if (block->pair[4] | block->pair[5] | block->pair[6] | block->pair[7])
		return 0;
	return LARGEST_NONE;
}

int block_smallest(const struct block *block)
{
	if (block->largest >= LARGEST_WHOLE)
		return BLOCK_ORDER;
	if (block->pair[4] | block->pair[5] | block->pair[6] | block->pair[7])
		return 0;
	if (block->pair[2] | block->pair[3])
		return 1;
	if (block->pair[1])
		return 2;
	return top_order(bits_last(block->pair[0]));
}

uint32_t block_take(struct block *block, int order)
{
	uint32_t node = 1;
	int o = BLOCK_ORDER;

	ASSERT("PHYS-3", block->largest >= order && block->largest <= LARGEST_WHOLE);
	if (block->largest < LARGEST_WHOLE) {
		uint32_t pair = find_pair(block, order);

		block->pair[WORD(pair)] ^= BIT(pair);
		node = 2 * pair + ((block->side[WORD(pair)] & BIT(pair)) != 0);
		o = BLOCK_ORDER - (int)bits_last32(node);
	}
	bool was_largest = o == block->largest;
	for (int k = o; k > order; k--) {
		block->pair[WORD(node)] ^= BIT(node);
		block->side[WORD(node)] |= BIT(node);
		node *= 2;
	}
	if (was_largest)
		block->largest = (int8_t)block_largest(block);
	block->nr_free = (uint16_t)(block->nr_free - (1u << order));
	return (node << order) & (BLOCK_FRAMES - 1);
}

int block_piece(const struct block *block, uint32_t f)
{
	uint32_t node = BLOCK_FRAMES | f;

	if (block->largest >= LARGEST_WHOLE)
		return block->largest == LARGEST_WHOLE ? BLOCK_ORDER : BLOCK_ORDER + 1;
	for (int order = 0; order < BLOCK_ORDER; order++, node >>= 1) {
		uint32_t pair = node >> 1;
		bool right = (block->side[WORD(pair)] & BIT(pair)) != 0;

		if ((block->pair[WORD(pair)] & BIT(pair)) && right == (node & 1))
			return order;
	}
	return -1;
}

unsigned block_nr_pieces(const struct block *block, int order)
{
	uint32_t first = 1u << (BLOCK_ORDER - 1 - order);
	unsigned nr = 0;

	if (first < 64)
		return bits_count(block->pair[0] >> first & (~0ull >> (64 - first)));
	for (uint32_t word = first >> 6; word < first >> 5; word++)
		nr += bits_count(block->pair[word]);
	return nr;
}
