/* SPDX-License-Identifier: MIT */
/*
 * map.c - what the lines of a memory map come to
 *
 * Lines are kept in the order of the text until its end, for only then it is
 * known which of them count: a map given by the user replaces the firmware's,
 * /proc/iomem counts where there is no firmware's map, and the ranges of nodes where there is
 * nothing else. Then the changes that the kernel made are made to it, in order.
 * Overlaps may stay: quire_boot_map resolves them, as the kernel did.
 */
#include "map.h"

#include <quire/error.h>
#include <quire/format.h>
#include <quire/port.h>

#include "map_line.h"

#define CAPACITY_FIRST 32
/* Each change looks at every entry. Linux's table of entries has not so many places. */
#define CHANGES_MAX 4096

#define KB ((uint64_t)1 << 10)
#define MB ((uint64_t)1 << 20)
#define GB ((uint64_t)1 << 30)

void lab_map_init(struct lab_map *m, void *host)
{
	*m = (struct lab_map){ .host = host };
}

void lab_map_done(struct lab_map *m)
{
	if (m->lines)
		quire_port_free(m->host, m->lines, m->lines_capacity * sizeof(*m->lines));
	if (m->entries)
		quire_port_free(m->host, m->entries, m->entries_capacity * sizeof(*m->entries));
	lab_map_init(m, m->host);
}

/*
 * A larger array of @size bytes an element, zeroed; @capacity is the old length and
 * becomes the new one. NULL without memory. The caller moves what is in it.
 */
static void *array_double(struct lab_map *m, size_t *capacity, size_t size)
{
	size_t more = *capacity ? *capacity * 2 : CAPACITY_FIRST;
	void *p;

	if (*capacity > SIZE_MAX / 2 / size)
		return NULL;
	p = quire_port_alloc(m->host, quire_phys(QUIRE_PORT_ANYWHERE), more * size);
	if (p)
		*capacity = more;
	return p;
}

int map_push(struct lab_map *m, const struct lab_map_line *line)
{
	if (m->nr_lines == m->lines_capacity) {
		size_t old = m->lines_capacity;
		struct lab_map_line *lines = array_double(m, &m->lines_capacity, sizeof(*lines));

		if (!lines)
			return -QUIRE_ENOMEM;
		for (size_t i = 0; i < m->nr_lines; i++)
			lines[i] = m->lines[i];
		if (m->lines)
			quire_port_free(m->host, m->lines, old * sizeof(*lines));
		m->lines = lines;
	}
	if (line->what == LINE_CHANGE || line->what == LINE_REMOVE) {
		if (m->nr_changes == CHANGES_MAX)
			return -QUIRE_E2BIG;
		m->nr_changes++;
	}
	if (line->what < LINE_NR_SOURCES)
		m->sources |= 1u << line->what;
	m->lines[m->nr_lines] = *line;
	m->lines[m->nr_lines++].log = m->in_log;
	return 0;
}

void map_forget_log(struct lab_map *m)
{
	size_t kept = 0;

	m->sources = 0;
	m->nr_changes = 0;
	for (size_t i = 0; i < m->nr_lines; i++) {
		if (m->lines[i].log)
			continue;
		if (m->lines[i].what < LINE_NR_SOURCES)
			m->sources |= 1u << m->lines[i].what;
		m->lines[kept++] = m->lines[i];
	}
	m->nr_lines = kept;
	m->command_line = false;
	m->has_dma32 = false;
	m->has_highmem = false;
	m->wide = false;
	m->normal_end = 0;
}

static int entry_push(struct lab_map *m, uint64_t first, uint64_t last, uint32_t type)
{
	if (m->nr_entries == m->entries_capacity) {
		size_t old = m->entries_capacity;
		struct quire_map_entry *entries = array_double(m, &m->entries_capacity,
							       sizeof(*entries));

		if (!entries)
			return -QUIRE_ENOMEM;
		for (size_t i = 0; i < m->nr_entries; i++)
			entries[i] = m->entries[i];
		if (m->entries)
			quire_port_free(m->host, m->entries, old * sizeof(*entries));
		m->entries = entries;
	}
	m->entries[m->nr_entries++] = (struct quire_map_entry){ first, last + 1, type };
	return 0;
}

/*
 * Make one change to one entry:
 *
 *     entry    |=========from=========|
 *     change         |---to---|
 *     becomes  |=====|        |=======|   two more entries
 *                    |===to===|           in its place, or nothing
 *
 * @gone: nothing is left in its place
 */
static int change_entry(struct lab_map *m, size_t i, const struct lab_map_line *line, bool *gone)
{
	struct quire_map_entry entry = m->entries[i];
	uint64_t last = entry.end - 1, low, high;
	int error = 0;

	*gone = false;
	low = entry.start > line->first ? entry.start : line->first;
	high = last < line->last ? last : line->last;
	if ((line->from != TYPE_ANY && entry.type != line->from) || low > high)
		return 0;
	if (entry.start < low)
		error = entry_push(m, entry.start, low - 1, entry.type);
	if (!error && high < last)
		error = entry_push(m, high + 1, last, entry.type);
	if (error)
		return error;
	m->entries[i] = (struct quire_map_entry){ low, high + 1, line->to };
	*gone = line->what == LINE_REMOVE;
	return 0;
}

static int change_map(struct lab_map *m, const struct lab_map_line *line)
{
	size_t i = 0;

	/* What change_entry appends is out of the change's reach. */
	while (i < m->nr_entries) {
		bool gone;
		int error = change_entry(m, i, line, &gone);

		if (error)
			return error;
		if (gone)
			m->entries[i] = m->entries[--m->nr_entries];
		else
			i++;
	}
	return 0;
}

/* The machine that the log was printed on, if its zones tell. */
static void find_machine(struct lab_map *m)
{
	if (m->has_machine || (!m->has_dma32 && !m->has_highmem))
		return;
	m->has_machine = true;
	if (m->has_dma32)
		m->machine = QUIRE_X86_64;
	else
		m->machine = m->wide ? QUIRE_I386_PAE : QUIRE_I386;
}

/* All lines of @source become entries, and the changes are made. */
static int build_entries(struct lab_map *m, enum lab_line source)
{
	bool user = false; /* a map by the user has the changes before it in it */
	int error = 0;

	m->nr_entries = 0;
	for (size_t i = 0; !error && i < m->nr_lines; i++) {
		const struct lab_map_line *line = &m->lines[i];

		if (line->what == source)
			error = entry_push(m, line->first, line->last, line->to);
	}
	for (size_t i = 0; !error && i < m->nr_lines; i++) {
		const struct lab_map_line *line = &m->lines[i];

		user = user || line->what == LINE_USER;
		if (source == LINE_USER && (!user || line->command))
			continue;
		if (line->what == LINE_ADD)
			error = entry_push(m, line->first, line->last, line->to);
		else if (line->what == LINE_CHANGE || line->what == LINE_REMOVE)
			error = change_map(m, line);
	}
	return error;
}

int lab_map_finish(struct lab_map *m, struct lab_error *err)
{
	enum lab_line source = LINE_NR_SOURCES;
	int error;

	while (source > 0 && !(m->sources & (1u << (source - 1))))
		source--;
	*err = (struct lab_error){ 0 };
	if (!source) {
		quire_format_buffer(err->text, sizeof(err->text), "no memory map in it");
		return -QUIRE_EINVAL;
	}
	error = build_entries(m, source - 1);
	if (error)
		quire_format_buffer(err->text, sizeof(err->text), "not enough memory");
	find_machine(m);
	return error;
}

int lab_map_text(struct lab_map *m, const char *text, size_t length, struct lab_error *err)
{
	unsigned long number = 1;

	for (size_t at = 0; at < length; number++) {
		size_t end = at;
		int error;

		while (end < length && text[end] != '\n')
			end++;
		error = lab_map_line(m, text + at, end - at, number, err);
		if (error)
			return error;
		at = end + 1;
	}
	return lab_map_finish(m, err);
}

int lab_map_ram(struct lab_map *m, enum quire_machine machine, uint64_t bytes)
{
	static const unsigned char bits[QUIRE_NR_MACHINES] = { 32, 36, 46, 52 };
	/* Below 4G of an i386 the firmware itself must have a place. */
	uint64_t low_end = machine == QUIRE_I386 ? 4 * GB - 256 * KB : 3 * GB;
	uint64_t high = bytes > 3 * GB && machine != QUIRE_I386 ? bytes - 3 * GB : 0;
	const struct lab_map_line lines[] = {
		{ .first = 0, .last = 639 * KB - 1, .to = QUIRE_MAP_USABLE },
		{ .first = 639 * KB, .last = 640 * KB - 1, .to = QUIRE_MAP_RESERVED },
		{ .first = 960 * KB, .last = 1 * MB - 1, .to = QUIRE_MAP_RESERVED },
		{ .first = 1 * MB, .last = low_end - 1, .to = QUIRE_MAP_USABLE },
		{ .first = 4 * GB - 256 * KB, .last = 4 * GB - 1, .to = QUIRE_MAP_RESERVED },
		{ .first = 4 * GB, .last = 4 * GB + high - 1, .to = QUIRE_MAP_USABLE },
	};
	struct lab_error err;

	if (!bytes || bytes > UINT64_MAX - 1 * GB ||
	    bytes + (high ? 1 * GB : 0) > (uint64_t)1 << bits[machine])
		return -QUIRE_ERANGE;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct lab_map_line line = lines[i];
		int error;

		line.what = LINE_FIRMWARE;
		if (line.to == QUIRE_MAP_USABLE && line.first < 4 * GB && line.last >= bytes)
			line.last = bytes - 1;
		if (line.first > line.last || (line.first == 4 * GB && !high))
			continue;
		error = map_push(m, &line);
		if (error)
			return error;
	}
	m->has_machine = true;
	m->machine = machine;
	return lab_map_finish(m, &err);
}

int lab_map_boot(const struct lab_map *m, struct quire *q)
{
	int error = quire_boot_map(q, m->entries, m->nr_entries);

	for (size_t i = 0; !error && i < m->nr_lines; i++) {
		const struct lab_map_line *line = &m->lines[i];
		quire_phys_t start = quire_phys(line->first), end = quire_phys(line->last + 1);

		if (!end.v)
			end.v = UINT64_MAX; /* 2^64 is no address */
		if (line->what == LINE_RESERVE)
			error = quire_memblock_reserve(q, start, end, (enum quire_reserve)line->to);
		else if (line->what == LINE_RELEASE)
			error = quire_memblock_free(q, start, end);
	}
	if (!error && m->kernel_end)
		error = quire_memblock_reserve(q, quire_phys(m->kernel_start),
					       quire_phys(m->kernel_end), QUIRE_RESERVE_KERNEL);
	return error;
}
