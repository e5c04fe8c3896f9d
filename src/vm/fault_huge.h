/* SPDX-License-Identifier: MIT */
/*
 * fault_huge.h - faults that make a huge page, or write to one
 */
#ifndef VM_FAULT_HUGE_H
#define VM_FAULT_HUGE_H

#include "vm/fault.h"

/**
 * fault_huge - the first touch of anonymous memory where fault_enter found no page table
 *
 * A huge page is made if that is wanted; without a block for it, it is a small one.
 *
 * Return: as quire_mm_fault
 */
enum quire_fault fault_huge(struct fault *f);

/**
 * fault_huge_write - a write to a page that may only be read yet, where there is no page table
 *
 * A huge page that is nobody else's may be written from here on; that of zeros gets one of its own
 * in its place; another one is split, and the page copied.
 *
 * Return: as quire_mm_fault
 */
enum quire_fault fault_huge_write(struct fault *f);

#endif
