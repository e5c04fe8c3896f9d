/* SPDX-License-Identifier: MIT */
/*
 * gfp.h - GFP flags by Linux's names
 */
#ifndef QUIRE_LAB_GFP_H
#define QUIRE_LAB_GFP_H

#include <quire/page.h>

/** struct lab_gfp_name - one name */
struct lab_gfp_name {
	const char *name; /* "GFP_KERNEL", "__GFP_ZERO" … */
	quire_gfp_t gfp;
};

/** lab_gfp_list - the i-th name that has a meaning here. Return: NULL after the last */
const struct lab_gfp_name *lab_gfp_list(size_t i);

/**
 * lab_gfp_find - look a name up
 * @text:   the name, or a part of a longer text
 * @length: of the name
 * @out:    its flags
 *
 * Return: whether it is there
 */
bool lab_gfp_find(const char *text, size_t length, quire_gfp_t *out);

#endif
