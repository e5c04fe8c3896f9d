/* SPDX-License-Identifier: MIT */
/*
 * vma.h - struct vma: one area of an address space
 *
 * The areas of an address space are the ranges of mm->areas (core/tree.h), so they are disjoint, in
 * order, and gaps are found in logarithmic time. Two neighbours that are alike are one area: the
 * same flags, the same file, pages of the file that follow each other, anonymous memory that can be
 * one (anon.h).
 */
#ifndef VM_VMA_H
#define VM_VMA_H

#include <quire/mm.h>

#include "core/interval.h"
#include "core/lock.h"
#include "core/tree.h"

struct anon;
struct hugetlb_resv;

/** struct vma - one area; fields are constant but under mm->sem held for writing (S) */
struct vma {
	uint64_t start, end;        /* [start, end), page aligned */
	struct quire_mm *mm;
	uint32_t flags;             /* QUIRE_VM_… */
	quire_pte_t pte;            /* rights of its entries; no RW where writes are noticed */
	struct quire_file *file;    /* NULL: anonymous. Referenced. */
	uint64_t pgoff;             /* page of the file at start; of anonymous memory its address
				     * when it was made, >> 12: a frame keeps its index when
				     * the area moves */
	struct anon *_Atomic anon;  /* its private frames' (anon.h); NULL: none yet. S, or set
				     * once under mm->anon_lock by a fault */
	union {
		struct {
			struct vma *anon_next, *anon_prev; /* areas of the same anon (A) */
		};
		struct {
			struct hugetlb_resv *resv; /* promises (hugetlb.h); NULL: none (S) */
			bool lost; /* a page was taken from it: SIGBUS (R of its file) */
		} huge; /* with QUIRE_VM_HUGETLB: it has no anon */
	};
	struct interval maps;       /* in file's inode->maps (M) */
	_Atomic bool touched;       /* it may have entries (VMA-6): a fault brought one, or a part
				     * of it came from an area that is. S, or set by a fault */
};

_Static_assert(sizeof(struct vma) <= 128, "an area's record is two cache lines");

/** vma_touch - it gets an entry. Locks: S, for reading at least */
static inline void vma_touch(struct vma *vma)
{
	/* Not written again and again by processors that fault side by side. */
	if (!relaxed_load(&vma->touched))
		relaxed_store(&vma->touched, true);
}

/** vma_pages - its size */
static inline uint64_t vma_pages(const struct vma *vma)
{
	return (vma->end - vma->start) >> QUIRE_PAGE_SHIFT;
}

/** vma_index - page of the file, or of the anonymous memory, at an address in it */
static inline uint64_t vma_index(const struct vma *vma, uint64_t address)
{
	return ((address - vma->start) >> QUIRE_PAGE_SHIFT) + vma->pgoff;
}

#define VMA_NOWHERE UINT64_MAX

/** vma_address - where a page of the file or memory is in it. Return: VMA_NOWHERE if it is not */
static inline uint64_t vma_address(const struct vma *vma, uint64_t index)
{
	return index >= vma->pgoff && index - vma->pgoff < vma_pages(vma)
		       ? vma->start + ((index - vma->pgoff) << QUIRE_PAGE_SHIFT)
		       : VMA_NOWHERE;
}

/** vma_find - the area that has an address. NULL: none. Locks: mm->sem */
struct vma *vma_find(const struct quire_mm *mm, uint64_t address);

/** vma_next - the first area that ends above an address. NULL: none. Locks: mm->sem */
struct vma *vma_next(const struct quire_mm *mm, uint64_t address);

/** vma_prev - the last area that ends at or below an address. NULL: none. Locks: mm->sem */
struct vma *vma_prev(const struct quire_mm *mm, uint64_t address);

/*
 * Records are had before anything is changed; what was not used goes back.
 */
#define VMA_ROOM 4

/** struct vma_room - records for areas to come; mm->areas has the nodes */
struct vma_room {
	struct vma *vma[VMA_ROOM];
	unsigned nr;
};

/**
 * vma_room_get - have records and tree nodes for some insertions
 * @mm:   the address space
 * @room: zeroed
 * @nr:   how many areas may come, VMA_ROOM at most
 *
 * Return: 0; -QUIRE_ENOMEM, and then there are none. Locks: mm->sem for writing
 */
int vma_room_get(struct quire_mm *mm, struct vma_room *room, unsigned nr);

/** vma_room_put - give back what was not used. Locks: likewise */
void vma_room_put(struct quire_mm *mm, struct vma_room *room);

/** vma_nodes_put - keep no more unused tree nodes than @keep. Locks: likewise */
void vma_nodes_put(struct quire_mm *mm, uint32_t keep);

/**
 * vma_like - a record with another area's range, flags, rights, file and pgoff
 * @room: has one
 * @mm:   of the new one
 * @from: the other one
 *
 * Not linked, without anon; a file is referenced once more.
 */
struct vma *vma_like(struct vma_room *room, struct quire_mm *mm, const struct vma *from);

/**
 * vma_link - put an area into its mm's tree and its file's maps
 *
 * Its addresses are free, and nodes were had. Counts are the caller's (account.h). Locks: mm->sem
 * for writing; takes M
 */
void vma_link(struct vma *vma);

/**
 * vma_unlink - take an area out of them and of its anon, and free it
 *
 * Its entries are gone. Counts are the caller's. Locks: mm->sem for writing; takes M, A
 */
void vma_unlink(struct vma *vma);

/**
 * vma_resize - move an area's ends; grows into free addresses only (a stack, brk, mremap)
 * @vma:   the area
 * @start: new start; pgoff follows
 * @end:   new end
 *
 * Never fails. Locks: mm->sem for writing; takes M and A
 */
void vma_resize(struct vma *vma, uint64_t start, uint64_t end);

/**
 * vma_split - make an area two
 * @vma:     becomes the lower one
 * @address: in it, page aligned, not its start
 * @room:    has one record, and nodes
 *
 * Return: the upper one. Locks: mm->sem for writing; takes M and A
 */
struct vma *vma_split(struct vma *vma, uint64_t address, struct vma_room *room);

/** vma_joins - could two be one area, the lower first? Neither need be linked */
bool vma_joins(const struct vma *lower, const struct vma *upper);

/** vma_join - make an area one with its neighbours where it is like them. Return: the one */
struct vma *vma_join(struct vma *vma);

/**
 * vma_extend - let neighbours have free addresses, if they are like what is to come there
 * @like: start, end, flags, file, pgoff, mm of it; not linked
 *
 * Return: the area that has them now; NULL if there is none, and nothing has changed. Counts are
 *         the caller's. Locks: mm->sem for writing; takes M and A
 */
struct vma *vma_extend(const struct vma *like);

/** struct vma_spot - a gap between areas */
struct vma_spot {
	uint64_t below;       /* where the area below it ends; 0: there is none */
	struct vma *next;     /* the area above it; NULL: there is none */
	struct tree_cursor c; /* in it */
};

/** vma_around - what is around the gap at the cursor. Locks: mm->sem */
static inline void vma_around(const struct tree_root *areas, struct vma_spot *spot)
{
	spot->below = tree_below(&spot->c);
	spot->next = tree_above(areas, &spot->c);
}

/** vma_spot - the gap that @address is in. Locks: mm->sem */
void vma_spot(const struct quire_mm *mm, uint64_t address, struct vma_spot *out);

/**
 * vma_add - an area at free addresses: a neighbour's part, or one of its own
 * @like: as vma_extend
 * @spot: the gap that has them; not valid after
 *
 * Return: the area that has them; NULL if there is no memory, and nothing has changed. Counts are
 * the
 *         caller's. Locks: mm->sem for writing; takes M and A
 */
struct vma *vma_add(const struct vma *like, struct vma_spot *spot);

/**
 * vma_add_fresh - vma_add of private anonymous memory
 * @mm:    the address space
 * @start: of the area
 * @end:   likewise
 * @flags: QUIRE_VM_…
 * @spot:  the gap that has it; not valid after
 *
 * Return: as vma_add. Locks: likewise
 */
struct vma *vma_add_fresh(struct quire_mm *mm, uint64_t start, uint64_t end, uint32_t flags,
			  struct vma_spot *spot);

/** vma_drop - the rest of vma_unlink, once it is out of the tree */
void vma_drop(struct vma *vma);

/** struct vma_change - what becomes of a part of an area, or all of it */
struct vma_change {
	uint64_t start, end; /* in it */
	uint32_t flags;
};

/**
 * vma_modify - give a part of an area other flags
 * @vma:    the area
 * @change: the part, its new flags
 * @room:   has two records, and nodes
 *
 * Splits the area where the part ends, unless the part becomes one with a neighbour:
 *
 *      before           all of V       front of V      back of V       inside
 *    [ P ][ V ][ N ]    [ P      N ]   [ P  ][ V ]     [ V ][ N  ]     [ V ][ C ][ V ]
 *                       [ P    ][ N ]  [ C ][ V ]      [ V ][ C ]
 *                       [ P ][    N ]
 *                       [ P ][ C ][ N ]
 *
 * Changes the mm's counts; page tables are the caller's.
 *
 * Return: the area that has the part; NULL if the mm would have more than max_map_count areas
 * Locks:  mm->sem for writing; takes M and A
 */
struct vma *vma_modify(struct vma *vma, const struct vma_change *change, struct vma_room *room);

/** vma_set_flags - flags, and the rights that follow from them. Locks: mm->sem for writing */
void vma_set_flags(struct vma *vma, uint32_t flags);

#endif
