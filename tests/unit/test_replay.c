/* SPDX-License-Identifier: MIT */
/*
 * test_replay.c - replays: what each event counts as, against a naive model too
 */
#include <quire/boot.h>
#include <quire/error.h>
#include <quire/page.h>

#include "hosted.h"
#include "replay.h"

#include "../test.h"

struct bench {
	struct quire_hosted host;
	struct quire *q;
	struct lab_replay *replay;
	const struct lab_replay_counts *c;
	uint64_t free_at_start;
};

static unsigned cpu_now;

static void set_cpu(void *ctx, unsigned cpu)
{
	(void)ctx;
	cpu_now = cpu;
	quire_hosted_cpu(cpu);
}

static uint64_t nr_free(struct quire *q)
{
	struct quire_zone_stat stat;
	uint64_t n = 0;

	quire_page_drain(q);
	for (enum quire_zone zone = 0; zone < QUIRE_NR_ZONES; zone++) {
		quire_zone_stat(q, zone, &stat);
		n += stat.free;
	}
	return n;
}

static void begin(struct bench *b, uint64_t bytes)
{
	struct quire_map_entry map = { 0, bytes, QUIRE_MAP_USABLE };
	struct lab_replay_host host = { .set_cpu = set_cpu };
	struct quire_config config;

	memset(b, 0, sizeof(*b));
	quire_config_init(&config, QUIRE_X86_64);
	config.host = &b->host;
	config.nr_cpus = 2;
	config.frames_outside = true;
	CHECK_EQ(quire_create(&config, &b->q), 0);
	CHECK_EQ(quire_boot_map(b->q, &map, 1), 0);
	CHECK_EQ(quire_boot_zones(b->q), 0);
	b->free_at_start = nr_free(b->q);
	CHECK_EQ(lab_replay_create(b->q, &host, &b->replay), 0);
	b->c = lab_replay_counts(b->replay);
}

/* Give all back; nothing may be missing. */
static void end(struct bench *b)
{
	struct quire_violation broken;

	CHECK(quire_check(b->q, &broken));
	CHECK_EQ(lab_replay_release(b->replay), 0);
	CHECK(quire_check(b->q, &broken));
	CHECK_EQ(nr_free(b->q), b->free_at_start);
	lab_replay_destroy(b->replay);
	quire_destroy(b->q);
	quire_hosted_release(&b->host);
	CHECK_EQ(b->host.live_bytes, 0);
	quire_hosted_cpu(0);
}

static struct lab_event event(enum lab_event_kind kind, uint64_t pfn, unsigned order)
{
	struct lab_event ev = { .kind = kind, .pfn = { pfn }, .order = order };

	if (kind == LAB_PAGE_ALLOC)
		ev.gfp = QUIRE_GFP_KERNEL;
	return ev;
}

static void play(struct bench *b, enum lab_event_kind kind, uint64_t pfn, unsigned order)
{
	struct lab_event ev = event(kind, pfn, order);

	CHECK_EQ(lab_replay_event(b->replay, &ev), 0);
}

#define ALLOC(pfn, order) play(&b, LAB_PAGE_ALLOC, pfn, order)
#define FREE(pfn, order) play(&b, LAB_PAGE_FREE, pfn, order)
#define BATCHED(pfn) play(&b, LAB_PAGE_FREE_BATCHED, pfn, 0)

TEST(alloc_and_free)
{
	struct bench b;

	begin(&b, 32 << 20);
	ALLOC(100, 0);
	ALLOC(0x123400000, 10); /* beyond this machine's memory: only a name */
	CHECK_EQ(b.c->live_frames, 1025);
	CHECK_EQ(b.free_at_start - nr_free(b.q), 1025);
	FREE(100, 0);
	ALLOC(104, 2);
	CHECK_EQ(b.c->peak_frames, 1028);
	FREE(0x123400000, 10);
	CHECK_EQ(b.c->allocs, 3);
	CHECK_EQ(b.c->frees, 2);
	CHECK_EQ(b.c->unknown_frees, 0);
	CHECK_EQ(b.c->live_frames, 4);
	CHECK_EQ(b.c->peak_frames, 1028);
	CHECK_EQ(b.c->requests[10][QUIRE_MIGRATE_UNMOVABLE], 1);
	CHECK_EQ(b.free_at_start - nr_free(b.q), 4);
	end(&b);
}

/* An event at a time; which it is does not matter. */
static void at_time(struct bench *b, uint64_t ns)
{
	struct lab_event ev = event(LAB_PAGE_FREE, 9, 0);

	ev.time_ns = ns;
	CHECK_EQ(lab_replay_event(b->replay, &ev), 0);
}

TEST(times_in_any_order)
{
	static const uint64_t times[][3] = {
		{ 1000, 1100, 500 }, { 0, 700, 300 }, { 5, 0, 2 }, { UINT64_MAX, 0, 1 },
	};
	static const uint64_t least[] = { 500, 0, 0, 0 }, most[] = { 1100, 700, 5, UINT64_MAX };

	for (unsigned i = 0; i < 4; i++) {
		struct bench b;

		begin(&b, 32 << 20);
		CHECK_EQ(b.c->first_ns, 0);
		CHECK_EQ(b.c->last_ns, 0);
		for (unsigned k = 0; k < 3; k++)
			at_time(&b, times[i][k]);
		CHECK_EQ(b.c->first_ns, least[i]);
		CHECK_EQ(b.c->last_ns, most[i]);
		end(&b);
	}
}

TEST(unknown_frees_and_echoes)
{
	struct bench b;

	begin(&b, 32 << 20);
	FREE(5, 0);
	BATCHED(5); /* the same free */
	BATCHED(5); /* another one, of which the other event is missing */
	FREE(5, 0); /* echoes the one before, as old kernels print it */
	CHECK_EQ(b.c->unknown_frees, 2);
	CHECK_EQ(b.c->echoes, 2);

	ALLOC(7, 0);
	BATCHED(7); /* a recording without mm_page_free */
	CHECK_EQ(b.c->frees, 1);
	ALLOC(7, 0);
	FREE(7, 0);
	ALLOC(7, 0); /* again in use: the next free is a free */
	BATCHED(7);
	CHECK_EQ(b.c->frees, 3);
	CHECK_EQ(b.c->echoes, 2);

	/* What was freed inside of a block before it was allocated is forgotten. */
	FREE(9, 0);
	ALLOC(8, 1);
	BATCHED(9);
	CHECK_EQ(b.c->echoes, 2);
	CHECK_EQ(b.c->frees, 4);
	CHECK_EQ(b.c->split_frees, 1);
	end(&b);
}

TEST(parts_of_blocks)
{
	struct bench b;

	begin(&b, 32 << 20);
	ALLOC(64, 3);
	FREE(66, 1); /* split, and two of its frames freed */
	CHECK_EQ(b.c->split_frees, 1);
	CHECK_EQ(b.c->live_frames, 6);
	FREE(64, 0);
	CHECK_EQ(b.c->split_frees, 1);
	CHECK_EQ(b.c->live_frames, 5);
	FREE(64, 3); /* the other five with one event */
	CHECK_EQ(b.c->joined_frees, 1);
	CHECK_EQ(b.c->live_frames, 0);
	CHECK_EQ(b.c->frees, 3);
	FREE(64, 3);
	CHECK_EQ(b.c->unknown_frees, 1);
	CHECK_EQ(nr_free(b.q), b.free_at_start);
	end(&b);
}

TEST(missing_frees)
{
	struct bench b;

	begin(&b, 32 << 20);
	ALLOC(64, 0);
	ALLOC(64, 0);
	CHECK_EQ(b.c->lost_frees, 1);
	ALLOC(65, 0);
	ALLOC(64, 3); /* over both */
	CHECK_EQ(b.c->lost_frees, 3);
	CHECK_EQ(b.c->live_frames, 8);
	ALLOC(70, 0); /* inside of the block */
	CHECK_EQ(b.c->lost_frees, 4);
	CHECK_EQ(b.c->live_frames, 1);
	end(&b);
}

TEST(refused_and_recorded_failures)
{
	struct bench b;
	uint64_t pfn = 0x100000;

	begin(&b, 32 << 20);
	while (!b.c->failed)
		ALLOC(pfn += 1024, 10);
	CHECK_EQ(b.c->refused[10][QUIRE_MIGRATE_UNMOVABLE], 1);
	uint64_t reasons = 0;
	for (unsigned zone = 0; zone < QUIRE_NR_ZONES; zone++) {
		CHECK_EQ(b.c->reasons[zone][QUIRE_REFUSAL_NONE], 0);
		for (unsigned i = 0; i < LAB_REPLAY_REFUSALS; i++)
			reasons += b.c->reasons[zone][i];
	}
	CHECK(reasons >= 2);
	FREE(pfn, 10);
	CHECK_EQ(b.c->failed_frees, 1);
	CHECK_EQ(b.c->unknown_frees, 0);

	uint64_t failed = b.c->failed;
	ALLOC(pfn, 10);
	CHECK_EQ(b.c->failed, failed + 1);
	FREE(pfn + 512, 9);
	CHECK_EQ(b.c->failed_frees, 2);
	CHECK_EQ(b.c->split_frees, 1);

	struct lab_event ev = event(LAB_PAGE_ALLOC, 0, 4);
	ev.null = true;
	CHECK_EQ(lab_replay_event(b.replay, &ev), 0);
	CHECK_EQ(b.c->recorded_failures, 1);
	CHECK_EQ(b.c->requests[4][QUIRE_MIGRATE_UNMOVABLE], 0);

	ev = event(LAB_PAGE_ALLOC, 3, 0);
	ev.gfp = QUIRE_GFP_BIT_MOVABLE | QUIRE_GFP_BIT_RECLAIMABLE;
	CHECK_EQ(lab_replay_event(b.replay, &ev), 0);
	CHECK_EQ(b.c->contradictory, 1);
	end(&b);
}

TEST(cpus_and_other_events)
{
	struct bench b;
	char name[20];

	begin(&b, 32 << 20);
	struct lab_event ev = event(LAB_PAGE_ALLOC, 1, 0);
	ev.cpu = 1;
	CHECK_EQ(lab_replay_event(b.replay, &ev), 0);
	CHECK_EQ(cpu_now, 1);
	CHECK_EQ(b.c->folded_cpus, 0);
	ev = event(LAB_PAGE_FREE, 1, 0);
	ev.cpu = 2;
	CHECK_EQ(lab_replay_event(b.replay, &ev), 0);
	CHECK_EQ(cpu_now, 0);
	CHECK_EQ(b.c->folded_cpus, 1);

	ev = event(LAB_EVENT_LOST, 0, 0);
	ev.lost = 12;
	CHECK_EQ(lab_replay_event(b.replay, &ev), 0);
	CHECK_EQ(b.c->lost_events, 12);

	for (int i = 0; i < LAB_REPLAY_NAMES + 5; i++) {
		ev = event(LAB_EVENT_OTHER, 0, 0);
		snprintf(name, sizeof(name), "event%d", i);
		ev.name = name;
		ev.name_length = strlen(name);
		CHECK_EQ(lab_replay_event(b.replay, &ev), 0);
		CHECK_EQ(lab_replay_event(b.replay, &ev), 0);
	}
	CHECK_EQ(b.c->nr_names, LAB_REPLAY_NAMES);
	CHECK_STR(b.c->names[11].name, "event11");
	CHECK_EQ(b.c->names[11].count, 2);
	CHECK_EQ(b.c->further_names, 10);
	CHECK_EQ(b.c->events[LAB_EVENT_OTHER], 2 * LAB_REPLAY_NAMES + 10);
	end(&b);
}

/*
 * The naive model: for each frame the block that it is part of, and for the echoes
 * which of the two events freed it last.
 */
#define MODEL_FRAMES 4096

struct model {
	uint32_t block[MODEL_FRAMES]; /* number of the alloc; 0: not in use */
	int freed[MODEL_FRAMES];      /* kind of event that freed the block starting there */
	uint32_t nr_blocks;
	uint64_t allocs, lost, frees, unknown, echoes, split, joined, live, peak;
};

static uint64_t model_free_block(struct model *m, uint32_t block)
{
	uint64_t n = 0;

	for (int i = 0; i < MODEL_FRAMES; i++) {
		if (m->block[i] == block)
			m->block[i] = 0, n++;
	}
	return n;
}

static void model_alloc(struct model *m, unsigned pfn, unsigned order)
{
	m->nr_blocks++;
	for (unsigned i = pfn; i < pfn + (1u << order); i++) {
		if (m->block[i] && m->block[i] != m->nr_blocks) {
			m->live -= model_free_block(m, m->block[i]);
			m->lost++;
		}
		m->block[i] = m->nr_blocks;
		m->freed[i] = 0;
	}
	m->allocs++;
	m->live += 1u << order;
	m->peak = m->live > m->peak ? m->live : m->peak;
}

static void model_free(struct model *m, int kind, unsigned pfn, unsigned order)
{
	uint32_t head = m->block[pfn];
	unsigned size = 0, nr = 0;

	if (m->freed[pfn] && m->freed[pfn] != kind) {
		m->echoes++;
		m->freed[pfn] = 0;
		return;
	}
	for (unsigned i = 0; head && i < MODEL_FRAMES; i++)
		size += m->block[i] == head;
	bool split = size > 1u << order;
	for (unsigned i = 0; split && i < MODEL_FRAMES; i++) {
		if (m->block[i] == head)
			m->block[i] = ++m->nr_blocks;
	}
	for (unsigned i = pfn; i < pfn + (1u << order); i++) {
		m->freed[i] = 0;
		if (m->block[i]) {
			m->live -= model_free_block(m, m->block[i]);
			nr++;
		}
	}
	m->frees += nr > 0;
	m->unknown += !nr;
	m->split += split;
	m->joined += !split && nr > 1;
	m->freed[pfn] = kind;
}

TEST(against_a_naive_model)
{
	static struct model m;
	struct bench b;
	uint64_t seed = 42;

	memset(&m, 0, sizeof(m));
	begin(&b, 64 << 20);
	for (int round = 0; round < 60000; round++) {
		unsigned order = test_random(&seed) % 8 ? test_random(&seed) % 3
						       : test_random(&seed) % 11;
		unsigned pfn = (unsigned)(test_random(&seed) % MODEL_FRAMES) >> order << order;
		unsigned dice = test_random(&seed) % 8;
		if (dice < 4) {
			model_alloc(&m, pfn, order);
			ALLOC(pfn, order);
		} else if (dice < 6) {
			model_free(&m, LAB_PAGE_FREE, pfn, order);
			FREE(pfn, order);
		} else {
			model_free(&m, LAB_PAGE_FREE_BATCHED, pfn, 0);
			BATCHED(pfn);
		}
		if (b.c->live_frames != m.live || b.c->lost_frees != m.lost) {
			printf("seed 42 round %d\n", round);
			CHECK_EQ(b.c->live_frames, m.live);
			CHECK_EQ(b.c->lost_frees, m.lost);
			break;
		}
	}
	CHECK_EQ(b.c->failed, 0);
	CHECK_EQ(b.c->allocs, m.allocs);
	CHECK_EQ(b.c->frees, m.frees);
	CHECK_EQ(b.c->unknown_frees, m.unknown);
	CHECK_EQ(b.c->echoes, m.echoes);
	CHECK_EQ(b.c->split_frees, m.split);
	CHECK_EQ(b.c->joined_frees, m.joined);
	CHECK_EQ(b.c->peak_frames, m.peak);
	CHECK(m.echoes > 100 && m.lost > 100 && m.split > 100 && m.joined > 100);
	end(&b);
}

/* One workload that makes the table grow, on a machine that becomes too small for it. */
static struct lab_event sweep_event(uint64_t *seed)
{
	unsigned order = test_random(seed) % 16 ? 0 : test_random(seed) % 10;
	uint64_t pfn = test_random(seed) % 20000 >> order << order;
	unsigned dice = test_random(seed) % 8;

	return event(dice < 5   ? LAB_PAGE_ALLOC
		     : dice < 7 ? LAB_PAGE_FREE
				: LAB_PAGE_FREE_BATCHED,
		     pfn, dice < 7 ? order : 0);
}

/* Fails the allocation number @fail after the start; returns whether there was one. */
static bool sweep(uint64_t fail, uint64_t *hash)
{
	static struct lab_replay_counts before;
	struct bench b;
	uint64_t seed = 7;
	bool failed = false;

	begin(&b, 40 << 20);
	b.host.fail_at = fail ? b.host.nr_allocs + fail : 0;
	for (int i = 0; i < 20000; i++) {
		struct lab_event ev = sweep_event(&seed);
		before = *b.c;
		int err = lab_replay_event(b.replay, &ev);
		if (err) {
			failed = true;
			CHECK_EQ(err, -QUIRE_ENOMEM);
			CHECK(memcmp(&before, b.c, sizeof(before)) == 0);
			CHECK_EQ(lab_replay_event(b.replay, &ev), 0);
		}
	}
	CHECK(b.c->failed > 0);
	*hash = quire_hash(b.q);
	end(&b);
	return failed;
}

TEST(each_allocation_fails_once)
{
	uint64_t whole, hash, n = 1;

	CHECK(!sweep(0, &whole));
	while (sweep(n, &hash)) {
		CHECK(hash == whole);
		n++;
	}
	CHECK(n > 4);
}

TEST(create_without_memory)
{
	struct lab_replay_host none = { 0 };
	struct lab_replay *r = NULL;
	struct bench b;

	begin(&b, 8 << 20);
	b.host.fail_at = b.host.nr_allocs + 1;
	CHECK_EQ(lab_replay_create(b.q, &none, &r), -QUIRE_ENOMEM);
	CHECK(!r);
	lab_replay_destroy(NULL);
	end(&b);
}

TEST_MAIN(CASE(alloc_and_free), CASE(times_in_any_order),
	  CASE(unknown_frees_and_echoes), CASE(parts_of_blocks),
	  CASE(missing_frees), CASE(refused_and_recorded_failures), CASE(cpus_and_other_events),
	  CASE(against_a_naive_model), CASE(each_allocation_fails_once),
	  CASE(create_without_memory))
