/* SPDX-License-Identifier: MIT */
/*
 * huge.c - transparent huge pages: what changes of areas do to them
 *
 *      large leaf ──────> [ frame | frame | frame | …  512 or 1,024 of them ]
 *                            each: references, mapcount, anon, index
 *      page table that was set aside for a split
 *
 *      munmap, mprotect … of all of it        the leaf changes
 *                         of a part           it is split first, and the entries change
 *
 * Source: Linux's Documentation/admin-guide/mm/transhuge.rst for what is seen of them
 */
#include "vm/huge.h"

#include <quire/port.h>

#include "core/assert.h"
#include "vm/anon.h"
#include "vm/frame.h"

/* Frames given back at once. */
#define BATCH 128

uint64_t huge_part(const struct quire_table *t, uint64_t leaf, unsigned i)
{
	uint64_t part = format_split(t->format, 1, leaf, i);

	return huge_is_zero(t, leaf)
		       ? (part & ~t->format->address) | vm_of(t->q)->zero_entry
		       : part;
}

uint64_t huge_look(struct quire_table *t, uint64_t virt)
{
	const struct leaf *leaf = user_find(t, virt);
	struct large large;

	if (likely(leaf))
		return user_get(t, leaf, virt);
	return user_large(t, virt, &large) ? huge_part(t, large.entry, user_index(t, virt)) : 0;
}

/* ---- Frames ---------------------------------------------------------------------- */

struct quire_page *huge_alloc(const struct quire_table *t, quire_gfp_t gfp)
{
	gfp |= (QUIRE_GFP_HIGHUSER_MOVABLE & ~QUIRE_GFP_RECLAIM) | QUIRE_GFP_BIT_NOWARN |
	       QUIRE_GFP_BIT_NOMEMALLOC;
	return quire_page_alloc(t->q, gfp, t->leaf_shift - QUIRE_PAGE_SHIFT);
}

struct quire_page *huge_zero(const struct quire_table *t)
{
	struct vm *vm = vm_of(t->q);
	struct quire_page *page = acquire_load(&vm->huge_zero), *none = NULL;
	unsigned order = t->leaf_shift - QUIRE_PAGE_SHIFT;

	if (page)
		return page;
	page = quire_page_alloc(t->q, QUIRE_GFP_KERNEL & ~QUIRE_GFP_RECLAIM, order);
	if (!page)
		return NULL;
	if (quire_port_zero(t->q->config.host, quire_page_pfn(t->q, page), 1u << order)) {
		quire_page_free(t->q, page, order);
		return NULL;
	}
	if (!atomic_compare_exchange_strong_explicit(&vm->huge_zero, &none, page,
						     memory_order_acq_rel, memory_order_acquire)) {
		quire_page_free(t->q, page, order);
		return none;
	}
	huge_event(t->q, QUIRE_THP_ZERO_PAGE_ALLOC);
	return page;
}

void huge_own(const struct vma *vma, uint64_t start, struct quire_page *page)
{
	struct quire *q = vma->mm->q;
	struct anon *anon = relaxed_load(&vma->anon);
	unsigned nr = huge_frames(vma->mm->table);
	uint64_t index = vma_index(vma, start);
	struct use *use = use_of(q, page);

	for (unsigned i = 0; i < nr; i++) {
		relaxed_store(&page[i].word, COUNT_ONE | HEAD_USED | HEAD_OWNED);
		relaxed_store(&page[i].owner, QUIRE_OWNER_ANON | USE_MAPPED_ONE);
		page[i].private = (uintptr_t)anon;
		use_set(&use[i], index + i, USE_UPTODATE);
	}
	atomic_fetch_add_explicit(&anon->nr_frames, nr, memory_order_relaxed);
	atomic_fetch_add_explicit(&vm_of(q)->nr_anon, nr, memory_order_relaxed);
}

/* All of them as one block again. */
static void give_block(struct quire *q, struct quire_page *page, unsigned nr)
{
	unsigned order = 0;

	while (1u << order < nr)
		order++;
	uintptr_t anon = page->private;

	anon_frames_gone((struct anon *)anon, nr);
	for (unsigned i = 0; i < nr; i++) {
		ASSERT("HUGE-1", page[i].private == anon);
		relaxed_store(&page[i].word, 0);
		relaxed_store(&page[i].owner, QUIRE_OWNER_NONE);
		page[i].private = 0;
	}
	relaxed_store(&page->word, COUNT_ONE | HEAD_USED | order);
	quire_page_free(q, page, order);
}

/*
 * The frames of one that was taken out. @alone: nobody else has any. Locks: none of T; takes A.
 * TLBs have been flushed
 */
static void give(struct quire *q, struct quire_page *page, unsigned nr, bool alone)
{
	struct quire_page *batch[BATCH];

	if (alone) {
		give_block(q, page, nr);
		return;
	}
	for (unsigned done = 0; done < nr; done += BATCH) {
		for (unsigned i = 0; i < BATCH; i++)
			batch[i] = page + done + i;
		frame_put(q, batch, BATCH);
	}
}

/* ---- Splitting --------------------------------------------------------------------- */

/* Does it lie in the range from end to end? */
static bool whole(const struct quire_table *t, const struct large *large, uint64_t start,
		  uint64_t end)
{
	return large->start >= start && end - large->start >= user_large_bytes(t);
}

void huge_split(struct quire_table *t, const struct large *large, struct quire_tlb *tlb)
{
	bool zero = huge_is_zero(t, large->entry);

	user_split(t, large, zero ? vm_of(t->q)->zero_entry : user_large_phys(t, large->entry),
		   zero ? 0 : QUIRE_PAGE_SIZE, tlb);
	huge_event(t->q, QUIRE_THP_SPLIT_PMD);
}

void huge_border(struct quire_mm *mm, uint64_t address)
{
	struct quire_table *t = mm->table;
	struct quire_tlb tlb;
	struct large large;
	uintptr_t token;

	if (likely(!huge_any(mm)) || !(address & (user_large_bytes(t) - 1)))
		return;
	quire_tlb_begin(&tlb, t);
	token = table_enter(t);
	if (user_large(t, address, &large))
		huge_split(t, &large, &tlb);
	table_leave(t, token);
	quire_tlb_flush(&tlb);
}

/* ---- Taken out ----------------------------------------------------------------------- */

/*
 * Take the references and counts that a leaf had. Return: whether all frames are nobody else's.
 * Locks: T
 */
static bool unmap(struct quire_mm *mm, struct quire_page *page, unsigned nr)
{
	struct vm *vm = vm_of(mm->q);
	unsigned only = 0, last = 0;
	uint64_t rss;

	for (unsigned i = 0; i < nr; i++) {
		if (likely(frame_unmap_only(&page[i])))
			only++;
		else
			last += frame_unmap(&page[i]);
	}
	rss = atomic_fetch_sub_explicit(&mm->rss[RSS_ANON], nr, memory_order_relaxed) +
	      relaxed_load(&mm->rss[RSS_FILE]) + relaxed_load(&mm->rss[RSS_SHMEM]);
	if (rss > mm->hiwater_rss)
		mm->hiwater_rss = rss;
	atomic_fetch_sub_explicit(&vm->nr_anon, only + last, memory_order_relaxed);
	return only == nr;
}

/* Take one out; T is dropped and taken again. Return: the port's token */
static uintptr_t take(struct quire_mm *mm, const struct large *large, struct quire_tlb *tlb,
		      uintptr_t token) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	struct quire_table *t = mm->table;
	uint64_t entry = user_take_large(t, large, tlb);
	struct quire_page *page = huge_is_zero(t, entry) ? NULL : frame_of(mm, entry);
	unsigned nr = huge_frames(t);
	bool alone = page && unmap(mm, page, nr);

	user_withdraw(t, tlb);
	table_leave(t, token);
	quire_tlb_flush(tlb);
	if (page)
		give(mm->q, page, nr, alone);
	return table_enter(t);
}

void huge_zap(struct vma *vma, uint64_t start, uint64_t end)
{
	struct quire_table *t = vma->mm->table;
	uint64_t at = start;
	struct quire_tlb tlb;
	struct large large;
	uintptr_t token;

	quire_tlb_begin(&tlb, t);
	token = table_enter(t);
	while (user_next_large(t, &at, end - 1, &large)) {
		if (whole(t, &large, start, end))
			token = take(vma->mm, &large, &tlb, token);
		else
			huge_split(t, &large, &tlb);
		at = large.start + user_large_bytes(t);
	}
	table_leave(t, token);
	quire_tlb_flush(&tlb);
}

/* ---- Rights and marks ------------------------------------------------------------------ */

void huge_protect(struct vma *vma, uint64_t start, uint64_t end, struct quire_tlb *tlb)
{
	struct quire_table *t = vma->mm->table;
	uint64_t bits = format_user(t->format, 1, vma->pte & ~QUIRE_PTE_RW), at = start;
	uint64_t keep = (t->format->address & ~(user_large_bytes(t) - 1)) | ENTRY_MARKS;
	struct large large;

	/* Who had to ask before writing still has to. */
	if (vma->flags & QUIRE_VM_WRITE)
		keep |= QUIRE_PTE_RW;
	while (user_next_large(t, &at, end - 1, &large)) {
		if (!whole(t, &large, start, end))
			huge_split(t, &large, tlb);
		else if (user_change_large(t, &large, keep, bits))
			user_forget_large(t, &large, tlb);
		at = large.start + user_large_bytes(t);
	}
}

void huge_unmark(struct vma *vma, uint64_t start, uint64_t end, bool lazy, struct quire_tlb *tlb)
{
	struct quire_table *t = vma->mm->table;
	uint64_t marks = QUIRE_PTE_ACCESSED | (lazy ? QUIRE_PTE_DIRTY : 0u), at = start;
	struct large large;

	for (; user_next_large(t, &at, end - 1, &large);
	     at = large.start + user_large_bytes(t)) {
		struct quire_page *page = huge_is_zero(t, large.entry)
						  ? NULL
						  : frame_of(vma->mm, large.entry);

		if (!page || use_mapcount(page) > 1)
			continue;
		if (!whole(t, &large, start, end)) {
			huge_split(t, &large, tlb);
			continue;
		}
		for (unsigned i = 0; lazy && i < huge_frames(t); i++)
			atomic_fetch_or_explicit(&use_of(t->q, &page[i])->flags, USE_LAZYFREE,
						 memory_order_relaxed);
		if (user_change_large(t, &large, ~marks, 0))
			user_forget_large(t, &large, tlb);
	}
}

/* ---- Sharing: fork ------------------------------------------------------------------------ */

/* One reference and one mapping more of each. Return: false if one has as many as can be: none */
static bool hold(struct quire_page *page, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		if (unlikely(!frames_hold(&page[i]))) {
			while (i--) {
				frame_unmap(&page[i]);
				frames_let_go(&page[i]);
			}
			return false;
		}
		frame_map_again(&page[i]);
	}
	return true;
}

/* Locks: T of both */
static bool copy(struct quire_mm *to, struct quire_mm *from, const struct large *large,
		 struct stock *stock, struct quire_tlb *tlb)
{
	bool zero = huge_is_zero(from->table, large->entry);
	unsigned nr = huge_frames(from->table);
	struct large slot, now = *large;

	if (!zero && !hold(frame_of(from, large->entry), nr))
		return false;
	if (user_change_large(from->table, large, ~(uint64_t)QUIRE_PTE_RW, 0))
		user_forget_large(from->table, large, tlb);
	/* As marked as it is now. */
	user_large(from->table, large->start, &now);
	user_make_large(to->table, large->start, stock, &slot);
	user_set_large(to->table, &slot, now.entry & ~(uint64_t)QUIRE_PTE_ACCESSED);
	user_deposit(to->table, stock);
	relaxed_store(&to->has_huge, true);
	if (!zero)
		atomic_fetch_add_explicit(&to->rss[RSS_ANON], nr, memory_order_relaxed);
	return true;
}

/* The next one. Return: 1: more to come; 0: that was all; -QUIRE_ENOMEM */
static int copy_next(struct vma *to, struct vma *from, uint64_t *at, struct stock *stock,
		     struct quire_tlb *tlb) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	struct quire_table *t = from->mm->table;
	struct quire_table *target = to->mm->table;
	uintptr_t token = table_enter(t);
	bool ok = true, lacking = false;
	struct large large;
	uint32_t need;

	if (!user_next_large(t, at, from->end - 1, &large)) {
		table_leave(t, token);
		return 0;
	}
	lock_take(&target->lock);
	need = user_need_large(target, large.start) + 1;
	lacking = need > stock->nr;
	if (!lacking)
		ok = copy(to->mm, from->mm, &large, stock, tlb);
	lock_drop(&target->lock);
	table_leave(t, token);
	if (lacking)
		return stock_fill(stock, need) ? -QUIRE_ENOMEM : 1;
	*at = large.start + user_large_bytes(t);
	return ok ? 1 : -QUIRE_ENOMEM;
}

int huge_copy(struct vma *to, struct vma *from)
{
	struct stock stock = { .q = from->mm->q };
	uint64_t at = from->start;
	struct quire_tlb tlb;
	int more;

	quire_tlb_begin(&tlb, from->mm->table);
	do {
		more = copy_next(to, from, &at, &stock, &tlb);
	} while (more > 0);
	stock_empty(&stock);
	quire_tlb_flush(&tlb);
	return more;
}

/* ---- Moving: mremap ------------------------------------------------------------------------- */

void huge_cut(struct quire_table *t, struct span from, uint64_t to, struct quire_tlb *tlb)
{
	bool apart = (from.start ^ to) & (user_large_bytes(t) - 1);
	uint64_t at = from.start;
	struct large large;

	for (; user_next_large(t, &at, from.last, &large); at = large.start + user_large_bytes(t)) {
		if (apart || !whole(t, &large, from.start, from.last + 1))
			huge_split(t, &large, tlb);
	}
}

uint32_t huge_move_need(const struct quire_table *t, struct span from, uint64_t to)
{
	uint64_t at = from.start, before = 0;
	struct large large;
	uint32_t need = 0;

	for (; user_next_large(t, &at, from.last, &large); at = large.start + user_large_bytes(t)) {
		uint64_t target = large.start - from.start + to;

		/* No page table of its own. */
		need += user_most(t, target, need ? before : target) - 1;
		before = target;
	}
	return need;
}

void huge_move(struct quire_table *t, struct span from, uint64_t to, struct stock *stock,
	       struct quire_tlb *tlb)
{
	uint64_t at = from.start;
	struct large large, slot;

	for (; user_next_large(t, &at, from.last, &large); at = large.start + user_large_bytes(t)) {
		uint64_t target = large.start - from.start + to, entry;

		entry = user_take_large(t, &large, tlb);
		user_make_large(t, target, stock, &slot);
		user_set_large(t, &slot, entry);
	}
}
