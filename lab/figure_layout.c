/* SPDX-License-Identifier: MIT */
/*
 * figure_layout.c - view "layout": the kernel's address space, from the top down
 *
 * A row for each region: where it begins, how large it is, a bar of its share of the
 * address space on a logarithmic scale (a page would not be seen on any other), and what of it
 * is in use. Below it the windows and areas, in numbers.
 */
#include <quire/highmem.h>
#include <quire/layout.h>
#include <quire/vmalloc.h>

#include "figure_view.h"

#define SIZE_X 17
#define NAME_X 26
#define BAR_X 40
#define BAR_CELLS 10
#define ABOUT_X (BAR_X + BAR_CELLS + 1)
#define ROWS_BELOW 6

static unsigned log2_of(uint64_t bytes)
{
	unsigned n = 0;

	while (bytes >>= 1)
		n++;
	return n;
}

static struct canvas_fill fill_of(enum quire_region region)
{
	static const struct canvas_fill fills[QUIRE_NR_REGIONS] = {
		[QUIRE_REGION_HOLE] = { .paint = CANVAS_HOLE, .level = CANVAS_FULL, .glyph = '.' },
		[QUIRE_REGION_USER] = { .paint = CANVAS_MOVABLE, .level = CANVAS_PART,
					.glyph = 'u' },
		[QUIRE_REGION_NONCANON] = { .paint = CANVAS_HOLE, .level = CANVAS_FULL,
					    .glyph = '.' },
		[QUIRE_REGION_DIRECT] = { .paint = CANVAS_UNMOVABLE, .level = CANVAS_FULL,
					  .glyph = '#' },
		[QUIRE_REGION_VMALLOC] = { .paint = CANVAS_RECLAIMABLE, .level = CANVAS_FULL,
					   .glyph = 'v' },
		[QUIRE_REGION_VMEMMAP] = { .paint = CANVAS_RESERVED, .level = CANVAS_PART,
					   .glyph = 'm' },
		[QUIRE_REGION_TEXT] = { .paint = CANVAS_UNMOVABLE, .level = CANVAS_PART,
					.glyph = 't' },
		[QUIRE_REGION_MODULES] = { .paint = CANVAS_UNMOVABLE, .level = CANVAS_PART,
					   .glyph = 'o' },
		[QUIRE_REGION_PKMAP] = { .paint = CANVAS_PCP, .level = CANVAS_FULL, .glyph = 'k' },
		[QUIRE_REGION_FIXMAP] = { .paint = CANVAS_CMA, .level = CANVAS_FULL, .glyph = 'f' },
		[QUIRE_REGION_VSYSCALL] = { .paint = CANVAS_CMA, .level = CANVAS_PART,
					    .glyph = 's' },
		[QUIRE_REGION_LINUX] = { .paint = CANVAS_RESERVED, .level = CANVAS_PART,
					 .glyph = '-' },
	};

	return fills[region];
}

static void draw_area(struct canvas *c, unsigned y, const struct quire_layout_area *area,
		      unsigned digits, unsigned most)
{
	struct canvas_fill fill = fill_of(area->region);
	uint64_t bytes = area->end - area->start;
	unsigned cells = c->columns > 64 ? BAR_CELLS : 6;
	char size[16];

	figure_bytes(bytes, size, sizeof(size));
	canvas_print(c, 0, y, CANVAS_PLAIN, "%0*jx", (int)digits, (uintmax_t)area->start);
	canvas_print(c, SIZE_X, y, CANVAS_PLAIN, "%7s", size);
	canvas_print(c, NAME_X, y, CANVAS_PLAIN, "%s", quire_region_name(area->region));
	fill.x = BAR_X * CANVAS_PARTS;
	fill.width = figure_parts(log2_of(bytes) - 11, most, cells - 1) + CANVAS_PARTS;
	fill.y = y;
	fill.rest = fill.glyph;
	c->ops->fill(c, &fill);
	if (c->columns > 64)
		canvas_print(c, ABOUT_X, y, CANVAS_DIM, "%s", area->about);
}

static void draw_numbers(struct quire *q, struct canvas *c, unsigned y)
{
	struct quire_vmalloc_stat vm;
	struct quire_kmap_stat kmap;
	struct quire_direct_stat direct;
	char used[16], lazy[16], small[16], large[16];

	if (quire_vmalloc_stat(q, &vm) || quire_kmap_stat(q, &kmap) ||
	    quire_direct_stat(q, &direct)) {
		canvas_print(c, 0, y, CANVAS_DIM, "The kernel's address space is not built yet.");
		return;
	}
	figure_bytes(vm.used_bytes, used, sizeof(used));
	figure_bytes(vm.lazy_pages << QUIRE_PAGE_SHIFT, lazy, sizeof(lazy));
	figure_bytes(direct.bytes_4k, small, sizeof(small));
	figure_bytes(direct.bytes_large + direct.bytes_1g, large, sizeof(large));
	canvas_print(c, 0, y, CANVAS_PLAIN, "direct map  %s in 4 kB pages, %s in large ones", small,
		     large);
	canvas_print(c, 0, y + 1, CANVAS_PLAIN, "vmalloc     %ju area%s, %s; %s freed, not flushed",
		     (uintmax_t)vm.nr_areas, vm.nr_areas == 1 ? "" : "s", used, lazy);
	if (kmap.total)
		canvas_print(c, 0, y + 2, CANVAS_PLAIN,
			     "pkmap       %u of %u windows open, %u closed and kept", kmap.open,
			     kmap.total, kmap.stale);
}

int figure_layout(struct quire *q, struct canvas *c)
{
	unsigned digits = quire_config(q)->machine >= QUIRE_X86_64 ? 16 : 8, most = 1;
	struct quire_layout l;
	char title[80];

	quire_layout(q, &l);
	for (unsigned i = 0; i < l.nr; i++) {
		unsigned n = log2_of(l.area[i].end - l.area[i].start) - 11;

		most = n > most ? n : most;
	}
	quire_format_buffer(title, sizeof(title), "Virtual addresses (%s)",
			    quire_machine_name(quire_config(q)->machine));
	int error = canvas_open(c, title, 2 + l.nr + ROWS_BELOW);

	if (error)
		return error;
	for (unsigned i = 0; i < l.nr; i++)
		draw_area(c, 2 + i, &l.area[l.nr - 1 - i], digits, most);
	canvas_print(c, 0, 3 + l.nr, CANVAS_DIM,
		     "From the top down. Bars: the size, on a logarithmic scale.");
	draw_numbers(q, c, 4 + l.nr);
	return 0;
}
