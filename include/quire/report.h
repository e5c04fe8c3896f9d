/* SPDX-License-Identifier: MIT */
/*
 * report.h - the texts that Linux shows under /proc, and their numbers as JSON
 */
#ifndef QUIRE_REPORT_H
#define QUIRE_REPORT_H

#include <quire/format.h>
#include <quire/quire.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * quire_report - write a report
 * @q:    a machine with zones
 * @name: "buddyinfo", "pagetypeinfo", "zoneinfo", "meminfo", "iomem", "slabinfo", "vmallocinfo",
 *        "vmstat", "sysrq-m", "extfrag_index", "unusable_index"
 * @json: the same numbers as one JSON value
 * @sink: receives the text in pieces
 *
 * Return: 0; -QUIRE_ENOENT for a name that is not there
 */
int quire_report(struct quire *q, const char *name, bool json, const struct quire_sink *sink);

/** struct quire_report_info - one report */
struct quire_report_info {
	const char *name;  /* as quire_report takes it */
	const char *path;  /* where Linux has it: "proc/buddyinfo" */
	const char *about; /* one line of help */
};

/** quire_report_list - the i-th report. Return: NULL after the last */
const struct quire_report_info *quire_report_list(size_t i);

/* ---- A process ------------------------------------------------------------------ */

struct quire_mm;

/**
 * quire_report_mm - write a report of a process
 * @mm:   its address space
 * @name: "maps", "smaps", "smaps_rollup", "statm", or "status": the lines about memory
 * @json: the same numbers as one JSON value
 * @sink: receives the text in pieces
 *
 * Return:  0; -QUIRE_ENOENT for a name that is not there
 * Context: may sleep
 */
int quire_report_mm(struct quire_mm *mm, const char *name, bool json,
		    const struct quire_sink *sink);

/**
 * quire_report_mm_list - the i-th of them; path is as in Linux's /proc/PID. Return: NULL after the
 * last
 */
const struct quire_report_info *quire_report_mm_list(size_t i);

/**
 * quire_report_pagemap - write a part of /proc/PID/pagemap, a word of 64 bits for each page
 * @mm:       the address space
 * @start:    first page, page aligned
 * @nr_pages: those beyond user addresses are left out
 * @sink:     receives the words, little-endian
 *
 * Return: 0; -QUIRE_EINVAL
 */
int quire_report_pagemap(struct quire_mm *mm, quire_virt_t start, uint64_t nr_pages,
			 const struct quire_sink *sink);

/**
 * quire_report_kpagecount - write a part of /proc/kpagecount: how many entries map each frame
 * @q:        after quire_vm_boot
 * @start:    first frame
 * @nr_pages: those beyond the last frame are left out
 * @sink:     receives a word of 64 bits for each, little-endian
 *
 * Return:  0; -QUIRE_ENODEV
 * Context: nobody else may use the machine meanwhile
 */
int quire_report_kpagecount(struct quire *q, quire_pfn_t start, uint64_t nr_pages,
			    const struct quire_sink *sink);

/**
 * quire_report_kpageflags - a part of /proc/kpageflags: what each frame is. All as
 * quire_report_kpagecount
 */
int quire_report_kpageflags(struct quire *q, quire_pfn_t start, uint64_t nr_pages,
			    const struct quire_sink *sink);

#ifdef __cplusplus
}
#endif
#endif
