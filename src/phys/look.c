/* SPDX-License-Identifier: MIT */
/*
 * look.c - reading the frame tier: frames, free blocks, pair bits, counts
 *
 * Nothing here changes anything; whoever looks while others allocate sees a mixture.
 */
#include <quire/page.h>
#include <quire/port.h>

#include "phys/buddy.h"
#include "phys/machine.h"

uint32_t quire_page_count(const struct quire_page *page)
{
	return relaxed_load(&page->word) / COUNT_ONE;
}

unsigned quire_page_order(const struct quire_page *page)
{
	return relaxed_load(&page->word) & HEAD_ORDER;
}

quire_pfn_t quire_page_pfn(const struct quire *q, const struct quire_page *page)
{
	return quire_pfn(frames_pfn(&q->frames, frames_index(&q->frames, page)));
}

struct quire_page *quire_pfn_page(const struct quire *q, quire_pfn_t pfn)
{
	uint32_t i = frames_find(q, pfn.v);

	if (i == FRAME_NONE || (frames_head(&q->frames.pages[i]) & HEAD_HOLE))
		return NULL;
	return &q->frames.pages[i];
}

enum quire_zone quire_page_zone(const struct quire *q, const struct quire_page *page)
{
	return q->blocks[frames_index(&q->frames, page) >> BLOCK_ORDER].zone;
}

uintptr_t quire_page_private(const struct quire_page *page)
{
	return page->private;
}

void quire_page_set_private(struct quire_page *page, uintptr_t value)
{
	page->private = value;
}

/* The allocated block that holds frame @i. Return: false if none does */
static bool used_block(const struct quire *q, uint32_t i, struct quire_frame_info *out)
{
	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
		uint32_t first = i & ~((1u << order) - 1);
		const struct quire_page *page = &q->frames.pages[first];

		uint32_t head = frames_head(page);

		if (!(head & HEAD_USED) || (head & HEAD_ORDER) < order)
			continue;
		out->state = first == i ? QUIRE_FRAME_HEAD : QUIRE_FRAME_BODY;
		out->order = head & HEAD_ORDER;
		out->first = quire_pfn(frames_pfn(&q->frames, first));
		out->count = quire_page_count(page);
		out->owner = frames_owner(page);
		return true;
	}
	return false;
}

void quire_frame_info(struct quire *q, quire_pfn_t pfn, struct quire_frame_info *out)
{
	uint32_t i = frames_find(q, pfn.v);

	*out = (struct quire_frame_info){ .state = QUIRE_FRAME_HOLE, .first = pfn };
	if (i == FRAME_NONE || (frames_head(&q->frames.pages[i]) & HEAD_HOLE))
		return;
	const struct block *block = &q->blocks[i >> BLOCK_ORDER];
	out->zone = block->zone;
	out->migrate = block->type;
	if (frames_head(&q->frames.pages[i]) & HEAD_RESERVED) {
		out->state = QUIRE_FRAME_RESERVED;
		return;
	}
	int order = block_piece(block, i & (BLOCK_FRAMES - 1));
	if (order >= 0) {
		out->state = QUIRE_FRAME_FREE;
		out->order = (unsigned)order;
		out->first = quire_pfn(pfn.v & ~((1ull << order) - 1));
	} else if (pcp_holds(q, i)) {
		out->state = QUIRE_FRAME_PCP;
	} else {
		used_block(q, i, out);
	}
}

static unsigned nr_pieces(const struct quire *q, uint32_t b, unsigned order)
{
	if (order >= BLOCK_ORDER)
		return q->blocks[b].largest == (int)order;
	return block_nr_pieces(&q->blocks[b], (int)order);
}

bool quire_free_block_next(struct quire *q, enum quire_zone zone, unsigned order, quire_pfn_t from,
			   quire_pfn_t *out, enum quire_migrate *type)
{
	if (order > QUIRE_ORDER_MAX || (unsigned)zone >= QUIRE_NR_ZONES)
		return false;
	const struct zone *z = &q->zones[zone];
	for (uint32_t b = z->first_block; b < z->first_block + z->nr_blocks; b++) {
		uint64_t first = frames_pfn(&q->frames, b << BLOCK_ORDER);

		if (first + BLOCK_FRAMES <= from.v || !nr_pieces(q, b, order))
			continue;
		uint32_t f = from.v > first ? (uint32_t)(from.v - first) : 0;
		uint32_t step = order < BLOCK_ORDER ? 1u << order : BLOCK_FRAMES;

		for (f = (f + step - 1) & ~(step - 1); f < BLOCK_FRAMES; f += step) {
			if (block_piece(&q->blocks[b], f) != (int)order)
				continue;
			*out = quire_pfn(first + f);
			if (type)
				*type = q->blocks[b].type;
			return true;
		}
	}
	return false;
}

int quire_pair_bit(struct quire *q, unsigned order, uint64_t index)
{
	struct quire_frame_info left, right;

	if (order >= QUIRE_ORDER_MAX || index >= (1ull << 52) >> (order + 1))
		return 0;
	uint64_t pfn = index << (order + 1);
	uint32_t i = frames_find(q, pfn);
	if (i == FRAME_NONE)
		return 0;
	if (order < BLOCK_ORDER)
		return block_pair(&q->blocks[i >> BLOCK_ORDER], i & (BLOCK_FRAMES - 1), (int)order);
	quire_frame_info(q, quire_pfn(pfn), &left);
	quire_frame_info(q, quire_pfn(pfn + BLOCK_FRAMES), &right);
	return (left.state == QUIRE_FRAME_FREE && left.order == order) !=
	       (right.state == QUIRE_FRAME_FREE && right.order == order);
}

/* Does a pageblock that the zone spans at least a part of start at this block? */
static bool pageblock_counts(const struct quire *q, const struct zone *zone, uint32_t b)
{
	uint64_t first = frames_pfn(&q->frames, b << BLOCK_ORDER);

	if (quire_pageblock_order(q) > BLOCK_ORDER)
		return !(b & 1);
	return first < zone->end && first + BLOCK_FRAMES > zone->start;
}

/* Frames of a block that are memory. */
static unsigned nr_present(const struct quire *q, uint32_t b)
{
	const struct quire_page *page = &q->frames.pages[b << BLOCK_ORDER];
	unsigned nr = 0;

	for (unsigned f = 0; f < BLOCK_FRAMES; f++)
		nr += !(frames_head(page + f) & HEAD_HOLE);
	return nr;
}

static void count_blocks(const struct quire *q, const struct zone *zone,
			 struct quire_zone_stat *out)
{
	for (uint32_t b = zone->first_block; b < zone->first_block + zone->nr_blocks; b++) {
		const struct block *block = &q->blocks[b];
		unsigned type = relaxed_load(&block->type);

		if (pageblock_counts(q, zone, b))
			out->nr_blocks[type]++;
		if (type == QUIRE_MIGRATE_CMA) {
			out->free_cma += block->nr_free;
			out->present_cma += nr_present(q, b);
		}
		for (unsigned order = 0; block->nr_free && order <= QUIRE_ORDER_MAX; order++)
			out->nr_free[type][order] += nr_pieces(q, b, order);
	}
}

void quire_zone_stat(struct quire *q, enum quire_zone id, struct quire_zone_stat *out)
{
	*out = (struct quire_zone_stat){ 0 };
	if ((unsigned)id >= QUIRE_NR_ZONES)
		return;
	const struct zone *zone = &q->zones[id];
	*out = (struct quire_zone_stat){
		.exists = zone_exists(q->config.machine, id),
		.start = quire_pfn(zone->start),
		.spanned = zone->end - zone->start,
		.present = zone->present,
		.managed = zone->managed,
		.free = (uint64_t)(relaxed_load(&zone->nr_free[1]) + pcp_pending(q, zone)),
	};
	for (unsigned w = 0; w < QUIRE_NR_WMARKS; w++)
		out->wmark[w] = zone->wmark[w];
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++)
		out->reserve[z] = zone->reserve[z];
	for (unsigned e = 0; e < QUIRE_NR_EVENTS; e++)
		out->events[e] = zone->events[e];
	for (unsigned type = 0; zone->nr_blocks && type < QUIRE_NR_MIGRATE; type++) {
		for (unsigned cpu = 0; cpu < q->config.nr_cpus; cpu++) {
			const struct pcp *pcp = pcp_of(q->pcp[LISTS(id, type)], cpu);

			out->pcp += pcp_nr_pages(pcp);
			for (unsigned e = 0; e < QUIRE_NR_EVENTS; e++)
				out->events[e] += pcp_event(pcp, e);
		}
	}
	count_blocks(q, zone, out);
}

void quire_pcp_stat(struct quire *q, enum quire_zone zone, unsigned cpu, struct quire_pcp_stat *out)
{
	*out = (struct quire_pcp_stat){ 0 };
	if ((unsigned)zone >= QUIRE_NR_ZONES || cpu >= q->config.nr_cpus)
		return;
	for (unsigned type = 0; type < QUIRE_MIGRATE_CMA; type++) {
		struct pcp *first = q->pcp[LISTS(zone, type)];

		if (!first || !pcp_of(first, cpu)->room)
			return;
		const struct pcp *pcp = pcp_of(first, cpu);
		out->count += pcp_nr_pages(pcp);
		out->high += pcp->room + (uint64_t)pcp->huge_max * BLOCK_FRAMES;
		out->batch = pcp->batch;
	}
}

void quire_metadata(const struct quire *q, struct quire_metadata *out)
{
	*out = (struct quire_metadata){
		.frames = (uint64_t)q->frames.nr * sizeof(struct quire_page),
		.blocks = (uint64_t)q->nr_blocks * sizeof(struct block),
		.other = sizeof(*q) + q->frames.table_bytes +
			 q->memblock.memory.capacity * sizeof(struct quire_range) +
			 q->memblock.reserved.capacity * sizeof(struct quire_range) +
			 q->map.capacity * sizeof(struct quire_map_entry),
	};
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++)
		out->other += q->zones[z].area ? AREAS_BYTES : 0;
	for (unsigned id = 0; id < NR_LISTS; id++) {
		if (q->pcp[id])
			out->other += q->config.nr_cpus * PCP_STRIDE;
	}
}
