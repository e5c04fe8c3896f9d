/* SPDX-License-Identifier: MIT */
/*
 * program_report.c - what quire replay prints of a program's run
 *
 * First what was read and made again, then what it cost the machine, then Linux's own report of its
 * memory. Lines with nothing to tell are left out.
 */
#include "program_report.h"

#include <quire/report.h>

#include <inttypes.h>

#include "plot.h"
#include "quote.h"
#include "replay_report.h"

/* A line of the summary, left out if it is 0. */
static void line(const struct quire_sink *sink, const char *what, uint64_t n)
{
	if (n)
		quire_format(sink, "  %-54s %10" PRIu64 "\n", what, n);
}

static uint64_t kilobytes(uint64_t pages)
{
	return pages << (QUIRE_PAGE_SHIFT - 10);
}

static uint64_t nr_touches(const struct lab_program_counts *c)
{
	uint64_t nr = 0;

	for (unsigned kind = LAB_TOUCH_FETCH; kind < LAB_NR_TOUCHES; kind++)
		nr += c->touches[kind];
	return nr;
}

static void text_head(const struct program_outcome *o, const struct quire_sink *sink)
{
	const struct lab_program_counts *c = o->counts;
	const struct quire_config *config = quire_config(o->q);
	uint64_t ms = (c->last_ns - c->first_ns) / 1000000;

	quire_format(sink, "%s\n  on %s, %" PRIu64 " MB managed, %u cpu%s\n  %" PRIu64 " lines",
		     o->trace, quire_machine_name(config->machine), replay_managed(o->q) >> 8,
		     config->nr_cpus, config->nr_cpus == 1 ? "" : "s", o->lines);
	if (c->last_ns > c->first_ns)
		quire_format(sink, ", %" PRIu64 ".%03" PRIu64 " s of recording", ms / 1000,
			     ms % 1000);
	quire_format(sink, ", %" PRIu64 " damaged lines skipped\n", o->skipped);
}

static void text_calls(const struct program_outcome *o, const struct quire_sink *sink)
{
	const struct lab_program_counts *c = o->counts;

	quire_format(sink, "\nCalls\n");
	for (unsigned kind = LAB_CALL_MMAP; lab_call_name((enum lab_call_kind)kind); kind++)
		line(sink, lab_call_name((enum lab_call_kind)kind), c->calls[kind]);
	line(sink, "that change no address space", c->calls[LAB_CALL_OTHER]);
	line(sink, "whose beginning was not recorded", o->torn);
	quire_format(sink, "\nMade again %56" PRIu64 "\n", c->made);
	line(sink, "ended as recorded", c->agreed);
	line(sink, "refused by this machine", c->refused);
	line(sink, "ended otherwise", c->differed);
	line(sink, "failed when recorded, not made again", c->recorded_failures);
	line(sink, "mappings that lie elsewhere than recorded", c->moved);
	line(sink, "pages mapped because a call named them", c->foreign_pages);
	quire_format(sink, "\nProcesses\n");
	line(sink, "in all", c->nr_processes);
	line(sink, "at the most at once", c->peak_processes);
	line(sink, "at the end", c->live_processes);
}

static void text_touches(const struct program_outcome *o, const struct quire_sink *sink)
{
	const struct lab_program_counts *c = o->counts;

	quire_format(sink, "\nAccesses %58" PRIu64 "\n", nr_touches(c));
	line(sink, "instructions fetched", c->touches[LAB_TOUCH_FETCH]);
	line(sink, "loads", c->touches[LAB_TOUCH_LOAD]);
	line(sink, "stores", c->touches[LAB_TOUCH_STORE]);
	line(sink, "loads and stores in one", c->touches[LAB_TOUCH_MODIFY]);
	line(sink, "that ended in a signal", c->signals);
	line(sink, "for which there was no memory or no address", c->refused_touches);
	line(sink, "blocks of 128 KB mapped because they were touched", c->blocks);
	line(sink, "of them elsewhere than recorded", c->moved);
	line(sink, "TLB misses", o->tlb_misses);
}

void program_report_text(const struct program_outcome *o, const struct quire_sink *sink)
{
	const struct lab_program_counts *c = o->counts;

	text_head(o, sink);
	if (o->touches)
		text_touches(o, sink);
	else
		text_calls(o, sink);
	quire_format(sink, "\nFaults %60" PRIu64 "\n", c->min_faults + c->maj_faults);
	for (unsigned kind = 0; kind < QUIRE_NR_FAULT_KINDS; kind++)
		line(sink, quire_fault_kind_name((enum quire_fault_kind)kind), c->faults[kind]);
	line(sink, "(of these, major: the file had to be read)", c->maj_faults);
	quire_format(sink, "\nMemory, KB %24s %14s\n", "peak", "at the end");
	quire_format(sink, "  %-20s %12" PRIu64 " %14" PRIu64 "\n", "mapped",
		     kilobytes(c->peak_mapped), kilobytes(c->mapped));
	quire_format(sink, "  %-20s %12" PRIu64 " %14" PRIu64 "\n", "resident",
		     kilobytes(c->peak_resident), kilobytes(c->resident));
	quire_format(sink, "  %-20s %12" PRIu64 " %14" PRIu64 "\n", "page tables",
		     c->peak_table_bytes >> 10, c->table_bytes >> 10);
	quire_format(sink, "  %-20s %12" PRIu64 " %14" PRIu64 "\n", "areas (their number)",
		     c->peak_vmas, c->vmas);
	quire_format(sink, "\nTime\n");
	line(sink, o->touches ? "ns per access" : "ns per call",
	     o->steps ? o->replay_ns / o->steps : 0);
	quire_format(sink, "\n/proc/meminfo\n");
	quire_report(o->q, "meminfo", false, sink);
	quire_format(sink, "\nState %016" PRIx64 ", %s\n", o->hash,
		     o->sound ? "every invariant holds" : "AN INVARIANT IS BROKEN");
}

static void json_number(const struct quire_sink *sink, const char *key, uint64_t n)
{
	quire_format(sink, ",\n  \"%s\": %" PRIu64, key, n);
}

static void json_series(const struct quire_sink *sink, const char *key, const uint64_t *value,
			size_t nr)
{
	quire_format(sink, ",\n  \"%s\": [", key);
	for (size_t i = 0; i < nr; i++)
		quire_format(sink, "%s%" PRIu64, i ? ", " : "", value[i]);
	quire_format(sink, "]");
}

/* By enum quire_fault_kind. */
static const char *const fault_keys[QUIRE_NR_FAULT_KINDS] = {
	"faults_zero", "faults_fresh", "faults_file",     "faults_copy",
	"faults_last", "faults_dirty", "faults_spurious",
};

static void json_counts(const struct program_outcome *o, const struct quire_sink *sink)
{
	const struct lab_program_counts *c = o->counts;

	json_number(sink, "lines", o->lines);
	json_number(sink, "skipped", o->skipped);
	json_number(sink, "torn", o->torn);
	for (unsigned kind = LAB_CALL_MMAP; !o->touches && lab_call_name((enum lab_call_kind)kind);
	     kind++)
		json_number(sink, lab_call_name((enum lab_call_kind)kind), c->calls[kind]);
	json_number(sink, "made", c->made);
	json_number(sink, "agreed", c->agreed);
	json_number(sink, "refused", c->refused);
	json_number(sink, "differed", c->differed);
	json_number(sink, "recorded_failures", c->recorded_failures);
	json_number(sink, "foreign_pages", c->foreign_pages);
	json_number(sink, "moved", c->moved);
	json_number(sink, "processes", c->nr_processes);
	for (unsigned kind = LAB_TOUCH_FETCH; kind < LAB_NR_TOUCHES && o->touches; kind++)
		json_number(sink, lab_touch_name((enum lab_touch_kind)kind), c->touches[kind]);
	json_number(sink, "blocks", c->blocks);
	json_number(sink, "signals", c->signals);
	json_number(sink, "refused_touches", c->refused_touches);
	json_number(sink, "tlb_misses", o->tlb_misses);
	json_number(sink, "min_faults", c->min_faults);
	json_number(sink, "maj_faults", c->maj_faults);
	for (unsigned kind = 0; kind < QUIRE_NR_FAULT_KINDS; kind++)
		json_number(sink, fault_keys[kind], c->faults[kind]);
	json_number(sink, "peak_resident_kb", kilobytes(c->peak_resident));
	json_number(sink, "resident_kb", kilobytes(c->resident));
	json_number(sink, "peak_mapped_kb", kilobytes(c->peak_mapped));
	json_number(sink, "mapped_kb", kilobytes(c->mapped));
	json_number(sink, "peak_vmas", c->peak_vmas);
	json_number(sink, "vmas", c->vmas);
	json_number(sink, "peak_table_bytes", c->peak_table_bytes);
	json_number(sink, "table_bytes", c->table_bytes);
	json_number(sink, "steps", o->steps);
	json_number(sink, "ns_per_step", o->steps ? o->replay_ns / o->steps : 0);
}

void program_report_json(const struct program_outcome *o, const struct quire_sink *sink)
{
	quire_format(sink, "{\n  \"trace\": ");
	quote_text(sink, o->trace);
	quire_format(sink, ",\n  \"machine\": \"%s\"",
		     quire_machine_name(quire_config(o->q)->machine));
	json_counts(o, sink);
	json_series(sink, "resident_bytes", o->resident, o->nr_samples);
	json_series(sink, "mapped_bytes", o->mapped, o->nr_samples);
	json_series(sink, "faults", o->faults, o->nr_samples);
	quire_format(sink, ",\n  \"meminfo\": ");
	quire_report(o->q, "meminfo", true, sink);
	quire_format(sink, ",\n  \"sound\": %s,\n  \"hash\": \"%016" PRIx64 "\"\n}\n",
		     o->sound ? "true" : "false", o->hash);
}

void program_report_svg(const struct program_outcome *o, const struct quire_sink *sink)
{
	/* strace does not say what programs touch. */
	bool all = o->touches;
	const struct lab_series series[] = {
		{ all ? "Resident" : "Resident, by calls alone", o->resident, true },
		{ "Mapped", o->mapped, true },
		{ all ? "Page faults so far" : "Page faults, by calls alone", o->faults, false },
	};
	const struct lab_plot plot = {
		.title = o->trace,
		.axis = o->touches ? "accesses" : "calls",
		.last = o->steps,
		.nr = o->nr_samples,
		.series = series,
		.nr_series = 3,
	};

	lab_plot_svg(&plot, sink);
}
