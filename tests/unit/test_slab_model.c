/* SPDX-License-Identifier: MIT */
/*
 * test_slab_model.c - 10^7 random operations on the heap against a model
 *
 * The model is an array of slots: who has what, and how large. Each object is written from end to
 * end with its slot's number when it is allocated, so that two owners of one byte are seen when
 * one of them frees it. Some are freed twice in a row: that is seen each time, and changes nothing.
 */
#include "heap.h"

#define SLOTS 6000
#define STEPS test_times(TEST_SANITIZED ? 400000 : 10000000)

/** struct held - a slot of the model */
struct held {
	unsigned char *p;
	size_t bytes;
	struct quire_cache *cache; /* NULL: kmalloc's */
};

static struct heap heap;
static struct held held[SLOTS];
static struct quire_cache *caches[4];
static uint64_t seed, wrong, refused, allocs, twice;

static void fill(struct held *h, unsigned i)
{
	h->p[0] = h->p[h->bytes - 1] = (unsigned char)i;
	if (h->bytes >= 16)
		memcpy(h->p + h->bytes / 2 - 4, &i, sizeof(i));
}

static bool whole(const struct held *h, unsigned i)
{
	unsigned middle = i;

	if (h->bytes >= 16)
		memcpy(&middle, h->p + h->bytes / 2 - 4, sizeof(middle));
	return h->p[0] == (unsigned char)i && h->p[h->bytes - 1] == (unsigned char)i && middle == i;
}

static size_t size(uint64_t r)
{
	switch (r & 15) {
	case 0:
		return 1 + (r >> 8) % 40000;
	case 1:
	case 2:
		return 1 + (r >> 8) % 8192;
	default:
		return 1 + (r >> 8) % (16u << (r >> 32 & 7));
	}
}

static void take(unsigned i, uint64_t r)
{
	static const quire_gfp_t gfps[8] = { GFP, GFP, GFP, GFP, GFP | QUIRE_GFP_BIT_RECLAIMABLE,
					     GFP | QUIRE_GFP_DMA, QUIRE_GFP_ATOMIC, GFP };
	struct held *h = &held[i];

	h->cache = r >> 60 < 4 ? caches[r >> 60] : NULL;
	h->bytes = h->cache ? heap_info(h->cache).object_bytes : size(r);
	h->p = h->cache ? quire_cache_alloc(h->cache, GFP)
			: quire_kmalloc(heap.q, h->bytes, gfps[r >> 40 & 7]);
	allocs++;
	if (!h->p) {
		refused++;
		return;
	}
	wrong += (uintptr_t)h->p % 8 != 0 || quire_ksize(heap.q, h->p) < h->bytes;
	fill(h, i);
}

static void give(unsigned i, uint64_t r)
{
	struct held *h = &held[i];

	wrong += !whole(h, i);
	if ((r & 7) == 0 && !h->cache) {
		size_t bytes = size(r >> 3);
		unsigned char *p = quire_krealloc(heap.q, h->p, bytes, GFP);

		if (!p)
			return;
		wrong += p[0] != (unsigned char)i;
		h->p = p;
		h->bytes = bytes;
		fill(h, i);
		return;
	}
	enum quire_kfree outcome = h->cache && (r & 8) ? quire_cache_free(h->cache, h->p)
						       : quire_kfree(heap.q, h->p);
	wrong += outcome != QUIRE_KFREE_OK;
	if ((r >> 8 & 31) == 0) {
		outcome = h->cache && (r & 16) ? quire_cache_free(h->cache, h->p)
					       : quire_kfree(heap.q, h->p);
		/* Its frames may be gone. */
		wrong += outcome != QUIRE_KFREE_DOUBLE && outcome != QUIRE_KFREE_FOREIGN;
		twice++;
	}
	h->p = NULL;
}

static void run(uint32_t debug, uint64_t steps, unsigned slots, uint64_t bytes)
{
	struct quire_config config = rig_config(QUIRE_X86_64);
	uint64_t live = 0;

	config.nr_cpus = 3;
	seed = 4711 + debug;
	wrong = refused = allocs = twice = 0;
	memset(held, 0, sizeof(held));
	if (!heap_boot(&heap, config, bytes, debug))
		return;
	uint64_t all = rig_free(&heap.rig);
	for (unsigned i = 0; i < 4; i++) {
		const char *const names[] = { "a", "b", "c", "d" };
		const size_t sizes[] = { 40, 192, 1000, 3000 };

		caches[i] = heap_cache(&heap, (struct quire_cache_args){ .name = names[i],
									 .size = sizes[i] });
	}
	for (uint64_t step = 0; step < steps; step++) {
		uint64_t r = test_random(&seed);
		unsigned i = (unsigned)(r % slots);

		if (step % 64 == 0)
			quire_hosted_cpu((unsigned)(r >> 20) % 3);
		if (held[i].p)
			give(i, test_random(&seed));
		else
			take(i, test_random(&seed));
		if (step % (steps / 20) == 0)
			rig_sound(&heap.rig);
		if (step % (steps / 10) == 0)
			quire_cache_shrink(caches[step % 4]);
	}
	for (unsigned i = 0; i < slots; i++)
		live += held[i].p != NULL;
	CHECK_EQ(wrong, 0);
	CHECK(live > slots / 10 && allocs > steps / 4);
	CHECK((refused > 0) == (bytes < MB(48)));
	for (unsigned i = 0; i < slots; i++) {
		if (held[i].p)
			CHECK_EQ(quire_kfree(heap.q, held[i].p), QUIRE_KFREE_OK);
	}
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(quire_cache_destroy(caches[i]), 0);
	quire_slab_drain(heap.q);
	CHECK_EQ(rig_free(&heap.rig), all);
	CHECK(twice > steps / 200);
	CHECK_EQ(heap.nr, twice);
	if (test_failures)
		printf("seed %u\n", 4711 + debug);
	heap_end(&heap, 0);
}

TEST(plain)
{
	run(0, STEPS, SLOTS, MB(48));
}

/* So much is wanted that much is refused. */
TEST(short_of_memory)
{
	run(0, STEPS / 20, SLOTS, MB(4));
}

TEST(checked)
{
	run(QUIRE_SLAB_DEBUG, STEPS / 10, SLOTS / 4, MB(48));
	run(QUIRE_SLAB_DEBUG, STEPS / 20, SLOTS, MB(4));
}

TEST_MAIN(CASE(plain), CASE(short_of_memory), CASE(checked))
