/* SPDX-License-Identifier: MIT */
/*
 * figure_zones.c - view "zones": what each zone holds, and its watermarks
 *
 * Two bars per zone. The first is the zone from its first to its last frame, sorted:
 * in use, on per-cpu lists, free, reserved, holes. The second is a magnifying glass
 * on the low end of the free memory: filled as far as frames are free, with the marks
 * of the watermarks and of the largest lowmem reserve on top of the high one (R).
 */
#include "figure_view.h"

#define TEXT_MAX 160 /* the words of a zone, at most */
#define BAR_X 12

struct bar {
	struct canvas *c;
	unsigned y;
	unsigned cells;
	uint64_t total;
	uint64_t done;
};

static void bar_add(struct bar *b, uint64_t frames, struct canvas_fill fill)
{
	unsigned start = figure_parts(b->done, b->total, b->cells);

	b->done += frames;
	fill.x = BAR_X * CANVAS_PARTS + start;
	fill.width = figure_parts(b->done, b->total, b->cells) - start;
	fill.y = b->y;
	fill.rest = fill.glyph;
	b->c->ops->fill(b->c, &fill);
}

static void bar_mark(struct bar *b, uint64_t at, char glyph)
{
	const struct canvas_fill fill = {
		.x = BAR_X * CANVAS_PARTS + figure_parts(at, b->total, b->cells),
		.width = 2,
		.y = b->y,
		.paint = CANVAS_MARK,
		.level = CANVAS_FULL,
		.glyph = glyph,
		.rest = glyph,
	};

	b->c->ops->fill(b->c, &fill);
}

static const struct canvas_fill in_use = { .paint = CANVAS_UNMOVABLE,
					   .level = CANVAS_FULL,
					   .glyph = '#' };
static const struct canvas_fill per_cpu = { .paint = CANVAS_PCP,
					    .level = CANVAS_FULL,
					    .glyph = 'o' };
static const struct canvas_fill is_free = { .paint = CANVAS_MOVABLE,
					    .level = CANVAS_PART,
					    .glyph = '=' };
static const struct canvas_fill reserved = { .paint = CANVAS_RESERVED,
					     .level = CANVAS_FULL,
					     .glyph = '%' };
static const struct canvas_fill hole = { .paint = CANVAS_HOLE, .level = CANVAS_FULL, .glyph = '.' };

static uint64_t largest_reserve(const struct quire_zone_stat *stat)
{
	uint64_t most = 0;

	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++)
		most = stat->reserve[z] > most ? stat->reserve[z] : most;
	return most;
}

static void draw_bars(struct canvas *c, unsigned y, const struct quire_zone_stat *stat)
{
	uint64_t high = stat->wmark[QUIRE_WMARK_HIGH], top = high + largest_reserve(stat);
	unsigned cells = c->columns - BAR_X - 1;
	struct bar memory = { .c = c, .y = y, .cells = cells, .total = stat->spanned };
	/* A quarter beyond the highest mark, so that "enough" is seen. */
	struct bar marks = { .c = c, .y = y + 1, .cells = cells, .total = top + top / 4 + 1 };

	canvas_print(c, 2, y, CANVAS_DIM, "memory");
	bar_add(&memory, stat->managed - stat->free - stat->pcp, in_use);
	bar_add(&memory, stat->pcp, per_cpu);
	bar_add(&memory, stat->free, is_free);
	bar_add(&memory, stat->present - stat->managed, reserved);
	bar_add(&memory, stat->spanned - stat->present, hole);
	canvas_print(c, 2, y + 1, CANVAS_DIM, "low end");
	bar_add(&marks, stat->free < marks.total ? stat->free : marks.total, is_free);
	if (top > high)
		bar_mark(&marks, top, 'R');
	bar_mark(&marks, high, 'H');
	bar_mark(&marks, stat->wmark[QUIRE_WMARK_LOW], 'L');
	bar_mark(&marks, stat->wmark[QUIRE_WMARK_MIN], 'M');
}

/* What is told of a zone in words: above its bars, and below them. */
struct words {
	char head[TEXT_MAX], numbers[TEXT_MAX];
};

static void words_of(struct quire *q, const struct quire_zone_stat *stat, struct words *w)
{
	char spanned[24], managed[24], free[24];
	struct quire_zone_stat other;
	const char *comma = "";
	size_t used;

	figure_size(stat->spanned, spanned, sizeof(spanned));
	figure_size(stat->managed, managed, sizeof(managed));
	figure_size(stat->free, free, sizeof(free));
	quire_format_buffer(w->head, TEXT_MAX, "from %jx, spans %s: %s managed, %s free",
			    quire_pfn_phys(stat->start).v, spanned, managed, free);
	used = quire_format_buffer(w->numbers, TEXT_MAX, "min %ju, low %ju, high %ju; protection ",
				   stat->wmark[QUIRE_WMARK_MIN], stat->wmark[QUIRE_WMARK_LOW],
				   stat->wmark[QUIRE_WMARK_HIGH]);
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		quire_zone_stat(q, z, &other);
		if (!other.exists)
			continue;
		used += quire_format_buffer(w->numbers + used, TEXT_MAX - used, "%s%ju", comma,
					    stat->reserve[z]);
		comma = ", ";
	}
}

/* Rows of the zone, with a blank one; drawn unless @draw is NULL. */
static unsigned zone_rows(struct quire *q, const struct canvas *c, struct canvas *draw, unsigned y,
			  enum quire_zone zone)
{
	unsigned first = y, width = c->columns - BAR_X;
	struct quire_zone_stat stat;
	struct words w;

	quire_zone_stat(q, zone, &stat);
	if (!stat.present) {
		if (stat.exists && draw)
			canvas_print(draw, 0, y, CANVAS_DIM, "%-*sempty", BAR_X,
				     quire_zone_name(zone));
		return stat.exists;
	}
	words_of(q, &stat, &w);
	if (draw)
		canvas_print(draw, 0, y, CANVAS_PLAIN, "%s", quire_zone_name(zone));
	y += figure_text(draw, BAR_X, y, width, CANVAS_PLAIN, w.head);
	if (draw)
		draw_bars(draw, y, &stat);
	y += 2;
	y += figure_text(draw, BAR_X, y, width, CANVAS_DIM, w.numbers);
	return y + 1 - first;
}

static const char marks[] =
	"Marks of the low end, left to right: min, low, high, high + largest reserve.";

static void draw_legend(struct canvas *c, unsigned y)
{
	static const struct {
		const struct canvas_fill *fill;
		const char *name;
	} entries[] = {
		{ &in_use, "in use" },     { &per_cpu, "on per-cpu lists" }, { &is_free, "free" },
		{ &reserved, "reserved" }, { &hole, "no memory" },
	};
	struct canvas_fill at = { .x = 0, .y = y };

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		struct canvas_fill fill = *entries[i].fill;

		fill.x = at.x;
		fill.y = at.y;
		figure_legend(c, &fill, entries[i].name);
		at = fill;
	}
	figure_text(c, 0, at.y + 1, c->columns, CANVAS_DIM, marks);
}

int figure_zones(struct quire *q, struct canvas *c)
{
	unsigned y = 2, rows = figure_text(NULL, 0, 0, c->columns, CANVAS_DIM, marks);
	char title[80];

	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++)
		rows += zone_rows(q, c, NULL, 0, z);
	quire_format_buffer(title, sizeof(title), "Zones (%s)",
			    quire_machine_name(quire_config(q)->machine));
	int error = canvas_open(c, title, 2 + rows + figure_legend_rows(c));
	if (error)
		return error;
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++)
		y += zone_rows(q, c, c, y, z);
	draw_legend(c, y + 1);
	return 0;
}
