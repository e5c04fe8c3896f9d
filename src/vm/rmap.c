/* SPDX-License-Identifier: MIT */
/*
 * rmap.c - from a frame to all entries that map it
 *
 *   anonymous:       frame ── anon, and all below it ── areas ── address by the frame's index ──
 *   entry page of a file:  frame ── inode ── areas that map this page ── address ── entry
 *
 * Not each area that is found has an entry for the frame: its page may be another one, or none.
 */
#include "vm/rmap.h"

#include <quire/port.h>

#include "core/assert.h"
#include "vm/account.h"
#include "vm/anon.h"
#include "vm/frame.h"
#include "vm/hugetlb.h"
#include "vm/zap.h"

/* A search. */
struct walk {
	struct quire *q;
	const struct quire_page *page;
	uint64_t phys, index;
	struct rmap_visitor *visitor;
	uint64_t nr;
};

static struct vma *vma_of(struct interval *node)
{
	return (struct vma *)(void *)((char *)node - offsetof(struct vma, maps));
}

/* Does this area map the frame? */
static void look(struct walk *w, struct vma *vma)
{
	struct quire_table *t = vma->mm->table;
	struct rmap_entry entry = { .vma = vma, .address = vma_address(vma, w->index) };
	struct quire_tlb tlb;
	uintptr_t token;
	uint64_t value;
	bool stale = false;

	if (entry.address == VMA_NOWHERE)
		return;
	token = table_enter(t);
	entry.leaf = user_find(t, entry.address);
	entry.i = user_index(t, entry.address);
	value = entry.leaf ? table_get(t, entry.leaf->contents, entry.i)
			   : user_look_large(t, entry.address);
	if (value && (value & t->format->address) == w->phys) {
		w->nr++;
		stale = w->visitor->visit(w->visitor, &entry);
	}
	table_leave(t, token);
	if (stale) {
		quire_tlb_begin(&tlb, t);
		tlb_add(&tlb, (struct span){ entry.address, entry.address + QUIRE_PAGE_SIZE - 1 },
			QUIRE_PAGE_SHIFT);
		quire_tlb_flush(&tlb);
	}
}

static void walk_anon(struct walk *w) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	struct anon *top = (struct anon *)w->page->private;

	sem_read(&top->family->sem, w->q->config.host);
	for (struct anon *anon = top; anon; anon = anon_next(top, anon)) {
		for (struct vma *vma = anon->areas; vma; vma = vma->anon_next)
			look(w, vma);
	}
	sem_read_drop(&top->family->sem, w->q->config.host);
}

static void walk_file(struct walk *w) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	struct quire_inode *inode = pagecache_inode(w->page);
	struct interval *node = NULL;

	if (!inode)
		return;
	sem_read(&inode->maps_lock, w->q->config.host);
	while ((node = interval_next(&inode->maps, node, w->index, w->index)))
		look(w, vma_of(node));
	sem_read_drop(&inode->maps_lock, w->q->config.host);
}

uint64_t rmap_walk(struct quire *q, const struct quire_page *page, struct rmap_visitor *visitor)
{
	struct walk w = { .q = q,
			  .page = page,
			  .visitor = visitor,
			  .phys = quire_pfn_phys(quire_page_pfn(q, page)).v,
			  .index = use_index(use_of(q, page)) };

	if (frame_anon(page))
		walk_anon(&w);
	else
		walk_file(&w);
	return w.nr;
}

static bool see_locked(struct rmap_visitor *visitor, const struct rmap_entry *entry)
{
	if (entry->vma->flags & QUIRE_VM_LOCKED)
		*(bool *)visitor->ctx = true;
	return false;
}

bool rmap_mlocked(struct quire *q, const struct quire_page *page)
{
	bool locked = false;
	struct rmap_visitor visitor = { see_locked, &locked };

	rmap_walk(q, page, &visitor);
	return locked;
}

static bool see_large(struct rmap_visitor *visitor, const struct rmap_entry *entry)
{
	*(bool *)visitor->ctx |= !entry->leaf;
	return false;
}

bool rmap_huge(struct quire *q, const struct quire_page *page)
{
	bool large = false;
	struct rmap_visitor visitor = { see_large, &large };

	rmap_walk(q, page, &visitor);
	return large;
}

/* ---- For the page cache ---- */

static void unmap(struct quire_inode *inode, uint64_t first, uint64_t nr, bool private)
	LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	uint64_t last = nr - 1 > UINT64_MAX - first ? UINT64_MAX : first + nr - 1;
	struct interval *node = NULL;

	if (!nr)
		return;
	sem_read(&inode->maps_lock, inode->q->config.host);
	while ((node = interval_next(&inode->maps, node, first, last))) {
		struct vma *vma = vma_of(node);
		uint64_t start = node->first < first ? vma_address(vma, first) : vma->start;
		uint64_t end = node->last > last ? vma_address(vma, last + 1) : vma->end;

		if (hugetlb_is(vma))
			hugetlb_clear(vma, start, end);
		else if (private)
			zap_range(vma, start, end);
		else
			zap_files(vma, start, end);
	}
	sem_read_drop(&inode->maps_lock, inode->q->config.host);
}

/* Take the right to write, and the dirty mark, from an entry. */
static bool clean_entry(struct rmap_visitor *visitor, const struct rmap_entry *entry)
{
	const struct quire_table *t = entry->vma->mm->table;
	unsigned bytes = t->format->entry_bytes;
	uint64_t value;

	do {
		value = entry_load(entry->leaf->contents, entry->i, bytes);
		if (!(value & FRAME_WRITTEN))
			return false;
	} while (!entry_change(entry->leaf->contents, entry->i, bytes, value,
			       value & ~FRAME_WRITTEN));
	*(bool *)visitor->ctx |= (value & QUIRE_PTE_DIRTY) != 0;
	return true;
}

static bool clean(struct quire *q, struct quire_page *page)
{
	bool dirty = false;
	struct rmap_visitor visitor = { clean_entry, &dirty };

	rmap_walk(q, page, &visitor);
	return dirty;
}

const struct pagecache_above rmap_above = { unmap, clean, account_allow };
