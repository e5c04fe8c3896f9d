/* SPDX-License-Identifier: MIT */
/*
 * replay_pages.c - a recording of the page allocator, replayed
 *
 * Lines are understood by lab/trace.h and replayed by lab/replay.h. Requests and frees are
 * gathered and replayed some thousand at a time, so that the clock is read twice for a thousand
 * of them and not for each; everything else is counted at once, for it points into the line.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "hosted.h"
#include "replay_kind.h"
#include "replay_report.h"
#include "trace.h"

#define BATCH 1024

/** struct pages - a replay while it goes on */
struct pages {
	struct lab_replay *replay;
	struct replay_outcome outcome;
	struct lab_event batch[BATCH];
	size_t nr_batch;
};

static void set_cpu(void *ctx, unsigned cpu)
{
	(void)ctx;
	quire_hosted_cpu(cpu);
}

static int replay_error(struct replay_run *run, int err)
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

static int begin(struct replay_run *run)
{
	struct quire *q = run->q;
	struct lab_replay_host host = { .set_cpu = set_cpu };
	struct pages *pages = run->state = calloc(1, sizeof(*pages));

	if (run->cli->svg)
		return cli_usage(run->cli, "--svg is for recordings of programs");
	if (!pages || lab_replay_create(q, &host, &pages->replay)) {
		cli_error(run->cli, "no memory");
		return CLI_FILE;
	}
	pages->outcome.q = q;
	replay_fragmentation_read(q, &pages->outcome.before);
	return CLI_OK;
}

/* Replay what has been gathered. */
static int flush(struct replay_run *run)
{
	struct pages *pages = run->state;
	uint64_t start = replay_now_ns();
	int err = 0;

	for (size_t i = 0; i < pages->nr_batch && !err; i++)
		err = lab_replay_event(pages->replay, &pages->batch[i]);
	pages->nr_batch = 0;
	run->replay_ns += replay_now_ns() - start;
	return err ? replay_error(run, err) : CLI_OK;
}

static int take_line(struct replay_run *run, const char *line, size_t length)
{
	struct pages *pages = run->state;
	struct lab_event *ev = &pages->batch[pages->nr_batch];
	const char *why;

	if (lab_trace_line(line, length, ev, &why))
		return replay_damaged(run, why);
	if (ev->kind != LAB_PAGE_ALLOC && ev->kind != LAB_PAGE_FREE &&
	    ev->kind != LAB_PAGE_FREE_BATCHED) {
		int err = lab_replay_event(pages->replay, ev);
		return err ? replay_error(run, err) : CLI_OK;
	}
	return ++pages->nr_batch == BATCH ? flush(run) : CLI_OK;
}

static void report(struct replay_run *run)
{
	struct pages *pages = run->state;
	struct replay_outcome *o = &pages->outcome;
	struct cli *cli = run->cli;

	o->trace = input_name(run->in);
	o->counts = lab_replay_counts(pages->replay);
	o->lines = run->lines;
	o->skipped = run->skipped;
	o->replay_ns = run->replay_ns;
	replay_fragmentation_read(o->q, &o->after);
	o->sound = run->sound;
	o->hash = run->hash;
	cli_progress_end(cli);
	if (!o->counts->events[LAB_PAGE_ALLOC] && !o->counts->events[LAB_PAGE_FREE] &&
	    !o->counts->events[LAB_PAGE_FREE_BATCHED])
		quire_format(&cli->talk, "quire: %s: %s\n", o->trace,
			     o->lines > o->skipped ? "no request and no free in it"
						   : "no recording in it");
	if (cli->json)
		replay_report_json(o, &cli->out);
	else
		replay_report_text(o, &cli->out);
}

static void end(struct replay_run *run)
{
	struct pages *pages = run->state;

	if (pages)
		lab_replay_destroy(pages->replay);
	free(pages);
}

static bool is_mine(const char *line, size_t length)
{
	struct lab_event ev;
	const char *why;

	return !lab_trace_line(line, length, &ev, &why) && ev.kind != LAB_EVENT_NONE;
}

const struct replay_kind replay_pages = { is_mine, begin, take_line, flush, report, end };
