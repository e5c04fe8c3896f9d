/* SPDX-License-Identifier: MIT */
/*
 * test_places.c - recorded addresses, against an array with an entry for each page
 */
#include "places.h"

#include "../test.h"

#define PAGES 256
#define STEPS 20000

static uint64_t model[PAGES]; /* where it lies; 0: nowhere */

static void compare(struct places *p)
{
	for (size_t i = 0; i < p->nr; i++) {
		CHECK(p->place[i].start < p->place[i].end);
		CHECK(!i || p->place[i - 1].end <= p->place[i].start);
	}
	for (uint64_t page = 0; page < PAGES; page++) {
		const struct place *place = places_find(p, page);
		uint64_t at = place && place->start <= page ? place->at + page - place->start : 0;

		CHECK_EQ(at, model[page]);
	}
}

TEST(model_agrees)
{
	uint64_t seed = 4711;
	struct places p = { 0 }, copy = { 0 };

	for (int step = 0; step < STEPS && !test_failures; step++) {
		uint64_t start = test_random(&seed) % PAGES;
		uint64_t end = start + 1 + test_random(&seed) % 16;
		uint64_t at = test_random(&seed) % 2 ? 1000 + test_random(&seed) % 1000 : 0;

		end = end > PAGES ? PAGES : end;
		CHECK_EQ(at ? places_set(&p, start, end, at) : places_clear(&p, start, end), 0);
		for (uint64_t page = start; page < end; page++)
			model[page] = at ? at + page - start : 0;
		if (step % 16 == 0)
			compare(&p);
	}
	CHECK_EQ(places_copy(&copy, &p), 0);
	places_done(&p);
	compare(&copy);
	places_done(&copy);
}

TEST(nothing)
{
	struct places p = { 0 };

	CHECK(!places_find(&p, 0));
	CHECK_EQ(places_clear(&p, 0, 10), 0);
	CHECK(!places_find(&p, 0));
	places_done(&p);
}

TEST_MAIN(CASE(model_agrees), CASE(nothing))
