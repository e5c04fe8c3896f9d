/* SPDX-License-Identifier: MIT */
/*
 * tree.c - what the tree of ranges costs: src/core/tree.h among 1,000 ranges
 *
 * For bench/run, as bench/main.c, but on the library's inside. The ranges are of 1 to 64 pages, a
 * quarter of them without a gap behind it, put in at random.
 *
 *   tree list              the rows: name, counted, what
 *   tree quire|none ROW…   with the tree, or the loop alone
 *
 * As areas do, a change looks for its place first, and asks for room before it puts a range in.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <valgrind/callgrind.h>

#include "core/tree.h"

#define RANGES 1000
#define OPS 20000
#define LOW 0x10000u
#define HIGH (1ull << 47)

static struct tree_root tree;
static struct tree_node nodes[RANGES];
static uint64_t start[RANGES], end[RANGES]; /* of the ranges that there are */
static unsigned which[OPS];    /* of them each operation is about */
static uint64_t bytes[OPS];    /* of a new one */
static uint64_t seed, sum;

static uint64_t random_below(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static void insert(struct tree_cursor *c, uint64_t from, uint64_t to)
{
	if (!tree_room(&tree, c) && tree_need(&tree, c))
		abort();
	tree_insert(&tree, c, from, to, &tree);
}

static void put(uint64_t from, uint64_t to)
{
	struct tree_cursor c;

	tree_seek(&tree, from, &c);
	insert(&c, from, to);
}

static void take(uint64_t from)
{
	struct tree_cursor c;

	tree_seek(&tree, from, &c);
	tree_erase(&tree, &c);
}

static void fill(void)
{
	uint64_t at = LOW;

	seed = 88172645463325252u;
	for (unsigned i = 0; i < RANGES; i++) {
		start[i] = at;
		end[i] = at + ((1 + random_below(64)) << 12);
		at = end[i] + (random_below(4) ? (1 + random_below(32)) << 12 : 0);
	}
	for (unsigned i = 0; i < RANGES; i++)
		tree_give(&tree, &nodes[i]);
	for (unsigned i = RANGES; i-- > 0;) {
		unsigned j = (unsigned)random_below(i + 1);
		uint64_t from = start[j], to = end[j];

		start[j] = start[i], end[j] = end[i];
		start[i] = from, end[i] = to;
		put(from, to);
	}
	for (unsigned i = 0; i < OPS; i++) {
		which[i] = (unsigned)random_below(RANGES);
		bytes[i] = (1 + random_below(64)) << 12;
	}
}

static void find(unsigned i)
{
	sum += (uintptr_t)tree_find(&tree, start[which[i]]);
}

/* Out, and in again at the same place. */
static void insert_erase(unsigned i)
{
	unsigned n = which[i];

	take(start[n]);
	put(start[n], end[n]);
}

/* The lowest hole that fits: of the first holes most are too small. */
static void hole(unsigned i)
{
	struct tree_fit fit = { bytes[i], 4096, LOW, HIGH };
	struct tree_cursor c;
	uint64_t at;

	if (!tree_gap(&tree, &fit, &c, &at))
		abort();
	sum += at;
}

/* Into such a hole, and out again. */
static void hole_insert_erase(unsigned i)
{
	struct tree_fit fit = { bytes[i], 4096, LOW, HIGH };
	struct tree_cursor c;
	uint64_t at;

	if (!tree_gap(&tree, &fit, &c, &at))
		abort();
	insert(&c, at, at + bytes[i]);
	take(at);
}

/* Out, and another size in where it fits: after a while no hole is as it was. */
static void churn(unsigned i)
{
	struct tree_fit fit = { bytes[i], 4096, LOW, HIGH };
	uint64_t *at = &start[which[i]];
	struct tree_cursor c;

	take(*at);
	if (!tree_gap(&tree, &fit, &c, at))
		abort();
	insert(&c, *at, *at + bytes[i]);
}

static void nothing(unsigned i)
{
	sum += which[i];
}

static const struct {
	const char *name;
	void (*once)(unsigned i);
	const char *what;
} rows[] = {
	{ "index.find", find, "find a range among 1,000 by an address" },
	{ "index.insert_erase", insert_erase, "take one out and put it in again" },
	{ "index.hole", hole, "find the lowest hole that fits" },
	{ "index.hole_insert_erase", hole_insert_erase, "and put one in, take it out again" },
	{ "index.churn", churn, "take one out, put another in where it fits" },
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void run(const char *name, void (*once)(unsigned i))
{
	uint64_t began;

	tree = (struct tree_root){ .base = LOW };
	fill();
	began = now();
	CALLGRIND_START_INSTRUMENTATION;
	CALLGRIND_ZERO_STATS;
	for (unsigned i = 0; i < OPS; i++)
		once(i);
	CALLGRIND_DUMP_STATS_AT("row");
	CALLGRIND_STOP_INSTRUMENTATION;
	printf("{\"name\":\"%s\",\"ops\":%u,\"ns\":%llu}\n", name, OPS,
	       (unsigned long long)(now() - began));
	if (tree_check(&tree) || tree.nr != RANGES)
		abort();
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool wanted = argc == 2;

		if (!strcmp(argv[1], "list")) {
			printf("%s\t1\t%s\n", rows[i].name, rows[i].what);
			continue;
		}
		for (int n = 2; n < argc; n++)
			wanted |= !strcmp(argv[n], rows[i].name);
		if (wanted)
			run(rows[i].name, strcmp(argv[1], "none") ? rows[i].once : nothing);
	}
	return 0;
}
