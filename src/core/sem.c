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
		if (word & (SEM_WRITER | SEM_WAITED)) {
			wait(sem, host, word);
			word = relaxed_load(&sem->word);
		} else if (atomic_compare_exchange_weak_explicit(
				   &sem->word, &word, word + SEM_READER, memory_order_acquire,
				   memory_order_relaxed)) {
			return;
		}
	}
}

COLD void sem_write_slow(struct sem *sem, void *host, uint32_t word)
{
	do {
		wait(sem, host, word);
		word = 0;
	} while (!atomic_compare_exchange_strong_explicit(&sem->word, &word, word | SEM_WRITER,
							  memory_order_acquire,
							  memory_order_relaxed));
}

/* The last one to leave lets the others try again. */
COLD void sem_drop_slow(struct sem *sem, void *host, uint32_t word)
{
	ASSERT("SEM-1", !(word & (SEM_WRITER | SEM_NOT_HELD)));
	if (word != SEM_WAITED)
		return;
	/* Who has it next may free it. */
	if (atomic_compare_exchange_strong_explicit(&sem->word, &word, 0, memory_order_release,
						    memory_order_relaxed))
		quire_port_wake(host, &sem->word);
}
