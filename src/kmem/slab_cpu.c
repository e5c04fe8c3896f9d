/* SPDX-License-Identifier: MIT */
/*
 * slab_cpu.c - plain caches: what a cpu does with its own slabs, and with other cpus'
 *
 *        kmalloc                                        kfree
 *           ^                                             │
 *        slot->free <── current slab <── partial <── slab->free     this cpu's slab
 *           ├───────────── all of them ──────────── slot->loose     this cpu's full slab,
 *           └────────────── the first one ───────── slab->free      one with its record elsewhere
 *                                                         │
 *                  the owner's slot->returned <── slot->away        another cpu's
 *
 * Nobody but its cpu touches a slab or a slot, so nothing here is locked or atomic, but for the
 * chain of returned objects. An object of another cpu's slab is kept until there are SLAB_AWAY of
 * them, or handed out again from here.
 *
 * A double free in a row is seen, at no cost where nothing is wrong: the object is the newest of
 * its slab's chain or of the loose ones (quire/slab.h), of the cpu's (event), or among those away;
 * or all of its slab is free.
 */
#include "kmem/slab.h"

#include "core/assert.h"
#include "core/string.h"
#include "kmem/kmem.h"
#include "kmem/slab_checked.h"
#include "kmem/slab_list.h"

/* Zone and mobility are the cache's. */
#define CACHE_GFP                                                            \
	(QUIRE_GFP_BITS &                                                    \
	 ~(QUIRE_GFP_BIT_DMA | QUIRE_GFP_BIT_HIGHMEM | QUIRE_GFP_BIT_DMA32 | \
	   QUIRE_GFP_BIT_MOVABLE | QUIRE_GFP_BIT_RECLAIMABLE | QUIRE_GFP_BIT_COMP))

static struct kmem_cpu *cpu_of(const struct slab *slab)
{
	return &kmem_of(slab->cache->q)->cpu[slab->hot.cpu];
}

static struct slot *slot_of(const struct cache *cache, uintptr_t token)
{
	return slot_at(cache, (uint32_t)(token & 0xffff));
}

/* One empty slab more or less. Another cpu's, too, when its cache is destroyed. */
static inline void count_empty(struct slab *slab, int sign)
{
	uint32_t frames = 1u << slab->cache->order;

	atomic_fetch_add_explicit(&cpu_of(slab)->empty_frames, sign < 0 ? 0 - frames : frames,
				  memory_order_relaxed);
}

/* Put a slab on its list; an empty one only while its cpu may keep more. */
static void rest(struct slab *slab, uint32_t free)
{
	uint32_t frames = 1u << slab->cache->order;
	struct kmem_cpu *cpu = cpu_of(slab);

	if (free < slab->cache->objects) {
		slab_link_in(slab, free);
		return;
	}
	if (relaxed_load(&cpu->empty_frames) + frames > kmem_of(slab->cache->q)->empty_most) {
		slab->counted = free;
		slab->armed = slab->hot.left = 0;
		slab_forget(slab);
		slab_destroy(slab);
		return;
	}
	slab_link_in(slab, free);
	count_empty(slab, 1);
}

/* A slab on its list has seen as many frees as change that. */
static COLD void move(struct slab *slab)
{
	ASSERT("SLAB-1", slab->hot.state != QUIRE_SLAB_CURRENT);
	ASSERT("SLAB-1", slab->hot.state != QUIRE_SLAB_EMPTY);
	slab_unlink(slab);
	rest(slab, slab_free_count(slab));
}

void slab_free_here(struct slab *slab, void *p)
{
	/* Two cpus freed it, and only now that is seen. */
	if (unlikely(slab->hot.state == QUIRE_SLAB_EMPTY) || unlikely(slab->hot.free == p))
		return;
	*(quire_heap_link_t *)p = slab->hot.free;
	slab->hot.free = p;
	if (--slab->hot.left == 0)
		move(slab);
}

/*
 * The first object that comes back to a full slab whose record lies elsewhere goes to the cpu's
 * chain, and the slab stays full. Such an object has its link twice: when it is freed again at
 * once, the first has been overwritten before that is seen.
 */
static inline bool keep(struct slot *slot, struct slab *slab)
{
	quire_heap_link_t *object = slab->hot.free;
	void *next = slot->hot.free;

	if (unlikely(slot->kept == SLAB_KEPT) || unlikely(next == (void *)object) ||
	    unlikely(slab->cache->size < SLAB_KEPT_BYTES))
		return false;
	slot->kept++;
	object[0] = next;
	slab->hot.free = NULL;
	slab->hot.left = 1;
	object[1] = next;
	slot->hot.free = object;
	return true;
}

/* The rest of quire_slab_event. What was free already leaves everything as it was. */
static COLD enum quire_kfree event(uintptr_t token, struct slab *slab)
{
	const struct slot *slot = slot_of(slab->cache, token);
	quire_heap_link_t *object = slab->hot.free;
	enum quire_kfree outcome = QUIRE_KFREE_DOUBLE;

	if (slab->hot.state == QUIRE_SLAB_FULL && slot->hot.free == (void *)object) {
		object[0] = object[1];
		slab->hot.free = NULL;
		slab->hot.left = 1;
	} else if (slab->hot.state == QUIRE_SLAB_EMPTY) {
		/* All objects were free; which was where on the chain is lost. */
		slab_chain_plain(slab);
		slab->hot.left = 1;
	} else {
		move(slab);
		outcome = QUIRE_KFREE_OK;
	}
	quire_port_cpu_leave(token);
	return outcome;
}

/* There are enough loose objects: the newest one makes its slab a partial one. */
static COLD enum quire_kfree loose_event(uintptr_t token, struct loose *loose)
{
	void *object = loose->hot.free;

	loose->hot.free = *(quire_heap_link_t *)object;
	loose->hot.left = 1;
	slab_free_here(slab_of(loose->cache->q, object), object);
	quire_port_cpu_leave(token);
	return QUIRE_KFREE_OK;
}

enum quire_kfree quire_slab_event(uintptr_t token, struct quire_heap_slab *hot)
{
	struct slab *slab = (struct slab *)hot;

	if (hot->state == SLAB_LOOSE)
		return loose_event(token, (struct loose *)hot);
	if (unlikely(hot->state != QUIRE_SLAB_FULL) || !keep(slot_of(slab->cache, token), slab))
		return event(token, slab);
	quire_port_cpu_leave(token);
	return QUIRE_KFREE_OK;
}

/* Free what other cpus have returned. */
static void collect(struct slot *slot, struct quire *q)
{
	lock_take(&slot->lock);
	void *p = slot->returned;
	uint32_t nr = relaxed_load(&slot->nr_returned);

	slot->returned = NULL;
	relaxed_store(&slot->nr_returned, 0);
	lock_drop(&slot->lock);
	while (p && nr--) {
		void *next = *(quire_heap_link_t *)p;

		slab_free_here(slab_of(q, p), p);
		p = next;
	}
}

/* Return a slot's away objects to the cpus that have their slabs. */
static void send(struct slot *slot, struct quire *q)
{
	while (slot->nr_away) {
		void *p = slot->away[--slot->nr_away];
		struct slot *to = slab_slot(slab_of(q, p));

		lock_take(&to->lock);
		*(quire_heap_link_t *)p = to->returned;
		to->returned = p;
		relaxed_store(&to->nr_returned, relaxed_load(&to->nr_returned) + 1);
		lock_drop(&to->lock);
	}
}

/* Take over the loose objects. Return: the newest one */
static inline void *loose_take(struct slot *slot)
{
	quire_heap_link_t *object = slot->loose.hot.free;

	slot->hot.free = *object;
	slot->loose.hot.free = NULL;
	slot->loose.hot.left = slot->loose_left;
	return object;
}

/* Allocate from what was freed to the current slab. Return: the first of it */
static inline void *current_take(struct slot *slot, struct slab *slab)
{
	void *object = slab->hot.free;

	slot->hot.free = *(quire_heap_link_t *)object;
	slab->hot.free = NULL;
	slab->armed = slab->hot.left = SLAB_ARMED;
	return object;
}

void *slot_take(struct slot *slot, struct quire *q)
{
	struct slab *slab = slot->current;

	slot->kept = 0;
	if (unlikely(relaxed_load(&slot->nr_returned)))
		collect(slot, q);
	if (slab) {
		if (slab->hot.free)
			return current_take(slot, slab);
		slot->current = NULL;
		slab_link_in(slab, 0);
	}
	slab = slab_fullest(slot);
	if (!slab)
		return slot->nr_away ? slot->away[--slot->nr_away] : NULL;
	if (slab->hot.state == QUIRE_SLAB_EMPTY)
		count_empty(slab, -1);
	slot->current = slab;
	slab->hot.state = QUIRE_SLAB_CURRENT;
	slab->counted = 0;
	return current_take(slot, slab);
}

/* The next free object, from whichever slab. */
static void *pop(struct slot *slot, struct quire *q)
{
	void *object = slot->hot.free;

	if (!object)
		return slot->loose.hot.free ? loose_take(slot) : slot_take(slot, q);
	slot->hot.free = *(quire_heap_link_t *)object;
	return object;
}

void slot_settle(struct slot *slot, struct quire *q, bool alone)
{
	struct slab *slab = slot->current;

	relaxed_store(&slot->asked, 0);
	if (relaxed_load(&slot->nr_returned))
		collect(slot, q);
	while (alone && slot->nr_away) {
		void *p = slot->away[--slot->nr_away];

		slab_free_here(slab_of(q, p), p);
	}
	send(slot, q);
	while (slot->loose.hot.free) {
		void *object = slot->loose.hot.free;

		slot->loose.hot.free = *(quire_heap_link_t *)object;
		slab_free_here(slab_of(q, object), object);
	}
	slot->loose.hot.left = slot->loose_left;
	while (slot->hot.free) {
		void *object = slot->hot.free;

		slot->hot.free = *(quire_heap_link_t *)object;
		slab_free_here(slab_of(q, object), object);
	}
	slot->current = NULL;
	if (slab)
		rest(slab, slab_free_count(slab));
	while ((slab = slot->empty)) {
		slab_unlink(slab);
		count_empty(slab, -1);
		slab_forget(slab);
		slab_destroy(slab);
	}
}

/* An object from a new slab. */
static void *grow(struct cache *cache, quire_gfp_t gfp)
{
	struct slab *slab = slab_create(cache, gfp);

	if (!slab)
		return NULL;
	uintptr_t token = quire_port_cpu_enter();
	struct slot *slot = slot_of(cache, token);

	slab_adopt(slot, slab, (unsigned)(token & 0xffff));
	slab_chain_plain(slab);
	slab_link_in(slab, cache->objects);
	count_empty(slab, 1);
	void *object = pop(slot, cache->q);
	quire_port_cpu_leave(token);
	return object;
}

void *cache_alloc(struct cache *cache, size_t bytes, quire_gfp_t gfp, uintptr_t caller)
{
	gfp &= CACHE_GFP;
	if (cache->hot.checked)
		return checked_alloc(cache, bytes ? bytes : cache->object_bytes, gfp, caller);

	uintptr_t token = quire_port_cpu_enter();
	struct slot *slot = slot_of(cache, token);

	if (unlikely(relaxed_load(&slot->asked)))
		slot_settle(slot, cache->q, false);
	void *object = pop(slot, cache->q);
	quire_port_cpu_leave(token);
	if (unlikely(!object))
		object = grow(cache, gfp);
	if (object && (gfp & QUIRE_GFP_ZERO))
		memset(object, 0, cache->object_bytes);
	return object;
}

void *quire_cache_alloc_slow(uintptr_t token, struct quire_cache *hot, size_t bytes,
			     quire_gfp_t gfp)
{
	struct cache *cache = (struct cache *)hot;

	if (likely(!hot->checked) && likely(!(gfp & QUIRE_GFP_ZERO))) {
		struct slot *slot = slot_of(cache, token);
		void *object = NULL;

		if (likely(!relaxed_load(&slot->asked)))
			object = slot->loose.hot.free ? loose_take(slot)
						      : slot_take(slot, cache->q);
		if (likely(object != NULL)) {
			quire_port_cpu_leave(token);
			return object;
		}
	}
	quire_port_cpu_leave(token);
	if (unlikely(!hot->tag)) /* no heap yet */
		return NULL;
	return cache_alloc(cache, bytes, gfp, SLAB_CALLER);
}

/* Is @p among the first @most of the chain that begins at @object? */
static bool on_chain(const void *object, const void *p, uint64_t most)
{
	for (; object && object != p; object = *(const quire_heap_link_t *)object) {
		if (!most--)
			return false;
	}
	return object != NULL;
}

/* Can this cpu see that an object is free? */
static WITHIN bool seen_free(const struct slab *slab, const struct slot *slot, bool own,
			     const void *p)
{
	uint64_t most = (uint64_t)slot->nr_slabs * slab->cache->objects;

	if (own)
		return on_chain(slab->hot.free, p, slab->cache->objects) ||
		       on_chain(slot->hot.free, p, most) ||
		       on_chain(slot->loose.hot.free, p, most);
	for (uint32_t i = 0; i < slot->nr_away; i++) {
		if (slot->away[i] == p)
			return true;
	}
	return false;
}

bool slab_seen_free(const struct slab *slab, const void *p)
{
	if (slab->cache->hot.checked)
		return false;
	uintptr_t token = quire_port_cpu_enter();
	bool own = slab->hot.cpu == (token & 0xffff);
	bool seen = seen_free(slab, slot_of(slab->cache, token), own, p);

	quire_port_cpu_leave(token);
	return seen;
}

enum quire_kfree slab_free_plain(struct slab *slab, void *p)
{
	struct cache *cache = slab->cache;
	uintptr_t token = quire_port_cpu_enter();
	struct slot *slot = slot_of(cache, token);
	bool own = slab->hot.cpu == (token & 0xffff);

	if (seen_free(slab, slot, own, p)) {
		quire_port_cpu_leave(token);
		return QUIRE_KFREE_DOUBLE;
	}
	/* First, so that what is freed now stays where a second free of it looks. */
	if (unlikely(relaxed_load(&slot->asked)))
		slot_settle(slot, cache->q, false);
	if (own) {
		slab_free_here(slab, p);
	} else {
		/* The others go; the newest stays, so that a second free of it is seen. */
		if (slot->nr_away == SLAB_AWAY - 1)
			send(slot, cache->q);
		slot->away[slot->nr_away++] = p;
	}
	quire_port_cpu_leave(token);
	return QUIRE_KFREE_OK;
}
