/* SPDX-License-Identifier: MIT */
/*
 * test_walk_script.c - page tables in the script language: what it shows, what it refuses
 */
#include "test.h"

#include "hosted.h"
#include "script.h"

static struct quire_hosted port;
static struct lab *lab;
static char out[8192];
static size_t used;

static void keep(void *ctx, const char *text, size_t length)
{
	(void)ctx;
	for (size_t i = 0; i < length && used + 1 < sizeof(out); i++)
		out[used++] = text[i];
	out[used] = 0;
}

static void set_cpu(void *ctx, unsigned cpu)
{
	(void)ctx;
	quire_hosted_cpu(cpu);
}

static void begin(const char *machine)
{
	const struct lab_host host = { .port = &port, .out = { .write = keep },
				       .talk = { .write = keep }, .set_cpu = set_cpu };

	port = (struct quire_hosted){ .nr_allocs = 0 };
	CHECK_EQ(lab_create(&host, &lab), 0);
	CHECK_EQ(lab_line(lab, machine, strlen(machine)), LAB_OK);
}

static void end(void)
{
	lab_destroy(lab);
	quire_hosted_release(&port);
	CHECK_EQ(port.live_bytes, 0);
}

/* Do a line; its output is in @out. */
static enum lab_status line(const char *text)
{
	used = 0;
	out[0] = 0;
	return lab_line(lab, text, strlen(text));
}

#define OK(text)                                                   \
	do {                                                       \
		CHECK_EQ(line(text), LAB_OK);                      \
		if (test_failures)                                 \
			printf("%s: %s\n", text, lab_message(lab)); \
	} while (0)

/* The line ends with @status and a message that has @words in it. */
static void wrong(const char *text, enum lab_status status, const char *words)
{
	CHECK_EQ(line(text), status);
	CHECK(strstr(lab_message(lab), words) != NULL);
	if (!strstr(lab_message(lab), words))
		printf("%s: %s\n", text, lab_message(lab));
}

TEST(walks_are_shown)
{
	begin("machine i386 ram 4M");
	OK("table A");
	OK("table A map 0x8048000-0x8049000 = 0x123000 ro exec");
	OK("walk 0x73:0x8048abc exec in A");
	CHECK(strstr(out, "segment 0x0073  user code  descriptor 0x00cffb000000ffff\n"
			  "logical 0x8048abc -> linear 0x8048abc\nPGD[  32] of 0x"));
	CHECK(strstr(out, "\nPTE[  72] of 0x"));
	CHECK(strstr(out, ": 0x0000000000123005  P US\nphysical 0x123abc\n"));
	OK("walk 0x8048abc write user in A");
	CHECK(strstr(out, "\nfault #PF(0x7): write by user code, it has no right to; "
			  "CR2 0x8048abc\n"));
	OK("walk 0x10 in A");
	CHECK(strstr(out, "not present\nfault #PF(0x0): read by the kernel, "
			  "nothing is mapped there"));
	OK("walk 0x0:0x10");
	CHECK(strstr(out, "segment 0x0000  none") && strstr(out, "fault #GP(0x0)\n"));
	OK("json on");
	OK("walk 0x7b:0x8048abc in A");
	CHECK(strstr(out, "{\"linear\":\"0x8048abc\",\"selector\":\"0x7b\","
			  "\"segment\":\"user data\","
			  "\"steps\":[{\"level\":\"PGD\",\"table\":\"0x"));
	CHECK(strstr(out, "\"entry\":\"0x123005\",\"bits\":\"P US\"}],"
			  "\"physical\":\"0x123abc\"}\n"));
	OK("walk 0x10 user in A");
	CHECK(strstr(out, "],\"fault\":\"#PF\",\"error_code\":4}\n"));
	end();
}

TEST(tables_by_name)
{
	begin("machine x86-64 ram 4M");
	OK("table A");
	wrong("table A", LAB_USAGE, "'A' can't be a table's name");
	wrong("table 1x", LAB_USAGE, "can't be a table's name");
	wrong("table", LAB_USAGE, "the table's name is missing");
	wrong("table B map 0-4096 = 0", LAB_USAGE, "unknown table 'B'");
	wrong("table A mpa 0-4096 = 0", LAB_USAGE, "did you mean 'map'");
	wrong("table A map 0-4096 = 0 wr", LAB_USAGE, "unknown right 'wr'");
	wrong("table A map 0-4096 = nothing", LAB_USAGE, "nothing");
	wrong("table A map 0-4097 = 0", LAB_FAILED, "EINVAL");
	OK("table A map 0x1000-0x3000 = 0x5000 uc");
	wrong("table A map 0x2000-0x4000 = 0", LAB_FAILED, "EEXIST");
	wrong("table A map 0xffff888000000000-0xffff888000001000 = 0", LAB_FAILED, "EINVAL");
	wrong("table A map 0x4000-0x5000 = 0x4000000000000", LAB_FAILED, "ERANGE");
	OK("expect table A pages = 2");
	OK("expect table A tables = 4");
	wrong("expect table A pages = 3", LAB_FAILED, "expected 3, is 2");
	wrong("expect table A cells = 3", LAB_USAGE, "cells");
	OK("walk 0x1000 in A");
	CHECK(strstr(out, "P RW US PWT PCD NX\n"));
	OK("table A protect 0x1000-0x2000 ro wb");
	OK("walk 0x1000 in A");
	CHECK(strstr(out, "P US NX\n"));
	OK("table A load");
	wrong("table A destroy", LAB_FAILED, "EBUSY");
	wrong("table kernel destroy", LAB_FAILED, "EINVAL");
	OK("table kernel load");
	OK("table A destroy");
	wrong("walk 0x1000 in A", LAB_USAGE, "unknown table 'A'");
	OK("table A");
	OK("check");
	end();
}

TEST(expectations)
{
	begin("machine x86-64 ram 4M cpus 2");
	OK("table A");
	OK("table A map 0x1000-0x2000 = 0x5000 ro");
	OK("expect walk 0x1010 in A = 0x5010");
	wrong("expect walk 0x1010 in A = 0x5011", LAB_FAILED,
	      "expected physical 0x5011, is 0x5010");
	wrong("expect walk 0x2010 in A = 0x5011", LAB_FAILED, "is #PF(0x0)");
	wrong("expect walk 0x1010 in A = far", LAB_USAGE, "far");
	OK("expect fault 0x1010 write in A = PF 3");
	OK("expect fault 0x1010 in A none");
	wrong("expect fault 0x1010 write in A = PF 2", LAB_FAILED, "expected PF 2, is PF 3");
	wrong("expect fault 0x1010 write in A", LAB_USAGE, "the fault is missing");
	wrong("expect fault x in A = none", LAB_USAGE, "unknown address 'x'");
	wrong("expect fault 0x99999:0 = none", LAB_USAGE, "selector");
	OK("on cpu 1: table A load");
	OK("on cpu 1: expect word 0x1000 = 0");
	OK("expect fail write 0x1000 = 1 = \"#PF\"");
	end();
}

/* A script can't write what would end the program that runs it. */
TEST(the_librarys_frames_are_not_written)
{
	begin("machine x86-64 ram 4M frames outside");
	OK("table A");
	OK("table A map 0-4M = 0 rw");
	OK("table A load");
	for (unsigned page = 0, refused = 0; page < 1024; page++) {
		char text[64];

		quire_format_buffer(text, sizeof(text), "write 0x%x = 0xffffffff", page << 12);
		enum lab_status status = line(text);
		CHECK(status == LAB_OK || strstr(lab_message(lab), "held by"));
		refused += status != LAB_OK;
		CHECK(page < 1023 || refused > 5);
	}
	OK("write 0x1ffe = 1");
	OK("check");
	end();
}

TEST_MAIN(CASE(walks_are_shown), CASE(tables_by_name), CASE(expectations),
	  CASE(the_librarys_frames_are_not_written))
