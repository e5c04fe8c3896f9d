/* SPDX-License-Identifier: MIT */
/*
 * leaf.c - short ranges inside one page table that is there
 */
#include "pgtable/leaf.h"

#include "core/assert.h"
#include "pgtable/table.h"

/* The page table that has all of the range, and the first entry's index. NULL: none has. Locks: T */
static void *find(const struct quire_table *t, uint64_t virt, uint64_t nr, unsigned *index)
{
	const struct format *f = t->format;
	void *contents = t->root;

	*index = format_index(f, 0, virt);
	if (nr > format_entries(f, 0) - *index)
		return NULL;
	for (unsigned level = format_root(f); level; level--) {
		uint64_t entry = table_get(t, contents, format_index(f, level, virt));

		if (!entry || format_is_leaf(f, level, entry))
			return NULL;
		contents = table_child(t, entry);
	}
	return contents;
}

/* Are these entries all in use, or all free? */
static bool all(const struct quire_table *t, const void *contents, unsigned i, uint64_t nr,
		bool used)
{
	unsigned end = i + (unsigned)nr, bytes = t->format->entry_bytes;

	for (; i < end; i++) {
		if ((entry_load(contents, i, bytes) != 0) != used)
			return false;
	}
	return true;
}

/* Count @nr entries more or, negative, less. Return: false if this table isn't counted. Locks: T */
static bool count(struct quire_table *t, void *contents, int nr)
{
	struct quire_page *page = table_page(t, contents);

	if (page->private & TABLE_SLOTS)
		return false;
	ASSERT("TABLE-3", (int)(page->private & TABLE_COUNT) + nr >= 0);
	page->private += (uintptr_t)(intptr_t)nr;
	t->nr_leaf[0] += (uint64_t)(int64_t)nr;
	return true;
}

bool leaf_map(struct quire_table *t, uint64_t virt, struct quire_page *const *pages, size_t nr,
	      quire_pte_t pte)
{
	const struct frames *frames = &t->q->frames;
	unsigned bytes = t->format->entry_bytes, i;
	uint64_t bits = format_leaf(t->format, 0, 0, pte | QUIRE_PTE_PRESENT);
	uintptr_t token = table_enter(t);
	void *contents = find(t, virt, nr, &i);
	bool simple = contents && all(t, contents, i, nr, false) && count(t, contents, (int)nr);

	for (size_t n = 0; simple && n < nr; n++) {
		uint64_t pfn = frames_pfn(frames, frames_index(frames, pages[n]));

		entry_store(contents, i + (unsigned)n, bytes, bits | pfn << QUIRE_PAGE_SHIFT);
	}
	table_leave(t, token);
	return simple;
}

bool leaf_unmap(struct quire_table *t, uint64_t virt, uint64_t nr)
{
	unsigned bytes = t->format->entry_bytes, i;
	uintptr_t token = table_enter(t);
	void *contents = find(t, virt, nr, &i);
	bool simple = contents && all(t, contents, i, nr, true) && count(t, contents, -(int)nr);

	for (unsigned end = i + (unsigned)nr; simple && i < end; i++)
		entry_take(contents, i, bytes);
	table_leave(t, token);
	return simple;
}
