/* SPDX-License-Identifier: MIT */
/*
 * fuzz_script.c - any bytes as a script
 *
 * A line that goes wrong does not end the session. At the end every invariant
 * holds and all memory is back. The first byte,
 * unless it is a blank, chooses an allocation of the host's that fails.
 */
#include <quire/quire.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hosted.h"
#include "script.h"

/* Lines of one input, and the largest numbers in them, so that a run stays short. */
#define LINES_MAX 60
#define REPEAT_MAX 20
#define DIGITS_MAX 5
#define HEX_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void no_write(void *ctx, const char *text, size_t length)
{
	(void)ctx;
	(void)text;
	(void)length;
}

static void set_cpu(void *ctx, unsigned cpu)
{
	(void)ctx;
	quire_hosted_cpu(cpu);
}

/* Would the line keep us busy? Sizes of gigabytes, long numbers, many repetitions. */
static bool too_much(const char *line)
{
	const char *repeat = strstr(line, "repeat");

	if (repeat && strtoull(repeat + 6, NULL, 0) > REPEAT_MAX)
		return true;
	for (const char *at = line; *at;) {
		bool hex = at[0] == '0' && (at[1] | 32) == 'x';
		size_t digits = strspn(at += hex ? 2 : 0, hex ? "0123456789abcdefABCDEF"
							      : "0123456789");

		if (digits > (hex ? HEX_MAX : DIGITS_MAX))
			return true;
		at += digits;
		if (digits && *at && strchr("gGtTpPeE", *at))
			return true;
		if (digits > 3 && *at && strchr("mM", *at))
			return true;
		at += *at && !digits;
	}
	return false;
}

static void run(struct lab *lab, const char *text, size_t size)
{
	for (int i = 0; i < LINES_MAX && size; i++) {
		const char *end = memchr(text, '\n', size);
		size_t length = end ? (size_t)(end - text) : size;
		char line[2048];

		if (length < sizeof(line)) {
			memcpy(line, text, length);
			line[length] = 0;
			if (!too_much(line)) {
				lab_line(lab, line, length);
				lab_complete(lab, line, 0);
			}
		}
		length += end ? 1 : 0;
		text += length;
		size -= length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct quire_hosted port = { .fail_at = size && data[0] != ' ' ? data[0] : 0 };
	const struct lab_host host = {
		.port = &port,
		.out = { no_write, NULL },
		.talk = { no_write, NULL },
		.echo = true,
		.set_cpu = set_cpu,
	};
	struct quire_violation broken = { NULL, NULL, 0 };
	struct lab *lab;

	if (size && !lab_create(&host, &lab)) {
		run(lab, (const char *)data + 1, size - 1);
		/* `poke` may write to free objects, and SLAB-6 is what that breaks. */
		if (lab_quire(lab) && !quire_check(lab_quire(lab), &broken) &&
		    strcmp(broken.rule, "SLAB-6")) {
			fprintf(stderr, "fuzz_script: %s: %s\n", broken.rule, broken.text);
			abort();
		}
		lab_destroy(lab);
	}
	quire_hosted_release(&port);
	if (port.live_bytes) {
		fprintf(stderr, "fuzz_script: memory is lost\n");
		abort();
	}
	return 0;
}
