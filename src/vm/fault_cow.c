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
 * While another processor may still read the old frame through its TLB, nobody writes the new one.
 * The copy is put there to be read; who has the table loaded from then on finds it. Who had it
 * loaded before is counted:
 *
 *   nobody            it may be written at once
 *   this one alone    likewise, but it does nothing else before it has forgotten the old frame
 *   others            all are told to forget the old frame; then it may be written
 */
#include "vm/fault_cow.h"

#include <quire/port.h>

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

/* An entry that is to be written, and what it maps. */
struct cow {
	struct quire *q;
	struct leaf *leaf;      /* the page table that it is in, */
	uint64_t tag;           /* as long as this is still its tag */
	unsigned i, bytes;      /* the entry there */
	uint64_t entry;         /* as it was found */
	uint64_t phys;          /* of the frame */
	struct quire_page *old; /* the frame, held once for us; NULL: the page of zeros */
};

/* Is the entry what it was, but for its marks? Locks: T */
static inline bool same(const struct fault *f, const struct leaf *leaf, uint64_t entry)
{
	return !((user_get(f->table, leaf, f->address) ^ entry) & ~(uint64_t)ENTRY_MARKS);
}

/* The entry may be written now, if it is the same still. */
static void allow(struct fault *f, uint64_t entry)
{
	uintptr_t token = table_enter(f->table);
	struct leaf *leaf = user_find(f->table, f->address);

	if (leaf && same(f, leaf, entry))
		add_bits(f, leaf, FRAME_WRITTEN | QUIRE_PTE_ACCESSED);
	table_leave(f->table, token);
}

/* Make all TLBs forget the page. */
static void forget(const struct fault *f)
{
	struct quire_tlb tlb;

	quire_tlb_begin(&tlb, f->table);
	tlb_add(&tlb, (struct span){ f->address, f->address + QUIRE_PAGE_SIZE - 1 },
		QUIRE_PAGE_SHIFT);
	quire_tlb_flush(&tlb);
}

/*
 * Drop T. If this processor alone has the table, @entry may be written already, and it forgets the
 * page before it is left; if others have, it may be written when all have forgotten it.
 */
static APART void leave_loaded(struct fault *f, uintptr_t token, enum tlb_users users,
			       uint64_t entry) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	lock_drop(&f->table->lock);
	if (users == TLB_SELF)
		tlb_forget_here(f->table, f->address);
	quire_port_cpu_leave(token);
	if (users == TLB_SELF)
		return;
	forget(f);
	allow(f, entry);
}

static inline void leave(struct fault *f, uintptr_t token, enum tlb_users users, uint64_t entry)
{
	if (likely(users == TLB_NOBODY))
		table_leave(f->table, token);
	else
		leave_loaded(f, token, users, entry);
}

/* Count that the process has an anonymous frame where it had the old one. Locks: T */
static inline void recount(const struct cow *c, const struct fault *f)
{
	_Atomic uintptr_t *rss = f->vma->mm->rss;
	struct vm *vm = vm_of(c->q);
	bool anon;

	if (unlikely(!c->old)) {
		atomic_fetch_add_explicit(&rss[RSS_ANON], 1, memory_order_relaxed);
		return;
	}
	anon = frame_anon(c->old);
	if (unlikely(!anon)) {
		atomic_fetch_add_explicit(&rss[RSS_ANON], 1, memory_order_relaxed);
		atomic_fetch_sub_explicit(&rss[frame_kind(c->q, c->old)], 1, memory_order_relaxed);
	}
	/* Does nobody map it any more? */
	if (unlikely(frame_unmap(c->old)))
		atomic_fetch_sub_explicit(anon ? &vm->nr_anon : &vm->nr_mapped, 1,
					  memory_order_relaxed);
}

/* Is the entry that was found still there? Its page table may have gone. Locks: T */
static inline bool still(const struct cow *c, const struct fault *f)
{
	if (unlikely(c->leaf->tag != c->tag) && !user_find(f->table, f->address))
		return false;
	return !((entry_load(c->leaf->contents, c->i, c->bytes) ^ c->entry) &
		 ~(uint64_t)ENTRY_MARKS);
}

/*
 * Put the copy in the place of what the entry maps. Return: false if that is something else by now
 */
static inline bool put_copy(const struct cow *c, struct fault *f, struct quire_page *copy,
			    uint64_t phys)
{
	/* The area's bits are those that the entry has. */
	uint64_t fresh = (c->entry ^ c->phys) | phys | QUIRE_PTE_ACCESSED;
	uintptr_t token = table_enter(f->table);
	enum tlb_users users;

	if (unlikely(!still(c, f))) {
		table_leave(f->table, token);
		return false;
	}
	fault_anon_own(f, copy);
	recount(c, f);
	if (!ENTRY_WHOLE) /* never half of the one, half of the other */
		entry_take(c->leaf->contents, c->i, c->bytes);
	entry_store(c->leaf->contents, c->i, c->bytes, fresh);
	users = tlb_users(f->table, token);
	if (likely(users != TLB_OTHERS))
		entry_store(c->leaf->contents, c->i, c->bytes, fresh | FRAME_WRITTEN);
	leave(f, token, users, fresh);
	return true;
}

static APART void drop_last(struct quire *q, struct quire_page *old)
{
	struct quire_page *page[2] = { old, old };

	frame_put(q, page, 2);
}

/* Drop the entry's reference to the old frame, and ours. */
static inline void drop_old(struct quire *q, struct quire_page *old)
{
	uint32_t word = relaxed_load(&old->word);

	/* Mostly others have it still. */
	while (likely(frame_anon(old)) && likely(word >= 3 * COUNT_ONE)) {
		if (atomic_compare_exchange_weak_explicit(&old->word, &word, word - 2 * COUNT_ONE,
							  memory_order_release,
							  memory_order_relaxed))
			return;
	}
	drop_last(q, old);
}

/* Make a frame like the one that the entry maps. Return: false if it can't be touched */
static inline bool fill(const struct cow *c, struct quire_page *page, uint64_t phys)
{
	struct quire *q = c->q;

	if (unlikely(!c->old))
		return !quire_port_zero(q->config.host, quire_pfn(phys >> QUIRE_PAGE_SHIFT), 1);
	if (unlikely(c->phys >= q->direct_bytes) || unlikely(phys >= q->direct_bytes))
		return !touch_copy(q, page, c->old);
	memcpy(q->direct + phys, q->direct + c->phys, QUIRE_PAGE_SIZE);
	return true;
}

/* Nothing has come of it. */
static COLD enum quire_fault undo(const struct cow *c, struct fault *f, struct quire_page *page,
				  enum quire_fault fault)
{
	struct quire_page *old = c->old;

	f->kind = QUIRE_FAULT_KIND_SPURIOUS;
	if (page)
		quire_page_free(c->q, page, 0);
	if (old)
		frame_put(c->q, &old, 1);
	return fault;
}

static inline enum quire_fault copy(const struct cow *c, struct fault *f)
{
	struct quire_page *page = NULL;
	uint64_t phys;

	if (likely(acquire_load(&f->vma->anon)) || !anon_prepare(f->vma))
		page = quire_page_alloc(c->q, QUIRE_GFP_HIGHUSER_MOVABLE, 0);
	if (unlikely(!page))
		return undo(c, f, NULL, QUIRE_FAULT_OOM);
	phys = fault_phys(c->q, page);
	if (unlikely(!fill(c, page, phys)))
		return undo(c, f, page, QUIRE_FAULT_OOM);
	if (unlikely(!put_copy(c, f, page, phys)))
		return undo(c, f, page, QUIRE_FAULT_DONE);
	if (likely(c->old))
		drop_old(c->q, c->old);
	return QUIRE_FAULT_DONE;
}

/*
 * In a shared area: a page of a file, newer than the store's from here on. Locks: T, which it drops
 */
static APART enum quire_fault write_shared(struct fault *f, uintptr_t token, uint64_t entry,
					   struct quire_page *page)
{
	struct quire *q = f->table->q;

	frames_pin(page);
	table_leave(f->table, token);
	f->kind = QUIRE_FAULT_KIND_DIRTY;
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

/* Nobody else has the frame. Locks: T, which it drops */
static APART enum quire_fault write_last(struct fault *f, uintptr_t token, struct leaf *leaf,
					 uint64_t entry)
{
	/* Another fault may have put the copy here and not told all processors yet. */
	enum tlb_users users = tlb_users(f->table, token);

	f->kind = QUIRE_FAULT_KIND_LAST;
	if (users != TLB_OTHERS)
		add_bits(f, leaf, FRAME_WRITTEN | QUIRE_PTE_ACCESSED);
	leave(f, token, users, entry);
	return QUIRE_FAULT_DONE;
}

enum quire_fault fault_cow(struct fault *f)
{
	struct quire_table *t = f->table;
	uintptr_t token = table_enter(t);
	struct cow c;

	c.q = t->q;
	c.leaf = user_find(t, f->address);
	c.i = user_index(t, f->address);
	c.bytes = t->format->entry_bytes;
	c.entry = c.leaf ? entry_load(c.leaf->contents, c.i, c.bytes) : 0;
	if (unlikely((c.entry & (QUIRE_PTE_PRESENT | QUIRE_PTE_RW)) != QUIRE_PTE_PRESENT)) {
		table_leave(t, token);
		f->kind = QUIRE_FAULT_KIND_SPURIOUS;
		if (unlikely(!c.leaf))
			return hugetlb_is(f->vma) ? hugetlb_fault(f) : fault_huge_write(f);
		return QUIRE_FAULT_DONE;
	}
	c.tag = c.leaf->tag;
	c.phys = c.entry & t->format->address;
	c.old = frame_at(c.q, c.phys);
	if (unlikely(f->vma->flags & QUIRE_VM_SHARED))
		return write_shared(f, token, c.entry, c.old);
	f->kind = QUIRE_FAULT_KIND_COPY;
	if (likely(c.old)) {
		if (frame_anon(c.old) && acquire_load(&c.old->word) < 2 * COUNT_ONE)
			return write_last(f, token, c.leaf, c.entry);
		frames_pin(c.old);
	}
	table_leave(t, token);
	return copy(&c, f);
}
