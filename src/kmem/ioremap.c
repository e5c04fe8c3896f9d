/* SPDX-License-Identifier: MIT */
/*
 * ioremap.c - map registers and memory of devices
 *
 * Memory of the machine's own is refused: it has an address already, maybe with another
 * cache mode, and a processor that sees both is allowed to do anything.
 *
 * Source: Intel SDM vol. 3A, 12.12.4 (programming the PAT: aliases)
 */
#include <quire/boot.h>

#include "kmem/vmalloc.h"

#define PAGE ((uint64_t)QUIRE_PAGE_SIZE)
#define LARGE(q) (PAGE << quire_pageblock_order(q))

static bool is_memory(const struct quire *q, uint64_t start, uint64_t end)
{
	struct quire_range range;

	for (size_t i = 0; quire_memblock_get(q, QUIRE_MEMBLOCK_MEMORY, i, &range); i++) {
		if (range.start < end && start < range.end)
			return true;
	}
	return false;
}

/* The alignment that lets a large page be used, if there is one at all. */
static uint64_t align_for(const struct quire *q, uint64_t phys, uint64_t bytes)
{
	return bytes >= LARGE(q) && !(phys & (LARGE(q) - 1)) ? LARGE(q) : PAGE;
}

int quire_ioremap(struct quire *q, quire_phys_t phys, uint64_t bytes, quire_pte_t cache,
		  quire_virt_t *out)
{
	struct kspace *ks = kspace_of(q);
	uint64_t offset = phys.v & (PAGE - 1), start = phys.v - offset;
	struct area *area;

	if (!ks)
		return -QUIRE_ENODEV;
	if (!bytes || phys.v + bytes < bytes || phys.v + bytes > UINT64_MAX - PAGE ||
	    (cache & ~QUIRE_PTE_CACHE))
		return -QUIRE_EINVAL;
	bytes = (offset + bytes + PAGE - 1) & ~(PAGE - 1);
	if (is_memory(q, start, start + bytes))
		return -QUIRE_EINVAL;
	int error = vmalloc_area(ks, bytes, align_for(q, start, bytes), false, &area);

	if (error)
		return error;
	/* Page tables that became empty would stand where large pages belong. */
	if (align_for(q, start, bytes) != PAGE)
		kspace_trim(ks);
	error = quire_table_map(ks->table, (quire_virt_t){ area->start }, quire_phys(start), bytes,
				QUIRE_PTE_KERNEL | cache, quire_pageblock_order(q));
	if (error) {
		vmalloc_unmap(ks, area);
		return error;
	}
	area->phys = start;
	out->v = area->start + offset;
	area_show(area, AREA_IOREMAP);
	return 0;
}

enum quire_vfree quire_iounmap(struct quire *q, quire_virt_t virt)
{
	return vmalloc_free(q, virt.v & ~(PAGE - 1), AREA_IOREMAP);
}
