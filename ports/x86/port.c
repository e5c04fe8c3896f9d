/* SPDX-License-Identifier: MIT */
/*
 * port.c - port.h on a PC without an operating system
 *
 * The machine this has a struct x86_host; what was set aside for it in memory is reached
 * through the direct map. Everything else, and all of simulated machines, comes from a
 * heap that begins with a part of the image.
 */
#include <quire/error.h>
#include <quire/port.h>

#include "cpu.h"
#include "heap.h"
#include "machine.h"
#include "place.h"

/* Enough for the records of the machine this that are made before it has zones. */
#define IMAGE_HEAP_BYTES (256u << 10)

#define TOKEN_IF 0x10000u /* interrupts were on */

static _Alignas(HEAP_ALIGN) unsigned char image_heap[IMAGE_HEAP_BYTES];
static struct heap heap;
static unsigned this_cpu; /* of simulated machines, as the script says */

void port_heap_init(void)
{
	heap_give(&heap, image_heap, sizeof(image_heap));
}

void port_heap_more(void *start, size_t bytes)
{
	heap_give(&heap, start, bytes);
}

void x86_cpu(unsigned cpu)
{
	this_cpu = cpu;
}

void *quire_port_alloc(void *host, quire_phys_t at, size_t bytes)
{
	const struct x86_host *h = host;

	if (h && h->real && at.v != QUIRE_PORT_ANYWHERE)
		return __builtin_memset(x86_direct(at), 0, bytes);
	return heap_take(&heap, bytes);
}

void quire_port_free(void *host, void *p, size_t bytes)
{
	struct x86_host *h = host;

	if (!p || (h && h->real))
		return; /* the machine this is never destroyed */
	if (h && p == h->direct) {
		h->direct = NULL;
		h->direct_bytes = 0;
	}
	heap_give(&heap, p, bytes);
}

void *quire_port_direct(void *host, uint64_t bytes)
{
	struct x86_host *h = host;

	if (!h || bytes > SIZE_MAX)
		return NULL;
	if (h->real)
		return x86_direct(quire_phys(0));
	h->direct = heap_take(&heap, (size_t)bytes);
	h->direct_bytes = h->direct ? bytes : 0;
	return h->direct;
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
	const struct x86_host *h = host;
	uint64_t at = quire_pfn_phys(start).v, bytes = nr_pages * QUIRE_PAGE_SIZE;

	if (!h)
		return 0; /* frames without contents: there is nothing to clear */
	if (!h->real) { /* likewise what is not directly mapped */
		if (at < h->direct_bytes && bytes <= h->direct_bytes - at)
			__builtin_memset(h->direct + at, 0, (size_t)bytes);
		return 0;
	}
#ifndef __x86_64__
	if (at + bytes > LOWMEM_BYTES)
		return -QUIRE_EOPNOTSUPP; /* high memory is not mapped */
#endif
	__builtin_memset(x86_direct(quire_pfn_phys(start)), 0, (size_t)bytes);
	return 0;
}

void quire_port_panic(const char *rule, const char *text, const char *file, int line)
{
	x86_print("\n%s broken: %s (%s:%d)\n", rule, text, file, line);
	x86_exit(X86_EXIT_PANIC);
}
