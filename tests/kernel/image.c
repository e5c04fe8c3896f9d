/* SPDX-License-Identifier: MIT */
/*
 * image.c - an image that does one thing, named on its command line, to the port
 *
 * tests/kernel/run starts it once for each and looks at what it says and how it ends.
 */
#include <quire/boot.h>
#include <quire/page.h>
#include <quire/port.h>

#include "image.h"
#include "x86.h"

/* What no table maps: in the lowest page, as NULL, and between the image and the top. */
#define NOWHERE 0x10u

/* Of the statuses that x86_exit can tell, one that means nothing else. */
#define STATUS_ODD 21

static volatile unsigned zero;

static int read_nowhere(struct quire *q)
{
	(void)q;
	return *(volatile unsigned char *)(uintptr_t)(NOWHERE + zero);
}

static int write_nowhere(struct quire *q)
{
	(void)q;
	*(volatile unsigned char *)(uintptr_t)(NOWHERE + zero) = 1;
	return 0;
}

static int call_nowhere(struct quire *q)
{
	(void)q;
	((void (*)(void))(uintptr_t)(NOWHERE + zero))();
	return 0;
}

static int write_text(struct quire *q)
{
	(void)q;
	*(volatile unsigned char *)(uintptr_t)read_nowhere = 0;
	return 0;
}

static int run_data(struct quire *q)
{
	static unsigned char ret[] = { 0xc3 };

	(void)q;
	((void (*)(void))(uintptr_t)(ret + zero))();
	return 0;
}

static int divide(struct quire *q)
{
	(void)q;
	unsigned quotient = 1, rest = 0;

	__asm__ volatile("divl %2" : "+a"(quotient), "+d"(rest) : "r"(zero));
	return (int)quotient;
}

static int invalid(struct quire *q)
{
	(void)q;
	__asm__ volatile("ud2");
	return 0;
}

/* Use the stack up: what the processor pushes for the page fault then faults again. */
static unsigned deeper(unsigned depth) /* NOLINT(misc-no-recursion) */
{
	volatile unsigned char here[512];

	here[depth % sizeof(here)] = (unsigned char)depth;
	return depth > 1u << 20 ? depth : deeper(depth + 1) + here[0];
}

static int overflow(struct quire *q)
{
	(void)q;
	return (int)deeper(0);
}

static int panic(struct quire *q)
{
	(void)q;
	quire_port_panic("TEST-1", "the test's own rule", "image.c", 1);
}

static int hang(struct quire *q)
{
	(void)q;
	while (!zero)
		;
	return 0;
}

static int odd(struct quire *q)
{
	(void)q;
	return STATUS_ODD;
}

/* The interrupt flag is off between enter and leave, nests, and comes back. */
static int enter(struct quire *q)
{
	(void)q;
	uintptr_t flags[4];
	uintptr_t outer = quire_port_cpu_enter();
	uintptr_t inner = quire_port_cpu_enter();

	__asm__ volatile("pushf\n\tpop %0" : "=r"(flags[0]));
	quire_port_cpu_leave(inner);
	__asm__ volatile("pushf\n\tpop %0" : "=r"(flags[1]));
	quire_port_cpu_leave(outer);
	__asm__ volatile("pushf\n\tpop %0" : "=r"(flags[2]));
	return (flags[0] & 0x200) || (flags[1] & 0x200) || !(flags[2] & 0x200);
}

static const struct {
	const char *name;
	int (*run)(struct quire *q);
} cases[] = {
	{ "read", read_nowhere },   { "write", write_nowhere }, { "call", call_nowhere },
	{ "divide", divide },       { "invalid", invalid },     { "overflow", overflow },
	{ "panic", panic },         { "hang", hang },           { "odd", odd },
	{ "enter", enter },         { "tables", tables },
	{ "exhaust", exhaust },
	{ "access", access_faults }, { "arena", arena_returns }, { "late", late_kernel_mapping },
	{ "objects", objects },     { "vmalloc", vmalloc_areas }, { "windows", windows },
	{ "device", device },       { "write-text", write_text }, { "run-data", run_data },
};

static bool equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

int x86_main(const struct x86_boot *boot)
{
	struct quire *q;

	if (x86_machine(boot, &q))
		return STATUS_ODD;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (equal(boot->command_line, cases[i].name))
			return cases[i].run(q);
	}
	x86_print("no case '%s'\n", boot->command_line);
	return STATUS_ODD;
}
