/* SPDX-License-Identifier: MIT */
/*
 * figure_walk.c - view "walk": an address's bits, and its way through the page tables
 *
 * Above, the address as the processor cuts it: an index for each level, and the offset. Below, a
 * row for each table, with the place of the entry in it and what the entry says.
 */
#include <quire/pgtable.h>

#include "figure_view.h"

#define BAR_X 28
#define BAR_CELLS 16
#define ENTRY_X (BAR_X + BAR_CELLS + 1)
#define FIELD_CELLS 12
#define ROWS (5 + 2)

static const struct {
	quire_pte_t bit;
	const char *name;
} bits[] = {
	{ QUIRE_PTE_RW, "RW" },	  { QUIRE_PTE_USER, "US" },   { QUIRE_PTE_ACCESSED, "A" },
	{ QUIRE_PTE_DIRTY, "D" }, { QUIRE_PTE_GLOBAL, "G" }, { QUIRE_PTE_NX, "NX" },
};

/* Entries of a table of that level: PAE's root has four, i386's tables have 1024. */
static unsigned entries_of(struct quire *q, unsigned level)
{
	enum quire_machine machine = quire_config(q)->machine;

	if (machine == QUIRE_I386)
		return 1024;
	return machine == QUIRE_I386_PAE && level == 2 ? 4 : 512;
}

/* What a leaf of that level maps. */
static uint64_t leaf_bytes(struct quire *q, unsigned level)
{
	unsigned shift = quire_config(q)->machine == QUIRE_I386 ? 10 : 9;

	return (uint64_t)QUIRE_PAGE_SIZE << shift * level;
}

static void field(struct canvas *c, unsigned i, enum canvas_paint paint, const char *name,
		  unsigned value)
{
	struct canvas_fill fill = {
		.x = i * (FIELD_CELLS + 1) * CANVAS_PARTS,
		.width = FIELD_CELLS * CANVAS_PARTS,
		.y = 3,
		.paint = paint,
		.level = CANVAS_PART,
		.glyph = '-',
		.rest = '-',
	};

	c->ops->fill(c, &fill);
	canvas_print(c, i * (FIELD_CELLS + 1), 2, CANVAS_PLAIN, "%s %u", name, value);
}

static void draw_step(struct quire *q, struct canvas *c, unsigned y,
		      const struct quire_walk_step *step)
{
	unsigned nr = entries_of(q, step->level);
	struct canvas_fill fill = {
		.x = BAR_X * CANVAS_PARTS,
		.width = BAR_CELLS * CANVAS_PARTS,
		.y = y,
		.paint = CANVAS_UNMOVABLE,
		.level = CANVAS_FREE,
		.glyph = '.',
		.rest = '.',
	};
	char text[64];
	size_t used = quire_format_buffer(text, sizeof(text), "%s",
					  step->present ? "P" : "not present");

	canvas_print(c, 0, y, CANVAS_PLAIN, "%s at 0x%jx [%u]", quire_level_name(q, step->level),
		     (uintmax_t)step->table.v, step->index);
	c->ops->fill(c, &fill);
	fill.x += step->index * BAR_CELLS / nr * CANVAS_PARTS;
	fill.width = CANVAS_PARTS;
	fill.paint = CANVAS_MARK;
	fill.level = CANVAS_FULL;
	fill.glyph = '^';
	c->ops->fill(c, &fill);
	for (size_t i = 0; step->present && i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (step->pte & bits[i].bit)
			used += quire_format_buffer(text + used, sizeof(text) - used, " %s",
						    bits[i].name);
	}
	canvas_print(c, ENTRY_X, y, CANVAS_PLAIN, "0x%jx %s", (uintmax_t)step->entry, text);
}

int figure_walk(struct quire *q, struct canvas *c)
{
	const struct quire_walk *w = c->walk;
	char title[80];

	if (!w)
		return -QUIRE_EINVAL;
	quire_format_buffer(title, sizeof(title), "The way of 0x%jx (%s)", (uintmax_t)c->walked.v,
			    quire_machine_name(quire_config(q)->machine));
	int error = canvas_open(c, title, ROWS + w->nr);

	if (error)
		return error;
	for (unsigned i = 0; i < w->nr; i++) {
		field(c, i, CANVAS_UNMOVABLE, quire_level_name(q, w->step[i].level),
		      w->step[i].index);
		draw_step(q, c, 5 + i, &w->step[i]);
	}
	if (w->fault.vector == QUIRE_VECTOR_NONE) {
		field(c, w->nr, CANVAS_MOVABLE, "offset",
		      (unsigned)(c->walked.v & (leaf_bytes(q, w->step[w->nr - 1].level) - 1)));
		canvas_print(c, 0, 6 + w->nr, CANVAS_PLAIN, "physical 0x%jx",
			     (uintmax_t)w->phys.v);
	} else {
		canvas_print(c, 0, 6 + w->nr, CANVAS_PLAIN, "%s, error code %u",
			     quire_vector_name(w->fault.vector), (unsigned)w->fault.error_code);
	}
	return 0;
}
