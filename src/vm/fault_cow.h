/* SPDX-License-Identifier: MIT */
/*
 * fault_cow.h - writes to what may only be read yet
 */
#ifndef VM_FAULT_COW_H
#define VM_FAULT_COW_H

#include "vm/fault.h"

/**
 * fault_cow - a write to a page that is there, in an area that may be written
 *
 * Return: as quire_mm_fault
 */
enum quire_fault fault_cow(struct fault *f);

#endif
