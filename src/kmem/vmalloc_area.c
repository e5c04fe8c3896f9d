/* SPDX-License-Identifier: MIT */
/*
 * vmalloc_area.c - ranges of the vmalloc region
 *
 * The lock is never held across an allocation or a flush: a search that lacks nodes for
 * its insertion leaves, gets them, and searches again.
 *
 * Source: Gorman, Understanding the Linux Virtual Memory Manager, ch. 7; Linux's documentation
 * of vm_unmap_aliases (lazy flushing)
 */
#include "kmem/vmalloc_area.h"

#include <quire/port.h>

#include "core/assert.h"
#include "core/bits.h"
#include "kmem/kspace.h"

/* 32 MB of addresses for each doubling of the processors, as Linux. */
#define LAZY_PAGES ((32u << 20) / QUIRE_PAGE_SIZE)
/* Records freed, or nodes left unused, with one taking of the lock. */
#define BATCH 64
#define NODES_SPARE 8

void area_setup(struct vmap *vmap, uint64_t start, uint64_t end, unsigned nr_cpus)
{
	vmap->start = start;
	vmap->tree.base = start;
	vmap->end = end;
	vmap->lazy_max = (uint64_t)LAZY_PAGES * (bits_last(nr_cpus) + 1);
	vmap->lazy_start = UINT64_MAX;
}

static uintptr_t enter(struct vmap *vmap) LOCK_ATTRIBUTE(acquire_capability(vmap->lock))
{
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&vmap->lock);
	return token;
}

static void leave(struct vmap *vmap, uintptr_t token)
	LOCK_ATTRIBUTE(release_capability(vmap->lock))
{
	lock_drop(&vmap->lock);
	quire_port_cpu_leave(token);
}

static void free_area(struct kspace *ks, struct area *area)
{
	enum quire_kfree outcome = quire_cache_free(ks->areas, area);

	ASSERT("KVMA-1", outcome == QUIRE_KFREE_OK);
}

static void free_node(struct kspace *ks, void *node)
{
	enum quire_kfree outcome = quire_cache_free(ks->nodes, node);

	ASSERT("KVMA-1", outcome == QUIRE_KFREE_OK);
}

/* A range kept of that size. NULL: none. Locks: V */
static struct area *take_kept(struct vmap *vmap, uint64_t nr_pages)
{
	struct area *area = vmap->kept[nr_pages];

	if (!area)
		return NULL;
	ASSERT("KVMA-3", relaxed_load(&area->state) == AREA_KEPT && area->nr_pages == nr_pages);
	vmap->kept[nr_pages] = area->next;
	vmap->kept_pages -= nr_pages;
	vmap->nr_kept--;
	return area;
}

/* Locks: V */
static void start_use(struct vmap *vmap, struct area *area, const struct area_request *req)
{
	relaxed_store(&area->state, AREA_NEW);
	area->first = NULL;
	area->nr_frames = area->nr_pages - 1;
	area->nr_owned = req->owned ? area->nr_frames : 0;
	vmap->nr_frames += area->nr_owned;
	vmap->nr_areas++;
	vmap->used_pages += area->nr_pages;
}

/* Locks: V. Return: nodes that it lacks, and then nothing has changed; -QUIRE_ENOSPC */
static int place(struct vmap *vmap, const struct area_request *req, struct area *area)
{
	const struct tree_fit fit = {
		.bytes = req->nr_pages << QUIRE_PAGE_SHIFT,
		.align = req->align,
		.low = vmap->start,
		.high = vmap->end,
	};
	struct tree_range range = { .value = area };
	struct tree_cursor c;

	if (!tree_gap(&vmap->tree, &fit, &c, &range.start))
		return -QUIRE_ENOSPC;
	uint32_t need = tree_need(&vmap->tree, &c);

	if (need)
		return (int)need;
	range.end = range.start + fit.bytes;
	area->start = range.start;
	area->nr_pages = req->nr_pages;
	tree_insert(&vmap->tree, &c, range.start, range.end, range.value);
	start_use(vmap, area, req);
	return 0;
}

/* Return: 0; -QUIRE_ENOMEM; those had stay with the tree. Locks: takes V */
static int give_nodes(struct kspace *ks, int nr)
{
	while (nr-- > 0) {
		void *node = quire_cache_alloc(ks->nodes, QUIRE_GFP_KERNEL);

		if (!node)
			return -QUIRE_ENOMEM;
		uintptr_t token = enter(&ks->vmap);
		tree_give(&ks->vmap.tree, node);
		leave(&ks->vmap, token);
	}
	return 0;
}

static COLD int take_new(struct kspace *ks, const struct area_request *req, struct area **out)
{
	struct area *area = quire_cache_alloc(ks->areas, QUIRE_GFP_KERNEL);
	bool purged = false;
	int result = area ? 1 : -QUIRE_ENOMEM;

	while (result > 0) {
		uintptr_t token = enter(&ks->vmap);

		result = place(&ks->vmap, req, area);
		leave(&ks->vmap, token);
		if (result == -QUIRE_ENOSPC && !purged) {
			area_purge(ks, false);
			purged = true;
			result = 1;
		} else if (result > 0 && give_nodes(ks, result)) {
			result = -QUIRE_ENOMEM;
		}
	}
	if (!result)
		*out = area;
	else if (area)
		free_area(ks, area);
	return result;
}

int area_take(struct kspace *ks, const struct area_request *req, struct area **out)
{
	struct vmap *vmap = &ks->vmap;

	if (req->nr_pages <= KEPT_PAGES && req->align == QUIRE_PAGE_SIZE) {
		uintptr_t token = enter(vmap);
		struct area *area = take_kept(vmap, req->nr_pages);

		if (area)
			start_use(vmap, area, req);
		leave(vmap, token);
		if (area) {
			*out = area;
			return 0;
		}
	}
	return take_new(ks, req, out);
}

enum quire_vfree area_claim(struct kspace *ks, uint64_t virt, enum area_state state,
			    struct area **out)
{
	struct vmap *vmap = &ks->vmap;
	enum quire_vfree outcome = QUIRE_VFREE_OK;
	uintptr_t token = enter(vmap);
	struct area *area = tree_find(&vmap->tree, virt);
	uint32_t is = area ? atomic_load_explicit(&area->state, memory_order_acquire) : AREA_NEW;

	if (is == AREA_NEW)
		outcome = QUIRE_VFREE_FOREIGN;
	else if (area->start != virt)
		outcome = QUIRE_VFREE_INSIDE;
	else if (is >= AREA_DYING)
		outcome = QUIRE_VFREE_DOUBLE;
	else if (is != (uint32_t)state)
		outcome = QUIRE_VFREE_KIND;
	else
		relaxed_store(&area->state, AREA_DYING);
	*out = area;
	leave(vmap, token);
	return outcome;
}

void area_retire(struct kspace *ks, struct area *area)
{
	struct vmap *vmap = &ks->vmap;
	uintptr_t token = enter(vmap);
	uint64_t end = area->start + (area->nr_pages << QUIRE_PAGE_SHIFT);

	ASSERT("KVMA-2", relaxed_load(&area->state) == AREA_DYING ||
				 relaxed_load(&area->state) == AREA_NEW);
	relaxed_store(&area->state, AREA_LAZY);
	area->next = vmap->lazy;
	vmap->lazy = area;
	vmap->nr_lazy++;
	vmap->lazy_pages += area->nr_pages;
	if (area->start < vmap->lazy_start)
		vmap->lazy_start = area->start;
	if (end > vmap->lazy_end)
		vmap->lazy_end = end;
	vmap->nr_areas--;
	vmap->used_pages -= area->nr_pages;
	vmap->nr_frames -= area->nr_owned;
	bool much = vmap->lazy_pages > vmap->lazy_max;
	leave(vmap, token);
	if (much)
		area_purge(ks, true);
}

/* Locks: V */
static void forget(struct vmap *vmap, const struct area *area)
{
	struct tree_cursor c;
	struct tree_range range = { 0, 0, NULL };

	tree_seek(&vmap->tree, area->start, &c);
	tree_at(&vmap->tree, &c, &range);
	ASSERT("KVMA-1", range.value == area);
	tree_erase(&vmap->tree, &c);
}

/* Flushed ranges are kept if they are small and there are not too many. Locks: V */
static bool keep_one(struct vmap *vmap, struct area *area)
{
	if (area->nr_pages > KEPT_PAGES || vmap->kept_pages + area->nr_pages > vmap->lazy_max)
		return false;
	relaxed_store(&area->state, AREA_KEPT);
	area->next = vmap->kept[area->nr_pages];
	vmap->kept[area->nr_pages] = area;
	vmap->kept_pages += area->nr_pages;
	vmap->nr_kept++;
	return true;
}

/* Keep or forget what was flushed. Return: the records to free, linked. Locks: V */
static struct area *settle(struct vmap *vmap, struct area **list, bool keep)
{
	struct area *gone = NULL;

	for (unsigned n = 0; *list && n < BATCH; n++) {
		struct area *area = *list;

		*list = area->next;
		if (keep && keep_one(vmap, area))
			continue;
		forget(vmap, area);
		area->next = gone;
		gone = area;
	}
	return gone;
}

/* Return: how many */
static uint64_t free_records(struct kspace *ks, struct area *list)
{
	uint64_t nr = 0;

	for (; list; nr++) {
		struct area *area = list;

		list = area->next;
		free_area(ks, area);
	}
	return nr;
}

/* Take out what is kept, to be forgotten. Locks: V */
static struct area *all_kept(struct vmap *vmap)
{
	struct area *list = NULL;

	for (uint64_t nr = 1; nr <= KEPT_PAGES; nr++) {
		for (struct area *area; (area = take_kept(vmap, nr)); list = area) {
			relaxed_store(&area->state, AREA_LAZY);
			area->next = list;
		}
	}
	return list;
}

static void free_nodes(struct kspace *ks, uint32_t keep)
{
	for (void *node = ks; node;) {
		uintptr_t token = enter(&ks->vmap);

		node = tree_spare(&ks->vmap.tree, keep);
		leave(&ks->vmap, token);
		if (node)
			free_node(ks, node);
	}
}

uint64_t area_purge(struct kspace *ks, bool keep)
{
	uint64_t nr = 0;
	struct vmap *vmap = &ks->vmap;

	if (!kmap_may_flush(ks))
		return 0;
	uintptr_t token = enter(vmap);
	uint64_t start = vmap->lazy_start, end = vmap->lazy_end;
	struct area *lazy = vmap->lazy, *kept = keep ? NULL : all_kept(vmap), *gone;

	vmap->lazy = NULL;
	vmap->nr_lazy = 0;
	vmap->lazy_pages = 0;
	vmap->lazy_start = UINT64_MAX;
	vmap->lazy_end = 0;
	vmap->nr_purges += lazy != NULL;
	leave(vmap, token);
	if (lazy)
		kspace_flush(ks, start, end);
	while (lazy || kept) {
		token = enter(vmap);
		gone = settle(vmap, lazy ? &lazy : &kept, keep);
		leave(vmap, token);
		nr += free_records(ks, gone);
	}
	free_nodes(ks, keep ? NODES_SPARE : 0);
	return nr;
}

void area_end(struct kspace *ks)
{
	struct tree_cursor c;
	struct tree_range range;

	while (tree_seek(&ks->vmap.tree, 0, &c)) {
		tree_at(&ks->vmap.tree, &c, &range);
		tree_erase(&ks->vmap.tree, &c);
		free_area(ks, range.value);
	}
	free_nodes(ks, 0);
}
