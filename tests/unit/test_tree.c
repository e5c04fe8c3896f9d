/* SPDX-License-Identifier: MIT */
/*
 * test_tree.c - the tree of ranges against a sorted array
 *
 * The model is an array, searched from its beginning. Rules TREE-1 to TREE-4 are checked
 * by tree_check after each step, and each is broken once to see that it notices.
 */
#include "test.h"

#include "core/tree.h"

static uint64_t seed;

static uint64_t random_next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint64_t random_below(uint64_t n)
{
	return random_next() % n;
}

#define MODEL_MAX 4096

struct model {
	struct tree_root tree;
	size_t nr;
	struct tree_range range[MODEL_MAX];
	uint64_t nodes; /* allocated and not freed */
};

static void feed(struct model *m, const struct tree_cursor *c)
{
	while (tree_need(&m->tree, c)) {
		tree_give(&m->tree, malloc(sizeof(struct tree_node)));
		m->nodes++;
	}
}

static void starve(struct model *m)
{
	void *node;

	while ((node = tree_spare(&m->tree, 0))) {
		free(node);
		m->nodes--;
	}
}

static bool sound(struct model *m)
{
	const char *broken = tree_check(&m->tree);

	if (broken)
		printf("%s\n", broken);
	CHECK(!broken);
	CHECK_EQ(m->tree.nr, m->nr);
	return !broken;
}

/* The first range of the model that ends above @address. */
static size_t model_seek(const struct model *m, uint64_t address)
{
	size_t i = 0;

	while (i < m->nr && m->range[i].end <= address)
		i++;
	return i;
}

static bool model_gap(const struct model *m, const struct tree_fit *fit, uint64_t *out)
{
	uint64_t low = m->tree.base;

	for (size_t i = 0; i <= m->nr; i++) {
		uint64_t high = i < m->nr ? m->range[i].start : UINT64_MAX;
		uint64_t from = low > fit->low ? low : fit->low;
		uint64_t to = high < fit->high ? high : fit->high;

		from = (from + fit->align - 1) & ~(fit->align - 1);
		if (from < to && to - from >= fit->bytes) {
			*out = from;
			return true;
		}
		low = i < m->nr ? m->range[i].end : 0;
	}
	return false;
}

static bool model_gap_top(const struct model *m, const struct tree_fit *fit, uint64_t *out)
{
	for (size_t i = m->nr + 1; i-- > 0;) {
		uint64_t high = i < m->nr ? m->range[i].start : UINT64_MAX;
		uint64_t low = i ? m->range[i - 1].end : m->tree.base;

		low = low > fit->low ? low : fit->low;
		high = high < fit->high ? high : fit->high;
		if (high < fit->bytes)
			continue;
		*out = (high - fit->bytes) & ~(fit->align - 1);
		if (*out >= low)
			return true;
	}
	return false;
}

static void model_insert(struct model *m, struct tree_range range)
{
	size_t i = model_seek(m, range.start);

	memmove(&m->range[i + 1], &m->range[i], (m->nr - i) * sizeof(range));
	m->range[i] = range;
	m->nr++;
}

static void model_erase(struct model *m, size_t i)
{
	memmove(&m->range[i], &m->range[i + 1], (m->nr - i - 1) * sizeof(m->range[0]));
	m->nr--;
}

/* Somewhere the two may be asked. */
static uint64_t any_address(const struct model *m, uint64_t space)
{
	if (m->nr && random_below(2)) {
		const struct tree_range *r = &m->range[random_below(m->nr)];
		uint64_t edge = random_below(2) ? r->start : r->end;

		return edge + random_below(3) - (edge ? random_below(2) : 0);
	}
	return random_below(space);
}

static void try_find(struct model *m, uint64_t space)
{
	uint64_t address = any_address(m, space);
	size_t i = model_seek(m, address);
	struct tree_cursor c;
	struct tree_range r = { 0, 0, NULL };
	void *want = i < m->nr && m->range[i].start <= address ? m->range[i].value : NULL;

	CHECK(tree_find(&m->tree, address) == want);
	CHECK_EQ(tree_seek(&m->tree, address, &c), i < m->nr);
	for (size_t n = i; n < i + 3 && n < m->nr; n++) {
		CHECK(tree_at(&m->tree, &c, &r));
		CHECK(!memcmp(&r, &m->range[n], sizeof(r)));
		CHECK_EQ(tree_next(&m->tree, &c), n + 1 < m->nr);
	}
	tree_seek(&m->tree, address, &c);
	for (size_t n = i; n + 3 > i; n--) {
		CHECK_EQ(tree_prev(&m->tree, &c), n > 0);
		if (!n)
			break;
		CHECK(tree_at(&m->tree, &c, &r));
		CHECK(!memcmp(&r, &m->range[n - 1], sizeof(r)));
	}
}

static void try_insert(struct model *m, uint64_t space)
{
	struct tree_fit fit = { 1 + random_below(64), 1ull << random_below(5), 0, space };
	uint64_t start = 0, want = 0;
	struct tree_cursor c;

	if (random_below(2))
		fit.low = any_address(m, space);
	if (!random_below(4))
		fit.high = any_address(m, space) + 1;
	bool top = random_below(2);
	bool had = (top ? tree_gap_top : tree_gap)(&m->tree, &fit, &c, &start);

	CHECK_EQ(had, (top ? model_gap_top : model_gap)(m, &fit, &want));
	if (!had || m->nr == MODEL_MAX)
		return;
	CHECK_EQ(start, want);
	struct tree_range r = { start, start + fit.bytes, (void *)(uintptr_t)(start + 1) };
	size_t i = model_seek(m, start);

	CHECK(tree_before(&m->tree, &c) == (i ? m->range[i - 1].value : NULL));
	CHECK(tree_above(&m->tree, &c) == (i < m->nr ? m->range[i].value : NULL));
	CHECK_EQ(tree_below(&c), i ? m->range[i - 1].end : m->tree.base);

	feed(m, &c);
	tree_insert(&m->tree, &c, r.start, r.end, r.value);
	model_insert(m, r);
}

static void try_erase(struct model *m)
{
	struct tree_cursor c;

	if (!m->nr)
		return;
	size_t i = random_below(m->nr);

	tree_seek(&m->tree, m->range[i].start, &c);
	tree_erase(&m->tree, &c);
	model_erase(m, i);
	if (!random_below(16))
		starve(m);
}

static void try_resize(struct model *m, uint64_t space)
{
	struct tree_cursor c;

	if (!m->nr)
		return;
	size_t i = random_below(m->nr);
	uint64_t low = i ? m->range[i - 1].end : m->tree.base;
	uint64_t high = i + 1 < m->nr ? m->range[i + 1].start : space;
	struct tree_range r = { low + random_below(high - low), 0, m->range[i].value };

	r.end = r.start + 1 + random_below(high - r.start);
	tree_seek(&m->tree, m->range[i].start, &c);
	tree_resize(&m->tree, &c, &r);
	m->range[i] = r;
}

/* One becomes two, as areas do: the upper one is put right behind. */
static void try_split(struct model *m)
{
	struct tree_cursor c;

	if (!m->nr || m->nr == MODEL_MAX)
		return;
	size_t i = random_below(m->nr);
	struct tree_range lower = m->range[i], upper = lower;

	if (lower.end - lower.start < 2)
		return;
	lower.end = upper.start = lower.start + 1 + random_below(lower.end - lower.start - 1);
	upper.value = (void *)(uintptr_t)(upper.start + 1);
	tree_seek(&m->tree, lower.start, &c);
	feed(m, &c);
	tree_resize(&m->tree, &c, &lower);
	tree_behind(&c);
	CHECK_EQ(tree_below(&c), lower.end);
	tree_insert(&m->tree, &c, upper.start, upper.end, upper.value);
	m->range[i] = lower;
	model_insert(m, upper);
}

/* Grows to about @size ranges and stays there. */
static void run(struct model *m, uint64_t space, size_t size, unsigned steps)
{
	for (unsigned n = 0; n < steps && !test_failures; n++) {
		unsigned what = (unsigned)random_below(100);

		if (what < 20)
			try_find(m, space);
		else if (what < 30)
			try_resize(m, space);
		else if (what < 33)
			try_split(m);
		else if (m->nr < size ? what < 75 : what < 45)
			try_insert(m, space);
		else
			try_erase(m);
		sound(m);
	}
}

static void empty(struct model *m)
{
	while (m->nr && !test_failures) {
		try_erase(m);
		sound(m);
	}
	starve(m);
	CHECK_EQ(m->nodes, 0);
	CHECK(!m->tree.root && !m->tree.height);
}

TEST(random_ranges)
{
	static const struct {
		size_t size;
		uint64_t space;
		unsigned steps;
		uint64_t base;
	} cases[] = { { 20, 1 << 12, 20000, 0 },
		      { 300, 1 << 14, 20000, 1000 },
		      { 3000, 1 << 18, 20000, 5 } };
	static struct model m;

	seed = 0x9e3779b97f4a7c15u;
	printf("seed %#" PRIx64 "\n", seed);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&m, 0, sizeof(m));
		m.tree.base = cases[i].base;
		run(&m, cases[i].space, cases[i].size, cases[i].steps);
		empty(&m);
	}
}

/* Ascending, descending, then taken out from either end or every other one. */
TEST(ordered_ranges)
{
	static struct model m;

	seed = 1;
	for (unsigned order = 0; order < 4; order++) {
		memset(&m, 0, sizeof(m));
		for (unsigned n = 0; n < 2000; n++) {
			uint64_t at = 10 * (order & 1 ? 2000 - n : n + 1);
			struct tree_range r = { at, at + 10, &m };
			struct tree_cursor c;

			tree_seek(&m.tree, at, &c);
			feed(&m, &c);
			tree_insert(&m.tree, &c, r.start, r.end, r.value);
			model_insert(&m, r);
		}
		sound(&m);
		/* 14 in a node: ranges in order leave it so, and what is above. */
		CHECK_EQ(m.tree.nr_nodes, 143 + 11 + 1);
		while (m.nr && !test_failures) {
			size_t i = order & 2 ? m.nr - 1 : m.nr / 2;
			struct tree_cursor c;

			tree_seek(&m.tree, m.range[i].start, &c);
			tree_erase(&m.tree, &c);
			model_erase(&m, i);
			sound(&m);
		}
		empty(&m);
	}
}

/* Each gap is wider than those before, upwards or downwards: all nodes above learn of it. */
TEST(growing_gaps)
{
	static uint64_t place[3001];
	static struct model m;
	const uint64_t top = 1 << 24;

	for (unsigned down = 0; down < 2; down++) {
		struct tree_cursor c;
		uint64_t start = 0;

		memset(&m, 0, sizeof(m));
		place[0] = down ? top : 0;
		for (uint64_t n = 1; n <= 3000; n++) {
			place[n] = down ? place[n - 1] - n - 1 : place[n - 1] + n + 1;
			tree_seek(&m.tree, place[n], &c);
			feed(&m, &c);
			tree_insert(&m.tree, &c, place[n], place[n] + 1, &m);
			if (n % 64 == 0)
				CHECK(!tree_check(&m.tree));
		}
		/* The gap of that width is the first that is so wide. */
		for (uint64_t n = 3; n <= 3000; n += 7) {
			struct tree_fit fit = { n, 1, 0, top };

			CHECK((down ? tree_gap_top : tree_gap)(&m.tree, &fit, &c, &start));
			CHECK_EQ(start, place[down ? n : n - 1] + 1);
		}
		while (tree_seek(&m.tree, 0, &c))
			tree_erase(&m.tree, &c);
		starve(&m);
		CHECK_EQ(m.nodes, 0);
	}
}

/* 100,000 ranges: no search looks at more than the levels there are. */
TEST(many_ranges)
{
	static struct model m;
	struct tree_cursor c;
	uint64_t start = 0;

	memset(&m, 0, sizeof(m));
	for (uint64_t n = 0; n < 100000; n++) {
		struct tree_range r = { 100 * n, 100 * n + 90, &m };

		tree_seek(&m.tree, r.start, &c);
		feed(&m, &c);
		tree_insert(&m.tree, &c, r.start, r.end, r.value);
	}
	CHECK(!tree_check(&m.tree));
	CHECK(m.tree.height <= 5);
	struct tree_fit fit = { 11, 1, 0, UINT64_MAX };

	CHECK(tree_gap(&m.tree, &fit, &c, &start));
	CHECK_EQ(start, 99999 * 100 + 90);
	tree_seek(&m.tree, 77777 * 100, &c);
	tree_erase(&m.tree, &c);
	CHECK(tree_gap(&m.tree, &fit, &c, &start));
	CHECK_EQ(start, 77776 * 100 + 90);
	fit.high = start + 10;
	CHECK(!tree_gap(&m.tree, &fit, &c, &start));
	while (tree_seek(&m.tree, 0, &c))
		tree_erase(&m.tree, &c);
	starve(&m);
	CHECK_EQ(m.nodes, 0);
}

/* Addresses up to the top, gaps that alignment makes too narrow, requests that overflow. */
TEST(edges)
{
	static struct model m;
	struct tree_cursor c;
	uint64_t start = 0;
	struct tree_fit fit = { 16, 16, UINT64_MAX - 20, UINT64_MAX };

	memset(&m, 0, sizeof(m));
	CHECK(!tree_gap(&m.tree, &fit, &c, &start));
	fit.low = UINT64_MAX - 2;
	fit.align = 1ull << 63;
	CHECK(!tree_gap(&m.tree, &fit, &c, &start));
	CHECK(!tree_find(&m.tree, 0));
	CHECK(!tree_next(&m.tree, &c));
	struct tree_range r = { UINT64_MAX - 2, UINT64_MAX - 1, &m };

	tree_seek(&m.tree, r.start, &c);
	feed(&m, &c);
	tree_insert(&m.tree, &c, r.start, r.end, r.value);
	m.nr = 1;
	CHECK(tree_find(&m.tree, UINT64_MAX - 2) == &m);
	CHECK(!tree_find(&m.tree, UINT64_MAX - 1));
	CHECK(!tree_find(&m.tree, UINT64_MAX));
	sound(&m);
	tree_seek(&m.tree, r.start, &c);
	tree_erase(&m.tree, &c);
	m.nr = 0;
	empty(&m);
}

#define BROKEN(rule, change, repair)                                     \
	do {                                                             \
		change;                                                  \
		CHECK(tree_check(t) && !strcmp(tree_check(t), rule));    \
		repair;                                                  \
		CHECK(!tree_check(t));                                   \
	} while (0)

TEST(rules_are_checked)
{
	static struct model m;
	struct tree_root *t = &m.tree;

	memset(&m, 0, sizeof(m));
	for (uint64_t n = 0; n < 40; n++) {
		struct tree_range r = { 100 * n, 100 * n + 90, &m };
		struct tree_cursor c;

		tree_seek(t, r.start, &c);
		feed(&m, &c);
		tree_insert(t, &c, r.start, r.end, r.value);
	}
	struct tree_node *root = t->root, *leaf = root->slot[root->first].child;
	struct tree_node *middle = root->slot[root->first + 1].child;

	uint32_t i = root->first;

	CHECK_EQ(root->last - i, 3);
	CHECK_EQ(middle->last - middle->first, 14);
	BROKEN("TREE-1", leaf->end[9] += 20, leaf->end[9] -= 20);
	BROKEN("TREE-1", leaf->start[9] += 90, leaf->start[9] -= 90);
	BROKEN("TREE-2", root->gap[i] = 9, root->gap[i] = 10);
	BROKEN("TREE-2", root->end[i + 1]++, root->end[i + 1]--);
	BROKEN("TREE-3", root->last = 1 + i, root->last = 3 + i);
	BROKEN("TREE-3", middle->last -= 12, middle->last += 12);
	BROKEN("TREE-4", root->end[14] = 7, root->end[14] = UINT64_MAX);
	BROKEN("TREE-4", root->end[0] = 1, root->end[0] = 0);
	BROKEN("TREE-4", t->nr++, t->nr--);
	BROKEN("TREE-4", t->nr_spare++, t->nr_spare--);
	m.nr = 40;
	for (size_t n = 0; n < 40; n++)
		m.range[n] = (struct tree_range){ 100 * n, 100 * n + 90, &m };
	seed = 3;
	empty(&m);
}

TEST_MAIN(CASE(random_ranges), CASE(ordered_ranges), CASE(growing_gaps), CASE(many_ranges),
	  CASE(edges), CASE(rules_are_checked))
