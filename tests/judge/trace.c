/* SPDX-License-Identifier: MIT */
/*
 * trace.c - arrays that grow
 */
#include "trace.h"

#include <stdlib.h>
#include <string.h>

static void *grow(void *array, unsigned *room, size_t size)
{
	*room = *room ? *room * 2 : 1024;
	array = realloc(array, *room * size);
	if (!array)
		abort();
	return array;
}

void trace_reset(struct trace *trace)
{
	trace->nr = trace->nr_areas = trace->nr_pages = 0;
}

void trace_free(struct trace *trace)
{
	free(trace->areas);
	free(trace->pages);
	memset(trace, 0, sizeof(*trace));
}

struct area *trace_area(struct trace *trace)
{
	if (trace->nr_areas == trace->room_areas)
		trace->areas = grow(trace->areas, &trace->room_areas, sizeof(struct area));
	struct area *area = &trace->areas[trace->nr_areas++];

	memset(area, 0, sizeof(*area));
	return area;
}

void trace_page(struct trace *trace, uint8_t page)
{
	if (trace->nr_pages == trace->room_pages)
		trace->pages = grow(trace->pages, &trace->room_pages, 1);
	trace->pages[trace->nr_pages++] = page;
}

uint32_t trace_flag(const char letters[2])
{
	static const char all[] = TRACE_FLAGS;

	for (unsigned i = 0; i < sizeof(all) / 3; i++)
		if (all[3 * i] == letters[0] && all[3 * i + 1] == letters[1])
			return 1u << i;
	return 0;
}

bool trace_is_own(const struct origin *origin, uint64_t start)
{
	for (unsigned i = 0; i < origin->nr_areas; i++)
		if (start >= origin->areas[i].start && start < origin->areas[i].end)
			return true;
	return false;
}
