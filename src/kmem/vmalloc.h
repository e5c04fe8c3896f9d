/* SPDX-License-Identifier: MIT */
/*
 * vmalloc.h - areas, and the frames in them
 */
#ifndef KMEM_VMALLOC_H
#define KMEM_VMALLOC_H

#include "kmem/kspace.h"

/**
 * vmalloc_area - a range of addresses for @bytes bytes and the guard page
 * @ks:    the kernel's address space
 * @bytes: as asked
 * @align: of the address
 * @owned: it gets frames of its own
 * @out:   the range, AREA_NEW
 *
 * Return: as quire_vmalloc
 */
int vmalloc_area(struct kspace *ks, uint64_t bytes, uint64_t align, bool owned,
		 struct area **out);

/** vmalloc_unmap - empty the addresses of a range and let it go; frames are the caller's */
void vmalloc_unmap(struct kspace *ks, struct area *area);

/** vmalloc_free_frames - free the blocks of a chain */
void vmalloc_free_frames(struct quire *q, struct quire_page *first);

/** vmalloc_free - quire_vfree, _vunmap, _iounmap: end what is there as @state. Return: as they */
enum quire_vfree vmalloc_free(struct quire *q, uint64_t virt, enum area_state state);

/** vmalloc_end - give everything back, also what nobody has freed */
void vmalloc_end(struct kspace *ks);

/** vmalloc_check - KVMA rules. Return: as quire_check */
bool vmalloc_check(struct kspace *ks, struct quire_violation *out);

/** vmalloc_hash - take the areas into a hash */
uint64_t vmalloc_hash(struct kspace *ks, uint64_t hash);

#endif
