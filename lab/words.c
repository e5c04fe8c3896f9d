/* SPDX-License-Identifier: MIT */
/*
 * words.c - a line of a script cut into words
 *
 * Every word is copied, with a 0 at its end, into the line's own room. A line
 * of n bytes has words of n bytes and at most n ends: twice its length is enough.
 */
#include "words.h"

#include "text.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Where a string is being read from and copied to. */
struct cutter {
	const char *from, *end;
	char *to;
};

static const char *cut_string(struct cutter *c)
{
	for (c->from++; c->from < c->end && *c->from != '"'; c->from++) {
		if (*c->from == '\\') {
			c->from++;
			if (c->from == c->end || (*c->from != '"' && *c->from != '\\'))
				return "after a \\ in a string comes \" or \\";
		}
		*c->to++ = *c->from;
	}
	if (c->from == c->end)
		return "a string without its closing \"";
	c->from++;
	if (c->from < c->end && !blank(*c->from))
		return "a string ends with a blank behind it";
	return NULL;
}

static bool colon_ends(const struct cutter *c)
{
	return *c->from == ':' && (c->from + 1 == c->end || blank(c->from[1]));
}

static void cut_plain(struct cutter *c)
{
	if (*c->from == '=' || colon_ends(c)) {
		*c->to++ = *c->from++;
		return;
	}
	while (c->from < c->end && !blank(*c->from) && *c->from != '=' && !colon_ends(c))
		*c->to++ = *c->from++;
}

const char *words_cut(struct lab_words *words, const char *line, size_t length)
{
	struct cutter c = { line, line + length, words->text };
	const char *wrong = NULL;

	words->nr = words->at = 0;
	if (length >= LAB_LINE_MAX)
		return "the line is too long";
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)line[i];
		if (byte == 127 || (byte < 32 && !blank(line[i])))
			return "a control character in the line";
	}
	for (;;) {
		while (c.from < c.end && blank(*c.from))
			c.from++;
		if (c.from == c.end || *c.from == '#')
			return NULL;
		if (words->nr == LAB_WORDS_MAX)
			return "too many words in the line";
		words->word[words->nr] = c.to;
		words->quoted[words->nr] = *c.from == '"';
		if (*c.from == '"')
			wrong = cut_string(&c);
		else
			cut_plain(&c);
		if (wrong)
			return wrong;
		*c.to++ = 0;
		words->nr++;
	}
}

const char *words_peek(const struct lab_words *words)
{
	return words->at < words->nr ? words->word[words->at] : NULL;
}

const char *words_next(struct lab_words *words)
{
	return words->at < words->nr ? words->word[words->at++] : NULL;
}

bool words_take(struct lab_words *words, const char *word)
{
	if (words_end(words) || words->quoted[words->at] || !text_equal(words_peek(words), word))
		return false;
	words->at++;
	return true;
}

bool words_end(const struct lab_words *words)
{
	return words->at >= words->nr;
}
