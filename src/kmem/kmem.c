/* SPDX-License-Identifier: MIT */
/*
 * kmem.c - the kernel heap on a machine: set up, chain of caches, reclaim, end
 *
 * What the heap needs before its first slab lies in one piece of the host's memory: struct kmem,
 * the cpus' counts, the table from sections to frame records, and the caches that are always there.
 */
#include "kmem/kmem.h"

#include <quire/port.h>

#include "core/string.h"
#include "kmem/kmalloc.h"
#include "kmem/slab_cache.h"
#include "kmem/slab_look.h"

#define SECTION_BYTES ((uint64_t)SECTION_FRAMES * QUIRE_PAGE_SIZE)
#define LINE 64u

_Static_assert(sizeof(struct quire_heap_frame) == sizeof(struct quire_page) &&
		       offsetof(struct quire_heap_frame, owner) ==
			       offsetof(struct quire_page, owner) &&
		       offsetof(struct quire_heap_frame, of) ==
			       offsetof(struct quire_page, private),
	       "quire/slab.h knows a frame's record");
_Static_assert(offsetof(struct quire, heap) == 0, "and where a machine's heap begins");
_Static_assert(SECTION_BYTES == 1u << 22, "and the size of a section");

/** struct carver - the piece of memory, cut from its beginning */
struct carver {
	char *at; /* NULL: only the sum is wanted */
	uint64_t bytes;
};

static void *carve(struct carver *c, uint64_t bytes)
{
	void *p = c->at ? c->at + c->bytes : NULL;

	c->bytes += (bytes + LINE - 1) / LINE * LINE;
	return p;
}

void kmem_report(const struct quire *q, const struct quire_slab_finding *finding)
{
	const struct kmem *kmem = kmem_of(q);

	if (kmem && kmem->config.report)
		kmem->config.report(kmem->config.ctx, finding);
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* Is there a cache of that name or number? */
static bool taken(const struct kmem *kmem, const char *name, uint32_t number)
{
	for (const struct cache *c = kmem->first; c; c = c->next) {
		if (same(c->name, name) || c->hot.tag >> 8 == number)
			return true;
	}
	return false;
}

int kmem_cache_put(struct kmem *kmem, struct cache *cache)
{
	uintptr_t token = quire_port_cpu_enter();
	int error = -QUIRE_EEXIST;

	lock_take(&kmem->lock);
	if (!taken(kmem, cache->name, 0)) {
		do
			kmem->number = (kmem->number + 1) & 0xffffff;
		while (!kmem->number || taken(kmem, "", kmem->number));
		cache->hot.tag = QUIRE_OWNER_SLAB | kmem->number << 8;
		cache->prev = kmem->last;
		if (kmem->last)
			kmem->last->next = cache;
		else
			kmem->first = cache;
		kmem->last = cache;
		error = 0;
	}
	lock_drop(&kmem->lock);
	quire_port_cpu_leave(token);
	return error;
}

void kmem_cache_close(struct kmem *kmem, struct cache *cache, bool closing)
{
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&kmem->lock);
	cache->closing = closing;
	lock_drop(&kmem->lock);
	quire_port_cpu_leave(token);
}

void kmem_cache_take(struct kmem *kmem, struct cache *cache)
{
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&kmem->lock);
	if (cache->prev)
		cache->prev->next = cache->next;
	else
		kmem->first = cache->next;
	if (cache->next)
		cache->next->prev = cache->prev;
	else
		kmem->last = cache->prev;
	lock_drop(&kmem->lock);
	quire_port_cpu_leave(token);
}

/* Under the chain's lock, so that no cache goes meanwhile; a slab goes without taking it. */
static uint64_t kmem_reclaim(struct quire *q, struct tier *tier, quire_gfp_t gfp)
{
	struct kmem *kmem = (struct kmem *)tier;
	uint64_t freed = shrinkers_ask(&kmem->shrinkers, gfp);
	uintptr_t token = quire_port_cpu_enter();

	(void)q;
	lock_take(&kmem->lock);
	for (struct cache *c = kmem->first; c; c = c->next)
		freed += c->closing ? 0 : cache_shrink_here(c);
	lock_drop(&kmem->lock);
	quire_port_cpu_leave(token);
	return freed;
}

uint64_t quire_slab_drain(struct quire *q)
{
	struct kmem *kmem = kmem_of(q);
	uint64_t before = 0, after = 0;

	for (const struct cache *c = kmem ? kmem->first : NULL; c; c = c->next)
		before += cache_frames(c);
	/* The newest first: the records of the others' slabs are in the first one. */
	for (struct cache *c = kmem ? kmem->last : NULL; c; c = c->prev)
		cache_settle(c);
	for (const struct cache *c = kmem ? kmem->first : NULL; c; c = c->next)
		after += cache_frames(c);
	return before - after;
}

static void kmem_destroy(struct quire *q, struct tier *tier)
{
	struct kmem *kmem = (struct kmem *)tier;

	if (kmem->config.report) {
		quire_slab_drain(q);
		kmem_report_leaks(kmem);
	}
	heap_absent(q);
	quire_port_free(q->config.host, kmem->memory, kmem->bytes);
}

/*
 * The frame records of each 4 MB of the direct map. Where there are none, or those of two zones, a
 * table of zeros stands for them: the inline functions leave these to us.
 */
static void map_sections(struct quire *q, uintptr_t *sections, const void *zeros)
{
	const struct frames *f = &q->frames;

	for (uint64_t s = 0; s * SECTION_BYTES < q->direct_bytes; s++) {
		uint32_t i = frames_find(q, s << SECTION_ORDER);
		uint32_t section = i >> SECTION_ORDER;
		bool two = i != FRAME_NONE && ((section + 1 < f->nr_sections &&
						f->section_start[section + 1] == s) ||
					       (section && f->section_start[section - 1] == s));

		sections[s] = i == FRAME_NONE || two
				      ? (uintptr_t)zeros
				      : (uintptr_t)&f->pages[section << SECTION_ORDER];
	}
	q->heap.map = (struct quire_heap_map){
		.direct = (uintptr_t)q->direct,
		.bytes = (uintptr_t)q->direct_bytes,
		.sections = sections,
	};
}

/* Cut the piece: with c->at NULL only its size comes out. */
static struct kmem *lay_out(struct quire *q, struct carver *c, const struct kmem *sizes)
{
	struct kmem *kmem = carve(c, sizeof(*kmem));
	struct kmem_cpu *cpu = carve(c, sizeof(*cpu) * q->config.nr_cpus);
	uint64_t nr = (q->direct_bytes + SECTION_BYTES - 1) / SECTION_BYTES;
	uintptr_t *sections = carve(c, nr * sizeof(*sections));
	void *zeros = carve(c, SECTION_FRAMES * sizeof(struct quire_page));

	if (kmem) {
		uint64_t share = (q->direct_bytes >> QUIRE_PAGE_SHIFT) / EMPTY_SHARE /
				 q->config.nr_cpus;

		*kmem = *sizes;
		kmem->empty_most = share < EMPTY_MOST ? (uint32_t)share : EMPTY_MOST;
		kmem->cpu = cpu;
		map_sections(q, sections, zeros);
	}
	return kmem;
}

/* Describe and place what is always there; with memory NULL its size comes out. */
static void boot_caches(struct quire *q, struct carver *c)
{
	struct quire_cache_args args;
	char name[32];

	for (unsigned i = 0; kmalloc_args(q, i, &args, name, sizeof(name)); i++) {
		struct cache described;

		if (cache_describe(&described, q, &args))
			continue;
		if (i == 0) { /* the records: every slab's free looks for its own */
			described.inside = true;
			described.objects = 0;
			slab_layout(&described);
		}
		void *memory = carve(c, described.bytes);

		if (!memory)
			continue;
		struct cache *cache = cache_place(&described, memory);
		cache->owned = true;
		kmem_cache_put(kmem_of(q), cache);
		kmalloc_place(q, i, cache);
	}
}

int quire_slab_boot(struct quire *q, const struct quire_slab_config *config)
{
	struct kmem start = {
		.tier = { kmem_destroy, slab_check, slab_hash, kmem_reclaim },
		.q = q,
		.config = config ? *config : (struct quire_slab_config){ 0 },
	};
	struct carver c = { 0 };

	if (start.config.debug & ~QUIRE_SLAB_DEBUG)
		return -QUIRE_EINVAL;
	if (kmem_of(q))
		return -QUIRE_EBUSY;
	int error = direct_map(q);
	if (error)
		return error;
	/* Once to sum up, once to cut. */
	q->tier[TIER_KMEM] = &start.tier;
	lay_out(q, &c, &start);
	boot_caches(q, &c);
	q->tier[TIER_KMEM] = NULL;
	if (c.bytes > SIZE_MAX)
		return -QUIRE_ENOMEM;
	start.bytes = (size_t)c.bytes;
	start.memory = quire_port_alloc(q->config.host, quire_phys(QUIRE_PORT_ANYWHERE),
					start.bytes);
	if (!start.memory)
		return -QUIRE_ENOMEM;
	c = (struct carver){ .at = start.memory };
	struct kmem *kmem = lay_out(q, &c, &start);

	q->tier[TIER_KMEM] = &kmem->tier;
	boot_caches(q, &c);
	kmalloc_ready(q);
	return 0;
}

const char *quire_kfree_name(enum quire_kfree what)
{
	static const char *const names[] = {
		[QUIRE_KFREE_OK] = "ok",
		[QUIRE_KFREE_FOREIGN] = "foreign pointer",
		[QUIRE_KFREE_INSIDE] = "inside an object",
		[QUIRE_KFREE_DOUBLE] = "double free",
		[QUIRE_KFREE_CACHE] = "another cache's object",
		[QUIRE_KFREE_OVERRUN] = "overrun",
		[QUIRE_KFREE_WRITTEN] = "written after free",
		[QUIRE_KFREE_LIVE] = "still allocated",
	};

	return (unsigned)what < QUIRE_NR_KFREE ? names[what] : "?";
}
