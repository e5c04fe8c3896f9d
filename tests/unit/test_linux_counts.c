/* SPDX-License-Identifier: MIT */
/*
 * test_linux_counts.c - zones as Linux counts them
 *
 * The recorded machines of examples/machines/linux hold a boot log and, from the same
 * machine, what Linux said of its zones afterwards. The same map and the same
 * reservations must give Linux's start, spanned and present.
 *
 * Watermarks and protection follow from the managed count. Linux computes them once,
 * early: the ramdisk and the kernel's init sections are given back later
 * ("Freeing initrd memory: 1140K") and raise managed, but nothing is computed
 * anew. So the count at that time is the final one less what the log says was
 * freed; what Linux took in ways that the log does not show (memblock calls are only
 * logged on demand) is reserved or released here frame by frame until the counts agree.
 */
#include <quire/boot.h>
#include <quire/page.h>

#include "map.h"

#include "test.h"

#define FOLDER "examples/machines/linux/"

/* A zone as the recording has it. */
struct linux_zone {
	bool listed;
	bool has_wmarks;
	uint64_t start, spanned, present, managed;
	uint64_t wmark[QUIRE_NR_WMARKS];
	unsigned nr_protection;
	uint64_t protection[QUIRE_NR_ZONES];
};

struct recording {
	char *text;
	size_t length;
	struct linux_zone zone[QUIRE_NR_ZONES];
	uint64_t freed; /* frames that were given back after the watermarks were set */
};

static char *read_file(const char *path, size_t *length)
{
	FILE *f = fopen(path, "rb");
	char *text = malloc(1 << 20);

	*length = f && text ? fread(text, 1, (1 << 20) - 1, f) : 0;
	if (f)
		fclose(f);
	if (text)
		text[*length] = 0;
	return text;
}

static int zone_by_name(const char *name)
{
	for (int z = 0; z < QUIRE_NR_ZONES; z++) {
		if (strcmp(quire_zone_name(z), name) == 0)
			return z;
	}
	return -1;
}

static void read_protection(struct linux_zone *zone, const char *p)
{
	for (; *p && *p != ')'; p += strcspn(p, ",)"), p += *p == ',') {
		if (zone->nr_protection < QUIRE_NR_ZONES)
			zone->protection[zone->nr_protection++] = strtoull(p, NULL, 10);
	}
}

/* A line of zoneinfo that belongs to @zone. */
static void read_zone_line(struct linux_zone *zone, const char *line)
{
	const char *open = strstr(line, "protection: (");
	unsigned long long n;

	if (sscanf(line, " spanned %llu", &n) == 1)
		zone->spanned = n;
	else if (sscanf(line, " present %llu", &n) == 1)
		zone->present = n;
	else if (sscanf(line, " managed %llu", &n) == 1)
		zone->managed = n;
	else if (sscanf(line, " start_pfn: %llu", &n) == 1)
		zone->start = n;
	else if (sscanf(line, " min %llu", &n) == 1)
		zone->wmark[QUIRE_WMARK_MIN] = n, zone->has_wmarks = true;
	else if (sscanf(line, " low %llu", &n) == 1)
		zone->wmark[QUIRE_WMARK_LOW] = n;
	/* A per-cpu list has a line "high:" too. */
	else if (sscanf(line, " high %llu", &n) == 1)
		zone->wmark[QUIRE_WMARK_HIGH] = n;
	else if (open)
		read_protection(zone, open + strlen("protection: ("));
}

/* Memory that was given back after init: all but the alternatives, freed before. */
static uint64_t freed_frames(const char *line)
{
	const char *freeing = strstr(line, "Freeing ");
	const char *size = freeing ? strstr(freeing, "memory: ") : NULL;

	if (!size || strstr(line, "SMP alternatives"))
		return 0;
	return strtoull(size + strlen("memory: "), NULL, 10) / 4;
}

static bool read_recording(const char *name, struct recording *r)
{
	char path[200], zone_name[16];
	struct linux_zone *zone = NULL;

	memset(r, 0, sizeof(*r));
	snprintf(path, sizeof(path), FOLDER "%s.txt", name);
	r->text = read_file(path, &r->length);
	char *copy = r->text ? strdup(r->text) : NULL;
	for (char *line = copy ? strtok(copy, "\n") : NULL; line; line = strtok(NULL, "\n")) {
		/* "Node 0, zone  DMA" alone begins a zone; with more behind it, it is buddyinfo. */
		if (sscanf(line, "Node 0, zone %15s", zone_name) == 1 && !strstr(line, " 0 ")) {
			int z = zone_by_name(zone_name);

			zone = z < 0 ? NULL : &r->zone[z];
			if (zone)
				zone->listed = true;
		} else if (zone) {
			read_zone_line(zone, line);
		}
		r->freed += freed_frames(line);
	}
	free(copy);
	return r->length > 0;
}

/* How many frames a zone has to manage more (or fewer) than it would. */
struct change {
	uint64_t start, end; /* the zone, in frames */
	int64_t nr;
};

static uint64_t up(uint64_t bytes)
{
	return (bytes + QUIRE_PAGE_SIZE - 1) >> QUIRE_PAGE_SHIFT;
}

/* Takes (or gives back) whole frames of the zone until the change is done. */
static void apply(struct quire *q, const struct change *c)
{
	enum quire_memblock_list list = c->nr < 0 ? QUIRE_MEMBLOCK_FREE : QUIRE_MEMBLOCK_RESERVED;
	uint64_t left = (uint64_t)(c->nr < 0 ? -c->nr : c->nr);
	struct quire_range range;

	for (size_t i = 0; left && quire_memblock_get(q, list, i, &range); i++) {
		uint64_t start = up(range.start), end = range.end >> QUIRE_PAGE_SHIFT;

		start = start > c->start ? start : c->start;
		end = end < c->end ? end : c->end;
		if (start >= end)
			continue;
		end = end - start > left ? start + left : end;
		left -= end - start;
		i = (size_t)-1; /* the list has changed: from the beginning */
		if (c->nr < 0)
			CHECK_EQ(quire_memblock_reserve(q, quire_pfn_phys(quire_pfn(start)),
							quire_pfn_phys(quire_pfn(end)),
							QUIRE_RESERVE_OTHER),
				 0);
		else
			CHECK_EQ(quire_memblock_free(q, quire_pfn_phys(quire_pfn(start)),
						     quire_pfn_phys(quire_pfn(end))),
				 0);
	}
	CHECK_EQ(left, 0);
}

/* Boots the recording's machine with a change per zone, which may be NULL. */
static struct quire *boot(const struct recording *r, const struct change *changes)
{
	struct quire_config config;
	struct lab_error err;
	struct lab_map map;
	struct quire *q = NULL;

	lab_map_init(&map, NULL);
	CHECK_EQ(lab_map_text(&map, r->text, r->length, &err), 0);
	CHECK(map.has_machine);
	quire_config_init(&config, map.machine);
	config.lowmem_bytes = map.lowmem_bytes;
	config.frames_outside = true;
	CHECK_EQ(quire_create(&config, &q), 0);
	CHECK_EQ(lab_map_boot(&map, q), 0);
	for (int z = 0; changes && z < QUIRE_NR_ZONES; z++)
		apply(q, &changes[z]);
	CHECK_EQ(quire_boot_zones(q), 0);
	CHECK(quire_check(q, NULL));
	lab_map_done(&map);
	return q;
}

/* Where the kernel's image is, whose init sections Linux gave back. */
static struct quire_range kernel_image(struct quire *q)
{
	struct quire_range range, found = { .start = 0 };

	for (size_t i = 0; quire_memblock_get(q, QUIRE_MEMBLOCK_RESERVED, i, &range); i++) {
		if (range.what == QUIRE_RESERVE_KERNEL)
			found = range;
	}
	return found;
}

static void check_sizes(struct quire *q, const struct recording *r)
{
	for (int z = 0; z < QUIRE_NR_ZONES; z++) {
		const struct linux_zone *theirs = &r->zone[z];
		struct quire_zone_stat ours;

		quire_zone_stat(q, z, &ours);
		CHECK_EQ(ours.exists, theirs->listed);
		CHECK_EQ(ours.spanned, theirs->spanned);
		CHECK_EQ(ours.present, theirs->present);
		if (theirs->present)
			CHECK_EQ(ours.start.v, theirs->start);
	}
}

/* @freed frames of the kernel's zone are not managed yet. */
static void check_counts(struct quire *q, const struct recording *r, int kernel_zone,
			 uint64_t freed)
{
	for (int z = 0; z < QUIRE_NR_ZONES; z++) {
		const struct linux_zone *theirs = &r->zone[z];
		struct quire_zone_stat ours;
		unsigned n = 0;

		quire_zone_stat(q, z, &ours);
		CHECK_EQ(ours.managed, theirs->managed - (z == kernel_zone ? freed : 0));
		for (int w = 0; theirs->has_wmarks && w < QUIRE_NR_WMARKS; w++)
			CHECK_EQ(ours.wmark[w], theirs->wmark[w]);
		for (int i = 0; theirs->nr_protection && i < QUIRE_NR_ZONES; i++) {
			if (r->zone[i].listed)
				CHECK_EQ(ours.reserve[i], theirs->protection[n++]);
		}
		CHECK_EQ(n, theirs->nr_protection);
	}
}

static void compare(const char *name)
{
	struct change changes[QUIRE_NR_ZONES];
	struct quire_zone_stat stat;
	struct recording r;

	if (!read_recording(name, &r)) {
		printf("%s: can't be read\n", name);
		test_failures++;
		return;
	}
	struct quire *q = boot(&r, NULL);
	check_sizes(q, &r);
	struct quire_range kernel = kernel_image(q);
	struct quire_page *page = quire_pfn_page(q, quire_phys_pfn(quire_phys(kernel.start)));
	CHECK(page != NULL);
	int kernel_zone = page ? (int)quire_page_zone(q, page) : 0;
	for (int z = 0; z < QUIRE_NR_ZONES; z++) {
		uint64_t target = r.zone[z].managed - (z == kernel_zone ? r.freed : 0);

		quire_zone_stat(q, z, &stat);
		changes[z] = (struct change){ .start = stat.start.v,
					      .end = stat.start.v + stat.spanned,
					      .nr = (int64_t)(target - stat.managed) };
	}
	quire_destroy(q);

	q = boot(&r, changes);
	check_sizes(q, &r);
	check_counts(q, &r, kernel_zone, r.freed);
	if (r.freed) {
		/* The count grows, the watermarks stay. At the end: apply() takes at the start. */
		uint64_t end = kernel.end & ~(uint64_t)(QUIRE_PAGE_SIZE - 1);
		uint64_t start = end - (r.freed << QUIRE_PAGE_SHIFT);

		CHECK_EQ(quire_boot_release(q, quire_phys(start), quire_phys(end)), 0);
		check_counts(q, &r, kernel_zone, 0);
		CHECK(quire_check(q, NULL));
	}
	quire_destroy(q);
	free(r.text);
}

TEST(recorded_1)
{
	compare("recorded-1");
}
TEST(recorded_2)
{
	compare("recorded-2");
}
TEST(recorded_3)
{
	compare("recorded-3");
}
TEST(amd64_128m)
{
	compare("amd64-128m");
}
TEST(amd64_2g_holes)
{
	compare("amd64-2g-holes");
}
TEST(i386_3g)
{
	compare("i386-3g");
}
TEST(i386pae_1500m)
{
	compare("i386pae-1500m");
}

TEST_MAIN(CASE(recorded_1), CASE(recorded_2), CASE(recorded_3), CASE(amd64_128m),
	  CASE(amd64_2g_holes), CASE(i386_3g), CASE(i386pae_1500m))
