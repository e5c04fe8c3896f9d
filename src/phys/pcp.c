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
		zone->pcp = quire_port_alloc(q->config.host, quire_phys(QUIRE_PORT_ANYWHERE),
					     q->config.nr_cpus * sizeof(*zone->pcp));
		if (!zone->pcp) {
			pcp_destroy(q);
			return -QUIRE_ENOMEM;
		}
		for (unsigned cpu = 0; cpu < q->config.nr_cpus; cpu++) {
			for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++)
				zone->pcp[cpu].list[type].block = BLOCK_NONE;
			zone->pcp[cpu].batch = 1;
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

		for (unsigned cpu = 0; zone->pcp && cpu < q->config.nr_cpus; cpu++) {
			struct pcp *pcp = &zone->pcp[cpu];

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
		quire_port_free(q->config.host, q->zones[z].pcp,
				q->config.nr_cpus * sizeof(*q->zones[z].pcp));
		q->zones[z].pcp = NULL;
	}
}

bool pcp_refill(struct quire *q, struct pcp *pcp, struct zone *zone, unsigned type)
{
	struct pcp_list *list = &pcp->list[type];
	uint32_t got[QUIRE_PCP_BATCH];

	ASSERT("PHYS-7", !list->count);
	lock_take(&zone->lock);
	uint32_t nr = buddy_alloc_frames(q, zone, type, pcp->batch, got);
	lock_drop(&zone->lock);
	if (!nr)
		return false;
	list->block = pcp->room ? got[nr - 1] >> BLOCK_ORDER : BLOCK_NONE;
	list->count = nr;
	for (uint32_t i = 0; i < nr; i++)
		list->frame[nr - 1 - i] = got[i];
	pcp->events[QUIRE_EVENT_REFILL]++;
	return true;
}

void pcp_flush(struct quire *q, struct pcp *pcp, struct zone *zone)
{
	lock_take(&zone->lock);
	for (uint32_t i = 0; i < pcp->nr_freed; i++)
		buddy_free(q, zone, pcp->freed[i], 0);
	lock_drop(&zone->lock);
	pcp->nr_freed = 0;
	pcp->events[QUIRE_EVENT_DRAIN]++;
}

void pcp_drain(struct quire *q, struct pcp *pcp, struct zone *zone)
{
	lock_take(&pcp->lock);
	pcp_flush(q, pcp, zone);
	lock_take(&zone->lock);
	for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++) {
		struct pcp_list *list = &pcp->list[type];

		while (list->count)
			buddy_free(q, zone, list->frame[--list->count], 0);
		list->block = BLOCK_NONE;
	}
	while (pcp->nr_huge)
		buddy_free(q, zone, pcp->huge[--pcp->nr_huge], BLOCK_ORDER);
	lock_drop(&zone->lock);
	lock_drop(&pcp->lock);
}

static bool pcp_list_holds(const struct pcp *pcp, uint32_t i)
{
	for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++) {
		const struct pcp_list *list = &pcp->list[type];

		for (uint32_t n = 0; n < list->count; n++) {
			if (list->frame[n] == i)
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
		if (pcp_list_holds(&zone->pcp[cpu], i))
			return true;
	}
	return false;
}

uint64_t pcp_nr_pages(const struct pcp *pcp)
{
	uint64_t nr = pcp->nr_freed + (uint64_t)pcp->nr_huge * BLOCK_FRAMES;

	for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++)
		nr += pcp->list[type].count;
	return nr;
}
