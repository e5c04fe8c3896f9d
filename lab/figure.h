/* SPDX-License-Identifier: MIT */
/*
 * figure.h - pictures of a machine's memory, as text and as SVG
 *
 * Each view is drawn by one function that knows nothing of its medium: it
 * draws on a canvas (canvas.h), a small table of functions that has two back ends.
 */
#ifndef LAB_FIGURE_H
#define LAB_FIGURE_H

#include <quire/format.h>
#include <quire/quire.h>

#include "canvas.h"

struct quire_cache;

/** struct lab_draw_options - how a picture is drawn; all zero is a good choice */
struct lab_draw_options {
	bool svg;         /* an SVG document instead of text */
	bool colour;      /* text with ANSI colours; SVG always has its colours */
	bool ascii;       /* text of ASCII alone, no block characters */
	unsigned columns; /* width of text; 0: 80; 40 .. 400 */
	struct quire_cache *cache; /* of view "slab" */
	struct lab_seen seen[2];   /* of view "space": one process, or parent and child */
	const struct quire_walk *walk; /* of view "walk" */
	quire_virt_t walked;           /* its address */
};

/** struct lab_view - one kind of picture */
struct lab_view {
	const char *name;  /* as lab_draw takes it */
	const char *about; /* one line of help */
};

/**
 * lab_draw - draw a picture of a machine
 * @q:    a machine with zones
 * @view: "frames", "free", "layout", "zones", "slab" with @opt->cache, "space" with @opt->seen, or
 *        "walk" with @opt->walk
 * @opt:  NULL: all defaults
 * @sink: receives it in pieces
 *
 * Return:  0; -QUIRE_ENOENT for a view that is not there; -QUIRE_EINVAL for a width
 *          out of range or without what the view is of; -QUIRE_ENOMEM when the canvas can't be had:
 *          then nothing was written
 * Context: nobody else may use the machine meanwhile
 */
int lab_draw(struct quire *q, const char *view, const struct lab_draw_options *opt,
	     const struct quire_sink *sink);

/** lab_view_list - the i-th view. Return: NULL after the last */
const struct lab_view *lab_view_list(size_t i);

#endif
