/* SPDX-License-Identifier: MIT */
/*
 * quire.h - a machine: create, check, destroy
 *
 * A machine is one struct quire and there are no mutable globals: two machines
 * live in one process without knowing of each other.
 *
 *   quire_create          a machine without memory
 *   quire_boot_map        the firmware's memory map            (boot.h)
 *   quire_memblock_*      reservations, early allocations      (boot.h)
 *   quire_boot_zones      hands what is free to the zones      (boot.h)
 *   quire_page_*          page frames                          (page.h)
 *   quire_destroy         everything goes back to the host
 */
#ifndef QUIRE_QUIRE_H
#define QUIRE_QUIRE_H

#include <quire/config.h>
#include <quire/error.h>
#include <quire/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QUIRE_VERSION "0.1.0"

struct quire;

/** The processor's way of paging; it decides zones and address limits. */
enum quire_machine {
	QUIRE_I386,        /* two-level, physical addresses below 4 GB */
	QUIRE_I386_PAE,    /* three-level, below 64 GB */
	QUIRE_X86_64,      /* four-level, below 64 TB */
	QUIRE_X86_64_LA57, /* five-level, below 4 PB */
	QUIRE_NR_MACHINES
};

/** Where the kernel's part of a 32-bit address space begins. */
enum quire_split {
	QUIRE_SPLIT_3G_1G, /* PAGE_OFFSET 0xC0000000: lowmem up to 896 MB */
	QUIRE_SPLIT_2G_2G, /* 0x80000000: lowmem up to 1920 MB */
	QUIRE_SPLIT_1G_3G, /* 0x40000000: lowmem up to 2944 MB */
	QUIRE_NR_SPLITS
};

/** The zones, lowest first. Which of them a machine has depends on its kind. */
enum quire_zone {
	QUIRE_ZONE_DMA,     /* below 16 MB: what ISA devices reach */
	QUIRE_ZONE_DMA32,   /* below 4 GB (x86-64) */
	QUIRE_ZONE_NORMAL,  /* directly mapped */
	QUIRE_ZONE_HIGHMEM, /* not directly mapped (i386, PAE) */
	QUIRE_ZONE_MOVABLE, /* only what can be moved; on request */
	QUIRE_ZONE_DEVICE,  /* x86-64 lists it; always empty here */
	QUIRE_NR_ZONES
};

/** struct quire_config - what a machine is; see quire_config_init */
struct quire_config {
	void *host;                 /* handed to every port function */
	enum quire_machine machine;
	enum quire_split split;     /* 32-bit machines only; else 3G/1G, the default */
	unsigned nr_cpus;           /* 1 .. QUIRE_CPUS_MAX */
	uint64_t lowmem_bytes;      /* end of NORMAL on 32-bit machines; 0: by the split.
				     * Linux's vmalloc= moves it. */
	uint64_t movable_bytes;     /* size of ZONE_MOVABLE at the top, as Linux's
				     * movablecore=; 0: none */
	uint64_t min_free_kbytes;   /* 0: Linux's rule from the size of lowmem */
	bool firmware;              /* the map came from a PC's firmware: frame 0 is
				     * reserved and the 640K-1M hole removed */
	bool frames_outside;        /* the frame array does not live in the machine's own
				     * memory: it is managed memory of a device */
	bool no_pcp;                /* no per-cpu lists: every call reaches the zone */
};

/**
 * quire_config_init - a machine's defaults
 * @config:  filled in
 * @machine: its kind
 *
 * One cpu, split 3G/1G, no ZONE_MOVABLE, firmware's habits on, frame array in
 * the machine's own memory.
 */
void quire_config_init(struct quire_config *config, enum quire_machine machine);

/**
 * quire_create - a machine without memory
 * @config: copied
 * @out:    the machine
 *
 * Return: 0; -QUIRE_EINVAL for a value out of range; -QUIRE_ENOMEM
 */
int quire_create(const struct quire_config *config, struct quire **out);

/**
 * quire_destroy - give everything back to the host
 * @q: the machine, or NULL
 */
void quire_destroy(struct quire *q);

/** quire_config - the configuration @q was created with, defaults filled in */
const struct quire_config *quire_config(const struct quire *q);

/** quire_machine_name - "i386", "i386-pae", "x86-64", "x86-64-la57" */
const char *quire_machine_name(enum quire_machine machine);

/** quire_zone_name - Linux's spelling: "DMA", "DMA32", "Normal", "HighMem", "Movable", "Device" */
const char *quire_zone_name(enum quire_zone zone);

/** struct quire_violation - the first broken rule that a check found */
struct quire_violation {
	const char *rule; /* "PHYS-4"; NULL when all is well */
	const char *text; /* the rule in words */
	uint64_t where;   /* frame, block or zone number, as the text says */
};

/**
 * quire_check - walk everything and find the first broken invariant
 * @q:   the machine
 * @out: what was broken and where; may be NULL
 *
 * Return:  true if every rule holds
 * Context: nobody else may use the machine meanwhile; cost grows with memory
 */
bool quire_check(struct quire *q, struct quire_violation *out);

/**
 * quire_hash - one number for the whole state
 * @q: the machine
 *
 * The same calls give the same number on every host and word size.
 *
 * Return:  64-bit FNV-1a over the map, memblock, blocks, frames, lists, watermarks and what
 *          they are computed from, and the tiers above; not over counts of events and what
 *          owners have put into their frames
 * Context: as quire_check
 */
uint64_t quire_hash(struct quire *q);

#ifdef __cplusplus
}
#endif
#endif
