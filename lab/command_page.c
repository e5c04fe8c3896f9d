/* SPDX-License-Identifier: MIT */
/*
 * command_page.c - blocks of frames: allocate, free, count references, split
 *
 * What the machine refuses is a failure of the command, with the reason in the
 * library's words, and then nothing has changed. A name keeps pointing at its
 * frames after they were freed: freeing them twice is what a script may want to show.
 */
#include "args.h"
#include "command.h"
#include "debt.h"
#include "text.h"

static unsigned long long pfn_of(struct lab *lab, const struct quire_page *page)
{
	return quire_page_pfn(lab->q, page).v;
}

/* Why could it not be had? The zone tried first that has memory at all answers. */
static enum lab_status refused(struct lab *lab, const char *what, quire_gfp_t gfp, unsigned order)
{
	const struct quire_zone_verdict *v;
	struct quire_explanation why;

	quire_page_explain(lab->q, gfp, order, &why);
	if (why.error)
		return session_refuse(lab, quire_error_name(why.error),
				      "%s: order or flags out of range", what);
	v = &why.zone[0];
	for (unsigned i = 0; i < why.nr; i++) {
		if (why.zone[i].refusal == QUIRE_REFUSAL_NONE ||
		    why.zone[i].refusal == QUIRE_REFUSAL_EMPTY)
			continue;
		v = &why.zone[i];
		break;
	}
	return session_refuse(lab, quire_refusal_name(v->refusal),
			      "%s of order %u: zone %s, %llu free, %llu must stay free", what,
			      order, quire_zone_name(v->zone), (unsigned long long)v->free,
			      (unsigned long long)v->need);
}

static void echo_block(struct lab *lab, const char *name, const struct quire_page *page,
		       unsigned long long nr)
{
	unsigned long long first = pfn_of(lab, page);

	session_echo(lab, "%s%sframes %llu-%llu, zone %s", name ? name : "", name ? ": " : "",
		     first, first + nr - 1, quire_zone_name(quire_page_zone(lab->q, page)));
}

/* The flags, which end the line. */
static enum lab_status last_gfp(struct lab *lab, quire_gfp_t *gfp)
{
	enum lab_status status = args_gfp(lab, gfp);

	return status ? status : args_end(lab);
}

/*
 * A block was had, and goes back at the end if the machine stays. Return: false if that can't be
 * remembered; then it has gone back now
 */
static bool had(struct lab *lab, struct quire_page *page, unsigned order)
{
	if (debt_owe(lab, DEBT_FRAMES, debt_frames(page)))
		return true;
	quire_page_free(lab->q, page, order);
	return false;
}

/* A block was given back, unless others refer to it. */
static void gone(struct lab *lab, const struct quire_page *page)
{
	if (!quire_page_count(page))
		debt_settle(lab, DEBT_FRAMES, debt_frames(page));
}

static struct quire_page *frame_at(struct lab *lab, const struct quire_page *first, size_t i)
{
	return quire_pfn_page(lab->q, quire_pfn(quire_page_pfn(lab->q, first).v + i));
}

/* Frames [from, to) from @first on are not the script's, after all. */
static void each_settle(struct lab *lab, const struct quire_page *first, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		debt_settle(lab, DEBT_FRAMES, debt_frames(frame_at(lab, first, i)));
}

/* The same frames were had, each by itself. Return: false if that can't be remembered */
static bool each_had(struct lab *lab, const struct quire_page *first, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (debt_owe(lab, DEBT_FRAMES, debt_frames(frame_at(lab, first, i))))
			continue;
		each_settle(lab, first, from, i);
		return false;
	}
	return true;
}

/* ORDER [GFP...] and the name that the command makes; NULL if it makes none. */
static enum lab_status begin(struct lab *lab, const char *target, unsigned *order, quire_gfp_t *gfp,
			     struct lab_block **out)
{
	enum lab_status status = args_order(lab, order);

	*out = NULL;
	if (!status)
		status = last_gfp(lab, gfp);
	return status || !target ? status : session_name(lab, target, out);
}

/* The block for what has no number to be found again by. Return: NULL, and the status why */
static struct lab_block *named(struct lab *lab, const char *target, const char *synopsis,
			       enum lab_status *status)
{
	struct lab_block *block = NULL;

	if (target)
		*status = session_name(lab, target, &block);
	else
		*status = session_fail(lab, LAB_USAGE, "give it a name: NAME = %s", synopsis);
	return *status ? NULL : block;
}

enum lab_status command_pages(struct lab *lab, const char *target)
{
	struct lab_block *block = NULL;
	struct quire_page *page;
	quire_gfp_t gfp = 0;
	unsigned order = 0;
	enum lab_status status = begin(lab, target, &order, &gfp, &block);

	if (status)
		return status;
	page = quire_page_alloc(lab->q, gfp, order);
	if (!page) {
		if (block)
			session_drop(lab, block);
		return refused(lab, "pages", gfp, order);
	}
	if (!had(lab, page, order)) {
		if (block)
			session_drop(lab, block);
		return session_memory(lab);
	}
	if (block) {
		block->kind = LAB_BLOCK;
		block->order = order;
		block->page = page;
		session_keep(lab, block);
	}
	echo_block(lab, target, page, 1ull << order);
	return LAB_OK;
}

/* The order that holds so many bytes, for quire_page_explain. */
static unsigned order_of(uint64_t bytes)
{
	unsigned order = 0;

	while (order < 20 && ((uint64_t)QUIRE_PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

enum lab_status command_exact(struct lab *lab, const char *target)
{
	struct lab_block *block = NULL;
	quire_gfp_t gfp = 0;
	uint64_t bytes = 0;
	enum lab_status status = args_size(lab, "the size", &bytes);

	if (!status)
		status = last_gfp(lab, &gfp);
	if (!status && (bytes == 0 || bytes > SIZE_MAX))
		status = session_fail(lab, LAB_USAGE, "no such size");
	if (!status)
		block = named(lab, target, "exact SIZE", &status);
	if (!block)
		return status;
	block->kind = LAB_EXACT;
	block->bytes = (size_t)bytes;
	block->nr = (size_t)(bytes / QUIRE_PAGE_SIZE + (bytes % QUIRE_PAGE_SIZE != 0));
	block->page = quire_page_alloc_exact(lab->q, gfp, block->bytes);
	if (!block->page) {
		session_drop(lab, block);
		return refused(lab, "exact", gfp, order_of(bytes));
	}
	if (!each_had(lab, block->page, 0, block->nr)) {
		quire_page_free_exact(lab->q, block->page, block->bytes);
		session_drop(lab, block);
		return session_memory(lab);
	}
	echo_block(lab, target, block->page, block->nr);
	session_keep(lab, block);
	return LAB_OK;
}

/* Room for @room parts, those there are kept. */
static bool many_grow(struct lab *lab, struct lab_block *block, size_t room)
{
	struct lab_held *many;

	if (room > SIZE_MAX / sizeof(*many))
		return false;
	many = session_alloc(lab, room * sizeof(*many));
	if (!many)
		return false;
	for (size_t i = 0; i < block->nr; i++)
		many[i] = block->many[i];
	session_free(lab, block->many, block->room * sizeof(*many));
	block->many = many;
	block->room = room;
	return true;
}

/* Give back what a command had taken before it failed. */
static void many_undo(struct lab *lab, struct lab_block *block)
{
	for (size_t i = 0; i < block->nr; i++) {
		quire_page_free(lab->q, block->many[i].page, block->order);
		gone(lab, block->many[i].page);
	}
	session_drop(lab, block);
}

static enum lab_status bulk(struct lab *lab, struct lab_block *block, quire_gfp_t gfp, size_t nr)
{
	struct quire_page **pages;
	size_t nr_had, kept = 0;

	if (nr > SIZE_MAX / sizeof(*pages))
		return session_memory(lab);
	pages = session_alloc(lab, nr * sizeof(*pages));
	if (!pages || !many_grow(lab, block, nr)) {
		session_free(lab, pages, nr * sizeof(*pages));
		return session_memory(lab);
	}
	nr_had = quire_page_alloc_bulk(lab->q, gfp, nr, pages);
	for (size_t i = 0; i < nr_had; i++) {
		if (had(lab, pages[i], 0))
			block->many[kept++] = (struct lab_held){ pages[i], false };
	}
	block->nr = kept;
	session_free(lab, pages, nr * sizeof(*pages));
	if (kept < nr_had)
		return session_memory(lab);
	return nr_had == nr ? LAB_OK : refused(lab, "bulk", gfp, 0);
}

enum lab_status command_bulk(struct lab *lab, const char *target)
{
	struct lab_block *block = NULL;
	quire_gfp_t gfp = 0;
	uint64_t nr = 0;
	enum lab_status status = args_number(lab, "the number of frames", SIZE_MAX, &nr);

	if (!status)
		status = last_gfp(lab, &gfp);
	if (!status && nr == 0)
		status = session_fail(lab, LAB_USAGE, "bulk wants at least one frame");
	if (!status)
		block = named(lab, target, "bulk N", &status);
	if (!block)
		return status;
	block->kind = LAB_MANY;
	status = bulk(lab, block, gfp, (size_t)nr);
	if (status) {
		many_undo(lab, block);
		return status;
	}
	session_echo(lab, "%s: %zu frames", target, block->nr);
	session_keep(lab, block);
	return LAB_OK;
}

/* Take blocks until there are no more; remember them if there is a @block. */
static enum lab_status fill(struct lab *lab, struct lab_block *block, quire_gfp_t gfp,
			    unsigned order)
{
	unsigned long long nr = 0;
	struct quire_page *page;

	while ((page = quire_page_alloc(lab->q, gfp, order))) {
		nr++;
		if (!had(lab, page, order))
			return session_memory(lab);
		if (!block)
			continue;
		if (block->nr == block->room && !many_grow(lab, block, 2 * block->room + 64)) {
			quire_page_free(lab->q, page, order);
			gone(lab, page);
			return session_memory(lab);
		}
		block->many[block->nr++] = (struct lab_held){ page, false };
	}
	if (!nr)
		return refused(lab, "fill", gfp, order);
	session_echo(lab, "%llu blocks of order %u", nr, order);
	return LAB_OK;
}

enum lab_status command_fill(struct lab *lab, const char *target)
{
	struct lab_block *block = NULL;
	quire_gfp_t gfp = 0;
	unsigned order = 0;
	enum lab_status status = begin(lab, target, &order, &gfp, &block);

	/* What was taken has to be known when the rest can't be remembered. */
	if (!status && !target && session_borrows(lab)) {
		block = session_alloc(lab, sizeof(*block));
		status = block ? LAB_OK : session_memory(lab);
	}
	if (status)
		return status;
	if (block) {
		block->kind = LAB_MANY;
		block->order = order;
	}
	status = fill(lab, block, gfp, order);
	if (!block)
		return status;
	if (status)
		many_undo(lab, block);
	else if (target)
		session_keep(lab, block);
	else
		session_drop(lab, block);
	return status;
}

static enum lab_status free_failed(struct lab *lab, const char *what, enum quire_free outcome)
{
	return session_refuse(lab, quire_free_name(outcome), "%s", what);
}

static enum quire_free free_page(struct lab *lab, struct quire_page *page, unsigned order)
{
	return page ? quire_page_free(lab->q, page, order) : QUIRE_FREE_FOREIGN;
}

/* Free each part that is not; when none is left, the first again, to be told so. */
static enum lab_status free_many(struct lab *lab, struct lab_block *block)
{
	bool none = !session_live(block);

	for (size_t i = 0; i < block->nr; i++) {
		struct lab_held *held = &block->many[i];
		enum quire_free outcome;
		char what[LAB_NAME_MAX + 32];

		if (held->freed && !none)
			continue;
		outcome = quire_page_free(lab->q, held->page, block->order);
		if (outcome) {
			quire_format_buffer(what, sizeof(what), "free %s[%zu]", block->name, i);
			return free_failed(lab, what, outcome);
		}
		held->freed = !quire_page_count(held->page);
		gone(lab, held->page);
		if (none)
			break;
	}
	return LAB_OK;
}

/* Note that a reference went: the whole name or the part is freed when it was the last. */
static void note_freed(struct lab *lab, const struct lab_ref *ref)
{
	bool freed = !quire_page_count(ref->page);

	gone(lab, ref->page);
	for (size_t i = 1; !ref->part && ref->block->kind == LAB_EXACT && i < ref->block->nr; i++)
		gone(lab, frame_at(lab, ref->page, i));

	if (ref->held)
		ref->held->freed = freed;
	else if (ref->block && !ref->part)
		ref->block->freed = freed;
}

enum lab_status command_free(struct lab *lab, const char *target)
{
	struct lab_ref ref;
	enum quire_free outcome;
	enum lab_status status = args_ref(lab, &ref);
	char what[LAB_NAME_MAX + 32];

	(void)target;
	if (!status && words_take(&lab->words, "order")) {
		ref.part = true; /* as written, whatever the name knows */
		status = args_order(lab, &ref.order);
	}
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	if (!ref.part && ref.block->kind == LAB_MANY)
		return free_many(lab, ref.block);
	if (!ref.part && ref.block->kind == LAB_EXACT)
		outcome = quire_page_free_exact(lab->q, ref.page, ref.block->bytes);
	else
		outcome = free_page(lab, ref.page, ref.order);
	if (outcome) {
		quire_format_buffer(what, sizeof(what), "free %s", ref.text);
		return free_failed(lab, what, outcome);
	}
	note_freed(lab, &ref);
	session_echo(lab, "%s freed", ref.text);
	return LAB_OK;
}

/* The one block that get, put and split act on. */
static enum lab_status one_block(struct lab *lab, struct lab_ref *ref)
{
	enum lab_status status = args_ref(lab, ref);

	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	if (!ref->part && ref->block->kind != LAB_BLOCK)
		return session_fail(lab, LAB_USAGE, "%s is not one block: say %s[i]", ref->text,
				    ref->text);
	if (!ref->page)
		return session_refuse(lab, quire_free_name(QUIRE_FREE_FOREIGN), "%s", ref->text);
	return LAB_OK;
}

enum lab_status command_get(struct lab *lab, const char *target)
{
	struct lab_ref ref;
	enum lab_status status = one_block(lab, &ref);
	int error;

	(void)target;
	if (status)
		return status;
	error = quire_page_get(lab->q, ref.page);
	if (error)
		return session_error(lab, error, ref.text);
	session_echo(lab, "%s has %u references", ref.text,
		     (unsigned)quire_page_count(ref.page));
	return LAB_OK;
}

enum lab_status command_put(struct lab *lab, const char *target)
{
	struct lab_ref ref;
	enum lab_status status = one_block(lab, &ref);
	enum quire_free outcome;

	(void)target;
	if (status)
		return status;
	outcome = quire_page_put(lab->q, ref.page);
	if (outcome)
		return free_failed(lab, ref.text, outcome);
	note_freed(lab, &ref);
	session_echo(lab, "%s has %u references", ref.text,
		     (unsigned)quire_page_count(ref.page));
	return LAB_OK;
}

/* Nothing was split: the name has no parts. */
static void split_undo(struct lab *lab, const struct lab_ref *ref)
{
	struct lab_block *block = ref->block;

	if (!block || ref->part)
		return;
	session_free(lab, block->many, block->room * sizeof(*block->many));
	block->many = NULL;
	block->room = 0;
}

enum lab_status command_split(struct lab *lab, const char *target)
{
	struct lab_ref ref;
	enum lab_status status = one_block(lab, &ref);
	struct lab_block *block = ref.block;
	quire_pfn_t first;
	size_t nr;
	int error;

	(void)target;
	if (status)
		return status;
	nr = (size_t)1 << (ref.order <= QUIRE_ORDER_MAX ? ref.order : 0);
	if (block && !ref.part && !many_grow(lab, block, nr))
		return session_memory(lab);
	if (!each_had(lab, ref.page, 1, nr)) {
		split_undo(lab, &ref);
		return session_memory(lab);
	}
	error = quire_page_split(lab->q, ref.page);
	if (error) {
		each_settle(lab, ref.page, 1, nr);
		split_undo(lab, &ref);
		return session_error(lab, error, ref.text);
	}
	if (!block || ref.part)
		return LAB_OK;
	first = quire_page_pfn(lab->q, ref.page);
	block->kind = LAB_MANY;
	block->order = 0;
	block->nr = nr;
	for (size_t i = 0; i < nr; i++)
		block->many[i].page = quire_pfn_page(lab->q, quire_pfn(first.v + i));
	return LAB_OK;
}

enum lab_status command_drain(struct lab *lab, const char *target)
{
	enum lab_status status = args_end(lab);

	(void)target;
	if (!status)
		quire_page_drain(lab->q);
	return status;
}
