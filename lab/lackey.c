/* SPDX-License-Identifier: MIT */
/*
 * lackey.c - one line of valgrind's lackey
 *
 * Recordings have hundreds of millions of lines, so this is one pass over a line with a table
 * for its digits. Source: Valgrind User Manual, ch. 13 (Lackey)
 */
#include "lackey.h"

#include <quire/error.h>
#include <quire/types.h>

#define NO_DIGIT 0xff

/* The value of a hexadecimal digit. */
static unsigned digit(char c)
{
	static const uint8_t value[256] = {
		['0'] = 16, 1,  2,  3,  4,  5,          6,  7,  8,  9,  ['A'] = 10,
		11,         12, 13, 14, 15, ['a'] = 10, 11, 12, 13, 14, 15,
	};
	unsigned v = value[(unsigned char)c];

	return v ? v & 15 : NO_DIGIT;
}

static int damaged(const char **why, const char *text)
{
	*why = text;
	return -QUIRE_EINVAL;
}

static enum lab_touch_kind kind_of(char c)
{
	switch (c) {
	case 'I':
		return LAB_TOUCH_FETCH;
	case 'L':
	case 'R':
		return LAB_TOUCH_LOAD;
	case 'S':
	case 'W':
		return LAB_TOUCH_STORE;
	case 'M':
		return LAB_TOUCH_MODIFY;
	default:
		return LAB_TOUCH_NONE;
	}
}

/* A line that is no access: may it stand in a recording? */
static int other(const char *at, const char *end, struct lab_touch *out, const char **why)
{
	*out = (struct lab_touch){ LAB_TOUCH_NONE, 0, 0 };
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
		at++;
	if (at == end || (end - at > 1 && (*at == '=' || *at == '-') && at[1] == *at))
		return 0;
	return damaged(why, "neither an access nor a message of valgrind");
}

/* The number of bytes, from behind the comma to the end of the line. */
static int size_of(const char *at, const char *end, struct lab_touch *out, const char **why)
{
	uint32_t bytes = 0;

	if (at == end)
		return damaged(why, "a size expected");
	for (; at < end; at++) {
		if (*at < '0' || *at > '9')
			return damaged(why, "a size expected");
		bytes = bytes * 10 + (uint32_t)(*at - '0');
		if (bytes > LAB_TOUCH_BYTES)
			return damaged(why, "an access of more than 4096 bytes");
	}
	if (!bytes)
		return damaged(why, "an access of no bytes");
	if (out->address + bytes - 1 < out->address)
		return damaged(why, "an access beyond the last address");
	out->bytes = bytes;
	return 0;
}

int lab_lackey_line(const char *line, size_t length, struct lab_touch *out, const char **why)
{
	const char *at = line, *end = line + length, *digits;
	uint64_t address = 0;
	unsigned d;

	if (at < end && end[-1] == '\r')
		end--;
	if (at < end && *at == ' ')
		at++;
	out->kind = at < end ? kind_of(*at) : LAB_TOUCH_NONE;
	if (!out->kind || end - at < 3 || at[1] != ' ')
		return other(line, end, out, why);
	for (at += 2; at < end && *at == ' ';)
		at++;
	for (digits = at; at < end && (d = digit(*at)) != NO_DIGIT; at++)
		address = address << 4 | d;
	if (at == digits || at - digits > 16)
		return damaged(why, "an address expected");
	out->address = address;
	if (at < end && *at == ',')
		return size_of(at + 1, end, out, why);
	if (at < end)
		return damaged(why, "something follows that does not belong here");
	if (address > UINT64_MAX >> QUIRE_PAGE_SHIFT)
		return damaged(why, "a page beyond the last address");
	out->address = address << QUIRE_PAGE_SHIFT;
	out->bytes = 1;
	return 0;
}

const char *lab_touch_name(enum lab_touch_kind kind)
{
	static const char *const names[LAB_NR_TOUCHES] = { NULL, "fetch", "load", "store",
							   "modify" };

	return (unsigned)kind < LAB_NR_TOUCHES ? names[kind] : NULL;
}
