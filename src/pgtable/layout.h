/* SPDX-License-Identifier: MIT */
/*
 * layout.h - limits of the kernel's address space that fast paths ask for
 */
#ifndef PGTABLE_LAYOUT_H
#define PGTABLE_LAYOUT_H

#include <quire/layout.h>

/** layout_page_offset - the virtual address of physical address 0 */
static inline uint64_t layout_page_offset(const struct quire_config *config)
{
	switch (config->machine) {
	case QUIRE_X86_64:
		return 0xffff888000000000u;
	case QUIRE_X86_64_LA57:
		return 0xff11000000000000u;
	default:
		return config->split == QUIRE_SPLIT_3G_1G   ? 0xc0000000u
		       : config->split == QUIRE_SPLIT_2G_2G ? 0x80000000u
							    : 0x40000000u;
	}
}

/** layout_is_64 - does a kind of machine have 64-bit addresses? */
static inline bool layout_is_64(enum quire_machine machine)
{
	return machine >= QUIRE_X86_64;
}

/** layout_direct_bytes - how far the direct map reaches; 0: no memory */
uint64_t layout_direct_bytes(const struct quire *q);

/** layout_slots - slots of the fixmap that stay: QUIRE_FIX_NR and the processors' windows */
unsigned layout_slots(const struct quire_config *config);

/** layout_early_slot - the first slot of early ioremap, all of which are in one page table */
unsigned layout_early_slot(const struct quire_config *config);

/** layout_fix_virt - the address of a slot */
uint64_t layout_fix_virt(const struct quire_config *config, unsigned slot);

#endif
