/* SPDX-License-Identifier: MIT */
/*
 * cmd_replay.c - quire replay TRACE: a recorded workload on this machine
 *
 * Lines are read (input.h), understood (lab/trace.h) and replayed
 * (lab/replay.h). Requests and frees are gathered and replayed some thousand
 * at a time, so that the clock is read twice for a thousand of them and not for
 * each; everything else is counted at once, for it points into the line.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "hosted.h"
#include "input.h"
#include "replay.h"
#include "replay_report.h"
#include "trace.h"

#define BATCH 1024

/* Lines between two looks at the progress. */
#define PROGRESS_LINES 4096

/** struct run - a replay while it goes on */
struct run {
	struct cli *cli;
	struct input *in;
	struct lab_replay *replay;
	struct lab_event batch[BATCH];
	size_t nr_batch;
	uint64_t lines;
	uint64_t skipped;
	uint64_t replay_ns;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void set_cpu(void *ctx, unsigned cpu)
{
	(void)ctx;
	quire_hosted_cpu(cpu);
}

static int replay_error(struct run *run, int err)
{
	cli_progress_end(run->cli);
	if (err == -QUIRE_ENOMEM) {
		cli_error(run->cli, "%s:%" PRIu64 ": no memory to go on", input_name(run->in),
			  run->lines);
		return CLI_FILE;
	}
	cli_error(run->cli, "%s:%" PRIu64 ": the machine did not take back a block it had given",
		  input_name(run->in), run->lines);
	return CLI_FAILED;
}

/* Replay what has been gathered. */
static int flush(struct run *run)
{
	uint64_t start = now_ns();
	int err = 0;

	for (size_t i = 0; i < run->nr_batch && !err; i++)
		err = lab_replay_event(run->replay, &run->batch[i]);
	run->nr_batch = 0;
	run->replay_ns += now_ns() - start;
	return err ? replay_error(run, err) : CLI_OK;
}

/* Something in the input is wrong: with --lenient it is counted, else told. */
static int damaged(struct run *run, const char *why)
{
	run->skipped++;
	if (run->cli->lenient)
		return CLI_OK;
	cli_progress_end(run->cli);
	cli_error(run->cli, "%s:%" PRIu64 ": %s", input_name(run->in), input_line(run->in), why);
	return CLI_FILE;
}

static int take_line(struct run *run, const char *line, size_t length)
{
	struct lab_event *ev = &run->batch[run->nr_batch];
	const char *why;

	if (lab_trace_line(line, length, ev, &why))
		return damaged(run, why);
	if (ev->kind != LAB_PAGE_ALLOC && ev->kind != LAB_PAGE_FREE &&
	    ev->kind != LAB_PAGE_FREE_BATCHED) {
		int err = lab_replay_event(run->replay, ev);
		return err ? replay_error(run, err) : CLI_OK;
	}
	return ++run->nr_batch == BATCH ? flush(run) : CLI_OK;
}

/* The end of what can be read came too early. */
static int cut_short(struct run *run)
{
	run->skipped++;
	cli_progress_end(run->cli);
	cli_error(run->cli, "%s:%" PRIu64 ": %s%s", input_name(run->in), input_line(run->in),
		  input_why(run->in), run->cli->lenient ? "; what came before it is replayed" : "");
	return run->cli->lenient ? CLI_OK : CLI_FILE;
}

static void show_progress(struct run *run)
{
	uint64_t total, bytes = input_bytes(run->in, &total);

	run->cli->progress.unit = "bytes";
	cli_progress(run->cli, bytes, total);
}

/* Read and replay to the end. */
static int replay_all(struct run *run)
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
			return flush(run);
		if (found == INPUT_LINE) {
			status = take_line(run, line, length);
		} else if (found == INPUT_DAMAGED) {
			status = damaged(run, input_why(run->in));
		} else if (found == INPUT_CUT) {
			status = cut_short(run);
			return status == CLI_OK ? flush(run) : status;
		} else {
			cli_progress_end(run->cli);
			cli_error(run->cli, "%s: %s", input_name(run->in), input_why(run->in));
			status = CLI_FILE;
		}
	}
	return status;
}

static int report(struct run *run, struct replay_outcome *o)
{
	struct cli *cli = run->cli;
	struct quire_violation broken;

	o->trace = input_name(run->in);
	o->counts = lab_replay_counts(run->replay);
	o->lines = run->lines;
	o->skipped = run->skipped;
	o->replay_ns = run->replay_ns;
	replay_fragmentation_read(o->q, &o->after);
	o->sound = quire_check(o->q, &broken);
	o->hash = quire_hash(o->q);
	cli_progress_end(cli);
	if (!o->counts->events[LAB_PAGE_ALLOC] && !o->counts->events[LAB_PAGE_FREE] &&
	    !o->counts->events[LAB_PAGE_FREE_BATCHED])
		quire_format(&cli->talk, "quire: %s: no request and no free in it\n", o->trace);
	if (cli->json)
		replay_report_json(o, &cli->out);
	else
		replay_report_text(o, &cli->out);
	if (o->sound)
		return CLI_OK;
	cli_error(cli, "%s broken: %s (%" PRIu64 ")", broken.rule, broken.text, broken.where);
	return CLI_FAILED;
}

static int replay_input(struct run *run)
{
	struct lab_replay_host host = { .set_cpu = set_cpu };
	struct replay_outcome outcome = { 0 };
	int status = cli_boot(run->cli, &outcome.q);

	if (status != CLI_OK)
		return status;
	replay_fragmentation_read(outcome.q, &outcome.before);
	if (lab_replay_create(outcome.q, &host, &run->replay)) {
		cli_error(run->cli, "no memory");
		return CLI_FILE;
	}
	status = replay_all(run);
	if (status == CLI_OK)
		status = report(run, &outcome);
	lab_replay_destroy(run->replay);
	return status;
}

int cmd_replay(struct cli *cli, int argc, char **argv)
{
	if (argc != 1)
		return cli_usage(cli, "replay takes one recording; - is standard input");

	struct run *run = calloc(1, sizeof(*run));
	if (!run) {
		cli_error(cli, "no memory");
		return CLI_FILE;
	}
	run->cli = cli;
	int error = input_open(argv[0], &run->in);
	if (error)
		cli_error(cli, "%s: %s", argv[0], strerror(error));
	int status = error ? CLI_FILE : replay_input(run);
	input_close(run->in);
	free(run);
	return status;
}
