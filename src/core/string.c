/* SPDX-License-Identifier: MIT */
/*
 * string.c - the four functions that compilers call on their own
 *
 * A freestanding compiler may turn an assignment into a call of memcpy. These
 * are weak, so that a kernel's own are taken where it links the plain objects;
 * in the finished archive they are local.
 */
#include "core/string.h"

/* Compilers recognise these loops and would turn them into calls of themselves. */
#if defined(__clang__)
#define WEAK __attribute__((weak, no_builtin("memcpy", "memmove", "memset", "memcmp")))
#else
#define WEAK __attribute__((weak, optimize("no-tree-loop-distribute-patterns")))
#endif

WEAK void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	unsigned char *t = to;
	const unsigned char *f = from;

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
