/* SPDX-License-Identifier: MIT */
/* test_format.c - the small printf against the host's, on random formats and numbers */
#include <quire/format.h>

#include <limits.h>

#include "test.h"

#define ROUNDS 40000
#define SIZE 400

/* The formats are made at run time: that is what is tested. */
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-zero-length"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wformat-overflow"
#pragma GCC diagnostic ignored "-Wformat-truncation"
#endif

/* Formats with both and compares text, returned length, and truncation to @size. */
#define SAME(size, ...)                                                                            \
	do {                                                                                       \
		char ours[SIZE], theirs[SIZE];                                                     \
		memset(ours, '~', sizeof(ours));                                                   \
		memset(theirs, '~', sizeof(theirs));                                               \
		size_t a = quire_format_buffer(ours, size, __VA_ARGS__);                           \
		int b = snprintf(theirs, size, __VA_ARGS__);                                       \
		if (a != (size_t)b || memcmp(ours, theirs, sizeof(ours)) != 0) {                   \
			test_failures++;                                                           \
			printf("%s:%d: ours \"%.*s\" (%zu), the host's \"%.*s\" (%d)\n", __FILE__, \
			       __LINE__, SIZE, ours, a, SIZE, theirs, b);                          \
		}                                                                                  \
	} while (0)

/* Numbers near the powers of two and of ten are where digits go wrong. */
static uint64_t random_number(uint64_t *state)
{
	uint64_t r = test_random(state), v = test_random(state) >> (r & 63);

	switch (r >> 6 & 3) {
	case 0:
		return v;
	case 1:
		return ((uint64_t)1 << (r >> 8 & 63)) - (r >> 16 & 1);
	case 2: {
		uint64_t ten = 1;
		for (unsigned i = 0; i < (r >> 8) % 20; i++)
			ten *= 10;
		return ten - (r >> 16 & 1);
	}
	default:
		return 0 - v;
	}
}

static void random_spec(uint64_t *state, char *out, bool zero)
{
	uint64_t r = test_random(state);

	*out++ = '%';
	if (r & 1)
		*out++ = '-';
	if (zero && (r & 2))
		*out++ = '0';
	if (r & 4)
		out += sprintf(out, "%u", (unsigned)(r >> 16) % 45);
	if (r & 8)
		out += sprintf(out, ".%u", (unsigned)(r >> 32) % 30);
	*out = 0;
}

TEST(numbers)
{
	static const char *const lengths[] = { "", "l", "ll", "z", "j" };
	uint64_t state = 1;

	for (int i = 0; i < ROUNDS; i++) {
		char fmt[64], spec[32];
		uint64_t v = random_number(&state), r = test_random(&state);
		unsigned length = (unsigned)(r % 5);
		size_t size = (r >> 8) % 4 ? 200 : (r >> 16) % 12;

		random_spec(&state, spec, true);
		snprintf(fmt, sizeof(fmt), "<%s%s%c>", spec, lengths[length],
			 "diuxX"[(r >> 4) % 5]);
		switch (length) {
		case 0:
			SAME(size, fmt, (unsigned)v);
			break;
		case 1:
			SAME(size, fmt, (unsigned long)v);
			break;
		case 2:
			SAME(size, fmt, (unsigned long long)v);
			break;
		case 3:
			SAME(size, fmt, (size_t)v);
			break;
		default:
			SAME(size, fmt, (uintmax_t)v);
			break;
		}
		if (test_failures > 5)
			return;
	}
}

TEST(strings)
{
	static const char *const texts[] = { "", "a", "Normal", "a string of thirty characters!" };
	uint64_t state = 2;

	for (int i = 0; i < ROUNDS / 4; i++) {
		char fmt[64], spec[32];
		uint64_t r = test_random(&state);

		random_spec(&state, spec, false);
		snprintf(fmt, sizeof(fmt), "%ss|%%c|%%%%|%%%ds", spec, (int)(r % 60) - 30);
		SAME((r >> 8) % 3 ? 300 : (r >> 16) % 20, fmt, texts[r >> 60 & 3],
		     (int)(33 + (r >> 24) % 90), texts[r >> 58 & 3]);
	}
}

TEST(stars)
{
	for (int width = -30; width <= 30; width++) {
		for (int precision = -3; precision < 25; precision++) {
			SAME(300, "<%*.*d>", width, precision, -42);
			SAME(300, "<%0*.*lx>", width, precision, 0xbeefUL);
			SAME(300, "<%*.*s>", width, precision, "Movable");
			SAME(300, "<%*c%*d>", width, 'x', width, 7);
		}
	}
}

TEST(limits)
{
	SAME(300, "%d %d %d", INT_MIN, INT_MAX, 0);
	SAME(300, "%ld %ld %lu", LONG_MIN, LONG_MAX, ULONG_MAX);
	SAME(300, "%lld %lld %llu", LLONG_MIN, LLONG_MAX, ULLONG_MAX);
	SAME(300, "%jd %ju %zu", INTMAX_MIN, UINTMAX_MAX, SIZE_MAX);
	SAME(300, "%.0d|%.0u|%5.0x|", 0, 0u, 0u);
	SAME(300, "%s", "");
	SAME(300, "");
	SAME(300, "no conversion, 100%%");
	SAME(0, "abc%d", 1);
	SAME(1, "abc%d", 1);
	CHECK_EQ(quire_format_buffer(NULL, 0, "%5d", 3), 5);
}

/* No byte beyond the precision of a string is read: it need not have an end. */
TEST(unended)
{
	char text[4] = { 'a', 'b', 'c', 'd' }, out[16];

	CHECK_EQ(quire_format_buffer(out, sizeof(out), "%.4s", text), 4);
	CHECK_STR(out, "abcd");
}

/* What is not a conversion is shown, not obeyed. */
TEST(foreign)
{
	const char *fmt = "%q %5.2f %d"; /* a variable: the compiler would warn, rightly */
	char out[40];

	quire_format_buffer(out, sizeof(out), fmt, 12);
	CHECK_STR(out, "%q %5.2f 12");
	fmt = "50%";
	quire_format_buffer(out, sizeof(out), fmt);
	CHECK_STR(out, "50%");
	quire_format_buffer(out, sizeof(out), "%s", (const char *)NULL);
	CHECK_STR(out, "(null)");
}

static void count_write(void *ctx, const char *text, size_t length)
{
	size_t *counts = ctx;

	(void)text;
	CHECK(length > 0);
	counts[0]++;
	counts[1] += length;
}

/* A wide field goes out in pieces; no piece is empty. */
TEST(sink)
{
	size_t counts[2] = { 0, 0 };
	const struct quire_sink sink = { .write = count_write, .ctx = counts };

	quire_format(&sink, "a%100000dz%s", 7, "");
	CHECK_EQ(counts[1], 100002);
	CHECK(counts[0] > 2);
}

TEST_MAIN(CASE(numbers), CASE(strings), CASE(stars), CASE(limits), CASE(unended), CASE(foreign),
	  CASE(sink))
