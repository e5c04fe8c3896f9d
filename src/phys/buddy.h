/* SPDX-License-Identifier: MIT */
/*
 * buddy.h - the free lists of a zone
 *
 * A zone's blocks hang on free_area[type][order] by their largest free piece, fullest
 * block first. A request is served from the fullest block that can serve
 * it, so that the emptier ones drain and become whole: that, and not compaction, is
 * what keeps order 9 available.
 *
 * Pieces are freed under the lock of their block alone; a list may therefore still show a
 * block as it was a moment ago, but never with more free than it has.
 */
#ifndef PHYS_BUDDY_H
#define PHYS_BUDDY_H

#include "core/assert.h"
#include "phys/frames.h"
#include "phys/zone.h"

/**
 * buddy_alloc - take one free block of 2^order frames
 * @q:     the machine
 * @zone:  the zone to take from
 * @type:  the request's mobility; other types' pageblocks serve when its own have nothing
 * @order: 0 .. QUIRE_ORDER_MAX
 *
 * Return: index of the first frame; FRAME_NONE if none is free
 * Locks:  zone->lock held; takes block->lock
 */
uint32_t buddy_alloc(struct quire *q, struct zone *zone, unsigned type, unsigned order);

/**
 * buddy_claim - take a block off the lists for one cpu's use
 * @q:     the machine
 * @zone:  its zone
 * @type:  the request's mobility
 * @order: the block can serve that
 *
 * Return: the block; NULL if none can serve
 * Locks:  zone->lock held; takes block->lock
 */
struct block *buddy_claim(struct quire *q, struct zone *zone, unsigned type, unsigned order);

/** buddy_unclaim - put a claimed block back on the lists. Locks: as buddy_claim */
void buddy_unclaim(struct quire *q, struct zone *zone, struct block *block);

/**
 * buddy_settle - put a block on the list where its free pieces belong
 *
 * Does nothing while it is claimed. Locks: as buddy_claim
 */
void buddy_settle(struct quire *q, struct zone *zone, uint32_t b);

/**
 * buddy_free - give a block back, merging it with its free buddies
 * @q:     the machine
 * @zone:  its zone
 * @i:     index of its first frame, a multiple of 2^order
 * @order: 0 .. QUIRE_ORDER_MAX
 *
 * The zone's count is the caller's.
 * Locks: zone->lock held; takes block->lock
 */
void buddy_free(struct quire *q, struct zone *zone, uint32_t i, unsigned order);

/**
 * buddy_fits - could buddy_alloc serve this request now?
 *
 * Locks: none needed: the answer may be old when it arrives
 */
bool buddy_fits(const struct zone *zone, unsigned type, unsigned order);

/**
 * buddy_set_type - change the migrate type of a block and move what is free in it
 * @q:    the machine
 * @zone: its zone
 * @b:    block number
 * @type: the new type
 *
 * Locks: zone->lock held; takes block->lock
 */
void buddy_set_type(struct quire *q, struct zone *zone, uint32_t b, unsigned type);

/** buddy_init - empty the lists of a zone. Locks: none; before anybody uses it */
void buddy_init(struct zone *zone);

/**
 * buddy_lowest_first - turn the lists of whole blocks round after they were filled upward
 *
 * Locks: as buddy_init
 */
void buddy_lowest_first(struct quire *q, struct zone *zone);

#endif
