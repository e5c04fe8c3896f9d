/* SPDX-License-Identifier: MIT */
/*
 * test_page_zones.c - which zone gives, down to which watermark, and what is said when none does
 */
#include "rig.h"

#include <quire/error.h>

#define ALL 20480

static struct quire_page *pages[ALL];

static bool first_zone(struct rig *rig, quire_gfp_t gfp, enum quire_zone zone)
{
	struct quire_page *page = quire_page_alloc(rig->q, gfp | QUIRE_GFP_KERNEL, 0);
	bool right = page && quire_page_zone(rig->q, page) == zone;

	CHECK(page && quire_page_free(rig->q, page, 0) == QUIRE_FREE_OK);
	return right;
}

/* Take everything that a request can have: its zones empty in this order, the rest not at all. */
static void falls_back(struct rig *rig, quire_gfp_t gfp, const enum quire_zone *zones, unsigned nr)
{
	size_t taken = rig_fill(rig, gfp | QUIRE_GFP_BIT_MEMALLOC | QUIRE_GFP_NOWAIT, 0, pages,
				ALL);
	uint64_t at = 0;

	for (unsigned z = 0; z < nr; z++) {
		uint64_t managed = rig_stat(rig, zones[z]).managed;

		CHECK(managed > 0);
		/* The first pass keeps the low mark, the second takes the rest: all of a
		 * zone is had, and most of it before anything of the next. */
		for (uint64_t i = 0; i < managed / 2; i++)
			CHECK_EQ(quire_page_zone(rig->q, pages[at + i]), zones[z]);
		at += managed;
		CHECK_EQ(rig_stat(rig, zones[z]).free, 0);
	}
	CHECK_EQ(taken, at);
	rig_free_all(rig, pages, taken, 0);
	quire_page_drain(rig->q);
}

#define FALLS_BACK(rig, gfp, ...)                                                           \
	do {                                                                                \
		static const enum quire_zone test_zones[] = { __VA_ARGS__ };                \
		CHECK(first_zone(rig, gfp, test_zones[0]));                                 \
		falls_back(rig, gfp, test_zones, sizeof(test_zones) / sizeof(*test_zones)); \
	} while (0)

/* A machine with memory in each zone that its kind has. */
static bool boot_all_zones(struct rig *rig, enum quire_machine machine)
{
	struct quire_config config = rig_config(machine);
	bool wide = machine >= QUIRE_X86_64;

	config.no_pcp = true; /* so that zones empty one after the other */
	config.movable_bytes = MB(8);
	config.min_free_kbytes = 256;
	config.lowmem_bytes = wide ? 0 : MB(32);
	if (!rig_create(rig, &config))
		return false;
	CHECK_EQ(quire_memblock_add(rig->q, quire_phys(0), quire_phys(MB(40))), 0);
	if (wide)
		CHECK_EQ(quire_memblock_add(rig->q, quire_phys(GB(4)), quire_phys(GB(4) + MB(24))),
			 0);
	else
		CHECK_EQ(quire_memblock_add(rig->q, quire_phys(MB(40)), quire_phys(MB(64))), 0);
	CHECK_EQ(quire_boot_zones(rig->q), 0);
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) /* reserves have a test of their own */
		CHECK_EQ(quire_set_reserve_ratio(rig->q, (enum quire_zone)z, 0), 0);
	return true;
}

TEST(fallback_32)
{
	static const enum quire_machine machines[] = { QUIRE_I386, QUIRE_I386_PAE };
	struct rig rig;

	for (int m = 0; m < 2 && boot_all_zones(&rig, machines[m]); m++) {
		FALLS_BACK(&rig, QUIRE_GFP_DMA, QUIRE_ZONE_DMA);
		FALLS_BACK(&rig, QUIRE_GFP_DMA | QUIRE_GFP_BIT_MOVABLE, QUIRE_ZONE_DMA);
		FALLS_BACK(&rig, QUIRE_GFP_DMA32, QUIRE_ZONE_NORMAL, QUIRE_ZONE_DMA);
		FALLS_BACK(&rig, 0, QUIRE_ZONE_NORMAL, QUIRE_ZONE_DMA);
		FALLS_BACK(&rig, QUIRE_GFP_BIT_RECLAIMABLE, QUIRE_ZONE_NORMAL, QUIRE_ZONE_DMA);
		FALLS_BACK(&rig, QUIRE_GFP_BIT_MOVABLE, QUIRE_ZONE_NORMAL, QUIRE_ZONE_DMA);
		FALLS_BACK(&rig, QUIRE_GFP_BIT_HIGHMEM, QUIRE_ZONE_HIGHMEM, QUIRE_ZONE_NORMAL,
			   QUIRE_ZONE_DMA);
		FALLS_BACK(&rig, QUIRE_GFP_BIT_HIGHMEM | QUIRE_GFP_BIT_MOVABLE, QUIRE_ZONE_MOVABLE,
			   QUIRE_ZONE_HIGHMEM, QUIRE_ZONE_NORMAL, QUIRE_ZONE_DMA);
		CHECK(!rig_stat(&rig, QUIRE_ZONE_DMA32).exists);
		rig_end(&rig);
	}
}

TEST(fallback_64)
{
	static const enum quire_machine machines[] = { QUIRE_X86_64, QUIRE_X86_64_LA57 };
	struct rig rig;

	for (int m = 0; m < 2 && boot_all_zones(&rig, machines[m]); m++) {
		FALLS_BACK(&rig, QUIRE_GFP_DMA, QUIRE_ZONE_DMA);
		FALLS_BACK(&rig, QUIRE_GFP_DMA32, QUIRE_ZONE_DMA32, QUIRE_ZONE_DMA);
		FALLS_BACK(&rig, 0, QUIRE_ZONE_NORMAL, QUIRE_ZONE_DMA32, QUIRE_ZONE_DMA);
		FALLS_BACK(&rig, QUIRE_GFP_BIT_HIGHMEM, QUIRE_ZONE_NORMAL, QUIRE_ZONE_DMA32,
			   QUIRE_ZONE_DMA);
		FALLS_BACK(&rig, QUIRE_GFP_BIT_HIGHMEM | QUIRE_GFP_BIT_MOVABLE, QUIRE_ZONE_MOVABLE,
			   QUIRE_ZONE_NORMAL, QUIRE_ZONE_DMA32, QUIRE_ZONE_DMA);
		CHECK(!rig_stat(&rig, QUIRE_ZONE_HIGHMEM).exists);
		rig_end(&rig);
	}
}

/* ZONE_MOVABLE is the top of the highest zone: whole, as large as asked for, else all of it. */
TEST(movable_zone)
{
	static const struct {
		uint64_t want, movable, high;
	} cases[] = { { 0, 0, 10240 },       { MB(8), 2048, 8192 }, { MB(8) + 1, 2048, 8192 },
		      { MB(9), 2048, 8192 }, { MB(40), 10240, 0 },  { GB(1), 10240, 0 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct quire_config config = rig_config(QUIRE_I386);
		struct rig rig;

		config.lowmem_bytes = MB(24);
		config.movable_bytes = cases[i].want;
		if (!rig_boot(&rig, config, MB(64)))
			return;
		CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_MOVABLE).managed, cases[i].movable);
		CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_HIGHMEM).managed, cases[i].high);
		CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_NORMAL).managed, 2048);
		CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_MOVABLE).spanned, cases[i].movable);
		CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_HIGHMEM).start.v, cases[i].high ? 6144 : 0);
		rig_end(&rig);
	}
}

/* One zone of 4096 frames, min 400, low 500, high 600. */
static bool boot_marks(struct rig *rig)
{
	struct quire_config config = rig_config(QUIRE_X86_64);

	config.no_pcp = true;
	config.min_free_kbytes = 1600;
	if (!rig_boot(rig, config, MB(16)))
		return false;
	struct quire_zone_stat stat = rig_stat(rig, QUIRE_ZONE_DMA);

	CHECK_EQ(stat.wmark[QUIRE_WMARK_MIN], 400);
	CHECK_EQ(stat.wmark[QUIRE_WMARK_LOW], 500);
	CHECK_EQ(stat.wmark[QUIRE_WMARK_HIGH], 600);
	return true;
}

/* Each kind of request stops at its own mark, and the explanation says which. */
TEST(watermarks)
{
	static const struct {
		quire_gfp_t gfp;
		uint64_t left;
	} cases[] = {
		{ QUIRE_GFP_KERNEL, 400 },
		{ QUIRE_GFP_NOWAIT, 400 },
		{ 0, 400 },
		{ QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_NORETRY, 400 },
		{ QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_RETRY_MAYFAIL, 400 },
		{ QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_NOMEMALLOC | QUIRE_GFP_BIT_MEMALLOC, 400 },
		{ QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_ATOMIC, 300 },
		{ QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_HIGH, 200 },
		{ QUIRE_GFP_ATOMIC, 150 },
		{ QUIRE_GFP_ATOMIC | QUIRE_GFP_BIT_NOMEMALLOC, 200 },
		{ QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_NOFAIL | QUIRE_GFP_BIT_NOMEMALLOC, 0 },
		{ QUIRE_GFP_NOWAIT | QUIRE_GFP_BIT_MEMALLOC, 0 },
		{ QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_MEMALLOC, 0 },
		{ QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_NOFAIL, 0 },
	};
	struct quire_explanation why;
	struct rig rig;

	if (!boot_marks(&rig))
		return;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (unsigned order = 0; order <= 4; order += 2) {
			size_t nr = rig_fill(&rig, cases[i].gfp, order, pages, ALL);
			uint64_t left = rig_free(&rig), size = 1u << order;

			/* The last one that leaves the mark free. */
			CHECK_EQ(left, cases[i].left + (4096 - cases[i].left) % size);
			quire_page_explain(rig.q, cases[i].gfp, order, &why);
			CHECK_EQ(why.error, 0);
			CHECK_EQ(why.zone[why.nr - 1].zone, QUIRE_ZONE_DMA);
			CHECK_EQ(why.zone[why.nr - 1].refusal, QUIRE_REFUSAL_WATERMARK);
			CHECK_EQ(why.zone[why.nr - 1].free, left);
			CHECK_EQ(why.zone[why.nr - 1].need, cases[i].left);
			CHECK_EQ(why.zone[0].refusal, QUIRE_REFUSAL_EMPTY);
			rig_free_all(&rig, pages, nr, order);
			quire_page_explain(rig.q, cases[i].gfp, order, &why);
			CHECK_EQ(why.zone[why.nr - 1].refusal, QUIRE_REFUSAL_NONE);
		}
	}
	rig_end(&rig);
}

/** struct pressure - what the hooks were called with, and what they do */
struct pressure {
	struct rig *rig;
	unsigned reclaims, wakes;
	quire_gfp_t gfp;
	unsigned order;
	uint64_t progress; /* what reclaim says */
	unsigned gives_at; /* reclaim frees a block in this call; 0: never */
	struct quire_page *block;
	uint64_t free_at_wake;
};

static uint64_t reclaim(void *ctx, quire_gfp_t gfp, unsigned order)
{
	struct pressure *p = ctx;

	p->gfp = gfp;
	p->order = order;
	if (++p->reclaims != p->gives_at)
		return p->progress;
	CHECK_EQ(quire_page_free(p->rig->q, p->block, 5), QUIRE_FREE_OK);
	return 32;
}

static void wake(void *ctx, enum quire_zone zone)
{
	struct pressure *p = ctx;

	CHECK_EQ(zone, QUIRE_ZONE_DMA);
	if (!p->wakes++)
		p->free_at_wake = rig_free(p->rig);
}

TEST(pressure)
{
	static const struct {
		quire_gfp_t gfp;
		uint64_t progress;
		unsigned gives_at, calls;
		bool served;
	} cases[] = {
		{ QUIRE_GFP_KERNEL, 0, 0, 1, false },
		{ QUIRE_GFP_KERNEL, 1, 0, 16, false },
		{ QUIRE_GFP_KERNEL, 1, 1, 1, true },
		{ QUIRE_GFP_KERNEL, 1, 16, 16, true },
		{ QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_NORETRY, 1, 0, 1, false },
		{ QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_NORETRY, 1, 1, 1, true },
		{ QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_NOFAIL, 1, 40, 40, true },
		{ QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_NOFAIL, 0, 0, 1, true },
		{ QUIRE_GFP_NOWAIT, 1, 0, 0, false },
		{ 0, 1, 0, 0, false },
	};
	struct pressure p;
	struct rig rig;
	struct quire_pressure hook = { reclaim, wake, &p };

	if (!boot_marks(&rig))
		return;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct quire_page *block = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 5);
		size_t nr = rig_fill(&rig, QUIRE_GFP_KERNEL, 0, pages, ALL);

		p = (struct pressure){ .rig = &rig,
				       .progress = cases[i].progress,
				       .gives_at = cases[i].gives_at,
				       .block = block };
		quire_set_pressure(rig.q, &hook);
		struct quire_page *page = quire_page_alloc(rig.q, cases[i].gfp, 2);

		CHECK_EQ(page != NULL, cases[i].served);
		CHECK_EQ(p.reclaims, cases[i].calls);
		CHECK(!p.reclaims || (p.gfp == cases[i].gfp && p.order == 2));
		CHECK_EQ(p.wakes, (cases[i].gfp & QUIRE_GFP_BIT_KSWAPD) ? 1 : 0);
		quire_set_pressure(rig.q, NULL);
		CHECK(!quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 8));
		CHECK_EQ(p.reclaims, cases[i].calls);
		if (page)
			CHECK_EQ(quire_page_free(rig.q, page, 2), QUIRE_FREE_OK);
		if (!cases[i].gives_at)
			CHECK_EQ(quire_page_free(rig.q, block, 5), QUIRE_FREE_OK);
		rig_free_all(&rig, pages, nr, 0);
	}
	/* Background reclaim is woken by the first request that low refuses, not before. */
	p = (struct pressure){ .rig = &rig };
	quire_set_pressure(rig.q, &hook);
	size_t nr = 0;
	while (!p.wakes && nr < ALL && (pages[nr] = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0)))
		nr++;
	CHECK_EQ(p.free_at_wake, 500);
	CHECK_EQ(rig_free(&rig), 499);
	CHECK_EQ(p.reclaims, 0);
	rig_free_all(&rig, pages, nr, 0);
	rig_end(&rig);
}

/* The lower zones keep a share from requests that could have gone higher: exactly that. */
TEST(reserves)
{
	struct quire_config config = rig_config(QUIRE_I386);
	struct quire_explanation why;
	struct rig rig;

	config.no_pcp = true;
	config.lowmem_bytes = MB(48);
	config.min_free_kbytes = 256;
	if (!rig_boot(&rig, config, MB(80)))
		return;
	struct quire_zone_stat dma = rig_stat(&rig, QUIRE_ZONE_DMA);
	struct quire_zone_stat normal = rig_stat(&rig, QUIRE_ZONE_NORMAL);

	CHECK_EQ(dma.reserve[QUIRE_ZONE_DMA], 0);
	CHECK_EQ(dma.reserve[QUIRE_ZONE_NORMAL], 8192 / 256);
	CHECK_EQ(dma.reserve[QUIRE_ZONE_HIGHMEM], 16384 / 256);
	CHECK_EQ(dma.reserve[QUIRE_ZONE_MOVABLE], 16384 / 256);
	CHECK_EQ(normal.reserve[QUIRE_ZONE_NORMAL], 0);
	CHECK_EQ(normal.reserve[QUIRE_ZONE_HIGHMEM], 8192 / 32);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_HIGHMEM).reserve[QUIRE_ZONE_MOVABLE], 0);
	CHECK_EQ(quire_set_reserve_ratio(rig.q, QUIRE_ZONE_DMA, 16), 0);
	dma = rig_stat(&rig, QUIRE_ZONE_DMA);
	CHECK_EQ(dma.reserve[QUIRE_ZONE_HIGHMEM], 16384 / 16);

	size_t nr = rig_fill(&rig, QUIRE_GFP_HIGHUSER, 0, pages, ALL);
	uint64_t min = dma.wmark[QUIRE_WMARK_MIN];
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).free, min + 1024);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_NORMAL).free, normal.wmark[QUIRE_WMARK_MIN] + 256);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_HIGHMEM).free,
		 rig_stat(&rig, QUIRE_ZONE_HIGHMEM).wmark[QUIRE_WMARK_MIN]);
	quire_page_explain(rig.q, QUIRE_GFP_HIGHUSER, 0, &why);
	CHECK_EQ(why.nr, 3);
	CHECK_EQ(why.zone[0].zone, QUIRE_ZONE_HIGHMEM);
	CHECK_EQ(why.zone[1].zone, QUIRE_ZONE_NORMAL);
	CHECK_EQ(why.zone[1].need, normal.wmark[QUIRE_WMARK_MIN] + 256);
	CHECK_EQ(why.zone[2].need, min + 1024);
	nr += rig_fill(&rig, QUIRE_GFP_KERNEL, 0, pages + nr, ALL - nr);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).free, min + 512);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_NORMAL).free, normal.wmark[QUIRE_WMARK_MIN]);
	nr += rig_fill(&rig, QUIRE_GFP_KERNEL | QUIRE_GFP_DMA, 0, pages + nr, ALL - nr);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).free, min);
	rig_free_all(&rig, pages, nr, 0);
	rig_end(&rig);
}

/* Enough is free, but in pieces: not the watermark's fault, and that is what is said. */
TEST(fragmented)
{
	struct quire_explanation why;
	struct rig rig;

	if (!boot_marks(&rig))
		return;
	size_t nr = rig_fill(&rig, QUIRE_GFP_NOWAIT | QUIRE_GFP_BIT_MEMALLOC, 0, pages, ALL);
	CHECK_EQ(nr, 4096);
	for (size_t i = 0; i < nr; i++) {
		if (rig_pfn(&rig, pages[i]) & 1)
			CHECK_EQ(quire_page_free(rig.q, pages[i], 0), QUIRE_FREE_OK);
	}
	CHECK(!quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 1));
	quire_page_explain(rig.q, QUIRE_GFP_KERNEL, 1, &why);
	CHECK_EQ(why.zone[why.nr - 1].refusal, QUIRE_REFUSAL_ORDER);
	CHECK_EQ(why.zone[why.nr - 1].order_max, 0);
	CHECK_EQ(why.zone[why.nr - 1].free, 2048);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA).nr_free[QUIRE_MIGRATE_UNMOVABLE][0] +
			 rig_stat(&rig, QUIRE_ZONE_DMA).nr_free[QUIRE_MIGRATE_MOVABLE][0],
		 2048);
	CHECK_EQ(quire_fragmentation_index(rig.q, QUIRE_ZONE_DMA, 0), -1000);
	CHECK_EQ(quire_fragmentation_index(rig.q, QUIRE_ZONE_DMA, 1),
		 1000 - (1000 + 2048 * 1000 / 2) / 2048);
	CHECK_EQ(quire_unusable_index(rig.q, QUIRE_ZONE_DMA, 0), 0);
	CHECK_EQ(quire_unusable_index(rig.q, QUIRE_ZONE_DMA, 1), 1000);
	for (uint64_t i = 0; i < 2048; i++)
		CHECK_EQ(quire_pair_bit(rig.q, 0, i), 1);
	CHECK_EQ(quire_pair_bit(rig.q, 1, 0), 0);
	quire_pfn_t pfn;
	CHECK(quire_free_block_next(rig.q, QUIRE_ZONE_DMA, 0, quire_pfn(100), &pfn, NULL));
	CHECK_EQ(pfn.v, 101);
	CHECK(!quire_free_block_next(rig.q, QUIRE_ZONE_DMA, 1, quire_pfn(0), &pfn, NULL));
	for (size_t i = 0; i < nr; i++) {
		if (!(rig_pfn(&rig, pages[i]) & 1))
			CHECK_EQ(quire_page_free(rig.q, pages[i], 0), QUIRE_FREE_OK);
	}
	rig_end(&rig);
}

static uint64_t useless(void *ctx, quire_gfp_t gfp, unsigned order)
{
	(void)gfp;
	(void)order;
	++*(unsigned *)ctx;
	return 1;
}

/* Above order 3 one round of reclaim must do, unless the caller says that it would wait. */
TEST(costly)
{
	static const struct {
		quire_gfp_t gfp;
		unsigned order, rounds;
	} cases[] = {
		{ QUIRE_GFP_KERNEL, 3, 16 },
		{ QUIRE_GFP_KERNEL, 4, 1 },
		{ QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_RETRY_MAYFAIL, 4, 16 },
		{ QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_RETRY_MAYFAIL, 3, 16 },
		{ QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_NORETRY, 3, 1 },
	};
	unsigned rounds = 0;
	struct quire_pressure hook = { useless, NULL, &rounds };
	struct rig rig;

	if (!boot_marks(&rig))
		return;
	size_t nr = rig_fill(&rig, QUIRE_GFP_KERNEL, 0, pages, ALL);
	quire_set_pressure(rig.q, &hook);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		rounds = 0;
		CHECK(!quire_page_alloc(rig.q, cases[i].gfp, cases[i].order));
		CHECK_EQ(rounds, cases[i].rounds);
	}
	quire_set_pressure(rig.q, NULL);
	rig_free_all(&rig, pages, nr, 0);
	rig_end(&rig);
}

/* Blocks that other cpus keep come back before a request fails after reclaim. */
static struct quire_page *kept;

static uint64_t free_elsewhere(void *ctx, quire_gfp_t gfp, unsigned order)
{
	struct rig *rig = ctx;
	struct quire_page *page = kept;

	(void)gfp;
	if (!page)
		return 0;
	kept = NULL;
	quire_hosted_cpu(1);
	CHECK_EQ(quire_page_free(rig->q, page, order), QUIRE_FREE_OK);
	quire_hosted_cpu(0);
	return 512;
}

TEST(reclaimed_elsewhere)
{
	struct quire_pcp_stat lists;
	struct rig rig;
	struct quire_pressure hook = { free_elsewhere, NULL, &rig };

	if (!rig_start(&rig, GB(2)))
		return;
	CHECK_EQ(quire_set_min_free_kbytes(rig.q, 1), 0);
	/* 520192 frames of DMA32: 1/64 of them for two cpus and three types is 2 blocks each */
	quire_pcp_stat(rig.q, QUIRE_ZONE_DMA32, 1, &lists);
	CHECK_EQ(lists.high, 3 * (64 + 2 * 512));
	uint64_t freed = rig_stat(&rig, QUIRE_ZONE_DMA32).events[QUIRE_EVENT_FREE];
	size_t nr = rig_fill(&rig, QUIRE_GFP_KERNEL, 9, pages, ALL);

	kept = pages[0];
	CHECK_EQ(quire_page_zone(rig.q, kept), QUIRE_ZONE_DMA32);
	quire_set_pressure(rig.q, &hook);
	pages[0] = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 9);
	CHECK(pages[0] && !kept);
	quire_set_pressure(rig.q, NULL);
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_DMA32).events[QUIRE_EVENT_FREE] - freed, 512);
	rig_free_all(&rig, pages, nr, 9);
	rig_end(&rig);
}

/* Where marks and lists begin and end. */
TEST(limits)
{
	struct quire_config config = rig_config(QUIRE_I386);
	struct quire_pcp_stat lists;
	struct rig rig;

	config.lowmem_bytes = MB(32);
	if (!rig_boot(&rig, config, MB(32) + MB(512) + MB(4)))
		return;
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_HIGHMEM).wmark[QUIRE_WMARK_MIN], 128);
	rig_end(&rig);
	if (!rig_boot(&rig, config, MB(32) + MB(256)))
		return;
	CHECK_EQ(rig_stat(&rig, QUIRE_ZONE_HIGHMEM).wmark[QUIRE_WMARK_MIN], 64);
	rig_end(&rig);
	for (int less = 0; less < 2; less++) { /* 1024 frames for a cpu are enough for lists */
		if (!rig_boot(&rig, rig_config(QUIRE_X86_64), MB(4) - less * KB(4)))
			return;
		quire_pcp_stat(rig.q, QUIRE_ZONE_DMA, 0, &lists);
		CHECK_EQ(lists.batch, less ? 0 : 64);
		rig_end(&rig);
	}
}

TEST(most_kept_free)
{
#if UINTPTR_MAX > UINT32_MAX && !defined(__SANITIZE_ADDRESS__)
	struct rig rig;

	if (!rig_boot(&rig, rig_config(QUIRE_X86_64), GB(4608)))
		return;
	CHECK_EQ(quire_min_free_kbytes(rig.q), 262144);
	quire_destroy(rig.q);
#else
	SKIP("a machine of 4.5 TB takes 20 GB of addresses, and a sanitizer's shadow of them");
#endif
}

static enum quire_refusal verdict(struct rig *rig, quire_gfp_t gfp, unsigned order)
{
	struct quire_explanation why;

	quire_page_explain(rig->q, gfp, order, &why);
	for (unsigned n = 0; n < why.nr; n++) {
		if (why.zone[n].refusal == QUIRE_REFUSAL_NONE)
			return QUIRE_REFUSAL_NONE;
	}
	return why.zone[0].refusal;
}

/* What an explanation says and what a request meets are the same, lists and claims and all. */
TEST(explained)
{
	uint64_t seed = 7, refused = 0, given = 0;
	struct rig rig;

	if (!rig_start(&rig, MB(24)))
		return;
	size_t nr = 0;
	for (unsigned step = 0; step < 20000; step++) {
		uint64_t r = test_random(&seed);
		unsigned order = r & 1 ? 0 : (r >> 1) % 10;
		quire_gfp_t gfp = r >> 10 & 1 ? QUIRE_GFP_KERNEL : QUIRE_GFP_HIGHUSER_MOVABLE;

		quire_hosted_cpu(r >> 20 & 1);
		if ((r >> 30) % 16 < 9 || !nr) {
			enum quire_refusal said = verdict(&rig, gfp, order);
			struct quire_page *page = quire_page_alloc(rig.q, gfp, order);

			CHECK_EQ(page != NULL, said == QUIRE_REFUSAL_NONE);
			given += page != NULL;
			refused += page == NULL;
			if (page && nr < ALL)
				pages[nr++] = page;
		} else {
			size_t i = (r >> 40) % nr;

			CHECK_EQ(quire_page_put(rig.q, pages[i]), QUIRE_FREE_OK);
			pages[i] = pages[--nr];
		}
	}
	CHECK(given > 1000 && refused > 1000);
	while (nr)
		quire_page_put(rig.q, pages[--nr]);
	rig_end(&rig);
}

TEST_MAIN(CASE(fallback_32), CASE(fallback_64), CASE(movable_zone), CASE(watermarks),
	  CASE(pressure), CASE(reserves), CASE(fragmented), CASE(costly), CASE(reclaimed_elsewhere),
	  CASE(limits), CASE(most_kept_free), CASE(explained))
