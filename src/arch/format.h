/* SPDX-License-Identifier: MIT */
/*
 * format.h - the four formats of page tables
 *
 * An entry is a uint64_t here, whatever it takes in memory. Levels count from the
 * leaf: 0 is the table whose entries map 4 KB.
 */
#ifndef ARCH_FORMAT_H
#define ARCH_FORMAT_H

#include <quire/pgtable.h>

#include "core/assert.h"

#define FORMAT_LEVELS 5

/* Bits of an entry that are not also QUIRE_PTE_…. */
#define ENTRY_PS 0x80ull          /* above level 0: a leaf */
#define ENTRY_PAT_LARGE 0x1000ull /* PAT of a leaf above level 0 */
#define ENTRY_NX (1ull << 63)
/*
 * Of an entry of a process that is not present: it is in use, and keeps its address and its marks
 * for rights to come (PROT_NONE). The processor ignores the bit there; in a present one it means
 * GLOBAL, which a process's entry never is.
 */
#define ENTRY_NONE 0x100ull
/* What is at one place in leaves of all sizes. */
#define ENTRY_COMMON 0xf7full
/* What an entry that points to a table has besides its address; rights are the leaf's. */
#define ENTRY_TABLE (QUIRE_PTE_PRESENT | QUIRE_PTE_RW | QUIRE_PTE_ACCESSED)

/** struct format_level - one level of a format */
struct format_level {
	uint8_t shift;           /* of its index in an address; its leaves map 2^shift bytes */
	uint8_t bits;            /* of its index */
	bool leaf;               /* entries may map memory */
	bool bare;               /* entries have no rights, nothing but P, PWT, PCD (PAE's root) */
	uint64_t reserved_leaf;  /* bits that must be 0 in a leaf */
	uint64_t reserved_table; /* in an entry that points to a table */
};

/** struct format - one format */
struct format {
	uint8_t nr_levels;   /* the root is level nr_levels - 1 */
	uint8_t entry_bytes; /* 4 or 8 */
	uint8_t virt_bits;   /* of an address that mean something */
	uint8_t phys_bits;   /* of a physical address */
	uint64_t address;    /* mask of an entry's address: page aligned, of phys_bits */
	bool nx;             /* it can forbid execution */
	bool sign;           /* addresses are sign-extended from virt_bits (64-bit machines) */
	struct format_level level[FORMAT_LEVELS];
};

/** format_of - the format of a kind of machine */
const struct format *format_of(enum quire_machine machine);

/** format_root - the level of the root table */
static inline unsigned format_root(const struct format *f)
{
	return f->nr_levels - 1u;
}

/** format_entries - entries of a table of that level */
static inline unsigned format_entries(const struct format *f, unsigned level)
{
	return 1u << f->level[level].bits;
}

/** format_index - the entry of a table of that level that @virt goes through */
static inline unsigned format_index(const struct format *f, unsigned level, uint64_t virt)
{
	return (unsigned)(virt >> f->level[level].shift) & (format_entries(f, level) - 1);
}

/** format_canonical - can @virt be an address of this format at all? */
static inline bool format_canonical(const struct format *f, uint64_t virt)
{
	if (!f->sign)
		return virt >> f->virt_bits == 0;
	return (uint64_t)((int64_t)(virt << (64 - f->virt_bits)) >> (64 - f->virt_bits)) == virt;
}

/** format_is_leaf - does a present entry of that level map memory? */
static inline bool format_is_leaf(const struct format *f, unsigned level, uint64_t entry)
{
	return level == 0 || (f->level[level].leaf && (entry & ENTRY_PS));
}

/** format_reserved - the bits set in a present entry that must be 0 */
static inline uint64_t format_reserved(const struct format *f, unsigned level, uint64_t entry)
{
	return entry & (format_is_leaf(f, level, entry) ? f->level[level].reserved_leaf
							: f->level[level].reserved_table);
}

/**
 * format_unused - an entry without what a processor has marked in it
 *
 * The manual reserves the accessed bit of PAE's PDPTEs, but an emulated processor may set it
 * there as in any other entry (QEMU 7.2 does): that breaks nothing.
 */
static inline uint64_t format_unused(uint64_t entry)
{
	return entry & ~(uint64_t)QUIRE_PTE_ACCESSED;
}

/** format_leaf_phys - the address that a leaf maps */
static inline uint64_t format_leaf_phys(const struct format *f, unsigned level, uint64_t entry)
{
	return entry & f->address & ~((1ull << f->level[level].shift) - 1);
}

/** format_table_phys - the address of the table that an entry points to */
static inline uint64_t format_table_phys(const struct format *f, uint64_t entry)
{
	return entry & f->address;
}

/** format_bits - the bits of a leaf of that level that mean @pte */
static inline uint64_t format_bits(const struct format *f, unsigned level, quire_pte_t pte)
{
	uint64_t entry = pte & ENTRY_COMMON;

	if (level == 0)
		entry |= pte & QUIRE_PTE_PAT;
	else
		entry |= ENTRY_PS | (pte & QUIRE_PTE_PAT ? ENTRY_PAT_LARGE : 0);
	if ((pte & QUIRE_PTE_NX) && f->nx)
		entry |= ENTRY_NX;
	return entry;
}

/**
 * format_leaf - an entry that maps memory
 * @f:     the format
 * @level: whose leaves are allowed
 * @phys:  a multiple of what a leaf of @level maps
 * @pte:   QUIRE_PTE_…
 */
static inline uint64_t format_leaf(const struct format *f, unsigned level, uint64_t phys,
				   quire_pte_t pte)
{
	uint64_t entry = format_bits(f, level, pte) | phys;

	ASSERT("ARCH-1", !(entry & f->level[level].reserved_leaf));
	ASSERT("ARCH-2", !(phys & ((1ull << f->level[level].shift) - 1)));
	return entry;
}

/**
 * format_user - the bits of a process's leaf with these rights, without its address
 * @f:     the format
 * @level: 0: of a page of 4 KB; 1: of a large one
 * @pte:   QUIRE_PTE_…; without PRESENT an entry that nobody may use
 */
static inline uint64_t format_user(const struct format *f, unsigned level, quire_pte_t pte)
{
	uint64_t bits = format_bits(f, level, pte & ~QUIRE_PTE_GLOBAL);

	return pte & QUIRE_PTE_PRESENT ? bits : bits | ENTRY_NONE;
}

/** format_pte - the QUIRE_PTE_… bits of a leaf */
static inline quire_pte_t format_pte(unsigned level, uint64_t entry)
{
	uint64_t pat = level == 0 ? entry & QUIRE_PTE_PAT : (entry & ENTRY_PAT_LARGE) >> 5;

	return (quire_pte_t)((entry & ENTRY_COMMON) | pat | (entry & ENTRY_NX ? QUIRE_PTE_NX : 0));
}

/**
 * format_table - an entry that points to a table
 * @f:     the format
 * @level: of the entry, above 0
 * @phys:  of the table, a multiple of 4096
 * @user:  user code may go through it
 */
static inline uint64_t format_table(const struct format *f, unsigned level, uint64_t phys,
				    bool user)
{
	uint64_t entry = phys | QUIRE_PTE_PRESENT;

	if (!f->level[level].bare)
		entry |= ENTRY_TABLE | (user ? QUIRE_PTE_USER : 0);
	ASSERT("ARCH-1", !(entry & f->level[level].reserved_table));
	return entry;
}

/**
 * format_split - the leaf of the level below that is one part of a large leaf
 * @f:     the format
 * @level: of the large leaf
 * @entry: the large leaf
 * @i:     which part
 */
static inline uint64_t format_split(const struct format *f, unsigned level, uint64_t entry,
				    unsigned i)
{
	uint64_t phys = format_leaf_phys(f, level, entry) +
			((uint64_t)i << f->level[level - 1].shift);

	return format_leaf(f, level - 1, phys, format_pte(level, entry));
}

#endif
