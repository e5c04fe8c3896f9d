/* SPDX-License-Identifier: MIT */
/*
 * test_smp_pgtable.c - four processors change page tables and use them at once
 *
 * Each thread is a processor with a part of the kernel's addresses for its own, two of them share a
 * process. A page is mapped to a frame that says which it is, read through the processor's
 * TLB by its owner and by others, unmapped, and gone for all. Bounded by counts.
 */
#include "paging.h"

#include <pthread.h>
#include <stdatomic.h>

#define CPUS 4
#define STEPS (TEST_SANITIZED ? 250 : 3000)
#define STAMPED MB(32)

static struct rig rig;
static struct quire_table *process[2];
static uint64_t kernel_part;

struct job {
	pthread_t thread;
	unsigned cpu, wrong;
	uint64_t seed;
};

/* The number in the frame that @v is mapped to; UINT64_MAX: a fault. */
static uint64_t number_at(uint64_t v)
{
	uint64_t number;

	return quire_read(rig.q, virt(v), &number, sizeof(number), NULL) ? UINT64_MAX : number;
}

/* Map pages at @v, use them, unmap them. */
static void step(struct job *job, struct quire_table *t, uint64_t v, quire_pte_t pte)
{
	uint64_t nr = 1 + test_random(&job->seed) % 60, first = test_random(&job->seed) % 1000;
	struct quire_table_change ro = { .clear = QUIRE_PTE_RW };
	uint64_t other = 0;

	job->wrong += quire_table_map(t, virt(v), quire_phys(STAMPED + first * 0x1000), nr * 0x1000,
				      pte, 0) != 0;
	for (uint64_t i = 0; i < nr; i += 7)
		job->wrong += number_at(v + i * 0x1000) != first + i;
	job->wrong += quire_table_protect(t, virt(v), nr * 0x1000, ro, NULL) != 0;
	job->wrong += quire_write(rig.q, virt(v), &other, 8, NULL) != -QUIRE_EFAULT;
	/* Whatever the others are doing: a number of a stamped frame, or a fault. */
	other = number_at(kernel_part + (test_random(&job->seed) % CPUS) * MB(16));
	job->wrong += other != UINT64_MAX && other >= 2000;
	job->wrong += quire_table_unmap(t, virt(v), nr * 0x1000, NULL) != 0;
	for (uint64_t i = 0; i < nr; i += 7)
		job->wrong += number_at(v + i * 0x1000) != UINT64_MAX;
}

/*
 * Pages come and go, one after the other, and the TLBs are flushed once at the end, as vmalloc
 * does. Their table is empty each time in between, and another processor may just be taking it out.
 */
static void step_lazy(struct job *job, uint64_t v)
{
	struct quire_table *t = quire_table_kernel(rig.q);
	struct quire_tlb tlb;

	v &= ~(MB(4) - 1);
	quire_tlb_begin(&tlb, t);
	for (uint64_t i = 0; i < 512; i++) {
		uint64_t at = v + (i << 12);

		job->wrong += quire_table_map(t, virt(at), quire_phys(STAMPED + (i << 12)), 0x1000,
					      QUIRE_PTE_KERNEL, 0) != 0;
		job->wrong += number_at(at) != i;
		job->wrong += quire_table_unmap(t, virt(at), 0x1000, &tlb) != 0;
	}
	quire_tlb_flush(&tlb);
	/* A large page, where there may just have been a table. */
	job->wrong += quire_table_map(t, virt(v), quire_phys(STAMPED), MB(4), QUIRE_PTE_KERNEL,
				      10) != 0;
	job->wrong += number_at(v) != 0;
	job->wrong += number_at(v + MB(2)) != 512;
	job->wrong += quire_table_unmap(t, virt(v), MB(4), NULL) != 0;
	job->wrong += number_at(v) != UINT64_MAX;
}

static void *work(void *arg)
{
	struct job *job = arg;

	quire_hosted_cpu(job->cpu);
	job->wrong += quire_table_load(process[job->cpu & 1]) != 0;
	for (unsigned i = 0, nr = test_times(STEPS); i < nr; i++) {
		uint64_t mine = MB(16) * job->cpu + (test_random(&job->seed) % 8 << 21);

		switch (test_random(&job->seed) % 4) {
		case 0:
			step(job, process[job->cpu & 1], MB(64) + mine, QUIRE_PTE_USER_RW);
			break;
		case 1: {
			struct quire_table *own;

			job->wrong += quire_table_create(rig.q, &own) != 0;
			job->wrong += quire_table_map(own, virt(mine), quire_phys(0), MB(4),
						      QUIRE_PTE_USER_RW, 10) != 0;
			job->wrong += quire_table_destroy(own) != 0;
			break;
		}
		case 2:
			if (job->cpu & 1)
				quire_table_trim(quire_table_kernel(rig.q));
			else
				step_lazy(job, kernel_part + mine);
			break;
		default:
			step(job, quire_table_kernel(rig.q), kernel_part + mine, QUIRE_PTE_KERNEL);
			break;
		}
	}
	return NULL;
}

static void four(enum quire_machine machine, uint64_t place)
{
	struct job job[CPUS];

	if (!paging_start_without(&rig, machine, MB(64), STAMPED, MB(48)))
		return;
	kernel_part = place;
	for (uint64_t n = 0; n < 2000; n++)
		memcpy(rig.host.direct + STAMPED + n * 0x1000, &n, 8);
	CHECK_EQ(quire_table_create(rig.q, &process[0]), 0);
	CHECK_EQ(quire_table_create(rig.q, &process[1]), 0);
	for (unsigned i = 0; i < CPUS; i++) {
		job[i] = (struct job){ .cpu = i, .seed = i + 1 };
		if (pthread_create(&job[i].thread, NULL, work, &job[i]))
			abort();
	}
	for (unsigned i = 0; i < CPUS; i++) {
		pthread_join(job[i].thread, NULL);
		CHECK_EQ(job[i].wrong, 0);
	}
	quire_table_trim(quire_table_kernel(rig.q));
	rig_end(&rig);
}

TEST(two_levels)
{
	four(QUIRE_I386, 0xf0000000);
}

TEST(pae)
{
	four(QUIRE_I386_PAE, 0xf0000000);
}

TEST(four_levels)
{
	four(QUIRE_X86_64, 0xffffc90000000000);
}

TEST_MAIN(CASE(two_levels), CASE(pae), CASE(four_levels))
