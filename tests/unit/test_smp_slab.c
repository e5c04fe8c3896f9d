/* SPDX-License-Identifier: MIT */
/*
 * test_smp_slab.c - four processors on one heap at once
 *
 * Each thread is a processor. It writes what it allocates from end to end and looks at it when it
 * frees it; half of it goes to other threads through a locked mailbox and is freed there. Two
 * owners of one byte are seen, here and by ThreadSanitizer. Bounded by counts, without sleeping.
 */
#include "heap.h"

#include <pthread.h>

#define CPUS 4
#define HELD 300
#define BOX 64

#define STEPS (TEST_SANITIZED ? 24000 : 250000)

/** struct held - an object, and what it was filled with */
struct held {
	unsigned char *p;
	size_t bytes;
	struct quire_cache *cache;
	unsigned char mark;
};

static struct mailbox {
	pthread_mutex_t lock;
	struct held object[BOX];
	unsigned nr;
} mailbox[CPUS];

/** struct job - a thread */
struct job {
	pthread_t thread;
	unsigned cpu, nr, wrong;
	uint64_t seed, allocs, refused;
	struct held held[HELD];
};

static struct heap heap;
static struct quire_cache *plain, *with_ctor;
static struct job jobs[CPUS];

static void ctor(void *object)
{
	memset(object, 0x33, 80);
}

static void let_go(struct job *job, const struct held *h)
{
	for (size_t i = 0; i < h->bytes; i += 1 + h->bytes / 7)
		job->wrong += h->p[i] != h->mark;
	if (h->cache == with_ctor)
		memset(h->p, 0x33, h->bytes);
	if (h->cache)
		job->wrong += quire_cache_free(h->cache, h->p) != QUIRE_KFREE_OK;
	else
		job->wrong += quire_kfree(heap.q, h->p) != QUIRE_KFREE_OK;
}

static void take(struct job *job, uint64_t r)
{
	struct held h = { .mark = (unsigned char)(r >> 56), .bytes = 80 };

	if ((r & 3) == 0)
		h.cache = plain;
	else if ((r & 3) == 1)
		h.cache = with_ctor;
	else
		h.bytes = 1 + (r >> 8) % ((r & 64) ? 256 : (r & 128) ? 8192 : 20000);
	h.p = h.cache ? quire_cache_alloc(h.cache, GFP) : quire_kmalloc(heap.q, h.bytes, GFP);
	job->allocs++;
	if (!h.p) {
		job->refused++;
		return;
	}
	if (h.cache == with_ctor)
		job->wrong += h.p[0] != 0x33 || h.p[79] != 0x33;
	memset(h.p, h.mark, h.bytes);
	job->held[job->nr++] = h;
}

static void drop(struct job *job, uint64_t r)
{
	unsigned i = (unsigned)(r % job->nr);
	struct held h = job->held[i];
	struct mailbox *box = &mailbox[r >> 33 & (CPUS - 1)];
	bool sent = false;

	job->held[i] = job->held[--job->nr];
	if (r >> 32 & 1) {
		pthread_mutex_lock(&box->lock);
		sent = box->nr < BOX;
		if (sent)
			box->object[box->nr++] = h;
		pthread_mutex_unlock(&box->lock);
	}
	if (!sent)
		let_go(job, &h);
}

static void empty_mailbox(struct job *job)
{
	struct mailbox *box = &mailbox[job->cpu];
	struct held object[BOX];

	pthread_mutex_lock(&box->lock);
	unsigned nr = box->nr;

	memcpy(object, box->object, nr * sizeof(*object));
	box->nr = 0;
	pthread_mutex_unlock(&box->lock);
	for (unsigned i = 0; i < nr; i++)
		let_go(job, &object[i]);
}

/* Caches come and go meanwhile, too. */
static void own_cache(struct job *job)
{
	char name[8] = { 'o', 'w', 'n', (char)('0' + job->cpu), 0 };
	struct quire_cache_args args = { .name = name, .size = 100 + 100 * job->cpu };
	struct quire_cache *cache;

	if (quire_cache_create(heap.q, &args, &cache))
		return;
	void *p = quire_cache_alloc(cache, GFP);
	if (p)
		job->wrong += quire_cache_free(cache, p) != QUIRE_KFREE_OK;
	job->wrong += quire_cache_destroy(cache) != 0;
}

static void *work(void *argument)
{
	struct job *job = argument;

	quire_hosted_cpu(job->cpu);
	for (unsigned i = 0, nr = test_times(STEPS); i < nr; i++) {
		uint64_t kind = test_random(&job->seed) % 1000, r = test_random(&job->seed);

		if (kind < 500 && job->nr < HELD)
			take(job, r);
		else if (kind < 950 && job->nr)
			drop(job, r);
		else if (kind < 995)
			empty_mailbox(job);
		else if (kind < 997)
			quire_cache_shrink(r & 1 ? plain : with_ctor);
		else if (kind < 998)
			own_cache(job);
	}
	return NULL;
}

static void run(uint64_t bytes, uint32_t debug, bool refuses)
{
	struct quire_config config = rig_config(QUIRE_X86_64);
	uint64_t refused = 0;

	config.nr_cpus = CPUS;
	if (!heap_boot(&heap, config, bytes, debug))
		return;
	plain = heap_cache(&heap, (struct quire_cache_args){ .name = "plain", .size = 80 });
	with_ctor = heap_cache(&heap, (struct quire_cache_args){ .name = "ctor", .size = 80,
								 .ctor = ctor });
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		jobs[cpu] = (struct job){ .cpu = cpu, .seed = cpu + 1 };
		mailbox[cpu].nr = 0;
		pthread_mutex_init(&mailbox[cpu].lock, NULL);
	}
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		CHECK_EQ(pthread_create(&jobs[cpu].thread, NULL, work, &jobs[cpu]), 0);
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		pthread_join(jobs[cpu].thread, NULL);
	rig_sound(&heap.rig);
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		quire_hosted_cpu(cpu);
		empty_mailbox(&jobs[cpu]);
		while (jobs[cpu].nr)
			let_go(&jobs[cpu], &jobs[cpu].held[--jobs[cpu].nr]);
		CHECK_EQ(jobs[cpu].wrong, 0);
		CHECK(jobs[cpu].allocs > test_times(STEPS / 3));
		refused += jobs[cpu].refused;
	}
	CHECK(!refuses || refused > 0);
	CHECK_EQ(quire_cache_destroy(plain), 0);
	CHECK_EQ(quire_cache_destroy(with_ctor), 0);
	CHECK_EQ(heap.nr, 0);
	heap_end(&heap, 0);
}

/* ---- A cache that all have used is destroyed by one of them ------------------------ */

#define ROUNDS (STEPS / 200)
#define OBJECTS 40

static struct quire_cache *everybodys;
static pthread_barrier_t barrier;

/* Slabs become empty here, and are counted, while another cpu destroys slabs that are ours. */
static void churn(struct job *job)
{
	void *p[OBJECTS];

	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < OBJECTS; i++)
			p[i] = quire_kmalloc(heap.q, 4096, GFP);
		for (unsigned i = 0; i < OBJECTS; i++)
			job->wrong += quire_kfree(heap.q, p[i]) != QUIRE_KFREE_OK;
	}
}

static void *work_on_everybodys(void *argument)
{
	struct job *job = argument;
	void *p[OBJECTS];

	quire_hosted_cpu(job->cpu);
	for (unsigned round = 0; round < ROUNDS; round++) {
		if (!job->cpu) {
			const struct quire_cache_args args = { .name = "all", .size = 4000 };

			job->wrong += quire_cache_create(heap.q, &args, &everybodys) != 0;
		}
		pthread_barrier_wait(&barrier);
		for (unsigned i = 0; i < OBJECTS; i++)
			p[i] = quire_cache_alloc(everybodys, GFP);
		for (unsigned i = 0; i < OBJECTS; i++)
			job->wrong += quire_cache_free(everybodys, p[i]) != QUIRE_KFREE_OK;
		pthread_barrier_wait(&barrier);
		if (!job->cpu)
			job->wrong += quire_cache_destroy(everybodys) != 0;
		else
			churn(job);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

/* SLAB-8 */
TEST(destroyed_by_another)
{
	struct quire_config config = rig_config(QUIRE_X86_64);

	config.nr_cpus = CPUS;
	if (!heap_boot(&heap, config, MB(256), 0))
		return;
	pthread_barrier_init(&barrier, NULL, CPUS);
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		jobs[cpu] = (struct job){ .cpu = cpu };
		if (pthread_create(&jobs[cpu].thread, NULL, work_on_everybodys, &jobs[cpu]))
			abort();
	}
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		pthread_join(jobs[cpu].thread, NULL);
		CHECK_EQ(jobs[cpu].wrong, 0);
	}
	pthread_barrier_destroy(&barrier);
	heap_end(&heap, 0);
}

TEST(plain)
{
	run(MB(64), 0, false);
}

TEST(checked)
{
	run(MB(64), QUIRE_SLAB_DEBUG, false);
}

TEST(short_of_memory)
{
	run(MB(4), 0, true);
}

TEST_MAIN(CASE(destroyed_by_another), CASE(plain), CASE(checked), CASE(short_of_memory))
