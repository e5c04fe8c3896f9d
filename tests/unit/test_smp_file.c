/* SPDX-License-Identifier: MIT */
/*
 * test_smp_file.c - four processors on the same files at once
 *
 * One page of each file belongs to one thread at a time: it writes its number and a count over all
 * of it, and whoever reads the page must find one write, whole. Truncates, holes, syncs, drops and
 * faults go on meanwhile. For ThreadSanitizer; the rules are checked when all have stopped.
 */
#include "store.h"

#include <pthread.h>

#include "cache/cache.h"
#include "cache/shrink.h"

#define PAGE QUIRE_PAGE_SIZE
#define PAGES 64u
#define CPUS 4
#define FILES 2

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STEPS 2000
#else
#define STEPS 20000
#endif

static struct files f;
static struct store store;
static pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER;
static struct quire_file *files[FILES];

struct job {
	pthread_t thread;
	unsigned cpu, wrong;
	uint64_t seed;
	unsigned char buf[2 * PAGE];
};

/* The store's contents are one thread's at a time. */
static int locked_read(void *ctx, uint64_t index, struct quire_page *const *pages, size_t nr)
{
	pthread_mutex_lock(&store_lock);
	int error = store_read(ctx, index, pages, nr);
	pthread_mutex_unlock(&store_lock);
	return error;
}

static int locked_write(void *ctx, uint64_t index, struct quire_page *const *pages, uint64_t bytes)
{
	pthread_mutex_lock(&store_lock);
	int error = store_write(ctx, index, pages, bytes);
	pthread_mutex_unlock(&store_lock);
	return error;
}

static int locked_resize(void *ctx, uint64_t bytes)
{
	pthread_mutex_lock(&store_lock);
	int error = store_resize(ctx, bytes);
	pthread_mutex_unlock(&store_lock);
	return error;
}

static int locked_punch(void *ctx, uint64_t offset, uint64_t bytes)
{
	pthread_mutex_lock(&store_lock);
	int error = store_punch(ctx, offset, bytes);
	pthread_mutex_unlock(&store_lock);
	return error;
}

static const struct quire_store locked = {
	.read = locked_read,
	.write = locked_write,
	.resize = locked_resize,
	.punch = locked_punch,
};

static uint64_t below(struct job *job, uint64_t n)
{
	return test_random(&job->seed) % n;
}

/* All of it the same byte. */
static void check_page(struct job *job, const unsigned char *p, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (p[i] != p[0]) {
			job->wrong++;
			return;
		}
	}
}

static void fault(struct job *job, struct quire_file *file, uint64_t index)
{
	struct quire_page *page, *around[16];
	int error = pagecache_load(file, index, QUIRE_FADV_NORMAL, 0, NULL, &page);

	if (error) {
		job->wrong += error != -QUIRE_ERANGE;
		return;
	}
	job->wrong += pagecache_inode(page) != quire_file_inode(file);
	job->wrong += use_index(use_of(f.q, page)) != index;
	/* What a program would write now is a race of its own with reads and write-back. */
	if (below(job, 2))
		pagecache_dirty(f.q, page);
	use_unlock(f.q, page);
	pagecache_put(f.q, page);
	size_t nr = pagecache_around(quire_file_inode(file), index, index + 15, around, 16);

	for (size_t i = 0; i < nr; i++) {
		job->wrong += pagecache_inode(around[i]) != quire_file_inode(file);
		use_unlock(f.q, around[i]);
		pagecache_put(f.q, around[i]);
	}
}

static void change(struct job *job, struct quire_file *file)
{
	uint64_t index = below(job, PAGES);

	switch (below(job, 6)) {
	case 0:
		job->wrong += quire_file_truncate(file, index * PAGE) != 0;
		break;
	case 1:
		job->wrong += quire_file_truncate(file, PAGES * PAGE) != 0;
		break;
	case 2:
		job->wrong += quire_file_allocate(file, 3, index * PAGE, 3 * PAGE) != 0;
		break;
	case 3:
		job->wrong += quire_file_sync(file, 0, UINT64_MAX) != 0;
		break;
	case 4:
		quire_pagecache_drop(f.q);
		job->wrong += quire_pagecache_sync(f.q) != 0;
		break;
	default:
		shrink_reclaim(f.q, f.q->tier[TIER_CACHE], QUIRE_GFP_KERNEL);
	}
}

/* Files come and go while all of them are walked over. */
static void come_and_go(struct job *job)
{
	struct quire_file *file;
	size_t done;

	if (quire_memfd_create(f.q, "short", 0, &file))
		return;
	job->wrong += quire_file_write(file, 0, job->buf, 100, &done) != 0;
	quire_file_put(file);
}

static void *work(void *ctx)
{
	struct job *job = ctx;

	quire_hosted_cpu(job->cpu);
	for (unsigned i = 0, nr = test_times(STEPS); i < nr; i++) {
		struct quire_file *file = files[below(job, FILES)];
		uint64_t index = below(job, PAGES);
		size_t done = 0;

		switch (below(job, 8)) {
		case 0:
		case 1:
		case 2:
			job->wrong += quire_file_read(file, index * PAGE, job->buf, 2 * PAGE,
						      &done) != 0;
			check_page(job, job->buf, done < PAGE ? done : PAGE);
			check_page(job, job->buf + PAGE, done < PAGE ? 0 : done - PAGE);
			break;
		case 3:
		case 4:
			memset(job->buf, (int)below(job, 255), PAGE);
			job->wrong += quire_file_write(file, index * PAGE, job->buf, PAGE,
						       &done) != 0;
			job->wrong += done != PAGE;
			break;
		case 5:
		case 6:
			fault(job, file, index);
			break;
		default:
			if (below(job, 3))
				change(job, file);
			else
				come_and_go(job);
		}
	}
	return NULL;
}

TEST(files)
{
	static struct job jobs[CPUS];

	if (!files_start(&f))
		return;
	store_make(&f, &store, PAGES * PAGE, PAGES * PAGE);
	for (uint64_t i = 0; i < PAGES * PAGE; i++)
		store.bytes[i] = (unsigned char)(i / PAGE);
	for (int i = 0; i < FILES; i++) {
		struct quire_inode_args args = { .store = i ? NULL : &locked, .ctx = &store,
						 .bytes = PAGES * PAGE };
		struct quire_inode *inode;

		CHECK_EQ(quire_inode_create(f.q, &args, &inode), 0);
		CHECK_EQ(quire_file_open(inode, 3, "f", &files[i]), 0);
		quire_inode_put(inode);
	}
	for (unsigned i = 0; i < CPUS; i++) {
		jobs[i] = (struct job){ .cpu = i, .seed = i + 1 };
		pthread_create(&jobs[i].thread, NULL, work, &jobs[i]);
	}
	for (unsigned i = 0; i < CPUS; i++) {
		pthread_join(jobs[i].thread, NULL);
		CHECK_EQ(jobs[i].wrong, 0);
	}
	rig_sound(&f.rig);
	CHECK_EQ(quire_file_sync(files[0], 0, UINT64_MAX), 0);
	CHECK_EQ(files_info(files[0]).nr_dirty, 0);
	for (uint64_t i = 0; i < PAGES; i++)
		check_page(&jobs[0], store.bytes + i * PAGE, PAGE);
	CHECK_EQ(jobs[0].wrong, 0);
	for (int i = 0; i < FILES; i++)
		quire_file_put(files[i]);
	rig_end(&f.rig);
	free(store.bytes);
}

TEST_MAIN(CASE(files))
