/* SPDX-License-Identifier: MIT */
/*
 * leaf.c - short ranges inside one page table that is there
 */
#include "pgtable/leaf.h"

#include "core/assert.h"
#include "pgtable/table.h"

/* The way down, for each size of entries. Return: the level that it ended at */
static WITHIN unsigned way(const struct quire_table *t, uint64_t virt, unsigned bytes,
			   unsigned char **out)
{
	const unsigned char *direct = t->q->direct;
	uint64_t address = t->format->address, entry;
	const struct format_level *at = &t->format->level[format_root(t->format)];
	unsigned char *contents = t->root;

	for (; at > t->format->level; at--) {
		entry = entry_load(contents, (unsigned)(virt >> at->shift) & ((1u << at->bits) - 1),
				   bytes);
		if (!entry || (at->leaf && (entry & ENTRY_PS)))
			break;
		contents = (unsigned char *)(uintptr_t)direct + (uintptr_t)(entry & address);
	}
	*out = contents;
	return (unsigned)(at - t->format->level);
}

APART unsigned leaf_descend(const struct quire_table *t, uint64_t virt, struct leaf *leaf)
{
	const struct frames *frames = &t->q->frames;
	unsigned char *contents;
	unsigned level = t->format->entry_bytes == 8 ? way(t, virt, 8, &contents)
						     : way(t, virt, 4, &contents);
	struct quire_page *page;

	if (level)
		return level;
	page = frames_at(frames, (uint64_t)(contents - t->q->direct) >> QUIRE_PAGE_SHIFT);
	if (unlikely(frames_twice(frames, page)))
		page = table_page(t, contents);
	*leaf = (struct leaf){ (virt >> t->leaf_shift << t->leaf_shift) + 1, contents, page };
	return 0;
}

/* The same, but for those whose entries are set one by one. */
static COLD bool descend(const struct quire_table *t, uint64_t virt, struct leaf *leaf)
{
	struct leaf found;

	if (leaf_descend(t, virt, &found) || (found.page->private & TABLE_SLOTS))
		return false;
	*leaf = found;
	return true;
}

/* The page table that has all of the range, NULL if none has. Locks: T */
static inline const struct leaf *find(struct quire_table *t, uint64_t virt, uint64_t nr)
{
	unsigned shift = t->format->level[1].shift;
	uint64_t number = virt >> shift;
	struct leaf *leaf = &t->leaf[number & (NR_LEAVES - 1)];

	if ((virt + (nr << QUIRE_PAGE_SHIFT) - 1) >> shift != number)
		return NULL;
	return leaf->tag == (number << shift) + 1 || descend(t, virt, leaf) ? leaf : NULL;
}

/* Count @nr entries more or, negative, less. Locks: T */
static inline void count(struct quire_table *t, const struct leaf *leaf, int nr)
{
	ASSERT("TABLE-3", (int)(leaf->page->private & TABLE_COUNT) + nr >= 0);
	leaf->page->private += (uintptr_t)(intptr_t)nr;
	t->nr_leaf[0] += (uint64_t)(int64_t)nr;
}

/* The loops over entries, for each size of them. Return: false if one is not as it should be */
static WITHIN bool map(const struct quire_table *t, unsigned char *first, unsigned bytes,
		       struct quire_page *const *pages, size_t nr, uint64_t bits)
{
	const struct frames *frames = &t->q->frames;

	for (size_t n = 0; n < nr; n++) {
		if (unlikely(entry_load(first, (unsigned)n, bytes)))
			return false;
	}
	for (size_t n = 0; n < nr; n++) {
		uint64_t pfn = frames_pfn(frames, frames_index(frames, pages[n]));

		entry_store(first, (unsigned)n, bytes, bits | pfn << QUIRE_PAGE_SHIFT);
	}
	return true;
}

static WITHIN bool unmap(unsigned char *first, unsigned bytes, size_t nr)
{
	for (size_t n = 0; n < nr; n++) {
		if (unlikely(!entry_load(first, (unsigned)n, bytes)))
			return false;
	}
	for (size_t n = 0; n < nr; n++)
		entry_take(first, (unsigned)n, bytes);
	return true;
}

bool leaf_map(struct quire_table *t, uint64_t virt, struct quire_page *const *pages, size_t nr,
	      quire_pte_t pte)
{
	uint64_t bits = format_leaf(t->format, 0, 0, pte | QUIRE_PTE_PRESENT);
	uintptr_t token = table_enter(t);
	const struct leaf *leaf = find(t, virt, nr);
	unsigned i = format_index(t->format, 0, virt);
	bool done = false;

	if (likely(leaf)) {
		done = t->format->entry_bytes == 8
			       ? map(t, leaf->contents + i * 8, 8, pages, nr, bits)
			       : map(t, leaf->contents + i * 4, 4, pages, nr, bits);
		if (likely(done))
			count(t, leaf, (int)nr);
	}
	table_leave(t, token);
	return done;
}

bool leaf_unmap(struct quire_table *t, uint64_t virt, uint64_t nr)
{
	uintptr_t token = table_enter(t);
	const struct leaf *leaf = find(t, virt, nr);
	unsigned i = format_index(t->format, 0, virt);
	bool done = false;

	if (likely(leaf)) {
		done = t->format->entry_bytes == 8
			       ? unmap(leaf->contents + i * 8, 8, (size_t)nr)
			       : unmap(leaf->contents + i * 4, 4, (size_t)nr);
		if (likely(done))
			count(t, leaf, -(int)nr);
	}
	table_leave(t, token);
	return done;
}

void leaf_forget(struct quire_table *t)
{
	for (unsigned i = 0; i < NR_LEAVES; i++)
		t->leaf[i].tag = 0;
}
