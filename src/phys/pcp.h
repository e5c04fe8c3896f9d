/* SPDX-License-Identifier: MIT */
/*
 * pcp.h - per-cpu frame lists in front of the zones
 *
 * Each cpu has, for each zone and each mobility, a block that it has claimed:
 * the fullest there was. Single frames come from a list filled from it, larger pieces from
 * the block itself.
 *
 *      alloc ── pop ──┐                        free
 *                     │                         │
 *     frame: up to 64 frames  <──────── of the claimed block, or of
 *                     ▲                   one that is full otherwise
 *              refill │                         │
 *                     │                         └── of any other: into that
 *                     │                             block's pair trees
 *     claimed: a block
 *                     ▲
 *               claim │ the fullest block, off the zone's lists
 *                   zone
 *
 * A last-in-first-out list would hand the frame just freed straight back, into
 * whatever block it lay in, and blocks would never empty. Here a freed frame is
 * kept only if it lies in the block that is being filled up anyway, or in one of
 * which all else is in use, since that is the fullest block there can be; every other
 * one returns to its block, and the next claim is the fullest again.
 *
 * pcp->lock is there for drains from another cpu (quire_page_drain), which a port can't be
 * asked to run elsewhere; it is the cpu's own cache line and not contended.
 */
#ifndef PHYS_PCP_H
#define PHYS_PCP_H

#include "phys/frames.h"
#include "phys/zone.h"

/** struct pcp - one cpu's list for one zone and mobility. (P): lock held */
struct pcp {
	_Alignas(64) struct lock lock;
	uint32_t count;    /* (P) frames on the list */
	/* (P) Sizes, raised when the zone gets more memory; read without the lock, too. */
	_Atomic uint32_t room;     /* frames that it holds: QUIRE_PCP_BATCH; 0 for CMA, isolated,
				    * and where there are no lists */
	_Atomic uint32_t batch;    /* frames reported at once: QUIRE_PCP_BATCH or 1 */
	_Atomic uint32_t huge_max; /* blocks of order 9 kept */
	_Atomic uint32_t nr_pending; /* frames freed and not yet added to the zone's count; of
				      * this cpu alone, no lock */
	uint32_t nr_huge;  /* (P) blocks of order 9 kept now */
	struct block *_Atomic claimed; /* (P) NULL: none */
	struct quire *q;   /* its machine; constant */
	struct zone *zone; /* its zone; constant */
	uint32_t id;       /* LISTS(zone, mobility); constant */

	/* Frames that passed through; the fast paths count only what they turn round. */
	uint64_t nr_filled;   /* (P) onto the list from blocks, drained ones taken off */
	uint64_t nr_turned;   /* (P) freed straight onto the list */
	uint64_t nr_pieces;   /* (P) allocated in larger pieces */
	uint64_t nr_reported; /* of this cpu alone: freed and added to the zone's count */
	uint64_t nr_refills;  /* (P) */
	uint64_t nr_claims;   /* (P) */
	uint64_t huge_allocs; /* (P) blocks of order 9 allocated from here */
	uint64_t huge_frees;  /* (P) blocks of order 9 freed to here */

	struct quire_page *frame[QUIRE_PCP_BATCH]; /* (P) the list */
	uint32_t huge[QUIRE_PCP_HUGE];             /* (P) indexes of whole blocks */
};

#define NR_LISTS (QUIRE_NR_ZONES * QUIRE_NR_MIGRATE)
#define LISTS(zone, type) ((zone) * QUIRE_NR_MIGRATE + (type))
#define LISTS_ZONE(id) ((id) / QUIRE_NR_MIGRATE)
#define LISTS_TYPE(id) ((id) % QUIRE_NR_MIGRATE)

/* From one cpu's lists to the next: a power of two, so that finding them is a shift. */
#define PCP_STRIDE (QUIRE_PCP_BATCH <= 64 ? 1024u : 8192u)
_Static_assert(sizeof(struct pcp) <= PCP_STRIDE, "a cpu's lists fit their place");

/** pcp_of - the lists of the cpu that quire_port_cpu_enter named. @first: those of cpu 0 */
static inline struct pcp *pcp_of(struct pcp *first, uintptr_t token)
{
	return (struct pcp *)((char *)first + (token & 0xffff) * PCP_STRIDE);
}

/** pcp_setup - allocate the lists of all zones. Return: 0; -QUIRE_ENOMEM, then nothing is kept */
int pcp_setup(struct quire *q);

/** pcp_size - set the lists' sizes from the zones' managed counts. Locks: takes pcp->lock */
void pcp_size(struct quire *q);

/** pcp_destroy - give the lists' memory back */
void pcp_destroy(struct quire *q);

/**
 * pcp_refill - fill the list from the claimed block, or from one that it claims
 * @pcp: the list, empty
 *
 * Return: true if there is a frame on it now; never for a list without room
 * Locks:  pcp->lock held; takes zone->lock and block->lock
 */
bool pcp_refill(struct pcp *pcp);

/**
 * pcp_take - take a piece of the claimed block
 * @pcp:   the list, with room
 * @order: 1 .. 8
 *
 * Claims a block if there is none or it is full.
 *
 * Return: index of the first frame; FRAME_NONE if it has no piece that large
 * Locks:  as pcp_refill
 */
uint32_t pcp_take(struct pcp *pcp, unsigned order);

/** pcp_take_huge - a whole block that the cpu keeps, FRAME_NONE if none. Locks: pcp->lock held */
static inline uint32_t pcp_take_huge(struct pcp *pcp)
{
	if (!pcp->nr_huge)
		return FRAME_NONE;
	pcp->huge_allocs++;
	return pcp->huge[--pcp->nr_huge];
}

/** pcp_report - add the pending frees to the zone's count. Context: on the list's own cpu */
void pcp_report(struct pcp *pcp);

/** pcp_zone_free - a zone's free frames, pending ones counted. @movable: CMA frames too */
uint64_t pcp_zone_free(const struct quire *q, const struct zone *zone, bool movable);

/** pcp_pending - frees of all cpus that a zone's count does not have yet */
int32_t pcp_pending(const struct quire *q, const struct zone *zone);

/** pcp_drain - return what is on all lists to the zones. Locks: takes pcp, zone, block->lock */
void pcp_drain(struct quire *q);

/** pcp_holds - is that free frame on a per-cpu list? Locks: nobody else uses the machine */
bool pcp_holds(const struct quire *q, uint32_t i);

/** pcp_event - how often something happened on a list. Locks: as pcp_nr_pages */
uint64_t pcp_event(const struct pcp *pcp, enum quire_event event);

/** pcp_nr_pages - frames on a list. Locks: nobody else uses the machine */
uint64_t pcp_nr_pages(const struct pcp *pcp);

#endif
