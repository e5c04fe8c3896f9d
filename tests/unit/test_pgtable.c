/* SPDX-License-Identifier: MIT */
/*
 * test_pgtable.c - page tables: what each operation does, and what it refuses
 */
#include "paging.h"

#include "core/assert.h"
#include "pgtable/slots.h"

#define NO_TLB NULL

static const uint64_t kernel_place[] = { 0xf0000000, 0xf0000000, 0xffffc90000000000,
					 0xffa0000000000000 };

static struct quire_table_stat stat_of(struct quire_table *t)
{
	struct quire_table_stat stat;

	quire_table_stat(t, &stat);
	return stat;
}

static int map(struct quire_table *t, uint64_t v, uint64_t p, uint64_t bytes, quire_pte_t pte,
	       unsigned order)
{
	return quire_table_map(t, virt(v), quire_phys(p), bytes, pte, order);
}

static uint64_t phys_of(struct quire_table *t, uint64_t v)
{
	struct quire_mapping m;

	return quire_table_query(t, virt(v), &m) ? UINT64_MAX : m.phys.v + (v - m.virt.v);
}

/* Tables come with the first mapping and go with the last. */
TEST(map_and_unmap)
{
	for (unsigned kind = 0; kind < QUIRE_NR_MACHINES; kind++) {
		struct rig rig;
		struct quire_table *t;
		struct quire_mapping m;
		uint64_t free;

		if (!paging_start(&rig, (enum quire_machine)kind, MB(64)))
			return;
		free = rig_free(&rig);
		CHECK_EQ(quire_table_create(rig.q, &t), 0);
		uint64_t empty = stat_of(t).nr_tables;
		CHECK_EQ(map(t, 0x8048000, 0x123000, 0x3000, QUIRE_PTE_USER_RX, 0), 0);
		rig_sound(&rig); /* TABLE-1 .. TABLE-4 */
		CHECK_EQ(quire_table_query(t, virt(0x8049abc), &m), 0);
		CHECK_EQ(m.virt.v, 0x8049000);
		CHECK_EQ(m.phys.v, 0x124000);
		CHECK_EQ(m.pte, QUIRE_PTE_USER_RX);
		CHECK_EQ(m.order, 0);
		CHECK_EQ(quire_table_query(t, virt(0x804b000), &m), -QUIRE_ENOENT);
		CHECK_EQ(stat_of(t).nr_mapped[0], 3);
		CHECK_EQ(stat_of(t).nr_tables - empty,
			 kind == QUIRE_I386_PAE ? 1 : stat_of(t).nr_levels - 1);
		CHECK_EQ(quire_table_unmap(t, virt(0x8048000), 0x3000, NO_TLB), 0);
		CHECK_EQ(stat_of(t).nr_tables, empty);
		CHECK_EQ(stat_of(t).nr_mapped[0], 0);
		CHECK_EQ(quire_table_destroy(t), 0);
		CHECK_EQ(rig_free(&rig), free);
		rig_end(&rig);
	}
}

/* A table is nobody's to free, and destroying one gives back all that is below it. */
TEST(frames_are_owned)
{
	struct rig rig;
	struct quire_table *t;

	if (!paging_start(&rig, QUIRE_X86_64, MB(64)))
		return;
	uint64_t free = rig_free(&rig);

	CHECK_EQ(quire_table_create(rig.q, &t), 0);
	CHECK_EQ(map(t, 0x400000, 0, MB(4), QUIRE_PTE_USER_RW, 0), 0);
	struct quire_page *root = quire_pfn_page(rig.q, quire_phys_pfn(stat_of(t).root));

	CHECK_EQ(quire_page_free(rig.q, root, 0), QUIRE_FREE_OWNED);
	CHECK_EQ(rig_frame(&rig, quire_page_pfn(rig.q, root).v).owner, QUIRE_OWNER_TABLE);
	CHECK_EQ(quire_table_destroy(t), 0);
	CHECK_EQ(rig_free(&rig), free);
	CHECK_EQ(quire_table_destroy(NULL), 0);
	CHECK_EQ(quire_table_destroy(quire_table_kernel(rig.q)), -QUIRE_EINVAL);
	rig_end(&rig);
}

TEST(refused)
{
	for (unsigned kind = 0; kind < QUIRE_NR_MACHINES; kind++) {
		struct rig rig;
		struct quire_table *t, *k;
		struct quire_page *page;
		struct snapshot before;
		uint64_t kernel, high = kind == QUIRE_I386 ? GB(4) : 1ull << 36;

		if (!paging_start(&rig, (enum quire_machine)kind, MB(64)))
			return;
		CHECK_EQ(quire_pgtable_boot(rig.q), -QUIRE_EBUSY);
		CHECK_EQ(quire_table_create(rig.q, &t), 0);
		k = quire_table_kernel(rig.q);
		kernel = quire_kernel_start(rig.q).v;
		page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0);
		CHECK_EQ(map(t, 0x10000, 0, 0x2000, QUIRE_PTE_USER_RW, 0), 0);
		snapshot(&rig, &before);
		CHECK_EQ(map(t, 0xf000, 0, 0x2000, QUIRE_PTE_USER_RW, 0), -QUIRE_EEXIST);
		CHECK_EQ(map(t, 0, 0, MB(4), QUIRE_PTE_USER_RW, 63), -QUIRE_EEXIST);
		CHECK_EQ(map(t, 0x1001, 0, 0x1000, QUIRE_PTE_USER_RW, 0), -QUIRE_EINVAL);
		CHECK_EQ(map(t, 0x1000, 1, 0x1000, QUIRE_PTE_USER_RW, 0), -QUIRE_EINVAL);
		CHECK_EQ(map(t, 0x1000, 0, 0x1001, QUIRE_PTE_USER_RW, 0), -QUIRE_EINVAL);
		CHECK_EQ(map(t, 0x1000, 0, 0, QUIRE_PTE_USER_RW, 0), -QUIRE_EINVAL);
		CHECK_EQ(map(t, 0x1000, 0, 0x1000, QUIRE_PTE_BITS + 1, 0), -QUIRE_EINVAL);
		CHECK_EQ(map(t, 0x1000, 0, 0x1000, QUIRE_PTE_GLOBAL, 0), -QUIRE_EINVAL);
		CHECK_EQ(map(t, kernel, 0, 0x1000, QUIRE_PTE_KERNEL, 0), -QUIRE_EINVAL);
		CHECK_EQ(map(t, kernel - 0x1000, 0, 0x2000, QUIRE_PTE_USER_RW, 0), -QUIRE_EINVAL);
		CHECK_EQ(map(k, kernel - 0x1000, 0, 0x1000, QUIRE_PTE_KERNEL, 0), -QUIRE_EINVAL);
		CHECK_EQ(map(k, kernel, 0, 0x1000, QUIRE_PTE_USER_RW, 0), -QUIRE_EINVAL);
		CHECK_EQ(map(k, UINT64_MAX - 0xfff, 0, 0x2000, QUIRE_PTE_KERNEL, 0), -QUIRE_EINVAL);
		CHECK_EQ(map(t, 0x1000, 1ull << 52, 0x1000, QUIRE_PTE_USER_RW, 0), -QUIRE_ERANGE);
		CHECK_EQ(map(t, 0x1000, UINT64_MAX - 0xfff, 0x2000, 0, 0), -QUIRE_ERANGE);
		if (kind < QUIRE_X86_64) {
			CHECK_EQ(map(t, 0x1000, high, 0x1000, 0, 0), -QUIRE_ERANGE);
			CHECK_EQ(map(t, 0x1000, high - 0x1000, 0x2000, 0, 0), -QUIRE_ERANGE);
			CHECK_EQ(map(t, GB(4), 0, 0x1000, 0, 0), -QUIRE_EINVAL);
		}
		CHECK_EQ(quire_table_map_pages(t, virt(0x10000), &page, 1, 0), -QUIRE_EEXIST);
		CHECK_EQ(quire_table_map_pages(t, virt(0x1000), &page, 0, 0), -QUIRE_EINVAL);
		struct quire_page *none = page + 1000000;
		CHECK_EQ(quire_table_map_pages(t, virt(0x1000), &none, 1, 0), -QUIRE_EINVAL);
		CHECK_EQ(quire_table_unmap(t, virt(kernel), 0x1000, NO_TLB), -QUIRE_EINVAL);
		CHECK_EQ(quire_table_unmap(t, virt(0), 0, NO_TLB), -QUIRE_EINVAL);
		struct quire_table_change bad = { .clear = QUIRE_PTE_PRESENT };
		CHECK_EQ(quire_table_protect(t, virt(0), 0x1000, bad, NO_TLB), -QUIRE_EINVAL);
		bad = (struct quire_table_change){ .set = QUIRE_PTE_GLOBAL };
		CHECK_EQ(quire_table_protect(t, virt(0), 0x1000, bad, NO_TLB), -QUIRE_EINVAL);
		CHECK_EQ(quire_table_copy(t, t, virt(0), 0x1000, 0, NO_TLB), -QUIRE_EINVAL);
		CHECK_EQ(quire_table_copy(t, k, virt(0), 0x1000, 0, NO_TLB), -QUIRE_EINVAL);
		struct quire_tlb other;
		quire_tlb_begin(&other, k);
		CHECK_EQ(quire_table_unmap(t, virt(0x10000), 0x1000, &other), -QUIRE_EINVAL);
		CHECK_UNCHANGED(&rig, &before);
		quire_page_free(rig.q, page, 0);
		rig_end(&rig);
	}
}

TEST(not_yet)
{
	struct rig rig;
	struct quire_table *t;
	struct quire_config config = rig_config(QUIRE_I386);
	char byte;

	if (!rig_create(&rig, &config))
		return;
	CHECK_EQ(quire_pgtable_boot(rig.q), -QUIRE_ENODEV);
	CHECK_EQ(quire_table_create(rig.q, &t), -QUIRE_ENODEV);
	CHECK(!quire_table_kernel(rig.q));
	CHECK(!quire_table_next_table(rig.q, NULL));
	CHECK(!quire_table_loaded(rig.q, 0));
	CHECK_EQ(quire_read(rig.q, virt(0), &byte, 1, NULL), -QUIRE_EOPNOTSUPP);
	quire_destroy(rig.q);
	if (!rig_create(&rig, &config))
		return;
	rig.host.untouchable = true;
	CHECK_EQ(quire_memblock_add(rig.q, quire_phys(0), quire_phys(MB(8))), 0);
	CHECK_EQ(quire_boot_zones(rig.q), 0);
	CHECK_EQ(quire_pgtable_boot(rig.q), -QUIRE_EOPNOTSUPP);
	rig_end(&rig);
}

/* The largest pages that fit and are allowed. */
TEST(large_pages)
{
	struct rig rig;
	struct quire_table *t;
	struct quire_table_stat s;

	if (!paging_start(&rig, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(quire_table_create(rig.q, &t), 0);
	/* From 4 KB below 1 GB up to 4 KB above 2 GB + 2 MB. */
	CHECK_EQ(map(t, GB(1) - 0x1000, GB(5) - 0x1000, GB(1) + MB(2) + 0x2000,
		     QUIRE_PTE_USER_RW, 63),
		 0);
	s = stat_of(t);
	CHECK(s.nr_mapped[0] == 2 && s.nr_mapped[1] == 1 && s.nr_mapped[2] == 1);
	CHECK(s.order[0] == 0 && s.order[1] == 9 && s.order[2] == 18 && s.order[3] == 0);
	CHECK_EQ(phys_of(t, GB(2) + MB(2) + 0x123), GB(6) + MB(2) + 0x123);
	rig_sound(&rig);
	/* With 2 MB allowed, and where physical addresses don't fit. */
	CHECK_EQ(map(t, GB(4), GB(4), GB(1), QUIRE_PTE_USER_RW, 9), 0);
	CHECK_EQ(stat_of(t).nr_mapped[1], 513);
	CHECK_EQ(map(t, GB(8), 0x1000, MB(2), QUIRE_PTE_USER_RW, 9), 0);
	CHECK_EQ(stat_of(t).nr_mapped[0], 2 + 512);
	rig_end(&rig);

	if (!paging_start(&rig, QUIRE_I386, MB(64)))
		return;
	CHECK_EQ(quire_table_create(rig.q, &t), 0);
	CHECK_EQ(map(t, 0, 0, MB(8), QUIRE_PTE_USER_RW, 9), 0);
	CHECK_EQ(stat_of(t).nr_mapped[0], 2048);
	CHECK_EQ(map(t, MB(8), 0, MB(8), QUIRE_PTE_USER_RW, 10), 0);
	CHECK_EQ(stat_of(t).nr_mapped[1], 2);
	rig_end(&rig);
}

/* A large page of which a part changes is split, and no further than needed. */
TEST(splitting)
{
	struct quire_table_change ro = { .clear = QUIRE_PTE_RW };
	struct quire_mapping m;
	struct quire_table_stat s;
	struct rig rig;
	struct quire_table *t;

	if (!paging_start(&rig, QUIRE_X86_64_LA57, MB(64)))
		return;
	CHECK_EQ(quire_table_create(rig.q, &t), 0);
	CHECK_EQ(map(t, GB(1), GB(1), GB(1), QUIRE_PTE_USER_RW | QUIRE_PTE_PAT, 63), 0);
	CHECK_EQ(quire_table_protect(t, virt(GB(1) + MB(6)), 0x1000, ro, NO_TLB), 0);
	s = stat_of(t);
	CHECK(s.nr_mapped[0] == 512 && s.nr_mapped[1] == 511 && s.nr_mapped[2] == 0);
	CHECK_EQ(quire_table_query(t, virt(GB(1) + MB(6)), &m), 0);
	CHECK_EQ(m.pte, QUIRE_PTE_USER_RO | QUIRE_PTE_PAT);
	CHECK_EQ(quire_table_query(t, virt(GB(1) + MB(6) + 0x1000), &m), 0);
	CHECK_EQ(m.pte, QUIRE_PTE_USER_RW | QUIRE_PTE_PAT);
	CHECK_EQ(quire_table_query(t, virt(GB(1) + MB(8)), &m), 0);
	CHECK_EQ(m.order, 9);
	CHECK_EQ(m.pte, QUIRE_PTE_USER_RW | QUIRE_PTE_PAT);
	CHECK_EQ(phys_of(t, GB(2) - 1), GB(2) - 1);
	/* What would not change is not split. */
	CHECK_EQ(quire_table_protect(t, virt(GB(1) + MB(9)), 0x1000,
				     (struct quire_table_change){ .set = QUIRE_PTE_RW }, NO_TLB),
		 0);
	CHECK_EQ(stat_of(t).nr_mapped[1], 511);
	/* Both ends of a range in one page. */
	CHECK_EQ(quire_table_unmap(t, virt(GB(1) + MB(10) + 0x3000), 0x5000, NO_TLB), 0);
	CHECK_EQ(stat_of(t).nr_mapped[0], 512 + 507);
	CHECK_EQ(phys_of(t, GB(1) + MB(10) + 0x8000), GB(1) + MB(10) + 0x8000);
	CHECK_EQ(phys_of(t, GB(1) + MB(10) + 0x7000), UINT64_MAX);
	rig_sound(&rig);
	CHECK_EQ(quire_table_unmap(t, virt(GB(1)), GB(1), NO_TLB), 0);
	CHECK_EQ(stat_of(t).nr_tables, 1);
	rig_end(&rig);
}

/* The processor's marks survive a change of rights. */
TEST(marks)
{
	struct quire_table_change ro = { .clear = QUIRE_PTE_RW };
	struct quire_mapping m;
	struct rig rig;
	struct quire_table *t;
	uint64_t word = 5;

	if (!paging_start(&rig, QUIRE_I386_PAE, MB(64)))
		return;
	CHECK_EQ(quire_table_create(rig.q, &t), 0);
	CHECK_EQ(map(t, MB(2), MB(32), MB(2), QUIRE_PTE_USER_RW, 9), 0);
	CHECK_EQ(quire_table_load(t), 0);
	CHECK_EQ(quire_write(rig.q, virt(MB(3)), &word, 8, NULL), 0);
	CHECK_EQ(quire_table_query(t, virt(MB(2)), &m), 0);
	CHECK_EQ(m.pte, QUIRE_PTE_USER_RW | QUIRE_PTE_ACCESSED | QUIRE_PTE_DIRTY);
	CHECK_EQ(quire_table_protect(t, virt(MB(2)), 0x1000, ro, NO_TLB), 0);
	CHECK_EQ(quire_table_query(t, virt(MB(2)), &m), 0);
	CHECK_EQ(m.pte, QUIRE_PTE_USER_RO | QUIRE_PTE_ACCESSED | QUIRE_PTE_DIRTY);
	ro.clear = QUIRE_PTE_DIRTY;
	CHECK_EQ(quire_table_protect(t, virt(MB(2)), MB(2), ro, NO_TLB), 0);
	CHECK_EQ(quire_table_query(t, virt(MB(3)), &m), 0);
	CHECK_EQ(m.pte, QUIRE_PTE_USER_RW | QUIRE_PTE_ACCESSED);
	/* Flushed: the next write marks again. */
	CHECK_EQ(quire_write(rig.q, virt(MB(3)), &word, 8, NULL), 0);
	CHECK_EQ(quire_table_query(t, virt(MB(3)), &m), 0);
	CHECK_EQ(m.pte, QUIRE_PTE_USER_RW | QUIRE_PTE_ACCESSED | QUIRE_PTE_DIRTY);
	rig_end(&rig);
}

TEST(copies)
{
	struct rig rig;
	struct quire_table *a, *b;
	struct quire_mapping m;

	if (!paging_start(&rig, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(quire_table_create(rig.q, &a), 0);
	CHECK_EQ(quire_table_create(rig.q, &b), 0);
	CHECK_EQ(map(a, MB(2), MB(4), MB(4), QUIRE_PTE_USER_RW, 9), 0);
	CHECK_EQ(map(a, MB(16), MB(40), 0x3000, QUIRE_PTE_USER_RX, 0), 0);
	/* From the middle of a large page on. */
	CHECK_EQ(quire_table_copy(b, a, virt(MB(3)), MB(20), QUIRE_PTE_RW, NO_TLB), 0);
	rig_sound(&rig);
	CHECK_EQ(phys_of(b, MB(3)), MB(5));
	CHECK_EQ(phys_of(b, MB(3) - 1), UINT64_MAX);
	CHECK_EQ(phys_of(b, MB(16) + 0x2fff), MB(40) + 0x2fff);
	CHECK_EQ(stat_of(b).nr_mapped[0], 256 + 3);
	CHECK_EQ(stat_of(b).nr_mapped[1], 1);
	/* Without the right to write in both, but only in the range. */
	CHECK_EQ(quire_table_query(a, virt(MB(4)), &m), 0);
	CHECK_EQ(m.pte, QUIRE_PTE_USER_RO);
	CHECK_EQ(quire_table_query(b, virt(MB(4)), &m), 0);
	CHECK_EQ(m.pte, QUIRE_PTE_USER_RO);
	CHECK_EQ(m.order, 9);
	CHECK_EQ(quire_table_query(a, virt(MB(3) - 1), &m), 0);
	CHECK_EQ(m.pte, QUIRE_PTE_USER_RW);
	/* Something in the way of the last: nothing is left of the first, a hole is no obstacle. */
	CHECK_EQ(quire_table_unmap(b, virt(0), MB(16), NO_TLB), 0);
	CHECK_EQ(map(b, MB(8), MB(9), 0x1000, QUIRE_PTE_USER_RW, 0), 0);
	struct snapshot before;
	snapshot(&rig, &before);
	CHECK_EQ(quire_table_copy(b, a, virt(0), MB(20), 0, NO_TLB), -QUIRE_EEXIST);
	rig_sound(&rig);
	CHECK_EQ(phys_of(b, MB(4)), UINT64_MAX);
	CHECK_EQ(phys_of(b, MB(8)), MB(9));
	CHECK_EQ(stat_of(b).nr_mapped[0], 4);
	CHECK_EQ(quire_table_copy(b, a, virt(0), MB(16), 0, NO_TLB), 0);
	CHECK_EQ(phys_of(b, MB(4)), MB(6));
	rig_end(&rig);
}

/* ---- The kernel's half ------------------------------------------------------------ */

static int read_at(struct rig *rig, uint64_t v)
{
	char byte;

	return quire_read(rig->q, virt(v), &byte, 1, NULL);
}

/* What the kernel maps is seen by all: at once, or on i386 at the first touch. */
TEST(one_kernel)
{
	for (unsigned kind = 0; kind < QUIRE_NR_MACHINES; kind++) {
		struct rig rig;
		struct quire_table *k, *early, *late;
		uint64_t place = kernel_place[kind];
		bool lazy = kind == QUIRE_I386;

		if (!paging_start(&rig, (enum quire_machine)kind, MB(64)))
			return;
		k = quire_table_kernel(rig.q);
		CHECK_EQ(quire_table_create(rig.q, &early), 0);
		CHECK_EQ(quire_table_load(early), 0);
		CHECK_EQ(map(k, place, 0x5000, 0x1000, QUIRE_PTE_KERNEL, 0), 0);
		CHECK_EQ(quire_table_create(rig.q, &late), 0);
		rig_sound(&rig); /* TABLE-5 */
		CHECK_EQ(phys_of(early, place), lazy ? UINT64_MAX : 0x5000);
		CHECK_EQ(phys_of(late, place), 0x5000);
		CHECK_EQ(read_at(&rig, place), 0);
		CHECK_EQ(phys_of(early, place), 0x5000);
		CHECK_EQ(quire_table_sync(early, virt(place)), lazy);
		CHECK(!quire_table_sync(early, virt(place + 0x1000)));
		CHECK(!quire_table_sync(early, virt(0x1000)));
		CHECK(!quire_table_sync(k, virt(place)));
		CHECK_EQ(read_at(&rig, place + 0x1000), -QUIRE_EFAULT);
		/* The second page of the same table needs no touch at all. */
		CHECK_EQ(map(k, place + 0x1000, 0x6000, 0x1000, QUIRE_PTE_KERNEL, 0), 0);
		CHECK_EQ(phys_of(early, place + 0x1000), 0x6000);
		CHECK_EQ(quire_table_unmap(k, virt(place), 0x2000, NO_TLB), 0);
		CHECK_EQ(read_at(&rig, place), -QUIRE_EFAULT);
		CHECK_EQ(phys_of(late, place + 0x1000), UINT64_MAX);
		rig_sound(&rig);
		/* The empty table stays until it is trimmed; then no root knows it. */
		uint64_t tables = stat_of(k).nr_tables;
		uint64_t pinned = kind == QUIRE_I386 ? 1 : 2;
		CHECK_EQ(tables, stat_of(k).nr_levels);
		CHECK_EQ(quire_table_trim(k), tables - pinned);
		rig_sound(&rig);
		CHECK_EQ(read_at(&rig, place), -QUIRE_EFAULT);
		CHECK_EQ(quire_table_trim(early), 0);
		rig_end(&rig);
	}
}

/* On i386 a large page of the kernel's is an entry of each root: a change reaches all of them. */
TEST(kernel_large_page)
{
	struct rig rig;
	struct quire_table *k, *p;
	uint64_t place = 0xf0000000;

	if (!paging_start(&rig, QUIRE_I386, MB(64)))
		return;
	k = quire_table_kernel(rig.q);
	CHECK_EQ(map(k, place, 0, MB(8), QUIRE_PTE_KERNEL, 10), 0);
	CHECK_EQ(quire_table_create(rig.q, &p), 0);
	CHECK_EQ(quire_table_load(p), 0);
	CHECK_EQ(stat_of(k).nr_mapped[1], 2);
	CHECK_EQ(read_at(&rig, place + MB(5)), 0);
	CHECK_EQ(quire_table_unmap(k, virt(place + MB(4)), MB(4), NO_TLB), 0);
	CHECK_EQ(read_at(&rig, place + MB(5)), -QUIRE_EFAULT);
	rig_sound(&rig);
	CHECK_EQ(quire_table_protect(k, virt(place), MB(4),
				     (struct quire_table_change){ .clear = QUIRE_PTE_RW }, NO_TLB),
		 0);
	CHECK_EQ(quire_write(rig.q, virt(place), "x", 1, NULL), -QUIRE_EFAULT);
	CHECK_EQ(quire_table_unmap(k, virt(place + 0x1000), 0x1000, NO_TLB), 0);
	CHECK_EQ(read_at(&rig, place), 0);
	CHECK_EQ(read_at(&rig, place + 0x1000), -QUIRE_EFAULT);
	rig_sound(&rig);
	rig_end(&rig);
}

TEST(slots)
{
	for (unsigned kind = 0; kind < QUIRE_NR_MACHINES; kind++) {
		struct rig rig;
		struct quire_table *k, *p;
		uint64_t place = kernel_place[kind] + MB(4) - 0x2000;
		quire_phys_t phys;

		if (!paging_start(&rig, (enum quire_machine)kind, MB(64)))
			return;
		k = quire_table_kernel(rig.q);
		CHECK_EQ(quire_table_create(rig.q, &p), 0);
		CHECK_EQ(quire_table_load(p), 0);
		CHECK_EQ(map(k, place, 0x7000, 0x1000, QUIRE_PTE_KERNEL, 0), 0);
		CHECK_EQ(slots_make(k, virt(place), 0x4000), 0);
		CHECK_EQ(slots_make(k, virt(place), 0x4000), 0);
		CHECK_EQ(slots_make(p, virt(place), 0x4000), -QUIRE_EINVAL);
		rig_sound(&rig);
		uint64_t tables = stat_of(k).nr_tables;
		for (unsigned i = 0; i < 4; i++) { /* TABLE-6 */
			void *slot = slots_find(k, virt(place + i * 0x1000));

			CHECK_EQ(slots_get(k, slot, &phys), i == 0);
			if (i)
				slots_set(k, slot, quire_phys(0x9000 + i * 0x1000),
					  QUIRE_PTE_KERNEL);
			CHECK(slots_get(k, slot, &phys));
			CHECK_EQ(phys.v, i ? 0x9000 + i * 0x1000 : 0x7000);
			CHECK_EQ(read_at(&rig, place + i * 0x1000), 0);
		}
		rig_sound(&rig);
		CHECK_EQ(stat_of(k).nr_tables, tables);
		slots_clear(k, slots_find(k, virt(place + 0x1000)));
		CHECK_EQ(quire_table_unmap(k, virt(place), 0x4000, NO_TLB), 0);
		CHECK_EQ(quire_table_trim(k), 0);
		rig_sound(&rig);
		CHECK_EQ(map(k, place + MB(16) + 0x2000, MB(32), MB(4), QUIRE_PTE_KERNEL, 10), 0);
		if (kind == QUIRE_I386)
			CHECK_EQ(slots_make(k, virt(place + MB(16) + 0x2000), 0x1000),
				 -QUIRE_EEXIST);
		rig_end(&rig);
	}
}

/* ---- The TLB ------------------------------------------------------------------------ */

/* A change that is not told to the processors is not seen by them; one that is told, is. */
TEST(forgotten_flush)
{
	for (unsigned kind = 0; kind < QUIRE_NR_MACHINES; kind++) {
		for (unsigned pages = 1; pages < 100; pages += 49) {
			uint64_t bytes = pages * 0x1000;
			struct rig rig;
			struct quire_table *t;
			struct quire_exception fault;

			if (!paging_start(&rig, (enum quire_machine)kind, MB(64)))
				return;
			CHECK_EQ(quire_table_create(rig.q, &t), 0);
			CHECK_EQ(quire_table_load(t), 0);
			CHECK_EQ(map(t, 0x400000, 0x100000, bytes, QUIRE_PTE_USER_RW, 0), 0);
			CHECK_EQ(quire_write(rig.q, virt(0x400000), "a", 1, &fault), 0);
			rig.host.drop_flushes = 1;
			CHECK_EQ(quire_table_unmap(t, virt(0x400000), bytes, NO_TLB), 0);
			CHECK_EQ(rig.host.drop_flushes, 0);
			CHECK_EQ(read_at(&rig, 0x400000), 0); /* stale */
			CHECK_EQ(map(t, 0x400000, 0x200000, bytes, QUIRE_PTE_USER_RW, 0), 0);
			CHECK_EQ(quire_table_unmap(t, virt(0x400000), bytes, NO_TLB), 0);
			CHECK_EQ(read_at(&rig, 0x400000), -QUIRE_EFAULT);
			rig_end(&rig);
		}
	}
}

/* The kernel's pages are global: they outlive a load of another table, not a flush. */
TEST(global_pages)
{
	struct rig rig;
	struct quire_table *k, *t;
	uint64_t place = kernel_place[QUIRE_X86_64];

	if (!paging_start(&rig, QUIRE_X86_64, MB(64)))
		return;
	k = quire_table_kernel(rig.q);
	CHECK_EQ(quire_table_create(rig.q, &t), 0);
	CHECK_EQ(quire_table_load(t), 0);
	CHECK_EQ(map(k, place, 0, 0x100000, QUIRE_PTE_KERNEL, 0), 0);
	CHECK_EQ(read_at(&rig, place), 0);
	rig.host.drop_flushes = 1;
	CHECK_EQ(quire_table_unmap(k, virt(place), 0x100000, NO_TLB), 0);
	CHECK_EQ(quire_table_load(k), 0);
	CHECK_EQ(read_at(&rig, place), 0);
	struct quire_tlb tlb;

	quire_tlb_begin(&tlb, k);
	CHECK_EQ(map(k, place + 0x4000, 0, 0x1000, QUIRE_PTE_KERNEL, 0), 0);
	CHECK_EQ(quire_table_unmap(k, virt(place + 0x4000), 0x1000, &tlb), 0);
	quire_tlb_flush(&tlb); /* another page */
	CHECK_EQ(read_at(&rig, place), 0);
	CHECK_EQ(map(k, place, 0, 0x100000, QUIRE_PTE_KERNEL, 0), 0);
	CHECK_EQ(quire_table_unmap(k, virt(place), 0x100000, &tlb), 0);
	CHECK_EQ(read_at(&rig, place), 0);
	quire_tlb_flush(&tlb);
	CHECK_EQ(read_at(&rig, place), -QUIRE_EFAULT);
	rig_end(&rig);
}

/* Other processors forget, too; those that use another table need not. */
TEST(other_processors)
{
	struct rig rig;
	struct quire_table *a, *b;

	if (!paging_start(&rig, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(quire_table_create(rig.q, &a), 0);
	CHECK_EQ(quire_table_create(rig.q, &b), 0);
	CHECK_EQ(map(a, 0x400000, 0, 0x2000, QUIRE_PTE_USER_RW, 0), 0);
	CHECK_EQ(map(b, 0x400000, 0x5000, 0x2000, QUIRE_PTE_USER_RW, 0), 0);
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		quire_hosted_cpu(cpu);
		CHECK_EQ(read_at(&rig, 0x400000), -QUIRE_EOPNOTSUPP);
		CHECK_EQ(quire_table_load(cpu & 1 ? a : b), 0);
		CHECK_EQ(read_at(&rig, 0x400000), 0);
		CHECK(quire_table_loaded(rig.q, cpu) == (cpu & 1 ? a : b));
	}
	CHECK_EQ(quire_table_unmap(a, virt(0x400000), 0x1000, NO_TLB), 0);
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		quire_hosted_cpu(cpu);
		CHECK_EQ(read_at(&rig, 0x400000), cpu & 1 ? -QUIRE_EFAULT : 0);
	}
	CHECK_EQ(quire_table_destroy(a), -QUIRE_EBUSY);
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		quire_hosted_cpu(cpu);
		CHECK_EQ(quire_table_load(b), 0);
	}
	CHECK_EQ(quire_table_destroy(a), 0);
	CHECK(quire_table_next_table(rig.q, NULL) == b);
	CHECK(!quire_table_next_table(rig.q, b));
	rig_end(&rig);
}

/* Up to a fault; the rest is as it was. */
TEST(read_and_write)
{
	for (unsigned kind = 0; kind < QUIRE_NR_MACHINES; kind++) {
		struct rig rig;
		struct quire_table *t;
		struct quire_exception fault;
		unsigned char out[0x3000], in[0x3000];

		if (!paging_start(&rig, (enum quire_machine)kind, MB(64)))
			return;
		CHECK_EQ(quire_table_create(rig.q, &t), 0);
		CHECK_EQ(quire_table_load(t), 0);
		CHECK_EQ(map(t, 0x400000, MB(33), 0x2000, QUIRE_PTE_USER_RW, 0), 0);
		CHECK_EQ(map(t, 0x402000, MB(34), 0x1000, QUIRE_PTE_USER_RO, 0), 0);
		for (unsigned i = 0; i < sizeof(out); i++)
			out[i] = (unsigned char)(i * 7);
		CHECK_EQ(quire_write(rig.q, virt(0x400123), out, 0x1000, &fault), 0);
		CHECK_EQ(fault.vector, QUIRE_VECTOR_NONE);
		CHECK_EQ(quire_read(rig.q, virt(0x400123), in, 0x1000, NULL), 0);
		CHECK_EQ(memcmp(in, out, 0x1000), 0);
		CHECK_EQ(memcmp(rig.host.direct + MB(33) + 0x123, out, 0x1000), 0);
		CHECK_EQ(quire_write(rig.q, virt(0x401ff0), out, 0x20, &fault), -QUIRE_EFAULT);
		CHECK_EQ(fault.vector, QUIRE_VECTOR_PF);
		CHECK_EQ(fault.error_code, QUIRE_PF_PRESENT | QUIRE_PF_WRITE);
		CHECK_EQ(fault.address.v, 0x402000);
		CHECK_EQ(memcmp(rig.host.direct + MB(33) + 0x1ff0, out, 0x10), 0);
		CHECK_EQ(quire_read(rig.q, virt(0x402ff8), in, 0x10, &fault), -QUIRE_EFAULT);
		CHECK_EQ(fault.error_code, 0);
		CHECK_EQ(fault.address.v, 0x403000);
		if (kind >= QUIRE_X86_64) {
			CHECK_EQ(quire_read(rig.q, virt(1ull << 60), in, 1, &fault), -QUIRE_EFAULT);
			CHECK_EQ(fault.vector, QUIRE_VECTOR_GP);
		}
		CHECK_EQ(quire_read(rig.q, virt(0), in, 0, NULL), 0);
		rig_end(&rig);
	}
}

TEST(next)
{
	struct rig rig;
	struct quire_table *t;
	struct quire_mapping m;

	if (!paging_start(&rig, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(quire_table_create(rig.q, &t), 0);
	CHECK(!quire_table_next(t, virt(0), &m));
	CHECK_EQ(map(quire_table_kernel(rig.q), -0x1000ull, 0, 0x1000, QUIRE_PTE_KERNEL, 0), 0);
	CHECK_EQ(map(t, 0x7ffffffff000, 0x1000, 0x1000, QUIRE_PTE_USER_RW, 0), 0);
	CHECK_EQ(map(t, MB(2), MB(2), MB(2), QUIRE_PTE_USER_RW, 9), 0);
	CHECK(quire_table_next(t, virt(0), &m));
	CHECK(m.virt.v == MB(2) && m.order == 9);
	CHECK(quire_table_next(t, virt(MB(4) - 1), &m));
	CHECK_EQ(m.virt.v, MB(2));
	CHECK(quire_table_next(t, virt(MB(4)), &m));
	CHECK_EQ(m.virt.v, 0x7ffffffff000);
	CHECK(quire_table_next(t, virt(0x800000000000), &m));
	CHECK_EQ(m.virt.v, (long long)0xfffffffffffff000);
	CHECK(quire_table_next(t, virt(UINT64_MAX), &m));
	CHECK_EQ(quire_table_query(t, virt(0x800000000000), &m), -QUIRE_EFAULT);
	rig_end(&rig);
	if (!paging_start(&rig, QUIRE_I386, MB(64)))
		return;
	CHECK_EQ(quire_table_create(rig.q, &t), 0);
	CHECK(!quire_table_next(t, virt(GB(5)), &m));
	CHECK(!quire_table_next(t, virt(0xffffffff), &m));
	rig_end(&rig);
}

TEST_MAIN(CASE(map_and_unmap), CASE(frames_are_owned), CASE(refused), CASE(not_yet),
	  CASE(large_pages), CASE(splitting), CASE(marks), CASE(copies), CASE(one_kernel),
	  CASE(kernel_large_page), CASE(slots), CASE(forgotten_flush), CASE(global_pages),
	  CASE(other_processors), CASE(read_and_write), CASE(next))
