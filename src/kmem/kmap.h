/* SPDX-License-Identifier: MIT */
/*
 * kmap.h - windows to frames of high memory
 *
 * The pkmap region has 1024 pages (512 with PAE), whose page table is made at boot:
 *
 *   users   meaning
 *   0       empty
 *   1       closed: the entry is still there, for the next who wants the same frame
 *   n + 1   n users
 *   DOOMED  emptied, until the TLBs are flushed
 *
 * The search for an empty page goes round; each time it comes to the beginning all closed
 * ones are emptied with one flush of the TLBs. A hash finds the page that a frame has.
 *
 * kmap_local has 16 pages of the fixmap for each processor, used as a stack.
 */
#ifndef KMEM_KMAP_H
#define KMEM_KMAP_H

#include <quire/highmem.h>
#include <quire/layout.h>
#include <quire/pgtable.h>

#include "core/lock.h"

#define KMAP_BUCKETS 256
#define KMAP_NONE UINT16_MAX
#define KMAP_DOOMED UINT32_MAX

/** struct kmap_slot - one page of the region. (K): kmap->lock held */
struct kmap_slot {
	uint32_t users; /* (K) as drawn above */
	uint32_t frame; /* (K) index of the frame; DOOMED: number of the flush */
	uint16_t next;  /* (K) of its bucket; KMAP_NONE */
};

/** struct kmap_stack - the windows of one processor, touched by it alone */
struct kmap_stack {
	_Alignas(64) unsigned depth;       /* open ones */
	void *entry[QUIRE_KMAP_DEPTH];     /* constant */
	uintptr_t token[QUIRE_KMAP_DEPTH]; /* of quire_port_cpu_enter */
};

/** struct kmap - all windows */
struct kmap {
	struct lock lock;
	uint64_t base;           /* of the region; constant */
	unsigned total;          /* pages; 0: a machine without high memory; constant */
	unsigned at;             /* (K) where the search goes on */
	unsigned nr_open;        /* (K) */
	unsigned nr_stale;       /* (K) closed */
	unsigned nr_doomed;      /* (K) */
	uint64_t nr_flushes;     /* (K) */
	unsigned char *entries;  /* their page table; constant */
	struct kmap_slot *slot;
	struct kmap_stack *stack; /* by processor */
	uint16_t bucket[KMAP_BUCKETS]; /* (K) */
};

struct kspace;

/** kmap_setup - make the windows; none on machines without high memory. Return: 0; -QUIRE_ENOMEM */
int kmap_setup(struct kspace *ks);

/** kmap_end - give their records back */
void kmap_end(struct kspace *ks);

/**
 * kmap_may_flush - may this processor make others forget translations?
 *
 * That waits for them. While a window of kmap_local is open here the caller is undisturbed, as
 * others may be who wait for us.
 *
 * Return: true; it holds until the caller opens a window
 */
bool kmap_may_flush(const struct kspace *ks);

/** kmap_check - KMAP rules. Return: as quire_check */
bool kmap_check(struct kspace *ks, struct quire_violation *out);

/** kmap_hash - take the windows into a hash */
uint64_t kmap_hash(const struct kspace *ks, uint64_t hash);

#endif
