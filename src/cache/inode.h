/* SPDX-License-Identifier: MIT */
/*
 * inode.h - struct quire_inode, and what address spaces need of the page cache
 */
#ifndef CACHE_INODE_H
#define CACHE_INODE_H

#include <quire/file.h>

#include "core/interval.h"
#include "core/sem.h"
#include "phys/use.h"

/** struct pagecache_above - what address spaces do for the page cache: filled in by src/vm */
struct pagecache_above {
	/*
	 * Clear all entries that map pages [first, first + nr) of an inode; with @private also copies
	 * that were written privately (truncate, hole punch). The inode's rw is held for writing.
	 */
	void (*unmap)(struct quire_inode *inode, uint64_t first, uint64_t nr, bool private);
	/*
	 * Take the right to write from all entries that map a page, and their dirty bits. The page
	 * is locked. Return: whether one was dirty
	 */
	bool (*clean)(struct quire *q, struct quire_page *page);
};

/** struct quire_inode - a file */
struct quire_inode {
	struct quire *q;
	struct quire_inode *next, *prev; /* all inodes (C) */
	const struct quire_store *store; /* NULL: memory alone; constant */
	void *ctx;
	struct sem rw;            /* (R) writers of size and contents alone, faults and reads as readers */
	struct lock lock;         /* (P) the radix tree, counts */
	_Atomic uint64_t bytes;   /* size; written with R held for writing */
	/* … the radix tree, counts, seals, references: the owner of this folder adds them … */

	/* Mappings: src/vm alone. */
	struct sem maps_lock;           /* (M) */
	struct interval_root maps;      /* areas that map it, by page (M) */
	uint32_t nr_writable;           /* shared areas that may write (M) */
};

/** pagecache_set_above - src/vm is set up. NULL: it ends */
void pagecache_set_above(struct quire *q, const struct pagecache_above *above);

/**
 * pagecache_find - a page if it is in memory
 * @inode: the file
 * @index: page
 *
 * Return: the frame with one more reference (pagecache_put), up to date or not; NULL
 */
struct quire_page *pagecache_find(struct quire_inode *inode, uint64_t index);

/**
 * pagecache_load - a page, read in if it is not in memory, with readahead
 * @file:  opened; its readahead state is used
 * @index: page
 * @major: set if the store was read; may be NULL
 * @out:   the frame, up to date, locked (use_unlock), with one more reference (pagecache_put)
 *
 * Return:  0; -QUIRE_EIO; -QUIRE_ENOMEM; -QUIRE_ERANGE at or beyond the end of the file
 * Context: sleeps
 */
int pagecache_load(struct quire_file *file, uint64_t index, bool *major, struct quire_page **out);

/** pagecache_put - drop a reference. A page that left the cache and that nobody has is freed */
void pagecache_put(struct quire *q, struct quire_page *page);

/** pagecache_dirty - a page is newer than the store's. Any time; the page is held */
void pagecache_dirty(struct quire *q, struct quire_page *page);

/** pagecache_ahead - read [first, first + nr) unless it is there, without waiting for anybody's use */
void pagecache_ahead(struct quire_file *file, uint64_t first, uint64_t nr);

#endif
