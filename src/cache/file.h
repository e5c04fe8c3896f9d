/* SPDX-License-Identifier: MIT */
/*
 * file.h - struct quire_file: an inode that somebody has opened
 */
#ifndef CACHE_FILE_H
#define CACHE_FILE_H

#include "cache/ahead.h"
#include "cache/inode.h"

/** struct quire_file - constant, but for what says otherwise */
struct quire_file {
	struct quire_inode *inode;
	_Atomic uint32_t users;
	uint32_t mode;           /* QUIRE_FILE_… */
	_Atomic uint32_t advice; /* QUIRE_FADV_NORMAL, _RANDOM or _SEQUENTIAL */
	struct lock lock;        /* (H) */
	struct ahead ahead;      /* how it is read (H) */
	char name[];
};

#endif
