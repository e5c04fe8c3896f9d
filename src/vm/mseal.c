/* SPDX-License-Identifier: MIT */
/*
 * mseal.c - areas whose addresses and rights never change again
 *
 * Source: mseal(2), Linux's Documentation/userspace-api/mseal.rst
 */
#include <quire/mm.h>

#include "core/assert.h"
#include "vm/hugetlb.h"
#include "vm/layout.h"
#include "vm/mm.h"

/* Is every address of [@start, @end) in an area? */
static bool is_covered(const struct quire_mm *mm, uint64_t start, uint64_t end)
{
	const struct vma *vma = vma_find(mm, start);

	while (vma && vma->end < end)
		vma = vma_find(mm, vma->end);
	return vma != NULL;
}

/* Locks: S for writing */
static int seal(struct quire_mm *mm, uint64_t start, uint64_t end)
{
	struct vma_room room = { .nr = 0 };
	int error = 0;

	if (!is_covered(mm, start, end) || vma_room_get(mm, &room, 2))
		return -QUIRE_ENOMEM;
	while (start < end && !error) {
		struct vma *vma = vma_find(mm, start);
		const struct vma_change change = {
			.start = start,
			.end = end < vma->end ? end : vma->end,
			.flags = vma->flags | QUIRE_VM_SEALED,
		};

		if (!hugetlb_fits(vma, change.start, change.end))
			error = -QUIRE_EINVAL;
		else if (!vma_modify(vma, &change, &room))
			error = -QUIRE_ENOMEM;
		start = change.end;
	}
	vma_room_put(mm, &room);
	return error;
}

int quire_mseal(struct quire_mm *mm, quire_virt_t address, uint64_t bytes, unsigned flags)
{
	uint64_t start = address.v, end = start + layout_page_up(bytes);
	int error;

	if (mm->q->config.machine < QUIRE_X86_64)
		return -QUIRE_EPERM;
	if (flags || start & (QUIRE_PAGE_SIZE - 1) || (bytes && !layout_page_up(bytes)) ||
	    end < start)
		return -QUIRE_EINVAL;
	if (end == start)
		return 0;
	sem_write(&mm->sem, mm->q->config.host);
	error = seal(mm, start, end);
	sem_write_drop(&mm->sem, mm->q->config.host);
	return error;
}
