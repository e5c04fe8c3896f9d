/* SPDX-License-Identifier: MIT */
/*
 * test_user_large.c - large leaves in a process's page table: set, found, changed, split, folded
 */
#include "paging.h"

#include "pgtable/user.h"

#define AT MB(64)
#define PHYS MB(16)
#define BITS (QUIRE_PTE_USER_RW & ~(quire_pte_t)QUIRE_PTE_NX)

static struct rig rig;
static struct quire_table *t;
static struct quire_tlb tlb;
static uint64_t large_bytes;

static bool begin(enum quire_machine machine)
{
	if (!paging_start(&rig, machine, MB(64)))
		return false;
	CHECK_EQ(quire_table_create(rig.q, &t), 0);
	large_bytes = user_large_bytes(t);
	quire_tlb_begin(&tlb, t);
	return true;
}

static void end(void)
{
	CHECK_EQ(quire_table_destroy(t), 0);
	rig_end(&rig);
}

/* A large leaf at @virt, with a table to split it. */
static void set(uint64_t virt, uint64_t phys)
{
	struct stock stock = { .q = rig.q };
	struct large slot;
	uintptr_t token;

	CHECK_EQ(stock_fill(&stock, 1 + user_need_large(t, virt)), 0);
	token = table_enter(t);
	user_make_large(t, virt, &stock, &slot);
	CHECK_EQ(slot.entry, 0);
	CHECK_EQ(slot.start, virt & ~(large_bytes - 1));
	user_set_large(t, &slot, format_user(t->format, 1, BITS) | phys);
	user_deposit(t, &stock);
	table_leave(t, token);
	CHECK_EQ(stock.nr, 0);
}

/* Take the one at @virt, and its table. Return: what it was */
static uint64_t take(uint64_t virt)
{
	uintptr_t token = table_enter(t);
	struct large slot;
	uint64_t entry = 0;

	CHECK(user_large(t, virt, &slot));
	entry = user_take_large(t, &slot, &tlb);
	user_withdraw(t, &tlb);
	table_leave(t, token);
	quire_tlb_flush(&tlb);
	return entry;
}

static void check_pages(uint64_t from, uint64_t bytes, uint64_t phys, quire_pte_t pte)
{
	struct quire_mapping is;

	for (uint64_t n = 0; n < bytes; n += large_bytes / 8) {
		CHECK_EQ(quire_table_query(t, virt(from + n), &is), 0);
		CHECK_EQ(is.phys.v + (from + n - is.virt.v), phys + n);
		CHECK_EQ(is.pte & ~(quire_pte_t)(QUIRE_PTE_ACCESSED | QUIRE_PTE_DIRTY), pte);
		CHECK_EQ(user_look(t, from + n) & t->format->address, phys + n);
	}
}

static const enum quire_machine machines[] = { QUIRE_I386, QUIRE_I386_PAE, QUIRE_X86_64,
					       QUIRE_X86_64_LA57 };
#define EACH(m) for (unsigned m = 0; m < 4; m++)

TEST(set_found_and_taken)
{
	EACH(m)
	{
		struct large slot;
		uint64_t at = AT + 5, before;

		if (!begin(machines[m]))
			return;
		before = rig_free(&rig);
		CHECK(!user_large(t, AT, &slot));
		CHECK(!user_next_large(t, &at, AT + GB(1), &slot));
		set(AT + large_bytes, PHYS);
		set(AT + 3 * large_bytes, PHYS + large_bytes);
		rig_sound(&rig);
		at = AT + 5;
		CHECK(user_next_large(t, &at, AT + GB(1), &slot));
		CHECK_EQ(at, AT + large_bytes);
		CHECK_EQ(user_large_phys(t, slot.entry), PHYS);
		at += 4096;
		CHECK(user_next_large(t, &at, AT + GB(1), &slot));
		CHECK_EQ(at, AT + large_bytes + 4096);
		at = AT + 2 * large_bytes;
		CHECK(!user_next_large(t, &at, AT + 3 * large_bytes - 1, &slot));
		at = AT + 2 * large_bytes;
		CHECK(user_next_large(t, &at, AT + 3 * large_bytes, &slot));
		CHECK_EQ(at, AT + 3 * large_bytes);
		/* Loops over page tables pass over them. */
		at = AT;
		CHECK(!user_next(t, &at, AT + GB(1)));
		CHECK_EQ(user_look(t, AT), 0);
		check_pages(AT + large_bytes, large_bytes, PHYS, BITS);
		take(AT + large_bytes);
		rig_sound(&rig);
		take(AT + 3 * large_bytes);
		CHECK_EQ(t->deposit.nr, 0);
		CHECK_EQ(rig_free(&rig), before);
		end();
	}
}

TEST(a_large_leaf_loses_rights_and_keeps_its_address)
{
	EACH(m)
	{
		struct large slot;
		uintptr_t token;

		if (!begin(machines[m]))
			return;
		set(AT, PHYS);
		token = table_enter(t);
		CHECK(user_large(t, AT, &slot));
		CHECK(user_change_large(t, &slot, t->format->address | ENTRY_MARKS,
					format_user(t->format, 1, QUIRE_PTE_USER)));
		CHECK(!user_change_large(t, &slot, t->format->address | ENTRY_MARKS,
					 format_user(t->format, 1, QUIRE_PTE_USER)));
		user_forget_large(t, &slot, &tlb);
		CHECK(user_large(t, AT, &slot));
		CHECK(!(slot.entry & QUIRE_PTE_PRESENT) && (slot.entry & ENTRY_NONE));
		CHECK_EQ(user_large_phys(t, slot.entry), PHYS);
		table_leave(t, token);
		quire_tlb_flush(&tlb);
		rig_sound(&rig);
		/* Also when it is split. */
		token = table_enter(t);
		CHECK(user_large(t, AT, &slot));
		user_split(t, &slot, PHYS, 4096, &tlb);
		CHECK_EQ(user_look(t, AT + 4096) & t->format->address, PHYS + 4096);
		CHECK(user_look(t, AT + 4096) & ENTRY_NONE);
		table_leave(t, token);
		quire_tlb_flush(&tlb);
		rig_sound(&rig);
		CHECK_EQ(quire_table_unmap(t, virt(AT), large_bytes, NULL), 0);
		end();
	}
}

TEST(split_and_folded_again)
{
	EACH(m)
	{
		struct quire_table_stat one, many;
		struct large slot;
		uintptr_t token;
		uint64_t entry;

		if (!begin(machines[m]))
			return;
		set(AT, PHYS);
		quire_table_stat(t, &one);
		token = table_enter(t);
		CHECK(user_large(t, AT + 4096, &slot));
		user_split(t, &slot, PHYS, 4096, &tlb);
		CHECK(!user_large(t, AT, &slot));
		CHECK(user_find(t, AT) != NULL);
		CHECK_EQ(t->deposit.nr, 0);
		table_leave(t, token);
		quire_tlb_flush(&tlb);
		rig_sound(&rig);
		check_pages(AT, large_bytes, PHYS, BITS);
		quire_table_stat(t, &many);
		CHECK_EQ(many.nr_tables, one.nr_tables);
		CHECK_EQ(many.nr_mapped[0], large_bytes / 4096);
		CHECK_EQ(many.nr_mapped[1], 0);
		/* Hidden and shown: as it was. */
		token = table_enter(t);
		entry = user_look(t, AT);
		user_hide(t, AT + 4096, &tlb, &slot);
		CHECK_EQ(user_look(t, AT), 0);
		user_show(t, &slot);
		CHECK_EQ(user_look(t, AT), entry);
		table_leave(t, token);
		quire_tlb_flush(&tlb);
		rig_sound(&rig);
		token = table_enter(t);
		user_hide(t, AT + 4096, &tlb, &slot);
		user_fold(t, &slot, format_user(t->format, 1, BITS) | (PHYS + large_bytes));
		table_leave(t, token);
		quire_tlb_flush(&tlb);
		rig_sound(&rig);
		check_pages(AT, large_bytes, PHYS + large_bytes, BITS);
		quire_table_stat(t, &many);
		CHECK_EQ(many.nr_tables, one.nr_tables);
		CHECK_EQ(many.nr_mapped[1], 1);
		take(AT);
		end();
	}
}

TEST(table_8_what_is_set_aside_is_counted)
{
	struct quire_violation broken = { NULL, NULL, 0 };

	if (!begin(QUIRE_X86_64))
		return;
	set(AT, PHYS);
	t->deposit.nr++;
	CHECK(!quire_check(rig.q, &broken));
	CHECK_STR(broken.rule ? broken.rule : "none", "TABLE-8");
	t->deposit.nr--;
	frames_disown(t->deposit.first);
	CHECK(!quire_check(rig.q, &broken));
	CHECK_STR(broken.rule ? broken.rule : "none", "TABLE-8");
	frames_own(t->deposit.first, QUIRE_OWNER_TABLE);
	rig_sound(&rig);
	take(AT);
	end();
}

TEST_MAIN(CASE(set_found_and_taken), CASE(a_large_leaf_loses_rights_and_keeps_its_address),
	  CASE(split_and_folded_again), CASE(table_8_what_is_set_aside_is_counted))
