/* SPDX-License-Identifier: MIT */
/*
 * figure_view.h - the views, and what they share; for lab/figure*.c alone
 */
#ifndef LAB_FIGURE_VIEW_H
#define LAB_FIGURE_VIEW_H

#include <quire/page.h>

#include "canvas.h"

/** figure_frames - the frames of each zone. Return: 0, -QUIRE_ENOMEM */
int figure_frames(struct quire *q, struct canvas *c);

/** figure_free - the free lists of each zone. Return: 0, -QUIRE_ENOMEM */
int figure_free(struct quire *q, struct canvas *c);

/** figure_layout - the kernel's address space. Return: 0, -QUIRE_ENOMEM */
int figure_layout(struct quire *q, struct canvas *c);

/** figure_slab - the slabs of c->cache. Return: 0, -QUIRE_ENOMEM, -QUIRE_EINVAL without one */
int figure_slab(struct quire *q, struct canvas *c);

/** figure_space - the areas of c->seen. Return: 0, -QUIRE_ENOMEM, -QUIRE_EINVAL without one */
int figure_space(struct quire *q, struct canvas *c);

/** figure_walk - the way of c->walk. Return: 0, -QUIRE_ENOMEM, -QUIRE_EINVAL without one */
int figure_walk(struct quire *q, struct canvas *c);

/** figure_zones - sizes and watermarks of each zone. Return: 0, -QUIRE_ENOMEM */
int figure_zones(struct quire *q, struct canvas *c);

/** figure_letter - the letter of a migrate type: U M E C I, as SysRq-m has them */
char figure_letter(enum quire_migrate type);

/**
 * figure_legend - one entry of a legend
 * @c:    the picture
 * @fill: its swatch, one cell; x and y say where (in parts, and rows)
 * @name: what it stands for
 *
 * Moves @fill to where the next entry goes, in the next row if this one is full.
 */
void figure_legend(struct canvas *c, struct canvas_fill *fill, const char *name);

/**
 * figure_legend_types - the migrate types' entries, each with the letter that its pictures have
 * @c:    the picture
 * @fill: where the first one goes
 *
 * Ends with @fill at the beginning of a row.
 */
void figure_legend_types(struct canvas *c, struct canvas_fill *fill);

/** figure_legend_rows - rows to leave for a legend of two rows, that may not fit into two */
unsigned figure_legend_rows(const struct canvas *c);

/**
 * figure_text - text in as many rows as it takes, broken at blanks
 * @c:     the picture; NULL: only count
 * @x:     first cell of each row
 * @y:     first row
 * @width: cells of a row
 * @style: of all of it
 * @text:  words
 *
 * Return: the rows that it takes
 */
unsigned figure_text(struct canvas *c, unsigned x, unsigned y, unsigned width,
		     enum canvas_style style, const char *text);

/** figure_size - bytes in the largest unit that keeps three digits: "640 kB", "16 GB" */
void figure_size(uint64_t frames, char *text, size_t size);

/** figure_bytes - a size as it is said: "896 MB", "10240 kB", "64 PB" */
void figure_bytes(uint64_t bytes, char *text, size_t size);

/** figure_parts - @value of @total as parts of @cells cells, rounded to the nearest */
unsigned figure_parts(uint64_t value, uint64_t total, unsigned cells);

#endif
