/* SPDX-License-Identifier: MIT */
/*
 * json.h - one JSON value, written piece by piece
 */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include <quire/format.h>

#include <stdbool.h>

/** struct json - a value being written; start it with only the sink set */
struct json {
	const struct quire_sink *sink;
	bool comma; /* something stands before what comes next in this object or array */
};

/**
 * json_open - begin an object or an array
 * @j:       the value
 * @key:     its name in the object around it; NULL in an array and outermost
 * @bracket: '{' or '['
 */
void json_open(struct json *j, const char *key, char bracket);

/**
 * json_close - end what json_open began
 * @j:       the value
 * @bracket: '}' or ']'
 */
void json_close(struct json *j, char bracket);

/** json_number - a number; @key as for json_open */
void json_number(struct json *j, const char *key, uint64_t number);

/** json_thousandths - @number / 1000 with three decimals; @key as for json_open */
void json_thousandths(struct json *j, const char *key, int number);

/** json_string - @text, with what JSON escapes escaped; @key as for json_open */
void json_string(struct json *j, const char *key, const char *text);

#endif
