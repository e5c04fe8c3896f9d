/* SPDX-License-Identifier: MIT */
/*
 * test_page_types.c - pageblocks and their migrate types; sections at the borders of zones
 */
#include "rig.h"

#include <unistd.h>

#include <quire/error.h>

#define ALL 40960
#define GREEDY (QUIRE_GFP_NOWAIT | QUIRE_GFP_BIT_MEMALLOC)
#define MOVABLE QUIRE_GFP_BIT_MOVABLE

static struct quire_page *pages[ALL];

/* 16 MB: eight pageblocks, one zone. */
static bool boot_dma(struct rig *rig, bool no_pcp)
{
	struct quire_config config = rig_config(QUIRE_X86_64);

	config.no_pcp = no_pcp;
	config.min_free_kbytes = 4;
	return rig_boot(rig, config, MB(16));
}

static int set(struct rig *rig, uint64_t start, uint64_t end, enum quire_migrate type)
{
	return quire_set_migrate(rig->q, quire_pfn(start), quire_pfn(end), type);
}

/* All that a request can have; counts what lies in [start, end). */
static size_t fill_in(struct rig *rig, quire_gfp_t gfp, uint64_t start, uint64_t end, size_t *in)
{
	size_t nr = rig_fill(rig, gfp, 0, pages, ALL);

	*in = 0;
	for (size_t i = 0; i < nr; i++)
		*in += rig_pfn(rig, pages[i]) >= start && rig_pfn(rig, pages[i]) < end;
	return nr;
}

/* CMA is lent to movable requests only, and to them last. */
static void cma(bool no_pcp)
{
	struct quire_explanation why;
	struct rig rig;
	size_t in;

	if (!boot_dma(&rig, no_pcp))
		return;
	CHECK_EQ(set(&rig, 1024, 2048, QUIRE_MIGRATE_CMA), 0);
	struct quire_zone_stat stat = rig_stat(&rig, QUIRE_ZONE_DMA);
	CHECK_EQ(stat.nr_blocks[QUIRE_MIGRATE_CMA], 2);
	CHECK_EQ(stat.nr_blocks[QUIRE_MIGRATE_MOVABLE], 6);
	CHECK_EQ(stat.nr_free[QUIRE_MIGRATE_CMA][10], 1);
	CHECK_EQ(stat.free, 4096);
	CHECK_EQ(stat.free_cma, 1024);
	CHECK_EQ(rig_frame(&rig, 1500).migrate, QUIRE_MIGRATE_CMA);
	size_t nr = fill_in(&rig, GREEDY, 1024, 2048, &in);
	CHECK_EQ(nr, 3072);
	CHECK_EQ(in, 0);
	quire_page_explain(rig.q, QUIRE_GFP_KERNEL, 0, &why);
	CHECK_EQ(why.zone[why.nr - 1].refusal, QUIRE_REFUSAL_WATERMARK);
	CHECK_EQ(why.zone[why.nr - 1].free, 0);
	quire_page_explain(rig.q, QUIRE_GFP_KERNEL | MOVABLE, 3, &why);
	CHECK_EQ(why.zone[why.nr - 1].refusal, QUIRE_REFUSAL_NONE);
	CHECK_EQ(why.zone[why.nr - 1].free, 1024);
	/* Enough single frames outside of CMA, but the only block that large is in it. */
	for (size_t i = 0; i < nr; i++) {
		if (rig_pfn(&rig, pages[i]) % 2)
			CHECK_EQ(quire_page_free(rig.q, pages[i], 0), QUIRE_FREE_OK);
	}
	quire_page_drain(rig.q);
	quire_page_explain(rig.q, QUIRE_GFP_KERNEL, 3, &why);
	CHECK_EQ(why.zone[why.nr - 1].refusal, QUIRE_REFUSAL_TYPE);
	CHECK_EQ(why.zone[why.nr - 1].order_max, 10);
	CHECK(!quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 3));
	struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL | MOVABLE, 3);
	CHECK(page && rig_pfn(&rig, page) / 1024 == 1);
	CHECK_EQ(rig_frame(&rig, 1500).migrate, QUIRE_MIGRATE_CMA);
	CHECK_EQ(quire_page_free(rig.q, page, 3), QUIRE_FREE_OK);
	for (size_t i = 0; i < nr; i++) {
		if (!(rig_pfn(&rig, pages[i]) % 2))
			CHECK_EQ(quire_page_free(rig.q, pages[i], 0), QUIRE_FREE_OK);
	}
	CHECK_EQ(set(&rig, 0, 1024, QUIRE_MIGRATE_MOVABLE), 0);
	CHECK_EQ(set(&rig, 2048, 4096, QUIRE_MIGRATE_MOVABLE), 0);
	nr = fill_in(&rig, GREEDY | MOVABLE, 1024, 2048, &in);
	CHECK_EQ(nr, 4096);
	CHECK_EQ(in, 1024);
	for (size_t i = 0; i < 3000; i++)
		CHECK(rig_pfn(&rig, pages[i]) / 1024 != 1);
	rig_free_all(&rig, pages, nr, 0);
	quire_page_drain(rig.q);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).free_cma, 1024);
	rig_end(&rig);
}

TEST(cma)
{
	cma(false);
	cma(true);
}

/* Nothing comes out of an isolated pageblock; what is freed into it stays. */
static void isolate(bool no_pcp)
{
	struct rig rig;
	size_t in;

	if (!boot_dma(&rig, no_pcp))
		return;
	size_t nr = fill_in(&rig, GREEDY, 512, 1024, &in);
	CHECK_EQ(in, 512);
	CHECK_EQ(set(&rig, 512, 1024, QUIRE_MIGRATE_ISOLATE), 0);
	rig_free_all(&rig, pages, nr, 0);
	quire_page_drain(rig.q);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).free, 4096 - 512);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).nr_free[QUIRE_MIGRATE_ISOLATE][9], 1);
	for (int movable = 0; movable < 2; movable++) {
		nr = fill_in(&rig, movable ? GREEDY | MOVABLE : GREEDY, 512, 1024, &in);
		CHECK_EQ(nr, 4096 - 512);
		CHECK_EQ(in, 0);
		rig_sound(&rig);
		rig_free_all(&rig, pages, nr, 0);
	}
	CHECK_EQ(set(&rig, 512, 1024, QUIRE_MIGRATE_MOVABLE), 0);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).free, 4096);
	nr = rig_fill(&rig, GREEDY, 10, pages, ALL);
	CHECK_EQ(nr, 4);
	rig_free_all(&rig, pages, nr, 10);
	rig_end(&rig);
}

TEST(isolate)
{
	isolate(false);
	isolate(true);
}

/* A type without blocks takes one over: stolen if half of it is free, borrowed from if not. */
TEST(stealing)
{
	struct rig rig;

	if (!boot_dma(&rig, true))
		return;
	struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0);
	struct quire_zone_stat stat = rig_stat(&rig, QUIRE_ZONE_DMA);
	CHECK_EQ(stat.events[QUIRE_EVENT_FALLBACK], 1);
	CHECK_EQ(stat.events[QUIRE_EVENT_STEAL], 1);
	CHECK_EQ(stat.nr_blocks[QUIRE_MIGRATE_UNMOVABLE], 1);
	CHECK_EQ(stat.nr_blocks[QUIRE_MIGRATE_MOVABLE], 7);
	CHECK_EQ(rig_frame(&rig, rig_pfn(&rig, page)).migrate, QUIRE_MIGRATE_UNMOVABLE);
	/* The next ones stay in the block that was stolen. */
	for (int i = 0; i < 511; i++) {
		pages[i] = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0);
		CHECK_EQ(rig_pfn(&rig, pages[i]) >> 9, rig_pfn(&rig, page) >> 9);
	}
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).events[QUIRE_EVENT_FALLBACK], 1);
	rig_free_all(&rig, pages, 511, 0);
	CHECK_EQ(quire_page_free(rig.q, page, 0), QUIRE_FREE_OK);

	/* Movable requests fill seven blocks and more than half of the eighth, their own. */
	CHECK_EQ(set(&rig, 0, 4096, QUIRE_MIGRATE_MOVABLE), 0);
	size_t nr = rig_fill(&rig, GREEDY | MOVABLE, 0, pages, 4096 - 200);
	stat = rig_stat(&rig, QUIRE_ZONE_DMA);
	page = quire_page_alloc(rig.q, GREEDY, 2);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).events[QUIRE_EVENT_FALLBACK],
		 stat.events[QUIRE_EVENT_FALLBACK] + 1);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).events[QUIRE_EVENT_STEAL],
		 stat.events[QUIRE_EVENT_STEAL]);
	CHECK_EQ(rig_frame(&rig, rig_pfn(&rig, page)).migrate, QUIRE_MIGRATE_MOVABLE);
	CHECK_EQ(quire_page_free(rig.q, page, 2), QUIRE_FREE_OK);
	rig_free_all(&rig, pages, nr, 0);
	rig_end(&rig);
}

/* i386 has pageblocks of 4 MB: they are set, stolen and counted whole. */
TEST(pageblocks_of_4m)
{
	struct quire_config config = rig_config(QUIRE_I386);
	struct rig rig;
	size_t in;

	config.no_pcp = true;
	if (!rig_boot(&rig, config, MB(16)))
		return;
	CHECK_EQ(quire_pageblock_order(rig.q), 10);
	CHECK_EQ(set(&rig, 512, 1024, QUIRE_MIGRATE_CMA), -QUIRE_EINVAL);
	CHECK_EQ(set(&rig, 0, 512, QUIRE_MIGRATE_CMA), -QUIRE_EINVAL);
	CHECK_EQ(set(&rig, 1024, 2048, QUIRE_MIGRATE_ISOLATE), 0);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).nr_blocks[QUIRE_MIGRATE_ISOLATE], 1);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).nr_blocks[QUIRE_MIGRATE_MOVABLE], 3);
	size_t nr = fill_in(&rig, GREEDY, 1024, 2048, &in);
	CHECK_EQ(nr, 3072);
	CHECK_EQ(in, 0);
	rig_free_all(&rig, pages, nr, 0);
	CHECK_EQ(set(&rig, 0, 4096, QUIRE_MIGRATE_MOVABLE), 0);
	struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0);
	uint64_t first = rig_pfn(&rig, page) & ~1023ull;
	CHECK_EQ(rig_frame(&rig, first).migrate, QUIRE_MIGRATE_UNMOVABLE);
	CHECK_EQ(rig_frame(&rig, first + 1023).migrate, QUIRE_MIGRATE_UNMOVABLE);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).nr_blocks[QUIRE_MIGRATE_UNMOVABLE], 1);
	CHECK_EQ(quire_page_free(rig.q, page, 0), QUIRE_FREE_OK);
	rig_end(&rig);
	config = rig_config(QUIRE_I386_PAE);
	if (rig_boot(&rig, config, MB(16))) {
		CHECK_EQ(quire_pageblock_order(rig.q), 9);
		rig_end(&rig);
	}
}

/* Of a section that a zone spans in part, only the pageblocks that it reaches are counted. */
TEST(pageblocks_spanned)
{
	static const struct {
		uint64_t start, end;
		unsigned nr;
	} cases[] = { { MB(16), MB(18), 1 },	       { MB(16), MB(18) + 4096, 2 },
		      { MB(16), MB(17), 1 },	       { MB(22), MB(24), 1 },
		      { MB(22) - 4096, MB(24), 2 },    { MB(16), MB(24), 4 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct quire_config config = rig_config(QUIRE_X86_64);
		struct rig rig;

		if (!rig_create(&rig, &config))
			return;
		CHECK_EQ(quire_memblock_add(rig.q, quire_phys(cases[i].start),
					    quire_phys(cases[i].end)),
			 0);
		CHECK_EQ(quire_boot_zones(rig.q), 0);
		CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA32).nr_blocks[QUIRE_MIGRATE_MOVABLE],
			 cases[i].nr);
		rig_end(&rig);
	}
}

/*
 * Lowmem ends inside of a section, as on the recorded i386 machine with 3 GB: blocks on both
 * sides end at the border, and each frame is in the zone that it belongs to.
 */
TEST(straddled)
{
	const uint64_t border = 0x36bfe;
	struct quire_config config = rig_config(QUIRE_I386);
	struct rig rig;

	config.no_pcp = true;
	config.lowmem_bytes = border << 12;
	if (!rig_create(&rig, &config))
		return;
	CHECK_EQ(quire_memblock_add(rig.q, quire_phys(MB(872)), quire_phys(MB(884))), 0);
	CHECK_EQ(quire_boot_zones(rig.q), 0);
	struct quire_zone_stat low = rig_stat(&rig, QUIRE_ZONE_NORMAL);
	struct quire_zone_stat high = rig_stat(&rig, QUIRE_ZONE_HIGHMEM);

	CHECK_EQ(low.start.v, 872 * 256);
	CHECK_EQ(low.spanned, border - 872 * 256);
	CHECK_EQ(low.managed, low.spanned);
	CHECK_EQ(high.start.v, border);
	CHECK_EQ(high.managed, 884 * 256 - border);
	for (uint64_t pfn = 872 * 256; pfn < 884 * 256; pfn++) {
		struct quire_page *page = quire_pfn_page(rig.q, quire_pfn(pfn));

		CHECK_EQ(rig_pfn(&rig, page), pfn);
		CHECK_EQ(quire_page_zone(rig.q, page),
			 pfn < border ? QUIRE_ZONE_NORMAL : QUIRE_ZONE_HIGHMEM);
		struct quire_frame_info info = rig_frame(&rig, pfn);
		uint64_t end = info.first.v + (1u << info.order);
		CHECK_EQ(info.state, QUIRE_FRAME_FREE);
		CHECK(info.first.v <= pfn && pfn < end &&
		      (end <= border || info.first.v >= border));
	}
	size_t nr = rig_fill(&rig, GREEDY, 0, pages, ALL);
	CHECK_EQ(nr, low.managed);
	rig_sound(&rig);
	nr += rig_fill(&rig, GREEDY | QUIRE_GFP_BIT_HIGHMEM, 0, pages + nr, ALL - nr);
	CHECK_EQ(nr, low.managed + high.managed);
	rig_free_all(&rig, pages, nr, 0);
	/* The pageblock that both zones share has one type, whoever asks. */
	uint64_t shared = border & ~1023ull;
	CHECK_EQ(set(&rig, shared, shared + 1024, QUIRE_MIGRATE_ISOLATE), 0);
	CHECK_EQ(rig_frame(&rig, border - 1).migrate, QUIRE_MIGRATE_ISOLATE);
	CHECK_EQ(rig_frame(&rig, border).migrate, QUIRE_MIGRATE_ISOLATE);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_HIGHMEM).free, high.managed - 2);
	rig_sound(&rig);
	rig_end(&rig);
}

/* A hole across the border between two zones is a hole on both sides. */
TEST(straddled_hole)
{
	const uint64_t border = 0x1bfe; /* frames */
	struct quire_config config = rig_config(QUIRE_I386);
	struct rig rig;

	config.lowmem_bytes = border << 12;
	if (!rig_create(&rig, &config))
		return;
	CHECK_EQ(quire_memblock_add(rig.q, quire_phys(0), quire_phys(MB(40))), 0);
	CHECK_EQ(quire_memblock_remove(rig.q, quire_phys((border - 1) << 12),
				       quire_phys((border + 1) << 12)),
		 0);
	CHECK_EQ(quire_boot_zones(rig.q), 0);
	for (uint64_t pfn = border - 3; pfn < border + 3; pfn++) {
		bool hole = pfn == border - 1 || pfn == border;

		CHECK_EQ(rig_frame(&rig, pfn).state, hole ? QUIRE_FRAME_HOLE : QUIRE_FRAME_FREE);
		CHECK_EQ(quire_pfn_page(rig.q, quire_pfn(pfn)) == NULL, hole);
	}
	CHECK_EQ(
		quire_boot_release(rig.q, quire_phys(border << 12), quire_phys((border + 1) << 12)),
		-QUIRE_EINVAL);
	rig_end(&rig);
}

/* Memory of less than a frame, alone in its section, is no memory and holds nothing up. */
TEST(crumbs)
{
	struct rig rig;
	struct quire_config config = rig_config(QUIRE_X86_64);

	if (!rig_create(&rig, &config))
		return;
	alarm(20);
	CHECK_EQ(quire_memblock_add(rig.q, quire_phys(MB(20) + 0x100), quire_phys(MB(20) + 0x200)),
		 0);
	CHECK_EQ(quire_memblock_add(rig.q, quire_phys(MB(40)), quire_phys(MB(48) + 0x200)), 0);
	CHECK_EQ(quire_memblock_add(rig.q, quire_phys(MB(60) + 0xf00), quire_phys(MB(60) + 0x1100)),
		 0);
	CHECK_EQ(quire_boot_zones(rig.q), 0);
	alarm(0);
	CHECK_EQ(rig_free(&rig), 2048);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA32).present, 2048);
	rig_end(&rig);
}

/* Reserved memory that has served is released, once, and only as a whole. */
TEST(release)
{
	struct quire_config config = rig_config(QUIRE_X86_64);
	struct snapshot before;
	struct rig rig;

	if (!rig_create(&rig, &config))
		return;
	CHECK_EQ(quire_boot_release(rig.q, quire_phys(MB(4)), quire_phys(MB(6))), -QUIRE_EINVAL);
	CHECK_EQ(quire_memblock_add(rig.q, quire_phys(0), quire_phys(MB(64))), 0);
	CHECK_EQ(quire_memblock_reserve(rig.q, quire_phys(MB(4)), quire_phys(MB(6)),
					QUIRE_RESERVE_INITRD),
		 0);
	CHECK_EQ(quire_boot_zones(rig.q), 0);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).managed, 4096 - 512);
	CHECK_EQ(rig_frame(&rig, 1024).state, QUIRE_FRAME_RESERVED);
	snapshot(&rig, &before);
	CHECK_EQ(quire_boot_release(rig.q, quire_phys(MB(4)), quire_phys(MB(7))), -QUIRE_EINVAL);
	CHECK_EQ(quire_boot_release(rig.q, quire_phys(MB(3)), quire_phys(MB(6))), -QUIRE_EINVAL);
	CHECK_EQ(quire_boot_release(rig.q, quire_phys(MB(4)), quire_phys(MB(4))), -QUIRE_EINVAL);
	CHECK_EQ(quire_boot_release(rig.q, quire_phys(MB(6)), quire_phys(MB(4))), -QUIRE_EINVAL);
	CHECK_EQ(quire_boot_release(rig.q, quire_phys(MB(4) + 1), quire_phys(MB(6))),
		 -QUIRE_EINVAL);
	CHECK_EQ(quire_boot_release(rig.q, quire_phys(MB(4)), quire_phys(MB(6) - 1)),
		 -QUIRE_EINVAL);
	CHECK_UNCHANGED(&rig, &before);
	CHECK_EQ(quire_boot_release(rig.q, quire_phys(MB(4)), quire_phys(MB(6))), 0);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).managed, 4096);
	CHECK_EQ(rig_free(&rig), 16384);
	CHECK_EQ(rig_frame(&rig, 1024).order, 10);
	CHECK_EQ(quire_boot_release(rig.q, quire_phys(MB(4)), quire_phys(MB(6))), -QUIRE_EINVAL);
	rig_end(&rig);
}

/* A zone that was reserved whole serves once some of it is released, and keeps nothing before. */
TEST(release_zone)
{
	struct quire_config config = rig_config(QUIRE_X86_64);
	struct quire_pcp_stat lists;
	struct rig rig;

	if (!rig_create(&rig, &config))
		return;
	CHECK_EQ(quire_memblock_add(rig.q, quire_phys(0), quire_phys(MB(32))), 0);
	CHECK_EQ(quire_memblock_reserve(rig.q, quire_phys(0), quire_phys(MB(16)),
					QUIRE_RESERVE_KERNEL),
		 0);
	CHECK_EQ(quire_boot_zones(rig.q), 0);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).managed, 0);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).reserve[QUIRE_ZONE_DMA32], 0);
	CHECK(!quire_page_alloc(rig.q, QUIRE_GFP_KERNEL | QUIRE_GFP_DMA, 0));
	quire_pcp_stat(rig.q, QUIRE_ZONE_DMA, 0, &lists);
	CHECK_EQ(lists.batch, 0);
	quire_pcp_stat(rig.q, QUIRE_ZONE_DMA32, 0, &lists);
	CHECK_EQ(lists.batch, 64);
	CHECK_EQ(quire_boot_release(rig.q, quire_phys(MB(4)), quire_phys(MB(6))), 0);
	struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL | QUIRE_GFP_DMA, 0);
	CHECK(page && quire_page_free(rig.q, page, 0) == QUIRE_FREE_OK);
	quire_pcp_stat(rig.q, QUIRE_ZONE_DMA, 0, &lists);
	CHECK_EQ(lists.batch, 0); /* 512 frames: lists would hold a good part of them */
	CHECK_EQ(quire_boot_release(rig.q, quire_phys(MB(6)), quire_phys(MB(16))), 0);
	quire_pcp_stat(rig.q, QUIRE_ZONE_DMA, 0, &lists);
	CHECK_EQ(lists.batch, 64);
	rig_end(&rig);
}

/* A bulk stops where single requests stop, give or take a refill. */
TEST(bulk_watermark)
{
	struct rig rig;

	if (!rig_start(&rig, MB(64)))
		return;
	size_t nr = quire_page_alloc_bulk(rig.q, QUIRE_GFP_KERNEL, ALL, pages);
	struct quire_zone_stat stat = rig_stat(&rig, QUIRE_ZONE_DMA32);

	CHECK(stat.wmark[QUIRE_WMARK_MIN] > 100);
	CHECK(stat.free + 64 >= stat.wmark[QUIRE_WMARK_MIN]);
	CHECK_EQ(quire_page_free_bulk(rig.q, nr, pages, NULL), QUIRE_FREE_OK);
	rig_end(&rig);
}

/* What a type takes over first when its own pageblocks have nothing: Linux's order. */
TEST(fallbacks)
{
	static const struct {
		quire_gfp_t gfp;
		enum quire_migrate first, second;
	} cases[] = {
		{ 0, QUIRE_MIGRATE_RECLAIMABLE, QUIRE_MIGRATE_MOVABLE },
		{ MOVABLE, QUIRE_MIGRATE_RECLAIMABLE, QUIRE_MIGRATE_UNMOVABLE },
		{ QUIRE_GFP_BIT_RECLAIMABLE, QUIRE_MIGRATE_UNMOVABLE, QUIRE_MIGRATE_MOVABLE },
	};
	struct rig rig;

	if (!boot_dma(&rig, true))
		return;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CHECK_EQ(set(&rig, 0, 4096, QUIRE_MIGRATE_ISOLATE), 0);
		CHECK_EQ(set(&rig, 512, 1024, cases[i].second), 0);
		CHECK_EQ(set(&rig, 1024, 1536, cases[i].first), 0);
		struct quire_page *page = quire_page_alloc(rig.q, GREEDY | cases[i].gfp, 0);

		CHECK(page && rig_pfn(&rig, page) >> 9 == 2);
		CHECK_EQ(quire_page_free(rig.q, page, 0), QUIRE_FREE_OK);
	}
	CHECK_EQ(set(&rig, 0, 4096, QUIRE_MIGRATE_MOVABLE), 0);
	rig_end(&rig);
}

/* A pageblock without memory has no type; one with some counts what is there. */
TEST(holes)
{
	struct quire_config config = rig_config(QUIRE_X86_64);
	struct rig rig;

	if (!rig_create(&rig, &config))
		return;
	CHECK_EQ(quire_memblock_add(rig.q, quire_phys(0), quire_phys(MB(17))), 0);
	CHECK_EQ(quire_memblock_add(rig.q, quire_phys(MB(20)), quire_phys(MB(24))), 0);
	CHECK_EQ(quire_boot_zones(rig.q), 0);
	uint64_t hash = quire_hash(rig.q);
	CHECK_EQ(set(&rig, 4608, 5120, QUIRE_MIGRATE_CMA), -QUIRE_EINVAL);
	CHECK_EQ(set(&rig, 4096, 5120, QUIRE_MIGRATE_CMA), -QUIRE_EINVAL);
	CHECK(quire_hash(rig.q) == hash);
	CHECK_EQ(set(&rig, 4096, 4608, QUIRE_MIGRATE_CMA), 0);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA32).present_cma, 256);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA32).free_cma, 256);
	rig_end(&rig);
}

/* Machines of 8 MB to 1 TB: they boot, give and take, and the records cost 1 % at most. */
TEST(sizes)
{
	static const struct {
		enum quire_machine machine;
		uint64_t bytes;
	} cases[] = { { QUIRE_I386, MB(8) },      { QUIRE_X86_64, MB(16) },
		      { QUIRE_I386, MB(16) },     { QUIRE_I386, MB(64) },
		      { QUIRE_I386, GB(3) },      { QUIRE_I386_PAE, GB(16) },
		      { QUIRE_X86_64, GB(1) },    { QUIRE_X86_64, GB(64) },
		      { QUIRE_X86_64, GB(1024) }, { QUIRE_X86_64_LA57, GB(128) } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct quire_config config;
		struct quire_metadata meta;
		struct rig rig;

		quire_config_init(&config, cases[i].machine);
		if (sizeof(void *) == 4 && cases[i].bytes > GB(64))
			continue; /* the records alone would not fit this process */
		if (!rig_boot(&rig, config, cases[i].bytes))
			continue;
		uint64_t managed = 0;
		for (unsigned z = 0; z < QUIRE_NR_ZONES; z++)
			managed += rig_stat(&rig, (enum quire_zone)z).managed;
		quire_metadata(rig.q, &meta);
		uint64_t all = meta.frames + meta.blocks + meta.other;
		CHECK(managed <= cases[i].bytes >> 12);
		CHECK(managed >= (cases[i].bytes - cases[i].bytes / 100) >> 12);
		CHECK(all <= cases[i].bytes / 100);
		CHECK_EQ(all, rig.host.live_bytes);
		CHECK(all <= 32 * (cases[i].bytes >> 12));
		if (all > cases[i].bytes / 100)
			printf("%" PRIu64 " MB: %" PRIu64 " bytes\n", cases[i].bytes >> 20, all);
		for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
			struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, order);

			/* Of 8 MB with the records at the top only one block of 4 MB is left. */
			CHECK(page && quire_page_free(rig.q, page, order) == QUIRE_FREE_OK);
		}
		if (cases[i].bytes > GB(16)) { /* checking all of it takes long */
			quire_destroy(rig.q);
			CHECK_EQ(rig.host.live_bytes, 0);
		} else {
			rig_end(&rig);
		}
	}
}

/* More frames than 31 bits count: refused before anything is allocated. */
TEST(too_large)
{
	struct quire_config config = rig_config(QUIRE_X86_64);
	struct rig rig;

	if (!rig_create(&rig, &config))
		return;
	CHECK_EQ(quire_memblock_add(rig.q, quire_phys(0), quire_phys(GB(16384))), 0);
	CHECK_EQ(quire_boot_zones(rig.q), -QUIRE_E2BIG);
	rig_end(&rig);
}

TEST_MAIN(CASE(cma), CASE(isolate), CASE(stealing), CASE(pageblocks_of_4m),
	  CASE(pageblocks_spanned), CASE(straddled), CASE(straddled_hole), CASE(crumbs),
	  CASE(release), CASE(release_zone), CASE(bulk_watermark), CASE(fallbacks),
	  CASE(holes), CASE(sizes), CASE(too_large))
