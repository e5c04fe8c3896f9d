/* SPDX-License-Identifier: MIT */
/*
 * x86.h - the library on a PC without an operating system: what the port adds to port.h
 *
 * The port brings the processor to C, finds out what the firmware and the loader left, and
 * boots Quire on it: that is the machine this. Simulated machines, of any kind, get their
 * records and the contents of their memory from the port's heap.
 */
#ifndef QUIRE_X86_H
#define QUIRE_X86_H

#include <quire/boot.h>
#include <quire/format.h>

#include "simulated.h"

#define X86_MODULES_MAX 8
#define X86_MAP_MAX 64
#define X86_COMMAND_LINE_MAX 256
#define X86_NAME_MAX 64

/* What x86_exit tells the outside when an invariant or the processor has ended it all. */
#define X86_EXIT_PANIC 4
/* Likewise, when there is no memory where nobody could be told. */
#define X86_EXIT_MEMORY 3

/** struct x86_module - a file that the loader brought along: the ramdisk */
struct x86_module {
	uint64_t start, end; /* physical addresses */
	char name[X86_NAME_MAX];
};

/** struct x86_boot - what the loader and the firmware said */
struct x86_boot {
	char command_line[X86_COMMAND_LINE_MAX]; /* without the image's own name */
	struct quire_map_entry map[X86_MAP_MAX];
	size_t nr_map;
	struct x86_module modules[X86_MODULES_MAX];
	size_t nr_modules;
};

/** Where the memory of a host comes from. */
enum x86_memory {
	X86_HEAP,  /* the port's heap: sessions */
	X86_ARENA, /* addresses that get frames when they are touched: simulated machines */
	X86_REAL,  /* the direct map, and before it the heap: the machine this */
};

/** struct x86_host - a host in the sense of port.h; zero it for a session */
struct x86_host {
	enum x86_memory memory;
	struct simulated mmu; /* X86_ARENA: the contents of its memory, its paging */
};

/**
 * x86_main - the application: called once, with console and exceptions ready
 * @boot: for as long as it runs
 *
 * Return: the status that x86_exit gets
 */
int x86_main(const struct x86_boot *boot);

/**
 * x86_machine - boot Quire on the processor's own memory
 * @boot: with the firmware's map
 * @out:  the machine, with zones; the kernel's image and the modules are reserved in it
 *
 * Return: 0; what quire_create and the boot calls return
 */
int x86_machine(const struct x86_boot *boot, struct quire **out);

/** x86_direct - where the kernel reaches physical memory; on i386 and PAE below 896 MB only */
void *x86_direct(quire_phys_t at);

/** x86_print - write to the console, as quire_format */
void x86_print(const char *fmt, ...) QUIRE_PRINTF(1, 2);

/** x86_tsc - the time-stamp counter */
uint64_t x86_tsc(void);

/** x86_cpu - from here on the caller is processor @cpu of simulated machines */
void x86_cpu(unsigned cpu);

/** x86_this_cpu - what x86_cpu said last; 0 on the machine this */
unsigned x86_this_cpu(void);

/**
 * x86_exit - end the machine
 * @status: 0 .. 31; QEMU with an isa-debug-exit ends with 2 * @status + 65
 */
__attribute__((noreturn)) void x86_exit(int status);

#endif
