/* SPDX-License-Identifier: MIT */
/*
 * test_report.c - the reports to the byte (REPORT-1, REPORT-2, REPORT-3, REPORT-4)
 *
 * The first machine has 16 frames in the state of the textbook example (free: 5, 10,
 * [8,9], [12..15]): all its texts are known. The second is as a recorded one: its
 * lines must have the shape of those that Linux 6.1 printed there.
 */
#include <quire/boot.h>
#include <quire/page.h>
#include <quire/report.h>

#include "test.h"

#define TEXT_MAX 32768
#define RECORDING "examples/machines/linux/recorded-2.txt"

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

/* One buffer per call in turn: a test holds up to two texts at once. */
static const char *report(struct quire *q, const char *name, bool json)
{
	static struct text texts[2];
	static unsigned turn;
	struct text *t = &texts[turn++ & 1];
	const struct quire_sink sink = { .write = text_write, .ctx = t };

	t->n = 0;
	t->s[0] = 0;
	CHECK_EQ(quire_report(q, name, json, &sink), 0);
	return t->s;
}

/* Takes all 16 frames and frees eight of them. */
static struct quire *textbook(void)
{
	static const unsigned freed[] = { 5, 10, 8, 9, 12, 13, 14, 15 };
	const struct quire_map_entry map[] = { { 0, 16 * QUIRE_PAGE_SIZE, QUIRE_MAP_USABLE } };
	struct quire_config config;
	struct quire *q;

	quire_config_init(&config, QUIRE_I386);
	config.firmware = false;
	config.frames_outside = true;
	config.no_pcp = true;
	if (quire_create(&config, &q))
		return NULL;
	CHECK_EQ(quire_boot_map(q, map, 1), 0);
	CHECK_EQ(quire_boot_zones(q), 0);
	for (unsigned i = 0; i < 16; i++)
		CHECK(quire_page_alloc(q, QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_MEMALLOC, 0) != NULL);
	for (unsigned i = 0; i < sizeof(freed) / sizeof(freed[0]); i++)
		CHECK_EQ(quire_page_free(q, quire_pfn_page(q, quire_pfn(freed[i])), 0),
			 QUIRE_FREE_OK);
	return q;
}

TEST(buddyinfo)
{
	struct quire *q = textbook();

	CHECK_STR(report(q, "buddyinfo", false), "Node 0, zone      DMA      2      1      1      "
						 "0      0      0      0      0      0"
						 "      0      0 \n");
	CHECK_STR(report(q, "buddyinfo", true),
		  "[{\"node\":0,\"zone\":\"DMA\",\"free\":[2,1,1,0,0,0,0,0,0,0,0]}]\n");
	quire_destroy(q);
}

#define NONE "      0      0      0      0      0      0      0      0      0      0      0 \n"

TEST(pagetypeinfo)
{
	struct quire *q = textbook();

	CHECK_STR(report(q, "pagetypeinfo", false),
		  "Page block order: 10\n"
		  "Pages per block:  1024\n"
		  "\n"
		  "Free pages count per migrate type at order       0      1      2      3      4"
		  "      5      6      7      8      9     10 \n"
		  "Node    0, zone      DMA, type    Unmovable" NONE
		  "Node    0, zone      DMA, type      Movable      2      1      1      0      0"
		  "      0      0      0      0      0      0 \n"
		  "Node    0, zone      DMA, type  Reclaimable" NONE
		  "Node    0, zone      DMA, type   HighAtomic" NONE
		  "Node    0, zone      DMA, type          CMA" NONE
		  "Node    0, zone      DMA, type      Isolate" NONE "\n"
		  "Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic"
		  "          CMA      Isolate \n"
		  "Node 0, zone      DMA            0            1            0            0"
		  "            0            0 \n");
	CHECK(strstr(report(q, "pagetypeinfo", true),
		     "{\"node\":0,\"zone\":\"DMA\",\"type\":\"Movable\",\"free\":[2,1,1,0,0,0,0,0,"
		     "0,0,0]}"));
	CHECK(strstr(report(q, "pagetypeinfo", true),
		     "\"blocks\":[{\"node\":0,\"zone\":\"DMA\",\"Unmovable\":0,\"Movable\":1,"
		     "\"Reclaimable\":0,\"HighAtomic\":0,\"CMA\":0,\"Isolate\":0}]}\n"));
	quire_destroy(q);
}

#define EMPTY_ZONE                                                                         \
	"  pages free     0\n        boost    0\n        min      0\n        low      0\n" \
	"        high     0\n        spanned  0\n        present  0\n        managed  0\n" \
	"        cma      0\n        protection: (0, 0, 0, 0)\n"

TEST(zoneinfo)
{
	struct quire *q = textbook();

	CHECK_STR(report(q, "zoneinfo", false),
		  "Node 0, zone      DMA\n"
		  "  pages free     8\n"
		  "        boost    0\n"
		  "        min      32\n"
		  "        low      40\n"
		  "        high     48\n"
		  "        spanned  16\n"
		  "        present  16\n"
		  "        managed  16\n"
		  "        cma      0\n"
		  "        protection: (0, 0, 0, 0)\n"
		  "      nr_free_pages 8\n"
		  "      nr_free_cma  0\n"
		  "  pagesets\n"
		  "  start_pfn:           0\n"
		  "Node 0, zone   Normal\n" EMPTY_ZONE "Node 0, zone  HighMem\n" EMPTY_ZONE
		  "Node 0, zone  Movable\n" EMPTY_ZONE);
	CHECK(strstr(
		report(q, "zoneinfo", true),
		"[{\"node\":0,\"zone\":\"DMA\",\"free\":8,\"boost\":0,\"min\":32,\"low\":40,"
		"\"high\":48,\"spanned\":16,\"present\":16,\"managed\":16,\"cma\":0,"
		"\"protection\":[0,0,0,0],\"nr_free_pages\":8,\"nr_free_cma\":0,\"pagesets\":[],"
		"\"start_pfn\":0},{"));
	quire_destroy(q);
}

TEST(meminfo)
{
	struct quire *q = textbook();

	CHECK_STR(report(q, "meminfo", false), "MemTotal:             64 kB\n"
					       "MemFree:              32 kB\n"
					       "MemAvailable:          0 kB\n"
					       "Buffers:               0 kB\n"
					       "Cached:                0 kB\n"
					       "Active:                0 kB\n"
					       "Inactive:              0 kB\n"
					       "HighTotal:             0 kB\n"
					       "HighFree:              0 kB\n"
					       "LowTotal:             64 kB\n"
					       "LowFree:              32 kB\n"
					       "SwapTotal:             0 kB\n"
					       "SwapFree:              0 kB\n"
					       "AnonPages:             0 kB\n"
					       "Mapped:                0 kB\n"
					       "Shmem:                 0 kB\n"
					       "SReclaimable:          0 kB\n"
					       "CmaTotal:              0 kB\n"
					       "CmaFree:               0 kB\n");
	CHECK(strstr(report(q, "meminfo", true),
		     "{\"MemTotal\":64,\"MemFree\":32,\"MemAvailable\":0,"));
	quire_destroy(q);
}

TEST(vmstat)
{
	struct quire *q = textbook();

	CHECK_STR(report(q, "vmstat", false), "nr_free_pages 8\n"
					      "nr_free_cma 0\n"
					      "pgalloc_dma 16\n"
					      "pgalloc_normal 0\n"
					      "pgalloc_high 0\n"
					      "pgalloc_movable 0\n"
					      "pgfree 8\n");
	CHECK_STR(report(q, "vmstat", true),
		  "{\"nr_free_pages\":8,\"nr_free_cma\":0,\"pgalloc_dma\":16,\"pgalloc_normal\":0,"
		  "\"pgalloc_high\":0,\"pgalloc_movable\":0,\"pgfree\":8}\n");
	quire_destroy(q);
}

TEST(sysrq)
{
	struct quire *q = textbook();

	CHECK_STR(report(q, "sysrq-m", false),
		  "Mem-Info:\n"
		  " free:8 free_pcp:0 free_cma:0\n"
		  "Node 0 DMA free:32kB boost:0kB min:128kB low:160kB high:192kB"
		  " reserved_highatomic:0KB present:64kB managed:64kB free_pcp:0kB local_pcp:0kB"
		  " free_cma:0kB\n"
		  "lowmem_reserve[]: 0 0 0 0\n"
		  "Node 0 DMA: 2*4kB (M) 1*8kB (M) 1*16kB (M) 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB"
		  " 0*1024kB 0*2048kB 0*4096kB = 32kB\n"
		  "16 pages RAM\n"
		  "0 pages HighMem/MovableOnly\n"
		  "0 pages reserved\n"
		  "0 pages cma reserved\n");
	CHECK(strstr(report(q, "sysrq-m", true),
		     "\"blocks\":[2,1,1,0,0,0,0,0,0,0,0]}],\"pages_ram\":16,"));
	quire_destroy(q);
}

/* Four free blocks, 8 frames. Order 3: 1 - (1 + 8/8) / 4; order 4: 1 - (1 + 8/16) / 4 … */
TEST(fragmentation)
{
	struct quire *q = textbook();

	CHECK_STR(report(q, "extfrag_index", false),
		  "Node 0, zone      DMA -1.000 -1.000 -1.000  0.500  0.625  0.688  0.719  0.735"
		  "  0.743  0.747  0.749 \n");
	CHECK_STR(
		report(q, "unusable_index", false),
		"Node 0, zone      DMA 0.000 0.250 0.500 1.000 1.000 1.000 1.000 1.000 1.000 1.000"
		" 1.000 \n");
	CHECK_STR(report(q, "unusable_index", true), "[{\"node\":0,\"zone\":\"DMA\",\"index\":[0."
						     "000,0.250,0.500,1.000,1.000,1.000,1.000,"
						     "1.000,1.000,1.000,1.000]}]\n");
	quire_destroy(q);
}

/* The machine of recording 2: two processors, a map with reserved ranges, the kernel in it. */
static struct quire *recorded(enum quire_machine machine)
{
	const struct quire_map_entry map[] = {
		{ 0, 0x9fc00, QUIRE_MAP_USABLE },
		{ 0x9fc00, 0xa0000, QUIRE_MAP_RESERVED },
		{ 0xf0000, 0x100000, QUIRE_MAP_RESERVED },
		{ 0x100000, 0xc7da000, QUIRE_MAP_USABLE },
		{ 0xc7da000, 0xc800000, QUIRE_MAP_RESERVED },
		{ 0xfffc0000, 0x100000000, QUIRE_MAP_RESERVED },
		{ 0xfd00000000, 0x10000000000, QUIRE_MAP_RESERVED },
	};
	struct quire_config config;
	struct quire *q;

	quire_config_init(&config, machine);
	config.nr_cpus = 2;
	if (machine == QUIRE_I386)
		config.lowmem_bytes = 128 << 20;
	if (quire_create(&config, &q))
		return NULL;
	CHECK_EQ(quire_boot_map(q, map, sizeof(map) / sizeof(map[0])), 0);
	CHECK_EQ(quire_memblock_reserve(q, quire_phys(0x5800000), quire_phys(0x8000000),
					QUIRE_RESERVE_KERNEL),
		 0);
	CHECK_EQ(quire_boot_zones(q), 0);
	return q;
}

/* The next line of *text without its end; NULL after the last. */
static char *next_line(char **text)
{
	return strsep(text, "\n");
}

static bool zone_is(const char *line, const char *zone)
{
	const char *found = strstr(line, "zone ");

	return found && strncmp(found + 5 + strspn(found + 5, " "), zone, strlen(zone)) == 0;
}

/*
 * Two lines have one shape when they agree with each number, and the blanks before
 * it, made into one character; what is right-aligned must also have equal length.
 */
static bool same_shape(const char *a, const char *b)
{
	while (*a && *b) {
		size_t na = strspn(a, " "), nb = strspn(b, " ");

		if (strspn(a + na, "0123456789") && strspn(b + nb, "0123456789")) {
			a += na, b += nb;
			a += strspn(a, "0123456789"), b += strspn(b, "0123456789");
		} else if (*a++ != *b++) {
			return false;
		}
	}
	return *a == *b;
}

/* Every line of ours about @zone occurs in the recording, in this order, but for @ours_only. */
static void check_shape(char *ours, const char *recording, const char *begins, bool aligned,
			const char *ours_only)
{
	const char *at = strstr(recording, begins);
	char *text = ours, *line;
	int nr = 0;

	CHECK(at != NULL);
	while (at && (line = next_line(&text))) {
		bool found = false;

		if (!*line || (ours_only && strstr(line, ours_only)))
			continue;
		for (const char *p = at; *p && !found; p += strcspn(p, "\n"), p += *p == '\n') {
			char theirs[300];

			snprintf(theirs, sizeof(theirs), "%.*s", (int)strcspn(p, "\n"), p);
			found = same_shape(line, theirs) &&
				(!aligned || strlen(line) == strlen(theirs));
			if (found)
				at = p + strcspn(p, "\n");
		}
		if (!found)
			printf("no such line in the recording, or not here: \"%s\"\n", line);
		CHECK(found);
		nr++;
	}
	CHECK(nr > 1);
}

static char *read_recording(void)
{
	static char text[1 << 17];
	FILE *f = fopen(RECORDING, "rb");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = 0;
	return n ? text : NULL;
}

TEST(linux_shapes)
{
	struct quire *q = recorded(QUIRE_X86_64);
	const char *recording = read_recording();
	static char copy[TEXT_MAX];

	CHECK(recording != NULL);
	if (!recording)
		return;
	strcpy(copy, report(q, "buddyinfo", false));
	check_shape(copy, recording, "===ZONES\n", true, NULL);
	strcpy(copy, report(q, "zoneinfo", false));
	check_shape(copy, recording, "Node 0, zone      DMA\n", false, NULL);
	/* Linux was built without CMA there: its column is cut out, its lines are passed over. */
	strcpy(copy, report(q, "pagetypeinfo", false));
	for (char *p = strstr(copy, "Number of blocks"); p && *p;
	     p += strcspn(p, "\n"), p += *p == '\n') {
		size_t cut = strncmp(p, "Number", 6) == 0 ? 23 + 4 * 13 : 22 + 4 * 13;

		memmove(p + cut, p + cut + 13, strlen(p + cut + 13) + 1);
	}
	check_shape(copy, recording, "Page block order", true, "type          CMA");
	quire_destroy(q);
}

TEST(iomem)
{
	struct quire *q = recorded(QUIRE_X86_64);

	CHECK_STR(report(q, "iomem", false), "00000000-00000fff : Reserved\n"
					     "00001000-0009fbff : System RAM\n"
					     "0009fc00-0009ffff : Reserved\n"
					     "000f0000-000fffff : Reserved\n"
					     "00100000-0c7d9fff : System RAM\n"
					     "  05800000-07ffffff : Kernel\n"
					     "0c7da000-0c7fffff : Reserved\n"
					     "fffc0000-ffffffff : Reserved\n"
					     "fd00000000-ffffffffff : Reserved\n");
	CHECK(strstr(report(q, "iomem", true),
		     "{\"start\":1048576,\"end\":209559551,\"name\":\"System RAM\",\"children\":"
		     "[{\"start\":92274688,\"end\":134217727,\"name\":\"Kernel\"}]}"));
	quire_destroy(q);
}

static uint64_t value(const char *text, const char *key)
{
	const char *found = strstr(text, key);

	CHECK(found != NULL);
	return found ? strtoull(found + strlen(key) + strspn(found + strlen(key), " "), NULL, 10)
		     : 0;
}

/* CMA pageblocks, frames on per-cpu lists and counters show where they should. */
TEST(counters)
{
	struct quire *q = recorded(QUIRE_X86_64);
	struct quire_page *page = quire_page_alloc(q, QUIRE_GFP_HIGHUSER_MOVABLE, 0);

	CHECK_EQ(quire_set_migrate(q, quire_pfn(0x2000), quire_pfn(0x2400), QUIRE_MIGRATE_CMA), 0);
	page = quire_page_alloc(q, QUIRE_GFP_KERNEL, 0);
	CHECK(page != NULL);
	const char *info = report(q, "meminfo", false);
	CHECK_EQ(value(info, "CmaTotal:"), 4096);
	CHECK_EQ(value(info, "CmaFree:"), 4096);
	CHECK(!strstr(info, "HighTotal"));
	CHECK_EQ(value(report(q, "vmstat", false), "nr_free_cma"), 1024);
	CHECK_EQ(value(report(q, "vmstat", false), "pgalloc_dma32"), 2);
	const char *zones = strstr(report(q, "zoneinfo", false), "DMA32");
	CHECK_EQ(value(zones, "cma"), 1024);
	CHECK(value(zones, "count:") > 0);
	CHECK(strstr(zones, "    cpu: 1\n              count: 0\n"));
	const char *sysrq = report(q, "sysrq-m", false);
	CHECK(strstr(sysrq, "2*2048kB (C") || strstr(sysrq, "*4096kB (MC) "));
	CHECK_EQ(value(sysrq, "free_pcp:"), value(zones, "count:"));
	CHECK_EQ(value(strstr(sysrq, "DMA32 free:"), "local_pcp:"), value(zones, "count:") * 4);
	CHECK_EQ(value(report(q, "meminfo", false), "MemTotal:"),
		 4 * (value(strstr(report(q, "zoneinfo", false), "zone      DMA\n"), "managed") +
		      value(strstr(report(q, "zoneinfo", false), "DMA32"), "managed")));
	quire_destroy(q);
}

/* High memory of a 32-bit machine; available is free less reserves. */
TEST(highmem)
{
	struct quire *q = recorded(QUIRE_I386);
	struct quire_zone_stat stat;
	uint64_t reserves = 0;

	for (enum quire_zone z = 0; z < QUIRE_NR_ZONES; z++) {
		quire_zone_stat(q, z, &stat);
		uint64_t most = 0;
		for (int i = 0; i < QUIRE_NR_ZONES; i++)
			most = stat.reserve[i] > most ? stat.reserve[i] : most;
		reserves += most + stat.wmark[QUIRE_WMARK_HIGH];
	}
	const char *info = report(q, "meminfo", false);
	quire_zone_stat(q, QUIRE_ZONE_HIGHMEM, &stat);
	CHECK(stat.managed > 0);
	CHECK_EQ(value(info, "HighTotal:"), stat.managed * 4);
	CHECK_EQ(value(info, "HighFree:"), stat.free * 4);
	CHECK_EQ(value(info, "LowTotal:") + value(info, "HighTotal:"), value(info, "MemTotal:"));
	CHECK_EQ(value(info, "LowFree:") + value(info, "HighFree:"), value(info, "MemFree:"));
	CHECK_EQ(value(info, "MemAvailable:"), value(info, "MemFree:") - 4 * reserves);
	CHECK_EQ(value(strstr(report(q, "sysrq-m", false), "pages RAM\n"), "pages RAM\n"),
		 stat.present);
	CHECK(zone_is(strstr(report(q, "buddyinfo", false), "zone  High"), "HighMem"));
	quire_destroy(q);
}

/* A machine with ZONE_MOVABLE: its frames are high memory where they came from HIGHMEM. */
static struct quire *with_movable(enum quire_machine machine, uint64_t bytes)
{
	const struct quire_map_entry map[] = {
		{ 0x100000, bytes, QUIRE_MAP_USABLE },
		{ 0xffffffff00000000, 0, QUIRE_MAP_RESERVED }, /* up to 2^64 */
	};
	struct quire_config config;
	struct quire *q;

	quire_config_init(&config, machine);
	config.movable_bytes = 32 << 20;
	if (quire_create(&config, &q))
		return NULL;
	CHECK_EQ(quire_boot_map(q, map, sizeof(map) / sizeof(map[0])), 0);
	CHECK_EQ(quire_boot_zones(q), 0);
	return q;
}

TEST(movable)
{
	struct quire_zone_stat high, movable;
	struct quire *q = with_movable(QUIRE_I386, 1 << 30);

	quire_zone_stat(q, QUIRE_ZONE_HIGHMEM, &high);
	quire_zone_stat(q, QUIRE_ZONE_MOVABLE, &movable);
	CHECK_EQ(movable.managed, 8192);
	CHECK_EQ(value(report(q, "meminfo", false), "HighTotal:"),
		 4 * (high.managed + movable.managed));
	CHECK(strstr(report(q, "buddyinfo", false), "Node 0, zone  Movable      0      0"));
	quire_destroy(q);

	/* Without HIGHMEM it was cut from NORMAL: all of it is low. */
	q = with_movable(QUIRE_I386, 512 << 20);
	quire_zone_stat(q, QUIRE_ZONE_MOVABLE, &movable);
	CHECK(movable.managed > 0);
	CHECK_EQ(value(report(q, "meminfo", false), "HighTotal:"), 0);
	quire_destroy(q);

	q = with_movable(QUIRE_X86_64, 1 << 30);
	CHECK(!strstr(report(q, "meminfo", false), "High"));
	CHECK(strstr(report(q, "sysrq-m", false), "\n0 pages HighMem/MovableOnly\n"));
	CHECK(strstr(report(q, "iomem", false),
		     "\nffffffff00000000-ffffffffffffffff : Reserved\n"));
	CHECK(strstr(report(q, "iomem", true), "\"end\":18446744073709551615,"));
	quire_destroy(q);
}

/* Before there are zones nothing is counted, and nothing breaks. */
TEST(no_zones)
{
	struct quire_config config;
	const struct quire_report_info *info;
	struct quire *q;

	quire_config_init(&config, QUIRE_X86_64);
	CHECK_EQ(quire_create(&config, &q), 0);
	for (size_t i = 0; (info = quire_report_list(i)); i++) {
		report(q, info->name, false);
		CHECK(report(q, info->name, true)[0] != 0);
	}
	CHECK_EQ(value(report(q, "meminfo", false), "MemTotal:"), 0);
	CHECK_STR(report(q, "buddyinfo", false), "");
	quire_destroy(q);
}

TEST(list)
{
	struct quire *q = textbook();
	const struct quire_report_info *info;
	const struct quire_sink sink = { .write = text_write, .ctx = NULL };
	size_t i;

	for (i = 0; (info = quire_report_list(i)); i++) {
		CHECK(report(q, info->name, true)[0] != 0);
		CHECK(info->path[0] != '/' && strstr(info->path, info->name) && info->about[0]);
	}
	CHECK_EQ(i, 11);
	CHECK_EQ(quire_report(q, "buddy", false, &sink), -QUIRE_ENOENT);
	CHECK_EQ(quire_report(q, "buddyinfos", false, &sink), -QUIRE_ENOENT);
	CHECK_EQ(quire_report(q, "", false, &sink), -QUIRE_ENOENT);
	quire_destroy(q);
}

TEST_MAIN(CASE(buddyinfo), CASE(pagetypeinfo), CASE(zoneinfo), CASE(meminfo), CASE(vmstat),
	  CASE(sysrq), CASE(fragmentation), CASE(linux_shapes), CASE(iomem), CASE(counters),
	  CASE(highmem), CASE(movable), CASE(no_zones), CASE(list))
