/* SPDX-License-Identifier: MIT */
/*
 * test_promise.c - what is promised for shared memory: once, to the file behind it, until that
 * ends; page by page to other files of memory
 *
 * The numbers are what Committed_AS of Linux 6.18 does for the same calls. Rules VMA-4 and CACHE-8.
 */
#include "space.h"

#include "cache/cache.h"

#define SHARED (QUIRE_MAP_SHARED | QUIRE_MAP_ANONYMOUS)
#define SHARED_AT (SHARED | QUIRE_MAP_FIXED)

static bool start(struct space *s)
{
	return space_start(s, QUIRE_X86_64, MB(64));
}

static void touch(struct space *s, uint64_t first, uint64_t nr)
{
	for (uint64_t n = first; n < first + nr; n++)
		space_put(s, n, 1);
}

/* Nobody else is promised anything, and the rules hold. */
static void committed_is(struct space *s, uint64_t nr_pages)
{
	CHECK_EQ(space_committed(s), nr_pages);
	space_sound(s);
}

TEST(shared_memory)
{
	struct quire_mm *child;
	struct space s;

	if (!start(&s))
		return;
	CHECK_EQ(map_at(&s, 0, 64, RW, SHARED_AT), 0);
	committed_is(&s, 64);
	touch(&s, 0, 16);
	committed_is(&s, 64);
	CHECK_EQ(quire_mm_fork(s.mm, &child), 0);
	committed_is(&s, 64);
	CHECK_EQ(advise_at(&s, 0, 8, QUIRE_MADV_REMOVE), 0);
	committed_is(&s, 64);
	CHECK_EQ(unmap_at(&s, 0, 32), 0);
	CHECK_EQ(protect_at(&s, 32, 16, QUIRE_PROT_NONE), 0);
	CHECK_EQ(protect_at(&s, 32, 16, RW), 0);
	committed_is(&s, 64);
	CHECK_EQ(remap_at(&s, 32, 32, 64, QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED, 100), 0);
	CHECK_EQ(remap_at(&s, 100, 0, 16, QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED, 200), 0);
	committed_is(&s, 64);
	CHECK_EQ(unmap_at(&s, 0, 200), 0);
	committed_is(&s, 64);
	/* The last area of it, in whatever process. */
	CHECK_EQ(unmap_at(&s, 200, 16), 0);
	committed_is(&s, 64);
	CHECK_EQ(quire_mm_destroy(child), 0);
	committed_is(&s, 0);
	space_end(&s);
}

TEST(rights_do_not_matter)
{
	struct space s;

	if (!start(&s))
		return;
	CHECK_EQ(map_at(&s, 0, 5, QUIRE_PROT_NONE, SHARED_AT), 0);
	CHECK_EQ(map_at(&s, 10, 7, QUIRE_PROT_READ, SHARED_AT), 0);
	committed_is(&s, 12);
	/* Another one in its place. */
	CHECK_EQ(map_at(&s, 0, 5, RW, SHARED_AT), 0);
	CHECK_EQ(map_at(&s, 10, 7, RW, FIXED), 0);
	committed_is(&s, 12);
	CHECK_EQ(unmap_at(&s, 0, 20), 0);
	committed_is(&s, 0);
	space_end(&s);
}

TEST(unreserved)
{
	struct space s;

	if (!start(&s))
		return;
	CHECK_EQ(map_at(&s, 0, 64, RW, SHARED_AT | QUIRE_MAP_NORESERVE), 0);
	committed_is(&s, 0);
	touch(&s, 0, 8);
	(void)space_get(&s, 20);
	committed_is(&s, 9);
	CHECK_EQ(advise_at(&s, 4, 8, QUIRE_MADV_REMOVE), 0);
	committed_is(&s, 5);
	CHECK_EQ(unmap_at(&s, 0, 64), 0);
	committed_is(&s, 0);
	space_end(&s);
}

TEST(memfd)
{
	struct quire_file *file;
	struct space s;

	if (!start(&s))
		return;
	CHECK_EQ(quire_memfd_create(s.q, "m", 0, &file), 0);
	CHECK_EQ(quire_file_truncate(file, 64 * PAGE), 0);
	CHECK_EQ(map_file(&s, 0, 64, RW, QUIRE_MAP_SHARED, file, 0), 0);
	committed_is(&s, 0);
	touch(&s, 0, 16);
	committed_is(&s, 16);
	CHECK_EQ(quire_file_allocate(file, 0, 16 * PAGE, 16 * PAGE), 0);
	committed_is(&s, 32);
	CHECK_EQ(quire_file_allocate(file, QUIRE_FALLOC_PUNCH_HOLE | QUIRE_FALLOC_KEEP_SIZE, 0,
				     16 * PAGE), 0);
	committed_is(&s, 16);
	(void)space_get(&s, 40);
	committed_is(&s, 17);
	CHECK_EQ(map_file(&s, 100, 64, RW, QUIRE_MAP_PRIVATE, file, 0), 0);
	committed_is(&s, 81);
	CHECK_EQ(unmap_at(&s, 100, 64), 0);
	CHECK_EQ(quire_file_truncate(file, 20 * PAGE), 0);
	committed_is(&s, 4);
	CHECK_EQ(unmap_at(&s, 0, 64), 0);
	committed_is(&s, 4);
	quire_file_put(file);
	committed_is(&s, 0);
	space_end(&s);
}

/* Files that were there before processes were. */
TEST(before_processes)
{
	struct quire_file *file;
	struct space s;

	if (!kernel_start(&s.rig, QUIRE_I386, MB(64)))
		return;
	s.q = s.rig.q;
	s.mm = NULL;
	CHECK_EQ(quire_cache_boot(s.q), 0);
	CHECK_EQ(quire_memfd_create(s.q, "m", 0, &file), 0);
	CHECK_EQ(quire_file_allocate(file, 0, 0, 3 * PAGE), 0);
	CHECK_EQ(quire_vm_boot(s.q), 0);
	committed_is(&s, 3);
	quire_file_put(file);
	committed_is(&s, 0);
	space_end(&s);
}

/* Mode 2: no more than the limit, whoever it is for. */
TEST(limit)
{
	struct quire_vm_sysctl sysctl;
	struct quire_file *file;
	struct space s;
	size_t done = 0;
	char byte = 1;

	if (!start(&s))
		return;
	CHECK_EQ(quire_vm_sysctl(s.q, &sysctl), 0);
	sysctl.overcommit_memory = QUIRE_OVERCOMMIT_NEVER;
	sysctl.overcommit_kbytes = 400;
	sysctl.admin_reserve_kbytes = sysctl.user_reserve_kbytes = 0;
	CHECK_EQ(quire_vm_set_sysctl(s.q, &sysctl), 0);
	CHECK_EQ(map_at(&s, 0, 100, RW, SHARED_AT), -QUIRE_ENOMEM);
	committed_is(&s, 0);
	CHECK_EQ(map_at(&s, 0, 96, RW, SHARED_AT), 0);
	CHECK_EQ(quire_memfd_create(s.q, "m", 0, &file), 0);
	CHECK_EQ(quire_file_truncate(file, 8 * PAGE), 0);
	CHECK_EQ(map_file(&s, 200, 8, RW, QUIRE_MAP_SHARED, file, 0), 0);
	touch(&s, 200, 3);
	committed_is(&s, 99);
	CHECK_EQ(quire_mm_fault(s.mm, at_page(204), QUIRE_PF_USER | QUIRE_PF_WRITE, NULL),
		 QUIRE_FAULT_SIGBUS);
	CHECK_EQ(quire_file_write(file, 5 * PAGE, &byte, 1, &done), -QUIRE_ENOSPC);
	CHECK_EQ(quire_file_allocate(file, 0, 0, 8 * PAGE), -QUIRE_ENOSPC);
	CHECK_EQ(map_at(&s, 300, 1, RW, FIXED), -QUIRE_ENOMEM);
	committed_is(&s, 99);
	CHECK_EQ(unmap_at(&s, 0, 96), 0);
	CHECK_EQ(quire_file_allocate(file, 0, 0, 8 * PAGE), 0);
	committed_is(&s, 8);
	quire_file_put(file);
	space_end(&s);
}

/* With one frame more each time: what fails has promised nothing. */
TEST(short_of_frames)
{
	enum { HELD = 4096 };
	static struct quire_page *held[HELD];
	uint64_t committed = 0;
	bool enough = false;

	for (size_t n = 0; n < 64 && !enough; n++) {
		struct quire_mm *child = NULL;
		struct quire_file *file;
		struct space s;
		size_t nr;

		if (!space_start(&s, QUIRE_X86_64, MB(16)))
			return;
		CHECK_EQ(quire_memfd_create(s.q, "m", 0, &file), 0);
		CHECK_EQ(map_at(&s, 0, 4, RW, SHARED_AT), 0);
		quire_set_min_free_kbytes(s.q, 1);
		nr = rig_fill(&s.rig, QUIRE_GFP_HIGHUSER | QUIRE_GFP_BIT_MEMALLOC, 0, held, HELD);
		for (size_t i = 0; i < n && nr; i++)
			quire_page_free(s.q, held[--nr], 0);
		enough = !map_at(&s, 10, 40, RW, SHARED_AT);
		committed_is(&s, committed = enough ? 44 : 4);
		enough = enough && !quire_file_allocate(file, 0, 0, 5 * PAGE);
		committed_is(&s, committed += enough ? 5 : 0);
		enough = enough && !quire_mm_fork(s.mm, &child);
		committed_is(&s, committed);
		rig_free_all(&s.rig, held, nr, 0);
		quire_file_put(file);
		CHECK_EQ(quire_mm_destroy(child), 0);
		space_end(&s);
	}
	CHECK(enough);
}

TEST(rules_are_checked)
{
	struct quire_violation found;
	struct space s;

	if (!start(&s))
		return;
	CHECK_EQ(map_at(&s, 0, 5, RW, SHARED_AT), 0);
	pagecache_of(s.q)->nr_promised++;
	CHECK(!quire_check(s.q, &found));
	CHECK_STR(found.rule, "CACHE-8");
	pagecache_of(s.q)->nr_promised--;
	space_end(&s);
}

TEST_MAIN(CASE(shared_memory), CASE(rights_do_not_matter), CASE(unreserved), CASE(memfd),
	  CASE(before_processes), CASE(limit), CASE(short_of_frames), CASE(rules_are_checked))
