/* SPDX-License-Identifier: MIT */
/*
 * format.h - where text goes, and a small freestanding printf
 */
#ifndef QUIRE_FORMAT_H
#define QUIRE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** struct quire_sink - where text goes */
struct quire_sink {
	void (*write)(void *ctx, const char *text, size_t length);
	void *ctx;
};

#if defined(__GNUC__) || defined(__clang__)
#define QUIRE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define QUIRE_PRINTF(fmt, args)
#endif

/**
 * quire_format - write formatted text to a sink
 * @sink: receives it in pieces
 * @fmt:  %d %i %u %x %X %c %s %%, with l, ll, z or j, flags - and 0, width and precision
 *        (both also as *). No floating point. As printf in all that is there.
 */
void quire_format(const struct quire_sink *sink, const char *fmt, ...) QUIRE_PRINTF(2, 3);

/** quire_vformat - quire_format with a va_list */
void quire_vformat(const struct quire_sink *sink, const char *fmt, va_list args) QUIRE_PRINTF(2, 0);

/**
 * quire_format_buffer - as snprintf
 * @buffer: at most @size bytes are written, the last of them 0
 *
 * Return: the length that the whole text has, without its 0
 */
size_t quire_format_buffer(char *buffer, size_t size, const char *fmt, ...) QUIRE_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif
#endif
