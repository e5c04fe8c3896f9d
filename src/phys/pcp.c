/* SPDX-License-Identifier: MIT */
/*
 * pcp.c - filling and draining the per-cpu frame lists
 */
#include "phys/pcp.h"

#include <quire/port.h>

#include "core/assert.h"
#include "phys/buddy.h"
#include "phys/machine.h"

/* A zone below 4 MB per list would be emptied by them; it has none. */
#define PCP_MIN_FRAMES 1024
/* Whole blocks kept per cpu: at most 1/64 of the zone. */
#define PCP_HUGE_SHARE 64

int pcp_setup(struct quire *q)
{
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		struct zone *zone = &q->zones[z];

		if (!zone->nr_blocks)
			continue;
		q->pcp[z] = quire_port_alloc(q->config.host, quire_phys(QUIRE_PORT_ANYWHERE),
					     q->config.nr_cpus * sizeof(struct pcp));
		if (!q->pcp[z]) {
			pcp_destroy(q);
			return -QUIRE_ENOMEM;
		}
		for (unsigned cpu = 0; cpu < q->config.nr_cpus; cpu++) {
			for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++)
				q->pcp[zone->id][cpu].block[type] = BLOCK_NONE;
			q->pcp[zone->id][cpu].batch = 1;
		}
	}
	return 0;
}

void pcp_size(struct quire *q)
{
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		struct zone *zone = &q->zones[z];
		bool on = !q->config.no_pcp &&
			  zone->managed >= (uint64_t)PCP_MIN_FRAMES * q->config.nr_cpus;
		uint64_t huge = zone->managed / q->config.nr_cpus / PCP_HUGE_SHARE / BLOCK_FRAMES;

		for (unsigned cpu = 0; q->pcp[zone->id] && cpu < q->config.nr_cpus; cpu++) {
			struct pcp *pcp = &q->pcp[zone->id][cpu];

			pcp->batch = on ? QUIRE_PCP_BATCH : 1;
			pcp->room = on ? QUIRE_PCP_BATCH : 0;
			pcp->huge_max = !on			 ? 0
					: huge < QUIRE_PCP_HUGE ? (uint32_t)huge
								 : QUIRE_PCP_HUGE;
		}
	}
}

void pcp_destroy(struct quire *q)
{
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		quire_port_free(q->config.host, q->pcp[z], q->config.nr_cpus * sizeof(struct pcp));
		q->pcp[z] = NULL;
	}
}

bool pcp_refill(struct quire *q, struct pcp *pcp, struct zone *zone, unsigned type)
{
	struct quire_page **frame = pcp->frame[type];

	ASSERT("PHYS-7", !pcp->count[type]);
	lock_take(&zone->lock);
	uint32_t nr = buddy_alloc_frames(q, zone, type, pcp->batch, frame);
	lock_drop(&zone->lock);
	if (!nr)
		return false;
	if (pcp->room)
		pcp->block[type] = frames_index(&q->frames, frame[0]) >> BLOCK_ORDER;
	pcp->count[type] = nr;
	pcp->nr_filled += nr;
	pcp->nr_refills++;
	return true;
}

void pcp_flush(struct quire *q, struct pcp *pcp, struct zone *zone)
{
	lock_take(&zone->lock);
	buddy_free_frames(q, zone, pcp->freed, pcp->nr_freed);
	lock_drop(&zone->lock);
	pcp->nr_flushed += pcp->nr_freed;
	pcp->nr_freed = 0;
	pcp->nr_drains++;
}

void pcp_drain(struct quire *q, struct pcp *pcp, struct zone *zone)
{
	lock_take(&pcp->lock);
	if (pcp->nr_freed)
		pcp_flush(q, pcp, zone);
	lock_take(&zone->lock);
	for (unsigned type = 0; type < QUIRE_MIGRATE_CMA; type++) {
		pcp->nr_filled -= pcp->count[type];
		while (pcp->count[type]) {
			const struct quire_page *page = pcp->frame[type][--pcp->count[type]];

			buddy_free(q, zone, frames_index(&q->frames, page), 0);
		}
		pcp->block[type] = BLOCK_NONE;
	}
	while (pcp->nr_huge)
		buddy_free(q, zone, pcp->huge[--pcp->nr_huge], BLOCK_ORDER);
	lock_drop(&zone->lock);
	lock_drop(&pcp->lock);
}

static bool list_holds(const struct quire *q, const struct pcp *pcp, uint32_t i)
{
	for (unsigned type = 0; type < QUIRE_MIGRATE_CMA; type++) {
		for (uint32_t n = 0; n < pcp->count[type]; n++) {
			if (pcp->frame[type][n] == &q->frames.pages[i])
				return true;
		}
	}
	for (uint32_t n = 0; n < pcp->nr_freed; n++) {
		if (pcp->freed[n] == i)
			return true;
	}
	for (uint32_t n = 0; n < pcp->nr_huge; n++) {
		if (pcp->huge[n] >> BLOCK_ORDER == i >> BLOCK_ORDER)
			return true;
	}
	return false;
}

bool pcp_holds(const struct quire *q, uint32_t i)
{
	const struct zone *zone = &q->zones[q->blocks[i >> BLOCK_ORDER].zone];

	for (unsigned cpu = 0; cpu < q->config.nr_cpus; cpu++) {
		if (list_holds(q, &q->pcp[zone->id][cpu], i))
			return true;
	}
	return false;
}

static uint32_t nr_allocatable(const struct pcp *pcp)
{
	uint32_t nr = 0;

	for (unsigned type = 0; type < QUIRE_MIGRATE_CMA; type++)
		nr += pcp->count[type];
	return nr;
}

uint64_t pcp_nr_pages(const struct pcp *pcp)
{
	return pcp->nr_freed + nr_allocatable(pcp) + (uint64_t)pcp->nr_huge * BLOCK_FRAMES;
}

uint64_t pcp_event(const struct pcp *pcp, enum quire_event event)
{
	switch (event) {
	case QUIRE_EVENT_ALLOC: /* what came onto the allocation sides and is not there now */
		return pcp->nr_filled + pcp->nr_turned - nr_allocatable(pcp) +
		       pcp->huge_allocs * BLOCK_FRAMES;
	case QUIRE_EVENT_FREE:
		return pcp->nr_flushed + pcp->nr_freed + pcp->nr_turned +
		       pcp->huge_frees * BLOCK_FRAMES;
	case QUIRE_EVENT_REFILL:
		return pcp->nr_refills;
	case QUIRE_EVENT_DRAIN:
		return pcp->nr_drains;
	default:
		return 0;
	}
}
