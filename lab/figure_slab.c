/* SPDX-License-Identifier: MIT */
/*
 * figure_slab.c - view "slab": a cache's slabs, object by object
 *
 * A row per slab: first frame, whose it is, its state, then a cell per object (several rows if they
 * are many): in use, free in the slab, on the cpu's chain, on the way from another cpu, put aside.
 */
#include "figure_view.h"

#include <quire/slab.h>

#define SLABS_MAX 64
#define CELLS_X 34

struct slab_view {
	struct canvas *c;
	const struct quire_cache_info *info;
	unsigned y;
	unsigned cells; /* of a row */
};

static const struct {
	enum canvas_paint paint;
	enum canvas_level level;
	char glyph;
	const char *name;
} looks[] = {
	[QUIRE_OBJECT_FREE] = { CANVAS_UNMOVABLE, CANVAS_FREE, '.', "free" },
	[QUIRE_OBJECT_CPU] = { CANVAS_PCP, CANVAS_FULL, 'c', "free, the cpu's next" },
	[QUIRE_OBJECT_AWAY] = { CANVAS_MARK, CANVAS_FULL, 'a', "freed on another cpu" },
	[QUIRE_OBJECT_LIVE] = { CANVAS_UNMOVABLE, CANVAS_FULL, '#', "in use" },
	[QUIRE_OBJECT_BAD] = { CANVAS_MARK, CANVAS_FULL, 'x', "put aside" },
};

static void draw_object(struct slab_view *v, unsigned i, uint8_t object)
{
	const struct canvas_fill fill = {
		.x = (CELLS_X + i % v->cells) * CANVAS_PARTS,
		.width = CANVAS_PARTS,
		.y = v->y + i / v->cells,
		.paint = looks[object].paint,
		.level = looks[object].level,
		.glyph = looks[object].glyph,
		.rest = looks[object].glyph,
	};

	v->c->ops->fill(v->c, &fill);
}

static void draw_one(struct slab_view *v, const struct quire_slab_info *slab,
		     const uint8_t *objects)
{
	static const char *const states[] = { "empty", "partial", "full", "current" };
	char cpu[8] = "all";

	if (slab->cpu >= 0)
		quire_format_buffer(cpu, sizeof(cpu), "%d", slab->cpu);
	canvas_print(v->c, 0, v->y, CANVAS_PLAIN, "%9ju %4s %-8s%4u %5u", slab->pfn.v, cpu,
		     states[slab->state], slab->live, slab->colour);
	for (unsigned i = 0; i < v->info->objects; i++)
		draw_object(v, i, objects[i]);
	v->y += (v->info->objects + v->cells - 1) / v->cells;
}

static void draw_legend(struct slab_view *v)
{
	struct canvas_fill fill = { .y = v->y + 1 };

	for (unsigned i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		fill.paint = looks[i].paint;
		fill.level = looks[i].level;
		fill.glyph = fill.rest = looks[i].glyph;
		figure_legend(v->c, &fill, looks[i].name);
	}
}

int figure_slab(struct quire *q, struct canvas *c)
{
	uint8_t objects[QUIRE_SLAB_OBJECTS_MAX];
	struct quire_cache_info info;
	struct quire_slab_info slab;
	struct slab_view v = { .c = c, .info = &info, .y = 5 };
	char title[64];

	(void)q;
	if (!c->cache)
		return -QUIRE_EINVAL;
	quire_cache_info(c->cache, &info);
	uint64_t shown = info.nr_slabs < SLABS_MAX ? info.nr_slabs : SLABS_MAX;
	v.cells = c->columns - CELLS_X;
	if (v.cells > info.objects)
		v.cells = info.objects;
	unsigned rows = (info.objects + v.cells - 1) / v.cells;

	quire_format_buffer(title, sizeof(title), "Cache %s: %u bytes, %u to a slab of %u frame%s",
			    info.name, info.size, info.objects, info.pages,
			    info.pages == 1 ? "" : "s");
	int error = canvas_open(c, title, 7 + (unsigned)shown * rows + figure_legend_rows(c));
	if (error)
		return error;
	canvas_print(c, 0, 1, CANVAS_PLAIN, "%ju of %ju objects in use", info.active_objects,
		     info.nr_objects);
	canvas_print(c, 0, 2, CANVAS_PLAIN, "%ju slabs: %ju full, %ju partial, %ju empty",
		     info.nr_slabs, info.full, info.partial, info.empty);
	canvas_print(c, 0, 4, CANVAS_DIM, "%9s %4s %-8s%4s %5s", "frame", "cpu", "state", "used",
		     "first");
	canvas_print(c, CELLS_X, 4, CANVAS_DIM, "objects");
	for (size_t i = 0; i < shown && quire_slab_info(c->cache, i, &slab, objects); i++)
		draw_one(&v, &slab, objects);
	if (shown < info.nr_slabs)
		canvas_print(c, 0, v.y, CANVAS_DIM, "and %ju more", info.nr_slabs - shown);
	draw_legend(&v);
	return 0;
}
