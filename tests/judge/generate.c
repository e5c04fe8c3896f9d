/* SPDX-License-Identifier: MIT */
/*
 * generate.c - calls that meet: few pages, old edges, and now and then nonsense
 *
 *   ARENA          DENSE                 STACKS                  end
 *     |    rare  [ 24 pages, most ]  rare  |  with gaps of 256   |
 *
 * An address is one of the dense pages, an edge of a range that was used before, relative to what
 * a call without an address got, in the heap, or nonsense. Nothing may hit the executor's own
 * memory: lengths are small, or so large that the call refuses them.
 */
#include "generate.h"

#include <string.h>

#define PAGE 4096u
#define NR_RECENT 16

struct gen {
	struct episode *e;
	uint64_t state;
	struct {
		uint8_t proc;
		int32_t ref;
		uint64_t at, bytes;
	} recent[NR_RECENT];
	uint8_t proc; /* whose call is being made */
	unsigned nr_recent;
	uint64_t fits; /* bytes from the last place to the end of its range; 0: unknown */
	bool pageouts; /* so is reclaim: Linux's depends on more than the calls */
	bool seals;    /* areas are sealed: then few calls succeed */
	bool alive[WIRE_PROCS];
	uint8_t parent[WIRE_PROCS];
};

static uint64_t next(struct gen *g)
{
	uint64_t z = (g->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 .. n - 1 */
static uint64_t below(struct gen *g, uint64_t n)
{
	return (next(g) >> 11) % n;
}

static bool chance(struct gen *g, unsigned percent)
{
	return below(g, 100) < percent;
}

static uint8_t opcode(struct gen *g)
{
	static const uint8_t opcodes[] = WIRE_OPCODES;

	return opcodes[below(g, WIRE_NR_OPCODES)];
}

static void remember(struct gen *g, int32_t ref, uint64_t at, uint64_t bytes)
{
	unsigned i = g->nr_recent++ % NR_RECENT;

	g->recent[i].proc = g->proc;
	g->recent[i].ref = ref;
	g->recent[i].at = at;
	g->recent[i].bytes = bytes;
}

/* ---- Addresses and lengths ------------------------------------------------------------- */

/* An edge of a range that was used, or a page near it. */
static void recent_place(struct gen *g, int32_t *ref, uint64_t *at)
{
	unsigned nr = g->nr_recent < NR_RECENT ? g->nr_recent : NR_RECENT;
	unsigned i = (unsigned)below(g, nr);

	for (unsigned n = 0; n < 4 && g->recent[i].proc != g->proc; n++)
		i = (unsigned)below(g, nr);
	uint64_t pages = g->recent[i].bytes / PAGE;

	*ref = g->recent[i].ref;
	*at = g->recent[i].at;
	switch (below(g, 4)) {
	case 0:
		break;
	case 1:
		*at += (pages ? pages - 1 : 0) * PAGE;
		break;
	case 2:
		*at += below(g, pages + 1) * PAGE;
		break;
	default:
		*at += (below(g, pages + 5) - 2) * PAGE;
		break;
	}
	uint64_t end = g->recent[i].at + g->recent[i].bytes;

	g->fits = *at < end ? end - *at : 0;
	/* Not below the heap: there is the executor. */
	if (*ref == REF_HEAP && *at >> 32)
		*at = 0;
}

static void place(struct gen *g, int32_t *ref, uint64_t *at)
{
	uint64_t which = below(g, 100);

	*ref = REF_NONE;
	g->fits = 0;
	if (which < 36 || (which < 84 && !g->nr_recent)) {
		*at = DENSE + (below(g, 24) - 12) * PAGE;
	} else if (which < 84) {
		recent_place(g, ref, at);
	} else if (which < 92) {
		*ref = REF_HEAP;
		*at = below(g, 24) * PAGE;
	} else if (which < 94) {
		*at = ARENA + below(g, ARENA_BYTES / PAGE) * PAGE;
	} else if (which < 98) {
		*at = STACKS + (below(g, 700) - 350) * PAGE;
	} else {
		static const uint64_t odd[] = { 0, 0x10000, 0x7ffffffff000, 0xffff800000000000,
						0xfffffffffffff000 };

		*at = odd[below(g, sizeof(odd) / sizeof(odd[0]))];
	}
}

static uint64_t length(struct gen *g)
{
	uint64_t which = below(g, 100);

	if (which < 60)
		return (1 + below(g, 4)) * PAGE;
	if (which < 86)
		return (1 + below(g, 16)) * PAGE;
	if (which < 96)
		return (1 + below(g, 64)) * PAGE;
	if (which < 97)
		return (1 + below(g, 1100)) * PAGE;
	static const uint64_t odd[] = {
		0, 1, PAGE - 1, PAGE + 1, UINT64_MAX, UINT64_MAX - PAGE + 1
	};

	return odd[below(g, sizeof(odd) / sizeof(odd[0]))];
}

/* One that may be refused for its size. */
static uint64_t long_length(struct gen *g)
{
	static const uint64_t odd[] = { 1ull << 63, 1ull << 47 };

	return chance(g, 1) ? odd[below(g, 2)] : length(g);
}

/* Does a range that isn't refused miss all that is the executor's? */
static bool harmless(const struct call *c, int32_t ref, uint64_t at, uint64_t bytes)
{
	uint64_t end = at + bytes;

	if (ref != REF_NONE)
		return bytes < 16u << 20 || bytes > 1ull << 46;
	if (end < at || bytes + PAGE - 1 < bytes)
		return true; /* wraps: refused by all */
	if (bytes >= 1ull << 46)
		return c->op == OP_MMAP || c->op == OP_MREMAP || c->op == OP_MUNMAP;
	if (at >= 1ull << 47)
		return true;
	return end <= WIRE_CODE_AT;
}

static void range(struct gen *g, struct call *c)
{
	do {
		place(g, &c->at_ref, &c->at);
		c->bytes = length(g);
		if (g->fits && chance(g, 75))
			c->bytes = (1 + below(g, (g->fits + PAGE - 1) / PAGE)) * PAGE;
		if (chance(g, 1))
			c->at += below(g, PAGE);
	} while (!harmless(c, c->at_ref, c->at, c->bytes));
}

static void keep(struct gen *g, const struct call *c)
{
	if (c->bytes < 8u << 20 && (c->at_ref == REF_HEAP || c->at < 1ull << 40) &&
	    !(c->at_ref == REF_HEAP && c->at >> 32))
		remember(g, c->at_ref, c->at & ~(uint64_t)(PAGE - 1), c->bytes);
}

/* ---- Calls ------------------------------------------------------------------------------- */

static uint32_t rights(struct gen *g)
{
	static const uint8_t all[] = { 3, 3, 3, 3, 3, 3, 3, 3, 1, 1, 1, 1, 0, 0, 5, 7, 7, 2, 4 };

	return all[below(g, sizeof(all))];
}

static void gen_file(struct gen *g, struct call *c)
{
	static const uint8_t all[] = { 0, 0, 0, 1, 1, 2, 2, 2, 3, 4, 5 };

	c->file = all[below(g, sizeof(all))];
	c->to = below(g, g->e->setting.files[c->file].bytes / PAGE + 4) * PAGE;
	if (chance(g, 1))
		c->to += below(g, PAGE);
}

static uint32_t map_flags(struct gen *g, bool file)
{
	uint32_t flags = 0;

	if (chance(g, 12))
		flags |= 0x8000; /* populate */
	if (chance(g, 5))
		flags |= 0x2000; /* locked */
	if (chance(g, 8))
		flags |= 0x4000; /* noreserve */
	if (chance(g, 3))
		flags |= 0x20000; /* stack */
	if (chance(g, 6))
		flags |= 0x40; /* 32bit */
	if (chance(g, 2))
		flags |= 0x10000; /* nonblock */
	if (chance(g, file ? 1 : 7))
		flags |= 0x100; /* growsdown */
	return flags;
}

static void gen_mmap(struct gen *g, struct call *c, unsigned index)
{
	uint64_t which = below(g, 100);
	bool file = which >= 72;

	range(g, c);
	if (chance(g, 1))
		c->bytes = long_length(g);
	c->prot = rights(g);
	c->flags = which < 60 ? 0x22 : which < 72 ? 0x21 : which < 88 ? 2 : 1;
	if (which == 99)
		c->flags = (uint32_t)below(g, 4) | 0x20;
	if (which == 98)
		c->flags = 3 | (uint32_t)below(g, 2) * 0x80000;
	c->flags |= map_flags(g, file);
	if (file)
		gen_file(g, c);
	/* Whether a file can be mapped with SYNC is its file system's. */
	if (c->file >= 2 && c->file <= 4)
		c->flags &= ~0x80000u;
	which = below(g, 100);
	if (c->flags & 0x100 && which < 50) {
		c->at_ref = REF_NONE;
		c->at = STACKS + (below(g, 700) - 350) * PAGE;
	}
	if (which < 50) {
		c->flags |= 0x10;
	} else if (which < 60) {
		c->flags |= 0x100000;
	} else if (which < 80) {
		c->at_ref = REF_NONE;
		c->at = 0;
	}
	/* What is put somewhere by force must not be where the executor is. */
	if (!harmless(c, c->at_ref, c->at, c->bytes))
		c->bytes = PAGE;
	if (which >= 60 && c->bytes < 1u << 20)
		remember(g, (int32_t)index, 0, c->bytes);
	else
		keep(g, c);
}

static void gen_mremap(struct gen *g, struct call *c, unsigned index)
{
	uint64_t which = below(g, 100);

	range(g, c);
	if (chance(g, 4))
		c->bytes = 0;
	c->more = chance(g, 20) ? c->bytes : chance(g, 2) ? long_length(g) : length(g);
	c->flags = which < 35 ? 0 : which < 70 ? 1 : which < 90 ? 3 : which < 97 ? 5 : 7;
	if (which == 99)
		c->flags = (uint32_t)below(g, 16);
	if (c->flags & 4 && chance(g, 90))
		c->more = c->bytes;
	do
		place(g, &c->to_ref, &c->to);
	while (!harmless(c, c->to_ref, c->to, c->more));
	if (chance(g, 1))
		c->to += below(g, PAGE);
	if (!(c->flags & 6)) {
		c->to_ref = REF_NONE;
		c->to = 0;
	}
	if (c->more < 1u << 20 && chance(g, 15))
		remember(g, (int32_t)index, 0, c->more);
}

static void gen_touch(struct gen *g, struct call *c)
{
	static const uint16_t offsets[] = { 0, 0, 0, 8, 0x7b, 0x800, 0xff8 };

	do
		place(g, &c->at_ref, &c->at);
	while (c->at_ref == REF_NONE && c->at > ARENA + ARENA_BYTES && c->at < 1ull << 47);
	if (c->op != OP_FETCH)
		c->at += offsets[below(g, sizeof(offsets) / sizeof(offsets[0]))];
	if (c->op == OP_WRITE)
		c->value = opcode(g);
	if (c->op == OP_COPYIN || c->op == OP_COPYOUT) {
		c->bytes = chance(g, 70) ? 1 + below(g, 100) : 1 + below(g, WIRE_BUFFER);
		if (c->at >= 1ull << 40 && c->at_ref == REF_NONE)
			c->at = 0xffff800000000000;
	}
}

static void gen_advice(struct gen *g, struct call *c)
{
	static const uint8_t all[] = { 4,  4,  4, 4, 4, 4, 8,  8,  9,  10, 11, 18, 18, 19,
				       16, 17, 0, 1, 2, 3, 20, 21, 22, 22, 23, 23, 14, 15 };

	range(g, c);
	c->prot = all[below(g, sizeof(all))];
	if (chance(g, 1))
		c->prot = 200;
	if (c->prot == 21 && !g->pageouts)
		c->prot = 4;
}

static void gen_file_op(struct gen *g, struct call *c)
{
	static const uint8_t modes[] = { 3, 3, 3, 0, 1, 16, 17, 2 };
	uint64_t bytes;

	gen_file(g, c);
	bytes = g->e->setting.files[c->file].bytes;
	c->to &= ~(uint64_t)7;
	switch (c->op) {
	case OP_TRUNCATE:
		c->to = 0;
		c->bytes = chance(g, 60) ? below(g, bytes / PAGE + 3) * PAGE
					 : below(g, bytes + 3 * PAGE);
		if (chance(g, 10))
			c->bytes = bytes; /* mostly the size that it has */
		break;
	case OP_FALLOCATE:
		c->prot = modes[below(g, sizeof(modes))];
		/* A store has no call to allocate. */
		if (c->file >= 2 && c->file <= 4 && c->prot < 2)
			c->prot = 3;
		c->bytes = chance(g, 70) ? (1 + below(g, 4)) * PAGE : below(g, 3 * PAGE);
		c->to = chance(g, 70) ? c->to & ~(uint64_t)(PAGE - 1) : c->to;
		break;
	case OP_SEAL:
		c->file = (uint8_t)below(g, 3);
		c->to = 0;
		c->flags = 1u << below(g, 5);
		break;
	default:
		c->bytes = chance(g, 70) ? 1 + below(g, 100) : 1 + below(g, WIRE_BUFFER);
		c->value = c->op == OP_FWRITE ? opcode(g) : 0;
		break;
	}
}

static void gen_limit(struct gen *g, struct call *c)
{
	static const uint8_t kinds[] = { 2, 3, 8, 9 };

	c->prot = kinds[below(g, 4)];
	switch (c->prot) {
	case 9:
		c->bytes = WIRE_TEXT + below(g, 2048) * PAGE;
		break;
	case 8:
		c->bytes = below(g, 65) * PAGE;
		break;
	default:
		c->bytes = below(g, 512) * PAGE;
		break;
	}
	/* With 0, Linux lets programs grow up to the hard limit, which is not known here. */
	if (c->prot == 2 && !c->bytes)
		c->bytes = PAGE;
	if (chance(g, 40))
		c->bytes = c->prot == 8 ? 256 * PAGE : c->prot == 3 ? 8u << 20 : UINT64_MAX;
}

/* A process that there is. */
static uint8_t some_process(struct gen *g)
{
	uint8_t proc = (uint8_t)below(g, WIRE_PROCS);

	return g->alive[proc] && chance(g, 40) ? proc : 0;
}

static void gen_fork(struct gen *g, struct call *c)
{
	for (uint8_t i = 1; i < WIRE_PROCS; i++) {
		if (g->alive[i])
			continue;
		g->alive[i] = true;
		g->parent[i] = c->proc;
		c->value = i;
		return;
	}
	c->op = OP_LOOK;
}

/* Only a process that has no children ends. */
static void gen_exit(struct gen *g, struct call *c)
{
	uint8_t child = (uint8_t)(1 + below(g, WIRE_PROCS - 1));
	bool has = false;

	for (uint8_t i = 1; i < WIRE_PROCS; i++)
		has = has || (g->alive[i] && g->parent[i] == child);
	if (!g->alive[child] || has) {
		c->op = OP_LOOK;
		return;
	}
	c->proc = g->parent[child];
	c->value = child;
	g->alive[child] = false;
}

static void gen_lock(struct gen *g, struct call *c)
{
	switch (c->op) {
	case OP_MLOCK:
	case OP_MUNLOCK:
		range(g, c);
		c->flags = c->op == OP_MLOCK && chance(g, 30) ? chance(g, 95) ? 1 : 2 : 0;
		break;
	case OP_MLOCKALL:
		c->flags = (uint32_t)below(g, 8);
		break;
	default:
		break;
	}
}

static void gen_brk(struct gen *g, struct call *c)
{
	c->at_ref = REF_HEAP;
	c->at = below(g, 24) * PAGE;
	if (chance(g, 10))
		c->at += below(g, PAGE);
	if (chance(g, 2)) {
		c->at_ref = REF_NONE;
		c->at = 0;
	}
	remember(g, REF_HEAP, c->at_ref == REF_HEAP ? c->at : 0, PAGE);
}

static void gen_call(struct gen *g, struct call *c, unsigned index)
{
	switch (c->op) {
	case OP_MMAP:
		gen_mmap(g, c, index);
		break;
	case OP_MREMAP:
		gen_mremap(g, c, index);
		break;
	case OP_BRK:
		gen_brk(g, c);
		break;
	case OP_MADVISE:
		gen_advice(g, c);
		break;
	case OP_READ:
	case OP_WRITE:
	case OP_FETCH:
	case OP_COPYIN:
	case OP_COPYOUT:
		gen_touch(g, c);
		break;
	case OP_FREAD:
	case OP_FWRITE:
	case OP_TRUNCATE:
	case OP_FALLOCATE:
	case OP_SEAL:
		gen_file_op(g, c);
		break;
	case OP_SETRLIMIT:
		gen_limit(g, c);
		break;
	case OP_FORK:
		gen_fork(g, c);
		break;
	case OP_EXIT:
		gen_exit(g, c);
		break;
	case OP_LOOK:
		break;
	case OP_MSEAL:
		if (!g->seals) {
			c->op = OP_LOOK;
			break;
		}
		range(g, c);
		c->flags = chance(g, 2);
		break;
	case OP_MPROTECT:
		range(g, c);
		c->prot = rights(g);
		if (chance(g, 3))
			c->prot |= chance(g, 70) ? 0x01000000 : 0x100;
		break;
	case OP_MINCORE:
		do
			range(g, c);
		while (c->bytes > WIRE_VEC * PAGE && c->bytes < 1ull << 60);
		break;
	case OP_MUNMAP:
	case OP_MSYNC:
		range(g, c);
		if (c->op == OP_MSYNC)
			c->flags = chance(g, 90) ? 1u << below(g, 3) : (uint32_t)below(g, 9);
		break;
	default:
		gen_lock(g, c);
		break;
	}
}

static enum op some_op(struct gen *g)
{
	static const uint8_t weights[NR_OPS] = {
		[OP_LOOK] = 5,      [OP_MMAP] = 20,    [OP_MUNMAP] = 6,     [OP_MPROTECT] = 9,
		[OP_MREMAP] = 9,    [OP_BRK] = 4,      [OP_MADVISE] = 10,   [OP_MLOCK] = 3,
		[OP_MUNLOCK] = 2,   [OP_MLOCKALL] = 1, [OP_MUNLOCKALL] = 1, [OP_MINCORE] = 4,
		[OP_MSYNC] = 2,     [OP_MSEAL] = 1,    [OP_READ] = 15,      [OP_WRITE] = 20,
		[OP_FETCH] = 3,     [OP_COPYOUT] = 3,  [OP_COPYIN] = 3,     [OP_FREAD] = 2,
		[OP_FWRITE] = 4,    [OP_TRUNCATE] = 2, [OP_FALLOCATE] = 2,  [OP_SEAL] = 1,
		[OP_SETRLIMIT] = 1, [OP_FORK] = 2,     [OP_EXIT] = 2,
	};
	uint64_t sum = 0, at;
	unsigned op = 0;

	for (unsigned i = 0; i < NR_OPS; i++)
		sum += weights[i];
	for (at = below(g, sum); at >= weights[op]; op++)
		at -= weights[op];
	return op;
}

static void gen_setting(struct gen *g, struct setting *s)
{
	static const struct file_spec specs[WIRE_FILES] = {
		{ FILE_MEMFD, 0, 0 },     { FILE_MEMFD, 1, 0 },      { FILE_STORED, 0, 0 },
		{ FILE_READ_ONLY, 0, 0 }, { FILE_WRITE_ONLY, 0, 0 }, { FILE_OF_MEMFD, 0, 0 },
	};
	static const uint16_t memlocks[] = { 16, 64, 256 };

	memcpy(s->files, specs, sizeof(specs));
	for (unsigned n = 0; n < 3; n++) {
		s->files[n].bytes = (1 + below(g, 12)) * PAGE;
		if (chance(g, 50))
			s->files[n].bytes -= below(g, PAGE);
	}
	s->files[3].bytes = s->files[4].bytes = s->files[2].bytes;
	s->files[5].bytes = s->files[0].bytes;
	s->memlock = memlocks[below(g, 3)] * PAGE;
	s->privileged = chance(g, 25);
}

void generate(uint64_t seed, unsigned nr, struct episode *out)
{
	struct gen g = { .e = out, .state = seed * 0x2545f4914f6cdd1du, .alive = { true } };

	memset(&out->setting, 0, sizeof(out->setting));
	gen_setting(&g, &out->setting);
	g.seals = chance(&g, 15);
	g.pageouts = chance(&g, 5);
	out->nr = nr;
	for (unsigned i = 0; i < nr; i++) {
		struct call *c = &out->calls[i];
		uint8_t proc = some_process(&g);

		*c = call_blank(i + 1 == nr ? OP_LOOK : i < 6 ? OP_MMAP : some_op(&g));
		c->proc = g.proc = proc;
		gen_call(&g, c, i);
	}
}
