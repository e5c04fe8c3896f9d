/* SPDX-License-Identifier: MIT */
/* test_figure.c - the pictures: known texts, both back ends on machines of all sizes */
#include <quire/boot.h>
#include <quire/page.h>

#include "figure.h"
#include "hosted.h"

#include "test.h"

#define TEXT_MAX (1 << 20)

static char text[TEXT_MAX];
static size_t length;

static void text_write(void *ctx, const char *s, size_t n)
{
	(void)ctx;
	CHECK(n > 0 && length + n < TEXT_MAX);
	if (length + n < TEXT_MAX)
		memcpy(text + length, s, n), length += n;
	text[length] = 0;
}

static const struct quire_sink sink = { .write = text_write };

static const char *draw(struct quire *q, const char *view, const struct lab_draw_options *opt)
{
	length = 0;
	text[0] = 0;
	CHECK_EQ(lab_draw(q, view, opt, &sink), 0);
	return text;
}

static struct quire *machine(enum quire_machine kind, uint64_t frames, bool pcp)
{
	const struct quire_map_entry map[] = { { 0, frames * QUIRE_PAGE_SIZE, QUIRE_MAP_USABLE } };
	struct quire_config config;
	struct quire *q;

	quire_config_init(&config, kind);
	config.firmware = false;
	config.frames_outside = true;
	config.no_pcp = !pcp;
	if (quire_create(&config, &q))
		abort();
	CHECK_EQ(quire_boot_map(q, map, 1), 0);
	CHECK_EQ(quire_memblock_reserve(q, quire_phys(0), quire_phys(QUIRE_PAGE_SIZE),
					QUIRE_RESERVE_OTHER),
		 0);
	CHECK_EQ(quire_boot_zones(q), 0);
	return q;
}

/* 16 frames: 0 reserved; 5, 10, [8,9] and [12..15] free, the rest in use. */
static struct quire *textbook(void)
{
	static const unsigned freed[] = { 5, 10, 8, 9, 12, 13, 14, 15 };
	struct quire *q = machine(QUIRE_I386, 16, false);

	for (unsigned i = 1; i < 16; i++)
		CHECK(quire_page_alloc(q, QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_MEMALLOC, 0) != NULL);
	for (unsigned i = 0; i < sizeof(freed) / sizeof(freed[0]); i++)
		CHECK_EQ(quire_page_free(q, quire_pfn_page(q, quire_pfn(freed[i])), 0),
			 QUIRE_FREE_OK);
	return q;
}

/* Of a cache (test_slab_report.c), a process or a way (test_process_script.c). */
static bool is_of_something(const char *view)
{
	return !strcmp(view, "slab") || !strcmp(view, "space") || !strcmp(view, "walk");
}

static const struct lab_draw_options ascii = { .ascii = true };

TEST(frames_16)
{
	struct quire *q = textbook();

	CHECK_STR(draw(q, "frames", &ascii),
		  "Frames, 4 kB a cell (i386)\n"
		  "\n"
		  "              0               16              32              48\n"
		  "DMA      60 kB managed, 32 kB free\n"
		  "           0  #MMMM0MM1.0M2...\n"
		  "\n"
		  "U Unmovable   M Movable   E Reclaimable   C CMA   I Isolate\n"
		  "0 free, with its order   o on a per-cpu list   # reserved\n");
	/* [12,13] is given out of [12..15]: a block of two in use, one of two free. */
	CHECK(quire_page_alloc(q, QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_MEMALLOC, 1) != NULL);
	CHECK(quire_page_alloc(q, QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_MEMALLOC, 1) != NULL);
	CHECK(strstr(draw(q, "frames", &ascii), "           0  #MMMM0MMM=0MM=1.\n"));
	quire_destroy(q);
}

TEST(free_16)
{
	struct quire *q = textbook();

	CHECK_STR(draw(q, "free", &ascii),
		  "Free lists: blocks of 2^order frames\n"
		  "\n"
		  "DMA      32 kB free on lists, 0 frames on per-cpu lists\n"
		  "order   blocks  memory        pair bits                 first frames\n"
		  "    0        2  MMMMMM        00100100                  5 10\n"
		  "    1        1  MMMMMM        0010                      8\n"
		  "    2        1  MMMMMMMMMMMM  01                        12\n"
		  "    3        0                0\n"
		  "    4        0                0\n"
		  "    5        0                0\n"
		  "    6        0                0\n"
		  "    7        0                0\n"
		  "    8        0                0\n"
		  "    9        0                0\n"
		  "   10        0\n"
		  "\n"
		  "U Unmovable   M Movable   E Reclaimable   C CMA   I Isolate\n"
		  "1 one buddy free   + so for some pairs   0 both or neither\n");
	quire_destroy(q);
}

TEST(zones_16)
{
	struct quire *q = textbook();

	CHECK_STR(
		draw(q, "zones", &ascii),
		"Zones (i386)\n"
		"\n"
		"DMA         from 0, spans 64 kB: 60 kB managed, 32 kB free\n"
		/* 67 cells: 7 of 16 frames in use, 8 free, 1 reserved. */
		"  memory    #############################==================================%%%%\n"
		"  low end   =========                          M        L        H\n"
		"            min 32, low 40, high 48; protection 0, 0, 0, 0\n"
		"\n"
		"Normal      empty\n"
		"HighMem     empty\n"
		"Movable     empty\n"
		"\n"
		"# in use   o on per-cpu lists   = free   % reserved   . no memory\n"
		"Marks of the low end, left to right: min, low, high, high + largest reserve.\n");
	quire_destroy(q);
}

/* Without -ascii the same picture has block characters; with colour it has escapes besides. */
TEST(colour)
{
	struct quire *q = textbook();
	struct lab_draw_options opt = { .colour = false };

	CHECK(strstr(draw(q, "frames", NULL), "█MMMM0MM1·0M2···\n"));
	CHECK(!strchr(text, 033));
	opt.colour = true;
	draw(q, "frames", &opt);
	CHECK(strstr(text, "\033[0;34mMMMM\033[0;2;34m0\033[0;34mMM\033[0;2;34m1·0\033[0;34mM"));
	/* Every line that colours ends plain: with a reset before the end of line. */
	for (char *p = text, *end; (end = strchr(p, '\n')); p = end + 1) {
		if (memchr(p, 033, (size_t)(end - p)))
			CHECK(end - p > 4 && memcmp(end - 4, "\033[0m", 4) == 0);
	}
	quire_destroy(q);
}

/* The shares of a full cell, a partly used one and a free one. */
TEST(scaled)
{
	struct quire *q = machine(QUIRE_I386, 262144, false);
	struct quire_page *page;
	uint64_t n = 0;

	/* 1 GB: a cell is 512 kB, 128 frames. */
	while ((page = quire_page_alloc(q, QUIRE_GFP_DMA | QUIRE_GFP_BIT_MEMALLOC, 0)))
		n++;
	CHECK_EQ(n, 4095);
	CHECK(strstr(draw(q, "frames", &ascii), "Frames, 512 kB a cell (i386)\n"));
	CHECK(strstr(text, "HighMem  128 MB managed, 128 MB free\n"));
	CHECK(strstr(text, "           0  UUUU"));
	for (unsigned pfn = 256; pfn < 384; pfn++)
		CHECK_EQ(quire_page_free(q, quire_pfn_page(q, quire_pfn(pfn)), 0), QUIRE_FREE_OK);
	CHECK_EQ(quire_page_free(q, quire_pfn_page(q, quire_pfn(130)), 0), QUIRE_FREE_OK);
	for (unsigned pfn = 140; pfn < 200; pfn++)
		CHECK_EQ(quire_page_free(q, quire_pfn_page(q, quire_pfn(pfn)), 0), QUIRE_FREE_OK);
	CHECK(strstr(draw(q, "frames", &ascii), "           0  Uu.UUU"));
	quire_destroy(q);
}

/* Where a cell stands for several pairs: none, some, all of their bits set. */
TEST(pairs)
{
	struct quire *q = machine(QUIRE_I386, 4096, false);

	while (quire_page_alloc(q, QUIRE_GFP_DMA | QUIRE_GFP_BIT_MEMALLOC, 0))
		;
	/* 2048 pairs, 128 to a cell. The first cell: all; the second: one; the third: both free. */
	for (unsigned pfn = 1; pfn < 256; pfn += 2)
		CHECK_EQ(quire_page_free(q, quire_pfn_page(q, quire_pfn(pfn)), 0), QUIRE_FREE_OK);
	CHECK_EQ(quire_page_free(q, quire_pfn_page(q, quire_pfn(300)), 0), QUIRE_FREE_OK);
	for (unsigned pfn = 512; pfn < 768; pfn++)
		CHECK_EQ(quire_page_free(q, quire_pfn_page(q, quire_pfn(pfn)), 0), QUIRE_FREE_OK);
	CHECK(strstr(draw(q, "free", &ascii),
		     "    0      129  UUUUUU        1+00000000000000          1 3 5 7 9 11 13"));
	CHECK(strstr(text, "    8        1  UUUUUUUUUUUU  01000000                  512\n"));
	quire_destroy(q);
}

/* Frames on per-cpu lists are neither in use nor free on the lists. */
TEST(per_cpu)
{
	struct quire *q = machine(QUIRE_I386, 2048, true);
	struct quire_zone_stat stat;
	char line[100];

	do {
		CHECK(quire_page_alloc(q, QUIRE_GFP_KERNEL, 0) != NULL);
		quire_zone_stat(q, QUIRE_ZONE_DMA, &stat);
	} while (stat.pcp < 30 && stat.free > 1024);
	/* 67 cells for 2048 frames: first those in use, then those on the lists. */
	unsigned used = (unsigned)(stat.managed - stat.free - stat.pcp);
	unsigned first = ((used * 67 * 8 + 1024) / 2048 + 4) / 8;
	unsigned end = (((used + (unsigned)stat.pcp) * 67 * 8 + 1024) / 2048 + 4) / 8;
	CHECK(end > first);
	snprintf(line, sizeof(line), "  memory    %.*s%.*s=====", (int)first, "##########",
		 (int)(end - first), "oooooooooo");
	CHECK(strstr(draw(q, "zones", &ascii), line));
	snprintf(line, sizeof(line), ", %d frames on per-cpu lists\n", (int)stat.pcp);
	CHECK(strstr(draw(q, "free", &ascii), line));
	CHECK(strchr(strstr(draw(q, "frames", &ascii), "managed"), 'o'));
	quire_destroy(q);
}

/* All views, widths and back ends: no line too wide, SVG in one piece. */
TEST(widths)
{
	static const enum quire_machine kinds[] = { QUIRE_I386, QUIRE_X86_64 };
	static const uint64_t sizes[] = { 16, 5000, 700000 };
	const struct lab_view *view;

	for (unsigned i = 0; i < 6; i++) {
		struct quire *q = machine(kinds[i & 1], sizes[i / 2], true);

		for (unsigned n = 0; n < sizes[i / 2] / 8; n += 5)
			quire_page_alloc(q, n & 1 ? QUIRE_GFP_KERNEL : QUIRE_GFP_HIGHUSER_MOVABLE,
					 n & 3);
		for (size_t v = 0; (view = lab_view_list(v)); v++) {
			if (is_of_something(view->name))
				continue;
			for (unsigned columns = 40; columns <= 400; columns += 60) {
				struct lab_draw_options opt = { .ascii = true, .columns = columns };

				draw(q, view->name, &opt);
				for (char *p = text, *end; (end = strchr(p, '\n')); p = end + 1)
					CHECK((size_t)(end - p) <= columns);
				CHECK(strchr(text, '\n') < text + length - 1);
				opt.svg = true;
				draw(q, view->name, &opt);
				CHECK(strncmp(text, "<svg xmlns=\"http://www.w3.org/2000/svg\"",
					      39) == 0);
				CHECK_STR(text + length - 7, "</svg>\n");
				CHECK(strstr(text, "<title id=\"title\">"));
			}
		}
		quire_destroy(q);
	}
}

/* The marks of a key without colour: no two entries have the same one, in no view and width. */
TEST(keys)
{
	struct quire *q = textbook();
	const struct lab_view *view;
	struct lab_draw_options opt;

	for (size_t v = 0; (view = lab_view_list(v)); v++) {
		/* A slab's has its own test; each row of a layout says what it is. */
		if (is_of_something(view->name) || !strcmp(view->name, "layout"))
			continue;
		for (unsigned i = 0; i < 4; i++) {
			char seen[16][8] = { "" };
			unsigned nr = 0;

			opt = (struct lab_draw_options){ .ascii = i & 1,
							 .columns = i & 2 ? 40 : 80 };
			draw(q, view->name, &opt);
			char *key = strstr(text, strcmp(view->name, "zones") ? "U Unm" : " in use");
			CHECK(key != NULL);
			while (key && key > text && key[-1] != '\n')
				key--;
			/* An entry begins a line or follows three blanks. */
			for (char *p = key; p && *p; p++) {
				bool begins = p == key || p[-1] == '\n' ||
					      (p - key > 2 && memcmp(p - 3, "   ", 3) == 0);
				size_t bytes = strcspn(p, " \n");
				if (!begins || bytes >= sizeof(seen[0]) || p[bytes] != ' ' ||
				    (bytes > 1 && !(*p & 0x80)))
					continue;
				memcpy(seen[nr], p, bytes);
				for (unsigned k = 0; k < nr; k++)
					CHECK(strcmp(seen[k], seen[nr]) != 0);
				nr++;
			}
			CHECK(nr >= 5);
		}
	}
	quire_destroy(q);
}

/* A narrow picture breaks its words into rows and leaves none out. */
TEST(narrow)
{
	struct lab_draw_options opt = { .ascii = true, .columns = 40 };
	struct quire *q = textbook();

	CHECK_STR(draw(q, "zones", &opt), "Zones (i386)\n"
					  "\n"
					  "DMA         from 0, spans 64 kB: 60 kB\n"
					  "            managed, 32 kB free\n"
					  "  memory    ############=============%%\n"
					  "  low end   ====          M   L  H\n"
					  "            min 32, low 40, high 48;\n"
					  "            protection 0, 0, 0, 0\n"
					  "\n"
					  "Normal      empty\n"
					  "HighMem     empty\n"
					  "Movable     empty\n"
					  "\n"
					  "# in use   o on per-cpu lists   = free\n"
					  "% reserved   . no memory\n"
					  "Marks of the low end, left to right:\n"
					  "min, low, high, high + largest reserve.\n");
	CHECK(strstr(draw(q, "free", &opt), "DMA      32 kB free on lists, 0 frames\n"
					    "on per-cpu lists\n"
					    "order   blocks  memory        pair bits\n"
					    "    0        2  MMMMMM        00100100\n"));
	quire_destroy(q);
}

TEST(wrong)
{
	struct quire_hosted host = { .nr_allocs = 0 };
	struct lab_draw_options opt = { .columns = 39 };
	struct quire *q = textbook();

	length = 0;
	CHECK_EQ(lab_draw(q, "frame", NULL, &sink), -QUIRE_ENOENT);
	CHECK_EQ(lab_draw(q, "", NULL, &sink), -QUIRE_ENOENT);
	CHECK_EQ(lab_draw(q, "frames", &opt, &sink), -QUIRE_EINVAL);
	opt.columns = 401;
	CHECK_EQ(lab_draw(q, "frames", &opt, &sink), -QUIRE_EINVAL);
	quire_destroy(q);

	/* Without memory for the canvas nothing is written and nothing leaks. */
	struct quire_config config;
	const struct quire_map_entry map[] = { { 0, 1 << 20, QUIRE_MAP_USABLE } };
	quire_config_init(&config, QUIRE_I386);
	config.host = &host;
	CHECK_EQ(quire_create(&config, &q), 0);
	CHECK_EQ(quire_boot_map(q, map, 1), 0);
	CHECK_EQ(quire_boot_zones(q), 0);
	uint64_t live = host.live_bytes;
	for (size_t v = 0; lab_view_list(v); v++) {
		if (is_of_something(lab_view_list(v)->name))
			continue;
		host.fail_at = host.nr_allocs + 1;
		CHECK_EQ(lab_draw(q, lab_view_list(v)->name, NULL, &sink), -QUIRE_ENOMEM);
		CHECK_EQ(length, 0);
		host.fail_at = 0;
		draw(q, lab_view_list(v)->name, NULL);
		CHECK_EQ(host.live_bytes, live);
		length = 0;
	}
	quire_destroy(q);
	CHECK_EQ(host.live_bytes, 0);
}

TEST_MAIN(CASE(frames_16), CASE(free_16), CASE(zones_16), CASE(colour), CASE(scaled), CASE(pairs),
	  CASE(per_cpu), CASE(widths), CASE(keys), CASE(narrow), CASE(wrong))
