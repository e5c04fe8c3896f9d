/* SPDX-License-Identifier: MIT */
/*
 * slots.h - addresses of the kernel's whose entries are set one by one
 *
 * The windows of kmap and the fixmap are opened and closed all the time, each by one owner:
 * their page tables are made ahead, never go, and their entries are written without the
 * table's lock. Such a page table is not counted.
 */
#ifndef PGTABLE_SLOTS_H
#define PGTABLE_SLOTS_H

#include "pgtable/table.h"

/**
 * slots_make - make the page tables of a range ahead
 * @t:     the kernel's table
 * @virt:  page aligned
 * @bytes: a multiple of the page size
 *
 * Return: 0; -QUIRE_ENOMEM; -QUIRE_EEXIST if a large page lies there; -QUIRE_EINVAL
 * Locks:  takes T
 */
int slots_make(struct quire_table *t, quire_virt_t virt, uint64_t bytes);

/**
 * slots_find - the entry of an address in a range that was made
 * @t:    the kernel's table
 * @virt: in it
 *
 * Return: where the entry is, for slots_set and slots_get; valid as long as the table
 */
void *slots_find(const struct quire_table *t, quire_virt_t virt);

/** slots_set - map a slot that is empty. @pte: QUIRE_PTE_… without USER */
static inline void slots_set(const struct quire_table *t, void *slot, quire_phys_t phys,
			     quire_pte_t pte)
{
	entry_store(slot, 0, t->format->entry_bytes,
		    format_leaf(t->format, 0, phys.v, pte | QUIRE_PTE_PRESENT));
}

/** slots_clear - empty a slot. The caller flushes the TLB before it is used again */
static inline void slots_clear(const struct quire_table *t, void *slot)
{
	entry_take(slot, 0, t->format->entry_bytes);
}

/** slots_get - what a slot maps. Return: false if it is empty */
static inline bool slots_get(const struct quire_table *t, const void *slot, quire_phys_t *phys)
{
	uint64_t entry = entry_load(slot, 0, t->format->entry_bytes);

	phys->v = format_leaf_phys(t->format, 0, entry);
	return entry != 0;
}

#endif
