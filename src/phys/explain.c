/* SPDX-License-Identifier: MIT */
/*
 * explain.c - why a request is refused; the fragmentation indexes
 *
 * Source: Linux's documentation of vm.extfrag_threshold and of debugfs'
 * extfrag_index and unusable_index; Gorman and Whitcroft, "The What, The Why and
 * the Where To of Anti-Fragmentation" (Ottawa Linux Symposium, 2006).
 */
#include <quire/page.h>
#include <quire/port.h>

#include "phys/buddy.h"
#include "phys/machine.h"

/* Has this cpu's list of the route's first zone a frame? It is given without a look at marks. */
static bool is_listed(const struct route *route)
{
	if (!route->pcp)
		return false;
	uintptr_t token = quire_port_cpu_enter();
	struct pcp *pcp = pcp_of(route->pcp, token);

	lock_take(&pcp->lock);
	bool listed = pcp->count != 0;
	lock_drop(&pcp->lock);
	quire_port_cpu_leave(token);
	return listed;
}

static int largest_order(const struct zone *zone)
{
	for (int order = QUIRE_ORDER_MAX; order >= 0; order--) {
		for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++) {
			if (zone->area[AREA(type, order)].mask)
				return order;
		}
	}
	return -1;
}

static void judge(const struct quire *q, const struct route *route, quire_gfp_t gfp, unsigned order,
		  struct quire_zone_verdict *out)
{
	const struct zone *zone = &q->zones[out->zone];
	bool movable = route->type == QUIRE_MIGRATE_MOVABLE;

	bool memalloc = (gfp & QUIRE_GFP_BIT_MEMALLOC) && !(gfp & QUIRE_GFP_BIT_NOMEMALLOC);

	out->refusal = QUIRE_REFUSAL_NONE;
	out->wmark = QUIRE_WMARK_MIN;
	out->free = pcp_zone_free(q, zone, movable);
	out->need = memalloc || (gfp & QUIRE_GFP_BIT_NOFAIL)
			    ? 0
			    : zone_need(zone, QUIRE_WMARK_MIN, gfp, route->highest);
	out->order_max = largest_order(zone);
	if (out->free < 1u << order || out->free - ((1u << order) - 1) <= out->need)
		out->refusal = QUIRE_REFUSAL_WATERMARK;
	else if (out->order_max < (int)order)
		out->refusal = QUIRE_REFUSAL_ORDER;
	else if (!buddy_fits(zone, route->type, order))
		out->refusal = QUIRE_REFUSAL_TYPE;
}

/* The verdicts on all zones. Return: does one of them give it? */
static bool judge_all(const struct quire *q, const struct route *route, quire_gfp_t gfp,
		      unsigned order, struct quire_explanation *out)
{
	bool given = false;

	out->nr = 0;
	for (int z = route->highest; z >= 0; z--) {
		struct quire_zone_verdict *verdict = &out->zone[out->nr];

		if (!zone_exists(q->config.machine, z))
			continue;
		verdict->zone = z;
		verdict->order_max = -1;
		if (q->zones[z].managed)
			judge(q, route, gfp, order, verdict);
		else if (z == QUIRE_ZONE_MOVABLE)
			continue; /* there on request only */
		else
			verdict->refusal = QUIRE_REFUSAL_EMPTY;
		given = given || verdict->refusal == QUIRE_REFUSAL_NONE;
		out->nr++;
	}
	return given;
}

void quire_page_explain(struct quire *q, quire_gfp_t gfp, unsigned order,
			struct quire_explanation *out)
{
	const struct route *route = &q->routes[ROUTE(gfp)];

	*out = (struct quire_explanation){ 0 };
	if ((gfp & ~QUIRE_GFP_BITS) || order > QUIRE_ORDER_MAX || !q->zones_built ||
	    route->highest >= QUIRE_NR_ZONES ||
	    (gfp & QUIRE_GFP_BIT_MOVABLE && gfp & QUIRE_GFP_BIT_RECLAIMABLE)) {
		out->error = -QUIRE_EINVAL;
		return;
	}
	if (judge_all(q, route, gfp, order, out))
		return;
	if (!order && is_listed(route)) {
		for (unsigned n = 0; n < out->nr; n++) {
			if (out->zone[n].zone == route->zone[0])
				out->zone[n].refusal = QUIRE_REFUSAL_NONE;
		}
		return;
	}
	quire_page_drain(q); /* as the request would before it gives up */
	judge_all(q, route, gfp, order, out);
}

/* Free blocks of all orders, those large enough for @order, and free frames. */
struct free_count {
	uint64_t blocks, suitable, frames, usable_frames;
};

static void count_free(struct quire *q, enum quire_zone zone, unsigned order,
		       struct free_count *out)
{
	struct quire_zone_stat stat;

	*out = (struct free_count){ 0 };
	quire_zone_stat(q, zone, &stat);
	for (unsigned o = 0; o <= QUIRE_ORDER_MAX; o++) {
		for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++) {
			uint64_t nr = stat.nr_free[type][o];

			out->blocks += nr;
			out->frames += nr << o;
			if (o >= order) {
				out->suitable += nr << (o - order);
				out->usable_frames += nr << o;
			}
		}
	}
}

int quire_fragmentation_index(struct quire *q, enum quire_zone zone, unsigned order)
{
	struct free_count c;

	if (order > QUIRE_ORDER_MAX)
		return 0;
	count_free(q, zone, order, &c);
	if (!c.blocks)
		return 0;
	if (c.suitable)
		return -1000;
	return 1000 - (int)((1000 + c.frames * 1000 / (1ull << order)) / c.blocks);
}

int quire_unusable_index(struct quire *q, enum quire_zone zone, unsigned order)
{
	struct free_count c;

	if (order > QUIRE_ORDER_MAX)
		return 1000;
	count_free(q, zone, order, &c);
	if (!c.frames)
		return 1000;
	return (int)((c.frames - c.usable_frames) * 1000 / c.frames);
}
