/* SPDX-License-Identifier: MIT */
/*
 * vmalloc.h - memory that is contiguous in virtual addresses alone
 *
 * An area is a range of the vmalloc region, a guard page behind it, and frames from anywhere,
 * high memory first. It costs table entries and, some time after it is freed, its share of
 * a TLB flush: for large buffers, not for 28 bytes.
 *
 * All calls want quire_kernel_boot (layout.h) before them, else -QUIRE_ENODEV.
 */
#ifndef QUIRE_VMALLOC_H
#define QUIRE_VMALLOC_H

#include <quire/page.h>
#include <quire/pgtable.h>
#include <quire/quire.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * quire_vmalloc - allocate virtually contiguous memory
 * @q:     the machine
 * @bytes: rounded up to pages
 * @out:   the address, page aligned
 *
 * Return:  0; -QUIRE_EINVAL for 0 bytes or more than there are addresses; -QUIRE_ENOSPC if no
 *          range of addresses is free that is long enough; -QUIRE_ENOMEM. Then nothing is kept.
 * Locks:   takes vmap->lock and the kernel's table's, one after the other
 * Context: may call the pressure hook
 */
int quire_vmalloc(struct quire *q, uint64_t bytes, quire_virt_t *out);

/** quire_vzalloc - the same, filled with zeros. Return: as quire_vmalloc */
int quire_vzalloc(struct quire *q, uint64_t bytes, quire_virt_t *out);

/** quire_vmalloc_32 - the same, of frames below 4 GB, not in high memory. Return: likewise */
int quire_vmalloc_32(struct quire *q, uint64_t bytes, quire_virt_t *out);

/**
 * quire_vmalloc_gfp - quire_vmalloc with flags of the caller's, Linux's __vmalloc
 *
 * HIGHMEM is added unless DMA or DMA32 is there. Tables are allocated with GFP_KERNEL all the same.
 */
int quire_vmalloc_gfp(struct quire *q, uint64_t bytes, quire_gfp_t gfp, quire_virt_t *out);

/**
 * quire_vmalloc_huge - the same with large pages where they can be had
 *
 * Whole large pages are tried as one block each; what can't be had so, and the rest,
 * is single frames.
 */
int quire_vmalloc_huge(struct quire *q, uint64_t bytes, quire_gfp_t gfp, quire_virt_t *out);

/**
 * quire_vmap - map frames of the caller's, one after the other
 * @q:     the machine
 * @pages: the frames, which stay the caller's
 * @nr:    how many
 * @pte:   QUIRE_PTE_KERNEL, or other rights and cache modes
 * @out:   the address
 *
 * Return: as quire_vmalloc; -QUIRE_EINVAL, too, for what is no frame of this machine
 */
int quire_vmap(struct quire *q, struct quire_page *const *pages, size_t nr, quire_pte_t pte,
	       quire_virt_t *out);

/**
 * quire_ioremap - map the registers or the memory of a device
 * @q:     the machine
 * @phys:  first byte, any alignment
 * @bytes: not 0
 * @cache: QUIRE_PTE_UC_MINUS (Linux's ioremap), _UC, _WC, _WT or _WB
 * @out:   the address of the first byte
 *
 * Large pages are used where both addresses allow it.
 *
 * Return: as quire_vmalloc; -QUIRE_EINVAL, too, if a part of it is memory of this machine's;
 *         -QUIRE_ERANGE beyond the processor's addresses
 */
int quire_ioremap(struct quire *q, quire_phys_t phys, uint64_t bytes, quire_pte_t cache,
		  quire_virt_t *out);

/** What became of a free. Anything but QUIRE_VFREE_OK changed nothing. */
enum quire_vfree {
	QUIRE_VFREE_OK,
	QUIRE_VFREE_FOREIGN, /* there is no area there */
	QUIRE_VFREE_INSIDE,  /* it is inside an area, not its first byte */
	QUIRE_VFREE_DOUBLE,  /* the area was freed already */
	QUIRE_VFREE_KIND,    /* the area was made by another call: vmap, ioremap … */
};

/**
 * quire_kvmalloc - contiguous memory if it can be had easily, else vmalloc's
 * @q:     the machine
 * @bytes: not 0
 * @gfp:   QUIRE_GFP_KERNEL, with QUIRE_GFP_ZERO or without
 * @out:   the address: of the direct map, for what the heap gave
 *
 * For more than a page the heap is asked without much reclaim: a large buffer need not be
 * contiguous.
 *
 * Return: as quire_vmalloc
 */
int quire_kvmalloc(struct quire *q, uint64_t bytes, quire_gfp_t gfp, quire_virt_t *out);

/**
 * quire_kvfree - free what quire_kvmalloc gave
 *
 * Return: 0; -QUIRE_EINVAL if that is no such address: then nothing has changed, and the heap
 *         reports it if it was one of its own
 */
int quire_kvfree(struct quire *q, quire_virt_t virt);

/** quire_vfree_name - the outcome in words: "freed already" … */
const char *quire_vfree_name(enum quire_vfree outcome);

/**
 * quire_vfree - free what a quire_vmalloc… gave
 * @q:    the machine
 * @virt: its address
 *
 * The entries are cleared and the frames freed at once. The TLBs may keep the old translations
 * until the addresses are to be used again: then one flush is enough for many areas.
 *
 * Return: QUIRE_VFREE_OK, or what was wrong: then nothing has changed
 */
enum quire_vfree quire_vfree(struct quire *q, quire_virt_t virt);

/** quire_vunmap - end a quire_vmap. Return: as quire_vfree */
enum quire_vfree quire_vunmap(struct quire *q, quire_virt_t virt);

/** quire_iounmap - end a quire_ioremap. Return: as quire_vfree */
enum quire_vfree quire_iounmap(struct quire *q, quire_virt_t virt);

/** quire_vmalloc_page - the frame that is mapped at an address of the region. NULL: none */
struct quire_page *quire_vmalloc_page(struct quire *q, quire_virt_t virt);

/**
 * quire_vm_unmap_aliases - flush the TLBs for all areas freed so far, and keep nothing
 * @q: the machine
 *
 * For those who change how a frame is cached, and must know that no old translation is left.
 * Ranges kept for quick use, their records and the tables that are empty go back as well.
 *
 * Return: 0; -QUIRE_ENODEV; -QUIRE_EBUSY while this processor has a window of quire_kmap_local open
 */
int quire_vm_unmap_aliases(struct quire *q);

/** What an area is. */
enum quire_vm_kind {
	QUIRE_VM_ALLOC,   /* quire_vmalloc… */
	QUIRE_VM_MAP,     /* quire_vmap */
	QUIRE_VM_IOREMAP, /* quire_ioremap */
	QUIRE_VM_LAZY,    /* freed, the TLBs not flushed yet */
};

/** struct quire_vm_area - an area, for reports */
struct quire_vm_area {
	quire_virt_t start;
	uint64_t bytes;     /* the guard page included */
	uint64_t nr_pages;  /* frames mapped; 0: QUIRE_VM_IOREMAP, _LAZY */
	enum quire_vm_kind kind;
	quire_phys_t phys;  /* QUIRE_VM_IOREMAP */
};

/**
 * quire_vm_area_next - the first area that ends above an address
 * @q:    the machine
 * @from: any
 * @out:  the area
 *
 * Return: true if there is one
 */
bool quire_vm_area_next(struct quire *q, quire_virt_t from, struct quire_vm_area *out);

/** struct quire_vmalloc_stat - the region in numbers */
struct quire_vmalloc_stat {
	uint64_t total_bytes; /* of addresses; /proc/meminfo's VmallocTotal */
	uint64_t used_bytes;  /* in areas, guard pages included */
	uint64_t nr_areas;    /* in use */
	uint64_t nr_lazy;     /* freed, not flushed */
	uint64_t lazy_pages;
	uint64_t lazy_max;    /* pages; beyond it the TLBs are flushed */
	uint64_t nr_kept;     /* flushed, and kept for quick use */
	uint64_t nr_purges;   /* flushes so far */
	uint64_t nr_pages;    /* frames held by quire_vmalloc…; VmallocUsed in Linux */
};

/** quire_vmalloc_stat - count. Return: 0; -QUIRE_ENODEV */
int quire_vmalloc_stat(struct quire *q, struct quire_vmalloc_stat *out);

#ifdef __cplusplus
}
#endif
#endif
