/* SPDX-License-Identifier: MIT */
/*
 * rows.c - the loops
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"

#define MB(n) ((uint64_t)(n) << 20)
#define GB(n) ((uint64_t)(n) << 30)
#define PAIRS 100000
#define FRAMES_1G (1u << 18)
#define SEED 88172645463325252u

static void *machine(const struct bench_allocator *a, uint64_t bytes, unsigned nr_cpus)
{
	void *m = a->create(bytes, nr_cpus);

	if (!m)
		abort();
	return m;
}

static void shuffle(void **v, size_t n, uint64_t *seed)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = bench_random(seed) % i;
		void *t = v[i - 1];

		v[i - 1] = v[j];
		v[j] = t;
	}
}

/* ---- Pairs ---- */

static void pairs(const struct bench_allocator *a, void *m, unsigned order, unsigned n)
{
	int bad = 0;

	for (unsigned i = 0; i < n; i++)
		bad |= a->free(m, a->alloc(m, BENCH_KERNEL, order), order);
	if (bad)
		abort();
}

static void pair_row(const struct bench_allocator *a, uint64_t bytes, unsigned order,
		     struct bench_result *out)
{
	void *m = machine(a, bytes, 1);

	pairs(a, m, order, 1000);
	bench_start();
	pairs(a, m, order, PAIRS);
	bench_stop(out, PAIRS);
	a->destroy(m);
}

static void pair_o0(const struct bench_allocator *a, struct bench_result *out)
{
	pair_row(a, GB(1), 0, out);
}

static void pair_o3(const struct bench_allocator *a, struct bench_result *out)
{
	pair_row(a, GB(1), 3, out);
}

static void pair_o9(const struct bench_allocator *a, struct bench_result *out)
{
	pair_row(a, GB(1), 9, out);
}

static void pair_o0_64m(const struct bench_allocator *a, struct bench_result *out)
{
	pair_row(a, MB(64), 0, out);
}

static void pair_o0_1t(const struct bench_allocator *a, struct bench_result *out)
{
	pair_row(a, GB(1024), 0, out);
}

/* ---- Every frame of 1 GB ---- */

static size_t take_all(const struct bench_allocator *a, void *m, void **frames)
{
	size_t n = 0;

	while (n < FRAMES_1G && (frames[n] = a->alloc(m, BENCH_LAST, 0)))
		n++;
	return n;
}

static void **frame_table(void)
{
	void **frames = calloc(FRAMES_1G, sizeof(*frames));

	if (!frames)
		abort();
	return frames;
}

static void alloc_all_o0(const struct bench_allocator *a, struct bench_result *out)
{
	void *m = machine(a, GB(1), 1);
	void **frames = frame_table();

	bench_start();
	bench_stop(out, take_all(a, m, frames));
	free(frames);
	a->destroy(m);
}

static void free_all(const struct bench_allocator *a, bool random, struct bench_result *out)
{
	void *m = machine(a, GB(1), 1);
	void **frames = frame_table();
	size_t n = take_all(a, m, frames);
	uint64_t seed = SEED;

	if (random)
		shuffle(frames, n, &seed);
	bench_start();
	for (size_t i = 0; i < n; i++)
		a->free(m, frames[i], 0);
	bench_stop(out, n);
	free(frames);
	a->destroy(m);
}

static void free_seq_o0(const struct bench_allocator *a, struct bench_result *out)
{
	free_all(a, false, out);
}

static void free_rand_o0(const struct bench_allocator *a, struct bench_result *out)
{
	free_all(a, true, out);
}

/* ---- Churn ---- */

/* Leave @percent of the machine's frames allocated at random places. Return: how many */
static size_t fill_to(const struct bench_allocator *a, void *m, void **frames, unsigned percent,
		      uint64_t *seed)
{
	size_t n = take_all(a, m, frames), keep = n * percent / 100;

	shuffle(frames, n, seed);
	while (n > keep)
		a->free(m, frames[--n], 0);
	return keep;
}

static void churn90_o0(const struct bench_allocator *a, struct bench_result *out)
{
	void *m = machine(a, GB(1), 1);
	void **frames = frame_table();
	uint64_t seed = SEED;
	size_t n = fill_to(a, m, frames, 90, &seed);

	bench_start();
	for (size_t i = 0; i < 3 * PAIRS; i++) {
		size_t j = bench_random(&seed) % n;

		a->free(m, frames[j], 0);
		frames[j] = a->alloc(m, BENCH_KERNEL, 0);
	}
	bench_stop(out, 3 * PAIRS);
	free(frames);
	a->destroy(m);
}

/*
 * 64 places; each step frees what one holds and puts a block of random order
 * there: two operations.
 */
static void mixed_0_10(const struct bench_allocator *a, struct bench_result *out)
{
	void *m = machine(a, GB(1), 1);
	void *block[64] = { 0 };
	unsigned order[64] = { 0 };
	uint64_t seed = SEED;

	for (size_t i = 0; i < 64; i++)
		block[i] = a->alloc(m, BENCH_KERNEL, order[i] = i % 11);
	bench_start();
	for (size_t i = 0; i < PAIRS; i++) {
		uint64_t r = bench_random(&seed);
		size_t j = r & 63;

		a->free(m, block[j], order[j]);
		order[j] = (r >> 6) % 11;
		block[j] = a->alloc(m, BENCH_KERNEL, order[j]);
	}
	bench_stop(out, 2 * PAIRS);
	a->destroy(m);
}

static void bulk64_o0(const struct bench_allocator *a, struct bench_result *out)
{
	void *m = machine(a, GB(1), 1);
	void *frames[64];

	bench_start();
	for (size_t i = 0; i < PAIRS / 10; i++) {
		if (a->alloc_bulk(m, 64, frames) != 64)
			abort();
		a->free_bulk(m, 64, frames);
	}
	bench_stop(out, PAIRS / 10 * 64);
	a->destroy(m);
}

/* ---- Start-up and metadata ---- */

static void boot_1g(const struct bench_allocator *a, struct bench_result *out)
{
	bench_start();
	void *m = machine(a, GB(1), 1);
	bench_stop(out, FRAMES_1G);
	a->destroy(m);
}

static void boot_1t_seconds(const struct bench_allocator *a, struct bench_result *out)
{
	bench_start();
	void *m = machine(a, GB(1024), 1);
	bench_stop(out, 1);
	out->value = (double)out->ns / 1e9;
	out->unit = "s";
	a->destroy(m);
}

static void metadata_per_frame(const struct bench_allocator *a, struct bench_result *out)
{
	void *m = machine(a, GB(1), 1);

	out->value = (double)a->metadata(m) / FRAMES_1G;
	out->unit = "bytes";
	a->destroy(m);
}

static void metadata_1t(const struct bench_allocator *a, struct bench_result *out)
{
	void *m = machine(a, GB(1024), 1);

	out->value = 100.0 * (double)a->metadata(m) / (double)GB(1024);
	out->unit = "% of memory";
	a->destroy(m);
}

/* ---- Fragmentation ---- */

static double order9_share(const struct bench_allocator *a, void *m)
{
	return 100.0 * (double)a->free_order9(m) / (double)(a->free_frames(m) / 512);
}

/*
 * 100 rounds that free and allocate a tenth of the live frames at random: each freed
 * frame is replaced at once (@batch false), or all are freed first.
 */
static void frag(const struct bench_allocator *a, unsigned percent, bool batch,
		 struct bench_result *out)
{
	void *m = machine(a, GB(1), 1);
	void **frames = frame_table();
	uint64_t seed = SEED;
	size_t n = fill_to(a, m, frames, percent, &seed);

	for (unsigned round = 0; round < 100; round++) {
		for (size_t i = 0; i < n / 10; i++) {
			size_t j = i + bench_random(&seed) % (n - i);
			void *t = frames[j];

			frames[j] = frames[i];
			frames[i] = t;
			a->free(m, frames[i], 0);
			if (!batch)
				frames[i] = a->alloc(m, BENCH_KERNEL, 0);
		}
		for (size_t i = 0; batch && i < n / 10; i++)
			frames[i] = a->alloc(m, BENCH_KERNEL, 0);
	}
	out->value = order9_share(a, m);
	out->unit = "% of ideal";
	free(frames);
	a->destroy(m);
}

static void frag50(const struct bench_allocator *a, struct bench_result *out)
{
	frag(a, 50, false, out);
}

static void frag90(const struct bench_allocator *a, struct bench_result *out)
{
	frag(a, 90, false, out);
}

static void frag50_batch(const struct bench_allocator *a, struct bench_result *out)
{
	frag(a, 50, true, out);
}

static void frag90_batch(const struct bench_allocator *a, struct bench_result *out)
{
	frag(a, 90, true, out);
}

/*
 * Lifetimes: 90 % full of orders 0 to 3, 2 % of the blocks long-lived and unmovable, the
 * others movable; with turnover on the way; then all that is not long-lived is freed.
 */
static void lifetime_hints(const struct bench_allocator *a, struct bench_result *out)
{
	void *m = machine(a, GB(1), 1);
	void **block = frame_table();
	unsigned char *order = malloc(FRAMES_1G);
	uint64_t seed = SEED, full = a->free_frames(m) / 10, used = 0;
	size_t n = 0;

	if (!order)
		abort();
	while (used < full * 9) {
		bool long_lived = bench_random(&seed) % 100 < 2;
		unsigned o = bench_random(&seed) % 4;
		void *p = a->alloc(m, long_lived ? BENCH_KERNEL : BENCH_MOVABLE, o);

		if (!p)
			break;
		used += 1u << o;
		if (long_lived)
			continue;
		block[n] = p;
		order[n++] = (unsigned char)o;
		if (bench_random(&seed) % 4 == 0) { /* turnover */
			size_t j = bench_random(&seed) % n;

			a->free(m, block[j], order[j]);
			used -= 1u << order[j];
			block[j] = block[--n];
			order[j] = order[n];
		}
	}
	for (size_t i = 0; i < n; i++)
		a->free(m, block[i], order[i]);
	out->value = order9_share(a, m);
	out->unit = "% of ideal";
	free(order);
	free(block);
	a->destroy(m);
}

/* ---- Two processors ---- */

enum load { LOAD_PAIRS, LOAD_BATCH, LOAD_HUGE };

struct worker {
	const struct bench_allocator *a;
	void *machine;
	unsigned cpu;
	enum load load;
	pthread_barrier_t *barrier;
	uint64_t ns;
};

static void load_run(struct worker *w, unsigned rounds)
{
	void *frames[2048];

	for (unsigned r = 0; r < rounds; r++) {
		if (w->load == LOAD_PAIRS) {
			pairs(w->a, w->machine, 0, 2048);
		} else if (w->load == LOAD_HUGE) {
			pairs(w->a, w->machine, 9, 2048);
		} else {
			for (unsigned i = 0; i < 2048; i++)
				frames[i] = w->a->alloc(w->machine, BENCH_KERNEL, 0);
			for (unsigned i = 0; i < 2048; i++)
				w->a->free(w->machine, frames[i], 0);
		}
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;

	w->a->on_cpu(w->cpu);
	load_run(w, 20);
	pthread_barrier_wait(w->barrier);
	uint64_t start = bench_cpu_ns();
	load_run(w, 500);
	w->ns = bench_cpu_ns() - start;
	return NULL;
}

/* Processor time per operation with @nr threads at work. */
static double cpu_ns(const struct bench_allocator *a, enum load load, unsigned nr)
{
	struct worker w[2];
	pthread_t thread[2];
	pthread_barrier_t barrier;
	void *m = machine(a, GB(1), 2);
	uint64_t ns = 0;

	pthread_barrier_init(&barrier, NULL, nr);
	for (unsigned i = 0; i < nr; i++) {
		w[i] = (struct worker){ a, m, i, load, &barrier, 0 };
		if (pthread_create(&thread[i], NULL, work, &w[i]))
			abort();
	}
	for (unsigned i = 0; i < nr; i++) {
		pthread_join(thread[i], NULL);
		ns += w[i].ns;
	}
	pthread_barrier_destroy(&barrier);
	a->destroy(m);
	return (double)ns / nr / (500 * 2048);
}

/*
 * Both in one run, alternating, the least of nine each: what else the host runs
 * can only add.
 */
static void two_cpus(const struct bench_allocator *a, enum load load, struct bench_result *out)
{
	double one = 0, two = 0;

	for (unsigned i = 0; i < 9; i++) {
		double ns = cpu_ns(a, load, 1);

		if (!i || ns < one)
			one = ns;
		ns = cpu_ns(a, load, 2);
		if (!i || ns < two)
			two = ns;
	}
	out->ops = 1;
	out->ns = (uint64_t)two;
	out->value = two / one;
	out->unit = "x one cpu";
}

static void pair_o0_2cpu(const struct bench_allocator *a, struct bench_result *out)
{
	two_cpus(a, LOAD_PAIRS, out);
}

static void batch2048_2cpu(const struct bench_allocator *a, struct bench_result *out)
{
	two_cpus(a, LOAD_BATCH, out);
}

static void pair_o9_2cpu(const struct bench_allocator *a, struct bench_result *out)
{
	two_cpus(a, LOAD_HUGE, out);
}

const struct bench_row bench_rows[] = {
	{ "page.pair_o0", pair_o0, true, "allocate and free one frame" },
	{ "page.pair_o3", pair_o3, true, "allocate and free 8 frames" },
	{ "page.pair_o9", pair_o9, true, "allocate and free 512 frames" },
	{ "page.alloc_all_o0", alloc_all_o0, true, "allocate, until 1 GB is taken" },
	{ "page.free_seq_o0", free_seq_o0, true, "free all of 1 GB in order" },
	{ "page.free_rand_o0", free_rand_o0, true, "free all of 1 GB at random" },
	{ "page.churn90_o0", churn90_o0, true, "free at random and allocate, 90 % full" },
	{ "page.mixed_0_10", mixed_0_10, true, "free or allocate, random orders 0-10" },
	{ "page.bulk64_o0", bulk64_o0, true, "per frame, allocated and freed by 64" },
	{ "page.pair_o0_64m", pair_o0_64m, true, "the pair on a 64 MB machine" },
	{ "page.pair_o0_1t", pair_o0_1t, true, "the pair on a 1 TB machine" },
	{ "page.boot_1g", boot_1g, true, "start-up of 1 GB, per frame" },
	{ "page.boot_1t", boot_1t_seconds, false, "start-up of 1 TB" },
	{ "page.metadata", metadata_per_frame, false, "all metadata per frame, 1 GB" },
	{ "page.metadata_1t", metadata_1t, false, "all metadata, 1 TB" },
	{ "page.pair_o0_2cpu", pair_o0_2cpu, false, "pair, two cpus against one" },
	{ "page.batch2048_2cpu", batch2048_2cpu, false, "2,048 frames, two cpus against one" },
	{ "page.pair_o9_2cpu", pair_o9_2cpu, false, "order 9, two cpus against one" },
	{ "page.frag50", frag50, false, "free order 9, 50 % full, replaced one by one" },
	{ "page.frag90", frag90, false, "free order 9, 90 % full, replaced one by one" },
	{ "page.frag50_batch", frag50_batch, false, "likewise, freed first" },
	{ "page.frag90_batch", frag90_batch, false, "likewise, freed first" },
	{ "page.lifetime_hints", lifetime_hints, false, "free order 9 after mixed lifetimes" },
};

const size_t bench_nr_rows = sizeof(bench_rows) / sizeof(bench_rows[0]);
