/* SPDX-License-Identifier: MIT */
/*
 * test_memmap.c - how overlaps of a memory map settle, against a naive model
 */
#include "maps.h"

#include "phys/memmap.h"

#define CELL 0x400u /* bytes: four cells a frame */
#define CELLS 1200u /* 1.17 MB, past the end of the firmware's hole */
#define FRAMES (CELLS / 4)

/* The naive model: a type for each cell, 0: nothing; and memory for each frame. */
struct model {
	uint32_t cells[CELLS];
	bool memory[FRAMES];
};

static void model_usable(const struct model *model, bool *frames)
{
	for (size_t f = 0; f < FRAMES; f++) {
		frames[f] = true;
		for (size_t c = 4 * f; c < 4 * f + 4; c++)
			frames[f] = frames[f] && model->cells[c] == QUIRE_MAP_USABLE;
	}
}

static void model_map(struct model *model, const struct quire_map_entry *entries, size_t nr,
		      bool firmware)
{
	bool before[FRAMES], now[FRAMES];

	model_usable(model, before);
	for (size_t i = 0; i < nr; i++) {
		for (uint64_t c = entries[i].start / CELL; c < entries[i].end / CELL; c++) {
			if (model->cells[c] < entries[i].type)
				model->cells[c] = entries[i].type;
		}
	}
	for (size_t c = 0; firmware && c < CELLS; c++) {
		if (model->cells[c] == QUIRE_MAP_USABLE && c < 4)
			model->cells[c] = QUIRE_MAP_RESERVED;
		if (model->cells[c] == QUIRE_MAP_USABLE && c >= 640 && c < 1024)
			model->cells[c] = 0;
	}
	model_usable(model, now);
	for (size_t f = 0; f < FRAMES; f++) {
		if (before[f] != now[f])
			model->memory[f] = now[f];
	}
}

static bool is_model(struct quire *q, const struct model *model)
{
	static uint32_t cells[CELLS];
	static bool memory[FRAMES];
	struct quire_map_entry entry;
	struct quire_range range;

	memset(cells, 0, sizeof(cells));
	memset(memory, 0, sizeof(memory));
	for (size_t i = 0; quire_map_get(q, i, &entry); i++) {
		for (uint64_t c = entry.start / CELL; c < entry.end / CELL; c++)
			cells[c] = entry.type;
	}
	for (size_t i = 0; quire_memblock_get(q, QUIRE_MEMBLOCK_MEMORY, i, &range); i++)
		memset(memory + range.start / 0x1000, 1, (range.end - range.start) / 0x1000);
	return !memcmp(cells, model->cells, sizeof(cells)) &&
	       !memcmp(memory, model->memory, sizeof(memory));
}

static size_t random_entries(struct quire_map_entry *entries, uint64_t *seed)
{
	static const uint32_t types[] = { 1, 1, 1, 2, 3, 4, 20, 0xefffffff };
	size_t nr = test_random(seed) % 20;

	for (size_t i = 0; i < nr; i++) {
		uint64_t start = test_random(seed) % CELLS;
		uint64_t end = start + test_random(seed) % 300;

		if (test_random(seed) % 4 == 0)
			start &= ~(uint64_t)31;
		entries[i] = (struct quire_map_entry){ start * CELL,
						       (end < CELLS ? end : CELLS) * CELL,
						       types[test_random(seed) % 8] };
		if (!entries[i].end) /* 2^64 */
			entries[i].end = CELL;
	}
	return nr;
}

TEST(overlaps)
{
	uint64_t first = 1720, seed = first;

	for (int round = 0; round < 1500 && !test_failures; round++) {
		struct quire_map_entry entries[20];
		struct model model = { 0 };
		bool firmware = round % 2;
		struct quire *q = create(QUIRE_I386, firmware, NULL);

		for (int call = 0; call < 4 && q; call++) {
			size_t nr = random_entries(entries, &seed);
			uint64_t f = test_random(&seed) % (FRAMES - 20), n = f + 1 + call * 4;

			CHECK_EQ(quire_boot_map(q, entries, nr), 0);
			model_map(&model, entries, nr, firmware);
			CHECK(is_model(q, &model));
			CHECK(quire_check(q, NULL));
			/* What is done to memblock by hand stays, but for what the map changes. */
			if (call % 2)
				quire_memblock_add(q, quire_phys(f << 12), quire_phys(n << 12));
			else
				quire_memblock_remove(q, quire_phys(f << 12), quire_phys(n << 12));
			memset(model.memory + f, call % 2, n - f);
		}
		if (test_failures)
			printf("round %d of seed %llu\n", round, (unsigned long long)first);
		quire_destroy(q);
	}
}

/* Overlaps of one byte, and gaps of one. */
TEST(bytes)
{
	static const struct quire_map_entry entries[] = {
		{ 0x101000, 0x102001, 1 }, { 0x102000, 0x103000, 2 }, { 0x103001, 0x104000, 2 },
		{ 0x104000, 0x104001, 4 }, { 0x104000, 0x106000, 1 }, { 0x106000, 0x106001, 1 }
	};
	struct quire *q = create(QUIRE_X86_64, true, NULL);

	CHECK_EQ(quire_boot_map(q, entries, sizeof(entries) / sizeof(entries[0])), 0);
	CHECK_STR(map_text(q), "101000-102000:1 102000-103000:2 103001-104000:2 104000-104001:4 "
			       "104001-106001:1");
	CHECK_STR(list_text(q, QUIRE_MEMBLOCK_MEMORY), "101000-102000 105000-106000");
	quire_destroy(q);
}

TEST(limits)
{
	static const struct {
		enum quire_machine machine;
		const char *memory;
	} cases[] = {
		{ QUIRE_I386, "100000-100000000" },
		{ QUIRE_I386_PAE, "100000-1000000000" },
		{ QUIRE_X86_64, "100000-400000000000" },
		{ QUIRE_X86_64_LA57, "100000-10000000000000" },
	};
	/* Usable up to 2^64; the map keeps it all, memory what can be addressed. */
	static const struct quire_map_entry all[] = { { 0x100000, 0, QUIRE_MAP_USABLE },
						      { 5, 5, QUIRE_MAP_USABLE } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct quire *q = create(cases[i].machine, true, NULL);

		CHECK_EQ(quire_boot_map(q, all, 2), 0);
		CHECK_STR(map_text(q), "100000-0:1");
		CHECK_STR(list_text(q, QUIRE_MEMBLOCK_MEMORY), cases[i].memory);
		quire_destroy(q);
	}
}

/* Each rule of memmap_check, broken on purpose. */
TEST(check_names_the_rule)
{
	struct quire_map_entry entries[] = { { 10, 20, 1 }, { 20, 40, 2 }, { 50, 0, 1 } };
	struct memmap map = { entries, 3, 3 };
	struct quire_violation broken = { 0 };

	CHECK(memmap_check(&map, &broken));
	entries[1].start = 19;
	CHECK(!memmap_check(&map, &broken) && !strcmp(broken.rule, "BOOT-5"));
	CHECK_EQ(broken.where, 19);
	entries[1] = (struct quire_map_entry){ 20, 20, 2 };
	CHECK(!memmap_check(&map, &broken) && !strcmp(broken.rule, "BOOT-5"));
	entries[1] = (struct quire_map_entry){ 20, 0, 2 }; /* something follows 2^64 */
	CHECK(!memmap_check(&map, &broken) && !strcmp(broken.rule, "BOOT-5"));
	CHECK_EQ(broken.where, 50);
	entries[1] = (struct quire_map_entry){ 20, 40, 1 };
	CHECK(!memmap_check(&map, &broken) && !strcmp(broken.rule, "BOOT-6"));
	map.capacity = 2;
	CHECK(!memmap_check(&map, &broken) && !strcmp(broken.rule, "BOOT-7"));
}

TEST(wrong_entries)
{
	static const struct quire_map_entry entries[] = {
		{ 0x100000, 0x200000, QUIRE_MAP_USABLE }, { 0x300000, 0x2fffff, QUIRE_MAP_USABLE }
	};
	struct quire_map_entry entry;
	struct quire *q = create(QUIRE_I386, true, NULL);

	CHECK_EQ(quire_boot_map(q, entries, 2), -QUIRE_EINVAL);
	CHECK(!quire_map_get(q, 0, &entry));
	CHECK_EQ(quire_boot_map(q, entries, 1), 0);
	CHECK_EQ(quire_boot_map(q, entries, 2), -QUIRE_EINVAL);
	CHECK_STR(map_text(q), "100000-200000:1");
	CHECK_EQ(quire_boot_map(q, NULL, 0), 0);
	CHECK_STR(map_text(q), "100000-200000:1");
	quire_destroy(q);
}

/* 20,000 overlapping entries, then 20,000 disjoint ones: no step may look at all the others. */
TEST(large_maps)
{
	enum { NR = 20000 };
	static struct quire_map_entry entries[NR];
	struct quire *q = create(QUIRE_X86_64, false, NULL);
	struct quire_range range;
	size_t nr = 0;

	for (uint64_t i = 0; i < NR; i++) /* nested like an onion */
		entries[i] = (struct quire_map_entry){ i << 12, (uint64_t)(2 * NR - i) << 12,
						       1 + (uint32_t)i };
	CHECK_EQ(quire_boot_map(q, entries, NR), 0);
	while (quire_map_get(q, nr, &entries[0]))
		nr++;
	CHECK_EQ(nr, 2 * NR - 1);
	for (uint64_t i = 0; i < NR; i++)
		entries[i] = (struct quire_map_entry){ (i * 7919 % NR * 2 + 4 * NR) << 12,
						       (i * 7919 % NR * 2 + 4 * NR + 1) << 12, 1 };
	CHECK_EQ(quire_boot_map(q, entries, NR), 0);
	CHECK(quire_memblock_get(q, QUIRE_MEMBLOCK_MEMORY, NR + 1, &range));
	CHECK(!quire_memblock_get(q, QUIRE_MEMBLOCK_MEMORY, NR + 2, &range));
	CHECK(quire_check(q, NULL));
	quire_destroy(q);
}

/* quire_boot_map alone: after a failure all is as it was, and the same call works. */
TEST(boot_map_all_or_nothing)
{
	static const struct quire_map_entry more[] = { { 0x180000, 0x1a0000, QUIRE_MAP_RESERVED },
						       { 0x400000, 0x500000, QUIRE_MAP_USABLE } };
	static const struct quire_map_entry one = { 0x100000, 0x200000, QUIRE_MAP_USABLE };
	bool reached = true;

	for (uint64_t n = 1; reached && n < 50; n++) {
		struct quire_hosted host = { 0 };
		struct quire *q = create(QUIRE_I386, true, &host);
		int error;

		CHECK_EQ(quire_boot_map(q, &one, 1), 0);
		host.fail_at = host.nr_allocs + n;
		error = quire_boot_map(q, more, 2);
		reached = error != 0;
		if (error) {
			CHECK_EQ(error, -QUIRE_ENOMEM);
			CHECK_STR(map_text(q), "100000-200000:1");
			CHECK_STR(list_text(q, QUIRE_MEMBLOCK_MEMORY), "100000-200000");
			CHECK_EQ(quire_boot_map(q, more, 2), 0);
		}
		CHECK_STR(map_text(q), "100000-180000:1 180000-1a0000:2 1a0000-200000:1 "
				       "400000-500000:1");
		CHECK_STR(list_text(q, QUIRE_MEMBLOCK_MEMORY), "100000-180000 1a0000-200000 "
							       "400000-500000");
		quire_destroy(q);
		CHECK_EQ(host.live_bytes, 0);
		CHECK(n < 49);
	}
}

TEST_MAIN(CASE(overlaps), CASE(bytes), CASE(limits), CASE(check_names_the_rule),
	  CASE(wrong_entries), CASE(large_maps), CASE(boot_map_all_or_nothing))
