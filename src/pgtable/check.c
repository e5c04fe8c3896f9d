/* SPDX-License-Identifier: MIT */
/*
 * check.c - the invariants of page tables, and the hash of their contents
 *
 * Each table is walked once; a mark in the owner's word of its frame finds one that is reached
 * twice, and is taken away by a second walk.
 */
#include "pgtable/check.h"

#include "core/hash.h"
#include "pgtable/table.h"

/* A walk over one address space. */
struct visit {
	const struct quire_table *t;
	struct quire_violation *out;
	uint64_t nr_tables;
	uint64_t nr_leaf[FORMAT_LEVELS];
	uint64_t hash;
};

static bool broken(struct quire_violation *out, const char *rule, const char *text, uint64_t where)
{
	if (out)
		*out = (struct quire_violation){ rule, text, where };
	return false;
}

/* The entries of a table that are its own: of a root, those of its half. */
static void own_part(const struct quire_table *t, unsigned level, unsigned *first, unsigned *end)
{
	unsigned kernel = format_index(t->format, format_root(t->format), t->kernel_start);

	*first = 0;
	*end = format_entries(t->format, level);
	if (level == format_root(t->format) && t->kernel)
		*first = kernel;
	else if (level == format_root(t->format))
		*end = kernel;
}

/* The frame of a table: owned, of this level, not reached before. Marks it. */
static bool frame_check(struct visit *v, unsigned level, uint64_t phys)
{
	struct quire_page *page = quire_pfn_page(v->t->q, quire_phys_pfn(quire_phys(phys)));

	if (!page || phys >= v->t->q->direct_bytes || frames_owner(page) != QUIRE_OWNER_TABLE)
		return broken(v->out, "TABLE-1", "an entry points to a page table's frame", phys);
	if (TABLE_LEVEL(page->private) != level || (page->private & TABLE_SEEN))
		return broken(v->out, "TABLE-1", "a table has one level and one entry", phys);
	page->private |= TABLE_SEEN;
	v->nr_tables++;
	return true;
}

static bool count_check(struct visit *v, unsigned level, const void *contents, unsigned used)
{
	uintptr_t word = table_page(v->t, contents)->private;
	bool stays = v->t->kernel || (word & (TABLE_PINNED | TABLE_SLOTS));

	if (word & TABLE_SLOTS)
		return true;
	if ((word & TABLE_COUNT) != used)
		return broken(v->out, "TABLE-3", "a table counts its entries in use", level);
	if (!used && !stays)
		return broken(v->out, "TABLE-3", "an empty table goes", level);
	return true;
}

/* An entry in use: without reserved bits, and present; or a process's page that nobody may use. */
static bool sane(const struct quire_table *t, unsigned level, uint64_t entry)
{
	bool none = !t->kernel && format_is_leaf(t->format, level, entry) && (entry & ENTRY_NONE);

	return ((entry & QUIRE_PTE_PRESENT) || none) &&
	       !format_reserved(t->format, level, format_unused(entry));
}

static bool table_check(struct visit *v, unsigned level, uint64_t phys)
{
	const struct format *f = v->t->format;
	const void *contents = table_contents(v->t, phys);
	unsigned i, end, used = 0;
	bool slots;

	if (!frame_check(v, level, phys))
		return false;
	slots = table_page(v->t, contents)->private & TABLE_SLOTS;
	for (own_part(v->t, level, &i, &end); i < end; i++) {
		uint64_t entry = table_get(v->t, contents, i);

		if (!entry)
			continue;
		used++;
		if (!sane(v->t, level, entry))
			return broken(v->out, "TABLE-2", "an entry is present, or marked", entry);
		if (format_is_leaf(f, level, entry))
			v->nr_leaf[level] += !slots;
		else if (!table_check(v, level - 1, format_table_phys(f, entry)))
			return false;
	}
	return count_check(v, level, contents, used);
}

static void unmark(const struct quire_table *t, unsigned level, const void *contents)
{
	struct quire_page *page = table_page(t, contents);
	unsigned i, end;

	if (!page || !(page->private & TABLE_SEEN))
		return;
	page->private &= ~(uintptr_t)TABLE_SEEN;
	for (own_part(t, level, &i, &end); level && i < end; i++) {
		uint64_t entry = table_get(t, contents, i);

		if (entry && !format_is_leaf(t->format, level, entry))
			unmark(t, level - 1, table_child(t, entry));
	}
}

/* The kernel's half of a process's root. */
static bool shared_check(const struct quire_table *kernel, const struct quire_table *t,
			 struct quire_violation *out)
{
	unsigned root = format_root(t->format), i, end;

	for (own_part(kernel, root, &i, &end); i < end; i++) {
		uint64_t mine = table_get(t, t->root, i);
		uint64_t theirs = table_get(kernel, kernel->root, i);
		uint64_t marks = format_is_leaf(t->format, root, theirs) ? ENTRY_MARKS
									 : QUIRE_PTE_ACCESSED;

		if ((mine ^ theirs) & ~marks && (mine || t->format->nr_levels > 2))
			return broken(out, "TABLE-5", "the kernel's half is the kernel's", i);
	}
	return true;
}

/* What is set aside to split large leaves: empty page tables, and for each a leaf. */
static bool deposit_check(const struct quire_table *t, struct quire_violation *out)
{
	const struct quire_page *page = t->deposit.first;
	uint32_t nr = 0;

	for (; page; page = (const struct quire_page *)page->private, nr++) {
		if (frames_owner(page) != QUIRE_OWNER_TABLE || nr >= t->deposit.nr)
			return broken(out, "TABLE-8", "a deposit is a page table's frame",
				      quire_page_pfn(t->q, page).v);
	}
	if (nr != t->deposit.nr || nr > t->nr_leaf[1])
		return broken(out, "TABLE-8", "a large leaf has a deposit at the most", nr);
	return true;
}

static bool one_check(const struct quire_table *t, struct quire_violation *out)
{
	struct visit v = { .t = t, .out = out };
	bool ok = table_check(&v, format_root(t->format), t->root_phys);

	unmark(t, format_root(t->format), t->root);
	if (!ok)
		return false;
	if (v.nr_tables != t->nr_tables)
		return broken(out, "TABLE-4", "nr_tables is the number of tables", t->serial);
	for (unsigned level = 0; level < FORMAT_LEVELS; level++) {
		if (v.nr_leaf[level] != t->nr_leaf[level])
			return broken(out, "TABLE-4", "nr_leaf is the number of pages mapped",
				      t->serial);
	}
	return deposit_check(t, out);
}

bool check_tables(struct quire *q, const struct tier *tier, struct quire_violation *out)
{
	const struct pgtable *pg = (const struct pgtable *)(const void *)tier;

	(void)q;
	if (pg->kernel.limbo)
		return broken(out, "TABLE-7", "no table is just being taken out", 0);
	for (const struct quire_table *t = &pg->kernel; t; t = t->next) {
		if (!one_check(t, out) || !shared_check(&pg->kernel, t, out))
			return false;
	}
	return true;
}

static uint64_t table_hash(const struct quire_table *t, unsigned level, const void *contents,
			   uint64_t hash)
{
	unsigned i = 0, end = 0;

	for (own_part(t, level, &i, &end); i < end; i++) {
		uint64_t entry = table_get(t, contents, i);

		if (!entry)
			continue;
		hash = hash_word(hash_word(hash_word(hash, level), i), entry);
		if (!format_is_leaf(t->format, level, entry))
			hash = table_hash(t, level - 1, table_child(t, entry), hash);
	}
	return hash;
}

uint64_t check_hash(struct quire *q, const struct tier *tier, uint64_t hash)
{
	const struct pgtable *pg = (const struct pgtable *)(const void *)tier;

	for (const struct quire_table *t = &pg->kernel; t; t = t->next) {
		hash = hash_word(hash_word(hash, t->serial), t->root_phys);
		hash = table_hash(t, format_root(t->format), t->root, hash);
	}
	for (unsigned cpu = 0; cpu < q->config.nr_cpus; cpu++)
		hash = hash_word(hash, relaxed_load(&pg->loaded[cpu])
					       ? relaxed_load(&pg->loaded[cpu])->serial + 1
					       : 0);
	return hash;
}
