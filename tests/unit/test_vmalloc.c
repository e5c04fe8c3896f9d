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
		uint64_t before = rig_free(&rig);

		CHECK_EQ(quire_vmalloc(rig.q, 3 * 4096 + 1, &a), 0);
		CHECK_EQ(a.v, l.vmalloc_start.v);
		CHECK_EQ(quire_vmalloc(rig.q, 4096, &b), 0);
		/* Four pages and the guard. */
		CHECK_EQ(b.v, a.v + 5 * 4096);
		for (uint64_t i = 0; i < 4; i++)
			check_memory(&rig, a.v + i * 4096, 0x1234567890abcdef + i);
		check_fault(&rig, a.v + 4 * 4096);
		check_fault(&rig, b.v + 4096);
		CHECK_EQ(rig_free(&rig) < before - 4, 1);
		CHECK_EQ(vmalloc_stat(&rig).nr_areas, 2);
		CHECK_EQ(vmalloc_stat(&rig).nr_pages, 5);
		rig_sound(&rig);
		CHECK_EQ(quire_vfree(rig.q, a), QUIRE_VFREE_OK);
		CHECK_EQ(quire_vfree(rig.q, b), QUIRE_VFREE_OK);
		CHECK_EQ(vmalloc_stat(&rig).nr_lazy, 2);
		rig_sound(&rig);
		quire_vm_unmap_aliases(rig.q);
		CHECK_EQ(vmalloc_stat(&rig).nr_lazy, 0);
		check_fault(&rig, a.v);
		CHECK_EQ(rig_free(&rig), before);
		rig_end(&rig);
	}
}

TEST_MAIN(CASE(allocates))
