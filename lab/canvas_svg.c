/* SPDX-License-Identifier: MIT */
/*
 * canvas_svg.c - pictures as SVG documents
 *
 * A document stands alone: no script, no font, no other file. On a dark screen
 * (prefers-color-scheme) it takes a second set of colours. A cell is CELL_W by
 * CELL_H units; a fill leaves a gap at its right, so that neighbours stay apart.
 */
#include "canvas.h"

#define CELL_W 8
#define CELL_H 18
#define MARGIN 20
#define FILL_H 14 /* of a fill; the rest of the row is a gap */

/* Class names, as the style sheet below has them. */
static const char *const paints[CANVAS_NR_PAINTS] = {
	[CANVAS_UNMOVABLE] = "u", [CANVAS_MOVABLE] = "m", [CANVAS_RECLAIMABLE] = "e",
	[CANVAS_CMA] = "c",       [CANVAS_ISOLATE] = "i", [CANVAS_PCP] = "p",
	[CANVAS_RESERVED] = "r",  [CANVAS_HOLE] = "h",    [CANVAS_MARK] = "k",
};
static const char *const levels[CANVAS_NR_LEVELS] = { " f", " s", "" };

static const char style_sheet[] =
	"<style>\n"
	"text{font:13px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace}\n"
	".n{font-size:16px;font-weight:bold}.g{font-size:11px;text-anchor:middle}\n"
	".f{fill-opacity:.22}.s{fill-opacity:.6}.h{fill:none}\n"
	".b{fill:#fff}text{fill:#1b1f24}.d{fill:#646c76}.g{fill:#fff}.gf{fill:#1b1f24}"
	".u{fill:#c93c37}.m{fill:#2f6fde}.e{fill:#b7791f}.c{fill:#8a4fd0}.i{fill:#0e8a8a}"
	".p{fill:#2e9d4f}.r{fill:#8b949e}.k{fill:#1b1f24}.h{stroke:#d0d7de}\n"
	"@media (prefers-color-scheme:dark){"
	".b{fill:#0d1117}text{fill:#e6edf3}.d{fill:#9098a1}.g{fill:#0d1117}.gf{fill:#e6edf3}"
	".u{fill:#ff7b72}.m{fill:#6ea8ff}.e{fill:#e3b341}.c{fill:#c79bff}.i{fill:#56d4d4}"
	".p{fill:#56d364}.r{fill:#6e7681}.k{fill:#e6edf3}.h{stroke:#30363d}}\n"
	"</style>\n";

static void put_escaped(struct canvas *c, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			quire_format(c->sink, "&lt;");
		else if (*text == '>')
			quire_format(c->sink, "&gt;");
		else if (*text == '&')
			quire_format(c->sink, "&amp;");
		else
			quire_format(c->sink, "%c", *text);
	}
}

static int svg_open(struct canvas *c, const char *title)
{
	unsigned width = c->columns * CELL_W + 2 * MARGIN, height = c->rows * CELL_H + 2 * MARGIN;

	quire_format(c->sink,
		     "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		     "viewBox=\"0 0 %u %u\" xml:space=\"preserve\" role=\"img\" "
		     "aria-labelledby=\"title\">\n"
		     "<title id=\"title\">",
		     width, height, width, height);
	put_escaped(c, title);
	quire_format(c->sink, "</title>\n%s", style_sheet);
	quire_format(c->sink, "<rect class=\"b\" width=\"%u\" height=\"%u\"/>\n", width, height);
	return 0;
}

static void svg_fill(struct canvas *c, const struct canvas_fill *fill)
{
	unsigned x = MARGIN + fill->x * CELL_W / CANVAS_PARTS, y = MARGIN + fill->y * CELL_H;
	unsigned width = fill->width * CELL_W / CANVAS_PARTS;

	if (!width)
		return;
	if (fill->paint == CANVAS_HOLE) {
		quire_format(
			c->sink,
			"<rect class=\"h\" x=\"%u.5\" y=\"%u.5\" width=\"%u\" height=\"%u\"/>\n", x,
			y + 2, width > 2 ? width - 2 : 1, FILL_H - 1);
		return;
	}
	quire_format(c->sink,
		     "<rect class=\"%s%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>\n",
		     paints[fill->paint], levels[fill->level], x, y + 2, width > 1 ? width - 1 : 1,
		     FILL_H);
	if (fill->lettered)
		quire_format(c->sink, "<text class=\"g%s\" x=\"%u\" y=\"%u\">%c</text>\n",
			     fill->level == CANVAS_FULL ? "" : " gf", x + CELL_W / 2, y + 13,
			     fill->glyph);
}

static void svg_text(struct canvas *c, unsigned x, unsigned y, enum canvas_style style,
		     const char *text)
{
	const char *class = style == CANVAS_DIM     ? " class=\"d\""
			    : style == CANVAS_TITLE ? " class=\"n\""
						    : "";

	quire_format(c->sink, "<text%s x=\"%u\" y=\"%u\">", class, MARGIN + x * CELL_W,
		     MARGIN + y * CELL_H + 13);
	put_escaped(c, text);
	quire_format(c->sink, "</text>\n");
}

static void svg_close(struct canvas *c)
{
	quire_format(c->sink, "</svg>\n");
}

const struct canvas_ops canvas_svg_ops = {
	.open = svg_open,
	.fill = svg_fill,
	.text = svg_text,
	.close = svg_close,
};
