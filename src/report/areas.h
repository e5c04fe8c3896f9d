/* SPDX-License-Identifier: MIT */
/*
 * areas.h - a process's areas one by one, for reports that may sleep between them
 */
#ifndef REPORT_AREAS_H
#define REPORT_AREAS_H

#include <quire/mm.h>

#include "report/json.h"

/**
 * area_next - the first area that ends above an address
 * @mm:   the address space
 * @from: any
 * @out:  the area; its file is referenced until area_done
 *
 * Nothing is locked afterwards, so reports are mixtures of moments, as Linux's are.
 *
 * Return: whether there is one. Locks: takes mm->sem for reading
 */
bool area_next(struct quire_mm *mm, uint64_t from, struct quire_vma_info *out);

/** area_done - forget an area that area_next found */
void area_done(const struct quire_vma_info *area);

/** area_line - the line of an area in maps, without its newline */
void area_line(const struct quire_mm *mm, const struct quire_vma_info *area,
	       const struct quire_sink *sink);

/** area_rollup_line - the first line of smaps_rollup: from the first area to the last */
void area_rollup_line(const struct quire_mm *mm, uint64_t start, uint64_t end,
		      const struct quire_sink *sink);

/** area_json - its fields, into an object that is open */
void area_json(struct json *j, const struct quire_vma_info *area);

#endif
