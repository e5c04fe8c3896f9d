/* SPDX-License-Identifier: MIT */
/*
 * test_map.c - memory maps as text: every form that is read, and damage
 */
#include "maps.h"
#include "size.h"

/* ---- Helpers ---- */

static void expect_map(const char *text, const char *map)
{
	struct quire *q = boot_text(text, QUIRE_X86_64);

	CHECK_STR(map_text(q), map);
	quire_destroy(q);
}

static void expect_memory(const char *text, const char *memory)
{
	struct quire *q = boot_text(text, QUIRE_X86_64);

	CHECK_STR(list_text(q, QUIRE_MEMBLOCK_MEMORY), memory);
	quire_destroy(q);
}

static void expect_reserved(const char *text, const char *reserved)
{
	struct quire *q = boot_text(text, QUIRE_X86_64);

	CHECK_STR(list_text(q, QUIRE_MEMBLOCK_RESERVED), reserved);
	quire_destroy(q);
}

/* ---- Sizes ---- */

TEST(sizes)
{
	static const struct {
		const char *text;
		uint64_t value;
		int error;
	} cases[] = {
		{ "0", 0, 0 },
		{ "4096", 4096, 0 },
		{ "64M", 64u << 20, 0 },
		{ "64m", 64u << 20, 0 },
		{ "1k", 1024, 0 },
		{ "2G", (uint64_t)2 << 30, 0 },
		{ "1T", (uint64_t)1 << 40, 0 },
		{ "3P", (uint64_t)3 << 50, 0 },
		{ "15E", (uint64_t)15 << 60, 0 },
		{ "0x36bfe000", 0x36bfe000, 0 },
		{ "0X10K", 0x4000, 0 },
		{ "0x1E", 0x1e, 0 },
		{ "18446744073709551615", UINT64_MAX, 0 },
		{ "0xffffffffffffffff", UINT64_MAX, 0 },
		{ "18446744073709551616", 0, -QUIRE_ERANGE },
		{ "0x10000000000000000", 0, -QUIRE_ERANGE },
		{ "16E", 0, -QUIRE_ERANGE },
		{ "17179869184G", 0, -QUIRE_ERANGE },
		{ "", 0, -QUIRE_EINVAL },
		{ "M", 0, -QUIRE_EINVAL },
		{ "0x", 0, -QUIRE_EINVAL },
		{ "-1", 0, -QUIRE_EINVAL },
		{ "64MB", 0, -QUIRE_EINVAL },
		{ "6 4", 0, -QUIRE_EINVAL },
		{ "1f", 0, -QUIRE_EINVAL },
		{ "64 ", 0, -QUIRE_EINVAL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t value = 77;
		int error = lab_size(cases[i].text, strlen(cases[i].text), &value);

		if (error != cases[i].error || value != (error ? 77 : cases[i].value)) {
			printf("\"%s\" is %llu, error %d\n", cases[i].text,
			       (unsigned long long)value, error);
			CHECK(false);
		}
	}
}

TEST(ranges)
{
	uint64_t start = 7, end = 8;

	CHECK_EQ(lab_range("1M-0x200000", 11, &start, &end), 0);
	CHECK(start == 1 << 20 && end == 2 << 20);
	CHECK_EQ(lab_range("1M-1M", 5, &start, &end), -QUIRE_EINVAL);
	CHECK_EQ(lab_range("2M-1M", 5, &start, &end), -QUIRE_EINVAL);
	CHECK_EQ(lab_range("1M", 2, &start, &end), -QUIRE_EINVAL);
	CHECK_EQ(lab_range("1M-", 3, &start, &end), -QUIRE_EINVAL);
	CHECK_EQ(lab_range("-1M", 3, &start, &end), -QUIRE_EINVAL);
	CHECK_EQ(lab_range("0-16E", 5, &start, &end), -QUIRE_ERANGE);
	CHECK(start == 1 << 20 && end == 2 << 20);
}

/* ---- Forms ---- */

TEST(forms_of_a_map_line)
{
	static const char *const forms[] = {
		"BIOS-e820: 0000000000100000 - 0000000000200000 (usable)",
		"BIOS-e820: [mem 0x0000000000100000-0x00000000001fffff] usable",
		"BIOS-88: 0000000000100000 - 0000000000200000 (usable)",
		"BIOS-e801: 0000000000100000 - 0000000000200000 (usable)",
		"user: 0000000000100000 - 0000000000200000 (usable)",
		"user: [mem 0x0000000000100000-0x00000000001fffff] usable",
		"SRAT: Node 0 PXM 0 100000-200000",
		"ACPI: SRAT: Node 0 PXM 0 [mem 0x00100000-0x001fffff]",
		"00100000-001fffff : System RAM",
		"ram 1M-2M",
		"ram 0x100000-2048K",
	};
	static const char *const prefixes[] = {
		"",
		" ",
		"[    0.000000] ",
		"[    0.000000]  ",
		"<6>",
		"<6>[    0.000000] ",
		"[    0.000000][    T0] ",
		"[Sat Nov 21 07:31:51 2026] ",
		"Nov 21 07:31:51 host kernel: [    0.000000] ",
		"2026-11-21T07:31:51.123456+00:00 host kernel: ",
		"Nov  1 07:31:51 host kernel:  ",
	};
	char line[300];

	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		/* Quire's own lines and /proc/iomem's are not in a log. */
		size_t nr = f >= 8 ? 1 : sizeof(prefixes) / sizeof(prefixes[0]);

		for (size_t p = 0; p < nr; p++) {
			snprintf(line, sizeof(line), "%s%s\n", prefixes[p], forms[f]);
			expect_map(line, "100000-200000:1");
			snprintf(line, sizeof(line), "# head\r\n\r\n%s%s  \r\n", prefixes[p],
				 forms[f]);
			expect_map(line, "100000-200000:1");
		}
	}
	/* Without an end of line, too. */
	expect_map(forms[0], "100000-200000:1");
}

TEST(types)
{
	expect_map("BIOS-e820: 0000000000100000 - 0000000000101000 (reserved)\n"
		   "BIOS-e820: 0000000000101000 - 0000000000102000 (ACPI data)\n"
		   "BIOS-e820: 0000000000102000 - 0000000000103000 (ACPI NVS)\n"
		   "BIOS-e820: 0000000000103000 - 0000000000104000 (unusable)\n"
		   "BIOS-e820: 0000000000104000 - 0000000000105000 type 20\n"
		   "BIOS-e820: [mem 0x0000000000105000-0x0000000000105fff] persistent (type 12)\n"
		   "BIOS-e820: [mem 0x0000000000106000-0x0000000000106fff] persistent (type 7)\n"
		   "BIOS-e820: [mem 0x0000000000107000-0x0000000000107fff] soft reserved\n"
		   "BIOS-e820: [mem 0x0000000000108000-0x0000000000108fff] type 4294967294\n"
		   "BIOS-e820: 0000000000109000 - 000000000010a000 (type 9)\n",
		   "100000-101000:2 101000-102000:3 102000-103000:4 103000-104000:5 "
		   "104000-105000:20 105000-106000:12 106000-107000:7 107000-108000:4026531839 "
		   "108000-109000:4294967294 109000-10a000:9");
	CHECK_STR(quire_map_type_name(QUIRE_MAP_USABLE), "System RAM");
	CHECK_STR(quire_map_type_name(QUIRE_MAP_RESERVED), "Reserved");
	CHECK_STR(quire_map_type_name(QUIRE_MAP_ACPI_DATA), "ACPI Tables");
	CHECK_STR(quire_map_type_name(QUIRE_MAP_ACPI_NVS), "ACPI Non-volatile Storage");
	CHECK_STR(quire_map_type_name(QUIRE_MAP_UNUSABLE), "Unusable memory");
	CHECK_STR(quire_map_type_name(QUIRE_MAP_PERSISTENT), "Persistent Memory");
	CHECK_STR(quire_map_type_name(12), "Persistent Memory (legacy)");
	CHECK_STR(quire_map_type_name(20), "Unknown E820 type");
}

/* Empty ranges print backwards; 2^64 prints as 0. */
TEST(edges_of_ranges)
{
	expect_map("BIOS-e820: 0000000000100000 - 0000000000200000 (usable)\n"
		   "BIOS-e820: 0000000000000000 - 0000000000000000 (reserved)\n"
		   "BIOS-e820: 0000000000180000 - 0000000000180000 (reserved)\n"
		   "BIOS-e820: [mem 0x0000000000190000-0x000000000018ffff] reserved\n"
		   "memblock_phys_free: [0x33d2a000-0x33d29fff] memblock_free+0x11/0x14\n",
		   "100000-200000:1");
	expect_map("BIOS-e820: 0000000000100000 - 0000000000200000 (usable)\n"
		   "BIOS-e820: ffffffffff000000 - 0000000000000000 (reserved)\n",
		   "100000-200000:1 ffffffffff000000-0:2");
	expect_map("BIOS-e820: [mem 0x0000000000100000-0x00000000001fffff] usable\n"
		   "BIOS-e820: [mem 0xffffffffff000000-0xffffffffffffffff] usable\n",
		   "100000-200000:1 ffffffffff000000-0:1");
}

TEST(which_source_counts)
{
	static const char srat[] =
		"SRAT: Node 0 PXM 0 0-a0000\nSRAT: Node 0 PXM 0 0-fc000000\n"
		"SRAT: Node 1 PXM 1 100000000-200000000\n"
		"ACPI: SRAT: Node 2 PXM 2 [mem 0x300000000-0x3ffffffff] hotplug\n"
		"SRAT: PXM 0 -> APIC 0x00 -> Node 0\n";
	static const char iomem[] =
		"00001000-0009ffff : System RAM\n00100000-002fffff : System RAM\n";
	static const char bios[] = "BIOS-88: 0000000000100000 - 0000000000400000 (usable)\n";
	static const char user[] = "user: 0000000000100000 - 0000000000500000 (usable)\n";
	char text[1000];

	expect_memory(srat, "1000-a0000 100000-fc000000 100000000-200000000");
	snprintf(text, sizeof(text), "%s%s", srat, iomem);
	expect_memory(text, "1000-a0000 100000-300000");
	snprintf(text, sizeof(text), "%s%s%s", iomem, srat, bios);
	expect_memory(text, "100000-400000");
	snprintf(text, sizeof(text), "%s%s%s", user, bios, iomem);
	expect_memory(text, "100000-500000");
}

TEST(iomem)
{
	static const char text[] = "00000000-00000fff : Reserved\n"
				   "00001000-0009fbff : System RAM\n"
				   "0009fc00-0009ffff : Reserved\n"
				   "000a0000-000bffff : PCI Bus 0000:00\n"
				   "000f0000-000fffff : Reserved\n"
				   "  000f0000-000fffff : System ROM\n"
				   "00100000-1effffff : System RAM\n"
				   "  01000000-019fffff : Kernel code\n"
				   "  01a00000-01a0ffff : Kernel data\n"
				   "  02000000-020000ff : Kernel bss\n"
				   "  04000000-04ffffff : Crash kernel\n"
				   "1f000000-1f000fff : ACPI Tables\n"
				   "1f001000-1f001fff : ACPI Non-volatile Storage\n"
				   "20000000-febfffff : PCI Bus 0000:00\n"
				   "  fd000000-fdffffff : 0000:00:02.0\n"
				   "    fd000000-fd000fff : System RAM\n"
				   "100000000-17fffffff : Persistent Memory\n"
				   "  100000000-13fffffff : dax0.0\n"
				   "    100000000-13fffffff : System RAM (kmem)\n"
				   "180000000-1ffffffff : Soft Reserved\n";

	expect_map(text, "0-1000:2 1000-9fc00:1 9fc00-a0000:2 f0000-100000:2 100000-1f000000:1 "
			 "1f000000-1f001000:3 1f001000-1f002000:4 100000000-180000000:7 "
			 "180000000-200000000:4026531839");
	expect_memory(text, "1000-9f000 100000-1f000000");
	expect_reserved(text, "1000000-2000100:1 4000000-5000000:0");
	expect_reserved("00100000-1effffff : System RAM\n  02000000-020000ff : Kernel bss\n"
			"  01000000-019fffff : Kernel code\n",
			"1000000-2000100:1");
}

TEST(command_line)
{
	static const char bios[] =
		"BIOS-e820: [mem 0x0000000000100000-0x000000003fffffff] usable\n";
	char text[2000];

	snprintf(text, sizeof(text),
		 "Command line: BOOT_IMAGE=/vmlinuz mem=64M quiet\n%s"
		 "Kernel command line: mem=32M\n",
		 bios);
	expect_map(text, "100000-4000000:1");
	snprintf(text, sizeof(text), "%sKernel command line: mem=0x2000000", bios);
	expect_map(text, "100000-2000000:1");
	snprintf(text, sizeof(text), "Command line: mem=nopentium xmem=4M memmapx=3\n%s", bios);
	expect_map(text, "100000-40000000:1");
	snprintf(text, sizeof(text),
		 "Command line: memmap=16M$0x4000000 memmap=4K#0x1000000,"
		 "1M!32M memmap=1M@0x40000000\n%s",
		 bios);
	expect_map(text, "100000-1000000:1 1000000-1001000:3 1001000-2000000:1 2000000-2100000:12 "
			 "2100000-4000000:1 4000000-5000000:2 5000000-40100000:1");
	snprintf(text, sizeof(text),
		 "Command line: memmap=exactmap memmap=640K@0 memmap=63M@1M\n%s", bios);
	expect_map(text, "0-1000:2 1000-a0000:1 100000-4000000:1");
	snprintf(text, sizeof(text), "Command line: memmap=48M memmap=0$4K\n%s", bios);
	expect_map(text, "100000-3000000:1");
	/* The map that user: lines give has the command line in it. */
	snprintf(text, sizeof(text),
		 "Command line: mem=16M\n%s"
		 "user: [mem 0x0000000000100000-0x0000000001ffffff] usable\n",
		 bios);
	expect_map(text, "100000-2000000:1");
}

TEST(user_map_has_the_command_line_in_it)
{
	expect_map("BIOS-e820: [mem 0x0000000000100000-0x000000003fffffff] usable\n"
		   "user: [mem 0x0000000000100000-0x0000000001ffffff] usable\n"
		   "Kernel command line: mem=16M memmap=1M@64M\n",
		   "100000-2000000:1");
}

/* Of a log with several boots the last one counts; what is not of the log stays. */
TEST(boots_in_one_log)
{
	static const char text[] =
		"reserve 2M-3M kernel\n"
		"Nov 21 07:31:51 host kernel: [    0.000000] Linux version 6.1.0\n"
		"Nov 21 07:31:51 host kernel: [    0.000000] Command line: mem=16M\n"
		"Nov 21 07:31:51 host kernel: [    0.000000] "
		"BIOS-e820: [mem 0x0000000000100000-0x000000003fffffff] usable\n"
		"Nov 21 07:31:51 host kernel: [    0.000000] "
		"user: [mem 0x0000000000100000-0x000000002fffffff] usable\n"
		"Nov 21 07:31:51 host kernel: [    0.000000] "
		"memblock_reserve: [0x00100000-0x001fffff] x+0x1/0x2\n"
		"Nov 22 07:31:51 host kernel: [    0.000000] Linux version 6.1.0\n"
		"Nov 22 07:31:51 host kernel: [    0.000000] Command line: mem=32M\n"
		"Nov 22 07:31:51 host kernel: [    0.000000] "
		"BIOS-e820: [mem 0x0000000000100000-0x000000003fffffff] usable\n";

	expect_map(text, "100000-2000000:1");
	expect_reserved(text, "200000-300000:1");
}

TEST(changes)
{
	static const char bios[] =
		"BIOS-e820: [mem 0x0000000000100000-0x00000000004fffff] usable\n"
		"BIOS-e820: [mem 0x0000000000500000-0x00000000005fffff] reserved\n";
	char text[2000];

	snprintf(text, sizeof(text),
		 "%se820: update [mem 0x00200000-0x002fffff] usable ==> reserved\n"
		 "e820: update [mem 0x00480000-0x0057ffff] reserved ==> ACPI data\n"
		 "e820: remove [mem 0x00380000-0x0fffffff] usable\n",
		 bios);
	expect_map(text, "100000-200000:1 200000-300000:2 300000-380000:1 500000-580000:3 "
			 "580000-600000:2");
	snprintf(
		text, sizeof(text),
		"%se820 update range: 0000000000200000 - 0000000000300000 (usable) ==> (reserved)\n"
		"e820 remove range: 0000000000480000 - 0000000000580000 (reserved)\n",
		bios);
	expect_map(text, "100000-200000:1 200000-300000:2 300000-500000:1 580000-600000:2");
	snprintf(text, sizeof(text), "%se820: remove [mem 0x00300000-0x0057ffff]\n", bios);
	expect_map(text, "100000-300000:1 580000-600000:2");
	snprintf(text, sizeof(text), "%smemblock_remove: [0x00300000-0x003fffff] x+0x1/0x2\n",
		 bios);
	expect_map(text, "100000-300000:1 400000-500000:1 500000-600000:2");
	/* A change before the user's map is in it, one after it is not. */
	snprintf(text, sizeof(text),
		 "e820: remove [mem 0x00300000-0x003fffff] usable\n%s"
		 "user: [mem 0x0000000000100000-0x00000000004fffff] usable\n"
		 "e820: remove [mem 0x00400000-0x004fffff] usable\n",
		 bios);
	expect_map(text, "100000-400000:1");
}

TEST(reservations)
{
	static const char text[] =
		"BIOS-e820: [mem 0x0000000000100000-0x000000003fffffff] usable\n"
		" reserved[0x0]\t[0x0000000000000000-0x000000000000ffff], 0x10000 bytes flags: "
		"0x0\n"
		"RAMDISK: [mem 0x09eb3000-0x09fcffff]\n"
		"RAMDISK: b7d7d000 - b7fef000\n"
		"memblock_reserve: [0x01000000-0x01ffffff] setup_arch+0x755/0xbf6\n"
		"memblock_phys_free: [0x01800000-0x018fffff] x+0x1/0x2\n"
		"memblock_free: [0x01900000-0x019fffff] x+0x1/0x2\n"
		"memblock_add: [0x50000000-0x5fffffff] x+0x1/0x2\n"
		"memblock_free_late: [0x01a00000-0x01afffff] x+0x1/0x2\n";

	expect_reserved(text, "0-10000:0 1000000-1800000:0 1a00000-2000000:0 9eb3000-9fd0000:2 "
			      "b7d7d000-b7fef000:2");
	expect_reserved("ram 0-64M\nreserve 1M-2M kernel\nreserve 2M-3M initrd\nreserve 3M-4M\n"
			"reserve 4M-5M other\nrelease 1536K-2560K\n",
			"100000-180000:1 280000-300000:2 300000-500000:0");
}

static void expect_hints(const char *lines, int machine, uint64_t lowmem)
{
	struct lab_error err;
	struct lab_map m;
	char text[1000];

	snprintf(text, sizeof(text), "ram 0-64M\n%s", lines);
	lab_map_init(&m, NULL);
	CHECK_EQ(lab_map_text(&m, text, strlen(text), &err), 0);
	CHECK_EQ(m.has_machine ? (int)m.machine : -1, machine);
	CHECK_EQ(m.lowmem_bytes, lowmem);
	lab_map_done(&m);
}

TEST(hints)
{
	expect_hints("", -1, 0);
	expect_hints("  DMA      [mem 0x0000000000001000-0x0000000000ffffff]\n"
		     "  Normal   [mem 0x0000000001000000-0x0000000036bfdfff]\n"
		     "  HighMem  [mem 0x0000000036bfe000-0x00000000bb7dffff]\n",
		     QUIRE_I386, 0x36bfe000);
	expect_hints("[    0.0]   HighMem  [mem 0x0000000036ffe000-0x00000001cfffffff]\n",
		     QUIRE_I386_PAE, 0x36ffe000);
	expect_hints("  HighMem  [mem 0x0000000036ffe000-0x00000000cfffffff]\n"
		     "memblock_reserve: [0x000000000009b000-0x000000000009efff] x\n",
		     QUIRE_I386_PAE, 0x36ffe000);
	expect_hints("  Normal   [mem 0x0000000001000000-0x000000001fffffff]\n  HighMem  empty\n",
		     QUIRE_I386, 0x20000000);
	expect_hints("  Normal   0x00001000 -> 0x000373fe\n  HighMem  0x000373fe -> 0x0005fff0\n",
		     QUIRE_I386, 0x373fe000);
	expect_hints("  Normal       4096 ->   225280\n  HighMem    225280 ->   393200\n",
		     QUIRE_I386, 0x37000000);
	expect_hints("  DMA32    [mem 0x0000000001000000-0x00000000bfffffff]\n"
		     "  Normal   [mem 0x0000000100000000-0x000000013fffffff]\n",
		     QUIRE_X86_64, 0);
	/* Other lines of a log that begin so */
	expect_hints("HighMem zone: 543714 pages, LIFO batch:31\nHighMem: 1*4kB 0*8kB = 4kB\n"
		     "Normal zone: 1720 pages used for memmap\nHighMem  543714 pages\n",
		     -1, 0);
	/* What the text says itself goes first. */
	expect_hints("machine i386-pae\nlowmem 512M\n", QUIRE_I386_PAE, 512u << 20);
	expect_hints("machine x86-64-la57\n  DMA32    [mem 0x01000000-0x3fffffff]\n",
		     QUIRE_X86_64_LA57, 0);
	expect_hints("machine i386 ram 64M", QUIRE_I386, 0);
}

/* ---- Damage ---- */

static void expect_damage(const char *line, size_t length)
{
	struct lab_error err = { 0 };
	char text[2000];
	struct lab_map m;
	size_t at;

	at = (size_t)snprintf(text, sizeof(text), "ram 0-64M\n\n");
	memcpy(text + at, line, length);
	at += length;
	at += (size_t)snprintf(text + at, sizeof(text) - at, "\nnothing\n");
	lab_map_init(&m, NULL);
	if (lab_map_text(&m, text, at, &err) != -QUIRE_EINVAL || err.line != 3 ||
	    strlen(err.text) < 20 || strchr(err.text, '\n')) {
		printf("%.*s: line %lu: %s\n", (int)length, line, err.line, err.text);
		CHECK(false);
	}
	lab_map_done(&m);
}

static const char *const damaged[] = {
	"BIOS-e820: 0000000000200000 - 0000000000100000 (usable)",
	"BIOS-e820: [mem 0x0000000000200000-0x00000000000fffff] usable",
	"BIOS-e820: 00000000001000000000 - 100000000000000000000 (usable)",
	"BIOS-e820: 0000000000100000 - 0000000000200000",
	"BIOS-e820: 0000000000100000 - 0000000000200000 (usable",
	"BIOS-e820: 0000000000100000 - 0000000000200000 (usable) BIOS-e820: 0",
	"BIOS-e820: 0000000000100000 - 0000000000200000 (useable)",
	"BIOS-e820: 0000000000100000 0000000000200000 (usable)",
	"BIOS-e820: 00000000001g0000 - 0000000000200000 (usable)",
	"BIOS-e820: [mem 0x0000000000100000-0x00000000001fffff usable",
	"BIOS-e820: [mem 0x0000000000100000-0x00000000001fffff] type",
	"BIOS-e820: [mem 0x0000000000100000-0x00000000001fffff] type 4294967296",
	"BIOS-e820: [mem 0x0000000000100000-0x00000000001fffff] persistent (type 12",
	"BIOS-e802: 0000000000100000 - 0000000000200000 (usable)",
	"BIOS-88 0000000000100000 - 0000000000200000 (usable)",
	"BIOS-88:",
	"user: 0000000000100000 - (usable)",
	"SRAT: Node 0 PXM 0 0-",
	"SRAT: Node 0 PXM 0 200000-100000",
	"SRAT: Node 0 100000-200000",
	"SRAT: Node 0 PXM 0 100000-200000 hot",
	"00100000-001fffff : System R",
	"00100000-001fffff : ",
	"00100000-001fffff",
	"00100000-",
	"00200000-001fffff : System RAM",
	"10000000000000000-1ffffffffffffffff : System RAM",
	"00000000-00000000 : System RAM",
	"e820: update [mem 0x00000000-0x00000fff] usable",
	"e820: update [mem 0x00000000-0x00000fff] usable ==>",
	"e820: update [mem 0x00000000-0x00000fff] usable => reserved",
	"e820: remove [mem 0x000a0000-0x000fffff] usa",
	"e820: remove [mem 0x000a0000-",
	"memblock_reserve: [0x0009b000-0x0009e",
	"memblock_phys_free: [0x0009b000",
	"reserved[0x0]",
	"reserved[0x",
	"RAMDISK: [mem 0x09eb3000-0x09fcffff",
	"RAMDISK: 37d7d000 - ",
	"memblock_reserve:",
	"memblock_free: ",
	"e820: remove",
	"Command line: mem=64Q",
	"Command line: mem=99999999999999999999",
	"Command line: memmap=16M$",
	"Command line: memmap=$16M",
	"Command line: memmap=1M@0xffffffffffffffff",
	"Command line: memmap=4K%1M-1+2",
	"Command line: memmap=",
	"HighMem  [mem 0x36bfe000-",
	"HighMem  0x373fe -> ",
	"HighMem  0x5fff0 -> 0x373fe",
	"machine i486",
	"machine i386 ram",
	"machine i386 ram 8G",
	"machine i386 ram 0",
	"machine i386 rom 8M",
	"lowmem",
	"machine",
	"ram",
	"reserve",
	"release",
	"lowmem 8Q",
	"ram 64M",
	"ram 64M-64M",
	"ram 0-64M usable",
	"reserve 1M-",
	"reserve 1M-2M kernal",
	"reserve 1M-2M kernel 2",
	"release 2M-1M",
};

TEST(damage)
{
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++)
		expect_damage(damaged[i], strlen(damaged[i]));
	/* A byte of 0 is no end, and no blank. */
	expect_damage("00100000-001fffff : System\0RAM", 30);
	expect_damage("BIOS-e820: 0000000000100000\0- 0000000000200000 (usable)", 55);
}

/* A line cut anywhere behind its beginning is damaged, whatever is left of it. */
TEST(cut_lines)
{
	static const struct {
		const char *line;
		size_t from;
	} cases[] = {
		{ "BIOS-e820: [mem 0x0000000000105000-0x0000000000105fff] persistent (type 12)",
		  6 },
		{ "BIOS-e820: 0000000000101000 - 0000000000102000 (ACPI data)", 6 },
		{ "[    0.000000] BIOS-88: 0000000000101000 - 0000000000102000 (usable)", 21 },
		{ "user: [mem 0x0000000000100000-0x00000000001fffff] reserved", 5 },
		{ "00100000-001fffff : System RAM", 9 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t length = cases[i].from; length < strlen(cases[i].line); length++)
			expect_damage(cases[i].line, length);
	}
}

TEST(no_map_at_all)
{
	static const char *const texts[] = {
		"",
		"\n",
		"# nothing\n",
		"Linux version 6.1.0\n[    0.000000] Zone ranges:\n",
		"  01000000-019fffff : Kernel code\n",
		"0000-001f : dma1\n",
		"BIOS-provided physical RAM map:\n",
		"BIOS-e820: 0000000000000000 - 0000000000000000 (usable)\n",
		"reserve 1M-2M\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct lab_error err = { .line = 9 };
		struct lab_map m;

		lab_map_init(&m, NULL);
		CHECK_EQ(lab_map_text(&m, texts[i], strlen(texts[i]), &err), -QUIRE_EINVAL);
		CHECK_EQ(err.line, 0);
		CHECK_STR(err.text, "no memory map in it");
		lab_map_done(&m);
	}
}

TEST(lines_of_a_log_that_say_nothing)
{
	static const char *const lines[] = {
		"reserve RAM buffer: 000000000009fc00 - 000000000009ffff",
		"e820: reserve RAM buffer [mem 0x0009fc00-0x0009ffff]",
		"reserve setup_data: [mem 0x0000000000000000-0x0000000000057fff] usable",
		"modified: [mem 0x0000000000000000-0x0000000000000fff] reserved",
		"[    0.000000] reserve x",
		"[    0.0] ram 1",
		"[mem 0x0a000000-0xfffbffff] available",
		"RAMDISK driver initialized: 16 RAM disks",
		"RAMDISK: ext2 filesystem found at block 0",
		"RAMDISK: Couldn't find valid RAM disk image starting at 0.",
		"BIOS-provided physical RAM map:",
		"memblock_alloc_try_nid: 4 bytes align=0x40",
		" memory[0x0]\t[0x1000-0x9efff]",
		"e820: last_pfn = 0x9fda max_arch_pfn = 0x10000000000",
		"deadbeef",
		"[",
		"<",
		"<6",
		"[1",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char text[300];

		snprintf(text, sizeof(text), "ram 1M-2M\n%s\n", lines[i]);
		expect_map(text, "100000-200000:1");
	}
}

TEST(too_many_changes)
{
	struct lab_error err = { 0 };
	struct lab_map m;
	int error = 0;
	unsigned long i;
	static const char line[] = "e820: remove [mem 0x00300000-0x0057ffff]";

	lab_map_init(&m, NULL);
	for (i = 1; !error && i < 100000; i++)
		error = lab_map_line(&m, line, strlen(line), i, &err);
	CHECK_EQ(error, -QUIRE_EINVAL);
	CHECK_EQ(err.line, i - 1);
	CHECK_STR(err.text, "too many changes of the memory map");
	lab_map_done(&m);
}

/* ---- Every allocation of the host fails once ---- */

/* Read and boot with a host that fails its allocation @fail_at. Return: was that reached? */
static bool sweep_once(const char *text, uint64_t fail_at)
{
	struct quire_hosted host = { .fail_at = fail_at };
	struct quire *q = create(QUIRE_X86_64, true, &host);
	struct lab_error err = { 0 };
	struct lab_map m;
	int error;

	lab_map_init(&m, &host);
	error = lab_map_text(&m, text, strlen(text), &err);
	if (error) {
		CHECK_EQ(error, -QUIRE_ENOMEM);
		CHECK_STR(err.text, "not enough memory");
	} else if (q) {
		error = lab_map_boot(&m, q);
		CHECK(!error || error == -QUIRE_ENOMEM);
		CHECK(quire_check(q, NULL));
	}
	CHECK_EQ(!q || error, host.nr_allocs >= fail_at);
	lab_map_done(&m);
	quire_destroy(q);
	CHECK_EQ(host.live_bytes, 0);
	return host.nr_allocs >= fail_at;
}

TEST(every_allocation_fails_once)
{
	char *text = read_file(MACHINES "linux/amd64-2g-holes.txt");
	uint64_t n = 1;

	while (n < 200 && sweep_once(text, n) && !test_failures)
		n++;
	CHECK(n > 10 && n < 200);
	free(text);
}

TEST_MAIN(CASE(sizes), CASE(ranges), CASE(forms_of_a_map_line), CASE(types), CASE(edges_of_ranges),
	  CASE(which_source_counts), CASE(iomem), CASE(command_line),
	  CASE(user_map_has_the_command_line_in_it), CASE(boots_in_one_log), CASE(changes),
	  CASE(reservations), CASE(hints), CASE(damage), CASE(cut_lines), CASE(no_map_at_all),
	  CASE(lines_of_a_log_that_say_nothing), CASE(too_many_changes),
	  CASE(every_allocation_fails_once))
