/* SPDX-License-Identifier: MIT */
/*
 * file.h - files in memory: the page cache
 *
 * An inode is a file: its size, the pages of it that are in memory, and a backing store that the
 * rest is read from and changes are written to, a table of functions of the caller's. Without a
 * store the memory is all there is of it: tmpfs, memfd. A file is an inode that somebody has
 * opened, with the rights that were asked for.
 *
 *   quire_cache_boot       set the page cache up                 needs quire_kernel_boot, the heap
 *   quire_inode_create     a file
 *   quire_file_open        open it
 *   quire_file_read …      through the cache, with readahead
 *   quire_file_truncate …  its size, holes; what is mapped is unmapped
 *   quire_file_sync        dirty pages to the store
 *   quire_memfd_create     a file without a name, with seals
 *
 * Mapping files: mm.h. Offsets are bytes, indexes pages of QUIRE_PAGE_SIZE.
 */
#ifndef QUIRE_FILE_H
#define QUIRE_FILE_H

#include <quire/highmem.h>
#include <quire/page.h>
#include <quire/quire.h>

#ifdef __cplusplus
extern "C" {
#endif

struct quire_inode;
struct quire_file;

/**
 * quire_cache_boot - set the page cache up
 * @q: a machine with kernel and heap
 *
 * Return: 0; -QUIRE_ENODEV before quire_kernel_boot or quire_slab_boot; -QUIRE_EBUSY when called
 *         twice; -QUIRE_ENOMEM
 */
int quire_cache_boot(struct quire *q);

/* ---- Inodes ------------------------------------------------------------------ */

/**
 * struct quire_store - where a file's contents are when they are not in memory
 *
 * Called without spinlocks; may sleep. Frames are filled and read with quire_page_write
 * and quire_page_read. Errors are negative numbers of error.h; what is not one of a file's becomes
 * EIO.
 */
struct quire_store {
	/* Fill @nr pages from page @index on; zeros beyond the end. All of them, or an error. */
	int (*read)(void *ctx, uint64_t index, struct quire_page *const *pages, size_t nr);
	/*
	 * Write them out, @bytes in all: the last page may end earlier, with the file. NULL: the
	 * file can't be opened for writing (-QUIRE_EPERM).
	 */
	int (*write)(void *ctx, uint64_t index, struct quire_page *const *pages, uint64_t bytes);
	/* The file has a new size. NULL: it can't change (-QUIRE_EPERM). */
	int (*resize)(void *ctx, uint64_t bytes);
	/* [offset, offset + bytes) is zeros from here on. NULL: it can't (-QUIRE_EOPNOTSUPP). */
	int (*punch)(void *ctx, uint64_t offset, uint64_t bytes);
	/* What was written is to be safe. May be NULL. */
	int (*sync)(void *ctx);
	/* Nobody knows the inode any more. May be NULL. */
	void (*release)(void *ctx);
};

/** struct quire_inode_args - what a file is */
struct quire_inode_args {
	const struct quire_store *store; /* constant while the inode lives; NULL: memory alone */
	void *ctx;                       /* of its functions */
	uint64_t bytes;                  /* size */
	uint32_t dev_major, dev_minor;   /* as /proc/PID/maps prints them */
	uint64_t ino;
};

/**
 * quire_inode_create - a file that is not opened yet
 * @q:    after quire_cache_boot
 * @args: copied
 * @out:  with one reference
 *
 * Return: 0; -QUIRE_EINVAL for a store without read; -QUIRE_EFBIG; -QUIRE_ENODEV; -QUIRE_ENOMEM. On
 *         an error release was not called.
 */
int quire_inode_create(struct quire *q, const struct quire_inode_args *args,
		       struct quire_inode **out);

/** quire_inode_get - one more reference */
void quire_inode_get(struct quire_inode *inode);

/** quire_inode_put - one less. The last writes dirty pages back and drops them. NULL is none */
void quire_inode_put(struct quire_inode *inode);

/** struct quire_inode_info - a file, counted */
struct quire_inode_info {
	uint64_t bytes;
	uint64_t nr_pages;     /* in memory */
	uint64_t nr_dirty;
	uint64_t nr_writeback;
	uint64_t nr_reads;     /* pages read from the store */
	uint64_t nr_ahead;     /* of them, before anybody asked */
	uint64_t nr_writes;    /* pages written to it */
	uint32_t dev_major, dev_minor;
	uint64_t ino;
	bool memory;           /* it has no store */
	int error;             /* of a write-back, since the last quire_file_sync; 0 */
};

/** quire_inode_info - count it */
void quire_inode_info(struct quire_inode *inode, struct quire_inode_info *out);

/* ---- Open files ---------------------------------------------------------------- */

/* How a file is opened. */
#define QUIRE_FILE_READ 1u
#define QUIRE_FILE_WRITE 2u
#define QUIRE_FILE_NOEXEC 4u /* it can't be mapped for execution (a mount with noexec) */

/**
 * quire_file_open - open a file
 * @inode: which; referenced until quire_file_put
 * @mode:  QUIRE_FILE_…
 * @name:  as reports print it, up to 4095 bytes; copied
 * @out:   with one reference
 *
 * Return: 0; -QUIRE_EINVAL; -QUIRE_ENOMEM
 */
int quire_file_open(struct quire_inode *inode, unsigned mode, const char *name,
		    struct quire_file **out);

/** quire_file_get - one more reference */
void quire_file_get(struct quire_file *file);

/** quire_file_put - one less; the last closes it. NULL is none */
void quire_file_put(struct quire_file *file);

/** quire_file_inode - what was opened */
struct quire_inode *quire_file_inode(const struct quire_file *file);

/** quire_file_name - as it was opened */
const char *quire_file_name(const struct quire_file *file);

/** quire_file_mode - QUIRE_FILE_… */
unsigned quire_file_mode(const struct quire_file *file);

/**
 * quire_file_read - read through the page cache, as pread
 * @file:   opened for reading
 * @offset: of the first byte
 * @buf:    filled
 * @n:      bytes
 * @done:   how many were read: fewer at the end of the file, 0 beyond it
 *
 * Return:  0; -QUIRE_EBADF if not opened for reading; -QUIRE_EIO; -QUIRE_ENOMEM; an error after
 *          some bytes is 0, and comes again with the next call
 * Context: may sleep
 */
int quire_file_read(struct quire_file *file, uint64_t offset, void *buf, size_t n, size_t *done);

/**
 * quire_file_write - write to the page cache, as pwrite; the file grows
 *
 * Return: as quire_file_read; -QUIRE_EFBIG; -QUIRE_EPERM if a seal forbids it
 */
int quire_file_write(struct quire_file *file, uint64_t offset, const void *buf, size_t n,
		     size_t *done);

/**
 * quire_file_truncate - set the size, as ftruncate
 *
 * Pages beyond leave the cache and every mapping, private copies too; the rest of the last page
 * is zeroed.
 *
 * Return: 0; -QUIRE_EINVAL if not opened for writing, or for a part of a huge page; -QUIRE_EPERM
 *         for a seal or a store that can't; -QUIRE_EFBIG; the store's error: then nothing has
 *         changed
 */
int quire_file_truncate(struct quire_file *file, uint64_t bytes);

/* Modes of quire_file_allocate: Linux's values. */
#define QUIRE_FALLOC_KEEP_SIZE 1u
#define QUIRE_FALLOC_PUNCH_HOLE 2u /* with KEEP_SIZE */
#define QUIRE_FALLOC_ZERO_RANGE 0x10u

/**
 * quire_file_allocate - fallocate
 *
 * With KEEP_SIZE a file without a store keeps pages behind its end.
 *
 * Return: 0; -QUIRE_EBADF, EINVAL, EFBIG, EPERM, EOPNOTSUPP, ENOMEM, ENOSPC
 */
int quire_file_allocate(struct quire_file *file, unsigned mode, uint64_t offset, uint64_t bytes);

/**
 * quire_file_sync - write dirty pages of a range to the store, as fsync
 * @file:   any
 * @offset: first byte
 * @bytes:  UINT64_MAX: to the end
 *
 * Mappings are write-protected first, so that what is written later is seen again.
 *
 * Return: 0; the error of a write-back since the last call, once
 */
int quire_file_sync(struct quire_file *file, uint64_t offset, uint64_t bytes);

/* What quire_file_advise is told: Linux's POSIX_FADV_…. */
enum quire_fadvise {
	QUIRE_FADV_NORMAL,
	QUIRE_FADV_RANDOM,
	QUIRE_FADV_SEQUENTIAL,
	QUIRE_FADV_WILLNEED,
	QUIRE_FADV_DONTNEED,
	QUIRE_FADV_NOREUSE,
};

/** quire_file_advise - posix_fadvise; @bytes 0: to the end. Return: 0; -QUIRE_EINVAL */
int quire_file_advise(struct quire_file *file, uint64_t offset, uint64_t bytes,
		      enum quire_fadvise advice);

/* ---- memfd ------------------------------------------------------------------------ */

#define QUIRE_MFD_CLOEXEC 1u
#define QUIRE_MFD_ALLOW_SEALING 2u
#define QUIRE_MFD_HUGETLB 4u /* of huge pages; the log2 of their size from bit 26 on, or 0 */
#define QUIRE_MFD_NOEXEC_SEAL 8u
#define QUIRE_MFD_EXEC 0x10u

/* Seals: Linux's F_SEAL_…. */
#define QUIRE_SEAL_SEAL 1u
#define QUIRE_SEAL_SHRINK 2u
#define QUIRE_SEAL_GROW 4u
#define QUIRE_SEAL_WRITE 8u
#define QUIRE_SEAL_FUTURE_WRITE 0x10u
#define QUIRE_SEAL_EXEC 0x20u

/**
 * quire_memfd_create - an open file of memory alone
 * @name: up to 249 bytes; reports print "/memfd:NAME (deleted)"
 *
 * A file of huge pages is read and mapped, not written (-QUIRE_EINVAL); its size is a multiple of
 * theirs. They come from the pool (quire_vm_sysctl in mm.h).
 *
 * Return: 0; -QUIRE_EINVAL; -QUIRE_ENODEV for huge pages of a size that there is not; -QUIRE_ENOMEM
 */
int quire_memfd_create(struct quire *q, const char *name, unsigned flags, struct quire_file **out);

/**
 * quire_file_seal - F_ADD_SEALS
 *
 * Return: 0; -QUIRE_EPERM; -QUIRE_EBUSY while mapped writable; EINVAL
 */
int quire_file_seal(struct quire_file *file, unsigned seals);

/** quire_file_seals - F_GET_SEALS. Return: QUIRE_SEAL_…; -QUIRE_EINVAL for a file without seals */
int quire_file_seals(const struct quire_file *file);

/* ---- All of the cache ------------------------------------------------------------- */

/** struct quire_pagecache_stat - the page cache in numbers */
struct quire_pagecache_stat {
	uint64_t nr_inodes;
	uint64_t nr_pages;     /* of files with a store */
	uint64_t nr_memory;    /* of files without: meminfo's Shmem */
	uint64_t nr_dirty;
	uint64_t nr_writeback;
};

/** quire_pagecache_stat - count. Return: 0; -QUIRE_ENODEV */
int quire_pagecache_stat(struct quire *q, struct quire_pagecache_stat *out);

/** quire_pagecache_sync - write all dirty pages back, as sync. Return: 0; the first error */
int quire_pagecache_sync(struct quire *q);

/**
 * quire_pagecache_drop - drop clean pages that nobody maps, as /proc/sys/vm/drop_caches
 *
 * Return: how many
 */
uint64_t quire_pagecache_drop(struct quire *q);

#ifdef __cplusplus
}
#endif
#endif
