/* SPDX-License-Identifier: MIT */
/*
 * test_file_size.c - truncate, holes, seals: as Linux 6.18's tmpfs answers, call by call
 */
#include "store.h"

#include "cache/cache.h"

#define PAGE QUIRE_PAGE_SIZE
#define PUNCH (QUIRE_FALLOC_PUNCH_HOLE | QUIRE_FALLOC_KEEP_SIZE)

static unsigned char buf[64 * PAGE], back[64 * PAGE];

static int64_t do_write(struct quire_file *file, uint64_t offset, size_t n)
{
	size_t done;
	int error = quire_file_write(file, offset, buf, n, &done);

	return error ? error : (int64_t)done;
}

static struct quire_file *memfd(struct files *f, unsigned flags)
{
	struct quire_file *file = NULL;

	CHECK_EQ(quire_memfd_create(f->q, "x", flags, &file), 0);
	return file;
}

/* What src/vm would be told. */
static struct {
	unsigned unmaps, cleans;
	uint64_t first, nr;
	bool private, dirty;
	const struct quire_inode *inode;
} told;

static void told_unmap(struct quire_inode *inode, uint64_t first, uint64_t nr, bool private)
{
	uint64_t index = first;

	told.unmaps++;
	told.inode = inode;
	told.first = first;
	told.nr = nr;
	told.private = private;
	/* They are out of the tree by now, and nobody brings them back. */
	CHECK(!radix_next(&inode->pages, &index, first + (nr - 1), false));
}

static bool told_clean(struct quire *q, struct quire_page *page)
{
	told.cleans++;
	CHECK(!use_trylock(q, page));
	return told.dirty;
}

static bool always(struct quire *q)
{
	(void)q;
	return true;
}

static const struct pagecache_above above = { told_unmap, told_clean, always };

TEST(truncate)
{
	struct files f;
	struct store s;

	if (!files_start(&f))
		return;
	store_make(&f, &s, 10 * PAGE, 20 * PAGE);
	struct quire_file *file = files_open(&f, &s, 0);
	size_t done;

	pagecache_set_above(f.q, &above);
	memset(buf, 'z', sizeof(buf));
	quire_file_read(file, 0, back, 10 * PAGE, &done);
	CHECK_EQ(do_write(file, 5 * PAGE, 3 * PAGE), 3 * PAGE);
	told.unmaps = 0;
	CHECK_EQ(quire_file_truncate(file, 6 * PAGE + 9), 0);
	CHECK_EQ(told.unmaps, 1);
	CHECK_EQ(told.first, 7);
	CHECK(told.private && told.inode == quire_file_inode(file));
	CHECK_EQ(files_info(file).nr_pages, 7);
	CHECK_EQ(files_info(file).nr_dirty, 2);
	CHECK_EQ(s.size, 6 * PAGE + 9);
	rig_sound(&f.rig);
	/* What a mapping wrote behind the end does not come back. */
	struct quire_page *page = pagecache_find(quire_file_inode(file), 6);
	quire_page_write(f.q, page, 100, "mapped", 6);
	pagecache_put(f.q, page);
	CHECK_EQ(quire_file_truncate(file, 20 * PAGE + 1), -QUIRE_ENOSPC);
	CHECK_EQ(files_info(file).bytes, 6 * PAGE + 9);
	CHECK_EQ(quire_file_truncate(file, 8 * PAGE), 0);
	quire_file_read(file, 6 * PAGE, back, 2 * PAGE, &done);
	CHECK(back[8] == 'z' && !back[9] && !back[100] && !back[PAGE]);
	told.cleans = 0;
	CHECK_EQ(quire_file_sync(file, 0, UINT64_MAX), 0);
	CHECK_EQ(told.cleans, 2);
	CHECK(s.bytes[6 * PAGE + 8] == 'z' && !s.bytes[6 * PAGE + 100]);
	/* The store refuses: nothing has changed. */
	s.fail_at = s.calls + 1;
	CHECK_EQ(quire_file_truncate(file, PAGE), -QUIRE_ENOSPC);
	CHECK_EQ(files_info(file).bytes, 8 * PAGE);
	CHECK_EQ(files_info(file).nr_pages, 8);
	pagecache_set_above(f.q, NULL);
	quire_file_put(file);
	rig_end(&f.rig);
	free(s.bytes);
}

/*
 * An error of a write-back that nobody asked for is told once; what was not written is written
 * later.
 */
TEST(errors)
{
	struct files f;
	struct store s;

	if (!files_start(&f))
		return;
	store_make(&f, &s, 10 * PAGE, 20 * PAGE);
	struct quire_file *file = files_open(&f, &s, 0);

	memset(buf, 'e', sizeof(buf));
	CHECK_EQ(do_write(file, 5 * PAGE, 10), 10);
	s.bad = 5;
	CHECK_EQ(quire_pagecache_sync(f.q), -QUIRE_ENOSPC);
	CHECK_EQ(files_info(file).error, -QUIRE_ENOSPC);
	CHECK_EQ(files_info(file).nr_dirty, 1);
	CHECK_EQ(quire_pagecache_drop(f.q), 0);
	s.bad = 0;
	CHECK_EQ(quire_file_sync(file, 0, UINT64_MAX), -QUIRE_ENOSPC);
	CHECK_EQ(s.bytes[5 * PAGE], 'e');
	CHECK_EQ(quire_file_sync(file, 0, UINT64_MAX), 0);
	quire_file_put(file);
	rig_end(&f.rig);
	free(s.bytes);
}

/* Somebody has the page: a process that maps it, for example. */
TEST(held)
{
	struct files f;
	struct store s;
	size_t done;

	if (!files_start(&f))
		return;
	store_make(&f, &s, 10 * PAGE, 20 * PAGE);
	struct quire_file *file = files_open(&f, &s, 0);

	CHECK_EQ(quire_file_read(file, 0, back, 10 * PAGE, &done), 0);
	struct quire_page *page = pagecache_find(quire_file_inode(file), 3);
	CHECK_EQ(quire_pagecache_drop(f.q), 9);
	/* It is freed by the last one who has it, after its file. */
	quire_file_put(file);
	CHECK(!pagecache_inode(page));
	CHECK_EQ(quire_page_count(page), 1);
	CHECK_EQ(quire_page_free(f.q, page, 0), QUIRE_FREE_OWNED);
	pagecache_put(f.q, page);
	CHECK_EQ(quire_page_count(page), 0);
	rig_end(&f.rig);
	free(s.bytes);
}

/* A write that can't be finished leaves the file as long as what was written. */
TEST(short_write)
{
	struct files f;
	struct store s;

	if (!files_start(&f))
		return;
	store_make(&f, &s, 2 * PAGE + 1, 20 * PAGE);
	struct quire_file *file = files_open(&f, &s, 0);

	s.bad = 2; /* the last page, which a write to its middle has to read */
	CHECK_EQ(do_write(file, 2 * PAGE + 5, 10), -QUIRE_EIO);
	CHECK_EQ(s.size, 2 * PAGE + 1);
	CHECK_EQ(files_info(file).bytes, 2 * PAGE + 1);
	CHECK_EQ(do_write(file, 30 * PAGE, 10), -QUIRE_ENOSPC);
	CHECK_EQ(files_info(file).bytes, 2 * PAGE + 1);
	CHECK_EQ(do_write(file, PAGE, 30 * PAGE), PAGE + 1); /* what fits */
	rig_sound(&f.rig);
	quire_file_put(file);
	rig_end(&f.rig);
	free(s.bytes);
}

TEST(punch)
{
	struct files f;
	struct store s;
	size_t done;

	if (!files_start(&f))
		return;
	store_make(&f, &s, 10 * PAGE, 20 * PAGE);
	struct quire_file *file = files_open(&f, &s, 0);

	pagecache_set_above(f.q, &above);
	quire_file_read(file, 0, back, 10 * PAGE, &done);
	CHECK_EQ(quire_file_allocate(file, PUNCH, PAGE + 10, 3 * PAGE), 0);
	CHECK_EQ(told.first, 2);
	CHECK_EQ(told.nr, 2);
	CHECK(!told.private);
	CHECK_EQ(files_info(file).nr_pages, 8);
	CHECK_EQ(quire_file_allocate(file, PUNCH, 7 * PAGE + 10, 10), 0);
	CHECK_EQ(quire_file_allocate(file, PUNCH, 8 * PAGE, 10), 0);
	quire_file_read(file, 0, back, 10 * PAGE, &done);
	CHECK(!memcmp(back, s.bytes, 10 * PAGE));
	CHECK(back[PAGE + 9] && !back[PAGE + 10] && !back[4 * PAGE + 9] && back[4 * PAGE + 10]);
	CHECK(!back[7 * PAGE + 10] && back[7 * PAGE + 20]);
	CHECK(!back[8 * PAGE] && back[8 * PAGE + 10]);
	CHECK_EQ(quire_file_allocate(file, PUNCH, 9 * PAGE, 100 * PAGE), 0);
	CHECK_EQ(quire_file_allocate(file, PUNCH, 50 * PAGE, PAGE), 0);
	CHECK_EQ(files_info(file).bytes, 10 * PAGE);
	CHECK_EQ(quire_file_allocate(file, QUIRE_FALLOC_ZERO_RANGE, PAGE / 2, 11 * PAGE), 0);
	CHECK_EQ(files_info(file).bytes, 11 * PAGE + PAGE / 2);
	quire_file_read(file, 0, back, 12 * PAGE, &done);
	CHECK_EQ(done, 11 * PAGE + PAGE / 2);
	for (size_t i = PAGE / 2; i < done; i++)
		CHECK(!back[i]);
	CHECK_EQ(quire_file_allocate(file, 0, 0, 1), -QUIRE_EOPNOTSUPP);
	s.fail_at = s.calls + 2; /* longer, but no hole: as it was */
	CHECK_EQ(quire_file_allocate(file, QUIRE_FALLOC_ZERO_RANGE, 0, 15 * PAGE), -QUIRE_EIO);
	CHECK_EQ(files_info(file).bytes, 11 * PAGE + PAGE / 2);
	CHECK_EQ(s.size, 11 * PAGE + PAGE / 2);
	rig_sound(&f.rig);
	pagecache_set_above(f.q, NULL);
	quire_file_put(file);
	rig_end(&f.rig);
	free(s.bytes);
}

/* The answers of Linux's tmpfs. */
TEST(sealed)
{
	struct files f;

	if (!files_start(&f))
		return;
	struct quire_file *file = memfd(&f, QUIRE_MFD_ALLOW_SEALING | QUIRE_MFD_CLOEXEC);

	CHECK_STR(quire_file_name(file), "/memfd:x (deleted)");
	CHECK_EQ(quire_file_seals(file), 0);
	CHECK_EQ(quire_file_truncate(file, 4196), 0);
	CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_GROW), 0);
	CHECK_EQ(do_write(file, 0, 8192), 4096);
	CHECK_EQ(do_write(file, 4190, 100), -QUIRE_EPERM);
	CHECK_EQ(do_write(file, 8192, 10), -QUIRE_EPERM);
	CHECK_EQ(do_write(file, 4190, 6), 6);
	CHECK_EQ(do_write(file, 8192, 0), 0);
	CHECK_EQ(quire_file_truncate(file, 5000), -QUIRE_EPERM);
	CHECK_EQ(quire_file_allocate(file, 0, 0, 8192), -QUIRE_EPERM);
	CHECK_EQ(quire_file_allocate(file, QUIRE_FALLOC_KEEP_SIZE, 0, 8192), -QUIRE_EPERM);
	CHECK_EQ(quire_file_allocate(file, QUIRE_FALLOC_KEEP_SIZE, 0, 4000), 0);
	CHECK_EQ(quire_file_allocate(file, PUNCH, 0, 8192), 0);
	CHECK_EQ(quire_file_allocate(file, PUNCH, 4000, 0), -QUIRE_EINVAL);
	CHECK_EQ(quire_file_allocate(file, PUNCH, UINT64_MAX, 10), -QUIRE_EINVAL);
	CHECK_EQ(quire_file_allocate(file, QUIRE_FALLOC_PUNCH_HOLE, 0, 10), -QUIRE_EOPNOTSUPP);
	CHECK_EQ(quire_file_allocate(file, QUIRE_FALLOC_ZERO_RANGE, 0, 10), -QUIRE_EOPNOTSUPP);
	CHECK_EQ(quire_file_allocate(file, 0, 1ull << 62, 1ull << 62), -QUIRE_EFBIG);
	CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_SHRINK), 0);
	CHECK_EQ(quire_file_truncate(file, 10), -QUIRE_EPERM);
	CHECK_EQ(quire_file_truncate(file, UINT64_MAX), -QUIRE_EINVAL);
	CHECK_EQ(quire_file_seal(file, 0x1000), -QUIRE_EINVAL);
	quire_file_inode(file)->nr_writable = 1; /* a shared area that may write */
	CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_WRITE), -QUIRE_EBUSY);
	CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_FUTURE_WRITE), 0);
	CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_WRITE), -QUIRE_EBUSY);
	quire_file_inode(file)->nr_writable = 0;
	CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_WRITE), 0);
	CHECK_EQ(quire_file_seals(file), 30);
	CHECK_EQ(do_write(file, 0, 1), -QUIRE_EPERM);
	CHECK_EQ(do_write(file, 0, 0), 0);
	CHECK_EQ(quire_file_truncate(file, 4196), 0);
	CHECK_EQ(quire_file_allocate(file, PUNCH, 0, 4096), -QUIRE_EPERM);
	CHECK_EQ(quire_file_allocate(file, 0, 0, 4096), 0);
	CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_EXEC), 0);
	CHECK_EQ(quire_file_seals(file), 62);
	CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_SEAL), 0);
	CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_SEAL), -QUIRE_EPERM);
	quire_file_put(file);
	rig_end(&f.rig);
}

TEST(memfd)
{
	struct files f;
	struct quire_file *file;
	char name[252];

	if (!files_start(&f))
		return;
	file = memfd(&f, 0);
	CHECK_EQ(quire_file_seals(file), QUIRE_SEAL_SEAL);
	CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_WRITE), -QUIRE_EPERM);
	CHECK_EQ(quire_file_seal(file, 0x1000), -QUIRE_EINVAL);
	CHECK_EQ(quire_file_truncate(file, INT64_MAX), 0);
	CHECK_EQ(do_write(file, INT64_MAX, 1), -QUIRE_EINVAL);
	CHECK_EQ(do_write(file, INT64_MAX - 1, 10), -QUIRE_EINVAL);
	CHECK_EQ(do_write(file, INT64_MAX - 255, 1), 1);
	CHECK_EQ(files_info(file).nr_pages, 1);
	rig_sound(&f.rig);
	quire_file_put(file);
	file = memfd(&f, QUIRE_MFD_NOEXEC_SEAL);
	CHECK_EQ(quire_file_seals(file), QUIRE_SEAL_EXEC);
	CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_EXEC), 0);
	CHECK_EQ(quire_file_seals(file), QUIRE_SEAL_EXEC);
	quire_file_put(file);
	file = memfd(&f, QUIRE_MFD_ALLOW_SEALING | QUIRE_MFD_EXEC);
	CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_EXEC), 0);
	CHECK_EQ(quire_file_seals(file), 62);
	quire_file_put(file);
	CHECK_EQ(quire_memfd_create(f.q, "b", 0x18, &file), -QUIRE_EINVAL);
	CHECK_EQ(quire_memfd_create(f.q, "b", 0x20, &file), -QUIRE_EINVAL);
	CHECK_EQ(quire_memfd_create(f.q, "b", 21u << 26, &file), -QUIRE_EINVAL);
	memset(name, 'n', sizeof(name));
	name[250] = 0;
	CHECK_EQ(quire_memfd_create(f.q, name, 0, &file), -QUIRE_EINVAL);
	name[249] = 0;
	CHECK_EQ(quire_memfd_create(f.q, name, 0, &file), 0);
	quire_file_put(file);
	rig_end(&f.rig);
}

/* What was written behind the end of a tmpfs file through a mapping is there when it grows. */
TEST(memory_tail)
{
	struct files f;
	struct quire_page *page;
	size_t done;

	if (!files_start(&f))
		return;
	struct quire_file *file = memfd(&f, 0);

	quire_file_truncate(file, 100);
	CHECK_EQ(pagecache_load(file, 0, QUIRE_FADV_NORMAL, 0, NULL, &page), 0);
	quire_page_write(f.q, page, 200, "z", 1);
	use_unlock(f.q, page);
	pagecache_put(f.q, page);
	quire_file_truncate(file, PAGE);
	quire_file_read(file, 200, back, 1, &done);
	CHECK_EQ(back[0], 'z');
	quire_file_truncate(file, 100);
	quire_file_truncate(file, PAGE);
	quire_file_read(file, 200, back, 1, &done);
	CHECK_EQ(back[0], 0);
	/* Pages are there after allocate, all of them or none more. */
	CHECK_EQ(quire_file_allocate(file, 0, 0, 10 * PAGE), 0);
	CHECK_EQ(files_info(file).nr_pages, 10);
	CHECK_EQ(quire_file_allocate(file, 0, 0, GB(1)), -QUIRE_ENOMEM);
	CHECK_EQ(files_info(file).nr_pages, 10);
	CHECK_EQ(files_info(file).bytes, 10 * PAGE);
	CHECK_EQ(quire_file_allocate(file, PUNCH, 0, 10 * PAGE), 0);
	CHECK_EQ(files_info(file).nr_pages, 0);
	rig_sound(&f.rig);
	quire_file_put(file);
	rig_end(&f.rig);
}

TEST_MAIN(CASE(truncate), CASE(errors), CASE(held), CASE(short_write), CASE(punch), CASE(sealed),
	  CASE(memfd), CASE(memory_tail))
