/* SPDX-License-Identifier: MIT */
/*
 * madvise.c - what a program knows about its pages
 *
 * Three kinds of advice: flags of areas; pages given back or had; work on the file behind. Holes
 * are passed over, and tell at the end (-ENOMEM); an area that the advice is not for ends the call.
 *
 * Source: madvise(2), mseal(2)
 */
#include <quire/mm.h>

#include "cache/inode.h"
#include "core/assert.h"
#include "pgtable/user.h"
#include "vm/collapse.h"
#include "vm/fault.h"
#include "vm/huge.h"
#include "vm/hugetlb.h"
#include "vm/layout.h"
#include "vm/zap.h"

/** struct advise - a call */
struct advise {
	struct quire_mm *mm;
	uint64_t start, end; /* what is left of the range */
	int advice;
	struct vma_room room;
};

/** struct advise_file - work on a file, done without the address space's lock */
struct advise_file {
	struct quire_file *file; /* NULL: none; else referenced */
	uint64_t offset, bytes;
};

static bool is_known(int advice)
{
	return (advice >= QUIRE_MADV_NORMAL && advice <= QUIRE_MADV_DONTNEED) ||
	       (advice >= QUIRE_MADV_FREE && advice <= QUIRE_MADV_DOFORK) ||
	       (advice >= QUIRE_MADV_HUGEPAGE && advice <= QUIRE_MADV_POPULATE_WRITE) ||
	       advice == QUIRE_MADV_COLLAPSE;
}

/* Does it change flags of areas? */
static bool is_flags(int advice)
{
	switch (advice) {
	case QUIRE_MADV_NORMAL:
	case QUIRE_MADV_RANDOM:
	case QUIRE_MADV_SEQUENTIAL:
	case QUIRE_MADV_DONTFORK:
	case QUIRE_MADV_DOFORK:
	case QUIRE_MADV_WIPEONFORK:
	case QUIRE_MADV_KEEPONFORK:
	case QUIRE_MADV_DONTDUMP:
	case QUIRE_MADV_DODUMP:
	case QUIRE_MADV_HUGEPAGE:
	case QUIRE_MADV_NOHUGEPAGE:
		return true;
	default:
		return false;
	}
}

static bool is_file(int advice)
{
	return advice == QUIRE_MADV_WILLNEED || advice == QUIRE_MADV_REMOVE;
}

/*
 * Would contents be lost that a sealed area keeps? Those that it could write itself are not kept,
 * and what was written privately over a file isn't either.
 */
static bool is_sealed(const struct vma *vma, int advice)
{
	bool discards = advice == QUIRE_MADV_DONTNEED || advice == QUIRE_MADV_FREE ||
			advice == QUIRE_MADV_REMOVE || advice == QUIRE_MADV_DONTFORK ||
			advice == QUIRE_MADV_WIPEONFORK;

	return vma->flags & QUIRE_VM_SEALED && discards && !(vma->flags & QUIRE_VM_WRITE) &&
	       !vma->file;
}

static uint32_t flags_after(const struct vma *vma, int advice)
{
	uint32_t flags = vma->flags;

	switch (advice) {
	case QUIRE_MADV_NORMAL:
		return flags & ~(QUIRE_VM_RAND_READ | QUIRE_VM_SEQ_READ);
	case QUIRE_MADV_RANDOM:
		return (flags & ~QUIRE_VM_SEQ_READ) | QUIRE_VM_RAND_READ;
	case QUIRE_MADV_SEQUENTIAL:
		return (flags & ~QUIRE_VM_RAND_READ) | QUIRE_VM_SEQ_READ;
	case QUIRE_MADV_DONTFORK:
		return flags | QUIRE_VM_DONTCOPY;
	case QUIRE_MADV_DOFORK:
		return flags & ~QUIRE_VM_DONTCOPY;
	case QUIRE_MADV_WIPEONFORK:
		return flags | QUIRE_VM_WIPEONFORK;
	case QUIRE_MADV_KEEPONFORK:
		return flags & ~QUIRE_VM_WIPEONFORK;
	case QUIRE_MADV_DONTDUMP:
		return flags | QUIRE_VM_DONTDUMP;
	case QUIRE_MADV_DODUMP:
		return flags & ~QUIRE_VM_DONTDUMP;
	case QUIRE_MADV_HUGEPAGE:
		return (flags & ~QUIRE_VM_NOHUGEPAGE) | QUIRE_VM_HUGEPAGE;
	default: /* NOHUGEPAGE */
		return (flags & ~QUIRE_VM_HUGEPAGE) | QUIRE_VM_NOHUGEPAGE;
	}
}

/* May the area be given that advice? */
static int allow(const struct vma *vma, int advice)
{
	if (is_sealed(vma, advice))
		return -QUIRE_EPERM;
	switch (advice) {
	case QUIRE_MADV_WIPEONFORK:
		return vma->file || vma->flags & QUIRE_VM_SHARED ? -QUIRE_EINVAL : 0;
	case QUIRE_MADV_FREE:
		return vma->file || vma->flags & (QUIRE_VM_LOCKED | QUIRE_VM_SHARED) ? -QUIRE_EINVAL
										     : 0;
	case QUIRE_MADV_DONTNEED:
		return vma->flags & QUIRE_VM_LOCKED ? -QUIRE_EINVAL : 0;
	case QUIRE_MADV_COLD:
	case QUIRE_MADV_PAGEOUT:
		return vma->flags & (QUIRE_VM_LOCKED | QUIRE_VM_HUGETLB) ? -QUIRE_EINVAL : 0;
	case QUIRE_MADV_REMOVE:
		if (vma->flags & QUIRE_VM_LOCKED || !vma->file)
			return -QUIRE_EINVAL;
		return (vma->flags & (QUIRE_VM_SHARED | QUIRE_VM_MAYWRITE)) ==
				       (QUIRE_VM_SHARED | QUIRE_VM_MAYWRITE)
			       ? 0
			       : -QUIRE_EACCES;
	default:
		return 0;
	}
}

/* ---- Pages that may go, or grow old ---- */

/*
 * What nobody else maps may go, with FREE, or was not used lately: pages of files are the first to
 * go then. Return: whether the entry is to lose its marks
 */
static bool grow_old(const struct quire *q, const struct quire_page *page, bool lazy)
{
	bool alone = use_mapcount(page) == 1;

	if (lazy && alone && frames_owner(page) == QUIRE_OWNER_ANON)
		atomic_fetch_or_explicit(&use_of(q, page)->flags, USE_LAZYFREE,
					 memory_order_relaxed);
	else if (!lazy && alone && frames_owner(page) == QUIRE_OWNER_CACHE)
		atomic_fetch_and_explicit(&use_of(q, page)->flags, ~USE_REFERENCED,
					  memory_order_relaxed);
	return lazy || alone;
}

/*
 * The entries of a range lose marks: accessed, and with FREE also dirty. A frame of anonymous
 * memory that nobody else maps is marked; once it is written again its entry is dirty, and it
 * stays. Without FREE, what others map, too, is left alone.
 */
static void unmark(struct vma *vma, uint64_t start, uint64_t end, bool lazy)
{
	struct quire *q = vma->mm->q;
	struct quire_table *t = vma->mm->table;
	uint64_t marks = QUIRE_PTE_ACCESSED | (lazy ? QUIRE_PTE_DIRTY : 0u), at = start, last;
	uintptr_t token = table_enter(t);
	struct quire_tlb tlb;
	struct leaf *leaf;

	quire_tlb_begin(&tlb, t);
	if (huge_any(vma->mm))
		huge_unmark(vma, start, end, lazy, &tlb);
	while (at < end && (leaf = user_next(t, &at, end - 1))) {
		last = user_last(t, at, end - 1);
		tlb_add(&tlb, (struct span){ at, last }, QUIRE_PAGE_SHIFT);
		for (; at <= last; at += QUIRE_PAGE_SIZE) {
			unsigned i = user_index(t, at);
			uint64_t entry = table_get(t, leaf->contents, i);
			struct quire_page *page;

			if (!entry)
				continue;
			page = quire_pfn_page(
				q, quire_pfn((entry & t->format->address) >> QUIRE_PAGE_SHIFT));
			if (!grow_old(q, page, lazy))
				continue;
			while (!entry_change(leaf->contents, i, t->format->entry_bytes, entry,
					     entry & ~marks))
				entry = table_get(t, leaf->contents, i);
		}
	}
	table_leave(t, token);
	quire_tlb_flush(&tlb);
}

/* ---- Area by area ---- */

/* Take up what is to be done to the file. */
static void note_file(const struct advise *a, const struct vma *vma, uint64_t end,
		      struct advise_file *out)
{
	if (!vma->file)
		return;
	out->file = vma->file;
	out->offset = vma_index(vma, a->start) << QUIRE_PAGE_SHIFT;
	out->bytes = end - a->start;
	quire_file_get(out->file);
}

/* Of huge pages: flags change at their borders, whole ones alone are dropped. */
static COLD int fit_huge(const struct advise *a, const struct vma *vma, uint64_t *end)
{
	uint64_t mask = hugepool_bytes(vma->mm->q) - 1;

	if (a->advice == QUIRE_MADV_DONTNEED) {
		*end &= ~mask;
		return a->start & mask ? -QUIRE_EINVAL : 0;
	}
	if (!is_flags(a->advice) || flags_after(vma, a->advice) == vma->flags)
		return 0;
	return hugetlb_fits(vma, a->start, *end) ? 0 : -QUIRE_EINVAL;
}

/* The part of an area that begins at a->start, up to @end. */
static int advise_area(struct advise *a, struct vma *vma, uint64_t end, struct advise_file *out)
{
	const struct vma_change change = { a->start, end, flags_after(vma, a->advice) };
	int error = allow(vma, a->advice);

	if (error)
		return error;
	if (unlikely(hugetlb_is(vma)))
		error = fit_huge(a, vma, &end);
	if (error || end == a->start)
		return error;
	if (is_flags(a->advice))
		return vma_modify(vma, &change, &a->room) ? 0 : -QUIRE_EAGAIN;
	if (is_file(a->advice))
		note_file(a, vma, end, out);
	else if (a->advice == QUIRE_MADV_DONTNEED)
		zap_range(vma, a->start, end);
	else
		unmark(vma, a->start, end, a->advice == QUIRE_MADV_FREE);
	return 0;
}

/* Go on until the end, or to work on a file. Locks: S; for writing if flags change */
static int advise_some(struct advise *a, struct advise_file *out, bool *hole)
{
	int error = 0;

	while (a->start < a->end && !error && !out->file) {
		struct vma *vma = vma_next(a->mm, a->start);
		uint64_t end;

		*hole |= !vma || vma->start > a->start;
		if (!vma || vma->start >= a->end) {
			a->start = a->end;
			break;
		}
		if (vma->start > a->start)
			a->start = vma->start;
		end = a->end < vma->end ? a->end : vma->end;
		error = advise_area(a, vma, end, out);
		a->start = end;
	}
	return error;
}

static int do_file(const struct advise *a, const struct advise_file *work)
{
	if (a->advice == QUIRE_MADV_REMOVE)
		return quire_file_allocate(work->file,
					   QUIRE_FALLOC_PUNCH_HOLE | QUIRE_FALLOC_KEEP_SIZE,
					   work->offset, work->bytes);
	return quire_file_advise(work->file, work->offset, work->bytes, QUIRE_FADV_WILLNEED);
}

static int advise_flags(struct advise *a, bool *hole)
{
	struct advise_file none = { .file = NULL };
	int error;

	sem_write(&a->mm->sem, a->mm->q->config.host);
	error = vma_room_get(a->mm, &a->room, 2) ? -QUIRE_EAGAIN : advise_some(a, &none, hole);
	vma_room_put(a->mm, &a->room);
	sem_write_drop(&a->mm->sem, a->mm->q->config.host);
	return error;
}

static int advise_pages(struct advise *a, bool *hole)
{
	int error = 0;

	while (a->start < a->end && !error) {
		struct advise_file work = { .file = NULL };

		sem_read(&a->mm->sem, a->mm->q->config.host);
		error = advise_some(a, &work, hole);
		sem_read_drop(&a->mm->sem, a->mm->q->config.host);
		if (!work.file)
			continue;
		error = do_file(a, &work);
		quire_file_put(work.file);
	}
	return error;
}

int quire_madvise(struct quire_mm *mm, quire_virt_t address, uint64_t bytes, int advice)
{
	struct advise a = {
		.mm = mm,
		.start = address.v,
		.end = address.v + layout_page_up(bytes),
		.advice = advice,
	};
	bool hole = false;
	int error;

	if (!is_known(advice) || a.start & (QUIRE_PAGE_SIZE - 1) ||
	    (bytes && !layout_page_up(bytes)) || a.end < a.start)
		return -QUIRE_EINVAL;
	if (a.end == a.start)
		return 0;
	if (advice == QUIRE_MADV_POPULATE_READ || advice == QUIRE_MADV_POPULATE_WRITE)
		return fault_populate(mm, a.start, a.end,
				      advice == QUIRE_MADV_POPULATE_READ ? POPULATE_READ
									 : POPULATE_WRITE);
	if (advice == QUIRE_MADV_COLLAPSE)
		return collapse_advise(mm, a.start, a.end);
	error = is_flags(advice) ? advise_flags(&a, &hole) : advise_pages(&a, &hole);
	return error ? error : hole ? -QUIRE_ENOMEM : 0;
}
