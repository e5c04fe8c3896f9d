/* SPDX-License-Identifier: MIT */
/*
 * memblock.c - the boot allocator
 *
 * Every change of a list is the same step: the ranges that overlap or touch
 * the change make room for at most three, what is left of the first of them on
 * the left, the change itself, and what is left of the last on the right.
 *
 *     before   |--A--|  |-B-|   |----A----|  |-C-|
 *     change        |=======B=======|
 *     after    |-A--|=======B=======|--A--|  |-C-|
 *
 * What the list will have is known before it is touched, and room for it is made
 * first; after that nothing can fail. An array that is full doubles, and never
 * shrinks: to take back the change made last can't fail at all.
 */
#include "phys/memblock.h"

#include <quire/error.h>
#include <quire/port.h>

#include "core/assert.h"
#include "core/string.h"
#include "phys/machine.h"

#define CAPACITY_FIRST 64
#define ALIGN_DEFAULT 64

int memblock_list_grow(struct memblock_list *list, void *host, size_t nr)
{
	size_t capacity = list->capacity ? list->capacity : CAPACITY_FIRST;
	struct quire_range *ranges;

	if (nr <= list->capacity)
		return 0;
	while (capacity < nr) {
		if (capacity > SIZE_MAX / 2 / sizeof(*ranges))
			return -QUIRE_ENOMEM;
		capacity *= 2;
	}
	ranges = quire_port_alloc(host, quire_phys(QUIRE_PORT_ANYWHERE),
				  capacity * sizeof(*ranges));
	if (!ranges)
		return -QUIRE_ENOMEM;
	if (list->nr)
		memcpy(ranges, list->ranges, list->nr * sizeof(*ranges));
	if (list->ranges)
		quire_port_free(host, list->ranges, list->capacity * sizeof(*ranges));
	list->ranges = ranges;
	list->capacity = capacity;
	return 0;
}

void memblock_list_destroy(struct memblock_list *list, void *host)
{
	if (list->ranges)
		quire_port_free(host, list->ranges, list->capacity * sizeof(*list->ranges));
	*list = (struct memblock_list){ 0 };
}

void memblock_destroy(struct memblock *mb, void *host)
{
	memblock_list_destroy(&mb->memory, host);
	memblock_list_destroy(&mb->reserved, host);
}

/* The first range that ends at or above @at: it touches or contains @at, or lies above. */
static size_t first_touching(const struct memblock_list *list, uint64_t at)
{
	size_t low = 0, high = list->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->ranges[middle].end < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Append @range to pieces[], joined with the last if it continues that. */
static size_t piece_append(struct quire_range *pieces, size_t nr, struct quire_range range)
{
	if (nr && pieces[nr - 1].end == range.start && pieces[nr - 1].what == range.what) {
		pieces[nr - 1].end = range.end;
		return nr;
	}
	pieces[nr] = range;
	return nr + 1;
}

/* Exchange list->ranges[low..high) for @pieces. There is room. */
static void list_splice(struct memblock_list *list, size_t low, size_t high,
			const struct quire_range *pieces, size_t nr)
{
	size_t size = sizeof(*list->ranges);

	ASSERT("BOOT-4", list->nr - (high - low) + nr <= list->capacity);
	if (list->nr > high && nr != high - low)
		memmove(list->ranges + low + nr, list->ranges + high, (list->nr - high) * size);
	if (nr)
		memcpy(list->ranges + low, pieces, nr * size);
	list->nr = list->nr - (high - low) + nr;
}

/* Put @range into the list, or with @set false take it out. */
static int list_change(struct memblock_list *list, void *host, const struct quire_range *range,
		       bool set)
{
	struct quire_range pieces[3], last = { 0 };
	size_t low = first_touching(list, range->start), high, nr = 0;
	int error;

	for (high = low; high < list->nr && list->ranges[high].start <= range->end; high++)
		;
	if (high > low) {
		struct quire_range first = list->ranges[low];

		last = list->ranges[high - 1];
		if (first.start < range->start) {
			if (first.end > range->start)
				first.end = range->start;
			nr = piece_append(pieces, nr, first);
		}
	}
	if (set)
		nr = piece_append(pieces, nr, *range);
	if (last.end > range->end) {
		if (last.start < range->end)
			last.start = range->end;
		nr = piece_append(pieces, nr, last);
	}
	error = memblock_list_grow(list, host, list->nr - (high - low) + nr);
	if (!error)
		list_splice(list, low, high, pieces, nr);
	return error;
}

int memblock_list_set(struct memblock_list *list, void *host, const struct quire_range *range)
{
	return list_change(list, host, range, true);
}

int memblock_list_clear(struct memblock_list *list, void *host, uint64_t start, uint64_t end)
{
	struct quire_range range = { start, end, QUIRE_RESERVE_OTHER };

	return list_change(list, host, &range, false);
}

int memblock_add(struct memblock *mb, void *host, uint64_t start, uint64_t end)
{
	struct quire_range range = { start, end, QUIRE_RESERVE_OTHER };

	return memblock_list_set(&mb->memory, host, &range);
}

int memblock_remove(struct memblock *mb, void *host, uint64_t start, uint64_t end)
{
	return memblock_list_clear(&mb->memory, host, start, end);
}

int memblock_reserve(struct memblock *mb, void *host, const struct quire_range *range)
{
	return memblock_list_set(&mb->reserved, host, range);
}

int memblock_free(struct memblock *mb, void *host, uint64_t start, uint64_t end)
{
	return memblock_list_clear(&mb->reserved, host, start, end);
}

bool memblock_list_less(const struct memblock_list *a, const struct memblock_list *b,
			struct memblock_cursor *cursor, struct quire_range *out)
{
	for (; cursor->memory < a->nr; cursor->memory++) {
		const struct quire_range *range = &a->ranges[cursor->memory];
		uint64_t start = range->start > cursor->at ? range->start : cursor->at;

		for (; cursor->reserved < b->nr; cursor->reserved++) {
			const struct quire_range *hole = &b->ranges[cursor->reserved];

			if (hole->start > start)
				break;
			if (hole->end > start)
				start = hole->end;
			if (start >= range->end)
				break; /* the hole may reach into the next range, too */
		}
		if (start >= range->end)
			continue;
		*out = *range;
		out->start = start;
		if (cursor->reserved < b->nr && b->ranges[cursor->reserved].start < out->end)
			out->end = b->ranges[cursor->reserved].start;
		cursor->at = out->end;
		return true;
	}
	return false;
}

bool memblock_free_next(const struct memblock *mb, struct memblock_cursor *cursor, uint64_t *start,
			uint64_t *end)
{
	struct quire_range range;

	if (!memblock_list_less(&mb->memory, &mb->reserved, cursor, &range))
		return false;
	*start = range.start;
	*end = range.end;
	return true;
}

/* The place for a request in the free range [start, end), at its bottom or top. */
static bool place_in(const struct quire_memblock_request *req, uint64_t start, uint64_t end,
		     uint64_t *out)
{
	uint64_t align = req->align ? req->align : ALIGN_DEFAULT;
	uint64_t at;

	if (start < req->min)
		start = req->min;
	if (req->max && end > req->max)
		end = req->max;
	if (start >= end || end - start < req->bytes)
		return false;
	if (req->bottom_up) {
		at = start + (-start & (align - 1));
		if (at < start || at > end - req->bytes)
			return false;
	} else {
		at = (end - req->bytes) & ~(align - 1);
		if (at < start)
			return false;
	}
	*out = at;
	return true;
}

static bool place_bottom_up(const struct memblock *mb, const struct quire_memblock_request *req,
			    uint64_t *out)
{
	struct memblock_cursor cursor = { 0 };
	uint64_t start, end;

	while (memblock_free_next(mb, &cursor, &start, &end)) {
		if (place_in(req, start, end, out))
			return true;
	}
	return false;
}

/* memblock_free_next from the top: each gap between two reservations below @top. */
static bool place_top_down(const struct memblock *mb, const struct quire_memblock_request *req,
			   uint64_t *out)
{
	const struct memblock_list *taken = &mb->reserved;
	size_t j = taken->nr; /* taken->ranges[j..] lie above */

	for (size_t i = mb->memory.nr; i-- > 0;) {
		uint64_t start = mb->memory.ranges[i].start, top = mb->memory.ranges[i].end;

		while (j && taken->ranges[j - 1].start >= top)
			j--;
		for (; j && taken->ranges[j - 1].end > start; j--) {
			if (place_in(req, taken->ranges[j - 1].end, top, out))
				return true;
			top = taken->ranges[j - 1].start;
			if (top <= start)
				break; /* it may reach into the range below, too */
		}
		if (top > start && place_in(req, start, top, out))
			return true;
	}
	return false;
}

int memblock_alloc(struct memblock *mb, void *host, const struct quire_memblock_request *req,
		   enum quire_reserve what, uint64_t *out)
{
	struct quire_range range;
	uint64_t at;
	int error;

	if (!req->bytes || (req->align & (req->align - 1)) || (req->max && req->max <= req->min))
		return -QUIRE_EINVAL;
	if (!(req->bottom_up ? place_bottom_up(mb, req, &at) : place_top_down(mb, req, &at)))
		return -QUIRE_ENOSPC;
	range = (struct quire_range){ at, at + req->bytes, what };
	error = memblock_reserve(mb, host, &range);
	if (!error)
		*out = at;
	return error;
}

/* The first broken rule of one list, as a name and words; NULL if there is none. */
static const char *list_rule(const struct memblock_list *list, const char **text, uint64_t *where)
{
	if (list->nr > list->capacity) {
		*text = "a list of ranges is not longer than its array";
		*where = list->nr;
		return "BOOT-4";
	}
	for (size_t i = 0; i < list->nr; i++) {
		const struct quire_range *range = &list->ranges[i];

		*where = range->start;
		if (range->start >= range->end) {
			*text = "no range of memblock is empty";
			return "BOOT-1";
		}
		if (!i)
			continue;
		if (range->start < range[-1].end) {
			*text = "ranges of memblock are sorted and disjoint";
			return "BOOT-2";
		}
		if (range->start == range[-1].end && range->what == range[-1].what) {
			*text = "touching ranges of memblock differ in kind";
			return "BOOT-3";
		}
	}
	return NULL;
}

bool memblock_check(const struct memblock *mb, struct quire_violation *out)
{
	const char *text = NULL;
	uint64_t where = 0;
	const char *rule = list_rule(&mb->memory, &text, &where);

	if (!rule)
		rule = list_rule(&mb->reserved, &text, &where);
	if (!rule)
		return true;
	*out = (struct quire_violation){ rule, text, where };
	return false;
}

/* ---- boot.h ---- */

int quire_memblock_add(struct quire *q, quire_phys_t start, quire_phys_t end)
{
	if (start.v >= end.v || end.v > memmap_limit(q->config.machine))
		return -QUIRE_EINVAL;
	if (q->zones_built)
		return -QUIRE_EBUSY;
	return memblock_add(&q->memblock, q->config.host, start.v, end.v);
}

int quire_memblock_remove(struct quire *q, quire_phys_t start, quire_phys_t end)
{
	if (start.v >= end.v)
		return -QUIRE_EINVAL;
	if (q->zones_built)
		return -QUIRE_EBUSY;
	return memblock_remove(&q->memblock, q->config.host, start.v, end.v);
}

int quire_memblock_reserve(struct quire *q, quire_phys_t start, quire_phys_t end,
			   enum quire_reserve what)
{
	struct quire_range range = { start.v, end.v, what };

	if (start.v >= end.v || (unsigned)what > QUIRE_RESERVE_ALLOC)
		return -QUIRE_EINVAL;
	if (q->zones_built)
		return -QUIRE_EBUSY;
	return memblock_reserve(&q->memblock, q->config.host, &range);
}

int quire_memblock_free(struct quire *q, quire_phys_t start, quire_phys_t end)
{
	if (start.v >= end.v)
		return -QUIRE_EINVAL;
	if (q->zones_built)
		return -QUIRE_EBUSY;
	return memblock_free(&q->memblock, q->config.host, start.v, end.v);
}

int quire_memblock_alloc(struct quire *q, const struct quire_memblock_request *req,
			 quire_phys_t *out)
{
	if (q->zones_built)
		return -QUIRE_EBUSY;
	return memblock_alloc(&q->memblock, q->config.host, req, QUIRE_RESERVE_ALLOC, &out->v);
}

bool quire_memblock_get(const struct quire *q, enum quire_memblock_list list, size_t i,
			struct quire_range *out)
{
	const struct memblock *mb = &q->memblock;
	const struct memblock_list *all = list == QUIRE_MEMBLOCK_RESERVED ? &mb->reserved
									  : &mb->memory;
	struct memblock_cursor cursor = { 0 };

	if (list != QUIRE_MEMBLOCK_FREE) {
		if (i >= all->nr)
			return false;
		*out = all->ranges[i];
		return true;
	}
	do {
		if (!memblock_list_less(&mb->memory, &mb->reserved, &cursor, out))
			return false;
	} while (i--);
	return true;
}
