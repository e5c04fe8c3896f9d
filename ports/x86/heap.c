/* SPDX-License-Identifier: MIT */
/* heap.c - a heap of pieces */
#include "heap.h"

struct heap_piece {
	struct heap_piece *next; /* the next one by address */
	size_t bytes;            /* a multiple of HEAP_ALIGN */
};

static size_t round_up(size_t bytes)
{
	return (bytes + HEAP_ALIGN - 1) & ~(size_t)(HEAP_ALIGN - 1);
}

/* Join a piece with the next one if the two touch. */
static void join(struct heap_piece *piece)
{
	struct heap_piece *next = piece->next;

	if (next && (uintptr_t)piece + piece->bytes == (uintptr_t)next) {
		piece->bytes += next->bytes;
		piece->next = next->next;
	}
}

void heap_give(struct heap *heap, void *start, size_t bytes)
{
	struct heap_piece *piece = start, *before = NULL;

	for (struct heap_piece *p = heap->pieces; p && p < piece; p = p->next)
		before = p;
	piece->bytes = round_up(bytes);
	piece->next = before ? before->next : heap->pieces;
	join(piece);
	if (before) {
		before->next = piece;
		join(before);
	} else {
		heap->pieces = piece;
	}
}

void *heap_take(struct heap *heap, size_t bytes)
{
	size_t size = round_up(bytes);

	if (size < bytes)
		return NULL;
	for (struct heap_piece **at = &heap->pieces; *at; at = &(*at)->next) {
		struct heap_piece *piece = *at, *rest = piece->next;

		if (piece->bytes < size)
			continue;
		if (piece->bytes > size) {
			rest = (struct heap_piece *)((uintptr_t)piece + size);
			rest->bytes = piece->bytes - size;
			rest->next = piece->next;
		}
		*at = rest;
		return __builtin_memset(piece, 0, size);
	}
	return NULL;
}
