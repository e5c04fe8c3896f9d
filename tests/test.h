/* SPDX-License-Identifier: MIT */
/*
 * test.h - the frame of a test program
 *
 *   TEST(name) { CHECK(cond); CHECK_EQ(a, b); }
 *   TEST_MAIN(CASE(name), …)
 *
 * Prints a line for each failure, and last "N passed, N failed, N skipped".
 * A test that can't run calls SKIP("reason") and returns.
 */
#ifndef QUIRE_TEST_H
#define QUIRE_TEST_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
	const char *name;
	void (*run)(void);
};

static int test_failures; /* of the running test */
static bool test_skipped;

#define TEST(name) static void test_##name(void)
/* clang-format off */
#define CASE(name) { #name, test_##name }
/* clang-format on */

#define CHECK(cond)                                                                   \
	do {                                                                          \
		if (!(cond)) {                                                        \
			test_failures++;                                              \
			printf("%s:%d: CHECK(%s)\n", __FILE__, __LINE__, #cond);      \
		}                                                                     \
	} while (0)

#define CHECK_EQ(a, b)                                                                \
	do {                                                                          \
		long long test_a = (long long)(a), test_b = (long long)(b);           \
		if (test_a != test_b) {                                               \
			test_failures++;                                              \
			printf("%s:%d: %s is %lld, not %s = %lld\n", __FILE__,        \
			       __LINE__, #a, test_a, #b, test_b);                     \
		}                                                                     \
	} while (0)

#define CHECK_STR(a, b)                                                               \
	do {                                                                          \
		const char *test_a = (a), *test_b = (b);                              \
		if (strcmp(test_a, test_b) != 0) {                                    \
			test_failures++;                                              \
			printf("%s:%d: %s is\n%s\nnot\n%s\n", __FILE__, __LINE__, #a, \
			       test_a, test_b);                                       \
		}                                                                     \
	} while (0)

#define SKIP(reason)                                                                  \
	do {                                                                          \
		test_skipped = true;                                                  \
		printf("skipped: %s: %s\n", __func__, reason);                        \
		return;                                                               \
	} while (0)

/* A small generator of our own: the same numbers on every host. */
static inline uint64_t test_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/*
 * TEST_SHARE: other compilers and 32 bits repeat what the build that ships does in full, from the
 * same seeds, with fewer operations. Sanitizers are slow, and each test knows how slow.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SANITIZED 1
#define TEST_SHARE 1
#elif defined(__clang__) || UINTPTR_MAX <= UINT32_MAX
#define TEST_SANITIZED 0
#define TEST_SHARE 4
#else
#define TEST_SANITIZED 0
#define TEST_SHARE 1
#endif

/* How many of @n operations a random test does in this build; fifty times that with QUIRE_LONG. */
static inline unsigned test_times(unsigned n)
{
	unsigned share = (n + TEST_SHARE - 1) / TEST_SHARE;

	return share * (getenv("QUIRE_LONG") ? 50 : 1);
}

static int test_main(const struct test_case *cases, size_t nr, int argc, char **argv)
{
	int passed = 0, failed = 0, skipped = 0;

	for (size_t i = 0; i < nr; i++) {
		if (argc > 1 && !strstr(cases[i].name, argv[1]))
			continue;
		test_failures = 0;
		test_skipped = false;
		cases[i].run();
		if (test_failures)
			printf("FAILED: %s\n", cases[i].name), failed++;
		else if (test_skipped)
			skipped++;
		else
			passed++;
	}
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed ? 1 : 0;
}

#define TEST_MAIN(...)                                                                \
	int main(int argc, char **argv)                                               \
	{                                                                             \
		static const struct test_case cases[] = { __VA_ARGS__ };              \
		return test_main(cases, sizeof(cases) / sizeof(cases[0]), argc, argv); \
	}

#endif
