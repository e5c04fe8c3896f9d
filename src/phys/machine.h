/* SPDX-License-Identifier: MIT */
/*
 * machine.h - struct quire: the whole state of a machine
 */
#ifndef PHYS_MACHINE_H
#define PHYS_MACHINE_H

#include <quire/page.h>
#include <quire/quire.h>
#include <quire/slab.h>

#include "phys/frames.h"
#include "phys/memblock.h"
#include "phys/memmap.h"
#include "phys/pcp.h"
#include "phys/tier.h"
#include "phys/zone.h"

struct use;

#define NR_ROUTES 32 /* values of the five zone and mobility flags */
#define ROUTE(gfp) ((gfp) & (NR_ROUTES - 1))

struct quire {
	struct quire_heap heap;     /* first: the inline functions of quire/slab.h read it */
	struct quire_config config; /* constant, but for lowmem_bytes' default filled in */
	struct memmap map;          /* the firmware's, settled */
	struct memblock memblock;   /* constant once zones_built */
	bool zones_built;

	/* The frame tier; these pointers are constant once it is built. */
	struct frames frames;
	struct block *blocks;         /* by index >> 9 */
	uint32_t nr_blocks;
	struct pcp *pcp[NR_LISTS]; /* by block->lists, one for each cpu; NULL: no frames */
	struct route routes[NR_ROUTES];
	struct zone zones[QUIRE_NR_ZONES];

	/* What /proc/sys/vm sets; by one caller at a time. */
	uint64_t min_free_kbytes; /* in force */
	bool min_free_set;        /* by the caller, not by rule */
	unsigned watermark_scale; /* in 1/10000 of a zone */
	unsigned reserve_ratio[QUIRE_NR_ZONES];

	struct quire_pressure pressure;

	/* What can be touched of memory, and the tiers above; constant once set up. */
	unsigned char *direct;  /* contents of physical address 0; NULL: not asked for yet */
	uint64_t direct_bytes;  /* how far it reaches */
	struct tier *tier[NR_TIERS]; /* NULL: not set up */
	struct use *use;             /* by frame (use.h); NULL: no tier of user memory */
};

#endif
