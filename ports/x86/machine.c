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
#include <quire/highmem.h>
#include <quire/layout.h>
#include <quire/page.h>
#include <quire/pgtable.h>
#include <quire/slab.h>

#include "arena.h"
#include "cpu.h"
#include "heap.h"
#include "place.h"
#include "x86.h"

/* What the large pages cover that the image is in; kernel.lds sees to it that one is enough. */
#define IMAGE_LARGE ((uintptr_t)QUIRE_PAGE_SIZE << IMAGE_LARGE_ORDER)

/* kernel.lds: the image's parts; boot.S: the stub's root, and the page below the stack. */
extern unsigned char image_start[], text_end[], rodata_end[], image_end[], boot_guard[];
extern uintptr_t boot_root[];

#ifdef __x86_64__
#define MACHINE QUIRE_X86_64
#define IMAGE_LARGE_ORDER 9
#define DIRECT_LIMIT (512ull << 30) /* what one entry of the root covers */
#else
#ifdef PAE
#define MACHINE QUIRE_I386_PAE
#define IMAGE_LARGE_ORDER 9
#else
#define MACHINE QUIRE_I386
#define IMAGE_LARGE_ORDER 10
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

static quire_virt_t virt_of(uintptr_t address)
{
	return (quire_virt_t){ address };
}

static int change(struct quire_table *table, uintptr_t start, uintptr_t end, quire_pte_t set,
		  quire_pte_t clear)
{
	const struct quire_table_change bits = { .set = set, .clear = clear };

	return quire_table_protect(table, virt_of(start), end - start, bits, NULL);
}

/*
 * The library maps the large pages that the image touches for all uses. Here text is not written,
 * nothing else is executed, and nothing is below the stack.
 */
static int protect_image(struct quire_table *table)
{
	uintptr_t start = (uintptr_t)image_start, text = (uintptr_t)text_end;
	uintptr_t constants = (uintptr_t)rodata_end, guard = (uintptr_t)boot_guard;
	uintptr_t alias = (uintptr_t)x86_direct(quire_phys(0)) - LINK_BASE;
	int error = change(table, LINK_BASE, start, QUIRE_PTE_NX, 0);

	if (!error)
		error = change(table, text, LINK_BASE + IMAGE_LARGE, QUIRE_PTE_NX, 0);
	if (!error)
		error = change(table, start, constants, 0, QUIRE_PTE_RW);
	if (!error && alias)
		error = change(table, start + alias, constants + alias, 0, QUIRE_PTE_RW);
	return error ? error : quire_table_unmap(table, virt_of(guard), QUIRE_PAGE_SIZE, NULL);
}

/* The upper tiers; from here on the processor walks the library's tables. */
static int use_tables(struct quire *q)
{
	int error = quire_slab_boot(q, NULL);

	if (!error)
		error = quire_kernel_boot(q);
	if (error)
		return error;
	this_machine = q;
	error = protect_image(quire_table_kernel(q));
	return error ? error : arena_init(q);
}

/* A frame that is not directly mapped. */
static int zero_high(uint64_t pfn)
{
	struct quire_page *page;
	quire_virt_t window;
	int error;

	if (!this_machine) /* there are no windows yet */
		return -QUIRE_EOPNOTSUPP;
	page = quire_pfn_page(this_machine, quire_pfn(pfn));
	error = quire_kmap_local(this_machine, page, &window);
	if (error)
		return error == -QUIRE_EAGAIN ? -QUIRE_ENOMEM : error;
	__builtin_memset((void *)(uintptr_t)window.v, 0, QUIRE_PAGE_SIZE);
	quire_kunmap_local(this_machine, window);
	return 0;
}

int machine_zero(quire_pfn_t start, uint64_t nr_pages)
{
	uint64_t pfn = start.v, end = pfn + nr_pages;
	uint64_t low = DIRECT_LIMIT >> QUIRE_PAGE_SHIFT;
	int error = 0;

	if (pfn < low) {
		uint64_t nr = (end < low ? end : low) - pfn;

		__builtin_memset(x86_direct(quire_pfn_phys(start)), 0,
				 (size_t)(nr << QUIRE_PAGE_SHIFT));
		pfn += nr;
	}
	for (; !error && pfn < end; pfn++)
		error = zero_high(pfn);
	return error;
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
