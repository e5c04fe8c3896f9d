/* SPDX-License-Identifier: MIT */
/*
 * size.h - sizes and addresses as people write them
 *
 *   4096   0x1000   64M   1G   0x10k   2T
 *
 * Decimal or, with 0x, hexadecimal; then K, M, G, T, P or E for a power of 1024,
 * in either case. A range is START-END, its end not part of it.
 */
#ifndef LAB_SIZE_H
#define LAB_SIZE_H

#include <stddef.h>
#include <stdint.h>

/**
 * lab_size - read a size or an address
 * @text:   all of it is the number
 * @length: of @text
 * @out:    its value in bytes
 *
 * Return: 0; -QUIRE_EINVAL if it is no number; -QUIRE_ERANGE if it has more than 64 bits
 */
int lab_size(const char *text, size_t length, uint64_t *out);

/**
 * lab_range - read START-END
 * @text:   all of it is the range
 * @length: of @text
 * @start:  first byte
 * @end:    one past the last, above @start
 *
 * Return: as lab_size; -QUIRE_EINVAL also if it is empty or ends before it starts
 */
int lab_range(const char *text, size_t length, uint64_t *start, uint64_t *end);

#endif
