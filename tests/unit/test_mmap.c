/* SPDX-License-Identifier: MIT */
/*
 * test_mmap.c - areas made, cut, joined; the errors are those of Linux 6.18 for the same calls
 *
 * Rules VMA-1 to VMA-6 are checked after each test, and each is broken once.
 */
#include "space.h"

#include "vm/mm.h"

#define SHARED (QUIRE_MAP_SHARED | QUIRE_MAP_ANONYMOUS)

static struct quire_file *memory_file(struct space *s, unsigned mode, uint64_t nr_pages)
{
	const struct quire_inode_args args = { .bytes = nr_pages * PAGE, .ino = 7 };
	struct quire_inode *inode = NULL;
	struct quire_file *file = NULL;

	CHECK_EQ(quire_inode_create(s->q, &args, &inode), 0);
	CHECK_EQ(quire_file_open(inode, mode, "file", &file), 0);
	quire_inode_put(inode);
	return file;
}

/* Neighbours that are alike are one; a part that goes leaves two. */
TEST(join_and_cut)
{
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 2, RW, FIXED), 0);
	CHECK_EQ(map_at(&s, 4, 2, RW, FIXED), 0);
	CHECK_STR(space_areas(&s), "0-2 rw-p 4-6 rw-p");
	CHECK_EQ(map_at(&s, 2, 2, RW, FIXED), 0);
	CHECK_STR(space_areas(&s), "0-6 rw-p");
	CHECK_EQ(map_at(&s, 6, 2, QUIRE_PROT_READ, FIXED), 0);
	CHECK_STR(space_areas(&s), "0-6 rw-p 6-8 r--p");
	CHECK_EQ(space_stat(&s).total_vm, 8);
	CHECK_EQ(space_stat(&s).data_vm, 6);
	CHECK_EQ(space_committed(&s), 6);
	CHECK_EQ(unmap_at(&s, 2, 1), 0);
	CHECK_STR(space_areas(&s), "0-2 rw-p 3-6 rw-p 6-8 r--p");
	CHECK_EQ(unmap_at(&s, 1, 6), 0);
	CHECK_STR(space_areas(&s), "0-1 rw-p 7-8 r--p");
	CHECK_EQ(unmap_at(&s, 1, 6), 0);
	CHECK_EQ(space_stat(&s).total_vm, 2);
	CHECK_EQ(space_committed(&s), 1);
	CHECK_EQ(map_at(&s, 0, 8, QUIRE_PROT_EXEC, FIXED), 0);
	CHECK_STR(space_areas(&s), "0-8 --xp");
	CHECK_EQ(space_stat(&s).exec_vm, 8);
	CHECK_EQ(space_committed(&s), 0);
	space_end(&s);
}

TEST(mmap_errors)
{
	struct space s;
	quire_virt_t out;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	struct quire_mmap a = { at_page(0), PAGE, RW, FIXED, NULL, 0 }, b;
	const struct {
		uint64_t address, bytes;
		unsigned flags;
		uint64_t offset;
		int error;
	} cases[] = {
		{ BASE, 0, FIXED, 0, QUIRE_EINVAL },
		{ BASE, UINT64_MAX, FIXED, 0, QUIRE_ENOMEM },
		{ BASE + 1, PAGE, FIXED, 0, QUIRE_EINVAL },
		{ BASE, PAGE, FIXED, 1, QUIRE_EINVAL },
		{ BASE, PAGE, QUIRE_MAP_PRIVATE, 0, QUIRE_EBADF },
		{ BASE, PAGE, QUIRE_MAP_ANONYMOUS, 0, QUIRE_EINVAL },
		{ BASE, PAGE, SHARED | QUIRE_MAP_GROWSDOWN, 0, QUIRE_EINVAL },
		{ BASE, PAGE, QUIRE_MAP_SHARED_VALIDATE | QUIRE_MAP_ANONYMOUS, 0, QUIRE_EINVAL },
		{ 0x7ffffffff000, PAGE, FIXED, 0, QUIRE_ENOMEM },
		{ 0x1000, PAGE, FIXED, 0, QUIRE_EPERM },
		{ BASE, PAGE, FIXED | QUIRE_MAP_HUGETLB, 0, QUIRE_ENOMEM },
		{ BASE, PAGE, FIXED | QUIRE_MAP_HUGETLB | 5u << 26, 0, QUIRE_EINVAL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		b = (struct quire_mmap){ { cases[i].address }, cases[i].bytes, RW, cases[i].flags,
					 NULL, cases[i].offset };
		CHECK_EQ(quire_mmap(s.mm, &b, &out), -cases[i].error);
	}
	CHECK_STR(space_areas(&s), "");
	/* An offset without a file means nothing. */
	b = a;
	b.offset = -(uint64_t)PAGE;
	CHECK_EQ(quire_mmap(s.mm, &b, &out), 0);
	CHECK_EQ(out.v, BASE);
	b = a;
	b.flags = ANON | QUIRE_MAP_FIXED_NOREPLACE;
	CHECK_EQ(quire_mmap(s.mm, &b, &out), -QUIRE_EEXIST);
	b.address = at_page(1);
	CHECK_EQ(quire_mmap(s.mm, &b, &out), 0);
	/* A hint below mmap_min_addr is raised to it. */
	b = (struct quire_mmap){ { 0x1000 }, PAGE, RW, ANON, NULL, 0 };
	CHECK_EQ(quire_mmap(s.mm, &b, &out), 0);
	CHECK_EQ(out.v, 0x10000);
	space_end(&s);
}

TEST(file_errors)
{
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	const unsigned r = QUIRE_FILE_READ, w = QUIRE_FILE_WRITE;
	struct quire_file *rw = memory_file(&s, r | w, 16), *ro = memory_file(&s, r, 16);
	struct quire_file *wo = memory_file(&s, w, 16);
	struct quire_file *ne = memory_file(&s, r | w | QUIRE_FILE_NOEXEC, 16);
	const unsigned shared = QUIRE_MAP_SHARED, valid = QUIRE_MAP_SHARED_VALIDATE;
	const unsigned rx = QUIRE_PROT_READ | QUIRE_PROT_EXEC;

	CHECK_EQ(map_file(&s, 0, 1, RW, valid | QUIRE_MAP_FIXED_NOREPLACE, rw, 0),
		 -QUIRE_EOPNOTSUPP);
	CHECK_EQ(map_file(&s, 0, 1, RW, valid | QUIRE_MAP_SYNC, rw, 0), -QUIRE_EOPNOTSUPP);
	CHECK_EQ(map_file(&s, 0, 1, RW, valid | QUIRE_MAP_GROWSDOWN, rw, 0), -QUIRE_EINVAL);
	CHECK_EQ(map_file(&s, 0, 1, RW, shared, ro, 0), -QUIRE_EACCES);
	CHECK_EQ(map_file(&s, 0, 1, QUIRE_PROT_READ, shared, wo, 0), -QUIRE_EACCES);
	CHECK_EQ(map_file(&s, 0, 1, QUIRE_PROT_READ, QUIRE_MAP_PRIVATE, wo, 0), -QUIRE_EACCES);
	CHECK_EQ(map_file(&s, 0, 1, rx, QUIRE_MAP_PRIVATE, ne, 0), -QUIRE_EPERM);
	CHECK_EQ(map_file(&s, 0, 1, RW, 0, rw, 0), -QUIRE_EINVAL);
	CHECK_EQ(map_file(&s, 0, 2, RW, QUIRE_MAP_PRIVATE, rw, (UINT64_MAX >> 12) - 1),
		 -QUIRE_EOVERFLOW);
	CHECK_EQ(map_file(&s, 0, 2, RW, QUIRE_MAP_PRIVATE, rw, INT64_MAX >> 12), -QUIRE_EOVERFLOW);
	CHECK_STR(space_areas(&s), "");
	/* Private, it may be written whatever the file may. */
	CHECK_EQ(map_file(&s, 0, 2, RW, QUIRE_MAP_PRIVATE, ro, 3), 0);
	CHECK_EQ(map_file(&s, 2, 2, RW, QUIRE_MAP_PRIVATE, ro, 5), 0);
	CHECK_STR(space_areas(&s), "0-4 rw-p@3");
	CHECK_EQ(map_file(&s, 4, 2, RW, QUIRE_MAP_PRIVATE, ro, 8), 0);
	CHECK_EQ(map_file(&s, 6, 2, RW, QUIRE_MAP_PRIVATE, rw, 10), 0);
	CHECK_STR(space_areas(&s), "0-4 rw-p@3 4-6 rw-p@8 6-8 rw-p@10");
	CHECK_EQ(map_file(&s, 8, 2, QUIRE_PROT_READ, shared, ro, 0), 0);
	CHECK_EQ(protect_at(&s, 8, 1, RW), -QUIRE_EACCES);
	CHECK_EQ(map_file(&s, 10, 2, QUIRE_PROT_READ, shared, ne, 0), 0);
	CHECK_EQ(protect_at(&s, 10, 1, rx), -QUIRE_EACCES);
	CHECK_EQ(protect_at(&s, 10, 1, RW), 0);
	CHECK_EQ(unmap_at(&s, 1, 8), 0);
	CHECK_STR(space_areas(&s), "0-1 rw-p@3 9-10 r--s@1 10-11 rw-s@0 11-12 r--s@1");
	quire_file_put(rw);
	quire_file_put(ro);
	quire_file_put(wo);
	quire_file_put(ne);
	space_end(&s);
}

TEST(munmap_errors)
{
	struct space s;

	if (!space_start(&s, QUIRE_I386, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 4, RW, FIXED), 0);
	CHECK_EQ(quire_munmap(s.mm, virt_of(BASE + 1), PAGE), -QUIRE_EINVAL);
	CHECK_EQ(quire_munmap(s.mm, at_page(0), 0), -QUIRE_EINVAL);
	CHECK_EQ(quire_munmap(s.mm, at_page(0), UINT64_MAX), -QUIRE_EINVAL);
	CHECK_EQ(quire_munmap(s.mm, virt_of(0xc0000000), PAGE), -QUIRE_EINVAL);
	CHECK_EQ(quire_munmap(s.mm, virt_of(0xbffff000), PAGE), 0);
	CHECK_EQ(quire_munmap(s.mm, at_page(1), 1), 0);
	CHECK_STR(space_areas(&s), "0-1 rw-p 2-4 rw-p");
	space_end(&s);
}

/* Where an area goes that has no address. */
TEST(placement)
{
	struct quire_mm_layout at;
	struct quire_mmap a = { { 0 }, 2 * PAGE, RW, ANON, NULL, 0 };
	quire_virt_t out = { 0 };
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	quire_mm_layout(s.mm, &at);
	CHECK_EQ(at.task_size.v, 0x7ffffffff000);
	/* 128 MB at the least, with the default limit of 8 MB. */
	CHECK_EQ(at.mmap_base.v, 0x7ffff7fff000);
	CHECK_EQ(quire_mmap(s.mm, &a, &out), 0);
	CHECK_EQ(out.v, at.mmap_base.v - 2 * PAGE);
	a.prot = QUIRE_PROT_READ;
	CHECK_EQ(quire_mmap(s.mm, &a, &out), 0);
	CHECK_EQ(out.v, at.mmap_base.v - 4 * PAGE);
	/* A hole is filled from its top. */
	CHECK_EQ(quire_munmap(s.mm, virt_of(at.mmap_base.v - 2 * PAGE), 2 * PAGE), 0);
	a.bytes = PAGE;
	CHECK_EQ(quire_mmap(s.mm, &a, &out), 0);
	CHECK_EQ(out.v, at.mmap_base.v - PAGE);
	/* A hint that is free is taken; one that is not is ignored. */
	a.address = virt_of(BASE + 7);
	CHECK_EQ(quire_mmap(s.mm, &a, &out), 0);
	CHECK_EQ(out.v, BASE);
	CHECK_EQ(quire_mmap(s.mm, &a, &out), 0);
	CHECK_EQ(out.v, at.mmap_base.v - 2 * PAGE);
	a.address = virt_of(0);
	a.flags |= QUIRE_MAP_32BIT;
	CHECK_EQ(quire_mmap(s.mm, &a, &out), 0);
	CHECK_EQ(out.v, 0x40000000);
	/* Areas of whole huge pages begin at one. */
	a.flags = ANON;
	a.bytes = MB(2);
	CHECK_EQ(quire_mmap(s.mm, &a, &out), 0);
	CHECK_EQ(out.v % MB(2), 0);
	CHECK(out.v + MB(4) > at.mmap_base.v - 8 * PAGE);
	space_end(&s);
}

/* Stacks, other layouts. */
TEST(other_places)
{
	struct quire_mm_layout at;
	struct quire_mm_config config;
	struct quire_mmap a = { { 0 }, PAGE, RW, ANON, NULL, 0 };
	quire_virt_t out = { 0 }, hint;
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	/* Below a stack its guard gap stays free. */
	CHECK_EQ(map_at(&s, 1000, 4, RW, FIXED | QUIRE_MAP_GROWSDOWN), 0);
	a.address = hint = at_page(744);
	CHECK_EQ(quire_mmap(s.mm, &a, &out), 0);
	CHECK(out.v != hint.v);
	a.address = hint = at_page(743);
	CHECK_EQ(quire_mmap(s.mm, &a, &out), 0);
	CHECK_EQ(out.v, hint.v);
	quire_mm_config_init(&config);
	config.bottom_up = true;
	struct quire_mm *up = NULL;

	CHECK_EQ(quire_mm_create(s.q, &config, &up), 0);
	a.address = virt_of(0);
	CHECK_EQ(quire_mmap(up, &a, &out), 0);
	CHECK_EQ(out.v, 0x2aaaaaaab000);
	CHECK_EQ(quire_mm_destroy(up), 0);
	config.bottom_up = false;
	config.compat = true;
	CHECK_EQ(quire_mm_create(s.q, &config, &up), 0);
	CHECK_EQ(quire_mmap(up, &a, &out), 0);
	CHECK_EQ(out.v, 0xf7ffe000 - PAGE);
	CHECK_EQ(quire_mm_destroy(up), 0);
	config.compat = false;
	config.randomize = true;
	uint64_t base = 0;

	for (config.seed = 0; config.seed < 3; config.seed++) {
		CHECK_EQ(quire_mm_create(s.q, &config, &up), 0);
		quire_mm_layout(up, &at);
		CHECK(at.mmap_base.v != base && at.mmap_base.v % PAGE == 0);
		CHECK(at.mmap_base.v < 0x7ffff8000000 && at.mmap_base.v > 0x7efff0000000);
		base = at.mmap_base.v;
		CHECK_EQ(quire_mm_destroy(up), 0);
	}
	space_end(&s);
}

TEST(mprotect)
{
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 6, RW, FIXED), 0);
	CHECK_EQ(protect_at(&s, 2, 2, QUIRE_PROT_READ), 0);
	CHECK_STR(space_areas(&s), "0-2 rw-p 2-4 r--p 4-6 rw-p");
	/* The border moves up, and down. */
	CHECK_EQ(protect_at(&s, 2, 1, RW), 0);
	CHECK_STR(space_areas(&s), "0-3 rw-p 3-4 r--p 4-6 rw-p");
	CHECK_EQ(protect_at(&s, 1, 2, QUIRE_PROT_READ), 0);
	CHECK_STR(space_areas(&s), "0-1 rw-p 1-4 r--p 4-6 rw-p");
	CHECK_EQ(protect_at(&s, 1, 3, RW), 0);
	CHECK_STR(space_areas(&s), "0-6 rw-p");
	/* Untouched, its promise is given up with the right to write. */
	CHECK_EQ(space_committed(&s), 6);
	CHECK_EQ(protect_at(&s, 0, 6, QUIRE_PROT_READ), 0);
	CHECK_EQ(space_committed(&s), 0);
	CHECK_EQ(map_at(&s, 6, 2, QUIRE_PROT_READ, FIXED), 0);
	CHECK_STR(space_areas(&s), "0-8 r--p");
	CHECK_EQ(protect_at(&s, 0, 8, 16), -QUIRE_EINVAL);
	CHECK_EQ(protect_at(&s, 0, 8, 8), 0);
	CHECK_STR(space_areas(&s), "0-8 ---p");
	CHECK_EQ(quire_mprotect(s.mm, virt_of(BASE + 1), PAGE, 1), -QUIRE_EINVAL);
	CHECK_EQ(protect_at(&s, 0, 0, 16), 0);
	CHECK_EQ(quire_mprotect(s.mm, at_page(0), UINT64_MAX, 1), -QUIRE_ENOMEM);
	CHECK_EQ(quire_mprotect(s.mm, at_page(0), -(uint64_t)8192, 1), -QUIRE_ENOMEM);
	CHECK_EQ(protect_at(&s, 0, 1, 1 | QUIRE_PROT_GROWSDOWN), -QUIRE_EINVAL);
	CHECK_EQ(protect_at(&s, 0, 1, 1 | 0x02000000u), -QUIRE_EINVAL);
	CHECK_EQ(protect_at(&s, 10, 1, 1 | 0x02000000u), -QUIRE_ENOMEM);
	CHECK_EQ(protect_at(&s, 10, 1, 1 | QUIRE_PROT_GROWSDOWN), -QUIRE_ENOMEM);
	/* Up to the hole it is done. */
	CHECK_EQ(protect_at(&s, 4, 8, RW), -QUIRE_ENOMEM);
	CHECK_STR(space_areas(&s), "0-4 ---p 4-8 rw-p");
	CHECK_EQ(map_at(&s, 20, 4, RW, FIXED | QUIRE_MAP_GROWSDOWN), 0);
	CHECK_EQ(protect_at(&s, 22, 1, QUIRE_PROT_READ | QUIRE_PROT_GROWSDOWN), 0);
	CHECK_STR(space_areas(&s), "0-4 ---p 4-8 rw-p 20-23 r--p 23-24 rw-p");
	CHECK_EQ(space_stat(&s).stack_vm, 4);
	space_end(&s);
}

TEST(brk)
{
	struct space s;
	quire_virt_t heap = virt_of(BASE + 0x10), got;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(quire_brk(s.mm, virt_of(BASE)).v, 0);
	CHECK_EQ(quire_mm_set_brk(s.mm, heap), 0);
	CHECK_EQ(quire_brk(s.mm, virt_of(0)).v, heap.v);
	got = quire_brk(s.mm, virt_of(BASE + 5 * PAGE + 3));
	CHECK_EQ(got.v, BASE + 5 * PAGE + 3);
	CHECK_STR(space_areas(&s), "1-6 rw-p");
	CHECK_EQ(quire_brk(s.mm, virt_of(BASE)).v, got.v);
	got = quire_brk(s.mm, virt_of(BASE + 9 * PAGE));
	CHECK_STR(space_areas(&s), "1-9 rw-p");
	CHECK_EQ(quire_brk(s.mm, virt_of(BASE + 2 * PAGE)).v, BASE + 2 * PAGE);
	CHECK_STR(space_areas(&s), "1-2 rw-p");
	struct quire_vma_info info;

	CHECK(quire_mm_next_vma(s.mm, virt_of(BASE), &info) && info.kind == QUIRE_VMA_HEAP);
	/* A page stays free before what follows. */
	CHECK_EQ(map_at(&s, 6, 1, RW, FIXED), 0);
	CHECK_EQ(quire_brk(s.mm, virt_of(BASE + 6 * PAGE)).v, BASE + 2 * PAGE);
	CHECK_EQ(quire_brk(s.mm, virt_of(BASE + 5 * PAGE)).v, BASE + 5 * PAGE);
	CHECK_STR(space_areas(&s), "1-5 rw-p 6-7 rw-p");
	CHECK_EQ(quire_mm_set_rlimit(s.mm, QUIRE_RLIMIT_DATA, 3 * PAGE), 0);
	CHECK_EQ(quire_brk(s.mm, virt_of(BASE + 4 * PAGE)).v, BASE + 5 * PAGE);
	CHECK_EQ(quire_brk(s.mm, virt_of(BASE + 2 * PAGE)).v, BASE + 2 * PAGE);
	CHECK_EQ(quire_brk(s.mm, heap).v, heap.v);
	CHECK_STR(space_areas(&s), "6-7 rw-p");
	space_end(&s);
}

TEST(limits)
{
	struct quire_vm_sysctl sysctl;
	struct quire_vm_stat stat;
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 10, RW, FIXED), 0);
	CHECK_EQ(quire_mm_set_rlimit(s.mm, QUIRE_RLIMIT_AS, 12 * PAGE), 0);
	CHECK_EQ(map_at(&s, 20, 3, RW, FIXED), -QUIRE_ENOMEM);
	CHECK_EQ(map_at(&s, 20, 2, 0, FIXED), 0);
	CHECK_EQ(map_at(&s, 0, 10, 0, FIXED), 0);
	CHECK_EQ(quire_mm_set_rlimit(s.mm, QUIRE_RLIMIT_AS, QUIRE_RLIM_INFINITY), 0);
	CHECK_EQ(quire_mm_set_rlimit(s.mm, QUIRE_RLIMIT_DATA, 3 * PAGE), 0);
	CHECK_EQ(map_at(&s, 30, 4, RW, FIXED), -QUIRE_ENOMEM);
	CHECK_EQ(protect_at(&s, 0, 4, RW), -QUIRE_ENOMEM);
	CHECK_EQ(protect_at(&s, 0, 3, RW), 0);
	CHECK_EQ(quire_mm_set_rlimit(s.mm, QUIRE_RLIMIT_DATA, QUIRE_RLIM_INFINITY), 0);
	CHECK_EQ(quire_mm_set_rlimit(s.mm, (enum quire_rlimit)1, 0), -QUIRE_EINVAL);
	CHECK_EQ(quire_vm_sysctl(s.q, &sysctl), 0);
	CHECK_EQ(sysctl.max_map_count, 65530);
	/* 0-3, 3-10, 20-22: two more make five, and mmap itself lets one more through. */
	sysctl.max_map_count = 4;
	CHECK_EQ(quire_vm_set_sysctl(s.q, &sysctl), 0);
	CHECK_EQ(unmap_at(&s, 5, 1), 0);
	CHECK_EQ(unmap_at(&s, 7, 1), -QUIRE_ENOMEM);
	CHECK_EQ(protect_at(&s, 7, 1, QUIRE_PROT_READ), -QUIRE_ENOMEM);
	CHECK_EQ(map_at(&s, 40, 1, RW, FIXED), 0);
	CHECK_EQ(map_at(&s, 50, 1, RW, FIXED), -QUIRE_ENOMEM);
	CHECK_STR(space_areas(&s), "0-3 rw-p 3-5 ---p 6-10 ---p 20-22 ---p 40-41 rw-p");
	sysctl.max_map_count = 65530;
	/* 64 MB: what can't ever be met is refused, but not if it is not promised. */
	CHECK_EQ(quire_vm_set_sysctl(s.q, &sysctl), 0);
	CHECK_EQ(map_at(&s, 1000, MB(65) / PAGE, RW, FIXED), -QUIRE_ENOMEM);
	CHECK_EQ(map_at(&s, 1000, MB(65) / PAGE, RW, FIXED | QUIRE_MAP_NORESERVE), 0);
	sysctl.overcommit_memory = QUIRE_OVERCOMMIT_ALWAYS;
	CHECK_EQ(quire_vm_set_sysctl(s.q, &sysctl), 0);
	CHECK_EQ(map_at(&s, 1000, MB(65) / PAGE, RW, FIXED), 0);
	CHECK_EQ(space_committed(&s), MB(65) / PAGE + 4);
	CHECK_EQ(unmap_at(&s, 1000, MB(65) / PAGE), 0);
	sysctl.overcommit_memory = QUIRE_OVERCOMMIT_NEVER;
	sysctl.admin_reserve_kbytes = sysctl.user_reserve_kbytes = 0;
	CHECK_EQ(quire_vm_set_sysctl(s.q, &sysctl), 0);
	CHECK_EQ(quire_vm_stat(s.q, &stat), 0);
	CHECK(stat.commit_limit > 0 && stat.commit_limit <= MB(32) / PAGE);
	CHECK_EQ(map_at(&s, 1000, stat.commit_limit - 4, RW, FIXED), -QUIRE_ENOMEM);
	CHECK_EQ(map_at(&s, 1000, stat.commit_limit - 5, RW, FIXED | QUIRE_MAP_NORESERVE), 0);
	CHECK_EQ(space_committed(&s), stat.commit_limit - 1);
	/* What is replaced gives its promise to what replaces it. */
	CHECK_EQ(map_at(&s, 1000, 100, RW, FIXED), 0);
	CHECK_EQ(map_at(&s, 1000, 100, QUIRE_PROT_READ, FIXED), 0);
	CHECK_EQ(space_committed(&s), stat.commit_limit - 101);
	CHECK_EQ(map_at(&s, 0, 1, RW, QUIRE_MAP_FIXED | SHARED), 0);
	CHECK_EQ(space_committed(&s), stat.commit_limit - 101);
	sysctl.overcommit_memory = (enum quire_overcommit)3;
	CHECK_EQ(quire_vm_set_sysctl(s.q, &sysctl), -QUIRE_EINVAL);
	space_end(&s);
}

TEST(boots_once)
{
	struct quire_vm_stat stat;
	struct quire_mm_config config;
	struct space s;

	if (!kernel_start(&s.rig, QUIRE_I386, MB(64)))
		return;
	s.q = s.rig.q;
	CHECK_EQ(quire_vm_boot(s.q), -QUIRE_ENODEV);
	CHECK_EQ(quire_vm_stat(s.q, &stat), -QUIRE_ENODEV);
	CHECK_EQ(quire_mm_create(s.q, NULL, &s.mm), -QUIRE_ENODEV);
	CHECK_EQ(quire_cache_boot(s.q), 0);
	CHECK_EQ(quire_vm_boot(s.q), 0);
	CHECK_EQ(quire_vm_boot(s.q), -QUIRE_EBUSY);
	quire_mm_config_init(&config);
	config.compat = true;
	CHECK_EQ(quire_mm_create(s.q, &config, &s.mm), -QUIRE_EINVAL);
	CHECK_EQ(quire_mm_create(s.q, NULL, &s.mm), 0);
	CHECK_EQ(quire_mm_load(s.mm), 0);
	CHECK_EQ(map_at(&s, 0, 10, RW, FIXED), 0);
	CHECK_EQ(quire_mm_destroy(s.mm), -QUIRE_EBUSY);
	CHECK_EQ(quire_mm_destroy(NULL), 0);
	CHECK_EQ(space_stat(&s).total_vm, 10);
	CHECK_EQ(quire_vm_stat(s.q, &stat), 0);
	CHECK_EQ(stat.nr_mms, 1);
	/* The machine takes its processes with it. */
	rig_end(&s.rig);
}

#define BROKEN(name, change, repair)                                  \
	do {                                                          \
		struct quire_violation found = { "none", "", 0 };     \
		change;                                               \
		CHECK(!quire_check(s.q, &found));                     \
		CHECK_STR(found.rule, name);                          \
		repair;                                               \
		CHECK(quire_check(s.q, NULL));                        \
	} while (0)

TEST(rules_are_checked)
{
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 4, RW, FIXED), 0);
	CHECK_EQ(map_at(&s, 4, 4, QUIRE_PROT_READ, FIXED), 0);
	CHECK_EQ(map_at(&s, 8, 4, RW, FIXED | QUIRE_MAP_LOCKED), 0);
	struct vma *vma = vma_find(s.mm, BASE), *next = vma_find(s.mm, BASE + 4 * PAGE);
	uint32_t flags = next->flags;

	BROKEN("VMA-1", vma->end += PAGE, vma->end -= PAGE);
	BROKEN("VMA-1", vma->mm = NULL, vma->mm = s.mm);
	BROKEN("VMA-2", next->flags = vma->flags, next->flags = flags);
	BROKEN("VMA-3", s.mm->total_vm++, s.mm->total_vm--);
	BROKEN("VMA-3", s.mm->data_vm++, s.mm->data_vm--);
	BROKEN("VMA-3", s.mm->locked_vm++, s.mm->locked_vm--);
	BROKEN("VMA-4", vm_of(s.q)->committed++, vm_of(s.q)->committed--);
	CHECK(vma_find(s.mm, BASE + 8 * PAGE)->touched && !vma->touched);
	space_put(&s, 0, 1);
	CHECK(vma->touched);
	BROKEN("VMA-6", vma->touched = false, vma->touched = true);
	space_end(&s);
}

TEST_MAIN(CASE(join_and_cut), CASE(mmap_errors), CASE(file_errors), CASE(munmap_errors),
	  CASE(placement), CASE(other_places), CASE(mprotect), CASE(brk), CASE(limits),
	  CASE(boots_once), CASE(rules_are_checked))
