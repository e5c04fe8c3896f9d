/* SPDX-License-Identifier: MIT */
/*
 * user.c - the page tables of a process: found, made, given back
 */
#include "pgtable/user.h"

#include "core/assert.h"
#include "core/string.h"

struct leaf *user_next(struct quire_table *t, uint64_t *at, uint64_t last)
{
	const struct format *f = t->format;

	for (;;) {
		uint64_t number = *at >> f->level[1].shift, end;
		struct leaf *leaf = &t->leaf[number & (NR_LEAVES - 1)];
		unsigned level;

		if (leaf->tag == (number << f->level[1].shift) + 1)
			return leaf;
		level = leaf_descend(t, *at, leaf);
		if (!level)
			return leaf;
		end = *at | ((1ull << f->level[level].shift) - 1);
		if (end >= last)
			return NULL;
		*at = end + 1;
	}
}

/* Tables below an entry of @level on the way to @virt that the way to @before has not. */
static uint32_t tables_below(const struct format *f, unsigned level, uint64_t virt,
			     uint64_t before)
{
	uint32_t need = 0;

	for (; level; level--)
		need += virt == before ||
			virt >> f->level[level].shift != before >> f->level[level].shift;
	return need;
}

uint32_t user_need(const struct quire_table *t, uint64_t virt, uint64_t before)
{
	struct leaf leaf;
	unsigned absent = leaf_descend(t, virt, &leaf);

	return tables_below(t->format, absent, virt, before);
}

uint32_t user_most(const struct quire_table *t, uint64_t virt, uint64_t before)
{
	return tables_below(t->format, format_root(t->format), virt, before);
}

struct leaf *user_make(struct quire_table *t, uint64_t virt, struct stock *stock)
{
	const struct format *f = t->format;
	void *contents = t->root;

	for (unsigned level = format_root(f); level; level--) {
		uint64_t entry = table_get(t, contents, format_index(f, level, virt));
		void *child;

		ASSERT("TABLE-2", !entry || !format_is_leaf(f, level, entry));
		if (entry) {
			child = table_child(t, entry);
		} else {
			child = table_make(t, level, contents, virt, stock);
			table_count(t, contents, 1);
		}
		contents = child;
	}
	return user_find(t, virt);
}

/* The table of @level on the way is empty: it goes, and what becomes empty above it. */
static void release(struct quire_table *t, uint64_t virt, unsigned level, struct quire_tlb *tlb)
{
	const struct format *f = t->format;
	void *way[FORMAT_LEVELS];
	bool empty = true;

	way[format_root(f)] = t->root;
	for (unsigned up = format_root(f); up > level; up--)
		way[up - 1] = table_child(t, table_get(t, way[up], format_index(f, up, virt)));
	for (unsigned up = level + 1; empty && up < f->nr_levels; up++) {
		table_set(t, up, way[up], format_index(f, up, virt), 0);
		tlb_add_table(tlb, table_page(t, way[up - 1]));
		t->nr_tables--;
		empty = table_count(t, way[up], -1);
	}
}

static void forget(struct quire_table *t, uint64_t virt)
{
	t->leaf[virt >> t->leaf_shift & (NR_LEAVES - 1)].tag = 0;
}

void user_release(struct quire_table *t, uint64_t virt, struct quire_tlb *tlb)
{
	forget(t, virt);
	release(t, virt, 0, tlb);
	tlb_add(tlb,
		(struct span){ virt & ~(uint64_t)(QUIRE_PAGE_SIZE - 1),
			       virt | (QUIRE_PAGE_SIZE - 1) },
		QUIRE_PAGE_SHIFT);
}

/* ---- Large leaves -------------------------------------------------------------- */

/* Down to level 1. Return: the level of the entry that is absent, or a leaf; 1: *@out is set */
static unsigned down(const struct quire_table *t, uint64_t virt, struct large *out)
{
	const struct format *f = t->format;
	void *contents = t->root;
	unsigned level = format_root(f);
	uint64_t entry = table_get(t, contents, format_index(f, level, virt));

	while (level > 1 && entry && !format_is_leaf(f, level, entry)) {
		contents = table_child(t, entry);
		entry = table_get(t, contents, format_index(f, --level, virt));
	}
	*out = (struct large){ .start = virt >> t->leaf_shift << t->leaf_shift,
			       .entry = entry,
			       .contents = contents,
			       .i = format_index(f, 1, virt) };
	return level;
}

uint64_t user_look_large(const struct quire_table *t, uint64_t virt)
{
	struct large large;

	return user_large(t, virt, &large)
		       ? format_split(t->format, 1, large.entry, user_index(t, virt))
		       : 0;
}

bool user_slot(const struct quire_table *t, uint64_t virt, struct large *out)
{
	return down(t, virt, out) == 1;
}

bool user_next_large(const struct quire_table *t, uint64_t *at, uint64_t last, struct large *out)
{
	const struct format *f = t->format;

	while (t->nr_leaf[1] && *at <= last) {
		unsigned level = down(t, *at, out);
		uint64_t end = *at | ((1ull << f->level[level].shift) - 1);

		if (level == 1 && out->entry && format_is_leaf(f, 1, out->entry))
			return true;
		if (end >= last)
			break;
		*at = end + 1;
	}
	return false;
}

uint32_t user_need_large(const struct quire_table *t, uint64_t virt)
{
	struct large large;

	return down(t, virt, &large) - 1;
}

void user_make_large(struct quire_table *t, uint64_t virt, struct stock *stock, struct large *out)
{
	for (unsigned level; (level = down(t, virt, out)) > 1;) {
		void *contents = t->root;

		for (unsigned up = format_root(t->format); up > level; up--)
			contents = table_child(
				t, table_get(t, contents, format_index(t->format, up, virt)));
		ASSERT("TABLE-2", !out->entry);
		table_make(t, level, contents, virt, stock);
		table_count(t, contents, 1);
	}
}

void user_set_large(struct quire_table *t, const struct large *at, uint64_t entry)
{
	ASSERT("TABLE-2", !table_get(t, at->contents, at->i));
	entry_store(at->contents, at->i, t->format->entry_bytes, entry);
	table_count(t, at->contents, 1);
	t->nr_leaf[1]++;
}

uint64_t user_take_large(struct quire_table *t, const struct large *at, struct quire_tlb *tlb)
{
	uint64_t entry = entry_take(at->contents, at->i, t->format->entry_bytes);

	t->nr_leaf[1]--;
	user_forget_large(t, at, tlb);
	if (table_count(t, at->contents, -1))
		release(t, at->start, 1, tlb);
	return entry;
}

bool user_change_large(struct quire_table *t, const struct large *at, uint64_t keep, uint64_t bits)
{
	unsigned bytes = t->format->entry_bytes;
	uint64_t entry;

	do {
		entry = entry_load(at->contents, at->i, bytes);
		if (((entry & keep) | bits) == entry)
			return false;
	} while (!entry_change(at->contents, at->i, bytes, entry, (entry & keep) | bits));
	return true;
}

void user_deposit(struct quire_table *t, struct stock *stock)
{
	struct quire_page *page = stock->first;

	ASSERT("TABLE-8", page);
	stock->first = (struct quire_page *)page->private;
	stock->nr--;
	page->private = (uintptr_t)t->deposit.first;
	t->deposit.first = page;
	t->deposit.nr++;
}

void user_withdraw(struct quire_table *t, struct quire_tlb *tlb)
{
	struct quire_page *page = t->deposit.first;

	ASSERT("TABLE-8", page);
	t->deposit.first = (struct quire_page *)page->private;
	t->deposit.nr--;
	tlb_add_table(tlb, page);
}

void user_split(struct quire_table *t, const struct large *at, uint64_t phys, uint64_t step,
		struct quire_tlb *tlb)
{
	unsigned nr = format_entries(t->format, 0), bytes = t->format->entry_bytes;
	/* Absent until the page table is filled: who finds it so faults and waits for T. */
	uint64_t entry = entry_take(at->contents, at->i, bytes);
	uint64_t part = format_leaf(t->format, 0, phys, format_pte(1, entry));
	struct leaf *leaf;

	table_count(t, at->contents, -1);
	t->nr_leaf[1]--;
	leaf = user_make(t, at->start, &t->deposit);
	for (unsigned i = 0; i < nr; i++)
		entry_store(leaf->contents, i, bytes, part + i * step);
	user_count(t, leaf, (int)nr);
	user_forget_large(t, at, tlb);
}

void user_hide(struct quire_table *t, uint64_t virt, struct quire_tlb *tlb, struct large *out)
{
	unsigned level = down(t, virt, out);
	struct quire_page *page;

	ASSERT("TABLE-2", level == 1 && out->entry && !format_is_leaf(t->format, 1, out->entry));
	page = table_page(t, table_child(t, out->entry));
	forget(t, virt);
	entry_store(out->contents, out->i, t->format->entry_bytes, 0);
	t->nr_leaf[0] -= page->private & TABLE_COUNT;
	t->nr_tables--;
	tlb_add(tlb, (struct span){ out->start, out->start + user_large_bytes(t) - 1 },
		QUIRE_PAGE_SHIFT);
}

void user_show(struct quire_table *t, const struct large *at)
{
	entry_store(at->contents, at->i, t->format->entry_bytes, at->entry);
	t->nr_leaf[0] += table_page(t, table_child(t, at->entry))->private & TABLE_COUNT;
	t->nr_tables++;
}

void user_fold(struct quire_table *t, const struct large *at, uint64_t entry)
{
	void *contents = table_child(t, at->entry);
	struct quire_page *page = table_page(t, contents);

	memset(contents, 0, QUIRE_PAGE_SIZE);
	page->private = (uintptr_t)t->deposit.first;
	t->deposit.first = page;
	t->deposit.nr++;
	entry_store(at->contents, at->i, t->format->entry_bytes, entry);
	t->nr_leaf[1]++;
}
