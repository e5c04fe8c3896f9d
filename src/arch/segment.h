/* SPDX-License-Identifier: MIT */
/*
 * segment.h - segments: from a logical address, selector and offset, to a linear one
 *
 *   selector   15       3  2   1 0         descriptor (8 bytes)
 *             ┌──────────┬────┬─────┐       base 32 bits, limit 20 bits (in bytes or,
 *             │  index   │ TI │ RPL │       with G, in pages of 4 KB), type, privilege
 *             └──────────┴────┴─────┘       DPL, present P, 64-bit code L
 *
 * Linux sets all bases to 0 and all limits to 4 GB: then logical and linear addresses
 * have the same value, and protection is the page tables' alone.
 */
#ifndef ARCH_SEGMENT_H
#define ARCH_SEGMENT_H

#include <quire/pgtable.h>

/* Bits of a segment's type, of descriptors of code and data. */
#define SEGMENT_CODE 0x8u
#define SEGMENT_DOWN 0x4u       /* data: expands down */
#define SEGMENT_CONFORMING 0x4u /* code */
#define SEGMENT_WRITE 0x2u      /* data: may be written */
#define SEGMENT_READ 0x2u       /* code: may be read */
#define SEGMENT_ACCESSED 0x1u

/** struct segment - a descriptor in parts */
struct segment {
	uint32_t base;
	uint32_t limit; /* the last offset, in bytes */
	uint8_t type;   /* SEGMENT_… */
	uint8_t dpl;    /* privilege, 0 .. 3 */
	bool code_data; /* S: no gate and no system segment */
	bool present;
	bool wide;      /* D/B: 32-bit offsets and stack */
	bool is_long;   /* L: 64-bit code */
};

/** segment_decode - take a descriptor apart */
void segment_decode(uint64_t descriptor, struct segment *out);

/**
 * segment_encode - put a descriptor together
 * @segment: its parts; a limit above 1 MB ends in 0xfff
 *
 * Return: the descriptor, in pages where the limit needs it
 */
uint64_t segment_encode(const struct segment *segment);

/**
 * segment_descriptor - an entry of Linux's descriptor table
 * @machine: which kernel's
 * @index:   of the entry
 *
 * Return: the descriptor; 0 where there is none
 */
uint64_t segment_descriptor(enum quire_machine machine, unsigned index);

/** segment_name - "kernel code", "user data" … of Linux's table. Return: NULL if there is none */
const char *segment_name(enum quire_machine machine, unsigned index);

/**
 * segment_linear - from a logical address to a linear one
 * @machine: the kind of processor, with Linux's descriptor table
 * @logical: selector, offset and access
 * @out:     the linear address, or the fault
 *
 * Return: true; false if the processor would fault
 * Source: Intel SDM vol. 3A, 3.4, 5.3 to 5.7; 64-bit mode: 3.4.4
 */
bool segment_linear(enum quire_machine machine, const struct quire_logical *logical,
		    struct quire_linear *out);

#endif
