/* SPDX-License-Identifier: MIT */
/*
 * simulated.c - port.h's paging functions on the software MMU
 */
#include "simulated.h"

#include <quire/error.h>

/* Frames beyond are no memory, but devices that nobody has: 64 GB, what PAE reaches. */
#define PHYS_BITS 36

#define ROOM_FIRST 64

/* ---- Contents of frames that are not directly mapped ---- */

static void *take(struct simulated *s, size_t bytes)
{
	return quire_port_alloc(s->host, quire_phys(QUIRE_PORT_ANYWHERE), bytes);
}

/* The place of a frame in the table, or where it would be. The table is never full. */
static struct simulated_page *find(const struct simulated *s, uint64_t pfn)
{
	size_t i = (size_t)(pfn * 0x9e3779b97f4a7c15u >> 32) & (s->room - 1);

	while (s->pages[i].key && s->pages[i].key != pfn + 1)
		i = (i + 1) & (s->room - 1);
	return &s->pages[i];
}

/* Room for one more. */
static bool grow(struct simulated *s)
{
	struct simulated bigger = *s;

	if (s->nr_pages < s->room / 2)
		return true;
	bigger.room = s->room ? 2 * s->room : ROOM_FIRST;
	bigger.pages = take(s, bigger.room * sizeof(*bigger.pages));
	if (!bigger.pages)
		return false;
	for (size_t i = 0; i < s->room; i++) {
		if (s->pages[i].key)
			*find(&bigger, s->pages[i].key - 1) = s->pages[i];
	}
	quire_port_free(s->host, s->pages, s->room * sizeof(*s->pages));
	s->pages = bigger.pages;
	s->room = bigger.room;
	return true;
}

static void *frame_contents(void *ctx, uint64_t phys)
{
	struct simulated *s = ctx;
	uint64_t pfn = quire_phys_pfn(quire_phys(phys)).v;
	struct simulated_page *page;

	if (phys >> PHYS_BITS || !grow(s))
		return NULL;
	page = find(s, pfn);
	if (!page->key) {
		page->contents = take(s, QUIRE_PAGE_SIZE);
		if (!page->contents)
			return NULL;
		page->key = pfn + 1;
		s->nr_pages++;
	}
	return page->contents;
}

void simulated_zero(struct simulated *s, quire_pfn_t start, uint64_t nr_pages)
{
	for (uint64_t pfn = start.v; pfn < start.v + nr_pages; pfn++) {
		void *contents = NULL;

		if (pfn < s->memory.direct_bytes / QUIRE_PAGE_SIZE)
			contents = s->memory.direct + pfn * QUIRE_PAGE_SIZE;
		else if (s->room)
			contents = find(s, pfn)->contents;
		if (contents)
			__builtin_memset(contents, 0, QUIRE_PAGE_SIZE);
	}
}

/* ---- Processors ---- */

void simulated_begin(struct simulated *s, void *host, void *direct, uint64_t bytes,
		     void *(*frame)(void *host, uint64_t phys))
{
	s->host = host;
	s->memory = (struct softmmu_memory){ .direct = direct,
					     .direct_bytes = bytes & ~(uint64_t)4095,
					     .frame = frame ? frame : frame_contents,
					     .ctx = frame ? host : s };
}

void simulated_end(struct simulated *s)
{
	for (unsigned i = 0; i < QUIRE_CPUS_MAX; i++) {
		quire_port_free(s->host, s->cpu[i], sizeof(struct softmmu_cpu));
		s->cpu[i] = NULL;
	}
	for (size_t i = 0; i < s->room; i++)
		quire_port_free(s->host, s->pages[i].contents, QUIRE_PAGE_SIZE);
	quire_port_free(s->host, s->pages, s->room * sizeof(*s->pages));
	s->pages = NULL;
	s->nr_pages = s->room = 0;
	s->nr_cpus = 0;
	s->memory = (struct softmmu_memory){ .direct = NULL };
}

int simulated_load_root(struct simulated *s, unsigned cpu, quire_phys_t root, unsigned levels)
{
	/* Widths of physical addresses as quire.h says of the machines with so many levels. */
	static const unsigned char width[] = { 0, 0, 32, 36, 46, 52 };
	struct softmmu_cpu *c = s->cpu[cpu];
	struct softmmu_fault fault;
	unsigned nr;

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
		nr = s->nr_cpus;
		while (nr <= cpu && !atomic_compare_exchange_weak(&s->nr_cpus, &nr, cpu + 1))
			;
	}
	return softmmu_load_cr3(c, root.v, &fault) ? 0 : -QUIRE_EFAULT;
}

void simulated_flush(struct simulated *s, const struct quire_port_flush *what)
{
	bool any = what->root.v == QUIRE_PORT_ANY_ROOT;
	uintptr_t token = quire_port_cpu_enter();
	unsigned first = what->local ? token & 0xffff : 0;
	unsigned end = what->local ? first + 1 : s->nr_cpus;

	quire_port_cpu_leave(token);
	for (unsigned i = first; i < end; i++) {
		struct softmmu_cpu *c = s->cpu[i];

		if (!c || (!any && softmmu_cr3(c) != what->root.v))
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
