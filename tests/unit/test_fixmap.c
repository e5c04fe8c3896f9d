/* SPDX-License-Identifier: MIT */
/*
 * test_fixmap.c - fixed addresses, early ioremap, the boot that makes them, and what fails
 */
#include "kernel.h"

TEST(addresses)
{
	EACH_MACHINE(m)
	{
		struct rig rig;
		struct quire_layout l;
		unsigned slot = 77;

		if (!kernel_start(&rig, all_machines[m], MB(64)))
			return;
		quire_layout(rig.q, &l);
		CHECK_EQ(quire_fix_to_virt(rig.q, QUIRE_FIX_TOP).v, l.fixaddr_top.v);
		for (unsigned i = 0; i < 20; i++) {
			uint64_t virt = quire_fix_to_virt(rig.q, i).v;

			CHECK_EQ(virt, l.fixaddr_top.v - i * 4096);
			CHECK_EQ(quire_virt_to_fix(rig.q, virt_of(virt + 4095), &slot), 0);
			CHECK_EQ(slot, i);
		}
		CHECK_EQ(quire_virt_to_fix(rig.q, virt_of(l.fixaddr_top.v + 4096), &slot),
			 -QUIRE_EINVAL);
		CHECK_EQ(quire_virt_to_fix(rig.q, l.fixaddr_boot_start, &slot), 0);
		CHECK_EQ(quire_virt_to_fix(rig.q, virt_of(l.fixaddr_boot_start.v - 1), &slot),
			 -QUIRE_EINVAL);
		CHECK(!strcmp(quire_fix_name(rig.q, 0), m < 2 ? "guard" : "vsyscall"));
		CHECK(!strcmp(quire_fix_name(rig.q, QUIRE_FIX_APIC), "APIC"));
		CHECK(!strcmp(quire_fix_name(rig.q, QUIRE_FIX_IO_APIC + 7), "IO-APIC"));
		CHECK(!strcmp(quire_fix_name(rig.q, QUIRE_FIX_NR), m < 2 ? "kmap" : "unused"));
		CHECK(!strcmp(quire_fix_name(rig.q, slot), "early ioremap"));
		rig_end(&rig);
	}
}

TEST(set_and_clear)
{
	EACH_MACHINE(m)
	{
		struct rig rig;
		struct quire_mapping map;
		uint64_t word = 0;

		if (!kernel_start(&rig, all_machines[m], MB(64)))
			return;
		struct quire_table *table = quire_table_kernel(rig.q);
		quire_virt_t apic = quire_fix_to_virt(rig.q, QUIRE_FIX_APIC);
		uint64_t frames = rig_free(&rig);

		check_fault(&rig, apic.v);
		CHECK_EQ(quire_fixmap_set(rig.q, QUIRE_FIX_APIC, quire_phys(0xfee00000),
					  QUIRE_PTE_KERNEL | QUIRE_PTE_UC),
			 0);
		CHECK_EQ(quire_table_query(table, apic, &map), 0);
		CHECK_EQ(map.phys.v, 0xfee00000);
		CHECK_EQ(map.pte & QUIRE_PTE_CACHE, QUIRE_PTE_UC);
		rig_sound(&rig);
		/* Set anew: what was there before is not seen any more. */
		CHECK_EQ(quire_fixmap_set(rig.q, QUIRE_FIX_APIC, quire_phys(MB(2)),
					  QUIRE_PTE_KERNEL),
			 0);
		check_memory(&rig, apic.v, 5);
		CHECK_EQ(quire_fixmap_set(rig.q, QUIRE_FIX_APIC, quire_phys(MB(3)),
					  QUIRE_PTE_KERNEL),
			 0);
		check_memory(&rig, apic.v, 6);
		memcpy(&word, quire_hosted_frame(&rig.host, quire_pfn(MB(3) / 4096)), 8);
		CHECK_EQ(word, 6);
		CHECK_EQ(quire_fixmap_clear(rig.q, QUIRE_FIX_APIC), 0);
		check_fault(&rig, apic.v);
		CHECK_EQ(quire_fixmap_clear(rig.q, QUIRE_FIX_APIC), -QUIRE_EINVAL);
		/* Nothing was allocated for it. */
		CHECK_EQ(rig_free(&rig), frames);
		uint64_t hash = quire_hash(rig.q);

		CHECK_EQ(quire_fixmap_set(rig.q, QUIRE_FIX_TOP, quire_phys(0), QUIRE_PTE_KERNEL),
			 -QUIRE_EINVAL);
		CHECK_EQ(quire_fixmap_set(rig.q, QUIRE_FIX_NR, quire_phys(0), QUIRE_PTE_KERNEL),
			 -QUIRE_EINVAL);
		CHECK_EQ(quire_fixmap_set(rig.q, QUIRE_FIX_ACPI, quire_phys(5), QUIRE_PTE_KERNEL),
			 -QUIRE_EINVAL);
		CHECK_EQ(quire_fixmap_set(rig.q, QUIRE_FIX_ACPI, quire_phys(1ull << 60),
					  QUIRE_PTE_KERNEL),
			 -QUIRE_EINVAL);
		CHECK_EQ(quire_fixmap_set(rig.q, QUIRE_FIX_ACPI, quire_phys(0), QUIRE_PTE_USER_RW),
			 -QUIRE_EINVAL);
		CHECK_EQ(quire_fixmap_clear(rig.q, QUIRE_FIX_TOP), -QUIRE_EINVAL);
		CHECK_EQ(quire_hash(rig.q), hash);
		rig_end(&rig);
	}
}

TEST(early)
{
	EACH_MACHINE(m)
	{
		struct rig rig;
		quire_virt_t a[8] = { { 0 } }, more = { 0 };
		struct quire_mapping map;

		if (!kernel_start(&rig, all_machines[m], MB(64)))
			return;
		struct quire_table *table = quire_table_kernel(rig.q);
		uint64_t frames = rig_free(&rig), hash = quire_hash(rig.q);

		CHECK_EQ(quire_early_ioremap(rig.q, quire_phys(0xfed00010), 8, &a[0]), 0);
		CHECK_EQ(a[0].v & 4095, 0x10);
		CHECK_EQ(quire_table_query(table, a[0], &map), 0);
		CHECK_EQ(map.phys.v, 0xfed00000);
		CHECK_EQ(map.pte & QUIRE_PTE_CACHE, QUIRE_PTE_UC);
		for (uint64_t i = 1; i < 8; i++)
			CHECK_EQ(quire_early_memremap(rig.q, quire_phys(i * MB(4) + 4),
						      64 * 4096 - 4, &a[i]),
				 0);
		CHECK_EQ(quire_table_query(table, virt_of(a[7].v + 63 * 4096), &map), 0);
		CHECK_EQ(map.phys.v, MB(28) + 63 * 4096);
		CHECK_EQ(map.pte & QUIRE_PTE_CACHE, 0);
		check_memory(&rig, a[7].v + 63 * 4096, 1234);
		rig_sound(&rig);
		CHECK_EQ(quire_early_ioremap(rig.q, quire_phys(0), 1, &more), -QUIRE_EAGAIN);
		/* Closed as it was opened, not otherwise. */
		CHECK_EQ(quire_early_iounmap(rig.q, a[1], 4096), -QUIRE_EINVAL);
		CHECK_EQ(quire_early_iounmap(rig.q, virt_of(a[1].v + 4096), 63 * 4096),
			 -QUIRE_EINVAL);
		CHECK_EQ(quire_early_iounmap(rig.q, virt_of(MB(1)), 8), -QUIRE_EINVAL);
		CHECK_EQ(quire_early_iounmap(rig.q, quire_fix_to_virt(rig.q, 3), 8), -QUIRE_EINVAL);
		for (int i = 7; i > 0; i--)
			CHECK_EQ(quire_early_iounmap(rig.q, a[i], 64 * 4096 - 4), 0);
		CHECK_EQ(quire_early_iounmap(rig.q, a[0], 8), 0);
		CHECK_EQ(quire_early_iounmap(rig.q, a[0], 8), -QUIRE_EINVAL);
		check_fault(&rig, a[7].v);
		CHECK_EQ(quire_early_ioremap(rig.q, quire_phys(0), 0, &more), -QUIRE_EINVAL);
		CHECK_EQ(quire_early_ioremap(rig.q, quire_phys(1), KB(256), &more), -QUIRE_EINVAL);
		CHECK_EQ(quire_early_ioremap(rig.q, quire_phys(UINT64_MAX), 1, &more),
			 -QUIRE_EINVAL);
		CHECK_EQ(rig_free(&rig), frames);
		CHECK_EQ(quire_hash(rig.q), hash);
		rig_end(&rig);
	}
}

/* The direct map has what is memory, in the largest pages that fit, and nothing else. */
TEST(direct_map)
{
	static const struct {
		enum quire_machine machine;
		uint64_t kb4, large, gb1;
	} want[] = {
		/* 1 GB and, above a hole, 3 MB; lowmem ends at 896 MB. */
		{ QUIRE_I386, MB(4), MB(892), 0 },
		{ QUIRE_I386_PAE, MB(2), MB(894), 0 },
		{ QUIRE_X86_64, MB(2) + MB(1), MB(1022) + MB(2) + GB(1), GB(1) },
	};

	/* A process of 32 bits can't hold a direct map of 5 GB. */
	for (int i = 0; i < (sizeof(void *) == 4 ? 2 : 3); i++) {
		struct quire_config config = rig_config(want[i].machine);
		struct quire_direct_stat stat;
		struct quire_layout l;
		struct quire_mapping m;
		struct rig rig;

		if (!rig_create(&rig, &config))
			return;
		quire_memblock_add(rig.q, quire_phys(0), quire_phys(GB(1)));
		quire_memblock_add(rig.q, quire_phys(MB(1040)), quire_phys(MB(1043)));
		if (i == 2)
			quire_memblock_add(rig.q, quire_phys(GB(4) - GB(1)), quire_phys(GB(5)));
		quire_boot_zones(rig.q);
		CHECK_EQ(quire_direct_stat(rig.q, &stat), -QUIRE_ENODEV);
		CHECK_EQ(quire_kernel_boot(rig.q), 0);
		CHECK_EQ(quire_direct_stat(rig.q, &stat), 0);
		if (i == 2) {
			CHECK_EQ(stat.bytes_4k, MB(3));
			CHECK_EQ(stat.bytes_large, MB(1022) + MB(2));
			CHECK_EQ(stat.bytes_1g, GB(2));
		} else {
			CHECK_EQ(stat.bytes_4k, want[i].kb4);
			CHECK_EQ(stat.bytes_large, want[i].large);
			CHECK_EQ(stat.bytes_1g, want[i].gb1);
		}
		quire_layout(rig.q, &l);
		struct quire_table *table = quire_table_kernel(rig.q);

		CHECK_EQ(quire_table_query(table, virt_of(l.page_offset.v + MB(100)), &m), 0);
		CHECK_EQ(m.pte & QUIRE_PTE_GLOBAL, QUIRE_PTE_GLOBAL);
		CHECK_EQ(m.pte & QUIRE_PTE_NX, i ? QUIRE_PTE_NX : 0);
		CHECK_EQ(quire_table_query(table, l.high_memory, &m), -QUIRE_ENOENT);
		if (i == 2)
			CHECK_EQ(quire_table_query(table, virt_of(l.page_offset.v + MB(1030)), &m),
				 -QUIRE_ENOENT);
		check_memory(&rig, l.page_offset.v + MB(100), 7);
		check_fault(&rig, l.high_memory.v);
		rig_end(&rig);
	}
}

/* A PC: below 1 MB all is mapped; the kernel's image can be executed. */
TEST(image)
{
	EACH_MACHINE(m)
	{
		struct quire_config config = rig_config(all_machines[m]);
		struct quire_layout l;
		struct quire_mapping map;
		struct rig rig;
		uint64_t text;

		config.firmware = true;
		if (!rig_create(&rig, &config))
			return;
		quire_memblock_add(rig.q, quire_phys(0), quire_phys(0x9f000));
		quire_memblock_add(rig.q, quire_phys(MB(1)), quire_phys(MB(64)));
		quire_memblock_reserve(rig.q, quire_phys(MB(1)), quire_phys(MB(3)),
				       QUIRE_RESERVE_KERNEL);
		quire_memblock_reserve(rig.q, quire_phys(MB(3) + 8192), quire_phys(MB(5)),
				       QUIRE_RESERVE_KERNEL);
		CHECK_EQ(quire_boot_zones(rig.q), 0);
		CHECK_EQ(quire_kernel_boot(rig.q), 0);
		quire_layout(rig.q, &l);
		struct quire_table *table = quire_table_kernel(rig.q);

		CHECK_EQ(quire_table_query(table, virt_of(l.page_offset.v + 0xb8000), &map), 0);
		CHECK_EQ(map.order, 0);
		text = m < 2 ? l.page_offset.v : l.text_start.v;
		CHECK_EQ(quire_table_query(table, virt_of(text + MB(2)), &map), 0);
		CHECK_EQ(map.phys.v & ~0x3fffffull, 0);
		CHECK_EQ(map.pte & QUIRE_PTE_NX, 0);
		CHECK_EQ(quire_table_query(table, virt_of(text + MB(5) - 1), &map), 0);
		CHECK_EQ(map.pte & QUIRE_PTE_NX, 0);
		CHECK(map.order >= 9);
		CHECK_EQ(quire_table_query(table, virt_of(l.page_offset.v + MB(32)), &map), 0);
		CHECK_EQ(map.pte & QUIRE_PTE_NX, m ? QUIRE_PTE_NX : 0);
		CHECK(map.order >= 9);
		rig_end(&rig);
	}
}

/* The n-th allocation of the boot fails: it says so, and the machine is as it was. */
static void fail_boot(enum quire_machine machine, bool heap)
{
	for (uint64_t n = 1;; n++) {
		struct rig rig;

		if (!rig_boot(&rig, rig_config(machine), GB(1)))
			return;
		if (heap)
			CHECK_EQ(quire_slab_boot(rig.q, NULL), 0);
		if (heap)
			quire_slab_drain(rig.q);
		uint64_t free = rig_free(&rig), bytes = rig.host.live_bytes;

		rig.host.fail_at = rig.host.nr_allocs + n;
		int error = quire_kernel_boot(rig.q);

		rig.host.fail_at = 0;
		if (!error) {
			rig_end(&rig);
			break;
		}
		CHECK(error == -QUIRE_ENOMEM || error == -QUIRE_EOPNOTSUPP);
		if (heap)
			quire_slab_drain(rig.q);
		CHECK_EQ(rig_free(&rig), free);
		/* The direct map stays with the machine once it was asked for. */
		if (heap)
			CHECK_EQ(rig.host.live_bytes, bytes);
		CHECK(!quire_table_kernel(rig.q));
		rig_sound(&rig);
		CHECK_EQ(quire_kernel_boot(rig.q), 0);
		rig_end(&rig);
		if (test_failures)
			return;
	}
}

TEST(boot_fails)
{
	EACH_MACHINE(m)
	{
		fail_boot(all_machines[m], false);
		fail_boot(all_machines[m], true);
	}
}

/* There are no more than n frames for the tables. */
TEST(boot_without_frames)
{
	EACH_MACHINE(m)
	{
		int error = -QUIRE_ENOMEM;

		for (uint64_t n = 0; error; n++) {
			static struct quire_page *page[16384];
			struct rig rig;

			if (!rig_boot(&rig, rig_config(all_machines[m]), MB(48)))
				return;
			size_t nr = rig_fill(&rig, QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_MEMALLOC, 0,
					     page, 16384);

			for (uint64_t i = 0; i < n; i++)
				quire_page_free(rig.q, page[--nr], 0);
			uint64_t free = rig_free(&rig);

			quire_set_min_free_kbytes(rig.q, 1);
			error = quire_kernel_boot(rig.q);
			if (error) {
				CHECK_EQ(error, -QUIRE_ENOMEM);
				CHECK_EQ(rig_free(&rig), free);
			}
			rig_end(&rig);
			if (n > 400 || test_failures)
				return;
		}
	}
}

TEST(untouchable)
{
	struct rig rig;

	if (!rig_boot(&rig, rig_config(QUIRE_I386), MB(64)))
		return;
	rig.host.untouchable = true;
	CHECK_EQ(quire_kernel_boot(rig.q), -QUIRE_EOPNOTSUPP);
	CHECK_EQ(quire_fixmap_set(rig.q, QUIRE_FIX_APIC, quire_phys(0), QUIRE_PTE_KERNEL),
		 -QUIRE_ENODEV);
	rig_end(&rig);
	struct quire_config config = rig_config(QUIRE_I386);

	if (!rig_create(&rig, &config))
		return;
	CHECK_EQ(quire_kernel_boot(rig.q), -QUIRE_ENODEV);
	quire_destroy(rig.q);
}

TEST_MAIN(CASE(addresses), CASE(set_and_clear), CASE(early), CASE(direct_map), CASE(image),
	  CASE(boot_fails), CASE(boot_without_frames), CASE(untouchable))
