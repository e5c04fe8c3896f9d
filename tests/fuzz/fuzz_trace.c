/* SPDX-License-Identifier: MIT */
/*
 * fuzz_trace.c - any bytes as a recording, replayed on a small machine
 */
#include <quire/boot.h>
#include <quire/page.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hosted.h"
#include "replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool cond, const char *what)
{
	if (!cond) {
		fprintf(stderr, "fuzz_trace: %s\n", what);
		abort();
	}
}

static struct quire *boot(struct quire_hosted *host)
{
	struct quire_map_entry map = { 0, 8 << 20, QUIRE_MAP_USABLE };
	struct quire_config config;
	struct quire *q = NULL;

	quire_config_init(&config, QUIRE_X86_64);
	config.host = host;
	config.nr_cpus = 2;
	config.frames_outside = true;
	require(quire_create(&config, &q) == 0, "create");
	require(quire_boot_map(q, &map, 1) == 0, "map");
	require(quire_boot_zones(q) == 0, "zones");
	return q;
}

static void set_cpu(void *ctx, unsigned cpu)
{
	(void)ctx;
	require(cpu < 2, "a cpu that the machine has not");
	quire_hosted_cpu(cpu);
}

/* Each event ends in one count. */
static void check_counts(const struct lab_replay_counts *c)
{
	require(c->allocs + c->failed + c->recorded_failures == c->events[LAB_PAGE_ALLOC],
		"requests do not add up");
	require(c->frees + c->failed_frees + c->unknown_frees + c->echoes ==
			c->events[LAB_PAGE_FREE] + c->events[LAB_PAGE_FREE_BATCHED],
		"frees do not add up");
	require(c->live_frames <= c->peak_frames, "more frames than the peak");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct lab_replay_host replay_host = { .set_cpu = set_cpu };
	struct quire_violation broken = { 0 };
	struct quire_hosted host = { 0 };
	struct quire *q = boot(&host);
	struct lab_replay *replay;
	const char *text = (const char *)data, *end = text + size;

	require(lab_replay_create(q, &replay_host, &replay) == 0, "replay");
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = newline ? newline : end;
		struct lab_event ev;
		const char *why;
		if (lab_trace_line(text, (size_t)(line_end - text), &ev, &why) == 0)
			require(lab_replay_event(replay, &ev) == 0, "an event failed");
		text = line_end + 1;
	}
	check_counts(lab_replay_counts(replay));
	require(quire_check(q, &broken), broken.text);
	require(lab_replay_release(replay) == 0, "a block was not taken back");
	require(quire_check(q, &broken), broken.text);
	lab_replay_destroy(replay);
	quire_destroy(q);
	quire_hosted_release(&host);
	require(host.live_bytes == 0, "memory was lost");
	quire_hosted_cpu(0);
	return 0;
}
