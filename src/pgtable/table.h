/* SPDX-License-Identifier: MIT */
/*
 * table.h - struct quire_table, its frames, and what the operations on it share
 *
 * A frame that holds a table belongs to QUIRE_OWNER_TABLE; its owner's word says its level,
 * how many of its entries are in use, and whether it stays when they are all gone.
 */
#ifndef PGTABLE_TABLE_H
#define PGTABLE_TABLE_H

#include <quire/pgtable.h>
#include <quire/port.h>

#include "arch/format.h"
#include "core/lock.h"
#include "pgtable/entry.h"
#include "phys/machine.h"

/* The owner's word of a table's frame. */
#define TABLE_COUNT 0xffffu      /* entries in use; of a root those of its own half alone */
#define TABLE_LEVEL_SHIFT 16
#define TABLE_LEVEL(word) ((unsigned)((word) >> TABLE_LEVEL_SHIFT & 7))
#define TABLE_SLOTS (1u << 19)   /* entries are set one by one (table_slots): not counted, stays */
#define TABLE_PINNED (1u << 20)  /* stays when it is empty */
#define TABLE_SEEN (1u << 21)    /* by the check that is running */

struct limbo;

/** struct stock - frames set aside for tables, so that what begins also ends */
struct stock {
	struct quire *q;
	struct quire_page *first; /* zeroed, linked by their private word */
	uint32_t nr;
};

/** struct leaf - where a page table of the kernel's is (leaf.h) */
struct leaf {
	uint64_t tag;             /* first address that it maps, + 1; 0: nothing is known */
	unsigned char *contents;
	struct quire_page *page;  /* its frame */
};

#define NR_LEAVES 128 /* 256 MB of a process, without a walk */

/** struct quire_table - one address space's tables */
struct quire_table {
	struct quire *q;
	const struct format *format;
	struct lock lock;             /* (T): entries and counts of its own half */
	struct quire_table *next;     /* the list of processes' tables (kernel's T) */
	struct quire_table *prev;
	unsigned char *root;          /* contents of its frame */
	uint64_t root_phys;
	uint64_t kernel_start;        /* first address of the kernel's half */
	uint64_t nr_tables;           /* frames (T) */
	uint64_t nr_leaf[FORMAT_LEVELS]; /* pages mapped, by level (T) */
	uint64_t serial;              /* order of creation, and of locks */
	_Atomic uint32_t nr_loaded;   /* processors that use it */
	bool kernel;                  /* it is the kernel's */
	uint8_t leaf_shift;           /* a page table maps 2^leaf_shift bytes */
	uint16_t leaf_last;           /* index of its last entry */
	struct limbo *limbo;          /* of the kernel's: tables just taken out (trim.h; T) */
	struct stock deposit;         /* of a process's: what its large leaves are split with (T) */
	struct leaf leaf[NR_LEAVES];  /* page tables found last, by address (T) */
};

/** struct pgtable - the tier's state */
struct pgtable {
	struct tier tier;
	struct quire_table kernel; /* kernel.next is the first process's table */
	uint64_t nr_created;       /* tables so far (kernel's T) */
	struct lock fix;           /* (F): the fixmap's slots, but for processors' windows */
	struct quire_table *_Atomic loaded[QUIRE_CPUS_MAX]; /* by processor */
};

/** struct span - a range of addresses, both ends included: it can end at the top */
struct span {
	uint64_t start;
	uint64_t last;
};

/** pgtable_of - the tier's state; NULL before quire_pgtable_boot */
static inline struct pgtable *pgtable_of(const struct quire *q)
{
	return (struct pgtable *)(void *)q->tier[TIER_PGTABLE];
}

/** table_contents - the entries of the table at @phys */
static inline void *table_contents(const struct quire_table *t, uint64_t phys)
{
	return t->q->direct + (uintptr_t)phys;
}

/** table_page - the frame that holds the table with these contents */
static inline struct quire_page *table_page(const struct quire_table *t, const void *contents)
{
	uint64_t phys = (uint64_t)((const unsigned char *)contents - t->q->direct);

	return quire_pfn_page(t->q, quire_phys_pfn(quire_phys(phys)));
}

/** table_get - entry @i of a table */
static inline uint64_t table_get(const struct quire_table *t, const void *contents, unsigned i)
{
	return entry_load(contents, i, t->format->entry_bytes);
}

/** table_child - the table that entry points to */
static inline void *table_child(const struct quire_table *t, uint64_t entry)
{
	return table_contents(t, format_table_phys(t->format, entry));
}

/** span_part - the part of @span, from @at on, that one entry of @level covers; its last address */
static inline uint64_t span_part(const struct format *f, unsigned level, uint64_t at, uint64_t last)
{
	uint64_t end = at | ((1ull << f->level[level].shift) - 1);

	return end < last ? end : last;
}

/** span_whole - does [@at, @end] cover an entry of @level from end to end? */
static inline bool span_whole(const struct format *f, unsigned level, uint64_t at, uint64_t end)
{
	uint64_t mask = (1ull << f->level[level].shift) - 1;

	return !(at & mask) && (end & mask) == mask;
}

/**
 * table_span - check a range and make a span of it
 * @t:     the table whose entries would change
 * @virt:  as given
 * @bytes: likewise
 * @out:   the span
 *
 * Return: true; false if it is empty, unaligned, no range of addresses, or not of this table's half
 */
bool table_span(const struct quire_table *t, uint64_t virt, uint64_t bytes, struct span *out);

/**
 * table_pte_ok - are these bits that a mapping of this table can have?
 *
 * User rights are not for the kernel's half; a global page of a process's would be seen by others.
 */
static inline bool table_pte_ok(const struct quire_table *t, quire_pte_t pte)
{
	return !(pte & ~QUIRE_PTE_BITS) && !(pte & (t->kernel ? QUIRE_PTE_USER : QUIRE_PTE_GLOBAL));
}

/** table_enter - take the table's lock. Return: the port's token */
static inline uintptr_t table_enter(struct quire_table *t)
	LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&t->lock);
	return token;
}

/** table_leave - drop it */
static inline void table_leave(struct quire_table *t, uintptr_t token)
	LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	lock_drop(&t->lock);
	quire_port_cpu_leave(token);
}

/**
 * table_set - write an entry that is absent, or becomes so
 *
 * A root entry of the kernel's half is written for all processes where the format shares them.
 * Locks: T
 */
void table_set(struct quire_table *t, unsigned level, void *contents, unsigned i, uint64_t value);

/**
 * table_make - put an empty table from the stock into an entry
 * @t:        the table
 * @level:    of the entry, above 0
 * @contents: the table that the entry is in
 * @virt:     any address that goes through it
 * @stock:    has one
 *
 * Does not count the entry. Return: the new table's contents. Locks: T
 */
void *table_make(struct quire_table *t, unsigned level, void *contents, uint64_t virt,
		 struct stock *stock);

/**
 * table_split - make a large leaf into a table of smaller ones
 * @t:        the table
 * @level:    of the leaf, above 0
 * @contents: the table that it is in
 * @i:        its index
 * @stock:    has one
 *
 * Translations stay as they are. Return: the new table's contents. Locks: T
 */
void *table_split(struct quire_table *t, unsigned level, void *contents, unsigned i,
		  struct stock *stock);

/**
 * table_splits - how many tables it takes to make a leaf's border at @virt
 * @t:      the table
 * @virt:   page aligned; 0: no border
 * @other:  a border that is made already: what it splits isn't split again; 0: none
 * @change: only a leaf that this changes counts; NULL: any
 *
 * Locks: T
 */
uint32_t table_splits(const struct quire_table *t, uint64_t virt, uint64_t other,
		      const struct quire_table_change *change);

/** table_changed - a leaf's entry after @change, its address and marks kept */
uint64_t table_changed(const struct format *f, unsigned level, uint64_t entry,
		       const struct quire_table_change *change);

/**
 * table_count - add @n to a table's count of entries in use
 * @t:        the table
 * @contents: the one whose entries came or went
 * @n:        how many; negative: fewer
 *
 * Return: true if it is empty now and may go. Locks: T
 */
bool table_count(struct quire_table *t, const void *contents, int n);

/**
 * table_lowest - the page table that has all of a range
 * @t:    the table
 * @span: the range
 *
 * Return: its contents; NULL if it takes several, or there is none. Locks: T
 */
void *table_lowest(const struct quire_table *t, struct span span);

/**
 * table_init - make an empty table in memory of the caller's
 * @q:      the machine
 * @t:      zeroed
 * @kernel: it is the kernel's own
 *
 * Return: 0; -QUIRE_ENOMEM
 */
int table_init(struct quire *q, struct quire_table *t, bool kernel);

/** table_end - give all frames of a table that nobody uses back, and leave the list */
void table_end(struct quire_table *t);

/** table_free - give a table's frame back */
void table_free(struct quire *q, struct quire_page *page);

/** stock_fill - have @need frames at least. Return: 0; -QUIRE_ENOMEM, and then there are none */
int stock_fill(struct stock *stock, uint32_t need);

/** stock_empty - give the rest back */
void stock_empty(struct stock *stock);

#endif
