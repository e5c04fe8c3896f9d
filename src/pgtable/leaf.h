/* SPDX-License-Identifier: MIT */
/*
 * leaf.h - short ranges inside one page table that is there
 *
 * What quire_table_map_pages and quire_table_unmap do for any range, for the common case alone:
 * vmalloc's areas are a few pages, and the kernel's page tables stay. It is seen on the way
 * whether this is the case: nothing to plan, nothing that can fail.
 */
#ifndef PGTABLE_LEAF_H
#define PGTABLE_LEAF_H

#include <quire/pgtable.h>

struct leaf;

/**
 * leaf_map - map single frames if one page table has room for all
 * @t:     the kernel's table
 * @virt:  page aligned, in the kernel's half
 * @pages: frames of the machine
 * @nr:    how many, not 0
 * @pte:   QUIRE_PTE_… without USER
 *
 * Return: false if it is not that simple: then nothing has changed, quire_table_map_pages does it
 * Locks:  takes T
 */
bool leaf_map(struct quire_table *t, uint64_t virt, struct quire_page *const *pages, size_t nr,
	      quire_pte_t pte);

/**
 * leaf_unmap - unmap single pages if one page table has them all
 * @t:    the kernel's table
 * @virt: page aligned, in the kernel's half
 * @nr:   how many, not 0
 *
 * The caller flushes the TLBs before the addresses are used again.
 *
 * Return: false if it is not that simple: then nothing has changed
 * Locks:  takes T
 */
bool leaf_unmap(struct quire_table *t, uint64_t virt, uint64_t nr);

/**
 * leaf_descend - find the page table of an address on the way down from the root
 * @t:    any table
 * @virt: any address of its half
 * @leaf: filled in if there is one
 *
 * Return: 0 if there is one; else the level of the entry that is absent, or a large page. Locks: T
 */
unsigned leaf_descend(const struct quire_table *t, uint64_t virt, struct leaf *leaf);

/** leaf_forget - page tables may go: forget where they are. Locks: T */
void leaf_forget(struct quire_table *t);

#endif
