/* SPDX-License-Identifier: MIT */
/*
 * buddyinfo.c - /proc/buddyinfo, free blocks by zone and order
 *
 * A line per zone that has memory, a column per order:
 *
 *	Node 0, zone      DMA      0      1      0      0      1 …
 *
 * Source: proc(5); Linux's Documentation/filesystems/proc.rst
 */
#include "report/buddyinfo.h"

#include "report/zones.h"

static void write_text(struct quire *q, const struct quire_sink *sink)
{
	struct quire_zone_stat stat;

	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (!zones_populated(q, z, &stat))
			continue;
		quire_format(sink, "Node 0, zone %8s ", quire_zone_name(z));
		for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++)
			quire_format(sink, "%6ju ", zones_nr_free(&stat, order));
		quire_format(sink, "\n");
	}
}

void buddyinfo_write(struct quire *q, bool json, const struct quire_sink *sink)
{
	struct json j = { .sink = sink };
	struct quire_zone_stat stat;

	if (!json) {
		write_text(q, sink);
		return;
	}
	json_open(&j, NULL, '[');
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (!zones_populated(q, z, &stat))
			continue;
		json_open(&j, NULL, '{');
		zones_json_name(&j, z);
		json_open(&j, "free", '[');
		for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++)
			json_number(&j, NULL, zones_nr_free(&stat, order));
		json_close(&j, ']');
		json_close(&j, '}');
	}
	json_close(&j, ']');
}
