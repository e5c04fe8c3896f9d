/* SPDX-License-Identifier: MIT */
/*
 * slab_look.c - the kernel heap checked, hashed and counted
 *
 * All of this walks what belongs to other cpus, so nobody else may use the machine meanwhile. What
 * an object is comes from the chains: a map of a slab's objects starts as "live", and each chain
 * that names an object says otherwise.
 */
#include "kmem/slab_look.h"

#include "core/assert.h"
#include "core/hash.h"
#include "core/string.h"
#include "kmem/kmalloc.h"
#include "kmem/slab_cache.h"
#include "kmem/slab_checked.h"

/** struct walk - the slabs of a cache, cpu by cpu, the newest first */
struct walk {
	const struct cache *cache;
	uint32_t slot;
	const struct slab *slab;
};

/* Go on to the next slab. Return: NULL after the last */
static const struct slab *walk_next(struct walk *w)
{
	const struct quire *q = w->cache->q;

	if (w->slab) {
		w->slab = slab_at(q, w->slab->all_next);
		if (w->slab)
			return w->slab;
		w->slot++;
	}
	for (; w->slot < w->cache->nr_slots; w->slot++) {
		w->slab = slab_at(q, slot_at(w->cache, w->slot)->all);
		if (w->slab)
			return w->slab;
	}
	return NULL;
}

/*
 * Enter each object of a chain in the slab's map. Return: how many; objects + 1 if one is not
 * the slab's, or is on a chain already
 */
static uint32_t map_chain(const struct slab *slab, const void *object, uint8_t *map,
			  enum quire_object what)
{
	uint32_t nr = 0;

	while (object) {
		uint32_t i = slab_index(slab, object);

		if (i == slab->cache->objects || map[i] != QUIRE_OBJECT_LIVE)
			return slab->cache->objects + 1;
		map[i] = (uint8_t)what;
		nr++;
		object = *slab_link(slab->cache, (void *)(uintptr_t)object);
	}
	return nr;
}

/*
 * Objects on a slot's chain at most: a longer one, after a double free, is a circle. And whoever
 * writes to a free object makes a link that leads out of the heap: it is not followed.
 */
static uint64_t chain_most(const struct cache *cache, const struct slot *slot)
{
	return (uint64_t)slot->nr_slabs * cache->objects;
}

/* Objects on a slot's chain @p, as far as it leads. */
static uint64_t chain_length(const struct cache *cache, const struct slot *slot, const void *p)
{
	uint64_t most = chain_most(cache, slot), nr = 0;

	for (; p && nr < most && slab_of(cache->q, p); p = *(const quire_heap_link_t *)p)
		nr++;
	return nr;
}

/* Objects of this slab on a chain of its cpu's, which has those of others. Return: as map_chain */
static uint32_t map_cpu(const struct slab *slab, const void *p, uint8_t *map)
{
	uint64_t left = chain_most(slab->cache, slab_slot(slab));
	uint32_t nr = 0;

	for (; p; p = *(const quire_heap_link_t *)p) {
		uint32_t i = slab_index(slab, p);

		if (!left-- || !slab_of(slab->cache->q, p))
			return slab->cache->objects + 1;
		if (i == slab->cache->objects)
			continue;
		if (map[i] != QUIRE_OBJECT_LIVE)
			return slab->cache->objects + 1;
		map[i] = QUIRE_OBJECT_CPU;
		nr++;
	}
	return nr;
}

/* Are all objects on a slot's chain @p those of its slabs that are not empty? */
static bool chain_sound(const struct cache *cache, const struct slot *slot, const void *p)
{
	uint64_t left = chain_most(cache, slot);

	for (; p; p = *(const quire_heap_link_t *)p) {
		const struct slab *slab = slab_of(cache->q, p);

		if (!left-- || !slab || slab->cache != cache || slab_slot(slab) != slot ||
		    slab->hot.state == QUIRE_SLAB_EMPTY)
			return false;
	}
	return true;
}

/* Objects of this slab that are on their way to its cpu. Return: as map_chain */
static uint32_t map_away(const struct slab *slab, uint8_t *map)
{
	const struct cache *cache = slab->cache;
	uint32_t nr = 0;

	for (uint32_t s = 0; s < cache->nr_slots; s++) {
		const struct slot *slot = slot_at(cache, s);
		const void *p = slot->returned;
		uint32_t left = relaxed_load(&slot->nr_returned), n = 0;

		while (n < slot->nr_away || (p && left--)) {
			bool away = n < slot->nr_away;
			const void *object = away ? slot->away[n++] : p;
			const struct slab *of = slab_of(cache->q, object);

			if (!away)
				p = of ? *(const quire_heap_link_t *)p : NULL;
			if (of != slab)
				continue;
			uint32_t i = slab_index(slab, object);
			if (i == cache->objects || map[i] != QUIRE_OBJECT_LIVE)
				return cache->objects + 1;
			map[i] = QUIRE_OBJECT_AWAY;
			nr++;
		}
	}
	return nr;
}

/* Objects of a slab that were put aside. Return: how many */
static uint32_t map_bad(const struct slab *slab, uint8_t *map)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < slab->cache->objects; i++) {
		if (meta_of(slab->cache, slab_object(slab, i))->state != META_BAD ||
		    map[i] != QUIRE_OBJECT_LIVE)
			continue;
		map[i] = QUIRE_OBJECT_BAD;
		nr++;
	}
	return nr;
}

/* What each object is. Return: how many are live; -1 if the chains contradict each other */
static int64_t map_objects(const struct slab *slab, uint8_t *map)
{
	const struct slot *slot = slab_slot(slab);
	uint32_t objects = slab->cache->objects, free, away, cpu = 0, bad = 0;

	memset(map, QUIRE_OBJECT_LIVE, objects);
	free = map_chain(slab, slab->hot.free, map, QUIRE_OBJECT_FREE);
	if (!slab->cache->hot.checked)
		cpu = map_cpu(slab, slot->hot.free, map) +
		      map_cpu(slab, slot->loose.hot.free, map);
	else
		bad = map_bad(slab, map);
	away = map_away(slab, map);
	if (free > objects || cpu > objects || away > objects || free != slab_free_count(slab))
		return -1;
	return (int64_t)objects - free - cpu - away - bad;
}

struct quire_cache *quire_cache_next(struct quire *q, const struct quire_cache *cache)
{
	const struct kmem *kmem = kmem_of(q);
	struct cache *next = kmem ? kmem->first : NULL;

	if (cache)
		next = ((const struct cache *)cache)->next;
	return next ? &next->hot : NULL;
}

struct quire_cache *quire_cache_find(struct quire *q, const char *name)
{
	for (struct quire_cache *c = quire_cache_next(q, NULL); c; c = quire_cache_next(q, c)) {
		const char *a = ((struct cache *)c)->name, *b = name;

		while (*a && *a == *b)
			a++, b++;
		if (*a == *b)
			return c;
	}
	return NULL;
}

void quire_cache_info(const struct quire_cache *hot, struct quire_cache_info *out)
{
	const struct cache *cache = (const struct cache *)hot;
	struct walk w = { .cache = cache };
	uint64_t free = 0;

	*out = (struct quire_cache_info){
		.name = cache->name,
		.flags = cache->flags,
		.object_bytes = cache->object_bytes,
		.size = cache->size,
		.align = cache->align,
		.objects = cache->objects,
		.pages = 1u << cache->order,
		.limit = cache->hot.checked ? 0 : SLAB_AWAY,
		.record_inside = cache->inside,
		.asked_bytes = cache->flags & QUIRE_SLAB_ASKED ? cache->asked_bytes : 0,
	};
	for (const struct slab *slab = walk_next(&w); slab; slab = walk_next(&w)) {
		out->nr_slabs++;
		out->full += slab->hot.state == QUIRE_SLAB_FULL;
		out->empty += slab->hot.state == QUIRE_SLAB_EMPTY;
		free += slab_free_count(slab);
	}
	out->partial = out->nr_slabs - out->full - out->empty;
	for (uint32_t s = 0; s < cache->nr_slots; s++) {
		const struct slot *slot = slot_at(cache, s);

		free += chain_length(cache, slot, slot->hot.free) +
			chain_length(cache, slot, slot->loose.hot.free);
		out->away += slot->nr_away + relaxed_load(&slot->nr_returned);
	}
	out->nr_objects = out->nr_slabs * cache->objects;
	out->bad_objects = cache->nr_bad;
	out->active_objects = out->nr_objects - free - out->away - out->bad_objects;
}

/* Apart, so that its map is on the stack only where nobody else has one. */
static APART uint32_t count_live(const struct slab *slab)
{
	uint8_t map[QUIRE_SLAB_OBJECTS_MAX];

	return (uint32_t)map_objects(slab, map);
}

bool quire_slab_info(const struct quire_cache *hot, size_t i, struct quire_slab_info *out,
		     uint8_t *objects)
{
	const struct cache *cache = (const struct cache *)hot;
	struct walk w = { .cache = cache };
	const struct slab *slab = walk_next(&w);

	while (slab && i--)
		slab = walk_next(&w);
	if (!slab)
		return false;
	*out = (struct quire_slab_info){
		.pfn = quire_pfn(frames_pfn(&cache->q->frames, slab->frame)),
		.state = (enum quire_slab_state)slab->hot.state,
		.cpu = slab->hot.cpu == SLAB_SHARED ? -1 : slab->hot.cpu,
		.live = objects ? (uint32_t)map_objects(slab, objects) : count_live(slab),
		.colour = slab->colour,
	};
	return true;
}

enum quire_kfree quire_kfree_judge(struct quire *q, const void *p, uintptr_t caller)
{
	uint8_t map[QUIRE_SLAB_OBJECTS_MAX];
	const struct slab *slab = slab_of(q, p);
	struct quire_slab_finding found = {
		.what = QUIRE_KFREE_DOUBLE,
		.object = p,
		.caller = caller,
	};

	if (!slab || slab->cache->hot.checked || slab_index(slab, p) == slab->cache->objects)
		return QUIRE_KFREE_OK;
	map_objects(slab, map);
	if (map[slab_index(slab, p)] == QUIRE_OBJECT_LIVE)
		return QUIRE_KFREE_OK;
	found.cache = slab->cache->name;
	kmem_report(q, &found);
	return QUIRE_KFREE_DOUBLE;
}

static bool broken(struct quire_violation *out, const char *rule, const char *text, uint64_t where)
{
	if (out)
		*out = (struct quire_violation){ rule, text, where };
	return false;
}

/* SLAB-5, 6: a checked object is what its slab's chain says, and whole if it is free. */
static bool metas_check(const struct slab *slab, const uint8_t *map, struct quire_violation *out)
{
	const struct cache *cache = slab->cache;
	uint64_t pfn = frames_pfn(&cache->q->frames, slab->frame), offset;

	for (uint32_t i = 0; i < cache->objects; i++) {
		const char *object = slab_object(slab, i);
		bool free = map[i] == QUIRE_OBJECT_FREE;

		if ((meta_of(cache, object)->state == META_FREE) != free)
			return broken(out, "SLAB-5", "an object is free if its slab has it", pfn);
		if (free && !checked_sound(cache, object, &offset))
			return broken(out, "SLAB-6", "nobody writes to a free object", pfn);
	}
	return true;
}

/* Is a slab where its state and its free objects say? */
static bool listed(const struct slab *slab, const struct slot *slot, uint32_t free)
{
	uint32_t objects = slab->cache->objects;
	unsigned bucket = free >> slab->cache->bucket_shift;

	if (slab->prev && slab->hot.state != QUIRE_SLAB_FULL &&
	    slab->hot.state != QUIRE_SLAB_CURRENT && slab->prev->next != slab)
		return false;
	switch (slab->hot.state) {
	case QUIRE_SLAB_CURRENT:
		return slot->current == slab;
	case QUIRE_SLAB_FULL:
		return !free && slot->current != slab;
	case QUIRE_SLAB_EMPTY:
		return free == objects && (slab->prev || slot->empty == slab);
	default:
		return free > 0 && free < objects && bucket == slab->hot.bucket &&
		       (slab->prev || slot->partial[bucket] == slab);
	}
}

/* @bad: counts the objects that were put aside */
static bool one_check(const struct walk *w, const struct slab *slab, uint32_t *bad,
		      struct quire_violation *out)
{
	const struct cache *cache = w->cache;
	const struct frames *f = &cache->q->frames;
	const struct quire_heap_slab *named = slab_named(slab);
	uint64_t pfn = frames_pfn(f, slab->frame);
	uint8_t map[QUIRE_SLAB_OBJECTS_MAX];
	uint32_t free = slab_free_count(slab);

	if (slab->cache != cache || slab_slot(slab) != slot_at(cache, w->slot))
		return broken(out, "SLAB-3", "a slab says whose it is", pfn);
	if (!listed(slab, slab_slot(slab), free))
		return broken(out, "SLAB-1", "a slab is on the list of its fullness", pfn);
	for (uint32_t n = 0; n < 1u << cache->order; n++) {
		const struct quire_page *page = &f->pages[slab->frame + n];

		if (page->owner != cache->hot.tag || page->private != (uintptr_t)named)
			return broken(out, "SLAB-3", "each frame of a slab names it", pfn);
	}
	if (map_objects(slab, map) < 0)
		return broken(out, "SLAB-2", "each free object is one of its slab, once", pfn);
	for (uint32_t i = 0; i < cache->objects; i++)
		*bad += map[i] == QUIRE_OBJECT_BAD;
	return !cache->hot.checked || metas_check(slab, map, out);
}

/* Are there as many returned objects as are counted? */
static bool returned_sound(struct quire *q, const struct slot *slot)
{
	uint32_t left = relaxed_load(&slot->nr_returned);

	for (const void *p = slot->returned; p; p = *(const quire_heap_link_t *)p) {
		if (!left-- || !slab_of(q, p))
			return false;
	}
	return !left;
}

/* Slabs on a slot's list of all. */
static uint32_t listed_slabs(const struct quire *q, const struct slot *slot)
{
	uint32_t nr = 0;

	for (const struct slab *s = slab_at(q, slot->all); s; s = slab_at(q, s->all_next))
		nr++;
	return nr;
}

static bool cache_check(const struct cache *cache, uint64_t *empty_frames,
			struct quire_violation *out)
{
	struct walk w = { .cache = cache };
	uint32_t bad = 0;

	for (const struct slab *slab = walk_next(&w); slab; slab = walk_next(&w)) {
		if (!one_check(&w, slab, &bad, out))
			return false;
		if (slab->hot.state == QUIRE_SLAB_EMPTY && !cache->hot.checked)
			*empty_frames += 1u << cache->order;
	}
	if (bad != cache->nr_bad)
		return broken(out, "SLAB-5", "objects put aside are counted", bad);
	for (uint32_t s = 0; s < cache->nr_slots; s++) {
		const struct slot *slot = slot_at(cache, s);

		if (slot->nr_slabs != listed_slabs(cache->q, slot))
			return broken(out, "SLAB-4", "a slot's count is that of its slabs", s);
		if (!returned_sound(cache->q, slot))
			return broken(out, "SLAB-4", "a slot counts its returned objects", s);
		if (!chain_sound(cache, slot, slot->hot.free) ||
		    !chain_sound(cache, slot, slot->loose.hot.free))
			return broken(out, "SLAB-4", "a cpu's objects are of its own slabs", s);
	}
	return true;
}

bool slab_check(struct quire *q, const struct tier *tier, struct quire_violation *out)
{
	const struct kmem *kmem = (const struct kmem *)tier;
	uint64_t empty_frames = 0, counted = 0;

	for (const struct cache *c = kmem->first; c; c = c->next) {
		for (const struct cache *d = c->next; d; d = d->next) {
			if (!memcmp(c->name, d->name, sizeof(c->name)))
				return broken(out, "SLAB-7", "names on the chain are unique",
					      c->hot.tag >> 8);
		}
		if (!cache_check(c, &empty_frames, out))
			return false;
	}
	for (uint32_t cpu = 0; cpu < q->config.nr_cpus; cpu++)
		counted += kmem->cpu[cpu].empty_frames;
	if (counted != empty_frames)
		return broken(out, "SLAB-8", "cpus count the frames of their empty slabs", counted);
	return true;
}

static uint64_t hash_object(const struct cache *cache, const void *object, uint64_t hash)
{
	return hash_word(hash, (uint64_t)((const unsigned char *)object - cache->q->direct));
}

/* A chain of @most objects, each as its place in memory; no more of one that is damaged. */
static uint64_t hash_chain(const struct cache *cache, const void *object, uint64_t most,
			   uint64_t hash)
{
	for (; object && most--; object = *slab_link(cache, (void *)(uintptr_t)object)) {
		if (!slab_of(cache->q, object))
			break;
		hash = hash_object(cache, object, hash);
	}
	return hash_word(hash, 0);
}

uint64_t slab_hash(struct quire *q, const struct tier *tier, uint64_t hash)
{
	const struct kmem *kmem = (const struct kmem *)tier;

	(void)q;
	for (const struct cache *c = kmem->first; c; c = c->next) {
		struct walk w = { .cache = c };

		for (const char *name = c->name; *name; name++)
			hash = hash_word(hash, (unsigned char)*name);
		hash = hash_word(hash, (uint64_t)c->size << 32 | c->flags);
		hash = hash_word(hash, c->asked_bytes);
		for (const struct slab *slab = walk_next(&w); slab; slab = walk_next(&w)) {
			hash = hash_word(hash, slab->frame);
			hash = hash_word(hash, (uint64_t)w.slot << 32 | slab->hot.state);
			hash = hash_word(hash, slab->next ? slab->next->frame : FRAME_NONE);
			hash = hash_chain(c, slab->hot.free, c->objects, hash);
		}
		for (uint32_t s = 0; s < c->nr_slots; s++) {
			const struct slot *slot = slot_at(c, s);

			hash = hash_chain(c, slot->hot.free, chain_most(c, slot), hash);
			hash = hash_chain(c, slot->loose.hot.free, chain_most(c, slot), hash);
			hash = hash_chain(c, slot->returned, relaxed_load(&slot->nr_returned),
					  hash);
			for (uint32_t i = 0; i < slot->nr_away; i++)
				hash = hash_object(c, slot->away[i], hash);
		}
	}
	return hash;
}

void kmem_report_leaks(struct kmem *kmem)
{
	struct cache *next;

	/* The records of caches are kmalloc's objects, and nobody forgot them. */
	for (struct cache *c = kmem->first; c; c = next) {
		next = c->next;
		if (c->owned)
			continue;
		cache_report_live(c);
		kmem_cache_take(kmem, c);
		quire_kfree_track(kmem->q, c, 0);
	}
	for (struct cache *c = kmem->first; c; c = c->next) {
		if (c != kmem->records)
			cache_report_live(c);
	}
	kmalloc_report_large(kmem->q);
}
