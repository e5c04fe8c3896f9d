/* SPDX-License-Identifier: MIT */
/*
 * test_file_model.c - files against arrays of bytes: random reads, writes, truncates, holes, syncs,
 * drops, faults
 *
 * Three files: of a store, of a store that fails now and then, of memory alone. Rules CACHE-1 to
 * CACHE-7 are checked on the way, and each is broken once to see that quire_check notices.
 */
#include "store.h"

#include "cache/cache.h"
#include "cache/shrink.h"

#define PAGE QUIRE_PAGE_SIZE
#define ROOM (150 * PAGE)
#define PUNCH (QUIRE_FALLOC_PUNCH_HOLE | QUIRE_FALLOC_KEEP_SIZE)

struct model {
	struct store store;
	struct quire_file *file;
	unsigned char bytes[ROOM];
	uint64_t size;
	bool has_store;
	unsigned flaky; /* of this many calls of the store one fails; 0: none */
};

static struct files f;
static struct model models[3];
static unsigned char buf[ROOM], back[ROOM];
static uint64_t seed;

static uint64_t below(uint64_t n)
{
	return test_random(&seed) % n;
}

static bool storm(const struct model *m)
{
	return m->flaky != 0;
}

static void do_read(struct model *m)
{
	uint64_t offset = below(m->size + 100);
	size_t n = (size_t)below(below(4) ? 3 * PAGE : ROOM / 2), done = 0;
	size_t want = offset >= m->size ? 0 : m->size - offset < n ? (size_t)(m->size - offset) : n;
	int error = quire_file_read(m->file, offset, back, n, &done);

	CHECK(!error || (storm(m) && error == -QUIRE_EIO && !done));
	CHECK(done == want || (storm(m) && done < want));
	CHECK(!memcmp(back, m->bytes + offset, done));
}

static void do_write(struct model *m)
{
	uint64_t offset = below(4) ? below(m->size + 1) : below(ROOM);
	size_t n = 1 + (size_t)below(below(4) ? PAGE : 20 * PAGE), done = 0;

	if (!below(3))
		offset &= ~(uint64_t)(PAGE - 1);
	if (n > ROOM - offset)
		n = (size_t)(ROOM - offset);
	for (size_t i = 0; i < n; i += 7)
		buf[i] = (unsigned char)test_random(&seed);
	int error = quire_file_write(m->file, offset, buf, n, &done);

	CHECK(n == 0 || !error || storm(m));
	CHECK(done == n || storm(m));
	memcpy(m->bytes + offset, buf, done);
	if (done && offset + done > m->size)
		m->size = offset + done;
}

static void do_truncate(struct model *m)
{
	uint64_t bytes = below(3) ? below(m->size + 1) : below(ROOM);
	int error = quire_file_truncate(m->file, bytes);

	CHECK(!error || storm(m));
	if (error)
		return;
	if (bytes < m->size)
		memset(m->bytes + bytes, 0, (size_t)(m->size - bytes));
	m->size = bytes;
}

static void do_allocate(struct model *m)
{
	uint64_t offset = below(ROOM - 1), bytes = 1 + below(ROOM - offset);
	unsigned mode = below(3) ? PUNCH : m->has_store ? QUIRE_FALLOC_ZERO_RANGE : 0;
	int error = quire_file_allocate(m->file, mode, offset, bytes);

	CHECK(!error || storm(m));
	if (error)
		return;
	if (mode)
		memset(m->bytes + offset, 0, (size_t)bytes);
	if (mode != PUNCH && offset + bytes > m->size)
		m->size = offset + bytes;
}

/* A fault, by reading or writing. */
static void do_fault(struct model *m)
{
	uint64_t index = below(ROOM / PAGE);
	struct quire_page *page;
	unsigned at = (unsigned)below(PAGE);
	unsigned char byte;
	int error = pagecache_load(m->file, index, (enum quire_fadvise)below(3), 0, NULL, &page);

	CHECK(error != -QUIRE_ERANGE || index * PAGE >= m->size);
	CHECK(!error || error == -QUIRE_ERANGE || (storm(m) && error == -QUIRE_EIO));
	if (error)
		return;
	CHECK(index * PAGE < m->size);
	if (index * PAGE + at < m->size) {
		quire_page_read(f.q, page, at, &byte, 1);
		CHECK_EQ(byte, m->bytes[index * PAGE + at]);
		byte++;
		if (below(2)) {
			pagecache_dirty(f.q, page);
			quire_page_write(f.q, page, at, &byte, 1);
			m->bytes[index * PAGE + at] = byte;
		}
	}
	use_unlock(f.q, page);
	pagecache_put(f.q, page);
}

/* All that was written is in the store, unless it failed. */
static void do_sync(struct model *m)
{
	int error = quire_file_sync(m->file, 0, UINT64_MAX);

	CHECK(!error || storm(m));
	CHECK_EQ(files_info(m->file).error, 0);
	if (error || !m->has_store)
		return;
	CHECK_EQ(files_info(m->file).nr_dirty, 0);
	CHECK_EQ(m->store.size, m->size);
	CHECK(!memcmp(m->store.bytes, m->bytes, (size_t)m->size));
}

static void do_rest(struct model *m)
{
	switch (below(4)) {
	case 0:
		quire_pagecache_drop(f.q);
		break;
	case 1:
		quire_pagecache_sync(f.q);
		break;
	case 2:
		shrink_reclaim(f.q, f.q->tier[TIER_CACHE], QUIRE_GFP_KERNEL);
		break;
	default:
		CHECK_EQ(quire_file_advise(m->file, below(m->size + 1), below(ROOM),
					   (enum quire_fadvise)below(6)), 0);
	}
}

static void step(struct model *m)
{
	m->store.fail_at = m->flaky && !below(m->flaky) ? m->store.calls + 1 : 0;
	switch (below(16)) {
	case 0:
	case 1:
	case 2:
	case 3:
		do_read(m);
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		do_write(m);
		break;
	case 8:
		do_truncate(m);
		break;
	case 9:
		do_allocate(m);
		break;
	case 10:
	case 11:
	case 12:
		do_fault(m);
		break;
	case 13:
	case 14:
		do_sync(m);
		break;
	default:
		do_rest(m);
	}
	m->store.fail_at = 0;
	CHECK_EQ(files_info(m->file).bytes, m->size);
}

static void begin(struct model *m, bool has_store, unsigned flaky)
{
	*m = (struct model){ .size = 40 * PAGE + 123, .has_store = has_store, .flaky = flaky };
	if (has_store) {
		store_make(&f, &m->store, m->size, ROOM);
		memcpy(m->bytes, m->store.bytes, (size_t)m->size);
	}
	m->file = files_open(&f, has_store ? &m->store : NULL, m->size);
}

static void finish(struct model *m)
{
	do_sync(m);
	quire_file_put(m->file);
	if (m->has_store)
		CHECK(!memcmp(m->store.bytes, m->bytes, (size_t)m->size));
	free(m->store.bytes);
}

static uint64_t run_model(enum quire_machine machine, uint64_t bytes, uint64_t start, int steps)
{
	printf("%s, seed %" PRIu64 "\n", quire_machine_name(machine), start);
	seed = start;
	if (!files_start_on(&f, machine, bytes))
		return 0;
	begin(&models[0], true, 0);
	begin(&models[1], true, 5);
	begin(&models[2], false, 0);
	for (int i = 0; i < steps && !test_failures; i++) {
		step(&models[below(3)]);
		if (i % 50 == 0)
			rig_sound(&f.rig);
	}
	uint64_t hash = quire_hash(f.q);
	for (int i = 0; i < 3; i++)
		finish(&models[i]);
	rig_end(&f.rig);
	return hash;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STEPS (int)test_times(4000)
#else
#define STEPS (int)test_times(20000)
#endif

TEST(model)
{
	uint64_t hash = run_model(QUIRE_X86_64, MB(32), 1, STEPS);

	run_model(QUIRE_X86_64, MB(32), 2, STEPS);
	CHECK(hash == run_model(QUIRE_X86_64, MB(32), 1, STEPS));
}

/* Pages in high memory, which have no address. */
TEST(model_high)
{
	run_model(QUIRE_I386, MB(1024), 3, STEPS / 10);
	run_model(QUIRE_I386_PAE, MB(1024), 4, STEPS / 10);
}

/* More than memory is read, then written: pages go, dirty ones once they are written back. */
TEST(pressure)
{
	static unsigned char expected[PAGE];
	struct store s;
	size_t done;

	if (!files_start_on(&f, QUIRE_X86_64, MB(8)))
		return;
	store_make(&f, &s, MB(24), MB(24));
	struct quire_file *file = files_open(&f, &s, 0);

	for (uint64_t i = 0; i < MB(24); i += PAGE) {
		CHECK_EQ(quire_file_read(file, i, back, PAGE, &done), 0);
		CHECK(done == PAGE && !memcmp(back, s.bytes + i, PAGE));
	}
	rig_sound(&f.rig);
	memset(expected, 'w', sizeof(expected));
	for (uint64_t i = 0; i < MB(24); i += PAGE) {
		CHECK_EQ(quire_file_write(file, i, expected, PAGE, &done), 0);
		CHECK_EQ(done, PAGE);
	}
	rig_sound(&f.rig);
	CHECK_EQ(quire_file_sync(file, 0, UINT64_MAX), 0);
	for (uint64_t i = 0; i < MB(24); i++) {
		if (s.bytes[i] != 'w') {
			CHECK(s.bytes[i] == 'w');
			break;
		}
	}
	quire_file_put(file);
	rig_end(&f.rig);
	free(s.bytes);
}

/* ---- Rules -------------------------------------------------------------------------- */

static void expect_broken(const char *rule)
{
	struct quire_violation v = { .rule = "none" };

	CHECK(!quire_check(f.q, &v));
	CHECK_STR(v.rule, rule);
}

TEST(broken)
{
	struct quire_page *page;

	if (!files_start(&f))
		return;
	begin(&models[0], true, 0);
	struct quire_inode *inode = quire_file_inode(models[0].file);

	CHECK_EQ(pagecache_load(models[0].file, 5, QUIRE_FADV_NORMAL, 0, NULL, &page), 0);
	struct use *use = use_of(f.q, page);
	expect_broken("CACHE-4");
	use_unlock(f.q, page);
	use->flags ^= USE_WRITEBACK;
	expect_broken("CACHE-4");
	use->flags ^= USE_WRITEBACK | USE_UPTODATE;
	expect_broken("CACHE-4");
	use->flags ^= USE_UPTODATE;
	use->index ^= 1;
	expect_broken("CACHE-1");
	use->index ^= 1;
	page->private ^= 64;
	expect_broken("CACHE-1");
	page->private ^= 64;
	use->flags ^= USE_DIRTY;
	expect_broken("CACHE-3");
	use->flags ^= USE_DIRTY;
	inode->nr_dirty++;
	expect_broken("CACHE-3");
	inode->nr_dirty--;
	pagecache_of(f.q)->nr_dirty++;
	expect_broken("CACHE-3");
	pagecache_of(f.q)->nr_dirty--;
	use->flags ^= USE_MEMORY;
	expect_broken("CACHE-6");
	use->flags ^= USE_MEMORY;
	page->owner += 2 * USE_MAPPED_ONE;
	expect_broken("CACHE-5");
	page->owner -= 2 * USE_MAPPED_ONE;
	inode->bytes = PAGE;
	expect_broken("CACHE-2");
	inode->bytes = models[0].size;
	pagecache_of(f.q)->nr_inodes++;
	expect_broken("CACHE-7");
	pagecache_of(f.q)->nr_inodes--;
	inode->pages.nr++;
	expect_broken("RADIX-3");
	inode->pages.nr--;
	pagecache_put(f.q, page);
	rig_sound(&f.rig);
	finish(&models[0]);
	rig_end(&f.rig);
}

TEST_MAIN(CASE(model), CASE(model_high), CASE(pressure), CASE(broken))
