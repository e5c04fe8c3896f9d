/* SPDX-License-Identifier: MIT */
/*
 * fault_anon.h - fresh memory
 */
#ifndef VM_FAULT_ANON_H
#define VM_FAULT_ANON_H

#include "vm/anon.h"
#include "vm/fault.h"
#include "vm/frame.h"

/** fault_anon - the first touch of a page of anonymous memory. Return: as quire_mm_fault */
enum quire_fault fault_anon(struct fault *f);

/**
 * fault_anon_own - a frame becomes the area's page at the fault's address, mapped once
 *
 * Counts it but for the process's resident pages. Locks: T
 */
static inline void fault_anon_own(const struct fault *f, struct quire_page *page)
{
	struct quire *q = f->table->q;
	struct anon *anon = relaxed_load(&f->vma->anon);

	frames_own(page, QUIRE_OWNER_ANON | USE_MAPPED_ONE);
	page->private = (uintptr_t)anon;
	use_set(use_of(q, page), vma_index(f->vma, f->address), USE_UPTODATE);
	atomic_fetch_add_explicit(&anon->nr_frames, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&vm_of(q)->nr_anon, 1, memory_order_relaxed);
}

#endif
