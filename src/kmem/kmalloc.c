/* SPDX-License-Identifier: MIT */
/*
 * kmalloc.c - memory by size: families of caches, and whole frames
 *
 * The normal family has Linux's sizes and others between them, so that a request loses less: 16
 * apart up to 128, then four or eight sizes to each doubling. From 1 KB on a size between two is
 * one that fills a block of frames but for the slab's record: 9 of 3,632 bytes fill 32 KB, and
 * smaller ones are worth a size of their own only if 10 fit. The families for DMA and for
 * reclaimable memory have Linux's alone. Beyond QUIRE_KMALLOC_CACHE_MAX a request is a block of
 * frames.
 */
#include "kmem/kmalloc.h"

#include <quire/format.h>

#include "core/assert.h"
#include "core/string.h"
#include "kmem/slab_checked.h"

static const uint16_t few[KMALLOC_FEW] = { 8,   16,  32,   64,   96,   128, 192,
					   256, 512, 1024, 2048, 4096, 8192 };

/* Of the normal family: the largest requests that quire_heap_class gives its classes. */
static const uint16_t normal[QUIRE_HEAP_CLASSES] = {
	8,    16,   32,   48,   64,   80,   96,   112,  128,  160,  192,  224,  256,  320,
	384,  448,  512,  640,  768,  896,  1024, 1152, 1248, 1344, 1472, 1616, 1808, 2016,
	2048, 2176, 2320, 2512, 2704, 2960, 3264, 3632, 4032, 4096, 4672, 5440, 6528, 8192,
};

static const char *const prefix[NR_KMALLOC] = {
	[KMALLOC_NORMAL] = "kmalloc",
	[KMALLOC_RECLAIM] = "kmalloc-rcl",
	[KMALLOC_DMA] = "dma-kmalloc",
};

/* Which family and size an index of kmalloc_args is. Return: false behind the last */
static bool which(const struct quire *q, unsigned i, enum kmalloc_family *family, unsigned *size)
{
	bool dma = q->zones[QUIRE_ZONE_DMA].present > 0;

	*family = KMALLOC_NORMAL;
	*size = i - 1;
	if (*size < QUIRE_HEAP_CLASSES)
		return true;
	*family = *size - QUIRE_HEAP_CLASSES < KMALLOC_FEW ? KMALLOC_RECLAIM : KMALLOC_DMA;
	*size -= QUIRE_HEAP_CLASSES + (*family - KMALLOC_RECLAIM) * KMALLOC_FEW;
	return *size < KMALLOC_FEW && (*family == KMALLOC_RECLAIM || dma);
}

bool kmalloc_args(const struct quire *q, unsigned i, struct quire_cache_args *args, char *name,
		  size_t size)
{
	enum kmalloc_family family;
	unsigned n;

	*args = (struct quire_cache_args){ .name = name };
	if (i == 0) {
		quire_format_buffer(name, size, "slab_record");
		args->size = SLAB_BYTES;
		args->align = SLAB_BYTES;
		return true;
	}
	if (!which(q, i, &family, &n))
		return false;
	args->size = family == KMALLOC_NORMAL ? normal[n] : few[n];
	if (args->size >= 1024 && args->size % 1024 == 0 && !(args->size & (args->size - 1)))
		quire_format_buffer(name, size, "%s-%uk", prefix[family],
				    (unsigned)args->size / 1024);
	else
		quire_format_buffer(name, size, "%s-%u", prefix[family], (unsigned)args->size);
	if (!(args->size & (args->size - 1)))
		args->align = args->size;
	if (family == KMALLOC_DMA)
		args->flags = QUIRE_SLAB_CACHE_DMA;
	if (family == KMALLOC_RECLAIM)
		args->flags = QUIRE_SLAB_RECLAIM_ACCOUNT;
	return true;
}

void kmalloc_place(struct quire *q, unsigned i, struct cache *cache)
{
	struct kmem *kmem = kmem_of(q);
	enum kmalloc_family family;
	unsigned n;

	if (i == 0)
		kmem->records = cache;
	else if (which(q, i, &family, &n) && family == KMALLOC_NORMAL)
		q->heap.kmalloc[n] = &cache->hot;
	else
		kmem->few[family - 1][n] = cache;
}

void kmalloc_ready(struct quire *q)
{
	for (unsigned i = 0; i < QUIRE_KMALLOC_CACHE_MAX / 8; i++)
		q->heap.class_of[i] = (uint8_t)quire_heap_class(8 * (size_t)i + 8);
}

/* The cache for a request, 1 .. QUIRE_KMALLOC_CACHE_MAX bytes. Return: NULL if there is none */
static struct cache *cache_for(struct quire *q, size_t bytes, quire_gfp_t gfp)
{
	enum kmalloc_family family = gfp & QUIRE_GFP_DMA ? KMALLOC_DMA : KMALLOC_RECLAIM;
	unsigned n = 0;

	if (!(gfp & (QUIRE_GFP_DMA | QUIRE_GFP_BIT_RECLAIMABLE)))
		return (struct cache *)q->heap.kmalloc[q->heap.class_of[(bytes - 1) / 8]];
	while (few[n] < bytes)
		n++;
	return kmem_of(q)->few[family - 1][n];
}

/* Frames for one request. The frame's word has the bytes asked for. */
static void *large_alloc(struct quire *q, size_t bytes, quire_gfp_t gfp)
{
	unsigned order = 0;

	while (((size_t)QUIRE_PAGE_SIZE << order) < bytes)
		order++;
	struct quire_page *page = quire_page_alloc(q, gfp, order);
	if (!page)
		return NULL;
	frames_own(page, QUIRE_OWNER_LARGE);
	page->private = bytes;
	return q->direct + (uintptr_t)quire_pfn_phys(quire_page_pfn(q, page)).v;
}

static void *kmalloc(struct quire *q, size_t bytes, quire_gfp_t gfp, uintptr_t caller)
{
	if (unlikely(!kmem_of(q)) || (gfp & ~QUIRE_GFP_BITS) || bytes > QUIRE_KMALLOC_MAX ||
	    (gfp & (QUIRE_GFP_BIT_HIGHMEM | QUIRE_GFP_BIT_MOVABLE | QUIRE_GFP_BIT_COMP)))
		return NULL;
	if (!bytes)
		return QUIRE_ZERO_SIZE_PTR;
	if (bytes > QUIRE_KMALLOC_CACHE_MAX)
		return large_alloc(q, bytes, gfp);
	struct cache *cache = cache_for(q, bytes, gfp);

	return cache ? cache_alloc(cache, bytes, gfp, caller) : NULL;
}

void *quire_kmalloc_track(struct quire *q, size_t bytes, quire_gfp_t gfp, uintptr_t caller)
{
	return kmalloc(q, bytes, gfp, caller);
}

void *quire_kmalloc_slow(struct quire *q, size_t bytes, quire_gfp_t gfp)
{
	return kmalloc(q, bytes, gfp, SLAB_CALLER);
}

void *quire_kzalloc(struct quire *q, size_t bytes, quire_gfp_t gfp)
{
	return kmalloc(q, bytes, gfp | QUIRE_GFP_ZERO, SLAB_CALLER);
}

void *quire_kcalloc(struct quire *q, size_t nr, size_t bytes, quire_gfp_t gfp)
{
	if (bytes && nr > SIZE_MAX / bytes)
		return NULL;
	return kmalloc(q, nr * bytes, gfp | QUIRE_GFP_ZERO,
		       SLAB_CALLER);
}

/* The large block that holds @p, if it starts there. @inside: one holds it */
static struct quire_page *large_of(struct quire *q, const void *p, bool *inside)
{
	uintptr_t offset = (uintptr_t)p - (uintptr_t)q->direct;

	*inside = false;
	if (!q->direct || offset >= q->direct_bytes)
		return NULL;
	uint32_t i = frames_find(q, offset >> QUIRE_PAGE_SHIFT);

	for (unsigned order = 0; i != FRAME_NONE && order <= QUIRE_ORDER_MAX; order++) {
		struct quire_page *page = &q->frames.pages[i & ~((1u << order) - 1)];
		bool starts = !(offset % QUIRE_PAGE_SIZE) && page == &q->frames.pages[i];

		if (!(frames_head(page) & HEAD_USED) || quire_page_order(page) < order)
			continue;
		if (frames_owner(page) != QUIRE_OWNER_LARGE)
			return NULL;
		*inside = !starts;
		return starts ? page : NULL;
	}
	return NULL;
}

static enum quire_kfree large_free(struct quire *q, const void *p)
{
	bool inside;
	struct quire_page *page = large_of(q, p, &inside);

	if (!page)
		return inside ? QUIRE_KFREE_INSIDE : QUIRE_KFREE_FOREIGN;
	unsigned order = quire_page_order(page);

	frames_disown(page);
	page->private = 0;
	enum quire_free outcome = quire_page_free(q, page, order);
	ASSERT("SLAB-3", outcome == QUIRE_FREE_OK);
	(void)outcome;
	return QUIRE_KFREE_OK;
}

enum quire_kfree heap_free(struct quire *q, struct cache *cache, const void *p, uintptr_t caller)
{
	struct quire_slab_finding found = { .object = p, .caller = caller };
	struct slab *slab = slab_of(q, p);

	if (!p || p == QUIRE_ZERO_SIZE_PTR)
		return QUIRE_KFREE_OK;
	if (!kmem_of(q) || (!slab && cache)) {
		found.what = QUIRE_KFREE_FOREIGN;
	} else if (!slab) {
		found.what = large_free(q, p);
	} else {
		uintptr_t offset = (uintptr_t)p - (uintptr_t)slab_object(slab, 0);

		found.cache = slab->cache->name;
		if (cache && slab->cache != cache) {
			found.what = QUIRE_KFREE_CACHE;
		} else if (slab_index(slab, p) == slab->cache->objects) {
			found.what = QUIRE_KFREE_INSIDE;
			found.offset = offset % slab->cache->size;
			found.object = (const char *)p - found.offset;
		} else if (slab->cache->hot.checked) {
			return checked_free(slab, (void *)(uintptr_t)p, caller);
		} else {
			found.what = slab_free_plain(slab, (void *)(uintptr_t)p);
		}
	}
	if (found.what != QUIRE_KFREE_OK)
		kmem_report(q, &found);
	return found.what;
}

enum quire_kfree quire_kfree_track(struct quire *q, const void *p, uintptr_t caller)
{
	return heap_free(q, NULL, p, caller);
}

enum quire_kfree quire_kfree_slow(struct quire *q, const void *p)
{
	return heap_free(q, NULL, p, SLAB_CALLER);
}

size_t quire_ksize(struct quire *q, const void *p)
{
	const struct slab *slab = slab_of(q, p);
	bool inside;

	if (!slab) {
		const struct quire_page *page = large_of(q, p, &inside);

		return page ? (size_t)QUIRE_PAGE_SIZE << quire_page_order(page) : 0;
	}
	if (slab_index(slab, p) == slab->cache->objects)
		return 0;
	/* Behind what was asked for there are guard bytes, or it is what is counted. */
	if (slab->cache->hot.checked && !slab->cache->ctor)
		return meta_of(slab->cache, p)->state == META_LIVE ? meta_of(slab->cache, p)->asked
								    : 0;
	return slab->cache->object_bytes;
}

void *quire_krealloc(struct quire *q, const void *p, size_t bytes, quire_gfp_t gfp)
{
	uintptr_t caller = SLAB_CALLER;
	const struct slab *slab = slab_of(q, p);
	bool checked = slab && slab->cache->hot.checked;

	if (!p || p == QUIRE_ZERO_SIZE_PTR)
		return kmalloc(q, bytes, gfp, caller);
	if (!bytes)
		return heap_free(q, NULL, p, caller) ? NULL : QUIRE_ZERO_SIZE_PTR;
	size_t had = quire_ksize(q, p);
	if (!had || (slab && slab_seen_free(slab, p))) {
		heap_free(q, NULL, p, caller); /* names what is wrong */
		return NULL;
	}
	if (had == bytes || (had > bytes && !checked))
		return (void *)(uintptr_t)p;
	void *to = kmalloc(q, bytes, gfp, caller);
	if (!to)
		return NULL;
	memcpy(to, p, had < bytes ? had : bytes);
	if (heap_free(q, NULL, p, caller) == QUIRE_KFREE_OK)
		return to;
	heap_free(q, NULL, to, caller);
	return NULL;
}

quire_phys_t quire_heap_phys(const struct quire *q, const void *p)
{
	uintptr_t offset = (uintptr_t)p - (uintptr_t)q->direct;

	return quire_phys(q->direct && offset < q->direct_bytes ? offset : UINT64_MAX);
}

void *quire_heap_pointer(const struct quire *q, quire_phys_t phys)
{
	return q->direct && phys.v < q->direct_bytes ? q->direct + (uintptr_t)phys.v : NULL;
}

uint64_t kmalloc_report_large(struct quire *q)
{
	uint64_t nr = 0;

	for (uint32_t i = 0; i < q->frames.nr; i++) {
		const struct quire_page *page = &q->frames.pages[i];
		struct quire_slab_finding found = { .what = QUIRE_KFREE_LIVE };

		if (frames_owner(page) != QUIRE_OWNER_LARGE)
			continue;
		found.object = q->direct +
			       (uintptr_t)(frames_pfn(&q->frames, i) << QUIRE_PAGE_SHIFT);
		kmem_report(q, &found);
		nr++;
	}
	return nr;
}
