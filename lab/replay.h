/* SPDX-License-Identifier: MIT */
/*
 * replay.h - a recording's requests and frees, on another machine
 *
 * Each recorded allocation is made again on the machine, with the recorded
 * order and GFP flags on the recorded cpu, and each recorded free frees the
 * block that stands for the recorded one. Where the recording is incomplete, the
 * replay says so in its counts: an event ends in exactly one of
 *
 *   mm_page_alloc                        allocs, failed, recorded_failures
 *   mm_page_free, mm_page_free_batched   frees, unknown_frees, failed_frees, echoes
 */
#ifndef LAB_REPLAY_H
#define LAB_REPLAY_H

#include <quire/page.h>

#include "trace.h"

/* Names of events outside the page allocator that are counted one by one. */
#define LAB_REPLAY_NAMES 64

/* Of such a name, as much is kept. */
#define LAB_REPLAY_NAME_SIZE 40

/* Reasons of enum quire_refusal. */
#define LAB_REPLAY_REFUSALS (QUIRE_REFUSAL_TYPE + 1)

/** struct lab_replay_name - how often an event of another kind was seen */
struct lab_replay_name {
	char name[LAB_REPLAY_NAME_SIZE];
	uint64_t count;
};

/** struct lab_replay_counts - what happened so far, in events unless said otherwise */
struct lab_replay_counts {
	uint64_t allocs;            /* requests that the machine met */
	uint64_t failed;            /* requests that it refused */
	uint64_t recorded_failures; /* requests that failed when recorded: not made again */
	uint64_t frees;             /* of blocks that it holds */
	uint64_t failed_frees;      /* of blocks that it had refused */
	uint64_t unknown_frees;     /* of frames allocated when nobody recorded */
	uint64_t echoes;            /* a second event of one free: kernels print both
				     * mm_page_free and mm_page_free_batched */
	uint64_t split_frees;       /* those of them that freed a part of a block */
	uint64_t joined_frees;      /* those of them that freed several blocks */
	uint64_t lost_frees;        /* blocks: allocated anew while in use, so that
				     * their free was not recorded; freed first */
	uint64_t events[LAB_NR_EVENTS]; /* by kind; LAB_EVENT_NONE: lines without one */
	uint64_t lost_events;       /* that the recorder says it lost */
	uint64_t folded_cpus;       /* requests and frees on a cpu that the machine has not */
	uint64_t first_ns;          /* least and greatest time of an event, in whatever order */
	uint64_t last_ns;           /* they came; both 0 without one */

	uint64_t live_frames;       /* frames the machine holds for the recording */
	uint64_t peak_frames;       /* the most it held at once */

	/* Requests made, and of these refused, by order and by the migrate type of their flags. */
	uint64_t requests[QUIRE_ORDER_MAX + 1][QUIRE_NR_MIGRATE];
	uint64_t refused[QUIRE_ORDER_MAX + 1][QUIRE_NR_MIGRATE];
	/* Refusals, by each zone that was tried and its reason. */
	uint64_t reasons[QUIRE_NR_ZONES][LAB_REPLAY_REFUSALS];
	uint64_t contradictory; /* refused since their flags contradict each other */
	/* Requests with the flag trace_gfp_ignored(i). */
	uint64_t gfp_ignored[32];

	struct lab_replay_name names[LAB_REPLAY_NAMES];
	unsigned nr_names;
	uint64_t further_names; /* events whose names had no place there */
};

/** struct lab_replay_host - what a replay asks of its host beyond port.h */
struct lab_replay_host {
	/* From here on the caller is this processor. NULL: there is but one. */
	void (*set_cpu)(void *ctx, unsigned cpu);
	void *ctx;
};

struct lab_replay;

/**
 * lab_replay_create - begin a replay
 * @q:    a machine with zones; nobody else frees what the replay allocates
 * @host: copied
 * @out:  the replay
 *
 * Return: 0; -QUIRE_ENOMEM
 */
int lab_replay_create(struct quire *q, const struct lab_replay_host *host, struct lab_replay **out);

/**
 * lab_replay_event - replay one event
 * @r:  the replay
 * @ev: what lab_trace_line read
 *
 * Return: 0; -QUIRE_ENOMEM if the host has no memory for the record of it:
 *         then nothing has changed, and the same event may be tried again;
 *         -QUIRE_EIO if the machine did not take a block back that it had given
 */
int lab_replay_event(struct lab_replay *r, const struct lab_event *ev);

/** lab_replay_counts - what happened so far */
const struct lab_replay_counts *lab_replay_counts(const struct lab_replay *r);

/**
 * lab_replay_release - free every block that is held for the recording
 * @r: the replay, which then knows no block
 *
 * Return: 0; -QUIRE_EIO as lab_replay_event
 */
int lab_replay_release(struct lab_replay *r);

/** lab_replay_destroy - end a replay; what it holds stays allocated. @r may be NULL */
void lab_replay_destroy(struct lab_replay *r);

#endif
