/* SPDX-License-Identifier: MIT */
/*
 * store.h - what a store says
 */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include <quire/error.h>

/** store_error - an error as callers are told it: one that files have, or EIO */
static inline int store_error(int error)
{
	switch (error) {
	case 0:
	case -QUIRE_ENOMEM:
	case -QUIRE_EPERM:
	case -QUIRE_EFBIG:
	case -QUIRE_ENOSPC:
	case -QUIRE_EOPNOTSUPP:
		return error;
	default:
		return -QUIRE_EIO;
	}
}

#endif
