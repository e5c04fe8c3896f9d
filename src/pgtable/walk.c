/* SPDX-License-Identifier: MIT */
/*
 * walk.c - look at what a table says
 *
 * quire_table_query answers quickly, quire_table_walk with every step. Both read memory as it is;
 * what a processor still has in its TLB may differ.
 *
 * Source: Intel SDM vol. 3A, 4.6 (access rights), 4.7 (page-fault exceptions)
 */
#include "core/assert.h"
#include "pgtable/table.h"

/* Down to the entry that maps @virt, or to the one that is absent. Return: that entry */
static uint64_t find(const struct quire_table *t, uint64_t virt, unsigned *level)
{
	const struct format *f = t->format;
	const void *contents = t->root;
	uint64_t entry;

	*level = format_root(f);
	for (;;) {
		entry = table_get(t, contents, format_index(f, *level, virt));
		if (!entry || format_is_leaf(f, *level, entry))
			return entry;
		contents = table_child(t, entry);
		--*level;
	}
}

static void describe(const struct format *f, unsigned level, uint64_t virt, uint64_t entry,
		     struct quire_mapping *out)
{
	uint64_t mask = (1ull << f->level[level].shift) - 1;

	*out = (struct quire_mapping){ .virt = { virt & ~mask },
				       .phys = { format_leaf_phys(f, level, entry) },
				       .order = f->level[level].shift - QUIRE_PAGE_SHIFT,
				       .pte = format_pte(level, entry) };
}

int quire_table_query(struct quire_table *table, quire_virt_t virt, struct quire_mapping *out)
{
	unsigned level;
	uintptr_t token;
	uint64_t entry;

	if (!format_canonical(table->format, virt.v))
		return -QUIRE_EFAULT;
	token = table_enter(table);
	entry = find(table, virt.v, &level);
	table_leave(table, token);
	if (!entry)
		return -QUIRE_ENOENT;
	describe(table->format, level, virt.v, entry, out);
	return 0;
}

/* The first address after the part that an entry of @level covers. Return: false at the end */
static bool skip(const struct format *f, unsigned level, uint64_t *virt)
{
	uint64_t next = (*virt | ((1ull << f->level[level].shift) - 1)) + 1;

	*virt = next;
	return next && (f->sign || !(next >> f->virt_bits));
}

bool quire_table_next(struct quire_table *table, quire_virt_t from, struct quire_mapping *out)
{
	const struct format *f = table->format;
	uint64_t virt = from.v, entry = 0;
	unsigned level = 0;
	bool more = true;
	uintptr_t token = table_enter(table);

	while (more && !entry) {
		if (!format_canonical(f, virt)) {
			/* 64 bits: on with the upper half; else there is nothing above. */
			more = f->sign;
			virt = ~0ull << (f->virt_bits - 1);
			continue;
		}
		entry = find(table, virt, &level);
		if (!entry)
			more = skip(f, level, &virt);
	}
	table_leave(table, token);
	if (!entry)
		return false;
	describe(f, level, virt, entry, out);
	return true;
}

/* ---- Step by step ------------------------------------------------------------- */

static bool page_fault(struct quire_walk *w, quire_virt_t virt, uint32_t code)
{
	w->fault = (struct quire_exception){ QUIRE_VECTOR_PF, code, virt };
	return false;
}

static void step_describe(const struct format *f, struct quire_walk_step *step)
{
	step->present = step->entry & QUIRE_PTE_PRESENT;
	if (!step->present)
		return;
	step->reserved = format_reserved(f, step->level, format_unused(step->entry));
	step->leaf = format_is_leaf(f, step->level, step->entry);
	step->pte = format_pte(step->leaf ? step->level : 0, step->entry);
	if (!step->leaf)
		step->pte &= ~QUIRE_PTE_PAT;
	step->phys.v = step->leaf ? format_leaf_phys(f, step->level, step->entry)
				  : format_table_phys(f, step->entry);
}

bool quire_table_walk(struct quire_table *table, quire_virt_t virt, enum quire_access access,
		      bool user, struct quire_walk *out)
{
	const struct format *f = table->format;
	uint32_t code = (access == QUIRE_ACCESS_WRITE ? QUIRE_PF_WRITE : 0) |
			(user ? QUIRE_PF_USER : 0) |
			(access == QUIRE_ACCESS_EXEC && f->nx ? QUIRE_PF_EXEC : 0);
	quire_pte_t all = QUIRE_PTE_RW | QUIRE_PTE_USER, none = 0;
	uint64_t phys = table->root_phys;
	struct quire_walk_step *step;
	uintptr_t token;

	*out = (struct quire_walk){ .nr = 0 };
	if (!format_canonical(f, virt.v)) {
		out->fault = (struct quire_exception){ QUIRE_VECTOR_GP, 0, virt };
		return false;
	}
	token = table_enter(table);
	do {
		unsigned level = format_root(f) - out->nr;

		step = &out->step[out->nr++];
		*step = (struct quire_walk_step){ .level = level, .table = { phys },
						  .index = format_index(f, level, virt.v) };
		step->entry = table_get(table, table_contents(table, phys), step->index);
		step_describe(f, step);
		if (!f->level[level].bare)
			all &= step->pte;
		none |= step->pte & QUIRE_PTE_NX;
		phys = step->phys.v;
	} while (step->present && !step->reserved && !step->leaf);
	table_leave(table, token);
	if (!step->present)
		return page_fault(out, virt, code);
	if (step->reserved)
		return page_fault(out, virt, code | QUIRE_PF_PRESENT | QUIRE_PF_RESERVED);
	if ((user && !(all & QUIRE_PTE_USER)) ||
	    (access == QUIRE_ACCESS_WRITE && !(all & QUIRE_PTE_RW)) ||
	    (access == QUIRE_ACCESS_EXEC && none))
		return page_fault(out, virt, code | QUIRE_PF_PRESENT);
	out->phys.v = phys | (virt.v & ((1ull << f->level[step->level].shift) - 1));
	return true;
}

const char *quire_level_name(const struct quire *q, unsigned level)
{
	static const char *const names[] = { "PTE", "PMD", "PUD", "P4D" };
	unsigned root = format_root(format_of(q->config.machine));

	return level == root ? "PGD" : level < root ? names[level] : "?";
}

const char *quire_vector_name(enum quire_vector vector)
{
	switch (vector) {
	case QUIRE_VECTOR_NONE:
		return "none";
	case QUIRE_VECTOR_NP:
		return "#NP";
	case QUIRE_VECTOR_SS:
		return "#SS";
	case QUIRE_VECTOR_GP:
		return "#GP";
	case QUIRE_VECTOR_PF:
		return "#PF";
	default:
		return "?";
	}
}
