/* SPDX-License-Identifier: MIT */
/*
 * shrinker.c - who is asked for memory when frames run short
 *
 * A round asks each for a quarter of what it counts, in the order of registration, but for
 * SCAN_LEAST objects at least. The round is repeated by the request that finds no frames as long
 * as something is freed. One that is being asked is not asked again: a scan may allocate.
 */
#include "kmem/shrinker.h"

#include "kmem/kmem.h"

#define SCAN_LEAST 128

static void enter(struct shrinkers *s, uintptr_t *token)
{
	*token = quire_port_cpu_enter();
	lock_take(&s->lock);
}

static void leave(struct shrinkers *s, uintptr_t token)
{
	lock_drop(&s->lock);
	quire_port_cpu_leave(token);
}

static bool same(const struct quire_shrinker *a, const struct quire_shrinker *b)
{
	return a->scan == b->scan && a->count == b->count && a->ctx == b->ctx;
}

int quire_shrinker_add(struct quire *q, const struct quire_shrinker *shrinker)
{
	struct kmem *kmem = kmem_of(q);
	int error = -QUIRE_ENOSPC;
	uintptr_t token;

	if (!kmem)
		return -QUIRE_ENODEV;
	if (!shrinker->count || !shrinker->scan)
		return -QUIRE_EINVAL;
	enter(&kmem->shrinkers, &token);
	for (unsigned i = 0; i < SHRINKERS_MAX && error; i++) {
		if (kmem->shrinkers.entry[i].scan)
			continue;
		kmem->shrinkers.entry[i] = *shrinker;
		error = 0;
	}
	leave(&kmem->shrinkers, token);
	return error;
}

int quire_shrinker_remove(struct quire *q, const struct quire_shrinker *shrinker)
{
	struct kmem *kmem = kmem_of(q);
	int error = -QUIRE_ENOENT;
	uintptr_t token;

	if (!kmem)
		return -QUIRE_ENODEV;
	enter(&kmem->shrinkers, &token);
	for (unsigned i = 0; i < SHRINKERS_MAX && error == -QUIRE_ENOENT; i++) {
		if (!same(&kmem->shrinkers.entry[i], shrinker))
			continue;
		error = kmem->shrinkers.busy[i] ? -QUIRE_EBUSY : 0;
		if (!error)
			kmem->shrinkers.entry[i] = (struct quire_shrinker){ 0 };
	}
	leave(&kmem->shrinkers, token);
	return error;
}

/* Ask one, which stays registered meanwhile. */
static uint64_t ask(const struct quire_shrinker *shrinker, quire_gfp_t gfp)
{
	uint64_t count = shrinker->count(shrinker->ctx, gfp), want = count / 4, done = 0;

	if (want < SCAN_LEAST)
		want = count < SCAN_LEAST ? count : SCAN_LEAST;
	while (done < want) {
		uint64_t freed = shrinker->scan(shrinker->ctx, gfp, want - done);

		if (!freed)
			break;
		done += freed;
	}
	return done;
}

uint64_t shrinkers_ask(struct shrinkers *s, quire_gfp_t gfp)
{
	uint64_t freed = 0;

	for (unsigned i = 0; i < SHRINKERS_MAX; i++) {
		uintptr_t token;

		enter(s, &token);
		struct quire_shrinker shrinker = s->entry[i];
		bool free = shrinker.scan && !s->busy[i];
		s->busy[i] |= free;
		leave(s, token);
		if (!free)
			continue;
		freed += ask(&shrinker, gfp);
		enter(s, &token);
		s->busy[i] = false;
		leave(s, token);
	}
	return freed;
}
