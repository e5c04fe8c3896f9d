/* SPDX-License-Identifier: MIT */
/*
 * map.c - map ranges
 *
 * Each change goes over its range twice with the lock held: once to see that it
 * can be done and how many tables it takes, once to do it. The tables are allocated
 * between the two without the lock, which is why the first is repeated until
 * the stock will do.
 */
#include "core/assert.h"
#include "pgtable/table.h"
#include "pgtable/tlb.h"
#include "pgtable/trim.h"

/* What is to be mapped. */
struct map {
	struct quire_table *t;
	const struct format *f;
	struct stock stock;
	uint64_t virt;                   /* of the first byte */
	uint64_t phys;                   /* that it is mapped to */
	struct quire_page *const *pages; /* or one frame after the other; NULL: contiguous */
	quire_pte_t pte;
	unsigned top;                    /* highest level whose leaves may be used */
};

static bool leaf_fits(const struct map *m, unsigned level, uint64_t at, uint64_t end)
{
	uint64_t mask = (1ull << m->f->level[level].shift) - 1;

	return level <= m->top && m->f->level[level].leaf && span_whole(m->f, level, at, end) &&
	       !((m->phys + (at - m->virt)) & mask) &&
	       !(m->t->limbo && limbo_has(m->t, level - 1, at));
}

/*
 * Is nothing mapped in the range, and how many tables does it lack? @table is NULL where there
 * is none yet.
 */
static int plan(const struct map *m, unsigned level, const void *table, struct span span,
		uint32_t *need)
{
	if (level == 0) {
		unsigned i = format_index(m->f, 0, span.start);
		unsigned last = format_index(m->f, 0, span.last);

		for (; table && i <= last; i++) {
			if (table_get(m->t, table, i))
				return -QUIRE_EEXIST;
		}
		return 0;
	}
	for (uint64_t at = span.start, end;; at = end + 1) {
		uint64_t entry = table ? table_get(m->t, table, format_index(m->f, level, at)) : 0;
		int error = 0;

		end = span_part(m->f, level, at, span.last);
		if (entry && format_is_leaf(m->f, level, entry))
			return -QUIRE_EEXIST;
		if (entry || !leaf_fits(m, level, at, end)) {
			*need += !entry;
			error = plan(m, level - 1, entry ? table_child(m->t, entry) : NULL,
				     (struct span){ at, end }, need);
		}
		if (error || end == span.last)
			return error;
	}
}

/* Entries of a page table, one after the other. */
static void fill(const struct map *m, void *table, struct span span)
{
	unsigned i = format_index(m->f, 0, span.start), last = format_index(m->f, 0, span.last);
	unsigned bytes = m->f->entry_bytes;
	uint64_t bits = format_leaf(m->f, 0, 0, m->pte);

	if (m->pages) {
		struct quire_page *const *page =
			m->pages + ((span.start - m->virt) >> QUIRE_PAGE_SHIFT);

		for (; i <= last; i++, page++)
			entry_store(table, i, bytes,
				    bits | quire_page_pfn(m->t->q, *page).v << QUIRE_PAGE_SHIFT);
		return;
	}
	bits |= m->phys + (span.start - m->virt);
	if (bytes == 8) {
		for (; i <= last; i++, bits += QUIRE_PAGE_SIZE)
			entry_store(table, i, 8, bits);
	} else {
		for (; i <= last; i++, bits += QUIRE_PAGE_SIZE)
			entry_store(table, i, 4, bits);
	}
}

static void carry_out(struct map *m, unsigned level, void *table, struct span span)
{
	int nr = 0;

	if (level == 0) {
		fill(m, table, span);
		table_count(m->t, table,
			    (int)((span.last - span.start) >> QUIRE_PAGE_SHIFT) + 1);
		return;
	}
	for (uint64_t at = span.start, end;; at = end + 1) {
		unsigned i = format_index(m->f, level, at);
		uint64_t entry = table_get(m->t, table, i);

		end = span_part(m->f, level, at, span.last);
		nr += !entry;
		if (!entry && leaf_fits(m, level, at, end)) {
			table_set(m->t, level, table, i,
				  format_leaf(m->f, level, m->phys + (at - m->virt), m->pte));
			m->t->nr_leaf[level]++;
		} else {
			void *child = entry ? table_child(m->t, entry)
					    : table_make(m->t, level, table, at, &m->stock);

			carry_out(m, level - 1, child, (struct span){ at, end });
		}
		if (end == span.last)
			break;
	}
	if (nr)
		table_count(m->t, table, nr);
}

static int map(struct map *m, struct span span)
{
	unsigned level;
	uint32_t need;
	uintptr_t token;
	void *table;
	int error;

	m->stock = (struct stock){ .q = m->t->q };
	for (;;) {
		token = table_enter(m->t);
		need = 0;
		/* Mostly a few pages of one page table that is there. */
		table = table_lowest(m->t, span);
		level = table ? 0 : format_root(m->f);
		table = table ? table : m->t->root;
		error = plan(m, level, table, span, &need);
		if (error || need <= m->stock.nr)
			break;
		table_leave(m->t, token);
		error = stock_fill(&m->stock, need);
		if (error)
			return error;
	}
	if (!error)
		carry_out(m, level, table, span);
	table_leave(m->t, token);
	if (m->stock.nr)
		stock_empty(&m->stock);
	return error;
}

int quire_table_map(struct quire_table *table, quire_virt_t virt, quire_phys_t phys, uint64_t bytes,
		    quire_pte_t pte, unsigned order)
{
	struct map m = { .t = table, .f = table->format, .virt = virt.v, .phys = phys.v,
			 .pte = pte | QUIRE_PTE_PRESENT };
	struct span span;

	if (!table_span(table, virt.v, bytes, &span) || !table_pte_ok(table, pte) ||
	    (phys.v & (QUIRE_PAGE_SIZE - 1)))
		return -QUIRE_EINVAL;
	if (phys.v + bytes - 1 < phys.v || (phys.v + bytes - 1) >> m.f->phys_bits)
		return -QUIRE_ERANGE;
	while (m.top + 1u < m.f->nr_levels &&
	       m.f->level[m.top + 1].shift <= order + (uint64_t)QUIRE_PAGE_SHIFT)
		m.top++;
	return map(&m, span);
}

int quire_table_map_pages(struct quire_table *table, quire_virt_t virt,
			  struct quire_page *const *pages, size_t nr, quire_pte_t pte)
{
	struct map m = { .t = table, .f = table->format, .virt = virt.v, .pages = pages,
			 .pte = pte | QUIRE_PTE_PRESENT };
	struct span span;

	uint64_t bytes = (uint64_t)nr << QUIRE_PAGE_SHIFT;

	if (bytes >> QUIRE_PAGE_SHIFT != nr || !table_pte_ok(table, pte) ||
	    !table_span(table, virt.v, bytes, &span))
		return -QUIRE_EINVAL;
	for (size_t i = 0; i < nr; i++) {
		if (!frames_owns(&table->q->frames, pages[i]))
			return -QUIRE_EINVAL;
	}
	return map(&m, span);
}
