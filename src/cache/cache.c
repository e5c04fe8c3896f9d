/* SPDX-License-Identifier: MIT */
/*
 * cache.c - the page cache of a machine: boot, end, counts, all files at once
 */
#include "cache/cache.h"

#include "cache/rules.h"
#include "cache/shrink.h"
#include "cache/writeback.h"

/*
 * Records take as much on 32-bit hosts, whose pointers are smaller: what the heap looks like is a
 * machine's state.
 */
#define INODE_BYTES 320

/* Of all frames as many may be dirty: Linux's dirty_ratio is 20 percent. */
#define DIRTY_SHARE 5

_Static_assert(sizeof(struct quire_inode) <= INODE_BYTES, "INODE_BYTES");
_Static_assert(sizeof(struct radix_node) == 528, "one layout on every host");

/* Whoever still has a file loses it: this is a machine that is switched off. */
static void destroy(struct quire *q, struct tier *tier)
{
	struct pagecache *pc = (struct pagecache *)(void *)tier;

	for (struct quire_inode *inode = pc->first, *next; inode; inode = next) {
		next = inode->next;
		inode_drop_all(inode);
		if (inode->store && inode->store->release)
			inode->store->release(inode->ctx);
		quire_cache_free(pc->inodes, inode);
	}
	if (q->tier[TIER_CACHE])
		hugepool_end(q);
	quire_cache_destroy(pc->inodes);
	quire_cache_destroy(pc->nodes);
	quire_port_free(q->config.host, pc, sizeof(*pc));
}

static int build_caches(struct pagecache *pc)
{
	const struct quire_cache_args inodes = { .name = "inode_cache", .size = INODE_BYTES };
	const struct quire_cache_args nodes = { .name = "radix_tree_node",
						.size = sizeof(struct radix_node) };
	int error = quire_cache_create(pc->q, &inodes, &pc->inodes);

	return error ? error : quire_cache_create(pc->q, &nodes, &pc->nodes);
}

static uint32_t managed(const struct quire *q)
{
	uint32_t nr = 0;

	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++)
		nr += relaxed_load(&q->zones[z].managed);
	return nr;
}

int quire_cache_boot(struct quire *q)
{
	if (!q->tier[TIER_KMEM] || !q->tier[TIER_KSPACE])
		return -QUIRE_ENODEV;
	if (pagecache_of(q))
		return -QUIRE_EBUSY;
	int error = use_map(q);
	struct pagecache *pc = NULL;

	if (!error)
		pc = quire_port_alloc(q->config.host, quire_phys(QUIRE_PORT_ANYWHERE),
				      sizeof(*pc));
	if (!pc)
		return -QUIRE_ENOMEM;
	pc->tier = (struct tier){ destroy, rules_check, rules_hash, shrink_reclaim };
	pc->q = q;
	pc->dirty_max = managed(q) / DIRTY_SHARE;
	error = build_caches(pc);
	if (error)
		destroy(q, &pc->tier);
	else
		q->tier[TIER_CACHE] = &pc->tier;
	return error;
}

void pagecache_set_above(struct quire *q, const struct pagecache_above *above)
{
	pagecache_of(q)->above = above;
}

int quire_pagecache_stat(struct quire *q, struct quire_pagecache_stat *out)
{
	struct pagecache *pc = pagecache_of(q);

	*out = (struct quire_pagecache_stat){ 0 };
	if (!pc)
		return -QUIRE_ENODEV;
	uintptr_t token = pagecache_lock(pc);

	out->nr_inodes = pc->nr_inodes;
	for (struct quire_inode *inode = pc->first; inode; inode = inode->next) {
		lock_take(&inode->lock);
		*(inode->store ? &out->nr_pages : &out->nr_memory) += inode->pages.nr;
		out->nr_dirty += inode->nr_dirty;
		out->nr_writeback += inode->nr_writeback;
		lock_drop(&inode->lock);
	}
	pagecache_unlock(pc, token);
	return 0;
}

struct quire_inode *pagecache_next_inode(struct pagecache *pc, struct quire_inode *inode)
{
	uintptr_t token = pagecache_lock(pc);
	struct quire_inode *next = inode ? inode->next : pc->first;

	while (next && !inode_tryget(next))
		next = next->next;
	pagecache_unlock(pc, token);
	quire_inode_put(inode);
	return next;
}

int quire_pagecache_sync(struct quire *q)
{
	struct pagecache *pc = pagecache_of(q);
	int error = 0;

	if (!pc)
		return -QUIRE_ENODEV;
	for (struct quire_inode *inode = pagecache_next_inode(pc, NULL); inode;
	     inode = pagecache_next_inode(pc, inode)) {
		int one = writeback_all(inode);

		error = error ? error : one;
	}
	return error;
}
