/* SPDX-License-Identifier: MIT */
/*
 * test_smp_vmalloc.c - four processors in vmalloc, kmap and kmap_local at once
 *
 * Each writes what only it knows into its areas and windows and finds it there again. For
 * ThreadSanitizer; the rules are checked when all have stopped.
 */
#include "kernel.h"

#include <pthread.h>

#define THREADS 4

struct worker {
	struct rig *rig;
	unsigned cpu;
	unsigned rounds;
	uint64_t failed; /* calls that failed with an error that may be */
	uint64_t wrong;  /* all others */
	struct quire_page *page[40];
};

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void use_area(struct worker *w, uint64_t value)
{
	quire_virt_t a = { 0 };
	uint64_t nr = 1 + value % (value % 97 == 0 ? 200 : 8);
	struct quire_page *page;
	void *frame;

	if (quire_vmalloc(w->rig->q, nr * 4096, &a)) {
		w->failed++;
		return;
	}
	page = quire_vmalloc_page(w->rig->q, virt_of(a.v + (nr - 1) * 4096));
	if (!page) {
		w->wrong++;
		return;
	}
	frame = quire_hosted_frame(&w->rig->host, quire_page_pfn(w->rig->q, page));
	memcpy(frame, &value, sizeof(value));
	w->wrong += quire_vfree(w->rig->q, virt_of(a.v + 1)) != QUIRE_VFREE_INSIDE;
	w->wrong += memcmp(frame, &value, sizeof(value)) != 0;
	w->wrong += quire_vfree(w->rig->q, a) != QUIRE_VFREE_OK;
}

static void use_window(struct worker *w, uint64_t value)
{
	struct quire_page *page = w->page[value % 40];
	quire_virt_t a = { 0 }, b = { 0 };
	int error = quire_kmap(w->rig->q, page, &a);

	if (error) {
		w->wrong += error != -QUIRE_EAGAIN;
		w->failed++;
		return;
	}
	w->wrong += quire_page_address(w->rig->q, page).v != a.v;
	/* In high memory it is a window of its own. */
	w->wrong += quire_kmap_local(w->rig->q, page, &b) != 0 ||
		    (a.v == b.v) != (quire_page_zone(w->rig->q, page) != QUIRE_ZONE_HIGHMEM);
	w->wrong += quire_kunmap_local(w->rig->q, b) != QUIRE_KUNMAP_OK;
	w->wrong += quire_kunmap(w->rig->q, page) != 0;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t state = 0x1234567 + w->cpu * 0x9e3779b97f4a7c15u;

	quire_hosted_cpu(w->cpu);
	for (unsigned i = 0, nr = test_times(w->rounds); i < nr; i++) {
		uint64_t value = next(&state);

		if (value % 3)
			use_area(w, value >> 8);
		else
			use_window(w, value >> 8);
		if (value % 251 == 0)
			quire_vm_unmap_aliases(w->rig->q);
	}
	return NULL;
}

static void run(enum quire_machine machine, unsigned rounds)
{
	static struct worker w[THREADS];
	pthread_t thread[THREADS];
	struct rig rig;

	if (!kernel_start(&rig, machine, machine < QUIRE_X86_64 ? GB(2) : MB(512)))
		return;
	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .rig = &rig, .cpu = i, .rounds = rounds };
		for (int n = 0; n < 40; n++)
			w[i].page[n] = quire_page_alloc(rig.q, QUIRE_GFP_HIGHUSER, 0);
	}
	/* One frame that all four open, and 160 - 3 others for 512 windows. */
	for (unsigned i = 1; i < THREADS; i++)
		w[i].page[0] = w[0].page[0];
	for (unsigned i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&thread[i], NULL, work, &w[i]));
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		CHECK_EQ(w[i].wrong, 0);
		CHECK_EQ(w[i].failed, 0);
	}
	CHECK_EQ(vmalloc_stat(&rig).nr_areas, 0);
	CHECK_EQ(vmalloc_stat(&rig).nr_pages, 0);
	rig_sound(&rig);
	kernel_idle(&rig);
	rig_end(&rig);
}

TEST(areas_and_windows)
{
	run(QUIRE_I386_PAE, 4000);
	run(QUIRE_I386, 4000);
}

/* Enough for purges: small areas by the thousands on all processors. */
TEST(purges)
{
	run(QUIRE_X86_64, 12000);
}

/* More frames than windows: they run round while others are being opened. */
struct round {
	struct rig *rig;
	struct quire_page **page;
	unsigned cpu;
	uint64_t wrong;
};

static void *go_round(void *arg)
{
	struct round *r = arg;

	quire_hosted_cpu(r->cpu);
	for (unsigned n = 0, nr = test_times(6000); n < nr; n++) {
		struct quire_page *page = r->page[(n * 7 + r->cpu * 151) % 900];
		quire_virt_t a = { 0 };

		/* At most four are open at a time, so there is always one to be had. */
		if (quire_kmap(r->rig->q, page, &a)) {
			r->wrong++;
			continue;
		}
		r->wrong += quire_page_address(r->rig->q, page).v != a.v;
		r->wrong += quire_kunmap(r->rig->q, page) != 0;
	}
	return NULL;
}

TEST(windows_run_round)
{
	static struct quire_page *page[900];
	struct round r[THREADS];
	pthread_t thread[THREADS];
	struct quire_kmap_stat stat;
	struct rig rig;

	if (!kernel_start(&rig, QUIRE_I386_PAE, GB(2)))
		return;
	for (int i = 0; i < 900; i++)
		page[i] = quire_page_alloc(rig.q, QUIRE_GFP_HIGHUSER, 0);
	for (unsigned i = 0; i < THREADS; i++) {
		r[i] = (struct round){ &rig, page, i, 0 };
		CHECK(!pthread_create(&thread[i], NULL, go_round, &r[i]));
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		CHECK_EQ(r[i].wrong, 0);
	}
	quire_kmap_stat(rig.q, &stat);
	CHECK_EQ(stat.open, 0);
	CHECK(stat.nr_flushes > test_times(10));
	rig_end(&rig);
}

TEST_MAIN(CASE(areas_and_windows), CASE(purges), CASE(windows_run_round))
