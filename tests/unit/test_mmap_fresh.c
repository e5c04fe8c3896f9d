/* SPDX-License-Identifier: MIT */
/*
 * test_mmap_fresh.c - the short way of mmap against the general one
 *
 * Two machines do the same at random, step by step, and must remain the same: addresses, errors,
 * areas, counts, the whole state. On one of them each request for fresh memory has a flag besides
 * that Linux ignores, MAP_EXECUTABLE, and so goes the general way. Rule VMA-6 is checked, too: what
 * was not touched is unmapped without a look at page tables.
 */
#include "space.h"

#include "vm/mm.h"

#define AREAS 40

static uint64_t seed;

static uint64_t below(uint64_t n)
{
	return test_random(&seed) % n;
}

/** struct twins - the machine with the short way, and the other one */
struct twins {
	struct space s[2];
	struct quire_mm *parent[2];
	unsigned nr_fresh;     /* requests that could go the short way, and were met */
	unsigned nr_refused;   /* and were not */
	unsigned nr_joined;    /* that became part of a neighbour */
	unsigned nr_untouched; /* areas unmapped of which no page was */
};

/** struct call - one step */
struct call {
	enum { MAP, UNMAP, PROTECT, TOUCH, LIMIT, SYSCTL, LOCK } kind;
	struct quire_mmap map;
	uint64_t at, bytes;
	uint64_t value; /* limit, count, write, protection */
	unsigned what;
};

/* The n-th area of a process. */
static bool area(struct quire_mm *mm, uint64_t n, struct quire_vma_info *out)
{
	quire_virt_t from = { 0 };

	do {
		if (!quire_mm_next_vma(mm, from, out))
			return false;
		from = out->end;
	} while (n--);
	return true;
}

static struct quire_mmap any_map(uint64_t nr_areas)
{
	static const unsigned more[] = { 0, 0, 0, 0, QUIRE_MAP_STACK, QUIRE_MAP_POPULATE,
					 QUIRE_MAP_POPULATE | QUIRE_MAP_NONBLOCK,
					 QUIRE_MAP_NORESERVE, QUIRE_MAP_LOCKED,
					 QUIRE_MAP_GROWSDOWN };
	struct quire_mmap map = {
		.bytes = (1 + below(8)) * PAGE,
		.prot = below(2) ? (unsigned)RW : (unsigned)below(8),
		.flags = ANON | more[below(sizeof(more) / sizeof(more[0]))],
	};

	if (!below(8))
		map.bytes -= below(PAGE + 1); /* 0 sometimes */
	if (!below(24))
		map.bytes = MB(2) * (1 + below(2));
	if (!below(24))
		map.bytes = below(2) ? UINT64_MAX - below(2 * PAGE) : UINT64_MAX >> below(40);
	if (map.bytes > MB(4))
		map.flags &= ~(unsigned)(QUIRE_MAP_POPULATE | QUIRE_MAP_LOCKED);
	if (nr_areas > AREAS)
		map.prot = QUIRE_PROT_NONE;
	return map;
}

static struct call any_call(struct twins *t)
{
	uint64_t nr = space_stat(&t->s[0]).nr_vmas, what = below(100);
	struct call call = { .kind = LOCK, .what = (unsigned)below(3) };
	struct quire_vma_info info;

	if (what < (nr > AREAS ? 20 : 45) || !nr) {
		call.kind = MAP;
		call.map = any_map(nr);
	} else if (what < 92 && area(t->s[0].mm, below(nr), &info)) {
		uint64_t pages = (info.end.v - info.start.v) / PAGE;
		uint64_t first = below(2) ? 0 : below(pages);

		call.kind = what < 72 ? UNMAP : what < 80 ? PROTECT : TOUCH;
		call.at = info.start.v + first * PAGE;
		call.bytes = (below(2) ? pages - first : 1 + below(pages - first)) * PAGE;
		call.value = below(8);
	} else if (what < 96) {
		call.kind = LIMIT;
		call.what = below(2) ? QUIRE_RLIMIT_AS : QUIRE_RLIMIT_DATA;
		call.value = below(4) ? QUIRE_RLIM_INFINITY : below(MB(4));
	} else if (what < 98) {
		call.kind = SYSCTL;
		call.what = (unsigned)below(3);
		call.value = below(4) ? 65530 : below(AREAS);
	}
	return call;
}

static int set_sysctl(struct quire *q, const struct call *call)
{
	struct quire_vm_sysctl sysctl;

	CHECK_EQ(quire_vm_sysctl(q, &sysctl), 0);
	sysctl.overcommit_memory = (enum quire_overcommit)call->what;
	sysctl.max_map_count = call->value;
	sysctl.admin_reserve_kbytes = sysctl.user_reserve_kbytes = 0;
	return quire_vm_set_sysctl(q, &sysctl);
}

static int64_t carry_out(struct space *s, const struct call *call, unsigned flags)
{
	static const unsigned lock[] = { QUIRE_MCL_FUTURE, QUIRE_MCL_FUTURE | QUIRE_MCL_ONFAULT };
	struct quire_mmap map = call->map;
	quire_virt_t out = { 1 };
	int error;

	switch (call->kind) {
	case MAP:
		map.flags |= flags;
		error = quire_mmap(s->mm, &map, &out);
		/* What fails leaves even this as it was. */
		CHECK(!error || out.v == 1);
		return error ? error : (int64_t)out.v;
	case UNMAP:
		return quire_munmap(s->mm, (quire_virt_t){ call->at }, call->bytes);
	case PROTECT:
		return quire_mprotect(s->mm, (quire_virt_t){ call->at }, call->bytes,
				      (unsigned)call->value);
	case TOUCH:
		return (int64_t)quire_mm_fault(s->mm, (quire_virt_t){ call->at },
					       call->value & 1 ? QUIRE_PF_USER | QUIRE_PF_WRITE
							       : QUIRE_PF_USER,
					       NULL);
	case LIMIT:
		return quire_mm_set_rlimit(s->mm, (enum quire_rlimit)call->what, call->value);
	case SYSCTL:
		return set_sysctl(s->q, call);
	default:
		return call->what ? quire_mlockall(s->mm, lock[call->what - 1])
				  : quire_munlockall(s->mm);
	}
}

static bool alike(const struct quire_vma_info *a, const struct quire_vma_info *b)
{
	return a->start.v == b->start.v && a->end.v == b->end.v && a->flags == b->flags &&
	       a->pgoff == b->pgoff;
}

static bool same(struct twins *t)
{
	struct quire_mm_stat stat[2] = { space_stat(&t->s[0]), space_stat(&t->s[1]) };
	struct quire_vma_info info[2];
	quire_virt_t from = { 0 };
	bool more[2] = { true, true }, ok = !memcmp(&stat[0], &stat[1], sizeof(stat[0])) &&
					    space_committed(&t->s[0]) == space_committed(&t->s[1]);

	while (ok && more[0]) {
		for (unsigned i = 0; i < 2; i++)
			more[i] = quire_mm_next_vma(t->s[i].mm, from, &info[i]);
		ok = more[0] == more[1] && (!more[0] || alike(&info[0], &info[1]));
		from = info[0].end;
	}
	return ok;
}

/* What the test has seen. */
static void tell(struct twins *t, const struct call *call, int64_t result, uint64_t areas)
{
	const struct quire_mm *mm = t->s[0].mm;
	uint64_t now = space_stat(&t->s[0]).nr_vmas;
	bool fresh = call->kind == MAP && !mm->def_flags && !mm->config.bottom_up &&
		     (call->map.flags & ~(unsigned)(QUIRE_MAP_STACK | QUIRE_MAP_POPULATE |
						    QUIRE_MAP_NONBLOCK)) == ANON &&
		     call->map.bytes % MB(2);

	t->nr_fresh += fresh && result > 0;
	t->nr_refused += fresh && result < 0;
	t->nr_joined += fresh && result > 0 && now <= areas;
}

static void step(struct twins *t)
{
	struct call call = any_call(t);
	uint64_t areas = space_stat(&t->s[0]).nr_vmas;
	const struct vma *vma = call.kind == UNMAP ? vma_find(t->s[0].mm, call.at) : NULL;
	int64_t result[2];

	if (vma && vma->start == call.at && vma->end == call.at + call.bytes)
		t->nr_untouched += !relaxed_load(&vma->touched);
	for (unsigned i = 0; i < 2; i++)
		result[i] = carry_out(&t->s[i], &call, i ? QUIRE_MAP_EXECUTABLE : 0);
	CHECK_EQ(result[0], result[1]);
	CHECK(same(t));
	tell(t, &call, result[0], areas);
}

/* The process forks; what follows is done in the child, whose anons are inherited. */
static void fork_both(struct twins *t)
{
	for (unsigned i = 0; i < 2; i++) {
		t->parent[i] = t->s[i].mm;
		CHECK_EQ(quire_mm_fork(t->parent[i], &t->s[i].mm), 0);
	}
}

static void run(struct twins *t, enum quire_machine machine, const struct quire_mm_config *config)
{
	for (unsigned i = 0; i < 2; i++) {
		t->parent[i] = NULL;
		if (!space_boot(&t->s[i], machine, MB(64)))
			return;
		CHECK_EQ(quire_mm_create(t->s[i].q, config, &t->s[i].mm), 0);
	}
	unsigned steps = test_times(2400);

	for (unsigned n = 0; n < steps && !test_failures; n++) {
		step(t);
		if (n == steps / 2)
			fork_both(t);
		if (n % 32 == 0)
			CHECK(space_sound(&t->s[0]) && space_sound(&t->s[1]) &&
			      quire_hash(t->s[0].q) == quire_hash(t->s[1].q));
	}
	for (unsigned i = 0; i < 2; i++) {
		if (t->parent[i])
			CHECK_EQ(quire_mm_destroy(t->parent[i]), 0);
		space_end(&t->s[i]);
	}
}

TEST(short_way_and_general)
{
	static const struct {
		enum quire_machine machine;
		bool compat, bottom_up, randomize;
	} cases[] = {
		{ QUIRE_X86_64, false, false, false }, { QUIRE_X86_64, true, false, false },
		{ QUIRE_X86_64, false, false, true },  { QUIRE_X86_64, false, true, false },
		{ QUIRE_I386_PAE, false, false, true }, { QUIRE_I386, false, false, false },
	};
	static struct twins t;

	t = (struct twins){ .nr_fresh = 0 };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) && !test_failures; i++) {
		struct quire_mm_config config;

		quire_mm_config_init(&config);
		config.compat = cases[i].compat;
		config.bottom_up = cases[i].bottom_up;
		config.randomize = cases[i].randomize;
		seed = config.seed = 20 + i;
		run(&t, cases[i].machine, &config);
		if (test_failures)
			printf("case %zu, seed %zu\n", i, 20 + i);
	}
	printf("%u short ways, %u of them joined, %u refused; %u areas unmapped untouched\n",
	       t.nr_fresh, t.nr_joined, t.nr_refused, t.nr_untouched);
	/* Each of the ways was taken. */
	CHECK(t.nr_fresh > 600 / TEST_SHARE && t.nr_joined > 100 / TEST_SHARE);
	CHECK(t.nr_refused > 200 / TEST_SHARE && t.nr_untouched > 500 / TEST_SHARE);
}

TEST_MAIN(CASE(short_way_and_general))
