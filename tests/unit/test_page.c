/* SPDX-License-Identifier: MIT */
/*
 * test_page.c - allocate, free, count: each call of page.h, used right
 */
#include "rig.h"

#include <quire/error.h>

#define ALL 40000 /* more frames than any machine here has */

static struct quire_page *pages[ALL];

/* Kernel memory to the last frame. */
#define GREEDY (QUIRE_GFP_NOWAIT | QUIRE_GFP_BIT_MEMALLOC)

TEST(orders)
{
	struct rig rig;

	if (!rig_start(&rig, MB(64)))
		return;
	uint64_t all = rig_free(&rig);

	CHECK_EQ(all, 16384);
	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
		struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, order);

		CHECK(page != NULL);
		if (!page)
			continue;
		uint64_t pfn = rig_pfn(&rig, page);

		CHECK_EQ(pfn & ((1u << order) - 1), 0);
		CHECK_EQ(quire_page_order(page), order);
		CHECK_EQ(quire_page_count(page), 1);
		CHECK_EQ(quire_page_private(page), 0);
		CHECK_EQ(quire_page_zone(rig.q, page), QUIRE_ZONE_DMA32);
		CHECK(quire_pfn_page(rig.q, quire_pfn(pfn)) == page);
		CHECK_EQ(rig_free(&rig), all - (1u << order));
		for (uint64_t n = 0; n < 1u << order; n++) {
			struct quire_frame_info info = rig_frame(&rig, pfn + n);

			CHECK_EQ(info.state, n ? QUIRE_FRAME_BODY : QUIRE_FRAME_HEAD);
			CHECK_EQ(info.order, order);
			CHECK_EQ(info.first.v, pfn);
			CHECK_EQ(info.count, 1);
		}
		rig_sound(&rig);
		quire_page_set_private(page, 77);
		CHECK_EQ(quire_page_private(page), 77);
		CHECK_EQ(quire_page_free(rig.q, page, order), QUIRE_FREE_OK);
		CHECK_EQ(rig_free(&rig), all);
		CHECK_EQ(quire_page_count(page), 0);
		CHECK(rig_frame(&rig, pfn).state == QUIRE_FRAME_FREE ||
		      rig_frame(&rig, pfn).state == QUIRE_FRAME_PCP);
	}
	CHECK(!quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, QUIRE_ORDER_MAX + 1));
	CHECK(!quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, UINT32_MAX));
	rig_end(&rig);
}

/* The owner's word is 0 after each allocation, whatever its last owner left there. */
TEST(private_word)
{
	struct rig rig;

	if (!rig_start(&rig, MB(64)))
		return;
	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
		for (int i = 0; i < 3; i++) {
			struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, order);

			CHECK(page && quire_page_private(page) == 0);
			if (!page)
				break;
			quire_page_set_private(page, UINTPTR_MAX);
			quire_page_free(rig.q, page, order);
		}
	}
	rig_end(&rig);
}

/* All of memory can be had in blocks of each order, each frame once; then everything merges. */
static void take_all(bool no_pcp, unsigned order)
{
	struct quire_config config = rig_config(QUIRE_X86_64);
	static unsigned char seen[16384];
	struct rig rig;

	config.no_pcp = no_pcp;
	if (!rig_boot(&rig, config, MB(64)))
		return;
	memset(seen, 0, sizeof(seen));
	size_t nr = rig_fill(&rig, GREEDY, order, pages, ALL);

	CHECK_EQ(nr, 16384u >> order);
	CHECK_EQ(rig_free(&rig), 0);
	for (size_t i = 0; i < nr; i++) {
		uint64_t pfn = rig_pfn(&rig, pages[i]);

		CHECK(pfn + (1u << order) <= sizeof(seen) && !(pfn & ((1u << order) - 1)));
		for (uint64_t n = pfn; n < pfn + (1u << order); n++)
			CHECK_EQ(seen[n]++, 0);
	}
	rig_sound(&rig);
	for (size_t i = 0; i < nr; i += 2)
		rig_free_all(&rig, pages + i, 1, order);
	rig_sound(&rig);
	for (size_t i = 1; i < nr; i += 2)
		rig_free_all(&rig, pages + i, 1, order);
	quire_page_drain(rig.q);
	uint64_t blocks = 0;
	for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++)
		blocks += rig_stat(&rig, QUIRE_ZONE_DMA).nr_free[type][10] +
			  rig_stat(&rig, QUIRE_ZONE_DMA32).nr_free[type][10];
	CHECK_EQ(blocks, 16);
	rig_end(&rig);
}

TEST(take_all)
{
	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
		take_all(false, order);
		take_all(true, order);
	}
}

TEST(references)
{
	struct rig rig;

	if (!rig_start(&rig, MB(64)))
		return;
	uint64_t all = rig_free(&rig);

	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
		struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, order);

		CHECK_EQ(quire_page_get(rig.q, page), 0);
		CHECK_EQ(quire_page_get(rig.q, page), 0);
		CHECK_EQ(quire_page_count(page), 3);
		CHECK_EQ(rig_frame(&rig, rig_pfn(&rig, page)).count, 3);
		CHECK_EQ(quire_page_put(rig.q, page), QUIRE_FREE_OK);
		CHECK_EQ(quire_page_free(rig.q, page, order), QUIRE_FREE_OK);
		CHECK_EQ(quire_page_count(page), 1);
		CHECK_EQ(quire_page_order(page), order);
		CHECK_EQ(rig_free(&rig), all - (1u << order));
		CHECK_EQ(quire_page_put(rig.q, page), QUIRE_FREE_OK);
		CHECK_EQ(quire_page_count(page), 0);
		CHECK_EQ(rig_free(&rig), all);
		CHECK_EQ(quire_page_get(rig.q, page), -QUIRE_EINVAL);
		CHECK_EQ(quire_page_put(rig.q, page), QUIRE_FREE_DOUBLE);
	}
	rig_end(&rig);
}

/* The count of references has 23 bits: one more is refused and changes nothing. */
TEST(references_overflow)
{
	const uint32_t most = (1u << 22) - 1;
	struct rig rig;

	if (!rig_start(&rig, MB(8)))
		return;
	struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 3);
	int error = 0;
	uint32_t nr = 1;

	for (; nr < most && !error; nr++)
		error = quire_page_get(rig.q, page);
	CHECK_EQ(error, 0);
	CHECK_EQ(quire_page_count(page), most);
	CHECK_EQ(quire_page_get(rig.q, page), -QUIRE_EOVERFLOW);
	CHECK_EQ(quire_page_count(page), most);
	CHECK_EQ(quire_page_order(page), 3);
	while (quire_page_count(page) > 1 && quire_page_put(rig.q, page) == QUIRE_FREE_OK)
		;
	CHECK_EQ(quire_page_free(rig.q, page, 3), QUIRE_FREE_OK);
	rig_end(&rig);
}

TEST(compound)
{
	struct rig rig;

	if (!rig_start(&rig, MB(64)))
		return;
	uint64_t all = rig_free(&rig);

	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
		struct quire_page *page = quire_page_alloc(
			rig.q, QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_COMP, order);
		struct quire_page *plain = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, order);

		for (uint32_t n = 0; n < 1u << order; n++) {
			CHECK(quire_page_head(rig.q, rig_nth(&rig, page, n)) == page);
			CHECK(quire_page_head(rig.q, rig_nth(&rig, plain, n)) ==
			      rig_nth(&rig, plain, n));
			CHECK_EQ(quire_page_count(rig_nth(&rig, page, n)), n == 0);
		}
		rig_sound(&rig);
		if (order) {
			CHECK_EQ(quire_page_get(rig.q, rig_nth(&rig, page, 1)), -QUIRE_EINVAL);
			CHECK_EQ(quire_page_put(rig.q, rig_nth(&rig, page, 1)), QUIRE_FREE_INSIDE);
		}
		CHECK_EQ(quire_page_free(rig.q, page, order), QUIRE_FREE_OK);
		CHECK_EQ(quire_page_free(rig.q, plain, order), QUIRE_FREE_OK);
		for (uint32_t n = 0; n < 1u << order; n++)
			CHECK(quire_page_head(rig.q, rig_nth(&rig, page, n)) ==
			      rig_nth(&rig, page, n));
		CHECK_EQ(rig_free(&rig), all);
		rig_sound(&rig);
	}
	rig_end(&rig);
}

TEST(split)
{
	struct rig rig;

	if (!rig_start(&rig, MB(64)))
		return;
	uint64_t all = rig_free(&rig);

	for (unsigned i = 0; i <= 2 * QUIRE_ORDER_MAX; i++) {
		unsigned order = i / 2;
		quire_gfp_t comp = i % 2 ? QUIRE_GFP_BIT_COMP : 0;
		struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL | comp, order);

		quire_page_set_private(page, 5);
		CHECK_EQ(quire_page_get(rig.q, page), 0);
		CHECK_EQ(quire_page_split(rig.q, page), -QUIRE_EBUSY);
		CHECK_EQ(quire_page_order(page), order);
		CHECK_EQ(quire_page_put(rig.q, page), QUIRE_FREE_OK);
		if (order)
			CHECK_EQ(quire_page_split(rig.q, rig_nth(&rig, page, 1)), -QUIRE_EINVAL);
		CHECK_EQ(quire_page_split(rig.q, page), 0);
		CHECK_EQ(quire_page_private(page), 5);
		for (uint32_t n = 0; n < 1u << order; n++) {
			CHECK_EQ(quire_page_order(rig_nth(&rig, page, n)), 0);
			CHECK_EQ(quire_page_count(rig_nth(&rig, page, n)), 1);
			CHECK(!n || quire_page_private(rig_nth(&rig, page, n)) == 0);
			CHECK(quire_page_head(rig.q, rig_nth(&rig, page, n)) ==
			      rig_nth(&rig, page, n));
		}
		rig_sound(&rig);
		for (uint32_t n = 1u << order; n-- > 0;)
			CHECK_EQ(quire_page_free(rig.q, rig_nth(&rig, page, n), 0), QUIRE_FREE_OK);
		CHECK_EQ(quire_page_split(rig.q, page), -QUIRE_EINVAL);
		CHECK_EQ(rig_free(&rig), all);
	}
	rig_end(&rig);
}

TEST(exact)
{
	static const size_t sizes[] = { 1,     4095,    4096,    4097,    12288,   20480,  65536,
					65537, 1000000, 2097152, 2097153, 4194303, 4194304 };
	struct rig rig;

	if (!rig_start(&rig, MB(64)))
		return;
	uint64_t all = rig_free(&rig);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t bytes = sizes[i], nr = (bytes + 4095) / 4096;
		struct quire_page *page = quire_page_alloc_exact(rig.q, QUIRE_GFP_KERNEL, bytes);

		CHECK(page != NULL);
		if (!page)
			continue;
		CHECK_EQ(rig_free(&rig), all - nr);
		for (size_t n = 0; n < nr; n++)
			CHECK(quire_page_count(rig_nth(&rig, page, n)) == 1 &&
			      quire_page_order(rig_nth(&rig, page, n)) == 0);
		rig_sound(&rig);
		/* One frame has another user: nothing is freed at all. */
		CHECK_EQ(quire_page_get(rig.q, rig_nth(&rig, page, nr - 1)), 0);
		struct snapshot before;
		snapshot(&rig, &before);
		CHECK_EQ(quire_page_free_exact(rig.q, page, bytes), QUIRE_FREE_REFERENCED);
		CHECK_UNCHANGED(&rig, &before);
		CHECK_EQ(quire_page_put(rig.q, rig_nth(&rig, page, nr - 1)), QUIRE_FREE_OK);
		CHECK_EQ(quire_page_free_exact(rig.q, page, bytes), QUIRE_FREE_OK);
		CHECK_EQ(rig_free(&rig), all);
		CHECK_EQ(quire_page_free_exact(rig.q, page, bytes), QUIRE_FREE_DOUBLE);
	}
	CHECK(!quire_page_alloc_exact(rig.q, QUIRE_GFP_KERNEL, 0));
	CHECK(!quire_page_alloc_exact(rig.q, QUIRE_GFP_KERNEL, 4194305));
	CHECK(!quire_page_alloc_exact(rig.q, QUIRE_GFP_KERNEL, SIZE_MAX));
	CHECK(!quire_page_alloc_exact(rig.q, QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_COMP, 8192));
	struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0);
	CHECK_EQ(quire_page_free_exact(rig.q, page, 0), QUIRE_FREE_RANGE);
	CHECK_EQ(quire_page_free_exact(rig.q, page, 4194305), QUIRE_FREE_RANGE);
	CHECK_EQ(quire_page_free_exact(rig.q, page, SIZE_MAX), QUIRE_FREE_RANGE);
	CHECK_EQ(quire_page_free(rig.q, page, 0), QUIRE_FREE_OK);
	CHECK_EQ(rig_free(&rig), all);
	rig_end(&rig);
}

static void bulk(bool no_pcp)
{
	static const size_t sizes[] = { 0, 1, 2, 63, 64, 65, 200, 5000 };
	struct quire_config config = rig_config(QUIRE_X86_64);
	struct rig rig;
	size_t done;

	config.no_pcp = no_pcp;
	if (!rig_boot(&rig, config, MB(64)))
		return;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size_t nr = sizes[i];

		CHECK_EQ(quire_page_alloc_bulk(rig.q, QUIRE_GFP_KERNEL, nr, pages), nr);
		CHECK_EQ(rig_free(&rig), 16384 - nr);
		for (size_t n = 0; n < nr; n++)
			CHECK(quire_page_count(pages[n]) == 1 && quire_page_order(pages[n]) == 0 &&
			      rig_frame(&rig, rig_pfn(&rig, pages[n])).state == QUIRE_FRAME_HEAD);
		rig_sound(&rig);
		done = nr + 1;
		CHECK_EQ(quire_page_free_bulk(rig.q, nr, pages, &done), QUIRE_FREE_OK);
		CHECK_EQ(done, nr);
		CHECK_EQ(rig_free(&rig), 16384);
		rig_sound(&rig);
	}
	/* More than there is: all that the watermarks leave, from all zones; done may be NULL. */
	size_t nr = quire_page_alloc_bulk(rig.q, GREEDY, ALL, pages);
	CHECK_EQ(nr, 16384);
	CHECK_EQ(quire_page_free_bulk(rig.q, nr, pages, NULL), QUIRE_FREE_OK);
	CHECK_EQ(quire_page_alloc_bulk(rig.q, QUIRE_GFP_KERNEL | 1u << 12, 5, pages), 0);
	CHECK_EQ(quire_page_alloc_bulk(rig.q, QUIRE_GFP_KERNEL | QUIRE_GFP_DMA | QUIRE_GFP_DMA32, 5,
				       pages),
		 0);
	CHECK_EQ(rig_free(&rig), 16384);
	rig_end(&rig);
}

TEST(bulk)
{
	bulk(false);
	bulk(true);
}

/* It stops at what is wrong: everything before it is freed, it and the rest are not. */
static void bulk_wrong(bool no_pcp)
{
	struct quire_config config = rig_config(QUIRE_X86_64);
	struct rig rig;
	size_t done;

	config.no_pcp = no_pcp;
	if (!rig_boot(&rig, config, MB(64)))
		return;
	struct quire_page *block = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 3);
	struct {
		struct quire_page *page;
		enum quire_free outcome;
	} wrong[] = { { block, QUIRE_FREE_ORDER },
		      { rig_nth(&rig, block, 1), QUIRE_FREE_INSIDE },
		      { NULL, QUIRE_FREE_FOREIGN },
		      { (struct quire_page *)&rig, QUIRE_FREE_FOREIGN } };
	for (size_t at = 0; at < 130; at += 13) {
		for (size_t w = 0; w < sizeof(wrong) / sizeof(*wrong); w++) {
			CHECK_EQ(quire_page_alloc_bulk(rig.q, QUIRE_GFP_KERNEL, 130, pages), 130);
			struct quire_page *right = pages[at];

			pages[at] = wrong[w].page;
			CHECK_EQ(quire_page_free_bulk(rig.q, 130, pages, &done), wrong[w].outcome);
			CHECK_EQ(done, at);
			pages[at] = right;
			CHECK_EQ(quire_page_free_bulk(rig.q, 130 - at, pages + at, &done),
				 QUIRE_FREE_OK);
		}
		CHECK_EQ(quire_page_alloc_bulk(rig.q, QUIRE_GFP_KERNEL, 130, pages), 130);
		CHECK_EQ(quire_page_get(rig.q, pages[at]), 0);
		CHECK_EQ(quire_page_free_bulk(rig.q, 130, pages, &done), QUIRE_FREE_REFERENCED);
		CHECK_EQ(done, at);
		CHECK_EQ(quire_page_count(pages[at]), 2);
		CHECK_EQ(quire_page_put(rig.q, pages[at]), QUIRE_FREE_OK);
		struct quire_page *last = pages[129];
		if (at)
			pages[129] = pages[0]; /* freed a moment before */
		CHECK_EQ(quire_page_free_bulk(rig.q, 130 - at, pages + at, &done),
			 at ? QUIRE_FREE_DOUBLE : QUIRE_FREE_OK);
		CHECK_EQ(done, at ? 129 - at : 130);
		if (at)
			CHECK_EQ(quire_page_free(rig.q, last, 0), QUIRE_FREE_OK);
		CHECK_EQ(rig_free(&rig), 16384 - 8);
		rig_sound(&rig);
	}
	CHECK_EQ(quire_page_free(rig.q, block, 3), QUIRE_FREE_OK);
	rig_end(&rig);
}

TEST(bulk_wrong)
{
	bulk_wrong(false);
	bulk_wrong(true);
}

/* Frames that were written come back as zeros, and only if asked for. */
TEST(zeroed)
{
	struct rig rig;

	if (!rig_start(&rig, MB(16)))
		return;
	for (uint64_t pfn = 0; pfn < 4096; pfn++)
		memset(quire_hosted_frame(&rig.host, quire_pfn(pfn)), 0xa5, QUIRE_PAGE_SIZE);
	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
		uint64_t before = rig.host.zeroed;
		struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, order);

		CHECK_EQ(rig.host.zeroed, before);
		for (uint64_t n = 0; n < 1u << order; n++)
			CHECK_EQ(*(unsigned char *)quire_hosted_frame(
					 &rig.host, quire_pfn(rig_pfn(&rig, page) + n)),
				 0xa5);
		CHECK_EQ(quire_page_free(rig.q, page, order), QUIRE_FREE_OK);
		page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL | QUIRE_GFP_ZERO, order);
		CHECK_EQ(rig.host.zeroed, before + (1u << order));
		for (uint64_t n = 0; n < 1u << order; n++) {
			unsigned char *at = quire_hosted_frame(&rig.host,
							       quire_pfn(rig_pfn(&rig, page) + n));
			unsigned sum = 0;

			for (unsigned i = 0; i < QUIRE_PAGE_SIZE; i++)
				sum += at[i];
			CHECK_EQ(sum, 0);
			memset(at, 0xa5, QUIRE_PAGE_SIZE);
		}
		CHECK_EQ(quire_page_free(rig.q, page, order), QUIRE_FREE_OK);
	}
	CHECK_EQ(quire_page_alloc_bulk(rig.q, QUIRE_GFP_KERNEL | QUIRE_GFP_ZERO, 100, pages), 100);
	for (size_t i = 0; i < 100; i++)
		CHECK_EQ(*(unsigned char *)quire_hosted_frame(&rig.host,
							      quire_page_pfn(rig.q, pages[i])),
			 0);
	CHECK_EQ(quire_page_free_bulk(rig.q, 100, pages, NULL), QUIRE_FREE_OK);
	rig_end(&rig);
}

/* Memory that the processor can't touch: no zeros to be had, and nothing lost in trying. */
TEST(zeroed_refused)
{
	struct rig rig;

	if (!rig_start(&rig, MB(64)))
		return;
	rig.host.untouchable = true;
	uint64_t all = rig_free(&rig);

	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
		struct quire_zone_stat before = rig_stat(&rig, QUIRE_ZONE_DMA32);

		CHECK(!quire_page_alloc(rig.q, QUIRE_GFP_KERNEL | QUIRE_GFP_ZERO, order));
		CHECK(!quire_page_alloc_exact(rig.q, QUIRE_GFP_KERNEL | QUIRE_GFP_ZERO,
					      4096u << order));
		CHECK_EQ(rig_free(&rig), all);
		struct quire_zone_stat after = rig_stat(&rig, QUIRE_ZONE_DMA32);

		CHECK_EQ(after.events[QUIRE_EVENT_ALLOC] - before.events[QUIRE_EVENT_ALLOC],
			 after.events[QUIRE_EVENT_FREE] - before.events[QUIRE_EVENT_FREE]);
		rig_sound(&rig);
		struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, order);

		CHECK(page && quire_page_free(rig.q, page, order) == QUIRE_FREE_OK);
	}
	CHECK_EQ(quire_page_alloc_bulk(rig.q, QUIRE_GFP_KERNEL | QUIRE_GFP_ZERO, 9, pages), 0);
	CHECK_EQ(rig.host.zeroed, 0);
	CHECK_EQ(rig.host.nr_ram, 0);
	rig_end(&rig);
}

/* Events count frames: what was allocated less what was freed is what is in use. */
TEST(events)
{
	struct rig rig;

	if (!rig_start(&rig, MB(64)))
		return;
	uint64_t allocs = 0, frees = 0;

	for (unsigned i = 0; i < 1000; i++) {
		unsigned order = i % 11;

		quire_hosted_cpu(i & 1);
		pages[0] = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, order);
		allocs += 1u << order;
		size_t nr = quire_page_alloc_bulk(rig.q, QUIRE_GFP_KERNEL, i % 100, pages + 1);
		allocs += nr;
		if (i % 7 == 0)
			quire_page_drain(rig.q);
		quire_hosted_cpu(i >> 1 & 1);
		quire_page_free(rig.q, pages[0], order);
		frees += 1u << order;
		quire_page_free_bulk(rig.q, nr, pages + 1, NULL);
		frees += nr;
		struct quire_zone_stat stat = rig_stat(&rig, QUIRE_ZONE_DMA32);

		CHECK_EQ(stat.events[QUIRE_EVENT_ALLOC], allocs);
		CHECK_EQ(stat.events[QUIRE_EVENT_FREE], frees);
	}
	rig_end(&rig);
}

TEST_MAIN(CASE(orders), CASE(private_word), CASE(take_all), CASE(references),
	  CASE(references_overflow), CASE(compound), CASE(split), CASE(exact), CASE(bulk),
	  CASE(bulk_wrong), CASE(zeroed), CASE(zeroed_refused), CASE(events))
