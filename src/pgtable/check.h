/* SPDX-License-Identifier: MIT */
/*
 * check.h - the invariants of page tables
 */
#ifndef PGTABLE_CHECK_H
#define PGTABLE_CHECK_H

#include "phys/tier.h"

/** check_tables - are the rules of src/pgtable/README.md kept? As struct tier's check */
bool check_tables(struct quire *q, const struct tier *tier, struct quire_violation *out);

/** check_hash - take all entries of all tables into a hash; as struct tier's hash */
uint64_t check_hash(struct quire *q, const struct tier *tier, uint64_t hash);

#endif
