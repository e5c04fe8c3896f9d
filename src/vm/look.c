/* SPDX-License-Identifier: MIT */
/*
 * look.c - frames of processes, and the pages of areas, counted
 */
#include <quire/mm.h>

#include <quire/port.h>

#include "core/assert.h"
#include "vm/frame.h"
#include "vm/huge.h"
#include "vm/hugetlb.h"
#include "vm/rmap.h"

/* A frame of a process or of the page cache. NULL: it is neither */
static struct quire_page *find(struct quire *q, quire_pfn_t pfn)
{
	struct quire_page *page = quire_pfn_page(q, pfn);
	enum quire_owner owner = page ? frames_owner(page) : QUIRE_OWNER_NONE;

	return owner == QUIRE_OWNER_ANON || owner == QUIRE_OWNER_CACHE ? page : NULL;
}

/* The huge page of the pool that a frame is part of, its first frame. NULL: of none */
static struct quire_page *find_hugetlb(struct quire *q, quire_pfn_t pfn)
{
	struct quire_page *page = quire_pfn_page(q, pfn);

	page = page ? quire_page_head(q, page) : NULL;
	return page && frames_owner(page) == QUIRE_OWNER_HUGETLB ? page : NULL;
}

static void tell_hugetlb(const struct quire *q, const struct quire_page *page,
			 struct quire_frame_use *out)
{
	uint32_t flags = relaxed_load(&use_of(q, page)->flags);

	out->hugetlb = true;
	if (!(flags & USE_UPTODATE))
		return;
	out->mapcount = use_mapcount(page);
	out->anon = !hugefile_has(q, page);
	out->cache = !out->anon;
	out->uptodate = true;
	out->dirty = flags & USE_DIRTY;
	out->inode = out->cache ? (struct quire_inode *)page->private : NULL;
	out->index = use_index(use_of(q, page));
}

/* Is it of the huge page of zeros? */
static bool is_huge_zero(const struct quire *q, quire_pfn_t pfn)
{
	const struct quire_page *zero = acquire_load(&vm_of(q)->huge_zero);
	uint64_t first = zero ? quire_page_pfn(q, zero).v : 0;

	return zero && pfn.v >= first && pfn.v - first < 1u << quire_page_order(zero);
}

int quire_frame_use(struct quire *q, quire_pfn_t pfn, struct quire_frame_use *out)
{
	const struct quire_page *page = find(q, pfn);
	uint32_t flags;

	*out = (struct quire_frame_use){ .mapcount = 0 };
	if (!vm_of(q))
		return -QUIRE_ENODEV;
	if (!quire_pfn_page(q, pfn))
		return -QUIRE_ENXIO;
	out->huge = is_huge_zero(q, pfn);
	out->zero = out->huge || quire_pfn_phys(pfn).v == vm_of(q)->zero_entry;
	if (!page && find_hugetlb(q, pfn))
		tell_hugetlb(q, find_hugetlb(q, pfn), out);
	if (!page)
		return 0;
	flags = relaxed_load(&use_of(q, page)->flags);
	*out = (struct quire_frame_use){
		.mapcount = use_mapcount(page),
		.anon = frame_anon(page),
		.cache = !frame_anon(page),
		.dirty = flags & USE_DIRTY,
		.uptodate = flags & USE_UPTODATE,
		.locked = flags & USE_LOCKED,
		.writeback = flags & USE_WRITEBACK,
		.referenced = flags & USE_REFERENCED,
		.mlocked = rmap_mlocked(q, page),
		.inode = frame_anon(page) ? NULL : pagecache_inode(page),
		.index = use_index(use_of(q, page)),
		.huge = rmap_huge(q, page),
	};
	return 0;
}

/* Somebody else's function. */
struct told {
	void (*visit)(void *ctx, struct quire_mm *mm, quire_virt_t virt);
	void *ctx;
};

static bool tell(struct rmap_visitor *visitor, const struct rmap_entry *entry)
{
	const struct told *told = visitor->ctx;

	told->visit(told->ctx, entry->vma->mm, (quire_virt_t){ entry->address });
	return false;
}

uint64_t quire_frame_mappings(struct quire *q, quire_pfn_t pfn,
			      void (*visit)(void *ctx, struct quire_mm *mm, quire_virt_t virt),
			      void *ctx)
{
	const struct quire_page *page = vm_of(q) ? find(q, pfn) : NULL;
	struct told told = { visit, ctx };
	struct rmap_visitor visitor = { tell, &told };

	if (!page && vm_of(q)) {
		page = find_hugetlb(q, pfn);
		/* One that is free is mapped nowhere. */
		page = page && use_mapcount(page) ? page : NULL;
	}
	return page ? rmap_walk(q, page, &visitor) : 0;
}

/* ---- The pages of areas ---- */

/* One page more. */
static void add(const struct quire_mm *mm, uint64_t entry, const struct quire_page *page,
		struct quire_vma_pages *out)
{
	uint32_t flags = relaxed_load(&use_of(mm->q, page)->flags);
	bool dirty = (entry & QUIRE_PTE_DIRTY) || (flags & USE_DIRTY);
	uint32_t mapped = use_mapcount(page);
	uint64_t bytes = QUIRE_PAGE_SIZE, share = (bytes << 12) / (mapped ? mapped : 1);

	out->rss += bytes;
	out->pss += share;
	out->pss_dirty += dirty ? share : 0;
	*(frame_anon(page)     ? &out->pss_anon
	  : flags & USE_MEMORY ? &out->pss_shmem
			       : &out->pss_file) += share;
	out->referenced += (entry & QUIRE_PTE_ACCESSED) || (flags & USE_REFERENCED) ? bytes : 0;
	if (frame_anon(page)) {
		out->anonymous += bytes;
		out->lazy_free += (flags & USE_LAZYFREE) && !dirty ? bytes : 0;
	}
	if (mapped > 1)
		*(dirty ? &out->shared_dirty : &out->shared_clean) += bytes;
	else
		*(dirty ? &out->private_dirty : &out->private_clean) += bytes;
}

/* A large leaf's pages in a range. */
static void add_large(const struct quire_mm *mm, const struct large *large, uint64_t at,
		      uint64_t last, struct quire_vma_pages *out)
{
	const struct quire_table *t = mm->table;
	const struct quire_page *page = frame_of(mm, huge_part(t, large->entry, 0));

	if (!page)
		return;
	out->anon_huge += last + 1 - at;
	for (; at < last; at += QUIRE_PAGE_SIZE)
		add(mm, large->entry, page + user_index(t, at), out);
}

/* Huge pages of the pool, which count apart. */
static void add_hugetlb(struct quire_mm *mm, uint64_t start, uint64_t end,
			struct quire_vma_pages *out)
{
	struct quire_table *t = mm->table;
	struct large large;
	uintptr_t token = table_enter(t);

	for (; user_next_large(t, &start, end - 1, &large);
	     start = large.start + user_large_bytes(t)) {
		bool shared = use_mapcount(frame_of(mm, large.entry)) > 1;

		*(shared ? &out->shared_hugetlb : &out->private_hugetlb) += user_large_bytes(t);
	}
	table_leave(t, token);
}

/* The entries of a range in one area. */
static void add_range(struct quire_mm *mm, uint64_t start, uint64_t end,
		      struct quire_vma_pages *out)
{
	struct frame_finder finder = frame_begin(mm);
	struct quire_table *t = mm->table;
	uint64_t at = start, stop = 0;
	struct large large;
	struct leaf *leaf;
	uintptr_t token = table_enter(t);

	for (; user_next_large(t, &at, end - 1, &large); at = large.start + user_large_bytes(t))
		add_large(mm, &large, at, user_last(t, at, end - 1), out);
	at = start;
	while (stop < end - 1 && (leaf = user_next(t, &at, end - 1))) {
		stop = user_last(t, at, end - 1);
		for (; at < stop; at += QUIRE_PAGE_SIZE) {
			uint64_t entry = table_get(t, leaf->contents, user_index(t, at));
			const struct quire_page *page = entry ? frame_find(&finder, entry) : NULL;

			if (page)
				add(mm, entry, page, out);
		}
	}
	table_leave(t, token);
}

int quire_vma_pages(struct quire_mm *mm, quire_virt_t start, quire_virt_t end,
		    struct quire_vma_pages *out)
{
	uint64_t at = start.v;
	struct vma *vma;

	*out = (struct quire_vma_pages){ 0 };
	sem_read(&mm->sem, mm->q->config.host);
	while (at < end.v && (vma = vma_next(mm, at)) && vma->start < end.v) {
		uint64_t from = vma->start > at ? vma->start : at;
		uint64_t to = vma->end < end.v ? vma->end : end.v;

		if (hugetlb_is(vma))
			add_hugetlb(mm, from, to, out);
		else
			add_range(mm, from, to, out);
		at = to;
	}
	sem_read_drop(&mm->sem, mm->q->config.host);
	return 0;
}
