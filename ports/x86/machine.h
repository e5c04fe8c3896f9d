/* SPDX-License-Identifier: MIT */
/*
 * machine.h - what port.c keeps of machines, and machine.c asks of it
 */
#ifndef X86_MACHINE_H
#define X86_MACHINE_H

#include "x86.h"

/** port_heap_init - give the port's heap the memory that is part of the image */
void port_heap_init(void);

/** port_heap_more - give it @bytes bytes more, at @start */
void port_heap_more(void *start, size_t bytes);

#endif
