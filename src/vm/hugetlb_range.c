/* SPDX-License-Identifier: MIT */
/*
 * hugetlb_range.c - what changes of areas do to the large leaves of huge pages: cleared, protected,
 * shared with a child, moved
 */
#include "core/assert.h"
#include "vm/frame.h"
#include "vm/hugetlb.h"
#include "vm/zap.h"

#define BATCH 32

/* Clear up to BATCH leaves of [*at, end). Return: how many pages they had. Locks: takes T */
static unsigned clear_some(struct vma *vma, uint64_t *at, uint64_t end, struct quire_page **page)
{
	struct quire_table *t = vma->mm->table;
	struct quire_tlb tlb;
	struct large large;
	unsigned nr = 0;
	uintptr_t token;

	quire_tlb_begin(&tlb, t);
	token = table_enter(t);
	while (nr < BATCH && *at < end && user_next_large(t, at, end - 1, &large)) {
		page[nr] = frame_of(vma->mm, user_take_large(t, &large, &tlb));
		/* Who looks at it from now on finds nobody's. */
		if (frame_unmap(page[nr]) && !hugefile_has(t->q, page[nr]))
			page[nr]->private = 0;
		nr++;
		*at = large.start + user_large_bytes(t);
	}
	table_leave(t, token);
	quire_tlb_flush(&tlb);
	return nr;
}

void hugetlb_clear(struct vma *vma, uint64_t start, uint64_t end)
{
	struct quire_page *page[BATCH];
	unsigned nr;

	do {
		nr = clear_some(vma, &start, end, page);
		for (unsigned i = 0; i < nr; i++)
			hugetlb_give(vma, page[i]);
	} while (nr == BATCH);
}

void hugetlb_zap(struct vma *vma, uint64_t start, uint64_t end)
{
	struct quire_inode *inode = quire_file_inode(vma->file);

	sem_write(&inode->rw, inode->q->config.host);
	hugetlb_clear(vma, start, end);
	sem_write_drop(&inode->rw, inode->q->config.host);
}

void hugetlb_protect(struct vma *vma, uint64_t start, uint64_t end)
{
	struct quire_table *t = vma->mm->table;
	const struct format *f = t->format;
	uint64_t keep = f->address | ENTRY_MARKS, bits = format_user(f, 1, vma->pte);
	struct quire_tlb tlb;
	struct large large;
	uintptr_t token;

	/* Who had to ask before writing a private page still has to. */
	if (!hugetlb_shared(vma)) {
		bits = format_user(f, 1, vma->pte & ~QUIRE_PTE_RW);
		keep |= vma->flags & QUIRE_VM_WRITE ? QUIRE_PTE_RW : 0;
	}
	quire_tlb_begin(&tlb, t);
	token = table_enter(t);
	while (start < end && user_next_large(t, &start, end - 1, &large)) {
		if (user_change_large(t, &large, keep, bits))
			user_forget_large(t, &large, &tlb);
		start = large.start + user_large_bytes(t);
	}
	table_leave(t, token);
	quire_tlb_flush(&tlb);
}

/* ---- fork -------------------------------------------------------------------------- */

/* A copy on its way. */
struct copy {
	struct vma *to, *from;
	struct stock stock;
	struct quire_tlb tlb; /* the parent's */
	uint64_t at;
};

/* Share one leaf. Return: false if its page has as many references as can be. Locks: both T */
static bool copy_one(struct copy *c, const struct large *large)
{
	struct quire_table *to = c->to->mm->table, *from = c->from->mm->table;
	struct quire_page *page = frame_of(c->from->mm, large->entry);
	struct large slot;

	if (!frames_hold(page))
		return false;
	frame_map_again(page);
	if (user_change_large(from, large, ~(uint64_t)QUIRE_PTE_RW, 0))
		user_forget_large(from, large, &c->tlb);
	user_make_large(to, large->start, &c->stock, &slot);
	user_set_large(to, &slot,
		       large->entry & ~(uint64_t)(QUIRE_PTE_RW | QUIRE_PTE_ACCESSED));
	return true;
}

/*
 * The next leaf. Return: 1: more to come; 0: that was all; -QUIRE_ENOMEM. Two locks of one kind: as
 * in zap_copy.
 */
static int copy_next(struct copy *c) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	struct quire_table *to = c->to->mm->table, *from = c->from->mm->table;
	uintptr_t token = table_enter(from);
	bool ok = true, lacking = false;
	struct large large;
	uint32_t need = 0;
	int more = c->at < c->from->end && user_next_large(from, &c->at, c->from->end - 1, &large);

	if (more) {
		lock_take(&to->lock);
		need = user_need_large(to, c->at);
		lacking = need > c->stock.nr;
		ok = lacking || copy_one(c, &large);
		lock_drop(&to->lock);
	}
	table_leave(from, token);
	if (lacking)
		return stock_fill(&c->stock, need) ? -QUIRE_ENOMEM : 1;
	c->at = more ? large.start + user_large_bytes(from) : c->at;
	return ok ? more : -QUIRE_ENOMEM;
}

int hugetlb_copy(struct vma *to, struct vma *from)
{
	struct quire_inode *inode = quire_file_inode(from->file);
	struct copy c = { .to = to, .from = from, .stock = { .q = inode->q }, .at = from->start };
	int more;

	/* The file has shared pages: they come back by a fault. */
	if (hugetlb_shared(from))
		return 0;
	sem_write(&inode->rw, inode->q->config.host);
	quire_tlb_begin(&c.tlb, from->mm->table);
	do {
		more = copy_next(&c);
	} while (more > 0);
	quire_tlb_flush(&c.tlb);
	sem_write_drop(&inode->rw, inode->q->config.host);
	stock_empty(&c.stock);
	return more;
}

/* ---- mremap ------------------------------------------------------------------------- */

/*
 * Tables that the new place takes at the most: those that are there now may be the old place's, and
 * go when they are empty. Locks: T
 */
static uint32_t move_need(const struct quire_table *t, struct hugetlb_part part, uint64_t to)
{
	const struct format *f = t->format;
	uint64_t at = part.start, last = part.start + part.bytes - 1, before = 0;
	struct large large;
	uint32_t need = 0;
	bool first = true;

	while (at <= last && user_next_large(t, &at, last, &large)) {
		uint64_t new = large.start - part.start + to;

		for (unsigned level = 2; level < f->nr_levels; level++)
			need += first || (new ^ before) >> f->level[level].shift;
		before = new;
		first = false;
		at = large.start + user_large_bytes(t);
	}
	return need;
}

/* All leaves. Locks: T */
static void move_leaves(struct quire_table *t, struct hugetlb_part part, uint64_t to,
			struct stock *stock, struct quire_tlb *tlb)
{
	uint64_t at = part.start, last = part.start + part.bytes - 1;
	struct large large, slot;

	while (at <= last && user_next_large(t, &at, last, &large)) {
		uint64_t entry = user_take_large(t, &large, tlb);

		user_make_large(t, large.start - part.start + to, stock, &slot);
		user_set_large(t, &slot, entry);
		at = large.start + user_large_bytes(t);
	}
}

/* Return: 0; -QUIRE_ENOMEM: nothing has moved. Locks: R, M */
static int move(struct quire_table *t, struct hugetlb_part part, uint64_t to)
{
	struct stock stock = { .q = t->q };
	struct quire_tlb tlb;
	uintptr_t token;

	quire_tlb_begin(&tlb, t);
	for (;;) {
		token = table_enter(t);
		uint32_t need = move_need(t, part, to);

		if (need <= stock.nr)
			break;
		table_leave(t, token);
		if (stock_fill(&stock, need))
			return -QUIRE_ENOMEM;
	}
	move_leaves(t, part, to, &stock, &tlb);
	table_leave(t, token);
	quire_tlb_flush(&tlb);
	stock_empty(&stock);
	return 0;
}

int hugetlb_move(struct vma *from, struct hugetlb_part part, struct vma *to)
{
	struct quire_inode *inode = quire_file_inode(from->file);
	struct hugetlb_resv *resv = NULL;
	struct quire *q = inode->q;
	int error;

	if (from->huge.resv) {
		resv = hugetlb_resv_get(q, hugetlb_index(to, to->start),
					vma_pages(to) >> hugepool_order(q));
		if (!resv)
			return -QUIRE_ENOMEM;
	}
	sem_write(&inode->rw, q->config.host);
	/* Who finds leaves through the file would miss one that is on its way. */
	sem_write(&inode->maps_lock, q->config.host);
	error = move(from->mm->table, part, to->start);
	if (!error)
		hugetlb_hand_over(from, to, resv);
	sem_write_drop(&inode->maps_lock, q->config.host);
	sem_write_drop(&inode->rw, q->config.host);
	if (error && resv)
		quire_kfree(q, resv);
	return error;
}
