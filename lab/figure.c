/* SPDX-License-Identifier: MIT */
/*
 * figure.c - pictures of a machine's memory: the table of views
 */
#include "figure.h"

#include "figure_view.h"
#include "text.h"

#define COLUMNS 80
#define COLUMNS_MIN 40
#define COLUMNS_MAX 400

/* Cells of a row of text at most. */
#define TEXT_ROW_MAX 160

/* Cells between the entries of a legend. */
#define LEGEND_GAP 3

struct view {
	struct lab_view info;
	int (*draw)(struct quire *q, struct canvas *c);
};

static const struct view views[] = {
	{ { "frames", "the frames of each zone: in use or free, by migrate type" }, figure_frames },
	{ { "free", "the free lists: blocks by order, with the pair bitmap" }, figure_free },
	{ { "layout", "the kernel's address space: regions, areas, windows" }, figure_layout },
	{ { "slab", "a cache's slabs, object by object: slab CACHE" }, figure_slab },
	{ { "space", "a process's areas and resident pages: space P [C]" }, figure_space },
	{ { "walk", "the way of an address through the tables: walk ADDRESS" }, figure_walk },
	{ { "zones", "the zones: what they hold, and their watermarks" }, figure_zones },
};

int lab_draw(struct quire *q, const char *view, const struct lab_draw_options *opt,
	     const struct quire_sink *sink)
{
	const struct lab_draw_options defaults = { .svg = false };

	opt = opt ? opt : &defaults;
	struct canvas c = {
		.ops = opt->svg ? &canvas_svg_ops : &canvas_text_ops,
		.sink = sink,
		.host = quire_config(q)->host,
		.colour = opt->colour,
		.ascii = opt->ascii,
		.cache = opt->cache,
		.seen = { opt->seen[0], opt->seen[1] },
		.walk = opt->walk,
		.walked = opt->walked,
		.columns = opt->columns ? opt->columns : COLUMNS,
	};
	if (c.columns < COLUMNS_MIN || c.columns > COLUMNS_MAX)
		return -QUIRE_EINVAL;
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		if (!text_equal(views[i].info.name, view))
			continue;
		int error = views[i].draw(q, &c);
		if (!error)
			c.ops->close(&c);
		return error;
	}
	return -QUIRE_ENOENT;
}

const struct lab_view *lab_view_list(size_t i)
{
	return i < sizeof(views) / sizeof(views[0]) ? &views[i].info : NULL;
}

char figure_letter(enum quire_migrate type)
{
	return "UMECI"[type];
}

void figure_legend(struct canvas *c, struct canvas_fill *fill, const char *name)
{
	unsigned x = fill->x / CANVAS_PARTS, length = 0;

	while (name[length])
		length++;
	if (x + 2 + length > c->columns) {
		x = 0;
		fill->y++;
	}
	fill->x = x * CANVAS_PARTS;
	fill->width = CANVAS_PARTS;
	c->ops->fill(c, fill);
	canvas_print(c, x + 2, fill->y, CANVAS_DIM, "%s", name);
	fill->x = (x + 2 + length + LEGEND_GAP) * CANVAS_PARTS;
}

void figure_legend_types(struct canvas *c, struct canvas_fill *fill)
{
	fill->level = CANVAS_FULL;
	for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++) {
		fill->paint = (enum canvas_paint)type;
		fill->glyph = figure_letter((enum quire_migrate)type);
		figure_legend(c, fill, quire_migrate_name((enum quire_migrate)type));
	}
	fill->x = 0;
	fill->y++;
}

/* How much of @text goes into a row of @width cells. */
static unsigned row_length(const char *text, unsigned width)
{
	unsigned length = 0;

	for (unsigned i = 0; i <= width; i++) {
		if (!text[i])
			return i;
		if (text[i] == ' ')
			length = i;
	}
	return length ? length : width; /* a word that is too long is broken */
}

unsigned figure_text(struct canvas *c, unsigned x, unsigned y, unsigned width,
		     enum canvas_style style, const char *text)
{
	unsigned rows = 0;

	for (; *text; rows++) {
		char row[TEXT_ROW_MAX + 1];
		unsigned length = row_length(text, width < TEXT_ROW_MAX ? width : TEXT_ROW_MAX);

		text_copy(row, length + 1, text);
		if (c)
			canvas_print(c, x, y + rows, style, "%s", row);
		for (text += length; *text == ' ';)
			text++;
	}
	return rows;
}

unsigned figure_legend_rows(const struct canvas *c)
{
	return c->columns >= COLUMNS ? 2 : 4;
}

void figure_size(uint64_t frames, char *text, size_t size)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB" };
	uint64_t value = frames << (QUIRE_PAGE_SHIFT - 10), rest = 0;
	unsigned unit = 0;

	while (value >= 1024 && unit < 3) {
		rest = value & 1023;
		value >>= 10;
		unit++;
	}
	if (value < 10 && rest)
		quire_format_buffer(text, size, "%ju.%ju %s", value, rest * 10 >> 10, units[unit]);
	else
		quire_format_buffer(text, size, "%ju %s", value, units[unit]);
}

void figure_bytes(uint64_t bytes, char *text, size_t size)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	unsigned unit = 0;

	for (; bytes >= 10240 || (bytes >= 1024 && !(bytes & 1023)); bytes >>= 10)
		unit++;
	quire_format_buffer(text, size, "%ju %s", (uintmax_t)bytes, units[unit]);
}

unsigned figure_parts(uint64_t value, uint64_t total, unsigned cells)
{
	uint64_t parts = (uint64_t)cells * CANVAS_PARTS;

	if (!total)
		return 0;
	return (unsigned)(((value < total ? value : total) * parts + total / 2) / total);
}
