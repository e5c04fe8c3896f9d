/* SPDX-License-Identifier: MIT */
/*
 * zones.c - what several reports ask of the zones
 */
#include "report/zones.h"

bool zones_populated(struct quire *q, enum quire_zone zone, struct quire_zone_stat *stat)
{
	quire_zone_stat(q, zone, stat);
	return stat->present != 0;
}

uint64_t zones_nr_free(const struct quire_zone_stat *stat, unsigned order)
{
	uint64_t nr = 0;

	for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++)
		nr += stat->nr_free[type][order];
	return nr;
}

bool zones_have_high(const struct quire *q)
{
	enum quire_machine machine = quire_config(q)->machine;

	return machine == QUIRE_I386 || machine == QUIRE_I386_PAE;
}

bool zones_is_high(const struct quire *q, enum quire_zone zone, const struct quire_zone_stat *stat)
{
	if (!zones_have_high(q))
		return false;
	if (zone == QUIRE_ZONE_HIGHMEM)
		return true;
	return zone == QUIRE_ZONE_MOVABLE &&
	       quire_pfn_phys(stat->start).v >= quire_config(q)->lowmem_bytes;
}

void zones_json_name(struct json *j, enum quire_zone zone)
{
	json_number(j, "node", 0);
	json_string(j, "zone", quire_zone_name(zone));
}

const struct zones_type *zones_type(unsigned i)
{
	static const struct zones_type types[] = {
		{ "Unmovable", 'U', QUIRE_MIGRATE_UNMOVABLE },
		{ "Movable", 'M', QUIRE_MIGRATE_MOVABLE },
		{ "Reclaimable", 'E', QUIRE_MIGRATE_RECLAIMABLE },
		{ "HighAtomic", 'H', -1 },
		{ "CMA", 'C', QUIRE_MIGRATE_CMA },
		{ "Isolate", 'I', QUIRE_MIGRATE_ISOLATE },
	};

	return i < sizeof(types) / sizeof(types[0]) ? &types[i] : NULL;
}
