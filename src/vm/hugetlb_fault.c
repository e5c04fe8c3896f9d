/* SPDX-License-Identifier: MIT */
/*
 * hugetlb_fault.c - faults of areas of huge pages
 *
 *   the entry is         the file has a page     it has none
 *   empty, shared        it is mapped            one of zeros becomes the file's, and is mapped
 *   empty, private
 *     read               it is mapped            one of zeros is the area's own, and is mapped
 *     write              a copy is mapped        the same
 *
 *   present, a write     nobody else maps it, and it is private: it may be written from here on
 *                        else a copy takes its place
 *
 * Without a page in the pool the program gets SIGBUS. But who was promised pages and shares one
 * with children gets it back: theirs is taken away, and the next time they touch anything of that
 * area that is not there, they get the SIGBUS.
 *
 * All of it under R: what is looked at stays as it is but for the processor's marks, also while T
 * is dropped.
 */
#include "core/assert.h"
#include "vm/frame.h"
#include "vm/hugetlb.h"

/* An entry of the area without address. */
static uint64_t bits_of(const struct fault *f)
{
	quire_pte_t pte = hugetlb_shared(f->vma) ? f->vma->pte : f->vma->pte & ~QUIRE_PTE_RW;

	return format_user(f->table->format, 1, pte) | QUIRE_PTE_ACCESSED |
	       (f->write ? FRAME_WRITTEN : 0);
}

static struct quire_inode *inode_of(const struct fault *f)
{
	return quire_file_inode(f->vma->file);
}

/* Map a page that nobody or only the file has. Return: false: no memory for tables */
static bool map(struct fault *f, struct quire_page *page, uint64_t bits)
{
	struct quire_table *t = f->table;
	struct large at;
	uintptr_t token;

	f->stock.q = t->q;
	for (;;) {
		token = table_enter(t);
		uint32_t need = user_need_large(t, f->address);

		if (need <= f->stock.nr)
			break;
		table_leave(t, token);
		if (stock_fill(&f->stock, need))
			return false;
	}
	user_make_large(t, f->address, &f->stock, &at);
	frame_map(page);
	user_set_large(t, &at, fault_phys(t->q, page) | bits);
	fault_leave(f, token);
	return true;
}

/* The page of the file. The entry holds a reference of its own. */
static enum quire_fault map_shared(struct fault *f, struct quire_page *page, uint64_t bits)
{
	if (!frames_hold(page))
		return QUIRE_FAULT_OOM;
	if (map(f, page, bits))
		return QUIRE_FAULT_DONE;
	hugepool_put(f->table->q, page, false);
	return QUIRE_FAULT_OOM;
}

/*
 * A page of the area's own: of zeros, or a copy of @from. Return: DONE; SIGBUS: the pool has none;
 * OOM
 */
static enum quire_fault get_private(struct fault *f, struct quire_page *from,
				    struct quire_page **out)
{
	uint64_t n = hugetlb_index(f->vma, f->address);
	struct quire *q = f->table->q;
	struct quire_page *page = hugetlb_take(f->vma, n);
	int error;

	*out = page;
	if (!page)
		return QUIRE_FAULT_SIGBUS;
	hugefile_private(inode_of(f), page, n);
	error = from ? hugepool_copy(q, page, from) : hugepool_zero(q, page);
	if (!error)
		return QUIRE_FAULT_DONE;
	hugetlb_give(f->vma, page);
	return QUIRE_FAULT_OOM;
}

static enum quire_fault map_private(struct fault *f, struct quire_page *from)
{
	struct quire_page *page;
	enum quire_fault fault = get_private(f, from, &page);

	if (fault != QUIRE_FAULT_DONE || map(f, page, bits_of(f)))
		return fault;
	hugetlb_give(f->vma, page);
	return QUIRE_FAULT_OOM;
}

/* Nothing is mapped there. */
static enum quire_fault absent(struct fault *f)
{
	struct quire_inode *inode = inode_of(f);
	uint64_t n = hugetlb_index(f->vma, f->address);
	struct quire_page *page = hugefile_find(inode, n);
	bool shared = hugetlb_shared(f->vma);

	if (n >= inode->bytes / hugepool_bytes(inode->q) || f->vma->huge.lost)
		return QUIRE_FAULT_SIGBUS;
	f->kind = page ? QUIRE_FAULT_KIND_FILE : QUIRE_FAULT_KIND_FRESH;
	if (shared) {
		int error = hugefile_fill(inode, n, &page);

		if (error)
			return error == -QUIRE_ENOSPC ? QUIRE_FAULT_SIGBUS : QUIRE_FAULT_OOM;
		return map_shared(f, page, bits_of(f));
	}
	if (page && !f->write)
		return map_shared(f, page, bits_of(f));
	f->kind = page ? QUIRE_FAULT_KIND_COPY : f->kind;
	return map_private(f, page);
}

/* ---- Writes to what may only be read yet ------------------------------------------------ */

static void forget(struct fault *f, const struct large *at)
{
	struct quire_tlb tlb;

	quire_tlb_begin(&tlb, f->table);
	user_forget_large(f->table, at, &tlb);
	quire_tlb_flush(&tlb);
}

/* The leaf may be written now. */
static void allow(struct fault *f, const struct large *at)
{
	uintptr_t token = table_enter(f->table);

	user_change_large(f->table, at, ~0ull, FRAME_WRITTEN | QUIRE_PTE_ACCESSED);
	table_leave(f->table, token);
}

/*
 * Put another page in the leaf. It may be written when no TLB knows the old one any more: until
 * then others may still read that.
 */
static void replace(struct fault *f, const struct large *at, struct quire_page *old,
		    struct quire_page *page)
{
	struct quire *q = f->table->q;
	uint64_t fresh = fault_phys(q, page) | (bits_of(f) & ~FRAME_WRITTEN);
	uintptr_t token = table_enter(f->table);

	frame_map(page);
	user_change_large(f->table, at, 0, fresh);
	frame_unmap(old);
	table_leave(f->table, token);
	forget(f, at);
	allow(f, at);
	hugepool_put(q, old, false);
}

/* Take the page away from an area that has it, and may not have another. */
static void take_away(struct vma *vma, struct quire_page *page)
{
	struct quire_table *t = vma->mm->table;
	uint64_t address = vma_address(vma, use_index(use_of(t->q, page)));
	struct quire_tlb tlb;
	struct large at;
	uintptr_t token;
	bool had;

	quire_tlb_begin(&tlb, t);
	token = table_enter(t);
	had = user_large(t, address, &at) &&
	      user_large_phys(t, at.entry) == fault_phys(t->q, page);
	if (had) {
		user_take_large(t, &at, &tlb);
		frame_unmap(page);
		vma->huge.lost = true;
	}
	table_leave(t, token);
	quire_tlb_flush(&tlb);
	if (had)
		hugepool_put(t->q, page, false);
}

/* The pool is empty, and the area was promised its pages: those who share this one lose it. */
static void take_from_all(const struct fault *f, struct quire_page *page)
	LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	struct quire_inode *inode = inode_of(f);
	uint64_t index = use_index(use_of(inode->q, page));
	struct interval *node = NULL;

	sem_read(&inode->maps_lock, inode->q->config.host);
	while ((node = interval_next(&inode->maps, node, index, index))) {
		struct vma *vma =
			(struct vma *)(void *)((char *)node - offsetof(struct vma, maps));

		if (vma != f->vma && !hugetlb_shared(vma) && !vma->huge.resv)
			take_away(vma, page);
	}
	sem_read_drop(&inode->maps_lock, inode->q->config.host);
}

static bool only_ours(const struct quire *q, const struct quire_page *page)
{
	return !hugefile_has(q, page) && use_mapcount(page) == 1;
}

/* A write to a page that is there to be read. */
static enum quire_fault write_present(struct fault *f, const struct large *at)
{
	struct quire *q = f->table->q;
	struct quire_page *old = frame_of(f->vma->mm, at->entry), *page;
	enum quire_fault fault;

	f->kind = QUIRE_FAULT_KIND_LAST;
	if (hugetlb_shared(f->vma) || only_ours(q, old)) {
		allow(f, at);
		return QUIRE_FAULT_DONE;
	}
	f->kind = QUIRE_FAULT_KIND_COPY;
	fault = get_private(f, old, &page);
	if (fault == QUIRE_FAULT_DONE) {
		replace(f, at, old, page);
		return fault;
	}
	if (fault == QUIRE_FAULT_SIGBUS && f->vma->huge.resv && !hugefile_has(q, old))
		take_from_all(f, old);
	if (!only_ours(q, old))
		return fault;
	f->kind = QUIRE_FAULT_KIND_LAST;
	allow(f, at);
	return QUIRE_FAULT_DONE;
}

enum quire_fault hugetlb_fault(struct fault *f)
{
	struct quire_inode *inode = inode_of(f);
	enum quire_fault fault = QUIRE_FAULT_DONE;
	struct large at;
	uintptr_t token;
	bool there;

	f->kind = QUIRE_FAULT_KIND_SPURIOUS;
	sem_write(&inode->rw, inode->q->config.host);
	token = table_enter(f->table);
	there = user_large(f->table, f->address, &at);
	table_leave(f->table, token);
	if (!there)
		fault = absent(f);
	else if (f->write && !(at.entry & QUIRE_PTE_RW))
		fault = write_present(f, &at);
	sem_write_drop(&inode->rw, inode->q->config.host);
	return fault;
}
