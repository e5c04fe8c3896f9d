/* SPDX-License-Identifier: MIT */
/*
 * script_rig.h - a session for the tests of the script language, and its lines
 */
#ifndef TEST_SCRIPT_RIG_H
#define TEST_SCRIPT_RIG_H

#include <quire/page.h>

#include "hosted.h"
#include "script.h"
#include "test.h"

/* What a session wrote, and the file that it finds. */
struct record {
	char out[65536], talk[4096];
	unsigned cpu;
};

static struct record record;
static const char *file_text;

static void keep(char *to, size_t size, const char *text, size_t length)
{
	size_t used = strlen(to);

	if (length > size - 1 - used)
		length = size - 1 - used;
	memcpy(to + used, text, length);
	to[used + length] = 0;
}

static void write_out(void *ctx, const char *text, size_t length)
{
	struct record *r = ctx;

	keep(r->out, sizeof(r->out), text, length);
}

static void write_talk(void *ctx, const char *text, size_t length)
{
	struct record *r = ctx;

	keep(r->talk, sizeof(r->talk), text, length);
}

static inline int read_map(void *ctx, const char *name, char **text, size_t *length,
			   const char **why)
{
	(void)ctx;
	(void)why;
	if (strcmp(name, "map file") != 0 || !file_text)
		return -QUIRE_ENOENT;
	*text = strdup(file_text);
	*length = strlen(file_text);
	return 0;
}

static void done(void *ctx, char *text, size_t length)
{
	(void)ctx;
	(void)length;
	free(text);
}

static void set_cpu(void *ctx, unsigned cpu)
{
	((struct record *)ctx)->cpu = cpu;
	quire_hosted_cpu(cpu);
}

static inline struct lab *begin(void)
{
	const struct lab_host host = {
		.out = { write_out, &record },
		.talk = { write_talk, &record },
		.read = read_map,
		.done = done,
		.set_cpu = set_cpu,
		.ctx = &record,
	};
	struct lab *lab = NULL;

	memset(&record, 0, sizeof(record));
	if (lab_create(&host, &lab))
		abort();
	return lab;
}

static enum lab_status line(struct lab *lab, const char *text)
{
	return lab_line(lab, text, strlen(text));
}

/* The line does well, or ends with this status and a message that has these words. */
#define GOOD(text)                                                       \
	do {                                                             \
		if (line(lab, text) != LAB_OK) {                         \
			printf("%s: %s\n", text, lab_message(lab));      \
			CHECK(!"the line is good");                      \
		}                                                        \
	} while (0)

#define BAD(status, text, words)                                         \
	do {                                                             \
		CHECK_EQ(line(lab, text), status);                       \
		if (!strstr(lab_message(lab), words)) {                  \
			printf("%s: %s\n", text, lab_message(lab));      \
			CHECK(!"the message has these words");           \
		}                                                        \
	} while (0)

#endif
