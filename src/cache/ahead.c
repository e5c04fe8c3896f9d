/* SPDX-License-Identifier: MIT */
/*
 * ahead.c - readahead
 */
#include "cache/ahead.h"

#include "cache/cache.h"
#include "cache/file.h"
#include "cache/store.h"

/* R is held: nobody writes files back for want of such a frame. */
#define GFP (QUIRE_GFP_HIGHUSER_MOVABLE & ~QUIRE_GFP_BIT_FS)
/* Nothing is dropped or waited for to read what may not be asked for. */
#define GFP_AHEAD (GFP & ~QUIRE_GFP_RECLAIM)

/* Faults without use of what was read around, after which nothing is read around. */
#define MISSES_MAX 100u

/* Pages that are looked at in one go. */
#define RANGE_PART 512u

/* struct window - what is to be read */
struct window {
	uint64_t first;
	uint64_t nr;
	uint64_t mark;  /* page to be marked; UINT64_MAX: none */
	uint64_t asked; /* pages from @index on that are asked for */
	uint64_t index;
};

/* ---- Reading into the cache ---------------------------------------------------- */

/* Pages that were read, or not: in the first case they are there for all. */
static void settle(struct quire_inode *inode, struct quire_page **page, size_t nr, bool read)
{
	struct quire *q = inode->q;

	for (size_t i = 0; i < nr; i++) {
		if (read) {
			atomic_fetch_or_explicit(&use_of(q, page[i])->flags, USE_UPTODATE,
						 memory_order_release);
		} else {
			uintptr_t token = inode_lock(inode);

			pagecache_remove(inode, page[i]);
			inode_unlock(inode, token);
			pagecache_put(q, page[i]);
		}
		use_unlock(q, page[i]);
	}
	if (!read)
		inode_trim(inode);
}

static void count_reads(struct quire_inode *inode, uint64_t nr, uint64_t asked)
{
	uintptr_t token = inode_lock(inode);

	inode->nr_reads += nr;
	inode->nr_ahead += nr - asked;
	inode_unlock(inode, token);
}

/*
 * Read a run of pages, none of which is there, until one of them is. @page: frames, some of which
 * may be left over. Return: how many were read, each referenced; or the store's error, and none is
 */
static int read_run(struct quire_inode *inode, uint64_t first, struct quire_page **page, size_t nr,
		    uint64_t mark)
{
	size_t in = 0;
	int error = 0;

	while (in < nr && !error) {
		uint32_t flags = first + in == mark ? USE_AHEAD : 0;

		error = pagecache_insert(inode, first + in, page[in], flags);
		in += !error;
	}
	for (size_t i = in; i < nr; i++)
		quire_page_free(inode->q, page[i], 0);
	if (!in)
		return error;
	error = store_error(inode->store->read(inode->ctx, first, page, in));
	settle(inode, page, in, !error);
	for (size_t i = 0; error && i < in; i++)
		pagecache_put(inode->q, page[i]);
	return error ? error : (int)in;
}

int ahead_one(struct quire_inode *inode, uint64_t index, struct quire_page **out)
{
	*out = quire_page_alloc(inode->q, GFP, 0);
	if (!*out)
		return -QUIRE_ENOMEM;
	int nr = read_run(inode, index, out, 1, UINT64_MAX);

	if (nr < 0)
		return nr;
	count_reads(inode, 1, 1);
	return 0;
}

/* The first run of [*first, last] that isn't there. Return: its length; 0: all is there */
static uint64_t missing(struct quire_inode *inode, uint64_t *first, uint64_t last)
{
	uintptr_t token = inode_lock(inode);
	uint64_t at = *first, next = at;

	while (at <= last && radix_next(&inode->pages, &next, last, false) && next == at)
		next = ++at;
	if (at > last)
		next = at;
	else if (next == at)
		next = last + 1;
	inode_unlock(inode, token);
	*first = at;
	return next - at;
}

/* Read what is missing of a window. What can't be read or has no frames is left out. */
static void fill(struct quire_inode *inode, const struct window *w)
{
	uint64_t end = inode_pages(inode->bytes);
	uint64_t at = w->first, nr;

	if (w->first >= end)
		return;
	if (w->nr < end - w->first)
		end = w->first + w->nr;
	while (at < end && (nr = missing(inode, &at, end - 1))) {
		struct quire_page *page[AHEAD_MAX];
		size_t had = quire_page_alloc_bulk(inode->q, GFP_AHEAD,
						   nr < AHEAD_MAX ? (size_t)nr : AHEAD_MAX, page);
		int in = had ? read_run(inode, at, page, had, w->mark) : 0;
		uint64_t asked = 0;

		if (in <= 0)
			return;
		for (int i = 0; i < in; i++) {
			asked += at + (uint64_t)i - w->index < w->asked;
			pagecache_put(inode->q, page[i]);
		}
		count_reads(inode, (uint64_t)in, asked);
		at += (uint64_t)in;
	}
}

void ahead_range(struct quire_inode *inode, uint64_t first, uint64_t nr)
{
	uint64_t end = inode_pages(inode->bytes);

	if (first >= end)
		return;
	if (nr < end - first)
		end = first + nr;
	/* In parts: what is there is stepped over under the lock. */
	for (; first < end; first += RANGE_PART) {
		uint64_t part = end - first < RANGE_PART ? end - first : RANGE_PART;
		const struct window w = { first, part, UINT64_MAX, 0, 0 };

		fill(inode, &w);
	}
}

/* ---- Windows ------------------------------------------------------------------- */

static uint32_t max_of(const struct quire_file *file, enum quire_fadvise advice)
{
	return advice == QUIRE_FADV_SEQUENTIAL ||
			       relaxed_load(&file->advice) == QUIRE_FADV_SEQUENTIAL
		       ? 2 * AHEAD_MAX
		       : AHEAD_MAX;
}

/* The first window, for a request of @nr pages: up to four times as much. */
static uint32_t first_size(uint64_t nr, uint32_t max)
{
	uint32_t size = 1;

	while (size < nr && size < max)
		size *= 2;
	if (size <= max / 32)
		size *= 4;
	else if (size <= max / 4)
		size *= 2;
	return size < max ? size : max;
}

/* The window after one of @size pages. */
static uint32_t next_size(uint32_t size, uint32_t max)
{
	if (size < max / 16)
		return size * 4;
	return size <= max / 2 ? size * 2 : max;
}

/* Set the window up from the file's state. Locks: H */
static void window_of(struct window *w, const struct ahead *a)
{
	w->first = a->start;
	w->nr = a->size;
	w->mark = a->async ? a->start + a->size - a->async : UINT64_MAX;
}

static uintptr_t enter(struct quire_file *file) LOCK_ATTRIBUTE(acquire_capability(file->lock))
{
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&file->lock);
	return token;
}

static void leave(struct quire_file *file, uintptr_t token)
	LOCK_ATTRIBUTE(release_capability(file->lock))
{
	lock_drop(&file->lock);
	quire_port_cpu_leave(token);
}

/*
 * Pages in memory before @index without a gap, up to @max: what a reader in order would have left,
 * whoever it was. Twice as many if they are all that is before it.
 */
static uint32_t history(struct quire_inode *inode, uint64_t index, uint32_t max)
{
	uintptr_t token = inode_lock(inode);
	uint32_t nr = 0;

	while (nr < max && nr < index && radix_find(&inode->pages, index - nr - 1))
		nr++;
	inode_unlock(inode, token);
	return nr == index ? 2 * nr : nr;
}

/* The window of a miss. @before: history. Locks: H */
static void plan_miss(struct ahead *a, struct window *w, uint32_t max, uint32_t before)
{
	uint64_t index = w->index, nr = w->asked;

	if (a->size && (index == a->start + a->size || index == a->start + a->size - a->async)) {
		/* Where the window was to go on: it goes on. */
		a->start += a->size;
		a->size = next_size(a->size, max);
		a->async = a->size;
		/* It begins behind the page, which was dropped meanwhile: that is read too. */
		if (a->start > index && a->start - index <= max) {
			a->size += (uint32_t)(a->start - index);
			a->start = index;
		}
	} else if (!index || nr > max || index == a->next || index + 1 == a->next) {
		a->start = index;
		a->size = first_size(nr, max);
		a->async = a->size > nr ? a->size - (uint32_t)nr : a->size;
	} else if (before > nr) {
		a->start = index;
		a->size = before + (uint32_t)nr < max ? before + (uint32_t)nr : max;
		a->async = 1;
	} else {
		/* Somewhere else: what is asked for. */
		w->first = index;
		w->nr = nr;
		return;
	}
	/* The mark is on the page itself: its reader goes on at once. */
	if (index == a->start && a->size == a->async) {
		uint32_t more = next_size(a->size, max);

		a->async = a->size + more <= max ? more : max / 2;
		a->size = a->size + more <= max ? a->size + more : max;
	}
	window_of(w, a);
}

void ahead_miss(struct quire_file *file, uint64_t index, uint64_t nr)
{
	struct window w = { index, nr, UINT64_MAX, nr, index };

	if (relaxed_load(&file->advice) != QUIRE_FADV_RANDOM) {
		uint32_t max = max_of(file, QUIRE_FADV_NORMAL);
		uint32_t before = history(file->inode, index, max);
		uintptr_t token = enter(file);

		plan_miss(&file->ahead, &w, max, before);
		leave(file, token);
	}
	fill(file->inode, &w);
}

void ahead_fault(struct quire_file *file, uint64_t index, enum quire_fadvise advice, uint64_t code)
{
	struct window w = { index, 1, UINT64_MAX, 1, index };
	struct ahead *a = &file->ahead;

	if (advice == QUIRE_FADV_NORMAL)
		advice = (enum quire_fadvise)relaxed_load(&file->advice);
	if (advice == QUIRE_FADV_RANDOM)
		return;
	uintptr_t token = enter(file);

	if (advice == QUIRE_FADV_SEQUENTIAL) {
		a->start = index;
		a->size = max_of(file, advice);
		a->async = a->size / 2;
		window_of(&w, a);
	} else if (a->misses < MISSES_MAX) {
		a->misses++;
		a->start = code || index < AHEAD_MAX / 2 ? code ? index : 0 : index - AHEAD_MAX / 2;
		a->size = code && code < AHEAD_MAX ? (uint32_t)code : AHEAD_MAX;
		a->async = code ? 0 : AHEAD_MAX / 4;
		window_of(&w, a);
	}
	leave(file, token);
	fill(file->inode, &w);
}

void ahead_hit(struct quire_file *file, uint64_t index, uint64_t nr)
{
	struct window w = { index, nr, UINT64_MAX, nr, index };
	uint32_t max = max_of(file, QUIRE_FADV_NORMAL);
	struct ahead *a = &file->ahead;
	uint64_t from = index + 1;

	if (relaxed_load(&file->advice) == QUIRE_FADV_RANDOM)
		return;
	/* A mark of another reader's: this one goes on behind what is there. */
	missing(file->inode, &from, index + max);
	uintptr_t token = enter(file);
	bool mine = index == a->start + a->size - a->async;

	if (!mine && from > index + max) {
		leave(file, token);
		return;
	}
	if (!mine) {
		a->start = from;
		a->size = (uint32_t)(from - index);
	} else {
		a->start += a->size;
	}
	a->size = next_size(a->size, max);
	a->async = a->size;
	if (a->misses)
		a->misses--;
	window_of(&w, a);
	leave(file, token);
	fill(file->inode, &w);
}
