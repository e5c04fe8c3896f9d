/* SPDX-License-Identifier: MIT */
/*
 * vmalloc_area.h - ranges of the vmalloc region: found, freed lazily, kept, flushed
 *
 *            area_take                        area_retire
 *   nobody's ────────> NEW ──> in use ──> DYING ────────> LAZY
 *      ^                ^                                  │ purge: one flush of the TLBs
 *      │                └──────────── KEPT <───────────────┤ for all of them
 *      └──────────────────────────────────┴────────────────┘
 *
 * A range is in the tree from NEW to LAZY and while it is KEPT, so nobody else gets its
 * addresses. Small ranges that were flushed are kept by size: the next request of that size
 * takes one without a search. They go when addresses run out.
 */
#ifndef KMEM_VMALLOC_AREA_H
#define KMEM_VMALLOC_AREA_H

#include <quire/vmalloc.h>

#include "core/lock.h"
#include "core/tree.h"

/* Ranges of so many pages at most, the guard page included, are kept. */
#define KEPT_PAGES 17

enum area_state {
	AREA_NEW,     /* being filled: its address is not told yet */
	AREA_ALLOC,   /* in use: has frames of its own */
	AREA_MAP,     /* in use: maps frames of the caller's */
	AREA_IOREMAP, /* in use: maps a device */
	AREA_DYING,   /* being emptied */
	AREA_LAZY,    /* empty; a TLB may know what was there */
	AREA_KEPT,    /* empty and flushed */
};

/** struct area - a range of the region. (V): vmap->lock held */
struct area {
	uint64_t start;
	uint64_t nr_pages;        /* of addresses, the guard page included */
	uint64_t nr_frames;       /* mapped; AREA_ALLOC, AREA_MAP */
	uint64_t phys;            /* AREA_IOREMAP */
	struct quire_page *first; /* AREA_ALLOC: its blocks, linked by their private words */
	struct area *next;        /* (V) of the lazy ones, or of those kept of its size */
	uint64_t nr_owned;        /* of the frames, those that are the area's own */
	_Atomic uint32_t state;   /* enum area_state (V), but for the end of AREA_NEW */
};

/** struct vmap - the region */
struct vmap {
	struct lock lock;
	struct tree_root tree;                    /* (V) by address */
	uint64_t start, end;                 /* constant */
	struct area *kept[KEPT_PAGES + 1];   /* (V) by nr_pages */
	uint64_t kept_pages, nr_kept;        /* (V) */
	struct area *lazy;                   /* (V) */
	uint64_t lazy_pages, nr_lazy;        /* (V) */
	uint64_t lazy_start, lazy_end;       /* (V) hull of the lazy ones */
	uint64_t lazy_max;                   /* pages; constant */
	uint64_t used_pages;                 /* (V) of addresses in use */
	uint64_t nr_areas;                   /* (V) in use */
	uint64_t nr_frames;                  /* (V) of AREA_ALLOC */
	uint64_t nr_purges;                  /* (V) */
};

struct kspace;

/** struct area_request - what area_take shall find */
struct area_request {
	uint64_t nr_pages; /* the guard page included */
	uint64_t align;    /* bytes */
	bool owned;        /* the area gets frames of its own */
};

/** area_setup - an empty region [@start, @end). @nr_cpus: for the limit of lazy pages */
void area_setup(struct vmap *vmap, uint64_t start, uint64_t end, unsigned nr_cpus);

/**
 * area_take - find a range of addresses
 * @ks:  the kernel's address space
 * @req: how many, how aligned
 * @out: the range, AREA_NEW
 *
 * Return: 0; -QUIRE_ENOSPC, also after everything lazy and kept has been given up; -QUIRE_ENOMEM
 * Locks:  takes V
 */
int area_take(struct kspace *ks, const struct area_request *req, struct area **out);

/** area_show - a range is filled: others may find it now, as @state. Locks: none */
static inline void area_show(struct area *area, enum area_state state)
{
	atomic_store_explicit(&area->state, (uint32_t)state, memory_order_release);
}

/**
 * area_claim - begin to free what is at an address
 * @ks:    the kernel's address space
 * @virt:  its first byte
 * @state: what it must be
 * @out:   the range, AREA_DYING now: nobody else can claim it
 *
 * Return: QUIRE_VFREE_OK, or what is wrong
 * Locks:  takes V
 */
enum quire_vfree area_claim(struct kspace *ks, uint64_t virt, enum area_state state,
			    struct area **out);

/** area_retire - a range is empty: lazy from here on. Purges beyond the limit. Locks: takes V */
void area_retire(struct kspace *ks, struct area *area);

/**
 * area_purge - flush the TLBs for all lazy ranges
 * @ks:   the kernel's address space
 * @keep: small ones are kept; else they are nobody's, and so is what was kept before
 *
 * Nothing happens while this processor may not flush (kmap_may_flush): they stay lazy until the
 * next time.
 *
 * Return: records given back
 * Locks:  takes V; none held while it flushes
 */
uint64_t area_purge(struct kspace *ks, bool keep);

/** area_end - give all records back; all ranges are lazy or kept or forgotten */
void area_end(struct kspace *ks);

#endif
