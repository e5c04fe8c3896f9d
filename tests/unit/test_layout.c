/* SPDX-License-Identifier: MIT */
/*
 * test_layout.c - where everything is, against Linux's documentation and messages
 */
#include "rig.h"

#include <quire/layout.h>

struct want {
	uint64_t start, last;
	enum quire_region region;
};

/* Documentation/x86/x86_64/mm.rst, line by line; the fixmap's start is "variable". */
static const struct want four[] = {
	{ 0x0000000000000000, 0x00007fffffffffff, QUIRE_REGION_USER },
	{ 0x0000800000000000, 0xffff7fffffffffff, QUIRE_REGION_NONCANON },
	{ 0xffff800000000000, 0xffff87ffffffffff, QUIRE_REGION_HOLE },
	{ 0xffff880000000000, 0xffff887fffffffff, QUIRE_REGION_LINUX },
	{ 0xffff888000000000, 0xffffc87fffffffff, QUIRE_REGION_DIRECT },
	{ 0xffffc88000000000, 0xffffc8ffffffffff, QUIRE_REGION_HOLE },
	{ 0xffffc90000000000, 0xffffe8ffffffffff, QUIRE_REGION_VMALLOC },
	{ 0xffffe90000000000, 0xffffe9ffffffffff, QUIRE_REGION_HOLE },
	{ 0xffffea0000000000, 0xffffeaffffffffff, QUIRE_REGION_VMEMMAP },
	{ 0xffffeb0000000000, 0xffffebffffffffff, QUIRE_REGION_HOLE },
	{ 0xffffec0000000000, 0xfffffbffffffffff, QUIRE_REGION_LINUX },
};

static const struct want five[] = {
	{ 0x0000000000000000, 0x00ffffffffffffff, QUIRE_REGION_USER },
	{ 0x0100000000000000, 0xfeffffffffffffff, QUIRE_REGION_NONCANON },
	{ 0xff00000000000000, 0xff0fffffffffffff, QUIRE_REGION_HOLE },
	{ 0xff10000000000000, 0xff10ffffffffffff, QUIRE_REGION_LINUX },
	{ 0xff11000000000000, 0xff90ffffffffffff, QUIRE_REGION_DIRECT },
	{ 0xff91000000000000, 0xff9fffffffffffff, QUIRE_REGION_HOLE },
	{ 0xffa0000000000000, 0xffd1ffffffffffff, QUIRE_REGION_VMALLOC },
	{ 0xffd2000000000000, 0xffd3ffffffffffff, QUIRE_REGION_HOLE },
	{ 0xffd4000000000000, 0xffd5ffffffffffff, QUIRE_REGION_VMEMMAP },
	{ 0xffd6000000000000, 0xffdeffffffffffff, QUIRE_REGION_HOLE },
	{ 0xffdf000000000000, 0xfffffbffffffffff, QUIRE_REGION_LINUX },
};

static const struct want both[] = {
	{ 0xfffffc0000000000, 0xfffffdffffffffff, QUIRE_REGION_HOLE },
	{ 0xfffffe0000000000, 0xfffffe7fffffffff, QUIRE_REGION_LINUX },
	{ 0xfffffe8000000000, 0xfffffeffffffffff, QUIRE_REGION_HOLE },
	{ 0xffffff0000000000, 0xffffff7fffffffff, QUIRE_REGION_LINUX },
	{ 0xffffff8000000000, 0xffffffeeffffffff, QUIRE_REGION_HOLE },
	{ 0xffffffef00000000, 0xfffffffeffffffff, QUIRE_REGION_LINUX },
	{ 0xffffffff00000000, 0xffffffff7fffffff, QUIRE_REGION_HOLE },
	{ 0xffffffff80000000, 0xffffffff9fffffff, QUIRE_REGION_TEXT },
	{ 0xffffffffa0000000, 0xfffffffffeffffff, QUIRE_REGION_MODULES },
	{ 0xffffffffff600000, 0xffffffffff600fff, QUIRE_REGION_VSYSCALL },
	{ 0xffffffffffe00000, 0xffffffffffffffff, QUIRE_REGION_HOLE },
};

/* The regions follow each other and end at the top of the address space. */
static void check_areas(const struct quire_layout *l, uint64_t top)
{
	CHECK_EQ(l->area[0].start, 0);
	for (unsigned i = 0; i + 1 < l->nr; i++) {
		CHECK(l->area[i].start < l->area[i].end);
		CHECK_EQ(l->area[i].end, l->area[i + 1].start);
	}
	CHECK_EQ(l->area[l->nr - 1].end, top);
	for (unsigned i = 0; i < l->nr; i++)
		CHECK(*quire_region_name(l->area[i].region) && *l->area[i].about);
}

static void check_wanted(const struct quire_layout *l, const struct want *want, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		quire_virt_t first = { want[i].start }, last = { want[i].last };
		const struct quire_layout_area *area = quire_layout_find(l, first);

		CHECK_EQ(area->region, want[i].region);
		CHECK(area == quire_layout_find(l, last));
		/* The last hole begins earlier: the table has nothing to say of what is before. */
		if (want[i].start != 0xffffffffffe00000) {
			CHECK_EQ(area->start, want[i].start);
			CHECK_EQ(area->end - 1, want[i].last);
		}
	}
}

static void layout_of(struct quire_config config, uint64_t bytes, struct quire_layout *l)
{
	struct rig rig;

	if (!rig_boot(&rig, config, bytes))
		return;
	CHECK_EQ(quire_layout(rig.q, l), 0);
	rig_end(&rig);
}

TEST(x86_64)
{
	struct quire_layout l;

	layout_of(rig_config(QUIRE_X86_64), MB(64), &l);
	check_areas(&l, 0);
	check_wanted(&l, four, sizeof(four) / sizeof(four[0]));
	check_wanted(&l, both, sizeof(both) / sizeof(both[0]));
	CHECK_EQ(l.page_offset.v, 0xffff888000000000);
	CHECK_EQ(l.high_memory.v, 0xffff888000000000 + MB(64));
	CHECK_EQ(l.vmalloc_start.v, 0xffffc90000000000);
	CHECK_EQ(l.vmalloc_end.v, 0xffffe90000000000);
	CHECK_EQ(l.pkmap_base.v, 0);
	CHECK_EQ(l.fixaddr_top.v, 0xffffffffff600000);
	CHECK(l.fixaddr_boot_start.v >= 0xffffffffff000000);
	layout_of(rig_config(QUIRE_X86_64_LA57), MB(64), &l);
	check_areas(&l, 0);
	check_wanted(&l, five, sizeof(five) / sizeof(five[0]));
	check_wanted(&l, both, sizeof(both) / sizeof(both[0]));
	CHECK_EQ(l.page_offset.v, 0xff11000000000000);
	CHECK_EQ(l.vmalloc_start.v, 0xffa0000000000000);
	CHECK_EQ(l.vmalloc_end.v, 0xffd2000000000000);
}

/* Linux's "virtual kernel memory layout" of a machine with high memory. */
TEST(i386)
{
	struct quire_layout l;

	layout_of(rig_config(QUIRE_I386), GB(1), &l);
	check_areas(&l, 1ull << 32);
	CHECK_EQ(l.nr, 9);
	CHECK_EQ(l.page_offset.v, 0xc0000000);
	CHECK_EQ(l.high_memory.v, 0xc0000000 + MB(896));
	CHECK_EQ(l.vmalloc_start.v, l.high_memory.v + MB(8));
	CHECK_EQ(l.pkmap_base.v, 0xff800000);
	CHECK_EQ(l.nr_pkmap, 1024);
	CHECK_EQ(l.vmalloc_end.v, 0xff7fe000);
	CHECK_EQ(l.fixaddr_top.v, 0xfffff000);
	CHECK_EQ(quire_layout_find(&l, (quire_virt_t){ 0xffffffff })->region, QUIRE_REGION_HOLE);
	CHECK_EQ(quire_layout_find(&l, (quire_virt_t){ 0xffffefff })->region, QUIRE_REGION_FIXMAP);
	CHECK_EQ(quire_layout_find(&l, (quire_virt_t){ 0xbfffffff })->region, QUIRE_REGION_USER);
	CHECK_EQ(quire_layout_find(&l, (quire_virt_t){ 0xc0000000 })->region, QUIRE_REGION_DIRECT);
	/* With less memory vmalloc begins lower. */
	layout_of(rig_config(QUIRE_I386), MB(256), &l);
	CHECK_EQ(l.high_memory.v, 0xd0000000);
	CHECK_EQ(l.vmalloc_start.v, 0xd0800000);
	check_areas(&l, 1ull << 32);
}

TEST(pae)
{
	struct quire_layout l;

	layout_of(rig_config(QUIRE_I386_PAE), GB(5), &l);
	check_areas(&l, 1ull << 32);
	CHECK_EQ(l.high_memory.v, 0xc0000000 + MB(896));
	CHECK_EQ(l.nr_pkmap, 512);
	CHECK_EQ(l.pkmap_base.v & (MB(2) - 1), 0);
	CHECK(l.pkmap_base.v + MB(2) < l.fixaddr_boot_start.v);
	CHECK_EQ(l.vmalloc_end.v, l.pkmap_base.v - 8192);
}

/* All splits, both formats, one processor and many: what is at the top fits. */
TEST(splits)
{
	static const uint64_t offset[] = { 0xc0000000, 0x80000000, 0x40000000 };

	for (int split = 0; split < QUIRE_NR_SPLITS; split++) {
		for (int many = 0; many < 4; many++) {
			struct quire_config config = rig_config(many & 1 ? QUIRE_I386_PAE
									 : QUIRE_I386);
			struct quire_layout l;

			config.split = (enum quire_split)split;
			config.nr_cpus = many & 2 ? QUIRE_CPUS_MAX : 1;
			layout_of(config, MB(3072), &l);
			check_areas(&l, 1ull << 32);
			CHECK_EQ(l.page_offset.v, offset[split]);
			CHECK_EQ(l.high_memory.v, 0xf8000000);
			CHECK(l.vmalloc_end.v - l.vmalloc_start.v >= MB(100));
			CHECK_EQ(l.pkmap_base.v % (many & 1 ? MB(2) : MB(4)), 0);
			CHECK(l.pkmap_base.v + l.nr_pkmap * 4096 < l.fixaddr_boot_start.v);
		}
	}
}

/* A kernel booted with vmalloc=512M has less lowmem. */
TEST(lowmem_moves)
{
	struct quire_config config = rig_config(QUIRE_I386);
	struct quire_layout l;

	config.lowmem_bytes = MB(512);
	layout_of(config, GB(1), &l);
	CHECK_EQ(l.high_memory.v, 0xc0000000 + MB(512));
	CHECK_EQ(l.vmalloc_start.v, 0xc0000000 + MB(520));
}

TEST(no_memory)
{
	struct quire_config config = rig_config(QUIRE_I386);
	struct quire_layout l;
	struct rig rig;

	if (!rig_create(&rig, &config))
		return;
	CHECK_EQ(quire_layout(rig.q, &l), -QUIRE_ENODEV);
	CHECK_EQ(l.nr, 0);
	quire_destroy(rig.q);
}

/* physical = logical - PAGE_OFFSET, for what is in the direct map alone. */
TEST(direct_addresses)
{
	struct quire_config config = rig_config(QUIRE_I386);
	struct rig rig;
	quire_virt_t virt = { 0 };
	quire_phys_t phys = { 0 };

	if (!rig_create(&rig, &config))
		return;
	quire_memblock_add(rig.q, quire_phys(0), quire_phys(MB(64)));
	quire_memblock_add(rig.q, quire_phys(MB(128)), quire_phys(GB(1)));
	quire_boot_zones(rig.q);
	CHECK_EQ(quire_phys_to_virt(rig.q, quire_phys(0x123456), &virt), QUIRE_DIRECT_OK);
	CHECK_EQ(virt.v, 0xc0123456);
	CHECK_EQ(quire_virt_to_phys(rig.q, virt, &phys), QUIRE_DIRECT_OK);
	CHECK_EQ(phys.v, 0x123456);
	/* Memory without an address, and no memory. */
	CHECK_EQ(quire_phys_to_virt(rig.q, quire_phys(MB(896)), &virt), QUIRE_DIRECT_HIGHMEM);
	CHECK(strstr(quire_direct_name(QUIRE_DIRECT_HIGHMEM), "HighMem") != NULL);
	CHECK_EQ(quire_phys_to_virt(rig.q, quire_phys(MB(100)), &virt), QUIRE_DIRECT_HOLE);
	CHECK_EQ(quire_phys_to_virt(rig.q, quire_phys(GB(2)), &virt), QUIRE_DIRECT_HOLE);
	CHECK_EQ(virt.v, 0xc0123456);
	/* The last byte of lowmem, and the gap behind it. */
	CHECK_EQ(quire_virt_to_phys(rig.q, (quire_virt_t){ 0xf7ffffff }, &phys), QUIRE_DIRECT_OK);
	CHECK_EQ(phys.v, MB(896) - 1);
	CHECK_EQ(quire_virt_to_phys(rig.q, (quire_virt_t){ 0xf8000000 }, &phys),
		 QUIRE_DIRECT_OTHER);
	CHECK_EQ(quire_virt_to_phys(rig.q, (quire_virt_t){ 0xbfffffff }, &phys),
		 QUIRE_DIRECT_OTHER);
	CHECK_EQ(quire_virt_to_phys(rig.q, (quire_virt_t){ 0xc0000000 + MB(100) }, &phys),
		 QUIRE_DIRECT_HOLE);
	CHECK_EQ(phys.v, MB(896) - 1);
	rig_end(&rig);
}

TEST(direct_addresses_64)
{
	struct rig rig;
	quire_virt_t virt = { 0 };
	quire_phys_t phys = { 0 };

	if (!rig_start(&rig, GB(8)))
		return;
	CHECK_EQ(quire_phys_to_virt(rig.q, quire_phys(GB(7)), &virt), QUIRE_DIRECT_OK);
	CHECK_EQ(virt.v, 0xffff888000000000 + GB(7));
	CHECK_EQ(quire_virt_to_phys(rig.q, virt, &phys), QUIRE_DIRECT_OK);
	CHECK_EQ(phys.v, GB(7));
	/* The kernel's image has a second address. */
	virt.v = 0xffffffff81000000;
	CHECK_EQ(quire_virt_to_phys(rig.q, virt, &phys), QUIRE_DIRECT_OK);
	CHECK_EQ(phys.v, MB(16));
	virt.v = 0xffffffffa0000000;
	CHECK_EQ(quire_virt_to_phys(rig.q, virt, &phys), QUIRE_DIRECT_OTHER);
	virt.v = 0xffffc90000000000;
	CHECK_EQ(quire_virt_to_phys(rig.q, virt, &phys), QUIRE_DIRECT_OTHER);
	virt.v = 0xffff888000000000 + GB(8);
	CHECK_EQ(quire_virt_to_phys(rig.q, virt, &phys), QUIRE_DIRECT_OTHER);
	rig_end(&rig);
}

TEST_MAIN(CASE(x86_64), CASE(i386), CASE(pae), CASE(splits), CASE(lowmem_moves), CASE(no_memory),
	  CASE(direct_addresses), CASE(direct_addresses_64))
