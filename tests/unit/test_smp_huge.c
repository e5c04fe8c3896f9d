/* SPDX-License-Identifier: MIT */
/*
 * test_smp_huge.c - four processors in one address space with huge pages: made, split, collapsed,
 * shared with children and taken back at once
 *
 * Each thread has a word in each page that all share, as in test_smp_vm.c, and the room for two
 * huge pages of its own. khugepaged runs in all of them, also while children end. Bounded by
 * counts.
 */
#include "process.h"

#include <pthread.h>

#define CPUS 4
#define STEPS test_times(TEST_SANITIZED ? 30 : 160)
#define SHARED 0x20000000u
#define OWN(cpu) (0x30000000u + (cpu) * 0x800000u)
#define WORDS 16

static struct rig rig;
static struct quire_mm *mm;
static uint64_t n; /* frames of a huge page */

struct job {
	pthread_t thread;
	unsigned cpu, wrong;
	uint64_t seed;
	uint64_t last[WORDS]; /* that it wrote to its words */
};

static uint64_t below(struct job *job, uint64_t limit)
{
	return test_random(&job->seed) % limit;
}

static int touch(struct quire_mm *who, uint64_t at, uint64_t *value, enum quire_access access)
{
	return quire_user_access(who, (quire_virt_t){ at }, value, 8, access, NULL) !=
	       QUIRE_FAULT_DONE;
}

/* Where its i-th word is: spread over two huge pages. */
static uint64_t word(const struct job *job, unsigned i)
{
	return SHARED + i * (2 * n / WORDS) * PAGE + job->cpu * 8;
}

static void share(struct job *job)
{
	unsigned i = (unsigned)below(job, WORDS);
	uint64_t at = word(job, i), value = 0, next = below(job, UINT64_MAX);

	if (below(job, 2))
		job->wrong += quire_copy_from_user(mm, &value, (quire_virt_t){ at }, 8) != 0;
	else
		job->wrong += touch(mm, at, &value, QUIRE_ACCESS_READ);
	job->wrong += value != job->last[i];
	if (below(job, 2))
		job->wrong += quire_copy_to_user(mm, (quire_virt_t){ at }, &next, 8) != 0;
	else
		job->wrong += touch(mm, at, &next, QUIRE_ACCESS_WRITE);
	job->last[i] = next;
}

/* Of its own: read as zeros, written, a part forgotten, protected, collapsed, unmapped. */
static void own(struct job *job)
{
	uint64_t at = OWN(job->cpu), page = below(job, 2 * n), value = 0;
	struct quire_mmap args = { .address = { at }, .bytes = 2 * n * PAGE, .prot = PROT_RW,
				   .flags = MAP_ANON | QUIRE_MAP_FIXED };
	quire_virt_t part = { at + page * PAGE }, out;

	job->wrong += quire_mmap(mm, &args, &out) != 0;
	if (below(job, 2))
		job->wrong += touch(mm, part.v, &value, QUIRE_ACCESS_READ) || value;
	value = page + 1;
	job->wrong += touch(mm, part.v, &value, QUIRE_ACCESS_WRITE);
	if (below(job, 2))
		job->wrong += quire_mprotect(mm, part, PAGE, QUIRE_PROT_READ) != 0;
	if (below(job, 2))
		(void)quire_madvise(mm, args.address, 2 * n * PAGE, QUIRE_MADV_COLLAPSE);
	value = 0;
	job->wrong += touch(mm, part.v, &value, QUIRE_ACCESS_READ) || value != page + 1;
	job->wrong += quire_madvise(mm, part, PAGE, QUIRE_MADV_DONTNEED) != 0;
	job->wrong += touch(mm, part.v, &value, QUIRE_ACCESS_READ) || value;
	if (below(job, 2))
		job->wrong += quire_munmap(mm, part, PAGE) != 0;
	if (below(job, 2))
		job->wrong += quire_munmap(mm, args.address, n * PAGE) != 0;
}

static void fork_once(struct job *job)
{
	unsigned i = (unsigned)below(job, WORDS);
	uint64_t at = word(job, i), value = 0, other = 7;
	struct quire_mm *child;

	if (quire_mm_fork(mm, &child)) {
		job->wrong++;
		return;
	}
	job->wrong += quire_copy_from_user(child, &value, (quire_virt_t){ at }, 8) ||
		      value != job->last[i];
	job->wrong += quire_copy_to_user(child, (quire_virt_t){ at }, &other, 8) != 0;
	job->wrong += touch(mm, at, &value, QUIRE_ACCESS_READ) || value != job->last[i];
	job->wrong += quire_mm_destroy(child) != 0;
}

/* What makes huge pages of what is shared, and small ones. */
static void change(struct job *job)
{
	static const int advices[] = { QUIRE_MADV_COLD, QUIRE_MADV_FREE };
	quire_virt_t at = { SHARED + below(job, 2 * n) * PAGE };

	switch (below(job, 4)) {
	case 0:
		job->wrong += quire_khugepaged(rig.q, NULL) != 0;
		break;
	case 1:
		(void)quire_madvise(mm, (quire_virt_t){ SHARED }, 2 * n * PAGE,
				    QUIRE_MADV_COLLAPSE);
		break;
	case 2:
		/* Splits the area, and joins it. */
		job->wrong += quire_madvise(mm, at, PAGE, QUIRE_MADV_DONTDUMP) != 0;
		job->wrong += quire_madvise(mm, at, PAGE, QUIRE_MADV_DODUMP) != 0;
		break;
	default:
		job->wrong += quire_madvise(mm, at, PAGE, advices[below(job, 2)]) != 0;
	}
}

static void *run(void *arg)
{
	struct job *job = arg;

	quire_hosted_cpu(job->cpu);
	job->wrong += quire_mm_load(mm) != 0;
	for (unsigned i = 0, steps = STEPS; i < steps; i++) {
		switch (below(job, 16)) {
		case 0:
			fork_once(job);
			break;
		case 1:
		case 2:
			change(job);
			break;
		case 3:
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
	struct quire_vm_sysctl sysctl;
	unsigned wrong = 0;

	n = config->machine == QUIRE_I386 ? 1024 : 512;
	if (!process_rig(&rig, config, MB(192)))
		return;
	CHECK_EQ(quire_vm_sysctl(rig.q, &sysctl), 0);
	sysctl.transparent_huge = QUIRE_THP_ALWAYS;
	CHECK_EQ(quire_vm_set_sysctl(rig.q, &sysctl), 0);
	mm = process_start(&rig);
	process_anon(mm, SHARED, 2 * n);
	for (unsigned i = 0; i < CPUS; i++) {
		job[i] = (struct job){ .cpu = i, .seed = 31 + i };
		CHECK(!pthread_create(&job[i].thread, NULL, run, &job[i]));
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
	check_no_anon(&rig, MB(192));
	rig_end(&rig);
}

TEST(four_processors)
{
	for (unsigned i = 0; process_machine(i); i++)
		on(process_machine(i));
}

TEST_MAIN(CASE(four_processors))
