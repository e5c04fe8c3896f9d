/* SPDX-License-Identifier: MIT */
/*
 * softmmu.c - walking the tables by the manual's rules
 */
#include "softmmu.h"

/* Bits of an entry, by the manual's names (tables 4-3 to 4-20). */
#define P (1ull << 0)
#define RW (1ull << 1)
#define US (1ull << 2)
#define A (1ull << 5)
#define D (1ull << 6)
#define PS (1ull << 7)
#define G (1ull << 8)
#define XD (1ull << 63)

/* Error code of #PF. */
#define CODE_P 1u
#define CODE_W 2u
#define CODE_U 4u
#define CODE_RSVD 8u
#define CODE_I 16u

/* Rights that all levels together give. */
#define RIGHT_WRITE 1u
#define RIGHT_USER 2u
#define RIGHT_EXEC 4u
#define RIGHT_ALL 7u

#define PAGE 4096u

/* Bits @low to @high. */
static uint64_t bits(unsigned high, unsigned low)
{
	return high < low ? 0 : ((2ull << high) - 1) & ~((1ull << low) - 1);
}

static bool is_long(const struct softmmu_cpu *cpu)
{
	return cpu->efer & SOFTMMU_EFER_LMA;
}

static bool is_wide(const struct softmmu_cpu *cpu)
{
	return cpu->cr4 & SOFTMMU_CR4_PAE;
}

static unsigned char *contents(const struct softmmu_memory *m, uint64_t phys)
{
	uint64_t frame = phys & ~(uint64_t)(PAGE - 1);

	if (frame < m->direct_bytes)
		return m->direct + frame;
	return m->frame ? m->frame(m->ctx, frame) : NULL;
}

/* ---- Entries in memory ----------------------------------------------------- */

/* Where nothing answers, a bus reads as ones. */
static uint64_t load(const unsigned char *table, unsigned index, bool wide)
{
	_Atomic uint32_t *word = (_Atomic uint32_t *)(void *)(table + (wide ? 8 : 4) * index);
	uint32_t low, high;

	if (!table)
		return wide ? ~0ull : 0xffffffffu;
	if (!wide)
		return atomic_load_explicit(word, memory_order_acquire);
	if (sizeof(void *) == 8)
		return atomic_load_explicit((_Atomic uint64_t *)(void *)word, memory_order_acquire);
	do {
		low = atomic_load_explicit(word, memory_order_acquire);
		high = atomic_load_explicit(word + 1, memory_order_acquire);
	} while (low != atomic_load_explicit(word, memory_order_relaxed));
	return (uint64_t)high << 32 | low;
}

/* Set accessed and dirty bits, unless somebody changed the entry since. Return: whether set */
static bool mark(unsigned char *table, unsigned index, bool wide, uint64_t entry, uint64_t set)
{
	_Atomic uint32_t *word = (_Atomic uint32_t *)(void *)(table + (wide ? 8 : 4) * index);
	uint32_t low = (uint32_t)entry;

	if (!table || (entry & set) == set)
		return true;
	return atomic_compare_exchange_strong_explicit(word, &low, low | (uint32_t)set,
						       memory_order_acq_rel, memory_order_relaxed);
}

/* ---- Reserved bits ----------------------------------------------------------- */

/* Above the address: 64-bit mode ignores bits 52 to 62, PAE reserves them. */
static uint64_t reserved_high(const struct softmmu_cpu *cpu)
{
	uint64_t reserved = bits(is_long(cpu) ? 51 : 62, cpu->memory->phys_bits);

	return cpu->efer & SOFTMMU_EFER_NXE ? reserved : reserved | XD;
}

/*
 * Bits that must be 0 in an entry that covers 2^shift bytes. 32-bit paging: of a 4 MB page,
 * bits 13 and up hold address bits 32 up to 39 at most, those left to bit 21 are reserved.
 */
static uint64_t reserved(const struct softmmu_cpu *cpu, unsigned shift, uint64_t entry)
{
	bool large = (entry & PS) && shift > 12;

	if (!is_wide(cpu)) {
		unsigned width = cpu->memory->phys_bits < 40 ? cpu->memory->phys_bits : 40;

		return large && (cpu->cr4 & SOFTMMU_CR4_PSE) ? bits(21, width - 19) : 0;
	}
	if (shift >= 39)
		return reserved_high(cpu) | PS;
	return reserved_high(cpu) | (large ? bits(shift - 1, 13) : 0);
}

/* ---- Rights ------------------------------------------------------------------- */

static bool may(const struct softmmu_cpu *cpu, unsigned rights, unsigned access)
{
	bool user_page = rights & RIGHT_USER;

	if ((access & SOFTMMU_USER) && !user_page)
		return false;
	switch (access & 3) {
	case SOFTMMU_EXEC:
		if (!(access & SOFTMMU_USER) && user_page && (cpu->cr4 & SOFTMMU_CR4_SMEP))
			return false;
		return rights & RIGHT_EXEC;
	case SOFTMMU_WRITE:
		if (!(rights & RIGHT_WRITE) &&
		    ((access & SOFTMMU_USER) || (cpu->cr0 & SOFTMMU_CR0_WP)))
			return false;
		break;
	default:
		break;
	}
	return (access & SOFTMMU_USER) || !user_page || !(cpu->cr4 & SOFTMMU_CR4_SMAP);
}

static unsigned rights_of(const struct softmmu_cpu *cpu, uint64_t entry)
{
	unsigned rights = (entry & RW ? RIGHT_WRITE : 0) | (entry & US ? RIGHT_USER : 0);

	return rights | ((cpu->efer & SOFTMMU_EFER_NXE) && (entry & XD) ? 0 : RIGHT_EXEC);
}

static bool page_fault(const struct softmmu_cpu *cpu, uint64_t virt, unsigned access, uint32_t code,
		       struct softmmu_fault *fault)
{
	bool tells_fetch = (cpu->cr4 & SOFTMMU_CR4_SMEP) ||
			   (is_wide(cpu) && (cpu->efer & SOFTMMU_EFER_NXE));

	if ((access & 3) == SOFTMMU_WRITE)
		code |= CODE_W;
	if (access & SOFTMMU_USER)
		code |= CODE_U;
	if ((access & 3) == SOFTMMU_EXEC && tells_fetch)
		code |= CODE_I;
	*fault = (struct softmmu_fault){ 14, code, virt };
	return false;
}

/* ---- The walk -------------------------------------------------------------------- */

/* Where a walk stands. */
struct walk {
	uint64_t virt;
	unsigned access;
	unsigned char *table; /* contents of the table that is looked at next */
	unsigned shift;       /* its entries cover 2^shift bytes */
	unsigned rights;      /* of the entries so far */
	unsigned index;       /* of the entry looked at last */
	uint64_t entry;       /* that entry */
};

static unsigned index_bits(const struct softmmu_cpu *cpu)
{
	return is_wide(cpu) ? 9 : 10;
}

/* The first table, and for PAE the register that stands for the entry above it. */
static bool start(struct softmmu_cpu *cpu, struct walk *w, struct softmmu_fault *fault)
{
	uint64_t root = cpu->cr3 & bits(51, 12);

	w->rights = RIGHT_ALL;
	w->shift = 22;
	if (is_long(cpu)) {
		w->shift = cpu->cr4 & SOFTMMU_CR4_LA57 ? 48 : 39;
	} else if (is_wide(cpu)) {
		uint64_t pdpte = cpu->pdpte[w->virt >> 30 & 3];

		w->shift = 21;
		if (!(pdpte & P))
			return page_fault(cpu, w->virt, w->access, 0, fault);
		root = pdpte & bits(51, 12);
	} else {
		root &= 0xfffff000u;
	}
	w->table = contents(cpu->memory, root);
	return true;
}

/* One entry. Return: true if it is there and sound */
static bool step(struct softmmu_cpu *cpu, struct walk *w, struct softmmu_fault *fault)
{
	unsigned nr = 1u << index_bits(cpu);

	w->index = (unsigned)(w->virt >> w->shift) & (nr - 1);
	w->entry = load(w->table, w->index, is_wide(cpu));
	if (!(w->entry & P))
		return page_fault(cpu, w->virt, w->access, 0, fault);
	if (w->entry & reserved(cpu, w->shift, w->entry))
		return page_fault(cpu, w->virt, w->access, CODE_P | CODE_RSVD, fault);
	w->rights &= rights_of(cpu, w->entry);
	return true;
}

static bool is_page(const struct softmmu_cpu *cpu, const struct walk *w)
{
	if (w->shift == 12)
		return true;
	if (!is_wide(cpu) && !(cpu->cr4 & SOFTMMU_CR4_PSE))
		return false;
	return w->entry & PS;
}

/* The physical address of the frame of 4 KB inside of the page. */
static uint64_t frame_of(const struct softmmu_cpu *cpu, const struct walk *w)
{
	uint64_t inside = w->virt & bits(w->shift - 1, 0) & ~(uint64_t)(PAGE - 1);

	if (is_wide(cpu))
		return (w->entry & bits(51, w->shift)) | inside;
	if (w->shift == 12)
		return w->entry & 0xfffff000u;
	return (w->entry & 0xffc00000u) | (w->entry >> 13 & 0xff) << 32 | inside;
}

static struct softmmu_table *psc_of(struct softmmu_cpu *cpu, uint64_t virt, uint64_t *tag)
{
	*tag = (virt >> (12 + index_bits(cpu))) + 1;
	return &cpu->psc[*tag % SOFTMMU_PSC];
}

/* Down to the entry that maps @w->virt. */
static bool descend(struct softmmu_cpu *cpu, struct walk *w, struct softmmu_fault *fault)
{
	uint64_t tag;
	struct softmmu_table *cached = psc_of(cpu, w->virt, &tag);

	if (cached->tag == tag) {
		w->table = cached->table;
		w->rights = cached->rights;
		w->shift = 12;
		return step(cpu, w, fault);
	}
	if (!start(cpu, w, fault))
		return false;
	for (;;) {
		if (!step(cpu, w, fault))
			return false;
		if (is_page(cpu, w))
			return true;
		if (!mark(w->table, w->index, is_wide(cpu), w->entry, A))
			return descend(cpu, w, fault);
		w->table = contents(cpu->memory,
				    w->entry & (is_wide(cpu) ? bits(51, 12) : 0xfffff000u));
		w->shift -= index_bits(cpu);
		if (w->shift == 12)
			*cached = (struct softmmu_table){ tag, w->table, (uint8_t)w->rights };
	}
}

static bool canonical(const struct softmmu_cpu *cpu, uint64_t virt)
{
	uint64_t high = virt >> (cpu->cr4 & SOFTMMU_CR4_LA57 ? 56 : 47);

	return high == 0 || high == bits(63, 0) >> (cpu->cr4 & SOFTMMU_CR4_LA57 ? 56 : 47);
}

/* Remember what the walk found. */
static void fill(struct softmmu_cpu *cpu, const struct walk *w, unsigned char *page, bool dirty)
{
	static const unsigned char kinds[] = { 0, 1, 2, 4, 5, 6 };
	uint64_t number = w->virt >> 12;
	unsigned allowed = 0;

	for (unsigned i = 0; i < sizeof(kinds); i++) {
		if (may(cpu, w->rights, kinds[i]) && (dirty || (kinds[i] & 3) != SOFTMMU_WRITE))
			allowed |= 1u << kinds[i];
	}
	cpu->tlb[number % SOFTMMU_TLB] = (struct softmmu_entry){
		.tag = number + 1,
		.page = page,
		.allowed = (uint8_t)allowed,
		.shift = (uint8_t)w->shift,
		.global = (w->entry & G) && (cpu->cr4 & SOFTMMU_CR4_PGE),
	};
	cpu->nr_pieces += w->shift > 12;
}

/* An access that the TLB does not answer. */
static bool walk(struct softmmu_cpu *cpu, uint64_t virt, unsigned access, unsigned char **out,
		 struct softmmu_fault *fault)
{
	struct walk w = { .virt = is_long(cpu) ? virt : (uint32_t)virt, .access = access };
	uint64_t set = A | ((access & 3) == SOFTMMU_WRITE ? D : 0);

	cpu->nr_walks++;
	if (is_long(cpu) && !canonical(cpu, virt)) {
		*fault = (struct softmmu_fault){ .vector = 13, .cr2 = virt };
		return false;
	}
	do {
		w.rights = RIGHT_ALL;
		if (!descend(cpu, &w, fault))
			return false;
		if (!may(cpu, w.rights, access))
			return page_fault(cpu, w.virt, access, CODE_P, fault);
	} while (!mark(w.table, w.index, is_wide(cpu), w.entry, set));
	unsigned char *page = contents(cpu->memory, frame_of(cpu, &w));

	if (page)
		fill(cpu, &w, page, (w.entry | set) & D);
	*out = page ? page + (virt & (PAGE - 1)) : NULL;
	return true;
}

bool softmmu_translate(struct softmmu_cpu *cpu, uint64_t virt, unsigned access, unsigned char **out,
		       struct softmmu_fault *fault)
{
	const struct softmmu_entry *e = &cpu->tlb[(virt >> 12) % SOFTMMU_TLB];

	if (e->tag == (virt >> 12) + 1 && (e->allowed >> access & 1)) {
		*out = e->page + (virt & (PAGE - 1));
		return true;
	}
	return walk(cpu, virt, access, out, fault);
}

/* ---- Invalidation ------------------------------------------------------------------ */

static void enter(struct softmmu_cpu *cpu)
{
	while (atomic_exchange_explicit(&cpu->lock, 1, memory_order_acquire)) {
		while (atomic_load_explicit(&cpu->lock, memory_order_relaxed))
			;
	}
}

static void leave(struct softmmu_cpu *cpu)
{
	atomic_store_explicit(&cpu->lock, 0, memory_order_release);
}

static void drop_tables(struct softmmu_cpu *cpu)
{
	for (unsigned i = 0; i < SOFTMMU_PSC; i++)
		cpu->psc[i].tag = 0;
}

static void drop_all(struct softmmu_cpu *cpu, bool global)
{
	for (unsigned i = 0; i < SOFTMMU_TLB; i++) {
		if (global || !cpu->tlb[i].global)
			cpu->tlb[i].tag = 0;
	}
	if (global)
		cpu->nr_pieces = 0;
	drop_tables(cpu);
}

void softmmu_flush(struct softmmu_cpu *cpu, bool global)
{
	enter(cpu);
	drop_all(cpu, global);
	leave(cpu);
}

void softmmu_invlpg(struct softmmu_cpu *cpu, uint64_t virt)
{
	uint64_t tag = ((is_long(cpu) ? virt : (uint32_t)virt) >> 12) + 1;

	enter(cpu);
	if (cpu->tlb[(tag - 1) % SOFTMMU_TLB].tag == tag)
		cpu->tlb[(tag - 1) % SOFTMMU_TLB].tag = 0;
	for (unsigned i = 0; cpu->nr_pieces && i < SOFTMMU_TLB; i++) {
		struct softmmu_entry *e = &cpu->tlb[i];

		if (e->tag && e->shift > 12 &&
		    (e->tag - 1) >> (e->shift - 12) == (tag - 1) >> (e->shift - 12))
			e->tag = 0;
	}
	drop_tables(cpu);
	leave(cpu);
}

/* ---- Control registers --------------------------------------------------------------- */

void softmmu_setup(struct softmmu_cpu *cpu, const struct softmmu_memory *memory, uint32_t cr0,
		   uint32_t cr4, uint32_t efer)
{
	enter(cpu);
	cpu->memory = memory;
	cpu->cr0 = cr0;
	cpu->cr4 = cr4;
	cpu->efer = efer;
	drop_all(cpu, true);
	leave(cpu);
}

void softmmu_setup_levels(struct softmmu_cpu *cpu, const struct softmmu_memory *memory,
			  unsigned levels)
{
	uint32_t cr4 = SOFTMMU_CR4_PSE | SOFTMMU_CR4_PGE, efer = 0;

	if (levels > 2) {
		cr4 |= SOFTMMU_CR4_PAE;
		efer |= SOFTMMU_EFER_NXE;
	}
	if (levels > 3)
		efer |= SOFTMMU_EFER_LMA;
	if (levels > 4)
		cr4 |= SOFTMMU_CR4_LA57;
	softmmu_setup(cpu, memory, SOFTMMU_CR0_WP, cr4, efer);
}

/* PAE: the four entries at CR3 are read now, and only now. */
static bool load_pdptes(struct softmmu_cpu *cpu, uint64_t cr3)
{
	unsigned char *table = contents(cpu->memory, cr3 & 0xffffffe0u);
	unsigned first = (unsigned)(cr3 & (PAGE - 1)) >> 5 << 2;
	uint64_t must_be_0 = bits(63, cpu->memory->phys_bits) | bits(8, 5) | bits(2, 1), pdpte[4];

	for (unsigned i = 0; i < 4; i++) {
		pdpte[i] = load(table, first + i, true);
		if ((pdpte[i] & P) && (pdpte[i] & must_be_0))
			return false;
	}
	for (unsigned i = 0; i < 4; i++)
		cpu->pdpte[i] = pdpte[i];
	return true;
}

bool softmmu_load_cr3(struct softmmu_cpu *cpu, uint64_t cr3, struct softmmu_fault *fault)
{
	bool ok = true;

	enter(cpu);
	if (is_wide(cpu) && !is_long(cpu))
		ok = load_pdptes(cpu, cr3);
	if (ok) {
		cpu->cr3 = cr3;
		drop_all(cpu, !(cpu->cr4 & SOFTMMU_CR4_PGE));
	} else {
		*fault = (struct softmmu_fault){ .vector = 13 };
	}
	leave(cpu);
	return ok;
}

uint64_t softmmu_cr3(struct softmmu_cpu *cpu)
{
	enter(cpu);
	uint64_t cr3 = cpu->cr3;

	leave(cpu);
	return cr3;
}

/* ---- Memory by linear address ---------------------------------------------------------- */

static void copy(unsigned char *to, const unsigned char *from, size_t n)
{
	__builtin_memcpy(to, from, n);
}

bool softmmu_copy(struct softmmu_cpu *cpu, uint64_t virt, void *buf, size_t n, unsigned access,
		  struct softmmu_fault *fault)
{
	unsigned char *at = buf, *page;
	bool ok = true;

	enter(cpu);
	while (n && (ok = softmmu_translate(cpu, virt, access, &page, fault))) {
		size_t part = PAGE - (size_t)(virt & (PAGE - 1));

		if (part > n)
			part = n;
		if ((access & 3) == SOFTMMU_WRITE && page)
			copy(page, at, part);
		else if ((access & 3) == SOFTMMU_READ && page)
			copy(at, page, part);
		else if ((access & 3) == SOFTMMU_READ)
			__builtin_memset(at, 0xff, part);
		at += part;
		virt += part;
		n -= part;
	}
	leave(cpu);
	return ok;
}
