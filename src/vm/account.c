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

/* In mode 2 a process leaves a share of what it has to others, up to user_reserve_kbytes. */
#define RESERVE_SHARE 32
#define KB_PAGES(kb) ((kb) / (QUIRE_PAGE_SIZE / 1024))

void account_other(struct quire_mm *mm, uint32_t flags, int64_t nr_pages)
{
	if ((flags & (QUIRE_VM_EXEC | QUIRE_VM_WRITE | QUIRE_VM_GROWSDOWN)) == QUIRE_VM_EXEC)
		mm->exec_vm += (uint64_t)nr_pages;
	else if (flags & QUIRE_VM_GROWSDOWN)
		mm->stack_vm += (uint64_t)nr_pages;
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

bool account_allow(struct quire *q)
{
	return likely(vm_of(q)->sysctl.overcommit_memory != QUIRE_OVERCOMMIT_NEVER) ||
	       within_limit(q, 0, false);
}

bool account_judge(const struct quire_mm *mm, uint64_t nr_pages)
{
	switch (vm_of(mm->q)->sysctl.overcommit_memory) {
	case QUIRE_OVERCOMMIT_GUESS:
		return is_possible(mm->q, nr_pages);
	case QUIRE_OVERCOMMIT_NEVER:
		return within_limit(mm->q, mm->total_vm, mm->config.privileged);
	default:
		return true;
	}
}

int account_promise_file(struct quire_mm *mm, struct quire_inode *inode, uint64_t nr_pages)
{
	if (!account_countable(nr_pages, pagecache_promised(mm->q)))
		return -QUIRE_ENOMEM;
	inode_promise(inode, nr_pages);
	return account_judge(mm, nr_pages) ? 0 : -QUIRE_ENOMEM;
}
