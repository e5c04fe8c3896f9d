/* SPDX-License-Identifier: MIT */
/*
 * buddy.c - split and merge across blocks, the free lists, fallback between migrate types
 *
 * Pieces up to order 8 live in the pair trees of their block (block.c). A block that is
 * free as a whole is a piece of order 9; with its neighbour in the section,
 * free as a whole too, it makes a piece of order 10, which is on the list of the lower
 * of the two:
 *
 *     section   [    block 2s    |   block 2s+1   ]
 *     order 9    LARGEST_WHOLE       in use            on area[type][9]
 *     order 10   LARGEST_LOWER      LARGEST_UPPER      the lower on area[type][10]
 */
#include "phys/buddy.h"

#include "core/assert.h"
#include "phys/machine.h"

#define NR_FALLBACKS 2

/* Where a type looks when its own pageblocks have nothing, best first. */
static const uint8_t fallbacks[QUIRE_MIGRATE_CMA][NR_FALLBACKS] = {
	[QUIRE_MIGRATE_UNMOVABLE] = { QUIRE_MIGRATE_RECLAIMABLE, QUIRE_MIGRATE_MOVABLE },
	[QUIRE_MIGRATE_MOVABLE] = { QUIRE_MIGRATE_RECLAIMABLE, QUIRE_MIGRATE_UNMOVABLE },
	[QUIRE_MIGRATE_RECLAIMABLE] = { QUIRE_MIGRATE_UNMOVABLE, QUIRE_MIGRATE_MOVABLE },
};

#define SLOT_WHOLE SLOT(LARGEST_WHOLE, 0)

static inline unsigned slot_of(const struct block *block)
{
	int largest = relaxed_load(&block->largest);

	if (largest < 0 || largest == LARGEST_UPPER || block->claimed)
		return SLOT_NONE;
	unsigned order = (unsigned)largest;
	return SLOT(order, order < BLOCK_ORDER ? block->nr_free / BUCKET_FRAMES : 0);
}

static void unlink_block(struct quire *q, struct zone *zone, struct block *block)
{
	unsigned type = relaxed_load(&block->type), slot = relaxed_load(&block->slot);
	unsigned order = SLOT_ORDER(slot), bucket = SLOT_BUCKET(slot);

	if (block->next != BLOCK_NONE)
		q->blocks[block->next].prev = block->prev;
	if (block->prev != BLOCK_NONE) {
		q->blocks[block->prev].next = block->next;
	} else {
		struct free_area *area = zone->area + AREA(type, order);

		area->head[bucket] = block->next;
		if (block->next == BLOCK_NONE && !(area->mask &= ~(1u << bucket)))
			zone->orders[type] &= (uint16_t)~(1u << order);
	}
	relaxed_store(&block->slot, SLOT_NONE);
}

static void link_block(struct quire *q, struct zone *zone, uint32_t b, unsigned slot)
{
	struct block *block = &q->blocks[b];
	unsigned type = relaxed_load(&block->type);
	unsigned order = SLOT_ORDER(slot), bucket = SLOT_BUCKET(slot);
	struct free_area *area = zone->area + AREA(type, order);
	uint32_t next = area->head[bucket];

	block->prev = BLOCK_NONE;
	block->next = next;
	if (next != BLOCK_NONE)
		q->blocks[next].prev = b;
	area->head[bucket] = b;
	area->mask |= 1u << bucket;
	zone->orders[type] |= (uint16_t)(1u << order);
	relaxed_store(&block->slot, (uint16_t)slot);
}

static inline void move(struct quire *q, struct zone *zone, uint32_t b, unsigned slot)
{
	struct block *block = &q->blocks[b];
	unsigned old = relaxed_load(&block->slot);

	if (slot == old)
		return;
	if (old != SLOT_NONE)
		unlink_block(q, zone, block);
	if (slot != SLOT_NONE)
		link_block(q, zone, b, slot);
}

static inline bool types_merge(const struct block *a, const struct block *b)
{
	unsigned x = relaxed_load(&a->type), y = relaxed_load(&b->type);

	return x == y || (x < QUIRE_MIGRATE_CMA && y < QUIRE_MIGRATE_CMA);
}

/* The block is on the list of whole blocks: join it with its neighbour if that is too. */
static void merge_whole(struct quire *q, struct zone *zone, uint32_t b)
{
	struct block *block = &q->blocks[b], *buddy = &q->blocks[b ^ 1];

	if (buddy->slot != SLOT_WHOLE || !types_merge(block, buddy))
		return;
	unlink_block(q, zone, block);
	unlink_block(q, zone, buddy);
	q->blocks[b & ~1u].largest = LARGEST_LOWER;
	q->blocks[b | 1u].largest = LARGEST_UPPER;
	link_block(q, zone, b & ~1u, SLOT(LARGEST_LOWER, 0));
}

/* Undo merge_whole: both halves become blocks of order 9 on the lists of their own types. */
static void split_whole(struct quire *q, struct zone *zone, uint32_t lower)
{
	struct block *block = &q->blocks[lower];

	unlink_block(q, zone, block);
	block[0].largest = block[1].largest = LARGEST_WHOLE;
	link_block(q, zone, lower + 1, SLOT_WHOLE);
	link_block(q, zone, lower, SLOT_WHOLE);
}

void buddy_settle(struct quire *q, struct zone *zone, uint32_t b)
{
	struct block *block = &q->blocks[b];

	lock_take(&block->lock);
	unsigned slot = slot_of(block);
	lock_drop(&block->lock);
	if (slot == relaxed_load(&block->slot))
		return;
	move(q, zone, b, slot);
	if (slot == SLOT_WHOLE)
		merge_whole(q, zone, b);
}

/*
 * The block that shall serve a request of @order from the lists of @type: the
 * fullest of those that are in use already, then a whole one, then half a section.
 */
static uint32_t find_block(const struct zone *zone, unsigned type, unsigned order)
{
	const struct free_area *area = zone->area + AREA(type, 0);
	uint32_t orders = zone->orders[type] & ~0u << order;
	uint32_t used = orders & ((1u << BLOCK_ORDER) - 1);

	if (used) {
		unsigned found = bits_first32(used), best = bits_first32(area[found].mask);

		while (used &= used - 1) {
			unsigned o = bits_first32(used), bucket = bits_first32(area[o].mask);

			if (bucket < best) {
				best = bucket;
				found = o;
			}
		}
		return area[found].head[best];
	}
	return orders ? area[bits_first32(orders)].head[0] : BLOCK_NONE;
}

static void change_type(struct quire *q, struct zone *zone, uint32_t b, unsigned type)
{
	struct block *block = &q->blocks[b];

	if (block->largest > LARGEST_WHOLE)
		split_whole(q, zone, b & ~1u);
	if (block->slot != SLOT_NONE)
		unlink_block(q, zone, block);
	lock_take(&block->lock);
	zone_add_free(zone, relaxed_load(&block->type), -block->nr_free);
	relaxed_store(&block->type, (uint8_t)type);
	relaxed_store(&block->lists, (uint8_t)LISTS(zone->id, type));
	zone_add_free(zone, type, block->nr_free);
	lock_drop(&block->lock);
	buddy_settle(q, zone, b);
}

void buddy_set_type(struct quire *q, struct zone *zone, uint32_t b, unsigned type)
{
	change_type(q, zone, b, type);
	if (quire_pageblock_order(q) > BLOCK_ORDER)
		change_type(q, zone, b ^ 1, type);
}

/*
 * The type has no block that serves. Take over another type's: the one with the
 * largest piece and most free, so that the next requests stay together. It changes
 * type if at least half of it is free; otherwise the request takes its piece and
 * leaves the type alone.
 */
static uint32_t find_fallback(struct quire *q, struct zone *zone, unsigned type, unsigned order)
{
	unsigned from = 0;
	int best = -1;

	for (unsigned i = 0; i < NR_FALLBACKS; i++) {
		uint32_t orders = zone->orders[fallbacks[type][i]] & ~0u << order;

		if (orders && (int)bits_last32(orders) > best) {
			best = (int)bits_last32(orders);
			from = fallbacks[type][i];
		}
	}
	if (best < 0)
		return BLOCK_NONE;
	const struct free_area *area = zone->area + AREA(from, (unsigned)best);
	unsigned bucket = bits_last32(area->mask);
	uint32_t b = area->head[bucket];

	zone->events[QUIRE_EVENT_FALLBACK]++;
	if (best < BLOCK_ORDER && bucket < NR_BUCKETS / 2)
		return b;
	zone->events[QUIRE_EVENT_STEAL]++;
	buddy_set_type(q, zone, b, type);
	return find_block(zone, type, order);
}

static uint32_t find(struct quire *q, struct zone *zone, unsigned type, unsigned order)
{
	uint32_t b = find_block(zone, type, order);

	if (unlikely(b == BLOCK_NONE)) {
		if (type == QUIRE_MIGRATE_MOVABLE)
			b = find_block(zone, QUIRE_MIGRATE_CMA, order);
		if (b == BLOCK_NONE)
			b = find_fallback(q, zone, type, order);
	}
	return b;
}

struct block *buddy_claim(struct quire *q, struct zone *zone, unsigned type, unsigned order)
{
	uint32_t b = find(q, zone, type, order);

	if (b == BLOCK_NONE)
		return NULL;
	struct block *block = &q->blocks[b];
	if (SLOT_ORDER(block->slot) == LARGEST_LOWER)
		split_whole(q, zone, b);
	unlink_block(q, zone, block);
	lock_take(&block->lock);
	block->claimed = true;
	lock_drop(&block->lock);
	return block;
}

void buddy_unclaim(struct quire *q, struct zone *zone, struct block *block)
{
	lock_take(&block->lock);
	block->claimed = false;
	lock_drop(&block->lock);
	buddy_settle(q, zone, (uint32_t)(block - q->blocks));
}

/* Take a piece of up to order 9 out of a block; the lists follow. */
static uint32_t take(struct quire *q, struct zone *zone, uint32_t b, unsigned order)
{
	struct block *block = &q->blocks[b];
	uint32_t f = 0;

	if (SLOT_ORDER(block->slot) == LARGEST_LOWER)
		split_whole(q, zone, b);
	lock_take(&block->lock);
	if (order < BLOCK_ORDER) {
		f = block_take(block, (int)order);
	} else {
		ASSERT("PHYS-4", block->largest == LARGEST_WHOLE);
		block->largest = LARGEST_NONE;
		block->nr_free = 0;
	}
	unsigned slot = slot_of(block);
	lock_drop(&block->lock);
	zone_add_free(zone, relaxed_load(&block->type), -(int32_t)(1u << order));
	move(q, zone, b, slot);
	return b << BLOCK_ORDER | f;
}

uint32_t buddy_alloc(struct quire *q, struct zone *zone, unsigned type, unsigned order)
{
	uint32_t b = find(q, zone, type, order);

	if (b == BLOCK_NONE)
		return FRAME_NONE;
	if (order < QUIRE_ORDER_MAX)
		return take(q, zone, b, order);
	/* The halves may be of two types: each is counted for its own. */
	split_whole(q, zone, b);
	take(q, zone, b + 1, BLOCK_ORDER);
	return take(q, zone, b, BLOCK_ORDER);
}

void buddy_free(struct quire *q, struct zone *zone, uint32_t i, unsigned order)
{
	uint32_t b = i >> BLOCK_ORDER;
	struct block *block = &q->blocks[b];

	ASSERT("PHYS-1", !(i & ((1u << order) - 1)));
	lock_take(&block->lock);
	if (order < BLOCK_ORDER) {
		ASSERT("PHYS-2", block->nr_free + (1u << order) <= BLOCK_FRAMES);
		uint32_t f = i & (BLOCK_FRAMES - 1);
		uint64_t reach = block_free(block, f, (int)order);

		if (block_grows(block, reach))
			block_grow(block, f, (int)order, reach);
	} else {
		ASSERT("PHYS-4", !block->nr_free);
		block->nr_free = BLOCK_FRAMES;
		block->largest = LARGEST_WHOLE;
	}
	lock_drop(&block->lock);
	buddy_settle(q, zone, b);
	if (order == QUIRE_ORDER_MAX)
		buddy_free(q, zone, i + BLOCK_FRAMES, BLOCK_ORDER);
}

static bool type_fits(const struct zone *zone, unsigned type, unsigned order)
{
	return (zone->orders[type] >> order) != 0;
}

bool buddy_fits(const struct zone *zone, unsigned type, unsigned order)
{
	if (type_fits(zone, type, order) ||
	    (type == QUIRE_MIGRATE_MOVABLE && type_fits(zone, QUIRE_MIGRATE_CMA, order)))
		return true;
	for (unsigned i = 0; i < NR_FALLBACKS; i++) {
		if (type_fits(zone, fallbacks[type][i], order))
			return true;
	}
	return false;
}

void buddy_init(struct zone *zone)
{
	for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++) {
		zone->orders[type] = 0;
		for (unsigned order = 0; order < NR_ORDERS; order++) {
			struct free_area *area = zone->area + AREA(type, order);

			area->mask = 0;
			for (unsigned bucket = 0; bucket < NR_BUCKETS; bucket++)
				area->head[bucket] = BLOCK_NONE;
		}
	}
}

void buddy_lowest_first(struct quire *q, struct zone *zone)
{
	for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++) {
		for (unsigned order = BLOCK_ORDER; order < NR_ORDERS; order++) {
			struct free_area *area = zone->area + AREA(type, order);
			uint32_t b = area->head[0], last = BLOCK_NONE;

			while (area->mask && b != BLOCK_NONE) {
				uint32_t next = q->blocks[b].next;

				q->blocks[b].next = last;
				q->blocks[b].prev = next;
				last = b;
				b = next;
			}
			area->head[0] = last;
		}
	}
}
