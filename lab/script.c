/* SPDX-License-Identifier: MIT */
/*
 * script.c - lines and scripts; what stands before a command; completion
 *
 *   line    = { prefix } [ NAME "=" ] command
 *   prefix  = "on" "cpu" N ":" | "on" PROCESS ":" | "repeat" N ":"      each once at most
 */
#include "script.h"

#include <quire/report.h>

#include "args.h"
#include "command.h"
#include "figure.h"
#include "gfp.h"
#include "process.h"
#include "text.h"

/* A slip of a digit shall not keep a session busy for days. */
#define REPEAT_MAX 1000000

/* What stood before the command. */
struct prefix {
	uint64_t cpu;
	uint64_t times;
	bool on, repeat;
};

static enum lab_status colon(struct lab *lab)
{
	if (words_take(&lab->words, ":"))
		return LAB_OK;
	return session_fail(lab, LAB_USAGE, "a : is missing before the command");
}

/* on cpu N */
static bool is_cpu(const struct lab_words *words)
{
	unsigned next = words->at + 1;

	return next < words->nr && text_equal(words->word[next], "cpu");
}

static enum lab_status read_cpu(struct lab *lab, struct prefix *p)
{
	enum lab_status status;

	words_take(&lab->words, "cpu");
	status = args_number(lab, "the cpu", lab->config.nr_cpus - 1, &p->cpu);
	if (!status && p->cpu && !lab->host.set_cpu)
		return session_fail(lab, LAB_USAGE, "this host has only cpu 0");
	return status;
}

/* on NAME */
static enum lab_status read_process(struct lab *lab)
{
	const char *name = words_next(&lab->words);
	struct lab_nearest near = { NULL, 0 };

	lab->on = name ? process_find(lab, name) : NULL;
	if (lab->on)
		return LAB_OK;
	for (const struct lab_process *p = lab->processes; name && p; p = p->next)
		nearest_try(&near, name, p->name);
	if (near.word)
		return args_wrong(lab, "process", name, near.word);
	return session_fail(lab, LAB_USAGE, "say: on cpu N: COMMAND, or on PROCESS: COMMAND");
}

static enum lab_status read_prefix(struct lab *lab, struct prefix *p)
{
	struct lab_words *words = &lab->words;
	enum lab_status status = LAB_OK;

	while (!status) {
		if (!p->on && is_cpu(words) && words_take(words, "on")) {
			p->on = true;
			status = read_cpu(lab, p);
		} else if (!lab->on && words_take(words, "on")) {
			status = read_process(lab);
		} else if (!p->repeat && words_take(words, "repeat")) {
			p->repeat = true;
			status = args_number(lab, "the number of times", REPEAT_MAX, &p->times);
		} else {
			return LAB_OK;
		}
		if (!status)
			status = colon(lab);
	}
	return status;
}

enum lab_status lab_line(struct lab *lab, const char *text, size_t length)
{
	struct prefix prefix = { 0, 1, false, false };
	enum lab_status status;
	const char *wrong = words_cut(&lab->words, text, length);
	unsigned first;

	lab->message[0] = lab->reason[0] = 0;
	lab->line++;
	lab->ended = false;
	lab->on = NULL;
	if (wrong)
		return session_fail(lab, LAB_USAGE, "%s", wrong);
	if (words_end(&lab->words))
		return LAB_OK;
	status = read_prefix(lab, &prefix);
	if (status)
		return status;
	if (prefix.on)
		session_cpu(lab, (unsigned)prefix.cpu);
	first = lab->words.at;
	for (uint64_t i = 0; !status && i < prefix.times; i++) {
		lab->words.at = first;
		status = command_run(lab);
	}
	session_cpu(lab, 0);
	return status;
}

enum lab_status lab_text(struct lab *lab, const char *name, const char *text, size_t length)
{
	unsigned long number = 0;
	size_t at = 0;

	lab->ended = false;
	while (at < length && !lab->ended) {
		char was[LAB_MESSAGE_MAX];
		enum lab_status status;
		size_t end = at;

		while (end < length && text[end] != '\n')
			end++;
		number++;
		status = lab_line(lab, text + at, end - at);
		if (status) {
			text_copy(was, sizeof(was), lab->message);
			return session_fail(lab, status, "%s:%lu: %s", name, number, was);
		}
		at = end + 1;
	}
	lab->ended = false; /* the script, not who called it */
	return LAB_OK;
}

/* The reports by name, then by Linux's path. */
static const char *report_at(struct lab *lab, size_t i)
{
	size_t nr = 0;

	while (quire_report_list(nr))
		nr++;
	if (i < nr)
		return quire_report_list(i)->name;
	if (i >= 2 * nr)
		return NULL;
	quire_format_buffer(lab->completion, sizeof(lab->completion), "/%s",
			    quire_report_list(i - nr)->path);
	return lab->completion;
}

/* The words that can stand at a place, one after the other. */
static const char *word_at(struct lab *lab, const struct lab_command *c, unsigned place, size_t i)
{
	const struct lab_form *forms = c ? c->forms : NULL;

	if (!c)
		return command_list(i) ? command_list(i)->name : NULL;
	if (place == 1 && c->run == command_cat)
		return report_at(lab, i);
	if (place == 1 && c->run == command_draw)
		return lab_view_list(i) ? lab_view_list(i)->name : NULL;
	if (place == 1 && c->run == command_help)
		return command_list(i) ? command_list(i)->name : NULL;
	if (forms && (place == 1 || c->run == command_machine)) {
		for (; i && forms->name; i--)
			forms++;
		return forms->name;
	}
	if (place > 1 && (c->flags & COMMAND_MAKES))
		return lab_gfp_list(i) ? lab_gfp_list(i)->name : NULL;
	for (const struct lab_block *b = lab->blocks; b; b = b->next) {
		if (i-- == 0)
			return b->name;
	}
	return NULL;
}

const char *lab_complete(struct lab *lab, const char *line, size_t i)
{
	struct lab_words *words = &lab->words;
	size_t length = text_length(line);
	const struct lab_command *c = NULL;
	const char *start = "", *word;
	unsigned last, first = 0;

	if (words_cut(words, line, length))
		return NULL;
	last = words->nr;
	if (last && length && line[length - 1] != ' ' && line[length - 1] != '\t')
		start = words->word[--last];
	for (unsigned k = 0; k < last; k++) {
		if (text_equal(words->word[k], ":") || text_equal(words->word[k], "="))
			first = k + 1; /* a new command, or the value of one */
	}
	if (first < last)
		c = command_find(words->word[first]);
	if (first < last && !c)
		return NULL;
	for (size_t k = 0; (word = word_at(lab, c, last - first, k)); k++) {
		/* A path only for who has begun one: else each report would stand there twice. */
		if ((*word != '/' || *start) && text_begins(word, start) && i-- == 0)
			return word;
	}
	return NULL;
}
