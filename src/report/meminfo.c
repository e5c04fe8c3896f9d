/* SPDX-License-Identifier: MIT */
/*
 * meminfo.c - /proc/meminfo, memory in use and free, in kB
 *
 * What is counted here is what the zones manage and have free, what the heap and vmalloc
 * hold, the page cache, and processes. There is no swap and no reclaim yet: of those lines only
 * the ones that free, vmstat and smem stop without are given, and their 0 is true (REPORT-1):
 * nothing is on lists of active and inactive pages.
 *
 * MemAvailable is what could be had without touching the reserves: free frames
 * less, for each zone, its high watermark and its largest lowmem reserve; and of files with a store
 * half, or all but the low watermarks if those are less; and of the slabs that can be reclaimed
 * likewise.
 *
 * Source: proc(5); Linux's Documentation/filesystems/proc.rst
 */
#include "report/meminfo.h"

#include <quire/file.h>
#include <quire/layout.h>
#include <quire/mm.h>
#include <quire/slab.h>
#include <quire/vmalloc.h>

#include "report/zones.h"

struct totals {
	uint64_t managed;
	uint64_t free;
	uint64_t high_managed; /* of them, not directly mapped */
	uint64_t high_free;
	uint64_t cma;
	uint64_t free_cma;
	uint64_t reserve; /* not available: watermarks and lowmem reserves */
	uint64_t low;     /* low watermarks */
	uint64_t slab[2]; /* frames of slabs; [1]: that can be reclaimed */
};

/* How a line is shown; true is in kB. */
#define AS_NUMBER 2

struct line {
	const char *name;
	uint64_t kbytes;
	int shown;  /* HighTotal only where there is high memory, VmallocTotal only after
		     * quire_kernel_boot, Slab after quire_slab_boot, Dirty after quire_cache_boot,
		     * Committed_AS after quire_vm_boot */
};

/* The machines' frames all exist below 2^44, so that kB fit easily. */
static uint64_t to_kbytes(uint64_t pages)
{
	return pages << (QUIRE_PAGE_SHIFT - 10);
}

static uint64_t zone_reserve(const struct quire_zone_stat *stat)
{
	uint64_t reserve = 0;

	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		if (stat->reserve[z] > reserve)
			reserve = stat->reserve[z];
	}
	reserve += stat->wmark[QUIRE_WMARK_HIGH];
	return reserve < stat->managed ? reserve : stat->managed;
}

static void count(struct quire *q, struct totals *t)
{
	struct quire_zone_stat stat;

	*t = (struct totals){ .managed = 0 };
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (!zones_populated(q, z, &stat))
			continue;
		t->managed += stat.managed;
		t->free += stat.free;
		t->cma += stat.present_cma;
		t->free_cma += stat.free_cma;
		t->reserve += zone_reserve(&stat);
		t->low += stat.wmark[QUIRE_WMARK_LOW];
		if (zones_is_high(q, z, &stat)) {
			t->high_managed += stat.managed;
			t->high_free += stat.free;
		}
	}
}

static void count_slabs(struct quire *q, struct totals *t)
{
	struct quire_cache_info info;

	for (struct quire_cache *c = NULL; (c = quire_cache_next(q, c));) {
		quire_cache_info(c, &info);
		t->slab[(info.flags & QUIRE_SLAB_RECLAIM_ACCOUNT) != 0] +=
			info.nr_slabs * info.pages;
	}
}

/* What could be had of something that can be dropped. */
static uint64_t part(const struct totals *t, uint64_t pages)
{
	return pages - (pages / 2 < t->low ? pages / 2 : t->low);
}

static uint64_t available(const struct totals *t, const struct quire_pagecache_stat *cache)
{
	return (t->free > t->reserve ? t->free - t->reserve : 0) + part(t, cache->nr_pages) +
	       part(t, t->slab[1]);
}

static void write_lines(const struct line *lines, size_t nr, bool json,
			const struct quire_sink *sink)
{
	struct json j = { .sink = sink };

	if (json)
		json_open(&j, NULL, '{');
	for (size_t i = 0; i < nr; i++) {
		if (!lines[i].shown)
			continue;
		if (json) {
			json_number(&j, lines[i].name, lines[i].kbytes);
			continue;
		}
		char label[24];

		quire_format_buffer(label, sizeof(label), "%s:", lines[i].name);
		quire_format(sink, "%-16s%8ju%s\n", label, (uintmax_t)lines[i].kbytes,
			     lines[i].shown == AS_NUMBER ? "" : " kB");
	}
	if (json)
		json_close(&j, '}');
}

/** struct seen - what each tier says, and whether it is there */
struct seen {
	struct totals t;
	struct quire_vmalloc_stat vm;
	struct quire_direct_stat direct;
	struct quire_pagecache_stat cache;
	struct quire_vm_stat user;
	bool kernel, heap, files, processes;
};

static void look(struct quire *q, struct seen *s)
{
	*s = (struct seen){ .heap = quire_cache_next(q, NULL) != NULL };
	s->kernel = !quire_vmalloc_stat(q, &s->vm) && !quire_direct_stat(q, &s->direct);
	s->files = !quire_pagecache_stat(q, &s->cache);
	s->processes = !quire_vm_stat(q, &s->user);
	count(q, &s->t);
	count_slabs(q, &s->t);
}

void meminfo_write(struct quire *q, bool json, const struct quire_sink *sink)
{
	bool high = zones_have_high(q), wide = quire_config(q)->machine >= QUIRE_X86_64;
	uint64_t huge = quire_config(q)->machine == QUIRE_I386 ? 4096 : 2048; /* kB */
	struct seen s;

	look(q, &s);
	/* x86-64's VMALLOC_END is the region's last byte, so Linux's total lacks one. */
	const struct line lines[] = {
		{ "MemTotal", to_kbytes(s.t.managed), true },
		{ "MemFree", to_kbytes(s.t.free), true },
		{ "MemAvailable", to_kbytes(available(&s.t, &s.cache)), true },
		{ "Buffers", 0, true },
		{ "Cached", to_kbytes(s.cache.nr_pages + s.cache.nr_memory), true },
		{ "Active", 0, true },
		{ "Inactive", 0, true },
		{ "Mlocked", to_kbytes(s.user.nr_mlocked), s.processes },
		{ "HighTotal", to_kbytes(s.t.high_managed), high },
		{ "HighFree", to_kbytes(s.t.high_free), high },
		{ "LowTotal", to_kbytes(s.t.managed - s.t.high_managed), high },
		{ "LowFree", to_kbytes(s.t.free - s.t.high_free), high },
		{ "SwapTotal", 0, true },
		{ "SwapFree", 0, true },
		{ "Dirty", to_kbytes(s.cache.nr_dirty), s.files },
		{ "Writeback", to_kbytes(s.cache.nr_writeback), s.files },
		{ "AnonPages", to_kbytes(s.user.nr_anon), true },
		{ "Mapped", to_kbytes(s.user.nr_mapped), true },
		{ "Shmem", to_kbytes(s.cache.nr_memory), true },
		{ "KReclaimable", to_kbytes(s.t.slab[1]), s.heap },
		{ "Slab", to_kbytes(s.t.slab[0] + s.t.slab[1]), s.heap },
		{ "SReclaimable", to_kbytes(s.t.slab[1]), true },
		{ "SUnreclaim", to_kbytes(s.t.slab[0]), s.heap },
		{ "PageTables", to_kbytes(s.user.nr_table_pages), s.processes },
		{ "CommitLimit", to_kbytes(s.user.commit_limit), s.processes },
		{ "Committed_AS", to_kbytes(s.user.committed), s.processes },
		{ "VmallocTotal", (s.vm.total_bytes - wide) >> 10, s.kernel },
		{ "VmallocUsed", to_kbytes(s.vm.nr_pages), s.kernel },
		{ "AnonHugePages", s.user.nr_anon_huge * huge, s.processes },
		{ "CmaTotal", to_kbytes(s.t.cma), true },
		{ "CmaFree", to_kbytes(s.t.free_cma), true },
		{ "HugePages_Total", s.user.nr_hugepages, AS_NUMBER * s.processes },
		{ "HugePages_Free", s.user.nr_hugepages_free, AS_NUMBER * s.processes },
		{ "HugePages_Rsvd", s.user.nr_hugepages_reserved, AS_NUMBER * s.processes },
		{ "HugePages_Surp", s.user.nr_hugepages_surplus, AS_NUMBER * s.processes },
		{ "Hugepagesize", huge, s.processes },
		{ "Hugetlb", s.user.nr_hugepages * huge, s.processes },
		{ "DirectMap4k", s.direct.bytes_4k >> 10, s.kernel },
		{ quire_config(q)->machine == QUIRE_I386 ? "DirectMap4M" : "DirectMap2M",
		  s.direct.bytes_large >> 10, s.kernel },
		{ "DirectMap1G", s.direct.bytes_1g >> 10, s.kernel && wide },
	};


	write_lines(lines, sizeof(lines) / sizeof(lines[0]), json, sink);
}
