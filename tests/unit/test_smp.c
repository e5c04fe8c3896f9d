/* SPDX-License-Identifier: MIT */
/*
 * test_smp.c - four processors on one machine at once
 *
 * Each thread is a processor. What it allocates it marks as its own, in an array that is
 * nobody's if the allocator does its work: two owners of one frame are seen at once,
 * here and by ThreadSanitizer. Blocks also go to other threads through a locked mailbox and are
 * freed there. Bounded by counts, without sleeping.
 */
#include "rig.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define CPUS 4
#define HELD 400

#define STEPS (TEST_SANITIZED ? 9000 : 150000)

/** struct held - a block of a thread's, or in a mailbox */
struct held {
	struct quire_page *page;
	unsigned order;
};

/** struct mailbox - blocks for another thread to free */
static struct mailbox {
	pthread_mutex_t lock;
	struct held block[64];
	unsigned nr;
} mailbox[CPUS];

/** struct job - a thread and what it found */
struct job {
	pthread_t thread;
	unsigned cpu;
	void (*work)(struct job *job);
	struct held held[HELD];
	unsigned nr, wrong;
	uint64_t seed, allocs, refused;
};

static struct rig rig;
static struct job jobs[CPUS];
static _Atomic unsigned char owner[20480]; /* by pfn: cpu + 1 */

/* Mark a block, from @was to @is; count frames that were another's. */
static void mark(struct job *job, struct held *block, unsigned was, unsigned is)
{
	uint64_t pfn = quire_page_pfn(rig.q, block->page).v;

	for (uint64_t n = pfn; n < pfn + (1u << block->order); n++)
		job->wrong += atomic_exchange_explicit(&owner[n], (unsigned char)is,
						       memory_order_relaxed) != was;
}

static void keep(struct job *job, struct quire_page *page, unsigned order)
{
	struct held block = { page, order };

	job->wrong += quire_page_count(page) != 1 || quire_page_order(page) != order;
	mark(job, &block, 0, job->cpu + 1);
	job->held[job->nr++] = block;
	job->allocs++;
}

static void let_go(struct job *job, struct held *block, unsigned owned_by)
{
	mark(job, block, owned_by, 0);
	job->wrong += quire_page_free(rig.q, block->page, block->order) != QUIRE_FREE_OK;
}

static void drop_one(struct job *job, uint64_t r)
{
	unsigned i = (unsigned)(r % job->nr);
	struct held block = job->held[i];

	job->held[i] = job->held[--job->nr];
	if (r >> 32 & 1) {
		let_go(job, &block, job->cpu + 1);
		return;
	}
	struct mailbox *box = &mailbox[r >> 33 & (CPUS - 1)];

	mark(job, &block, job->cpu + 1, CPUS + 1);
	pthread_mutex_lock(&box->lock);
	if (box->nr < 64)
		box->block[box->nr++] = block;
	else
		job->held[job->nr++] = block; /* full: it stays here */
	bool back = job->nr && job->held[job->nr - 1].page == block.page;
	pthread_mutex_unlock(&box->lock);
	if (back)
		mark(job, &block, CPUS + 1, job->cpu + 1);
}

static void empty_mailbox(struct job *job)
{
	struct mailbox *box = &mailbox[job->cpu];
	struct held block[64];

	pthread_mutex_lock(&box->lock);
	unsigned nr = box->nr;

	memcpy(block, box->block, nr * sizeof(*block));
	box->nr = 0;
	pthread_mutex_unlock(&box->lock);
	for (unsigned i = 0; i < nr; i++)
		let_go(job, &block[i], CPUS + 1);
}

static void alloc_one(struct job *job, uint64_t r)
{
	static const quire_gfp_t gfps[8] = {
		QUIRE_GFP_KERNEL,
		QUIRE_GFP_KERNEL,
		QUIRE_GFP_HIGHUSER_MOVABLE,
		QUIRE_GFP_HIGHUSER_MOVABLE,
		QUIRE_GFP_ATOMIC,
		QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_RECLAIMABLE,
		QUIRE_GFP_KERNEL | QUIRE_GFP_DMA,
		QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_COMP,
	};
	unsigned order = (r >> 8 & 1) ? 0 : (unsigned)(r >> 16) % (QUIRE_ORDER_MAX + 1);
	struct quire_page *page = quire_page_alloc(rig.q, gfps[r & 7], order);

	if (page)
		keep(job, page, order);
	else
		job->refused++;
}

static void bulk(struct job *job, uint64_t r)
{
	struct quire_page *pages[100];
	unsigned want = r % 100 < HELD - job->nr ? r % 100 : HELD - job->nr, nr;

	nr = (unsigned)quire_page_alloc_bulk(rig.q, QUIRE_GFP_KERNEL, want, pages);
	for (unsigned i = 0; i < nr; i++)
		keep(job, pages[i], 0);
	if (r >> 32 & 1)
		return;
	for (unsigned i = 0; i < nr; i++)
		mark(job, &job->held[--job->nr], job->cpu + 1, 0);
	size_t done;
	job->wrong += quire_page_free_bulk(rig.q, nr, pages, &done) != QUIRE_FREE_OK || done != nr;
}

static void mixed(struct job *job)
{
	for (unsigned i = 0, nr = test_times(STEPS); i < nr; i++) {
		uint64_t kind = test_random(&job->seed) % 200, r = test_random(&job->seed);

		if (kind < 100 && job->nr < HELD)
			alloc_one(job, r);
		else if (kind < 185 && job->nr)
			drop_one(job, r);
		else if (kind < 190)
			bulk(job, r);
		else if (kind < 197)
			empty_mailbox(job);
		else if (kind == 197)
			quire_page_drain(rig.q);
	}
}

/* The last thread changes the type of pageblocks while the others work in them. */
static void types(struct job *job)
{
	if (job->cpu < CPUS - 1) {
		mixed(job);
		return;
	}
	for (unsigned i = 0, nr = test_times(STEPS / 20); i < nr; i++) {
		uint64_t r = test_random(&job->seed), first = (r % 32) << 9;
		enum quire_migrate type = (enum quire_migrate)((r >> 32) % QUIRE_NR_MIGRATE);

		job->wrong += quire_set_migrate(rig.q, quire_pfn(first), quire_pfn(first + 512),
						type) != 0;
		if (i % 8 == 0)
			quire_page_drain(rig.q);
	}
}

/* Take all there is, each its part, and give it back; again and again. */
static void exhaust(struct job *job)
{
	for (unsigned i = 0, nr = test_times(STEPS / 300); i < nr; i++) {
		struct quire_page *page;

		while (job->nr < HELD &&
		       (page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_NORETRY,
						6 + (i & 1))))
			keep(job, page, 6 + (i & 1));
		job->refused += job->nr < HELD;
		while (job->nr)
			let_go(job, &job->held[--job->nr], job->cpu + 1);
	}
}

/* References from several processors: the last one frees, whoever that is. */
static struct quire_page *shared;

static void references(struct job *job)
{
	for (unsigned i = 0, nr = test_times(STEPS); i < nr; i++) {
		job->wrong += quire_page_get(rig.q, shared) != 0;
		job->wrong += quire_page_put(rig.q, shared) != QUIRE_FREE_OK;
	}
	job->wrong += quire_page_put(rig.q, shared) != QUIRE_FREE_OK;
}

static void *thread(void *argument)
{
	struct job *job = argument;

	quire_hosted_cpu(job->cpu);
	job->work(job);
	return NULL;
}

static void all_cpus(void (*work)(struct job *job))
{
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		jobs[cpu] = (struct job){ .cpu = cpu, .work = work, .seed = cpu + 1 };
		pthread_mutex_init(&mailbox[cpu].lock, NULL);
	}
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		CHECK_EQ(pthread_create(&jobs[cpu].thread, NULL, thread, &jobs[cpu]), 0);
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		pthread_join(jobs[cpu].thread, NULL);
}

/* All threads have ended: what is held is all that is missing, and it comes back. */
static void settle(uint64_t all, uint64_t more)
{
	uint64_t held = more;

	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		CHECK_EQ(jobs[cpu].wrong, 0);
		for (unsigned i = 0; i < jobs[cpu].nr; i++)
			held += 1u << jobs[cpu].held[i].order;
		for (unsigned i = 0; i < mailbox[cpu].nr; i++)
			held += 1u << mailbox[cpu].block[i].order;
	}
	rig_sound(&rig);
	CHECK_EQ(rig_free(&rig), all - held);
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		quire_hosted_cpu(cpu);
		empty_mailbox(&jobs[cpu]);
		while (jobs[cpu].nr)
			let_go(&jobs[cpu], &jobs[cpu].held[--jobs[cpu].nr], cpu + 1);
		CHECK_EQ(jobs[cpu].wrong, 0);
	}
	quire_page_drain(rig.q);
	rig_sound(&rig);
	CHECK_EQ(rig_free(&rig), all - more);
}

static void smp(void (*work)(struct job *job), uint64_t bytes, bool no_pcp, bool refuses)
{
	struct quire_config config = rig_config(QUIRE_X86_64);
	uint64_t allocs = 0, refused = 0;

	config.nr_cpus = CPUS;
	config.no_pcp = no_pcp;
	if (!rig_boot(&rig, config, bytes))
		return;
	all_cpus(work);
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		allocs += jobs[cpu].allocs;
		refused += jobs[cpu].refused;
	}
	CHECK(allocs > test_times(STEPS / 100));
	CHECK(!refuses || refused > 0);
	for (uint64_t first = 0; work == types && first < bytes >> 12; first += 512)
		CHECK_EQ(quire_set_migrate(rig.q, quire_pfn(first), quire_pfn(first + 512),
					   QUIRE_MIGRATE_MOVABLE),
			 0);
	settle(bytes >> 12, 0);
	rig_end(&rig);
}

TEST(mixed)
{
	smp(mixed, MB(80), false, true);
}

TEST(mixed_no_pcp)
{
	smp(mixed, MB(64), true, true);
}

TEST(small)
{
	smp(mixed, MB(8), false, true);
}

TEST(exhaust)
{
	smp(exhaust, MB(64), false, true);
	smp(exhaust, MB(64), true, true);
}

TEST(types)
{
	smp(types, MB(64), false, false);
	smp(types, MB(64), true, false);
}

/*
 * The last thread turns knobs and gives reserved memory to the zones, a frame at a time, while
 * the others work.
 */
#define RELEASED 2048

static void knobs(struct job *job)
{
	if (job->cpu < CPUS - 1) {
		mixed(job);
		return;
	}
	for (unsigned i = 0; i < RELEASED; i++) {
		uint64_t at = MB(4) + (uint64_t)i * QUIRE_PAGE_SIZE, r = test_random(&job->seed);

		job->wrong += quire_boot_release(rig.q, quire_phys(at),
						 quire_phys(at + QUIRE_PAGE_SIZE)) != 0;
		job->wrong += quire_set_min_free_kbytes(rig.q, r % 4096) != 0;
		job->wrong += quire_set_watermark_scale(rig.q, 1 + (unsigned)(r >> 16) % 100) != 0;
		job->wrong += quire_set_reserve_ratio(rig.q, QUIRE_ZONE_DMA,
						      (unsigned)(r >> 32) % 300) != 0;
	}
}

TEST(knobs)
{
	struct quire_config config = rig_config(QUIRE_X86_64);

	config.nr_cpus = CPUS;
	if (!rig_create(&rig, &config))
		return;
	CHECK_EQ(quire_memblock_add(rig.q, quire_phys(0), quire_phys(MB(64))), 0);
	CHECK_EQ(quire_memblock_reserve(rig.q, quire_phys(MB(4)),
					quire_phys(MB(4) + RELEASED * QUIRE_PAGE_SIZE),
					QUIRE_RESERVE_OTHER),
		 0);
	CHECK_EQ(quire_boot_zones(rig.q), 0);
	all_cpus(knobs);
	settle(16384, 0);
	rig_end(&rig);
}

/* What was written into a frame before its last reference went is not seen by its next owner. */
static volatile unsigned char contents[16384]; /* by pfn, not atomic: for ThreadSanitizer */
static _Atomic(struct quire_page *) passed;

static void write_and_put(struct job *job)
{
	for (unsigned i = 0, nr = test_times(STEPS / 4); i < nr; i++) {
		struct quire_page *page = NULL;

		if (job->cpu == 0) {
			page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0);
			job->wrong += !page || quire_page_get(rig.q, page);
			atomic_store(&passed, page);
		} else {
			while (!(page = atomic_load(&passed)))
				sched_yield();
			atomic_store(&passed, NULL); /* nothing else that cpu 0 could acquire */
			contents[rig_pfn(&rig, page)] = 1;
		}
		while (!job->cpu && i % 2 && quire_page_count(page) != 1)
			sched_yield(); /* be the last */
		job->wrong += quire_page_put(rig.q, page) != QUIRE_FREE_OK;
		if (job->cpu)
			continue;
		while (atomic_load(&passed))
			sched_yield();
		page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0);
		contents[rig_pfn(&rig, page)] = 0;
		job->wrong += quire_page_put(rig.q, page) != QUIRE_FREE_OK;
	}
}

static void two_cpus(struct job *job)
{
	if (job->cpu < 2)
		write_and_put(job);
}

TEST(contents)
{
	struct quire_config config = rig_config(QUIRE_X86_64);

	config.nr_cpus = CPUS;
	if (!rig_boot(&rig, config, MB(64)))
		return;
	all_cpus(two_cpus);
	settle(16384, 0);
	rig_end(&rig);
}

TEST(references)
{
	struct quire_config config = rig_config(QUIRE_X86_64);

	config.nr_cpus = CPUS;
	if (!rig_boot(&rig, config, MB(64)))
		return;
	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order += 5) {
		shared = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_COMP, order);
		for (unsigned cpu = 1; cpu < CPUS; cpu++)
			CHECK_EQ(quire_page_get(rig.q, shared), 0);
		all_cpus(references);
		CHECK_EQ(quire_page_count(shared), 0);
		settle(16384, 0);
	}
	rig_end(&rig);
}

TEST_MAIN(CASE(mixed), CASE(mixed_no_pcp), CASE(small), CASE(exhaust), CASE(types),
	  CASE(references), CASE(knobs), CASE(contents))
