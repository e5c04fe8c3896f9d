/* SPDX-License-Identifier: MIT */
/*
 * machine.c - Quire on the memory of the processor that runs it
 *
 *   below 1 MB    the firmware's; the loader's information, which has been copied
 *   1 MB ...      the image
 *   modules       where the loader put them
 *   tables        x86-64: for the direct map of what is above the first gigabyte
 *   heap          carved from free memory, for simulated machines
 *   frames        the library's own records, at the top of directly mapped memory
 */
#include "machine.h"

#include "cpu.h"
#include "place.h"

extern unsigned char image_start[], image_end[];
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

/* The heap for simulated machines: a quarter of memory, as far as that is needed. */
#define HEAP_SHARE 4
#define HEAP_MAX (64u << 20)

static struct x86_host this_host = { .real = true };

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

/* Carve the heap from the largest place that memory has for it. */
static int carve_heap(struct quire *q)
{
	struct quire_memblock_request req = { .align = QUIRE_PAGE_SIZE, .max = DIRECT_LIMIT };
	struct quire_range r;
	quire_phys_t at;

	for (size_t i = 0; quire_memblock_get(q, QUIRE_MEMBLOCK_FREE, i, &r); i++) {
		if (r.start < DIRECT_LIMIT)
			req.bytes += (r.end < DIRECT_LIMIT ? r.end : DIRECT_LIMIT) - r.start;
	}
	req.bytes = req.bytes / HEAP_SHARE & ~(uint64_t)(QUIRE_PAGE_SIZE - 1);
	if (req.bytes > HEAP_MAX)
		req.bytes = HEAP_MAX;
	int error = quire_memblock_alloc(q, &req, &at);
	if (!error)
		port_heap_more(x86_direct(at), (size_t)req.bytes);
	return error;
}

int x86_machine(const struct x86_boot *boot, struct quire **out)
{
	struct quire_config config;
	int error;

	boot_root[0] = 0; /* the stub's mapping of memory where it is */
	cpu_set_cr3(cpu_cr3());
	port_heap_init();
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
		error = carve_heap(*out);
	if (!error)
		error = quire_boot_zones(*out);
	return error;
}
