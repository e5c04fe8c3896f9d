/* SPDX-License-Identifier: MIT */
/*
 * assert.h - cheap assertions, each citing the invariant it guards
 */
#ifndef CORE_ASSERT_H
#define CORE_ASSERT_H

#include <quire/config.h>
#include <quire/port.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Out of the way of the code that calls it. */
#define COLD __attribute__((noinline, cold))

/* Kept apart from, or made part of, its caller: for the fast paths' register use. */
#define APART __attribute__((noinline))
#define WITHIN inline __attribute__((always_inline))

/** ASSERT - end in the port's panic unless @cond holds; @rule names the invariant */
#define ASSERT(rule, cond)                                                    \
	do {                                                                  \
		if (QUIRE_ASSERT && unlikely(!(cond)))                        \
			quire_port_panic(rule, #cond, __FILE__, __LINE__);    \
	} while (0)

#endif
