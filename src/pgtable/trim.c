/* SPDX-License-Identifier: MIT */
/*
 * trim.c - give back tables that have become empty and stayed
 *
 * The kernel's tables stay when their last entry goes: what was mapped once is soon
 * mapped again there (vmalloc), and on two-level i386 each process's root points to them.
 *
 *   entry ──> table      take out      entry: 0   limbo: table      flush      frame
 *                       ──────────>        │  ^      │            ────────>
 *                                          └──┴──────┘ wanted again: the same one
 *
 * Until the flush is done another processor may still go through the old entry, to the empty table.
 * So whoever maps something there meanwhile gets that table back, and nobody uses another in
 * its place, be it a table or a large page.
 *
 * Source: Intel SDM vol. 3A, 4.10.3.1 (caches for paging structures)
 */
#include "pgtable/trim.h"

#include "core/assert.h"
#include "pgtable/leaf.h"
#include "pgtable/tlb.h"

/* One number for all addresses that a table of @level maps, and for no others. */
static uint64_t limbo_key(const struct format *f, unsigned level, uint64_t virt)
{
	uint64_t meant = virt & ((1ull << f->virt_bits) - 1);

	return (meant >> f->level[level + 1].shift) * FORMAT_LEVELS + level;
}

/* The place of that table in limbo. Return: NULL if it is not there. Locks: T */
static struct quire_page **find(const struct quire_table *t, unsigned level, uint64_t virt)
{
	uint64_t key = limbo_key(t->format, level, virt);

	for (struct limbo *limbo = t->limbo; limbo; limbo = limbo->next) {
		for (unsigned i = 0; i < limbo->nr; i++) {
			if (limbo->table[i].page && limbo->table[i].key == key)
				return &limbo->table[i].page;
		}
	}
	return NULL;
}

bool limbo_has(const struct quire_table *t, unsigned level, uint64_t virt)
{
	return find(t, level, virt);
}

struct quire_page *limbo_take(struct quire_table *t, unsigned level, uint64_t virt)
{
	struct quire_page **place = find(t, level, virt), *page = place ? *place : NULL;

	if (place)
		*place = NULL;
	ASSERT("TABLE-7", !page || !(page->private & (TABLE_COUNT | TABLE_PINNED | TABLE_SLOTS)));
	return page;
}

/* Take out the empty tables below @table, whose first address is @virt. Locks: T */
static void take_out(struct quire_table *t, struct limbo *limbo, unsigned level, void *table,
		     uint64_t virt)
{
	const struct format *f = t->format;
	bool shared = level == format_root(f) && f->nr_levels > 2;
	int gone = 0;

	for (unsigned i = 0; i < format_entries(f, level) && limbo->nr < LIMBO_TABLES; i++) {
		uint64_t entry = table_get(t, table, i);
		uint64_t at = virt + ((uint64_t)i << f->level[level].shift);
		struct quire_page *page;

		if (!entry || format_is_leaf(f, level, entry))
			continue;
		if (level > 1)
			take_out(t, limbo, level - 1, table_child(t, entry), at);
		page = table_page(t, table_child(t, entry));
		if (shared || limbo->nr == LIMBO_TABLES ||
		    (page->private & (TABLE_COUNT | TABLE_PINNED | TABLE_SLOTS)))
			continue;
		table_set(t, level, table, i, 0);
		limbo->table[limbo->nr].page = page;
		limbo->table[limbo->nr++].key = limbo_key(f, level - 1, at);
		t->nr_tables--;
		gone++;
	}
	if (gone)
		table_count(t, table, -gone);
}

/* What nobody wanted back leaves the list. Locks: T */
static void leave_limbo(struct quire_table *t, const struct limbo *limbo)
{
	struct limbo **link = &t->limbo;

	while (*link != limbo) {
		ASSERT("TABLE-7", *link);
		link = &(*link)->next;
	}
	*link = limbo->next;
}

/* As many as fit a limbo. Return: how many were given back. @more: there may be others */
static uint64_t round_of(struct quire_table *t, bool *more)
{
	struct limbo limbo = { .nr = 0 };
	struct quire_tlb tlb;
	uint64_t nr = 0;
	uintptr_t token = table_enter(t);

	leaf_forget(t);
	take_out(t, &limbo, format_root(t->format), t->root, 0);
	limbo.next = t->limbo;
	t->limbo = &limbo;
	table_leave(t, token);
	quire_tlb_begin(&tlb, t);
	if (limbo.nr)
		tlb_add(&tlb, (struct span){ 0, UINT64_MAX }, QUIRE_PAGE_SHIFT);
	quire_tlb_flush(&tlb);
	token = table_enter(t);
	leave_limbo(t, &limbo);
	table_leave(t, token);
	for (unsigned i = 0; i < limbo.nr; i++) {
		if (!limbo.table[i].page)
			continue;
		table_free(t->q, limbo.table[i].page);
		nr++;
	}
	*more = limbo.nr == LIMBO_TABLES;
	return nr;
}

uint64_t quire_table_trim(struct quire_table *table)
{
	uint64_t nr = 0;
	bool more = table->kernel; /* a process's empty tables are gone already */

	while (more)
		nr += round_of(table, &more);
	return nr;
}
