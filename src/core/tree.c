/* SPDX-License-Identifier: MIT */
/*
 * tree.c - disjoint ranges in order, with their gaps
 *
 * A change in a leaf is carried up only as far as a hull changes with it, or a gap is wider than
 * was known. So most changes touch one leaf.
 */
#include "core/tree.h"

#include <stddef.h>

#include "core/assert.h"

/* An entry on its way into or out of a node. */
struct entry {
	uint64_t start, end, gap;
	void *to; /* child or value */
};

static inline uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The first entry that ends above @address; there is one. Four steps, no branch. */
static inline uint32_t node_seek(const struct tree_node *n, uint64_t address)
{
	uint32_t i = n->end[7] <= address ? 8 : 0;

	i += n->end[i + 3] <= address ? 4 : 0;
	i += n->end[i + 1] <= address ? 2 : 0;
	return i + (n->end[i] <= address);
}

/* The gap behind entry @i, to the next one of the node; 0 behind the last. */
static inline uint64_t gap_behind(const struct tree_node *n, uint32_t i)
{
	return i + 1 < n->nr ? n->start[i + 1] - n->end[i] : 0;
}

static inline uint64_t gap_before(const struct tree_node *n, uint32_t i)
{
	return i ? n->start[i] - n->end[i - 1] : 0;
}

static uint64_t widest(const struct tree_node *n, uint32_t level)
{
	uint64_t most = level ? n->gap[0] : 0;

	for (uint32_t i = 1; i < n->nr; i++) {
		most = larger(most, n->start[i] - n->end[i - 1]);
		if (level)
			most = larger(most, n->gap[i]);
	}
	return most;
}

static void entry_set(struct tree_node *n, uint32_t i, const struct entry *e)
{
	n->start[i] = e->start;
	n->end[i] = e->end;
	n->gap[i] = e->gap;
	n->slot[i].value = e->to;
}

static inline void entry_copy(struct tree_node *to, uint32_t i, const struct tree_node *from,
			      uint32_t j)
{
	to->start[i] = from->start[j];
	to->end[i] = from->end[j];
	to->gap[i] = from->gap[j];
	to->slot[i] = from->slot[j];
}

/* Make room for entry @at, and fill it. Of a leaf's entry nobody reads the gap. */
static WITHIN void open_at(struct tree_node *n, uint32_t at, bool leaf)
{
	for (uint32_t i = n->nr++; i > at; i--) {
		n->start[i] = n->start[i - 1];
		n->end[i] = n->end[i - 1];
		n->slot[i] = n->slot[i - 1];
		if (!leaf)
			n->gap[i] = n->gap[i - 1];
	}
}

static WITHIN void close_at(struct tree_node *n, uint32_t at, bool leaf)
{
	uint32_t last = --n->nr;

	for (uint32_t i = at; i < last; i++) {
		n->start[i] = n->start[i + 1];
		n->end[i] = n->end[i + 1];
		n->slot[i] = n->slot[i + 1];
		if (!leaf)
			n->gap[i] = n->gap[i + 1];
	}
	n->end[last] = UINT64_MAX;
}

static void node_put(struct tree_node *n, uint32_t level, uint32_t at, const struct entry *e)
{
	if (level)
		open_at(n, at, false);
	else
		open_at(n, at, true);
	entry_set(n, at, e);
}

static void node_cut(struct tree_node *n, uint32_t level, uint32_t at)
{
	if (level)
		close_at(n, at, false);
	else
		close_at(n, at, true);
}

/* Move @nr entries: the last of @from to the front of @to, or the first to the end. */
static void node_move(struct tree_node *to, struct tree_node *from, uint32_t nr, bool last)
{
	uint32_t left = from->nr - nr;

	if (last) {
		for (uint32_t i = to->nr; i-- > 0;)
			entry_copy(to, i + nr, to, i);
		for (uint32_t i = 0; i < nr; i++)
			entry_copy(to, i, from, left + i);
	} else {
		for (uint32_t i = 0; i < nr; i++)
			entry_copy(to, to->nr + i, from, i);
		for (uint32_t i = 0; i < left; i++)
			entry_copy(from, i, from, nr + i);
	}
	to->nr += nr;
	for (uint32_t i = left; i < from->nr; i++)
		from->end[i] = UINT64_MAX;
	from->nr = left;
}

static struct entry hull(struct tree_node *n, uint32_t level)
{
	return (struct entry){ n->start[0], n->end[n->nr - 1], widest(n, level), n };
}

static struct tree_node *node_new(struct tree_root *tree)
{
	struct tree_node *n = tree->spare;

	ASSERT("TREE-4", n != NULL);
	tree->spare = n->next;
	tree->nr_spare--;
	tree->nr_nodes++;
	n->nr = 0;
	for (uint32_t i = 0; i < TREE_FAN; i++)
		n->end[i] = UINT64_MAX;
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

/* ---- Looking ---- */

void *tree_find(const struct tree_root *tree, uint64_t address)
{
	const struct tree_node *n = tree->root;
	uint32_t i;

	if (!n || n->end[n->nr - 1] <= address)
		return NULL;
	for (uint32_t level = tree->height - 1; level; level--)
		n = n->slot[node_seek(n, address)].child;
	i = node_seek(n, address);
	return n->start[i] <= address ? n->slot[i].value : NULL;
}

/* From entry at[@level] to the last of the leaves below it, and behind its last range. */
static void go_last(struct tree_cursor *c, uint32_t level)
{
	for (; level; level--) {
		c->node[level - 1] = c->node[level]->slot[c->at[level]].child;
		c->at[level - 1] = c->node[level - 1]->nr - 1;
	}
	c->at[0] = c->node[0]->nr;
}

bool tree_seek(const struct tree_root *tree, uint64_t address, struct tree_cursor *c)
{
	struct tree_node *n = tree->root;
	uint32_t level = tree->height - 1;

	if (!n)
		return false;
	if (n->end[n->nr - 1] <= address) {
		c->node[level] = n;
		c->at[level] = n->nr - 1;
		go_last(c, level);
		return false;
	}
	for (;; level--) {
		uint32_t i = node_seek(n, address);

		c->node[level] = n;
		c->at[level] = i;
		if (!level)
			return true;
		n = n->slot[i].child;
	}
}

bool tree_at(const struct tree_root *tree, const struct tree_cursor *c, struct tree_range *out)
{
	if (!tree->root || c->at[0] >= c->node[0]->nr)
		return false;
	const struct tree_node *n = c->node[0];
	uint32_t i = c->at[0];

	*out = (struct tree_range){ n->start[i], n->end[i], n->slot[i].value };
	return true;
}

/* The value at the end of the neighbour of the cursor's leaf. */
static void *beyond(const struct tree_root *tree, const struct tree_cursor *c, bool before)
{
	const struct tree_node *n = NULL;
	uint32_t level = 0;

	do {
		if (++level == tree->height)
			return NULL;
	} while (before ? !c->at[level] : c->at[level] + 1 == c->node[level]->nr);
	n = c->node[level]->slot[before ? c->at[level] - 1 : c->at[level] + 1].child;
	while (--level)
		n = n->slot[before ? n->nr - 1 : 0].child;
	return n->slot[before ? n->nr - 1 : 0].value;
}

void tree_around(const struct tree_root *tree, const struct tree_cursor *c, void **prev,
		 void **next)
{
	*prev = *next = NULL;
	if (!tree->root)
		return;
	const struct tree_node *n = c->node[0];
	uint32_t at = c->at[0];

	*prev = at ? n->slot[at - 1].value : beyond(tree, c, true);
	*next = at < n->nr ? n->slot[at].value : beyond(tree, c, false);
}

bool tree_next(const struct tree_root *tree, struct tree_cursor *c)
{
	uint32_t level = 0;

	if (!tree->root)
		return false;
	while (level < tree->height && c->at[level] + 1 >= c->node[level]->nr)
		level++;
	if (level == tree->height)
		return false;
	c->at[level]++;
	for (; level; level--) {
		c->node[level - 1] = c->node[level]->slot[c->at[level]].child;
		c->at[level - 1] = 0;
	}
	return true;
}

/*
 * A search leaves the cursor's node at @level: what is said of it above is not to send others
 * there.
 */
static inline void correct(struct tree_root *tree, struct tree_cursor *c, uint32_t level,
			   uint64_t need)
{
	if (level + 1 == tree->height)
		return;
	uint64_t *gap = &c->node[level + 1]->gap[c->at[level + 1]];

	if (*gap >= need)
		*gap = widest(c->node[level], level);
}

/*
 * From the range at the cursor to the first gap behind it of @need bytes or more; the cursor
 * is then in the gap, [*low, *high). What entry @i has inside is done already: at the leaf
 * that is nothing, above it where we come from.
 */
static bool next_gap(struct tree_root *tree, struct tree_cursor *c, uint64_t need,
		     uint64_t *low, uint64_t *high)
{
	uint32_t level = 0, i = c->at[0];

	while (level < tree->height) {
		struct tree_node *n = c->node[level];
		bool down = false;

		for (; i + 1 < n->nr && !down; i++) {
			if (n->start[i + 1] - n->end[i] >= need) {
				*low = n->end[i];
				*high = n->start[i + 1];
				c->at[level] = level ? i : i + 1;
				if (level)
					go_last(c, level);
				return true;
			}
			down = level && n->gap[i + 1] >= need;
		}
		if (!down) {
			correct(tree, c, level++, need);
			i = level < tree->height ? c->at[level] : 0;
			continue;
		}
		do {
			c->at[level] = i;
			n = n->slot[i].child;
			c->node[--level] = n;
			i = 0;
		} while (level && n->gap[0] >= need);
	}
	return false;
}

/* Does the request fit into [@low, @high)? */
static bool room(const struct tree_fit *fit, uint64_t low, uint64_t high, uint64_t *start)
{
	low = larger(low, fit->low);
	high = high < fit->high ? high : fit->high;
	if (low > UINT64_MAX - (fit->align - 1))
		return false;
	*start = (low + fit->align - 1) & ~(fit->align - 1);
	return *start < high && high - *start >= fit->bytes;
}

bool tree_gap(struct tree_root *tree, const struct tree_fit *fit, struct tree_cursor *c,
	      uint64_t *start)
{
	uint64_t low, high;

	if (!tree_seek(tree, fit->low, c))
		return room(fit, fit->low, fit->high, start);
	if (room(fit, fit->low, c->node[0]->start[c->at[0]], start))
		return true;
	while (next_gap(tree, c, fit->bytes, &low, &high) && low < fit->high) {
		if (room(fit, low, high, start))
			return true;
		/* Too narrow once aligned: on, from the range behind it. */
		tree_seek(tree, low, c);
	}
	const struct tree_node *root = tree->root;

	low = root->end[root->nr - 1];
	tree_seek(tree, low, c);
	return room(fit, low, fit->high, start);
}

bool tree_prev(const struct tree_root *tree, struct tree_cursor *c)
{
	uint32_t level = 0;

	if (!tree->root)
		return false;
	while (level < tree->height && !c->at[level])
		level++;
	if (level == tree->height)
		return false;
	c->at[level]--;
	for (; level; level--) {
		c->node[level - 1] = c->node[level]->slot[c->at[level]].child;
		c->at[level - 1] = c->node[level - 1]->nr - 1;
	}
	return true;
}

/* From entry at[@level] to the first range below it. */
static void go_first(struct tree_cursor *c, uint32_t level)
{
	for (; level; level--) {
		c->node[level - 1] = c->node[level]->slot[c->at[level]].child;
		c->at[level - 1] = 0;
	}
}

/*
 * The mirror image of next_gap: from the range at the cursor down to the first gap before it
 * of @need bytes or more, [*low, *high); the cursor is then at the range above the gap.
 */
static bool prev_gap(struct tree_root *tree, struct tree_cursor *c, uint64_t need,
		     uint64_t *low, uint64_t *high)
{
	uint32_t level = 0, i = c->at[0];

	while (level < tree->height) {
		struct tree_node *n = c->node[level];
		bool down = false, found = false;

		if (!level) {
			while (i && n->start[i] - n->end[i - 1] < need)
				i--;
			found = i != 0;
		}
		for (; i && !found && !down; i -= !found) {
			found = n->start[i] - n->end[i - 1] >= need;
			down = !found && n->gap[i - 1] >= need;
		}
		if (found) {
			*low = n->end[i - 1];
			*high = n->start[i];
			c->at[level] = i;
			go_first(c, level);
			return true;
		}
		if (!down) {
			correct(tree, c, level++, need);
			i = level < tree->height ? c->at[level] : 0;
			continue;
		}
		do {
			c->at[level] = i;
			n = n->slot[i].child;
			c->node[--level] = n;
			i = n->nr - 1;
		} while (level && n->gap[i] >= need);
	}
	return false;
}

/* The highest place in [@low, @high), if there is one. */
static bool room_top(const struct tree_fit *fit, uint64_t low, uint64_t high, uint64_t *start)
{
	low = larger(low, fit->low);
	high = high < fit->high ? high : fit->high;
	if (high < fit->bytes)
		return false;
	*start = (high - fit->bytes) & ~(fit->align - 1);
	return *start >= low;
}

bool tree_gap_top(struct tree_root *tree, const struct tree_fit *fit, struct tree_cursor *c,
		  uint64_t *start)
{
	const struct tree_node *root = tree->root;
	uint64_t low, high;

	if (!root)
		return room_top(fit, 0, UINT64_MAX, start);
	if (!tree_seek(tree, fit->high - 1, c)) {
		if (room_top(fit, root->end[root->nr - 1], UINT64_MAX, start))
			return true;
		c->at[0]--;
	}
	while (prev_gap(tree, c, fit->bytes, &low, &high) && high > fit->low) {
		if (room_top(fit, low, high, start))
			return true;
		/* Too narrow once aligned or cut by the limits. */
		tree_prev(tree, c);
	}
	c->node[tree->height - 1] = tree->root;
	c->at[tree->height - 1] = 0;
	go_first(c, tree->height - 1);
	return room_top(fit, 0, root->start[0], start);
}

/* ---- Changing ---- */

/*
 * The leaf at the cursor has changed at one end, or a gap of @now is in it: carry that up, as far
 * as anything changes.
 */
static void carry(struct tree_root *tree, struct tree_cursor *c, uint64_t now)
{
	for (uint32_t level = 0; level + 1 < tree->height; level++) {
		const struct tree_node *n = c->node[level];
		struct tree_node *up = c->node[level + 1];
		uint32_t i = c->at[level + 1];
		uint64_t start = n->start[0], end = n->end[n->nr - 1];

		if (now > up->gap[i])
			up->gap[i] = now;
		else if (up->start[i] == start && up->end[i] == end)
			return;
		if (up->start[i] != start || up->end[i] != end) {
			up->start[i] = start;
			up->end[i] = end;
			now = larger(now, larger(gap_before(up, i), gap_behind(up, i)));
		}
	}
}

/* Carry all that there is to know of the nodes from @level up. */
static void refresh(struct tree_root *tree, struct tree_cursor *c, uint32_t level)
{
	for (; level + 1 < tree->height; level++) {
		struct entry e = hull(c->node[level], level);

		entry_set(c->node[level + 1], c->at[level + 1], &e);
	}
}

static bool is_last(const struct tree_root *tree, const struct tree_cursor *c, uint32_t level)
{
	while (++level < tree->height) {
		if (c->at[level] + 1 < c->node[level]->nr)
			return false;
	}
	return true;
}

uint32_t tree_need(const struct tree_root *tree, const struct tree_cursor *c)
{
	uint32_t level = 0;

	while (level < tree->height && c->node[level]->nr == TREE_FAN)
		level++;
	/* All full: they are split, and the root gets one above it. */
	if (level == tree->height)
		level++;
	return level > tree->nr_spare ? level - tree->nr_spare : 0;
}

/*
 * Split the full node at @level and put @e in its place in one of the halves. What is
 * appended to the last node of a level leaves it full, so ascending ranges fill their nodes.
 * Return: the new, right half
 */
static struct tree_node *split(struct tree_root *tree, struct tree_cursor *c, uint32_t level,
			       const struct entry *e)
{
	struct tree_node *n = c->node[level], *right = node_new(tree);
	uint32_t at = c->at[level];

	if (at == TREE_FAN && is_last(tree, c, level)) {
		node_put(right, level, 0, e);
		return right;
	}
	node_move(right, n, TREE_FAN / 2, true);
	if (at <= n->nr)
		node_put(n, level, at, e);
	else
		node_put(right, level, at - n->nr, e);
	return right;
}

static void grow(struct tree_root *tree, struct tree_cursor *c, struct tree_node *below)
{
	struct tree_node *root = node_new(tree);

	if (below) {
		struct entry e = hull(below, tree->height - 1);

		node_put(root, tree->height, 0, &e);
	}
	ASSERT("TREE-3", tree->height < TREE_LEVELS);
	tree->root = root;
	c->node[tree->height] = root;
	c->at[tree->height] = 0;
	tree->height++;
}

void tree_insert(struct tree_root *tree, struct tree_cursor *c, const struct tree_range *range)
{
	struct entry e = { range->start, range->end, 0, range->value };
	uint32_t level = 0;

	if (!tree->root)
		grow(tree, c, NULL);
	struct tree_node *n = c->node[0];
	uint32_t at = c->at[0];

	ASSERT("TREE-1", range->start < range->end && range->end < UINT64_MAX &&
				 (!at || n->end[at - 1] <= range->start) &&
				 (at == n->nr || range->end <= n->start[at]));
	tree->nr++;
	if (n->nr < TREE_FAN) {
		node_put(n, 0, at, &e);
		/* Inside of the leaf gaps have only become narrower. */
		if (!at || at + 1 == n->nr)
			carry(tree, c, larger(gap_before(n, at), gap_behind(n, at)));
		return;
	}
	for (; c->node[level]->nr == TREE_FAN; level++) {
		struct tree_node *left = c->node[level], *right = split(tree, c, level, &e);

		if (level + 1 == tree->height)
			grow(tree, c, left);
		struct entry l = hull(left, level);

		entry_set(c->node[level + 1], c->at[level + 1], &l);
		e = hull(right, level);
		c->at[level + 1]++;
	}
	node_put(c->node[level], level, c->at[level], &e);
	refresh(tree, c, level);
}

/* Even out two neighbours of one parent, or make them one. Return: whether they are one */
static bool join(struct tree_root *tree, struct tree_node *up, uint32_t left, uint32_t level)
{
	struct tree_node *a = up->slot[left].child, *b = up->slot[left + 1].child;
	bool one = a->nr + b->nr <= TREE_FAN;
	struct entry e;

	if (one)
		node_move(a, b, b->nr, false);
	else if (a->nr < b->nr)
		node_move(a, b, (b->nr - a->nr) / 2, false);
	else
		node_move(b, a, (a->nr - b->nr) / 2, true);
	e = hull(a, level);
	entry_set(up, left, &e);
	if (one) {
		node_cut(up, level + 1, left + 1);
		node_drop(tree, b);
	} else {
		e = hull(b, level);
		entry_set(up, left + 1, &e);
	}
	return one;
}

/* A root with a single child is not needed, nor is one with nothing. */
static void shrink(struct tree_root *tree)
{
	while (tree->height && tree->root->nr <= (tree->height > 1)) {
		struct tree_node *root = tree->root;

		tree->root = root->nr ? root->slot[0].child : NULL;
		tree->height = root->nr ? tree->height - 1 : 0;
		node_drop(tree, root);
	}
}

/* The leaf has few entries or none: join it with a neighbour, and so on upwards. */
static void thin(struct tree_root *tree, struct tree_cursor *c)
{
	uint32_t level = 0;

	for (; level + 1 < tree->height && c->node[level]->nr < TREE_MIN; level++) {
		struct tree_node *n = c->node[level], *up = c->node[level + 1];
		uint32_t i = c->at[level + 1];

		if (!n->nr) {
			node_cut(up, level + 1, i);
			node_drop(tree, n);
		} else if (up->nr == 1 || !join(tree, up, i ? i - 1 : i, level)) {
			break; /* the last of its level, without a neighbour; or evened out */
		}
	}
	refresh(tree, c, level);
	shrink(tree);
}

void tree_erase(struct tree_root *tree, struct tree_cursor *c)
{
	struct tree_node *n = c->node[0];
	uint32_t at = c->at[0];

	ASSERT("TREE-4", at < n->nr && tree->nr);
	tree->nr--;
	node_cut(n, 0, at);
	if (n->nr >= TREE_MIN || (tree->height == 1 && n->nr))
		carry(tree, c, at < n->nr ? gap_before(n, at) : 0);
	else
		thin(tree, c);
}

void tree_resize(struct tree_root *tree, struct tree_cursor *c, const struct tree_range *range)
{
	struct tree_node *n = c->node[0];
	uint32_t at = c->at[0];

	ASSERT("TREE-1", at < n->nr && range->start < range->end && range->end < UINT64_MAX &&
				 (!at || n->end[at - 1] <= range->start) &&
				 (at + 1 == n->nr || range->end <= n->start[at + 1]));
	n->start[at] = range->start;
	n->end[at] = range->end;
	n->slot[at].value = range->value;
	carry(tree, c, larger(gap_before(n, at), gap_behind(n, at)));
}

/* ---- Checking ---- */

struct check {
	const struct tree_root *tree;
	uint64_t nr;    /* ranges seen */
	uint64_t nodes;
	uint64_t end;   /* of the last one */
};

static const char *node_check(struct check *k, const struct tree_node *n, uint32_t level, bool last)
{
	uint32_t few = level + 1 == k->tree->height ? 1 + !!level : last ? 1 : TREE_MIN;

	k->nodes++;
	if (n->nr > TREE_FAN || n->nr < few)
		return "TREE-3";
	for (uint32_t i = n->nr; i < TREE_FAN; i++) {
		if (n->end[i] != UINT64_MAX)
			return "TREE-4";
	}
	for (uint32_t i = 0; i < n->nr; i++) {
		const struct tree_node *child = n->slot[i].child;
		const char *broken = NULL;

		if (!level) {
			if (n->start[i] >= n->end[i] || n->start[i] < k->end)
				return "TREE-1";
			k->end = n->end[i];
			k->nr++;
			continue;
		}
		broken = node_check(k, child, level - 1, last && i + 1 == n->nr);
		if (broken)
			return broken;
		if (n->start[i] != child->start[0] || n->end[i] != child->end[child->nr - 1] ||
		    n->gap[i] < widest(child, level - 1))
			return "TREE-2";
	}
	return NULL;
}

const char *tree_check(const struct tree_root *tree)
{
	struct check k = { .tree = tree };
	const char *broken;
	uint32_t spare = 0;

	if (tree->root) {
		broken = node_check(&k, tree->root, tree->height - 1, true);
		if (broken)
			return broken;
	}
	for (const struct tree_node *n = tree->spare; n; n = n->next)
		spare++;
	if (k.nr != tree->nr || k.nodes != tree->nr_nodes || spare != tree->nr_spare)
		return "TREE-4";
	return NULL;
}
