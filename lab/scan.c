/* SPDX-License-Identifier: MIT */
/*
 * scan.c - read a line piece by piece
 */
#include "scan.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

unsigned scan_hex_value(char c)
{
	if (scan_is_digit(c))
		return (unsigned)(c - '0');
	c = lower(c);
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

void scan_blanks(struct scan *s)
{
	while (s->at < s->end && scan_is_blank(*s->at))
		s->at++;
}

bool scan_take(struct scan *s, const char *word)
{
	const char *at = s->at;

	for (; *word; word++, at++) {
		if (at == s->end || *at != *word)
			return false;
	}
	s->at = at;
	return true;
}

bool scan_rest_is(const struct scan *s, const char *word)
{
	const char *at = s->at;

	for (; *word; word++, at++) {
		if (at == s->end || lower(*at) != lower(*word))
			return false;
	}
	return at == s->end;
}

bool scan_fail(struct scan *s, const char *why)
{
	s->why = why;
	return false;
}

unsigned scan_number(struct scan *s, unsigned base, uint64_t *out)
{
	unsigned digits = 0;
	uint64_t value = 0;

	for (; s->at < s->end && scan_hex_value(*s->at) < base; s->at++, digits++) {
		uint64_t digit = scan_hex_value(*s->at);

		if (value > (UINT64_MAX - digit) / base) {
			scan_fail(s, "number too large");
			return 0;
		}
		value = value * base + digit;
	}
	if (!digits)
		scan_fail(s, "number expected");
	*out = value;
	return digits;
}

unsigned scan_hex(struct scan *s, uint64_t *out)
{
	scan_take(s, "0x");
	return scan_number(s, 16, out);
}

bool scan_word(struct scan *s, struct scan *word)
{
	scan_blanks(s);
	*word = *s;
	while (s->at < s->end && !scan_is_blank(*s->at))
		s->at++;
	word->end = s->at;
	return word->at < word->end;
}

bool scan_end(struct scan *s)
{
	scan_blanks(s);
	return s->at == s->end || scan_fail(s, "something follows that does not belong here");
}
