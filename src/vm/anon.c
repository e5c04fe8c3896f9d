/* SPDX-License-Identifier: MIT */
/*
 * anon.c - from an anonymous frame to its entries
 *
 * An anon stays as long as it has something to say: areas, frames that name it, or two children or
 * more. What has none of these is taken out of the tree; an only child takes its place.
 *
 *        P                 P
 *        │                 │
 *        A   no areas      │
 *        │   no frames ──> B
 *        B                / \
 *       / \
 */
#include "vm/anon.h"

#include <quire/port.h>

#include "core/assert.h"
#include "vm/mm.h"

static void family_enter(struct anon_family *family, const struct quire *q)
	LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	sem_write(&family->sem, q->config.host);
}

static void family_leave(struct anon_family *family, struct quire *q)
	LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	bool empty = !family->nr;

	sem_write_drop(&family->sem, q->config.host);
	/* Who could wait for it had an area or a frame in it. */
	if (empty)
		quire_kfree(q, family);
}

static struct anon *make(struct quire *q)
{
	struct anon *anon = quire_cache_alloc(vm_of(q)->anon_cache, QUIRE_GFP_KERNEL);

	if (anon)
		*anon = (struct anon){ .q = q };
	return anon;
}

/* A root, and its family. */
static struct anon *make_root(struct quire *q)
{
	struct anon *anon = make(q);
	struct anon_family *family = anon ? quire_kmalloc(q, sizeof(*family), QUIRE_GFP_KERNEL)
					  : NULL;

	if (!family) {
		if (anon)
			quire_cache_free(vm_of(q)->anon_cache, anon);
		return NULL;
	}
	*family = (struct anon_family){ .nr = 1 };
	anon->family = family;
	return anon;
}

/* Locks: A, or nobody knows the anon. */
static void add_area(struct vma *vma, struct anon *anon)
{
	vma->anon_prev = NULL;
	vma->anon_next = anon->areas;
	if (anon->areas)
		anon->areas->anon_prev = vma;
	anon->areas = vma;
	anon->nr_areas++;
	atomic_store_explicit(&vma->anon, anon, memory_order_release);
}

/* Put @heir, or nothing, where @anon is among its siblings. Locks: A */
static void replace(struct anon *anon, struct anon *heir)
{
	struct anon *follower = heir ? heir : anon->next;

	if (heir) {
		heir->parent = anon->parent;
		heir->next = anon->next;
		if (anon->next)
			anon->next->prev = heir;
	}
	if (follower)
		follower->prev = anon->prev;
	if (anon->prev)
		anon->prev->next = follower;
	else if (anon->parent)
		anon->parent->child = follower;
}

/* Take out what has nothing to say any more, from @anon upwards. Locks: A */
static void settle(struct anon *anon)
{
	while (anon && !anon->nr_areas && anon->nr_children <= 1 &&
	       !relaxed_load(&anon->nr_frames)) {
		struct anon *parent = anon->parent;

		replace(anon, anon->child);
		if (parent)
			parent->nr_children -= !anon->child;
		anon->family->nr--;
		quire_cache_free(vm_of(anon->q)->anon_cache, anon);
		anon = parent;
	}
}

/* Could the two be one area, but for their rights? */
static bool akin(const struct vma *a, const struct vma *b)
{
	uint32_t rights = QUIRE_VM_READ | QUIRE_VM_WRITE | QUIRE_VM_EXEC;

	return a && b && a->end == b->start && a->file == b->file &&
	       !((a->flags ^ b->flags) & ~rights) && a->pgoff + vma_pages(a) == b->pgoff;
}

/* The anon of a neighbour that the area can have, too. NULL: none */
static struct anon *neighbours(const struct vma *vma)
{
	const struct vma *next = vma_next(vma->mm, vma->end), *prev = vma_prev(vma->mm, vma->start);
	struct anon *anon = akin(vma, next) ? acquire_load(&next->anon) : NULL;

	if (!anon || anon->inherited)
		anon = akin(prev, vma) ? acquire_load(&prev->anon) : NULL;
	return anon && !anon->inherited ? anon : NULL;
}

/* Give the area an anon unless another fault has. Return: whether it has taken this one */
static bool publish(struct vma *vma, struct anon *anon)
{
	uintptr_t token = quire_port_cpu_enter();
	struct lock *lock = &vma->mm->anon_lock;
	bool mine;

	lock_take(lock);
	mine = !relaxed_load(&vma->anon);
	if (mine)
		add_area(vma, anon);
	lock_drop(lock);
	quire_port_cpu_leave(token);
	return mine;
}

int anon_prepare(struct vma *vma)
{
	struct quire *q = vma->mm->q;
	struct anon *anon;

	if (acquire_load(&vma->anon))
		return 0;
	anon = neighbours(vma);
	if (anon) {
		family_enter(anon->family, q);
		publish(vma, anon);
		family_leave(anon->family, q);
		return 0;
	}
	anon = make_root(q);
	if (!anon)
		return -QUIRE_ENOMEM;
	if (!publish(vma, anon)) {
		quire_kfree(q, anon->family);
		quire_cache_free(vm_of(q)->anon_cache, anon);
	}
	return 0;
}

int anon_fork(struct vma *child, const struct vma *parent)
{
	struct anon *above = relaxed_load(&parent->anon), *anon;

	if (!above)
		return 0;
	anon = make(above->q);
	if (!anon)
		return -QUIRE_ENOMEM;
	anon->family = above->family;
	anon->inherited = true;
	family_enter(above->family, above->q);
	anon->parent = above;
	anon->next = above->child;
	if (above->child)
		above->child->prev = anon;
	above->child = anon;
	above->nr_children++;
	above->family->nr++;
	add_area(child, anon);
	family_leave(above->family, above->q);
	return 0;
}

void anon_link(struct vma *vma, struct anon *anon)
{
	family_enter(anon->family, anon->q);
	add_area(vma, anon);
	family_leave(anon->family, anon->q);
}

void anon_unlink(struct vma *vma)
{
	struct anon *anon = relaxed_load(&vma->anon);
	struct anon_family *family;
	struct quire *q;

	if (!anon)
		return;
	q = anon->q;
	family = anon->family;
	family_enter(family, q);
	if (vma->anon_prev)
		vma->anon_prev->anon_next = vma->anon_next;
	else
		anon->areas = vma->anon_next;
	if (vma->anon_next)
		vma->anon_next->anon_prev = vma->anon_prev;
	relaxed_store(&vma->anon, NULL);
	anon->nr_areas--;
	settle(anon);
	family_leave(family, q);
}

void anon_hold(const struct vma *vma)
{
	const struct anon *anon = relaxed_load(&vma->anon);

	if (anon)
		family_enter(anon->family, anon->q);
}

void anon_release(const struct vma *vma)
{
	const struct anon *anon = relaxed_load(&vma->anon);

	if (anon)
		family_leave(anon->family, anon->q);
}

bool anon_mergeable(const struct anon *a, const struct anon *b)
{
	const struct anon *one = a ? a : b;

	return a == b || ((!a || !b) && !one->inherited);
}

void anon_frames_gone(struct anon *anon, uint64_t nr)
{
	uintptr_t had = relaxed_load(&anon->nr_frames);
	struct anon_family *family = anon->family;
	struct quire *q = anon->q;

	while (had > nr) {
		if (atomic_compare_exchange_weak_explicit(&anon->nr_frames, &had,
							  had - (uintptr_t)nr, memory_order_relaxed,
							  memory_order_relaxed))
			return;
	}
	/* Perhaps the last ones: while they are counted it can't go. */
	family_enter(family, q);
	had = atomic_fetch_sub_explicit(&anon->nr_frames, (uintptr_t)nr, memory_order_relaxed);
	ASSERT("ANON-2", had >= nr);
	settle(anon);
	family_leave(family, q);
}

struct anon *anon_next(const struct anon *top, const struct anon *at)
{
	if (at->child)
		return at->child;
	while (at != top && !at->next)
		at = at->parent;
	return at == top ? NULL : at->next;
}
