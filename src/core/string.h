/* SPDX-License-Identifier: MIT */
/*
 * string.h - memory as bytes; the C library's functions under their own names
 */
#ifndef CORE_STRING_H
#define CORE_STRING_H

#include <stddef.h>

/** memcpy - as the C standard's */
void *memcpy(void *restrict to, const void *restrict from, size_t n);

/** memmove - as the C standard's */
void *memmove(void *to, const void *from, size_t n);

/** memset - as the C standard's */
void *memset(void *to, int c, size_t n);

/** memcmp - as the C standard's */
int memcmp(const void *a, const void *b, size_t n);

#endif
