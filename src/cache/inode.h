/* SPDX-License-Identifier: MIT */
/*
 * inode.h - struct quire_inode: a file, its pages, its mappings
 *
 * What others do with its pages: pagecache.h.
 */
#ifndef CACHE_INODE_H
#define CACHE_INODE_H

#include <quire/file.h>
#include <quire/port.h>

#include "core/interval.h"
#include "core/radix.h"
#include "core/sem.h"
#include "phys/use.h"

/* Bytes of a file at most, as Linux's: its pages have numbers of 51 bits (struct use). */
#define INODE_BYTES_MAX ((uint64_t)INT64_MAX)

struct hugefile;

/** struct quire_inode - a file */
struct quire_inode {
	struct quire *q;
	struct quire_inode *next, *prev; /* all inodes, in order of creation (C) */
	const struct quire_store *store; /* NULL: memory alone; constant */
	void *ctx;                       /* of the store's functions; constant */
	struct hugefile *huge;           /* of huge pages (hugefile.h); NULL: of 4 KB; constant */
	uint64_t kept;                   /* page before which fallocate may have put some behind
					  * the end; 0: none (R for writing) */
	uint64_t promised;               /* pages of memory that it may have whatever it has,
					  * from inode_promise on; 0: those that it has */
	uint64_t ino;
	uint32_t dev_major, dev_minor;
	_Atomic uint32_t users;          /* references */

	struct sem flush;                /* (W) one write-back of it at a time */
	struct sem rw;                   /* (R) writers: size and contents by calls; readers: what
					  * brings pages in, reads, writes back */
	struct lock lock;                /* (P) */
	uint64_t bytes;                  /* size (R for writing and P, to read it R or P) */
	int error;                       /* of a write-back, not told yet (P) */
	struct radix_root pages;         /* struct quire_page by index; tagged: dirty (P) */
	uint64_t nr_dirty, nr_writeback; /* (P) */
	uint64_t nr_reads, nr_ahead, nr_writes; /* (P) */

	/* Mappings: src/vm, and seals, which forbid some. */
	struct sem maps_lock;            /* (M) */
	struct interval_root maps;       /* areas that map it, by page (M) */
	uint32_t nr_writable;            /* shared areas that may write, now or later (M) */
	_Atomic uint32_t seals;          /* QUIRE_SEAL_…; changed with M and R held for writing */
	bool executable;                 /* its mode has x bits, for QUIRE_SEAL_EXEC; constant */
};

/** inode_lock - take P. Return: for inode_unlock */
static inline uintptr_t inode_lock(struct quire_inode *inode)
	LOCK_ATTRIBUTE(acquire_capability(inode->lock))
{
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&inode->lock);
	return token;
}

/** inode_unlock - let go of P */
static inline void inode_unlock(struct quire_inode *inode, uintptr_t token)
	LOCK_ATTRIBUTE(release_capability(inode->lock))
{
	lock_drop(&inode->lock);
	quire_port_cpu_leave(token);
}

/** inode_pages - pages that a size takes */
static inline uint64_t inode_pages(uint64_t bytes)
{
	return (bytes + QUIRE_PAGE_SIZE - 1) >> QUIRE_PAGE_SHIFT;
}

/** inode_set_bytes - it has another size. Locks: R for writing; takes P */
static inline void inode_set_bytes(struct quire_inode *inode, uint64_t bytes)
{
	uintptr_t token = inode_lock(inode);

	inode->bytes = bytes;
	inode_unlock(inode, token);
}

/**
 * inode_trim - give nodes of the tree that are not used back to the heap
 *
 * After pages have left. Locks: takes P
 */
void inode_trim(struct quire_inode *inode);

/**
 * inode_promise - a file of memory alone may have all of its pages
 * @inode:    new: nobody else knows it, no pages
 * @nr_pages: above 0
 *
 * They count in pagecache_promised until it ends; other files' pages when they come.
 */
void inode_promise(struct quire_inode *inode, uint64_t nr_pages);

/** inode_drop_all - all pages leave, written back or not: nobody has the inode any more */
void inode_drop_all(struct quire_inode *inode);

/** inode_tryget - one more reference, unless it is ending. Locks: C. Return: whether it was had */
bool inode_tryget(struct quire_inode *inode);

#endif
