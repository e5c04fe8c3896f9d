/* SPDX-License-Identifier: MIT */
/*
 * file.c - open files: opened, read, advised, synced, closed
 *
 * What is written: write.c; size and holes: truncate.c.
 */
#include "cache/file.h"

#include "cache/cache.h"
#include "cache/hugefile.h"
#include "cache/shrink.h"
#include "cache/writeback.h"
#include "core/string.h"

#define NAME_MAX_BYTES 4095
/* Records take as much on 32-bit hosts. */
#define FILE_BYTES 56

_Static_assert(sizeof(struct quire_file) <= FILE_BYTES, "FILE_BYTES");

static size_t length(const char *name)
{
	size_t n = 0;

	while (n <= NAME_MAX_BYTES && name[n])
		n++;
	return n;
}

int quire_file_open(struct quire_inode *inode, unsigned mode, const char *name,
		    struct quire_file **out)
{
	size_t n = length(name);

	if (mode & ~(QUIRE_FILE_READ | QUIRE_FILE_WRITE | QUIRE_FILE_NOEXEC) ||
	    !(mode & (QUIRE_FILE_READ | QUIRE_FILE_WRITE)) || n > NAME_MAX_BYTES)
		return -QUIRE_EINVAL;
	if (mode & QUIRE_FILE_WRITE && inode->store && !inode->store->write)
		return -QUIRE_EPERM;
	struct quire_file *file = quire_kzalloc(inode->q, FILE_BYTES + n + 1, QUIRE_GFP_KERNEL);

	if (!file)
		return -QUIRE_ENOMEM;
	quire_inode_get(inode);
	file->inode = inode;
	file->mode = mode;
	relaxed_store(&file->users, 1);
	memcpy(file->name, name, n);
	*out = file;
	return 0;
}

void quire_file_get(struct quire_file *file)
{
	atomic_fetch_add_explicit(&file->users, 1, memory_order_relaxed);
}

void quire_file_put(struct quire_file *file)
{
	if (!file || atomic_fetch_sub_explicit(&file->users, 1, memory_order_acq_rel) != 1)
		return;
	struct quire_inode *inode = file->inode;

	quire_kfree(inode->q, file);
	quire_inode_put(inode);
}

struct quire_inode *quire_file_inode(const struct quire_file *file)
{
	return file->inode;
}

const char *quire_file_name(const struct quire_file *file)
{
	return file->name;
}

unsigned quire_file_mode(const struct quire_file *file)
{
	return file->mode;
}

/* Note where a read ended, so that one that goes on there is seen to be sequential. */
static void note(struct quire_file *file, uint64_t next)
{
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&file->lock);
	file->ahead.next = next;
	lock_drop(&file->lock);
	quire_port_cpu_leave(token);
}

/* Copy from one page. @nr: pages that the read still asks for, this one included */
static int read_page(struct quire_file *file, uint64_t offset, void *buf, size_t n, uint64_t nr)
{
	struct quire *q = file->inode->q;
	struct quire_page *page;
	int error;

	if (unlikely(hugefile_is(file->inode)))
		return hugefile_read(file->inode, offset, buf, n);
	error = pagecache_get(file, offset >> QUIRE_PAGE_SHIFT, nr, &page);
	if (error)
		return error;
	if (!page) {
		memset(buf, 0, n);
		return 0;
	}
	error = quire_page_read(q, page, (unsigned)offset & (QUIRE_PAGE_SIZE - 1), buf, n);
	pagecache_put(q, page);
	return error;
}

int quire_file_read(struct quire_file *file, uint64_t offset, void *buf, size_t n, size_t *done)
{
	struct quire_inode *inode = file->inode;
	void *host = inode->q->config.host;
	int error = 0;

	*done = 0;
	if (!(file->mode & QUIRE_FILE_READ))
		return -QUIRE_EBADF;
	if (offset > INODE_BYTES_MAX || n > INODE_BYTES_MAX - offset)
		return -QUIRE_EINVAL;
	sem_read(&inode->rw, host);
	uint64_t size = inode->bytes, end = offset + n < size ? offset + n : size;

	while (offset < end && !error) {
		uint64_t room = QUIRE_PAGE_SIZE - (offset & (QUIRE_PAGE_SIZE - 1));
		uint64_t part = end - offset < room ? end - offset : room;

		error = read_page(file, offset, (char *)buf + *done, (size_t)part,
				  inode_pages(end) - (offset >> QUIRE_PAGE_SHIFT));
		if (!error) {
			*done += (size_t)part;
			offset += part;
		}
	}
	sem_read_drop(&inode->rw, host);
	if (*done && inode->store)
		note(file, inode_pages(offset));
	return *done ? 0 : error;
}

int quire_file_sync(struct quire_file *file, uint64_t offset, uint64_t bytes)
{
	struct quire_inode *inode = file->inode;
	uint64_t end = bytes > UINT64_MAX - offset ? UINT64_MAX : offset + bytes;
	int error = 0;

	if (!inode->store)
		return 0;
	if (bytes)
		error = writeback_range(inode, offset >> QUIRE_PAGE_SHIFT,
					(end - 1) >> QUIRE_PAGE_SHIFT);
	if (!error)
		error = writeback_safe(inode);
	uintptr_t token = inode_lock(inode);

	error = error ? error : inode->error;
	inode->error = 0;
	inode_unlock(inode, token);
	return error;
}

/* Write back what lies in a range, drop its whole pages. */
static void dont_need(struct quire_inode *inode, uint64_t offset, uint64_t end)
{
	uintptr_t token = inode_lock(inode);
	uint64_t size = inode->bytes, first = inode_pages(offset);

	inode_unlock(inode, token);
	uint64_t last = end >= size ? inode_pages(size) : end >> QUIRE_PAGE_SHIFT;

	writeback_range(inode, offset >> QUIRE_PAGE_SHIFT, (end - 1) >> QUIRE_PAGE_SHIFT);
	if (first < last)
		shrink_range(inode, first, last - 1);
}

int quire_file_advise(struct quire_file *file, uint64_t offset, uint64_t bytes,
		      enum quire_fadvise advice)
{
	uint64_t end = bytes && bytes < UINT64_MAX - offset ? offset + bytes : UINT64_MAX;

	if ((unsigned)advice > QUIRE_FADV_NOREUSE || bytes > INODE_BYTES_MAX ||
	    offset > INODE_BYTES_MAX)
		return -QUIRE_EINVAL;
	switch (advice) {
	case QUIRE_FADV_NORMAL:
	case QUIRE_FADV_RANDOM:
	case QUIRE_FADV_SEQUENTIAL:
		relaxed_store(&file->advice, (uint32_t)advice);
		break;
	case QUIRE_FADV_WILLNEED:
		if (hugefile_is(file->inode))
			break;
		pagecache_ahead(file, offset >> QUIRE_PAGE_SHIFT,
				((end - 1) >> QUIRE_PAGE_SHIFT) - (offset >> QUIRE_PAGE_SHIFT) + 1);
		break;
	case QUIRE_FADV_DONTNEED:
		if (file->inode->store)
			dont_need(file->inode, offset, end);
		break;
	case QUIRE_FADV_NOREUSE:
		break;
	}
	return 0;
}
