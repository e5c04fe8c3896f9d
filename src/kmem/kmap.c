/* SPDX-License-Identifier: MIT */
/*
 * kmap.c - windows to frames of high memory
 *
 * Source: Gorman, Understanding the Linux Virtual Memory Manager, ch. 9
 */
#include "kmem/kmap.h"

#include <quire/port.h>

#include "core/assert.h"
#include "core/hash.h"
#include "kmem/kspace.h"
#include "pgtable/slots.h"

#define WINDOW_PTE QUIRE_PTE_KERNEL

static uintptr_t enter(struct kmap *kmap) LOCK_ATTRIBUTE(acquire_capability(kmap->lock))
{
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&kmap->lock);
	return token;
}

static void leave(struct kmap *kmap, uintptr_t token) LOCK_ATTRIBUTE(release_capability(kmap->lock))
{
	lock_drop(&kmap->lock);
	quire_port_cpu_leave(token);
}

static inline unsigned bucket_of(uint32_t frame)
{
	return (frame * 0x9e3779b1u) >> 24;
}

static inline void *entry_of(const struct kspace *ks, unsigned i)
{
	return ks->kmap.entries + (size_t)i * ks->table->format->entry_bytes;
}

static inline uint64_t virt_of(const struct kmap *kmap, unsigned i)
{
	return kmap->base + ((uint64_t)i << QUIRE_PAGE_SHIFT);
}

/* The window of a frame. Return: KMAP_NONE if it has none. Locks: K */
static unsigned find(const struct kmap *kmap, uint32_t frame)
{
	unsigned i = kmap->bucket[bucket_of(frame)];

	while (i != KMAP_NONE && kmap->slot[i].frame != frame)
		i = kmap->slot[i].next;
	return i;
}

/* Locks: K */
static void unhash(struct kmap *kmap, unsigned i)
{
	uint16_t *link = &kmap->bucket[bucket_of(kmap->slot[i].frame)];

	while (*link != i) {
		ASSERT("KMAP-2", *link != KMAP_NONE);
		link = &kmap->slot[*link].next;
	}
	*link = kmap->slot[i].next;
}

/*
 * Empty all closed windows. Leaves the lock for the flush, during which they are nobody's.
 * Return: the token. Locks: K, dropped and taken again
 */
static COLD uintptr_t flush_stale(struct kspace *ks, uintptr_t token)
	LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	struct kmap *kmap = &ks->kmap;
	unsigned first = kmap->total, last = 0;
	uint32_t mine = (uint32_t)++kmap->nr_flushes;

	for (unsigned i = 0; i < kmap->total; i++) {
		if (kmap->slot[i].users != 1)
			continue;
		unhash(kmap, i);
		slots_clear(ks->table, entry_of(ks, i));
		kmap->slot[i] = (struct kmap_slot){ .users = KMAP_DOOMED, .frame = mine };
		first = first < i ? first : i;
		last = i;
	}
	kmap->nr_doomed += kmap->nr_stale;
	kmap->nr_stale = 0;
	leave(kmap, token);
	kspace_flush(ks, virt_of(kmap, first), virt_of(kmap, last + 1));
	token = enter(kmap);
	for (unsigned i = first; i <= last; i++) {
		if (kmap->slot[i].users == KMAP_DOOMED && kmap->slot[i].frame == mine) {
			kmap->slot[i].users = 0;
			kmap->nr_doomed--;
		}
	}
	return token;
}

/* The next empty window, going round; KMAP_NONE: all in use, or it is time to flush. Locks: K */
static unsigned find_empty(struct kmap *kmap, bool *flush)
{
	for (unsigned n = 0; n < kmap->total; n++) {
		unsigned i = kmap->at;

		if (!i && kmap->nr_stale && !*flush) {
			*flush = true;
			return KMAP_NONE;
		}
		kmap->at = i + 1 < kmap->total ? i + 1 : 0;
		if (!kmap->slot[i].users)
			return i;
	}
	*flush = false;
	return KMAP_NONE;
}

/* Locks: K */
static void open_window(struct kspace *ks, unsigned i, uint32_t frame)
{
	struct kmap *kmap = &ks->kmap;
	uint16_t *bucket = &kmap->bucket[bucket_of(frame)];
	uint64_t pfn = frames_pfn(&ks->q->frames, frame);

	kmap->slot[i] = (struct kmap_slot){ .users = 1, .frame = frame, .next = *bucket };
	*bucket = (uint16_t)i;
	kmap->nr_stale++;
	slots_set(ks->table, entry_of(ks, i), quire_pfn_phys(quire_pfn(pfn)), WINDOW_PTE);
}

/*
 * Get a window for a frame that has none. A processor with a window of kmap_local open can't
 * wait for others, so it can't flush.
 * Return: KMAP_NONE if all are taken. Locks: K, maybe dropped and taken again
 */
static unsigned new_window(struct kspace *ks, uint32_t frame, uintptr_t *token)
	LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	struct kmap *kmap = &ks->kmap;
	bool flush = kmap->stack[*token & 0xffff].depth != 0;
	bool may = !flush;
	unsigned i = KMAP_NONE;

	while (i == KMAP_NONE) {
		i = find_empty(kmap, &flush);
		if (i != KMAP_NONE) {
			open_window(ks, i, frame);
			return i;
		}
		if (!may || (!flush && !kmap->nr_doomed))
			return KMAP_NONE;
		if (flush) {
			*token = flush_stale(ks, *token);
		} else {
			/* Another processor is flushing: a moment's patience. */
			leave(kmap, *token);
			*token = enter(kmap);
		}
		/* The lock was dropped: somebody may have opened one for this frame. */
		i = find(kmap, frame);
	}
	return i;
}

/* A window for the frame with one user more. Return: as quire_kmap */
static int take_window(struct kspace *ks, uint32_t frame, quire_virt_t *out)
{
	struct kmap *kmap = &ks->kmap;
	uintptr_t token = enter(kmap);
	unsigned i = find(kmap, frame);
	int error = 0;

	if (i == KMAP_NONE)
		i = new_window(ks, frame, &token);
	if (i == KMAP_NONE) {
		error = -QUIRE_EAGAIN;
	} else if (kmap->slot[i].users >= UINT32_MAX / 2) {
		error = -QUIRE_EOVERFLOW;
	} else {
		bool first = kmap->slot[i].users++ == 1;

		kmap->nr_open += first;
		kmap->nr_stale -= first;
		out->v = virt_of(kmap, i);
	}
	leave(kmap, token);
	return error;
}

/* Has the frame an address in the direct map? */
static bool direct(const struct quire *q, uint32_t frame, quire_virt_t *out)
{
	uint64_t phys = frames_pfn(&q->frames, frame) << QUIRE_PAGE_SHIFT;

	if (q->config.lowmem_bytes && phys >= q->config.lowmem_bytes)
		return false;
	out->v = layout_page_offset(&q->config) + phys;
	return true;
}

quire_virt_t quire_page_address(struct quire *q, const struct quire_page *page)
{
	struct kspace *ks = kspace_of(q);
	quire_virt_t virt = { 0 };

	if (!frames_owns(&q->frames, page) || direct(q, frames_index(&q->frames, page), &virt) ||
	    !ks)
		return virt;
	uintptr_t token = enter(&ks->kmap);
	unsigned i = find(&ks->kmap, frames_index(&q->frames, page));

	if (i != KMAP_NONE && ks->kmap.slot[i].users > 1)
		virt.v = virt_of(&ks->kmap, i);
	leave(&ks->kmap, token);
	return virt;
}

int quire_kmap(struct quire *q, struct quire_page *page, quire_virt_t *out)
{
	struct kspace *ks = kspace_of(q);

	if (!ks)
		return -QUIRE_ENODEV;
	if (!frames_owns(&q->frames, page))
		return -QUIRE_EINVAL;
	uint32_t frame = frames_index(&q->frames, page);

	return direct(q, frame, out) ? 0 : take_window(ks, frame, out);
}

int quire_kunmap(struct quire *q, struct quire_page *page)
{
	struct kspace *ks = kspace_of(q);
	quire_virt_t virt;

	if (!ks)
		return -QUIRE_ENODEV;
	if (!frames_owns(&q->frames, page))
		return -QUIRE_EINVAL;
	uint32_t frame = frames_index(&q->frames, page);

	if (direct(q, frame, &virt))
		return 0;
	struct kmap *kmap = &ks->kmap;
	uintptr_t token = enter(kmap);
	unsigned i = find(kmap, frame);
	bool open = i != KMAP_NONE && kmap->slot[i].users > 1;

	if (open && --kmap->slot[i].users == 1) {
		kmap->nr_open--;
		kmap->nr_stale++;
	}
	leave(kmap, token);
	return open ? 0 : -QUIRE_EINVAL;
}

/* ---- Of one processor ------------------------------------------------------- */

/* Who has no window open may be moved to another processor, but to none where one is open. */
bool kmap_may_flush(const struct kspace *ks)
{
	if (!ks->kmap.stack)
		return true;
	uintptr_t token = quire_port_cpu_enter();
	bool may = !ks->kmap.stack[token & 0xffff].depth;

	quire_port_cpu_leave(token);
	return may;
}

static unsigned local_slot(unsigned cpu, unsigned i)
{
	return QUIRE_FIX_NR + cpu * QUIRE_KMAP_DEPTH + i;
}

/* A slot's address: slot 0 is the guard page, and they go down from there. */
static inline uint64_t slot_virt(const struct kspace *ks, unsigned slot)
{
	return ks->layout.fixaddr_top.v - ((uint64_t)slot << QUIRE_PAGE_SHIFT);
}

int quire_kmap_local(struct quire *q, struct quire_page *page, quire_virt_t *out)
{
	struct kspace *ks = kspace_of(q);

	if (!ks)
		return -QUIRE_ENODEV;
	if (!frames_owns(&q->frames, page))
		return -QUIRE_EINVAL;
	uint32_t frame = frames_index(&q->frames, page);

	if (direct(q, frame, out))
		return 0;
	uintptr_t token = quire_port_cpu_enter();
	unsigned cpu = token & 0xffff;
	struct kmap_stack *stack = &ks->kmap.stack[cpu];

	if (stack->depth == QUIRE_KMAP_DEPTH) {
		quire_port_cpu_leave(token);
		return -QUIRE_EAGAIN;
	}
	unsigned i = stack->depth++;

	stack->token[i] = token;
	slots_set(ks->table, stack->entry[i],
		  quire_pfn_phys(quire_pfn(frames_pfn(&q->frames, frame))), WINDOW_PTE);
	out->v = slot_virt(ks, local_slot(cpu, i));
	return 0;
}

static enum quire_kunmap pop(struct kspace *ks, struct kmap_stack *stack, unsigned i, uint64_t virt)
{
	if (i >= stack->depth)
		return QUIRE_KUNMAP_CLOSED;
	if (i + 1 < stack->depth)
		return QUIRE_KUNMAP_ORDER;
	slots_clear(ks->table, stack->entry[i]);
	kspace_flush_local(ks, virt);
	stack->depth--;
	return QUIRE_KUNMAP_OK;
}

enum quire_kunmap quire_kunmap_local(struct quire *q, quire_virt_t virt)
{
	struct kspace *ks = kspace_of(q);
	uint64_t page = virt.v & ~(uint64_t)(QUIRE_PAGE_SIZE - 1);
	quire_phys_t phys;

	if (!ks)
		return QUIRE_KUNMAP_FOREIGN;
	if (virt.v >= ks->layout.page_offset.v && virt.v < ks->layout.high_memory.v)
		return quire_virt_to_phys(q, virt, &phys) == QUIRE_DIRECT_OK ? QUIRE_KUNMAP_OK
									     : QUIRE_KUNMAP_FOREIGN;
	if (!ks->kmap.total || page < ks->layout.fixaddr_start.v ||
	    page > slot_virt(ks, QUIRE_FIX_NR))
		return QUIRE_KUNMAP_FOREIGN;
	uintptr_t token = quire_port_cpu_enter();
	unsigned cpu = token & 0xffff;
	unsigned slot = (unsigned)((slot_virt(ks, QUIRE_FIX_NR) - page) >> QUIRE_PAGE_SHIFT);
	enum quire_kunmap outcome = QUIRE_KUNMAP_CPU;
	uintptr_t opened = 0;

	if (slot / QUIRE_KMAP_DEPTH == cpu) {
		outcome = pop(ks, &ks->kmap.stack[cpu], slot % QUIRE_KMAP_DEPTH, page);
		opened = ks->kmap.stack[cpu].token[slot % QUIRE_KMAP_DEPTH];
	}
	quire_port_cpu_leave(token);
	if (outcome == QUIRE_KUNMAP_OK)
		quire_port_cpu_leave(opened);
	return outcome;
}

const char *quire_kunmap_name(enum quire_kunmap outcome)
{
	static const char *const names[] = {
		[QUIRE_KUNMAP_OK] = "ok",
		[QUIRE_KUNMAP_FOREIGN] = "no address of a window",
		[QUIRE_KUNMAP_CLOSED] = "window not open",
		[QUIRE_KUNMAP_ORDER] = "not the newest window",
		[QUIRE_KUNMAP_CPU] = "another processor's window",
	};

	return (unsigned)outcome <= QUIRE_KUNMAP_CPU ? names[outcome] : "?";
}

int quire_kmap_stat(struct quire *q, struct quire_kmap_stat *out)
{
	struct kspace *ks = kspace_of(q);

	*out = (struct quire_kmap_stat){ 0 };
	if (!ks)
		return -QUIRE_ENODEV;
	uintptr_t token = enter(&ks->kmap);

	out->total = ks->kmap.total;
	out->open = ks->kmap.nr_open;
	out->stale = ks->kmap.nr_stale;
	out->nr_flushes = ks->kmap.nr_flushes;
	leave(&ks->kmap, token);
	return 0;
}

/* ---- Setting up, checking ----------------------------------------------------- */

int kmap_setup(struct kspace *ks)
{
	struct kmap *kmap = &ks->kmap;
	unsigned cpus = ks->q->config.nr_cpus;
	uint64_t bytes = (uint64_t)ks->layout.nr_pkmap << QUIRE_PAGE_SHIFT;

	if (!ks->layout.nr_pkmap)
		return 0;
	kmap->base = ks->layout.pkmap_base.v;
	int error = slots_make(ks->table, ks->layout.pkmap_base, bytes);

	if (error)
		return error;
	void *host = ks->q->config.host;

	kmap->slot = quire_port_alloc(host, quire_phys(QUIRE_PORT_ANYWHERE),
				      ks->layout.nr_pkmap * sizeof(*kmap->slot));
	kmap->stack = quire_port_alloc(host, quire_phys(QUIRE_PORT_ANYWHERE),
				       cpus * sizeof(*kmap->stack));
	kmap->total = ks->layout.nr_pkmap;
	if (!kmap->slot || !kmap->stack)
		return -QUIRE_ENOMEM;
	kmap->entries = slots_find(ks->table, ks->layout.pkmap_base);
	for (unsigned b = 0; b < KMAP_BUCKETS; b++)
		kmap->bucket[b] = KMAP_NONE;
	for (unsigned cpu = 0; cpu < cpus; cpu++) {
		for (unsigned i = 0; i < QUIRE_KMAP_DEPTH; i++)
			kmap->stack[cpu].entry[i] = fixmap_entry(ks->q, local_slot(cpu, i));
	}
	return 0;
}

void kmap_end(struct kspace *ks)
{
	struct kmap *kmap = &ks->kmap;

	void *host = ks->q->config.host;

	quire_port_free(host, kmap->slot, kmap->total * sizeof(*kmap->slot));
	quire_port_free(host, kmap->stack, ks->q->config.nr_cpus * sizeof(*kmap->stack));
}

static bool broken(struct quire_violation *out, const char *rule, const char *text, uint64_t where)
{
	if (out)
		*out = (struct quire_violation){ rule, text, where };
	return false;
}

static bool slot_check(struct kspace *ks, unsigned i, struct quire_violation *out)
{
	const struct kmap_slot *slot = &ks->kmap.slot[i];
	quire_phys_t phys;
	bool mapped = slots_get(ks->table, entry_of(ks, i), &phys);

	if (mapped != (slot->users != 0))
		return broken(out, "KMAP-1", "a window is mapped unless it is empty", i);
	if (mapped && phys.v != frames_pfn(&ks->q->frames, slot->frame) << QUIRE_PAGE_SHIFT)
		return broken(out, "KMAP-1", "a window maps its frame", i);
	if (mapped && find(&ks->kmap, slot->frame) != i)
		return broken(out, "KMAP-2", "a frame has one window, and the hash finds it", i);
	return true;
}

bool kmap_check(struct kspace *ks, struct quire_violation *out)
{
	struct kmap *kmap = &ks->kmap;
	unsigned open = 0, stale = 0;
	quire_phys_t phys;

	for (unsigned i = 0; i < kmap->total; i++) {
		if (!slot_check(ks, i, out))
			return false;
		open += kmap->slot[i].users > 1;
		stale += kmap->slot[i].users == 1;
	}
	if (open != kmap->nr_open || stale != kmap->nr_stale)
		return broken(out, "KMAP-3", "open and closed windows are those counted", open);
	for (unsigned cpu = 0; kmap->total && cpu < ks->q->config.nr_cpus; cpu++) {
		const struct kmap_stack *stack = &kmap->stack[cpu];

		for (unsigned i = 0; i < QUIRE_KMAP_DEPTH; i++) {
			if (slots_get(ks->table, stack->entry[i], &phys) != (i < stack->depth))
				return broken(out, "KMAP-4",
					      "a processor's windows are its stack's", cpu);
		}
	}
	return true;
}

uint64_t kmap_hash(const struct kspace *ks, uint64_t hash)
{
	const struct kmap *kmap = &ks->kmap;
	quire_phys_t phys;

	hash = hash_word(hash_word(hash, kmap->at), kmap->nr_flushes);
	for (unsigned i = 0; i < kmap->total; i++) {
		if (kmap->slot[i].users)
			hash = hash_word(hash_word(hash_word(hash, i), kmap->slot[i].users),
					 frames_pfn(&ks->q->frames, kmap->slot[i].frame));
	}
	for (unsigned cpu = 0; kmap->total && cpu < ks->q->config.nr_cpus; cpu++) {
		hash = hash_word(hash, kmap->stack[cpu].depth);
		for (unsigned i = 0; i < kmap->stack[cpu].depth; i++) {
			slots_get(ks->table, kmap->stack[cpu].entry[i], &phys);
			hash = hash_word(hash, phys.v);
		}
	}
	return hash;
}
