/* SPDX-License-Identifier: MIT */
/*
 * sem.h - a lock that may be held while sleeping: many readers or one writer
 *
 * One word:  [ readers: 29 bits | somebody waits | a writer has it ]
 *
 * Who finds it taken sets the waiting bit and sleeps in the port until the word changes
 * (quire_port_wait, as Linux's futex); who drops it as the last wakes all. A writer that waits
 * keeps new readers out, so it gets its turn. What nobody waits for is an inline function of one
 * atomic operation: a system call takes and drops it, so does a fault.
 *
 * Unlike struct lock it is not taken inside quire_port_cpu_enter.
 */
#ifndef CORE_SEM_H
#define CORE_SEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/assert.h"
#include "core/lock.h"

/** struct sem - zeroed it is free */
struct LOCK_ATTRIBUTE(capability("sem")) sem {
	_Atomic uint32_t word;
};

#define SEM_WRITER 1u
#define SEM_WAITED 2u
#define SEM_READER 4u
#define SEM_NOT_HELD 0x80000000u /* what a count below 0 looks like */

/** sem_read_slow - the rest of sem_read: somebody has it, or waits */
void sem_read_slow(struct sem *sem, void *host);

/** sem_write_slow - the rest of sem_write. @word: as it was */
void sem_write_slow(struct sem *sem, void *host, uint32_t word);

/** sem_drop_slow - the rest of dropping it: somebody waits, or it was not held. @word: it is now */
void sem_drop_slow(struct sem *sem, void *host, uint32_t word);

/** sem_read - take it with other readers. @host: of the machine, for the port */
static inline void sem_read(struct sem *sem, void *host)
	LOCK_ATTRIBUTE(acquire_shared_capability(*sem)) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	uint32_t word = relaxed_load(&sem->word);

	if (unlikely(word & (SEM_WRITER | SEM_WAITED)) ||
	    unlikely(!atomic_compare_exchange_strong_explicit(&sem->word, &word, word + SEM_READER,
							      memory_order_acquire,
							      memory_order_relaxed)))
		sem_read_slow(sem, host);
}

/** sem_read_drop - let go of it as a reader */
static inline void sem_read_drop(struct sem *sem, void *host)
	LOCK_ATTRIBUTE(release_shared_capability(*sem)) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	uint32_t word = atomic_fetch_sub_explicit(&sem->word, SEM_READER, memory_order_release) -
			SEM_READER;

	if (unlikely(word & (SEM_WRITER | SEM_WAITED | SEM_NOT_HELD)))
		sem_drop_slow(sem, host, word);
}

/** sem_write - take it alone */
static inline void sem_write(struct sem *sem, void *host) LOCK_ATTRIBUTE(acquire_capability(*sem))
	LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	uint32_t word = 0;

	if (unlikely(!atomic_compare_exchange_strong_explicit(&sem->word, &word, SEM_WRITER,
							      memory_order_acquire,
							      memory_order_relaxed)))
		sem_write_slow(sem, host, word);
}

/** sem_write_drop - let go of it as the writer */
static inline void sem_write_drop(struct sem *sem, void *host)
	LOCK_ATTRIBUTE(release_capability(*sem)) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	uint32_t word = atomic_fetch_sub_explicit(&sem->word, SEM_WRITER, memory_order_release) -
			SEM_WRITER;

	if (unlikely(word))
		sem_drop_slow(sem, host, word);
}

#endif
