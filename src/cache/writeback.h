/* SPDX-License-Identifier: MIT */
/*
 * writeback.h - dirty pages to the store
 */
#ifndef CACHE_WRITEBACK_H
#define CACHE_WRITEBACK_H

#include "cache/inode.h"

/**
 * writeback_range - write the dirty pages of a range, runs of them in one call of the store
 * @inode: any; one without store has nothing to write
 * @first: page
 * @last:  page, included
 *
 * Each page loses its mappings' right to write first. What can't be written stays dirty, and the
 * error is kept for quire_file_sync; what comes behind it is written all the same.
 *
 * Return: 0; the first error
 * Locks:  takes W, and R for reading for each run
 */
int writeback_range(struct quire_inode *inode, uint64_t first, uint64_t last);

/** writeback_safe - the store makes safe what was written. Return: 0; its error */
int writeback_safe(struct quire_inode *inode);

/** writeback_all - all of them, and the store makes them safe. Return: 0; the first error */
int writeback_all(struct quire_inode *inode);

#endif
