/* SPDX-License-Identifier: MIT */
/*
 * paging.h - machines with page tables, for the tests of paging
 */
#ifndef TEST_PAGING_H
#define TEST_PAGING_H

#include "rig.h"

#include <quire/pgtable.h>
#include <quire/port.h>

static inline quire_virt_t virt(uint64_t v)
{
	return (quire_virt_t){ v };
}

/** A machine of that kind with @bytes of memory but [@start, @end), and an empty kernel's table */
static inline bool paging_start_without(struct rig *rig, enum quire_machine machine, uint64_t bytes,
					uint64_t start, uint64_t end)
{
	struct quire_config config = rig_config(machine);
	int error;

	config.nr_cpus = 4;
	if (!rig_create(rig, &config))
		return false;
	error = quire_memblock_add(rig->q, quire_phys(0), quire_phys(bytes));
	if (!error && start < end)
		error = quire_memblock_reserve(rig->q, quire_phys(start), quire_phys(end),
					       QUIRE_RESERVE_OTHER);
	if (!error)
		error = quire_boot_zones(rig->q);
	if (!error)
		error = quire_pgtable_boot(rig->q);
	CHECK_EQ(error, 0);
	return !error;
}

/** A machine of that kind with @bytes of memory, four cpus and an empty kernel's table */
static inline bool paging_start(struct rig *rig, enum quire_machine machine, uint64_t bytes)
{
	return paging_start_without(rig, machine, bytes, 0, 0);
}

#endif
