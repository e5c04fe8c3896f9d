/* SPDX-License-Identifier: MIT */
/*
 * port.c - port.h in a process
 *
 * A processor is a thread: its number is thread-local, there are no interrupts.
 * Frames have contents only once somebody looks at them.
 */
#include <quire/error.h>
#include <quire/port.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "hosted.h"

/* From this size on memory comes from mmap: zero without being touched. */
#define MMAP_BYTES (1u << 16)

static _Thread_local uintptr_t this_cpu;
static int panic_status = -1;

static void *take(size_t bytes)
{
	if (bytes >= MMAP_BYTES) {
		void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		return p == MAP_FAILED ? NULL : p;
	}
	void *p = NULL;
	if (posix_memalign(&p, 64, bytes))
		return NULL;
	return memset(p, 0, bytes);
}

void *quire_port_alloc(void *host, quire_phys_t at, size_t bytes)
{
	struct quire_hosted *h = host;

	(void)at;
	if (h && ++h->nr_allocs == h->fail_at)
		return NULL;
	void *p = take(bytes);
	if (p && h)
		h->live_bytes += bytes;
	return p;
}

void quire_port_free(void *host, void *p, size_t bytes)
{
	struct quire_hosted *h = host;

	if (!p)
		return;
	if (h)
		h->live_bytes -= bytes;
	if (h && p == h->direct) {
		h->direct = NULL;
		h->direct_bytes = 0;
	}
	if (bytes >= MMAP_BYTES)
		munmap(p, bytes);
	else
		free(p);
}

uintptr_t quire_port_cpu_enter(void)
{
	return this_cpu;
}

void quire_port_cpu_leave(uintptr_t token)
{
	(void)token;
}

/* The contents of a frame that has some. NULL: nobody looked at it, it is zero */
static void *touched(const struct quire_hosted *h, uint64_t pfn)
{
	if (pfn < h->direct_bytes / QUIRE_PAGE_SIZE)
		return h->direct + pfn * QUIRE_PAGE_SIZE;
	return pfn < h->nr_ram ? h->ram[pfn] : NULL;
}

int quire_port_zero(void *host, quire_pfn_t start, uint64_t nr_pages)
{
	struct quire_hosted *h = host;

	if (!h)
		return 0; /* frames without contents: there is nothing to clear */
	if (h->untouchable)
		return -QUIRE_EOPNOTSUPP;
	for (uint64_t i = 0; i < nr_pages; i++) {
		void *frame = touched(h, start.v + i);

		if (frame)
			memset(frame, 0, QUIRE_PAGE_SIZE);
	}
	h->zeroed += nr_pages;
	return 0;
}

void *quire_port_direct(void *host, uint64_t bytes)
{
	struct quire_hosted *h = host;

	if (!h || h->untouchable || bytes > SIZE_MAX)
		return NULL;
	void *p = quire_port_alloc(host, quire_phys(0), (size_t)bytes);
	if (!p)
		return NULL;
	for (uint64_t pfn = 0; pfn < h->nr_ram && pfn < bytes / QUIRE_PAGE_SIZE; pfn++) {
		if (!h->ram[pfn])
			continue;
		memcpy((char *)p + pfn * QUIRE_PAGE_SIZE, h->ram[pfn], QUIRE_PAGE_SIZE);
		free(h->ram[pfn]);
		h->ram[pfn] = NULL;
	}
	h->direct = p;
	h->direct_bytes = bytes;
	return p;
}

void quire_port_panic(const char *rule, const char *text, const char *file, int line)
{
	fprintf(stderr, "quire: %s broken: %s (%s:%d)\n", rule, text, file, line);
	if (panic_status < 0)
		abort();
	exit(panic_status);
}

void *quire_hosted_frame(struct quire_hosted *host, quire_pfn_t pfn)
{
	if (pfn.v < host->direct_bytes / QUIRE_PAGE_SIZE)
		return host->direct + pfn.v * QUIRE_PAGE_SIZE;
	if (pfn.v >= host->nr_ram) {
		uint64_t nr = pfn.v + 1 + pfn.v / 2;
		void **ram = nr > SIZE_MAX / sizeof(*ram) ? NULL
							  : realloc(host->ram, nr * sizeof(*ram));
		if (!ram)
			return NULL;
		memset(ram + host->nr_ram, 0, (nr - host->nr_ram) * sizeof(*ram));
		host->ram = ram;
		host->nr_ram = nr;
	}
	if (!host->ram[pfn.v])
		host->ram[pfn.v] = calloc(1, QUIRE_PAGE_SIZE);
	return host->ram[pfn.v];
}

void quire_hosted_release(struct quire_hosted *host)
{
	for (uint64_t i = 0; i < host->nr_ram; i++)
		free(host->ram[i]);
	free(host->ram);
	host->ram = NULL;
	host->nr_ram = 0;
}

void quire_hosted_cpu(unsigned cpu)
{
	this_cpu = cpu;
}

void quire_hosted_panic(int status)
{
	panic_status = status;
}
