/* SPDX-License-Identifier: MIT */
/*
 * trace.h - one line of a recording of Linux's page allocator
 *
 * Reads the text that tracefs, trace-cmd report and perf script print of the events
 * kmem:mm_page_alloc, mm_page_free, mm_page_free_batched, mm_page_alloc_zone_locked,
 * mm_page_pcpu_drain and mm_page_alloc_extfrag, and tells it from everything else that
 * stands in such a recording. No state is kept from line to line.
 */
#ifndef LAB_TRACE_H
#define LAB_TRACE_H

#include <quire/page.h>

/** What a line of a recording is. */
enum lab_event_kind {
	LAB_EVENT_NONE,  /* a header, a blank line, a line of a stack: no event */
	LAB_EVENT_LOST,  /* the recorder says that it lost events here */
	LAB_EVENT_OTHER, /* an event, but none of the page allocator's */
	LAB_PAGE_ALLOC,  /* a request and what it gave */
	LAB_PAGE_FREE,
	LAB_PAGE_FREE_BATCHED, /* a frame freed together with others */
	LAB_PAGE_ZONE_LOCKED,  /* a block left the zone's lists */
	LAB_PAGE_PCPU_DRAIN,   /* a block went from a per-cpu list to the zone */
	LAB_PAGE_EXTFRAG,      /* a request took a block of another migrate type */
	LAB_NR_EVENTS
};

/** struct lab_event - one line, read; fields beyond the kind's own are 0 */
struct lab_event {
	enum lab_event_kind kind;

	/* Every event. The texts point into the line. */
	const char *task;
	size_t task_length;
	uint64_t pid;
	unsigned cpu;
	uint64_t time_ns; /* by the recording's clock */
	const char *name; /* of the event, without the "kmem:" of perf */
	size_t name_length;

	/* The page allocator's. */
	bool null;               /* the request failed when it was recorded; no pfn */
	quire_pfn_t pfn;         /* first frame; a multiple of 2^order */
	unsigned order;          /* 0 .. QUIRE_ORDER_MAX */
	unsigned migratetype;    /* Linux's number; not of frees */
	quire_gfp_t gfp;         /* of an alloc, in Quire's bits */
	uint32_t gfp_ignored;    /* bit i: trace_gfp_ignored(i) was set, too */

	uint64_t lost; /* LAB_EVENT_LOST: events lost; 0: the recorder did not count */
};

/**
 * lab_trace_line - read one line
 * @line:   without its newline; a carriage return at its end is ignored
 * @length: of it
 * @out:    what it says
 * @why:    on an error, what is wrong with it, in a few words
 *
 * Return: 0; -QUIRE_EINVAL for a line of one of the page allocator's events
 *         that is damaged, and for one that no recorder prints
 */
int lab_trace_line(const char *line, size_t length, struct lab_event *out, const char **why);

/** lab_event_name - Linux's name of an event: "mm_page_alloc" …; NULL for a kind without one */
const char *lab_event_name(enum lab_event_kind kind);

#endif
