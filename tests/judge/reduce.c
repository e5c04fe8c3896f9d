/* SPDX-License-Identifier: MIT */
/*
 * reduce.c - delta debugging: halves, quarters, … single calls, then their arguments
 *
 * Source: Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002
 */
#include "reduce.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 4096u

/* Leave [from, from + nr) out, and calls that stand on their results. */
static void without(const struct episode *in, unsigned from, unsigned nr, struct episode *out)
{
	int32_t moved[WIRE_CALLS];

	out->setting = in->setting;
	out->nr = 0;
	for (unsigned i = 0; i < in->nr; i++) {
		struct call c = in->calls[i];

		moved[i] = -1;
		if (i >= from && i < from + nr)
			continue;
		if (c.at_ref >= 0)
			c.at_ref = moved[c.at_ref] < 0 ? INT32_MIN : moved[c.at_ref];
		if (c.to_ref >= 0)
			c.to_ref = moved[c.to_ref] < 0 ? INT32_MIN : moved[c.to_ref];
		if (c.at_ref == INT32_MIN || c.to_ref == INT32_MIN)
			continue;
		moved[i] = (int32_t)out->nr;
		out->calls[out->nr++] = c;
	}
}

static bool try(struct reduction *r, struct episode *candidate, struct episode *best)
{
	if (r->trials >= r->most)
		return false;
	r->trials++;
	if (!r->shows(r->ctx, candidate))
		return false;
	memcpy(best, candidate, sizeof(*best));
	return true;
}

static bool fewer_calls(struct reduction *r, struct episode *best, struct episode *candidate)
{
	bool any = false;

	for (unsigned size = best->nr / 2 ? best->nr / 2 : 1; size; size /= 2) {
		for (unsigned end = best->nr; end; end = end > size ? end - size : 0) {
			unsigned from = end > size ? end - size : 0;

			if (end > best->nr)
				continue;
			without(best, from, end - from, candidate);
			if (candidate->nr && try(r, candidate, best))
				any = true;
		}
	}
	return any;
}

/* The @n-th way to make a call simpler. Return: false when there are no more. */
static bool simpler(struct call *c, unsigned n)
{
	bool rights = c->op == OP_MMAP || c->op == OP_MPROTECT;

	if (n < 32) {
		c->flags &= ~(1u << n);
		return true;
	}
	switch (n) {
	case 32:
		c->bytes = PAGE;
		return true;
	case 33:
		c->bytes = c->bytes / (2 * PAGE) * PAGE;
		return true;
	case 34:
		c->bytes -= PAGE;
		return true;
	case 35:
		c->more = PAGE;
		return true;
	case 36:
		c->more -= PAGE;
		return true;
	case 37:
		c->proc = 0;
		return true;
	case 38:
		c->at &= ~(uint64_t)(PAGE - 1);
		return true;
	case 39:
		c->to = 0;
		return true;
	case 40:
		c->to &= ~(uint64_t)(PAGE - 1);
		return true;
	case 41:
		c->prot = rights && c->prot != 1 ? 3 : c->prot;
		return true;
	case 42:
		c->prot = rights ? 1 : c->prot;
		return true;
	case 43:
		c->value = c->op == OP_WRITE ? 0x90 : c->value;
		return true;
	default:
		return false;
	}
}

static bool simpler_calls(struct reduction *r, struct episode *best, struct episode *candidate)
{
	bool any = false;

	for (unsigned i = 0; i < best->nr; i++) {
		for (unsigned n = 0;; n++) {
			if (i >= best->nr)
				break;
			memcpy(candidate, best, sizeof(*candidate));
			if (!simpler(&candidate->calls[i], n))
				break;
			/* Sizes and places that would be new may hit what they must not. */
			if (!memcmp(&candidate->calls[i], &best->calls[i], sizeof(struct call)) ||
			    candidate->calls[i].bytes > best->calls[i].bytes ||
			    candidate->calls[i].more > best->calls[i].more)
				continue;
			if ((candidate->calls[i].op == OP_MMAP &&
			     !(candidate->calls[i].flags & 3)) ||
			    (candidate->calls[i].op == OP_SETRLIMIT && !candidate->calls[i].bytes))
				continue;
			any = try(r, candidate, best) || any;
		}
	}
	return any;
}

void reduce(struct reduction *r, struct episode *episode)
{
	struct episode *candidate = malloc(sizeof(*candidate));

	if (!candidate)
		return;
	do
		while (fewer_calls(r, episode, candidate))
			;
	while (simpler_calls(r, episode, candidate));
	free(candidate);
}
