/* SPDX-License-Identifier: MIT */
/*
 * test_page_wrong.c - wrong use is named and changes nothing
 *
 * Each wrong call is made with the machine's hash and counts taken before and compared after.
 */
#include "rig.h"

#include <quire/error.h>

/* A free of @page fails with @outcome by each way to free, and nothing changes. */
static void refused(struct rig *rig, struct quire_page *page, unsigned order,
		    enum quire_free outcome)
{
	struct snapshot before;
	struct quire_page *list[1] = { page };
	size_t done = 9;

	snapshot(rig, &before);
	CHECK_EQ(quire_page_free(rig->q, page, order), outcome);
	CHECK_UNCHANGED(rig, &before);
	if (outcome == QUIRE_FREE_RANGE || outcome == QUIRE_FREE_ORDER)
		return; /* the others know the order or take single frames */
	CHECK_EQ(quire_page_put(rig->q, page), outcome);
	CHECK_EQ(quire_page_free_bulk(rig->q, 1, list, &done), outcome);
	CHECK_EQ(done, 0);
	CHECK_EQ(quire_page_free_exact(rig->q, page, 1), outcome);
	CHECK_EQ(quire_page_get(rig->q, page), -QUIRE_EINVAL);
	CHECK_EQ(quire_page_split(rig->q, page), -QUIRE_EINVAL);
	CHECK(quire_page_head(rig->q, page) == page || outcome == QUIRE_FREE_INSIDE);
	CHECK_UNCHANGED(rig, &before);
}

static void double_free(bool no_pcp)
{
	struct quire_config config = rig_config(QUIRE_X86_64);
	struct rig rig;

	config.no_pcp = no_pcp;
	if (!rig_boot(&rig, config, GB(2)))
		return;
	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
		struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, order);
		bool listed = (order == 0 || order == 9) && !no_pcp;

		CHECK_EQ(quire_page_free(rig.q, page, order), QUIRE_FREE_OK);
		enum quire_frame_state state = rig_frame(&rig, rig_pfn(&rig, page)).state;
		CHECK_EQ(state, listed ? QUIRE_FRAME_PCP : QUIRE_FRAME_FREE);
		refused(&rig, page, order, QUIRE_FREE_DOUBLE);
		refused(&rig, page, (order + 1) % 11, QUIRE_FREE_DOUBLE);
		for (uint64_t n = 1; n < 1u << order; n = n * 2 + 1)
			refused(&rig, rig_nth(&rig, page, n), 0, QUIRE_FREE_DOUBLE);
		quire_page_drain(rig.q); /* merged now, inside of a larger block */
		CHECK_EQ(rig_frame(&rig, rig_pfn(&rig, page)).state, QUIRE_FRAME_FREE);
		refused(&rig, page, order, QUIRE_FREE_DOUBLE);
	}
	rig_end(&rig);
}

TEST(double_free)
{
	double_free(false);
	double_free(true);
}

/* The frame was given out again, as part of a larger block. */
TEST(stale)
{
	struct rig rig;

	if (!rig_start(&rig, MB(64)))
		return;
	struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 4);
	struct quire_page *inside = rig_nth(&rig, page, 5);

	refused(&rig, inside, 0, QUIRE_FREE_INSIDE);
	refused(&rig, inside, 4, QUIRE_FREE_INSIDE);
	CHECK_EQ(quire_page_free(rig.q, page, 4), QUIRE_FREE_OK);
	refused(&rig, inside, 0, QUIRE_FREE_DOUBLE);
	rig_end(&rig);
}

TEST(wrong_order)
{
	struct rig rig;

	if (!rig_start(&rig, MB(64)))
		return;
	for (unsigned i = 0; i < 2 * (QUIRE_ORDER_MAX + 1); i++) {
		unsigned order = i / 2;
		quire_gfp_t comp = i % 2 ? QUIRE_GFP_BIT_COMP : 0;
		struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL | comp, order);

		for (unsigned other = 0; other <= QUIRE_ORDER_MAX; other++) {
			if (other != order)
				refused(&rig, page, other, QUIRE_FREE_ORDER);
		}
		refused(&rig, page, QUIRE_ORDER_MAX + 1, QUIRE_FREE_RANGE);
		refused(&rig, page, 16, QUIRE_FREE_RANGE);
		refused(&rig, page, UINT32_MAX, QUIRE_FREE_RANGE);
		for (uint64_t n = 1; n < 1u << order; n = n * 2 + 1) {
			refused(&rig, rig_nth(&rig, page, n), 0, QUIRE_FREE_INSIDE);
			refused(&rig, rig_nth(&rig, page, n), order, QUIRE_FREE_INSIDE);
		}
		CHECK_EQ(quire_page_free(rig.q, page, order), QUIRE_FREE_OK);
	}
	rig_end(&rig);
}

/* Frames that are not the allocator's: reserved, in holes, of nobody, of another machine. */
TEST(not_ours)
{
	struct quire_config config = rig_config(QUIRE_X86_64);
	struct rig rig, other;

	if (!rig_create(&rig, &config) || !rig_start(&other, MB(64)))
		return;
	refused(&rig, (struct quire_page *)&rig, 0, QUIRE_FREE_FOREIGN);
	CHECK(!quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0));
	CHECK_EQ(quire_memblock_add(rig.q, quire_phys(0), quire_phys(MB(64))), 0);
	CHECK_EQ(quire_memblock_remove(rig.q, quire_phys(MB(18)), quire_phys(MB(19))), 0);
	CHECK_EQ(quire_memblock_reserve(rig.q, quire_phys(MB(20)), quire_phys(MB(21)),
					QUIRE_RESERVE_KERNEL),
		 0);
	CHECK_EQ(quire_boot_zones(rig.q), 0);
	struct quire_page *first = quire_pfn_page(rig.q, quire_pfn(0));
	char *bytes = (char *)first;

	for (uint64_t pfn = 0x1400; pfn < 0x1500; pfn += 51) {
		refused(&rig, quire_pfn_page(rig.q, quire_pfn(pfn)), 0, QUIRE_FREE_RESERVED);
		refused(&rig, quire_pfn_page(rig.q, quire_pfn(pfn)), 3, QUIRE_FREE_RESERVED);
		CHECK_EQ(rig_frame(&rig, pfn).state, QUIRE_FRAME_RESERVED);
	}
	/* A hole has no frame to name; its place in the frame array is none of the machine's. */
	CHECK(!quire_pfn_page(rig.q, quire_pfn(0x1200)));
	CHECK_EQ(rig_frame(&rig, 0x1200).state, QUIRE_FRAME_HOLE);
	refused(&rig, (struct quire_page *)(bytes + 0x1200 * 16), 0, QUIRE_FREE_FOREIGN);
	CHECK(!quire_pfn_page(rig.q, quire_pfn(0x4000)));
	CHECK(!quire_pfn_page(rig.q, quire_pfn(UINT64_MAX)));
	refused(&rig, NULL, 0, QUIRE_FREE_FOREIGN);
	refused(&rig, (struct quire_page *)(bytes + 0x4000 * 16), 0, QUIRE_FREE_FOREIGN);
	refused(&rig, (struct quire_page *)(bytes - 16), 0, QUIRE_FREE_FOREIGN);
	for (unsigned off = 1; off < 16; off++)
		refused(&rig, (struct quire_page *)(bytes + 160 + off), 0, QUIRE_FREE_FOREIGN);
	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
		struct quire_page *page = quire_page_alloc(other.q, QUIRE_GFP_KERNEL, order);
		struct snapshot before;

		snapshot(&other, &before);
		refused(&rig, page, order, QUIRE_FREE_FOREIGN);
		CHECK_UNCHANGED(&other, &before);
		CHECK_EQ(quire_page_free(other.q, page, order), QUIRE_FREE_OK);
	}
	rig_end(&rig);
	rig_end(&other);
}

/* The second of a bulk lies between two frames, where the owner's word looks like a frame's. */
TEST(bulk_between)
{
	struct quire_page *list[64];
	struct rig rig;
	size_t done;

	if (!rig_start(&rig, MB(64)))
		return;
	CHECK_EQ(quire_page_alloc_bulk(rig.q, QUIRE_GFP_KERNEL, 64, list), 64);
	for (int i = 0; i < 64; i++)
		quire_page_set_private(list[i], 0x210); /* allocated, one reference */
	struct quire_page *right = list[1];

	list[1] = (struct quire_page *)((char *)right + 8);
	CHECK_EQ(quire_page_free_bulk(rig.q, 64, list, &done), QUIRE_FREE_FOREIGN);
	CHECK_EQ(done, 1);
	CHECK_EQ(quire_page_private(right), 0x210);
	list[1] = right;
	CHECK_EQ(quire_page_free_bulk(rig.q, 63, list + 1, &done), QUIRE_FREE_OK);
	rig_end(&rig);
}

/* Two machines in one process, the same calls in turn: the same state, and none the other's. */
TEST(two_machines)
{
	struct rig rig[2];
	struct quire_page *held[2][200];
	uint64_t seed = 1;

	if (!rig_start(&rig[0], MB(64)) || !rig_start(&rig[1], MB(64)))
		return;
	for (unsigned i = 0; i < 200; i++) {
		uint64_t r = test_random(&seed);

		for (unsigned m = 0; m < 2; m++) {
			held[m][i] = quire_page_alloc(rig[m].q, QUIRE_GFP_KERNEL, r % 6);
			if (r >> 32 & 1)
				continue;
			quire_page_free(rig[m].q, held[m][i], r % 6);
		}
		CHECK_EQ(rig_pfn(&rig[0], held[0][i]), rig_pfn(&rig[1], held[1][i]));
	}
	CHECK(quire_hash(rig[0].q) == quire_hash(rig[1].q));
	struct snapshot before;
	snapshot(&rig[1], &before);
	rig_end(&rig[0]);
	CHECK_UNCHANGED(&rig[1], &before);
	rig_end(&rig[1]);
}

TEST(flags)
{
	struct rig rig;
	struct snapshot before;
	struct quire_explanation why;

	if (!rig_start(&rig, MB(64)))
		return;
	snapshot(&rig, &before);
	for (unsigned bit = 0; bit < 32; bit++) {
		quire_gfp_t gfp = QUIRE_GFP_KERNEL | 1u << bit;
		struct quire_page *page = quire_page_alloc(rig.q, gfp, 0);
		bool known = QUIRE_GFP_BITS >> bit & 1;

		CHECK_EQ(page != NULL, known);
		CHECK_EQ(known, bit < 20 && bit != 12);
		quire_page_explain(rig.q, gfp, 0, &why);
		CHECK_EQ(why.error, known ? 0 : -QUIRE_EINVAL);
		if (page)
			CHECK_EQ(quire_page_free(rig.q, page, 0), QUIRE_FREE_OK);
	}
	/* At most one zone, at most one mobility. */
	for (unsigned zones = 0; zones < 32; zones++) {
		unsigned both = QUIRE_GFP_BIT_MOVABLE | QUIRE_GFP_BIT_RECLAIMABLE;
		unsigned zone = zones & 7;
		bool right = !(zone & (zone - 1)) && (zones & both) != both;

		for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order += 5) {
			struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL | zones,
								   order);

			CHECK_EQ(page != NULL, right);
			quire_page_explain(rig.q, QUIRE_GFP_KERNEL | zones, order, &why);
			CHECK_EQ(why.error, right ? 0 : -QUIRE_EINVAL);
			CHECK_EQ(why.nr > 0, right);
			if (page)
				CHECK_EQ(quire_page_free(rig.q, page, order), QUIRE_FREE_OK);
		}
	}
	quire_page_explain(rig.q, QUIRE_GFP_KERNEL, QUIRE_ORDER_MAX + 1, &why);
	CHECK_EQ(why.error, -QUIRE_EINVAL);
	CHECK_EQ(rig_free(&rig), 16384);
	rig_end(&rig);
}

/* Values out of range everywhere else. */
/* A zone that is none has nothing, and the frame array is not to be released. */
TEST(no_such_zone)
{
	const enum quire_zone none = (enum quire_zone)17;
	struct quire_config config = rig_config(QUIRE_X86_64);
	struct quire_zone_stat stat;
	struct quire_pcp_stat lists;
	struct quire_range range;
	struct rig rig;
	quire_pfn_t pfn;

	config.frames_outside = false;
	if (!rig_boot(&rig, config, MB(64)))
		return;
	memset(&stat, 0xff, sizeof(stat));
	quire_zone_stat(rig.q, none, &stat);
	CHECK(!stat.exists && !stat.managed && !stat.free);
	memset(&lists, 0xff, sizeof(lists));
	quire_pcp_stat(rig.q, none, 0, &lists);
	CHECK_EQ(lists.high, 0);
	CHECK(!quire_free_block_next(rig.q, none, 0, quire_pfn(0), &pfn, NULL));
	CHECK_EQ(quire_fragmentation_index(rig.q, none, 3), 0);
	CHECK_EQ(quire_unusable_index(rig.q, none, 3), 1000);
	for (size_t i = 0; quire_memblock_get(rig.q, QUIRE_MEMBLOCK_RESERVED, i, &range); i++) {
		if (range.what == QUIRE_RESERVE_FRAMES)
			CHECK_EQ(quire_boot_release(rig.q, quire_phys(range.start),
						    quire_phys(range.end)),
				 -QUIRE_EINVAL);
	}
	rig_end(&rig);
}

TEST(ranges)
{
	struct snapshot before;
	struct rig rig;
	quire_pfn_t pfn;

	if (!rig_start(&rig, MB(64)))
		return;
	snapshot(&rig, &before);
	CHECK_EQ(quire_set_migrate(rig.q, quire_pfn(0), quire_pfn(512), QUIRE_NR_MIGRATE),
		 -QUIRE_EINVAL);
	CHECK_EQ(quire_set_migrate(rig.q, quire_pfn(0), quire_pfn(511), QUIRE_MIGRATE_CMA),
		 -QUIRE_EINVAL);
	CHECK_EQ(quire_set_migrate(rig.q, quire_pfn(8), quire_pfn(520), QUIRE_MIGRATE_CMA),
		 -QUIRE_EINVAL);
	CHECK_EQ(quire_set_migrate(rig.q, quire_pfn(512), quire_pfn(512), QUIRE_MIGRATE_CMA),
		 -QUIRE_EINVAL);
	CHECK_EQ(quire_set_migrate(rig.q, quire_pfn(1024), quire_pfn(512), QUIRE_MIGRATE_CMA),
		 -QUIRE_EINVAL);
	CHECK_EQ(quire_set_migrate(rig.q, quire_pfn(15872), quire_pfn(16896), QUIRE_MIGRATE_CMA),
		 -QUIRE_EINVAL);
	CHECK_EQ(quire_set_migrate(rig.q, quire_pfn(0), quire_pfn(UINT64_MAX & ~511ull),
				   QUIRE_MIGRATE_CMA),
		 -QUIRE_EINVAL);
	CHECK_EQ(quire_set_min_free_kbytes(rig.q, UINT64_MAX), -QUIRE_EINVAL);
	CHECK_EQ(quire_set_watermark_scale(rig.q, 0), -QUIRE_EINVAL);
	CHECK_EQ(quire_set_watermark_scale(rig.q, 3001), -QUIRE_EINVAL);
	CHECK_EQ(quire_set_reserve_ratio(rig.q, QUIRE_NR_ZONES, 1), -QUIRE_EINVAL);
	CHECK_EQ(quire_set_reserve_ratio(rig.q, QUIRE_ZONE_DMA, UINT32_MAX), -QUIRE_EINVAL);
	CHECK_EQ(quire_boot_release(rig.q, quire_phys(0), quire_phys(4096)), -QUIRE_EINVAL);
	CHECK_EQ(quire_memblock_add(rig.q, quire_phys(0), quire_phys(4096)), -QUIRE_EBUSY);
	CHECK_EQ(
		quire_memblock_reserve(rig.q, quire_phys(0), quire_phys(4096), QUIRE_RESERVE_OTHER),
		-QUIRE_EBUSY);
	CHECK_EQ(quire_boot_zones(rig.q), -QUIRE_EBUSY);
	CHECK(!quire_free_block_next(rig.q, QUIRE_ZONE_DMA, 11, quire_pfn(0), &pfn, NULL));
	CHECK_EQ(quire_pair_bit(rig.q, 10, 0), 0);
	CHECK_EQ(quire_pair_bit(rig.q, 0, UINT64_MAX), 0);
	CHECK_UNCHANGED(&rig, &before);
	CHECK_STR(quire_free_name(QUIRE_FREE_DOUBLE), "double free");
	CHECK_STR(quire_free_name(QUIRE_FREE_REFERENCED), "others hold references");
	CHECK_STR(quire_free_name((enum quire_free)99), "?");
	CHECK_STR(quire_migrate_name(QUIRE_NR_MIGRATE), "?");
	CHECK_STR(quire_zone_name(QUIRE_NR_ZONES), "?");
	CHECK_STR(quire_machine_name(QUIRE_NR_MACHINES), "?");
	rig_end(&rig);
}

/* Configurations that no machine has. */
TEST(configurations)
{
	struct quire_config good = rig_config(QUIRE_I386), bad;
	struct quire *q = NULL;

#define REFUSED(field, value)                                    \
	do {                                                     \
		bad = good;                                      \
		bad.field = value;                               \
		CHECK_EQ(quire_create(&bad, &q), -QUIRE_EINVAL); \
		CHECK(q == NULL);                                \
	} while (0)
	REFUSED(machine, QUIRE_NR_MACHINES);
	REFUSED(split, QUIRE_NR_SPLITS);
	REFUSED(nr_cpus, 0);
	REFUSED(nr_cpus, QUIRE_CPUS_MAX + 1);
	REFUSED(lowmem_bytes, 12345);
	REFUSED(lowmem_bytes, MB(897));
	REFUSED(min_free_kbytes, UINT64_MAX);
	quire_destroy(NULL);
}

TEST_MAIN(CASE(double_free), CASE(stale), CASE(wrong_order), CASE(not_ours), CASE(bulk_between),
	  CASE(two_machines), CASE(flags), CASE(no_such_zone), CASE(ranges), CASE(configurations))
