/* SPDX-License-Identifier: MIT */
/*
 * test_vmalloc.c - areas: allocated, mapped, guarded, freed lazily, misused
 */
#include "kernel.h"

TEST(allocates)
{
	EACH_MACHINE(m)
	{
		struct rig rig;
		quire_virt_t a = { 0 }, b = { 0 };
		struct quire_layout l;

		if (!kernel_start(&rig, all_machines[m], GB(1)))
			return;
		quire_layout(rig.q, &l);
		/* The first area of all makes the region's table, which stays. */
		quire_vmalloc(rig.q, 1, &a);
		quire_vfree(rig.q, a);
		uint64_t before = kernel_idle(&rig);

		CHECK_EQ(quire_vmalloc(rig.q, 3 * 4096 + 1, &a), 0);
		CHECK_EQ(a.v, l.vmalloc_start.v);
		CHECK_EQ(quire_vmalloc(rig.q, 4096, &b), 0);
		/* Four pages and the guard. */
		CHECK_EQ(b.v, a.v + 5 * 4096);
		for (uint64_t i = 0; i < 4; i++)
			check_memory(&rig, a.v + i * 4096, 0x1234567890abcdef + i);
		check_fault(&rig, a.v + 4 * 4096);
		check_fault(&rig, b.v + 4096);
		CHECK(rig_free(&rig) <= before - 5);
		CHECK_EQ(vmalloc_stat(&rig).nr_areas, 2);
		CHECK_EQ(vmalloc_stat(&rig).used_bytes, 7 * 4096);
		CHECK_EQ(vmalloc_stat(&rig).nr_pages, 5);
		rig_sound(&rig);
		CHECK_EQ(quire_vfree(rig.q, a), QUIRE_VFREE_OK);
		CHECK_EQ(quire_vfree(rig.q, b), QUIRE_VFREE_OK);
		CHECK_EQ(vmalloc_stat(&rig).nr_lazy, 2);
		CHECK_EQ(vmalloc_stat(&rig).lazy_pages, 7);
		CHECK_EQ(vmalloc_stat(&rig).nr_pages, 0);
		rig_sound(&rig);
		quire_vm_unmap_aliases(rig.q);
		CHECK_EQ(vmalloc_stat(&rig).nr_lazy, 0);
		check_fault(&rig, a.v);
		CHECK_EQ(kernel_idle(&rig), before);
		rig_end(&rig);
	}
}

/* Virtually one after the other, physically wherever a frame was. */
TEST(scattered)
{
	struct rig rig;
	struct quire_page *page[64];
	quire_virt_t a = { 0 };
	bool apart = false;

	if (!kernel_start(&rig, QUIRE_X86_64, MB(64)))
		return;
	for (int i = 0; i < 64; i++)
		page[i] = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0);
	for (int i = 0; i < 64; i += 2)
		quire_page_free(rig.q, page[i], 0);
	CHECK_EQ(quire_vmalloc(rig.q, 40 * 4096, &a), 0);
	for (uint64_t i = 0; i < 40; i++) {
		struct quire_page *p = quire_vmalloc_page(rig.q, virt_of(a.v + i * 4096 + 123));
		struct quire_page *n = quire_vmalloc_page(rig.q, virt_of(a.v + i * 4096 + 4096));

		CHECK(p != NULL);
		apart |= n && rig_pfn(&rig, n) != rig_pfn(&rig, p) + 1;
	}
	CHECK(apart);
	CHECK(!quire_vmalloc_page(rig.q, virt_of(a.v + 40 * 4096)));
	CHECK(!quire_vmalloc_page(rig.q, virt_of(0xffff888000000000)));
	for (int i = 1; i < 64; i += 2)
		quire_page_free(rig.q, page[i], 0);
	rig_end(&rig);
}

/* High memory first; vmalloc_32 not from there; zeros if asked for. */
TEST(zones_and_zeros)
{
	struct rig rig;
	quire_virt_t a = { 0 }, b = { 0 }, c = { 0 };
	uint64_t word = 1;

	if (!kernel_start(&rig, QUIRE_I386_PAE, GB(6)))
		return;
	CHECK_EQ(quire_vmalloc(rig.q, 8192, &a), 0);
	CHECK_EQ(quire_page_zone(rig.q, quire_vmalloc_page(rig.q, a)), QUIRE_ZONE_HIGHMEM);
	CHECK_EQ(quire_vmalloc_32(rig.q, 8192, &b), 0);
	CHECK_EQ(quire_page_zone(rig.q, quire_vmalloc_page(rig.q, b)), QUIRE_ZONE_NORMAL);
	check_memory(&rig, a.v, 0x5555555555555555);
	CHECK_EQ(quire_vfree(rig.q, a), QUIRE_VFREE_OK);
	CHECK_EQ(quire_vzalloc(rig.q, 8192, &a), 0);
	CHECK_EQ(quire_read(rig.q, a, &word, sizeof(word), NULL), 0);
	CHECK_EQ(word, 0);
	CHECK_EQ(quire_vmalloc_gfp(rig.q, 4096, QUIRE_GFP_KERNEL | QUIRE_GFP_DMA, &c), 0);
	CHECK_EQ(quire_page_zone(rig.q, quire_vmalloc_page(rig.q, c)), QUIRE_ZONE_DMA);
	CHECK_EQ(quire_vmalloc_gfp(rig.q, 4096, 1u << 31, &c), -QUIRE_EINVAL);
	CHECK_EQ(quire_vmalloc_gfp(rig.q, 4096, QUIRE_GFP_BIT_COMP, &c), -QUIRE_EINVAL);
	rig_end(&rig);
	/* A process of 32 bits can't hold so large a direct map. */
	if (sizeof(void *) == 4 || !kernel_start(&rig, QUIRE_X86_64, GB(6)))
		return;
	CHECK_EQ(quire_vmalloc(rig.q, 4096, &a), 0);
	CHECK_EQ(quire_page_zone(rig.q, quire_vmalloc_page(rig.q, a)), QUIRE_ZONE_NORMAL);
	CHECK_EQ(quire_vmalloc_32(rig.q, 4096, &b), 0);
	CHECK_EQ(quire_page_zone(rig.q, quire_vmalloc_page(rig.q, b)), QUIRE_ZONE_DMA32);
	rig_end(&rig);
}

/* Wrong frees are named and change nothing. */
TEST(wrong_use)
{
	struct rig rig;
	quire_virt_t a = { 0 }, m = { 0 }, none = { 0x1000 };
	struct quire_page *page;
	struct quire_layout l;
	uint64_t hash;

	if (!kernel_start(&rig, QUIRE_I386, GB(1)))
		return;
	quire_layout(rig.q, &l);
	page = quire_page_alloc(rig.q, QUIRE_GFP_HIGHUSER, 0);
	CHECK_EQ(quire_vmalloc(rig.q, 3 * 4096, &a), 0);
	CHECK_EQ(quire_vmap(rig.q, &page, 1, QUIRE_PTE_KERNEL, &m), 0);
	hash = quire_hash(rig.q);
	CHECK_EQ(quire_vfree(rig.q, virt_of(a.v + 4096)), QUIRE_VFREE_INSIDE);
	CHECK_EQ(quire_vfree(rig.q, virt_of(a.v + 1)), QUIRE_VFREE_INSIDE);
	CHECK_EQ(quire_vfree(rig.q, none), QUIRE_VFREE_FOREIGN);
	CHECK_EQ(quire_vfree(rig.q, virt_of(l.vmalloc_end.v - 4096)), QUIRE_VFREE_FOREIGN);
	CHECK_EQ(quire_vfree(rig.q, m), QUIRE_VFREE_KIND);
	CHECK_EQ(quire_vunmap(rig.q, a), QUIRE_VFREE_KIND);
	CHECK_EQ(quire_iounmap(rig.q, a), QUIRE_VFREE_KIND);
	/* An area's frame can't be freed behind its back. */
	CHECK_EQ(quire_page_free(rig.q, quire_vmalloc_page(rig.q, a), 0), QUIRE_FREE_OWNED);
	CHECK_EQ(quire_hash(rig.q), hash);
	CHECK_EQ(quire_vfree(rig.q, a), QUIRE_VFREE_OK);
	hash = quire_hash(rig.q);
	CHECK_EQ(quire_vfree(rig.q, a), QUIRE_VFREE_DOUBLE);
	CHECK_EQ(quire_hash(rig.q), hash);
	CHECK_EQ(quire_vunmap(rig.q, m), QUIRE_VFREE_OK);
	CHECK_EQ(quire_page_free(rig.q, page, 0), QUIRE_FREE_OK);
	for (int i = 0; i <= QUIRE_VFREE_KIND; i++)
		CHECK(strlen(quire_vfree_name((enum quire_vfree)i)) > 1);
	rig_end(&rig);
}

TEST(wrong_requests)
{
	struct rig rig;
	quire_virt_t a = { 77 };
	struct quire_page *page, *bad = (struct quire_page *)16;

	if (!rig_boot(&rig, rig_config(QUIRE_I386), MB(256)))
		return;
	/* Before there is a kernel's table. */
	CHECK_EQ(quire_vmalloc(rig.q, 4096, &a), -QUIRE_ENODEV);
	CHECK_EQ(quire_vfree(rig.q, virt_of(0xd0800000)), QUIRE_VFREE_FOREIGN);
	CHECK_EQ(quire_kernel_boot(rig.q), 0);
	CHECK_EQ(quire_kernel_boot(rig.q), -QUIRE_EBUSY);
	uint64_t hash = quire_hash(rig.q);

	CHECK_EQ(quire_vmalloc(rig.q, 0, &a), -QUIRE_EINVAL);
	CHECK_EQ(quire_vmalloc(rig.q, GB(3), &a), -QUIRE_EINVAL);
	CHECK_EQ(quire_vmalloc(rig.q, UINT64_MAX, &a), -QUIRE_EINVAL);
	CHECK_EQ(quire_vmap(rig.q, &bad, 0, QUIRE_PTE_KERNEL, &a), -QUIRE_EINVAL);
	CHECK_EQ(quire_ioremap(rig.q, quire_phys(MB(1024)), 0, QUIRE_PTE_UC, &a), -QUIRE_EINVAL);
	CHECK_EQ(quire_ioremap(rig.q, quire_phys(MB(128)), 4096, QUIRE_PTE_UC, &a), -QUIRE_EINVAL);
	CHECK_EQ(quire_ioremap(rig.q, quire_phys(UINT64_MAX - 5), 4, QUIRE_PTE_UC, &a),
		 -QUIRE_EINVAL);
	CHECK_EQ(quire_ioremap(rig.q, quire_phys(GB(1)), 4096, QUIRE_PTE_USER, &a), -QUIRE_EINVAL);
	CHECK_EQ(quire_hash(rig.q), hash);
	/* These take a range of addresses before it is seen that they can't be met. */
	page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0);
	uint64_t frames = kernel_idle(&rig);

	CHECK_EQ(quire_vmap(rig.q, &bad, 1, QUIRE_PTE_KERNEL, &a), -QUIRE_EINVAL);
	CHECK_EQ(quire_vmap(rig.q, &page, 1, QUIRE_PTE_KERNEL | QUIRE_PTE_USER, &a),
		 -QUIRE_EINVAL);
	CHECK_EQ(quire_ioremap(rig.q, quire_phys(GB(8)), 4096, QUIRE_PTE_UC, &a), -QUIRE_ERANGE);
	CHECK_EQ(quire_vmalloc(rig.q, MB(300), &a), -QUIRE_ENOMEM);
	CHECK_EQ(vmalloc_stat(&rig).nr_areas, 0);
	CHECK_EQ(vmalloc_stat(&rig).nr_pages, 0);
	CHECK_EQ(a.v, 77);
	CHECK_EQ(kernel_idle(&rig), frames);
	quire_page_free(rig.q, page, 0);
	rig_end(&rig);
}

/* Addresses run out before memory does; and then what is lazy is given up first. */
TEST(no_addresses)
{
	struct rig rig;
	struct quire_layout l;
	quire_virt_t a[8] = { { 0 } };
	int n = 0, error = 0;

	if (!kernel_start(&rig, QUIRE_I386, GB(3)))
		return;
	quire_layout(rig.q, &l);
	while (n < 8 && !(error = quire_vmalloc(rig.q, MB(20), &a[n])))
		n++;
	CHECK_EQ(error, -QUIRE_ENOSPC);
	CHECK_EQ(n, (int)((l.vmalloc_end.v - l.vmalloc_start.v) / (MB(20) + 4096)));
	CHECK_EQ(vmalloc_stat(&rig).nr_purges, 0);
	CHECK_EQ(quire_vfree(rig.q, a[1]), QUIRE_VFREE_OK);
	CHECK_EQ(vmalloc_stat(&rig).nr_lazy, 1);
	/* The TLB still knows the old frames there until the flush. */
	CHECK_EQ(quire_vmalloc(rig.q, MB(20), &a[7]), 0);
	CHECK_EQ(a[7].v, a[1].v);
	CHECK_EQ(vmalloc_stat(&rig).nr_purges, 1);
	check_memory(&rig, a[7].v, 42);
	rig_sound(&rig);
	rig_end(&rig);
}

/* One flush for very many areas; small ranges are kept and used again. */
TEST(lazy)
{
	struct rig rig;
	struct quire_vmalloc_stat stat;
	quire_virt_t a = { 0 }, b = { 0 };

	if (!kernel_start(&rig, QUIRE_X86_64, MB(64)))
		return;
	stat = vmalloc_stat(&rig);
	/* 32 MB for each bit of the number of processors, 4. */
	CHECK_EQ(stat.lazy_max, 3 * 8192);
	for (int i = 0; i < 5000; i++) {
		CHECK_EQ(quire_vmalloc(rig.q, 4 * 4096, &a), 0);
		CHECK(a.v != b.v);
		CHECK_EQ(quire_vfree(rig.q, a), QUIRE_VFREE_OK);
		b = a;
	}
	stat = vmalloc_stat(&rig);
	CHECK_EQ(stat.nr_purges, 5000 * 5 / (3 * 8192));
	CHECK(stat.nr_kept > 0);
	CHECK_EQ(stat.nr_kept + stat.nr_lazy, 3 * 8192 / 5);
	rig_sound(&rig);
	quire_vm_unmap_aliases(rig.q);
	stat = vmalloc_stat(&rig);
	CHECK_EQ(stat.nr_kept + stat.nr_lazy, 0);
	rig_sound(&rig);
	rig_end(&rig);
}

/* What is written at an address arrives in the frame that is mapped there now. */
static void check_frame(struct rig *rig, quire_virt_t virt, uint64_t value)
{
	struct quire_page *page = quire_vmalloc_page(rig->q, virt);
	uint64_t back = 0;

	check_memory(rig, virt.v, value);
	memcpy(&back, quire_hosted_frame(&rig->host, quire_page_pfn(rig->q, page)), sizeof(back));
	CHECK_EQ(back, value);
}

/* Use @a's address anew after @flush; another frame is there then. */
static void reuse(struct rig *rig, quire_virt_t *a, bool aliases)
{
	quire_virt_t old = *a, device = { 0 };

	check_frame(rig, *a, 1);
	CHECK_EQ(quire_vfree(rig->q, *a), QUIRE_VFREE_OK);
	if (aliases) {
		quire_vm_unmap_aliases(rig->q);
	} else {
		/* More lazy pages than there may be. */
		CHECK_EQ(quire_ioremap(rig->q, quire_phys(0xc0000000), MB(100), QUIRE_PTE_UC,
				       &device),
			 0);
		CHECK_EQ(quire_iounmap(rig->q, device), QUIRE_VFREE_OK);
	}
	struct quire_page *held = quire_page_alloc(rig->q, QUIRE_GFP_KERNEL, 0);

	CHECK_EQ(quire_vmalloc(rig->q, 4096, a), 0);
	CHECK_EQ(a->v, old.v);
	check_frame(rig, *a, 2);
	CHECK_EQ(quire_page_free(rig->q, held, 0), QUIRE_FREE_OK);
}

/* Fails if a range is used again before the TLBs were flushed. */
TEST(no_stale_translation)
{
	EACH_MACHINE(m)
	{
		struct rig rig;
		quire_virt_t a = { 0 };

		if (!kernel_start(&rig, all_machines[m], MB(64)))
			return;
		CHECK_EQ(quire_vmalloc(rig.q, 4096, &a), 0);
		reuse(&rig, &a, true);
		reuse(&rig, &a, false);
		CHECK(vmalloc_stat(&rig).nr_purges >= 2);
		rig_end(&rig);
	}
}

TEST(vmap)
{
	struct rig rig;
	struct quire_page *page[5];
	quire_virt_t a = { 0 }, ro = { 0 };
	struct quire_exception fault;
	uint64_t before, word = 7;

	if (!kernel_start(&rig, QUIRE_I386_PAE, GB(6)))
		return;
	for (int i = 0; i < 5; i++)
		page[i] = quire_page_alloc(rig.q, QUIRE_GFP_HIGHUSER, 0);
	before = kernel_idle(&rig);
	CHECK_EQ(quire_vmap(rig.q, page, 5, QUIRE_PTE_KERNEL, &a), 0);
	CHECK_EQ(quire_vmap(rig.q, page, 5, QUIRE_PTE_KERNEL_RO, &ro), 0);
	check_memory(&rig, a.v + 4 * 4096, 0x77);
	CHECK_EQ(quire_read(rig.q, virt_of(ro.v + 4 * 4096), &word, 8, NULL), 0);
	CHECK_EQ(word, 0x77);
	CHECK_EQ(quire_write(rig.q, ro, &word, 8, &fault), -QUIRE_EFAULT);
	CHECK_EQ(fault.error_code, QUIRE_PF_PRESENT | QUIRE_PF_WRITE);
	for (int i = 0; i < 5; i++)
		CHECK(quire_vmalloc_page(rig.q, virt_of(a.v + (uint64_t)i * 4096)) == page[i]);
	rig_sound(&rig);
	CHECK_EQ(quire_vunmap(rig.q, ro), QUIRE_VFREE_OK);
	CHECK_EQ(quire_vunmap(rig.q, a), QUIRE_VFREE_OK);
	/* The frames are the caller's still. */
	CHECK_EQ(kernel_idle(&rig), before);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(quire_page_free(rig.q, page[i], 0), QUIRE_FREE_OK);
	rig_end(&rig);
}

/* A frame to which somebody has taken a reference outlives its area. */
TEST(shared_frame)
{
	struct rig rig;
	quire_virt_t a = { 0 };

	if (!kernel_start(&rig, QUIRE_X86_64, MB(64)))
		return;
	CHECK_EQ(quire_vmalloc(rig.q, 3 * 4096, &a), 0);
	struct quire_page *page = quire_vmalloc_page(rig.q, virt_of(a.v + 4096));

	CHECK_EQ(quire_page_get(rig.q, page), 0);
	CHECK_EQ(quire_vfree(rig.q, a), QUIRE_VFREE_OK);
	CHECK_EQ(quire_page_count(page), 1);
	rig_sound(&rig);
	CHECK_EQ(quire_page_put(rig.q, page), QUIRE_FREE_OK);
	rig_end(&rig);
}

TEST(ioremap)
{
	struct rig rig;
	quire_virt_t a = { 0 }, b = { 0 }, c = { 0 };
	struct quire_mapping m;

	if (!kernel_start(&rig, QUIRE_X86_64, GB(1)))
		return;
	struct quire_table *table = quire_table_kernel(rig.q);

	CHECK_EQ(quire_ioremap(rig.q, quire_phys(0xfebc1010), 0x20, QUIRE_PTE_UC_MINUS, &a), 0);
	CHECK_EQ(a.v & 4095, 0x10);
	CHECK_EQ(quire_table_query(table, a, &m), 0);
	CHECK_EQ(m.phys.v, 0xfebc1000);
	CHECK_EQ(m.pte & QUIRE_PTE_CACHE, QUIRE_PTE_UC_MINUS);
	/* A frame buffer: write-combining, large pages, though it begins in the middle of one. */
	CHECK_EQ(quire_ioremap(rig.q, quire_phys(0xd0000000), MB(16), QUIRE_PTE_WC, &b), 0);
	CHECK_EQ(b.v % MB(2), 0);
	CHECK_EQ(quire_table_query(table, virt_of(b.v + MB(15)), &m), 0);
	CHECK_EQ(m.order, 9);
	CHECK_EQ(m.phys.v, 0xd0000000 + MB(14));
	CHECK_EQ(m.pte & QUIRE_PTE_CACHE, QUIRE_PTE_WC);
	/* Across a page border: two pages. */
	CHECK_EQ(quire_ioremap(rig.q, quire_phys(0xe0000ffc), 8, QUIRE_PTE_WT, &c), 0);
	CHECK_EQ(quire_table_query(table, virt_of(c.v + 4), &m), 0);
	CHECK_EQ(m.phys.v, 0xe0001000);
	CHECK_EQ(m.pte & QUIRE_PTE_CACHE, QUIRE_PTE_WT);
	rig_sound(&rig);
	CHECK_EQ(quire_iounmap(rig.q, virt_of(b.v + MB(2))), QUIRE_VFREE_INSIDE);
	CHECK_EQ(quire_vfree(rig.q, b), QUIRE_VFREE_KIND);
	CHECK_EQ(quire_iounmap(rig.q, a), QUIRE_VFREE_OK);
	CHECK_EQ(quire_iounmap(rig.q, b), QUIRE_VFREE_OK);
	CHECK_EQ(quire_iounmap(rig.q, c), QUIRE_VFREE_OK);
	CHECK_EQ(quire_iounmap(rig.q, a), QUIRE_VFREE_DOUBLE);
	CHECK_EQ(quire_table_query(table, b, &m), -QUIRE_ENOENT);
	rig_end(&rig);
}

/* Large pages where blocks are to be had, single frames for the rest. */
TEST(huge)
{
	EACH_MACHINE(m)
	{
		struct rig rig;
		struct quire_mapping map;
		quire_virt_t a = { 0 };

		if (!kernel_start(&rig, all_machines[m], MB(512)))
			return;
		struct quire_table *table = quire_table_kernel(rig.q);
		uint64_t large = 4096ull << quire_pageblock_order(rig.q);

		CHECK_EQ(quire_vmalloc_huge(rig.q, 2 * large + 5 * 4096, QUIRE_GFP_KERNEL, &a), 0);
		CHECK_EQ(a.v % large, 0);
		CHECK_EQ(quire_table_query(table, virt_of(a.v + large), &map), 0);
		CHECK_EQ(map.order, quire_pageblock_order(rig.q));
		CHECK_EQ(quire_table_query(table, virt_of(a.v + 2 * large + 4 * 4096), &map), 0);
		CHECK_EQ(map.order, 0);
		check_memory(&rig, a.v + 2 * large - 8, 99);
		check_fault(&rig, a.v + 2 * large + 5 * 4096);
		rig_sound(&rig);
		CHECK_EQ(quire_vfree(rig.q, a), QUIRE_VFREE_OK);
		/* Less than one large page: as quire_vmalloc. */
		CHECK_EQ(quire_vmalloc_huge(rig.q, 4096, QUIRE_GFP_KERNEL, &a), 0);
		CHECK_EQ(quire_vfree(rig.q, a), QUIRE_VFREE_OK);
		rig_end(&rig);
	}
}

/* What the kernel maps while a process runs is seen there: tables are shared, or brought in. */
TEST(seen_by_processes)
{
	EACH_MACHINE(m)
	{
		struct quire_table *table = NULL;
		struct quire_mapping map;
		quire_virt_t a = { 0 };
		struct rig rig;

		if (!kernel_start(&rig, all_machines[m], GB(1)))
			return;
		CHECK_EQ(quire_table_create(rig.q, &table), 0);
		CHECK_EQ(quire_table_load(table), 0);
		CHECK_EQ(quire_vmalloc(rig.q, MB(5), &a), 0);
		/* Two-level i386: not before the first touch, which faults and is repaired. */
		CHECK_EQ(quire_table_query(table, a, &map), m == 0 ? -QUIRE_ENOENT : 0);
		check_frame(&rig, a, 3);
		check_frame(&rig, virt_of(a.v + MB(5) - 4096), 4);
		CHECK_EQ(quire_table_query(table, a, &map), 0);
		CHECK_EQ(quire_vfree(rig.q, a), QUIRE_VFREE_OK);
		quire_vm_unmap_aliases(rig.q);
		check_fault(&rig, a.v);
		rig_sound(&rig);
		CHECK_EQ(quire_table_load(quire_table_kernel(rig.q)), 0);
		CHECK_EQ(quire_table_destroy(table), 0);
		rig_end(&rig);
	}
}

/* Whatever was not freed goes with the machine. */
TEST(teardown)
{
	struct rig rig;
	quire_virt_t a;

	if (!kernel_start(&rig, QUIRE_I386, GB(1)))
		return;
	for (uint64_t i = 1; i < 40; i++)
		CHECK_EQ(quire_vmalloc(rig.q, i * 4096, &a), 0);
	CHECK_EQ(quire_ioremap(rig.q, quire_phys(0xfebc0000), 4096, QUIRE_PTE_UC, &a), 0);
	rig_end(&rig);
}

/* Two machines do not know of each other. */
TEST(two_machines)
{
	struct rig one, two;
	quire_virt_t a = { 0 }, b = { 0 };

	if (!kernel_start(&one, QUIRE_I386, MB(256)) || !kernel_start(&two, QUIRE_I386, MB(256)))
		return;
	CHECK_EQ(quire_vmalloc(one.q, 4096, &a), 0);
	CHECK_EQ(quire_vfree(two.q, a), QUIRE_VFREE_FOREIGN);
	CHECK_EQ(quire_vmalloc(two.q, 4096, &b), 0);
	CHECK_EQ(a.v, b.v);
	CHECK_EQ(quire_hash(one.q), quire_hash(two.q));
	rig_end(&two);
	rig_end(&one);
}

TEST_MAIN(CASE(allocates), CASE(scattered), CASE(zones_and_zeros), CASE(wrong_use),
	  CASE(wrong_requests), CASE(no_addresses), CASE(lazy), CASE(no_stale_translation),
	  CASE(vmap), CASE(shared_frame), CASE(ioremap), CASE(huge),
	  CASE(seen_by_processes), CASE(teardown),
	  CASE(two_machines))
