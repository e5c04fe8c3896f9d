/* SPDX-License-Identifier: MIT */
/*
 * interval.c - ranges that may overlap
 *
 * The cases of a turn, where side 1 of p has become two higher than side 0 (or mirrored):
 *
 *   p                 r          r leans the same way, or not at all:
 *    \               / \         one turn
 *     r      ──>    p   .
 *
 *   p                 l          r leans the other way:
 *    \               / \         its inner child l comes up, two turns
 *     r      ──>    p   r
 *    /
 *   l
 */
#include "core/interval.h"

#include <stddef.h>

#include "core/assert.h"

static struct interval *parent(const struct interval *n)
{
	return (struct interval *)(n->up & ~(uintptr_t)3);
}

static int balance(const struct interval *n)
{
	return (int)(n->up & 3) - 1;
}

static void set_parent(struct interval *n, struct interval *p)
{
	n->up = (uintptr_t)p | (n->up & 3);
}

static void set_balance(struct interval *n, int b)
{
	n->up = (n->up & ~(uintptr_t)3) | (uintptr_t)(b + 1);
}

/* The highest last of a node and its children. */
static uint64_t highest(const struct interval *n)
{
	uint64_t max = n->last;

	for (int side = 0; side < 2; side++) {
		if (n->child[side] && n->child[side]->max > max)
			max = n->child[side]->max;
	}
	return max;
}

/* Put @n (or nothing) where @old is below @p. */
static void replace(struct interval_root *tree, struct interval *p, const struct interval *old,
		    struct interval *n)
{
	if (!p)
		tree->root = n;
	else
		p->child[p->child[1] == old] = n;
	if (n)
		set_parent(n, p);
}

/* The child on that side comes up, @p goes down on the other. Balances are the caller's. */
static struct interval *turn(struct interval_root *tree, struct interval *p, int side)
{
	struct interval *n = p->child[side];
	struct interval *inner = n->child[!side];

	replace(tree, parent(p), p, n);
	p->child[side] = inner;
	if (inner)
		set_parent(inner, p);
	n->child[!side] = p;
	set_parent(p, n);
	n->max = p->max;
	p->max = highest(p);
	return n;
}

/* That side of @p is two higher. Return: what stands in its place */
static struct interval *level(struct interval_root *tree, struct interval *p, int side)
{
	struct interval *n = p->child[side];
	int lean = side ? 1 : -1;

	if (balance(n) != -lean) {
		bool same = balance(n) == lean;

		turn(tree, p, side);
		set_balance(p, same ? 0 : lean);
		set_balance(n, same ? 0 : -lean);
		return n;
	}
	struct interval *inner = n->child[!side];

	ASSERT("INTERVAL-3", inner);
	int b = balance(inner);

	turn(tree, n, !side);
	turn(tree, p, side);
	set_balance(p, b == lean ? -lean : 0);
	set_balance(n, b == -lean ? lean : 0);
	set_balance(inner, 0);
	return inner;
}

void interval_insert(struct interval_root *tree, struct interval *node)
{
	struct interval *p = NULL;
	int side = 0;

	for (struct interval *n = tree->root; n; n = n->child[side]) {
		side = node->first >= n->first;
		if (n->max < node->last)
			n->max = node->last;
		p = n;
	}
	node->max = node->last;
	node->child[0] = node->child[1] = NULL;
	node->up = (uintptr_t)p | 1;
	tree->nr++;
	if (p)
		p->child[side] = node;
	else
		tree->root = node;
	/* Up while a subtree has grown. */
	for (; p; side = parent(p) && parent(p)->child[1] == p, p = parent(p)) {
		int b = balance(p) + (side ? 1 : -1);

		if (b == 2 || b == -2) {
			level(tree, p, side);
			return;
		}
		set_balance(p, b);
		if (!b)
			return;
	}
}

/* That side of @p has become lower by one. */
static void shrunk(struct interval_root *tree, struct interval *p, int side)
{
	while (p) {
		int b = balance(p) - (side ? 1 : -1);

		if (b == 2 || b == -2)
			p = level(tree, p, !side);
		else
			set_balance(p, b);
		if (balance(p))
			return;
		side = parent(p) && parent(p)->child[1] == p;
		p = parent(p);
	}
}

void interval_erase(struct interval_root *tree, struct interval *node)
{
	struct interval *p = parent(node);
	int side = p && p->child[1] == node;

	tree->nr--;
	if (!node->child[0] || !node->child[1]) {
		replace(tree, p, node, node->child[node->child[1] != NULL]);
	} else {
		/* Its successor takes its place. */
		struct interval *next = node->child[1];

		while (next->child[0])
			next = next->child[0];
		struct interval *from = parent(next);

		side = from == node;
		p = side ? next : from;
		if (!side) {
			replace(tree, from, next, next->child[1]);
			next->child[1] = node->child[1];
			set_parent(next->child[1], next);
		}
		next->child[0] = node->child[0];
		set_parent(next->child[0], next);
		replace(tree, parent(node), node, next);
		set_balance(next, balance(node));
	}
	for (struct interval *n = p; n; n = parent(n))
		n->max = highest(n);
	shrunk(tree, p, side);
}

/* The first below @n, or it itself, that touches; its max is @first or more. */
static struct interval *lowest(struct interval *n, uint64_t first, uint64_t last)
{
	for (;;) {
		if (n->child[0] && n->child[0]->max >= first) {
			n = n->child[0];
			continue;
		}
		if (n->first > last)
			return NULL;
		if (n->last >= first)
			return n;
		n = n->child[1];
		if (!n || n->max < first)
			return NULL;
	}
}

struct interval *interval_next(const struct interval_root *tree, const struct interval *after,
			       uint64_t first, uint64_t last)
{
	if (!after)
		return tree->root && tree->root->max >= first ? lowest(tree->root, first, last)
							      : NULL;
	for (;;) {
		if (after->child[1] && after->child[1]->max >= first)
			return lowest(after->child[1], first, last);
		struct interval *p = parent(after);

		while (p && p->child[1] == after) {
			after = p;
			p = parent(p);
		}
		if (!p || p->first > last)
			return NULL;
		if (p->last >= first)
			return p;
		after = p;
	}
}

/* struct look - what a walk over the tree has seen */
struct look {
	const struct interval *before; /* the last one, in order */
	uint64_t nr;
	const char *broken;
};

/* Goes as deep as the tree is high, 90 levels at the most. Return: the height */
static int walk(const struct interval *n, const struct interval *p, struct look *look)
{
	if (!n || look->broken)
		return 0;
	if (parent(n) != p)
		look->broken = "INTERVAL-4";
	int before = walk(n->child[0], n, look);

	if (look->before && look->before->first > n->first)
		look->broken = "INTERVAL-1";
	look->before = n;
	look->nr++;
	int after = walk(n->child[1], n, look);

	if (n->max != highest(n) && !look->broken)
		look->broken = "INTERVAL-2";
	if ((after - before != balance(n) || balance(n) > 1) && !look->broken)
		look->broken = "INTERVAL-3";
	return 1 + (before > after ? before : after);
}

const char *interval_check(const struct interval_root *tree)
{
	struct look look = { NULL, 0, NULL };

	walk(tree->root, NULL, &look);
	if (!look.broken && look.nr != tree->nr)
		look.broken = "INTERVAL-4";
	return look.broken;
}
