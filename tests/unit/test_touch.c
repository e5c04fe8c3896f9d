/* SPDX-License-Identifier: MIT */
/*
 * test_touch.c - the contents of frames, in the direct map and in high memory
 */
#include "kernel.h"

#include "kmem/touch.h"

static unsigned char *contents(struct rig *rig, const struct quire_page *page)
{
	return quire_hosted_frame(&rig->host, quire_page_pfn(rig->q, page));
}

/* All that can be done to a frame; what lies around must stay. */
static void check_touch(struct rig *rig, struct quire_page *a, struct quire_page *b)
{
	unsigned char buf[QUIRE_PAGE_SIZE];

	for (unsigned i = 0; i < sizeof(buf); i++)
		buf[i] = (unsigned char)(i * 7 + 1);
	CHECK_EQ(quire_page_write(rig->q, a, 0, buf, sizeof(buf)), 0);
	CHECK(!memcmp(contents(rig, a), buf, sizeof(buf)));
	CHECK_EQ(touch_copy(rig->q, b, a), 0);
	CHECK(!memcmp(contents(rig, b), buf, sizeof(buf)));
	CHECK_EQ(touch_zero(rig->q, b, 100, 3000), 0);
	CHECK_EQ(quire_page_write(rig->q, b, 4000, "end", 3), 0);
	memset(buf + 100, 0, 3000);
	memcpy(buf + 4000, "end", 3);
	CHECK(!memcmp(contents(rig, b), buf, sizeof(buf)));
	memset(buf, 0, sizeof(buf));
	CHECK_EQ(quire_page_read(rig->q, b, 3999, buf + 1, 5), 0);
	CHECK(!memcmp(buf + 1, contents(rig, b) + 3999, 5));
	CHECK(!buf[0] && !buf[6]);
	CHECK_EQ(quire_page_read(rig->q, b, 4096, buf, 0), 0);
	CHECK_EQ(quire_page_read(rig->q, b, 4096, buf, 1), -QUIRE_EINVAL);
	CHECK_EQ(quire_page_write(rig->q, b, 1, buf, 4096), -QUIRE_EINVAL);
}

TEST(direct_and_high)
{
	EACH_MACHINE(m) {
		bool wide = all_machines[m] >= QUIRE_X86_64;
		struct rig rig;

		if (!kernel_start(&rig, all_machines[m], wide ? MB(64) : MB(1024)))
			return;
		struct quire_page *page[4];
		for (int i = 0; i < 4; i++)
			page[i] = quire_page_alloc(
				rig.q, i < 2 ? QUIRE_GFP_KERNEL : QUIRE_GFP_HIGHUSER_MOVABLE, 0);
		CHECK_EQ(quire_page_address(rig.q, page[2]).v != 0, wide);
		for (int i = 0; i < 4; i++)
			check_touch(&rig, page[i], page[(i + 1) % 4]);
		for (int i = 0; i < 4; i++)
			quire_page_free(rig.q, page[i], 0);
		rig_end(&rig);
	}
}

/* All windows of the processor are open: then it says so. */
TEST(no_window)
{
	struct rig rig;
	quire_virt_t virt;
	unsigned depth = 0;
	char byte = 0;

	if (!kernel_start(&rig, QUIRE_I386, MB(1024)))
		return;
	struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_HIGHUSER_MOVABLE, 0);
	quire_virt_t open[64];
	while (depth < 64 && !quire_kmap_local(rig.q, page, &virt))
		open[depth++] = virt;
	CHECK_EQ(quire_page_read(rig.q, page, 0, &byte, 1), -QUIRE_EAGAIN);
	while (depth)
		CHECK_EQ(quire_kunmap_local(rig.q, open[--depth]), QUIRE_KUNMAP_OK);
	CHECK_EQ(quire_page_read(rig.q, page, 0, &byte, 1), 0);
	quire_page_free(rig.q, page, 0);
	rig_end(&rig);
}

TEST_MAIN(CASE(direct_and_high), CASE(no_window))
