/* SPDX-License-Identifier: MIT */
/*
 * check.h - the invariants of address spaces
 */
#ifndef VM_CHECK_H
#define VM_CHECK_H

#include "phys/tier.h"

/** check_vm - are the rules of src/vm/README.md kept? As struct tier's check */
bool check_vm(struct quire *q, const struct tier *tier, struct quire_violation *out);

/** check_vm_hash - take all address spaces into a hash; as struct tier's hash */
uint64_t check_vm_hash(struct quire *q, const struct tier *tier, uint64_t hash);

#endif
