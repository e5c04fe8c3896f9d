/* SPDX-License-Identifier: MIT */
/*
 * page.c - allocate and free: the fast paths
 *
 * A single frame comes from and goes to this cpu's lists (pcp.h) without a
 * look at the zone but for its free count against the low watermark. What the
 * fast paths can't do in a few tests is in page_slow.c.
 */
#include <quire/page.h>
#include <quire/port.h>

#include "core/assert.h"
#include "phys/machine.h"
#include "phys/page_slow.h"

/* Flags that change nothing for a request which the fast path can serve. */
#define FAST_FLAGS                                                                      \
	(QUIRE_GFP_BITS & ~(QUIRE_GFP_BIT_ZERO | QUIRE_GFP_BIT_COMP))

#define CPU(token) ((uint16_t)(token))

static inline struct quire_page *page_init(struct quire *q, uint32_t i)
{
	struct quire_page *page = &q->frames.pages[i];

	ASSERT("PHYS-5", relaxed_load(&page->head) == 0);
	relaxed_store(&page->count, 1);
	relaxed_store(&page->head, HEAD_USED);
	page->private = 0;
	return page;
}

struct quire_page *quire_page_alloc(struct quire *q, quire_gfp_t gfp, unsigned order)
{
	const struct route *route = &q->routes[ROUTE(gfp)];

	if (unlikely((gfp & ~FAST_FLAGS) | order) || unlikely(!route->pcp) ||
	    unlikely(relaxed_load(route->nr_free) <= route->low))
		return page_alloc_slow(q, gfp, order);

	uintptr_t token = quire_port_cpu_enter();
	struct pcp *pcp = &route->pcp[CPU(token)];
	struct pcp_list *list = &pcp->list[route->type];

	lock_take(&pcp->lock);
	if (unlikely(!list->count) &&
	    unlikely(!pcp_refill(q, pcp, &q->zones[route->zone[0]], route->type))) {
		lock_drop(&pcp->lock);
		quire_port_cpu_leave(token);
		return page_alloc_slow(q, gfp, order);
	}
	struct quire_page *page = page_init(q, list->frame[--list->count]);
	pcp->events[QUIRE_EVENT_ALLOC]++;
	lock_drop(&pcp->lock);
	quire_port_cpu_leave(token);
	return page;
}

/* Push a free frame onto this cpu's lists: see the picture in pcp.h. */
static inline void pcp_push(struct quire *q, struct pcp *pcp, const struct block *block,
			    uint32_t i)
{
	struct pcp_list *list = &pcp->list[relaxed_load(&block->type)];

	pcp->events[QUIRE_EVENT_FREE]++;
	if (list->block == i >> BLOCK_ORDER && list->count < pcp->room) {
		list->frame[list->count++] = i;
		return;
	}
	pcp->freed[pcp->nr_freed++] = i;
	if (unlikely(pcp->nr_freed >= pcp->batch))
		pcp_flush(q, pcp, &q->zones[block->zone]);
}

enum quire_free quire_page_free(struct quire *q, struct quire_page *page, unsigned order)
{
	if (unlikely(order) || unlikely(!frames_owns(&q->frames, page)) ||
	    unlikely(relaxed_load(&page->head) != HEAD_USED) ||
	    unlikely(relaxed_load(&page->count) != 1))
		return page_free_slow(q, page, order);

	uint32_t i = frames_index(&q->frames, page);
	const struct block *block = &q->blocks[i >> BLOCK_ORDER];
	uintptr_t token = quire_port_cpu_enter();
	struct pcp *pcp = &q->zones[block->zone].pcp[CPU(token)];

	lock_take(&pcp->lock);
	relaxed_store(&page->count, 0);
	relaxed_store(&page->head, 0);
	pcp_push(q, pcp, block, i);
	lock_drop(&pcp->lock);
	quire_port_cpu_leave(token);
	return QUIRE_FREE_OK;
}

size_t quire_page_alloc_bulk(struct quire *q, quire_gfp_t gfp, size_t nr, struct quire_page **pages)
{
	const struct route *route = &q->routes[ROUTE(gfp)];
	size_t had = 0;

	if (!(gfp & ~FAST_FLAGS) && route->pcp) {
		uintptr_t token = quire_port_cpu_enter();
		struct pcp *pcp = &route->pcp[CPU(token)];
		struct pcp_list *list = &pcp->list[route->type];

		lock_take(&pcp->lock);
		while (had < nr && relaxed_load(route->nr_free) > route->low) {
			if (!list->count &&
			    !pcp_refill(q, pcp, &q->zones[route->zone[0]], route->type))
				break;
			uint32_t count = list->count;
			size_t end = nr - had < count ? nr : had + count;

			while (had < end)
				pages[had++] = page_init(q, list->frame[--count]);
			pcp->events[QUIRE_EVENT_ALLOC] += list->count - count;
			list->count = count;
		}
		lock_drop(&pcp->lock);
		quire_port_cpu_leave(token);
	}
	for (; had < nr; had++) {
		pages[had] = page_alloc_slow(q, gfp, 0);
		if (!pages[had])
			break;
	}
	return had;
}

enum quire_free quire_page_free_bulk(struct quire *q, size_t nr, struct quire_page **pages,
				     size_t *done)
{
	enum quire_free outcome = QUIRE_FREE_OK;
	uintptr_t token = quire_port_cpu_enter();
	struct pcp *pcp = NULL;
	unsigned zone = QUIRE_NR_ZONES;
	size_t n;

	for (n = 0; n < nr; n++) {
		struct quire_page *page = pages[n];

		if (unlikely(!frames_owns(&q->frames, page)) ||
		    unlikely(relaxed_load(&page->head) != HEAD_USED) ||
		    unlikely(relaxed_load(&page->count) != 1)) {
			outcome = page_free_why(q, page, 0);
			if (outcome == QUIRE_FREE_OK)
				outcome = QUIRE_FREE_REFERENCED;
			break;
		}
		uint32_t i = frames_index(&q->frames, page);
		const struct block *block = &q->blocks[i >> BLOCK_ORDER];

		if (block->zone != zone) {
			if (pcp)
				lock_drop(&pcp->lock);
			zone = block->zone;
			pcp = &q->zones[zone].pcp[CPU(token)];
			lock_take(&pcp->lock);
		}
		relaxed_store(&page->count, 0);
		relaxed_store(&page->head, 0);
		pcp_push(q, pcp, block, i);
	}
	if (pcp)
		lock_drop(&pcp->lock);
	quire_port_cpu_leave(token);
	if (done)
		*done = n;
	return outcome;
}
