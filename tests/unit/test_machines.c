/* SPDX-License-Identifier: MIT */
/*
 * test_machines.c - the maps under examples/machines, the boots of Linux among them, and the
 * map of a machine with so much RAM
 */
#include "maps.h"

#include <quire/page.h>

/* ---- The examples ---- */

TEST(machines)
{
	static const struct {
		const char *name;
		enum quire_machine machine;
		size_t nr;          /* ranges of whole usable frames */
		uint64_t nr_frames; /* in them */
		uint64_t end;       /* of the last */
	} cases[] = {
		{ "i386-1.5g-highmem", QUIRE_I386, 2, 393102, 0x5fff0 },
		{ "i386-1g-nvs64bytes", QUIRE_I386, 2, 262030, 0x3fff0 },
		{ "i386-486-28m", QUIRE_I386, 2, 7070, 0x1c00 },
		{ "i386-486-8m", QUIRE_I386, 2, 1950, 0x800 },
		{ "i386-486dx2-16m", QUIRE_I386, 2, 3998, 0x1000 },
		{ "i386-4g-remap", QUIRE_I386, 2, 769934, 0xbbff0 },
		{ "i386-celeron-191m", QUIRE_I386, 2, 48974, 0xbfb0 },
		{ "i386-duron-256m", QUIRE_I386, 2, 65417, 0xffec },
		{ "i386-i815-minibios", QUIRE_I386, 2, 65183, 0xff00 },
		{ "i386-ibm-srat-7g", QUIRE_I386_PAE, 3, 1834796, 0x1d0000 },
		{ "i386-p3-704mhz-256m", QUIRE_I386, 2, 65422, 0xfff0 },
		{ "i386-pentium-36m", QUIRE_I386, 2, 9118, 0x2400 },
		{ "i386-pentium-40m", QUIRE_I386, 2, 10142, 0x2800 },
		{ "i386-proliant-user144m", QUIRE_I386, 2, 36767, 0x9000 },
		{ "i386-soekris-net4521", QUIRE_I386, 2, 16286, 0x4000 },
		{ "x86_64-nforce4-1g", QUIRE_X86_64, 2, 262028, 0x3fff0 },
		{ "x86_64-numa4-sparse-1t", QUIRE_X86_64, 6, 268435359, 0x129e80000 },
		{ "x86_64-opteron-numa2-9g", QUIRE_X86_64, 3, 2015086, 0x24c000 },
		{ "x86_64-ryzen-a320m-16g", QUIRE_X86_64, 8, 4181773, 0x41f380 },
		{ "x86_64-sun-v40z-16g-srat", QUIRE_X86_64, 3, 4177823, 0x400000 },
		{ "x86_64-vmware-4g", QUIRE_X86_64, 4, 1048429, 0x140000 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct quire_range range = { 0 };
		uint64_t frames = 0;
		size_t nr = 0;
		char name[100];
		char *text;
		struct quire *q;

		snprintf(name, sizeof(name), MACHINES "%s.e820", cases[i].name);
		text = read_file(name);
		q = boot_text(text, cases[i].machine);
		for (; q && quire_memblock_get(q, QUIRE_MEMBLOCK_MEMORY, nr, &range); nr++)
			frames += (range.end - range.start) >> QUIRE_PAGE_SHIFT;
		CHECK_EQ(nr, cases[i].nr);
		CHECK_EQ(frames, cases[i].nr_frames);
		CHECK_EQ(range.end >> QUIRE_PAGE_SHIFT, cases[i].end);
		if (test_failures)
			printf("%s\n", name);
		quire_destroy(q);
		free(text);
	}
}

/*
 * The lines " LIST[0xN] [0xSTART-0xEND], ..." of the dump that begins at @dump, as
 * list_text has them, but joined where they touch.
 */
static const char *dump_text(const char *dump, const char *list)
{
	static char text[4096];
	unsigned long long start, end, last_start = 0, last_end = 0;
	size_t at = 0, nr = 0;
	const char *line = dump;
	char form[60];

	text[0] = 0;
	snprintf(form, sizeof(form), " %s[%%*[0-9a-fx]] [%%llx-%%llx]", list);
	while ((line = strchr(line, '\n')) && *++line == '[') {
		const char *body = strchr(line, ']') + 1;

		if (!strncmp(body, " MEMBLOCK", 9))
			break;
		if (sscanf(body, form, &start, &end) != 2)
			continue;
		if (nr && start == last_end) {
			last_end = end + 1;
			continue;
		}
		if (nr++)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%llx-%llx ",
					       last_start, last_end);
		last_start = start;
		last_end = end + 1;
	}
	snprintf(text + at, sizeof(text) - at, "%llx-%llx", last_start, last_end);
	return text;
}

/* Reserved ranges without who has them, joined where they touch */
static const char *reserved_text(struct quire *q)
{
	static char text[4096];
	struct quire_range range, last = { 0 };
	size_t at = 0;

	for (size_t i = 0; q && quire_memblock_get(q, QUIRE_MEMBLOCK_RESERVED, i, &range); i++) {
		if (i && range.start == last.end) {
			last.end = range.end;
			continue;
		}
		if (i)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%llx-%llx ",
					       (unsigned long long)last.start,
					       (unsigned long long)last.end);
		last = range;
	}
	snprintf(text + at, sizeof(text) - at, "%llx-%llx", (unsigned long long)last.start,
		 (unsigned long long)last.end);
	return text;
}

static const struct {
	const char *name;
	enum quire_machine machine;
	uint64_t lowmem;
	int dumps; /* how often the log lists memblock */
} boots[] = {
	{ "amd64-128m", QUIRE_X86_64, 0, 2 },
	{ "amd64-2g-holes", QUIRE_X86_64, 0, 2 },
	{ "i386-3g", QUIRE_I386, 0x36bfe000, 1 },
	{ "i386pae-1500m", QUIRE_I386_PAE, 0x36ffe000, 1 },
	{ "recorded-1", QUIRE_X86_64, 0, 0 },
	{ "recorded-2", QUIRE_X86_64, 0, 0 },
	{ "recorded-3", QUIRE_X86_64, 0, 2 },
};

#define NR_BOOTS (sizeof(boots) / sizeof(boots[0]))

/* Memory is what Linux's memblock had; so is what was reserved when it listed that again. */
TEST(boots_of_linux)
{
	for (size_t i = 0; i < NR_BOOTS; i++) {
		struct lab_error err;
		char name[100], *text, *dump;
		struct lab_map m;
		struct quire *q;
		int dumps = 0;

		snprintf(name, sizeof(name), MACHINES "linux/%s.txt", boots[i].name);
		text = read_file(name);
		lab_map_init(&m, NULL);
		CHECK_EQ(lab_map_text(&m, text, strlen(text), &err), 0);
		CHECK(m.has_machine && m.machine == boots[i].machine);
		CHECK_EQ(m.lowmem_bytes, boots[i].lowmem);
		CHECK(m.kernel_end > m.kernel_start);
		lab_map_done(&m);
		q = boot_text(text, boots[i].machine);
		for (dump = text; (dump = strstr(dump, "MEMBLOCK configuration")); dump++) {
			struct quire *then;

			dumps++;
			while (dump[-1] != '\n')
				dump--;
			CHECK_STR(list_text(q, QUIRE_MEMBLOCK_MEMORY), dump_text(dump, "memory"));
			if (dumps == 2) {
				*dump = 0;
				then = boot_text(text, boots[i].machine);
				*dump = '[';
				CHECK_STR(reserved_text(then), dump_text(dump, "reserved"));
				quire_destroy(then);
			}
			dump = strstr(dump, "MEMBLOCK");
		}
		CHECK_EQ(dumps, boots[i].dumps);
		if (test_failures)
			printf("%s\n", name);
		quire_destroy(q);
		free(text);
	}
}

/* The zones' sizes follow: spanned and present of every zone are Linux's. */
TEST(memory_of_linux_recorded)
{
	struct quire *q = boot_text(
		"BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable\n"
		"BIOS-e820: [mem 0x0000000000100000-0x0000000009fd9fff] usable\n",
		QUIRE_X86_64);
	char *text = read_file(MACHINES "linux/recorded-1.txt");
	char *iomem = strstr(text, "===IOMEM");
	struct quire *same = boot_text(text, QUIRE_X86_64), *other;

	CHECK(iomem);
	other = boot_text(iomem ? iomem : "", QUIRE_X86_64);
	/* The log, its /proc/iomem alone, and the two lines that count agree. */
	CHECK_STR(list_text(q, QUIRE_MEMBLOCK_MEMORY), "1000-9f000 100000-9fda000");
	CHECK_STR(list_text(same, QUIRE_MEMBLOCK_MEMORY), "1000-9f000 100000-9fda000");
	CHECK_STR(list_text(other, QUIRE_MEMBLOCK_MEMORY), "1000-9f000 100000-9fda000");
	CHECK_STR(list_text(same, QUIRE_MEMBLOCK_RESERVED), "6800000-9000000:1 9eb3000-9fd0000:2");
	CHECK_STR(list_text(other, QUIRE_MEMBLOCK_RESERVED), "6800000-9000000:1");
	quire_destroy(q);
	quire_destroy(same);
	quire_destroy(other);
	free(text);
}

/*
 * From its map and its reservations Quire hands over as much as Linux did. (The x86-64
 * kernels count otherwise: they build a part of their frames later.)
 */
TEST(memory_handed_over)
{
	static const struct {
		const char *name;
		const char *line;
		uint64_t kbytes;
	} cases[] = {
		{ "i386-3g", "Memory: 3006232K/3071480K available", 3006232 },
		{ "i386pae-1500m", "Memory: 1484880K/1535480K available", 1484880 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[100];
		char *text;
		uint64_t managed = 0;
		struct quire *q;

		snprintf(name, sizeof(name), MACHINES "linux/%s.txt", cases[i].name);
		text = read_file(name);
		CHECK(strstr(text, cases[i].line));
		q = boot_text(text, QUIRE_X86_64);
		CHECK_EQ(quire_boot_zones(q), 0);
		for (int zone = 0; zone < QUIRE_NR_ZONES; zone++) {
			struct quire_zone_stat stat;

			quire_zone_stat(q, (enum quire_zone)zone, &stat);
			managed += stat.managed;
		}
		CHECK_EQ(managed * 4, cases[i].kbytes);
		quire_destroy(q);
		free(text);
	}
}

/* ---- A machine with so much RAM ---- */

static void expect_ram(enum quire_machine machine, uint64_t bytes, int error, const char *map)
{
	struct quire *q = create(machine, false, NULL);
	struct lab_map m;

	lab_map_init(&m, NULL);
	CHECK_EQ(lab_map_ram(&m, machine, bytes), error);
	if (!error) {
		CHECK(m.has_machine && m.machine == machine);
		CHECK_EQ(lab_map_boot(&m, q), 0);
		CHECK_STR(map_text(q), map);
	}
	lab_map_done(&m);
	quire_destroy(q);
}

TEST(ram)
{
	const uint64_t mb = 1 << 20, gb = 1 << 30, tb = gb << 10;

#define LOW "0-9fc00:1 9fc00-a0000:2 f0000-100000:2 100000-"
#define TOP "fffc0000-100000000:2"
	expect_ram(QUIRE_I386, 64 * mb, 0, LOW "4000000:1 " TOP);
	expect_ram(QUIRE_I386, 4 * gb, 0, LOW "fffc0000:1 " TOP);
	expect_ram(QUIRE_I386, 3 * gb + 512 * mb, 0, LOW "e0000000:1 " TOP);
	expect_ram(QUIRE_I386, 4 * gb + 1, -QUIRE_ERANGE, NULL);
	expect_ram(QUIRE_I386_PAE, 3 * gb, 0, LOW "c0000000:1 " TOP);
	expect_ram(QUIRE_I386_PAE, 4 * gb, 0, LOW "c0000000:1 " TOP " 100000000-140000000:1");
	expect_ram(QUIRE_I386_PAE, 63 * gb, 0, LOW "c0000000:1 " TOP " 100000000-1000000000:1");
	expect_ram(QUIRE_I386_PAE, 64 * gb, -QUIRE_ERANGE, NULL);
	expect_ram(QUIRE_X86_64, tb, 0, LOW "c0000000:1 " TOP " 100000000-10040000000:1");
	expect_ram(QUIRE_X86_64, 64 * tb, -QUIRE_ERANGE, NULL);
	expect_ram(QUIRE_X86_64_LA57, 64 * tb, 0,
		   LOW "c0000000:1 " TOP " 100000000-400040000000:1");
	expect_ram(QUIRE_X86_64, 0, -QUIRE_ERANGE, NULL);
	expect_ram(QUIRE_X86_64, UINT64_MAX, -QUIRE_ERANGE, NULL);
	expect_ram(QUIRE_I386, 64 * 1024, 0, "0-10000:1 9fc00-a0000:2 f0000-100000:2 " TOP);
	expect_ram(QUIRE_I386, mb, 0, "0-9fc00:1 9fc00-a0000:2 f0000-100000:2 " TOP);
}

TEST_MAIN(CASE(machines), CASE(boots_of_linux), CASE(memory_of_linux_recorded),
	  CASE(memory_handed_over), CASE(ram))
