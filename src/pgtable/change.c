/* SPDX-License-Identifier: MIT */
/*
 * change.c - unmap and protect ranges
 *
 * Where a range ends inside of a large page, the page is split first. Only the two ends can
 * need that, so what it takes is known before anything changes: the tables are set aside
 * (stock), and from there on nothing fails.
 */
#include "core/assert.h"
#include "pgtable/leaf.h"
#include "pgtable/table.h"
#include "pgtable/tlb.h"

/* What is to be done to a range. */
struct change {
	struct quire_table *t;
	const struct format *f;
	struct stock stock;
	struct quire_tlb *tlb;
	const struct quire_table_change *bits; /* NULL: unmap */
	bool done;                             /* an entry has changed */
	bool emptied;                          /* a page table is empty, its entry is still there */
	unsigned shift;                        /* of the smallest page that has */
};

static void note(struct change *c, unsigned level)
{
	c->done = true;
	if (c->f->level[level].shift < c->shift)
		c->shift = c->f->level[level].shift;
}

/* Clear a leaf. */
static void drop(struct change *c, unsigned level, void *table, unsigned i)
{
	if (level == format_root(c->f))
		table_set(c->t, level, table, i, 0);
	else
		entry_take(table, i, c->f->entry_bytes);
	note(c, level);
}

/* Change a leaf's bits; what the processor marks meanwhile is kept. */
static void alter(struct change *c, unsigned level, void *table, unsigned i)
{
	uint64_t old, value;

	do {
		old = table_get(c->t, table, i);
		value = table_changed(c->f, level, old, c->bits);
		if (value == old)
			return;
	} while (!entry_change(table, i, c->f->entry_bytes, old, value));
	if (level == format_root(c->f))
		table_set(c->t, level, table, i, value);
	note(c, level);
}

/* The loop, once for each size of entries. Return: how many were in use */
static WITHIN int clear_pages(void *table, unsigned i, unsigned last, unsigned bytes)
{
	int nr = 0;

	for (; i <= last; i++) {
		if (!entry_load(table, i, bytes))
			continue;
		entry_take(table, i, bytes);
		nr++;
	}
	return nr;
}

/* The entries of a page table. Return: how many are gone */
static int change_pages(struct change *c, void *table, struct span span)
{
	unsigned i = format_index(c->f, 0, span.start), last = format_index(c->f, 0, span.last);
	int nr;

	for (; c->bits && i <= last; i++) {
		if (table_get(c->t, table, i))
			alter(c, 0, table, i);
	}
	if (c->bits)
		return 0;
	nr = c->f->entry_bytes == 8 ? clear_pages(table, i, last, 8)
				    : clear_pages(table, i, last, 4);
	if (nr)
		note(c, 0);
	return nr;
}

/* A table that has become empty leaves its entry. */
static void release(struct change *c, unsigned level, void *table, unsigned i, void *child)
{
	table_set(c->t, level, table, i, 0);
	leaf_forget(c->t);
	tlb_add_table(c->tlb, table_page(c->t, child));
	c->t->nr_tables--;
}

/* Change what @table maps of the range. Return: true if it is empty now and may go */
static bool change(struct change *c, unsigned level, void *table, struct span span)
{
	int gone = 0;

	if (level == 0 && c->emptied)
		return true;
	if (level == 0) {
		gone = change_pages(c, table, span);
		return gone && table_count(c->t, table, -gone);
	}
	for (uint64_t at = span.start, end;; at = end + 1) {
		unsigned i = format_index(c->f, level, at);
		uint64_t entry = table_get(c->t, table, i);
		void *child;

		end = span_part(c->f, level, at, span.last);
		if (!entry) {
			;
		} else if (!format_is_leaf(c->f, level, entry)) {
			child = table_child(c->t, entry);
			if (change(c, level - 1, child, (struct span){ at, end })) {
				release(c, level, table, i, child);
				gone++;
			}
		} else if (c->bits && table_changed(c->f, level, entry, c->bits) == entry) {
			;
		} else if (!span_whole(c->f, level, at, end)) {
			child = table_split(c->t, level, table, i, &c->stock);
			change(c, level - 1, child, (struct span){ at, end });
		} else if (c->bits) {
			alter(c, level, table, i);
		} else {
			drop(c, level, table, i);
			c->t->nr_leaf[level]--;
			gone++;
		}
		if (end == span.last)
			break;
	}
	return gone && table_count(c->t, table, -gone);
}

/* Tables that it takes to make borders at both ends. */
static uint32_t plan(const struct change *c, struct span span)
{
	uint32_t need;

	if (!(c->t->nr_leaf[1] | c->t->nr_leaf[2]))
		return 0; /* there are no large pages */
	need = table_splits(c->t, span.start, 0, c->bits);

	if (span.last != UINT64_MAX && format_canonical(c->f, span.last + 1))
		need += table_splits(c->t, span.last + 1, span.start, c->bits);
	return need;
}

static int run(struct change *c, struct span span)
{
	uintptr_t token;
	uint32_t need;
	void *table;
	int gone;

	c->stock.q = c->t->q;
	c->shift = 63;
	for (;;) {
		token = table_enter(c->t);
		/* Mostly a part of one page table, which stays. */
		table = table_lowest(c->t, span);
		need = table ? 0 : plan(c, span);
		if (need <= c->stock.nr)
			break;
		table_leave(c->t, token);
		if (stock_fill(&c->stock, need))
			return -QUIRE_ENOMEM;
	}
	gone = table ? change_pages(c, table, span) : 0;
	c->emptied = gone && table_count(c->t, table, -gone);
	/* If it goes all the same: once more, from the top, for the entries that lead to it. */
	if (!table || c->emptied)
		change(c, format_root(c->f), c->t->root, span);
	if (c->done)
		tlb_add(c->tlb, span, c->shift);
	table_leave(c->t, token);
	if (c->stock.nr)
		stock_empty(&c->stock);
	return 0;
}

/* With the caller's gathering, or with one of our own that is flushed at once. */
static int run_flushed(struct quire_table *t, struct span span,
		       const struct quire_table_change *bits, struct quire_tlb *tlb)
{
	struct quire_tlb own;
	struct change c = { .t = t, .f = t->format, .tlb = tlb ? tlb : &own, .bits = bits };
	int error;

	quire_tlb_begin(&own, t);
	error = run(&c, span);
	if (!tlb)
		quire_tlb_flush(&own);
	return error;
}

int quire_table_unmap(struct quire_table *table, quire_virt_t virt, uint64_t bytes,
		      struct quire_tlb *tlb)
{
	struct span span;

	if (!table_span(table, virt.v, bytes, &span) || (tlb && tlb->table != table))
		return -QUIRE_EINVAL;
	return run_flushed(table, span, NULL, tlb);
}

int quire_table_protect(struct quire_table *table, quire_virt_t virt, uint64_t bytes,
			struct quire_table_change bits, struct quire_tlb *tlb)
{
	struct span span;

	if (!table_span(table, virt.v, bytes, &span) || (tlb && tlb->table != table) ||
	    !table_pte_ok(table, bits.set) ||
	    ((bits.set | bits.clear) & ~(QUIRE_PTE_BITS & ~QUIRE_PTE_PRESENT)))
		return -QUIRE_EINVAL;
	return run_flushed(table, span, &bits, tlb);
}
