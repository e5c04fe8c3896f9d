/* SPDX-License-Identifier: MIT */
/*
 * test_slab.c - caches: create, destroy, layout, slabs' lists, cpus, shrinking
 */
#include "heap.h"

TEST(boot)
{
	struct rig rig;
	struct quire_slab_config config = { .debug = 1 };
	struct quire_config machine = rig_config(QUIRE_X86_64);

	if (!rig_create(&rig, &machine))
		return;
	/* Before there is a heap nothing comes, and nothing is taken. */
	static uint64_t here[8];
	CHECK(!quire_kmalloc(rig.q, 64, GFP));
	CHECK(!quire_kmalloc(rig.q, (size_t)rig.q->config.nr_cpus * 100, GFP));
	CHECK_EQ(quire_kfree(rig.q, here), QUIRE_KFREE_FOREIGN);
	CHECK_EQ(quire_kfree(rig.q, NULL), QUIRE_KFREE_OK);
	CHECK_EQ(quire_slab_boot(rig.q, NULL), -QUIRE_ENODEV);
	CHECK_EQ(quire_memblock_add(rig.q, quire_phys(0), quire_phys(MB(16))), 0);
	CHECK_EQ(quire_boot_zones(rig.q), 0);
	CHECK(!quire_kmalloc(rig.q, 64, GFP));
	CHECK_EQ(quire_slab_drain(rig.q), 0);
	CHECK(!quire_cache_next(rig.q, NULL));
	CHECK_EQ(quire_slab_boot(rig.q, &config), -QUIRE_EINVAL);
	rig.host.untouchable = true;
	CHECK_EQ(quire_slab_boot(rig.q, NULL), -QUIRE_EOPNOTSUPP);
	rig.host.untouchable = false;
	CHECK_EQ(quire_slab_boot(rig.q, NULL), 0);
	CHECK_EQ(quire_slab_boot(rig.q, NULL), -QUIRE_EBUSY);
	CHECK(quire_kmalloc(rig.q, 64, GFP) != NULL);
	rig_end(&rig);
}

TEST(create_refuses)
{
	struct heap h;
	struct quire_cache *cache, *other;
	const struct quire_cache_args wrong[] = {
		{ .name = NULL, .size = 8 },
		{ .name = "", .size = 8 },
		{ .name = "two words", .size = 8 },
		{ .name = "a-name-of-thirty-two-characters-", .size = 8 },
		{ .name = "a", .size = 0 },
		{ .name = "a", .size = 8193 },
		{ .name = "a", .size = 8, .align = 3 },
		{ .name = "a", .size = 8, .align = 16384 },
		{ .name = "a", .size = 8, .flags = 1 },
		{ .name = "a", .size = 8, .flags = QUIRE_SLAB_CACHE_DMA | QUIRE_SLAB_CACHE_DMA32 },
	};

	if (!heap_start(&h, MB(32), 0))
		return;
	struct snapshot before;
	snapshot(&h.rig, &before);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK_EQ(quire_cache_create(h.q, &wrong[i], &cache), -QUIRE_EINVAL);
	CHECK_UNCHANGED(&h.rig, &before);
	/* SLAB-7: a name is there once. */
	cache = heap_cache(&h, (struct quire_cache_args){ .name = "inode", .size = 600 });
	CHECK_EQ(quire_cache_create(h.q, &(struct quire_cache_args){ .name = "inode", .size = 8 },
				    &other),
		 -QUIRE_EEXIST);
	CHECK(quire_cache_find(h.q, "inode") == cache);
	CHECK_EQ(quire_cache_destroy(cache), 0);
	CHECK(!quire_cache_find(h.q, "inode"));
	CHECK_EQ(quire_cache_destroy(NULL), 0);
	CHECK_EQ(quire_cache_destroy(quire_cache_find(h.q, "kmalloc-64")), -QUIRE_EINVAL);
	heap_end(&h, 0);
}

/* Objects of every size and alignment: in their place, apart from each other, writable. */
TEST(layouts)
{
	struct heap h;
	void *object[200];

	if (!heap_start(&h, MB(64), 0))
		return;
	for (size_t size = 1; size <= 8192; size += 1 + size / 9) {
		for (size_t align = 0; align <= 8192; align = align ? align * 4 : 8) {
			struct quire_cache *cache = heap_cache(
				&h, (struct quire_cache_args){
					    .name = "t", .size = size, .align = align });
			struct quire_cache_info info;

			for (unsigned i = 0; i < 200; i++) {
				object[i] = quire_cache_alloc(cache, GFP);
				uint64_t phys = quire_heap_phys(h.q, object[i]).v;
				CHECK(object[i] && phys % (align ? align : 8) == 0);
				memset(object[i], (int)i, size);
			}
			info = heap_info(cache);
			CHECK_EQ(info.active_objects, 200);
			CHECK(info.size >= size && info.objects * info.size <= info.pages << 12);
			for (unsigned i = 0; i < 200; i++) {
				const unsigned char *bytes = object[i];

				CHECK(bytes[0] == i && bytes[size - 1] == i);
				CHECK_EQ(quire_cache_free(cache, object[i]), QUIRE_KFREE_OK);
			}
			CHECK_EQ(heap_info(cache).active_objects, 0);
			CHECK_EQ(quire_cache_destroy(cache), 0);
		}
	}
	heap_end(&h, 0);
}

TEST(hwcache_align)
{
	struct heap h;

	if (!heap_start(&h, MB(32), 0))
		return;
	static const unsigned want[][2] = { { 100, 64 }, { 64, 64 }, { 33, 64 }, { 32, 32 },
					    { 17, 32 },  { 9, 16 },  { 5, 8 } };
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct quire_cache *cache = heap_cache(
			&h, (struct quire_cache_args){ .name = "t",
						       .size = want[i][0],
						       .flags = QUIRE_SLAB_HWCACHE_ALIGN });
		CHECK_EQ(heap_info(cache).align, want[i][1]);
		CHECK_EQ(quire_cache_destroy(cache), 0);
	}
	heap_end(&h, 0);
}

/* The first objects of consecutive slabs begin on different cache lines. */
TEST(colouring)
{
	struct heap h;
	struct quire_slab_info slab;
	bool seen[64] = { false };
	unsigned colours = 0;

	if (!heap_start(&h, MB(32), 0))
		return;
	struct quire_cache *cache = heap_cache(
		&h, (struct quire_cache_args){ .name = "t", .size = 840 });
	struct quire_cache_info info = heap_info(cache);
	for (unsigned i = 0; i < 10 * info.objects; i++)
		quire_cache_alloc(cache, GFP);
	for (size_t i = 0; quire_slab_info(cache, i, &slab, NULL); i++) {
		CHECK_EQ(slab.colour % 64, 0);
		colours += !seen[slab.colour / 64];
		seen[slab.colour / 64] = true;
	}
	uint32_t rest = (info.pages << 12) - info.objects * info.size;
	CHECK(rest >= 128);
	CHECK_EQ(colours, (rest - (info.record_inside ? 64 : 0)) / 64 + 1);
	heap_end(&h, 10 * info.objects);
}

/* Slabs go from current to full, partial and empty, the fullest one is used first. */
TEST(lists)
{
	struct heap h;
	static void *object[64];

	if (!heap_start(&h, MB(32), 0))
		return;
	struct quire_cache *cache = heap_cache(
		&h, (struct quire_cache_args){ .name = "t", .size = 1000 });
	unsigned n = heap_info(cache).objects;
	CHECK_EQ(n, 4);
	for (unsigned i = 0; i < 4 * n; i++)
		object[i] = quire_cache_alloc(cache, GFP);
	struct quire_cache_info info = heap_info(cache);
	CHECK_EQ(info.nr_slabs, 4);
	CHECK_EQ(info.full, 3);
	CHECK_EQ(info.partial, 1); /* the current one, without a free object yet */
	CHECK_EQ(info.active_objects, 4 * n);
	for (unsigned i = 0; i < n; i++) /* the first slab's */
		quire_cache_free_track(cache, object[i], 0);
	quire_cache_free_track(cache, object[n], 0); /* one of the second */
	info = heap_info(cache);
	CHECK_EQ(info.empty, 1);
	CHECK_EQ(info.full, 1);
	CHECK_EQ(info.active_objects, 3 * n - 1);
	rig_sound(&h.rig);
	/* Next comes the fullest slab's. */
	CHECK(quire_cache_alloc(cache, GFP) == object[n]);
	CHECK(quire_cache_alloc(cache, GFP) != NULL);
	CHECK_EQ(heap_info(cache).empty, 0);
	CHECK_EQ(heap_info(cache).nr_slabs, 4);
	heap_end(&h, 3 * n + 1);
}

/* What comes back to full slabs is the cpu's next object, up to 32 of them. */
static void full_slabs(size_t size, bool loose)
{
	struct heap h;
	static void *object[160];

	if (!heap_start(&h, MB(32), 0))
		return;
	struct quire_cache *cache = heap_cache(
		&h, (struct quire_cache_args){ .name = "t", .size = size });
	CHECK_EQ(heap_info(cache).record_inside, loose);
	CHECK_EQ(heap_info(cache).objects, 4);
	for (unsigned i = 0; i < 160; i++)
		object[i] = quire_cache_alloc(cache, GFP);
	for (unsigned i = 0; i < 144; i += 4)
		CHECK_EQ(quire_cache_free(cache, object[i]), QUIRE_KFREE_OK);
	CHECK_EQ(heap_info(cache).full, 35); /* of 39, the last one is current */
	CHECK_EQ(heap_info(cache).active_objects, 124);
	rig_sound(&h.rig);
	CHECK_EQ(quire_cache_free_track(cache, object[0], 0), QUIRE_KFREE_DOUBLE);
	CHECK_EQ(quire_kfree_judge(h.q, object[4], 0), QUIRE_KFREE_DOUBLE);
	CHECK_EQ(quire_kfree_judge(h.q, object[1], 0), QUIRE_KFREE_OK);
	for (unsigned i = 32; i-- > 0;)
		CHECK(quire_cache_alloc(cache, GFP) == object[4 * i]);
	rig_sound(&h.rig);
	/* Another cpu's stay with it until it sends them. */
	quire_hosted_cpu(1);
	CHECK_EQ(quire_cache_free(cache, object[5]), QUIRE_KFREE_OK);
	CHECK_EQ(quire_cache_free(cache, object[5]), QUIRE_KFREE_DOUBLE);
	CHECK(quire_cache_alloc(cache, GFP) == object[5]);
	quire_hosted_cpu(0);
	/* A shrink gives them back to their slabs. */
	for (unsigned i = 0; i < 128; i++)
		CHECK_EQ(quire_cache_free(cache, object[i]), QUIRE_KFREE_OK);
	CHECK(quire_cache_shrink(cache) >= 8);
	rig_sound(&h.rig);
	heap_end(&h, 28);
}

TEST(full_slabs_objects)
{
	full_slabs(1000, true);
	full_slabs(1024, false);
}

#define TWICE 600

/* Each of them on cpu @cpu twice in a row, @asked for a shrink before each. */
static void free_twice(struct heap *h, struct quire_cache *cache, void **object, unsigned cpu,
		       bool asked)
{
	unsigned before = h->nr;

	for (unsigned i = 0; i < TWICE; i++) {
		void *p = object[i * 7 % TWICE];

		if (asked) {
			quire_hosted_cpu(!cpu);
			quire_cache_shrink(cache);
		}
		quire_hosted_cpu(cpu);
		CHECK_EQ(i & 1 ? quire_kfree(h->q, p) : quire_cache_free(cache, p), QUIRE_KFREE_OK);
		enum quire_kfree again = i & 2 ? quire_kfree(h->q, p) : quire_cache_free(cache, p);

		/* Its slab may be gone, too. */
		CHECK(again == QUIRE_KFREE_DOUBLE || again == QUIRE_KFREE_FOREIGN);
		CHECK_EQ(h->last.what, again);
		CHECK_EQ(h->nr, before + i + 1);
	}
	quire_hosted_cpu(0);
}

/*
 * A double free in a row is seen whatever the slab is: current, partial, full with and without room
 * on the cpu's chain, empty, another cpu's. And nothing of it stays.
 */
TEST(double_free_in_a_row)
{
	static const size_t size[] = { 8, 16, 96, 1000, 4096 };
	static void *object[TWICE];
	struct heap h;

	for (unsigned i = 0; i < 5 * 4; i++) {
		if (!heap_start(&h, MB(64), 0))
			return;
		struct quire_cache *cache = heap_cache(
			&h, (struct quire_cache_args){ .name = "t", .size = size[i / 4] });
		for (unsigned round = 0; round < 3; round++) {
			for (unsigned n = 0; n < TWICE; n++) {
				object[n] = quire_cache_alloc(cache, GFP);
				CHECK(object[n] && *(void **)object[n] != h.q);
				*(void **)object[n] = h.q; /* nobody else has it now */
			}
			CHECK_EQ(heap_info(cache).active_objects, TWICE);
			free_twice(&h, cache, object, i & 1, i & 2);
			rig_sound(&h.rig);
			CHECK_EQ(heap_info(cache).active_objects, 0);
		}
		CHECK_EQ(quire_cache_destroy(cache), 0);
		heap_end(&h, 0);
	}
}

/* A slab whose objects are all free sees any of them freed again, not the newest alone. */
TEST(double_free_of_an_empty_slab)
{
	struct heap h;
	void *object[8];

	if (!heap_start(&h, MB(64), 0))
		return;
	struct quire_cache *cache = heap_cache(
		&h, (struct quire_cache_args){ .name = "t", .size = 1000 });
	for (unsigned i = 0; i < 8; i++)
		object[i] = quire_cache_alloc(cache, GFP);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(quire_cache_free_track(cache, object[i], 0), QUIRE_KFREE_OK);
	CHECK_EQ(heap_info(cache).empty, 1);
	for (unsigned i = 0; i < 12; i++) {
		CHECK_EQ(quire_cache_free(cache, object[i % 4]), QUIRE_KFREE_DOUBLE);
		CHECK_EQ(quire_kfree(h.q, object[i % 4]), QUIRE_KFREE_DOUBLE);
		rig_sound(&h.rig);
	}
	CHECK_EQ(heap_info(cache).active_objects, 4);
	CHECK_EQ(h.of[QUIRE_KFREE_DOUBLE], 24);
	heap_end(&h, 4);
}

/* A free object can't be made larger: it would be given out, copied to itself and freed again. */
TEST(realloc_of_a_free_object)
{
	struct snapshot before;
	struct heap h;

	if (!heap_start(&h, MB(64), 0))
		return;
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		quire_hosted_cpu(0);
		void *p = quire_kmalloc(h.q, 100, GFP), *other = quire_kmalloc(h.q, 100, GFP);

		quire_hosted_cpu(cpu);
		CHECK_EQ(quire_kfree(h.q, p), QUIRE_KFREE_OK);
		CHECK_EQ(quire_kfree(h.q, other), QUIRE_KFREE_OK);
		snapshot(&h.rig, &before);
		CHECK(!quire_krealloc(h.q, p, 101, GFP));
		CHECK(!quire_krealloc(h.q, p, 5000, GFP));
		CHECK(!quire_krealloc(h.q, p, 50, GFP));
		CHECK(!quire_krealloc(h.q, p, 0, GFP));
		CHECK_UNCHANGED(&h.rig, &before);
		CHECK_EQ(h.of[QUIRE_KFREE_DOUBLE], 4 * (cpu + 1));
	}
	quire_hosted_cpu(0);
	heap_end(&h, 0);
}

/* What another cpu freed, and what has gone from there to its own cpu, only a judge sees. */
TEST(judge)
{
	struct heap h;
	static void *object[100];

	if (!heap_start(&h, MB(64), 0))
		return;
	struct quire_cache *cache = heap_cache(
		&h, (struct quire_cache_args){ .name = "t", .size = 512 });
	for (unsigned i = 0; i < 100; i++)
		object[i] = quire_cache_alloc(cache, GFP);
	for (unsigned i = 0; i < 50; i++) {
		quire_hosted_cpu(i & 1);
		CHECK_EQ(quire_kfree(h.q, object[i]), QUIRE_KFREE_OK);
	}
	for (unsigned i = 0; i < 200; i++) {
		quire_hosted_cpu(i >= 100);
		CHECK_EQ(quire_kfree_judge(h.q, object[i % 100], 5),
			 i % 100 < 50 ? QUIRE_KFREE_DOUBLE : QUIRE_KFREE_OK);
	}
	CHECK_EQ(h.of[QUIRE_KFREE_DOUBLE], 100);
	CHECK_EQ(h.last.caller, 5);
	CHECK_STR(h.last.cache, "t");
	/* Nothing else is its business, nor has anything changed. */
	CHECK_EQ(quire_kfree_judge(h.q, NULL, 0), QUIRE_KFREE_OK);
	CHECK_EQ(quire_kfree_judge(h.q, (char *)object[0] + 1, 0), QUIRE_KFREE_OK);
	CHECK_EQ(quire_kfree_judge(h.q, &h, 0), QUIRE_KFREE_OK);
	CHECK_EQ(heap_info(cache).active_objects, 50);
	heap_end(&h, 50);
}

static unsigned made;

static void make(void *object)
{
	made++;
	memset(object, 0x77, 48);
}

/* A constructor runs once for each object of a slab, not once for each allocation. */
TEST(constructor)
{
	struct heap h;

	made = 0;
	for (unsigned debug = 0; debug < 2; debug++) {
		if (!heap_start(&h, MB(32), debug ? QUIRE_SLAB_DEBUG : 0))
			return;
		made = 0;
		struct quire_cache *cache = heap_cache(
			&h, (struct quire_cache_args){ .name = "t", .size = 48, .ctor = make });
		for (unsigned i = 0; i < 1000; i++) {
			const unsigned char *object = quire_cache_alloc(cache, GFP);

			for (unsigned n = 0; n < 48; n++)
				CHECK_EQ(object[n], 0x77);
			CHECK_EQ(quire_cache_free(cache, object), QUIRE_KFREE_OK);
		}
		CHECK_EQ(made, heap_info(cache).objects);
		heap_end(&h, 0);
	}
}

TEST(zones)
{
	struct heap h;
	struct quire_config config = rig_config(QUIRE_I386);

	if (!heap_boot(&h, config, MB(1024), 0))
		return;
	static const struct {
		const char *name;
		uint32_t flags;
		enum quire_zone zone;
		enum quire_migrate type;
	} want[] = {
		{ "n", 0, QUIRE_ZONE_NORMAL, QUIRE_MIGRATE_UNMOVABLE },
		{ "d", QUIRE_SLAB_CACHE_DMA, QUIRE_ZONE_DMA, QUIRE_MIGRATE_UNMOVABLE },
		{ "r", QUIRE_SLAB_RECLAIM_ACCOUNT, QUIRE_ZONE_NORMAL, QUIRE_MIGRATE_RECLAIMABLE },
	};
	for (size_t i = 0; i < 3; i++) {
		struct quire_cache *cache = heap_cache(
			&h, (struct quire_cache_args){
				    .name = want[i].name, .size = 100, .flags = want[i].flags });
		void *p = quire_cache_alloc(cache, GFP | QUIRE_GFP_BIT_HIGHMEM);
		uint64_t pfn = quire_phys_pfn(quire_heap_phys(h.q, p)).v;
		struct quire_frame_info frame = rig_frame(&h.rig, pfn);

		CHECK_EQ(frame.zone, want[i].zone);
		CHECK_EQ(frame.migrate, want[i].type);
		CHECK_EQ(frame.owner, QUIRE_OWNER_SLAB);
		CHECK_EQ(quire_page_free(h.q, quire_pfn_page(h.q, frame.first), frame.order),
			 QUIRE_FREE_OWNED);
	}
	heap_end(&h, 3);
}

TEST(wrong_frees)
{
	struct heap h;
	static uint64_t here[8];

	if (!heap_start(&h, MB(32), 0))
		return;
	struct quire_cache *a = heap_cache(&h,
					   (struct quire_cache_args){ .name = "a", .size = 56 });
	struct quire_cache *b = heap_cache(&h,
					   (struct quire_cache_args){ .name = "b", .size = 56 });
	char *p = quire_cache_alloc(a, GFP), *p2 = quire_cache_alloc(a, GFP);
	struct quire_page *page = quire_page_alloc(h.q, GFP, 0);
	void *frame = quire_hosted_frame(&h.rig.host, quire_page_pfn(h.q, page));
	struct snapshot before;

	/* Objects of a plain cache's current slab are found out by those who look, too. */
	CHECK_EQ(quire_cache_free(a, p2), QUIRE_KFREE_OK);
	snapshot(&h.rig, &before);
	CHECK_EQ(quire_cache_free(b, p), QUIRE_KFREE_CACHE);
	CHECK_STR(h.last.cache, "a");
	CHECK_EQ(quire_cache_free_track(a, p + 8, 77), QUIRE_KFREE_INSIDE);
	CHECK_EQ(h.last.offset, 8);
	CHECK_EQ(h.last.caller, 77);
	CHECK(h.last.object == p);
	CHECK_EQ(quire_cache_free(a, here), QUIRE_KFREE_FOREIGN);
	CHECK_EQ(quire_kfree(h.q, here), QUIRE_KFREE_FOREIGN);
	CHECK_EQ(quire_kfree(h.q, frame), QUIRE_KFREE_FOREIGN);
	CHECK_EQ(quire_cache_free(a, frame), QUIRE_KFREE_FOREIGN);
	CHECK_EQ(quire_kfree(h.q, h.rig.host.direct), QUIRE_KFREE_FOREIGN);
	CHECK_EQ(quire_cache_free(a, p2), QUIRE_KFREE_DOUBLE);
	CHECK_EQ(quire_kfree(h.q, p2), QUIRE_KFREE_DOUBLE);
	CHECK_EQ(h.nr, 9);
	CHECK_UNCHANGED(&h.rig, &before);
	CHECK_EQ(quire_kfree(h.q, p), QUIRE_KFREE_OK);
	CHECK_EQ(quire_cache_free_track(a, p2, 0), QUIRE_KFREE_DOUBLE);
	CHECK_EQ(quire_page_free(h.q, page, 0), QUIRE_FREE_OK);
	CHECK_EQ(h.nr, 10);
	heap_end(&h, 0);
}

TEST(destroy_with_live_objects)
{
	struct heap h;

	for (unsigned debug = 0; debug < 2; debug++) {
		if (!heap_start(&h, MB(32), debug ? QUIRE_SLAB_DEBUG : 0))
			return;
		struct quire_cache *cache = heap_cache(
			&h, (struct quire_cache_args){ .name = "t", .size = 1000 });
		void *p[10];

		for (unsigned i = 0; i < 10; i++)
			p[i] = quire_cache_alloc_track(cache, GFP, 100 + i);
		for (unsigned i = 0; i < 10; i++) {
			if (i != 3 && i != 7)
				quire_cache_free(cache, p[i]);
		}
		CHECK_EQ(quire_cache_destroy(cache), -QUIRE_EBUSY);
		CHECK_EQ(h.of[QUIRE_KFREE_LIVE], 2);
		CHECK_STR(h.last.cache, "t");
		CHECK(h.last.object == p[3] || h.last.object == p[7]);
		CHECK_EQ(h.last.alloc_caller, !debug ? 0 : h.last.object == p[3] ? 103 : 107);
		CHECK_EQ(heap_info(cache).active_objects, 2);
		/* It goes on being a cache. */
		CHECK_EQ(quire_cache_free(cache, p[3]), QUIRE_KFREE_OK);
		CHECK_EQ(quire_cache_free(cache, p[7]), QUIRE_KFREE_OK);
		CHECK_EQ(quire_cache_destroy(cache), 0);
		heap_end(&h, 0);
	}
}

TEST(leaks_at_teardown)
{
	struct heap h;

	if (!heap_start(&h, MB(32), 0))
		return;
	quire_kmalloc(h.q, 100, GFP);
	quire_kmalloc(h.q, 100, GFP);
	quire_kmalloc(h.q, 100000, GFP);
	quire_hosted_cpu(1);
	quire_kmalloc(h.q, 3000, GFP);
	heap_end(&h, 4);
}

/* An object freed on another cpu comes back to the cpu that has its slab, by the batch. */
TEST(other_cpus)
{
	struct heap h;
	static void *object[4096];

	if (!heap_start(&h, MB(64), 0))
		return;
	struct quire_cache *cache = heap_cache(
		&h, (struct quire_cache_args){ .name = "t", .size = 512 });
	for (unsigned round = 0; round < 20; round++) {
		quire_hosted_cpu(round & 1);
		for (unsigned i = 0; i < 1000; i++)
			CHECK((object[i] = quire_cache_alloc(cache, GFP)) != NULL);
		quire_hosted_cpu(round >> 1 & 1);
		for (unsigned i = 0; i < 1000; i++)
			CHECK_EQ(quire_cache_free(cache, object[i]), QUIRE_KFREE_OK);
		struct quire_cache_info info = heap_info(cache);

		CHECK_EQ(info.active_objects, 0);
		CHECK((round & 1) == (round >> 1 & 1) || info.away > 0 || info.empty > 0);
		rig_sound(&h.rig);
	}
	/* Neither of the two has more than its part. */
	CHECK(heap_info(cache).nr_slabs <= 2 * (1000 / heap_info(cache).objects + 2));
	/* The same pointer twice from the wrong cpu is seen while it is there. */
	quire_hosted_cpu(0);
	void *p = quire_cache_alloc(cache, GFP);
	quire_hosted_cpu(1);
	CHECK_EQ(quire_cache_free(cache, p), QUIRE_KFREE_OK);
	CHECK_EQ(quire_cache_free(cache, p), QUIRE_KFREE_DOUBLE);
	CHECK_EQ(quire_cache_destroy(cache), 0);
	heap_end(&h, 0);
}

TEST(shrink)
{
	struct heap h;
	static void *object[1000];

	if (!heap_start(&h, MB(64), 0))
		return;
	uint64_t all = rig_free(&h.rig);
	struct quire_cache *cache = heap_cache(
		&h, (struct quire_cache_args){ .name = "t", .size = 1024 });
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		quire_hosted_cpu(cpu);
		for (unsigned i = 0; i < 1000; i++)
			object[i] = quire_cache_alloc(cache, GFP);
		for (unsigned i = 0; i < 1000; i++)
			quire_cache_free(cache, object[i]);
	}
	/* This cpu's go now; the other one's when that comes by. */
	CHECK(heap_info(cache).nr_slabs > 8);
	CHECK(quire_cache_shrink(cache) > 0);
	uint64_t rest = heap_info(cache).nr_slabs;
	CHECK(rest > 0);
	quire_hosted_cpu(0);
	for (unsigned i = 0; i < 100 && heap_info(cache).nr_slabs >= rest; i++)
		object[i] = quire_cache_alloc(cache, GFP);
	CHECK(heap_info(cache).nr_slabs < rest);
	for (unsigned i = 0; i < 100 && object[i]; i++)
		quire_kfree_track(h.q, heap_info(cache).active_objects ? object[i] : NULL, 0);
	CHECK_EQ(quire_cache_destroy(cache), 0);
	quire_slab_drain(h.q);
	rig_sound(&h.rig);
	CHECK_EQ(rig_free(&h.rig), all);
	heap_end(&h, 0);
}

TEST(bulk)
{
	struct heap h;
	static void *object[3000];
	size_t done;

	if (!heap_start(&h, MB(16), 0))
		return;
	struct quire_cache *cache = heap_cache(
		&h, (struct quire_cache_args){ .name = "t", .size = 512 });
	CHECK_EQ(quire_cache_alloc_bulk(cache, GFP, 1000, object), 0);
	CHECK_EQ(heap_info(cache).active_objects, 1000);
	CHECK_EQ(quire_cache_free_bulk(cache, 500, object, &done), QUIRE_KFREE_OK);
	CHECK_EQ(done, 500);
	object[510] = object[509];
	CHECK_EQ(quire_cache_free_bulk(cache, 500, object + 500, &done), QUIRE_KFREE_DOUBLE);
	CHECK_EQ(done, 10);
	CHECK_EQ(heap_info(cache).active_objects, 490);
	/* All or none: 16 MB don't have so many. */
	static void *many[40000];
	CHECK_EQ(quire_cache_alloc_bulk(cache, GFP, 40000, many), -QUIRE_ENOMEM);
	CHECK_EQ(heap_info(cache).active_objects, 490);
	heap_end(&h, 490);
}

static uint64_t hoard_count(void *ctx, quire_gfp_t gfp)
{
	(void)gfp;
	return *(unsigned *)ctx;
}

static struct heap *hoarder;
static void *hoard[100];

static uint64_t hoard_scan(void *ctx, quire_gfp_t gfp, uint64_t nr)
{
	unsigned *left = ctx;
	uint64_t done = 0;

	(void)gfp;
	for (; done < nr && *left; done++)
		quire_kfree(hoarder->q, hoard[--*left]);
	return done;
}

/* Frames run short: empty slabs go, shrinkers are asked, then the hook of quire_set_pressure. */
TEST(pressure)
{
	struct heap h;
	static void *object[2000];
	static struct quire_page *page[4096];
	unsigned left = 0;

	if (!heap_start(&h, MB(16), 0))
		return;
	hoarder = &h;
	const struct quire_shrinker shrinker = { hoard_count, hoard_scan, &left };
	for (unsigned i = 0; i < 100; i++)
		object[i] = quire_kmalloc(h.q, 1024, GFP);
	for (unsigned i = 0; i < 100; i++)
		quire_kfree(h.q, object[i]);
	struct quire_cache *cache = quire_cache_find(h.q, "kmalloc-1k");
	CHECK(heap_info(cache).nr_slabs > 0);
	size_t nr = rig_fill(&h.rig, GFP, 0, page, 4096);
	CHECK_EQ(heap_info(cache).nr_slabs, 0);
	CHECK(nr > 3000);
	rig_free_all(&h.rig, page, nr, 0);

	CHECK_EQ(quire_shrinker_add(h.q, &(struct quire_shrinker){ 0 }), -QUIRE_EINVAL);
	CHECK_EQ(quire_shrinker_remove(h.q, &shrinker), -QUIRE_ENOENT);
	CHECK_EQ(quire_shrinker_add(h.q, &shrinker), 0);
	for (left = 0; left < 100; left++)
		hoard[left] = quire_kmalloc(h.q, 8192, GFP);
	CHECK(rig_fill(&h.rig, GFP, 0, page, 4096) >= nr);
	CHECK_EQ(left, 0);
	CHECK_EQ(quire_shrinker_remove(h.q, &shrinker), 0);
	heap_end(&h, 0);
}

/* What a shrink says that it gave back is what went. */
TEST(shrink_counts)
{
	struct quire_cache_info before, after;
	struct heap h;
	void *p[32];

	if (!heap_start(&h, MB(32), 0))
		return;
	struct quire_cache *cache = quire_cache_find(h.q, "kmalloc-8k");
	for (unsigned i = 0; i < 32; i++)
		p[i] = quire_kmalloc(h.q, 8192, GFP);
	for (unsigned i = 0; i < 32; i++)
		CHECK_EQ(quire_kfree(h.q, p[i]), QUIRE_KFREE_OK);
	quire_cache_info(cache, &before);
	uint64_t nr = quire_cache_shrink(cache);
	quire_cache_info(cache, &after);
	CHECK(nr > 0);
	CHECK_EQ(nr, (before.nr_slabs - after.nr_slabs) * before.pages);
	heap_end(&h, 0);
}

/* So is what a drain says, whichever cpu had it: away, beyond what may be kept empty, current. */
TEST(drain_counts)
{
	struct heap h;
	static void *p[800];

	if (!heap_start(&h, MB(32), 0))
		return;
	for (unsigned size = 24; size <= 8192; size += size / 2) {
		for (unsigned i = 0; i < 800; i++) {
			quire_hosted_cpu(i & 1);
			p[i] = quire_kmalloc(h.q, size, GFP);
		}
		for (unsigned i = 0; i < 800; i++) {
			quire_hosted_cpu(i / 3 & 1);
			CHECK_EQ(quire_kfree(h.q, p[i]), QUIRE_KFREE_OK);
		}
		quire_hosted_cpu(0);
		uint64_t before = rig_free(&h.rig), nr = quire_slab_drain(h.q);

		CHECK(nr > 0);
		CHECK_EQ(nr, rig_free(&h.rig) - before);
		CHECK_EQ(quire_slab_drain(h.q), 0);
	}
	heap_end(&h, 0);
}

TEST_MAIN(CASE(boot), CASE(create_refuses), CASE(layouts), CASE(hwcache_align), CASE(colouring),
	  CASE(lists), CASE(full_slabs_objects), CASE(double_free_in_a_row),
	  CASE(double_free_of_an_empty_slab), CASE(realloc_of_a_free_object), CASE(judge),
	  CASE(constructor), CASE(zones),
	  CASE(wrong_frees), CASE(destroy_with_live_objects), CASE(leaks_at_teardown),
	  CASE(other_cpus), CASE(shrink), CASE(bulk), CASE(pressure), CASE(shrink_counts),
	  CASE(drain_counts))
