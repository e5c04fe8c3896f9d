/* SPDX-License-Identifier: MIT */
/*
 * migrate.c - setting the migrate type of pageblocks
 */
#include <quire/page.h>
#include <quire/port.h>

#include "phys/buddy.h"
#include "phys/machine.h"

static void set_block(struct quire *q, uint32_t b, enum quire_migrate type)
{
	struct zone *zone = &q->zones[q->blocks[b].zone];

	lock_take(&zone->lock);
	buddy_set_type(q, zone, b, type);
	lock_drop(&zone->lock);
}

static bool has_memory(const struct quire *q, uint64_t pfn, uint64_t end)
{
	while (pfn < end && !quire_pfn_page(q, quire_pfn(pfn)))
		pfn++;
	return pfn < end;
}

int quire_set_migrate(struct quire *q, quire_pfn_t start, quire_pfn_t end, enum quire_migrate type)
{
	uint64_t step = 1ull << quire_pageblock_order(q);

	if ((unsigned)type >= QUIRE_NR_MIGRATE || start.v >= end.v ||
	    ((start.v | end.v) & (step - 1)))
		return -QUIRE_EINVAL;
	for (uint64_t pfn = start.v; pfn < end.v; pfn += step) {
		if (!has_memory(q, pfn, pfn + step))
			return -QUIRE_EINVAL;
	}
	uintptr_t token = quire_port_cpu_enter();
	for (uint64_t pfn = start.v; pfn < end.v; pfn += step) {
		uint32_t b = frames_find(q, pfn) >> BLOCK_ORDER;
		uint32_t last = frames_find(q, pfn + step - 1) >> BLOCK_ORDER;

		set_block(q, b, type);
		if (last >> 1 != b >> 1) /* of a section that two zones share */
			set_block(q, last, type);
	}
	quire_port_cpu_leave(token);
	quire_page_drain(q); /* last: no cpu goes on with a block claimed under its old type */
	return 0;
}
