/* SPDX-License-Identifier: MIT */
/*
 * bench.h - the table of functions through which a loop reaches an allocator
 *
 * The same loops measure any allocator of frames that fills this table in.
 * "none" does nothing: what its loop costs is subtracted.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Linux's GFP_KERNEL, alone and with __GFP_MOVABLE and with __GFP_MEMALLOC (reserves too). */
#define BENCH_KERNEL 0xcc0u
#define BENCH_MOVABLE 0xcc8u
#define BENCH_LAST 0x20cc0u

/** struct bench_allocator - an allocator of blocks of frames; blocks are opaque, not NULL */
struct bench_allocator {
	const char *name;
	/* A machine of that much memory. NULL: this allocator can't have so much. */
	void *(*create)(uint64_t bytes, unsigned nr_cpus);
	void (*destroy)(void *machine);
	void (*on_cpu)(unsigned cpu); /* this thread is that processor */
	/* @gfp: BENCH_…; what an allocator has no notion of it ignores */
	void *(*alloc)(void *machine, uint32_t gfp, unsigned order);
	int (*free)(void *machine, void *block, unsigned order); /* 0: done */
	size_t (*alloc_bulk)(void *machine, size_t nr, void **frames);
	void (*free_bulk)(void *machine, size_t nr, void **frames);
	uint64_t (*free_frames)(void *machine);
	uint64_t (*free_order9)(void *machine); /* blocks of order 9 that can be had */
	uint64_t (*metadata)(void *machine);    /* bytes */
};

/* bench_malloc: the process's malloc, for rows kmalloc.* alone. */
extern const struct bench_allocator bench_quire, bench_none, bench_malloc;

/** struct bench_result - what one row measured */
struct bench_result {
	uint64_t ops;        /* operations in the measured part */
	uint64_t ns;         /* time of it */
	double value;        /* of rows that count something else */
	const char *unit;    /* of value; NULL: the row is operations */
};

/** struct bench_row - one row of the table */
struct bench_row {
	const char *name;
	void (*run)(const struct bench_allocator *a, struct bench_result *out);
	bool instructions; /* counted by callgrind too */
	const char *what;  /* the operation, in words */
};

/* The rows of each file. */
extern const struct bench_row bench_rows[], bench_rows_mmu[], bench_rows_vmalloc[],
	bench_slab_rows[], bench_rows_file[], bench_rows_vm[], bench_rows_vm_fault[];
extern const size_t bench_nr_rows, bench_nr_rows_mmu, bench_nr_rows_vmalloc, bench_nr_slab_rows,
	bench_nr_rows_file, bench_nr_rows_vm, bench_nr_rows_vm_fault;

/** bench_start - the measured part begins */
void bench_start(void);

/** bench_stop - it ends. @ops operations were done; fills in @out */
void bench_stop(struct bench_result *out, uint64_t ops);

/** bench_random - the next number of a fixed sequence */
uint64_t bench_random(uint64_t *state);

/** bench_cpu_ns - processor time of this thread */
uint64_t bench_cpu_ns(void);

#endif
