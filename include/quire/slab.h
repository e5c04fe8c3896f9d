/* SPDX-License-Identifier: MIT */
/*
 * slab.h - the kernel heap: caches of objects, and kmalloc on top of them
 *
 * A cache has objects of one size. They lie in slabs, blocks of frames of the direct map, so an
 * object is a plain pointer and physically contiguous. Each processor has slabs of its
 * own: what it allocates and frees there takes no lock and no atomic operation.
 *
 *   quire_slab_boot      set the heap up                     needs zones and quire_port_direct
 *   quire_cache_*        caches of one's own
 *   quire_kmalloc …      by size
 *   quire_shrinker_*     who else has memory to give back
 *
 * The short paths of allocation and free are inline functions: what they save is most of
 * what they cost (bench/README.md).
 */
#ifndef QUIRE_SLAB_H
#define QUIRE_SLAB_H

#include <quire/page.h>
#include <quire/port.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Flags of a cache: Linux's names and values. */
#define QUIRE_SLAB_CONSISTENCY 0x100u       /* F: each free is checked in full */
#define QUIRE_SLAB_RED_ZONE 0x400u          /* Z: guard bytes around each object */
#define QUIRE_SLAB_POISON 0x800u            /* P: free objects are filled and looked at */
#define QUIRE_SLAB_HWCACHE_ALIGN 0x2000u    /* objects start at a cache line, if not too small */
#define QUIRE_SLAB_CACHE_DMA 0x4000u        /* from ZONE_DMA */
#define QUIRE_SLAB_CACHE_DMA32 0x8000u      /* from below 4 GB */
#define QUIRE_SLAB_STORE_USER 0x10000u      /* U: who allocated and freed it last */
#define QUIRE_SLAB_RECLAIM_ACCOUNT 0x20000u /* from pageblocks of type Reclaimable */
#define QUIRE_SLAB_ASKED 0x1000000u         /* count the bytes asked for (not Linux's) */
#define QUIRE_SLAB_SHUFFLE 0x2000000u       /* the order of free objects is shuffled */
#define QUIRE_SLAB_DEBUG                                                                   \
	(QUIRE_SLAB_CONSISTENCY | QUIRE_SLAB_RED_ZONE | QUIRE_SLAB_POISON |                \
	 QUIRE_SLAB_STORE_USER | QUIRE_SLAB_ASKED | QUIRE_SLAB_SHUFFLE)
#define QUIRE_SLAB_FLAGS                                                                   \
	(QUIRE_SLAB_DEBUG | QUIRE_SLAB_HWCACHE_ALIGN | QUIRE_SLAB_CACHE_DMA |              \
	 QUIRE_SLAB_CACHE_DMA32 | QUIRE_SLAB_RECLAIM_ACCOUNT)

/** The largest request that kmalloc meets from a cache; larger ones are whole frames. */
#define QUIRE_KMALLOC_CACHE_MAX 8192u
/** The largest request of all: a block of order QUIRE_ORDER_MAX. */
#define QUIRE_KMALLOC_MAX ((size_t)QUIRE_PAGE_SIZE << QUIRE_ORDER_MAX)
/** What a request for no bytes gets: not NULL, not to be touched, free to be freed. */
#define QUIRE_ZERO_SIZE_PTR ((void *)16)

struct quire_cache;

/** What became of a free. Anything but QUIRE_KFREE_OK changed nothing. */
enum quire_kfree {
	QUIRE_KFREE_OK,
	QUIRE_KFREE_FOREIGN, /* not from this heap */
	QUIRE_KFREE_INSIDE,  /* not the start of an object or block */
	QUIRE_KFREE_DOUBLE,  /* it is free already */
	QUIRE_KFREE_CACHE,   /* another cache's object */
	QUIRE_KFREE_OVERRUN, /* guard bytes were written: the object stays allocated */
	/* These are found elsewhere, and only reported: */
	QUIRE_KFREE_WRITTEN, /* a free object was written to: it is put aside */
	QUIRE_KFREE_LIVE,    /* still allocated when its cache or machine went */
	QUIRE_NR_KFREE
};

/** quire_kfree_name - "ok", "foreign pointer", "double free" … */
const char *quire_kfree_name(enum quire_kfree what);

/** struct quire_slab_finding - wrong use of an object, named */
struct quire_slab_finding {
	enum quire_kfree what;
	const char *cache;      /* name of the object's cache; NULL: it has none */
	const void *object;     /* its start, or the pointer as it was given */
	uint64_t offset;        /* from there to the first wrong byte, or the pointer */
	uintptr_t caller;       /* who did it, or noticed; 0: nobody calls */
	uintptr_t alloc_caller; /* with QUIRE_SLAB_STORE_USER: who allocated it last; else 0 */
	uintptr_t free_caller;  /* likewise, freed */
};

/** struct quire_slab_config - how the heap is set up; all zero is as shipped */
struct quire_slab_config {
	uint32_t debug;          /* of QUIRE_SLAB_DEBUG, for all caches or those in @only */
	const char *only;        /* names, "kmalloc-64,dma-*"; NULL: all. Kept: must stay valid */
	uint64_t seed;           /* of QUIRE_SLAB_SHUFFLE */
	/* Told of each finding, without locks; or NULL */
	void (*report)(void *ctx, const struct quire_slab_finding *finding);
	void *ctx;
};

/**
 * quire_slab_boot - set the heap up
 * @q:      a machine with zones
 * @config: copied; NULL: all zero
 *
 * Return: 0; -QUIRE_ENODEV before quire_boot_zones; -QUIRE_EBUSY when called twice;
 *         -QUIRE_EOPNOTSUPP if the port can't touch memory; -QUIRE_EINVAL for flags that
 *         are none; -QUIRE_ENOMEM
 */
int quire_slab_boot(struct quire *q, const struct quire_slab_config *config);

/** struct quire_cache_args - what a cache's objects are */
struct quire_cache_args {
	const char *name;          /* copied, up to 31 bytes; unique, no blanks */
	size_t size;               /* bytes, 1 .. QUIRE_KMALLOC_CACHE_MAX */
	size_t align;              /* of the physical address: power of two up to 8192; 0: 8 */
	uint32_t flags;            /* QUIRE_SLAB_… */
	void (*ctor)(void *object); /* prepares each object of a new slab; or NULL */
};

/**
 * quire_cache_create - a new cache, without slabs
 * @q:    a machine with a heap
 * @args: copied
 * @out:  the cache
 *
 * Return: 0; -QUIRE_EINVAL for arguments out of range; -QUIRE_EEXIST for a name that is there;
 *         -QUIRE_ENODEV before quire_slab_boot; -QUIRE_ENOMEM
 */
int quire_cache_create(struct quire *q, const struct quire_cache_args *args,
		       struct quire_cache **out);

/**
 * quire_cache_destroy - end a cache and give its slabs back
 * @cache: from quire_cache_create, or NULL
 *
 * Objects that were put aside (QUIRE_KFREE_WRITTEN) go with it: they have been reported.
 *
 * Return:  0; -QUIRE_EBUSY if there are live objects, each of which was reported
 *          (QUIRE_KFREE_LIVE): nothing has changed; -QUIRE_EINVAL for one of kmalloc's
 * Context: nobody else uses the cache meanwhile
 */
int quire_cache_destroy(struct quire_cache *cache);

/**
 * quire_cache_shrink - give back the frames that a cache does not need
 * @cache: the cache
 *
 * This cpu's now; each other cpu does it when it next has to leave its short paths.
 *
 * Return: frames given back now
 */
uint64_t quire_cache_shrink(struct quire_cache *cache);

/**
 * quire_slab_drain - give back all frames without live objects, of all caches and cpus
 *
 * Return:  how many
 * Context: nobody else may use the machine meanwhile
 */
uint64_t quire_slab_drain(struct quire *q);

/** quire_cache_alloc_track - quire_cache_alloc for @caller, as QUIRE_SLAB_STORE_USER notes it */
void *quire_cache_alloc_track(struct quire_cache *cache, quire_gfp_t gfp, uintptr_t caller);

/** quire_cache_free_track - quire_cache_free by @caller */
enum quire_kfree quire_cache_free_track(struct quire_cache *cache, const void *object,
					uintptr_t caller);

/**
 * quire_cache_alloc_bulk - allocate many objects at once, all or none
 * @cache:   the cache
 * @gfp:     QUIRE_GFP_…
 * @nr:      how many
 * @objects: filled in
 *
 * Return: 0; -QUIRE_ENOMEM, then none was allocated
 */
int quire_cache_alloc_bulk(struct quire_cache *cache, quire_gfp_t gfp, size_t nr, void **objects);

/**
 * quire_cache_free_bulk - free many objects at once
 * @cache:   the cache
 * @nr:      how many
 * @objects: them
 * @done:    how many were freed; may be NULL
 *
 * Return: QUIRE_KFREE_OK, or what was wrong with objects[*done], where it stopped
 */
enum quire_kfree quire_cache_free_bulk(struct quire_cache *cache, size_t nr, void *const *objects,
				       size_t *done);

/** quire_kmalloc_track - quire_kmalloc for @caller; any size and flags */
void *quire_kmalloc_track(struct quire *q, size_t bytes, quire_gfp_t gfp, uintptr_t caller);

/** quire_kfree_track - quire_kfree by @caller */
enum quire_kfree quire_kfree_track(struct quire *q, const void *p, uintptr_t caller);

/**
 * quire_kfree_judge - is an object of a plain cache free, on whichever cpu?
 * @q:      the machine
 * @p:      any pointer
 * @caller: who asks, for the report
 *
 * Frees nothing. A plain cache sees a double free at once, or among its own cpu's free objects;
 * this one walks those of all cpus. Everything else that can be wrong with a pointer a free sees.
 *
 * Return:  QUIRE_KFREE_DOUBLE, reported; else QUIRE_KFREE_OK
 * Context: nobody else may use the machine meanwhile
 */
enum quire_kfree quire_kfree_judge(struct quire *q, const void *p, uintptr_t caller);

/** quire_kzalloc - quire_kmalloc, filled with zeros */
void *quire_kzalloc(struct quire *q, size_t bytes, quire_gfp_t gfp);

/** quire_kcalloc - an array of zeros. Return: NULL also if @nr * @bytes is no number of bytes */
void *quire_kcalloc(struct quire *q, size_t nr, size_t bytes, quire_gfp_t gfp);

/**
 * quire_krealloc - change an allocation's size
 * @q:     the machine
 * @p:     from quire_kmalloc; NULL: as quire_kmalloc
 * @bytes: new size; 0: frees it and gives QUIRE_ZERO_SIZE_PTR
 * @gfp:   of the new memory
 *
 * Stays in place while it fits; with QUIRE_GFP_ZERO what is new is zero if all of @p was.
 *
 * Return: the memory; NULL if there is none, or @p is wrong (reported): @p is as it was
 */
void *quire_krealloc(struct quire *q, const void *p, size_t bytes, quire_gfp_t gfp);

/** quire_ksize - bytes that may be used at @p, at least those asked for; 0: not an allocation */
size_t quire_ksize(struct quire *q, const void *p);

/** quire_heap_phys - the physical address of heap memory. Return: UINT64_MAX outside of it */
quire_phys_t quire_heap_phys(const struct quire *q, const void *p);

/**
 * quire_heap_pointer - the pointer to memory of the direct map
 * @q:    a machine with a heap
 * @phys: any address
 *
 * Return: NULL outside of the direct map, and before quire_slab_boot
 */
void *quire_heap_pointer(const struct quire *q, quire_phys_t phys);

/** struct quire_shrinker - somebody who holds memory that can be given back */
struct quire_shrinker {
	/* How many objects could go. */
	uint64_t (*count)(void *ctx, quire_gfp_t gfp);
	/* Free up to @nr objects. Return: how many went; 0 ends the round. */
	uint64_t (*scan)(void *ctx, quire_gfp_t gfp, uint64_t nr);
	void *ctx;
};

/**
 * quire_shrinker_add - register a shrinker
 *
 * Asked when a request that can wait finds no frames, without locks, before the pressure hook of
 * quire_set_pressure.
 *
 * Return: 0; -QUIRE_ENOSPC beyond 32 of them; -QUIRE_EINVAL without functions; -QUIRE_ENODEV
 *         before quire_slab_boot
 */
int quire_shrinker_add(struct quire *q, const struct quire_shrinker *shrinker);

/** quire_shrinker_remove - take it off. Return: 0; -QUIRE_ENOENT; -QUIRE_EBUSY while it is asked */
int quire_shrinker_remove(struct quire *q, const struct quire_shrinker *shrinker);

/** struct quire_cache_info - a cache, counted */
struct quire_cache_info {
	const char *name;
	uint32_t flags;
	uint32_t object_bytes;   /* as asked for at creation */
	uint32_t size;           /* from one object to the next */
	uint32_t align;
	uint32_t objects;        /* of a slab */
	uint32_t pages;          /* of a slab */
	uint32_t limit;          /* objects that a cpu collects for other cpus; 0: does not */
	bool record_inside;      /* the slab's record lies in the slab */
	uint64_t active_objects; /* allocated */
	uint64_t bad_objects;    /* put aside after QUIRE_KFREE_WRITTEN, until the cache ends */
	uint64_t nr_objects;     /* all of all slabs */
	uint64_t nr_slabs;
	uint64_t full;           /* slabs without, */
	uint64_t partial;        /* with some, */
	uint64_t empty;          /* with nothing but free objects */
	uint64_t away;           /* objects on their way to the cpu that has the slab */
	uint64_t asked_bytes;    /* with QUIRE_SLAB_ASKED: of all that is allocated; else 0 */
};

/** quire_cache_next - the caches, oldest first. @cache: NULL begins. Return: NULL after the last */
struct quire_cache *quire_cache_next(struct quire *q, const struct quire_cache *cache);

/** quire_cache_find - the cache of that name. Return: NULL if there is none */
struct quire_cache *quire_cache_find(struct quire *q, const char *name);

/** quire_cache_info - count a cache. Context: nobody else may use it meanwhile; walks all slabs */
void quire_cache_info(const struct quire_cache *cache, struct quire_cache_info *out);

/** What an object of a slab is. */
enum quire_object {
	QUIRE_OBJECT_FREE,
	QUIRE_OBJECT_CPU,  /* free, on its cpu's chain */
	QUIRE_OBJECT_AWAY, /* free, on its way to its cpu */
	QUIRE_OBJECT_LIVE,
	QUIRE_OBJECT_BAD,  /* put aside: it was written to while it was free */
};

/** Where a slab is. */
enum quire_slab_state { QUIRE_SLAB_EMPTY, QUIRE_SLAB_PARTIAL, QUIRE_SLAB_FULL, QUIRE_SLAB_CURRENT };

/* Objects of a slab at most: four frames of 8 bytes each. */
#define QUIRE_SLAB_OBJECTS_MAX 2048u

/** struct quire_slab_info - one slab */
struct quire_slab_info {
	quire_pfn_t pfn;             /* first frame */
	enum quire_slab_state state;
	int cpu;                     /* whose it is; -1: everybody's */
	uint32_t live;               /* objects allocated */
	uint32_t colour;             /* offset of the first object, bytes */
};

/**
 * quire_slab_info - look at one slab of a cache
 * @cache:   the cache
 * @i:       0, 1, 2 …: full ones, partial ones, empty ones, cpu by cpu
 * @out:     the slab
 * @objects: what each object is, enum quire_object; room for QUIRE_SLAB_OBJECTS_MAX; may be NULL
 *
 * Return:  true while there is an i-th slab
 * Context: as quire_cache_info
 */
bool quire_slab_info(const struct quire_cache *cache, size_t i, struct quire_slab_info *out,
		     uint8_t *objects);

/* ---- What the inline functions need; not for others. -------------------------------- */

#define QUIRE_HEAP_CLASSES 42

#if defined(__GNUC__) || defined(__clang__)
#define QUIRE_HEAP_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define QUIRE_HEAP_CONSTANT(x) __builtin_constant_p(x)
#define QUIRE_HEAP_ALIAS __attribute__((may_alias))
#define QUIRE_HEAP_RELAXED(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#else
#define QUIRE_HEAP_UNLIKELY(x) (x)
#define QUIRE_HEAP_CONSTANT(x) 0
#define QUIRE_HEAP_ALIAS
#define QUIRE_HEAP_RELAXED(p) (*(p))
#endif

/** A free object's first bytes: the next one. */
typedef void *QUIRE_HEAP_ALIAS quire_heap_link_t;

/** struct quire_heap_slab - the beginning of a slab's record */
struct quire_heap_slab {
	void *free;    /* objects freed to it */
	uint32_t left; /* frees until it has to move to another list */
	uint16_t cpu;  /* whose it is */
	uint8_t state; /* enum quire_slab_state */
	uint8_t bucket; /* of a partial slab */
};

/** struct quire_heap_slot - what a cpu has of a cache */
struct quire_heap_slot {
	void *free; /* objects to allocate next */
};

/** struct quire_heap_frame - a frame's record (struct quire_page) */
struct quire_heap_frame {
	uint32_t word;
	uint32_t owner; /* enum quire_owner; of a slab's frame | its cache's number << 8 */
	union {
		struct quire_heap_slab *slab; /* its cpu may exchange it for another of its own */
		uint64_t pad;
	} of;
};

/** struct quire_heap_map - from a pointer to its frame's record */
struct quire_heap_map {
	uintptr_t direct;          /* contents of physical address 0 */
	uintptr_t bytes;           /* how far it reaches; 0: there is no heap */
	const uintptr_t *sections; /* by 4 MB: its frames' records */
};

/** struct quire_cache - the beginning of a cache */
struct quire_cache {
	struct quire_heap_map map;
	uint32_t tag;     /* its frames' owner; 0: there is no heap yet */
	uint32_t checked; /* it has a constructor or debug flags */
};

/* From there on a cache has a pointer to each cpu's slot. */
#define QUIRE_HEAP_SLOTS_AT 256u

/** struct quire_heap - the beginning of a machine */
struct quire_heap {
	struct quire_heap_map map;
	struct quire_cache *kmalloc[QUIRE_HEAP_CLASSES];
	uint8_t class_of[QUIRE_KMALLOC_CACHE_MAX / 8]; /* by (bytes - 1) / 8 */
};

/** quire_cache_alloc_slow - the rest of quire_cache_alloc. @bytes asked for. Ends the stay */
void *quire_cache_alloc_slow(uintptr_t token, struct quire_cache *cache, size_t bytes,
			     quire_gfp_t gfp);

/** quire_cache_free_slow - the rest of quire_cache_free */
enum quire_kfree quire_cache_free_slow(struct quire_cache *cache, const void *object);

/** quire_kmalloc_slow - quire_kmalloc of any size and flags */
void *quire_kmalloc_slow(struct quire *q, size_t bytes, quire_gfp_t gfp);

/** quire_kfree_slow - the rest of quire_kfree */
enum quire_kfree quire_kfree_slow(struct quire *q, const void *p);

/**
 * quire_slab_event - a slab has seen as many frees as change where it belongs. Ends the stay
 *
 * Return: QUIRE_KFREE_OK; QUIRE_KFREE_DOUBLE, not reported: the newest object on its chain was
 *         free already, and is off it again
 */
enum quire_kfree quire_slab_event(uintptr_t token, struct quire_heap_slab *slab);

/**
 * quire_heap_class - the class of kmalloc for that many bytes, 1 .. QUIRE_KMALLOC_CACHE_MAX
 *
 * From 1 KB on the sizes are those that fill a block of frames. For a constant it folds away.
 */
static inline unsigned quire_heap_class(size_t bytes)
{
	return (unsigned)(bytes <= 8      ? 0
			  : bytes <= 128  ? (bytes + 15) / 16
			  : bytes <= 256  ? 8 + (bytes - 128 + 31) / 32
			  : bytes <= 512  ? 12 + (bytes - 256 + 63) / 64
			  : bytes <= 1024 ? 16 + (bytes - 512 + 127) / 128
			  : bytes <= 2048 ? 21u + (bytes > 1152) + (bytes > 1248) + (bytes > 1344) +
						    (bytes > 1472) + (bytes > 1616) +
						    (bytes > 1808) + (bytes > 2016)
			  : bytes <= 4096 ? 29u + (bytes > 2176) + (bytes > 2320) + (bytes > 2512) +
						    (bytes > 2704) + (bytes > 2960) +
						    (bytes > 3264) + (bytes > 3632) + (bytes > 4032)
					  : 38u + (bytes > 4672) + (bytes > 5440) + (bytes > 6528));
}

/** quire_heap_find - the record of a pointer's frame. Return: false outside of the direct map */
static inline bool quire_heap_find(const struct quire_heap_map *map, const void *p,
				   const struct quire_heap_frame **out)
{
	uintptr_t offset = (uintptr_t)p - map->direct;

	if (QUIRE_HEAP_UNLIKELY(offset >= map->bytes))
		return false;
	*out = (const struct quire_heap_frame *)(map->sections[offset >> 22] +
						 (offset >> 8 & 0x3ff0));
	return true;
}

/** quire_heap_slot - a cpu's slot of a cache */
static inline struct quire_heap_slot *quire_heap_slot(struct quire_cache *cache, uintptr_t token)
{
	return *(struct quire_heap_slot **)(void *)((char *)cache + QUIRE_HEAP_SLOTS_AT +
						    (token & 0xffff) * sizeof(void *));
}

/** quire_heap_pop - take this cpu's next free object. Return: NULL, still on the cpu, if none */
static inline void *quire_heap_pop(struct quire_cache *cache, uintptr_t token)
{
	struct quire_heap_slot *slot = quire_heap_slot(cache, token);
	void *object = slot->free;

	if (QUIRE_HEAP_UNLIKELY(!object))
		return 0;
	slot->free = *(quire_heap_link_t *)object;
	quire_port_cpu_leave(token);
	return object;
}

/** quire_heap_push - free an object to its slab. Return: false: nothing was done, not so simple */
static inline bool quire_heap_push(struct quire_heap_slab *slab, const void *p)
{
	uintptr_t token = quire_port_cpu_enter();

	if (QUIRE_HEAP_UNLIKELY(slab->cpu != (uint16_t)token) ||
	    QUIRE_HEAP_UNLIKELY(slab->free == p)) {
		quire_port_cpu_leave(token);
		return false;
	}
	*(quire_heap_link_t *)(uintptr_t)p = slab->free;
	slab->free = (void *)(uintptr_t)p;
	if (QUIRE_HEAP_UNLIKELY(--slab->left == 0))
		return quire_slab_event(token, slab) == QUIRE_KFREE_OK;
	quire_port_cpu_leave(token);
	return true;
}

/* ---- Allocation and free ------------------------------------------------------------- */

/**
 * quire_cache_alloc - allocate an object
 * @cache: the cache
 * @gfp:   QUIRE_GFP_… without zones; QUIRE_GFP_ZERO fills it with zeros
 *
 * Return:  the object; NULL if no frames can be had
 * Context: any; never sleeps without QUIRE_GFP_BIT_DIRECT
 */
static inline void *quire_cache_alloc(struct quire_cache *cache, quire_gfp_t gfp)
{
	uintptr_t token = quire_port_cpu_enter();
	void *object;

	if (!(gfp & QUIRE_GFP_ZERO)) {
		object = quire_heap_pop(cache, token);
		if (!QUIRE_HEAP_UNLIKELY(!object))
			return object;
	}
	return quire_cache_alloc_slow(token, cache, 0, gfp);
}

/**
 * quire_cache_free - free an object
 * @cache:  the cache that it came from
 * @object: it, or NULL
 *
 * Return: QUIRE_KFREE_OK, or what was wrong: then nothing has changed. What a plain cache does
 *         not notice at once, one with debug flags does
 */
static inline enum quire_kfree quire_cache_free(struct quire_cache *cache, const void *object)
{
	const struct quire_heap_frame *frame;

	if (QUIRE_HEAP_UNLIKELY(!quire_heap_find(&cache->map, object, &frame)) ||
	    QUIRE_HEAP_UNLIKELY(frame->owner != cache->tag) ||
	    QUIRE_HEAP_UNLIKELY(!quire_heap_push(QUIRE_HEAP_RELAXED(&frame->of.slab), object)))
		return quire_cache_free_slow(cache, object);
	return QUIRE_KFREE_OK;
}

/**
 * quire_kmalloc - allocate memory by size
 * @q:     a machine with a heap
 * @bytes: 0 .. QUIRE_KMALLOC_MAX
 * @gfp:   QUIRE_GFP_…; QUIRE_GFP_DMA and QUIRE_GFP_BIT_RECLAIMABLE choose another family of
 *          caches
 *
 * Physically contiguous; the physical address is aligned to 8, and to the size if that is a power
 * of two. The pointer is aligned as much if the host's direct map is.
 *
 * Return:  the memory; QUIRE_ZERO_SIZE_PTR for 0 bytes; NULL if there is none, or for flags and
 *          sizes out of range
 * Context: as quire_cache_alloc
 */
static inline void *quire_kmalloc(struct quire *q, size_t bytes, quire_gfp_t gfp)
{
	if (QUIRE_HEAP_CONSTANT(gfp) && gfp == QUIRE_GFP_KERNEL &&
	    !QUIRE_HEAP_UNLIKELY(bytes - 1 >= QUIRE_KMALLOC_CACHE_MAX)) {
		struct quire_heap *heap = (struct quire_heap *)(void *)q;
		unsigned which = QUIRE_HEAP_CONSTANT(bytes) ? quire_heap_class(bytes)
							    : heap->class_of[(bytes - 1) / 8];
		struct quire_cache *cache = heap->kmalloc[which];
		uintptr_t token = quire_port_cpu_enter();
		void *object = quire_heap_pop(cache, token);

		if (!QUIRE_HEAP_UNLIKELY(!object))
			return object;
		return quire_cache_alloc_slow(token, cache, bytes, gfp);
	}
	return quire_kmalloc_slow(q, bytes, gfp);
}

/**
 * quire_kfree - free what quire_kmalloc or quire_cache_alloc gave
 * @q: the machine
 * @p: it; NULL and QUIRE_ZERO_SIZE_PTR are nothing to free
 *
 * Return: as quire_cache_free
 */
static inline enum quire_kfree quire_kfree(struct quire *q, const void *p)
{
	const struct quire_heap *heap = (const struct quire_heap *)(const void *)q;
	const struct quire_heap_frame *frame;

	if (QUIRE_HEAP_UNLIKELY(!quire_heap_find(&heap->map, p, &frame)) ||
	    QUIRE_HEAP_UNLIKELY((frame->owner & 0xff) != QUIRE_OWNER_SLAB) ||
	    QUIRE_HEAP_UNLIKELY(!quire_heap_push(QUIRE_HEAP_RELAXED(&frame->of.slab), p)))
		return quire_kfree_slow(q, p);
	return QUIRE_KFREE_OK;
}

#ifdef __cplusplus
}
#endif
#endif
