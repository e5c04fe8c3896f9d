/* SPDX-License-Identifier: MIT */
/*
 * smaps.h - /proc/PID/smaps and smaps_rollup: the pages of each area, and of all
 */
#ifndef REPORT_SMAPS_H
#define REPORT_SMAPS_H

#include <quire/format.h>
#include <quire/mm.h>

/** smaps_write - write the report of each area, as text or JSON */
void smaps_write(struct quire_mm *mm, bool json, const struct quire_sink *sink);

/** smaps_write_rollup - write the sum over all areas */
void smaps_write_rollup(struct quire_mm *mm, bool json, const struct quire_sink *sink);

#endif
