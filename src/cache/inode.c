/* SPDX-License-Identifier: MIT */
/*
 * inode.c - files: made, referenced, counted, ended
 */
#include "cache/inode.h"

#include "cache/cache.h"
#include "cache/hugefile.h"
#include "cache/truncate.h"
#include "cache/writeback.h"
#include "core/assert.h"

int quire_inode_create(struct quire *q, const struct quire_inode_args *args,
		       struct quire_inode **out)
{
	struct pagecache *pc = pagecache_of(q);

	if (!pc)
		return -QUIRE_ENODEV;
	if (args->store && !args->store->read)
		return -QUIRE_EINVAL;
	if (args->bytes > INODE_BYTES_MAX)
		return -QUIRE_EFBIG;
	struct quire_inode *inode = quire_cache_alloc(pc->inodes, QUIRE_GFP_KERNEL);

	if (!inode)
		return -QUIRE_ENOMEM;
	*inode = (struct quire_inode){
		.q = q,
		.store = args->store,
		.ctx = args->ctx,
		.ino = args->ino,
		.dev_major = args->dev_major,
		.dev_minor = args->dev_minor,
		.users = 1,
		.bytes = args->bytes,
		.seals = QUIRE_SEAL_SEAL,
		.executable = true,
	};
	uintptr_t token = pagecache_lock(pc);

	inode->prev = pc->last;
	*(pc->last ? &pc->last->next : &pc->first) = inode;
	pc->last = inode;
	pc->nr_inodes++;
	pagecache_unlock(pc, token);
	*out = inode;
	return 0;
}

void quire_inode_get(struct quire_inode *inode)
{
	atomic_fetch_add_explicit(&inode->users, 1, memory_order_relaxed);
}

bool inode_tryget(struct quire_inode *inode)
{
	uint32_t users = relaxed_load(&inode->users);

	while (users && !atomic_compare_exchange_weak_explicit(&inode->users, &users, users + 1,
							       memory_order_relaxed,
							       memory_order_relaxed))
		;
	return users != 0;
}

/* Nobody finds it any more. */
static void unlist(struct pagecache *pc, struct quire_inode *inode)
{
	uintptr_t token = pagecache_lock(pc);

	*(inode->prev ? &inode->prev->next : &pc->first) = inode->next;
	*(inode->next ? &inode->next->prev : &pc->last) = inode->prev;
	if (pc->hand == inode) {
		pc->hand = inode->next;
		pc->hand_index = 0;
	}
	pc->nr_inodes--;
	pagecache_unlock(pc, token);
}

void inode_trim(struct quire_inode *inode)
{
	struct quire_cache *nodes = pagecache_of(inode->q)->nodes;
	void *node;

	do {
		uintptr_t token = inode_lock(inode);

		node = radix_spare(&inode->pages, 0);
		inode_unlock(inode, token);
		if (node)
			quire_cache_free(nodes, node);
	} while (node);
}

void inode_promise(struct quire_inode *inode, uint64_t nr_pages)
{
	ASSERT("CACHE-8", !inode->store && !inode->promised && !inode->pages.nr);
	inode->promised = nr_pages;
	pagecache_promise(pagecache_of(inode->q), (int64_t)nr_pages);
}

void inode_drop_all(struct quire_inode *inode)
{
	truncate_remove(inode, 0, UINT64_MAX);
	inode_trim(inode);
	hugefile_end(inode);
	ASSERT("CACHE-3", !inode->pages.nr && !inode->nr_dirty && !inode->nr_writeback);
	pagecache_promise(pagecache_of(inode->q), -(int64_t)inode->promised);
}

void quire_inode_put(struct quire_inode *inode)
{
	if (!inode)
		return;
	struct pagecache *pc = pagecache_of(inode->q);

	uint32_t users = relaxed_load(&inode->users);

	/* The last one writes back while it still has it; only quire_pagecache_sync may come by. */
	do {
		if (users == 1)
			writeback_all(inode);
	} while (!atomic_compare_exchange_weak_explicit(&inode->users, &users, users - 1,
							memory_order_acq_rel,
							memory_order_relaxed));
	if (users != 1)
		return;
	unlist(pc, inode);
	inode_drop_all(inode);
	if (inode->store && inode->store->release)
		inode->store->release(inode->ctx);
	quire_cache_free(pc->inodes, inode);
}

void quire_inode_info(struct quire_inode *inode, struct quire_inode_info *out)
{
	uintptr_t token = inode_lock(inode);

	*out = (struct quire_inode_info){
		.bytes = inode->bytes,
		.nr_pages = inode->huge ? inode->huge->nr_pages << hugepool_order(inode->q)
					: inode->pages.nr,
		.nr_dirty = inode->nr_dirty,
		.nr_writeback = inode->nr_writeback,
		.nr_reads = inode->nr_reads,
		.nr_ahead = inode->nr_ahead,
		.nr_writes = inode->nr_writes,
		.dev_major = inode->dev_major,
		.dev_minor = inode->dev_minor,
		.ino = inode->ino,
		.memory = !inode->store,
		.error = inode->error,
	};
	inode_unlock(inode, token);
}
