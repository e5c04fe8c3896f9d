/* SPDX-License-Identifier: MIT */
/*
 * fixmap.h - fixed addresses, each with a purpose
 *
 * Their page tables are made at boot, so that setting one never fails for want of memory.
 * Which windows are open is read from the entries themselves.
 */
#ifndef PGTABLE_FIXMAP_H
#define PGTABLE_FIXMAP_H

#include <quire/pgtable.h>

#include "pgtable/layout.h"

/**
 * fixmap_make - make the tables of all fixed addresses
 * @table:  the kernel's
 * @layout: of its machine
 *
 * Return: 0; -QUIRE_ENOMEM
 */
int fixmap_make(struct quire_table *table, const struct quire_layout *layout);

/** fixmap_entry - the entry of a slot, for slots_set and slots_clear */
void *fixmap_entry(const struct quire *q, unsigned slot);

/** fixmap_check - are the guard page, and what is between the slots, empty? As quire_check */
bool fixmap_check(const struct quire *q, struct quire_violation *out);

/** fixmap_hash - take the slots into a hash, but for the processors' windows */
uint64_t fixmap_hash(const struct quire *q, uint64_t hash);

#endif
