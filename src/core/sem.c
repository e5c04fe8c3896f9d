/* SPDX-License-Identifier: MIT */
/*
 * sem.c - the lock that may be held while sleeping
 */
#include "core/sem.h"

#include <quire/port.h>

/* Sleep until the word is not what was just read. */
static COLD void wait(struct sem *sem, void *host, uint32_t word)
{
	uint32_t waited = word | SEM_WAITED;

	if (word == waited ||
	    atomic_compare_exchange_strong_explicit(&sem->word, &word, waited,
						    memory_order_relaxed, memory_order_relaxed))
		quire_port_wait(host, &sem->word, waited);
}

COLD void sem_read_slow(struct sem *sem, void *host)
{
	uint32_t word = relaxed_load(&sem->word);

	for (;;) {
		if (unlikely(word & (SEM_WRITER | SEM_WAITED))) {
			wait(sem, host, word);
			word = relaxed_load(&sem->word);
		} else if (likely(atomic_compare_exchange_weak_explicit(
				   &sem->word, &word, word + SEM_READER, memory_order_acquire,
				   memory_order_relaxed))) {
			return;
		}
	}
}

/* The last one to leave lets the others try again. */
void sem_left(struct sem *sem, void *host, uint32_t left, uint32_t part)
{
	uint32_t word = left + part;

	ASSERT("SEM-1", part == SEM_WRITER ? (word & ~SEM_WAITED) == SEM_WRITER
					   : word >= SEM_READER && !(word & SEM_WRITER));
	if (likely(left != SEM_WAITED))
		return;
	if (atomic_compare_exchange_strong_explicit(&sem->word, &left, 0, memory_order_relaxed,
						    memory_order_relaxed))
		quire_port_wake(host, &sem->word);
}

void sem_write(struct sem *sem, void *host) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	uint32_t word = 0;

	while (!atomic_compare_exchange_strong_explicit(&sem->word, &word, word | SEM_WRITER,
							memory_order_acquire,
							memory_order_relaxed)) {
		wait(sem, host, word);
		word = 0;
	}
}

void sem_write_drop(struct sem *sem, void *host) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	sem_left(sem, host,
		 atomic_fetch_sub_explicit(&sem->word, SEM_WRITER, memory_order_release) -
			 SEM_WRITER,
		 SEM_WRITER);
}
