/* SPDX-License-Identifier: MIT */
/*
 * canvas_text.c - pictures of characters
 *
 * The grid is kept until the picture is done, then written row by row without
 * trailing blanks. A hue is an ANSI colour; a free cell's is dim.
 */
#include <quire/port.h>

#include "canvas.h"

/* A cell: its character, and as what it was drawn. */
struct canvas_cell {
	char glyph;    /* 0: blank */
	bool drawn;    /* by fill: the glyph stands for a shape */
	uint8_t style; /* 0: none, else an index of codes[] */
};

enum { STYLE_NONE, STYLE_DIM, STYLE_TITLE, STYLE_PAINT };

/* SGR parameters, for STYLE_PAINT + paint * CANVAS_NR_LEVELS + level from the third on. */
static const char *const codes[STYLE_PAINT] = { "", "2", "1" };
static const char *const paints[CANVAS_NR_PAINTS] = {
	[CANVAS_UNMOVABLE] = "31", [CANVAS_MOVABLE] = "34", [CANVAS_RECLAIMABLE] = "33",
	[CANVAS_CMA] = "35",       [CANVAS_ISOLATE] = "36", [CANVAS_PCP] = "32",
	[CANVAS_RESERVED] = "90",  [CANVAS_HOLE] = "0",     [CANVAS_MARK] = "1",
};

static size_t grid_bytes(const struct canvas *c)
{
	return (size_t)c->columns * c->rows * sizeof(*c->cells);
}

static int text_open(struct canvas *c, const char *title)
{
	(void)title;
	c->cells = quire_port_alloc(c->host, quire_phys(QUIRE_PORT_ANYWHERE), grid_bytes(c));
	return c->cells ? 0 : -QUIRE_ENOMEM;
}

static void text_fill(struct canvas *c, const struct canvas_fill *fill)
{
	unsigned first = (fill->x + CANVAS_PARTS / 2) / CANVAS_PARTS;
	unsigned end = (fill->x + fill->width + CANVAS_PARTS / 2) / CANVAS_PARTS;

	if (fill->y >= c->rows)
		return;
	/* A mark is narrower than a cell, but must be seen. */
	if (fill->paint == CANVAS_MARK && end == first)
		end++;
	for (unsigned x = first; x < end && x < c->columns; x++) {
		c->cells[fill->y * c->columns + x] = (struct canvas_cell){
			.glyph = x == first ? fill->glyph : fill->rest,
			.drawn = true,
			.style = (uint8_t)(STYLE_PAINT + fill->paint * CANVAS_NR_LEVELS +
					   fill->level),
		};
	}
}

static void text_text(struct canvas *c, unsigned x, unsigned y, enum canvas_style style,
		      const char *text)
{
	uint8_t s = style == CANVAS_DIM     ? STYLE_DIM
		    : style == CANVAS_TITLE ? STYLE_TITLE
					    : STYLE_NONE;

	if (y >= c->rows)
		return;
	for (; *text && x < c->columns; text++, x++)
		c->cells[y * c->columns + x] = (struct canvas_cell){ .glyph = *text, .style = s };
}

static void put_style(struct canvas *c, uint8_t style)
{
	if (style < STYLE_PAINT)
		quire_format(c->sink, "\033[0;%sm", codes[style]);
	else
		quire_format(c->sink, "\033[0;%s%sm",
			     (style - STYLE_PAINT) % CANVAS_NR_LEVELS == CANVAS_FREE ? "2;" : "",
			     paints[(style - STYLE_PAINT) / CANVAS_NR_LEVELS]);
}

static void put_glyph(struct canvas *c, const struct canvas_cell *cell)
{
	const char *shape = NULL;

	if (cell->drawn && !c->ascii) {
		shape = cell->glyph == '.' ? "·" : cell->glyph == '#' ? "█" : NULL;
		shape = cell->glyph == '=' ? "─" : cell->glyph == '%' ? "▒" : shape;
	}
	if (shape)
		quire_format(c->sink, "%s", shape);
	else
		quire_format(c->sink, "%c", cell->glyph ? cell->glyph : ' ');
}

static unsigned row_length(const struct canvas *c, const struct canvas_cell *row)
{
	unsigned length = c->columns;

	while (length && (!row[length - 1].glyph || row[length - 1].glyph == ' '))
		length--;
	return length;
}

static void put_row(struct canvas *c, const struct canvas_cell *row)
{
	unsigned length = row_length(c, row);
	uint8_t style = STYLE_NONE;

	for (unsigned x = 0; x < length; x++) {
		if (c->colour && row[x].style != style) {
			style = row[x].style;
			put_style(c, style);
		}
		put_glyph(c, &row[x]);
	}
	if (style != STYLE_NONE)
		quire_format(c->sink, "\033[0m");
	quire_format(c->sink, "\n");
}

static void text_close(struct canvas *c)
{
	unsigned rows = c->rows;

	while (rows && !row_length(c, &c->cells[(rows - 1) * c->columns]))
		rows--;
	for (unsigned y = 0; y < rows; y++)
		put_row(c, &c->cells[y * c->columns]);
	quire_port_free(c->host, c->cells, grid_bytes(c));
	c->cells = NULL;
}

const struct canvas_ops canvas_text_ops = {
	.open = text_open,
	.fill = text_fill,
	.text = text_text,
	.close = text_close,
};
