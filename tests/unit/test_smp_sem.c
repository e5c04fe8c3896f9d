/* SPDX-License-Identifier: MIT */
/*
 * test_smp_sem.c - the lock that may be held while sleeping, and a frame's lock
 *
 * Four threads; writers change two plain numbers that readers compare. Also alone: what the word
 * says at each step. SEM-1: a lock is dropped by who has it; PHYS-13: a frame's lock likewise.
 */
#include "rig.h"

#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/sem.h"
#include "phys/use.h"

#define THREADS 4

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STEPS 4000
#else
#define STEPS 40000
#endif

static struct sem sem;
static struct rig rig;
static struct quire_page *page;
static uint64_t a, b;           /* equal while nobody writes */
static _Atomic int inside;      /* readers at work; -1: a writer */
static _Atomic unsigned wrong;

static void *work(void *ctx)
{
	uint64_t seed = (uintptr_t)ctx;

	for (int i = 0; i < STEPS; i++) {
		if (test_random(&seed) % 4) {
			sem_read(&sem, NULL);
			wrong += atomic_fetch_add(&inside, 1) < 0;
			wrong += a != b;
			atomic_fetch_sub(&inside, 1);
			sem_read_drop(&sem, NULL);
		} else {
			sem_write(&sem, NULL);
			wrong += atomic_exchange(&inside, -1) != 0;
			a++;
			b++;
			atomic_store(&inside, 0);
			sem_write_drop(&sem, NULL);
		}
	}
	return NULL;
}

static void run(void *(*function)(void *))
{
	pthread_t thread[THREADS];

	a = b = 0;
	wrong = 0;
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, function, (void *)(i + 1));
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	CHECK_EQ(wrong, 0);
	CHECK(a == b && a > 0);
}

TEST(readers_and_writers)
{
	run(work);
	CHECK_EQ(sem.word, 0);
}

static void *work_frame(void *ctx)
{
	(void)ctx;
	for (int i = 0; i < STEPS; i++) {
		if (i % 8 == 0 && use_trylock(rig.q, page))
			use_unlock(rig.q, page);
		use_lock(rig.q, page);
		wrong += a != b;
		a++;
		b++;
		use_unlock(rig.q, page);
	}
	return NULL;
}

/* Who drops it does not touch it any more once the next one has it, who may end it. */
static struct ending {
	struct sem sem;
	int users; /* guarded by it */
} *ending;
static pthread_barrier_t round_begins;

static void *work_ending(void *ctx)
{
	(void)ctx;
	for (int i = 0; i < STEPS / 20; i++) {
		pthread_barrier_wait(&round_begins);
		sem_write(&ending->sem, NULL);
		struct ending *mine = ending;
		bool last = ++mine->users == THREADS;

		sched_yield(); /* so that others wait */
		if (last) {
			ending = calloc(1, sizeof(*ending));
			a++;
			b++;
		}
		sem_write_drop(&mine->sem, NULL);
		if (last) {
			memset(mine, 0xff, sizeof(*mine));
			free(mine);
		}
	}
	return NULL;
}

TEST(ended_by_the_last)
{
	ending = calloc(1, sizeof(*ending));
	pthread_barrier_init(&round_begins, NULL, THREADS);
	run(work_ending);
	pthread_barrier_destroy(&round_begins);
	CHECK_EQ(a, STEPS / 20);
	free(ending);
}

TEST(frame)
{
	if (!rig_start(&rig, MB(16)))
		return;
	CHECK_EQ(use_map(rig.q), 0);
	page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0);
	use_set(use_of(rig.q, page), 0x7123456789abc, USE_DIRTY);
	run(work_frame);
	CHECK_EQ(a, THREADS * STEPS);
	CHECK(use_index(use_of(rig.q, page)) == 0x7123456789abc);
	CHECK_EQ(use_of(rig.q, page)->flags % (1u << USE_INDEX_SHIFT), USE_DIRTY);
	quire_page_free(rig.q, page, 0);
	rig_end(&rig);
}

TEST(alone)
{
	struct sem s = { 0 };

	sem_read(&s, NULL);
	sem_read(&s, NULL);
	CHECK_EQ(s.word, 8);
	sem_read_drop(&s, NULL);
	sem_read_drop(&s, NULL);
	CHECK_EQ(s.word, 0);
	sem_write(&s, NULL);
	CHECK_EQ(s.word, 1);
	sem_write_drop(&s, NULL);
	CHECK_EQ(s.word, 0);
}

/* What ends in the panic of rule SEM-1, in a process of its own. */
static void dies(void (*misuse)(struct sem *s))
{
	int status = 0;

	fflush(stdout);
	pid_t child = fork();
	if (!child) {
		struct sem s = { 0 };

		fclose(stderr);
		quire_hosted_panic(3);
		misuse(&s);
		_exit(0);
	}
	waitpid(child, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

static void drop_read(struct sem *s)
{
	sem_read_drop(s, NULL);
}

static void drop_write(struct sem *s)
{
	sem_write_drop(s, NULL);
}

static void drop_other(struct sem *s)
{
	sem_write(s, NULL);
	sem_read_drop(s, NULL);
}

static void drop_readers(struct sem *s)
{
	sem_read(s, NULL);
	sem_write_drop(s, NULL);
}

TEST(wrong)
{
	dies(drop_read);
	dies(drop_write);
	dies(drop_other);
	dies(drop_readers);
}

TEST_MAIN(CASE(readers_and_writers), CASE(ended_by_the_last), CASE(frame), CASE(alone), CASE(wrong))
