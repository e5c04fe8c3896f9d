/* SPDX-License-Identifier: MIT */
/*
 * heap.c - a heap of pieces
 *
 * Free pieces are in one list by address, each described at its own beginning; neighbours
 * join. First fit.
 */
#include "heap.h"

#include <quire/page.h>

#include "x86.h"

/* Enough for the records of the machine this that are made before it has zones. */
#define IMAGE_BYTES (128u << 10)
/* A block of frames, if one is to be had: 64 KB. */
#define GROW_ORDER 4

struct piece {
	struct piece *next; /* the next one by address */
	size_t bytes;       /* a multiple of HEAP_ALIGN */
};

static _Alignas(HEAP_ALIGN) unsigned char image[IMAGE_BYTES];
static struct piece *pieces; /* free ones, by address */
static struct quire *zones;  /* where more comes from; NULL: nowhere yet */

static size_t round_up(size_t bytes)
{
	return (bytes + HEAP_ALIGN - 1) & ~(size_t)(HEAP_ALIGN - 1);
}

/* Join a piece with the next one if the two touch. */
static void join(struct piece *piece)
{
	struct piece *next = piece->next;

	if (next && (uintptr_t)piece + piece->bytes == (uintptr_t)next) {
		piece->bytes += next->bytes;
		piece->next = next->next;
	}
}

void heap_give(void *p, size_t bytes)
{
	struct piece *piece = p, *before = NULL;

	for (struct piece *i = pieces; i && i < piece; i = i->next)
		before = i;
	piece->bytes = round_up(bytes);
	piece->next = before ? before->next : pieces;
	join(piece);
	if (before) {
		before->next = piece;
		join(before);
	} else {
		pieces = piece;
	}
}

void heap_init(void)
{
	heap_give(image, sizeof(image));
}

void heap_zones(struct quire *q)
{
	zones = q;
}

bool heap_grows(void)
{
	return zones;
}

/* The first free piece that is large enough, cut to size; NULL if none is. */
static void *cut(size_t size)
{
	for (struct piece **at = &pieces; *at; at = &(*at)->next) {
		struct piece *piece = *at, *rest = piece->next;

		if (piece->bytes < size)
			continue;
		if (piece->bytes > size) {
			rest = (struct piece *)((uintptr_t)piece + size);
			rest->bytes = piece->bytes - size;
			rest->next = piece->next;
		}
		*at = rest;
		return piece;
	}
	return NULL;
}

static bool grow(size_t size)
{
	struct quire_page *page = NULL;
	unsigned order = 0;

	while (order <= QUIRE_ORDER_MAX && (size_t)QUIRE_PAGE_SIZE << order < size)
		order++;
	if (!zones || order > QUIRE_ORDER_MAX)
		return false;
	if (order < GROW_ORDER) {
		page = quire_page_alloc(zones, QUIRE_GFP_KERNEL, GROW_ORDER);
		order = page ? GROW_ORDER : order;
	}
	if (!page)
		page = quire_page_alloc(zones, QUIRE_GFP_KERNEL, order);
	if (page)
		heap_give(x86_direct(quire_pfn_phys(quire_page_pfn(zones, page))),
			  (size_t)QUIRE_PAGE_SIZE << order);
	return page;
}

void *heap_take(size_t bytes)
{
	size_t size = round_up(bytes);
	void *p;

	if (size < bytes)
		return NULL;
	p = cut(size);
	if (!p && grow(size))
		p = cut(size);
	return p ? __builtin_memset(p, 0, size) : NULL;
}
