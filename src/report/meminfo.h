/* SPDX-License-Identifier: MIT */
/*
 * meminfo.h - /proc/meminfo, memory in use and free
 */
#ifndef REPORT_MEMINFO_H
#define REPORT_MEMINFO_H

#include <quire/format.h>
#include <quire/quire.h>

/**
 * meminfo_write - /proc/meminfo, memory in use and free
 * @q:    a machine with zones
 * @json: as one JSON value instead of Linux's text
 * @sink: receives it
 */
void meminfo_write(struct quire *q, bool json, const struct quire_sink *sink);

#endif
