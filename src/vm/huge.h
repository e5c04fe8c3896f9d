/* SPDX-License-Identifier: MIT */
/*
 * huge.h - transparent huge pages: many frames of anonymous memory behind one entry
 *
 * A huge page is a block of ordinary anonymous frames, each with its own counts, that one large
 * leaf maps (pgtable/user.h). So a split is a change of one entry, and no frame notices. The page
 * of zeros has a huge one, too, whose leaves hold no references.
 *
 * All of this is for areas that are not VM_HUGETLB.
 */
#ifndef VM_HUGE_H
#define VM_HUGE_H

#include "pgtable/user.h"
#include "vm/mm.h"

/** huge_frames - frames of a huge page */
static inline unsigned huge_frames(const struct quire_table *t)
{
	return 1u << (t->leaf_shift - QUIRE_PAGE_SHIFT);
}

/** huge_any - has the process ever had one? Locks: S; for what changes entries */
static inline bool huge_any(const struct quire_mm *mm)
{
	return relaxed_load(&mm->has_huge);
}

/** huge_wanted - is the area to have huge pages, by sysctl and advice? */
static inline bool huge_wanted(const struct vma *vma)
{
	enum quire_thp enabled = vm_of(vma->mm->q)->sysctl.transparent_huge;

	if (likely(!(vma->flags & QUIRE_VM_HUGEPAGE)) && likely(enabled != QUIRE_THP_ALWAYS))
		return false;
	return enabled != QUIRE_THP_NEVER &&
	       !(vma->flags & (QUIRE_VM_NOHUGEPAGE | QUIRE_VM_HUGETLB | QUIRE_VM_SHARED)) &&
	       !vma->file;
}

/** huge_fits - does the huge page of an address lie in its area? */
static inline bool huge_fits(const struct vma *vma, uint64_t address)
{
	uint64_t bytes = user_large_bytes(vma->mm->table), start = address & ~(bytes - 1);

	return start >= vma->start && vma->end - start >= bytes;
}

/** huge_event - count one */
static inline void huge_event(const struct quire *q, enum quire_thp_event event)
{
	atomic_fetch_add_explicit(&vm_of(q)->thp[event], 1, memory_order_relaxed);
}

/** huge_is_zero - does a large leaf map the huge page of zeros? */
static inline bool huge_is_zero(const struct quire_table *t, uint64_t entry)
{
	const struct quire_page *zero = acquire_load(&vm_of(t->q)->huge_zero);

	return zero && frames_pfn(&t->q->frames, frames_index(&t->q->frames, zero)) ==
			       user_large_phys(t, entry) >> QUIRE_PAGE_SHIFT;
}

/**
 * huge_part - the entry that a page table would have where a large leaf is
 * @t:    a process's table
 * @leaf: the leaf
 * @i:    index of the page in it
 *
 * Of the huge page of zeros it is the small one.
 */
uint64_t huge_part(const struct quire_table *t, uint64_t leaf, unsigned i);

/** huge_look - user_look, but for the page of zeros as huge_part. Locks: T */
uint64_t huge_look(struct quire_table *t, uint64_t virt);

/** huge_alloc - a block for a huge page, contents undefined. @gfp: more. NULL: there is none */
struct quire_page *huge_alloc(const struct quire_table *t, quire_gfp_t gfp);

/** huge_zero - the huge page of zeros; made at its first use. NULL: there is no block */
struct quire_page *huge_zero(const struct quire_table *t);

/**
 * huge_own - a block becomes frames of an area, each mapped once
 * @vma:   has an anon
 * @start: where its first frame is mapped
 * @page:  by huge_alloc
 *
 * Counts it but for the process's resident pages. Locks: T
 */
void huge_own(const struct vma *vma, uint64_t start, struct quire_page *page);

/** huge_split - a large leaf becomes a page table. Never fails. Locks: T */
void huge_split(struct quire_table *t, const struct large *large, struct quire_tlb *tlb);

/** huge_border - an area is to begin or end there: no huge page goes across. Locks: S, to write */
void huge_border(struct quire_mm *mm, uint64_t address);

/**
 * huge_zap - zap_range for huge pages; those that lie in the range in part are split
 *
 * Page tables are left to the caller, those of the split ones too. Locks: as zap_range
 */
void huge_zap(struct vma *vma, uint64_t start, uint64_t end);

/** huge_protect - zap_protect for huge pages. Locks: T */
void huge_protect(struct vma *vma, uint64_t start, uint64_t end, struct quire_tlb *tlb);

/**
 * huge_unmark - take marks from the huge pages of a range that are the process's alone
 * @vma:   the area
 * @start: page aligned
 * @end:   likewise
 * @lazy:  the frames may go while they are clean; else they grow old only
 * @tlb:   of the table
 *
 * Those that lie in the range in part are split. As in Linux others' are left alone. Locks: T
 */
void huge_unmark(struct vma *vma, uint64_t start, uint64_t end, bool lazy, struct quire_tlb *tlb);

/** huge_copy - zap_copy for huge pages. Return: 0; -QUIRE_ENOMEM. Locks: S of both for writing */
int huge_copy(struct vma *to, struct vma *from);

/** huge_cut - split what can't be moved whole, from a range to @to. Locks: T */
void huge_cut(struct quire_table *t, struct span from, uint64_t to, struct quire_tlb *tlb);

/** huge_move_need - tables that the new place may lack for those that are moved. Locks: T */
uint32_t huge_move_need(const struct quire_table *t, struct span from, uint64_t to);

/** huge_move - move the huge pages of a range; huge_cut was there. Locks: T */
void huge_move(struct quire_table *t, struct span from, uint64_t to, struct stock *stock,
	       struct quire_tlb *tlb);

#endif
