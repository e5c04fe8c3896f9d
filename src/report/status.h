/* SPDX-License-Identifier: MIT */
/*
 * status.h - /proc/PID/statm, and the lines about memory of /proc/PID/status
 */
#ifndef REPORT_STATUS_H
#define REPORT_STATUS_H

#include <quire/format.h>
#include <quire/mm.h>

/** status_write - write the lines about memory, as text or JSON */
void status_write(struct quire_mm *mm, bool json, const struct quire_sink *sink);

/** status_write_statm - write statm, as text or JSON */
void status_write_statm(struct quire_mm *mm, bool json, const struct quire_sink *sink);

#endif
