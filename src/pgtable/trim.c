/* SPDX-License-Identifier: MIT */
/*
 * trim.c - give back tables that have become empty and stayed
 *
 * The kernel's tables stay when their last entry goes: what was mapped once is soon
 * mapped again there (vmalloc), and on two-level i386 each process's root points to them.
 */
#include "core/assert.h"
#include "pgtable/leaf.h"
#include "pgtable/tlb.h"

/* Take out the empty tables below @table. Return: how many entries of @table are gone */
static int trim(struct quire_table *t, struct quire_tlb *tlb, unsigned level, void *table)
{
	const struct format *f = t->format;
	bool shared = level == format_root(f) && f->nr_levels > 2;
	int gone = 0;

	for (unsigned i = 0; i < format_entries(f, level); i++) {
		uint64_t entry = table_get(t, table, i);
		struct quire_page *page;

		if (!entry || format_is_leaf(f, level, entry))
			continue;
		if (level > 1)
			trim(t, tlb, level - 1, table_child(t, entry));
		page = table_page(t, table_child(t, entry));
		if (shared || (page->private & (TABLE_COUNT | TABLE_PINNED | TABLE_SLOTS)))
			continue;
		table_set(t, level, table, i, 0);
		tlb_add_table(tlb, page);
		t->nr_tables--;
		gone++;
	}
	if (gone)
		table_count(t, table, -gone);
	return gone;
}

uint64_t quire_table_trim(struct quire_table *table)
{
	struct quire_tlb tlb;
	uintptr_t token;
	uint64_t before, after;

	if (!table->kernel)
		return 0; /* a process's empty tables are gone already */
	quire_tlb_begin(&tlb, table);
	token = table_enter(table);
	before = table->nr_tables;
	leaf_forget(table);
	trim(table, &tlb, format_root(table->format), table->root);
	after = table->nr_tables;
	table_leave(table, token);
	if (after != before)
		tlb_add(&tlb, (struct span){ 0, UINT64_MAX }, QUIRE_PAGE_SHIFT);
	quire_tlb_flush(&tlb);
	return before - after;
}
