/* SPDX-License-Identifier: MIT */
/*
 * test_smp_vm.c - four processors in one address space: faults, unmapping, fork and reverse maps
 * at once
 *
 * Each thread is a processor that has the process loaded. It has addresses of its own, which it
 * maps, writes, forgets and unmaps, and a word in each page that all of them share, in fresh
 * memory and in a file: nobody else writes that, so it reads there what it wrote last, whatever
 * the others do. Bounded by counts.
 */
#include "process.h"

#include <pthread.h>

#include "store.h"

#define CPUS 4
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STEPS 300
#else
#define STEPS 3000
#endif
#define SHARED 0x20000000u
#define MAPPED 0x21000000u
#define OWN(cpu) (0x30000000u + (cpu) * 0x200000u)
#define PAGES 8

static struct rig rig;
static struct quire_mm *mm;
static struct quire_file *file;
static struct store store; /* the file's, if it has one */

struct job {
	pthread_t thread;
	unsigned cpu, wrong;
	uint64_t seed;
	uint64_t last[2][PAGES]; /* that it wrote to its words */
};

static uint64_t below(struct job *job, uint64_t n)
{
	return test_random(&job->seed) % n;
}

static int touch(struct quire_mm *who, uint64_t at, uint64_t *value, enum quire_access access)
{
	return quire_user_access(who, (quire_virt_t){ at }, value, 8, access, NULL) !=
	       QUIRE_FAULT_DONE;
}

/* Its word of a shared page. */
static void share(struct job *job)
{
	unsigned kind = (unsigned)below(job, 2), page = (unsigned)below(job, PAGES);
	uint64_t at = (kind ? MAPPED : SHARED) + page * PAGE + job->cpu * 8, value = 0;
	uint64_t next = below(job, UINT64_MAX);

	if (below(job, 2))
		job->wrong += quire_copy_from_user(mm, &value, (quire_virt_t){ at }, 8) != 0;
	else
		job->wrong += touch(mm, at, &value, QUIRE_ACCESS_READ);
	job->wrong += value != job->last[kind][page];
	if (below(job, 2))
		job->wrong += quire_copy_to_user(mm, (quire_virt_t){ at }, &next, 8) != 0;
	else
		job->wrong += touch(mm, at, &next, QUIRE_ACCESS_WRITE);
	job->last[kind][page] = next;
}

/* Map, write, read, forget, unmap. */
static void own(struct job *job)
{
	uint64_t nr = 1 + below(job, 40), at = OWN(job->cpu) + below(job, 8) * PAGE, i;
	struct quire_mmap args = { .address = { at }, .bytes = nr * PAGE, .prot = PROT_RW,
				   .flags = MAP_ANON | QUIRE_MAP_FIXED };
	quire_virt_t out;

	job->wrong += quire_mmap(mm, &args, &out) != 0;
	for (i = 0; i < nr; i++) {
		uint64_t value = i + 1;

		job->wrong += touch(mm, at + i * PAGE, &value, QUIRE_ACCESS_WRITE);
	}
	if (below(job, 2))
		job->wrong += quire_mprotect(mm, (quire_virt_t){ at }, nr * PAGE,
					     QUIRE_PROT_READ) != 0;
	for (i = 0; i < nr; i++) {
		uint64_t value = 0;

		job->wrong += touch(mm, at + i * PAGE, &value, QUIRE_ACCESS_READ) || value != i + 1;
	}
	job->wrong += quire_madvise(mm, (quire_virt_t){ at }, PAGE, QUIRE_MADV_DONTNEED) != 0;
	i = 1;
	job->wrong += touch(mm, at, &i, QUIRE_ACCESS_READ) || i;
	if (below(job, 2))
		job->wrong += quire_munmap(mm, (quire_virt_t){ at }, nr * PAGE) != 0;
}

/* A child sees this thread's words as they are now, and what it writes stays its own. */
static void fork_once(struct job *job)
{
	uint64_t at = SHARED + below(job, PAGES) * PAGE + job->cpu * 8, value = 0, other = 7;
	unsigned page = (unsigned)((at - SHARED) / PAGE);
	struct quire_mm *child;

	if (quire_mm_fork(mm, &child)) {
		job->wrong++;
		return;
	}
	job->wrong += quire_copy_from_user(child, &value, (quire_virt_t){ at }, 8) ||
		      value != job->last[0][page];
	job->wrong += quire_copy_to_user(child, (quire_virt_t){ at }, &other, 8) != 0;
	job->wrong += touch(mm, at, &value, QUIRE_ACCESS_READ) || value != job->last[0][page];
	job->wrong += quire_mm_destroy(child) != 0;
}

/* Pages of the file lose the right to be written, or their entries, and are dropped when clean. */
static void forget(struct job *job)
{
	uint64_t at = MAPPED + below(job, PAGES - 2) * PAGE;

	job->wrong += quire_file_sync(file, 0, UINT64_MAX) != 0;
	if (below(job, 2))
		job->wrong += quire_madvise(mm, (quire_virt_t){ at }, 3 * PAGE,
					    QUIRE_MADV_DONTNEED) != 0;
	(void)quire_pagecache_drop(rig.q);
}

static void *run(void *arg)
{
	struct job *job = arg;

	quire_hosted_cpu(job->cpu);
	job->wrong += quire_mm_load(mm) != 0;
	for (unsigned i = 0, nr = test_times(STEPS); i < nr; i++) {
		switch (below(job, 16)) {
		case 0:
			fork_once(job);
			break;
		case 1:
			forget(job);
			break;
		case 2:
		case 3:
			own(job);
			break;
		default:
			share(job);
		}
	}
	return NULL;
}

/* What all have written last is in the store in the end. */
static void check_store(const struct job *job)
{
	uint64_t value;

	CHECK_EQ(quire_file_sync(file, 0, UINT64_MAX), 0);
	for (unsigned i = 0; i < CPUS * PAGES; i++) {
		memcpy(&value, store.bytes + i / CPUS * PAGE + i % CPUS * 8, 8);
		CHECK(value == job[i % CPUS].last[1][i / CPUS]);
	}
}

static void on(const struct quire_config *config, bool stored)
{
	struct files files;
	static struct job job[CPUS];
	struct quire_mmap args = { .address = { MAPPED }, .bytes = PAGES * PAGE, .prot = PROT_RW,
				   .flags = QUIRE_MAP_SHARED | QUIRE_MAP_FIXED };
	unsigned wrong = 0;
	quire_virt_t out;

	if (!process_rig(&rig, config, MB(64)))
		return;
	files.q = rig.q;
	store_make(&files, &store, PAGES * PAGE, PAGES * PAGE);
	memset(store.bytes, 0, PAGES * PAGE);
	file = files_open(&files, stored ? &store : NULL, PAGES * PAGE);
	CHECK_EQ(quire_mm_create(rig.q, NULL, &mm), 0);
	process_anon(mm, SHARED, PAGES);
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
	if (stored)
		check_store(job);
	rig_sound(&rig);
	for (unsigned i = 0; i < CPUS; i++) {
		quire_hosted_cpu(i);
		CHECK_EQ(quire_table_load(quire_table_kernel(rig.q)), 0);
	}
	quire_hosted_cpu(0);
	CHECK_EQ(quire_mm_destroy(mm), 0);
	quire_file_put(file);
	rig_end(&rig);
	free(store.bytes);
}

TEST(one_space)
{
	for (unsigned i = 0; process_machine(i); i++)
		on(process_machine(i), false);
}

/* A page is written while it is on its way to the store: to ThreadSanitizer that is a race. */
TEST(stored)
{
#ifndef __SANITIZE_THREAD__
	for (unsigned i = 0; process_machine(i); i++)
		on(process_machine(i), true);
#endif
}

TEST_MAIN(CASE(one_space), CASE(stored))
