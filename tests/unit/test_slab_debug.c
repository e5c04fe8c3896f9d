/* SPDX-License-Identifier: MIT */
/*
 * test_slab_debug.c - wrong use of objects, caught and named
 */
#include "heap.h"

/* Overrun by a byte behind what was asked for: found when it is freed, which is then refused. */
TEST(overrun)
{
	struct heap h;

	if (!heap_start(&h, MB(32), QUIRE_SLAB_RED_ZONE | QUIRE_SLAB_STORE_USER))
		return;
	for (size_t bytes = 1; bytes <= 8192; bytes += 1 + bytes / 3) {
		unsigned char *p = quire_kmalloc_track(h.q, bytes, GFP, 11);

		for (unsigned n = 0; n < 8; n++) {
			unsigned char was = p[bytes + n];

			p[bytes + n] ^= 1;
			CHECK_EQ(quire_kfree_track(h.q, p, 22), QUIRE_KFREE_OVERRUN);
			CHECK_EQ(h.last.offset, bytes + n);
			CHECK(h.last.object == p);
			CHECK_EQ(h.last.caller, 22);
			CHECK_EQ(h.last.alloc_caller, 11);
			CHECK(!strncmp(h.last.cache, "kmalloc-", 8));
			p[bytes + n] = was;
		}
		p[-1] ^= 1;
		CHECK_EQ(quire_kfree(h.q, p), QUIRE_KFREE_OVERRUN);
		CHECK_EQ((int64_t)h.last.offset, -1);
		p[-1] ^= 1;
		CHECK_EQ(quire_kfree(h.q, p), QUIRE_KFREE_OK);
	}
	heap_end(&h, 0);
}

/* Written while free: found when it would be given out, and put aside. */
TEST(write_after_free)
{
	struct heap h;

	if (!heap_start(&h, MB(32), QUIRE_SLAB_POISON | QUIRE_SLAB_STORE_USER))
		return;
	struct quire_cache *cache =
		heap_cache(&h, (struct quire_cache_args){ .name = "t", .size = 100 });
	unsigned objects = heap_info(cache).objects;
	unsigned char *p = quire_cache_alloc_track(cache, GFP, 1);
	CHECK_EQ(p[0], 0x5a);
	CHECK_EQ(p[99], 0x5a);
	CHECK_EQ(quire_cache_free_track(cache, p, 2), QUIRE_KFREE_OK);
	CHECK_EQ(p[0], 0x6b);
	CHECK_EQ(p[99], 0xa5);
	p[42] = 0;
	/* SLAB-6 */
	struct quire_violation broken;
	CHECK(!quire_check(h.q, &broken));
	CHECK_STR(broken.rule, "SLAB-6");
	for (unsigned i = 1; i < objects; i++)
		CHECK(quire_cache_alloc_track(cache, GFP, 3) != p);
	CHECK_EQ(h.nr, 1);
	CHECK_EQ(h.last.what, QUIRE_KFREE_WRITTEN);
	CHECK_STR(h.last.cache, "t");
	CHECK(h.last.object == p);
	CHECK_EQ(h.last.offset, 42);
	CHECK_EQ(h.last.caller, 3);
	CHECK_EQ(h.last.alloc_caller, 1);
	CHECK_EQ(h.last.free_caller, 2);
	rig_sound(&h.rig);
	CHECK_EQ(quire_cache_free(cache, p), QUIRE_KFREE_DOUBLE);
	/* It is neither free nor allocated, and its slab stays: whoever wrote may do it again. */
	CHECK_EQ(heap_info(cache).bad_objects, 1);
	CHECK_EQ(heap_info(cache).active_objects, objects - 1);
	heap_end(&h, objects - 1);
}

/* A cache that has nothing but objects put aside ends, and all its frames are back. */
TEST(destroy_after_write_after_free)
{
	static unsigned char *object[200];
	struct heap h;

	if (!heap_start(&h, MB(32), QUIRE_SLAB_POISON | QUIRE_SLAB_ASKED))
		return;
	uint64_t all = rig_free(&h.rig);
	struct quire_cache *cache =
		heap_cache(&h, (struct quire_cache_args){ .name = "t", .size = 1000 });
	for (unsigned i = 0; i < 200; i++)
		object[i] = quire_cache_alloc(cache, GFP);
	for (unsigned i = 0; i < 199; i++)
		quire_cache_free(cache, object[i]);
	/* Slabs with one of them, with several, with nothing else. */
	unsigned nr = 0;
	for (unsigned i = 0; i < 20; i++)
		object[i * i / 4][7] = 1;
	for (unsigned i = 0; i < 199; i++)
		object[i] = quire_cache_alloc(cache, GFP);
	struct quire_cache_info info = heap_info(cache);
	nr = h.of[QUIRE_KFREE_WRITTEN];
	CHECK(nr > 5 && nr <= 20);
	CHECK_EQ(info.bad_objects, nr);
	CHECK_EQ(info.active_objects, 200);
	CHECK_EQ(info.asked_bytes, 200 * 1000);
	/* SLAB-5 */
	rig_sound(&h.rig);
	CHECK_EQ(quire_cache_destroy(cache), -QUIRE_EBUSY);
	CHECK_EQ(h.of[QUIRE_KFREE_LIVE], 200);
	CHECK_EQ(heap_info(cache).bad_objects, nr);
	for (unsigned i = 0; i < 200; i++)
		CHECK_EQ(quire_cache_free(cache, object[i]), QUIRE_KFREE_OK);
	quire_cache_shrink(cache);
	CHECK_EQ(heap_info(cache).active_objects, 0);
	CHECK_EQ(heap_info(cache).bad_objects, nr);
	rig_sound(&h.rig);
	CHECK_EQ(quire_cache_destroy(cache), 0);
	quire_slab_drain(h.q);
	CHECK_EQ(rig_free(&h.rig), all);
	heap_end(&h, 0);
}

TEST(double_free)
{
	struct heap h;
	static void *object[100];

	if (!heap_start(&h, MB(32), QUIRE_SLAB_CONSISTENCY | QUIRE_SLAB_STORE_USER))
		return;
	for (unsigned i = 0; i < 100; i++)
		object[i] = quire_kmalloc_track(h.q, 40, GFP, 1);
	quire_hosted_cpu(1);
	for (unsigned i = 0; i < 99; i++) {
		struct snapshot before;

		CHECK_EQ(quire_kfree_track(h.q, object[i], 2), QUIRE_KFREE_OK);
		snapshot(&h.rig, &before);
		CHECK_EQ(quire_kfree_track(h.q, object[i], 3), QUIRE_KFREE_DOUBLE);
		CHECK_UNCHANGED(&h.rig, &before);
		CHECK_EQ(h.last.caller, 3);
		CHECK_EQ(h.last.free_caller, 2);
	}
	CHECK_EQ(quire_kfree_track(h.q, (char *)object[99] + 1, 5), QUIRE_KFREE_INSIDE);
	CHECK_EQ(quire_kfree(h.q, object[99]), QUIRE_KFREE_OK);
	heap_end(&h, 0);
}

/* The same seed gives the same order, another one another; every object comes once. */
TEST(shuffle)
{
	uint64_t place[3][32];

	for (unsigned n = 0; n < 3; n++) {
		struct heap h;
		const struct quire_slab_config slab = { .debug = QUIRE_SLAB_SHUFFLE,
							.seed = n == 2 ? 9 : 5 };
		struct quire_config config = rig_config(QUIRE_X86_64);
		unsigned in_order = 0;
		uint64_t sum = 0;

		if (!rig_boot(&h.rig, config, MB(16)))
			return;
		CHECK_EQ(quire_slab_boot(h.rig.q, &slab), 0);
		h.q = h.rig.q;
		for (unsigned i = 0; i < 32; i++) {
			place[n][i] = quire_heap_phys(h.q, quire_kmalloc(h.q, 96, GFP)).v;
			in_order += i && place[n][i] == place[n][i - 1] + 128;
			for (unsigned k = 0; k < i; k++)
				sum += place[n][k] == place[n][i];
		}
		CHECK(in_order < 16);
		CHECK_EQ(sum, 0);
		rig_end(&h.rig);
	}
	CHECK(!memcmp(place[0], place[1], sizeof(place[0])));
	CHECK(memcmp(place[0], place[2], sizeof(place[0])) != 0);
}

/* Flags for some caches alone. */
TEST(only)
{
	struct heap h;
	const struct quire_slab_config slab = {
		.debug = QUIRE_SLAB_RED_ZONE,
		.only = "kmalloc-64,dma-*,t",
	};
	static const struct {
		const char *name;
		bool flagged;
	} want[] = { { "kmalloc-64", true }, { "kmalloc-6", false }, { "kmalloc-640", false },
		     { "dma-kmalloc-8k", true }, { "kmalloc-rcl-64", false } };
	struct quire_config config = rig_config(QUIRE_X86_64);

	memset(&h, 0, sizeof(h));
	if (!rig_boot(&h.rig, config, MB(32)))
		return;
	h.q = h.rig.q;
	CHECK_EQ(quire_slab_boot(h.q, &slab), 0);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct quire_cache *cache = quire_cache_find(h.q, want[i].name);

		if (cache)
			CHECK_EQ(!(heap_info(cache).flags & QUIRE_SLAB_RED_ZONE), !want[i].flagged);
		CHECK(cache || i == 1);
	}
	struct quire_cache *t = heap_cache(&h, (struct quire_cache_args){ .name = "t", .size = 8 });
	CHECK(heap_info(t).flags & QUIRE_SLAB_RED_ZONE);
	rig_end(&h.rig);
}

/* Bytes asked for are counted, against the bytes that the objects take. */
TEST(asked)
{
	struct heap h;

	if (!heap_start(&h, MB(32), QUIRE_SLAB_ASKED))
		return;
	struct quire_cache *cache = quire_cache_find(h.q, "kmalloc-32");
	void *a = quire_kmalloc(h.q, 20, GFP), *b = quire_kmalloc(h.q, 28, GFP);
	CHECK_EQ(heap_info(cache).active_objects, 2);
	CHECK_EQ(heap_info(cache).asked_bytes, 48);
	CHECK_EQ(quire_ksize(h.q, a), 20);
	a = quire_krealloc(h.q, a, 24, GFP);
	CHECK_EQ(heap_info(cache).asked_bytes, 52);
	CHECK_EQ(quire_kfree(h.q, a), QUIRE_KFREE_OK);
	CHECK_EQ(heap_info(cache).asked_bytes, 28);
	CHECK_EQ(quire_kfree(h.q, b), QUIRE_KFREE_OK);
	CHECK_EQ(heap_info(cache).asked_bytes, 0);
	heap_end(&h, 0);
}

/* All flags at once: everything that is right still works, on hosts of all word sizes alike. */
TEST(zeroed)
{
	struct heap h;

	for (unsigned debug = 0; debug < 2; debug++) {
		if (!heap_start(&h, MB(32), debug ? QUIRE_SLAB_DEBUG : 0))
			return;
		for (size_t bytes = 1; bytes < 20000; bytes += 1 + bytes / 2) {
			unsigned char *p = quire_kmalloc(h.q, bytes, GFP);

			memset(p, 0xff, bytes);
			CHECK_EQ(quire_kfree(h.q, p), QUIRE_KFREE_OK);
			p = quire_kzalloc(h.q, bytes, GFP);
			for (size_t i = 0; i < bytes; i++)
				CHECK_EQ(p[i], 0);
			CHECK_EQ(quire_kfree(h.q, p), QUIRE_KFREE_OK);
		}
		heap_end(&h, 0);
	}
}

/* What krealloc leaves in place is guarded from its new end on. */
TEST(realloc_guards)
{
	struct heap h;

	if (!heap_start(&h, MB(32), QUIRE_SLAB_RED_ZONE))
		return;
	for (size_t bytes = 99; bytes > 2; bytes -= 7) {
		unsigned char *p = quire_krealloc(h.q, quire_kmalloc(h.q, 100, GFP), bytes, GFP);

		CHECK_EQ(quire_ksize(h.q, p), bytes);
		p[bytes] ^= 1;
		CHECK_EQ(quire_kfree(h.q, p), QUIRE_KFREE_OVERRUN);
		p[bytes] ^= 1;
		CHECK_EQ(quire_kfree(h.q, p), QUIRE_KFREE_OK);
	}
	heap_end(&h, 0);
}

TEST_MAIN(CASE(realloc_guards), CASE(overrun), CASE(write_after_free),
	  CASE(destroy_after_write_after_free), CASE(double_free), CASE(shuffle), CASE(only),
	  CASE(asked), CASE(zeroed))
