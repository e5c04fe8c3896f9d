/* SPDX-License-Identifier: MIT */
/*
 * bench.c - what operations cost on this machine
 *
 * The rows have the names of those in bench/, which are counted in a process: the two tables can
 * be laid side by side. What an empty loop costs is taken off.
 */
#include "bench.h"

#include <quire/page.h>

#include "x86.h"

#define WARM 100
#define TIMES 1000

static bool nothing(struct quire *q)
{
	(void)q;
	return true;
}

static bool page_pair(struct quire *q)
{
	return quire_page_free(q, quire_page_alloc(q, QUIRE_GFP_KERNEL, 0), 0) == QUIRE_FREE_OK;
}

static bool page_pair_o3(struct quire *q)
{
	return quire_page_free(q, quire_page_alloc(q, QUIRE_GFP_KERNEL, 3), 3) == QUIRE_FREE_OK;
}

static const struct {
	const char *name;
	bool (*once)(struct quire *q);
} rows[] = {
	{ "page.pair_o0", page_pair },
	{ "page.pair_o3", page_pair_o3 },
};

static bool repeat(bool (*once)(struct quire *q), struct quire *q, unsigned times)
{
	bool good = true;

	for (unsigned i = 0; i < times; i++)
		good = once(q) && good;
	return good;
}

static bool measure(bool (*once)(struct quire *q), struct quire *q, uint64_t *out)
{
	bool good = repeat(once, q, WARM);
	uint64_t start = x86_tsc();

	good = repeat(once, q, TIMES) && good;
	*out = x86_tsc() - start;
	return good;
}

int bench_run(struct quire *q)
{
	uint64_t empty;
	int failed = 0;

	measure(nothing, q, &empty);
	x86_print("%-20s %10s\n", "operation", "counts");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t all, tenths;

		if (!measure(rows[i].once, q, &all)) {
			x86_print("%-20s failed\n", rows[i].name);
			failed = 1;
			continue;
		}
		tenths = (all > empty ? all - empty : 0) / (TIMES / 10);
		x86_print("%-20s %8llu.%u\n", rows[i].name, (unsigned long long)tenths / 10,
			  (unsigned)(tenths % 10));
	}
	return failed;
}
