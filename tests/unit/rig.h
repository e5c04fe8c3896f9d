/* SPDX-License-Identifier: MIT */
/*
 * rig.h - machines for the tests of the page allocator
 *
 * A rig is a machine and its host. Its frame array lies outside of its memory and no
 * firmware took anything, so that every frame is managed unless a test says otherwise.
 */
#ifndef TEST_RIG_H
#define TEST_RIG_H

#include "test.h"

#include <quire/boot.h>
#include <quire/page.h>

#include "hosted.h"

#define KB(n) ((uint64_t)(n) << 10)
#define MB(n) ((uint64_t)(n) << 20)
#define GB(n) ((uint64_t)(n) << 30)

struct rig {
	struct quire_hosted host;
	struct quire *q;
};

/** The configuration that rigs start from */
static inline struct quire_config rig_config(enum quire_machine machine)
{
	struct quire_config config;

	quire_config_init(&config, machine);
	config.firmware = false;
	config.frames_outside = true;
	return config;
}

/** A machine without memory */
static inline bool rig_create(struct rig *rig, struct quire_config *config)
{
	*rig = (struct rig){ 0 };
	config->host = &rig->host;
	int error = quire_create(config, &rig->q);

	CHECK_EQ(error, 0);
	return !error;
}

/** Boot with memory [0, @bytes) */
static inline bool rig_boot(struct rig *rig, struct quire_config config, uint64_t bytes)
{
	if (!rig_create(rig, &config))
		return false;
	int error = quire_memblock_add(rig->q, quire_phys(0), quire_phys(bytes));

	if (!error)
		error = quire_boot_zones(rig->q);
	CHECK_EQ(error, 0);
	return !error;
}

/** The usual machine: x86-64 with @bytes of memory and two cpus */
static inline bool rig_start(struct rig *rig, uint64_t bytes)
{
	struct quire_config config = rig_config(QUIRE_X86_64);

	config.nr_cpus = 2;
	return rig_boot(rig, config, bytes);
}

/** Nothing is broken now. Return: whether that is so */
static inline bool rig_sound(struct rig *rig)
{
	struct quire_violation broken;
	bool sound = quire_check(rig->q, &broken);

	if (!sound)
		printf("%s: %s: %" PRIu64 "\n", broken.rule, broken.text, broken.where);
	CHECK(sound);
	return sound;
}

/** Check once more, end the machine; everything must have gone back to the host */
static inline void rig_end(struct rig *rig)
{
	rig_sound(rig);
	quire_destroy(rig->q);
	quire_hosted_cpu(0);
	quire_hosted_release(&rig->host);
	CHECK_EQ(rig->host.live_bytes, 0);
}

static inline struct quire_zone_stat rig_stat(struct rig *rig, enum quire_zone zone)
{
	struct quire_zone_stat stat;

	quire_zone_stat(rig->q, zone, &stat);
	return stat;
}

/** Free frames of all zones, those on per-cpu lists included */
static inline uint64_t rig_free(struct rig *rig)
{
	uint64_t nr = 0;

	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		struct quire_zone_stat stat = rig_stat(rig, (enum quire_zone)z);

		nr += stat.free + stat.pcp;
	}
	return nr;
}

static inline uint64_t rig_pfn(struct rig *rig, const struct quire_page *page)
{
	return quire_page_pfn(rig->q, page).v;
}

/** The @n-th frame of a block */
static inline struct quire_page *rig_nth(struct rig *rig, const struct quire_page *page, uint64_t n)
{
	return quire_pfn_page(rig->q, quire_pfn(rig_pfn(rig, page) + n));
}

static inline struct quire_frame_info rig_frame(struct rig *rig, uint64_t pfn)
{
	struct quire_frame_info info;

	quire_frame_info(rig->q, quire_pfn(pfn), &info);
	return info;
}

/** struct snapshot - what a call that fails must leave as it was */
struct snapshot {
	uint64_t hash;
	struct quire_zone_stat zone[QUIRE_NR_ZONES];
};

static inline void snapshot(struct rig *rig, struct snapshot *out)
{
	memset(out, 0, sizeof(*out));
	out->hash = quire_hash(rig->q);
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++)
		out->zone[z] = rig_stat(rig, (enum quire_zone)z);
}

/* Reports the caller's line. */
#define CHECK_UNCHANGED(rig, before)                             \
	do {                                                     \
		struct snapshot test_now;                        \
		snapshot(rig, &test_now);                        \
		CHECK(test_now.hash == (before)->hash);          \
		CHECK(snapshot_counts_equal(&test_now, before)); \
	} while (0)

static inline bool snapshot_counts_equal(const struct snapshot *a, const struct snapshot *b)
{
	bool same = true;

	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		const struct quire_zone_stat *x = &a->zone[z], *y = &b->zone[z];

		same = same && x->free == y->free && x->pcp == y->pcp && x->managed == y->managed &&
		       x->free_cma == y->free_cma &&
		       !memcmp(x->events, y->events, sizeof(x->events)) &&
		       !memcmp(x->nr_blocks, y->nr_blocks, sizeof(x->nr_blocks)) &&
		       !memcmp(x->nr_free, y->nr_free, sizeof(x->nr_free));
	}
	return same;
}

/** Allocate blocks of @order until there are no more. Return: how many; at most @max are kept */
static inline size_t rig_fill(struct rig *rig, quire_gfp_t gfp, unsigned order,
			      struct quire_page **pages, size_t max)
{
	size_t nr = 0;

	while (nr < max && (pages[nr] = quire_page_alloc(rig->q, gfp, order)))
		nr++;
	return nr;
}

static inline void rig_free_all(struct rig *rig, struct quire_page **pages, size_t nr,
				unsigned order)
{
	for (size_t i = 0; i < nr; i++)
		CHECK_EQ(quire_page_free(rig->q, pages[i], order), QUIRE_FREE_OK);
}

#endif
