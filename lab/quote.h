/* SPDX-License-Identifier: MIT */
/*
 * quote.h - text as a JSON string
 */
#ifndef LAB_QUOTE_H
#define LAB_QUOTE_H

#include <quire/format.h>

/**
 * quote_write - the write function of a sink that makes its text fit into a JSON string
 * @ctx:    where it goes: a const struct quire_sink *
 * @text:   UTF-8
 * @length: in bytes
 *
 * Quotes, backslashes and control characters are escaped, all else is written as it is. The
 * quotes around the string are the caller's.
 */
void quote_write(void *ctx, const char *text, size_t length);

/** quote_text - a whole JSON string, with its quotes */
void quote_text(const struct quire_sink *sink, const char *text);

#endif
