/* SPDX-License-Identifier: MIT */
/*
 * test_block.c - the pair trees of one block against the textbook
 *
 * The model has a bitmap for each order, flips one bit at a time, and knows
 * each free piece by its first frame.
 */
#include "test.h"

#include "phys/block.h"

#define OPS 100000

static struct block block;
static bool book[BLOCK_ORDER][BLOCK_FRAMES]; /* by order: the pair bits */
static int piece[BLOCK_FRAMES];              /* order of the free piece that starts there; -1 */
static int used[BLOCK_FRAMES];               /* likewise, of the piece taken */

static void start(void)
{
	memset(&block, 0, sizeof(block));
	memset(book, 0, sizeof(book));
	for (uint32_t f = 0; f < BLOCK_FRAMES; f++)
		piece[f] = used[f] = -1;
	piece[0] = LARGEST_WHOLE;
	block.largest = LARGEST_WHOLE;
	block.nr_free = BLOCK_FRAMES;
}

/* The order of the smallest free piece of @order or more; -1 if there is none. */
static int model_smallest(int order)
{
	int best = LARGEST_UPPER;

	for (uint32_t f = 0; f < BLOCK_FRAMES; f++) {
		if (piece[f] >= order && piece[f] < best)
			best = piece[f];
	}
	return best < LARGEST_UPPER ? best : -1;
}

static void model_take(uint32_t f, int order)
{
	int o = piece[f];

	if (o < BLOCK_ORDER)
		book[o][f >> (o + 1)] ^= 1;
	piece[f] = -1;
	while (o-- > order) {
		book[o][f >> (o + 1)] ^= 1;
		piece[f + (1u << o)] = o;
	}
	used[f] = order;
}

static void model_free(uint32_t f, int order)
{
	used[f] = -1;
	for (; order < BLOCK_ORDER; order++) {
		if (book[order][f >> (order + 1)] ^= 1)
			break;
		piece[f ^ (1u << order)] = -1;
		f &= ~(1u << order);
	}
	piece[f] = order;
}

static void block_is_model(void)
{
	unsigned nr[BLOCK_ORDER + 1] = { 0 }, bits = 0;
	int largest = LARGEST_NONE, holds = -1;
	uint32_t end = 0, nr_free = 0;

	for (uint32_t f = 0; f < BLOCK_FRAMES; f++) {
		if (piece[f] >= 0) {
			holds = piece[f];
			end = f + (1u << holds);
			nr_free += 1u << holds;
			nr[holds]++;
			largest = holds > largest ? holds : largest;
		}
		CHECK_EQ(block_piece(&block, f), f < end ? holds : -1);
		for (int order = 0; order < BLOCK_ORDER; order++)
			bits += block_pair(&block, f, order) != book[order][f >> (order + 1)];
	}
	CHECK_EQ(bits, 0u);
	for (int order = 0; order < BLOCK_ORDER; order++)
		CHECK_EQ(block_nr_pieces(&block, order), nr[order]);
	CHECK_EQ(block.largest, largest);
	CHECK_EQ(block.nr_free, nr_free);
	if (largest < LARGEST_WHOLE)
		CHECK_EQ(block_largest(&block), largest);
}

static void take(int order, bool smallest)
{
	int found = model_smallest(smallest ? 0 : order);
	uint32_t f;

	if (found < 0)
		return;
	if (smallest) {
		int most = order;

		order = most < found ? most : found;
		CHECK_EQ(block_take_smallest(&block, most, &f), order);
	} else {
		f = block_take(&block, order);
	}
	CHECK(f < BLOCK_FRAMES);
	CHECK_EQ(piece[f], found);
	model_take(f, order);
}

static void give(uint32_t f)
{
	int order = used[f], before = block.largest;
	uint64_t reach = order ? block_free(&block, f, order) : block_free_frame(&block, f);
	bool grown = block_grows(&block, reach) && block_grow(&block, f, order, reach);

	model_free(f, order);
	CHECK_EQ(grown, block.largest != before);
}

/* Every tree, every leaf: filled with pieces of one order, freed in an order that mixes all. */
TEST(block_of_pieces_of_one_order)
{
	for (int order = 0; order < BLOCK_ORDER; order++) {
		uint32_t nr = BLOCK_FRAMES >> order;

		start();
		for (uint32_t n = 0; n < nr; n++)
			take(order, false);
		CHECK_EQ(block.largest, LARGEST_NONE);
		for (uint32_t n = 0; n < nr; n++) {
			give(n * 167 % nr << order);
			block_is_model();
		}
		CHECK_EQ(block.largest, LARGEST_WHOLE);
	}
}

TEST(block_random)
{
	uint64_t seed = 88172645463325252u;

	start();
	for (unsigned n = 0; n < OPS; n++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		unsigned r = (unsigned)(seed >> 20);
		/* 2,000 operations at a time that rather fill it, or rather empty it */
		bool fill = n / 2000 % 2 ? r % 3 : !(r % 3);
		uint32_t f = r >> 8 & (BLOCK_FRAMES - 1);

		if (fill)
			take(r >> 4 & 1 ? 0 : (int)(r >> 8 & 0xffff) % BLOCK_ORDER, r >> 3 & 1);
		else if (used[f] >= 0)
			give(f);
		if (n % 16 == 0)
			block_is_model();
	}
}

TEST(block_taken_as_a_whole)
{
	start();
	take(QUIRE_ORDER_MAX, true);
	block_is_model();
	CHECK_EQ(block.largest, LARGEST_NONE);
}

TEST_MAIN(CASE(block_of_pieces_of_one_order), CASE(block_random), CASE(block_taken_as_a_whole))
