/* SPDX-License-Identifier: MIT */
/*
 * kspace.c - the kernel's address space: boot, end, check, hash
 */
#include "kmem/kspace.h"

#include <quire/port.h>

#include "core/hash.h"
#include "kmem/vmalloc.h"
#include "pgtable/direct.h"
#include "pgtable/tlb.h"

/*
 * Records take as much on 32-bit hosts, whose pointers are smaller: what the heap looks like is a
 * machine's state. Ten nodes of 400 bytes fill a frame, so they can be had one frame at a time.
 */
#define AREA_BYTES 64
#define NODE_BYTES 400
_Static_assert(sizeof(struct area) <= AREA_BYTES, "AREA_BYTES");
_Static_assert(sizeof(struct tree_node) <= NODE_BYTES, "NODE_BYTES");

void kspace_flush(struct kspace *ks, uint64_t start, uint64_t end)
{
	struct quire_tlb tlb;

	quire_tlb_begin(&tlb, ks->table);
	tlb_add(&tlb, (struct span){ start, end - 1 }, QUIRE_PAGE_SHIFT);
	quire_tlb_flush(&tlb);
}

uint64_t kspace_trim(struct kspace *ks)
{
	return kmap_may_flush(ks) ? quire_table_trim(ks->table) : 0;
}

void kspace_flush_local(struct kspace *ks, uint64_t virt)
{
	const struct quire_port_flush flush = {
		.root = { QUIRE_PORT_ANY_ROOT },
		.start = { virt },
		.nr_pages = 1,
		.shift = QUIRE_PAGE_SHIFT,
		.local = true,
	};

	quire_port_tlb_flush(ks->q->config.host, &flush);
}

/* Frames that areas hold go back, then the records. The table goes with its own tier. */
static void destroy(struct quire *q, struct tier *tier)
{
	struct kspace *ks = (struct kspace *)(void *)tier;

	vmalloc_end(ks);
	quire_cache_destroy(ks->areas);
	quire_cache_destroy(ks->nodes);
	kmap_end(ks);
	quire_port_free(q->config.host, ks, sizeof(*ks));
}

static bool check(struct quire *q, const struct tier *tier, struct quire_violation *out)
{
	struct quire_violation unasked;

	(void)tier;
	out = out ? out : &unasked;
	return fixmap_check(q, out) && vmalloc_check(kspace_of(q), out) &&
	       kmap_check(kspace_of(q), out);
}

static uint64_t hash(struct quire *q, const struct tier *tier, uint64_t value)
{
	(void)tier;
	value = fixmap_hash(q, value);
	return kmap_hash(kspace_of(q), vmalloc_hash(kspace_of(q), value));
}

/* Frames are short: ranges that are only kept, their records, and tables without entries. */
static uint64_t reclaim(struct quire *q, struct tier *tier, quire_gfp_t gfp)
{
	struct kspace *ks = (struct kspace *)(void *)tier;

	(void)q;
	(void)gfp;
	return area_purge(ks, false) + kspace_trim(ks);
}

/* The caches of the records. What has been had is given back by the caller. */
static int build_caches(struct kspace *ks)
{
	const struct quire_cache_args areas = { .name = "vmap_area", .size = AREA_BYTES };
	const struct quire_cache_args nodes = { .name = "vmap_node", .size = NODE_BYTES };
	int error = quire_cache_create(ks->q, &areas, &ks->areas);

	return error ? error : quire_cache_create(ks->q, &nodes, &ks->nodes);
}

/* All that may fail, the heap apart. What has been done is undone by the caller. */
static int build(struct kspace *ks)
{
	struct quire *q = ks->q;
	int error = quire_layout(q, &ks->layout);

	if (!error)
		error = build_caches(ks);
	if (!error)
		error = quire_pgtable_boot(q);
	if (error)
		return error;
	ks->table = quire_table_kernel(q);
	area_setup(&ks->vmap, ks->layout.vmalloc_start.v, ks->layout.vmalloc_end.v,
		   q->config.nr_cpus);
	error = direct_make(ks->table, &ks->layout);
	if (!error)
		error = fixmap_make(ks->table, &ks->layout);
	if (!error)
		error = kmap_setup(ks);
	if (!error)
		error = quire_table_load(ks->table);
	return error;
}

static void end_tier(struct quire *q, enum tier_id id)
{
	if (q->tier[id])
		q->tier[id]->destroy(q, q->tier[id]);
	q->tier[id] = NULL;
}

int quire_kernel_boot(struct quire *q)
{
	bool heap = q->tier[TIER_KMEM] != NULL;
	struct kspace *ks;
	int error;

	if (!q->zones_built)
		return -QUIRE_ENODEV;
	if (q->tier[TIER_KSPACE] || q->tier[TIER_PGTABLE])
		return -QUIRE_EBUSY;
	error = heap ? 0 : quire_slab_boot(q, NULL);
	if (error)
		return error;
	ks = quire_port_alloc(q->config.host, quire_phys(QUIRE_PORT_ANYWHERE), sizeof(*ks));
	error = ks ? 0 : -QUIRE_ENOMEM;
	if (ks) {
		ks->q = q;
		ks->tier = (struct tier){ destroy, check, hash, reclaim };
		error = build(ks);
	}
	if (!error) {
		q->tier[TIER_KSPACE] = &ks->tier;
		return 0;
	}
	if (ks)
		destroy(q, &ks->tier);
	end_tier(q, TIER_PGTABLE);
	if (!heap) {
		quire_slab_drain(q);
		end_tier(q, TIER_KMEM);
	}
	return error;
}
