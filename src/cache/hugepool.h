/* SPDX-License-Identifier: MIT */
/*
 * hugepool.h - the pool of huge pages: Linux's hugetlb
 *
 * Huge pages are set aside before anybody wants them, because later there may be no block that
 * large. Who maps some has them promised at once (reserved), and takes them one by one at the first
 * touch.
 *
 *      ┌───────────────── nr ─────────────────┐
 *      │ in use │  free: reserved │ nobody's  │     of nr, nr_surplus go back to the zones as
 *      └────────┴─────────────────┴───────────┘     soon as they are free; nr - nr_surplus stay
 *
 * A huge page is a compound block of QUIRE_OWNER_HUGETLB, what a large leaf maps. Its first frame
 * counts for all: references, entries that map it (use_mapcount), index and flags (struct use); its
 * private word is the file that knows where it is mapped, or while it is free the next one.
 *
 * Source: Linux's Documentation/admin-guide/mm/hugetlbpage.rst, mm/hugetlbfs_reserv.rst
 */
#ifndef CACHE_HUGEPOOL_H
#define CACHE_HUGEPOOL_H

#include "arch/format.h"
#include "phys/use.h"

/** struct hugepool - a machine's */
struct hugepool {
	struct lock lock;            /* (U) */
	struct quire_page *free;     /* the next to be taken (U) */
	uint64_t nr, nr_free;        /* (U) */
	uint64_t nr_reserved;        /* of those free, promised (U) */
	uint64_t nr_surplus;         /* of all, beyond what nr_hugepages says (U) */
	uint64_t nr_overcommit;      /* how many of those there may be (U) */
};

/** hugepool_order - log2 of a huge page in frames */
static inline unsigned hugepool_order(const struct quire *q)
{
	return format_of(q->config.machine)->level[1].shift - QUIRE_PAGE_SHIFT;
}

/** hugepool_bytes - the size of a huge page */
static inline uint64_t hugepool_bytes(const struct quire *q)
{
	return (uint64_t)QUIRE_PAGE_SIZE << hugepool_order(q);
}

/** hugepool_end - give all back: nobody has one any more */
void hugepool_end(struct quire *q);

/**
 * hugepool_resize - vm.nr_hugepages: have so many huge pages that stay
 * @q:  the machine
 * @nr: how many
 *
 * Grows as far as blocks can be had. What is in use or reserved beyond @nr becomes surplus.
 */
void hugepool_resize(struct quire *q, uint64_t nr);

/** hugepool_overcommit - vm.nr_overcommit_hugepages: how many surplus pages there may be */
void hugepool_overcommit(struct quire *q, uint64_t nr);

/** struct hugepool_stat - the pool in numbers */
struct hugepool_stat {
	uint64_t nr, nr_free, nr_reserved, nr_surplus, nr_overcommit;
};

/** hugepool_stat - count it */
void hugepool_stat(struct quire *q, struct hugepool_stat *out);

/**
 * hugepool_reserve - promise free huge pages
 * @q:  the machine
 * @nr: how many more
 *
 * What the pool lacks comes as surplus, if there may be so many. Return: 0; -QUIRE_ENOMEM
 */
int hugepool_reserve(struct quire *q, uint64_t nr);

/** hugepool_unreserve - take promises back; surplus that nobody needs any more goes */
void hugepool_unreserve(struct quire *q, uint64_t nr);

/**
 * hugepool_take - take a huge page
 * @q:        the machine
 * @reserved: it was promised
 *
 * Return: its first frame, one reference, contents undefined; NULL: there is none, which can't be
 *         if it was promised
 */
struct quire_page *hugepool_take(struct quire *q, bool reserved);

/**
 * hugepool_put - drop a reference; the last one gives the page back
 * @q:    the machine
 * @page: its first frame
 * @keep: promise a free one, if there is one now that was not
 *
 * Return: whether one is promised. Locks: takes U; TLBs have been flushed
 */
bool hugepool_put(struct quire *q, struct quire_page *page, bool keep);

/** hugepool_zero - fill with zeros. Return: 0; the port's error */
int hugepool_zero(struct quire *q, struct quire_page *page);

/** hugepool_copy - copy contents. Return: as quire_page_write */
int hugepool_copy(struct quire *q, struct quire_page *to, struct quire_page *from);

/** hugepool_frame - the @n-th frame of a huge page */
struct quire_page *hugepool_frame(const struct quire *q, const struct quire_page *page, uint64_t n);

/** hugepool_check - HUGETLB-1 and HUGETLB-2 as far as the pool goes. As quire_check */
bool hugepool_check(struct quire *q, struct quire_violation *out);

/** hugepool_hash - its state. Return: the new hash */
uint64_t hugepool_hash(const struct quire *q, uint64_t hash);

#endif
