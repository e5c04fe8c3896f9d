/* SPDX-License-Identifier: MIT */
/*
 * truncate.h - pages leave because the file has no such place any more
 *
 *   R for writing: no reads, no write-back, nothing is brought in
 *      │
 *      ▼
 *   size is set ──> each page: wait for its lock, out of the tree ──> mappings are cleared
 *
 * A fault that found a page before holds its lock until it has mapped it. So mappings are cleared
 * last: what was mapped until the page could be locked is seen then, and afterwards nobody finds
 * the page.
 */
#ifndef CACHE_TRUNCATE_H
#define CACHE_TRUNCATE_H

#include "cache/inode.h"

/**
 * truncate_remove - pages [first, last] leave the cache
 *
 * Locks: R for writing, or nobody has the inode
 */
void truncate_remove(struct quire_inode *inode, uint64_t first, uint64_t last);

/**
 * truncate_zero - fill a part of a page with zeros, if it is in memory
 * @inode:  the file
 * @offset: first byte
 * @bytes:  how many, within one page
 *
 * Return: 0; what quire_page_write says of this processor: then nothing has changed
 * Locks:  R for writing
 */
int truncate_zero(struct quire_inode *inode, uint64_t offset, uint64_t bytes);

/**
 * truncate_grow - a longer file
 * @inode: the file
 * @bytes: new size
 *
 * Return: 0; -QUIRE_EPERM for a seal or a store that can't; the store's error
 * Locks:  R for writing
 */
int truncate_grow(struct quire_inode *inode, uint64_t bytes);

/**
 * truncate_shrink - a shorter file, whatever its seals
 *
 * Return: 0; -QUIRE_EPERM; the store's error
 * Locks: likewise
 */
int truncate_shrink(struct quire_inode *inode, uint64_t bytes);

#endif
