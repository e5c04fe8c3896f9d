/* SPDX-License-Identifier: MIT */
/*
 * hugefile.h - files of huge pages: hugetlbfs, as memfd and MAP_HUGETLB need it
 *
 * A file of memory alone whose pages are huge ones of the pool. Its tree (inode->pages) stays
 * empty; it has one of its own, by huge page, in which a place is a hole, a page, or a promise: a
 * page that the pool has reserved for whoever touches it first.
 *
 *   slots    [ page ][ promise ][   ][ page ] …
 *   touch       it      a page,   a page, if the pool has one that is nobody's
 *                     for sure
 *
 * Also private areas of such memory have a file behind: it knows who maps what (inode->maps), so
 * their pages are found as those of files are, and are the file's (page->private) without being in
 * it.
 *
 * Everything here wants R (inode->rw) held for writing, unless it says otherwise: faults hold it,
 * too, so that two of them never want one page.
 */
#ifndef CACHE_HUGEFILE_H
#define CACHE_HUGEFILE_H

#include "cache/hugepool.h"
#include "cache/inode.h"

/** struct hugefile - what such an inode has besides */
struct hugefile {
	struct radix_root slots; /* by huge page: its frame, or HUGEFILE_PROMISE (R and P) */
	uint64_t nr_pages;       /* (R and P) */
	uint64_t nr_promised;    /* (R and P) */
};

/* The pool has reserved a page for that place. */
#define HUGEFILE_PROMISE ((void *)1)

/** hugefile_is - is it a file of huge pages? */
static inline bool hugefile_is(const struct quire_inode *inode)
{
	return inode->huge != NULL;
}

/** hugefile_index - the huge page that a page of 4 KB of the file is in */
static inline uint64_t hugefile_index(const struct quire_inode *inode, uint64_t index)
{
	return index >> hugepool_order(inode->q);
}

/** hugefile_create - quire_inode_create for one. Return: likewise. Locks: none */
int hugefile_create(struct quire *q, const struct quire_inode_args *args, struct quire_inode **out);

/** hugefile_end - all its pages and promises go: nobody has the inode any more */
void hugefile_end(struct quire_inode *inode);

/** hugefile_find - the page at a place, its first frame; NULL: none. Locks: R for reading */
struct quire_page *hugefile_find(const struct quire_inode *inode, uint64_t n);

/**
 * hugefile_promise - reserve what is lacking of [first, end)
 *
 * Return: 0; -QUIRE_ENOMEM: then nothing has changed
 */
int hugefile_promise(struct quire_inode *inode, uint64_t first, uint64_t end);

/**
 * hugefile_fill - the page at a place, made of zeros if there is none
 * @inode: the file
 * @n:     place
 * @out:   its first frame; the reference is the file's
 *
 * Return: 0; -QUIRE_ENOSPC if the pool has none; -QUIRE_ENOMEM for want of anything else
 */
int hugefile_fill(struct quire_inode *inode, uint64_t n, struct quire_page **out);

/** hugefile_private - a page of the pool becomes an area's own, at a place of the file */
void hugefile_private(struct quire_inode *inode, struct quire_page *page, uint64_t n);

/** hugefile_has - is it in its file? Else it is private */
static inline bool hugefile_has(const struct quire *q, const struct quire_page *page)
{
	return relaxed_load(&use_of(q, page)->flags) & USE_MEMORY;
}

/** hugefile_read - copy from one page of 4 KB, zeros of a hole. Locks: R for reading */
int hugefile_read(struct quire_inode *inode, uint64_t offset, void *buf, size_t n);

/** hugefile_truncate - as quire_file_truncate. Return: also -QUIRE_EINVAL for a part of a page */
int hugefile_truncate(struct quire_inode *inode, uint64_t bytes);

/** hugefile_allocate - as quire_file_allocate. Return: also -QUIRE_ENOSPC */
int hugefile_allocate(struct quire_inode *inode, unsigned mode, uint64_t offset, uint64_t end);

/** hugefile_check - the rules of one, as quire_check. *@promised grows by its promises */
bool hugefile_check(const struct quire_inode *inode, uint64_t *promised,
		    struct quire_violation *out);

/** hugefile_hash - its state. Return: the new hash */
uint64_t hugefile_hash(const struct quire_inode *inode, uint64_t hash);

#endif
