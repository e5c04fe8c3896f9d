/* SPDX-License-Identifier: MIT */
/*
 * pagecache.h - the pages of files in memory
 *
 * A cached page is a frame of QUIRE_OWNER_CACHE; its private word is the inode, struct use has its
 * index and state. The cache holds one reference to it. Whoever has another one keeps it from being
 * dropped for want of memory; from truncate only its lock (use_lock) or R does. A page that has
 * left the cache has no inode any more, and is freed with its last reference.
 */
#ifndef CACHE_PAGECACHE_H
#define CACHE_PAGECACHE_H

#include "cache/inode.h"

/** struct pagecache_above - what address spaces do for the page cache: filled in by src/vm */
struct pagecache_above {
	/*
	 * Clear all entries that map pages [first, first + nr) of an inode; with @private
	 * (truncate, not hole punch) also copies that were written privately. The pages have left
	 * the cache already. The inode's rw is held for writing.
	 */
	void (*unmap)(struct quire_inode *inode, uint64_t first, uint64_t nr, bool private);
	/*
	 * Take the right to write from all entries that map a page, and their dirty bits. The page
	 * is locked. Return: whether one was dirty
	 */
	bool (*clean)(struct quire *q, struct quire_page *page);
	/* May what is promised be as much as it is, a page more than before? */
	bool (*allow)(struct quire *q);
};

/** pagecache_set_above - src/vm is set up. NULL: it ends */
void pagecache_set_above(struct quire *q, const struct pagecache_above *above);

/** pagecache_promised - pages of memory that files without a store have, or were promised */
uint64_t pagecache_promised(const struct quire *q);

/** pagecache_inode - whose page it is; NULL: it has left the cache. @page: held */
static inline struct quire_inode *pagecache_inode(const struct quire_page *page)
{
	return (struct quire_inode *)__atomic_load_n(&page->private, __ATOMIC_RELAXED);
}

/** pagecache_referenced - somebody uses the page: it is not the next to be dropped */
static inline void pagecache_referenced(const struct quire *q, const struct quire_page *page)
{
	struct use *use = use_of(q, page);

	if (!(relaxed_load(&use->flags) & USE_REFERENCED))
		atomic_fetch_or_explicit(&use->flags, USE_REFERENCED, memory_order_relaxed);
}

/**
 * pagecache_used - a page of a file without a store is used, if it was only allocated by now
 *
 * Linux, too, leaves such pages alone: faults do not map them around others, mincore says no.
 */
static inline void pagecache_used(const struct quire *q, const struct quire_page *page)
{
	struct use *use = use_of(q, page);

	if (unlikely((relaxed_load(&use->flags) & (USE_AHEAD | USE_MEMORY)) ==
		     (USE_AHEAD | USE_MEMORY)))
		atomic_fetch_and_explicit(&use->flags, ~USE_AHEAD, memory_order_relaxed);
}

/**
 * pagecache_find - a page if it is in memory, also behind the end
 * @inode: the file
 * @index: page
 *
 * Return: the frame with one more reference for this call (pagecache_put), up to date or not; NULL
 * Locks:  takes P
 */
struct quire_page *pagecache_find(struct quire_inode *inode, uint64_t index);

/**
 * pagecache_around - the pages of a range that can be mapped at once, for fault-around
 * @inode: the file
 * @first: page
 * @last:  page, included
 * @out:   up to @max of them, in order: up to date, before the end of the file, locked
 *         (use_unlock), each with one more reference (pagecache_put)
 * @max:   room
 *
 * Nothing is waited for or read; a page where readahead is to go on is left out, and one that
 * was only allocated.
 *
 * Return: how many
 * Locks:  takes P
 */
size_t pagecache_around(struct quire_inode *inode, uint64_t first, uint64_t last,
			struct quire_page **out, size_t max);

/**
 * pagecache_load - a page, read in if it is not in memory, with readahead: for faults
 * @file:   opened; its readahead state is used
 * @index:  page
 * @advice: of the area: QUIRE_FADV_RANDOM, _SEQUENTIAL; _NORMAL: the file's
 * @code:   with _NORMAL, if the area is executable: its pages from @index on. They are read, and
 *          none before; 0: it isn't, and what is around the page is read
 * @major:  set if the store was read; may be NULL
 * @out:    the frame, up to date, locked (use_unlock), with one more reference (pagecache_put)
 *
 * While it is locked, it is in the cache; before the end of the file, or a truncate waits for it.
 *
 * Return:  0; -QUIRE_EIO; -QUIRE_ENOMEM; -QUIRE_ENOSPC as of pagecache_insert; -QUIRE_ERANGE at or
 *          beyond the end of the file
 * Locks:   no page's and not R (it takes R for reading, drops it again); S may be held
 * Context: sleeps
 */
int pagecache_load(struct quire_file *file, uint64_t index, enum quire_fadvise advice,
		   uint64_t code, bool *major, struct quire_page **out);

/**
 * pagecache_insert - make a frame a page of a file
 * @inode: the file
 * @index: page, where there is none
 * @page:  allocated; its reference becomes the cache's, and the caller gets another one
 * @flags: USE_…; it is locked in any case
 *
 * Return: 0; -QUIRE_EEXIST; -QUIRE_ENOMEM; -QUIRE_ENOSPC if no more memory may be promised: then
 *         the frame is as it was
 * Locks:  R; takes P
 */
int pagecache_insert(struct quire_inode *inode, uint64_t index, struct quire_page *page,
		     uint32_t flags);

/**
 * pagecache_remove - a page leaves the cache
 * @inode: its file
 * @page:  in it
 *
 * Not dirty any more, and nobody's. The cache's reference is the caller's to drop.
 *
 * Locks: P; the page is locked, or nobody else has a reference
 */
void pagecache_remove(struct quire_inode *inode, struct quire_page *page);

/**
 * pagecache_get - a page that can be read: found, or read in
 * @file:  opened; its readahead state is used
 * @index: page, before the end of the file
 * @nr:    pages that will be asked for from it on
 * @out:   the frame, up to date, not locked, with one more reference; NULL: a hole of a file
 *         without store
 *
 * Return: 0; -QUIRE_EIO; -QUIRE_ENOMEM
 * Locks:  R for reading
 */
int pagecache_get(struct quire_file *file, uint64_t index, uint64_t nr, struct quire_page **out);

/** pagecache_fresh - pagecache_zeros, and it stays locked: to be written before anybody sees it */
int pagecache_fresh(struct quire_inode *inode, uint64_t index, uint32_t flags,
		    struct quire_page **out);

/**
 * pagecache_zeros - put a page of zeros where none is
 * @inode: without a store, or there is nothing of the page in it
 * @index: page
 * @flags: USE_…
 * @out:   as of pagecache_get
 *
 * Return: as of pagecache_insert. Locks: R
 */
int pagecache_zeros(struct quire_inode *inode, uint64_t index, uint32_t flags,
		    struct quire_page **out);

/** pagecache_put - drop a reference. A page that left the cache and that nobody has is freed */
void pagecache_put(struct quire *q, struct quire_page *page);

/** pagecache_dirty - a page is newer than the store's. Any time; the page and its inode are held */
void pagecache_dirty(struct quire *q, struct quire_page *page);

/** pagecache_count_dirty - @n pages more are dirty. Locks: P */
void pagecache_count_dirty(struct quire_inode *inode, int n);

/**
 * pagecache_balance - whoever has made pages dirty writes them back when there are too many
 *
 * After a write, and after a fault that wrote to a shared area. Locks: S at the most; may sleep
 */
void pagecache_balance(struct quire_inode *inode);

/**
 * pagecache_ahead - read [first, first + nr) unless it is there, for MADV_WILLNEED
 *
 * Locks: as pagecache_load
 */
void pagecache_ahead(struct quire_file *file, uint64_t first, uint64_t nr);

#endif
