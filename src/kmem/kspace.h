/* SPDX-License-Identifier: MIT */
/*
 * kspace.h - the kernel's address space: the tier's state
 */
#ifndef KMEM_KSPACE_H
#define KMEM_KSPACE_H

#include <quire/layout.h>
#include <quire/pgtable.h>
#include <quire/slab.h>

#include "kmem/kmap.h"
#include "kmem/vmalloc_area.h"
#include "pgtable/fixmap.h"
#include "pgtable/layout.h"
#include "phys/machine.h"

/** struct kspace - constant after boot, but for what says otherwise */
struct kspace {
	struct tier tier;
	struct quire *q;
	struct quire_table *table; /* the kernel's */
	struct quire_layout layout;
	struct quire_cache *areas; /* struct area */
	struct quire_cache *nodes; /* struct tree_node */
	struct vmap vmap;
	struct kmap kmap;
};

/** kspace_of - the state; NULL before quire_kernel_boot */
static inline struct kspace *kspace_of(const struct quire *q)
{
	return (struct kspace *)(void *)q->tier[TIER_KSPACE];
}

/** kspace_flush - make all processors forget [@start, @end). Locks: none held */
void kspace_flush(struct kspace *ks, uint64_t start, uint64_t end);

/** kspace_trim - give back the kernel's empty tables, unless this processor may not flush */
uint64_t kspace_trim(struct kspace *ks);

/** kspace_flush_local - make this processor forget the page at @virt. Context: also when entered */
void kspace_flush_local(struct kspace *ks, uint64_t virt);

#endif
