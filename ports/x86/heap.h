/* SPDX-License-Identifier: MIT */
/*
 * heap.h - a heap of pieces, for the port's own memory and for sessions
 *
 * It begins with a part of the image, which is all there is before the machine this has zones;
 * afterwards it grows by blocks of frames, which it keeps.
 */
#ifndef X86_HEAP_H
#define X86_HEAP_H

#include <quire/quire.h>

#define HEAP_ALIGN 64u

/** heap_init - begin, with the part of the image */
void heap_init(void);

/** heap_zones - from here on grow by blocks of @q's frames */
void heap_zones(struct quire *q);

/** heap_grows - has it been told of zones? */
bool heap_grows(void);

/** heap_take - @bytes bytes of zeros, aligned to HEAP_ALIGN; NULL if there are none */
void *heap_take(size_t bytes);

/** heap_give - take them back */
void heap_give(void *p, size_t bytes);

#endif
