/* SPDX-License-Identifier: MIT */
/*
 * exec.h - machines that can start programs, for tests
 */
#ifndef TEST_EXEC_H
#define TEST_EXEC_H

#include "kernel.h"

#include <quire/exec.h>

#include "elf_image.h"

/* A file's contents; the store of its inode. */
struct contents {
	struct quire *q;
	const unsigned char *bytes;
	size_t length;
};

static int contents_read(void *ctx, uint64_t index, struct quire_page *const *pages, size_t nr)
{
	const struct contents *c = ctx;
	unsigned char buf[QUIRE_PAGE_SIZE];

	for (size_t i = 0; i < nr; i++) {
		uint64_t from = (index + i) << QUIRE_PAGE_SHIFT;
		size_t n = from < c->length ? c->length - (size_t)from : 0;
		int error;

		memset(buf, 0, sizeof(buf));
		if (n)
			memcpy(buf, c->bytes + from, n < sizeof(buf) ? n : sizeof(buf));
		error = quire_page_write(c->q, pages[i], 0, buf, sizeof(buf));
		if (error)
			return error;
	}
	return 0;
}

static const struct quire_store contents_store = { .read = contents_read };

/** A file with these contents, which have to stay. Return: NULL without memory */
static inline struct quire_file *exec_file(struct contents *c, const char *name)
{
	const struct quire_inode_args args = {
		.store = &contents_store,
		.ctx = c,
		.bytes = c->length,
		.dev_major = 8,
		.ino = 1,
	};
	struct quire_inode *inode = NULL;
	struct quire_file *file = NULL;

	if (quire_inode_create(c->q, &args, &inode))
		return NULL;
	if (quire_file_open(inode, QUIRE_FILE_READ, name, &file))
		file = NULL;
	quire_inode_put(inode);
	return file;
}

/** A machine of @bytes with page cache and processes */
static inline bool exec_start(struct rig *rig, enum quire_machine machine, uint64_t bytes)
{
	int error;

	if (!kernel_start(rig, machine, bytes))
		return false;
	error = quire_slab_boot(rig->q, NULL);
	CHECK(!error || error == -QUIRE_EBUSY);
	error = quire_cache_boot(rig->q);
	if (!error)
		error = quire_vm_boot(rig->q);
	CHECK_EQ(error, 0);
	return !error;
}

/** execve with arguments by default. @exec: file and what else is not usual. Return: its error */
static inline int exec_run(struct rig *rig, struct quire_exec exec, struct quire_mm **mm,
			   struct quire_exec_start *start)
{
	static const char *const argv[] = { "prog", "one", "", NULL };
	static const char *const envp[] = { "HOME=/", "A=b", NULL };

	exec.path = exec.path ? exec.path : "./prog";
	exec.argv = exec.argv ? exec.argv : argv;
	exec.envp = exec.envp ? exec.envp : envp;
	*mm = NULL;
	return quire_exec(rig->q, NULL, &exec, mm, start);
}

#endif
