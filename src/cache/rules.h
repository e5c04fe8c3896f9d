/* SPDX-License-Identifier: MIT */
/*
 * rules.h - the rules of the page cache, and its hash
 */
#ifndef CACHE_RULES_H
#define CACHE_RULES_H

#include "phys/machine.h"

/** rules_check - struct tier's check */
bool rules_check(struct quire *q, const struct tier *tier, struct quire_violation *out);

/** rules_hash - struct tier's hash */
uint64_t rules_hash(struct quire *q, const struct tier *tier, uint64_t hash);

#endif
