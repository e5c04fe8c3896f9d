/* SPDX-License-Identifier: MIT */
/*
 * image.h - program files for a session: those of the host, and ones made to measure
 *
 * A file that is opened twice is the same one, so that processes share its pages.
 */
#ifndef LAB_IMAGE_H
#define LAB_IMAGE_H

#include <quire/file.h>

#include "session.h"

/** struct image_plan - a program to be made */
struct image_plan {
	uint64_t text, data, bss; /* bytes; text has the headers and a few instructions */
	bool wide;                /* of 64 bits */
	bool position;            /* it can be anywhere: a static PIE */
};

/* The largest segment of a plan. */
#define IMAGE_PART_MAX ((uint64_t)64 << 20)

/**
 * image_open - one of the host's files
 * @lab:  the session, with a page cache
 * @path: as the host takes it
 * @why:  the host's own words if it could not be read, or NULL
 * @out:  opened for reading, with a reference for the caller
 *
 * Return: 0; -QUIRE_ENOENT … as the host says; -QUIRE_EOPNOTSUPP if it has no files; -QUIRE_ENOMEM
 */
int image_open(struct lab *lab, const char *path, const char **why, struct quire_file **out);

/**
 * image_build - make a program
 * @lab:  the session, with a page cache
 * @plan: its parts
 * @name: of the file
 * @out:  likewise
 *
 *   text   the ELF header, program headers, and code that exits
 *   data   bytes that are not zero
 *   bss    nothing in the file
 *
 * Return: 0; -QUIRE_ENOMEM
 */
int image_build(struct lab *lab, const struct image_plan *plan, const char *name,
		struct quire_file **out);

/** image_reset - close all files */
void image_reset(struct lab *lab);

#endif
