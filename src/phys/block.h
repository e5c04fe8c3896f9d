/* SPDX-License-Identifier: MIT */
/*
 * block.h - the buddy algorithm inside one block of 512 frames
 *
 * The pair bitmaps of orders 0 to 8 are kept as trees of 64 leaves, one word each:
 *
 *      top                  orders 6 to 8; its leaves are the eight parts
 *      part[0] .. part[7]   orders 0 to 5; the leaves of each are 64 frames
 *
 *      bits    0 .. 31      a tree's pairs of its lowest order, from left to right
 *             32 .. 47      the next order
 *             48 .. 55      the next, the last that top has
 *                  ...
 *                   62      the one pair of the highest
 *
 *   pair: 1 when exactly one half of the pair is free as a whole (it flips each
 *         time that happens to either half)
 *   side: where pair is 1, which half is free: 0 left, 1 right
 *
 * Within an order bit index = frame >> (order + 1), as the textbook has it. The pairs in which
 * a leaf lies, its path, are one bit for each order, the larger order higher up. So a
 * free needs no loop: merging up to the first pair whose other half is in use, which is the
 * first 0 on the path, flips the path's bits up to that one.
 *
 *      order        5  4  3  2  1  0
 *      before       0  1  0  1  1  1     on the path of the frame that is freed
 *      after        0  1  1  0  0  0     it is part of a free piece of order 3
 *
 * Since a pair bit of 1 is a free piece of that order, the words are also what an
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

#define TREE_ORDER 6
#define TREE_LEAVES (1u << TREE_ORDER)
#define TREE_WHOLE UINT64_MAX /* of tree_free: all leaves are free */
#define NR_PARTS (BLOCK_FRAMES / TREE_LEAVES)

/* block.largest, but for the orders 0 .. 8 of pieces of a block in use */
#define LARGEST_NONE (-1)    /* nothing is free in it */
#define LARGEST_WHOLE 9      /* a free block of order 9 */
#define LARGEST_LOWER 10     /* first half of a free block of order 10 */
#define LARGEST_UPPER 11     /* its second half; on no list */

/** struct tree - the pairs of 64 leaves */
struct tree {
	uint64_t pair; /* (B) */
	uint64_t side; /* (B) meaningful where pair is 1 */
};

/**
 * struct block - one block of 512 frames, three cache lines
 *
 * (B): its own lock, (Z): zone->lock. Frees need only (B), so that processors that
 * free into different blocks do not meet.
 */
struct block {
	_Alignas(64) struct lock lock;
	uint32_t next;        /* (Z) on a list of the zone; BLOCK_NONE: last */
	uint32_t prev;        /* (Z) BLOCK_NONE: first */
	_Atomic uint16_t slot; /* (Z) the list it is on, SLOT_NONE: none; frees read it without */
	uint16_t nr_free;     /* (B) frames free in it, 0 .. 512 */
	_Atomic int8_t largest; /* (B) order of its largest free piece; LARGEST_… */
	bool claimed;         /* (B) a cpu allocates from it; it is on no list */
	uint8_t zone;         /* enum quire_zone, constant */
	_Atomic uint8_t type; /* (Z) enum quire_migrate; read without the lock by frees */
	_Atomic uint8_t lists; /* (Z) zone * QUIRE_NR_MIGRATE + type: index of its per-cpu lists */
	struct tree top;      /* its leaves are the parts */
	struct tree part[NR_PARTS];
};

_Static_assert(sizeof(struct block) == 192, "a block's record is three cache lines");

/** struct block_masks - pairs of a tree, as masks of its words */
struct block_masks {
	uint64_t path[TREE_LEAVES]; /* by leaf: those in which it lies */
	uint64_t left[TREE_LEAVES]; /* by leaf: those in whose left half it lies */
	uint64_t part[LARGEST_UPPER + 2]; /* by order of the block: a part's of lower orders */
	uint64_t top[LARGEST_UPPER + 2];  /* by order of the block: top's of lower orders */
};

extern const struct block_masks block_masks;

/**
 * tree_free - give a piece back and merge it with its free buddies
 * @tree:  the tree
 * @leaf:  first leaf of the piece
 * @pairs: those of the piece's order and larger ones
 *
 * Return: the bits up to the pair with one free half at which merging ended, whatever
 *         their leaves; TREE_WHOLE if it ended at none
 */
static WITHIN uint64_t tree_free(struct tree *tree, uint32_t leaf, uint64_t pairs)
{
	uint64_t path = block_masks.path[leaf] & pairs;
	uint64_t ends = path & ~tree->pair;
	uint64_t reach = ends ^ (ends - 1); /* up to the lowest 1 of ends */
	uint64_t flip = path & reach;

	tree->pair ^= flip;
	tree->side = (tree->side | flip) ^ (block_masks.left[leaf] & flip);
	return reach;
}

/**
 * block_free - give a piece back and merge it with its free buddies
 * @block: its part and nr_free are updated; what is left to do is block_grow's
 * @f:     first frame of the piece in the block
 * @order: 0 .. 8
 *
 * Return: what tree_free returns; TREE_WHOLE for a piece that is larger than a part's
 * Locks:  block->lock held
 */
static WITHIN uint64_t block_free(struct block *block, uint32_t f, int order)
{
	block->nr_free = (uint16_t)(block->nr_free + (1u << order));
	if (order >= TREE_ORDER)
		return TREE_WHOLE;
	return tree_free(&block->part[f / TREE_LEAVES], f % TREE_LEAVES, ~block_masks.part[order]);
}

/** block_free_frame - block_free of order 0, where no mask is needed */
static WITHIN uint64_t block_free_frame(struct block *block, uint32_t f)
{
	block->nr_free++;
	return tree_free(&block->part[f / TREE_LEAVES], f % TREE_LEAVES, UINT64_MAX);
}

/**
 * block_grows - did a free make a piece that left its part, or is larger than block->largest?
 * @block: the block
 * @reach: what block_free returned
 *
 * A mask that reaches further than all pairs of the orders up to largest is the larger number.
 *
 * Return: true if block_grow is due
 * Locks:  as block_free
 */
static WITHIN bool block_grows(const struct block *block, uint64_t reach)
{
	return reach > (block_masks.part + 1)[(intptr_t)relaxed_load(&block->largest)];
}

/**
 * block_grow - the rest of block_free: merge in top, note the largest piece
 * @block: top and largest are updated
 * @f:     as for block_free
 * @order: as for block_free
 * @reach: what that returned
 *
 * Return: true if block->largest has changed; it is 9 if the block is free as a whole
 * Locks:  as block_free
 */
bool block_grow(struct block *block, uint32_t f, int order, uint64_t reach);

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
 * block_take_smallest - take the smallest piece there is, split if it is too large
 * @block: with a free piece; all of it but its list is updated
 * @most:  the largest order to take, 0 or more; from 9 on that is a block free as a whole
 * @f:     set to the first frame of what was taken
 *
 * Return: its order
 * Locks:  as block_take
 */
int block_take_smallest(struct block *block, int most, uint32_t *f);

/**
 * block_piece - the free piece that holds a frame
 * @block: its block
 * @f:     a frame of the block
 *
 * Return: the order of the piece (9 and 10 for whole blocks); -1 if the frame is not free
 * Locks:  block->lock held, or nobody else uses the machine
 */
int block_piece(const struct block *block, uint32_t f);

/** block_pair - the pair bit of @order, 0 .. 8, for frame @f. Locks: as block_piece */
bool block_pair(const struct block *block, uint32_t f, int order);

/** block_nr_pieces - free pieces of @order, 0 .. 8, in the pair trees. Locks: as block_piece */
unsigned block_nr_pieces(const struct block *block, int order);

/** block_largest - what block.largest must be by the pair trees: -1 .. 8. Locks: as block_piece */
int block_largest(const struct block *block);

#endif
