/* SPDX-License-Identifier: MIT */
/*
 * files.h - the files of the ramdisk
 *
 * A module is a cpio archive in the "newc" form, or else one file of its own,
 * with the name under which the loader knew it.
 */
#ifndef KERNEL_FILES_H
#define KERNEL_FILES_H

#include "x86.h"

/** struct file - one file, where it lies in memory */
struct file {
	const char *name;
	const char *text;
	size_t length;
	bool alone; /* a module of its own, no part of an archive */
};

/**
 * files_get - the i-th file of the ramdisk
 * @boot: what the loader brought
 * @i:    0, 1, 2, …
 * @out:  the file
 *
 * Return: true while there is an i-th file; a damaged archive ends early
 */
bool files_get(const struct x86_boot *boot, size_t i, struct file *out);

/** files_find - the file of that name. Return: whether there is one */
bool files_find(const struct x86_boot *boot, const char *name, struct file *out);

#endif
