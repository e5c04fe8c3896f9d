/* SPDX-License-Identifier: MIT */
/*
 * bench.h - what operations cost on this machine
 */
#ifndef KERNEL_BENCH_H
#define KERNEL_BENCH_H

#include <quire/quire.h>

/**
 * bench_run - measure by the time-stamp counter and print a table
 * @q: the machine this
 *
 * Under QEMU's -icount shift=0 the counter counts instructions.
 *
 * Return: 0; 1 if an operation failed
 */
int bench_run(struct quire *q);

#endif
