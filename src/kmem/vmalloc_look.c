/* SPDX-License-Identifier: MIT */
/*
 * vmalloc_look.c - areas for reports; their rules; the end of them
 */
#include "kmem/vmalloc.h"

#include <quire/port.h>

#include "core/hash.h"

static bool visible(const struct area *area, struct quire_vm_area *out)
{
	static const struct {
		bool shown;
		enum quire_vm_kind kind;
	} kinds[AREA_KEPT + 1] = {
		[AREA_ALLOC] = { true, QUIRE_VM_ALLOC },
		[AREA_MAP] = { true, QUIRE_VM_MAP },
		[AREA_IOREMAP] = { true, QUIRE_VM_IOREMAP },
		[AREA_LAZY] = { true, QUIRE_VM_LAZY },
	};
	uint32_t state = atomic_load_explicit(&area->state, memory_order_acquire);

	*out = (struct quire_vm_area){
		.start = { area->start },
		.bytes = area->nr_pages << QUIRE_PAGE_SHIFT,
		.kind = kinds[state].kind,
	};
	if (state == AREA_IOREMAP)
		out->phys = quire_phys(area->phys);
	else if (state < AREA_DYING)
		out->nr_pages = area->nr_frames;
	return kinds[state].shown;
}

bool quire_vm_area_next(struct quire *q, quire_virt_t from, struct quire_vm_area *out)
{
	struct kspace *ks = kspace_of(q);
	struct tree_cursor c;
	struct tree_range range;
	bool found = false;

	if (!ks)
		return false;
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&ks->vmap.lock);
	for (bool more = tree_seek(&ks->vmap.tree, from.v, &c); more && !found;
	     more = tree_next(&ks->vmap.tree, &c)) {
		tree_at(&ks->vmap.tree, &c, &range);
		found = visible(range.value, out);
	}
	lock_drop(&ks->vmap.lock);
	quire_port_cpu_leave(token);
	return found;
}

int quire_vmalloc_stat(struct quire *q, struct quire_vmalloc_stat *out)
{
	struct kspace *ks = kspace_of(q);

	*out = (struct quire_vmalloc_stat){ 0 };
	if (!ks)
		return -QUIRE_ENODEV;
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&ks->vmap.lock);
	out->total_bytes = ks->vmap.end - ks->vmap.start;
	out->used_bytes = ks->vmap.used_pages << QUIRE_PAGE_SHIFT;
	out->nr_areas = ks->vmap.nr_areas;
	out->nr_lazy = ks->vmap.nr_lazy;
	out->lazy_pages = ks->vmap.lazy_pages;
	out->lazy_max = ks->vmap.lazy_max;
	out->nr_kept = ks->vmap.nr_kept;
	out->nr_purges = ks->vmap.nr_purges;
	out->nr_pages = ks->vmap.nr_frames;
	lock_drop(&ks->vmap.lock);
	quire_port_cpu_leave(token);
	return 0;
}

struct quire_page *quire_vmalloc_page(struct quire *q, quire_virt_t virt)
{
	struct kspace *ks = kspace_of(q);
	struct quire_mapping m;

	if (!ks || virt.v < ks->vmap.start || virt.v >= ks->vmap.end ||
	    quire_table_query(ks->table, virt, &m))
		return NULL;
	return quire_pfn_page(q, quire_phys_pfn(quire_phys(m.phys.v + (virt.v - m.virt.v))));
}

int quire_vm_unmap_aliases(struct quire *q)
{
	struct kspace *ks = kspace_of(q);

	if (!ks)
		return -QUIRE_ENODEV;
	if (!kmap_may_flush(ks))
		return -QUIRE_EBUSY;
	area_purge(ks, false);
	kspace_trim(ks);
	return 0;
}

void vmalloc_end(struct kspace *ks)
{
	struct tree_cursor c;
	struct tree_range range;

	for (bool more = tree_seek(&ks->vmap.tree, 0, &c); more;
	     more = tree_next(&ks->vmap.tree, &c)) {
		tree_at(&ks->vmap.tree, &c, &range);
		const struct area *area = range.value;

		if (area->state == AREA_ALLOC)
			vmalloc_free_frames(ks->q, area->first);
	}
	area_end(ks);
}

/* ---- Checking --------------------------------------------------------------- */

/* What the walk over the areas counts. */
struct tally {
	uint64_t nr, used, frames, lazy, lazy_pages, kept, kept_pages;
};

static bool broken(struct quire_violation *out, const char *rule, const char *text, uint64_t where)
{
	*out = (struct quire_violation){ rule, text, where };
	return false;
}

/* A place in an area's chain. */
struct place {
	const struct quire_page *page; /* the block; NULL: behind the last */
	uint64_t offset;               /* in it */
};

/* Is @m the next of what the chain has? Large pages may be mapped as small ones. */
static bool chain_has(const struct quire *q, struct place *p, const struct quire_mapping *m)
{
	uint64_t bytes = (uint64_t)QUIRE_PAGE_SIZE << m->order;

	if (!p->page || frames_owner(p->page) != QUIRE_OWNER_VMALLOC ||
	    m->order > quire_page_order(p->page) ||
	    quire_pfn_phys(quire_page_pfn(q, p->page)).v + p->offset != m->phys.v)
		return false;
	p->offset += bytes;
	if (p->offset == (uint64_t)QUIRE_PAGE_SIZE << quire_page_order(p->page))
		*p = (struct place){ (const struct quire_page *)p->page->private, 0 };
	return true;
}

/* Each page of an area in use is mapped to its frame, and nothing else is there. */
static bool pages_check(struct kspace *ks, const struct area *area, struct quire_violation *out)
{
	struct place place = { area->state == AREA_ALLOC ? area->first : NULL, 0 };
	uint64_t at = area->start, end = at + ((area->nr_pages - 1) << QUIRE_PAGE_SHIFT);
	struct quire_mapping m;

	for (; at < end; at = m.virt.v + ((uint64_t)QUIRE_PAGE_SIZE << m.order)) {
		if (quire_table_query(ks->table, (quire_virt_t){ at }, &m) || m.virt.v != at)
			return broken(out, "KVMA-4", "an area in use is mapped throughout", at);
		if (area->state == AREA_IOREMAP && m.phys.v != area->phys + (at - area->start))
			return broken(out, "KVMA-4", "a device is mapped where it is", at);
		if (area->state == AREA_ALLOC && !chain_has(ks->q, &place, &m))
			return broken(out, "KVMA-5", "an area's chain has the frames it maps", at);
	}
	if (place.page)
		return broken(out, "KVMA-5", "an area's chain is as long as the area", at);
	return quire_table_query(ks->table, (quire_virt_t){ end }, &m)
		       ? true
		       : broken(out, "KVMA-4", "a guard page is not mapped", end);
}

static bool area_check(struct kspace *ks, const struct tree_range *range, struct tally *t,
		       struct quire_violation *out)
{
	const struct area *area = range->value;
	struct quire_mapping m;

	if (area->start != range->start ||
	    range->end - range->start != area->nr_pages << QUIRE_PAGE_SHIFT ||
	    range->start < ks->vmap.start || range->end > ks->vmap.end)
		return broken(out, "KVMA-1", "an area is in the tree by its own range",
			      range->start);
	if (area->state == AREA_NEW || area->state == AREA_DYING)
		return broken(out, "KVMA-2", "nobody is filling or emptying an area", range->start);
	if (area->state < AREA_DYING) {
		t->nr++;
		t->used += area->nr_pages;
		t->frames += area->nr_owned;
		return pages_check(ks, area, out);
	}
	t->lazy += area->state == AREA_LAZY;
	t->lazy_pages += area->state == AREA_LAZY ? area->nr_pages : 0;
	t->kept += area->state == AREA_KEPT;
	t->kept_pages += area->state == AREA_KEPT ? area->nr_pages : 0;
	if (quire_table_next(ks->table, (quire_virt_t){ area->start }, &m) &&
	    m.virt.v < range->end)
		return broken(out, "KVMA-4", "an area that is not in use maps nothing", m.virt.v);
	return true;
}

static bool lists_check(const struct vmap *vmap, const struct tally *t, struct quire_violation *out)
{
	uint64_t lazy = 0, kept = 0;

	for (const struct area *area = vmap->lazy; area; area = area->next, lazy++) {
		if (area->state != AREA_LAZY || area->start < vmap->lazy_start ||
		    area->start + (area->nr_pages << QUIRE_PAGE_SHIFT) > vmap->lazy_end)
			return broken(out, "KVMA-3", "lazy areas are inside their hull",
				      area->start);
	}
	for (uint64_t nr = 0; nr <= KEPT_PAGES; nr++) {
		for (const struct area *area = vmap->kept[nr]; area; area = area->next, kept++) {
			if (area->state != AREA_KEPT || area->nr_pages != nr)
				return broken(out, "KVMA-3", "kept areas are listed by size",
					      area->start);
		}
	}
	if (lazy != t->lazy || lazy != vmap->nr_lazy || t->lazy_pages != vmap->lazy_pages ||
	    kept != t->kept || kept != vmap->nr_kept || t->kept_pages != vmap->kept_pages ||
	    t->nr != vmap->nr_areas || t->used != vmap->used_pages || t->frames != vmap->nr_frames)
		return broken(out, "KVMA-3", "lists and counts are those of the tree", lazy);
	return true;
}

bool vmalloc_check(struct kspace *ks, struct quire_violation *out)
{
	struct tally tally = { 0 };
	struct tree_cursor c;
	struct tree_range range;
	const char *rule = tree_check(&ks->vmap.tree);

	if (rule)
		return broken(out, rule, "the tree of areas", 0);
	for (bool more = tree_seek(&ks->vmap.tree, 0, &c); more;
	     more = tree_next(&ks->vmap.tree, &c)) {
		tree_at(&ks->vmap.tree, &c, &range);
		if (!area_check(ks, &range, &tally, out))
			return false;
	}
	return lists_check(&ks->vmap, &tally, out);
}

uint64_t vmalloc_hash(struct kspace *ks, uint64_t hash)
{
	struct tree_cursor c;
	struct tree_range range;

	hash = hash_word(hash, ks->vmap.nr_purges);
	for (bool more = tree_seek(&ks->vmap.tree, 0, &c); more;
	     more = tree_next(&ks->vmap.tree, &c)) {
		tree_at(&ks->vmap.tree, &c, &range);
		const struct area *area = range.value;

		hash = hash_word(hash_word(hash, range.start), range.end);
		hash = hash_word(hash, (uint64_t)area->state);
		hash = hash_word(hash, area->state < AREA_DYING ? area->nr_frames : 0);
		for (const struct quire_page *page = area->state == AREA_ALLOC ? area->first : NULL;
		     page; page = (const struct quire_page *)page->private)
			hash = hash_word(hash, quire_page_pfn(ks->q, page).v);
	}
	return hash;
}
