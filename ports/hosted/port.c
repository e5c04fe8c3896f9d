/* SPDX-License-Identifier: MIT */
/*
 * port.c - port.h in a process
 *
 * A processor is a thread: its number is thread-local, there are no interrupts.
 * Frames have contents only once somebody looks at them.
 */
#include <quire/error.h>
#include <quire/port.h>

#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hosted.h"
#include "simulated.h"

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

static void host_take(struct quire_hosted *h)
{
	while (__atomic_exchange_n(&h->lock, 1, __ATOMIC_ACQUIRE))
		;
}

static void host_drop(struct quire_hosted *h)
{
	__atomic_store_n(&h->lock, 0, __ATOMIC_RELEASE);
}

void *quire_port_alloc(void *host, quire_phys_t at, size_t bytes)
{
	struct quire_hosted *h = host;

	(void)at;
	if (!h)
		return take(bytes);
	host_take(h);
	void *p = ++h->nr_allocs == h->fail_at ? NULL : take(bytes);
	if (p)
		h->live_bytes += bytes;
	host_drop(h);
	return p;
}

void quire_port_free(void *host, void *p, size_t bytes)
{
	struct quire_hosted *h = host;

	if (!p)
		return;
	if (h && p == h->direct) {
		simulated_end(h->mmu);
		free(h->mmu);
		h->mmu = NULL;
		h->direct = NULL;
		h->direct_bytes = 0;
	}
	if (h) {
		host_take(h);
		h->live_bytes -= bytes;
		host_drop(h);
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
static void *touched(struct quire_hosted *h, uint64_t pfn)
{
	if (pfn < h->direct_bytes / QUIRE_PAGE_SIZE)
		return h->direct + pfn * QUIRE_PAGE_SIZE;
	host_take(h);
	void *frame = pfn < h->nr_ram ? h->ram[pfn] : NULL;
	host_drop(h);
	return frame;
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
	__atomic_fetch_add(&h->zeroed, (size_t)nr_pages, __ATOMIC_RELAXED);
	return 0;
}

/* As the software MMU wants it. Nothing answers beyond the 64 GB of PAE's machines. */
static void *frame_contents(void *host, uint64_t phys)
{
	return phys >> 36 ? NULL : quire_hosted_frame(host, quire_phys_pfn(quire_phys(phys)));
}

void *quire_port_direct(void *host, uint64_t bytes)
{
	struct quire_hosted *h = host;

	if (!h || h->untouchable || bytes > SIZE_MAX)
		return NULL;
	h->mmu = calloc(1, sizeof(*h->mmu));
	void *p = h->mmu ? quire_port_alloc(host, quire_phys(0), (size_t)bytes) : NULL;
	if (!p) {
		free(h->mmu);
		h->mmu = NULL;
		return NULL;
	}
	for (uint64_t pfn = 0; pfn < h->nr_ram && pfn < bytes / QUIRE_PAGE_SIZE; pfn++) {
		if (!h->ram[pfn])
			continue;
		memcpy((char *)p + pfn * QUIRE_PAGE_SIZE, h->ram[pfn], QUIRE_PAGE_SIZE);
		free(h->ram[pfn]);
		h->ram[pfn] = NULL;
	}
	h->direct = p;
	h->direct_bytes = bytes;
	simulated_begin(h->mmu, host, p, bytes, frame_contents);
	return p;
}

int quire_port_load_root(void *host, quire_phys_t root, unsigned levels)
{
	struct quire_hosted *h = host;

	return h && h->mmu ? simulated_load_root(h->mmu, (unsigned)this_cpu, root, levels)
			   : -QUIRE_EOPNOTSUPP;
}

void quire_port_tlb_flush(void *host, const struct quire_port_flush *what)
{
	struct quire_hosted *h = host;

	if (h->drop_flushes)
		h->drop_flushes--;
	else
		simulated_flush(h->mmu, what);
}

struct quire_exception quire_hosted_access(struct quire_hosted *host, quire_virt_t virt, void *buf,
					   size_t n, enum quire_access access, bool user)
{
	struct quire_exception fault = { .vector = QUIRE_VECTOR_NONE };
	struct softmmu_cpu *cpu = host->mmu ? host->mmu->cpu[this_cpu] : NULL;
	int error = simulated_access(cpu, virt, buf, n,
				     (unsigned)access | (user ? SOFTMMU_USER : 0), &fault);

	if (error == -QUIRE_EOPNOTSUPP)
		fault = (struct quire_exception){ QUIRE_VECTOR_GP, 0, virt };
	return fault;
}

int quire_port_access(void *host, quire_virt_t virt, void *buf, size_t n, enum quire_access access,
		      struct quire_exception *fault)
{
	struct quire_hosted *h = host;

	if (!h || !h->mmu)
		return -QUIRE_EOPNOTSUPP;
	return simulated_access(h->mmu->cpu[this_cpu], virt, buf, n, (unsigned)access, fault);
}

void quire_port_wait(void *host, const void *word, uint32_t value)
{
	(void)host;
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

void quire_port_wake(void *host, const void *word)
{
	(void)host;
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void quire_port_panic(const char *rule, const char *text, const char *file, int line)
{
	fprintf(stderr, "quire: %s broken: %s (%s:%d)\n", rule, text, file, line);
	if (panic_status < 0)
		abort();
	exit(panic_status);
}

/* The same, with the lock held. */
static void *ram_frame(struct quire_hosted *host, uint64_t pfn)
{
	if (pfn >= host->nr_ram) {
		uint64_t nr = pfn + 1 + pfn / 2;
		void **ram = nr > SIZE_MAX / sizeof(*ram) ? NULL
							  : realloc(host->ram, nr * sizeof(*ram));
		if (!ram)
			return NULL;
		memset(ram + host->nr_ram, 0, (nr - host->nr_ram) * sizeof(*ram));
		host->ram = ram;
		host->nr_ram = nr;
	}
	if (!host->ram[pfn])
		host->ram[pfn] = calloc(1, QUIRE_PAGE_SIZE);
	return host->ram[pfn];
}

void *quire_hosted_frame(struct quire_hosted *host, quire_pfn_t pfn)
{
	if (pfn.v < host->direct_bytes / QUIRE_PAGE_SIZE)
		return host->direct + pfn.v * QUIRE_PAGE_SIZE;
	host_take(host);
	void *frame = ram_frame(host, pfn.v);
	host_drop(host);
	return frame;
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

uint64_t quire_hosted_walks(const struct quire_hosted *host)
{
	uint64_t walks = 0;

	for (unsigned i = 0; host->mmu && i < QUIRE_CPUS_MAX; i++) {
		if (host->mmu->cpu[i])
			walks += host->mmu->cpu[i]->nr_walks;
	}
	return walks;
}

void quire_hosted_panic(int status)
{
	panic_status = status;
}
