/* SPDX-License-Identifier: MIT */
/*
 * block.h - the buddy algorithm inside one block of 512 frames
 *
 * The pair bitmaps of orders 0 to 8 are stored as one binary tree of 512 bits.
 * A free or used piece of order k that starts at frame f of the block is node
 * (512 | f) >> k; its parent, node >> 1, is the pair that it forms with its buddy:
 *
 *      order 9                    1                 the whole block
 *      order 8            2               3
 *      order 7        4       5       6       7     ...
 *      order 0     512  513  514  ...         1023  frames
 *
 *   pair[p] is 1 when exactly one half of p is free as a whole (it flips each
 *   time that happens to either half); side[p] then says which: 0 left, 1 right.
 *
 * The pairs of order k are the bits [2^(8-k), 2^(9-k)), in order: bit index =
 * frame >> (k + 1), as the textbook has it. All nine bitmaps fill one cache line, and since a
 * pair bit of 1 is a free piece of that order, they are also what an
 * allocation searches: there is no list of pieces, and the frames' own records
 * are not touched when pieces split and merge.
 *
 * Source: Knuth, TAOCP vol. 1, 2.5; the pair bit: Linux before 2.6 and its books.
 */
#ifndef PHYS_BLOCK_H
#define PHYS_BLOCK_H

#include <quire/page.h>

#include "core/bits.h"
#include "core/lock.h"

#define BLOCK_ORDER QUIRE_BLOCK_ORDER
#define BLOCK_FRAMES (1u << BLOCK_ORDER)
#define BLOCK_NONE UINT32_MAX
#define SLOT_NONE UINT16_MAX

/* Bits 9 and up of block.orders: the block is free as a whole. */
#define ORDERS_WHOLE (1u << 9)  /* a free block of order 9 */
#define ORDERS_LOWER (1u << 10) /* first half of a free block of order 10 */
#define ORDERS_UPPER (1u << 11) /* its second half */

/** struct block_map - the pair tree of one block; a cache line each */
struct block_map {
	uint64_t pair[8]; /* (Z) */
	uint64_t side[8]; /* (Z) meaningful where pair is 1 */
};

/** struct block - what the zone searches: one block of 512 frames. (Z): zone->lock */
struct block {
	uint32_t next;          /* (Z) on a list of the zone; BLOCK_NONE: last */
	uint32_t prev;          /* (Z) BLOCK_NONE: first */
	uint16_t nr_free;       /* (Z) frames free in it, 0 .. 512 */
	uint16_t orders;        /* (Z) bit k: a piece of order k is free; ORDERS_… */
	uint16_t slot;          /* (Z) the list it is on, SLOT_NONE: none */
	_Atomic uint8_t type;   /* (Z) enum quire_migrate; read without the lock by frees */
	uint8_t zone;           /* enum quire_zone, constant */
};

/**
 * block_free - give a piece back and merge it with its free buddies
 * @map:   the pair tree
 * @block: its record; nr_free and orders are updated
 * @f:     first frame of the piece in the block
 * @order: 0 .. 8
 *
 * Return: true if the block is now free as a whole: then orders is ORDERS_WHOLE
 * Locks:  zone->lock held
 */
bool block_free(struct block_map *map, struct block *block, uint32_t f, unsigned order);

/**
 * block_take - take the smallest piece that fits, split to size
 * @map:   the pair tree
 * @block: its record; not on an order 10 list
 * @order: 0 .. 8, and a piece of that order or larger is free
 *
 * The left half is taken, the right half stays free.
 *
 * Return: first frame of the piece in the block
 * Locks:  zone->lock held
 */
uint32_t block_take(struct block_map *map, struct block *block, unsigned order);

/**
 * block_piece - the free piece that holds a frame
 * @map:   the pair tree
 * @block: its record
 * @f:     a frame of the block
 *
 * Return: the order of the piece (9 and 10 for whole blocks); -1 if the frame is not free
 * Locks:  zone->lock held, or nobody else uses the machine
 */
int block_piece(const struct block_map *map, const struct block *block, uint32_t f);

/** block_nr_pieces - free pieces of @order, 0 .. 8, in the pair tree. Locks: as block_piece */
unsigned block_nr_pieces(const struct block_map *map, unsigned order);

/** block_orders - what block.orders must be for a pair tree: bits 0 .. 8 */
unsigned block_orders(const struct block_map *map);

#endif
