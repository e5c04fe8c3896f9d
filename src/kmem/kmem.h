/* SPDX-License-Identifier: MIT */
/*
 * kmem.h - the kernel heap's state on a machine
 */
#ifndef KMEM_KMEM_H
#define KMEM_KMEM_H

#include "kmem/shrinker.h"
#include "kmem/slab.h"

/** Families of kmalloc's caches. */
enum kmalloc_family { KMALLOC_NORMAL, KMALLOC_RECLAIM, KMALLOC_DMA, NR_KMALLOC };

/*
 * Frames in slabs without live objects that a cpu keeps: a four-hundredth of a machine's memory,
 * but no more than what a batch of a thousand small objects needs.
 */
#define EMPTY_SHARE 400
#define EMPTY_MOST 64u

/* Of the families but KMALLOC_NORMAL: Linux's sizes alone. */
#define KMALLOC_FEW 13

/** struct kmem_cpu - what a cpu counts over all caches */
struct kmem_cpu {
	_Atomic uint32_t empty_frames; /* in empty slabs of plain caches; its own cpu's, but for
					* who destroys a cache */
	uint8_t apart[60];             /* the next one's is another cache line */
};

/** struct kmem - the heap */
struct kmem {
	struct tier tier;
	struct quire *q;
	struct quire_slab_config config;
	void *memory; /* this, kmalloc's caches, cpus, sections: one piece */
	size_t bytes;
	struct kmem_cpu *cpu;
	uint32_t empty_most;        /* frames of empty slabs that a cpu keeps */
	struct lock lock;           /* the chain and what stands here */
	struct cache *first, *last; /* the chain, oldest first */
	uint32_t number;            /* of the newest cache */
	struct cache *records;      /* struct slab of slabs that don't hold their own */
	struct cache *few[NR_KMALLOC - 1][KMALLOC_FEW];
	struct shrinkers shrinkers;
};

/** kmem_of - the heap of a machine. Return: NULL before quire_slab_boot */
static inline struct kmem *kmem_of(const struct quire *q)
{
	return (struct kmem *)q->tier[TIER_KMEM];
}

/** kmem_report - tell who asked to be told. Locks: none held */
void kmem_report(const struct quire *q, const struct quire_slab_finding *finding);

/** kmem_cache_put - chain a cache, numbered. Return: -QUIRE_EEXIST if there is one of its name */
int kmem_cache_put(struct kmem *kmem, struct cache *cache);

/** kmem_cache_close - a cache is about to be destroyed, or not after all: for reclaim */
void kmem_cache_close(struct kmem *kmem, struct cache *cache, bool closing);

/** kmem_cache_take - take a cache off the chain */
void kmem_cache_take(struct kmem *kmem, struct cache *cache);

#endif
