/* SPDX-License-Identifier: MIT */
/*
 * main.c - bench ALLOCATOR [ROW…]: run rows, print one line of JSON each
 *
 * Under callgrind each row's measured part is dumped under the row's name;
 * bench/run puts both together.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <valgrind/callgrind.h>

#include "bench.h"

static uint64_t started;

/* The i-th row of all files; NULL after the last. */
static const struct bench_row *row_at(size_t i)
{
	const struct {
		const struct bench_row *rows;
		size_t nr;
	} files[] = {
		{ bench_rows, bench_nr_rows },
		{ bench_rows_mmu, bench_nr_rows_mmu },
		{ bench_slab_rows, bench_nr_slab_rows },
		{ bench_rows_vmalloc, bench_nr_rows_vmalloc },
		{ bench_rows_file, bench_nr_rows_file },
		{ bench_rows_vm, bench_nr_rows_vm },
		{ bench_rows_vm_fault, bench_nr_rows_vm_fault },
	};

	for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++) {
		if (i < files[f].nr)
			return &files[f].rows[i];
		i -= files[f].nr;
	}
	return NULL;
}

uint64_t bench_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

static uint64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t bench_cpu_ns(void)
{
	return now(CLOCK_THREAD_CPUTIME_ID);
}

void bench_start(void)
{
	started = now(CLOCK_MONOTONIC);
	CALLGRIND_START_INSTRUMENTATION;
	CALLGRIND_ZERO_STATS;
}

void bench_stop(struct bench_result *out, uint64_t ops)
{
	CALLGRIND_DUMP_STATS_AT("row");
	CALLGRIND_STOP_INSTRUMENTATION;
	out->ns = now(CLOCK_MONOTONIC) - started;
	out->ops = ops;
}

static void run(const struct bench_allocator *a, const struct bench_row *row)
{
	struct bench_result r = { 0 };

	row->run(a, &r);
	printf("{\"name\":\"%s\",\"ops\":%llu,\"ns\":%llu", row->name, (unsigned long long)r.ops,
	       (unsigned long long)r.ns);
	if (r.unit)
		printf(",\"value\":%.6g,\"unit\":\"%s\"", r.value, r.unit);
	printf("}\n");
	fflush(stdout);
}

static const struct bench_allocator *allocator(const char *name)
{
	if (!strcmp(name, "none"))
		return &bench_none;
	return !strcmp(name, "malloc") ? &bench_malloc : &bench_quire;
}

int main(int argc, char **argv)
{
	const struct bench_allocator *a = allocator(argc > 1 ? argv[1] : "quire");
	const struct bench_row *row;

	for (size_t i = 0; (row = row_at(i)); i++) {
		bool wanted = argc <= 2;

		if (argc > 1 && !strcmp(argv[1], "list")) {
			printf("%s\t%d\t%s\n", row->name, row->instructions, row->what);
			continue;
		}
		for (int n = 2; n < argc; n++)
			wanted |= !strcmp(argv[n], row->name);
		if (wanted)
			run(a, row);
	}
	return 0;
}
