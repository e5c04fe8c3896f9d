/* SPDX-License-Identifier: MIT */
/*
 * hugepool.c - the pool of huge pages: grown, shrunk, promised, taken, given back
 *
 * Blocks come from the zones and go back there without U. What was allocated for a want that has
 * gone meanwhile, because another processor gave pages back, returns at once.
 */
#include "cache/hugepool.h"

#include "cache/cache.h"
#include "core/assert.h"
#include "core/hash.h"
#include "kmem/touch.h"

static struct hugepool *pool_of(const struct quire *q)
{
	return &pagecache_of(q)->huge;
}

static uintptr_t enter(struct hugepool *pool) LOCK_ATTRIBUTE(acquire_capability(pool->lock))
{
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&pool->lock);
	return token;
}

static void leave(struct hugepool *pool, uintptr_t token)
	LOCK_ATTRIBUTE(release_capability(pool->lock))
{
	lock_drop(&pool->lock);
	quire_port_cpu_leave(token);
}

/* ---- Blocks --------------------------------------------------------------------- */

/* From the zones. Only 64-bit kernels can move huge pages, and so have them in the zone Movable. */
static struct quire_page *block_get(struct quire *q)
{
	quire_gfp_t gfp = q->config.machine < QUIRE_X86_64 ? QUIRE_GFP_HIGHUSER
							   : QUIRE_GFP_HIGHUSER_MOVABLE;
	struct quire_page *page =
		quire_page_alloc(q,
				 gfp | QUIRE_GFP_BIT_COMP | QUIRE_GFP_BIT_NOWARN |
					 QUIRE_GFP_BIT_RETRY_MAYFAIL,
				 hugepool_order(q));

	if (page) {
		frames_own(page, QUIRE_OWNER_HUGETLB);
		page->private = 0;
		use_set(use_of(q, page), 0, 0);
	}
	return page;
}

static void block_put(struct quire *q, struct quire_page *page)
{
	frames_disown(page);
	enum quire_free outcome = quire_page_free(q, page, hugepool_order(q));

	ASSERT("HUGETLB-1", outcome == QUIRE_FREE_OK);
}

/* Blocks that are linked, back to the zones. */
static void blocks_put(struct quire *q, struct quire_page *page)
{
	while (page) {
		struct quire_page *next = (struct quire_page *)page->private;

		block_put(q, page);
		page = next;
	}
}

static struct quire_page *pop(struct quire_page **list)
{
	struct quire_page *page = *list;

	*list = (struct quire_page *)page->private;
	page->private = 0;
	return page;
}

static void push(struct quire_page **list, struct quire_page *page)
{
	page->private = (uintptr_t)*list;
	*list = page;
}

/* A block that has come to the pool, free. Locks: U */
static void add(struct hugepool *pool, struct quire_page *page)
{
	push(&pool->free, page);
	pool->nr++;
	pool->nr_free++;
}

/* One of those free leaves the pool. Locks: U */
static struct quire_page *take_out(struct hugepool *pool)
{
	pool->nr--;
	pool->nr_free--;
	return pop(&pool->free);
}

/* ---- Size ------------------------------------------------------------------------- */

/* Surplus pages are to stay, as many as lack. Locks: U */
static void keep_surplus(struct hugepool *pool, uint64_t nr)
{
	while (pool->nr_surplus && nr > pool->nr - pool->nr_surplus)
		pool->nr_surplus--;
}

/* Return: false: there are enough, or no more blocks */
static bool grow_one(struct quire *q, struct hugepool *pool, uint64_t nr)
{
	struct quire_page *page = block_get(q);
	uintptr_t token;
	bool lacking;

	if (!page)
		return false;
	token = enter(pool);
	lacking = nr > pool->nr - pool->nr_surplus;
	if (lacking)
		add(pool, page);
	leave(pool, token);
	if (!lacking)
		block_put(q, page);
	return lacking;
}

/* What is neither in use nor promised goes. Locks: U. Return: blocks, linked */
static struct quire_page *shrink(struct hugepool *pool, uint64_t nr)
{
	struct quire_page *gone = NULL;

	while (nr < pool->nr - pool->nr_surplus && pool->nr_free > pool->nr_reserved)
		push(&gone, take_out(pool));
	while (nr < pool->nr - pool->nr_surplus)
		pool->nr_surplus++;
	return gone;
}

void hugepool_resize(struct quire *q, uint64_t nr)
{
	struct hugepool *pool = pool_of(q);
	struct quire_page *gone;
	uintptr_t token = enter(pool);
	bool lacking;

	keep_surplus(pool, nr);
	lacking = nr > pool->nr - pool->nr_surplus;
	gone = shrink(pool, nr);
	leave(pool, token);
	blocks_put(q, gone);
	while (lacking)
		lacking = grow_one(q, pool, nr);
}

void hugepool_overcommit(struct quire *q, uint64_t nr)
{
	struct hugepool *pool = pool_of(q);
	uintptr_t token = enter(pool);

	pool->nr_overcommit = nr;
	leave(pool, token);
}

void hugepool_end(struct quire *q)
{
	struct hugepool *pool = pool_of(q);

	ASSERT("HUGETLB-1", pool->nr == pool->nr_free && !pool->nr_reserved);
	blocks_put(q, pool->free);
	*pool = (struct hugepool){ .nr = 0 };
}

void hugepool_stat(struct quire *q, struct hugepool_stat *out)
{
	struct hugepool *pool = pool_of(q);
	uintptr_t token = enter(pool);

	*out = (struct hugepool_stat){ pool->nr, pool->nr_free, pool->nr_reserved,
				       pool->nr_surplus, pool->nr_overcommit };
	leave(pool, token);
}

/* ---- Promises ------------------------------------------------------------------------ */

/*
 * Promise @nr, with blocks of *@fresh, linked, as surplus. Return: 0; -QUIRE_ENOMEM: there may not
 * be so many; else how many blocks it takes. Locks: U
 */
static int64_t promise(struct hugepool *pool, uint64_t nr, struct quire_page **fresh,
		       uint64_t nr_fresh)
{
	uint64_t left = pool->nr_free - pool->nr_reserved, need = nr > left ? nr - left : 0;

	if (need && (pool->nr_overcommit < pool->nr_surplus ||
		     need > pool->nr_overcommit - pool->nr_surplus))
		return -QUIRE_ENOMEM;
	if (need > nr_fresh)
		return (int64_t)need;
	for (uint64_t i = 0; i < need; i++) {
		add(pool, pop(fresh));
		pool->nr_surplus++;
	}
	pool->nr_reserved += nr;
	return 0;
}

int hugepool_reserve(struct quire *q, uint64_t nr)
{
	struct hugepool *pool = pool_of(q);
	struct quire_page *fresh = NULL;
	uint64_t nr_fresh = 0;
	int64_t need;

	do {
		uintptr_t token = enter(pool);

		need = promise(pool, nr, &fresh, nr_fresh);
		leave(pool, token);
		while (need > (int64_t)nr_fresh) {
			struct quire_page *page = block_get(q);

			if (!page) {
				need = -QUIRE_ENOMEM;
				break;
			}
			push(&fresh, page);
			nr_fresh++;
		}
	} while (need > 0);
	blocks_put(q, fresh);
	return need ? -QUIRE_ENOMEM : 0;
}

void hugepool_unreserve(struct quire *q, uint64_t nr)
{
	struct hugepool *pool = pool_of(q);
	struct quire_page *gone = NULL;
	uintptr_t token = enter(pool);

	ASSERT("HUGETLB-2", nr <= pool->nr_reserved);
	pool->nr_reserved -= nr;
	for (; nr && pool->nr_surplus && pool->nr_free > pool->nr_reserved; nr--) {
		push(&gone, take_out(pool));
		pool->nr_surplus--;
	}
	leave(pool, token);
	blocks_put(q, gone);
}

/* ---- Pages --------------------------------------------------------------------------- */

/* One more, as surplus, not free for a moment. NULL: there may be none, or can't */
static COLD struct quire_page *take_surplus(struct quire *q, struct hugepool *pool)
{
	struct quire_page *page = block_get(q);
	uintptr_t token = enter(pool);
	bool ok = page && pool->nr_surplus < pool->nr_overcommit;

	if (ok) {
		pool->nr++;
		pool->nr_surplus++;
	}
	leave(pool, token);
	if (page && !ok)
		block_put(q, page);
	return ok ? page : NULL;
}

struct quire_page *hugepool_take(struct quire *q, bool reserved)
{
	struct hugepool *pool = pool_of(q);
	struct quire_page *page = NULL;
	uintptr_t token = enter(pool);
	bool more = pool->nr_surplus < pool->nr_overcommit;

	ASSERT("HUGETLB-2", !reserved || (pool->nr_reserved && pool->nr_free));
	if (reserved || pool->nr_free > pool->nr_reserved) {
		page = pop(&pool->free);
		pool->nr_free--;
		pool->nr_reserved -= reserved;
	}
	leave(pool, token);
	return page || !more ? page : take_surplus(q, pool);
}

bool hugepool_put(struct quire *q, struct quire_page *page, bool keep)
{
	bool last = frames_let_go(page), surplus = false;
	struct hugepool *pool = pool_of(q);
	uintptr_t token;

	ASSERT("HUGETLB-4", !last || !use_mapcount(page));
	if (!last && !keep)
		return false;
	token = enter(pool);
	surplus = last && pool->nr_surplus;
	if (surplus) {
		pool->nr--;
		pool->nr_surplus--;
	} else if (last) {
		push(&pool->free, page);
		pool->nr_free++;
		use_set(use_of(q, page), 0, 0);
	}
	keep = keep && pool->nr_free > pool->nr_reserved;
	pool->nr_reserved += keep;
	leave(pool, token);
	if (surplus)
		block_put(q, page);
	return keep;
}

struct quire_page *hugepool_frame(const struct quire *q, const struct quire_page *page, uint64_t n)
{
	return quire_pfn_page(q, quire_pfn(quire_page_pfn(q, page).v + n));
}

int hugepool_zero(struct quire *q, struct quire_page *page)
{
	return quire_port_zero(q->config.host, quire_page_pfn(q, page), 1ull << hugepool_order(q));
}

int hugepool_copy(struct quire *q, struct quire_page *to, struct quire_page *from)
{
	int error = 0;

	for (uint64_t n = 0; n < 1ull << hugepool_order(q) && !error; n++)
		error = touch_copy(q, hugepool_frame(q, to, n), hugepool_frame(q, from, n));
	return error;
}

/* ---- Rules ---------------------------------------------------------------------------- */

static bool broken(struct quire_violation *out, const char *rule, const char *text, uint64_t where)
{
	if (out)
		*out = (struct quire_violation){ rule, text, where };
	return false;
}

bool hugepool_check(struct quire *q, struct quire_violation *out)
{
	const struct hugepool *pool = pool_of(q);
	uint64_t nr = 0, used = 0;

	for (const struct quire_page *page = pool->free; page;
	     page = (const struct quire_page *)page->private, nr++) {
		if (nr >= pool->nr_free || frames_owner(page) != QUIRE_OWNER_HUGETLB ||
		    quire_page_count(page) != 1 || use_mapcount(page) ||
		    quire_page_order(page) != hugepool_order(q))
			return broken(out, "HUGETLB-1", "a free huge page is the pool's: frame",
				      quire_page_pfn(q, page).v);
	}
	if (nr != pool->nr_free)
		return broken(out, "HUGETLB-1", "the free huge pages are those counted", nr);
	for (uintptr_t i = 0; pool->nr && i < q->frames.nr; i++)
		used += frames_owner(&q->frames.pages[i]) == QUIRE_OWNER_HUGETLB;
	if (used != pool->nr || pool->nr_surplus > pool->nr)
		return broken(out, "HUGETLB-1", "the huge pages are those counted", used);
	if (pool->nr_reserved > pool->nr_free)
		return broken(out, "HUGETLB-2", "what is promised is free", pool->nr_reserved);
	return true;
}

uint64_t hugepool_hash(const struct quire *q, uint64_t hash)
{
	const struct hugepool *pool = pool_of(q);

	if (!pool->nr && !pool->nr_overcommit)
		return hash;
	hash = hash_word(hash_word(hash, pool->nr), pool->nr_reserved);
	hash = hash_word(hash_word(hash, pool->nr_surplus), pool->nr_overcommit);
	for (const struct quire_page *page = pool->free; page;
	     page = (const struct quire_page *)page->private)
		hash = hash_word(hash, quire_page_pfn(q, page).v);
	return hash;
}
