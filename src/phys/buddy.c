/* SPDX-License-Identifier: MIT */
/*
 * buddy.c - split and merge across blocks, the free lists, fallback between migrate types
 *
 * Pieces up to order 8 live in the pair tree of their block (block.c). A block that is
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
#include "core/string.h"
#include "phys/machine.h"

#define NR_FALLBACKS 2

/* Where a type looks when its own pageblocks have nothing, best first. */
static const uint8_t fallbacks[QUIRE_MIGRATE_CMA][NR_FALLBACKS] = {
	[QUIRE_MIGRATE_UNMOVABLE] = { QUIRE_MIGRATE_RECLAIMABLE, QUIRE_MIGRATE_MOVABLE },
	[QUIRE_MIGRATE_MOVABLE] = { QUIRE_MIGRATE_RECLAIMABLE, QUIRE_MIGRATE_UNMOVABLE },
	[QUIRE_MIGRATE_RECLAIMABLE] = { QUIRE_MIGRATE_UNMOVABLE, QUIRE_MIGRATE_MOVABLE },
};

/* A slot is order << 5 | bucket. */
static inline unsigned slot_of(const struct block *block)
{
	if (block->largest < 0 || block->largest == LARGEST_UPPER)
		return SLOT_NONE;
	unsigned order = (unsigned)block->largest;
	return order << 5 | (order < BLOCK_ORDER ? (block->nr_free - 1u) >> 4 : 0);
}

static void unlink_block(struct quire *q, struct zone *zone, struct block *block)
{
	struct free_area *area = &zone->area[relaxed_load(&block->type)][block->slot >> 5];
	unsigned bucket = block->slot & (NR_BUCKETS - 1);

	if (block->next != BLOCK_NONE)
		q->blocks[block->next].prev = block->prev;
	if (block->prev != BLOCK_NONE) {
		q->blocks[block->prev].next = block->next;
	} else {
		area->head[bucket] = block->next;
		if (block->next == BLOCK_NONE)
			area->mask &= ~(1u << bucket);
	}
	block->slot = SLOT_NONE;
}

static void link_block(struct quire *q, struct zone *zone, struct block *block, unsigned slot)
{
	struct free_area *area = &zone->area[relaxed_load(&block->type)][slot >> 5];
	unsigned bucket = slot & (NR_BUCKETS - 1);
	uint32_t b = (uint32_t)(block - q->blocks);

	block->prev = BLOCK_NONE;
	block->next = area->head[bucket];
	if (block->next != BLOCK_NONE)
		q->blocks[block->next].prev = b;
	area->head[bucket] = b;
	area->mask |= 1u << bucket;
	block->slot = (uint16_t)slot;
}

/* Put a block on the list where its free pieces belong. */
static inline void settle(struct quire *q, struct zone *zone, struct block *block)
{
	unsigned slot = slot_of(block);

	if (slot == block->slot)
		return;
	if (block->slot != SLOT_NONE)
		unlink_block(q, zone, block);
	if (slot != SLOT_NONE)
		link_block(q, zone, block, slot);
}

static inline bool types_merge(const struct block *a, const struct block *b)
{
	unsigned x = relaxed_load(&a->type), y = relaxed_load(&b->type);

	return x == y || (x < QUIRE_MIGRATE_CMA && y < QUIRE_MIGRATE_CMA);
}

/* The block became free as a whole: join it with its neighbour if that is too. */
static void merge_whole(struct quire *q, struct zone *zone, uint32_t b)
{
	struct block *block = &q->blocks[b], *buddy = &q->blocks[b ^ 1];

	block->largest = LARGEST_WHOLE;
	if (buddy->largest == LARGEST_WHOLE && types_merge(block, buddy)) {
		q->blocks[b & ~1u].largest = LARGEST_LOWER;
		q->blocks[b | 1u].largest = LARGEST_UPPER;
		settle(q, zone, &q->blocks[b | 1u]);
		block = &q->blocks[b & ~1u];
	}
	settle(q, zone, block);
}

/* Undo merge_whole: both halves become blocks of order 9 on the lists of their own types. */
static void split_whole(struct quire *q, struct zone *zone, uint32_t lower)
{
	q->blocks[lower].largest = LARGEST_WHOLE;
	q->blocks[lower + 1].largest = LARGEST_WHOLE;
	settle(q, zone, &q->blocks[lower + 1]);
	settle(q, zone, &q->blocks[lower]);
}

/*
 * The block that shall serve a request of @order from the lists of @type: the
 * fullest of those that are in use already, then a whole one, then half a section.
 */
static uint32_t find_block(const struct zone *zone, unsigned type, unsigned order)
{
	const struct free_area *area = zone->area[type];
	unsigned best = NR_BUCKETS, found = 0;

	for (unsigned o = order; o < BLOCK_ORDER; o++) {
		if (area[o].mask && bits_first32(area[o].mask) < best) {
			best = bits_first32(area[o].mask);
			found = o;
		}
	}
	if (best < NR_BUCKETS)
		return area[found].head[best];
	if (order <= BLOCK_ORDER && area[BLOCK_ORDER].mask)
		return area[BLOCK_ORDER].head[0];
	return area[QUIRE_ORDER_MAX].head[0];
}

static void change_type(struct quire *q, struct zone *zone, uint32_t b, unsigned type)
{
	struct block *block = &q->blocks[b];

	if (block->largest > LARGEST_WHOLE)
		split_whole(q, zone, b & ~1u);
	if (block->slot != SLOT_NONE)
		unlink_block(q, zone, block);
	zone_add_free(zone, relaxed_load(&block->type), (uint32_t)-(int32_t)block->nr_free);
	relaxed_store(&block->type, (uint8_t)type);
	zone_add_free(zone, type, block->nr_free);
	if (block->largest == LARGEST_WHOLE)
		merge_whole(q, zone, b);
	else
		settle(q, zone, block);
}

void buddy_set_type(struct quire *q, struct zone *zone, uint32_t b, unsigned type)
{
	change_type(q, zone, b, type);
	if (quire_pageblock_order(q) > BLOCK_ORDER)
		change_type(q, zone, b ^ 1, type);
}

/*
 * The type has no block that serves. Take over another type's: the largest
 * piece there is, so that the next requests stay together; its whole pageblock changes
 * type if at least half of it is free. A movable request that needs only a
 * small piece of a pageblock in use takes it and leaves the type alone.
 */
static uint32_t find_fallback(struct quire *q, struct zone *zone, unsigned type, unsigned order)
{
	for (int o = QUIRE_ORDER_MAX; o >= (int)order; o--) {
		for (unsigned i = 0; i < NR_FALLBACKS; i++) {
			const struct free_area *area = &zone->area[fallbacks[type][i]][o];

			if (!area->mask)
				continue;
			uint32_t b = area->head[bits_first32(area->mask)];
			zone->events[QUIRE_EVENT_FALLBACK]++;
			if (q->blocks[b].nr_free >= BLOCK_FRAMES / 2) {
				zone->events[QUIRE_EVENT_STEAL]++;
				buddy_set_type(q, zone, b, type);
				return find_block(zone, type, order);
			}
			return b;
		}
	}
	return BLOCK_NONE;
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

/* Take a piece of up to order 9 out of a block; the lists follow. */
static uint32_t take(struct quire *q, struct zone *zone, uint32_t b, unsigned order)
{
	struct block *block = &q->blocks[b];
	uint32_t f = 0;

	if (block->largest == LARGEST_LOWER)
		split_whole(q, zone, b);
	if (order < BLOCK_ORDER) {
		f = block_take(block, (int)order);
	} else {
		ASSERT("PHYS-4", block->largest == LARGEST_WHOLE);
		block->largest = LARGEST_NONE;
		block->nr_free = 0;
	}
	settle(q, zone, block);
	return b << BLOCK_ORDER | f;
}

uint32_t buddy_alloc(struct quire *q, struct zone *zone, unsigned type, unsigned order)
{
	uint32_t b = find(q, zone, type, order);

	if (b == BLOCK_NONE)
		return FRAME_NONE;
	/* An order 10 block may be of two types: each half is counted for its own. */
	if (order == QUIRE_ORDER_MAX) {
		split_whole(q, zone, b);
		zone_add_free(zone, relaxed_load(&q->blocks[b + 1].type), -BLOCK_FRAMES);
		take(q, zone, b + 1, BLOCK_ORDER);
		order = BLOCK_ORDER;
	}
	zone_add_free(zone, relaxed_load(&q->blocks[b].type), (uint32_t)-(1 << order));
	return take(q, zone, b, order);
}

/* Take up to @nr frames out of one block in use, smallest pieces first, storing below @top. */
static struct quire_page **take_frames(struct quire *q, uint32_t b, uint32_t nr,
				       struct quire_page **top)
{
	struct block *block = &q->blocks[b];

	while (nr && block->largest >= 0) {
		int order = (int)bits_last32(nr), smallest = block_smallest(block);

		if (order > smallest)
			order = smallest;
		if (order >= BLOCK_ORDER)
			order = BLOCK_ORDER - 1;
		struct quire_page *page =
			&q->frames.pages[b << BLOCK_ORDER | block_take(block, order)];
		struct quire_page **end = top - (1u << order);

		nr -= 1u << order;
		while (top > end)
			*--top = page++;
	}
	return top;
}

uint32_t buddy_alloc_frames(struct quire *q, struct zone *zone, unsigned type, uint32_t nr,
			    struct quire_page **out)
{
	struct quire_page **top = out + nr;

	while (top > out) {
		uint32_t b = find(q, zone, type, 0);
		if (b == BLOCK_NONE)
			break;
		struct quire_page **end = top;

		if (q->blocks[b].largest == LARGEST_LOWER)
			split_whole(q, zone, b);
		top = take_frames(q, b, (uint32_t)(top - out), top);
		zone_add_free(zone, relaxed_load(&q->blocks[b].type), (uint32_t)(top - end));
		settle(q, zone, &q->blocks[b]);
	}
	uint32_t had = (uint32_t)(out + nr - top);
	if (had < nr)
		memmove(out, top, had * sizeof(*out));
	return had;
}

/* A piece came back into a block in use and is of @order now. */
static void free_settle(struct quire *q, struct zone *zone, uint32_t b, int order)
{
	struct block *block = &q->blocks[b];

	if (order == BLOCK_ORDER) {
		merge_whole(q, zone, b);
		return;
	}
	if (order > block->largest)
		block->largest = (int8_t)order;
	settle(q, zone, block);
}

void buddy_free_frames(struct quire *q, struct zone *zone, const uint32_t *frames, uint32_t nr)
{
	uint32_t nr_ordinary = 0;

	for (uint32_t n = 0; n < nr; n++) {
		uint32_t i = frames[n];
		struct block *block = &q->blocks[i >> BLOCK_ORDER];
		int order = block_free(block, i & (BLOCK_FRAMES - 1), 0);
		unsigned type = relaxed_load(&block->type);

		/* The block stays on its list unless its bucket or its largest piece changes. */
		if (unlikely(!((block->nr_free - 1) & (BUCKET_FRAMES - 1))) ||
		    order > block->largest)
			free_settle(q, zone, i >> BLOCK_ORDER, order);
		if (likely(type < QUIRE_MIGRATE_CMA))
			nr_ordinary++;
		else
			zone_add_free(zone, type, 1);
	}
	zone_add_free(zone, QUIRE_MIGRATE_MOVABLE, nr_ordinary);
}

void buddy_free(struct quire *q, struct zone *zone, uint32_t i, unsigned order)
{
	uint32_t b = i >> BLOCK_ORDER;
	struct block *block = &q->blocks[b];
	unsigned type = relaxed_load(&block->type);

	ASSERT("PHYS-1", !(i & ((1u << order) - 1)));
	ASSERT("PHYS-2", block->nr_free + (1u << order) <= BLOCK_FRAMES || order >= BLOCK_ORDER);
	if (order < BLOCK_ORDER) {
		zone_add_free(zone, type, 1u << order);
		free_settle(q, zone, b,
			    block_free(block, i & (BLOCK_FRAMES - 1), (int)order));
		return;
	}
	ASSERT("PHYS-4", !block->nr_free);
	zone_add_free(zone, type, BLOCK_FRAMES);
	block->nr_free = BLOCK_FRAMES;
	merge_whole(q, zone, b);
	if (order == QUIRE_ORDER_MAX)
		buddy_free(q, zone, i + BLOCK_FRAMES, BLOCK_ORDER);
}

static bool type_fits(const struct zone *zone, unsigned type, unsigned order)
{
	for (unsigned o = order; o < NR_ORDERS; o++) {
		if (zone->area[type][o].mask)
			return true;
	}
	return false;
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
		for (unsigned order = 0; order < NR_ORDERS; order++) {
			struct free_area *area = &zone->area[type][order];

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
			struct free_area *area = &zone->area[type][order];
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
