/* SPDX-License-Identifier: MIT */
/*
 * plot.c - numbers over time, as an SVG document
 *
 *   title
 *   name of series 1                          its greatest value
 *   ┌──────────────────────────────────────┐
 *   │             ▄▄▄▟█████████▙▄▄▄▄       │
 *   └──────────────────────────────────────┘
 *   name of series 2 …
 *   first                 axis          last
 *
 * Each sample is a step: between two of them nothing is known.
 */
#include "plot.h"

#define MARGIN 20
#define WIDTH 680
#define TITLE_H 34
#define NAME_H 22
#define PANEL_H 130
#define GAP_H 16
#define AXIS_H 26
#define TITLE_MAX 70 /* characters that WIDTH has room for */

static const char style_sheet[] =
	"<style>\n"
	"text{font:13px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#1b1f24}\n"
	".n{font-size:16px;font-weight:bold}.e{text-anchor:end}.c{text-anchor:middle}\n"
	".b{fill:#fff}.d{fill:#646c76}.s0{fill:#2f6fde}.s1{fill:#c93c37}.s2{fill:#2e9d4f}\n"
	".s3{fill:#b7791f}.l{stroke:#d0d7de;fill:none}\n"
	"@media (prefers-color-scheme:dark){text{fill:#e6edf3}.b{fill:#0d1117}.d{fill:#9098a1}"
	".s0{fill:#6ea8ff}.s1{fill:#ff7b72}.s2{fill:#56d364}.s3{fill:#e3b341}.l{stroke:#30363d}}\n"
	"</style>\n";

static void put_escaped(const struct quire_sink *sink, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			quire_format(sink, "&lt;");
		else if (*text == '&')
			quire_format(sink, "&amp;");
		else
			quire_format(sink, "%c", *text);
	}
}

static void put_text(const struct quire_sink *sink, const char *class, unsigned x, unsigned y,
		     const char *text)
{
	quire_format(sink, "<text class=\"%s\" x=\"%u\" y=\"%u\">", class, x, y);
	put_escaped(sink, text);
	quire_format(sink, "</text>\n");
}

/* Is it the first byte of a character of UTF-8? */
static bool begins(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

/* The title, of one that is too long the end: there names of files differ. */
static void put_title(const struct quire_sink *sink, const char *title)
{
	size_t nr = 0;

	for (const char *at = title; *at; at++)
		nr += begins(*at);
	quire_format(sink, "<text class=\"n\" x=\"%u\" y=\"%u\">%s", MARGIN, MARGIN + 16,
		     nr > TITLE_MAX ? "\xe2\x80\xa6" : "");
	if (nr > TITLE_MAX) {
		for (nr -= TITLE_MAX - 1; nr || !begins(*title); title++)
			nr -= begins(*title);
	}
	put_escaped(sink, title);
	quire_format(sink, "</text>\n");
}

/* A number with the unit that leaves it three digits or four. */
static void number(char *buf, size_t size, uint64_t value, bool bytes)
{
	static const char *const units[] = { "", " KB", " MB", " GB", " TB" };
	unsigned unit = 0;

	while (bytes && value >= 10240 && unit < 4) {
		value >>= 10;
		unit++;
	}
	quire_format_buffer(buf, size, "%llu%s", (unsigned long long)value,
			    bytes && !unit ? " bytes" : units[unit]);
}

static uint64_t greatest(const struct lab_series *s, size_t nr)
{
	uint64_t most = 0;

	for (size_t i = 0; i < nr; i++) {
		if (s->value[i] > most)
			most = s->value[i];
	}
	return most;
}

/* value / most of the panel's height, in tenths of a unit. */
static unsigned height(uint64_t value, uint64_t most)
{
	while (most > UINT64_MAX / (PANEL_H * 10)) {
		most >>= 1;
		value >>= 1;
	}
	return most ? (unsigned)(value * PANEL_H * 10 / most) : 0;
}

static void panel(const struct lab_plot *plot, unsigned i, unsigned y,
		  const struct quire_sink *sink)
{
	const struct lab_series *s = &plot->series[i];
	uint64_t most = greatest(s, plot->nr);
	char text[32];

	number(text, sizeof(text), most, s->bytes);
	put_text(sink, "", MARGIN, y + NAME_H - 7, s->name);
	put_text(sink, "d e", MARGIN + WIDTH, y + NAME_H - 7, text);
	y += NAME_H;
	quire_format(sink, "<path class=\"s%u\" d=\"M%u %u", i % 4, MARGIN, y + PANEL_H);
	for (size_t n = 0; n < plot->nr; n++) {
		unsigned tenths = PANEL_H * 10 - height(s->value[n], most);

		quire_format(sink, "V%u.%uH%u", y + tenths / 10, tenths % 10,
			     MARGIN + (unsigned)((n + 1) * WIDTH / plot->nr));
	}
	quire_format(sink, "V%uZ\"/>\n", y + PANEL_H);
	quire_format(sink, "<rect class=\"l\" x=\"%u.5\" y=\"%u.5\" width=\"%u\" height=\"%u\"/>\n",
		     MARGIN, y, WIDTH - 1, PANEL_H);
}

void lab_plot_svg(const struct lab_plot *plot, const struct quire_sink *sink)
{
	unsigned each = NAME_H + PANEL_H + GAP_H, width = WIDTH + 2 * MARGIN;
	unsigned bottom = MARGIN + TITLE_H + plot->nr_series * each;
	char text[32];

	quire_format(sink,
		     "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		     "viewBox=\"0 0 %u %u\" xml:space=\"preserve\" role=\"img\" "
		     "aria-labelledby=\"title\">\n<title id=\"title\">",
		     width, bottom + AXIS_H, width, bottom + AXIS_H);
	put_escaped(sink, plot->title);
	quire_format(sink, "</title>\n%s<rect class=\"b\" width=\"%u\" height=\"%u\"/>\n",
		     style_sheet, width, bottom + AXIS_H);
	put_title(sink, plot->title);
	for (unsigned i = 0; i < plot->nr_series && plot->nr; i++)
		panel(plot, i, MARGIN + TITLE_H + i * each, sink);
	number(text, sizeof(text), plot->first, false);
	put_text(sink, "d", MARGIN, bottom + 4, text);
	put_text(sink, "d c", MARGIN + WIDTH / 2, bottom + 4, plot->axis);
	number(text, sizeof(text), plot->last, false);
	put_text(sink, "d e", MARGIN + WIDTH, bottom + 4, text);
	quire_format(sink, "</svg>\n");
}
