/* SPDX-License-Identifier: MIT */
/*
 * tree.c - disjoint ranges in order, with their gaps
 *
 * A range has a gap before it, down to the end of the one before, whichever leaf that is in; the
 * first one down to the tree's base. A change in a leaf is carried up only as far as its end
 * changes, or a gap is wider than was known. So most changes touch one leaf: they are the short
 * ways of tree_insert and tree_erase, which call nobody (a call with its saved registers is a
 * quarter of what they cost).
 */
#include "core/tree.h"

#include "core/node.h"

/* Where the only entry of a new leaf is, from where it can grow to either side. */
#define MIDDLE (TREE_FAN / 2)

/* An entry on its way into or out of a node. */
struct entry {
	uint64_t end, gap; /* of a range: its start instead */
	void *to;          /* child or value */
};

static inline uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The entry for a node. @low: where the range before it ends */
static struct entry sum(struct tree_node *n, uint32_t level, uint64_t low)
{
	return (struct entry){ node_end(n), node_widest(n, level, low), n };
}

static inline void entry_set(struct tree_node *n, uint32_t i, const struct entry *e)
{
	n->end[i] = e->end;
	n->gap[i] = e->gap;
	n->slot[i].value = e->to;
}

static inline void entry_copy(struct tree_node *to, size_t i, const struct tree_node *from,
			      size_t j)
{
	to->end[i] = from->end[j];
	to->gap[i] = from->gap[j];
	to->slot[i] = from->slot[j];
}

/* Say which entries are in use. */
static void node_limits(struct tree_node *n, uint32_t first, uint32_t last)
{
	n->first = first;
	n->last = last;
	for (uint32_t i = 0; i < first; i++)
		n->end[i] = 0;
	for (uint32_t i = last; i < TREE_FAN; i++)
		n->end[i] = UINT64_MAX;
}

/* Move all entries, so that they begin with @first. */
static APART void slide(struct tree_node *n, uint32_t first)
{
	uint32_t nr = node_nr(n), old = n->first;

	for (uint32_t i = 0; first < old && i < nr; i++)
		entry_copy(n, first + i, n, old + i);
	for (uint32_t i = nr; first > old && i-- > 0;)
		entry_copy(n, first + i, n, old + i);
	node_limits(n, first, first + nr);
}

/* Make room for an entry inside of a node: those of the shorter side move. Return: where it is */
static WITHIN uint32_t node_shift(struct tree_node *n, size_t at)
{
	size_t i;

	if (n->first && (n->last == TREE_FAN || at - n->first < n->last - at)) {
		for (i = --n->first; i + 1 < at; i++)
			entry_copy(n, i, n, i + 1);
	} else {
		for (i = n->last++; i > at; i--)
			entry_copy(n, i, n, i - 1);
	}
	return (uint32_t)i;
}

/*
 * Put an entry before @at, into a node that is not full. At an end where there is no room all
 * move to the other, so that the next ones have it.
 */
static void node_put(struct tree_node *n, uint32_t at, const struct entry *e)
{
	if (!at && n->last) {
		at = TREE_FAN - n->last;
		slide(n, at);
	} else if (at == TREE_FAN) {
		at = node_nr(n);
		slide(n, 0);
	}
	if (at == n->first && at)
		n->first = --at;
	else if (at == n->last)
		n->last++;
	else
		at = node_shift(n, at);
	entry_set(n, at, e);
}

static WITHIN void node_cut(struct tree_node *n, size_t at)
{
	size_t first = n->first, last = n->last - 1, i = at;

	if (at - first < last - at) {
		for (; i > first; i--)
			entry_copy(n, i, n, i - 1);
		n->end[first] = 0;
		n->first++;
	} else {
		for (; i < last; i++)
			entry_copy(n, i, n, i + 1);
		n->end[last] = UINT64_MAX;
		n->last--;
	}
}

/* Two neighbours: the first @nr entries of @b go behind those of @a. */
static void move_down(struct tree_node *a, struct tree_node *b, uint32_t nr)
{
	if (a->last + nr > TREE_FAN)
		slide(a, 0);
	for (uint32_t i = 0; i < nr; i++)
		entry_copy(a, a->last + i, b, b->first + i);
	node_limits(a, a->first, a->last + nr);
	node_limits(b, b->first + nr, b->last);
}

/* The last @nr of @a go in front of those of @b. */
static void move_up(struct tree_node *a, struct tree_node *b, uint32_t nr)
{
	if (b->first < nr)
		slide(b, TREE_FAN - node_nr(b));
	for (uint32_t i = 1; i <= nr; i++)
		entry_copy(b, b->first - i, a, a->last - i);
	node_limits(b, b->first - nr, b->last);
	node_limits(a, a->first, a->last - nr);
}

/* An empty node, the first entry of which will be @at. */
static struct tree_node *node_new(struct tree_root *tree, uint32_t at)
{
	struct tree_node *n = tree->spare;

	ASSERT("TREE-4", n != NULL);
	tree->spare = n->next;
	tree->nr_spare--;
	tree->nr_nodes++;
	node_limits(n, at, at);
	return n;
}

void tree_give(struct tree_root *tree, void *memory)
{
	struct tree_node *n = memory;

	n->next = tree->spare;
	tree->spare = n;
	tree->nr_spare++;
}

static void node_drop(struct tree_root *tree, struct tree_node *n)
{
	tree->nr_nodes--;
	tree_give(tree, n);
}

void *tree_spare(struct tree_root *tree, uint32_t keep)
{
	struct tree_node *n = tree->spare;

	if (tree->nr_spare <= keep)
		return NULL;
	tree->spare = n->next;
	tree->nr_spare--;
	return n;
}

/* ---- Changing ---- */

/* The cursor's node at @level ends elsewhere: carry that up. */
static void carry_end(const struct tree_root *tree, struct tree_cursor *c, uint32_t level)
{
	uint64_t end = node_end(c->node[level]);

	while (++level < tree->height) {
		c->node[level]->end[c->at[level]] = end;
		if (c->at[level] + 1 < c->node[level]->last)
			return;
	}
}

/* There is a gap of that width below the cursor's entry of @level: carry it up. */
static inline void carry_gap(const struct tree_root *tree, struct tree_cursor *c, uint32_t level,
			     uint64_t gap)
{
	for (; level < tree->height; level++) {
		uint64_t *known = &c->node[level]->gap[c->at[level]];

		if (*known >= gap)
			return;
		*known = gap;
	}
}

/* The first range of the next leaf has its gap from @low on now. */
static APART void carry_next(const struct tree_root *tree, struct tree_cursor *c, uint64_t low)
{
	struct tree_node *n, *leaf;
	uint32_t level = 1, i, down;
	uint64_t gap;

	while (level < tree->height && c->at[level] + 1 >= c->node[level]->last)
		level++;
	if (level == tree->height)
		return;
	i = c->at[level] + 1;
	leaf = c->node[level]->slot[i].child;
	for (down = level - 1; down; down--)
		leaf = leaf->slot[leaf->first].child;
	gap = leaf->start[leaf->first] - low;
	n = c->node[level];
	n->gap[i] = larger(n->gap[i], gap);
	for (n = n->slot[i].child, down = level - 1; down; down--) {
		n->gap[n->first] = larger(n->gap[n->first], gap);
		n = n->slot[n->first].child;
	}
	carry_gap(tree, c, level + 1, gap);
}

/* Is the cursor's node the first of its level? The last? */
static bool is_first(const struct tree_root *tree, const struct tree_cursor *c, uint32_t level)
{
	while (++level < tree->height) {
		if (c->at[level] > c->node[level]->first)
			return false;
	}
	return true;
}

static bool is_last(const struct tree_root *tree, const struct tree_cursor *c, uint32_t level)
{
	while (++level < tree->height) {
		if (c->at[level] + 1 < c->node[level]->last)
			return false;
	}
	return true;
}

static bool is_full(const struct tree_node *n)
{
	return node_nr(n) == TREE_FAN;
}

uint32_t tree_need(const struct tree_root *tree, const struct tree_cursor *c)
{
	uint32_t level = 0;

	while (level < tree->height && is_full(c->node[level]))
		level++;
	/* All full: they are split, and the root gets one above it. */
	if (level == tree->height)
		level++;
	return level > tree->nr_spare ? level - tree->nr_spare : 0;
}

/*
 * Split the full node at @level and put @e in its place in one of the halves. At an end of a
 * level a single entry is split off: ranges in order fill their nodes, and those that come and go
 * at the end do not split and join again and again.
 * Return: the new half, on the right; *@left: or on the left
 */
static struct tree_node *split(struct tree_root *tree, struct tree_cursor *c, uint32_t level,
			       const struct entry *e, bool *left)
{
	struct tree_node *n = c->node[level], *fresh;
	uint32_t at = c->at[level];

	*left = !at && is_first(tree, c, level);
	if (*left) {
		fresh = node_new(tree, TREE_FAN - 1);
		move_down(fresh, n, 1);
		node_put(fresh, TREE_FAN - 1, e);
		return fresh;
	}
	if (at == TREE_FAN && is_last(tree, c, level)) {
		fresh = node_new(tree, 1);
		move_up(n, fresh, 1);
		node_put(fresh, 1, e);
		return fresh;
	}
	fresh = node_new(tree, TREE_FAN - TREE_MIN);
	move_up(n, fresh, TREE_FAN / 2);
	if (at <= n->last)
		node_put(n, at, e);
	else
		node_put(fresh, at - n->last + fresh->first, e);
	return fresh;
}

/* A root above the one that there is, or the first of all. */
static void grow(struct tree_root *tree, struct tree_cursor *c)
{
	struct tree_node *root = node_new(tree, MIDDLE);

	if (tree->root) {
		struct entry e = sum(tree->root, tree->height - 1, tree->base);

		entry_set(root, MIDDLE, &e);
		root->last++;
	}
	ASSERT("TREE-3", tree->height < TREE_LEVELS);
	tree->root = root;
	c->node[tree->height] = root;
	c->at[tree->height] = MIDDLE;
	tree->height++;
}

/* The leaf at the cursor is full. */
static APART void insert_full(struct tree_root *tree, struct tree_cursor *c, struct entry e)
{
	uint32_t level = 0;

	for (; is_full(c->node[level]); level++) {
		struct tree_node *n = c->node[level];
		uint64_t low = node_below(tree, c, level + 1);
		bool left;
		struct tree_node *fresh = split(tree, c, level, &e, &left);

		if (level + 1 == tree->height)
			grow(tree, c);
		e = sum(n, level, left ? node_end(fresh) : low);
		entry_set(c->node[level + 1], c->at[level + 1], &e);
		e = sum(fresh, level, left ? low : node_end(n));
		c->at[level + 1] += !left;
	}
	node_put(c->node[level], c->at[level], &e);
	/* Above, gaps are known but for one behind what was the last range of the leaf. */
	if (node_end(c->node[level]) == e.end)
		carry_end(tree, c, level);
	carry_gap(tree, c, level + 1, e.gap);
}

/* What is not the common case: the first range, a full leaf, an end of it. */
static APART void insert_rare(struct tree_root *tree, struct tree_cursor *c, uint64_t start,
			      uint64_t end, void *value)
{
	const struct entry e = { end, start, value };

	if (!tree->root)
		grow(tree, c);
	struct tree_node *n = c->node[0];
	uint32_t at = c->at[0];
	bool last = at == n->last;

	ASSERT("TREE-1", c->low <= start && start < end && end < UINT64_MAX &&
				 (last || end <= n->start[at]));
	tree->nr++;
	if (is_full(n)) {
		insert_full(tree, c, e);
		return;
	}
	node_put(n, at, &e);
	if (last) {
		carry_end(tree, c, 0);
		carry_gap(tree, c, 1, start - c->low);
	}
}

void tree_insert(struct tree_root *tree, struct tree_cursor *c, uint64_t start, uint64_t end,
		 void *value)
{
	const struct entry e = { end, start, value };
	struct tree_node *n = c->node[0];
	uint32_t at = c->at[0];

	/* A node with room in front is not full. */
	if (unlikely(!at || (at != n->first && (at == n->last || is_full(n))))) {
		insert_rare(tree, c, start, end, value);
		return;
	}
	ASSERT("TREE-1", c->low <= start && start < end && end <= n->start[at]);
	tree->nr++;
	if (at == n->first)
		n->first = --at;
	else
		at = node_shift(n, at);
	entry_set(n, at, &e);
	/* Above nothing is new: the gap that the next range had has only become narrower. */
}

/*
 * Even out two neighbours of one parent, or make them one. Return: whether they are one: then the
 * parent's entry of the other one is gone
 */
static bool join(struct tree_root *tree, struct tree_cursor *c, uint32_t level)
{
	struct tree_node *up = c->node[level + 1], *a, *b;
	uint32_t left = c->at[level + 1] > up->first ? c->at[level + 1] - 1 : c->at[level + 1];
	uint64_t low = left > up->first ? up->end[left - 1] : node_below(tree, c, level + 2);
	uint32_t nr_a, nr_b;
	struct entry e;

	a = up->slot[left].child;
	b = up->slot[left + 1].child;
	nr_a = node_nr(a);
	nr_b = node_nr(b);
	if (nr_a + nr_b <= TREE_FAN)
		move_down(a, b, nr_b);
	else if (nr_a < nr_b)
		move_down(a, b, (nr_b - nr_a) / 2);
	else
		move_up(a, b, (nr_a - nr_b) / 2);
	e = sum(a, level, low);
	entry_set(up, left, &e);
	if (!node_nr(b)) {
		node_cut(up, left + 1);
		node_drop(tree, b);
		return true;
	}
	e = sum(b, level, e.end);
	entry_set(up, left + 1, &e);
	return false;
}

/* A root with a single child is not needed, nor is one with nothing. */
static void shrink(struct tree_root *tree)
{
	while (tree->height && node_nr(tree->root) <= (tree->height > 1)) {
		struct tree_node *root = tree->root;
		bool child = node_nr(root);

		tree->root = child ? root->slot[root->first].child : NULL;
		tree->height = child ? tree->height - 1 : 0;
		node_drop(tree, root);
	}
}

/*
 * The leaf has few entries or none: join it with a neighbour, and so on upwards. What is known of
 * gaps above stays true.
 */
static APART void thin(struct tree_root *tree, struct tree_cursor *c)
{
	for (uint32_t level = 0; level + 1 < tree->height; level++) {
		struct tree_node *n = c->node[level], *up = c->node[level + 1];
		uint32_t at = c->at[level + 1];
		bool last = at + 1 == up->last;

		if (!node_nr(n)) {
			node_cut(up, at);
			node_drop(tree, n);
			if (last && node_nr(up))
				carry_end(tree, c, level + 1);
		} else if (node_nr(n) >= TREE_MIN || is_first(tree, c, level) ||
			   is_last(tree, c, level) || !join(tree, c, level)) {
			/* At an end of its level it may come to more again, or go to less. */
			break;
		}
	}
	shrink(tree);
}

/* The last range of a leaf, or one of few. */
static APART void erase_rare(struct tree_root *tree, struct tree_cursor *c)
{
	struct tree_node *n = c->node[0];
	uint32_t at = c->at[0];
	bool last = at + 1 == n->last;

	if (last)
		carry_next(tree, c, c->low);
	else
		carry_gap(tree, c, 1, n->start[at + 1] - c->low);
	node_cut(n, at);
	if (last && node_nr(n))
		carry_end(tree, c, 0);
	if (node_nr(n) < TREE_MIN)
		thin(tree, c);
}

void tree_erase(struct tree_root *tree, struct tree_cursor *c)
{
	struct tree_node *n = c->node[0];
	uint32_t at = c->at[0];

	ASSERT("TREE-4", at >= n->first && at < n->last && tree->nr);
	tree->nr--;
	if (unlikely(at + 1 == n->last || (node_nr(n) <= TREE_MIN && tree->height > 1))) {
		erase_rare(tree, c);
		return;
	}
	carry_gap(tree, c, 1, n->start[at + 1] - c->low);
	node_cut(n, at);
}

void tree_resize(struct tree_root *tree, struct tree_cursor *c, const struct tree_range *range)
{
	struct tree_node *n = c->node[0];
	uint32_t at = c->at[0];
	bool last = at + 1 == n->last;

	ASSERT("TREE-1", at < n->last && c->low <= range->start && range->start < range->end &&
				 (last ? range->end < UINT64_MAX
				       : range->end <= n->start[at + 1]));
	n->start[at] = range->start;
	n->end[at] = range->end;
	n->slot[at].value = range->value;
	carry_gap(tree, c, 1, range->start - c->low);
	if (last) {
		carry_end(tree, c, 0);
		carry_next(tree, c, range->end);
	} else {
		carry_gap(tree, c, 1, n->start[at + 1] - range->end);
	}
}
