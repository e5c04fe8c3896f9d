/* SPDX-License-Identifier: MIT */
/*
 * brk.c - the heap
 *
 * An area that begins at start_brk and is as long as the program asks for. There is no error
 * number: the program sees from the result that nothing has changed.
 *
 * Source: brk(2)
 */
#include <quire/mm.h>

#include "core/assert.h"
#include "vm/account.h"
#include "vm/fault.h"
#include "vm/layout.h"
#include "vm/munmap.h"

#define HEAP                                                                     \
	(QUIRE_VM_READ | QUIRE_VM_WRITE | QUIRE_VM_MAYREAD | QUIRE_VM_MAYWRITE | \
	 QUIRE_VM_MAYEXEC | QUIRE_VM_ACCOUNT)

/* May [@start, @end) become heap? */
static bool may_grow(struct quire_mm *mm, uint64_t start, uint64_t end)
{
	const struct layout_request req = {
		.hint = start,
		.bytes = end - start,
		.flags = QUIRE_MAP_FIXED,
		.anonymous = true,
	};
	uint32_t flags = HEAP | mm->def_flags;
	uint64_t nr = (end - start) >> QUIRE_PAGE_SHIFT;
	struct layout_place place;
	const struct vma *next = vma_next(mm, start);

	return !layout_place(mm, &req, &place) && account_may_lock(mm, flags, nr) &&
	       /* A page stays free before what follows, and a stack's gap. */
	       (!next || end + QUIRE_PAGE_SIZE <= layout_guard(next)) &&
	       account_may_grow(mm, flags, nr) &&
	       mm->areas.nr <= vm_of(mm->q)->sysctl.max_map_count;
}

static int grow(struct quire_mm *mm, uint64_t start, uint64_t end)
{
	uint64_t nr = (end - start) >> QUIRE_PAGE_SHIFT;
	struct vma like = {
		.start = start,
		.end = end,
		.mm = mm,
		.flags = HEAP | mm->def_flags,
		.pgoff = start >> QUIRE_PAGE_SHIFT,
	};
	struct vma_spot spot;

	if (!may_grow(mm, start, end) || account_promise(mm, nr))
		return -QUIRE_ENOMEM;
	vma_spot(mm, start, &spot);
	if (!vma_add(&like, &spot)) {
		account_release(mm, nr);
		return -QUIRE_ENOMEM;
	}
	account_area(mm, like.flags, (int64_t)nr);
	return 0;
}

/* Is something of the heap in what is to go? If the program unmapped it, brk stays. */
static bool has_area(const struct quire_mm *mm, uint64_t start, uint64_t end)
{
	const struct vma *vma = vma_next(mm, start);

	return vma && vma->start < end;
}

static bool within_data(const struct quire_mm *mm, uint64_t brk)
{
	const struct quire_mm_layout *at = &mm->layout;
	uint64_t limit = mm->config.rlimit[QUIRE_RLIMIT_DATA];

	return limit == QUIRE_RLIM_INFINITY ||
	       brk - at->start_brk.v + (at->end_data.v - at->start_data.v) <= limit;
}

/* Return: whether brk is @brk now. *@fill: where what is new and locked begins, up to @brk */
static bool set(struct quire_mm *mm, uint64_t brk, uint64_t *fill)
{
	uint64_t old = layout_page_up(mm->layout.brk.v), end = layout_page_up(brk);

	if (brk < mm->layout.start_brk.v || !within_data(mm, brk) || end < brk)
		return false;
	if (end < old && (!has_area(mm, end, old) || munmap_locked(mm, end, old)))
		return false;
	if (end > old) {
		if (grow(mm, old, end))
			return false;
		if ((mm->def_flags & (QUIRE_VM_LOCKED | QUIRE_VM_LOCKONFAULT)) == QUIRE_VM_LOCKED)
			*fill = old;
	}
	mm->layout.brk.v = brk;
	return true;
}

quire_virt_t quire_brk(struct quire_mm *mm, quire_virt_t address)
{
	uint64_t fill = UINT64_MAX;
	quire_virt_t brk;

	sem_write(&mm->sem, mm->q->config.host);
	/* Without a heap there is nothing to move. */
	if (mm->layout.start_brk.v)
		(void)set(mm, address.v, &fill);
	brk = mm->layout.brk;
	sem_write_drop(&mm->sem, mm->q->config.host);
	if (fill != UINT64_MAX)
		(void)fault_populate(mm, fill, layout_page_up(brk.v), POPULATE_MAP);
	return brk;
}

int quire_mm_set_brk(struct quire_mm *mm, quire_virt_t start)
{
	if (!start.v || start.v >= mm->layout.task_size.v)
		return -QUIRE_EINVAL;
	sem_write(&mm->sem, mm->q->config.host);
	mm->layout.start_brk = start;
	mm->layout.brk = start;
	sem_write_drop(&mm->sem, mm->q->config.host);
	return 0;
}
