/* SPDX-License-Identifier: MIT */
/*
 * test_check.c - quire_check finds each rule of src/phys/README.md broken
 *
 * Each test breaks one invariant from inside and expects its number. What broke it is
 * undone, so that teardown works.
 */
#include <quire/boot.h>
#include <quire/page.h>

#include "hosted.h"
#include "phys/machine.h"
#include "test.h"

static struct quire_hosted host;

static struct quire *machine(bool no_pcp)
{
	struct quire_config config;
	struct quire *q = NULL;

	host = (struct quire_hosted){ 0 };
	quire_config_init(&config, QUIRE_X86_64);
	config.host = &host;
	config.firmware = false;
	config.no_pcp = no_pcp;
	if (quire_create(&config, &q) ||
	    quire_memblock_add(q, quire_phys(0), quire_phys(32 << 20)) || quire_boot_zones(q))
		abort();
	return q;
}

static void finish(struct quire *q)
{
	struct quire_violation v;

	if (!quire_check(q, &v))
		printf("%s: %s (%llu)\n", v.rule, v.text, (unsigned long long)v.where);
	CHECK(quire_check(q, NULL));
	quire_destroy(q);
	CHECK_EQ(host.live_bytes, 0);
}

static const char *broken(struct quire *q)
{
	struct quire_violation v;

	return quire_check(q, &v) ? "nothing" : v.rule;
}

/* The block of the frame, and the frame's record. */
static struct block *block_of(struct quire *q, const struct quire_page *page)
{
	return &q->blocks[frames_index(&q->frames, page) >> BLOCK_ORDER];
}

/* PHYS-1 */
TEST(phys_1_blocks_start_at_a_multiple_of_their_size)
{
	struct quire *q = machine(true);
	struct quire_page *page = quire_page_alloc(q, QUIRE_GFP_KERNEL, 1);
	uint32_t word = page->word;

	page[1].word = word; /* order 1 at an odd frame: PHYS-1, or an overlap before it */
	page[0].word = 0;
	CHECK_STR(broken(q), "PHYS-1");
	page[1].word = 0;
	page[0].word = word;
	quire_page_free(q, page, 1);
	finish(q);
}

/* PHYS-2 */
TEST(phys_2_nr_free_counts_the_pieces)
{
	struct quire *q = machine(true);
	struct quire_page *page = quire_page_alloc(q, QUIRE_GFP_KERNEL, 0);
	struct block *block = block_of(q, page);

	block->nr_free++;
	CHECK_STR(broken(q), "PHYS-2");
	block->nr_free--;
	quire_page_free(q, page, 0);
	finish(q);
}

/* PHYS-3 */
TEST(phys_3_largest_is_the_largest_piece)
{
	struct quire *q = machine(true);
	struct quire_page *page = quire_page_alloc(q, QUIRE_GFP_KERNEL, 0);
	struct block *block = block_of(q, page);

	block->largest--;
	CHECK_STR(broken(q), "PHYS-3");
	block->largest++;
	quire_page_free(q, page, 0);
	finish(q);
}

/* PHYS-4 */
TEST(phys_4_whole_blocks_have_no_pair_bit)
{
	struct quire *q = machine(true);
	struct block *block = &q->blocks[2];

	CHECK_EQ(block->largest, LARGEST_LOWER);
	block->part[1].pair = 1;
	CHECK_STR(broken(q), "PHYS-4");
	block->part[1].pair = 0;
	block[1].largest = LARGEST_WHOLE;
	CHECK_STR(broken(q), "PHYS-4");
	block[1].largest = LARGEST_UPPER;
	finish(q);
}

/* PHYS-5 */
TEST(phys_5_a_free_frame_has_word_0)
{
	struct quire *q = machine(true);
	struct quire_page *page = quire_pfn_page(q, quire_pfn(4096));

	page->word = COUNT_ONE | HEAD_USED;
	CHECK_STR(broken(q), "PHYS-5");
	page->word = COUNT_ONE;
	CHECK_STR(broken(q), "PHYS-5");
	page->word = HEAD_RESERVED;
	CHECK_STR(broken(q), "PHYS-5");
	page->word = 0;
	finish(q);
}

/* PHYS-6 */
TEST(phys_6_blocks_are_on_their_list)
{
	struct quire *q = machine(true);
	struct zone *zone = &q->zones[QUIRE_ZONE_DMA];
	struct free_area *area = &zone->area[AREA(QUIRE_MIGRATE_MOVABLE, QUIRE_ORDER_MAX)];
	uint32_t head = area->head[0];

	area->head[0] = q->blocks[head].next; /* one lost */
	CHECK_STR(broken(q), "PHYS-6");
	area->head[0] = head;
	area->mask |= 2;
	CHECK_STR(broken(q), "PHYS-6");
	area->mask &= ~2u;
	zone->orders[QUIRE_MIGRATE_MOVABLE] ^= 1;
	CHECK_STR(broken(q), "PHYS-6");
	zone->orders[QUIRE_MIGRATE_MOVABLE] ^= 1;
	q->blocks[head].slot++;
	CHECK_STR(broken(q), "PHYS-6");
	q->blocks[head].slot--;
	finish(q);
}

/* PHYS-7 */
TEST(phys_7_loose_frames_are_on_one_list)
{
	struct quire *q = machine(false);
	struct quire_page *page = quire_page_alloc(q, QUIRE_GFP_KERNEL, 0);
	struct pcp *pcp = q->pcp[block_of(q, page)->lists];
	struct quire_page *last = pcp->frame[pcp->count - 1];

	CHECK(pcp->count > 1);
	pcp->count--; /* a frame that nobody has */
	CHECK_STR(broken(q), "PHYS-7");
	pcp->count++;
	pcp->frame[pcp->count - 1] = page; /* an allocated frame on a list */
	CHECK_STR(broken(q), "PHYS-7");
	pcp->frame[pcp->count - 1] = last;
	block_of(q, page)->claimed = false;
	CHECK_STR(broken(q), "PHYS-6"); /* not claimed and on no list */
	block_of(q, page)->claimed = true;
	quire_page_free(q, page, 0);
	finish(q);
}

/* PHYS-8 */
TEST(phys_8_counts_are_sums)
{
	struct quire *q = machine(true);
	struct zone *zone = &q->zones[QUIRE_ZONE_DMA];

	zone->nr_free[1]++;
	CHECK_STR(broken(q), "PHYS-8");
	zone->nr_free[1]--;
	zone->nr_free[0]--;
	CHECK_STR(broken(q), "PHYS-8");
	zone->nr_free[0]++;
	zone->managed--;
	CHECK_STR(broken(q), "PHYS-8");
	zone->managed++;
	finish(q);
}

/* PHYS-9 */
TEST(phys_9_free_buddies_are_joined)
{
	struct quire *q = machine(true);
	struct block *lower = &q->blocks[2];

	lower[0].largest = lower[1].largest = LARGEST_WHOLE;
	CHECK_STR(broken(q), "PHYS-9");
	lower[0].largest = LARGEST_LOWER;
	lower[1].largest = LARGEST_UPPER;
	finish(q);
}

/* PHYS-10 */
TEST(phys_10_limits_are_ordered)
{
	struct quire *q = machine(true);
	struct zone *zone = &q->zones[QUIRE_ZONE_DMA];
	uint64_t present = zone->present;

	zone->present = zone->managed - 1;
	CHECK_STR(broken(q), "PHYS-10");
	zone->present = present;
	zone->wmark[QUIRE_WMARK_MIN] += 1u << 20;
	CHECK_STR(broken(q), "PHYS-10");
	zone->wmark[QUIRE_WMARK_MIN] -= 1u << 20;
	finish(q);
}

/* PHYS-11 */
TEST(phys_11_allocated_blocks_have_references_and_do_not_overlap)
{
	struct quire *q = machine(true);
	struct quire_page *page = quire_page_alloc(q, QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_COMP, 2);
	uint32_t head = page->word, tail = page[3].word;

	page->word = head - COUNT_ONE;
	CHECK_STR(broken(q), "PHYS-11");
	page->word = head;
	page[3].word = 0;
	CHECK_STR(broken(q), "PHYS-11");
	page[3].word = tail;
	quire_page_free(q, page, 2);
	finish(q);
}

/* PHYS-12 */
TEST(phys_12_an_owned_block_says_whose_it_is)
{
	struct quire *q = machine(true);
	struct quire_page *page = quire_page_alloc(q, QUIRE_GFP_KERNEL, 1);

	frames_own(page, QUIRE_OWNER_TABLE);
	CHECK(quire_check(q, NULL));
	CHECK_EQ(quire_page_free(q, page, 1), QUIRE_FREE_OWNED);
	CHECK_EQ(quire_page_put(q, page), QUIRE_FREE_OWNED);
	CHECK_EQ(quire_page_split(q, page), -QUIRE_EBUSY);
	page->owner = QUIRE_OWNER_NONE;
	CHECK_STR(broken(q), "PHYS-12");
	page->owner = QUIRE_OWNER_TABLE;
	frames_disown(page);
	page->owner = QUIRE_OWNER_SLAB;
	CHECK_STR(broken(q), "PHYS-12");
	page->owner = QUIRE_OWNER_NONE;
	quire_page_free(q, page, 1);
	page->owner = QUIRE_OWNER_SLAB;
	CHECK_STR(broken(q), "PHYS-12");
	page->owner = QUIRE_OWNER_NONE;
	finish(q);
}

/* BOOT-8: a boot that fails takes its reservations back, and can be tried again. */
TEST(boot_8_a_failed_boot_leaves_memblock_as_it_was)
{
	struct quire_config config;
	struct quire_range before[8], range;
	struct quire *q = NULL;
	size_t nr = 0;

	host = (struct quire_hosted){ 0 };
	quire_config_init(&config, QUIRE_X86_64);
	config.host = &host;
	CHECK_EQ(quire_create(&config, &q), 0);
	CHECK_EQ(quire_memblock_add(q, quire_phys(1 << 20), quire_phys(64 << 20)), 0);
	CHECK_EQ(quire_memblock_reserve(q, quire_phys(2 << 20), quire_phys(3 << 20),
					QUIRE_RESERVE_KERNEL), 0);
	while (quire_memblock_get(q, QUIRE_MEMBLOCK_RESERVED, nr, &range))
		before[nr++] = range;
	for (uint64_t n = 1;; n++) {
		host.fail_at = host.nr_allocs + n;
		int error = quire_boot_zones(q);
		if (!error)
			break;
		CHECK_EQ(error, -QUIRE_ENOMEM);
		size_t i = 0;
		for (; quire_memblock_get(q, QUIRE_MEMBLOCK_RESERVED, i, &range); i++)
			CHECK(i < nr && range.start == before[i].start &&
			      range.end == before[i].end);
		CHECK_EQ(i, nr);
	}
	finish(q);
}

/* BOOT-9: a section in two zones is there twice, and each pfn is found in its zone. */
TEST(boot_9_a_straddled_section_is_numbered_once_a_zone)
{
	struct quire_config config;
	struct quire *q = NULL;

	host = (struct quire_hosted){ 0 };
	quire_config_init(&config, QUIRE_I386);
	config.host = &host;
	config.lowmem_bytes = 0x36bfe000;
	CHECK_EQ(quire_create(&config, &q), 0);
	CHECK_EQ(quire_memblock_add(q, quire_phys(0x36800000), quire_phys(0x37000000)), 0);
	CHECK_EQ(quire_boot_zones(q), 0);
	CHECK_EQ(q->frames.nr_sections, 3);
	for (uint64_t pfn = 0x36800; pfn < 0x37000; pfn++) {
		struct quire_page *page = quire_pfn_page(q, quire_pfn(pfn));

		CHECK(page && quire_page_pfn(q, page).v == pfn);
		CHECK_EQ(quire_page_zone(q, page),
			 pfn < 0x36bfe ? QUIRE_ZONE_NORMAL : QUIRE_ZONE_HIGHMEM);
	}
	finish(q);
}

TEST_MAIN(CASE(phys_1_blocks_start_at_a_multiple_of_their_size),
	  CASE(phys_2_nr_free_counts_the_pieces), CASE(phys_3_largest_is_the_largest_piece),
	  CASE(phys_4_whole_blocks_have_no_pair_bit), CASE(phys_5_a_free_frame_has_word_0),
	  CASE(phys_6_blocks_are_on_their_list), CASE(phys_7_loose_frames_are_on_one_list),
	  CASE(phys_8_counts_are_sums), CASE(phys_9_free_buddies_are_joined),
	  CASE(phys_10_limits_are_ordered),
	  CASE(phys_11_allocated_blocks_have_references_and_do_not_overlap),
	  CASE(phys_12_an_owned_block_says_whose_it_is),
	  CASE(boot_8_a_failed_boot_leaves_memblock_as_it_was),
	  CASE(boot_9_a_straddled_section_is_numbered_once_a_zone))
