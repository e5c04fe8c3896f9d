/* SPDX-License-Identifier: MIT */
/*
 * slab_checked.c - checked caches: constructors and debug flags
 *
 *   | guard | object asked … rest | guard 8 | struct meta |
 *     left    0x5a when new, 0x6b … 0xa5 when free
 *
 * Guard bytes are 0xcc around a live object, from the byte behind the last one asked for, and 0xbb
 * around a free one. What a constructor prepared is never filled. An object that was
 * written while free is put aside until its cache ends: somebody still has a pointer to it.
 *
 * Source: the slab_debug and slub_debug options of Linux's documentation (mm/slub.rst);
 * Bonwick 1994, 6 (auditing, freed-address verification)
 */
#include "kmem/slab_checked.h"

#include "core/assert.h"
#include "core/string.h"
#include "kmem/kmem.h"
#include "kmem/slab_list.h"

#define POISON_NEW 0x5a
#define POISON_FREE 0x6b
#define POISON_END 0xa5
#define RED_FREE 0xbb
#define RED_LIVE 0xcc
#define RED_BYTES 8u
#define LEFT_BYTES 16u

static uint32_t round_up(uint32_t n, uint32_t to)
{
	return (n + to - 1) / to * to;
}

void checked_layout(struct cache *cache)
{
	uint32_t red = cache->flags & QUIRE_SLAB_RED_ZONE ? RED_BYTES : 0;

	cache->left = red ? round_up(LEFT_BYTES, cache->align) : 0;
	cache->meta = round_up(cache->object_bytes + red, 8);
	cache->size = round_up(cache->left + cache->meta + (uint32_t)sizeof(struct meta),
			       cache->align);
}

static bool poisons(const struct cache *cache)
{
	return (cache->flags & QUIRE_SLAB_POISON) && !cache->ctor;
}

/* Guard bytes around an object of which @bytes are used. */
static void guard(const struct cache *cache, char *object, uint32_t bytes, int fill)
{
	if (!(cache->flags & QUIRE_SLAB_RED_ZONE))
		return;
	memset(object - cache->left, fill, cache->left);
	memset(object + bytes, fill, cache->object_bytes + RED_BYTES - bytes);
}

/* Bytes of an object that belong to whoever allocates it; a constructor's are never guard. */
static uint32_t used(const struct cache *cache, size_t asked)
{
	return cache->ctor ? cache->object_bytes : (uint32_t)asked;
}

static void fill_free(const struct cache *cache, char *object)
{
	if (poisons(cache)) {
		memset(object, POISON_FREE, cache->object_bytes - 1);
		object[cache->object_bytes - 1] = (char)POISON_END;
	}
	guard(cache, object, cache->object_bytes, RED_FREE);
}

/* Are all bytes @fill? @at: their offset from the object; the first that is not goes to @offset. */
static bool whole(const char *object, int64_t at, uint32_t bytes, int fill, uint64_t *offset)
{
	for (uint32_t i = 0; i < bytes; i++) {
		if ((unsigned char)object[at + i] == fill)
			continue;
		*offset = (uint64_t)(at + i);
		return false;
	}
	return true;
}

static bool guards_whole(const struct cache *cache, const char *object, uint32_t bytes, int fill,
			 uint64_t *offset)
{
	if (!(cache->flags & QUIRE_SLAB_RED_ZONE))
		return true;
	return whole(object, -(int64_t)cache->left, cache->left, fill, offset) &&
	       whole(object, bytes, cache->object_bytes + RED_BYTES - bytes, fill, offset);
}

bool checked_sound(const struct cache *cache, const void *object, uint64_t *offset)
{
	uint32_t last = cache->object_bytes - 1;

	if (poisons(cache) && (!whole(object, 0, last, POISON_FREE, offset) ||
			       !whole(object, last, 1, POISON_END, offset)))
		return false;
	return guards_whole(cache, object, cache->object_bytes, RED_FREE, offset);
}

static void report(const struct cache *cache, const void *object, struct quire_slab_finding *what)
{
	const struct meta *meta = meta_of(cache, object);

	what->cache = cache->name;
	what->object = object;
	if (cache->flags & QUIRE_SLAB_STORE_USER) {
		what->alloc_caller = (uintptr_t)meta->alloc_caller;
		what->free_caller = (uintptr_t)meta->free_caller;
	}
	kmem_report(cache->q, what);
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* The objects of a new slab: in order, or from a random one by a random step. */
static void prepare(struct slab *slab, uint64_t random)
{
	struct cache *cache = slab->cache;
	uint32_t start = cache->objects - 1, step = 1;

	ASSERT("SLAB-2", cache->objects);
	for (uint32_t i = 0; i < cache->objects; i++) {
		char *object = slab_object(slab, i);

		*meta_of(cache, object) = (struct meta){ .state = META_FREE };
		fill_free(cache, object);
		if (cache->ctor)
			cache->ctor(object);
	}
	if (cache->flags & QUIRE_SLAB_SHUFFLE) {
		start = (uint32_t)(random >> 32) % cache->objects;
		step = (uint32_t)random % cache->objects;
		while (common_divisor(step, cache->objects) != 1)
			step++;
	}
	slab_chain(slab, start, step % cache->objects);
}

/* The next random number. Source: Steele, Lea, Flood, OOPSLA 2014 (splitmix64) */
static uint64_t next_random(struct cache *cache)
{
	uint64_t z = cache->shuffle += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static bool grow(struct cache *cache, quire_gfp_t gfp)
{
	struct slot *slot = cache->slots;
	struct slab *slab = slab_create(cache, gfp);

	if (!slab)
		return false;
	uintptr_t token = quire_port_cpu_enter();
	lock_take(&slot->lock);
	slab_adopt(slot, slab, SLAB_SHARED);
	uint64_t random = next_random(cache);
	lock_drop(&slot->lock);
	quire_port_cpu_leave(token);

	prepare(slab, random);

	token = quire_port_cpu_enter();
	lock_take(&slot->lock);
	slab_link_in(slab, cache->objects);
	lock_drop(&slot->lock);
	quire_port_cpu_leave(token);
	return true;
}

/* An object that is live from now on. */
static char *take(struct cache *cache, size_t bytes)
{
	struct slot *slot = cache->slots;
	uintptr_t token = quire_port_cpu_enter();
	char *object = NULL;

	lock_take(&slot->lock);
	struct slab *slab = slab_fullest(slot);

	if (slab) {
		uint32_t free = slab_free_count(slab);

		object = slab->hot.free;
		struct meta *meta = meta_of(cache, object);
		ASSERT("SLAB-5", meta->state == META_FREE);
		slab->hot.free = meta->link;
		meta->state = META_LIVE;
		meta->asked = (uint32_t)bytes;
		cache->asked_bytes += bytes;
		slab_link_in(slab, free - 1);
	}
	lock_drop(&slot->lock);
	quire_port_cpu_leave(token);
	return object;
}

/* Somebody wrote to it while it was free: never give it out again. */
static void put_aside(struct cache *cache, char *object, uint64_t offset, uintptr_t caller)
{
	struct quire_slab_finding found = {
		.what = QUIRE_KFREE_WRITTEN,
		.offset = offset,
		.caller = caller,
	};
	struct slot *slot = cache->slots;

	report(cache, object, &found);
	uintptr_t token = quire_port_cpu_enter();
	lock_take(&slot->lock);
	cache->asked_bytes -= meta_of(cache, object)->asked;
	cache->nr_bad++;
	meta_of(cache, object)->asked = 0;
	meta_of(cache, object)->state = META_BAD;
	lock_drop(&slot->lock);
	quire_port_cpu_leave(token);
}

void *checked_alloc(struct cache *cache, size_t bytes, quire_gfp_t gfp, uintptr_t caller)
{
	uint64_t offset;
	char *object;

	for (;;) {
		object = take(cache, bytes);
		if (!object && !grow(cache, gfp))
			return NULL;
		if (!object)
			continue;
		if (checked_sound(cache, object, &offset))
			break;
		put_aside(cache, object, offset, caller);
	}
	meta_of(cache, object)->alloc_caller = caller;
	if (poisons(cache))
		memset(object, POISON_NEW, cache->object_bytes);
	guard(cache, object, used(cache, bytes), RED_LIVE);
	if (gfp & QUIRE_GFP_ZERO)
		memset(object, 0, used(cache, bytes));
	return object;
}

/* Make it free. Return: an empty slab more than the one that is kept, unlinked; else NULL */
static struct slab *put(struct slab *slab, char *object, uintptr_t caller)
{
	struct cache *cache = slab->cache;
	struct meta *meta = meta_of(cache, object);
	uint32_t free = slab_free_count(slab);

	meta->state = META_FREE;
	meta->free_caller = caller;
	cache->asked_bytes -= meta->asked;
	fill_free(cache, object);
	slab_unlink(slab);
	meta->link = slab->hot.free;
	slab->hot.free = object;
	slab_link_in(slab, free + 1);
	if (slab->hot.state != QUIRE_SLAB_EMPTY || !slab->next)
		return NULL;
	slab_unlink(slab);
	slab_forget(slab);
	return slab;
}

enum quire_kfree checked_free(struct slab *slab, void *object, uintptr_t caller)
{
	struct cache *cache = slab->cache;
	struct quire_slab_finding found = { .caller = caller };
	struct meta *meta = meta_of(cache, object);
	struct slab *empty = NULL;
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&cache->slots->lock);
	if (meta->state != META_LIVE)
		found.what = QUIRE_KFREE_DOUBLE;
	else if (!guards_whole(cache, object, used(cache, meta->asked), RED_LIVE, &found.offset))
		found.what = QUIRE_KFREE_OVERRUN;
	else
		empty = put(slab, object, caller);
	lock_drop(&cache->slots->lock);
	quire_port_cpu_leave(token);
	if (found.what != QUIRE_KFREE_OK)
		report(cache, object, &found);
	if (empty)
		slab_destroy(empty);
	return found.what;
}

uint32_t checked_settle(struct cache *cache)
{
	struct slot *slot = cache->slots;
	uint32_t frames = 0;
	struct slab *slab;

	do {
		uintptr_t token = quire_port_cpu_enter();

		lock_take(&slot->lock);
		slab = slot->empty;
		if (slab) {
			slab_unlink(slab);
			slab_forget(slab);
		}
		lock_drop(&slot->lock);
		quire_port_cpu_leave(token);
		if (slab)
			frames += slab_destroy(slab);
	} while (slab);
	return frames;
}

void checked_release(struct cache *cache)
{
	struct slab *next;

	for (struct slab *slab = slab_at(cache->q, cache->slots->all); slab; slab = next) {
		struct slab *empty = NULL;

		next = slab_at(cache->q, slab->all_next);
		for (uint32_t i = 0; i < cache->objects && !empty; i++) {
			char *object = slab_object(slab, i);

			if (meta_of(cache, object)->state != META_BAD)
				continue;
			cache->nr_bad--;
			empty = put(slab, object, (uintptr_t)meta_of(cache, object)->free_caller);
		}
		if (empty)
			slab_destroy(empty);
	}
	ASSERT("SLAB-5", !cache->nr_bad);
}
