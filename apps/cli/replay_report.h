/* SPDX-License-Identifier: MIT */
/*
 * replay_report.h - what quire replay prints
 */
#ifndef QUIRE_CLI_REPLAY_REPORT_H
#define QUIRE_CLI_REPLAY_REPORT_H

#include <quire/page.h>

#include "cli.h"
#include "replay.h"

/** struct replay_fragmentation - how whole the free memory is, by zone */
struct replay_fragmentation {
	uint64_t free[QUIRE_NR_ZONES];                     /* frames on the zones' lists */
	bool shown[QUIRE_NR_ZONES];                        /* the zone has memory */
	int unusable[QUIRE_NR_ZONES][QUIRE_ORDER_MAX + 1]; /* quire_unusable_index */
};

/** struct replay_outcome - a finished replay */
struct replay_outcome {
	const char *trace; /* the recording's name */
	struct quire *q;
	const struct lab_replay_counts *counts;
	uint64_t lines;
	uint64_t skipped;   /* damaged lines, left out */
	uint64_t replay_ns; /* spent on requests and frees and the search for their blocks */
	struct replay_fragmentation before;
	struct replay_fragmentation after;
	uint64_t hash; /* of the machine's state at the end */
	bool sound;    /* quire_check found nothing */
};

/** replay_fragmentation_read - take the state of all zones */
void replay_fragmentation_read(struct quire *q, struct replay_fragmentation *out);

/** replay_managed - frames that a machine's zones manage */
uint64_t replay_managed(struct quire *q);

/** replay_report_text - the outcome for people, with Linux's reports at the end */
void replay_report_text(const struct replay_outcome *o, const struct quire_sink *sink);

/** replay_report_json - the same numbers as one JSON object */
void replay_report_json(const struct replay_outcome *o, const struct quire_sink *sink);

#endif
