/* SPDX-License-Identifier: MIT */
/*
 * cmd_replay.c - quire replay TRACE: a recorded workload on this machine
 *
 * Lines are read (input.h) and given to the kind of recording that they are of. Which that is,
 * the first line tells that only one of them can have; lines before it are kept until then.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay_kind.h"

/* Lines between two looks at the progress. */
#define PROGRESS_LINES 4096
/* Lines that are kept until one tells the kind: headers. Beyond, it is taken for ftrace's. */
#define UNDECIDED_LINES 256

static const struct replay_kind *const kinds[] = { &replay_touches, &replay_calls, &replay_pages };

/** struct undecided - lines that came before the kind was known */
struct undecided {
	char *line[UNDECIDED_LINES];
	size_t nr;
};

uint64_t replay_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int replay_damaged(struct replay_run *run, const char *why)
{
	run->skipped++;
	if (run->cli->lenient)
		return CLI_OK;
	cli_progress_end(run->cli);
	cli_error(run->cli, "%s:%" PRIu64 ": %s", input_name(run->in), run->lines, why);
	return CLI_FILE;
}

/* The end of what can be read came too early. */
static int cut_short(struct replay_run *run)
{
	run->skipped++;
	cli_progress_end(run->cli);
	cli_error(run->cli, "%s:%" PRIu64 ": %s%s", input_name(run->in), run->lines,
		  input_why(run->in), run->cli->lenient ? "; what came before it is replayed" : "");
	return run->cli->lenient ? CLI_OK : CLI_FILE;
}

static void show_progress(struct replay_run *run)
{
	uint64_t total, bytes = input_bytes(run->in, &total);

	run->cli->progress.unit = "bytes";
	cli_progress(run->cli, bytes, total);
}

/* The kind is known: make the machine, and replay what was kept. */
static int decide(struct replay_run *run, const struct replay_kind *kind, struct undecided *kept)
{
	uint64_t lines = run->lines;
	int status = cli_boot(run->cli, &run->q);

	if (status != CLI_OK)
		return status;
	run->kind = kind;
	status = kind->begin(run);
	for (size_t i = 0; i < kept->nr && status == CLI_OK; i++) {
		run->lines = i + 1;
		status = kind->line(run, kept->line[i], strlen(kept->line[i]));
	}
	run->lines = lines;
	return status;
}

static int take_line(struct replay_run *run, struct undecided *kept, const char *line,
		     size_t length)
{
	int status;

	if (run->kind)
		return run->kind->line(run, line, length);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!kinds[i]->is_mine(line, length))
			continue;
		status = decide(run, kinds[i], kept);
		return status == CLI_OK ? kinds[i]->line(run, line, length) : status;
	}
	if (kept->nr == UNDECIDED_LINES) {
		status = decide(run, &replay_pages, kept);
		return status == CLI_OK ? replay_pages.line(run, line, length) : status;
	}
	kept->line[kept->nr] = strndup(line, length);
	if (!kept->line[kept->nr]) {
		cli_error(run->cli, "no memory");
		return CLI_FILE;
	}
	kept->nr++;
	return CLI_OK;
}

/* Everything is read. */
static int finish(struct replay_run *run, struct undecided *kept)
{
	int status = run->kind ? CLI_OK : decide(run, &replay_pages, kept);

	return status == CLI_OK ? run->kind->flush(run) : status;
}

/* Read and replay to the end. */
static int replay_all(struct replay_run *run, struct undecided *kept)
{
	int status = CLI_OK;

	while (status == CLI_OK) {
		const char *line;
		size_t length;
		enum input_result found = input_next(run->in, &line, &length);

		run->lines = input_line(run->in);
		if (run->lines % PROGRESS_LINES == 0)
			show_progress(run);
		if (found == INPUT_END)
			return finish(run, kept);
		if (found == INPUT_LINE) {
			status = take_line(run, kept, line, length);
		} else if (found == INPUT_DAMAGED) {
			status = replay_damaged(run, input_why(run->in));
		} else if (found == INPUT_CUT) {
			status = cut_short(run);
			return status == CLI_OK ? finish(run, kept) : status;
		} else {
			cli_progress_end(run->cli);
			cli_error(run->cli, "%s: %s", input_name(run->in), input_why(run->in));
			status = CLI_FILE;
		}
	}
	return status;
}

/* The report, and whether all rules hold. */
static int verdict(struct replay_run *run)
{
	struct quire_violation broken;

	run->sound = quire_check(run->q, &broken);
	run->hash = quire_hash(run->q);
	run->kind->report(run);
	if (run->sound)
		return CLI_OK;
	cli_error(run->cli, "%s broken: %s (%" PRIu64 ")", broken.rule, broken.text, broken.where);
	return CLI_FAILED;
}

static int replay_input(struct replay_run *run)
{
	struct undecided kept = { .nr = 0 };
	int status = replay_all(run, &kept);

	if (status == CLI_OK)
		status = verdict(run);
	if (run->kind)
		run->kind->end(run);
	while (kept.nr)
		free(kept.line[--kept.nr]);
	return status;
}

int cmd_replay(struct cli *cli, int argc, char **argv)
{
	struct replay_run run = { .cli = cli };

	if (argc != 1)
		return cli_usage(cli, "replay takes one recording; - is standard input");

	int error = input_open(argv[0], &run.in);
	if (error)
		cli_error(cli, "%s: %s", argv[0], strerror(error));
	int status = error ? CLI_FILE : replay_input(&run);
	input_close(run.in);
	return status;
}
