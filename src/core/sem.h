/* SPDX-License-Identifier: MIT */
/*
 * sem.h - a lock that may be held while sleeping: many readers or one writer
 *
 * One word:  [ readers: 30 bits | somebody waits | a writer has it ]
 *
 * Who finds it taken sets the waiting bit and sleeps in the port until the word changes
 * (quire_port_wait, as Linux's futex); who drops it as the last wakes all. A writer that waits
 * keeps new readers out, so it gets its turn.
 *
 * Unlike struct lock it is not taken inside quire_port_cpu_enter.
 */
#ifndef CORE_SEM_H
#define CORE_SEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/lock.h"

/** struct sem - zeroed it is free */
struct LOCK_ATTRIBUTE(capability("sem")) sem {
	_Atomic uint32_t word;
};

/** sem_read - take it with other readers. @host: of the machine, for the port */
void sem_read(struct sem *sem, void *host) LOCK_ATTRIBUTE(acquire_shared_capability(*sem));

/** sem_read_drop - let go of it as a reader */
void sem_read_drop(struct sem *sem, void *host) LOCK_ATTRIBUTE(release_shared_capability(*sem));

/** sem_write - take it alone */
void sem_write(struct sem *sem, void *host) LOCK_ATTRIBUTE(acquire_capability(*sem));

/** sem_write_drop - let go of it as the writer */
void sem_write_drop(struct sem *sem, void *host) LOCK_ATTRIBUTE(release_capability(*sem));

#endif
