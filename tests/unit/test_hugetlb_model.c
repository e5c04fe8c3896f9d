/* SPDX-License-Identifier: MIT */
/*
 * test_hugetlb_model.c - random calls on huge pages, against a model of what memory holds
 *
 * A parent, children, private areas with and without promises, and one file mapped both ways. The
 * model knows one word of each huge page. SIGBUS is allowed where nothing was promised; then the
 * page holds what it held, or (a child's that was taken away) is gone. After each call all rules
 * hold, among them that each count of the pool is that of what there is.
 */
#include "hugetlb.h"

#define MMS 3
#define SLOTS 6
#define LENGTH 4 /* huge pages of an area */
#define FILE_PAGES LENGTH

enum kind { NONE, PRIVATE, FILE_PRIVATE, FILE_SHARED };

struct page {
	enum kind kind;
	unsigned index; /* of the file */
	bool own;       /* it has left the file, if it was of one */
	bool sure;      /* promised to the area */
	uint64_t value;
};

struct space {
	struct quire_mm *mm; /* NULL: there is none */
	struct page page[SLOTS][LENGTH];
};

static struct {
	struct rig rig;
	uint64_t seed, huge;
	struct space space[MMS];
	struct quire_file *file;
	unsigned size; /* of the file, in huge pages */
	struct {
		bool there, sure;
		uint64_t value;
	} file_page[FILE_PAGES];
	unsigned nr_sigbus, nr_sure;
} m;

static unsigned below(unsigned n)
{
	return (unsigned)(test_random(&m.seed) % n);
}

static uint64_t address(unsigned slot, unsigned i)
{
	/* A gap between areas; every other slot in another table of the level above. */
	return HUGE_AT + (uint64_t)(slot & 1) * GB(1) + (uint64_t)(slot / 2 * 8 + i) * m.huge;
}

static struct space *any_space(void)
{
	struct space *s;

	do {
		s = &m.space[below(MMS)];
	} while (!s->mm);
	return s;
}

/* ---- Accesses ----------------------------------------------------------------------- */

static int access_word(struct space *s, uint64_t at, uint64_t *value, bool write)
{
	if (below(4))
		return process_touch(s->mm, at, value, 8,
				     write ? QUIRE_ACCESS_WRITE : QUIRE_ACCESS_READ);
	/* By the kernel, which does not tell why. */
	return (write ? quire_copy_to_user(s->mm, (quire_virt_t){ at }, value, 8)
		      : quire_copy_from_user(s->mm, value, (quire_virt_t){ at }, 8))
		       ? SIGBUS_CODE
		       : 0;
}

/* Whoever touches a hole first: is it the file's from now on, or the area's own? */
static void settle(struct page *p)
{
	if (p->kind == FILE_SHARED && !m.file_page[p->index].there) {
		m.file_page[p->index].there = true;
		m.file_page[p->index].value = 0;
	} else if (p->kind == FILE_PRIVATE && !p->own && !m.file_page[p->index].there) {
		p->own = true;
		p->value = 0;
	}
}

static uint64_t *word_of(struct page *p)
{
	bool file = p->kind == FILE_SHARED || (p->kind == FILE_PRIVATE && !p->own);

	return file ? &m.file_page[p->index].value : &p->value;
}

static bool is_sure(const struct page *p)
{
	if (p->kind == PRIVATE)
		return p->sure;
	if (p->index >= m.size)
		return false;
	return p->kind == FILE_PRIVATE ? p->sure
				       : m.file_page[p->index].there || m.file_page[p->index].sure;
}

static void touch(bool write)
{
	struct space *s = any_space();
	unsigned slot = below(SLOTS), i = below(LENGTH);
	struct page *p = &s->page[slot][i];
	uint64_t at = address(slot, i) + 8 * (uint64_t)(m.huge / 64), value = m.seed;
	int code;

	CHECK_EQ(quire_mm_load(s->mm), 0);
	code = access_word(s, at, &value, write);
	if (p->kind == NONE) {
		CHECK(code != 0);
		return;
	}
	m.nr_sure += is_sure(p);
	if (code) {
		CHECK_EQ(code, SIGBUS_CODE);
		CHECK(!is_sure(p));
		m.nr_sigbus++;
		/* What can't even be read is gone. */
		if (!write && p->kind != FILE_SHARED)
			p->own = false, p->value = 0;
		return;
	}
	settle(p);
	if (!write) {
		CHECK_EQ(value, *word_of(p));
	} else {
		p->own |= p->kind == FILE_PRIVATE;
		*word_of(p) = value;
	}
}

/* ---- Areas ------------------------------------------------------------------------------ */

static void forget(struct space *s, unsigned slot, unsigned first, unsigned end)
{
	for (unsigned i = first; i < end; i++)
		s->page[slot][i] = (struct page){ .kind = NONE };
}

static void map(void)
{
	struct space *s = any_space();
	unsigned slot = below(SLOTS), nr = 1 + below(LENGTH), how = below(3);
	unsigned flags = QUIRE_MAP_FIXED | (below(2) ? QUIRE_MAP_NORESERVE : 0);
	struct quire_mmap args = { .address = { address(slot, 0) }, .bytes = nr * m.huge,
				   .prot = PROT_RW };
	quire_virt_t out;
	int error;

	args.flags = flags | (how == 0   ? MAP_HUGE
			      : how == 1 ? QUIRE_MAP_PRIVATE
					 : QUIRE_MAP_SHARED);
	args.file = how ? m.file : NULL;
	error = quire_mmap(s->mm, &args, &out);
	CHECK(!error || error == -QUIRE_ENOMEM);
	if (error)
		return;
	m.size = how && nr > m.size ? nr : m.size;
	for (unsigned i = 0; i < nr; i++) {
		s->page[slot][i] = (struct page){
			.kind = (enum kind)(how + 1),
			.index = i,
			.sure = !(flags & QUIRE_MAP_NORESERVE),
		};
		if (how == 2 && !(flags & QUIRE_MAP_NORESERVE))
			m.file_page[i].sure = true;
	}
}

/* A part of a slot that is one area's, or several. */
static void part(unsigned *first, unsigned *end)
{
	*first = below(LENGTH);
	*end = *first + 1 + below(LENGTH - *first);
}

static void unmap(void)
{
	struct space *s = any_space();
	unsigned slot = below(SLOTS), first, end;

	part(&first, &end);
	CHECK_EQ(huge_unmap(s->mm, address(slot, first), (end - first) * m.huge), 0);
	forget(s, slot, first, end);
}

static void discard(void)
{
	struct space *s = any_space();
	unsigned slot = below(SLOTS), first, end;
	int error;

	part(&first, &end);
	error = huge_advise(s->mm, address(slot, first), (end - first) * m.huge,
			    QUIRE_MADV_DONTNEED);
	CHECK(!error || error == -QUIRE_ENOMEM);
	for (unsigned i = first; i < end; i++) {
		struct page *p = &s->page[slot][i];

		/* A page that others share does not come back to the pool, so the promise may. */
		p->sure = p->sure && p->kind == FILE_SHARED;
		p->own = false, p->value = 0;
	}
}

static void protect(void)
{
	struct space *s = any_space();
	unsigned slot = below(SLOTS), first, end;
	quire_virt_t at;

	part(&first, &end);
	at.v = address(slot, first);
	(void)quire_mprotect(s->mm, at, (end - first) * m.huge, below(2) ? QUIRE_PROT_NONE
									 : QUIRE_PROT_READ);
	rig_sound(&m.rig);
	(void)quire_mprotect(s->mm, at, (end - first) * m.huge, PROT_RW);
	/* What lies behind a hole kept its rights. */
	for (unsigned i = first; i < end; i++)
		(void)quire_mprotect(s->mm, (quire_virt_t){ address(slot, i) }, m.huge, PROT_RW);
}

static void move(void)
{
	struct space *s = any_space();
	unsigned slot = below(SLOTS), to = below(SLOTS), i = below(LENGTH), j = below(LENGTH);
	const struct quire_mremap args = {
		.address = { address(slot, i) },
		.old_bytes = m.huge,
		.new_bytes = m.huge,
		.flags = QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED,
		.new_address = { address(to, j) },
	};
	quire_virt_t out;
	int error = quire_mremap(s->mm, &args, &out);

	if (slot == to && i == j) {
		CHECK_EQ(error, -QUIRE_EINVAL);
	} else if (s->page[slot][i].kind == NONE) {
		CHECK_EQ(error, -QUIRE_EFAULT);
	} else {
		CHECK_EQ(error, 0);
		s->page[to][j] = s->page[slot][i];
		forget(s, slot, i, i + 1);
	}
}

/* ---- Processes, the file, the pool -------------------------------------------------------- */

static void fork_or_exit(void)
{
	struct space *to = &m.space[1 + below(MMS - 1)];
	const struct space *from = &m.space[0];

	if (to->mm) {
		process_end(&m.rig, to->mm);
		to->mm = NULL;
		return;
	}
	CHECK_EQ(quire_mm_fork(from->mm, &to->mm), 0);
	memcpy(to->page, from->page, sizeof(to->page));
	for (unsigned i = 0; i < SLOTS * LENGTH; i++)
		to->page[i / LENGTH][i % LENGTH].sure = false;
}

/* Pages [first, end) have left the file. */
static void leave_file(unsigned first, unsigned end, bool promises)
{
	for (unsigned i = first; i < end && i < FILE_PAGES; i++) {
		bool keeps = m.file_page[i].sure && !m.file_page[i].there && !promises;

		m.file_page[i].sure = keeps;
		m.file_page[i].there = false;
		m.file_page[i].value = 0;
	}
	for (unsigned i = 0; i < MMS * SLOTS * LENGTH; i++) {
		struct page *p = &m.space[i / (SLOTS * LENGTH)]
					  .page[i / LENGTH % SLOTS][i % LENGTH];

		if (p->kind == FILE_PRIVATE && p->index >= first && p->index < end) {
			p->sure = false;
			p->own = false, p->value = 0;
		}
	}
}

static void change_file(void)
{
	unsigned first, end, punch = QUIRE_FALLOC_KEEP_SIZE | QUIRE_FALLOC_PUNCH_HOLE;
	int error;

	part(&first, &end);
	switch (below(3)) {
	case 0:
		m.size = below(FILE_PAGES + 1);
		CHECK_EQ(quire_file_truncate(m.file, m.size * m.huge), 0);
		leave_file(m.size, FILE_PAGES, true);
		break;
	case 1:
		CHECK_EQ(quire_file_allocate(m.file, punch, first * m.huge,
					     (end - first) * m.huge),
			 0);
		leave_file(first, end, false);
		break;
	default:
		error = quire_file_allocate(m.file, 0, first * m.huge, (end - first) * m.huge);
		CHECK(!error || error == -QUIRE_ENOSPC);
		for (unsigned i = first; i < end && !error; i++)
			m.file_page[i].there = true;
		m.size = !error && end > m.size ? end : m.size;
	}
}

static void resize(void)
{
	huge_set(&m.rig, below(14), below(4));
}

static void step(void)
{
	static void (*const calls[])(void) = { map,  map,     unmap,        discard,
					       move, protect, fork_or_exit, change_file };
	unsigned i = below(24);

	if (i < sizeof(calls) / sizeof(calls[0]))
		calls[i]();
	else if (i == 8)
		resize();
	else
		touch(i & 1);
}

static void run(const struct quire_config *config, uint64_t seed, unsigned steps)
{
	memset(&m, 0, sizeof(m));
	m.seed = seed;
	if (!process_rig(&m.rig, config, RAM))
		return;
	m.huge = huge_bytes(&m.rig);
	huge_set(&m.rig, 8, 1);
	CHECK_EQ(quire_memfd_create(m.rig.q, "model", QUIRE_MFD_HUGETLB, &m.file), 0);
	CHECK_EQ(quire_mm_create(m.rig.q, NULL, &m.space[0].mm), 0);
	for (unsigned i = 0; i < steps && !test_failures; i++) {
		step();
		rig_sound(&m.rig);
		if (test_failures)
			printf("machine %d, seed %" PRIu64 ", step %u\n",
			       (int)quire_config(m.rig.q)->machine, seed, i);
	}
	CHECK(m.nr_sigbus && m.nr_sure);
	for (unsigned i = 0; i < MMS; i++) {
		if (m.space[i].mm)
			process_end(&m.rig, m.space[i].mm);
	}
	quire_file_put(m.file);
	huge_set(&m.rig, 0, 0);
	CHECK_STR(huge_pool(&m.rig), "0 0 0 0");
	rig_end(&m.rig);
}

TEST(model)
{
	for (unsigned i = 0; process_machine(i); i++) {
		for (uint64_t seed = 1; seed <= 2; seed++)
			run(process_machine(i), seed, test_times(TEST_SANITIZED ? 150 : 400));
	}
}

TEST_MAIN(CASE(model))
