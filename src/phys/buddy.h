/* SPDX-License-Identifier: MIT */
/*
 * buddy.h - the free lists of a zone
 *
 * A zone's blocks hang on free_area[type][order] by their largest free piece, fullest
 * block first. A request is served from the fullest block that can serve
 * it, so that the emptier ones drain and become whole: that, and not compaction, is
 * what keeps order 9 available.
 */
#ifndef PHYS_BUDDY_H
#define PHYS_BUDDY_H

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
 * Locks:  zone->lock held
 */
uint32_t buddy_alloc(struct quire *q, struct zone *zone, unsigned type, unsigned order);

/**
 * buddy_alloc_frames - take single frames, the fullest blocks' first
 * @q:    the machine
 * @zone: the zone to take from
 * @type: the request's mobility
 * @nr:   how many at most
 * @out:  @nr places; filled from index 0, what was taken last first
 *
 * Return: how many were had
 * Locks:  zone->lock held
 */
uint32_t buddy_alloc_frames(struct quire *q, struct zone *zone, unsigned type, uint32_t nr,
			    struct quire_page **out);

/**
 * buddy_free - give a block back, merging it with its free buddies
 * @q:     the machine
 * @zone:  its zone
 * @i:     index of its first frame, a multiple of 2^order
 * @order: 0 .. QUIRE_ORDER_MAX
 *
 * Locks:  zone->lock held
 */
void buddy_free(struct quire *q, struct zone *zone, uint32_t i, unsigned order);

/**
 * buddy_free_frames - give single frames back
 * @q:      the machine
 * @zone:   their zone
 * @frames: indexes
 * @nr:     how many
 *
 * Locks: zone->lock held
 */
void buddy_free_frames(struct quire *q, struct zone *zone, const uint32_t *frames, uint32_t nr);

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
 * Locks: zone->lock held
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
