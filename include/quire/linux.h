/* SPDX-License-Identifier: MIT */
/*
 * linux.h - Linux's names, for a kernel that has one machine
 *
 * Code that was written for Linux's memory management asks no one which machine it runs on. A
 * kernel defines quire_linux_machine, sets it once its machine is booted, and such code
 * compiles with this header. What a name does is what the function behind it does.
 *
 *   struct quire *quire_linux_machine;
 *
 * Addresses are pointers here, as they are where the processor walks Quire's own tables; a
 * 64-bit machine wants 64-bit pointers. In a process the direct map's are pointers, too (kmalloc,
 * page_address of lowmem); those of vmalloc, kmap of high memory and ioremap are numbers
 * there, for quire_read and quire_write.
 *
 * Frees report nothing here, as in Linux: what is wrong goes to the heap's report
 * (quire_slab_config), or is refused by the call that stands behind.
 */
#ifndef QUIRE_LINUX_H
#define QUIRE_LINUX_H

#include <quire/highmem.h>
#include <quire/layout.h>
#include <quire/page.h>
#include <quire/pgtable.h>
#include <quire/slab.h>
#include <quire/vmalloc.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The one machine; the kernel's to define and to set. */
extern struct quire *quire_linux_machine;

typedef quire_gfp_t gfp_t;
typedef uint64_t phys_addr_t;

struct page;       /* a struct quire_page */
struct kmem_cache; /* a struct quire_cache */

#define PAGE_SHIFT QUIRE_PAGE_SHIFT
#define PAGE_SIZE ((unsigned long)QUIRE_PAGE_SIZE)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(bytes) (((bytes) + PAGE_SIZE - 1) & PAGE_MASK)
#define MAX_ORDER (QUIRE_ORDER_MAX + 1) /* as up to Linux 6.3: one more than the largest */

#define GFP_KERNEL QUIRE_GFP_KERNEL
#define GFP_ATOMIC QUIRE_GFP_ATOMIC
#define GFP_NOWAIT QUIRE_GFP_NOWAIT
#define GFP_NOIO QUIRE_GFP_NOIO
#define GFP_NOFS QUIRE_GFP_NOFS
#define GFP_USER QUIRE_GFP_USER
#define GFP_DMA QUIRE_GFP_DMA
#define GFP_DMA32 QUIRE_GFP_DMA32
#define GFP_HIGHUSER QUIRE_GFP_HIGHUSER
#define GFP_HIGHUSER_MOVABLE QUIRE_GFP_HIGHUSER_MOVABLE
#define __GFP_DMA QUIRE_GFP_BIT_DMA
#define __GFP_DMA32 QUIRE_GFP_BIT_DMA32
#define __GFP_HIGHMEM QUIRE_GFP_BIT_HIGHMEM
#define __GFP_MOVABLE QUIRE_GFP_BIT_MOVABLE
#define __GFP_RECLAIMABLE QUIRE_GFP_BIT_RECLAIMABLE
#define __GFP_ZERO QUIRE_GFP_BIT_ZERO
#define __GFP_COMP QUIRE_GFP_BIT_COMP
#define __GFP_NOWARN QUIRE_GFP_BIT_NOWARN
#define __GFP_NORETRY QUIRE_GFP_BIT_NORETRY
#define __GFP_RETRY_MAYFAIL QUIRE_GFP_BIT_RETRY_MAYFAIL
#define __GFP_NOFAIL QUIRE_GFP_BIT_NOFAIL

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

/** quire_linux_frame - a frame by the library's name */
static inline struct quire_page *quire_linux_frame(const struct page *page)
{
	return (struct quire_page *)(uintptr_t)page;
}

/** quire_linux_page - a frame by Linux's name */
static inline struct page *quire_linux_page(struct quire_page *page)
{
	return (struct page *)page;
}

/** quire_linux_cache - a cache by the library's name */
static inline struct quire_cache *quire_linux_cache(struct kmem_cache *cache)
{
	return (struct quire_cache *)cache;
}

/* ---- Frames -------------------------------------------------------------------------- */

/** alloc_pages - quire_page_alloc */
static inline struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	return quire_linux_page(quire_page_alloc(quire_linux_machine, gfp, order));
}

/** alloc_page - a single frame */
static inline struct page *alloc_page(gfp_t gfp)
{
	return alloc_pages(gfp, 0);
}

/** __free_pages - quire_page_free */
static inline void __free_pages(struct page *page, unsigned int order)
{
	if (page)
		quire_page_free(quire_linux_machine, quire_linux_frame(page), order);
}

/** __free_page - free a single frame */
static inline void __free_page(struct page *page)
{
	__free_pages(page, 0);
}

/** alloc_pages_bulk_array - quire_page_alloc_bulk */
static inline unsigned long alloc_pages_bulk_array(gfp_t gfp, unsigned long nr, struct page **pages)
{
	return (unsigned long)quire_page_alloc_bulk(quire_linux_machine, gfp, nr,
						    (struct quire_page **)pages);
}

/** get_page - quire_page_get */
static inline void get_page(struct page *page)
{
	quire_page_get(quire_linux_machine, quire_linux_frame(page));
}

/** put_page - quire_page_put */
static inline void put_page(struct page *page)
{
	quire_page_put(quire_linux_machine, quire_linux_frame(page));
}

/** page_count - quire_page_count */
static inline int page_count(const struct page *page)
{
	return (int)quire_page_count(quire_linux_frame(page));
}

/** split_page - quire_page_split */
static inline void split_page(struct page *page, unsigned int order)
{
	(void)order; /* the frame knows it */
	quire_page_split(quire_linux_machine, quire_linux_frame(page));
}

/** page_private - quire_page_private */
static inline unsigned long page_private(const struct page *page)
{
	return (unsigned long)quire_page_private(quire_linux_frame(page));
}

/** set_page_private - quire_page_set_private */
static inline void set_page_private(struct page *page, unsigned long private_word)
{
	quire_page_set_private(quire_linux_frame(page), private_word);
}

/** compound_head - quire_page_head */
static inline struct page *compound_head(struct page *page)
{
	return quire_linux_page(quire_page_head(quire_linux_machine, quire_linux_frame(page)));
}

/** page_to_pfn - quire_page_pfn */
static inline unsigned long page_to_pfn(const struct page *page)
{
	return (unsigned long)quire_page_pfn(quire_linux_machine, quire_linux_frame(page)).v;
}

/** pfn_to_page - quire_pfn_page */
static inline struct page *pfn_to_page(unsigned long pfn)
{
	return quire_linux_page(quire_pfn_page(quire_linux_machine, quire_pfn(pfn)));
}

/** pfn_valid - is there a frame of that number? */
static inline bool pfn_valid(unsigned long pfn)
{
	return pfn_to_page(pfn) != NULL;
}

/** page_to_phys - the physical address of a frame */
static inline phys_addr_t page_to_phys(const struct page *page)
{
	return quire_pfn_phys(quire_page_pfn(quire_linux_machine, quire_linux_frame(page))).v;
}

/** nth_page - the @n-th frame after @page */
static inline struct page *nth_page(const struct page *page, unsigned long n)
{
	return pfn_to_page(page_to_pfn(page) + n);
}

/* ---- Addresses of the direct map: pointers on every host ------------------------------ */

/** phys_to_virt - the pointer to memory of the direct map; NULL outside of it */
static inline void *phys_to_virt(phys_addr_t phys)
{
	return quire_heap_pointer(quire_linux_machine, quire_phys(phys));
}

/** virt_to_phys - the physical address behind a pointer of the direct map */
static inline phys_addr_t virt_to_phys(const void *p)
{
	return quire_heap_phys(quire_linux_machine, p).v;
}

/** virt_to_page - the frame behind a pointer of the direct map */
static inline struct page *virt_to_page(const void *p)
{
	return pfn_to_page((unsigned long)(virt_to_phys(p) >> PAGE_SHIFT));
}

#define __va(phys) phys_to_virt(phys)
#define __pa(p) virt_to_phys((const void *)(uintptr_t)(p))

/** lowmem_page_address - the pointer to a frame of the direct map; NULL: it has none */
static inline void *lowmem_page_address(const struct page *page)
{
	return phys_to_virt(page_to_phys(page));
}

/** __get_free_pages - a block of lowmem by its address; 0: none */
static inline unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp & ~__GFP_HIGHMEM, order);

	return page ? (unsigned long)(uintptr_t)lowmem_page_address(page) : 0;
}

/** __get_free_page - a frame by its address; 0: none */
static inline unsigned long __get_free_page(gfp_t gfp)
{
	return __get_free_pages(gfp, 0);
}

/** get_zeroed_page - a frame of zeros by its address; 0: none */
static inline unsigned long get_zeroed_page(gfp_t gfp)
{
	return __get_free_pages(gfp | __GFP_ZERO, 0);
}

/** free_pages - free what __get_free_pages gave */
static inline void free_pages(unsigned long address, unsigned int order)
{
	if (address)
		__free_pages(virt_to_page((const void *)(uintptr_t)address), order);
}

/** free_page - free what __get_free_page gave */
static inline void free_page(unsigned long address)
{
	free_pages(address, 0);
}

/** alloc_pages_exact - exactly so many bytes of lowmem frames */
static inline void *alloc_pages_exact(size_t bytes, gfp_t gfp)
{
	struct quire_page *first = quire_page_alloc_exact(quire_linux_machine, gfp & ~__GFP_HIGHMEM,
							  bytes);

	return first ? lowmem_page_address(quire_linux_page(first)) : NULL;
}

/** free_pages_exact - quire_page_free_exact */
static inline void free_pages_exact(void *p, size_t bytes)
{
	quire_page_free_exact(quire_linux_machine, quire_linux_frame(virt_to_page(p)), bytes);
}

/* ---- The heap ---------------------------------------------------------------------- */

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

/** kmem_cache_create - a new cache. Return: NULL for a name or size that can't be, or no memory */
static inline struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
						   unsigned int align, uint32_t flags,
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

/* ---- The kernel's address space: pointers where the processor walks the tables --------- */

/** quire_linux_pointer - an address as a pointer; NULL after an error */
static inline void *quire_linux_pointer(int error, quire_virt_t virt)
{
	return error ? NULL : (void *)(uintptr_t)virt.v;
}

/** quire_linux_virt - a pointer as an address */
static inline quire_virt_t quire_linux_virt(const void *p)
{
	quire_virt_t virt;

	virt.v = (uintptr_t)p;
	return virt;
}

/** vmalloc - quire_vmalloc */
static inline void *vmalloc(unsigned long bytes)
{
	quire_virt_t virt = { 0 };
	int error = quire_vmalloc(quire_linux_machine, bytes, &virt);

	return quire_linux_pointer(error, virt);
}

/** vzalloc - quire_vzalloc */
static inline void *vzalloc(unsigned long bytes)
{
	quire_virt_t virt = { 0 };
	int error = quire_vzalloc(quire_linux_machine, bytes, &virt);

	return quire_linux_pointer(error, virt);
}

/** vmalloc_32 - quire_vmalloc_32 */
static inline void *vmalloc_32(unsigned long bytes)
{
	quire_virt_t virt = { 0 };
	int error = quire_vmalloc_32(quire_linux_machine, bytes, &virt);

	return quire_linux_pointer(error, virt);
}

/** kvmalloc - contiguous frames if they can be had, else vmalloc's */
static inline void *kvmalloc(size_t bytes, gfp_t gfp)
{
	quire_virt_t virt = { 0 };
	int error = quire_kvmalloc(quire_linux_machine, bytes, gfp, &virt);
	quire_phys_t phys;

	if (!error && quire_virt_to_phys(quire_linux_machine, virt, &phys) == QUIRE_DIRECT_OK)
		return phys_to_virt(phys.v);
	return quire_linux_pointer(error, virt);
}

/** kvzalloc - kvmalloc, filled with zeros */
static inline void *kvzalloc(size_t bytes, gfp_t gfp)
{
	return kvmalloc(bytes, gfp | __GFP_ZERO);
}

/** kvfree - quire_kvfree */
static inline void kvfree(const void *p)
{
	if (p && virt_to_phys(p) != UINT64_MAX)
		kfree(p);
	else if (p)
		quire_kvfree(quire_linux_machine, quire_linux_virt(p));
}

/** vfree - quire_vfree */
static inline void vfree(const void *p)
{
	if (p)
		quire_vfree(quire_linux_machine, quire_linux_virt(p));
}

/** vmalloc_to_page - quire_vmalloc_page */
static inline struct page *vmalloc_to_page(const void *p)
{
	return quire_linux_page(quire_vmalloc_page(quire_linux_machine, quire_linux_virt(p)));
}

#define VM_MAP 0x4ul /* vmap's flag in Linux; its areas are always that */
#define PAGE_KERNEL QUIRE_PTE_KERNEL

/** vmap - quire_vmap */
static inline void *vmap(struct page **pages, unsigned int nr, unsigned long flags,
			 quire_pte_t prot)
{
	quire_virt_t virt = { 0 };
	int error = quire_vmap(quire_linux_machine, (struct quire_page **)pages, nr, prot, &virt);

	(void)flags;
	return quire_linux_pointer(error, virt);
}

/** vunmap - quire_vunmap */
static inline void vunmap(const void *p)
{
	if (p)
		quire_vunmap(quire_linux_machine, quire_linux_virt(p));
}

/** ioremap - quire_ioremap */
static inline void *ioremap(phys_addr_t phys, unsigned long bytes)
{
	quire_virt_t virt = { 0 };
	int error = quire_ioremap(quire_linux_machine, quire_phys(phys), bytes, QUIRE_PTE_UC_MINUS,
				  &virt);

	return quire_linux_pointer(error, virt);
}

/** ioremap_wc - quire_ioremap */
static inline void *ioremap_wc(phys_addr_t phys, unsigned long bytes)
{
	quire_virt_t virt = { 0 };
	int error = quire_ioremap(quire_linux_machine, quire_phys(phys), bytes, QUIRE_PTE_WC,
				  &virt);

	return quire_linux_pointer(error, virt);
}

/** iounmap - quire_iounmap */
static inline void iounmap(const volatile void *p)
{
	quire_iounmap(quire_linux_machine, quire_linux_virt((const void *)(uintptr_t)p));
}

/** kmap - a window to a frame; NULL where Linux would wait for one */
static inline void *kmap(struct page *page)
{
	quire_virt_t virt = { 0 };

	if (lowmem_page_address(page))
		return lowmem_page_address(page);
	int error = quire_kmap(quire_linux_machine, quire_linux_frame(page), &virt);

	return quire_linux_pointer(error, virt);
}

/** kunmap - quire_kunmap */
static inline void kunmap(struct page *page)
{
	if (!lowmem_page_address(page))
		quire_kunmap(quire_linux_machine, quire_linux_frame(page));
}

/** kmap_local_page - quire_kmap_local */
static inline void *kmap_local_page(struct page *page)
{
	quire_virt_t virt = { 0 };

	if (lowmem_page_address(page))
		return lowmem_page_address(page);
	int error = quire_kmap_local(quire_linux_machine, quire_linux_frame(page), &virt);

	return quire_linux_pointer(error, virt);
}

/** kunmap_local - quire_kunmap_local */
static inline void kunmap_local(const void *p)
{
	if (virt_to_phys(p) == UINT64_MAX)
		quire_kunmap_local(quire_linux_machine, quire_linux_virt(p));
}

/** page_address - where a frame is now: in the direct map, in its kmap window; NULL: nowhere */
static inline void *page_address(const struct page *page)
{
	void *p = lowmem_page_address(page);

	return p ? p
		 : (void *)(uintptr_t)quire_page_address(quire_linux_machine,
							 quire_linux_frame(page))
			       .v;
}

#ifdef __cplusplus
}
#endif
#endif
