/* SPDX-License-Identifier: MIT */
/*
 * tier.c - the tiers above the frames, and the direct map they share
 */
#include "phys/tier.h"

#include <quire/port.h>

#include "phys/machine.h"

static const struct quire_heap_slot no_slot;

/* A cache from which nothing comes, neither on the short path nor on the next one. */
static const union {
	struct {
		struct quire_cache cache;
		char before[QUIRE_HEAP_SLOTS_AT - sizeof(struct quire_cache)];
		const struct quire_heap_slot *by_cpu[QUIRE_CPUS_MAX];
	} as;
	struct quire_cache cache;
} no_cache = {
	.as.cache.checked = true,
	.as.by_cpu = { [0 ... QUIRE_CPUS_MAX - 1] = &no_slot },
};

void heap_absent(struct quire *q)
{
	q->heap = (struct quire_heap){ 0 };
	for (unsigned i = 0; i < QUIRE_HEAP_CLASSES; i++)
		q->heap.kmalloc[i] = (struct quire_cache *)(uintptr_t)&no_cache.cache;
}

void tiers_destroy(struct quire *q)
{
	for (unsigned id = NR_TIERS; id-- > 0;) {
		struct tier *tier = q->tier[id];

		if (tier)
			tier->destroy(q, tier);
		q->tier[id] = NULL;
	}
	quire_port_free(q->config.host, q->direct, (size_t)q->direct_bytes);
}

bool tiers_check(struct quire *q, struct quire_violation *out)
{
	for (unsigned id = 0; id < NR_TIERS; id++) {
		if (q->tier[id] && !q->tier[id]->check(q, q->tier[id], out))
			return false;
	}
	return true;
}

uint64_t tiers_hash(struct quire *q, uint64_t hash)
{
	for (unsigned id = 0; id < NR_TIERS; id++) {
		if (q->tier[id])
			hash = q->tier[id]->hash(q, q->tier[id], hash);
	}
	return hash;
}

uint64_t tiers_reclaim(struct quire *q, quire_gfp_t gfp)
{
	uint64_t nr = 0;

	for (unsigned id = NR_TIERS; id-- > 0;) {
		if (q->tier[id] && q->tier[id]->reclaim)
			nr += q->tier[id]->reclaim(q, q->tier[id], gfp);
	}
	return nr;
}

int direct_map(struct quire *q)
{
	uint64_t end = 0;

	if (!q->zones_built)
		return -QUIRE_ENODEV;
	if (q->direct)
		return 0;
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		if (q->zones[z].end << QUIRE_PAGE_SHIFT > end)
			end = q->zones[z].end << QUIRE_PAGE_SHIFT;
	}
	if (q->config.lowmem_bytes && end > q->config.lowmem_bytes)
		end = q->config.lowmem_bytes;
	q->direct = quire_port_direct(q->config.host, end);
	if (!q->direct)
		return -QUIRE_EOPNOTSUPP;
	q->direct_bytes = end;
	return 0;
}
