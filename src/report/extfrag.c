/* SPDX-License-Identifier: MIT */
/*
 * extfrag.c - debugfs's extfrag_index and unusable_index: fragmentation by zone and order
 *
 * Two answers to "how broken up is the free memory", each for a request of an
 * order. The external fragmentation index says of a request that fails why: near
 * 0 for want of memory, near 1 because of fragmentation, and -1.000 where it
 * would not fail. The unusable free space index says which share of the free
 * memory is in blocks too small for the request.
 *
 *	Node 0, zone      DMA -1.000 -1.000  0.981  0.991 …
 *
 * Linux prints the fraction of a small negative index with a sign of its own
 * ("0.-500"); here it is an ordinary number.
 *
 * Sources: Gorman, Whitcroft, "Supporting the Allocation of Large Contiguous Regions
 * of Memory" (unusable free space index); Linux's Documentation/admin-guide/sysctl/vm.rst
 */
#include "report/extfrag.h"

#include "report/zones.h"

struct index {
	int (*of)(struct quire *q, enum quire_zone zone, unsigned order);
	int width; /* of a number in the text */
};

static void write_number(const struct quire_sink *sink, int width, int number)
{
	unsigned size = number < 0 ? 0u - (unsigned)number : (unsigned)number;
	char text[16];

	quire_format_buffer(text, sizeof(text), "%s%u.%03u", number < 0 ? "-" : "", size / 1000,
			    size % 1000);
	quire_format(sink, "%*s ", width, text);
}

static void write_index(struct quire *q, const struct index *index, bool json,
			const struct quire_sink *sink)
{
	struct json j = { .sink = sink };
	struct quire_zone_stat stat;

	if (json)
		json_open(&j, NULL, '[');
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		if (!zones_populated(q, z, &stat))
			continue;
		if (json) {
			json_open(&j, NULL, '{');
			zones_json_name(&j, z);
			json_open(&j, "index", '[');
		} else {
			quire_format(sink, "Node 0, zone %8s ", quire_zone_name(z));
		}
		for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
			if (json)
				json_thousandths(&j, NULL, index->of(q, z, order));
			else
				write_number(sink, index->width, index->of(q, z, order));
		}
		if (json) {
			json_close(&j, ']');
			json_close(&j, '}');
		} else {
			quire_format(sink, "\n");
		}
	}
	if (json)
		json_close(&j, ']');
}

void extfrag_write_index(struct quire *q, bool json, const struct quire_sink *sink)
{
	static const struct index index = { .of = quire_fragmentation_index, .width = 6 };

	write_index(q, &index, json, sink);
}

void extfrag_write_unusable(struct quire *q, bool json, const struct quire_sink *sink)
{
	static const struct index index = { .of = quire_unusable_index, .width = 5 };

	write_index(q, &index, json, sink);
}
