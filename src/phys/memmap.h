/* SPDX-License-Identifier: MIT */
/*
 * memmap.h - the firmware's memory map, settled
 *
 * Firmware says what it likes: unsorted, with overlaps, gaps, empty entries and
 * regions of 64 bytes. The settled map is what Linux makes of it: sorted, each byte
 * in one entry at most, neighbours of one type joined. It keeps every type and
 * every hole, for /proc/iomem; memblock gets the usable frames of it.
 *
 * Invariants: BOOT-5 entries are sorted, disjoint and not empty, BOOT-6 touching
 * entries differ in type, BOOT-7 the map is not longer than its array.
 */
#ifndef PHYS_MEMMAP_H
#define PHYS_MEMMAP_H

#include <quire/boot.h>

/** struct memmap - the settled map; all zero is an empty one */
struct memmap {
	struct quire_map_entry *entries;
	size_t nr;
	size_t capacity; /* length of entries[] */
};

/** memmap_limit - one past the highest address that a @machine's processor reaches */
uint64_t memmap_limit(enum quire_machine machine);

/** memmap_destroy - give the map back to @host; empty afterwards */
void memmap_destroy(struct memmap *map, void *host);

/**
 * memmap_check - are the invariants BOOT-5 to BOOT-7 true?
 * @map: the map
 * @out: the first one that is not, and the address where
 *
 * Return: true if all are
 */
bool memmap_check(const struct memmap *map, struct quire_violation *out);

#endif
