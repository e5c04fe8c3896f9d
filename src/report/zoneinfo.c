/* SPDX-License-Identifier: MIT */
/*
 * zoneinfo.c - /proc/zoneinfo, everything about each zone
 *
 * Every zone that this kind of machine has is listed (REPORT-4), down to its protection;
 * one that has memory goes on with its counters and per-cpu lists. "protection"
 * has a number per zone of the machine: what must stay free here of a
 * request that could have gone to that zone.
 *
 * Source: Linux's Documentation/admin-guide/sysctl/vm.rst (lowmem_reserve_ratio)
 */
#include "report/zoneinfo.h"

#include "phys/zone.h"
#include "report/zones.h"

static void write_pagesets(struct quire *q, enum quire_zone zone, const struct quire_sink *sink)
{
	quire_format(sink, "  pagesets\n");
	for (unsigned cpu = 0; cpu < quire_config(q)->nr_cpus; cpu++) {
		struct quire_pcp_stat pcp;

		quire_pcp_stat(q, zone, cpu, &pcp);
		if (!pcp.batch)
			continue;
		quire_format(sink,
			     "    cpu: %u\n"
			     "              count: %ju\n"
			     "              high:  %ju\n"
			     "              batch: %ju\n",
			     cpu, pcp.count, pcp.high, pcp.batch);
	}
}

static void write_zone(struct quire *q, enum quire_zone zone, const struct quire_zone_stat *stat,
		       const struct quire_sink *sink)
{
	const char *comma = "";

	quire_format(sink, "Node 0, zone %8s\n", quire_zone_name(zone));
	quire_format(sink,
		     "  pages free     %ju\n"
		     "        boost    0\n"
		     "        min      %ju\n"
		     "        low      %ju\n"
		     "        high     %ju\n",
		     stat->free, stat->wmark[QUIRE_WMARK_MIN], stat->wmark[QUIRE_WMARK_LOW],
		     stat->wmark[QUIRE_WMARK_HIGH]);
	quire_format(sink,
		     "        spanned  %ju\n"
		     "        present  %ju\n"
		     "        managed  %ju\n"
		     "        cma      %ju\n"
		     "        protection: (",
		     stat->spanned, stat->present, stat->managed, stat->present_cma);
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (!zone_exists(quire_config(q)->machine, z))
			continue;
		quire_format(sink, "%s%ju", comma, stat->reserve[z]);
		comma = ", ";
	}
	quire_format(sink, ")\n");
	if (!stat->present)
		return;
	quire_format(sink, "      %-12s %ju\n      %-12s %ju\n", "nr_free_pages", stat->free,
		     "nr_free_cma", stat->free_cma);
	write_pagesets(q, zone, sink);
	quire_format(sink, "  start_pfn:           %ju\n", stat->start.v);
}

static void json_pagesets(struct quire *q, enum quire_zone zone, struct json *j)
{
	json_open(j, "pagesets", '[');
	for (unsigned cpu = 0; cpu < quire_config(q)->nr_cpus; cpu++) {
		struct quire_pcp_stat pcp;

		quire_pcp_stat(q, zone, cpu, &pcp);
		if (!pcp.batch)
			continue;
		json_open(j, NULL, '{');
		json_number(j, "cpu", cpu);
		json_number(j, "count", pcp.count);
		json_number(j, "high", pcp.high);
		json_number(j, "batch", pcp.batch);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void json_zone(struct quire *q, enum quire_zone zone, const struct quire_zone_stat *stat,
		      struct json *j)
{
	json_open(j, NULL, '{');
	zones_json_name(j, zone);
	json_number(j, "free", stat->free);
	json_number(j, "boost", 0);
	json_number(j, "min", stat->wmark[QUIRE_WMARK_MIN]);
	json_number(j, "low", stat->wmark[QUIRE_WMARK_LOW]);
	json_number(j, "high", stat->wmark[QUIRE_WMARK_HIGH]);
	json_number(j, "spanned", stat->spanned);
	json_number(j, "present", stat->present);
	json_number(j, "managed", stat->managed);
	json_number(j, "cma", stat->present_cma);
	json_open(j, "protection", '[');
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (zone_exists(quire_config(q)->machine, z))
			json_number(j, NULL, stat->reserve[z]);
	}
	json_close(j, ']');
	if (stat->present) {
		json_number(j, "nr_free_pages", stat->free);
		json_number(j, "nr_free_cma", stat->free_cma);
		json_pagesets(q, zone, j);
		json_number(j, "start_pfn", stat->start.v);
	}
	json_close(j, '}');
}

void zoneinfo_write(struct quire *q, bool json, const struct quire_sink *sink)
{
	struct json j = { .sink = sink };
	struct quire_zone_stat stat;

	if (json)
		json_open(&j, NULL, '[');
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (!zone_exists(quire_config(q)->machine, z))
			continue;
		quire_zone_stat(q, z, &stat);
		if (json)
			json_zone(q, z, &stat, &j);
		else
			write_zone(q, z, &stat, sink);
	}
	if (json)
		json_close(&j, ']');
}
