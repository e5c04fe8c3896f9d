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

/* A machine's word of any object; frames are copied in these. */
typedef uintptr_t __attribute__((may_alias)) word_t;
#define WORD sizeof(word_t)

WEAK void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if (!(((uintptr_t)t | (uintptr_t)f) % WORD)) {
		for (; n >= 4 * WORD; n -= 4 * WORD, t += 4 * WORD, f += 4 * WORD) {
			word_t *x = (word_t *)(void *)t;
			const word_t *y = (const word_t *)(const void *)f;

			x[0] = y[0];
			x[1] = y[1];
			x[2] = y[2];
			x[3] = y[3];
		}
	}
	while (n--)
		*t++ = *f++;
	return to;
}

WEAK void *memmove(void *to, const void *from, size_t n)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if (t <= f)
		return memcpy(to, from, n);
	while (n--)
		t[n] = f[n];
	return to;
}

WEAK void *memset(void *to, int c, size_t n)
{
	unsigned char *t = to;
	word_t value = (word_t)-1 / 255 * (unsigned char)c;

	if (!((uintptr_t)t % WORD)) {
		for (; n >= 4 * WORD; n -= 4 * WORD, t += 4 * WORD) {
			word_t *x = (word_t *)(void *)t;

			x[0] = x[1] = x[2] = x[3] = value;
		}
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
