/* SPDX-License-Identifier: MIT */
/*
 * buddyinfo.h - /proc/buddyinfo, free blocks by zone and order
 */
#ifndef REPORT_BUDDYINFO_H
#define REPORT_BUDDYINFO_H

#include <quire/format.h>
#include <quire/quire.h>

/**
 * buddyinfo_write - /proc/buddyinfo, free blocks by zone and order
 * @q:    a machine with zones
 * @json: as one JSON value instead of Linux's text
 * @sink: receives it
 */
void buddyinfo_write(struct quire *q, bool json, const struct quire_sink *sink);

#endif
