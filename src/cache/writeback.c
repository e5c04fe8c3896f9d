/* SPDX-License-Identifier: MIT */
/*
 * writeback.c - dirty pages to the store
 *
 *   dirty ──(locked, mappings cleaned)──> clean, on its way ──> clean
 *     ▲                                        │ error             │ written meanwhile
 *     └────────────────────────────────────────┴───────────────────┘
 *
 * A page that is on its way is not locked: it can be read and mapped, and dirtied again. It can't
 * be truncated, because that takes R for writing. W keeps a second write-back away, so nobody waits
 * for single pages: who comes later finds them written.
 */
#include "cache/writeback.h"

#include "cache/cache.h"
#include "cache/store.h"

/* Pages of one call of the store. */
#define RUN_MAX 64u

/* The first dirty page of [*first, last] and those that follow it, each with a reference. */
static size_t collect(struct quire_inode *inode, uint64_t *first, uint64_t last,
		      struct quire_page **page)
{
	uintptr_t token = inode_lock(inode);
	uint64_t at = *first;
	size_t nr = 0;

	while (nr < RUN_MAX && (page[nr] = radix_next(&inode->pages, &at, last, true))) {
		if (!nr)
			*first = at;
		if (at != *first + nr)
			break;
		frames_pin(page[nr++]);
		if (at++ == last)
			break;
	}
	inode_unlock(inode, token);
	return nr;
}

/* Clean, and on its way. What is written from here on makes it dirty again. */
static void begin(struct quire_inode *inode, struct quire_page *page)
{
	const struct pagecache_above *above = pagecache_of(inode->q)->above;
	struct use *use = use_of(inode->q, page);

	use_lock(inode->q, page);
	if (above)
		above->clean(inode->q, page);
	uintptr_t token = inode_lock(inode);

	atomic_fetch_or_explicit(&use->flags, USE_WRITEBACK, memory_order_relaxed);
	atomic_fetch_and_explicit(&use->flags, ~USE_DIRTY, memory_order_relaxed);
	if (radix_tag(&inode->pages, use_index(use), false))
		pagecache_count_dirty(inode, -1);
	inode->nr_writeback++;
	inode_unlock(inode, token);
	use_unlock(inode->q, page);
}

static void end(struct quire_inode *inode, struct quire_page **page, size_t nr, int error)
{
	for (size_t i = 0; i < nr; i++) {
		atomic_fetch_and_explicit(&use_of(inode->q, page[i])->flags, ~USE_WRITEBACK,
					  memory_order_relaxed);
		if (error)
			pagecache_dirty(inode->q, page[i]);
		pagecache_put(inode->q, page[i]);
	}
	uintptr_t token = inode_lock(inode);

	inode->nr_writeback -= nr;
	if (error)
		inode->error = error;
	else
		inode->nr_writes += nr;
	inode_unlock(inode, token);
}

/* Write one run. *@first is moved behind it. Return: 1; 0: there is none; or the error */
static int write_run(struct quire_inode *inode, uint64_t *first, uint64_t last)
{
	struct quire_page *page[RUN_MAX];
	size_t nr = collect(inode, first, last, page);

	if (!nr)
		return 0;
	for (size_t i = 0; i < nr; i++)
		begin(inode, page[i]);
	/* R is held: pages lie before the end, and it stays where it is. */
	uint64_t start = *first << QUIRE_PAGE_SHIFT, bytes = inode->bytes - start;

	if (bytes > (uint64_t)nr << QUIRE_PAGE_SHIFT)
		bytes = (uint64_t)nr << QUIRE_PAGE_SHIFT;
	int error = store_error(inode->store->write(inode->ctx, *first, page, bytes));

	end(inode, page, nr, error);
	*first += nr;
	return error ? error : 1;
}

static int write_range(struct quire_inode *inode, uint64_t first, uint64_t last)
{
	void *host = inode->q->config.host;
	int error = 0, one;

	do {
		sem_read(&inode->rw, host);
		one = write_run(inode, &first, last);
		sem_read_drop(&inode->rw, host);
		if (one < 0 && !error)
			error = one;
	} while (one && first <= last);
	return error;
}

int writeback_range(struct quire_inode *inode, uint64_t first, uint64_t last)
{
	void *host = inode->q->config.host;

	if (!inode->store || !inode->store->write)
		return 0;
	sem_write(&inode->flush, host);
	int error = write_range(inode, first, last);

	sem_write_drop(&inode->flush, host);
	return error;
}

int writeback_safe(struct quire_inode *inode)
{
	return inode->store && inode->store->sync ? store_error(inode->store->sync(inode->ctx)) : 0;
}

int writeback_all(struct quire_inode *inode)
{
	int error = writeback_range(inode, 0, UINT64_MAX);

	return error ? error : writeback_safe(inode);
}
