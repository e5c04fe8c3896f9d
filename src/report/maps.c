/* SPDX-License-Identifier: MIT */
/* maps.c - /proc/PID/maps, a process's areas */
#include "report/maps.h"

#include "report/areas.h"

void maps_write(struct quire_mm *mm, bool json, const struct quire_sink *sink)
{
	struct json j = { .sink = sink };
	struct quire_vma_info area;

	if (json)
		json_open(&j, NULL, '[');
	for (uint64_t from = 0; area_next(mm, from, &area); from = area.end.v) {
		if (json) {
			json_open(&j, NULL, '{');
			area_json(&j, &area);
			json_close(&j, '}');
		} else {
			area_line(mm, &area, sink);
			quire_format(sink, "\n");
		}
		area_done(&area);
	}
	if (json)
		json_close(&j, ']');
}
