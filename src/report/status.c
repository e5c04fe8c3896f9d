/* SPDX-License-Identifier: MIT */
/*
 * status.c - /proc/PID/statm, and the lines about memory of /proc/PID/status
 *
 * Code is what the program's own segments hold of it; what else may be executed counts as
 * libraries. Pages that are pinned or swapped out, and statm's two fields that Linux gave up, are 0
 * in truth (REPORT-1).
 *
 * Source: proc_pid_status(5), proc_pid_statm(5)
 */
#include "report/status.h"

#include "report/areas.h"

static uint64_t to_kbytes(uint64_t pages)
{
	return pages << (QUIRE_PAGE_SHIFT - 10);
}

/* Pages of the program's own code. */
static uint64_t text_pages(const struct quire_mm_layout *layout)
{
	uint64_t start = layout->start_code.v >> QUIRE_PAGE_SHIFT;
	uint64_t end = (layout->end_code.v + QUIRE_PAGE_SIZE - 1) >> QUIRE_PAGE_SHIFT;

	return end - start;
}

/* Pages of huge ones are counted apart from the resident ones. */
static uint64_t hugetlb_bytes(struct quire_mm *mm)
{
	struct quire_vma_info area;
	struct quire_vma_pages pages;
	uint64_t bytes = 0;

	for (uint64_t from = 0; area_next(mm, from, &area); from = area.end.v) {
		if ((area.flags & QUIRE_VM_HUGETLB) &&
		    !quire_vma_pages(mm, area.start, area.end, &pages))
			bytes += pages.shared_hugetlb + pages.private_hugetlb;
		area_done(&area);
	}
	return bytes;
}

void status_write(struct quire_mm *mm, bool json, const struct quire_sink *sink)
{
	struct json j = { .sink = sink };
	struct quire_mm_layout layout;
	struct quire_mm_stat stat;

	quire_mm_layout(mm, &layout);
	quire_mm_stat(mm, &stat);
	uint64_t rss = stat.rss_anon + stat.rss_file + stat.rss_shmem;
	uint64_t text = text_pages(&layout);

	text = text < stat.exec_vm ? text : stat.exec_vm;
	const struct {
		const char *name;
		uint64_t kbytes;
	} lines[] = {
		{ "VmPeak", to_kbytes(stat.hiwater_vm) },
		{ "VmSize", to_kbytes(stat.total_vm) },
		{ "VmLck", to_kbytes(stat.locked_vm) },
		{ "VmPin", 0 },
		{ "VmHWM", to_kbytes(stat.hiwater_rss > rss ? stat.hiwater_rss : rss) },
		{ "VmRSS", to_kbytes(rss) },
		{ "RssAnon", to_kbytes(stat.rss_anon) },
		{ "RssFile", to_kbytes(stat.rss_file) },
		{ "RssShmem", to_kbytes(stat.rss_shmem) },
		{ "VmData", to_kbytes(stat.data_vm) },
		{ "VmStk", to_kbytes(stat.stack_vm) },
		{ "VmExe", to_kbytes(text) },
		{ "VmLib", to_kbytes(stat.exec_vm - text) },
		{ "VmPTE", stat.table_bytes >> 10 },
		{ "VmSwap", 0 },
		{ "HugetlbPages", hugetlb_bytes(mm) >> 10 },
	};

	if (json)
		json_open(&j, NULL, '{');
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (json)
			json_number(&j, lines[i].name, lines[i].kbytes);
		else
			quire_format(sink, "%s:\t%8ju kB\n", lines[i].name,
				     (uintmax_t)lines[i].kbytes);
	}
	if (json)
		json_close(&j, '}');
}

void status_write_statm(struct quire_mm *mm, bool json, const struct quire_sink *sink)
{
	struct json j = { .sink = sink };
	struct quire_mm_layout layout;
	struct quire_mm_stat stat;

	quire_mm_layout(mm, &layout);
	quire_mm_stat(mm, &stat);
	const struct {
		const char *name;
		uint64_t pages;
	} fields[] = {
		{ "size", stat.total_vm },
		{ "resident", stat.rss_anon + stat.rss_file + stat.rss_shmem },
		{ "shared", stat.rss_file + stat.rss_shmem },
		{ "text", text_pages(&layout) },
		{ "lib", 0 },
		{ "data", stat.data_vm + stat.stack_vm },
		{ "dt", 0 },
	};
	const size_t nr = sizeof(fields) / sizeof(fields[0]);

	if (json)
		json_open(&j, NULL, '{');
	for (size_t i = 0; i < nr; i++) {
		if (json)
			json_number(&j, fields[i].name, fields[i].pages);
		else
			quire_format(sink, "%ju%c", (uintmax_t)fields[i].pages,
				     i + 1 < nr ? ' ' : '\n');
	}
	if (json)
		json_close(&j, '}');
}
