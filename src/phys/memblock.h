/* SPDX-License-Identifier: MIT */
/*
 * memblock.h - what is memory, and what of it is taken, before there are zones
 *
 * Two lists of ranges, sorted, without overlaps, and as short as they can be:
 * neighbours that touch are one range if they are of one kind. They are
 * byte-granular, as Linux's are; whoever makes frames of them rounds.
 *
 *     memory    |======================|      |===================|
 *     reserved      |KERNEL||INITRD|                |ALLOC|   |OTHER..|
 *     free      |==|                |==|      |====|       |==|
 *
 * Invariants: BOOT-1 no range is empty, BOOT-2 ranges are sorted and disjoint, BOOT-3
 * touching ranges differ in kind, BOOT-4 a list is not longer than its array.
 */
#ifndef PHYS_MEMBLOCK_H
#define PHYS_MEMBLOCK_H

#include <quire/boot.h>

/** struct memblock_list - sorted ranges in an array that grows */
struct memblock_list {
	struct quire_range *ranges;
	size_t nr;
	size_t capacity; /* length of ranges[]; 0 before the first is added */
};

/** struct memblock - the boot allocator; all zero is an empty one */
struct memblock {
	struct memblock_list memory;   /* every .what is 0 */
	struct memblock_list reserved; /* need not be memory */
};

/** memblock_destroy - give both lists back to @host; empty afterwards */
void memblock_destroy(struct memblock *mb, void *host);

/**
 * memblock_add - make [start, end) memory
 * @mb:    the lists
 * @host:  for the port
 * @start: first byte
 * @end:   one past the last, above @start
 *
 * Return: 0; -QUIRE_ENOMEM, then nothing has changed
 */
int memblock_add(struct memblock *mb, void *host, uint64_t start, uint64_t end);

/** memblock_remove - [start, end) is no memory. Otherwise as memblock_add */
int memblock_remove(struct memblock *mb, void *host, uint64_t start, uint64_t end);

/**
 * memblock_reserve - a range is taken
 * @mb:    the lists
 * @host:  for the port
 * @range: not empty; its .what wins over an older one's
 *
 * Return: 0; -QUIRE_ENOMEM, then nothing has changed
 */
int memblock_reserve(struct memblock *mb, void *host, const struct quire_range *range);

/**
 * memblock_free - [start, end) is not taken, whoever had it. Otherwise as memblock_add
 *
 * Can't fail for a range that the last memblock_reserve or memblock_alloc added.
 */
int memblock_free(struct memblock *mb, void *host, uint64_t start, uint64_t end);

/**
 * memblock_alloc - find free memory and reserve it
 * @mb:   the lists
 * @host: for the port
 * @req:  size, alignment, limits, direction
 * @what: who takes it
 * @out:  its address
 *
 * Return: 0; -QUIRE_EINVAL for a request that makes no sense; -QUIRE_ENOMEM if
 *         no free range fits or the list can't grow. On an error nothing has changed.
 */
int memblock_alloc(struct memblock *mb, void *host, const struct quire_memblock_request *req,
		   enum quire_reserve what, uint64_t *out);

/** struct memblock_cursor - where memblock_free_next stands; start with all zero */
struct memblock_cursor {
	size_t memory;   /* range it is in */
	size_t reserved; /* first range that may lie ahead */
	uint64_t at;     /* everything below is done */
};

/**
 * memblock_free_next - iterate over what is free: memory less reserved
 * @mb:     the lists; not to be changed on the way
 * @cursor: all zero at first
 * @start:  first byte of the next free range
 * @end:    one past its last; neither need be frame aligned
 *
 * A whole iteration takes time linear in the length of both lists.
 *
 * Return: false after the last
 */
bool memblock_free_next(const struct memblock *mb, struct memblock_cursor *cursor, uint64_t *start,
			uint64_t *end);

/**
 * memblock_list_less - iterate over @a less @b; memblock_free_next for any two lists
 * @a:      ranges
 * @b:      ranges to leave out
 * @cursor: all zero at first; .memory counts in @a, .reserved in @b
 * @out:    the next range
 *
 * Return: false after the last
 */
bool memblock_list_less(const struct memblock_list *a, const struct memblock_list *b,
			struct memblock_cursor *cursor, struct quire_range *out);

/**
 * memblock_list_grow - make room for @nr ranges
 * @list: any
 * @host: for the port
 * @nr:   length that the array shall have at least
 *
 * Return: 0; -QUIRE_ENOMEM, then nothing has changed
 */
int memblock_list_grow(struct memblock_list *list, void *host, size_t nr);

/** memblock_list_destroy - give a list's array back to @host */
void memblock_list_destroy(struct memblock_list *list, void *host);

/**
 * memblock_list_set - put a range into a list, over what is there
 * @list:  any
 * @host:  for the port
 * @range: not empty; its .what wins
 *
 * Return: 0; -QUIRE_ENOMEM, then nothing has changed
 */
int memblock_list_set(struct memblock_list *list, void *host, const struct quire_range *range);

/** memblock_list_clear - take [start, end) out of a list. Otherwise as memblock_list_set */
int memblock_list_clear(struct memblock_list *list, void *host, uint64_t start, uint64_t end);

/**
 * memblock_check - are the invariants BOOT-1 to BOOT-4 true?
 * @mb:  the lists
 * @out: the first one that is not, and the address where
 *
 * Return: true if all are
 */
bool memblock_check(const struct memblock *mb, struct quire_violation *out);

#endif
