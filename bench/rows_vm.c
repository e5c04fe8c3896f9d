/* SPDX-License-Identifier: MIT */
/*
 * rows_vm.c - what areas cost: mmap and munmap of a page that nobody touches, in processes with few
 * and many areas; a thousand rights changed
 *
 * The areas of a process lie one below the other, readable and writable in turn, so that none is
 * one with its neighbours: what is mapped is searched for, entered, and taken out again.
 */
#include <quire/boot.h>
#include <quire/layout.h>
#include <quire/mm.h>

#include <stdlib.h>

#include "bench.h"
#include "hosted.h"

#define GB(n) ((uint64_t)(n) << 30)
#define PAGE ((uint64_t)QUIRE_PAGE_SIZE)
#define ROUNDS 2000u

struct process {
	struct quire_hosted host;
	struct quire *q;
	struct quire_mm *mm;
	unsigned nr; /* areas mapped so far */
};

static void must(int error)
{
	if (error)
		abort();
}

static quire_virt_t map_as(struct process *p, struct quire_mmap args)
{
	quire_virt_t out;

	must(quire_mmap(p->mm, &args, &out));
	return out;
}

static quire_virt_t map(struct process *p, uint64_t address, unsigned prot)
{
	const struct quire_mmap args = {
		.address = { address },
		.bytes = PAGE,
		.prot = prot,
		.flags = QUIRE_MAP_PRIVATE | QUIRE_MAP_ANONYMOUS |
			 (address ? QUIRE_MAP_FIXED : 0u),
	};
	quire_virt_t out;

	must(quire_mmap(p->mm, &args, &out));
	return out;
}

static void unmap(struct process *p, uint64_t address)
{
	must(quire_munmap(p->mm, (quire_virt_t){ address }, PAGE));
}

static void begin(struct process *p, unsigned areas)
{
	struct quire_config config;

	*p = (struct process){ .nr = areas };
	quire_config_init(&config, QUIRE_X86_64);
	config.host = &p->host;
	config.nr_cpus = 4;
	must(quire_create(&config, &p->q));
	must(quire_memblock_add(p->q, quire_phys(0), quire_phys(GB(1))));
	must(quire_boot_zones(p->q));
	must(quire_kernel_boot(p->q));
	must(quire_cache_boot(p->q));
	must(quire_vm_boot(p->q));
	must(quire_mm_create(p->q, NULL, &p->mm));
	for (unsigned i = 0; i < areas; i++)
		map(p, 0, i % 2 ? QUIRE_PROT_READ : QUIRE_PROT_EXEC);
}

static void end(struct process *p)
{
	quire_destroy(p->q);
	quire_hosted_release(&p->host);
}

static void pair_at(const struct bench_allocator *a, unsigned areas, struct bench_result *out)
{
	struct process p;

	begin(&p, areas);
	bench_start();
	for (unsigned i = 0; i < ROUNDS && a != &bench_none; i++)
		must(quire_munmap(p.mm, map(&p, 0, QUIRE_PROT_READ | QUIRE_PROT_WRITE), PAGE));
	bench_stop(out, ROUNDS);
	end(&p);
}

static void pair(const struct bench_allocator *a, struct bench_result *out)
{
	pair_at(a, 1, out);
}

static void pair_10(const struct bench_allocator *a, struct bench_result *out)
{
	pair_at(a, 10, out);
}

static void pair_1000(const struct bench_allocator *a, struct bench_result *out)
{
	pair_at(a, 1000, out);
}

static void pair_30000(const struct bench_allocator *a, struct bench_result *out)
{
	pair_at(a, 30000, out);
}

/* In the middle of 1,000 areas with a gap behind each: one at random goes, and comes back. */
static void index_1000(const struct bench_allocator *a, struct bench_result *out)
{
	const uint64_t low = GB(1);
	uint64_t seed = 88172645463325252u;
	struct process p;

	begin(&p, 0);
	for (uint64_t i = 0; i < 1000; i++)
		map(&p, low + i * 2 * PAGE, QUIRE_PROT_READ);
	bench_start();
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t at = low + bench_random(&seed) % 1000 * 2 * PAGE;

		if (a == &bench_none)
			continue;
		must(quire_munmap(p.mm, (quire_virt_t){ at }, PAGE));
		map(&p, at, QUIRE_PROT_READ);
	}
	bench_stop(out, ROUNDS);
	end(&p);
}

/* Four areas of one page that become one, or not, and go in another order. */
static void four(const struct bench_allocator *a, bool alike, struct bench_result *out)
{
	static const unsigned order[] = { 2, 0, 3, 1 };
	struct process p;
	uint64_t at[4];

	begin(&p, 10);
	bench_start();
	for (unsigned i = 0; i < ROUNDS && a != &bench_none; i++) {
		for (unsigned n = 0; n < 4; n++)
			at[n] = map(&p, 0, alike || n % 2 ? QUIRE_PROT_WRITE : QUIRE_PROT_READ).v;
		for (unsigned n = 0; n < 4; n++)
			unmap(&p, at[order[n]]);
	}
	bench_stop(out, ROUNDS * 4);
	end(&p);
}

static void four_apart(const struct bench_allocator *a, struct bench_result *out)
{
	four(a, false, out);
}

static void four_alike(const struct bench_allocator *a, struct bench_result *out)
{
	four(a, true, out);
}

static void file_pair(const struct bench_allocator *a, struct bench_result *out)
{
	struct quire_inode_args args = { .bytes = 16 * PAGE };
	struct quire_mmap map = { .bytes = PAGE, .prot = QUIRE_PROT_READ,
				  .flags = QUIRE_MAP_PRIVATE };
	struct quire_inode *inode;
	struct process p;

	begin(&p, 10);
	must(quire_inode_create(p.q, &args, &inode));
	must(quire_file_open(inode, QUIRE_FILE_READ, "/file", &map.file));
	bench_start();
	for (unsigned i = 0; i < ROUNDS && a != &bench_none; i++)
		unmap(&p, map_as(&p, map).v);
	bench_stop(out, ROUNDS);
	quire_file_put(map.file);
	quire_inode_put(inode);
	end(&p);
}

/* At an address of the caller's, where nothing is. */
static void fixed_pair(const struct bench_allocator *a, struct bench_result *out)
{
	struct process p;

	begin(&p, 10);
	bench_start();
	for (unsigned i = 0; i < ROUNDS && a != &bench_none; i++) {
		map(&p, GB(1), QUIRE_PROT_READ | QUIRE_PROT_WRITE);
		unmap(&p, GB(1));
	}
	bench_stop(out, ROUNDS);
	end(&p);
}

/* A page in the middle of an area, which is cut in two; it comes back, and they are one. */
static void part_pair(const struct bench_allocator *a, struct bench_result *out)
{
	const struct quire_mmap wide = { .bytes = 16 * PAGE, .prot = QUIRE_PROT_READ,
					 .flags = QUIRE_MAP_PRIVATE | QUIRE_MAP_ANONYMOUS };
	struct process p;
	uint64_t at;

	begin(&p, 10);
	at = map_as(&p, wide).v + 8 * PAGE;
	bench_start();
	for (unsigned i = 0; i < ROUNDS && a != &bench_none; i++) {
		unmap(&p, at);
		map(&p, at, QUIRE_PROT_READ);
	}
	bench_stop(out, ROUNDS);
	end(&p);
}

static void brk_pair(const struct bench_allocator *a, struct bench_result *out)
{
	struct process p;

	begin(&p, 10);
	must(quire_mm_set_brk(p.mm, (quire_virt_t){ GB(1) }));
	quire_brk(p.mm, (quire_virt_t){ GB(1) + PAGE });
	bench_start();
	for (unsigned i = 0; i < ROUNDS && a != &bench_none; i++) {
		quire_brk(p.mm, (quire_virt_t){ GB(1) + 2 * PAGE });
		quire_brk(p.mm, (quire_virt_t){ GB(1) + PAGE });
	}
	bench_stop(out, ROUNDS);
	end(&p);
}

const struct bench_row bench_rows_vm[] = {
	{ "vm.mmap_munmap_1p", pair, true, "map and unmap a page, untouched" },
	{ "vm.mmap_munmap_10", pair_10, true, "the same beside 10 areas" },
	{ "vm.mmap_munmap_1k", pair_1000, true, "beside 1,000" },
	{ "vm.mmap_munmap_30k", pair_30000, true, "beside 30,000" },
	{ "vm.mmap_munmap_4", four_apart, true, "map 4, unmap them in another order, for each" },
	{ "vm.mmap_munmap_alike", four_alike, true, "the same, with areas that become one" },
	{ "vm.mmap_munmap_file", file_pair, true, "map and unmap a page of a file" },
	{ "vm.mmap_munmap_fixed", fixed_pair, true, "the same of fresh memory where one asks" },
	{ "vm.munmap_mmap_part", part_pair, true, "cut a page out of an area, map it again" },
	{ "vm.brk_pair", brk_pair, true, "the heap a page up and down" },
	{ "vm.index_1000", index_1000, true, "unmap one of 1,000 areas, map it again" },
};
const size_t bench_nr_rows_vm = sizeof(bench_rows_vm) / sizeof(bench_rows_vm[0]);
