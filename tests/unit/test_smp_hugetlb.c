/* SPDX-License-Identifier: MIT */
/*
 * test_smp_hugetlb.c - four processors and one pool of huge pages: faults, unmapping, fork, a file
 * that shrinks, at once
 *
 * All have one process loaded. Each thread has an area of its own with promises, which it never
 * finds empty, a word in each page of an area that all share, and now and then a child, which
 * writes its copies until the pool is empty. One resizes the pool. Bounded by counts.
 */
#include "hugetlb.h"

#include <pthread.h>

#define CPUS 4
#define SHARED_PAGES 2
#define STEPS test_times(TEST_SANITIZED ? 24 : 80)
#define OWN(cpu) (HUGE_AT + (16 + 4 * (uint64_t)(cpu)) * huge)

static struct rig rig;
static struct quire_mm *mm;
static struct quire_file *file;
static uint64_t huge;

struct job {
	pthread_t thread;
	unsigned cpu, wrong;
	uint64_t seed;
	uint64_t last[SHARED_PAGES]; /* that it wrote to its words */
};

static uint64_t below(struct job *job, uint64_t n)
{
	return test_random(&job->seed) % n;
}

static enum quire_fault touch(uint64_t at, uint64_t *value, enum quire_access access)
{
	return quire_user_access(mm, (quire_virt_t){ at }, value, 8, access, NULL);
}

/* Its word of a page of the file. */
static void share(struct job *job)
{
	unsigned page = (unsigned)below(job, SHARED_PAGES);
	uint64_t at = HUGE_AT + page * huge + job->cpu * 8, value = 0, next = below(job, 1 << 30);

	job->wrong += touch(at, &value, QUIRE_ACCESS_READ) != QUIRE_FAULT_DONE;
	job->wrong += value != job->last[page];
	if (below(job, 2))
		job->wrong += quire_copy_to_user(mm, (quire_virt_t){ at }, &next, 8) != 0;
	else
		job->wrong += touch(at, &next, QUIRE_ACCESS_WRITE) != QUIRE_FAULT_DONE;
	job->last[page] = next;
}

/* Two pages that were promised; given back and had again. */
static void own(struct job *job)
{
	uint64_t at = OWN(job->cpu), value = below(job, UINT64_MAX), was = value;
	struct quire_mmap args = { .address = { at }, .bytes = 2 * huge, .prot = PROT_RW,
				   .flags = MAP_HUGE | QUIRE_MAP_FIXED };
	quire_virt_t out;

	/* Another one may have promised what is left to himself. */
	if (quire_mmap(mm, &args, &out))
		return;
	job->wrong += touch(at, &value, QUIRE_ACCESS_WRITE) != QUIRE_FAULT_DONE;
	value = 1;
	job->wrong += touch(at + huge, &value, QUIRE_ACCESS_READ) != QUIRE_FAULT_DONE || value;
	if (below(job, 2))
		job->wrong += quire_mprotect(mm, out, huge, QUIRE_PROT_READ) != 0;
	job->wrong += touch(at, &value, QUIRE_ACCESS_READ) != QUIRE_FAULT_DONE;
	job->wrong += value != was;
	if (below(job, 2))
		job->wrong += quire_munmap(mm, out, 2 * huge) != 0;
}

/* A child with the same pages, which writes them if it can. */
static void fork_once(struct job *job)
{
	uint64_t word = 5;
	struct quire_mm *child;

	if (quire_mm_fork(mm, &child)) {
		job->wrong++;
		return;
	}
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		(void)quire_copy_to_user(child, (quire_virt_t){ OWN(cpu) + 64 }, &word, 8);
	job->wrong += quire_mm_destroy(child) != 0;
}

static void change(struct job *job)
{
	struct quire_vm_sysctl sysctl;
	size_t done;
	char byte;

	if (below(job, 2)) {
		/* Beyond what is mapped. */
		job->wrong += quire_file_truncate(file, (SHARED_PAGES + below(job, 3)) * huge) != 0;
		(void)quire_file_read(file, PAGE, &byte, 1, &done);
		return;
	}
	job->wrong += quire_vm_sysctl(rig.q, &sysctl) != 0;
	sysctl.nr_hugepages = 10 + below(job, 6);
	sysctl.nr_overcommit_hugepages = below(job, 3);
	job->wrong += quire_vm_set_sysctl(rig.q, &sysctl) != 0;
}

static void *run(void *arg)
{
	struct job *job = arg;

	quire_hosted_cpu(job->cpu);
	job->wrong += quire_mm_load(mm) != 0;
	for (unsigned i = 0, steps = STEPS; i < steps; i++) {
		switch (below(job, 12)) {
		case 0:
			fork_once(job);
			break;
		case 1:
			change(job);
			break;
		case 2:
		case 3:
		case 4:
			own(job);
			break;
		default:
			share(job);
		}
	}
	return NULL;
}

static void on(const struct quire_config *config)
{
	static struct job job[CPUS];
	struct quire_mmap args = { .address = { HUGE_AT }, .prot = PROT_RW,
				   .flags = QUIRE_MAP_SHARED | QUIRE_MAP_FIXED };
	unsigned wrong = 0;
	quire_virt_t out;

	if (!process_rig(&rig, config, MB(128)))
		return;
	huge = huge_bytes(&rig);
	huge_set(&rig, 12, 1);
	CHECK_EQ(quire_memfd_create(rig.q, "shared", QUIRE_MFD_HUGETLB, &file), 0);
	CHECK_EQ(quire_mm_create(rig.q, NULL, &mm), 0);
	args.bytes = SHARED_PAGES * huge;
	args.file = file;
	CHECK_EQ(quire_mmap(mm, &args, &out), 0);
	for (unsigned i = 0; i < CPUS; i++) {
		job[i] = (struct job){ .cpu = i, .seed = i + 1 };
		CHECK_EQ(pthread_create(&job[i].thread, NULL, run, &job[i]), 0);
	}
	for (unsigned i = 0; i < CPUS; i++) {
		pthread_join(job[i].thread, NULL);
		wrong += job[i].wrong;
	}
	CHECK_EQ(wrong, 0);
	rig_sound(&rig);
	for (unsigned i = 0; i < CPUS; i++) {
		quire_hosted_cpu(i);
		CHECK_EQ(quire_table_load(quire_table_kernel(rig.q)), 0);
	}
	quire_hosted_cpu(0);
	CHECK_EQ(quire_mm_destroy(mm), 0);
	quire_file_put(file);
	huge_set(&rig, 0, 0);
	CHECK_STR(huge_pool(&rig), "0 0 0 0");
	rig_end(&rig);
}

TEST(one_pool)
{
	for (unsigned i = 0; process_machine(i); i++)
		on(process_machine(i));
}

TEST_MAIN(CASE(one_pool))
