/* SPDX-License-Identifier: MIT */
/*
 * hugefile.c - files of huge pages: pages, promises, size, holes
 *
 * Source: Linux's Documentation/mm/hugetlbfs_reserv.rst; memfd_create(2), fallocate(2)
 */
#include "cache/hugefile.h"

#include "cache/cache.h"
#include "core/assert.h"
#include "core/hash.h"
#include "core/string.h"
#include "kmem/touch.h"

/* Records take as much on 32-bit hosts. */
#define HUGEFILE_BYTES 64
_Static_assert(sizeof(struct hugefile) <= HUGEFILE_BYTES, "HUGEFILE_BYTES");

int hugefile_create(struct quire *q, const struct quire_inode_args *args, struct quire_inode **out)
{
	struct hugefile *huge =
		pagecache_of(q) ? quire_kzalloc(q, HUGEFILE_BYTES, QUIRE_GFP_KERNEL) : NULL;

	if (!pagecache_of(q))
		return -QUIRE_ENODEV;
	int error = huge ? quire_inode_create(q, args, out) : -QUIRE_ENOMEM;

	if (!error)
		(*out)->huge = huge;
	else if (huge)
		quire_kfree(q, huge);
	return error;
}

struct quire_page *hugefile_find(const struct quire_inode *inode, uint64_t n)
{
	void *slot = radix_find(&inode->huge->slots, n);

	return slot == HUGEFILE_PROMISE ? NULL : slot;
}

/* ---- Slots ------------------------------------------------------------------------ */

/* Nodes for one more slot. Return: false: no memory */
static bool have_room(struct quire_inode *inode, uint64_t n)
{
	struct radix_root *slots = &inode->huge->slots;

	while (radix_need(slots, n)) {
		void *node = quire_cache_alloc(pagecache_of(inode->q)->nodes, QUIRE_GFP_KERNEL);

		if (!node)
			return false;
		uintptr_t token = inode_lock(inode);

		radix_give(slots, node);
		inode_unlock(inode, token);
	}
	return true;
}

/* Give nodes back that are not used. */
static void trim(struct quire_inode *inode)
{
	void *node;

	do {
		uintptr_t token = inode_lock(inode);

		node = radix_spare(&inode->huge->slots, 0);
		inode_unlock(inode, token);
		if (node)
			quire_cache_free(pagecache_of(inode->q)->nodes, node);
	} while (node);
}

/* Put something into a slot that is empty and for which there is room. */
static void slot_set(struct quire_inode *inode, uint64_t n, void *value)
{
	struct hugefile *huge = inode->huge;
	uintptr_t token = inode_lock(inode);

	radix_insert(&huge->slots, n, value);
	*(value == HUGEFILE_PROMISE ? &huge->nr_promised : &huge->nr_pages) += 1;
	inode_unlock(inode, token);
}

/* Return: what was there; NULL: nothing */
static void *slot_clear(struct quire_inode *inode, uint64_t n)
{
	struct hugefile *huge = inode->huge;
	uintptr_t token = inode_lock(inode);
	void *value = radix_erase(&huge->slots, n);

	if (value)
		*(value == HUGEFILE_PROMISE ? &huge->nr_promised : &huge->nr_pages) -= 1;
	inode_unlock(inode, token);
	return value;
}

/* How many slots of [first, end) are in use. */
static uint64_t slots_used(const struct quire_inode *inode, uint64_t first, uint64_t end)
{
	uint64_t nr = 0;

	for (; first < end && radix_next(&inode->huge->slots, &first, end - 1, false); first++)
		nr++;
	return nr;
}

/*
 * Those of [first, end) that are tagged, promises all of them, go, or are like others from here on
 */
static void settle(struct quire_inode *inode, uint64_t first, uint64_t end, bool keep)
{
	struct radix_root *slots = &inode->huge->slots;
	uint64_t nr = 0;

	for (uint64_t n = first; n < end && radix_next(slots, &n, end - 1, true); n++) {
		uintptr_t token = inode_lock(inode);

		radix_tag(slots, n, false);
		inode_unlock(inode, token);
		if (!keep)
			nr += slot_clear(inode, n) == HUGEFILE_PROMISE;
	}
	if (nr)
		hugepool_unreserve(inode->q, nr);
	trim(inode);
}

/* A new promise, tagged. Return: false: no memory */
static bool promise_one(struct quire_inode *inode, uint64_t n)
{
	if (!have_room(inode, n))
		return false;
	slot_set(inode, n, HUGEFILE_PROMISE);
	uintptr_t token = inode_lock(inode);

	radix_tag(&inode->huge->slots, n, true);
	inode_unlock(inode, token);
	return true;
}

/*
 * Promises for all holes of [first, end), tagged: settle ends that. Return: 0; -QUIRE_ENOSPC if the
 * pool has not so many; -QUIRE_ENOMEM: then nothing has changed
 */
static int promise(struct quire_inode *inode, uint64_t first, uint64_t end)
{
	uint64_t nr = end - first - slots_used(inode, first, end);

	if (nr && hugepool_reserve(inode->q, nr))
		return -QUIRE_ENOSPC;
	for (uint64_t n = first; n < end && nr; n++) {
		if (radix_find(&inode->huge->slots, n))
			continue;
		if (!promise_one(inode, n)) {
			hugepool_unreserve(inode->q, nr);
			settle(inode, first, end, false);
			return -QUIRE_ENOMEM;
		}
		nr--;
	}
	return 0;
}

int hugefile_promise(struct quire_inode *inode, uint64_t first, uint64_t end)
{
	int error = promise(inode, first, end);

	if (error)
		return -QUIRE_ENOMEM;
	settle(inode, first, end, true);
	return 0;
}

/* ---- Pages ------------------------------------------------------------------------- */

static void own(struct quire_inode *inode, struct quire_page *page, uint64_t n, uint32_t flags)
{
	page->private = (uintptr_t)inode;
	use_set(use_of(inode->q, page), n << hugepool_order(inode->q), USE_UPTODATE | flags);
}

void hugefile_private(struct quire_inode *inode, struct quire_page *page, uint64_t n)
{
	own(inode, page, n, 0);
}

int hugefile_fill(struct quire_inode *inode, uint64_t n, struct quire_page **out)
{
	struct quire *q = inode->q;
	bool promised = radix_find(&inode->huge->slots, n) == HUGEFILE_PROMISE;
	struct quire_page *page = hugefile_find(inode, n);

	*out = page;
	if (page)
		return 0;
	/* Once a promise is taken out, there is a node for what takes its place. */
	if (!promised && !have_room(inode, n)) {
		trim(inode);
		return -QUIRE_ENOMEM;
	}
	page = hugepool_take(q, promised);
	if (page && hugepool_zero(q, page)) {
		/* As a surplus page it may be gone, and the promise with it. */
		if (!hugepool_put(q, page, promised) && promised)
			slot_clear(inode, n);
		trim(inode);
		return -QUIRE_ENOMEM;
	}
	if (!page) {
		trim(inode);
		return -QUIRE_ENOSPC;
	}
	if (promised)
		slot_clear(inode, n);
	own(inode, page, n, USE_MEMORY | USE_DIRTY);
	slot_set(inode, n, page);
	*out = page;
	return 0;
}

/* A slot is empty from here on. Return: promises that it was */
static uint64_t remove_slot(struct quire_inode *inode, uint64_t n)
{
	struct quire_page *page = slot_clear(inode, n);

	if (page == HUGEFILE_PROMISE)
		return 1;
	atomic_fetch_and_explicit(&use_of(inode->q, page)->flags, ~USE_MEMORY,
				  memory_order_relaxed);
	page->private = 0;
	hugepool_put(inode->q, page, false);
	return 0;
}

/* Slots [first, end) are empty; if @promises, also those promised. Mappings are cleared. */
static void remove_range(struct quire_inode *inode, uint64_t first, uint64_t end, bool promises)
{
	const struct pagecache_above *above = pagecache_of(inode->q)->above;
	const struct radix_root *slots = &inode->huge->slots;
	unsigned order = hugepool_order(inode->q);
	uint64_t nr = 0, last = end - 1;

	/* Entries first: a page that leaves its file is not mapped. */
	if (above && first < end)
		above->unmap(inode, first << order,
			     end > UINT64_MAX >> order ? UINT64_MAX : (end - first) << order, true);
	for (uint64_t n = first; first < end && n <= last && radix_next(slots, &n, last, false);
	     n++) {
		if (promises || hugefile_find(inode, n))
			nr += remove_slot(inode, n);
	}
	if (nr)
		hugepool_unreserve(inode->q, nr);
	trim(inode);
}

#define SLOTS_END (UINT64_MAX >> 1)

void hugefile_end(struct quire_inode *inode)
{
	if (!inode->huge)
		return;
	remove_range(inode, 0, SLOTS_END, true);
	ASSERT("HUGETLB-2", !inode->huge->nr_promised && !inode->huge->nr_pages);
	quire_kfree(inode->q, inode->huge);
	inode->huge = NULL;
}

int hugefile_read(struct quire_inode *inode, uint64_t offset, void *buf, size_t n)
{
	uint64_t index = offset >> QUIRE_PAGE_SHIFT, mask = (1ull << hugepool_order(inode->q)) - 1;
	struct quire_page *page = hugefile_find(inode, hugefile_index(inode, index));

	if (!page) {
		memset(buf, 0, n);
		return 0;
	}
	return quire_page_read(inode->q, hugepool_frame(inode->q, page, index & mask),
			       (unsigned)offset & (QUIRE_PAGE_SIZE - 1), buf, n);
}

/* ---- Size, holes ----------------------------------------------------------------------- */

int hugefile_truncate(struct quire_inode *inode, uint64_t bytes)
{
	uint32_t seals = relaxed_load(&inode->seals);
	uint64_t size = hugepool_bytes(inode->q);

	if (bytes & (size - 1))
		return -QUIRE_EINVAL;
	if ((bytes < inode->bytes && seals & QUIRE_SEAL_SHRINK) ||
	    (bytes > inode->bytes && seals & QUIRE_SEAL_GROW))
		return -QUIRE_EPERM;
	inode_set_bytes(inode, bytes);
	remove_range(inode, bytes / size, SLOTS_END, true);
	return 0;
}

/* Zeros in [offset, end), of one huge page, if it is there. */
static int zero_part(struct quire_inode *inode, uint64_t offset, uint64_t end)
{
	struct quire *q = inode->q;
	uint64_t mask = (1ull << hugepool_order(q)) - 1;
	struct quire_page *page =
		hugefile_find(inode, hugefile_index(inode, offset >> QUIRE_PAGE_SHIFT));
	int error = 0;

	while (page && offset < end && !error) {
		unsigned at = (unsigned)offset & (QUIRE_PAGE_SIZE - 1);
		uint64_t room = QUIRE_PAGE_SIZE - at, part = end - offset;

		part = part < room ? part : room;
		error = touch_zero(q, hugepool_frame(q, page, offset >> QUIRE_PAGE_SHIFT & mask),
				   at, (size_t)part);
		offset += part;
	}
	return error;
}

/* [offset, end) is a hole; what it has of huge pages at its edges is zeros. */
static int punch(struct quire_inode *inode, uint64_t offset, uint64_t end)
{
	uint64_t size = hugepool_bytes(inode->q), first = (offset + size - 1) / size;
	uint64_t last = end / size;
	int error;

	if (relaxed_load(&inode->seals) & (QUIRE_SEAL_WRITE | QUIRE_SEAL_FUTURE_WRITE))
		return -QUIRE_EPERM;
	if (first > last)
		return zero_part(inode, offset, end);
	error = zero_part(inode, offset, first * size);
	if (!error)
		error = zero_part(inode, last * size, end);
	if (!error && first < last)
		remove_range(inode, first, last, false);
	return error;
}

/*
 * Pages for places [first, end): promised first, so that all of them can be had. If one can't be
 * filled with zeros, those before it stay, which say nothing else than holes.
 */
static int fill_range(struct quire_inode *inode, uint64_t first, uint64_t end)
{
	int error = promise(inode, first, end);

	if (error)
		return error;
	for (uint64_t n = first; n < end && !error; n++) {
		struct quire_page *page;

		error = hugefile_fill(inode, n, &page);
	}
	settle(inode, first, end, false);
	return error;
}

int hugefile_allocate(struct quire_inode *inode, unsigned mode, uint64_t offset, uint64_t end)
{
	uint64_t size = hugepool_bytes(inode->q);
	int error;

	if (mode & QUIRE_FALLOC_PUNCH_HOLE)
		return punch(inode, offset, end);
	if (relaxed_load(&inode->seals) & QUIRE_SEAL_GROW && end > inode->bytes)
		return -QUIRE_EPERM;
	error = fill_range(inode, offset / size, (end + size - 1) / size);
	if (!error && !(mode & QUIRE_FALLOC_KEEP_SIZE) && end > inode->bytes)
		inode_set_bytes(inode, end);
	return error;
}

/* ---- Rules ------------------------------------------------------------------------------- */

static bool broken(struct quire_violation *out, const char *rule, const char *text, uint64_t where)
{
	if (out)
		*out = (struct quire_violation){ rule, text, where };
	return false;
}

static bool page_check(const struct quire_inode *inode, const struct quire_page *page, uint64_t n,
		       struct quire_violation *out)
{
	const struct quire *q = inode->q;
	const struct use *use = use_of(q, page);

	if (frames_owner(page) != QUIRE_OWNER_HUGETLB || page->private != (uintptr_t)inode ||
	    use_index(use) != n << hugepool_order(q) || !hugefile_has(q, page))
		return broken(out, "HUGETLB-3", "a file's huge page names it and its place: frame",
			      quire_page_pfn(q, page).v);
	if (quire_page_count(page) < 1 + use_mapcount(page))
		return broken(out, "HUGETLB-4", "file and entries hold a huge page: frame",
			      quire_page_pfn(q, page).v);
	return true;
}

bool hugefile_check(const struct quire_inode *inode, uint64_t *promised,
		    struct quire_violation *out)
{
	const struct hugefile *huge = inode->huge;
	const char *rule = radix_check(&huge->slots);
	uint64_t nr_promised = 0, nr_pages = 0;
	void *slot;

	if (rule)
		return broken(out, rule, "the tree of a file's huge pages: inode", inode->ino);
	for (uint64_t n = 0; (slot = radix_next(&huge->slots, &n, SLOTS_END, false)); n++) {
		if (slot == HUGEFILE_PROMISE) {
			nr_promised++;
			continue;
		}
		nr_pages++;
		if (!page_check(inode, slot, n, out))
			return false;
	}
	if (nr_promised != huge->nr_promised || nr_pages != huge->nr_pages)
		return broken(out, "HUGETLB-3", "a file's huge pages are those counted: inode",
			      inode->ino);
	*promised += nr_promised;
	return true;
}

uint64_t hugefile_hash(const struct quire_inode *inode, uint64_t hash)
{
	void *slot;

	for (uint64_t n = 0; (slot = radix_next(&inode->huge->slots, &n, SLOTS_END, false)); n++) {
		hash = hash_word(hash, n);
		hash = hash_word(hash, slot == HUGEFILE_PROMISE
					       ? 0
					       : quire_page_pfn(inode->q, slot).v);
	}
	return hash;
}
