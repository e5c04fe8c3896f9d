/* SPDX-License-Identifier: MIT */
/*
 * store.h - a store in memory for the tests, which can fail on demand; machines with a page cache
 */
#ifndef TEST_STORE_H
#define TEST_STORE_H

#include "kernel.h"

#include <quire/file.h>

/** struct store - what a file is outside of the machine's memory */
struct store {
	struct quire *q;
	unsigned char *bytes;
	uint64_t size, room;
	unsigned calls;   /* of read, write, resize, punch so far */
	unsigned fail_at; /* the call with this number (from 1) fails; 0: none does */
	uint64_t bad;     /* reads and writes of this page fail, if it isn't 0 */
	unsigned reads, writes, syncs, releases, errors;
	size_t last_index, last_nr; /* of the newest read or write */
};

/* Return: whether this call fails */
static inline bool store_fails(struct store *s, uint64_t index, uint64_t nr)
{
	bool fails = __atomic_add_fetch(&s->calls, 1, __ATOMIC_RELAXED) == s->fail_at ||
		     (s->bad && index <= s->bad && s->bad - index < nr);

	if (fails)
		__atomic_fetch_add(&s->errors, 1, __ATOMIC_RELAXED);
	return fails;
}

static inline int store_read(void *ctx, uint64_t index, struct quire_page *const *pages, size_t nr)
{
	struct store *s = ctx;
	static const unsigned char zeros[QUIRE_PAGE_SIZE];

	if (store_fails(s, index, nr))
		return -QUIRE_EIO;
	__atomic_fetch_add(&s->reads, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&s->last_index, (size_t)index, __ATOMIC_RELAXED);
	__atomic_store_n(&s->last_nr, (size_t)nr, __ATOMIC_RELAXED);
	for (size_t i = 0; i < nr; i++) {
		uint64_t at = (index + i) * QUIRE_PAGE_SIZE;
		uint64_t left = at < s->size ? s->size - at : 0;
		size_t n = (size_t)(left < QUIRE_PAGE_SIZE ? left : QUIRE_PAGE_SIZE);

		if (quire_page_write(s->q, pages[i], 0, zeros, QUIRE_PAGE_SIZE) ||
		    (n && quire_page_write(s->q, pages[i], 0, s->bytes + at, n)))
			return -QUIRE_EIO;
	}
	return 0;
}

static inline int store_write(void *ctx, uint64_t index, struct quire_page *const *pages,
			      uint64_t bytes)
{
	struct store *s = ctx;
	uint64_t at = index * QUIRE_PAGE_SIZE, nr = (bytes + QUIRE_PAGE_SIZE - 1) / QUIRE_PAGE_SIZE;

	if (store_fails(s, index, nr))
		return -QUIRE_ENOSPC;
	__atomic_fetch_add(&s->writes, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&s->last_index, (size_t)index, __ATOMIC_RELAXED);
	__atomic_store_n(&s->last_nr, (size_t)nr, __ATOMIC_RELAXED);
	if (at + bytes > s->size)
		return -QUIRE_EIO;
	for (size_t i = 0; bytes; i++) {
		size_t n = bytes < QUIRE_PAGE_SIZE ? (size_t)bytes : QUIRE_PAGE_SIZE;

		if (quire_page_read(s->q, pages[i], 0, s->bytes + at, n))
			return -QUIRE_EIO;
		at += n;
		bytes -= n;
	}
	return 0;
}

static inline int store_resize(void *ctx, uint64_t bytes)
{
	struct store *s = ctx;

	if (bytes > s->room || store_fails(s, 0, 0))
		return -QUIRE_ENOSPC;
	if (bytes < s->size)
		memset(s->bytes + bytes, 0, (size_t)(s->size - bytes));
	s->size = bytes;
	return 0;
}

static inline int store_punch(void *ctx, uint64_t offset, uint64_t bytes)
{
	struct store *s = ctx;

	if (store_fails(s, 0, 0))
		return -QUIRE_EIO;
	if (offset < s->size)
		memset(s->bytes + offset, 0,
		       (size_t)(s->size - offset < bytes ? s->size - offset : bytes));
	return 0;
}

static inline int store_sync(void *ctx)
{
	((struct store *)ctx)->syncs++;
	return 0;
}

static inline void store_release(void *ctx)
{
	((struct store *)ctx)->releases++;
}

static const struct quire_store store_all = { store_read,  store_write, store_resize,
					      store_punch, store_sync,  store_release };

/** struct files - a machine with a page cache */
struct files {
	struct rig rig;
	struct quire *q;
};

static inline bool files_start_on(struct files *f, enum quire_machine machine, uint64_t bytes)
{
	*f = (struct files){ .q = NULL };
	if (!kernel_start(&f->rig, machine, bytes))
		return false;
	f->q = f->rig.q;
	int error = quire_cache_boot(f->q);

	CHECK_EQ(error, 0);
	return !error;
}

static inline bool files_start(struct files *f)
{
	return files_start_on(f, QUIRE_X86_64, MB(32));
}

/** A store of @size bytes that may become @room, filled with a pattern */
static inline void store_make(struct files *f, struct store *s, uint64_t size, uint64_t room)
{
	*s = (struct store){ .q = f->q, .size = size, .room = room };
	s->bytes = calloc(1, (size_t)room + 1);
	for (uint64_t i = 0; i < size; i++)
		s->bytes[i] = (unsigned char)(i / QUIRE_PAGE_SIZE * 31 + i % 251 + 1);
}

/** A file of it, or of memory alone (@s NULL), opened for reading and writing */
static inline struct quire_file *files_open(struct files *f, struct store *s, uint64_t bytes)
{
	struct quire_inode_args args = { .ctx = s, .bytes = bytes, .ino = 7 };
	struct quire_inode *inode = NULL;
	struct quire_file *file = NULL;

	if (s) {
		args.store = &store_all;
		args.bytes = s->size;
	}
	CHECK_EQ(quire_inode_create(f->q, &args, &inode), 0);
	if (!inode)
		return NULL;
	CHECK_EQ(quire_file_open(inode, QUIRE_FILE_READ | QUIRE_FILE_WRITE, "/a", &file), 0);
	quire_inode_put(inode);
	return file;
}

static inline struct quire_inode_info files_info(struct quire_file *file)
{
	struct quire_inode_info info;

	quire_inode_info(quire_file_inode(file), &info);
	return info;
}

#endif
