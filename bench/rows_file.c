/* SPDX-License-Identifier: MIT */
/*
 * rows_file.c - what the page cache costs
 *
 * The copy of 4 KB itself, quire_page_read, is in the empty loop, and so not in the figures.
 */
#include <quire/boot.h>
#include <quire/file.h>
#include <quire/layout.h>

#include <stdlib.h>

#include "bench.h"
#include "hosted.h"

#define MB(n) ((uint64_t)(n) << 20)
#define PAGES 1000u

struct cached {
	struct quire_hosted host;
	struct quire *q;
	struct quire_file *file;
	struct quire_page *page; /* for the empty loop */
	unsigned char *bytes;    /* of the store */
};

static unsigned char buf[QUIRE_PAGE_SIZE];

static void must(int error)
{
	if (error)
		abort();
}

static int read_store(void *ctx, uint64_t index, struct quire_page *const *pages, size_t nr)
{
	struct cached *c = ctx;

	for (size_t i = 0; i < nr; i++)
		must(quire_page_write(c->q, pages[i], 0, c->bytes + (index + i) * QUIRE_PAGE_SIZE,
				      QUIRE_PAGE_SIZE));
	return 0;
}

static int write_store(void *ctx, uint64_t index, struct quire_page *const *pages, uint64_t bytes)
{
	struct cached *c = ctx;

	for (size_t i = 0; i * QUIRE_PAGE_SIZE < bytes; i++)
		must(quire_page_read(c->q, pages[i], 0, c->bytes + (index + i) * QUIRE_PAGE_SIZE,
				     QUIRE_PAGE_SIZE));
	return 0;
}

static const struct quire_store store = { .read = read_store, .write = write_store };

/* A file of a thousand pages, all in memory. */
static void cached_begin(struct cached *c)
{
	struct quire_inode_args args = { &store, c, PAGES * QUIRE_PAGE_SIZE, 0, 0, 0 };
	struct quire_config config;
	struct quire_inode *inode;
	size_t done;

	*c = (struct cached){ .bytes = calloc(PAGES, QUIRE_PAGE_SIZE) };
	quire_config_init(&config, QUIRE_X86_64);
	config.host = &c->host;
	must(quire_create(&config, &c->q));
	must(quire_memblock_add(c->q, quire_phys(0), quire_phys(MB(64))));
	must(quire_boot_zones(c->q));
	must(quire_kernel_boot(c->q));
	must(quire_cache_boot(c->q));
	must(quire_inode_create(c->q, &args, &inode));
	must(quire_file_open(inode, QUIRE_FILE_READ | QUIRE_FILE_WRITE, "f", &c->file));
	quire_inode_put(inode);
	c->page = quire_page_alloc(c->q, QUIRE_GFP_KERNEL, 0);
	for (uint64_t i = 0; i < PAGES; i++)
		must(quire_file_read(c->file, i * QUIRE_PAGE_SIZE, buf, sizeof(buf), &done));
}

static void cached_end(struct cached *c)
{
	quire_file_put(c->file);
	quire_destroy(c->q);
	quire_hosted_release(&c->host);
	free(c->bytes);
}

/* What a row does with page @i. */
typedef void (*visit_fn)(struct cached *c, uint64_t i);

static void row(const struct bench_allocator *a, visit_fn visit, visit_fn nothing,
		struct bench_result *out)
{
	const unsigned n = 20000;
	uint64_t seed = 1;
	struct cached c;

	cached_begin(&c);
	visit = a == &bench_none ? nothing : visit;
	for (uint64_t i = 0; i < PAGES; i++)
		visit(&c, i);
	bench_start();
	for (unsigned i = 0; i < n; i++)
		visit(&c, bench_random(&seed) % PAGES);
	bench_stop(out, n);
	cached_end(&c);
}

static void copy_4k(struct cached *c, uint64_t i)
{
	(void)i;
	must(quire_page_read(c->q, c->page, 0, buf, sizeof(buf)));
}

static void copy_none(struct cached *c, uint64_t i)
{
	(void)c;
	(void)i;
}

static void visit_read(struct cached *c, uint64_t i)
{
	size_t done;

	must(quire_file_read(c->file, i * QUIRE_PAGE_SIZE, buf, sizeof(buf), &done));
}

static void visit_write(struct cached *c, uint64_t i)
{
	size_t done;

	must(quire_file_write(c->file, i * QUIRE_PAGE_SIZE, buf, sizeof(buf), &done));
}

static void visit_byte(struct cached *c, uint64_t i)
{
	size_t done;

	must(quire_file_read(c->file, i * QUIRE_PAGE_SIZE + i, buf, 1, &done));
}

static void read_hit_4k(const struct bench_allocator *a, struct bench_result *out)
{
	row(a, visit_read, copy_4k, out);
}

static void write_hit_4k(const struct bench_allocator *a, struct bench_result *out)
{
	row(a, visit_write, copy_4k, out);
}

static void lookup(const struct bench_allocator *a, struct bench_result *out)
{
	row(a, visit_byte, copy_none, out);
}

/* A file that is read in order, window by window; what comes from the store is copied once more. */
static void read_miss_4k(const struct bench_allocator *a, struct bench_result *out)
{
	struct cached c;

	cached_begin(&c);
	quire_pagecache_drop(c.q);
	bench_start();
	for (uint64_t i = 0; i < PAGES; i++) {
		if (a != &bench_none)
			visit_read(&c, i);
		else
			copy_4k(&c, i), copy_4k(&c, i);
	}
	bench_stop(out, PAGES);
	cached_end(&c);
}

const struct bench_row bench_rows_file[] = {
	{ "file.read_hit_4k", read_hit_4k, true, "read a cached page, without the copy" },
	{ "file.write_hit_4k", write_hit_4k, true, "write one, without the copy" },
	{ "file.lookup", lookup, true, "read one byte of one" },
	{ "file.read_miss_4k", read_miss_4k, true, "read in order, a page, without two copies" },
};

const size_t bench_nr_rows_file = sizeof(bench_rows_file) / sizeof(bench_rows_file[0]);
