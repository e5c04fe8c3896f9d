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

#ifdef __cplusplus
}
#endif
#endif
