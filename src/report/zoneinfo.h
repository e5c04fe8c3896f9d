/* SPDX-License-Identifier: MIT */
/*
 * zoneinfo.h - /proc/zoneinfo, everything about each zone
 */
#ifndef REPORT_ZONEINFO_H
#define REPORT_ZONEINFO_H

#include <quire/format.h>
#include <quire/quire.h>

/**
 * zoneinfo_write - /proc/zoneinfo, everything about each zone
 * @q:    a machine with zones
 * @json: as one JSON value instead of Linux's text
 * @sink: receives it
 */
void zoneinfo_write(struct quire *q, bool json, const struct quire_sink *sink);

#endif
