/* SPDX-License-Identifier: MIT */
/*
 * test_smp_fixmap.c - four processors use fixed addresses and early windows at once
 *
 * Each thread is a processor. Frames have their number in them, so that a window that shows another
 * frame than the one it was opened for is seen: two owners of a window, or a translation that a
 * TLB has kept. Bounded by counts.
 */
#include "kernel.h"

#include <pthread.h>

#define CPUS 4
#define ORDER 9
#define NR_NUMBERED (1u << ORDER)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STEPS 2000
#else
#define STEPS 20000
#endif

/** struct job - a thread */
struct job {
	pthread_t thread;
	unsigned cpu, wrong;
	uint64_t seed;
};

static struct rig rig;
static uint64_t first_pfn; /* of the frames that have numbers */

static quire_phys_t numbered(uint64_t n)
{
	return quire_phys((first_pfn + n) << 12);
}

/* The number of the frame that is mapped there; UINT64_MAX: none is. */
static uint64_t number_at(uint64_t virt)
{
	uint64_t number;

	return quire_read(rig.q, virt_of(virt), &number, sizeof(number), NULL) ? UINT64_MAX
									       : number;
}

/* Open a window, of one to three pages, look at all of it, close it. */
static void early(struct job *job)
{
	uint64_t n = test_random(&job->seed) % (NR_NUMBERED - 3);
	uint64_t nr = 1 + test_random(&job->seed) % 3;
	quire_virt_t v;

	if (quire_early_memremap(rig.q, numbered(n), nr << 12, &v)) {
		job->wrong++; /* there are more windows than processors */
		return;
	}
	for (uint64_t i = 0; i < nr; i++)
		job->wrong += number_at(v.v + (i << 12)) != n + i;
	job->wrong += quire_early_iounmap(rig.q, v, nr << 12) != 0;
}

/* A slot of one's own is what it was set to last, at once. */
static void own_slot(struct job *job)
{
	unsigned slot = QUIRE_FIX_IO_APIC + job->cpu;
	uint64_t v = quire_fix_to_virt(rig.q, slot).v, n = test_random(&job->seed) % NR_NUMBERED;

	job->wrong += quire_fixmap_set(rig.q, slot, numbered(n), QUIRE_PTE_KERNEL) != 0;
	job->wrong += number_at(v) != n;
	if (test_random(&job->seed) & 1) {
		job->wrong += quire_fixmap_clear(rig.q, slot) != 0;
		job->wrong += number_at(v) != UINT64_MAX;
	}
}

/* One that all have is a frame that somebody set it to, or not mapped. */
static void shared_slot(struct job *job)
{
	uint64_t n = test_random(&job->seed) % NR_NUMBERED;
	uint64_t v = quire_fix_to_virt(rig.q, QUIRE_FIX_ACPI).v;

	if (n & 1)
		quire_fixmap_clear(rig.q, QUIRE_FIX_ACPI);
	else
		quire_fixmap_set(rig.q, QUIRE_FIX_ACPI, numbered(n), QUIRE_PTE_KERNEL);
	n = number_at(v);
	job->wrong += n != UINT64_MAX && (n >= NR_NUMBERED || n & 1);
}

static void *work(void *argument)
{
	struct job *job = argument;

	quire_hosted_cpu(job->cpu);
	job->wrong += quire_table_load(quire_table_kernel(rig.q)) != 0;
	for (unsigned i = 0; i < STEPS; i++) {
		switch (test_random(&job->seed) % 4) {
		case 0:
			own_slot(job);
			break;
		case 1:
			shared_slot(job);
			break;
		default:
			early(job);
		}
	}
	return NULL;
}

static void four(enum quire_machine machine)
{
	struct job job[CPUS];

	if (!kernel_start(&rig, machine, MB(64)))
		return;
	struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, ORDER);

	first_pfn = quire_page_pfn(rig.q, page).v;
	for (uint64_t n = 0; n < NR_NUMBERED; n++)
		memcpy(rig.host.direct + numbered(n).v, &n, sizeof(n));
	for (unsigned i = 0; i < CPUS; i++) {
		job[i] = (struct job){ .cpu = i, .seed = i + 1 };
		if (pthread_create(&job[i].thread, NULL, work, &job[i]))
			abort();
	}
	for (unsigned i = 0; i < CPUS; i++) {
		pthread_join(job[i].thread, NULL);
		CHECK_EQ(job[i].wrong, 0);
	}
	rig_sound(&rig);
	/* All are closed. */
	for (unsigned i = 0; i < 8; i++) {
		quire_virt_t v;

		CHECK_EQ(quire_early_ioremap(rig.q, numbered(i), 1, &v), 0);
	}
	rig_end(&rig);
}

TEST(two_levels)
{
	four(QUIRE_I386);
}

TEST(four_levels)
{
	four(QUIRE_X86_64);
}

TEST_MAIN(CASE(two_levels), CASE(four_levels))
