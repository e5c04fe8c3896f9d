/* SPDX-License-Identifier: MIT */
/*
 * use.c - what the tiers of user memory know about a frame
 */
#include "phys/use.h"

#include <quire/port.h>

#include "core/assert.h"

int use_map(struct quire *q)
{
	if (!q->zones_built)
		return -QUIRE_ENODEV;
	if (!q->use)
		q->use = quire_port_alloc(q->config.host, quire_phys(QUIRE_PORT_ANYWHERE),
					  q->frames.nr * sizeof(*q->use));
	return q->use ? 0 : -QUIRE_ENOMEM;
}

void use_end(struct quire *q)
{
	if (q->use)
		quire_port_free(q->config.host, q->use, q->frames.nr * sizeof(*q->use));
	q->use = NULL;
}

bool use_trylock(struct quire *q, struct quire_page *page)
{
	return !(atomic_fetch_or_explicit(&use_of(q, page)->flags, USE_LOCKED,
					  memory_order_acquire) &
		 USE_LOCKED);
}

/* Somebody has it: say that we wait, and sleep unless that has changed. */
static COLD void wait(struct quire *q, struct use *use)
{
	uint32_t flags = atomic_fetch_or_explicit(&use->flags, USE_WAITED, memory_order_relaxed);

	if (flags & USE_LOCKED)
		quire_port_wait(q->config.host, &use->flags, flags | USE_WAITED);
}

void use_lock(struct quire *q, struct quire_page *page)
{
	while (!use_trylock(q, page))
		wait(q, use_of(q, page));
}

void use_unlock(struct quire *q, struct quire_page *page)
{
	struct use *use = use_of(q, page);
	uint32_t flags = atomic_fetch_and_explicit(&use->flags, ~(USE_LOCKED | USE_WAITED),
						   memory_order_release);

	ASSERT("PHYS-13", flags & USE_LOCKED);
	if (unlikely(flags & USE_WAITED))
		quire_port_wake(q->config.host, &use->flags);
}
