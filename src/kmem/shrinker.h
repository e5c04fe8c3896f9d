/* SPDX-License-Identifier: MIT */
/*
 * shrinker.h - who is asked for memory when frames run short
 */
#ifndef KMEM_SHRINKER_H
#define KMEM_SHRINKER_H

#include <quire/slab.h>

#include "core/lock.h"

#define SHRINKERS_MAX 32

/** struct shrinkers - the table */
struct shrinkers {
	struct lock lock;
	struct quire_shrinker entry[SHRINKERS_MAX]; /* without scan: free */
	bool busy[SHRINKERS_MAX];                   /* it is being asked */
};

/**
 * shrinkers_ask - let each registered shrinker free a share of what it has
 * @s:   the table
 * @gfp: of the request that finds no frames
 *
 * Return: objects freed
 * Locks:  none held
 */
uint64_t shrinkers_ask(struct shrinkers *s, quire_gfp_t gfp);

#endif
