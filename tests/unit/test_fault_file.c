/* SPDX-License-Identifier: MIT */
/*
 * test_fault_file.c - faults on mapped files: what is read, what becomes dirty, what is copied,
 * what goes
 */
#include "process.h"

#include <pthread.h>
#include <sched.h>

#include "store.h"

#include "cache/inode.h"

#define PAGES 40
#define AT 0x20000000u

struct mapped {
	struct rig rig;
	struct store store;
	struct quire_file *file;
	struct quire_mm *mm;
};

static bool start(struct mapped *m, unsigned machine, uint64_t bytes)
{
	struct files files;

	*m = (struct mapped){ .mm = NULL };
	if (!process_rig(&m->rig, process_machine(machine), MB(64)))
		return false;
	files.q = m->rig.q;
	store_make(&files, &m->store, bytes, 2 * bytes + PAGE);
	m->file = files_open(&files, &m->store, 0);
	m->mm = process_start(&m->rig);
	return m->file != NULL;
}

static void end(struct mapped *m)
{
	process_end(&m->rig, m->mm);
	quire_file_put(m->file);
	rig_end(&m->rig);
	free(m->store.bytes);
}

static void map(struct mapped *m, struct quire_mm *mm, uint64_t at, unsigned flags)
{
	struct quire_mmap args = { .address = { at }, .bytes = PAGES * PAGE, .prot = PROT_RW,
				   .flags = flags | QUIRE_MAP_FIXED, .file = m->file };
	quire_virt_t out;

	CHECK_EQ(quire_mmap(mm, &args, &out), 0);
}

static uint64_t in_store(const struct mapped *m, uint64_t offset)
{
	uint64_t value;

	memcpy(&value, m->store.bytes + offset, 8);
	return value;
}

static unsigned present(struct mapped *m, uint64_t at)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < PAGES; i++)
		nr += process_pfn(m->mm, at + i * PAGE) != UINT64_MAX;
	return nr;
}

#define ON_EACH(m, bytes)                                                         \
	for (unsigned test_i = 0; process_machine(test_i); test_i++)              \
		for (bool test_ok = start(m, test_i, bytes); test_ok;             \
		     end(m), test_ok = false)

TEST(around)
{
	struct mapped m;

	ON_EACH(&m, PAGES * PAGE)
	{
		map(&m, m.mm, AT, QUIRE_MAP_PRIVATE);
		CHECK(process_read(m.mm, AT + 20 * PAGE) == in_store(&m, 20 * PAGE));
		CHECK_EQ(process_stat(m.mm).maj_faults, 1);
		/* Read ahead, it is all there now: the second fault brings the pages around it. */
		CHECK_EQ(quire_file_advise(m.file, 0, 0, QUIRE_FADV_WILLNEED), 0);
		CHECK(process_read(m.mm, AT + 5 * PAGE) == in_store(&m, 5 * PAGE));
		CHECK_EQ(process_stat(m.mm).maj_faults, 1);
		CHECK(present(&m, AT) >= 12);
		CHECK_EQ(process_stat(m.mm).rss_file, present(&m, AT));
		CHECK_EQ(process_stat(m.mm).rss_anon, 0);
		rig_sound(&m.rig);
		/* Not for writes. */
		CHECK_EQ(quire_madvise(m.mm, (quire_virt_t){ AT }, PAGES * PAGE,
				       QUIRE_MADV_DONTNEED),
			 0);
		CHECK_EQ(process_stat(m.mm).rss_file, 0);
		CHECK_EQ(process_write(m.mm, AT, 1), 0);
		CHECK_EQ(present(&m, AT), 1);
		CHECK_EQ(process_stat(m.mm).rss_anon, 1);
	}
}

TEST(the_end)
{
	struct mapped m;

	ON_EACH(&m, 3 * PAGE + 100)
	{
		uint64_t value = 0;

		map(&m, m.mm, AT, QUIRE_MAP_SHARED);
		/* The rest of the last page is zeros, and may be written; it is not the file's. */
		CHECK_EQ(process_read(m.mm, AT + 3 * PAGE + 104), 0);
		CHECK_EQ(process_write(m.mm, AT + 3 * PAGE + 104, 1), 0);
		CHECK_EQ(process_touch(m.mm, AT + 4 * PAGE, &value, 8, QUIRE_ACCESS_READ),
			 -QUIRE_BUS_ADRERR);
		CHECK_EQ(process_write(m.mm, AT + 4 * PAGE, 1), -QUIRE_BUS_ADRERR);
		CHECK_EQ(quire_file_truncate(m.file, 5 * PAGE), 0);
		CHECK_EQ(process_read(m.mm, AT + 4 * PAGE), 0);
		CHECK_EQ(quire_file_truncate(m.file, PAGE), 0);
		CHECK_EQ(process_touch(m.mm, AT + PAGE, &value, 8, QUIRE_ACCESS_READ),
			 -QUIRE_BUS_ADRERR);
		CHECK(process_read(m.mm, AT) == in_store(&m, 0));
		/* The store fails. */
		CHECK_EQ(quire_file_truncate(m.file, 5 * PAGE), 0);
		m.store.bad = 3;
		CHECK_EQ(process_touch(m.mm, AT + 3 * PAGE, &value, 8, QUIRE_ACCESS_READ),
			 -QUIRE_BUS_ADRERR);
		m.store.bad = 0;
		CHECK_EQ(process_read(m.mm, AT + 3 * PAGE), 0);
		CHECK_EQ(quire_copy_to_user(m.mm, (quire_virt_t){ AT + 5 * PAGE - 4 }, &value, 8),
			 4);
	}
}

TEST(dirty)
{
	struct mapped m;

	ON_EACH(&m, PAGES * PAGE)
	{
		struct quire_frame_use use;
		quire_pfn_t pfn;

		map(&m, m.mm, AT, QUIRE_MAP_SHARED);
		CHECK(process_read(m.mm, AT + PAGE) == in_store(&m, PAGE));
		pfn = quire_pfn(process_pfn(m.mm, AT + PAGE));
		CHECK_EQ(quire_frame_use(m.rig.q, pfn, &use), 0);
		CHECK(use.cache && !use.anon && !use.dirty && use.uptodate && use.index == 1);
		/* Each round is noticed: sync takes the right to write, from the TLB, too. */
		for (uint64_t round = 1; round < 4; round++) {
			CHECK_EQ(process_write(m.mm, AT + PAGE, round), 0);
			CHECK_EQ(quire_frame_use(m.rig.q, pfn, &use), 0);
			CHECK(use.dirty);
			rig_sound(&m.rig);
			CHECK_EQ(quire_file_sync(m.file, 0, UINT64_MAX), 0);
			CHECK_EQ(in_store(&m, PAGE), round);
			CHECK_EQ(quire_frame_use(m.rig.q, pfn, &use), 0);
			CHECK(!use.dirty);
			rig_sound(&m.rig);
		}
		/* A write to a page that is not there yet. */
		CHECK_EQ(process_write(m.mm, AT + 30 * PAGE, 77), 0);
		CHECK_EQ(quire_file_sync(m.file, 0, UINT64_MAX), 0);
		CHECK_EQ(in_store(&m, 30 * PAGE), 77);
	}
}

TEST(private)
{
	struct mapped m;

	ON_EACH(&m, PAGES * PAGE)
	{
		struct quire_mm *child;
		uint64_t was = in_store(&m, 2 * PAGE), now = 55;
		size_t done;

		map(&m, m.mm, AT, QUIRE_MAP_PRIVATE);
		CHECK(process_read(m.mm, AT + 2 * PAGE) == was);
		CHECK_EQ(process_write(m.mm, AT + 2 * PAGE, 9), 0);
		CHECK_EQ(process_write(m.mm, AT + 3 * PAGE, 10), 0);
		CHECK_EQ(process_stat(m.mm).rss_anon, 2);
		CHECK_EQ(quire_file_sync(m.file, 0, UINT64_MAX), 0);
		CHECK(in_store(&m, 2 * PAGE) == was);
		/* What is not copied is the file's as it is now. */
		CHECK_EQ(quire_file_write(m.file, 4 * PAGE, &now, 8, &done), 0);
		CHECK_EQ(process_read(m.mm, AT + 4 * PAGE), 55);
		CHECK_EQ(quire_mm_fork(m.mm, &child), 0);
		CHECK_EQ(process_stat(child).rss_anon, 2);
		CHECK_EQ(quire_mm_load(child), 0);
		CHECK_EQ(process_read(child, AT + 2 * PAGE), 9);
		CHECK_EQ(process_read(child, AT + 4 * PAGE), 55);
		rig_sound(&m.rig);
		/* A hole leaves copies, truncate does not. */
		CHECK_EQ(quire_file_allocate(m.file,
					     QUIRE_FALLOC_KEEP_SIZE | QUIRE_FALLOC_PUNCH_HOLE,
					     2 * PAGE, 3 * PAGE),
			 0);
		CHECK_EQ(process_read(child, AT + 2 * PAGE), 9);
		CHECK_EQ(process_read(child, AT + 4 * PAGE), 0);
		CHECK_EQ(quire_file_truncate(m.file, 3 * PAGE), 0);
		CHECK_EQ(process_read(child, AT + 2 * PAGE), 9);
		CHECK_EQ(process_write(child, AT + 3 * PAGE, 9), -QUIRE_BUS_ADRERR);
		CHECK_EQ(process_stat(m.mm).rss_anon, 1);
		rig_sound(&m.rig);
		CHECK_EQ(quire_mm_load(m.mm), 0);
		CHECK_EQ(quire_mm_destroy(child), 0);
	}
}

static void count_mapping(void *ctx, struct quire_mm *mm, quire_virt_t virt)
{
	(void)mm;
	(void)virt;
	++*(unsigned *)ctx;
}

TEST(shared_by_processes)
{
	struct mapped m;

	ON_EACH(&m, PAGES * PAGE)
	{
		struct quire_mm *other;
		struct quire_vma_pages pages;
		unsigned nr = 0;

		map(&m, m.mm, AT, QUIRE_MAP_SHARED);
		map(&m, m.mm, AT + MB(4), QUIRE_MAP_PRIVATE);
		CHECK_EQ(quire_mm_fork(m.mm, &other), 0);
		CHECK_EQ(process_write(m.mm, AT, 3), 0);
		CHECK_EQ(process_read(m.mm, AT + MB(4)), 3);
		CHECK_EQ(quire_mm_load(other), 0);
		CHECK_EQ(process_read(other, AT), 3);
		CHECK_EQ(process_pfn(other, AT), process_pfn(m.mm, AT));
		CHECK_EQ(quire_frame_mappings(m.rig.q, quire_pfn(process_pfn(m.mm, AT)),
					      count_mapping, &nr),
			 3);
		CHECK_EQ(nr, 3);
		CHECK_EQ(quire_vma_pages(other, (quire_virt_t){ AT }, (quire_virt_t){ AT + PAGE },
					 &pages),
			 0);
		CHECK_EQ(pages.shared_dirty, PAGE);
		CHECK_EQ(pages.anonymous, 0);
		rig_sound(&m.rig);
		CHECK_EQ(quire_mm_load(m.mm), 0);
		CHECK_EQ(quire_mm_destroy(other), 0);
	}
}

/* Another processor touches what is being allocated, while frames run short. */
struct toucher {
	struct quire_mm *mm;
	struct quire_inode *inode;
	pthread_t thread;
	int code;
	unsigned times;
	_Atomic bool done;
};

static void *touch_early(void *ctx)
{
	struct toucher *t = ctx;

	quire_hosted_cpu(1);
	CHECK_EQ(quire_mm_load(t->mm), 0);
	t->code = process_write(t->mm, AT + 3 * PAGE, 1);
	t->done = true;
	return NULL;
}

/* Goes on when that has come to an end, or waits for the file. */
static uint64_t let_touch(void *ctx, quire_gfp_t gfp, unsigned order)
{
	struct toucher *t = ctx;

	(void)gfp, (void)order;
	if (t->times++)
		return 0;
	CHECK(!pthread_create(&t->thread, NULL, touch_early, t));
	while (!t->done && !(relaxed_load(&t->inode->rw.word) & ~1u))
		sched_yield();
	return 0;
}

/* Until fallocate has it all, and the file its size, its pages are behind the end. */
TEST(allocated_not_yet)
{
	for (unsigned i = 0; process_machine(i); i++) {
		struct mapped m = { .mm = NULL };
		struct toucher t = { .code = 0 };
		const struct quire_pressure hook = { let_touch, NULL, &t };
		struct quire_inode_info info;

		if (!process_rig(&m.rig, process_machine(i), MB(64)))
			return;
		CHECK_EQ(quire_memfd_create(m.rig.q, "a", 0, &m.file), 0);
		CHECK_EQ(quire_file_truncate(m.file, PAGE), 0);
		t.mm = m.mm = process_start(&m.rig);
		t.inode = quire_file_inode(m.file);
		map(&m, m.mm, AT, QUIRE_MAP_SHARED);
		CHECK_EQ(process_write(m.mm, AT, 1), 0);
		quire_set_pressure(m.rig.q, &hook);
		CHECK_EQ(quire_file_allocate(m.file, 0, 0, MB(128)), -QUIRE_ENOMEM);
		quire_set_pressure(m.rig.q, NULL);
		CHECK(t.times > 0);
		pthread_join(t.thread, NULL);
		quire_hosted_cpu(1);
		CHECK_EQ(quire_table_load(quire_table_kernel(m.rig.q)), 0);
		quire_hosted_cpu(0);
		CHECK_EQ(t.code, -QUIRE_BUS_ADRERR);
		quire_inode_info(quire_file_inode(m.file), &info);
		CHECK_EQ(info.nr_pages, 1);
		rig_sound(&m.rig);
		end(&m);
	}
}

TEST_MAIN(CASE(allocated_not_yet), CASE(around), CASE(the_end), CASE(dirty), CASE(private),
	  CASE(shared_by_processes))
