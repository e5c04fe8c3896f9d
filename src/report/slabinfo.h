/* SPDX-License-Identifier: MIT */
/*
 * slabinfo.h - /proc/slabinfo, the caches of the kernel heap
 */
#ifndef REPORT_SLABINFO_H
#define REPORT_SLABINFO_H

#include <quire/format.h>
#include <quire/quire.h>

/**
 * slabinfo_write - /proc/slabinfo, version 2.1
 * @q:    a machine with zones; without a heap there are no rows
 * @json: as one JSON value instead of Linux's text, with what Linux does not count
 * @sink: receives it
 *
 * Context: nobody else may use the machine meanwhile
 */
void slabinfo_write(struct quire *q, bool json, const struct quire_sink *sink);

#endif
