/* SPDX-License-Identifier: MIT */
/*
 * compare.c - answer by answer; and the differences that have a reason
 */
#include "compare.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *const ASPECTS[NR_ASPECTS] = { "none",  "state", "result", "signal", "value",
						 "bytes", "maps",  "pages",  "counts", "crash" };

static const char *const COUNTS[NR_COUNTS] = {
	"Rss",           "Pss",           "Shared_Clean", "Shared_Dirty",
	"Private_Clean", "Private_Dirty", "Anonymous",    "Locked",
};

const char *aspect_name(enum aspect aspect)
{
	return ASPECTS[aspect];
}

/** struct evidence - all that is known of a difference */
struct evidence {
	const struct episode *episode;
	const struct difference *difference;
	const struct trace *real, *other;
	const struct origin *origin;
};

/** struct explanation - a difference that is known, and why it is there */
struct explanation {
	const char *reason;
	/* NULL: it is not even compared */
	bool (*is)(const struct evidence *v);
};

static bool areas_equal(const struct area *a, const struct area *b)
{
	return a->start == b->start && a->end == b->end && a->offset == b->offset &&
	       !strcmp(a->rights, b->rights) && !strcmp(a->name, b->name);
}

/* Is the call's file the stored one? */
static bool of_stored(const struct evidence *v, const struct call *c)
{
	if (c->file >= WIRE_FILES)
		return false;
	unsigned kind = v->episode->setting.files[c->file].kind;

	return kind == FILE_STORED || kind == FILE_READ_ONLY || kind == FILE_WRITE_ONLY;
}

/* Is a stored file mapped there? */
static bool is_stored(const struct difference *d)
{
	return strstr(d->text, "/stored") != NULL;
}

static bool is_allocation(const struct evidence *v)
{
	const struct call *c = &v->episode->calls[v->difference->call];

	return c->op == OP_FALLOCATE && v->difference->aspect == ASPECT_RESULT && of_stored(v, c) &&
	       v->real->outcomes[v->difference->call].result.result == 0 &&
	       v->other->outcomes[v->difference->call].result.result == -95;
}

/* A fault beyond the end of a stored file came before. */
static bool is_around_end(const struct evidence *v)
{
	const struct difference *d = v->difference;
	bool beyond = false;

	for (unsigned i = 0; i < d->call; i++) {
		const struct result *r = &v->real->outcomes[i].result;

		beyond = beyond || r->signal == 7 ||
			 (r->result == -14 && v->episode->calls[i].op != OP_MREMAP);
	}
	return beyond && (d->aspect == ASPECT_PAGES || d->aspect == ASPECT_COUNTS) && is_stored(d);
}

/* Copies the areas, those joined that differ in nothing. Return: how many */
static unsigned joined(const struct trace *t, const struct outcome *o, struct area *out,
		       unsigned room)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < o->nr_areas; i++) {
		const struct area *a = &t->areas[o->first_area + i];
		struct area *last = nr ? &out[nr - 1] : NULL;

		/* What is behind the end of the heap has lost the name. */
		bool named = last && (!strcmp(last->name, a->name) ||
				      (!strcmp(last->name, "[heap]") && !a->name[0]));

		if (named && last->end == a->start && !strcmp(last->rights, a->rights) &&
		    (a->name[0] != '/' || a->offset == last->offset + (last->end - last->start)))
			last->end = a->end;
		else if (nr < room)
			out[nr++] = *a;
	}
	return nr;
}

/* Both refused it, and Linux has split areas before; or it is one that leaves areas apart. */
static bool is_left_split(const struct evidence *v)
{
	const struct outcome *a = &v->real->outcomes[v->difference->call],
			     *b = &v->other->outcomes[v->difference->call];
	struct area x[256], y[256];

	const struct call *c = &v->episode->calls[v->difference->call];
	bool apart = c->op == OP_BRK || (c->op == OP_MREMAP && c->flags & 4);

	if (v->difference->aspect != ASPECT_MAPS || (!apart && a->result.result >= 0))
		return false;
	unsigned nr = joined(v->real, a, x, 256);

	if (nr != joined(v->other, b, y, 256))
		return false;
	for (unsigned i = 0; i < nr; i++)
		if (!areas_equal(&x[i], &y[i]))
			return false;
	return true;
}

static bool is_address(const struct evidence *v)
{
	return v->episode->calls[v->difference->call].op == OP_MMAP &&
	       v->difference->aspect == ASPECT_RESULT &&
	       (uint64_t)v->real->outcomes[v->difference->call].result.result ==
		       v->episode->calls[v->difference->call].at;
}

static bool did(const struct episode *e, unsigned nr, enum op op, unsigned advice)
{
	for (unsigned i = 0; i < nr; i++)
		if (e->calls[i].op == op && (op != OP_MADVISE || e->calls[i].prot == advice))
			return true;
	return false;
}

static bool is_reclaimed(const struct evidence *v)
{
	bool pages = v->difference->aspect == ASPECT_PAGES ||
		     v->difference->aspect == ASPECT_COUNTS ||
		     (v->difference->aspect == ASPECT_BYTES &&
		      v->episode->calls[v->difference->call].op == OP_MINCORE);

	return pages && did(v->episode, v->difference->call, OP_MADVISE, 21);
}

/* mincore of a range in which a file of that kind is mapped. */
static bool is_mincore_of(const struct evidence *v, const char *kind)
{
	const struct outcome *o = &v->real->outcomes[v->difference->call];
	const struct call *c = &v->episode->calls[v->difference->call];
	uint64_t at = c->at + (c->at_ref == REF_HEAP ? v->origin->heap
			       : c->at_ref >= 0
				       ? (uint64_t)v->real->outcomes[c->at_ref].result.result
				       : 0);

	if (v->difference->aspect != ASPECT_BYTES || c->op != OP_MINCORE)
		return false;
	for (unsigned i = 0; i < o->nr_areas; i++) {
		const struct area *a = &v->real->areas[o->first_area + i];

		if (a->start < at + c->bytes && a->end > at && strstr(a->name, kind))
			return true;
	}
	return false;
}

/* A stored file has holes or has changed its size, so that pages of it are to be read in. */
static bool is_readahead(const struct evidence *v)
{
	bool holes = did(v->episode, v->difference->call, OP_TRUNCATE, 0) ||
		     did(v->episode, v->difference->call, OP_FALLOCATE, 0) ||
		     did(v->episode, v->difference->call, OP_FWRITE, 0);
	bool pages = v->difference->aspect == ASPECT_PAGES ||
		     v->difference->aspect == ASPECT_COUNTS;

	return holes && ((pages && is_stored(v->difference)) || is_mincore_of(v, "/stored"));
}

/* Pages of a memfd that fallocate made: not up to date in Linux until somebody wants them. */
static bool is_allocated(const struct evidence *v)
{
	const struct difference *d = v->difference;
	bool pages = d->aspect == ASPECT_PAGES || d->aspect == ASPECT_COUNTS;

	return ((pages && strstr(d->text, "/memfd:")) || is_mincore_of(v, "/memfd:")) &&
	       did(v->episode, d->call, OP_FALLOCATE, 0);
}

static bool did_remap(const struct episode *e, unsigned nr, unsigned flag)
{
	for (unsigned i = 0; i < nr; i++)
		if (e->calls[i].op == OP_MREMAP && e->calls[i].flags & flag)
			return true;
	return false;
}

static bool is_locked_twice(const struct evidence *v)
{
	int64_t result = v->real->outcomes[v->difference->call].result.result;

	if (v->difference->aspect == ASPECT_RESULT &&
	    v->episode->calls[v->difference->call].op == OP_BRK)
		return did_remap(v->episode, v->difference->call, 4);
	return v->difference->aspect == ASPECT_RESULT && (result == -11 || result == -12) &&
	       did_remap(v->episode, v->difference->call, 4);
}

/* The executor's own data counts, too. */
static bool is_own_data(const struct evidence *v)
{
	const struct episode *e = v->episode;
	bool limited = false;

	for (unsigned i = 0; i < v->difference->call; i++)
		limited = limited || (e->calls[i].op == OP_SETRLIMIT && e->calls[i].prot == 2);
	return v->difference->aspect == ASPECT_RESULT && limited &&
	       e->calls[v->difference->call].op == OP_BRK;
}

/* A large part of a stored file is mapped where Linux likes. */
static bool is_aligned(const struct evidence *v)
{
	const struct call *c = &v->episode->calls[v->difference->call];

	return v->difference->aspect == ASPECT_RESULT && c->op == OP_MMAP && c->bytes >= 2u << 20 &&
	       of_stored(v, c) &&
	       !(((uint64_t)v->real->outcomes[v->difference->call].result.result - c->to) &
		 0x1fffff);
}

static bool is_half_moved(const struct evidence *v)
{
	return v->difference->aspect == ASPECT_MAPS &&
	       v->episode->calls[v->difference->call].op == OP_MREMAP &&
	       v->episode->calls[v->difference->call].flags & 2 &&
	       v->real->outcomes[v->difference->call].result.result < 0;
}

static const struct explanation EXPLANATIONS[] = {
	{ "fallocate of a stored file: a store has no call for it, Linux's ext4 has",
	  is_allocation },
	{ "pages of a stored file around a fault beyond its end: if there is the last one alone, "
	  "Linux (6.18) maps it only where there is a page table already",
	  is_around_end },
	{ "areas that a call has split before it was refused (EPERM of a sealed one) stay so in "
	  "Linux (6.18), as do those of mremap with DONTUNMAP; a call of Quire that fails has "
	  "changed nothing",
	  is_left_split },
	{ "mmap with FIXED at one of the last 4,095 addresses: Linux returns the address, which is "
	  "an error's number",
	  is_address },
	{ "what MADV_PAGEOUT reclaims depends on lists that Linux fills later, and on the writing "
	  "of pages",
	  is_reclaimed },
	{ "which pages of holes of a stored file are read ahead depends on the file system and the "
	  "device",
	  is_readahead },
	{ "pages that fallocate gave a memfd are mapped around a fault only after their first use "
	  "in Linux, and mincore does not see them before",
	  is_allocated },
	{ "mremap with DONTUNMAP of a locked area: Linux (6.18) counts its pages as locked twice",
	  is_locked_twice },
	{ "mremap with FIXED that is refused late: Linux has unmapped the target and what is "
	  "behind the new end; Quire nothing",
	  is_half_moved },
	{ "2 MB or more of a stored file: some of Linux's file systems place that aligned to huge "
	  "pages",
	  is_aligned },
	{ "brk with RLIMIT_DATA: in Linux the executor's own data counts, too", is_own_data },
	{ "smaps: shared anonymous memory is promised by its area (flag ac), in Linux by its file",
	  NULL },
};

/* ---- One aspect after the other --------------------------------------------------------- */

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
		if (a->vec[i] != b->vec[i])
			return tell(out, ASPECT_BYTES, "byte %u is %#x, Linux %#x", i, b->vec[i],
				    a->vec[i]);
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

			return tell(out, ASPECT_PAGES, "page %#" PRIx64 " of %s is %#x, Linux %#x",
				    at, name, y, x);
		}
	}
	for (unsigned i = 0; i < a->nr_areas; i++) {
		const struct area *x = &ta->areas[a->first_area + i];
		const struct area *y = &tb->areas[b->first_area + i];

		for (unsigned c = 0; c < NR_COUNTS; c++)
			if (x->counts[c] != y->counts[c])
				return tell(
					out, ASPECT_COUNTS,
					"%s of %#" PRIx64 " %s is %" PRIu64 " kB, Linux %" PRIu64,
					COUNTS[c], x->start, x->name, y->counts[c], x->counts[c]);
		uint32_t wrong = x->flags ^ y->flags;

		if (x->rights[3] == 's')
			wrong &= ~trace_flag("ac");
		if (wrong) {
			unsigned bit = (unsigned)__builtin_ctz(wrong);

			return tell(out, ASPECT_COUNTS, "flag %.2s of %#" PRIx64 " is %d, Linux %d",
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
		const struct evidence v = { episode, out, real, other, origin };

		for (unsigned e = 0; e < COUNT_OF(EXPLANATIONS) && out->explained < 0; e++)
			if (EXPLANATIONS[e].is && EXPLANATIONS[e].is(&v))
				out->explained = (int)e;
		return true;
	}
	return false;
}

const char *compare_reason(unsigned n)
{
	return n < COUNT_OF(EXPLANATIONS) ? EXPLANATIONS[n].reason : NULL;
}
