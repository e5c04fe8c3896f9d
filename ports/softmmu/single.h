/* SPDX-License-Identifier: MIT */
/*
 * single.h - ports without threads that have one simulated machine at a time
 *
 * single.c is their part of port.h that asks for nothing else of the host: processors, zeroing,
 * paging. Memory and panic are the port's own.
 */
#ifndef SINGLE_H
#define SINGLE_H

#include "simulated.h"

/** The machine; begun by the port's quire_port_direct, ended by its quire_port_free. */
extern struct simulated single;

/** The processor that runs. */
extern unsigned single_cpu;

#endif
