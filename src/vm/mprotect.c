/* SPDX-License-Identifier: MIT */
/*
 * mprotect.c - other rights for a range
 *
 * Area by area, as Linux does it: at the first one that can't be changed, or the first hole, the
 * call ends, and those before it stay changed. Only the first and the last area of a range can be
 * split, so the records for all of it are had at the beginning.
 *
 * Source: mprotect(2)
 */
#include <quire/mm.h>

#include "core/assert.h"
#include "vm/account.h"
#include "vm/fault.h"
#include "vm/hugetlb.h"
#include "vm/layout.h"
#include "vm/zap.h"

#define RIGHTS (QUIRE_VM_READ | QUIRE_VM_WRITE | QUIRE_VM_EXEC)
#define PROT_SEM 8u /* accepted, means nothing */
#define PROT_GROWSUP 0x02000000u
/* Rights of an area; those it may get are four bits above. */
#define MAY_SHIFT 4

/** struct protect - a call */
struct protect {
	struct quire_mm *mm;
	uint64_t start, end;
	uint32_t rights;
	struct vma_room room;
};

/* May the area become this? Pages that it promises from now on are in *@promised. */
static int allow(const struct protect *p, const struct vma *vma, uint32_t *flags, uint64_t nr,
		 uint64_t *promised)
{
	*promised = 0;
	if (vma->flags & QUIRE_VM_SEALED)
		return -QUIRE_EPERM;
	if (*flags == vma->flags)
		return 0;
	if (!(*flags & QUIRE_VM_WRITE)) {
		/* Nothing was ever written: the promise can be taken back. */
		if (vma->flags & QUIRE_VM_ACCOUNT && !vma->file && !vma->anon)
			*flags &= ~QUIRE_VM_ACCOUNT;
		return 0;
	}
	if (!account_may_grow(p->mm, *flags, nr) && account_may_grow(p->mm, vma->flags, nr))
		return -QUIRE_ENOMEM;
	if (vma->flags & (QUIRE_VM_ACCOUNT | QUIRE_VM_WRITE | QUIRE_VM_HUGETLB | QUIRE_VM_SHARED |
			  QUIRE_VM_NORESERVE))
		return 0;
	*flags |= QUIRE_VM_ACCOUNT;
	*promised = nr;
	return account_promise(p->mm, nr);
}

/* The part of an area that is in the range. *@vma becomes the area that has it. */
static int protect_area(struct protect *p, struct vma **vma)
{
	struct vma_change change = {
		.start = p->start,
		.end = p->end < (*vma)->end ? p->end : (*vma)->end,
		.flags = ((*vma)->flags & ~RIGHTS) | p->rights,
	};
	uint64_t nr = (change.end - change.start) >> QUIRE_PAGE_SHIFT, promised;
	uint32_t old = (*vma)->flags;
	int error;

	if (change.flags & ~(change.flags >> MAY_SHIFT) & RIGHTS)
		return -QUIRE_EACCES;
	if (!hugetlb_fits(*vma, change.start, change.end))
		return -QUIRE_EINVAL;
	error = allow(p, *vma, &change.flags, nr, &promised);
	if (error || change.flags == old)
		return error;
	*vma = vma_modify(*vma, &change, &p->room);
	if (!*vma) {
		account_release(p->mm, promised);
		return -QUIRE_ENOMEM;
	}
	if (old & QUIRE_VM_ACCOUNT && !(change.flags & QUIRE_VM_ACCOUNT))
		account_release(p->mm, nr);
	zap_protect(*vma, change.start, change.end);
	/* Locked pages that can be written now are had; if not, whoever writes finds out. */
	if ((old & (QUIRE_VM_WRITE | QUIRE_VM_SHARED | QUIRE_VM_LOCKED)) == QUIRE_VM_LOCKED &&
	    change.flags & QUIRE_VM_WRITE)
		(void)fault_populate_area(*vma, change.start, change.end, POPULATE_MAP);
	return 0;
}

static int protect_range(struct protect *p)
{
	struct vma *vma = vma_find(p->mm, p->start);

	while (vma) {
		uint64_t end = vma->end;
		int error = protect_area(p, &vma);

		if (error)
			return error;
		if (end >= p->end)
			return 0;
		p->start = end;
		vma = vma_find(p->mm, end);
	}
	return -QUIRE_ENOMEM;
}

/* PROT_GROWSDOWN: the change goes down to the start of the stack that the range is in. */
static int grow_down(struct protect *p)
{
	const struct vma *vma = vma_next(p->mm, p->start);

	if (!vma || vma->start >= p->end)
		return -QUIRE_ENOMEM;
	if (!(vma->flags & QUIRE_VM_GROWSDOWN))
		return -QUIRE_EINVAL;
	p->start = vma->start;
	return 0;
}

static int protect(struct protect *p, bool down)
{
	int error = vma_room_get(p->mm, &p->room, 2);

	if (!error && down)
		error = grow_down(p);
	if (!error)
		error = protect_range(p);
	vma_room_put(p->mm, &p->room);
	return error;
}

int quire_mprotect(struct quire_mm *mm, quire_virt_t address, uint64_t bytes, unsigned prot)
{
	bool down = prot & QUIRE_PROT_GROWSDOWN, up = prot & PROT_GROWSUP;
	struct protect p = { .mm = mm, .start = address.v };
	int error;

	prot &= ~(QUIRE_PROT_GROWSDOWN | PROT_GROWSUP);
	if ((down && up) || p.start & (QUIRE_PAGE_SIZE - 1))
		return -QUIRE_EINVAL;
	if (!bytes)
		return 0;
	p.end = p.start + layout_page_up(bytes);
	if (p.end <= p.start)
		return -QUIRE_ENOMEM;
	if (prot & ~(RIGHTS | PROT_SEM))
		return -QUIRE_EINVAL;
	p.rights = prot & RIGHTS;
	sem_write(&mm->sem, mm->q->config.host);
	if (up && vma_find(mm, p.start))
		error = -QUIRE_EINVAL; /* no processor here has such stacks */
	else
		error = protect(&p, down);
	sem_write_drop(&mm->sem, mm->q->config.host);
	return error;
}
