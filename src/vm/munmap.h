/* SPDX-License-Identifier: MIT */
/*
 * munmap.h - take areas out of a range: munmap, and what MAP_FIXED, mremap and brk need of it
 */
#ifndef VM_MUNMAP_H
#define VM_MUNMAP_H

#include "vm/mm.h"

/** struct munmap_plan - what is in a range */
struct munmap_plan {
	uint64_t nr_pages;    /* of areas */
	uint64_t nr_accounted; /* of them, promised */
	unsigned room;        /* records that it takes: an area is cut in two */
};

/**
 * munmap_plan - see whether a range can be unmapped, and what is in it
 *
 * Return: 0; -QUIRE_EPERM if an area is sealed; -QUIRE_ENOMEM if there would be too many areas;
 *         -QUIRE_EINVAL for a part of a huge page
 * Locks:  mm->sem
 */
int munmap_plan(const struct quire_mm *mm, uint64_t start, uint64_t end, struct munmap_plan *plan);

/**
 * munmap_range - unmap it
 * @mm:    the address space
 * @start: page aligned
 * @end:   likewise
 * @room:  has what the plan says
 *
 * Return: pages that were promised to it: they still are. Locks: mm->sem for writing
 */
uint64_t munmap_range(struct quire_mm *mm, uint64_t start, uint64_t end, struct vma_room *room);

/**
 * munmap_locked - quire_munmap, the arguments checked
 *
 * Return: 0; -QUIRE_EPERM; -QUIRE_ENOMEM. Locks: mm->sem for writing
 */
int munmap_locked(struct quire_mm *mm, uint64_t start, uint64_t end);

#endif
