/* SPDX-License-Identifier: MIT */
/*
 * map_line.c - read one line of a memory map
 *
 * A line's beginning decides what it is, by one table, after the prefixes that a kernel
 * log's lines have were taken off. From there on it must be as the table says:
 * its reader sets .why and gives up at the first byte that is not. /proc/iomem's lines
 * have no such beginning; they are known by their form, and their indentation counts.
 */
#include "map_line.h"

#include <quire/error.h>
#include <quire/format.h>

#include "scan.h"
#include "size.h"

#define SYSLOG_PREFIX_MAX 120
#define BRACKET_PREFIX_MAX 32
#define ADDRESS_DIGITS 8 /* Linux prints so many at least; /proc/ioports has fewer */
#define WIDE_DIGITS 16   /* what a 64-bit address is printed with */
#define QUOTE_MAX 60     /* of the line in an error */
#define SOFT_RESERVED 0xefffffffu

/** A range as a line gives it; empty when last < first. */
struct span {
	uint64_t first;
	uint64_t last;
	unsigned digits; /* that its first number was written with */
};

static bool span_empty(const struct span *span)
{
	return span->last < span->first;
}

/* ---- The pieces of a line ---- */

/* "[mem 0x0-0xfff]", "[0x0-0xfff]", last byte included; or "0 - 1000", which is not. */
static bool take_span(struct scan *s, struct span *span)
{
	bool bracket;
	uint64_t end;

	scan_blanks(s);
	bracket = scan_take(s, "[");
	if (bracket)
		scan_take(s, "mem ");
	span->digits = scan_hex(s, &span->first);
	if (!span->digits)
		return false;
	scan_blanks(s);
	if (!scan_take(s, "-"))
		return scan_fail(s, "\"-\" expected");
	scan_blanks(s);
	if (!scan_hex(s, &end))
		return false;
	if (bracket && !scan_take(s, "]"))
		return scan_fail(s, "\"]\" expected");
	/* An empty range is fine: that is how size 0 prints. 2^64 prints as 0. */
	span->last = bracket ? end : end - 1;
	if (!bracket && end == span->first) {
		*span = (struct span){ 1, 0, span->digits };
		return true;
	}
	if (span_empty(span) && span->last != span->first - 1)
		return scan_fail(s, "it ends before it starts");
	return true;
}

/* "type 20" and the like, with or without a closing bracket that stays. */
static bool take_type_number(struct scan *s, uint32_t *type)
{
	uint64_t number;

	if (!scan_number(s, 10, &number))
		return false;
	if (number >= TYPE_ANY)
		return scan_fail(s, "number too large");
	*type = (uint32_t)number;
	return true;
}

static bool take_type(struct scan *s, uint32_t *type)
{
	static const struct {
		const char *word;
		uint32_t type;
	} types[] = {
		{ "usable", QUIRE_MAP_USABLE },       { "reserved", QUIRE_MAP_RESERVED },
		{ "ACPI data", QUIRE_MAP_ACPI_DATA }, { "ACPI NVS", QUIRE_MAP_ACPI_NVS },
		{ "unusable", QUIRE_MAP_UNUSABLE },   { "soft reserved", SOFT_RESERVED },
	};
	bool bracket;

	scan_blanks(s);
	bracket = scan_take(s, "(");
	if (scan_take(s, "type ")) {
		if (!take_type_number(s, type))
			return false;
	} else if (scan_take(s, "persistent (type ")) {
		if (!take_type_number(s, type))
			return false;
		if (!scan_take(s, ")"))
			return scan_fail(s, "\")\" expected");
	} else {
		size_t i = 0, nr = sizeof(types) / sizeof(types[0]);

		while (i < nr && !scan_take(s, types[i].word))
			i++;
		if (i == nr)
			return scan_fail(s, "no type that is known");
		*type = types[i].type;
	}
	if (bracket && !scan_take(s, ")"))
		return scan_fail(s, "\")\" expected");
	return true;
}

/* How many hexadecimal digits come next */
static long hex_run(const struct scan *s)
{
	const char *at = s->at;

	while (at < s->end && scan_hex_value(*at) < 16)
		at++;
	return (long)(at - s->at);
}

static int damaged(struct scan *s, const char *why)
{
	s->why = why;
	return -QUIRE_EINVAL;
}

static int push_span(struct lab_map *m, const struct span *span, struct lab_map_line line)
{
	if (span_empty(span))
		return 0;
	line.first = span->first;
	line.last = span->last;
	return map_push(m, &line);
}

/* ---- One reader for each kind of line. @arg comes from the table ---- */

typedef int (*line_reader)(struct lab_map *m, struct scan *s, uint32_t arg);

static int read_map(struct lab_map *m, struct scan *s, uint32_t arg)
{
	struct lab_map_line line = { .what = (enum lab_line)arg };
	struct span span;

	if (!take_span(s, &span) || !take_type(s, &line.to) || !scan_end(s))
		return -QUIRE_EINVAL;
	return push_span(m, &span, line);
}

/* After "SRAT: Node ": "0 PXM 0 0-80000000" */
static int read_srat(struct lab_map *m, struct scan *s, uint32_t arg)
{
	struct lab_map_line line = { .what = (enum lab_line)arg, .to = QUIRE_MAP_USABLE };
	struct span span;
	uint64_t number;

	if (!scan_number(s, 10, &number))
		return -QUIRE_EINVAL;
	if (!scan_take(s, " PXM "))
		return damaged(s, "\"PXM\" expected");
	if (!scan_number(s, 10, &number) || !take_span(s, &span))
		return -QUIRE_EINVAL;
	scan_blanks(s);
	/* A place for memory, which need not be there, or not be RAM. */
	if (scan_rest_is(s, "hotplug") || scan_rest_is(s, "non-volatile") ||
	    scan_rest_is(s, "hotplug non-volatile"))
		return 0;
	return scan_end(s) ? push_span(m, &span, line) : -QUIRE_EINVAL;
}

/* After "e820: update": "[mem 0x0-0xfff] usable ==> reserved" */
static int read_update(struct lab_map *m, struct scan *s, uint32_t arg)
{
	struct lab_map_line line = { .what = (enum lab_line)arg };
	struct span span;

	if (!take_span(s, &span) || !take_type(s, &line.from))
		return -QUIRE_EINVAL;
	scan_blanks(s);
	if (!scan_take(s, "==>"))
		return damaged(s, "\"==>\" expected");
	if (!take_type(s, &line.to) || !scan_end(s))
		return -QUIRE_EINVAL;
	return push_span(m, &span, line);
}

/* After "e820: remove": "[mem 0xa0000-0xfffff] usable" */
static int read_remove(struct lab_map *m, struct scan *s, uint32_t arg)
{
	struct lab_map_line line = { .what = (enum lab_line)arg, .from = TYPE_ANY };
	struct span span;

	if (!take_span(s, &span))
		return -QUIRE_EINVAL;
	scan_blanks(s);
	if (s->at < s->end && !take_type(s, &line.from))
		return -QUIRE_EINVAL;
	return scan_end(s) ? push_span(m, &span, line) : -QUIRE_EINVAL;
}

/* After "memblock_reserve:" and the like: a range, and then who called */
static int read_memblock(struct lab_map *m, struct scan *s, uint32_t arg)
{
	struct lab_map_line line = { .what = (enum lab_line)arg, .to = QUIRE_RESERVE_OTHER };
	struct span span;

	if (line.what == LINE_REMOVE)
		line.from = QUIRE_MAP_USABLE;
	if (!take_span(s, &span))
		return -QUIRE_EINVAL;
	if (span.digits >= WIDE_DIGITS)
		m->wide = true;
	return push_span(m, &span, line);
}

/* After "reserved[0x": "0]\t[0x0-0xffff], 0x10000 bytes flags: 0x0" */
static int read_dump(struct lab_map *m, struct scan *s, uint32_t arg)
{
	uint64_t index;

	if (!scan_number(s, 16, &index))
		return -QUIRE_EINVAL;
	if (!scan_take(s, "]"))
		return damaged(s, "\"]\" expected");
	return read_memblock(m, s, arg);
}

/* After "RAMDISK:": a range. Block devices have messages that begin so, too. */
static int read_ramdisk(struct lab_map *m, struct scan *s, uint32_t arg)
{
	struct lab_map_line line = { .what = (enum lab_line)arg, .to = QUIRE_RESERVE_INITRD };
	struct span span;

	scan_blanks(s);
	if (hex_run(s) < ADDRESS_DIGITS && (s->at == s->end || *s->at != '['))
		return 0;
	if (!take_span(s, &span) || !scan_end(s))
		return -QUIRE_EINVAL;
	return push_span(m, &span, line);
}

/*
 * After a zone's name: "[mem 0x1000-0xffffff]", of old "0x00000010 -> 0x00001000"
 * or "4096 -> 229376" in frames, or "empty". Other lines begin so, too: they are
 * told apart by what follows the name, and *known says so.
 */
static bool take_zone(struct scan *s, struct span *span, bool *known)
{
	uint64_t first, end;
	unsigned base;

	*span = (struct span){ 1, 0, 0 };
	*known = true;
	scan_blanks(s);
	if (scan_rest_is(s, "empty"))
		return true;
	if (s->at < s->end && *s->at == '[')
		return take_span(s, span) && scan_end(s);
	*known = false;
	base = scan_take(s, "0x") ? 16 : 10;
	if (!scan_number(s, base, &first))
		return true;
	scan_blanks(s);
	if (!scan_take(s, "->"))
		return true;
	*known = true;
	scan_blanks(s);
	scan_take(s, "0x");
	if (!scan_number(s, base, &end) || !scan_end(s))
		return false;
	if (first > end || end > UINT64_MAX >> QUIRE_PAGE_SHIFT)
		return scan_fail(s, "it ends before it starts, or is too large");
	if (first < end)
		*span = (struct span){ first << QUIRE_PAGE_SHIFT, (end << QUIRE_PAGE_SHIFT) - 1,
				       0 };
	return true;
}

static int read_zone(struct lab_map *m, struct scan *s, uint32_t arg)
{
	struct span span;
	bool known;

	if (!take_zone(s, &span, &known))
		return -QUIRE_EINVAL;
	if (!known)
		return 0;
	if (arg == QUIRE_ZONE_DMA32) {
		m->has_dma32 = true;
	} else if (arg == QUIRE_ZONE_NORMAL) {
		m->normal_end = span_empty(&span) ? 0 : span.last + 1;
	} else {
		m->has_highmem = true;
		m->lowmem_bytes = span_empty(&span) ? m->normal_end : span.first;
		if (!span_empty(&span) && span.last > UINT32_MAX)
			m->wide = true;
	}
	return 0;
}

/* ---- The kernel's command line ---- */

static int bad_word(struct scan *s, int error)
{
	return damaged(s, error == -QUIRE_ERANGE ? "number too large" : "size expected");
}

/* Nothing usable from @limit on */
static int limit_memory(struct lab_map *m, uint64_t limit)
{
	return map_push(m, &(struct lab_map_line){ .what = LINE_REMOVE,
						   .command = true,
						   .from = QUIRE_MAP_USABLE,
						   .first = limit,
						   .last = UINT64_MAX });
}

/* mem=64M; mem=nopentium is another matter. */
static int read_mem(struct lab_map *m, struct scan *s, struct scan *word)
{
	uint64_t limit;
	int error;

	if (word->at == word->end || !scan_is_digit(*word->at))
		return 0;
	error = lab_size(word->at, (size_t)(word->end - word->at), &limit);
	return error ? bad_word(s, error) : limit_memory(m, limit);
}

/* One item of memmap=: SIZE@START usable, # ACPI data, $ reserved, ! persistent */
static int read_memmap(struct lab_map *m, struct scan *s, const struct scan *item)
{
	static const struct {
		char mark;
		uint32_t type;
	} marks[] = {
		{ '@', QUIRE_MAP_USABLE },
		{ '#', QUIRE_MAP_ACPI_DATA },
		{ '$', QUIRE_MAP_RESERVED },
		{ '!', 12 },
	};
	struct lab_map_line line = { .what = LINE_ADD, .command = true };
	const char *mark = item->at;
	uint64_t size;
	int error;

	if (scan_rest_is(item, "exactmap"))
		return map_push(m, &(struct lab_map_line){ .what = LINE_REMOVE,
							   .command = true,
							   .from = TYPE_ANY,
							   .last = UINT64_MAX });
	for (; mark < item->end && !line.to; mark++) {
		for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
			if (*mark == marks[i].mark)
				line.to = marks[i].type;
		}
	}
	error = lab_size(item->at, (size_t)(mark - item->at) - (line.to ? 1 : 0), &size);
	if (!error && line.to)
		error = lab_size(mark, (size_t)(item->end - mark), &line.first);
	if (!error && line.to && size && line.first > UINT64_MAX - (size - 1))
		error = -QUIRE_ERANGE;
	if (error)
		return bad_word(s, error);
	if (!line.to)
		return limit_memory(m, size);
	line.last = line.first + size - 1;
	return size ? map_push(m, &line) : 0;
}

/* A log has the line twice; the second says nothing new. */
static int read_command_line(struct lab_map *m, struct scan *s, uint32_t arg)
{
	struct scan word;
	int error = 0;

	(void)arg;
	if (m->command_line)
		return 0;
	m->command_line = true;
	while (!error && scan_word(s, &word)) {
		if (scan_take(&word, "mem=")) {
			error = read_mem(m, s, &word);
		} else if (scan_take(&word, "memmap=")) {
			struct scan item = word;

			for (; !error && item.at <= word.end; item.at = item.end + 1) {
				item.end = item.at;
				while (item.end < word.end && *item.end != ',')
					item.end++;
				error = read_memmap(m, s, &item);
			}
		}
	}
	return error;
}

/* What a kernel says without meaning a reservation, though it begins as Quire's own lines. */
static int read_nothing(struct lab_map *m, struct scan *s, uint32_t arg)
{
	(void)m;
	(void)s;
	(void)arg;
	return 0;
}

/* After "Linux version ": a log that goes on with the next boot */
static int read_boot(struct lab_map *m, struct scan *s, uint32_t arg)
{
	(void)s;
	(void)arg;
	map_forget_log(m);
	return 0;
}

/* ---- Quire's own lines ---- */

static int read_number(struct scan *s, uint64_t *out)
{
	struct scan word;
	int error;

	scan_word(s, &word);
	error = lab_size(word.at, (size_t)(word.end - word.at), out);
	return error ? bad_word(s, error) : 0;
}

/* machine KIND [ram SIZE] */
static int read_machine(struct lab_map *m, struct scan *s, uint32_t arg)
{
	struct scan word;
	uint64_t bytes;
	unsigned machine = 0;
	int error;

	(void)arg;
	scan_word(s, &word);
	while (machine < QUIRE_NR_MACHINES &&
	       !scan_rest_is(&word, quire_machine_name((enum quire_machine)machine)))
		machine++;
	if (machine == QUIRE_NR_MACHINES)
		return damaged(s, "no machine that is known");
	scan_blanks(s);
	if (scan_take(s, "ram ")) {
		error = read_number(s, &bytes);
		if (error)
			return error;
		error = lab_map_ram(m, (enum quire_machine)machine, bytes);
		if (error == -QUIRE_ERANGE)
			return damaged(s, "more memory than it can address, or none");
		if (error)
			return error;
	}
	m->has_machine = true;
	m->machine = (enum quire_machine)machine;
	return scan_end(s) ? 0 : -QUIRE_EINVAL;
}

static int read_lowmem(struct lab_map *m, struct scan *s, uint32_t arg)
{
	int error = read_number(s, &m->lowmem_bytes);

	(void)arg;
	if (error)
		return error;
	return scan_end(s) ? 0 : -QUIRE_EINVAL;
}

/* ram, reserve and release: START-END, and who reserves it */
static int read_own(struct lab_map *m, struct scan *s, uint32_t arg)
{
	struct lab_map_line line = { .what = (enum lab_line)arg };
	struct scan word;
	uint64_t end;
	int error;

	scan_word(s, &word);
	error = lab_range(word.at, (size_t)(word.end - word.at), &line.first, &end);
	if (error)
		return damaged(s, error == -QUIRE_ERANGE ? "number too large"
							 : "range START-END expected");
	line.last = end - 1;
	if (line.what == LINE_FIRMWARE)
		line.to = QUIRE_MAP_USABLE;
	scan_blanks(s);
	if (line.what == LINE_RESERVE && s->at < s->end) {
		scan_word(s, &word);
		if (scan_rest_is(&word, "kernel"))
			line.to = QUIRE_RESERVE_KERNEL;
		else if (scan_rest_is(&word, "initrd"))
			line.to = QUIRE_RESERVE_INITRD;
		else if (!scan_rest_is(&word, "other"))
			return damaged(s, "kernel, initrd or other expected");
	}
	return scan_end(s) ? map_push(m, &line) : -QUIRE_EINVAL;
}

/* ---- /proc/iomem ---- */

/* The type that Linux prints so; 0 if it is no type but a device. *cut: it begins as one. */
static uint32_t iomem_type(const struct scan *name, bool *cut)
{
	static const uint32_t types[] = { QUIRE_MAP_USABLE,    QUIRE_MAP_RESERVED,
					  QUIRE_MAP_ACPI_DATA, QUIRE_MAP_ACPI_NVS,
					  QUIRE_MAP_UNUSABLE,  QUIRE_MAP_PERSISTENT,
					  SOFT_RESERVED,       12 };

	*cut = false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct scan whole = { quire_map_type_name(types[i]), NULL, NULL };
		size_t length = (size_t)(name->end - name->at), j = 0;

		if (scan_rest_is(name, whole.at))
			return types[i];
		while (j < length && whole.at[j] == name->at[j])
			j++;
		if (j == length)
			*cut = true;
	}
	return 0;
}

/* What an indented line says: of the kernel's image, or of the crash kernel's place. */
static int iomem_nested(struct lab_map *m, struct scan *name, const struct span *span)
{
	struct lab_map_line line = { .what = LINE_RESERVE, .to = QUIRE_RESERVE_OTHER };

	if (scan_take(name, "Crash kernel"))
		return push_span(m, span, line);
	if (!scan_take(name, "Kernel ") || span->last == UINT64_MAX)
		return 0;
	if (!m->kernel_end || span->first < m->kernel_start)
		m->kernel_start = span->first;
	if (span->last + 1 > m->kernel_end)
		m->kernel_end = span->last + 1;
	return 0;
}

/* "  1d000000-1d91bc7f : Kernel code". *known: it has that form, or begins so. */
static int read_iomem(struct lab_map *m, struct scan *s, bool *known)
{
	struct lab_map_line line = { .what = LINE_IOMEM };
	struct span span;
	bool nested = s->at < s->end && scan_is_blank(*s->at), cut;
	long digits;

	*known = false;
	scan_blanks(s);
	digits = hex_run(s);
	if (digits < ADDRESS_DIGITS || s->at + digits == s->end || s->at[digits] != '-')
		return 0;
	*known = true;
	if (!scan_number(s, 16, &span.first) || !scan_take(s, "-") ||
	    !scan_number(s, 16, &span.last))
		return -QUIRE_EINVAL;
	if (!scan_take(s, " : "))
		return damaged(s, "\" : \" and a name expected");
	for (const char *at = s->at; at < s->end; at++) {
		if (*at >= 0 && *at < ' ')
			return damaged(s, "no name");
	}
	if (span_empty(&span))
		return damaged(s, "it ends before it starts");
	if (!span.last)
		return damaged(s, "addresses are hidden; only root reads them");
	if (nested)
		return iomem_nested(m, s, &span);
	line.to = iomem_type(s, &cut);
	if (cut)
		return damaged(s, "the name is cut");
	return line.to ? push_span(m, &span, line) : 0;
}

/* ---- Lines by their beginning ---- */

/** How a line begins. The longer of two that begin alike comes first. */
struct beginning {
	const char *word;
	line_reader read;
	uint32_t arg;
	bool own; /* Quire's: not behind a log's prefix */
};

static const struct beginning beginnings[] = {
	{ "Linux version ", read_boot, 0, false },
	{ "BIOS-e820:", read_map, LINE_FIRMWARE, false },
	{ "BIOS-e801:", read_map, LINE_FIRMWARE, false },
	{ "BIOS-88:", read_map, LINE_FIRMWARE, false },
	{ "user:", read_map, LINE_USER, false },
	{ "SRAT: Node ", read_srat, LINE_SRAT, false },
	{ "ACPI: SRAT: Node ", read_srat, LINE_SRAT, false },
	{ "e820: update", read_update, LINE_CHANGE, false },
	{ "e820 update range:", read_update, LINE_CHANGE, false },
	{ "e820: remove", read_remove, LINE_REMOVE, false },
	{ "e820 remove range:", read_remove, LINE_REMOVE, false },
	{ "memblock_reserve:", read_memblock, LINE_RESERVE, false },
	{ "memblock_phys_free:", read_memblock, LINE_RELEASE, false },
	{ "memblock_free:", read_memblock, LINE_RELEASE, false },
	{ "memblock_remove:", read_memblock, LINE_REMOVE, false },
	{ "reserved[0x", read_dump, LINE_RESERVE, false },
	{ "RAMDISK:", read_ramdisk, LINE_RESERVE, false },
	{ "Command line: ", read_command_line, 0, false },
	{ "Kernel command line: ", read_command_line, 0, false },
	{ "DMA32 ", read_zone, QUIRE_ZONE_DMA32, false },
	{ "Normal ", read_zone, QUIRE_ZONE_NORMAL, false },
	{ "HighMem ", read_zone, QUIRE_ZONE_HIGHMEM, false },
	{ "reserve RAM buffer", read_nothing, 0, false },
	{ "reserve setup_data", read_nothing, 0, false },
	{ "machine", read_machine, 0, true },
	{ "lowmem", read_lowmem, 0, true },
	{ "ram", read_own, LINE_FIRMWARE, true },
	{ "reserve", read_own, LINE_RESERVE, true },
	{ "release", read_own, LINE_RELEASE, true },
};

/* "[    0.000000] ", "[    T0] ", "[Sat Nov 21 07:31:51 2026] " */
static bool take_bracket_prefix(struct scan *s)
{
	const char *at = s->at;
	bool digit = false;

	if (at == s->end || *at != '[')
		return false;
	for (at++; at < s->end && at - s->at < BRACKET_PREFIX_MAX && *at != ']'; at++)
		digit = digit || scan_is_digit(*at);
	if (at == s->end || *at != ']' || !digit)
		return false;
	s->at = at + 1;
	return true;
}

/* "<6>" */
static bool take_priority(struct scan *s)
{
	struct scan rest = *s;
	uint64_t number;

	if (!scan_take(&rest, "<") || !scan_number(&rest, 10, &number) || !scan_take(&rest, ">"))
		return false;
	s->at = rest.at;
	return true;
}

/* "Nov 21 07:31:51 host kernel: ": a time of day, and later that word */
static bool take_syslog_prefix(struct scan *s)
{
	struct scan rest = *s;
	bool time = false;

	for (; rest.at < rest.end && rest.at - s->at < SYSLOG_PREFIX_MAX; rest.at++) {
		if (rest.end - rest.at > 6 && scan_is_digit(rest.at[0]) && rest.at[1] == ':' &&
		    scan_is_digit(rest.at[2]) && scan_is_digit(rest.at[3]) && rest.at[4] == ':')
			time = true;
		if (time && scan_take(&rest, " kernel: ")) {
			s->at = rest.at;
			return true;
		}
	}
	return false;
}

/* Take off what a log puts before a line. Return: was there anything? */
static bool take_prefixes(struct scan *s)
{
	bool any = take_syslog_prefix(s);

	for (;;) {
		scan_blanks(s);
		if (!take_bracket_prefix(s) && !take_priority(s))
			return any;
		any = true;
	}
}

static int read_line(struct lab_map *m, struct scan *s)
{
	bool known, log;
	struct scan rest = *s;
	int error = read_iomem(m, &rest, &known);

	if (known) {
		*s = rest;
		return error;
	}
	log = take_prefixes(s);
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		const struct beginning *b = &beginnings[i];
		struct scan after = *s;

		if ((b->own && log) || !scan_take(&after, b->word))
			continue;
		if (b->own && after.at < after.end && !scan_is_blank(*after.at))
			continue;
		*s = after;
		m->in_log = !b->own;
		error = b->read(m, s, b->arg);
		m->in_log = false;
		return error;
	}
	if (scan_take(s, "BIOS-e") || scan_take(s, "BIOS-8"))
		return damaged(s, "BIOS-e820:, BIOS-e801: or BIOS-88: expected");
	return 0;
}

/* "LINE": WHY, the line cut to a length that can be read, and printable */
static void complain(struct lab_error *err, const struct scan *line, const char *why)
{
	char quote[QUOTE_MAX + 1];
	size_t length = (size_t)(line->end - line->at), i = 0;

	for (; i < length && i < QUOTE_MAX; i++)
		quote[i] = line->at[i] >= ' ' && line->at[i] <= '~' ? line->at[i] : '?';
	quote[i] = 0;
	quire_format_buffer(err->text, sizeof(err->text),
			    "damaged line of a memory map: %s: \"%s%s\"", why, quote,
			    i < length ? "..." : "");
}

int lab_map_line(struct lab_map *m, const char *text, size_t length, unsigned long number,
		 struct lab_error *err)
{
	struct scan line = { text, text + length, NULL }, s;
	int error;

	while (line.end > line.at &&
	       (scan_is_blank(line.end[-1]) || line.end[-1] == '\r' || line.end[-1] == '\n'))
		line.end--;
	s = line;
	error = read_line(m, &s);
	if (!error)
		return 0;
	*err = (struct lab_error){ .line = number };
	scan_blanks(&line);
	if (error == -QUIRE_EINVAL)
		complain(err, &line, s.why);
	else if (error == -QUIRE_E2BIG)
		quire_format_buffer(err->text, sizeof(err->text),
				    "too many changes of the memory map");
	else
		quire_format_buffer(err->text, sizeof(err->text), "not enough memory");
	return error == -QUIRE_ENOMEM ? error : -QUIRE_EINVAL;
}
