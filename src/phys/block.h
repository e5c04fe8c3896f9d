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

#include "core/assert.h"
#include "core/bits.h"
#include "core/lock.h"

#define BLOCK_ORDER QUIRE_BLOCK_ORDER
#define BLOCK_FRAMES (1u << BLOCK_ORDER)
#define BLOCK_NONE UINT32_MAX
#define SLOT_NONE UINT16_MAX

/* block.largest, but for the orders 0 .. 8 of pieces of a block in use */
#define LARGEST_NONE (-1)    /* nothing is free in it */
#define LARGEST_WHOLE 9      /* a free block of order 9 */
#define LARGEST_LOWER 10     /* first half of a free block of order 10 */
#define LARGEST_UPPER 11     /* its second half; on no list */

/**
 * struct block - one block of 512 frames, three cache lines
 *
 * (B): its own lock, (Z): zone->lock. Frees need only (B), so that processors that
 * free into different blocks do not meet.
 */
struct block {
	_Alignas(64) uint64_t pair[8]; /* (B) */
	uint64_t side[8];     /* (B) meaningful where pair is 1 */
	struct lock lock;
	uint32_t next;        /* (Z) on a list of the zone; BLOCK_NONE: last */
	uint32_t prev;        /* (Z) BLOCK_NONE: first */
	uint16_t slot;        /* (Z) the list it is on, SLOT_NONE: none */
	uint16_t nr_free;     /* (B) frames free in it, 0 .. 512 */
	_Atomic int8_t largest; /* (B) order of its largest free piece; LARGEST_… */
	bool claimed;         /* (B) a cpu allocates from it; it is on no list */
	uint8_t zone;         /* enum quire_zone, constant */
	_Atomic uint8_t type; /* (Z) enum quire_migrate; read without the lock by frees */
	_Atomic uint8_t lists; /* (Z) zone * QUIRE_NR_MIGRATE + type: index of its per-cpu lists */
};

_Static_assert(sizeof(struct block) == 192, "a block's record is three cache lines");

/**
 * block_free - give a piece back and merge it with its free buddies
 * @block: pair, side and nr_free are updated; largest is the caller's
 * @f:     first frame of the piece in the block
 * @order: 0 .. 8
 *
 * Return: the order of the piece that it is part of now; 9: the block is free as a whole
 * Locks:  block->lock held
 */
static WITHIN int block_free(struct block *block, uint32_t f, int order)
{
	uint32_t node = (BLOCK_FRAMES | f) >> order, pair = node >> 1;

	block->nr_free = (uint16_t)(block->nr_free + (1u << order));
	do {
		uint64_t *word = &block->pair[pair >> 6];

		*word ^= 1ull << (pair & 63);
		if (*word >> (pair & 63) & 1) {
			if (node & 1)
				block->side[pair >> 6] |= 1ull << (pair & 63);
			else
				block->side[pair >> 6] &= ~(1ull << (pair & 63));
			return order;
		}
		node = pair;
		pair >>= 1;
		order++;
	} while (pair);
	return order;
}

/**
 * block_take - take the smallest piece that fits, split to size
 * @block: with a free piece of @order or larger; all of it but its list is updated
 * @order: 0 .. 8
 *
 * The left half is taken, the right half stays free.
 *
 * Return: first frame of the piece in the block
 * Locks:  block->lock held
 */
uint32_t block_take(struct block *block, int order);

/**
 * block_smallest - order of the smallest free piece of a block with largest 0 .. 9
 *
 * Locks: as block_take
 */
int block_smallest(const struct block *block);

/**
 * block_piece - the free piece that holds a frame
 * @block: its block
 * @f:     a frame of the block
 *
 * Return: the order of the piece (9 and 10 for whole blocks); -1 if the frame is not free
 * Locks:  block->lock held, or nobody else uses the machine
 */
int block_piece(const struct block *block, uint32_t f);

/** block_nr_pieces - free pieces of @order, 0 .. 8, in the pair tree. Locks: as block_piece */
unsigned block_nr_pieces(const struct block *block, int order);

/** block_largest - what block.largest must be by the pair tree: -1 .. 8. Locks: as block_piece */
int block_largest(const struct block *block);

#endif
