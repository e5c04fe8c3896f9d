/* SPDX-License-Identifier: MIT */
/*
 * hugetlb.h - areas of huge pages: MAP_HUGETLB, and memfds of huge pages
 *
 * Such an area has a file of huge pages behind (cache/hugefile.h), an anonymous one its own. It
 * begins and ends at huge pages, is mapped by large leaves alone, which are never split, and
 * is never one with a neighbour (Linux's VM_SPECIAL). Its pages count for no RLIMIT of memory, in
 * no resident size, in no promise of Committed_AS.
 *
 *   shared    pages are the file's; the pool's promises are, too (hugefile_promise)
 *   private   a page is the area's own as soon as it is read or written, unless the file has one,
 *             which is copied at the first write. What the pool has promised is the area's: a bit
 *             for each page that was not taken yet. A child of fork has no promises: it takes
 *             what is nobody's, or gets SIGBUS
 *
 * R, the file's inode->rw, is held for writing by all that takes, gives, maps or unmaps one.
 *
 * Source: mmap(2), Linux's Documentation/admin-guide/mm/hugetlbpage.rst, mm/hugetlbfs_reserv.rst
 */
#ifndef VM_HUGETLB_H
#define VM_HUGETLB_H

#include "cache/hugefile.h"
#include "vm/fault.h"

/** struct hugetlb_resv - what is promised to a private area, and to those it was split into */
struct hugetlb_resv {
	uint64_t users;   /* areas, of one mm (S) */
	uint64_t first;   /* huge page of the file; constant */
	uint64_t nr;      /* how many; constant */
	uint64_t bits[];  /* promised, and not taken (R) */
};

/** hugetlb_is - is it an area of huge pages? */
static inline bool hugetlb_is(const struct vma *vma)
{
	return vma->flags & QUIRE_VM_HUGETLB;
}

/** hugetlb_fits - may an area be changed from @start to @end: are these its huge pages' borders? */
static inline bool hugetlb_fits(const struct vma *vma, uint64_t start, uint64_t end)
{
	return likely(!hugetlb_is(vma)) ||
	       !((start | end) & (hugepool_bytes(vma->mm->q) - 1));
}

/** hugetlb_shared - are its pages the file's? */
static inline bool hugetlb_shared(const struct vma *vma)
{
	return vma->flags & QUIRE_VM_MAYSHARE;
}

/** hugetlb_index - the huge page of the file at an address */
static inline uint64_t hugetlb_index(const struct vma *vma, uint64_t address)
{
	return vma_index(vma, address) >> hugepool_order(vma->mm->q);
}

/**
 * hugetlb_memory - the file behind an anonymous area that is to come
 * @mm:    of the area
 * @bytes: whole huge pages
 * @out:   open, one reference
 *
 * Return: 0; -QUIRE_ENOMEM
 */
int hugetlb_memory(struct quire_mm *mm, uint64_t bytes, struct quire_file **out);

/**
 * hugetlb_reserve - have huge pages promised to an area that is to come
 * @like: start, end, flags, file, pgoff of it
 * @out:  for like->huge.resv; NULL: it has none of its own
 *
 * With VM_NORESERVE nothing is promised. A file that may be written becomes as long as the area.
 *
 * Return: 0; -QUIRE_ENOMEM: then nothing has changed. Locks: S for writing; takes R
 */
int hugetlb_reserve(const struct vma *like, struct hugetlb_resv **out);

/** hugetlb_split - the upper part of an area that is split has the same promises. Locks: S */
void hugetlb_split(struct vma *upper, const struct vma *lower);

/** hugetlb_cut - a part of an area goes, without entries: its promises, too. Locks: S; takes R */
void hugetlb_cut(struct vma *vma, uint64_t start, uint64_t end);

/** hugetlb_close - an area goes, whole. Locks: likewise */
void hugetlb_close(struct vma *vma);

/** hugetlb_take - a page of the pool for a private area, promised or not. Locks: R. NULL: none */
struct quire_page *hugetlb_take(struct vma *vma, uint64_t n);

/** hugetlb_give - drop a reference; what was private is promised again, if it can be. Locks: R */
void hugetlb_give(struct vma *vma, struct quire_page *page);

/** hugetlb_promised - how many bits of an area are set. Locks: R, or nobody else is there */
uint64_t hugetlb_promised(const struct vma *vma);

/**
 * hugetlb_hand_over - the promises of a part of an area become another one's: mremap
 * @from: the area
 * @to:   the new place of a part of it, whole, same pages; without promises yet
 * @resv: by hugetlb_resv_get for as many; NULL if @from has none
 *
 * Locks: S for writing, R
 */
void hugetlb_hand_over(struct vma *from, struct vma *to, struct hugetlb_resv *resv);

/** hugetlb_resv_get - a record without promises. NULL: no memory */
struct hugetlb_resv *hugetlb_resv_get(struct quire *q, uint64_t first, uint64_t nr);

/** hugetlb_fault - any fault of such an area that its rights allow. Return: as quire_mm_fault */
enum quire_fault hugetlb_fault(struct fault *f);

/* What zap.h says of ranges, for such areas. */

/** hugetlb_zap - zap_range. Locks: S; takes R */
void hugetlb_zap(struct vma *vma, uint64_t start, uint64_t end);

/** hugetlb_clear - the same, where R is held: truncate. Locks: R, M */
void hugetlb_clear(struct vma *vma, uint64_t start, uint64_t end);

/** hugetlb_protect - zap_protect */
void hugetlb_protect(struct vma *vma, uint64_t start, uint64_t end);

/** hugetlb_copy - zap_copy */
int hugetlb_copy(struct vma *to, struct vma *from);

/** struct hugetlb_part - a part of an area */
struct hugetlb_part {
	uint64_t start, bytes;
};

/** hugetlb_move - zap_move: all of @to is what @part of @from was, promises, too */
int hugetlb_move(struct vma *from, struct hugetlb_part part, struct vma *to);

/** hugetlb_check - HUGETLB-2 to HUGETLB-5. As quire_check */
bool hugetlb_check(struct quire *q, const struct vm *vm, struct quire_violation *out);

#endif
