/* SPDX-License-Identifier: MIT */
/*
 * format.c - a small freestanding printf
 *
 * A format is a run of literal text and conversions. Each conversion becomes
 * three pieces: blanks, a sign and zeros, the digits or the string; they go to
 * the sink as they are found, so nothing here has a length limit and nothing
 * is stored but the digits of one number.
 *
 *	%-8.3lu      width 8 |<----->|
 *	             "042     "  precision 3: at least three digits
 *
 * Numbers are widened to 64 bits. Division by ten goes by 16-bit digits,
 * because a 32-bit processor has no 64-bit division and the compiler would
 * call a function of its own for it.
 */
#include <quire/format.h>

#include <limits.h>
#include <stdbool.h>

/* Digits of the longest number: 2^64 - 1 has 20 decimal ones. */
#define DIGITS_MAX 20

/* A conversion: what stands between % and its letter. */
struct spec {
	bool left; /* - */
	bool zero; /* 0 */
	size_t width;
	bool precise; /* a precision is given */
	size_t precision;
	char length; /* 0, 'l', 'L' for ll, 'z', 'j' */
};

/* Arguments by reference: a va_list itself can't be passed on and read further. */
struct args {
	va_list list;
};

static void put(const struct quire_sink *sink, const char *text, size_t length)
{
	if (length)
		sink->write(sink->ctx, text, length);
}

static void put_fill(const struct quire_sink *sink, char fill, size_t nr)
{
	static const char blanks[] = "                ", zeros[] = "0000000000000000";
	const size_t chunk = sizeof(blanks) - 1;

	for (; nr > chunk; nr -= chunk)
		put(sink, fill == '0' ? zeros : blanks, chunk);
	put(sink, fill == '0' ? zeros : blanks, nr);
}

/* Divides *value by ten and returns the remainder. */
static unsigned divide_by_ten(uint64_t *value)
{
	uint32_t rest = 0;
	uint64_t quotient = 0;

	for (int shift = 48; shift >= 0; shift -= 16) {
		uint32_t part = rest << 16 | (uint32_t)(*value >> shift & 0xffff);

		quotient = quotient << 16 | part / 10;
		rest = part % 10;
	}
	*value = quotient;
	return rest;
}

/* Writes the digits to the end of @digits and returns how many there are; none for 0. */
static size_t to_digits(char digits[DIGITS_MAX], uint64_t value, char conversion)
{
	const char *hex = conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	size_t nr = 0;

	while (value) {
		unsigned digit;

		if (conversion == 'u') {
			digit = divide_by_ten(&value);
		} else {
			digit = (unsigned)(value & 15);
			value >>= 4;
		}
		digits[DIGITS_MAX - ++nr] = hex[digit];
	}
	return nr;
}

static void put_number(const struct quire_sink *sink, const struct spec *spec, uint64_t value,
		       bool negative, char conversion)
{
	char digits[DIGITS_MAX];
	size_t nr = to_digits(digits, value, conversion);
	size_t least = spec->precise ? spec->precision : 1;
	size_t zeros = nr < least ? least - nr : 0;
	size_t used = nr + zeros + negative;
	size_t blanks = spec->width > used ? spec->width - used : 0;

	if (spec->zero && !spec->left && !spec->precise) {
		zeros += blanks;
		blanks = 0;
	}
	if (!spec->left)
		put_fill(sink, ' ', blanks);
	put(sink, "-", negative);
	put_fill(sink, '0', zeros);
	put(sink, digits + DIGITS_MAX - nr, nr);
	if (spec->left)
		put_fill(sink, ' ', blanks);
}

static void put_string(const struct quire_sink *sink, const struct spec *spec, const char *text,
		       size_t length)
{
	size_t blanks = spec->width > length ? spec->width - length : 0;

	if (!spec->left)
		put_fill(sink, ' ', blanks);
	put(sink, text, length);
	if (spec->left)
		put_fill(sink, ' ', blanks);
}

/* With a precision the string need not end: no byte beyond it is looked at. */
static size_t string_length(const char *text, const struct spec *spec)
{
	size_t length = 0;

	while ((!spec->precise || length < spec->precision) && text[length])
		length++;
	return length;
}

static int64_t take_signed(struct args *args, char length)
{
	switch (length) {
	case 'l':
		return va_arg(args->list, long);
	case 'L':
		return va_arg(args->list, long long);
	case 'z':
		return va_arg(args->list, ptrdiff_t);
	case 'j':
		return va_arg(args->list, intmax_t);
	default:
		return va_arg(args->list, int);
	}
}

static uint64_t take_unsigned(struct args *args, char length)
{
	switch (length) {
	case 'l':
		return va_arg(args->list, unsigned long);
	case 'L':
		return va_arg(args->list, unsigned long long);
	case 'z':
		return va_arg(args->list, size_t);
	case 'j':
		return va_arg(args->list, uintmax_t);
	default:
		return va_arg(args->list, unsigned);
	}
}

/* Reads a decimal number that may be absent (0) and sticks at INT_MAX. */
static const char *parse_number(const char *fmt, size_t *out)
{
	size_t value = 0;

	for (; *fmt >= '0' && *fmt <= '9'; fmt++)
		value = value > INT_MAX / 10 - 1 ? INT_MAX : value * 10 + (size_t)(*fmt - '0');
	*out = value;
	return fmt;
}

/* A negative width given as * means -, a negative precision means none. */
static const char *parse_width(const char *fmt, struct spec *spec, struct args *args)
{
	if (*fmt == '*') {
		int width = va_arg(args->list, int);

		spec->left = spec->left || width < 0;
		spec->width = width < 0 ? 0u - (unsigned)width : (unsigned)width;
		fmt++;
	} else {
		fmt = parse_number(fmt, &spec->width);
	}
	if (*fmt != '.')
		return fmt;
	if (fmt[1] == '*') {
		int precision = va_arg(args->list, int);

		spec->precise = precision >= 0;
		spec->precision = precision >= 0 ? (size_t)precision : 0;
		return fmt + 2;
	}
	spec->precise = true;
	return parse_number(fmt + 1, &spec->precision);
}

/* Reads what follows % up to the conversion's letter, which it returns a pointer to. */
static const char *parse_spec(const char *fmt, struct spec *spec, struct args *args)
{
	*spec = (struct spec){ .length = 0 };
	for (;; fmt++) {
		if (*fmt == '-')
			spec->left = true;
		else if (*fmt == '0')
			spec->zero = true;
		else
			break;
	}
	fmt = parse_width(fmt, spec, args);
	if (fmt[0] == 'l' && fmt[1] == 'l') {
		spec->length = 'L';
		return fmt + 2;
	}
	if (*fmt == 'l' || *fmt == 'z' || *fmt == 'j')
		spec->length = *fmt++;
	return fmt;
}

/* Writes one conversion; false if the letter is none of ours. */
static bool convert(const struct quire_sink *sink, const struct spec *spec, char letter,
		    struct args *args)
{
	switch (letter) {
	case 'd':
	case 'i': {
		int64_t value = take_signed(args, spec->length);
		uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

		put_number(sink, spec, size, value < 0, 'u');
		return true;
	}
	case 'u':
	case 'x':
	case 'X':
		put_number(sink, spec, take_unsigned(args, spec->length), false, letter);
		return true;
	case 'c': {
		char c = (char)va_arg(args->list, int);

		put_string(sink, spec, &c, 1);
		return true;
	}
	case 's': {
		const char *text = va_arg(args->list, const char *);

		text = text ? text : "(null)";
		put_string(sink, spec, text, string_length(text, spec));
		return true;
	}
	case '%':
		put(sink, "%", 1);
		return true;
	default:
		return false;
	}
}

void quire_vformat(const struct quire_sink *sink, const char *fmt, va_list list)
{
	struct args args;
	const char *plain = fmt; /* literal text not yet written */

	va_copy(args.list, list);
	while (*fmt) {
		struct spec spec;
		const char *start = fmt;

		if (*fmt++ != '%')
			continue;
		put(sink, plain, (size_t)(start - plain));
		plain = start;
		fmt = parse_spec(fmt, &spec, &args);
		/* What is no conversion stays as it is: it is seen, and nothing is read for it. */
		if (convert(sink, &spec, *fmt, &args))
			plain = ++fmt;
	}
	put(sink, plain, (size_t)(fmt - plain));
	va_end(args.list);
}

void quire_format(const struct quire_sink *sink, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	quire_vformat(sink, fmt, args);
	va_end(args);
}

/* A sink that keeps what fits and counts all of it. */
struct buffer {
	char *text;
	size_t size;
	size_t length;
};

static void buffer_write(void *ctx, const char *text, size_t length)
{
	struct buffer *b = ctx;

	for (size_t i = 0; i < length && b->length + i + 1 < b->size; i++)
		b->text[b->length + i] = text[i];
	b->length += length;
}

size_t quire_format_buffer(char *buffer, size_t size, const char *fmt, ...)
{
	struct buffer b = { .text = buffer, .size = size };
	const struct quire_sink sink = { .write = buffer_write, .ctx = &b };
	va_list args;

	va_start(args, fmt);
	quire_vformat(&sink, fmt, args);
	va_end(args);
	if (size)
		buffer[b.length < size ? b.length : size - 1] = 0;
	return b.length;
}
