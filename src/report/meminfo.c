/* SPDX-License-Identifier: MIT */
/*
 * meminfo.c - /proc/meminfo, memory in use and free, in kB
 *
 * What is counted here is what the zones manage and have free. There is no page
 * cache, swap, or process yet: of those lines only the ones that free, vmstat
 * and smem stop without are given, and their 0 is true (REPORT-1).
 *
 * MemAvailable is what could be had without touching the reserves: free frames
 * less, for each zone, its high watermark and its largest lowmem reserve.
 *
 * Source: proc(5); Linux's Documentation/filesystems/proc.rst
 */
#include "report/meminfo.h"

#include "report/zones.h"

struct totals {
	uint64_t managed;
	uint64_t free;
	uint64_t high_managed; /* of them, not directly mapped */
	uint64_t high_free;
	uint64_t cma;
	uint64_t free_cma;
	uint64_t reserve; /* not available: watermarks and lowmem reserves */
};

struct line {
	const char *name;
	uint64_t pages;
	bool high; /* only where there is high memory */
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
		if (zones_is_high(q, z, &stat)) {
			t->high_managed += stat.managed;
			t->high_free += stat.free;
		}
	}
}

void meminfo_write(struct quire *q, bool json, const struct quire_sink *sink)
{
	struct json j = { .sink = sink };
	struct totals t;

	count(q, &t);
	const struct line lines[] = {
		{ "MemTotal", t.managed, false },
		{ "MemFree", t.free, false },
		{ "MemAvailable", t.free > t.reserve ? t.free - t.reserve : 0, false },
		{ "Buffers", 0, false },
		{ "Cached", 0, false },
		{ "Active", 0, false },
		{ "Inactive", 0, false },
		{ "HighTotal", t.high_managed, true },
		{ "HighFree", t.high_free, true },
		{ "LowTotal", t.managed - t.high_managed, true },
		{ "LowFree", t.free - t.high_free, true },
		{ "SwapTotal", 0, false },
		{ "SwapFree", 0, false },
		{ "AnonPages", 0, false },
		{ "Mapped", 0, false },
		{ "Shmem", 0, false },
		{ "SReclaimable", 0, false },
		{ "CmaTotal", t.cma, false },
		{ "CmaFree", t.free_cma, false },
	};

	if (json)
		json_open(&j, NULL, '{');
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (lines[i].high && !zones_have_high(q))
			continue;
		if (json) {
			json_number(&j, lines[i].name, to_kbytes(lines[i].pages));
			continue;
		}
		char label[24];

		quire_format_buffer(label, sizeof(label), "%s:", lines[i].name);
		quire_format(sink, "%-16s%8ju kB\n", label, to_kbytes(lines[i].pages));
	}
	if (json)
		json_close(&j, '}');
}
