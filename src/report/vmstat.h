/* SPDX-License-Identifier: MIT */
/*
 * vmstat.h - /proc/vmstat, counters of pages and events
 */
#ifndef REPORT_VMSTAT_H
#define REPORT_VMSTAT_H

#include <quire/format.h>
#include <quire/quire.h>

/**
 * vmstat_write - /proc/vmstat, counters of pages and events
 * @q:    a machine with zones
 * @json: as one JSON value instead of Linux's text
 * @sink: receives it
 */
void vmstat_write(struct quire *q, bool json, const struct quire_sink *sink);

#endif
