/* SPDX-License-Identifier: MIT */
/*
 * explain.c - the differences that have a reason
 *
 * Each says exactly what it is about: which call, which page, and which of the two has it. What is
 * like it but for one of these is a difference without a reason.
 */
#include "explain.h"

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE 4096u
#define STORED 2u /* file of an episode; 3 and 4 are the same one */
#define SHARED 254u /* all that is behind shared memory */
#define MOST_AREAS 256u

/* ---- What it is about ---------------------------------------------------------------- */

static const struct call *call_of(const struct evidence *v)
{
	return &v->episode->calls[v->difference->call];
}

static int64_t real_result(const struct evidence *v)
{
	return v->real->outcomes[v->difference->call].result.result;
}

static int64_t other_result(const struct evidence *v)
{
	return v->other->outcomes[v->difference->call].result.result;
}

/* Linux did it. */
static bool done(const struct evidence *v, unsigned call)
{
	const struct result *r = &v->real->outcomes[call].result;

	return r->state == STATE_DONE && r->result >= 0;
}

/* Where a call's address is. */
static uint64_t place(const struct evidence *v, int32_t ref, uint64_t at)
{
	if (ref == REF_HEAP)
		return at + v->origin->heap;
	return ref >= 0 ? at + (uint64_t)v->real->outcomes[ref].result.result : at;
}

/* The area there after a call, in the process that made it, as one of both tells it. */
static const struct area *area_of(const struct trace *trace, unsigned call, uint64_t at)
{
	const struct outcome *o = &trace->outcomes[call];

	for (unsigned i = 0; i < o->nr_areas; i++) {
		const struct area *a = &trace->areas[o->first_area + i];

		if (a->start <= at && at < a->end)
			return a;
	}
	return NULL;
}

/* In Linux. */
static const struct area *area_at(const struct evidence *v, unsigned call, uint64_t at)
{
	return area_of(v->real, call, at);
}

/* The file of an area; FILE_NONE: none. */
static unsigned file_of(const struct area *area)
{
	const char *memfd = strstr(area->name, "/memfd:file");

	if (memfd)
		return (unsigned)(memfd[11] - '0');
	if (strstr(area->name, "/stored"))
		return STORED;
	return area->name[0] == '/' ? SHARED : FILE_NONE;
}

/* The number that a file has in the names of areas. */
static unsigned named(unsigned file)
{
	return file >= STORED && file <= STORED + 2 ? STORED : file;
}

/** struct subject - the page that both see differently, or the area whose counts differ */
struct subject {
	const struct area *area; /* NULL: neither */
	bool whole;              /* all of it */
	uint64_t page;           /* of the area's file */
};

static struct subject subject_of(const struct evidence *v)
{
	const struct difference *d = v->difference;
	const struct call *c = call_of(v);
	struct subject s = { .whole = d->aspect == ASPECT_COUNTS };
	uint64_t at = d->at;

	if (d->aspect == ASPECT_BYTES && c->op == OP_MINCORE)
		at = place(v, c->at_ref, c->at) + d->at * PAGE;
	else if (d->aspect != ASPECT_PAGES && d->aspect != ASPECT_COUNTS)
		return s;
	s.area = area_at(v, d->call, at);
	if (s.area)
		s.page = (s.area->offset + (at - s.area->start)) / PAGE;
	return s;
}

/* Is a page of the file what it is about, or in the area that it is about? */
static bool is_about(const struct subject *s, uint64_t page)
{
	uint64_t first = s->area->offset / PAGE;

	return s->whole ? page >= first && page - first < (s->area->end - s->area->start) / PAGE
			: page == s->page;
}

/*
 * The page is missing in Linux and not here; or a process that is not looked at has one mapping of
 * it less: then it is mapped once in Linux, or the counts are others.
 */
static bool is_missing(const struct difference *d)
{
	if (d->aspect == ASPECT_COUNTS)
		return true;
	return (!d->real && d->other) || (d->aspect == ASPECT_PAGES && d->other &&
					  d->real == (d->other | PAGE_ALONE));
}

/* ---- Reasons --------------------------------------------------------------------------- */

/* The size that the stored file has after a call. */
static uint64_t resized(const struct evidence *v, unsigned call, uint64_t size)
{
	const struct call *c = &v->episode->calls[call];
	uint64_t end;

	if (c->file < STORED || c->file > STORED + 2 || !done(v, call))
		return size;
	switch (c->op) {
	case OP_TRUNCATE:
		return c->bytes;
	case OP_FWRITE:
		end = c->to + (uint64_t)v->real->outcomes[call].result.result;
		return end > size ? end : size;
	case OP_FALLOCATE:
		end = c->to + c->bytes;
		return !(c->prot & 1) && end > size ? end : size;
	default:
		return size;
	}
}

/* The last page of the stored file, as long as it was or is. */
static bool is_last_alone(const struct evidence *v)
{
	uint64_t size = v->episode->setting.files[STORED].bytes;
	struct subject s = subject_of(v);

	if (!s.area || file_of(s.area) != STORED || v->difference->aspect == ASPECT_BYTES ||
	    !is_missing(v->difference))
		return false;
	for (unsigned i = 0; i < v->difference->call; i++) {
		if (size && is_about(&s, (size - 1) / PAGE))
			return true;
		size = resized(v, i, size);
	}
	return size && is_about(&s, (size - 1) / PAGE);
}

/*
 * The file has become longer, from an end amid a page, or a part of a page was made a hole; and if
 * that was one already, there is an empty page from then on, which is read alone.
 */
static bool is_read_alone(const struct evidence *v)
{
	uint64_t size = v->episode->setting.files[STORED].bytes, before;
	struct subject s = subject_of(v);

	if (!s.area || file_of(s.area) != STORED || !is_missing(v->difference))
		return false;
	for (unsigned i = 0; i < v->difference->call; i++) {
		before = size;
		size = resized(v, i, size);
		if (size > before && before % PAGE)
			return true;
		const struct call *c = &v->episode->calls[i];

		if (c->op == OP_FALLOCATE && named(c->file) == STORED && done(v, i) &&
		    (c->to | (c->to + c->bytes)) % PAGE)
			return true;
	}
	return false;
}

/* Which pages of a stored file are there, on a host of which that is not known. */
static bool is_elsewhere(const struct evidence *v)
{
	struct subject s = subject_of(v);

	return !v->origin->known && s.area && file_of(s.area) == STORED;
}

/* A page that Linux alone has, behind one that was read: the device reads further ahead. */
static bool is_further(const struct evidence *v)
{
	const struct difference *d = v->difference;
	struct subject s = subject_of(v);

	if (v->origin->usual || !s.area || file_of(s.area) != STORED || s.whole || !d->real ||
	    d->other)
		return false;
	for (unsigned i = 0; i < d->call; i++) {
		const struct call *c = &v->episode->calls[i];

		if (c->op == OP_FREAD && done(v, i) && named(c->file) == STORED &&
		    (c->to + c->bytes) / PAGE <= s.page)
			return true;
	}
	return false;
}

/* Pages of a file, in the first page of which a hole was made before. */
static bool is_unmapped_whole(const struct evidence *v)
{
	struct subject s = subject_of(v);

	if (!s.area || v->difference->aspect == ASPECT_BYTES || !is_missing(v->difference))
		return false;
	for (unsigned i = 0; i < v->difference->call; i++) {
		const struct call *c = &v->episode->calls[i];

		if (c->op == OP_FALLOCATE && done(v, i) && c->prot & 18 &&
		    named(c->file) == file_of(s.area) && c->to + c->bytes < PAGE)
			return true;
	}
	return false;
}

/* As many pages of a stored file, of which Linux has written some back meanwhile. */
static bool is_written_back(const struct evidence *v)
{
	const struct outcome *o = &v->other->outcomes[v->difference->call];
	struct subject s = subject_of(v);

	if (v->difference->aspect != ASPECT_COUNTS || !s.area || file_of(s.area) != STORED)
		return false;
	for (unsigned i = 0; i < o->nr_areas; i++) {
		const uint64_t *y = v->other->areas[o->first_area + i].counts, *x = s.area->counts;

		if (v->other->areas[o->first_area + i].start == s.area->start)
			return x[COUNT_RSS] == y[COUNT_RSS] &&
			       x[COUNT_SHARED_CLEAN] >= y[COUNT_SHARED_CLEAN] &&
			       x[COUNT_PRIVATE_CLEAN] >= y[COUNT_PRIVATE_CLEAN];
	}
	return false;
}

/* Copies the areas, those joined that differ in nothing. Return: how many */
static unsigned joined(const struct area *areas, unsigned n, struct area *out)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct area *a = &areas[i];
		struct area *last = nr ? &out[nr - 1] : NULL;

		/* What is behind the end of the heap has lost the name. */
		bool alike = last && (!strcmp(last->name, a->name) ||
				      (!strcmp(last->name, "[heap]") && !a->name[0]));

		if (alike && last->end == a->start && !strcmp(last->rights, a->rights) &&
		    (a->name[0] != '/' || a->offset == last->offset + (last->end - last->start)))
			last->end = a->end;
		else if (nr < MOST_AREAS)
			out[nr++] = *a;
	}
	return nr;
}

static bool lists_equal(const struct area *a, unsigned nr, const struct area *b, unsigned nr_b)
{
	bool equal = nr == nr_b;

	for (unsigned i = 0; i < nr && equal; i++)
		equal = areas_equal(&a[i], &b[i]);
	return equal;
}

/* The call has changed no area of that side. */
static bool is_as_before(const struct evidence *v, const struct trace *side)
{
	const struct outcome *now = &side->outcomes[v->difference->call];

	for (unsigned i = v->difference->call; i-- > 0;) {
		const struct outcome *o = &side->outcomes[i];

		/* It has just come to be. */
		if (v->episode->calls[i].op == OP_FORK &&
		    v->episode->calls[i].value == call_of(v)->proc)
			return true;
		if (o->result.state != STATE_DONE || v->episode->calls[i].proc != call_of(v)->proc)
			continue;
		return lists_equal(&side->areas[o->first_area], o->nr_areas,
				   &side->areas[now->first_area], now->nr_areas);
	}
	return true;
}

/* The areas are the same, but Linux has some of them in pieces. */
static bool is_split(const struct evidence *v)
{
	const struct outcome *a = &v->real->outcomes[v->difference->call],
			     *b = &v->other->outcomes[v->difference->call];
	struct area x[MOST_AREAS], y[MOST_AREAS];
	unsigned nr = joined(&v->real->areas[a->first_area], a->nr_areas, x);

	return v->difference->aspect == ASPECT_MAPS && a->nr_areas > b->nr_areas &&
	       lists_equal(x, nr, y, joined(&v->other->areas[b->first_area], b->nr_areas, y));
}

/* Both refused it, and Linux has split areas before. */
static bool is_left_split(const struct evidence *v)
{
	bool refused = real_result(v) < 0 || call_of(v)->op == OP_BRK;

	return is_split(v) && refused && real_result(v) == other_result(v) &&
	       is_as_before(v, v->other);
}

static bool is_left_apart(const struct evidence *v)
{
	return is_split(v) && real_result(v) >= 0 && call_of(v)->op == OP_MREMAP &&
	       call_of(v)->flags & 4;
}

static bool is_address(const struct evidence *v)
{
	return call_of(v)->op == OP_MMAP && v->difference->aspect == ASPECT_RESULT &&
	       call_of(v)->flags & 0x100010 && real_result(v) < 0 && real_result(v) > -4096 &&
	       (uint64_t)real_result(v) == call_of(v)->at;
}

/* A page of a file or of shared memory that was mapped where MADV_PAGEOUT was called. */
static bool is_reclaimed(const struct evidence *v)
{
	struct subject s = subject_of(v);

	if (!s.area || file_of(s.area) == FILE_NONE || !is_missing(v->difference))
		return false;
	for (unsigned i = 0; i < v->difference->call; i++) {
		const struct call *c = &v->episode->calls[i];
		uint64_t at = place(v, c->at_ref, c->at) & ~(uint64_t)(PAGE - 1);

		/* ENOMEM: there is a hole in the range, beside which it was done. */
		if (c->op != OP_MADVISE || c->prot != 21 ||
		    (!done(v, i) && v->real->outcomes[i].result.result != -12))
			continue;
		for (uint64_t end = at + c->bytes; at < end; at += PAGE) {
			const struct area *a = area_at(v, i, at);

			if (a && file_of(a) == file_of(s.area) &&
			    is_about(&s, (a->offset + (at - a->start)) / PAGE))
				return true;
		}
	}
	return false;
}

/* A stack has grown here, and not in Linux. */
static bool is_refused_stack(const struct evidence *v)
{
	const struct result *r = &v->real->outcomes[v->difference->call].result;
	unsigned call = v->difference->call;

	return v->difference->aspect == ASPECT_SIGNAL && r->signal == 11 && r->code == 1 &&
	       !area_at(v, call, r->fault_at) && area_of(v->other, call, r->fault_at);
}

/* Linux alone has refused the call because of what is locked. */
static bool is_refused_lock(const struct evidence *v)
{
	int64_t real = real_result(v), other = other_result(v);

	/* Here areas before a hole were locked. */
	if (v->difference->aspect == ASPECT_MAPS)
		return call_of(v)->op == OP_MLOCK && real == -12 && other == -12 &&
		       is_as_before(v, v->real);
	if (v->difference->aspect == ASPECT_SIGNAL)
		return is_refused_stack(v);
	if (v->difference->aspect != ASPECT_RESULT)
		return false;
	if (call_of(v)->op == OP_BRK)
		return real < other;
	return (real == -11 && other != -11) || (real == -12 && other >= 0);
}

/* A locked area was moved with DONTUNMAP: Linux counts it twice from then on. */
static bool is_locked_twice(const struct evidence *v)
{
	if (v->episode->setting.privileged || !is_refused_lock(v))
		return false;
	for (unsigned i = 0; i < v->difference->call; i++)
		if (v->episode->calls[i].op == OP_MREMAP && v->episode->calls[i].flags & 4 &&
		    done(v, i))
			return true;
	return false;
}

/* Linux has taken the target away before it counted; here it still counts. */
static bool is_counted_late(const struct evidence *v)
{
	bool limited = false;

	for (unsigned i = 0; i < v->difference->call; i++)
		limited = limited || v->episode->calls[i].op == OP_SETRLIMIT;
	return v->difference->aspect == ASPECT_RESULT && call_of(v)->op == OP_MREMAP &&
	       (call_of(v)->flags & 6) == 6 && limited && real_result(v) >= 0 &&
	       other_result(v) == -12;
}

/* Linux has refused it: the heap and the executor's own data are more than RLIMIT_DATA. */
static bool is_own_data(const struct evidence *v)
{
	uint64_t limit = UINT64_MAX, asked = place(v, call_of(v)->at_ref, call_of(v)->at);

	if (v->difference->aspect != ASPECT_RESULT || call_of(v)->op != OP_BRK ||
	    (uint64_t)other_result(v) != asked)
		return false;
	for (unsigned i = 0; i < v->difference->call; i++)
		if (v->episode->calls[i].op == OP_SETRLIMIT && v->episode->calls[i].prot == 2)
			limit = v->episode->calls[i].bytes;
	return limit != UINT64_MAX;
}

/* A large part of the stored file is mapped where Linux likes, and both may choose. */
static bool is_aligned(const struct evidence *v)
{
	const struct call *c = call_of(v);
	const struct area *a;

	if (v->difference->aspect != ASPECT_RESULT || real_result(v) <= 0 || other_result(v) <= 0 ||
	    !((c->op == OP_MMAP && !(c->flags & 0x100010)) ||
	      (c->op == OP_MREMAP && !(c->flags & 2))))
		return false;
	a = area_at(v, v->difference->call, (uint64_t)real_result(v));
	return a && file_of(a) == STORED && a->end - a->start >= 2u << 20 &&
	       !((a->start - a->offset) & 0x1fffff);
}

/* Takes [@start, @end) out of a list of areas. Return: how many are left */
static unsigned without(struct area *areas, unsigned nr, uint64_t start, uint64_t end)
{
	struct area all[MOST_AREAS];
	unsigned left = 0;

	memcpy(all, areas, nr * sizeof(*areas));
	for (unsigned i = 0; i < nr; i++) {
		const struct area *a = &all[i];

		if (a->start < start && left < MOST_AREAS) {
			areas[left] = *a;
			areas[left++].end = a->end < start ? a->end : start;
		}
		if (a->end > end && left < MOST_AREAS) {
			areas[left] = *a;
			areas[left].start = a->start > end ? a->start : end;
			if (a->name[0] == '/')
				areas[left].offset += areas[left].start - a->start;
			left++;
		}
	}
	return left;
}

/* Both refused it; Linux has unmapped the target, and what is behind the new end. */
static bool is_half_moved(const struct evidence *v)
{
	const struct outcome *a = &v->real->outcomes[v->difference->call],
			     *b = &v->other->outcomes[v->difference->call];
	const struct call *c = call_of(v);
	uint64_t at = place(v, c->at_ref, c->at), to = place(v, c->to_ref, c->to);
	uint64_t bytes = (c->bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	uint64_t more = (c->more + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	struct area x[MOST_AREAS], y[MOST_AREAS];
	unsigned nr, nr_x;

	if (v->difference->aspect != ASPECT_MAPS || c->op != OP_MREMAP || !(c->flags & 2) ||
	    real_result(v) >= 0 || real_result(v) != other_result(v))
		return false;
	nr_x = joined(&v->real->areas[a->first_area], a->nr_areas, x);
	nr = joined(&v->other->areas[b->first_area], b->nr_areas, y);
	if (!is_as_before(v, v->other))
		return false;
	/* Of several areas that are to move, the target of the first. */
	for (uint64_t part = PAGE; bytes == more && part < more; part += PAGE) {
		struct area z[MOST_AREAS];

		memcpy(z, y, nr * sizeof(*y));
		if (lists_equal(x, nr_x, z, without(z, nr, to, to + part)))
			return true;
	}
	nr = without(y, nr, to, to + more);
	if (lists_equal(x, nr_x, y, nr))
		return true;
	if (bytes > more)
		nr = without(y, nr, at + more, at + bytes);
	return lists_equal(x, nr_x, y, nr);
}

/** struct explanation - a difference that is known, and why it is there */
static const struct explanation {
	const char *reason;
	bool (*is)(const struct evidence *v);
} EXPLANATIONS[] = {
	{ "the last page of a stored file, if a fault finds it alone around it: Linux (6.18) maps "
	  "it only where there is a page table already",
	  is_last_alone },
	{ "a hole in the first page of a file that does not reach its end: Linux (6.18) clears "
	  "all entries that map the file, and keeps the pages",
	  is_unmapped_whole },
	{ "around a hole of a stored file that ends, or in which the file once ended, amid a page: "
	  "ext4 keeps an empty page there, and nothing is read ahead with it",
	  is_read_alone },
	{ "pages of a stored file become clean when Linux writes them back, whenever that is",
	  is_written_back },
	{ "which pages of a stored file are read ahead depends on Linux's version and the file "
	  "system: they are those of 6.18 and ext4",
	  is_elsewhere },
	{ "how far a stored file is read ahead depends on its device: here it is 128 KB, as in "
	  "Linux unless it is told else",
	  is_further },
	{ "areas that a call has split before it was refused (EPERM of a sealed one) stay so in "
	  "Linux (6.18); a call of Quire that fails has changed nothing",
	  is_left_split },
	{ "mremap with DONTUNMAP: Linux (6.18) leaves the old area apart from neighbours that are "
	  "like it",
	  is_left_apart },
	{ "mmap with FIXED at one of the last 4,095 addresses: Linux returns the address, which is "
	  "an error's number",
	  is_address },
	{ "what MADV_PAGEOUT unmaps and reclaims of files and shared memory depends on lists that "
	  "Linux fills later, and on the writing of pages",
	  is_reclaimed },
	{ "mremap with DONTUNMAP of a locked area: Linux (6.18) counts its pages as locked twice",
	  is_locked_twice },
	{ "mremap with FIXED and DONTUNMAP at RLIMIT_DATA or RLIMIT_AS: Linux has unmapped the "
	  "target before it counts",
	  is_counted_late },
	{ "mremap with FIXED that is refused late: Linux has unmapped the target and what is "
	  "behind the new end; Quire nothing",
	  is_half_moved },
	{ "2 MB or more of a stored file: some of Linux's file systems place that aligned to huge "
	  "pages",
	  is_aligned },
	{ "brk with RLIMIT_DATA: in Linux the executor's own data counts, too", is_own_data },
};

_Static_assert(COUNT_OF(EXPLANATIONS) <= EXPLAIN_REASONS, "EXPLAIN_REASONS");

int explain(const struct evidence *v)
{
	for (unsigned n = 0; n < COUNT_OF(EXPLANATIONS); n++)
		if (EXPLANATIONS[n].is(v))
			return (int)n;
	return -1;
}

const char *explain_reason(unsigned n)
{
	return n < COUNT_OF(EXPLANATIONS) ? EXPLANATIONS[n].reason : NULL;
}
