/* SPDX-License-Identifier: MIT */
/*
 * heap.h - machines with a kernel heap, and what it reports, for the tests
 */
#ifndef TEST_HEAP_H
#define TEST_HEAP_H

#include "rig.h"

#include <quire/slab.h>

#include "kmem/slab_checked.h"

#define GFP QUIRE_GFP_KERNEL

/** struct heap - a machine, and the findings of its heap */
struct heap {
	struct rig rig;
	struct quire *q;
	unsigned nr;                    /* findings so far */
	struct quire_slab_finding last; /* the newest */
	unsigned of[QUIRE_NR_KFREE];    /* by kind */
};

static inline void heap_found(void *ctx, const struct quire_slab_finding *finding)
{
	struct heap *heap = ctx;

	heap->nr++;
	heap->last = *finding;
	heap->of[finding->what]++;
}

/** A machine of that configuration and size, with a heap */
static inline bool heap_boot(struct heap *heap, struct quire_config config, uint64_t bytes,
			     uint32_t debug)
{
	const struct quire_slab_config slab = {
		.debug = debug,
		.seed = 1,
		.report = heap_found,
		.ctx = heap,
	};

	memset(heap, 0, sizeof(*heap));
	if (!rig_boot(&heap->rig, config, bytes))
		return false;
	heap->q = heap->rig.q;
	int error = quire_slab_boot(heap->q, &slab);

	CHECK_EQ(error, 0);
	return !error;
}

/** The usual one: x86-64 with two cpus */
static inline bool heap_start(struct heap *heap, uint64_t bytes, uint32_t debug)
{
	struct quire_config config = rig_config(QUIRE_X86_64);

	config.nr_cpus = 2;
	return heap_boot(heap, config, bytes, debug);
}

/** End it; nothing may be left that @leaks does not count */
static inline void heap_end(struct heap *heap, unsigned leaks)
{
	rig_sound(&heap->rig);
	unsigned before = heap->of[QUIRE_KFREE_LIVE];

	quire_destroy(heap->q);
	quire_hosted_cpu(0);
	quire_hosted_release(&heap->rig.host);
	CHECK_EQ(heap->rig.host.live_bytes, 0);
	CHECK_EQ(heap->of[QUIRE_KFREE_LIVE] - before, leaks);
}

static inline struct quire_cache *heap_cache(struct heap *heap, struct quire_cache_args args)
{
	struct quire_cache *cache = NULL;

	CHECK_EQ(quire_cache_create(heap->q, &args, &cache), 0);
	return cache;
}

static inline struct quire_cache_info heap_info(const struct quire_cache *cache)
{
	struct quire_cache_info info;

	quire_cache_info(cache, &info);
	return info;
}

#endif
