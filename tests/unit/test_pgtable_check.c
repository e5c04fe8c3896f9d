/* SPDX-License-Identifier: MIT */
/*
 * test_pgtable_check.c - each rule of page tables, broken once: quire_check names it
 */
#include "paging.h"

#include "pgtable/table.h"

static struct rig rig;
static struct quire_table *process;

/* A process with a page at 4 MB, and the kernel's with one at the end of its half. */
static bool begin(enum quire_machine machine)
{
	if (!paging_start(&rig, machine, MB(32)))
		return false;
	CHECK_EQ(quire_table_map(quire_table_kernel(rig.q),
				 virt(quire_kernel_start(rig.q).v + MB(64)), quire_phys(0),
				 0x1000, QUIRE_PTE_KERNEL, 0),
		 0);
	CHECK_EQ(quire_table_create(rig.q, &process), 0);
	CHECK_EQ(quire_table_map(process, virt(MB(4)), quire_phys(0x1000), 0x1000,
				 QUIRE_PTE_USER_RW, 0),
		 0);
	return rig_sound(&rig);
}

static void check_names(const char *rule)
{
	struct quire_violation broken = { NULL, NULL, 0 };

	CHECK(!quire_check(rig.q, &broken));
	CHECK_STR(broken.rule ? broken.rule : "none", rule);
}

/* The entry of that level on the way to @v. */
static uint64_t *entry_of(struct quire_table *t, uint64_t v, unsigned level)
{
	struct quire_walk w;

	quire_table_walk(t, virt(v), QUIRE_ACCESS_READ, false, &w);
	const struct quire_walk_step *step = &w.step[t->format->nr_levels - 1 - level];

	return (uint64_t *)(void *)(rig.q->direct + step->table.v) + step->index;
}

static struct quire_page *page_of(uint64_t entry)
{
	return quire_pfn_page(rig.q, quire_pfn((entry & 0xffffffffff000) >> 12));
}

TEST(table_1_each_table_is_owned_and_pointed_to_once)
{
	if (!begin(QUIRE_X86_64))
		return;
	uint64_t *entry = entry_of(process, MB(4), 1), was = *entry;
	struct quire_page *page = page_of(was);

	frames_disown(page);
	check_names("TABLE-1");
	frames_own(page, QUIRE_OWNER_TABLE);
	page->private ^= 1u << TABLE_LEVEL_SHIFT;
	check_names("TABLE-1");
	page->private ^= 1u << TABLE_LEVEL_SHIFT;
	entry[1] = was;
	check_names("TABLE-1");
	entry[1] = 0;
	*entry = GB(1) | 0x27;
	check_names("TABLE-1");
	*entry = was;
	rig_end(&rig);
}

TEST(table_2_no_reserved_bits)
{
	if (!begin(QUIRE_I386_PAE))
		return;
	uint64_t *entry = entry_of(process, MB(4), 0), was = *entry;

	*entry = was | 1ull << 40;
	check_names("TABLE-2");
	*entry = was & ~1ull;
	check_names("TABLE-2");
	*entry = was;
	rig_end(&rig);
}

TEST(table_3_tables_count_their_entries)
{
	if (!begin(QUIRE_X86_64_LA57))
		return;
	uint64_t *entry = entry_of(process, MB(4), 0), was = *entry;
	struct quire_page *page = page_of(*entry_of(process, MB(4), 1));

	page->private++;
	check_names("TABLE-3");
	page->private -= 2;
	check_names("TABLE-3");
	*entry = 0; /* and now it is empty */
	check_names("TABLE-3");
	*entry = was;
	page->private++;
	rig_end(&rig);
}

TEST(table_4_counts)
{
	if (!begin(QUIRE_X86_64))
		return;
	process->nr_tables++;
	check_names("TABLE-4");
	process->nr_tables--;
	process->nr_leaf[0]--;
	check_names("TABLE-4");
	process->nr_leaf[0]++;
	process->nr_leaf[1]++;
	check_names("TABLE-4");
	process->nr_leaf[1]--;
	rig_end(&rig);
}

TEST(table_5_the_kernels_half)
{
	if (!begin(QUIRE_X86_64))
		return;
	uint64_t *entry = entry_of(process, quire_kernel_start(rig.q).v + MB(64), 3), was = *entry;

	*entry = 0;
	check_names("TABLE-5");
	*entry = was ^ 2;
	check_names("TABLE-5");
	*entry = was;
	rig_end(&rig);

	if (!begin(QUIRE_I386))
		return;
	/* On two levels it may be missing, but not be another one. */
	uint32_t *pde = (uint32_t *)(void *)process->root + (0xc0000000 >> 22) + 16;

	CHECK(*pde != 0);
	*pde ^= 4;
	check_names("TABLE-5");
	*pde = 0;
	CHECK(quire_check(rig.q, NULL));
	rig_end(&rig);
}

/* The hash sees entries, and which table a processor uses. */
TEST(hash)
{
	if (!begin(QUIRE_I386_PAE))
		return;
	uint64_t before = quire_hash(rig.q), *entry = entry_of(process, MB(4), 0);

	*entry ^= 2;
	CHECK(quire_hash(rig.q) != before);
	*entry ^= 2;
	CHECK_EQ(quire_hash(rig.q), before);
	CHECK_EQ(quire_table_load(process), 0);
	CHECK(quire_hash(rig.q) != before);
	rig_end(&rig);
}

TEST_MAIN(CASE(table_1_each_table_is_owned_and_pointed_to_once), CASE(table_2_no_reserved_bits),
	  CASE(table_3_tables_count_their_entries), CASE(table_4_counts),
	  CASE(table_5_the_kernels_half), CASE(hash))
