/* SPDX-License-Identifier: MIT */
/*
 * machine.c - Quire on the memory of the processor that runs it
 *
 *   below 1 MB    the firmware's; the loader's information, which has been copied
 *   1 MB ...      the image
 *   modules       where the loader put them
 *   tables        x86-64: the stub's map no more than a gigabyte; these map the rest, until the
 *                 library has tables of its own
 *   frames        the library's own records, at the top of directly mapped memory
 */
#include "machine.h"

#include <quire/error.h>
#include <quire/page.h>
#include <quire/pgtable.h>

#include "arena.h"
#include "cpu.h"
#include "heap.h"
#include "place.h"
#include "x86.h"

/* kernel.lds: the image's parts; boot.S: the stub's root, and the page below the stack. */
extern unsigned char image_start[], text_end[], rodata_end[], image_end[], boot_guard[];
extern uintptr_t boot_root[];

#ifdef __x86_64__
#define MACHINE QUIRE_X86_64
#define DIRECT_LIMIT (512ull << 30) /* what one entry of the root covers */
#else
#ifdef PAE
#define MACHINE QUIRE_I386_PAE
#else
#define MACHINE QUIRE_I386
#endif
#define DIRECT_LIMIT LOWMEM_BYTES
#endif

static struct x86_host this_host = { .memory = X86_REAL };
static struct quire *this_machine; /* NULL: it has no page tables yet */

void *x86_direct(quire_phys_t at)
{
	return (void *)(uintptr_t)(DIRECT_BASE + at.v);
}

static quire_phys_t image_phys(const void *p)
{
	return quire_phys((uintptr_t)p - LINK_BASE);
}

static int reserve(struct quire *q, const struct x86_boot *boot)
{
	int error = quire_memblock_reserve(q, image_phys(image_start), image_phys(image_end),
					   QUIRE_RESERVE_KERNEL);

	for (size_t i = 0; !error && i < boot->nr_modules; i++) {
		const struct x86_module *m = &boot->modules[i];

		if (m->start < m->end)
			error = quire_memblock_reserve(q, quire_phys(m->start), quire_phys(m->end),
						       QUIRE_RESERVE_INITRD);
	}
	return error;
}

#ifdef __x86_64__

#define GB (1ull << 30)
#define PAGE_2M (2ull << 20)
#define ENTRY_TABLE 0x003
#define ENTRY_LARGE 0x083
#define DIRECT_SLOT ((DIRECT_BASE >> 39) & 511)

/* A table for one gigabyte of the direct map, in memory that is mapped already. */
static int direct_gigabyte(struct quire *q, uint64_t *pdpt, uint64_t gigabyte)
{
	const struct quire_memblock_request req = {
		.bytes = QUIRE_PAGE_SIZE,
		.align = QUIRE_PAGE_SIZE,
		.max = GB,
	};
	quire_phys_t at;
	int error = quire_memblock_alloc(q, &req, &at);

	if (error)
		return error;
	uint64_t *table = x86_direct(at);
	for (unsigned i = 0; i < 512; i++)
		table[i] = (gigabyte * GB + i * PAGE_2M) | ENTRY_LARGE;
	pdpt[gigabyte] = at.v | ENTRY_TABLE;
	return 0;
}

/* Map every gigabyte that has memory; the first one is. */
static int direct_map(struct quire *q)
{
	uint64_t *pdpt = x86_direct(quire_phys(boot_root[DIRECT_SLOT] & ~0xfffull));
	struct quire_range r;
	int error = 0;

	for (size_t i = 0; quire_memblock_get(q, QUIRE_MEMBLOCK_MEMORY, i, &r); i++) {
		for (uint64_t g = r.start / GB; !error && g * GB < r.end; g++) {
			if (g >= DIRECT_LIMIT / GB)
				return -QUIRE_EOPNOTSUPP;
			if (!pdpt[g])
				error = direct_gigabyte(q, pdpt, g);
		}
	}
	return error;
}

#else

/* The stub has mapped all that there can be. */
static int direct_map(struct quire *q)
{
	(void)q;
	return 0;
}

#endif

/* ---- The kernel's half, in the library's tables ---- */

static quire_virt_t virt_of(const void *p)
{
	return (quire_virt_t){ (uintptr_t)p };
}

/* Directly mapped is what is memory; the last partial page is none. */
static int map_direct(struct quire *q, struct quire_table *table)
{
	struct quire_range r;
	int error = 0;

	for (size_t i = 0; !error && quire_memblock_get(q, QUIRE_MEMBLOCK_MEMORY, i, &r); i++) {
		uint64_t end = r.end < DIRECT_LIMIT ? r.end : DIRECT_LIMIT;

		r.start = (r.start + QUIRE_PAGE_SIZE - 1) & ~(uint64_t)(QUIRE_PAGE_SIZE - 1);
		end &= ~(uint64_t)(QUIRE_PAGE_SIZE - 1);
		if (r.start < end)
			error = quire_table_map(table, (quire_virt_t){ DIRECT_BASE + r.start },
						quire_phys(r.start), end - r.start,
						QUIRE_PTE_KERNEL, QUIRE_ORDER_MAX);
	}
	return error;
}

static int map_image(struct quire_table *table)
{
#ifdef __x86_64__
	return quire_table_map(table, virt_of(image_start), image_phys(image_start),
			       (uint64_t)(image_end - image_start), QUIRE_PTE_KERNEL, 0);
#else
	(void)table; /* it is in the direct map */
	return 0;
#endif
}

/* Text is not written, data is not executed, and nothing is below the stack. */
static int protect_image(struct quire_table *table)
{
	const struct quire_table_change text = { .clear = QUIRE_PTE_RW | QUIRE_PTE_NX };
	const struct quire_table_change constants = { .clear = QUIRE_PTE_RW };
	int error = quire_table_protect(table, virt_of(image_start),
					(uint64_t)(text_end - image_start), text, NULL);

	if (!error)
		error = quire_table_protect(table, virt_of(text_end),
					    (uint64_t)(rodata_end - text_end), constants, NULL);
	if (!error)
		error = quire_table_unmap(table, virt_of(boot_guard), QUIRE_PAGE_SIZE, NULL);
	return error;
}

static int use_tables(struct quire *q)
{
	struct quire_table *table;
	int error = quire_pgtable_boot(q);

	if (error)
		return error;
	table = quire_table_kernel(q);
	error = map_direct(q, table);
	if (!error)
		error = map_image(table);
	if (!error)
		error = protect_image(table);
	if (!error)
		error = quire_table_load(table);
	this_machine = q;
	return error ? error : arena_init(q);
}

bool machine_fault(uintptr_t address, uintptr_t code)
{
	struct quire_table *table;

	if (!this_machine || (code & QUIRE_PF_PRESENT))
		return false;
	table = quire_table_loaded(this_machine, 0);
	return table && quire_table_sync(table, (quire_virt_t){ address });
}

int x86_machine(const struct x86_boot *boot, struct quire **out)
{
	struct quire_config config;
	int error;

	boot_root[0] = 0; /* the stub's mapping of memory where it is */
	cpu_set_cr3(cpu_cr3());
	heap_init();
	quire_config_init(&config, MACHINE);
	config.host = &this_host;
	error = quire_create(&config, out);
	if (error)
		return error;
	error = quire_boot_map(*out, boot->map, boot->nr_map);
	if (!error)
		error = reserve(*out, boot);
	if (!error)
		error = direct_map(*out);
	if (!error)
		error = quire_boot_zones(*out);
	if (error)
		return error;
	heap_zones(*out);
	return use_tables(*out);
}
