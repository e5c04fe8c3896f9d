/* SPDX-License-Identifier: MIT */
/*
 * block.c - split and merge inside one block of 512 frames
 */
#include "phys/block.h"

#include "core/assert.h"

#define WORD(p) ((p) >> 6)
#define BIT(p) (1ull << ((p) & 63))

/* The pairs of orders 3 .. 8 share word 0. */
static const uint64_t top_pairs[] = {
	0xffffffff00000000u, /* order 3 */
	0x00000000ffff0000u, 0x000000000000ff00u, 0xf0u, 0x0cu, 0x02u,
};

static inline bool any_pair(const struct block_map *map, unsigned order)
{
	switch (order) {
	case 0:
		return (map->pair[4] | map->pair[5] | map->pair[6] | map->pair[7]) != 0;
	case 1:
		return (map->pair[2] | map->pair[3]) != 0;
	case 2:
		return map->pair[1] != 0;
	default:
		return (map->pair[0] & top_pairs[order - 3]) != 0;
	}
}

static inline uint32_t first_pair(const struct block_map *map, unsigned order)
{
	uint32_t word;

	if (order >= 3)
		return bits_first(map->pair[0] & top_pairs[order - 3]);
	for (word = 4u >> order; !map->pair[word]; word++)
		;
	return word << 6 | bits_first(map->pair[word]);
}

bool block_free(struct block_map *map, struct block *block, uint32_t f, unsigned order)
{
	uint32_t node = (BLOCK_FRAMES | f) >> order;
	unsigned orders = block->orders;
	uint32_t pair;

	ASSERT("PHYS-1", !(f & ((1u << order) - 1)));
	block->nr_free = (uint16_t)(block->nr_free + (1u << order));
	ASSERT("PHYS-2", block->nr_free <= BLOCK_FRAMES);
	while ((pair = node >> 1) && (map->pair[WORD(pair)] & BIT(pair))) {
		map->pair[WORD(pair)] ^= BIT(pair);
		if (!any_pair(map, order))
			orders &= ~(1u << order);
		node = pair;
		order++;
	}
	if (!pair) {
		block->orders = ORDERS_WHOLE;
		return true;
	}
	map->pair[WORD(pair)] ^= BIT(pair);
	if (node & 1)
		map->side[WORD(pair)] |= BIT(pair);
	else
		map->side[WORD(pair)] &= ~BIT(pair);
	block->orders = (uint16_t)(orders | 1u << order);
	return false;
}

uint32_t block_take(struct block_map *map, struct block *block, unsigned order)
{
	unsigned orders = block->orders;
	unsigned o = bits_first32(orders >> order) + order;
	uint32_t node = 1;

	ASSERT("PHYS-3", o <= BLOCK_ORDER && block->nr_free >= 1u << order);
	if (o < BLOCK_ORDER) {
		uint32_t pair = first_pair(map, o);

		map->pair[WORD(pair)] ^= BIT(pair);
		node = 2 * pair + ((map->side[WORD(pair)] & BIT(pair)) != 0);
		if (!any_pair(map, o))
			orders &= ~(1u << o);
	} else {
		orders = 0;
	}
	while (o > order) {
		map->pair[WORD(node)] ^= BIT(node);
		map->side[WORD(node)] |= BIT(node);
		orders |= 1u << --o;
		node *= 2;
	}
	block->orders = (uint16_t)orders;
	block->nr_free = (uint16_t)(block->nr_free - (1u << order));
	return (node << order) & (BLOCK_FRAMES - 1);
}

int block_piece(const struct block_map *map, const struct block *block, uint32_t f)
{
	uint32_t node = BLOCK_FRAMES | f;

	if (block->orders & (ORDERS_LOWER | ORDERS_UPPER))
		return BLOCK_ORDER + 1;
	if (block->orders & ORDERS_WHOLE)
		return BLOCK_ORDER;
	for (int order = 0; order < BLOCK_ORDER; order++, node >>= 1) {
		uint32_t pair = node >> 1;
		bool right = (map->side[WORD(pair)] & BIT(pair)) != 0;

		if ((map->pair[WORD(pair)] & BIT(pair)) && right == (node & 1))
			return order;
	}
	return -1;
}

unsigned block_nr_pieces(const struct block_map *map, unsigned order)
{
	unsigned nr = 0;

	if (order >= 3)
		return bits_count(map->pair[0] & top_pairs[order - 3]);
	for (uint32_t word = 4u >> order; word < 8u >> order; word++)
		nr += bits_count(map->pair[word]);
	return nr;
}

unsigned block_orders(const struct block_map *map)
{
	unsigned orders = 0;

	for (unsigned order = 0; order < BLOCK_ORDER; order++)
		orders |= (unsigned)any_pair(map, order) << order;
	return orders;
}
