/* SPDX-License-Identifier: MIT */
/*
 * machine.h - the machine this, for the rest of the port
 */
#ifndef X86_MACHINE_H
#define X86_MACHINE_H

#include <quire/types.h>

/** machine_zero - quire_port_zero: frames of high memory through a window each */
int machine_zero(quire_pfn_t start, uint64_t nr_pages);

/**
 * machine_fault - answer a page fault in the kernel's half
 * @address: where
 * @code:    the processor's error code
 *
 * With two-level tables, what the kernel has mapped since the table in use was made is
 * brought in when it is first touched.
 *
 * Return: true if the access can be tried again
 */
bool machine_fault(uintptr_t address, uintptr_t code);

#endif
