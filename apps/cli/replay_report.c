/* SPDX-License-Identifier: MIT */
/*
 * replay_report.c - what quire replay prints
 *
 * The text answers in this order: what was read, what was asked, what was
 * refused and why, what was left out, how fragmented memory is now, and then
 * Linux's own reports of the machine. Parts with nothing to tell are left out.
 */
#include "replay_report.h"

#include <quire/report.h>

#include <inttypes.h>
#include <string.h>

#include "quote.h"
#include "trace_gfp.h"

/* The migrate types that GFP flags can ask for. */
#define NR_ASKED (QUIRE_MIGRATE_RECLAIMABLE + 1)

void replay_fragmentation_read(struct quire *q, struct replay_fragmentation *out)
{
	struct quire_zone_stat stat;

	*out = (struct replay_fragmentation){ 0 };
	for (enum quire_zone zone = 0; zone < QUIRE_NR_ZONES; zone++) {
		quire_zone_stat(q, zone, &stat);
		out->shown[zone] = stat.managed > 0;
		if (!stat.managed)
			continue;
		out->free[zone] = stat.free;
		for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++)
			out->unusable[zone][order] = quire_unusable_index(q, zone, order);
	}
}

static uint64_t nr_ops(const struct lab_replay_counts *c)
{
	return c->allocs + c->failed + c->frees;
}

static uint64_t ns_per_op(const struct replay_outcome *o)
{
	uint64_t ops = nr_ops(o->counts);

	return ops ? o->replay_ns / ops : 0;
}

static uint64_t sum(const uint64_t *values, unsigned nr)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < nr; i++)
		total += values[i];
	return total;
}

static uint64_t nr_other_events(const struct lab_replay_counts *c)
{
	return c->events[LAB_EVENT_OTHER];
}

uint64_t replay_managed(struct quire *q)
{
	struct quire_zone_stat stat;
	uint64_t managed = 0;

	for (enum quire_zone zone = 0; zone < QUIRE_NR_ZONES; zone++) {
		quire_zone_stat(q, zone, &stat);
		managed += stat.managed;
	}
	return managed;
}

/* A line of the summary, left out if it is 0. */
static void line(const struct quire_sink *sink, const char *what, uint64_t n)
{
	if (n)
		quire_format(sink, "  %-54s %10" PRIu64 "\n", what, n);
}

static void text_head(const struct replay_outcome *o, const struct quire_sink *sink)
{
	const struct lab_replay_counts *c = o->counts;
	const struct quire_config *config = quire_config(o->q);
	uint64_t ms = (c->last_ns - c->first_ns) / 1000000;

	quire_format(sink, "%s\n", o->trace);
	quire_format(sink, "  on %s, %" PRIu64 " MB managed, %u cpu%s\n",
		     quire_machine_name(config->machine), replay_managed(o->q) >> 8,
		     config->nr_cpus, config->nr_cpus == 1 ? "" : "s");
	quire_format(sink, "  %" PRIu64 " lines", o->lines);
	if (c->last_ns > c->first_ns)
		quire_format(sink, ", %" PRIu64 ".%03" PRIu64 " s of recording", ms / 1000,
			     ms % 1000);
	quire_format(sink, ", %" PRIu64 " damaged lines skipped\n", o->skipped);
}

static void text_summary(const struct replay_outcome *o, const struct quire_sink *sink)
{
	const struct lab_replay_counts *c = o->counts;

	quire_format(sink, "\nRequests (mm_page_alloc) %42" PRIu64 "\n", c->events[LAB_PAGE_ALLOC]);
	line(sink, "met", c->allocs);
	line(sink, "refused by this machine", c->failed);
	line(sink, "failed when they were recorded, not made again", c->recorded_failures);
	quire_format(sink, "\nFrees (mm_page_free, mm_page_free_batched) %24" PRIu64 "\n",
		     c->events[LAB_PAGE_FREE] + c->events[LAB_PAGE_FREE_BATCHED]);
	line(sink, "of blocks held", c->frees);
	line(sink, "of blocks whose request this machine refused", c->failed_frees);
	line(sink, "of frames allocated before the recording", c->unknown_frees);
	line(sink, "a second event of the same free", c->echoes);
	line(sink, "(of these, a part of a block: it was split)", c->split_frees);
	line(sink, "(of these, several blocks with one event)", c->joined_frees);
	quire_format(sink, "\nFrames\n");
	line(sink, "held at the most at once", c->peak_frames);
	line(sink, "held at the end", c->live_frames);
	quire_format(sink, "\nTime\n");
	line(sink, "ns per request or free, bookkeeping included", ns_per_op(o));
}

static void text_requests(const struct replay_outcome *o, const struct quire_sink *sink)
{
	const struct lab_replay_counts *c = o->counts;

	if (!(c->allocs + c->failed))
		return;
	quire_format(sink, "\nRequests by order and migrate type\n  order");
	for (unsigned type = 0; type < NR_ASKED; type++)
		quire_format(sink, " %14s", quire_migrate_name((enum quire_migrate)type));
	quire_format(sink, " %14s\n", "refused");
	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
		if (!sum(c->requests[order], NR_ASKED))
			continue;
		quire_format(sink, "  %5u", order);
		for (unsigned type = 0; type < NR_ASKED; type++)
			quire_format(sink, " %14" PRIu64, c->requests[order][type]);
		quire_format(sink, " %14" PRIu64 "\n", sum(c->refused[order], NR_ASKED));
	}
}

static void text_refusals(const struct replay_outcome *o, const struct quire_sink *sink)
{
	const struct lab_replay_counts *c = o->counts;

	if (!c->failed)
		return;
	quire_format(sink, "\nWhy requests were refused, by each zone they tried\n");
	for (unsigned zone = 0; zone < QUIRE_NR_ZONES; zone++) {
		for (unsigned reason = 0; reason < LAB_REPLAY_REFUSALS; reason++) {
			if (!c->reasons[zone][reason])
				continue;
			quire_format(sink, "  %-8s %-45s %10" PRIu64 "\n",
				     quire_zone_name((enum quire_zone)zone),
				     quire_refusal_name((enum quire_refusal)reason),
				     c->reasons[zone][reason]);
		}
	}
	line(sink, "flags that contradict each other", c->contradictory);
}

static void text_not_replayed(const struct replay_outcome *o, const struct quire_sink *sink)
{
	const struct lab_replay_counts *c = o->counts;
	bool gfp = sum(c->gfp_ignored, 32) > 0;
	uint64_t informative = 0;

	for (unsigned kind = LAB_PAGE_ZONE_LOCKED; kind < LAB_NR_EVENTS; kind++)
		informative += c->events[kind];
	if (informative + nr_other_events(c))
		quire_format(sink, "\nEvents that ask for nothing, counted only\n");
	for (unsigned kind = LAB_PAGE_ZONE_LOCKED; kind < LAB_NR_EVENTS; kind++)
		line(sink, lab_event_name((enum lab_event_kind)kind), c->events[kind]);
	for (unsigned i = 0; i < c->nr_names; i++)
		line(sink, c->names[i].name, c->names[i].count);
	line(sink, "under further names", c->further_names);

	if (gfp)
		quire_format(sink, "\nRequests with flags that mean nothing here\n");
	for (unsigned i = 0; trace_gfp_ignored(i); i++)
		line(sink, trace_gfp_ignored(i), c->gfp_ignored[i]);

	if (c->lost_frees + c->events[LAB_EVENT_LOST] + c->folded_cpus)
		quire_format(sink, "\nGaps\n");
	line(sink, "blocks allocated anew while in use: their free is missing", c->lost_frees);
	line(sink, "times the recorder lost events", c->events[LAB_EVENT_LOST]);
	line(sink, "events it says it lost", c->lost_events);
	line(sink, "events on cpus that this machine has not", c->folded_cpus);
}

static void text_zone(const struct quire_sink *sink, const struct replay_fragmentation *f,
		      enum quire_zone zone, const char *when)
{
	quire_format(sink, "  %-8s%-6s%9" PRIu64, quire_zone_name(zone), when, f->free[zone]);
	for (unsigned order = 1; order <= QUIRE_ORDER_MAX; order++)
		quire_format(sink, "%5d", f->unusable[zone][order]);
	quire_format(sink, "\n");
}

static void text_fragmentation(const struct replay_outcome *o, const struct quire_sink *sink)
{
	quire_format(sink,
		     "\nFragmentation: free frames, and of each 1000 of them, how many are in "
		     "pieces\ntoo small for a request of order\n%25s",
		     "free");
	for (unsigned order = 1; order <= QUIRE_ORDER_MAX; order++)
		quire_format(sink, "%5u", order);
	quire_format(sink, "\n");
	for (enum quire_zone zone = 0; zone < QUIRE_NR_ZONES; zone++) {
		if (!o->before.shown[zone])
			continue;
		text_zone(sink, &o->before, zone, "before");
		text_zone(sink, &o->after, zone, "after");
	}
}

void replay_report_text(const struct replay_outcome *o, const struct quire_sink *sink)
{
	text_head(o, sink);
	text_summary(o, sink);
	text_requests(o, sink);
	text_refusals(o, sink);
	text_not_replayed(o, sink);
	text_fragmentation(o, sink);
	quire_format(sink, "\n/proc/buddyinfo\n");
	quire_report(o->q, "buddyinfo", false, sink);
	quire_format(sink, "\nMemory report\n");
	quire_report(o->q, "sysrq-m", false, sink);
	quire_format(sink, "\nState %016" PRIx64 ", %s\n", o->hash,
		     o->sound ? "every invariant holds" : "AN INVARIANT IS BROKEN");
}

static void json_number(const struct quire_sink *sink, const char *key, uint64_t n)
{
	quire_format(sink, ",\n  \"%s\": %" PRIu64, key, n);
}

static void json_counts(const struct replay_outcome *o, const struct quire_sink *sink)
{
	const struct lab_replay_counts *c = o->counts;

	json_number(sink, "lines", o->lines);
	json_number(sink, "skipped", o->skipped);
	json_number(sink, "allocs", c->allocs);
	json_number(sink, "failed", c->failed);
	json_number(sink, "recorded_failures", c->recorded_failures);
	json_number(sink, "frees", c->frees);
	json_number(sink, "failed_frees", c->failed_frees);
	json_number(sink, "unknown_frees", c->unknown_frees);
	json_number(sink, "echoes", c->echoes);
	json_number(sink, "split_frees", c->split_frees);
	json_number(sink, "joined_frees", c->joined_frees);
	json_number(sink, "lost_frees", c->lost_frees);
	json_number(sink, "peak_frames", c->peak_frames);
	json_number(sink, "live_frames", c->live_frames);
	json_number(sink, "other_events", nr_other_events(c));
	json_number(sink, "lost_marks", c->events[LAB_EVENT_LOST]);
	json_number(sink, "lost_events", c->lost_events);
	json_number(sink, "folded_cpus", c->folded_cpus);
	json_number(sink, "contradictory", c->contradictory);
	json_number(sink, "recorded_ns", c->last_ns - c->first_ns);
	json_number(sink, "ops", nr_ops(c));
	json_number(sink, "ns_per_op", ns_per_op(o));
}

/* "name": {"key": number, …} of what is not 0; @first says whether a comma is due. */
static void json_member(const struct quire_sink *sink, const char *key, uint64_t n, bool *first)
{
	if (!n)
		return;
	if (!*first)
		quire_format(sink, ", ");
	*first = false;
	quote_text(sink, key);
	quire_format(sink, ": %" PRIu64, n);
}

static void json_events(const struct replay_outcome *o, const struct quire_sink *sink)
{
	const struct lab_replay_counts *c = o->counts;
	bool first = true;

	quire_format(sink, ",\n  \"events\": {");
	for (unsigned kind = LAB_PAGE_ALLOC; kind < LAB_NR_EVENTS; kind++)
		json_member(sink, lab_event_name((enum lab_event_kind)kind), c->events[kind],
			    &first);
	for (unsigned i = 0; i < c->nr_names; i++)
		json_member(sink, c->names[i].name, c->names[i].count, &first);
	json_member(sink, "further names", c->further_names, &first);
	quire_format(sink, "},\n  \"gfp_ignored\": {");
	first = true;
	for (unsigned i = 0; trace_gfp_ignored(i); i++)
		json_member(sink, trace_gfp_ignored(i), c->gfp_ignored[i], &first);
	quire_format(sink, "}");
}

static void json_requests(const struct replay_outcome *o, const struct quire_sink *sink)
{
	const struct lab_replay_counts *c = o->counts;
	bool first = true;

	quire_format(sink, ",\n  \"requests\": [");
	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
		for (unsigned type = 0; type < NR_ASKED; type++) {
			if (!c->requests[order][type])
				continue;
			quire_format(sink,
				     "%s\n    {\"order\": %u, \"type\": \"%s\", \"made\": %" PRIu64
				     ", \"refused\": %" PRIu64 "}",
				     first ? "" : ",", order,
				     quire_migrate_name((enum quire_migrate)type),
				     c->requests[order][type], c->refused[order][type]);
			first = false;
		}
	}
	quire_format(sink, "],\n  \"refusals\": [");
	first = true;
	for (unsigned zone = 0; zone < QUIRE_NR_ZONES; zone++) {
		for (unsigned reason = 0; reason < LAB_REPLAY_REFUSALS; reason++) {
			if (!c->reasons[zone][reason])
				continue;
			quire_format(sink,
				     "%s\n    {\"zone\": \"%s\", \"reason\": \"%s\", "
				     "\"times\": %" PRIu64 "}",
				     first ? "" : ",", quire_zone_name((enum quire_zone)zone),
				     quire_refusal_name((enum quire_refusal)reason),
				     c->reasons[zone][reason]);
			first = false;
		}
	}
	quire_format(sink, "]");
}

static void json_fragmentation(const struct replay_fragmentation *f, const char *key,
			       const struct quire_sink *sink)
{
	bool first = true;

	quire_format(sink, ",\n  \"%s\": {", key);
	for (enum quire_zone zone = 0; zone < QUIRE_NR_ZONES; zone++) {
		if (!f->shown[zone])
			continue;
		quire_format(sink, "%s\n    \"%s\": {\"free\": %" PRIu64 ", \"unusable\": [",
			     first ? "" : ",", quire_zone_name(zone), f->free[zone]);
		first = false;
		for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++)
			quire_format(sink, "%s%d", order ? ", " : "", f->unusable[zone][order]);
		quire_format(sink, "]}");
	}
	quire_format(sink, "}");
}

void replay_report_json(const struct replay_outcome *o, const struct quire_sink *sink)
{
	const struct quire_config *config = quire_config(o->q);

	quire_format(sink, "{\n  \"trace\": ");
	quote_text(sink, o->trace);
	quire_format(sink, ",\n  \"machine\": \"%s\"", quire_machine_name(config->machine));
	json_number(sink, "cpus", config->nr_cpus);
	json_counts(o, sink);
	json_events(o, sink);
	json_requests(o, sink);
	json_fragmentation(&o->before, "before", sink);
	json_fragmentation(&o->after, "after", sink);
	quire_format(sink, ",\n  \"buddyinfo\": ");
	quire_report(o->q, "buddyinfo", true, sink);
	quire_format(sink, ",\n  \"meminfo\": ");
	quire_report(o->q, "meminfo", true, sink);
	quire_format(sink, ",\n  \"sound\": %s,\n  \"hash\": \"%016" PRIx64 "\"\n}\n",
		     o->sound ? "true" : "false", o->hash);
}
