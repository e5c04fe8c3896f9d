/* SPDX-License-Identifier: MIT */
/*
 * debt.h - what a script has of a machine that goes on without it
 *
 * A session's own machine goes at its end with all that was taken. The host's own ("machine
 * this") stays, and everything goes back to it, whether it had a name or not. On other machines
 * nothing is kept here.
 */
#ifndef QUIRE_LAB_DEBT_H
#define QUIRE_LAB_DEBT_H

#include <quire/vmalloc.h>

#include "session.h"

/** What is owed, in the order in which it goes back; behind each what its key is. */
enum debt_kind {
	DEBT_LOCAL,  /* kmap_local: the address; the newest first */
	DEBT_WINDOW, /* kmap: the frame */
	DEBT_AREA,   /* vmalloc, vmap, ioremap: the address */
	DEBT_OBJECT, /* the object */
	DEBT_CACHE,  /* the cache */
	DEBT_FRAMES, /* the block's first frame */
	NR_DEBTS,
};

/** debt_call - how an area goes back */
typedef enum quire_vfree debt_call(struct quire *q, quire_virt_t virt);

/** debt_owe - note that the script has something. Return: false without memory */
bool debt_owe(struct lab *lab, enum debt_kind kind, uint64_t key);

/** debt_owe_area - debt_owe for an area, which @call gives back */
bool debt_owe_area(struct lab *lab, quire_virt_t virt, debt_call *call);

/** debt_settle - note that it gave it back; whoever is owed nothing does not mind */
void debt_settle(struct lab *lab, enum debt_kind kind, uint64_t key);

/** debt_move - what was at @from is at @to now. Return: false if it was not owed, and no memory */
bool debt_move(struct lab *lab, enum debt_kind kind, uint64_t from, uint64_t to);

/** debt_pay - give everything back to the machine */
void debt_pay(struct lab *lab);

/** debt_frames - the key of a block. Return: of its first frame */
static inline uint64_t debt_frames(const struct quire_page *page)
{
	return (uintptr_t)page;
}

#endif
