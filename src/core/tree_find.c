/* SPDX-License-Identifier: MIT */
/*
 * tree_find.c - the tree of ranges: looked at, and gaps in it found
 *
 * Searches for a gap go down once: where a node promises none, what is below it is not looked at.
 * They stop at the first that fits, from below or from above:
 *
 *     root                      [ 5 | 12 | 9 ]          for 8: not here, here, and so on
 *                                      │
 *     leaf          gap  3  [ ]  12  [ ]  0  [ ]
 */
#include "core/tree.h"

#include "core/node.h"

/* node_below of the range at the cursor: mostly it is in the leaf. */
static inline uint64_t below_leaf(const struct tree_root *tree, const struct tree_cursor *c)
{
	const struct tree_node *n = c->node[0];
	uint32_t i = c->at[0];

	return likely(i > n->first) ? n->end[i - 1] : node_below(tree, c, 1);
}

void *tree_find(const struct tree_root *tree, uint64_t address)
{
	const struct tree_node *n = tree->root;
	uint32_t i;

	if (unlikely(!n))
		return NULL;
	i = node_seek(n, address);
	if (i >= n->last)
		return NULL;
	for (uint32_t level = tree->height - 1; level; level--) {
		n = n->slot[i].child;
		i = node_seek(n, address);
	}
	return n->start[i] <= address ? n->slot[i].value : NULL;
}

/* From entry at[@level] to the last of the leaves below it, and behind its last range. */
static void go_last(struct tree_cursor *c, uint32_t level)
{
	for (; level; level--) {
		c->node[level - 1] = c->node[level]->slot[c->at[level]].child;
		c->at[level - 1] = c->node[level - 1]->last - 1;
	}
	c->at[0] = c->node[0]->last;
	c->low = node_end(c->node[0]);
}

/* From entry at[@level] to the first range below it. */
static void go_first(struct tree_cursor *c, uint32_t level)
{
	for (; level; level--) {
		c->node[level - 1] = c->node[level]->slot[c->at[level]].child;
		c->at[level - 1] = c->node[level - 1]->first;
	}
}

/* Behind all ranges, of which there are some. */
static void go_end(const struct tree_root *tree, struct tree_cursor *c)
{
	uint32_t level = tree->height - 1;

	c->node[level] = tree->root;
	c->at[level] = tree->root->last - 1;
	go_last(c, level);
}

#define BEYOND UINT32_MAX

/*
 * Down to the first range that ends above @address, or to a node that promises no gap of @need
 * bytes in the child where it is. Return: the level there; BEYOND if all ranges are below
 */
static WITHIN uint32_t descend(const struct tree_root *tree, uint64_t address, uint64_t need,
			       struct tree_cursor *c)
{
	struct tree_node *n = tree->root;
	uint32_t level = tree->height - 1, i = node_seek(n, address);

	if (unlikely(i >= n->last))
		return BEYOND;
	for (;;) {
		c->node[level] = n;
		c->at[level] = i;
		if (!level || (need && n->gap[i] < need))
			return level;
		n = n->slot[i].child;
		i = node_seek(n, address);
		level--;
	}
}

/* In the only gap of a tree without ranges. */
static bool go_nowhere(const struct tree_root *tree, struct tree_cursor *c)
{
	c->at[0] = 0;
	c->low = tree->base;
	return false;
}

bool tree_seek(const struct tree_root *tree, uint64_t address, struct tree_cursor *c)
{
	if (unlikely(!tree->root))
		return go_nowhere(tree, c);
	if (unlikely(descend(tree, address, 0, c) == BEYOND)) {
		go_end(tree, c);
		return false;
	}
	c->low = below_leaf(tree, c);
	return true;
}

bool tree_at(const struct tree_root *tree, const struct tree_cursor *c, struct tree_range *out)
{
	if (!tree->root || c->at[0] >= c->node[0]->last)
		return false;
	const struct tree_node *n = c->node[0];
	uint32_t i = c->at[0];

	*out = (struct tree_range){ n->start[i], n->end[i], n->slot[i].value };
	return true;
}

bool tree_next(const struct tree_root *tree, struct tree_cursor *c)
{
	uint32_t level = 0;

	if (!tree->root)
		return false;
	while (level < tree->height && c->at[level] + 1 >= c->node[level]->last)
		level++;
	if (level == tree->height)
		return false;
	c->low = c->node[0]->end[c->at[0]];
	c->at[level]++;
	go_first(c, level);
	return true;
}

bool tree_prev(const struct tree_root *tree, struct tree_cursor *c)
{
	uint32_t level = 0;

	if (!tree->root)
		return false;
	while (level < tree->height && c->at[level] == c->node[level]->first)
		level++;
	if (level == tree->height)
		return false;
	c->at[level]--;
	if (level) {
		go_last(c, level);
		c->at[0]--;
	}
	c->low = below_leaf(tree, c);
	return true;
}

void *tree_before(const struct tree_root *tree, const struct tree_cursor *c)
{
	const struct tree_node *n;
	uint32_t level = 0;

	while (level < tree->height && c->at[level] == c->node[level]->first)
		level++;
	if (level == tree->height)
		return NULL;
	n = c->node[level];
	if (!level)
		return n->slot[c->at[0] - 1].value;
	n = n->slot[c->at[level] - 1].child;
	while (--level)
		n = n->slot[n->last - 1].child;
	return n->slot[n->last - 1].value;
}

/* ---- Gaps ---- */

/*
 * A search has found nothing in all of the cursor's node at @level, though an entry had sent it
 * there: what that says is not to send others.
 */
static APART void correct(struct tree_root *tree, struct tree_cursor *c, uint32_t level)
{
	c->node[level + 1]->gap[c->at[level + 1]] =
		node_widest(c->node[level], level, node_below(tree, c, level + 1));
}

/*
 * Where a search is: on from entry @i of the cursor's node at @level. Of the nodes below @all it
 * has seen, or will have seen, all that is in them.
 */
struct where {
	uint32_t level, all;
	size_t i;
};

/* The first entry from @i on that promises so much; without one, last. */
static inline size_t wide_next(const struct tree_node *n, size_t i, uint64_t need)
{
	while (i < n->last && n->gap[i] < need)
		i++;
	return i;
}

/* Behind the last entry before @i that does; without one, first. */
static inline size_t wide_prev(const struct tree_node *n, size_t i, uint64_t need)
{
	while (i > n->first && n->gap[i - 1] < need)
		i--;
	return i;
}

/*
 * The first range from there on that has a gap of @need bytes or more before it. Return: whether
 * there is one: the cursor is at it
 */
static WITHIN bool next_gap(struct tree_root *tree, struct tree_cursor *c, uint64_t need,
			    struct where w)
{
	uint32_t level = w.level, all = w.all;
	size_t i = w.i;

	for (;;) {
		const struct tree_node *n = c->node[level];

		if (level) {
			i = wide_next(n, i, need);
		} else {
			uint64_t low;

			c->at[0] = (uint32_t)i;
			low = below_leaf(tree, c);
			for (; i < n->last; low = n->end[i++]) {
				if (n->start[i] - low >= need) {
					c->at[0] = (uint32_t)i;
					c->low = low;
					return true;
				}
			}
		}
		if (i < n->last) {
			c->at[level] = (uint32_t)i;
			all = level > all ? level : all;
			n = c->node[--level] = n->slot[i].child;
			i = n->first;
			continue;
		}
		if (++level == tree->height)
			return false;
		i = c->at[level];
		if (level <= all && c->node[level]->gap[i] >= need)
			correct(tree, c, level - 1);
		i++;
	}
}

/* Does the request fit into [@low, @high)? */
static bool room(const struct tree_fit *fit, uint64_t low, uint64_t high, uint64_t *start)
{
	low = low > fit->low ? low : fit->low;
	high = high < fit->high ? high : fit->high;
	if (low > UINT64_MAX - (fit->align - 1))
		return false;
	*start = (low + fit->align - 1) & ~(fit->align - 1);
	return *start < high && high - *start >= fit->bytes;
}

/*
 * Where a search upwards begins: if it may have all addresses, at the root, else at the first range
 * that ends above its limit. Return: false if there is none
 */
static bool begin_next(const struct tree_root *tree, const struct tree_fit *fit,
		       struct tree_cursor *c, struct where *w)
{
	if (likely(fit->low <= tree->base)) {
		w->level = tree->height - 1;
		w->i = tree->root->first;
		w->all = tree->height;
		c->node[w->level] = tree->root;
		return true;
	}
	w->level = descend(tree, fit->low, fit->bytes, c);
	if (w->level == BEYOND)
		return false;
	w->i = (size_t)c->at[w->level] + !!w->level;
	for (w->all = w->level; w->all < tree->height; w->all++) {
		if (c->at[w->all] != c->node[w->all]->first)
			break;
	}
	return true;
}

bool tree_gap(struct tree_root *tree, const struct tree_fit *fit, struct tree_cursor *c,
	      uint64_t *start)
{
	struct where w;

	if (unlikely(!tree->root))
		return go_nowhere(tree, c) || room(fit, tree->base, UINT64_MAX, start);
	for (bool more = begin_next(tree, fit, c, &w); more;) {
		if (!next_gap(tree, c, fit->bytes, w) || c->low >= fit->high)
			break;
		if (likely(room(fit, c->low, c->node[0]->start[c->at[0]], start)))
			return true;
		/* Too narrow once aligned or cut by the limits. */
		w = (struct where){ 0, 0, (size_t)c->at[0] + 1 };
	}
	go_end(tree, c);
	return room(fit, c->low, UINT64_MAX, start);
}

/* The mirror image of next_gap: the last range before entry @i that has such a gap before it. */
static WITHIN bool prev_gap(struct tree_root *tree, struct tree_cursor *c, uint64_t need,
			    struct where w)
{
	uint32_t level = w.level, all = w.all;
	size_t i = w.i;

	for (;;) {
		const struct tree_node *n = c->node[level];
		size_t first = n->first;

		if (level) {
			i = wide_prev(n, i, need);
		} else if (i > first) {
			while (--i > first && n->start[i] - n->end[i - 1] < need)
				;
			c->at[0] = (uint32_t)i;
			c->low = below_leaf(tree, c);
			if (n->start[i] - c->low >= need)
				return true;
		}
		if (i > first) {
			c->at[level] = (uint32_t)i - 1;
			all = level > all ? level : all;
			n = c->node[level - 1] = n->slot[i - 1].child;
			i = n->last;
			level--;
			continue;
		}
		if (++level == tree->height)
			return false;
		i = c->at[level];
		if (level <= all && c->node[level]->gap[i] >= need)
			correct(tree, c, level - 1);
	}
}

/* The highest place in [@low, @high), if there is one. */
static bool room_top(const struct tree_fit *fit, uint64_t low, uint64_t high, uint64_t *start)
{
	low = low > fit->low ? low : fit->low;
	high = high < fit->high ? high : fit->high;
	if (high < fit->bytes)
		return false;
	*start = (high - fit->bytes) & ~(fit->align - 1);
	return *start >= low;
}

/*
 * The rest of tree_gap_top: on from @level, to which descend has led; nothing was found there.
 * BEYOND: at the end of all ranges
 */
static APART bool gap_top(struct tree_root *tree, const struct tree_fit *fit, struct tree_cursor *c,
			  uint64_t *start, uint32_t level)
{
	struct where w = { level, level, 0 };

	if (unlikely(level == BEYOND)) {
		if (!tree->root)
			return go_nowhere(tree, c) || room_top(fit, tree->base, UINT64_MAX, start);
		go_end(tree, c);
		if (room_top(fit, c->low, UINT64_MAX, start))
			return true;
		w = (struct where){ tree->height - 1, 0, tree->root->last };
	} else {
		w.i = c->at[level];
		/* A gap that was only too high does not make what is said of it wrong. */
		if (level || c->node[0]->start[w.i] - c->low < fit->bytes) {
			while (w.all < tree->height && c->at[w.all] + 1 == c->node[w.all]->last)
				w.all++;
		}
	}
	while (prev_gap(tree, c, fit->bytes, w)) {
		uint64_t high = c->node[0]->start[c->at[0]];

		if (likely(room_top(fit, c->low, high, start)))
			return true;
		if (high <= fit->low)
			return false;
		/* Too narrow once aligned or cut by the limits. */
		w = (struct where){ 0, 0, c->at[0] };
	}
	return false;
}

bool tree_gap_top(struct tree_root *tree, const struct tree_fit *fit, struct tree_cursor *c,
		  uint64_t *start)
{
	uint32_t level = BEYOND;

	if (likely(tree->root))
		level = descend(tree, fit->high - 1, fit->bytes, c);
	if (!level) {
		c->low = below_leaf(tree, c);
		if (room_top(fit, c->low, c->node[0]->start[c->at[0]], start))
			return true;
	}
	return gap_top(tree, fit, c, start, level);
}
