/* SPDX-License-Identifier: MIT */
/*
 * shrink.c - clean pages that nobody uses are dropped
 *
 * Only the cache has a reference to such a page, and under P no other can come. So nothing is
 * waited for, and it can be done from within any request for frames.
 */
#include "cache/shrink.h"

#include "cache/cache.h"

/* Pages that are dropped, and looked at, under the locks at once. */
#define DROP_MAX 32u
#define LOOK_MAX 256u
/* Frames that a request for some is helped with. */
#define GOAL 64u

/* struct catch - what was taken out and goes back when no lock is held */
struct catch {
	struct quire_page *page[DROP_MAX];
	size_t nr;
	struct radix_node *nodes;
	bool hard; /* also what was used lately */
};

static bool idle(const struct quire *q, const struct quire_page *page)
{
	uint32_t flags = relaxed_load(&use_of(q, page)->flags);

	return acquire_load(&page->word) / COUNT_ONE == 1 && flags & USE_UPTODATE &&
	       !(flags & (USE_LOCKED | USE_DIRTY | USE_WRITEBACK));
}

/* Take pages of [*first, last] out; *@first is moved behind what was looked at. Locks: P */
static void take(struct quire_inode *inode, uint64_t *first, uint64_t last, struct catch *c)
{
	struct quire_page *page;
	struct radix_node *node;

	for (unsigned n = 0; n < LOOK_MAX && c->nr < DROP_MAX && *first <= last; n++, ++*first) {
		page = radix_next(&inode->pages, first, last, false);
		if (!page) {
			*first = last;
			continue;
		}
		if (!idle(inode->q, page))
			continue;
		if (!c->hard && atomic_fetch_and_explicit(&use_of(inode->q, page)->flags,
							  ~USE_REFERENCED, memory_order_relaxed) &
					USE_REFERENCED)
			continue;
		pagecache_remove(inode, page);
		c->page[c->nr++] = page;
	}
	while ((node = radix_spare(&inode->pages, 0))) {
		node->slot[0].child = c->nodes;
		c->nodes = node;
	}
}

/* Return: how many frames */
static size_t release(struct pagecache *pc, struct catch *c)
{
	size_t nr = c->nr;

	while (c->nodes) {
		struct radix_node *node = c->nodes;

		c->nodes = node->slot[0].child;
		quire_cache_free(pc->nodes, node);
	}
	while (c->nr)
		pagecache_put(pc->q, c->page[--c->nr]);
	return nr;
}

uint64_t shrink_range(struct quire_inode *inode, uint64_t first, uint64_t last)
{
	struct catch c = { .hard = true };
	uint64_t nr = 0;

	while (inode->store && first <= last) {
		uintptr_t token = inode_lock(inode);

		take(inode, &first, last, &c);
		inode_unlock(inode, token);
		nr += release(pagecache_of(inode->q), &c);
	}
	return nr;
}

/*
 * One step of the hand. Return: whether it has come round, or there is nothing to go round. Locks:
 * C
 */
static bool step(struct pagecache *pc, struct catch *c)
{
	struct quire_inode *inode = pc->hand ? pc->hand : pc->first;

	if (!inode)
		return true;
	uint64_t last = UINT64_MAX - 1; /* no file has such a page */

	if (inode->store) {
		lock_take(&inode->lock);
		take(inode, &pc->hand_index, last, c);
		lock_drop(&inode->lock);
	}
	if (inode->store && pc->hand_index <= last) {
		pc->hand = inode;
		return false;
	}
	pc->hand = inode->next;
	pc->hand_index = 0;
	return !pc->hand;
}

uint64_t shrink_reclaim(struct quire *q, struct tier *tier, quire_gfp_t gfp)
{
	struct pagecache *pc = (struct pagecache *)(void *)tier;
	struct catch c = { .hard = false };
	uint64_t nr = 0;
	unsigned rounds = 0;

	(void)q;
	(void)gfp;
	/*
	 * Once to the end, once for what was used, and once more over what lies before the start.
	 */
	while (nr < GOAL && rounds < 3) {
		uintptr_t token = pagecache_lock(pc);

		rounds += step(pc, &c);
		pagecache_unlock(pc, token);
		nr += release(pc, &c);
	}
	return nr;
}

uint64_t quire_pagecache_drop(struct quire *q)
{
	struct pagecache *pc = pagecache_of(q);
	uint64_t nr = 0;

	for (struct quire_inode *inode = pc ? pagecache_next_inode(pc, NULL) : NULL; inode;
	     inode = pagecache_next_inode(pc, inode))
		nr += shrink_range(inode, 0, UINT64_MAX - 1);
	return nr;
}
