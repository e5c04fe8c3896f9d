/* SPDX-License-Identifier: MIT */
/*
 * extfrag.h - debugfs's extfrag_index and unusable_index: fragmentation by zone and order
 */
#ifndef REPORT_EXTFRAG_H
#define REPORT_EXTFRAG_H

#include <quire/format.h>
#include <quire/quire.h>

/**
 * extfrag_write_index - the external fragmentation index
 * @q:    a machine with zones
 * @json: as one JSON value instead of Linux's text
 * @sink: receives it
 */
void extfrag_write_index(struct quire *q, bool json, const struct quire_sink *sink);

/** extfrag_write_unusable - the unusable free space index; as extfrag_write_index */
void extfrag_write_unusable(struct quire *q, bool json, const struct quire_sink *sink);

#endif
