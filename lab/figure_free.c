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

#define ROWS_ZONE (QUIRE_ORDER_MAX + 4) /* name, heads, orders, a blank one */
#define SAMPLES 1024
#define COUNT_X 6
#define BAR_X 16
#define BAR_CELLS 12
#define BITS_X 30
#define BITS_CELLS 24
#define LIST_X 56

struct zone_view {
	struct quire *q;
	struct canvas *c;
	enum quire_zone zone;
	const struct quire_zone_stat *stat;
	uint64_t most; /* frames on the fullest list */
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
			.glyph = '#',
			.rest = '#',
		};
		v->c->ops->fill(v->c, &fill);
	}
}

static void draw_bits(struct zone_view *v, unsigned order)
{
	uint64_t first = v->stat->start.v >> (order + 1);
	uint64_t end = ((v->stat->start.v + v->stat->spanned - 1) >> (order + 1)) + 1;
	uint64_t per_cell = 1;

	while (end - first > per_cell * BITS_CELLS)
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

static void draw_zone(struct zone_view *v)
{
	char free[24];

	figure_size(v->stat->free, free, sizeof(free));
	canvas_print(v->c, 0, v->y++, CANVAS_PLAIN,
		     "%-8s %s free on lists, %ju frames on per-cpu lists", quire_zone_name(v->zone),
		     free, v->stat->pcp);
	canvas_print(v->c, 0, v->y, CANVAS_DIM, "order");
	canvas_print(v->c, COUNT_X + 2, v->y, CANVAS_DIM, "blocks");
	canvas_print(v->c, BAR_X, v->y, CANVAS_DIM, "memory");
	canvas_print(v->c, BITS_X, v->y, CANVAS_DIM, "pair bits");
	canvas_print(v->c, LIST_X, v->y, CANVAS_DIM, "first frames");
	v->y++;
	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++, v->y++) {
		canvas_print(v->c, 0, v->y, CANVAS_PLAIN, "%5u", order);
		canvas_print(v->c, COUNT_X, v->y, CANVAS_PLAIN, "%8ju",
			     list_frames(v->stat, order) >> order);
		draw_bar(v, order);
		if (order < QUIRE_ORDER_MAX)
			draw_bits(v, order);
		draw_list(v, order);
	}
	v->y++;
}

static void draw_legend(struct zone_view *v)
{
	struct canvas_fill fill = { .y = v->y, .level = CANVAS_FULL, .glyph = '#' };

	for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++) {
		fill.paint = (enum canvas_paint)type;
		figure_legend(v->c, &fill, quire_migrate_name((enum quire_migrate)type));
	}
	fill.x = 0;
	fill.y++;
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

	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		quire_zone_stat(q, z, &stat);
		rows += stat.present ? ROWS_ZONE : 0;
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
