/* SPDX-License-Identifier: MIT */
/*
 * rows_slab.c - the rows of the kernel heap, and the same of the process's malloc
 *
 * Rows kmalloc.* run for Quire, and as "malloc" for whatever malloc the process has: glibc's, or
 * one that was preloaded. Counts include the loop, which all share (heap_loops.h).
 */
#include <quire/boot.h>
#include <quire/slab.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "hosted.h"

#define MIXED 1024
#define PAIRS 100000
#define BATCH 1000
#define BIG 200000
#define SLOTS 10000
#define CHURN 200000

/** struct process_malloc - malloc and free, as the process has them */
struct process_malloc {
	void *(*alloc)(size_t bytes);
	void (*let_go)(void *p);
};

#define NAME(x) quire_##x
#define HEAP struct quire *q
#define ALLOC(bytes) quire_kmalloc(q, bytes, QUIRE_GFP_KERNEL)
#define FREE(p) quire_kfree(q, p)
#include "heap_loops.h"
#undef NAME
#undef HEAP
#undef ALLOC
#undef FREE

#define NAME(x) malloc_##x
#define HEAP const struct process_malloc *m
#define ALLOC(bytes) m->alloc(bytes)
#define FREE(p) m->let_go(p)
#include "heap_loops.h"

/* What the loops work on. */
static struct {
	struct quire_hosted host;
	struct quire *q; /* NULL: the process's malloc */
	struct process_malloc process;
	void *object[BIG];
	unsigned order[BIG];
	unsigned pick[CHURN], size[CHURN];
} heap;

static void shuffle(unsigned nr, uint64_t *seed)
{
	for (unsigned i = 0; i < nr; i++)
		heap.order[i] = i;
	for (unsigned i = nr - 1; i > 0; i--) {
		unsigned k = (unsigned)(bench_random(seed) % (i + 1)), was = heap.order[i];

		heap.order[i] = heap.order[k];
		heap.order[k] = was;
	}
}

static void in_order(void)
{
	for (unsigned i = 0; i < BATCH; i++)
		heap.order[i] = i;
}

static void draw(uint64_t *seed)
{
	for (unsigned i = 0; i < CHURN; i++) {
		heap.pick[i] = (unsigned)(bench_random(seed) % SLOTS);
		heap.size[i] = 16 + (unsigned)(bench_random(seed) % 4081);
	}
}

static void start(const struct bench_allocator *a)
{
	const struct quire_map_entry map = { 1 << 20, 256 << 20, QUIRE_MAP_USABLE };
	struct quire_config config;

	*(void **)&heap.process.alloc = dlsym(RTLD_DEFAULT, "malloc");
	*(void **)&heap.process.let_go = dlsym(RTLD_DEFAULT, "free");
	heap.q = NULL;
	if (a == &bench_malloc)
		return;
	quire_config_init(&config, QUIRE_X86_64);
	config.host = &heap.host;
	config.nr_cpus = 2;
	if (quire_create(&config, &heap.q) || quire_boot_map(heap.q, &map, 1) ||
	    quire_boot_zones(heap.q) || quire_slab_boot(heap.q, NULL))
		abort();
}

static void finish(void)
{
	quire_destroy(heap.q);
	quire_hosted_release(&heap.host);
}

#define RUN(loop, ...)                                      \
	(heap.q ? quire_##loop(heap.q, __VA_ARGS__)         \
		: malloc_##loop(&heap.process, __VA_ARGS__))

static void pair_64(const struct bench_allocator *a, struct bench_result *out)
{
	start(a);
	RUN(pair_64, 1000);
	bench_start();
	RUN(pair_64, PAIRS);
	bench_stop(out, PAIRS);
	finish();
}

static void pair_1024(const struct bench_allocator *a, struct bench_result *out)
{
	start(a);
	RUN(pair_1024, 1000);
	bench_start();
	RUN(pair_1024, PAIRS);
	bench_stop(out, PAIRS);
	finish();
}

static void pair_mixed(const struct bench_allocator *a, struct bench_result *out)
{
	uint64_t seed = 1;

	start(a);
	draw(&seed);
	RUN(pair_mixed, 10 * MIXED, heap.size);
	bench_start();
	RUN(pair_mixed, PAIRS, heap.size);
	bench_stop(out, PAIRS);
	finish();
}

static void batch(const struct bench_allocator *a, struct bench_result *out, unsigned n,
		  unsigned nr)
{
	start(a);
	RUN(batch, 3, nr, heap.object, heap.order);
	bench_start();
	RUN(batch, n, nr, heap.object, heap.order);
	bench_stop(out, (uint64_t)n * nr);
	finish();
}

static void batch1000_fifo(const struct bench_allocator *a, struct bench_result *out)
{
	in_order();
	batch(a, out, 100, BATCH);
}

static void batch1000_lifo(const struct bench_allocator *a, struct bench_result *out)
{
	for (unsigned i = 0; i < BATCH; i++)
		heap.order[i] = BATCH - 1 - i;
	batch(a, out, 100, BATCH);
}

static void batch1000_rand(const struct bench_allocator *a, struct bench_result *out)
{
	uint64_t seed = 2;

	shuffle(BATCH, &seed);
	batch(a, out, 100, BATCH);
}

static void big200k_rand(const struct bench_allocator *a, struct bench_result *out)
{
	uint64_t seed = 3;

	shuffle(BIG, &seed);
	batch(a, out, 2, BIG);
}

static void churn10k(const struct bench_allocator *a, struct bench_result *out)
{
	uint64_t seed = 4;

	start(a);
	draw(&seed);
	RUN(fill, SLOTS, heap.object, heap.size);
	RUN(churn, CHURN, heap.object, heap.pick, heap.size);
	draw(&seed);
	bench_start();
	RUN(churn, CHURN, heap.object, heap.pick, heap.size);
	bench_stop(out, CHURN);
	RUN(empty, SLOTS, heap.object);
	finish();
}

static uint64_t slab_frames(void)
{
	uint64_t frames = 0;

	for (struct quire_cache *c = quire_cache_next(heap.q, NULL); c;
	     c = quire_cache_next(heap.q, c)) {
		struct quire_cache_info info;

		quire_cache_info(c, &info);
		frames += info.nr_slabs * info.pages;
	}
	return frames;
}

/* Frames of slabs, records included, against bytes asked for, after a churn. */
static void resident(const struct bench_allocator *a, struct bench_result *out)
{
	static unsigned size[SLOTS];
	uint64_t seed = 5, asked = 0;

	start(a);
	draw(&seed);
	for (unsigned i = 0; i < SLOTS; i++)
		size[i] = heap.size[i];
	RUN(fill, SLOTS, heap.object, heap.size);
	for (unsigned round = 0; round < 4; round++) {
		draw(&seed);
		RUN(churn, CHURN, heap.object, heap.pick, heap.size);
		for (unsigned i = 0; i < CHURN; i++)
			size[heap.pick[i]] = heap.size[i];
	}
	for (unsigned i = 0; i < SLOTS; i++)
		asked += size[i];
	out->ops = SLOTS;
	out->value = (double)slab_frames() * QUIRE_PAGE_SIZE / (double)asked;
	out->unit = "B per B asked";
	RUN(empty, SLOTS, heap.object);
	quire_slab_drain(heap.q);
	if (slab_frames())
		abort(); /* something is held */
	finish();
}

static struct quire_cache *cache_of(size_t bytes)
{
	const struct quire_cache_args args = { .name = "bench", .size = bytes };
	struct quire_cache *cache;

	start(&bench_quire);
	if (quire_cache_create(heap.q, &args, &cache))
		abort();
	return cache;
}

static __attribute__((noinline)) void slab_pairs(struct quire_cache *cache, unsigned n)
{
	for (; n > 0; n--)
		quire_cache_free(cache, quire_cache_alloc(cache, QUIRE_GFP_KERNEL));
}

static void slab_pair(struct bench_result *out, size_t bytes)
{
	struct quire_cache *cache = cache_of(bytes);

	slab_pairs(cache, 1000);
	bench_start();
	slab_pairs(cache, PAIRS);
	bench_stop(out, PAIRS);
	finish();
}

static void slab_pair_64(const struct bench_allocator *a, struct bench_result *out)
{
	(void)a;
	slab_pair(out, 64);
}

static void slab_pair_256(const struct bench_allocator *a, struct bench_result *out)
{
	(void)a;
	slab_pair(out, 256);
}

/* A batch from a cache, freed in the order that heap.order says, by cpu @cpu. */
static void slab_batch(struct bench_result *out, unsigned cpu)
{
	struct quire_cache *cache = cache_of(256);

	for (unsigned n = 0; n < 103; n++) {
		if (n == 3)
			bench_start();
		quire_hosted_cpu(0);
		for (unsigned i = 0; i < BATCH; i++)
			heap.object[i] = quire_cache_alloc(cache, QUIRE_GFP_KERNEL);
		quire_hosted_cpu(cpu);
		for (unsigned i = 0; i < BATCH; i++)
			quire_cache_free(cache, heap.object[heap.order[i]]);
	}
	bench_stop(out, 100 * BATCH);
	quire_hosted_cpu(0);
	finish();
}

static void slab_batch_fifo(const struct bench_allocator *a, struct bench_result *out)
{
	(void)a;
	in_order();
	slab_batch(out, 0);
}

static void slab_batch_rand(const struct bench_allocator *a, struct bench_result *out)
{
	uint64_t seed = 6;

	(void)a;
	shuffle(BATCH, &seed);
	slab_batch(out, 0);
}

static void slab_batch_xcpu(const struct bench_allocator *a, struct bench_result *out)
{
	(void)a;
	in_order();
	slab_batch(out, 1);
}

const struct bench_allocator bench_malloc = { .name = "malloc" };

const struct bench_row bench_slab_rows[] = {
	{ "slab.pair_64", slab_pair_64, true, "allocate and free an object of 64 bytes" },
	{ "slab.pair_256", slab_pair_256, true, "the same, 256 bytes" },
	{ "slab.batch1000_fifo", slab_batch_fifo, true, "1,000 of 256 B, freed in order" },
	{ "slab.batch1000_rand", slab_batch_rand, true, "at random" },
	{ "slab.batch1000_xcpu", slab_batch_xcpu, true, "in order on another cpu" },
	{ "kmalloc.pair_64", pair_64, true, "allocate and free 64 bytes" },
	{ "kmalloc.pair_1024", pair_1024, true, "the same, 1,024 bytes" },
	{ "kmalloc.pair_mixed", pair_mixed, true, "the same, 16 to 4,096 bytes" },
	{ "kmalloc.batch1000_fifo", batch1000_fifo, true, "1,000 of 64 B, freed in order" },
	{ "kmalloc.batch1000_lifo", batch1000_lifo, true, "the last one first" },
	{ "kmalloc.batch1000_rand", batch1000_rand, true, "at random" },
	{ "kmalloc.big200k_rand", big200k_rand, true, "200,000 of 64 B, freed at random" },
	{ "kmalloc.churn10k", churn10k, true, "replace one of 10,000, 16 to 4,096 bytes" },
	{ "kmalloc.resident", resident, false, "frames held after such a churn" },
};

const size_t bench_nr_slab_rows = sizeof(bench_slab_rows) / sizeof(bench_slab_rows[0]);
