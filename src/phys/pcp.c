/* SPDX-License-Identifier: MIT */
/*
 * pcp.c - claiming blocks, filling and draining the per-cpu frame lists
 */
#include "phys/pcp.h"

#include <quire/port.h>

#include "core/assert.h"
#include "core/string.h"
#include "phys/buddy.h"
#include "phys/machine.h"

/* A zone with less than 4 MB per cpu would be emptied by lists; it has none. */
#define PCP_MIN_FRAMES 1024
/* Whole blocks kept by all cpus together: at most 1/64 of the zone. */
#define PCP_HUGE_SHARE 64

int pcp_setup(struct quire *q)
{
	for (unsigned id = 0; id < NR_LISTS; id++) {
		if (!q->zones[LISTS_ZONE(id)].nr_blocks)
			continue;
		q->pcp[id] = quire_port_alloc(q->config.host, quire_phys(QUIRE_PORT_ANYWHERE),
					      q->config.nr_cpus * PCP_STRIDE);
		if (!q->pcp[id]) {
			pcp_destroy(q);
			return -QUIRE_ENOMEM;
		}
		for (unsigned cpu = 0; cpu < q->config.nr_cpus; cpu++) {
			struct pcp *pcp = pcp_of(q->pcp[id], cpu);

			pcp->q = q;
			pcp->zone = &q->zones[LISTS_ZONE(id)];
			pcp->id = id;
			pcp->batch = 1;
		}
	}
	return 0;
}

void pcp_size(struct quire *q)
{
	for (unsigned id = 0; id < NR_LISTS; id++) {
		uint64_t share = q->zones[LISTS_ZONE(id)].managed / q->config.nr_cpus;
		uint64_t blocks = share / QUIRE_MIGRATE_CMA / PCP_HUGE_SHARE / BLOCK_FRAMES;
		uint32_t huge = blocks < QUIRE_PCP_HUGE ? (uint32_t)blocks : QUIRE_PCP_HUGE;
		bool on = !q->config.no_pcp && LISTS_TYPE(id) < QUIRE_MIGRATE_CMA &&
			  share >= PCP_MIN_FRAMES;

		for (unsigned cpu = 0; q->pcp[id] && cpu < q->config.nr_cpus; cpu++) {
			struct pcp *pcp = pcp_of(q->pcp[id], cpu);

			lock_take(&pcp->lock);
			pcp->batch = on ? QUIRE_PCP_BATCH : 1;
			pcp->room = on ? QUIRE_PCP_BATCH : 0;
			pcp->huge_max = on ? huge : 0;
			lock_drop(&pcp->lock);
		}
	}
}

void pcp_destroy(struct quire *q)
{
	for (unsigned id = 0; id < NR_LISTS; id++) {
		quire_port_free(q->config.host, q->pcp[id], q->config.nr_cpus * PCP_STRIDE);
		q->pcp[id] = NULL;
	}
}

/* Let go of the claimed block and claim another. Return: NULL if no block serves */
static struct block *claim(struct pcp *pcp, unsigned order)
{
	struct quire *q = pcp->q;
	struct zone *zone = pcp->zone;
	struct block *block = relaxed_load(&pcp->claimed);

	if (!pcp_zone_free(q, zone, true))
		return NULL;
	lock_take(&zone->lock);
	if (block)
		buddy_unclaim(q, zone, block);
	block = buddy_claim(q, zone, LISTS_TYPE(pcp->id), order);
	lock_drop(&zone->lock);
	relaxed_store(&pcp->claimed, block);
	pcp->nr_claims++;
	return block;
}

/*
 * Take up to @nr frames of a block, smallest pieces first, storing below @top. They are
 * counted under the block's lock, as long as it has the type that they were free under.
 */
static struct quire_page **take_frames(struct quire *q, struct block *block, uint32_t nr,
				       struct quire_page **top)
{
	struct quire_page **from = top;
	struct quire_page *first = &q->frames.pages[(block - q->blocks) << BLOCK_ORDER];

	lock_take(&block->lock);
	while (nr && relaxed_load(&block->largest) >= 0) {
		uint32_t f;
		int order = block_take_smallest(block, (int)bits_last32(nr), &f);
		struct quire_page *page = first + f;
		struct quire_page **end = top - (1u << order);

		nr -= 1u << order;
		if (!order)
			*--top = page;
		for (; top > end; page += 2) { /* two at a time: an even number is left */
			top -= 2;
			top[1] = page;
			top[0] = page + 1;
		}
	}
	zone_add_free(&q->zones[block->zone], relaxed_load(&block->type), (int32_t)(top - from));
	lock_drop(&block->lock);
	return top;
}

bool pcp_refill(struct pcp *pcp)
{
	struct quire *q = pcp->q;
	struct quire_page **frame = pcp->frame, **top = frame + pcp->batch;
	struct block *block = relaxed_load(&pcp->claimed);

	ASSERT("PHYS-7", !pcp->count);
	if (!pcp->room)
		return false;
	if (!block)
		block = claim(pcp, 0);
	while (block) {
		top = take_frames(q, block, (uint32_t)(top - frame), top);
		if (top == frame)
			break;
		block = claim(pcp, 0);
	}
	uint32_t nr = pcp->batch - (uint32_t)(top - frame);
	if (top > frame)
		memmove(frame, top, nr * sizeof(*frame));
	pcp->count = nr;
	pcp->nr_filled += nr;
	pcp->nr_refills++;
	return nr;
}

uint32_t pcp_take(struct pcp *pcp, unsigned order)
{
	struct block *block = relaxed_load(&pcp->claimed);
	uint32_t f = BLOCK_FRAMES;

	if (!block || relaxed_load(&block->largest) < 0)
		block = claim(pcp, order);
	if (!block)
		return FRAME_NONE;
	lock_take(&block->lock);
	if (relaxed_load(&block->largest) >= (int)order) {
		f = block_take(block, (int)order);
		zone_add_free(pcp->zone, relaxed_load(&block->type), -(int32_t)(1u << order));
	}
	lock_drop(&block->lock);
	if (f == BLOCK_FRAMES)
		return FRAME_NONE;
	pcp->nr_pieces += 1u << order;
	return (uint32_t)(block - pcp->q->blocks) << BLOCK_ORDER | f;
}

void pcp_report(struct pcp *pcp)
{
	uint32_t nr = relaxed_load(&pcp->nr_pending);

	relaxed_store(&pcp->nr_pending, 0);
	pcp->nr_reported += nr;
	zone_add_free(pcp->zone, LISTS_TYPE(pcp->id), (int32_t)nr);
}

int32_t pcp_pending(const struct quire *q, const struct zone *zone)
{
	int32_t nr = 0;

	for (unsigned type = 0; type < QUIRE_MIGRATE_CMA; type++) {
		struct pcp *first = q->pcp[LISTS(zone->id, type)];

		for (unsigned cpu = 0; first && cpu < q->config.nr_cpus; cpu++)
			nr += (int32_t)relaxed_load(&pcp_of(first, cpu)->nr_pending);
	}
	return nr;
}

uint64_t pcp_zone_free(const struct quire *q, const struct zone *zone, bool movable)
{
	int32_t nr = relaxed_load(&zone->nr_free[movable]) + pcp_pending(q, zone);

	return nr > 0 ? (uint64_t)nr : 0;
}

static void give_back(struct quire *q, struct zone *zone, uint32_t i, unsigned order)
{
	zone_add_free(zone, relaxed_load(&q->blocks[i >> BLOCK_ORDER].type), 1 << order);
	buddy_free(q, zone, i, order);
}

static void drain(struct quire *q, struct pcp *pcp)
{
	struct zone *zone = pcp->zone;

	lock_take(&pcp->lock);
	lock_take(&zone->lock);
	struct block *block = relaxed_load(&pcp->claimed);

	pcp->nr_filled -= pcp->count;
	while (pcp->count)
		give_back(q, zone, frames_index(&q->frames, pcp->frame[--pcp->count]), 0);
	if (block)
		buddy_unclaim(q, zone, block);
	relaxed_store(&pcp->claimed, NULL);
	while (pcp->nr_huge)
		give_back(q, zone, pcp->huge[--pcp->nr_huge], BLOCK_ORDER);
	lock_drop(&zone->lock);
	lock_drop(&pcp->lock);
}

void pcp_drain(struct quire *q)
{
	for (unsigned id = 0; id < NR_LISTS; id++) {
		for (unsigned cpu = 0; q->pcp[id] && cpu < q->config.nr_cpus; cpu++)
			drain(q, pcp_of(q->pcp[id], cpu));
	}
}

static bool list_holds(const struct quire *q, const struct pcp *pcp, uint32_t i)
{
	for (uint32_t n = 0; n < pcp->count; n++) {
		if (pcp->frame[n] == &q->frames.pages[i])
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
	unsigned zone = q->blocks[i >> BLOCK_ORDER].zone;

	for (unsigned type = 0; type < QUIRE_MIGRATE_CMA; type++) {
		for (unsigned cpu = 0; cpu < q->config.nr_cpus; cpu++) {
			if (list_holds(q, pcp_of(q->pcp[LISTS(zone, type)], cpu), i))
				return true;
		}
	}
	return false;
}

uint64_t pcp_nr_pages(const struct pcp *pcp)
{
	return pcp->count + (uint64_t)pcp->nr_huge * BLOCK_FRAMES;
}

uint64_t pcp_event(const struct pcp *pcp, enum quire_event event)
{
	switch (event) {
	case QUIRE_EVENT_ALLOC: /* what came onto the list and is not there now */
		return pcp->nr_filled + pcp->nr_turned - pcp->count + pcp->nr_pieces +
		       pcp->huge_allocs * BLOCK_FRAMES;
	case QUIRE_EVENT_FREE:
		return pcp->nr_reported + relaxed_load(&pcp->nr_pending) + pcp->nr_turned +
		       pcp->huge_frees * BLOCK_FRAMES;
	case QUIRE_EVENT_REFILL:
		return pcp->nr_refills;
	case QUIRE_EVENT_CLAIM:
		return pcp->nr_claims;
	default:
		return 0;
	}
}
