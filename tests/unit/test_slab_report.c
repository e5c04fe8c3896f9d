/* SPDX-License-Identifier: MIT */
/*
 * test_slab_report.c - what one sees of the kernel heap: /proc/slabinfo and view "slab"
 */
#include "heap.h"

#include <quire/report.h>

#include "figure.h"

static char text[1 << 21];
static size_t length;

static void text_write(void *ctx, const char *piece, size_t n)
{
	(void)ctx;
	if (length + n < sizeof(text)) {
		memcpy(text + length, piece, n);
		length += n;
	}
	text[length] = 0;
}

static const struct quire_sink sink = { text_write, NULL };

static const char *slabinfo(struct heap *h, bool json)
{
	length = 0;
	CHECK_EQ(quire_report(h->q, "slabinfo", json, &sink), 0);
	return text;
}

static const char heading[] =
	"slabinfo - version: 2.1\n"
	"# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
	" : tunables <limit> <batchcount> <sharedfactor>"
	" : slabdata <active_slabs> <num_slabs> <sharedavail>\n";

/* REPORT-2: Linux's columns, to the byte; the newest cache first. */
TEST(slabinfo_text)
{
	struct heap h;

	if (!heap_start(&h, MB(32), 0))
		return;
	struct quire_cache *cache =
		heap_cache(&h, (struct quire_cache_args){ .name = "t", .size = 1000 });
	void *p[10];
	for (unsigned i = 0; i < 10; i++)
		p[i] = quire_cache_alloc(cache, GFP);
	slabinfo(&h, false);
	CHECK(strncmp(text, heading, strlen(heading)) == 0);
	const char *row;
	row = "t                     10     12   1000    4    1 : tunables   16   16    0"
	      " : slabdata      3      3      0\n";
	CHECK(strncmp(text + strlen(heading), row, strlen(row)) == 0);
	for (unsigned i = 0; i < 4; i++)
		quire_cache_free_track(cache, p[i], 0);
	quire_hosted_cpu(1);
	quire_cache_free_track(cache, p[4], 0);
	row = "t                      5     12   1000    4    1 : tunables   16   16    0"
	      " : slabdata      2      3      1\n";
	CHECK(strncmp(slabinfo(&h, false) + strlen(heading), row, strlen(row)) == 0);
	CHECK(strstr(text, "\nkmalloc-8  ") != NULL);
	CHECK(strstr(text, "\ndma-kmalloc-8k  ") != NULL);
	heap_end(&h, 5);
}

static uint64_t meminfo(struct heap *h, const char *name)
{
	length = 0;
	CHECK_EQ(quire_report(h->q, "meminfo", false, &sink), 0);
	const char *line = strstr(text, name);
	return line ? strtoull(line + strlen(name), NULL, 10) : UINT64_MAX;
}

/* REPORT-1: meminfo's Slab is the frames that slabs hold, reclaimable ones apart. */
TEST(meminfo_slab)
{
	struct heap h;
	void *kept[64];

	if (!heap_start(&h, MB(32), 0))
		return;
	uint64_t slab = meminfo(&h, "\nSlab:"), available = meminfo(&h, "\nMemAvailable:");
	for (unsigned i = 0; i < 64; i++)
		kept[i] = quire_kmalloc(h.q, 4096, GFP | QUIRE_GFP_BIT_RECLAIMABLE);
	CHECK_EQ(meminfo(&h, "\nSReclaimable:"), 64 * 4);
	CHECK_EQ(meminfo(&h, "\nKReclaimable:"), 64 * 4);
	CHECK(meminfo(&h, "\nSlab:") >= slab + 64 * 4);
	CHECK_EQ(meminfo(&h, "\nSlab:") - meminfo(&h, "\nSUnreclaim:"), 64 * 4);
	/* Half of it counts as available still. */
	CHECK(meminfo(&h, "\nMemAvailable:") < available - 64 * 4 / 2 + 64);
	for (unsigned i = 0; i < 64; i++)
		CHECK_EQ(quire_kfree(h.q, kept[i]), QUIRE_KFREE_OK);
	quire_slab_drain(h.q);
	CHECK_EQ(meminfo(&h, "\nSReclaimable:"), 0);
	heap_end(&h, 0);
}

TEST(slabinfo_json)
{
	struct heap h;

	if (!heap_start(&h, MB(32), QUIRE_SLAB_ASKED))
		return;
	quire_kmalloc(h.q, 20, GFP);
	CHECK(strstr(slabinfo(&h, true), "\"name\":\"kmalloc-32\",\"active_objs\":1,"));
	CHECK(strstr(text, "\"used_bytes\":64,\"asked_bytes\":20}"));
	heap_end(&h, 1);
	/* Nobody counts: nothing is said. */
	if (!heap_start(&h, MB(32), 0))
		return;
	CHECK(!strstr(slabinfo(&h, true), "asked_bytes"));
	heap_end(&h, 0);
}

/* REPORT-1: without a heap there is nothing to count. */
TEST(slabinfo_without_heap)
{
	struct heap h;
	struct quire_config config = rig_config(QUIRE_I386);

	if (!rig_boot(&h.rig, config, MB(16)))
		return;
	h.q = h.rig.q;
	CHECK_STR(slabinfo(&h, false), heading);
	CHECK_STR(slabinfo(&h, true), "[]\n");
	rig_end(&h.rig);
}

static int draw(struct heap *h, struct lab_draw_options options)
{
	length = 0;
	text[0] = 0;
	return lab_draw(h->q, "slab", &options, &sink);
}

TEST(figure)
{
	struct heap h;

	if (!heap_start(&h, MB(32), 0))
		return;
	struct quire_cache *cache =
		heap_cache(&h, (struct quire_cache_args){ .name = "t", .size = 1000 });
	void *p[10];
	for (unsigned i = 0; i < 10; i++)
		p[i] = quire_cache_alloc(cache, GFP);
	quire_cache_free_track(cache, p[1], 0);
	quire_cache_free_track(cache, p[9], 0);
	quire_hosted_cpu(1);
	quire_cache_free_track(cache, p[2], 0);
	CHECK_EQ(draw(&h, (struct lab_draw_options){ .cache = cache, .ascii = true }), 0);
	CHECK(strstr(text, "Cache t: 1000 bytes, 4 to a slab of 1 frame\n"));
	CHECK(strstr(text, "7 of 12 objects in use\n3 slabs: 1 full, 2 partial, 0 empty\n"));
	CHECK(strstr(text, "current    1     0 #.cc\n"));
	CHECK(strstr(text, "full       4     0 ####\n"));
	CHECK(strstr(text, "partial    2     0 #.a#\n"));
	CHECK_EQ(draw(&h, (struct lab_draw_options){ 0 }), -QUIRE_EINVAL);
	heap_end(&h, 7);
}

/* All widths and both back ends, of a cache with many objects: no line too wide. */
TEST(figure_widths)
{
	struct heap h;
	static void *p[3000];

	if (!heap_start(&h, MB(64), 0))
		return;
	struct quire_cache *cache = quire_cache_find(h.q, "kmalloc-8");
	CHECK_EQ(quire_cache_alloc_bulk(cache, GFP, 3000, p), 0);
	for (unsigned columns = 40; columns <= 400; columns += 40) {
		struct lab_draw_options options = { .cache = cache, .ascii = true,
						    .columns = columns };

		CHECK_EQ(draw(&h, options), 0);
		for (char *at = text, *end; (end = strchr(at, '\n')); at = end + 1)
			CHECK((size_t)(end - at) <= columns);
		options.svg = true;
		CHECK_EQ(draw(&h, options), 0);
		CHECK_STR(text + length - 7, "</svg>\n");
	}
	uint64_t live = h.rig.host.live_bytes;
	h.rig.host.fail_at = h.rig.host.nr_allocs + 1;
	CHECK_EQ(draw(&h, (struct lab_draw_options){ .cache = cache }), -QUIRE_ENOMEM);
	CHECK_EQ(length, 0);
	CHECK_EQ(h.rig.host.live_bytes, live);
	h.rig.host.fail_at = 0;
	heap_end(&h, 3000);
}

TEST_MAIN(CASE(slabinfo_text), CASE(meminfo_slab), CASE(slabinfo_json),
	  CASE(slabinfo_without_heap), CASE(figure), CASE(figure_widths))
