/* SPDX-License-Identifier: MIT */
/*
 * places.c - where recorded addresses are on the machine that replays them
 *
 * A sorted array: a process has some hundred ranges, and most changes are near its end.
 */
#include "places.h"

#include <quire/error.h>
#include <quire/port.h>

#define FIRST_ROOM 64

static void forget(struct places *p)
{
	for (size_t i = 0; i < PLACES_HOT; i++)
		p->hot[i] = (struct place){ 0, 0, 0 };
}

void places_done(struct places *p)
{
	quire_port_free(p->host, p->place, p->room * sizeof(*p->place));
	p->place = NULL;
	p->nr = p->room = 0;
	forget(p);
}

/* Have room for @nr ranges. Return: 0; -QUIRE_ENOMEM */
static int grow(struct places *p, size_t nr)
{
	size_t room = p->room ? p->room : FIRST_ROOM;
	struct place *place;

	if (nr <= p->room)
		return 0;
	while (room < nr)
		room *= 2;
	place = quire_port_alloc(p->host, quire_phys(QUIRE_PORT_ANYWHERE), room * sizeof(*place));
	if (!place)
		return -QUIRE_ENOMEM;
	for (size_t i = 0; i < p->nr; i++)
		place[i] = p->place[i];
	quire_port_free(p->host, p->place, p->room * sizeof(*place));
	p->place = place;
	p->room = room;
	return 0;
}

int places_copy(struct places *to, const struct places *from)
{
	int error = grow(to, from->nr);

	for (size_t i = 0; i < from->nr && !error; i++)
		to->place[i] = from->place[i];
	to->nr = error ? 0 : from->nr;
	return error;
}

/* The first range that ends above an address; p->nr: none. */
static size_t find(const struct places *p, uint64_t address)
{
	size_t low = 0, high = p->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->place[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct place *places_find(struct places *p, uint64_t address)
{
	struct place *hot = &p->hot[address >> PLACES_HOT_SHIFT & (PLACES_HOT - 1)];
	size_t i;

	if (address >= hot->start && address < hot->end)
		return hot;
	i = find(p, address);
	if (i == p->nr)
		return NULL;
	if (address >= p->place[i].start)
		*hot = p->place[i];
	return &p->place[i];
}

/* Make room for @nr ranges in place of @gone at index @i. There is memory for them. */
static void replace(struct places *p, size_t i, size_t gone, size_t nr)
{
	if (nr > gone) {
		for (size_t n = p->nr; n > i + gone; n--)
			p->place[n - 1 + nr - gone] = p->place[n - 1];
	} else {
		for (size_t n = i + gone; n < p->nr; n++)
			p->place[n + nr - gone] = p->place[n];
	}
	p->nr = p->nr + nr - gone;
}

/* [start, end) becomes @new, or with NULL nothing. */
static int change(struct places *p, uint64_t start, uint64_t end, const struct place *new)
{
	struct place piece[3];
	size_t nr = 0, i = find(p, start), last = i;

	if (grow(p, p->nr + 2))
		return -QUIRE_ENOMEM;
	forget(p);
	if (i < p->nr && p->place[i].start < start) {
		piece[nr] = p->place[i];
		piece[nr++].end = start;
	}
	if (new)
		piece[nr++] = *new;
	while (last < p->nr && p->place[last].start < end)
		last++;
	if (last > i && p->place[last - 1].end > end) {
		piece[nr] = p->place[last - 1];
		piece[nr].at += end - piece[nr].start;
		piece[nr++].start = end;
	}
	replace(p, i, last - i, nr);
	for (size_t n = 0; n < nr; n++)
		p->place[i + n] = piece[n];
	return 0;
}

int places_set(struct places *p, uint64_t start, uint64_t end, uint64_t at)
{
	struct place place = { start, end, at };

	return change(p, start, end, &place);
}

int places_clear(struct places *p, uint64_t start, uint64_t end)
{
	return change(p, start, end, NULL);
}
