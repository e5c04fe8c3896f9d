/* SPDX-License-Identifier: MIT */
/*
 * zap.h - what changes of areas do to page tables: entries cleared, moved, copied, protected
 *
 * All of a range lies in one area, and the caller holds mm->sem for writing unless said otherwise.
 * TLBs are flushed before the frames go.
 */
#ifndef VM_ZAP_H
#define VM_ZAP_H

#include "vm/mm.h"

/**
 * zap_range - clear the entries of a range, give back what they referenced
 * @vma:   the area
 * @start: page aligned
 * @end:   likewise
 *
 * Never fails. Empty tables go. Locks: mm->sem for writing, or for reading (MADV_DONTNEED), or M
 * of its file and R for writing (truncate)
 */
void zap_range(struct vma *vma, uint64_t start, uint64_t end);

/**
 * zap_files - clear those entries of a range that map pages of its file; private copies stay
 *
 * Locks: M of its file, so that the area stays
 */
void zap_files(struct vma *vma, uint64_t start, uint64_t end);

/** zap_writable - may entries of the area's pages be writable before somebody writes? */
bool zap_writable(const struct vma *vma);

/**
 * zap_protect - give the entries of a range the area's rights (vma->pte); nothing fails
 *
 * But the right to write: who had to ask for it with a fault still has to.
 */
void zap_protect(struct vma *vma, uint64_t start, uint64_t end);

/**
 * zap_move - move the entries of a range to another area of the same mm: mremap
 * @from:  the old area
 * @start: in it
 * @to:    the new one
 * @at:    in it
 * @bytes: how much, at least a page
 *
 * Both areas have the same anon, and the same pages at these addresses.
 *
 * Return: 0; -QUIRE_ENOMEM if a table can't be had: then all entries are where they were
 */
int zap_move(struct vma *from, uint64_t start, struct vma *to, uint64_t at, uint64_t bytes);

/**
 * zap_copy - fork: share what an area's entries map with a child's area
 * @to:   the child's, same addresses, no entries yet
 * @from: the parent's
 *
 * Private writable pages lose their right to be written in both. Pages of files that are not
 * written privately are left out: they come back by a fault.
 *
 * Return: 0; -QUIRE_ENOMEM: the child's area is incomplete, and is to be destroyed
 */
int zap_copy(struct vma *to, struct vma *from);

#endif
