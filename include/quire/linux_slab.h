/* SPDX-License-Identifier: MIT */
/*
 * linux_slab.h - Linux's names (linux.h): kmalloc, caches, shrinkers
 */
#ifndef QUIRE_LINUX_SLAB_H
#define QUIRE_LINUX_SLAB_H

#include <quire/linux_page.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint32_t slab_flags_t;

struct kmem_cache; /* a struct quire_cache */

#define SLAB_CONSISTENCY_CHECKS QUIRE_SLAB_CONSISTENCY
#define SLAB_RED_ZONE QUIRE_SLAB_RED_ZONE
#define SLAB_POISON QUIRE_SLAB_POISON
#define SLAB_STORE_USER QUIRE_SLAB_STORE_USER
#define SLAB_HWCACHE_ALIGN QUIRE_SLAB_HWCACHE_ALIGN
#define SLAB_CACHE_DMA QUIRE_SLAB_CACHE_DMA
#define SLAB_CACHE_DMA32 QUIRE_SLAB_CACHE_DMA32
#define SLAB_RECLAIM_ACCOUNT QUIRE_SLAB_RECLAIM_ACCOUNT
#define KMALLOC_MAX_CACHE_SIZE QUIRE_KMALLOC_CACHE_MAX
#define KMALLOC_MAX_SIZE QUIRE_KMALLOC_MAX
#define ZERO_SIZE_PTR QUIRE_ZERO_SIZE_PTR

/** quire_linux_cache - a cache by the library's name */
static inline struct quire_cache *quire_linux_cache(struct kmem_cache *cache)
{
	return (struct quire_cache *)cache;
}

/** kmalloc - quire_kmalloc */
static inline void *kmalloc(size_t bytes, gfp_t gfp)
{
	return quire_kmalloc(quire_linux_machine, bytes, gfp);
}

/** kzalloc - quire_kzalloc */
static inline void *kzalloc(size_t bytes, gfp_t gfp)
{
	return quire_kzalloc(quire_linux_machine, bytes, gfp);
}

/** kcalloc - quire_kcalloc */
static inline void *kcalloc(size_t nr, size_t bytes, gfp_t gfp)
{
	return quire_kcalloc(quire_linux_machine, nr, bytes, gfp);
}

/** kmalloc_array - an array; NULL, too, if its size is no number of bytes */
static inline void *kmalloc_array(size_t nr, size_t bytes, gfp_t gfp)
{
	return bytes && nr > SIZE_MAX / bytes ? NULL : kmalloc(nr * bytes, gfp);
}

/** krealloc - quire_krealloc */
static inline void *krealloc(const void *p, size_t bytes, gfp_t gfp)
{
	return quire_krealloc(quire_linux_machine, p, bytes, gfp);
}

/** krealloc_array - the same for an array; NULL, too, if its size is no number of bytes */
static inline void *krealloc_array(const void *p, size_t nr, size_t bytes, gfp_t gfp)
{
	return bytes && nr > SIZE_MAX / bytes ? NULL : krealloc(p, nr * bytes, gfp);
}

/** ksize - quire_ksize */
static inline size_t ksize(const void *p)
{
	return quire_ksize(quire_linux_machine, p);
}

/** kfree - quire_kfree */
static inline void kfree(const void *p)
{
	quire_kfree(quire_linux_machine, p);
}

/** kfree_sensitive - kfree, after all of it has been overwritten */
static inline void kfree_sensitive(const void *p)
{
	volatile unsigned char *bytes = (volatile unsigned char *)(uintptr_t)p;

	for (size_t i = 0, nr = p ? ksize(p) : 0; i < nr; i++)
		bytes[i] = 0;
	kfree(p);
}

/** kmemdup - a copy of @bytes bytes */
static inline void *kmemdup(const void *from, size_t bytes, gfp_t gfp)
{
	unsigned char *to = (unsigned char *)kmalloc(bytes, gfp);

	for (size_t i = 0; to && i < bytes; i++)
		to[i] = ((const unsigned char *)from)[i];
	return to;
}

/** kmemdup_nul - a copy of @bytes bytes and a zero behind it */
static inline char *kmemdup_nul(const char *from, size_t bytes, gfp_t gfp)
{
	char *to = bytes < SIZE_MAX ? (char *)kmalloc(bytes + 1, gfp) : NULL;

	for (size_t i = 0; to && i < bytes; i++)
		to[i] = from[i];
	if (to)
		to[bytes] = 0;
	return to;
}

/** kstrndup - a copy of a string, of its first @most characters; NULL of NULL */
static inline char *kstrndup(const char *from, size_t most, gfp_t gfp)
{
	size_t length = 0;

	while (from && length < most && from[length])
		length++;
	return from ? kmemdup_nul(from, length, gfp) : NULL;
}

/** kstrdup - a copy of a string; NULL of NULL */
static inline char *kstrdup(const char *from, gfp_t gfp)
{
	return kstrndup(from, SIZE_MAX - 1, gfp);
}

/** kmem_cache_create - a new cache. Return: NULL for a name or size that can't be, or no memory */
static inline struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
						   unsigned int align, slab_flags_t flags,
						   void (*ctor)(void *object))
{
	struct quire_cache_args args;
	struct quire_cache *cache;

	args.name = name;
	args.size = size;
	args.align = align;
	args.flags = flags;
	args.ctor = ctor;
	return quire_cache_create(quire_linux_machine, &args, &cache) ? NULL
								      : (struct kmem_cache *)cache;
}

#define KMEM_CACHE(type, flags) \
	kmem_cache_create(#type, sizeof(struct type), _Alignof(struct type), (flags), NULL)

/** kmem_cache_destroy - quire_cache_destroy */
static inline void kmem_cache_destroy(struct kmem_cache *cache)
{
	quire_cache_destroy(quire_linux_cache(cache));
}

/** kmem_cache_alloc - quire_cache_alloc */
static inline void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	return quire_cache_alloc(quire_linux_cache(cache), gfp);
}

/** kmem_cache_zalloc - quire_cache_alloc */
static inline void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp)
{
	return quire_cache_alloc(quire_linux_cache(cache), gfp | __GFP_ZERO);
}

/** kmem_cache_free - quire_cache_free */
static inline void kmem_cache_free(struct kmem_cache *cache, void *object)
{
	quire_cache_free(quire_linux_cache(cache), object);
}

/** kmem_cache_size - bytes of an object, as asked for at creation. Counts the cache's objects */
static inline unsigned int kmem_cache_size(struct kmem_cache *cache)
{
	struct quire_cache_info info;

	quire_cache_info(quire_linux_cache(cache), &info);
	return info.object_bytes;
}

/** kmem_cache_alloc_bulk - all or none. Return: @nr or 0 */
static inline int kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t nr,
					void **objects)
{
	return quire_cache_alloc_bulk(quire_linux_cache(cache), gfp, nr, objects) ? 0 : (int)nr;
}

/** kmem_cache_free_bulk - quire_cache_free_bulk */
static inline void kmem_cache_free_bulk(struct kmem_cache *cache, size_t nr, void **objects)
{
	quire_cache_free_bulk(quire_linux_cache(cache), nr, objects, NULL);
}

/** kmem_cache_shrink - give empty slabs back. Return: 0 */
static inline int kmem_cache_shrink(struct kmem_cache *cache)
{
	quire_cache_shrink(quire_linux_cache(cache));
	return 0;
}

/** kfree_bulk - free many at once */
static inline void kfree_bulk(size_t nr, void **objects)
{
	for (size_t i = 0; i < nr; i++)
		kfree(objects[i]);
}

/* ---- Shrinkers, with the calls of Linux 6.0 to 6.6 ----------------------------------------- */

#define DEFAULT_SEEKS 2
#define SHRINK_STOP (~0ul)
#define SHRINK_EMPTY (~0ul - 1)

/** struct shrink_control - what a shrinker is asked for */
struct shrink_control {
	gfp_t gfp_mask;
	int nid; /* 0: there is one node */
	unsigned long nr_to_scan;
	unsigned long nr_scanned;
};

/** struct shrinker - two functions, and room for quire_shrinker_add's */
struct shrinker {
	unsigned long (*count_objects)(struct shrinker *shrinker, struct shrink_control *sc);
	unsigned long (*scan_objects)(struct shrinker *shrinker, struct shrink_control *sc);
	long batch;     /* these three are Linux's own: all shrinkers are asked alike here */
	int seeks;
	unsigned flags;
	struct quire_shrinker quire;
};

/** quire_linux_count - quire_shrinker.count of a struct shrinker */
static inline uint64_t quire_linux_count(void *ctx, quire_gfp_t gfp)
{
	struct shrinker *shrinker = (struct shrinker *)ctx;
	struct shrink_control sc = { gfp, 0, 0, 0 };
	unsigned long nr = shrinker->count_objects(shrinker, &sc);

	return nr == SHRINK_EMPTY ? 0 : nr;
}

/** quire_linux_scan - quire_shrinker.scan of a struct shrinker */
static inline uint64_t quire_linux_scan(void *ctx, quire_gfp_t gfp, uint64_t nr)
{
	struct shrinker *shrinker = (struct shrinker *)ctx;
	struct shrink_control sc = { gfp, 0, nr < SHRINK_EMPTY ? (unsigned long)nr : SHRINK_EMPTY,
				     0 };

	sc.nr_scanned = sc.nr_to_scan;
	unsigned long freed = shrinker->scan_objects(shrinker, &sc);

	return freed == SHRINK_STOP ? 0 : freed;
}

/** register_shrinker - quire_shrinker_add; the name is for Linux's debugfs. Return: 0; negative */
static inline int register_shrinker(struct shrinker *shrinker, const char *format, ...)
{
	(void)format;
	shrinker->quire.count = quire_linux_count;
	shrinker->quire.scan = quire_linux_scan;
	shrinker->quire.ctx = shrinker;
	return quire_shrinker_add(quire_linux_machine, &shrinker->quire);
}

/** unregister_shrinker - quire_shrinker_remove, once nobody asks it any more */
static inline void unregister_shrinker(struct shrinker *shrinker)
{
	while (shrinker->quire.scan &&
	       quire_shrinker_remove(quire_linux_machine, &shrinker->quire) == -QUIRE_EBUSY)
		;
	shrinker->quire.scan = NULL;
}

#ifdef __cplusplus
}
#endif
#endif
