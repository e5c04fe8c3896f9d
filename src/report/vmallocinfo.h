/* SPDX-License-Identifier: MIT */
/*
 * vmallocinfo.h - /proc/vmallocinfo
 */
#ifndef REPORT_VMALLOCINFO_H
#define REPORT_VMALLOCINFO_H

#include <quire/format.h>
#include <quire/quire.h>

/**
 * vmallocinfo_write - the areas of the vmalloc region, by address
 * @q:    the machine; without quire_kernel_boot there are none
 * @json: as JSON instead of text
 * @sink: receives it
 */
void vmallocinfo_write(struct quire *q, bool json, const struct quire_sink *sink);

#endif
