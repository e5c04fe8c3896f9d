/* SPDX-License-Identifier: MIT */
/*
 * slab_list.h - a slot's lists of slabs with free objects
 *
 * Buckets by how many are free, so that the fullest slab is the next one to allocate from and those
 * with few live objects become empty. Inline: an object of which a slab has few costs a move with
 * each allocation and each free.
 */
#ifndef KMEM_SLAB_LIST_H
#define KMEM_SLAB_LIST_H

#include "core/assert.h"
#include "kmem/slab.h"

/** list_of - the list of a partial or empty slab */
static inline struct slab **list_of(const struct slab *slab)
{
	struct slot *slot = slab_slot(slab);

	return slab->hot.state == QUIRE_SLAB_EMPTY ? &slot->empty
						   : &slot->partial[slab->hot.bucket];
}

/** slab_link_in - put a slab on the list that fits, a full one on none. @free: on its chain */
static inline void slab_link_in(struct slab *slab, uint32_t free)
{
	uint32_t objects = slab->cache->objects, shift = slab->cache->bucket_shift;
	uint32_t bucket = free >> shift, end = (bucket + 1) << shift;

	bool was_full = slab->hot.state == QUIRE_SLAB_FULL;

	ASSERT("SLAB-2", free <= objects);
	slab->counted = free;
	if (!free) {
		slab->hot.state = QUIRE_SLAB_FULL;
		slab->armed = slab->hot.left = 1;
		slab_name(slab);
		return;
	}
	slab->hot.state = free == objects ? QUIRE_SLAB_EMPTY : QUIRE_SLAB_PARTIAL;
	slab->hot.bucket = (uint8_t)bucket;
	/* It moves when it is of the next bucket, or empty; then another free is one too many. */
	slab->armed = slab->hot.left = free == objects ? 1
						       : (end < objects ? end : objects) - free;

	if (was_full)
		slab_name(slab);

	struct slab **list = list_of(slab);
	slab->prev = NULL;
	slab->next = *list;
	if (*list)
		(*list)->prev = slab;
	*list = slab;
}

/** slab_unlink - take a slab off its list, if it is on one */
static inline void slab_unlink(struct slab *slab)
{
	if (slab->hot.state == QUIRE_SLAB_FULL)
		return;
	ASSERT("SLAB-1", slab->prev ? slab->prev->next == slab : *list_of(slab) == slab);
	if (slab->prev)
		slab->prev->next = slab->next;
	else
		*list_of(slab) = slab->next;
	if (slab->next)
		slab->next->prev = slab->prev;
}

/** slab_fullest - the slab with free objects to allocate from, unlinked. Return: NULL if none */
static inline struct slab *slab_fullest(struct slot *slot)
{
	struct slab **list = slot->partial;

	while (list < slot->partial + SLAB_BUCKETS && !*list)
		list++;
	if (list == slot->partial + SLAB_BUCKETS)
		list = &slot->empty;
	struct slab *slab = *list;
	if (slab) {
		*list = slab->next;
		if (slab->next)
			slab->next->prev = NULL;
	}
	return slab;
}

#endif
