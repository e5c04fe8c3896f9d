/* SPDX-License-Identifier: MIT */
/*
 * page.c - allocate and free: the fast paths
 *
 * A single frame comes from and goes to this cpu's lists (pcp.h) without a
 * look at the zone but for its free count against the low watermark. What the
 * fast paths can't do in a few tests is in page_slow.c.
 *
 * They enter the processor first and look then, so that little has to be kept across the
 * call: bench/README.md has what that is worth.
 */
#include <quire/page.h>
#include <quire/port.h>

#include "core/assert.h"
#include "phys/machine.h"
#include "phys/page_slow.h"

/* Flags that change nothing for a request which the fast path can serve. */
#define FAST_FLAGS (QUIRE_GFP_BITS & ~(QUIRE_GFP_BIT_ZERO | QUIRE_GFP_BIT_COMP))

/* The word of a single frame with one reference. */
#define WORD_SINGLE (COUNT_ONE | HEAD_USED)

#define CPU(token) ((uint16_t)(token))

static inline void page_init(struct quire_page *page)
{
	ASSERT("PHYS-5", relaxed_load(&page->word) == 0);
	relaxed_store(&page->word, WORD_SINGLE);
	page->private = 0;
}

struct quire_page *quire_page_alloc(struct quire *q, quire_gfp_t gfp, unsigned order)
{
	if (unlikely((gfp & ~FAST_FLAGS) | order))
		return page_alloc_slow(q, gfp, order);

	uintptr_t token = quire_port_cpu_enter();
	const struct route *route = &q->routes[ROUTE(gfp)];

	if (likely(relaxed_load(route->nr_free) > route->low)) {
		struct pcp *pcp = &route->pcp[CPU(token)];
		unsigned type = route->type;

		lock_take(&pcp->lock);
		if (likely(pcp->count[type]) ||
		    pcp_refill(q, pcp, &q->zones[route->zone[0]], type)) {
			struct quire_page *page = pcp->frame[type][--pcp->count[type]];

			page_init(page);
			lock_drop(&pcp->lock);
			quire_port_cpu_leave(token);
			return page;
		}
		lock_drop(&pcp->lock);
	}
	quire_port_cpu_leave(token);
	return page_alloc_slow(q, gfp, order);
}

/* Push a free frame onto this cpu's lists: see the picture in pcp.h. */
static inline void pcp_push(struct quire *q, struct pcp *pcp, const struct block *block,
			    struct quire_page *page, uint32_t i)
{
	unsigned type = relaxed_load(&block->type);

	if (pcp->block[type] == i >> BLOCK_ORDER && pcp->count[type] < pcp->room) {
		pcp->frame[type][pcp->count[type]++] = page;
		pcp->nr_turned++;
		return;
	}
	pcp->freed[pcp->nr_freed++] = i;
	if (unlikely(pcp->nr_freed >= pcp->batch))
		pcp_flush(q, pcp, &q->zones[block->zone]);
}

enum quire_free quire_page_free(struct quire *q, struct quire_page *page, unsigned order)
{
	if (unlikely(order))
		return page_free_slow(q, page, order);

	uintptr_t token = quire_port_cpu_enter();
	uintptr_t i = frames_offer(&q->frames, page);

	if (unlikely(i >= q->frames.nr) || unlikely(relaxed_load(&page->word) != WORD_SINGLE)) {
		quire_port_cpu_leave(token);
		return page_free_slow(q, page, order);
	}
	const struct block *block = &q->blocks[i >> BLOCK_ORDER];
	struct pcp *pcp = &q->pcp[block->zone][CPU(token)];

	lock_take(&pcp->lock);
	relaxed_store(&page->word, 0);
	pcp_push(q, pcp, block, page, (uint32_t)i);
	lock_drop(&pcp->lock);
	quire_port_cpu_leave(token);
	return QUIRE_FREE_OK;
}

/* As many as this cpu's lists and the first zone give above its low watermark. */
static size_t alloc_bulk_fast(struct quire *q, const struct route *route, size_t nr,
			      struct quire_page **pages)
{
	uintptr_t token = quire_port_cpu_enter();
	struct pcp *pcp = &route->pcp[CPU(token)];
	unsigned type = route->type;
	size_t had = 0;

	lock_take(&pcp->lock);
	while (had < nr && relaxed_load(route->nr_free) > route->low) {
		if (!pcp->count[type] && !pcp_refill(q, pcp, &q->zones[route->zone[0]], type))
			break;
		uint32_t count = pcp->count[type];
		size_t end = nr - had < count ? nr : had + count;

		while (had < end) {
			struct quire_page *page = pcp->frame[type][--count];

			page_init(page);
			pages[had++] = page;
		}
		pcp->count[type] = count;
	}
	lock_drop(&pcp->lock);
	quire_port_cpu_leave(token);
	return had;
}

size_t quire_page_alloc_bulk(struct quire *q, quire_gfp_t gfp, size_t nr, struct quire_page **pages)
{
	const struct route *route = &q->routes[ROUTE(gfp)];
	size_t had = 0;

	if (!(gfp & ~FAST_FLAGS) && route->pcp)
		had = alloc_bulk_fast(q, route, nr, pages);
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
		uintptr_t i = frames_offer(&q->frames, page);

		if (unlikely(i >= q->frames.nr) ||
		    unlikely(relaxed_load(&page->word) != WORD_SINGLE)) {
			outcome = page_free_why(q, page, 0);
			if (outcome == QUIRE_FREE_OK)
				outcome = QUIRE_FREE_REFERENCED;
			break;
		}
		const struct block *block = &q->blocks[i >> BLOCK_ORDER];

		if (unlikely(block->zone != zone)) {
			if (pcp)
				lock_drop(&pcp->lock);
			zone = block->zone;
			pcp = &q->pcp[zone][CPU(token)];
			lock_take(&pcp->lock);
		}
		relaxed_store(&page->word, 0);
		pcp_push(q, pcp, block, page, (uint32_t)i);
	}
	if (pcp)
		lock_drop(&pcp->lock);
	quire_port_cpu_leave(token);
	if (done)
		*done = n;
	return outcome;
}
