/* SPDX-License-Identifier: MIT */
/*
 * slab_look.h - the kernel heap checked, hashed and counted
 */
#ifndef KMEM_SLAB_LOOK_H
#define KMEM_SLAB_LOOK_H

#include "kmem/kmem.h"

/** slab_check - the heap's part of quire_check */
bool slab_check(struct quire *q, const struct tier *tier, struct quire_violation *out);

/** slab_hash - the heap's part of quire_hash: lists and chains of all caches, in order */
uint64_t slab_hash(struct quire *q, const struct tier *tier, uint64_t hash);

/** kmem_report_leaks - report what is still allocated; ends the caches. Context: as quire_check */
void kmem_report_leaks(struct kmem *kmem);

#endif
