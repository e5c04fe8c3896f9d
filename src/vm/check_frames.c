/* SPDX-License-Identifier: MIT */
/*
 * check_frames.c - do entries, frames and reverse maps agree?
 *
 * What is counted in frames and anons is counted down to 0 by what there is, and back up again: so
 * no memory is needed for a second count.
 */
#include "vm/check_frames.h"

#include "core/assert.h"
#include "vm/anon.h"
#include "vm/frame.h"
#include "vm/huge.h"
#include "vm/hugetlb.h"
#include "vm/rmap.h"

/* A walk over all entries. */
struct visit {
	struct quire *q;
	struct quire_violation *out;
	bool ok;
	bool (*each)(struct visit *v, const struct vma *vma, uint64_t address, uint64_t entry);
	struct frame_finder finder;
	uint64_t rss[NR_RSS]; /* of this mm */
	uint64_t nr_large;    /* likewise: transparent huge pages */
};

static bool broken(struct visit *v, const char *rule, const char *text, uint64_t where)
{
	/* The first one is told. */
	if (v->ok && v->out)
		*v->out = (struct quire_violation){ rule, text, where };
	v->ok = false;
	return false;
}

/* A huge page's frames are an area's of anonymous memory, and of one anon. */
static void one_owner(struct visit *v, const struct vma *vma, const struct large *large)
{
	struct quire_table *t = vma->mm->table;
	const struct quire_page *page = frame_of(vma->mm, huge_part(t, large->entry, 0));

	if (vma->file || (vma->flags & QUIRE_VM_SHARED))
		broken(v, "HUGE-1", "a huge page is private anonymous memory", large->start);
	for (unsigned i = 0; page && i < huge_frames(t); i++) {
		if (!frame_anon(&page[i]) || page[i].private != page->private)
			broken(v, "HUGE-1", "a huge page's frames are of one anon", large->start);
	}
}

/* The entries of an area. */
static void visit_area(struct visit *v, const struct vma *vma)
{
	struct quire_table *t = vma->mm->table;
	uint64_t at = vma->start, stop = 0;
	struct large large;
	struct leaf *leaf;

	if (hugetlb_is(vma))
		return;
	for (; user_next_large(t, &at, vma->end - 1, &large);
	     at = large.start + user_large_bytes(t)) {
		v->nr_large++;
		one_owner(v, vma, &large);
		for (unsigned i = 0; i < huge_frames(t); i++)
			v->each(v, vma, large.start + ((uint64_t)i << QUIRE_PAGE_SHIFT),
				huge_part(t, large.entry, i));
	}
	at = vma->start;
	while (stop < vma->end - 1 && (leaf = user_next(t, &at, vma->end - 1))) {
		void *contents = leaf->contents;

		stop = user_last(t, at, vma->end - 1);
		for (; at < stop; at += QUIRE_PAGE_SIZE) {
			uint64_t entry = table_get(t, contents, user_index(t, at));

			if (entry)
				v->each(v, vma, at, entry);
		}
	}
}

static void visit_mm(struct visit *v, const struct quire_mm *mm)
{
	struct tree_range range;
	struct tree_cursor c;
	bool more = tree_seek(&mm->areas, 0, &c);

	v->finder = frame_begin(mm);
	for (; more && tree_at(&mm->areas, &c, &range); more = tree_next(&mm->areas, &c))
		visit_area(v, range.value);
}

/* Is the frame one that processes map? */
static bool ours(const struct quire_page *page)
{
	enum quire_owner owner = frames_owner(page);

	return owner == QUIRE_OWNER_ANON || owner == QUIRE_OWNER_CACHE;
}

/* ---- Counts ---- */

static bool count_down(struct visit *v, const struct vma *vma, uint64_t address, uint64_t entry)
{
	struct quire_page *page = frame_find(&v->finder, entry);

	(void)vma;
	if (!page)
		return true;
	if (!ours(page))
		return broken(v, "RMAP-1", "an entry maps a frame of a process or a file", address);
	v->rss[frame_kind(v->q, page)]++;
	relaxed_store(&page->owner, relaxed_load(&page->owner) - USE_MAPPED_ONE);
	return true;
}

static bool count_up(struct visit *v, const struct vma *vma, uint64_t address, uint64_t entry)
{
	struct quire_page *page = frame_find(&v->finder, entry);

	(void)vma;
	(void)address;
	if (page && ours(page))
		relaxed_store(&page->owner, relaxed_load(&page->owner) + USE_MAPPED_ONE);
	return true;
}

/* All frames of anonymous memory, from their anons' counts or, @up, back. */
static void frames_count(struct visit *v, bool up)
{
	const struct frames *f = &v->q->frames;

	for (uintptr_t i = 0; i < f->nr; i++) {
		struct quire_page *page = &f->pages[i];

		if (!ours(page))
			continue;
		if (!up && use_mapcount(page))
			broken(v, "RMAP-1", "a frame's mapcount is the entries that map it",
			       frames_pfn(f, (uint32_t)i));
		if (frame_anon(page))
			relaxed_store(&((struct anon *)page->private)->nr_frames,
				      relaxed_load(&((struct anon *)page->private)->nr_frames) +
					      (up ? 1 : UINT64_MAX));
	}
}

static bool rss_check(struct visit *v, const struct quire_mm *mm)
{
	for (unsigned kind = 0; kind < NR_RSS; kind++) {
		if (v->rss[kind] != relaxed_load(&mm->rss[kind]))
			return broken(v, "RMAP-4", "resident pages are those that entries map",
				      mm->number);
		v->rss[kind] = 0;
	}
	return true;
}

/* What is needed to split them was set aside. */
static bool large_check(struct visit *v, const struct quire_mm *mm)
{
	uint64_t nr = v->nr_large;

	v->nr_large = 0;
	if (nr != mm->table->deposit.nr || (nr && !relaxed_load(&mm->has_huge)))
		return broken(v, "HUGE-2", "each huge page has a table for its split", mm->number);
	return true;
}

/* ---- Anons ---- */

static bool anon_counts(struct visit *v, const struct anon *anon)
{
	uint32_t nr_areas = 0, nr_children = 0;

	for (const struct vma *vma = anon->areas; vma; vma = vma->anon_next) {
		if (vma->anon != anon)
			return broken(v, "ANON-2", "an anon lists its areas", vma->start);
		nr_areas++;
	}
	for (const struct anon *child = anon->child; child; child = child->next) {
		if (child->parent != anon || child->family != anon->family)
			return broken(v, "ANON-2", "an anon lists its children", nr_children);
		nr_children++;
	}
	if (nr_areas != anon->nr_areas || nr_children != anon->nr_children)
		return broken(v, "ANON-2", "an anon counts its areas and children", nr_areas);
	return true;
}

/*
 * The anons of an mm's areas, and those above. With @counted, their frames have been counted down.
 */
static void anons_check(struct visit *v, const struct quire_mm *mm, bool counted)
{
	struct tree_range range;
	struct tree_cursor c;
	bool more = tree_seek(&mm->areas, 0, &c);

	for (; more && tree_at(&mm->areas, &c, &range); more = tree_next(&mm->areas, &c)) {
		const struct vma *vma = range.value;

		for (const struct anon *anon = vma->anon; anon; anon = anon->parent) {
			if (counted && relaxed_load(&anon->nr_frames))
				broken(v, "ANON-2", "an anon counts its frames", vma->start);
			if (!counted && !anon->nr_areas && anon->nr_children < 2 &&
			    !relaxed_load(&anon->nr_frames))
				broken(v, "ANON-2", "an anon has something to say", vma->start);
			if (!counted)
				anon_counts(v, anon);
		}
	}
}

/* ---- Entries ---- */

static bool anon_entry(struct visit *v, const struct vma *vma, uint64_t address,
		       const struct quire_page *page)
{
	const struct anon *anon = vma->anon;

	while (anon && anon != (const struct anon *)page->private)
		anon = anon->parent;
	if (!anon)
		return broken(v, "ANON-1", "a private frame's anon is its area's or an ancestor",
			      address);
	if (use_index(use_of(v->q, page)) != vma_index(vma, address))
		return broken(v, "RMAP-3", "an anonymous frame has the index of its address",
			      address);
	return true;
}

static bool file_entry(struct visit *v, const struct vma *vma, uint64_t address,
		       struct quire_page *page)
{
	struct quire_inode *inode = vma->file ? quire_file_inode(vma->file) : NULL;
	struct quire_page *there = inode ? pagecache_find(inode, vma_index(vma, address)) : NULL;

	if (there)
		pagecache_put(v->q, there);
	if (there != page)
		return broken(v, "FILE-1", "a mapped page is where its file says", address);
	return true;
}

static bool right_to_write(struct visit *v, const struct vma *vma, uint64_t address,
			   const struct quire_page *page)
{
	if (!(vma->flags & QUIRE_VM_SHARED)) {
		if (!page || !frame_anon(page) || quire_page_count(page) != 1)
			return broken(v, "COW-1", "what may be written is nobody else's", address);
		return true;
	}
	if (page && !(relaxed_load(&use_of(v->q, page)->flags) & (USE_DIRTY | USE_MEMORY)))
		return broken(v, "FILE-2", "what may be written is dirty", address);
	return true;
}

static bool found(struct rmap_visitor *visitor, const struct rmap_entry *entry)
{
	struct rmap_entry *wanted = visitor->ctx;

	if (entry->vma == wanted->vma && entry->address == wanted->address)
		wanted->vma = NULL;
	return false;
}

static bool entry_check(struct visit *v, const struct vma *vma, uint64_t address, uint64_t entry)
{
	struct quire_page *page = frame_find(&v->finder, entry);
	struct rmap_entry wanted = { .vma = (struct vma *)(uintptr_t)vma, .address = address };
	struct rmap_visitor visitor = { found, &wanted };

	if ((entry & QUIRE_PTE_RW) && !right_to_write(v, vma, address, page))
		return false;
	if (!page)
		return true;
	if (frame_anon(page) ? !anon_entry(v, vma, address, page)
			     : !file_entry(v, vma, address, page))
		return false;
	rmap_walk(v->q, page, &visitor);
	if (wanted.vma)
		return broken(v, "RMAP-2", "an entry is found from its frame", address);
	return true;
}

bool check_frames(struct quire *q, const struct vm *vm, struct quire_violation *out)
{
	struct visit v = { .q = q, .out = out, .ok = true, .each = count_down };

	for (const struct quire_mm *mm = vm->mms; mm; mm = mm->next) {
		visit_mm(&v, mm);
		rss_check(&v, mm);
		large_check(&v, mm);
	}
	frames_count(&v, false);
	for (const struct quire_mm *mm = vm->mms; mm; mm = mm->next)
		anons_check(&v, mm, true);
	frames_count(&v, true);
	v.each = count_up;
	for (const struct quire_mm *mm = vm->mms; mm; mm = mm->next)
		visit_mm(&v, mm);
	for (const struct quire_mm *mm = vm->mms; mm; mm = mm->next)
		anons_check(&v, mm, false);
	v.each = entry_check;
	for (const struct quire_mm *mm = vm->mms; v.ok && mm; mm = mm->next)
		visit_mm(&v, mm);
	return v.ok;
}
