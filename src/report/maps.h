/* SPDX-License-Identifier: MIT */
/*
 * maps.h - /proc/PID/maps, a process's areas
 */
#ifndef REPORT_MAPS_H
#define REPORT_MAPS_H

#include <quire/format.h>
#include <quire/mm.h>

/** maps_write - write the report, as text or JSON */
void maps_write(struct quire_mm *mm, bool json, const struct quire_sink *sink);

#endif
