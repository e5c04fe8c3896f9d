/* SPDX-License-Identifier: MIT */
/*
 * figure_free.c - view "free": the free lists of each zone
 *
 * A row per order: how many blocks, a bar of the memory they hold (coloured by
 * migrate type), the bits of the pairs of buddies, and the first blocks by frame
 * number. A bit is 1 when exactly one of the two buddies is free as a whole; where
 * there are more bits than cells, a cell stands for several of them: 0 none is set,
 * 1 all are, + some (of up to SAMPLES that are looked at).
 */
#include "figure_view.h"

#define ROWS_ZONE (QUIRE_ORDER_MAX + 3) /* heads, orders, a blank one; the name's beside */
#define HEAD_MAX 100
#define SAMPLES 1024
#define COUNT_X 6
#define BAR_X 16
#define BAR_CELLS 12
#define BITS_X 30
#define BITS_CELLS 24 /* fewer in a narrow picture */
#define LIST_X 56
#define LIST_MIN 12 /* cells; a list has no place in fewer */

struct zone_view {
	struct quire *q;
	struct canvas *c;
	enum quire_zone zone;
	const struct quire_zone_stat *stat;
	uint64_t most; /* frames on the fullest list */
	unsigned bits_cells;
	bool list; /* there is place for the lists */
	unsigned y;
};

static uint64_t list_frames(const struct quire_zone_stat *stat, unsigned order)
{
	uint64_t nr = 0;

	for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++)
		nr += stat->nr_free[type][order];
	return nr << order;
}

static void draw_bar(struct zone_view *v, unsigned order)
{
	uint64_t sum = 0;

	for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++) {
		unsigned start = figure_parts(sum, v->most, BAR_CELLS);

		sum += v->stat->nr_free[type][order] << order;
		const struct canvas_fill fill = {
			.x = BAR_X * CANVAS_PARTS + start,
			.width = figure_parts(sum, v->most, BAR_CELLS) - start,
			.y = v->y,
			.paint = (enum canvas_paint)type,
			.level = CANVAS_FULL,
			.glyph = figure_letter((enum quire_migrate)type),
			.rest = figure_letter((enum quire_migrate)type),
		};
		v->c->ops->fill(v->c, &fill);
	}
}

static void draw_bits(struct zone_view *v, unsigned order)
{
	uint64_t first = v->stat->start.v >> (order + 1);
	uint64_t end = ((v->stat->start.v + v->stat->spanned - 1) >> (order + 1)) + 1;
	uint64_t per_cell = 1;

	while (end - first > per_cell * v->bits_cells)
		per_cell *= 2;
	uint64_t step = per_cell > SAMPLES ? per_cell / SAMPLES : 1;
	for (unsigned x = 0; first < end; first += per_cell, x++) {
		unsigned set = 0, nr = 0;

		for (uint64_t i = first; i < end && i < first + per_cell; i += step, nr++)
			set += (unsigned)quire_pair_bit(v->q, order, i);
		const struct canvas_fill fill = {
			.x = (BITS_X + x) * CANVAS_PARTS,
			.width = CANVAS_PARTS,
			.y = v->y,
			.paint = set ? CANVAS_MARK : CANVAS_RESERVED,
			.level = !set       ? CANVAS_FREE
				 : set < nr ? CANVAS_PART
					    : CANVAS_FULL,
			.glyph = !set       ? '0'
				 : set < nr ? '+'
					    : '1',
			.lettered = per_cell == 1,
		};
		v->c->ops->fill(v->c, &fill);
	}
}

/* As many frame numbers as fit, and dots if there are more. */
static void draw_list(struct zone_view *v, unsigned order)
{
	unsigned x = LIST_X;
	quire_pfn_t pfn = v->stat->start;

	while (quire_free_block_next(v->q, v->zone, order, pfn, &pfn, NULL)) {
		char number[24];
		unsigned length = (unsigned)quire_format_buffer(number, sizeof(number), "%ju",
								pfn.v);

		if (x + length + 3 > v->c->columns) {
			canvas_print(v->c, x, v->y, CANVAS_DIM, "..");
			return;
		}
		canvas_print(v->c, x, v->y, CANVAS_PLAIN, "%s", number);
		x += length + 1;
		pfn.v++;
	}
}

static void head(enum quire_zone zone, const struct quire_zone_stat *stat, char text[HEAD_MAX])
{
	char free[24];

	figure_size(stat->free, free, sizeof(free));
	quire_format_buffer(text, HEAD_MAX, "%-8s %s free on lists, %ju frames on per-cpu lists",
			    quire_zone_name(zone), free, stat->pcp);
}

static void draw_zone(struct zone_view *v)
{
	char text[HEAD_MAX];

	head(v->zone, v->stat, text);
	v->y += figure_text(v->c, 0, v->y, v->c->columns, CANVAS_PLAIN, text);
	canvas_print(v->c, 0, v->y, CANVAS_DIM, "order");
	canvas_print(v->c, COUNT_X + 2, v->y, CANVAS_DIM, "blocks");
	canvas_print(v->c, BAR_X, v->y, CANVAS_DIM, "memory");
	canvas_print(v->c, BITS_X, v->y, CANVAS_DIM, "pair bits");
	if (v->list)
		canvas_print(v->c, LIST_X, v->y, CANVAS_DIM, "first frames");
	v->y++;
	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++, v->y++) {
		canvas_print(v->c, 0, v->y, CANVAS_PLAIN, "%5u", order);
		canvas_print(v->c, COUNT_X, v->y, CANVAS_PLAIN, "%8ju",
			     list_frames(v->stat, order) >> order);
		draw_bar(v, order);
		if (order < QUIRE_ORDER_MAX)
			draw_bits(v, order);
		if (v->list)
			draw_list(v, order);
	}
	v->y++;
}

static void draw_legend(struct zone_view *v)
{
	struct canvas_fill fill = { .y = v->y };

	figure_legend_types(v->c, &fill);
	fill.paint = CANVAS_MARK;
	fill.glyph = '1';
	figure_legend(v->c, &fill, "one buddy free");
	fill.level = CANVAS_PART;
	fill.glyph = '+';
	figure_legend(v->c, &fill, "so for some pairs");
	fill.paint = CANVAS_RESERVED;
	fill.level = CANVAS_FREE;
	fill.glyph = '0';
	figure_legend(v->c, &fill, "both or neither");
}

int figure_free(struct quire *q, struct canvas *c)
{
	struct quire_zone_stat stat;
	struct zone_view v = { .q = q, .c = c, .stat = &stat, .y = 2 };
	unsigned rows = 0;

	v.list = c->columns >= LIST_X + LIST_MIN;
	v.bits_cells = c->columns < BITS_X + BITS_CELLS ? c->columns - BITS_X : BITS_CELLS;

	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		char text[HEAD_MAX];

		quire_zone_stat(q, z, &stat);
		head(z, &stat, text);
		if (stat.present)
			rows += ROWS_ZONE +
				figure_text(NULL, 0, 0, c->columns, CANVAS_PLAIN, text);
	}
	int error = canvas_open(c, "Free lists: blocks of 2^order frames",
				2 + rows + figure_legend_rows(c));
	if (error)
		return error;
	for (v.zone = 0; v.zone < QUIRE_NR_ZONES; v.zone++) {
		quire_zone_stat(q, v.zone, &stat);
		if (!stat.present)
			continue;
		v.most = 0;
		for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
			uint64_t frames = list_frames(&stat, order);

			v.most = frames > v.most ? frames : v.most;
		}
		draw_zone(&v);
	}
	draw_legend(&v);
	return 0;
}
