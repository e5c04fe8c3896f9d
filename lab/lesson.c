/* SPDX-License-Identifier: MIT */
/*
 * lesson.c - run one script and tell in one line what came of it
 */
#include "lesson.h"

/* FNV-1a. */
#define HASH_START 0xcbf29ce484222325u
#define HASH_PRIME 0x100000001b3u

static void hash_write(void *ctx, const char *text, size_t length)
{
	uint64_t *hash = ctx;

	for (size_t i = 0; i < length; i++)
		*hash = (*hash ^ (unsigned char)text[i]) * HASH_PRIME;
}

static void quiet_write(void *ctx, const char *text, size_t length)
{
	(void)ctx;
	(void)text;
	(void)length;
}

static const char *basename_of(const char *name)
{
	const char *base = name;

	for (; *name; name++) {
		if (*name == '/')
			base = name + 1;
	}
	return base;
}

enum lab_status lab_lesson(const struct lab_host *host, const char *name,
			   const struct quire_sink *print)
{
	uint64_t results = HASH_START, state = 0;
	struct lab_host quiet = *host;
	enum lab_status status;
	struct lab *lab;
	char *text;
	const char *why = NULL;
	size_t length;

	quiet.out = (struct quire_sink){ hash_write, &results };
	quiet.talk = (struct quire_sink){ quiet_write, NULL };
	quiet.echo = false;
	if (quiet.read(quiet.ctx, name, &text, &length, &why)) {
		quire_format(print, "%s: can't be read\n", name);
		return LAB_FILE;
	}
	if (lab_create(&quiet, &lab)) {
		quire_format(print, "%s: no memory\n", name);
		quiet.done(quiet.ctx, text, length);
		return LAB_FILE;
	}
	status = lab_text(lab, "script", text, length);
	if (lab_quire(lab))
		state = quire_hash(lab_quire(lab));
	quire_format(print, "%s %d %016llx %016llx\n", basename_of(name), (int)status,
		     (unsigned long long)state, (unsigned long long)results);
	if (status != LAB_OK)
		quire_format(print, "%s\n", lab_message(lab));
	lab_destroy(lab);
	quiet.done(quiet.ctx, text, length);
	return status;
}
