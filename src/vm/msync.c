/* SPDX-License-Identifier: MIT */
/*
 * msync.c - what was written through shared mappings goes to the store
 *
 * The write-back runs without the address space's lock; what has changed meanwhile is looked at
 * again.
 *
 * Source: msync(2)
 */
#include <quire/mm.h>

#include "vm/layout.h"
#include "vm/mm.h"

/** struct sync - a part of a file that is to be written back */
struct sync {
	struct quire_file *file; /* NULL: nothing; else referenced */
	uint64_t offset, bytes;
};

/*
 * Go over areas from *@at to @end, until there is something to write. *@hole is set if there are
 * addresses without an area. Return: 0; -QUIRE_ENOMEM; -QUIRE_EBUSY. Locks: S
 */
static int look(const struct quire_mm *mm, uint64_t *at, uint64_t end, unsigned flags,
		struct sync *out, bool *hole)
{
	while (*at < end) {
		const struct vma *vma = vma_next(mm, *at);
		uint64_t start = *at;

		if (!vma || vma->start >= end || (vma->start > start && flags == QUIRE_MS_ASYNC))
			return -QUIRE_ENOMEM;
		if (vma->start > start) {
			*hole = true;
			start = vma->start;
		}
		if (flags & QUIRE_MS_INVALIDATE && vma->flags & QUIRE_VM_LOCKED)
			return -QUIRE_EBUSY;
		*at = vma->end < end ? vma->end : end;
		if (flags & QUIRE_MS_SYNC && vma->file && vma->flags & QUIRE_VM_SHARED) {
			out->file = vma->file;
			out->offset = vma_index(vma, start) << QUIRE_PAGE_SHIFT;
			out->bytes = *at - start;
			quire_file_get(out->file);
			return 0;
		}
	}
	return 0;
}

int quire_msync(struct quire_mm *mm, quire_virt_t address, uint64_t bytes, unsigned flags)
{
	uint64_t at = address.v, end = at + layout_page_up(bytes);
	bool hole = false;
	int error = 0;

	if (flags & ~(QUIRE_MS_ASYNC | QUIRE_MS_INVALIDATE | QUIRE_MS_SYNC) ||
	    at & (QUIRE_PAGE_SIZE - 1) || (flags & QUIRE_MS_ASYNC && flags & QUIRE_MS_SYNC))
		return -QUIRE_EINVAL;
	if (end < at)
		return -QUIRE_ENOMEM;
	while (at < end && !error) {
		struct sync sync = { .file = NULL };

		sem_read(&mm->sem, mm->q->config.host);
		error = look(mm, &at, end, flags, &sync, &hole);
		sem_read_drop(&mm->sem, mm->q->config.host);
		if (!sync.file)
			continue;
		error = quire_file_sync(sync.file, sync.offset, sync.bytes);
		quire_file_put(sync.file);
	}
	return error ? error : hole ? -QUIRE_ENOMEM : 0;
}
