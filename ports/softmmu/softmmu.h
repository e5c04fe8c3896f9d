/* SPDX-License-Identifier: MIT */
/*
 * softmmu.h - the paging unit of an x86 processor, in software
 *
 * Written from the processor's manual alone: it shares no line and no header with
 * the library whose tables it reads, so that each checks the other. What the manual
 * lets a processor keep, this one keeps: a translation stays in its TLB until it is
 * invalidated, whatever happens to the tables; pointers to page tables stay in
 * its paging-structure cache. So an operating system that forgets an
 * invalidation gets the stale answer here, too.
 *
 *   address ──> TLB ───────────────hit──────────────────────> host's pointer
 *                │ miss
 *                └─> paging-structure cache ──hit──> page table ─> entry ─> rights ─> TLB
 *                      │ miss
 *                      └─> walk from CR3 (PAE: from the PDPTE registers)
 *
 * Large pages enter the TLB as pieces of 4 KB, which the manual allows; INVLPG removes all
 * pieces of the page.
 *
 * Source: Intel SDM vol. 3A, 4.1 to 4.10 (paging), 2.5 (control registers), 6.15 (#PF, #GP)
 */
#ifndef SOFTMMU_H
#define SOFTMMU_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOFTMMU_TLB 2048 /* entries; a power of two */
#define SOFTMMU_PSC 64   /* pointers to page tables; likewise */

/* Control register bits that this unit knows. */
#define SOFTMMU_CR0_WP (1u << 16)
#define SOFTMMU_CR4_PSE (1u << 4)
#define SOFTMMU_CR4_PAE (1u << 5)
#define SOFTMMU_CR4_PGE (1u << 7)
#define SOFTMMU_CR4_LA57 (1u << 12)
#define SOFTMMU_CR4_SMEP (1u << 20)
#define SOFTMMU_CR4_SMAP (1u << 21)
#define SOFTMMU_EFER_LMA (1u << 10)
#define SOFTMMU_EFER_NXE (1u << 11)

/** What an access does: one of the first three, with SOFTMMU_USER for code of privilege 3. */
enum softmmu_access {
	SOFTMMU_READ = 0,
	SOFTMMU_WRITE = 1,
	SOFTMMU_EXEC = 2,
	SOFTMMU_USER = 4,
};

/** struct softmmu_memory - what is on the bus */
struct softmmu_memory {
	unsigned char *direct; /* contents of physical addresses 0 .. direct_bytes */
	uint64_t direct_bytes; /* a multiple of 4096 */
	/* Contents of another frame; NULL: nothing answers there. May be NULL itself. */
	void *(*frame)(void *ctx, uint64_t phys);
	void *ctx;
	unsigned phys_bits; /* width of a physical address (MAXPHYADDR), 32 .. 52 */
};

/** struct softmmu_fault - the exception that an access ends in */
struct softmmu_fault {
	unsigned vector; /* 13: #GP, 14: #PF; 0: none */
	uint32_t code;   /* error code */
	uint64_t cr2;    /* the address; of #GP, too, where no register has it */
};

/** struct softmmu_entry - a translation of 4 KB in the TLB */
struct softmmu_entry {
	/*
	 * The page's address and, below it, bits 0 to 6: access i needs no look at the tables;
	 * 7: global; 8, 9: it is a piece of a page of 2 MB, 4 MB, 1 GB. 0: empty.
	 */
	uint64_t tag;
	unsigned char *page; /* contents in the host */
};

/** struct softmmu_level - the manual's rules for the entries of one level */
struct softmmu_level {
	uint8_t shift;           /* an entry covers 2^shift bytes */
	bool page;               /* PS makes it a page */
	uint64_t reserved_page;  /* bits that must be 0 in one that maps a page */
	uint64_t reserved_table; /* in one that points to a table */
};

/** struct softmmu_table - a pointer to a page table in the paging-structure cache */
struct softmmu_table {
	uint64_t tag;         /* address >> shift of the level above, + 1; 0: empty */
	unsigned char *table; /* its contents */
	uint8_t rights;       /* of all levels above */
};

/** struct softmmu_cpu - a processor's paging unit; zero it and softmmu_setup */
struct softmmu_cpu {
	_Atomic uint32_t lock; /* held by an access, and by others' invalidations */
	struct softmmu_memory memory;
	uint32_t cr0, cr4, efer;
	uint64_t cr3;
	uint64_t pdpte[4];       /* PAE: loaded with CR3 */
	uint8_t root;            /* level that a walk begins with */
	uint8_t bits;            /* of an index: 9 or 10 */
	bool wide;               /* entries have 8 bytes */
	bool canonical;          /* addresses have 64 bits, sign-extended from virt_bits */
	uint8_t virt_bits;
	uint8_t allowed[8];      /* by RIGHT_…: accesses, bit i for access i */
	struct softmmu_level level[5]; /* 0: maps 4 KB */
	uint64_t nr_walks;       /* accesses that the TLB did not answer */
	uint32_t nr_pieces;      /* entries of large pages since the last full flush */
	struct softmmu_entry tlb[SOFTMMU_TLB];
	struct softmmu_table psc[SOFTMMU_PSC];
};

/**
 * softmmu_setup - set the control registers and empty all caches
 * @cpu:    the processor
 * @memory: what it sees; copied
 * @cr0:    SOFTMMU_CR0_…; paging itself is always on
 * @cr4:    SOFTMMU_CR4_…
 * @efer:   SOFTMMU_EFER_…
 */
void softmmu_setup(struct softmmu_cpu *cpu, const struct softmmu_memory *memory, uint32_t cr0,
		   uint32_t cr4, uint32_t efer);

/**
 * softmmu_setup_levels - softmmu_setup as an operating system does for a kind of paging
 * @cpu:    the processor
 * @memory: what it sees
 * @levels: 2: i386 with 4 MB pages, 3: PAE, 4 and 5: 64-bit mode
 *
 * WP and PGE on, NXE from three levels on, SMEP and SMAP off.
 */
void softmmu_setup_levels(struct softmmu_cpu *cpu, const struct softmmu_memory *memory,
			  unsigned levels);

/**
 * softmmu_load_cr3 - MOV to CR3
 * @cpu:   the processor
 * @cr3:   physical address of the root
 * @fault: #GP if PAE's PDPTEs have reserved bits set; CR3 is then as before
 *
 * Drops all translations but global ones.
 *
 * Return: true; false: @fault
 */
bool softmmu_load_cr3(struct softmmu_cpu *cpu, uint64_t cr3, struct softmmu_fault *fault);

/** softmmu_cr3 - what was loaded last */
uint64_t softmmu_cr3(struct softmmu_cpu *cpu);

/** softmmu_invlpg - INVLPG: drop the page at @virt, and the paging-structure cache */
void softmmu_invlpg(struct softmmu_cpu *cpu, uint64_t virt);

/** softmmu_flush - drop all translations; @global: those marked global, too */
void softmmu_flush(struct softmmu_cpu *cpu, bool global);

/**
 * softmmu_translate - one access of up to a page's end
 * @cpu:    the processor
 * @virt:   linear address
 * @access: enum softmmu_access
 * @out:    contents at that address; NULL if nothing is on the bus there
 * @fault:  if there is one
 *
 * Sets accessed and dirty bits as the manual says. The caller holds cpu->lock, or is the only one
 * that uses @cpu.
 *
 * Return: true; false: @fault
 */
bool softmmu_translate(struct softmmu_cpu *cpu, uint64_t virt, unsigned access, unsigned char **out,
		       struct softmmu_fault *fault);

/**
 * softmmu_copy - read or write memory by linear address
 * @cpu:    the processor; its lock is taken
 * @virt:   where, anything; across pages, too
 * @buf:    filled by SOFTMMU_READ, written by SOFTMMU_WRITE, untouched by SOFTMMU_EXEC
 * @n:      bytes
 * @access: enum softmmu_access
 * @fault:  if there is one; its address is the first byte that was not done
 *
 * Return: true; false: @fault, bytes before it have been copied
 */
bool softmmu_copy(struct softmmu_cpu *cpu, uint64_t virt, void *buf, size_t n, unsigned access,
		  struct softmmu_fault *fault);

#endif
