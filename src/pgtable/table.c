/* SPDX-License-Identifier: MIT */
/*
 * table.c - tables and their frames: made, split, shared, given back
 *
 * One root for each address space:
 *
 *             process A        kernel's own       process B
 *   user     ┌─────────┐       ┌─────────┐       ┌─────────┐
 *   half     │ A's     │       │  empty  │       │ B's     │
 *            ├─────────┤       ├─────────┤       ├─────────┤
 *   kernel's │ ────────┼─────> │ tables  │ <─────┼──────── │   the same entries
 *   half     └─────────┘       └─────────┘       └─────────┘
 *
 * PAE, 64 bits: a root entry of the kernel's half that comes to be is written into
 * all roots at once. Two-level i386: the root's entries are page directory entries, too many
 * to visit all processes for; a new one is copied when a process first
 * touches it (quire_table_sync), but one that changes or goes is written everywhere at once.
 */
#include "pgtable/table.h"

#include <quire/port.h>

#include "core/string.h"
#include "pgtable/trim.h"

/* ---- Frames -------------------------------------------------------------- */

void table_free(struct quire *q, struct quire_page *page)
{
	ASSERT("TABLE-1", frames_owner(page) == QUIRE_OWNER_TABLE);
	page->private = 0;
	frames_disown(page);
	quire_page_free(q, page, 0);
}

void stock_empty(struct stock *stock)
{
	while (stock->first) {
		struct quire_page *page = stock->first;

		stock->first = (struct quire_page *)page->private;
		table_free(stock->q, page);
	}
	stock->nr = 0;
}

int stock_fill(struct stock *stock, uint32_t need)
{
	while (stock->nr < need) {
		/* NOFS: faults on files hold a page of theirs. */
		struct quire_page *page = quire_page_alloc(stock->q, QUIRE_GFP_NOFS, 0);

		if (!page) {
			stock_empty(stock);
			return -QUIRE_ENOMEM;
		}
		frames_own(page, QUIRE_OWNER_TABLE);
		memset(stock->q->direct +
			       (uintptr_t)quire_pfn_phys(quire_page_pfn(stock->q, page)).v,
		       0, QUIRE_PAGE_SIZE);
		page->private = (uintptr_t)stock->first;
		stock->first = page;
		stock->nr++;
	}
	return 0;
}

static struct quire_page *stock_take(struct stock *stock, unsigned level)
{
	struct quire_page *page = stock->first;

	ASSERT("TABLE-4", page);
	stock->first = (struct quire_page *)page->private;
	stock->nr--;
	page->private = (uintptr_t)level << TABLE_LEVEL_SHIFT;
	return page;
}

static uint64_t page_phys(const struct quire *q, const struct quire_page *page)
{
	return quire_pfn_phys(quire_page_pfn(q, page)).v;
}

bool table_count(struct quire_table *t, const void *contents, int n)
{
	struct quire_page *page = table_page(t, contents);

	if (page->private & TABLE_SLOTS)
		return false;
	ASSERT("TABLE-3", (int)(page->private & TABLE_COUNT) + n >= 0 &&
				  (int)(page->private & TABLE_COUNT) + n <= 1024);
	page->private += (uintptr_t)(intptr_t)n;
	if (TABLE_LEVEL(page->private) == 0)
		t->nr_leaf[0] += (uint64_t)(int64_t)n;
	return !t->kernel && !(page->private & (TABLE_COUNT | TABLE_PINNED));
}

void *table_lowest(const struct quire_table *t, struct span span)
{
	const struct format *f = t->format;
	void *contents = t->root;

	if ((span.start ^ span.last) >> f->level[1].shift)
		return NULL;
	for (unsigned level = format_root(f); level; level--) {
		uint64_t entry = table_get(t, contents, format_index(f, level, span.start));

		if (!entry || format_is_leaf(f, level, entry))
			return NULL;
		contents = table_child(t, entry);
	}
	return contents;
}

/* ---- Ranges --------------------------------------------------------------- */

static uint64_t kernel_start(const struct quire *q)
{
	static const uint64_t page_offset[] = {
		[QUIRE_SPLIT_3G_1G] = 0xc0000000u,
		[QUIRE_SPLIT_2G_2G] = 0x80000000u,
		[QUIRE_SPLIT_1G_3G] = 0x40000000u,
	};
	const struct format *f = format_of(q->config.machine);

	return f->sign ? ~0ull << (f->virt_bits - 1) : page_offset[q->config.split];
}

quire_virt_t quire_kernel_start(const struct quire *q)
{
	return (quire_virt_t){ kernel_start(q) };
}

bool table_span(const struct quire_table *t, uint64_t virt, uint64_t bytes, struct span *out)
{
	uint64_t last = virt + bytes - 1;

	if (!bytes || ((virt | bytes) & (QUIRE_PAGE_SIZE - 1)) || last < virt)
		return false;
	if (!format_canonical(t->format, virt) || !format_canonical(t->format, last))
		return false;
	if (t->kernel ? virt < t->kernel_start : last >= t->kernel_start)
		return false;
	*out = (struct span){ virt, last };
	return true;
}

/* ---- The root's kernel half ------------------------------------------------ */

static unsigned kernel_first(const struct quire_table *t)
{
	return format_index(t->format, format_root(t->format), t->kernel_start);
}

/* The kernel's root entry @i is now @value; it was @old. */
static void share(const struct quire_table *kernel, unsigned i, uint64_t old, uint64_t value)
{
	/* Two levels: what is new waits for its first touch. */
	if (kernel->format->nr_levels == 2 && !old)
		return;
	for (struct quire_table *t = kernel->next; t; t = t->next)
		entry_store(t->root, i, t->format->entry_bytes, value);
}

void table_set(struct quire_table *t, unsigned level, void *contents, unsigned i, uint64_t value)
{
	uint64_t old = table_get(t, contents, i);

	entry_store(contents, i, t->format->entry_bytes, value);
	if (t->kernel && level == format_root(t->format))
		share(t, i, old, value);
}

bool quire_table_sync(struct quire_table *table, quire_virt_t virt)
{
	struct quire_table *kernel = &pgtable_of(table->q)->kernel;
	unsigned i = format_index(table->format, 1, virt.v);
	uint64_t entry;
	uintptr_t token;

	if (table->format->nr_levels != 2 || table->kernel || virt.v >> 32 ||
	    virt.v < table->kernel_start)
		return false;
	token = table_enter(kernel);
	entry = table_get(kernel, kernel->root, i);
	if (entry && !table_get(table, table->root, i))
		entry_store(table->root, i, table->format->entry_bytes, entry);
	/* Another processor may have brought it: what counts is whether the kernel has the page. */
	if (entry && !format_is_leaf(table->format, 1, entry))
		entry = table_get(kernel, table_child(kernel, entry),
				  format_index(table->format, 0, virt.v));
	table_leave(kernel, token);
	return entry;
}

/* ---- Made, split ------------------------------------------------------------ */

void *table_make(struct quire_table *t, unsigned level, void *contents, uint64_t virt,
		 struct stock *stock)
{
	struct quire_page *page = t->limbo ? limbo_take(t, level - 1, virt) : NULL;

	page = page ? page : stock_take(stock, level - 1);
	uint64_t phys = page_phys(t->q, page);

	table_set(t, level, contents, format_index(t->format, level, virt),
		  format_table(t->format, level, phys, !t->kernel));
	t->nr_tables++;
	return table_contents(t, phys);
}

void *table_split(struct quire_table *t, unsigned level, void *contents, unsigned i,
		  struct stock *stock)
{
	const struct format *f = t->format;
	struct quire_page *page = stock_take(stock, level - 1);
	uint64_t phys = page_phys(t->q, page), entry;
	void *child = table_contents(t, phys);
	unsigned nr = format_entries(f, level - 1);

	do {
		entry = table_get(t, contents, i);
		for (unsigned n = 0; n < nr; n++)
			entry_store(child, n, f->entry_bytes, format_split(f, level, entry, n));
	} while (!entry_change(contents, i, f->entry_bytes, entry,
			       format_table(f, level, phys, !t->kernel)));
	if (t->kernel && level == format_root(f))
		share(t, i, entry, table_get(t, contents, i));
	page->private |= nr;
	t->nr_tables++;
	t->nr_leaf[level]--;
	t->nr_leaf[level - 1] += nr;
	return child;
}

uint64_t table_changed(const struct format *f, unsigned level, uint64_t entry,
		       const struct quire_table_change *change)
{
	quire_pte_t pte = (format_pte(level, entry) & ~change->clear) | change->set;

	return format_leaf(f, level, format_leaf_phys(f, level, entry), pte);
}

/* Is @virt inside of a page of @shift, not at its border? */
static bool inside(uint64_t virt, unsigned shift)
{
	return virt & ((1ull << shift) - 1);
}

uint32_t table_splits(const struct quire_table *t, uint64_t virt, uint64_t other,
		      const struct quire_table_change *change)
{
	const struct format *f = t->format;
	const void *contents = t->root;
	unsigned level = format_root(f);
	uint64_t entry = table_get(t, contents, format_index(f, level, virt));
	uint32_t need = 0;

	while (entry && !format_is_leaf(f, level, entry)) {
		contents = table_child(t, entry);
		entry = table_get(t, contents, format_index(f, --level, virt));
	}
	if (!entry || (change && table_changed(f, level, entry, change) == entry))
		return 0;
	for (unsigned shift; shift = f->level[level].shift, inside(virt, shift); level--)
		need += !inside(other, shift) || virt >> shift != other >> shift;
	return need;
}

/* ---- Created, destroyed -------------------------------------------------------- */

/* PAE: processors read the root's entries when it is loaded; so their tables stay. */
static unsigned nr_pinned(const struct quire_table *t)
{
	unsigned first = kernel_first(t);

	return t->kernel ? format_entries(t->format, format_root(t->format)) - first : first;
}

static void pin_root(struct quire_table *t, struct stock *stock)
{
	unsigned first = t->kernel ? kernel_first(t) : 0, end = first + nr_pinned(t);

	for (unsigned i = first; i < end; i++) {
		void *child = table_make(t, format_root(t->format), t->root,
					 (uint64_t)i << t->format->level[2].shift, stock);

		table_page(t, child)->private |= TABLE_PINNED;
		table_count(t, t->root, 1);
	}
}

int table_init(struct quire *q, struct quire_table *t, bool kernel)
{
	struct stock stock = { .q = q };
	struct quire_page *page;
	unsigned nr;

	*t = (struct quire_table){ .q = q, .format = format_of(q->config.machine),
				   .kernel_start = kernel_start(q), .kernel = kernel,
				   .deposit = { .q = q } };
	t->leaf_shift = t->format->level[1].shift;
	t->leaf_last = (uint16_t)(format_entries(t->format, 0) - 1);
	nr = t->format->level[format_root(t->format)].bare ? nr_pinned(t) : 0;
	if (stock_fill(&stock, nr + 1))
		return -QUIRE_ENOMEM;
	page = stock_take(&stock, format_root(t->format));
	page->private |= TABLE_PINNED;
	t->root_phys = page_phys(q, page);
	t->root = table_contents(t, t->root_phys);
	t->nr_tables = 1;
	if (nr)
		pin_root(t, &stock);
	return 0;
}

/* Give back the tables below one of @level, and it itself. */
static void end_below(struct quire_table *t, unsigned level, void *contents, unsigned first,
		      unsigned end)
{
	for (unsigned i = first; level && i < end; i++) {
		uint64_t entry = table_get(t, contents, i);

		if (entry && !format_is_leaf(t->format, level, entry))
			end_below(t, level - 1, table_child(t, entry), 0,
				  format_entries(t->format, level - 1));
	}
	table_free(t->q, table_page(t, contents));
	t->nr_tables--;
}

void table_end(struct quire_table *t)
{
	unsigned root = format_root(t->format), first = kernel_first(t);

	ASSERT("TABLE-8", !t->deposit.nr);
	end_below(t, root, t->root, t->kernel ? first : 0,
		  t->kernel ? format_entries(t->format, root) : first);
	ASSERT("TABLE-4", t->nr_tables == 0);
}

int quire_table_create(struct quire *q, struct quire_table **out)
{
	struct pgtable *pg = pgtable_of(q);
	struct quire_table *t, *last;
	uintptr_t token;
	unsigned end;

	if (!pg)
		return -QUIRE_ENODEV;
	t = quire_port_alloc(q->config.host, quire_phys(QUIRE_PORT_ANYWHERE), sizeof(*t));
	if (!t)
		return -QUIRE_ENOMEM;
	if (table_init(q, t, false)) {
		quire_port_free(q->config.host, t, sizeof(*t));
		return -QUIRE_ENOMEM;
	}
	token = table_enter(&pg->kernel);
	end = format_entries(t->format, format_root(t->format));
	for (unsigned i = kernel_first(t); i < end; i++)
		entry_store(t->root, i, t->format->entry_bytes,
			    table_get(&pg->kernel, pg->kernel.root, i));
	for (last = &pg->kernel; last->next;)
		last = last->next;
	t->prev = last;
	last->next = t;
	t->serial = ++pg->nr_created;
	table_leave(&pg->kernel, token);
	*out = t;
	return 0;
}

int quire_table_destroy(struct quire_table *t)
{
	struct quire *q = t ? t->q : NULL;
	uintptr_t token;

	if (!t)
		return 0;
	if (t->kernel)
		return -QUIRE_EINVAL;
	if (acquire_load(&t->nr_loaded))
		return -QUIRE_EBUSY;
	token = table_enter(&pgtable_of(q)->kernel);
	t->prev->next = t->next;
	if (t->next)
		t->next->prev = t->prev;
	table_leave(&pgtable_of(q)->kernel, token);
	table_end(t);
	quire_port_free(q->config.host, t, sizeof(*t));
	return 0;
}

struct quire_table *quire_table_kernel(struct quire *q)
{
	return pgtable_of(q) ? &pgtable_of(q)->kernel : NULL;
}

struct quire_table *quire_table_next_table(struct quire *q, struct quire_table *t)
{
	if (!t)
		t = quire_table_kernel(q);
	return t ? t->next : NULL;
}

void quire_table_stat(struct quire_table *t, struct quire_table_stat *out)
{
	uintptr_t token = table_enter(t);

	*out = (struct quire_table_stat){ .root = { t->root_phys },
					  .nr_tables = t->nr_tables + t->deposit.nr,
					  .nr_levels = t->format->nr_levels };
	for (unsigned level = 0; level < t->format->nr_levels; level++) {
		out->nr_mapped[level] = t->nr_leaf[level];
		if (level && t->format->level[level].leaf)
			out->order[level] = t->format->level[level].shift - QUIRE_PAGE_SHIFT;
	}
	table_leave(t, token);
}
