/* SPDX-License-Identifier: MIT */
/*
 * test_trace.c - lines of recordings: every form, every kind of damage
 */
#include <quire/error.h>
#include <quire/page.h>

#include "trace.h"
#include "trace_gfp.h"

#include "../test.h"

static const char *why; /* of the line read last */

static int read_line(const char *line, struct lab_event *ev)
{
	return lab_trace_line(line, strlen(line), ev, &why);
}

/* A line that must read, as that kind. */
static struct lab_event good(const char *line, enum lab_event_kind kind)
{
	struct lab_event ev;

	if (read_line(line, &ev)) {
		test_failures++;
		printf("does not read: %s: %s\n", why, line);
	} else if (ev.kind != kind) {
		test_failures++;
		printf("is a %d, not a %d: %s\n", ev.kind, kind, line);
	}
	return ev;
}

static void bad(const char *line, const char *reason)
{
	struct lab_event ev;

	if (!read_line(line, &ev)) {
		test_failures++;
		printf("reads: %s\n", line);
	} else if (strcmp(why, reason) != 0) {
		test_failures++;
		printf("'%s', not '%s': %s\n", why, reason, line);
	}
}

#define HEAD "              sh-118     [003] d..1.    28.498141: "
#define ALLOC                                                                         \
	HEAD "mm_page_alloc: page=ffb8db4cc0207580 pfn=0x81d6 order=1 migratetype=1 " \
	     "gfp_flags=GFP_KERNEL_ACCOUNT|__GFP_ZERO"

TEST(ftrace_alloc)
{
	struct lab_event ev = good(ALLOC, LAB_PAGE_ALLOC);

	CHECK(ev.task_length == 2 && memcmp(ev.task, "sh", 2) == 0);
	CHECK_EQ(ev.pid, 118);
	CHECK_EQ(ev.cpu, 3);
	CHECK_EQ(ev.time_ns, 28498141000);
	CHECK(ev.name_length == 13 && memcmp(ev.name, "mm_page_alloc", 13) == 0);
	CHECK(!ev.null);
	CHECK_EQ(ev.pfn.v, 0x81d6);
	CHECK_EQ(ev.order, 1);
	CHECK_EQ(ev.migratetype, 1);
	CHECK_EQ(ev.gfp, QUIRE_GFP_KERNEL | QUIRE_GFP_ZERO);
	CHECK_STR(trace_gfp_ignored(3), "__GFP_ACCOUNT");
	CHECK_EQ(ev.gfp_ignored, 1 << 3);
}

TEST(the_other_events)
{
	struct lab_event ev =
		good(HEAD "mm_page_free: page=ffb8db4cc0207580 pfn=0x81d8 order=3", LAB_PAGE_FREE);
	CHECK_EQ(ev.pfn.v, 0x81d8);
	CHECK_EQ(ev.order, 3);
	good(HEAD "mm_page_free_batched: page=ffb8db4cc0207580 pfn=0x1 order=0",
	     LAB_PAGE_FREE_BATCHED);
	good(HEAD "mm_page_alloc_zone_locked: page=ffb8db4cc0220000 pfn=0x8800 order=9 "
		  "migratetype=1 percpu_refill=1",
	     LAB_PAGE_ZONE_LOCKED);
	good(HEAD "mm_page_pcpu_drain: page=ffb8 pfn=0x628 order=0 migratetype=1",
	     LAB_PAGE_PCPU_DRAIN);
	ev = good(HEAD "mm_page_alloc_extfrag: page=ffb8 pfn=0x2f00 alloc_order=2 fallback_order=6 "
		       "pageblock_order=9 alloc_migratetype=1 fallback_migratetype=0 "
		       "fragmenting=1 change_ownership=0",
		  LAB_PAGE_EXTFRAG);
	CHECK_EQ(ev.order, 2);
	ev = good(HEAD "kfree: call_site=x+0x1/0x2 ptr=00000000abcd", LAB_EVENT_OTHER);
	CHECK(ev.name_length == 5 && memcmp(ev.name, "kfree", 5) == 0);
	good(HEAD "mm_page_pool_hold: page=x", LAB_EVENT_OTHER);
}

/* tracefs with TGID, trace-cmd, perf with and without its options. */
TEST(forms)
{
	static const char *const lines[] = {
		"  Web Content-118   (  117) [003] d..1. 28.498141: mm_page_alloc: page=ffb8 "
		"pfn=0x81d6 order=1 migratetype=1 gfp_flags=GFP_KERNEL",
		"     Web Content-118   [003]    28.498141: mm_page_alloc:        page=0xffb8 "
		"pfn=0x81d6 order=1 migratetype=1 gfp_flags=GFP_KERNEL",
		"     Web Content   118 [003]    28.498141:  kmem:mm_page_alloc: page=0x81d6 "
		"pfn=0x81d6 order=1 migratetype=1 gfp_flags=GFP_KERNEL",
		"     Web Content   117/118   [003]    28.498141000:          1   "
		"kmem:mm_page_alloc: page=0x81d6 pfn=33238 order=1 migratetype=1 "
		"gfp_flags=GFP_KERNEL",
		"     Web Content   118 [003] 28.498141:  kmem:mm_page_alloc: [FAILED TO PARSE] "
		"pfn=33238 order=1 gfp_flags=3264 migratetype=1",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct lab_event ev = good(lines[i], LAB_PAGE_ALLOC);
		CHECK(ev.task_length == 11 && memcmp(ev.task, "Web Content", 11) == 0);
		CHECK_EQ(ev.cpu, 3);
		CHECK_EQ(ev.time_ns, 28498141000);
		CHECK_EQ(ev.pfn.v, 0x81d6);
		CHECK_EQ(ev.gfp, QUIRE_GFP_KERNEL);
	}
	CHECK(good("[a] x: [7]-9 [001] 1.5: kfree: x", LAB_EVENT_OTHER).pid == 9);
	CHECK_EQ(good("a-9 [001] .... 777: kfree: x", LAB_EVENT_OTHER).time_ns, 777);
	CHECK_EQ(good(ALLOC "\r", LAB_PAGE_ALLOC).pfn.v, 0x81d6);
}

TEST(no_events)
{
	good("", LAB_EVENT_NONE);
	good("   ", LAB_EVENT_NONE);
	good("# tracer: nop", LAB_EVENT_NONE);
	good("cpus=2", LAB_EVENT_NONE);
	good("CPU 1 is empty", LAB_EVENT_NONE);
	good("version = 7", LAB_EVENT_NONE);
	good(" => __alloc_pages", LAB_EVENT_NONE);
	good("\tffffffff8123abcd __alloc_pages+0x1 ([kernel.kallsyms])", LAB_EVENT_NONE);
	good(HEAD "<stack trace>", LAB_EVENT_OTHER);
	good(HEAD "vfs_read <-ksys_read", LAB_EVENT_OTHER);
	good(HEAD "tracing_mark_write: here it begins", LAB_EVENT_OTHER);
	good("a 9 [001] 1.5: PERF_RECORD_COMM: a:9/9", LAB_EVENT_OTHER);
}

TEST(lost_events)
{
	CHECK_EQ(good("CPU:0 [LOST 123 EVENTS]", LAB_EVENT_LOST).lost, 123);
	CHECK_EQ(good("CPU:1 [LOST EVENTS]", LAB_EVENT_LOST).lost, 0);
	CHECK_EQ(good("CPU:1 [77 EVENTS DROPPED]", LAB_EVENT_LOST).lost, 77);
	CHECK_EQ(good("CPU:1 [EVENTS DROPPED]", LAB_EVENT_LOST).lost, 0);
	CHECK_EQ(good("a 9 [001] 1.5: PERF_RECORD_LOST lost 12", LAB_EVENT_LOST).lost, 12);
	bad("CPU:1 [LOST 12 EVE", "no line of a recording");
	bad("a 9 [001] 1.5: PERF_RECORD_LOST lost x", "lost: not a number");
}

#define REQUEST " order=0 migratetype=0 gfp_flags=none"

TEST(failed_requests)
{
	static const char *const pages[] = {
		"page=0000000000000000 pfn=0x0", "page=          (null) pfn=18446744073709551615",
		"page=(nil) pfn=0x0", "page=(null) pfn=0", "page=0x0 pfn=0xffffffffffffffff",
		"page=00000000 pfn=4294967295", "pfn=18446744073709551615",
	};
	char line[300];

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		snprintf(line, sizeof(line), HEAD "mm_page_alloc: %s" REQUEST, pages[i]);
		CHECK(good(line, LAB_PAGE_ALLOC).null);
		snprintf(line, sizeof(line), HEAD "mm_page_free: %s order=0", pages[i]);
		bad(line, "pfn: no frame number");
	}
	/* Frame 0 with a page is a frame, and a page that can't be told is no failure. */
	CHECK(!good(HEAD "mm_page_alloc: page=ff80 pfn=0x0" REQUEST, LAB_PAGE_ALLOC).null);
	CHECK(!good(HEAD "mm_page_alloc: page=(nil) pfn=0x7" REQUEST, LAB_PAGE_ALLOC).null);
}

TEST(damage)
{
	bad("hello", "no line of a recording");
	bad("sh-118 [000] ..... 28.49", "no line of a recording");
	bad("sh-118 [99999] ..... 28.49: kfree: x", "no line of a recording");
	bad("sh-118 [000] ..... 99999999999999999999.5: kfree: x", "no line of a recording");
	bad("sh [000] ..... 1.5: kfree: x", "no line of a recording");
	bad(HEAD, "cut short: no event");
	bad(HEAD "mm_page_al", "cut short: no event");
	bad(HEAD "mm_page_alloc:", "cut short: a field is missing");
	bad(HEAD "mm_page_free: page=x pfn=0x1", "cut short: a field is missing");
	bad(HEAD "mm_page_free: page=x pfn=0x1 order=", "order: not a number");
	bad(HEAD "mm_page_free: page=x pfn=0x order=0", "pfn: no frame number");
	bad(HEAD "mm_page_free: page=x pfn=0x1g order=0", "pfn: no frame number");
	bad(HEAD "mm_page_free: page=x pfn=0x11112222333344445 order=0", "pfn: no frame number");
	bad(HEAD "mm_page_free: page=x pfn=18446744073709551616 order=0", "pfn: no frame number");
	bad(HEAD "mm_page_free: page=x pfn=0x10000000000000 order=0", "pfn: beyond any memory");
	bad(HEAD "mm_page_free: page=x pfn=0x1 order=-1", "order: not a number");
	bad(HEAD "mm_page_free: page=x pfn=0x800 order=11", "order: beyond 10");
	bad(HEAD "mm_page_free: page=x pfn=0x800 order=4294967296", "order: beyond 10");
	bad(HEAD "mm_page_free: page=x pfn=0x3 order=1", "pfn: no multiple of the block's size");
	bad(HEAD "mm_page_free: page=x pfn=0x1 order=0 pfn=0x2", "the same field twice");
	bad(HEAD "mm_page_pcpu_drain: page=x pfn=0x1 order=0 migratetype=16",
	    "migratetype: out of range");
	bad(HEAD "mm_page_alloc: page=x pfn=0x1 order=0 migratetype=0 gfp_flags=GFP_KERNE",
	    "gfp_flags: unknown flag");
	bad(HEAD "mm_page_alloc: page=x pfn=0x1 order=0 migratetype=0 gfp_flags=GFP_KERNEL|",
	    "gfp_flags: unknown flag");
	bad(HEAD "mm_page_alloc: page=x pfn=0x1 order=0 migratetype=0 gfp_flags=0x1ffffffff",
	    "gfp_flags: unknown flag");
}

/* A line cut anywhere before its last field ends is damage, never another event. */
TEST(cut_anywhere)
{
	size_t last = strlen(ALLOC) - strlen("GFP_KERNEL_ACCOUNT|__GFP_ZERO");
	char line[300];

	for (size_t length = strlen(HEAD); length <= last; length++) {
		struct lab_event ev;
		memcpy(line, ALLOC, length);
		line[length] = 0;
		CHECK(read_line(line, &ev) == -QUIRE_EINVAL);
	}
}

static void gfp(const char *text, quire_gfp_t expected, const char *ignored)
{
	quire_gfp_t flags;
	uint32_t bits;

	CHECK_EQ(trace_gfp(text, strlen(text), &flags, &bits), 0);
	if (flags != expected)
		printf("%s: ", text);
	CHECK_EQ(flags, expected);
	for (unsigned i = 0; trace_gfp_ignored(i); i++) {
		const char *name = trace_gfp_ignored(i);
		bool in = strstr(ignored, name) != NULL;
		if (in != (bits >> i & 1))
			printf("%s: %s\n", text, name);
		CHECK_EQ(bits >> i & 1, in);
	}
}

TEST(gfp_flags)
{
	quire_gfp_t light = QUIRE_GFP_BIT_IO | QUIRE_GFP_BIT_FS | QUIRE_GFP_BIT_HIGHMEM |
			    QUIRE_GFP_BIT_MOVABLE | QUIRE_GFP_BIT_COMP |
			    QUIRE_GFP_BIT_NOMEMALLOC | QUIRE_GFP_BIT_NOWARN;

	gfp("none", 0, "");
	gfp("GFP_ATOMIC", QUIRE_GFP_ATOMIC, "");
	gfp("__GFP_ATOMIC", QUIRE_GFP_BIT_ATOMIC, "");
	gfp("GFP_NOWAIT|__GFP_NOWARN", QUIRE_GFP_NOWAIT | QUIRE_GFP_BIT_NOWARN, "");
	gfp("GFP_TRANSHUGE_LIGHT", light, "__GFP_HARDWALL");
	gfp("GFP_TRANSHUGE", light | QUIRE_GFP_BIT_DIRECT, "__GFP_HARDWALL");
	gfp("GFP_HIGHUSER_MOVABLE|__GFP_WRITE|__GFP_THISNODE", QUIRE_GFP_HIGHUSER_MOVABLE,
	    "__GFP_HARDWALL __GFP_WRITE __GFP_THISNODE");
	gfp("GFP_KERNEL_ACCOUNT|__GFP_RECLAIMABLE", QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_RECLAIMABLE,
	    "__GFP_ACCOUNT");
	gfp("0xcc0", QUIRE_GFP_KERNEL, "");
	gfp("3264", QUIRE_GFP_KERNEL, "");
	gfp("0x500dc2", QUIRE_GFP_KERNEL | QUIRE_GFP_ZERO | QUIRE_GFP_BIT_HIGHMEM,
	    "__GFP_ACCOUNT __GFP_HARDWALL");
	gfp("GFP_NOIO|0x8001000", QUIRE_GFP_NOIO, "__GFP_WRITE bits without a name");
	/* Before Linux 4.6. */
	gfp("GFP_NOFS|GFP_COLD|GFP_REPEAT|GFP_ZERO",
	    QUIRE_GFP_NOFS | QUIRE_GFP_BIT_RETRY_MAYFAIL | QUIRE_GFP_ZERO, "__GFP_COLD");
}

/* Whatever happens to a line, what passes is in range. */
TEST(random_damage)
{
	static const char bytes[] = "0123456789abcdefx=:|[]-. \t#_GFPmnopr(\r\xff";
	uint64_t seed = 1;

	for (int round = 0; round < 200000; round++) {
		char line[300];
		struct lab_event ev;
		size_t length = strlen(ALLOC);
		memcpy(line, ALLOC, length);
		for (uint64_t n = 1 + test_random(&seed) % 3; n; n--) {
			size_t at = test_random(&seed) % length;
			size_t from = test_random(&seed) % length;
			if (test_random(&seed) % 4)
				line[at] = bytes[test_random(&seed) % (sizeof(bytes) - 1)];
			else
				memmove(line + at, line + from,
					length - (at > from ? at : from));
		}
		length -= test_random(&seed) % 8;
		if (lab_trace_line(line, length, &ev, &why)) {
			CHECK(why && *why);
			continue;
		}
		CHECK(!why);
		CHECK(ev.order <= QUIRE_ORDER_MAX && ev.pfn.v < (uint64_t)1 << 52);
		CHECK(ev.pfn.v % (1u << ev.order) == 0);
		CHECK(!(ev.gfp & ~QUIRE_GFP_BITS) && ev.cpu <= UINT16_MAX);
		CHECK(ev.kind < LAB_PAGE_ALLOC ||
		      (ev.name >= line && ev.name + ev.name_length <= line + length));
	}
}

TEST_MAIN(CASE(ftrace_alloc), CASE(the_other_events), CASE(forms), CASE(no_events),
	  CASE(lost_events), CASE(failed_requests), CASE(damage), CASE(cut_anywhere),
	  CASE(gfp_flags), CASE(random_damage))
