/* SPDX-License-Identifier: MIT */
/*
 * direct.h - the direct map: memory at PAGE_OFFSET + physical address
 */
#ifndef PGTABLE_DIRECT_H
#define PGTABLE_DIRECT_H

#include "pgtable/layout.h"

#endif
