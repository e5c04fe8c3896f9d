/* SPDX-License-Identifier: MIT */
/*
 * pagetypeinfo.h - /proc/pagetypeinfo, free blocks and pageblocks by migrate type
 */
#ifndef REPORT_PAGETYPEINFO_H
#define REPORT_PAGETYPEINFO_H

#include <quire/format.h>
#include <quire/quire.h>

/**
 * pagetypeinfo_write - /proc/pagetypeinfo, free blocks and pageblocks by migrate type
 * @q:    a machine with zones
 * @json: as one JSON value instead of Linux's text
 * @sink: receives it
 */
void pagetypeinfo_write(struct quire *q, bool json, const struct quire_sink *sink);

#endif
