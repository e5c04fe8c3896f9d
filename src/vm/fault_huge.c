/* SPDX-License-Identifier: MIT */
/*
 * fault_huge.c - faults that make a huge page, or write to one
 *
 *   entry of level 1     read                       write
 *   empty                huge page of zeros         a block of its own
 *   huge page of zeros   -                          a block takes its place, or it is split
 *   nobody else's        -                          it may be written from here on
 *   shared               -                          split, and one small page is copied
 *   page table           a small page               a small page
 */
#include "vm/fault_huge.h"

#include <quire/port.h>

#include "core/assert.h"
#include "vm/anon.h"
#include "vm/fault_anon.h"
#include "vm/fault_cow.h"
#include "vm/frame.h"
#include "vm/huge.h"

/* Take T, and have the tables above the leaf and one for its split. Return: false: no memory */
static bool enter(struct fault *f, uintptr_t *token, struct large *slot)
{
	f->stock.q = f->table->q;
	for (;;) {
		uint32_t need;

		*token = table_enter(f->table);
		need = user_need_large(f->table, f->address) + 1;
		if (need <= f->stock.nr) {
			user_make_large(f->table, f->address, &f->stock, slot);
			return true;
		}
		table_leave(f->table, *token);
		if (stock_fill(&f->stock, need))
			return false;
	}
}

/* Fill in the entry, which is empty; ends the fault. Locks: T, which it drops */
static void set(struct fault *f, uintptr_t token, const struct large *slot, uint64_t entry)
{
	user_set_large(f->table, slot, entry);
	user_deposit(f->table, &f->stock);
	relaxed_store(&f->vma->mm->has_huge, true);
	fault_leave(f, token);
}

/* A block full of zeros. NULL: there is none */
static struct quire_page *zeroed(const struct fault *f)
{
	const struct quire_table *t = f->table;
	struct quire_page *page = huge_alloc(t, 0);

	if (page && quire_port_zero(t->q->config.host, quire_page_pfn(t->q, page),
				    huge_frames(t))) {
		quire_page_free(t->q, page, t->leaf_shift - QUIRE_PAGE_SHIFT);
		page = NULL;
	}
	huge_event(t->q, page ? QUIRE_THP_FAULT_ALLOC : QUIRE_THP_FAULT_FALLBACK);
	return page;
}

static void drop(const struct fault *f, struct quire_page *page)
{
	quire_page_free(f->table->q, page, f->table->leaf_shift - QUIRE_PAGE_SHIFT);
}

/* An entry of the area that maps a block, for reading. */
static uint64_t bits(const struct fault *f, const struct quire_page *page)
{
	return fault_phys(f->table->q, page) | QUIRE_PTE_ACCESSED |
	       format_user(f->table->format, 1, f->vma->pte & ~QUIRE_PTE_RW);
}

/* Another processor was faster. Return: false if by a page table: on with that */
static bool late(struct fault *f, uint64_t entry)
{
	f->kind = QUIRE_FAULT_KIND_SPURIOUS;
	return format_is_leaf(f->table->format, 1, entry);
}

/* Reads: the huge page of zeros. */
static bool map_zero(struct fault *f)
{
	struct quire_page *page = huge_zero(f->table);
	struct large slot;
	uintptr_t token;

	if (!page || !enter(f, &token, &slot))
		return false;
	if (slot.entry) {
		fault_leave(f, token);
		return late(f, slot.entry);
	}
	f->kind = QUIRE_FAULT_KIND_ZERO;
	set(f, token, &slot, bits(f, page));
	return true;
}

static bool map_own(struct fault *f)
{
	struct vma *vma = f->vma;
	struct quire_page *page = zeroed(f);
	struct large slot;
	uintptr_t token;

	if (!page)
		return false;
	if (!enter(f, &token, &slot)) {
		drop(f, page);
		return false;
	}
	if (slot.entry) {
		fault_leave(f, token);
		drop(f, page);
		return late(f, slot.entry);
	}
	f->kind = QUIRE_FAULT_KIND_FRESH;
	huge_own(vma, slot.start, page);
	atomic_fetch_add_explicit(&vma->mm->rss[RSS_ANON], huge_frames(f->table),
				  memory_order_relaxed);
	set(f, token, &slot,
	    bits(f, page) | QUIRE_PTE_DIRTY | (vma->flags & QUIRE_VM_WRITE ? FRAME_WRITTEN : 0));
	return true;
}

enum quire_fault fault_huge(struct fault *f)
{
	bool zero = !f->write && vm_of(f->table->q)->sysctl.use_zero_page;

	if (f->large) {
		f->kind = QUIRE_FAULT_KIND_SPURIOUS;
		return QUIRE_FAULT_DONE;
	}
	if (!f->huge)
		return QUIRE_FAULT_OOM;
	if (!zero && !acquire_load(&f->vma->anon) && anon_prepare(f->vma))
		return QUIRE_FAULT_OOM;
	if (zero ? map_zero(f) : map_own(f))
		return QUIRE_FAULT_DONE;
	f->small = true;
	return fault_anon(f);
}

/* ---- Writes ---- */

/* Is each frame nobody else's? Locks: T */
static bool alone(const struct quire_page *page, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		if (acquire_load(&page[i].word) / COUNT_ONE != 1)
			return false;
	}
	return true;
}

/*
 * The leaf may be written, once no TLB knows another one here: somebody may have put it in the
 * place of the page of zeros just now. @entry: what it is, but for its marks
 */
static void allow(struct fault *f, uint64_t entry)
{
	struct quire_table *t = f->table;
	struct quire_tlb tlb;
	struct large large;
	uintptr_t token = table_enter(t);
	bool same = user_large(t, f->address, &large);

	quire_tlb_begin(&tlb, t);
	if (same)
		user_forget_large(t, &large, &tlb);
	table_leave(t, token);
	quire_tlb_flush(&tlb);
	token = table_enter(t);
	if (same && user_large(t, f->address, &large) &&
	    !((large.entry ^ entry) & ~(uint64_t)ENTRY_MARKS))
		user_change_large(t, &large, ~0ull, FRAME_WRITTEN | QUIRE_PTE_ACCESSED);
	table_leave(t, token);
}

/* Put a block in the place of the huge page of zeros. Return: false if there is none */
static bool replace(struct fault *f)
{
	struct vma *vma = f->vma;
	struct quire_table *t = f->table;
	struct quire_page *page;
	struct large large;
	uint64_t entry;
	uintptr_t token;
	bool same;

	if (!huge_wanted(vma) || (!acquire_load(&vma->anon) && anon_prepare(vma)))
		return false;
	page = zeroed(f);
	if (!page)
		return false;
	entry = bits(f, page);
	token = table_enter(t);
	same = user_large(t, f->address, &large) && huge_is_zero(t, large.entry);
	if (same) {
		huge_own(vma, large.start, page);
		atomic_fetch_add_explicit(&vma->mm->rss[RSS_ANON], huge_frames(t),
					  memory_order_relaxed);
		/* Never half of the one, half of the other. */
		entry_take(large.contents, large.i, t->format->entry_bytes);
		entry_store(large.contents, large.i, t->format->entry_bytes, entry);
	}
	table_leave(t, token);
	if (!same)
		drop(f, page);
	else
		allow(f, entry);
	return true;
}

enum quire_fault fault_huge_write(struct fault *f)
{
	struct quire_table *t = f->table;
	uintptr_t token = table_enter(t);
	struct quire_tlb tlb;
	struct large large;
	bool found = user_large(t, f->address, &large) && (large.entry & QUIRE_PTE_PRESENT) &&
		     !(large.entry & QUIRE_PTE_RW);
	bool zero = found && huge_is_zero(t, large.entry);
	bool mine = found && !zero && alone(frame_of(f->vma->mm, large.entry), huge_frames(t));

	table_leave(t, token);
	f->kind = !found ? QUIRE_FAULT_KIND_SPURIOUS
		  : mine ? QUIRE_FAULT_KIND_LAST
			 : QUIRE_FAULT_KIND_COPY;
	if (!found || (zero && replace(f)))
		return QUIRE_FAULT_DONE;
	if (mine) {
		allow(f, large.entry);
		return QUIRE_FAULT_DONE;
	}
	quire_tlb_begin(&tlb, t);
	token = table_enter(t);
	found = user_large(t, f->address, &large);
	if (found)
		huge_split(t, &large, &tlb);
	table_leave(t, token);
	quire_tlb_flush(&tlb);
	return found ? fault_cow(f) : QUIRE_FAULT_DONE;
}
