/* SPDX-License-Identifier: MIT */
/*
 * rules.c - the rules of the page cache, and its hash
 *
 * Nobody else uses the machine meanwhile.
 */
#include "cache/rules.h"

#include "cache/cache.h"
#include "cache/hugefile.h"
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

/* The rule that a page breaks. Return: NULL if it keeps all of them */
static const char *rule_of(const struct quire_inode *inode, const struct quire_page *page,
			   uint64_t index, const char **text)
{
	uint32_t flags = relaxed_load(&use_of(inode->q, page)->flags);

	*text = "a page in a file's tree is owned by the cache and names its place there: frame";
	if (!names(inode, page, index))
		return "CACHE-1";
	*text = "a page lies behind the end of its file only where it was allocated: frame";
	if (index >= inode_pages(inode->bytes) && index >= inode->kept)
		return "CACHE-2";
	*text = "the dirty pages of a file with a store are those tagged: frame";
	if (inode->store && radix_tagged(&inode->pages, index) != ((flags & USE_DIRTY) != 0))
		return "CACHE-3";
	*text = "at rest a page is up to date, unlocked and not on its way: frame";
	if (!(flags & USE_UPTODATE) || flags & (USE_LOCKED | USE_WRITEBACK))
		return "CACHE-4";
	*text = "the cache and each entry that maps a page hold a reference: frame";
	if (quire_page_count(page) < 1 + use_mapcount(page))
		return "CACHE-5";
	*text = "a page knows whether its file is memory alone: frame";
	return !inode->store != ((flags & USE_MEMORY) != 0) ? "CACHE-6" : NULL;
}

static bool check_inode(const struct quire_inode *inode, struct quire_violation *out)
{
	const struct quire_page *page;
	const char *rule = radix_check(&inode->pages), *text;
	uint64_t dirty = 0;

	if (rule)
		return broken(out, rule, "the tree of a file's pages: inode", inode->ino);
	rule = interval_check(&inode->maps);
	if (rule)
		return broken(out, rule, "the tree of a file's mappings: inode", inode->ino);
	for (uint64_t i = 0; (page = radix_next(&inode->pages, &i, UINT64_MAX - 1, false)); i++) {
		rule = rule_of(inode, page, i, &text);
		if (rule)
			return broken(out, rule, text, quire_page_pfn(inode->q, page).v);
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
	uint64_t nr = 0, dirty = 0, promised = 0, reserved = 0;

	for (const struct quire_inode *inode = pc->first; inode; inode = inode->next, nr++) {
		if (!check_inode(inode, out))
			return false;
		if (inode->huge && !hugefile_check(inode, &reserved, out))
			return false;
		dirty += inode->nr_dirty;
		if (!inode->store)
			promised += inode->promised ? inode->promised : inode->pages.nr;
	}
	if (promised != pc->nr_promised)
		return broken(out, "CACHE-8", "what files of memory are promised is counted",
			      promised);
	if (dirty != pc->nr_dirty)
		return broken(out, "CACHE-3", "the dirty pages of all files are those counted",
			      dirty);
	if (nr != pc->nr_inodes)
		return broken(out, "CACHE-7", "the files listed are those counted", nr);
	if (reserved > pc->huge.nr_reserved)
		return broken(out, "HUGETLB-2", "what files promise is reserved", reserved);
	return hugepool_check(q, out) && check_frames(q, out);
}

uint64_t rules_hash(struct quire *q, const struct tier *tier, uint64_t hash)
{
	const struct pagecache *pc = (const struct pagecache *)(const void *)tier;

	for (const struct quire_inode *inode = pc->first; inode; inode = inode->next) {
		const struct quire_page *page;

		hash = hash_word(hash, inode->ino);
		hash = hash_word(hash, inode->bytes);
		hash = hash_word(hash, inode->seals);
		hash = hash_word(hash, inode->pages.nr);
		for (uint64_t i = 0; (page = radix_next(&inode->pages, &i, UINT64_MAX - 1, false));
		     i++) {
			hash = hash_word(hash, i);
			hash = hash_word(hash, quire_page_pfn(q, page).v);
			hash = hash_word(hash, use_of(q, page)->flags & LASTING);
		}
		if (inode->huge)
			hash = hugefile_hash(inode, hash);
	}
	return hugepool_hash(q, hash);
}
