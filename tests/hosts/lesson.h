/* SPDX-License-Identifier: MIT */
/*
 * lesson.h - run one script on any host and tell in one line what came of it
 *
 * The line is the same on all hosts: name, status, hash of the machine's state, hash of the
 * results. Needs no libc.
 */
#ifndef QUIRE_TEST_LESSON_H
#define QUIRE_TEST_LESSON_H

#include <quire/format.h>
#include <quire/quire.h>

#include "script.h"

/* FNV-1a over all that was written. */
static void lesson_write(void *ctx, const char *text, size_t length)
{
	uint64_t *hash = ctx;

	for (size_t i = 0; i < length; i++)
		*hash = (*hash ^ (unsigned char)text[i]) * 0x100000001b3u;
}

static const char *lesson_basename(const char *name)
{
	const char *base = name;

	for (; *name; name++)
		if (*name == '/')
			base = name + 1;
	return base;
}

static void lesson_quiet(void *ctx, const char *text, size_t length)
{
	(void)ctx;
	(void)text;
	(void)length;
}

/* @host brings read, done, set_cpu, port and ctx; the line goes to @print. */
static int lesson_run(struct lab_host host, const char *name, const struct quire_sink *print)
{
	uint64_t results = 0xcbf29ce484222325u;
	struct lab *lab;
	const char *why = NULL;
	char *text;
	size_t length;

	host.out = (struct quire_sink){ lesson_write, &results };
	host.talk = (struct quire_sink){ lesson_quiet, NULL };
	if (host.read(host.ctx, name, &text, &length, &why)) {
		quire_format(print, "%s: can't be read\n", name);
		return LAB_FILE;
	}
	int status = lab_create(&host, &lab);
	if (status == 0) {
		status = (int)lab_text(lab, "script", text, length);
		uint64_t state = lab_quire(lab) ? quire_hash(lab_quire(lab)) : 0;
		quire_format(print, "%s %d %016llx %016llx\n", lesson_basename(name), status,
			     (unsigned long long)state, (unsigned long long)results);
		if (status != LAB_OK)
			quire_format(print, "%s\n", lab_message(lab));
		lab_destroy(lab);
	}
	host.done(host.ctx, text, length);
	return status;
}

#endif
