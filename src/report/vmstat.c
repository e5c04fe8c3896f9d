/* SPDX-License-Identifier: MIT */
/*
 * vmstat.c - /proc/vmstat, counters of pages and events
 *
 * Only the counters that somebody counts (REPORT-1): free frames, frames
 * allocated and freed since the machine began, and what processes have and did.
 */
#include "report/vmstat.h"

#include <quire/mm.h>

#include "phys/zone.h"
#include "report/zones.h"

static const char *const alloc_names[QUIRE_NR_ZONES] = {
	[QUIRE_ZONE_DMA] = "pgalloc_dma",         [QUIRE_ZONE_DMA32] = "pgalloc_dma32",
	[QUIRE_ZONE_NORMAL] = "pgalloc_normal",   [QUIRE_ZONE_HIGHMEM] = "pgalloc_high",
	[QUIRE_ZONE_MOVABLE] = "pgalloc_movable", [QUIRE_ZONE_DEVICE] = "pgalloc_device",
};

struct writer {
	bool json;
	struct json j;
};

static void write_line(struct writer *w, const char *name, uint64_t number)
{
	if (w->json)
		json_number(&w->j, name, number);
	else
		quire_format(w->j.sink, "%s %ju\n", name, number);
}

void vmstat_write(struct quire *q, bool json, const struct quire_sink *sink)
{
	struct writer w = { .json = json, .j = { .sink = sink } };
	uint64_t alloc[QUIRE_NR_ZONES], free = 0, free_cma = 0, freed = 0;
	struct quire_vm_stat user;
	bool processes = !quire_vm_stat(q, &user);

	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		struct quire_zone_stat stat;

		quire_zone_stat(q, z, &stat);
		alloc[z] = stat.events[QUIRE_EVENT_ALLOC];
		freed += stat.events[QUIRE_EVENT_FREE];
		free += stat.free;
		free_cma += stat.free_cma;
	}
	if (json)
		json_open(&w.j, NULL, '{');
	write_line(&w, "nr_free_pages", free);
	if (processes)
		write_line(&w, "nr_mlock", user.nr_mlocked);
	write_line(&w, "nr_free_cma", free_cma);
	if (processes) {
		write_line(&w, "nr_anon_pages", user.nr_anon);
		write_line(&w, "nr_mapped", user.nr_mapped);
		write_line(&w, "nr_anon_transparent_hugepages", user.nr_anon_huge);
		write_line(&w, "nr_page_table_pages", user.nr_table_pages);
	}
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (zone_exists(quire_config(q)->machine, z))
			write_line(&w, alloc_names[z], alloc[z]);
	}
	write_line(&w, "pgfree", freed);
	if (processes) {
		write_line(&w, "pgfault", user.pgfault);
		write_line(&w, "pgmajfault", user.pgmajfault);
		for (enum quire_thp_event e = 0; e < QUIRE_NR_THP_EVENTS; e++)
			write_line(&w, quire_thp_event_name(e), user.thp[e]);
	}
	if (json)
		json_close(&w.j, '}');
}
