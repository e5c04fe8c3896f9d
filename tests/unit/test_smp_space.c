/* SPDX-License-Identifier: MIT */
/*
 * test_smp_space.c - four processors in the system calls of one address space
 *
 * Each has pages of its own, where it knows what comes of a call, and all share some more, where
 * only the rules are known. For ThreadSanitizer.
 */
#include "space.h"

#include <pthread.h>

#define THREADS 4
#define OWN 64
#define SHARED_AT (THREADS * OWN)

struct worker {
	struct space *s;
	unsigned cpu;
	int rounds;
	uint64_t wrong;
};

/* Pages of its own: what it writes it finds, and what it unmaps is gone. */
static void own(struct worker *w, uint64_t r)
{
	uint64_t at = w->cpu * OWN + r % (OWN - 8), nr = 1 + (r >> 8) % 8;
	uint32_t value = (uint32_t)r, back = 0;

	w->wrong += map_at(w->s, at, nr, RW, FIXED) != 0;
	if (r >> 16 & 1) {
		w->wrong += quire_copy_to_user(w->s->mm, at_page(at), &value, 4) != 0;
		w->wrong += quire_copy_from_user(w->s->mm, &back, at_page(at), 4) != 0;
		w->wrong += back != value;
	}
	w->wrong += protect_at(w->s, at, nr, QUIRE_PROT_READ) != 0;
	if (r >> 17 & 1)
		w->wrong += quire_copy_to_user(w->s->mm, at_page(at), &value, 4) != 4;
	if (r >> 18 & 1)
		w->wrong += remap_at(w->s, at, nr, nr, 3, w->cpu * OWN + OWN - 8 + 1000) != 0;
	if (r >> 19 & 1) {
		w->wrong += unmap_at(w->s, at, nr) != 0;
		w->wrong += quire_copy_from_user(w->s->mm, &back, at_page(at), 4) != 4;
	}
}

/* Pages of everybody's: anything may be there. */
static void shared(struct worker *w, uint64_t r)
{
	uint64_t at = SHARED_AT + r % 56, nr = 1 + (r >> 8) % 8;
	unsigned char vec[8];
	uint32_t value = 1;

	switch (r >> 16 & 7) {
	case 0:
	case 1:
		w->wrong += map_at(w->s, at, nr, RW, FIXED) != 0;
		break;
	case 2:
		w->wrong += unmap_at(w->s, at, nr) != 0;
		break;
	case 3:
		(void)protect_at(w->s, at, nr, (unsigned)(r >> 24) & 3);
		break;
	case 4:
		(void)advise_at(w->s, at, nr, QUIRE_MADV_DONTNEED);
		break;
	case 5:
		(void)quire_mincore(w->s->mm, at_page(at), nr * PAGE, vec);
		break;
	case 6:
		(void)quire_mlock(w->s->mm, at_page(at), nr * PAGE, 0);
		(void)quire_munlock(w->s->mm, at_page(at), nr * PAGE);
		break;
	default:
		(void)quire_copy_to_user(w->s->mm, at_page(at), &value, 4);
	}
}

/* Anywhere: nobody else gets the same. */
static void anywhere(struct worker *w, uint64_t r)
{
	const struct quire_mmap args = { { 0 }, (1 + r % 5) * PAGE, RW, ANON, NULL, 0 };
	uint32_t value = w->cpu + 1, back = 0;
	quire_virt_t out = { 0 };

	w->wrong += quire_mmap(w->s->mm, &args, &out) != 0;
	w->wrong += quire_copy_from_user(w->s->mm, &back, out, 4) != 0 || back;
	w->wrong += quire_copy_to_user(w->s->mm, out, &value, 4) != 0;
	w->wrong += quire_copy_from_user(w->s->mm, &back, out, 4) != 0 || back != value;
	w->wrong += quire_munmap(w->s->mm, out, args.bytes) != 0;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t seed = 77 + w->cpu;

	quire_hosted_cpu(w->cpu);
	for (int i = 0; i < w->rounds; i++) {
		uint64_t r = test_random(&seed);

		if (r >> 60 < 6)
			own(w, r);
		else if (r >> 60 < 12)
			shared(w, r);
		else
			anywhere(w, r);
	}
	return NULL;
}

static void run(enum quire_machine machine, int rounds)
{
	struct worker w[THREADS];
	pthread_t thread[THREADS];
	struct space s;

	if (!space_start(&s, machine, MB(64)))
		return;
	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .s = &s, .cpu = i, .rounds = rounds };
		CHECK(!pthread_create(&thread[i], NULL, work, &w[i]));
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		CHECK_EQ(w[i].wrong, 0);
	}
	space_sound(&s);
	CHECK_EQ(unmap_at(&s, 0, 2000), 0);
	CHECK_EQ(space_stat(&s).total_vm, 0);
	CHECK_EQ(space_stat(&s).rss_anon, 0);
	CHECK_EQ(space_committed(&s), 0);
	space_end(&s);
}

TEST(one_address_space)
{
	run(QUIRE_X86_64, (int)test_times(2500));
	run(QUIRE_I386_PAE, (int)test_times(2500));
}

TEST_MAIN(CASE(one_address_space))
