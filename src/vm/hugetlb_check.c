/* SPDX-License-Identifier: MIT */
/*
 * hugetlb_check.c - the rules of huge pages in address spaces
 *
 * As in check_frames.c, counts of pages are counted down to 0 by what there is, and back up.
 */
#include "cache/cache.h"
#include "core/assert.h"
#include "vm/frame.h"
#include "vm/hugetlb.h"

/* A walk over all large leaves of such areas. */
struct visit {
	struct quire *q;
	struct quire_violation *out;
	bool ok;
	bool up;           /* count up; else down, and look */
	uint64_t promised; /* to areas */
};

static void broken(struct visit *v, const char *rule, const char *text, uint64_t where)
{
	/* The first one is told. */
	if (v->ok && v->out)
		*v->out = (struct quire_violation){ rule, text, where };
	v->ok = false;
}

/* Is it the page that the area has there? */
static bool belongs(const struct visit *v, const struct vma *vma, uint64_t address,
		    const struct quire_page *page)
{
	const struct quire_inode *inode = quire_file_inode(vma->file);
	bool has = hugefile_has(v->q, page);

	return frames_owner(page) == QUIRE_OWNER_HUGETLB && page->private == (uintptr_t)inode &&
	       use_index(use_of(v->q, page)) == vma_index(vma, address) &&
	       (has || !hugetlb_shared(vma)) &&
	       (!has || hugefile_find(inode, hugetlb_index(vma, address)) == page);
}

/* Its count goes below 0 and back, too, if it is wrong. */
static void count_leaf(struct quire_page *page, bool up)
{
	uint32_t owner = relaxed_load(&page->owner);

	if (frames_owner(page) == QUIRE_OWNER_HUGETLB)
		relaxed_store(&page->owner, up ? owner + USE_MAPPED_ONE : owner - USE_MAPPED_ONE);
}

static void leaf_check(struct visit *v, const struct vma *vma, const struct large *large)
{
	struct quire_page *page = frame_of(vma->mm, large->entry);

	count_leaf(page, v->up);
	if (v->up)
		return;
	if (!belongs(v, vma, large->start, page))
		broken(v, "HUGETLB-3", "a large leaf maps its area's huge page", large->start);
	else if (large->entry & QUIRE_PTE_RW && !hugetlb_shared(vma) &&
		 (hugefile_has(v->q, page) || quire_page_count(page) != 1))
		broken(v, "HUGETLB-5", "a private huge page that may be written is nobody else's",
		       large->start);
}

static void area_check(struct visit *v, const struct vma *vma)
{
	struct quire_table *t = vma->mm->table;
	uint64_t at = vma->start;
	struct large large;

	if (!v->up) {
		v->promised += hugetlb_promised(vma);
		if (!vma->file || !hugefile_is(quire_file_inode(vma->file)) ||
		    !hugetlb_fits(vma, vma->start, vma->end) || user_next(t, &at, vma->end - 1))
			broken(v, "HUGETLB-5", "an area of huge pages has nothing else",
			       vma->start);
	}
	at = vma->start;
	while (at < vma->end && user_next_large(t, &at, vma->end - 1, &large)) {
		leaf_check(v, vma, &large);
		at = large.start + user_large_bytes(t);
	}
}

static void visit_all(struct visit *v, const struct vm *vm)
{
	for (const struct quire_mm *mm = vm->mms; mm; mm = mm->next) {
		struct tree_range range;
		struct tree_cursor c;
		bool more = tree_seek(&mm->areas, 0, &c);

		for (; more && tree_at(&mm->areas, &c, &range); more = tree_next(&mm->areas, &c)) {
			if (hugetlb_is(range.value))
				area_check(v, range.value);
		}
	}
}

/* Every page in use. Entries have been counted down, or (@up) are counted again. */
static void pages_check(struct visit *v, bool up)
{
	const struct frames *f = &v->q->frames;

	for (uintptr_t i = 0; i < f->nr; i++) {
		const struct quire_page *page = &f->pages[i];
		bool has;

		if (frames_owner(page) != QUIRE_OWNER_HUGETLB ||
		    !(relaxed_load(&use_of(v->q, page)->flags) & USE_UPTODATE))
			continue;
		has = hugefile_has(v->q, page);
		if (!up && use_mapcount(page))
			broken(v, "HUGETLB-4", "a huge page's mapcount is the leaves that map it",
			       frames_pfn(f, (uint32_t)i));
		if (up && quire_page_count(page) != use_mapcount(page) + has)
			broken(v, "HUGETLB-4", "file and leaves hold a huge page",
			       frames_pfn(f, (uint32_t)i));
		if (up && !has && !use_mapcount(page))
			broken(v, "HUGETLB-3", "a huge page is free, in a file, or mapped",
			       frames_pfn(f, (uint32_t)i));
	}
}

bool hugetlb_check(struct quire *q, const struct vm *vm, struct quire_violation *out)
{
	const struct pagecache *pc = pagecache_of(q);
	struct visit v = { .q = q, .out = out, .ok = true };

	if (!pc->huge.nr && !pc->huge.nr_reserved)
		return true;
	for (const struct quire_inode *inode = pc->first; inode; inode = inode->next)
		v.promised += inode->huge ? inode->huge->nr_promised : 0;
	visit_all(&v, vm);
	pages_check(&v, false);
	v.up = true;
	visit_all(&v, vm);
	pages_check(&v, true);
	if (v.promised != pc->huge.nr_reserved)
		broken(&v, "HUGETLB-2", "what is promised to files and areas is reserved",
		       v.promised);
	return v.ok;
}
