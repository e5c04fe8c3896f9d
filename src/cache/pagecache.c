/* SPDX-License-Identifier: MIT */
/*
 * pagecache.c - the pages of files in memory: found, loaded, entered, gone
 */
#include "cache/pagecache.h"

#include "cache/cache.h"
#include "cache/file.h"
#include "cache/writeback.h"
#include "core/assert.h"

/* R or a page's lock is held: nobody writes files back for want of such a frame. */
#define GFP (QUIRE_GFP_HIGHUSER_MOVABLE & ~QUIRE_GFP_BIT_FS)

/* What is not up to date or is marked is not for the short path. */
#define STATE (USE_UPTODATE | USE_AHEAD)

static uint32_t flags_of(const struct quire *q, const struct quire_page *page)
{
	return acquire_load(&use_of(q, page)->flags);
}

static void clear_flags(struct quire *q, struct quire_page *page, uint32_t flags)
{
	atomic_fetch_and_explicit(&use_of(q, page)->flags, ~flags, memory_order_relaxed);
}

/*
 * For an entry. Return: -QUIRE_ERANGE behind the end of the file; -QUIRE_ENOMEM if it has as many
 * references as can stay. *@out: NULL if it isn't there
 */
static int find(struct quire_inode *inode, uint64_t index, struct quire_page **out)
{
	uintptr_t token = inode_lock(inode);
	bool inside = index < inode_pages(inode->bytes);
	struct quire_page *page = likely(inside) ? radix_find(&inode->pages, index) : NULL;
	bool held = page && frames_hold(page);

	inode_unlock(inode, token);
	*out = held ? page : NULL;
	if (unlikely(!inside))
		return -QUIRE_ERANGE;
	return page && !held ? -QUIRE_ENOMEM : 0;
}

struct quire_page *pagecache_find(struct quire_inode *inode, uint64_t index)
{
	uintptr_t token = inode_lock(inode);
	struct quire_page *page = radix_find(&inode->pages, index);

	if (page)
		frames_pin(page);
	inode_unlock(inode, token);
	return page;
}

size_t pagecache_around(struct quire_inode *inode, uint64_t first, uint64_t last,
			struct quire_page **out, size_t max)
{
	struct quire *q = inode->q;
	uintptr_t token = inode_lock(inode);
	uint64_t end = inode_pages(inode->bytes);
	struct quire_page *page;
	size_t nr = 0;

	if (last >= end)
		last = end - 1; /* below @first, if that is behind the end */
	for (uint64_t i = first; end && i <= last && nr < max; i++) {
		page = radix_next(&inode->pages, &i, last, false);
		if (!page)
			break;
		if ((flags_of(q, page) & STATE) != USE_UPTODATE || !use_trylock(q, page))
			continue;
		if (frames_hold(page))
			out[nr++] = page;
		else
			use_unlock(q, page);
	}
	inode_unlock(inode, token);
	return nr;
}

/* P, with the nodes for an insertion at hand. Return: false without memory, and without P */
static bool lock_with_room(struct quire_inode *inode, uint64_t index, uintptr_t *token)
	LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	struct quire_cache *nodes = pagecache_of(inode->q)->nodes;
	void *node = NULL;

	for (;;) {
		*token = inode_lock(inode);
		if (node)
			radix_give(&inode->pages, node);
		if (radix_find(&inode->pages, index) || !radix_need(&inode->pages, index))
			return true;
		inode_unlock(inode, *token);
		node = quire_cache_alloc(nodes, QUIRE_GFP_NOFS);
		if (!node)
			return false;
	}
}

uint64_t pagecache_promised(const struct quire *q)
{
	return relaxed_load(&pagecache_of(q)->nr_promised);
}

/* Pages that a file promises with each that it has. */
static int64_t promise_of(const struct quire_inode *inode)
{
	return !inode->store && !inode->promised;
}

/* A page is promised before it is there. Return: whether it may be */
static bool promise(const struct quire_inode *inode)
{
	struct pagecache *pc = pagecache_of(inode->q);

	if (!promise_of(inode))
		return true;
	pagecache_promise(pc, 1);
	if (!pc->above || pc->above->allow(inode->q))
		return true;
	pagecache_promise(pc, -1);
	return false;
}

static int insert(struct quire_inode *inode, uint64_t index, struct quire_page *page,
		  uint32_t flags) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	uintptr_t token;

	if (!lock_with_room(inode, index, &token)) {
		inode_trim(inode);
		return -QUIRE_ENOMEM;
	}
	if (radix_find(&inode->pages, index)) {
		inode_unlock(inode, token);
		return -QUIRE_EEXIST;
	}
	frames_own(page, QUIRE_OWNER_CACHE);
	frames_hold(page);
	__atomic_store_n(&page->private, (uintptr_t)inode, __ATOMIC_RELAXED);
	use_set(use_of(inode->q, page), index,
		flags | USE_LOCKED | (inode->store ? 0 : USE_MEMORY));
	radix_insert(&inode->pages, index, page);
	inode_unlock(inode, token);
	return 0;
}

int pagecache_insert(struct quire_inode *inode, uint64_t index, struct quire_page *page,
		     uint32_t flags)
{
	int error = promise(inode) ? insert(inode, index, page, flags) : -QUIRE_ENOSPC;

	if (error && error != -QUIRE_ENOSPC)
		pagecache_promise(pagecache_of(inode->q), -promise_of(inode));
	return error;
}

void pagecache_count_dirty(struct quire_inode *inode, int n)
{
	inode->nr_dirty += (uint64_t)(int64_t)n;
	atomic_fetch_add_explicit(&pagecache_of(inode->q)->nr_dirty, (uint32_t)n,
				  memory_order_relaxed);
}

void pagecache_remove(struct quire_inode *inode, struct quire_page *page)
{
	struct use *use = use_of(inode->q, page);
	uint64_t index = use_index(use);

	if (radix_tagged(&inode->pages, index))
		pagecache_count_dirty(inode, -1);
	struct quire_page *was = radix_erase(&inode->pages, index);

	ASSERT("CACHE-1", was == page);
	pagecache_promise(pagecache_of(inode->q), -promise_of(inode));
	ASSERT("CACHE-4", !(relaxed_load(&use->flags) & USE_WRITEBACK));
	atomic_fetch_and_explicit(&use->flags, ~(USE_DIRTY | USE_AHEAD), memory_order_relaxed);
	__atomic_store_n(&page->private, (uintptr_t)NULL, __ATOMIC_RELAXED);
}

void pagecache_put(struct quire *q, struct quire_page *page)
{
	if (!frames_let_go(page))
		return;
	ASSERT("CACHE-5", !pagecache_inode(page) && !use_mapcount(page));
	frames_disown(page);
	quire_page_free(q, page, 0);
}

void pagecache_dirty(struct quire *q, struct quire_page *page)
{
	struct use *use = use_of(q, page);
	struct quire_inode *inode = pagecache_inode(page);

	if (!inode || relaxed_load(&use->flags) & USE_DIRTY)
		return;
	if (!inode->store) {
		atomic_fetch_or_explicit(&use->flags, USE_DIRTY, memory_order_relaxed);
		return;
	}
	uintptr_t token = inode_lock(inode);

	if (pagecache_inode(page) == inode &&
	    !(atomic_fetch_or_explicit(&use->flags, USE_DIRTY, memory_order_relaxed) & USE_DIRTY)) {
		radix_tag(&inode->pages, use_index(use), true);
		pagecache_count_dirty(inode, 1);
	}
	inode_unlock(inode, token);
}

void pagecache_balance(struct quire_inode *inode)
{
	const struct pagecache *pc = pagecache_of(inode->q);

	if (unlikely(relaxed_load(&pc->nr_dirty) > pc->dirty_max))
		writeback_range(inode, 0, UINT64_MAX);
}

/* ---- Reading and faults ----------------------------------------------------------- */

/*
 * Wait until a page that is there is up to date. Return: false if it could not be read, and is put
 */
static bool wait_for(struct quire_inode *inode, struct quire_page *page)
{
	struct quire *q = inode->q;

	use_lock(q, page);
	bool there = pagecache_inode(page) == inode && flags_of(q, page) & USE_UPTODATE;

	use_unlock(q, page);
	if (!there)
		pagecache_put(q, page);
	return there;
}

/* pagecache_get where it isn't all there. @page: found, with a reference; or NULL */
static COLD int get_slow(struct quire_file *file, uint64_t index, uint64_t nr,
			 struct quire_page *page, struct quire_page **out)
{
	struct quire_inode *inode = file->inode;
	struct quire *q = inode->q;

	*out = NULL;
	if (!page && !inode->store)
		return 0;
	if (!page)
		ahead_miss(file, index, nr);
	for (;;) {
		if (!page)
			page = pagecache_find(inode, index);
		if (!page) {
			int error = ahead_one(inode, index, &page);

			if (!error)
				break;
			if (error != -QUIRE_EEXIST)
				return error;
			page = NULL;
		} else if (flags_of(q, page) & USE_UPTODATE || wait_for(inode, page)) {
			break;
		} else {
			page = NULL;
		}
	}
	if (inode->store && flags_of(q, page) & USE_AHEAD) {
		clear_flags(q, page, USE_AHEAD);
		ahead_hit(file, index, nr);
	}
	*out = page;
	return 0;
}

int pagecache_get(struct quire_file *file, uint64_t index, uint64_t nr, struct quire_page **out)
{
	struct quire *q = file->inode->q;
	struct quire_page *page = pagecache_find(file->inode, index);

	if (likely(page && (flags_of(q, page) & STATE) == USE_UPTODATE)) {
		pagecache_referenced(q, page);
		*out = page;
		return 0;
	}
	return get_slow(file, index, nr, page, out);
}

int pagecache_fresh(struct quire_inode *inode, uint64_t index, uint32_t flags,
		    struct quire_page **out)
{
	*out = quire_page_alloc(inode->q, GFP | QUIRE_GFP_ZERO, 0);
	if (!*out)
		return -QUIRE_ENOMEM;
	int error = pagecache_insert(inode, index, *out, flags | USE_UPTODATE);

	if (error)
		quire_page_free(inode->q, *out, 0);
	return error;
}

int pagecache_zeros(struct quire_inode *inode, uint64_t index, uint32_t flags,
		    struct quire_page **out)
{
	int error = pagecache_fresh(inode, index, flags, out);

	if (!error)
		use_unlock(inode->q, *out);
	return error;
}

/* A page for a fault that is not there: bring it in. Return: as ahead_one, and -QUIRE_ERANGE */
static int bring(struct quire_file *file, uint64_t index, enum quire_fadvise advice, uint64_t code,
		 struct quire_page **out)
{
	struct quire_inode *inode = file->inode;
	void *host = inode->q->config.host;
	int error;

	sem_read(&inode->rw, host);
	if (inode->store && index < inode_pages(inode->bytes))
		ahead_fault(file, index, advice, code);
	error = find(inode, index, out);
	if (error || *out)
		;
	else if (inode->store)
		error = ahead_one(inode, index, out);
	else
		error = pagecache_zeros(inode, index, 0, out);
	sem_read_drop(&inode->rw, host);
	return error;
}

/* A fault has come to a marked page of a file with a store. */
static void hit(struct quire_file *file, uint64_t index)
{
	struct quire_inode *inode = file->inode;

	sem_read(&inode->rw, inode->q->config.host);
	ahead_hit(file, index, 1);
	sem_read_drop(&inode->rw, inode->q->config.host);
}

int pagecache_load(struct quire_file *file, uint64_t index, enum quire_fadvise advice,
		   uint64_t code, bool *major, struct quire_page **out)
{
	struct quire_inode *inode = file->inode;
	struct quire *q = inode->q;

	for (;;) {
		struct quire_page *page;
		int error = find(inode, index, &page);

		if (error)
			return error;
		if (!page) {
			error = bring(file, index, advice, code, &page);

			if (error && error != -QUIRE_EEXIST)
				return error;
			if (error)
				continue;
			if (major && inode->store)
				*major = true;
		} else if (inode->store && flags_of(q, page) & USE_AHEAD) {
			clear_flags(q, page, USE_AHEAD);
			hit(file, index);
		}
		use_lock(q, page);
		/* What is in the cache is before the end, or a truncate waits for this lock. */
		if (pagecache_inode(page) == inode && flags_of(q, page) & USE_UPTODATE) {
			pagecache_used(q, page);
			pagecache_referenced(q, page);
			*out = page;
			return 0;
		}
		/* Truncated, or it could not be read: look again. */
		use_unlock(q, page);
		pagecache_put(q, page);
	}
}

void pagecache_ahead(struct quire_file *file, uint64_t first, uint64_t nr)
{
	struct quire_inode *inode = file->inode;

	if (!inode->store)
		return;
	sem_read(&inode->rw, inode->q->config.host);
	ahead_range(inode, first, nr);
	sem_read_drop(&inode->rw, inode->q->config.host);
}
