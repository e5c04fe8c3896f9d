/* SPDX-License-Identifier: MIT */
/*
 * collapse.h - small pages become a huge one
 */
#ifndef VM_COLLAPSE_H
#define VM_COLLAPSE_H

#include "vm/mm.h"

/**
 * collapse_advise - MADV_COLLAPSE, the arguments checked
 * @mm:    the address space
 * @start: page aligned
 * @end:   likewise, behind it
 *
 * Huge pages that lie in the range as a whole are made, whatever the sysctl says; those before a
 * failure are.
 *
 * Return: 0; -QUIRE_EINVAL for an area that can't have any, or where nothing was touched;
 *         -QUIRE_ENOMEM without a block, or at the end for a hole; -QUIRE_EAGAIN
 * Locks:  takes S for writing
 */
int collapse_advise(struct quire_mm *mm, uint64_t start, uint64_t end);

#endif
