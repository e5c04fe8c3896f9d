/* SPDX-License-Identifier: MIT */
/*
 * test_pgtable.c - page tables: what each operation does, and what it refuses
 */
#include "paging.h"

TEST(map_and_query)
{
	for (unsigned kind = 0; kind < QUIRE_NR_MACHINES; kind++) {
		struct rig rig;
		struct quire_table *t;
		struct quire_mapping m;

		if (!paging_start(&rig, (enum quire_machine)kind, MB(64)))
			return;
		CHECK_EQ(quire_table_create(rig.q, &t), 0);
		CHECK_EQ(quire_table_map(t, virt(0x8048000), quire_phys(0x123000), 0x3000,
					 QUIRE_PTE_USER_RX, 0),
			 0);
		rig_sound(&rig);
		CHECK_EQ(quire_table_query(t, virt(0x8049abc), &m), 0);
		CHECK_EQ(m.virt.v, 0x8049000);
		CHECK_EQ(m.phys.v, 0x124000);
		CHECK_EQ(m.pte, QUIRE_PTE_USER_RX);
		CHECK_EQ(quire_table_query(t, virt(0x804b000), &m), -QUIRE_ENOENT);
		CHECK_EQ(quire_table_unmap(t, virt(0x8048000), 0x3000, NULL), 0);
		rig_sound(&rig);
		CHECK_EQ(quire_table_destroy(t), 0);
		rig_end(&rig);
	}
}

TEST_MAIN(CASE(map_and_query))
