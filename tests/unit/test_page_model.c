/* SPDX-License-Identifier: MIT */
/*
 * test_page_model.c - millions of random operations against a naive model
 *
 * The model is an array with the owner of each frame and a list of the blocks in use. An operation
 * is a function of the seed and its number alone, so that any choice of
 * them can be run again: a sequence that fails is shrunk by leaving out parts
 * (Zeller's delta debugging) and printed. Each run is a process of its own; an assertion, a
 * crash or an endless loop is a failure like any other.
 *
 *   test_page_model            10^7 operations; fewer where test.h says so
 *   QUIRE_LONG=1 test_page_model        fifty times as many
 *   QUIRE_SEED=n test_page_model        from another seed
 */
#include "rig.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <quire/error.h>

#define SLOWNESS (TEST_SANITIZED ? 10 : 1)

#define FRAMES_MAX 20480
#define ROUND 125000 /* operations from one boot */
#define CPUS 3
#define SHRINK_RUNS 600

/** struct setup - a machine to test on */
struct setup {
	const char *name;
	enum quire_machine machine;
	uint64_t bytes, lowmem, movable;
	unsigned cpus;
	bool no_pcp;
	unsigned rounds, check_every;
};

/* Together 10^7 operations: 80 rounds. */
static const struct setup setups[] = {
	{ "2 MB", QUIRE_X86_64, MB(2), 0, 0, 1, false, 16, 50 },
	{ "2 MB, i386", QUIRE_I386, MB(2), 0, 0, 2, true, 8, 50 },
	{ "64 MB", QUIRE_X86_64, MB(64), 0, 0, CPUS, false, 22, 1000 },
	{ "64 MB, no per-cpu lists", QUIRE_X86_64, MB(64), 0, 0, CPUS, true, 14, 1000 },
	{ "80 MB, four zones", QUIRE_I386_PAE, MB(80), 0x1bfe000, MB(24), 2, false, 10, 1000 },
	{ "40 MB, large pageblocks", QUIRE_I386, MB(40), 0x1bfe000, 0, 2, false, 10, 1000 },
};

/** struct used - a block that the model holds */
struct used {
	struct quire_page *page;
	uint32_t pfn, refs;
	uint8_t order;
};

static struct rig rig;
static const struct setup *setup;
static struct used used[FRAMES_MAX];
static uint32_t nr_used;
static uint32_t owner[FRAMES_MAX]; /* index in used + 1; 0: free */
static bool managed[FRAMES_MAX];
static uint8_t zone_of[FRAMES_MAX];
static uint8_t fixed_type[FRAMES_MAX >> 9]; /* CMA or ISOLATE, 0: any other */
static uint64_t live[QUIRE_NR_ZONES], allocs, frees;

/** struct result - where a run, which is a process of its own, says how it went */
static struct result {
	uint32_t at; /* number of the operation that it is at */
	char why[200];
} * result;

/* clang-format off */
#define EXPECT(cond)                                                              \
	do {                                                                      \
		if (!(cond)) {                                                    \
			snprintf(result->why, sizeof(result->why), "line %d: %.160s", \
				 __LINE__, #cond);                                \
			_exit(1);                                                 \
		}                                                                 \
	} while (0)
/* clang-format on */

static uint64_t nr_frames(void)
{
	return setup->bytes >> 12;
}

/* A block was allocated: it is whole, aligned, allowed and nobody else's. */
static void model_add(struct quire_page *page, unsigned order, quire_gfp_t gfp)
{
	uint64_t pfn = rig_pfn(&rig, page);

	EXPECT(pfn + (1u << order) <= nr_frames() && !(pfn & ((1u << order) - 1)));
	EXPECT(quire_page_order(page) == order && quire_page_count(page) == 1);
	EXPECT(quire_page_private(page) == 0);
	used[nr_used] = (struct used){ page, (uint32_t)pfn, 1, (uint8_t)order };
	quire_page_set_private(page, nr_used + 1);
	nr_used++;
	for (uint64_t n = pfn; n < pfn + (1u << order); n++) {
		EXPECT(managed[n] && !owner[n]);
		owner[n] = nr_used;
		EXPECT(zone_of[n] == zone_of[pfn]);
		EXPECT(fixed_type[n >> 9] != QUIRE_MIGRATE_ISOLATE);
		EXPECT(fixed_type[n >> 9] != QUIRE_MIGRATE_CMA || (gfp & QUIRE_GFP_BIT_MOVABLE));
	}
	EXPECT(quire_page_zone(rig.q, page) == zone_of[pfn]);
	if (gfp & QUIRE_GFP_DMA)
		EXPECT(zone_of[pfn] == QUIRE_ZONE_DMA);
	if (!(gfp & QUIRE_GFP_BIT_HIGHMEM))
		EXPECT(zone_of[pfn] <= QUIRE_ZONE_NORMAL);
	if (zone_of[pfn] == QUIRE_ZONE_MOVABLE)
		EXPECT((gfp & QUIRE_GFP_BIT_MOVABLE) && (gfp & QUIRE_GFP_BIT_HIGHMEM));
	live[zone_of[pfn]] += 1u << order;
	allocs += 1u << order;
}

/* The block with index @u was freed. */
static void model_remove(uint32_t u)
{
	uint32_t pfn = used[u].pfn, nr = 1u << used[u].order;

	live[zone_of[pfn]] -= nr;
	frees += nr;
	memset(owner + pfn, 0, nr * sizeof(*owner));
	used[u] = used[--nr_used];
	if (u == nr_used)
		return;
	for (uint32_t n = used[u].pfn; n < used[u].pfn + (1u << used[u].order); n++)
		owner[n] = u + 1;
	quire_page_set_private(used[u].page, u + 1);
}

static quire_gfp_t random_gfp(uint64_t r)
{
	static const quire_gfp_t zones[8] = {
		QUIRE_GFP_DMA,
		QUIRE_GFP_DMA32,
		QUIRE_GFP_BIT_HIGHMEM,
		QUIRE_GFP_BIT_HIGHMEM,
	};
	static const quire_gfp_t types[4] = { 0, QUIRE_GFP_BIT_MOVABLE, QUIRE_GFP_BIT_RECLAIMABLE,
					      QUIRE_GFP_BIT_MOVABLE };
	static const quire_gfp_t ways[8] = {
		QUIRE_GFP_KERNEL,
		QUIRE_GFP_KERNEL,
		QUIRE_GFP_KERNEL,
		QUIRE_GFP_ATOMIC,
		QUIRE_GFP_NOWAIT,
		QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_NORETRY,
		QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_MEMALLOC,
		QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_NOFAIL,
	};
	quire_gfp_t gfp = zones[r & 7] | types[r >> 3 & 3] | ways[r >> 5 & 7];

	if ((r >> 8 & 15) == 0)
		gfp |= QUIRE_GFP_BIT_COMP;
	if ((r >> 12 & 15) == 0)
		gfp |= QUIRE_GFP_ZERO;
	return gfp;
}

/* Is there an aligned run of 2^@order free frames of that zone which @gfp may have? */
static bool model_has_run(unsigned zone, quire_gfp_t gfp, unsigned order)
{
	bool movable = gfp & QUIRE_GFP_BIT_MOVABLE;

	for (uint64_t first = 0; first < nr_frames(); first += 1u << order) {
		uint64_t n = first, end = first + (1u << order);

		for (; n < end && n < nr_frames() && managed[n] && !owner[n] && zone_of[n] == zone;
		     n++) {
			if (fixed_type[n >> 9] == QUIRE_MIGRATE_ISOLATE ||
			    (fixed_type[n >> 9] == QUIRE_MIGRATE_CMA && !movable) ||
			    fixed_type[n >> 9] != fixed_type[first >> 9])
				break; /* CMA and others don't merge */
		}
		if (n == end)
			return true;
	}
	return false;
}

/*
 * A request was refused: all lists have been drained, and the
 * explanation names a reason for each zone that the model sees too.
 */
static void model_refused(quire_gfp_t gfp, unsigned order)
{
	struct quire_explanation why;
	struct quire_zone_stat stat;

	quire_page_explain(rig.q, gfp, order, &why);
	EXPECT(!why.error && why.nr);
	for (unsigned i = 0; i < why.nr; i++) {
		const struct quire_zone_verdict *verdict = &why.zone[i];

		EXPECT(verdict->refusal != QUIRE_REFUSAL_NONE);
		quire_zone_stat(rig.q, verdict->zone, &stat);
		uint64_t free = stat.free - (gfp & QUIRE_GFP_BIT_MOVABLE ? 0 : stat.free_cma);

		if (verdict->refusal == QUIRE_REFUSAL_WATERMARK)
			EXPECT(verdict->free == free && free < verdict->need + (1u << order));
		else if (verdict->refusal != QUIRE_REFUSAL_EMPTY)
			EXPECT(!model_has_run(verdict->zone, gfp, order));
	}
}

static void op_alloc(uint64_t r)
{
	static const uint8_t orders[32] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1,  1,
					    2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7, 8, 9, 9, 10, 10 };
	unsigned order = orders[r >> 40 & 31];
	quire_gfp_t gfp = random_gfp(r);
	struct quire_page *page = quire_page_alloc(rig.q, gfp, order);

	if (page)
		model_add(page, order, gfp);
	else if ((r >> 50 & 7) == 0)
		model_refused(gfp, order);
}

static void op_free(uint64_t r)
{
	if (!nr_used)
		return;
	uint32_t u = (uint32_t)((r >> 20) % nr_used);
	struct used block = used[u];
	bool put = r >> 12 & 1;

	EXPECT(quire_page_private(block.page) == u + 1);
	EXPECT((put ? quire_page_put(rig.q, block.page)
		    : quire_page_free(rig.q, block.page, block.order)) == QUIRE_FREE_OK);
	if (--used[u].refs)
		EXPECT(quire_page_count(block.page) == used[u].refs);
	else
		model_remove(u);
}

static void op_get(uint64_t r)
{
	if (!nr_used)
		return;
	uint32_t u = (uint32_t)((r >> 20) % nr_used);

	EXPECT(quire_page_get(rig.q, used[u].page) == 0);
	EXPECT(quire_page_count(used[u].page) == ++used[u].refs);
}

static void op_bulk_alloc(uint64_t r)
{
	static struct quire_page *pages[512];
	quire_gfp_t gfp = random_gfp(r) & ~QUIRE_GFP_BIT_COMP;
	size_t nr = quire_page_alloc_bulk(rig.q, gfp, r >> 20 & 255, pages);

	EXPECT(nr <= (r >> 20 & 255));
	for (size_t i = 0; i < nr; i++)
		model_add(pages[i], 0, gfp);
}

static void op_bulk_free(uint64_t r)
{
	static struct quire_page *pages[256];
	size_t nr = 0, most = r >> 20 & 255, done;

	/* Neighbours in the list: often frames of one block, in order or not. */
	for (uint32_t i = 0; i < nr_used && nr < most; i++) {
		struct used *block = &used[((r >> 30) + i) % nr_used];

		if (block->order == 0 && block->refs == 1)
			pages[nr++] = block->page;
		if (i > 1000)
			break;
	}
	EXPECT(quire_page_free_bulk(rig.q, nr, pages, &done) == QUIRE_FREE_OK && done == nr);
	for (size_t i = 0; i < nr; i++) {
		EXPECT(quire_page_count(pages[i]) == 0);
		model_remove(owner[rig_pfn(&rig, pages[i])] - 1);
	}
}

static void op_split(uint64_t r)
{
	if (!nr_used)
		return;
	uint32_t u = (uint32_t)((r >> 20) % nr_used), pfn = used[u].pfn, order = used[u].order;

	if (used[u].refs > 1) {
		EXPECT(quire_page_split(rig.q, used[u].page) == -QUIRE_EBUSY);
		return;
	}
	EXPECT(quire_page_split(rig.q, used[u].page) == 0);
	used[u].order = 0;
	for (uint32_t n = pfn + 1; n < pfn + (1u << order); n++) {
		struct quire_page *page = quire_pfn_page(rig.q, quire_pfn(n));

		EXPECT(quire_page_count(page) == 1 && quire_page_order(page) == 0);
		used[nr_used] = (struct used){ page, n, 1, 0 };
		owner[n] = ++nr_used;
		quire_page_set_private(page, nr_used);
	}
}

static void op_exact(uint64_t r)
{
	size_t bytes = 1 + (r >> 20) % (r & 1 ? 100000 : 3000000), nr = (bytes + 4095) / 4096;
	quire_gfp_t gfp = random_gfp(r) & ~QUIRE_GFP_BIT_COMP;
	struct quire_page *page = quire_page_alloc_exact(rig.q, gfp, bytes);

	if (!page)
		return;
	uint64_t pfn = rig_pfn(&rig, page), whole = 1;

	while (whole < nr)
		whole *= 2;
	EXPECT(!(pfn & (whole - 1)));
	for (size_t n = 0; n < nr; n++)
		model_add(quire_pfn_page(rig.q, quire_pfn(pfn + n)), 0, gfp);
	allocs += whole - nr;
	frees += whole - nr;
	if (r >> 60 & 3)
		return;
	EXPECT(quire_page_free_exact(rig.q, page, bytes) == QUIRE_FREE_OK);
	for (size_t n = 0; n < nr; n++)
		model_remove(owner[pfn + n] - 1);
}

static void op_set_migrate(uint64_t r)
{
	uint64_t size = 1ull << quire_pageblock_order(rig.q);
	uint64_t first = (r >> 20) % (nr_frames() / size + 1) * size;
	enum quire_migrate type = (enum quire_migrate)(r % 8 < QUIRE_NR_MIGRATE ? r % 8 : r & 1);
	int error = quire_set_migrate(rig.q, quire_pfn(first), quire_pfn(first + size), type);

	/* Whether sections without memory are pageblocks is not the model's to say. */
	EXPECT(first + size > nr_frames() || !error);
	if (first + size > nr_frames() && !error)
		EXPECT(quire_set_migrate(rig.q, quire_pfn(first), quire_pfn(first + size),
					 QUIRE_MIGRATE_MOVABLE) == 0);
	for (uint64_t b = first >> 9; first + size <= nr_frames() && b < (first + size) >> 9; b++)
		fixed_type[b] = type >= QUIRE_MIGRATE_CMA ? (uint8_t)type : 0;
}

/* A free that is wrong is named. That it changes nothing shows in what comes after. */
static void op_wrong(uint64_t r)
{
	uint64_t pfn = (r >> 20) % nr_frames();
	struct quire_page *page = quire_pfn_page(rig.q, quire_pfn(pfn));
	unsigned order = r % (QUIRE_ORDER_MAX + 2);
	enum quire_free expected = QUIRE_FREE_OK;

	if (!page)
		return;
	const struct used *block = owner[pfn] ? &used[owner[pfn] - 1] : NULL;
	if (!managed[pfn])
		expected = QUIRE_FREE_RESERVED;
	else if (order > QUIRE_ORDER_MAX && (!block || pfn == block->pfn))
		expected = QUIRE_FREE_RANGE;
	else if (!block)
		expected = QUIRE_FREE_DOUBLE;
	else if (pfn != block->pfn)
		expected = QUIRE_FREE_INSIDE;
	else if (order != block->order)
		expected = QUIRE_FREE_ORDER;
	if (expected == QUIRE_FREE_OK)
		return;
	enum quire_free outcome = quire_page_free(rig.q, page, order);
	/* Of a tail with an order out of range, either fault may be named. */
	EXPECT(outcome == expected || (order > QUIRE_ORDER_MAX && outcome == QUIRE_FREE_RANGE));
}

static void operate(uint64_t seed, uint32_t number)
{
	uint64_t state = seed + number * 0x632be59bd9b4e019u;
	uint64_t kind = test_random(&state), r = test_random(&state);
	/* Phases of growing and of shrinking, so that memory runs out and comes back. */
	bool grow = (number >> 10) & 1;

	quire_hosted_cpu(kind >> 32 & 1 ? 0 : (unsigned)(kind >> 33) % setup->cpus);
	kind = kind % 1000;
	if (kind < 860)
		kind % 16 < (grow ? 10u : 6u) ? op_alloc(r) : op_free(r);
	else if (kind < 890)
		op_get(r);
	else if (kind < 910)
		op_bulk_alloc(r);
	else if (kind < (grow ? 925u : 945u))
		op_bulk_free(r);
	else if (kind < 955)
		op_split(r);
	else if (kind < 965)
		op_exact(r);
	else if (kind < 975)
		quire_page_drain(rig.q);
	else if (kind < 977)
		op_set_migrate(r);
	else
		op_wrong(r);
}

static void check_counts(uint64_t r)
{
	uint64_t isolated[QUIRE_NR_ZONES] = { 0 }, events[2] = { 0 };
	struct quire_violation broken;

	if (!quire_check(rig.q, &broken)) {
		snprintf(result->why, sizeof(result->why), "%s: %s: %" PRIu64, broken.rule,
			 broken.text, broken.where);
		_exit(1);
	}
	for (uint64_t n = 0; n < nr_frames(); n++)
		isolated[zone_of[n]] += managed[n] && !owner[n] &&
					fixed_type[n >> 9] == QUIRE_MIGRATE_ISOLATE;
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		struct quire_zone_stat stat = rig_stat(&rig, (enum quire_zone)z);

		EXPECT(stat.free + stat.pcp + isolated[z] + live[z] == stat.managed);
		events[0] += stat.events[QUIRE_EVENT_ALLOC];
		events[1] += stat.events[QUIRE_EVENT_FREE];
	}
	EXPECT(events[0] == allocs && events[1] == frees);
	for (int i = 0; i < 40; i++) {
		uint64_t pfn = test_random(&r) % nr_frames();
		struct quire_frame_info info = rig_frame(&rig, pfn);
		const struct used *block = owner[pfn] ? &used[owner[pfn] - 1] : NULL;

		if (!managed[pfn])
			EXPECT(info.state == QUIRE_FRAME_HOLE ||
			       info.state == QUIRE_FRAME_RESERVED);
		else if (block)
			EXPECT(info.state ==
				       (pfn == block->pfn ? QUIRE_FRAME_HEAD : QUIRE_FRAME_BODY) &&
			       info.first.v == block->pfn && info.order == block->order &&
			       info.count == block->refs);
		else
			EXPECT(info.state == QUIRE_FRAME_FREE || info.state == QUIRE_FRAME_PCP);
	}
}

/* A machine of the setup with a hole and a reservation; the model starts from its frames. */
static void begin(void)
{
	struct quire_config config = rig_config(setup->machine);
	uint64_t hole = MB(1) + 0x5000;

	config.nr_cpus = setup->cpus;
	config.no_pcp = setup->no_pcp;
	config.lowmem_bytes = setup->lowmem;
	config.movable_bytes = setup->movable;
	config.min_free_kbytes = setup->bytes < MB(4) ? 32 : 0;
	EXPECT(rig_create(&rig, &config));
	EXPECT(!quire_memblock_add(rig.q, quire_phys(0), quire_phys(setup->bytes)));
	EXPECT(!quire_memblock_remove(rig.q, quire_phys(hole), quire_phys(hole + 0x13000)));
	EXPECT(!quire_memblock_reserve(rig.q, quire_phys(0x9000), quire_phys(0x11000),
				       QUIRE_RESERVE_KERNEL));
	EXPECT(!quire_boot_zones(rig.q));
	for (uint64_t pfn = 0; pfn < nr_frames(); pfn++) {
		struct quire_frame_info info = rig_frame(&rig, pfn);

		managed[pfn] = info.state == QUIRE_FRAME_FREE;
		zone_of[pfn] = (uint8_t)info.zone;
	}
}

/* Give all back: the machine is as large and as whole as at first. */
static void end(void)
{
	while (nr_used) {
		struct used block = used[nr_used - 1];

		for (uint32_t n = 0; n < block.refs; n++)
			EXPECT(quire_page_free(rig.q, block.page, block.order) == QUIRE_FREE_OK);
		model_remove(nr_used - 1);
	}
	check_counts(1);
	quire_destroy(rig.q);
	EXPECT(rig.host.live_bytes == 0);
}

/** struct sequence - the operations of a run */
struct sequence {
	uint64_t seed;
	uint32_t *number; /* which; NULL: 0, 1, 2, … */
	uint32_t nr;
	uint32_t check_every;
};

static void carry_out(const struct sequence *seq)
{
	begin();
	for (uint32_t i = 0; i < seq->nr; i++) {
		result->at = seq->number ? seq->number[i] : i;
		operate(seq->seed, result->at);
		if ((i + 1) % seq->check_every == 0)
			check_counts(seq->seed + i);
	}
	end();
	_exit(0);
}

/* Return: true if all went well; result says what did not */
static bool run(const struct sequence *seq, bool quiet)
{
	int status = 0;

	fflush(stdout);
	*result = (struct result){ 0 };
	pid_t child = fork();

	if (!child) {
		if (quiet && !freopen("/dev/null", "w", stderr))
			_exit(1);
		alarm(120 * (SLOWNESS > 1 ? 3 : 1));
		carry_out(seq);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return false;
	if (status && !result->why[0])
		snprintf(result->why, sizeof(result->why), "ended by signal %d", WTERMSIG(status));
	return !status;
}

/* Leave out parts, halves at first, as long as what is left still fails. */
static void shrink(struct sequence *seq)
{
	uint32_t *all = seq->number, *rest = malloc(seq->nr * sizeof(*rest));
	unsigned runs = 0;

	for (uint32_t part = seq->nr / 2; rest && part && runs < SHRINK_RUNS;) {
		bool smaller = false;

		for (uint32_t at = 0; at < seq->nr && runs < SHRINK_RUNS;) {
			uint32_t gone = part < seq->nr - at ? part : seq->nr - at;
			struct sequence less = { seq->seed, rest, seq->nr - gone, 1 };

			memcpy(rest, all, at * sizeof(*rest));
			memcpy(rest + at, all + at + gone, (seq->nr - at - gone) * sizeof(*rest));
			less.check_every = 1 + less.nr / 64;
			runs++;
			if (run(&less, true)) {
				at += gone;
				continue;
			}
			memcpy(all, rest, less.nr * sizeof(*rest));
			seq->nr = less.nr;
			smaller = true;
		}
		part = part > 1 ? part / 2 : smaller;
	}
	free(rest);
}

static void report(uint64_t seed, uint32_t check_every)
{
	uint32_t nr = result->at + 1;
	struct sequence seq = { seed, malloc(nr * sizeof(uint32_t)), nr, check_every };

	printf("%s: seed %" PRIu64 ", operation %u: %s\n", setup->name, seed, nr - 1, result->why);
	for (uint32_t i = 0; seq.number && i < nr; i++)
		seq.number[i] = i;
	if (!seq.number || run(&seq, true)) {
		printf("it is not seen again when run up to there\n");
	} else {
		shrink(&seq);
		seq.check_every = 1 + seq.nr / 64;
		run(&seq, true);
		printf("%u operations are enough (%s):", seq.nr, result->why);
		for (uint32_t i = 0; i < seq.nr && i < 100; i++)
			printf(" %u", seq.number[i]);
		printf("\n");
	}
	free(seq.number);
}

static void all_rounds(const struct setup *which)
{
	const char *word = getenv("QUIRE_SEED");
	uint64_t seed = word ? strtoull(word, NULL, 0) : 1;
	unsigned rounds = test_times(which->rounds);
	struct sequence seq = { .nr = ROUND / SLOWNESS, .check_every = which->check_every };

	setup = which;
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	CHECK(result != MAP_FAILED);
	if (result == MAP_FAILED)
		return;
	for (unsigned i = 0; i < rounds && !test_failures; i++) {
		seq.seed = seed + i;
		if (!run(&seq, false)) {
			CHECK(!"the machine does what the model does");
			report(seq.seed, seq.check_every);
		}
	}
	printf("%s: seed %" PRIu64 ", %" PRIu64 " operations\n", which->name, seed,
	       (uint64_t)rounds * seq.nr);
	munmap(result, sizeof(*result));
}

TEST(small)
{
	all_rounds(&setups[0]);
}

TEST(small_i386)
{
	all_rounds(&setups[1]);
}

TEST(larger)
{
	all_rounds(&setups[2]);
}

TEST(larger_no_pcp)
{
	all_rounds(&setups[3]);
}

TEST(four_zones)
{
	all_rounds(&setups[4]);
}

TEST(large_pageblocks)
{
	all_rounds(&setups[5]);
}

TEST_MAIN(CASE(small), CASE(small_i386), CASE(larger), CASE(larger_no_pcp), CASE(four_zones),
	  CASE(large_pageblocks))
