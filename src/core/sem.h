/* SPDX-License-Identifier: MIT */
/*
 * sem.h - a lock that may be held while sleeping: many readers or one writer
 *
 * One word:  [ readers: 29 bits | somebody waits | a writer has it ]
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

#include "core/assert.h"
#include "core/lock.h"

#define SEM_WRITER 1u
#define SEM_WAITED 2u
#define SEM_READER 4u
/* In what is left when a reader has gone: somebody is to be woken, or it was not a reader. */
#define SEM_ODD (1u << 31 | SEM_WAITED | SEM_WRITER)

/** struct sem - zeroed it is free */
struct LOCK_ATTRIBUTE(capability("sem")) sem {
	_Atomic uint32_t word;
};

/** sem_read_slow - the rest of sem_read: it is not free, or others change it, too */
void sem_read_slow(struct sem *sem, void *host);

/** sem_left - the rest of both drops. @left: the word now. @part: what was taken from it */
void sem_left(struct sem *sem, void *host, uint32_t left, uint32_t part);

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
	uint32_t left = atomic_fetch_sub_explicit(&sem->word, SEM_READER, memory_order_release) -
			SEM_READER;

	if (unlikely(left & SEM_ODD))
		sem_left(sem, host, left, SEM_READER);
}

/** sem_write - take it alone */
void sem_write(struct sem *sem, void *host) LOCK_ATTRIBUTE(acquire_capability(*sem));

/** sem_write_drop - let go of it as the writer */
void sem_write_drop(struct sem *sem, void *host) LOCK_ATTRIBUTE(release_capability(*sem));

#endif
