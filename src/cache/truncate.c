/* SPDX-License-Identifier: MIT */
/*
 * truncate.c - size, holes
 */
#include "cache/truncate.h"

#include "cache/cache.h"
#include "cache/file.h"
#include "cache/hugefile.h"
#include "cache/store.h"
#include "kmem/touch.h"

#define OFFSET(bytes) ((unsigned)(bytes) & (QUIRE_PAGE_SIZE - 1))
#define INDEX(bytes) ((bytes) >> QUIRE_PAGE_SHIFT)

/* Pages that are looked for at once. */
#define PART 16u

/* Up to PART pages of [*first, last], each with a reference; *@first is moved behind them. */
static size_t collect(struct quire_inode *inode, uint64_t *first, uint64_t last,
		      struct quire_page **page)
{
	uintptr_t token = inode_lock(inode);
	size_t nr = 0;

	while (nr < PART && *first <= last &&
	       (page[nr] = radix_next(&inode->pages, first, last, false))) {
		++*first;
		frames_pin(page[nr++]);
	}
	inode_unlock(inode, token);
	return nr;
}

/* Out of the tree, unless @only those with these flags are meant. The caller's reference goes. */
static void remove_page(struct quire_inode *inode, struct quire_page *page, uint32_t only)
{
	struct quire *q = inode->q;

	use_lock(q, page);
	bool gone = (relaxed_load(&use_of(q, page)->flags) & only) == only;

	if (gone) {
		uintptr_t token = inode_lock(inode);

		pagecache_remove(inode, page);
		inode_unlock(inode, token);
	}
	use_unlock(q, page);
	if (gone)
		pagecache_put(q, page);
	pagecache_put(q, page);
}

static void remove_range(struct quire_inode *inode, uint64_t first, uint64_t last, uint32_t only)
{
	struct quire_page *page[PART];
	size_t nr;

	while ((nr = collect(inode, &first, last, page))) {
		for (size_t i = 0; i < nr; i++)
			remove_page(inode, page[i], only);
	}
	inode_trim(inode);
}

void truncate_remove(struct quire_inode *inode, uint64_t first, uint64_t last)
{
	remove_range(inode, first, last, 0);
}

static void unmap(struct quire_inode *inode, uint64_t first, uint64_t nr, bool private)
{
	const struct pagecache_above *above = pagecache_of(inode->q)->above;

	if (above)
		above->unmap(inode, first, nr, private);
}

int truncate_zero(struct quire_inode *inode, uint64_t offset, uint64_t bytes)
{
	struct quire_page *page = bytes ? pagecache_find(inode, INDEX(offset)) : NULL;

	if (!page)
		return 0;
	use_lock(inode->q, page);
	int error = touch_zero(inode->q, page, OFFSET(offset), (size_t)bytes);

	if (!inode->store)
		pagecache_dirty(inode->q, page);
	use_unlock(inode->q, page);
	pagecache_put(inode->q, page);
	return error;
}

/* Bytes from @offset to the end of its page. */
static uint64_t rest(uint64_t offset)
{
	return OFFSET(offset) ? QUIRE_PAGE_SIZE - OFFSET(offset) : 0;
}

static int resize(struct quire_inode *inode, uint64_t bytes)
{
	if (!inode->store)
		return 0;
	return inode->store->resize ? store_error(inode->store->resize(inode->ctx, bytes))
				    : -QUIRE_EPERM;
}

/*
 * What a mapping wrote behind the end of a file with a store never reached that, and is zeros
 * again. Linux's tmpfs keeps it.
 */
int truncate_grow(struct quire_inode *inode, uint64_t bytes)
{
	uint64_t size = inode->bytes;

	if (relaxed_load(&inode->seals) & QUIRE_SEAL_GROW)
		return -QUIRE_EPERM;
	int error = resize(inode, bytes);

	if (!error && inode->store) {
		error = truncate_zero(inode, size, rest(size));
		if (error)
			resize(inode, size);
	}
	if (!error)
		inode_set_bytes(inode, bytes);
	return error;
}

/* Can this processor touch a page's contents? Then touch_zero does not fail later. */
static int touchable(struct quire_inode *inode, uint64_t offset)
{
	struct quire_page *page = OFFSET(offset) ? pagecache_find(inode, INDEX(offset)) : NULL;
	char byte;
	int error = page ? quire_page_read(inode->q, page, 0, &byte, 1) : 0;

	if (page)
		pagecache_put(inode->q, page);
	return error;
}

int truncate_shrink(struct quire_inode *inode, uint64_t bytes)
{
	uint64_t first = inode_pages(bytes);
	int error = touchable(inode, bytes);

	if (!error && bytes < inode->bytes)
		error = resize(inode, bytes);
	if (error)
		return error;
	inode_set_bytes(inode, bytes);
	inode->kept = 0;
	truncate_remove(inode, first, UINT64_MAX);
	unmap(inode, first, UINT64_MAX - first, true);
	return truncate_zero(inode, bytes, rest(bytes));
}

int quire_file_truncate(struct quire_file *file, uint64_t bytes)
{
	struct quire_inode *inode = file->inode;
	void *host = inode->q->config.host;
	int error = 0;

	if (bytes > INODE_BYTES_MAX || !(file->mode & QUIRE_FILE_WRITE))
		return -QUIRE_EINVAL;
	sem_write(&inode->rw, host);
	if (hugefile_is(inode))
		error = hugefile_truncate(inode, bytes);
	else if (bytes > inode->bytes)
		error = truncate_grow(inode, bytes);
	else if (bytes < inode->bytes && relaxed_load(&inode->seals) & QUIRE_SEAL_SHRINK)
		error = -QUIRE_EPERM;
	else
		error = truncate_shrink(inode, bytes);
	sem_write_drop(&inode->rw, host);
	return error;
}

/* ---- fallocate -------------------------------------------------------------------- */

/*
 * [offset, end) is a hole; its edges are zeros. The end of a file's last page stands for that of
 * the file.
 */
static int punch(struct quire_inode *inode, uint64_t offset, uint64_t end)
{
	uint64_t first = inode_pages(offset), last = INDEX(end), size = inode->bytes;
	uint64_t stored = (end < size ? end : size) - offset;
	bool one = INDEX(offset) == INDEX(end) && OFFSET(offset);
	int error = touchable(inode, offset);

	if (!error)
		error = touchable(inode, end);
	if (!error && inode->store)
		error = inode->store->punch
				? store_error(inode->store->punch(inode->ctx, offset, stored))
				: -QUIRE_EOPNOTSUPP;
	if (error)
		return error;
	if (first < last) {
		truncate_remove(inode, first, last - 1);
		unmap(inode, first, last - first, false);
	}
	error = truncate_zero(inode, offset, one ? end - offset : rest(offset));
	if (!error && !one)
		error = truncate_zero(inode, end - OFFSET(end), OFFSET(end));
	return error;
}

/*
 * Pages of zeros for [offset, end) of a file without a store. They are marked as new until all of
 * them are there: those that nobody has come to meanwhile go again if one can't be had. That nobody
 * has come to them yet is known afterwards, too, until another call allocates them once more.
 */
static int allocate(struct quire_inode *inode, uint64_t offset, uint64_t end)
{
	uint64_t first = INDEX(offset), last = inode_pages(end) - 1;
	int error = 0;

	for (uint64_t i = first; i <= last && !error; i++) {
		struct quire_page *page = pagecache_find(inode, i);

		if (!page)
			error = pagecache_zeros(inode, i, USE_AHEAD | USE_NEW, &page);
		if (!error)
			pagecache_put(inode->q, page);
	}
	if (error) {
		remove_range(inode, first, last, USE_AHEAD | USE_NEW);
		return error;
	}
	for (uint64_t i = first; i <= last; i++) {
		struct quire_page *page = pagecache_find(inode, i);
		struct use *use = use_of(inode->q, page);

		if (!(atomic_fetch_and_explicit(&use->flags, ~USE_NEW, memory_order_relaxed) &
		      USE_NEW))
			pagecache_used(inode->q, page);
		pagecache_dirty(inode->q, page);
		pagecache_put(inode->q, page);
	}
	return 0;
}

/* What a file without a store does. Locks: R for writing */
static int memory_allocate(struct quire_inode *inode, unsigned mode, uint64_t offset, uint64_t end)
{
	uint32_t seals = relaxed_load(&inode->seals);
	uint64_t size = inode->bytes;

	if (mode & QUIRE_FALLOC_PUNCH_HOLE)
		return seals & (QUIRE_SEAL_WRITE | QUIRE_SEAL_FUTURE_WRITE)
			       ? -QUIRE_EPERM
			       : punch(inode, offset, end);
	if (end > size && seals & QUIRE_SEAL_GROW)
		return -QUIRE_EPERM;
	int error = allocate(inode, offset, end);

	if (error || end <= size)
		return error;
	if (!(mode & QUIRE_FALLOC_KEEP_SIZE))
		inode_set_bytes(inode, end);
	else if (inode_pages(end) > inode->kept)
		inode->kept = inode_pages(end);
	return 0;
}

/* What one with a store does: holes. Locks: R for writing */
static int store_allocate(struct quire_inode *inode, unsigned mode, uint64_t offset, uint64_t end)
{
	uint64_t size = inode->bytes;
	bool grow = !(mode & QUIRE_FALLOC_KEEP_SIZE) && end > size;
	uint64_t whole = inode_pages(size) << QUIRE_PAGE_SHIFT;

	if (!(mode & (QUIRE_FALLOC_PUNCH_HOLE | QUIRE_FALLOC_ZERO_RANGE)) || !inode->store->punch)
		return -QUIRE_EOPNOTSUPP;
	int error = grow ? truncate_grow(inode, end) : 0;

	if (error || offset >= inode->bytes)
		return error;
	/* Of the last page nothing is left, whatever of it the range misses. */
	if (end > inode->bytes && (mode & QUIRE_FALLOC_PUNCH_HOLE || end > whole))
		end = whole;
	error = punch(inode, offset, end);
	if (error && grow)
		truncate_shrink(inode, size);
	return error;
}

int quire_file_allocate(struct quire_file *file, unsigned mode, uint64_t offset, uint64_t bytes)
{
	struct quire_inode *inode = file->inode;
	unsigned what = mode & ~QUIRE_FALLOC_KEEP_SIZE;
	int error;

	if (!bytes || offset > INODE_BYTES_MAX || bytes > INODE_BYTES_MAX)
		return -QUIRE_EINVAL;
	if ((what && what != QUIRE_FALLOC_PUNCH_HOLE && what != QUIRE_FALLOC_ZERO_RANGE) ||
	    mode == QUIRE_FALLOC_PUNCH_HOLE)
		return -QUIRE_EOPNOTSUPP;
	if (!(file->mode & QUIRE_FILE_WRITE))
		return -QUIRE_EBADF;
	if (offset > INODE_BYTES_MAX - bytes)
		return -QUIRE_EFBIG;
	/* What this file can't do is found out last. */
	if (what == QUIRE_FALLOC_ZERO_RANGE && !inode->store)
		return -QUIRE_EOPNOTSUPP;
	sem_write(&inode->rw, inode->q->config.host);
	if (hugefile_is(inode))
		error = hugefile_allocate(inode, mode, offset, offset + bytes);
	else
		error = inode->store ? store_allocate(inode, mode, offset, offset + bytes)
				     : memory_allocate(inode, mode, offset, offset + bytes);
	sem_write_drop(&inode->rw, inode->q->config.host);
	return error;
}
