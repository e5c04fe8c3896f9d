/* SPDX-License-Identifier: MIT */
/*
 * port.c - port.h on a PC without an operating system
 *
 *   the machine this     what was set aside in its memory: the direct map; else the heap
 *   simulated machines   large: the arena; else the heap
 *   sessions             the heap
 */
#include <quire/error.h>
#include <quire/port.h>

#include "arena.h"
#include "cpu.h"
#include "heap.h"
#include "machine.h"
#include "x86.h"

/* From this size on memory of a simulated machine is not there before it is touched. */
#define ARENA_BYTES (4 * QUIRE_PAGE_SIZE)

#define TOKEN_IF 0x10000u /* interrupts were on */

static unsigned this_cpu; /* of simulated machines, as the script says */

void x86_cpu(unsigned cpu)
{
	this_cpu = cpu;
}

unsigned x86_this_cpu(void)
{
	return this_cpu;
}

static enum x86_memory memory_of(const struct x86_host *h)
{
	return h ? h->memory : X86_HEAP;
}

void *quire_port_alloc(void *host, quire_phys_t at, size_t bytes)
{
	enum x86_memory memory = memory_of(host);

	if (memory == X86_REAL && at.v != QUIRE_PORT_ANYWHERE)
		return __builtin_memset(x86_direct(at), 0, bytes);
	return memory == X86_ARENA && bytes >= ARENA_BYTES ? arena_take(bytes) : heap_take(bytes);
}

void quire_port_free(void *host, void *p, size_t bytes)
{
	struct x86_host *h = host;

	if (!p || (memory_of(h) == X86_REAL && !heap_grows()))
		return; /* what was set aside by a boot that failed */
	if (h && p == h->mmu.memory.direct)
		simulated_end(&h->mmu);
	if (memory_of(h) != X86_ARENA || !arena_give(p))
		heap_give(p, bytes);
}

void *quire_port_direct(void *host, uint64_t bytes)
{
	struct x86_host *h = host;

	if (memory_of(h) == X86_REAL)
		return x86_direct(quire_phys(0));
	if (memory_of(h) != X86_ARENA || bytes > SIZE_MAX)
		return NULL;
	void *p = arena_take((size_t)bytes);
	if (p)
		simulated_begin(&h->mmu, host, p, bytes, NULL);
	return p;
}

uintptr_t quire_port_cpu_enter(void)
{
	return this_cpu | (cpu_flags_cli() & FLAGS_IF ? TOKEN_IF : 0);
}

void quire_port_cpu_leave(uintptr_t token)
{
	if (token & TOKEN_IF)
		cpu_sti();
}

int quire_port_zero(void *host, quire_pfn_t start, uint64_t nr_pages)
{
	struct x86_host *h = host;
	uint64_t at = quire_pfn_phys(start).v, bytes = nr_pages * QUIRE_PAGE_SIZE;

	if (!h)
		return 0; /* frames without contents: there is nothing to clear */
	if (h->memory != X86_REAL) { /* many pages rather lose their frames than get some */
		if (bytes >= ARENA_BYTES && at + bytes <= h->mmu.memory.direct_bytes)
			arena_clear(h->mmu.memory.direct + at, (size_t)bytes);
		else
			simulated_zero(&h->mmu, start, nr_pages);
		return 0;
	}
	return machine_zero(start, nr_pages);
}

/* Nobody else runs: what is waited for would never come. */
void quire_port_wait(void *host, const void *word, uint32_t value)
{
	(void)host;
	if (__atomic_load_n((const uint32_t *)word, __ATOMIC_RELAXED) == value)
		quire_port_panic("PORT-1", "somebody else can wake us", __FILE__, __LINE__);
}

void quire_port_wake(void *host, const void *word)
{
	(void)host;
	(void)word;
}

void quire_port_panic(const char *rule, const char *text, const char *file, int line)
{
	x86_print("\n%s broken: %s (%s:%d)\n", rule, text, file, line);
	x86_exit(X86_EXIT_PANIC);
}
