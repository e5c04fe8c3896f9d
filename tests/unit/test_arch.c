/* SPDX-License-Identifier: MIT */
/*
 * test_arch.c - entries and descriptors against the values of the processor's manual
 */
#include "test.h"

#include <quire/pgtable.h>

#include "arch/format.h"
#include "arch/segment.h"

static const struct format *format(enum quire_machine machine)
{
	return format_of(machine);
}

/* Levels, indexes and what a page covers: SDM vol. 3A, table 4-2. */
TEST(levels)
{
	static const struct {
		enum quire_machine machine;
		unsigned nr, bytes, shift[5];
	} wanted[] = {
		{ QUIRE_I386, 2, 4, { 12, 22 } },
		{ QUIRE_I386_PAE, 3, 8, { 12, 21, 30 } },
		{ QUIRE_X86_64, 4, 8, { 12, 21, 30, 39 } },
		{ QUIRE_X86_64_LA57, 5, 8, { 12, 21, 30, 39, 48 } },
	};

	for (unsigned i = 0; i < 4; i++) {
		const struct format *f = format(wanted[i].machine);
		unsigned covered = 12;

		CHECK_EQ(f->nr_levels, wanted[i].nr);
		CHECK_EQ(f->entry_bytes, wanted[i].bytes);
		for (unsigned level = 0; level < f->nr_levels; level++) {
			CHECK_EQ(f->level[level].shift, wanted[i].shift[level]);
			CHECK_EQ(f->level[level].shift, covered);
			covered += f->level[level].bits;
			/* A table fills a page, but for PAE's root. */
			if (!f->level[level].bare)
				CHECK_EQ(format_entries(f, level) * f->entry_bytes, 4096);
		}
		CHECK_EQ(covered, f->virt_bits);
	}
}

TEST(index)
{
	const struct format *f = format(QUIRE_X86_64_LA57);
	/* Each index its level + 1, and an offset. */
	uint64_t virt = 5ull << 48 | 4ull << 39 | 3ull << 30 | 2ull << 21 | 1ull << 12 | 0xabc;

	for (unsigned level = 0; level < 5; level++)
		CHECK_EQ(format_index(f, level, virt), level + 1);
	CHECK_EQ(format_index(format(QUIRE_I386), 1, 0xc0100000), 768);
	CHECK_EQ(format_index(format(QUIRE_I386), 0, 0xc0100000), 256);
	CHECK_EQ(format_index(format(QUIRE_I386_PAE), 2, 0xc0100000), 3);
	CHECK_EQ(format_index(format(QUIRE_X86_64), 3, 0xffff888000000000), 273);
}

TEST(canonical)
{
	CHECK(format_canonical(format(QUIRE_I386), 0xffffffff));
	CHECK(!format_canonical(format(QUIRE_I386), 0x100000000));
	CHECK(format_canonical(format(QUIRE_X86_64), 0x00007fffffffffff));
	CHECK(!format_canonical(format(QUIRE_X86_64), 0x0000800000000000));
	CHECK(!format_canonical(format(QUIRE_X86_64), 0xffff7fffffffffff));
	CHECK(format_canonical(format(QUIRE_X86_64), 0xffff800000000000));
	CHECK(format_canonical(format(QUIRE_X86_64_LA57), 0x00ffffffffffffff));
	CHECK(!format_canonical(format(QUIRE_X86_64_LA57), 0x0100000000000000));
	CHECK(format_canonical(format(QUIRE_X86_64_LA57), 0xff00000000000000));
}

/* SDM vol. 3A, tables 4-4 to 4-6, 4-9 to 4-11, 4-15 to 4-20. */
TEST(leaves)
{
	const quire_pte_t rw = QUIRE_PTE_PRESENT | QUIRE_PTE_RW;

	/* ARCH-1: the bits as they stand in the manual's tables. */
	CHECK_EQ(format_leaf(format(QUIRE_I386), 0, 0x123000, rw), 0x123003);
	CHECK_EQ(format_leaf(format(QUIRE_I386), 0, 0x123000, rw | QUIRE_PTE_PAT), 0x123083);
	CHECK_EQ(format_leaf(format(QUIRE_I386), 1, 0xc00000, rw), 0xc00083);
	CHECK_EQ(format_leaf(format(QUIRE_I386), 1, 0xc00000, rw | QUIRE_PTE_PAT), 0xc01083);
	CHECK_EQ(format_leaf(format(QUIRE_I386), 0, 0, rw | QUIRE_PTE_NX), 0x3);
	CHECK_EQ(format_leaf(format(QUIRE_I386_PAE), 0, 0xf00001000, rw | QUIRE_PTE_NX),
		 (long long)0x8000000f00001003);
	CHECK_EQ(format_leaf(format(QUIRE_I386_PAE), 1, 0xf00200000, rw), 0xf00200083);
	CHECK_EQ(format_leaf(format(QUIRE_X86_64), 2, 0x40000000, rw | QUIRE_PTE_GLOBAL),
		 0x40000183);
	CHECK_EQ(format_leaf(format(QUIRE_X86_64), 0, 0x3ffffffff000, QUIRE_PTE_USER_RWX | 0x60),
		 0x3ffffffff067);
	/* ARCH-2: the widest addresses. */
	CHECK_EQ(format_leaf_phys(format(QUIRE_X86_64_LA57), 0, 0x800ffffffffff067),
		 0xffffffffff000);
	CHECK_EQ(format_leaf_phys(format(QUIRE_X86_64), 1, 0x8000000000201083), 0x200000);
}

TEST(bits_there_and_back)
{
	for (unsigned kind = 0; kind < QUIRE_NR_MACHINES; kind++) {
		const struct format *f = format((enum quire_machine)kind);

		for (quire_pte_t pte = 0; pte <= QUIRE_PTE_BITS; pte++) {
			for (unsigned level = 0; level < f->nr_levels; level++) {
				quire_pte_t back = pte;

				if (!f->level[level].leaf)
					continue;
				uint64_t entry = format_leaf(f, level, 0x80000000 >> 1, pte);

				if (!f->nx)
					back &= ~QUIRE_PTE_NX;
				CHECK_EQ(format_pte(level, entry), back);
				CHECK_EQ(format_leaf_phys(f, level, entry), 0x40000000);
				CHECK_EQ(format_reserved(f, level, entry), 0);
				CHECK(format_is_leaf(f, level, entry));
			}
		}
	}
}

TEST(tables)
{
	/* Linux's _PAGE_TABLE less the dirty bit, _KERNPG_TABLE likewise; of PAE's root P alone. */
	CHECK_EQ(format_table(format(QUIRE_I386), 1, 0x5000, true), 0x5027);
	CHECK_EQ(format_table(format(QUIRE_X86_64), 3, 0x5000, false), 0x5023);
	CHECK_EQ(format_table(format(QUIRE_I386_PAE), 2, 0x5000, true), 0x5001);
	CHECK(!format_is_leaf(format(QUIRE_X86_64), 3, 0x5027));
}

TEST(reserved)
{
	const struct format *pae = format(QUIRE_I386_PAE), *four = format(QUIRE_X86_64);

	CHECK_EQ(format_reserved(pae, 2, 0x5000 | 1 | 2 | 4 | 0x1e0), 6 | 0x1e0);
	CHECK_EQ(format_reserved(pae, 0, 0x1000000001), 0x1000000000);
	CHECK_EQ(format_reserved(pae, 0, 1ull << 62 | 1), 1ll << 62);
	CHECK_EQ(format_reserved(four, 0, 1ull << 62 | 1), 0);
	CHECK_EQ(format_reserved(four, 0, 1ull << 46 | 1), 1ll << 46);
	CHECK_EQ(format_reserved(four, 1, 0x2083), 0x2000);
	CHECK_EQ(format_reserved(four, 1, 0x1083), 0);
	CHECK_EQ(format_reserved(four, 2, 0x200083), 0x200000);
	CHECK_EQ(format_reserved(four, 3, 0x5083), 0x80);
	CHECK_EQ(format_reserved(format(QUIRE_I386), 1, 0x202083), 0x202000);
}

TEST(split)
{
	const struct format *f = format(QUIRE_X86_64);
	uint64_t large = format_leaf(f, 2, 0x80000000, QUIRE_PTE_KERNEL | QUIRE_PTE_PAT);
	uint64_t middle = format_split(f, 2, large, 511);

	CHECK_EQ(format_leaf_phys(f, 1, middle), 0xbfe00000);
	CHECK_EQ(format_pte(1, middle), QUIRE_PTE_KERNEL | QUIRE_PTE_PAT);
	CHECK_EQ(format_split(f, 1, middle, 3) & 0xfff, (QUIRE_PTE_KERNEL & 0xfff) | 0x80);
	CHECK_EQ(format_leaf_phys(f, 0, format_split(f, 1, middle, 3)), 0xbfe03000);
}

/* ---- Segments ---------------------------------------------------------------- */

TEST(descriptors)
{
	/* SDM vol. 3A, figure 3-8: base 0x12345678, limit 0xabcde pages. */
	const struct segment s = { .base = 0x12345678, .limit = 0xabcdefff, .type = 0xb, .dpl = 3,
				   .code_data = true, .present = true, .wide = true };
	struct segment back;

	CHECK_EQ(segment_encode(&s), 0x12cafb345678bcde);
	segment_decode(0x12cafb345678bcde, &back);
	CHECK(back.base == s.base && back.limit == s.limit && back.type == s.type &&
	      back.dpl == s.dpl && back.code_data && back.present && back.wide);
	segment_decode(0x00cf93000000ffff, &back);
	CHECK_EQ(back.base, 0);
	CHECK_EQ(back.limit, 0xffffffff);
	CHECK_EQ(back.type, SEGMENT_WRITE | SEGMENT_ACCESSED);
	CHECK_EQ(segment_encode(&back), 0x00cf93000000ffff);
	/* 64-bit code: L, and D clear. */
	segment_decode(segment_descriptor(QUIRE_X86_64, 2), &back);
	CHECK(back.is_long && !back.wide && back.dpl == 0);
	segment_decode(segment_descriptor(QUIRE_X86_64, 6), &back);
	CHECK(back.is_long && back.dpl == 3);
	CHECK_EQ(segment_descriptor(QUIRE_I386, 16), 0);
	/* In bytes: 64 KB. */
	segment_decode(0x000093000000ffff, &back);
	CHECK_EQ(back.limit, 0xffff);
	CHECK_EQ(segment_encode(&back), 0x000093000000ffff);
}

/** struct attempt - a logical access and what comes of it */
struct attempt {
	enum quire_machine machine;
	struct quire_logical logical;
	enum quire_vector vector;
	uint32_t code;
};

static void attempt(const struct attempt *a)
{
	struct quire_linear out;
	bool ok = segment_linear(a->machine, &a->logical, &out);

	CHECK_EQ(ok, a->vector == QUIRE_VECTOR_NONE);
	CHECK_EQ(out.fault.vector, a->vector);
	if (ok)
		CHECK_EQ(out.linear.v, a->logical.offset);
	else
		CHECK_EQ(out.fault.error_code, a->code);
	if (test_failures)
		printf("selector %#x cpl %u access %u offset %#llx\n", a->logical.selector,
		       a->logical.cpl, a->logical.access, (unsigned long long)a->logical.offset);
}

#define READ QUIRE_ACCESS_READ
#define WRITE QUIRE_ACCESS_WRITE
#define EXEC QUIRE_ACCESS_EXEC

TEST(flat_32)
{
	static const struct attempt attempts[] = {
		/* Base 0: the same value, up to the last byte. */
		{ QUIRE_I386, { 0x73, 3, false, EXEC, 1, 0x8048000 }, 0, 0 },
		{ QUIRE_I386, { 0x7b, 3, false, WRITE, 4, 0xbffffffc }, 0, 0 },
		{ QUIRE_I386, { 0x60, 0, false, EXEC, 1, 0xc0100000 }, 0, 0 },
		{ QUIRE_I386_PAE, { 0x7b, 0, false, READ, 1, 0xffffffff }, 0, 0 },
		{ QUIRE_I386, { 0x7b, 3, true, WRITE, 4, 0xbffff000 }, 0, 0 },
		{ QUIRE_I386, { 0x73, 3, false, READ, 4, 0x1000 }, 0, 0 },
		/* Beyond the limit: #GP(0), of the stack #SS(0). */
		{ QUIRE_I386, { 0x7b, 3, false, READ, 4, 0xfffffffe }, QUIRE_VECTOR_GP, 0 },
		{ QUIRE_I386, { 0x7b, 3, true, READ, 4, 0xfffffffe }, QUIRE_VECTOR_SS, 0 },
		/* The null selector, whatever its RPL. */
		{ QUIRE_I386, { 0, 3, false, READ, 4, 0x1000 }, QUIRE_VECTOR_GP, 0 },
		{ QUIRE_I386, { 3, 3, false, READ, 4, 0x1000 }, QUIRE_VECTOR_GP, 0 },
		/* No such descriptor, no local table. */
		{ QUIRE_I386, { 0x83, 3, false, READ, 4, 0x1000 }, QUIRE_VECTOR_GP, 0x80 },
		{ QUIRE_I386, { 0x0f, 3, false, READ, 4, 0x1000 }, QUIRE_VECTOR_GP, 0x0c },
		/* Privilege: user code and the kernel's data, either by RPL. */
		{ QUIRE_I386, { 0x68, 3, false, READ, 4, 0x1000 }, QUIRE_VECTOR_GP, 0x68 },
		{ QUIRE_I386, { 0x6b, 0, false, READ, 4, 0x1000 }, QUIRE_VECTOR_GP, 0x68 },
		{ QUIRE_I386, { 0x60, 3, false, EXEC, 1, 0x1000 }, QUIRE_VECTOR_GP, 0x60 },
		{ QUIRE_I386, { 0x73, 0, false, EXEC, 1, 0x1000 }, QUIRE_VECTOR_GP, 0x70 },
		/* The stack has the privilege of the code. */
		{ QUIRE_I386, { 0x7b, 0, true, READ, 4, 0x1000 }, QUIRE_VECTOR_GP, 0x78 },
		{ QUIRE_I386, { 0x68, 0, true, WRITE, 4, 0x1000 }, 0, 0 },
		/* Kinds: code is not written, data not executed. */
		{ QUIRE_I386, { 0x73, 3, false, WRITE, 4, 0x1000 }, QUIRE_VECTOR_GP, 0 },
		{ QUIRE_I386, { 0x7b, 3, false, EXEC, 1, 0x1000 }, QUIRE_VECTOR_GP, 0x78 },
		{ QUIRE_I386, { 0x73, 3, true, READ, 1, 0x1000 }, QUIRE_VECTOR_GP, 0x70 },
	};

	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		attempt(&attempts[i]);
}

TEST(flat_64)
{
	static const struct attempt attempts[] = {
		{ QUIRE_X86_64, { 0x33, 3, false, EXEC, 1, 0x401000 }, 0, 0 },
		{ QUIRE_X86_64, { 0x10, 0, false, EXEC, 1, 0xffffffff81000000 }, 0, 0 },
		{ QUIRE_X86_64, { 0x2b, 3, true, WRITE, 8, 0x7ffffffffff8 }, 0, 0 },
		/* Data segments may be null in 64-bit mode, code and the user's stack not. */
		{ QUIRE_X86_64, { 0, 3, false, READ, 8, 0x7fff00000000 }, 0, 0 },
		{ QUIRE_X86_64, { 0, 0, true, READ, 8, 0xffff888000000000 }, 0, 0 },
		{ QUIRE_X86_64, { 3, 3, true, READ, 8, 0x1000 }, QUIRE_VECTOR_GP, 0 },
		{ QUIRE_X86_64, { 0, 0, false, EXEC, 1, 0x1000 }, QUIRE_VECTOR_GP, 0 },
		/* Addresses that can't be. */
		{ QUIRE_X86_64, { 0x2b, 3, false, READ, 1, 0x800000000000 }, QUIRE_VECTOR_GP, 0 },
		{ QUIRE_X86_64, { 0x2b, 3, true, READ, 8, 0x7ffffffffffc }, QUIRE_VECTOR_SS, 0 },
		{ QUIRE_X86_64_LA57, { 0x2b, 3, false, READ, 1, 0x800000000000 }, 0, 0 },
		/* 32-bit code in 64-bit mode: 4 GB. */
		{ QUIRE_X86_64, { 0x23, 3, false, EXEC, 1, 0x8048000 }, 0, 0 },
		{ QUIRE_X86_64, { 0x23, 3, false, EXEC, 1, 0x100000000 }, QUIRE_VECTOR_GP, 0 },
		{ QUIRE_X86_64, { 0x10, 3, false, EXEC, 1, 0x1000 }, QUIRE_VECTOR_GP, 0x10 },
	};

	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		attempt(&attempts[i]);
}

TEST_MAIN(CASE(levels), CASE(index), CASE(canonical), CASE(leaves), CASE(bits_there_and_back),
	  CASE(tables), CASE(reserved), CASE(split), CASE(descriptors), CASE(flat_32),
	  CASE(flat_64))
