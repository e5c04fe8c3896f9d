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

static void *machine_alloc(void *q, unsigned order, bool movable)
{
	return quire_page_alloc(q, movable ? QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_MOVABLE
					   : QUIRE_GFP_KERNEL, order);
}

static void *machine_alloc_last(void *q)
{
	return quire_page_alloc(q, QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_MEMALLOC, 0);
}

static void machine_free(void *q, void *block, unsigned order)
{
	if (quire_page_free(q, block, order))
		abort();
}

static size_t machine_alloc_bulk(void *q, size_t nr, void **frames)
{
	return quire_page_alloc_bulk(q, QUIRE_GFP_KERNEL, nr, (struct quire_page **)frames);
}

static void machine_free_bulk(void *q, size_t nr, void **frames)
{
	if (quire_page_free_bulk(q, nr, (struct quire_page **)frames, NULL))
		abort();
}

static uint64_t machine_free_frames(void *q)
{
	struct quire_zone_stat stat;
	uint64_t nr = 0;

	quire_page_drain(q);
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		quire_zone_stat(q, z, &stat);
		nr += stat.free;
	}
	return nr;
}

static uint64_t machine_free_order9(void *q)
{
	struct quire_zone_stat stat;
	uint64_t nr = 0;

	quire_page_drain(q);
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		quire_zone_stat(q, z, &stat);
		for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++)
			nr += stat.nr_free[type][9] + 2 * stat.nr_free[type][10];
	}
	return nr;
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
	.alloc_last = machine_alloc_last,
	.free = machine_free,
	.alloc_bulk = machine_alloc_bulk,
	.free_bulk = machine_free_bulk,
	.free_frames = machine_free_frames,
	.free_order9 = machine_free_order9,
	.metadata = machine_metadata,
};

/* The empty loop: hands out as many blocks as there are frames, all the same. */
struct none {
	uint64_t nr_free;
};

static void *none_create(uint64_t bytes, unsigned nr_cpus)
{
	struct none *n = malloc(sizeof(*n));

	(void)nr_cpus;
	if (n)
		n->nr_free = bytes >> 12;
	return n;
}

static void none_on_cpu(unsigned cpu)
{
	(void)cpu;
}

static void *none_alloc(void *n, unsigned order, bool movable)
{
	(void)order;
	(void)movable;
	return n;
}

static void *none_alloc_last(void *machine)
{
	struct none *n = machine;

	return n->nr_free ? n->nr_free--, n : NULL;
}

static void none_free(void *n, void *block, unsigned order)
{
	(void)n;
	(void)block;
	(void)order;
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
	.alloc_last = none_alloc_last,
	.free = none_free,
	.alloc_bulk = none_alloc_bulk,
	.free_bulk = none_free_bulk,
	.free_frames = none_count,
	.free_order9 = none_count,
	.metadata = none_count,
};
