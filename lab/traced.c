/* SPDX-License-Identifier: MIT */
/*
 * traced.c - which block stands for which recorded one
 *
 * Open addressing with linear probing, at most three quarters full; a removed
 * entry's place is filled by moving later ones up, so there are no tombstones
 * and the cost of a search does not grow with the age of the table.
 *
 * Blocks are found by their first frame. The block that covers some other frame
 * starts at one of eleven places, the frame rounded down to each order; the
 * counts by order say which of them need no look.
 *
 * Source: Knuth, TAOCP vol. 3, 6.4 (algorithm R: deletion with linear probing)
 */
#include "traced.h"

#include <quire/error.h>
#include <quire/port.h>

#define SLOTS_MIN 1024

static size_t slot_of(const struct traced *t, uint64_t pfn)
{
	return (size_t)((pfn * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (t->nr_slots - 1);
}

/* The slot that holds @pfn, or the empty one where it would go. */
static size_t probe(const struct traced *t, uint64_t pfn)
{
	size_t i = slot_of(t, pfn);

	while (t->slots[i].key && traced_pfn(&t->slots[i]) != pfn)
		i = (i + 1) & (t->nr_slots - 1);
	return i;
}

void traced_done(struct traced *t)
{
	quire_port_free(t->host, t->slots, t->nr_slots * sizeof(*t->slots));
	*t = (struct traced){ .host = t->host };
}

int traced_reserve(struct traced *t, size_t nr)
{
	size_t nr_slots = t->nr_slots ? t->nr_slots : SLOTS_MIN;

	if (nr > SIZE_MAX / 4 || t->nr_used > SIZE_MAX / 4)
		return -QUIRE_ENOMEM;
	while (nr_slots - nr_slots / 4 < t->nr_used + nr) {
		if (nr_slots > SIZE_MAX / 2 / sizeof(*t->slots))
			return -QUIRE_ENOMEM;
		nr_slots *= 2;
	}
	if (nr_slots == t->nr_slots)
		return 0;

	struct traced old = *t;
	struct traced_entry *slots = quire_port_alloc(t->host, quire_phys(QUIRE_PORT_ANYWHERE),
						      nr_slots * sizeof(*slots));
	if (!slots)
		return -QUIRE_ENOMEM;
	t->slots = slots;
	t->nr_slots = nr_slots;
	for (size_t i = 0; i < old.nr_slots; i++) {
		if (old.slots[i].key)
			t->slots[probe(t, traced_pfn(&old.slots[i]))] = old.slots[i];
	}
	quire_port_free(t->host, old.slots, old.nr_slots * sizeof(*slots));
	return 0;
}

struct traced_entry *traced_find(const struct traced *t, uint64_t pfn)
{
	if (!t->nr_used)
		return NULL;
	struct traced_entry *e = &t->slots[probe(t, pfn)];
	return e->key ? e : NULL;
}

struct traced_entry *traced_covering(const struct traced *t, uint64_t pfn)
{
	uint64_t nr_larger = 0;

	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++)
		nr_larger += t->nr_live[order];
	for (unsigned order = 0; nr_larger; order++) {
		uint64_t first = pfn >> order << order;
		/* A place already looked at, unless this is the frame itself. */
		if (order == 0 || (pfn >> (order - 1) & 1)) {
			struct traced_entry *e = traced_find(t, first);
			if (traced_live(e) && first + (UINT64_C(1) << traced_order(e)) > pfn)
				return e;
		}
		nr_larger -= t->nr_live[order];
	}
	return NULL;
}

/* Empty a slot, and move up what would no longer be found behind it. */
static void remove_slot(struct traced *t, size_t hole)
{
	size_t mask = t->nr_slots - 1;

	for (size_t i = (hole + 1) & mask; t->slots[i].key; i = (i + 1) & mask) {
		size_t home = slot_of(t, traced_pfn(&t->slots[i]));
		/* It may move if the hole lies between its home and its place. */
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole] = (struct traced_entry){ 0 };
	t->nr_used--;
}

void traced_set(struct traced *t, uint64_t pfn, unsigned order, enum traced_state state,
		struct quire_page *page)
{
	if (!t->nr_slots)
		return; /* only forgetting is possible without room, and there is nothing */
	size_t i = probe(t, pfn);
	struct traced_entry *e = &t->slots[i];

	if (traced_live(e))
		t->nr_live[traced_order(e)]--;
	if (state == TRACED_NONE) {
		if (e->key)
			remove_slot(t, i);
		return;
	}
	if (!e->key)
		t->nr_used++;
	e->key = pfn << 8 | (uint64_t)order << 4 | (unsigned)state;
	e->page = page;
	if (traced_live(e))
		t->nr_live[order]++;
}
