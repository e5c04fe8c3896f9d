/* SPDX-License-Identifier: MIT */
/*
 * test_slab_sweep.c - what fails, fails as a whole: the n-th allocation of host and of frames
 */
#include "heap.h"

/* Setting the heap up: the host refuses its 1st, 2nd, … allocation. */
TEST(boot)
{
	for (uint64_t n = 1;; n++) {
		struct quire_config config = rig_config(QUIRE_I386);
		struct rig rig;

		if (!rig_boot(&rig, config, MB(16)))
			return;
		uint64_t before = quire_hash(rig.q);

		rig.host.fail_at = rig.host.nr_allocs + n;
		int error = quire_slab_boot(rig.q, NULL);
		rig.host.fail_at = 0;
		if (!error) {
			CHECK(n > 2);
			rig_end(&rig);
			return;
		}
		CHECK_EQ(error, n == 1 ? -QUIRE_EOPNOTSUPP : -QUIRE_ENOMEM);
		CHECK(quire_hash(rig.q) == before);
		CHECK_EQ(quire_slab_boot(rig.q, NULL), 0);
		CHECK(quire_kmalloc(rig.q, 64, GFP) != NULL);
		rig_end(&rig);
	}
}

/* A scenario over all that allocates. Return: how many steps were refused */
static unsigned scenario(struct heap *h)
{
	struct quire_cache_args args = { .name = "t", .size = 700 };
	struct quire_cache *cache = NULL;
	unsigned refused = 0;
	void *bulk[40], *p;
	int error;

	error = quire_cache_create(h->q, &args, &cache);
	CHECK(!error || error == -QUIRE_ENOMEM);
	refused += error != 0;
	CHECK(!error == (quire_cache_find(h->q, "t") != NULL));
	if (cache) {
		error = quire_cache_alloc_bulk(cache, GFP, 40, bulk);
		refused += error != 0;
		CHECK_EQ(heap_info(cache).active_objects, error ? 0 : 40);
		if (!error)
			CHECK_EQ(quire_cache_free_bulk(cache, 40, bulk, NULL), QUIRE_KFREE_OK);
	}
	p = quire_kmalloc(h->q, 24, GFP);
	refused += !p;
	void *to = quire_krealloc(h->q, p, 6000, GFP);
	refused += !to;
	if (p && !to)
		CHECK(quire_ksize(h->q, p) >= 24);
	CHECK_EQ(quire_kfree(h->q, to ? to : p), QUIRE_KFREE_OK);
	p = quire_kzalloc(h->q, 50000, GFP);
	refused += !p;
	CHECK_EQ(quire_kfree(h->q, p), QUIRE_KFREE_OK);
	CHECK_EQ(quire_cache_destroy(cache), 0);
	quire_slab_drain(h->q);
	rig_sound(&h->rig);
	return refused;
}

/* Frames run out after the 0th, 1st, 2nd, …: every step does all of its work or none. */
static void frames(uint32_t debug)
{
	static struct quire_page *page[8192];
	struct heap h;
	unsigned failing = 0;

	if (!heap_start(&h, MB(16), debug))
		return;
	uint64_t all = rig_free(&h.rig);
	size_t nr = rig_fill(&h.rig, GFP | QUIRE_GFP_BIT_MEMALLOC, 0, page, 8192);

	for (unsigned spare = 0; spare < 60; spare++) {
		failing += scenario(&h) > 0;
		CHECK_EQ(rig_free(&h.rig), all - nr);
		CHECK_EQ(quire_page_free(h.q, page[--nr], 0), QUIRE_FREE_OK);
	}
	rig_free_all(&h.rig, page, nr, 0);
	CHECK(failing > 5);
	CHECK_EQ(scenario(&h), 0);
	CHECK_EQ(h.nr, 0);
	heap_end(&h, 0);
}

TEST(frames)
{
	frames(0);
	frames(QUIRE_SLAB_DEBUG);
}

TEST_MAIN(CASE(boot), CASE(frames))
