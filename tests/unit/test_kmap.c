/* SPDX-License-Identifier: MIT */
/*
 * test_kmap.c - windows to high memory: counted, hashed, flushed when they run round; nested
 */
#include "kernel.h"

static struct quire_kmap_stat kmap_stat(struct rig *rig)
{
	struct quire_kmap_stat stat;

	quire_kmap_stat(rig->q, &stat);
	return stat;
}

static struct quire_page *high_page(struct rig *rig)
{
	struct quire_page *page = quire_page_alloc(rig->q, QUIRE_GFP_HIGHUSER, 0);

	CHECK(page && quire_page_zone(rig->q, page) == QUIRE_ZONE_HIGHMEM);
	return page;
}

/* What is written through a window arrives in the frame. */
static void check_window(struct rig *rig, quire_virt_t virt, struct quire_page *page,
			 uint64_t value)
{
	uint64_t back = 0;

	check_memory(rig, virt.v, value);
	memcpy(&back, quire_hosted_frame(&rig->host, quire_page_pfn(rig->q, page)), sizeof(back));
	CHECK_EQ(back, value);
}

/* Frames that have an address keep it. */
TEST(direct)
{
	EACH_MACHINE(m)
	{
		struct rig rig;
		quire_virt_t a = { 0 }, b = { 0 };

		if (!kernel_start(&rig, all_machines[m], GB(1)))
			return;
		struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0);

		CHECK_EQ(quire_kmap(rig.q, page, &a), 0);
		CHECK_EQ(quire_kmap_local(rig.q, page, &b), 0);
		CHECK_EQ(a.v, b.v);
		CHECK_EQ(a.v, quire_page_address(rig.q, page).v);
		check_window(&rig, a, page, 0x1122334455667788);
		CHECK_EQ(quire_kunmap_local(rig.q, b), QUIRE_KUNMAP_OK);
		CHECK_EQ(quire_kunmap(rig.q, page), 0);
		CHECK_EQ(kmap_stat(&rig).open, 0);
		CHECK_EQ(kmap_stat(&rig).total, m == 0 ? 1024 : m == 1 ? 512 : 0);
		quire_page_free(rig.q, page, 0);
		rig_end(&rig);
	}
}

TEST(counted)
{
	struct rig rig;
	struct quire_layout l;
	quire_virt_t a = { 0 }, b = { 0 };

	/* Above 4 GB: 32-bit addresses reach it through a window alone. */
	if (!kernel_start(&rig, QUIRE_I386_PAE, GB(6)))
		return;
	quire_layout(rig.q, &l);
	struct quire_page *page = high_page(&rig);

	while (quire_page_pfn(rig.q, page).v < GB(4) / 4096)
		page = high_page(&rig);
	CHECK_EQ(quire_page_address(rig.q, page).v, 0);
	CHECK_EQ(quire_kmap(rig.q, page, &a), 0);
	CHECK_EQ(a.v, l.pkmap_base.v);
	CHECK_EQ(quire_kmap(rig.q, page, &b), 0);
	CHECK_EQ(a.v, b.v);
	CHECK_EQ(quire_page_address(rig.q, page).v, a.v);
	check_window(&rig, a, page, 0x8877665544332211);
	CHECK_EQ(kmap_stat(&rig).open, 1);
	rig_sound(&rig);
	CHECK_EQ(quire_kunmap(rig.q, page), 0);
	CHECK_EQ(quire_page_address(rig.q, page).v, a.v);
	CHECK_EQ(quire_kunmap(rig.q, page), 0);
	CHECK_EQ(quire_page_address(rig.q, page).v, 0);
	/* Closed, but not forgotten: the same frame gets the same window. */
	CHECK_EQ(kmap_stat(&rig).open, 0);
	CHECK_EQ(kmap_stat(&rig).stale, 1);
	uint64_t hash = quire_hash(rig.q);

	CHECK_EQ(quire_kunmap(rig.q, page), -QUIRE_EINVAL);
	CHECK_EQ(quire_hash(rig.q), hash);
	CHECK_EQ(quire_kmap(rig.q, page, &b), 0);
	CHECK_EQ(a.v, b.v);
	CHECK_EQ(kmap_stat(&rig).stale, 0);
	CHECK_EQ(quire_kunmap(rig.q, page), 0);
	rig_sound(&rig);
	quire_page_free(rig.q, page, 0);
	rig_end(&rig);
}

/* All windows are taken: the machine says no. */
TEST(all_taken)
{
	for (int m = 0; m < 2; m++) {
		static struct quire_page *page[1025];
		struct rig rig;
		quire_virt_t a = { 0 };
		unsigned total = m ? 512 : 1024;

		if (!kernel_start(&rig, all_machines[m], GB(2)))
			return;
		for (unsigned i = 0; i <= total; i++)
			page[i] = high_page(&rig);
		for (unsigned i = 0; i < total; i++)
			CHECK_EQ(quire_kmap(rig.q, page[i], &a), 0);
		CHECK_EQ(kmap_stat(&rig).open, total);
		uint64_t hash = quire_hash(rig.q);

		CHECK_EQ(quire_kmap(rig.q, page[total], &a), -QUIRE_EAGAIN);
		CHECK_EQ(quire_hash(rig.q), hash);
		/* One more user of an open window is no trouble. */
		CHECK_EQ(quire_kmap(rig.q, page[5], &a), 0);
		CHECK_EQ(quire_kunmap(rig.q, page[5]), 0);
		CHECK_EQ(quire_kunmap(rig.q, page[7]), 0);
		CHECK_EQ(quire_kmap(rig.q, page[total], &a), 0);
		CHECK_EQ(kmap_stat(&rig).nr_flushes, 1);
		check_window(&rig, a, page[total], 17);
		rig_sound(&rig);
		rig_end(&rig);
	}
}

/* The windows run round many times; each shows its frame, never one that was there before. */
TEST(runs_round)
{
	struct rig rig;
	struct quire_page *page[700];
	quire_virt_t a = { 0 };

	if (!kernel_start(&rig, QUIRE_I386_PAE, GB(2)))
		return;
	for (int i = 0; i < 700; i++)
		page[i] = high_page(&rig);
	for (uint64_t n = 0; n < 5000 && !test_failures; n++) {
		struct quire_page *p = page[n * 11 % 700];

		CHECK_EQ(quire_kmap(rig.q, p, &a), 0);
		check_window(&rig, a, p, n);
		if (n % 50)
			CHECK_EQ(quire_kunmap(rig.q, p), 0);
		if (n % 100 == 0)
			rig_sound(&rig);
	}
	CHECK(kmap_stat(&rig).nr_flushes >= 8);
	rig_end(&rig);
}

TEST(nested)
{
	struct rig rig;
	struct quire_page *page[17];
	quire_virt_t a[17] = { { 0 } }, more = { 0 };
	struct quire_layout l;

	if (!kernel_start(&rig, QUIRE_I386, GB(1)))
		return;
	quire_layout(rig.q, &l);
	for (int i = 0; i < 17; i++)
		page[i] = high_page(&rig);
	for (int i = 0; i < 16; i++) {
		CHECK_EQ(quire_kmap_local(rig.q, page[i], &a[i]), 0);
		CHECK(a[i].v >= l.fixaddr_start.v && a[i].v < l.fixaddr_top.v);
		check_window(&rig, a[i], page[i], (uint64_t)i + 1);
	}
	rig_sound(&rig);
	uint64_t hash = quire_hash(rig.q);

	CHECK_EQ(quire_kmap_local(rig.q, page[16], &more), -QUIRE_EAGAIN);
	/* Only the newest can be closed. */
	CHECK_EQ(quire_kunmap_local(rig.q, a[14]), QUIRE_KUNMAP_ORDER);
	CHECK_EQ(quire_kunmap_local(rig.q, a[0]), QUIRE_KUNMAP_ORDER);
	CHECK_EQ(quire_hash(rig.q), hash);
	for (int i = 15; i >= 0; i--)
		CHECK_EQ(quire_kunmap_local(rig.q, virt_of(a[i].v + 100)), QUIRE_KUNMAP_OK);
	CHECK_EQ(quire_kunmap_local(rig.q, a[0]), QUIRE_KUNMAP_CLOSED);
	check_fault(&rig, a[0].v);
	CHECK_EQ(quire_kunmap_local(rig.q, virt_of(0x1000)), QUIRE_KUNMAP_FOREIGN);
	CHECK_EQ(quire_kunmap_local(rig.q, virt_of(0xfffff000)), QUIRE_KUNMAP_FOREIGN);
	CHECK_EQ(quire_kunmap_local(rig.q, l.pkmap_base), QUIRE_KUNMAP_FOREIGN);
	/* The window is used again at once: nothing of the old frame is seen. */
	CHECK_EQ(quire_kmap_local(rig.q, page[16], &more), 0);
	CHECK_EQ(more.v, a[0].v);
	check_window(&rig, more, page[16], 99);
	CHECK_EQ(quire_kunmap_local(rig.q, more), QUIRE_KUNMAP_OK);
	for (int i = 0; i <= QUIRE_KUNMAP_CPU; i++)
		CHECK(strlen(quire_kunmap_name((enum quire_kunmap)i)) > 1);
	rig_sound(&rig);
	rig_end(&rig);
}

/* Each processor has its own. */
TEST(processors)
{
	struct rig rig;
	quire_virt_t a = { 0 }, b = { 0 };

	if (!kernel_start(&rig, QUIRE_I386_PAE, GB(2)))
		return;
	struct quire_page *page = high_page(&rig);

	CHECK_EQ(quire_kmap_local(rig.q, page, &a), 0);
	quire_hosted_cpu(1);
	CHECK_EQ(quire_kmap_local(rig.q, page, &b), 0);
	CHECK_EQ(a.v - b.v, QUIRE_KMAP_DEPTH * 4096);
	CHECK_EQ(quire_kunmap_local(rig.q, a), QUIRE_KUNMAP_CPU);
	quire_hosted_cpu(0);
	CHECK_EQ(quire_kunmap_local(rig.q, b), QUIRE_KUNMAP_CPU);
	CHECK_EQ(quire_kunmap_local(rig.q, a), QUIRE_KUNMAP_OK);
	quire_hosted_cpu(1);
	CHECK_EQ(quire_kunmap_local(rig.q, b), QUIRE_KUNMAP_OK);
	rig_end(&rig);
}

/* With a window of its own open a processor can't wait for others: it can't flush. */
TEST(no_flush_inside)
{
	struct rig rig;
	quire_virt_t a = { 0 }, local = { 0 };

	if (!kernel_start(&rig, QUIRE_I386_PAE, GB(2)))
		return;
	struct quire_page *page = high_page(&rig);

	for (int i = 0; i < 512; i++) {
		struct quire_page *p = high_page(&rig);

		CHECK_EQ(quire_kmap(rig.q, p, &a), 0);
		CHECK_EQ(quire_kunmap(rig.q, p), 0);
	}
	CHECK_EQ(kmap_stat(&rig).stale, 512);
	CHECK_EQ(quire_kmap_local(rig.q, page, &local), 0);
	CHECK_EQ(quire_kmap(rig.q, page, &a), -QUIRE_EAGAIN);
	CHECK_EQ(quire_kunmap_local(rig.q, local), QUIRE_KUNMAP_OK);
	CHECK_EQ(quire_kmap(rig.q, page, &a), 0);
	CHECK_EQ(kmap_stat(&rig).nr_flushes, 1);
	rig_end(&rig);
}

TEST(wrong_use)
{
	struct rig rig;
	quire_virt_t a = { 5 };
	struct quire_page *bad = (struct quire_page *)32;

	if (!rig_boot(&rig, rig_config(QUIRE_I386), GB(1)))
		return;
	struct quire_page *page = high_page(&rig);

	CHECK_EQ(quire_kmap(rig.q, page, &a), -QUIRE_ENODEV);
	CHECK_EQ(quire_kunmap(rig.q, page), -QUIRE_ENODEV);
	CHECK_EQ(quire_kmap_local(rig.q, page, &a), -QUIRE_ENODEV);
	CHECK_EQ(quire_kunmap_local(rig.q, a), QUIRE_KUNMAP_FOREIGN);
	CHECK_EQ(quire_page_address(rig.q, page).v, 0);
	CHECK_EQ(quire_kernel_boot(rig.q), 0);
	CHECK_EQ(quire_kmap(rig.q, bad, &a), -QUIRE_EINVAL);
	CHECK_EQ(quire_kmap(rig.q, NULL, &a), -QUIRE_EINVAL);
	CHECK_EQ(quire_kunmap(rig.q, bad), -QUIRE_EINVAL);
	CHECK_EQ(quire_kmap_local(rig.q, bad, &a), -QUIRE_EINVAL);
	CHECK_EQ(quire_page_address(rig.q, bad).v, 0);
	CHECK_EQ(a.v, 5);
	rig_end(&rig);
}

TEST_MAIN(CASE(direct), CASE(counted), CASE(all_taken), CASE(runs_round), CASE(nested),
	  CASE(processors), CASE(no_flush_inside), CASE(wrong_use))
