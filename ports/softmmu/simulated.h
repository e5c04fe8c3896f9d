/* SPDX-License-Identifier: MIT */
/*
 * simulated.h - the processors of a simulated machine, for ports that have one
 *
 * What port.h asks of paging, on softmmu.h: a port embeds struct simulated, begins it when its
 * direct map is asked for and ends it when that is given back.
 */
#ifndef SIMULATED_H
#define SIMULATED_H

#include <quire/config.h>
#include <quire/port.h>

#include "softmmu.h"

/** struct simulated_page - the contents of a frame that has been touched */
struct simulated_page {
	uint64_t key; /* frame number + 1; 0: empty */
	void *contents;
};

/** struct simulated - the processors of one machine; zeroed there are none */
struct simulated {
	void *host;                   /* for quire_port_alloc */
	struct softmmu_memory memory; /* what they see */
	struct softmmu_cpu *_Atomic cpu[QUIRE_CPUS_MAX]; /* NULL: paging is off there */
	_Atomic unsigned nr_cpus;     /* beyond the last of them that is there */
	struct simulated_page *pages; /* outside of the direct map, by frame number, hashed */
	size_t nr_pages, room;        /* used; of the table, a power of two */
};

/**
 * simulated_begin - a machine's memory is there
 * @s:      zeroed, or ended
 * @host:   for quire_port_alloc
 * @direct: contents of physical address 0
 * @bytes:  how far they reach
 * @frame:  contents of other frames, as struct softmmu_memory's; called with @host. NULL: those
 *          that are touched get some here, from quire_port_alloc
 */
void simulated_begin(struct simulated *s, void *host, void *direct, uint64_t bytes,
		     void *(*frame)(void *host, uint64_t phys));

/** simulated_end - the machine's memory goes */
void simulated_end(struct simulated *s);

/** simulated_zero - quire_port_zero, for what simulated_begin was told of and what it got here */
void simulated_zero(struct simulated *s, quire_pfn_t start, uint64_t nr_pages);

/** simulated_load_root - quire_port_load_root on processor @cpu */
int simulated_load_root(struct simulated *s, unsigned cpu, quire_phys_t root, unsigned levels);

/** simulated_flush - quire_port_tlb_flush */
void simulated_flush(struct simulated *s, const struct quire_port_flush *what);

/**
 * simulated_access - quire_port_access on a processor
 * @cpu:    of struct simulated; NULL: paging is off there
 * @virt:   the address
 * @buf:    filled or written out
 * @n:      bytes
 * @access: enum softmmu_access: beyond the port's, also fetches and user code's accesses
 * @fault:  the exception
 *
 * Return: as quire_port_access
 */
int simulated_access(struct softmmu_cpu *cpu, quire_virt_t virt, void *buf, size_t n,
		     unsigned access, struct quire_exception *fault);

#endif
