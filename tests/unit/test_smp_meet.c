/* SPDX-License-Identifier: MIT */
/*
 * test_smp_meet.c - page faults, write-back and writes of files, with another processor's call in
 * the middle of them, at each step in turn
 *
 * What the random threads of test_smp_vm.c meet once in a long time is met here each time.
 */
#include "meet.h"
#include "process.h"
#include "store.h"

#define AREA 0x20000000u
#define CPUS 3
/* Page tables so far apart are remembered in one place, whatever they map: pgtable/table.h. */
#define FAR 0x20000000u

/* Sanitizers look at the order of things, which is the same on all machines. */
#define MACHINES (TEST_SANITIZED ? 1u : 4u)

static struct rig rig;
static struct quire_mm *mm;

/* ---- Copy-on-write ---------------------------------------------------------- */

/* What a page is before two processors write it. */
enum kind { SHARED, ZERO, FILE_PAGE, HUGE_SHARED, HUGE_ZERO, NR_KINDS };
#define HUGE 1024u /* pages: one huge page of the largest kind */

/* One page, written by processor 0, and meanwhile by processor 1, while processor 2 reads it. */
struct cow {
	uint64_t at;
	uint64_t old[2]; /* its first two words */
	unsigned loaded; /* bit n: processor n has the process loaded */
};

static unsigned nr_wrong;

/* From any thread. */
static void right(bool is)
{
	__atomic_fetch_add(&nr_wrong, !is, __ATOMIC_RELAXED);
}

/* As processor @cpu, as code of the process if it has it loaded, else as the kernel does it. */
static bool touch(const struct cow *c, unsigned cpu, unsigned word, uint64_t *value, bool write)
{
	quire_virt_t at = { c->at + word * sizeof(*value) };

	quire_hosted_cpu(cpu);
	if (c->loaded >> cpu & 1)
		return !quire_user_access(mm, at, value, sizeof(*value),
					  write ? QUIRE_ACCESS_WRITE : QUIRE_ACCESS_READ, NULL);
	return !(write ? quire_copy_to_user(mm, at, value, sizeof(*value))
		       : quire_copy_from_user(mm, value, at, sizeof(*value)));
}

static void write_word(const struct cow *c, unsigned cpu)
{
	uint64_t value = 100 + cpu;

	right(touch(c, cpu, cpu, &value, true));
}

/* All processors that are not in the middle of something on their own see a word. */
static void all_see(const struct cow *c, unsigned word, uint64_t wanted)
{
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		uint64_t value = ~wanted;

		right(touch(c, cpu, word, &value, false) && value == wanted);
	}
}

static void first_write(void *ctx)
{
	write_word(ctx, 0);
}

/* Processor 0 is between two steps: another thread of the process may run on it. */
static void second_write(void *ctx)
{
	write_word(ctx, 1);
	all_see(ctx, 1, 101);
}

/* All of it goes, page table and all. */
static void forget_page(void *ctx)
{
	const struct cow *c = ctx;

	quire_hosted_cpu(1);
	right(!quire_madvise(mm, (quire_virt_t){ c->at }, PAGE, QUIRE_MADV_DONTNEED));
}

/* The same page of the file is mapped by the same entry of a page table that takes its place. */
static void touch_far(void *ctx)
{
	const struct cow *c = ctx;
	uint64_t value;

	quire_hosted_cpu(1);
	right(!quire_copy_from_user(mm, &value, (quire_virt_t){ c->at + FAR + 8 }, 8));
	right(value == c->old[1]);
}

static void third_loads(void *ctx)
{
	struct cow *c = ctx;
	uint64_t value = 0;

	quire_hosted_cpu(2);
	right(!quire_mm_load(mm));
	c->loaded |= 4;
	right(touch(c, 2, 1, &value, false) && value == c->old[1]);
}

static void load(unsigned loaded)
{
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		quire_hosted_cpu(cpu);
		if (loaded >> cpu & 1)
			CHECK_EQ(quire_mm_load(mm), 0);
		else
			CHECK_EQ(quire_table_load(quire_table_kernel(rig.q)), 0);
	}
	quire_hosted_cpu(0);
}

static struct quire_vm_stat vm_stat(void)
{
	struct quire_vm_stat stat;

	CHECK_EQ(quire_vm_stat(rig.q, &stat), 0);
	return stat;
}

static void map_private(uint64_t at, struct quire_file *file)
{
	const struct quire_mmap args = { .address = { at }, .bytes = PAGE, .prot = PROT_RW,
					 .file = file,
					 .flags = QUIRE_MAP_PRIVATE | QUIRE_MAP_FIXED };
	quire_virt_t out;

	CHECK_EQ(quire_mmap(mm, &args, &out), 0);
}

static void make(struct cow *c, enum kind kind, struct quire_file *file, struct quire_mm **child)
{
	uint64_t old[2] = { 7, 8 };

	*child = NULL;
	c->at = AREA;
	if (kind == FILE_PAGE)
		map_private(AREA, file);
	else
		process_anon(mm, AREA, kind >= HUGE_SHARED ? HUGE : 1);
	if (kind >= HUGE_SHARED)
		CHECK_EQ(quire_madvise(mm, (quire_virt_t){ AREA }, HUGE * PAGE,
				       QUIRE_MADV_HUGEPAGE),
			 0);
	if (kind == SHARED || kind == HUGE_SHARED) {
		CHECK_EQ(quire_copy_to_user(mm, (quire_virt_t){ AREA }, old, sizeof(old)), 0);
		CHECK_EQ(quire_mm_fork(mm, child), 0);
	}
	CHECK_EQ(quire_copy_from_user(mm, c->old, (quire_virt_t){ AREA }, sizeof(c->old)), 0);
	CHECK(kind != HUGE_SHARED || vm_stat().nr_anon_huge > 0);
	CHECK(!*child || (c->old[0] == 7 && c->old[1] == 8));
}

/* Return: whether all steps came */
static bool cow_once(enum kind kind, struct quire_file *file, unsigned loaded,
		     const struct meet_act *acts, unsigned nr)
{
	struct cow c = { .loaded = loaded };
	struct quire_mm *child;
	uint64_t before, value;
	bool all;

	nr_wrong = 0;
	load(loaded);
	make(&c, kind, file, &child);
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		right(touch(&c, cpu, 0, &value, false));
	before = vm_stat().nr_anon;
	all = meet_run(first_write, acts, nr, &c);
	all_see(&c, 0, 100);
	all_see(&c, 1, 101);
	CHECK(kind >= HUGE_SHARED || vm_stat().nr_anon == before + 1);
	CHECK_EQ(nr_wrong, 0);
	if (nr_wrong)
		printf("kind %d, loaded %u, steps %u %u\n", (int)kind, loaded, acts[0].at,
		       nr > 1 ? acts[1].at : 0);
	if (child) {
		CHECK_EQ(quire_copy_from_user(child, &value, (quire_virt_t){ AREA }, 8), 0);
		CHECK_EQ(value, 7);
		CHECK_EQ(quire_mm_destroy(child), 0);
	}
	quire_hosted_cpu(0);
	CHECK_EQ(quire_munmap(mm, (quire_virt_t){ AREA }, HUGE * PAGE), 0);
	return all;
}

static void cow_kind(enum kind kind, struct quire_file *file)
{
	struct meet_act act[2] = { { 1, second_write } };

	for (unsigned loaded = 0; loaded < 1u << CPUS; loaded++) {
		for (act[0].at = 1; cow_once(kind, file, loaded, act, 1);)
			act[0].at++;
		CHECK(act[0].at > 4);
		rig_sound(&rig);
	}
	if (kind != SHARED)
		return;
	/* And one comes to use the table in between. */
	act[0].run = third_loads;
	act[1].run = second_write;
	for (unsigned loaded = 0; loaded < 4; loaded++) {
		bool some = true;

		for (act[0].at = 1; some; act[0].at++) {
			some = false;
			for (act[1].at = act[0].at; cow_once(kind, file, loaded, act, 2);
			     act[1].at++)
				some = true;
		}
	}
}

/* A file whose second word is 9. */
static struct quire_file *private_file(void)
{
	struct quire_file *file = NULL;
	uint64_t word = 9;
	size_t done;

	CHECK_EQ(quire_memfd_create(rig.q, "private", 0, &file), 0);
	CHECK_EQ(quire_file_write(file, 8, &word, sizeof(word), &done), 0);
	return file;
}

/*
 * The page table that was found first may not be there any more, or be known no more. @run: by
 * processor 1
 */
static bool lost_once(void (*run)(void *ctx), struct quire_file *file, unsigned at)
{
	struct meet_act act = { at, run };
	struct cow c = { .loaded = 1 };
	struct quire_mm *child;
	uint64_t value = 0;
	bool came;

	nr_wrong = 0;
	load(1);
	make(&c, FILE_PAGE, file, &child);
	map_private(AREA + FAR, file);
	came = meet_run(first_write, &act, 1, &c);
	CHECK(touch(&c, 0, 0, &value, false));
	CHECK(value == 100 || (run == forget_page && !value));
	CHECK(touch(&c, 0, 1, &value, false));
	CHECK_EQ(value, 9);
	CHECK_EQ(nr_wrong, 0);
	rig_sound(&rig);
	CHECK_EQ(quire_munmap(mm, (quire_virt_t){ AREA }, PAGE), 0);
	CHECK_EQ(quire_munmap(mm, (quire_virt_t){ AREA + FAR }, PAGE), 0);
	return came;
}

static bool begin(const struct quire_config *config)
{
	if (!process_rig(&rig, config, MB(64)))
		return false;
	CHECK_EQ(quire_mm_create(rig.q, NULL, &mm), 0);
	return true;
}

static void end(void)
{
	load(0);
	CHECK_EQ(quire_mm_destroy(mm), 0);
	rig_end(&rig);
}

/*
 * Nobody writes the copy while a processor can still read the page that was copied: all see what
 * one has written as soon as it has written it, and there is one copy.
 */
TEST(copy_on_write)
{
	for (unsigned i = 0; i < MACHINES; i++) {
		struct quire_file *file;

		if (!begin(process_machine(i)))
			return;
		file = private_file();
		for (unsigned kind = 0; kind < NR_KINDS; kind++)
			cow_kind((enum kind)kind, file);
		quire_file_put(file);
		end();
	}
}

TEST(page_table_lost)
{
	for (unsigned i = 0; i < MACHINES; i++) {
		struct quire_file *file;
		unsigned at;

		if (!begin(process_machine(i)))
			return;
		file = private_file();
		for (at = 1; lost_once(forget_page, file, at);)
			at++;
		CHECK(at > 4);
		for (at = 1; lost_once(touch_far, file, at);)
			at++;
		CHECK(at > 4);
		quire_file_put(file);
		end();
	}
}

/* ---- Files with a store ------------------------------------------------------ */

#define FILE_PAGES 2u
#define FRESH 0x5555555555555555u

static struct store store;
static struct quire_file *stored;
static bool as_code; /* processor 0 writes as code of the process, not as the kernel */

static uint64_t store_word(uint64_t page)
{
	uint64_t word;

	memcpy(&word, store.bytes + page * PAGE, sizeof(word));
	return word;
}

/* A file of a store, mapped and not in memory; processor 0 has the process loaded. */
static void open_stored(void)
{
	struct files f = { .q = rig.q };
	quire_virt_t out;

	store_make(&f, &store, FILE_PAGES * PAGE, FILE_PAGES * PAGE);
	stored = files_open(&f, &store, 0);

	const struct quire_mmap args = { .address = { AREA }, .bytes = FILE_PAGES * PAGE,
					 .prot = PROT_RW, .file = stored,
					 .flags = QUIRE_MAP_SHARED | QUIRE_MAP_FIXED };

	CHECK_EQ(quire_mmap(mm, &args, &out), 0);
	load(1);
	nr_wrong = 0;
}

static void close_stored(void)
{
	quire_hosted_cpu(0);
	CHECK_EQ(nr_wrong, 0);
	rig_sound(&rig);
	CHECK_EQ(quire_munmap(mm, (quire_virt_t){ AREA }, FILE_PAGES * PAGE), 0);
	quire_file_put(stored);
	CHECK_EQ(store.releases, 1);
	free(store.bytes);
}

static void write_value(uint64_t value)
{
	const quire_virt_t at = { AREA };

	if (as_code)
		right(quire_user_access(mm, at, &value, 8, QUIRE_ACCESS_WRITE, NULL) ==
		      QUIRE_FAULT_DONE);
	else
		right(!quire_copy_to_user(mm, at, &value, 8));
}

static void write_fresh(void *unused)
{
	(void)unused;
	quire_hosted_cpu(0);
	write_value(FRESH);
}

static void sync_all(void *unused)
{
	(void)unused;
	quire_hosted_cpu(1);
	right(!quire_file_sync(stored, 0, UINT64_MAX));
}

/* @dirty: it is written already, and its entry may be written. Return: whether the step came */
static bool write_back_once(bool dirty, bool sync_first, unsigned at)
{
	struct meet_act act = { at, sync_first ? write_fresh : sync_all };
	bool came;

	open_stored();
	write_value(1);
	if (!dirty)
		sync_all(NULL);
	came = meet_run(sync_first ? sync_all : write_fresh, &act, 1, NULL);
	sync_all(NULL);
	CHECK(store_word(0) == FRESH);
	close_stored();
	return came;
}

/* What is written while a write-back goes on is in the store after the next one at the latest. */
TEST(write_back)
{
#if defined(__SANITIZE_THREAD__)
	SKIP("a page is written while it is on its way to the store: to ThreadSanitizer a race");
#endif
	for (unsigned i = 0; i < MACHINES; i++) {
		if (!begin(process_machine(i)))
			return;
		for (unsigned how = 0; how < 8; how++) {
			unsigned at = 1;

			as_code = how & 4;
			while (write_back_once(how & 1, how & 2, at))
				at++;
			CHECK(at > 3 || as_code);
		}
		end();
	}
}

static uint64_t seen;

static void read_first(void *unused)
{
	(void)unused;
	quire_hosted_cpu(1);
	right(!quire_copy_from_user(mm, &seen, (quire_virt_t){ AREA }, 8));
}

static void write_page(void *unused)
{
	static unsigned char page[QUIRE_PAGE_SIZE];
	size_t done;

	(void)unused;
	quire_hosted_cpu(0);
	memset(page, 0x55, sizeof(page));
	right(!quire_file_write(stored, 0, page, sizeof(page), &done));
}

/* Who reads a page while it is written as a whole sees what it was or what it becomes. */
TEST(written_whole)
{
	for (unsigned i = 0; i < MACHINES; i++) {
		struct meet_act act = { 1, read_first };
		bool came = true;

		if (!begin(process_machine(i)))
			return;
		for (; came; act.at++) {
			uint64_t old;

			open_stored();
			old = store_word(0);
			came = meet_run(write_page, &act, 1, NULL);
			CHECK(seen == old || seen == FRESH);
			read_first(NULL);
			CHECK(seen == FRESH);
			close_stored();
		}
		CHECK(act.at > 8);
		end();
	}
}

static void truncate_all(void *unused)
{
	(void)unused;
	quire_hosted_cpu(1);
	right(!quire_file_truncate(stored, PAGE));
}

/* Before the truncation it is done, after it SIGBUS. */
static void write_last_page(void *unused)
{
	struct quire_signal signal;
	uint64_t value = FRESH;
	enum quire_fault fault;

	(void)unused;
	quire_hosted_cpu(0);
	fault = quire_user_access(mm, (quire_virt_t){ AREA + PAGE }, &value, 8, QUIRE_ACCESS_WRITE,
				  &signal);
	right(fault == QUIRE_FAULT_DONE || fault == QUIRE_FAULT_SIGBUS);
}

/* However a fault and a truncation meet, nothing behind the end stays mapped or in memory. */
TEST(truncated)
{
	for (unsigned i = 0; i < MACHINES; i++) {
		if (!begin(process_machine(i)))
			return;
		for (unsigned how = 0; how < 2; how++) {
			struct meet_act act = { 1, how ? write_last_page : truncate_all };
			bool came = true;

			for (; came; act.at++) {
				uint64_t word;

				open_stored();
				came = meet_run(how ? truncate_all : write_last_page, &act, 1,
						NULL);
				CHECK_EQ(process_touch(mm, AREA + PAGE, &word, 8,
						       QUIRE_ACCESS_READ),
					 -QUIRE_BUS_ADRERR);
				CHECK(files_info(stored).nr_pages <= 1);
				close_stored();
			}
			CHECK(act.at > 8);
		}
		end();
	}
}

TEST_MAIN(CASE(copy_on_write), CASE(page_table_lost), CASE(write_back), CASE(written_whole),
	  CASE(truncated))
