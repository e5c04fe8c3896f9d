/* SPDX-License-Identifier: MIT */
/*
 * layout.h - the kernel's address space: what lies where
 *
 * i386 and PAE share 4 GB with user space; x86-64 has room to give each purpose its own. The
 * numbers are Linux's, so its books and its messages can be read beside these.
 *
 *   quire_layout          limits and regions of this machine
 *   quire_virt_to_phys    the direct map, and back: an addition, for what is in it
 *   quire_kernel_boot     builds the kernel's table: direct map, fixmap, pkmap, vmalloc
 *   quire_fixmap_set      a fixed address for a purpose
 *   quire_early_ioremap   a look at a device or a firmware table without any allocation
 */
#ifndef QUIRE_LAYOUT_H
#define QUIRE_LAYOUT_H

#include <quire/page.h>
#include <quire/quire.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a range of addresses is for. */
enum quire_region {
	QUIRE_REGION_HOLE,      /* nothing, ever: an access is a bug and is caught */
	QUIRE_REGION_USER,      /* a process's own */
	QUIRE_REGION_NONCANON,  /* no addresses: the processor refuses them */
	QUIRE_REGION_DIRECT,    /* memory, at PAGE_OFFSET + physical address */
	QUIRE_REGION_VMALLOC,   /* vmalloc, vmap, ioremap */
	QUIRE_REGION_VMEMMAP,   /* the frame array of a Linux; unused here */
	QUIRE_REGION_TEXT,      /* the kernel's image (x86-64) */
	QUIRE_REGION_MODULES,   /* its modules (x86-64) */
	QUIRE_REGION_PKMAP,     /* kmap (32 bits) */
	QUIRE_REGION_FIXMAP,    /* fixed addresses */
	QUIRE_REGION_VSYSCALL,  /* the legacy page (x86-64) */
	QUIRE_REGION_LINUX,     /* a purpose of Linux's that has no use here; about says which */
	QUIRE_NR_REGIONS
};

/** quire_region_name - "user", "direct map", "vmalloc" … */
const char *quire_region_name(enum quire_region region);

/** struct quire_layout_area - one region: [start, end) */
struct quire_layout_area {
	uint64_t start;
	uint64_t end; /* exclusive; 0 stands for 2^64 */
	enum quire_region region;
	const char *about; /* a few words */
};

#define QUIRE_LAYOUT_AREAS 32

/** struct quire_layout - where everything is. 0: this machine has no such thing */
struct quire_layout {
	quire_virt_t page_offset;   /* of physical address 0 */
	quire_virt_t high_memory;   /* end of the direct map */
	quire_virt_t vmalloc_start;
	quire_virt_t vmalloc_end;
	quire_virt_t pkmap_base;
	unsigned nr_pkmap;          /* pages: 1024, 512 with PAE */
	quire_virt_t fixaddr_boot_start; /* lowest slot, those of early ioremap */
	quire_virt_t fixaddr_start; /* lowest slot of the others */
	quire_virt_t fixaddr_top;   /* 32 bits: the guard page; x86-64: above the highest slot */
	quire_virt_t text_start;    /* of physical address 0, in the kernel's image */
	quire_virt_t text_end;
	unsigned nr;
	struct quire_layout_area area[QUIRE_LAYOUT_AREAS]; /* ascending, without gaps */
};

/**
 * quire_layout - where everything is
 * @q:   a machine with memory
 * @out: filled in
 *
 * On 32-bit machines the end of memory decides where vmalloc begins, so this is final
 * when the memory map is.
 *
 * Return: 0; -QUIRE_ENODEV for a machine without memory
 * Source: Linux's Documentation/x86/x86_64/mm.rst and its messages at boot (i386)
 */
int quire_layout(const struct quire *q, struct quire_layout *out);

/** quire_layout_find - the region that @virt is in */
const struct quire_layout_area *quire_layout_find(const struct quire_layout *layout,
						  quire_virt_t virt);

/* ---- The direct map ------------------------------------------------------- */

/** Whether an address is in the direct map, and if not, what it is. */
enum quire_direct {
	QUIRE_DIRECT_OK,
	QUIRE_DIRECT_HIGHMEM, /* memory of zone HighMem: it has no address of its own */
	QUIRE_DIRECT_HOLE,    /* no memory there */
	QUIRE_DIRECT_OTHER,   /* a virtual address of another region (quire_layout_find) */
};

/** quire_direct_name - "zone HighMem, not directly mapped" … */
const char *quire_direct_name(enum quire_direct outcome);

/**
 * quire_phys_to_virt - the address in the direct map, Linux's __va
 * @q:    a machine with zones
 * @phys: any address
 * @out:  PAGE_OFFSET + @phys
 *
 * Return: QUIRE_DIRECT_OK, or why there is none
 */
enum quire_direct quire_phys_to_virt(const struct quire *q, quire_phys_t phys, quire_virt_t *out);

/**
 * quire_virt_to_phys - the physical address, Linux's __pa
 * @q:    a machine with zones
 * @virt: an address of the direct map or of the kernel's image
 * @out:  @virt - PAGE_OFFSET
 *
 * Tables are not walked: what is mapped elsewhere is QUIRE_DIRECT_OTHER (quire_table_query
 * finds it).
 *
 * Return: QUIRE_DIRECT_OK, or why there is none
 */
enum quire_direct quire_virt_to_phys(const struct quire *q, quire_virt_t virt, quire_phys_t *out);

/** struct quire_direct_stat - bytes of the direct map by size of page; /proc/meminfo's DirectMap */
struct quire_direct_stat {
	uint64_t bytes_4k;
	uint64_t bytes_large; /* 2 MB pages; 4 MB on i386 */
	uint64_t bytes_1g;
};

/** quire_direct_stat - count it. Return: 0; -QUIRE_ENODEV before quire_kernel_boot */
int quire_direct_stat(const struct quire *q, struct quire_direct_stat *out);

/* ---- The kernel's table ---------------------------------------------------- */

/**
 * quire_kernel_boot - build the kernel's address space
 * @q: a machine with zones
 *
 * The direct map with the largest pages that fit what is memory, the kernel's image, the
 * tables of the fixmap and of the pkmap window, the index of the vmalloc region; then it is loaded.
 *
 * Return: 0; -QUIRE_ENODEV before quire_boot_zones; -QUIRE_EBUSY when called twice;
 *         -QUIRE_EOPNOTSUPP if this processor can't touch the machine's memory;
 *         -QUIRE_ENOMEM. On an error nothing has changed.
 */
int quire_kernel_boot(struct quire *q);

/* ---- Fixed addresses ------------------------------------------------------- */

#define QUIRE_FIX_IO_APICS 8
#define QUIRE_FIX_ACPI_PAGES 4
/* Windows that one processor may have open at a time (quire_kmap_local). */
#define QUIRE_KMAP_DEPTH 16
/* Early ioremap: windows at a time, and pages of each. */
#define QUIRE_EARLY_SLOTS 8
#define QUIRE_EARLY_PAGES 64

/** Fixed addresses, from the top down, one page each. */
enum quire_fix {
	QUIRE_FIX_TOP,      /* 32 bits: the guard page, never mapped; x86-64: vsyscall */
	QUIRE_FIX_DBGP,     /* the USB debug port */
	QUIRE_FIX_EARLYCON, /* the first console */
	QUIRE_FIX_APIC,     /* this processor's interrupt controller */
	QUIRE_FIX_IO_APIC,  /* the machine's, one page each */
	QUIRE_FIX_ACPI = QUIRE_FIX_IO_APIC + QUIRE_FIX_IO_APICS,
	QUIRE_FIX_NR = QUIRE_FIX_ACPI + QUIRE_FIX_ACPI_PAGES,
	/* Then QUIRE_KMAP_DEPTH for each processor, then those of early ioremap. */
};

/** quire_fix_name - "APIC", "ACPI" …, "kmap" and "early ioremap" for the slots above */
const char *quire_fix_name(const struct quire *q, unsigned slot);

/** quire_fix_to_virt - the address of a slot, QUIRE_FIX_NR and above included */
quire_virt_t quire_fix_to_virt(const struct quire *q, unsigned slot);

/**
 * quire_virt_to_fix - the slot of an address
 *
 * Return: 0; -QUIRE_EINVAL if it is no fixed address
 */
int quire_virt_to_fix(const struct quire *q, quire_virt_t virt, unsigned *slot);

/**
 * quire_fixmap_set - map a fixed address
 * @q:    after quire_kernel_boot
 * @slot: below QUIRE_FIX_NR; what was there is replaced
 * @phys: a multiple of the page size
 * @pte:  QUIRE_PTE_…, as pgtable.h has them
 *
 * Return: 0; -QUIRE_EINVAL for a slot or an address that can't be; -QUIRE_ENODEV
 * Locks:  takes pgtable->fix
 */
int quire_fixmap_set(struct quire *q, enum quire_fix slot, quire_phys_t phys, uint32_t pte);

/** quire_fixmap_clear - unmap a fixed address. Return: 0; -QUIRE_EINVAL, also if it isn't mapped */
int quire_fixmap_clear(struct quire *q, enum quire_fix slot);

/**
 * quire_early_ioremap - a window to physical memory that needs no allocation
 * @q:     after quire_kernel_boot
 * @phys:  first byte
 * @bytes: 1 .. 256 KB less what the first page leaves out
 * @out:   the address of the first byte
 *
 * Mapped uncached, for registers. Eight windows, to be closed again soon.
 *
 * Return: 0; -QUIRE_EINVAL; -QUIRE_EAGAIN if all are open; -QUIRE_ENODEV
 * Locks:  takes pgtable->fix
 */
int quire_early_ioremap(struct quire *q, quire_phys_t phys, uint64_t bytes, quire_virt_t *out);

/** quire_early_memremap - the same, cached: for firmware's tables in memory. Return: likewise */
int quire_early_memremap(struct quire *q, quire_phys_t phys, uint64_t bytes, quire_virt_t *out);

/** quire_early_iounmap - close a window. Return: 0; -QUIRE_EINVAL unless both are as when opened */
int quire_early_iounmap(struct quire *q, quire_virt_t virt, uint64_t bytes);

#ifdef __cplusplus
}
#endif
#endif
