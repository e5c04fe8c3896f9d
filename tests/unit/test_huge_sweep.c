/* SPDX-License-Identifier: MIT */
/*
 * test_huge_sweep.c - huge pages when frames are short
 *
 * As test_fault_sweep.c: every frame is taken away, and each call is made with none free, then with
 * one, with two … until it works. Whatever it says before, all rules hold, and what the process
 * reads is what it was. Calls that may not fail work with none.
 */
#include "process.h"

#define HOARD_MAX 40000
#define AT 0x20000000ull
#define AWAY 0x7000000000ull /* another table at each level, where addresses reach so far */
#define NEAR 0x50000000ull
#define HUGES 4

struct life {
	struct rig rig;
	struct quire_mm *mm, *child;
	struct quire_page *hoard[2][HOARD_MAX];
	size_t nr[2];
	uint64_t n, from, to; /* frames of a huge page; for moves */
	unsigned refusals;
};

static struct life life;

/* Tables come from low memory, of which some is kept from others. */
static void refill(void)
{
	static const quire_gfp_t gfp[] = { QUIRE_GFP_HIGHUSER, QUIRE_GFP_KERNEL };

	quire_slab_drain(life.rig.q);
	for (unsigned i = 0; i < 2; i++)
		life.nr[i] += rig_fill(&life.rig, gfp[i], 0, life.hoard[i] + life.nr[i],
				       HOARD_MAX - life.nr[i]);
}

/* So many of each kind. */
static void spend(size_t nr)
{
	while (nr--) {
		for (unsigned i = 0; i < 2; i++) {
			if (life.nr[i])
				CHECK_EQ(quire_page_free(life.rig.q,
							 life.hoard[i][--life.nr[i]], 0),
					 QUIRE_FREE_OK);
		}
	}
}

static uint64_t value_of(struct quire_mm *mm, uint64_t at)
{
	uint64_t value = 0;

	if (process_pfn(mm, at) != UINT64_MAX)
		CHECK_EQ(quire_copy_from_user(mm, &value, (quire_virt_t){ at }, 8), 0);
	return value;
}

/* A number of what is there, wherever it is. */
static uint64_t contents(void)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < HUGES * life.n; i += life.n / 4) {
		sum = sum * 31 + value_of(life.mm, AT + i * PAGE);
		sum = sum * 31 + value_of(life.mm, life.from + i * PAGE) +
		      value_of(life.mm, life.to + i * PAGE);
	}
	return sum;
}

/* Make a call with as few frames as will do. */
static void sweep(int (*call)(void), const char *what)
{
	unsigned tries = 0;
	int error;

	for (;; tries++) {
		uint64_t before = contents();

		refill();
		spend(tries);
		error = call();
		rig_sound(&life.rig);
		CHECK_EQ(contents(), before);
		if (error != -QUIRE_ENOMEM || tries > 100)
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

static int do_split(void)
{
	CHECK_EQ(quire_mprotect(life.mm, (quire_virt_t){ AT + PAGE }, PAGE, QUIRE_PROT_NONE), 0);
	return quire_mprotect(life.mm, (quire_virt_t){ AT + PAGE }, PAGE, PROT_RW);
}

static int do_forget(void)
{
	/* A page that is zeros. */
	return quire_madvise(life.mm, (quire_virt_t){ AT + (life.n + 1) * PAGE }, PAGE,
			     QUIRE_MADV_DONTNEED);
}

static int do_fork(void)
{
	return quire_mm_fork(life.mm, &life.child);
}

static int do_move(void)
{
	struct quire_mremap args = { .address = { life.from }, .old_bytes = HUGES * life.n * PAGE,
				     .new_bytes = HUGES * life.n * PAGE,
				     .flags = QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED,
				     .new_address = { life.to } };
	quire_virt_t out;
	int error = quire_mremap(life.mm, &args, &out);

	if (!error) {
		uint64_t was = life.from;

		life.from = life.to;
		life.to = was;
	}
	return error;
}

/* A page further: each huge page is split. */
static int do_shift(void)
{
	int error;

	life.to += PAGE;
	error = do_move();
	if (error)
		life.to -= PAGE;
	return error;
}

/* The child writes to what is shared: splits, and copies a page. */
static int do_write(void)
{
	uint64_t value = value_of(life.child, AT + 2 * life.n * PAGE);

	return quire_copy_to_user(life.child, (quire_virt_t){ AT + 2 * life.n * PAGE }, &value, 8)
		       ? -QUIRE_ENOMEM
		       : 0;
}

static int do_small(void)
{
	/* No block: a small page of zeros, written. */
	return to_error(process_write(life.mm, AT + 5 * life.n * PAGE, 0));
}

static int do_zero(void)
{
	uint64_t value = 0;

	/* In place of the huge page of zeros: no block, so it is split. */
	return to_error(process_touch(life.mm, AT + 4 * life.n * PAGE, &value, 8,
				      QUIRE_ACCESS_WRITE));
}

static void set_up(void)
{
	struct quire_vm_sysctl sysctl;

	CHECK_EQ(quire_vm_sysctl(life.rig.q, &sysctl), 0);
	sysctl.transparent_huge = QUIRE_THP_ALWAYS;
	CHECK_EQ(quire_vm_set_sysctl(life.rig.q, &sysctl), 0);
	life.mm = process_start(&life.rig);
	process_anon(life.mm, AT, 6 * life.n);
	process_anon(life.mm, life.from, HUGES * life.n);
	for (uint64_t i = 0; i < HUGES; i++) {
		CHECK_EQ(process_write(life.mm, AT + i * life.n * PAGE, i + 1), 0);
		CHECK_EQ(process_write(life.mm, life.from + i * life.n * PAGE, i + 10), 0);
	}
	CHECK_EQ(process_read(life.mm, AT + 4 * life.n * PAGE), 0);
}

TEST(frames)
{
	for (unsigned i = 0; process_machine(i); i++) {
		const struct quire_config *config = process_machine(i);
		bool wide = config->machine >= QUIRE_X86_64;

		life.nr[0] = life.nr[1] = 0;
		life.refusals = 0;
		life.n = config->machine == QUIRE_I386 ? 1024 : 512;
		life.from = NEAR;
		life.to = wide ? AWAY : 0x80000000;
		if (!process_rig(&life.rig, config, MB(96)))
			return;
		set_up();
		sweep(do_split, "split");
		sweep(do_forget, "forget");
		sweep(do_move, "move");
		sweep(do_fork, "fork");
		sweep(do_write, "write to what is shared");
		sweep(do_shift, "shift");
		sweep(do_small, "small");
		sweep(do_zero, "zero");
		CHECK(life.refusals > 8);
		spend(HOARD_MAX);
		CHECK_EQ(quire_mm_destroy(life.child), 0);
		process_end(&life.rig, life.mm);
		check_no_anon(&life.rig, MB(96));
		rig_end(&life.rig);
	}
}

TEST_MAIN(CASE(frames))
