/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - rigs with the kernel's address space
 */
#ifndef TEST_KERNEL_H
#define TEST_KERNEL_H

#include "rig.h"

#include <quire/highmem.h>
#include <quire/layout.h>
#include <quire/mm.h>
#include <quire/slab.h>
#include <quire/vmalloc.h>

/** A machine of @bytes with its kernel booted */
static inline bool kernel_start(struct rig *rig, enum quire_machine machine, uint64_t bytes)
{
	struct quire_config config = rig_config(machine);

	config.nr_cpus = 4;
	if (!rig_boot(rig, config, bytes))
		return false;
	int error = quire_kernel_boot(rig->q);

	CHECK_EQ(error, 0);
	return !error;
}

/** No frame of the first @bytes belongs to anonymous memory: all processes have ended */
static inline void check_no_anon(struct rig *rig, uint64_t bytes)
{
	struct quire_frame_use use;
	uint64_t nr = 0;

	for (uint64_t pfn = 0; pfn < bytes / QUIRE_PAGE_SIZE; pfn++)
		nr += !quire_frame_use(rig->q, quire_pfn(pfn), &use) && use.anon;
	CHECK_EQ(nr, 0);
}

static inline quire_virt_t virt_of(uint64_t v)
{
	return (quire_virt_t){ v };
}

/** What is written at an address can be read there. */
static inline void check_memory(struct rig *rig, uint64_t virt, uint64_t value)
{
	uint64_t back = 0;

	CHECK_EQ(quire_write(rig->q, virt_of(virt), &value, sizeof(value), NULL), 0);
	CHECK_EQ(quire_read(rig->q, virt_of(virt), &back, sizeof(back), NULL), 0);
	CHECK_EQ(back, value);
}

/** An access there faults. */
static inline void check_fault(struct rig *rig, uint64_t virt)
{
	struct quire_exception fault = { QUIRE_VECTOR_NONE, 0, { 0 } };
	char byte = 0;

	CHECK_EQ(quire_read(rig->q, virt_of(virt), &byte, 1, &fault), -QUIRE_EFAULT);
	CHECK_EQ(fault.vector, QUIRE_VECTOR_PF);
}

static inline struct quire_vmalloc_stat vmalloc_stat(struct rig *rig)
{
	struct quire_vmalloc_stat stat;

	quire_vmalloc_stat(rig->q, &stat);
	return stat;
}

/** Nothing is kept for later: not ranges, tables, slabs. Return: free frames then */
static inline uint64_t kernel_idle(struct rig *rig)
{
	quire_vm_unmap_aliases(rig->q);
	quire_slab_drain(rig->q);
	return rig_free(rig);
}

static const enum quire_machine all_machines[] = { QUIRE_I386, QUIRE_I386_PAE, QUIRE_X86_64,
						   QUIRE_X86_64_LA57 };
#define EACH_MACHINE(m) for (int m = 0; m < QUIRE_NR_MACHINES; m++)

#endif
