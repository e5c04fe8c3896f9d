/* SPDX-License-Identifier: MIT */
/*
 * user.h - the page tables of a process, one after the other
 *
 * What user memory does to a range (give, take, protect, share) differs from entry to entry, and
 * there are many of them. So it goes over the entries itself, in a loop of its own for each page
 * table that is there:
 *
 *     token = table_enter(t);
 *     while ((leaf = user_next(t, &at, last))) {
 *             … entries of leaf->contents …
 *             if (user_count(t, leaf, nr_more_or_less)) user_release(t, at, &tlb);
 *             at = …
 *     }
 *     table_leave(t, token);
 *     quire_tlb_flush(&tlb);
 *
 * Only pages of 4 KB: there are no large ones in a process's tables.
 */
#ifndef PGTABLE_USER_H
#define PGTABLE_USER_H

#include "pgtable/leaf.h"
#include "pgtable/table.h"
#include "pgtable/tlb.h"

/** user_find - the page table of an address; NULL: there is none. Valid as long as T is held */
static inline struct leaf *user_find(struct quire_table *t, uint64_t virt)
{
	uint64_t number = virt >> t->leaf_shift;
	struct leaf *leaf = &t->leaf[number & (NR_LEAVES - 1)];

	if (likely(leaf->tag == (number << t->leaf_shift) + 1) || !leaf_descend(t, virt, leaf))
		return leaf;
	return NULL;
}

/** user_index - the entry of an address in its page table */
static inline unsigned user_index(const struct quire_table *t, uint64_t virt)
{
	return (unsigned)(virt >> QUIRE_PAGE_SHIFT) & t->leaf_last;
}

/** user_get - the entry of an address in its page table. Locks: T */
static inline uint64_t user_get(const struct quire_table *t, const struct leaf *leaf, uint64_t virt)
{
	return entry_load(leaf->contents, user_index(t, virt), t->format->entry_bytes);
}

/**
 * user_next - the first page table of a range
 * @t:    a process's table
 * @at:   where the range begins; moved to the first address in it that the page table maps
 * @last: its last address, in the user's half
 *
 * Return: NULL if there is none any more. Locks: T
 */
struct leaf *user_next(struct quire_table *t, uint64_t *at, uint64_t last);

/** user_last - the last address of [@at, @last] that the page table of @at maps */
static inline uint64_t user_last(const struct quire_table *t, uint64_t at, uint64_t last)
{
	uint64_t end = at | ((1ull << t->leaf_shift) - 1);

	return end < last ? end : last;
}

/**
 * user_need - tables that are missing on the way to an address
 * @t:      a process's table
 * @virt:   the address
 * @before: one whose way is counted already; @virt itself if there is none
 *
 * Locks: T
 */
uint32_t user_need(const struct quire_table *t, uint64_t virt, uint64_t before);

/**
 * user_most - user_need, as if there were no tables at all
 *
 * For who takes entries out on the way: tables that are there now may go.
 */
uint32_t user_most(const struct quire_table *t, uint64_t virt, uint64_t before);

/**
 * user_make - the page table of an address, made if it is missing
 * @t:     a process's table
 * @virt:  the address
 * @stock: has user_need tables
 *
 * The caller sets an entry of it before T is dropped: an empty one has no place.
 * Return: never NULL. Locks: T
 */
struct leaf *user_make(struct quire_table *t, uint64_t virt, struct stock *stock);

/**
 * user_count - count entries that have come into use, or gone
 * @t:    a process's table
 * @leaf: their page table
 * @n:    how many; negative: gone
 *
 * Return: true if it is empty now: user_release. Locks: T
 */
static inline bool user_count(struct quire_table *t, const struct leaf *leaf, int n)
{
	struct quire_page *page = leaf->page;

	ASSERT("TABLE-3", (int)(page->private & TABLE_COUNT) + n >= 0);
	page->private += (uintptr_t)(intptr_t)n;
	t->nr_leaf[0] += (uint64_t)(int64_t)n;
	return !(page->private & (TABLE_COUNT | TABLE_PINNED));
}

/** user_release - an empty page table goes, and what becomes empty above it. Locks: T */
void user_release(struct quire_table *t, uint64_t virt, struct quire_tlb *tlb);

#endif
