/* SPDX-License-Identifier: MIT */
/*
 * fault_file.c - pages of files: mapped from the cache, or copied
 *
 *   read                what is in the cache around it is mapped at once (fault-around); else the
 *   page is read in write, shared       the page is dirty, and mapped to be written write, private
 *        a copy of it
 *
 * A page of the cache is mapped while it is locked and in the cache, so truncate, which takes it
 * out first and clears the entries then, finds each of them.
 */
#include "vm/fault_file.h"

#include "cache/pagecache.h"
#include "core/assert.h"
#include "kmem/touch.h"
#include "vm/fault_anon.h"
#include "vm/frame.h"
#include "vm/hugetlb.h"
#include "vm/zap.h"

#define AROUND_PAGES 16

/* Map a page of the cache, to which we have a reference: the entry's. Locks: T, the page's */
static void map(const struct fault *f, const struct leaf *leaf, struct quire_page *page,
		uint64_t address)
{
	struct quire *q = f->table->q;
	uint64_t bits = fault_bits(f);

	if (address != f->address)
		bits &= ~(uint64_t)QUIRE_PTE_ACCESSED;
	else if (f->write)
		bits |= FRAME_WRITTEN;
	if (zap_writable(f->vma))
		bits |= QUIRE_PTE_RW;
	if (frame_map(page))
		atomic_fetch_add_explicit(&vm_of(q)->nr_mapped, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&f->vma->mm->rss[frame_kind(q, page)], 1, memory_order_relaxed);
	fault_set(f, leaf, address, fault_phys(q, page) | bits);
}

/*
 * Pages of the cache around the address: one page table's, of this area. Return: how many are
 * held, locked
 */
static size_t find_around(const struct fault *f, struct quire_page **page)
{
	uint64_t bytes = AROUND_PAGES * (uint64_t)QUIRE_PAGE_SIZE;
	uint64_t first = f->address & ~(bytes - 1);
	uint64_t last = f->address | (((uint64_t)1 << f->table->format->level[1].shift) - 1);

	if (first < f->vma->start)
		first = f->vma->start;
	if (last - first >= bytes)
		last = first + bytes - 1;
	if (last >= f->vma->end)
		last = f->vma->end - 1;
	return pagecache_around(quire_file_inode(f->vma->file), vma_index(f->vma, first),
				vma_index(f->vma, last), page, AROUND_PAGES);
}

/* Return: DONE if the page is there now; SIGBUS: it has to be read in */
static enum quire_fault around(struct fault *f)
{
	struct quire *q = f->table->q;
	struct quire_page *page[AROUND_PAGES];
	size_t nr = find_around(f, page);
	struct leaf *leaf;
	uintptr_t token;
	bool had = false;

	if (!nr)
		return QUIRE_FAULT_SIGBUS;
	leaf = fault_enter(f, &token);
	for (size_t i = 0; i < nr; i++) {
		uint64_t address = vma_address(f->vma, use_index(use_of(q, page[i])));
		bool mine = leaf && !user_get(f->table, leaf, address);

		if (mine)
			map(f, leaf, page[i], address);
		had |= leaf && address == f->address;
		use_unlock(q, page[i]);
		if (mine)
			page[i] = NULL;
	}
	if (leaf)
		fault_leave(f, token);
	for (size_t i = 0; i < nr; i++) {
		if (page[i])
			pagecache_put(q, page[i]);
	}
	return !leaf ? QUIRE_FAULT_OOM : had ? QUIRE_FAULT_DONE : QUIRE_FAULT_SIGBUS;
}

/* Map the page itself, which is held and locked. */
static enum quire_fault map_one(struct fault *f, struct quire_page *page)
{
	struct quire *q = f->table->q;
	bool mine = false;
	uintptr_t token;
	struct leaf *leaf;

	if (f->write)
		pagecache_dirty(q, page);
	leaf = fault_enter(f, &token);
	if (leaf) {
		mine = !user_get(f->table, leaf, f->address);
		if (mine)
			map(f, leaf, page, f->address);
		fault_leave(f, token);
	}
	use_unlock(q, page);
	if (!mine)
		pagecache_put(q, page);
	return leaf ? QUIRE_FAULT_DONE : QUIRE_FAULT_OOM;
}

/* Map a copy of it. */
static enum quire_fault map_copy(struct fault *f, struct quire_page *from)
{
	struct quire *q = f->table->q;
	struct quire_page *page;
	struct leaf *leaf = NULL;
	bool mine = false;
	uintptr_t token;

	/* The other page is locked: nobody writes files back for want of this one. */
	page = quire_page_alloc(q, QUIRE_GFP_HIGHUSER_MOVABLE & ~QUIRE_GFP_BIT_FS, 0);
	if (page && !touch_copy(q, page, from))
		leaf = fault_enter(f, &token);
	if (leaf) {
		mine = !user_get(f->table, leaf, f->address);
		if (mine) {
			fault_anon_own(f, page);
			atomic_fetch_add_explicit(&f->vma->mm->rss[RSS_ANON], 1,
						  memory_order_relaxed);
			fault_set(f, leaf, f->address,
				  fault_phys(q, page) | fault_bits(f) | FRAME_WRITTEN);
		}
		fault_leave(f, token);
	}
	if (page && !mine)
		quire_page_free(q, page, 0);
	/* Locked until here: truncate clears copies, too. */
	use_unlock(q, from);
	pagecache_put(q, from);
	return leaf ? QUIRE_FAULT_DONE : QUIRE_FAULT_OOM;
}

static enum quire_fadvise advice(const struct vma *vma)
{
	if (vma->flags & QUIRE_VM_RAND_READ)
		return QUIRE_FADV_RANDOM;
	return vma->flags & QUIRE_VM_SEQ_READ ? QUIRE_FADV_SEQUENTIAL : QUIRE_FADV_NORMAL;
}

enum quire_fault fault_file(struct fault *f)
{
	enum quire_fault fault;
	struct vma *vma = f->vma;
	struct quire_page *page;
	uint64_t code = 0;
	int error;

	if (unlikely(hugetlb_is(vma)))
		return hugetlb_fault(f);
	fault = f->write ? QUIRE_FAULT_SIGBUS : around(f);
	f->kind = QUIRE_FAULT_KIND_FILE;
	if (fault != QUIRE_FAULT_SIGBUS)
		return fault;
	/* Before the page, which may not be there: as Linux, whose areas are merged accordingly. */
	if (f->write && !(vma->flags & QUIRE_VM_SHARED) && !acquire_load(&vma->anon) &&
	    anon_prepare(vma))
		return QUIRE_FAULT_OOM;
	if ((vma->flags & (QUIRE_VM_EXEC | QUIRE_VM_HUGEPAGE)) == QUIRE_VM_EXEC)
		code = (vma->end - f->address) >> QUIRE_PAGE_SHIFT;
	error = pagecache_load(vma->file, vma_index(vma, f->address), advice(vma), code, &f->major,
			       &page);
	if (error)
		return error == -QUIRE_ENOMEM ? QUIRE_FAULT_OOM : QUIRE_FAULT_SIGBUS;
	if (f->write && !(vma->flags & QUIRE_VM_SHARED)) {
		f->kind = QUIRE_FAULT_KIND_COPY;
		return map_copy(f, page);
	}
	fault = map_one(f, page);
	/* What was read in along with it is around it now. */
	if (f->major && !f->write && fault == QUIRE_FAULT_DONE)
		(void)around(f);
	if (f->write)
		pagecache_balance(quire_file_inode(vma->file));
	return fault;
}
