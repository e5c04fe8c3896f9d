/* SPDX-License-Identifier: MIT */
/* hosted.c - the lessons' hashes in a process; built as each of the variants */
#include <quire/error.h>

#include <stdio.h>
#include <stdlib.h>

#include "hosted.h"
#include "lesson.h"

static int read_file(void *ctx, const char *name, char **text, size_t *length, const char **why)
{
	(void)ctx;
	(void)why;
	FILE *file = fopen(name, "rb");
	size_t room = 1 << 20;

	if (!file)
		return -QUIRE_ENOENT;
	*text = malloc(room);
	*length = *text ? fread(*text, 1, room, file) : 0;
	fclose(file);
	return *text && *length < room ? 0 : -QUIRE_ENOMEM;
}

static void done_file(void *ctx, char *text, size_t length)
{
	(void)ctx;
	(void)length;
	free(text);
}

static void set_cpu(void *ctx, unsigned cpu)
{
	(void)ctx;
	quire_hosted_cpu(cpu);
}

static void print(void *ctx, const char *text, size_t length)
{
	fwrite(text, 1, length, ctx);
}

int main(int argc, char **argv)
{
	int worst = 0;

	for (int i = 1; i < argc; i++) {
		struct quire_hosted port = { 0 };
		const struct lab_host host = {
			.port = &port, .read = read_file, .done = done_file, .set_cpu = set_cpu
		};
		const struct quire_sink sink = { print, stdout };
		int status = (int)lab_lesson(&host, argv[i], &sink);
		if (port.live_bytes) {
			printf("%s: %llu bytes were not given back\n", argv[i],
			       (unsigned long long)port.live_bytes);
			status = LAB_FAILED;
		}
		worst = status > worst ? status : worst;
		quire_hosted_release(&port);
	}
	return worst;
}
