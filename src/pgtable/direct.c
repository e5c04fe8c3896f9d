/* SPDX-License-Identifier: MIT */
/*
 * direct.c - the direct map: memory at PAGE_OFFSET + physical address
 */
#include "pgtable/direct.h"

#include "phys/machine.h"

/* Below 1 MB all is mapped, memory or not: the firmware's data and the screen are there. */
#define ISA_END 0x100000u
/* What the kernel's image may take of the text region: as much as there is. */
#define TEXT_BYTES 0x20000000u
#define TEXT_START 0xffffffff80000000u

const char *quire_direct_name(enum quire_direct outcome)
{
	static const char *const names[] = {
		[QUIRE_DIRECT_OK] = "directly mapped",
		[QUIRE_DIRECT_HIGHMEM] = "in zone HighMem, not directly mapped",
		[QUIRE_DIRECT_HOLE] = "no memory there",
		[QUIRE_DIRECT_OTHER] = "not an address of the direct map",
	};

	return (unsigned)outcome <= QUIRE_DIRECT_OTHER ? names[outcome] : "?";
}

/* What is at a physical address? */
static enum quire_direct place(const struct quire *q, uint64_t phys)
{
	const struct quire_page *page = quire_pfn_page(q, quire_phys_pfn(quire_phys(phys)));

	if (phys < ISA_END)
		return QUIRE_DIRECT_OK;
	if (!page)
		return QUIRE_DIRECT_HOLE;
	if (q->config.lowmem_bytes && phys >= q->config.lowmem_bytes)
		return QUIRE_DIRECT_HIGHMEM;
	return QUIRE_DIRECT_OK;
}

enum quire_direct quire_phys_to_virt(const struct quire *q, quire_phys_t phys, quire_virt_t *out)
{
	enum quire_direct outcome = place(q, phys.v);

	if (outcome == QUIRE_DIRECT_OK)
		out->v = layout_page_offset(&q->config) + phys.v;
	return outcome;
}

enum quire_direct quire_virt_to_phys(const struct quire *q, quire_virt_t virt, quire_phys_t *out)
{
	uint64_t phys = virt.v - layout_page_offset(&q->config);
	uint64_t end = layout_direct_bytes(q);
	enum quire_direct outcome;

	if (layout_is_64(q->config.machine) && virt.v >= TEXT_START &&
	    virt.v < TEXT_START + TEXT_BYTES)
		phys = virt.v - TEXT_START;
	else if (virt.v < layout_page_offset(&q->config) || (phys >= end && phys >= ISA_END))
		return QUIRE_DIRECT_OTHER;
	outcome = place(q, phys);
	if (outcome == QUIRE_DIRECT_OK)
		out->v = phys;
	return outcome;
}
