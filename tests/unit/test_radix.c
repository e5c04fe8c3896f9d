/* SPDX-License-Identifier: MIT */
/*
 * test_radix.c - an array of pointers with holes, against a plain array
 *
 * Rules RADIX-1 to RADIX-3 are checked after each step, and each is broken once to see that
 * radix_check notices.
 */
#include "test.h"

#include "core/radix.h"

#define SPACE 5000 /* places of the model; an index is one of them times a stride */

struct model {
	struct radix_root tree;
	uint64_t stride, seed, nodes, nr;
	bool in[SPACE], tagged[SPACE];
};

static uint64_t below(struct model *m, uint64_t n)
{
	return test_random(&m->seed) % n;
}

static void *value_of(uint64_t i)
{
	return (void *)(uintptr_t)(i * 8 + 8);
}

static void insert(struct model *m, uint64_t i)
{
	while (radix_need(&m->tree, i * m->stride)) {
		radix_give(&m->tree, malloc(sizeof(struct radix_node)));
		m->nodes++;
	}
	radix_insert(&m->tree, i * m->stride, value_of(i));
	m->in[i] = true;
	m->nr++;
}

static void erase(struct model *m, uint64_t i)
{
	CHECK(radix_erase(&m->tree, i * m->stride) == (m->in[i] ? value_of(i) : NULL));
	m->nr -= m->in[i];
	m->in[i] = m->tagged[i] = false;
}

static void starve(struct model *m)
{
	void *node;

	while ((node = radix_spare(&m->tree, 0))) {
		free(node);
		m->nodes--;
	}
	CHECK_EQ(m->tree.nr_nodes, m->nodes);
}

static void look(struct model *m)
{
	uint64_t from = below(m, SPACE), i = from, last = from + below(m, SPACE - from);
	bool tagged = below(m, 2);
	uint64_t index = from * m->stride;
	void *value = radix_next(&m->tree, &index, last * m->stride, tagged);

	CHECK(radix_find(&m->tree, from * m->stride) == (m->in[from] ? value_of(from) : NULL));
	CHECK_EQ(radix_tagged(&m->tree, from * m->stride), m->tagged[from]);
	while (i <= last && !(tagged ? m->tagged[i] : m->in[i]))
		i++;
	CHECK(value == (i <= last ? value_of(i) : NULL));
	if (value)
		CHECK(index == i * m->stride);
}

static void run_model(uint64_t seed, uint64_t stride, int steps)
{
	static struct model m;

	m = (struct model){ .seed = seed, .stride = stride };
	printf("seed %" PRIu64 ", stride %#" PRIx64 "\n", seed, stride);
	for (int n = 0; n < steps && !test_failures; n++) {
		uint64_t i = below(&m, (n / 400) % 2 ? 70 : SPACE);

		switch (below(&m, 8)) {
		case 0:
		case 1:
		case 2:
			if (!m.in[i])
				insert(&m, i);
			break;
		case 3:
		case 4:
			erase(&m, i);
			break;
		case 5:
		case 6:
			i = below(&m, 2) ? i : below(&m, SPACE);
			bool tag = below(&m, 2);
			CHECK_EQ(radix_tag(&m.tree, i * stride, tag), m.tagged[i]);
			m.tagged[i] = tag && m.in[i];
			break;
		default:
			starve(&m);
		}
		look(&m);
		const char *broken = n % 8 ? NULL : radix_check(&m.tree);
		CHECK(!broken);
		CHECK_EQ(m.tree.nr, m.nr);
	}
	for (uint64_t i = 0; i < SPACE; i++)
		erase(&m, i);
	CHECK(!radix_check(&m.tree) && !m.tree.root);
	starve(&m);
	CHECK_EQ(m.nodes, 0);
}

TEST(model)
{
	run_model(1, 1, 20000);
	run_model(2, 64, 10000);
	run_model(3, 0x1fffffff7, 10000);
}

/* The highest index of all, and what needs all levels at once. */
TEST(limits)
{
	struct model m = { .stride = 1 };
	uint64_t index = 0;

	insert(&m, 0);
	while (radix_need(&m.tree, UINT64_MAX))
		radix_give(&m.tree, malloc(sizeof(struct radix_node)));
	radix_insert(&m.tree, UINT64_MAX, value_of(1));
	CHECK_EQ(m.tree.height, RADIX_LEVELS);
	CHECK_EQ(m.tree.nr_spare, 0);
	CHECK(!radix_check(&m.tree));
	index = 1;
	CHECK(radix_next(&m.tree, &index, UINT64_MAX, false) == value_of(1));
	CHECK(index == UINT64_MAX);
	index = 1;
	CHECK(!radix_next(&m.tree, &index, UINT64_MAX, true));
	CHECK(!radix_next(&m.tree, &index, UINT64_MAX - 1, false));
	radix_tag(&m.tree, UINT64_MAX, true);
	CHECK(radix_next(&m.tree, &index, UINT64_MAX, true) == value_of(1));
	radix_erase(&m.tree, UINT64_MAX);
	CHECK_EQ(m.tree.height, 1);
	erase(&m, 0);
	for (void *node; (node = radix_spare(&m.tree, 0));)
		free(node);
}

TEST(broken)
{
	static struct model m;

	m = (struct model){ .stride = 1 };
	for (uint64_t i = 0; i < 200; i += 3)
		insert(&m, i);
	struct radix_node *leaf = m.tree.root->slot[1].child;
	uint64_t present = leaf->present;

	leaf->present = 0;
	CHECK_STR(radix_check(&m.tree), "RADIX-1");
	leaf->present = present;
	leaf->tagged = present & -present;
	CHECK_STR(radix_check(&m.tree), "RADIX-2");
	leaf->tagged = ~present & (present >> 1);
	CHECK_STR(radix_check(&m.tree), "RADIX-2");
	leaf->tagged = 0;
	m.tree.nr++;
	CHECK_STR(radix_check(&m.tree), "RADIX-3");
	m.tree.nr--;
	CHECK(!radix_check(&m.tree));
	for (uint64_t i = 0; i < SPACE; i++)
		erase(&m, i);
	starve(&m);
}

TEST_MAIN(CASE(model), CASE(limits), CASE(broken))
