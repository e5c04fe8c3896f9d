/* SPDX-License-Identifier: MIT */
/*
 * test_kmalloc.c - memory by size
 */
#include "heap.h"

TEST(every_size)
{
	struct heap h;

	if (!heap_start(&h, MB(64), 0))
		return;
	for (size_t bytes = 1; bytes <= 8192; bytes++) {
		unsigned char *p = quire_kmalloc(h.q, bytes, GFP);
		size_t room = quire_ksize(h.q, p);

		CHECK(p != NULL);
		/* At most a quarter more than what was asked for, but for tiny things. */
		CHECK(room >= bytes && (bytes < 64 || room <= bytes + bytes / 4 + 32));
		CHECK((bytes & (bytes - 1)) || quire_heap_phys(h.q, p).v % bytes == 0);
		CHECK_EQ(room, 8 * ((room + 7) / 8));
		memset(p, 1, room);
		CHECK_EQ(quire_kfree(h.q, p), QUIRE_KFREE_OK);
	}
	heap_end(&h, 0);
}

/* A size that is some request's room gets no more than itself, and no smaller one gets more. */
TEST(sizes_are_their_own)
{
	struct heap h;
	size_t last = 0, nr = 0;

	if (!heap_start(&h, MB(64), 0))
		return;
	for (size_t bytes = 1; bytes <= 8192; bytes++) {
		void *p = quire_kmalloc(h.q, bytes, GFP);
		size_t room = quire_ksize(h.q, p);

		CHECK(room >= last);
		CHECK(bytes <= last || room > last);
		CHECK((bytes == last + 1) == (room > last));
		nr += room > last;
		last = room;
		CHECK_EQ(quire_kfree(h.q, p), QUIRE_KFREE_OK);
	}
	CHECK_EQ(nr, QUIRE_HEAP_CLASSES);
	heap_end(&h, 0);
}

/* The inline path of a constant size and the other one use the same caches. */
TEST(constant_sizes)
{
	struct heap h;

	if (!heap_start(&h, MB(64), 0))
		return;
#define SAME(n)                                                                    \
	do {                                                                       \
		void *a = quire_kmalloc(h.q, n, GFP);                              \
		void *b = quire_kmalloc_track(h.q, n, GFP, 0);                     \
		CHECK_EQ(quire_ksize(h.q, a), quire_ksize(h.q, b));                \
		CHECK_EQ(quire_kfree(h.q, a), QUIRE_KFREE_OK);                     \
		CHECK_EQ(quire_kfree(h.q, b), QUIRE_KFREE_OK);                     \
	} while (0)
	SAME(1);
	SAME(8);
	SAME(9);
	SAME(64);
	SAME(65);
	SAME(128);
	SAME(129);
	SAME(192);
	SAME(256);
	SAME(257);
	SAME(512);
	SAME(513);
	SAME(1024);
	SAME(1025);
	SAME(1153);
	SAME(1249);
	SAME(1345);
	SAME(1473);
	SAME(1617);
	SAME(1809);
	SAME(2017);
	SAME(2049);
	SAME(2177);
	SAME(2321);
	SAME(2513);
	SAME(2705);
	SAME(2961);
	SAME(3265);
	SAME(3633);
	SAME(4032);
	SAME(4096);
	SAME(4097);
	SAME(4673);
	SAME(5441);
	SAME(6528);
	SAME(6529);
	SAME(8191);
	SAME(8192);
	SAME(8193);
	heap_end(&h, 0);
}

TEST(large)
{
	struct heap h;

	if (!heap_start(&h, MB(64), 0))
		return;
	uint64_t all = rig_free(&h.rig);
	for (size_t bytes = 8193; bytes <= QUIRE_KMALLOC_MAX; bytes *= 2) {
		unsigned char *p = quire_kmalloc(h.q, bytes, GFP);
		size_t room = quire_ksize(h.q, p);
		uint64_t pfn = quire_phys_pfn(quire_heap_phys(h.q, p)).v;

		CHECK(p && room >= bytes && room < 2 * bytes);
		CHECK_EQ(rig_frame(&h.rig, pfn).owner, QUIRE_OWNER_LARGE);
		p[0] = p[bytes - 1] = 1;
		CHECK_EQ(quire_kfree(h.q, p + 4096), QUIRE_KFREE_INSIDE);
		CHECK_EQ(quire_kfree(h.q, p + 8), QUIRE_KFREE_INSIDE);
		CHECK_EQ(quire_ksize(h.q, p + 4096), 0);
		CHECK_EQ(quire_page_put(h.q, quire_pfn_page(h.q, quire_pfn(pfn))),
			 QUIRE_FREE_OWNED);
		CHECK_EQ(quire_kfree(h.q, p), QUIRE_KFREE_OK);
		CHECK_EQ(quire_kfree(h.q, p), QUIRE_KFREE_FOREIGN);
	}
	quire_slab_drain(h.q);
	CHECK_EQ(rig_free(&h.rig), all);
	heap_end(&h, 0);
}

TEST(refuses)
{
	struct heap h;

	if (!heap_start(&h, MB(32), 0))
		return;
	void *nothing = quire_kmalloc(h.q, 0, GFP);
	CHECK(nothing == QUIRE_ZERO_SIZE_PTR);
	CHECK_EQ(quire_kfree_track(h.q, nothing, 0), QUIRE_KFREE_OK);
	CHECK_EQ(quire_kfree(h.q, NULL), QUIRE_KFREE_OK);
	CHECK(!quire_kmalloc(h.q, QUIRE_KMALLOC_MAX + 1, GFP));
	CHECK(!quire_kmalloc(h.q, SIZE_MAX, GFP));
	CHECK(!quire_kmalloc(h.q, 64, GFP | QUIRE_GFP_BIT_HIGHMEM));
	CHECK(!quire_kmalloc(h.q, 64, 0x80000000u));
	CHECK(!quire_kcalloc(h.q, SIZE_MAX / 2, 3, GFP));
	size_t half = (size_t)1 << (sizeof(size_t) * 4);
	CHECK(!quire_kcalloc(h.q, half, half, GFP));
	CHECK(quire_kcalloc(h.q, 0, 3, GFP) == QUIRE_ZERO_SIZE_PTR);
	void *p = quire_kcalloc(h.q, 10, 30, GFP);
	CHECK(p && quire_ksize(h.q, p) >= 300);
	CHECK_EQ(quire_kfree(h.q, p), QUIRE_KFREE_OK);
	CHECK_EQ(quire_ksize(h.q, &h), 0);
	CHECK_EQ(quire_ksize(h.q, NULL), 0);
	CHECK_EQ(quire_heap_phys(h.q, &h).v, UINT64_MAX);
	heap_end(&h, 0);
}

TEST(families)
{
	struct heap h;
	struct quire_config config = rig_config(QUIRE_I386_PAE);

	if (!heap_boot(&h, config, GB(1), 0))
		return;
	for (size_t bytes = 1; bytes <= 20000; bytes += 1 + bytes / 5) {
		void *dma = quire_kmalloc(h.q, bytes, GFP | QUIRE_GFP_DMA);
		void *rcl = quire_kmalloc(h.q, bytes, GFP | QUIRE_GFP_BIT_RECLAIMABLE);

		CHECK(dma && rcl);
		CHECK(quire_heap_phys(h.q, dma).v < MB(16));
		CHECK_EQ(rig_frame(&h.rig, quire_phys_pfn(quire_heap_phys(h.q, rcl)).v).migrate,
			 QUIRE_MIGRATE_RECLAIMABLE);
		CHECK_EQ(quire_kfree(h.q, dma), QUIRE_KFREE_OK);
		CHECK_EQ(quire_kfree(h.q, rcl), QUIRE_KFREE_OK);
	}
	static const char *const names[] = { "kmalloc-8",   "kmalloc-96",	"kmalloc-192",
					     "kmalloc-1k",  "kmalloc-8k",	"kmalloc-rcl-96",
					     "kmalloc-rcl-8k", "dma-kmalloc-64", "dma-kmalloc-4k" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK(quire_cache_find(h.q, names[i]) != NULL);
	heap_end(&h, 0);
}

/* krealloc keeps what fits, for all pairs of sizes; it fails without a change. */
TEST(realloc)
{
	static const size_t sizes[] = { 1, 8, 20, 64, 65, 1000, 4096, 8192, 8193, 100000 };
	struct heap h;

	for (unsigned debug = 0; debug < 2; debug++) {
		if (!heap_start(&h, MB(32), debug ? QUIRE_SLAB_DEBUG : 0))
			return;
		for (unsigned i = 0; i < 100; i++) {
			size_t from = sizes[i / 10], to = sizes[i % 10];
			size_t less = from < to ? from : to;
			unsigned char *p = quire_kmalloc(h.q, from, GFP), *r;

			memset(p, 0x42, from);
			CHECK(!quire_krealloc(h.q, p, QUIRE_KMALLOC_MAX + 1, GFP));
			r = quire_krealloc(h.q, p, to, GFP);
			CHECK(r && r[0] == 0x42 && r[less - 1] == 0x42);
			memset(r, 1, to);
			CHECK_EQ(quire_kfree(h.q, r), QUIRE_KFREE_OK);
		}
		CHECK(quire_krealloc(h.q, NULL, 0, GFP) == QUIRE_ZERO_SIZE_PTR);
		void *p = quire_krealloc(h.q, QUIRE_ZERO_SIZE_PTR, 10, GFP);
		CHECK(p != NULL);
		CHECK(!quire_krealloc(h.q, (char *)p + 8, 100, GFP));
		CHECK_EQ(h.last.what, QUIRE_KFREE_INSIDE);
		CHECK(!quire_krealloc(h.q, &h, 100, GFP));
		CHECK_EQ(h.last.what, QUIRE_KFREE_FOREIGN);
		CHECK(quire_krealloc(h.q, p, 0, GFP) == QUIRE_ZERO_SIZE_PTR);
		heap_end(&h, 0);
	}
}

/* Zones that don't begin at 4 MB: the frames' records are found the long way. */
TEST(straddled)
{
	struct heap h;
	struct quire_config config = rig_config(QUIRE_I386);

	config.lowmem_bytes = MB(33);
	config.movable_bytes = MB(1);
	if (!heap_boot(&h, config, MB(64), 0))
		return;
	static void *object[20000];
	unsigned nr = 0;
	while (nr < 20000 && (object[nr] = quire_kmalloc(h.q, 2000, GFP)))
		nr++;
	CHECK(nr > 8000 && nr < 20000);
	rig_sound(&h.rig);
	for (unsigned i = 0; i < nr; i++)
		CHECK_EQ(quire_kfree(h.q, object[i]), QUIRE_KFREE_OK);
	heap_end(&h, 0);
}

TEST_MAIN(CASE(every_size), CASE(sizes_are_their_own), CASE(constant_sizes), CASE(large),
	  CASE(refuses), CASE(families), CASE(realloc), CASE(straddled))
