/* SPDX-License-Identifier: MIT */
/*
 * test_mremap.c - areas that grow, shrink and move; the answers are those of Linux 6.18 to the same
 * calls
 */
#include "space.h"

#define MOVE QUIRE_MREMAP_MAYMOVE
#define TO (QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED)
#define STAY QUIRE_MREMAP_DONTUNMAP

static void clear(struct space *s)
{
	CHECK_EQ(unmap_at(s, 0, 1000), 0);
	CHECK_STR(space_areas(s), "");
	CHECK_EQ(space_committed(s), 0);
	space_sound(s);
}

TEST(errors)
{
	struct space s;
	quire_virt_t out;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 4, RW, FIXED), 0);
	CHECK_EQ(map_at(&s, 5, 4, RW, FIXED), 0);
	CHECK_EQ(remap_at(&s, 1, 0, 2, MOVE, 0), -QUIRE_EINVAL); /* private, from no bytes */
	CHECK_EQ(remap_at(&s, 1, 2, 0, MOVE, 0), -QUIRE_EINVAL);
	CHECK_EQ(remap_at(&s, 1, 2, 1ull << 35, MOVE, 0), -QUIRE_EINVAL);
	CHECK_EQ(remap_at(&s, 1, 2, (1ull << 35) - 1, MOVE, 0), -QUIRE_ENOMEM);
	CHECK_EQ(remap_at(&s, 20, 1, 1, 0, 0), -QUIRE_EFAULT);
	CHECK_EQ(remap_at(&s, 1, 1, 1, 8, 0), -QUIRE_EINVAL);
	CHECK_EQ(remap_at(&s, 1, 1, 1, QUIRE_MREMAP_FIXED, 20), -QUIRE_EINVAL);
	CHECK_EQ(remap_at(&s, 1, 2, 3, TO, 2), -QUIRE_EINVAL); /* they overlap */
	CHECK_EQ(remap_at(&s, 1, 2, 3, MOVE | STAY, 20), -QUIRE_EINVAL);
	CHECK_EQ(remap_at(&s, 1, 2, 2, STAY, 20), -QUIRE_EINVAL);
	CHECK_EQ(remap_at(&s, 0, 8, 9, MOVE, 0), -QUIRE_EFAULT); /* two areas and a hole */
	CHECK_EQ(remap_at(&s, 0, 8, 7, TO, 100), -QUIRE_EFAULT);
	CHECK_EQ(remap_at(&s, 0, 4, 6, 0, 0), -QUIRE_ENOMEM);
	CHECK_EQ(remap_at(&s, 0, 3, 4, 0, 0), -QUIRE_ENOMEM);
	const struct quire_mremap odd[] = {
		{ virt_of(BASE + 1), PAGE, PAGE, MOVE, at_page(0) },
		{ at_page(0), PAGE, PAGE, TO, virt_of(BASE + 100 * PAGE + 1) },
		{ at_page(0), PAGE, PAGE, TO, virt_of(0x7ffffffff000) },
		{ at_page(0), PAGE, UINT64_MAX, MOVE, at_page(0) },
	};

	for (size_t i = 0; i < 4; i++)
		CHECK_EQ(quire_mremap(s.mm, &odd[i], &out), -QUIRE_EINVAL);
	const struct quire_mremap low = { at_page(0), PAGE, PAGE, TO, virt_of(0x1000) };

	CHECK_EQ(quire_mremap(s.mm, &low, &out), -QUIRE_EPERM);
	CHECK_STR(space_areas(&s), "0-4 rw-p 5-9 rw-p");
	/* The same size: nothing is looked at but the first page. */
	CHECK_EQ(remap_at(&s, 0, 8, 8, 0, 0), 0);
	CHECK_EQ(remap_at(&s, 0, 8, 2, 0, 0), 0);
	CHECK_STR(space_areas(&s), "0-2 rw-p 8-9 rw-p");
	clear(&s);
	space_end(&s);
}

TEST(grow)
{
	struct space s;
	quire_virt_t out;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 4, RW, FIXED), 0);
	CHECK_EQ(map_at(&s, 6, 4, RW, FIXED), 0);
	space_put(&s, 3, 33);
	/* It may become one with what follows. */
	CHECK_EQ(remap_at(&s, 2, 2, 4, 0, 0), 0);
	CHECK_STR(space_areas(&s), "0-10 rw-p");
	CHECK_EQ(space_committed(&s), 10);
	CHECK_EQ(map_at(&s, 10, 1, QUIRE_PROT_READ, FIXED), 0);
	const struct quire_mremap args = { at_page(2), 8 * PAGE, 20 * PAGE, MOVE, { 0 } };

	CHECK_EQ(quire_mremap(s.mm, &args, &out), 0);
	CHECK(out.v > BASE + 100 * PAGE);
	uint32_t value = 0;

	CHECK_EQ(quire_copy_from_user(s.mm, &value, virt_of(out.v + PAGE), 4), 0);
	CHECK_EQ(value, 33);
	CHECK_EQ(space_committed(&s), 22);
	CHECK_EQ(quire_munmap(s.mm, out, 20 * PAGE), 0);
	CHECK_EQ(quire_mm_set_rlimit(s.mm, QUIRE_RLIMIT_AS, 4 * PAGE), 0);
	CHECK_EQ(remap_at(&s, 0, 2, 4, MOVE, 0), -QUIRE_ENOMEM);
	CHECK_EQ(quire_mm_set_rlimit(s.mm, QUIRE_RLIMIT_AS, 9 * PAGE), 0);
	CHECK_EQ(remap_at(&s, 0, 2, 4, 0, 0), 0);
	CHECK_EQ(quire_mm_set_rlimit(s.mm, QUIRE_RLIMIT_MEMLOCK, 4 * PAGE), 0);
	CHECK_EQ(quire_mlock(s.mm, at_page(0), 4 * PAGE, 0), 0);
	CHECK_EQ(remap_at(&s, 0, 4, 5, MOVE, 0), -QUIRE_EAGAIN);
	CHECK_STR(space_areas(&s), "0-4 rw-p 10-11 r--p");
	clear(&s);
	space_end(&s);
}

TEST(move)
{
	struct space s;

	if (!space_start(&s, QUIRE_I386_PAE, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 4, RW, FIXED), 0);
	for (uint32_t n = 0; n < 4; n++)
		space_put(&s, n, 10 + n);
	CHECK_EQ(map_at(&s, 102, 4, QUIRE_PROT_READ, FIXED), 0);
	CHECK_EQ(remap_at(&s, 1, 2, 2, TO, 103), 0);
	CHECK_STR(space_areas(&s), "0-1 rw-p 3-4 rw-p 102-103 r--p 103-105 rw-p 105-106 r--p");
	CHECK_EQ(space_get(&s, 103), 11);
	CHECK_EQ(space_get(&s, 104), 12);
	CHECK_EQ(space_get(&s, 3), 13);
	/* Back to where it was, it is one again. */
	CHECK_EQ(remap_at(&s, 103, 2, 2, TO, 1), 0);
	CHECK_STR(space_areas(&s), "0-4 rw-p 102-103 r--p 105-106 r--p");
	CHECK_EQ(space_get(&s, 2), 12);
	/* Smaller, larger. */
	CHECK_EQ(remap_at(&s, 0, 4, 2, TO, 20), 0);
	CHECK_STR(space_areas(&s), "20-22 rw-p 102-103 r--p 105-106 r--p");
	CHECK_EQ(remap_at(&s, 20, 2, 6, TO, 101), 0);
	CHECK_STR(space_areas(&s), "101-107 rw-p");
	CHECK_EQ(space_get(&s, 102), 11);
	CHECK_EQ(space_get(&s, 106), 0);
	/* The old area stays, empty. */
	CHECK_EQ(remap_at(&s, 101, 6, 6, TO | STAY, 50), 0);
	CHECK_STR(space_areas(&s), "50-56 rw-p 101-107 rw-p");
	CHECK_EQ(space_get(&s, 51), 11);
	CHECK_EQ(space_get(&s, 102), 0);
	CHECK_EQ(space_committed(&s), 12);
	CHECK_EQ(remap_at(&s, 50, 2, 2, MOVE | STAY, 80), 0);
	CHECK_STR(space_areas(&s), "50-56 rw-p 80-82 rw-p 101-107 rw-p");
	CHECK_EQ(space_get(&s, 81), 11);
	clear(&s);
	space_end(&s);
}

/* With the size unchanged all areas of the range move. */
TEST(move_several)
{
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 4, RW, FIXED), 0);
	CHECK_EQ(map_at(&s, 5, 4, RW, FIXED), 0);
	CHECK_EQ(map_at(&s, 100, 20, QUIRE_PROT_READ, FIXED), 0);
	space_put(&s, 7, 77);
	CHECK_EQ(remap_at(&s, 0, 9, 9, TO, 102), 0);
	CHECK_STR(space_areas(&s),
		  "100-102 r--p 102-106 rw-p 106-107 r--p 107-111 rw-p 111-120 r--p");
	CHECK_EQ(space_get(&s, 109), 77);
	CHECK_EQ(remap_at(&s, 99, 3, 3, TO, 0), -QUIRE_EFAULT);
	CHECK_EQ(remap_at(&s, 101, 5, 5, TO | STAY, 0), 0);
	CHECK_STR(space_areas(&s), "0-1 r--p 1-5 rw-p 100-102 r--p 102-106 rw-p 106-107 r--p "
				   "107-111 rw-p 111-120 r--p");
	CHECK_EQ(quire_mseal(s.mm, at_page(106), PAGE, 0), 0);
	CHECK_EQ(remap_at(&s, 104, 3, 3, TO, 0), -QUIRE_EPERM);
	CHECK_EQ(remap_at(&s, 0, 3, 3, TO, 105), -QUIRE_EPERM);
	space_end(&s);
}

/* Locked areas stay locked where they go, and what is left is not. */
TEST(locked)
{
	struct quire_vma_info info;
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 4, RW, FIXED | QUIRE_MAP_LOCKED), 0);
	CHECK_EQ(space_stat(&s).rss_anon, 4);
	CHECK_EQ(remap_at(&s, 1, 1, 3, TO, 100), 0);
	CHECK_EQ(space_stat(&s).locked_vm, 6);
	CHECK_EQ(space_stat(&s).rss_anon, 6);
	CHECK_EQ(remap_at(&s, 100, 3, 3, TO | STAY, 200), 0);
	CHECK_EQ(space_stat(&s).locked_vm, 6);
	CHECK(quire_mm_next_vma(s.mm, at_page(100), &info) && !(info.flags & QUIRE_VM_LOCKED));
	CHECK(quire_mm_next_vma(s.mm, at_page(200), &info) && info.flags & QUIRE_VM_LOCKED);
	CHECK_EQ(remap_at(&s, 2, 2, 5, 0, 0), 0);
	CHECK_EQ(space_stat(&s).locked_vm, 9);
	CHECK_EQ(space_stat(&s).rss_anon, 9);
	clear(&s);
	CHECK_EQ(space_stat(&s).rss_anon, 0);
	space_end(&s);
}

TEST(files)
{
	struct space s;

	if (!space_start(&s, QUIRE_I386, MB(64)))
		return;
	struct quire_file *file = space_file(&s, NULL, 16);

	CHECK_EQ(map_file(&s, 0, 4, RW, QUIRE_MAP_SHARED, file, 0), 0);
	space_put(&s, 1, 11);
	/* From no bytes: another mapping of the same. */
	CHECK_EQ(remap_at(&s, 1, 0, 2, TO, 10), 0);
	CHECK_STR(space_areas(&s), "0-4 rw-s@0 10-12 rw-s@1");
	CHECK_EQ(space_get(&s, 10), 11);
	space_put(&s, 10, 12);
	CHECK_EQ(space_get(&s, 1), 12);
	CHECK_EQ(remap_at(&s, 1, 0, 2, 0, 0), -QUIRE_ENOMEM);
	CHECK_EQ(remap_at(&s, 0, 4, 2, TO, 20), 0);
	CHECK_STR(space_areas(&s), "10-12 rw-s@1 20-22 rw-s@0");
	CHECK_EQ(space_get(&s, 21), 12);
	CHECK_EQ(map_file(&s, 30, 2, RW, QUIRE_MAP_PRIVATE, file, 1), 0);
	space_put(&s, 30, 99);
	CHECK_EQ(remap_at(&s, 30, 2, 4, TO, 40), 0);
	CHECK_STR(space_areas(&s), "10-12 rw-s@1 20-22 rw-s@0 40-44 rw-p@1");
	CHECK_EQ(space_get(&s, 40), 99);
	CHECK_EQ(space_get(&s, 21), 12);
	quire_file_put(file);
	clear(&s);
	space_end(&s);
}

/* Down by every distance: page tables of the old place go while the new one still needs some. */
TEST(down_by_less_than_a_table)
{
	struct space s;

	EACH_MACHINE(m)
	{
		if (!space_start(&s, all_machines[m], MB(64)))
			return;
		for (uint64_t by = 512; by < 1600; by += 64) {
			CHECK_EQ(map_at(&s, 1600, 512, RW, FIXED), 0);
			space_put(&s, 1600, 1);
			space_put(&s, 1600 + 256, 2);
			space_put(&s, 1600 + 511, 3);
			CHECK_EQ(remap_at(&s, 1600, 512, 512, TO, 1600 - by), 0);
			CHECK_EQ(space_get(&s, 1600 - by), 1);
			CHECK_EQ(space_get(&s, 1600 - by + 256), 2);
			CHECK_EQ(space_get(&s, 1600 - by + 511), 3);
			CHECK_EQ(quire_munmap(s.mm, at_page(0), 2200 * PAGE), 0);
		}
		space_end(&s);
	}
}

TEST_MAIN(CASE(errors), CASE(grow), CASE(move), CASE(move_several), CASE(locked), CASE(files),
	  CASE(down_by_less_than_a_table))
