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

void kspace_flush(struct kspace *ks, uint64_t start, uint64_t end)
{
	struct quire_tlb tlb;

	quire_tlb_begin(&tlb, ks->table);
	tlb_add(&tlb, (struct span){ start, end - 1 }, QUIRE_PAGE_SHIFT);
	quire_tlb_flush(&tlb);
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

void *kspace_alloc(struct kspace *ks, size_t bytes)
{
	return quire_port_alloc(ks->q->config.host, quire_phys(QUIRE_PORT_ANYWHERE), bytes);
}

void kspace_free(struct kspace *ks, void *p, size_t bytes)
{
	quire_port_free(ks->q->config.host, p, bytes);
}

/* Frames that areas hold go back, then the records. The table goes with its own tier. */
static void destroy(struct quire *q, struct tier *tier)
{
	struct kspace *ks = (struct kspace *)(void *)tier;

	vmalloc_end(ks);
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

/* All that may fail. What has been done is undone by the caller. */
static int build(struct kspace *ks)
{
	struct quire *q = ks->q;
	int error = quire_layout(q, &ks->layout);

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

int quire_kernel_boot(struct quire *q)
{
	if (!q->zones_built)
		return -QUIRE_ENODEV;
	if (q->tier[TIER_KSPACE] || q->tier[TIER_PGTABLE])
		return -QUIRE_EBUSY;
	struct kspace *ks = quire_port_alloc(q->config.host, quire_phys(QUIRE_PORT_ANYWHERE),
					     sizeof(*ks));

	if (!ks)
		return -QUIRE_ENOMEM;
	ks->q = q;
	ks->tier = (struct tier){ destroy, check, hash };
	int error = build(ks);

	if (!error) {
		q->tier[TIER_KSPACE] = &ks->tier;
		return 0;
	}
	kmap_end(ks);
	quire_port_free(q->config.host, ks, sizeof(*ks));
	if (q->tier[TIER_PGTABLE]) {
		q->tier[TIER_PGTABLE]->destroy(q, q->tier[TIER_PGTABLE]);
		q->tier[TIER_PGTABLE] = NULL;
	}
	return error;
}
