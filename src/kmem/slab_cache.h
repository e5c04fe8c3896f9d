/* SPDX-License-Identifier: MIT */
/*
 * slab_cache.h - caches: create, destroy, shrink
 */
#ifndef KMEM_SLAB_CACHE_H
#define KMEM_SLAB_CACHE_H

#include "kmem/slab.h"

/**
 * cache_describe - check arguments and work out all of a cache but its place
 * @cache: filled in
 * @q:     a machine with a heap
 * @args:  as for quire_cache_create
 *
 * Return: 0; -QUIRE_EINVAL
 */
int cache_describe(struct cache *cache, struct quire *q, const struct quire_cache_args *args);

/**
 * cache_place - put a described cache into memory
 * @described: from cache_describe
 * @memory:    described->bytes of them
 *
 * Return: the cache, not yet on the chain
 */
struct cache *cache_place(const struct cache *described, void *memory);

/** cache_settle - give back all slabs without live objects. Context: nobody else uses the cache */
void cache_settle(struct cache *cache);

/** cache_frames - frames of all slabs of a cache. Context: as cache_settle */
uint64_t cache_frames(const struct cache *cache);

/** cache_shrink_here - quire_cache_shrink */
uint64_t cache_shrink_here(struct cache *cache);

/** cache_report_live - report each live object. Return: how many. Context: as cache_settle */
uint64_t cache_report_live(struct cache *cache);

#endif
