/* SPDX-License-Identifier: MIT */
/*
 * boot.c - from memblock to frames, zones and free lists
 *
 *   count the sections that have memory     (a section in two zones counts twice)
 *   set aside and allocate the frame array  (16 bytes a frame, 0.4 % of memory)
 *   number the sections, name each block's zone
 *   mark what is not free, holes and reserved frames, and hand over what is
 *   watermarks, reserves, per-cpu lists
 *
 * Whole free blocks cost a list operation each and their frames are not
 * touched: a zeroed frame is a free one.
 */
#include "phys/boot.h"

#include <quire/boot.h>
#include <quire/port.h>

#include "core/assert.h"
#include "phys/buddy.h"
#include "phys/machine.h"

#define PFN(bytes) ((bytes) >> QUIRE_PAGE_SHIFT)
#define PFN_UP(bytes) PFN((bytes) + QUIRE_PAGE_SIZE - 1)
/* Counts of free frames are 31 bits: 8 TB of memory. */
#define SECTIONS_MAX ((uint32_t)INT32_MAX >> SECTION_ORDER)

/* A walk over the sections of all zones that have memory, ascending. */
struct section_walk {
	unsigned zone;
	size_t range;     /* in memblock.memory */
	uint64_t section; /* the next one to look at: pfn >> SECTION_ORDER */
	uint64_t found;   /* out: the section */
};

static bool walk_sections(const struct quire *q, struct section_walk *walk)
{
	struct quire_range r;

	for (; walk->zone < QUIRE_NR_ZONES; walk->zone++, walk->range = 0, walk->section = 0) {
		const struct zone *zone = &q->zones[walk->zone];

		if (zone->start == zone->end)
			continue;
		for (; quire_memblock_get(q, QUIRE_MEMBLOCK_MEMORY, walk->range, &r);
		     walk->range++) {
			uint64_t start = PFN_UP(r.start) > zone->start ? PFN_UP(r.start)
								       : zone->start;
			uint64_t end = PFN(r.end) < zone->end ? PFN(r.end) : zone->end;

			if (start >= end)
				continue;
			uint64_t first = start >> SECTION_ORDER;
			uint64_t last = (end - 1) >> SECTION_ORDER;

			if (first < walk->section)
				first = walk->section;
			if (first > last)
				continue;
			walk->found = first;
			walk->section = first + 1;
			return true;
		}
	}
	return false;
}

static uint64_t blocks_bytes(uint32_t nr_blocks)
{
	return (uint64_t)nr_blocks * sizeof(struct block);
}

/* Where the frame array and the blocks lie in the machine's own memory. */
struct placement {
	uint64_t frames, blocks;
};

static int place(struct quire *q, uint64_t bytes, uint64_t *at)
{
	struct quire_memblock_request req = {
		.bytes = (bytes + QUIRE_PAGE_SIZE - 1) & ~(uint64_t)(QUIRE_PAGE_SIZE - 1),
		.align = QUIRE_PAGE_SIZE,
		.max = q->config.lowmem_bytes,
	};

	*at = QUIRE_PORT_ANYWHERE;
	if (q->config.frames_outside)
		return 0;
	return memblock_alloc(&q->memblock, q->config.host, &req, QUIRE_RESERVE_FRAMES, at);
}

static void unplace(struct quire *q, uint64_t bytes, uint64_t at)
{
	if (at != QUIRE_PORT_ANYWHERE) {
		int error = memblock_free(&q->memblock, q->config.host, at,
					  (at + bytes + QUIRE_PAGE_SIZE - 1) &
						  ~(uint64_t)(QUIRE_PAGE_SIZE - 1));
		ASSERT("BOOT-8", !error); /* taking back the newest range never grows the list */
	}
}

static int place_all(struct quire *q, uint32_t nr_sections, struct placement *at)
{
	uint64_t frames = (uint64_t)nr_sections * SECTION_FRAMES * sizeof(struct quire_page);
	int error = place(q, frames, &at->frames);

	if (error)
		return error;
	error = place(q, blocks_bytes(2 * nr_sections), &at->blocks);
	if (error)
		unplace(q, frames, at->frames);
	return error;
}

static void unplace_all(struct quire *q, uint32_t nr_sections, const struct placement *at)
{
	unplace(q, blocks_bytes(2 * nr_sections), at->blocks);
	unplace(q, (uint64_t)nr_sections * SECTION_FRAMES * sizeof(struct quire_page), at->frames);
}

void boot_destroy(struct quire *q)
{
	void *host = q->config.host;

	pcp_destroy(q);
	frames_free(&q->frames, host);
	quire_port_free(host, q->blocks, (size_t)blocks_bytes(q->nr_blocks));
	q->blocks = NULL;
	q->nr_blocks = 0;
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		quire_port_free(host, q->zones[z].area, AREAS_BYTES);
		q->zones[z] = (struct zone){ .id = z };
	}
}

static void *take(struct quire *q, uint64_t bytes, uint64_t at)
{
	return bytes > SIZE_MAX ? NULL
				: quire_port_alloc(q->config.host, quire_phys(at), (size_t)bytes);
}

static int alloc_all(struct quire *q, uint32_t nr_sections, const struct placement *at)
{
	struct section_walk walk = { 0 };
	uint64_t last = 0;

	while (walk_sections(q, &walk))
		last = walk.found > last ? walk.found : last;
	int error = frames_alloc(&q->frames, q->config.host, nr_sections,
				 (last + 1) << SECTION_ORDER, at->frames);
	if (error)
		return error;
	walk = (struct section_walk){ 0 };
	while (!error && walk_sections(q, &walk))
		error = frames_root(&q->frames, q->config.host, walk.found << SECTION_ORDER);
	q->nr_blocks = 2 * nr_sections;
	q->blocks = take(q, blocks_bytes(q->nr_blocks), at->blocks);
	return error || !q->blocks ? -QUIRE_ENOMEM : 0;
}

/* Number the sections and give each block its zone. */
static void enter_sections(struct quire *q)
{
	struct section_walk walk = { 0 };
	uint32_t section = 0;

	for (; walk_sections(q, &walk); section++) {
		struct zone *zone = &q->zones[walk.zone];

		frames_enter(&q->frames, section, (uint32_t)walk.found);
		if (!zone->nr_blocks)
			zone->first_block = 2 * section;
		zone->nr_blocks += 2;
		for (uint32_t b = 2 * section; b < 2 * section + 2; b++) {
			q->blocks[b].zone = (uint8_t)walk.zone;
			q->blocks[b].type = QUIRE_MIGRATE_MOVABLE;
			q->blocks[b].lists = (uint8_t)LISTS(walk.zone, QUIRE_MIGRATE_MOVABLE);
			q->blocks[b].slot = SLOT_NONE;
			q->blocks[b].largest = LARGEST_NONE;
		}
	}
	ASSERT("BOOT-9", section == q->frames.nr_sections);
}

static void mark(struct quire *q, uint32_t i, uint32_t end, uint32_t head)
{
	for (; i < end; i++)
		q->frames.pages[i].word = head;
}

/* A walk over the free ranges of memblock, in frames. */
struct free_walk {
	struct memblock_cursor cursor;
	uint64_t start, end; /* the range it is at; empty at first */
};

/* Go on to the range that ends above @at; none: to the end of all. */
static void walk_free(const struct quire *q, struct free_walk *walk, uint64_t at)
{
	uint64_t start, end;

	while (walk->end <= at) {
		if (memblock_free_next(&q->memblock, &walk->cursor, &start, &end)) {
			walk->start = PFN_UP(start);
			walk->end = PFN(end);
		} else {
			walk->start = walk->end = UINT64_MAX;
		}
	}
}

/* Give a run of frames to the zone in the largest aligned blocks. */
static void give(struct quire *q, struct zone *zone, uint32_t i, uint32_t end)
{
	zone->managed += end - i;
	while (i < end) {
		unsigned order = bits_first32(i | SECTION_FRAMES);

		while (end - i < 1u << order)
			order--;
		zone_add_free(zone, QUIRE_MIGRATE_MOVABLE, (int32_t)(1u << order));
		buddy_free(q, zone, i, order);
		i += 1u << order;
	}
}

/* The frames of a section that its zone spans are free or reserved; the others are no frames. */
static void hand_over_section(struct quire *q, uint32_t section, struct free_walk *walk)
{
	struct zone *zone = &q->zones[q->blocks[2 * section].zone];
	uint64_t first = (uint64_t)q->frames.section_start[section] << SECTION_ORDER;
	uint64_t at = first > zone->start ? first : zone->start;
	uint64_t to = first + SECTION_FRAMES < zone->end ? first + SECTION_FRAMES : zone->end;
	uint32_t base = section << SECTION_ORDER;

	mark(q, base, base + (uint32_t)(at - first), HEAD_HOLE);
	mark(q, base + (uint32_t)(to - first), base + SECTION_FRAMES, HEAD_HOLE);
	while (at < to) {
		walk_free(q, walk, at);
		uint64_t start = walk->start > at ? walk->start : at;
		uint64_t end = walk->end < to ? walk->end : to;

		if (start > to)
			start = to;
		mark(q, base + (uint32_t)(at - first), base + (uint32_t)(start - first),
		     HEAD_RESERVED);
		if (start < end)
			give(q, zone, base + (uint32_t)(start - first),
			     base + (uint32_t)(end - first));
		at = end > start ? end : start;
	}
}

/* Mark the frames of a hole, from @at to @stop at most. Return: how far it came */
static uint64_t mark_hole(struct quire *q, uint64_t at, uint64_t stop)
{
	uint32_t f = frames_find(q, at);
	uint64_t end = (at | (SECTION_FRAMES - 1)) + 1;

	if (f == FRAME_NONE) { /* no section: nothing before that of @stop, which may have none */
		end = stop & ~(uint64_t)(SECTION_FRAMES - 1);
		return end > at ? end : stop;
	}
	const struct zone *zone = &q->zones[q->blocks[f >> BLOCK_ORDER].zone];
	if (at < zone->end && zone->end < end)
		end = zone->end; /* the section goes on in the next zone */
	if (stop < end)
		end = stop;
	mark(q, f, f + (uint32_t)(end - at), HEAD_HOLE);
	return end;
}

/* Reserved is what memory says; frames between memory ranges are holes. */
static void mark_holes(struct quire *q)
{
	struct quire_range r;
	uint64_t at = 0;

	for (size_t i = 0;; i++) {
		bool more = quire_memblock_get(q, QUIRE_MEMBLOCK_MEMORY, i, &r);
		uint64_t stop = more ? PFN_UP(r.start) : UINT64_MAX;

		while (at < stop)
			at = mark_hole(q, at, stop);
		if (!more)
			return;
		at = PFN(r.end) > at ? PFN(r.end) : at;
	}
}

/* The free lists of the zones that have blocks. */
static int lists_setup(struct quire *q)
{
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		struct zone *zone = &q->zones[z];

		if (!zone->nr_blocks)
			continue;
		zone->area = take(q, AREAS_BYTES, QUIRE_PORT_ANYWHERE);
		if (!zone->area)
			return -QUIRE_ENOMEM;
		buddy_init(zone);
	}
	return 0;
}

static void hand_over(struct quire *q)
{
	struct free_walk walk = { 0 };

	for (uint32_t s = 0; s < q->frames.nr_sections; s++) {
		struct zone *zone = &q->zones[q->blocks[2 * s].zone];

		lock_take(&zone->lock);
		hand_over_section(q, s, &walk);
		lock_drop(&zone->lock);
	}
	mark_holes(q);
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		if (q->zones[z].nr_blocks)
			buddy_lowest_first(q, &q->zones[z]);
	}
}

int quire_boot_zones(struct quire *q)
{
	struct section_walk walk = { 0 };
	struct placement at;
	uint64_t nr = 0;

	if (q->zones_built)
		return -QUIRE_EBUSY;
	zone_limits(q);
	while (walk_sections(q, &walk))
		nr++;
	if (!nr)
		return -QUIRE_ENODEV;
	if (nr >= SECTIONS_MAX)
		return -QUIRE_E2BIG;
	int error = place_all(q, (uint32_t)nr, &at);
	if (error)
		return error;
	error = alloc_all(q, (uint32_t)nr, &at);
	if (!error) {
		enter_sections(q);
		error = lists_setup(q);
	}
	if (!error)
		error = pcp_setup(q);
	if (error) {
		boot_destroy(q);
		unplace_all(q, (uint32_t)nr, &at);
		return error;
	}
	hand_over(q);
	q->zones_built = true;
	zone_routes(q);
	zone_watermarks(q);
	uintptr_t token = quire_port_cpu_enter();
	pcp_size(q);
	quire_port_cpu_leave(token);
	return 0;
}

/* Is some of [start, end) where the library's own frame array and block records are? */
static bool holds_frames(const struct quire *q, quire_phys_t start, quire_phys_t end)
{
	struct quire_range r;

	for (size_t i = 0; quire_memblock_get(q, QUIRE_MEMBLOCK_RESERVED, i, &r); i++) {
		if (r.what == QUIRE_RESERVE_FRAMES && r.start < end.v && start.v < r.end)
			return true;
	}
	return false;
}

int quire_boot_release(struct quire *q, quire_phys_t start, quire_phys_t end)
{
	uint64_t first = PFN(start.v), last = PFN(end.v);

	if (!q->zones_built || first >= last || ((start.v | end.v) & (QUIRE_PAGE_SIZE - 1)) ||
	    holds_frames(q, start, end))
		return -QUIRE_EINVAL;
	for (uint64_t pfn = first; pfn < last; pfn++) {
		uint32_t i = frames_find(q, pfn);

		if (i == FRAME_NONE || !(frames_head(&q->frames.pages[i]) & HEAD_RESERVED))
			return -QUIRE_EINVAL;
	}
	uintptr_t token = quire_port_cpu_enter();
	for (uint64_t pfn = first; pfn < last; pfn++) {
		uint32_t i = frames_find(q, pfn);
		struct zone *zone = &q->zones[q->blocks[i >> BLOCK_ORDER].zone];

		lock_take(&zone->lock);
		q->frames.pages[i].word = 0;
		zone->managed++;
		zone_add_free(zone, relaxed_load(&q->blocks[i >> BLOCK_ORDER].type), 1);
		buddy_free(q, zone, i, 0);
		lock_drop(&zone->lock);
	}
	pcp_size(q);
	quire_port_cpu_leave(token);
	return 0;
}
