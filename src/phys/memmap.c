/* SPDX-License-Identifier: MIT */
/*
 * memmap.c - settle the firmware's memory map
 *
 * Entries sorted by their start are swept from low to high. A heap holds those
 * that are open at the current address, the highest type on top; what is on top is
 * what the map says there, until it ends or another entry begins.
 *
 *     usable    |===============|   |==========|
 *     reserved         |====|
 *     ACPI data                 |========|
 *     settled   |=usab=|=res|=u=|==ACPI==|=us=|
 *
 * Each step takes the logarithm of the number of entries, and closes at least
 * one entry or opens one: n entries settle into 2n - 1 at most.
 *
 * What a PC's firmware never says but every PC has is put right on the way out:
 * the first frame belongs to the firmware, and from 640 KB to 1 MB there are
 * video memory and ROMs, usable or not. The table below has it.
 *
 * A second map is settled together with the first. memblock then changes by the
 * frames that became usable and those that no longer are, so that what was added
 * to it or removed from it by hand in between stays.
 */
#include "phys/memmap.h"

#include <quire/error.h>
#include <quire/port.h>

#include "core/string.h"
#include "phys/machine.h"

/* Comparisons take the last byte: 2^64 does not fit in 64 bits, and is there as 0. */
static uint64_t entry_last(const struct quire_map_entry *entry)
{
	return entry->end - 1;
}

uint64_t memmap_limit(enum quire_machine machine)
{
	static const unsigned char bits[QUIRE_NR_MACHINES] = {
		[QUIRE_I386] = 32,
		[QUIRE_I386_PAE] = 36,
		[QUIRE_X86_64] = 46,
		[QUIRE_X86_64_LA57] = 52,
	};

	return (uint64_t)1 << bits[machine];
}

void memmap_destroy(struct memmap *map, void *host)
{
	if (map->entries)
		quire_port_free(host, map->entries, map->capacity * sizeof(*map->entries));
	*map = (struct memmap){ 0 };
}

/* An array for @nr entries. */
static int map_alloc(struct memmap *map, void *host, size_t nr)
{
	*map = (struct memmap){ 0 };
	if (nr > SIZE_MAX / sizeof(*map->entries))
		return -QUIRE_ENOMEM;
	map->entries = quire_port_alloc(host, quire_phys(QUIRE_PORT_ANYWHERE),
					nr * sizeof(*map->entries));
	if (!map->entries)
		return -QUIRE_ENOMEM;
	map->capacity = nr;
	return 0;
}

/* ---- A heap of entries, which sorts them and finds the highest type ---- */

typedef bool (*entry_above)(const struct quire_map_entry *a, const struct quire_map_entry *b);

/* For sorting by start: the heap gives the highest first, and it goes last. */
static bool starts_above(const struct quire_map_entry *a, const struct quire_map_entry *b)
{
	return a->start > b->start;
}

/* For the sweep. Of one type the entry that lasts longer saves steps. */
static bool wins_over(const struct quire_map_entry *a, const struct quire_map_entry *b)
{
	return a->type != b->type ? a->type > b->type : entry_last(a) > entry_last(b);
}

/* heap[0..nr) is a heap but for heap[i], which moves down to its place. */
static void heap_down(struct quire_map_entry *heap, size_t nr, size_t i, entry_above above)
{
	struct quire_map_entry entry = heap[i];

	for (size_t child = 2 * i + 1; child < nr; child = 2 * i + 1) {
		if (child + 1 < nr && above(&heap[child + 1], &heap[child]))
			child++;
		if (!above(&heap[child], &entry))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = entry;
}

/* heap[0..i) is a heap; heap[i] moves up to its place. */
static void heap_up(struct quire_map_entry *heap, size_t i, entry_above above)
{
	struct quire_map_entry entry = heap[i];

	for (; i && above(&entry, &heap[(i - 1) / 2]); i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = entry;
}

static void sort_by_start(struct quire_map_entry *entries, size_t nr)
{
	for (size_t i = nr / 2; i-- > 0;)
		heap_down(entries, nr, i, starts_above);
	while (nr > 1) {
		struct quire_map_entry top = entries[0];

		nr--;
		entries[0] = entries[nr];
		entries[nr] = top;
		heap_down(entries, nr, 0, starts_above);
	}
}

/* ---- What comes out ---- */

/* Where a PC's usable memory is not what its firmware says. Last bytes are included. */
struct habit {
	uint64_t first, last;
	uint32_t type; /* what it is; 0: nothing */
};

static const struct habit habits[] = {
	{ 0, 0xfff, QUIRE_MAP_RESERVED },
	{ 0x1000, 0x9ffff, QUIRE_MAP_USABLE },
	{ 0xa0000, 0xfffff, 0 },
	{ 0x100000, UINT64_MAX, QUIRE_MAP_USABLE },
};

#define NR_HABITS (sizeof(habits) / sizeof(habits[0]))

/* Append [first, last], joined with the entry before if it continues that. */
static void map_append(struct memmap *map, uint64_t first, uint64_t last, uint32_t type)
{
	struct quire_map_entry *before = map->nr ? &map->entries[map->nr - 1] : NULL;

	if (before && before->type == type && entry_last(before) + 1 == first)
		before->end = last + 1;
	else
		map->entries[map->nr++] = (struct quire_map_entry){ first, last + 1, type };
}

static void map_emit(struct memmap *map, bool firmware, uint64_t first, uint64_t last,
		     uint32_t type)
{
	if (!firmware || type != QUIRE_MAP_USABLE) {
		map_append(map, first, last, type);
		return;
	}
	for (size_t i = 0; i < NR_HABITS; i++) {
		const struct habit *habit = &habits[i];
		uint64_t from = first > habit->first ? first : habit->first;
		uint64_t to = last < habit->last ? last : habit->last;

		if (habit->type && from <= to)
			map_append(map, from, to, habit->type);
	}
}

/* The sweep: entries sorted by start into @map. @heap has room for as many. */
static void map_sweep(struct memmap *map, bool firmware, const struct memmap *sorted,
		      struct quire_map_entry *heap)
{
	size_t next = 0, open = 0;
	uint64_t at = 0;

	while (open || next < sorted->nr) {
		uint64_t last;

		if (!open && sorted->entries[next].start > at)
			at = sorted->entries[next].start;
		while (next < sorted->nr && sorted->entries[next].start <= at) {
			heap[open] = sorted->entries[next++];
			heap_up(heap, open++, wins_over);
		}
		last = entry_last(&heap[0]);
		if (next < sorted->nr && sorted->entries[next].start <= last)
			last = sorted->entries[next].start - 1;
		map_emit(map, firmware, at, last, heap[0].type);
		if (last == UINT64_MAX)
			return;
		at = last + 1;
		while (open && entry_last(&heap[0]) < at) {
			heap[0] = heap[--open];
			heap_down(heap, open, 0, wins_over);
		}
	}
}

/* @map and @entries, sorted and settled, as a new map in @out. */
static int map_settle(struct memmap *out, const struct quire *q,
		      const struct quire_map_entry *entries, size_t nr)
{
	void *host = q->config.host;
	struct memmap sorted = { 0 }, heap = { 0 };
	int error;

	*out = (struct memmap){ 0 };
	if (nr > (SIZE_MAX - NR_HABITS) / 2 - q->map.nr)
		return -QUIRE_ENOMEM;
	error = map_alloc(&sorted, host, q->map.nr + nr + 1);
	if (!error)
		error = map_alloc(&heap, host, q->map.nr + nr + 1);
	if (!error)
		error = map_alloc(out, host, 2 * (q->map.nr + nr) + NR_HABITS);
	if (!error) {
		for (size_t i = 0; i < q->map.nr; i++)
			sorted.entries[sorted.nr++] = q->map.entries[i];
		for (size_t i = 0; i < nr; i++) {
			if (entries[i].start != entries[i].end || !entries[i].end)
				sorted.entries[sorted.nr++] = entries[i];
		}
		sort_by_start(sorted.entries, sorted.nr);
		map_sweep(out, q->config.firmware, &sorted, heap.entries);
	}
	memmap_destroy(&heap, host);
	memmap_destroy(&sorted, host);
	return error;
}

/* ---- What memblock gets ---- */

/* The usable whole frames of @map that the machine's processor reaches. */
static int usable_frames(struct memblock_list *out, const struct memmap *map, const struct quire *q)
{
	uint64_t limit = memmap_limit(q->config.machine);

	*out = (struct memblock_list){ 0 };
	for (size_t i = 0; i < map->nr; i++) {
		const struct quire_map_entry *entry = &map->entries[i];
		uint64_t end = entry->end && entry->end < limit ? entry->end : limit;
		struct quire_range range = { .end = end & ~(uint64_t)(QUIRE_PAGE_SIZE - 1) };
		int error;

		if (entry->type != QUIRE_MAP_USABLE || entry->start >= limit)
			continue;
		range.start = (entry->start + QUIRE_PAGE_SIZE - 1) &
			      ~(uint64_t)(QUIRE_PAGE_SIZE - 1);
		if (range.start >= range.end)
			continue;
		error = memblock_list_set(out, q->config.host, &range);
		if (error)
			return error;
	}
	return 0;
}

/* memory + (now - before) - (before - now) */
static int change_memory(struct memblock_list *memory, void *host,
			 const struct memblock_list *before, const struct memblock_list *now)
{
	struct memblock_cursor more = { 0 }, less = { 0 };
	struct quire_range range;
	int error = 0;

	while (!error && memblock_list_less(now, before, &more, &range))
		error = memblock_list_set(memory, host, &range);
	while (!error && memblock_list_less(before, now, &less, &range))
		error = memblock_list_clear(memory, host, range.start, range.end);
	return error;
}

/* What memblock's memory becomes when the map of @q becomes @map. */
static int new_memory(struct memblock_list *memory, const struct quire *q, const struct memmap *map)
{
	const struct memblock_list *old = &q->memblock.memory;
	void *host = q->config.host;
	struct memblock_list before = { 0 }, now = { 0 };
	int error;

	*memory = (struct memblock_list){ 0 };
	error = memblock_list_grow(memory, host, old->nr + 1);
	if (!error) {
		if (old->nr)
			memcpy(memory->ranges, old->ranges, old->nr * sizeof(*old->ranges));
		memory->nr = old->nr;
		error = usable_frames(&before, &q->map, q);
	}
	if (!error)
		error = usable_frames(&now, map, q);
	if (!error)
		error = change_memory(memory, host, &before, &now);
	memblock_list_destroy(&before, host);
	memblock_list_destroy(&now, host);
	return error;
}

bool memmap_check(const struct memmap *map, struct quire_violation *out)
{
	static const char *const rules[][2] = {
		{ "BOOT-5", "entries of the map are sorted, disjoint and not empty" },
		{ "BOOT-6", "touching entries of the map differ in type" },
		{ "BOOT-7", "the map is not longer than its array" },
	};
	int broken = map->nr > map->capacity ? 2 : -1;
	size_t i = 0;

	for (; broken < 0 && i < map->nr; i++) {
		const struct quire_map_entry *entry = &map->entries[i];

		if (entry_last(entry) < entry->start ||
		    (i && (!entry[-1].end || entry[-1].end > entry->start)))
			broken = 0;
		else if (i && entry[-1].end == entry->start && entry[-1].type == entry->type)
			broken = 1;
	}
	if (broken < 0)
		return true;
	*out = (struct quire_violation){ rules[broken][0], rules[broken][1],
					 i ? map->entries[i - 1].start : map->nr };
	return false;
}

/* ---- boot.h ---- */

int quire_boot_map(struct quire *q, const struct quire_map_entry *entries, size_t nr)
{
	void *host = q->config.host;
	struct memblock_list memory = { 0 };
	struct memmap map;
	int error;

	for (size_t i = 0; i < nr; i++) {
		if (entries[i].end && entries[i].end < entries[i].start)
			return -QUIRE_EINVAL;
	}
	if (q->zones_built)
		return -QUIRE_EBUSY;
	error = map_settle(&map, q, entries, nr);
	if (!error)
		error = new_memory(&memory, q, &map);
	if (error) {
		memblock_list_destroy(&memory, host);
		memmap_destroy(&map, host);
		return error;
	}
	memmap_destroy(&q->map, host);
	memblock_list_destroy(&q->memblock.memory, host);
	q->map = map;
	q->memblock.memory = memory;
	return 0;
}

bool quire_map_get(const struct quire *q, size_t i, struct quire_map_entry *out)
{
	if (i >= q->map.nr)
		return false;
	*out = q->map.entries[i];
	return true;
}

const char *quire_map_type_name(uint32_t type)
{
	static const struct {
		uint32_t type;
		const char *name;
	} names[] = {
		{ QUIRE_MAP_USABLE, "System RAM" },
		{ QUIRE_MAP_RESERVED, "Reserved" },
		{ QUIRE_MAP_ACPI_DATA, "ACPI Tables" },
		{ QUIRE_MAP_ACPI_NVS, "ACPI Non-volatile Storage" },
		{ QUIRE_MAP_UNUSABLE, "Unusable memory" },
		{ QUIRE_MAP_PERSISTENT, "Persistent Memory" },
		{ 12, "Persistent Memory (legacy)" }, /* from before ACPI had a number for it */
		{ 0xefffffff, "Soft Reserved" },      /* Linux's own, for a driver to claim */
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].type == type)
			return names[i].name;
	}
	return "Unknown E820 type";
}
