/* SPDX-License-Identifier: MIT */
/*
 * fault.h - page faults, from inside
 */
#ifndef VM_FAULT_H
#define VM_FAULT_H

#include "vm/mm.h"

/**
 * fault_in - have the page at an address resident, as an access would
 * @vma:     the area
 * @address: in it
 * @write:   by a write, else by a read
 * @signal:  for a signal; its fields are set in any case
 *
 * For populate, mlock, accesses by the kernel. Rights are the area's.
 *
 * Return: as quire_mm_fault. Locks: mm->sem held for reading
 */
enum quire_fault fault_in(struct vma *vma, uint64_t address, bool write,
			  struct quire_signal *signal);

/** What a range is populated for. */
enum populate {
	POPULATE_MAP,   /* MAP_POPULATE, mlock: a write where a private area may be written */
	POPULATE_READ,  /* MADV_POPULATE_READ */
	POPULATE_WRITE, /* MADV_POPULATE_WRITE */
};

/**
 * fault_populate - fault_in for a range that may have several areas
 * @mm:    the address space
 * @start: page aligned
 * @end:   likewise
 * @how:   what for
 *
 * MAP passes over areas that are VM_LOCKONFAULT. Stops at the first page that can't be had.
 *
 * Return: 0; -QUIRE_ENOMEM for a hole, or without memory; -QUIRE_EFAULT beyond a file's end, and with MAP
 *         if the area gives no right; -QUIRE_EINVAL if READ or WRITE is not allowed there
 * Locks:  none held; takes mm->sem for reading
 */
int fault_populate(struct quire_mm *mm, uint64_t start, uint64_t end, enum populate how);

#endif
