/* SPDX-License-Identifier: MIT */
/*
 * rows_mmu.c - page tables, and the software MMU that reads them
 *
 * A machine of 256 MB with four levels. What is read lies in frames of its own; the window of
 * 64 MB has more pages than the MMU's TLB has entries, the one of 4 MB fewer.
 */
#include <quire/boot.h>
#include <quire/pgtable.h>
#include <stdlib.h>

#include "bench.h"
#include "hosted.h"
#include "softmmu.h"

#define MB(n) ((uint64_t)(n) << 20)
#define WINDOW 0x400000000u
#define READS 1000000
#define SEED 88172645463325252u

/** struct paging - a machine with a process's table that is loaded */
struct paging {
	struct quire_hosted host;
	struct quire *q;
	struct quire_table *table;
};

static void must(int error)
{
	if (error)
		abort();
}

static void paging_start(struct paging *p)
{
	struct quire_config config;

	*p = (struct paging){ .q = NULL };
	quire_config_init(&config, QUIRE_X86_64);
	config.host = &p->host;
	config.frames_outside = true;
	must(quire_create(&config, &p->q));
	must(quire_memblock_add(p->q, quire_phys(0), quire_phys(MB(256))));
	must(quire_memblock_reserve(p->q, quire_phys(MB(64)), quire_phys(MB(128)),
				    QUIRE_RESERVE_OTHER));
	must(quire_boot_zones(p->q));
	must(quire_pgtable_boot(p->q));
	must(quire_table_create(p->q, &p->table));
	must(quire_table_load(p->table));
}

static void paging_end(struct paging *p)
{
	quire_destroy(p->q);
	quire_hosted_release(&p->host);
}

static void map(struct paging *p, uint64_t at, uint64_t bytes)
{
	must(quire_table_map(p->table, (quire_virt_t){ at }, quire_phys(MB(64)), bytes,
			     QUIRE_PTE_USER_RW, 0));
}

static void unmap(struct paging *p, uint64_t at, uint64_t bytes, struct quire_tlb *tlb)
{
	must(quire_table_unmap(p->table, (quire_virt_t){ at }, bytes, tlb));
}

/*
 * A page next to the range keeps the page tables. Without the TLB, whose cost is the host's.
 */
static void map_range(const struct bench_allocator *a, bool measure_map, struct bench_result *out)
{
	const uint64_t bytes = 511 * 4096;
	struct quire_tlb tlb;
	struct paging p;

	paging_start(&p);
	map(&p, WINDOW + bytes, 4096);
	map(&p, WINDOW, bytes);
	unmap(&p, WINDOW, bytes, NULL);
	quire_tlb_begin(&tlb, p.table);
	if (!measure_map)
		map(&p, WINDOW, bytes);
	bench_start();
	if (a != &bench_none && measure_map)
		map(&p, WINDOW, bytes);
	else if (a != &bench_none)
		unmap(&p, WINDOW, bytes, &tlb);
	bench_stop(out, 511);
	quire_tlb_flush(&tlb);
	paging_end(&p);
}

static void map_4k(const struct bench_allocator *a, struct bench_result *out)
{
	map_range(a, true, out);
}

static void unmap_4k(const struct bench_allocator *a, struct bench_result *out)
{
	map_range(a, false, out);
}

/* One page, mapped and unmapped. */
static void pair_4k(const struct bench_allocator *a, struct bench_result *out)
{
	struct quire_tlb tlb;
	struct paging p;

	paging_start(&p);
	map(&p, WINDOW + 4096, 4096);
	quire_tlb_begin(&tlb, p.table);
	bench_start();
	for (unsigned i = 0; a != &bench_none && i < 10000; i++) {
		map(&p, WINDOW, 4096);
		unmap(&p, WINDOW, 4096, &tlb);
	}
	bench_stop(out, 10000);
	quire_tlb_flush(&tlb);
	paging_end(&p);
}

static void query(const struct bench_allocator *a, struct bench_result *out)
{
	struct quire_mapping m;
	struct paging p;

	paging_start(&p);
	map(&p, WINDOW, 4096);
	bench_start();
	for (unsigned i = 0; a != &bench_none && i < 10000; i++)
		must(quire_table_query(p.table, (quire_virt_t){ WINDOW + i % 4096 }, &m));
	bench_stop(out, 10000);
	paging_end(&p);
}

/* Random reads of 8 bytes in a window of that size. Return: this thread's time */
static uint64_t reads(const struct bench_allocator *a, uint64_t bytes, unsigned n,
		      struct bench_result *out)
{
	uint64_t seed = SEED, word = 0, sum = 0, ns;
	struct paging p;

	paging_start(&p);
	map(&p, WINDOW, bytes);
	for (uint64_t at = 0; at < bytes; at += 4096)
		must(quire_read(p.q, (quire_virt_t){ WINDOW + at }, &word, 8, NULL));
	bench_start();
	ns = bench_cpu_ns();
	for (unsigned i = 0; i < n; i++) {
		uint64_t at = WINDOW + (bench_random(&seed) & (bytes - 1) & ~7ull);

		if (a != &bench_none)
			must(quire_read(p.q, (quire_virt_t){ at }, &word, 8, NULL));
		sum += word;
	}
	ns = bench_cpu_ns() - ns;
	bench_stop(out, n);
	if (sum == 1) /* never: nothing but zeros is read */
		abort();
	paging_end(&p);
	return ns;
}

static void hit(const struct bench_allocator *a, struct bench_result *out)
{
	reads(a, MB(4), READS, out);
}

static void walk(const struct bench_allocator *a, struct bench_result *out)
{
	reads(a, MB(64), READS, out);
}

/* The best of five: what else the host runs can only add. */
static void resident(const struct bench_allocator *a, struct bench_result *out)
{
	uint64_t best = UINT64_MAX;

	for (unsigned i = 0; i < 5; i++) {
		uint64_t ns = reads(a, MB(64), 5 * READS, out);

		best = ns < best ? ns : best;
	}
	out->value = (double)out->ops / (double)best * 1e3;
	out->unit = "M/s";
}

const struct bench_row bench_rows_mmu[] = {
	{ "pgtable.map_4k", map_4k, true, "per page, 511 mapped at once" },
	{ "pgtable.unmap_4k", unmap_4k, true, "per page, 511 unmapped at once" },
	{ "pgtable.pair_4k", pair_4k, true, "map and unmap one page" },
	{ "pgtable.query", query, true, "what is mapped at an address" },
	{ "mmu.hit", hit, true, "quire_read of 8 random bytes of 4 MB: in the TLB" },
	{ "mmu.walk", walk, true, "of 64 MB: 7 in 8 are not" },
	{ "mmu.resident", resident, false, "the same, accesses per second" },
};

const size_t bench_nr_rows_mmu = sizeof(bench_rows_mmu) / sizeof(bench_rows_mmu[0]);
