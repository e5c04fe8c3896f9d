/* SPDX-License-Identifier: MIT */
/*
 * linux_page.h - Linux's names (linux.h): flags, frames, and memory of the direct map
 */
#ifndef QUIRE_LINUX_PAGE_H
#define QUIRE_LINUX_PAGE_H

#include <quire/page.h>
#include <quire/slab.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The one machine; the kernel's to define and to set. */
extern struct quire *quire_linux_machine;

typedef quire_gfp_t gfp_t;
typedef uint64_t phys_addr_t;

struct page; /* a struct quire_page */

#define PAGE_SHIFT QUIRE_PAGE_SHIFT
#define PAGE_SIZE ((unsigned long)QUIRE_PAGE_SIZE)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(bytes) (((bytes) + PAGE_SIZE - 1) & PAGE_MASK)
#define PAGE_ALIGNED(p) (((uintptr_t)(p) & (PAGE_SIZE - 1)) == 0)
#define offset_in_page(p) ((unsigned long)((uintptr_t)(p) & (PAGE_SIZE - 1)))
#define PFN_UP(phys) (((phys) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PFN_DOWN(phys) ((phys) >> PAGE_SHIFT)
#define PFN_PHYS(pfn) ((phys_addr_t)(pfn) << PAGE_SHIFT)
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

/* ---- Frames -------------------------------------------------------------------------- */

/** get_order - the smallest order that has so many bytes, 1 at least */
static inline unsigned int get_order(unsigned long bytes)
{
	unsigned int order = 0;

	for (bytes = (bytes - 1) >> PAGE_SHIFT; bytes; bytes >>= 1)
		order++;
	return order;
}

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

/** compound_order - log2 of the frames of a block; 0 for a frame that does not begin one */
static inline unsigned int compound_order(const struct page *page)
{
	return quire_page_order(quire_linux_frame(page));
}

/** page_size - bytes of the block that a frame begins */
static inline unsigned long page_size(const struct page *page)
{
	return PAGE_SIZE << compound_order(page);
}

/** PageHighMem - is it a frame of high memory? */
static inline bool PageHighMem(const struct page *page)
{
	return quire_page_zone(quire_linux_machine, quire_linux_frame(page)) == QUIRE_ZONE_HIGHMEM;
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

/** virt_addr_valid - is it memory of the direct map? */
static inline bool virt_addr_valid(const void *p)
{
	return virt_to_phys(p) != UINT64_MAX && virt_to_page(p);
}

#define __va(phys) phys_to_virt(phys)
#define __pa(p) virt_to_phys((const void *)(uintptr_t)(p))

/** lowmem_page_address - the pointer to a frame of the direct map; NULL: it has none */
static inline void *lowmem_page_address(const struct page *page)
{
	return phys_to_virt(page_to_phys(page));
}

/** page_to_virt - the same */
static inline void *page_to_virt(const struct page *page)
{
	return lowmem_page_address(page);
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

/** __get_dma_pages - the same from ZONE_DMA */
static inline unsigned long __get_dma_pages(gfp_t gfp, unsigned int order)
{
	return __get_free_pages(gfp | GFP_DMA, order);
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

#ifdef __cplusplus
}
#endif
#endif
