/* SPDX-License-Identifier: MIT */
/*
 * mlock.h - have the pages of areas that are locked
 */
#ifndef VM_MLOCK_H
#define VM_MLOCK_H

#include "vm/mm.h"

/**
 * mlock_fill - have the pages of a range that are in areas locked now
 *
 * For calls that do not fail if a page can't be had: who touches it finds out. Locks: takes S
 */
void mlock_fill(struct quire_mm *mm, uint64_t start, uint64_t end);

#endif
