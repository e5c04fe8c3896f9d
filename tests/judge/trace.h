/* SPDX-License-Identifier: MIT */
/*
 * trace.h - what one side answered to an episode
 */
#ifndef JUDGE_TRACE_H
#define JUDGE_TRACE_H

#include "call.h"

/*
 * What OP_LOOK counts of an area, as /proc/PID/smaps names it. Linux's other counts follow
 * when its work of the background gets there: Referenced, LazyFree.
 */
enum count {
	COUNT_RSS,
	COUNT_PSS,
	COUNT_SHARED_CLEAN,
	COUNT_SHARED_DIRTY,
	COUNT_PRIVATE_CLEAN,
	COUNT_PRIVATE_DIRTY,
	COUNT_ANONYMOUS,
	COUNT_LOCKED,
	NR_COUNTS,
};

/* Flags of an area that both sides tell: smaps' two letters, in this order. */
#define TRACE_FLAGS "rd wr ex sh mr mw me ms gd lo sr rr dc ac nr wf dd sl hg nh"

/** struct area - a line of /proc/PID/maps, and what smaps adds to it */
struct area {
	uint64_t start, end;
	uint64_t offset;            /* bytes; 0 if anonymous */
	char rights[5];             /* "rw-p" */
	char name[59];              /* "" if it has none */
	uint64_t counts[NR_COUNTS]; /* KB */
	uint32_t flags;             /* bit n: the n-th of TRACE_FLAGS */
};

/** struct outcome - the answer to one call */
struct outcome {
	struct result result;
	unsigned first_area, nr_areas; /* of trace.areas: the maps after it */
	unsigned first_page, nr_pages; /* of trace.pages: PAGE_… of OP_LOOK */
	bool looked;
};

/** struct trace - all answers */
struct trace {
	unsigned nr;
	struct outcome outcomes[WIRE_CALLS];
	struct area *areas;
	unsigned nr_areas, room_areas;
	uint8_t *pages;
	unsigned nr_pages, room_pages;
};

/** struct origin - what is in the process before the first call */
struct origin {
	struct area areas[64]; /* the executor's own */
	unsigned nr_areas;
	uint64_t least;   /* lowest address that mmap gives */
	bool privileged;  /* episodes can be: CAP_IPC_LOCK and CAP_SYS_RAWIO are there */
	uint64_t heap;    /* where the heap begins */
	char stored[256]; /* path of the stored file */
	unsigned release; /* of Linux: major * 1000 + minor */
	char release_text[65];
	bool known; /* Linux 6.18 or later, and the stored file lies on ext4 */
	bool usual; /* its device reads 128 KB ahead at the most, as Linux does unless told else */
};

/** trace_reset - empty, keeps its memory */
void trace_reset(struct trace *trace);

/** trace_free - give its memory back */
void trace_free(struct trace *trace);

/** trace_area - one more area, zeroed */
struct area *trace_area(struct trace *trace);

/** trace_page - one more page */
void trace_page(struct trace *trace, uint8_t page);

/** trace_flag - the bit of a flag in area.flags; 0 if it is none of TRACE_FLAGS */
uint32_t trace_flag(const char letters[2]);

/** trace_is_own - does an area that begins there belong to the executor itself? */
bool trace_is_own(const struct origin *origin, uint64_t start);

#endif
