/* SPDX-License-Identifier: MIT */
/*
 * tier.h - what stands above the frames, and their direct map
 *
 * The frame tier knows nothing of the folders above it. One that keeps state for a machine
 * hangs it on struct quire: its state begins with a struct tier, a table of
 * functions by which quire_destroy, quire_check and quire_hash reach it.
 */
#ifndef PHYS_TIER_H
#define PHYS_TIER_H

#include <quire/page.h>

/** The tiers, lowest first. */
enum tier_id {
	TIER_PGTABLE, /* src/pgtable: the kernel's page table */
	TIER_KMEM,    /* src/kmem: slabs */
	TIER_KSPACE,  /* src/kmem: vmalloc, kmap */
	TIER_CACHE,   /* src/cache: the page cache */
	TIER_VM,      /* src/vm: processes */
	NR_TIERS
};

/** struct tier - the beginning of a tier's state */
struct tier {
	/* Give everything back to zones and host, itself too. Those above are gone already. */
	void (*destroy)(struct quire *q, struct tier *tier);
	/* Are its rules kept? As quire_check. */
	bool (*check)(struct quire *q, const struct tier *tier, struct quire_violation *out);
	/* Take its state into the hash. Return: the new hash */
	uint64_t (*hash)(struct quire *q, const struct tier *tier, uint64_t hash);
	/*
	 * Give back frames that it can do without, for a request that can wait and finds none.
	 * NULL: it has none. Called without locks. Return: frames or objects given back
	 */
	uint64_t (*reclaim)(struct quire *q, struct tier *tier, quire_gfp_t gfp);
};

/** heap_absent - what the inline functions of quire/slab.h find before there is a heap: nothing */
void heap_absent(struct quire *q);

/** tiers_destroy - end all tiers, the highest first, and give the direct map back */
void tiers_destroy(struct quire *q);

/** tiers_check - check all tiers, the lowest first. Return: as quire_check */
bool tiers_check(struct quire *q, struct quire_violation *out);

/** tiers_hash - take all tiers into a hash */
uint64_t tiers_hash(struct quire *q, uint64_t hash);

/** tiers_reclaim - ask all tiers for frames, the highest first. Return: what they gave back */
uint64_t tiers_reclaim(struct quire *q, quire_gfp_t gfp);

/**
 * direct_map - make directly mapped memory touchable: q->direct, q->direct_bytes
 * @q: a machine with zones
 *
 * Every tier that needs it asks; the port is asked once.
 *
 * Return: 0; -QUIRE_ENODEV before the zones are built; -QUIRE_EOPNOTSUPP if the host can't
 */
int direct_map(struct quire *q);

#endif
