/* SPDX-License-Identifier: MIT */
/*
 * json.c - one JSON value, written piece by piece
 *
 * All that must be remembered is whether a comma is due: after a value and
 * after a closing bracket it is, after an opening one it is not. All
 * strings are the library's own names; nothing in them needs escaping.
 */
#include "report/json.h"

static void lead(struct json *j, const char *key)
{
	if (j->comma)
		quire_format(j->sink, ",");
	if (key)
		quire_format(j->sink, "\"%s\":", key);
	j->comma = true;
}

void json_open(struct json *j, const char *key, char bracket)
{
	lead(j, key);
	quire_format(j->sink, "%c", bracket);
	j->comma = false;
}

void json_close(struct json *j, char bracket)
{
	quire_format(j->sink, "%c", bracket);
	j->comma = true;
}

void json_number(struct json *j, const char *key, uint64_t number)
{
	lead(j, key);
	quire_format(j->sink, "%ju", number);
}

void json_thousandths(struct json *j, const char *key, int number)
{
	unsigned size = number < 0 ? 0u - (unsigned)number : (unsigned)number;

	lead(j, key);
	quire_format(j->sink, "%s%u.%03u", number < 0 ? "-" : "", size / 1000, size % 1000);
}

void json_string(struct json *j, const char *key, const char *text)
{
	lead(j, key);
	quire_format(j->sink, "\"");
	for (; *text; text++) {
		if ((unsigned char)*text < ' ')
			quire_format(j->sink, "\\u%04x", (unsigned)*text);
		else
			quire_format(j->sink, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	}
	quire_format(j->sink, "\"");
}
