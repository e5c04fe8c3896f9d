/* SPDX-License-Identifier: MIT */
/*
 * layout.c - where everything is
 *
 * 32 bits: what stands at the top is laid out from the top down, what memory decides from
 * PAGE_OFFSET up, and vmalloc has what is left between the two.
 *
 *   0         PAGE_OFFSET    high_memory                        PKMAP_BASE     FIXADDR_START   4 GB
 *   │  user   │  direct map  │ 8 MB │ vmalloc ...  │ 8 KB │ pkmap │ ... │ early │ fixmap │ guard │
 *                                   VMALLOC_START  VMALLOC_END                         FIXADDR_TOP
 *
 * 64 bits: all places are fixed.
 */
#include "pgtable/layout.h"

#include <quire/boot.h>

#include "phys/machine.h"

#define MB(n) ((uint64_t)(n) << 20)
#define PAGE ((uint64_t)QUIRE_PAGE_SIZE)

#define VMALLOC_OFFSET MB(8)
#define FIXADDR_TOP_32 0xfffff000u
/* A page below the next 2 MB after the vsyscall page. */
#define FIXADDR_TOP_64 0xffffffffff7ff000u
#define VSYSCALL_ADDR 0xffffffffff600000u
#define TEXT_START 0xffffffff80000000u
#define TEXT_END 0xffffffffa0000000u

struct limit {
	uint64_t start;
	enum quire_region region;
	const char *about;
};

/* Each region ends where the next begins. */
static const struct limit level4[] = {
	{ 0, QUIRE_REGION_USER, "a process's own" },
	{ 0x0000800000000000u, QUIRE_REGION_NONCANON, "bits 47 to 63 must be equal" },
	{ 0xffff800000000000u, QUIRE_REGION_HOLE, "guard, also for a hypervisor" },
	{ 0xffff880000000000u, QUIRE_REGION_LINUX, "LDT remap" },
	{ 0xffff888000000000u, QUIRE_REGION_DIRECT, "all memory" },
	{ 0xffffc88000000000u, QUIRE_REGION_HOLE, "unused" },
	{ 0xffffc90000000000u, QUIRE_REGION_VMALLOC, "vmalloc, vmap, ioremap" },
	{ 0xffffe90000000000u, QUIRE_REGION_HOLE, "unused" },
	{ 0xffffea0000000000u, QUIRE_REGION_VMEMMAP, "frame array of a Linux" },
	{ 0xffffeb0000000000u, QUIRE_REGION_HOLE, "unused" },
	{ 0xffffec0000000000u, QUIRE_REGION_LINUX, "KASAN shadow" },
};

static const struct limit level5[] = {
	{ 0, QUIRE_REGION_USER, "a process's own" },
	{ 0x0100000000000000u, QUIRE_REGION_NONCANON, "bits 56 to 63 must be equal" },
	{ 0xff00000000000000u, QUIRE_REGION_HOLE, "guard, also for a hypervisor" },
	{ 0xff10000000000000u, QUIRE_REGION_LINUX, "LDT remap" },
	{ 0xff11000000000000u, QUIRE_REGION_DIRECT, "all memory" },
	{ 0xff91000000000000u, QUIRE_REGION_HOLE, "unused" },
	{ 0xffa0000000000000u, QUIRE_REGION_VMALLOC, "vmalloc, vmap, ioremap" },
	{ 0xffd2000000000000u, QUIRE_REGION_HOLE, "unused" },
	{ 0xffd4000000000000u, QUIRE_REGION_VMEMMAP, "frame array of a Linux" },
	{ 0xffd6000000000000u, QUIRE_REGION_HOLE, "unused" },
	{ 0xffdf000000000000u, QUIRE_REGION_LINUX, "KASAN shadow" },
};

/* From here on both are alike. */
static const struct limit both[] = {
	{ 0xfffffc0000000000u, QUIRE_REGION_HOLE, "unused" },
	{ 0xfffffe0000000000u, QUIRE_REGION_LINUX, "cpu_entry_area" },
	{ 0xfffffe8000000000u, QUIRE_REGION_HOLE, "unused" },
	{ 0xffffff0000000000u, QUIRE_REGION_LINUX, "%esp fixup stacks" },
	{ 0xffffff8000000000u, QUIRE_REGION_HOLE, "unused" },
	{ 0xffffffef00000000u, QUIRE_REGION_LINUX, "EFI runtime services" },
	{ 0xffffffff00000000u, QUIRE_REGION_HOLE, "unused" },
	{ TEXT_START, QUIRE_REGION_TEXT, "kernel image, at physical 0" },
	{ TEXT_END, QUIRE_REGION_MODULES, "modules" },
	{ 0xffffffffff000000u, QUIRE_REGION_HOLE, "unused" },
};

const char *quire_region_name(enum quire_region region)
{
	static const char *const names[] = {
		[QUIRE_REGION_HOLE] = "hole",
		[QUIRE_REGION_USER] = "user",
		[QUIRE_REGION_NONCANON] = "non-canonical",
		[QUIRE_REGION_DIRECT] = "direct map",
		[QUIRE_REGION_VMALLOC] = "vmalloc",
		[QUIRE_REGION_VMEMMAP] = "vmemmap",
		[QUIRE_REGION_TEXT] = "kernel text",
		[QUIRE_REGION_MODULES] = "modules",
		[QUIRE_REGION_PKMAP] = "pkmap",
		[QUIRE_REGION_FIXMAP] = "fixmap",
		[QUIRE_REGION_VSYSCALL] = "vsyscall",
		[QUIRE_REGION_LINUX] = "Linux",
	};

	return (unsigned)region < QUIRE_NR_REGIONS ? names[region] : "?";
}

uint64_t layout_direct_bytes(const struct quire *q)
{
	struct quire_range range;
	uint64_t end = 0;

	if (q->direct_bytes) /* the same, once somebody has asked for the direct map */
		return q->direct_bytes;
	for (size_t i = 0; quire_memblock_get(q, QUIRE_MEMBLOCK_MEMORY, i, &range); i++)
		end = range.end & ~(PAGE - 1);
	if (q->config.lowmem_bytes && end > q->config.lowmem_bytes)
		end = q->config.lowmem_bytes;
	return end;
}

unsigned layout_slots(const struct quire_config *config)
{
	/* Without high memory nobody needs a window. */
	return QUIRE_FIX_NR +
	       (layout_is_64(config->machine) ? 0 : config->nr_cpus * QUIRE_KMAP_DEPTH);
}

/* Slot 0 is the guard page; on x86-64 the vsyscall page, 511 pages below FIXADDR_TOP. */
static unsigned index_of(const struct quire_config *config, unsigned slot)
{
	return slot + (layout_is_64(config->machine)
			       ? (unsigned)((FIXADDR_TOP_64 - VSYSCALL_ADDR) / PAGE)
			       : 0);
}

unsigned layout_early_slot(const struct quire_config *config)
{
	unsigned nr = QUIRE_EARLY_SLOTS * QUIRE_EARLY_PAGES;
	unsigned entries = config->machine == QUIRE_I386 ? 1024 : 512;
	unsigned slot = layout_slots(config), offset = index_of(config, slot) % entries;

	/* Counted from an address just below a table's end, so a table is @entries indexes. */
	return offset + nr <= entries ? slot : slot + entries - offset;
}

uint64_t layout_fix_virt(const struct quire_config *config, unsigned slot)
{
	uint64_t top = layout_is_64(config->machine) ? FIXADDR_TOP_64 : FIXADDR_TOP_32;

	return top - index_of(config, slot) * PAGE;
}

static void area_add(struct quire_layout *l, uint64_t start, enum quire_region region,
		     const char *about)
{
	/* A hole that is empty is not there. */
	if (l->nr && l->area[l->nr - 1].start == start)
		l->nr--;
	if (l->nr)
		l->area[l->nr - 1].end = start;
	l->area[l->nr++] = (struct quire_layout_area){ start, 0, region, about };
}

static void areas_add(struct quire_layout *l, const struct limit *limit, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		area_add(l, limit[i].start, limit[i].region, limit[i].about);
}

static void fixed_limits(const struct quire *q, struct quire_layout *l)
{
	const struct quire_config *config = &q->config;
	unsigned early = layout_early_slot(config) + QUIRE_EARLY_SLOTS * QUIRE_EARLY_PAGES;

	l->page_offset.v = layout_page_offset(config);
	l->high_memory.v = l->page_offset.v + layout_direct_bytes(q);
	l->fixaddr_top.v = layout_is_64(config->machine) ? VSYSCALL_ADDR : FIXADDR_TOP_32;
	l->fixaddr_start.v = layout_fix_virt(config, layout_slots(config) - 1);
	l->fixaddr_boot_start.v = layout_fix_virt(config, early - 1);
}

static void layout_64(const struct quire *q, struct quire_layout *l)
{
	bool five = q->config.machine == QUIRE_X86_64_LA57;

	l->vmalloc_start.v = five ? 0xffa0000000000000u : 0xffffc90000000000u;
	l->vmalloc_end.v = five ? 0xffd2000000000000u : 0xffffe90000000000u;
	l->text_start.v = TEXT_START;
	l->text_end.v = TEXT_END;
	if (five)
		areas_add(l, level5, sizeof(level5) / sizeof(level5[0]));
	else
		areas_add(l, level4, sizeof(level4) / sizeof(level4[0]));
	areas_add(l, both, sizeof(both) / sizeof(both[0]));
	area_add(l, l->fixaddr_boot_start.v, QUIRE_REGION_FIXMAP, "fixed addresses");
	area_add(l, VSYSCALL_ADDR, QUIRE_REGION_VSYSCALL, "legacy page for user code");
	area_add(l, VSYSCALL_ADDR + PAGE, QUIRE_REGION_HOLE, "unused");
}

static void layout_32(const struct quire *q, struct quire_layout *l)
{
	bool pae = q->config.machine == QUIRE_I386_PAE;
	uint64_t large = pae ? MB(2) : MB(4);

	l->nr_pkmap = pae ? 512 : 1024;
	l->pkmap_base.v = (l->fixaddr_boot_start.v - PAGE * (l->nr_pkmap + 1)) & ~(large - 1);
	l->vmalloc_start.v = l->high_memory.v + VMALLOC_OFFSET;
	l->vmalloc_end.v = l->pkmap_base.v - 2 * PAGE;
	area_add(l, 0, QUIRE_REGION_USER, "a process's own");
	area_add(l, l->page_offset.v, QUIRE_REGION_DIRECT, "memory up to high_memory");
	area_add(l, l->high_memory.v, QUIRE_REGION_HOLE, "8 MB, catches overruns");
	area_add(l, l->vmalloc_start.v, QUIRE_REGION_VMALLOC, "vmalloc, vmap, ioremap");
	area_add(l, l->vmalloc_end.v, QUIRE_REGION_HOLE, "8 KB, catches overruns");
	area_add(l, l->pkmap_base.v, QUIRE_REGION_PKMAP, "kmap of high memory");
	area_add(l, l->pkmap_base.v + PAGE * l->nr_pkmap, QUIRE_REGION_HOLE, "unused");
	area_add(l, l->fixaddr_boot_start.v, QUIRE_REGION_FIXMAP, "fixed addresses");
	area_add(l, l->fixaddr_top.v, QUIRE_REGION_HOLE, "4 KB guard page");
	l->area[l->nr - 1].end = 1ull << 32;
}

int quire_layout(const struct quire *q, struct quire_layout *out)
{
	*out = (struct quire_layout){ 0 };
	if (!layout_direct_bytes(q))
		return -QUIRE_ENODEV;
	fixed_limits(q, out);
	if (layout_is_64(q->config.machine))
		layout_64(q, out);
	else
		layout_32(q, out);
	return 0;
}

const struct quire_layout_area *quire_layout_find(const struct quire_layout *layout,
						  quire_virt_t virt)
{
	unsigned i = 0;

	while (i + 1 < layout->nr && layout->area[i + 1].start <= virt.v)
		i++;
	return &layout->area[i];
}
