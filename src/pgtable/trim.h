/* SPDX-License-Identifier: MIT */
/*
 * trim.h - tables that were taken out, until no TLB knows of them
 */
#ifndef PGTABLE_TRIM_H
#define PGTABLE_TRIM_H

#include "pgtable/table.h"

/* Tables taken out with one flush. */
#define LIMBO_TABLES 32

/** struct limbo - empty tables without an entry, on the stack of who takes them out */
struct limbo {
	struct limbo *next; /* of another processor (T) */
	unsigned nr;        /* (T) */
	struct {
		struct quire_page *page; /* NULL: it has its entry again */
		uint64_t key;            /* limbo_key of its addresses */
	} table[LIMBO_TABLES];           /* (T) */
};

/**
 * limbo_take - have a table back that was just taken out
 * @t:     the kernel's table
 * @level: of the table wanted
 * @virt:  any address that it maps
 *
 * Return: its frame, all entries empty, to be put into the same entry; NULL if there is none
 * Locks:  T
 */
struct quire_page *limbo_take(struct quire_table *t, unsigned level, uint64_t virt);

/** limbo_has - is there one for limbo_take? Locks: T */
bool limbo_has(const struct quire_table *t, unsigned level, uint64_t virt);

#endif
