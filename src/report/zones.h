/* SPDX-License-Identifier: MIT */
/*
 * zones.h - what several reports ask of the zones
 */
#ifndef REPORT_ZONES_H
#define REPORT_ZONES_H

#include <quire/page.h>

#include "report/json.h"

/** zones_populated - count @zone into @stat. Return: true if it has memory */
bool zones_populated(struct quire *q, enum quire_zone zone, struct quire_zone_stat *stat);

/** zones_nr_free - free blocks of an order, whatever their migrate type */
uint64_t zones_nr_free(const struct quire_zone_stat *stat, unsigned order);

/** zones_have_high - this kind of machine has memory that is not directly mapped: i386, PAE */
bool zones_have_high(const struct quire *q);

/**
 * zones_is_high - a zone's memory is not directly mapped
 * @q:    the machine
 * @zone: HIGHMEM is, MOVABLE is when it was cut from HIGHMEM
 * @stat: the zone's counts
 */
bool zones_is_high(const struct quire *q, enum quire_zone zone, const struct quire_zone_stat *stat);

/** zones_json_name - the two fields that name a zone: "node" (always 0) and "zone" */
void zones_json_name(struct json *j, enum quire_zone zone);

/** struct zones_type - a migrate type as Linux's reports list it */
struct zones_type {
	const char *name;
	char letter; /* in the per-order lines of the memory report */
	int type;    /* enum quire_migrate; -1: Linux's type that no pageblock here ever has */
};

/** zones_type - the @i-th migrate type in Linux's order. Return: NULL after the last */
const struct zones_type *zones_type(unsigned i);

#endif
