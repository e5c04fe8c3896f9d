/* SPDX-License-Identifier: MIT */
/*
 * mincore.c - which pages are in memory
 *
 * Those that an entry maps; and of files those that the page cache has, mapped or not, but for
 * those that were only allocated.
 *
 * Source: mincore(2)
 */
#include <quire/mm.h>

#include "cache/pagecache.h"
#include "pgtable/user.h"
#include "vm/hugetlb.h"
#include "vm/layout.h"
#include "vm/mm.h"

/* Does it hold what the file has there? */
static bool is_filled(const struct quire *q, const struct quire_page *page)
{
	uint32_t flags = relaxed_load(&use_of(q, page)->flags);

	return flags & USE_UPTODATE &&
	       (flags & (USE_AHEAD | USE_MEMORY)) != (USE_AHEAD | USE_MEMORY);
}

static void from_cache(const struct vma *vma, uint64_t start, uint64_t end, unsigned char *vec)
{
	struct quire_inode *inode = quire_file_inode(vma->file);

	for (uint64_t at = start; at < end; at += QUIRE_PAGE_SIZE) {
		struct quire_page *page = pagecache_find(inode, vma_index(vma, at));

		if (!page)
			continue;
		vec[(at - start) >> QUIRE_PAGE_SHIFT] = is_filled(inode->q, page);
		pagecache_put(inode->q, page);
	}
}

static void from_table(struct quire_table *t, uint64_t start, uint64_t end, unsigned char *vec)
{
	uintptr_t token = table_enter(t);
	uint64_t at = start;
	struct large large;
	struct leaf *leaf;

	for (; user_next_large(t, &at, end - 1, &large); at = large.start + user_large_bytes(t)) {
		uint64_t last = user_last(t, at, end - 1);

		for (uint64_t page = at; page <= last; page += QUIRE_PAGE_SIZE)
			vec[(page - start) >> QUIRE_PAGE_SHIFT] = 1;
	}
	at = start;
	while (at < end && (leaf = user_next(t, &at, end - 1))) {
		uint64_t last = user_last(t, at, end - 1);

		for (; at <= last; at += QUIRE_PAGE_SIZE) {
			if (table_get(t, leaf->contents, user_index(t, at)))
				vec[(at - start) >> QUIRE_PAGE_SHIFT] = 1;
		}
	}
	table_leave(t, token);
}

int quire_mincore(struct quire_mm *mm, quire_virt_t address, uint64_t bytes, unsigned char *vec)
{
	uint64_t start = address.v, end = start + layout_page_up(bytes);
	int error = 0;

	if (start & (QUIRE_PAGE_SIZE - 1))
		return -QUIRE_EINVAL;
	if (bytes > mm->layout.task_size.v || start > mm->layout.task_size.v - bytes)
		return -QUIRE_ENOMEM;
	sem_read(&mm->sem, mm->q->config.host);
	while (start < end && !error) {
		const struct vma *vma = vma_find(mm, start);
		uint64_t to;

		if (!vma) {
			error = -QUIRE_ENOMEM;
			break;
		}
		to = end < vma->end ? end : vma->end;
		for (uint64_t i = 0; i < (to - start) >> QUIRE_PAGE_SHIFT; i++)
			vec[i] = 0;
		if (vma->file && !hugetlb_is(vma))
			from_cache(vma, start, to, vec);
		from_table(mm->table, start, to, vec);
		vec += (to - start) >> QUIRE_PAGE_SHIFT;
		start = to;
	}
	sem_read_drop(&mm->sem, mm->q->config.host);
	return error;
}
