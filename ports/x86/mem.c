/* SPDX-License-Identifier: MIT */
/*
 * mem.c - what every C compiler may call, by the processor's string instructions
 *
 * The library brings its own, hidden; these are for the rest of an image.
 */
#include <stddef.h>
#include <stdint.h>

void *memset(void *to, int c, size_t n);
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#define WORD sizeof(uintptr_t)
#ifdef __x86_64__
#define STOS "rep stosq"
#define MOVS "rep movsq"
#else
#define STOS "rep stosl"
#define MOVS "rep movsl"
#endif

void *memset(void *to, int c, size_t n)
{
	uintptr_t word = UINTPTR_MAX / 255 * (unsigned char)c;
	size_t words = n / WORD, rest = n % WORD;
	void *p = to;

	__asm__ volatile(STOS : "+D"(p), "+c"(words) : "a"(word) : "memory");
	__asm__ volatile("rep stosb" : "+D"(p), "+c"(rest) : "a"(word) : "memory");
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	size_t words = n / WORD, rest = n % WORD;
	void *p = to;

	__asm__ volatile(MOVS : "+D"(p), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(p), "+S"(from), "+c"(rest) : : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if ((uintptr_t)t - (uintptr_t)f >= n) /* ascending overwrites nothing still to come */
		return memcpy(to, from, n);
	while (n--)
		t[n] = f[n];
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n; n--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}
