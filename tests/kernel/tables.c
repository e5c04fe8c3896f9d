/* SPDX-License-Identifier: MIT */
/*
 * tables.c - random page tables, read three ways: processor, software MMU, core
 *
 * A process's table gets random mappings, and then random bits of random entries are turned
 * over: present, writable, user, NX, reserved ones. Each address is read, written or executed, by
 * kernel or user code, by the processor itself and by the software MMU, and walked by the core.
 * All must agree, to the bit of the error code. Between probes the core changes mappings and
 * flushes, so a translation that stays behind shows. A frame holds its own number, and so it is
 * seen where a read has gone.
 */
#include "image.h"

#include <quire/boot.h>
#include <quire/page.h>
#include <quire/pgtable.h>
#include <quire/port.h>

#include "copy.h"
#include "cpu.h"
#include "probe.h"
#include "softmmu.h"
#include "trap.h"
#include "x86.h"

#define ROUNDS 24
#define PROBES 8000 /* in each round */
#define RANGES 24
#define FLIPS 40
#define STAMPED_ORDER LARGE_ORDER
#define STAMPED_FRAMES (1u << STAMPED_ORDER)

/* Bits that are reserved in each entry, and in those of large pages besides. */
#ifdef __x86_64__
#define LEVELS 4
#define RESERVED 46, 51
#define RESERVED_LARGE 13, 20
#define LARGE_ORDER 9
#define USER_END 0x800000000000
#elif defined(PAE)
#define LEVELS 3
#define RESERVED 36, 62
#define RESERVED_LARGE 13, 20
#define LARGE_ORDER 9
#define USER_END 0xc0000000
#else
#define LEVELS 2
#define RESERVED_LARGE 21, 21
#define LARGE_ORDER 10
#define USER_END 0xc0000000
#endif

#if LEVELS == 2
typedef uint32_t entry_t;
#else
typedef uint64_t entry_t;
#endif

/* Two entries of the root, and so that ranges meet, little more than that. */
#define WINDOW_START 0x40000000u
#define WINDOW_BYTES 0x08000000u

/* Below the window, and so in tables that no bit is turned over in. */
#define CODE_PAGE (WINDOW_START - QUIRE_PAGE_SIZE)

#define WORDS (QUIRE_PAGE_SIZE / 4)
#define STOP_OFFSET (QUIRE_PAGE_SIZE - 4)
#define STOP_WORD (PROBE_STOP * 0x01010101u)

struct flip {
	entry_t *entry;
	entry_t before;
};

struct trial {
	struct quire *q;
	struct quire_table *table;
	struct quire_page *stamped; /* frames that hold their number; their last word is code */
	struct quire_page *code;    /* what probes execute */
	uint64_t seed, nr, nr_faults;
	struct softmmu_memory memory;
	struct softmmu_cpu *mmu;
	uint64_t start[RANGES], bytes[RANGES];
	struct flip flips[FLIPS];
	unsigned nr_flips;
};

static uint64_t below(struct trial *t, uint64_t n)
{
	uint64_t z = (t->seed += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % n;
}

static quire_virt_t virt(uint64_t v)
{
	return (quire_virt_t){ v };
}

static int stamp(struct trial *t)
{
	t->stamped = quire_page_alloc(t->q, QUIRE_GFP_KERNEL, STAMPED_ORDER);
	WANT(t->stamped);
	uint64_t first = quire_page_pfn(t->q, t->stamped).v;
	uint32_t *words = x86_direct(quire_pfn_phys(quire_pfn(first)));

	for (uint32_t i = 0; i < STAMPED_FRAMES * WORDS; i++)
		words[i] = i % WORDS == WORDS - 1 ? STOP_WORD : (uint32_t)first + i / WORDS;
	t->code = quire_page_alloc(t->q, QUIRE_GFP_KERNEL | QUIRE_GFP_ZERO, 0);
	WANT(t->code);
	probe_copy_code(x86_direct(quire_pfn_phys(quire_page_pfn(t->q, t->code))));
	return 0;
}

/* Map a range, of large pages at times; one that meets another is refused. */
static int map_range(struct trial *t, unsigned i)
{
	uint64_t phys = quire_pfn_phys(quire_page_pfn(t->q, t->stamped)).v;
	bool large = below(t, 4) == 0;
	uint64_t unit = large ? (uint64_t)QUIRE_PAGE_SIZE << LARGE_ORDER : QUIRE_PAGE_SIZE;
	quire_pte_t pte = QUIRE_PTE_PRESENT;
	int error;

	t->start[i] = WINDOW_START + below(t, WINDOW_BYTES / unit) * unit;
	t->bytes[i] = large ? unit : (1 + below(t, STAMPED_FRAMES)) * unit;
	if (t->start[i] + t->bytes[i] > WINDOW_START + WINDOW_BYTES)
		t->bytes[i] = WINDOW_START + WINDOW_BYTES - t->start[i];
	pte |= below(t, 3) ? QUIRE_PTE_RW : 0;
	pte |= below(t, 2) ? QUIRE_PTE_USER : 0;
	pte |= below(t, 3) ? QUIRE_PTE_NX : 0;
	error = quire_table_map(t->table, virt(t->start[i]), quire_phys(phys), t->bytes[i], pte,
				LARGE_ORDER);
	if (error)
		t->bytes[i] = 0;
	WANT(!error || error == -QUIRE_EEXIST);
	return 0;
}

static entry_t bit_of(struct trial *t, unsigned first, unsigned last)
{
	return (entry_t)1 << (first + below(t, last - first + 1));
}

/* A bit that may be turned over without making the entry point elsewhere. */
static entry_t random_bit(struct trial *t, const struct quire_walk_step *step)
{
	static const unsigned char bits[] = { 0, 0, 0, 1, 1, 2, 2, 5, 6 };

	if (step->leaf && step->level && below(t, 3) == 0)
		return bit_of(t, RESERVED_LARGE);
#if LEVELS > 2
	if (below(t, 4) == 0)
		return bit_of(t, RESERVED);
	if (below(t, 4) == 0)
		return bit_of(t, 63, 63); /* NX */
#endif
	return (entry_t)1 << bits[below(t, sizeof(bits))];
}

/* Turn a bit over in an entry on the way to a random address, below the root. */
static void flip(struct trial *t)
{
	struct quire_walk walk;
	struct flip *f = &t->flips[t->nr_flips];
	unsigned i = (unsigned)below(t, RANGES);

	if (!t->bytes[i])
		return;
	quire_table_walk(t->table, virt(t->start[i] + below(t, t->bytes[i])), QUIRE_ACCESS_READ,
			 false, &walk);
	if (walk.nr < 2)
		return;
	const struct quire_walk_step *step = &walk.step[1 + below(t, walk.nr - 1)];

	f->entry = (entry_t *)x86_direct(step->table) + step->index;
	f->before = *f->entry;
	*f->entry ^= random_bit(t, step);
	t->nr_flips++;
}

static void restore(struct trial *t)
{
	while (t->nr_flips) {
		const struct flip *f = &t->flips[--t->nr_flips];

		*f->entry = f->before;
	}
}

/* Changed behind the library's back: both load it anew. */
static int load(struct trial *t)
{
	struct softmmu_fault fault;
	struct quire_table_stat stat;

	quire_table_stat(t->table, &stat);
	WANT(!quire_table_load(quire_table_kernel(t->q)));
#if LEVELS == 3 /* QEMU marks PDPTEs accessed, where the manual has reserved bits */
	for (unsigned i = 0; i < 4; i++)
		((entry_t *)x86_direct(stat.root))[i] &= ~(entry_t)QUIRE_PTE_ACCESSED;
#endif
	WANT(softmmu_load_cr3(t->mmu, stat.root.v, &fault));
	WANT(!quire_table_load(t->table));
	return 0;
}

static void tell(const struct probe *p, const struct quire_walk *walk,
		 const struct quire_exception *hard, const struct quire_exception *soft)
{
	x86_print("%s %s %llx: processor %d/%x, software %d/%x, core %d/%x\n",
		  p->user ? "user" : "kernel",
		  p->access == QUIRE_ACCESS_EXEC    ? "executes"
		  : p->access == QUIRE_ACCESS_WRITE ? "writes"
						    : "reads",
		  (unsigned long long)p->address, (int)hard->vector, hard->error_code,
		  (int)soft->vector, soft->error_code, (int)walk->fault.vector,
		  walk->fault.error_code);
	for (unsigned i = 0; i < walk->nr; i++)
		x86_print("  level %u: %llx\n", walk->step[i].level,
			  (unsigned long long)walk->step[i].entry);
}

static uint64_t random_address(struct trial *t, bool user)
{
	uint64_t kind = below(t, 16), i = below(t, RANGES);

	if (kind < 11 && t->bytes[i])
		return t->start[i] + below(t, t->bytes[i]);
	if (kind < 13)
		return WINDOW_START + below(t, WINDOW_BYTES);
	if (kind < 14 && user) /* the kernel's half */
		return UINTPTR_MAX - below(t, UINTPTR_MAX - USER_END);
	if (kind < 15 && LEVELS == 4)
		return below(t, USER_END) + (user ? USER_END : 0); /* no address, if user */
	return below(t, USER_END);
}

static void random_probe(struct trial *t, struct probe *p)
{
	p->user = below(t, 2);
	p->access = (enum quire_access)below(t, 3);
	p->address = (uintptr_t)(random_address(t, p->user) & ~(uint64_t)3);
	if (p->access == QUIRE_ACCESS_EXEC)
		p->address |= STOP_OFFSET;
	p->code = CODE_PAGE;
	p->value = STOP_WORD;
}

/* The kernel's reads and writes also as the port does them. */
static struct quire_exception hard_access(struct trial *t, struct probe *p)
{
	void *at = (void *)p->address;
	size_t left;

	if (p->user || p->access == QUIRE_ACCESS_EXEC || below(t, 2))
		return probe_access(p);
	left = p->access == QUIRE_ACCESS_WRITE ? copy_caught(at, &p->value, 4)
					       : copy_caught(&p->value, at, 4);
	return left ? trap_caught() : (struct quire_exception){ .vector = QUIRE_VECTOR_NONE };
}

static bool same(struct quire_exception a, struct quire_exception b)
{
	return a.vector == b.vector &&
	       (a.vector != QUIRE_VECTOR_PF ||
		(a.error_code == b.error_code && a.address.v == b.address.v));
}

/* One access, three ways. What is written is what is there. */
static int probe(struct trial *t)
{
	struct quire_exception hard, soft;
	struct softmmu_fault fault = { 0 };
	struct quire_walk walk;
	struct probe p;
	uint32_t seen = 0;

	random_probe(t, &p);
	if (quire_table_walk(t->table, virt(p.address), p.access, p.user, &walk))
		p.value = seen = *(uint32_t *)x86_direct(walk.phys);
	softmmu_copy(t->mmu, p.address, &seen, p.access == QUIRE_ACCESS_EXEC ? 1 : 4,
		     (unsigned)p.access | (p.user ? SOFTMMU_USER : 0), &fault);
	soft = (struct quire_exception){ (enum quire_vector)fault.vector,
					 fault.code,
					 { fault.cr2 } };
	hard = hard_access(t, &p);
	if (hard.error_code & QUIRE_PF_RESERVED)
		hard.error_code |= QUIRE_PF_PRESENT; /* QEMU 7.2 leaves it out, the manual has it */
	t->nr++;
	t->nr_faults += hard.vector != QUIRE_VECTOR_NONE;
	if (!same(hard, walk.fault) || !same(hard, soft)) {
		tell(&p, &walk, &hard, &soft);
		return 1;
	}
	if (hard.vector == QUIRE_VECTOR_NONE && p.access != QUIRE_ACCESS_EXEC)
		WANT(p.value == seen && p.value == *(uint32_t *)x86_direct(walk.phys));
	return 0;
}

/*
 * The core changes what it has made, and flushes what the processor may know of it. After INVLPG
 * of a large page, QEMU 7.2 still finds code in it that it has translated, but for
 * the first 4 KB (reads fault as they should): there CR3 is loaded as well.
 */
static int change(struct trial *t)
{
	unsigned i = (unsigned)below(t, RANGES);
	const struct quire_table_change rights = { .set = below(t, 2) ? QUIRE_PTE_USER : 0,
						   .clear = QUIRE_PTE_RW };
	bool large = t->bytes[i] == (uint64_t)QUIRE_PAGE_SIZE << LARGE_ORDER;
	int error = 0;

	if (!t->bytes[i])
		return map_range(t, i);
	if (below(t, 2)) {
		error = quire_table_unmap(t->table, virt(t->start[i]), t->bytes[i], NULL);
		t->bytes[i] = 0;
	} else {
		error = quire_table_protect(t->table, virt(t->start[i]), t->bytes[i], rights, NULL);
	}
	softmmu_flush(t->mmu, false);
	WANT(!error);
	if (large)
		cpu_set_cr3(cpu_cr3());
	return 0;
}

static int round_of(struct trial *t)
{
	quire_phys_t code = quire_pfn_phys(quire_page_pfn(t->q, t->code));

	WANT(!quire_table_create(t->q, &t->table));
	WANT(!quire_table_map(t->table, virt(CODE_PAGE), code, QUIRE_PAGE_SIZE, QUIRE_PTE_USER_RX,
			      0));
	for (unsigned i = 0; i < RANGES; i++) {
		if (map_range(t, i))
			return 1;
	}
	if (load(t))
		return 1;
	for (unsigned i = 0; i < PROBES; i++) { /* whole tables, changed by the core */
		if (probe(t) || (i % 128 == 127 && change(t)))
			return 1;
	}
	while (t->nr_flips < FLIPS)
		flip(t);
	if (load(t))
		return 1;
	for (unsigned i = 0; i < PROBES; i++) { /* damaged ones */
		if (probe(t))
			return 1;
	}
	restore(t);
	WANT(!quire_table_load(quire_table_kernel(t->q)));
	for (unsigned i = 0; i < RANGES; i++)
		WANT(!t->bytes[i] ||
		     !quire_table_unmap(t->table, virt(t->start[i]), t->bytes[i], NULL));
	WANT(!quire_table_unmap(t->table, virt(CODE_PAGE), QUIRE_PAGE_SIZE, NULL));
	WANT(!quire_table_destroy(t->table));
	return 0;
}

int tables(struct quire *q)
{
	static struct trial t;
	struct quire_range r;
	struct quire_violation broken;

	t = (struct trial){ .q = q, .seed = LEVELS };
	if (stamp(&t))
		return 1;
	for (size_t i = 0; quire_memblock_get(q, QUIRE_MEMBLOCK_MEMORY, i, &r); i++) {
		if (r.end < USER_END)
			t.memory.direct_bytes = r.end & ~(uint64_t)(QUIRE_PAGE_SIZE - 1);
	}
	t.memory.direct = x86_direct(quire_phys(0));
	t.memory.phys_bits = LEVELS == 4 ? 46 : LEVELS == 3 ? 36 : 32;
	t.mmu = quire_port_alloc(NULL, quire_phys(QUIRE_PORT_ANYWHERE), sizeof(*t.mmu));
	WANT(t.mmu);
	softmmu_setup_levels(t.mmu, &t.memory, LEVELS);
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (round_of(&t)) {
			x86_print("in round %u, at probe %llu\n", i, (unsigned long long)t.nr);
			return 1;
		}
		WANT(quire_check(q, &broken));
	}
	x86_print("%llu addresses, %llu faults\n", (unsigned long long)t.nr,
		  (unsigned long long)t.nr_faults);
	return t.nr_faults < t.nr / 10 || t.nr_faults > t.nr * 9 / 10;
}
