/* SPDX-License-Identifier: MIT */
/*
 * hash.h - FNV-1a over 64-bit words, byte order of the value, not of the host
 *
 * Source: Fowler, Noll, Vo: draft-eastlake-fnv
 */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include <stdint.h>

#define HASH_START 0xcbf29ce484222325u

/** hash_word - fold one word into a hash, its lowest byte first */
static inline uint64_t hash_word(uint64_t hash, uint64_t word)
{
	for (int i = 0; i < 8; i++, word >>= 8)
		hash = (hash ^ (word & 0xff)) * 0x100000001b3u;
	return hash;
}

#endif
