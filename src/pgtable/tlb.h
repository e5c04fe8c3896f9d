/* SPDX-License-Identifier: MIT */
/*
 * tlb.h - what has to leave the TLBs, gathered
 */
#ifndef PGTABLE_TLB_H
#define PGTABLE_TLB_H

#include "pgtable/table.h"

/** Beyond so many pages everything is flushed, as Linux does. */
#define TLB_SINGLE_PAGES 33

/**
 * tlb_add - a range has changed
 * @tlb:   the gathering
 * @span:  the range
 * @shift: log2 of the smallest page changed in it
 */
void tlb_add(struct quire_tlb *tlb, struct span span, unsigned shift);

/** tlb_add_table - a table has left its entry; its frame is freed once no TLB knows of it */
void tlb_add_table(struct quire_tlb *tlb, struct quire_page *page);

#endif
