/* SPDX-License-Identifier: MIT */
/*
 * account.h - what an address space has, what it may have, and what is promised
 *
 * An area counts in its mm (total_vm and the kinds of it), and if it is VM_ACCOUNT its pages are
 * promised to it: they are in the machine's Committed_AS until it goes. So are the pages of shared
 * anonymous memory, once, and those of other files of memory alone as they come (src/cache).
 *
 * Source: Linux's Documentation/mm/overcommit-accounting.rst, proc(5), getrlimit(2)
 */
#ifndef VM_ACCOUNT_H
#define VM_ACCOUNT_H

#include "core/assert.h"
#include "vm/mm.h"

/** account_is_data - does an area count as data? Private, writable, no stack */
static inline bool account_is_data(uint32_t flags)
{
	return (flags & (QUIRE_VM_WRITE | QUIRE_VM_SHARED | QUIRE_VM_GROWSDOWN)) == QUIRE_VM_WRITE;
}

/** account_within - would that be within a limit? Locks: S */
static inline bool account_within(const struct quire_mm *mm, enum quire_rlimit limit,
				  uint64_t nr_pages)
{
	return nr_pages <= mm->config.rlimit[limit] >> QUIRE_PAGE_SHIFT;
}

/** account_may_grow - do RLIMIT_AS and _DATA allow so many pages more of that kind? Locks: S */
static inline bool account_may_grow(const struct quire_mm *mm, uint32_t flags, uint64_t nr_pages)
{
	return account_within(mm, QUIRE_RLIMIT_AS, mm->total_vm + nr_pages) &&
	       (!account_is_data(flags) ||
		account_within(mm, QUIRE_RLIMIT_DATA, mm->data_vm + nr_pages));
}

/** account_may_lock - does RLIMIT_MEMLOCK allow it, if @flags say VM_LOCKED? Locks: S */
static inline bool account_may_lock(const struct quire_mm *mm, uint32_t flags, uint64_t nr_pages)
{
	return !(flags & QUIRE_VM_LOCKED) || mm->config.privileged ||
	       account_within(mm, QUIRE_RLIMIT_MEMLOCK, mm->locked_vm + nr_pages);
}

/** account_other - account_area of what is not data: its own count. Locks: S for writing */
void account_other(struct quire_mm *mm, uint32_t flags, int64_t nr_pages);

/**
 * account_area - an area of these flags has come, or grown; negative: gone, or shrunk
 *
 * Changes total_vm, the count of its kind and, if it is VM_LOCKED, locked_vm. Locks: S for writing
 */
static inline void account_area(struct quire_mm *mm, uint32_t flags, int64_t nr_pages)
{
	mm->total_vm += (uint64_t)nr_pages;
	if (mm->total_vm > mm->hiwater_vm)
		mm->hiwater_vm = mm->total_vm;
	if (account_is_data(flags))
		mm->data_vm += (uint64_t)nr_pages;
	else
		account_other(mm, flags, nr_pages);
	if (unlikely(flags & QUIRE_VM_LOCKED))
		mm->locked_vm += (uint64_t)nr_pages;
}

/**
 * account_judge - may so many have been promised? In the other modes, or of much memory
 *
 * Locks: S
 */
bool account_judge(const struct quire_mm *mm, uint64_t nr_pages);

/** account_countable - hosts of 32 bits count up to 2^31 pages; to 2^63 there are no addresses */
static inline bool account_countable(uint64_t nr_pages, uint64_t have)
{
	return UINTPTR_MAX > UINT32_MAX || (nr_pages <= UINTPTR_MAX / 2 && have <= UINTPTR_MAX / 2);
}

/** account_release - take pages from what is promised */
static inline void account_release(struct quire_mm *mm, uint64_t nr_pages)
{
	uint64_t was = atomic_fetch_sub_explicit(&vm_of(mm->q)->committed, (uintptr_t)nr_pages,
						 memory_order_relaxed);

	ASSERT("VMA-4", was >= nr_pages);
}

/**
 * account_promise - add pages to what is promised, if vm.overcommit_memory allows it
 *
 * Return: 0; -QUIRE_ENOMEM. Locks: S
 */
static inline int account_promise(struct quire_mm *mm, uint64_t nr_pages)
{
	struct vm *vm = vm_of(mm->q);

	if (unlikely(!account_countable(nr_pages, relaxed_load(&vm->committed))))
		return -QUIRE_ENOMEM;
	atomic_fetch_add_explicit(&vm->committed, (uintptr_t)nr_pages, memory_order_relaxed);
	/* Mode 0 refuses what the machine has not at all: mostly its first zone has as much. */
	if (likely(vm->sysctl.overcommit_memory == QUIRE_OVERCOMMIT_GUESS &&
		   nr_pages <= relaxed_load(&mm->q->zones[0].managed)) ||
	    account_judge(mm, nr_pages))
		return 0;
	account_release(mm, nr_pages);
	return -QUIRE_ENOMEM;
}

/**
 * account_promise_file - promise the pages of shared anonymous memory to the new file behind it
 *
 * They are its own until it ends, however many areas map it.
 *
 * Return: 0; -QUIRE_ENOMEM: the file ends with its last reference, and the promise with it.
 * Locks:  S
 */
int account_promise_file(struct quire_mm *mm, struct quire_inode *inode, uint64_t nr_pages);

/** account_allow - struct pagecache_above's: a page more of a file of memory alone */
bool account_allow(struct quire *q);

/** account_committed - all that is promised, in pages: Committed_AS */
uint64_t account_committed(const struct quire *q);

/** account_limit - CommitLimit, in pages */
uint64_t account_limit(struct quire *q);

#endif
