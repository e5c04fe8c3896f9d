/* SPDX-License-Identifier: MIT */
/*
 * rules.c - the rules of the page cache, and its hash
 *
 * Nobody else uses the machine meanwhile.
 */
#include "cache/rules.h"

#include "cache/cache.h"
#include "core/hash.h"

/* What of a page's state is not of the moment. */
#define LASTING (USE_UPTODATE | USE_DIRTY | USE_REFERENCED | USE_AHEAD | USE_MEMORY)

static bool broken(struct quire_violation *out, const char *rule, const char *text, uint64_t where)
{
	if (out)
		*out = (struct quire_violation){ rule, text, where };
	return false;
}

/* Does the page's record say that it is that of the file? */
static bool names(const struct quire_inode *inode, const struct quire_page *page, uint64_t index)
{
	return frames_owner(page) == QUIRE_OWNER_CACHE && pagecache_inode(page) == inode &&
	       use_index(use_of(inode->q, page)) == index;
}

static bool check_page(const struct quire_inode *inode, const struct quire_page *page,
		       uint64_t index, struct quire_violation *out)
{
	struct quire *q = inode->q;
	uint32_t flags = relaxed_load(&use_of(q, page)->flags);
	uint64_t pfn = quire_page_pfn(q, page).v;

	if (!names(inode, page, index))
		return broken(out, "CACHE-1", "a page in a file's tree is owned by the cache and names "
			      "the file and its place there: frame", pfn);
	if (index >= inode_pages(inode_bytes(inode)))
		return broken(out, "CACHE-2", "no page lies behind the end of its file: frame", pfn);
	if (inode->store && radix_tagged(&inode->pages, index) != ((flags & USE_DIRTY) != 0))
		return broken(out, "CACHE-3", "the dirty pages of a file with a store are those "
			      "tagged: frame", pfn);
	if (!(flags & USE_UPTODATE) || flags & (USE_LOCKED | USE_WRITEBACK))
		return broken(out, "CACHE-4", "while nobody is at work a page is up to date, unlocked "
			      "and not on its way: frame", pfn);
	if (quire_page_count(page) < 1 + use_mapcount(page))
		return broken(out, "CACHE-5", "the cache and each entry that maps a page hold a "
			      "reference: frame", pfn);
	if (!inode->store != ((flags & USE_MEMORY) != 0))
		return broken(out, "CACHE-6", "a page knows whether its file is memory alone: frame",
			      pfn);
	return true;
}

static bool check_inode(const struct quire_inode *inode, struct quire_violation *out)
{
	const struct quire_page *page;
	const char *rule = radix_check(&inode->pages);
	uint64_t dirty = 0;

	if (rule)
		return broken(out, rule, "the tree of a file's pages: inode", inode->ino);
	rule = interval_check(&inode->maps);
	if (rule)
		return broken(out, rule, "the tree of a file's mappings: inode", inode->ino);
	for (uint64_t i = 0; (page = radix_next(&inode->pages, &i, UINT64_MAX - 1, false)); i++) {
		if (!check_page(inode, page, i, out))
			return false;
		dirty += radix_tagged(&inode->pages, i);
	}
	if (dirty != inode->nr_dirty || inode->nr_writeback)
		return broken(out, "CACHE-3", "a file's dirty pages are those counted: inode",
			      inode->ino);
	return relaxed_load(&inode->users)
		       ? true
		       : broken(out, "CACHE-7", "a file that is known has references: inode",
				inode->ino);
}

/* Each frame that names a file is in its tree. */
static bool check_frames(struct quire *q, struct quire_violation *out)
{
	for (uintptr_t i = 0; i < q->frames.nr; i++) {
		const struct quire_page *page = &q->frames.pages[i];

		if (frames_owner(page) != QUIRE_OWNER_CACHE || !pagecache_inode(page))
			continue;
		if (radix_find(&pagecache_inode(page)->pages, use_index(use_of(q, page))) != page)
			return broken(out, "CACHE-1", "a frame that names a file is in its tree: "
				      "frame", quire_page_pfn(q, page).v);
	}
	return true;
}

bool rules_check(struct quire *q, const struct tier *tier, struct quire_violation *out)
{
	const struct pagecache *pc = (const struct pagecache *)(const void *)tier;
	uint64_t nr = 0;

	for (const struct quire_inode *inode = pc->first; inode; inode = inode->next, nr++) {
		if (!check_inode(inode, out))
			return false;
	}
	if (nr != pc->nr_inodes)
		return broken(out, "CACHE-7", "the files listed are those counted", nr);
	return check_frames(q, out);
}

uint64_t rules_hash(struct quire *q, const struct tier *tier, uint64_t hash)
{
	const struct pagecache *pc = (const struct pagecache *)(const void *)tier;

	for (const struct quire_inode *inode = pc->first; inode; inode = inode->next) {
		const struct quire_page *page;

		hash = hash_word(hash, inode->ino);
		hash = hash_word(hash, inode_bytes(inode));
		hash = hash_word(hash, inode->seals);
		hash = hash_word(hash, inode->pages.nr);
		for (uint64_t i = 0; (page = radix_next(&inode->pages, &i, UINT64_MAX - 1, false));
		     i++) {
			hash = hash_word(hash, i);
			hash = hash_word(hash, quire_page_pfn(q, page).v);
			hash = hash_word(hash, use_of(q, page)->flags & LASTING);
		}
	}
	return hash;
}
