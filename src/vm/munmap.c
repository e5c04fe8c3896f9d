/* SPDX-License-Identifier: MIT */
/*
 * munmap.c - take areas out of a range
 *
 *   area       [       ]   [       ]   [       ]     [       ]
 *   range    ┌────────────┐   ┌───────┐    ┌──┐     ┌────┐
 *   left       nothing     [ ]           [ ]   [ ]        [ ]
 *
 * Only the third kind takes a record; it is had before anything is changed.
 *
 * Source: munmap(2)
 */
#include "vm/munmap.h"

#include "core/assert.h"
#include "vm/account.h"
#include "vm/hugetlb.h"
#include "vm/layout.h"
#include "vm/zap.h"

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int munmap_plan(const struct quire_mm *mm, uint64_t start, uint64_t end, struct munmap_plan *plan)
{
	struct tree_range range;
	struct tree_cursor c;
	bool more = tree_seek(&mm->areas, start, &c);

	*plan = (struct munmap_plan){ 0 };
	for (; more && tree_at(&mm->areas, &c, &range) && range.start < end;
	     more = tree_next(&mm->areas, &c)) {
		const struct vma *vma = range.value;
		uint64_t nr = smaller(end, vma->end) - larger(start, vma->start);

		if (vma->flags & QUIRE_VM_SEALED)
			return -QUIRE_EPERM;
		if (!hugetlb_fits(vma, larger(start, vma->start), smaller(end, vma->end)))
			return -QUIRE_EINVAL;
		if (vma->start < start && end < vma->end) {
			if (mm->areas.nr >= vm_of(mm->q)->sysctl.max_map_count)
				return -QUIRE_ENOMEM;
			plan->room = 1;
		}
		nr >>= QUIRE_PAGE_SHIFT;
		plan->nr_pages += nr;
		plan->nr_accounted += vma->flags & QUIRE_VM_ACCOUNT ? nr : 0;
	}
	return 0;
}

/* Take [@start, @end) out of an area that has all of it. */
static void cut(struct vma *vma, uint64_t start, uint64_t end, struct vma_room *room)
{
	account_area(vma->mm, vma->flags, -(int64_t)((end - start) >> QUIRE_PAGE_SHIFT));
	if (relaxed_load(&vma->touched))
		zap_range(vma, start, end);
	if (start == vma->start && end == vma->end) {
		vma_unlink(vma);
		return;
	}
	if (unlikely(hugetlb_is(vma)))
		hugetlb_cut(vma, start, end);
	if (start == vma->start) {
		vma_resize(vma, end, vma->end);
	} else {
		if (end < vma->end)
			vma_split(vma, end, room);
		vma_resize(vma, vma->start, start);
	}
}

uint64_t munmap_range(struct quire_mm *mm, uint64_t start, uint64_t end, struct vma_room *room)
{
	uint64_t accounted = 0;
	struct vma *vma = vma_next(mm, start);

	while (vma && vma->start < end) {
		uint64_t from = larger(start, vma->start), to = smaller(end, vma->end);

		if (vma->flags & QUIRE_VM_ACCOUNT)
			accounted += (to - from) >> QUIRE_PAGE_SHIFT;
		cut(vma, from, to, room);
		vma = to < end ? vma_next(mm, to) : NULL;
	}
	return accounted;
}

/* A whole area, and nothing else. */
static WITHIN void whole(struct vma *vma, struct tree_cursor *c)
{
	struct quire_mm *mm = vma->mm;
	uint64_t nr = vma_pages(vma);

	if (vma->flags & QUIRE_VM_ACCOUNT)
		account_release(mm, nr);
	account_area(mm, vma->flags, -(int64_t)nr);
	if (relaxed_load(&vma->touched))
		zap_range(vma, vma->start, vma->end);
	tree_erase(&mm->areas, c);
	vma_drop(vma);
}

/* Parts of areas, or several. */
static APART int parts(struct quire_mm *mm, uint64_t start, uint64_t end)
{
	struct vma_room room;
	struct munmap_plan plan;
	int error = munmap_plan(mm, start, end, &plan);

	if (error)
		return error;
	room.nr = 0;
	if (plan.room && vma_room_get(mm, &room, plan.room))
		return -QUIRE_ENOMEM;
	munmap_range(mm, start, end, &room);
	if (plan.nr_accounted)
		account_release(mm, plan.nr_accounted);
	vma_room_put(mm, &room);
	return 0;
}

/* What was mapped by one call mostly goes by one: then nothing has to be planned. */
static WITHIN int unmap(struct quire_mm *mm, uint64_t start, uint64_t end)
{
	struct tree_cursor c;
	struct vma *vma = tree_seek(&mm->areas, start, &c) ? tree_value(&c) : NULL;

	if (!vma || vma->start >= end)
		return 0;
	if (unlikely(vma->start != start || vma->end != end || vma->flags & QUIRE_VM_SEALED))
		return parts(mm, start, end);
	whole(vma, &c);
	return 0;
}

int munmap_locked(struct quire_mm *mm, uint64_t start, uint64_t end)
{
	return unmap(mm, start, end);
}

int quire_munmap(struct quire_mm *mm, quire_virt_t address, uint64_t bytes)
{
	uint64_t start = address.v, end;
	int error;

	if (start & (QUIRE_PAGE_SIZE - 1) || start > mm->layout.task_size.v ||
	    bytes > mm->layout.task_size.v - start)
		return -QUIRE_EINVAL;
	end = start + layout_page_up(bytes);
	if (end == start)
		return -QUIRE_EINVAL;
	sem_write(&mm->sem, mm->q->config.host);
	error = unmap(mm, start, end);
	sem_write_drop(&mm->sem, mm->q->config.host);
	return error;
}
