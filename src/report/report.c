/* SPDX-License-Identifier: MIT */
/*
 * report.c - the table of reports
 *
 * Each is written twice: as Linux's text, to the byte (REPORT-2), and as JSON with
 * the same numbers (REPORT-3).
 */
#include <quire/report.h>

#include "report/buddyinfo.h"
#include "report/extfrag.h"
#include "report/iomem.h"
#include "report/maps.h"
#include "report/meminfo.h"
#include "report/pagetypeinfo.h"
#include "report/slabinfo.h"
#include "report/smaps.h"
#include "report/status.h"
#include "report/sysrq.h"
#include "report/vmallocinfo.h"
#include "report/vmstat.h"
#include "report/zoneinfo.h"

struct report {
	struct quire_report_info info;
	void (*write)(struct quire *q, bool json, const struct quire_sink *sink);
};

static const struct report reports[] = {
	{ { "buddyinfo", "proc/buddyinfo", "free blocks by zone and order" }, buddyinfo_write },
	{ { "pagetypeinfo", "proc/pagetypeinfo", "free blocks and pageblocks by migrate type" },
	  pagetypeinfo_write },
	{ { "zoneinfo", "proc/zoneinfo", "sizes, watermarks and per-cpu lists of each zone" },
	  zoneinfo_write },
	{ { "meminfo", "proc/meminfo", "memory in use and free" }, meminfo_write },
	{ { "iomem", "proc/iomem", "the map of physical addresses" }, iomem_write },
	{ { "vmallocinfo", "proc/vmallocinfo", "areas of the vmalloc region" },
	  vmallocinfo_write },
	{ { "vmstat", "proc/vmstat", "counters of pages and events" }, vmstat_write },
	{ { "slabinfo", "proc/slabinfo", "the kernel heap's caches: objects and slabs" },
	  slabinfo_write },
	{ { "sysrq-m", "log/sysrq-m", "the memory report that SysRq-m writes to the log" },
	  sysrq_write },
	{ { "extfrag_index", "sys/kernel/debug/extfrag/extfrag_index",
	    "external fragmentation index by order" },
	  extfrag_write_index },
	{ { "unusable_index", "sys/kernel/debug/extfrag/unusable_index",
	    "share of free memory that is useless for an order" },
	  extfrag_write_unusable },
};

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

int quire_report(struct quire *q, const char *name, bool json, const struct quire_sink *sink)
{
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
		if (!same(reports[i].info.name, name))
			continue;
		reports[i].write(q, json, sink);
		if (json)
			quire_format(sink, "\n");
		return 0;
	}
	return -QUIRE_ENOENT;
}

struct report_mm {
	struct quire_report_info info;
	void (*write)(struct quire_mm *mm, bool json, const struct quire_sink *sink);
};

static const struct report_mm reports_mm[] = {
	{ { "maps", "maps", "the areas of a process" }, maps_write },
	{ { "smaps", "smaps", "the pages of each area" }, smaps_write },
	{ { "smaps_rollup", "smaps_rollup", "the pages of all areas" }, smaps_write_rollup },
	{ { "statm", "statm", "sizes in pages" }, status_write_statm },
	{ { "status", "status", "sizes in kB" }, status_write },
};

int quire_report_mm(struct quire_mm *mm, const char *name, bool json,
		    const struct quire_sink *sink)
{
	for (size_t i = 0; i < sizeof(reports_mm) / sizeof(reports_mm[0]); i++) {
		if (!same(reports_mm[i].info.name, name))
			continue;
		reports_mm[i].write(mm, json, sink);
		if (json)
			quire_format(sink, "\n");
		return 0;
	}
	return -QUIRE_ENOENT;
}

const struct quire_report_info *quire_report_mm_list(size_t i)
{
	return i < sizeof(reports_mm) / sizeof(reports_mm[0]) ? &reports_mm[i].info : NULL;
}

const struct quire_report_info *quire_report_list(size_t i)
{
	return i < sizeof(reports) / sizeof(reports[0]) ? &reports[i].info : NULL;
}
