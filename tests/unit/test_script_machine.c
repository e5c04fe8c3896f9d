/* SPDX-License-Identifier: MIT */
/*
 * test_script_machine.c - the script language: describing a machine, booting it, its knobs
 */
#include "script_rig.h"

TEST(machines)
{
	struct lab *lab = begin();

	BAD(LAB_USAGE, "pages 0", "no machine");
	BAD(LAB_USAGE, "reserve 1M-2M", "no machine");
	BAD(LAB_USAGE, "machine", "missing");
	BAD(LAB_USAGE, "machine i387", "did you mean 'i386'");
	BAD(LAB_USAGE, "machine i386 rma 4M", "did you mean 'ram'");
	BAD(LAB_USAGE, "machine i386 ram", "missing");
	BAD(LAB_USAGE, "machine i386 ram 4Q", "not a size");
	BAD(LAB_USAGE, "machine i386 ram 99999999999999999999", "not a size");
	BAD(LAB_USAGE, "machine i386 ram 8G", "so much memory");
	BAD(LAB_USAGE, "machine i386 cpus 0 ram 64M", "a machine has at least one processor");
	BAD(LAB_USAGE, "machine i386 cpus 1000 ram 64M", "too large");
	BAD(LAB_USAGE, "machine i386 split 4G/0G", "3G/1G");
	BAD(LAB_USAGE, "machine 0 frames", "1 to");
	BAD(LAB_USAGE, "machine 99999999 frames", "1 to");
	BAD(LAB_USAGE, "machine 16 frames ram 1M", "unknown word");
	BAD(LAB_USAGE, "machine i386 no way", "unknown word");
	CHECK(!lab_quire(lab));

	GOOD("machine x86-64 ram 64M cpus 3 movable 8M frames outside no pcp");
	CHECK(!lab_quire(lab)); /* not before it is needed */
	GOOD("boot");
	CHECK(lab_quire(lab));
	CHECK_EQ(quire_config(lab_quire(lab))->nr_cpus, 3);
	CHECK(quire_config(lab_quire(lab))->no_pcp);
	GOOD("expect stat Movable present = 2048");
	BAD(LAB_USAGE, "reserve 1M-2M", "comes before");
	BAD(LAB_USAGE, "ram 1M-2M", "comes before");
	GOOD("machine i386 ram 1G split 2G/2G lowmem 256M");
	GOOD("expect stat Normal spanned = 61440");
	GOOD("machine i386-pae ram 8G");
	GOOD("machine cpus 2 ram 32M");
	GOOD("expect stat DMA32 spanned = 4096");

	GOOD("machine x86-64 frames outside");
	BAD(LAB_USAGE, "ram 4M", "not a range");
	BAD(LAB_USAGE, "ram 4M-2M", "not a range");
	GOOD("ram 0-8M");
	GOOD("ram 16M-32M");
	GOOD("reserve 1M-2M kernel");
	GOOD("reserve 3M-4M initrd");
	GOOD("reserve 5M-6M other");
	GOOD("reserve 6M-7M");
	GOOD("release 6M-7M");
	BAD(LAB_USAGE, "reserve 1M-2M ramdisk", "kernel, initrd");
	BAD(LAB_USAGE, "map \"map file\"", "already");
	GOOD("expect stat DMA managed = 1183");
	GOOD("release 3M-4M");
	GOOD("expect stat DMA managed = 1439");
	BAD(LAB_FAILED, "release 3M-4M", "EINVAL");
	lab_destroy(lab);
}

TEST(maps)
{
	struct lab *lab = begin();

	file_text = "machine i386\nlowmem 256M\nram 0-512M\nreserve 1M-2M kernel\n";
	BAD(LAB_FILE, "map nowhere", "ENOENT");
	BAD(LAB_USAGE, "map", "missing");
	GOOD("map \"map file\"");
	BAD(LAB_USAGE, "map \"map file\"", "already");
	GOOD("expect stat Normal spanned = 61440");
	GOOD("expect stat HighMem spanned = 65536");
	GOOD("expect frame 256 reserved");
	GOOD("machine i386-pae lowmem 128M");
	GOOD("map \"map file\"");
	GOOD("expect stat Normal spanned = 28672");
	GOOD("machine x86-64");
	file_text = "ram 0-64M\nram 1M-zzz\n";
	BAD(LAB_FILE, "map \"map file\"", "map file:2:");
	file_text = "nothing of the kind\n";
	BAD(LAB_FILE, "map \"map file\"", "map file:");
	GOOD("machine frames outside"); /* a kind that is not told */
	file_text = "machine i386\nlowmem 123\nram 0-64M\n";
	BAD(LAB_USAGE, "map \"map file\"", "no such machine");
	GOOD("ram 0-64M"); /* the failed ones left nothing behind */
	GOOD("expect stat DMA32 spanned = 12288");
	lab_destroy(lab);
}

/* What can't be a machine is wrong in its description, and says why. */
TEST(wrong_machines)
{
	struct lab *lab = begin();

	BAD(LAB_USAGE, "machine x86-64 split 2G/2G", "x86-64 has no split");
	BAD(LAB_USAGE, "machine x86-64-la57 split 3G/1G ram 1G", "has no split");
	GOOD("machine split 2G/2G"); /* a map may say that it is an i386 */
	BAD(LAB_USAGE, "ram 0-64M", "x86-64 has no split");
	BAD(LAB_USAGE, "machine split 2G/2G ram 64M", "x86-64 has no split");
	file_text = "BIOS-e820: [mem 0x0-0x3ffffff] usable\n";
	BAD(LAB_USAGE, "map \"map file\"", "x86-64 has no split");
	file_text = "machine i386 ram 64M\n";
	GOOD("map \"map file\"");
	GOOD("boot");
	GOOD("machine i386-pae split 1G/3G ram 64M");
	GOOD("boot");
	GOOD("machine x86-64 ram 9T");
	BAD(LAB_USAGE, "boot", "2^31 frames, 8 TB: E2BIG");
	GOOD("machine i386 ram 4K");
	BAD(LAB_USAGE, "boot", "no whole frame of memory: ENODEV");
	GOOD("machine i386 ram 64M");
	GOOD("reserve 0-64M");
	BAD(LAB_USAGE, "boot", "memory has no room for the frame array: ENOSPC");
	GOOD("release 1M-1276K");
	BAD(LAB_USAGE, "boot", "no room");
	/* 16 bytes for each of 16384 frames; for the blocks, nothing. */
	GOOD("release 1276K-1280K");
	GOOD("release 2M-2052K");
	BAD(LAB_USAGE, "boot", "no room");
	GOOD("release 2052K-2056K"); /* 192 for each of 32 */
	GOOD("boot");
	lab_destroy(lab);
}

/* A machine that can't be leaves the one before it alone. */
TEST(machine_replaced)
{
	static const char *const wrong[] = { "machine i386 ram 64G", "machine x86-64 split 2G/2G",
					     "machine x86-64 ram 1G lowmem 64M",
					     "machine 0 frames" };
	struct lab *lab = begin();

	GOOD("machine 16 frames");
	GOOD("A = pages 1");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CHECK_EQ(line(lab, wrong[i]), LAB_USAGE);
		GOOD("expect order A = 1");
		GOOD("expect nr_free DMA = 14");
	}
	GOOD("machine 8 frames");
	GOOD("expect nr_free DMA = 8");
	BAD(LAB_USAGE, "free A", "unknown block");
	lab_destroy(lab);
}

/* Zones that the host has no memory for are no fault of the machine's, and can be had later. */
TEST(no_memory_to_boot)
{
	static const char *const commands[] = { "machine i386 ram 64M", "ram 64M-65M", "boot" };
	struct quire_hosted port = { .nr_allocs = 0 };
	const struct lab_host host = { .port = &port, .out = { write_out, &record } };
	struct lab *lab;

	CHECK_EQ(lab_create(&host, &lab), 0);
	for (size_t i = 0; i < 3; i++) {
		enum lab_status status = LAB_FILE;

		for (uint64_t n = 1; status == LAB_FILE; n++) {
			port.fail_at = port.nr_allocs + n;
			status = line(lab, commands[i]);
			port.fail_at = 0;
			CHECK(status == LAB_OK ||
			      strstr(lab_message(lab), "the host has no memory"));
			CHECK(status == LAB_OK || !lab_quire(lab));
			CHECK(n > 1 || status != LAB_OK);
		}
		CHECK_EQ(status, LAB_OK);
	}
	GOOD("expect stat Normal spanned = 12544");
	GOOD("check");
	lab_destroy(lab);
	CHECK_EQ(port.live_bytes, 0);
}

/* Many ranges are a machine like the one they come to, in whatever order they are told. */
TEST(ram_in_pieces)
{
	struct lab *lab = begin();
	char text[64];
	uint64_t whole;

	GOOD("machine x86-64");
	GOOD("ram 0-64M");
	GOOD("boot");
	whole = quire_hash(lab_quire(lab));
	GOOD("machine x86-64");
	for (unsigned i = 1024; i-- > 0;) {
		snprintf(text, sizeof(text), "ram %uK-%uK", i * 64,
			 i * 64 + 64 + i % 3 * (i < 1000));
		GOOD(text);
		CHECK(!lab_quire(lab));
	}
	GOOD("boot");
	CHECK_EQ(quire_hash(lab_quire(lab)), whole);
	BAD(LAB_USAGE, "ram 64M-65M", "comes before");
	lab_destroy(lab);
}

TEST(knobs)
{
	struct lab *lab = begin();

	GOOD("machine x86-64 ram 64M frames outside cpus 2");
	GOOD("sysctl vm.min_free_kbytes = 2048");
	GOOD("expect stat DMA32 min = 386");
	GOOD("sysctl vm.watermark_scale_factor 3000");
	BAD(LAB_FAILED, "sysctl vm.watermark_scale_factor = 3001", "EINVAL");
	GOOD("sysctl vm.lowmem_reserve_ratio = 0 0 0 0");
	GOOD("expect reserve DMA DMA32 = 0");
	BAD(LAB_USAGE, "sysctl vm.lowmem_reserve_ratio = 1 2 3 4 5 6 7", "too many");
	GOOD("sysctl vm.lowmem_reserve_ratio = 256");
	/* All values are right, or none is set. */
	BAD(LAB_USAGE, "sysctl vm.lowmem_reserve_ratio = 5 3000000000", "too large");
	BAD(LAB_USAGE, "sysctl vm.lowmem_reserve_ratio = 5 2147483648", "too large");
	BAD(LAB_USAGE, "sysctl vm.lowmem_reserve_ratio = 5 x", "not a number");
	BAD(LAB_USAGE, "sysctl vm.lowmem_reserve_ratio = 5 6 7 8 9 10 11", "too many");
	GOOD("expect reserve DMA DMA32 = 48");
	GOOD("sysctl vm.lowmem_reserve_ratio = 2147483647 2147483647");
	GOOD("expect reserve DMA DMA32 = 0");
	BAD(LAB_FAILED, "sysctl vm.watermark_scale_factor = 18446744073709551615", "EINVAL");
	BAD(LAB_USAGE, "sysctl vm.min_free_kbyte = 1", "did you mean");
	BAD(LAB_USAGE, "sysctl vm.min_free_kbytes = x", "not a number");
	GOOD("isolate 4096-5120");
	GOOD("expect pageblocks DMA32 Isolate = 2");
	GOOD("migrate CMA 4096-4608");
	GOOD("expect pageblocks DMA32 CMA = 1");
	BAD(LAB_FAILED, "isolate 4096-4097", "whole pageblocks");
	BAD(LAB_USAGE, "migrate CAM 0-1", "migrate type");
	BAD(LAB_USAGE, "isolate 1", "not a range");
	GOOD("on cpu 1: A = pages 0");
	CHECK_EQ(record.cpu, 0); /* back again */
	BAD(LAB_USAGE, "on cpu 2: pages 0", "too large");
	BAD(LAB_USAGE, "on cup 1: pages 0", "say: on cpu");
	BAD(LAB_USAGE, "on cpu 1 pages 0", "a : is missing");
	GOOD("on cpu 1: repeat 2: pages 0");
	GOOD("repeat 2: on cpu 1: pages 0");
	GOOD("drain");
	GOOD("expect pcp DMA32 1 = 0");
	BAD(LAB_USAGE, "drain now", "one word too many");
	lab_destroy(lab);
}

TEST_MAIN(CASE(machines), CASE(maps), CASE(wrong_machines), CASE(machine_replaced),
	  CASE(no_memory_to_boot), CASE(ram_in_pieces), CASE(knobs))
