/* SPDX-License-Identifier: MIT */
/*
 * pgtable.h - page tables: map, unmap, protect, look
 *
 * A table translates virtual addresses of one address space. The machine has one kernel's
 * table; every other one has a user half of its own and shares the kernel's half,
 * so that what the kernel maps is seen by all. Tables are frames of the direct map
 * (GFP_KERNEL), had and given back as needed. They know frames by
 * address only and hold no references: what is mapped belongs to the caller.
 *
 *   quire_pgtable_boot     the kernel's table
 *   quire_table_create     one for a process
 *   quire_table_map        a range, with the largest pages allowed
 *   quire_table_query      what is at an address
 *   quire_table_walk       every step to it, and the fault if there is one
 *   quire_read, _write     memory by virtual address, as the processor does it
 */
#ifndef QUIRE_PGTABLE_H
#define QUIRE_PGTABLE_H

#include <quire/fault.h>
#include <quire/page.h>
#include <quire/quire.h>

#ifdef __cplusplus
extern "C" {
#endif

struct quire_table;

/* ---- Bits of an entry ---------------------------------------------------- */

/*
 * Rights and attributes of a mapping, in one spelling for all formats; the names are
 * Linux's _PAGE_… .
 */
typedef uint32_t quire_pte_t;

#define QUIRE_PTE_PRESENT 0x001u
#define QUIRE_PTE_RW 0x002u       /* may be written */
#define QUIRE_PTE_USER 0x004u     /* by user code, too */
#define QUIRE_PTE_PWT 0x008u      /* cache mode, bit 0 */
#define QUIRE_PTE_PCD 0x010u      /* cache mode, bit 1 */
#define QUIRE_PTE_ACCESSED 0x020u /* set by the processor when it is used */
#define QUIRE_PTE_DIRTY 0x040u    /* set by the processor when it is written */
#define QUIRE_PTE_PAT 0x080u      /* cache mode, bit 2 */
#define QUIRE_PTE_GLOBAL 0x100u   /* stays in the TLB when another table is loaded */
#define QUIRE_PTE_SOFT1 0x200u    /* three bits that the processor ignores */
#define QUIRE_PTE_SOFT2 0x400u
#define QUIRE_PTE_SOFT3 0x800u
#define QUIRE_PTE_NX 0x1000u      /* not for execution; ignored by the format i386 */
#define QUIRE_PTE_BITS 0x1fffu    /* all of the above */

/* Cache modes, by the page attribute table as Linux sets it up. */
#define QUIRE_PTE_WB 0u                                                   /* write-back */
#define QUIRE_PTE_WC QUIRE_PTE_PWT                                        /* write-combining */
#define QUIRE_PTE_UC_MINUS QUIRE_PTE_PCD                                  /* uncached, weak */
#define QUIRE_PTE_UC (QUIRE_PTE_PCD | QUIRE_PTE_PWT)                      /* uncached */
#define QUIRE_PTE_WP (QUIRE_PTE_PAT | QUIRE_PTE_PWT)                      /* write-protected */
#define QUIRE_PTE_WT (QUIRE_PTE_PAT | QUIRE_PTE_PCD | QUIRE_PTE_PWT)      /* write-through */
#define QUIRE_PTE_CACHE (QUIRE_PTE_PAT | QUIRE_PTE_PCD | QUIRE_PTE_PWT)   /* mask */

/* Linux's PAGE_KERNEL… and what user mappings are made of. */
#define QUIRE_PTE_KERNEL_EXEC                                                                  \
	(QUIRE_PTE_PRESENT | QUIRE_PTE_RW | QUIRE_PTE_ACCESSED | QUIRE_PTE_DIRTY | QUIRE_PTE_GLOBAL)
#define QUIRE_PTE_KERNEL (QUIRE_PTE_KERNEL_EXEC | QUIRE_PTE_NX)
#define QUIRE_PTE_KERNEL_ROX (QUIRE_PTE_PRESENT | QUIRE_PTE_ACCESSED | QUIRE_PTE_GLOBAL)
#define QUIRE_PTE_KERNEL_RO (QUIRE_PTE_KERNEL_ROX | QUIRE_PTE_NX)
#define QUIRE_PTE_USER_RO (QUIRE_PTE_PRESENT | QUIRE_PTE_USER | QUIRE_PTE_NX)
#define QUIRE_PTE_USER_RW (QUIRE_PTE_USER_RO | QUIRE_PTE_RW)
#define QUIRE_PTE_USER_RX (QUIRE_PTE_PRESENT | QUIRE_PTE_USER)
#define QUIRE_PTE_USER_RWX (QUIRE_PTE_USER_RX | QUIRE_PTE_RW)

/* ---- Accesses and faults -------------------------------------------------- */

/** quire_vector_name - "#PF" and so on; "none" */
const char *quire_vector_name(enum quire_vector vector);

/** struct quire_logical - a logical address and what is to be done there */
struct quire_logical {
	uint16_t selector;
	uint8_t cpl;   /* privilege of the code that does it, 0 .. 3 */
	bool stack;    /* through the stack segment */
	enum quire_access access;
	uint32_t bytes; /* how many, 1 at least */
	uint64_t offset;
};

/** struct quire_linear - what segmentation makes of it */
struct quire_linear {
	quire_virt_t linear;
	struct quire_exception fault;
};

/**
 * quire_segment - from a logical address to a linear one
 * @q:       the machine, with Linux's descriptor table
 * @logical: selector, offset and access
 * @out:     the linear address, or the fault
 *
 * Return: 0; -QUIRE_EFAULT if the processor would fault; -QUIRE_EINVAL for a @logical that is
 *         out of range
 */
int quire_segment(const struct quire *q, const struct quire_logical *logical,
		  struct quire_linear *out);

/** quire_segment_name - what Linux has a selector for: "user code" …; NULL: nothing */
const char *quire_segment_name(const struct quire *q, uint16_t selector);

/** quire_segment_descriptor - the descriptor that a selector names; 0: none */
uint64_t quire_segment_descriptor(const struct quire *q, uint16_t selector);

/* ---- Tables --------------------------------------------------------------- */

/**
 * quire_pgtable_boot - make the kernel's table
 * @q: a machine with zones
 *
 * It is empty: what lies where in the kernel's half is the upper tiers' to decide.
 *
 * Return: 0; -QUIRE_ENODEV before the zones are built; -QUIRE_EBUSY when called twice;
 *         -QUIRE_EOPNOTSUPP if the host's processor can't touch the memory; -QUIRE_ENOMEM
 */
int quire_pgtable_boot(struct quire *q);

/** quire_table_kernel - the kernel's table; NULL before quire_pgtable_boot */
struct quire_table *quire_table_kernel(struct quire *q);

/** quire_kernel_start - the first address of the kernel's half: PAGE_OFFSET on 32-bit machines */
quire_virt_t quire_kernel_start(const struct quire *q);

/**
 * quire_table_create - a table for a process
 * @q:   a machine with a kernel's table
 * @out: the table: an empty user half, the kernel's half shared
 *
 * With PAE and on 64-bit machines the root's entries of the kernel's half are the kernel's
 * own. On two-level i386 they are copied as they are now; later ones come with the
 * first touch (quire_table_sync).
 *
 * Return: 0; -QUIRE_ENODEV without a kernel's table; -QUIRE_ENOMEM
 * Locks:  takes the kernel's table's
 */
int quire_table_create(struct quire *q, struct quire_table **out);

/**
 * quire_table_destroy - give a process's tables back; what they mapped stays the caller's
 * @table: not the kernel's; or NULL
 *
 * Return: 0; -QUIRE_EBUSY while it is loaded on a processor; -QUIRE_EINVAL for the kernel's
 */
int quire_table_destroy(struct quire_table *table);

/**
 * quire_table_map - map a range to contiguous physical memory
 * @table: the kernel's for the kernel's half, or a process's for the user half
 * @virt:  page aligned
 * @phys:  page aligned; need not be memory (devices)
 * @bytes: a multiple of the page size, not 0
 * @pte:   QUIRE_PTE_…; it is made present
 * @order: of the largest page to use, in log2 of 4 KB pages: 0 for none but those, 9 (i386: 10)
 *         or 18 for what processors call large; larger than any: whatever fits
 *
 * Return: 0; -QUIRE_EEXIST if something in the range is mapped; -QUIRE_ENOMEM if a table
 *         can't be had; -QUIRE_EINVAL for a range that isn't this table's, or bits that are
 *         none or not for this half (USER for the kernel's, GLOBAL for a process's);
 *         -QUIRE_ERANGE beyond the processor's addresses. Then nothing has changed.
 * Locks:  takes the table's
 * Context: may call the pressure hook
 */
int quire_table_map(struct quire_table *table, quire_virt_t virt, quire_phys_t phys, uint64_t bytes,
		    quire_pte_t pte, unsigned order);

/**
 * quire_table_map_pages - map single frames, one after the other
 * @table: as quire_table_map
 * @virt:  of the first
 * @pages: the frames
 * @nr:    how many, not 0
 * @pte:   QUIRE_PTE_…
 *
 * Return: as quire_table_map
 */
int quire_table_map_pages(struct quire_table *table, quire_virt_t virt,
			  struct quire_page *const *pages, size_t nr, quire_pte_t pte);

struct quire_tlb;

/**
 * quire_table_unmap - unmap a range; holes in it are no error
 * @table: as quire_table_map
 * @virt:  page aligned
 * @bytes: a multiple of the page size
 * @tlb:   gathers what has to leave the TLBs; NULL: it is flushed before the return
 *
 * A large page of which only a part goes is split. Tables that become empty are given back;
 * the kernel's stay until quire_table_trim.
 *
 * Return: 0; -QUIRE_ENOMEM if a large page can't be split; -QUIRE_EINVAL. Then nothing has changed.
 */
int quire_table_unmap(struct quire_table *table, quire_virt_t virt, uint64_t bytes,
		      struct quire_tlb *tlb);

/** struct quire_table_change - bits that quire_table_protect changes; set wins over clear */
struct quire_table_change {
	quire_pte_t set;
	quire_pte_t clear;
};

/**
 * quire_table_protect - change rights and attributes of what is mapped in a range
 * @table:  as quire_table_map
 * @virt:   page aligned
 * @bytes:  a multiple of the page size
 * @change: bits to set and to clear, but for QUIRE_PTE_PRESENT
 * @tlb:    as quire_table_unmap
 *
 * What the processor has marked accessed or dirty stays so unless it is cleared here.
 *
 * Return: as quire_table_unmap
 */
int quire_table_protect(struct quire_table *table, quire_virt_t virt, uint64_t bytes,
			struct quire_table_change change, struct quire_tlb *tlb);

/**
 * quire_table_copy - map in one table what another one maps in a range
 * @to:    gets the mappings, at the same addresses
 * @from:  another table
 * @virt:  page aligned; in the half that both may change
 * @bytes: a multiple of the page size
 * @clear: bits taken from the mappings in both: QUIRE_PTE_RW for copy-on-write; 0: none
 * @tlb:   as quire_table_unmap, for @from
 *
 * Return: as quire_table_map
 */
int quire_table_copy(struct quire_table *to, struct quire_table *from, quire_virt_t virt,
		     uint64_t bytes, quire_pte_t clear, struct quire_tlb *tlb);

/**
 * quire_table_trim - give back the kernel's tables that have become empty
 * @table: any
 *
 * Others may map and use what they have mapped meanwhile: who wants a table that is just being
 * taken out has it back.
 *
 * Return:  frames freed
 * Locks:   takes T; none held while the TLBs are flushed
 */
uint64_t quire_table_trim(struct quire_table *table);

/**
 * quire_table_sync - bring a root entry of the kernel's half into a process's table
 * @table: a process's
 * @virt:  in the kernel's half
 *
 * What two-level i386's fault handler does about the kernel's half: Linux's vmalloc fault.
 *
 * Return: true if the kernel has mapped that page: try the access again
 */
bool quire_table_sync(struct quire_table *table, quire_virt_t virt);

/** quire_table_load - make @table the one that this processor uses. Return: 0; -QUIRE_ENOMEM */
int quire_table_load(struct quire_table *table);

/** quire_table_loaded - the table that processor @cpu uses; NULL: none was loaded there */
struct quire_table *quire_table_loaded(struct quire *q, unsigned cpu);

/** quire_table_next_table - the process's table after @table; NULL for both: the first, the end */
struct quire_table *quire_table_next_table(struct quire *q, struct quire_table *table);

/** struct quire_table_stat - what a table consists of */
struct quire_table_stat {
	quire_phys_t root;      /* physical address of the root */
	uint64_t nr_tables;     /* frames that hold its tables, shared ones not counted */
	uint64_t nr_mapped[5];  /* pages mapped, by level: 0 is 4 KB; slots of kmap not counted */
	unsigned order[5];      /* of a page of that level; 0 above level 0: there is none */
	unsigned nr_levels;
};

/** quire_table_stat - count a table */
void quire_table_stat(struct quire_table *table, struct quire_table_stat *out);

/* ---- Looking --------------------------------------------------------------- */

/** struct quire_mapping - one page as a table maps it */
struct quire_mapping {
	quire_virt_t virt; /* of its first byte */
	quire_phys_t phys; /* likewise */
	unsigned order;    /* 0: 4 KB; 9, 10, 18 */
	quire_pte_t pte;   /* its own bits; those of the tables above are in quire_walk */
};

/**
 * quire_table_query - what is mapped at an address
 * @table: any
 * @virt:  any
 * @out:   the page that it is in
 *
 * Return: 0; -QUIRE_ENOENT if nothing is mapped there; -QUIRE_EFAULT if the address can't be
 */
int quire_table_query(struct quire_table *table, quire_virt_t virt, struct quire_mapping *out);

/**
 * quire_table_next - the first mapping that ends above an address
 * @table: any
 * @from:  any; not canonical: the next that is
 * @out:   the page
 *
 * Return: true if there is one
 */
bool quire_table_next(struct quire_table *table, quire_virt_t from, struct quire_mapping *out);

#define QUIRE_WALK_STEPS 5

/** struct quire_walk_step - one entry on the way */
struct quire_walk_step {
	unsigned level;     /* 0: the page table, the root is nr_levels - 1 */
	quire_phys_t table; /* of the table */
	unsigned index;     /* in it */
	uint64_t entry;     /* as it stands there */
	uint64_t reserved;  /* its bits that must not be set */
	bool present;
	bool leaf;          /* it maps the page */
	quire_pte_t pte;    /* its bits in QUIRE_PTE_…; of a present one */
	quire_phys_t phys;  /* what it points to; of a present one */
};

/** struct quire_walk - the way from an address to memory */
struct quire_walk {
	unsigned nr;        /* steps made */
	struct quire_walk_step step[QUIRE_WALK_STEPS];
	quire_phys_t phys;  /* of the byte; when fault.vector is QUIRE_VECTOR_NONE */
	struct quire_exception fault; /* what the processor would raise */
};

/**
 * quire_table_walk - every step of a translation, and the fault it ends in
 * @table:  any
 * @virt:   any
 * @access: what for
 * @user:   by user code
 * @out:    the steps, and the address or the fault
 *
 * As a processor with CR0.WP, and NXE where the format has NX; reads memory, not the TLB.
 *
 * Return: true if the access is allowed
 */
bool quire_table_walk(struct quire_table *table, quire_virt_t virt, enum quire_access access,
		      bool user, struct quire_walk *out);

/** quire_level_name - Linux's: "PTE", "PMD", "PUD", "P4D", "PGD"; the root is always "PGD" */
const char *quire_level_name(const struct quire *q, unsigned level);

/* ---- The TLB ----------------------------------------------------------------- */

/** struct quire_tlb - what has to leave the TLBs: begin, several changes, flush */
struct quire_tlb {
	struct quire_table *table; /* of the changes */
	uint64_t start;            /* first address; above last: nothing yet */
	uint64_t last;             /* last address, inclusive */
	struct quire_page *frames; /* tables to be freed when no processor uses them */
	uint8_t shift;             /* log2 of the smallest page gathered */
};

/** quire_tlb_begin - gather nothing yet, for changes of @table */
void quire_tlb_begin(struct quire_tlb *tlb, struct quire_table *table);

/**
 * quire_tlb_flush - make all processors forget what was gathered, and free the tables gathered
 * @tlb: empty afterwards, and can go on gathering
 *
 * Up to 33 pages go one by one, more by flushing everything, as in Linux.
 *
 * Context: no locks held; may wait for other processors
 */
void quire_tlb_flush(struct quire_tlb *tlb);

/* ---- Memory by virtual address ---------------------------------------------------- */

/**
 * quire_read - read memory as the kernel, through the table that this processor has loaded
 * @q:    the machine
 * @virt: any address, across pages
 * @buf:  filled
 * @n:    bytes
 * @fault: what happened; may be NULL
 *
 * On two-level i386 a fault of the kernel's half is first answered by quire_table_sync.
 *
 * Return: 0; -QUIRE_EFAULT: bytes below fault->address have been read; -QUIRE_EOPNOTSUPP if
 *         the host can't
 */
int quire_read(struct quire *q, quire_virt_t virt, void *buf, size_t n,
	       struct quire_exception *fault);

/** quire_write - write memory likewise. Return: as quire_read */
int quire_write(struct quire *q, quire_virt_t virt, const void *buf, size_t n,
		struct quire_exception *fault);

#ifdef __cplusplus
}
#endif
#endif
