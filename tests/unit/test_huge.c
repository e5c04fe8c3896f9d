/* SPDX-License-Identifier: MIT */
/*
 * test_huge.c - transparent huge pages: when they come, what splits them, when they come back
 *
 * What is expected was asked of Linux 6.18 by a program that did the same.
 */
#include "space.h"

#include "vm/mm.h"

/* Frames of a huge page, of the machine that runs now. */
static uint64_t n;

static const enum quire_machine machines[] = { QUIRE_X86_64, QUIRE_I386, QUIRE_I386_PAE,
					       QUIRE_X86_64_LA57 };
#define EACH(i) for (unsigned i = 0; i < 4; i++)

static void enable(struct space *s, enum quire_thp how)
{
	struct quire_vm_sysctl sysctl;

	CHECK_EQ(quire_vm_sysctl(s->q, &sysctl), 0);
	sysctl.transparent_huge = how;
	CHECK_EQ(quire_vm_set_sysctl(s->q, &sysctl), 0);
}

/** A machine whose processes get huge pages, with 8 of them to come at page 0 */
static bool start(struct space *s, enum quire_machine machine)
{
	n = machine == QUIRE_I386 ? 1024 : 512;
	if (!space_start(s, machine, MB(128)))
		return false;
	enable(s, QUIRE_THP_ALWAYS);
	CHECK_EQ(map_at(s, 0, 8 * n, RW, FIXED), 0);
	return true;
}

/** Again as it was at the start */
static void again(struct space *s)
{
	CHECK_EQ(map_at(s, 0, 8 * n, RW, FIXED), 0);
}

static struct quire_vma_pages pages_of(struct space *s, struct quire_mm *mm)
{
	struct quire_vma_pages pages;

	CHECK_EQ(quire_vma_pages(mm, at_page(0), at_page(16 * n), &pages), 0);
	space_sound(s);
	return pages;
}

/** Huge pages from page 0 on, and pages resident there */
#define CHECK_PAGES(s, nr_huge, nr_rss)                                      \
	do {                                                                 \
		struct quire_vma_pages test_pages = pages_of(s, (s)->mm);    \
		CHECK_EQ(test_pages.anon_huge / PAGE, (nr_huge) * n);        \
		CHECK_EQ(test_pages.rss / PAGE, nr_rss);                     \
	} while (0)

static uint64_t event(struct space *s, enum quire_thp_event what)
{
	struct quire_vm_stat stat;

	CHECK_EQ(quire_vm_stat(s->q, &stat), 0);
	return stat.thp[what];
}

static uint64_t nr_huge(struct space *s)
{
	struct quire_vm_stat stat;

	CHECK_EQ(quire_vm_stat(s->q, &stat), 0);
	return stat.nr_anon_huge;
}

TEST(a_write_makes_one_where_the_area_has_room)
{
	EACH(m)
	{
		struct space s;

		if (!start(&s, machines[m]))
			return;
		CHECK_PAGES(&s, 0, 0);
		space_put(&s, 3, 33);
		CHECK_PAGES(&s, 1, n);
		CHECK_EQ(space_get(&s, 3), 33);
		CHECK_EQ(space_get(&s, 4), 0);
		CHECK_EQ(space_stat(&s).rss_anon, n);
		CHECK_EQ(event(&s, QUIRE_THP_FAULT_ALLOC), 1);
		CHECK_EQ(nr_huge(&s), 1);
		/* It is one entry, and a page table set aside. */
		struct quire_table_stat table;

		quire_table_stat(quire_mm_table(s.mm), &table);
		CHECK_EQ(table.nr_mapped[1], 1);
		CHECK_EQ(table.nr_mapped[0], 0);
		/* The area's ends are not whole ones. */
		CHECK_EQ(unmap_at(&s, 0, 8 * n), 0);
		CHECK_EQ(map_at(&s, 1, 2 * n - 2, RW, FIXED), 0);
		space_put(&s, 1, 1);
		space_put(&s, 2 * n - 2, 1);
		CHECK_PAGES(&s, 0, 2);
		/* Nor is one that has a page already. */
		CHECK_EQ(unmap_at(&s, 1, 2 * n - 2), 0);
		again(&s);
		enable(&s, QUIRE_THP_NEVER);
		space_put(&s, 1, 1);
		enable(&s, QUIRE_THP_ALWAYS);
		space_put(&s, 2, 1);
		CHECK_PAGES(&s, 0, 2);
		space_end(&s);
	}
}

TEST(enabled_and_advice_say_where)
{
	struct space s;

	if (!start(&s, QUIRE_X86_64))
		return;
	enable(&s, QUIRE_THP_MADVISE);
	space_put(&s, 0, 1);
	CHECK_PAGES(&s, 0, 1);
	again(&s);
	CHECK_EQ(advise_at(&s, 0, 4 * n, QUIRE_MADV_HUGEPAGE), 0);
	space_put(&s, 0, 1);
	space_put(&s, 4 * n, 1);
	CHECK_PAGES(&s, 1, n + 1);
	enable(&s, QUIRE_THP_NEVER);
	space_put(&s, n, 1);
	CHECK_PAGES(&s, 1, n + 2);
	enable(&s, QUIRE_THP_ALWAYS);
	again(&s);
	CHECK_EQ(advise_at(&s, 0, 4 * n, QUIRE_MADV_NOHUGEPAGE), 0);
	space_put(&s, 0, 1);
	space_put(&s, 4 * n, 1);
	CHECK_PAGES(&s, 1, n + 1);
	/* What is there stays. */
	CHECK_EQ(advise_at(&s, 4 * n, 4 * n, QUIRE_MADV_NOHUGEPAGE), 0);
	CHECK_PAGES(&s, 1, n + 1);
	/* Stacks of threads have none; shared memory neither. */
	CHECK_EQ(map_at(&s, 0, n, RW, FIXED | QUIRE_MAP_STACK), 0);
	CHECK_EQ(map_at(&s, 4 * n, 2 * n, RW,
			QUIRE_MAP_SHARED | QUIRE_MAP_ANONYMOUS | QUIRE_MAP_FIXED),
		 0);
	space_put(&s, 0, 1);
	space_put(&s, 4 * n, 1);
	CHECK_PAGES(&s, 0, 2);
	space_end(&s);
}

TEST(sysctls_are_checked)
{
	struct quire_vm_sysctl sysctl, bad;
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(quire_vm_sysctl(s.q, &sysctl), 0);
	CHECK_EQ(sysctl.transparent_huge, QUIRE_THP_MADVISE);
	CHECK(sysctl.use_zero_page);
	CHECK_EQ(sysctl.pages_to_scan, 4096);
	CHECK_EQ(sysctl.max_ptes_none, 511);
	CHECK_EQ(sysctl.max_ptes_shared, 256);
	bad = sysctl;
	bad.transparent_huge = (enum quire_thp)3;
	CHECK_EQ(quire_vm_set_sysctl(s.q, &bad), -QUIRE_EINVAL);
	bad = sysctl;
	bad.max_ptes_none = 512;
	CHECK_EQ(quire_vm_set_sysctl(s.q, &bad), -QUIRE_EINVAL);
	bad = sysctl;
	bad.max_ptes_shared = 512;
	CHECK_EQ(quire_vm_set_sysctl(s.q, &bad), -QUIRE_EINVAL);
	bad = sysctl;
	bad.pages_to_scan = 0;
	CHECK_EQ(quire_vm_set_sysctl(s.q, &bad), -QUIRE_EINVAL);
	CHECK_STR(quire_thp_name(QUIRE_THP_MADVISE), "madvise");
	CHECK_STR(quire_thp_name((enum quire_thp)7), "?");
	CHECK_STR(quire_thp_event_name(QUIRE_THP_SPLIT_PMD), "thp_split_pmd");
	CHECK_STR(quire_thp_event_name(QUIRE_NR_THP_EVENTS), "?");
	space_end(&s);
}

TEST(reads_get_the_huge_page_of_zeros)
{
	EACH(m)
	{
		unsigned char vec[1024];
		unsigned there = 0;
		struct space s;
		uint32_t value = 0;

		if (!start(&s, machines[m]))
			return;
		CHECK_EQ(space_get(&s, 5), 0);
		CHECK_EQ(quire_user_access(s.mm, at_page(6), &value, 4, QUIRE_ACCESS_READ, NULL),
			 QUIRE_FAULT_DONE);
		CHECK_PAGES(&s, 0, 0);
		CHECK_EQ(event(&s, QUIRE_THP_ZERO_PAGE_ALLOC), 1);
		CHECK_EQ(quire_mincore(s.mm, at_page(0), n * PAGE, vec), 0);
		for (unsigned i = 0; i < n; i++)
			there += vec[i];
		CHECK_EQ(there, n);
		CHECK_EQ(space_get(&s, n), 0);
		CHECK_EQ(event(&s, QUIRE_THP_ZERO_PAGE_ALLOC), 1);
		CHECK_EQ(nr_huge(&s), 0);
		/* A write takes a block of its own for all of it. */
		space_put(&s, 6, 66);
		CHECK_PAGES(&s, 1, n);
		CHECK_EQ(space_get(&s, 6), 66);
		CHECK_EQ(space_get(&s, 5), 0);
		/* A part of it gone, the rest is small pages of zeros. */
		CHECK_EQ(unmap_at(&s, n, 1), 0);
		CHECK_PAGES(&s, 1, n);
		space_put(&s, n + 1, 1);
		CHECK_PAGES(&s, 1, n + 1);
		CHECK_EQ(space_get(&s, n + 2), 0);
		space_end(&s);
	}
}

TEST(without_use_zero_page_a_read_makes_one)
{
	struct quire_vm_sysctl sysctl;
	struct space s;

	if (!start(&s, QUIRE_X86_64))
		return;
	CHECK_EQ(quire_vm_sysctl(s.q, &sysctl), 0);
	sysctl.use_zero_page = false;
	CHECK_EQ(quire_vm_set_sysctl(s.q, &sysctl), 0);
	CHECK_EQ(space_get(&s, 0), 0);
	CHECK_PAGES(&s, 1, n);
	CHECK_EQ(map_at(&s, 0, n, QUIRE_PROT_READ, FIXED), 0);
	CHECK_EQ(space_get(&s, 0), 0);
	CHECK_PAGES(&s, 1, n);
	CHECK(quire_copy_to_user(s.mm, at_page(0), "x", 1) == 1);
	space_end(&s);
}

/* Each of these on a part of a huge page splits it; on all of it it does not. */
TEST(parts_split)
{
	static const int advices[] = { QUIRE_MADV_FREE, QUIRE_MADV_COLD, QUIRE_MADV_PAGEOUT };

	EACH(m)
	{
		struct space s;

		if (!start(&s, machines[m]))
			return;
		space_put(&s, 0, 7);
		space_put(&s, n, 8);
		CHECK_PAGES(&s, 2, 2 * n);
		CHECK_EQ(protect_at(&s, 1, 1, QUIRE_PROT_READ), 0);
		CHECK_PAGES(&s, 1, 2 * n);
		CHECK_EQ(event(&s, QUIRE_THP_SPLIT_PMD), 1);
		CHECK_EQ(space_get(&s, 0), 7);
		CHECK_EQ(protect_at(&s, n, n, QUIRE_PROT_NONE), 0);
		CHECK_PAGES(&s, 1, 2 * n);
		CHECK_EQ(quire_copy_from_user(s.mm, &(uint32_t){ 0 }, at_page(n), 4), 4);
		CHECK_EQ(protect_at(&s, n, n, RW), 0);
		CHECK_EQ(space_get(&s, n), 8);
		space_put(&s, n, 9);
		CHECK_PAGES(&s, 1, 2 * n);

		again(&s);
		space_put(&s, 0, 7);
		CHECK_EQ(unmap_at(&s, 1, 2), 0);
		CHECK_PAGES(&s, 0, n - 2);
		CHECK_EQ(space_get(&s, 0), 7);

		again(&s);
		space_put(&s, 0, 7);
		CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_DONTNEED), 0);
		CHECK_PAGES(&s, 0, n - 1);
		CHECK_EQ(space_get(&s, 0), 0);
		space_put(&s, n, 7);
		CHECK_EQ(advise_at(&s, n, n, QUIRE_MADV_DONTNEED), 0);
		CHECK_PAGES(&s, 0, n - 1);

		again(&s);
		space_put(&s, 0, 7);
		CHECK_EQ(quire_mlock(s.mm, at_page(0), PAGE, 0), 0);
		CHECK_PAGES(&s, 0, n);
		CHECK_EQ(quire_munlock(s.mm, at_page(0), PAGE), 0);
		space_put(&s, n, 7);
		CHECK_EQ(quire_mlock(s.mm, at_page(n), n * PAGE, 0), 0);
		CHECK_PAGES(&s, 1, 2 * n);
		CHECK_EQ(quire_munlock(s.mm, at_page(0), 2 * n * PAGE), 0);

		again(&s);
		space_put(&s, 0, 7);
		CHECK_EQ(advise_at(&s, 2, 1, QUIRE_MADV_DONTDUMP), 0);
		CHECK_PAGES(&s, 0, n);

		for (unsigned i = 0; i < 3; i++) {
			again(&s);
			space_put(&s, 0, 7);
			space_put(&s, n, 7);
			CHECK_EQ(advise_at(&s, 0, n, advices[i]), 0);
			CHECK_PAGES(&s, 2, 2 * n);
			CHECK_EQ(advise_at(&s, n + 3, 1, advices[i]), 0);
			CHECK_PAGES(&s, 1, 2 * n);
			CHECK_EQ(space_get(&s, 0), 7);
		}
		space_end(&s);
	}
}

TEST(free_marks_all_frames)
{
	struct quire_vma_pages pages;
	struct space s;

	if (!start(&s, QUIRE_X86_64))
		return;
	space_put(&s, 0, 1);
	CHECK_EQ(advise_at(&s, 0, n, QUIRE_MADV_FREE), 0);
	pages = pages_of(&s, s.mm);
	CHECK_EQ(pages.lazy_free / PAGE, n);
	space_put(&s, 0, 2);
	pages = pages_of(&s, s.mm);
	CHECK_EQ(pages.lazy_free, 0);
	space_end(&s);
}

TEST(moved_whole_if_both_places_are_aligned)
{
	EACH(m)
	{
		uint64_t frame;
		struct quire_mapping map;
		struct space s;

		if (!start(&s, machines[m]))
			return;
		space_put(&s, 0, 70);
		space_put(&s, n, 71);
		CHECK_EQ(quire_table_query(quire_mm_table(s.mm), at_page(0), &map), 0);
		frame = map.phys.v;
		CHECK_EQ(remap_at(&s, 0, 2 * n, 2 * n, QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED,
				  12 * n),
			 0);
		CHECK_PAGES(&s, 2, 2 * n);
		CHECK_EQ(quire_table_query(quire_mm_table(s.mm), at_page(12 * n), &map), 0);
		CHECK_EQ(map.phys.v, frame);
		CHECK_EQ(space_get(&s, 12 * n), 70);
		CHECK_EQ(space_get(&s, 13 * n), 71);
		/* Not so: one page further, and then the second alone. */
		CHECK_EQ(remap_at(&s, 12 * n, n, n, QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED, 1),
			 0);
		CHECK_PAGES(&s, 1, 2 * n);
		CHECK_EQ(space_get(&s, 1), 70);
		CHECK_EQ(remap_at(&s, 13 * n + 1, 1, 1, QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED,
				  2 * n + 1),
			 0);
		CHECK_PAGES(&s, 0, 2 * n);
		CHECK_EQ(space_get(&s, 13 * n), 71);
		space_end(&s);
	}
}

TEST(fork_shares_it_and_a_write_splits_it)
{
	EACH(m)
	{
		struct quire_mm *child, *parent;
		struct space s;

		if (!start(&s, machines[m]))
			return;
		space_put(&s, 0, 1);
		CHECK_EQ(space_get(&s, n), 0); /* the huge page of zeros, too */
		CHECK_EQ(quire_mm_fork(s.mm, &child), 0);
		CHECK_PAGES(&s, 1, n);
		CHECK_EQ(nr_huge(&s), 1);
		parent = s.mm;
		s.mm = child;
		CHECK_PAGES(&s, 1, n);
		/* The child writes: of its own one page. */
		space_put(&s, 1, 2);
		space_put(&s, n, 3);
		CHECK_PAGES(&s, 1, 2 * n);
		CHECK_EQ(space_get(&s, 0), 1);
		s.mm = parent;
		CHECK_EQ(space_get(&s, 1), 0);
		CHECK_EQ(space_get(&s, n), 0);
		CHECK_PAGES(&s, 1, n);
		CHECK_EQ(nr_huge(&s), 2);
		CHECK_EQ(quire_mm_destroy(child), 0);
		/* Nobody else has it any more: written in place, whole. */
		uint64_t splits = event(&s, QUIRE_THP_SPLIT_PMD);

		space_put(&s, 2, 5);
		CHECK_PAGES(&s, 1, n);
		CHECK_EQ(event(&s, QUIRE_THP_SPLIT_PMD), splits);
		CHECK_EQ(space_stat(&s).faults[QUIRE_FAULT_KIND_LAST], 1);
		space_end(&s);
	}
}

TEST(what_others_share_is_not_split_for_its_age)
{
	struct quire_mm *child;
	struct space s;

	if (!start(&s, QUIRE_X86_64))
		return;
	space_put(&s, 0, 1);
	CHECK_EQ(quire_mm_fork(s.mm, &child), 0);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_COLD), 0);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_FREE), 0);
	CHECK_PAGES(&s, 1, n);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_DONTNEED), 0);
	CHECK_PAGES(&s, 0, n - 1);
	CHECK_EQ(quire_mm_destroy(child), 0);
	space_end(&s);
}

TEST(dontfork_and_wipeonfork)
{
	struct quire_mm *child, *parent;
	struct space s;

	if (!start(&s, QUIRE_X86_64))
		return;
	space_put(&s, 0, 1);
	space_put(&s, 4 * n, 1);
	CHECK_EQ(advise_at(&s, 0, 4 * n, QUIRE_MADV_DONTFORK), 0);
	CHECK_EQ(advise_at(&s, 4 * n, 4 * n, QUIRE_MADV_WIPEONFORK), 0);
	CHECK_EQ(quire_mm_fork(s.mm, &child), 0);
	parent = s.mm;
	s.mm = child;
	CHECK_PAGES(&s, 0, 0);
	CHECK_EQ(space_get(&s, 4 * n), 0);
	s.mm = parent;
	CHECK_EQ(quire_mm_destroy(child), 0);
	CHECK_PAGES(&s, 2, 2 * n);
	space_end(&s);
}

TEST(without_a_block_it_is_a_small_page)
{
	struct quire_page *held[4096];
	size_t nr;
	struct space s;

	if (!start(&s, QUIRE_X86_64))
		return;
	/* Warm: the area's anon and the tables. */
	enable(&s, QUIRE_THP_NEVER);
	space_put(&s, 7 * n, 1);
	enable(&s, QUIRE_THP_ALWAYS);
	nr = rig_fill(&s.rig, QUIRE_GFP_HIGHUSER_MOVABLE, 9, held, 4096);
	space_put(&s, 0, 1);
	CHECK_PAGES(&s, 0, 2);
	CHECK_EQ(event(&s, QUIRE_THP_FAULT_FALLBACK), 1);
	CHECK_EQ(space_get(&s, n), 0);
	CHECK_EQ(advise_at(&s, 0, n, QUIRE_MADV_COLLAPSE), -QUIRE_ENOMEM);
	CHECK_EQ(event(&s, QUIRE_THP_COLLAPSE_ALLOC_FAILED), 1);
	rig_free_all(&s.rig, held, nr, 9);
	space_end(&s);
}

/* ---- Collapse ------------------------------------------------------------------ */

TEST(collapse_answers_as_linux)
{
	EACH(m)
	{
		struct space s;

		if (!start(&s, machines[m]))
			return;
		enable(&s, QUIRE_THP_NEVER);
		CHECK_EQ(advise_at(&s, 0, n, QUIRE_MADV_COLLAPSE), -QUIRE_EINVAL);
		CHECK_EQ(advise_at(&s, 1, n, QUIRE_MADV_COLLAPSE), -QUIRE_EINVAL);
		CHECK_EQ(space_get(&s, 0), 0);
		CHECK_EQ(advise_at(&s, 0, n, QUIRE_MADV_COLLAPSE), -QUIRE_EINVAL);
		space_put(&s, 5 * n, 55);
		CHECK_EQ(advise_at(&s, 1, n, QUIRE_MADV_COLLAPSE), 0);
		CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_COLLAPSE), 0);
		CHECK_EQ(advise_at(&s, 1, 1, QUIRE_MADV_COLLAPSE), -QUIRE_EINVAL);
		CHECK_PAGES(&s, 0, 1);
		CHECK_EQ(advise_at(&s, 2 * n, n, QUIRE_MADV_COLLAPSE), -QUIRE_EINVAL);
		CHECK_EQ(advise_at(&s, 4 * n, 2 * n, QUIRE_MADV_COLLAPSE), -QUIRE_EINVAL);
		CHECK_PAGES(&s, 0, 1);
		CHECK_EQ(advise_at(&s, 5 * n, 2 * n, QUIRE_MADV_COLLAPSE), -QUIRE_EINVAL);
		CHECK_PAGES(&s, 1, n);
		CHECK_EQ(space_get(&s, 5 * n), 55);
		/* Only pages of zeros. */
		CHECK_EQ(advise_at(&s, 0, n, QUIRE_MADV_COLLAPSE), 0);
		CHECK_PAGES(&s, 2, 2 * n);
		CHECK_EQ(advise_at(&s, 0, n, QUIRE_MADV_COLLAPSE), 0);
		/* Areas too small for one; a hole. */
		CHECK_EQ(unmap_at(&s, n / 2, 1), 0);
		CHECK_EQ(advise_at(&s, 0, n, QUIRE_MADV_COLLAPSE), -QUIRE_EINVAL);
		again(&s);
		space_put(&s, 0, 1);
		CHECK_EQ(unmap_at(&s, n, 1), 0);
		CHECK_EQ(advise_at(&s, 0, 2 * n, QUIRE_MADV_COLLAPSE), -QUIRE_ENOMEM);
		CHECK_PAGES(&s, 1, n);
		space_end(&s);
	}
}

TEST(collapse_of_what_is_protected_or_shared)
{
	EACH(m)
	{
		struct quire_mm *child, *parent;
		struct space s;

		if (!start(&s, machines[m]))
			return;
		enable(&s, QUIRE_THP_NEVER);
		/* Rights don't matter, advice does. */
		space_put(&s, 0, 1);
		CHECK_EQ(protect_at(&s, 0, n, QUIRE_PROT_NONE), 0);
		CHECK_EQ(advise_at(&s, 0, n, QUIRE_MADV_COLLAPSE), 0);
		CHECK_PAGES(&s, 1, n);
		CHECK_EQ(protect_at(&s, 0, n, QUIRE_PROT_READ), 0);
		CHECK_EQ(space_get(&s, 0), 1);
		again(&s);
		space_put(&s, 0, 1);
		CHECK_EQ(advise_at(&s, 0, n, QUIRE_MADV_NOHUGEPAGE), 0);
		CHECK_EQ(advise_at(&s, 0, n, QUIRE_MADV_COLLAPSE), -QUIRE_EINVAL);
		/* What is shared is copied. */
		again(&s);
		for (unsigned i = 0; i < n; i++)
			space_put(&s, i, i);
		CHECK_EQ(quire_mm_fork(s.mm, &child), 0);
		parent = s.mm;
		s.mm = child;
		CHECK_EQ(advise_at(&s, 0, n, QUIRE_MADV_COLLAPSE), 0);
		CHECK_PAGES(&s, 1, n);
		space_put(&s, 0, 100);
		for (unsigned i = 1; i < n; i++)
			CHECK_EQ(space_get(&s, i), i);
		s.mm = parent;
		CHECK_PAGES(&s, 0, n);
		CHECK_EQ(space_get(&s, 0), 0);
		CHECK_EQ(quire_mm_destroy(child), 0);
		CHECK_EQ(advise_at(&s, 0, n, QUIRE_MADV_COLLAPSE), 0);
		CHECK_PAGES(&s, 1, n);
		for (unsigned i = 0; i < n; i++)
			CHECK_EQ(space_get(&s, i), i);
		space_end(&s);
	}
}

static void tune(struct space *s, unsigned scan, unsigned none, unsigned shared)
{
	struct quire_vm_sysctl sysctl;

	CHECK_EQ(quire_vm_sysctl(s->q, &sysctl), 0);
	sysctl.pages_to_scan = scan;
	sysctl.max_ptes_none = none;
	sysctl.max_ptes_shared = shared;
	CHECK_EQ(quire_vm_set_sysctl(s->q, &sysctl), 0);
}

TEST(khugepaged_goes_on_where_it_ended)
{
	struct quire_khugepaged did;
	struct space s;

	if (!start(&s, QUIRE_X86_64))
		return;
	enable(&s, QUIRE_THP_NEVER);
	for (unsigned i = 0; i < 8; i++)
		space_put(&s, i * n, i + 1);
	CHECK_EQ(quire_khugepaged(s.q, &did), 0);
	CHECK_EQ(did.nr_collapsed, 0);
	enable(&s, QUIRE_THP_ALWAYS);
	tune(&s, 2 * (unsigned)n, (unsigned)n - 1, (unsigned)n / 2);
	for (unsigned i = 1; i <= 4; i++) {
		CHECK_EQ(quire_khugepaged(s.q, &did), 0);
		CHECK_EQ(did.nr_collapsed, 2);
		CHECK_EQ(did.nr_scanned, 2 * n);
		CHECK_EQ(did.pages_collapsed, 2 * i);
		CHECK_PAGES(&s, 2 * i, 8 + 2 * i * (n - 1));
	}
	CHECK_EQ(quire_khugepaged(s.q, &did), 0);
	CHECK_EQ(did.nr_collapsed, 0);
	CHECK_EQ(did.full_scans, 2);
	for (unsigned i = 0; i < 8; i++)
		CHECK_EQ(space_get(&s, i * n), i + 1);
	CHECK_EQ(event(&s, QUIRE_THP_COLLAPSE_ALLOC), 8);
	space_end(&s);
}

TEST(khugepaged_keeps_its_limits)
{
	struct quire_khugepaged did;
	struct quire_mm *child;
	struct space s;

	if (!start(&s, QUIRE_X86_64))
		return;
	enable(&s, QUIRE_THP_NEVER);
	for (unsigned i = 0; i < 10; i++)
		space_put(&s, i, i);
	enable(&s, QUIRE_THP_ALWAYS);
	tune(&s, 16384, (unsigned)n - 11, 9);
	CHECK_EQ(quire_khugepaged(s.q, &did), 0);
	CHECK_EQ(did.nr_collapsed, 0);
	CHECK_EQ(event(&s, QUIRE_THP_SCAN_EXCEED_NONE_PTE), 1);
	tune(&s, 16384, (unsigned)n - 10, 9);
	CHECK_EQ(quire_mm_fork(s.mm, &child), 0);
	CHECK_EQ(quire_khugepaged(s.q, &did), 0);
	CHECK_EQ(did.nr_collapsed, 0);
	CHECK_EQ(event(&s, QUIRE_THP_SCAN_EXCEED_SHARE_PTE), 2);
	CHECK_EQ(quire_mm_destroy(child), 0);
	/* Nobody has used them lately. */
	tune(&s, 16384, (unsigned)n - 10, 10);
	CHECK_EQ(advise_at(&s, 0, n, QUIRE_MADV_COLD), 0);
	CHECK_EQ(quire_khugepaged(s.q, &did), 0);
	CHECK_EQ(did.nr_collapsed, 0);
	CHECK_EQ(space_get(&s, 0), 0);
	(void)quire_user_access(s.mm, at_page(0), &(uint32_t){ 0 }, 4, QUIRE_ACCESS_READ, NULL);
	CHECK_EQ(quire_khugepaged(s.q, &did), 0);
	CHECK_EQ(did.nr_collapsed, 1);
	CHECK_PAGES(&s, 1, n);
	CHECK_EQ(quire_khugepaged(s.q, NULL), 0);
	space_end(&s);
}

/* A split never lacks memory: unmap a part when there is none. */
TEST(a_split_takes_no_memory)
{
	struct quire_page *held[8192];
	struct space s;
	size_t nr;

	if (!start(&s, QUIRE_X86_64))
		return;
	space_put(&s, 0, 1);
	space_put(&s, n, 2);
	CHECK_EQ(map_at(&s, 8 * n, 1, RW, FIXED), 0);
	nr = rig_fill(&s.rig, QUIRE_GFP_HIGHUSER_MOVABLE, 3, held, 8192);
	nr += rig_fill(&s.rig, QUIRE_GFP_ATOMIC | QUIRE_GFP_BIT_MEMALLOC, 3, held + nr, 8192 - nr);
	CHECK_EQ(advise_at(&s, 1, 1, QUIRE_MADV_DONTNEED), 0);
	CHECK_PAGES(&s, 1, 2 * n - 1);
	CHECK_EQ(space_get(&s, 0), 1);
	rig_free_all(&s.rig, held, nr, 3);
	space_end(&s);
}

static uint64_t largest_blocks(struct space *s)
{
	uint64_t nr = 0;

	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		struct quire_zone_stat stat = rig_stat(&s->rig, (enum quire_zone)z);

		for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++)
			nr += stat.nr_free[type][QUIRE_ORDER_MAX];
	}
	return nr;
}

TEST(a_block_that_is_only_ours_goes_back_whole)
{
	EACH(m)
	{
		uint64_t before;
		struct space s;

		if (!start(&s, machines[m]))
			return;
		/* Anon and tables are there. */
		space_put(&s, 7 * n, 1);
		before = largest_blocks(&s);
		space_put(&s, 0, 1);
		space_put(&s, n, 1);
		CHECK(largest_blocks(&s) < before);
		CHECK_EQ(unmap_at(&s, 0, 2 * n), 0);
		CHECK_EQ(largest_blocks(&s), before);
		space_end(&s);
	}
}

static void check_names(struct space *s, const char *rule)
{
	struct quire_violation broken = { NULL, NULL, 0 };

	CHECK(!quire_check(s->q, &broken));
	CHECK_STR(broken.rule ? broken.rule : "none", rule);
}

TEST(huge_1_the_frames_are_of_one_anon)
{
	struct quire_mapping map[2];
	struct quire_page *page[2];
	struct space s;

	if (!start(&s, QUIRE_X86_64))
		return;
	CHECK_EQ(map_at(&s, 12 * n, 1, RW, FIXED), 0);
	space_put(&s, 0, 1);
	space_put(&s, 12 * n, 1);
	for (unsigned i = 0; i < 2; i++) {
		CHECK_EQ(quire_table_query(quire_mm_table(s.mm), at_page(i * 12 * n), &map[i]), 0);
		page[i] = quire_pfn_page(s.q, quire_phys_pfn(map[i].phys));
	}
	page[0][3].private = page[1]->private;
	check_names(&s, "HUGE-1");
	page[0][3].private = page[0]->private;
	space_end(&s);
}

TEST(huge_2_each_has_a_table_for_its_split)
{
	struct quire_page *first;
	struct stock *deposit;
	struct space s;

	if (!start(&s, QUIRE_X86_64))
		return;
	space_put(&s, 0, 1);
	deposit = &quire_mm_table(s.mm)->deposit;
	first = deposit->first;
	deposit->first = NULL;
	deposit->nr--;
	check_names(&s, "HUGE-2");
	deposit->first = first;
	deposit->nr++;
	space_end(&s);
}

TEST_MAIN(CASE(a_write_makes_one_where_the_area_has_room), CASE(enabled_and_advice_say_where),
	  CASE(sysctls_are_checked), CASE(reads_get_the_huge_page_of_zeros),
	  CASE(without_use_zero_page_a_read_makes_one), CASE(parts_split),
	  CASE(free_marks_all_frames), CASE(moved_whole_if_both_places_are_aligned),
	  CASE(fork_shares_it_and_a_write_splits_it),
	  CASE(what_others_share_is_not_split_for_its_age), CASE(dontfork_and_wipeonfork),
	  CASE(without_a_block_it_is_a_small_page), CASE(collapse_answers_as_linux),
	  CASE(collapse_of_what_is_protected_or_shared),
	  CASE(khugepaged_goes_on_where_it_ended), CASE(khugepaged_keeps_its_limits),
	  CASE(a_split_takes_no_memory), CASE(a_block_that_is_only_ours_goes_back_whole),
	  CASE(huge_1_the_frames_are_of_one_anon), CASE(huge_2_each_has_a_table_for_its_split))
