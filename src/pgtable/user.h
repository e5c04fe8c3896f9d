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
 * Large leaves are entries of level 1, where else a pointer to a page table is. Those loops pass
 * over them; a range that may have some is gone over twice, the second time by user_next_large.
 * Who asks for one page asks user_look, which tells what a page table would say.
 *
 *     level 1   [ page table ][ large leaf ][ empty ]     struct large: such an entry
 *
 * So that a large leaf can always be split, tables may be set aside for it (user_deposit).
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

/** user_look_large - the rest of user_look: there is no page table */
uint64_t user_look_large(const struct quire_table *t, uint64_t virt);

/**
 * user_look - the entry of 4 KB at an address; of a large leaf the part that is there
 *
 * Return: 0: nothing is mapped. Locks: T
 */
static inline uint64_t user_look(struct quire_table *t, uint64_t virt)
{
	const struct leaf *leaf = user_find(t, virt);

	return likely(leaf) ? user_get(t, leaf, virt) : user_look_large(t, virt);
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

/* ---- Large leaves -------------------------------------------------------------- */

/** struct large - an entry of level 1, of a large leaf or where one may be */
struct large {
	uint64_t start;          /* first address that it maps */
	uint64_t entry;          /* what it was when it was found */
	unsigned char *contents; /* the table that it is in */
	unsigned i;              /* its place there */
};

/** user_large_bytes - what a large leaf maps */
static inline uint64_t user_large_bytes(const struct quire_table *t)
{
	return 1ull << t->leaf_shift;
}

/** user_large_phys - the first address that a large leaf maps to */
static inline uint64_t user_large_phys(const struct quire_table *t, uint64_t entry)
{
	return format_leaf_phys(t->format, 1, entry);
}

/** user_slot - an address's entry of level 1. Return: false if its table is missing. Locks: T */
bool user_slot(const struct quire_table *t, uint64_t virt, struct large *out);

/** user_large - the large leaf of an address. Return: false if there is none. Locks: T */
static inline bool user_large(const struct quire_table *t, uint64_t virt, struct large *out)
{
	return t->nr_leaf[1] && user_slot(t, virt, out) && out->entry &&
	       format_is_leaf(t->format, 1, out->entry);
}

/**
 * user_next_large - the first large leaf of a range
 * @t:    a process's table
 * @at:   where the range begins; moved to the first address in it that the leaf maps
 * @last: its last address, in the user's half
 * @out:  the leaf
 *
 * Return: false if there is none any more. Locks: T
 */
bool user_next_large(const struct quire_table *t, uint64_t *at, uint64_t last, struct large *out);

/** user_need_large - tables that are missing to have a large leaf at an address. Locks: T */
uint32_t user_need_large(const struct quire_table *t, uint64_t virt);

/**
 * user_make_large - user_slot, with the tables above made if they are missing
 * @t:     a process's table
 * @virt:  an address of the leaf to come
 * @stock: has user_need_large tables
 * @out:   the entry, empty or in use
 *
 * If it is empty the caller fills it in before T is dropped. Locks: T
 */
void user_make_large(struct quire_table *t, uint64_t virt, struct stock *stock, struct large *out);

/** user_set_large - fill in an entry that is empty; counted. Locks: T */
void user_set_large(struct quire_table *t, const struct large *at, uint64_t entry);

/**
 * user_take_large - clear a large leaf; what becomes empty above it goes
 *
 * Return: what it was, with what the processor marked until then. Locks: T
 */
uint64_t user_take_large(struct quire_table *t, const struct large *at, struct quire_tlb *tlb);

/**
 * user_change_large - give a large leaf other bits
 * @t:    a process's table
 * @at:   the leaf
 * @keep: what stays of it
 * @bits: what it gets
 *
 * Return: whether it has changed: then user_forget_large is the caller's. Locks: T
 */
bool user_change_large(struct quire_table *t, const struct large *at, uint64_t keep, uint64_t bits);

/** user_forget_large - have TLBs forget a large leaf, when the gathering is flushed */
static inline void user_forget_large(const struct quire_table *t, const struct large *at,
				     struct quire_tlb *tlb)
{
	tlb_add(tlb, (struct span){ at->start, at->start + user_large_bytes(t) - 1 },
		t->leaf_shift);
}

/** user_deposit - set one table of the stock aside to split a large leaf with. Locks: T */
void user_deposit(struct quire_table *t, struct stock *stock);

/** user_withdraw - a large leaf that had one is gone: so is its table. Locks: T */
void user_withdraw(struct quire_table *t, struct quire_tlb *tlb);

/**
 * user_split - make a large leaf into a page table, with a table that was set aside
 * @t:    a process's table
 * @at:   the leaf
 * @phys: address that its first entry maps
 * @step: from one entry's to the next
 * @tlb:  of the table
 *
 * Never fails; rights and marks are as they were, and translations, if the leaf's address and the
 * size of a page are given. Locks: T
 */
void user_split(struct quire_table *t, const struct large *at, uint64_t phys, uint64_t step,
		struct quire_tlb *tlb);

/**
 * user_hide - take a page table out of its entry for a while, its own entries as they are
 * @t:    a process's table
 * @virt: an address that it maps; there is one
 * @tlb:  of the table
 * @out:  where it was
 *
 * The entry is empty, but counted: nobody else may fill it in or ask for the table (the caller has
 * mm->sem for writing). user_show or user_fold ends that. Locks: T, which may be dropped until then
 */
void user_hide(struct quire_table *t, uint64_t virt, struct quire_tlb *tlb, struct large *out);

/** user_show - put it back. Locks: T */
void user_show(struct quire_table *t, const struct large *at);

/**
 * user_fold - put a large leaf in its place instead, and set the table aside to split it again
 * @t:     a process's table
 * @at:    by user_hide; TLBs have been flushed since
 * @entry: the leaf
 *
 * What its entries mapped is the caller's. Locks: T
 */
void user_fold(struct quire_table *t, const struct large *at, uint64_t entry);

#endif
