/* SPDX-License-Identifier: MIT */
/*
 * strace_names.h - the names that strace prints for numbers
 */
#ifndef LAB_STRACE_NAMES_H
#define LAB_STRACE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** strace_flag - the bits of a name: "PROT_READ" … Return: false if it is not known */
bool strace_flag(const char *name, size_t length, uint64_t *out);

/** strace_errno - the number of "ENOMEM" …. Return: 0 if it is not known */
int strace_errno(const char *name, size_t length);

#endif
