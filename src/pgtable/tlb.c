/* SPDX-License-Identifier: MIT */
/*
 * tlb.c - invalidation, gathered and then done through the port
 *
 * The order is what matters: first the entry changes, then the processors forget it, then
 * what it pointed to (a frame, a table) may be used for something else.
 *
 * Source: Intel SDM vol. 3A, 4.10.4 (invalidation), 4.10.5 (propagation to other processors)
 */
#include "pgtable/tlb.h"

#include <quire/port.h>

void quire_tlb_begin(struct quire_tlb *tlb, struct quire_table *table)
{
	*tlb = (struct quire_tlb){ .table = table, .start = UINT64_MAX, .shift = 63 };
}

void tlb_forget_here(struct quire_table *t, uint64_t virt)
{
	const struct quire_port_flush flush = {
		.root = { t->root_phys },
		.start = { virt },
		.nr_pages = 1,
		.shift = QUIRE_PAGE_SHIFT,
		.local = true,
	};

	quire_port_tlb_flush(t->q->config.host, &flush);
}

void tlb_add(struct quire_tlb *tlb, struct span span, unsigned shift)
{
	if (span.start < tlb->start)
		tlb->start = span.start;
	if (span.last > tlb->last)
		tlb->last = span.last;
	if (shift < tlb->shift)
		tlb->shift = (uint8_t)shift;
}

void tlb_add_table(struct quire_tlb *tlb, struct quire_page *page)
{
	page->private = (uintptr_t)tlb->frames;
	tlb->frames = page;
}

void quire_tlb_flush(struct quire_tlb *tlb)
{
	struct quire_table *t = tlb->table;
	struct quire_port_flush flush = {
		.root = { t->kernel ? QUIRE_PORT_ANY_ROOT : t->root_phys },
		.start = { tlb->start },
		.shift = tlb->shift,
	};

	if (tlb->start <= tlb->last && tlb_used(t)) {
		uint64_t nr = ((tlb->last - tlb->start) >> tlb->shift) + 1;

		flush.nr_pages = nr <= TLB_SINGLE_PAGES ? nr : 0;
		quire_port_tlb_flush(t->q->config.host, &flush);
	}
	while (tlb->frames) {
		struct quire_page *page = tlb->frames;

		tlb->frames = (struct quire_page *)page->private;
		table_free(t->q, page);
	}
	quire_tlb_begin(tlb, t);
}
