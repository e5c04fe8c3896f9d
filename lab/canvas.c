/* SPDX-License-Identifier: MIT */
/*
 * canvas.c - what both back ends have in common
 */
#include "canvas.h"

#define PRINT_MAX 200

int canvas_open(struct canvas *c, const char *title, unsigned rows)
{
	c->rows = rows;
	int error = c->ops->open(c, title);
	if (!error)
		c->ops->text(c, 0, 0, CANVAS_TITLE, title);
	return error;
}

/* A sink into a text of PRINT_MAX bytes; the rest is dropped. */
struct line {
	char text[PRINT_MAX];
	size_t length;
};

static void line_write(void *ctx, const char *text, size_t length)
{
	struct line *line = ctx;

	for (size_t i = 0; i < length && line->length < PRINT_MAX - 1; i++)
		line->text[line->length++] = text[i];
}

void canvas_print(struct canvas *c, unsigned x, unsigned y, enum canvas_style style,
		  const char *fmt, ...)
{
	struct line line = { .length = 0 };
	const struct quire_sink sink = { .write = line_write, .ctx = &line };
	va_list args;

	va_start(args, fmt);
	quire_vformat(&sink, fmt, args);
	va_end(args);
	if (x >= c->columns)
		return;
	if (line.length > c->columns - x)
		line.length = c->columns - x;
	line.text[line.length] = 0;
	c->ops->text(c, x, y, style, line.text);
}
