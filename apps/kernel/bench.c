/* SPDX-License-Identifier: MIT */
/*
 * bench.c - what operations cost on this machine
 *
 * The rows have the names of those in bench/, which are counted in a process: the two tables can
 * be laid side by side. What an empty loop costs is taken off.
 */
#include "bench.h"

#include <quire/highmem.h>
#include <quire/page.h>
#include <quire/pgtable.h>
#include <quire/slab.h>
#include <quire/vmalloc.h>

#include "x86.h"

#define WARM 6000
#define TIMES 1000

/* Any page of the processes' half, in a table that is not in use. */
#define USER_PAGE 0x08048000u

/* What the operations work on. */
struct bench {
	struct quire *q;
	struct quire_page *page; /* of high memory, if there is any */
	struct quire_table *table;
};

static bool nothing(const struct bench *b)
{
	(void)b;
	return true;
}

static bool page_pair(const struct bench *b)
{
	return !quire_page_free(b->q, quire_page_alloc(b->q, QUIRE_GFP_KERNEL, 0), 0);
}

static bool page_pair_o3(const struct bench *b)
{
	return !quire_page_free(b->q, quire_page_alloc(b->q, QUIRE_GFP_KERNEL, 3), 3);
}

static bool kmalloc_pair(const struct bench *b)
{
	return !quire_kfree(b->q, quire_kmalloc(b->q, 64, QUIRE_GFP_KERNEL));
}

static bool kmalloc_pair_1024(const struct bench *b)
{
	return !quire_kfree(b->q, quire_kmalloc(b->q, 1024, QUIRE_GFP_KERNEL));
}

static bool vmalloc_pair(const struct bench *b)
{
	quire_virt_t at;

	return !quire_vmalloc(b->q, 4 * QUIRE_PAGE_SIZE, &at) && !quire_vfree(b->q, at);
}

static bool kmap_pair(const struct bench *b)
{
	quire_virt_t at;

	return !quire_kmap(b->q, b->page, &at) && !quire_kunmap(b->q, b->page);
}

static bool kmap_local_pair(const struct bench *b)
{
	quire_virt_t at;

	return !quire_kmap_local(b->q, b->page, &at) && !quire_kunmap_local(b->q, at);
}

static int map_page(const struct bench *b, uint64_t at)
{
	return quire_table_map(b->table, (quire_virt_t){ at },
			       quire_pfn_phys(quire_page_pfn(b->q, b->page)), QUIRE_PAGE_SIZE,
			       QUIRE_PTE_USER_RW, 0);
}

static int unmap_page(const struct bench *b, uint64_t at)
{
	return quire_table_unmap(b->table, (quire_virt_t){ at }, QUIRE_PAGE_SIZE, NULL);
}

static bool map_pair(const struct bench *b)
{
	return !map_page(b, USER_PAGE) && !unmap_page(b, USER_PAGE);
}

static const struct {
	const char *name;
	bool (*once)(const struct bench *b);
} rows[] = {
	{ "page.pair_o0", page_pair },
	{ "page.pair_o3", page_pair_o3 },
	{ "kmalloc.pair_64", kmalloc_pair },
	{ "kmalloc.pair_1024", kmalloc_pair_1024 },
	{ "vmalloc.pair_4p", vmalloc_pair },
	{ "kmap.pair", kmap_pair },
	{ "kmap_local.pair", kmap_local_pair },
	{ "pgtable.pair_4k", map_pair },
};

static bool repeat(bool (*once)(const struct bench *b), const struct bench *b, unsigned times)
{
	bool good = true;

	for (unsigned i = 0; i < times; i++)
		good = once(b) && good;
	return good;
}

static bool measure(bool (*once)(const struct bench *b), const struct bench *b, uint64_t *out)
{
	bool good = repeat(once, b, WARM);
	uint64_t start = x86_tsc();

	good = repeat(once, b, TIMES) && good;
	*out = x86_tsc() - start;
	return good;
}

static int measure_all(const struct bench *b)
{
	uint64_t empty;
	int failed = 0;

	measure(nothing, b, &empty);
	x86_print("%-20s %10s\n", "operation", "counts");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t all, tenths;

		if (!measure(rows[i].once, b, &all)) {
			x86_print("%-20s failed\n", rows[i].name);
			failed = 1;
			continue;
		}
		tenths = (all > empty ? all - empty : 0) / (TIMES / 10);
		x86_print("%-20s %8llu.%u\n", rows[i].name, (unsigned long long)tenths / 10,
			  (unsigned)(tenths % 10));
	}
	return failed;
}

int bench_run(struct quire *q)
{
	struct bench b = { .q = q, .page = quire_page_alloc(q, QUIRE_GFP_HIGHUSER, 0) };
	int failed = 1;

	if (b.page && !quire_table_create(q, &b.table)) {
		/* A neighbour, so that the tables stay. */
		if (!map_page(&b, USER_PAGE + QUIRE_PAGE_SIZE)) {
			failed = measure_all(&b);
			unmap_page(&b, USER_PAGE + QUIRE_PAGE_SIZE);
		}
		quire_table_destroy(b.table);
	}
	if (b.page)
		quire_page_put(q, b.page);
	return failed;
}
