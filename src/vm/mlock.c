/* SPDX-License-Identifier: MIT */
/*
 * mlock.c - pages that stay in memory
 *
 * Area by area, as mprotect: what comes before a hole is locked, and then the call fails.
 *
 * Source: mlock(2)
 */
#include "vm/mlock.h"

#include "core/assert.h"
#include "vm/account.h"
#include "vm/fault.h"
#include "vm/hugetlb.h"
#include "vm/layout.h"

#define LOCKED (QUIRE_VM_LOCKED | QUIRE_VM_LOCKONFAULT)

/* Give what there is in [@start, @end) these of LOCKED. Locks: S for writing */
static int lock_range(struct quire_mm *mm, uint64_t start, uint64_t end, uint32_t flags)
{
	struct vma_room room = { .nr = 0 };
	struct vma *vma = vma_find(mm, start);
	int error = -QUIRE_ENOMEM;

	if (vma_room_get(mm, &room, 2))
		return -QUIRE_ENOMEM;
	while (vma) {
		const struct vma_change change = {
			.start = start,
			.end = end < vma->end ? end : vma->end,
			.flags = (vma->flags & ~LOCKED) | flags,
		};

		/* Huge pages stay in memory anyway. */
		if (!hugetlb_is(vma) && !vma_modify(vma, &change, &room))
			break;
		start = change.end;
		if (start == end) {
			error = 0;
			break;
		}
		vma = vma_find(mm, start);
	}
	vma_room_put(mm, &room);
	return error;
}

/* Pages of a range that are locked already. */
static uint64_t locked_in(const struct quire_mm *mm, uint64_t start, uint64_t end)
{
	uint64_t bytes = 0;

	for (const struct vma *vma = vma_next(mm, start); vma && vma->start < end;
	     vma = vma_next(mm, vma->end)) {
		uint64_t from = vma->start > start ? vma->start : start;

		if (vma->flags & QUIRE_VM_LOCKED)
			bytes += (end < vma->end ? end : vma->end) - from;
	}
	return bytes >> QUIRE_PAGE_SHIFT;
}

static bool may_lock(const struct quire_mm *mm)
{
	return mm->config.privileged || mm->config.rlimit[QUIRE_RLIMIT_MEMLOCK];
}

static bool within_limit(const struct quire_mm *mm, uint64_t nr_pages)
{
	return mm->config.privileged ||
	       nr_pages <= mm->config.rlimit[QUIRE_RLIMIT_MEMLOCK] >> QUIRE_PAGE_SHIFT;
}

/* The pages from @address on for @bytes, whole ones. */
static void whole_pages(uint64_t address, uint64_t bytes, uint64_t *start, uint64_t *end)
{
	*start = address & ~(uint64_t)(QUIRE_PAGE_SIZE - 1);
	*end = *start + layout_page_up(bytes + (address - *start));
}

static int lock(struct quire_mm *mm, uint64_t start, uint64_t end, uint32_t flags)
{
	uint64_t nr = ((end - start) >> QUIRE_PAGE_SHIFT) + mm->locked_vm;
	uint64_t stop = end < start ? UINT64_MAX : end;

	if (!within_limit(mm, nr) && !within_limit(mm, nr - locked_in(mm, start, stop)))
		return -QUIRE_ENOMEM;
	if (end < start)
		return -QUIRE_EINVAL;
	return end == start ? 0 : lock_range(mm, start, end, flags);
}

/* What mlock says of pages that it could not have. */
static int populate_error(int error)
{
	return error == -QUIRE_EFAULT   ? -QUIRE_ENOMEM
	       : error == -QUIRE_ENOMEM ? -QUIRE_EAGAIN
					: error;
}

int quire_mlock(struct quire_mm *mm, quire_virt_t address, uint64_t bytes, unsigned flags)
{
	uint32_t locked = flags & QUIRE_MLOCK_ONFAULT ? LOCKED : QUIRE_VM_LOCKED;
	uint64_t start, end;
	int error;

	if (flags & ~QUIRE_MLOCK_ONFAULT)
		return -QUIRE_EINVAL;
	whole_pages(address.v, bytes, &start, &end);
	sem_write(&mm->sem, mm->q->config.host);
	error = may_lock(mm) ? lock(mm, start, end, locked) : -QUIRE_EPERM;
	sem_write_drop(&mm->sem, mm->q->config.host);
	if (error || start == end)
		return error;
	return populate_error(fault_populate(mm, start, end, POPULATE_MAP));
}

int quire_munlock(struct quire_mm *mm, quire_virt_t address, uint64_t bytes)
{
	uint64_t start, end;
	int error = 0;

	whole_pages(address.v, bytes, &start, &end);
	if (end < start)
		return -QUIRE_EINVAL;
	if (end == start)
		return 0;
	sem_write(&mm->sem, mm->q->config.host);
	error = lock_range(mm, start, end, 0);
	sem_write_drop(&mm->sem, mm->q->config.host);
	return error;
}

/* All areas, whole: so nothing is split and nothing fails. */
static void lock_all(struct quire_mm *mm, uint32_t flags)
{
	struct vma *vma = vma_next(mm, 0);

	while (vma) {
		const struct vma_change change = {
			.start = vma->start,
			.end = vma->end,
			.flags = (vma->flags & ~LOCKED) | flags,
		};

		if (!hugetlb_is(vma))
			vma_modify(vma, &change, NULL);
		vma = vma_next(mm, change.end);
	}
}

void mlock_fill(struct quire_mm *mm, uint64_t start, uint64_t end)
{
	struct quire_vma_info info;

	while (start < end && quire_mm_next_vma(mm, (quire_virt_t){ start }, &info) &&
	       info.start.v < end) {
		uint64_t from = info.start.v > start ? info.start.v : start;

		start = info.end.v;
		if ((info.flags & LOCKED) == QUIRE_VM_LOCKED)
			(void)fault_populate(mm, from, start < end ? start : end, POPULATE_MAP);
	}
}

int quire_mlockall(struct quire_mm *mm, unsigned flags)
{
	bool current = flags & QUIRE_MCL_CURRENT;
	uint32_t locked = flags & QUIRE_MCL_ONFAULT ? LOCKED : QUIRE_VM_LOCKED;
	int error = 0;

	if (!(flags & (QUIRE_MCL_CURRENT | QUIRE_MCL_FUTURE)) ||
	    flags & ~(QUIRE_MCL_CURRENT | QUIRE_MCL_FUTURE | QUIRE_MCL_ONFAULT))
		return -QUIRE_EINVAL;
	sem_write(&mm->sem, mm->q->config.host);
	if (!may_lock(mm)) {
		error = -QUIRE_EPERM;
	} else if (current && !within_limit(mm, mm->total_vm)) {
		error = -QUIRE_ENOMEM;
	} else {
		mm->def_flags = flags & QUIRE_MCL_FUTURE ? locked : 0;
		if (current)
			lock_all(mm, locked);
	}
	sem_write_drop(&mm->sem, mm->q->config.host);
	if (!error && current)
		mlock_fill(mm, 0, UINT64_MAX);
	return error;
}

int quire_munlockall(struct quire_mm *mm)
{
	sem_write(&mm->sem, mm->q->config.host);
	mm->def_flags = 0;
	lock_all(mm, 0);
	sem_write_drop(&mm->sem, mm->q->config.host);
	return 0;
}
