/* SPDX-License-Identifier: MIT */
/*
 * places.h - where recorded addresses are on the machine that replays them
 *
 * Ranges in order of the recorded addresses. A machine with fewer addresses than the one
 * of the recording has its own; where both can be the same they are.
 */
#ifndef LAB_PLACES_H
#define LAB_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Places found last: a program goes to and fro between some. */
#define PLACES_HOT 64
#define PLACES_HOT_SHIFT 17

/** struct place - recorded [start, end) lies at @at */
struct place {
	uint64_t start, end;
	uint64_t at;
};

/** struct places - all of an address space; zeroed there are none */
struct places {
	void *host; /* for the port's memory */
	struct place *place;
	size_t nr, room;
	struct place hot[PLACES_HOT]; /* found last, by address; cleared by a change */
};

/** places_done - give the memory back */
void places_done(struct places *p);

/** places_copy - as @from has them. @to is empty. Return: 0; -QUIRE_ENOMEM */
int places_copy(struct places *to, const struct places *from);

/** places_find - the range that has an address, or the first above it; until a change. Or NULL */
const struct place *places_find(struct places *p, uint64_t address);

/**
 * places_set - [start, end) lies at @at from here on, whatever was there before
 *
 * Return: 0; -QUIRE_ENOMEM: nothing has changed
 */
int places_set(struct places *p, uint64_t start, uint64_t end, uint64_t at);

/** places_clear - [start, end) is nowhere. Return: likewise */
int places_clear(struct places *p, uint64_t start, uint64_t end);

#endif
