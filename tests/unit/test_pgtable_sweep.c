/* SPDX-License-Identifier: MIT */
/*
 * test_pgtable_sweep.c - page tables when frames are short, and when the host refuses
 *
 * Every frame is taken away. Each call is made with none free, then with one, with two … until it
 * works. Each refusal must be -ENOMEM, and tables and free frames as they were before.
 */
#include "paging.h"

#include "pgtable/check.h"
#include "pgtable/slots.h"

#define HOARD_MAX 20000

/** struct life - a machine, its free frames in a hoard */
struct life {
	struct rig rig;
	struct quire_table *kernel, *a, *b;
	struct quire_page *hoard[HOARD_MAX];
	size_t nr;
	unsigned refusals;
};

static struct life life;

static void refill(void)
{
	life.nr += rig_fill(&life.rig, QUIRE_GFP_KERNEL, 0, life.hoard + life.nr,
			    HOARD_MAX - life.nr);
}

static void spend(void)
{
	CHECK(life.nr > 0);
	if (life.nr)
		CHECK_EQ(quire_page_free(life.rig.q, life.hoard[--life.nr], 0), QUIRE_FREE_OK);
}

static uint64_t tables(void)
{
	return check_hash(life.rig.q, life.rig.q->tier[TIER_PGTABLE], 1);
}

/* Make a call with as few frames as will do. @least: how many that is */
#define SWEEP(call, least)                                                     \
	do {                                                                   \
		unsigned test_tries = 0;                                       \
		int test_error;                                                \
		refill();                                                      \
		for (;;) {                                                     \
			uint64_t test_hash = tables();                         \
			uint64_t test_free = rig_free(&life.rig);              \
			test_error = (call);                                   \
			if (test_error != -QUIRE_ENOMEM || !life.nr)           \
				break;                                         \
			CHECK(tables() == test_hash);                          \
			CHECK_EQ(rig_free(&life.rig), test_free);              \
			rig_sound(&life.rig);                                  \
			life.refusals++;                                       \
			test_tries++;                                          \
			spend();                                               \
		}                                                              \
		CHECK_EQ(test_error, 0);                                       \
		CHECK_EQ(test_tries, least);                                   \
		rig_sound(&life.rig);                                          \
	} while (0)

static int create(struct quire_table **t)
{
	return quire_table_create(life.rig.q, t);
}

static int map(struct quire_table *t, uint64_t v, uint64_t bytes, unsigned order)
{
	return quire_table_map(t, virt(v), quire_phys(v & (GB(1) - 1)), bytes,
			       t == life.kernel ? QUIRE_PTE_KERNEL : QUIRE_PTE_USER_RW, order);
}

static int unmap(struct quire_table *t, uint64_t v, uint64_t bytes)
{
	return quire_table_unmap(t, virt(v), bytes, NULL);
}

static int protect(struct quire_table *t, uint64_t v, uint64_t bytes)
{
	struct quire_table_change ro = { .clear = QUIRE_PTE_RW };

	return quire_table_protect(t, virt(v), bytes, ro, NULL);
}

static int copy(uint64_t v, uint64_t bytes, quire_pte_t clear)
{
	return quire_table_copy(life.b, life.a, virt(v), bytes, clear, NULL);
}

/* @levels: of the format; @root: tables of a new root */
static void live(unsigned levels, unsigned root, uint64_t large, uint64_t kernel)
{
	unsigned way = levels - 1 - (root > 1); /* tables below the root to a page */
	unsigned order = large == MB(4) ? 10 : 9;

	SWEEP(create(&life.a), root);
	SWEEP(create(&life.b), root);
	SWEEP(map(life.a, 0x8048000, 0x5000, 0), way);
	SWEEP(map(life.a, 0x804d000, 0x5000, 0), 0);
	/* Over the border of two page tables. */
	SWEEP(map(life.a, large * 100 - 0x1000, 0x2000, 0), 2);
	SWEEP(map(life.a, large * 200, large * 2, order), 0);
	SWEEP(protect(life.a, large * 200 + 0x1000, 0x1000), 1);
	SWEEP(protect(life.a, large * 200 + 0x1000, large), 1);
	SWEEP(map(life.a, large * 210, large * 2, order), 0);
	/* Both ends are in one large page. */
	SWEEP(unmap(life.a, large * 210 + 0x1000, 0x1000), 1);
	SWEEP(unmap(life.a, large * 211, large), 0);
	/* Everything that there is, page tables of its own. */
	SWEEP(copy(0x8000000, large * 220 - 0x8000000, 0), way + 5);
	CHECK_EQ(unmap(life.b, 0, large * 300), 0);
	SWEEP(map(life.a, large * 240, large, order), 0);
	/* The copy takes a table, and another the split for the protection. */
	SWEEP(copy(large * 240 + 0x3000, 0x1000, QUIRE_PTE_RW), way + 1);
	SWEEP(map(life.kernel, kernel, 0x3000, 0), way);
	SWEEP(slots_make(life.kernel, virt(kernel + large), large * 2), 2);
	CHECK_EQ(quire_table_destroy(life.a), 0);
	CHECK_EQ(quire_table_destroy(life.b), 0);
}

TEST(frames_run_short)
{
	static const struct {
		enum quire_machine machine;
		unsigned levels, root;
		uint64_t large, kernel;
	} kinds[] = {
		{ QUIRE_I386, 2, 1, MB(4), 0xf0000000 },
		{ QUIRE_I386_PAE, 3, 4, MB(2), 0xf0000000 },
		{ QUIRE_X86_64, 4, 1, MB(2), 0xffffc90000000000 },
		{ QUIRE_X86_64_LA57, 5, 1, MB(2), 0xffa0000000000000 },
	};

	for (unsigned i = 0; i < 4; i++) {
		struct quire_config config = rig_config(kinds[i].machine);

		life = (struct life){ .refusals = 0 };
		config.no_pcp = true;
		config.min_free_kbytes = 128;
		if (!rig_boot(&life.rig, config, MB(4)))
			return;
		refill();
		while (quire_pgtable_boot(life.rig.q)) {
			CHECK_EQ(life.rig.q->tier[TIER_PGTABLE] == NULL, true);
			rig_sound(&life.rig);
			spend();
		}
		life.kernel = quire_table_kernel(life.rig.q);
		live(kinds[i].levels, kinds[i].root, kinds[i].large, kinds[i].kernel);
		CHECK(life.refusals >= 15);
		rig_free_all(&life.rig, life.hoard, life.nr, 0);
		rig_end(&life.rig);
	}
}

/* The host's own memory: the tier's state, a table's, a processor's MMU. */
TEST(host_refuses)
{
	struct rig rig;
	unsigned refusals = 0;

	for (uint64_t n = 1;; n++) {
		struct quire_config config = rig_config(QUIRE_X86_64);
		struct quire_table *t = NULL;
		int error = 0;

		if (!rig_boot(&rig, config, MB(8)))
			return;
		rig.host.fail_at = rig.host.nr_allocs + n;
		for (unsigned i = 0; i < 2; i++) {
			error = quire_table_kernel(rig.q) ? 0 : quire_pgtable_boot(rig.q);
			CHECK(!error || error == -QUIRE_ENOMEM || error == -QUIRE_EOPNOTSUPP);
			if (!error && !t)
				error = quire_table_create(rig.q, &t);
			if (!error)
				error = quire_table_load(t);
			rig_sound(&rig);
			refusals += error != 0;
			if (!error)
				break;
		}
		CHECK_EQ(error, 0);
		bool all = rig.host.nr_allocs < rig.host.fail_at;

		rig_end(&rig);
		if (all)
			break;
	}
	CHECK_EQ(refusals, 4);
}

TEST_MAIN(CASE(frames_run_short), CASE(host_refuses))
