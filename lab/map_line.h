/* SPDX-License-Identifier: MIT */
/*
 * map_line.h - what map.c keeps of a line; for the map's two files alone
 */
#ifndef LAB_MAP_LINE_H
#define LAB_MAP_LINE_H

#include "map.h"

/** What a line says. The sources of a map come first, the one to believe last. */
enum lab_line {
	LINE_SRAT,
	LINE_IOMEM,
	LINE_FIRMWARE,
	LINE_USER,
	LINE_ADD,     /* the map has one entry more: .to */
	LINE_CHANGE,  /* what is .from becomes .to */
	LINE_REMOVE,  /* what is .from is no longer there */
	LINE_RESERVE, /* by .to, an enum quire_reserve */
	LINE_RELEASE,
};

#define LINE_NR_SOURCES (LINE_USER + 1)
#define TYPE_ANY UINT32_MAX /* as .from */

/** struct lab_map_line - one thing that a text says; nothing empty is kept */
struct lab_map_line {
	enum lab_line what;
	bool log;     /* from a kernel log, by map_push */
	bool command; /* from the kernel's command line */
	uint32_t from;
	uint32_t to; /* of a source: its type */
	uint64_t first;
	uint64_t last; /* included */
};

/** map_push - keep a line. Return: 0; -QUIRE_ENOMEM; -QUIRE_E2BIG for too many changes */
int map_push(struct lab_map *m, const struct lab_map_line *line);

/** map_forget_log - a new boot begins in the text: what the log said until here is past */
void map_forget_log(struct lab_map *m);

#endif
