/* SPDX-License-Identifier: MIT */
/*
 * test_fault_sweep.c - faults, fork, moves and copies when frames are short
 *
 * Every frame is taken away. Each call is made with none free, then with one, with two … until it
 * works. Whatever it says before, all rules hold, and what processes read is what it was.
 */
#include "process.h"

#define HOARD_MAX 20000
#define PAGES 40
#define FAR 0x30000000u

/** struct life - a machine, its free frames in a hoard, a process */
struct life {
	struct rig rig;
	struct quire_mm *mm, *child;
	struct quire_file *file;
	uint64_t at;
	struct quire_page *hoard[HOARD_MAX];
	size_t nr;
	unsigned refusals;
};

static struct life life;

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

/* A number of each page of a process, without a fault of its own: what is there. */
static uint64_t contents(struct quire_mm *mm)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < PAGES; i++) {
		quire_virt_t at = { life.at + i * PAGE };
		uint64_t value = 0;

		if (process_pfn(mm, at.v) != UINT64_MAX)
			CHECK_EQ(quire_copy_from_user(mm, &value, at, 8), 0);
		sum = sum * 31 + value;
	}
	return sum;
}

/* Make a call with as few frames as will do. Return: the result */
static void sweep(int (*call)(void), const char *what)
{
	unsigned tries = 0;
	int error;

	for (;; tries++) {
		uint64_t before = contents(life.mm);

		refill();
		spend(tries);
		error = call();
		rig_sound(&life.rig);
		CHECK_EQ(contents(life.mm), before);
		if (error != -QUIRE_ENOMEM || tries > 200)
			break;
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

static int do_read(void)
{
	uint64_t value = 0;

	return to_error(process_touch(life.mm, life.at + MB(600), &value, 8, QUIRE_ACCESS_READ));
}

static int do_fresh(void)
{
	/* Written as it was: what is read stays. */
	return to_error(process_write(life.mm, life.at + MB(300), 0));
}

static int do_fork(void)
{
	return quire_mm_fork(life.mm, &life.child);
}

static int do_cow(void)
{
	return to_error(process_write(life.mm, life.at, 1));
}

static int do_cow_zero(void)
{
	return to_error(process_write(life.mm, life.at + (PAGES - 1) * PAGE, 0));
}

static int do_kernel(void)
{
	uint64_t value = 8;

	return quire_copy_to_user(life.child, (quire_virt_t){ life.at + 7 * PAGE }, &value, 8)
		       ? -QUIRE_ENOMEM
		       : 0;
}

static int do_move(void)
{
	struct quire_mremap args = { .address = { life.at + MB(200) }, .old_bytes = MB(8),
				     .new_bytes = MB(8),
				     .flags = QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED,
				     .new_address = { life.at + MB(500) } };
	quire_virt_t out;

	return quire_mremap(life.mm, &args, &out);
}

static int do_file(void)
{
	return to_error(process_write(life.mm, FAR + PAGE, 5));
}

static int do_shared(void)
{
	return to_error(process_write(life.mm, FAR + MB(1), 5));
}

static int do_lock(void)
{
	return quire_madvise(life.mm, (quire_virt_t){ life.at + MB(64) }, MB(6),
			     QUIRE_MADV_POPULATE_WRITE);
}

static void set_up(void)
{
	static const unsigned flags[] = { QUIRE_MAP_PRIVATE, QUIRE_MAP_SHARED };
	quire_virt_t out;

	life.mm = process_start(&life.rig);
	life.at = process_anon(life.mm, 0x4000000, PAGES);
	for (uint64_t i = 0; i + 1 < PAGES; i++)
		CHECK_EQ(process_write(life.mm, life.at + i * PAGE, i + 1), 0);
	CHECK_EQ(process_read(life.mm, life.at + (PAGES - 1) * PAGE), 0);
	process_anon(life.mm, life.at + MB(64), MB(8) / PAGE);
	process_anon(life.mm, life.at + MB(200), MB(8) / PAGE);
	for (uint64_t i = 0; i < MB(8); i += MB(1))
		CHECK_EQ(process_write(life.mm, life.at + MB(200) + i, i), 0);
	process_anon(life.mm, life.at + MB(300), 4);
	process_anon(life.mm, life.at + MB(600), 4);
	CHECK_EQ(quire_memfd_create(life.rig.q, "short", 0, &life.file), 0);
	CHECK_EQ(quire_file_truncate(life.file, MB(2)), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct quire_mmap args = { .address = { FAR + i * MB(1) }, .bytes = MB(1),
					   .prot = PROT_RW, .flags = flags[i] | QUIRE_MAP_FIXED,
					   .file = life.file, .offset = i * MB(1) };

		CHECK_EQ(quire_mmap(life.mm, &args, &out), 0);
	}
}

TEST(frames)
{
	for (unsigned i = 0; process_machine(i); i++) {
		life.nr = 0;
		life.refusals = 0;
		if (!process_rig(&life.rig, process_machine(i), MB(48)))
			return;
		set_up();
		sweep(do_read, "read");
		sweep(do_fresh, "fresh");
		sweep(do_file, "file");
		sweep(do_shared, "shared");
		sweep(do_lock, "populate");
		sweep(do_move, "move");
		sweep(do_fork, "fork");
		sweep(do_cow, "cow");
		sweep(do_cow_zero, "cow of zeros");
		sweep(do_kernel, "kernel");
		CHECK(life.refusals > 20);
		spend(life.nr);
		CHECK_EQ(quire_mm_destroy(life.child), 0);
		process_end(&life.rig, life.mm);
		quire_file_put(life.file);
		rig_end(&life.rig);
	}
}

TEST_MAIN(CASE(frames))
