/* SPDX-License-Identifier: MIT */
/*
 * meminfo.c - /proc/meminfo, memory in use and free, in kB
 *
 * What is counted here is what the zones manage and have free, and what the heap and vmalloc
 * hold, and processes. There is no swap yet: of those lines only the ones that
 * free, vmstat and smem stop without are given, and their 0 is true (REPORT-1).
 *
 * MemAvailable is what could be had without touching the reserves: free frames
 * less, for each zone, its high watermark and its largest lowmem reserve; and of the slabs that
 * can be reclaimed half, or all but the low watermarks if those are less.
 *
 * Source: proc(5); Linux's Documentation/filesystems/proc.rst
 */
#include "report/meminfo.h"

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
		     * quire_kernel_boot, Slab after quire_slab_boot, Committed_AS after
		     * quire_vm_boot */
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

static uint64_t available(const struct totals *t)
{
	uint64_t kept = t->slab[1] / 2 < t->low ? t->slab[1] / 2 : t->low;

	return (t->free > t->reserve ? t->free - t->reserve : 0) + t->slab[1] - kept;
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

void meminfo_write(struct quire *q, bool json, const struct quire_sink *sink)
{
	struct quire_vmalloc_stat vm = { 0 };
	struct quire_direct_stat direct = { 0 };
	bool kernel = !quire_vmalloc_stat(q, &vm) && !quire_direct_stat(q, &direct);
	bool high = zones_have_high(q), wide = quire_config(q)->machine >= QUIRE_X86_64;
	bool heap = quire_cache_next(q, NULL) != NULL;
	struct quire_vm_stat user = { 0 };
	bool processes = !quire_vm_stat(q, &user);
	uint64_t huge = quire_config(q)->machine == QUIRE_I386 ? 4096 : 2048; /* kB */
	struct totals t;

	count(q, &t);
	count_slabs(q, &t);
	/* x86-64's VMALLOC_END is the region's last byte, so Linux's total lacks one. */
	const struct line lines[] = {
		{ "MemTotal", to_kbytes(t.managed), true },
		{ "MemFree", to_kbytes(t.free), true },
		{ "MemAvailable", to_kbytes(available(&t)), true },
		{ "Buffers", 0, true },
		{ "Cached", 0, true },
		{ "Active", 0, true },
		{ "Inactive", 0, true },
		{ "Mlocked", to_kbytes(user.nr_mlocked), processes },
		{ "HighTotal", to_kbytes(t.high_managed), high },
		{ "HighFree", to_kbytes(t.high_free), high },
		{ "LowTotal", to_kbytes(t.managed - t.high_managed), high },
		{ "LowFree", to_kbytes(t.free - t.high_free), high },
		{ "SwapTotal", 0, true },
		{ "SwapFree", 0, true },
		{ "AnonPages", to_kbytes(user.nr_anon), true },
		{ "Mapped", to_kbytes(user.nr_mapped), true },
		{ "Shmem", 0, true },
		{ "KReclaimable", to_kbytes(t.slab[1]), heap },
		{ "Slab", to_kbytes(t.slab[0] + t.slab[1]), heap },
		{ "SReclaimable", to_kbytes(t.slab[1]), true },
		{ "SUnreclaim", to_kbytes(t.slab[0]), heap },
		{ "PageTables", to_kbytes(user.nr_table_pages), processes },
		{ "CommitLimit", to_kbytes(user.commit_limit), processes },
		{ "Committed_AS", to_kbytes(user.committed), processes },
		{ "VmallocTotal", (vm.total_bytes - wide) >> 10, kernel },
		{ "VmallocUsed", to_kbytes(vm.nr_pages), kernel },
		{ "AnonHugePages", user.nr_anon_huge * huge, processes },
		{ "CmaTotal", to_kbytes(t.cma), true },
		{ "CmaFree", to_kbytes(t.free_cma), true },
		{ "HugePages_Total", user.nr_hugepages, AS_NUMBER * processes },
		{ "HugePages_Free", user.nr_hugepages_free, AS_NUMBER * processes },
		{ "HugePages_Rsvd", user.nr_hugepages_reserved, AS_NUMBER * processes },
		{ "HugePages_Surp", 0, AS_NUMBER * processes },
		{ "Hugepagesize", huge, processes },
		{ "Hugetlb", user.nr_hugepages * huge, processes },
		{ "DirectMap4k", direct.bytes_4k >> 10, kernel },
		{ quire_config(q)->machine == QUIRE_I386 ? "DirectMap4M" : "DirectMap2M",
		  direct.bytes_large >> 10, kernel },
		{ "DirectMap1G", direct.bytes_1g >> 10, kernel && wide },
	};


	write_lines(lines, sizeof(lines) / sizeof(lines[0]), json, sink);
}
