/* SPDX-License-Identifier: MIT */
/*
 * pagemap.c - what pages and frames are, in words of 64 bits: pagemap, kpagecount, kpageflags
 *
 * Linux's files have a word for each page of the address space, or each frame, and readers take the
 * part that they want; so do these functions. Words are little-endian, as those of the processors
 * are.
 *
 * Source: Linux's Documentation/admin-guide/mm/pagemap.rst; include/uapi/linux/kernel-page-flags.h
 *         for the numbers
 */
#include <quire/port.h>
#include <quire/report.h>

#include "cache/hugefile.h"
#include "pgtable/user.h"
#include "vm/huge.h"
#include "vm/mm.h"

/* Words written at once. */
#define BATCH 64

/* Of a page. */
#define PM_EXCLUSIVE (1ull << 56)
#define PM_FILE (1ull << 61)
#define PM_PRESENT (1ull << 63)
#define PM_FRAME ((1ull << 55) - 1)

/* Of a frame: bits. */
enum kpf {
	KPF_LOCKED = 0,
	KPF_REFERENCED = 2,
	KPF_UPTODATE = 3,
	KPF_DIRTY = 4,
	KPF_SLAB = 7,
	KPF_WRITEBACK = 8,
	KPF_BUDDY = 10,
	KPF_MMAP = 11,
	KPF_ANON = 12,
	KPF_SWAPBACKED = 14,
	KPF_COMPOUND_HEAD = 15,
	KPF_COMPOUND_TAIL = 16,
	KPF_HUGE = 17,
	KPF_NOPAGE = 20,
	KPF_THP = 22,
	KPF_ZERO_PAGE = 24,
	KPF_PGTABLE = 26,
	KPF_RESERVED = 32,
	KPF_MLOCKED = 33,
};

/** struct batch - words on their way out */
struct batch {
	const struct quire_sink *sink;
	unsigned char bytes[8 * BATCH];
	size_t used;
};

static void flush(struct batch *b)
{
	if (b->used)
		b->sink->write(b->sink->ctx, (const char *)b->bytes, b->used);
	b->used = 0;
}

static void add(struct batch *b, uint64_t word)
{
	for (unsigned i = 0; i < 8; i++)
		b->bytes[b->used++] = (unsigned char)(word >> 8 * i);
}

/* ---- pagemap ------------------------------------------------------------------- */

static uint64_t of_entry(const struct quire_table *t, uint64_t entry)
{
	struct quire *q = t->q;
	quire_pfn_t pfn = { (entry & t->format->address) >> QUIRE_PAGE_SHIFT };
	struct quire_page *page;
	uint64_t word = PM_PRESENT | (pfn.v & PM_FRAME);
	enum quire_owner owner;

	if (!(entry & (QUIRE_PTE_PRESENT | ENTRY_NONE)))
		return 0;
	page = quire_pfn_page(q, pfn);
	/* A huge page counts at its first frame. */
	page = page ? quire_page_head(q, page) : NULL;
	if (page && frames_owner(page) == QUIRE_OWNER_HUGETLB)
		return word | (hugefile_has(q, page) ? PM_FILE : 0) |
		       (use_mapcount(page) == 1 ? PM_EXCLUSIVE : 0);
	owner = page ? (enum quire_owner)(relaxed_load(&page->owner) & 0xff) : QUIRE_OWNER_NONE;
	/* The page of zeros is nobody's; of the huge one Linux says that it is not anonymous. */
	if (owner == QUIRE_OWNER_CACHE || huge_is_zero(t, entry))
		word |= PM_FILE;
	if ((owner == QUIRE_OWNER_CACHE || owner == QUIRE_OWNER_ANON) && use_mapcount(page) == 1)
		word |= PM_EXCLUSIVE;
	return word;
}

/* Up to BATCH pages, while their table is held. */
static void read_batch(struct quire_table *t, uint64_t at, uint64_t nr, struct batch *b)
{
	uintptr_t token = table_enter(t);

	for (; nr--; at += QUIRE_PAGE_SIZE)
		add(b, of_entry(t, user_look(t, at)));
	table_leave(t, token);
}

int quire_report_pagemap(struct quire_mm *mm, quire_virt_t start, uint64_t nr_pages,
			 const struct quire_sink *sink)
{
	uint64_t end = mm->layout.task_size.v >> QUIRE_PAGE_SHIFT, at = start.v;
	struct batch b = { .sink = sink };

	if (at & (QUIRE_PAGE_SIZE - 1))
		return -QUIRE_EINVAL;
	at >>= QUIRE_PAGE_SHIFT;
	if (at > end)
		return 0;
	nr_pages = nr_pages < end - at ? nr_pages : end - at;
	while (nr_pages) {
		uint64_t nr = nr_pages < BATCH ? nr_pages : BATCH;

		read_batch(mm->table, at << QUIRE_PAGE_SHIFT, nr, &b);
		flush(&b);
		at += nr;
		nr_pages -= nr;
	}
	return 0;
}

/* ---- Frames ------------------------------------------------------------------------ */

static uint64_t bit(enum kpf flag, bool set)
{
	return (uint64_t)set << flag;
}

/* Of a frame that user memory has. */
static uint64_t use_flags(const struct quire_frame_use *use)
{
	struct quire_inode_info inode = { .memory = use->anon };

	if (use->cache)
		quire_inode_info(use->inode, &inode);
	return bit(KPF_LOCKED, use->locked) | bit(KPF_REFERENCED, use->referenced) |
	       bit(KPF_UPTODATE, use->uptodate || use->anon) | bit(KPF_DIRTY, use->dirty) |
	       bit(KPF_WRITEBACK, use->writeback) | bit(KPF_MMAP, use->mapcount != 0) |
	       bit(KPF_ANON, use->anon) | bit(KPF_SWAPBACKED, inode.memory) |
	       bit(KPF_MLOCKED, use->mlocked);
}

static uint64_t block_flags(const struct quire_frame_info *info, quire_pfn_t pfn)
{
	uint64_t word = bit(KPF_SLAB, info->owner == QUIRE_OWNER_SLAB) |
			bit(KPF_PGTABLE, info->owner == QUIRE_OWNER_TABLE);

	if (info->owner == QUIRE_OWNER_SLAB && info->order)
		word |= bit(KPF_COMPOUND_HEAD, info->first.v == pfn.v) |
			bit(KPF_COMPOUND_TAIL, info->first.v != pfn.v);
	return word;
}

/* Of a frame of a huge page of the pool. */
static uint64_t hugetlb_flags(const struct quire_frame_use *use,
			      const struct quire_frame_info *info, quire_pfn_t pfn)
{
	return bit(KPF_HUGE, true) | bit(KPF_COMPOUND_HEAD, info->first.v == pfn.v) |
	       bit(KPF_COMPOUND_TAIL, info->first.v != pfn.v) | bit(KPF_UPTODATE, use->uptodate) |
	       bit(KPF_DIRTY, use->dirty) | bit(KPF_MMAP, use->mapcount != 0) |
	       bit(KPF_ANON, use->anon);
}

/* Is it a later frame of its huge page? */
static bool inside_huge(const struct quire *q, quire_pfn_t pfn)
{
	return pfn.v & (format_entries(format_of(quire_config(q)->machine), 0) - 1);
}

static uint64_t flags_of(struct quire *q, quire_pfn_t pfn)
{
	struct quire_frame_use use = { .mapcount = 0 };
	struct quire_frame_info info;

	quire_frame_info(q, pfn, &info);
	switch (info.state) {
	case QUIRE_FRAME_HOLE:
		return bit(KPF_NOPAGE, true);
	case QUIRE_FRAME_RESERVED:
		return bit(KPF_RESERVED, true);
	case QUIRE_FRAME_FREE:
		return bit(KPF_BUDDY, true);
	case QUIRE_FRAME_PCP:
		return 0;
	default:
		break;
	}
	if (quire_frame_use(q, pfn, &use))
		return block_flags(&info, pfn);
	if (use.hugetlb)
		return hugetlb_flags(&use, &info, pfn);
	if (!use.zero && !use.anon && !use.cache)
		return block_flags(&info, pfn);
	return (use.zero ? bit(KPF_ZERO_PAGE, true) : use_flags(&use)) |
	       bit(KPF_THP, use.huge) |
	       bit(KPF_COMPOUND_HEAD, use.huge && !inside_huge(q, pfn)) |
	       bit(KPF_COMPOUND_TAIL, use.huge && inside_huge(q, pfn));
}

static uint64_t count_of(struct quire *q, quire_pfn_t pfn)
{
	struct quire_frame_use use = { .mapcount = 0 };

	return quire_frame_use(q, pfn, &use) ? 0 : use.mapcount;
}

static uint64_t end_of_memory(struct quire *q)
{
	uint64_t end = 0;

	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		struct quire_zone_stat stat;

		quire_zone_stat(q, (enum quire_zone)z, &stat);
		if (stat.spanned && stat.start.v + stat.spanned > end)
			end = stat.start.v + stat.spanned;
	}
	return end;
}

static void write_frames(struct quire *q, quire_pfn_t start, uint64_t nr_pages,
			 uint64_t (*word)(struct quire *q, quire_pfn_t pfn),
			 const struct quire_sink *sink)
{
	struct batch b = { .sink = sink };
	uint64_t end = end_of_memory(q);

	for (uint64_t pfn = start.v; nr_pages-- && pfn < end; pfn++) {
		add(&b, word(q, quire_pfn(pfn)));
		if (b.used == sizeof(b.bytes))
			flush(&b);
	}
	flush(&b);
}

int quire_report_kpagecount(struct quire *q, quire_pfn_t start, uint64_t nr_pages,
			    const struct quire_sink *sink)
{
	if (!vm_of(q))
		return -QUIRE_ENODEV;
	write_frames(q, start, nr_pages, count_of, sink);
	return 0;
}

int quire_report_kpageflags(struct quire *q, quire_pfn_t start, uint64_t nr_pages,
			    const struct quire_sink *sink)
{
	if (!vm_of(q))
		return -QUIRE_ENODEV;
	write_frames(q, start, nr_pages, flags_of, sink);
	return 0;
}
