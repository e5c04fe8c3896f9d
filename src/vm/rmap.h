/* SPDX-License-Identifier: MIT */
/*
 * rmap.h - from a frame to all entries that map it
 */
#ifndef VM_RMAP_H
#define VM_RMAP_H

#include "cache/pagecache.h"
#include "pgtable/user.h"
#include "vm/mm.h"

/** struct rmap_entry - an entry that maps a frame */
struct rmap_entry {
	struct vma *vma;
	uint64_t address;
	struct leaf *leaf; /* its page table; NULL: a large leaf maps it, among others */
	unsigned i;        /* its place there */
};

/** struct rmap_visitor - what is done to each */
struct rmap_visitor {
	/* T is held. Return: whether TLBs have to forget the page */
	bool (*visit)(struct rmap_visitor *visitor, const struct rmap_entry *entry);
	void *ctx;
};

/**
 * rmap_walk - visit all entries that map a frame
 * @q:       the machine
 * @page:    of anonymous memory or the page cache; it stays while this goes on
 * @visitor: called for each
 *
 * TLBs are flushed where the visitor says so, entry by entry, before the return.
 *
 * Return: how many
 * Locks:  takes A or M, and T of each
 */
uint64_t rmap_walk(struct quire *q, const struct quire_page *page, struct rmap_visitor *visitor);

/** rmap_mlocked - is it mapped in an area that is locked in memory? Locks: as rmap_walk */
bool rmap_mlocked(struct quire *q, const struct quire_page *page);

/** rmap_huge - does a large leaf map it, among others? Locks: as rmap_walk */
bool rmap_huge(struct quire *q, const struct quire_page *page);

/** rmap_above - what the page cache wants of address spaces */
extern const struct pagecache_above rmap_above;

#endif
