/* SPDX-License-Identifier: MIT */
/*
 * compare.c - answer by answer
 */
#include "compare.h"
#include "explain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

static const char *const ASPECTS[NR_ASPECTS] = {
	"none", "state", "result", "signal", "value", "bytes",
	"maps", "pages", "counts", "flags",  "crash",
};

static const char *const COUNTS[NR_COUNTS] = {
	"Rss",           "Pss",           "Shared_Clean", "Shared_Dirty",
	"Private_Clean", "Private_Dirty", "Anonymous",    "Locked",
};

const char *aspect_name(enum aspect aspect)
{
	return ASPECTS[aspect];
}

/* ---- One aspect after the other --------------------------------------------------------- */

bool areas_equal(const struct area *a, const struct area *b)
{
	return a->start == b->start && a->end == b->end && a->offset == b->offset &&
	       !strcmp(a->rights, b->rights) && !strcmp(a->name, b->name);
}

/* Where it is, and what both say there. */
static void mark(struct difference *out, uint64_t at, uint64_t real, uint64_t other)
{
	out->at = at;
	out->real = real;
	out->other = other;
}

static bool tell(struct difference *out, enum aspect aspect, const char *fmt, ...)
{
	va_list args;

	out->aspect = aspect;
	va_start(args, fmt);
	vsnprintf(out->text, sizeof(out->text), fmt, args);
	va_end(args);
	return true;
}

static bool differ_result(const struct result *a, const struct result *b, struct difference *out)
{
	if (a->state != b->state)
		return tell(out, ASPECT_STATE, "state %u, not %u", b->state, a->state);
	if (a->result != b->result)
		return tell(out, ASPECT_RESULT,
			    "%#" PRIx64 " (%" PRId64 "), Linux %#" PRIx64 " (%" PRId64 ")",
			    b->result, b->result, a->result, a->result);
	if (a->signal != b->signal || a->code != b->code || a->fault_at != b->fault_at)
		return tell(out, ASPECT_SIGNAL,
			    "signal %u code %u at %#" PRIx64
			    ", Linux signal %u code %u at %#" PRIx64,
			    b->signal, b->code, b->fault_at, a->signal, a->code, a->fault_at);
	if (a->value != b->value)
		return tell(out, ASPECT_VALUE, "%#x, Linux %#x", b->value, a->value);
	if (a->nr_vec != b->nr_vec)
		return tell(out, ASPECT_BYTES, "%u bytes, Linux %u", b->nr_vec, a->nr_vec);
	for (unsigned i = 0; i < a->nr_vec; i++)
		if (a->vec[i] != b->vec[i]) {
			mark(out, i, a->vec[i], b->vec[i]);
			return tell(out, ASPECT_BYTES, "byte %u is %#x, Linux %#x", i, b->vec[i],
				    a->vec[i]);
		}
	return false;
}

static void area_text(const struct area *area, char text[160])
{
	if (area)
		snprintf(text, 160, "%" PRIx64 "-%" PRIx64 " %.4s %" PRIx64 " %s", area->start,
			 area->end, area->rights, area->offset, area->name);
	else
		snprintf(text, 160, "none");
}

static bool differ_maps(const struct trace *ta, const struct outcome *a, const struct trace *tb,
			const struct outcome *b, struct difference *out)
{
	unsigned nr = a->nr_areas > b->nr_areas ? a->nr_areas : b->nr_areas;

	for (unsigned i = 0; i < nr; i++) {
		const struct area *x = i < a->nr_areas ? &ta->areas[a->first_area + i] : NULL;
		const struct area *y = i < b->nr_areas ? &tb->areas[b->first_area + i] : NULL;
		char tx[160], ty[160];

		if (x && y && areas_equal(x, y))
			continue;
		area_text(x, tx);
		area_text(y, ty);
		return tell(out, ASPECT_MAPS, "%s, Linux %s", ty, tx);
	}
	return false;
}

/* Which page the @n-th of OP_LOOK is, and of what. */
static uint64_t page_address(const struct trace *t, const struct outcome *o, unsigned n,
			     const char **name)
{
	for (unsigned i = 0; i < o->nr_areas; i++) {
		const struct area *area = &t->areas[o->first_area + i];
		uint64_t nr = (area->end - area->start) >> 12;

		nr = nr < WIRE_PAGES ? nr : WIRE_PAGES;
		*name = area->name;
		if (n < nr)
			return area->start + ((uint64_t)n << 12);
		n -= (unsigned)nr;
	}
	return 0;
}

static bool differ_look(const struct trace *ta, const struct outcome *a, const struct trace *tb,
			const struct outcome *b, struct difference *out)
{
	for (unsigned i = 0; i < a->nr_pages && i < b->nr_pages; i++) {
		const char *name = "";
		uint8_t x = ta->pages[a->first_page + i], y = tb->pages[b->first_page + i];

		if (x != y) {
			uint64_t at = page_address(ta, a, i, &name);

			mark(out, at, x, y);
			return tell(out, ASPECT_PAGES, "page %#" PRIx64 " of %s is %#x, Linux %#x",
				    at, name, y, x);
		}
	}
	for (unsigned i = 0; i < a->nr_areas; i++) {
		const struct area *x = &ta->areas[a->first_area + i];
		const struct area *y = &tb->areas[b->first_area + i];

		for (unsigned c = 0; c < NR_COUNTS; c++)
			if (x->counts[c] != y->counts[c]) {
				mark(out, x->start, x->counts[c], y->counts[c]);
				return tell(
					out, ASPECT_COUNTS,
					"%s of %#" PRIx64 " %s is %" PRIu64 " kB, Linux %" PRIu64,
					COUNTS[c], x->start, x->name, y->counts[c], x->counts[c]);
			}
		uint32_t wrong = x->flags ^ y->flags;

		if (wrong) {
			unsigned bit = (unsigned)__builtin_ctz(wrong);

			return tell(out, ASPECT_FLAGS, "flag %.2s of %#" PRIx64 " is %d, Linux %d",
				    &TRACE_FLAGS[3 * bit], x->start, y->flags >> bit & 1,
				    x->flags >> bit & 1);
		}
	}
	return false;
}

static bool differ(const struct trace *ta, const struct outcome *a, const struct trace *tb,
		   const struct outcome *b, struct difference *out)
{
	if (differ_result(&a->result, &b->result, out) || differ_maps(ta, a, tb, b, out))
		return true;
	return a->looked && b->looked && differ_look(ta, a, tb, b, out);
}

bool compare(const struct episode *episode, const struct trace *real, const struct trace *other,
	     const struct origin *origin, struct difference *out)
{
	memset(out, 0, sizeof(*out));
	out->explained = -1;
	for (unsigned i = 0; i < episode->nr; i++) {
		const struct outcome *a = &real->outcomes[i], *b = &other->outcomes[i];

		out->call = i;
		if (!differ(real, a, other, b, out))
			continue;
		out->explained = explain(&(struct evidence){ episode, out, real, other, origin });
		return true;
	}
	return false;
}
