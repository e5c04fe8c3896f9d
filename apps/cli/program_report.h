/* SPDX-License-Identifier: MIT */
/*
 * program_report.h - what quire replay prints of a program's run
 */
#ifndef QUIRE_CLI_PROGRAM_REPORT_H
#define QUIRE_CLI_PROGRAM_REPORT_H

#include "cli.h"
#include "program.h"

#define PROGRAM_SAMPLES 512

/** struct program_outcome - a finished run */
struct program_outcome {
	const char *trace; /* the recording's name */
	struct quire *q;
	const struct lab_program_counts *counts;
	bool touches; /* it is lackey's; else strace's */
	uint64_t lines;
	uint64_t skipped; /* damaged lines, left out */
	uint64_t torn;    /* ends of calls whose beginning was not recorded */
	uint64_t steps;   /* calls or touches */
	uint64_t replay_ns;
	uint64_t tlb_misses;
	uint64_t hash;
	bool sound;
	/* At even distances of steps: bytes, bytes, and faults until then. */
	uint64_t resident[PROGRAM_SAMPLES], mapped[PROGRAM_SAMPLES], faults[PROGRAM_SAMPLES];
	size_t nr_samples;
};

/** program_report_text - the outcome for people */
void program_report_text(const struct program_outcome *o, const struct quire_sink *sink);

/** program_report_json - the same numbers as one JSON object */
void program_report_json(const struct program_outcome *o, const struct quire_sink *sink);

/** program_report_svg - resident and mapped size and faults over time */
void program_report_svg(const struct program_outcome *o, const struct quire_sink *sink);

#endif
