/* SPDX-License-Identifier: MIT */
/*
 * page.c - allocate and free: the fast paths
 *
 * A single frame comes from and goes to this cpu's list (pcp.h) without a look at
 * the zone. What the fast paths can't do in a few tests is in page_slow.c.
 *
 * They enter the processor first and look then, and hand what is rare to functions that
 * end the stay themselves: so next to nothing is kept across the port's calls
 * (bench/README.md has what that is worth).
 */
#include <quire/page.h>
#include <quire/port.h>

#include "core/assert.h"
#include "phys/buddy.h"
#include "phys/machine.h"
#include "phys/page_slow.h"

/* Flags that change nothing for a request which the fast path can serve. */
#define FAST_FLAGS (QUIRE_GFP_BITS & ~(QUIRE_GFP_BIT_ZERO | QUIRE_GFP_BIT_COMP))

/*
 * The word of a single frame with one reference. Whoever frees the frame reads it with acquire:
 * what others wrote into the frame before they dropped their reference is done then.
 */
#define WORD_SINGLE (COUNT_ONE | HEAD_USED)

static inline void page_init(struct quire_page *page, unsigned order)
{
	ASSERT("PHYS-5", relaxed_load(&page->word) == 0);
	relaxed_store(&page->word, WORD_SINGLE | order);
	page->private = 0;
}

/*
 * The list is empty or locked by a drain, or there is none for such a request.
 * The zone's watermark is tested here, where frames leave the zone; a frame that is on
 * a list already is no free frame of the zone any more. Ends the stay on the processor.
 */
static COLD struct quire_page *alloc_cold(struct quire *q, quire_gfp_t gfp, uintptr_t token)
{
	const struct route *route = &q->routes[ROUTE(gfp)];
	struct quire_page *page = NULL;

	if (relaxed_load(route->nr_free) > relaxed_load(&route->low)) {
		struct pcp *pcp = pcp_of(route->pcp, token);

		lock_take(&pcp->lock);
		if (pcp->count || pcp_refill(pcp)) {
			page = pcp->frame[--pcp->count];
			page_init(page, 0);
		}
		lock_drop(&pcp->lock);
	}
	quire_port_cpu_leave(token);
	return page ? page : page_alloc_slow(q, gfp, 0);
}

/*
 * A block of more than one frame: from this cpu's claimed block, or its blocks of
 * order 9. Requests out of range and with rare flags pass through to page_alloc_slow.
 */
static APART struct quire_page *alloc_block(struct quire *q, quire_gfp_t gfp, unsigned order)
{
	const struct route *route = &q->routes[ROUTE(gfp)];
	uint32_t i = FRAME_NONE;

	if (unlikely(gfp & ~FAST_FLAGS) || unlikely(order > QUIRE_ORDER_MAX) ||
	    unlikely(relaxed_load(route->nr_free) - (1 << order) < relaxed_load(&route->low)))
		return page_alloc_slow(q, gfp, order);
	uintptr_t token = quire_port_cpu_enter();
	struct pcp *pcp = pcp_of(route->pcp, token);

	if (order <= BLOCK_ORDER && relaxed_load(&pcp->room)) {
		lock_take(&pcp->lock);
		i = order < BLOCK_ORDER ? pcp_take(pcp, order)
					: pcp_take_huge(pcp);
		lock_drop(&pcp->lock);
	}
	if (i == FRAME_NONE)
		i = page_take_straight(q, route->lists, order);
	quire_port_cpu_leave(token);
	if (unlikely(i == FRAME_NONE))
		return page_alloc_slow(q, gfp, order);
	struct quire_page *page = &q->frames.pages[i];
	page_init(page, order);
	return page;
}

struct quire_page *quire_page_alloc(struct quire *q, quire_gfp_t gfp, unsigned order)
{
	if (unlikely((gfp & ~FAST_FLAGS) | order))
		return alloc_block(q, gfp, order);

	uintptr_t token = quire_port_cpu_enter();
	const struct route *route = &q->routes[ROUTE(gfp)];

	if (unlikely(!route->pcp))
		return alloc_cold(q, gfp, token);
	struct pcp *pcp = pcp_of(route->pcp, token);

	if (unlikely(!lock_try(&pcp->lock)))
		return alloc_cold(q, gfp, token);
	uint32_t count = pcp->count;
	if (unlikely(!count)) {
		lock_drop(&pcp->lock);
		return alloc_cold(q, gfp, token);
	}
	struct quire_page *page = pcp->frame[--count];
	pcp->count = count;
	page_init(page, 0);
	lock_drop(&pcp->lock);
	quire_port_cpu_leave(token);
	return page;
}

/* No block with one reference, or no room for it. Ends the stay on the processor. */
static COLD enum quire_free free_cold(struct quire *q, struct quire_page *page, unsigned order,
				      uintptr_t token)
{
	quire_port_cpu_leave(token);
	return page_free_slow(q, page, order);
}

/* Put a freed frame on the list, locked, and unlock it. Return: false if there is no room */
static WITHIN bool free_keep(struct pcp *pcp, struct quire_page *page)
{
	uint32_t count = pcp->count;
	bool room = likely(count < relaxed_load(&pcp->room));

	if (room) {
		relaxed_store(&page->word, 0);
		pcp->frame[count] = page;
		pcp->count = count + 1;
		pcp->nr_turned++;
	}
	lock_drop(&pcp->lock);
	return room;
}

/* Frees are pending in number. Ends the stay. */
static COLD enum quire_free free_report(struct pcp *pcp, uintptr_t token)
{
	pcp_report(pcp);
	quire_port_cpu_leave(token);
	return QUIRE_FREE_OK;
}

/* Count a free for the list's mobility. Return: true if it is time for pcp_report */
static WITHIN bool free_count(struct pcp *pcp, int order)
{
	uint32_t pending = relaxed_load(&pcp->nr_pending) + (1u << order);

	relaxed_store(&pcp->nr_pending, pending);
	return pending >= relaxed_load(&pcp->batch);
}

/* Did this free bring the block into another bucket? Then less than it is in there now. */
static WITHIN bool free_fills(const struct block *block, int order)
{
	return block->nr_free % BUCKET_FRAMES < 1u << order;
}

/*
 * The rest of a free into a block, locked, that may belong on another list now. It is counted
 * for the type that the block has while it is locked. @reach: of block_free. Ends the stay.
 */
static WITHIN enum quire_free free_rest(struct quire *q, struct block *block, uint32_t i, int order,
					uint64_t reach, uintptr_t token)
{
	bool moves = free_fills(block, order);

	if (block_grows(block, reach))
		moves |= block_grow(block, i & (BLOCK_FRAMES - 1), order, reach);
	moves &= !block->claimed;
	struct pcp *pcp = pcp_of(q->pcp[relaxed_load(&block->lists)], token);

	lock_drop(&block->lock);
	if (free_count(pcp, order))
		pcp_report(pcp);
	if (moves) {
		struct zone *zone = &q->zones[block->zone];

		lock_take(&zone->lock);
		buddy_settle(q, zone, i >> BLOCK_ORDER);
		lock_drop(&zone->lock);
	}
	quire_port_cpu_leave(token);
	return QUIRE_FREE_OK;
}

/* free_rest for a frame, out of the way of those that need no more than free_frame. */
static APART enum quire_free free_frame_rest(struct quire *q, struct block *block, uint32_t i,
					     uint64_t reach, uintptr_t token)
{
	return free_rest(q, block, i, 0, reach, token);
}

/* Free a frame, whose word has been cleared, into its block, counted as in free_rest. */
static WITHIN enum quire_free free_frame(struct quire *q, struct block *block, uint32_t i,
					 uintptr_t token)
{
	lock_take(&block->lock);
	uint64_t reach = block_free_frame(block, i & (BLOCK_FRAMES - 1));

	if (unlikely(block_grows(block, reach)) || unlikely(free_fills(block, 0)))
		return free_frame_rest(q, block, i, reach, token);
	struct pcp *pcp = pcp_of(q->pcp[relaxed_load(&block->lists)], token);

	lock_drop(&block->lock);
	if (unlikely(free_count(pcp, 0)))
		return free_report(pcp, token);
	quire_port_cpu_leave(token);
	return QUIRE_FREE_OK;
}

/* A block of more than one frame. */
static APART enum quire_free free_block(struct quire *q, struct quire_page *page, unsigned order)
{
	uintptr_t token = quire_port_cpu_enter();
	uintptr_t i = frames_offer(&q->frames, page);

	if (unlikely(i >= q->frames.nr) || unlikely(order > BLOCK_ORDER) ||
	    unlikely(acquire_load(&page->word) != (WORD_SINGLE | order)))
		return free_cold(q, page, order, token);
	struct block *block = &q->blocks[(uint32_t)i >> BLOCK_ORDER];

	if (order == BLOCK_ORDER) {
		struct pcp *pcp = pcp_of(q->pcp[relaxed_load(&block->lists)], token);

		lock_take(&pcp->lock);
		if (unlikely(pcp->nr_huge >= pcp->huge_max)) {
			lock_drop(&pcp->lock);
			return free_cold(q, page, order, token);
		}
		relaxed_store(&page->word, 0);
		pcp->huge[pcp->nr_huge++] = (uint32_t)i;
		pcp->huge_frees++;
		lock_drop(&pcp->lock);
		quire_port_cpu_leave(token);
		return QUIRE_FREE_OK;
	}
	relaxed_store(&page->word, 0);
	lock_take(&block->lock);
	uint64_t reach = block_free(block, i & (BLOCK_FRAMES - 1), (int)order);

	return free_rest(q, block, (uint32_t)i, (int)order, reach, token);
}

enum quire_free quire_page_free(struct quire *q, struct quire_page *page, unsigned order)
{
	if (unlikely(order))
		return free_block(q, page, order);

	uintptr_t token = quire_port_cpu_enter();
	uintptr_t i = frames_offer(&q->frames, page);

	if (unlikely(i >= q->frames.nr) || unlikely(acquire_load(&page->word) != WORD_SINGLE))
		return free_cold(q, page, 0, token);
	struct block *block = &q->blocks[i >> BLOCK_ORDER];

	/* On no list of the zone: claimed, or full but for frames that cpus keep. */
	if (relaxed_load(&block->slot) == SLOT_NONE) {
		struct pcp *pcp = pcp_of(q->pcp[relaxed_load(&block->lists)], token);

		if (relaxed_load(&pcp->claimed) == block || relaxed_load(&block->largest) < 0) {
			if (unlikely(!lock_try(&pcp->lock)))
				return free_cold(q, page, 0, token);
			if (likely(free_keep(pcp, page))) {
				quire_port_cpu_leave(token);
				return QUIRE_FREE_OK;
			}
		}
	}
	relaxed_store(&page->word, 0);
	return free_frame(q, block, (uint32_t)i, token);
}

/* As many as this cpu's lists and the first zone give above its low watermark. */
static size_t alloc_bulk_fast(const struct route *route, size_t nr, struct quire_page **pages)
{
	uintptr_t token = quire_port_cpu_enter();
	struct pcp *pcp = pcp_of(route->pcp, token);
	size_t had = 0;

	lock_take(&pcp->lock);
	while (had < nr && relaxed_load(route->nr_free) > relaxed_load(&route->low)) {
		if (!pcp->count && !pcp_refill(pcp))
			break;
		uint32_t count = pcp->count;
		size_t end = nr - had < count ? nr : had + count;

		while (had < end) {
			struct quire_page *page = pcp->frame[--count];

			page_init(page, 0);
			pages[had++] = page;
		}
		pcp->count = count;
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
		had = alloc_bulk_fast(route, nr, pages);
	for (; had < nr; had++) {
		pages[had] = page_alloc_slow(q, gfp, 0);
		if (!pages[had])
			break;
	}
	return had;
}

/* The rest of a bulk that this cpu can keep: frames of its claimed block. Return: how many */
static size_t keep_bulk(struct quire *q, struct pcp *pcp, uint32_t b, size_t nr,
			struct quire_page **pages)
{
	const struct quire_page *first = &q->frames.pages[b << BLOCK_ORDER];
	size_t n = 0;

	if (relaxed_load(&pcp->claimed) != &q->blocks[b])
		return 0;
	lock_take(&pcp->lock);
	uint32_t count = pcp->count;

	uint32_t room = relaxed_load(&pcp->room);

	if (nr > room - count)
		nr = room - count;
	for (; n < nr; n++) {
		uintptr_t offset = (uintptr_t)pages[n] - (uintptr_t)first;

		if (offset >= BLOCK_FRAMES * sizeof(*first) || offset % sizeof(*first) ||
		    acquire_load(&pages[n]->word) != WORD_SINGLE)
			break;
		relaxed_store(&pages[n]->word, 0);
		pcp->frame[count++] = pages[n];
	}
	pcp->count = count;
	pcp->nr_turned += n;
	lock_drop(&pcp->lock);
	return n;
}

/* Fewer neighbours than these are freed one by one. */
#define RUN_MIN 4

/*
 * How many frames of the bulk are neighbours, one after the other or in reverse, inside of one
 * block, and may be freed: their words are cleared. *@low: the lowest of them
 */
static size_t clear_run(uint32_t i, size_t nr, struct quire_page **pages, uint32_t *low)
{
	bool down = nr > 1 && pages[1] + 1 == pages[0];
	uint32_t at = i & (BLOCK_FRAMES - 1), room = down ? at + 1 : BLOCK_FRAMES - at;
	struct quire_page *page = pages[0];
	size_t n = 0;

	nr = nr < room ? nr : room;
	if (nr < RUN_MIN ||
	    pages[RUN_MIN - 1] != (down ? page - (RUN_MIN - 1) : page + (RUN_MIN - 1)))
		return 0;
	for (; n < nr && pages[n] == page && acquire_load(&page->word) == WORD_SINGLE; n++) {
		relaxed_store(&page->word, 0);
		page = down ? page - 1 : page + 1;
	}
	*low = n && down ? i - (uint32_t)(n - 1) : i;
	return n;
}

/* Neighbours of a bulk that merge are freed as the blocks that they become. Return: how many */
static size_t free_run(struct quire *q, uint32_t i, size_t nr, struct quire_page **pages)
{
	size_t n = clear_run(i, nr, pages, &i);
	uint32_t end = i + (uint32_t)n;

	while (i < end) {
		uintptr_t token = quire_port_cpu_enter();
		struct block *block = &q->blocks[i >> BLOCK_ORDER];
		int order = i & (BLOCK_FRAMES - 1) ? __builtin_ctz(i) : BLOCK_ORDER - 1;

		while (1u << order > end - i)
			order--;
		order = order < BLOCK_ORDER ? order : BLOCK_ORDER - 1;
		lock_take(&block->lock);
		uint64_t reach = block_free(block, i & (BLOCK_FRAMES - 1), order);

		free_rest(q, block, i, order, reach, token);
		i += 1u << order;
	}
	return n;
}

enum quire_free quire_page_free_bulk(struct quire *q, size_t nr, struct quire_page **pages,
				     size_t *done)
{
	enum quire_free outcome = QUIRE_FREE_OK;
	size_t n = 0;

	while (n < nr && outcome == QUIRE_FREE_OK) {
		uintptr_t i = frames_offer(&q->frames, pages[n]);

		if (i < q->frames.nr) {
			uint32_t b = (uint32_t)i >> BLOCK_ORDER;
			uintptr_t token = quire_port_cpu_enter();
			struct pcp *first = q->pcp[relaxed_load(&q->blocks[b].lists)];
			size_t had = keep_bulk(q, pcp_of(first, token), b, nr - n, pages + n);

			quire_port_cpu_leave(token);
			if (!had)
				had = free_run(q, (uint32_t)i, nr - n, pages + n);
			n += had;
			if (had)
				continue;
		}
		outcome = page_free_why(q, pages[n], 0);
		if (outcome == QUIRE_FREE_OK && quire_page_count(pages[n]) != 1)
			outcome = QUIRE_FREE_REFERENCED;
		if (outcome == QUIRE_FREE_OK)
			outcome = quire_page_free(q, pages[n++], 0);
	}
	if (done)
		*done = n;
	return outcome;
}
