/* SPDX-License-Identifier: MIT */
/*
 * test_report_mm.c - the reports of a process: the numbers of a parent and a child whose pages are
 * known, and the texts to the byte beside those of this Linux (REPORT-1, REPORT-2, REPORT-3)
 */
#include <quire/report.h>

#include "space.h"

#define TEXT_MAX 65536

struct text {
	char s[TEXT_MAX];
	size_t n;
};

static void text_write(void *ctx, const char *s, size_t n)
{
	struct text *t = ctx;

	CHECK(n > 0 && t->n + n < sizeof(t->s));
	if (t->n + n < sizeof(t->s))
		memcpy(t->s + t->n, s, n), t->n += n;
	t->s[t->n] = 0;
}

static struct text text;
static const struct quire_sink sink = { text_write, &text };

static const char *report(struct quire_mm *mm, const char *name, bool json)
{
	text.n = 0;
	text.s[0] = 0;
	CHECK_EQ(quire_report_mm(mm, name, json, &sink), 0);
	return text.s;
}

/* A page is written. */
static void put(struct quire_mm *mm, uint64_t n)
{
	char byte = 'x';

	CHECK_EQ(quire_copy_to_user(mm, at_page(n), &byte, 1), 0);
}

/*
 * A parent and a child: of pages 0..3 three are written before fork, and the child writes one of
 * them again. Pages 8, 9 are shared memory, of which one is written.
 */
static bool family(struct space *s, enum quire_machine machine, struct quire_mm **child)
{
	if (!space_start(s, machine, MB(64)))
		return false;
	CHECK_EQ(map_at(s, 0, 4, RW, FIXED), 0);
	CHECK_EQ(map_at(s, 8, 2, RW, QUIRE_MAP_FIXED | QUIRE_MAP_SHARED | QUIRE_MAP_ANONYMOUS), 0);
	for (uint64_t n = 0; n < 3; n++)
		put(s->mm, n);
	put(s->mm, 8);
	CHECK_EQ(quire_mm_fork(s->mm, child), 0);
	put(*child, 1);
	return true;
}

TEST(maps)
{
	struct quire_mm *child = NULL;
	struct space s;

	if (!family(&s, QUIRE_X86_64, &child))
		return;
	CHECK_STR(report(s.mm, "maps", false),
		  "20000000-20004000 rw-p 00000000 00:00 0 \n"
		  "20008000-2000a000 rw-s 00000000 00:01 1                                  "
		  "/dev/zero (deleted)\n");
	CHECK_STR(report(child, "maps", true),
		  "[{\"start\":536870912,\"end\":536887296,\"rights\":\"rw-p\",\"offset\":0,"
		  "\"major\":0,\"minor\":0,\"inode\":0,\"name\":\"\"},"
		  "{\"start\":536903680,\"end\":536911872,\"rights\":\"rw-s\",\"offset\":0,"
		  "\"major\":0,\"minor\":1,\"inode\":1,\"name\":\"/dev/zero (deleted)\"}]\n");
	quire_mm_destroy(child);
	space_end(&s);
	if (!family(&s, QUIRE_I386, &child))
		return;
	CHECK_STR(report(s.mm, "maps", false),
		  "20000000-20004000 rw-p 00000000 00:00 0 \n"
		  "20008000-2000a000 rw-s 00000000 00:01 1          /dev/zero (deleted)\n");
	quire_mm_destroy(child);
	space_end(&s);
}

TEST(smaps)
{
	struct quire_mm *child = NULL;
	struct space s;

	if (!family(&s, QUIRE_X86_64, &child))
		return;
	CHECK(strstr(report(s.mm, "smaps", false),
		     "20000000-20004000 rw-p 00000000 00:00 0 \n"
		     "Size:                 16 kB\n"
		     "KernelPageSize:        4 kB\n"
		     "MMUPageSize:           4 kB\n"
		     "Rss:                  12 kB\n"
		     "Pss:                   8 kB\n"
		     "Pss_Dirty:             8 kB\n"
		     "Shared_Clean:          0 kB\n"
		     "Shared_Dirty:          8 kB\n"
		     "Private_Clean:         0 kB\n"
		     "Private_Dirty:         4 kB\n"
		     "Referenced:           12 kB\n"
		     "Anonymous:            12 kB\n"
		     "LazyFree:              0 kB\n"
		     "AnonHugePages:         0 kB\n"
		     "ShmemPmdMapped:        0 kB\n"
		     "FilePmdMapped:         0 kB\n"
		     "Shared_Hugetlb:        0 kB\n"
		     "Private_Hugetlb:       0 kB\n"
		     "Swap:                  0 kB\n"
		     "SwapPss:               0 kB\n"
		     "Locked:                0 kB\n"
		     "THPeligible:    0\n"
		     "VmFlags: rd wr mr mw me ac \n"));
	CHECK(strstr(report(s.mm, "smaps_rollup", false),
		     "20000000-2000a000 ---p 00000000 00:00 0                              "
		     "    [rollup]\n"
		     "Rss:                  16 kB\n"
		     "Pss:                  12 kB\n"
		     "Pss_Dirty:            12 kB\n"
		     "Pss_Anon:              8 kB\n"
		     "Pss_File:              0 kB\n"
		     "Pss_Shmem:             4 kB\n"));
	CHECK(strstr(report(child, "smaps", true), "\"Private_Dirty\":4,\"Referenced\":"));
	CHECK_EQ(quire_mlock(child, at_page(0), 2 * PAGE, 0), 0);
	CHECK(strstr(report(child, "smaps", false), "Locked:                8 kB\n"));
	CHECK(strstr(text.s, "VmFlags: rd wr mr mw me lo ac \n"));
	CHECK(strstr(report(child, "smaps_rollup", false), "Locked:                8 kB\n"));
	quire_mm_destroy(child);
	space_end(&s);
}

TEST(status)
{
	struct quire_mm *child = NULL;
	struct space s;

	if (!family(&s, QUIRE_X86_64, &child))
		return;
	CHECK_STR(report(s.mm, "statm", false), "6 4 1 0 0 4 0\n");
	CHECK_STR(report(s.mm, "statm", true), "{\"size\":6,\"resident\":4,\"shared\":1,\"text\":0,"
					       "\"lib\":0,\"data\":4,\"dt\":0}\n");
	CHECK_STR(report(s.mm, "status", false),
		  "VmPeak:\t      24 kB\nVmSize:\t      24 kB\nVmLck:\t       0 kB\n"
		  "VmPin:\t       0 kB\nVmHWM:\t      16 kB\nVmRSS:\t      16 kB\n"
		  "RssAnon:\t      12 kB\nRssFile:\t       0 kB\nRssShmem:\t       4 kB\n"
		  "VmData:\t      16 kB\nVmStk:\t       0 kB\nVmExe:\t       0 kB\n"
		  "VmLib:\t       0 kB\nVmPTE:\t      16 kB\nVmSwap:\t       0 kB\n"
		  "HugetlbPages:\t       0 kB\n");
	CHECK_EQ(quire_report_mm(s.mm, "environ", false, &sink), -QUIRE_ENOENT);
	quire_mm_destroy(child);
	space_end(&s);
}

/* ---- Words of 64 bits -------------------------------------------------------------- */

static uint64_t word(size_t i)
{
	uint64_t v = 0;

	CHECK(8 * i + 8 <= text.n);
	for (size_t k = 8; k-- > 0;)
		v = v << 8 | (unsigned char)text.s[8 * i + k];
	return v;
}

static void read_pagemap(struct quire_mm *mm, uint64_t nr)
{
	text.n = 0;
	CHECK_EQ(quire_report_pagemap(mm, at_page(0), nr, &sink), 0);
	CHECK_EQ(text.n, 8 * nr);
}

static uint64_t frame_word(struct quire *q, uint64_t page, bool flags)
{
	const quire_pfn_t pfn = { page & (((uint64_t)1 << 55) - 1) };

	text.n = 0;
	CHECK_EQ((flags ? quire_report_kpageflags : quire_report_kpagecount)(q, pfn, 1, &sink), 0);
	return word(0);
}

#define PRESENT ((uint64_t)1 << 63)
#define IS_FILE ((uint64_t)1 << 61)
#define EXCLUSIVE ((uint64_t)1 << 56)
#define KPF(bit) ((uint64_t)1 << (bit))

TEST(pagemap)
{
	EACH_MACHINE(m) {
		struct quire_mm *child = NULL;
		uint64_t page[10];
		struct space s;
		char byte;

		if (!family(&s, all_machines[m], &child))
			return;
		CHECK_EQ(quire_copy_from_user(s.mm, &byte, at_page(3), 1), 0);
		read_pagemap(s.mm, 100);
		for (size_t i = 0; i < 10; i++)
			page[i] = word(i);
		CHECK_EQ(page[0] >> 55, PRESENT >> 55);
		CHECK_EQ(page[1] >> 55, (PRESENT | EXCLUSIVE) >> 55);
		CHECK_EQ(page[2] >> 55, PRESENT >> 55);
		CHECK_EQ(page[3] >> 55, PRESENT >> 55);
		CHECK_EQ(page[4], 0);
		CHECK_EQ(page[8] >> 55, (PRESENT | IS_FILE | EXCLUSIVE) >> 55);
		CHECK_EQ(page[9], 0);
		CHECK_EQ(word(99), 0);
		CHECK_EQ(frame_word(s.q, page[0], false), 2);
		CHECK_EQ(frame_word(s.q, page[1], false), 1);
		CHECK_EQ(frame_word(s.q, page[3], false), 0);
		CHECK_EQ(frame_word(s.q, page[0], true) & (KPF(12) | KPF(14) | KPF(11) | KPF(3)),
			 KPF(12) | KPF(14) | KPF(11) | KPF(3));
		CHECK_EQ(frame_word(s.q, page[3], true), KPF(24));
		CHECK_EQ(frame_word(s.q, page[8], true) & (KPF(12) | KPF(14) | KPF(11) | KPF(3)),
			 KPF(14) | KPF(11) | KPF(3));
		/* A page without rights is still there. */
		CHECK_EQ(protect_at(&s, 0, 1, QUIRE_PROT_NONE), 0);
		read_pagemap(s.mm, 1);
		CHECK_EQ(word(0), page[0]);
		/* Nothing beyond the ends. */
		text.n = 0;
		CHECK_EQ(quire_report_pagemap(s.mm, virt_of(~0xfffull), 5, &sink), 0);
		CHECK_EQ(quire_report_kpagecount(s.q, quire_pfn(MB(64) >> 12), 5, &sink), 0);
		CHECK_EQ(text.n, 0);
		CHECK_EQ(quire_report_kpageflags(s.q, quire_pfn((MB(64) >> 12) - 3), 5, &sink), 0);
		CHECK_EQ(text.n, 24);
		CHECK_EQ(quire_report_pagemap(s.mm, virt_of(1), 5, &sink), -QUIRE_EINVAL);
		quire_mm_destroy(child);
		space_end(&s);
	}
}

/* Each frame of the machine: the flags say what its owner is. */
TEST(kpageflags)
{
	struct quire_mm *child = NULL;
	uint64_t slabs = 0, tables = 0, buddies = 0, anon = 0;
	struct quire_vm_stat stat;
	struct space s;

	if (!family(&s, QUIRE_X86_64, &child))
		return;
	for (uint64_t pfn = 0; pfn < MB(64) >> 12; pfn++) {
		uint64_t flags = frame_word(s.q, pfn, true);
		struct quire_frame_info info = rig_frame(&s.rig, pfn);

		slabs += flags >> 7 & 1;
		tables += flags >> 26 & 1;
		buddies += flags >> 10 & 1;
		anon += flags >> 12 & 1;
		CHECK_EQ(flags >> 10 & 1, info.state == QUIRE_FRAME_FREE);
	}
	CHECK_EQ(quire_vm_stat(s.q, &stat), 0);
	CHECK_EQ(anon, 4);
	CHECK_EQ(stat.nr_anon, 4);
	CHECK(slabs > 10 && tables >= stat.nr_table_pages);
	CHECK(buddies > 0 && buddies <= rig_free(&s.rig));
	quire_mm_destroy(child);
	space_end(&s);
}

/* meminfo and vmstat have lines for processes as soon as there can be some. */
TEST(meminfo)
{
	struct quire_mm *child = NULL;
	struct quire_vm_stat stat;
	struct space s;
	char line[64];

	if (!family(&s, QUIRE_X86_64, &child))
		return;
	text.n = 0;
	CHECK_EQ(quire_report(s.q, "meminfo", false, &sink), 0);
	CHECK(strstr(text.s, "\nAnonPages:            16 kB\nMapped:                4 kB\n"));
	CHECK(strstr(text.s, "\nMlocked:               0 kB\n"));
	CHECK(strstr(text.s, "\nPageTables:           32 kB\n"));
	CHECK_EQ(quire_vm_stat(s.q, &stat), 0);
	snprintf(line, sizeof(line), "\nCommitted_AS:   %8u kB\n", 4 * (unsigned)stat.committed);
	CHECK(strstr(text.s, line));
	CHECK(strstr(text.s, "\nHugePages_Total:       0\nHugePages_Free:        0\n"));
	CHECK(strstr(text.s, "\nHugepagesize:       2048 kB\nHugetlb:               0 kB\n"));
	text.n = 0;
	CHECK_EQ(quire_report(s.q, "vmstat", false, &sink), 0);
	CHECK(strstr(text.s, "\nnr_anon_pages 4\nnr_mapped 1\n"));
	CHECK(strstr(text.s, "\npgmajfault 0\n"));
	quire_mm_destroy(child);
	space_end(&s);
}

/* ---- Beside this Linux's --------------------------------------------------------------- */

/* A line's label and length: what does not depend on its number. */
static void shape(const char *line, char *out, size_t size)
{
	size_t label = strcspn(line, ":\n"), length = strcspn(line, "\n");

	snprintf(out, size, "%.*s %zu", (int)label, line, length);
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

/* From a line with a label to one with another: each of ours is Linux's, in its order. */
static void compare_lines(const char *ours, const char *path, const char *first, const char *last)
{
	static char theirs[1 << 20];
	FILE *file = fopen(path, "r");
	char a[64], b[64];

	if (!file)
		SKIP("there is no such file");
	theirs[fread(theirs, 1, sizeof(theirs) - 1, file)] = 0;
	fclose(file);
	ours = strstr(ours, first);
	const char *line = strstr(theirs, first);

	CHECK(ours && line);
	while (ours && line && *ours && *line) {
		/* Later kernels have a line more. */
		if (!strncmp(line, "KSM:", 4))
			line = next_line(line);
		shape(ours, a, sizeof(a));
		shape(line, b, sizeof(b));
		CHECK_STR(a, b);
		if (!strncmp(ours, last, strlen(last)))
			return;
		ours = next_line(ours);
		line = next_line(line);
	}
	CHECK(!"the last line is there");
}

TEST(this_linux)
{
	struct space s;

	if (!space_start(&s, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(map_at(&s, 0, 4, RW, FIXED), 0);
	put(s.mm, 0);
	compare_lines(report(s.mm, "smaps", false), "/proc/self/smaps", "Size:", "Locked:");
	compare_lines(report(s.mm, "smaps_rollup", false), "/proc/self/smaps_rollup", "Rss:",
		      "Locked:");
	/* This program itself may have terabytes of shadow, whose numbers are wider. */
	compare_lines(report(s.mm, "status", false), "/proc/1/status", "VmPeak:",
		      "HugetlbPages:");
	space_end(&s);
}

TEST_MAIN(CASE(maps), CASE(smaps), CASE(status), CASE(pagemap), CASE(kpageflags), CASE(meminfo),
	  CASE(this_linux))
