/* SPDX-License-Identifier: MIT */
/*
 * fault.h - page faults, from inside
 */
#ifndef VM_FAULT_H
#define VM_FAULT_H

#include "pgtable/user.h"
#include "vm/mm.h"

/** struct fault - one fault on its way: a page of an area is to be had. S held for reading */
struct fault {
	struct vma *vma;
	struct quire_table *table;
	uint64_t address; /* page aligned */
	bool write;
	bool major; /* the store was read */
	bool large; /* there is a large leaf: another processor was faster */
	bool huge;  /* it is to be a huge page */
	bool small; /* it can't be one */
	enum quire_fault_kind kind;
	struct stock stock; /* tables that were lacking */
};

/** fault_enter_slow - the rest of fault_enter: the page table is missing */
struct leaf *fault_enter_slow(struct fault *f, uintptr_t *token);

/**
 * fault_enter - take T, and have the page table of the address, made if it is missing
 *
 * Who gets one that is new sets an entry of it.
 *
 * Return: NULL: then T is not held, and fault_huge tells what becomes of the fault: a large leaf
 *         is there, or is to be made, or there is no memory
 */
static inline struct leaf *fault_enter(struct fault *f, uintptr_t *token)
{
	*token = table_enter(f->table);
	struct leaf *leaf = user_find(f->table, f->address);

	return likely(leaf) ? leaf : fault_enter_slow(f, token);
}

/** fault_leave - drop T */
static inline void fault_leave(struct fault *f, uintptr_t token)
{
	table_leave(f->table, token);
	if (unlikely(f->stock.nr))
		stock_empty(&f->stock);
}

/** fault_set - fill in an entry that is empty. Locks: T */
static inline void fault_set(const struct fault *f, const struct leaf *leaf, uint64_t address,
			     uint64_t entry)
{
	entry_store(leaf->contents, user_index(f->table, address), f->table->format->entry_bytes,
		    entry);
	user_count(f->table, leaf, 1);
}

/** fault_bits - an entry of the area without address, for reading */
static inline uint64_t fault_bits(const struct fault *f)
{
	return format_user(f->table->format, 0, f->vma->pte & ~QUIRE_PTE_RW) | QUIRE_PTE_ACCESSED;
}

/** fault_phys - the address of a frame */
static inline uint64_t fault_phys(const struct quire *q, const struct quire_page *page)
{
	return frames_pfn(&q->frames, frames_index(&q->frames, page)) << QUIRE_PAGE_SHIFT;
}

/**
 * fault_area - the area of an address; a stack grows down to it
 *
 * Return: NULL if there is none. Locks: mm->sem for reading, maybe dropped and taken again
 */
struct vma *fault_area(struct quire_mm *mm, uint64_t address);

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
 * Return: 0; -QUIRE_ENOMEM for a hole, or without memory; -QUIRE_EFAULT beyond a file's end, and
 *         with MAP if the area gives no right; -QUIRE_EINVAL if READ or WRITE is not allowed there
 * Locks:  none held; takes mm->sem for reading
 */
int fault_populate(struct quire_mm *mm, uint64_t start, uint64_t end, enum populate how);

/** fault_populate_area - fault_populate within one area. Locks: mm->sem, for reading or writing */
int fault_populate_area(struct vma *vma, uint64_t start, uint64_t end, enum populate how);

#endif
