/* SPDX-License-Identifier: MIT */
/*
 * vmalloc.c - allocate, map and free
 *
 * An area's frames are a chain: each block's owner's word points to the next block. So
 * an area of any size needs no array beside it, which on a fragmented machine could
 * not be had. Frames are moved through a batch on the stack.
 *
 *   area ─first─> page ─private─> page ─private─> page      physically anywhere
 *    │             │               │               │
 *    start         +0              +4096           +8192    then the guard page: not mapped
 *
 * Source: Gorman, Understanding the Linux Virtual Memory Manager, ch. 7
 */
#include "kmem/vmalloc.h"

#include "core/assert.h"
#include "pgtable/leaf.h"

#define BATCH 64
#define VMALLOC_GFP(gfp) \
	((gfp) & (QUIRE_GFP_BIT_DMA | QUIRE_GFP_BIT_DMA32) ? (gfp) : (gfp) | QUIRE_GFP_BIT_HIGHMEM)

/* A chain that grows at its end. */
struct chain {
	struct quire_page *first;
	struct quire_page *last;
};

static inline struct quire_page *chain_next(const struct quire_page *page)
{
	return (struct quire_page *)page->private;
}

static inline unsigned order_of(const struct quire_page *page)
{
	return relaxed_load(&page->word) & HEAD_ORDER;
}

static inline void chain_add(struct chain *chain, struct quire_page *page)
{
	frames_own(page, QUIRE_OWNER_VMALLOC);
	if (chain->first)
		chain->last->private = (uintptr_t)page;
	else
		chain->first = page;
	chain->last = page;
}

int vmalloc_area(struct kspace *ks, uint64_t bytes, uint64_t align, bool owned,
		 struct area **out)
{
	struct area_request req = { .align = align, .owned = owned };

	if (!bytes || bytes > ks->vmap.end - ks->vmap.start - QUIRE_PAGE_SIZE)
		return -QUIRE_EINVAL;
	req.nr_pages = ((bytes + QUIRE_PAGE_SIZE - 1) >> QUIRE_PAGE_SHIFT) + 1;
	return area_take(ks, &req, out);
}

void vmalloc_unmap(struct kspace *ks, struct area *area)
{
	uint64_t nr = area->nr_pages - 1;

	/* What the TLBs have to forget is the area's hull: area_retire knows it. */
	if (nr > BATCH || !leaf_unmap(ks->table, area->start, nr)) {
		struct quire_tlb tlb;

		quire_tlb_begin(&tlb, ks->table);
		int error = quire_table_unmap(ks->table, (quire_virt_t){ area->start },
					      nr << QUIRE_PAGE_SHIFT, &tlb);

		ASSERT("KVMA-4", !error && !tlb.frames);
	}
	area_retire(ks, area);
}

/* Single frames; one to which somebody else has taken a reference stays his. */
static void free_batch(struct quire *q, struct quire_page **batch, size_t nr)
{
	for (size_t done = 0, n; nr; nr -= n, batch += n) {
		enum quire_free outcome = quire_page_free_bulk(q, nr, batch, &done);

		n = done;
		if (outcome == QUIRE_FREE_REFERENCED)
			outcome = quire_page_free(q, batch[n++], 0);
		ASSERT("KVMA-5", outcome == QUIRE_FREE_OK);
	}
}

void vmalloc_free_frames(struct quire *q, struct quire_page *first)
{
	struct quire_page *batch[BATCH];
	size_t nr = 0;

	for (struct quire_page *page = first, *next; page; page = next) {
		unsigned order = order_of(page);

		next = chain_next(page);
		frames_disown(page);
		if (order) {
			enum quire_free outcome = quire_page_free(q, page, order);

			ASSERT("KVMA-5", outcome == QUIRE_FREE_OK);
			continue;
		}
		batch[nr++] = page;
		if (nr == BATCH) {
			free_batch(q, batch, nr);
			nr = 0;
		}
	}
	free_batch(q, batch, nr);
}

/* Add @nr single frames to the chain. Return: 0; -QUIRE_ENOMEM, with a part of them in it */
static int take_frames(struct quire *q, quire_gfp_t gfp, uint64_t nr, struct chain *chain)
{
	struct quire_page *batch[BATCH];

	while (nr) {
		size_t want = nr < BATCH ? (size_t)nr : BATCH;
		size_t had = quire_page_alloc_bulk(q, gfp, want, batch);

		for (size_t i = 0; i < had; i++)
			chain_add(chain, batch[i]);
		if (had < want)
			return -QUIRE_ENOMEM;
		nr -= had;
	}
	return 0;
}

/* As many whole blocks of @order as there are. Return: frames that are still wanted */
static uint64_t take_blocks(struct quire *q, quire_gfp_t gfp, unsigned order, uint64_t nr,
			    struct chain *chain)
{
	/* A failure is no trouble: no reclaim, no reserves for it. */
	gfp = (gfp & ~(quire_gfp_t)QUIRE_GFP_BIT_NOFAIL) | QUIRE_GFP_BIT_NORETRY |
	      QUIRE_GFP_BIT_NOWARN;
	while (nr >> order) {
		struct quire_page *page = quire_page_alloc(q, gfp, order);

		if (!page)
			break;
		chain_add(chain, page);
		nr -= 1ull << order;
	}
	return nr;
}

/* Map the single frames from @page on, up to a block or the end. Return: 0; -QUIRE_ENOMEM */
static int map_singles(struct kspace *ks, struct quire_page **page, uint64_t *virt)
{
	struct quire_page *batch[BATCH];
	size_t nr = 0;

	while (*page && nr < BATCH && !order_of(*page)) {
		batch[nr++] = *page;
		*page = chain_next(*page);
	}
	int error = 0;

	if (!leaf_map(ks->table, *virt, batch, nr, QUIRE_PTE_KERNEL))
		error = quire_table_map_pages(ks->table, (quire_virt_t){ *virt }, batch, nr,
					      QUIRE_PTE_KERNEL);
	*virt += (uint64_t)nr << QUIRE_PAGE_SHIFT;
	return error;
}

static int map_chain(struct kspace *ks, uint64_t virt, struct quire_page *page)
{
	int error = 0;

	while (page && !error) {
		unsigned order = order_of(page);
		uint64_t bytes = (uint64_t)QUIRE_PAGE_SIZE << order;

		if (!order) {
			error = map_singles(ks, &page, &virt);
			continue;
		}
		error = quire_table_map(ks->table, (quire_virt_t){ virt },
					quire_pfn_phys(quire_page_pfn(ks->q, page)), bytes,
					QUIRE_PTE_KERNEL, order);
		virt += bytes;
		page = chain_next(page);
	}
	return error;
}

/* More frames than there are at all need not be tried. */
static bool too_many(const struct quire *q, uint64_t nr)
{
	uint64_t managed = 0;

	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++)
		managed += q->zones[z].managed;
	return nr > managed;
}

/* A few frames: taken, mapped and chained in one go. Return: 0; -QUIRE_ENOMEM: none is kept */
static int fill_small(struct kspace *ks, struct area *area, quire_gfp_t gfp)
{
	struct quire_page *batch[BATCH];
	size_t nr = (size_t)area->nr_frames;
	size_t had = quire_page_alloc_bulk(ks->q, gfp, nr, batch);
	int error = had < nr ? -QUIRE_ENOMEM : 0;

	if (likely(!error) && !leaf_map(ks->table, area->start, batch, nr, QUIRE_PTE_KERNEL))
		error = quire_table_map_pages(ks->table, (quire_virt_t){ area->start }, batch, nr,
					      QUIRE_PTE_KERNEL);
	if (unlikely(error)) {
		free_batch(ks->q, batch, had);
		return error;
	}
	for (struct quire_page *next = NULL; nr--; next = batch[nr]) {
		batch[nr]->private = (uintptr_t)next;
		frames_own(batch[nr], QUIRE_OWNER_VMALLOC);
	}
	area->first = batch[0];
	return 0;
}

/* Any number. @order: of the blocks to be tried first; 0: none. Return: 0; -QUIRE_ENOMEM */
static APART int fill(struct kspace *ks, struct area *area, quire_gfp_t gfp, unsigned order)
{
	struct chain chain = { NULL, NULL };
	uint64_t nr = area->nr_frames;
	int error = too_many(ks->q, nr) ? -QUIRE_ENOMEM : 0;

	if (!error && order) {
		/* Page tables that became empty would stand where large pages belong. */
		kspace_trim(ks);
		nr = take_blocks(ks->q, gfp, order, nr, &chain);
	}
	if (!error)
		error = take_frames(ks->q, gfp, nr, &chain);
	if (!error)
		error = map_chain(ks, area->start, chain.first);
	area->first = chain.first;
	return error;
}

static int allocate(struct quire *q, uint64_t bytes, quire_gfp_t gfp, unsigned order,
		    quire_virt_t *out)
{
	struct kspace *ks = kspace_of(q);
	struct area *area;

	if (!ks)
		return -QUIRE_ENODEV;
	if (gfp & ~(QUIRE_GFP_BITS & ~(quire_gfp_t)QUIRE_GFP_BIT_COMP))
		return -QUIRE_EINVAL;
	int error = vmalloc_area(ks, bytes, (uint64_t)QUIRE_PAGE_SIZE << order, true, &area);

	if (error)
		return error;
	gfp = VMALLOC_GFP(gfp);
	error = area->nr_frames <= BATCH ? fill_small(ks, area, gfp) : fill(ks, area, gfp, order);
	if (unlikely(error)) {
		struct quire_page *first = area->first;

		vmalloc_unmap(ks, area);
		vmalloc_free_frames(q, first);
		return error;
	}
	out->v = area->start;
	area_show(area, AREA_ALLOC);
	return 0;
}

int quire_vmalloc(struct quire *q, uint64_t bytes, quire_virt_t *out)
{
	return allocate(q, bytes, QUIRE_GFP_KERNEL, 0, out);
}

int quire_vzalloc(struct quire *q, uint64_t bytes, quire_virt_t *out)
{
	return allocate(q, bytes, QUIRE_GFP_KERNEL | QUIRE_GFP_ZERO, 0, out);
}

int quire_vmalloc_32(struct quire *q, uint64_t bytes, quire_virt_t *out)
{
	/* Where there is no zone DMA32 that means lowmem. */
	return allocate(q, bytes, QUIRE_GFP_KERNEL | QUIRE_GFP_DMA32, 0, out);
}

int quire_vmalloc_gfp(struct quire *q, uint64_t bytes, quire_gfp_t gfp, quire_virt_t *out)
{
	return allocate(q, bytes, gfp, 0, out);
}

int quire_vmalloc_huge(struct quire *q, uint64_t bytes, quire_gfp_t gfp, quire_virt_t *out)
{
	unsigned order = quire_pageblock_order(q);

	return allocate(q, bytes, gfp, bytes >> QUIRE_PAGE_SHIFT >> order ? order : 0, out);
}

int quire_vmap(struct quire *q, struct quire_page *const *pages, size_t nr, quire_pte_t pte,
	       quire_virt_t *out)
{
	struct kspace *ks = kspace_of(q);
	struct area *area;

	if (!ks)
		return -QUIRE_ENODEV;
	if (nr > SIZE_MAX >> QUIRE_PAGE_SHIFT)
		return -QUIRE_EINVAL;
	int error = vmalloc_area(ks, (uint64_t)nr << QUIRE_PAGE_SHIFT, QUIRE_PAGE_SIZE, false,
				 &area);

	if (error)
		return error;
	error = quire_table_map_pages(ks->table, (quire_virt_t){ area->start }, pages, nr, pte);
	if (error) {
		vmalloc_unmap(ks, area);
		return error;
	}
	out->v = area->start;
	area_show(area, AREA_MAP);
	return 0;
}

enum quire_vfree vmalloc_free(struct quire *q, uint64_t virt, enum area_state state)
{
	struct kspace *ks = kspace_of(q);
	struct area *area = NULL;
	enum quire_vfree outcome = ks ? area_claim(ks, virt, state, &area) : QUIRE_VFREE_FOREIGN;

	if (outcome != QUIRE_VFREE_OK)
		return outcome;
	struct quire_page *first = area->first;

	/* From here on the area may be anybody's. */
	vmalloc_unmap(ks, area);
	if (state == AREA_ALLOC)
		vmalloc_free_frames(q, first);
	return QUIRE_VFREE_OK;
}

enum quire_vfree quire_vfree(struct quire *q, quire_virt_t virt)
{
	return vmalloc_free(q, virt.v, AREA_ALLOC);
}

enum quire_vfree quire_vunmap(struct quire *q, quire_virt_t virt)
{
	return vmalloc_free(q, virt.v, AREA_MAP);
}

const char *quire_vfree_name(enum quire_vfree outcome)
{
	static const char *const names[] = {
		[QUIRE_VFREE_OK] = "ok",
		[QUIRE_VFREE_FOREIGN] = "no area there",
		[QUIRE_VFREE_INSIDE] = "inside an area",
		[QUIRE_VFREE_DOUBLE] = "freed already",
		[QUIRE_VFREE_KIND] = "made by another call",
	};

	return (unsigned)outcome <= QUIRE_VFREE_KIND ? names[outcome] : "?";
}
