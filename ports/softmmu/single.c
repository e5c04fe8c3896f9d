/* SPDX-License-Identifier: MIT */
/*
 * single.c - port.h for one simulated machine at a time, but for memory and panic
 */
#include "single.h"

struct simulated single;
unsigned single_cpu;

uintptr_t quire_port_cpu_enter(void)
{
	return single_cpu;
}

void quire_port_cpu_leave(uintptr_t token)
{
	(void)token;
}

int quire_port_zero(void *host, quire_pfn_t start, uint64_t nr_pages)
{
	(void)host;
	simulated_zero(&single, start, nr_pages);
	return 0;
}

int quire_port_load_root(void *host, quire_phys_t root, unsigned levels)
{
	(void)host;
	return simulated_load_root(&single, single_cpu, root, levels);
}

void quire_port_tlb_flush(void *host, const struct quire_port_flush *what)
{
	(void)host;
	simulated_flush(&single, what);
}

int quire_port_access(void *host, quire_virt_t virt, void *buf, size_t n, enum quire_access access,
		      struct quire_exception *fault)
{
	(void)host;
	return simulated_access(single.cpu[single_cpu], virt, buf, n, (unsigned)access, fault);
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
