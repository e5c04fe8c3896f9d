/* SPDX-License-Identifier: MIT */
/*
 * test_madvise.c - madvise, mlock, mincore, msync, mseal; the answers are those of Linux 6.18 to
 * the same calls
 */
#include "space.h"

#include "phys/use.h"

static uint32_t flags_at(struct space *s, uint64_t n)
{
	struct quire_vma_info info = { .flags = 0 };

	CHECK(quire_mm_next_vma(s->mm, at_page(n), &info));
	return info.flags;
}

/* mincore's answer for @nr pages, as digits */
static const char *in_core(struct space *s, uint64_t n, uint64_t nr)
{
	static char text[64];
	unsigned char vec[63] = { 0 };

	CHECK_EQ(quire_mincore(s->mm, at_page(n), nr * PAGE, vec), 0);
	for (uint64_t i = 0; i < nr; i++)
		text[i] = vec[i] ? '1' : '0';
	text[nr] = 0;
	return text;
}

TEST(advice_errors)
{
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 2, RW, FIXED), 0);
	CHECK_EQ(map_at(&s, 3, 2, RW, FIXED), 0);
	CHECK_EQ(advise_at(&s, 0, 1, 99), -QUIRE_EINVAL);
	CHECK_EQ(advise_at(&s, 0, 0, 99), -QUIRE_EINVAL);
	CHECK_EQ(advise_at(&s, 0, 0, 4), 0);
	CHECK_EQ(advise_at(&s, 0, 1, 5), -QUIRE_EINVAL);
	CHECK_EQ(quire_madvise(s.mm, virt_of(BASE + 1), PAGE, 4), -QUIRE_EINVAL);
	CHECK_EQ(quire_madvise(s.mm, at_page(0), UINT64_MAX, 4), -QUIRE_EINVAL);
	CHECK_EQ(quire_madvise(s.mm, at_page(0), -(uint64_t)8192, 4), -QUIRE_EINVAL);
	/* Holes are told of when all the rest is done. */
	space_put(&s, 4, 1);
	CHECK_EQ(advise_at(&s, 0, 5, QUIRE_MADV_DONTNEED), -QUIRE_ENOMEM);
	CHECK_EQ(space_get(&s, 4), 0);
	CHECK_EQ(advise_at(&s, 2, 1, QUIRE_MADV_DONTNEED), -QUIRE_ENOMEM);
	CHECK_EQ(advise_at(&s, 0, 5, QUIRE_MADV_DONTFORK), -QUIRE_ENOMEM);
	CHECK(flags_at(&s, 3) & QUIRE_VM_DONTCOPY);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_REMOVE), -QUIRE_EINVAL);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_WILLNEED), 0);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_COLD), 0);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_PAGEOUT), 0);
	CHECK_EQ(quire_mlock(s.mm, at_page(0), PAGE, 0), 0);
	CHECK_EQ(advise_at(&s, 0, 2, QUIRE_MADV_DONTNEED), -QUIRE_EINVAL);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_FREE), -QUIRE_EINVAL);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_COLD), -QUIRE_EINVAL);
	/* Populating asks for rights. */
	CHECK_EQ(map_at(&s, 10, 1, 0, FIXED), 0);
	CHECK_EQ(map_at(&s, 11, 1, QUIRE_PROT_READ, FIXED), 0);
	CHECK_EQ(advise_at(&s, 10, 1, QUIRE_MADV_POPULATE_READ), -QUIRE_EINVAL);
	CHECK_EQ(advise_at(&s, 11, 1, QUIRE_MADV_POPULATE_READ), 0);
	CHECK_EQ(advise_at(&s, 11, 1, QUIRE_MADV_POPULATE_WRITE), -QUIRE_EINVAL);
	CHECK_EQ(advise_at(&s, 0, 5, QUIRE_MADV_POPULATE_WRITE), -QUIRE_ENOMEM);
	CHECK_STR(in_core(&s, 0, 2), "11");
	space_end(&s);
}

TEST(advice_for_files)
{
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	struct quire_file *file = space_file(&s, NULL, 16);

	CHECK_EQ(map_file(&s, 0, 4, RW, QUIRE_MAP_SHARED, file, 0), 0);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_FREE), -QUIRE_EINVAL);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_WIPEONFORK), -QUIRE_EINVAL);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_KEEPONFORK), 0);
	space_put(&s, 0, 1);
	space_put(&s, 1, 2);
	CHECK_EQ(advise_at(&s, 0, 2, QUIRE_MADV_DONTNEED), 0);
	CHECK_EQ(space_get(&s, 1), 2);
	CHECK_EQ(advise_at(&s, 1, 1, QUIRE_MADV_REMOVE), 0);
	CHECK_EQ(space_get(&s, 0), 1);
	CHECK_EQ(space_get(&s, 1), 0);
	CHECK_EQ(advise_at(&s, 0, 4, QUIRE_MADV_WILLNEED), 0);
	CHECK_EQ(protect_at(&s, 0, 1, QUIRE_PROT_READ), 0);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_REMOVE), 0);
	CHECK_EQ(map_file(&s, 0, 4, RW, QUIRE_MAP_PRIVATE, file, 0), 0);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_REMOVE), -QUIRE_EACCES);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_FREE), -QUIRE_EINVAL);
	space_put(&s, 1, 77);
	CHECK_EQ(advise_at(&s, 1, 1, QUIRE_MADV_DONTNEED), 0);
	CHECK_EQ(space_get(&s, 1), 0);
	/* A file's end. */
	CHECK_EQ(map_file(&s, 20, 4, RW, QUIRE_MAP_SHARED, file, 14), 0);
	CHECK_EQ(advise_at(&s, 20, 4, QUIRE_MADV_POPULATE_READ), -QUIRE_EFAULT);
	CHECK_EQ(advise_at(&s, 20, 4, QUIRE_MADV_POPULATE_WRITE), -QUIRE_EFAULT);
	CHECK_EQ(quire_mlock(s.mm, at_page(20), 4 * PAGE, 0), -QUIRE_ENOMEM);
	CHECK_EQ(quire_munlock(s.mm, at_page(20), 4 * PAGE), 0);
	CHECK_STR(in_core(&s, 20, 4), "1100");
	quire_file_put(file);
	space_end(&s);
}

/* Flags split areas, and what is alike again is one. */
TEST(advice_flags)
{
	static const struct {
		int on, off;
		uint32_t flag;
	} cases[] = {
		{ QUIRE_MADV_RANDOM, QUIRE_MADV_NORMAL, QUIRE_VM_RAND_READ },
		{ QUIRE_MADV_SEQUENTIAL, QUIRE_MADV_NORMAL, QUIRE_VM_SEQ_READ },
		{ QUIRE_MADV_DONTFORK, QUIRE_MADV_DOFORK, QUIRE_VM_DONTCOPY },
		{ QUIRE_MADV_WIPEONFORK, QUIRE_MADV_KEEPONFORK, QUIRE_VM_WIPEONFORK },
		{ QUIRE_MADV_DONTDUMP, QUIRE_MADV_DODUMP, QUIRE_VM_DONTDUMP },
	};
	struct quire_vm_sysctl sysctl;
	struct space s;

	if (!space_start(&s, QUIRE_I386, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 6, RW, FIXED), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_EQ(advise_at(&s, 2, 2, cases[i].on), 0);
		CHECK_STR(space_areas(&s), "0-2 rw-p 2-4 rw-p 4-6 rw-p");
		CHECK(flags_at(&s, 2) & cases[i].flag);
		CHECK_EQ(advise_at(&s, 2, 2, cases[i].off), 0);
		CHECK_STR(space_areas(&s), "0-6 rw-p");
	}
	CHECK_EQ(advise_at(&s, 2, 2, QUIRE_MADV_HUGEPAGE), 0);
	CHECK(flags_at(&s, 2) & QUIRE_VM_HUGEPAGE);
	CHECK_EQ(advise_at(&s, 2, 2, QUIRE_MADV_NOHUGEPAGE), 0);
	CHECK(flags_at(&s, 2) & QUIRE_VM_NOHUGEPAGE && !(flags_at(&s, 2) & QUIRE_VM_HUGEPAGE));
	CHECK_EQ(quire_vm_sysctl(s.q, &sysctl), 0);
	sysctl.max_map_count = 3;
	CHECK_EQ(quire_vm_set_sysctl(s.q, &sysctl), 0);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_RANDOM), -QUIRE_EAGAIN);
	space_end(&s);
}

/* A page that may go is marked, until somebody writes to it again. */
TEST(lazy)
{
	struct quire_mapping map;
	struct quire_vma_info info;
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 4, RW, FIXED), 0);
	space_put(&s, 0, 1);
	space_put(&s, 1, 2);
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_FREE), 0);
	CHECK_EQ(quire_table_query(quire_mm_table(s.mm), at_page(0), &map), 0);
	CHECK(!(map.pte & (QUIRE_PTE_DIRTY | QUIRE_PTE_ACCESSED)));
	struct quire_page *page = quire_pfn_page(s.q, quire_phys_pfn(map.phys));

	CHECK(use_of(s.q, page)->flags & USE_LAZYFREE);
	CHECK_EQ(space_get(&s, 0), 1);
	CHECK_EQ(advise_at(&s, 1, 1, QUIRE_MADV_COLD), 0);
	CHECK_EQ(quire_table_query(quire_mm_table(s.mm), at_page(1), &map), 0);
	CHECK(!(map.pte & QUIRE_PTE_ACCESSED));
	CHECK(quire_mm_next_vma(s.mm, at_page(0), &info) && info.end.v == at_page(4).v);
	space_end(&s);
}

TEST(mlock)
{
	struct quire_mm_config config;
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 4, RW, FIXED), 0);
	CHECK_EQ(map_at(&s, 5, 4, 0, FIXED), 0);
	CHECK_EQ(quire_mlock(s.mm, at_page(5), PAGE, 0), -QUIRE_ENOMEM);
	CHECK_EQ(quire_mlock(s.mm, at_page(0), 9 * PAGE, 0), -QUIRE_ENOMEM);
	CHECK(flags_at(&s, 0) & QUIRE_VM_LOCKED);
	CHECK_EQ(quire_mlock(s.mm, at_page(60), PAGE, 0), -QUIRE_ENOMEM);
	CHECK_EQ(quire_mlock(s.mm, at_page(60), 0, 0), 0);
	CHECK_EQ(quire_mlock(s.mm, virt_of(BASE + 1), UINT64_MAX, 0), 0);
	CHECK_EQ(quire_mlock(s.mm, at_page(0), -(uint64_t)8192, 0), -QUIRE_ENOMEM);
	CHECK_EQ(quire_mlock(s.mm, at_page(0), PAGE, 2), -QUIRE_EINVAL);
	CHECK_EQ(quire_munlock(s.mm, at_page(0), 9 * PAGE), -QUIRE_ENOMEM);
	CHECK_EQ(quire_mlock(s.mm, at_page(5), PAGE, QUIRE_MLOCK_ONFAULT), 0);
	CHECK_EQ(space_stat(&s).locked_vm, 1);
	CHECK_EQ(quire_munlockall(s.mm), 0);
	CHECK_EQ(space_stat(&s).locked_vm, 0);
	CHECK_STR(space_areas(&s), "0-4 rw-p 5-9 ---p");
	/* Bytes in the middle lock whole pages, which are had. */
	CHECK_EQ(advise_at(&s, 0, 4, QUIRE_MADV_DONTNEED), 0);
	CHECK_EQ(quire_mlock(s.mm, virt_of(BASE + PAGE + 100), PAGE, 0), 0);
	CHECK_STR(in_core(&s, 0, 4), "0110");
	CHECK_EQ(quire_mm_set_rlimit(s.mm, QUIRE_RLIMIT_MEMLOCK, 3 * PAGE), 0);
	CHECK_EQ(quire_mlock(s.mm, at_page(0), 3 * PAGE, 0), 0);
	CHECK_EQ(quire_mlock(s.mm, at_page(3), PAGE, 0), -QUIRE_ENOMEM);
	CHECK_EQ(quire_mlockall(s.mm, QUIRE_MCL_CURRENT), -QUIRE_ENOMEM);
	CHECK_EQ(quire_mlockall(s.mm, 0), -QUIRE_EINVAL);
	CHECK_EQ(quire_mlockall(s.mm, QUIRE_MCL_ONFAULT), -QUIRE_EINVAL);
	CHECK_EQ(quire_mlockall(s.mm, 8 | QUIRE_MCL_CURRENT), -QUIRE_EINVAL);
	CHECK_EQ(map_at(&s, 20, 1, RW, FIXED | QUIRE_MAP_LOCKED), -QUIRE_EAGAIN);
	CHECK_EQ(quire_mm_set_rlimit(s.mm, QUIRE_RLIMIT_MEMLOCK, 0), 0);
	CHECK_EQ(quire_mlock(s.mm, at_page(0), PAGE, 0), -QUIRE_EPERM);
	CHECK_EQ(quire_mlockall(s.mm, QUIRE_MCL_FUTURE), -QUIRE_EPERM);
	CHECK_EQ(map_at(&s, 20, 1, RW, FIXED | QUIRE_MAP_LOCKED), -QUIRE_EPERM);
	CHECK_EQ(quire_mm_set_rlimit(s.mm, QUIRE_RLIMIT_MEMLOCK, MB(1)), 0);
	CHECK_EQ(quire_mlockall(s.mm, QUIRE_MCL_FUTURE), 0);
	CHECK_EQ(map_at(&s, 20, 2, RW, FIXED), 0);
	CHECK_STR(in_core(&s, 20, 2), "11");
	CHECK_EQ(quire_mm_set_brk(s.mm, at_page(40)), 0);
	CHECK_EQ(quire_brk(s.mm, at_page(42)).v, at_page(42).v);
	CHECK_STR(in_core(&s, 40, 2), "11");
	CHECK_EQ(quire_munlockall(s.mm), 0);
	CHECK_EQ(quire_mlockall(s.mm, QUIRE_MCL_CURRENT), 0);
	CHECK_STR(in_core(&s, 0, 4), "1111");
	CHECK_EQ(space_stat(&s).locked_vm, 12);
	/* Rights to write let locked pages be had. */
	CHECK_STR(in_core(&s, 5, 4), "0000");
	CHECK_EQ(protect_at(&s, 6, 2, RW), 0);
	CHECK_STR(in_core(&s, 5, 4), "0110");
	quire_mm_config_init(&config);
	config.privileged = true;
	config.rlimit[QUIRE_RLIMIT_MEMLOCK] = 0;
	struct quire_mm *mm = s.mm;

	CHECK_EQ(quire_mm_create(s.q, &config, &s.mm), 0);
	CHECK_EQ(map_at(&s, 0, 1, RW, FIXED | QUIRE_MAP_LOCKED), 0);
	CHECK_EQ(quire_mm_destroy(s.mm), 0);
	s.mm = mm;
	space_end(&s);
}

TEST(mincore)
{
	unsigned char vec[8];
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	struct quire_file *file = space_file(&s, NULL, 16);
	char byte = 1;
	size_t done;

	CHECK_EQ(map_at(&s, 0, 2, RW, FIXED), 0);
	CHECK_EQ(map_at(&s, 3, 2, RW, FIXED), 0);
	CHECK_EQ(quire_mincore(s.mm, at_page(0), 5 * PAGE, vec), -QUIRE_ENOMEM);
	CHECK_EQ(quire_mincore(s.mm, at_page(0), 0, vec), 0);
	CHECK_EQ(quire_mincore(s.mm, virt_of(BASE + 1), PAGE, vec), -QUIRE_EINVAL);
	CHECK_EQ(quire_mincore(s.mm, at_page(0), 1, vec), 0);
	CHECK_EQ(quire_mincore(s.mm, at_page(0), UINT64_MAX, vec), -QUIRE_ENOMEM);
	CHECK_EQ(quire_mincore(s.mm, virt_of(0x7ffffffff000), PAGE, vec), -QUIRE_ENOMEM);
	CHECK_EQ(quire_mincore(s.mm, virt_of(0xffff800000000000), PAGE, vec), -QUIRE_ENOMEM);
	CHECK_STR(in_core(&s, 0, 2), "00");
	CHECK_EQ(space_get(&s, 0), 0); /* the page of zeros */
	space_put(&s, 1, 1);
	CHECK_STR(in_core(&s, 0, 2), "11");
	/* Without rights it is still there. */
	CHECK_EQ(protect_at(&s, 0, 2, 0), 0);
	CHECK_STR(in_core(&s, 0, 2), "11");
	CHECK_EQ(advise_at(&s, 0, 1, QUIRE_MADV_DONTNEED), 0);
	CHECK_STR(in_core(&s, 0, 2), "01");
	/* Of a file what the cache has. */
	CHECK_EQ(quire_file_write(file, 2 * PAGE, &byte, 1, &done), 0);
	CHECK_EQ(map_file(&s, 10, 4, RW, QUIRE_MAP_PRIVATE, file, 0), 0);
	CHECK_STR(in_core(&s, 10, 4), "0010");
	space_put(&s, 11, 5);
	CHECK_STR(in_core(&s, 10, 4), "0110");
	quire_file_put(file);
	space_end(&s);
}

/* A store that counts what is written to it. */
struct store {
	struct quire *q;
	unsigned nr_writes;
};

static struct store store;

static int store_read(void *ctx, uint64_t index, struct quire_page *const *pages, size_t nr)
{
	static const char zeros[4096];

	(void)ctx;
	(void)index;
	for (size_t i = 0; i < nr; i++) {
		if (quire_page_write(store.q, pages[i], 0, zeros, sizeof(zeros)))
			return -QUIRE_EIO;
	}
	return 0;
}

static int store_write(void *ctx, uint64_t index, struct quire_page *const *pages, uint64_t bytes)
{
	(void)ctx;
	(void)index;
	(void)pages;
	store.nr_writes += (unsigned)((bytes + PAGE - 1) / PAGE);
	return 0;
}

TEST(msync)
{
	static const struct quire_store functions = { .read = store_read, .write = store_write };
	const unsigned sync = QUIRE_MS_SYNC, async = QUIRE_MS_ASYNC;
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	store = (struct store){ .q = s.q };
	struct quire_file *file = space_file(&s, &functions, 16);

	CHECK_EQ(map_at(&s, 0, 2, RW, FIXED), 0);
	CHECK_EQ(map_file(&s, 3, 2, RW, QUIRE_MAP_SHARED, file, 0), 0);
	CHECK_EQ(quire_msync(s.mm, at_page(0), 5 * PAGE, async), -QUIRE_ENOMEM);
	CHECK_EQ(quire_msync(s.mm, at_page(0), 5 * PAGE, 0), -QUIRE_ENOMEM);
	CHECK_EQ(quire_msync(s.mm, at_page(0), PAGE, sync | async), -QUIRE_EINVAL);
	CHECK_EQ(quire_msync(s.mm, virt_of(BASE + 1), PAGE, 0), -QUIRE_EINVAL);
	CHECK_EQ(quire_msync(s.mm, at_page(0), PAGE, 8), -QUIRE_EINVAL);
	CHECK_EQ(quire_msync(s.mm, at_page(0), UINT64_MAX, 0), 0);
	CHECK_EQ(quire_msync(s.mm, at_page(0), -(uint64_t)8192, 0), -QUIRE_ENOMEM);
	CHECK_EQ(quire_msync(s.mm, at_page(2), PAGE, 0), -QUIRE_ENOMEM);
	CHECK_EQ(quire_msync(s.mm, at_page(2), 2 * PAGE, 0), -QUIRE_ENOMEM);
	CHECK_EQ(quire_mlock(s.mm, at_page(0), PAGE, 0), 0);
	CHECK_EQ(quire_msync(s.mm, at_page(0), PAGE, QUIRE_MS_INVALIDATE), -QUIRE_EBUSY);
	/* What was written is written back, behind the hole too, and once. */
	space_put(&s, 4, 1);
	CHECK_EQ(store.nr_writes, 0);
	CHECK_EQ(quire_msync(s.mm, at_page(0), 5 * PAGE, sync), -QUIRE_ENOMEM);
	CHECK_EQ(store.nr_writes, 1);
	CHECK_EQ(quire_msync(s.mm, at_page(3), 2 * PAGE, sync), 0);
	CHECK_EQ(store.nr_writes, 1);
	space_put(&s, 4, 2);
	CHECK_EQ(quire_msync(s.mm, at_page(3), PAGE, sync), 0);
	CHECK_EQ(store.nr_writes, 1);
	CHECK_EQ(quire_msync(s.mm, at_page(4), PAGE, sync), 0);
	CHECK_EQ(store.nr_writes, 2);
	quire_file_put(file);
	space_end(&s);
}

TEST(mseal)
{
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 4, RW, FIXED), 0);
	CHECK_EQ(map_at(&s, 8, 4, QUIRE_PROT_READ, FIXED), 0);
	CHECK_EQ(quire_mseal(s.mm, at_page(1), 2 * PAGE, 0), 0);
	CHECK_EQ(quire_mseal(s.mm, at_page(1), 9 * PAGE, 0), -QUIRE_ENOMEM);
	CHECK_EQ(quire_mseal(s.mm, at_page(0), PAGE, 1), -QUIRE_EINVAL);
	CHECK_EQ(quire_mseal(s.mm, virt_of(BASE + 1), PAGE, 0), -QUIRE_EINVAL);
	CHECK_EQ(quire_mseal(s.mm, at_page(0), 0, 0), 0);
	CHECK_EQ(quire_mseal(s.mm, at_page(0), UINT64_MAX, 0), -QUIRE_EINVAL);
	CHECK_STR(space_areas(&s), "0-1 rw-p 1-3 rw-p 3-4 rw-p 8-12 r--p");
	CHECK_EQ(unmap_at(&s, 0, 2), -QUIRE_EPERM);
	CHECK_EQ(protect_at(&s, 1, 1, QUIRE_PROT_READ), -QUIRE_EPERM);
	CHECK_EQ(protect_at(&s, 1, 1, RW), -QUIRE_EPERM);
	CHECK_EQ(remap_at(&s, 1, 1, 2, QUIRE_MREMAP_MAYMOVE, 0), -QUIRE_EPERM);
	CHECK_EQ(remap_at(&s, 1, 1, 1, 0, 0), -QUIRE_EPERM);
	CHECK_EQ(map_at(&s, 1, 1, RW, FIXED), -QUIRE_EPERM);
	/* What it could write it may lose; what it can't, it keeps. */
	CHECK_EQ(advise_at(&s, 1, 1, QUIRE_MADV_DONTNEED), 0);
	CHECK_EQ(quire_mseal(s.mm, at_page(8), 4 * PAGE, 0), 0);
	CHECK_EQ(advise_at(&s, 8, 1, QUIRE_MADV_DONTNEED), -QUIRE_EPERM);
	CHECK_EQ(advise_at(&s, 8, 1, QUIRE_MADV_FREE), -QUIRE_EPERM);
	CHECK_EQ(advise_at(&s, 8, 1, QUIRE_MADV_DONTFORK), -QUIRE_EPERM);
	CHECK_EQ(advise_at(&s, 8, 1, QUIRE_MADV_WIPEONFORK), -QUIRE_EPERM);
	CHECK_EQ(advise_at(&s, 8, 1, QUIRE_MADV_REMOVE), -QUIRE_EPERM);
	CHECK_EQ(advise_at(&s, 8, 1, QUIRE_MADV_RANDOM), 0);
	CHECK_EQ(quire_mlock(s.mm, at_page(8), PAGE, 0), 0);
	CHECK_EQ(quire_munlock(s.mm, at_page(8), PAGE), 0);
	CHECK_EQ(remap_at(&s, 3, 1, 1, 3, 8), -QUIRE_EPERM);
	CHECK_EQ(quire_mm_set_brk(s.mm, at_page(20)), 0);
	CHECK_EQ(quire_brk(s.mm, at_page(22)).v, at_page(22).v);
	CHECK_EQ(quire_mseal(s.mm, at_page(20), PAGE, 0), 0);
	CHECK_EQ(quire_brk(s.mm, at_page(20)).v, at_page(22).v);
	/* Private pages of a file are let go. */
	struct quire_file *file = space_file(&s, NULL, 4);

	CHECK_EQ(map_file(&s, 40, 2, RW, QUIRE_MAP_PRIVATE, file, 0), 0);
	space_put(&s, 40, 7);
	CHECK_EQ(protect_at(&s, 40, 2, QUIRE_PROT_READ), 0);
	CHECK_EQ(quire_mseal(s.mm, at_page(40), 2 * PAGE, 0), 0);
	CHECK_EQ(advise_at(&s, 40, 1, QUIRE_MADV_DONTNEED), 0);
	CHECK_EQ(space_get(&s, 40), 0);
	CHECK_EQ(advise_at(&s, 40, 1, QUIRE_MADV_FREE), -QUIRE_EINVAL);
	quire_file_put(file);
	space_end(&s);
	if (!space_start(&s, QUIRE_I386, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 4, RW, FIXED), 0);
	CHECK_EQ(quire_mseal(s.mm, at_page(1), 2 * PAGE, 0), -QUIRE_EPERM);
	space_end(&s);
}

/* Is the page of the cache that is mapped at page @n marked as used lately? */
static bool is_referenced(struct space *s, uint64_t pfn)
{
	struct quire_frame_use use;

	CHECK_EQ(quire_frame_use(s->q, quire_pfn(pfn), &use), 0);
	CHECK(use.cache);
	return use.referenced;
}

/* The processor reads a byte. */
static void touch(struct space *s, uint64_t n)
{
	char byte;

	CHECK_EQ(quire_user_access(s->mm, at_page(n), &byte, 1, QUIRE_ACCESS_READ, NULL),
		 QUIRE_FAULT_DONE);
}

static uint64_t pfn_at(struct space *s, uint64_t n)
{
	struct quire_mapping map = { .pte = 0 };

	CHECK(quire_table_next(quire_mm_table(s->mm), at_page(n), &map));
	CHECK_EQ(map.virt.v, at_page(n).v);
	return map.phys.v >> 12;
}

/* What the processor has marked in an entry is the page's, when the entry goes. */
TEST(used_pages_of_files)
{
	struct space s;

	EACH_MACHINE(m)
	{
		if (!space_start(&s, all_machines[m], MB(64)))
			return;
		struct quire_file *file = space_file(&s, NULL, 4);

		CHECK_EQ(map_file(&s, 0, 4, RW, QUIRE_MAP_SHARED, file, 0), 0);
		touch(&s, 1);
		uint64_t pfn = pfn_at(&s, 1);

		CHECK(is_referenced(&s, pfn));
		CHECK_EQ(advise_at(&s, 0, 4, QUIRE_MADV_COLD), 0);
		CHECK(!is_referenced(&s, pfn));
		/* Not touched since: nothing is carried over. */
		CHECK_EQ(advise_at(&s, 1, 1, QUIRE_MADV_DONTNEED), 0);
		CHECK(!is_referenced(&s, pfn));
		touch(&s, 1);
		CHECK_EQ(advise_at(&s, 1, 1, QUIRE_MADV_COLD), 0);
		touch(&s, 1);
		CHECK(!is_referenced(&s, pfn));
		CHECK_EQ(unmap_at(&s, 1, 1), 0);
		CHECK(is_referenced(&s, pfn));
		/* An area that is read once in order, or anywhere, says nothing of what is next. */
		CHECK_EQ(map_file(&s, 0, 4, RW, QUIRE_MAP_SHARED, file, 0), 0);
		CHECK_EQ(advise_at(&s, 0, 4, QUIRE_MADV_RANDOM), 0);
		touch(&s, 1);
		CHECK_EQ(advise_at(&s, 1, 1, QUIRE_MADV_COLD), 0);
		touch(&s, 1);
		CHECK_EQ(unmap_at(&s, 1, 1), 0);
		CHECK(!is_referenced(&s, pfn));
		/* What others map as well is theirs. */
		CHECK_EQ(map_file(&s, 1, 1, RW, QUIRE_MAP_SHARED, file, 1), 0);
		touch(&s, 1);
		for (uint64_t n = 9; n < 11; n++) {
			CHECK_EQ(map_file(&s, n, 1, RW, QUIRE_MAP_SHARED, file, 1), 0);
			touch(&s, n);
		}
		CHECK_EQ(unmap_at(&s, 10, 1), 0);
		CHECK(is_referenced(&s, pfn));
		CHECK_EQ(advise_at(&s, 1, 1, QUIRE_MADV_COLD), 0);
		CHECK(is_referenced(&s, pfn));
		quire_file_put(file);
		space_end(&s);
	}
}

/* A seal of a memfd, and its mappings. */
TEST(sealed_file)
{
	struct quire_file *file = NULL;
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(quire_memfd_create(s.q, "m", QUIRE_MFD_ALLOW_SEALING, &file), 0);
	CHECK_EQ(quire_file_truncate(file, 4 * PAGE), 0);
	CHECK_EQ(map_file(&s, 0, 2, QUIRE_PROT_READ, QUIRE_MAP_SHARED, file, 0), 0);
	CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_WRITE), -QUIRE_EBUSY);
	CHECK_EQ(unmap_at(&s, 0, 2), 0);
	CHECK_EQ(quire_file_seal(file, QUIRE_SEAL_WRITE), 0);
	CHECK_EQ(map_file(&s, 0, 2, RW, QUIRE_MAP_SHARED, file, 0), -QUIRE_EPERM);
	CHECK_EQ(map_file(&s, 0, 2, QUIRE_PROT_READ, QUIRE_MAP_SHARED, file, 0), 0);
	CHECK_EQ(protect_at(&s, 0, 1, RW), -QUIRE_EACCES);
	CHECK_EQ(map_file(&s, 4, 2, RW, QUIRE_MAP_PRIVATE, file, 0), 0);
	quire_file_put(file);
	space_end(&s);
}

TEST_MAIN(CASE(advice_errors), CASE(advice_for_files), CASE(advice_flags), CASE(lazy), CASE(mlock),
	  CASE(mincore), CASE(msync), CASE(mseal), CASE(used_pages_of_files),
	  CASE(sealed_file))
