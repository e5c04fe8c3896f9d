/* SPDX-License-Identifier: MIT */
/*
 * ahead.h - readahead: what is read before anybody asks
 *
 * A file that is read in order has a window of pages that were read at once. One of them is marked
 * (USE_AHEAD): when a reader comes to it, the next window is read, twice as large. The reader does
 * not come to a page that is not there any more.
 *
 *   read 0      [0 1'2 3]                              ' marked
 *   read 1               [4' 5 6 7 8 9 10 11]
 *   read 4                                    [12' … 27]
 *   read 12                                              [28' … 59]
 *   …                                                            32 pages at the most
 *
 * A read somewhere else is met with what it asks for alone, or if more than that is in memory in
 * front of it, with about as much: somebody reads in order. A fault brings what lies around it,
 * because programs jump; after many that did not help it stops.
 *
 * Source: Wu, Xi, Xu, On the Design of a New Linux Readahead Framework, 2008; posix_fadvise(2)
 */
#ifndef CACHE_AHEAD_H
#define CACHE_AHEAD_H

#include <quire/file.h>

/* Pages of a window at most: 128 KB; twice as many after QUIRE_FADV_SEQUENTIAL. */
#define AHEAD_MAX 32u

/** struct ahead - how a file has been read */
struct ahead {
	uint64_t start;  /* first page of the newest window */
	uint32_t size;   /* its pages; 0: none yet */
	uint32_t async;  /* pages of it behind the mark, the marked one included */
	uint64_t next;   /* the page after the last one read */
	uint32_t misses; /* faults that found nothing read ahead, less those that did */
};

/**
 * ahead_miss - a page that is read is not there: read its window
 * @file:  opened
 * @index: page
 * @nr:    pages that are asked for from it on
 *
 * Brings what it can; whoever needs the page looks again. Locks: R for reading
 */
void ahead_miss(struct quire_file *file, uint64_t index, uint64_t nr);

/** ahead_fault - likewise for a fault. @advice, @code: as of pagecache_load */
void ahead_fault(struct quire_file *file, uint64_t index, enum quire_fadvise advice, uint64_t code);

/** ahead_hit - a reader has come to the marked page: read the next window. Locks: R for reading */
void ahead_hit(struct quire_file *file, uint64_t index, uint64_t nr);

/** ahead_range - read what is not there of [first, first + nr). Locks: R for reading */
void ahead_range(struct quire_inode *inode, uint64_t first, uint64_t nr);

/**
 * ahead_one - read one page that is needed
 * @inode: with a store
 * @index: page
 * @out:   as of pagecache_get
 *
 * Return: 0; -QUIRE_EEXIST: it is there by now; -QUIRE_EIO; -QUIRE_ENOMEM
 * Locks:  R
 */
int ahead_one(struct quire_inode *inode, uint64_t index, struct quire_page **out);

#endif
