/* SPDX-License-Identifier: MIT */
/* image.h - the cases of the test image that have a file of their own */
#ifndef TEST_IMAGE_H
#define TEST_IMAGE_H

#include <quire/quire.h>

/* Prints where it was and fails the case. */
#define WANT(cond)                                                                 \
	do {                                                                       \
		if (!(cond)) {                                                     \
			x86_print("%s:%d: WANT(%s)\n", __FILE__, __LINE__, #cond); \
			return 1;                                                  \
		}                                                                  \
	} while (0)

/* tables.c: random page tables, read by the processor, the software MMU and the core */
int tables(struct quire *q);

/* memory.c: what the port does with page tables and faults */
int access_faults(struct quire *q);
int arena_returns(struct quire *q);
int exhaust(struct quire *q);
int late_kernel_mapping(struct quire *q);

/* kernel.c: the tiers above the frames, by plain pointers */
int objects(struct quire *q);
int vmalloc_areas(struct quire *q);
int windows(struct quire *q);
int device(struct quire *q);

#endif
