/* SPDX-License-Identifier: MIT */
/*
 * copy.c - map in one table what another one maps
 *
 * Goes over the source in pieces: pages that are contiguous in both kinds of addresses and alike
 * are one piece, a large page that sticks out of the range is cut. When a piece can't be mapped
 * those before it are unmapped again; they begin and end where pages do, so that can't fail.
 */
#include "core/assert.h"
#include "pgtable/table.h"

/* The next piece of @span from @at on. Return: false if there is none */
static bool piece(struct quire_table *from, uint64_t at, uint64_t last, struct quire_mapping *out,
		  uint64_t *bytes)
{
	struct quire_mapping next;
	uint64_t skip;

	if (!quire_table_next(from, (quire_virt_t){ at }, out) || out->virt.v > last)
		return false;
	skip = out->virt.v < at ? at - out->virt.v : 0;
	*bytes = ((uint64_t)QUIRE_PAGE_SIZE << out->order) - skip;
	out->virt.v += skip;
	out->phys.v += skip;
	for (;;) {
		if (*bytes - 1 >= last - out->virt.v) {
			*bytes = last - out->virt.v + 1;
			return true;
		}
		if (!quire_table_next(from, (quire_virt_t){ out->virt.v + *bytes }, &next) ||
		    next.virt.v != out->virt.v + *bytes || next.order != out->order ||
		    next.phys.v != out->phys.v + *bytes || next.pte != out->pte)
			return true;
		*bytes += (uint64_t)QUIRE_PAGE_SIZE << next.order;
	}
}

/* Unmap the pieces before @end again. */
static void undo(struct quire_table *to, struct quire_table *from, uint64_t at, uint64_t end)
{
	struct quire_mapping m;
	uint64_t bytes;

	while (at < end && piece(from, at, end - 1, &m, &bytes)) {
		int error = quire_table_unmap(to, m.virt, bytes, NULL);

		ASSERT("TABLE-4", !error);
		at = m.virt.v + bytes;
	}
}

int quire_table_copy(struct quire_table *to, struct quire_table *from, quire_virt_t virt,
		     uint64_t bytes, quire_pte_t clear, struct quire_tlb *tlb)
{
	struct quire_table_change change = { .clear = clear };
	struct quire_mapping m;
	struct span span, same;
	uint64_t at = virt.v, part = 0;
	int error = 0;

	if (to == from || to->q != from->q || (clear & ~(QUIRE_PTE_BITS & ~QUIRE_PTE_PRESENT)) ||
	    !table_span(to, virt.v, bytes, &span) || !table_span(from, virt.v, bytes, &same) ||
	    (tlb && tlb->table != from))
		return -QUIRE_EINVAL;
	/* Two tables that both may change it are processes': the range ends below the top. */
	while (at <= span.last && piece(from, at, span.last, &m, &part)) {
		error = quire_table_map(to, m.virt, m.phys, part, m.pte & ~clear, m.order);
		if (error)
			break;
		at = m.virt.v + part;
	}
	if (!error && clear)
		error = quire_table_protect(from, virt, bytes, change, tlb);
	if (error)
		undo(to, from, virt.v, at);
	return error;
}
