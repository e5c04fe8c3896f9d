/* SPDX-License-Identifier: MIT */
/*
 * test_file_sweep.c - files when the n-th frame, or the host's n-th piece of memory, is not to be
 * had
 */
#include "store.h"

#include "cache/cache.h"

#define PAGE QUIRE_PAGE_SIZE

static struct files f;
static struct store s;
static struct quire_page *held[4096];

/* Leave @n frames free; the rest is in @held. Return: how many that is */
static size_t leave_free(size_t n)
{
	size_t nr = rig_fill(&f.rig, QUIRE_GFP_HIGHUSER_MOVABLE | QUIRE_GFP_BIT_MEMALLOC, 0, held,
			     4096);

	CHECK(nr < 4096);
	for (size_t i = 0; i < n && nr; i++)
		quire_page_free(f.q, held[--nr], 0);
	return nr;
}

TEST(boot)
{
	bool enough = false;

	for (uint64_t n = 1; !enough && n < 20; n++) {
		if (!kernel_start(&f.rig, QUIRE_X86_64, MB(16)))
			return;
		f.q = f.rig.q;
		f.rig.host.fail_at = f.rig.host.nr_allocs + n;
		int error = quire_cache_boot(f.q);
		enough = !error;
		CHECK(!error || error == -QUIRE_ENOMEM);
		f.rig.host.fail_at = 0;
		rig_sound(&f.rig);
		CHECK_EQ(quire_cache_boot(f.q), error ? 0 : -QUIRE_EBUSY);
		rig_end(&f.rig);
	}
	CHECK(enough);
}

/* What is done with @n frames left. Return: whether it was enough for all of it */
static bool scenario(struct quire_file **files)
{
	static unsigned char buf[20 * PAGE], back[20 * PAGE];
	size_t done = 0;
	bool all = true;
	int error;

	memset(buf, 'q', sizeof(buf));
	for (int i = 0; i < 2; i++) {
		struct quire_file *file = files[i];
		uint64_t size = files_info(file).bytes;

		error = quire_file_write(file, size - 10, buf, sizeof(buf), &done);
		CHECK(!error ? done > 0 : error == -QUIRE_ENOMEM && !done);
		CHECK_EQ(files_info(file).bytes, done > 10 ? size - 10 + done : size);
		all &= done == sizeof(buf);
		rig_sound(&f.rig);
		size_t wrote = done;
		error = quire_file_read(file, size - 10, back, wrote, &done);
		CHECK(!error ? done > 0 || !wrote : error == -QUIRE_ENOMEM && !done);
		CHECK(!memcmp(back, buf, done));
		all &= done == wrote;
		struct quire_page *page;
		error = pagecache_load(file, 2, QUIRE_FADV_NORMAL, 0, NULL, &page);
		CHECK(!error || error == -QUIRE_ENOMEM);
		all &= !error;
		if (!error) {
			use_unlock(f.q, page);
			pagecache_put(f.q, page);
		}
	}
	uint64_t pages = files_info(files[0]).nr_pages;
	error = quire_file_allocate(files[0], 0, 30 * PAGE, 10 * PAGE);
	CHECK(!error || error == -QUIRE_ENOMEM);
	CHECK_EQ(files_info(files[0]).nr_pages, pages + (error ? 0 : 10));
	all &= !error;
	struct quire_file *third;
	error = quire_memfd_create(f.q, "third", 0, &third);
	CHECK(!error || error == -QUIRE_ENOMEM);
	all &= !error;
	if (!error)
		quire_file_put(third);
	CHECK_EQ(quire_file_sync(files[1], 0, UINT64_MAX), 0);
	CHECK_EQ(quire_file_truncate(files[0], 5), 0);
	rig_sound(&f.rig);
	return all;
}

static bool try_with(size_t n)
{
	struct quire_config config = rig_config(QUIRE_X86_64);

	config.no_pcp = true;
	if (!rig_boot(&f.rig, config, MB(8)))
		return true;
	f.q = f.rig.q;
	CHECK_EQ(quire_kernel_boot(f.q), 0);
	CHECK_EQ(quire_cache_boot(f.q), 0);
	quire_set_min_free_kbytes(f.q, 1);
	uint64_t idle = kernel_idle(&f.rig);
	store_make(&f, &s, 10 * PAGE, 100 * PAGE);
	struct quire_file *files[2] = { files_open(&f, NULL, 10 * PAGE), files_open(&f, &s, 0) };
	size_t nr = leave_free(n);
	bool all = scenario(files);

	rig_free_all(&f.rig, held, nr, 0);
	quire_file_put(files[0]);
	quire_file_put(files[1]);
	CHECK_EQ(kernel_idle(&f.rig), idle);
	rig_end(&f.rig);
	free(s.bytes);
	return all;
}

TEST(frames)
{
	size_t n = 0;

	while (!try_with(n) && n < 200 && !test_failures)
		n++;
	printf("%zu frames were enough\n", n);
	CHECK(n > 20 && n < 200);
}

TEST_MAIN(CASE(boot), CASE(frames))
