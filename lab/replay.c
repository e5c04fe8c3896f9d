/* SPDX-License-Identifier: MIT */
/*
 * replay.c - a recording's requests and frees, on another machine
 *
 * A recording starts and ends in the middle of things, and it has gaps. So every
 * event is read against what is known of its frames (traced.h):
 *
 *   alloc   of frames not in use                    the rule
 *           of frames in use                        their free is missing: free them first
 *   free    of a block in use, its order            the rule
 *           of a part of a block in use             Linux split it: split ours, free the part
 *           of a range with blocks in use           free them all
 *           of a frame whose free was the other     an echo: Linux prints mm_page_free and
 *           of the two free events                  mm_page_free_batched for one free, from
 *                                                   5.x on in this order, before in the other
 *           of any other frame                      allocated before the recording, or in a gap
 *
 * A block that the machine refuses is followed like one that it holds, so that
 * its free is not taken for an unknown one.
 */
#include "replay.h"

#include <quire/error.h>
#include <quire/port.h>

#include "text.h"
#include "trace_gfp.h"
#include "traced.h"

struct lab_replay {
	struct quire *q;
	struct lab_replay_host host;
	unsigned nr_cpus;
	unsigned cpu; /* the processor set last; UINT32_MAX: none */
	bool timed;   /* an event was seen, so that the counts' times are some */
	struct traced traced;
	struct lab_replay_counts counts;
};

static void *host_of(const struct quire *q)
{
	return quire_config(q)->host;
}

int lab_replay_create(struct quire *q, const struct lab_replay_host *host, struct lab_replay **out)
{
	struct lab_replay *r = quire_port_alloc(host_of(q), quire_phys(QUIRE_PORT_ANYWHERE),
						sizeof(*r));
	if (!r)
		return -QUIRE_ENOMEM;
	r->q = q;
	r->host = *host;
	r->nr_cpus = quire_config(q)->nr_cpus;
	r->cpu = UINT32_MAX;
	r->traced.host = host_of(q);
	*out = r;
	return 0;
}

void lab_replay_destroy(struct lab_replay *r)
{
	if (!r)
		return;
	traced_done(&r->traced);
	quire_port_free(host_of(r->q), r, sizeof(*r));
}

const struct lab_replay_counts *lab_replay_counts(const struct lab_replay *r)
{
	return &r->counts;
}

static uint64_t frames(unsigned order)
{
	return UINT64_C(1) << order;
}

static void set_cpu(struct lab_replay *r, unsigned recorded)
{
	unsigned cpu = recorded % r->nr_cpus;

	if (recorded >= r->nr_cpus)
		r->counts.folded_cpus++;
	if (cpu == r->cpu)
		return;
	r->cpu = cpu;
	if (r->host.set_cpu)
		r->host.set_cpu(r->host.ctx, cpu);
}

/* Free what stands for a recorded block, and forget it. */
static int free_block(struct lab_replay *r, const struct traced_entry *e)
{
	uint64_t pfn = traced_pfn(e);
	unsigned order = traced_order(e);

	if (traced_state(e) == TRACED_HELD) {
		if (quire_page_free(r->q, e->page, order) != QUIRE_FREE_OK)
			return -QUIRE_EIO;
		r->counts.live_frames -= frames(order);
	}
	traced_set(&r->traced, pfn, 0, TRACED_NONE, NULL);
	return 0;
}

/*
 * Free each block in use that has a frame in 2^order frames from @pfn on, and count
 * them. What was freed before inside of it is no news any more.
 */
static int free_range(struct lab_replay *r, uint64_t pfn, unsigned order, uint64_t *nr_freed)
{
	for (uint64_t i = 0; i < frames(order);) {
		struct traced_entry *e = i ? traced_find(&r->traced, pfn + i)
					   : traced_covering(&r->traced, pfn);
		uint64_t step = 1;
		if (traced_live(e)) {
			step = traced_pfn(e) + frames(traced_order(e)) - (pfn + i);
			int err = free_block(r, e);
			if (err)
				return err;
			++*nr_freed;
		} else if (e) {
			traced_set(&r->traced, pfn + i, 0, TRACED_NONE, NULL);
		}
		i += step;
	}
	return 0;
}

/* The migrate type that a request's flags ask for. */
static enum quire_migrate migrate_of(quire_gfp_t gfp)
{
	if (gfp & QUIRE_GFP_BIT_MOVABLE)
		return QUIRE_MIGRATE_MOVABLE;
	if (gfp & QUIRE_GFP_BIT_RECLAIMABLE)
		return QUIRE_MIGRATE_RECLAIMABLE;
	return QUIRE_MIGRATE_UNMOVABLE;
}

static void count_refusal(struct lab_replay *r, const struct lab_event *ev)
{
	struct quire_explanation why;

	r->counts.failed++;
	r->counts.refused[ev->order][migrate_of(ev->gfp)]++;
	quire_page_explain(r->q, ev->gfp, ev->order, &why);
	if (why.error)
		r->counts.contradictory++;
	for (unsigned i = 0; i < why.nr; i++)
		r->counts.reasons[why.zone[i].zone][why.zone[i].refusal]++;
}

static int replay_alloc(struct lab_replay *r, const struct lab_event *ev)
{
	struct lab_replay_counts *c = &r->counts;

	if (ev->null) {
		c->recorded_failures++;
		return 0;
	}
	if (traced_reserve(&r->traced, 1))
		return -QUIRE_ENOMEM;
	set_cpu(r, ev->cpu);
	int err = free_range(r, ev->pfn.v, ev->order, &c->lost_frees);
	if (err)
		return err;

	c->requests[ev->order][migrate_of(ev->gfp)]++;
	for (unsigned i = 0; trace_gfp_ignored(i); i++)
		c->gfp_ignored[i] += ev->gfp_ignored >> i & 1;
	struct quire_page *page = quire_page_alloc(r->q, ev->gfp, ev->order);
	traced_set(&r->traced, ev->pfn.v, ev->order, page ? TRACED_HELD : TRACED_REFUSED, page);
	if (!page) {
		count_refusal(r, ev);
		return 0;
	}
	c->allocs++;
	c->live_frames += frames(ev->order);
	if (c->peak_frames < c->live_frames)
		c->peak_frames = c->live_frames;
	return 0;
}

/* Make the block of @e into single frames, here as in the recording; the table has room. */
static int split_block(struct lab_replay *r, const struct traced_entry *e)
{
	uint64_t pfn = traced_pfn(e);
	unsigned order = traced_order(e);
	enum traced_state state = traced_state(e);
	struct quire_page *page = e->page;
	quire_pfn_t first = { 0 };

	if (state == TRACED_HELD) {
		first = quire_page_pfn(r->q, page);
		if (quire_page_split(r->q, page))
			return -QUIRE_EIO;
	}
	for (uint64_t i = 0; i < frames(order); i++) {
		page = state == TRACED_HELD ? quire_pfn_page(r->q, quire_pfn(first.v + i)) : NULL;
		traced_set(&r->traced, pfn + i, 0, state, page);
	}
	return 0;
}

/* Free the frames of @ev as far as they are known; @split: they were a part of a block. */
static int free_known(struct lab_replay *r, const struct lab_event *ev, bool split)
{
	struct lab_replay_counts *c = &r->counts;
	uint64_t live = c->live_frames, nr_freed = 0;
	int err = free_range(r, ev->pfn.v, ev->order, &nr_freed);

	if (err)
		return err;
	if (!nr_freed) {
		c->unknown_frees++;
		return 0;
	}
	if (live != c->live_frames)
		c->frees++;
	else
		c->failed_frees++;
	if (split)
		c->split_frees++;
	else if (nr_freed > 1)
		c->joined_frees++;
	return 0;
}

static int replay_free(struct lab_replay *r, const struct lab_event *ev)
{
	bool batched = ev->kind == LAB_PAGE_FREE_BATCHED;
	enum traced_state echoed = batched ? TRACED_FREED : TRACED_BATCHED;
	struct traced *t = &r->traced;

	if (traced_state(traced_find(t, ev->pfn.v)) == echoed) {
		set_cpu(r, ev->cpu);
		r->counts.echoes++;
		traced_set(t, ev->pfn.v, 0, TRACED_NONE, NULL);
		return 0;
	}
	const struct traced_entry *block = traced_covering(t, ev->pfn.v);
	bool split = block && traced_order(block) > ev->order;
	if (traced_reserve(t, 1 + (split ? (size_t)frames(traced_order(block)) : 0)))
		return -QUIRE_ENOMEM;

	set_cpu(r, ev->cpu);
	int err = split ? split_block(r, traced_covering(t, ev->pfn.v)) : 0;
	if (!err)
		err = free_known(r, ev, split);
	if (!err)
		traced_set(t, ev->pfn.v, 0, batched ? TRACED_BATCHED : TRACED_FREED, NULL);
	return err;
}

/* Count an event outside the page allocator by its name. */
static void count_name(struct lab_replay_counts *c, const struct lab_event *ev)
{
	size_t length = ev->name_length;

	if (length >= LAB_REPLAY_NAME_SIZE)
		length = LAB_REPLAY_NAME_SIZE - 1;
	for (unsigned i = 0; i < c->nr_names; i++) {
		if (text_is(ev->name, length, c->names[i].name)) {
			c->names[i].count++;
			return;
		}
	}
	if (c->nr_names == LAB_REPLAY_NAMES) {
		c->further_names++;
		return;
	}
	struct lab_replay_name *new = &c->names[c->nr_names++];
	for (size_t i = 0; i < length; i++)
		new->name[i] = ev->name[i];
	new->count = 1;
}

static int replay_kind(struct lab_replay *r, const struct lab_event *ev)
{
	switch (ev->kind) {
	case LAB_PAGE_ALLOC:
		return replay_alloc(r, ev);
	case LAB_PAGE_FREE:
	case LAB_PAGE_FREE_BATCHED:
		return replay_free(r, ev);
	case LAB_EVENT_LOST:
		r->counts.lost_events += ev->lost;
		return 0;
	case LAB_EVENT_OTHER:
		count_name(&r->counts, ev);
		return 0;
	default:
		return 0;
	}
}

int lab_replay_event(struct lab_replay *r, const struct lab_event *ev)
{
	struct lab_replay_counts *c = &r->counts;
	int err = replay_kind(r, ev);

	if (err)
		return err;
	c->events[ev->kind]++;
	if (ev->kind < LAB_EVENT_OTHER)
		return 0;
	/* Recordings of several cpus are merged by hand, and then not always in order. */
	if (!r->timed || ev->time_ns < c->first_ns)
		c->first_ns = ev->time_ns;
	if (!r->timed || ev->time_ns > c->last_ns)
		c->last_ns = ev->time_ns;
	r->timed = true;
	return 0;
}

int lab_replay_release(struct lab_replay *r)
{
	struct traced *t = &r->traced;

	for (size_t i = 0; i < t->nr_slots; i++) {
		const struct traced_entry *e = &t->slots[i];
		if (traced_state(e) != TRACED_HELD)
			continue;
		if (quire_page_free(r->q, e->page, traced_order(e)) != QUIRE_FREE_OK)
			return -QUIRE_EIO;
	}
	r->counts.live_frames = 0;
	traced_done(t);
	return 0;
}
