/* SPDX-License-Identifier: MIT */
/*
 * iomem.c - /proc/iomem, the map of physical addresses
 *
 * The settled map, a line per range with its last byte, and indented below it
 * the kernel's image, as Linux does on a PC:
 *
 *	00100000-0c7d9fff : System RAM
 *	  05800000-07ffffff : Kernel
 *
 * Linux knows the image's sections (code, rodata, data, bss); a reservation
 * only says that it is the kernel.
 */
#include "report/iomem.h"

#include <quire/boot.h>

#include "report/json.h"

struct writer {
	bool json;
	struct json j;
	const struct quire_sink *sink;
};

/* Ends are exclusive, and 0 for 2^64: the last byte is right in both cases. */
static void open_range(struct writer *w, unsigned depth, uint64_t start, uint64_t last,
		       const char *name)
{
	if (!w->json) {
		quire_format(w->sink, "%*s%08jx-%08jx : %s\n", (int)depth * 2, "", start, last,
			     name);
		return;
	}
	json_open(&w->j, NULL, '{');
	json_number(&w->j, "start", start);
	json_number(&w->j, "end", last);
	json_string(&w->j, "name", name);
}

/* The parts of the kernel's image that lie in [start, last]. */
static void write_kernel(struct quire *q, struct writer *w, uint64_t start, uint64_t last)
{
	struct quire_range range;

	for (size_t i = 0; quire_memblock_get(q, QUIRE_MEMBLOCK_RESERVED, i, &range); i++) {
		uint64_t range_last = range.end - 1;

		if (range.what != QUIRE_RESERVE_KERNEL || range_last < start || range.start > last)
			continue;
		open_range(w, 1, range.start > start ? range.start : start,
			   range_last < last ? range_last : last, "Kernel");
		if (w->json)
			json_close(&w->j, '}');
	}
}

void iomem_write(struct quire *q, bool json, const struct quire_sink *sink)
{
	struct writer w = { .json = json, .j = { .sink = sink }, .sink = sink };
	struct quire_map_entry entry;

	if (json)
		json_open(&w.j, NULL, '[');
	for (size_t i = 0; quire_map_get(q, i, &entry); i++) {
		bool ram = entry.type == QUIRE_MAP_USABLE;

		open_range(&w, 0, entry.start, entry.end - 1, quire_map_type_name(entry.type));
		if (json)
			json_open(&w.j, "children", '[');
		if (ram)
			write_kernel(q, &w, entry.start, entry.end - 1);
		if (json) {
			json_close(&w.j, ']');
			json_close(&w.j, '}');
		}
	}
	if (json)
		json_close(&w.j, ']');
}
