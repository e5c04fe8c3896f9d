/* SPDX-License-Identifier: MIT */
/*
 * replay_program.c - a recorded program's calls or accesses, made again
 *
 * Lines are understood by lab/strace.h and lab/lackey.h and made again by lab/program.h. Now and
 * then the processes are counted; when there are too many of these samples, every second one
 * goes and they are taken half as often, so that a plot of any length has between SAMPLES / 2
 * and SAMPLES of them.
 */
#include <quire/layout.h>
#include <quire/slab.h>

#include <inttypes.h>
#include <stdlib.h>

#include "hosted.h"
#include "program_report.h"
#include "replay_kind.h"

/* Touches between two readings of the clock. */
#define BATCH 4096

/** struct program - a replay while it goes on */
struct program {
	struct lab_program *run;
	struct lab_strace strace;
	struct program_outcome outcome;
	struct lab_touch batch[BATCH];
	size_t nr_batch;
	uint64_t steps;    /* lines that did something */
	uint64_t interval; /* steps between samples */
};

static int begin(struct replay_run *run, bool touches)
{
	struct quire *q = run->q;
	struct program *program = run->state = calloc(1, sizeof(*program));
	int error = program ? 0 : -QUIRE_ENOMEM;

	if (!error)
		error = quire_kernel_boot(q);
	if (!error || error == -QUIRE_EBUSY)
		error = quire_slab_boot(q, NULL);
	if (!error || error == -QUIRE_EBUSY)
		error = quire_cache_boot(q);
	if (!error || error == -QUIRE_EBUSY)
		error = quire_vm_boot(q);
	if (!error || error == -QUIRE_EBUSY)
		error = lab_program_create(q, &program->run);
	if (error) {
		cli_error(run->cli, "this machine can't run programs: %s", quire_error_name(error));
		return CLI_FILE;
	}
	program->outcome.q = q;
	program->outcome.touches = touches;
	program->interval = 1;
	return CLI_OK;
}

static int begin_calls(struct replay_run *run)
{
	return begin(run, false);
}

static int begin_touches(struct replay_run *run)
{
	return begin(run, true);
}

/* Keep every second sample. */
static void thin_out(struct program_outcome *o)
{
	for (size_t i = 0; i < o->nr_samples / 2; i++) {
		o->resident[i] = o->resident[2 * i];
		o->mapped[i] = o->mapped[2 * i];
		o->faults[i] = o->faults[2 * i];
	}
	o->nr_samples /= 2;
}

/* One step more was made; it is time for a sample. */
static void sample(struct program *program)
{
	struct program_outcome *o = &program->outcome;
	const struct lab_program_counts *c = lab_program_counts(program->run);

	if (o->nr_samples == PROGRAM_SAMPLES) {
		thin_out(o);
		program->interval *= 2;
	}
	o->resident[o->nr_samples] = c->resident << QUIRE_PAGE_SHIFT;
	o->mapped[o->nr_samples] = c->mapped << QUIRE_PAGE_SHIFT;
	o->faults[o->nr_samples++] = c->min_faults + c->maj_faults;
}

static int failed(struct replay_run *run)
{
	cli_progress_end(run->cli);
	cli_error(run->cli, "%s:%" PRIu64 ": no memory to go on", input_name(run->in), run->lines);
	return CLI_FILE;
}

static int flush(struct replay_run *run)
{
	struct program *program = run->state;
	uint64_t start = replay_now_ns();
	int error = 0;

	for (size_t i = 0; i < program->nr_batch && !error; i++) {
		if (program->steps++ % program->interval == 0)
			sample(program);
		error = lab_program_touch(program->run, &program->batch[i]);
	}
	program->nr_batch = 0;
	run->replay_ns += replay_now_ns() - start;
	return error ? failed(run) : CLI_OK;
}

static int take_touch(struct replay_run *run, const char *line, size_t length)
{
	struct program *program = run->state;
	const char *why;

	if (lab_lackey_line(line, length, &program->batch[program->nr_batch], &why))
		return replay_damaged(run, why);
	return ++program->nr_batch == BATCH ? flush(run) : CLI_OK;
}

static int take_call(struct replay_run *run, const char *line, size_t length)
{
	struct program *program = run->state;
	uint64_t start = replay_now_ns();
	struct lab_call call;
	const char *why;

	if (lab_strace_line(&program->strace, line, length, &call, &why))
		return replay_damaged(run, why);
	if (lab_program_call(program->run, &call))
		return failed(run);
	if (program->steps++ % program->interval == 0)
		sample(program);
	run->replay_ns += replay_now_ns() - start;
	return CLI_OK;
}

static void report(struct replay_run *run)
{
	struct program *program = run->state;
	struct program_outcome *o = &program->outcome;
	struct cli *cli = run->cli;

	sample(program);
	o->trace = input_name(run->in);
	o->counts = lab_program_counts(program->run);
	o->lines = run->lines;
	o->skipped = run->skipped;
	o->torn = program->strace.nr_torn;
	o->steps = program->steps;
	o->replay_ns = run->replay_ns;
	o->tlb_misses = quire_hosted_walks(&cli->port);
	o->sound = run->sound;
	o->hash = run->hash;
	cli_progress_end(cli);
	if (!o->counts->made && !o->touches)
		quire_format(&cli->talk, "quire: %s: no call in it that changes an address space\n",
			     o->trace);
	if (cli->svg)
		program_report_svg(o, &cli->out);
	else if (cli->json)
		program_report_json(o, &cli->out);
	else
		program_report_text(o, &cli->out);
}

static void end(struct replay_run *run)
{
	struct program *program = run->state;

	if (program)
		lab_program_destroy(program->run);
	free(program);
}

static bool is_call(const char *line, size_t length)
{
	struct lab_strace strace = { .nr_torn = 0 };
	struct lab_call call;
	const char *why;

	/* A damaged call is one, if it is a call of which all is read. */
	return lab_strace_line(&strace, line, length, &call, &why)
		       ? call.kind > LAB_CALL_OTHER
		       : call.kind != LAB_CALL_NONE;
}

static bool is_touch(const char *line, size_t length)
{
	struct lab_touch touch;
	const char *why;

	return !lab_lackey_line(line, length, &touch, &why) && touch.kind != LAB_TOUCH_NONE;
}

const struct replay_kind replay_calls = { is_call, begin_calls, take_call, flush, report, end };
const struct replay_kind replay_touches = {
	is_touch, begin_touches, take_touch, flush, report, end
};
