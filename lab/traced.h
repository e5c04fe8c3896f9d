/* SPDX-License-Identifier: MIT */
/*
 * traced.h - which block stands for which recorded one
 *
 * A hash table from the frame number that a recording names to the block that
 * the replaying machine gave in its place. It also remembers what was
 * refused, and what has just been freed.
 */
#ifndef LAB_TRACED_H
#define LAB_TRACED_H

#include <quire/page.h>

/** What is known of a recorded frame. */
enum traced_state {
	TRACED_NONE,    /* nothing */
	TRACED_HELD,    /* first frame of a block, replayed as @page */
	TRACED_REFUSED, /* first frame of a block that the machine refused to replay */
	TRACED_FREED,   /* freed by mm_page_free, not seen since */
	TRACED_BATCHED, /* freed by mm_page_free_batched, not seen since */
};

/** struct traced_entry - one recorded frame */
struct traced_entry {
	uint64_t key;            /* pfn << 8 | order << 4 | state; 0: the slot is empty */
	struct quire_page *page; /* of TRACED_HELD */
};

/** struct traced - the table */
struct traced {
	void *host; /* for the port's memory */
	struct traced_entry *slots;
	size_t nr_slots; /* a power of two, or 0 */
	size_t nr_used;
	uint64_t nr_live[QUIRE_ORDER_MAX + 1]; /* entries held or refused, by order */
};

/** traced_pfn - the recorded frame number of an entry */
static inline uint64_t traced_pfn(const struct traced_entry *e)
{
	return e->key >> 8;
}

/** traced_order - the order of an entry's block */
static inline unsigned traced_order(const struct traced_entry *e)
{
	return (unsigned)(e->key >> 4) & 15;
}

/** traced_state - what is known of an entry's frame; @e may be NULL */
static inline enum traced_state traced_state(const struct traced_entry *e)
{
	return e ? (enum traced_state)(e->key & 15) : TRACED_NONE;
}

/** traced_live - is it a block that is in use, held or refused? @e may be NULL */
static inline bool traced_live(const struct traced_entry *e)
{
	enum traced_state state = traced_state(e);
	return state == TRACED_HELD || state == TRACED_REFUSED;
}

/** traced_done - give the table's memory back */
void traced_done(struct traced *t);

/**
 * traced_reserve - make sure that traced_set will find room
 * @t:  the table
 * @nr: for so many entries more
 *
 * Return: 0; -QUIRE_ENOMEM: nothing has changed
 */
int traced_reserve(struct traced *t, size_t nr);

/** traced_find - the entry of a frame, NULL if there is none; good until the table changes */
struct traced_entry *traced_find(const struct traced *t, uint64_t pfn);

/**
 * traced_covering - the block in use that a frame is part of
 * @t:   the table
 * @pfn: any frame
 *
 * Return: its entry; NULL if there is none
 */
struct traced_entry *traced_covering(const struct traced *t, uint64_t pfn);

/**
 * traced_set - say what is known of a frame, in place of what was
 * @t:     the table, with room (traced_reserve)
 * @pfn:   below 2^52
 * @order: of its block
 * @state: TRACED_NONE forgets it
 * @page:  of TRACED_HELD, else NULL
 */
void traced_set(struct traced *t, uint64_t pfn, unsigned order, enum traced_state state,
		struct quire_page *page);

#endif
