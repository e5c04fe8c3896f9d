/* SPDX-License-Identifier: MIT */
/*
 * multiboot.h - what a multiboot loader left
 */
#ifndef X86_MULTIBOOT_H
#define X86_MULTIBOOT_H

#include "x86.h"

/**
 * multiboot_read - copy out of the loader's information
 * @magic:   the register's value that says who loaded us
 * @address: physical address of the information
 * @out:     filled in; it does not point into the loader's memory
 *
 * What is longer than @out's fields is cut off.
 *
 * Return: 0; -QUIRE_ENODEV if it was no multiboot loader, or one that gives no memory map
 */
int multiboot_read(uint32_t magic, uint32_t address, struct x86_boot *out);

#endif
