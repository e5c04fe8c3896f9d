/* SPDX-License-Identifier: MIT */
/*
 * test_file.c - files in memory, one thing at a time
 */
#include "store.h"

#include <quire/report.h>

#include "cache/cache.h"

#define PAGE QUIRE_PAGE_SIZE

static unsigned char buf[64 * PAGE], back[64 * PAGE];

static size_t do_read(struct quire_file *file, uint64_t offset, size_t n)
{
	size_t done = 99;

	memset(back, 0xee, sizeof(back));
	CHECK_EQ(quire_file_read(file, offset, back, n, &done), 0);
	return done;
}

static size_t do_write(struct quire_file *file, uint64_t offset, size_t n)
{
	size_t done = 99;

	CHECK_EQ(quire_file_write(file, offset, buf, n, &done), 0);
	return done;
}

TEST(boot)
{
	struct files f;
	struct rig rig;
	struct quire_pagecache_stat stat;

	if (!rig_start(&rig, MB(16)))
		return;
	CHECK_EQ(quire_cache_boot(rig.q), -QUIRE_ENODEV);
	CHECK_EQ(quire_pagecache_stat(rig.q, &stat), -QUIRE_ENODEV);
	CHECK_EQ(quire_pagecache_sync(rig.q), -QUIRE_ENODEV);
	CHECK_EQ(quire_pagecache_drop(rig.q), 0);
	struct quire_inode_args args = { .bytes = 1 };
	struct quire_inode *inode;
	CHECK_EQ(quire_inode_create(rig.q, &args, &inode), -QUIRE_ENODEV);
	rig_end(&rig);
	if (!files_start(&f))
		return;
	CHECK_EQ(quire_cache_boot(f.q), -QUIRE_EBUSY);
	args.bytes = UINT64_MAX;
	CHECK_EQ(quire_inode_create(f.q, &args, &inode), -QUIRE_EFBIG);
	const struct quire_store none = { .read = NULL };
	args = (struct quire_inode_args){ .store = &none };
	CHECK_EQ(quire_inode_create(f.q, &args, &inode), -QUIRE_EINVAL);
	rig_end(&f.rig);
}

TEST(memory)
{
	struct files f;

	if (!files_start(&f))
		return;
	struct quire_file *file = files_open(&f, NULL, 3 * PAGE + 100);

	memset(buf, 'x', sizeof(buf));
	CHECK_EQ(do_read(file, 0, sizeof(back)), 3 * PAGE + 100);
	CHECK(!back[0] && !back[3 * PAGE + 99] && back[3 * PAGE + 100] == 0xee);
	CHECK_EQ(files_info(file).nr_pages, 0); /* reading a hole takes no memory */
	CHECK_EQ(do_write(file, PAGE - 10, 20), 20);
	CHECK_EQ(files_info(file).nr_pages, 2);
	CHECK_EQ(do_read(file, PAGE - 11, 22), 22);
	CHECK(!back[0] && back[1] == 'x' && back[20] == 'x' && !back[21]);
	CHECK_EQ(do_write(file, 10 * PAGE, 1), 1);
	CHECK_EQ(files_info(file).bytes, 10 * PAGE + 1);
	CHECK_EQ(do_read(file, 10 * PAGE + 1, 10), 0);
	CHECK_EQ(quire_pagecache_drop(f.q), 0);
	CHECK_EQ(quire_file_sync(file, 0, UINT64_MAX), 0);
	struct quire_pagecache_stat stat;
	CHECK_EQ(quire_pagecache_stat(f.q, &stat), 0);
	CHECK_EQ(stat.nr_memory, 3);
	CHECK_EQ(stat.nr_pages + stat.nr_dirty, 0);
	CHECK_EQ(stat.nr_inodes, 1);
	rig_sound(&f.rig);
	CHECK_EQ(quire_file_truncate(file, PAGE), 0);
	CHECK_EQ(files_info(file).nr_pages, 1);
	CHECK_EQ(quire_file_truncate(file, PAGE - 5), 0);
	CHECK_EQ(quire_file_truncate(file, PAGE), 0);
	CHECK_EQ(do_read(file, PAGE - 10, 20), 10);
	CHECK(back[4] == 'x' && !back[5] && !back[9]);
	rig_sound(&f.rig);
	quire_file_put(file);
	quire_pagecache_stat(f.q, &stat);
	CHECK_EQ(stat.nr_inodes + stat.nr_memory, 0);
	rig_end(&f.rig);
}

TEST(store)
{
	struct files f;
	struct store s;

	if (!files_start(&f))
		return;
	store_make(&f, &s, 8 * PAGE + 77, 64 * PAGE);
	struct quire_file *file = files_open(&f, &s, 0);
	uint64_t idle = kernel_idle(&f.rig);

	memset(buf, 'y', sizeof(buf));
	CHECK_EQ(do_read(file, 0, sizeof(back)), 8 * PAGE + 77);
	CHECK(!memcmp(back, s.bytes, (size_t)s.size));
	CHECK_EQ(s.reads, 1);
	CHECK_EQ(files_info(file).nr_reads, 9);
	CHECK_EQ(files_info(file).nr_ahead, 0);
	CHECK_EQ(do_write(file, 100, 50), 50);
	CHECK(s.bytes[100] != 'y');
	CHECK_EQ(files_info(file).nr_dirty, 1);
	CHECK_EQ(quire_file_sync(file, 0, UINT64_MAX), 0);
	CHECK(s.bytes[100] == 'y' && s.bytes[99] != 'y' && s.syncs == 1);
	CHECK_EQ(files_info(file).nr_dirty, 0);
	CHECK_EQ(s.writes, 1);
	/* Contiguous dirty pages go in one call, the last one as far as the file goes. */
	CHECK_EQ(do_write(file, 5 * PAGE, 5 * PAGE + 5), 5 * PAGE + 5);
	CHECK_EQ(s.size, 10 * PAGE + 5);
	CHECK_EQ(quire_file_sync(file, 0, UINT64_MAX), 0);
	CHECK_EQ(s.writes, 2);
	CHECK_EQ(s.last_index, 5);
	CHECK_EQ(s.last_nr, 6);
	CHECK(s.bytes[10 * PAGE + 4] == 'y');
	rig_sound(&f.rig);
	CHECK_EQ(quire_pagecache_drop(f.q), 11);
	CHECK_EQ(files_info(file).nr_pages, 0);
	CHECK_EQ(kernel_idle(&f.rig), idle);
	/* The last one who has it writes back. */
	CHECK_EQ(do_write(file, 0, 1), 1);
	CHECK_EQ(s.bytes[0], 1);
	quire_file_put(file);
	CHECK(s.bytes[0] == 'y' && s.releases == 1);
	rig_end(&f.rig);
	free(s.bytes);
}

/* What is not read from the store when it is replaced, and what is. */
TEST(partial)
{
	struct files f;
	struct store s;

	if (!files_start(&f))
		return;
	store_make(&f, &s, 4 * PAGE + 10, 64 * PAGE);
	struct quire_file *file = files_open(&f, &s, 0);

	do_write(file, 0, PAGE);
	do_write(file, 4 * PAGE, 10);      /* all there is of the last page */
	do_write(file, 20 * PAGE + 5, 10); /* behind the end */
	CHECK_EQ(s.reads, 0);
	do_write(file, 2 * PAGE + 1, 10);
	CHECK_EQ(s.reads, 1);
	CHECK_EQ(s.last_index, 2);
	CHECK_EQ(s.last_nr, 1);
	CHECK_EQ(do_read(file, 0, sizeof(back)), 20 * PAGE + 15);
	CHECK_EQ(back[2 * PAGE], s.bytes[2 * PAGE]);
	CHECK_EQ(back[2 * PAGE + 11], s.bytes[2 * PAGE + 11]);
	CHECK(!back[5 * PAGE] && !back[20 * PAGE + 4]);
	quire_file_put(file);
	rig_end(&f.rig);
	free(s.bytes);
}

TEST(modes)
{
	struct files f;
	struct store s;
	struct quire_file *file;
	size_t done;

	if (!files_start(&f))
		return;
	store_make(&f, &s, PAGE, PAGE);
	const struct quire_store only_read = { .read = store_read };
	const struct quire_store fixed = { .read = store_read, .write = store_write };
	struct quire_inode_args args = { .store = &only_read, .ctx = &s, .bytes = PAGE };
	struct quire_inode *inode;

	CHECK_EQ(quire_inode_create(f.q, &args, &inode), 0);
	CHECK_EQ(quire_file_open(inode, QUIRE_FILE_WRITE, "a", &file), -QUIRE_EPERM);
	CHECK_EQ(quire_file_open(inode, 0, "a", &file), -QUIRE_EINVAL);
	CHECK_EQ(quire_file_open(inode, 8, "a", &file), -QUIRE_EINVAL);
	CHECK_EQ(quire_file_open(inode, QUIRE_FILE_READ, "a", &file), 0);
	CHECK_STR(quire_file_name(file), "a");
	CHECK_EQ(quire_file_mode(file), QUIRE_FILE_READ);
	CHECK(quire_file_inode(file) == inode);
	CHECK_EQ(quire_file_write(file, 0, buf, 1, &done), -QUIRE_EBADF);
	CHECK_EQ(quire_file_truncate(file, 0), -QUIRE_EINVAL);
	CHECK_EQ(quire_file_allocate(file, 0, 0, 1), -QUIRE_EBADF);
	CHECK_EQ(quire_file_seals(file), -QUIRE_EINVAL);
	quire_file_put(file);
	quire_inode_put(inode);
	args.store = &fixed;
	CHECK_EQ(quire_inode_create(f.q, &args, &inode), 0);
	CHECK_EQ(quire_file_open(inode, QUIRE_FILE_WRITE, "a", &file), 0);
	CHECK_EQ(quire_file_read(file, 0, buf, 1, &done), -QUIRE_EBADF);
	CHECK_EQ(quire_file_write(file, PAGE - 4, buf, 8, &done), 0);
	CHECK_EQ(done, 4);
	CHECK_EQ(quire_file_write(file, PAGE, buf, 8, &done), -QUIRE_EPERM);
	CHECK_EQ(quire_file_truncate(file, 0), -QUIRE_EPERM);
	CHECK_EQ(quire_file_truncate(file, PAGE), 0);
	CHECK_EQ(quire_file_truncate(file, UINT64_MAX), -QUIRE_EINVAL);
	CHECK_EQ(quire_file_write(file, INT64_MAX, buf, 8, &done), -QUIRE_EINVAL);
	quire_file_put(file);
	quire_inode_put(inode);
	rig_end(&f.rig);
	free(s.bytes);
}

static struct {
	char text[4096];
	size_t n;
} report;

static void keep(void *ctx, const char *text, size_t n)
{
	(void)ctx;
	if (report.n + n < sizeof(report.text))
		memcpy(report.text + report.n, text, n);
	report.n += n;
}

/* The kB of a line of /proc/meminfo. */
static uint64_t meminfo(struct files *f, const char *name)
{
	const struct quire_sink sink = { keep, NULL };
	uint64_t kbytes = UINT64_MAX;

	memset(&report, 0, sizeof(report));
	CHECK_EQ(quire_report(f->q, "meminfo", false, &sink), 0);
	const char *line = strstr(report.text, name);
	if (line)
		sscanf(line + strlen(name), ": %" SCNu64, &kbytes);
	return kbytes;
}

/* What /proc/meminfo says of files is what there is. */
TEST(reported)
{
	struct files f;
	struct store s;

	if (!files_start(&f))
		return;
	store_make(&f, &s, 8 * PAGE, 64 * PAGE);
	struct quire_file *file = files_open(&f, &s, 0), *memory = files_open(&f, NULL, 0);
	uint64_t available = meminfo(&f, "MemAvailable"), unused = meminfo(&f, "MemFree");

	do_read(file, 0, 8 * PAGE);
	do_write(file, PAGE, 2 * PAGE);
	do_write(memory, 0, 3 * PAGE);
	CHECK_EQ(meminfo(&f, "Cached"), 11 * 4);
	CHECK_EQ(meminfo(&f, "Shmem"), 3 * 4);
	CHECK_EQ(meminfo(&f, "Dirty"), 2 * 4);
	CHECK_EQ(meminfo(&f, "Writeback"), 0);
	/* Half of the pages that have a store could be had. */
	unused -= meminfo(&f, "MemFree");
	available -= meminfo(&f, "MemAvailable");
	CHECK_EQ(unused - available, 4 * 4);
	quire_file_put(file);
	quire_file_put(memory);
	CHECK_EQ(meminfo(&f, "Cached"), 0);
	rig_end(&f.rig);
	free(s.bytes);
}

TEST_MAIN(CASE(boot), CASE(memory), CASE(store), CASE(partial), CASE(modes), CASE(reported))
