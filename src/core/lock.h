/* SPDX-License-Identifier: MIT */
/*
 * lock.h - the spinlock, and relaxed access to words that are read without it
 *
 * The caller has entered the processor through the port (quire_port_cpu_enter),
 * so a holder is never interrupted by code that wants the same lock.
 * Clang's thread-safety annotations name the lock to the compiler.
 */
#ifndef CORE_LOCK_H
#define CORE_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__clang__)
#define LOCK_ATTRIBUTE(x) __attribute__((x))
#else
#define LOCK_ATTRIBUTE(x)
#endif

/** struct lock - a spinlock; zeroed it is free */
struct LOCK_ATTRIBUTE(capability("lock")) lock {
	_Atomic uint32_t held;
};

/** lock_try - take the lock if it is free. Return: true if it is ours. A single lock bts on x86 */
static inline bool lock_try(struct lock *lock) LOCK_ATTRIBUTE(try_acquire_capability(true, *lock))
	LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	return !(atomic_fetch_or_explicit(&lock->held, 1, memory_order_acquire) & 1);
}

/** lock_wait - spin until the lock is ours; the rest of lock_take, out of the way */
static __attribute__((noinline, cold, unused)) void lock_wait(struct lock *lock)
	LOCK_ATTRIBUTE(acquire_capability(*lock)) LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	do {
		while (atomic_load_explicit(&lock->held, memory_order_relaxed))
			;
	} while (!lock_try(lock));
}

/** lock_take - take the lock */
static inline void lock_take(struct lock *lock) LOCK_ATTRIBUTE(acquire_capability(*lock))
	LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	if (__builtin_expect(!lock_try(lock), 0))
		lock_wait(lock);
}

/** lock_drop - let go of the lock */
static inline void lock_drop(struct lock *lock) LOCK_ATTRIBUTE(release_capability(*lock))
	LOCK_ATTRIBUTE(no_thread_safety_analysis)
{
	atomic_store_explicit(&lock->held, 0, memory_order_release);
}

/* Words that a lock guards for writing and that may be read without it. */
#define relaxed_load(p) atomic_load_explicit((p), memory_order_relaxed)
#define acquire_load(p) atomic_load_explicit((p), memory_order_acquire)
#define relaxed_store(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)

#endif
