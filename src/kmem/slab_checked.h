/* SPDX-License-Identifier: MIT */
/*
 * slab_checked.h - checked caches: constructors and debug flags
 */
#ifndef KMEM_SLAB_CHECKED_H
#define KMEM_SLAB_CHECKED_H

#include "kmem/slab.h"

/** What an object of a checked cache is. */
enum meta_state { META_FREE = 0x66726565, META_LIVE = 0x6c697665, META_BAD = 0x62616421 };

/** struct meta - behind each object of a checked cache */
struct meta {
	union {
		quire_heap_link_t link; /* the next free object */
		uint64_t link_pad;
	};
	uint64_t alloc_caller;
	uint64_t free_caller;
	uint32_t asked; /* bytes, of a live object */
	uint32_t state; /* enum meta_state */
};

_Static_assert(sizeof(struct meta) == 32, "the same on every host");

/** meta_of - what stands behind an object */
static inline struct meta *meta_of(const struct cache *cache, const void *object)
{
	return (struct meta *)((uintptr_t)object + cache->meta);
}

/** checked_layout - place guard bytes and struct meta: left, meta and size from object_bytes */
void checked_layout(struct cache *cache);

/** checked_alloc - allocate @bytes from a checked cache. Locks: takes slots->lock */
void *checked_alloc(struct cache *cache, size_t bytes, quire_gfp_t gfp, uintptr_t caller);

/** checked_free - free an object of a checked cache. Return: as quire_cache_free */
enum quire_kfree checked_free(struct slab *slab, void *object, uintptr_t caller);

/** checked_settle - give back the empty slabs of a checked cache. Return: their frames */
uint32_t checked_settle(struct cache *cache);

/** checked_release - objects that were put aside are free again. Context: the cache is ending */
void checked_release(struct cache *cache);

/** checked_sound - are a free object's guard bytes and filling whole? @offset: of the first not */
bool checked_sound(const struct cache *cache, const void *object, uint64_t *offset);

#endif
