/* SPDX-License-Identifier: MIT */
/*
 * pcp.h - per-cpu frame lists in front of the zones
 *
 * Each cpu has, in each zone, an allocation side and a free side.
 *
 *      alloc ── pop ──┐                        ┌── push ── free
 *                     │                        │
 *     frame[type]: 64 frames of          freed: up to 64 frames
 *     the fullest blocks                 of any other block
 *                     ▲       ▲                │
 *              refill │       └── a frame of   │ flush
 *                     │           block[type]  │
 *                   zone                     zone
 *
 * A last-in-first-out list would hand the frame just freed straight back, into
 * whatever block it lay in, and blocks would never empty. Here a freed frame
 * goes back to the allocation side only if it lies in the block from which that
 * side was filled last, which is being filled up anyway; every other one returns to its
 * zone, and the next refill comes from the fullest block.
 *
 * The lock is there for drains from another cpu (quire_page_drain), which a port can't be
 * asked to run elsewhere; it is the cpu's own cache line and not contended.
 */
#ifndef PHYS_PCP_H
#define PHYS_PCP_H

#include "phys/frames.h"
#include "phys/zone.h"

/** struct pcp - the lists of one cpu in one zone. (P): lock held */
struct pcp {
	_Alignas(64) struct lock lock;
	uint32_t nr_freed; /* (P) frames on the free side */
	uint32_t room;     /* (P) frames that an allocation side holds: 0 or QUIRE_PCP_BATCH */
	uint32_t batch;    /* (P) frames moved at once: 1 or QUIRE_PCP_BATCH */
	uint32_t count[QUIRE_NR_MIGRATE]; /* (P) frames on the allocation sides */
	uint32_t block[QUIRE_NR_MIGRATE]; /* (P) the block it was last filled from; BLOCK_NONE */
	uint32_t huge_max; /* (P) blocks of order 9 kept, of all types together */
	uint32_t nr_huge;  /* (P) blocks of order 9 kept now */

	/* Frames that passed through; the fast paths count only what they turn round. */
	uint64_t nr_filled;  /* (P) onto allocation sides from the zone, drained ones taken off */
	uint64_t nr_turned;  /* (P) freed straight onto an allocation side */
	uint64_t nr_flushed; /* (P) from the free side to the zone */
	uint64_t nr_refills; /* (P) */
	uint64_t nr_drains;  /* (P) */
	uint64_t huge_allocs; /* (P) blocks that the huge list served */
	uint64_t huge_frees;  /* (P) blocks that it took */

	struct quire_page *frame[QUIRE_MIGRATE_CMA][QUIRE_PCP_BATCH]; /* (P) allocation sides */
	uint32_t freed[QUIRE_PCP_BATCH]; /* (P) indexes: free side */
	uint32_t huge[QUIRE_PCP_HUGE];   /* (P) indexes of whole blocks */
};

/** pcp_setup - allocate the lists of all zones. Return: 0; -QUIRE_ENOMEM, then nothing is kept */
int pcp_setup(struct quire *q);

/** pcp_size - set the lists' sizes from the zones' managed counts */
void pcp_size(struct quire *q);

/** pcp_destroy - give the lists' memory back */
void pcp_destroy(struct quire *q);

/**
 * pcp_refill - fill an allocation side from the zone
 * @q:    the machine
 * @pcp:  the lists
 * @zone: their zone
 * @type: the request's mobility
 *
 * Return: true if there is a frame on it now
 * Locks:  pcp->lock held; takes zone->lock
 */
bool pcp_refill(struct quire *q, struct pcp *pcp, struct zone *zone, unsigned type);

/** pcp_flush - return the free side to the zone. Locks: pcp->lock held; takes zone->lock */
void pcp_flush(struct quire *q, struct pcp *pcp, struct zone *zone);

/** pcp_drain - return everything to the zone. Locks: takes pcp->lock and zone->lock */
void pcp_drain(struct quire *q, struct pcp *pcp, struct zone *zone);

/** pcp_holds - is that free frame on a per-cpu list? Locks: nobody else uses the machine */
bool pcp_holds(const struct quire *q, uint32_t i);

/** pcp_event - how often something happened on a cpu's lists. Locks: as pcp_nr_pages */
uint64_t pcp_event(const struct pcp *pcp, enum quire_event event);

/** pcp_nr_pages - frames on a cpu's lists. Locks: nobody else uses the machine */
uint64_t pcp_nr_pages(const struct pcp *pcp);

#endif
