/* SPDX-License-Identifier: MIT */
/*
 * test_slab_check.c - each invariant of src/kmem/README.md, broken by hand, is named by quire_check
 */
#include "heap.h"

#include "kmem/kmem.h"

static struct heap h;
static struct cache *cache;
static char *object[256];

/* A cache of 4 objects a slab, with a full, a partial, an empty and a current slab. */
static bool start(uint32_t debug)
{
	if (!heap_start(&h, MB(32), debug))
		return false;
	cache = (struct cache *)heap_cache(
		&h, (struct quire_cache_args){ .name = "t", .size = debug ? 900 : 1000 });
	for (unsigned i = 0; i < 4 * cache->objects; i++)
		object[i] = quire_cache_alloc(&cache->hot, GFP);
	for (unsigned i = 0; i < cache->objects; i++)
		quire_cache_free_track(&cache->hot, object[i], 0);
	quire_cache_free_track(&cache->hot, object[cache->objects], 0);
	rig_sound(&h.rig);
	return true;
}

static const char *broken(void)
{
	struct quire_violation out = { "none", "", 0 };

	quire_check(h.q, &out);
	return out.rule ? out.rule : "none";
}

static struct slab *slab(unsigned i)
{
	return slab_of(h.q, object[i * cache->objects]);
}

/* The heap is sound again and ends with so many objects. */
static void finish(void)
{
	struct quire_cache_info info = heap_info(&cache->hot);

	rig_sound(&h.rig);
	heap_end(&h, (unsigned)info.active_objects);
}

/* SLAB-1 */
TEST(slab_1_lists_by_fullness)
{
	if (!start(0))
		return;
	slab(0)->hot.state = QUIRE_SLAB_PARTIAL;
	CHECK_STR(broken(), "SLAB-1");
	slab(0)->hot.state = QUIRE_SLAB_FULL;
	CHECK_STR(broken(), "SLAB-1");
	slab(0)->hot.state = QUIRE_SLAB_EMPTY;
	slab(1)->hot.bucket++;
	CHECK_STR(broken(), "SLAB-1");
	slab(1)->hot.bucket--;
	struct slot *slot = slab_slot(slab(1));
	slot->empty = NULL;
	CHECK_STR(broken(), "SLAB-1");
	slot->empty = slab(0);
	slot->current = slab(2);
	CHECK_STR(broken(), "SLAB-1");
	slot->current = slab(3);
	finish();
}

/* SLAB-2 */
TEST(slab_2_chains)
{
	if (!start(0))
		return;
	slab(1)->hot.free = NULL;
	CHECK_STR(broken(), "SLAB-2");
	slab(1)->hot.free = object[cache->objects];
	slab(1)->hot.free = (char *)slab(1)->hot.free + 8;
	CHECK_STR(broken(), "SLAB-2");
	slab(1)->hot.free = object[0];
	CHECK_STR(broken(), "SLAB-2");
	slab(1)->hot.free = object[cache->objects];
	void **link = slab(0)->hot.free, *next = *link; /* a circle */
	*link = link;
	CHECK_STR(broken(), "SLAB-2");
	*link = next;
	finish();
}

/* SLAB-3 */
TEST(slab_3_frames_name_their_slab)
{
	if (!start(0))
		return;
	struct quire_page *page = &h.q->frames.pages[slab(2)->frame];
	uintptr_t was = page->private;
	struct slab *two = slab(2);
	CHECK(was != (uintptr_t)two); /* a full one's objects are loose when they are freed */
	CHECK_EQ(h.q->frames.pages[slab(1)->frame].private, (uintptr_t)slab(1));
	page->private = (uintptr_t)two;
	CHECK_STR(broken(), "SLAB-3");
	page->private = (uintptr_t)slab(1);
	CHECK(broken() != NULL && strncmp(broken(), "SLAB-", 5) == 0);
	page->private = was;
	page->owner += 256;
	CHECK_STR(broken(), "SLAB-3");
	page->owner -= 256;
	two->hot.cpu = 1;
	CHECK_STR(broken(), "SLAB-3");
	two->hot.cpu = 0;
	finish();
}

/* SLAB-4 */
TEST(slab_4_slots)
{
	if (!start(0))
		return;
	struct slot *slot = slab_slot(slab(0));
	slot->nr_slabs++;
	CHECK_STR(broken(), "SLAB-4");
	slot->nr_slabs--;
	struct slot *other = slot_at(cache, 1);
	other->hot.free = object[0];
	CHECK_STR(broken(), "SLAB-4");
	other->hot.free = NULL;
	void **loose = (void **)object[2 * cache->objects];
	quire_cache_free(&cache->hot, loose);
	CHECK(slot->loose.hot.free == (void *)loose);
	rig_sound(&h.rig);
	*loose = object[0]; /* of an empty slab */
	CHECK(strcmp(broken(), "SLAB-2") == 0 || strcmp(broken(), "SLAB-4") == 0);
	*loose = loose;
	CHECK_STR(broken(), "SLAB-2");
	*loose = NULL;
	slot->loose.hot.free = NULL;
	other->loose.hot.free = loose;
	CHECK_STR(broken(), "SLAB-4");
	other->loose.hot.free = NULL;
	slot->loose.hot.free = loose;
	/* A shrink gives them to their slabs and begins to count again. */
	quire_cache_shrink(&cache->hot);
	CHECK(!slot->loose.hot.free);
	CHECK_EQ(slot->loose.hot.left, slot->loose_left);
	CHECK_EQ(slab(2)->hot.state, QUIRE_SLAB_PARTIAL);
	finish();
}

/* SLAB-5 and SLAB-6 */
TEST(slab_5_6_checked_objects)
{
	if (!start(QUIRE_SLAB_POISON | QUIRE_SLAB_RED_ZONE))
		return;
	char *live = object[2 * cache->objects], *gone = object[0];
	meta_of(cache, live)->state = META_FREE;
	CHECK_STR(broken(), "SLAB-5");
	meta_of(cache, live)->state = META_LIVE;
	meta_of(cache, object[cache->objects])->state = META_LIVE;
	CHECK_STR(broken(), "SLAB-5");
	meta_of(cache, object[cache->objects])->state = META_FREE;
	gone = object[cache->objects];
	for (int at = -1; at <= 900; at += 17) {
		gone[at] ^= 1;
		CHECK_STR(broken(), "SLAB-6");
		gone[at] ^= 1;
	}
	finish();
}

/* SLAB-7 */
TEST(slab_7_names)
{
	if (!start(0))
		return;
	struct cache *other = (struct cache *)quire_cache_find(h.q, "kmalloc-64");
	cache->name[0] = 0;
	memcpy(cache->name, other->name, sizeof(cache->name));
	CHECK_STR(broken(), "SLAB-7");
	memset(cache->name, 0, sizeof(cache->name));
	cache->name[0] = 't';
	finish();
}

/* SLAB-8 */
TEST(slab_8_empty_frames)
{
	if (!start(0))
		return;
	kmem_of(h.q)->cpu[0].empty_frames++;
	CHECK_STR(broken(), "SLAB-8");
	kmem_of(h.q)->cpu[0].empty_frames--;
	finish();
}

/* The hash sees which object comes next. */
TEST(hash)
{
	if (!start(0))
		return;
	uint64_t before = quire_hash(h.q);
	void *p = quire_cache_alloc(&cache->hot, GFP);
	CHECK(quire_hash(h.q) != before);
	CHECK_EQ(quire_cache_free(&cache->hot, p), QUIRE_KFREE_OK);
	finish();
}

/*
 * A chain that a double free has made a circle, or a write to a free object has led astray: it is
 * named, hashed and counted all the same, and ends.
 */
TEST(damaged_chains)
{
	static uint64_t outside[2];
	struct quire_cache_info info;

	if (!start(0))
		return;
	struct slot *slot = slab_slot(slab(0)), *other = slot_at(cache, 1);
	void **on_slab = slab(0)->hot.free, **on_cpu = (void **)object[2 * cache->objects];
	void *was = slot->hot.free, *after = *on_slab;
	void *const wrong[] = { NULL, outside }; /* NULL: to itself */

	for (size_t i = 0; i < 2; i++) {
		*on_slab = wrong[i] ? wrong[i] : (void *)on_slab;
		CHECK_STR(broken(), "SLAB-2");
		CHECK(quire_hash(h.q) != 0);
		*on_slab = after;
		slot->hot.free = on_cpu;
		*on_cpu = wrong[i] ? wrong[i] : (void *)on_cpu;
		CHECK_STR(broken(), "SLAB-2");
		CHECK(quire_hash(h.q) != 0);
		quire_cache_info(&cache->hot, &info);
		CHECK(info.nr_slabs == 4);
		slot->hot.free = was;
		other->returned = on_cpu;
		other->nr_returned = 3;
		CHECK(broken() && strncmp(broken(), "SLAB-", 5) == 0);
		CHECK(quire_hash(h.q) != 0);
		other->nr_returned = 0;
		CHECK_STR(broken(), "SLAB-4");
		other->returned = NULL;
	}
	finish();
}

TEST_MAIN(CASE(slab_1_lists_by_fullness), CASE(slab_2_chains), CASE(slab_3_frames_name_their_slab),
	  CASE(slab_4_slots), CASE(slab_5_6_checked_objects), CASE(slab_7_names),
	  CASE(slab_8_empty_frames), CASE(hash), CASE(damaged_chains))
