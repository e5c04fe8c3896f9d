/* SPDX-License-Identifier: MIT */
/*
 * fault.h - page faults, from inside
 */
#ifndef VM_FAULT_H
#define VM_FAULT_H

#include "vm/mm.h"

/**
 * fault_in - have the page at an address resident, as an access would
 * @vma:    the area
 * @address: in it
 * @write:  by a write, else by a read
 *
 * For populate, mlock, access by the kernel. Locks: mm->sem (dropped and taken again where a
 * file is read? no: held throughout)
 */
enum quire_fault fault_in(struct vma *vma, uint64_t address, bool write);

/**
 * fault_populate - fault_in for a range that may have several areas
 * @mm:    the address space
 * @start: page aligned
 * @end:   likewise
 *
 * What MAP_POPULATE, mlock and MADV_POPULATE need: writes where a private area may be written.
 *
 * Return: 0; -QUIRE_ENOMEM; -QUIRE_EFAULT beyond a file's end
 * Locks:  none held; takes mm->sem for reading
 */
int fault_populate(struct quire_mm *mm, uint64_t start, uint64_t end);

#endif
