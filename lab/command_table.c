/* SPDX-License-Identifier: MIT */
/*
 * command_table.c - page tables by name: make, map, unmap, protect, copy, load
 *
 *   table A                                      a process's, with the kernel's half shared
 *   table A map 0x8048000-0x804a000 = 0x5000 rw  to physical addresses from 0x5000 on
 *   table A map 4M-8M = B ro large               to the frames of block B
 *   table kernel protect 0xf8000000-0xf8001000 ro
 */
#include <quire/layout.h>
#include <quire/pgtable.h>

#include "args.h"
#include "command.h"
#include "process.h"
#include "text.h"

struct quire_table *table_named(struct lab *lab, const char *name)
{
	const struct lab_table *t = lab->tables;

	if (text_equal(name, "kernel"))
		return quire_table_kernel(lab->q);
	while (t && !text_equal(t->name, name))
		t = t->next;
	return t ? t->table : NULL;
}

struct quire_table *table_seen(struct lab *lab, const char *name)
{
	struct quire_table *table = table_named(lab, name);
	const struct lab_process *p = process_find(lab, name);

	return !table && p ? quire_mm_table(p->mm) : table;
}

enum lab_status table_current(struct lab *lab, struct quire_table **out)
{
	enum lab_status status = session_kernel(lab);
	int error = 0;

	if (status)
		return status;
	*out = quire_table_loaded(lab->q, lab->cpu);
	if (*out)
		return LAB_OK;
	*out = quire_table_kernel(lab->q);
	error = quire_table_load(*out);
	return error ? session_error(lab, error, "loading the kernel's table") : LAB_OK;
}

/* The name that the command began with; the words go on behind it. */
static struct quire_table *subject(struct lab *lab)
{
	return table_named(lab, lab->words.word[lab->words.at - 2]);
}

static enum lab_status make(struct lab *lab, const char *name)
{
	struct lab_table *t = session_alloc(lab, sizeof(*t));
	int error;

	if (!t)
		return session_memory(lab);
	error = quire_table_create(lab->q, &t->table);
	if (error) {
		session_free(lab, t, sizeof(*t));
		return session_error(lab, error, "table");
	}
	text_copy(t->name, sizeof(t->name), name);
	t->next = lab->tables;
	lab->tables = t;
	return LAB_OK;
}

/* START-END in bytes; its end may be the end of all addresses. */
static enum lab_status args_span(struct lab *lab, quire_virt_t *start, uint64_t *bytes)
{
	uint64_t end = 0;
	enum lab_status status = args_range(lab, true, &start->v, &end);

	*bytes = end - start->v;
	return status;
}

/** struct word - a word of a mapping's rights, and the bits that it sets and clears */
static const struct word {
	const char *name;
	quire_pte_t set, clear;
} rights[] = {
	{ "rw", QUIRE_PTE_RW, 0 },
	{ "ro", 0, QUIRE_PTE_RW },
	{ "exec", 0, QUIRE_PTE_NX },
	{ "nx", QUIRE_PTE_NX, 0 },
	{ "user", QUIRE_PTE_USER, 0 },
	{ "supervisor", 0, QUIRE_PTE_USER },
	{ "global", QUIRE_PTE_GLOBAL, 0 },
	{ "uc", QUIRE_PTE_UC, QUIRE_PTE_CACHE },
	{ "wc", QUIRE_PTE_WC, QUIRE_PTE_CACHE },
	{ "wt", QUIRE_PTE_WT, QUIRE_PTE_CACHE },
	{ "wb", QUIRE_PTE_WB, QUIRE_PTE_CACHE },
	{ "clean", 0, QUIRE_PTE_DIRTY },
	{ "old", 0, QUIRE_PTE_ACCESSED },
};

/* Rights up to the end of the line; @order: of the largest pages, NULL: not asked. */
static enum lab_status args_rights(struct lab *lab, struct quire_table_change *out, unsigned *order)
{
	const char *name;

	while ((name = words_next(&lab->words))) {
		struct lab_nearest near = { NULL, 0 };
		const struct word *w = NULL;

		for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
			if (text_equal(name, rights[i].name))
				w = &rights[i];
			nearest_try(&near, name, rights[i].name);
		}
		if (order && text_equal(name, "large"))
			*order = QUIRE_ORDER_MAX;
		else if (order && text_equal(name, "huge"))
			*order = 18;
		else if (!w)
			return args_wrong(lab, "right", name, near.word);
		if (!w)
			continue;
		out->set = (out->set & ~w->clear) | w->set;
		out->clear = (out->clear & ~w->set) | (w->clear & ~w->set);
	}
	return LAB_OK;
}

/* A physical address, or the first of a block's. */
static enum lab_status args_target(struct lab *lab, quire_phys_t *out)
{
	struct lab_ref ref;
	enum lab_status status;

	words_take(&lab->words, "=");
	const char *word = words_peek(&lab->words);
	if (word && word[0] >= '0' && word[0] <= '9')
		return args_size(lab, "the physical address", &out->v);
	status = args_ref(lab, &ref);
	if (!status && !ref.page)
		return session_fail(lab, LAB_USAGE, "%s: there is no such frame", ref.text);
	if (!status)
		*out = quire_pfn_phys(quire_page_pfn(lab->q, ref.page));
	return status;
}

static enum lab_status table_map(struct lab *lab)
{
	struct quire_table *t = subject(lab);
	struct quire_table_change pte = { .set = t == quire_table_kernel(lab->q)
							 ? QUIRE_PTE_KERNEL
							 : QUIRE_PTE_USER_RW };
	quire_virt_t start = { 0 };
	quire_phys_t phys = { 0 };
	unsigned order = 0;
	uint64_t bytes = 0;
	enum lab_status status = args_span(lab, &start, &bytes);
	int error;

	if (!status)
		status = args_target(lab, &phys);
	if (!status)
		status = args_rights(lab, &pte, &order);
	if (status)
		return status;
	error = quire_table_map(t, start, phys, bytes, pte.set, order);
	return error ? session_error(lab, error, "map") : LAB_OK;
}

static enum lab_status table_unmap(struct lab *lab)
{
	struct quire_table *t = subject(lab);
	quire_virt_t start = { 0 };
	uint64_t bytes = 0;
	enum lab_status status = args_span(lab, &start, &bytes);
	int error;

	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	error = quire_table_unmap(t, start, bytes, NULL);
	return error ? session_error(lab, error, "unmap") : LAB_OK;
}

static enum lab_status table_protect(struct lab *lab)
{
	struct quire_table *t = subject(lab);
	struct quire_table_change change = { 0, 0 };
	quire_virt_t start = { 0 };
	uint64_t bytes = 0;
	enum lab_status status = args_span(lab, &start, &bytes);
	int error;

	if (!status)
		status = args_rights(lab, &change, NULL);
	if (status)
		return status;
	error = quire_table_protect(t, start, bytes, change, NULL);
	return error ? session_error(lab, error, "protect") : LAB_OK;
}

static enum lab_status table_copy(struct lab *lab)
{
	struct quire_table *to = subject(lab), *from = NULL;
	quire_virt_t start = { 0 };
	uint64_t bytes = 0;
	enum lab_status status = args_span(lab, &start, &bytes);
	const char *name = NULL;
	quire_pte_t clear = 0;
	int error;

	if (!status && words_take(&lab->words, "from"))
		name = words_next(&lab->words);
	if (status)
		return status;
	from = name ? table_named(lab, name) : NULL;
	if (!from)
		return args_wrong(lab, "table", name, NULL);
	if (words_take(&lab->words, "cow"))
		clear = QUIRE_PTE_RW;
	status = args_end(lab);
	if (status)
		return status;
	error = quire_table_copy(to, from, start, bytes, clear, NULL);
	return error ? session_error(lab, error, "copy") : LAB_OK;
}

static enum lab_status table_load(struct lab *lab)
{
	struct quire_table *t = subject(lab);
	enum lab_status status = args_end(lab);
	int error = status ? 0 : quire_table_load(t);

	return error ? session_error(lab, error, "load") : status;
}

static enum lab_status table_destroy(struct lab *lab)
{
	struct quire_table *table = subject(lab);
	enum lab_status status = args_end(lab);
	struct lab_table **at = &lab->tables;
	struct lab_table *t;
	int error;

	if (status)
		return status;
	error = quire_table_destroy(table);
	if (error)
		return session_error(lab, error, "destroy");
	while ((*at)->table != table)
		at = &(*at)->next;
	t = *at;
	*at = t->next;
	session_free(lab, t, sizeof(*t));
	return LAB_OK;
}

const struct lab_form table_forms[] = {
	{ "map", "START-END = PHYS|BLOCK [RIGHT...] [large|huge]", "addresses to physical ones",
	  table_map },
	{ "unmap", "START-END", "take them away", table_unmap },
	{ "protect", "START-END RIGHT...", "ro rw nx exec user supervisor uc wc wt wb clean old",
	  table_protect },
	{ "copy", "START-END from NAME [cow]", "map what another one maps; cow: both read-only",
	  table_copy },
	{ "load", "", "this processor uses it", table_load },
	{ "destroy", "", "give its frames back", table_destroy },
	{ NULL, NULL, NULL, NULL },
};

enum lab_status command_table(struct lab *lab, const char *target)
{
	const char *name = words_next(&lab->words);
	enum lab_status status = name ? session_kernel(lab)
				      : args_wrong(lab, "the table's name", NULL, NULL);

	(void)target;
	if (status)
		return status;
	if (!words_end(&lab->words)) {
		if (!table_named(lab, name))
			return args_wrong(lab, "table", name, NULL);
		return command_form(lab, table_forms, "form of table");
	}
	if (!session_is_name(name) || table_named(lab, name))
		return session_fail(lab, LAB_USAGE, "'%s' can't be a table's name", name);
	return make(lab, name);
}

enum lab_status expect_table(struct lab *lab)
{
	const char *name = words_next(&lab->words), *what = words_next(&lab->words);
	struct quire_table_stat stat;
	struct quire_table *t = name ? table_seen(lab, name) : NULL;
	uint64_t is;

	if (!t)
		return args_wrong(lab, "table", name, NULL);
	quire_table_stat(t, &stat);
	if (what && text_equal(what, "tables"))
		is = stat.nr_tables;
	else if (what && text_equal(what, "pages"))
		is = stat.nr_mapped[0];
	else if (what && text_equal(what, "large"))
		is = stat.nr_mapped[1];
	else if (what && text_equal(what, "huge"))
		is = stat.nr_mapped[2];
	else
		return args_wrong(lab, "number of a table", what, NULL);
	return expect_number(lab, what, is);
}
