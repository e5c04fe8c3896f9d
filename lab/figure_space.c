/* SPDX-License-Identifier: MIT */
/*
 * figure_space.c - view "space": the areas of a process from the top down, and which pages are
 * resident
 *
 * A row for each area; its bar is divided evenly: a cell is a page, or several. Of two processes, a
 * parent and a child, each row has two bars: an area that only one of them has is blank in the
 * other's.
 */
#include <quire/mm.h>

#include "figure_view.h"

#define SIZE_X 17
#define RIGHTS_X 25
#define NAME_X 30
#define BAR_X 40
#define ROWS_BELOW 6
#define NAME_CELLS (BAR_X - NAME_X - 1)

/* Rows of areas at most: the lowest ones of a large process are only counted. */
#define ROWS_MAX 200

enum what { NOTHING, OWN, SHARED, OF_FILE };

static const struct canvas_fill fills[] = {
	[NOTHING] = { .paint = CANVAS_HOLE, .level = CANVAS_FREE, .glyph = '.', .rest = '.' },
	[OWN] = { .paint = CANVAS_MOVABLE, .level = CANVAS_FULL, .glyph = 'a', .rest = 'a' },
	[SHARED] = { .paint = CANVAS_CMA, .level = CANVAS_FULL, .glyph = 's', .rest = 's' },
	[OF_FILE] = { .paint = CANVAS_RECLAIMABLE, .level = CANVAS_FULL, .glyph = 'f',
		      .rest = 'f' },
};

/** struct row - an area, and who has it */
struct row {
	struct quire_vma_info area;
	bool has[2];
};

static bool area_at(struct quire_mm *mm, uint64_t from, struct quire_vma_info *out)
{
	return mm && quire_mm_next_vma(mm, (quire_virt_t){ from }, out);
}

/* The next area of either, from an address on; where both have the same, one row. */
static bool next_row(const struct canvas *c, uint64_t from, struct row *out)
{
	struct quire_vma_info area[2];
	bool has[2];

	for (int i = 0; i < 2; i++)
		has[i] = area_at(c->seen[i].mm, from, &area[i]);
	if (!has[0] && !has[1])
		return false;
	int first = !has[0] || (has[1] && area[1].start.v < area[0].start.v);

	*out = (struct row){ .area = area[first] };
	for (int i = 0; i < 2; i++)
		out->has[i] = has[i] && area[i].start.v < area[first].end.v;
	return true;
}

static unsigned count_rows(const struct canvas *c)
{
	struct row row;
	unsigned nr = 0;

	for (uint64_t from = 0; next_row(c, from, &row); from = row.area.end.v)
		nr++;
	return nr;
}

static enum what what_of(const struct quire_vma_pages *pages)
{
	if (!pages->rss)
		return NOTHING;
	if (pages->anonymous < pages->rss)
		return OF_FILE;
	return pages->shared_clean + pages->shared_dirty > pages->rss / 2 ? SHARED : OWN;
}

static void draw_bar(struct canvas *c, struct quire_mm *mm, const struct quire_vma_info *area,
		     unsigned x, unsigned y, unsigned cells)
{
	uint64_t pages = (area->end.v - area->start.v) >> QUIRE_PAGE_SHIFT;
	uint64_t each = (pages + cells - 1) / cells;
	unsigned cell = 0;

	for (uint64_t at = 0; at < pages; at += each, cell++) {
		uint64_t nr = each < pages - at ? each : pages - at;
		const quire_virt_t start = { area->start.v + (at << QUIRE_PAGE_SHIFT) };
		const quire_virt_t end = { start.v + (nr << QUIRE_PAGE_SHIFT) };
		struct quire_vma_pages seen;
		struct canvas_fill fill;

		if (quire_vma_pages(mm, start, end, &seen))
			return;
		fill = fills[what_of(&seen)];
		if (seen.rss && seen.rss >> QUIRE_PAGE_SHIFT < nr)
			fill.level = CANVAS_PART;
		fill.x = (x + cell) * CANVAS_PARTS;
		fill.width = CANVAS_PARTS;
		fill.y = y;
		c->ops->fill(c, &fill);
	}
}

static const char *name_of(const struct quire_vma_info *area)
{
	static const char *const names[] = { "", "[heap]", "[stack]", "[vdso]" };
	const char *name = area->file ? quire_file_name(area->file) : names[area->kind];

	for (const char *at = name; *at; at++) {
		if (*at == '/' && at[1])
			name = at + 1;
	}
	return name;
}

static void draw_row(struct canvas *c, unsigned y, const struct row *row, unsigned cells)
{
	const struct quire_vma_info *area = &row->area;
	char size[16];

	figure_bytes(area->end.v - area->start.v, size, sizeof(size));
	canvas_print(c, 0, y, CANVAS_PLAIN, "%08jx", (uintmax_t)area->start.v);
	canvas_print(c, SIZE_X, y, CANVAS_PLAIN, "%7s", size);
	canvas_print(c, RIGHTS_X, y, CANVAS_PLAIN, "%c%c%c%c",
		     area->flags & QUIRE_VM_READ ? 'r' : '-',
		     area->flags & QUIRE_VM_WRITE ? 'w' : '-',
		     area->flags & QUIRE_VM_EXEC ? 'x' : '-',
		     area->flags & QUIRE_VM_SHARED ? 's' : 'p');
	canvas_print(c, NAME_X, y, CANVAS_PLAIN, "%.*s", NAME_CELLS, name_of(area));
	for (unsigned i = 0; i < 2; i++) {
		if (row->has[i])
			draw_bar(c, c->seen[i].mm, area, BAR_X + i * (cells + 1), y, cells);
	}
}

static void draw_legend(struct canvas *c, unsigned y)
{
	static const char *const names[] = {
		[NOTHING] = "not resident",
		[OWN] = "its own frame",
		[SHARED] = "frame shared since fork",
		[OF_FILE] = "page of a file",
	};
	struct canvas_fill fill = { .x = 0, .y = y };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct canvas_fill next = fills[i];

		next.x = fill.x;
		next.y = fill.y;
		figure_legend(c, &next, names[i]);
		fill = next;
	}
}

static void draw_numbers(struct canvas *c, unsigned y)
{
	for (unsigned i = 0; i < 2 && c->seen[i].mm; i++) {
		struct quire_mm_stat s;

		quire_mm_stat(c->seen[i].mm, &s);
		canvas_print(c, 0, y + i, CANVAS_PLAIN,
			     "%s: %ju areas, %ju pages, %ju resident, %ju kB of page tables",
			     c->seen[i].name, (uintmax_t)s.nr_vmas, (uintmax_t)s.total_vm,
			     (uintmax_t)(s.rss_anon + s.rss_file + s.rss_shmem),
			     (uintmax_t)s.table_bytes >> 10);
	}
}

int figure_space(struct quire *q, struct canvas *c)
{
	unsigned nr = count_rows(c), left = nr < ROWS_MAX ? nr : ROWS_MAX, row_of = nr;
	unsigned room = c->columns > BAR_X + 4 ? c->columns - BAR_X : 4;
	unsigned cells = c->seen[1].mm ? (room - 1) / 2 : room;
	struct row row;
	char title[80];

	(void)q;
	if (!c->seen[0].mm)
		return -QUIRE_EINVAL;
	quire_format_buffer(title, sizeof(title), "Address space of %s%s%s", c->seen[0].name,
			    c->seen[1].mm ? " and " : "", c->seen[1].mm ? c->seen[1].name : "");
	int error = canvas_open(c, title, 3 + left + ROWS_BELOW);

	if (error)
		return error;
	for (unsigned i = 0; i < 2 && c->seen[1].mm; i++)
		canvas_print(c, BAR_X + i * (cells + 1), 1, CANVAS_DIM, "%.*s", (int)cells,
			     c->seen[i].name);
	for (uint64_t from = 0; next_row(c, from, &row); from = row.area.end.v) {
		if (row_of-- <= left)
			draw_row(c, 2 + row_of, &row, cells);
	}
	canvas_print(c, 0, 3 + left, CANVAS_DIM,
		     "From the top down. A bar's cells are pages, or equal parts of the area.");
	draw_legend(c, 4 + left);
	draw_numbers(c, 5 + left + (c->columns < 80));
	return 0;
}
