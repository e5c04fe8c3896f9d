/* SPDX-License-Identifier: MIT */
/*
 * wire.h - what the judge and its executor share: calls one way, outcomes the other
 *
 * The executor is a program without a C library, so that almost nothing but what
 * the calls made stands in its address space (executor.c). Both map this
 * memory; whoever has something to tell raises ->event and wakes the futex there.
 */
#ifndef JUDGE_WIRE_H
#define JUDGE_WIRE_H

#include <stdint.h>

#define WIRE_FD 3                    /* the executor is started with it */
#define WIRE_AT 0x5f0000000000u      /* where the executor maps it */
#define WIRE_CODE_AT 0x500000000000u /* where the executor is linked; its heap follows */
#define WIRE_TOP 0x7ffff7fff000u     /* mmap_base of a process with a stack limit of 8 MB */
#define WIRE_CALLS 1024
#define WIRE_PROCS 4
#define WIRE_FILES 6
#define WIRE_FD0 10      /* file n is descriptor WIRE_FD0 + n */
#define WIRE_VEC 64      /* bytes that a call may bring back */
#define WIRE_BUFFER 8192 /* most bytes that a call writes or copies */
#define WIRE_PAGES 1024  /* most pages of an area that OP_LOOK looks at */
#define WIRE_TEXT (6u << 20)
#define WIRE_COPY 0xc3 /* what OP_COPYOUT writes */

enum op {
	OP_LOOK, /* nothing but compare: maps, and pages in detail */
	OP_MMAP,
	OP_MUNMAP,
	OP_MPROTECT,
	OP_MREMAP,
	OP_BRK,
	OP_MADVISE,
	OP_MLOCK,
	OP_MUNLOCK,
	OP_MLOCKALL,
	OP_MUNLOCKALL,
	OP_MINCORE,
	OP_MSYNC,
	OP_MSEAL,
	OP_READ, /* one byte, by the program */
	OP_WRITE,
	OP_FETCH,   /* one instruction */
	OP_COPYOUT, /* the kernel writes to the program's memory */
	OP_COPYIN,  /* the kernel reads it */
	OP_FREAD,
	OP_FWRITE,
	OP_TRUNCATE,
	OP_FALLOCATE,
	OP_SEAL,
	OP_SETRLIMIT,
	OP_FORK,
	OP_EXIT,
	NR_OPS,
};

/* What an address is relative to; else the number of a call: its result. */
#define REF_NONE (-1)
#define REF_HEAP (-2)

#define FILE_NONE 255

/** struct call - one call; what is not used is 0, FILE_NONE, REF_NONE */
struct call {
	uint8_t op;
	uint8_t proc; /* who does it: 0 is the first */
	uint8_t file;
	uint8_t value; /* byte to be written; process that is forked or ended */
	int32_t at_ref, to_ref;
	uint64_t at; /* address */
	uint64_t bytes;
	uint64_t to;   /* new address; offset in the file */
	uint64_t more; /* new size */
	uint32_t prot; /* rights, advice, mode, limit */
	uint32_t flags;
};

enum state { STATE_NOT, STATE_DONE, STATE_SKIPPED };

/** struct result - what came of it */
struct result {
	int64_t result;           /* or a negative errno */
	uint64_t fault_at;        /* of the signal */
	uint32_t maps, nr_maps;   /* bytes of ->text: /proc/self/maps */
	uint32_t smaps, nr_smaps; /* OP_LOOK: /proc/self/smaps */
	uint32_t pages, nr_pages; /* OP_LOOK: a byte for each page, PAGE_… */
	uint32_t nr_vec;
	uint8_t state, signal, code, value;
	uint8_t vec[WIRE_VEC];
};

/* A page as OP_LOOK tells it. */
#define PAGE_THERE 1 /* has an entry */
#define PAGE_FILE 2  /* of a file or of shared memory */
#define PAGE_ALONE 4 /* mapped once */

enum file_kind { FILE_MEMFD, FILE_STORED, FILE_OF_MEMFD, FILE_READ_ONLY, FILE_WRITE_ONLY };

/** struct file_spec - a file of an episode */
struct file_spec {
	uint8_t kind;
	uint8_t sealing;
	uint64_t bytes;
};

/** struct setting - how an episode begins */
struct setting {
	struct file_spec files[WIRE_FILES];
	uint64_t memlock; /* soft limit, bytes */
	uint32_t privileged;
	uint32_t detail; /* outcomes carry maps */
};

enum command { COMMAND_IDLE, COMMAND_RUN, COMMAND_DONE, COMMAND_END };

/** struct wire - the memory in common */
struct wire {
	uint32_t event;
	uint32_t command;
	uint32_t next; /* call to be done */
	uint32_t nr_calls;
	uint32_t alive; /* bit for each process */
	uint32_t exiting;
	uint32_t parent[WIRE_PROCS];
	int32_t pid[WIRE_PROCS];
	int32_t status;             /* of the first process, by wait */
	int32_t broken;             /* line of the executor where something impossible happened */
	uint32_t origin, nr_origin; /* bytes of text: maps before the first call */
	uint64_t heap;              /* where it begins */
	struct setting setting;
	char stored[256]; /* path of the stored file */
	struct call calls[WIRE_CALLS];
	struct result results[WIRE_CALLS];
	uint32_t text_used;
	char text[WIRE_TEXT];
};

/* Bytes that do nothing bad when they are executed, one by one. */
#define WIRE_OPCODES                                                                          \
	{                                                                                     \
		0x90, 0xc3, 0x91, 0x98, 0xf5, 0x92, 0x99, 0xf8, 0x93, 0x9e, 0xf9, 0x95, 0x9f, \
			0x50, 0x96, 0x51, 0x97, 0x52, 0x53, 0x55, 0x56, 0x57                  \
	}
#define WIRE_NR_OPCODES 22

/** wire_filling - what page @page of file @file is filled with at first */
static inline uint8_t wire_filling(unsigned file, uint64_t page)
{
	static const uint8_t opcodes[] = WIRE_OPCODES;

	return opcodes[(page * 5 + file * 7) % WIRE_NR_OPCODES];
}

static inline int wire_hits_range(uint64_t at, uint64_t bytes, uint64_t heap)
{
	uint64_t end = at + bytes;

	/* What wraps, or is larger than all there is, is refused. */
	if (end < at || bytes >= (uint64_t)1 << 46)
		return 0;
	return (at < heap && end > WIRE_CODE_AT) ||
	       (at < WIRE_AT + sizeof(struct wire) && end > WIRE_AT) ||
	       (at < (uint64_t)1 << 47 && end > WIRE_TOP + 0x1000);
}

/** wire_hits - would a call hit the executor's own memory? Then neither side does it */
static inline int wire_hits(const struct call *c, uint64_t at, uint64_t to, uint64_t heap)
{
	/*
	 * Linux has two limits for the lowest address, one for FIXED, a larger one for hints and
	 * stacks; and what its own code copies from and to page 0 fails.
	 */
	if ((c->op == OP_MMAP && at - 1 < 0xffff) || (c->op == OP_MREMAP && to - 1 < 0xffff) ||
	    ((c->op == OP_COPYIN || c->op == OP_COPYOUT) && at < 0x1000))
		return 1;
	/* In whole pages: what wraps is 0 bytes, and so a copy of the area. */
	if (c->op == OP_MREMAP) {
		uint64_t bytes = (c->bytes + 4095) & ~(uint64_t)4095;

		return wire_hits_range(at, bytes > c->more ? bytes : c->more, heap) ||
		       wire_hits_range(to, c->more, heap);
	}
	if ((c->op >= OP_MMAP && c->op <= OP_COPYIN && c->op != OP_BRK && c->op != OP_MLOCKALL))
		return wire_hits_range(at, c->bytes + 1 > 1 ? c->bytes : 1, heap);
	return 0;
}

#endif
