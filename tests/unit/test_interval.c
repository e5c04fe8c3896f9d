/* SPDX-License-Identifier: MIT */
/*
 * test_interval.c - ranges that may overlap, against a list
 *
 * The model is an array in order of start and insertion. Rules INTERVAL-1 to INTERVAL-4 are checked
 * after each step, and each is broken once to see that interval_check notices.
 */
#include "test.h"

#include "core/interval.h"

#define MODEL_MAX 600

struct model {
	struct interval_root tree;
	struct interval *order[MODEL_MAX];
	size_t nr;
	uint64_t seed;
};

static uint64_t below(struct model *m, uint64_t n)
{
	return test_random(&m->seed) % n;
}

static bool sound(struct model *m)
{
	const char *broken = interval_check(&m->tree);

	if (broken)
		printf("%s\n", broken);
	CHECK(!broken);
	CHECK_EQ(m->tree.nr, m->nr);
	return !broken;
}

static void insert(struct model *m, uint64_t first, uint64_t last)
{
	struct interval *n = malloc(sizeof(*n));
	size_t i = 0;

	memset(n, 0xa5, sizeof(*n));
	n->first = first;
	n->last = last;
	interval_insert(&m->tree, n);
	while (i < m->nr && m->order[i]->first <= first)
		i++;
	memmove(&m->order[i + 1], &m->order[i], (m->nr - i) * sizeof(n));
	m->order[i] = n;
	m->nr++;
}

static void erase(struct model *m, size_t i)
{
	struct interval *n = m->order[i];

	interval_erase(&m->tree, n);
	memmove(&m->order[i], &m->order[i + 1], (m->nr - i - 1) * sizeof(n));
	m->nr--;
	free(n);
}

/* The same ranges, in the same order, as the list has. */
static void query(struct model *m, uint64_t first, uint64_t last)
{
	const struct interval *found = NULL;

	for (size_t i = 0; i < m->nr; i++) {
		if (m->order[i]->last < first || m->order[i]->first > last)
			continue;
		found = interval_next(&m->tree, found, first, last);
		CHECK(found == m->order[i]);
		if (found != m->order[i])
			return;
	}
	CHECK(!interval_next(&m->tree, found, first, last));
}

static void run_model(uint64_t seed, uint64_t space, uint64_t longest, int steps)
{
	struct model m = { .seed = seed };

	printf("seed %" PRIu64 ", space %" PRIu64 "\n", seed, space);
	for (int i = 0; i < steps && !test_failures; i++) {
		uint64_t first = below(&m, space);
		bool grow = (i / 500) % 2 == 0;

		if (m.nr < MODEL_MAX - 1 && below(&m, 4) < (grow ? 3 : 1))
			insert(&m, first, first + below(&m, longest));
		else if (m.nr)
			erase(&m, below(&m, m.nr));
		sound(&m);
		first = below(&m, space + longest);
		query(&m, first, first + below(&m, longest));
	}
	while (m.nr && sound(&m))
		erase(&m, below(&m, m.nr));
	CHECK(!m.tree.root);
}

TEST(model)
{
	run_model(1, 1000, 50, 4000);
	run_model(2, 4, 3, 2000);
	run_model(3, UINT64_MAX / 2, UINT64_MAX / 2, 2000);
}

/* A thousand processes that map one library: all ranges are equal. */
TEST(equal)
{
	struct model m = { .seed = 4 };

	for (int i = 0; i < 500; i++)
		insert(&m, 0, 9);
	sound(&m);
	query(&m, 5, 5);
	query(&m, 10, 20);
	while (m.nr)
		erase(&m, below(&m, m.nr));
	sound(&m);
}

/* All the way up: ranges of the highest numbers. */
TEST(limits)
{
	struct model m = { .seed = 5 };

	insert(&m, UINT64_MAX, UINT64_MAX);
	insert(&m, 0, UINT64_MAX);
	insert(&m, 0, 0);
	query(&m, UINT64_MAX, UINT64_MAX);
	query(&m, 0, 0);
	query(&m, 1, UINT64_MAX - 1);
	while (m.nr)
		erase(&m, 0);
	CHECK(!interval_next(&m.tree, NULL, 0, UINT64_MAX));
}

TEST(broken)
{
	struct model m = { .seed = 6 };

	for (int i = 0; i < 20; i++)
		insert(&m, (uint64_t)i * 10, (uint64_t)i * 10 + 5);
	struct interval *n = m.order[3];

	n->first = 200;
	CHECK_STR(interval_check(&m.tree), "INTERVAL-1");
	n->first = 30;
	m.tree.root->max++;
	CHECK_STR(interval_check(&m.tree), "INTERVAL-2");
	m.tree.root->max--;
	m.tree.root->up ^= 1;
	CHECK_STR(interval_check(&m.tree), "INTERVAL-3");
	m.tree.root->up ^= 1;
	m.tree.nr++;
	CHECK_STR(interval_check(&m.tree), "INTERVAL-4");
	m.tree.nr--;
	n = m.tree.root->child[0];
	n->up += 64;
	CHECK_STR(interval_check(&m.tree), "INTERVAL-4");
	n->up -= 64;
	sound(&m);
	while (m.nr)
		erase(&m, 0);
}

TEST_MAIN(CASE(model), CASE(equal), CASE(limits), CASE(broken))
