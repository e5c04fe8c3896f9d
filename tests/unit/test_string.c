/* SPDX-License-Identifier: MIT */
/*
 * test_string.c - the library's own memcpy, memmove, memset and memcmp, against bytes one by one
 *
 * Compiled in under other names: in a process the C library's stand in for them.
 */
#include "test.h"

#define memcpy own_memcpy
#define memmove own_memmove
#define memset own_memset
#define memcmp own_memcmp
#include "../../src/core/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp

#define BYTES 200

static unsigned char buf[BYTES], model[BYTES];

static void fill(uint64_t *seed)
{
	for (int i = 0; i < BYTES; i++)
		buf[i] = model[i] = (unsigned char)test_random(seed);
}

/* All distances of source and target, both ways, and sizes. */
TEST(move)
{
	uint64_t seed = 1;

	for (int from = 0; from < 50; from++) {
		for (int to = 0; to < 90; to += 1 + from % 3) {
			size_t n = (size_t)test_random(&seed) % 110;

			fill(&seed);
			for (size_t i = 0; i < n; i++)
				model[(size_t)to + (to > from ? n - 1 - i : i)] =
					model[(size_t)from + (to > from ? n - 1 - i : i)];
			CHECK(own_memmove(buf + to, buf + from, n) == buf + to);
			for (int i = 0; i < BYTES; i++)
				CHECK_EQ(buf[i], model[i]);
		}
	}
}

TEST(copy_and_set)
{
	uint64_t seed = 2;

	for (size_t n = 0; n < 90; n++) {
		size_t at = (size_t)test_random(&seed) % 9;
		size_t to = 100 + (size_t)test_random(&seed) % 9;
		int c = (int)test_random(&seed);

		fill(&seed);
		for (size_t i = 0; i < n; i++)
			model[to + i] = model[at + i];
		CHECK(own_memcpy(buf + to, buf + at, n) == buf + to);
		for (int i = 0; i < BYTES; i++)
			CHECK_EQ(buf[i], model[i]);
		CHECK_EQ(own_memcmp(buf + to, buf + at, n), 0);
		if (n) {
			buf[to + n - 1]++;
			CHECK((own_memcmp(buf + to, buf + at, n) > 0) ==
			      (buf[to + n - 1] > buf[at + n - 1]));
			buf[to + n - 1]--;
		}
		for (size_t i = 0; i < n; i++)
			model[at + i] = (unsigned char)c;
		CHECK(own_memset(buf + at, c, n) == buf + at);
		for (int i = 0; i < BYTES; i++)
			CHECK_EQ(buf[i], model[i]);
	}
}

TEST_MAIN(CASE(move), CASE(copy_and_set))
