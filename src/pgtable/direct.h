/* SPDX-License-Identifier: MIT */
/*
 * direct.h - the direct map: memory at PAGE_OFFSET + physical address
 */
#ifndef PGTABLE_DIRECT_H
#define PGTABLE_DIRECT_H

#include <quire/pgtable.h>

#include "pgtable/layout.h"

/**
 * direct_make - map memory into the kernel's table, and the kernel's image
 * @table:  the kernel's, with nothing mapped
 * @layout: of its machine
 *
 * Return: 0; -QUIRE_ENOMEM, and then a part may be mapped
 */
int direct_make(struct quire_table *table, const struct quire_layout *layout);

#endif
