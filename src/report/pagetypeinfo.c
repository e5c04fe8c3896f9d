/* SPDX-License-Identifier: MIT */
/*
 * pagetypeinfo.c - /proc/pagetypeinfo, free blocks and pageblocks by migrate type
 *
 * Two tables: free blocks by zone, type and order, then pageblocks by zone
 * and type. The types are those of a Linux built with CMA. HighAtomic is among
 * them: no pageblock here is ever set aside so, and its counts are 0.
 *
 * Source: Linux's Documentation/filesystems/proc.rst
 */
#include "report/pagetypeinfo.h"

#include "report/zones.h"

static uint64_t nr_free(const struct quire_zone_stat *stat, const struct zones_type *type,
			unsigned order)
{
	return type->type < 0 ? 0 : stat->nr_free[type->type][order];
}

static uint64_t nr_blocks(const struct quire_zone_stat *stat, const struct zones_type *type)
{
	return type->type < 0 ? 0 : stat->nr_blocks[type->type];
}

static void write_free(struct quire *q, const struct quire_sink *sink)
{
	const struct zones_type *type;
	struct quire_zone_stat stat;

	quire_format(sink, "%-43s ", "Free pages count per migrate type at order");
	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++)
		quire_format(sink, "%6u ", order);
	quire_format(sink, "\n");
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (!zones_populated(q, z, &stat))
			continue;
		for (unsigned i = 0; (type = zones_type(i)); i++) {
			quire_format(sink, "Node %4d, zone %8s, type %12s ", 0, quire_zone_name(z),
				     type->name);
			for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++)
				quire_format(sink, "%6ju ", nr_free(&stat, type, order));
			quire_format(sink, "\n");
		}
	}
}

static void write_blocks(struct quire *q, const struct quire_sink *sink)
{
	const struct zones_type *type;
	struct quire_zone_stat stat;

	quire_format(sink, "\n%-23s", "Number of blocks type ");
	for (unsigned i = 0; (type = zones_type(i)); i++)
		quire_format(sink, "%12s ", type->name);
	quire_format(sink, "\n");
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (!zones_populated(q, z, &stat))
			continue;
		quire_format(sink, "Node 0, zone %8s ", quire_zone_name(z));
		for (unsigned i = 0; (type = zones_type(i)); i++)
			quire_format(sink, "%12ju ", nr_blocks(&stat, type));
		quire_format(sink, "\n");
	}
}

static void json_free(struct quire *q, struct json *j)
{
	const struct zones_type *type;
	struct quire_zone_stat stat;

	json_open(j, "free", '[');
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (!zones_populated(q, z, &stat))
			continue;
		for (unsigned i = 0; (type = zones_type(i)); i++) {
			json_open(j, NULL, '{');
			zones_json_name(j, z);
			json_string(j, "type", type->name);
			json_open(j, "free", '[');
			for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++)
				json_number(j, NULL, nr_free(&stat, type, order));
			json_close(j, ']');
			json_close(j, '}');
		}
	}
	json_close(j, ']');
}

static void json_blocks(struct quire *q, struct json *j)
{
	const struct zones_type *type;
	struct quire_zone_stat stat;

	json_open(j, "blocks", '[');
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (!zones_populated(q, z, &stat))
			continue;
		json_open(j, NULL, '{');
		zones_json_name(j, z);
		for (unsigned i = 0; (type = zones_type(i)); i++)
			json_number(j, type->name, nr_blocks(&stat, type));
		json_close(j, '}');
	}
	json_close(j, ']');
}

void pagetypeinfo_write(struct quire *q, bool json, const struct quire_sink *sink)
{
	unsigned order = quire_pageblock_order(q);
	struct json j = { .sink = sink };

	if (!json) {
		quire_format(sink, "Page block order: %u\nPages per block:  %u\n\n", order,
			     1u << order);
		write_free(q, sink);
		write_blocks(q, sink);
		return;
	}
	json_open(&j, NULL, '{');
	json_number(&j, "page_block_order", order);
	json_number(&j, "pages_per_block", 1u << order);
	json_free(q, &j);
	json_blocks(q, &j);
	json_close(&j, '}');
}
