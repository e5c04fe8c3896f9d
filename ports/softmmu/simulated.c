/* SPDX-License-Identifier: MIT */
/*
 * simulated.c - port.h's paging functions on the software MMU
 */
#include "simulated.h"

#include <quire/error.h>

void simulated_begin(struct simulated *s, void *host, void *direct, uint64_t bytes,
		     void *(*frame)(void *host, uint64_t phys))
{
	s->host = host;
	s->memory = (struct softmmu_memory){ .direct = direct,
					     .direct_bytes = bytes & ~(uint64_t)4095,
					     .frame = frame,
					     .ctx = host };
}

void simulated_end(struct simulated *s)
{
	for (unsigned i = 0; i < QUIRE_CPUS_MAX; i++) {
		quire_port_free(s->host, s->cpu[i], sizeof(struct softmmu_cpu));
		s->cpu[i] = NULL;
	}
	s->memory = (struct softmmu_memory){ .direct = NULL };
}

int simulated_load_root(struct simulated *s, unsigned cpu, quire_phys_t root, unsigned levels)
{
	/* Widths of physical addresses as quire.h says of the machines with so many levels. */
	static const unsigned char width[] = { 0, 0, 32, 36, 46, 52 };
	struct softmmu_cpu *c = s->cpu[cpu];
	struct softmmu_fault fault;

	if (!s->memory.direct)
		return -QUIRE_EOPNOTSUPP;
	if (!c) {
		c = quire_port_alloc(s->host, quire_phys(QUIRE_PORT_ANYWHERE), sizeof(*c));
		if (!c)
			return -QUIRE_ENOMEM;
		struct softmmu_memory memory = s->memory;

		memory.phys_bits = width[levels];
		softmmu_setup_levels(c, &memory, levels);
		s->cpu[cpu] = c;
	}
	return softmmu_load_cr3(c, root.v, &fault) ? 0 : -QUIRE_EFAULT;
}

void simulated_flush(struct simulated *s, const struct quire_port_flush *what)
{
	bool any = what->root.v == QUIRE_PORT_ANY_ROOT;
	uintptr_t token = quire_port_cpu_enter();

	quire_port_cpu_leave(token);
	for (unsigned i = 0; i < QUIRE_CPUS_MAX; i++) {
		struct softmmu_cpu *c = s->cpu[i];

		if (!c || (what->local && i != (token & 0xffff)) || (!any && softmmu_cr3(c) != what->root.v))
			continue;
		if (!what->nr_pages)
			softmmu_flush(c, any);
		for (uint64_t n = 0; n < what->nr_pages; n++)
			softmmu_invlpg(c, what->start.v + (n << what->shift));
	}
}

int simulated_access(struct softmmu_cpu *cpu, quire_virt_t virt, void *buf, size_t n,
		     unsigned access, struct quire_exception *fault)
{
	struct softmmu_fault what;

	if (!cpu)
		return -QUIRE_EOPNOTSUPP;
	if (softmmu_copy(cpu, virt.v, buf, n, access, &what))
		return 0;
	*fault = (struct quire_exception){ (enum quire_vector)what.vector, what.code,
					   { what.cr2 } };
	return -QUIRE_EFAULT;
}
