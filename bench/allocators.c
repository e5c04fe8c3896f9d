/* SPDX-License-Identifier: MIT */
/*
 * allocators.c - Quire behind the table of bench.h, and the empty loop
 */
#include <quire/boot.h>
#include <quire/page.h>

#include <stdlib.h>

#include "bench.h"
#include "hosted.h"

/* As shipped: watermarks, per-cpu lists, frame array inside the memory managed. */
static void *machine_create(uint64_t bytes, unsigned nr_cpus)
{
	struct quire_config config;
	struct quire *q;

	quire_config_init(&config, QUIRE_X86_64);
	config.nr_cpus = nr_cpus;
	struct quire_map_entry map[] = {
		{ 0, 0x9fc00, QUIRE_MAP_USABLE },
		{ 0x9fc00, 0x100000, QUIRE_MAP_RESERVED },
		{ 0x100000, bytes, QUIRE_MAP_USABLE },
	};
	if (quire_create(&config, &q))
		return NULL;
	if (quire_boot_map(q, map, 3) || quire_boot_zones(q)) {
		quire_destroy(q);
		return NULL;
	}
	return q;
}

static void machine_destroy(void *q)
{
	quire_destroy(q);
}

static void *machine_alloc(void *q, uint32_t gfp, unsigned order)
{
	return quire_page_alloc(q, gfp, order);
}

static int machine_free(void *q, void *block, unsigned order)
{
	return quire_page_free(q, block, order);
}

_Static_assert(BENCH_KERNEL == QUIRE_GFP_KERNEL, "bench.h has Quire's values");
_Static_assert(BENCH_MOVABLE == (QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_MOVABLE), "likewise");
_Static_assert(BENCH_LAST == (QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_MEMALLOC), "likewise");

static size_t machine_alloc_bulk(void *q, size_t nr, void **frames)
{
	return quire_page_alloc_bulk(q, QUIRE_GFP_KERNEL, nr, (struct quire_page **)frames);
}

static void machine_free_bulk(void *q, size_t nr, void **frames)
{
	if (quire_page_free_bulk(q, nr, (struct quire_page **)frames, NULL))
		abort();
}

/* What is free once the per-cpu lists are empty, in blocks of @order or larger. */
static uint64_t count_free(struct quire *q, unsigned order)
{
	struct quire_zone_stat stat;
	uint64_t nr = 0;

	quire_page_drain(q);
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		quire_zone_stat(q, z, &stat);
		for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++) {
			for (unsigned o = order; o <= QUIRE_ORDER_MAX; o++)
				nr += stat.nr_free[type][o] << (o - order);
		}
	}
	return nr;
}

static uint64_t machine_free_frames(void *q)
{
	return count_free(q, 0);
}

static uint64_t machine_free_order9(void *q)
{
	return count_free(q, 9);
}

static uint64_t machine_metadata(void *q)
{
	struct quire_metadata m;

	quire_metadata(q, &m);
	return m.frames + m.blocks + m.other;
}

const struct bench_allocator bench_quire = {
	.name = "quire",
	.create = machine_create,
	.destroy = machine_destroy,
	.on_cpu = quire_hosted_cpu,
	.alloc = machine_alloc,
	.free = machine_free,
	.alloc_bulk = machine_alloc_bulk,
	.free_bulk = machine_free_bulk,
	.free_frames = machine_free_frames,
	.free_order9 = machine_free_order9,
	.metadata = machine_metadata,
};

/* The empty loop: hands out the same block for ever. */
static void *none_create(uint64_t bytes, unsigned nr_cpus)
{
	(void)bytes;
	(void)nr_cpus;
	return malloc(1);
}

static void none_on_cpu(unsigned cpu)
{
	(void)cpu;
}

static void *none_alloc(void *n, uint32_t gfp, unsigned order)
{
	(void)gfp;
	(void)order;
	return n;
}

static int none_free(void *n, void *block, unsigned order)
{
	(void)n;
	(void)block;
	(void)order;
	return 0;
}

static size_t none_alloc_bulk(void *n, size_t nr, void **frames)
{
	(void)n;
	(void)frames;
	return nr;
}

static void none_free_bulk(void *n, size_t nr, void **frames)
{
	(void)n;
	(void)nr;
	(void)frames;
}

static uint64_t none_count(void *n)
{
	(void)n;
	return 1;
}

const struct bench_allocator bench_none = {
	.name = "none",
	.create = none_create,
	.destroy = free,
	.on_cpu = none_on_cpu,
	.alloc = none_alloc,
	.free = none_free,
	.alloc_bulk = none_alloc_bulk,
	.free_bulk = none_free_bulk,
	.free_frames = none_count,
	.free_order9 = none_count,
	.metadata = none_count,
};
