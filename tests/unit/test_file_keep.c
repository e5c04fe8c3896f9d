/* SPDX-License-Identifier: MIT */
/*
 * test_file_keep.c - pages that fallocate gives a file of memory before anybody uses them, also
 * behind its end
 *
 * A row of calls and what Linux 6.18 answers to each: size, blocks, mincore. Rule CACHE-2.
 */
#include "space.h"

#include "cache/inode.h"

#define NR 16u
#define KEEP QUIRE_FALLOC_KEEP_SIZE
#define PUNCH (QUIRE_FALLOC_PUNCH_HOLE | KEEP)

struct kept {
	struct space s;
	struct quire_file *file;
};

static bool start(struct kept *k)
{
	if (!space_start(&k->s, QUIRE_X86_64, MB(64)))
		return false;
	CHECK_EQ(quire_memfd_create(k->s.q, "k", QUIRE_MFD_ALLOW_SEALING, &k->file), 0);
	CHECK_EQ(map_file(&k->s, 0, NR, RW, QUIRE_MAP_SHARED, k->file, 0), 0);
	return true;
}

static void end(struct kept *k)
{
	quire_file_put(k->file);
	space_end(&k->s);
}

/* Size in bytes, pages, and which of the mapping's are in memory. */
static void is(struct kept *k, uint64_t bytes, uint64_t nr_pages, const char *core)
{
	struct quire_inode_info info;
	unsigned char vec[NR];
	char text[NR + 1] = { 0 };

	quire_inode_info(quire_file_inode(k->file), &info);
	CHECK_EQ(info.bytes, bytes);
	CHECK_EQ(info.nr_pages, nr_pages);
	CHECK_EQ(space_committed(&k->s), nr_pages);
	CHECK_EQ(quire_mincore(k->s.mm, at_page(0), NR * PAGE, vec), 0);
	for (unsigned i = 0; i < NR; i++)
		text[i] = vec[i] & 1 ? '#' : '.';
	CHECK_STR(text, core);
	space_sound(&k->s);
}

static int allocate(struct kept *k, unsigned mode, uint64_t first, uint64_t nr)
{
	return quire_file_allocate(k->file, mode, first * PAGE, nr * PAGE);
}

static int resize(struct kept *k, uint64_t bytes)
{
	return quire_file_truncate(k->file, bytes);
}

static enum quire_fault touch(struct kept *k, uint64_t n, bool write)
{
	return quire_mm_fault(k->s.mm, at_page(n), QUIRE_PF_USER | (write ? QUIRE_PF_WRITE : 0),
			      NULL);
}

TEST(as_linux)
{
	struct kept k;
	size_t done = 0;
	char byte = 'a';

	if (!start(&k))
		return;
	CHECK_EQ(resize(&k, 4 * PAGE), 0);
	CHECK_EQ(allocate(&k, KEEP, 2, 8), 0);
	is(&k, 4 * PAGE, 8, "................");
	CHECK_EQ(touch(&k, 3, false), QUIRE_FAULT_DONE);
	CHECK_EQ(touch(&k, 5, false), QUIRE_FAULT_SIGBUS);
	CHECK_EQ(touch(&k, 5, true), QUIRE_FAULT_SIGBUS);
	is(&k, 4 * PAGE, 8, "...#............");
	CHECK_EQ(quire_file_write(k.file, 6 * PAGE + 5, &byte, 1, &done), 0);
	is(&k, 6 * PAGE + 6, 8, "...#..#.........");
	CHECK_EQ(touch(&k, 5, false), QUIRE_FAULT_DONE);
	CHECK_EQ(touch(&k, 8, false), QUIRE_FAULT_SIGBUS);
	is(&k, 6 * PAGE + 6, 8, "...#.##.........");
	CHECK_EQ(resize(&k, 7 * PAGE), 0);
	is(&k, 7 * PAGE, 8, "...#.##.........");
	/* The size that it has: nothing stays behind it. */
	CHECK_EQ(resize(&k, 7 * PAGE), 0);
	is(&k, 7 * PAGE, 5, "...#.##.........");
	CHECK_EQ(allocate(&k, KEEP, 9, 4), 0);
	is(&k, 7 * PAGE, 9, "...#.##.........");
	CHECK_EQ(quire_file_allocate(k.file, PUNCH, 10 * PAGE, PAGE + 100), 0);
	is(&k, 7 * PAGE, 8, "...#.##.........");
	CHECK_EQ(resize(&k, 16 * PAGE), 0);
	CHECK_EQ(touch(&k, 9, true), QUIRE_FAULT_DONE);
	CHECK_EQ(touch(&k, 12, false), QUIRE_FAULT_DONE);
	is(&k, 16 * PAGE, 8, "...#.##..#..#...");
	CHECK_EQ(resize(&k, PAGE), 0);
	is(&k, PAGE, 0, "................");
	end(&k);
}

TEST(sealed)
{
	struct kept k;

	if (!start(&k))
		return;
	CHECK_EQ(resize(&k, PAGE), 0);
	CHECK_EQ(allocate(&k, KEEP, 8, 4), 0);
	is(&k, PAGE, 4, "................");
	CHECK_EQ(resize(&k, 100), 0);
	is(&k, 100, 0, "................");
	CHECK_EQ(allocate(&k, KEEP, 8, 4), 0);
	/* Allocated once more: as if it were used. */
	CHECK_EQ(allocate(&k, 0, 9, 1), 0);
	is(&k, 10 * PAGE, 4, ".........#......");
	CHECK_EQ(quire_file_seal(k.file, QUIRE_SEAL_GROW), 0);
	CHECK_EQ(allocate(&k, KEEP, 10, 1), -QUIRE_EPERM);
	CHECK_EQ(allocate(&k, KEEP, 8, 1), 0);
	CHECK_EQ(quire_file_seal(k.file, QUIRE_SEAL_SHRINK), 0);
	CHECK_EQ(resize(&k, 9 * PAGE), -QUIRE_EPERM);
	is(&k, 10 * PAGE, 4, "........##......");
	CHECK_EQ(resize(&k, 10 * PAGE), 0);
	is(&k, 10 * PAGE, 2, "........##......");
	end(&k);
}

/* Bytes behind the end, written through a mapping, go when the size is set again. */
TEST(tail)
{
	unsigned char byte = 7, back = 0;
	quire_virt_t at = { at_page(0).v + 200 };
	struct kept k;

	if (!start(&k))
		return;
	CHECK_EQ(resize(&k, 100), 0);
	CHECK_EQ(quire_copy_to_user(k.s.mm, at, &byte, 1), 0);
	CHECK_EQ(resize(&k, 100), 0);
	CHECK_EQ(quire_copy_from_user(k.s.mm, &back, at, 1), 0);
	CHECK_EQ(back, 0);
	CHECK_EQ(quire_copy_to_user(k.s.mm, at, &byte, 1), 0);
	CHECK_EQ(resize(&k, PAGE), 0);
	CHECK_EQ(quire_copy_from_user(k.s.mm, &back, at, 1), 0);
	CHECK_EQ(back, 7);
	end(&k);
}

/* Pages behind the end go with the last one who has the file: here a child of the process. */
TEST(exit_gives_back)
{
	struct quire_mm *child;
	struct quire_pagecache_stat stat;
	struct kept k;

	if (!start(&k))
		return;
	CHECK_EQ(resize(&k, 2 * PAGE), 0);
	CHECK_EQ(quire_mm_fork(k.s.mm, &child), 0);
	CHECK_EQ(allocate(&k, KEEP, 1, 15), 0);
	is(&k, 2 * PAGE, 15, "................");
	quire_file_put(k.file);
	CHECK_EQ(unmap_at(&k.s, 0, NR), 0);
	CHECK_EQ(space_committed(&k.s), 15);
	CHECK_EQ(quire_mm_destroy(child), 0);
	CHECK_EQ(space_committed(&k.s), 0);
	CHECK_EQ(quire_pagecache_stat(k.s.q, &stat), 0);
	CHECK_EQ(stat.nr_memory, 0);
	k.file = NULL;
	space_end(&k.s);
}

/* What can't be had in full leaves what earlier calls allocated. */
TEST(short_of_frames)
{
	enum { HELD = 4096 };
	static struct quire_page *held[HELD];
	struct kept k;
	int error = -1;
	size_t nr;

	for (size_t n = 0; n < 64 && error; n++) {
		if (!space_start(&k.s, QUIRE_X86_64, MB(16)))
			return;
		CHECK_EQ(quire_memfd_create(k.s.q, "k", 0, &k.file), 0);
		CHECK_EQ(allocate(&k, KEEP, 3, 2), 0);
		quire_set_min_free_kbytes(k.s.q, 1);
		nr = rig_fill(&k.s.rig, QUIRE_GFP_HIGHUSER | QUIRE_GFP_BIT_MEMALLOC, 0, held, HELD);
		for (size_t i = 0; i < n; i++)
			quire_page_free(k.s.q, held[--nr], 0);
		error = allocate(&k, KEEP, 0, 30);
		CHECK(!error || error == -QUIRE_ENOMEM);
		space_sound(&k.s);
		CHECK_EQ(space_committed(&k.s), error ? 2 : 30);
		rig_free_all(&k.s.rig, held, nr, 0);
		end(&k);
	}
	CHECK_EQ(error, 0);
}

TEST_MAIN(CASE(as_linux), CASE(sealed), CASE(tail), CASE(exit_gives_back), CASE(short_of_frames))
