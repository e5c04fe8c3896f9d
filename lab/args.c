/* SPDX-License-Identifier: MIT */
/*
 * args.c - the arguments of a command: numbers, sizes, ranges, names
 */
#include "args.h"

#include "gfp.h"
#include "size.h"
#include "text.h"

/* More slips than this and another word was meant. */
#define SLIPS_MAX 2

void nearest_try(struct lab_nearest *n, const char *wrong, const char *candidate)
{
	unsigned distance = text_distance(wrong, candidate);

	if (text_begins(candidate, wrong) && *wrong)
		distance = 1; /* cut short */
	if (distance > SLIPS_MAX || distance >= text_length(candidate))
		return;
	if (!n->word || distance < n->distance) {
		n->word = candidate;
		n->distance = distance;
	}
}

enum lab_status args_wrong(struct lab *lab, const char *what, const char *word, const char *near)
{
	if (!word)
		return session_fail(lab, LAB_USAGE, "%s is missing", what);
	if (near)
		return session_fail(lab, LAB_USAGE, "unknown %s '%s': did you mean '%s'?", what,
				    word, near);
	return session_fail(lab, LAB_USAGE, "unknown %s '%s'", what, word);
}

enum lab_status args_end(struct lab *lab)
{
	if (words_end(&lab->words))
		return LAB_OK;
	return session_fail(lab, LAB_USAGE, "one word too many: '%s'", words_peek(&lab->words));
}

enum lab_status args_number(struct lab *lab, const char *what, uint64_t max, uint64_t *out)
{
	const char *word = words_next(&lab->words);

	if (!word)
		return args_wrong(lab, what, NULL, NULL);
	if (!text_number(word, out))
		return session_fail(lab, LAB_USAGE, "%s is not a number: '%s'", what, word);
	if (*out > max)
		return session_fail(lab, LAB_USAGE, "%s is too large: %s", what, word);
	return LAB_OK;
}

enum lab_status args_order(struct lab *lab, unsigned *out)
{
	uint64_t order = 0;
	enum lab_status status = args_number(lab, "the order", 1000, &order);

	*out = (unsigned)order;
	return status;
}

enum lab_status args_size(struct lab *lab, const char *what, uint64_t *out)
{
	const char *word = words_next(&lab->words);

	if (!word)
		return args_wrong(lab, what, NULL, NULL);
	if (lab_size(word, text_length(word), out))
		return session_fail(lab, LAB_USAGE, "%s is not a size: '%s'", what, word);
	return LAB_OK;
}

/* START-END in frame numbers. */
static bool frame_range(const char *word, uint64_t *start, uint64_t *end)
{
	char part[LAB_NAME_MAX];
	size_t at = 0;

	while (word[at] && word[at] != '-')
		at++;
	if (!word[at] || at + 1 > sizeof(part))
		return false;
	text_copy(part, at + 1, word);
	return text_number(part, start) && text_number(word + at + 1, end) && *start < *end;
}

enum lab_status args_range(struct lab *lab, bool bytes, uint64_t *start, uint64_t *end)
{
	const char *word = words_next(&lab->words);
	bool good;

	if (!word)
		return args_wrong(lab, "the range START-END", NULL, NULL);
	good = bytes ? lab_range(word, text_length(word), start, end) == 0
		     : frame_range(word, start, end);
	if (good)
		return LAB_OK;
	return session_fail(lab, LAB_USAGE, "not a range START-END: '%s'", word);
}

bool zone_find(const char *text, enum quire_zone *out)
{
	for (int zone = 0; zone < QUIRE_NR_ZONES; zone++) {
		if (text_equal_nocase(text, quire_zone_name((enum quire_zone)zone))) {
			*out = (enum quire_zone)zone;
			return true;
		}
	}
	return false;
}

enum lab_status args_zone(struct lab *lab, enum quire_zone *out)
{
	const char *word = words_next(&lab->words);
	struct lab_nearest near = { NULL, 0 };

	if (word && zone_find(word, out))
		return LAB_OK;
	for (int zone = 0; word && zone < QUIRE_NR_ZONES; zone++)
		nearest_try(&near, word, quire_zone_name((enum quire_zone)zone));
	return args_wrong(lab, "zone", word, near.word);
}

enum lab_status args_migrate(struct lab *lab, enum quire_migrate *out)
{
	const char *word = words_next(&lab->words);
	struct lab_nearest near = { NULL, 0 };

	for (int type = 0; word && type < QUIRE_NR_MIGRATE; type++) {
		const char *name = quire_migrate_name((enum quire_migrate)type);
		if (text_equal_nocase(word, name)) {
			*out = (enum quire_migrate)type;
			return LAB_OK;
		}
		nearest_try(&near, word, name);
	}
	return args_wrong(lab, "migrate type", word, near.word);
}

/* One name of a list NAME|NAME, cut out of it for the message. */
static enum lab_status gfp_wrong(struct lab *lab, const char *text, size_t length)
{
	struct lab_nearest near = { NULL, 0 };
	char name[LAB_NAME_MAX];

	text_copy(name, length + 1 < sizeof(name) ? length + 1 : sizeof(name), text);
	for (size_t i = 0; lab_gfp_list(i); i++)
		nearest_try(&near, name, lab_gfp_list(i)->name);
	return args_wrong(lab, "flag", name, near.word);
}

static enum lab_status gfp_word(struct lab *lab, const char *word, quire_gfp_t *gfp)
{
	while (*word) {
		quire_gfp_t flags = 0;
		size_t length = 0;

		while (word[length] && word[length] != '|')
			length++;
		if (length && !lab_gfp_find(word, length, &flags))
			return gfp_wrong(lab, word, length);
		*gfp |= flags;
		word += length + (word[length] == '|');
	}
	return LAB_OK;
}

enum lab_status args_gfp(struct lab *lab, quire_gfp_t *out)
{
	struct lab_words *words = &lab->words;
	enum lab_status status = LAB_OK;
	unsigned first = words->at;
	quire_gfp_t gfp = 0;

	while (!status && !words_end(words) && !text_equal(words_peek(words), "="))
		status = gfp_word(lab, words_next(words), &gfp);
	*out = words->at == first ? QUIRE_GFP_KERNEL : gfp;
	return status;
}

static enum lab_status ref_pfn(struct lab *lab, struct lab_ref *ref)
{
	uint64_t pfn = 0;
	enum lab_status status = args_number(lab, "the frame number", UINT64_MAX, &pfn);

	if (status)
		return status;
	ref->part = true;
	ref->page = quire_pfn_page(lab->q, quire_pfn(pfn));
	ref->order = ref->page && quire_page_count(ref->page) ? quire_page_order(ref->page) : 0;
	quire_format_buffer(ref->text, sizeof(ref->text), "pfn %llu", (unsigned long long)pfn);
	return LAB_OK;
}

/* The i of NAME[i] is behind @at. Cuts it off @name. */
static enum lab_status ref_index(struct lab *lab, char *name, size_t at, uint64_t *index)
{
	size_t end = text_length(name) - 1;

	if (name[end] == ']') {
		name[at] = name[end] = 0;
		if (text_number(name + at + 1, index))
			return LAB_OK;
	}
	return session_fail(lab, LAB_USAGE, "a part of a block is NAME[NUMBER]");
}

static enum lab_status ref_part(struct lab *lab, struct lab_ref *ref, uint64_t index)
{
	struct lab_block *block = ref->block;
	size_t nr = block->nr;
	quire_pfn_t pfn;

	if (block->kind == LAB_BLOCK)
		nr = (size_t)1 << block->order;
	if (index >= nr)
		return session_fail(lab, LAB_USAGE, "%s has only %zu parts", block->name, nr);
	ref->part = true;
	if (block->kind == LAB_MANY) {
		ref->held = &block->many[index];
		ref->page = ref->held->page;
		ref->order = block->order;
		return LAB_OK;
	}
	pfn = quire_page_pfn(lab->q, block->page);
	ref->page = quire_pfn_page(lab->q, quire_pfn(pfn.v + index));
	ref->order = block->kind == LAB_BLOCK && index == 0 ? block->order : 0;
	return LAB_OK;
}

enum lab_status args_ref(struct lab *lab, struct lab_ref *ref)
{
	const char *word = words_next(&lab->words);
	struct lab_nearest near = { NULL, 0 };
	enum lab_status status = LAB_OK;
	uint64_t index = 0;
	size_t at = 0;
	char name[sizeof(ref->text)];

	*ref = (struct lab_ref){ .block = NULL };
	if (!word)
		return args_wrong(lab, "the block", NULL, NULL);
	if (text_equal(word, "pfn"))
		return ref_pfn(lab, ref);
	text_copy(ref->text, sizeof(ref->text), word);
	text_copy(name, sizeof(name), word);
	while (name[at] && name[at] != '[')
		at++;
	if (name[at])
		status = ref_index(lab, name, at, &index);
	if (status)
		return status;
	ref->block = session_block(lab, name);
	if (!ref->block) {
		for (struct lab_block *b = lab->blocks; b; b = b->next)
			nearest_try(&near, name, b->name);
		return args_wrong(lab, "block", name, near.word);
	}
	if (text_length(name) < text_length(ref->text))
		return ref_part(lab, ref, index);
	ref->page = ref->block->kind == LAB_MANY ? ref->block->many[0].page : ref->block->page;
	ref->order = ref->block->order;
	return LAB_OK;
}
