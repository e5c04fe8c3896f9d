/* SPDX-License-Identifier: MIT */
/*
 * debt.c - what a script has of a machine that goes on without it
 *
 * Entries are hashed by what they stand for. Two of a kind stand for the same thing only when a
 * frame has several windows, and then it does not matter which of them goes first.
 */
#include "debt.h"

#include <quire/highmem.h>
#include <quire/slab.h>

#define CHAINS 1024

/** struct lab_debt - one thing that goes back */
struct lab_debt {
	struct lab_debt *next;
	enum debt_kind kind;
	uint64_t key;
	unsigned cpu;    /* that had it */
	debt_call *call; /* DEBT_AREA */
};

/* Windows of a processor close in reverse order, so all are in one chain. */
static struct lab_debt **chain_of(struct lab *lab, enum debt_kind kind, uint64_t key)
{
	return &lab->debts[kind == DEBT_LOCAL ? 0 : (key >> 4 ^ key >> 14) % CHAINS];
}

static bool owe(struct lab *lab, enum debt_kind kind, uint64_t key, debt_call *call)
{
	struct lab_debt *debt;

	if (!session_borrows(lab))
		return true;
	if (!lab->debts)
		lab->debts = session_alloc(lab, CHAINS * sizeof(*lab->debts));
	debt = lab->debts ? session_alloc(lab, sizeof(*debt)) : NULL;
	if (!debt)
		return false;
	*debt = (struct lab_debt){ *chain_of(lab, kind, key), kind, key, lab->cpu, call };
	*chain_of(lab, kind, key) = debt;
	return true;
}

bool debt_owe(struct lab *lab, enum debt_kind kind, uint64_t key)
{
	return owe(lab, kind, key, NULL);
}

bool debt_owe_area(struct lab *lab, quire_virt_t virt, debt_call *call)
{
	return owe(lab, DEBT_AREA, virt.v, call);
}

/* Return: the newest of these, out of its chain; NULL if there is none */
static struct lab_debt *take(struct lab *lab, enum debt_kind kind, uint64_t key)
{
	struct lab_debt **at = lab->debts ? chain_of(lab, kind, key) : NULL;
	struct lab_debt *debt;

	while (at && *at && ((*at)->kind != kind || (*at)->key != key))
		at = &(*at)->next;
	debt = at ? *at : NULL;
	if (debt)
		*at = debt->next;
	return debt;
}

void debt_settle(struct lab *lab, enum debt_kind kind, uint64_t key)
{
	session_free(lab, take(lab, kind, key), sizeof(struct lab_debt));
}

bool debt_move(struct lab *lab, enum debt_kind kind, uint64_t from, uint64_t to)
{
	struct lab_debt *debt = take(lab, kind, from);

	if (!debt)
		return debt_owe(lab, kind, to);
	debt->key = to;
	debt->next = *chain_of(lab, kind, to);
	*chain_of(lab, kind, to) = debt;
	return true;
}

/* What the machine refuses stays with it: a cache with an object that was put aside, for one. */
static void pay(struct lab *lab, const struct lab_debt *debt)
{
	struct quire *q = lab->q;
	quire_virt_t virt = { debt->key };
	void *p = (void *)(uintptr_t)debt->key;

	switch (debt->kind) {
	case DEBT_LOCAL:
		session_cpu(lab, debt->cpu);
		quire_kunmap_local(q, virt);
		break;
	case DEBT_WINDOW:
		quire_kunmap(q, p);
		break;
	case DEBT_AREA:
		debt->call(q, virt);
		break;
	case DEBT_OBJECT:
		quire_kfree(q, p);
		break;
	case DEBT_CACHE:
		quire_cache_destroy(p);
		break;
	default:
		while (quire_page_count(p) && quire_page_put(q, p) == QUIRE_FREE_OK)
			;
		break;
	}
}

void debt_pay(struct lab *lab)
{
	for (unsigned kind = 0; lab->debts && kind < NR_DEBTS; kind++) {
		for (unsigned i = 0; i < CHAINS; i++) {
			struct lab_debt **at = &lab->debts[i];

			while (*at) {
				struct lab_debt *debt = *at;

				if (debt->kind != kind) {
					at = &debt->next;
					continue;
				}
				pay(lab, debt);
				*at = debt->next;
				session_free(lab, debt, sizeof(*debt));
			}
		}
	}
	session_free(lab, lab->debts, CHAINS * sizeof(*lab->debts));
	lab->debts = NULL;
}
