/* SPDX-License-Identifier: MIT */
/*
 * meet.h - one call comes into the middle of another one, at each of its steps in turn
 *
 * A step is where a call begins or ends a stay on its processor. Between two steps it holds no
 * spinlock, so all that others can do to it is done at one of them:
 *
 *   first    ──1──2──3── … n ┐                    ┌── … ──
 *                            │ goes on when       │
 *   second                   └ act ──────────────>┘ the act is done, or has to wait for the first
 *
 * The linker puts these functions between the library and the hosted port (Makefile, --wrap). The
 * second one may have several acts, each at a step of its own.
 */
#ifndef TEST_MEET_H
#define TEST_MEET_H

#include <quire/port.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#define MEET_ACTS 2

/** struct meet_act - what is done, at which step of the first one (from 1) */
struct meet_act {
	unsigned at;
	void (*run)(void *ctx);
};

uintptr_t __real_quire_port_cpu_enter(void);
uintptr_t __wrap_quire_port_cpu_enter(void);
void __real_quire_port_cpu_leave(uintptr_t token);
void __wrap_quire_port_cpu_leave(uintptr_t token);
void __real_quire_port_wait(void *host, const void *word, uint32_t value);
void __wrap_quire_port_wait(void *host, const void *word, uint32_t value);

enum meet_who { MEET_NOBODY, MEET_FIRST, MEET_SECOND };

static _Thread_local enum meet_who meet_who;
static _Thread_local unsigned meet_depth; /* stays that have not ended */

static struct {
	pthread_mutex_t lock; /* guards what follows but the first's step */
	pthread_cond_t changed;
	const struct meet_act *acts;
	void *ctx;
	unsigned nr, asked, done; /* acts; those that may begin; those that have ended */
	bool waits;               /* the second one sleeps in the port */
	unsigned step;
} meet = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, NULL, 0, 0, 0, false, 0 };

/* Let @nr acts begin, and wait until they are done or can't go on. */
static inline void meet_let(unsigned nr)
{
	pthread_mutex_lock(&meet.lock);
	meet.asked = nr;
	pthread_cond_broadcast(&meet.changed);
	while (meet.done < nr && !meet.waits)
		pthread_cond_wait(&meet.changed, &meet.lock);
	pthread_mutex_unlock(&meet.lock);
}

static inline void meet_step(void)
{
	if (meet_who != MEET_FIRST || meet_depth)
		return;
	meet.step++;
	for (unsigned i = 0; i < meet.nr; i++) {
		if (meet.acts[i].at == meet.step)
			meet_let(i + 1);
	}
}

uintptr_t __wrap_quire_port_cpu_enter(void)
{
	meet_step();
	meet_depth++;
	return __real_quire_port_cpu_enter();
}

void __wrap_quire_port_cpu_leave(uintptr_t token)
{
	__real_quire_port_cpu_leave(token);
	meet_depth--;
	meet_step();
}

static inline void meet_waits(bool waits)
{
	pthread_mutex_lock(&meet.lock);
	meet.waits = waits;
	pthread_cond_broadcast(&meet.changed);
	pthread_mutex_unlock(&meet.lock);
}

void __wrap_quire_port_wait(void *host, const void *word, uint32_t value)
{
	if (meet_who == MEET_SECOND)
		meet_waits(true);
	__real_quire_port_wait(host, word, value);
	if (meet_who == MEET_SECOND)
		meet_waits(false);
}

static inline void *meet_second(void *unused)
{
	meet_who = MEET_SECOND;
	for (unsigned i = 0; i < meet.nr; i++) {
		pthread_mutex_lock(&meet.lock);
		while (meet.asked <= i)
			pthread_cond_wait(&meet.changed, &meet.lock);
		pthread_mutex_unlock(&meet.lock);
		meet.acts[i].run(meet.ctx);
		pthread_mutex_lock(&meet.lock);
		meet.done = i + 1;
		pthread_cond_broadcast(&meet.changed);
		pthread_mutex_unlock(&meet.lock);
	}
	return unused;
}

/**
 * meet_run - @first, and into it @nr acts of a second thread, in order
 *
 * Acts whose step does not come are done when the first one has ended. Both threads say themselves
 * which processor they are.
 *
 * Return: whether all steps came
 */
static inline bool meet_run(void (*first)(void *ctx), const struct meet_act *acts, unsigned nr,
			    void *ctx)
{
	pthread_t second;

	meet.acts = acts;
	meet.ctx = ctx;
	meet.nr = nr;
	meet.asked = meet.done = meet.step = 0;
	meet.waits = false;
	if (pthread_create(&second, NULL, meet_second, NULL))
		abort();
	meet_who = MEET_FIRST;
	first(ctx);
	meet_who = MEET_NOBODY;
	pthread_mutex_lock(&meet.lock);
	bool all = meet.asked == nr;

	meet.asked = nr;
	pthread_cond_broadcast(&meet.changed);
	pthread_mutex_unlock(&meet.lock);
	pthread_join(second, NULL);
	return all;
}

#endif
