/* SPDX-License-Identifier: MIT */
/*
 * elf_map.h - an image's segments, mapped into an address space
 */
#ifndef VM_ELF_MAP_H
#define VM_ELF_MAP_H

#include "vm/elf.h"
#include "vm/mm.h"

/** struct elf_image - an image in memory; addresses */
struct elf_image {
	uint64_t bias;    /* what was added to the addresses in the file */
	uint64_t entry;
	uint64_t headers; /* its program headers; 0: no segment has them */
	uint64_t start_code, end_code, start_data, end_data;
	uint64_t end;     /* of its last segment, bss and all */
};

/**
 * elf_map - map an image
 * @mm:   where; used by nobody else
 * @elf:  its headers
 * @base: where one that can be anywhere goes, rounded down to its alignment; 0: where mmap finds
 *        room
 * @out:  where it is
 *
 *   file    |  text  |  data  |
 *            \________ \_________________
 *   memory  |  text  |  data  | 0 |  zeros  |
 *            private pages of the file, the rest of the last one zeroed, anonymous memory
 *
 * Return: 0; -QUIRE_EINVAL for segments that can't be, or outside of the user's half; -QUIRE_EEXIST
 *         if something is in the way of the first; -QUIRE_EPERM below mmap_min_addr; -QUIRE_EFAULT
 *         if the last page can't be read; -QUIRE_ENOMEM. What has been mapped by then stays.
 */
int elf_map(struct quire_mm *mm, const struct elf *elf, uint64_t base, struct elf_image *out);

#endif
