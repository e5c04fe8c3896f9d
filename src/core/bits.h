/* SPDX-License-Identifier: MIT */
/*
 * bits.h - find and count bits
 */
#ifndef CORE_BITS_H
#define CORE_BITS_H

#include <stdint.h>

/** bits_first - number of the lowest bit set; @x is not 0 */
static inline unsigned bits_first(uint64_t x)
{
	return (unsigned)__builtin_ctzll(x);
}

/** bits_last - number of the highest bit set; @x is not 0 */
static inline unsigned bits_last(uint64_t x)
{
	return 63 - (unsigned)__builtin_clzll(x);
}

/** bits_first32 - bits_first for 32 bits */
static inline unsigned bits_first32(uint32_t x)
{
	return (unsigned)__builtin_ctz(x);
}

/** bits_last32 - bits_last for 32 bits */
static inline unsigned bits_last32(uint32_t x)
{
	return 31 - (unsigned)__builtin_clz(x);
}

/** bits_count - how many bits are set */
static inline unsigned bits_count(uint64_t x)
{
	x -= (x >> 1) & 0x5555555555555555u;
	x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
	return (unsigned)((((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u) >> 56);
}

#endif
