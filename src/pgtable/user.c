/* SPDX-License-Identifier: MIT */
/*
 * user.c - the page tables of a process: found, made, given back
 */
#include "pgtable/user.h"

#include "core/assert.h"

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

void user_release(struct quire_table *t, uint64_t virt, struct quire_tlb *tlb)
{
	const struct format *f = t->format;
	void *way[FORMAT_LEVELS];
	bool empty = true;

	way[format_root(f)] = t->root;
	for (unsigned level = format_root(f); level; level--)
		way[level - 1] = table_child(
			t, table_get(t, way[level], format_index(f, level, virt)));
	t->leaf[virt >> t->leaf_shift & (NR_LEAVES - 1)].tag = 0;
	for (unsigned level = 1; empty && level < f->nr_levels; level++) {
		table_set(t, level, way[level], format_index(f, level, virt), 0);
		tlb_add_table(tlb, table_page(t, way[level - 1]));
		t->nr_tables--;
		empty = table_count(t, way[level], -1);
	}
	tlb_add(tlb,
		(struct span){ virt & ~(uint64_t)(QUIRE_PAGE_SIZE - 1),
			       virt | (QUIRE_PAGE_SIZE - 1) },
		QUIRE_PAGE_SHIFT);
}
