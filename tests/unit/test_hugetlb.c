/* SPDX-License-Identifier: MIT */
/*
 * test_hugetlb.c - the pool of huge pages, MAP_HUGETLB
 *
 * Counts and errors are those of Linux 6.18, which was asked the same.
 */
#include "hugetlb.h"

/* ---- The pool --------------------------------------------------------------------- */

TEST(pool)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_vm_sysctl sysctl;
		uint64_t before = rig_free(&rig), huge = huge_bytes(&rig) / PAGE;

		CHECK_POOL(&rig, "0 0 0 0");
		huge_set(&rig, 8, 0);
		CHECK_POOL(&rig, "8 8 0 0");
		CHECK_EQ(rig_free(&rig), before - 8 * huge);
		huge_set(&rig, 3, 0);
		CHECK_POOL(&rig, "3 3 0 0");
		/* As many as can be had; what is read is what there is. */
		huge_set(&rig, 1000, 0);
		CHECK_EQ(quire_vm_sysctl(rig.q, &sysctl), 0);
		CHECK(sysctl.nr_hugepages > 10 && sysctl.nr_hugepages < 64);
		rig_sound(&rig);
		huge_set(&rig, 0, 0);
		CHECK_POOL(&rig, "0 0 0 0");
		CHECK_EQ(rig_free(&rig), before);
	}
}

/* Nobody else frees what the pool has. */
TEST(owned)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig);
		int64_t at;
		struct quire_page *page;

		huge_set(&rig, 2, 0);
		at = huge_map(&rig, mm, 0, 1, MAP_HUGE);
		CHECK_EQ(process_write(mm, (uint64_t)at, 1), 0);
		page = quire_pfn_page(rig.q, quire_pfn(process_pfn(mm, (uint64_t)at)));
		CHECK_EQ(quire_page_free(rig.q, page, quire_page_order(page)), QUIRE_FREE_OWNED);
		CHECK_EQ(rig_frame(&rig, rig_pfn(&rig, page) + 1).owner, QUIRE_OWNER_HUGETLB);
		CHECK_STR(quire_owner_name(QUIRE_OWNER_HUGETLB), "huge page");
		rig_sound(&rig);
		process_end(&rig, mm);
		CHECK_POOL(&rig, "2 2 0 0");
	}
}

TEST(surplus)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig);
		uint64_t huge = huge_bytes(&rig), at;

		huge_set(&rig, 8, 4);
		CHECK_EQ(huge_map(&rig, mm, 0, 13, MAP_HUGE), -QUIRE_ENOMEM);
		CHECK_POOL(&rig, "8 8 0 0");
		at = (uint64_t)huge_map(&rig, mm, HUGE_AT, 10, MAP_HUGE);
		CHECK_POOL(&rig, "10 10 10 2");
		for (unsigned i = 0; i < 10; i++)
			CHECK_EQ(process_write(mm, at + i * huge, i), 0);
		CHECK_POOL(&rig, "10 0 0 2");
		huge_set(&rig, 2, 4);
		CHECK_POOL(&rig, "10 0 0 8");
		CHECK_EQ(huge_advise(mm, at, 2 * huge, QUIRE_MADV_DONTNEED), 0);
		CHECK_POOL(&rig, "8 0 0 6");
		CHECK_EQ(huge_unmap(mm, at + 2 * huge, 3 * huge), 0);
		CHECK_POOL(&rig, "5 0 0 3");
		CHECK_EQ(huge_unmap(mm, at, 10 * huge), 0);
		CHECK_POOL(&rig, "2 2 0 0");
		/* Without a promise: surplus at the touch; a larger pool keeps it. */
		at = (uint64_t)huge_map(&rig, mm, HUGE_AT, 4, MAP_HUGE | QUIRE_MAP_NORESERVE);
		for (unsigned i = 0; i < 4; i++)
			CHECK_EQ(process_write(mm, at + i * huge, i), 0);
		CHECK_POOL(&rig, "4 0 0 2");
		huge_set(&rig, 5, 4);
		CHECK_POOL(&rig, "5 1 0 0");
		CHECK_EQ(huge_unmap(mm, at, 4 * huge), 0);
		CHECK_POOL(&rig, "5 5 0 0");
		/* What is promised stays when the pool goes. */
		huge_set(&rig, 2, 4);
		at = (uint64_t)huge_map(&rig, mm, HUGE_AT, 4, MAP_HUGE);
		CHECK_POOL(&rig, "4 4 4 2");
		huge_set(&rig, 0, 4);
		CHECK_POOL(&rig, "4 4 4 4");
		CHECK_EQ(huge_unmap(mm, at, 4 * huge), 0);
		CHECK_POOL(&rig, "0 0 0 0");
		huge_set(&rig, 4, 0);
		at = (uint64_t)huge_map(&rig, mm, HUGE_AT, 3, MAP_HUGE);
		huge_set(&rig, 0, 0);
		CHECK_POOL(&rig, "3 3 3 3");
		CHECK_EQ(process_write(mm, at, 1), 0);
		huge_set(&rig, 1, 0);
		CHECK_POOL(&rig, "3 2 2 2");
		CHECK_EQ(huge_unmap(mm, at, huge), 0);
		CHECK_POOL(&rig, "2 2 2 1");
		CHECK_EQ(huge_unmap(mm, at, 3 * huge), 0);
		CHECK_POOL(&rig, "1 1 0 0");
		process_end(&rig, mm);
	}
}

/* ---- mmap --------------------------------------------------------------------------- */

static int64_t map_args(struct quire_mm *mm, uint64_t at, uint64_t bytes, unsigned flags,
			uint64_t offset)
{
	struct quire_mmap args = {
		.address = { at },
		.bytes = bytes,
		.prot = PROT_RW,
		.flags = flags,
		.offset = offset,
	};
	quire_virt_t out = { 0 };
	int error = quire_mmap(mm, &args, &out);

	return error ? error : (int64_t)out.v;
}

TEST(arguments)
{
	const unsigned huge_1g = 30u << 26, huge_1m = 20u << 26, nr = QUIRE_MAP_NORESERVE;
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig);
		uint64_t huge = huge_bytes(&rig), at = HUGE_AT;
		unsigned size = (huge == MB(4) ? 22u : 21u) << 26;
		bool wide = quire_config(rig.q)->machine >= QUIRE_X86_64;
		int64_t out;

		/* An empty pool promises nothing. */
		CHECK_EQ(map_args(mm, 0, huge, MAP_HUGE, 0), -QUIRE_ENOMEM);
		CHECK(map_args(mm, 0, huge, MAP_HUGE | nr, 0) > 0);
		huge_set(&rig, 8, 0);
		out = map_args(mm, 0, 1, MAP_HUGE, 0);
		CHECK(out > 0 && !((uint64_t)out & (huge - 1)));
		CHECK_STR(huge_areas(&rig, mm, (uint64_t)out), "0-1 rw-p 1-2 rw-p");
		CHECK_POOL(&rig, "8 8 1 0");
		CHECK_EQ(map_args(mm, 0, 0, MAP_HUGE, 0), -QUIRE_EINVAL);
		CHECK_EQ(map_args(mm, 0, UINT64_MAX, MAP_HUGE, 0), -QUIRE_EINVAL);
		CHECK_EQ(map_args(mm, 0, 1ull << 47, MAP_HUGE | nr, 0), -QUIRE_ENOMEM);
		CHECK_EQ(map_args(mm, 0, 9 * huge, MAP_HUGE, 0), -QUIRE_ENOMEM);
		/* A hint is rounded up, an address has to fit. */
		CHECK_EQ(map_args(mm, at + PAGE, huge, MAP_HUGE | nr, 0), (int64_t)(at + huge));
		CHECK_EQ(map_args(mm, at + PAGE, huge, MAP_HUGE | QUIRE_MAP_FIXED, 0),
			 -QUIRE_EINVAL);
		CHECK_EQ(map_args(mm, at, huge, MAP_HUGE | nr | QUIRE_MAP_FIXED, 0), (int64_t)at);
		CHECK_EQ(map_args(mm, at + huge, huge,
				  MAP_HUGE | nr | QUIRE_MAP_FIXED_NOREPLACE, 0),
			 -QUIRE_EEXIST);
		CHECK_EQ(map_args(mm, at + 3 * huge + 0x800, huge, MAP_HUGE | nr, 0),
			 (int64_t)(at + 3 * huge));
		CHECK_EQ(map_args(mm, 0, huge, MAP_HUGE | nr, PAGE), -QUIRE_EINVAL);
		CHECK(map_args(mm, 0, huge, MAP_HUGE | nr, huge) > 0);
		CHECK_EQ(map_args(mm, 0, huge, MAP_HUGE | nr | QUIRE_MAP_GROWSDOWN, 0),
			 -QUIRE_EINVAL);
		CHECK_EQ(map_args(mm, 0, huge, MAP_HUGE | huge_1g, 0),
			 wide ? -QUIRE_ENOMEM : -QUIRE_EINVAL);
		CHECK(map_args(mm, 0, huge, MAP_HUGE | size | nr, 0) > 0);
		CHECK_EQ(map_args(mm, 0, huge, MAP_HUGE | huge_1m, 0), -QUIRE_EINVAL);
		CHECK_EQ(map_args(mm, 0, huge, QUIRE_MAP_ANONYMOUS | QUIRE_MAP_HUGETLB, 0),
			 -QUIRE_EINVAL);
		CHECK_EQ(map_args(mm, 0, huge, QUIRE_MAP_PRIVATE | QUIRE_MAP_HUGETLB, 0),
			 -QUIRE_EBADF);
		CHECK(map_args(mm, 0, huge, MAP_HUGE_SHARED | QUIRE_MAP_SHARED_VALIDATE, 0) > 0);
		CHECK_POOL(&rig, "8 8 2 0");
		/* Neither promised nor locked, but counted as mapped. */
		CHECK(process_stat(mm).data_vm >= huge / PAGE);
		CHECK_EQ(process_stat(mm).rss_anon + process_stat(mm).rss_shmem, 0);
		process_end(&rig, mm);
		CHECK_POOL(&rig, "8 8 0 0");
	}
}

/* A file of 4 KB pages can't be mapped by huge ones. */
TEST(other_files)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig);
		struct quire_file *file = NULL;

		CHECK_EQ(quire_memfd_create(rig.q, "x", 0, &file), 0);
		CHECK_EQ(huge_map_file(&rig, mm, file, 1, QUIRE_MAP_SHARED | QUIRE_MAP_HUGETLB),
			 -QUIRE_EINVAL);
		quire_file_put(file);
		process_end(&rig, mm);
	}
}

/* Placed highest first, in gaps that are wide enough wherever they begin. */
TEST(placed)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig);
		const unsigned nr = MAP_HUGE | QUIRE_MAP_NORESERVE;
		uint64_t huge = huge_bytes(&rig), at[3];

		/* Three beside each other, of which the one in the middle goes. */
		for (unsigned i = 0; i < 3; i++) {
			CHECK(map_args(mm, 0, PAGE, MAP_ANON, 0) > 0);
			at[i] = (uint64_t)map_args(mm, 0, huge, nr, 0);
			CHECK_EQ(at[i] & (huge - 1), 0);
			CHECK(!i || at[i] < at[i - 1]);
		}
		CHECK_EQ(huge_unmap(mm, at[1], huge), 0);
		/* As in Linux the place itself is too narrow, but for who names it. */
		CHECK(map_args(mm, 0, huge, nr, 0) < (int64_t)at[2]);
		CHECK_EQ(map_args(mm, at[1], huge, nr, 0), (int64_t)at[1]);
		rig_sound(&rig);
		process_end(&rig, mm);
	}
}

/* ---- Private areas -------------------------------------------------------------------- */

TEST(private_area)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig);
		uint64_t huge = huge_bytes(&rig), at, pfn, committed;
		struct quire_vm_stat stat;
		struct quire_mapping map;

		huge_set(&rig, 8, 0);
		CHECK_EQ(quire_vm_stat(rig.q, &stat), 0);
		committed = stat.committed;
		at = (uint64_t)huge_map(&rig, mm, HUGE_AT, 4, MAP_HUGE);
		CHECK_POOL(&rig, "8 8 4 0");
		CHECK_EQ(quire_vm_stat(rig.q, &stat), 0);
		CHECK_EQ(stat.committed, committed);
		/* A read is answered with a page of its own, too. */
		CHECK_EQ(process_read(mm, at + huge - 8), 0);
		CHECK_POOL(&rig, "8 7 3 0");
		CHECK_EQ(process_write(mm, at + huge + 0x12340, 7), 0);
		CHECK_POOL(&rig, "8 6 2 0");
		CHECK_EQ(process_stat(mm).faults[QUIRE_FAULT_KIND_FRESH], 2);
		CHECK_EQ(quire_table_query(quire_mm_table(mm), (quire_virt_t){ at + huge + 5 },
					   &map),
			 0);
		CHECK_EQ((uint64_t)PAGE << map.order, huge);
		/* What was read first is written in place. */
		pfn = process_pfn(mm, at);
		CHECK_EQ(process_write(mm, at + 8, 5), 0);
		CHECK_EQ(process_pfn(mm, at), pfn);
		CHECK_EQ(process_stat(mm).faults[QUIRE_FAULT_KIND_LAST], 1);
		CHECK_EQ(process_read(mm, at + huge + 0x12340), 7);
		CHECK_EQ(process_stat(mm).rss_anon + process_stat(mm).rss_shmem, 0);
		CHECK_EQ(process_stat(mm).locked_vm, 0);
		process_end(&rig, mm);
		CHECK_POOL(&rig, "8 8 0 0");
	}
}

TEST(borders)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig);
		uint64_t huge = huge_bytes(&rig), at, value = 0;
		quire_virt_t v;

		huge_set(&rig, 8, 0);
		at = (uint64_t)huge_map(&rig, mm, HUGE_AT, 4, MAP_HUGE);
		v = (quire_virt_t){ at };
		CHECK_EQ(process_write(mm, at + huge, 7), 0);
		CHECK_EQ(huge_unmap(mm, at, PAGE), -QUIRE_EINVAL);
		CHECK_EQ(huge_unmap(mm, at + PAGE, huge), -QUIRE_EINVAL);
		CHECK_EQ(huge_unmap(mm, at + huge, PAGE), -QUIRE_EINVAL);
		CHECK_EQ(quire_mprotect(mm, v, PAGE, QUIRE_PROT_READ), -QUIRE_EINVAL);
		CHECK_EQ(quire_mprotect(mm, (quire_virt_t){ at + PAGE }, huge - PAGE,
					QUIRE_PROT_READ),
			 -QUIRE_EINVAL);
		CHECK_EQ(quire_mprotect(mm, v, huge, QUIRE_PROT_READ), 0);
		CHECK_STR(huge_areas(&rig, mm, at), "0-1 r--p 1-4 rw-p");
		/* They are never one again. */
		CHECK_EQ(quire_mprotect(mm, v, huge, PROT_RW), 0);
		CHECK_STR(huge_areas(&rig, mm, at), "0-1 rw-p 1-4 rw-p");
		CHECK_EQ(quire_mprotect(mm, v, 4 * huge, QUIRE_PROT_NONE), 0);
		CHECK_EQ(process_touch(mm, at + huge, &value, 8, QUIRE_ACCESS_READ),
			 QUIRE_SEGV_ACCERR);
		CHECK_POOL(&rig, "8 7 3 0");
		CHECK_EQ(quire_mprotect(mm, v, 4 * huge, PROT_RW), 0);
		CHECK_EQ(process_read(mm, at + huge), 7);
		CHECK_EQ(process_write(mm, at + huge, 8), 0);
		CHECK_EQ(quire_mseal(mm, v, PAGE, 0),
			 quire_config(rig.q)->machine < QUIRE_X86_64 ? -QUIRE_EPERM
								     : -QUIRE_EINVAL);
		CHECK_EQ(huge_unmap(mm, at + 2 * huge, huge), 0);
		CHECK_STR(huge_areas(&rig, mm, at), "0-1 rw-p 1-2 rw-p 3-4 rw-p");
		CHECK_POOL(&rig, "8 7 2 0");
		process_end(&rig, mm);
	}
}

TEST(advice)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		static const struct {
			int advice, whole, part;
		} cases[] = {
			{ QUIRE_MADV_FREE, -QUIRE_EINVAL, -QUIRE_EINVAL },
			{ QUIRE_MADV_COLD, -QUIRE_EINVAL, -QUIRE_EINVAL },
			{ QUIRE_MADV_PAGEOUT, -QUIRE_EINVAL, -QUIRE_EINVAL },
			{ QUIRE_MADV_REMOVE, -QUIRE_EACCES, -QUIRE_EACCES },
			{ QUIRE_MADV_WILLNEED, 0, 0 },
			{ QUIRE_MADV_HUGEPAGE, 0, -QUIRE_EINVAL },
			{ QUIRE_MADV_NOHUGEPAGE, 0, -QUIRE_EINVAL },
			{ QUIRE_MADV_WIPEONFORK, -QUIRE_EINVAL, -QUIRE_EINVAL },
			{ QUIRE_MADV_KEEPONFORK, 0, 0 },
			{ QUIRE_MADV_DONTFORK, 0, -QUIRE_EINVAL },
			{ QUIRE_MADV_DOFORK, 0, -QUIRE_EINVAL },
			{ QUIRE_MADV_DONTDUMP, 0, -QUIRE_EINVAL },
			{ QUIRE_MADV_DODUMP, 0, -QUIRE_EINVAL },
			{ QUIRE_MADV_RANDOM, 0, -QUIRE_EINVAL },
			{ QUIRE_MADV_NORMAL, 0, -QUIRE_EINVAL },
		};
		struct quire_mm *mm = process_start(&rig);
		uint64_t huge = huge_bytes(&rig), at;

		huge_set(&rig, 8, 0);
		at = (uint64_t)huge_map(&rig, mm, HUGE_AT, 4, MAP_HUGE);
		CHECK_EQ(process_write(mm, at, 1), 0);
		CHECK_EQ(process_write(mm, at + huge, 2), 0);
		CHECK_EQ(huge_advise(mm, at, huge, QUIRE_MADV_DONTNEED), 0);
		CHECK_POOL(&rig, "8 7 3 0");
		CHECK_EQ(huge_advise(mm, at, PAGE, QUIRE_MADV_DONTNEED), 0);
		CHECK_EQ(huge_advise(mm, at + PAGE, huge, QUIRE_MADV_DONTNEED), -QUIRE_EINVAL);
		CHECK_EQ(huge_advise(mm, at + huge, huge - PAGE, QUIRE_MADV_DONTNEED), 0);
		CHECK_EQ(process_read(mm, at + huge), 2);
		CHECK_EQ(huge_advise(mm, at + huge, huge + PAGE, QUIRE_MADV_DONTNEED), 0);
		CHECK_POOL(&rig, "8 8 4 0");
		CHECK_EQ(process_read(mm, at + huge), 0);
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			CHECK_EQ(huge_advise(mm, at, PAGE, cases[i].advice), cases[i].part);
			CHECK_EQ(huge_advise(mm, at, 4 * huge, cases[i].advice), cases[i].whole);
			rig_sound(&rig);
		}
		CHECK_EQ(quire_mlock(mm, (quire_virt_t){ at }, PAGE, 0), 0);
		CHECK_EQ(process_stat(mm).locked_vm, 0);
		CHECK_POOL(&rig, "8 6 2 0");
		CHECK_EQ(huge_advise(mm, at + 2 * huge, PAGE, QUIRE_MADV_POPULATE_READ), 0);
		CHECK_POOL(&rig, "8 5 1 0");
		CHECK_EQ(huge_advise(mm, at + 3 * huge, PAGE, QUIRE_MADV_POPULATE_WRITE), 0);
		CHECK_POOL(&rig, "8 4 0 0");
		CHECK_EQ(quire_mm_set_rlimit(mm, QUIRE_RLIMIT_MEMLOCK, QUIRE_RLIM_INFINITY), 0);
		CHECK_EQ(quire_mlockall(mm, QUIRE_MCL_CURRENT), 0);
		CHECK_EQ(process_stat(mm).locked_vm, 0);
		CHECK_EQ(quire_munlockall(mm), 0);
		CHECK_EQ(quire_munlock(mm, (quire_virt_t){ at }, PAGE), 0);
		CHECK_EQ(quire_msync(mm, (quire_virt_t){ at }, huge, QUIRE_MS_SYNC), 0);
		CHECK_EQ(huge_unmap(mm, at, 4 * huge), 0);
		/* Never locked, but there at once. */
		at = (uint64_t)huge_map(&rig, mm, HUGE_AT, 2, MAP_HUGE | QUIRE_MAP_LOCKED);
		CHECK_EQ(process_stat(mm).locked_vm, 0);
		CHECK_POOL(&rig, "8 6 0 0");
		process_end(&rig, mm);
	}
}

static int move(struct quire_mm *mm, uint64_t at, uint64_t old, uint64_t new, unsigned flags,
		uint64_t to)
{
	const struct quire_mremap args = { .address = { at }, .old_bytes = old, .new_bytes = new,
					   .flags = flags, .new_address = { to } };
	quire_virt_t out = { 0 };
	int error = quire_mremap(mm, &args, &out);

	if (!error)
		CHECK_EQ(out.v, flags & QUIRE_MREMAP_FIXED ? to : at);
	return error;
}

#define FIXED_MOVE (QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED)

TEST(moved)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig);
		uint64_t huge = huge_bytes(&rig), at, to = HUGE_AT + 32 * huge;

		huge_set(&rig, 8, 0);
		at = (uint64_t)huge_map(&rig, mm, HUGE_AT, 4, MAP_HUGE);
		for (unsigned i = 0; i < 3; i++)
			CHECK_EQ(process_write(mm, at + i * huge, 10 + i), 0);
		CHECK_EQ(move(mm, at, 4 * huge, 5 * huge, 0, 0), -QUIRE_EINVAL);
		CHECK_EQ(move(mm, at, 4 * huge, 5 * huge, QUIRE_MREMAP_MAYMOVE, 0), -QUIRE_EINVAL);
		CHECK_EQ(move(mm, at + PAGE, huge, huge, QUIRE_MREMAP_MAYMOVE, 0), -QUIRE_EINVAL);
		CHECK_EQ(move(mm, at, huge, PAGE, 0, 0), 0);
		CHECK_EQ(move(mm, at, 0, huge, QUIRE_MREMAP_MAYMOVE, 0), -QUIRE_EINVAL);
		CHECK_EQ(move(mm, at, huge, huge, QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_DONTUNMAP, 0),
			 -QUIRE_EINVAL);
		CHECK_POOL(&rig, "8 5 1 0");
		CHECK_EQ(move(mm, at, 2 * huge, huge, 0, 0), 0);
		CHECK_STR(huge_areas(&rig, mm, at), "0-1 rw-p 2-4 rw-p");
		CHECK_POOL(&rig, "8 6 1 0");
		CHECK_EQ(move(mm, at, huge, huge, FIXED_MOVE, to + PAGE), -QUIRE_EINVAL);
		CHECK_EQ(move(mm, at, PAGE, PAGE, FIXED_MOVE, to), 0);
		CHECK_STR(huge_areas(&rig, mm, at), "2-4 rw-p 32-33 rw-p");
		CHECK_EQ(process_read(mm, to), 10);
		/* Promises go along. */
		CHECK_EQ(move(mm, at + 2 * huge, 2 * huge, 2 * huge, FIXED_MOVE, to + 2 * huge), 0);
		CHECK_STR(huge_areas(&rig, mm, at), "32-33 rw-p 34-36 rw-p");
		CHECK_POOL(&rig, "8 6 1 0");
		CHECK_EQ(process_read(mm, to + 2 * huge), 12);
		CHECK_EQ(process_write(mm, to + 3 * huge, 13), 0);
		CHECK_POOL(&rig, "8 5 0 0");
		/* A part, which becomes less. */
		CHECK_EQ(move(mm, to + 2 * huge, 2 * huge, huge, FIXED_MOVE, at), 0);
		CHECK_STR(huge_areas(&rig, mm, at), "0-1 rw-p 32-33 rw-p");
		CHECK_EQ(process_read(mm, at), 12);
		CHECK_POOL(&rig, "8 6 0 0");
		process_end(&rig, mm);
		CHECK_POOL(&rig, "8 8 0 0");
	}
}

/* The middle of an area moves: promises before and behind stay. */
TEST(middle_moved)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig);
		uint64_t huge = huge_bytes(&rig), at, to = HUGE_AT + 32 * huge;

		huge_set(&rig, 8, 0);
		at = (uint64_t)huge_map(&rig, mm, HUGE_AT, 6, MAP_HUGE);
		CHECK_EQ(process_write(mm, at + 2 * huge, 2), 0);
		CHECK_EQ(move(mm, at + 2 * huge, 2 * huge, 2 * huge, FIXED_MOVE, to), 0);
		CHECK_STR(huge_areas(&rig, mm, at), "0-2 rw-p 4-6 rw-p 32-34 rw-p");
		CHECK_POOL(&rig, "8 7 5 0");
		CHECK_EQ(process_write(mm, to + huge, 3), 0);
		CHECK_EQ(process_write(mm, at + 5 * huge, 3), 0);
		CHECK_POOL(&rig, "8 5 3 0");
		CHECK_EQ(huge_unmap(mm, to, 2 * huge), 0);
		CHECK_POOL(&rig, "8 7 3 0");
		process_end(&rig, mm);
		CHECK_POOL(&rig, "8 8 0 0");
	}
}

/* ---- Exhaustion -------------------------------------------------------------------------- */

TEST(exhausted)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig);
		uint64_t huge = huge_bytes(&rig), a, b;
		unsigned nr = MAP_HUGE | QUIRE_MAP_NORESERVE;

		huge_set(&rig, 8, 0);
		a = (uint64_t)huge_map(&rig, mm, HUGE_AT, 9, nr);
		for (unsigned i = 0; i < 9; i++)
			CHECK_EQ(process_write(mm, a + i * huge, i), i < 8 ? 0 : SIGBUS_CODE);
		CHECK_EQ(huge_map(&rig, mm, 0, 1, MAP_HUGE), -QUIRE_ENOMEM);
		CHECK_EQ(huge_unmap(mm, a, 9 * huge), 0);
		/* What is promised, others don't get. */
		a = (uint64_t)huge_map(&rig, mm, HUGE_AT, 5, MAP_HUGE);
		b = (uint64_t)huge_map(&rig, mm, HUGE_AT + 16 * huge, 5, nr);
		for (unsigned i = 0; i < 5; i++)
			CHECK_EQ(process_write(mm, b + i * huge, i), i < 3 ? 0 : SIGBUS_CODE);
		for (unsigned i = 0; i < 5; i++)
			CHECK_EQ(process_write(mm, a + i * huge, i), 0);
		CHECK_POOL(&rig, "8 0 0 0");
		CHECK_EQ(huge_advise(mm, a, huge, QUIRE_MADV_DONTNEED), 0);
		CHECK_POOL(&rig, "8 1 1 0");
		CHECK_EQ(process_write(mm, b + 3 * huge, 1), SIGBUS_CODE);
		CHECK_EQ(process_write(mm, a, 1), 0);
		process_end(&rig, mm);
		CHECK_POOL(&rig, "8 8 0 0");
	}
}

/* ---- fork ----------------------------------------------------------------------------------- */

TEST(forked)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig), *child = NULL;
		uint64_t huge = huge_bytes(&rig), at, far, value = 0;

		huge_set(&rig, 8, 0);
		at = (uint64_t)huge_map(&rig, mm, HUGE_AT, 4, MAP_HUGE);
		for (unsigned i = 0; i < 4; i++)
			CHECK_EQ(process_write(mm, at + i * huge, 10 + i), 0);
		far = (uint64_t)huge_map(&rig, mm, HUGE_AT + 16 * huge, 4,
					 MAP_HUGE | QUIRE_MAP_NORESERVE);
		CHECK_EQ(quire_mm_fork(mm, &child), 0);
		CHECK_POOL(&rig, "8 4 0 0");
		CHECK_EQ(quire_mm_load(child), 0);
		CHECK_EQ(process_read(child, at), 10);
		CHECK_EQ(process_write(child, at, 99), 0);
		CHECK_POOL(&rig, "8 3 0 0");
		CHECK_EQ(process_read(child, at + huge - 8), 0);
		CHECK_EQ(quire_mm_load(mm), 0);
		CHECK_EQ(process_read(mm, at), 10);
		for (unsigned i = 0; i < 4; i++)
			CHECK_EQ(process_write(mm, far + i * huge, 1), i < 3 ? 0 : SIGBUS_CODE);
		/* The pool is empty: who was promised the page gets it, the child loses it. */
		CHECK_EQ(process_write(mm, at + huge, 77), 0);
		CHECK_POOL(&rig, "8 0 0 0");
		CHECK_EQ(process_read(mm, at + huge + 8), 0);
		CHECK_EQ(quire_mm_load(child), 0);
		CHECK_EQ(process_touch(child, at + huge, &value, 8, QUIRE_ACCESS_READ),
			 SIGBUS_CODE);
		CHECK_EQ(process_read(child, at + 2 * huge), 12);
		CHECK_EQ(process_write(child, at + 2 * huge, 5), SIGBUS_CODE);
		CHECK_EQ(process_read(child, at), 99);
		rig_sound(&rig);
		/* It stays lost, whatever the pool has by then. */
		CHECK_EQ(huge_unmap(mm, far, huge), 0);
		CHECK_EQ(process_touch(child, at + huge, &value, 8, QUIRE_ACCESS_READ),
			 SIGBUS_CODE);
		process_end(&rig, child);
		CHECK_POOL(&rig, "8 2 0 0");
		CHECK_EQ(quire_mm_load(mm), 0);
		/* Shared with nobody any more. */
		CHECK_EQ(process_write(mm, at + 2 * huge, 5), 0);
		CHECK_POOL(&rig, "8 2 0 0");
		process_end(&rig, mm);
		CHECK_POOL(&rig, "8 8 0 0");
	}
}

/* A child has no promises, and gives none back. */
TEST(child_promises)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig), *child = NULL;
		uint64_t huge = huge_bytes(&rig), at;

		huge_set(&rig, 8, 0);
		at = (uint64_t)huge_map(&rig, mm, HUGE_AT, 2, MAP_HUGE);
		CHECK_EQ(process_write(mm, at, 1), 0);
		CHECK_EQ(quire_mm_fork(mm, &child), 0);
		CHECK_POOL(&rig, "8 7 1 0");
		CHECK_EQ(quire_mm_load(child), 0);
		CHECK_EQ(process_write(child, at + huge, 3), 0);
		CHECK_POOL(&rig, "8 6 1 0");
		CHECK_EQ(huge_advise(child, at, huge, QUIRE_MADV_DONTNEED), 0);
		CHECK_EQ(process_read(child, at), 0);
		CHECK_POOL(&rig, "8 5 1 0");
		CHECK_EQ(huge_unmap(child, at, 2 * huge), 0);
		CHECK_POOL(&rig, "8 7 1 0");
		process_end(&rig, child);
		CHECK_EQ(quire_mm_load(mm), 0);
		CHECK_EQ(process_read(mm, at), 1);
		process_end(&rig, mm);
		CHECK_POOL(&rig, "8 8 0 0");
	}
}

/* What another processor still has in its TLB, it forgets in time. */
TEST(other_processor)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig), *child = NULL;
		uint64_t huge = huge_bytes(&rig), at, value = 0;

		huge_set(&rig, 8, 0);
		at = (uint64_t)huge_map(&rig, mm, HUGE_AT, 2, MAP_HUGE);
		CHECK_EQ(process_write(mm, at, 10), 0);
		quire_hosted_cpu(1);
		CHECK_EQ(quire_mm_load(mm), 0);
		CHECK_EQ(process_write(mm, at, 11), 0);
		/* The right to write goes with fork. */
		quire_hosted_cpu(0);
		CHECK_EQ(quire_mm_fork(mm, &child), 0);
		quire_hosted_cpu(1);
		CHECK_EQ(process_write(mm, at, 12), 0);
		CHECK_EQ(quire_mm_destroy(child), 0);
		CHECK_EQ(quire_mm_fork(mm, &child), 0);
		CHECK_EQ(process_read(mm, at), 12);
		/* The copy takes the place of what is shared. */
		quire_hosted_cpu(0);
		CHECK_EQ(process_write(mm, at, 13), 0);
		quire_hosted_cpu(1);
		CHECK_EQ(process_read(mm, at), 13);
		quire_hosted_cpu(0);
		CHECK_EQ(quire_copy_from_user(child, &value, (quire_virt_t){ at }, 8), 0);
		CHECK_EQ(value, 12);
		CHECK_EQ(quire_mprotect(mm, (quire_virt_t){ at }, huge, QUIRE_PROT_NONE), 0);
		quire_hosted_cpu(1);
		CHECK_EQ(process_touch(mm, at, &value, 8, QUIRE_ACCESS_READ), QUIRE_SEGV_ACCERR);
		quire_hosted_cpu(0);
		CHECK_EQ(quire_mprotect(mm, (quire_virt_t){ at }, huge, PROT_RW), 0);
		quire_hosted_cpu(1);
		CHECK_EQ(process_read(mm, at), 13);
		quire_hosted_cpu(0);
		CHECK_EQ(huge_unmap(mm, at, huge), 0);
		quire_hosted_cpu(1);
		CHECK_EQ(process_touch(mm, at, &value, 8, QUIRE_ACCESS_READ), QUIRE_SEGV_MAPERR);
		CHECK_EQ(quire_table_load(quire_table_kernel(rig.q)), 0);
		quire_hosted_cpu(0);
		CHECK_EQ(quire_mm_destroy(child), 0);
		process_end(&rig, mm);
		CHECK_POOL(&rig, "8 8 0 0");
	}
}

/* ---- Shared ----------------------------------------------------------------------------- */

TEST(shared_area)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig), *child = NULL;
		uint64_t huge = huge_bytes(&rig), at;
		unsigned char vec[3 * 1024];

		huge_set(&rig, 8, 0);
		at = (uint64_t)huge_map(&rig, mm, HUGE_AT, 3, MAP_HUGE_SHARED);
		CHECK_POOL(&rig, "8 8 3 0");
		CHECK_EQ(process_write(mm, at, 1), 0);
		CHECK_POOL(&rig, "8 7 2 0");
		CHECK_EQ(quire_mm_fork(mm, &child), 0);
		CHECK_EQ(quire_mm_load(child), 0);
		CHECK_EQ(process_read(child, at), 1);
		CHECK_EQ(process_write(child, at + huge, 2), 0);
		CHECK_POOL(&rig, "8 6 1 0");
		CHECK_EQ(quire_mincore(child, (quire_virt_t){ at }, 3 * huge, vec), 0);
		CHECK_EQ(vec[0] + vec[huge / PAGE - 1] + vec[huge / PAGE] * 2 +
				 vec[2 * huge / PAGE] * 8,
			 4);
		process_end(&rig, child);
		CHECK_EQ(quire_mm_load(mm), 0);
		CHECK_EQ(process_read(mm, at + huge), 2);
		CHECK_EQ(huge_advise(mm, at, huge, QUIRE_MADV_DONTNEED), 0);
		CHECK_POOL(&rig, "8 6 1 0");
		CHECK_EQ(process_read(mm, at), 1);
		CHECK_EQ(huge_advise(mm, at, huge, QUIRE_MADV_REMOVE), 0);
		CHECK_POOL(&rig, "8 7 1 0");
		CHECK_EQ(huge_advise(mm, at, PAGE, QUIRE_MADV_REMOVE), 0);
		CHECK_EQ(process_read(mm, at), 0);
		CHECK_EQ(process_write(mm, at + 2 * PAGE, 3), 0);
		CHECK_EQ(huge_advise(mm, at, 3 * PAGE, QUIRE_MADV_REMOVE), 0);
		CHECK_EQ(process_read(mm, at + 2 * PAGE), 0);
		CHECK_EQ(huge_unmap(mm, at, huge), 0);
		CHECK_POOL(&rig, "8 6 1 0");
		CHECK_EQ(huge_unmap(mm, at + huge, 2 * huge), 0);
		CHECK_POOL(&rig, "8 8 0 0");
		process_end(&rig, mm);
	}
}

/* A machine that is switched off has nothing left. */
TEST(switched_off)
{
	struct rig rig;

	ON_EACH(&rig)
	{
		struct quire_mm *mm = process_start(&rig), *child;
		uint64_t huge = huge_bytes(&rig);
		struct quire_file *file = NULL;
		uint64_t at = (uint64_t)huge_map(&rig, mm, HUGE_AT, 4,
						 MAP_HUGE | QUIRE_MAP_NORESERVE);

		huge_set(&rig, 8, 2);
		CHECK_EQ(quire_memfd_create(rig.q, "x", QUIRE_MFD_HUGETLB, &file), 0);
		CHECK(huge_map_file(&rig, mm, file, 5, QUIRE_MAP_SHARED) > 0);
		CHECK_EQ(process_write(mm, at + huge, 1), 0);
		CHECK_EQ(quire_mm_fork(mm, &child), 0);
		CHECK(quire_hash(rig.q) != 0);
	}
}

TEST_MAIN(CASE(pool), CASE(owned), CASE(surplus), CASE(arguments), CASE(other_files), CASE(placed),
	  CASE(private_area), CASE(borders), CASE(advice), CASE(moved), CASE(middle_moved),
	  CASE(exhausted), CASE(forked), CASE(child_promises), CASE(other_processor),
	  CASE(shared_area), CASE(switched_off))
