/* SPDX-License-Identifier: MIT */
/*
 * mremap.c - areas that grow, shrink and move
 *
 *   shrink        what is behind the new end is unmapped
 *   grow          in place if the addresses behind are free, else by a move if that is allowed
 *   move          a new area like the old one, the entries taken over, the old one unmapped; with
 *                 DONTUNMAP it stays, empty; from 0 bytes of a shared area it keeps what it has
 *
 * With FIXED and an unchanged size the range may have several areas, which move one after the
 * other, gaps between them as they are (Linux since 6.17).
 *
 * Source: mremap(2)
 */
#include <quire/mm.h>

#include "core/assert.h"
#include "vm/account.h"
#include "vm/anon.h"
#include "vm/fault.h"
#include "vm/hugetlb.h"
#include "vm/layout.h"
#include "vm/munmap.h"
#include "vm/zap.h"

/* A move may leave this many areas more behind, for a moment. */
#define MOVE_AREAS 3
#define MOVE_ROOM 4
_Static_assert(MOVE_ROOM <= VMA_ROOM, "target, tail, source, the new one");

/** struct remap - a call */
struct remap {
	struct quire_mm *mm;
	uint64_t old, old_bytes; /* page aligned; old_bytes may be 0 */
	uint64_t to, new_bytes;
	unsigned flags;
	uint64_t fill_start, fill_end; /* locked pages to be had; none: both 0 */
};

static uint64_t pages(uint64_t bytes)
{
	return bytes >> QUIRE_PAGE_SHIFT;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static int check_args(const struct quire_mm *mm, const struct remap *r)
{
	uint64_t end = mm->layout.task_size.v;

	if (r->flags & ~(QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED | QUIRE_MREMAP_DONTUNMAP) ||
	    r->old & (QUIRE_PAGE_SIZE - 1) || !r->new_bytes || r->new_bytes > end)
		return -QUIRE_EINVAL;
	if (!(r->flags & (QUIRE_MREMAP_FIXED | QUIRE_MREMAP_DONTUNMAP)))
		return 0;
	if (!(r->flags & QUIRE_MREMAP_MAYMOVE) || r->to & (QUIRE_PAGE_SIZE - 1) ||
	    r->to > end - r->new_bytes ||
	    (r->flags & QUIRE_MREMAP_DONTUNMAP && r->old_bytes != r->new_bytes))
		return -QUIRE_EINVAL;
	if (r->old + r->old_bytes > r->to && r->to + r->new_bytes > r->old)
		return -QUIRE_EINVAL;
	return 0;
}

/* May that part of the area become as large as that? */
static int check_area(const struct remap *r, const struct vma *vma)
{
	uint64_t more = r->new_bytes - r->old_bytes;

	if (smaller(r->old_bytes, r->new_bytes) > vma->end - r->old)
		return -QUIRE_EFAULT;
	if (r->new_bytes <= r->old_bytes)
		return 0;
	if (vma_index(vma, r->old) + pages(r->new_bytes) < vma_index(vma, r->old))
		return -QUIRE_EINVAL;
	if (!account_may_lock(r->mm, vma->flags, pages(more)))
		return -QUIRE_EAGAIN;
	return account_may_grow(r->mm, vma->flags, pages(more)) ? 0 : -QUIRE_ENOMEM;
}

/* What of [@start, @end) is locked and new has to be had. */
static void fill(struct remap *r, uint32_t flags, uint64_t start, uint64_t end)
{
	if ((flags & (QUIRE_VM_LOCKED | QUIRE_VM_LOCKONFAULT)) != QUIRE_VM_LOCKED || start >= end)
		return;
	r->fill_start = start;
	r->fill_end = end;
}

/* ---- In place ---- */

static bool can_expand(const struct remap *r, const struct vma *vma)
{
	uint64_t more = r->new_bytes - r->old_bytes;
	struct layout_place place;
	const struct layout_request req = { .hint = vma->end,
					      .bytes = more,
					      .flags = QUIRE_MAP_FIXED };
	const struct vma *next = vma_next(r->mm, vma->end);

	return r->old + r->old_bytes == vma->end && !layout_place(r->mm, &req, &place) &&
	       (!next || next->start - vma->end >= more);
}

/* The area behind, if it has no anon yet, gets this one's, inherited or not: so they are one. */
static void share_anon(const struct vma *like)
{
	struct vma *next = vma_find(like->mm, like->end), bare = *like;

	bare.anon = NULL;
	if (like->anon && next && !next->anon && vma_joins(&bare, next))
		anon_link(next, like->anon);
}

static int expand(struct remap *r, struct vma *vma)
{
	uint64_t more = r->new_bytes - r->old_bytes, end = vma->end;
	uint32_t flags = vma->flags;

	if (flags & QUIRE_VM_ACCOUNT && account_promise(r->mm, pages(more)))
		return -QUIRE_ENOMEM;
	/*
	 * With the area behind, if they are alike now; what is before it stays apart in a child of
	 * fork.
	 */
	struct vma like = *vma;

	like.pgoff = vma_index(vma, end);
	like.start = end;
	like.end = end + more;
	share_anon(&like);
	vma = vma_extend(&like);
	ASSERT("VMA-2", vma);
	account_area(r->mm, flags, (int64_t)pages(more));
	fill(r, flags, end, end + more);
	return 0;
}

/* ---- Moving ---- */

/** struct move - a part of one area that is on its way */
struct move {
	struct munmap_plan target, tail;
	struct vma_room room;
	uint64_t keep;     /* bytes that are taken along */
	uint64_t promised; /* pages, for the new area */
	uint32_t flags;
};

/* What can be refused, and what takes memory; nothing has changed yet. */
static int prepare(const struct remap *r, const struct vma *vma, struct move *m)
{
	struct quire_mm *mm = r->mm;
	int error = 0;

	m->flags = vma->flags;
	m->keep = smaller(r->old_bytes, r->new_bytes);
	if (r->flags & QUIRE_MREMAP_FIXED)
		error = munmap_plan(mm, r->to, r->to + r->new_bytes, &m->target);
	if (!error && m->keep < r->old_bytes)
		error = munmap_plan(mm, r->old + m->keep, r->old + r->old_bytes, &m->tail);
	if (error)
		return error;
	if (mm->areas.nr + MOVE_AREAS >= vm_of(mm->q)->sysctl.max_map_count ||
	    (r->flags & QUIRE_MREMAP_DONTUNMAP && !account_may_grow(mm, m->flags, pages(m->keep))))
		return -QUIRE_ENOMEM;
	m->promised = m->flags & QUIRE_VM_ACCOUNT ? pages(r->new_bytes) : 0;
	if (m->promised && account_promise(mm, m->promised))
		return -QUIRE_ENOMEM;
	error = vma_room_get(mm, &m->room, MOVE_ROOM);
	if (error && m->promised)
		account_release(mm, m->promised);
	return error;
}

static void make_way(const struct remap *r, struct move *m)
{
	uint64_t accounted = 0;

	if (m->tail.nr_pages)
		accounted += munmap_range(r->mm, r->old + m->keep, r->old + r->old_bytes, &m->room);
	if (m->target.nr_pages)
		accounted += munmap_range(r->mm, r->to, r->to + r->new_bytes, &m->room);
	if (accounted)
		account_release(r->mm, accounted);
}

/* The area at the new place, with all that it has but entries. */
static struct vma *make_copy(const struct remap *r, struct move *m)
{
	const struct vma *from = vma_find(r->mm, r->old);
	struct vma like = *from, *to;

	like.pgoff = vma_index(from, r->old);
	if (!from->file && !from->anon)
		like.pgoff = r->to >> QUIRE_PAGE_SHIFT; /* no frame knows the old one */
	like.start = r->to;
	like.end = r->to + r->new_bytes;
	to = vma_extend(&like);
	if (to) {
		/* It may have had no anon; and the old area may be part of it now. */
		if (!to->anon && like.anon)
			anon_link(to, like.anon);
	} else {
		to = vma_like(&m->room, r->mm, &like);
		if (like.anon)
			anon_link(to, like.anon);
		vma_link(to);
	}
	account_area(r->mm, m->flags, (int64_t)pages(r->new_bytes));
	return to;
}

/* DONTUNMAP: the old area stays, empty and not locked. */
static void leave_empty(const struct remap *r, struct move *m)
{
	struct vma *from = vma_find(r->mm, r->old);
	struct vma_change change = {
		.start = from->start,
		.end = from->end,
		.flags = from->flags & ~(QUIRE_VM_LOCKED | QUIRE_VM_LOCKONFAULT),
	};

	if (from->anon && from->start == r->old && from->end == r->old + m->keep) {
		anon_unlink(from);
		from->anon = NULL;
		from = vma_join(from);
	}
	vma_modify(from, &change, &m->room);
}

static int move(struct remap *r, struct vma *vma)
{
	struct move m = { .keep = 0 };
	int error = prepare(r, vma, &m);

	if (error)
		return error;
	make_way(r, &m);
	if (!vma_find(r->mm, r->old)) {
		/* 0 bytes of an area that was in the way itself: as Linux, it is gone. */
		if (m.promised)
			account_release(r->mm, m.promised);
		vma_room_put(r->mm, &m.room);
		return -QUIRE_EFAULT;
	}
	struct vma *to = make_copy(r, &m);

	/* Of 0 bytes from address 0 on the last would be the last of all. */
	if (m.keep)
		error = zap_move(vma_find(r->mm, r->old), r->old, to, r->to, m.keep);
	if (error) {
		uint64_t accounted = munmap_range(r->mm, r->to, r->to + r->new_bytes, &m.room);

		ASSERT("VMA-4", accounted == m.promised);
		account_release(r->mm, accounted);
	} else if (r->flags & QUIRE_MREMAP_DONTUNMAP) {
		leave_empty(r, &m);
	} else if (m.keep) {
		account_release(r->mm, munmap_range(r->mm, r->old, r->old + m.keep, &m.room));
	}
	if (!error)
		fill(r, m.flags, r->to + m.keep, r->to + r->new_bytes);
	vma_room_put(r->mm, &m.room);
	return error;
}

static int move_to(struct remap *r, struct vma *vma)
{
	const struct layout_request req = {
		.hint = r->to,
		.bytes = r->new_bytes,
		.flags = r->flags & QUIRE_MREMAP_FIXED ? QUIRE_MAP_FIXED : 0,
		.anonymous = !vma->file,
	};
	struct layout_place place;
	int error = layout_place(r->mm, &req, &place);

	if (error)
		return error;
	r->to = place.start;
	return move(r, vma);
}

/* Of huge pages: whole ones, and they can't become more. */
static int check_huge(struct remap *r, const struct vma *vma)
{
	uint64_t mask = hugepool_bytes(r->mm->q) - 1;

	if (!hugetlb_is(vma))
		return 0;
	r->old_bytes = (r->old_bytes + mask) & ~mask;
	r->new_bytes = (r->new_bytes + mask) & ~mask;
	return (r->old | r->to) & mask || r->new_bytes > r->old_bytes ||
			       r->flags & QUIRE_MREMAP_DONTUNMAP
		       ? -QUIRE_EINVAL
		       : 0;
}

/* FIXED, the size unchanged: every area of the range. */
static int move_all(struct remap *r)
{
	uint64_t at = r->old, end = r->old + r->old_bytes;
	struct vma *vma = vma_find(r->mm, at);

	if (!vma)
		return -QUIRE_EFAULT;
	while (vma && vma->start < end) {
		struct remap part = *r;
		int error;

		part.old = vma->start > at ? vma->start : at;
		at = smaller(end, vma->end);
		part.old_bytes = part.new_bytes = at - part.old;
		part.to = r->to + (part.old - r->old);
		error = vma->flags & QUIRE_VM_SEALED ? -QUIRE_EPERM : check_huge(&part, vma);
		if (!error)
			error = move_to(&part, vma);
		if (error)
			return error;
		vma = at < end ? vma_next(r->mm, at) : NULL;
	}
	return 0;
}

static int remap(struct remap *r)
{
	bool implied = r->flags & (QUIRE_MREMAP_FIXED | QUIRE_MREMAP_DONTUNMAP);
	struct vma *vma = vma_find(r->mm, r->old);
	int error;

	if (implied && r->mm->areas.nr + 2 + MOVE_AREAS >= vm_of(r->mm->q)->sysctl.max_map_count)
		return -QUIRE_ENOMEM;
	if (r->flags & QUIRE_MREMAP_FIXED && r->old_bytes == r->new_bytes)
		return move_all(r);
	if (!vma)
		return -QUIRE_EFAULT;
	if (vma->flags & QUIRE_VM_SEALED)
		return -QUIRE_EPERM;
	if (!r->old_bytes && !(vma->flags & QUIRE_VM_MAYSHARE))
		return -QUIRE_EINVAL;
	if (!implied)
		r->to = r->old;
	error = check_huge(r, vma);
	if (error)
		return error;
	bool beyond = r->old_bytes > r->new_bytes &&
		      r->old_bytes > r->mm->layout.task_size.v - r->old;

	if (!implied && beyond)
		return -QUIRE_EINVAL;
	if (!implied && r->old_bytes >= r->new_bytes)
		return r->old_bytes == r->new_bytes
			       ? 0
			       : munmap_locked(r->mm, r->old + r->new_bytes, r->old + r->old_bytes);
	error = check_area(r, vma);
	if (error)
		return error;
	/* Where the target has taken the area away itself, Linux notices that first. */
	if (implied && beyond)
		return r->flags & QUIRE_MREMAP_FIXED && r->old - r->to < r->new_bytes
			       ? -QUIRE_EFAULT
			       : -QUIRE_EINVAL;
	if (implied)
		return move_to(r, vma);
	if (can_expand(r, vma))
		return expand(r, vma);
	if (!(r->flags & QUIRE_MREMAP_MAYMOVE))
		return -QUIRE_ENOMEM;
	r->to = 0;
	return move_to(r, vma);
}

int quire_mremap(struct quire_mm *mm, const struct quire_mremap *args, quire_virt_t *out)
{
	struct remap r = {
		.mm = mm,
		.old = args->address.v,
		.old_bytes = layout_page_up(args->old_bytes),
		.new_bytes = layout_page_up(args->new_bytes),
		.flags = args->flags,
		.to = args->new_address.v,
	};
	int error = check_args(mm, &r);

	if (error)
		return error;
	sem_write(&mm->sem, mm->q->config.host);
	error = remap(&r);
	sem_write_drop(&mm->sem, mm->q->config.host);
	if (error)
		return error;
	out->v = r.to;
	if (r.fill_end)
		(void)fault_populate(mm, r.fill_start, r.fill_end, POPULATE_MAP);
	return 0;
}
