/* SPDX-License-Identifier: MIT */
/*
 * slab_cache.c - caches: create, destroy, shrink; objects by the bulk
 */
#include "kmem/slab_cache.h"

#include "core/assert.h"
#include "core/string.h"
#include "kmem/kmem.h"
#include "kmem/slab_checked.h"

#define ALIGN_LEAST 8u
#define CACHE_LINE 64u

/* A constructor and these make a cache a checked one. */
#define CHECKED_FLAGS QUIRE_SLAB_DEBUG

static size_t length_of(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

static bool name_valid(const char *name)
{
	size_t length = name ? length_of(name) : 0;

	for (size_t i = 0; i < length; i++) {
		if (name[i] <= ' ' || name[i] == 0x7f)
			return false;
	}
	return length > 0 && length < sizeof(((struct cache *)0)->name);
}

/* Is @name in a list "one,two-*"? */
static bool listed(const char *list, const char *name)
{
	while (*list) {
		size_t n = 0;

		while (list[n] && list[n] != ',' && list[n] != '*' && list[n] == name[n])
			n++;
		if (list[n] == '*' || ((list[n] == ',' || !list[n]) && !name[n]))
			return true;
		while (*list && *list++ != ',')
			;
	}
	return false;
}

static uint32_t alignment(const struct quire_cache_args *args)
{
	uint32_t align = args->align > ALIGN_LEAST ? (uint32_t)args->align : ALIGN_LEAST;
	uint32_t line = CACHE_LINE;

	if (!(args->flags & QUIRE_SLAB_HWCACHE_ALIGN))
		return align;
	while (args->size <= line / 2)
		line /= 2;
	return align > line ? align : line;
}

static uint32_t zone_gfp(uint32_t flags)
{
	return (flags & QUIRE_SLAB_CACHE_DMA ? QUIRE_GFP_DMA : 0) |
	       (flags & QUIRE_SLAB_CACHE_DMA32 ? QUIRE_GFP_DMA32 : 0) |
	       (flags & QUIRE_SLAB_RECLAIM_ACCOUNT ? QUIRE_GFP_BIT_RECLAIMABLE : 0);
}

/* Bytes of a pointer for each cpu, the same on every host. */
static uint32_t pointers(uint32_t nr_cpus)
{
	return (nr_cpus * 8 + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

int cache_describe(struct cache *cache, struct quire *q, const struct quire_cache_args *args)
{
	const struct kmem *kmem = kmem_of(q);
	uint32_t zones = QUIRE_SLAB_CACHE_DMA | QUIRE_SLAB_CACHE_DMA32;

	if (!name_valid(args->name) || !args->size || args->size > QUIRE_KMALLOC_CACHE_MAX ||
	    args->align > QUIRE_PAGE_SIZE * 2 || (args->align & (args->align - 1)) ||
	    (args->flags & ~QUIRE_SLAB_FLAGS) || (args->flags & zones) == zones)
		return -QUIRE_EINVAL;
	*cache = (struct cache){ .q = q, .ctor = args->ctor, .flags = args->flags };
	memcpy(cache->name, args->name, length_of(args->name));
	if (!kmem->config.only || listed(kmem->config.only, args->name))
		cache->flags |= kmem->config.debug;
	cache->hot.map = q->heap.map;
	cache->object_bytes = (uint32_t)args->size;
	cache->align = alignment(args);
	cache->gfp = zone_gfp(args->flags);
	cache->hot.checked = cache->ctor || (cache->flags & CHECKED_FLAGS);
	cache->shuffle = kmem->config.seed;
	for (const char *c = cache->name; *c; c++)
		cache->shuffle = cache->shuffle * 31 + (unsigned char)*c;
	cache->size = (cache->object_bytes + cache->align - 1) / cache->align * cache->align;
	if (cache->hot.checked)
		checked_layout(cache);
	cache->nr_slots = cache->hot.checked ? 1 : q->config.nr_cpus;
	cache->bytes = CACHE_BYTES + pointers(q->config.nr_cpus) + SLOT_BYTES * cache->nr_slots;
	return slab_layout(cache) ? 0 : -QUIRE_EINVAL;
}

struct cache *cache_place(const struct cache *described, void *memory)
{
	struct cache *cache = memory;
	uint32_t nr_cpus = described->q->config.nr_cpus;

	memset(memory, 0, described->bytes);
	*cache = *described;
	struct quire_heap_slot **by_cpu = (void *)((char *)memory + CACHE_BYTES);

	cache->slots = (struct slot *)(void *)((char *)memory + CACHE_BYTES + pointers(nr_cpus));
	uint32_t most = LOOSE_BYTES / cache->size;

	for (uint32_t i = 0; i < cache->nr_slots; i++) {
		struct slot *slot = slot_at(cache, i);

		slot->all = FRAME_NONE;
		slot->loose_left = 1 + (most < LOOSE_MOST ? most : LOOSE_MOST);
		slot->loose.cache = cache;
		slot->loose.hot.left = slot->loose_left;
		slot->loose.hot.cpu = (uint16_t)i;
		slot->loose.hot.state = SLAB_LOOSE;
	}
	for (uint32_t cpu = 0; cpu < nr_cpus; cpu++)
		by_cpu[cpu] = &slot_at(cache, cache->hot.checked ? 0 : cpu)->hot;
	return cache;
}

int quire_cache_create(struct quire *q, const struct quire_cache_args *args,
		       struct quire_cache **out)
{
	struct kmem *kmem = kmem_of(q);
	struct cache described;

	if (!kmem)
		return -QUIRE_ENODEV;
	int error = cache_describe(&described, q, args);
	if (error)
		return error;
	void *memory = quire_kmalloc_track(q, described.bytes, QUIRE_GFP_KERNEL, 0);
	if (!memory)
		return -QUIRE_ENOMEM;
	struct cache *cache = cache_place(&described, memory);

	error = kmem_cache_put(kmem, cache);
	if (error) {
		quire_kfree_track(q, memory, 0);
		return error;
	}
	*out = &cache->hot;
	return 0;
}

uint64_t cache_frames(const struct cache *cache)
{
	uint64_t nr = 0;

	for (uint32_t i = 0; i < cache->nr_slots; i++)
		nr += slot_at(cache, i)->nr_slabs;
	return nr << cache->order;
}

void cache_settle(struct cache *cache)
{
	if (cache->hot.checked)
		checked_settle(cache);
	/* Twice: what was away in one slot is in another one's empty slabs then. */
	for (uint32_t i = 0; !cache->hot.checked && i < 2 * cache->nr_slots; i++)
		slot_settle(slot_at(cache, i % cache->nr_slots), cache->q, true);
}

uint64_t cache_report_live(struct cache *cache)
{
	uint8_t objects[QUIRE_SLAB_OBJECTS_MAX];
	struct quire_slab_info info;
	uint64_t live = 0;

	for (size_t n = 0; quire_slab_info(&cache->hot, n, &info, objects); n++) {
		const struct slab *slab = slab_of(cache->q,
						  cache->q->direct + quire_pfn_phys(info.pfn).v);

		live += info.live;
		for (uint32_t i = 0; i < cache->objects; i++) {
			const char *object = slab_object(slab, i);
			struct quire_slab_finding found = {
				.what = QUIRE_KFREE_LIVE,
				.cache = cache->name,
				.object = object,
			};

			if (objects[i] != QUIRE_OBJECT_LIVE)
				continue;
			if (cache->flags & QUIRE_SLAB_STORE_USER)
				found.alloc_caller =
					(uintptr_t)meta_of(cache, object)->alloc_caller;
			kmem_report(cache->q, &found);
		}
	}
	return live;
}

int quire_cache_destroy(struct quire_cache *hot)
{
	struct cache *cache = (struct cache *)hot;

	if (!cache)
		return 0;
	if (cache->owned)
		return -QUIRE_EINVAL;
	struct quire *q = cache->q;

	/* Reclaim on other cpus looks at every cache of the chain, and only at their own slots. */
	kmem_cache_close(kmem_of(q), cache, true);
	cache_settle(cache);
	if (cache_report_live(cache)) {
		kmem_cache_close(kmem_of(q), cache, false);
		return -QUIRE_EBUSY;
	}
	if (cache->nr_bad) {
		/* That somebody wrote to them has been reported. */
		checked_release(cache);
		cache_settle(cache);
	}
	ASSERT("SLAB-4", !cache->slots->nr_slabs);
	kmem_cache_take(kmem_of(q), cache);
	quire_kfree_track(q, cache, 0);
	return 0;
}

uint64_t cache_shrink_here(struct cache *cache)
{
	uint64_t frames;

	if (cache->hot.checked)
		return checked_settle(cache);
	uintptr_t token = quire_port_cpu_enter();
	uint32_t cpu = (uint32_t)(token & 0xffff);

	for (uint32_t i = 0; i < cache->nr_slots; i++) {
		if (i != cpu)
			relaxed_store(&slot_at(cache, i)->asked, 1);
	}
	struct slot *slot = slot_at(cache, cpu);
	uint32_t before = slot->nr_slabs;

	slot_settle(slot, cache->q, false);
	frames = (uint64_t)(before - slot->nr_slabs) << cache->order;
	quire_port_cpu_leave(token);
	return frames;
}

uint64_t quire_cache_shrink(struct quire_cache *cache)
{
	return cache_shrink_here((struct cache *)cache);
}

void *quire_cache_alloc_track(struct quire_cache *cache, quire_gfp_t gfp, uintptr_t caller)
{
	return cache_alloc((struct cache *)cache, 0, gfp, caller);
}

enum quire_kfree quire_cache_free_track(struct quire_cache *hot, const void *object,
					uintptr_t caller)
{
	struct cache *cache = (struct cache *)hot;

	return heap_free(cache->q, cache, object, caller);
}

enum quire_kfree quire_cache_free_slow(struct quire_cache *cache, const void *object)
{
	return quire_cache_free_track(cache, object, SLAB_CALLER);
}

int quire_cache_alloc_bulk(struct quire_cache *cache, quire_gfp_t gfp, size_t nr, void **objects)
{
	for (size_t i = 0; i < nr; i++) {
		objects[i] = quire_cache_alloc(cache, gfp);
		if (objects[i])
			continue;
		quire_cache_free_bulk(cache, i, objects, NULL);
		return -QUIRE_ENOMEM;
	}
	return 0;
}

enum quire_kfree quire_cache_free_bulk(struct quire_cache *cache, size_t nr, void *const *objects,
				       size_t *done)
{
	enum quire_kfree outcome = QUIRE_KFREE_OK;
	size_t i = 0;

	while (i < nr) {
		outcome = quire_cache_free(cache, objects[i]);
		if (outcome != QUIRE_KFREE_OK)
			break;
		i++;
	}
	if (done)
		*done = i;
	return outcome;
}
