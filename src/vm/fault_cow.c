/* SPDX-License-Identifier: MIT */
/*
 * fault_cow.c - writes to what may only be read yet: copy-on-write, and pages of files that become
 * dirty
 *
 *   the entry maps                          what happens
 *   the page of zeros                       a frame of zeros takes its place
 *   an anonymous frame, nobody else's       it may be written from here on
 *   any other frame, private area           a copy takes its place
 *   a page of a file, shared area           it is dirty, and may be written from here on
 *
 * While another processor may still read the old frame through its TLB, nobody writes the new one:
 * the entry gets the right to write only when all have forgotten the old one.
 */
#include "vm/fault_cow.h"

#include "cache/pagecache.h"
#include "core/assert.h"
#include "core/string.h"
#include "kmem/touch.h"
#include "vm/fault_anon.h"
#include "vm/fault_huge.h"
#include "vm/frame.h"
#include "vm/hugetlb.h"

/* Replace the bits of an entry; what the processor marks meanwhile is kept. Locks: T */
static void add_bits(const struct fault *f, const struct leaf *leaf, uint64_t bits)
{
	unsigned i = user_index(f->table, f->address);
	unsigned bytes = f->table->format->entry_bytes;
	uint64_t entry;

	do {
		entry = entry_load(leaf->contents, i, bytes);
	} while (!entry_change(leaf->contents, i, bytes, entry, entry | bits));
}

/* The entry if it still is the one that was found, but for its marks. Locks: T */
static inline struct leaf *same(const struct fault *f, uint64_t entry)
{
	struct leaf *leaf = user_find(f->table, f->address);

	if (!leaf || ((user_get(f->table, leaf, f->address) ^ entry) & ~(uint64_t)ENTRY_MARKS))
		return NULL;
	return leaf;
}

/* The entry may be written now: it maps @phys still. */
static void allow(struct fault *f, uint64_t entry)
{
	uintptr_t token = table_enter(f->table);
	struct leaf *leaf = same(f, entry);

	if (leaf)
		add_bits(f, leaf, FRAME_WRITTEN | QUIRE_PTE_ACCESSED);
	table_leave(f->table, token);
}

/* Count that the process has an anonymous frame where it had @old. Locks: T */
static void recount(const struct fault *f, const struct quire_page *old)
{
	_Atomic uintptr_t *rss = f->vma->mm->rss;
	enum rss kind = old ? frame_kind(f->table->q, old) : NR_RSS;

	if (kind == RSS_ANON)
		return;
	atomic_fetch_add_explicit(&rss[RSS_ANON], 1, memory_order_relaxed);
	if (old)
		atomic_fetch_sub_explicit(&rss[kind], 1, memory_order_relaxed);
}

/* Nobody maps the old frame any more? Then it is counted no more as one that is mapped. Locks: T */
static void unmap_old(const struct fault *f, struct quire_page *old)
{
	struct vm *vm = vm_of(f->table->q);

	if (frame_unmap(old))
		atomic_fetch_sub_explicit(frame_anon(old) ? &vm->nr_anon : &vm->nr_mapped, 1,
					  memory_order_relaxed);
}

/* Make TLBs forget the old frame. */
static void forget(const struct fault *f)
{
	struct quire_tlb tlb;

	quire_tlb_begin(&tlb, f->table);
	tlb_add(&tlb, (struct span){ f->address, f->address + QUIRE_PAGE_SIZE - 1 },
		QUIRE_PAGE_SHIFT);
	quire_tlb_flush(&tlb);
}

/*
 * Put the copy in the place of what the entry maps. Return: false if that is something else by now
 */
static bool put_copy(struct fault *f, uint64_t entry, struct quire_page *old,
		     struct quire_page *copy)
{
	struct quire_table *t = f->table;
	/* One processor at the most uses this table: then it is the one that writes. */
	bool alone = relaxed_load(&t->nr_loaded) <= 1;
	uint64_t fresh = fault_phys(t->q, copy) | fault_bits(f);
	uintptr_t token = table_enter(t);
	struct leaf *leaf = same(f, entry);

	if (likely(leaf)) {
		unsigned i = user_index(t, f->address);

		fault_anon_own(f, copy);
		recount(f, old);
		if (old)
			unmap_old(f, old);
		if (!ENTRY_WHOLE) /* never half of the one, half of the other */
			entry_take(leaf->contents, i, t->format->entry_bytes);
		entry_store(leaf->contents, i, t->format->entry_bytes,
			    alone ? fresh | FRAME_WRITTEN : fresh);
	}
	table_leave(t, token);
	if (unlikely(!leaf))
		return false;
	if (tlb_used(t))
		forget(f);
	if (!alone)
		allow(f, fresh);
	return true;
}

/* Drop the entry's reference to the old frame, and ours. */
static void drop_old(struct quire *q, struct quire_page *old)
{
	struct quire_page *page[2] = { old, old };
	uint32_t word = relaxed_load(&old->word);

	/* Mostly others have it still. */
	while (likely(frame_anon(old)) && likely(word / COUNT_ONE > 2)) {
		if (atomic_compare_exchange_weak_explicit(&old->word, &word, word - 2 * COUNT_ONE,
							  memory_order_release,
							  memory_order_relaxed))
			return;
	}
	frame_put(q, page, 2);
}

/* A frame like the one that the entry maps. NULL: there is none */
static inline struct quire_page *copied(struct fault *f, uint64_t entry, struct quire_page *from)
{
	struct quire *q = f->table->q;
	struct quire_page *page = quire_page_alloc(q, QUIRE_GFP_HIGHUSER_MOVABLE, 0);
	uint64_t source = entry & f->table->format->address, target;

	if (unlikely(!page))
		return NULL;
	target = fault_phys(q, page);
	if (likely(source < q->direct_bytes) && likely(target < q->direct_bytes)) {
		memcpy(q->direct + target, q->direct + source, QUIRE_PAGE_SIZE);
	} else if (unlikely(touch_copy(q, page, from))) {
		quire_page_free(q, page, 0);
		return NULL;
	}
	return page;
}

/* @old: held once for us; NULL: the page of zeros */
static enum quire_fault copy(struct fault *f, uint64_t entry, struct quire_page *old)
{
	struct quire *q = f->table->q;
	struct quire_page *page = NULL;

	if (likely(acquire_load(&f->vma->anon)) || !anon_prepare(f->vma))
		page = likely(old) ? copied(f, entry, old) : fault_anon_page(q, true);
	if (likely(page) && likely(put_copy(f, entry, old, page))) {
		if (old)
			drop_old(q, old);
		return QUIRE_FAULT_DONE;
	}
	if (page)
		quire_page_free(q, page, 0);
	if (old)
		frame_put(q, &old, 1);
	return page ? QUIRE_FAULT_DONE : QUIRE_FAULT_OOM;
}

/* A page of a file, held: it is newer than the store's from here on. */
static enum quire_fault dirty(struct fault *f, uint64_t entry, struct quire_page *page)
{
	struct quire *q = f->table->q;

	use_lock(q, page);
	if (pagecache_inode(page)) {
		pagecache_dirty(q, page);
		allow(f, entry);
	}
	use_unlock(q, page);
	pagecache_put(q, page);
	pagecache_balance(quire_file_inode(f->vma->file));
	return QUIRE_FAULT_DONE;
}

enum quire_fault fault_cow(struct fault *f)
{
	bool shared = f->vma->flags & QUIRE_VM_SHARED, done = true, full = false, late = false;
	struct quire_page *page = NULL;
	uintptr_t token = table_enter(f->table);
	struct leaf *leaf = user_find(f->table, f->address);
	uint64_t entry = leaf ? user_get(f->table, leaf, f->address) : 0;

	f->kind = QUIRE_FAULT_KIND_SPURIOUS;
	if ((entry & QUIRE_PTE_PRESENT) && !(entry & QUIRE_PTE_RW)) {
		f->kind = shared ? QUIRE_FAULT_KIND_DIRTY : QUIRE_FAULT_KIND_COPY;
		page = frame_of(f->vma->mm, entry);
		done = page && frame_anon(page) && !shared &&
		       acquire_load(&page->word) / COUNT_ONE == 1;
		if (done) {
			late = acquire_load(&f->table->nr_loaded) > 1;
			if (!late)
				add_bits(f, leaf, FRAME_WRITTEN | QUIRE_PTE_ACCESSED);
			f->kind = QUIRE_FAULT_KIND_LAST;
		} else {
			full = page && !frames_hold(page);
		}
	}
	table_leave(f->table, token);
	if (unlikely(!leaf))
		return hugetlb_is(f->vma) ? hugetlb_fault(f) : fault_huge_write(f);
	if (unlikely(full))
		return QUIRE_FAULT_OOM;
	if (unlikely(late)) {
		/* Another fault may have put the copy here and not told all processors yet. */
		forget(f);
		allow(f, entry);
	}
	if (done)
		return QUIRE_FAULT_DONE;
	return shared ? dirty(f, entry, page) : copy(f, entry, page);
}
