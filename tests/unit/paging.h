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

/** A machine of that kind with @bytes of memory, two cpus and an empty kernel's table */
static inline bool paging_start(struct rig *rig, enum quire_machine machine, uint64_t bytes)
{
	struct quire_config config = rig_config(machine);
	int error;

	config.nr_cpus = 2;
	if (!rig_boot(rig, config, bytes))
		return false;
	error = quire_pgtable_boot(rig->q);
	CHECK_EQ(error, 0);
	return !error;
}

#endif
