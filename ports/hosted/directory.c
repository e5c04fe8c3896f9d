/* SPDX-License-Identifier: MIT */
/*
 * directory.c - real files as stores
 */
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hosted.h"

/* Frames of one call of the kernel. */
#define PART 64

/** struct quire_hosted_file - a file of the host */
struct quire_hosted_file {
	struct quire_hosted_file *next;
	struct quire *q;
	struct quire_inode *inode;
	dev_t dev;
	ino_t ino;
	int fd; /* for reading and writing if the host lets us, else for reading */
	bool writable;
};

/*
 * The contents of frames, @bytes in all, from byte @skip on. Return: how many pieces; 0: no memory
 */
static int pieces(struct quire *q, struct quire_page *const *pages, uint64_t skip, uint64_t bytes,
		  struct iovec *iov)
{
	struct quire_hosted *host = quire_config(q)->host;
	int nr = 0;

	while (skip < bytes && nr < PART) {
		uint64_t at = skip % QUIRE_PAGE_SIZE, n = QUIRE_PAGE_SIZE - at;
		struct quire_page *page = pages[skip / QUIRE_PAGE_SIZE];
		char *contents = quire_hosted_frame(host, quire_page_pfn(q, page));

		if (!contents)
			return 0;
		n = n < bytes - skip ? n : bytes - skip;
		iov[nr++] = (struct iovec){ contents + at, (size_t)n };
		skip += n;
	}
	return nr;
}

/* Zeros to the end: the file has no more. */
static int fill(struct quire *q, struct quire_page *const *pages, uint64_t skip, uint64_t bytes)
{
	struct iovec iov[PART];

	while (skip < bytes) {
		int nr = pieces(q, pages, skip, bytes, iov);

		if (!nr)
			return -ENOMEM;
		for (int i = 0; i < nr; i++) {
			memset(iov[i].iov_base, 0, iov[i].iov_len);
			skip += iov[i].iov_len;
		}
	}
	return 0;
}

static int file_read(void *ctx, uint64_t index, struct quire_page *const *pages, size_t nr_pages)
{
	const struct quire_hosted_file *f = ctx;
	uint64_t bytes = (uint64_t)nr_pages * QUIRE_PAGE_SIZE, done = 0;
	struct iovec iov[PART];

	while (done < bytes) {
		int nr = pieces(f->q, pages, done, bytes, iov);
		ssize_t n = nr ? preadv(f->fd, iov, nr, (off_t)(index * QUIRE_PAGE_SIZE + done))
			       : 0;

		if (!nr)
			return -ENOMEM;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += (uint64_t)n;
	}
	return fill(f->q, pages, done, bytes);
}

static int file_write(void *ctx, uint64_t index, struct quire_page *const *pages, uint64_t bytes)
{
	const struct quire_hosted_file *f = ctx;
	struct iovec iov[PART];
	uint64_t done = 0;

	while (done < bytes) {
		int nr = pieces(f->q, pages, done, bytes, iov);
		ssize_t n = nr ? pwritev(f->fd, iov, nr, (off_t)(index * QUIRE_PAGE_SIZE + done))
			       : 0;

		if (!nr)
			return -ENOMEM;
		if (n < 0 && errno != EINTR)
			return -errno;
		done += n < 0 ? 0 : (uint64_t)n;
	}
	return 0;
}

static int file_resize(void *ctx, uint64_t bytes)
{
	const struct quire_hosted_file *f = ctx;

	return ftruncate(f->fd, (off_t)bytes) ? -errno : 0;
}

static int file_punch(void *ctx, uint64_t offset, uint64_t bytes)
{
	const struct quire_hosted_file *f = ctx;

	return fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
			 (off_t)bytes)
		       ? -errno
		       : 0;
}

static int file_sync(void *ctx)
{
	const struct quire_hosted_file *f = ctx;

	return fdatasync(f->fd) ? -errno : 0;
}

static void file_release(void *ctx)
{
	struct quire_hosted_file *f = ctx;

	close(f->fd);
	free(f);
}

static const struct quire_store writable_store = {
	file_read, file_write, file_resize, file_punch, file_sync, file_release,
};
static const struct quire_store readable_store = { .read = file_read, .release = file_release };

int quire_hosted_directory_open(struct quire_hosted_directory *dir, struct quire *q,
				const char *path)
{
	*dir = (struct quire_hosted_directory){ .q = q };
	dir->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return dir->fd < 0 ? -errno : 0;
}

void quire_hosted_directory_close(struct quire_hosted_directory *dir)
{
	struct quire_hosted_file *next;

	for (struct quire_hosted_file *f = dir->files; f; f = next) {
		next = f->next;
		quire_inode_put(f->inode);
	}
	dir->files = NULL;
	close(dir->fd);
}

/* Open it below the root, for writing too where that is allowed, as others may want it later. */
static int open_below(const struct quire_hosted_directory *dir, const char *path, unsigned mode,
		      bool *writable)
{
	struct open_how how = { .flags = O_RDWR | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	bool must = mode & (QUIRE_FILE_WRITE | QUIRE_HOSTED_CREATE | QUIRE_HOSTED_TRUNCATE);

	if (mode & QUIRE_HOSTED_CREATE) {
		how.flags |= O_CREAT;
		how.mode = 0666;
	}
	int fd = (int)syscall(SYS_openat2, dir->fd, path, &how, sizeof(how));

	*writable = fd >= 0;
	if (fd < 0 && !must && (errno == EACCES || errno == EROFS || errno == ETXTBSY)) {
		how.flags = O_RDONLY | O_CLOEXEC;
		fd = (int)syscall(SYS_openat2, dir->fd, path, &how, sizeof(how));
	}
	return fd < 0 ? -errno : fd;
}

/* A new file of the directory, which has the descriptor from here on. */
static int new_file(struct quire_hosted_directory *dir, int fd, bool writable,
		    const struct stat *st, struct quire_hosted_file **out)
{
	struct quire_hosted_file *f = calloc(1, sizeof(*f));
	const struct quire_inode_args args = {
		.store = writable ? &writable_store : &readable_store,
		.ctx = f,
		.bytes = (uint64_t)st->st_size,
		.dev_major = major(st->st_dev),
		.dev_minor = minor(st->st_dev),
		.ino = st->st_ino,
	};

	if (!f)
		return -ENOMEM;
	*f = (struct quire_hosted_file){ dir->files, dir->q, NULL, st->st_dev, st->st_ino, fd,
					 writable };
	int error = quire_inode_create(dir->q, &args, &f->inode);

	if (error) {
		free(f);
		return error;
	}
	dir->files = f;
	*out = f;
	return 0;
}

int quire_hosted_file_open(struct quire_hosted_directory *dir, const char *path, unsigned mode,
			   struct quire_file **out)
{
	const unsigned ours = QUIRE_HOSTED_CREATE | QUIRE_HOSTED_TRUNCATE;
	struct quire_hosted_file *f = dir->files;
	bool writable, known;
	struct stat st;
	int fd = open_below(dir, path, mode, &writable), error = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		error = -errno;
	else if (!S_ISREG(st.st_mode))
		error = -EACCES;
	while (!error && f && (f->dev != st.st_dev || f->ino != st.st_ino))
		f = f->next;
	known = !error && f;
	if (!error && !f)
		error = new_file(dir, fd, writable, &st, &f);
	if (known || error)
		close(fd);
	if (!error)
		error = quire_file_open(f->inode, mode & ~ours, path, out);
	if (error || !(mode & QUIRE_HOSTED_TRUNCATE))
		return error;
	error = quire_file_truncate(*out, 0);
	if (error)
		quire_file_put(*out);
	return error;
}
