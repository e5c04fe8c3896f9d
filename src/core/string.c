/* SPDX-License-Identifier: MIT */
/*
 * string.c - the four functions that compilers call on their own
 *
 * A freestanding compiler may turn an assignment into a call of memcpy. These
 * are weak, so that a kernel's own are taken where it links the plain objects;
 * in the finished archive they are local.
 */
#include "core/string.h"

#include <stdint.h>

/* Compilers recognise these loops and would turn them into calls of themselves. */
#if defined(__clang__)
#define WEAK __attribute__((weak, no_builtin("memcpy", "memmove", "memset", "memcmp")))
#else
#define WEAK __attribute__((weak, optimize("no-tree-loop-distribute-patterns")))
#endif

/* Any bytes as words; what the processor can't do unaligned the compiler takes apart. */
typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;

/*
 * Words that are moved at once: all are read before one is written, so a target below its source is
 * fine.
 */
#define UNROLL 4
#define STRIDE (UNROLL * sizeof(word_t))

static inline void copy_up(unsigned char *t, const unsigned char *f, size_t n)
{
	for (; n >= STRIDE; n -= STRIDE, t += STRIDE, f += STRIDE) {
		const word_t *from = (const word_t *)(const void *)f;
		word_t *to = (word_t *)(void *)t;
		uint64_t a = from[0], b = from[1], c = from[2], d = from[3];

		to[0] = a;
		to[1] = b;
		to[2] = c;
		to[3] = d;
	}
	while (n--)
		*t++ = *f++;
}

WEAK void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	copy_up(to, from, n);
	return to;
}

WEAK void *memmove(void *to, const void *from, size_t n)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if (t <= f) {
		copy_up(t, f, n);
		return to;
	}
	while (n--)
		t[n] = f[n];
	return to;
}

WEAK void *memset(void *to, int c, size_t n)
{
	uint64_t word = (unsigned char)c * 0x0101010101010101u;
	unsigned char *t = to;

	for (; n >= STRIDE; n -= STRIDE, t += STRIDE) {
		word_t *words = (word_t *)(void *)t;

		for (int i = 0; i < UNROLL; i++)
			words[i] = word;
	}
	while (n--)
		*t++ = (unsigned char)c;
	return to;
}

WEAK int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n; n--, x++, y++) {
		if (*x != *y)
			return *x < *y ? -1 : 1;
	}
	return 0;
}
