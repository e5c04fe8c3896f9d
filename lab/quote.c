/* SPDX-License-Identifier: MIT */
/*
 * quote.c - text as a JSON string
 */
#include "quote.h"

#include "text.h"

void quote_write(void *ctx, const char *text, size_t length)
{
	const struct quire_sink *sink = ctx;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\n')
			quire_format(sink, "\\n");
		else if (c == '"' || c == '\\')
			quire_format(sink, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			quire_format(sink, "\\u%04x", c);
		else
			sink->write(sink->ctx, text + i, 1);
	}
}

void quote_text(const struct quire_sink *sink, const char *text)
{
	struct quire_sink to = *sink;

	quire_format(sink, "\"");
	quote_write(&to, text, text_length(text));
	quire_format(sink, "\"");
}
