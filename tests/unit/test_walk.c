/* SPDX-License-Identifier: MIT */
/*
 * test_walk.c - what the core says of random tables, and what the MMU does with them
 *
 * Tables are built by the core and then spoiled: bits are turned over in entries at all levels,
 * rights, reserved bits, present bits, page size bits. The core's walk (rules in src/arch) and
 * the software MMU (rules of its own) must agree on each address and each kind of access.
 */
#include "paging.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROUNDS 60
#else
#define ROUNDS 400
#endif
#define SPOILED 24
#define LOOKS 640

/** struct spoiled - an entry as it was */
struct spoiled {
	unsigned char *at;
	uint64_t was;
};

struct walker {
	struct rig rig;
	struct quire_table *t;
	uint64_t seed, looks, faults, reserved;
	uint64_t hot[64]; /* addresses that something leads to */
	unsigned nr_hot, bytes;
	struct spoiled spoiled[SPOILED];
};

static uint64_t below(struct walker *w, uint64_t n)
{
	return test_random(&w->seed) % n;
}

static uint64_t user_end(const struct walker *w)
{
	return quire_config(w->rig.q)->machine < QUIRE_X86_64
		       ? quire_kernel_start(w->rig.q).v
		       : -quire_kernel_start(w->rig.q).v;
}

/* Mappings of all sizes, near each other, so that tables are shared. */
static void build(struct walker *w)
{
	static const unsigned orders[] = { 0, 0, 9, 10, 18 };

	w->nr_hot = 0;
	for (unsigned i = 0; i < 64; i++) {
		unsigned order = orders[below(w, 5)];
		uint64_t bytes = (uint64_t)(1 + below(w, 2)) << (12 + order);
		uint64_t v = below(w, user_end(w) - bytes);
		quire_pte_t pte = (quire_pte_t)below(w, QUIRE_PTE_BITS + 1) & ~QUIRE_PTE_GLOBAL;

		if (w->nr_hot && below(w, 2))
			v = w->hot[below(w, w->nr_hot)] + (below(w, 2048) << 12);
		v &= ~((0x1000ull << order) - 1);
		if (bytes > MB(48) ||
		    quire_table_map(w->t, virt(v), quire_phys(0), bytes, pte, order))
			continue;
		w->hot[w->nr_hot++] = v + below(w, bytes);
	}
}

/* Turn a bit over in an entry that is in use. The address stays, so that it leads into memory. */
static void spoil(struct walker *w, struct spoiled *s)
{
	static const uint64_t bits[] = {
		0x1, 0x2, 0x4, 0x80, 0x100, 0x1000, 0x2000, 0x20, 0x40,
		1ull << 20, 1ull << 36, 1ull << 45, 1ull << 46, 1ull << 51, 1ull << 52, 1ull << 62,
		1ull << 63,
	};
	unsigned nr = w->bytes == 8 ? sizeof(bits) / sizeof(bits[0]) : 9;
	static const unsigned char width[] = { 32, 36, 46, 52 };
	struct quire_walk walk;
	const struct quire_walk_step *step;
	uint64_t bit = bits[below(w, nr)], entry;

	quire_table_walk(w->t, virt(w->hot[below(w, w->nr_hot)]), QUIRE_ACCESS_READ, false, &walk);
	step = &walk.step[below(w, walk.nr)];
	s->at = w->rig.host.direct + step->table.v + (size_t)step->index * w->bytes;
	s->was = step->entry;
	/* An entry that leads to a table must go on doing so. */
	if ((bit == 0x1000 || bit == 0x2000 || bit == 1ull << 20) && !(step->leaf && step->level))
		bit = 0x2;
	if (bit >> 36 && !(bit >> width[quire_config(w->rig.q)->machine]) && step->level)
		bit = 0x4;
	/* PAE's root entries are checked when they are loaded. */
	if (quire_config(w->rig.q)->machine == QUIRE_I386_PAE && step->level == 2)
		bit = 0x200;
	entry = s->was ^ bit;
	memcpy(s->at, &entry, w->bytes);
}

static unsigned number(const struct quire_exception *fault)
{
	if (fault->vector == QUIRE_VECTOR_NONE)
		return 0;
	return 1 + (unsigned)fault->vector * 100 + fault->error_code;
}

static void look(struct walker *w, uint64_t v)
{
	enum quire_access access = (enum quire_access)below(w, 3);
	bool user = below(w, 2);
	struct quire_exception fault;
	struct quire_walk walk;
	uint64_t word = 0;

	v &= quire_config(w->rig.q)->machine < QUIRE_X86_64 ? 0xfffffff8 : ~7ull;
	quire_table_walk(w->t, virt(v), access, user, &walk);
	if (access == QUIRE_ACCESS_WRITE && walk.fault.vector == QUIRE_VECTOR_NONE)
		access = QUIRE_ACCESS_READ; /* rights are compared, contents are the tables' */
	fault = quire_hosted_access(&w->rig.host, virt(v), &word, 8, access, user);
	CHECK_EQ(number(&walk.fault), number(&fault));
	if (fault.vector == QUIRE_VECTOR_NONE && access == QUIRE_ACCESS_READ &&
	    walk.phys.v < w->rig.host.direct_bytes)
		CHECK_EQ(memcmp(w->rig.host.direct + walk.phys.v, &word, 8), 0);
	w->looks++;
	w->faults += fault.vector != QUIRE_VECTOR_NONE;
	w->reserved += fault.vector == QUIRE_VECTOR_PF && (fault.error_code & QUIRE_PF_RESERVED);
}

static void round_of(struct walker *w)
{
	const struct quire_port_flush all = { .root = { QUIRE_PORT_ANY_ROOT } };

	CHECK_EQ(quire_table_create(w->rig.q, &w->t), 0);
	build(w);
	CHECK_EQ(quire_table_load(w->t), 0);
	for (unsigned i = 0; i < SPOILED; i++) {
		spoil(w, &w->spoiled[i]);
		quire_port_tlb_flush(&w->rig.host, &all);
		for (unsigned n = 0; n < LOOKS / SPOILED; n++) {
			uint64_t v = w->hot[below(w, w->nr_hot)];

			look(w, below(w, 4) ? v : v ^ 1ull << below(w, 64));
			look(w, v);
		}
	}
	for (unsigned i = SPOILED; i-- > 0;)
		memcpy(w->spoiled[i].at, &w->spoiled[i].was, w->bytes);
	quire_port_tlb_flush(&w->rig.host, &all);
	CHECK_EQ(quire_table_load(quire_table_kernel(w->rig.q)), 0);
	rig_sound(&w->rig);
	CHECK_EQ(quire_table_destroy(w->t), 0);
}

TEST(spoiled_tables)
{
	for (unsigned kind = 0; kind < QUIRE_NR_MACHINES; kind++) {
		struct walker w = { .seed = 7 + kind, .bytes = kind == QUIRE_I386 ? 4 : 8 };

		if (!paging_start_without(&w.rig, (enum quire_machine)kind, MB(64), MB(24), MB(64)))
			return;
		/* Contents that tell frames apart; tables are below. */
		for (uint64_t at = MB(24); at < MB(64); at += 8)
			memcpy(w.rig.host.direct + at, &at, 8);
		for (unsigned i = 0; i < ROUNDS && !test_failures; i++)
			round_of(&w);
		printf("%s: %llu looks, %llu faults, %llu of reserved bits\n",
		       quire_machine_name((enum quire_machine)kind), (unsigned long long)w.looks,
		       (unsigned long long)w.faults, (unsigned long long)w.reserved);
		CHECK(w.faults > w.looks / 20 && w.faults < w.looks - w.looks / 20);
		CHECK(kind == QUIRE_I386 || w.reserved > w.looks / 100);
		rig_end(&w.rig);
	}
}

/* Each step of a walk, in full. */
TEST(steps)
{
	struct rig rig;
	struct quire_table *t;
	struct quire_walk w;

	if (!paging_start(&rig, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(quire_table_create(rig.q, &t), 0);
	CHECK_EQ(quire_table_map(t, virt(0x401000), quire_phys(0x123000), 0x1000,
				 QUIRE_PTE_USER_RX, 0),
		 0);
	CHECK(quire_table_walk(t, virt(0x401abc), QUIRE_ACCESS_EXEC, true, &w));
	CHECK_EQ(w.nr, 4);
	CHECK_EQ(w.phys.v, 0x123abc);
	for (unsigned i = 0; i < 4; i++) {
		CHECK_EQ(w.step[i].level, 3 - i);
		CHECK(w.step[i].present);
		CHECK_EQ(w.step[i].leaf, i == 3);
		if (i)
			CHECK_EQ(w.step[i].table.v, w.step[i - 1].phys.v);
	}
	CHECK_EQ(w.step[2].index, 2);
	CHECK_EQ(w.step[3].index, 1);
	CHECK_EQ(w.step[3].entry, 0x123005);
	CHECK_EQ(w.step[3].pte, QUIRE_PTE_USER_RX);
	CHECK_EQ(w.step[0].pte & QUIRE_PTE_USER, QUIRE_PTE_USER);
	CHECK(!quire_table_walk(t, virt(0x401abc), QUIRE_ACCESS_WRITE, true, &w));
	CHECK_EQ(w.fault.error_code, QUIRE_PF_PRESENT | QUIRE_PF_WRITE | QUIRE_PF_USER);
	CHECK_EQ(w.fault.address.v, 0x401abc);
	CHECK(!quire_table_walk(t, virt(0x40000000), QUIRE_ACCESS_EXEC, false, &w));
	CHECK_EQ(w.nr, 2);
	CHECK_EQ(w.fault.error_code, QUIRE_PF_EXEC);
	CHECK(!quire_table_walk(t, virt(1ull << 47), QUIRE_ACCESS_READ, false, &w));
	CHECK_EQ(w.nr, 0);
	CHECK_EQ(w.fault.vector, QUIRE_VECTOR_GP);
	CHECK_STR(quire_vector_name(w.fault.vector), "#GP");
	CHECK_STR(quire_vector_name(QUIRE_VECTOR_PF), "#PF");
	CHECK_STR(quire_vector_name(QUIRE_VECTOR_SS), "#SS");
	CHECK_STR(quire_vector_name(QUIRE_VECTOR_NP), "#NP");
	CHECK_STR(quire_vector_name(QUIRE_VECTOR_NONE), "none");
	CHECK_STR(quire_vector_name((enum quire_vector)3), "?");
	CHECK_STR(quire_level_name(rig.q, 3), "PGD");
	CHECK_STR(quire_level_name(rig.q, 0), "PTE");
	CHECK_STR(quire_level_name(rig.q, 2), "PUD");
	CHECK_STR(quire_level_name(rig.q, 4), "?");
	rig_end(&rig);
}

TEST(segments)
{
	const struct quire_logical text = { .selector = 0x73, .cpl = 3, .access = QUIRE_ACCESS_EXEC,
					    .bytes = 1, .offset = 0x8048000 };
	struct quire_logical l = text;
	struct quire_linear out;
	struct rig rig;

	if (!paging_start(&rig, QUIRE_I386, MB(64)))
		return;
	CHECK_EQ(quire_segment(rig.q, &l, &out), 0);
	CHECK_EQ(out.linear.v, 0x8048000);
	CHECK_STR(quire_segment_name(rig.q, 0x73), "user code");
	CHECK_STR(quire_segment_name(rig.q, 0x68), "kernel data");
	CHECK(!quire_segment_name(rig.q, 0x77));
	CHECK(!quire_segment_name(rig.q, 0));
	CHECK_EQ(quire_segment_descriptor(rig.q, 0x73), 0xcffb000000ffff);
	CHECK_EQ(quire_segment_descriptor(rig.q, 0x77), 0);
	l.selector = 0x68;
	CHECK_EQ(quire_segment(rig.q, &l, &out), -QUIRE_EFAULT);
	CHECK_EQ(out.fault.vector, QUIRE_VECTOR_GP);
	CHECK_EQ(out.fault.error_code, 0x68);
	l = text;
	l.cpl = 4;
	CHECK_EQ(quire_segment(rig.q, &l, &out), -QUIRE_EINVAL);
	l = text;
	l.bytes = 0;
	CHECK_EQ(quire_segment(rig.q, &l, &out), -QUIRE_EINVAL);
	l = text;
	l.offset = GB(4);
	CHECK_EQ(quire_segment(rig.q, &l, &out), -QUIRE_EINVAL);
	rig_end(&rig);
}

TEST_MAIN(CASE(spoiled_tables), CASE(steps), CASE(segments))
