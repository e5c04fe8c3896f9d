/* SPDX-License-Identifier: MIT */
/*
 * heap.h - a heap of pieces, for the port's own memory
 *
 * Free pieces are in one list by address, each described at its own beginning; neighbours
 * join. First fit. It holds what a kernel needs before it has an allocator and
 * what simulated machines are made of.
 */
#ifndef X86_HEAP_H
#define X86_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_ALIGN 64u

struct heap_piece;

/** struct heap - zero it, then give it memory */
struct heap {
	struct heap_piece *pieces; /* free ones, by address */
};

/** heap_give - put memory into the heap, for the first time or back; HEAP_ALIGN-aligned */
void heap_give(struct heap *heap, void *start, size_t bytes);

/** heap_take - @bytes bytes of zeros, aligned to HEAP_ALIGN; NULL if there are none */
void *heap_take(struct heap *heap, size_t bytes);

#endif
