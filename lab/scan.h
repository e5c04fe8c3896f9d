/* SPDX-License-Identifier: MIT */
/*
 * scan.h - read a line piece by piece, without its end being a 0
 */
#ifndef LAB_SCAN_H
#define LAB_SCAN_H

#include <stdbool.h>
#include <stdint.h>

/** struct scan - what is left of a line */
struct scan {
	const char *at;
	const char *end;
	const char *why; /* what was wrong with it; NULL while nothing is */
};

/** scan_is_blank - a space or a tab? */
static inline bool scan_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/** scan_is_digit - 0 to 9? */
static inline bool scan_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/** scan_hex_value - the value of a hexadecimal digit; 16 if it is none */
unsigned scan_hex_value(char c);

/** scan_blanks - go past blanks */
void scan_blanks(struct scan *s);

/** scan_take - go past @word. Return: false, and nothing is taken, if the rest does not begin so */
bool scan_take(struct scan *s, const char *word);

/** scan_rest_is - is the rest @word, whole and in whatever case? */
bool scan_rest_is(const struct scan *s, const char *word);

/** scan_fail - set .why. Return: false */
bool scan_fail(struct scan *s, const char *why);

/**
 * scan_number - take the digits of a number
 * @s:    the line; .why is set if there is none
 * @base: 10 or 16
 * @out:  its value
 *
 * Return: how many digits it has; 0 if there is none or it has more than 64 bits
 */
unsigned scan_number(struct scan *s, unsigned base, uint64_t *out);

/** scan_hex - scan_number of base 16, 0x before it or not */
unsigned scan_hex(struct scan *s, uint64_t *out);

/** scan_word - take what stands up to the next blank. Return: false at the end of the line */
bool scan_word(struct scan *s, struct scan *word);

/** scan_end - is the rest blank? Else .why is set */
bool scan_end(struct scan *s);

#endif
