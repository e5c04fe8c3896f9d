/* SPDX-License-Identifier: MIT */
/*
 * test_fault.c - page faults of anonymous memory, fork, stacks, accesses by the kernel
 */
#include "process.h"

/* Each case on each machine. */
#define ON_EACH(rig, ram)                                                                    \
	for (unsigned test_i = 0; process_machine(test_i); test_i++)                         \
		for (bool test_ok = process_rig(rig, process_machine(test_i), ram); test_ok; \
		     rig_end(rig), test_ok = false)

TEST(first_touch)
{
	struct rig rig;

	ON_EACH(&rig, MB(64))
	{
		uint64_t before = rig_free(&rig);
		struct quire_mm *mm = process_start(&rig);
		uint64_t at = process_anon(mm, 0, 8);

		CHECK_EQ(process_read(mm, at), 0);
		CHECK_EQ(process_read(mm, at + PAGE), 0);
		/* One page of zeros for all, which counts for nobody. */
		CHECK_EQ(process_pfn(mm, at), process_pfn(mm, at + PAGE));
		CHECK_EQ(process_stat(mm).rss_anon, 0);
		CHECK_EQ(process_write(mm, at + 8, 7), 0);
		CHECK(process_pfn(mm, at) != process_pfn(mm, at + PAGE));
		CHECK_EQ(process_read(mm, at + 8), 7);
		CHECK_EQ(process_read(mm, at), 0);
		CHECK_EQ(process_write(mm, at + 3 * PAGE - 4, UINT64_MAX), 0);
		CHECK_EQ(process_stat(mm).rss_anon, 3);
		CHECK_EQ(process_stat(mm).min_faults, 5);
		CHECK_EQ(process_stat(mm).faults[QUIRE_FAULT_KIND_ZERO], 2);
		CHECK_EQ(process_stat(mm).faults[QUIRE_FAULT_KIND_COPY], 1);
		CHECK_EQ(process_stat(mm).faults[QUIRE_FAULT_KIND_FRESH], 2);
		CHECK_EQ(process_stat(mm).maj_faults, 0);
		rig_sound(&rig);
		process_end(&rig, mm);
		rig_sound(&rig);
		quire_slab_drain(rig.q);
		CHECK(rig_free(&rig) <= before && rig_free(&rig) + 40 > before);
	}
}

TEST(signals)
{
	struct rig rig;

	ON_EACH(&rig, MB(64))
	{
		struct quire_mm *mm = process_start(&rig);
		bool nx = test_i != 1;
		uint64_t at = process_anon(mm, 0, 4), byte = 0;
		struct quire_signal signal;

		CHECK_EQ(process_touch(mm, 0x1000, &byte, 1, QUIRE_ACCESS_READ),
			 QUIRE_SEGV_MAPERR);
		CHECK_EQ(process_touch(mm, at + 4 * PAGE, &byte, 1, QUIRE_ACCESS_WRITE),
			 QUIRE_SEGV_MAPERR);
		/* Halfway: the address is that of the first byte that can't be done. */
		CHECK_EQ(quire_user_access(mm, (quire_virt_t){ at + 4 * PAGE - 4 }, &byte, 8,
					   QUIRE_ACCESS_WRITE, &signal),
			 QUIRE_FAULT_SIGSEGV);
		CHECK(signal.address.v == at + 4 * PAGE);
		CHECK_EQ(quire_mprotect(mm, (quire_virt_t){ at }, PAGE, QUIRE_PROT_READ), 0);
		CHECK_EQ(process_write(mm, at, 1), QUIRE_SEGV_ACCERR);
		CHECK_EQ(process_read(mm, at), 0);
		CHECK_EQ(process_write(mm, at, 1), QUIRE_SEGV_ACCERR);
		CHECK_EQ(process_touch(mm, at, &byte, 1, QUIRE_ACCESS_EXEC),
			 nx ? QUIRE_SEGV_ACCERR : 0);
		CHECK_EQ(process_write(mm, at + PAGE, 5), 0);
		CHECK_EQ(quire_mprotect(mm, (quire_virt_t){ at }, 2 * PAGE, QUIRE_PROT_NONE), 0);
		CHECK_EQ(process_touch(mm, at, &byte, 1, QUIRE_ACCESS_READ), QUIRE_SEGV_ACCERR);
		CHECK_EQ(process_touch(mm, at + PAGE, &byte, 1, QUIRE_ACCESS_READ),
			 QUIRE_SEGV_ACCERR);
		CHECK_EQ(process_stat(mm).rss_anon, 2);
		rig_sound(&rig);
		/* What was there is there again. */
		CHECK_EQ(quire_mprotect(mm, (quire_virt_t){ at }, 2 * PAGE, PROT_RW), 0);
		CHECK_EQ(process_read(mm, at + PAGE), 5);
		CHECK_EQ(process_write(mm, at + PAGE, 6), 0);
		/* The kernel's half, and addresses that can't be. */
		byte = quire_kernel_start(rig.q).v;
		CHECK_EQ(process_touch(mm, byte, &byte, 1, QUIRE_ACCESS_READ), QUIRE_SEGV_MAPERR);
		if (test_i == 0)
			CHECK_EQ(process_touch(mm, 1ull << 63, &byte, 1, QUIRE_ACCESS_READ),
				 QUIRE_SI_KERNEL);
		process_end(&rig, mm);
	}
}

TEST(copy_on_write)
{
	struct rig rig;

	ON_EACH(&rig, MB(64))
	{
		struct quire_mm *mm = process_start(&rig), *child = NULL;
		uint64_t at = process_anon(mm, 0, 4), pfn;

		CHECK_EQ(process_write(mm, at, 1), 0);
		CHECK_EQ(process_write(mm, at + PAGE, 2), 0);
		CHECK_EQ(process_read(mm, at + 2 * PAGE), 0);
		CHECK_EQ(quire_mm_fork(mm, &child), 0);
		rig_sound(&rig);
		pfn = process_pfn(mm, at);
		CHECK_EQ(process_pfn(child, at), pfn);
		/* The parent copies; the child has the frame alone then. */
		CHECK_EQ(process_write(mm, at, 11), 0);
		CHECK(process_pfn(mm, at) != pfn);
		rig_sound(&rig);
		CHECK_EQ(quire_mm_load(child), 0);
		CHECK_EQ(process_read(child, at), 1);
		CHECK_EQ(process_write(child, at, 21), 0);
		CHECK_EQ(process_pfn(child, at), pfn);
		CHECK_EQ(process_write(child, at + 2 * PAGE, 23), 0);
		rig_sound(&rig);
		CHECK_EQ(quire_mm_load(mm), 0);
		CHECK_EQ(process_read(mm, at), 11);
		CHECK_EQ(process_read(mm, at + PAGE), 2);
		CHECK_EQ(process_read(mm, at + 2 * PAGE), 0);
		/* The other one is gone: no copy. */
		pfn = process_pfn(mm, at + PAGE);
		CHECK_EQ(quire_mm_destroy(child), 0);
		CHECK_EQ(process_write(mm, at + PAGE, 12), 0);
		CHECK_EQ(process_pfn(mm, at + PAGE), pfn);
		process_end(&rig, mm);
	}
}

TEST(advice_for_fork)
{
	struct rig rig;

	ON_EACH(&rig, MB(64))
	{
		struct quire_mm *mm = process_start(&rig), *child = NULL;
		uint64_t at = process_anon(mm, 0, 9);

		for (unsigned i = 0; i < 9; i++)
			CHECK_EQ(process_write(mm, at + i * PAGE, i + 1), 0);
		CHECK_EQ(quire_madvise(mm, (quire_virt_t){ at }, 3 * PAGE, QUIRE_MADV_DONTFORK), 0);
		CHECK_EQ(quire_madvise(mm, (quire_virt_t){ at + 3 * PAGE }, 3 * PAGE,
				       QUIRE_MADV_WIPEONFORK),
			 0);
		CHECK_EQ(quire_mlock(mm, (quire_virt_t){ at + 6 * PAGE }, 3 * PAGE, 0), 0);
		CHECK_EQ(quire_mm_fork(mm, &child), 0);
		CHECK_EQ(process_stat(child).locked_vm, 0);
		CHECK_EQ(process_stat(child).total_vm, 6);
		CHECK_EQ(process_stat(child).rss_anon, 3);
		CHECK_EQ(quire_mm_load(child), 0);
		CHECK_EQ(process_write(child, at, 1), QUIRE_SEGV_MAPERR);
		CHECK_EQ(process_read(child, at + 3 * PAGE), 0);
		CHECK_EQ(process_read(child, at + 8 * PAGE), 9);
		rig_sound(&rig);
		CHECK_EQ(quire_mm_load(mm), 0);
		CHECK_EQ(process_read(mm, at + 3 * PAGE), 4);
		CHECK_EQ(quire_mm_destroy(child), 0);
		process_end(&rig, mm);
	}
}

TEST(stacks_grow)
{
	struct rig rig;

	ON_EACH(&rig, MB(64))
	{
		struct quire_mm *mm = process_start(&rig);
		uint64_t top = 0x40000000, below = top - MB(4);
		int64_t stack = process_map(mm, top - 4 * PAGE, 4, PROT_RW,
					    MAP_ANON | QUIRE_MAP_GROWSDOWN);

		CHECK(stack > 0);
		process_anon(mm, below, 16);
		CHECK_EQ(process_write(mm, top - 100 * PAGE, 3), 0);
		CHECK_EQ(process_stat(mm).stack_vm, 100);
		CHECK_EQ(process_write(mm, top - 99 * PAGE, 4), 0);
		CHECK_EQ(process_stat(mm).stack_vm, 100);
		/* 256 pages above the area below are kept free. */
		CHECK_EQ(process_write(mm, below + (16 + 255) * PAGE, 4), QUIRE_SEGV_MAPERR);
		CHECK_EQ(process_write(mm, below + (16 + 256) * PAGE, 4), 0);
		CHECK_EQ(process_read(mm, top - 100 * PAGE), 3);
		rig_sound(&rig);
		CHECK_EQ(quire_munmap(mm, (quire_virt_t){ below }, MB(3)), 0);
		CHECK_EQ(quire_mm_set_rlimit(mm, QUIRE_RLIMIT_STACK, MB(2)), 0);
		CHECK_EQ(process_write(mm, top - MB(2) - 1, 4), QUIRE_SEGV_MAPERR);
		CHECK_EQ(process_write(mm, top - MB(2), 4), 0);
		CHECK_EQ(process_stat(mm).stack_vm, MB(2) / PAGE);
		CHECK_EQ(quire_mm_set_rlimit(mm, QUIRE_RLIMIT_STACK, MB(8)), 0);
		CHECK_EQ(quire_mm_set_rlimit(mm, QUIRE_RLIMIT_AS, MB(2)), 0);
		CHECK_EQ(process_write(mm, top - MB(2) - 8, 4), QUIRE_SEGV_MAPERR);
		process_end(&rig, mm);
	}
}

TEST(kernel_copies)
{
	static unsigned char in[5 * QUIRE_PAGE_SIZE], out[5 * QUIRE_PAGE_SIZE];
	struct rig rig;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 7 + 1);
	ON_EACH(&rig, MB(64))
	{
		struct quire_mm *mm = process_start(&rig), *other = NULL;
		uint64_t at = process_anon(mm, 0, 8);
		quire_virt_t to = { at + 100 };

		CHECK_EQ(quire_copy_to_user(mm, to, in, sizeof(in)), 0);
		memset(out, 0, sizeof(out));
		CHECK_EQ(quire_copy_from_user(mm, out, to, sizeof(out)), 0);
		CHECK(!memcmp(in, out, sizeof(in)));
		CHECK_EQ(process_read(mm, at + 92), (uint64_t)0);
		CHECK_EQ((unsigned char)process_read(mm, at + 100), in[0]);
		/* A process that nobody has loaded. */
		CHECK_EQ(quire_mm_fork(mm, &other), 0);
		CHECK_EQ(quire_clear_user(other, (quire_virt_t){ at }, PAGE), 0);
		CHECK_EQ(quire_copy_from_user(other, out, (quire_virt_t){ at }, 2 * PAGE), 0);
		CHECK_EQ(out[PAGE - 1], 0);
		CHECK_EQ(out[PAGE], in[PAGE - 100]);
		CHECK_EQ((unsigned char)process_read(mm, at + 100), in[0]);
		/* What can't be done is told in bytes. */
		CHECK_EQ(quire_copy_to_user(mm, (quire_virt_t){ at + 8 * PAGE - 10 }, in, 100), 90);
		CHECK_EQ(quire_copy_from_user(mm, out, (quire_virt_t){ 16 }, 100), 100);
		CHECK_EQ(quire_copy_to_user(mm, quire_kernel_start(rig.q), in, 100), 100);
		CHECK_EQ(quire_mprotect(mm, (quire_virt_t){ at }, PAGE, QUIRE_PROT_READ), 0);
		CHECK_EQ(quire_clear_user(mm, (quire_virt_t){ at }, 100), 100);
		CHECK_EQ(quire_copy_from_user(mm, out, (quire_virt_t){ at }, 200), 0);
		rig_sound(&rig);
		CHECK_EQ(quire_mm_destroy(other), 0);
		process_end(&rig, mm);
	}
}

static void count_mapping(void *ctx, struct quire_mm *mm, quire_virt_t virt)
{
	(void)mm;
	*(uint64_t *)ctx += virt.v;
}

TEST(reverse_maps)
{
	struct quire_frame_use use;
	struct quire_vma_pages pages;
	struct rig rig;

	ON_EACH(&rig, MB(64))
	{
		struct quire_mm *mm = process_start(&rig), *child[3];
		uint64_t at = process_anon(mm, 0, 4), sum = 0;
		quire_pfn_t pfn;

		CHECK_EQ(process_write(mm, at + PAGE, 1), 0);
		pfn = quire_pfn(process_pfn(mm, at + PAGE));
		for (unsigned i = 0; i < 3; i++)
			CHECK_EQ(quire_mm_fork(i ? child[i - 1] : mm, &child[i]), 0);
		CHECK_EQ(quire_frame_use(rig.q, pfn, &use), 0);
		CHECK_EQ(use.mapcount, 4);
		CHECK(use.anon && !use.cache && !use.mlocked);
		CHECK_EQ(quire_frame_mappings(rig.q, pfn, count_mapping, &sum), 4);
		CHECK(sum == 4 * (at + PAGE));
		CHECK_EQ(quire_vma_pages(mm, (quire_virt_t){ at }, (quire_virt_t){ at + 4 * PAGE },
					 &pages),
			 0);
		CHECK_EQ(pages.rss, PAGE);
		CHECK_EQ(pages.pss, PAGE * 4096 / 4);
		CHECK_EQ(pages.shared_dirty, PAGE);
		CHECK_EQ(pages.anonymous, PAGE);
		/* A line of processes of which those in the middle end. */
		CHECK_EQ(quire_mm_destroy(child[0]), 0);
		CHECK_EQ(quire_mm_destroy(child[1]), 0);
		rig_sound(&rig);
		CHECK_EQ(quire_frame_mappings(rig.q, pfn, count_mapping, &sum), 2);
		CHECK_EQ(quire_mlock(child[2], (quire_virt_t){ at }, PAGE, 0), 0);
		CHECK_EQ(quire_frame_use(rig.q, quire_pfn(process_pfn(child[2], at)), &use), 0);
		CHECK(use.mlocked);
		CHECK_EQ(quire_frame_use(rig.q, quire_pfn(1ull << 40), &use), -QUIRE_ENXIO);
		process_end(&rig, mm);
		rig_sound(&rig);
		CHECK_EQ(quire_mm_destroy(child[2]), 0);
	}
}

/* Many generations have no more anons than they have frames. */
TEST(long_line)
{
	struct quire_cache_info info;
	struct rig rig;

	if (!process_rig(&rig, process_machine(0), MB(64)))
		return;
	struct quire_mm *mm = NULL, *child;

	CHECK_EQ(quire_mm_create(rig.q, NULL, &mm), 0);
	uint64_t at = process_anon(mm, 0, 8), value = 1;

	CHECK_EQ(quire_copy_to_user(mm, (quire_virt_t){ at }, &value, 8), 0);
	for (uint64_t i = 0; i < 300; i++) {
		CHECK_EQ(quire_mm_fork(mm, &child), 0);
		CHECK_EQ(quire_mm_destroy(mm), 0);
		mm = child;
		CHECK_EQ(quire_copy_to_user(mm, (quire_virt_t){ at + i % 4 * PAGE }, &i, 8), 0);
	}
	rig_sound(&rig);
	quire_cache_info(quire_cache_find(rig.q, "anon_vma"), &info);
	CHECK(info.active_objects <= 5);
	CHECK_EQ(quire_mm_destroy(mm), 0);
	quire_cache_info(quire_cache_find(rig.q, "anon_vma"), &info);
	CHECK_EQ(info.active_objects, 0);
	rig_end(&rig);
}

/* The same fault by two processors: the second finds it done, and there is one frame. */
TEST(spurious)
{
	struct rig rig;

	ON_EACH(&rig, MB(64))
	{
		struct quire_mm *mm = process_start(&rig);
		uint64_t at = process_anon(mm, 0, 4), pfn;
		quire_virt_t virt = { at };
		uint32_t write = QUIRE_PF_USER | QUIRE_PF_WRITE;

		for (unsigned i = 0; i < 3; i++)
			CHECK_EQ(quire_mm_fault(mm, virt, write, NULL), QUIRE_FAULT_DONE);
		pfn = process_pfn(mm, at);
		CHECK_EQ(quire_mm_fault(mm, virt, write | QUIRE_PF_PRESENT, NULL),
			 QUIRE_FAULT_DONE);
		CHECK_EQ(quire_mm_fault(mm, virt, QUIRE_PF_USER, NULL), QUIRE_FAULT_DONE);
		CHECK_EQ(process_pfn(mm, at), pfn);
		CHECK_EQ(process_stat(mm).rss_anon, 1);
		/* Of a page that isn't there any more. */
		CHECK_EQ(quire_madvise(mm, virt, PAGE, QUIRE_MADV_DONTNEED), 0);
		CHECK_EQ(quire_mm_fault(mm, virt, write | QUIRE_PF_PRESENT, NULL),
			 QUIRE_FAULT_DONE);
		CHECK_EQ(process_stat(mm).rss_anon, 0);
		CHECK_EQ(process_read(mm, at), 0);
		process_end(&rig, mm);
	}
}

TEST(moved)
{
	struct rig rig;

	ON_EACH(&rig, MB(64))
	{
		struct quire_mm *mm = process_start(&rig);
		uint64_t at = process_anon(mm, 0x10000000 - 3 * PAGE, 700), n;
		struct quire_mremap args = { .address = { at }, .old_bytes = 700 * PAGE,
					     .new_bytes = 700 * PAGE,
					     .flags = QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED,
					     .new_address = { 0x20000000 + 5 * PAGE } };
		quire_virt_t out;

		for (n = 0; n < 700; n += 3)
			CHECK_EQ(process_write(mm, at + n * PAGE, n + 1), 0);
		CHECK_EQ(quire_mremap(mm, &args, &out), 0);
		rig_sound(&rig);
		for (n = 0; n < 700; n++)
			CHECK_EQ(process_read(mm, out.v + n * PAGE), n % 3 ? 0 : n + 1);
		CHECK_EQ(process_write(mm, at, 1), QUIRE_SEGV_MAPERR);
		rig_sound(&rig);
		process_end(&rig, mm);
	}
}

/* What another processor has in its TLB is forgotten before the frame is used otherwise. */
TEST(other_tlbs)
{
	struct rig rig;

	ON_EACH(&rig, MB(64))
	{
		struct quire_mm *mm = process_start(&rig), *child;
		uint64_t at = process_anon(mm, 0, 4);

		CHECK_EQ(process_write(mm, at, 1), 0);
		CHECK_EQ(process_write(mm, at + PAGE, 1), 0);
		CHECK_EQ(quire_mm_fork(mm, &child), 0);
		quire_hosted_cpu(1);
		CHECK_EQ(quire_mm_load(mm), 0);
		CHECK_EQ(process_read(mm, at), 1);
		CHECK_EQ(process_read(mm, at + PAGE), 1);
		quire_hosted_cpu(0);
		CHECK_EQ(process_write(mm, at, 2), 0);
		CHECK_EQ(quire_madvise(mm, (quire_virt_t){ at + PAGE }, PAGE, QUIRE_MADV_DONTNEED),
			 0);
		quire_hosted_cpu(1);
		CHECK_EQ(process_read(mm, at), 2);
		CHECK_EQ(process_read(mm, at + PAGE), 0);
		CHECK_EQ(process_write(mm, at, 3), 0);
		CHECK_EQ(quire_mprotect(mm, (quire_virt_t){ at }, PAGE, QUIRE_PROT_READ), 0);
		quire_hosted_cpu(0);
		CHECK_EQ(process_write(mm, at, 4), QUIRE_SEGV_ACCERR);
		CHECK_EQ(process_read(mm, at), 3);
		CHECK_EQ(quire_munmap(mm, (quire_virt_t){ at }, PAGE), 0);
		quire_hosted_cpu(1);
		CHECK_EQ(process_write(mm, at, 4), QUIRE_SEGV_MAPERR);
		CHECK_EQ(quire_table_load(quire_table_kernel(rig.q)), 0);
		quire_hosted_cpu(0);
		CHECK_EQ(quire_mm_destroy(child), 0);
		process_end(&rig, mm);
	}
}

/* A processor that has no table loaded: the tables are walked instead. */
TEST(walked)
{
	struct rig rig;

	ON_EACH(&rig, MB(20))
	{
		struct quire_mm *mm;
		uint64_t at, value[2] = { 1, 2 }, is[2] = { 0, 0 };

		CHECK_EQ(quire_mm_create(rig.q, NULL, &mm), 0);
		at = process_anon(mm, 0, 2) + PAGE - 8;
		quire_hosted_cpu(2);
		CHECK_EQ(process_touch(mm, at, value, 16, QUIRE_ACCESS_WRITE), 0);
		CHECK_EQ(process_touch(mm, at, is, 16, QUIRE_ACCESS_READ), 0);
		CHECK(is[0] == 1 && is[1] == 2);
		CHECK_EQ(process_touch(mm, at + PAGE + 4, value, 8, QUIRE_ACCESS_WRITE),
			 QUIRE_SEGV_MAPERR);
		CHECK_EQ(quire_mprotect(mm, (quire_virt_t){ at + 8 }, PAGE, QUIRE_PROT_READ), 0);
		CHECK_EQ(process_write(mm, at + 8, 1), QUIRE_SEGV_ACCERR);
		CHECK_EQ(process_read(mm, at + 8), 2);
		quire_hosted_cpu(0);
		CHECK_EQ(quire_mm_destroy(mm), 0);
	}
}

/* A processor that has another process's table loaded does not touch that one's memory instead. */
TEST(another_is_loaded)
{
	for (unsigned i = 0; process_machine(i); i++) {
		struct rig rig;
		struct quire_mm *loaded, *other;

		if (!process_rig(&rig, process_machine(i), MB(64)))
			return;
		loaded = process_start(&rig);
		CHECK_EQ(quire_mm_create(rig.q, NULL, &other), 0);
		process_anon(loaded, 0x20000000, 2);
		process_anon(other, 0x20000000, 2);
		CHECK_EQ(process_write(loaded, 0x20000000, 1), 0);
		CHECK_EQ(process_write(other, 0x20000000, 2), 0);
		CHECK_EQ(process_read(loaded, 0x20000000), 1);
		CHECK_EQ(process_read(other, 0x20000000), 2);
		/* Loaded by another processor. */
		quire_hosted_cpu(1);
		CHECK_EQ(quire_mm_load(other), 0);
		quire_hosted_cpu(0);
		CHECK_EQ(process_write(other, 0x20001000, 3), 0);
		CHECK_EQ(process_read(other, 0x20001000), 3);
		quire_hosted_cpu(1);
		CHECK_EQ(quire_table_load(quire_table_kernel(rig.q)), 0);
		quire_hosted_cpu(0);
		CHECK_EQ(quire_mm_destroy(other), 0);
		process_end(&rig, loaded);
		rig_end(&rig);
	}
}

TEST_MAIN(CASE(first_touch), CASE(signals), CASE(copy_on_write), CASE(advice_for_fork),
	  CASE(stacks_grow), CASE(kernel_copies), CASE(reverse_maps), CASE(long_line),
	  CASE(spurious), CASE(moved), CASE(other_tlbs),
	  CASE(walked), CASE(another_is_loaded))
