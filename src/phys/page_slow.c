/* SPDX-License-Identifier: MIT */
/*
 * page_slow.c - allocation and free off the fast path
 *
 * An allocation makes up to four passes over the zones that its flags allow:
 *
 *   1. against the low watermark
 *   2. after waking background reclaim, against min, of which HIGH and ATOMIC may use a
 *      part; with MEMALLOC against nothing
 *   3. the same after emptying the per-cpu lists: other cpus and other types of this one may
 *      have claimed blocks that are free for the most part
 *   4. if the caller can wait: after asking the pressure hook, again, as long as
 *      it makes progress
 *
 * NOFAIL ends with a pass against nothing.
 */
#include "phys/page_slow.h"

#include <quire/port.h>

#include "core/assert.h"
#include "phys/buddy.h"
#include "phys/machine.h"

/*
 * Rounds of reclaim without a NOFAIL, as many as Linux makes. Blocks above its "costly" order are
 * worth only one, unless the caller says that it would rather wait.
 */
#define RECLAIM_ROUNDS 16
#define COSTLY_ORDER 3
#define NO_WMARK QUIRE_NR_WMARKS

/* May the zone give 2^order frames and stay above the mark? NO_WMARK: always. */
static bool zone_passes(const struct quire *q, const struct zone *zone, const struct route *route,
			quire_gfp_t gfp, unsigned order, enum quire_wmark wmark)
{
	bool movable = route->type == QUIRE_MIGRATE_MOVABLE;

	if (wmark == NO_WMARK)
		return true;
	int64_t need = (int64_t)zone_need(zone, wmark, gfp, route->highest) + (1 << order);
	int64_t pending_most = (int64_t)q->config.nr_cpus * QUIRE_MIGRATE_CMA * QUIRE_PCP_BATCH;
	if (relaxed_load(&zone->nr_free[movable]) + pending_most < need)
		return false; /* whatever the cpus have not reported yet */
	return (int64_t)pcp_zone_free(q, zone, movable) >= need;
}

uint32_t page_take_straight(struct quire *q, unsigned id, unsigned order)
{
	struct zone *zone = &q->zones[LISTS_ZONE(id)];

	lock_take(&zone->lock);
	uint32_t i = buddy_alloc(q, zone, LISTS_TYPE(id), order);
	if (i != FRAME_NONE)
		zone->events[QUIRE_EVENT_ALLOC] += 1u << order;
	lock_drop(&zone->lock);
	return i;
}

/* From a cpu's list, its blocks of order 9, or the block that it has claimed. */
static uint32_t take_listed(struct pcp *pcp, unsigned order)
{
	if (order == BLOCK_ORDER)
		return pcp_take_huge(pcp);
	if (order)
		return pcp_take(pcp, order);
	if (pcp->count || pcp_refill(pcp))
		return frames_index(&pcp->q->frames, pcp->frame[--pcp->count]);
	return FRAME_NONE;
}

/* One attempt in one zone. Return: index of the first frame, FRAME_NONE */
static uint32_t zone_take(struct quire *q, unsigned id, unsigned order)
{
	uintptr_t token = quire_port_cpu_enter();
	struct pcp *pcp = pcp_of(q->pcp[id], token);
	uint32_t i = FRAME_NONE, room = pcp->room;

	if (order <= BLOCK_ORDER && room) {
		lock_take(&pcp->lock);
		i = take_listed(pcp, order);
		lock_drop(&pcp->lock);
	}
	if (i == FRAME_NONE && (order || !room)) /* a list finds any frame there is */
		i = page_take_straight(q, id, order);
	quire_port_cpu_leave(token);
	return i;
}

static uint32_t zones_take(struct quire *q, const struct route *route, quire_gfp_t gfp,
			   unsigned order, enum quire_wmark wmark)
{
	for (unsigned n = 0; n < route->nr; n++) {
		struct zone *zone = &q->zones[route->zone[n]];

		if (!zone_passes(q, zone, route, gfp, order, wmark))
			continue;
		uint32_t i = zone_take(q, LISTS(zone->id, route->type), order);
		if (i != FRAME_NONE)
			return i;
	}
	return FRAME_NONE;
}

static uint32_t reclaim_and_take(struct quire *q, const struct route *route, quire_gfp_t gfp,
				 unsigned order, enum quire_wmark wmark)
{
	bool once = (gfp & QUIRE_GFP_BIT_NORETRY) ||
		    (order > COSTLY_ORDER && !(gfp & QUIRE_GFP_BIT_RETRY_MAYFAIL));
	unsigned rounds = once ? 1 : RECLAIM_ROUNDS;
	uint32_t i = FRAME_NONE;

	do {
		uint64_t freed = tiers_reclaim(q, gfp);

		if (!freed && q->pressure.reclaim)
			freed = q->pressure.reclaim(q->pressure.ctx, gfp, order);
		if (!freed)
			break;
		quire_page_drain(q);
		i = zones_take(q, route, gfp, order, wmark);
	} while (i == FRAME_NONE && (--rounds || (gfp & QUIRE_GFP_BIT_NOFAIL)));
	return i;
}

static uint32_t find_frames(struct quire *q, const struct route *route, quire_gfp_t gfp,
			    unsigned order)
{
	uint32_t i = zones_take(q, route, gfp, order, QUIRE_WMARK_LOW);

	if (i != FRAME_NONE)
		return i;
	if ((gfp & QUIRE_GFP_BIT_KSWAPD) && q->pressure.wake) {
		for (unsigned n = 0; n < route->nr; n++)
			q->pressure.wake(q->pressure.ctx, route->zone[n]);
	}
	bool memalloc = (gfp & QUIRE_GFP_BIT_MEMALLOC) && !(gfp & QUIRE_GFP_BIT_NOMEMALLOC);
	enum quire_wmark wmark = memalloc ? NO_WMARK : QUIRE_WMARK_MIN;

	i = zones_take(q, route, gfp, order, wmark);
	if (i == FRAME_NONE) {
		quire_page_drain(q);
		i = zones_take(q, route, gfp, order, wmark);
	}
	if (i == FRAME_NONE && (gfp & QUIRE_GFP_BIT_DIRECT))
		i = reclaim_and_take(q, route, gfp, order, wmark);
	if (i == FRAME_NONE && (gfp & QUIRE_GFP_BIT_NOFAIL))
		i = zones_take(q, route, gfp, order, NO_WMARK);
	return i;
}

static void block_return(struct quire *q, uint32_t i, unsigned order);

struct quire_page *page_alloc_slow(struct quire *q, quire_gfp_t gfp, unsigned order)
{
	const struct route *route = &q->routes[ROUTE(gfp)];

	if ((gfp & ~QUIRE_GFP_BITS) || order > QUIRE_ORDER_MAX || !route->nr)
		return NULL;
	uint32_t i = find_frames(q, route, gfp, order);
	if (i == FRAME_NONE)
		return NULL;
	if ((gfp & QUIRE_GFP_BIT_ZERO) &&
	    quire_port_zero(q->config.host, quire_pfn(frames_pfn(&q->frames, i)), 1u << order)) {
		block_return(q, i, order);
		return NULL;
	}
	struct quire_page *page = &q->frames.pages[i];
	ASSERT("PHYS-5", relaxed_load(&page->word) == 0);
	page->private = 0;
	relaxed_store(&page->word, COUNT_ONE | HEAD_USED | order);
	if ((gfp & QUIRE_GFP_BIT_COMP) && order) {
		relaxed_store(&page->word, COUNT_ONE | HEAD_USED | HEAD_COMPOUND | order);
		for (uint32_t n = 1; n < 1u << order; n++)
			relaxed_store(&page[n].word, HEAD_TAIL | order);
	}
	return page;
}

/* Count a block's frames as free; the halves of an order 10 block may be of two types. */
static void page_add_free(const struct quire *q, struct zone *zone, uint32_t i, unsigned order)
{
	uint32_t nr = 1u << (order < BLOCK_ORDER ? order : BLOCK_ORDER);

	for (uint32_t end = i + (1u << order); i < end; i += nr)
		zone_add_free(zone, relaxed_load(&q->blocks[i >> BLOCK_ORDER].type), (int32_t)nr);
}

/* Give the frames of a block back to the lists. Its words are cleared already. */
static void block_return(struct quire *q, uint32_t i, unsigned order)
{
	struct zone *zone = &q->zones[q->blocks[i >> BLOCK_ORDER].zone];
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&zone->lock);
	zone->events[QUIRE_EVENT_FREE] += 1u << order;
	page_add_free(q, zone, i, order);
	buddy_free(q, zone, i, order);
	lock_drop(&zone->lock);
	quire_port_cpu_leave(token);
}

/* The head of the allocated block that holds frame @i; FRAME_NONE if there is none. */
static uint32_t find_head(const struct quire *q, uint32_t i)
{
	for (unsigned order = 1; order <= QUIRE_ORDER_MAX; order++) {
		uint32_t first = i & ~((1u << order) - 1);
		uint32_t head = frames_head(&q->frames.pages[first]);

		if ((head & HEAD_USED) && first + (1u << (head & HEAD_ORDER)) > i)
			return first;
	}
	return FRAME_NONE;
}

enum quire_free page_free_why(struct quire *q, const struct quire_page *page, unsigned order)
{
	if (!frames_owns(&q->frames, page))
		return QUIRE_FREE_FOREIGN;
	uint32_t head = frames_head(page);
	if (head & HEAD_HOLE)
		return QUIRE_FREE_FOREIGN;
	if (head & HEAD_RESERVED)
		return QUIRE_FREE_RESERVED;
	if (head & HEAD_TAIL)
		return QUIRE_FREE_INSIDE;
	if (order > QUIRE_ORDER_MAX)
		return QUIRE_FREE_RANGE;
	if (!(head & HEAD_USED))
		return find_head(q, frames_index(&q->frames, page)) == FRAME_NONE
			       ? QUIRE_FREE_DOUBLE
			       : QUIRE_FREE_INSIDE;
	if (head & HEAD_OWNED)
		return QUIRE_FREE_OWNED;
	return (head & HEAD_ORDER) == order ? QUIRE_FREE_OK : QUIRE_FREE_ORDER;
}

/* Drop one reference. Return: true if it was the last, and the block's words are cleared */
static bool drop(struct quire_page *page)
{
	uint32_t word = atomic_fetch_sub_explicit(&page->word, COUNT_ONE, memory_order_acq_rel);

	if (word / COUNT_ONE != 1)
		return false;
	uint32_t nr = word & HEAD_COMPOUND ? 1u << (word & HEAD_ORDER) : 1;
	for (uint32_t n = 0; n < nr; n++)
		relaxed_store(&page[n].word, 0);
	return true;
}

enum quire_free page_free_slow(struct quire *q, struct quire_page *page, unsigned order)
{
	enum quire_free why = page_free_why(q, page, order);

	if (why == QUIRE_FREE_OK && drop(page))
		block_return(q, frames_index(&q->frames, page), order);
	return why;
}

int quire_page_get(struct quire *q, struct quire_page *page)
{
	if (!frames_owns(&q->frames, page))
		return -QUIRE_EINVAL;
	uint32_t word = relaxed_load(&page->word);
	do {
		if (!(word & HEAD_USED) || word < COUNT_ONE)
			return -QUIRE_EINVAL;
		/* Only an area of vmalloc leaves its frames to those who have references, too. */
		if (word & HEAD_OWNED && frames_owner(page) != QUIRE_OWNER_VMALLOC)
			return -QUIRE_EINVAL;
		if (word / COUNT_ONE == COUNT_MAX)
			return -QUIRE_EOVERFLOW;
	} while (!atomic_compare_exchange_weak_explicit(
		&page->word, &word, word + COUNT_ONE, memory_order_relaxed, memory_order_relaxed));
	return 0;
}

enum quire_free quire_page_put(struct quire *q, struct quire_page *page)
{
	return quire_page_free(q, page, frames_owns(&q->frames, page) ? quire_page_order(page) : 0);
}

struct quire_page *quire_page_head(struct quire *q, struct quire_page *page)
{
	uint32_t head = frames_owns(&q->frames, page) ? frames_head(page) : 0;

	if (!(head & HEAD_TAIL))
		return page;
	uint32_t i = frames_index(&q->frames, page);
	return &q->frames.pages[i & ~((1u << (head & HEAD_ORDER)) - 1)];
}

int quire_page_split(struct quire *q, struct quire_page *page)
{
	if (!frames_owns(&q->frames, page) || !(frames_head(page) & HEAD_USED))
		return -QUIRE_EINVAL;
	if (quire_page_count(page) != 1 || (frames_head(page) & HEAD_OWNED))
		return -QUIRE_EBUSY;
	uint32_t nr = 1u << quire_page_order(page);
	for (uint32_t n = 0; n < nr; n++) {
		if (n)
			page[n].private = 0;
		relaxed_store(&page[n].word, COUNT_ONE | HEAD_USED);
	}
	return 0;
}

static unsigned order_of(size_t bytes)
{
	unsigned order = 0;

	while (order <= QUIRE_ORDER_MAX && (size_t)QUIRE_PAGE_SIZE << order < bytes)
		order++;
	return order;
}

struct quire_page *quire_page_alloc_exact(struct quire *q, quire_gfp_t gfp, size_t bytes)
{
	unsigned order = order_of(bytes);

	if (!bytes || (gfp & QUIRE_GFP_BIT_COMP))
		return NULL;
	struct quire_page *page = quire_page_alloc(q, gfp, order);
	if (!page)
		return NULL;
	int error = quire_page_split(q, page);
	ASSERT("PHYS-5", !error);
	uint32_t nr = (uint32_t)((bytes + QUIRE_PAGE_SIZE - 1) / QUIRE_PAGE_SIZE);
	for (uint32_t n = nr; n < 1u << order; n++)
		quire_page_free(q, page + n, 0);
	return page;
}

enum quire_free quire_page_free_exact(struct quire *q, struct quire_page *page, size_t bytes)
{
	if (!bytes || order_of(bytes) > QUIRE_ORDER_MAX)
		return QUIRE_FREE_RANGE;
	uint32_t nr = (uint32_t)((bytes + QUIRE_PAGE_SIZE - 1) / QUIRE_PAGE_SIZE);
	for (uint32_t n = 0; n < nr; n++) {
		enum quire_free why = page_free_why(q, page + n, 0);

		if (why != QUIRE_FREE_OK)
			return why;
		if (quire_page_count(page + n) != 1)
			return QUIRE_FREE_REFERENCED;
	}
	for (uint32_t n = 0; n < nr; n++)
		quire_page_free(q, page + n, 0);
	return QUIRE_FREE_OK;
}

void quire_page_drain(struct quire *q)
{
	uintptr_t token = quire_port_cpu_enter();

	pcp_drain(q);
	quire_port_cpu_leave(token);
}

void quire_set_pressure(struct quire *q, const struct quire_pressure *hook)
{
	q->pressure = hook ? *hook : (struct quire_pressure){ 0 };
}
