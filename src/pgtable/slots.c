/* SPDX-License-Identifier: MIT */
/*
 * slots.c - page tables made ahead
 */
#include "pgtable/slots.h"

#include "core/assert.h"

/* Down to the page table of @virt, or where the way ends. Return: its contents, NULL: missing */
static void *descend(const struct quire_table *t, uint64_t virt, unsigned *level, bool *large)
{
	void *contents = t->root;
	uint64_t entry;

	*large = false;
	for (*level = format_root(t->format); *level; --*level) {
		entry = table_get(t, contents, format_index(t->format, *level, virt));
		*large = entry && format_is_leaf(t->format, *level, entry);
		if (!entry || *large)
			return NULL;
		contents = table_child(t, entry);
	}
	return contents;
}

/* How many tables the range lacks; more than that if some have one above in common. */
static int plan(const struct quire_table *t, struct span span, uint32_t *need)
{
	unsigned level;
	bool large;

	*need = 0;
	for (uint64_t at = span.start, end;; at = end + 1) {
		end = span_part(t->format, 1, at, span.last);
		descend(t, at, &level, &large);
		if (large)
			return -QUIRE_EEXIST;
		*need += level;
		if (end == span.last)
			return 0;
	}
}

static void make(struct quire_table *t, uint64_t virt, struct stock *stock)
{
	unsigned level = format_root(t->format);
	void *contents = t->root;
	struct quire_page *page;

	for (; level; level--) {
		uint64_t entry = table_get(t, contents, format_index(t->format, level, virt));
		void *parent = contents;

		if (entry) {
			contents = table_child(t, entry);
			continue;
		}
		contents = table_make(t, level, parent, virt, stock);
		table_count(t, parent, 1);
	}
	page = table_page(t, contents);
	if (!(page->private & TABLE_SLOTS))
		t->nr_leaf[0] -= page->private & TABLE_COUNT;
	page->private = (page->private & ~(uintptr_t)TABLE_COUNT) | TABLE_SLOTS;
}

int slots_make(struct quire_table *t, quire_virt_t virt, uint64_t bytes)
{
	struct stock stock = { .q = t->q };
	struct span span;
	uintptr_t token;
	uint32_t need;
	int error;

	if (!t->kernel || !table_span(t, virt.v, bytes, &span))
		return -QUIRE_EINVAL;
	for (;;) {
		token = table_enter(t);
		error = plan(t, span, &need);
		if (error || need <= stock.nr)
			break;
		table_leave(t, token);
		error = stock_fill(&stock, need);
		if (error)
			return error;
	}
	for (uint64_t at = span.start, end = at; !error && end != span.last; at = end + 1) {
		end = span_part(t->format, 1, at, span.last);
		make(t, at, &stock);
	}
	table_leave(t, token);
	stock_empty(&stock);
	return error;
}

void *slots_find(const struct quire_table *t, quire_virt_t virt)
{
	unsigned level;
	bool large;
	unsigned char *contents = descend(t, virt.v, &level, &large);

	ASSERT("TABLE-6", contents && (table_page(t, contents)->private & TABLE_SLOTS));
	return contents + (size_t)format_index(t->format, 0, virt.v) * t->format->entry_bytes;
}
