/* SPDX-License-Identifier: MIT */
/*
 * collapse.c - small pages become a huge one: MADV_COLLAPSE, khugepaged
 *
 *   [ page | none | zeros | page | … ]   page table      hidden: S keeps faults away, after the
 *      │                     │                           flush no TLB has the old pages
 *      ▼ copied     zeroed   ▼
 *   [ frame | frame | frame | frame | … ]   a block      then one large leaf; the page table is
 *                                                        kept for its split
 *
 * The old frames lose a reference each: what others share stays theirs.
 *
 * Source: madvise(2); Linux's Documentation/admin-guide/mm/transhuge.rst, khugepaged
 */
#include "vm/collapse.h"

#include <quire/port.h>

#include "core/assert.h"
#include "kmem/touch.h"
#include "vm/fault.h"
#include "vm/frame.h"
#include "vm/huge.h"

/* Frames given back at once. */
#define BATCH 128

/** What there is where a huge page may be. */
enum found {
	FOUND_NOTHING, /* no page table */
	FOUND_HUGE,    /* a large leaf */
	FOUND_SMALL,   /* pages that can be collapsed */
	FOUND_OTHER,   /* pages that the limits leave as they are */
};

/** struct limits - of which pages a huge one may be made */
struct limits {
	unsigned none, shared;
	bool referenced; /* one of them at least */
};

/* Is there a huge page to be made in the area at all? */
static bool possible(const struct vma *vma)
{
	uint64_t bytes = user_large_bytes(vma->mm->table);
	uint64_t first = (vma->start + bytes - 1) & ~(bytes - 1);

	return !vma->file && vma->anon && first >= vma->start && first < vma->end &&
	       vma->end - first >= bytes &&
	       !(vma->flags &
		 (QUIRE_VM_SHARED | QUIRE_VM_HUGETLB | QUIRE_VM_NOHUGEPAGE));
}

/* What the entries of a page table are. Locks: T */
static enum found judge(const struct quire_mm *mm, const void *contents,
			const struct limits *limits)
{
	const struct quire_table *t = mm->table;
	unsigned none = 0, shared = 0;
	bool referenced = false;

	for (unsigned i = 0; i < huge_frames(t); i++) {
		uint64_t entry = table_get(t, contents, i);
		const struct quire_page *page = entry ? frame_of(mm, entry) : NULL;

		none += !page;
		shared += page && use_mapcount(page) > 1;
		referenced |= entry & QUIRE_PTE_ACCESSED;
	}
	if (none > limits->none)
		huge_event(mm->q, QUIRE_THP_SCAN_EXCEED_NONE_PTE);
	else if (shared > limits->shared)
		huge_event(mm->q, QUIRE_THP_SCAN_EXCEED_SHARE_PTE);
	else if (referenced || !limits->referenced)
		return FOUND_SMALL;
	return FOUND_OTHER;
}

/* Locks: T */
static enum found look(const struct quire_mm *mm, uint64_t at, const struct limits *limits)
{
	const struct quire_table *t = mm->table;
	struct large slot;

	if (!user_slot(t, at, &slot) || !slot.entry)
		return FOUND_NOTHING;
	if (format_is_leaf(t->format, 1, slot.entry))
		return FOUND_HUGE;
	return judge(mm, table_child(t, slot.entry), limits);
}

static enum found look_locked(struct quire_mm *mm, uint64_t at, const struct limits *limits)
{
	uintptr_t token = table_enter(mm->table);
	enum found found = look(mm, at, limits);

	table_leave(mm->table, token);
	return found;
}

/* ---- One huge page --------------------------------------------------------------- */

/* Fill the block with what the hidden page table maps. Return: false if a window can't be had */
static bool fill(const struct quire_mm *mm, const void *contents, struct quire_page *block)
{
	for (unsigned i = 0; i < huge_frames(mm->table); i++) {
		uint64_t entry = table_get(mm->table, contents, i);
		struct quire_page *page = entry ? frame_of(mm, entry) : NULL;

		if (page ? touch_copy(mm->q, block + i, page)
			 : quire_port_zero(mm->q->config.host,
					   quire_page_pfn(mm->q, block + i), 1))
			return false;
	}
	return true;
}

/* The hidden page table's frames are mapped here no more. Return: how many there were. Locks: T */
static unsigned unmap(const struct quire_mm *mm, const void *contents)
{
	unsigned nr = 0, last = 0;

	for (unsigned i = 0; i < huge_frames(mm->table); i++) {
		uint64_t entry = table_get(mm->table, contents, i);
		struct quire_page *page = entry ? frame_of(mm, entry) : NULL;

		if (!page)
			continue;
		nr++;
		last += frame_unmap(page);
	}
	atomic_fetch_sub_explicit(&vm_of(mm->q)->nr_anon, last, memory_order_relaxed);
	return nr;
}

/* And lose the references that it had. */
static void put(const struct quire_mm *mm, const void *contents)
{
	struct quire_page *page[BATCH];
	unsigned nr = 0;

	for (unsigned i = 0; i < huge_frames(mm->table); i++) {
		uint64_t entry = table_get(mm->table, contents, i);

		page[nr] = entry ? frame_of(mm, entry) : NULL;
		nr += page[nr] != NULL;
		if (nr == BATCH) {
			frame_put(mm->q, page, nr);
			nr = 0;
		}
	}
	frame_put(mm->q, page, nr);
}

/*
 * Make the huge page at @at, which look found to be possible. Return: false: all is as it was.
 * Locks: S for writing
 */
static bool make(struct vma *vma, uint64_t at, struct quire_page *block)
{
	struct quire_mm *mm = vma->mm;
	struct quire_table *t = mm->table;
	uint64_t entry = fault_phys(mm->q, block) | QUIRE_PTE_ACCESSED | QUIRE_PTE_DIRTY |
			 format_user(t->format, 1, vma->pte & ~QUIRE_PTE_RW);
	struct quire_tlb tlb;
	struct large slot;
	uintptr_t token;
	void *contents;
	bool ok;

	if (vma->flags & QUIRE_VM_WRITE)
		entry |= FRAME_WRITTEN;
	quire_tlb_begin(&tlb, t);
	token = table_enter(t);
	user_hide(t, at, &tlb, &slot);
	table_leave(t, token);
	quire_tlb_flush(&tlb);
	contents = table_child(t, slot.entry);
	ok = fill(mm, contents, block);
	token = table_enter(t);
	if (!ok) {
		user_show(t, &slot);
		table_leave(t, token);
		return false;
	}
	huge_own(vma, at, block);
	atomic_fetch_add_explicit(&mm->rss[RSS_ANON], huge_frames(t) - unmap(mm, contents),
				  memory_order_relaxed);
	table_leave(t, token);
	put(mm, contents);
	token = table_enter(t);
	user_fold(t, &slot, entry);
	relaxed_store(&mm->has_huge, true);
	table_leave(t, token);
	return true;
}

static struct quire_page *block_for(const struct quire_table *t)
{
	struct quire_page *block = huge_alloc(t, QUIRE_GFP_BIT_DIRECT);

	huge_event(t->q, block ? QUIRE_THP_COLLAPSE_ALLOC : QUIRE_THP_COLLAPSE_ALLOC_FAILED);
	return block;
}

static void drop_block(const struct quire_table *t, struct quire_page *block)
{
	quire_page_free(t->q, block, t->leaf_shift - QUIRE_PAGE_SHIFT);
}

/* ---- MADV_COLLAPSE ----------------------------------------------------------------- */

/* Return: 0; an error. Locks: S for writing */
static int advise_one(struct vma *vma, uint64_t at)
{
	const struct limits any = { UINT32_MAX, UINT32_MAX, false };
	struct quire_table *t = vma->mm->table;
	struct quire_page *block;

	switch (look_locked(vma->mm, at, &any)) {
	case FOUND_HUGE:
		return 0;
	case FOUND_SMALL:
		break;
	default:
		return -QUIRE_EINVAL;
	}
	block = block_for(t);
	if (!block)
		return -QUIRE_ENOMEM;
	if (make(vma, at, block))
		return 0;
	drop_block(t, block);
	return -QUIRE_EAGAIN;
}

static int advise_area(struct vma *vma, uint64_t start, uint64_t end)
{
	uint64_t bytes = user_large_bytes(vma->mm->table);
	int error = possible(vma) ? 0 : -QUIRE_EINVAL;

	start = (start + bytes - 1) & ~(bytes - 1);
	end &= ~(bytes - 1);
	/* A border between two in the range is no error, the inside of one is: as Linux. */
	if (start > end)
		return -QUIRE_EINVAL;
	for (; !error && start < end; start += bytes)
		error = advise_one(vma, start);
	return error;
}

int collapse_advise(struct quire_mm *mm, uint64_t start, uint64_t end)
{
	bool hole = false;
	int error = 0;

	sem_write(&mm->sem, mm->q->config.host);
	while (!error && start < end) {
		struct vma *vma = vma_next(mm, start);

		hole |= !vma || vma->start > start;
		if (!vma || vma->start >= end)
			break;
		if (vma->start > start)
			start = vma->start;
		error = advise_area(vma, start, vma->end < end ? vma->end : end);
		start = vma->end;
	}
	sem_write_drop(&mm->sem, mm->q->config.host);
	return error ? error : hole ? -QUIRE_ENOMEM : 0;
}

/* ---- khugepaged -------------------------------------------------------------------- */

/** struct scan - a call */
struct scan {
	struct vm *vm;
	struct limits limits;
	uint64_t left; /* pages that may still be looked at */
	struct quire_khugepaged *out;
};

/* The oldest address space from a number on. NULL: none. It stays while vm->scan is held */
static struct quire_mm *oldest(struct vm *vm, uint64_t number)
{
	uintptr_t token = quire_port_cpu_enter();
	struct quire_mm *mm;

	lock_take(&vm->lock);
	for (mm = vm->mms; mm && mm->number < number;)
		mm = mm->next;
	lock_drop(&vm->lock);
	quire_port_cpu_leave(token);
	return mm;
}

static void looked_at(struct scan *s, uint64_t nr)
{
	s->out->nr_scanned += nr;
	s->left -= nr < s->left ? nr : s->left;
}

/* The next place from vm->scan_at on where pages can be collapsed. Locks: S for reading */
static bool candidate(struct scan *s, struct quire_mm *mm)
{
	uint64_t bytes = user_large_bytes(mm->table), *at = &s->vm->scan_at;
	struct vma *vma;

	while (s->left && (vma = vma_next(mm, *at))) {
		if (*at < vma->start)
			*at = vma->start;
		*at = (*at + bytes - 1) & ~(bytes - 1);
		if (!huge_wanted(vma) || !possible(vma) || *at >= vma->end ||
		    !huge_fits(vma, *at)) {
			*at = vma->end;
			looked_at(s, 1);
			continue;
		}
		looked_at(s, huge_frames(mm->table));
		if (look_locked(mm, *at, &s->limits) == FOUND_SMALL)
			return true;
		*at += bytes;
	}
	if (s->left)
		*at = UINT64_MAX;
	return false;
}

/* Once more, with nobody else there. Return: whether it was collapsed. Locks: S for writing */
static bool collapse(struct scan *s, struct quire_mm *mm, struct quire_page *block)
{
	struct vma *vma = vma_find(mm, s->vm->scan_at);

	return vma && huge_wanted(vma) && possible(vma) && huge_fits(vma, s->vm->scan_at) &&
	       look_locked(mm, s->vm->scan_at, &s->limits) == FOUND_SMALL &&
	       make(vma, s->vm->scan_at, block);
}

static void scan(struct scan *s, struct quire_mm *mm)
{
	void *host = mm->q->config.host;

	while (s->left) {
		struct quire_page *block = NULL;
		bool found;

		sem_read(&mm->sem, host);
		found = candidate(s, mm);
		sem_read_drop(&mm->sem, host);
		if (!found)
			return;
		block = block_for(mm->table);
		if (!block) {
			/* There will be none for the next one either. */
			s->left = 0;
			return;
		}
		sem_write(&mm->sem, host);
		found = collapse(s, mm, block);
		sem_write_drop(&mm->sem, host);
		if (!found)
			drop_block(mm->table, block);
		s->out->nr_collapsed += found;
		s->vm->pages_collapsed += found;
		s->vm->scan_at += user_large_bytes(mm->table);
	}
}

int quire_khugepaged(struct quire *q, struct quire_khugepaged *out)
{
	struct quire_khugepaged done;
	struct vm *vm = vm_of(q);
	struct scan s = { .vm = vm, .out = out ? out : &done };
	struct quire_mm *mm;

	if (!vm)
		return -QUIRE_ENODEV;
	*s.out = (struct quire_khugepaged){ 0 };
	s.left = vm->sysctl.pages_to_scan;
	s.limits = (struct limits){ vm->sysctl.max_ptes_none, vm->sysctl.max_ptes_shared, true };
	sem_write(&vm->scan, q->config.host);
	while (s.left && (mm = oldest(vm, vm->scan_mm))) {
		if (vm->scan_mm != mm->number)
			vm->scan_at = 0;
		vm->scan_mm = mm->number;
		scan(&s, mm);
		if (s.left) {
			vm->scan_mm = mm->number + 1;
			vm->scan_at = 0;
		}
	}
	/* The next call begins again. */
	if (s.left) {
		vm->scan_mm = vm->scan_at = 0;
		vm->full_scans++;
	}
	s.out->pages_collapsed = vm->pages_collapsed;
	s.out->full_scans = vm->full_scans;
	sem_write_drop(&vm->scan, q->config.host);
	return 0;
}
