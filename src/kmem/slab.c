/* SPDX-License-Identifier: MIT */
/*
 * slab.c - slabs: how they are laid out, made, listed and given back
 *
 *   frames of a slab:  | colour | object | object | … | object | rest [record] |
 *
 * Free objects are chained through themselves (in a checked cache behind themselves). A slab is on
 * one of its slot's lists by how many of its objects are on its own chain, a full one on none:
 *
 *            last object gone                first one back, if there are loose ones enough
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

/*
 * Small objects share the costs of a slab's moves: on a machine of some size by four frames full of
 * them, else at least by one frame's.
 */
#define SMALL_BYTES 256u
#define SMALL_ORDER 2u
#define SOME_SIZE (64u << 20)

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
	bool more = cache->size <= SMALL_BYTES && cache->q->direct_bytes >= SOME_SIZE;

	for (unsigned order = more ? SMALL_ORDER : 0; order <= SLAB_ORDER_MAX; order++) {
		uint32_t nr = fit(cache, order, inside, &waste);

		if (!nr || waste >> order >= best)
			continue;
		best = waste >> order;
		cache->order = (uint8_t)order;
		cache->objects = nr;
		if (best <= QUIRE_PAGE_SIZE / 32)
			break;
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
	*slab = (struct slab){ .cache = cache };
	slab->frame = frames_index(&q->frames, page);
	ASSERT("SLAB-3", frames_pfn(&q->frames, slab->frame) < q->direct_bytes >> QUIRE_PAGE_SHIFT);
	slab->hot.cpu = SLAB_SHARED;
	return slab;
}

void slab_chain(struct slab *slab, uint32_t start, uint32_t step)
{
	const struct cache *cache = slab->cache;
	uint32_t bytes = cache->size * cache->objects, stride = cache->size * step;
	char *first = slab_object(slab, 0);
	uint32_t at = cache->size * start;
	void *last = NULL;

	for (uint32_t n = cache->objects; n > 0; n--) {
		*slab_link(cache, first + at) = last;
		last = first + at;
		at = at >= stride ? at - stride : at + bytes - stride;
	}
	slab->hot.free = last;
}

void slab_chain_plain(struct slab *slab)
{
	uint32_t size = slab->cache->size;
	char *first = slab_object(slab, 0), *at = slab_object(slab, slab->cache->objects - 1);
	void *next = NULL;

	slab->hot.free = first;
	for (; at > first; at -= size) {
		*(quire_heap_link_t *)(void *)at = next;
		next = at;
	}
	*(quire_heap_link_t *)(void *)first = next;
}

void slab_adopt(struct slot *slot, struct slab *slab, unsigned cpu)
{
	struct cache *cache = slab->cache;
	uint32_t step = cache->align > CACHE_LINE ? cache->align : CACHE_LINE;

	slab->colour = slot->colour * step;
	slot->colour = slot->colour + 1 < cache->colours ? slot->colour + 1 : 0;
	slab->hot.cpu = (uint16_t)cpu;
	mark_frames(slab, true);
	slab->all_prev = FRAME_NONE;
	slab->all_next = slot->all;
	if (slot->all != FRAME_NONE)
		slab_at(cache->q, slot->all)->all_prev = slab->frame;
	slot->all = slab->frame;
	slot->nr_slabs++;
}

void slab_name(struct slab *slab)
{
	const struct cache *cache = slab->cache;
	struct quire_page *page = &cache->q->frames.pages[slab->frame];
	const struct quire_heap_slab *named = slab_named(slab);

	for (uint32_t n = 0; n < 1u << cache->order; n++)
		relaxed_store((_Atomic uintptr_t *)&page[n].private, (uintptr_t)named);
}

void slab_forget(struct slab *slab)
{
	struct quire *q = slab->cache->q;
	struct slot *slot = slab_slot(slab);

	if (slab->all_prev != FRAME_NONE)
		slab_at(q, slab->all_prev)->all_next = slab->all_next;
	else
		slot->all = slab->all_next;
	if (slab->all_next != FRAME_NONE)
		slab_at(q, slab->all_next)->all_prev = slab->all_prev;
	slot->nr_slabs--;
}

uint32_t slab_destroy(struct slab *slab)
{
	struct cache *cache = slab->cache;
	struct quire *q = cache->q;
	struct quire_page *page = &q->frames.pages[slab->frame];
	uint32_t frames = 1u << cache->order;

	ASSERT("SLAB-4", slab_free_count(slab) == cache->objects);
	mark_frames(slab, false);
	if (!cache->inside)
		quire_cache_free(&kmem_of(q)->records->hot, slab);
	enum quire_free outcome = quire_page_free(q, page, cache->order);
	ASSERT("SLAB-3", outcome == QUIRE_FREE_OK);
	(void)outcome;
	return frames;
}

struct slab *slab_of(struct quire *q, const void *p)
{
	const struct quire_heap_frame *frame;
	uintptr_t place = (uintptr_t)p - q->heap.map.direct;

	if (!quire_heap_find(&q->heap.map, p, &frame))
		return NULL;
	if (likely((frame->owner & 0xff) == QUIRE_OWNER_SLAB))
		return slab_behind(q, QUIRE_HEAP_RELAXED(&frame->of.slab), place);
	/* None, or of 4 MB that two zones share (map_sections). */
	uint32_t i = frames_find(q, place >> QUIRE_PAGE_SHIFT);

	if (i == FRAME_NONE || (q->frames.pages[i].owner & 0xff) != QUIRE_OWNER_SLAB)
		return NULL;
	return slab_at(q, i);
}
