/* SPDX-License-Identifier: MIT */
/*
 * sysrq.c - the memory report of SysRq-m
 *
 * What a kernel prints when an allocation fails, or when asked by SysRq-m:
 * totals, a line per zone with its watermarks and reserves, a line per zone with the
 * free blocks of each order and the letters of the migrate types they
 * belong to, and the sums of memory.
 *
 *	Node 0 DMA: 1*4kB (U) 0*8kB … 3*4096kB (ME) = 15232kB
 */
#include "report/sysrq.h"

#include <quire/port.h>

#include "phys/zone.h"
#include "report/zones.h"

struct sums {
	uint64_t free; /* on the zones' lists; all in frames */
	uint64_t pcp;  /* on per-cpu lists */
	uint64_t free_cma;
	uint64_t present;
	uint64_t high; /* of them, not directly mapped */
	uint64_t managed;
	uint64_t cma;
};

static uint64_t to_kbytes(uint64_t pages)
{
	return pages << (QUIRE_PAGE_SHIFT - 10);
}

/* Frames on the list of the processor that asks. */
static uint64_t local_pcp(struct quire *q, enum quire_zone zone)
{
	struct quire_pcp_stat pcp;
	uintptr_t token = quire_port_cpu_enter();

	quire_pcp_stat(q, zone, token & 0xffff, &pcp);
	quire_port_cpu_leave(token);
	return pcp.count;
}

static void sum(struct quire *q, struct sums *s)
{
	struct quire_zone_stat stat;

	*s = (struct sums){ .free = 0 };
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (!zones_populated(q, z, &stat))
			continue;
		s->free += stat.free;
		s->pcp += stat.pcp;
		s->free_cma += stat.free_cma;
		s->present += stat.present;
		s->managed += stat.managed;
		s->cma += stat.present_cma;
		if (zones_is_high(q, z, &stat))
			s->high += stat.present;
	}
}

static void write_zone(struct quire *q, enum quire_zone zone, const struct quire_zone_stat *stat,
		       const struct quire_sink *sink)
{
	quire_format(sink, "Node 0 %s free:%jukB boost:0kB min:%jukB low:%jukB high:%jukB",
		     quire_zone_name(zone), to_kbytes(stat->free),
		     to_kbytes(stat->wmark[QUIRE_WMARK_MIN]),
		     to_kbytes(stat->wmark[QUIRE_WMARK_LOW]),
		     to_kbytes(stat->wmark[QUIRE_WMARK_HIGH]));
	quire_format(sink, " reserved_highatomic:0KB present:%jukB managed:%jukB",
		     to_kbytes(stat->present), to_kbytes(stat->managed));
	quire_format(sink, " free_pcp:%jukB local_pcp:%jukB free_cma:%jukB\n", to_kbytes(stat->pcp),
		     to_kbytes(local_pcp(q, zone)), to_kbytes(stat->free_cma));
	quire_format(sink, "lowmem_reserve[]:");
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (zone_exists(quire_config(q)->machine, z))
			quire_format(sink, " %ju", stat->reserve[z]);
	}
	quire_format(sink, "\n");
}

static void write_orders(enum quire_zone zone, const struct quire_zone_stat *stat,
			 const struct quire_sink *sink)
{
	const struct zones_type *type;
	uint64_t total = 0;

	quire_format(sink, "Node 0 %s: ", quire_zone_name(zone));
	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
		uint64_t nr = zones_nr_free(stat, order);

		total += nr << order;
		quire_format(sink, "%ju*%jukB ", nr, to_kbytes((uint64_t)1 << order));
		if (!nr)
			continue;
		quire_format(sink, "(");
		for (unsigned i = 0; (type = zones_type(i)); i++) {
			if (type->type >= 0 && stat->nr_free[type->type][order])
				quire_format(sink, "%c", type->letter);
		}
		quire_format(sink, ") ");
	}
	quire_format(sink, "= %jukB\n", to_kbytes(total));
}

static void write_text(struct quire *q, const struct quire_sink *sink)
{
	struct quire_zone_stat stat;
	struct sums s;

	sum(q, &s);
	quire_format(sink, "Mem-Info:\n free:%ju free_pcp:%ju free_cma:%ju\n", s.free, s.pcp,
		     s.free_cma);
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (zones_populated(q, z, &stat))
			write_zone(q, z, &stat, sink);
	}
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (zones_populated(q, z, &stat))
			write_orders(z, &stat, sink);
	}
	quire_format(sink,
		     "%ju pages RAM\n"
		     "%ju pages HighMem/MovableOnly\n"
		     "%ju pages reserved\n"
		     "%ju pages cma reserved\n",
		     s.present, s.high, s.present - s.managed, s.cma);
}

static void json_zone(struct quire *q, enum quire_zone zone, const struct quire_zone_stat *stat,
		      struct json *j)
{
	json_open(j, NULL, '{');
	zones_json_name(j, zone);
	json_number(j, "free_kb", to_kbytes(stat->free));
	json_number(j, "min_kb", to_kbytes(stat->wmark[QUIRE_WMARK_MIN]));
	json_number(j, "low_kb", to_kbytes(stat->wmark[QUIRE_WMARK_LOW]));
	json_number(j, "high_kb", to_kbytes(stat->wmark[QUIRE_WMARK_HIGH]));
	json_number(j, "present_kb", to_kbytes(stat->present));
	json_number(j, "managed_kb", to_kbytes(stat->managed));
	json_number(j, "free_pcp_kb", to_kbytes(stat->pcp));
	json_number(j, "local_pcp_kb", to_kbytes(local_pcp(q, zone)));
	json_number(j, "free_cma_kb", to_kbytes(stat->free_cma));
	json_open(j, "lowmem_reserve", '[');
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (zone_exists(quire_config(q)->machine, z))
			json_number(j, NULL, stat->reserve[z]);
	}
	json_close(j, ']');
	json_open(j, "blocks", '[');
	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++)
		json_number(j, NULL, zones_nr_free(stat, order));
	json_close(j, ']');
	json_close(j, '}');
}

static void write_json(struct quire *q, const struct quire_sink *sink)
{
	struct json j = { .sink = sink };
	struct quire_zone_stat stat;
	struct sums s;

	sum(q, &s);
	json_open(&j, NULL, '{');
	json_number(&j, "free", s.free);
	json_number(&j, "free_pcp", s.pcp);
	json_number(&j, "free_cma", s.free_cma);
	json_open(&j, "zones", '[');
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (zones_populated(q, z, &stat))
			json_zone(q, z, &stat, &j);
	}
	json_close(&j, ']');
	json_number(&j, "pages_ram", s.present);
	json_number(&j, "pages_highmem", s.high);
	json_number(&j, "pages_reserved", s.present - s.managed);
	json_number(&j, "pages_cma_reserved", s.cma);
	json_close(&j, '}');
}

void sysrq_write(struct quire *q, bool json, const struct quire_sink *sink)
{
	if (json)
		write_json(q, sink);
	else
		write_text(q, sink);
}
