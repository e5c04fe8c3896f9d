/* SPDX-License-Identifier: MIT */
/*
 * arena.h - memory for simulated machines: as much as is touched
 *
 * A simulated machine of 8 GB has a frame array of 30 MB, most of which is never written; this
 * machine may have 16 MB. So the arena gives addresses only, in the half that belongs to
 * processes, and a page gets its frame at the first touch.
 */
#ifndef X86_ARENA_H
#define X86_ARENA_H

#include <quire/quire.h>

/**
 * arena_init - make the arena's page table and use it from here on
 * @q: the machine this, with the kernel's half of the addresses
 *
 * Return: 0; what quire_table_create and quire_table_load return
 */
int arena_init(struct quire *q);

/** arena_take - @bytes bytes of zeros, page aligned; NULL if there is no such gap */
void *arena_take(size_t bytes);

/** arena_give - take back what arena_take gave, with its frames. Return: false if it did not */
bool arena_give(void *p);

/** arena_clear - zeros again in [p, p + bytes) of the arena */
void arena_clear(void *p, size_t bytes);

/**
 * arena_fault - answer a page fault
 * @address: where
 * @code:    the processor's error code
 *
 * Return: true if the access can be tried again. Without memory for it everything ends here.
 */
bool arena_fault(uintptr_t address, uintptr_t code);

#endif
