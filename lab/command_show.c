/* SPDX-License-Identifier: MIT */
/*
 * command_show.c - what one sees: reports, pictures, reasons, the state's number
 *
 * Results go to the host's sink for results, said text to the one for talk.
 */
#include <quire/pgtable.h>
#include <quire/report.h>

#include "args.h"
#include "command_process.h"
#include "figure.h"
#include "quote.h"
#include "text.h"

enum lab_status command_say(struct lab *lab, const char *target)
{
	(void)target;
	for (const char *word = words_next(&lab->words); word; word = words_next(&lab->words))
		quire_format(&lab->host.talk, "%s%s", word, words_end(&lab->words) ? "" : " ");
	quire_format(&lab->host.talk, "\n");
	return LAB_OK;
}

/* /proc/buddyinfo, /sys/kernel/debug/… or the bare name: what stands behind the last /. */
static const char *base_name(const char *path)
{
	const char *base = path;

	for (; *path; path++) {
		if (*path == '/')
			base = path + 1;
	}
	return base;
}

static bool is_report(const char *word)
{
	const struct quire_report_info *info;

	for (size_t i = 0; (info = quire_report_list(i)); i++) {
		if (text_equal(info->name, base_name(word)))
			return true;
	}
	return false;
}

enum lab_status command_cat(struct lab *lab, const char *target)
{
	const char *word = words_next(&lab->words);
	struct lab_nearest near = { NULL, 0 };
	enum lab_status status = LAB_OK;
	bool done = false;

	(void)target;
	if (word)
		status = process_cat(lab, word, &done);
	if (done)
		return status;
	if (!word || !is_report(word)) {
		for (size_t i = 0; word && quire_report_list(i); i++)
			nearest_try(&near, base_name(word), quire_report_list(i)->name);
		return args_wrong(lab, "report", word, near.word);
	}
	status = args_end(lab);
	if (status)
		return status;
	quire_report(lab->q, base_name(word), lab->json, &lab->host.out);
	return LAB_OK;
}

/* Text where JSON is wanted: {"WHAT":"NAME","KEY":"the text"}; nothing if there is no text. */
struct packed {
	const struct quire_sink *out;
	const char *what, *name, *key;
	bool begun;
};

static void packed_write(void *ctx, const char *text, size_t length)
{
	struct packed *p = ctx;
	struct quire_sink out = *p->out;

	if (!p->begun)
		quire_format(&out, "{\"%s\":\"%s\",\"%s\":\"", p->what, p->name, p->key);
	p->begun = true;
	quote_write(&out, text, length);
}

static void packed_end(const struct packed *p)
{
	if (p->begun)
		quire_format(p->out, "\"}\n");
}

static int draw(struct lab *lab, const char *view, struct lab_draw_options *options)
{
	struct packed packed = { &lab->host.out, "view", view, options->svg ? "svg" : "text",
				 false };
	const struct quire_sink to = { packed_write, &packed };
	int error;

	options->colour = lab->host.colour && !lab->json;
	options->columns = lab->host.columns;
	error = lab_draw(lab->q, view, options, lab->json ? &to : &lab->host.out);

	packed_end(&packed);
	return error;
}

enum lab_status command_draw(struct lab *lab, const char *target)
{
	const char *view = words_next(&lab->words);
	struct lab_nearest near = { NULL, 0 };
	struct lab_draw_options options = { .svg = false };
	struct quire_walk walk;
	enum lab_status status = LAB_OK;
	int error;

	(void)target;
	if (!view)
		return args_wrong(lab, "the view", NULL, NULL);
	if (text_equal(view, "slab"))
		status = args_drawn_cache(lab, &options.cache);
	else if (text_equal(view, "space"))
		status = args_drawn_space(lab, options.seen);
	else if (text_equal(view, "walk"))
		status = args_drawn_walk(lab, &walk, &options.walked);
	options.walk = &walk;
	options.svg = words_take(&lab->words, "svg");
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	error = draw(lab, view, &options);
	if (error != -QUIRE_ENOENT)
		return error ? session_error(lab, error, "draw") : LAB_OK;
	for (size_t i = 0; lab_view_list(i); i++)
		nearest_try(&near, view, lab_view_list(i)->name);
	return args_wrong(lab, "view", view, near.word);
}

static const char *wmark_name(enum quire_wmark wmark)
{
	static const char *const names[] = { "min", "low", "high" };

	return names[wmark];
}

static void explain_text(const struct quire_sink *out, const struct quire_explanation *why)
{
	quire_format(out, "%-8s %-30s %12s %12s %8s\n", "zone", "verdict", "free", "must stay",
		     "largest");
	for (unsigned i = 0; i < why->nr; i++) {
		const struct quire_zone_verdict *v = &why->zone[i];
		char verdict[32];

		quire_format_buffer(verdict, sizeof(verdict), "%s",
				    v->refusal == QUIRE_REFUSAL_NONE
					    ? "gives"
					    : quire_refusal_name(v->refusal));
		if (v->refusal == QUIRE_REFUSAL_WATERMARK)
			quire_format_buffer(verdict, sizeof(verdict), "%s %s",
					    quire_refusal_name(v->refusal), wmark_name(v->wmark));
		quire_format(out, "%-8s %-30s %12llu %12llu %8d\n", quire_zone_name(v->zone),
			     verdict, (unsigned long long)v->free, (unsigned long long)v->need,
			     v->order_max);
	}
}

static void explain_json(const struct quire_sink *out, const struct quire_explanation *why)
{
	quire_format(out, "{\"zones\":[");
	for (unsigned i = 0; i < why->nr; i++) {
		const struct quire_zone_verdict *v = &why->zone[i];

		quire_format(out,
			     "%s{\"zone\":\"%s\",\"gives\":%s,\"refusal\":\"%s\","
			     "\"watermark\":\"%s\",\"free\":%llu,\"need\":%llu,"
			     "\"order_max\":%d}",
			     i ? "," : "", quire_zone_name(v->zone),
			     v->refusal == QUIRE_REFUSAL_NONE ? "true" : "false",
			     quire_refusal_name(v->refusal), wmark_name(v->wmark),
			     (unsigned long long)v->free, (unsigned long long)v->need,
			     v->order_max);
	}
	quire_format(out, "]}\n");
}

enum lab_status command_explain(struct lab *lab, const char *target)
{
	struct quire_explanation why;
	quire_gfp_t gfp = 0;
	unsigned order = 0;
	enum lab_status status;

	(void)target;
	words_take(&lab->words, "pages");
	status = args_order(lab, &order);
	if (!status)
		status = args_gfp(lab, &gfp);
	if (!status)
		status = args_end(lab);
	if (status)
		return status;
	quire_page_explain(lab->q, gfp, order, &why);
	if (why.error)
		return session_error(lab, why.error, "order or flags out of range");
	if (lab->json)
		explain_json(&lab->host.out, &why);
	else
		explain_text(&lab->host.out, &why);
	return LAB_OK;
}

/* Frames, or blocks of many. */
static unsigned long long nr_parts(const struct lab_block *block)
{
	return block->kind == LAB_BLOCK ? 1ull << block->order : block->nr;
}

static void show_json(struct lab *lab, const struct lab_block *block)
{
	const struct quire_sink *out = &lab->host.out;

	quire_format(out, "%s{\"name\":\"%s\",\"held\":%llu,", block == lab->blocks ? "" : ",",
		     block->name, (unsigned long long)session_live(block));
	if (block->kind == LAB_MANY)
		quire_format(out, "\"blocks\":%llu,\"order\":%u}", (unsigned long long)block->nr,
			     block->order);
	else
		quire_format(out,
			     "\"frames\":%llu,\"first\":%llu,\"zone\":\"%s\","
			     "\"references\":%u}",
			     nr_parts(block),
			     (unsigned long long)quire_page_pfn(lab->q, block->page).v,
			     quire_zone_name(quire_page_zone(lab->q, block->page)),
			     (unsigned)quire_page_count(block->page));
}

static void show_block(struct lab *lab, const struct lab_block *block)
{
	const struct quire_sink *out = &lab->host.out;
	const struct quire_page *page = block->page;

	quire_format(out, "%-16s %-6s %10llu", block->name, session_live(block) ? "held" : "freed",
		     nr_parts(block));
	if (block->kind == LAB_MANY)
		quire_format(out, " blocks of order %u, %llu held\n", block->order,
			     (unsigned long long)session_live(block));
	else
		quire_format(out, " frames from %llu, zone %s, %u references\n",
			     (unsigned long long)quire_page_pfn(lab->q, page).v,
			     quire_zone_name(quire_page_zone(lab->q, page)),
			     (unsigned)quire_page_count(page));
}

enum lab_status command_show(struct lab *lab, const char *target)
{
	enum lab_status status = args_end(lab);

	(void)target;
	if (status)
		return status;
	if (lab->json)
		quire_format(&lab->host.out, "{\"blocks\":[");
	for (const struct lab_block *block = lab->blocks; block; block = block->next) {
		if (lab->json)
			show_json(lab, block);
		else
			show_block(lab, block);
	}
	if (lab->json)
		quire_format(&lab->host.out, "]}\n");
	return LAB_OK;
}

enum lab_status command_check(struct lab *lab, const char *target)
{
	struct quire_violation broken = { NULL, NULL, 0 };
	enum lab_status status = args_end(lab);
	const struct quire_sink *out = &lab->host.out;

	(void)target;
	if (status)
		return status;
	if (quire_check(lab->q, &broken)) {
		quire_format(out, lab->json ? "{\"check\":true}\n" : "check: every rule holds\n");
		return LAB_OK;
	}
	if (lab->json)
		quire_format(out, "{\"check\":false,\"rule\":\"%s\",\"where\":%llu}\n",
			     broken.rule, (unsigned long long)broken.where);
	return session_fail(lab, LAB_FAILED, "%s is broken at %llu: %s", broken.rule,
			    (unsigned long long)broken.where, broken.text);
}

enum lab_status command_hash(struct lab *lab, const char *target)
{
	enum lab_status status = args_end(lab);

	(void)target;
	if (!status)
		quire_format(&lab->host.out,
			     lab->json ? "{\"hash\":\"0x%016llx\"}\n" : "hash 0x%016llx\n",
			     (unsigned long long)quire_hash(lab->q));
	return status;
}

enum lab_status command_json(struct lab *lab, const char *target)
{
	bool on = words_take(&lab->words, "on");
	enum lab_status status;

	(void)target;
	if (!on && !words_take(&lab->words, "off"))
		return args_wrong(lab, "setting (on, off)", words_next(&lab->words), NULL);
	status = args_end(lab);
	if (!status)
		lab->json = on;
	return status;
}

enum lab_status command_help(struct lab *lab, const char *target)
{
	const char *name = words_next(&lab->words);
	struct packed packed = { &lab->host.out, "help", name ? name : "", "text", false };
	const struct quire_sink to = { packed_write, &packed };
	struct lab_nearest near = { NULL, 0 };
	enum lab_status status = args_end(lab);
	int error;

	(void)target;
	if (status)
		return status;
	error = lab_help(lab->json ? &to : &lab->host.out, name);
	packed_end(&packed);
	if (!error)
		return LAB_OK;
	for (size_t i = 0; command_list(i); i++)
		nearest_try(&near, name, command_list(i)->name);
	return args_wrong(lab, "command", name, near.word);
}

enum lab_status command_quit(struct lab *lab, const char *target)
{
	enum lab_status status = args_end(lab);

	(void)target;
	lab->ended = !status;
	return status;
}
