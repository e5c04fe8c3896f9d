/* SPDX-License-Identifier: MIT */
/*
 * direct.c - the direct map: memory at PAGE_OFFSET + physical address
 *
 * Mapped is what the firmware's map calls memory, with the largest pages that fit, and no
 * hole; of a PC also what lies below 1 MB. The first large page is made of small ones
 * whatever is there, as the memory type registers of old are finer below 1 MB.
 *
 *   0      1 MB   2 MB                        hole                          high_memory
 *   │ 4 KB │ 4 KB │ 2 MB 2 MB ... 2 MB │ 4 KB │      │ 4 KB │ 2 MB ... 1 GB │
 *
 * Nothing in it can be executed but the kernel's image, which on x86-64 has addresses of its own.
 */
#include "pgtable/direct.h"

#include <quire/boot.h>

#include "pgtable/table.h"

#define PAGE ((uint64_t)QUIRE_PAGE_SIZE)
#define ANY_ORDER 63

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

	if (q->config.firmware && phys < ISA_END)
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
	uint64_t offset = layout_page_offset(&q->config), phys = virt.v - offset;
	uint64_t end = layout_direct_bytes(q);
	enum quire_direct outcome;

	if (layout_is_64(q->config.machine) && virt.v >= TEXT_START &&
	    virt.v < TEXT_START + TEXT_BYTES)
		phys = virt.v - TEXT_START;
	else if (virt.v < offset || phys >= end)
		return QUIRE_DIRECT_OTHER;
	outcome = place(q, phys);
	if (outcome == QUIRE_DIRECT_OK)
		out->v = phys;
	return outcome;
}

int quire_direct_stat(const struct quire *q, struct quire_direct_stat *out)
{
	struct quire_layout l;
	struct quire_mapping m;

	*out = (struct quire_direct_stat){ 0 };
	if (!q->tier[TIER_KSPACE])
		return -QUIRE_ENODEV;
	struct quire_table *table = &pgtable_of(q)->kernel;
	int error = quire_layout(q, &l);
	quire_virt_t at = l.page_offset;

	while (!error && quire_table_next(table, at, &m) && m.virt.v < l.high_memory.v) {
		uint64_t bytes = PAGE << m.order;

		if (!m.order)
			out->bytes_4k += bytes;
		else if (m.order <= 10)
			out->bytes_large += bytes;
		else
			out->bytes_1g += bytes;
		at.v = m.virt.v + bytes;
	}
	return error;
}

/* ---- Making it -------------------------------------------------------------- */

static int map(struct quire_table *table, const struct quire_layout *l, uint64_t start,
	       uint64_t end, unsigned order)
{
	if (start >= end)
		return 0;
	return quire_table_map(table, (quire_virt_t){ l->page_offset.v + start }, quire_phys(start),
			       end - start, QUIRE_PTE_KERNEL, order);
}

static int map_memory(struct quire_table *table, const struct quire_layout *l)
{
	const struct quire *q = table->q;
	uint64_t done = q->config.firmware ? ISA_END : 0;
	uint64_t large = PAGE << quire_pageblock_order(q), limit = layout_direct_bytes(q);
	struct quire_range range;
	int error = map(table, l, 0, done, 0);

	for (size_t i = 0; !error && quire_memblock_get(q, QUIRE_MEMBLOCK_MEMORY, i, &range); i++) {
		uint64_t start = (range.start + PAGE - 1) & ~(PAGE - 1);
		uint64_t end = range.end & ~(PAGE - 1);
		uint64_t border;

		start = start < done ? done : start;
		end = end > limit ? limit : end;
		border = end < large ? end : large;
		error = map(table, l, start, border, 0);
		if (!error)
			error = map(table, l, start > border ? start : border, end, ANY_ORDER);
	}
	return error;
}

/* What of [@start, @end) is code: in whole large pages, which need not be split then. */
static int map_image(struct quire_table *table, const struct quire_layout *l,
		     const struct quire_range *range, uint64_t *done)
{
	const struct quire *q = table->q;
	const struct quire_table_change exec = { .clear = QUIRE_PTE_NX };
	uint64_t large = PAGE << quire_pageblock_order(q), limit = layout_direct_bytes(q);

	uint64_t start = range->start & ~(large - 1);
	uint64_t end = (range->end + large - 1) & ~(large - 1);

	start = start < *done ? *done : start;
	if (start >= end)
		return 0;
	*done = end;
	if (layout_is_64(q->config.machine)) {
		if (end > TEXT_BYTES)
			return -QUIRE_EINVAL;
		return quire_table_map(table, (quire_virt_t){ l->text_start.v + start },
				       quire_phys(start), end - start, QUIRE_PTE_KERNEL_EXEC,
				       ANY_ORDER);
	}
	end = end > limit ? limit : end;
	return start < end ? quire_table_protect(table,
						 (quire_virt_t){ l->page_offset.v + start },
						 end - start, exec, NULL)
			   : 0;
}

int direct_make(struct quire_table *table, const struct quire_layout *layout)
{
	struct quire_range range;
	uint64_t done = 0;
	int error = map_memory(table, layout);

	for (size_t i = 0; quire_memblock_get(table->q, QUIRE_MEMBLOCK_RESERVED, i, &range); i++) {
		if (!error && range.what == QUIRE_RESERVE_KERNEL)
			error = map_image(table, layout, &range, &done);
	}
	return error;
}
