/* SPDX-License-Identifier: MIT */
/*
 * test_references.c - frames with as many references as entries may have
 *
 * No entry more gets one; what is done to the frame for the length of a call goes on as ever. The
 * references are set from inside: a fork for each of two million would take long.
 */
#include "process.h"
#include "store.h"

#include "cache/pagecache.h"

#define PLACE 0x20000000u
#define MANY ((COUNT_MAX / 2 + 1) * COUNT_ONE)
#define PATTERN 0x11

static struct files f;
static struct store store;
static struct quire_file *file;

/* A machine, and a file of 3 pages in memory, with or without a store. */
static bool begin(bool with_store)
{
	unsigned char buf[3 * QUIRE_PAGE_SIZE];
	size_t done = 0;

	if (!process_rig(&f.rig, process_machine(0), MB(32)))
		return false;
	f.q = f.rig.q;
	store_make(&f, &store, 3 * PAGE, 3 * PAGE);
	file = files_open(&f, with_store ? &store : NULL, 0);
	memset(buf, PATTERN, sizeof(buf));
	CHECK_EQ(quire_file_write(file, 0, buf, sizeof(buf), &done), 0);
	CHECK_EQ(done, sizeof(buf));
	return true;
}

static void end(void)
{
	rig_sound(&f.rig);
	quire_file_put(file);
	free(store.bytes);
	rig_end(&f.rig);
}

/* Page @index of the file has all references that entries may have. */
static struct quire_page *fill(uint64_t index)
{
	struct quire_page *page = pagecache_find(quire_file_inode(file), index);

	CHECK(page != NULL);
	page->word += MANY - COUNT_ONE;
	return page;
}

/* They go again, and with the last one the frame, if it has left the file. */
static void drain(struct quire_page *page)
{
	page->word -= MANY - COUNT_ONE;
	pagecache_put(f.q, page);
}

static unsigned char byte(uint64_t at)
{
	unsigned char byte = 0;
	size_t done = 0;

	CHECK_EQ(quire_file_read(file, at, &byte, 1, &done), 0);
	CHECK_EQ(done, 1);
	return byte;
}

TEST(write_back)
{
	if (!begin(true))
		return;
	struct quire_page *page = fill(1);

	CHECK_EQ(files_info(file).nr_dirty, 3);
	CHECK_EQ(quire_file_sync(file, 0, UINT64_MAX), 0);
	CHECK_EQ(files_info(file).nr_dirty, 0);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(store.bytes[i * PAGE], PATTERN);
	drain(page);
	end();
}

TEST(truncate)
{
	for (unsigned with_store = 0; with_store < 2; with_store++) {
		if (!begin(with_store))
			return;
		struct quire_page *cut = fill(1), *gone = fill(2);

		CHECK_EQ(quire_file_truncate(file, PAGE + 10), 0);
		CHECK_EQ(files_info(file).nr_pages, 2);
		CHECK_EQ(byte(PAGE + 9), PATTERN);
		/* What is behind the end is zeros when the file grows again. */
		CHECK_EQ(quire_file_truncate(file, 3 * PAGE), 0);
		CHECK_EQ(byte(PAGE + 10), 0);
		CHECK_EQ(byte(2 * PAGE), 0);
		drain(gone);
		drain(cut);
		end();
	}
}

TEST(allocate)
{
	if (!begin(false))
		return;
	struct quire_page *page = fill(1);

	CHECK_EQ(quire_file_allocate(file, 0, 0, 5 * PAGE), 0);
	CHECK_EQ(files_info(file).nr_pages, 5);
	CHECK_EQ(quire_file_allocate(file, QUIRE_FALLOC_PUNCH_HOLE | QUIRE_FALLOC_KEEP_SIZE,
				     PAGE + 4, 4),
		 0);
	CHECK_EQ(byte(PAGE + 3), PATTERN);
	CHECK_EQ(byte(PAGE + 4), 0);
	CHECK_EQ(byte(PAGE + 8), PATTERN);
	drain(page);
	end();
}

/* Entries are refused, and what is there already can be read and written. */
TEST(entries)
{
	struct quire_mm *mm, *child;
	struct quire_page *page;
	uint64_t value = 5;

	if (!begin(false))
		return;
	mm = process_start(&f.rig);
	process_anon(mm, PLACE, 1);
	CHECK_EQ(process_write(mm, PLACE, 3), 0);
	CHECK_EQ(quire_mm_fork(mm, &child), 0);
	page = quire_pfn_page(f.q, quire_pfn(process_pfn(mm, PLACE)));
	CHECK_EQ(quire_page_count(page), 2);
	CHECK_EQ(quire_page_get(f.q, page), -QUIRE_EINVAL);
	page->word += MANY;
	CHECK_EQ(quire_mm_fork(mm, &(struct quire_mm *){ NULL }), -QUIRE_ENOMEM);
	CHECK_EQ(quire_copy_from_user(child, &value, (quire_virt_t){ PLACE }, 8), 0);
	CHECK_EQ(value, 3);
	CHECK_EQ(process_write(mm, PLACE, 4), 0);
	CHECK(process_pfn(mm, PLACE) != process_pfn(child, PLACE));
	page->word -= MANY;
	CHECK_EQ(quire_page_count(page), 1);
	CHECK_EQ(quire_mm_destroy(child), 0);
	process_end(&f.rig, mm);
	end();
}

TEST(mapped_file)
{
	const struct quire_mmap args = { .address = { PLACE }, .bytes = 3 * PAGE, .prot = PROT_RW,
					 .flags = QUIRE_MAP_SHARED | QUIRE_MAP_FIXED };
	struct quire_mmap of_file = args;
	struct quire_page *page;
	struct quire_mm *mm;
	quire_virt_t out;

	if (!begin(true))
		return;
	of_file.file = file;
	CHECK_EQ(quire_file_sync(file, 0, UINT64_MAX), 0);
	mm = process_start(&f.rig);
	CHECK_EQ(quire_mmap(mm, &of_file, &out), 0);
	CHECK_EQ(process_read(mm, PLACE + PAGE) & 0xff, PATTERN);
	page = fill(1);
	CHECK_EQ(process_write(mm, PLACE + PAGE, 0x77), 0); /* it is mapped, and becomes dirty */
	CHECK_EQ(files_info(file).nr_dirty, 1);
	CHECK_EQ(quire_madvise(mm, (quire_virt_t){ PLACE }, 3 * PAGE, QUIRE_MADV_DONTNEED), 0);
	CHECK_EQ(process_touch(mm, PLACE + PAGE, &out, 8, QUIRE_ACCESS_READ), 1000);
	CHECK_EQ(byte(PAGE), 0x77);
	drain(page);
	CHECK_EQ(process_read(mm, PLACE + PAGE), 0x77);
	process_end(&f.rig, mm);
	end();
}

TEST_MAIN(CASE(write_back), CASE(truncate), CASE(allocate), CASE(entries), CASE(mapped_file))
