/* SPDX-License-Identifier: MIT */
/*
 * fork.c - a child's address space
 *
 * Areas are copied, and of their pages those that a fault could not bring back: the private ones.
 * They are shared until somebody writes. So a child costs its areas and page tables, not its
 * frames.
 *
 *   MADV_DONTFORK      the area is left out
 *   MADV_WIPEONFORK    the area is there, and empty
 *
 * Source: fork(2), madvise(2), mlock(2)
 */
#include <quire/mm.h>

#include <quire/port.h>

#include "core/assert.h"
#include "vm/account.h"
#include "vm/anon.h"
#include "vm/hugetlb.h"
#include "vm/zap.h"

/* The child's area. NULL: no memory, or no more may be promised */
static struct vma *copy_area(struct quire_mm *child, const struct vma *from)
{
	uint32_t flags = from->flags & ~(QUIRE_VM_LOCKED | QUIRE_VM_LOCKONFAULT);
	uint64_t nr = vma_pages(from);
	struct vma_room room = { .nr = 0 };
	struct vma *vma;

	if (vma_room_get(child, &room, 1))
		return NULL;
	if ((flags & QUIRE_VM_ACCOUNT) && account_promise(child, nr)) {
		vma_room_put(child, &room);
		return NULL;
	}
	vma = vma_like(&room, child, from);
	vma_set_flags(vma, flags);
	vma_link(vma);
	account_area(child, flags, (int64_t)nr);
	return vma;
}

/* An area and its pages. Return: 0; -QUIRE_ENOMEM */
static int copy(struct quire_mm *child, struct vma *from)
{
	struct vma *vma = copy_area(child, from);
	int error = vma ? 0 : -QUIRE_ENOMEM;

	if (!error && unlikely(hugetlb_is(from)))
		return hugetlb_copy(vma, from);
	if (!error && from->anon && !(from->flags & QUIRE_VM_WIPEONFORK)) {
		error = anon_fork(vma, from);
		if (!error)
			error = zap_copy(vma, from);
	}
	return error;
}

int quire_mm_fork(struct quire_mm *mm, struct quire_mm **out)
{
	struct quire_mm *child;
	struct tree_range range;
	struct tree_cursor c;
	int error = quire_mm_create(mm->q, &mm->config, &child);
	bool more;

	if (error)
		return error;
	sem_write(&mm->sem, mm->q->config.host);
	sem_write(&child->sem, mm->q->config.host);
	child->config = mm->config;
	child->layout = mm->layout;
	child->forked = true;
	more = tree_seek(&mm->areas, 0, &c);
	for (; !error && more && tree_at(&mm->areas, &c, &range);
	     more = tree_next(&mm->areas, &c)) {
		struct vma *vma = range.value;

		if (!(vma->flags & QUIRE_VM_DONTCOPY))
			error = copy(child, vma);
	}
	vma_nodes_put(child, 0);
	sem_write_drop(&child->sem, mm->q->config.host);
	sem_write_drop(&mm->sem, mm->q->config.host);
	if (error) {
		int broken = quire_mm_destroy(child);

		ASSERT("VMA-1", !broken);
		return error;
	}
	*out = child;
	return 0;
}
