/* SPDX-License-Identifier: MIT */
/*
 * boot.h - taking down what quire_boot_zones built
 */
#ifndef PHYS_BOOT_H
#define PHYS_BOOT_H

struct quire;

/** boot_destroy - give the frame array, the blocks and the per-cpu lists back to the host */
void boot_destroy(struct quire *q);

#endif
