/* SPDX-License-Identifier: MIT */
/*
 * config.h - constants that shape the library, each with its reason
 *
 * Override one with -DQUIRE_...=value for the whole build. The checks below
 * keep the combination sound.
 */
#ifndef QUIRE_CONFIG_H
#define QUIRE_CONFIG_H

/*
 * The largest block is 2^10 frames = 4 MB, as Linux's (eleven lists).
 * The size of a section follows from it.
 */
#define QUIRE_ORDER_MAX 10

/*
 * Frames per unit of grouping by mobility: 2^9, a 2 MB page of x86-64 and PAE.
 * Its pair bitmaps are 8 words of 64 bits and one for the three largest orders.
 */
#define QUIRE_BLOCK_ORDER 9

/* Processors of one machine at most. Per-cpu lists are allocated per cpu used. */
#ifndef QUIRE_CPUS_MAX
#define QUIRE_CPUS_MAX 64
#endif

/*
 * Frames that a per-cpu list holds, and that are moved at once between it and
 * its block. 64 makes filling it a tenth of an allocation's cost (59 instructions
 * in row page.alloc_all_o0, 6 of them for filling).
 */
#ifndef QUIRE_PCP_BATCH
#define QUIRE_PCP_BATCH 64
#endif

/* Blocks of order 9 that a cpu keeps, as Linux keeps huge pages per cpu. */
#ifndef QUIRE_PCP_HUGE
#define QUIRE_PCP_HUGE 4
#endif

/*
 * Cheap assertions (a compare and a branch that is never taken) are on as
 * shipped; the figures in bench/ include them. 0 removes them.
 */
#ifndef QUIRE_ASSERT
#define QUIRE_ASSERT 1
#endif

#if QUIRE_CPUS_MAX < 1 || QUIRE_CPUS_MAX > 65535
#error "QUIRE_CPUS_MAX: 1 .. 65535 (the port hands out 16-bit cpu numbers)"
#endif
#if QUIRE_PCP_BATCH < 2 || QUIRE_PCP_BATCH > 512
#error "QUIRE_PCP_BATCH: 2 .. 512 (one refill comes from one block of 512 frames)"
#endif
#if QUIRE_PCP_HUGE < 1 || QUIRE_PCP_HUGE > 64
#error "QUIRE_PCP_HUGE: 1 .. 64"
#endif

#endif
