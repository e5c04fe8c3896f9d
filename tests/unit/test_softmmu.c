/* SPDX-License-Identifier: MIT */
/*
 * test_softmmu.c - the software MMU against the manual, on tables written by hand
 *
 * Entries here are numbers, as the manual's tables give them; nothing of the library is used.
 */
#include "test.h"

#include "softmmu.h"

#define BYTES (1u << 22) /* of memory */

static _Alignas(4096) unsigned char ram[BYTES];
static struct softmmu_memory memory;
static struct softmmu_cpu cpu;

static void begin(unsigned levels, unsigned width)
{
	memset(ram, 0, sizeof(ram));
	memory = (struct softmmu_memory){ .direct = ram,
					  .direct_bytes = BYTES,
					  .phys_bits = width };
	softmmu_setup_levels(&cpu, &memory, levels);
}

static void put(uint64_t phys, uint64_t entry)
{
	memcpy(ram + phys, &entry, 8);
}

static void put32(uint64_t phys, uint32_t entry)
{
	memcpy(ram + phys, &entry, 4);
}

static uint64_t get(uint64_t phys)
{
	uint64_t entry;

	memcpy(&entry, ram + phys, 8);
	return entry;
}

/* What an access reaches. -1 - error code: #PF; -1000: #GP; -2000: nothing answers there */
static long long reach(uint64_t virt, unsigned access)
{
	struct softmmu_fault fault = { 0 };
	unsigned char *p;

	if (softmmu_translate(&cpu, virt, access, &p, &fault))
		return p ? p - ram : -2000;
	if (fault.vector == 13)
		return -1000;
	CHECK_EQ(fault.vector, 14);
	CHECK_EQ(fault.cr2, virt);
	return -1 - (long long)fault.code;
}

#define PF(code) (-1 - (code))

enum { R = SOFTMMU_READ, W = SOFTMMU_WRITE, X = SOFTMMU_EXEC, U = SOFTMMU_USER };

static void load(uint64_t cr3)
{
	struct softmmu_fault fault;

	CHECK(softmmu_load_cr3(&cpu, cr3, &fault));
}

/* Root at 0x1000, its entry 0 leads to 0x2000, whose entries are set by the test. */
TEST(two_levels)
{
	begin(2, 32);
	put32(0x1000, 0x2007);
	put32(0x2000 + 4 * 5, 0x00123007);
	load(0x1000);
	CHECK_EQ(reach(0x5abc, R), 0x123abc);
	CHECK_EQ(reach(0x5abc, U | W), 0x123abc);
	CHECK_EQ(reach(0x5abc, U | X), 0x123abc);
	CHECK_EQ(reach(0x6000, R), PF(0));
	CHECK_EQ(reach(0x6000, U | W), PF(6));
	/* No execute-disable here, so fetches are not told apart. */
	CHECK_EQ(reach(0x6000, U | X), PF(4));
	CHECK_EQ(reach(0x400000, R), PF(0));
	/* Addresses wrap at 32 bits. */
	CHECK_EQ(reach(0x100005abcull, R) >= 0, true);
	/* A is set in both, D in the one that maps. */
	CHECK_EQ((uint32_t)get(0x1000), 0x2027);
	CHECK_EQ((uint32_t)get(0x2014), 0x123067);
}

TEST(four_megabytes)
{
	begin(2, 32);
	put32(0x1000, 0x00000083);
	put32(0x1004, 0x00002083); /* bit 13 is reserved */
	put32(0x1008, 0x00001083); /* bit 12 is PAT */
	load(0x1000);
	CHECK_EQ(reach(0x345678, R), 0x345678);
	CHECK_EQ(reach(0x345678, U | R), PF(5));
	CHECK_EQ(reach(0x400000, W), PF(1 | 2 | 8));
	CHECK_EQ(reach(0x812345, R), 0x12345);
	/* Where PSE is off, PS means nothing: the entry leads to a table at 0. */
	softmmu_setup(&cpu, &memory, SOFTMMU_CR0_WP, 0, 0);
	put32(0x0, 0x7003);
	load(0x1000);
	CHECK_EQ(reach(0x42, R), 0x7042);
	/* Addresses of 36 bits: bits 13 to 16 are address bits 32 to 35, above them reserved. */
	memory.phys_bits = 36;
	softmmu_setup_levels(&cpu, &memory, 2);
	put32(0x1004, 0x00002083);
	put32(0x1008, 0x00020083);
	load(0x1000);
	CHECK_EQ(reach(0x400000, R), -2000);
	CHECK_EQ(reach(0x800000, R), PF(9));
}

/* Rights: the entries' R/W and U/S are combined by and. SDM vol. 3A, 4.6. */
TEST(rights)
{
	static const unsigned kinds[] = { R, W, X, U | R, U | W, U | X };

	for (unsigned upper = 0; upper < 4; upper++) {
		for (unsigned lower = 0; lower < 4; lower++) {
			for (unsigned wp = 0; wp < 2; wp++) {
				unsigned both = upper & lower;

				begin(2, 32);
				softmmu_setup(&cpu, &memory, wp ? SOFTMMU_CR0_WP : 0, 0, 0);
				put32(0x1000, 0x2001 | upper << 1);
				put32(0x2000, 0x3001 | lower << 1);
				load(0x1000);
				for (unsigned k = 0; k < 6; k++) {
					bool user = kinds[k] & U, write = (kinds[k] & 3) == W;
					bool ok = (!user || (both & 2)) &&
						  (!write || (both & 1) || (!user && !wp));
					int code = 1 | (write ? 2 : 0) | (user ? 4 : 0);

					CHECK_EQ(reach(0, kinds[k]), ok ? 0x3000 : PF(code));
				}
			}
		}
	}
}

TEST(smep_smap)
{
	begin(4, 46);
	for (unsigned i = 1; i <= 3; i++)
		put(i * 0x1000, (i + 1) * 0x1000 | 7);
	put(0x4000, 0x5007);
	load(0x1000);
	CHECK_EQ(reach(0, X), 0x5000);
	softmmu_setup(&cpu, &memory, SOFTMMU_CR0_WP,
		      SOFTMMU_CR4_PAE | SOFTMMU_CR4_SMEP | SOFTMMU_CR4_SMAP,
		      SOFTMMU_EFER_LMA | SOFTMMU_EFER_NXE);
	CHECK_EQ(reach(0, X), PF(17));
	CHECK_EQ(reach(0, R), PF(1));
	CHECK_EQ(reach(0, W), PF(3));
	CHECK_EQ(reach(0, U | X), 0x5000);
	CHECK_EQ(reach(0, U | W), 0x5000);
}

TEST(pae)
{
	begin(3, 36);
	put(0x1020, 0x2001);     /* PDPTE 0 of a table at 0x1020: aligned to 32 bytes */
	put(0x1020 + 24, 0x3001);
	put(0x2000 + 8, 0x8000000000200083ull); /* 2 MB, not to be executed */
	put(0x3000, 0x4007);
	put(0x4000 + 8, 0x5007);
	put(0x4000 + 16, 0x1000000005007ull); /* bit 48: beyond 36 bits */
	put(0x4000 + 24, 0x4000000000005007ull); /* PAE has no ignored bits up there */
	load(0x1020);
	CHECK_EQ(reach(0x234567, R), 0x234567);
	CHECK_EQ(reach(0x234567, X), PF(17));
	CHECK_EQ(reach(0xc0001abc, U | W), 0x5abc);
	CHECK_EQ(reach(0xc0002000, R), PF(9));
	CHECK_EQ(reach(0xc0003000, U | X), PF(1 | 4 | 8 | 16));
	CHECK_EQ(reach(0x40000000, R), PF(0));
	/* The registers are loaded with CR3, and then only. */
	put(0x1020 + 8, 0x3001);
	softmmu_flush(&cpu, true);
	CHECK_EQ(reach(0x40001000, R), PF(0));
	load(0x1020);
	CHECK_EQ(reach(0x40001000, R), 0x5000);
	/* They are not marked as accessed. */
	CHECK_EQ(get(0x1020), 0x2001);
}

TEST(pae_reserved_pdpte)
{
	static const uint64_t bad[] = { 2, 4, 0x20, 0x100, 1ull << 36, 1ull << 63 };
	struct softmmu_fault fault;

	begin(3, 36);
	put(0x1000, 0x2001);
	put(0x2000, 0x83);
	load(0x1000);
	for (unsigned i = 0; i < 6; i++) {
		put(0x1008, 0x2001 | bad[i]);
		CHECK(!softmmu_load_cr3(&cpu, 0x1000, &fault));
		CHECK_EQ(fault.vector, 13);
		CHECK_EQ(reach(0x1234, R), 0x1234); /* as before */
	}
	put(0x1008, bad[0]); /* not present: whatever else */
	load(0x1000);
}

/* Four and five levels: each with a page of its size and what is reserved there. */
TEST(long_mode)
{
	for (unsigned levels = 4; levels <= 5; levels++) {
		uint64_t top = levels == 5 ? 0xff00000000000000ull : 0xffff800000000000ull;
		uint64_t upper = 0x1000;

		begin(levels, 46);
		if (levels == 5) {
			put(0x1000 + 8 * 256, 0x2007);
			upper = 0x2000;
		}
		put(upper + (levels == 4 ? 8 * 256 : 0), 0x3007);
		put(upper + (levels == 4 ? 8 * 257 : 8), 0x3087); /* PS is reserved there */
		put(0x3000, 0x4007);
		put(0x3008, 0x0000000000000087); /* 1 GB */
		put(0x3010, 0x0000000000002087); /* 1 GB, bit 13 reserved */
		put(0x4000, 0x5007);
		put(0x4008, 0x00200087);
		put(0x4010, 0x00300087); /* 2 MB, bit 20 reserved */
		put(0x5000, 0x7ff0000000006007ull); /* bits 52 to 62 are ignored */
		put(0x5008, 1ull << 46 | 0x6007);
		load(0x1000);
		CHECK_EQ(reach(top + 0xabc, U | W), 0x6abc);
		CHECK_EQ(reach(top + 0x1000, R), PF(9));
		CHECK_EQ(reach(top + 0x234567, X), 0x234567);
		CHECK_EQ(reach(top + 0x400000, R), PF(9));
		CHECK_EQ(reach(top + 0x40012345, U | R), 0x12345);
		CHECK_EQ(reach(top + 0x80000000, R), PF(9));
		CHECK_EQ(reach(top + (1ull << 39), R), PF(9));
		CHECK_EQ(reach(top - 1, R), -1000);
		CHECK_EQ(reach(levels == 5 ? 1ull << 56 : 1ull << 47, R), -1000);
		CHECK_EQ(reach((levels == 5 ? 1ull << 56 : 1ull << 47) - 1, R), PF(0));
	}
}

TEST(no_execute)
{
	begin(4, 46);
	put(0x1000, 0x2007);
	put(0x2000, 0x3007);
	put(0x3000, 0x8000000000004007ull); /* at any level */
	put(0x4000, 0x5007);
	load(0x1000);
	CHECK_EQ(reach(0, U | R), 0x5000);
	CHECK_EQ(reach(0, U | X), PF(1 | 4 | 16));
	/* With EFER.NXE off, bit 63 is reserved and fetches are not told. */
	softmmu_setup(&cpu, &memory, SOFTMMU_CR0_WP, SOFTMMU_CR4_PAE, SOFTMMU_EFER_LMA);
	CHECK_EQ(reach(0, U | R), PF(1 | 4 | 8));
	CHECK_EQ(reach(0, U | X), PF(1 | 4 | 8));
}

/* ---- The TLB ------------------------------------------------------------------------ */

static void four_levels(void)
{
	begin(4, 46);
	put(0x1000, 0x2007);
	put(0x2000, 0x3007);
	put(0x3000, 0x4007);
	load(0x1000);
}

TEST(stale_until_invalidated)
{
	four_levels();
	put(0x4000, 0x5007);
	put(0x4008, 0x6107); /* global */
	CHECK_EQ(reach(0, R), 0x5000);
	CHECK_EQ(reach(0x1000, R), 0x6000);
	put(0x4000, 0);
	put(0x4008, 0);
	CHECK_EQ(reach(0, R), 0x5000);
	CHECK_EQ(reach(0, U | R), 0x5000);
	softmmu_invlpg(&cpu, 0x1fff); /* another page */
	CHECK_EQ(reach(0, R), 0x5000);
	CHECK_EQ(reach(0x1000, R), PF(0));
	softmmu_invlpg(&cpu, 0xfff);
	CHECK_EQ(reach(0, R), PF(0));

	put(0x4000, 0x5007);
	put(0x4008, 0x6107);
	CHECK_EQ(reach(0, R), 0x5000);
	CHECK_EQ(reach(0x1000, R), 0x6000);
	put(0x4000, 0);
	put(0x4008, 0);
	load(0x1000); /* spares global pages */
	CHECK_EQ(reach(0, R), PF(0));
	CHECK_EQ(reach(0x1000, R), 0x6000);
	softmmu_flush(&cpu, true);
	CHECK_EQ(reach(0x1000, R), PF(0));
}

/* The first write walks again, for D; a right taken away stays without an invalidation. */
TEST(dirty_and_stale_rights)
{
	four_levels();
	put(0x4000, 0x5007);
	CHECK_EQ(reach(0, R), 0x5000);
	CHECK_EQ(get(0x4000), 0x5027);
	CHECK_EQ(reach(0, W), 0x5000);
	CHECK_EQ(get(0x4000), 0x5067);
	put(0x4000, 0x5065);
	CHECK_EQ(reach(0, U | W), 0x5000);
	softmmu_invlpg(&cpu, 0);
	CHECK_EQ(reach(0, U | W), PF(7));
	/* A right given is seen at once: a TLB entry that forbids is looked at again. */
	put(0x4000, 0x5067);
	CHECK_EQ(reach(0, U | W), 0x5000);
	/* What is absent is never kept. */
	CHECK_EQ(reach(0x1000, R), PF(0));
	put(0x4008, 0x6007);
	CHECK_EQ(reach(0x1000, R), 0x6000);
}

/* Page tables may be kept, too: the entry above changes, and the old table is still used. */
TEST(paging_structure_cache)
{
	four_levels();
	put(0x4000, 0x5007);
	put(0x4008, 0x6007);
	put(0x7000, 0x8007);
	put(0x7008, 0x9007);
	CHECK_EQ(reach(0, R), 0x5000);
	put(0x3000, 0x7007);
	CHECK_EQ(reach(0x1000, R), 0x6000);
	/* INVLPG drops all of that cache, but only the one page. */
	softmmu_invlpg(&cpu, 0x200000);
	CHECK_EQ(reach(0, R), 0x5000);
	CHECK_EQ(reach(0x2000, R), PF(0));
	put(0x7010, 0xa007);
	CHECK_EQ(reach(0x2000, R), 0xa000);
	softmmu_invlpg(&cpu, 0);
	CHECK_EQ(reach(0, R), 0x8000);
}

/* INVLPG of any address in a large page drops all of its pieces. */
TEST(large_page_pieces)
{
	four_levels();
	put(0x3000, 0x00200087);
	for (uint64_t virt = 0; virt < 0x200000; virt += 0x10000)
		CHECK_EQ(reach(virt, R), 0x200000 + virt);
	put(0x3000, 0x00000087);
	CHECK_EQ(reach(0x10000, R), 0x210000);
	softmmu_invlpg(&cpu, 0x1ff000);
	for (uint64_t virt = 0; virt < 0x200000; virt += 0x10000)
		CHECK_EQ(reach(virt, R), virt);
}

/* Two addresses that share a place in the TLB do not share a translation. */
TEST(conflict)
{
	four_levels();
	put(0x3000 + 8 * 8, 0x6007); /* 16 MB up */
	put(0x4000, 0x5007);
	put(0x6000, 0x7007);
	for (unsigned i = 0; i < 4; i++) {
		CHECK_EQ(reach(0x123, R), 0x5123);
		CHECK_EQ(reach(0x1000123, R), 0x7123);
	}
	uint64_t walks = cpu.nr_walks;

	for (unsigned i = 0; i < 100; i++)
		CHECK_EQ(reach(0x1000123, R), 0x7123);
	CHECK_EQ(cpu.nr_walks, walks);
}

/* ---- Ranges --------------------------------------------------------------------------- */

static void *no_frame(void *ctx, uint64_t phys)
{
	(void)ctx;
	return phys == 0x40000000 ? ram + 0x10000 : NULL;
}

TEST(copy)
{
	struct softmmu_fault fault;
	unsigned char buf[0x3000];

	four_levels();
	memory.frame = no_frame;
	softmmu_setup_levels(&cpu, &memory, 4);
	put(0x4000, 0x9007);
	put(0x4008, 0x8005);
	put(0x4010, 0x40000007);
	put(0x4018, 0x50000007); /* nothing answers */
	memset(ram + 0x9000, 'a', 0x1000);
	memset(ram + 0x8000, 'b', 0x1000);
	memset(ram + 0x10000, 'c', 0x1000);
	CHECK(softmmu_copy(&cpu, 0x800, buf, 0x2000, R, &fault));
	CHECK(buf[0x7ff] == 'a' && buf[0x800] == 'b' && buf[0x1800] == 'c');
	CHECK(softmmu_copy(&cpu, 0x3000, buf, 16, R, &fault));
	CHECK_EQ(buf[15], 0xff);
	CHECK(softmmu_copy(&cpu, 0x3000, buf, 16, W, &fault));
	/* A fault in the middle: what is before it is done. */
	memset(buf, 'x', sizeof(buf));
	CHECK(!softmmu_copy(&cpu, 0xff0, buf, 0x20, W, &fault));
	CHECK_EQ(fault.cr2, 0x1000);
	CHECK_EQ(fault.code, 3);
	CHECK(ram[0x9fff] == 'x' && ram[0x9fef] == 'a' && ram[0x8000] == 'b');
	CHECK(!softmmu_copy(&cpu, 0x3ff8, buf, 16, R, &fault));
	CHECK_EQ(fault.cr2, 0x4000);
	CHECK_EQ(buf[7], 0xff);
	CHECK_EQ(buf[8], 'x');
}

TEST_MAIN(CASE(two_levels), CASE(four_megabytes), CASE(rights), CASE(smep_smap), CASE(pae),
	  CASE(pae_reserved_pdpte), CASE(long_mode), CASE(no_execute),
	  CASE(stale_until_invalidated), CASE(dirty_and_stale_rights),
	  CASE(paging_structure_cache), CASE(large_page_pieces), CASE(conflict), CASE(copy))
