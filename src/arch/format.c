/* SPDX-License-Identifier: MIT */
/*
 * format.c - the table of formats
 *
 * Physical addresses end where those of the machine end (quire.h): 4 GB, 64 GB, 64 TB,
 * 4 PB. Bits of an entry beyond that are reserved, as on a processor of that width.
 * The format i386 does not use PSE-36: 4 MB pages lie below 4 GB.
 *
 * Source: Intel SDM vol. 3A, 4.3 to 4.5, tables 4-3 to 4-20
 */
#include "arch/format.h"

/* Bits @low to @high. */
#define BITS(high, low) (((2ull << (high)) - 1) & ~((1ull << (low)) - 1))

/* PAE reserves everything between the address and NX; 64-bit entries ignore bits 52 to 62. */
#define PAE_HIGH BITS(62, 36)
#define LONG_HIGH(width) (BITS(51, 46) & ~((1ull << (width)) - 1))

#define LONG_PTE(width) { 12, 9, true, false, LONG_HIGH(width), LONG_HIGH(width) }
#define LONG_PMD(width) \
	{ 21, 9, true, false, LONG_HIGH(width) | BITS(20, 13), LONG_HIGH(width) }
#define LONG_PUD(width) \
	{ 30, 9, true, false, LONG_HIGH(width) | BITS(29, 13), LONG_HIGH(width) }
#define LONG_ROOT(width, shift) \
	{ shift, 9, false, false, 0, LONG_HIGH(width) | ENTRY_PS }

static const struct format formats[] = {
	[QUIRE_I386] = {
		.nr_levels = 2, .entry_bytes = 4, .virt_bits = 32, .phys_bits = 32,
		.address = BITS(31, 12),
		.level = {
			{ 12, 10, true, false, BITS(63, 32), BITS(63, 32) },
			{ 22, 10, true, false, BITS(63, 32) | BITS(21, 13), BITS(63, 32) },
		},
	},
	[QUIRE_I386_PAE] = {
		.nr_levels = 3, .entry_bytes = 8, .virt_bits = 32, .phys_bits = 36, .nx = true,
		.address = BITS(35, 12),
		.level = {
			{ 12, 9, true, false, PAE_HIGH, PAE_HIGH },
			{ 21, 9, true, false, PAE_HIGH | BITS(20, 13), PAE_HIGH },
			{ 30, 2, false, true, 0, BITS(63, 36) | BITS(8, 5) | BITS(2, 1) },
		},
	},
	[QUIRE_X86_64] = {
		.nr_levels = 4, .entry_bytes = 8, .virt_bits = 48, .phys_bits = 46, .nx = true,
		.address = BITS(45, 12), .sign = true,
		.level = { LONG_PTE(46), LONG_PMD(46), LONG_PUD(46), LONG_ROOT(46, 39) },
	},
	[QUIRE_X86_64_LA57] = {
		.nr_levels = 5, .entry_bytes = 8, .virt_bits = 57, .phys_bits = 52, .nx = true,
		.address = BITS(51, 12), .sign = true,
		.level = { LONG_PTE(52), LONG_PMD(52), LONG_PUD(52), LONG_ROOT(52, 39),
			   LONG_ROOT(52, 48) },
	},
};

const struct format *format_of(enum quire_machine machine)
{
	return &formats[machine];
}
