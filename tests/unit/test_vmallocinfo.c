/* SPDX-License-Identifier: MIT */
/*
 * test_vmallocinfo.c - /proc/vmallocinfo, vmalloc's lines of meminfo, the layout's picture
 *
 * REPORT-1: before the kernel's address space there is nothing to report.
 */
#include "kernel.h"

#include <quire/report.h>

#include "figure.h"

static char text[1 << 16];
static size_t length;

static void add(void *ctx, const char *s, size_t n)
{
	(void)ctx;
	CHECK(length + n < sizeof(text));
	memcpy(text + length, s, n);
	length += n;
	text[length] = 0;
}

static const struct quire_sink sink = { add, NULL };

static const char *report(struct rig *rig, const char *name, bool json)
{
	length = 0;
	text[0] = 0;
	CHECK_EQ(quire_report(rig->q, name, json, &sink), 0);
	return text;
}

static const char *draw(struct rig *rig, bool svg)
{
	const struct lab_draw_options options = { .ascii = true, .svg = svg };

	length = 0;
	CHECK_EQ(lab_draw(rig->q, "layout", &options, &sink), 0);
	return text;
}

#define CHECK_TEXT(is, wanted)                            \
	do {                                              \
		const char *test_is = (is);               \
		if (strcmp(test_is, wanted))              \
			printf("%s", test_is);            \
		CHECK(!strcmp(test_is, wanted));          \
	} while (0)

TEST(i386)
{
	struct rig rig;
	quire_virt_t a = { 0 }, b = { 0 }, c = { 0 };

	if (!rig_boot(&rig, rig_config(QUIRE_I386), MB(512)))
		return;
	CHECK_TEXT(report(&rig, "vmallocinfo", false), "");
	CHECK_TEXT(report(&rig, "vmallocinfo", true), "[]\n");
	CHECK(!strstr(report(&rig, "meminfo", false), "Vmalloc"));
	CHECK(strstr(draw(&rig, false), "is not built yet"));
	CHECK_EQ(quire_kernel_boot(rig.q), 0);
	struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0);

	CHECK_EQ(quire_vmalloc(rig.q, 16384, &a), 0);
	CHECK_EQ(quire_ioremap(rig.q, quire_phys(0xfee00000), 4096, QUIRE_PTE_UC, &b), 0);
	CHECK_EQ(quire_vmap(rig.q, &page, 1, QUIRE_PTE_KERNEL, &c), 0);
	CHECK_TEXT(report(&rig, "vmallocinfo", false),
		   "0xe0800000-0xe0805000   20480 pages=4 vmalloc\n"
		   "0xe0805000-0xe0807000    8192 phys=0xfee00000 ioremap\n"
		   "0xe0807000-0xe0809000    8192 pages=1 vmap\n");
	report(&rig, "meminfo", false);
	CHECK(strstr(text, "VmallocTotal:     507896 kB\nVmallocUsed:          16 kB\n"));
	CHECK(strstr(text, "DirectMap4k:        4096 kB\nDirectMap4M:      520192 kB\n"));
	CHECK_EQ(quire_vfree(rig.q, a), QUIRE_VFREE_OK);
	CHECK_TEXT(report(&rig, "vmallocinfo", false),
		   "0xe0805000-0xe0807000    8192 phys=0xfee00000 ioremap\n"
		   "0xe0807000-0xe0809000    8192 pages=1 vmap\n"
		   "0xe0800000-0xe0805000   20480 unpurged vm_area\n");
	CHECK_TEXT(report(&rig, "vmallocinfo", true),
		   "[{\"start\":3766505472,\"end\":3766513664,\"bytes\":8192,\"pages\":0,"
		   "\"phys\":4276092928,\"kind\":\"ioremap\"},"
		   "{\"start\":3766513664,\"end\":3766521856,\"bytes\":8192,\"pages\":1,"
		   "\"kind\":\"vmap\"},"
		   "{\"start\":3766484992,\"end\":3766505472,\"bytes\":20480,\"pages\":0,"
		   "\"kind\":\"unpurged vm_area\"}]\n");
	CHECK(strstr(draw(&rig, false), "e0800000"));
	CHECK(strstr(text, "vmalloc     2 areas, 16 kB; 20 kB freed, not flushed"));
	CHECK(strstr(text, "pkmap       0 of 1024 windows open, 0 closed and kept"));
	CHECK(!strncmp(draw(&rig, true), "<svg", 4));
	rig_end(&rig);
}

/* Addresses have 16 digits; the region's size is Linux's number. */
TEST(x86_64)
{
	struct rig rig;
	quire_virt_t a = { 0 };

	if (!kernel_start(&rig, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(quire_vmalloc(rig.q, 4096, &a), 0);
	CHECK_TEXT(report(&rig, "vmallocinfo", false),
		   "0xffffc90000000000-0xffffc90000002000    8192 pages=1 vmalloc\n");
	report(&rig, "meminfo", false);
	CHECK(strstr(text, "VmallocTotal:   34359738367 kB\nVmallocUsed:           4 kB\n"));
	CHECK(strstr(text, "DirectMap4k:        2048 kB\nDirectMap2M:       63488 kB\n"
			   "DirectMap1G:           0 kB\n"));
	CHECK(strstr(draw(&rig, false), "ffff888000000000"));
	rig_end(&rig);
}

TEST_MAIN(CASE(i386), CASE(x86_64))
