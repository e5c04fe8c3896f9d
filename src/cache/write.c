/* SPDX-License-Identifier: MIT */
/*
 * write.c - write to a file through the cache
 *
 * R is held for writing, so a write of up to PIECE bytes is seen as a whole by reads. The store
 * learns of a new size first, so that it can refuse; contents reach it by write-back.
 *
 *   the page is       written in part                             written whole
 *   in memory         changed                                     changed
 *   not in memory     read first, if the file has something       a new page
 *                     of it that is not written now; else zeros
 */
#include "cache/cache.h"
#include "cache/file.h"
#include "cache/hugefile.h"
#include "cache/truncate.h"
#include "kmem/touch.h"

/*
 * What is written in one go: others have their turn in between, and dirty pages can be written
 * back.
 */
#define PIECE 0x40000u

/* struct chunk - what is written to one page */
struct chunk {
	uint64_t offset; /* in the file */
	const void *buf;
	size_t n;
	uint64_t size; /* of the file, before the write */
};

/* Has the store something of the page that this chunk does not replace? */
static bool needs_old(const struct quire_inode *inode, const struct chunk *c)
{
	uint64_t start = c->offset & ~(uint64_t)(QUIRE_PAGE_SIZE - 1);

	return inode->store && start < c->size &&
	       (c->offset > start || (c->n < QUIRE_PAGE_SIZE && c->offset + c->n < c->size));
}

/*
 * The page to write to, up to date, locked, with a reference. @fresh: it came with this call, all
 * zeros. Locks: R for writing
 */
static int page_for(struct quire_inode *inode, const struct chunk *c, struct quire_page **out,
		    bool *fresh)
{
	uint64_t index = c->offset >> QUIRE_PAGE_SHIFT;
	int error = 0;

	*out = pagecache_find(inode, index);
	*fresh = !*out && !needs_old(inode, c);
	if (*fresh)
		return pagecache_fresh(inode, index, 0, out);
	if (!*out)
		error = ahead_one(inode, index, out);
	if (!error)
		use_lock(inode->q, *out);
	return error;
}

/* A page that could not be filled: what the store has is the file's. Locks: R for writing */
static void take_back(struct quire_inode *inode, struct quire_page *page)
{
	uintptr_t token = inode_lock(inode);

	pagecache_remove(inode, page);
	inode_unlock(inode, token);
	pagecache_put(inode->q, page);
}

static int write_chunk(struct quire_inode *inode, const struct chunk *c)
{
	struct quire *q = inode->q;
	struct quire_page *page;
	bool fresh;
	int error = page_for(inode, c, &page, &fresh);

	if (error)
		return error == -QUIRE_EEXIST ? -QUIRE_ENOMEM : error;
	error = quire_page_write(q, page, (unsigned)c->offset & (QUIRE_PAGE_SIZE - 1), c->buf,
				 c->n);
	if (!error) {
		if (!inode->store)
			pagecache_used(q, page);
		pagecache_referenced(q, page);
		pagecache_dirty(q, page);
	} else if (fresh) {
		take_back(inode, page);
	}
	use_unlock(q, page);
	pagecache_put(q, page);
	return error;
}

/*
 * How much of [offset, end) may be written, up to whole pages as Linux does: a seal refuses the
 * page in which the file would grow. The size is the new one then. Return: 0; the error if nothing
 * may
 */
static int permit(struct quire_inode *inode, uint64_t offset, uint64_t *end)
{
	uint64_t size = inode->bytes, limit = size;
	int error;

	if (relaxed_load(&inode->seals) & (QUIRE_SEAL_WRITE | QUIRE_SEAL_FUTURE_WRITE))
		return -QUIRE_EPERM;
	if (*end <= size)
		return 0;
	error = truncate_grow(inode, *end);
	if (!error)
		return 0;
	if (!inode->store)
		limit &= ~(uint64_t)(QUIRE_PAGE_SIZE - 1);
	if (offset >= limit)
		return error;
	*end = limit;
	return 0;
}

/* Write a piece, no longer than PIECE. Return: 0 if all of it is written */
static int write_piece(struct quire_inode *inode, uint64_t offset, const char *buf, size_t n,
		       size_t *done)
{
	void *host = inode->q->config.host;
	size_t at = 0;

	sem_write(&inode->rw, host);
	uint64_t size = inode->bytes, end = offset + n;
	int error = permit(inode, offset, &end);

	while (!error && offset + at < end) {
		uint64_t room = QUIRE_PAGE_SIZE - ((offset + at) & (QUIRE_PAGE_SIZE - 1));
		uint64_t left = end - offset - at;
		struct chunk c = { offset + at, buf + at, (size_t)(left < room ? left : room),
				   size };

		error = write_chunk(inode, &c);
		at += error ? 0 : c.n;
	}
	/* It is no longer than what was written, or than it was. */
	if (error && inode->bytes > size)
		truncate_shrink(inode, at && offset + at > size ? offset + at : size);
	sem_write_drop(&inode->rw, host);
	*done += at;
	return error ? error : at < n ? -QUIRE_ENOSPC : 0;
}

int quire_file_write(struct quire_file *file, uint64_t offset, const void *buf, size_t n,
		     size_t *done)
{
	struct quire_inode *inode = file->inode;
	int error = 0;

	*done = 0;
	if (!(file->mode & QUIRE_FILE_WRITE))
		return -QUIRE_EBADF;
	/* Huge pages are written by who maps them. */
	if (hugefile_is(inode))
		return -QUIRE_EINVAL;
	if (offset > INODE_BYTES_MAX || n > INODE_BYTES_MAX - offset)
		return -QUIRE_EINVAL;
	while (*done < n && !error) {
		uint64_t at = offset + *done, room = PIECE - at % PIECE;

		error = write_piece(inode, at, (const char *)buf + *done,
				    (size_t)(n - *done < room ? n - *done : room), done);
		pagecache_balance(inode);
	}
	return *done ? 0 : error;
}
