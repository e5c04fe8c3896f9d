/* SPDX-License-Identifier: MIT */
/*
 * trap.h - segments, and what happens at an exception
 */
#ifndef X86_TRAP_H
#define X86_TRAP_H

#include <quire/fault.h>

/** struct trap_frame - the registers at an exception, as vectors.S pushes them */
struct trap_frame {
#ifdef __x86_64__
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t di, si, bp, bx, dx, cx, ax;
#else
	uint32_t di, si, bp, unused, bx, dx, cx, ax;
#endif
	uintptr_t vector;
	uintptr_t code; /* the error code, 0 where there is none */
	uintptr_t ip, cs, flags;
	uintptr_t sp, ss; /* i386: only when it came from user mode */
};

/** trap_root - the page tables in use are going to be those at physical address @root */
void trap_root(uintptr_t root);

/** trap_caught - the fault that a fixup has caught last */
struct quire_exception trap_caught(void);

/** trap_init - Linux's flat segments, a handler for each exception */
void trap_init(void);

/**
 * trap_handle - handle an exception
 * @frame: the registers; they may be changed
 *
 * Return: to go on as @frame says; does not return from one that nobody expected
 */
void trap_handle(struct trap_frame *frame);

/** trap_double_fault - i386: the double fault's task. Does not return */
__attribute__((noreturn)) void trap_double_fault(void);

#endif
