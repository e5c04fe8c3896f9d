/* SPDX-License-Identifier: MIT */
/*
 * kvmalloc.c - memory from the heap if it has it, else from vmalloc
 *
 * What the heap gives is named by its address in the direct map, so that both kinds are
 * addresses of the machine, and a free tells them apart by where they lie.
 */
#include <quire/layout.h>
#include <quire/slab.h>
#include <quire/vmalloc.h>

#include "core/assert.h"

/* From the heap, without an effort for what vmalloc can give as well. */
static void *try_heap(struct quire *q, uint64_t bytes, quire_gfp_t gfp)
{
	if (!bytes || bytes > QUIRE_KMALLOC_MAX)
		return NULL;
	if (bytes > QUIRE_PAGE_SIZE)
		gfp |= QUIRE_GFP_BIT_NORETRY | QUIRE_GFP_BIT_NOWARN;
	return gfp & QUIRE_GFP_ZERO ? quire_kzalloc(q, (size_t)bytes, gfp)
				    : quire_kmalloc(q, (size_t)bytes, gfp);
}

int quire_kvmalloc(struct quire *q, uint64_t bytes, quire_gfp_t gfp, quire_virt_t *out)
{
	void *p = try_heap(q, bytes, gfp);

	if (!p)
		return quire_vmalloc_gfp(q, bytes, gfp, out);
	enum quire_direct where = quire_phys_to_virt(q, quire_heap_phys(q, p), out);

	ASSERT("SLAB-3", where == QUIRE_DIRECT_OK);
	return 0;
}

int quire_kvfree(struct quire *q, quire_virt_t virt)
{
	quire_phys_t phys;

	if (quire_virt_to_phys(q, virt, &phys) != QUIRE_DIRECT_OK)
		return quire_vfree(q, virt) == QUIRE_VFREE_OK ? 0 : -QUIRE_EINVAL;
	const void *p = quire_heap_pointer(q, phys);

	return p && quire_kfree(q, p) == QUIRE_KFREE_OK ? 0 : -QUIRE_EINVAL;
}
