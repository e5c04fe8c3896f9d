/* SPDX-License-Identifier: MIT */
/*
 * layout.h - where areas go
 *
 *   0 ── nothing ── text, data, bss ── heap → ···· ← mmap area ── gap ── ← stack ── task_size
 *       mmap_min_addr                              mmap_base
 *
 * With the legacy layout the mmap area begins at a third of the addresses and grows upwards.
 */
#ifndef VM_LAYOUT_H
#define VM_LAYOUT_H

#include "core/assert.h"
#include "vm/mm.h"

/** layout_page_up - the next multiple of the page size; 0 beyond the last one */
static inline uint64_t layout_page_up(uint64_t bytes)
{
	return (bytes + QUIRE_PAGE_SIZE - 1) & ~(uint64_t)(QUIRE_PAGE_SIZE - 1);
}

/** layout_below_base - the gaps where areas go top-down. Locks: mm->sem */
static inline struct tree_fit layout_below_base(const struct quire_mm *mm, uint64_t bytes)
{
	uint64_t least = vm_of(mm->q)->sysctl.mmap_min_addr;

	return (struct tree_fit){ .bytes = bytes,
				  .align = QUIRE_PAGE_SIZE,
				  .low = least > QUIRE_PAGE_SIZE ? least : QUIRE_PAGE_SIZE,
				  .high = mm->layout.mmap_base.v };
}

/** layout_setup - limits and mmap_base of a new address space, by its config */
void layout_setup(struct quire_mm *mm);

/** struct layout_request - addresses that are looked for */
struct layout_request {
	uint64_t hint;  /* page aligned unless it is FIXED; 0: none */
	uint64_t bytes; /* page aligned, not 0 */
	unsigned flags; /* QUIRE_MAP_FIXED, _32BIT */
	bool anonymous; /* no file: whole huge pages are placed as such */
	uint64_t align; /* of huge pages alone, which are of that size; 0: page aligned */
};

/** struct layout_place - addresses that were found */
struct layout_place {
	uint64_t start;
	bool at;              /* the gap is known: */
	struct vma_spot spot; /* for vma_add */
};

/**
 * layout_place - find free addresses, or see whether those wanted can be
 * @mm:  the address space
 * @req: what for
 * @out: the place; with MAP_FIXED there may be areas
 *
 * Free addresses leave out the guard gap below stacks.
 *
 * Return: 0; -QUIRE_ENOMEM if there are none, or none such; -QUIRE_EINVAL for a FIXED address that
 * is not
 *         aligned; -QUIRE_EPERM below mmap_min_addr. Locks: mm->sem for writing
 */
int layout_place(struct quire_mm *mm, const struct layout_request *req, struct layout_place *out);

/** layout_fresh_rest - layout_fresh where that is not so simple */
int layout_fresh_rest(struct quire_mm *mm, uint64_t bytes, struct vma_spot *spot, uint64_t *start);

/**
 * layout_fresh - layout_place of fresh memory, for who wishes nothing: no hint, no flag
 * @mm:    the address space, its layout top-down
 * @bytes: page aligned, not 0, no whole huge pages
 * @spot:  the gap
 * @start: in it
 *
 * Return: as layout_place. Locks: mm->sem for writing
 */
static inline int layout_fresh(struct quire_mm *mm, uint64_t bytes, struct vma_spot *spot,
			       uint64_t *start)
{
	struct tree_fit fit = layout_below_base(mm, bytes);

	if (likely(tree_gap_top(&mm->areas, &fit, &spot->c, start))) {
		vma_around(&mm->areas, spot);
		/* Else it may be too close to a stack. */
		if (likely(!spot->next || !(spot->next->flags & QUIRE_VM_GROWSDOWN)))
			return 0;
	}
	return layout_fresh_rest(mm, bytes, spot, start);
}

/** layout_guard - where an area begins for those below it: a stack with its gap */
uint64_t layout_guard(const struct vma *vma);

#endif
