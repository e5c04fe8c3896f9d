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

#include "vm/mm.h"

/** account_may_grow - do RLIMIT_AS and _DATA allow so many pages more of that kind? Locks: S */
bool account_may_grow(const struct quire_mm *mm, uint32_t flags, uint64_t nr_pages);

/** account_may_lock - does RLIMIT_MEMLOCK allow it, if @flags say VM_LOCKED? Locks: S */
bool account_may_lock(const struct quire_mm *mm, uint32_t flags, uint64_t nr_pages);

/**
 * account_area - an area of these flags has come, or grown; negative: gone, or shrunk
 *
 * Changes total_vm, the count of its kind and, if it is VM_LOCKED, locked_vm. Locks: S for writing
 */
void account_area(struct quire_mm *mm, uint32_t flags, int64_t nr_pages);

/**
 * account_promise - add pages to what is promised, if vm.overcommit_memory allows it
 *
 * Return: 0; -QUIRE_ENOMEM. Locks: S
 */
int account_promise(struct quire_mm *mm, uint64_t nr_pages);

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

/** account_release - take pages from what is promised */
void account_release(struct quire_mm *mm, uint64_t nr_pages);

/** account_limit - CommitLimit, in pages */
uint64_t account_limit(struct quire *q);

#endif
