/* SPDX-License-Identifier: MIT */
/*
 * test_fault_model.c - processes that fork, write and end, against a model of what they should read
 *
 * Each process has three areas of 16 pages: fresh memory, a file mapped privately, the same file
 * shared. The model holds a number for each page; the file is written, truncated, punched and
 * synced meanwhile.
 */
#include "process.h"
#include "store.h"

#define PAGES 16
#define PROCESSES 5
#define AREA(kind) (0x20000000u + (kind) * 0x100000u)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STEPS 1500
#else
#define STEPS 6000
#endif

enum kind { FRESH, PRIVATE, SHARED };

/** What a process should see */
struct process {
	struct quire_mm *mm; /* NULL: there is none */
	uint64_t fresh[PAGES];
	uint64_t copy[PAGES];
	bool copied[PAGES];
};

struct model {
	struct rig rig;
	struct store store;
	struct quire_file *file;
	uint64_t in_file[PAGES];
	uint64_t size; /* pages */
	struct process process[PROCESSES];
	struct quire_mm *loaded;
	uint64_t seed, serial;
};

static uint64_t below(struct model *m, uint64_t n)
{
	return test_random(&m->seed) % n;
}

static void map_all(struct model *m, struct quire_mm *mm)
{
	static const unsigned flags[] = { MAP_ANON, QUIRE_MAP_PRIVATE, QUIRE_MAP_SHARED };

	for (unsigned kind = FRESH; kind <= SHARED; kind++) {
		struct quire_mmap args = { .address = { AREA(kind) }, .bytes = PAGES * PAGE,
					   .prot = PROT_RW, .flags = flags[kind] | QUIRE_MAP_FIXED,
					   .file = kind ? m->file : NULL };
		quire_virt_t out;

		CHECK_EQ(quire_mmap(mm, &args, &out), 0);
	}
}

/* What a page should hold. Return: the end of an access: 0 or a signal */
static int expected(const struct model *m, const struct process *p, enum kind kind, uint64_t page,
		    uint64_t *out)
{
	*out = kind == FRESH               ? p->fresh[page]
	       : kind == PRIVATE && p->copied[page] ? p->copy[page]
						    : m->in_file[page];
	return kind != FRESH && page >= m->size ? -QUIRE_BUS_ADRERR : 0;
}

static void read_step(struct model *m, struct process *p)
{
	enum kind kind = (enum kind)below(m, 3);
	uint64_t page = below(m, PAGES), is = 0, should;
	int end = expected(m, p, kind, page, &should);

	CHECK_EQ(process_touch(p->mm, AREA(kind) + page * PAGE, &is, 8, QUIRE_ACCESS_READ), end);
	if (!end)
		CHECK_EQ(is, should);
}

static void write_step(struct model *m, struct process *p)
{
	enum kind kind = (enum kind)below(m, 3);
	uint64_t page = below(m, PAGES), value = ++m->serial, old;
	int end = expected(m, p, kind, page, &old);

	if (below(m, 4))
		CHECK_EQ(process_write(p->mm, AREA(kind) + page * PAGE, value), end);
	else
		CHECK_EQ(quire_copy_to_user(p->mm, (quire_virt_t){ AREA(kind) + page * PAGE },
					    &value, 8),
			 end ? 8 : 0);
	if (end)
		return;
	if (kind == FRESH)
		p->fresh[page] = value;
	if (kind == PRIVATE)
		p->copy[page] = value, p->copied[page] = true;
	if (kind == SHARED)
		m->in_file[page] = value;
}

/* Forget what is private in a range. */
static void advise_step(struct model *m, struct process *p)
{
	enum kind kind = (enum kind)below(m, 3);
	uint64_t page = below(m, PAGES), nr = 1 + below(m, PAGES - page);

	CHECK_EQ(quire_madvise(p->mm, (quire_virt_t){ AREA(kind) + page * PAGE }, nr * PAGE,
			       QUIRE_MADV_DONTNEED),
		 0);
	for (; nr--; page++) {
		if (kind == FRESH)
			p->fresh[page] = 0;
		if (kind == PRIVATE)
			p->copied[page] = false;
	}
}

/* Rights go and come back: contents stay. */
static void protect_step(struct model *m, struct process *p)
{
	static const unsigned prots[] = { QUIRE_PROT_NONE, QUIRE_PROT_READ };
	enum kind kind = (enum kind)below(m, 3);
	uint64_t page = below(m, PAGES), nr = 1 + below(m, PAGES - page);
	quire_virt_t at = { AREA(kind) + page * PAGE };

	CHECK_EQ(quire_mprotect(p->mm, at, nr * PAGE, prots[below(m, 2)]), 0);
	CHECK_EQ(process_write(p->mm, at.v, 1), QUIRE_SEGV_ACCERR);
	rig_sound(&m->rig);
	CHECK_EQ(quire_mprotect(p->mm, at, nr * PAGE, PROT_RW), 0);
}

/* There and back again. */
static void move_step(struct model *m, struct process *p)
{
	enum kind kind = (enum kind)below(m, 3);
	uint64_t page = below(m, PAGES), nr = 1 + below(m, PAGES - page);
	quire_virt_t at = { AREA(kind) + page * PAGE }, away = { 0x30000000 + page * PAGE }, out;
	struct quire_mremap args = { .address = at, .old_bytes = nr * PAGE, .new_bytes = nr * PAGE,
				     .flags = QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED,
				     .new_address = away };

	CHECK_EQ(quire_mremap(p->mm, &args, &out), 0);
	rig_sound(&m->rig);
	args.address = away;
	args.new_address = at;
	CHECK_EQ(quire_mremap(p->mm, &args, &out), 0);
}

static void file_step(struct model *m)
{
	uint64_t page = below(m, PAGES), value = ++m->serial, i;
	size_t done;

	switch (below(m, 5)) {
	case 0:
		CHECK_EQ(quire_file_truncate(m->file, page * PAGE), 0);
		for (i = page; i < PAGES; i++) {
			m->in_file[i] = 0;
			for (unsigned n = 0; n < PROCESSES; n++)
				m->process[n].copied[i] = false;
		}
		m->size = page;
		break;
	case 1:
		CHECK_EQ(quire_file_allocate(m->file,
					     QUIRE_FALLOC_KEEP_SIZE | QUIRE_FALLOC_PUNCH_HOLE,
					     page * PAGE, 2 * PAGE),
			 0);
		for (i = page; i < page + 2 && i < PAGES; i++)
			m->in_file[i] = 0;
		break;
	case 2:
		CHECK_EQ(quire_file_sync(m->file, 0, UINT64_MAX), 0);
		break;
	case 3:
		quire_pagecache_drop(m->rig.q);
		break;
	default:
		CHECK_EQ(quire_file_write(m->file, page * PAGE, &value, 8, &done), 0);
		CHECK_EQ(done, 8);
		m->in_file[page] = value;
		if (page >= m->size) {
			/* The page ends after these 8 bytes: make it whole. */
			CHECK_EQ(quire_file_truncate(m->file, (page + 1) * PAGE), 0);
			m->size = page + 1;
		}
	}
}

static void fork_step(struct model *m, struct process *p)
{
	struct process *child = &m->process[below(m, PROCESSES)];
	struct quire_mm *mm;

	if (child->mm)
		return;
	CHECK_EQ(quire_mm_fork(p->mm, &mm), 0);
	*child = *p;
	child->mm = mm;
}

static void end_step(struct model *m, struct process *p)
{
	unsigned alive = 0;

	for (unsigned i = 0; i < PROCESSES; i++)
		alive += m->process[i].mm != NULL;
	if (alive < 2)
		return;
	CHECK_EQ(quire_table_load(quire_table_kernel(m->rig.q)), 0);
	CHECK_EQ(quire_mm_destroy(p->mm), 0);
	p->mm = m->loaded = NULL;
}

static void step(struct model *m)
{
	struct process *p;

	do {
		p = &m->process[below(m, PROCESSES)];
	} while (!p->mm || (m->loaded && p->mm != m->loaded && below(m, 4)));
	/* Its TLB keeps what it has. */
	if (m->loaded != p->mm)
		CHECK_EQ(quire_mm_load(p->mm), 0);
	m->loaded = p->mm;
	switch (below(m, 32)) {
	case 0:
	case 1:
		fork_step(m, p);
		break;
	case 2:
		end_step(m, p);
		break;
	case 3:
		advise_step(m, p);
		break;
	case 4:
		protect_step(m, p);
		break;
	case 5:
		move_step(m, p);
		break;
	case 6:
	case 7:
		file_step(m);
		break;
	default:
		if (below(m, 2))
			read_step(m, p);
		else
			write_step(m, p);
	}
}

static void run(unsigned machine, bool stored, uint64_t seed)
{
	struct model m = { .seed = seed };

	printf("machine %u, %s, seed %" PRIu64 "\n", machine, stored ? "store" : "memory", seed);
	if (!process_rig(&m.rig, process_machine(machine), MB(64)))
		return;
	struct files files = { .q = m.rig.q };

	if (stored) {
		store_make(&files, &m.store, 0, 2 * PAGES * PAGE);
		m.file = files_open(&files, &m.store, 0);
	} else
		CHECK_EQ(quire_memfd_create(m.rig.q, "model", 0, &m.file), 0);
	CHECK_EQ(quire_mm_create(m.rig.q, NULL, &m.process[0].mm), 0);
	map_all(&m, m.process[0].mm);
	for (unsigned i = 0, nr = test_times(STEPS); i < nr && !test_failures; i++) {
		step(&m);
		if (i % 16 == 0)
			rig_sound(&m.rig);
		if (test_failures)
			printf("step %u\n", i);
	}
	CHECK_EQ(quire_table_load(quire_table_kernel(m.rig.q)), 0);
	for (unsigned i = 0; i < PROCESSES; i++)
		CHECK_EQ(quire_mm_destroy(m.process[i].mm), 0);
	quire_file_put(m.file);
	rig_end(&m.rig);
	free(m.store.bytes);
}

TEST(memory)
{
	for (unsigned i = 0; process_machine(i); i++)
		run(i, false, 100 + i);
}

TEST(stored)
{
	for (unsigned i = 0; process_machine(i); i++)
		run(i, true, 200 + i);
}

TEST_MAIN(CASE(memory), CASE(stored))
