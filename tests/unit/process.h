/* SPDX-License-Identifier: MIT */
/*
 * process.h - rigs with processes: their memory touched as their code does it
 */
#ifndef TEST_PROCESS_H
#define TEST_PROCESS_H

#include "kernel.h"

#include <quire/mm.h>

#define PAGE ((uint64_t)QUIRE_PAGE_SIZE)

/**
 * The machines that processes are tried on. Those of 32 bits have little memory that is mapped
 * directly, so that pages of processes lie in high memory.
 */
static const struct quire_config *process_machine(unsigned i)
{
	static struct quire_config config;
	static const enum quire_machine kind[] = { QUIRE_X86_64, QUIRE_I386, QUIRE_I386_PAE,
						   QUIRE_X86_64_LA57 };

	if (i >= sizeof(kind) / sizeof(kind[0]))
		return NULL;
	config = rig_config(kind[i]);
	config.nr_cpus = 4;
	if (kind[i] < QUIRE_X86_64)
		config.lowmem_bytes = MB(24);
	return &config;
}

/** A machine that is ready for processes */
static inline bool process_rig(struct rig *rig, const struct quire_config *config, uint64_t bytes)
{
	int error;

	if (!rig_boot(rig, *config, bytes))
		return false;
	error = quire_kernel_boot(rig->q);
	if (!error)
		error = quire_cache_boot(rig->q);
	if (!error)
		error = quire_vm_boot(rig->q);
	CHECK_EQ(error, 0);
	return !error;
}

/** A process, used by this processor */
static inline struct quire_mm *process_start(struct rig *rig)
{
	struct quire_mm *mm = NULL;

	CHECK_EQ(quire_mm_create(rig->q, NULL, &mm), 0);
	CHECK_EQ(quire_mm_load(mm), 0);
	return mm;
}

/** Ends it; the processor goes back to the kernel's table */
static inline void process_end(struct rig *rig, struct quire_mm *mm)
{
	CHECK_EQ(quire_table_load(quire_table_kernel(rig->q)), 0);
	CHECK_EQ(quire_mm_destroy(mm), 0);
}

/** mmap at an address. Return: it, or a negative error */
static inline int64_t process_map(struct quire_mm *mm, uint64_t at, uint64_t pages, unsigned prot,
				  unsigned flags)
{
	struct quire_mmap args = { .address = { at }, .bytes = pages * PAGE, .prot = prot,
				   .flags = flags | (at ? QUIRE_MAP_FIXED : 0) };
	quire_virt_t out = { 0 };
	int error = quire_mmap(mm, &args, &out);

	return error ? error : (int64_t)out.v;
}

#define PROT_RW (QUIRE_PROT_READ | QUIRE_PROT_WRITE)
#define MAP_ANON (QUIRE_MAP_PRIVATE | QUIRE_MAP_ANONYMOUS)

/** Private anonymous memory that may be written */
static inline uint64_t process_anon(struct quire_mm *mm, uint64_t at, uint64_t pages)
{
	int64_t out = process_map(mm, at, pages, PROT_RW, MAP_ANON);

	CHECK(out > 0);
	return (uint64_t)out;
}

/** What a program's access ends in: 0, or the signal's code, negated with SIGBUS */
static inline int process_touch(struct quire_mm *mm, uint64_t at, void *buf, size_t n,
				enum quire_access access)
{
	struct quire_signal signal;
	enum quire_fault fault;

	fault = quire_user_access(mm, (quire_virt_t){ at }, buf, n, access, &signal);
	if (fault == QUIRE_FAULT_DONE)
		return 0;
	if (fault == QUIRE_FAULT_OOM)
		return 1000;
	return fault == QUIRE_FAULT_SIGBUS ? -signal.code : signal.code;
}

static inline int process_write(struct quire_mm *mm, uint64_t at, uint64_t value)
{
	return process_touch(mm, at, &value, sizeof(value), QUIRE_ACCESS_WRITE);
}

static inline uint64_t process_read(struct quire_mm *mm, uint64_t at)
{
	uint64_t value = 0;

	CHECK_EQ(process_touch(mm, at, &value, sizeof(value), QUIRE_ACCESS_READ), 0);
	return value;
}

static inline struct quire_mm_stat process_stat(struct quire_mm *mm)
{
	struct quire_mm_stat stat;

	quire_mm_stat(mm, &stat);
	return stat;
}

/** The frame that is mapped at an address; UINT64_MAX: none */
static inline uint64_t process_pfn(struct quire_mm *mm, uint64_t at)
{
	struct quire_mapping map;

	return quire_table_query(quire_mm_table(mm), (quire_virt_t){ at }, &map)
		       ? UINT64_MAX
		       : quire_phys_pfn(map.phys).v;
}

#endif
