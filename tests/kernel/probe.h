/* SPDX-License-Identifier: MIT */
/* probe.h - one access, as kernel or user code, whatever comes of it */
#ifndef TEST_PROBE_H
#define TEST_PROBE_H

#include <quire/fault.h>

/* The byte that ends a probe of a fetch where it is executed: a breakpoint. */
#define PROBE_STOP 0xccu

/** probe_copy_code - what probes execute to read and to write: copied to @to, at most 16 bytes */
void probe_copy_code(void *to);

/** struct probe - an access */
struct probe {
	uintptr_t address;
	enum quire_access access; /* four bytes read or written, or one executed: PROBE_STOP */
	bool user;                /* by user code */
	uintptr_t code;           /* where the copied code can be executed by both */
	uint32_t value;           /* written, or what was read */
};

/**
 * probe_access - do an access
 * @p: which; its value is filled in
 *
 * Return: the fault; its vector is QUIRE_VECTOR_NONE if there was none
 */
struct quire_exception probe_access(struct probe *p);

#endif
