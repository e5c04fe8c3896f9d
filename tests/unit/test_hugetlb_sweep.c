/* SPDX-License-Identifier: MIT */
/*
 * test_hugetlb_sweep.c - calls on huge pages when frames are short
 *
 * Every frame is taken away, but for the pool's. Each call is made with none free, then with one,
 * with two … until it works. Whatever it says before, all rules hold, the pool counts what it
 * counted, and what processes read is what it was.
 */
#include "hugetlb.h"

#define HOARD_MAX 40000
#define PAGES 4

/** struct life - a machine, its free frames in a hoard, a process */
static struct {
	struct rig rig;
	struct quire_mm *mm, *child;
	struct quire_file *file;
	uint64_t at, far, huge;
	struct quire_page *hoard[HOARD_MAX];
	size_t nr;
	unsigned refusals;
} life;

static void refill(void)
{
	quire_slab_drain(life.rig.q);
	life.nr += rig_fill(&life.rig, QUIRE_GFP_HIGHUSER, 0, life.hoard + life.nr,
			    HOARD_MAX - life.nr);
}

static void spend(size_t nr)
{
	while (nr-- && life.nr)
		CHECK_EQ(quire_page_free(life.rig.q, life.hoard[--life.nr], 0), QUIRE_FREE_OK);
}

static uint64_t contents(void)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < PAGES; i++) {
		quire_virt_t at = { life.at + i * life.huge };
		uint64_t value = 0;

		if (process_pfn(life.mm, at.v) != UINT64_MAX)
			CHECK_EQ(quire_copy_from_user(life.mm, &value, at, 8), 0);
		sum = sum * 31 + value;
	}
	return sum;
}

/* Make a call with as few frames as will do. */
static void sweep(int (*call)(void), const char *what)
{
	unsigned tries = 0;
	char pool[64];
	int error;

	for (;; tries++) {
		uint64_t before = contents();

		snprintf(pool, sizeof(pool), "%s", huge_pool(&life.rig));
		refill();
		spend(tries);
		error = call();
		rig_sound(&life.rig);
		CHECK_EQ(contents(), before);
		if (error != -QUIRE_ENOMEM || tries > 100)
			break;
		CHECK_STR(huge_pool(&life.rig), pool);
		life.refusals++;
	}
	if (error)
		printf("%s: %d after %u\n", what, error, tries);
	CHECK_EQ(error, 0);
}

static int to_error(int end)
{
	return end == 1000 ? -QUIRE_ENOMEM : end;
}

static int to_result(int64_t result)
{
	return result < 0 ? (int)result : 0;
}

static int do_map(void)
{
	return to_result(huge_map(&life.rig, life.mm, life.at, PAGES, MAP_HUGE));
}

static int do_replace(void)
{
	return to_result(huge_map(&life.rig, life.mm, life.at + 6 * life.huge, 2, MAP_HUGE));
}

static int do_touch(void)
{
	return to_error(process_write(life.mm, life.at, 0));
}

static int do_read(void)
{
	uint64_t value;

	return to_error(process_touch(life.mm, life.at + life.huge, &value, 8, QUIRE_ACCESS_READ));
}

static int do_split(void)
{
	return quire_mprotect(life.mm, (quire_virt_t){ life.at + life.huge }, life.huge,
			      QUIRE_PROT_READ);
}

static int do_fork(void)
{
	return quire_mm_fork(life.mm, &life.child);
}

static int do_cow(void)
{
	return to_error(process_write(life.mm, life.at, 0));
}

static int do_move(void)
{
	const struct quire_mremap args = {
		.address = { life.at + 3 * life.huge },
		.old_bytes = life.huge,
		.new_bytes = life.huge,
		.flags = QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED,
		.new_address = { life.far },
	};
	quire_virt_t out;

	return quire_mremap(life.mm, &args, &out);
}

static int do_memfd(void)
{
	return quire_memfd_create(life.rig.q, "short", QUIRE_MFD_HUGETLB, &life.file);
}

static int do_shared(void)
{
	return to_result(huge_map_file(&life.rig, life.mm, life.file, 2, QUIRE_MAP_SHARED));
}

static int do_allocate(void)
{
	return quire_file_allocate(life.file, 0, 200 * life.huge, 2 * life.huge);
}

TEST(frames)
{
	for (unsigned i = 0; process_machine(i); i++) {
		memset(&life, 0, sizeof(life));
		if (!process_rig(&life.rig, process_machine(i), MB(128)))
			return;
		life.huge = huge_bytes(&life.rig);
		life.at = HUGE_AT;
		life.far = HUGE_AT + GB(1);
		life.mm = process_start(&life.rig);
		huge_set(&life.rig, 14, 0);
		sweep(do_map, "map");
		CHECK(huge_map(&life.rig, life.mm, life.at + 6 * life.huge, 1, MAP_HUGE) > 0);
		sweep(do_replace, "replace");
		sweep(do_touch, "touch");
		sweep(do_read, "read");
		CHECK_EQ(process_write(life.mm, life.at + 3 * life.huge, 4), 0);
		sweep(do_split, "split");
		sweep(do_fork, "fork");
		sweep(do_cow, "cow");
		CHECK_EQ(quire_mm_load(life.mm), 0);
		/* The moved page is not one of those that are compared. */
		CHECK_EQ(process_write(life.mm, life.at + 3 * life.huge, 0), 0);
		sweep(do_move, "move");
		sweep(do_memfd, "memfd");
		sweep(do_shared, "shared");
		sweep(do_allocate, "allocate");
		/* Those of 32 bits need no tables, and records are there. */
		CHECK(life.refusals > 6 || (i != 0 && i != 3));
		spend(life.nr);
		CHECK_EQ(quire_mm_destroy(life.child), 0);
		process_end(&life.rig, life.mm);
		quire_file_put(life.file);
		rig_end(&life.rig);
	}
}

/* A pool that can't grow takes what there is, and gives it back. */
TEST(blocks)
{
	for (unsigned i = 0; process_machine(i); i++) {
		struct quire_vm_sysctl sysctl;

		memset(&life, 0, sizeof(life));
		if (!process_rig(&life.rig, process_machine(i), MB(128)))
			return;
		life.huge = huge_bytes(&life.rig);
		life.mm = process_start(&life.rig);
		refill();
		huge_set(&life.rig, 4, 0);
		CHECK_STR(huge_pool(&life.rig), "0 0 0 0");
		/* Neither does a promise find surplus; and nothing is left behind. */
		huge_set(&life.rig, 0, 8);
		CHECK_EQ(huge_map(&life.rig, life.mm, 0, 2, MAP_HUGE), -QUIRE_ENOMEM);
		rig_sound(&life.rig);
		CHECK_STR(huge_pool(&life.rig), "0 0 0 0");
		spend(life.nr);
		CHECK_EQ(huge_map(&life.rig, life.mm, 0, 9, MAP_HUGE), -QUIRE_ENOMEM);
		CHECK(huge_map(&life.rig, life.mm, 0, 2, MAP_HUGE) > 0);
		CHECK_STR(huge_pool(&life.rig), "2 2 2 2");
		CHECK_EQ(quire_vm_sysctl(life.rig.q, &sysctl), 0);
		CHECK_EQ(sysctl.nr_hugepages, 0);
		CHECK_EQ(sysctl.nr_overcommit_hugepages, 8);
		process_end(&life.rig, life.mm);
		CHECK_STR(huge_pool(&life.rig), "0 0 0 0");
		rig_end(&life.rig);
	}
}

TEST_MAIN(CASE(frames), CASE(blocks))
