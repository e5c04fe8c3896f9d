/* SPDX-License-Identifier: MIT */
/*
 * test_pressure.c - who frees memory for a request that may enter file systems can write files
 * back: no lock of a file is held then
 */
#include "process.h"
#include "store.h"

#include "cache/inode.h"

#define PAGES 1500u
#define AT 0x20000000u

/* The machine, and its only file. */
static struct files f;
static struct store store;
static struct quire_file *file;
static unsigned allowed, held;

static bool is_locked(const struct quire_inode *inode)
{
	if (inode->rw.word || inode->flush.word || inode->maps_lock.word)
		return true;
	for (uint32_t i = 0; i < f.q->frames.nr; i++) {
		if (frames_owner(&f.q->frames.pages[i]) == QUIRE_OWNER_CACHE &&
		    f.q->use[i].flags & USE_LOCKED)
			return true;
	}
	return false;
}

static uint64_t write_back(void *ctx, quire_gfp_t gfp, unsigned order)
{
	(void)ctx, (void)order;
	if (!(gfp & QUIRE_GFP_BIT_FS))
		return 0;
	allowed++;
	if (is_locked(quire_file_inode(file))) {
		held++;
		return 0;
	}
	(void)quire_pagecache_sync(f.q);
	return quire_pagecache_drop(f.q);
}

static struct quire_mm *map(struct quire_mm *mm, unsigned flags)
{
	struct quire_mmap args = { .address = { AT }, .bytes = PAGES * PAGE, .prot = PROT_RW,
				   .flags = flags | QUIRE_MAP_FIXED, .file = file };
	quire_virt_t out;

	CHECK_EQ(quire_mmap(mm, &args, &out), 0);
	return mm;
}

/* As far as memory goes. */
static void touch(struct quire_mm *mm, uint64_t first, uint64_t last, bool write)
{
	uint64_t value = 1;

	for (uint64_t i = first; i < last; i++)
		(void)(write ? quire_copy_to_user(mm, (quire_virt_t){ AT + i * PAGE }, &value,
						  sizeof(value))
			     : quire_copy_from_user(mm, &value, (quire_virt_t){ AT + i * PAGE },
						    sizeof(value)));
}

/* Take what is free, and what is clean. */
static void exhaust(void)
{
	do {
		while (quire_page_alloc(f.q, QUIRE_GFP_HIGHUSER_MOVABLE & ~QUIRE_GFP_RECLAIM, 0) ||
		       quire_page_alloc(f.q, QUIRE_GFP_KERNEL & ~QUIRE_GFP_RECLAIM, 0))
			;
	} while (quire_pagecache_drop(f.q));
}

static void read_and_write(void)
{
	static unsigned char buf[64 * QUIRE_PAGE_SIZE];
	size_t done;

	exhaust();
	for (uint64_t at = 0; at < PAGES * PAGE; at += sizeof(buf)) {
		(void)quire_file_read(file, at, buf, sizeof(buf), &done);
		(void)quire_file_write(file, at, buf, at % (2 * sizeof(buf)) ? sizeof(buf) : 100,
				       &done);
	}
}

/* Some pages are mapped, some are in the cache, the others are nowhere; then frames run short. */
static void mapped(struct quire_mm *mm, unsigned flags, bool write)
{
	const struct quire_mremap move = { .address = { AT }, .old_bytes = 600 * PAGE,
					   .new_bytes = 600 * PAGE, .flags = 3,
					   .new_address = { 2 * AT } };
	struct quire_page *spare[8];
	quire_virt_t out;

	for (unsigned i = 0; i < 8; i++)
		spare[i] = quire_page_alloc(f.q, QUIRE_GFP_KERNEL, 0);
	map(mm, flags);
	touch(mm, 0, 2, write);
	touch(mm, 510, 514, true);
	exhaust();
	touch(mm, 0, PAGES, write);
	/* So far, and a frame further each time. */
	for (unsigned i = 0; i < 8; i++) {
		struct quire_mm *child = NULL;

		CHECK_EQ(quire_page_free(f.q, spare[i], 0), QUIRE_FREE_OK);
		if (!quire_mm_fork(mm, &child))
			touch(child, 0, PAGES, true);
		CHECK_EQ(quire_mm_destroy(child), 0);
	}
	exhaust();
	(void)quire_mremap(mm, &move, &out);
}

static void on(const struct quire_config *config, int what)
{
	const struct quire_pressure hook = { write_back, NULL, NULL };
	static const unsigned char buf[1040 * QUIRE_PAGE_SIZE];
	size_t done;

	if (!process_rig(&f.rig, config, MB(32)))
		return;
	f.q = f.rig.q;
	store_make(&f, &store, PAGES * PAGE, PAGES * PAGE);
	file = files_open(&f, &store, 0);
	struct quire_mm *mm = process_start(&f.rig);

	CHECK_EQ(quire_file_write(file, 0, buf, sizeof(buf), &done), 0);
	allowed = held = 0;
	quire_set_pressure(f.q, &hook);
	if (!what)
		read_and_write();
	else if (what == 1)
		mapped(mm, QUIRE_MAP_SHARED, false);
	else if (what == 2)
		mapped(mm, QUIRE_MAP_SHARED, true);
	else
		mapped(mm, QUIRE_MAP_PRIVATE, true);
	CHECK_EQ(held, 0);
	/* Nobody is in its way here. */
	allowed = 0;
	exhaust();
	(void)quire_page_alloc(f.q, QUIRE_GFP_KERNEL, 0);
	CHECK(allowed > 0);
	quire_set_pressure(f.q, NULL);
	rig_sound(&f.rig);
	process_end(&f.rig, mm);
	quire_file_put(file);
	rig_end(&f.rig);
	free(store.bytes);
}

TEST(no_lock_of_a_file)
{
	for (unsigned i = 0; process_machine(i); i++) {
		for (int what = 0; what < 4; what++)
			on(process_machine(i), what);
	}
}

TEST_MAIN(CASE(no_lock_of_a_file))
