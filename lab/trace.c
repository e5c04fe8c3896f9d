/* SPDX-License-Identifier: MIT */
/*
 * trace.c - one line of a recording of Linux's page allocator
 *
 * Three programs print the same events, differing in what goes before the name:
 *
 *   tracefs     TASK-PID [(TGID)] [CPU] FLAGS TIME: NAME: FIELDS
 *   trace-cmd   TASK-PID [CPU] [FLAGS] TIME: NAME:   FIELDS
 *   perf        TASK PID[/TID] [CPU] TIME: [PERIOD] kmem:NAME: FIELDS
 *
 * A task's name may hold blanks, brackets and colons, so the line is not read
 * from its left end: the first place where "[CPU] [FLAGS] TIME: NAME:" fits is
 * the middle, and the task is what stands before it. Fields are KEY=VALUE; keys
 * that are not needed are passed over, so older and newer kernels' lines
 * read as well. What is needed must be there once and in range: a line
 * that was cut short, or that two lines ran together in, does not pass.
 *
 * Sources: Linux Documentation/trace/ftrace.rst, events-kmem.rst; perf-script(1);
 * trace-cmd-report(1); the files format under tracefs events/kmem.
 */
#include "trace.h"

#include <quire/error.h>

#include "trace_gfp.h"

/* Frame numbers beyond this would have addresses beyond 2^64. */
#define PFN_END (UINT64_C(1) << (64 - QUIRE_PAGE_SHIFT))

/* Migrate types that a kernel's numbering can have; Linux has six. */
#define MIGRATETYPE_END 16

/** struct piece - a piece of the line that is being read */
struct piece {
	const char *p;
	const char *end;
};

/* The fields of the page allocator's events. */
enum field {
	FIELD_PAGE,
	FIELD_PFN,
	FIELD_ORDER,
	FIELD_MIGRATETYPE,
	FIELD_GFP,
	FIELD_ALLOC_ORDER,
	FIELD_FALLBACK_ORDER,
	NR_FIELDS
};

static const struct {
	const char *name;
	unsigned length;
} field_names[NR_FIELDS] = {
	[FIELD_PAGE] = { "page", 4 },
	[FIELD_PFN] = { "pfn", 3 },
	[FIELD_ORDER] = { "order", 5 },
	[FIELD_MIGRATETYPE] = { "migratetype", 11 },
	[FIELD_GFP] = { "gfp_flags", 9 },
	[FIELD_ALLOC_ORDER] = { "alloc_order", 11 },
	[FIELD_FALLBACK_ORDER] = { "fallback_order", 14 },
};

#define NEEDS(field) (1u << (field))

/* The events that are read, and what each must have. */
static const struct {
	const char *name;
	unsigned needs;
} events[LAB_NR_EVENTS] = {
	[LAB_PAGE_ALLOC] = { "mm_page_alloc", NEEDS(FIELD_PFN) | NEEDS(FIELD_ORDER) |
						      NEEDS(FIELD_MIGRATETYPE) | NEEDS(FIELD_GFP) },
	[LAB_PAGE_FREE] = { "mm_page_free", NEEDS(FIELD_PFN) | NEEDS(FIELD_ORDER) },
	[LAB_PAGE_FREE_BATCHED] = { "mm_page_free_batched",
				    NEEDS(FIELD_PFN) | NEEDS(FIELD_ORDER) },
	[LAB_PAGE_ZONE_LOCKED] = { "mm_page_alloc_zone_locked",
				   NEEDS(FIELD_PFN) | NEEDS(FIELD_ORDER) |
					   NEEDS(FIELD_MIGRATETYPE) },
	[LAB_PAGE_PCPU_DRAIN] = { "mm_page_pcpu_drain", NEEDS(FIELD_PFN) | NEEDS(FIELD_ORDER) |
								NEEDS(FIELD_MIGRATETYPE) },
	[LAB_PAGE_EXTFRAG] = { "mm_page_alloc_extfrag",
			       NEEDS(FIELD_PFN) | NEEDS(FIELD_ALLOC_ORDER) |
				       NEEDS(FIELD_FALLBACK_ORDER) },
};

const char *lab_event_name(enum lab_event_kind kind)
{
	return (unsigned)kind < LAB_NR_EVENTS ? events[kind].name : NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static size_t piece_length(struct piece t)
{
	return (size_t)(t.end - t.p);
}

/* Is @t the string @s? */
static bool piece_is(struct piece t, const char *s)
{
	while (t.p < t.end && *s && *t.p == *s)
		t.p++, s++;
	return t.p == t.end && !*s;
}

/* Take @s off the front of @t, if it is there. */
static bool take(struct piece *t, const char *s)
{
	const char *p = t->p;

	while (*s && p < t->end && *p == *s)
		p++, s++;
	if (*s)
		return false;
	t->p = p;
	return true;
}

static void skip_blanks(struct piece *t)
{
	while (t->p < t->end && is_blank(*t->p))
		t->p++;
}

/* Take what stands up to the next blank off the front of @t. */
static struct piece take_word(struct piece *t)
{
	struct piece word = { t->p, t->p };

	while (word.end < t->end && !is_blank(*word.end))
		word.end++;
	t->p = word.end;
	return word;
}

/* Take a decimal number off the front of @t; false if there is none, or it exceeds 64 bits. */
static bool take_decimal(struct piece *t, uint64_t *out)
{
	const char *p = t->p;
	uint64_t v = 0;

	for (; p < t->end && is_digit(*p); p++) {
		unsigned digit = (unsigned)(*p - '0');
		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (p == t->p)
		return false;
	t->p = p;
	*out = v;
	return true;
}

/* A whole value: 0x and hexadecimal digits, or decimal ones. Returns what is wrong, or NULL. */
static const char *read_number(struct piece t, uint64_t *out)
{
	uint64_t v = 0;

	if (!take(&t, "0x")) {
		for (const char *p = t.p; p < t.end; p++) {
			if (!is_digit(*p))
				return "not a number";
		}
		if (t.p == t.end)
			return "not a number";
		return take_decimal(&t, out) ? NULL : "number too large";
	}
	if (t.p == t.end)
		return "not a number";
	for (; t.p < t.end; t.p++) {
		int digit = hex_value(*t.p);
		if (digit < 0)
			return "not a number";
		if (v >> 60)
			return "number too large";
		v = v << 4 | (unsigned)digit;
	}
	*out = v;
	return NULL;
}

/* "31.573663:" or "1234:" (the clocks that count): to nanoseconds, or to the count. */
static bool take_time(struct piece *t, uint64_t *ns)
{
	uint64_t seconds, fraction = 0;
	uint64_t unit = 1000000000;

	if (!take_decimal(t, &seconds))
		return false;
	if (take(t, ":")) {
		*ns = seconds;
		return true;
	}
	if (!take(t, "."))
		return false;
	for (; t->p < t->end && is_digit(*t->p); t->p++) {
		unit /= 10;
		fraction += (uint64_t)(*t->p - '0') * unit;
	}
	if (!take(t, ":") || seconds > UINT64_MAX / 1000000000 - 1)
		return false;
	*ns = seconds * 1000000000 + fraction;
	return true;
}

/* What stands before "[CPU]": TASK-PID, TASK-PID (TGID), TASK PID or TASK PID/TID. */
static bool read_task(struct piece t, struct lab_event *ev)
{
	const char *p;
	struct piece number;

	skip_blanks(&t);
	while (t.end > t.p && is_blank(t.end[-1]))
		t.end--;
	if (t.end > t.p && t.end[-1] == ')') {
		while (t.end > t.p && t.end[-1] != '(')
			t.end--;
		if (t.end > t.p)
			t.end--;
		while (t.end > t.p && is_blank(t.end[-1]))
			t.end--;
	}
	for (p = t.end; p > t.p && is_digit(p[-1]); p--)
		;
	number = (struct piece){ p, t.end };
	if (!take_decimal(&number, &ev->pid))
		return false;
	if (p > t.p && p[-1] == '/') {
		for (p--; p > t.p && is_digit(p[-1]); p--)
			;
	}
	if (p == t.p || (p[-1] != '-' && p[-1] != ' '))
		return false;
	for (p--; p > t.p && is_blank(p[-1]); p--)
		;
	ev->task = t.p;
	ev->task_length = (size_t)(p - t.p);
	return true;
}

/* "[CPU] [FLAGS] TIME: [PERIOD]" at the front of @t. */
static bool take_middle(struct piece *t, struct lab_event *ev)
{
	uint64_t cpu, period;

	if (!take(t, "[") || !take_decimal(t, &cpu) || !take(t, "]") || cpu > UINT16_MAX)
		return false;
	skip_blanks(t);
	if (t->p < t->end && !is_digit(*t->p)) {
		take_word(t);
		skip_blanks(t);
	}
	if (!take_time(t, &ev->time_ns))
		return false;
	skip_blanks(t);

	struct piece rest = *t;
	if (take_decimal(&rest, &period) && rest.p < rest.end && is_blank(*rest.p)) {
		skip_blanks(&rest);
		*t = rest;
	}
	ev->cpu = (unsigned)cpu;
	return true;
}

/* Find the middle of the line: after it @t is at the event's name. */
static bool find_event(struct piece *t, struct lab_event *ev)
{
	for (const char *p = t->p; p < t->end; p++) {
		struct piece rest = { p, t->end };
		if (*p != '[' || !take_middle(&rest, ev))
			continue;
		if (!read_task((struct piece){ t->p, p }, ev))
			continue;
		*t = rest;
		return true;
	}
	return false;
}

/* "LOST 123 EVENTS", "123 EVENTS DROPPED", "LOST EVENTS", "EVENTS DROPPED" of "CPU:0 [...]". */
static bool read_lost(struct piece t, struct lab_event *ev)
{
	uint64_t cpu;

	if (!take(&t, "CPU:") || !take_decimal(&t, &cpu) || cpu > UINT16_MAX)
		return false;
	skip_blanks(&t);
	if (!take(&t, "["))
		return false;
	if (take(&t, "LOST "))
		(void)take_decimal(&t, &ev->lost);
	else if (take_decimal(&t, &ev->lost))
		skip_blanks(&t);
	skip_blanks(&t);
	if (!take(&t, "EVENTS"))
		return false;
	(void)take(&t, " DROPPED");
	if (!piece_is(t, "]"))
		return false;
	ev->kind = LAB_EVENT_LOST;
	ev->cpu = (unsigned)cpu;
	return true;
}

/* A line of a stack: " => symbol" of ftrace, or an address and a symbol of perf. */
static bool is_stack(struct piece t)
{
	const char *line = t.p;
	unsigned digits = 0;

	skip_blanks(&t);
	if (take(&t, "=> "))
		return true;
	if (t.p == line)
		return false;
	while (t.p < t.end && hex_value(*t.p) >= 0)
		t.p++, digits++;
	return digits >= 4 && digits <= 16 && t.p < t.end && *t.p == ' ';
}

/* The lines that trace-cmd report prints before the events. */
static bool is_header(struct piece t)
{
	uint64_t number;
	struct piece rest = t;

	if (take(&rest, "cpus=") || take(&rest, "version = "))
		return take_decimal(&rest, &number) && rest.p == rest.end;
	return take(&rest, "CPU ") && take_decimal(&rest, &number) && piece_is(rest, " is empty");
}

/* A line without the shape of an event. */
static const char *read_plain(struct piece t, struct lab_event *ev)
{
	struct piece rest = t;

	*ev = (struct lab_event){ .kind = LAB_EVENT_NONE };
	skip_blanks(&rest);
	if (read_lost(rest, ev) || is_stack(t) || is_header(rest))
		return NULL;
	return "no line of a recording";
}

/* Find the fields that are needed among KEY=VALUE KEY=VALUE … */
static const char *read_fields(struct piece t, struct piece values[NR_FIELDS], unsigned *seen)
{
	*seen = 0;
	for (skip_blanks(&t); t.p < t.end; skip_blanks(&t)) {
		struct piece key = { t.p, t.p };
		struct piece value = take_word(&t);

		while (key.end < value.end && *key.end != '=')
			key.end++;
		if (key.end == value.end)
			continue;
		value.p = key.end + 1;
		for (unsigned i = 0; i < NR_FIELDS; i++) {
			if (piece_length(key) != field_names[i].length ||
			    !piece_is(key, field_names[i].name))
				continue;
			if (*seen & NEEDS(i))
				return "the same field twice";
			/* Old kernels pad a null pointer with blanks. */
			if (i == FIELD_PAGE && value.p == value.end) {
				skip_blanks(&t);
				value = take_word(&t);
			}
			*seen |= NEEDS(i);
			values[i] = value;
			break;
		}
	}
	return NULL;
}

/* Is this how %p prints NULL, in any kernel and in perf? A missing field counts as one. */
static bool is_null_pointer(struct piece t, bool present)
{
	if (!present || piece_is(t, "(null)") || piece_is(t, "(nil)"))
		return true;
	(void)take(&t, "0x");
	while (t.p < t.end && *t.p == '0')
		t.p++;
	return t.p == t.end;
}

static const char *read_order(struct piece t, unsigned *out)
{
	uint64_t v;
	const char *why = read_number(t, &v);

	if (why)
		return "order: not a number";
	if (v > QUIRE_ORDER_MAX)
		return "order: beyond 10";
	*out = (unsigned)v;
	return NULL;
}

static const char *read_pfn(const struct piece *values, unsigned seen, struct lab_event *ev)
{
	uint64_t pfn;
	bool null = is_null_pointer(values[FIELD_PAGE], seen & NEEDS(FIELD_PAGE));

	const char *why = read_number(values[FIELD_PFN], &pfn);
	if (why)
		return "pfn: no frame number";
	/* A request that failed: pfn -1 (to Linux 4.0 and where it is printed raw) or 0. */
	if (pfn == UINT64_MAX || (pfn == UINT32_MAX && null) || (pfn == 0 && null)) {
		if (ev->kind == LAB_PAGE_FREE || ev->kind == LAB_PAGE_FREE_BATCHED)
			return "pfn: no frame number";
		ev->null = true;
		return NULL;
	}
	if (pfn >= PFN_END)
		return "pfn: beyond any memory";
	ev->pfn = quire_pfn(pfn);
	return NULL;
}

/* The fields of an event of the page allocator; its kind is in @ev. */
static const char *read_page_event(struct piece t, struct lab_event *ev)
{
	struct piece values[NR_FIELDS] = { { 0 } };
	unsigned seen, needs = events[ev->kind].needs;
	uint64_t number;

	const char *why = read_fields(t, values, &seen);
	if (why)
		return why;
	if ((seen & needs) != needs)
		return "cut short: a field is missing";
	why = read_pfn(values, seen, ev);
	if (why)
		return why;
	why = read_order(values[needs & NEEDS(FIELD_ORDER) ? FIELD_ORDER : FIELD_ALLOC_ORDER],
			 &ev->order);
	if (why)
		return why;
	if (needs & NEEDS(FIELD_MIGRATETYPE)) {
		if (read_number(values[FIELD_MIGRATETYPE], &number) || number >= MIGRATETYPE_END)
			return "migratetype: out of range";
		ev->migratetype = (unsigned)number;
	}
	if (ev->pfn.v & ((UINT64_C(1) << ev->order) - 1))
		return "pfn: no multiple of the block's size";
	struct piece gfp = values[FIELD_GFP];
	if (ev->kind == LAB_PAGE_ALLOC &&
	    trace_gfp(gfp.p, piece_length(gfp), &ev->gfp, &ev->gfp_ignored))
		return "gfp_flags: unknown flag";
	return NULL;
}

/* No "NAME:" after the time: a stack's title, a function tracer's line, perf's own. */
static const char *read_nameless(struct piece word, struct piece rest, struct lab_event *ev)
{
	struct piece t = word;

	if (take(&t, "PERF_RECORD_")) {
		skip_blanks(&rest);
		if (piece_is(t, "LOST") && take(&rest, "lost ")) {
			ev->kind = LAB_EVENT_LOST;
			return take_decimal(&rest, &ev->lost) ? NULL : "lost: not a number";
		}
		return NULL;
	}
	if (take(&t, "<"))
		return NULL;
	skip_blanks(&rest);
	if (take(&rest, "<-") && piece_length(rest) > 0) {
		ev->name = "function";
		ev->name_length = 8;
		return NULL;
	}
	return "cut short: no event";
}

/* From the event's name on. */
static const char *read_event(struct piece t, struct lab_event *ev)
{
	struct piece word = take_word(&t);

	ev->kind = LAB_EVENT_OTHER;
	ev->name = word.p;
	ev->name_length = piece_length(word);
	if (word.p == word.end || word.end[-1] != ':')
		return read_nameless(word, t, ev);
	word.end--;
	(void)take(&word, "kmem:");
	if (word.p == word.end)
		return "cut short: no event";
	ev->name = word.p;
	ev->name_length = piece_length(word);

	struct piece rest = word;
	if (!take(&rest, "mm_page_"))
		return NULL;
	for (unsigned kind = LAB_PAGE_ALLOC; kind < LAB_NR_EVENTS; kind++) {
		if (piece_is(word, events[kind].name)) {
			ev->kind = (enum lab_event_kind)kind;
			return read_page_event(t, ev);
		}
	}
	return NULL;
}

int lab_trace_line(const char *line, size_t length, struct lab_event *out, const char **why)
{
	struct piece t = { line, line + length };

	*out = (struct lab_event){ .kind = LAB_EVENT_NONE };
	if (length > 0 && line[length - 1] == '\r')
		t.end--;

	struct piece rest = t;
	skip_blanks(&rest);
	if (rest.p == rest.end || *rest.p == '#')
		*why = NULL;
	else if (find_event(&t, out))
		*why = read_event(t, out);
	else
		*why = read_plain(t, out);
	return *why ? -QUIRE_EINVAL : 0;
}
