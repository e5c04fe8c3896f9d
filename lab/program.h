/* SPDX-License-Identifier: MIT */
/*
 * program.h - recorded programs, run again on another machine
 *
 * From strace come the calls that change address spaces: each is made again, by the process that
 * made it, and compared with what was recorded. From valgrind's lackey come fetches, loads and
 * stores: each walks the machine's own page tables and faults as it must.
 *
 * A recording does not have everything. What the program's image and its first stack are, strace
 * doesn't say: pages that a call names and that nothing recorded had mapped are mapped when they
 * are named, and counted. lackey doesn't say what is mapped: blocks of LAB_PROGRAM_BLOCK are,
 * when they are touched first. Contents are not recorded either: stores store zeros, files are
 * full of them.
 *
 * Addresses are those recorded where the machine has them, else where it puts them.
 */
#ifndef LAB_PROGRAM_H
#define LAB_PROGRAM_H

#include <quire/mm.h>

#include "lackey.h"
#include "strace.h"

/* What is mapped around a touch of lackey's: as much as malloc takes from the kernel at once. */
#define LAB_PROGRAM_BLOCK (UINT64_C(128) << 10)

/** struct lab_program_counts - what happened so far */
struct lab_program_counts {
	/* strace */
	uint64_t calls[LAB_NR_CALLS]; /* lines, by kind */
	uint64_t made;                /* calls made again: the sum of the next three */
	uint64_t agreed;              /* ended as recorded */
	uint64_t refused;             /* the machine refused what Linux had done */
	uint64_t differed;            /* it did something else: another end of the heap */
	uint64_t recorded_failures;   /* failed when recorded: not made again */
	uint64_t foreign_pages;       /* mapped because a call named them */
	uint64_t moved;               /* mappings that lie elsewhere than recorded */
	uint64_t nr_processes;        /* in all */
	uint64_t live_processes, peak_processes;
	/* lackey */
	uint64_t touches[LAB_NR_TOUCHES];
	uint64_t blocks;          /* mapped because they were touched */
	uint64_t signals;         /* touches that ended in one */
	uint64_t refused_touches; /* touches for which there was no memory or no address */
	/* both */
	uint64_t min_faults, maj_faults;
	uint64_t faults[QUIRE_NR_FAULT_KINDS]; /* their sum, by kind */
	uint64_t resident, peak_resident; /* pages, of all processes */
	uint64_t mapped, peak_mapped;     /* pages of areas, of all processes */
	uint64_t vmas, peak_vmas;
	uint64_t table_bytes, peak_table_bytes;
	uint64_t first_ns, last_ns; /* of strace's clock; both 0 without */
};

struct lab_program;

/**
 * lab_program_create - begin
 * @q:   a machine after quire_vm_boot; nobody else loads a table on this processor
 * @out: no processes yet
 *
 * Return: 0; -QUIRE_ENOMEM
 */
int lab_program_create(struct quire *q, struct lab_program **out);

/**
 * lab_program_call - make a call again
 * @p:    the run
 * @call: as lab_strace_line read it
 *
 * Return: 0, whatever became of the call; -QUIRE_ENOMEM if the host has no memory to go on
 */
int lab_program_call(struct lab_program *p, const struct lab_call *call);

/** lab_program_touch - touch memory again, in a recording's one process. Return: likewise */
int lab_program_touch(struct lab_program *p, const struct lab_touch *touch);

/** lab_program_counts - what happened so far; counts the processes anew, so not after each line */
const struct lab_program_counts *lab_program_counts(struct lab_program *p);

/** lab_program_destroy - end all processes that are left, and the run. NULL is none */
void lab_program_destroy(struct lab_program *p);

#endif
