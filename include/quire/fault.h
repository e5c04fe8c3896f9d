/* SPDX-License-Identifier: MIT */
/*
 * fault.h - accesses to memory, and the exceptions that they end in
 */
#ifndef QUIRE_FAULT_H
#define QUIRE_FAULT_H

#include <quire/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What an access wants to do. */
enum quire_access {
	QUIRE_ACCESS_READ,
	QUIRE_ACCESS_WRITE,
	QUIRE_ACCESS_EXEC,
	QUIRE_ACCESS_USER = 4, /* with one of these: by user code, with its rights */
};

/** The exceptions that an access can end in; the numbers are the processor's. */
enum quire_vector {
	QUIRE_VECTOR_NONE = 0,
	QUIRE_VECTOR_NP = 11, /* #NP: a segment is not present */
	QUIRE_VECTOR_SS = 12, /* #SS: a fault of the stack segment */
	QUIRE_VECTOR_GP = 13, /* #GP: a segment's rules, or an address that can't be */
	QUIRE_VECTOR_PF = 14, /* #PF: paging */
};

/* Error code of a page fault. */
#define QUIRE_PF_PRESENT 0x01u  /* a right is missing; else nothing is mapped there */
#define QUIRE_PF_WRITE 0x02u    /* it was a write */
#define QUIRE_PF_USER 0x04u     /* by user code */
#define QUIRE_PF_RESERVED 0x08u /* a reserved bit is set in an entry */
#define QUIRE_PF_EXEC 0x10u     /* it was an instruction fetch */

/** struct quire_exception - a fault as the processor reports it */
struct quire_exception {
	enum quire_vector vector; /* QUIRE_VECTOR_NONE: none */
	uint32_t error_code;      /* of #PF: QUIRE_PF_…; of segments: the selector or 0 */
	quire_virt_t address;     /* of #PF: what CR2 says; else the access's */
};

#ifdef __cplusplus
}
#endif
#endif
