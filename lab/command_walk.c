/* SPDX-License-Identifier: MIT */
/*
 * command_walk.c - from a logical address to memory, as text, JSON and expectation
 *
 * What is shown is what the tables in memory say; the processor may still remember otherwise.
 */
#include <quire/pgtable.h>

#include "args.h"
#include "command.h"
#include "size.h"
#include "text.h"

typedef unsigned long long ull;

/** struct way - an access, and how far it gets */
struct way {
	struct quire_table *table;
	const char *name;             /* of the table; NULL: the processor's */
	bool by_selector;             /* the address has one */
	struct quire_logical logical; /* what is asked for */
	struct quire_linear linear;   /* what segmentation makes of it */
	struct quire_walk walk;       /* what paging does */
	struct quire_exception fault; /* of either; QUIRE_VECTOR_NONE: none */
};

/* [SEL:]OFFSET */
static enum lab_status args_logical(struct lab *lab, struct way *w)
{
	const char *word = words_next(&lab->words), *offset = word;
	uint64_t selector = 0;

	for (size_t i = 0; word && word[i]; i++) {
		if (word[i] != ':')
			continue;
		if (lab_size(word, i, &selector) || selector > 0xffff)
			return args_wrong(lab, "selector", word, NULL);
		w->by_selector = true;
		offset = word + i + 1;
	}
	if (!word || lab_size(offset, text_length(offset), &w->logical.offset))
		return args_wrong(lab, "address", word, NULL);
	w->logical.selector = (uint16_t)selector;
	w->logical.cpl = selector & 3;
	w->logical.bytes = 1;
	return LAB_OK;
}

/* ADDRESS [read|write|exec] [user] [in NAME] */
static enum lab_status args_way(struct lab *lab, struct way *w)
{
	enum lab_status status;

	*w = (struct way){ .table = NULL };
	status = args_logical(lab, w);
	if (status)
		return status;
	if (words_take(&lab->words, "write"))
		w->logical.access = QUIRE_ACCESS_WRITE;
	else if (words_take(&lab->words, "exec"))
		w->logical.access = QUIRE_ACCESS_EXEC;
	else
		words_take(&lab->words, "read");
	if (words_take(&lab->words, "user"))
		w->logical.cpl = 3;
	status = table_current(lab, &w->table);
	if (status || !words_take(&lab->words, "in"))
		return status;
	w->name = words_next(&lab->words);
	w->table = w->name ? table_seen(lab, w->name) : NULL;
	return w->table ? LAB_OK : args_wrong(lab, "table", w->name, NULL);
}

/* Segmentation, then paging. */
static enum lab_status go(struct lab *lab, struct way *w)
{
	int error = 0;

	w->linear.linear.v = w->logical.offset;
	if (w->by_selector)
		error = quire_segment(lab->q, &w->logical, &w->linear);
	if (error == -QUIRE_EINVAL)
		return session_fail(lab, LAB_USAGE, "there is no such address");
	w->fault = w->linear.fault;
	if (error)
		return LAB_OK;
	quire_table_walk(w->table, w->linear.linear, w->logical.access, w->logical.cpl == 3,
			 &w->walk);
	w->fault = w->walk.fault;
	return LAB_OK;
}

/* "P RW US A D" of an entry. */
static void bits_text(const struct quire_walk_step *step, char *out, size_t size)
{
	static const struct {
		quire_pte_t bit;
		const char *name;
	} names[] = {
		{ QUIRE_PTE_RW, "RW" },    { QUIRE_PTE_USER, "US" },	  { QUIRE_PTE_PWT, "PWT" },
		{ QUIRE_PTE_PCD, "PCD" },  { QUIRE_PTE_ACCESSED, "A" },	  { QUIRE_PTE_DIRTY, "D" },
		{ QUIRE_PTE_PAT, "PAT" },  { QUIRE_PTE_GLOBAL, "G" },	  { QUIRE_PTE_NX, "NX" },
		{ QUIRE_PTE_SOFT1, "S1" }, { QUIRE_PTE_SOFT2, "S2" },	  { QUIRE_PTE_SOFT3, "S3" },
	};
	size_t used = quire_format_buffer(out, size, "%s", step->present ? "P" : "not present");

	for (size_t i = 0; step->present && i < sizeof(names) / sizeof(names[0]); i++) {
		if (step->pte & names[i].bit)
			used += quire_format_buffer(out + used, size - used, " %s", names[i].name);
	}
	if (step->leaf && step->level)
		used += quire_format_buffer(out + used, size - used, " PS");
	if (step->reserved)
		quire_format_buffer(out + used, size - used, " reserved 0x%llx",
				    (ull)step->reserved);
}

static void fault_text(const struct quire_exception *fault, char *out, size_t size)
{
	uint32_t code = fault->error_code;

	if (fault->vector != QUIRE_VECTOR_PF) {
		quire_format_buffer(out, size, "%s(0x%x)", quire_vector_name(fault->vector),
				    (unsigned)code);
		return;
	}
	quire_format_buffer(out, size, "#PF(0x%x): %s by %s, %s; CR2 0x%llx", (unsigned)code,
			    code & QUIRE_PF_EXEC    ? "fetch"
			    : code & QUIRE_PF_WRITE ? "write"
						    : "read",
			    code & QUIRE_PF_USER ? "user code" : "the kernel",
			    code & QUIRE_PF_RESERVED  ? "a reserved bit is set"
			    : code & QUIRE_PF_PRESENT ? "it has no right to"
						      : "nothing is mapped there",
			    (ull)fault->address.v);
}

static void segment_show(struct lab *lab, const struct way *w)
{
	const char *name = quire_segment_name(lab->q, w->logical.selector);

	quire_format(&lab->host.out, "segment 0x%04x  %s  descriptor 0x%016llx\n",
		     w->logical.selector, name ? name : "none",
		     (ull)quire_segment_descriptor(lab->q, w->logical.selector));
	quire_format(&lab->host.out, "logical 0x%llx -> linear 0x%llx\n", (ull)w->logical.offset,
		     (ull)w->linear.linear.v);
}

static void walk_text(struct lab *lab, const struct way *w)
{
	const struct quire_sink *out = &lab->host.out;
	char text[96];

	if (w->by_selector)
		segment_show(lab, w);
	for (unsigned i = 0; i < w->walk.nr; i++) {
		const struct quire_walk_step *step = &w->walk.step[i];

		bits_text(step, text, sizeof(text));
		quire_format(out, "%s[%4u] of 0x%09llx: 0x%016llx  %s\n",
			     quire_level_name(lab->q, step->level), step->index,
			     (ull)step->table.v, (ull)step->entry, text);
	}
	if (w->fault.vector == QUIRE_VECTOR_NONE) {
		quire_format(out, "physical 0x%llx\n", (ull)w->walk.phys.v);
		return;
	}
	fault_text(&w->fault, text, sizeof(text));
	quire_format(out, "fault %s\n", text);
}

static void walk_json(struct lab *lab, const struct way *w)
{
	const struct quire_sink *out = &lab->host.out;
	char text[96];

	quire_format(out, "{\"linear\":\"0x%llx\",", (ull)w->linear.linear.v);
	if (w->by_selector) {
		const char *name = quire_segment_name(lab->q, w->logical.selector);

		quire_format(out, "\"selector\":\"0x%x\",\"segment\":\"%s\",",
			     w->logical.selector, name ? name : "none");
	}
	quire_format(out, "\"steps\":[");
	for (unsigned i = 0; i < w->walk.nr; i++) {
		const struct quire_walk_step *step = &w->walk.step[i];

		bits_text(step, text, sizeof(text));
		quire_format(out,
			     "%s{\"level\":\"%s\",\"table\":\"0x%llx\",\"index\":%u,"
			     "\"entry\":\"0x%llx\",\"bits\":\"%s\"}",
			     i ? "," : "", quire_level_name(lab->q, step->level),
			     (ull)step->table.v, step->index, (ull)step->entry, text);
	}
	if (w->fault.vector == QUIRE_VECTOR_NONE)
		quire_format(out, "],\"physical\":\"0x%llx\"}\n", (ull)w->walk.phys.v);
	else
		quire_format(out, "],\"fault\":\"%s\",\"error_code\":%u}\n",
			     quire_vector_name(w->fault.vector), (unsigned)w->fault.error_code);
}

enum lab_status command_walk(struct lab *lab, const char *target)
{
	struct way w;
	enum lab_status status = args_way(lab, &w);

	(void)target;
	if (!status)
		status = args_end(lab);
	if (!status)
		status = go(lab, &w);
	if (status)
		return status;
	if (lab->json)
		walk_json(lab, &w);
	else
		walk_text(lab, &w);
	return LAB_OK;
}

enum lab_status args_drawn_walk(struct lab *lab, struct quire_walk *out, quire_virt_t *at)
{
	struct way w;
	enum lab_status status = args_way(lab, &w);

	if (!status)
		status = go(lab, &w);
	if (!status && w.fault.vector != QUIRE_VECTOR_NONE && !w.walk.nr)
		return session_refuse(lab, quire_vector_name(w.fault.vector), "the segment");
	*out = w.walk;
	*at = w.linear.linear;
	return status;
}

enum lab_status expect_walk(struct lab *lab)
{
	struct way w;
	enum lab_status status = args_way(lab, &w);
	uint64_t wanted = 0;
	char text[96];

	words_take(&lab->words, "=");
	if (!status)
		status = args_size(lab, "the physical address", &wanted);
	if (!status)
		status = args_end(lab);
	if (!status)
		status = go(lab, &w);
	if (status)
		return status;
	if (w.fault.vector == QUIRE_VECTOR_NONE && w.walk.phys.v == wanted)
		return LAB_OK;
	if (w.fault.vector == QUIRE_VECTOR_NONE)
		return session_fail(lab, LAB_FAILED, "expected physical 0x%llx, is 0x%llx",
				    (ull)wanted, (ull)w.walk.phys.v);
	fault_text(&w.fault, text, sizeof(text));
	return session_fail(lab, LAB_FAILED, "expected physical 0x%llx, is %s", (ull)wanted, text);
}

/* PF 6, GP 0x68, none */
static void fault_words(const struct quire_exception *fault, char *out, size_t size)
{
	if (fault->vector == QUIRE_VECTOR_NONE)
		text_copy(out, size, "none");
	else
		quire_format_buffer(out, size, "%s %u", quire_vector_name(fault->vector) + 1,
				    (unsigned)fault->error_code);
}

enum lab_status expect_fault(struct lab *lab)
{
	struct way w;
	enum lab_status status = args_way(lab, &w);
	char is[24], wanted[24];
	const char *vector;
	uint64_t code = 0;

	if (status)
		return status;
	words_take(&lab->words, "=");
	vector = words_next(&lab->words);
	if (!vector)
		return args_wrong(lab, "the fault", NULL, NULL);
	text_copy(wanted, sizeof(wanted), vector);
	if (!text_equal(vector, "none")) {
		status = args_number(lab, "the error code", 0xffff, &code);
		quire_format_buffer(wanted, sizeof(wanted), "%s %u", vector, (unsigned)code);
	}
	if (!status)
		status = args_end(lab);
	if (!status)
		status = go(lab, &w);
	if (status)
		return status;
	fault_words(&w.fault, is, sizeof(is));
	return text_equal_nocase(is, wanted)
		       ? LAB_OK
		       : session_fail(lab, LAB_FAILED, "expected %s, is %s", wanted, is);
}

/* ---- Memory --------------------------------------------------------------- */

enum lab_status walk_spare(struct lab *lab, quire_virt_t at, size_t n)
{
	struct quire_table *table = quire_table_loaded(lab->q, lab->cpu);
	struct quire_frame_info info;
	struct quire_walk walk;

	for (uint64_t v = at.v; v - at.v < n; v = (v | (QUIRE_PAGE_SIZE - 1)) + 1) {
		if (!quire_table_walk(table, (quire_virt_t){ v }, QUIRE_ACCESS_READ, false, &walk))
			continue;
		quire_frame_info(lab->q, quire_phys_pfn(walk.phys), &info);
		if (info.owner == QUIRE_OWNER_SLAB || info.owner == QUIRE_OWNER_TABLE)
			return session_refuse(lab, quire_free_name(QUIRE_FREE_OWNED), "0x%llx",
					      (ull)v);
	}
	return LAB_OK;
}
