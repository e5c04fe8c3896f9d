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

/* Parts of a TLB entry's tag. */
#define TAG_ALLOWED 0x7full
#define TAG_GLOBAL 0x80ull
#define TAG_PIECE 0x300ull
#define TAG_PAGE (~0xfffull)

/* Bits @low to @high. */
static uint64_t bits(unsigned high, unsigned low)
{
	return high < low ? 0 : ((2ull << high) - 1) & ~((1ull << low) - 1);
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

/* ---- Faults and rights ----------------------------------------------------- */

static bool page_fault(const struct softmmu_cpu *cpu, uint64_t virt, unsigned access, uint32_t code,
		       struct softmmu_fault *fault)
{
	bool tells_fetch = (cpu->cr4 & SOFTMMU_CR4_SMEP) ||
			   (cpu->wide && (cpu->efer & SOFTMMU_EFER_NXE));

	if ((access & 3) == SOFTMMU_WRITE)
		code |= CODE_W;
	if (access & SOFTMMU_USER)
		code |= CODE_U;
	if ((access & 3) == SOFTMMU_EXEC && tells_fetch)
		code |= CODE_I;
	*fault = (struct softmmu_fault){ 14, code, virt };
	return false;
}

/* Section 4.6: what code of either kind may do with a page that has these rights. */
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

/* ---- The walk -------------------------------------------------------------------- */

/* Where a walk stands. */
struct walk {
	uint64_t virt;
	unsigned access;
	unsigned char *table; /* contents of the table that is looked at next */
	unsigned level;       /* its level */
	unsigned rights;      /* of the entries so far */
	unsigned index;       /* of the entry looked at last */
	uint64_t entry;       /* that entry */
	bool is_page;         /* it maps a page */
};

/* The first table, and for PAE the register that stands for the entry above it. */
static bool start(const struct softmmu_cpu *cpu, struct walk *w, struct softmmu_fault *fault)
{
	uint64_t root = cpu->cr3 & (cpu->wide ? bits(51, 12) : 0xfffff000u);

	w->rights = RIGHT_ALL;
	w->level = cpu->root;
	if (cpu->wide && !cpu->canonical) {
		uint64_t pdpte = cpu->pdpte[w->virt >> 30 & 3];

		if (!(pdpte & P))
			return page_fault(cpu, w->virt, w->access, 0, fault);
		root = pdpte & bits(51, 12);
	}
	w->table = contents(&cpu->memory, root);
	return true;
}

/* One entry. Return: true if it is there and sound */
static inline bool step(const struct softmmu_cpu *cpu, struct walk *w, struct softmmu_fault *fault)
{
	const struct softmmu_level *level = &cpu->level[w->level];

	w->index = (unsigned)(w->virt >> level->shift) & ((1u << cpu->bits) - 1);
	w->entry = load(w->table, w->index, cpu->wide);
	if (!(w->entry & P))
		return page_fault(cpu, w->virt, w->access, 0, fault);
	w->is_page = w->level == 0 || (level->page && (w->entry & PS));
	if (w->entry & (w->is_page ? level->reserved_page : level->reserved_table))
		return page_fault(cpu, w->virt, w->access, CODE_P | CODE_RSVD, fault);
	w->rights &= rights_of(cpu, w->entry);
	return true;
}

/* The physical address of the frame of 4 KB inside of the page. */
static uint64_t frame_of(const struct softmmu_cpu *cpu, const struct walk *w)
{
	unsigned shift = cpu->level[w->level].shift;
	uint64_t inside = w->virt & ((1ull << shift) - 1) & ~(uint64_t)(PAGE - 1);

	if (cpu->wide)
		return (w->entry & ((1ull << 52) - (1ull << shift))) | inside;
	if (shift == 12)
		return w->entry & 0xfffff000u;
	/* Bits 13 to 20 are address bits 32 to 39. */
	return (w->entry & 0xffc00000u) | (w->entry >> 13 & 0xff) << 32 | inside;
}

/* Down to the entry that maps @w->virt. */
static bool descend(struct softmmu_cpu *cpu, struct walk *w, struct softmmu_fault *fault)
{
	uint64_t tag = (w->virt >> cpu->level[1].shift) + 1;
	struct softmmu_table *cached = &cpu->psc[tag % SOFTMMU_PSC];

	if (cached->tag == tag) {
		w->table = cached->table;
		w->rights = cached->rights;
		w->level = 0;
		return step(cpu, w, fault);
	}
	if (!start(cpu, w, fault))
		return false;
	for (;;) {
		if (!step(cpu, w, fault))
			return false;
		if (w->is_page)
			return true;
		if (!mark(w->table, w->index, cpu->wide, w->entry, A))
			return descend(cpu, w, fault);
		w->table = contents(&cpu->memory,
				    w->entry & (cpu->wide ? bits(51, 12) : 0xfffff000u));
		if (--w->level == 0)
			*cached = (struct softmmu_table){ tag, w->table, (uint8_t)w->rights };
	}
}

static bool canonical(const struct softmmu_cpu *cpu, uint64_t virt)
{
	unsigned drop = 64u - cpu->virt_bits;

	return !cpu->canonical || (uint64_t)((int64_t)(virt << drop) >> drop) == virt;
}

/* Which large page it is a piece of, in a TLB entry's bits 8 and 9. */
static uint64_t piece_of(unsigned shift)
{
	return shift == 12 ? 0 : shift == 21 ? 1u << 8 : shift == 22 ? 2u << 8 : 3u << 8;
}

/* Remember what the walk found. */
static void fill(struct softmmu_cpu *cpu, const struct walk *w, unsigned char *page, bool dirty)
{
	struct softmmu_entry *e = &cpu->tlb[(w->virt >> 12) % SOFTMMU_TLB];
	uint64_t tag = cpu->allowed[w->rights] & (dirty ? 0x77u : 0x55u);

	if ((w->entry & G) && (cpu->cr4 & SOFTMMU_CR4_PGE))
		tag |= TAG_GLOBAL;
	if (w->level)
		cpu->nr_pieces++;
	e->tag = tag | piece_of(cpu->level[w->level].shift) | (w->virt & TAG_PAGE);
	e->page = page;
}

/* An access that the TLB does not answer. */
static __attribute__((noinline)) bool walk(struct softmmu_cpu *cpu, uint64_t virt, unsigned access,
					   unsigned char **out, struct softmmu_fault *fault)
{
	struct walk w = { .virt = cpu->canonical ? virt : (uint32_t)virt, .access = access };
	uint64_t set = A | ((access & 3) == SOFTMMU_WRITE ? D : 0);
	unsigned char *page;

	cpu->nr_walks++;
	if (!canonical(cpu, virt)) {
		*fault = (struct softmmu_fault){ .vector = 13, .cr2 = virt };
		return false;
	}
	do {
		if (!descend(cpu, &w, fault))
			return false;
		if (!(cpu->allowed[w.rights] >> access & 1))
			return page_fault(cpu, w.virt, access, CODE_P, fault);
	} while (!mark(w.table, w.index, cpu->wide, w.entry, set));
	page = contents(&cpu->memory, frame_of(cpu, &w));
	if (page)
		fill(cpu, &w, page, (w.entry | set) & D);
	*out = page ? page + (virt & (PAGE - 1)) : NULL;
	return true;
}

/*
 * What most walks are: the page table is in the paging-structure cache, the entry maps 4 KB of
 * memory, grants the access and is marked already. Return: whether it was that
 */
static inline bool quick(struct softmmu_cpu *cpu, uint64_t virt, unsigned access,
			 unsigned char **out)
{
	uint64_t marked = P | A | ((access & 3) == SOFTMMU_WRITE ? D : 0);
	uint64_t tag = (virt >> cpu->level[1].shift) + 1, entry, frame;
	const struct softmmu_table *cached = &cpu->psc[tag % SOFTMMU_PSC];
	struct softmmu_entry *e = &cpu->tlb[(virt >> 12) % SOFTMMU_TLB];
	unsigned allowed;

	if (cached->tag != tag)
		return false;
	entry = load(cached->table, (unsigned)(virt >> 12) & ((1u << cpu->bits) - 1), cpu->wide);
	frame = entry & 0xffffffffff000u;
	allowed = cpu->allowed[cached->rights & rights_of(cpu, entry)];
	if ((entry & marked) != marked || (entry & cpu->level[0].reserved_page) ||
	    !(allowed >> access & 1) || frame >= cpu->memory.direct_bytes)
		return false;
	cpu->nr_walks++;
	e->page = cpu->memory.direct + frame;
	e->tag = (virt & TAG_PAGE) | (allowed & (entry & D ? 0x77u : 0x55u)) |
		 (cpu->cr4 & SOFTMMU_CR4_PGE ? (entry & G) >> 1 : 0);
	*out = e->page + (virt & (PAGE - 1));
	return true;
}

static __attribute__((noinline)) bool miss(struct softmmu_cpu *cpu, uint64_t virt, unsigned access,
					   unsigned char **out, struct softmmu_fault *fault)
{
	return quick(cpu, virt, access, out) || walk(cpu, virt, access, out, fault);
}

static inline bool translate(struct softmmu_cpu *cpu, uint64_t virt, unsigned access,
			     unsigned char **out, struct softmmu_fault *fault)
{
	const struct softmmu_entry *e = &cpu->tlb[(virt >> 12) % SOFTMMU_TLB];

	if (!((e->tag ^ virt) & TAG_PAGE) && (e->tag >> access & 1)) {
		*out = e->page + (virt & (PAGE - 1));
		return true;
	}
	return miss(cpu, virt, access, out, fault);
}

bool softmmu_translate(struct softmmu_cpu *cpu, uint64_t virt, unsigned access, unsigned char **out,
		       struct softmmu_fault *fault)
{
	return translate(cpu, virt, access, out, fault);
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
		if (global || !(cpu->tlb[i].tag & TAG_GLOBAL))
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

/* Drop all pieces of the large page at @virt. */
static void drop_pieces(struct softmmu_cpu *cpu, uint64_t virt)
{
	static const unsigned char shift[] = { 12, 21, 22, 30 };

	for (unsigned i = 0; i < SOFTMMU_TLB; i++) {
		uint64_t tag = cpu->tlb[i].tag;

		if ((tag & TAG_PIECE) && (tag ^ virt) >> shift[(tag & TAG_PIECE) >> 8] == 0)
			cpu->tlb[i].tag = 0;
	}
}

void softmmu_invlpg(struct softmmu_cpu *cpu, uint64_t virt)
{
	struct softmmu_entry *e;

	enter(cpu);
	if (!cpu->canonical)
		virt = (uint32_t)virt;
	e = &cpu->tlb[(virt >> 12) % SOFTMMU_TLB];
	if (!((e->tag ^ virt) & TAG_PAGE))
		e->tag = 0;
	if (cpu->nr_pieces)
		drop_pieces(cpu, virt);
	drop_tables(cpu);
	leave(cpu);
}

/* ---- Control registers --------------------------------------------------------------- */

/* Above the address: 64-bit mode ignores bits 52 to 62, PAE reserves them. */
static uint64_t reserved_high(const struct softmmu_cpu *cpu)
{
	uint64_t reserved = bits(cpu->canonical ? 51 : 62, cpu->memory.phys_bits);

	return cpu->efer & SOFTMMU_EFER_NXE ? reserved : reserved | XD;
}

/* The rules of each level, from the control registers. */
static void levels(struct softmmu_cpu *cpu)
{
	static const unsigned char shift[] = { 12, 21, 30, 39, 48 };
	unsigned width = cpu->memory.phys_bits < 40 ? cpu->memory.phys_bits : 40;

	for (unsigned i = 0; cpu->wide && i < 5; i++) {
		uint64_t high = reserved_high(cpu);

		cpu->level[i] = (struct softmmu_level){
			.shift = shift[i],
			.page = i == 1 || i == 2,
			.reserved_page = high | (i ? bits(shift[i] - 1u, 13) : 0),
			.reserved_table = high | (i > 2 ? PS : 0),
		};
	}
	if (cpu->wide)
		return;
	/* Of a 4 MB page, bits 13 and up are address bits 32 to 39 at most; the rest is 0. */
	cpu->level[0] = (struct softmmu_level){ .shift = 12 };
	cpu->level[1] = (struct softmmu_level){
		.shift = 22,
		.page = cpu->cr4 & SOFTMMU_CR4_PSE,
		.reserved_page = bits(21, width - 19),
	};
}

void softmmu_setup(struct softmmu_cpu *cpu, const struct softmmu_memory *memory, uint32_t cr0,
		   uint32_t cr4, uint32_t efer)
{
	enter(cpu);
	cpu->memory = *memory;
	cpu->cr0 = cr0;
	cpu->cr4 = cr4;
	cpu->efer = efer;
	cpu->wide = cr4 & SOFTMMU_CR4_PAE;
	cpu->canonical = efer & SOFTMMU_EFER_LMA;
	cpu->virt_bits = cr4 & SOFTMMU_CR4_LA57 ? 57 : 48;
	cpu->bits = cpu->wide ? 9 : 10;
	cpu->root = !cpu->canonical ? 1 : cr4 & SOFTMMU_CR4_LA57 ? 4 : 3;
	for (unsigned rights = 0; rights <= RIGHT_ALL; rights++) {
		cpu->allowed[rights] = 0;
		for (unsigned access = 0; access < 7; access++)
			cpu->allowed[rights] |= (access & 3) < 3 && may(cpu, rights, access)
							? (uint8_t)(1u << access)
							: 0;
	}
	levels(cpu);
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
	unsigned char *table = contents(&cpu->memory, cr3 & 0xffffffe0u);
	unsigned first = (unsigned)(cr3 & (PAGE - 1)) >> 5 << 2;
	uint64_t must_be_0 = bits(63, cpu->memory.phys_bits) | bits(8, 5) | bits(2, 1), pdpte[4];

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
	if (cpu->wide && !cpu->canonical)
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

/* A part of a page. Where nothing answers, a bus reads as ones, and writes go nowhere. */
static inline void move(unsigned char *page, unsigned char *buf, size_t n, unsigned access)
{
	switch (access & 3) {
	case SOFTMMU_WRITE:
		if (page && n == 8)
			__builtin_memcpy(page, buf, 8);
		else if (page)
			__builtin_memcpy(page, buf, n);
		break;
	case SOFTMMU_READ:
		if (page && n == 8)
			__builtin_memcpy(buf, page, 8);
		else if (page)
			__builtin_memcpy(buf, page, n);
		else
			__builtin_memset(buf, 0xff, n);
		break;
	default:
		break;
	}
}

bool softmmu_copy(struct softmmu_cpu *cpu, uint64_t virt, void *buf, size_t n, unsigned access,
		  struct softmmu_fault *fault)
{
	unsigned char *at = buf, *page;
	bool ok = true;

	enter(cpu);
	while (n && (ok = translate(cpu, virt, access, &page, fault))) {
		size_t part = PAGE - (size_t)(virt & (PAGE - 1));

		if (part > n)
			part = n;
		move(page, at, part, access);
		at += part;
		virt += part;
		n -= part;
	}
	leave(cpu);
	return ok;
}
