/* SPDX-License-Identifier: MIT */
/*
 * account.c - what an address space has, what it may have, and what is promised
 *
 * A page counts as exec, stack or data by its area's flags, as /proc/PID/status tells them:
 * code is executable and not writable, data private and writable, the rest is neither.
 */
#include "vm/account.h"

#include "cache/inode.h"
#include "cache/pagecache.h"
#include "core/assert.h"

/* In mode 2 a process leaves a share of what it has to others, up to user_reserve_kbytes. */
#define RESERVE_SHARE 32
#define KB_PAGES(kb) ((kb) / (QUIRE_PAGE_SIZE / 1024))

static bool is_data(uint32_t flags)
{
	return (flags & (QUIRE_VM_WRITE | QUIRE_VM_SHARED | QUIRE_VM_GROWSDOWN)) == QUIRE_VM_WRITE;
}

/* The count for areas of that kind. NULL: total_vm alone */
static uint64_t *count_of(struct quire_mm *mm, uint32_t flags)
{
	if ((flags & (QUIRE_VM_EXEC | QUIRE_VM_WRITE | QUIRE_VM_GROWSDOWN)) == QUIRE_VM_EXEC)
		return &mm->exec_vm;
	if (flags & QUIRE_VM_GROWSDOWN)
		return &mm->stack_vm;
	return is_data(flags) ? &mm->data_vm : NULL;
}

static bool within(const struct quire_mm *mm, enum quire_rlimit limit, uint64_t nr_pages)
{
	return nr_pages <= mm->config.rlimit[limit] >> QUIRE_PAGE_SHIFT;
}

bool account_may_grow(const struct quire_mm *mm, uint32_t flags, uint64_t nr_pages)
{
	return within(mm, QUIRE_RLIMIT_AS, mm->total_vm + nr_pages) &&
	       (!is_data(flags) || within(mm, QUIRE_RLIMIT_DATA, mm->data_vm + nr_pages));
}

bool account_may_lock(const struct quire_mm *mm, uint32_t flags, uint64_t nr_pages)
{
	return !(flags & QUIRE_VM_LOCKED) || mm->config.privileged ||
	       within(mm, QUIRE_RLIMIT_MEMLOCK, mm->locked_vm + nr_pages);
}

void account_area(struct quire_mm *mm, uint32_t flags, int64_t nr_pages)
{
	uint64_t *count = count_of(mm, flags);

	mm->total_vm += (uint64_t)nr_pages;
	if (mm->total_vm > mm->hiwater_vm)
		mm->hiwater_vm = mm->total_vm;
	if (count)
		*count += (uint64_t)nr_pages;
	if (flags & QUIRE_VM_LOCKED)
		mm->locked_vm += (uint64_t)nr_pages;
}

static uint64_t managed(const struct quire *q)
{
	uint64_t nr = 0;

	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++)
		nr += relaxed_load(&q->zones[z].managed);
	return nr;
}

/* Has the machine that many at all? The first zones mostly do. */
static bool is_possible(const struct quire *q, uint64_t nr_pages)
{
	uint64_t nr = 0;

	for (unsigned z = 0; z < QUIRE_NR_ZONES && nr < nr_pages; z++)
		nr += relaxed_load(&q->zones[z].managed);
	return nr >= nr_pages;
}

uint64_t account_limit(struct quire *q)
{
	const struct quire_vm_sysctl *sysctl = &vm_of(q)->sysctl;

	if (sysctl->overcommit_kbytes)
		return KB_PAGES(sysctl->overcommit_kbytes);
	return managed(q) * sysctl->overcommit_ratio / 100;
}

uint64_t account_committed(const struct quire *q)
{
	return relaxed_load(&vm_of(q)->committed) + pagecache_promised(q);
}

/* Mode 2, once it is promised. @total_vm: of whom asks */
static COLD bool within_limit(struct quire *q, uint64_t total_vm, bool privileged)
{
	const struct quire_vm_sysctl *sysctl = &vm_of(q)->sysctl;
	uint64_t limit = account_limit(q), leave = total_vm / RESERVE_SHARE;

	if (leave > KB_PAGES(sysctl->user_reserve_kbytes))
		leave = KB_PAGES(sysctl->user_reserve_kbytes);
	if (!privileged)
		leave += KB_PAGES(sysctl->admin_reserve_kbytes);
	return limit > leave && account_committed(q) < limit - leave;
}

/* May it have promised them? */
static bool allows(const struct quire_mm *mm, uint64_t nr_pages)
{
	enum quire_overcommit mode = vm_of(mm->q)->sysctl.overcommit_memory;

	if (likely(mode == QUIRE_OVERCOMMIT_GUESS))
		return is_possible(mm->q, nr_pages);
	return mode != QUIRE_OVERCOMMIT_NEVER ||
	       within_limit(mm->q, mm->total_vm, mm->config.privileged);
}

bool account_allow(struct quire *q)
{
	return likely(vm_of(q)->sysctl.overcommit_memory != QUIRE_OVERCOMMIT_NEVER) ||
	       within_limit(q, 0, false);
}

/* Hosts of 32 bits count up to 2^31 pages, of each kind. */
static bool is_countable(uint64_t nr_pages, uint64_t have)
{
	return nr_pages <= UINTPTR_MAX / 2 && have <= UINTPTR_MAX / 2;
}

int account_promise(struct quire_mm *mm, uint64_t nr_pages)
{
	struct vm *vm = vm_of(mm->q);

	if (unlikely(!is_countable(nr_pages, relaxed_load(&vm->committed))))
		return -QUIRE_ENOMEM;
	atomic_fetch_add_explicit(&vm->committed, (uintptr_t)nr_pages, memory_order_relaxed);
	if (likely(allows(mm, nr_pages)))
		return 0;
	account_release(mm, nr_pages);
	return -QUIRE_ENOMEM;
}

int account_promise_file(struct quire_mm *mm, struct quire_inode *inode, uint64_t nr_pages)
{
	if (!is_countable(nr_pages, pagecache_promised(mm->q)))
		return -QUIRE_ENOMEM;
	inode_promise(inode, nr_pages);
	return allows(mm, nr_pages) ? 0 : -QUIRE_ENOMEM;
}

void account_release(struct quire_mm *mm, uint64_t nr_pages)
{
	uint64_t was = atomic_fetch_sub_explicit(&vm_of(mm->q)->committed, (uintptr_t)nr_pages,
						 memory_order_relaxed);

	ASSERT("VMA-4", was >= nr_pages);
}
