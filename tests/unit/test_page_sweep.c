/* SPDX-License-Identifier: MIT */
/*
 * test_page_sweep.c - the host refuses its first, its second, its n-th allocation
 *
 * A whole life of a machine is lived again and again, each time with one more allocation
 * granted before one is refused. Each refusal must come out as an error that changed nothing,
 * the same call must work when made again, and nothing may be left behind.
 */
#include "rig.h"

#include <quire/error.h>

/** struct life - a machine and the calls that failed */
struct life {
	struct rig rig;
	struct quire_config config;
	unsigned refusals;
};

/* Text of all that memblock and the map say, for comparing. */
static uint64_t lists_hash(struct quire *q)
{
	struct quire_map_entry entry;
	struct quire_range range;
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; quire_map_get(q, i, &entry); i++)
		hash = ((hash * 31 + entry.start) * 31 + entry.end) * 31 + entry.type;
	for (int list = QUIRE_MEMBLOCK_MEMORY; list <= QUIRE_MEMBLOCK_FREE; list++) {
		for (size_t i = 0; quire_memblock_get(q, (enum quire_memblock_list)list, i, &range);
		     i++)
			hash = ((hash * 31 + range.start) * 31 + range.end) * 31 + range.what;
		hash = hash * 31 + 1;
	}
	return hash;
}

/* Make a call; if it fails for want of memory it changed nothing and works the second time. */
#define TWICE(life, call)                                                  \
	do {                                                               \
		uint64_t test_lists = lists_hash((life)->rig.q);           \
		uint64_t test_hash = quire_hash((life)->rig.q);            \
		uint64_t test_bytes = (life)->rig.host.live_bytes;         \
		int test_error = (call);                                   \
		if (test_error) {                                          \
			CHECK_EQ(test_error, -QUIRE_ENOMEM);               \
			CHECK(lists_hash((life)->rig.q) == test_lists);    \
			CHECK(quire_hash((life)->rig.q) == test_hash);     \
			CHECK_EQ((life)->rig.host.live_bytes, test_bytes); \
			CHECK(quire_check((life)->rig.q, NULL));           \
			(life)->refusals++;                                \
			CHECK_EQ((call), 0);                               \
		}                                                          \
	} while (0)

static void use(struct life *life)
{
	struct quire *q = life->rig.q;
	struct quire_page *pages[300];
	uint64_t allocs = life->rig.host.nr_allocs;

	for (unsigned order = 0; order <= QUIRE_ORDER_MAX; order++) {
		struct quire_page *page = quire_page_alloc(q, QUIRE_GFP_KERNEL, order);

		CHECK(page && quire_page_free(q, page, order) == QUIRE_FREE_OK);
	}
	size_t nr = quire_page_alloc_bulk(q, QUIRE_GFP_HIGHUSER_MOVABLE, 300, pages);
	CHECK_EQ(nr, 300);
	CHECK_EQ(quire_page_free_bulk(q, nr, pages, NULL), QUIRE_FREE_OK);
	CHECK_EQ(quire_set_migrate(q, quire_pfn(1024), quire_pfn(2048), QUIRE_MIGRATE_CMA), 0);
	CHECK_EQ(quire_boot_release(q, quire_phys(MB(3)), quire_phys(MB(4))), 0);
	quire_page_drain(q);
	CHECK_EQ(life->rig.host.nr_allocs, allocs); /* frames alone are moved here */
	rig_sound(&life->rig);
}

static void boot(struct life *life)
{
	static const struct quire_map_entry map[] = {
		{ 0, 0x9fc00, QUIRE_MAP_USABLE },
		{ 0x9fc00, 0xa0000, QUIRE_MAP_RESERVED },
		{ 0x100000, MB(30) + 0x800, QUIRE_MAP_USABLE },
		{ MB(31), MB(31) + KB(64), QUIRE_MAP_ACPI_DATA },
		{ MB(32), MB(48), QUIRE_MAP_USABLE },
		{ GB(3), GB(3) + MB(16), QUIRE_MAP_USABLE },
	};
	struct quire_memblock_request req = { .bytes = 10000, .align = 4096 };
	struct quire *q = life->rig.q;
	quire_phys_t at;

	TWICE(life, quire_boot_map(q, map, sizeof(map) / sizeof(*map)));
	TWICE(life, quire_memblock_reserve(q, quire_phys(MB(3)), quire_phys(MB(4)),
					   QUIRE_RESERVE_KERNEL));
	for (unsigned i = 0; i < 40; i++)
		TWICE(life, quire_memblock_reserve(q, quire_phys(MB(8) + i * KB(64)),
						   quire_phys(MB(8) + i * KB(64) + 100),
						   QUIRE_RESERVE_OTHER));
	TWICE(life, quire_memblock_alloc(q, &req, &at));
	TWICE(life, quire_boot_zones(q));
}

/* Return: how often a call failed for want of memory */
static unsigned live(struct quire_config *config, uint64_t fail_at)
{
	struct life life = { .config = *config };

	life.rig.host.fail_at = fail_at;
	life.config.host = &life.rig.host;
	int error = quire_create(&life.config, &life.rig.q);
	if (error) {
		CHECK_EQ(error, -QUIRE_ENOMEM);
		CHECK_EQ(life.rig.host.live_bytes, 0);
		life.refusals++;
		CHECK_EQ(quire_create(&life.config, &life.rig.q), 0);
	}
	boot(&life);
	use(&life);
	rig_end(&life.rig);
	return life.refusals;
}

/* Until a life passes without a refusal. */
static void sweep(struct quire_config *config)
{
	uint64_t n = 1;

	while (n < 500 && live(config, n) && !test_failures)
		n++;
	CHECK(n > 10 && n < 500);
	CHECK_EQ(live(config, 0), 0);
}

TEST(x86_64)
{
	struct quire_config config;

	quire_config_init(&config, QUIRE_X86_64);
	config.nr_cpus = 3;
	sweep(&config);
}

TEST(i386)
{
	struct quire_config config;

	quire_config_init(&config, QUIRE_I386);
	config.lowmem_bytes = 0x1bfe000;
	config.movable_bytes = MB(4);
	sweep(&config);
}

TEST(frames_outside)
{
	struct quire_config config = rig_config(QUIRE_I386_PAE);

	sweep(&config);
}

/* Too little memory for the frame array itself: an error, and memblock is as it was. */
TEST(no_place)
{
	struct quire_config config;
	struct life life = { 0 };

	quire_config_init(&config, QUIRE_X86_64);
	config.host = &life.rig.host;
	CHECK_EQ(quire_create(&config, &life.rig.q), 0);
	CHECK_EQ(quire_boot_zones(life.rig.q), -QUIRE_ENODEV);
	CHECK_EQ(quire_memblock_add(life.rig.q, quire_phys(0x4000), quire_phys(0x8000)), 0);
	uint64_t lists = lists_hash(life.rig.q);

	CHECK_EQ(quire_boot_zones(life.rig.q), -QUIRE_ENOSPC);
	CHECK(lists_hash(life.rig.q) == lists);
	CHECK(!quire_page_alloc(life.rig.q, QUIRE_GFP_KERNEL, 0));
	/* With memory elsewhere for the array it works, and only once. */
	CHECK_EQ(quire_memblock_add(life.rig.q, quire_phys(MB(1)), quire_phys(MB(8))), 0);
	CHECK_EQ(quire_boot_zones(life.rig.q), 0);
	CHECK_EQ(quire_boot_zones(life.rig.q), -QUIRE_EBUSY);
	CHECK(quire_page_alloc(life.rig.q, QUIRE_GFP_KERNEL, 0) != NULL);
	rig_end(&life.rig);
}

TEST_MAIN(CASE(x86_64), CASE(i386), CASE(frames_outside), CASE(no_place))
