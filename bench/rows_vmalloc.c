/* SPDX-License-Identifier: MIT */
/*
 * rows_vmalloc.c - what the kernel's address space costs: areas and windows
 *
 * All included: addresses, frames, table entries, and each call's share of the flushes. The
 * machines have 1 GB and four processors, as one has that counts Linux's vmalloc; nothing
 * is filled with zeros.
 */
#include <quire/boot.h>
#include <quire/highmem.h>
#include <quire/layout.h>
#include <quire/vmalloc.h>

#include <stdlib.h>

#include "bench.h"
#include "hosted.h"

#define GB(n) ((uint64_t)(n) << 30)
#define MB(n) ((uint64_t)(n) << 20)

/* More than there are lazy areas before a flush, so that all come from what is kept. */
#define WARM 6000

struct kernel {
	struct quire_hosted host;
	struct quire *q;
};

static void must(int error)
{
	if (error)
		abort();
}

static void kernel_begin(struct kernel *k, enum quire_machine machine, uint64_t bytes)
{
	struct quire_config config;

	*k = (struct kernel){ .q = NULL };
	quire_config_init(&config, machine);
	config.host = &k->host;
	config.nr_cpus = 4;
	must(quire_create(&config, &k->q));
	must(quire_memblock_add(k->q, quire_phys(0), quire_phys(bytes)));
	must(quire_boot_zones(k->q));
	must(quire_kernel_boot(k->q));
}

static void kernel_end(struct kernel *k)
{
	quire_destroy(k->q);
	quire_hosted_release(&k->host);
}

static void pairs(struct kernel *k, uint64_t bytes, unsigned n)
{
	quire_virt_t virt;

	while (n--) {
		must(quire_vmalloc(k->q, bytes, &virt));
		must((int)quire_vfree(k->q, virt));
	}
}

static void pair_row(const struct bench_allocator *a, enum quire_machine machine, uint64_t bytes,
		     unsigned n, struct bench_result *out)
{
	bool real = a != &bench_none;
	struct kernel k;

	kernel_begin(&k, machine, GB(1));
	if (real)
		pairs(&k, bytes, bytes < MB(1) ? WARM : 10);
	bench_start();
	if (real)
		pairs(&k, bytes, n);
	bench_stop(out, n);
	kernel_end(&k);
}

static void pair_4p(const struct bench_allocator *a, struct bench_result *out)
{
	pair_row(a, QUIRE_X86_64, 4 * 4096, 20000, out);
}

static void pair_4p_i386(const struct bench_allocator *a, struct bench_result *out)
{
	pair_row(a, QUIRE_I386, 4 * 4096, 20000, out);
}

static void pair_1m(const struct bench_allocator *a, struct bench_result *out)
{
	pair_row(a, QUIRE_X86_64, MB(1), 400, out);
}

static quire_virt_t device(struct kernel *k, uint64_t pages)
{
	quire_virt_t virt = { 0 };

	must(quire_ioremap(k->q, quire_phys(GB(64)), pages * 4096, QUIRE_PTE_UC, &virt));
	return virt;
}

/*
 * Among @nr areas: free one of them at random and map one of a size that is not kept: a search
 * for a gap and an insertion each time, and with the purges a removal. They map a device: there
 * are no frames to be had.
 */
static void among(const struct bench_allocator *a, unsigned nr, struct bench_result *out)
{
	quire_virt_t *area = calloc(nr, sizeof(*area));
	uint64_t seed = 88172645463325252u;
	const unsigned n = 60000;
	struct kernel k;

	if (!area)
		abort();
	kernel_begin(&k, QUIRE_X86_64, GB(1));
	for (unsigned i = 0; i < nr; i++)
		area[i] = device(&k, 1);
	bench_start();
	for (unsigned i = 0; i < n; i++) {
		quire_virt_t *at = &area[bench_random(&seed) % nr];

		if (a == &bench_none)
			continue;
		must((int)quire_iounmap(k.q, *at));
		*at = device(&k, 18 + bench_random(&seed) % 21);
	}
	bench_stop(out, n);
	kernel_end(&k);
	free(area);
}

static void among_1k(const struct bench_allocator *a, struct bench_result *out)
{
	among(a, 1000, out);
}

static void among_100k(const struct bench_allocator *a, struct bench_result *out)
{
	among(a, 100000, out);
}

/* A frame of high memory, opened and closed: it finds its window again. */
static void kmap_pair(const struct bench_allocator *a, struct bench_result *out)
{
	const unsigned n = 20000;
	struct kernel k;
	quire_virt_t virt;

	kernel_begin(&k, QUIRE_I386_PAE, GB(2));
	struct quire_page *page = quire_page_alloc(k.q, QUIRE_GFP_HIGHUSER, 0);

	bench_start();
	for (unsigned i = 0; i < n && a != &bench_none; i++) {
		must(quire_kmap(k.q, page, &virt));
		must(quire_kunmap(k.q, page));
	}
	bench_stop(out, n);
	kernel_end(&k);
}

/* 2,000 frames of high memory in turn: each opens a new window, which run round. */
static void kmap_new(const struct bench_allocator *a, struct bench_result *out)
{
	static struct quire_page *page[2000];
	const unsigned n = 20000;
	struct kernel k;
	quire_virt_t virt;

	kernel_begin(&k, QUIRE_I386_PAE, GB(2));
	for (unsigned i = 0; i < 2000; i++)
		page[i] = quire_page_alloc(k.q, QUIRE_GFP_HIGHUSER, 0);
	bench_start();
	for (unsigned i = 0; i < n && a != &bench_none; i++) {
		must(quire_kmap(k.q, page[i % 2000], &virt));
		must(quire_kunmap(k.q, page[i % 2000]));
	}
	bench_stop(out, n);
	kernel_end(&k);
}

/* The port's flush of one page is in it: here the simulated processors'. */
static void kmap_local_pair(const struct bench_allocator *a, struct bench_result *out)
{
	const unsigned n = 20000;
	struct kernel k;
	quire_virt_t virt;

	kernel_begin(&k, QUIRE_I386_PAE, GB(2));
	struct quire_page *page = quire_page_alloc(k.q, QUIRE_GFP_HIGHUSER, 0);

	bench_start();
	for (unsigned i = 0; i < n && a != &bench_none; i++) {
		must(quire_kmap_local(k.q, page, &virt));
		must((int)quire_kunmap_local(k.q, virt));
	}
	bench_stop(out, n);
	kernel_end(&k);
}

const struct bench_row bench_rows_vmalloc[] = {
	{ "vmalloc.pair_4p", pair_4p, true, "vmalloc and vfree of 4 pages" },
	{ "vmalloc.pair_4p_i386", pair_4p_i386, true, "the same with two-level tables" },
	{ "vmalloc.pair_1m", pair_1m, true, "vmalloc and vfree of 1 MB" },
	{ "vmalloc.among_1k", among_1k, true, "iounmap and ioremap among 1,000 areas" },
	{ "vmalloc.among_100k", among_100k, true, "the same among 100,000" },
	{ "kmap.pair", kmap_pair, true, "kmap and kunmap of one frame" },
	{ "kmap.new", kmap_new, true, "of 2,000 frames in turn" },
	{ "kmap.local_pair", kmap_local_pair, true, "kmap_local and kunmap_local" },
};

const size_t bench_nr_rows_vmalloc = sizeof(bench_rows_vmalloc) / sizeof(bench_rows_vmalloc[0]);
