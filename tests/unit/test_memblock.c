/* SPDX-License-Identifier: MIT */
/*
 * test_memblock.c - the boot allocator against a naive model
 *
 * The model is two arrays of bytes, one cell an address: is it memory, and who has
 * reserved it. memblock's lists are drawn into such arrays and compared.
 */
#include "test.h"

#include <quire/boot.h>
#include <quire/error.h>

#include "hosted.h"
#include "phys/memblock.h"

#define CELLS 4096
#define OPS (TEST_SANITIZED ? 50000 : 200000)

static unsigned char mem[CELLS], taken[CELLS]; /* taken: who + 1 */

static bool lists_are_model(const struct memblock *mb)
{
	static unsigned char drawn[CELLS];
	bool same;

	memset(drawn, 0, CELLS);
	for (size_t i = 0; i < mb->memory.nr; i++)
		memset(drawn + mb->memory.ranges[i].start, 1,
		       mb->memory.ranges[i].end - mb->memory.ranges[i].start);
	same = !memcmp(drawn, mem, CELLS);
	memset(drawn, 0, CELLS);
	for (size_t i = 0; i < mb->reserved.nr; i++)
		memset(drawn + mb->reserved.ranges[i].start, (int)mb->reserved.ranges[i].what + 1,
		       mb->reserved.ranges[i].end - mb->reserved.ranges[i].start);
	return same && !memcmp(drawn, taken, CELLS);
}

static bool free_is_model(const struct memblock *mb)
{
	static unsigned char drawn[CELLS];
	struct memblock_cursor cursor = { 0 };
	uint64_t start, end;
	bool same = true;

	memset(drawn, 0, CELLS);
	while (memblock_free_next(mb, &cursor, &start, &end)) {
		same = same && start < end;
		memset(drawn + start, 1, end - start);
	}
	for (size_t i = 0; i < CELLS; i++)
		same = same && drawn[i] == (mem[i] && !taken[i]);
	return same;
}

/* The lowest or highest place for a request in the model; -1: none. */
static long model_place(const struct quire_memblock_request *req)
{
	uint64_t align = req->align ? req->align : 64, run = 0;
	uint64_t max = req->max && req->max < CELLS ? req->max : CELLS;
	long place = -1;

	for (uint64_t at = CELLS; at-- > 0;) {
		run = at < max && at >= req->min && mem[at] && !taken[at] ? run + 1 : 0;
		if (run < req->bytes || at % align)
			continue;
		place = (long)at;
		if (!req->bottom_up)
			break;
	}
	return place;
}

static void random_range(uint64_t *seed, uint64_t *start, uint64_t *end)
{
	uint64_t length = 1 + test_random(seed) % (test_random(seed) % 8 ? 40 : 700);

	*start = test_random(seed) % CELLS;
	if (test_random(seed) % 2)
		*start &= ~(uint64_t)15;
	*end = *start + length < CELLS ? *start + length : CELLS;
}

static bool random_alloc(struct memblock *mb, uint64_t *seed)
{
	struct quire_memblock_request req = {
		.bytes = 1 + test_random(seed) % 100,
		.align = test_random(seed) % 4 ? (uint64_t)1 << test_random(seed) % 9 : 0,
		.min = test_random(seed) % 2 ? test_random(seed) % CELLS : 0,
		.max = test_random(seed) % 2 ? test_random(seed) % (CELLS + 100) : 0,
		.bottom_up = test_random(seed) % 2,
	};
	uint64_t at = 12345;
	int error = memblock_alloc(mb, NULL, &req, QUIRE_RESERVE_ALLOC, &at);
	long place;

	if (req.max && req.max <= req.min)
		return error == -QUIRE_EINVAL && at == 12345;
	place = model_place(&req);
	if (place < 0)
		return error == -QUIRE_ENOSPC && at == 12345;
	memset(taken + place, QUIRE_RESERVE_ALLOC + 1, req.bytes);
	return !error && at == (uint64_t)place;
}

static bool random_op(struct memblock *mb, uint64_t *seed)
{
	struct quire_range range;

	random_range(seed, &range.start, &range.end);
	range.what = (enum quire_reserve)(test_random(seed) % 4);
	switch (test_random(seed) % 8) {
	case 0:
		memset(mem + range.start, 0, range.end - range.start);
		return !memblock_remove(mb, NULL, range.start, range.end);
	case 1:
	case 2:
		memset(mem + range.start, 1, range.end - range.start);
		return !memblock_add(mb, NULL, range.start, range.end);
	case 3:
		memset(taken + range.start, (int)range.what + 1, range.end - range.start);
		return !memblock_reserve(mb, NULL, &range);
	case 4:
	case 5:
		memset(taken + range.start, 0, range.end - range.start);
		return !memblock_free(mb, NULL, range.start, range.end);
	default:
		return random_alloc(mb, seed);
	}
}

TEST(random_operations)
{
	struct quire_violation broken = { 0 };
	struct memblock mb = { 0 };
	uint64_t start = 20260, seed = start;

	memset(mem, 0, sizeof(mem));
	memset(taken, 0, sizeof(taken));
	for (unsigned i = 0, nr = test_times(OPS); i < nr && !test_failures; i++) {
		CHECK(random_op(&mb, &seed));
		CHECK(memblock_check(&mb, &broken));
		CHECK(lists_are_model(&mb));
		if (i % 8 == 0)
			CHECK(free_is_model(&mb));
		if (test_failures)
			printf("operation %u of seed %llu\n", i, (unsigned long long)start);
	}
	memblock_destroy(&mb, NULL);
	CHECK_EQ(mb.memory.nr + mb.reserved.nr + mb.memory.capacity, 0);
}

/* Both lists as text: a state to compare. */
static void draw(const struct memblock *mb, char *out, size_t size)
{
	size_t at = 0;

	out[0] = 0;
	for (int l = 0; l < 2; l++) {
		const struct memblock_list *list = l ? &mb->reserved : &mb->memory;

		at += (size_t)snprintf(out + at, size - at, l ? "| " : "");
		for (size_t i = 0; i < list->nr; i++)
			at += (size_t)snprintf(out + at, size - at, "%llx-%llx:%d ",
					       (unsigned long long)list->ranges[i].start,
					       (unsigned long long)list->ranges[i].end,
					       (int)list->ranges[i].what);
	}
}

static void reserve(struct memblock *mb, uint64_t start, uint64_t end, enum quire_reserve what)
{
	CHECK(!memblock_reserve(mb, NULL, &(struct quire_range){ start, end, what }));
}

TEST(joining)
{
	struct memblock mb = { 0 };
	char text[400];

	CHECK(!memblock_add(&mb, NULL, 0x1000, 0x2000));
	CHECK(!memblock_add(&mb, NULL, 0x3000, 0x4000));
	CHECK(!memblock_add(&mb, NULL, 0x2000, 0x3000)); /* closes the gap exactly */
	draw(&mb, text, sizeof(text));
	CHECK_STR(text, "1000-4000:0 | ");
	reserve(&mb, 0x1000, 0x3000, QUIRE_RESERVE_KERNEL);
	reserve(&mb, 0x1800, 0x2000, QUIRE_RESERVE_INITRD); /* the newer wins, inside */
	reserve(&mb, 0x3000, 0x3800, QUIRE_RESERVE_KERNEL); /* joins its right neighbour's kind */
	draw(&mb, text, sizeof(text));
	CHECK_STR(text, "1000-4000:0 | 1000-1800:1 1800-2000:2 2000-3800:1 ");
	reserve(&mb, 0x1800, 0x2000, QUIRE_RESERVE_KERNEL);
	draw(&mb, text, sizeof(text));
	CHECK_STR(text, "1000-4000:0 | 1000-3800:1 ");
	CHECK(!memblock_free(&mb, NULL, 0x2000, 0x2001)); /* one byte out of the middle */
	draw(&mb, text, sizeof(text));
	CHECK_STR(text, "1000-4000:0 | 1000-2000:1 2001-3800:1 ");
	CHECK(!memblock_remove(&mb, NULL, 0, UINT64_MAX));
	CHECK(!memblock_free(&mb, NULL, 0, UINT64_MAX));
	CHECK_EQ(mb.memory.nr + mb.reserved.nr, 0);
	memblock_destroy(&mb, NULL);
}

/* A reservation that covers the ends of two ranges and the gap between them. */
TEST(free_across_gaps)
{
	struct memblock mb = { 0 };
	struct memblock_cursor cursor = { 0 };
	uint64_t start, end, at;
	struct quire_memblock_request req = { .bytes = 0x80, .align = 1 };

	CHECK(!memblock_add(&mb, NULL, 0x1000, 0x2000));
	CHECK(!memblock_add(&mb, NULL, 0x3000, 0x4000));
	CHECK(!memblock_add(&mb, NULL, 0x5000, 0x5100));
	reserve(&mb, 0x1f00, 0x3100, QUIRE_RESERVE_OTHER);
	reserve(&mb, 0x4800, 0x6000, QUIRE_RESERVE_OTHER);
	CHECK(memblock_free_next(&mb, &cursor, &start, &end) && start == 0x1000 && end == 0x1f00);
	CHECK(memblock_free_next(&mb, &cursor, &start, &end) && start == 0x3100 && end == 0x4000);
	CHECK(!memblock_free_next(&mb, &cursor, &start, &end));
	CHECK(!memblock_free_next(&mb, &cursor, &start, &end)); /* and stays at the end */
	CHECK(!memblock_alloc(&mb, NULL, &req, QUIRE_RESERVE_ALLOC, &at) && at == 0x3f80);
	req.max = 0x3000;
	CHECK(!memblock_alloc(&mb, NULL, &req, QUIRE_RESERVE_ALLOC, &at) && at == 0x1e80);
	req.bottom_up = true;
	req.align = 0x100;
	req.min = 0x1001;
	CHECK(!memblock_alloc(&mb, NULL, &req, QUIRE_RESERVE_ALLOC, &at) && at == 0x1100);
	memblock_destroy(&mb, NULL);
}

/* A scenario whose lists grow twice; the host's allocation number @fail_at fails. */
static void sweep_once(uint64_t fail_at, bool *reached)
{
	static char before[1 << 16], after[1 << 16];
	struct quire_hosted host = { .fail_at = fail_at };
	struct memblock mb = { 0 };
	int failed = 0;

	for (uint64_t i = 0; i < 200; i++) {
		struct quire_range range = { i * 0x100, i * 0x100 + 0x80, QUIRE_RESERVE_KERNEL };
		struct quire_memblock_request req = { .bytes = 8, .align = 8 };
		uint64_t at;

		for (int op = 0; op < 3; op++) {
			int error;

			draw(&mb, before, sizeof(before));
			error = op == 0   ? memblock_add(&mb, &host, range.start, range.end)
				: op == 1 ? memblock_reserve(&mb, &host, &range)
					  : memblock_free(&mb, &host, range.start + 0x20,
							  range.end - 0x20);
			if (op == 2 && !error)
				error = memblock_alloc(&mb, &host, &req, QUIRE_RESERVE_ALLOC, &at);
			if (!error)
				continue;
			failed++;
			CHECK_EQ(error, -QUIRE_ENOMEM);
			draw(&mb, after, sizeof(after));
			if (op < 2)
				CHECK_STR(after, before);
			op--; /* the host has memory again: the same call works now */
		}
	}
	*reached = host.nr_allocs >= fail_at;
	CHECK_EQ(failed, *reached ? 1 : 0);
	CHECK(memblock_check(&mb, &(struct quire_violation){ 0 }));
	memblock_destroy(&mb, &host);
	CHECK_EQ(host.live_bytes, 0);
}

TEST(every_allocation_fails_once)
{
	bool reached = true;
	uint64_t n = 0;

	while (reached && n < 100)
		sweep_once(++n, &reached);
	CHECK(n > 6 && n < 100);
}

/* What undoes the last change needs no memory, even where the list is full to the brim. */
TEST(taking_back_can_not_fail)
{
	struct quire_hosted host = { 0 };
	struct memblock mb = { 0 };
	struct quire_range range = { 0x80, 0x100, QUIRE_RESERVE_OTHER };

	for (uint64_t i = 0; !i || mb.reserved.nr < mb.reserved.capacity; i++)
		CHECK(!memblock_reserve(
			&mb, &host,
			&(struct quire_range){ i * 0x100, i * 0x100 + 0x80, QUIRE_RESERVE_OTHER }));
	CHECK(!memblock_reserve(&mb, &host, &range)); /* joins three into one */
	host.fail_at = host.nr_allocs + 1;
	CHECK(!memblock_free(&mb, &host, range.start, range.end));
	CHECK_EQ(mb.reserved.nr, mb.reserved.capacity);
	range = (struct quire_range){ 0x20, 0x40, QUIRE_RESERVE_KERNEL };
	CHECK_EQ(memblock_reserve(&mb, &host, &range), -QUIRE_ENOMEM);
	CHECK(!memblock_reserve(&mb, &host, &range));
	memblock_destroy(&mb, &host);
	CHECK_EQ(host.live_bytes, 0);
}

static struct quire *machine(enum quire_machine kind)
{
	struct quire_config config;
	struct quire *q = NULL;

	quire_config_init(&config, kind);
	config.frames_outside = true;
	CHECK_EQ(quire_create(&config, &q), 0);
	return q;
}

TEST(wrong_calls)
{
	struct quire *q = machine(QUIRE_I386);
	struct quire_memblock_request req = { .bytes = 0 };
	quire_phys_t at = quire_phys(7);
	struct quire_range range;

	CHECK_EQ(quire_memblock_add(q, quire_phys(5), quire_phys(5)), -QUIRE_EINVAL);
	CHECK_EQ(quire_memblock_add(q, quire_phys(5), quire_phys(4)), -QUIRE_EINVAL);
	CHECK_EQ(quire_memblock_add(q, quire_phys(0), quire_phys(0x100000001)), -QUIRE_EINVAL);
	CHECK_EQ(quire_memblock_remove(q, quire_phys(5), quire_phys(5)), -QUIRE_EINVAL);
	CHECK_EQ(quire_memblock_free(q, quire_phys(5), quire_phys(5)), -QUIRE_EINVAL);
	CHECK_EQ(quire_memblock_reserve(q, quire_phys(5), quire_phys(5), QUIRE_RESERVE_OTHER),
		 -QUIRE_EINVAL);
	CHECK_EQ(quire_memblock_reserve(q, quire_phys(5), quire_phys(9), (enum quire_reserve)5),
		 -QUIRE_EINVAL);
	CHECK_EQ(quire_memblock_alloc(q, &req, &at), -QUIRE_EINVAL);
	req.bytes = 64;
	CHECK_EQ(quire_memblock_alloc(q, &req, &at), -QUIRE_ENOSPC);
	req.align = 48;
	CHECK_EQ(quire_memblock_alloc(q, &req, &at), -QUIRE_EINVAL);
	CHECK_EQ(at.v, 7);
	for (int list = QUIRE_MEMBLOCK_MEMORY; list <= QUIRE_MEMBLOCK_FREE; list++)
		CHECK(!quire_memblock_get(q, (enum quire_memblock_list)list, 0, &range));
	quire_destroy(q);
}

TEST(closed_after_zones)
{
	struct quire *q = machine(QUIRE_I386);
	struct quire_memblock_request req = { .bytes = 64 };
	struct quire_map_entry entry = { 0, 0x1000, QUIRE_MAP_USABLE };
	quire_phys_t a = quire_phys(0x400000), b = quire_phys(0x500000), at;
	struct quire_range range;

	CHECK_EQ(quire_memblock_add(q, quire_phys(0x100000), quire_phys(0x2000000)), 0);
	CHECK_EQ(quire_memblock_reserve(q, a, b, QUIRE_RESERVE_KERNEL), 0);
	CHECK_EQ(quire_memblock_alloc(q, &req, &at), 0);
	CHECK_EQ(at.v, 0x2000000 - 64);
	CHECK_EQ(quire_boot_zones(q), 0);
	CHECK_EQ(quire_memblock_add(q, a, b), -QUIRE_EBUSY);
	CHECK_EQ(quire_memblock_remove(q, a, b), -QUIRE_EBUSY);
	CHECK_EQ(quire_memblock_reserve(q, a, b, QUIRE_RESERVE_OTHER), -QUIRE_EBUSY);
	CHECK_EQ(quire_memblock_free(q, a, b), -QUIRE_EBUSY);
	CHECK_EQ(quire_memblock_alloc(q, &req, &at), -QUIRE_EBUSY);
	CHECK_EQ(quire_boot_map(q, &entry, 1), -QUIRE_EBUSY);
	/* The lists stay readable. */
	CHECK(quire_memblock_get(q, QUIRE_MEMBLOCK_RESERVED, 0, &range));
	CHECK(range.start == a.v && range.end == b.v && range.what == QUIRE_RESERVE_KERNEL);
	CHECK(quire_memblock_get(q, QUIRE_MEMBLOCK_RESERVED, 1, &range));
	CHECK(range.end == 0x2000000 && range.what == QUIRE_RESERVE_ALLOC);
	CHECK(!quire_memblock_get(q, QUIRE_MEMBLOCK_RESERVED, 2, &range));
	CHECK(quire_memblock_get(q, QUIRE_MEMBLOCK_FREE, 1, &range) && range.start == b.v);
	CHECK(!quire_memblock_get(q, QUIRE_MEMBLOCK_FREE, 2, &range));
	CHECK(quire_check(q, NULL));
	quire_destroy(q);
}

/* Each rule of memblock_check, broken on purpose. */
TEST(check_names_the_rule)
{
	struct quire_range ranges[4] = { { 10, 20, 0 }, { 30, 40, 0 }, { 40, 50, 1 } };
	struct memblock mb = { .reserved = { ranges, 3, 4 } };
	struct quire_violation broken = { 0 };

	CHECK(memblock_check(&mb, &broken));
	ranges[1].end = 30;
	CHECK(!memblock_check(&mb, &broken) && !strcmp(broken.rule, "BOOT-1"));
	CHECK_EQ(broken.where, 30);
	ranges[1] = (struct quire_range){ 19, 40, 0 };
	CHECK(!memblock_check(&mb, &broken) && !strcmp(broken.rule, "BOOT-2"));
	ranges[1] = (struct quire_range){ 30, 40, 1 };
	CHECK(!memblock_check(&mb, &broken) && !strcmp(broken.rule, "BOOT-3"));
	mb.reserved.nr = 5;
	CHECK(!memblock_check(&mb, &broken) && !strcmp(broken.rule, "BOOT-4"));
}

TEST_MAIN(CASE(random_operations), CASE(joining), CASE(free_across_gaps),
	  CASE(every_allocation_fails_once), CASE(taking_back_can_not_fail), CASE(wrong_calls),
	  CASE(closed_after_zones), CASE(check_names_the_rule))
