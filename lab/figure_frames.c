/* SPDX-License-Identifier: MIT */
/*
 * figure_frames.c - view "frames": the frames of each zone
 *
 * A row holds a power of two of cells, a cell a power of two of frames, chosen so
 * that the picture has ROWS_MAX rows at most. The hue of a cell is the migrate
 * type of its pageblock, its strength says how much of it is in use.
 *
 * With one frame per cell the blocks are seen: a free one shows its order and
 * then dots, an allocated one its type's letter and then a line.
 *
 *	0       8              0 and 1 in use, so [2,3] as one block; [4,5] free,
 *	UUU=1.o#3.......       6 on a per-cpu list, 7 reserved, [8..15] free
 *
 * With more, up to SAMPLES frames of a cell are looked at, spread over all of it, so
 * that a machine of a terabyte is drawn as quickly as a small one. Rows without
 * memory are left out.
 */
#include <quire/boot.h>

#include "figure_view.h"

#define ROWS_MAX 40
#define SAMPLES 64
#define LABEL 14 /* cells left of the frames: the address */
#define RULER 16 /* cells between the numbers above the frames */

/* Where a zone is: [start, end) in frames; 0, 0 without memory. */
struct extent {
	uint64_t start, end;
};

struct layout {
	struct quire *q;
	struct canvas *c;
	struct extent zones[QUIRE_NR_ZONES];
	unsigned cells; /* in a row */
	unsigned shift; /* log2 of the frames in a cell */
	unsigned y;
};

/* How a cell looks. */
struct look {
	enum canvas_paint paint;
	enum canvas_level level;
	char glyph;
};

/*
 * The first row at or after @row that has memory of the zone; rows are numbered from
 * frame 0. Return: false after the last.
 */
static bool next_row(const struct layout *l, const struct extent *zone, uint64_t *row)
{
	uint64_t frames = (uint64_t)l->cells << l->shift;
	struct quire_range range;

	for (size_t i = 0; quire_memblock_get(l->q, QUIRE_MEMBLOCK_MEMORY, i, &range); i++) {
		uint64_t start = range.start >> QUIRE_PAGE_SHIFT,
			 end = range.end >> QUIRE_PAGE_SHIFT;

		start = start > zone->start ? start : zone->start;
		start = start > *row * frames ? start : *row * frames;
		end = end < zone->end ? end : zone->end;
		if (start < end) {
			/* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): a row has cells */
			*row = start / frames;
			return true;
		}
	}
	return false;
}

/* Rows of all zones, each with its name and a blank one; ROWS_MAX + 1 if more. */
static unsigned nr_rows(const struct layout *l)
{
	unsigned rows = 0;

	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		uint64_t row = 0;

		rows += l->zones[z].end ? 2 : 0;
		while (rows <= ROWS_MAX && next_row(l, &l->zones[z], &row)) {
			rows++;
			row++;
		}
	}
	return rows;
}

static struct look look_of(const struct quire_frame_info *info)
{
	struct look look = { .paint = (enum canvas_paint)info->migrate, .level = CANVAS_FULL };

	switch (info->state) {
	case QUIRE_FRAME_RESERVED:
		look.paint = CANVAS_RESERVED, look.glyph = '#';
		break;
	case QUIRE_FRAME_PCP:
		look.paint = CANVAS_PCP, look.glyph = 'o';
		break;
	case QUIRE_FRAME_FREE:
		look.level = CANVAS_FREE;
		look.glyph = "0123456789A"[info->order];
		break;
	case QUIRE_FRAME_HEAD:
	case QUIRE_FRAME_BODY:
		look.glyph = figure_letter(info->migrate);
		break;
	default:
		look.paint = CANVAS_HOLE, look.glyph = ' ';
		break;
	}
	return look;
}

/* The frame to look at as the @i-th of a cell: somewhere in its own part of it. */
static uint64_t sample(uint64_t first, uint64_t step, unsigned i)
{
	return first + i * step + ((i * 2654435761u >> 7) & (step - 1));
}

static struct look look_of_many(const struct layout *l, enum quire_zone zone, uint64_t first)
{
	uint64_t frames = (uint64_t)1 << l->shift, step = frames > SAMPLES ? frames / SAMPLES : 1;
	unsigned nr[QUIRE_FRAME_BODY + 1] = { 0 }, types[QUIRE_NR_MIGRATE] = { 0 }, type = 0;
	struct quire_frame_info info;

	for (unsigned i = 0; i < frames / step; i++) {
		quire_frame_info(l->q, quire_pfn(sample(first, step, i)), &info);
		if (info.state == QUIRE_FRAME_HOLE || info.zone != zone)
			continue;
		nr[info.state]++;
		if (info.state != QUIRE_FRAME_RESERVED)
			types[info.migrate]++;
	}
	for (unsigned i = 1; i < QUIRE_NR_MIGRATE; i++)
		type = types[i] > types[type] ? i : type;
	unsigned used = nr[QUIRE_FRAME_HEAD] + nr[QUIRE_FRAME_BODY];
	unsigned free = nr[QUIRE_FRAME_FREE] + nr[QUIRE_FRAME_PCP];

	if (nr[QUIRE_FRAME_RESERVED] >= used + free)
		return nr[QUIRE_FRAME_RESERVED] ? (struct look){ CANVAS_RESERVED, CANVAS_FULL, '#' }
						: (struct look){ CANVAS_HOLE, CANVAS_FULL, ' ' };
	if (!used)
		return (struct look){ (enum canvas_paint)type, CANVAS_FREE, '.' };
	char letter = figure_letter((enum quire_migrate)type);
	if (!free)
		return (struct look){ (enum canvas_paint)type, CANVAS_FULL, letter };
	return (struct look){ (enum canvas_paint)type, CANVAS_PART, (char)(letter + 'a' - 'A') };
}

/* One frame per cell: from @x on, the part of its block that is in this row. */
static unsigned draw_block(struct layout *l, enum quire_zone zone, uint64_t row, unsigned x)
{
	struct quire_frame_info info;
	unsigned width = 1;

	quire_frame_info(l->q, quire_pfn(row + x), &info);
	if (info.state == QUIRE_FRAME_HOLE || info.zone != zone)
		return 1;
	struct look look = look_of(&info);
	bool free = info.state == QUIRE_FRAME_FREE, body = info.first.v != row + x;
	if (free || info.state == QUIRE_FRAME_HEAD || info.state == QUIRE_FRAME_BODY) {
		uint64_t end = info.first.v + ((uint64_t)1 << info.order);

		width = (unsigned)(end - row < l->cells ? end - row : l->cells) - x;
	}
	const char rest = free ? '.' : '=';
	const struct canvas_fill fill = {
		.x = (LABEL + x) * CANVAS_PARTS,
		.width = width * CANVAS_PARTS,
		.y = l->y,
		.paint = look.paint,
		.level = look.level,
		.glyph = body && info.order ? rest : look.glyph,
		.rest = rest,
		.lettered = !(body && info.order) && look.glyph != '#',
	};
	l->c->ops->fill(l->c, &fill);
	return width;
}

/* Many frames per cell: from @x on, the cells that look the same. */
static unsigned draw_run(struct layout *l, enum quire_zone zone, uint64_t row, unsigned x)
{
	struct look look = look_of_many(l, zone, row + ((uint64_t)x << l->shift));
	unsigned width = 1;

	for (; x + width < l->cells; width++) {
		struct look next = look_of_many(l, zone, row + ((uint64_t)(x + width) << l->shift));

		if (next.glyph != look.glyph || next.paint != look.paint)
			break;
	}
	const struct canvas_fill fill = {
		.x = (LABEL + x) * CANVAS_PARTS,
		.width = width * CANVAS_PARTS,
		.y = l->y,
		.paint = look.paint,
		.level = look.level,
		.glyph = look.glyph,
		.rest = look.glyph,
	};
	if (look.paint != CANVAS_HOLE)
		l->c->ops->fill(l->c, &fill);
	return width;
}

/* How far a cell is from the address at the left. */
static void draw_ruler(struct layout *l)
{
	char size[24];

	for (unsigned x = 0; x < l->cells; x += RULER) {
		figure_size((uint64_t)x << l->shift, size, sizeof(size));
		if (!l->shift || !x)
			canvas_print(l->c, LABEL + x, l->y, CANVAS_DIM, "%u", x);
		else
			canvas_print(l->c, LABEL + x, l->y, CANVAS_DIM, "+%s", size);
	}
	l->y++;
}

static void draw_zone(struct layout *l, enum quire_zone zone, const struct quire_zone_stat *stat)
{
	uint64_t frames = (uint64_t)l->cells << l->shift, row = 0;
	char managed[24], free[24];

	figure_size(stat->managed, managed, sizeof(managed));
	figure_size(stat->free, free, sizeof(free));
	canvas_print(l->c, 0, l->y, CANVAS_PLAIN, "%-8s %s managed, %s free", quire_zone_name(zone),
		     managed, free);
	l->y++;
	for (; next_row(l, &l->zones[zone], &row); row++, l->y++) {
		uint64_t first = row * frames;

		canvas_print(l->c, 0, l->y, CANVAS_DIM, "%12jx", first << QUIRE_PAGE_SHIFT);
		for (unsigned x = 0; x < l->cells;)
			x += l->shift ? draw_run(l, zone, first, x) : draw_block(l, zone, first, x);
	}
	l->y++;
}

static void draw_legend(struct layout *l)
{
	struct canvas_fill fill = { .y = l->y, .level = CANVAS_FULL };
	const bool one = l->shift == 0;

	figure_legend_types(l->c, &fill);
	fill.paint = CANVAS_MOVABLE;
	if (!one) {
		fill.level = CANVAS_PART;
		fill.glyph = 'm';
		figure_legend(l->c, &fill, "partly used");
	}
	fill.level = CANVAS_FREE;
	fill.glyph = one ? '0' : '.';
	fill.lettered = one;
	figure_legend(l->c, &fill, one ? "free, with its order" : "free");
	fill.lettered = false;
	fill.level = CANVAS_FULL;
	if (one) {
		fill.paint = CANVAS_PCP;
		fill.glyph = 'o';
		figure_legend(l->c, &fill, "on a per-cpu list");
	}
	fill.paint = CANVAS_RESERVED;
	fill.glyph = '#';
	figure_legend(l->c, &fill, "reserved");
}

int figure_frames(struct quire *q, struct canvas *c)
{
	struct layout l = { .q = q, .c = c, .cells = 16, .y = 2 };
	char cell[24], title[100];
	struct quire_zone_stat stat;

	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		quire_zone_stat(q, z, &stat);
		if (stat.present)
			l.zones[z] = (struct extent){ stat.start.v, stat.start.v + stat.spanned };
	}
	while (l.cells * 2 + LABEL <= c->columns)
		l.cells *= 2;
	while (nr_rows(&l) > ROWS_MAX)
		l.shift++;
	figure_size((uint64_t)1 << l.shift, cell, sizeof(cell));
	quire_format_buffer(title, sizeof(title), "Frames, %s a cell (%s)", cell,
			    quire_machine_name(quire_config(q)->machine));
	int error = canvas_open(c, title, 3 + nr_rows(&l) + figure_legend_rows(c));
	if (error)
		return error;
	draw_ruler(&l);
	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		quire_zone_stat(q, z, &stat);
		if (stat.present)
			draw_zone(&l, z, &stat);
	}
	draw_legend(&l);
	return 0;
}
