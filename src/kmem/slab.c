/* SPDX-License-Identifier: MIT */
/*
 * slab.c - slabs: how they are laid out, made, listed and given back
 *
 *   frames of a slab:  | colour | object | object | … | object | rest [record] |
 *
 * Free objects are chained through themselves (in a checked cache behind themselves). A slab is on
 * one of its slot's lists, by how many of its objects are on its own chain:
 *
 *            last object gone                first one back
 *   CURRENT ──────────────────> FULL ──────────────────────> PARTIAL ──> … ──> EMPTY
 *      ^                                                      │  buckets: 0 (fullest) …      │
 *      └──────────────────────────────────────────────────────┴──────────────────────────────┘
 *                           the fullest one that has free objects
 *
 * hot.left counts the frees down to the next move, so that the inline free has one test.
 */
#include "kmem/slab.h"

#include "core/assert.h"
#include "kmem/kmem.h"

#define CACHE_LINE 64u

/* Objects and waste of a slab of that order, with the record inside where it has room. */
static uint32_t fit(const struct cache *cache, unsigned order, bool inside, uint32_t *waste)
{
	uint32_t bytes = QUIRE_PAGE_SIZE << order;
	uint32_t nr = (bytes - (inside ? SLAB_BYTES : 0)) / cache->size;

	if (nr > QUIRE_SLAB_OBJECTS_MAX)
		nr = QUIRE_SLAB_OBJECTS_MAX;
	*waste = bytes - nr * cache->size;
	return nr;
}

bool slab_layout(struct cache *cache)
{
	uint32_t best = UINT32_MAX, waste;
	bool inside = cache->inside;

	for (unsigned order = 0; order <= SLAB_ORDER_MAX; order++) {
		uint32_t nr = fit(cache, order, inside, &waste);

		if (!nr || waste >> order >= best)
			continue;
		best = waste >> order;
		cache->order = (uint8_t)order;
		cache->objects = nr;
		if (best > QUIRE_PAGE_SIZE / 32)
			continue;
		if (nr >= 32 || cache->size > 256 || order == 2)
			break;
		best = UINT32_MAX; /* good, but for few objects */
	}
	if (!cache->objects)
		return false;
	cache->objects = fit(cache, cache->order, inside, &waste);
	if (waste >= SLAB_BYTES && !inside)
		cache->inside = true;
	if (cache->inside)
		waste -= SLAB_BYTES;
	uint32_t step = cache->align > CACHE_LINE ? cache->align : CACHE_LINE;
	cache->colours = waste / step + 1;
	cache->bucket_shift = 0;
	while (cache->objects >> cache->bucket_shift >= SLAB_BUCKETS)
		cache->bucket_shift++;
	return true;
}

uint32_t slab_index(const struct slab *slab, const void *p)
{
	const struct cache *cache = slab->cache;
	uintptr_t offset = (uintptr_t)p - (uintptr_t)slab_object(slab, 0);
	uintptr_t i = offset / cache->size;

	return i < cache->objects && i * cache->size == offset ? (uint32_t)i : cache->objects;
}

static struct slab **list_of(const struct slab *slab)
{
	struct slot *slot = slab_slot(slab);

	switch (slab->state) {
	case QUIRE_SLAB_FULL:
		return &slot->full;
	case QUIRE_SLAB_EMPTY:
		return &slot->empty;
	default:
		ASSERT("SLAB-1", slab->state == QUIRE_SLAB_PARTIAL);
		return &slot->partial[slab->bucket];
	}
}

/* Frees from now on that change the list of a slab with that many free objects. */
static uint32_t next_move(const struct slab *slab, uint32_t free)
{
	uint32_t end = (free >> slab->cache->bucket_shift) + 1;

	if (!free)
		return 1;
	end <<= slab->cache->bucket_shift;
	return (end < slab->cache->objects ? end : slab->cache->objects) - free;
}

void slab_link_in(struct slab *slab, uint32_t free)
{
	ASSERT("SLAB-2", free <= slab->cache->objects);
	slab->state = !free                          ? QUIRE_SLAB_FULL
		      : free == slab->cache->objects ? QUIRE_SLAB_EMPTY
						     : QUIRE_SLAB_PARTIAL;
	slab->bucket = (uint8_t)(free >> slab->cache->bucket_shift);
	slab->counted = free;
	slab->armed = slab->hot.left = next_move(slab, free);

	struct slab **list = list_of(slab);
	slab->prev = NULL;
	slab->next = *list;
	if (*list)
		(*list)->prev = slab;
	*list = slab;
}

void slab_unlink(struct slab *slab)
{
	struct slab **list = list_of(slab);

	ASSERT("SLAB-1", slab->prev ? slab->prev->next == slab : *list == slab);
	if (slab->prev)
		slab->prev->next = slab->next;
	else
		*list = slab->next;
	if (slab->next)
		slab->next->prev = slab->prev;
}

struct slab *slab_fullest(struct slot *slot)
{
	struct slab *slab = NULL;

	for (unsigned bucket = 0; bucket < SLAB_BUCKETS && !slab; bucket++)
		slab = slot->partial[bucket];
	if (!slab)
		slab = slot->empty;
	if (slab)
		slab_unlink(slab);
	return slab;
}

/* Each frame names the slab; the first one is owned, so that nobody else frees the block. */
static void mark_frames(struct slab *slab, bool mark)
{
	struct cache *cache = slab->cache;
	struct quire_page *page = &cache->q->frames.pages[slab->frame];

	for (uint32_t n = 0; n < 1u << cache->order; n++) {
		page[n].private = mark ? (uintptr_t)slab : 0;
		page[n].owner = mark ? cache->hot.tag : 0;
	}
	if (mark)
		frames_own(page, cache->hot.tag);
	else
		frames_disown(page);
}

/* A record for a slab in @page, inside or outside of it. */
static struct slab *record(struct cache *cache, struct quire_page *page, quire_gfp_t gfp)
{
	struct quire *q = cache->q;
	uint32_t i = frames_index(&q->frames, page);

	if (!cache->inside)
		return quire_cache_alloc(&kmem_of(q)->records->hot, gfp);
	uint64_t end = (frames_pfn(&q->frames, i) + (1u << cache->order)) << QUIRE_PAGE_SHIFT;
	return (struct slab *)(void *)(q->direct + (uintptr_t)end - SLAB_BYTES);
}

struct slab *slab_create(struct cache *cache, quire_gfp_t gfp)
{
	struct quire *q = cache->q;

	gfp &= ~QUIRE_GFP_ZERO;
	struct quire_page *page = quire_page_alloc(q, gfp | cache->gfp, cache->order);
	if (!page)
		return NULL;
	struct slab *slab = record(cache, page, gfp);
	if (!slab) {
		quire_page_free(q, page, cache->order);
		return NULL;
	}
	*slab = (struct slab){ .cache = cache, .inside = cache->inside };
	slab->frame = frames_index(&q->frames, page);
	ASSERT("SLAB-3", frames_pfn(&q->frames, slab->frame) < q->direct_bytes >> QUIRE_PAGE_SHIFT);
	slab->hot.cpu = SLAB_SHARED;
	return slab;
}

void slab_chain(struct slab *slab, uint32_t start, uint32_t step)
{
	const struct cache *cache = slab->cache;
	uint32_t i = start;
	void *last = NULL;

	/* From the last to the first, so that each is written once. */
	for (uint32_t n = 0; n < cache->objects; n++) {
		void *object = slab_object(slab, i);

		*slab_link(cache, object) = last;
		last = object;
		i = i >= step ? i - step : i + cache->objects - step;
	}
	slab->hot.free = last;
}

void slab_adopt(struct slot *slot, struct slab *slab, unsigned cpu)
{
	struct cache *cache = slab->cache;
	uint32_t step = cache->align > CACHE_LINE ? cache->align : CACHE_LINE;

	slab->colour = slot->colour * step;
	slot->colour = slot->colour + 1 < cache->colours ? slot->colour + 1 : 0;
	slab->hot.cpu = (uint16_t)cpu;
	mark_frames(slab, true);
	slot->nr_slabs++;
}

uint32_t slab_destroy(struct slab *slab)
{
	struct cache *cache = slab->cache;
	struct quire *q = cache->q;
	struct quire_page *page = &q->frames.pages[slab->frame];
	uint32_t frames = 1u << cache->order;

	ASSERT("SLAB-4", slab_free_count(slab) == cache->objects);
	slab_slot(slab)->nr_slabs--;
	mark_frames(slab, false);
	if (!slab->inside)
		quire_cache_free(&kmem_of(q)->records->hot, slab);
	enum quire_free outcome = quire_page_free(q, page, cache->order);
	ASSERT("SLAB-3", outcome == QUIRE_FREE_OK);
	(void)outcome;
	return frames;
}

struct slab *slab_of(struct quire *q, const void *p)
{
	uintptr_t offset = (uintptr_t)p - (uintptr_t)q->direct;

	if (!q->direct || offset >= q->direct_bytes)
		return NULL;
	uint32_t i = frames_find(q, offset >> QUIRE_PAGE_SHIFT);
	if (i == FRAME_NONE || (q->frames.pages[i].owner & 0xff) != QUIRE_OWNER_SLAB)
		return NULL;
	return (struct slab *)q->frames.pages[i].private;
}
