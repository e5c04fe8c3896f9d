/* SPDX-License-Identifier: MIT */
/*
 * test_file_ahead.c - what is read before anybody asks, and what is not
 */
#include "store.h"

#include "cache/cache.h"

#define PAGE QUIRE_PAGE_SIZE

static struct files f;
static struct store s;
static struct quire_file *file;

static bool start(void)
{
	if (!files_start(&f))
		return false;
	store_make(&f, &s, 500 * PAGE, 500 * PAGE);
	file = files_open(&f, &s, 0);
	return file != NULL;
}

static void end(void)
{
	quire_file_put(file);
	rig_end(&f.rig);
	free(s.bytes);
}

/* Read one byte of a page. */
static void touch(uint64_t index)
{
	unsigned char byte = 0;
	size_t done;

	CHECK_EQ(quire_file_read(file, index * PAGE + 5, &byte, 1, &done), 0);
	CHECK_EQ(byte, s.bytes[index * PAGE + 5]);
}

static uint64_t in_memory(void)
{
	return files_info(file).nr_pages;
}

/* 4, 8, 16, 32, 32 …, each when the window before is begun. */
TEST(sequential)
{
	static const struct {
		uint64_t index, pages;
	} steps[] = { { 0, 4 },	  { 1, 12 },  { 3, 12 },  { 4, 28 }, { 11, 28 },
		      { 12, 60 }, { 27, 60 }, { 28, 92 }, { 59, 92 }, { 60, 124 } };

	if (!start())
		return;
	for (uint64_t i = 0, n = 0; i <= 60; i++) {
		touch(i);
		if (i == steps[n].index)
			CHECK_EQ(in_memory(), steps[n++].pages);
	}
	CHECK_EQ(s.reads, 6);
	CHECK_EQ(files_info(file).nr_reads, 124);
	CHECK_EQ(files_info(file).nr_ahead, 124 - 1);
	for (uint64_t i = 61; i < 500; i++)
		touch(i);
	CHECK_EQ(files_info(file).nr_reads, 500);
	CHECK_EQ(s.reads, 18);
	end();
}

/* It may begin anywhere: the second page in a row shows it. */
TEST(sequential_later)
{
	if (!start())
		return;
	touch(200);
	CHECK_EQ(in_memory(), 1);
	touch(201);
	CHECK_EQ(in_memory(), 5);
	touch(202);
	CHECK_EQ(in_memory(), 13);
	end();
}

TEST(random_reads)
{
	if (!start())
		return;
	for (uint64_t i = 1; i <= 50; i++)
		touch((i * 37 + 20) % 499 + 1);
	CHECK_EQ(in_memory(), 50);
	CHECK_EQ(s.reads, 50);
	CHECK_EQ(files_info(file).nr_ahead, 0);
	end();
}

TEST(advice)
{
	if (!start())
		return;
	CHECK_EQ(quire_file_advise(file, 0, 0, (enum quire_fadvise)6), -QUIRE_EINVAL);
	CHECK_EQ(quire_file_advise(file, 0, 0, QUIRE_FADV_RANDOM), 0);
	for (uint64_t i = 0; i < 10; i++)
		touch(i);
	CHECK_EQ(in_memory(), 10);
	CHECK_EQ(quire_file_advise(file, 0, 0, QUIRE_FADV_SEQUENTIAL), 0);
	for (uint64_t i = 10; i < 100; i++)
		touch(i);
	CHECK_EQ(s.last_nr, 32); /* windows of 64 come in two calls */
	CHECK_EQ(in_memory(), 10 + 4 + 8 + 16 + 32 + 64 + 64);
	CHECK_EQ(quire_file_advise(file, 0, 0, QUIRE_FADV_NORMAL), 0);
	CHECK_EQ(quire_file_advise(file, 300 * PAGE + 1, 40 * PAGE, QUIRE_FADV_WILLNEED), 0);
	CHECK_EQ(in_memory(), 198 + 41);
	CHECK_EQ(quire_file_advise(file, 490 * PAGE, 0, QUIRE_FADV_WILLNEED), 0);
	CHECK_EQ(in_memory(), 239 + 10);
	/* Whole pages go, dirty ones once they are written. */
	size_t done;
	CHECK_EQ(quire_file_write(file, 301 * PAGE, "w", 1, &done), 0);
	CHECK_EQ(quire_file_advise(file, 300 * PAGE + 1, 40 * PAGE, QUIRE_FADV_DONTNEED), 0);
	CHECK_EQ(in_memory(), 249 - 39);
	CHECK(s.bytes[301 * PAGE] == 'w');
	CHECK_EQ(quire_file_advise(file, 0, 0, QUIRE_FADV_DONTNEED), 0);
	CHECK_EQ(in_memory(), 0);
	CHECK_EQ(quire_file_advise(file, 0, 0, QUIRE_FADV_NOREUSE), 0);
	end();
}

static struct quire_page *load(uint64_t index, enum quire_fadvise advice, int want, bool major)
{
	struct quire_page *page = NULL;
	bool was = false;

	CHECK_EQ(pagecache_load(file, index, advice, 0, &was, &page), want);
	CHECK_EQ(was, major);
	return page;
}

static void drop(struct quire_page *page)
{
	CHECK(!use_trylock(f.q, page));
	use_unlock(f.q, page);
	pagecache_put(f.q, page);
}

/* A fault brings what lies around it. */
TEST(faults)
{
	struct quire_page *pages[40];

	if (!start())
		return;
	drop(load(100, QUIRE_FADV_NORMAL, 0, true));
	CHECK_EQ(in_memory(), 32);
	CHECK_EQ(pagecache_around(quire_file_inode(file), 0, 499, pages, 40), 31);
	CHECK_EQ(use_index(use_of(f.q, pages[0])), 84);
	/* The marked page, 84 + 24, is left out; it is up to a fault. */
	for (int i = 0; i < 31; i++) {
		CHECK(use_index(use_of(f.q, pages[i])) != 108);
		drop(pages[i]);
	}
	drop(load(90, QUIRE_FADV_NORMAL, 0, false));
	drop(load(108, QUIRE_FADV_NORMAL, 0, false));
	CHECK_EQ(in_memory(), 64);
	drop(load(300, QUIRE_FADV_RANDOM, 0, true));
	CHECK_EQ(in_memory(), 65);
	drop(load(400, QUIRE_FADV_SEQUENTIAL, 0, true));
	CHECK_EQ(in_memory(), 65 + 64);
	drop(load(431, QUIRE_FADV_SEQUENTIAL, 0, false));
	CHECK_EQ(in_memory(), 65 + 64);
	drop(load(432, QUIRE_FADV_SEQUENTIAL, 0, false));
	CHECK_EQ(in_memory(), 65 + 64 + 32);
	load(500, QUIRE_FADV_NORMAL, -QUIRE_ERANGE, false);
	struct quire_page *page = pagecache_find(quire_file_inode(file), 90);
	CHECK(pagecache_inode(page) == quire_file_inode(file));
	CHECK_EQ(pagecache_around(quire_file_inode(file), 90, 91, pages, 1), 1);
	CHECK_EQ(pagecache_around(quire_file_inode(file), 90, 90, pages + 1, 1), 0); /* locked */
	drop(pages[0]);
	pagecache_put(f.q, page);
	end();
}

/* A hundred faults to which reading around was of no use are enough. */
TEST(faults_here_and_there)
{
	if (!start())
		return;
	for (int i = 0; i < 100; i++) {
		drop(load(16 + (uint64_t)i % 4 * 100, QUIRE_FADV_NORMAL, 0, true));
		CHECK_EQ(quire_pagecache_drop(f.q), 32);
	}
	drop(load(16, QUIRE_FADV_NORMAL, 0, true));
	CHECK_EQ(in_memory(), 1);
	end();
}

/* A page that can't be read is one page, whatever was to be read with it. */
TEST(bad_page)
{
	size_t done = 9;
	unsigned char byte[2 * PAGE];

	if (!start())
		return;
	s.bad = 3;
	for (uint64_t i = 0; i < 3; i++)
		touch(i);
	CHECK_EQ(quire_file_read(file, 3 * PAGE, byte, 1, &done), -QUIRE_EIO);
	CHECK_EQ(done, 0);
	CHECK_EQ(quire_file_read(file, 2 * PAGE, byte, sizeof(byte), &done), 0);
	CHECK_EQ(done, PAGE);
	for (uint64_t i = 4; i < 20; i++)
		touch(i);
	load(3, QUIRE_FADV_NORMAL, -QUIRE_EIO, false);
	CHECK_EQ(quire_file_write(file, 3 * PAGE + 1, "x", 1, &done), -QUIRE_EIO);
	/* Written whole it need not be read. */
	CHECK_EQ(quire_file_write(file, 3 * PAGE, byte, PAGE, &done), 0);
	rig_sound(&f.rig);
	s.bad = 0;
	drop(load(3, QUIRE_FADV_NORMAL, 0, false));
	end();
}

TEST_MAIN(CASE(sequential), CASE(sequential_later), CASE(random_reads), CASE(advice), CASE(faults),
	  CASE(faults_here_and_there), CASE(bad_page))
