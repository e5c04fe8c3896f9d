/* SPDX-License-Identifier: MIT */
/*
 * vma.c - the areas of an address space: find, split, join, resize
 *
 * An area is known in three places: the tree of its mm, the maps of its file (M), the list of its
 * anon (A). Who looks from a frame for its entries comes by the latter two, beside any call. So an
 * area that grows into another one's pages does so before that one gives them up: for a moment a
 * page belongs to two areas, never to none. The tree is S's alone, and there ranges never overlap.
 */
#include "vm/vma.h"

#include "cache/inode.h"
#include "core/assert.h"
#include "vm/account.h"
#include "vm/anon.h"
#include "vm/huge.h"
#include "vm/hugetlb.h"

/* Tree nodes that an mm keeps for its next insertions: those of two into a tree of three levels. */
#define NODES_KEPT 8

struct vma *vma_find(const struct quire_mm *mm, uint64_t address)
{
	return tree_find(&mm->areas, address);
}

struct vma *vma_next(const struct quire_mm *mm, uint64_t address)
{
	struct tree_cursor c;

	return tree_seek(&mm->areas, address, &c) ? tree_value(&c) : NULL;
}

struct vma *vma_prev(const struct quire_mm *mm, uint64_t address)
{
	struct tree_cursor c;

	tree_seek(&mm->areas, address, &c);
	return tree_prev(&mm->areas, &c) ? tree_value(&c) : NULL;
}

/* ---- Records ---- */

static WITHIN void free_record(struct quire_mm *mm, struct vma *vma)
{
	enum quire_kfree outcome = quire_cache_free(vm_of(mm->q)->vma_cache, vma);

	ASSERT("VMA-1", outcome == QUIRE_KFREE_OK);
}

int vma_room_get(struct quire_mm *mm, struct vma_room *room, unsigned nr)
{
	struct vm *vm = vm_of(mm->q);
	uint32_t nodes = nr * (mm->areas.height + 1);

	ASSERT("VMA-1", nr <= VMA_ROOM);
	while (room->nr < nr) {
		struct vma *vma = quire_cache_alloc(vm->vma_cache, QUIRE_GFP_KERNEL);

		if (!vma)
			goto fail;
		room->vma[room->nr++] = vma;
	}
	while (mm->areas.nr_spare < nodes) {
		void *node = quire_cache_alloc(vm->node_cache, QUIRE_GFP_KERNEL);

		if (!node)
			goto fail;
		tree_give(&mm->areas, node);
	}
	return 0;
fail:
	vma_room_put(mm, room);
	return -QUIRE_ENOMEM;
}

void vma_room_put(struct quire_mm *mm, struct vma_room *room)
{
	while (room->nr)
		free_record(mm, room->vma[--room->nr]);
	vma_nodes_put(mm, NODES_KEPT);
}

void vma_nodes_put(struct quire_mm *mm, uint32_t keep)
{
	void *node;

	while (unlikely((node = tree_spare(&mm->areas, keep)))) {
		enum quire_kfree outcome = quire_cache_free(vm_of(mm->q)->node_cache, node);

		ASSERT("VMA-1", outcome == QUIRE_KFREE_OK);
	}
}

static void init_like(struct vma *vma, struct quire_mm *mm, const struct vma *from)
{
	vma->start = from->start;
	vma->end = from->end;
	vma->mm = mm;
	vma->flags = from->flags;
	vma->pte = from->pte;
	vma->file = from->file;
	vma->pgoff = from->pgoff;
	relaxed_store(&vma->anon, NULL);
	vma->anon_next = vma->anon_prev = NULL;
	relaxed_store(&vma->touched, relaxed_load(&from->touched));
	if (vma->file)
		quire_file_get(vma->file);
}

struct vma *vma_like(struct vma_room *room, struct quire_mm *mm, const struct vma *from)
{
	ASSERT("VMA-1", room->nr);
	struct vma *vma = room->vma[--room->nr];

	init_like(vma, mm, from);
	return vma;
}

/* ---- Rights ---- */

#define NX QUIRE_PTE_NX
#define RW QUIRE_PTE_RW
#define IN (QUIRE_PTE_USER | QUIRE_PTE_PRESENT)

/*
 * Rights of entries by VM_READ 1, _WRITE 2, _EXEC 4, _SHARED 8, Linux's protection_map: what is
 * private is copied before it is written.
 */
static const quire_pte_t protection[16] = {
	QUIRE_PTE_USER | NX, IN | NX, IN | NX, IN | NX, IN, IN, IN, IN, /* private */
	QUIRE_PTE_USER | NX, IN | NX, IN | NX | RW, IN | NX | RW, IN, IN, IN | RW, IN | RW,
};

void vma_set_flags(struct vma *vma, uint32_t flags)
{
	vma->flags = flags;
	vma->pte = protection[flags & 15];
	/* Writes to a file that has a store are to be noticed. */
	if (vma->file && quire_file_inode(vma->file)->store)
		vma->pte &= ~QUIRE_PTE_RW;
}

/* ---- The three places ---- */

static bool may_write_file(const struct vma *vma)
{
	return (vma->flags & (QUIRE_VM_SHARED | QUIRE_VM_MAYWRITE)) ==
	       (QUIRE_VM_SHARED | QUIRE_VM_MAYWRITE);
}

static void maps_put(struct quire_inode *inode, struct vma *vma)
{
	vma->maps.first = vma->pgoff;
	vma->maps.last = vma->pgoff + vma_pages(vma) - 1;
	interval_insert(&inode->maps, &vma->maps);
}

static void maps_enter(struct vma *vma)
{
	struct quire_inode *inode = quire_file_inode(vma->file);

	sem_write(&inode->maps_lock, inode->q->config.host);
	maps_put(inode, vma);
	inode->nr_writable += may_write_file(vma);
	sem_write_drop(&inode->maps_lock, inode->q->config.host);
}

static void maps_leave(struct vma *vma)
{
	struct quire_inode *inode = quire_file_inode(vma->file);

	sem_write(&inode->maps_lock, inode->q->config.host);
	interval_erase(&inode->maps, &vma->maps);
	ASSERT("VMA-1", !may_write_file(vma) || inode->nr_writable);
	inode->nr_writable -= may_write_file(vma);
	sem_write_drop(&inode->maps_lock, inode->q->config.host);
}

static void move_limits(struct vma *vma, uint64_t start, uint64_t end)
{
	anon_hold(vma);
	if (start < vma->start)
		vma->pgoff -= (vma->start - start) >> QUIRE_PAGE_SHIFT;
	else
		vma->pgoff += (start - vma->start) >> QUIRE_PAGE_SHIFT;
	vma->start = start;
	vma->end = end;
	anon_release(vma);
}

/* Change an area's limits where they are seen from frames. */
static void set_limits(struct vma *vma, uint64_t start, uint64_t end)
{
	struct quire_inode *inode;

	if (unlikely(huge_any(vma->mm))) {
		huge_border(vma->mm, start);
		huge_border(vma->mm, end);
	}
	if (!vma->file) {
		move_limits(vma, start, end);
		return;
	}
	inode = quire_file_inode(vma->file);
	sem_write(&inode->maps_lock, inode->q->config.host);
	interval_erase(&inode->maps, &vma->maps);
	move_limits(vma, start, end);
	maps_put(inode, vma);
	sem_write_drop(&inode->maps_lock, inode->q->config.host);
}

static struct tree_range range_of(struct vma *vma)
{
	return (struct tree_range){ vma->start, vma->end, vma };
}

static void tree_enter(struct vma *vma)
{
	struct tree_cursor c;

	tree_seek(&vma->mm->areas, vma->start, &c);
	tree_insert(&vma->mm->areas, &c, vma->start, vma->end, vma);
}

static void tree_leave(struct vma *vma)
{
	struct tree_cursor c;

	tree_seek(&vma->mm->areas, vma->start, &c);
	ASSERT("VMA-1", tree_value(&c) == vma);
	tree_erase(&vma->mm->areas, &c);
}

/* The tree's range that has @address becomes the area's. */
static void tree_follow(struct vma *vma, uint64_t address)
{
	struct tree_range range = range_of(vma);
	struct tree_cursor c;

	tree_seek(&vma->mm->areas, address, &c);
	ASSERT("VMA-1", tree_value(&c) == vma);
	tree_resize(&vma->mm->areas, &c, &range);
}

void vma_link(struct vma *vma)
{
	if (vma->file)
		maps_enter(vma);
	tree_enter(vma);
}

static WITHIN void drop(struct vma *vma)
{
	if (relaxed_load(&vma->anon))
		anon_unlink(vma);
	if (vma->file) {
		if (unlikely(hugetlb_is(vma)))
			hugetlb_close(vma);
		maps_leave(vma);
		quire_file_put(vma->file);
	}
	free_record(vma->mm, vma);
}

void vma_unlink(struct vma *vma)
{
	tree_leave(vma);
	drop(vma);
}

void vma_drop(struct vma *vma)
{
	drop(vma);
}

void vma_resize(struct vma *vma, uint64_t start, uint64_t end)
{
	uint64_t old = vma->start;

	set_limits(vma, start, end);
	tree_follow(vma, old);
}

/* ---- Splitting and joining ---- */

struct vma *vma_split(struct vma *vma, uint64_t address, struct vma_room *room)
{
	struct vma *upper = vma_like(room, vma->mm, vma);
	struct tree_range lower = { vma->start, address, vma };
	struct tree_cursor c;

	ASSERT("VMA-1", address > vma->start && address < vma->end);
	upper->pgoff = vma_index(vma, address);
	upper->start = address;
	if (unlikely(hugetlb_is(vma)))
		hugetlb_split(upper, vma);
	if (vma->anon)
		anon_link(upper, vma->anon);
	if (upper->file)
		maps_enter(upper);
	set_limits(vma, vma->start, address);
	tree_seek(&vma->mm->areas, vma->start, &c);
	tree_resize(&vma->mm->areas, &c, &lower);
	tree_behind(&c);
	tree_insert(&vma->mm->areas, &c, address, upper->end, upper);
	return upper;
}

static inline bool joins(const struct vma *lower, const struct vma *upper)
{
	return lower->end == upper->start && lower->flags == upper->flags &&
	       lower->file == upper->file && lower->pgoff + vma_pages(lower) == upper->pgoff &&
	       anon_mergeable(lower->anon, upper->anon) && !hugetlb_is(lower);
}

bool vma_joins(const struct vma *lower, const struct vma *upper)
{
	return joins(lower, upper);
}

/* Pages of one become the other's. */
static void share_pages(struct vma *to, const struct vma *from)
{
	if (!to->anon && from->anon)
		anon_link(to, from->anon);
	if (relaxed_load(&from->touched))
		vma_touch(to);
}

/* The upper of two neighbours becomes part of the lower one. */
static void absorb(struct vma *lower, struct vma *upper)
{
	share_pages(lower, upper);
	set_limits(lower, lower->start, upper->end);
	vma_unlink(upper);
	tree_follow(lower, lower->start);
}

struct vma *vma_join(struct vma *vma)
{
	struct vma *prev = vma->start ? vma_find(vma->mm, vma->start - 1) : NULL;
	struct vma *next = vma_find(vma->mm, vma->end);

	if (prev && vma_joins(prev, vma)) {
		absorb(prev, vma);
		vma = prev;
	}
	if (next && vma_joins(vma, next))
		absorb(vma, next);
	return vma;
}

/* The area before the gap, if it could be one with @like, which the gap has. */
static inline struct vma *joins_before(const struct vma *like, const struct vma_spot *spot)
{
	struct vma *prev = NULL;

	/* Mostly there is a gap left, and nobody has to find who is beyond it. */
	if (spot->below == like->start && like->start)
		prev = tree_before(&like->mm->areas, &spot->c);
	return prev && joins(prev, like) ? prev : NULL;
}

static struct vma *extend(const struct vma *like, const struct vma_spot *spot)
{
	struct vma *next = spot->next, *prev = joins_before(like, spot);
	bool before = next && joins(like, next);

	if (prev && before && !anon_mergeable(prev->anon, next->anon))
		before = false;
	if (prev && before)
		absorb(prev, next);
	else if (prev)
		vma_resize(prev, prev->start, like->end);
	else if (before)
		vma_resize(next, like->start, next->end);
	return prev ? prev : before ? next : NULL;
}

void vma_spot(const struct quire_mm *mm, uint64_t address, struct vma_spot *out)
{
	tree_seek(&mm->areas, address, &out->c);
	vma_around(&mm->areas, out);
}

APART struct vma *vma_extend(const struct vma *like)
{
	struct vma_spot spot;

	vma_spot(like->mm, like->start, &spot);
	return extend(like, &spot);
}

/* Have the nodes that an insertion takes. Return: 0; -QUIRE_ENOMEM: those had stay with the tree */
static COLD int get_nodes(struct quire_mm *mm, uint32_t nr)
{
	while (nr--) {
		void *node = quire_cache_alloc(vm_of(mm->q)->node_cache, QUIRE_GFP_KERNEL);

		if (!node)
			return -QUIRE_ENOMEM;
		tree_give(&mm->areas, node);
	}
	return 0;
}

/* A record, and nodes to insert it at @c. Return: NULL without memory, and nothing has changed */
static WITHIN struct vma *get_record(struct quire_mm *mm, const struct tree_cursor *c)
{
	struct vma *vma = quire_cache_alloc(vm_of(mm->q)->vma_cache, QUIRE_GFP_KERNEL);

	if (unlikely(!vma))
		return NULL;
	if (unlikely(!tree_room(&mm->areas, c)) && get_nodes(mm, tree_need(&mm->areas, c))) {
		free_record(mm, vma);
		return NULL;
	}
	return vma;
}

struct vma *vma_add(const struct vma *like, struct vma_spot *spot)
{
	struct quire_mm *mm = like->mm;
	struct vma *vma = extend(like, spot);

	if (vma)
		return vma;
	vma = get_record(mm, &spot->c);
	if (!vma)
		return NULL;
	init_like(vma, mm, like);
	vma_set_flags(vma, like->flags);
	if (vma->file)
		maps_enter(vma);
	tree_insert(&mm->areas, &spot->c, vma->start, vma->end, vma);
	return vma;
}

/* It may be one with a neighbour. */
static APART struct vma *add_beside(struct quire_mm *mm, uint64_t start, uint64_t end,
				    uint32_t flags, struct vma_spot *spot)
{
	const struct vma like = {
		.start = start,
		.end = end,
		.mm = mm,
		.flags = flags,
		.pgoff = start >> QUIRE_PAGE_SHIFT,
	};

	return vma_add(&like, spot);
}

struct vma *vma_add_fresh(struct quire_mm *mm, uint64_t start, uint64_t end, uint32_t flags,
			  struct vma_spot *spot)
{
	const struct vma *next = spot->next;
	struct vma *vma;

	if (spot->below == start || (next && next->start == end && next->flags == flags))
		return add_beside(mm, start, end, flags, spot);
	vma = get_record(mm, &spot->c);
	if (unlikely(!vma))
		return NULL;
	vma->start = start;
	vma->end = end;
	vma->mm = mm;
	vma->flags = flags;
	vma->pte = protection[flags & 15];
	vma->file = NULL;
	vma->pgoff = start >> QUIRE_PAGE_SHIFT;
	relaxed_store(&vma->anon, NULL);
	vma->anon_next = vma->anon_prev = NULL;
	relaxed_store(&vma->touched, false);
	tree_insert(&mm->areas, &spot->c, start, end, vma);
	return vma;
}

/* The border between two neighbours moves: pages of one become the other's. */
static void shift(struct vma *lower, struct vma *upper, uint64_t border)
{
	uint64_t old = upper->start;
	bool up = border > old;

	share_pages(up ? lower : upper, up ? upper : lower);
	if (up) {
		set_limits(lower, lower->start, border);
		set_limits(upper, border, upper->end);
		tree_follow(upper, old);
		tree_follow(lower, lower->start);
	} else {
		set_limits(upper, border, upper->end);
		set_limits(lower, lower->start, border);
		tree_follow(lower, lower->start);
		tree_follow(upper, old);
	}
}

/* All of an area changes: then it may be one with both neighbours. */
static struct vma *modify_whole(struct vma *vma, uint32_t flags)
{
	vma_set_flags(vma, flags);
	return vma_join(vma);
}

/* A part of it. Return: the area that has it; NULL if there would be too many */
static struct vma *modify_part(struct vma *vma, const struct vma *part, struct vma_room *room)
{
	struct quire_mm *mm = vma->mm;
	bool front = part->start == vma->start, back = part->end == vma->end;
	struct vma *prev = front && vma->start ? vma_find(mm, vma->start - 1) : NULL;
	struct vma *next = back ? vma_find(mm, vma->end) : NULL;

	if (prev && vma_joins(prev, part)) {
		shift(prev, vma, part->end);
		return prev;
	}
	if (next && vma_joins(part, next)) {
		shift(vma, next, part->start);
		return next;
	}
	if (mm->areas.nr + !front + !back > vm_of(mm->q)->sysctl.max_map_count)
		return NULL;
	if (!front)
		vma = vma_split(vma, part->start, room);
	if (!back)
		vma_split(vma, part->end, room);
	vma_set_flags(vma, part->flags);
	return vma;
}

struct vma *vma_modify(struct vma *vma, const struct vma_change *change, struct vma_room *room)
{
	int64_t nr = (int64_t)((change->end - change->start) >> QUIRE_PAGE_SHIFT);
	uint32_t old = vma->flags;
	struct quire_mm *mm = vma->mm;

	if (old == change->flags)
		return vma;
	if (change->start == vma->start && change->end == vma->end) {
		vma = modify_whole(vma, change->flags);
	} else {
		struct vma part = {
			.start = change->start,
			.end = change->end,
			.flags = change->flags,
			.file = vma->file,
			.pgoff = vma_index(vma, change->start),
			.anon = vma->anon,
		};

		vma = modify_part(vma, &part, room);
	}
	if (vma) {
		account_area(mm, old, -nr);
		account_area(mm, change->flags, nr);
	}
	return vma;
}
