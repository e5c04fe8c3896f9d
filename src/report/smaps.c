/* SPDX-License-Identifier: MIT */
/*
 * smaps.c - /proc/PID/smaps and smaps_rollup: the pages of each area, and of all
 *
 * Each page counts in Rss; in Pss by its share, a page that three entries map as a third. Swap, and
 * pages of files that are mapped by a huge entry, do not exist here: their 0 is true, and Linux's
 * readers stop without the lines (REPORT-1).
 *
 * Source: proc_pid_smaps(5); Linux's Documentation/filesystems/proc.rst
 */
#include "report/smaps.h"

#include "report/areas.h"
#include "vm/mm.h"

/* Pss is counted in this part of a byte: log2. */
#define PSS_SHIFT 12

/** struct sums - what is printed, in bytes, pss in 1/4096 of them */
struct sums {
	struct quire_vma_pages pages;
	uint64_t locked; /* as pss */
};

/** struct line - a label, and kB */
struct line {
	const char *name;
	uint64_t kbytes;
	bool shown;
};

static void write_lines(const struct line *lines, size_t nr, struct json *j, bool json)
{
	for (size_t i = 0; i < nr; i++) {
		char label[24];

		if (!lines[i].shown)
			continue;
		quire_format_buffer(label, sizeof(label), "%s:", lines[i].name);
		if (json)
			json_number(j, lines[i].name, lines[i].kbytes);
		else
			quire_format(j->sink, "%-16s%8ju kB\n", label,
				     (uintmax_t)lines[i].kbytes);
	}
}

static uint64_t of_pss(uint64_t pss)
{
	return pss >> (10 + PSS_SHIFT);
}

static void write_sums(const struct sums *s, struct json *j, bool json, bool rollup)
{
	const struct quire_vma_pages *p = &s->pages;
	const struct line lines[] = {
		{ "Rss", p->rss >> 10, true },
		{ "Pss", of_pss(p->pss), true },
		{ "Pss_Dirty", of_pss(p->pss_dirty), true },
		{ "Pss_Anon", of_pss(p->pss_anon), rollup },
		{ "Pss_File", of_pss(p->pss_file), rollup },
		{ "Pss_Shmem", of_pss(p->pss_shmem), rollup },
		{ "Shared_Clean", p->shared_clean >> 10, true },
		{ "Shared_Dirty", p->shared_dirty >> 10, true },
		{ "Private_Clean", p->private_clean >> 10, true },
		{ "Private_Dirty", p->private_dirty >> 10, true },
		{ "Referenced", p->referenced >> 10, true },
		{ "Anonymous", p->anonymous >> 10, true },
		{ "LazyFree", p->lazy_free >> 10, true },
		{ "AnonHugePages", p->anon_huge >> 10, true },
		{ "ShmemPmdMapped", 0, true },
		{ "FilePmdMapped", 0, true },
		{ "Shared_Hugetlb", p->shared_hugetlb >> 10, true },
		{ "Private_Hugetlb", p->private_hugetlb >> 10, true },
		{ "Swap", 0, true },
		{ "SwapPss", 0, true },
		{ "Locked", of_pss(s->locked), true },
	};

	write_lines(lines, sizeof(lines) / sizeof(lines[0]), j, json);
}

/* The flags in the order of their bits. */
static void write_flags(uint32_t flags, struct json *j, bool json)
{
	static const struct {
		uint32_t flag;
		char name[3];
	} names[] = {
		{ QUIRE_VM_READ, "rd" },	{ QUIRE_VM_WRITE, "wr" },
		{ QUIRE_VM_EXEC, "ex" },	{ QUIRE_VM_SHARED, "sh" },
		{ QUIRE_VM_MAYREAD, "mr" },	{ QUIRE_VM_MAYWRITE, "mw" },
		{ QUIRE_VM_MAYEXEC, "me" },	{ QUIRE_VM_MAYSHARE, "ms" },
		{ QUIRE_VM_GROWSDOWN, "gd" },	{ QUIRE_VM_LOCKED, "lo" },
		{ QUIRE_VM_SEQ_READ, "sr" },	{ QUIRE_VM_RAND_READ, "rr" },
		{ QUIRE_VM_DONTCOPY, "dc" },	{ QUIRE_VM_DONTEXPAND, "de" },
		{ QUIRE_VM_LOCKONFAULT, "lf" },
		{ QUIRE_VM_ACCOUNT, "ac" },	{ QUIRE_VM_NORESERVE, "nr" },
		{ QUIRE_VM_HUGETLB, "ht" },	{ QUIRE_VM_WIPEONFORK, "wf" },
		{ QUIRE_VM_DONTDUMP, "dd" },	{ QUIRE_VM_HUGEPAGE, "hg" },
		{ QUIRE_VM_NOHUGEPAGE, "nh" },	{ QUIRE_VM_SEALED, "sl" },
	};
	char text[3 * sizeof(names) / sizeof(names[0]) + 1] = "";
	size_t n = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (flags & names[i].flag)
			n += quire_format_buffer(text + n, sizeof(text) - n, "%s ", names[i].name);
	}
	if (json)
		json_string(j, "VmFlags", text);
	else
		quire_format(j->sink, "VmFlags: %s\n", text);
}

/* Bytes of the format's large pages. */
static uint64_t large_bytes(const struct quire_mm *mm)
{
	return quire_config(mm->q)->machine == QUIRE_I386 ? 4 << 20 : 2 << 20;
}

/* May it have huge pages unasked for each? */
static bool is_eligible(const struct quire_mm *mm, const struct quire_vma_info *area)
{
	uint64_t large = large_bytes(mm), first = (area->start.v + large - 1) & ~(large - 1);
	struct quire_vm_sysctl sysctl;

	if (area->file || (area->flags & (QUIRE_VM_NOHUGEPAGE | QUIRE_VM_HUGETLB)))
		return false;
	if (first < area->start.v || first > area->end.v || area->end.v - first < large)
		return false;
	if (quire_vm_sysctl(mm->q, &sysctl) || sysctl.transparent_huge == QUIRE_THP_NEVER)
		return false;
	return (area->flags & QUIRE_VM_HUGEPAGE) || sysctl.transparent_huge == QUIRE_THP_ALWAYS;
}

static bool count(struct quire_mm *mm, const struct quire_vma_info *area, struct sums *out)
{
	*out = (struct sums){ .locked = 0 };
	if (quire_vma_pages(mm, area->start, area->end, &out->pages))
		return false;
	out->locked = area->flags & QUIRE_VM_LOCKED ? out->pages.pss : 0;
	return true;
}

static void write_area(struct quire_mm *mm, const struct quire_vma_info *area, struct json *j,
		       bool json)
{
	uint64_t page = (area->flags & QUIRE_VM_HUGETLB ? large_bytes(mm) : QUIRE_PAGE_SIZE) >> 10;
	const struct line sizes[] = {
		{ "Size", (area->end.v - area->start.v) >> 10, true },
		{ "KernelPageSize", page, true },
		{ "MMUPageSize", page, true },
	};
	struct sums sums;

	if (!count(mm, area, &sums))
		return;
	if (json) {
		json_open(j, NULL, '{');
		area_json(j, area);
	} else {
		area_line(mm, area, j->sink);
		quire_format(j->sink, "\n");
	}
	write_lines(sizes, sizeof(sizes) / sizeof(sizes[0]), j, json);
	write_sums(&sums, j, json, false);
	if (json)
		json_number(j, "THPeligible", is_eligible(mm, area));
	else
		quire_format(j->sink, "THPeligible:    %d\n", is_eligible(mm, area));
	write_flags(area->flags, j, json);
	if (json)
		json_close(j, '}');
}

void smaps_write(struct quire_mm *mm, bool json, const struct quire_sink *sink)
{
	struct json j = { .sink = sink };
	struct quire_vma_info area;

	if (json)
		json_open(&j, NULL, '[');
	for (uint64_t from = 0; area_next(mm, from, &area); from = area.end.v) {
		write_area(mm, &area, &j, json);
		area_done(&area);
	}
	if (json)
		json_close(&j, ']');
}

static void add(struct sums *to, const struct sums *more)
{
	struct quire_vma_pages *a = &to->pages;
	const struct quire_vma_pages *b = &more->pages;

	a->rss += b->rss;
	a->pss += b->pss;
	a->pss_dirty += b->pss_dirty;
	a->pss_anon += b->pss_anon;
	a->pss_file += b->pss_file;
	a->pss_shmem += b->pss_shmem;
	a->shared_clean += b->shared_clean;
	a->shared_dirty += b->shared_dirty;
	a->private_clean += b->private_clean;
	a->private_dirty += b->private_dirty;
	a->referenced += b->referenced;
	a->anonymous += b->anonymous;
	a->lazy_free += b->lazy_free;
	a->anon_huge += b->anon_huge;
	a->shared_hugetlb += b->shared_hugetlb;
	a->private_hugetlb += b->private_hugetlb;
	to->locked += more->locked;
}

void smaps_write_rollup(struct quire_mm *mm, bool json, const struct quire_sink *sink)
{
	struct sums all = { .locked = 0 }, sums;
	struct json j = { .sink = sink };
	struct quire_vma_info area;
	uint64_t start = 0, end = 0;

	while (area_next(mm, end, &area)) {
		start = end ? start : area.start.v;
		end = area.end.v;
		if (count(mm, &area, &sums))
			add(&all, &sums);
		area_done(&area);
	}
	if (json) {
		json_open(&j, NULL, '{');
	} else {
		area_rollup_line(mm, start, end, sink);
		quire_format(sink, "\n");
	}
	write_sums(&all, &j, json, true);
	if (json)
		json_close(&j, '}');
}
