/* SPDX-License-Identifier: MIT */
/*
 * start.c - from the assembler's stub to the application; the console; the end
 */
#include <stdarg.h>

#include "cpu.h"
#include "multiboot.h"
#include "place.h"
#include "serial.h"
#include "trap.h"
#include "x86.h"

/* The interrupt controllers' masks. Nothing here wants interrupts yet. */
#define PIC_1_MASK 0x21
#define PIC_2_MASK 0xa1

/*
 * QEMU's isa-debug-exit, where its command line puts it: a value v ends QEMU with 2 * v + 1.
 * The bit tells a kernel that ended well from a QEMU that failed, whose status is 1.
 */
#define DEBUG_EXIT 0xf4
#define DEBUG_EXIT_BIT 0x20u

/* All that lies on this stack is ours (vectors.S, boot.S). */
__attribute__((noreturn, used)) void x86_start(uint32_t magic, uint32_t info);

void x86_print(const char *fmt, ...)
{
	struct quire_sink sink = serial_sink();
	va_list args;

	va_start(args, fmt);
	quire_vformat(&sink, fmt, args);
	va_end(args);
}

uint64_t x86_tsc(void)
{
	return cpu_tsc();
}

void x86_exit(int status)
{
	cpu_out32(DEBUG_EXIT, (uint32_t)status | DEBUG_EXIT_BIT);
	cpu_halt(); /* a machine without that device just stops */
}

void x86_start(uint32_t magic, uint32_t info)
{
	static struct x86_boot boot; /* too large for the stack */
	int error;

	serial_init();
	trap_init();
	cpu_out8(PIC_1_MASK, 0xff);
	cpu_out8(PIC_2_MASK, 0xff);
	cpu_sti();
	error = multiboot_read(magic, info, &boot);
	if (error) {
		x86_print("kernel: no multiboot loader with a memory map started this\n");
		x86_exit(X86_EXIT_PANIC);
	}
	x86_exit(x86_main(&boot));
}
