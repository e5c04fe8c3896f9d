/* SPDX-License-Identifier: MIT */
/*
 * slab.h - slabs: records, lists, the paths that quire/slab.h leaves to others
 *
 * A plain cache has slabs that belong to one cpu each, and a slot for each cpu with what that
 * cpu allocates from. A checked cache (with a constructor or debug flags) has one slot that all
 * cpus share under its lock; there the inline paths find nothing and come here.
 */
#ifndef KMEM_SLAB_H
#define KMEM_SLAB_H

#include <quire/slab.h>

#include "core/lock.h"
#include "phys/machine.h"

#define SLAB_BUCKETS 4             /* lists of partial slabs, by how many objects are free */
#define SLAB_AWAY 16               /* objects of other cpus' slabs that a slot passes on at once */
#define SLAB_KEPT 32               /* objects of full slabs that a slot takes back onto its chain */
#define SLAB_KEPT_BYTES 16u        /* and their size at least: two words, on every host */
#define SLAB_LOOSE 0xffu           /* state of struct loose, which is no slab */
#define LOOSE_MOST 32u             /* objects of full slabs that a slot collects, */
#define LOOSE_BYTES 65536u         /* and bytes of them */
#define SLAB_ORDER_MAX 3           /* frames of a slab at most: 2^3 */
#define SLAB_SHARED 0xffffu        /* cpu of a checked cache's slab */
#define SLAB_ARMED 0x80000000u     /* more frees than a current slab can see */

/*
 * Records have the same place and size on hosts of all word sizes, so that the same calls
 * need the same frames.
 */
#define SLAB_BYTES 64u
#define SLOT_BYTES 256u
#define CACHE_BYTES QUIRE_HEAP_SLOTS_AT

/* Who called this function of the interface, as an address. WebAssembly's code has none. */
#if defined(__wasm__)
#define SLAB_CALLER ((uintptr_t)0)
#else
#define SLAB_CALLER ((uintptr_t)__builtin_return_address(0))
#endif

/** struct slab - one slab */
struct slab {
	struct quire_heap_slab hot; /* free, left, cpu, state, bucket */
	struct cache *cache;
	struct slab *next, *prev;   /* in the list of partial or empty slabs */
	uint32_t frame;             /* index of the first frame */
	uint32_t colour;            /* offset of the first object, bytes */
	uint32_t counted;           /* objects on hot.free when hot.left was last set */
	uint32_t armed;             /* what it was set to */
	uint32_t all_next, all_prev; /* frames of the slot's other slabs; FRAME_NONE: no more */
};

/**
 * struct loose - what a cpu freed to full slabs of a cache
 *
 * It is what the frames of a full slab name: to the inline functions it is their slab.
 */
struct loose {
	struct quire_heap_slab hot; /* free, left, cpu, state: SLAB_LOOSE */
	struct cache *cache;
};

/** struct slot - what a cpu, or for a checked cache everybody, has of a cache */
struct slot {
	struct quire_heap_slot hot;          /* free: objects of the current and of full slabs */
	struct slab *current;                /* allocated from; on no list */
	struct slab *partial[SLAB_BUCKETS];  /* bucket 0 has the fewest free objects */
	struct slab *empty;
	uint32_t all;                        /* frame of the newest slab of any state; FRAME_NONE */
	uint32_t nr_slabs;
	uint32_t colour;                     /* of the next slab, in steps */
	uint32_t kept;                       /* of full ones, since the chain was empty last */
	uint32_t loose_left;                 /* what loose.hot.left begins with */
	uint32_t nr_away;
	void *away[SLAB_AWAY - 1];              /* freed here, their slabs are other cpus' */
	_Atomic uint32_t asked;              /* somebody wants this slot shrunk */
	_Atomic uint32_t nr_returned;        /* changed under @lock */
	struct lock lock;                    /* of a plain cache: @returned; else all */
	void *returned;                      /* objects that other cpus freed */
	struct loose loose;                  /* if the cache's records lie in the slabs */
};

/** struct cache - a cache */
struct cache {
	struct quire_cache hot;   /* map, tag */
	struct quire *q;
	struct cache *next, *prev; /* on the chain */
	struct slot *slots;        /* nr_slots of them */
	void (*ctor)(void *object);
	uint64_t asked_bytes;      /* of live objects, with QUIRE_SLAB_ASKED (slots->lock) */
	uint64_t shuffle;          /* state of the generator (slots->lock) */
	uint32_t nr_bad;           /* objects put aside (slots->lock) */
	uint32_t bytes;            /* of this record and its slots */
	uint32_t object_bytes;
	uint32_t size;             /* from one object to the next */
	uint32_t align;
	uint32_t left;             /* checked: guard bytes before each object */
	uint32_t meta;             /* checked: offset of struct meta behind an object's start */
	uint32_t objects;          /* of a slab */
	uint32_t flags;
	uint32_t gfp;              /* added to each request for frames */
	uint32_t nr_slots;
	uint32_t colours;          /* different offsets of the first object */
	uint8_t order;
	uint8_t bucket_shift;      /* free objects >> this is the bucket */
	bool inside;               /* records lie in the slabs */
	bool closing;              /* being destroyed: reclaim leaves it alone (kmem->lock) */
	bool owned;                /* kmalloc's, or of the records: not to be destroyed */
	char name[32];
};

_Static_assert(offsetof(struct slab, cache) == offsetof(struct loose, cache), "slab_behind");
_Static_assert(sizeof(struct slab) <= SLAB_BYTES, "a slab's record has its place");
_Static_assert(sizeof(struct slot) <= SLOT_BYTES, "a slot has its place");
_Static_assert(sizeof(struct cache) <= CACHE_BYTES, "a cache's record has its place");

/** slot_at - the @i-th slot of a cache */
static inline struct slot *slot_at(const struct cache *cache, uint32_t i)
{
	return (struct slot *)((char *)cache->slots + (size_t)i * SLOT_BYTES);
}

/**
 * slab_behind - the slab that a frame names
 * @q:     the machine
 * @hot:   what it names: the slab, or its cpu's struct loose
 * @place: physical address of anything in the slab
 *
 * From what never changes while the slab lives, so that any cpu may ask.
 */
static inline struct slab *slab_behind(const struct quire *q, struct quire_heap_slab *hot,
				       uintptr_t place)
{
	const struct cache *cache = ((struct loose *)hot)->cache;
	uintptr_t bytes = (uintptr_t)QUIRE_PAGE_SIZE << cache->order;

	if (!cache->inside)
		return (struct slab *)hot;
	return (struct slab *)(void *)(q->direct + (place | (bytes - 1)) + 1 - SLAB_BYTES);
}

/** slab_at - the slab that begins at a frame. Return: NULL for FRAME_NONE */
static inline struct slab *slab_at(const struct quire *q, uint32_t frame)
{
	if (frame == FRAME_NONE)
		return NULL;
	const _Atomic uintptr_t *named = (_Atomic uintptr_t *)&q->frames.pages[frame].private;

	return slab_behind(q, (struct quire_heap_slab *)relaxed_load(named),
			   (uintptr_t)(frames_pfn(&q->frames, frame) << QUIRE_PAGE_SHIFT));
}

/** slab_slot - the slot that a slab belongs to */
static inline struct slot *slab_slot(const struct slab *slab)
{
	return slot_at(slab->cache, slab->hot.cpu == SLAB_SHARED ? 0 : slab->hot.cpu);
}

/** slab_named - what a slab's frames name: itself, or struct loose if it is full and ends them */
static inline const struct quire_heap_slab *slab_named(const struct slab *slab)
{
	const struct cache *cache = slab->cache;
	bool loose = slab->hot.state == QUIRE_SLAB_FULL && cache->inside && !cache->hot.checked;

	return loose ? &slab_slot(slab)->loose.hot : &slab->hot;
}

/** slab_free_count - objects on a slab's own list */
static inline uint32_t slab_free_count(const struct slab *slab)
{
	return slab->counted + slab->armed - slab->hot.left;
}

/** slab_base - where a slab's frames can be touched */
static inline char *slab_base(const struct slab *slab)
{
	const struct quire *q = slab->cache->q;

	return (char *)q->direct + (uintptr_t)(frames_pfn(&q->frames, slab->frame)
					       << QUIRE_PAGE_SHIFT);
}

/** slab_object - the start of a slab's @i-th object */
static inline char *slab_object(const struct slab *slab, uint32_t i)
{
	return slab_base(slab) + slab->colour + slab->cache->left + (size_t)i * slab->cache->size;
}

/** slab_index - which object of its slab @p is. Return: cache->objects if none starts there */
uint32_t slab_index(const struct slab *slab, const void *p);

/** slab_link - the place of a free object's pointer to the next one */
static inline quire_heap_link_t *slab_link(const struct cache *cache, void *object)
{
	return (quire_heap_link_t *)((char *)object + cache->meta);
}

/**
 * slab_layout - decide a cache's slabs from size, align and left
 * @cache: filled in: order, objects, inside, colours, bucket_shift
 *
 * The smallest block that wastes no more than a thirty-second, else the one that wastes least.
 * Small objects begin with four frames unless the machine is small.
 *
 * Return: false if not even one object fits the largest slab
 */
bool slab_layout(struct cache *cache);

/**
 * slab_create - a new slab, all objects free, on no list yet
 * @cache: of which
 * @gfp:   QUIRE_GFP_… of the request that needs it
 *
 * Return:  NULL if no frames can be had
 * Locks:   none held, not in quire_port_cpu_enter: it may wait
 */
struct slab *slab_create(struct cache *cache, quire_gfp_t gfp);

/**
 * slab_adopt - make a new slab one of a slot's: colour, owner, frames
 * @slot: the slot, used by nobody else meanwhile
 * @slab: from slab_create; still on no list
 * @cpu:  whose it is, or SLAB_SHARED
 */
void slab_adopt(struct slot *slot, struct slab *slab, unsigned cpu);

/** slab_chain - put all objects of a new slab on its own chain, beginning at @start by @step */
void slab_chain(struct slab *slab, uint32_t start, uint32_t step);

/** slab_chain_plain - the same for a plain cache, in order of address */
void slab_chain_plain(struct slab *slab);

/** slab_name - let a slab's frames name what they should, now that it is full, or is no more */
void slab_name(struct slab *slab);

/** slab_forget - a slab without live objects is no longer one of its slot's. On no list by now */
void slab_forget(struct slab *slab);

/** slab_destroy - give a forgotten slab back. Return: its frames */
uint32_t slab_destroy(struct slab *slab);

/** slot_take - an object for a plain cache's slot whose chain is empty. NULL: none. On its cpu */
void *slot_take(struct slot *slot, struct quire *q);

/**
 * slab_free_here - free an object to its slab, by whoever may use the slab's slot
 * @slab: its slab, plain
 * @p:    the object; one that is seen to be free already stays as it is
 */
void slab_free_here(struct slab *slab, void *p);

/**
 * slot_settle - bring a slot of a plain cache to rest: nothing current, nothing away
 * @slot:  the slot
 * @q:     its machine
 * @alone: nobody else uses the machine: away objects go straight to their slabs
 *
 * All its empty slabs are given back.
 *
 * Context: on the slot's cpu, or alone
 */
void slot_settle(struct slot *slot, struct quire *q, bool alone);

/**
 * slab_free_plain - free an object of a plain cache from any cpu
 * @slab: its slab
 * @p:    the object
 *
 * Return:  OK; DOUBLE if it is among what this cpu may look at: its own slabs' free objects, or
 *          those that it collects for others
 * Context: takes slot->lock of others
 */
enum quire_kfree slab_free_plain(struct slab *slab, void *p);

/** slab_seen_free - does this cpu see that an object of a plain cache is free? false: maybe not */
bool slab_seen_free(const struct slab *slab, const void *p);

/** slab_of - the slab whose frames hold @p. Return: NULL if none does */
struct slab *slab_of(struct quire *q, const void *p);

/** cache_alloc - allocate for @caller; @bytes 0: the object's size. Not on a cpu */
void *cache_alloc(struct cache *cache, size_t bytes, quire_gfp_t gfp, uintptr_t caller);

/**
 * heap_free - free anything of the heap, in full
 * @q:      the machine
 * @cache:  that it must be of; NULL: any, large blocks too
 * @p:      the pointer
 * @caller: who asks for it
 */
enum quire_kfree heap_free(struct quire *q, struct cache *cache, const void *p, uintptr_t caller);

#endif
