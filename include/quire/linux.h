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
 * linux_page.h has the names of frames, linux_slab.h those of the heap; the address space is here.
 *
 * Frees report nothing here, as in Linux: what is wrong goes to the heap's report
 * (quire_slab_config), or is refused by the call that stands behind.
 */
#ifndef QUIRE_LINUX_H
#define QUIRE_LINUX_H

#include <quire/highmem.h>
#include <quire/layout.h>
#include <quire/linux_page.h>
#include <quire/linux_slab.h>
#include <quire/pgtable.h>
#include <quire/vmalloc.h>

#ifdef __cplusplus
extern "C" {
#endif
typedef quire_pte_t pgprot_t;

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

/** __vmalloc - quire_vmalloc_gfp */
static inline void *__vmalloc(unsigned long bytes, gfp_t gfp)
{
	quire_virt_t virt = { 0 };
	int error = quire_vmalloc_gfp(quire_linux_machine, bytes, gfp, &virt);

	return quire_linux_pointer(error, virt);
}

/** vmalloc_huge - quire_vmalloc_huge */
static inline void *vmalloc_huge(unsigned long bytes, gfp_t gfp)
{
	quire_virt_t virt = { 0 };
	int error = quire_vmalloc_huge(quire_linux_machine, bytes, gfp, &virt);

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

/** kvmalloc_array - an array; NULL, too, if its size is no number of bytes */
static inline void *kvmalloc_array(size_t nr, size_t bytes, gfp_t gfp)
{
	return bytes && nr > SIZE_MAX / bytes ? NULL : kvmalloc(nr * bytes, gfp);
}

/** kvcalloc - kvmalloc_array, filled with zeros */
static inline void *kvcalloc(size_t nr, size_t bytes, gfp_t gfp)
{
	return kvmalloc_array(nr, bytes, gfp | __GFP_ZERO);
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

/** vmalloc_to_pfn - the number of that frame; there must be one */
static inline unsigned long vmalloc_to_pfn(const void *p)
{
	return page_to_pfn(vmalloc_to_page(p));
}

/** is_vmalloc_addr - is it an address of vmalloc, vmap or ioremap? */
static inline bool is_vmalloc_addr(const void *p)
{
	struct quire_layout layout;

	/* In a process the direct map may lie anywhere, as seen by the machine. */
	return virt_to_phys(p) == UINT64_MAX && !quire_layout(quire_linux_machine, &layout) &&
	       (uintptr_t)p >= layout.vmalloc_start.v && (uintptr_t)p < layout.vmalloc_end.v;
}

/** vm_unmap_aliases - quire_vm_unmap_aliases */
static inline void vm_unmap_aliases(void)
{
	quire_vm_unmap_aliases(quire_linux_machine);
}

#define VM_MAP 0x4ul /* vmap's flag in Linux; its areas are always that */
#define PAGE_KERNEL QUIRE_PTE_KERNEL
#define PAGE_KERNEL_RO QUIRE_PTE_KERNEL_RO
#define PAGE_KERNEL_EXEC QUIRE_PTE_KERNEL_EXEC
#define pgprot_noncached(prot) (((prot) & ~QUIRE_PTE_CACHE) | QUIRE_PTE_UC_MINUS)
#define pgprot_writecombine(prot) (((prot) & ~QUIRE_PTE_CACHE) | QUIRE_PTE_WC)

/** vmap - quire_vmap */
static inline void *vmap(struct page **pages, unsigned int nr, unsigned long flags,
			 pgprot_t prot)
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

/** ioremap_uc - quire_ioremap, uncached whatever the MTRRs say */
static inline void *ioremap_uc(phys_addr_t phys, unsigned long bytes)
{
	quire_virt_t virt = { 0 };
	int error = quire_ioremap(quire_linux_machine, quire_phys(phys), bytes, QUIRE_PTE_UC,
				  &virt);

	return quire_linux_pointer(error, virt);
}

/** ioremap_cache - quire_ioremap, write-back */
static inline void *ioremap_cache(phys_addr_t phys, unsigned long bytes)
{
	quire_virt_t virt = { 0 };
	int error = quire_ioremap(quire_linux_machine, quire_phys(phys), bytes, QUIRE_PTE_WB,
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

/** kmap_atomic - kmap_local_page: for high memory the caller stays on this processor */
static inline void *kmap_atomic(struct page *page)
{
	return kmap_local_page(page);
}

/** kunmap_atomic - kunmap_local */
static inline void kunmap_atomic(const void *p)
{
	kunmap_local(p);
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
