/* SPDX-License-Identifier: MIT */
/*
 * boot.h - from the firmware's memory map to the zones
 *
 * Before there are frames to allocate there is memblock: two sorted lists of
 * ranges, what is memory and what of it is taken. quire_boot_zones turns them
 * into frames and zones and ends memblock's life as an allocator; the lists
 * stay readable.
 */
#ifndef QUIRE_BOOT_H
#define QUIRE_BOOT_H

#include <quire/quire.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the firmware says of a range; the numbers are E820's. */
enum quire_map_type {
	QUIRE_MAP_USABLE = 1,
	QUIRE_MAP_RESERVED = 2,
	QUIRE_MAP_ACPI_DATA = 3,
	QUIRE_MAP_ACPI_NVS = 4,
	QUIRE_MAP_UNUSABLE = 5,
	QUIRE_MAP_PERSISTENT = 7,
	/* any other number is kept and treated as reserved */
};

/** struct quire_map_entry - one line of a memory map: [start, end) */
struct quire_map_entry {
	uint64_t start; /* bytes */
	uint64_t end;   /* bytes, exclusive; 0 stands for 2^64 */
	uint32_t type;  /* enum quire_map_type or the firmware's own number */
};

/**
 * quire_boot_map - take the firmware's memory map
 * @q:       a machine that has no zones yet
 * @entries: in any order, overlapping or not
 * @nr:      how many
 *
 * Sorts them, drops empty ones, resolves overlaps (the higher type number wins, so
 * that reserved wins over usable), joins neighbours of one type, and gives
 * the usable ranges, shrunk to whole frames and clipped to what the machine's
 * processor can address, to memblock. With config.firmware the first frame
 * becomes reserved and 0xa0000-0xfffff stops being usable, as Linux does on a PC.
 * A second call adds to the first.
 *
 * Return:  0; -QUIRE_EINVAL for an entry that ends before it starts;
 *          -QUIRE_EBUSY after quire_boot_zones; -QUIRE_ENOMEM. On an error
 *          nothing has changed.
 */
int quire_boot_map(struct quire *q, const struct quire_map_entry *entries, size_t nr);

/**
 * quire_map_get - read the settled map: sorted, without overlaps
 * @q:   the machine
 * @i:   0, 1, 2, …
 * @out: the i-th entry
 *
 * Return: true while there is an i-th entry
 */
bool quire_map_get(const struct quire *q, size_t i, struct quire_map_entry *out);

/** quire_map_type_name - Linux's words of /proc/iomem: "System RAM", "Reserved", "ACPI Tables" … */
const char *quire_map_type_name(uint32_t type);

/** Flags of a reservation, shown in /proc/iomem and the boot report. */
enum quire_reserve {
	QUIRE_RESERVE_OTHER,
	QUIRE_RESERVE_KERNEL, /* the kernel image */
	QUIRE_RESERVE_INITRD, /* the initial ramdisk */
	QUIRE_RESERVE_FRAMES, /* the frame array */
	QUIRE_RESERVE_ALLOC,  /* quire_memblock_alloc */
};

/** struct quire_range - a range of memblock: [start, end) in bytes */
struct quire_range {
	uint64_t start;
	uint64_t end;
	enum quire_reserve what; /* reserved ranges only */
};

/**
 * quire_memblock_add - make [start, end) memory; overlaps join
 *
 * Return: 0; -QUIRE_EINVAL for an empty range or one beyond what the machine addresses;
 *         -QUIRE_EBUSY after quire_boot_zones; -QUIRE_ENOMEM
 */
int quire_memblock_add(struct quire *q, quire_phys_t start, quire_phys_t end);

/** quire_memblock_remove - [start, end) is no memory. Return: as quire_memblock_add */
int quire_memblock_remove(struct quire *q, quire_phys_t start, quire_phys_t end);

/**
 * quire_memblock_reserve - mark [start, end) as taken
 * @q:     the machine
 * @start: first byte
 * @end:   one past the last
 * @what:  by whom
 *
 * It need not be memory, and may be reserved already: the newer @what wins.
 * Reservations don't nest: a later free takes its range from all of them.
 *
 * Return: 0; -QUIRE_EINVAL for an empty range; -QUIRE_EBUSY after quire_boot_zones; -QUIRE_ENOMEM
 */
int quire_memblock_reserve(struct quire *q, quire_phys_t start, quire_phys_t end,
			   enum quire_reserve what);

/** quire_memblock_free - [start, end) is no longer taken. Return: as quire_memblock_reserve */
int quire_memblock_free(struct quire *q, quire_phys_t start, quire_phys_t end);

/** struct quire_memblock_request - what quire_memblock_alloc shall find */
struct quire_memblock_request {
	uint64_t bytes;
	uint64_t align;  /* power of two; 0: 64 */
	uint64_t min;    /* lowest address allowed */
	uint64_t max;    /* one past the highest; 0: anywhere */
	bool bottom_up;  /* the lowest place instead of the highest */
};

/**
 * quire_memblock_alloc - find free memory and reserve it
 * @q:   the machine
 * @req: size, alignment, limits, direction
 * @out: its address
 *
 * Return: 0; -QUIRE_ENOSPC if no free range fits; -QUIRE_ENOMEM; -QUIRE_EINVAL; -QUIRE_EBUSY after
 *         quire_boot_zones
 */
int quire_memblock_alloc(struct quire *q, const struct quire_memblock_request *req,
			 quire_phys_t *out);

/** The lists that quire_memblock_get reads. */
enum quire_memblock_list {
	QUIRE_MEMBLOCK_MEMORY,
	QUIRE_MEMBLOCK_RESERVED,
	QUIRE_MEMBLOCK_FREE, /* memory less reserved */
};

/**
 * quire_memblock_get - iterate over a list of memblock
 * @q:    the machine
 * @list: which
 * @i:    0, 1, 2, …
 * @out:  the i-th range, ascending
 *
 * Return: true while there is an i-th range
 */
bool quire_memblock_get(const struct quire *q, enum quire_memblock_list list, size_t i,
			struct quire_range *out);

/**
 * quire_boot_zones - build frames and zones and hand over all that is free
 * @q: a machine with memory in memblock
 *
 * Sets the zones' limits, makes frame arrays for the sections that have memory, (reserving
 * their place unless config.frames_outside), gives every free frame to its zone's
 * buddy lists and sets the watermarks and reserves. Partial frames are lost to it.
 *
 * Return: 0; -QUIRE_ENODEV without memory; -QUIRE_ENOMEM; -QUIRE_ENOSPC if frame arrays find
 *         no place; -QUIRE_E2BIG from 2^31 - 1024 frames present on; -QUIRE_EBUSY
 *         when called twice. On an error memblock is as it was.
 */
int quire_boot_zones(struct quire *q);

/**
 * quire_boot_release - give a reserved range to the zones after all
 * @q:     a machine with zones
 * @start: frame aligned
 * @end:   frame aligned
 *
 * What Linux does with its init sections and the ramdisk once they have served.
 *
 * Return:  0; -QUIRE_EINVAL unless every frame in it is reserved memory, and none holds
 *          the library's own frame array
 * Context: one caller at a time; others may allocate meanwhile
 */
int quire_boot_release(struct quire *q, quire_phys_t start, quire_phys_t end);

#ifdef __cplusplus
}
#endif
#endif
