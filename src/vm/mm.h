/* SPDX-License-Identifier: MIT */
/*
 * mm.h - struct quire_mm, and the tier's state
 */
#ifndef VM_MM_H
#define VM_MM_H

#include <quire/mm.h>

#include "core/sem.h"
#include "core/tree.h"
#include "pgtable/table.h"
#include "phys/use.h"
#include "vm/vma.h"

/** What resident pages are counted as. */
enum rss { RSS_ANON, RSS_FILE, RSS_SHMEM, NR_RSS };

/** struct quire_mm - an address space */
struct quire_mm {
	struct quire *q;
	struct quire_mm *next, *prev;    /* all of them (V) */
	uint64_t number;                 /* order of creation */
	struct sem sem;                  /* (S) readers: faults; a writer: what changes areas */
	struct quire_table *table;
	struct tree_root areas;          /* by address; values are struct vma (S) */
	struct quire_mm_config config;   /* but limits constant */
	struct quire_mm_layout layout;   /* (S) */
	uint32_t def_flags;              /* of new areas: mlockall(MCL_FUTURE) (S) */
	uint64_t total_vm, data_vm, stack_vm, exec_vm, locked_vm; /* pages (S) */
	uint64_t hiwater_vm;
	_Atomic uintptr_t rss[NR_RSS];    /* pages (T of its table) */
	uint64_t hiwater_rss;
	_Atomic uintptr_t faults[QUIRE_NR_FAULT_KINDS];
	_Atomic uintptr_t maj_faults;   /* of them */
	bool forked;                     /* neighbours may have become alike: VMA-2 is not its */
	_Atomic bool has_huge;           /* it has, or had, a transparent huge page (T) */
	struct lock anon_lock;           /* guards the first setting of vma->anon by faults */
};

/** struct vm - the tier's state */
struct vm {
	struct tier tier;
	struct lock lock;                /* (V) the list of mms, sysctl */
	struct quire_mm *mms, *last;     /* oldest first (V) */
	struct quire_vm_sysctl sysctl;
	_Atomic uintptr_t committed;      /* pages */
	uint64_t nr_created;             /* mms so far (V) */
	_Atomic uintptr_t nr_shared;      /* files behind shared anonymous memory so far */
	_Atomic uintptr_t nr_anon;        /* anonymous frames that are mapped */
	_Atomic uintptr_t nr_mapped;      /* frames of files that are mapped */
	uint64_t pgfault, pgmajfault;    /* of mms that have ended (V) */
	struct quire_page *zero;         /* the page of zeros that reads of fresh memory share */
	uint64_t zero_entry;             /* its physical address */
	struct quire_page *_Atomic huge_zero; /* as large as a large leaf; NULL: not yet */
	_Atomic uintptr_t thp[QUIRE_NR_THP_EVENTS];
	struct sem scan;                 /* (K) khugepaged is at work: no mm leaves the list */
	uint64_t scan_mm, scan_at;       /* where it goes on: number, address (K) */
	uint64_t pages_collapsed, full_scans; /* (K) */
	struct quire_cache *vma_cache, *mm_cache, *anon_cache, *node_cache;
};

/** mm_empty - take all areas out, with their entries and promises. Locks: S for writing */
void mm_empty(struct quire_mm *mm);

/** mm_tell - describe an area. Locks: S */
void mm_tell(const struct vma *vma, struct quire_vma_info *out);

/** vm_of - the tier's state; NULL before quire_vm_boot */
static inline struct vm *vm_of(const struct quire *q)
{
	return (struct vm *)(void *)q->tier[TIER_VM];
}

/** mm_faults - page faults that were answered, of all kinds */
static inline uint64_t mm_faults(const struct quire_mm *mm)
{
	uint64_t nr = 0;

	for (unsigned kind = 0; kind < QUIRE_NR_FAULT_KINDS; kind++)
		nr += relaxed_load(&mm->faults[kind]);
	return nr;
}

#endif
