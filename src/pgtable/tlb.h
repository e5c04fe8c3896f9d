/* SPDX-License-Identifier: MIT */
/*
 * tlb.h - what has to leave the TLBs, gathered
 */
#ifndef PGTABLE_TLB_H
#define PGTABLE_TLB_H

#include "pgtable/table.h"

/**
 * tlb_used - may a TLB have translations of this table? After entries have changed
 *
 * A process's table that no processor has loaded is in no TLB: loading another root drops its
 * translations. Who loads it now counts itself first, and then reads the entries as they are.
 */
static inline bool tlb_used(struct quire_table *t)
{
	return t->kernel || atomic_fetch_add_explicit(&t->nr_loaded, 0, memory_order_seq_cst);
}

/** enum tlb_users - who may have translations of a table */
enum tlb_users {
	TLB_NOBODY,
	TLB_SELF,   /* this processor alone */
	TLB_OTHERS,
};

/** tlb_users - tlb_used, in detail. @token: of table_enter. Locks: T */
static inline enum tlb_users tlb_users(struct quire_table *t, uintptr_t token)
{
	uint32_t nr = atomic_fetch_add_explicit(&t->nr_loaded, 0, memory_order_seq_cst);

	if (likely(!nr))
		return TLB_NOBODY;
	return nr == 1 && relaxed_load(&pgtable_of(t->q)->loaded[token & 0xffff]) == t ? TLB_SELF
										: TLB_OTHERS;
}

/**
 * tlb_forget_here - make this processor forget one page of a process's table
 * @t:    the table
 * @virt: in its half
 *
 * Context: between quire_port_cpu_enter and _leave; no lock of the library held
 */
void tlb_forget_here(struct quire_table *t, uint64_t virt);

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
