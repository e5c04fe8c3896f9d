/* SPDX-License-Identifier: MIT */
/*
 * args.h - the arguments of a command: numbers, sizes, ranges, names
 *
 * Each takes its words from the line being done. It returns LAB_OK, or
 * LAB_USAGE with a message that names the wrong word and the nearest right one.
 */
#ifndef QUIRE_LAB_ARGS_H
#define QUIRE_LAB_ARGS_H

#include <quire/page.h>

#include "session.h"

/** struct lab_ref - what a command acts on: a block, a part of it, a frame */
struct lab_ref {
	struct lab_block *block;  /* NULL for a frame by its number */
	struct lab_held *held;    /* NAME[i] of many blocks; else NULL */
	struct quire_page *page;  /* the first frame; NULL: no frame of this machine */
	unsigned order;           /* that it was allocated with */
	bool part;                /* NAME[i] or pfn N, not the whole of a name */
	char text[LAB_NAME_MAX + 24]; /* as written, for messages */
};

/** args_end - there may be no more words */
enum lab_status args_end(struct lab *lab);

/**
 * args_wrong - a wrong word where one of a few belongs
 * @lab:  the session
 * @what: "zone", "command" …
 * @word: the wrong word; NULL if it is missing
 * @near: the nearest right one; NULL: none is near
 *
 * Return: LAB_USAGE
 */
enum lab_status args_wrong(struct lab *lab, const char *what, const char *word, const char *near);

/** struct lab_nearest - a search for the right word */
struct lab_nearest {
	const char *word; /* the nearest so far; NULL: none is near enough */
	unsigned distance;
};

/** nearest_try - is @candidate nearer to @wrong than what @n has? Keeps it if so */
void nearest_try(struct lab_nearest *n, const char *wrong, const char *candidate);

/** args_number - a number, @max at most; @what names it in a message */
enum lab_status args_number(struct lab *lab, const char *what, uint64_t max, uint64_t *out);

/** args_order - an order as written; the library says if it is out of range */
enum lab_status args_order(struct lab *lab, unsigned *out);

/** args_size - a size or an address: 4096, 0x1000, 64M */
enum lab_status args_size(struct lab *lab, const char *what, uint64_t *out);

/** args_range - START-END: sizes if @bytes, else frame numbers */
enum lab_status args_range(struct lab *lab, bool bytes, uint64_t *start, uint64_t *end);

/** args_zone - a zone by Linux's name; capitals don't matter */
enum lab_status args_zone(struct lab *lab, enum quire_zone *out);

/** zone_find - look a zone's name up. Return: whether @text is one */
bool zone_find(const char *text, enum quire_zone *out);

/** args_migrate - a migrate type by Linux's name; capitals don't matter */
enum lab_status args_migrate(struct lab *lab, enum quire_migrate *out);

/** args_gfp - GFP flags, up to a "=" or the end; GFP_KERNEL if there are none */
enum lab_status args_gfp(struct lab *lab, quire_gfp_t *out);

/** args_ref - NAME, NAME[i] or pfn N */
enum lab_status args_ref(struct lab *lab, struct lab_ref *out);

#endif
