/* SPDX-License-Identifier: MIT */
/*
 * machine.h - the side of Quire: processes of a machine of its own
 */
#ifndef JUDGE_MACHINE_H
#define JUDGE_MACHINE_H

#include "trace.h"

#include <quire/mm.h>

#include "hosted.h"

/** struct machine - a machine and the processes of an episode */
struct machine {
	struct quire_hosted host;
	struct quire *q;
	const struct origin *origin;
	const struct episode *episode;
	struct trace *trace;
	struct quire_file *files[WIRE_FILES];
	struct quire_mm *mms[WIRE_PROCS]; /* NULL: no such process */
	uint8_t parent[WIRE_PROCS];
	struct quire_mm *loaded;
	uint64_t idle;    /* frames in use between episodes */
	char broken[256]; /* what is wrong with the machine; "" if nothing is */
};

/** machine_start - boot, with the host's limits. Return: true; else why not was printed */
bool machine_start(struct machine *m, const struct origin *origin);

/**
 * machine_run - do an episode
 * @m:       the machine
 * @episode: what
 * @origin:  what is in a process before
 * @out:     the answers
 *
 * Return: true; false if the machine is broken: m->broken says how
 */
bool machine_run(struct machine *m, const struct episode *episode, const struct origin *origin,
		 struct trace *out);

/** machine_stop - give everything back */
void machine_stop(struct machine *m);

#endif
