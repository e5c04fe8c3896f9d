/* SPDX-License-Identifier: MIT */
/*
 * iomem.h - /proc/iomem, the map of physical addresses
 */
#ifndef REPORT_IOMEM_H
#define REPORT_IOMEM_H

#include <quire/format.h>
#include <quire/quire.h>

/**
 * iomem_write - /proc/iomem, the map of physical addresses
 * @q:    a machine with zones
 * @json: as one JSON value instead of Linux's text
 * @sink: receives it
 */
void iomem_write(struct quire *q, bool json, const struct quire_sink *sink);

#endif
