/* SPDX-License-Identifier: MIT */
/*
 * place.h - where the kernel lies, for C, assembler and linker script alike
 *
 *              loaded at   linked at            direct map
 *   i386, PAE  1 MB        PAGE_OFFSET + 1 MB   0xc0000000, the first 896 MB
 *   x86-64     1 MB        0xffffffff80100000   0xffff888000000000, all memory
 *
 * The numbers are Linux's.
 */
#ifndef X86_PLACE_H
#define X86_PLACE_H

#define LOAD_PHYS 0x100000

#ifdef __x86_64__
#define DIRECT_BASE 0xffff888000000000
#define LINK_BASE 0xffffffff80000000 /* the image's address less its physical one */
#else
#define DIRECT_BASE 0xc0000000
#define LINK_BASE 0xc0000000
#define LOWMEM_BYTES 0x38000000 /* 896 MB: what the direct map reaches */
#endif

/* Addresses of the processes' half, where simulated machines lie (arena.c). */
#ifdef __x86_64__
#define ARENA_START 0x100000000
#define ARENA_END 0x7f0000000000
#else
#define ARENA_START 0x01000000
#define ARENA_END 0xbf000000
#endif

#define STACK_BYTES 0x10000

/* The selectors of Linux's flat segments. */
#ifdef __x86_64__
#define KERNEL_CS32 0x08
#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define USER_CS 0x33
#define USER_DS 0x2b
#define TSS_SELECTOR 0x40
#else
#define KERNEL_CS 0x60
#define KERNEL_DS 0x68
#define USER_CS 0x73
#define USER_DS 0x7b
#define TSS_SELECTOR 0x80
#define DOUBLE_FAULT_SELECTOR 0xf8
#endif

#endif
