/* SPDX-License-Identifier: MIT */
/*
 * copy.h - memory that may not be there
 */
#ifndef X86_COPY_H
#define X86_COPY_H

#include <stddef.h>

/**
 * copy_caught - copy bytes until done, or until the processor raises a fault
 *
 * Return: bytes not copied; trap_caught says why
 */
size_t copy_caught(void *to, const void *from, size_t n);

#endif
