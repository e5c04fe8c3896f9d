/* SPDX-License-Identifier: MIT */
/*
 * canvas.h - what a picture is drawn on
 *
 * A grid of character cells. Text fills whole cells; a fill may begin and end on
 * eighths of one, which SVG shows and text rounds. A view draws the same
 * on both: it never asks which it has.
 */
#ifndef LAB_CANVAS_H
#define LAB_CANVAS_H

#include <quire/format.h>
#include <quire/quire.h>

struct quire_cache;
struct quire_mm;
struct quire_walk;

/** struct lab_seen - a process in a picture */
struct lab_seen {
	struct quire_mm *mm; /* NULL: none */
	const char *name;
};

/* Subdivisions of a cell's width. */
#define CANVAS_PARTS 8

/** What is shown: the hue. The migrate types come first, in the order of enum quire_migrate. */
enum canvas_paint {
	CANVAS_UNMOVABLE,
	CANVAS_MOVABLE,
	CANVAS_RECLAIMABLE,
	CANVAS_CMA,
	CANVAS_ISOLATE,
	CANVAS_PCP,
	CANVAS_RESERVED,
	CANVAS_HOLE,
	CANVAS_MARK,
	CANVAS_NR_PAINTS
};

/** How much of it: the strength of the hue. */
enum canvas_level { CANVAS_FREE, CANVAS_PART, CANVAS_FULL, CANVAS_NR_LEVELS };

enum canvas_style { CANVAS_PLAIN, CANVAS_DIM, CANVAS_TITLE };

/** struct canvas_fill - cells of one kind in a row */
struct canvas_fill {
	unsigned x;     /* first part; CANVAS_PARTS to a cell */
	unsigned width; /* parts */
	unsigned y;     /* row */
	enum canvas_paint paint;
	enum canvas_level level;
	char glyph;    /* of the first cell in text; '.' and '#' are drawn, not printed */
	char rest;     /* of the other cells */
	bool lettered; /* SVG writes the glyph too */
};

struct canvas;

/** struct canvas_ops - a back end */
struct canvas_ops {
	int (*open)(struct canvas *c, const char *title); /* 0, -QUIRE_ENOMEM */
	void (*fill)(struct canvas *c, const struct canvas_fill *fill);
	void (*text)(struct canvas *c, unsigned x, unsigned y, enum canvas_style style,
		     const char *text);  /* cells */
	void (*close)(struct canvas *c); /* the whole picture is out */
};

struct canvas_cell;

/** struct canvas - one picture being drawn */
struct canvas {
	const struct canvas_ops *ops;
	const struct quire_sink *sink;
	void *host;  /* for the port */
	bool colour; /* text only */
	bool ascii;  /* text only */
	struct quire_cache *cache; /* of view "slab" */
	struct lab_seen seen[2];   /* of view "space" */
	const struct quire_walk *walk; /* of view "walk" */
	quire_virt_t walked;           /* its address */
	unsigned columns;
	unsigned rows;             /* set by canvas_open */
	struct canvas_cell *cells; /* text only: row by row */
};

/** canvas_text_ops - characters, with ANSI colours if @colour */
extern const struct canvas_ops canvas_text_ops;

/** canvas_svg_ops - an SVG document of its own */
extern const struct canvas_ops canvas_svg_ops;

/**
 * canvas_open - begin a picture
 * @c:     ops, sink, host and columns are set
 * @title: what it shows; also drawn in row 0
 * @rows:  its height
 *
 * Return: 0; -QUIRE_ENOMEM: nothing was written
 */
int canvas_open(struct canvas *c, const char *title, unsigned rows);

/** canvas_print - formatted text at a cell, cut at the picture's edge and at 200 bytes */
void canvas_print(struct canvas *c, unsigned x, unsigned y, enum canvas_style style,
		  const char *fmt, ...) QUIRE_PRINTF(5, 6);

#endif
