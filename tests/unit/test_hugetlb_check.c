/* SPDX-License-Identifier: MIT */
/*
 * test_hugetlb_check.c - each rule about huge pages is broken once, and quire_check names it; what
 * reports and the kernel see of them
 */
#include "hugetlb.h"

#include <quire/report.h>

#include "cache/cache.h"
#include "cache/hugefile.h"
#include "pgtable/user.h"
#include "vm/hugetlb.h"
#include "vm/mm.h"

struct life {
	struct rig rig;
	struct quire_mm *mm;
	struct quire_file *file;
	struct hugepool *pool;
	uint64_t huge, at, shared;
	struct quire_page *own, *files; /* at at, at shared */
	struct vma *vma;
};

static struct quire_page *page_at(struct life *l, uint64_t at)
{
	return quire_pfn_page(l->rig.q, quire_pfn(process_pfn(l->mm, at)));
}

static bool start(struct life *l)
{
	*l = (struct life){ .mm = NULL };
	if (!process_rig(&l->rig, process_machine(0), MB(64)))
		return false;
	l->huge = huge_bytes(&l->rig);
	huge_set(&l->rig, 6, 0);
	l->mm = process_start(&l->rig);
	l->at = (uint64_t)huge_map(&l->rig, l->mm, HUGE_AT, 2, MAP_HUGE);
	CHECK_EQ(process_write(l->mm, l->at, 1), 0);
	CHECK_EQ(quire_memfd_create(l->rig.q, "x", QUIRE_MFD_HUGETLB, &l->file), 0);
	l->shared = (uint64_t)huge_map_file(&l->rig, l->mm, l->file, 2, QUIRE_MAP_SHARED);
	CHECK_EQ(process_write(l->mm, l->shared, 1), 0);
	l->pool = &pagecache_of(l->rig.q)->huge;
	l->own = page_at(l, l->at);
	l->files = page_at(l, l->shared);
	l->vma = tree_find(&l->mm->areas, l->at);
	return rig_sound(&l->rig);
}

static void end(struct life *l)
{
	process_end(&l->rig, l->mm);
	quire_file_put(l->file);
	rig_end(&l->rig);
}

static void broken(struct life *l, const char *rule)
{
	struct quire_violation out = { "none", "", 0 };

	CHECK(!quire_check(l->rig.q, &out));
	CHECK_STR(out.rule, rule);
}

TEST(pool_rules)
{
	struct life l;

	if (!start(&l))
		return;
	l.pool->nr_free++;
	broken(&l, "HUGETLB-1");
	l.pool->nr_free--;
	l.pool->nr++;
	broken(&l, "HUGETLB-1");
	l.pool->nr--;
	l.pool->nr_surplus += 7;
	broken(&l, "HUGETLB-1");
	l.pool->nr_surplus -= 7;
	l.pool->free->owner += USE_MAPPED_ONE;
	broken(&l, "HUGETLB-1");
	l.pool->free->owner -= USE_MAPPED_ONE;
	/* More promised than free; than known; less than files say. */
	l.pool->nr_reserved += 4;
	broken(&l, "HUGETLB-2");
	l.pool->nr_reserved -= 3;
	broken(&l, "HUGETLB-2");
	l.pool->nr_reserved -= 3;
	broken(&l, "HUGETLB-2");
	l.pool->nr_reserved += 2;
	l.vma->huge.resv->bits[0] ^= 1;
	broken(&l, "HUGETLB-2");
	l.vma->huge.resv->bits[0] ^= 1;
	end(&l);
}

TEST(page_rules)
{
	struct hugefile *huge;
	struct life l;
	struct use *use;

	if (!start(&l))
		return;
	huge = quire_file_inode(l.file)->huge;
	use = use_of(l.rig.q, l.files);
	use->index++;
	broken(&l, "HUGETLB-3");
	use->index--;
	huge->nr_pages++;
	broken(&l, "HUGETLB-3");
	huge->nr_pages--;
	huge->nr_promised++;
	broken(&l, "HUGETLB-3");
	huge->nr_promised--;
	use = use_of(l.rig.q, l.own);
	use->index++;
	broken(&l, "HUGETLB-3");
	use->index--;
	l.own->private ^= 64;
	broken(&l, "HUGETLB-3");
	l.own->private ^= 64;
	l.own->owner += USE_MAPPED_ONE;
	broken(&l, "HUGETLB-4");
	l.own->owner -= USE_MAPPED_ONE;
	l.files->word += COUNT_ONE;
	broken(&l, "HUGETLB-4");
	l.files->word -= COUNT_ONE;
	l.files->owner += 3 * USE_MAPPED_ONE;
	broken(&l, "HUGETLB-4");
	l.files->owner -= 3 * USE_MAPPED_ONE;
	/* Two have it, and one may write. */
	l.own->word += COUNT_ONE;
	broken(&l, "HUGETLB-5");
	l.own->word -= COUNT_ONE;
	end(&l);
}

/* A page table in an area of huge pages. */
TEST(area_rules)
{
	struct life l;

	if (!start(&l))
		return;
	CHECK_EQ(quire_table_map(quire_mm_table(l.mm), (quire_virt_t){ l.at + l.huge },
				 quire_phys(0), PAGE, QUIRE_PTE_USER_RO, 0),
		 0);
	broken(&l, "HUGETLB-5");
	CHECK_EQ(quire_table_unmap(quire_mm_table(l.mm), (quire_virt_t){ l.at + l.huge }, PAGE,
				   NULL),
		 0);
	end(&l);
}

/* ---- What others see ------------------------------------------------------------------ */

static char text[200000];
static size_t used;

static void write_text(void *ctx, const char *bytes, size_t n)
{
	(void)ctx;
	n = n < sizeof(text) - used - 1 ? n : sizeof(text) - used - 1;
	memcpy(text + used, bytes, n);
	used += n;
	text[used] = 0;
}

static const struct quire_sink *sink(void)
{
	static const struct quire_sink s = { write_text, NULL };

	used = 0;
	text[0] = 0;
	return &s;
}

static uint64_t word(size_t i)
{
	uint64_t value = 0;

	for (unsigned b = 0; b < 8; b++)
		value |= (uint64_t)(unsigned char)text[8 * i + b] << 8 * b;
	return value;
}

#define NUMBERS(flags) ((flags) & 0x3fffffffu)

TEST(reports)
{
	struct quire_mm *child;
	struct life l;

	if (!start(&l))
		return;
	CHECK_EQ(quire_report(l.rig.q, "meminfo", false, sink()), 0);
	CHECK(strstr(text, "HugePages_Total:       6\n"));
	CHECK(strstr(text, "HugePages_Free:        4\n"));
	CHECK(strstr(text, "HugePages_Rsvd:        2\n"));
	CHECK(strstr(text, "HugePages_Surp:        0\n"));
	CHECK(strstr(text, "Hugetlb:           12288 kB\n"));
	CHECK_EQ(quire_report_mm(l.mm, "smaps", false, sink()), 0);
	CHECK(strstr(text, "/anon_hugepage (deleted)\n"));
	CHECK(strstr(text, "/memfd:x (deleted)\n"));
	CHECK(strstr(text, "KernelPageSize:     2048 kB\n"));
	CHECK(strstr(text, "Private_Hugetlb:    2048 kB\n"));
	CHECK(strstr(text, "VmFlags: rd wr mr mw me de ht \n"));
	CHECK(strstr(text, "VmFlags: rd wr sh mr mw me ms de ht \n"));
	CHECK_EQ(quire_report_mm(l.mm, "status", false, sink()), 0);
	CHECK(strstr(text, "HugetlbPages:\t    4096 kB\n"));
	CHECK(strstr(text, "VmRSS:\t       0 kB\n"));
	CHECK_EQ(quire_mm_fork(l.mm, &child), 0);
	CHECK_EQ(quire_report_mm(l.mm, "smaps", false, sink()), 0);
	CHECK(strstr(text, "Shared_Hugetlb:     2048 kB\n"));
	CHECK_EQ(quire_mm_destroy(child), 0);
	end(&l);
}

/* pagemap, kpageflags, kpagecount: as Linux 6.18 has them, bits beyond 30 apart. */
TEST(words_of_pages)
{
	const uint64_t exclusive = 1ull << 63 | 1ull << 56, file = 1ull << 61;
	struct life l;
	quire_pfn_t pfn;

	if (!start(&l))
		return;
	CHECK_EQ(quire_report_pagemap(l.mm, (quire_virt_t){ l.at }, 2, sink()), 0);
	pfn.v = process_pfn(l.mm, l.at);
	CHECK_EQ(word(0), exclusive | pfn.v);
	CHECK_EQ(word(1), exclusive | (pfn.v + 1));
	CHECK_EQ(quire_report_kpageflags(l.rig.q, pfn, 2, sink()), 0);
	CHECK_EQ(NUMBERS(word(0)), 0x29808);
	CHECK_EQ(NUMBERS(word(1)), 0x31808);
	CHECK_EQ(quire_report_kpagecount(l.rig.q, pfn, 2, sink()), 0);
	CHECK_EQ(word(0) + word(1), 2);
	CHECK_EQ(quire_report_pagemap(l.mm, (quire_virt_t){ l.shared }, 1, sink()), 0);
	pfn.v = process_pfn(l.mm, l.shared);
	CHECK_EQ(word(0), exclusive | file | pfn.v);
	CHECK_EQ(quire_report_kpageflags(l.rig.q, pfn, 2, sink()), 0);
	CHECK_EQ(NUMBERS(word(0)), 0x28818);
	CHECK_EQ(NUMBERS(word(1)), 0x30818);
	/* One that is free. */
	pfn = quire_page_pfn(l.rig.q, l.pool->free);
	CHECK_EQ(quire_report_kpageflags(l.rig.q, pfn, 2, sink()), 0);
	CHECK_EQ(NUMBERS(word(0)), 0x28000);
	CHECK_EQ(NUMBERS(word(1)), 0x30000);
	end(&l);
}

static void count(void *ctx, struct quire_mm *mm, quire_virt_t virt)
{
	(void)mm;
	*(uint64_t *)ctx += virt.v;
}

/* From any frame of a huge page to who maps it. */
TEST(mappings)
{
	uint64_t sum = 0;
	struct quire_mm *child;
	struct life l;
	quire_pfn_t pfn;

	if (!start(&l))
		return;
	CHECK_EQ(quire_mm_fork(l.mm, &child), 0);
	pfn.v = process_pfn(l.mm, l.at) + 77;
	CHECK_EQ(quire_frame_mappings(l.rig.q, pfn, count, &sum), 2);
	CHECK_EQ(sum, 2 * l.at);
	pfn = quire_page_pfn(l.rig.q, l.pool->free);
	CHECK_EQ(quire_frame_mappings(l.rig.q, pfn, count, &sum), 0);
	CHECK_EQ(quire_mm_destroy(child), 0);
	end(&l);
}

/* The kernel copies across the border of two huge pages, and stops where there is none. */
TEST(kernel_access)
{
	for (unsigned i = 0; process_machine(i); i++) {
		char out[3000], in[3000];
		struct quire_mm *mm;
		struct rig rig;
		uint64_t huge, at;

		if (!process_rig(&rig, process_machine(i), MB(128)))
			return;
		huge = huge_bytes(&rig);
		huge_set(&rig, 2, 0);
		mm = process_start(&rig);
		at = (uint64_t)huge_map(&rig, mm, HUGE_AT, 3, MAP_HUGE | QUIRE_MAP_NORESERVE);
		memset(out, 'q', sizeof(out));
		memset(in, 0, sizeof(in));
		CHECK_EQ(quire_copy_to_user(mm, (quire_virt_t){ at + huge - 1000 }, out,
					    sizeof(out)),
			 0);
		CHECK_EQ(quire_copy_from_user(mm, in, (quire_virt_t){ at + huge - 1000 },
					      sizeof(in)),
			 0);
		CHECK(!memcmp(in, out, sizeof(in)));
		CHECK_EQ(quire_clear_user(mm, (quire_virt_t){ at + 2 * huge - 500 }, 2000), 1500);
		CHECK_POOL(&rig, "2 0 0 0");
		process_end(&rig, mm);
		rig_end(&rig);
	}
}

TEST_MAIN(CASE(pool_rules), CASE(page_rules), CASE(area_rules), CASE(reports),
	  CASE(words_of_pages), CASE(mappings), CASE(kernel_access))
