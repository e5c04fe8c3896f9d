/* SPDX-License-Identifier: MIT */
/*
 * zone.h - zones: limits, counts, watermarks, reserves, the fallback order
 */
#ifndef PHYS_ZONE_H
#define PHYS_ZONE_H

#include <quire/page.h>

#include "phys/block.h"

#define NR_ORDERS (QUIRE_ORDER_MAX + 1)
/* Blocks are told apart by their free frames in 2^4 buckets of 32. Finer ones cost list
 * operations and gained nothing (rows page.frag50, page.frag90). */
#define BUCKET_BITS 4
#define NR_BUCKETS (1u << BUCKET_BITS)
#define BUCKET_FRAMES (BLOCK_FRAMES / NR_BUCKETS)

/* A list of a free_area[type]: one number for order and bucket. */
#define SLOT(order, bucket) ((order) << BUCKET_BITS | (bucket))
#define SLOT_ORDER(slot) ((slot) >> BUCKET_BITS)
#define SLOT_BUCKET(slot) ((slot) & (NR_BUCKETS - 1))
#define NR_SLOTS (NR_ORDERS * NR_BUCKETS)

/**
 * struct free_area - the blocks whose largest free piece has one order
 *
 * Below order 9 they are sorted into buckets by their number of free frames,
 * fullest block first. Orders 9 and 10 are free as a whole: all in bucket 0.
 */
struct free_area {
	uint32_t mask;             /* (Z) buckets that are not empty */
	uint32_t head[NR_BUCKETS]; /* (Z) block number; BLOCK_NONE */
};

/* A zone's free_area[type][order] is one row: of two dimensions gcc 12 computes the address
 * anew for each field (5 instructions of page.mixed_0_10). */
#define AREA(type, order) ((type) * NR_ORDERS + (order))
#define AREAS_BYTES (QUIRE_NR_MIGRATE * NR_ORDERS * sizeof(struct free_area))

/** struct zone - (Z): lock held to write */
struct zone {
	struct lock lock;
	/* Free frames, those in isolated pageblocks not counted. [0]: what unmovable and
	 * reclaimable requests may have (CMA left out), [1]: all. Atomic; behind the truth
	 * by what cpus have freed and not yet reported (pcp->nr_pending). */
	_Alignas(64) _Atomic int32_t nr_free[2];
	_Atomic int32_t nr_isolated; /* free frames in isolated pageblocks */
	/* (Z) bit: the free_area of that type and order is not empty */
	_Alignas(64) uint16_t orders[QUIRE_NR_MIGRATE];
	struct free_area *area; /* (Z) AREAS_BYTES, at AREA(type, order); NULL: no blocks */
	uint64_t events[QUIRE_NR_EVENTS]; /* (Z) those not counted by a per-cpu list */

	/* Constant once built, but for managed, which quire_boot_release raises (Z). */
	uint64_t start; /* pfn; 0 if the zone spans nothing */
	uint64_t end;   /* pfn, exclusive */
	uint64_t present;
	_Atomic uint32_t managed; /* at most 2^31: boot.c */
	uint32_t first_block; /* its blocks: [first_block, first_block + nr_blocks) */
	uint32_t nr_blocks;
	enum quire_zone id;

	/* Set by zone_watermarks, read without a lock. */
	_Atomic uint32_t wmark[QUIRE_NR_WMARKS];
	_Atomic uint32_t reserve[QUIRE_NR_ZONES];
};

/**
 * struct route - where a request goes: one for each value of the five zone and mobility flags
 *
 * The fast path needs no more than the first field, filling a list the next two. All but
 * low is constant once the zones are built, so that knobs can be turned while others allocate.
 */
struct route {
	struct pcp *pcp;                  /* the first zone's lists for this type; NULL: none */
	const _Atomic int32_t *nr_free;   /* its free frames for this type; of no_frames for a
					   * request that no zone can serve */
	_Atomic int32_t low;              /* its low watermark plus reserve */
	uint8_t type;                     /* enum quire_migrate */
	uint8_t highest;                  /* highest zone that the flags allow */
	uint8_t lists;                    /* their index: LISTS(zone, type) */
	uint8_t nr;                       /* zones with frames to try */
	uint8_t zone[QUIRE_NR_ZONES];     /* highest first */
};

struct quire;

/** zone_exists - does this kind of machine have that zone? */
bool zone_exists(enum quire_machine machine, enum quire_zone zone);

/** zone_lowmem_end - default end of the directly mapped memory, in bytes; 0: all is */
uint64_t zone_lowmem_end(const struct quire_config *config);

/**
 * zone_limits - set the zones' spans and count what is present
 * @q: with memory in memblock
 */
void zone_limits(struct quire *q);

/**
 * zone_watermarks - compute watermarks and reserves from the managed counts
 *
 * Locks: none; callers serialise, others may allocate meanwhile
 */
void zone_watermarks(struct quire *q);

/** zone_routes - where requests go; once, when the zones have their blocks and lists */
void zone_routes(struct quire *q);

/** zone_add_free - add @nr, maybe negative, to the free count for pageblock @type. Locks: none */
static inline void zone_add_free(struct zone *zone, unsigned type, int32_t nr)
{
	if (type < QUIRE_MIGRATE_CMA)
		atomic_fetch_add_explicit(&zone->nr_free[0], nr, memory_order_relaxed);
	if (type < QUIRE_MIGRATE_ISOLATE)
		atomic_fetch_add_explicit(&zone->nr_free[1], nr, memory_order_relaxed);
	else
		atomic_fetch_add_explicit(&zone->nr_isolated, nr, memory_order_relaxed);
}

/**
 * zone_need - frames that must stay free in a zone for a request to pass
 * @zone:    the zone
 * @wmark:   the watermark tested
 * @gfp:     HIGH and ATOMIC may use part of the reserve below min
 * @highest: highest zone that the request may use
 */
uint64_t zone_need(const struct zone *zone, enum quire_wmark wmark, quire_gfp_t gfp,
		   unsigned highest);

#endif
