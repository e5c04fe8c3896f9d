/* SPDX-License-Identifier: MIT */
/*
 * zone.c - which zones a machine has, their limits, watermarks, reserves and routes
 *
 * Source: Linux's documentation of the sysctls vm.min_free_kbytes,
 * vm.lowmem_reserve_ratio and vm.watermark_scale_factor, and the numbers that
 * recorded machines print (examples/machines/linux).
 */
#include "phys/zone.h"

#include "core/assert.h"
#include "phys/machine.h"

#define MB(n) ((uint64_t)(n) << 20)
#define PFN(bytes) ((bytes) >> QUIRE_PAGE_SHIFT)
#define PFN_UP(bytes) PFN((bytes) + QUIRE_PAGE_SIZE - 1)

#define MIN_FREE_KB_LEAST 128
#define MIN_FREE_KB_MOST 262144
#define HIGHMEM_MIN_LEAST 32 /* frames */
#define HIGHMEM_MIN_MOST 128

static bool is_32bit(enum quire_machine machine)
{
	return machine == QUIRE_I386 || machine == QUIRE_I386_PAE;
}

bool zone_exists(enum quire_machine machine, enum quire_zone zone)
{
	switch (zone) {
	case QUIRE_ZONE_DMA32:
	case QUIRE_ZONE_DEVICE:
		return !is_32bit(machine);
	case QUIRE_ZONE_HIGHMEM:
		return is_32bit(machine);
	default:
		return true;
	}
}

uint64_t zone_lowmem_end(const struct quire_config *config)
{
	static const uint64_t page_offset[] = {
		[QUIRE_SPLIT_3G_1G] = MB(3072),
		[QUIRE_SPLIT_2G_2G] = MB(2048),
		[QUIRE_SPLIT_1G_3G] = MB(1024),
	};

	/* The kernel's part less 128 MB for vmalloc, kmap and fixmap. */
	return is_32bit(config->machine) ? MB(4096) - page_offset[config->split] - MB(128) : 0;
}

/* Where each zone ends, but for ZONE_MOVABLE; pfn. */
static uint64_t zone_limit(const struct quire *q, enum quire_zone zone)
{
	switch (zone) {
	case QUIRE_ZONE_DMA:
		return PFN(MB(16));
	case QUIRE_ZONE_DMA32:
		return is_32bit(q->config.machine) ? PFN(MB(16)) : PFN(MB(4096));
	case QUIRE_ZONE_NORMAL:
		return is_32bit(q->config.machine) ? PFN(q->config.lowmem_bytes) : UINT64_MAX;
	default:
		return UINT64_MAX;
	}
}

static uint64_t present_in(const struct quire *q, uint64_t start, uint64_t end)
{
	struct quire_range r;
	uint64_t nr = 0;

	for (size_t i = 0; quire_memblock_get(q, QUIRE_MEMBLOCK_MEMORY, i, &r); i++) {
		uint64_t a = PFN_UP(r.start) > start ? PFN_UP(r.start) : start;
		uint64_t b = PFN(r.end) < end ? PFN(r.end) : end;

		if (a < b)
			nr += b - a;
	}
	return nr;
}

/* The movable zone takes config.movable_bytes of memory from the top of the highest zone. */
static void limit_movable(struct quire *q)
{
	struct zone *movable = &q->zones[QUIRE_ZONE_MOVABLE];
	struct zone *top = NULL;
	uint64_t want = PFN(q->config.movable_bytes);

	for (unsigned z = 0; z < QUIRE_ZONE_MOVABLE; z++) {
		if (q->zones[z].present)
			top = &q->zones[z];
	}
	if (!want || !top)
		return;
	uint64_t low = top->start, high = top->end;
	while (low < high) { /* the highest start with at least that much above */
		uint64_t mid = high - (high - low) / 2;

		if (present_in(q, mid, top->end) >= want)
			low = mid;
		else
			high = mid - 1;
	}
	uint64_t start = (low + SECTION_FRAMES - 1) & ~(uint64_t)(SECTION_FRAMES - 1);
	if (low == top->start)
		start = low;
	if (start >= top->end)
		return;
	movable->start = start;
	movable->end = top->end;
	movable->present = present_in(q, start, top->end);
	top->end = start;
	top->present -= movable->present;
	if (top->end == top->start)
		top->start = top->end = 0;
}

void zone_limits(struct quire *q)
{
	struct quire_range r;
	uint64_t first = 0, last = 0;

	for (size_t i = 0; quire_memblock_get(q, QUIRE_MEMBLOCK_MEMORY, i, &r); i++) {
		if (!i)
			first = PFN_UP(r.start);
		last = PFN(r.end);
	}
	uint64_t start = first;
	for (unsigned z = 0; z < QUIRE_ZONE_MOVABLE; z++) {
		struct zone *zone = &q->zones[z];
		uint64_t end = zone_limit(q, z) < last ? zone_limit(q, z) : last;

		zone->start = zone->end = zone->present = 0;
		if (!zone_exists(q->config.machine, z) || start >= end)
			continue;
		zone->start = start;
		zone->end = end;
		zone->present = present_in(q, start, end);
		start = end;
	}
	q->zones[QUIRE_ZONE_MOVABLE].start = q->zones[QUIRE_ZONE_MOVABLE].end = 0;
	q->zones[QUIRE_ZONE_MOVABLE].present = 0;
	limit_movable(q);
}

static uint64_t int_sqrt(uint64_t x)
{
	uint64_t root = 0;

	for (uint64_t bit = 1ull << 31; bit; bit >>= 1) {
		if ((root | bit) * (root | bit) <= x)
			root |= bit;
	}
	return root;
}

static uint64_t clamp(uint64_t x, uint64_t least, uint64_t most)
{
	return x < least ? least : x > most ? most : x;
}

/* Frames that ordinary kernel requests can have: zones up to NORMAL, less their high marks. */
static uint64_t lowmem_pages(const struct quire *q)
{
	uint64_t nr = 0;

	for (unsigned z = 0; z <= QUIRE_ZONE_NORMAL; z++) {
		const struct zone *zone = &q->zones[z];

		if (zone->managed > zone->wmark[QUIRE_WMARK_HIGH])
			nr += zone->managed - zone->wmark[QUIRE_WMARK_HIGH];
	}
	return nr;
}

uint64_t quire_min_free_kbytes(const struct quire *q)
{
	return q->min_free_kbytes;
}

static void set_wmarks(struct quire *q)
{
	uint64_t min_pages = q->min_free_kbytes >> (QUIRE_PAGE_SHIFT - 10), low_pages = 0;

	for (unsigned z = 0; z <= QUIRE_ZONE_NORMAL; z++)
		low_pages += q->zones[z].managed;
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		struct zone *zone = &q->zones[z];
		uint64_t min = low_pages ? min_pages * zone->managed / low_pages : 0;
		uint64_t share = min;

		if (z > QUIRE_ZONE_NORMAL)
			min = clamp(zone->managed / 1024, HIGHMEM_MIN_LEAST, HIGHMEM_MIN_MOST);
		if (!zone->managed)
			min = share = 0;
		uint64_t step = (uint64_t)zone->managed * q->watermark_scale / 10000;
		step = step > share / 4 ? step : share / 4;
		zone->wmark[QUIRE_WMARK_MIN] = (uint32_t)min;
		zone->wmark[QUIRE_WMARK_LOW] = (uint32_t)(min + step);
		zone->wmark[QUIRE_WMARK_HIGH] = (uint32_t)(min + 2 * step);
	}
}

/* Zone z keeps managed(z+1 .. j) / ratio(z) frames from requests that could have used zone j. */
static void set_reserves(struct quire *q)
{
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		struct zone *zone = &q->zones[z];
		uint64_t above = 0;

		for (unsigned j = 0; j < QUIRE_NR_ZONES; j++) {
			if (j > z)
				above += q->zones[j].managed;
			zone->reserve[j] = q->reserve_ratio[z] && zone->managed
						   ? (uint32_t)(above / q->reserve_ratio[z])
						   : 0;
		}
	}
}

/* The highest zone that the zone flags allow; QUIRE_NR_ZONES if they contradict each other. */
static unsigned flags_zone(const struct quire *q, unsigned flags)
{
	switch (flags & (QUIRE_GFP_BIT_DMA | QUIRE_GFP_BIT_HIGHMEM | QUIRE_GFP_BIT_DMA32)) {
	case QUIRE_GFP_BIT_DMA:
		return QUIRE_ZONE_DMA;
	case QUIRE_GFP_BIT_DMA32:
		return is_32bit(q->config.machine) ? QUIRE_ZONE_NORMAL : QUIRE_ZONE_DMA32;
	case 0:
		return QUIRE_ZONE_NORMAL;
	case QUIRE_GFP_BIT_HIGHMEM:
		if (flags & QUIRE_GFP_BIT_MOVABLE)
			return QUIRE_ZONE_MOVABLE;
		return is_32bit(q->config.machine) ? QUIRE_ZONE_HIGHMEM : QUIRE_ZONE_NORMAL;
	default:
		return QUIRE_NR_ZONES;
	}
}

/* The free count of a route without zones: never above its low mark of 0. */
static const _Atomic int32_t no_frames;

static void set_route(struct quire *q, unsigned flags)
{
	const unsigned both = QUIRE_GFP_BIT_MOVABLE | QUIRE_GFP_BIT_RECLAIMABLE;
	struct route *route = &q->routes[flags];
	unsigned highest = flags_zone(q, flags);

	route->highest = (uint8_t)highest;
	route->nr_free = &no_frames;
	if (highest == QUIRE_NR_ZONES || (flags & both) == both)
		return;
	route->type = flags & QUIRE_GFP_BIT_MOVABLE	   ? QUIRE_MIGRATE_MOVABLE
		      : flags & QUIRE_GFP_BIT_RECLAIMABLE ? QUIRE_MIGRATE_RECLAIMABLE
							   : QUIRE_MIGRATE_UNMOVABLE;
	for (int z = (int)highest; z >= 0; z--) {
		if (q->zones[z].nr_blocks)
			route->zone[route->nr++] = (uint8_t)z;
	}
	if (!route->nr)
		return;
	struct zone *first = &q->zones[route->zone[0]];
	route->lists = (uint8_t)LISTS(first->id, route->type);
	route->pcp = q->pcp[route->lists];
	route->nr_free = &first->nr_free[route->type == QUIRE_MIGRATE_MOVABLE];
}

void zone_routes(struct quire *q)
{
	for (unsigned flags = 0; flags < NR_ROUTES; flags++)
		set_route(q, flags);
}

void zone_watermarks(struct quire *q)
{
	if (!q->min_free_set) {
		for (unsigned z = 0; z < QUIRE_NR_ZONES; z++)
			q->zones[z].wmark[QUIRE_WMARK_HIGH] = 0;
		uint64_t kbytes = lowmem_pages(q) << (QUIRE_PAGE_SHIFT - 10);
		q->min_free_kbytes =
			clamp(int_sqrt(kbytes * 16), MIN_FREE_KB_LEAST, MIN_FREE_KB_MOST);
	}
	set_wmarks(q);
	set_reserves(q);
	for (unsigned flags = 0; flags < NR_ROUTES; flags++) {
		struct route *route = &q->routes[flags];
		const struct zone *first = &q->zones[route->zone[0]];

		if (route->nr)
			relaxed_store(&route->low, (int32_t)(first->wmark[QUIRE_WMARK_LOW] +
							     first->reserve[route->highest]));
	}
}

uint64_t zone_need(const struct zone *zone, enum quire_wmark wmark, quire_gfp_t gfp,
		   unsigned highest)
{
	uint64_t need = zone->wmark[wmark];

	if (wmark == QUIRE_WMARK_MIN) {
		if (gfp & QUIRE_GFP_BIT_HIGH)
			need -= need / 2;
		if ((gfp & QUIRE_GFP_BIT_ATOMIC) && !(gfp & QUIRE_GFP_BIT_NOMEMALLOC))
			need -= need / 4;
	}
	return need + zone->reserve[highest];
}

int quire_set_min_free_kbytes(struct quire *q, uint64_t kbytes)
{
	if (kbytes > UINT32_MAX)
		return -QUIRE_EINVAL;
	q->min_free_set = kbytes != 0;
	q->min_free_kbytes = kbytes;
	if (q->zones_built)
		zone_watermarks(q);
	return 0;
}

int quire_set_watermark_scale(struct quire *q, unsigned factor)
{
	if (factor < 1 || factor > 3000)
		return -QUIRE_EINVAL;
	q->watermark_scale = factor;
	if (q->zones_built)
		zone_watermarks(q);
	return 0;
}

int quire_set_reserve_ratio(struct quire *q, enum quire_zone zone, unsigned ratio)
{
	if ((unsigned)zone >= QUIRE_NR_ZONES || ratio > INT32_MAX)
		return -QUIRE_EINVAL;
	q->reserve_ratio[zone] = ratio;
	if (q->zones_built)
		zone_watermarks(q);
	return 0;
}
