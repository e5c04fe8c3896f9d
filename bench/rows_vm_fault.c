/* SPDX-License-Identifier: MIT */
/*
 * rows_vm_fault.c - what the memory of processes costs: faults, fork, the way back
 *
 * The fault handler is called as a processor's exception entry calls it. What a row is not about,
 * filling a frame with zeros and copying one, is done by the loop that is subtracted, too. Of the
 * copy that is its 4,096 bytes and no more: both loops call what copies, one with all of them, one
 * with none. No processor has the processes loaded: there are no TLBs to be flushed.
 */
#include <quire/boot.h>
#include <quire/highmem.h>
#include <quire/layout.h>
#include <quire/mm.h>
#include <quire/port.h>

#include <stdlib.h>

#include "bench.h"
#include "hosted.h"

#define GB(n) ((uint64_t)(n) << 30)
#define PAGE ((uint64_t)QUIRE_PAGE_SIZE)
#define PAGES 1024u
#define ROUNDS 8u

#define READ_WRITE (QUIRE_PROT_READ | QUIRE_PROT_WRITE)
#define FIRST_WRITE (QUIRE_PF_USER | QUIRE_PF_WRITE)

struct machine {
	struct quire_hosted host;
	struct quire *q;
	struct quire_mm *mm;
	bool real;
};

static void must(int error)
{
	if (error)
		abort();
}

static void begin(struct machine *m, const struct bench_allocator *a)
{
	struct quire_config config;

	*m = (struct machine){ .real = a != &bench_none };
	quire_config_init(&config, QUIRE_X86_64);
	config.host = &m->host;
	config.nr_cpus = 4;
	must(quire_create(&config, &m->q));
	must(quire_memblock_add(m->q, quire_phys(0), quire_phys(GB(1))));
	must(quire_boot_zones(m->q));
	must(quire_kernel_boot(m->q));
	must(quire_cache_boot(m->q));
	must(quire_vm_boot(m->q));
	must(quire_mm_create(m->q, NULL, &m->mm));
}

static void end(struct machine *m)
{
	quire_destroy(m->q);
	quire_hosted_release(&m->host);
}

static uint64_t map(struct machine *m, uint64_t pages, unsigned prot)
{
	struct quire_mmap args = { .bytes = pages * PAGE, .prot = prot,
				   .flags = QUIRE_MAP_PRIVATE | QUIRE_MAP_ANONYMOUS };
	quire_virt_t out;

	must(quire_mmap(m->mm, &args, &out));
	return out.v;
}

static void fault(struct quire_mm *mm, uint64_t at, uint32_t code)
{
	must(quire_mm_fault(mm, (quire_virt_t){ at }, code, NULL) != QUIRE_FAULT_DONE);
}

static void fault_all(struct quire_mm *mm, uint64_t at, unsigned nr, uint32_t code)
{
	for (unsigned i = 0; i < nr; i++)
		fault(mm, at + i * PAGE, code);
}

/* What is not measured, as often: a frame is filled with zeros. */
static void zero_all(struct machine *m, unsigned nr)
{
	struct quire_page *page = quire_page_alloc(m->q, QUIRE_GFP_HIGHUSER, 0);

	for (unsigned i = 0; i < nr; i++)
		must(quire_port_zero(&m->host, quire_page_pfn(m->q, page), 1));
}

/*
 * Write faults of fresh pages, in areas that have one already: one after the other of an area, or,
 * if there are as many areas, of any of them.
 */
static void among(const struct bench_allocator *a, unsigned areas, struct bench_result *out)
{
	uint64_t at, wide, seed = 88172645463325252u;
	struct machine m;

	begin(&m, a);
	at = map(&m, (uint64_t)areas * 3 + PAGES + 1, QUIRE_PROT_NONE);
	for (unsigned i = 0; i < areas; i++) {
		must(quire_mprotect(m.mm, (quire_virt_t){ at + 3 * i * PAGE }, 2 * PAGE,
				    READ_WRITE));
		fault(m.mm, at + 3 * i * PAGE, FIRST_WRITE);
	}
	wide = at + 3ull * areas * PAGE;
	must(quire_mprotect(m.mm, (quire_virt_t){ wide }, (PAGES + 1) * PAGE, READ_WRITE));
	for (unsigned i = 0; i <= PAGES; i += 512)
		fault(m.mm, wide + i * PAGE, FIRST_WRITE);
	bench_start();
	for (unsigned i = 0; i < PAGES; i++) {
		uint64_t one = areas ? bench_random(&seed) % areas : 0;

		if (m.real)
			fault(m.mm,
			      areas > PAGES ? at + (3 * one + 1) * PAGE : wide + (i + 1) * PAGE,
			      FIRST_WRITE);
	}
	if (!m.real)
		zero_all(&m, PAGES);
	bench_stop(out, PAGES);
	end(&m);
}

static void fault_anon(const struct bench_allocator *a, struct bench_result *out)
{
	among(a, 0, out);
}

static void fault_at_10_vmas(const struct bench_allocator *a, struct bench_result *out)
{
	among(a, 5, out);
}

static void fault_at_30000_vmas(const struct bench_allocator *a, struct bench_result *out)
{
	among(a, 15000, out);
}

/*
 * Copy-on-write by a child, whose parent goes on having the frames. Beside each fault nothing is
 * copied, or, to be subtracted, 4,096 bytes.
 */
static void cow_fault(const struct bench_allocator *a, struct bench_result *out)
{
	static char buf[QUIRE_PAGE_SIZE];
	struct quire_page *page;
	struct quire_mm *child;
	struct machine m;
	uint64_t at;
	size_t bytes;

	begin(&m, a);
	at = map(&m, PAGES, READ_WRITE);
	fault_all(m.mm, at, PAGES, FIRST_WRITE);
	must(quire_mm_fork(m.mm, &child));
	page = quire_page_alloc(m.q, QUIRE_GFP_HIGHUSER, 0);
	bytes = m.real ? 0 : sizeof(buf);
	bench_start();
	for (unsigned i = 0; i < PAGES; i++) {
		if (m.real)
			fault(child, at + i * PAGE, FIRST_WRITE | QUIRE_PF_PRESENT);
		must(quire_page_write(m.q, page, 0, buf, bytes));
	}
	bench_stop(out, PAGES);
	end(&m);
}

static void fork_row(const struct bench_allocator *a, bool exits, struct bench_result *out)
{
	struct quire_mm *child[ROUNDS];
	struct machine m;

	begin(&m, a);
	fault_all(m.mm, map(&m, PAGES, READ_WRITE), PAGES, FIRST_WRITE);
	bench_start();
	for (unsigned i = 0; i < ROUNDS && m.real; i++) {
		must(quire_mm_fork(m.mm, &child[i]));
		if (exits)
			must(quire_mm_destroy(child[i]));
	}
	bench_stop(out, (uint64_t)ROUNDS * PAGES);
	end(&m);
}

static void fork_per_page(const struct bench_allocator *a, struct bench_result *out)
{
	fork_row(a, false, out);
}

static void fork_exit_per_page(const struct bench_allocator *a, struct bench_result *out)
{
	fork_row(a, true, out);
}

static void munmap_per_page(const struct bench_allocator *a, struct bench_result *out)
{
	uint64_t at[ROUNDS];
	struct machine m;

	begin(&m, a);
	for (unsigned i = 0; i < ROUNDS; i++) {
		at[i] = map(&m, PAGES, READ_WRITE);
		fault_all(m.mm, at[i], PAGES, FIRST_WRITE);
	}
	bench_start();
	for (unsigned i = 0; i < ROUNDS && m.real; i++)
		must(quire_munmap(m.mm, (quire_virt_t){ at[i] }, PAGES * PAGE));
	bench_stop(out, (uint64_t)ROUNDS * PAGES);
	end(&m);
}

/* Huge pages: their rows count one for each. */
#define HUGE 512u
#define HUGES 4u

/* As many are faulted in; the zeros are not measured. */
static uint64_t huge_begin(struct machine *m, const struct bench_allocator *a, bool touch)
{
	struct quire_vm_sysctl sysctl;
	uint64_t at;

	begin(m, a);
	must(quire_vm_sysctl(m->q, &sysctl));
	sysctl.transparent_huge = QUIRE_THP_ALWAYS;
	must(quire_vm_set_sysctl(m->q, &sysctl));
	at = map(m, HUGES * HUGE, READ_WRITE);
	for (unsigned i = 0; i < HUGES && touch; i++)
		fault(m->mm, at + (uint64_t)i * HUGE * PAGE, FIRST_WRITE);
	return at;
}

static void thp_fault(const struct bench_allocator *a, struct bench_result *out)
{
	struct machine m;
	uint64_t at = huge_begin(&m, a, false);
	struct quire_page *page = quire_page_alloc(m.q, QUIRE_GFP_HIGHUSER, 9);

	fault(m.mm, at, FIRST_WRITE);
	bench_start();
	for (unsigned i = 1; i < HUGES; i++) {
		if (m.real)
			fault(m.mm, at + (uint64_t)i * HUGE * PAGE, FIRST_WRITE);
		else
			must(quire_port_zero(&m.host, quire_page_pfn(m.q, page), HUGE));
	}
	bench_stop(out, HUGES - 1);
	end(&m);
}

static void thp_fork(const struct bench_allocator *a, struct bench_result *out)
{
	struct quire_mm *child;
	struct machine m;

	huge_begin(&m, a, true);
	bench_start();
	if (m.real)
		must(quire_mm_fork(m.mm, &child));
	bench_stop(out, HUGES);
	end(&m);
}

static void thp_zap(const struct bench_allocator *a, struct bench_result *out)
{
	struct machine m;
	uint64_t at = huge_begin(&m, a, true);

	bench_start();
	if (m.real)
		must(quire_munmap(m.mm, (quire_virt_t){ at }, HUGES * HUGE * PAGE));
	bench_stop(out, HUGES);
	end(&m);
}

/* In the middle of an area, back and forth: it is split, and joined again. */
static void mprotect_256p(const struct bench_allocator *a, struct bench_result *out)
{
	const unsigned n = 100;
	struct machine m;
	quire_virt_t at;

	begin(&m, a);
	at.v = map(&m, PAGES, READ_WRITE);
	fault_all(m.mm, at.v, PAGES, FIRST_WRITE);
	at.v += 256 * PAGE;
	bench_start();
	for (unsigned i = 0; i < n && m.real; i++)
		must(quire_mprotect(m.mm, at, 256 * PAGE,
				    i % 2 ? READ_WRITE : QUIRE_PROT_READ));
	bench_stop(out, n);
	end(&m);
}

const struct bench_row bench_rows_vm_fault[] = {
	{ "vm.fault_anon", fault_anon, true, "write fault of a fresh page, without its zeros" },
	{ "vm.fault_at_10_vmas", fault_at_10_vmas, true, "the same among 10 areas" },
	{ "vm.fault_at_30000_vmas", fault_at_30000_vmas, true, "the same among 30,000" },
	{ "vm.cow_fault", cow_fault, true, "copy-on-write, without the copy" },
	{ "vm.fork_per_page", fork_per_page, true, "fork of 1,024 resident pages, for each" },
	{ "vm.fork_exit_per_page", fork_exit_per_page, true, "with the child's exit" },
	{ "vm.munmap_per_page", munmap_per_page, true, "munmap of 1,024 resident pages, for each" },
	{ "vm.mprotect_256p", mprotect_256p, true, "mprotect of 256 resident pages" },
	{ "vm.thp_fault", thp_fault, true, "first write to a huge page, without its zeros" },
	{ "vm.thp_fork", thp_fork, true, "fork of 4 huge pages, for each" },
	{ "vm.thp_zap", thp_zap, true, "munmap of 4 huge pages, for each" },
};

const size_t bench_nr_rows_vm_fault =
	sizeof(bench_rows_vm_fault) / sizeof(bench_rows_vm_fault[0]);
