/* SPDX-License-Identifier: MIT */
/*
 * cache.h - the page cache of a machine: the tier's state
 */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "cache/hugepool.h"
#include "cache/inode.h"
#include "cache/pagecache.h"

/** struct pagecache - constant after boot, but for what says otherwise */
struct pagecache {
	struct tier tier;
	struct quire *q;
	struct quire_cache *inodes;          /* struct quire_inode */
	struct quire_cache *nodes;           /* struct radix_node */
	const struct pagecache_above *above; /* NULL: there are no processes */

	struct lock lock;                    /* (C); before P */
	struct quire_inode *first, *last;    /* all inodes, oldest first (C) */
	uint64_t nr_inodes;                  /* (C) */
	struct quire_inode *hand;            /* where the search for pages to drop goes on; NULL: at
					      * the oldest (C) */
	uint64_t hand_index;                 /* its page (C) */

	_Atomic uint32_t nr_dirty;           /* of all files */
	_Atomic uintptr_t nr_promised;       /* pages of memory that files without a store have,
					      * or were promised */
	uint32_t dirty_max;                  /* beyond it whoever writes has to write back */
	struct hugepool huge;                /* huge pages (U) */
};

/** pagecache_of - the state; NULL before quire_cache_boot */
static inline struct pagecache *pagecache_of(const struct quire *q)
{
	return (struct pagecache *)(void *)q->tier[TIER_CACHE];
}

/** pagecache_lock - take C. Return: for pagecache_unlock */
static inline uintptr_t pagecache_lock(struct pagecache *pc)
	LOCK_ATTRIBUTE(acquire_capability(pc->lock))
{
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&pc->lock);
	return token;
}

/** pagecache_unlock - let go of C */
static inline void pagecache_unlock(struct pagecache *pc, uintptr_t token)
	LOCK_ATTRIBUTE(release_capability(pc->lock))
{
	lock_drop(&pc->lock);
	quire_port_cpu_leave(token);
}

/** pagecache_promise - so many pages more are promised. Return: how many it were before */
static inline uint64_t pagecache_promise(struct pagecache *pc, int64_t nr_pages)
{
	return atomic_fetch_add_explicit(&pc->nr_promised, (uintptr_t)nr_pages,
					 memory_order_relaxed);
}

/**
 * pagecache_next_inode - one file after the other, while others come and go
 * @pc:    the state
 * @inode: the one before, whose reference goes; NULL: begin
 *
 * Return: the next one with a reference; NULL after the last. Locks: none; takes C
 */
struct quire_inode *pagecache_next_inode(struct pagecache *pc, struct quire_inode *inode);

#endif
