/* SPDX-License-Identifier: MIT */
/*
 * size.c - sizes and addresses as people write them
 */
#include "size.h"

#include <quire/error.h>

/* The value of a digit, or 16 if it is none. */
static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

/* The power of two that a letter stands for, or 0. */
static unsigned suffix_shift(char c)
{
	static const char letters[] = "kmgtpeKMGTPE";

	for (unsigned i = 0; i < sizeof(letters) - 1; i++) {
		if (letters[i] == c)
			return 10 * (i % 6 + 1);
	}
	return 0;
}

int lab_size(const char *text, size_t length, uint64_t *out)
{
	size_t i = 0, first;
	uint64_t base = 10, value = 0;
	unsigned shift;

	if (length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		i = 2;
	}
	for (first = i; i < length && digit_value(text[i]) < base; i++) {
		uint64_t digit = digit_value(text[i]);

		if (value > (UINT64_MAX - digit) / base)
			return -QUIRE_ERANGE;
		value = value * base + digit;
	}
	if (i == first || length - i > 1)
		return -QUIRE_EINVAL;
	if (i < length) {
		/* In hexadecimal, E is a digit. */
		shift = suffix_shift(text[i]);
		if (!shift)
			return -QUIRE_EINVAL;
		if (value > UINT64_MAX >> shift)
			return -QUIRE_ERANGE;
		value <<= shift;
	}
	*out = value;
	return 0;
}

int lab_range(const char *text, size_t length, uint64_t *start, uint64_t *end)
{
	size_t dash = 0;
	uint64_t from, to;
	int error;

	while (dash < length && text[dash] != '-')
		dash++;
	if (dash == length)
		return -QUIRE_EINVAL;
	error = lab_size(text, dash, &from);
	if (!error)
		error = lab_size(text + dash + 1, length - dash - 1, &to);
	if (!error && to <= from)
		error = -QUIRE_EINVAL;
	if (error)
		return error;
	*start = from;
	*end = to;
	return 0;
}
