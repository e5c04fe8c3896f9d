/* SPDX-License-Identifier: MIT */
/*
 * zap.c - what changes of areas do to page tables: entries cleared, protected, shared, moved
 *
 * Each page table of a range is gone over in one loop, for each size of entries its own. What the
 * entries referenced is gathered, and given back when the lock is dropped and the TLBs have
 * forgotten it:
 *
 *    T held      entries ──take──> frames: mapcount - 1 ──> page[] (ZAP_BATCH of them)
 *    T dropped   flush, then references - 1, frames freed in bulk
 */
#include "vm/zap.h"

#include "cache/pagecache.h"
#include "core/assert.h"
#include "pgtable/user.h"
#include "vm/anon.h"
#include "vm/frame.h"
#include "vm/huge.h"
#include "vm/hugetlb.h"

#define ZAP_BATCH 128

/* A range that is being cleared. */
struct zap {
	struct quire_mm *mm;
	struct frame_finder finder;
	struct quire_tlb tlb;
	bool files;   /* only what is in the page cache */
	bool recent;  /* what was accessed may be so again: pages of files stay longer */
	bool written; /* some of page[] are marked with PAGE_WRITTEN */
	int gone;     /* entries of this page table */
	uint64_t rss[NR_RSS];
	uint64_t nr_anon, nr_mapped; /* frames that nobody maps any more */
	uint64_t nr_shared;          /* of page[], those counted above; the rest is nobody else's */
	unsigned nr;
	struct quire_page *page[ZAP_BATCH];
};

/* In a pointer of page[]: of a file with a store, and the entry could be written. */
#define PAGE_WRITTEN ((uintptr_t)1)

/* The frame of an entry that is gone. Return: it, marked if need be */
static APART struct quire_page *gather_shared(struct zap *z, struct quire_page *page,
					      uint64_t entry)
{
	enum rss kind = frame_kind(z->mm->q, page);
	bool last = frame_unmap(page);

	z->nr_shared++;
	z->rss[kind]++;
	if (kind == RSS_ANON) {
		z->nr_anon += last;
		return page;
	}
	z->nr_mapped += last;
	/* Writes to a file without a store are noticed here. */
	if (entry & QUIRE_PTE_DIRTY)
		frame_dirty(z->mm->q, page);
	if (entry & QUIRE_PTE_ACCESSED && z->recent)
		pagecache_referenced(z->mm->q, page);
	if (kind != RSS_FILE || !(entry & QUIRE_PTE_RW))
		return page;
	z->written = true;
	return (struct quire_page *)((uintptr_t)page | PAGE_WRITTEN);
}

/* Entries [i, end) of a page table. Return: where it stopped: the batch is full */
static WITHIN unsigned clear(struct zap *z, void *contents, unsigned i, unsigned end,
			     unsigned bytes)
{
	struct frame_finder finder = z->finder;
	unsigned nr = z->nr;
	int gone = 0;

	for (; i < end && likely(nr < ZAP_BATCH); i++) {
		uint64_t entry = entry_load(contents, i, bytes);
		struct quire_page *page;

		if (!entry)
			continue;
		page = frame_find(&finder, entry);
		if (unlikely(z->files) && (!page || frame_anon(page)))
			continue;
		entry = entry_take(contents, i, bytes);
		gone++;
		if (unlikely(!page))
			continue;
		if (unlikely(!frame_unmap_only(page)))
			page = gather_shared(z, page, entry);
		z->page[nr++] = page;
	}
	z->nr = nr;
	z->gone = gone;
	z->finder = finder;
	return i;
}

/* Take what is gone from the counts. Locks: T */
static void settle(struct zap *z)
{
	struct quire_mm *mm = z->mm;
	struct vm *vm = vm_of(mm->q);
	uint64_t all = 0, only = z->nr - z->nr_shared;

	z->rss[RSS_ANON] += only;
	z->nr_anon += only;

	for (unsigned kind = 0; kind < NR_RSS; kind++) {
		if (z->rss[kind])
			all += atomic_fetch_sub_explicit(&mm->rss[kind], z->rss[kind],
							 memory_order_relaxed);
		else
			all += relaxed_load(&mm->rss[kind]);
		z->rss[kind] = 0;
	}
	if (all > mm->hiwater_rss)
		mm->hiwater_rss = all;
	if (z->nr_anon)
		atomic_fetch_sub_explicit(&vm->nr_anon, z->nr_anon, memory_order_relaxed);
	if (z->nr_mapped)
		atomic_fetch_sub_explicit(&vm->nr_mapped, z->nr_mapped, memory_order_relaxed);
	z->nr_anon = z->nr_mapped = z->nr_shared = 0;
}

/*
 * A write-back that came after the entries had gone did not find them. What other processors wrote
 * through their TLBs since then is to be written, too.
 */
static COLD void dirty_again(struct zap *z)
{
	for (unsigned i = 0; i < z->nr; i++) {
		uintptr_t page = (uintptr_t)z->page[i];

		z->page[i] = (struct quire_page *)(page & ~PAGE_WRITTEN);
		if (page & PAGE_WRITTEN)
			pagecache_dirty(z->mm->q, z->page[i]);
	}
	z->written = false;
}

/* End a batch: the frames go. */
static void give_back(struct zap *z, uintptr_t token)
{
	if (z->nr)
		settle(z);
	table_leave(z->mm->table, token);
	quire_tlb_flush(&z->tlb);
	if (unlikely(z->written))
		dirty_again(z);
	if (z->nr)
		frame_put(z->mm->q, z->page, z->nr);
	z->nr = 0;
}

/* @at: as user_next has left it. Locks: T, which it drops */
static void run(struct zap *z, uintptr_t token, uint64_t at, uint64_t end)
{
	struct quire_table *t = z->mm->table;
	uint64_t last = end - 1, stop = 0;
	struct leaf *leaf;

	while (stop < last && (leaf = user_next(t, &at, last))) {
		unsigned i = user_index(t, at), first = i, n;

		stop = user_last(t, at, last);
		n = user_index(t, stop) + 1;
		i = t->format->entry_bytes == 8 ? clear(z, leaf->contents, i, n, 8)
						: clear(z, leaf->contents, i, n, 4);
		if (z->gone) {
			tlb_add(&z->tlb, (struct span){ at, stop }, QUIRE_PAGE_SHIFT);
			if (user_count(t, leaf, -z->gone))
				user_release(t, at, &z->tlb);
		}
		at += (uint64_t)(i - first) << QUIRE_PAGE_SHIFT;
		if (unlikely(i < n)) {
			give_back(z, token);
			stop = at - 1;
			token = table_enter(t);
		}
	}
	give_back(z, token);
}

static void zap(struct vma *vma, uint64_t start, uint64_t end, bool files)
{
	struct quire_table *t = vma->mm->table;
	uintptr_t token = table_enter(t);
	struct zap z;

	if (unlikely(huge_any(vma->mm))) {
		table_leave(t, token);
		huge_zap(vma, start, end);
		token = table_enter(t);
	}
	/* Nothing was touched: nothing is to be given back. */
	if (!user_next(t, &start, end - 1)) {
		table_leave(t, token);
		return;
	}
	/* Not the array. */
	z.mm = vma->mm;
	z.finder = frame_begin(vma->mm);
	z.files = files;
	z.written = false;
	z.recent = !(vma->flags & (QUIRE_VM_SEQ_READ | QUIRE_VM_RAND_READ));
	z.rss[RSS_ANON] = z.rss[RSS_FILE] = z.rss[RSS_SHMEM] = 0;
	z.nr_anon = z.nr_mapped = z.nr_shared = z.nr = 0;
	quire_tlb_begin(&z.tlb, vma->mm->table);
	run(&z, token, start, end);
}

void zap_range(struct vma *vma, uint64_t start, uint64_t end)
{
	if (unlikely(hugetlb_is(vma)))
		hugetlb_zap(vma, start, end);
	else
		zap(vma, start, end, false);
}

void zap_files(struct vma *vma, uint64_t start, uint64_t end)
{
	zap(vma, start, end, true);
}

/* ---- Rights ---- */

/* Give an entry other bits. Return: whether it has changed */
static WITHIN bool protect_one(void *contents, unsigned i, unsigned bytes, uint64_t keep,
			       uint64_t bits)
{
	uint64_t entry, value;

	do {
		entry = entry_load(contents, i, bytes);
		value = (entry & keep) | bits;
		if (value == entry || !entry)
			return false;
	} while (unlikely(!entry_change(contents, i, bytes, entry, value)));
	return true;
}

/* Entries [i, end) of a page table. Return: whether one has changed */
static WITHIN bool protect(void *contents, unsigned i, unsigned end, unsigned bytes,
			   const uint64_t mask[2])
{
	uint64_t keep = mask[0], bits = mask[1];
	bool changed = false;

	for (; i + 4 <= end; i += 4) {
		if (protect_one(contents, i, bytes, keep, bits))
			changed = true;
		if (protect_one(contents, i + 1, bytes, keep, bits))
			changed = true;
		if (protect_one(contents, i + 2, bytes, keep, bits))
			changed = true;
		if (protect_one(contents, i + 3, bytes, keep, bits))
			changed = true;
	}
	for (; i < end; i++)
		changed |= protect_one(contents, i, bytes, keep, bits);
	return changed;
}

bool zap_writable(const struct vma *vma)
{
	return (vma->flags & QUIRE_VM_WRITE) && (vma->flags & QUIRE_VM_SHARED) &&
	       !quire_file_inode(vma->file)->store;
}

void zap_protect(struct vma *vma, uint64_t start, uint64_t end)
{
	struct quire_table *t = vma->mm->table;
	const struct format *f = t->format;
	uint64_t at = start, last = end - 1, stop = 0;
	/* What stays of an entry, and what it gets. Who had to ask before writing still has to. */
	uint64_t mask[2] = { f->address | ENTRY_MARKS,
			     format_user(f, 0, vma->pte & ~QUIRE_PTE_RW) };
	struct quire_tlb tlb;
	struct leaf *leaf;
	uintptr_t token;

	if (unlikely(hugetlb_is(vma))) {
		hugetlb_protect(vma, start, end);
		return;
	}
	if (zap_writable(vma))
		mask[1] |= QUIRE_PTE_RW;
	else if (vma->flags & QUIRE_VM_WRITE)
		mask[0] |= QUIRE_PTE_RW;
	quire_tlb_begin(&tlb, t);
	token = table_enter(t);
	if (unlikely(huge_any(vma->mm)))
		huge_protect(vma, start, end, &tlb);
	while (stop < last && (leaf = user_next(t, &at, last))) {
		unsigned i = format_index(f, 0, at), n;

		stop = user_last(t, at, last);
		n = format_index(f, 0, stop) + 1;
		if (f->entry_bytes == 8 ? protect(leaf->contents, i, n, 8, mask)
					: protect(leaf->contents, i, n, 4, mask))
			tlb_add(&tlb, (struct span){ at, stop }, QUIRE_PAGE_SHIFT);
		at = stop + 1;
	}
	table_leave(t, token);
	quire_tlb_flush(&tlb);
}

/* ---- Sharing: fork ---- */

/* An area's entries on their way to a child. */
struct copy {
	struct quire_table *to, *from;
	struct frame_finder finder;
	struct stock stock;
	struct leaf *leaf;    /* the child's page table; NULL: not made yet */
	uint64_t at;          /* first address of the parent's */
	int nr;               /* entries copied to it */
	uint64_t nr_anon;     /* frames in them */
	uint64_t rss[NR_RSS]; /* other frames, of a file of which pages were written */
	bool changed;         /* one of the parent's is write-protected now */
};

/* Take the right to write from a parent's entry. Return: the entry now */
static WITHIN uint64_t read_only(struct copy *c, void *contents, unsigned i, unsigned bytes,
				 uint64_t entry)
{
	while (!entry_change(contents, i, bytes, entry, entry & ~(uint64_t)QUIRE_PTE_RW))
		entry = entry_load(contents, i, bytes);
	c->changed = true;
	return entry & ~(uint64_t)QUIRE_PTE_RW;
}

/* Entries [i, end) of a page table. Return: false if a frame has as many references as can be */
static WITHIN bool copy_entries(struct copy *c, void *contents, unsigned i, unsigned end,
				unsigned bytes)
{
	void *target = c->leaf ? c->leaf->contents : NULL;
	struct frame_finder finder = c->finder;
	unsigned nr_anon = 0;
	bool ok = true;
	int nr = 0;

	for (; i < end; i++) {
		uint64_t entry = entry_load(contents, i, bytes);
		struct quire_page *page;

		if (!entry)
			continue;
		page = frame_find(&finder, entry);
		if (likely(page)) {
			ok = frames_hold(page);
			if (unlikely(!ok))
				break;
			frame_map_again(page);
			if (likely(frame_anon(page)))
				nr_anon++;
			else
				c->rss[frame_kind(c->from->q, page)]++;
		}
		if (entry & QUIRE_PTE_RW)
			entry = read_only(c, contents, i, bytes, entry);
		if (unlikely(!target)) {
			c->leaf = user_make(c->to, c->at, &c->stock);
			target = c->leaf->contents;
		}
		entry_store(target, i, bytes, entry & ~(uint64_t)QUIRE_PTE_ACCESSED);
		nr++;
	}
	c->finder = finder;
	c->nr_anon += nr_anon;
	c->nr = nr;
	return ok;
}

/* The next page table, under both locks. Return: false if a reference can't be had */
static bool copy_leaf(struct copy *c, const struct leaf *leaf, uint64_t stop)
{
	const struct format *f = c->from->format;
	unsigned i = format_index(f, 0, c->at), end = format_index(f, 0, stop) + 1;
	bool ok;

	c->leaf = user_find(c->to, c->at);
	ok = f->entry_bytes == 8 ? copy_entries(c, leaf->contents, i, end, 8)
				 : copy_entries(c, leaf->contents, i, end, 4);
	if (c->nr)
		user_count(c->to, c->leaf, c->nr);
	return ok;
}

/*
 * Go on with the parent's next page table. Return: 1: more to come; 0: that was all; -QUIRE_ENOMEM.
 * Two locks of one kind: the parent's first, the child is not known to anybody who could have both.
 */
static int copy_next(struct copy *c, uint64_t last) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	uintptr_t token = table_enter(c->from);
	struct leaf *leaf = user_next(c->from, &c->at, last);
	uint64_t stop = leaf ? user_last(c->from, c->at, last) : last;
	bool ok = true, lacking = false;
	uint32_t need = 0;

	if (leaf) {
		lock_take(&c->to->lock);
		need = user_need(c->to, c->at, c->at);
		lacking = need > c->stock.nr;
		if (!lacking)
			ok = copy_leaf(c, leaf, stop);
		lock_drop(&c->to->lock);
	}
	table_leave(c->from, token);
	if (lacking)
		return stock_fill(&c->stock, need) ? -QUIRE_ENOMEM : 1;
	c->at = stop + 1;
	return ok ? stop < last : -QUIRE_ENOMEM;
}

/* Truncate must find either the parent's entry or both. */
static void copy_hold(struct vma *from) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	if (from->file)
		sem_write(&quire_file_inode(from->file)->maps_lock, from->mm->q->config.host);
}

static void copy_release(struct vma *from) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	if (from->file)
		sem_write_drop(&quire_file_inode(from->file)->maps_lock, from->mm->q->config.host);
}

int zap_copy(struct vma *to, struct vma *from)
{
	struct copy c = { .to = to->mm->table,
			  .from = from->mm->table,
			  .finder = frame_begin(from->mm),
			  .stock = { .q = from->mm->q },
			  .at = from->start };
	struct quire_tlb tlb;
	int more;

	if (unlikely(huge_any(from->mm)) && huge_copy(to, from))
		return -QUIRE_ENOMEM;
	copy_hold(from);
	do {
		more = copy_next(&c, from->end - 1);
	} while (more > 0);
	/* Before truncate can take some of them away again. */
	c.rss[RSS_ANON] += c.nr_anon;
	for (unsigned kind = 0; kind < NR_RSS; kind++)
		atomic_fetch_add_explicit(&to->mm->rss[kind], c.rss[kind], memory_order_relaxed);
	copy_release(from);
	stock_empty(&c.stock);
	if (c.changed) {
		quire_tlb_begin(&tlb, c.from);
		tlb_add(&tlb, (struct span){ from->start, from->end - 1 }, QUIRE_PAGE_SHIFT);
		quire_tlb_flush(&tlb);
	}
	return more;
}

/* ---- Moving: mremap ---- */

/*
 * Tables that the new place may lack for what there is at the old one: those that are there now
 * may be the old place's, and go when they are empty. Locks: T
 */
static uint32_t move_need(struct quire_table *t, struct span from, uint64_t to)
{
	uint64_t at = from.start, before = 0, stop = 0, start;
	bool first = true;
	uint32_t need = 0;

	while (stop < from.last && user_next(t, &at, from.last)) {
		stop = user_last(t, at, from.last);
		start = at - from.start + to;
		need += user_most(t, start, first ? start : before);
		before = stop - from.start + to;
		if ((start ^ before) >> t->format->level[1].shift)
			need += user_most(t, before, start);
		first = false;
		at = stop + 1;
	}
	return need;
}

/* The entries of one page table. Locks: T */
static void move_leaf(struct quire_table *t, struct span part, uint64_t to, struct stock *stock,
		      struct quire_tlb *tlb)
{
	const struct format *f = t->format;
	unsigned bytes = f->entry_bytes;
	void *contents = user_find(t, part.start)->contents;
	int gone = 0;

	for (uint64_t at = part.start; at < part.last;
	     at += QUIRE_PAGE_SIZE, to += QUIRE_PAGE_SIZE) {
		unsigned i = format_index(f, 0, at);
		struct leaf *leaf;

		if (!entry_load(contents, i, bytes))
			continue;
		leaf = user_make(t, to, stock);
		ASSERT("VMA-5", !table_get(t, leaf->contents, format_index(f, 0, to)));
		entry_store(leaf->contents, format_index(f, 0, to), bytes,
			    entry_take(contents, i, bytes));
		user_count(t, leaf, 1);
		gone++;
	}
	if (!gone)
		return;
	tlb_add(tlb, part, QUIRE_PAGE_SHIFT);
	if (user_count(t, user_find(t, part.start), -gone))
		user_release(t, part.start, tlb);
}

/* Keep away who finds entries through reverse maps: they would miss one that is on its way. */
static void move_hold(struct vma *vma) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	if (vma->file)
		sem_write(&quire_file_inode(vma->file)->maps_lock, vma->mm->q->config.host);
	anon_hold(vma);
}

static void move_release(struct vma *vma) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	anon_release(vma);
	if (vma->file)
		sem_write_drop(&quire_file_inode(vma->file)->maps_lock, vma->mm->q->config.host);
}

int zap_move(struct vma *from, uint64_t start, struct vma *to, uint64_t at, uint64_t bytes)
{
	struct quire_table *t = from->mm->table;
	struct span span = { start, start + bytes - 1 };
	struct stock stock = { .q = t->q };
	uint64_t next = start, stop = 0;
	struct quire_tlb tlb;
	uintptr_t token;
	uint32_t need;

	/* Fresh memory may be one area with its new place by now: no frame knows a number. */
	ASSERT("RMAP-3", from == to || (!from->anon && !from->file) ||
				 vma_index(from, start) == vma_index(to, at));
	if (relaxed_load(&from->touched))
		vma_touch(to);
	if (unlikely(hugetlb_is(from)))
		return hugetlb_move(from, (struct hugetlb_part){ start, bytes }, to);
	quire_tlb_begin(&tlb, t);
	move_hold(from);
	for (;;) {
		token = table_enter(t);
		huge_cut(t, span, at, &tlb);
		need = move_need(t, span, at) + huge_move_need(t, span, at);
		if (need <= stock.nr)
			break;
		table_leave(t, token);
		if (stock_fill(&stock, need)) {
			move_release(from);
			return -QUIRE_ENOMEM;
		}
	}
	huge_move(t, span, at, &stock, &tlb);
	while (stop < span.last && user_next(t, &next, span.last)) {
		stop = user_last(t, next, span.last);
		move_leaf(t, (struct span){ next, stop }, next - start + at, &stock, &tlb);
		next = stop + 1;
		/* Nobody else changes entries: others may have the lock now. */
		table_leave(t, token);
		token = table_enter(t);
	}
	table_leave(t, token);
	quire_tlb_flush(&tlb);
	move_release(from);
	stock_empty(&stock);
	return 0;
}
