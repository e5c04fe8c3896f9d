/* SPDX-License-Identifier: MIT */
/*
 * test_huge_model.c - processes with huge pages that write, fork, change parts of them and end,
 * against a model of what they should read
 *
 * Each process has four huge pages' worth of fresh memory; the model holds a number for each page,
 * and whether it is mapped. The sysctls change meanwhile.
 */
#include "process.h"

#define HUGES 4
#define PAGES (HUGES * 1024)
#define PROCESSES 4
#define AT 0x20000000ull
#define AWAY 0x30000000ull

#define STEPS test_times(TEST_SANITIZED ? 700 : 2000)

/** What a process should see */
struct process {
	struct quire_mm *mm; /* NULL: there is none */
	uint32_t value[PAGES];
	bool gone[PAGES]; /* unmapped */
};

struct model {
	struct rig rig;
	struct process process[PROCESSES];
	struct quire_mm *loaded;
	uint64_t seed, serial;
	uint64_t n, pages; /* of a huge page, of all */
};

static uint64_t below(struct model *m, uint64_t n)
{
	return test_random(&m->seed) % n;
}

/* A range: mostly some pages, or whole huge pages. */
static void range(struct model *m, uint64_t *page, uint64_t *nr)
{
	if (below(m, 3)) {
		*page = below(m, m->pages);
		*nr = 1 + below(m, below(m, 2) ? 8 : m->pages - *page);
		if (*nr > m->pages - *page)
			*nr = m->pages - *page;
		return;
	}
	*page = below(m, HUGES) * m->n;
	*nr = (1 + below(m, HUGES - *page / m->n)) * m->n;
}

static bool has_hole(const struct process *p, uint64_t page, uint64_t nr)
{
	while (nr--) {
		if (p->gone[page++])
			return true;
	}
	return false;
}

static void read_step(struct model *m, struct process *p)
{
	uint64_t page = below(m, m->pages);
	uint32_t is = 1;

	if (p->gone[page]) {
		CHECK_EQ(process_touch(p->mm, AT + page * PAGE, &is, 4, QUIRE_ACCESS_READ),
			 QUIRE_SEGV_MAPERR);
		return;
	}
	if (below(m, 4))
		CHECK_EQ(process_touch(p->mm, AT + page * PAGE, &is, 4, QUIRE_ACCESS_READ), 0);
	else
		CHECK_EQ(quire_copy_from_user(p->mm, &is, (quire_virt_t){ AT + page * PAGE }, 4),
			 0);
	CHECK_EQ(is, p->value[page]);
}

static void write_step(struct model *m, struct process *p)
{
	uint64_t page = below(m, m->pages);
	uint32_t value = (uint32_t)++m->serial;

	if (p->gone[page])
		return;
	if (below(m, 4))
		CHECK_EQ(process_touch(p->mm, AT + page * PAGE, &value, 4, QUIRE_ACCESS_WRITE), 0);
	else
		CHECK_EQ(quire_copy_to_user(p->mm, (quire_virt_t){ AT + page * PAGE }, &value, 4),
			 0);
	p->value[page] = value;
}

/* All that it should read, it does. */
static void read_all(struct model *m, struct process *p)
{
	uint32_t is;

	for (uint64_t page = 0; page < m->pages; page++) {
		is = 1;
		if (!p->gone[page]) {
			CHECK_EQ(quire_copy_from_user(p->mm, &is,
						      (quire_virt_t){ AT + page * PAGE }, 4),
				 0);
			CHECK_EQ(is, p->value[page]);
		}
	}
}

static void advise_step(struct model *m, struct process *p)
{
	static const int advices[] = { QUIRE_MADV_DONTNEED,   QUIRE_MADV_COLD,
				       QUIRE_MADV_PAGEOUT,    QUIRE_MADV_FREE,
				       QUIRE_MADV_HUGEPAGE,   QUIRE_MADV_NOHUGEPAGE,
				       QUIRE_MADV_COLLAPSE,   QUIRE_MADV_COLLAPSE,
				       QUIRE_MADV_COLLAPSE,   QUIRE_MADV_DONTDUMP,
				       QUIRE_MADV_DODUMP,     QUIRE_MADV_POPULATE_WRITE,
				       QUIRE_MADV_POPULATE_READ };
	int advice = advices[below(m, sizeof(advices) / sizeof(advices[0]))], error;
	uint64_t page, nr;

	range(m, &page, &nr);
	error = quire_madvise(p->mm, (quire_virt_t){ AT + page * PAGE }, nr * PAGE, advice);
	if (advice == QUIRE_MADV_COLLAPSE)
		CHECK(error == 0 || error == -QUIRE_EINVAL || error == -QUIRE_ENOMEM);
	else
		CHECK_EQ(error, has_hole(p, page, nr) ? -QUIRE_ENOMEM : 0);
	if (advice != QUIRE_MADV_DONTNEED)
		return;
	for (; nr--; page++)
		p->value[page] = 0;
}

/* Rights go and come back: contents stay. */
static void protect_step(struct model *m, struct process *p)
{
	static const unsigned prots[] = { QUIRE_PROT_NONE, QUIRE_PROT_READ };
	uint64_t page, nr;
	quire_virt_t at;

	range(m, &page, &nr);
	if (has_hole(p, page, nr))
		return;
	at.v = AT + page * PAGE;
	CHECK_EQ(quire_mprotect(p->mm, at, nr * PAGE, prots[below(m, 2)]), 0);
	CHECK_EQ(process_write(p->mm, at.v, 1), QUIRE_SEGV_ACCERR);
	if (!below(m, 4))
		quire_madvise(p->mm, at, nr * PAGE, QUIRE_MADV_COLLAPSE);
	rig_sound(&m->rig);
	CHECK_EQ(quire_mprotect(p->mm, at, nr * PAGE, PROT_RW), 0);
}

/* There and back again: aligned or not. */
static void move_step(struct model *m, struct process *p)
{
	uint64_t page, nr;
	quire_virt_t at, out;
	struct quire_mremap args = { .flags = QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED };

	range(m, &page, &nr);
	if (has_hole(p, page, nr))
		return;
	at.v = AT + page * PAGE;
	args.address = at;
	args.old_bytes = args.new_bytes = nr * PAGE;
	args.new_address.v = AWAY + (page + below(m, 2)) * PAGE;
	CHECK_EQ(quire_mremap(p->mm, &args, &out), 0);
	rig_sound(&m->rig);
	args.address = args.new_address;
	args.new_address = at;
	CHECK_EQ(quire_mremap(p->mm, &args, &out), 0);
}

static void map_step(struct model *m, struct process *p)
{
	struct quire_mmap args = { .prot = PROT_RW, .flags = MAP_ANON | QUIRE_MAP_FIXED };
	bool gone = below(m, 2);
	uint64_t page, nr;
	quire_virt_t out;

	range(m, &page, &nr);
	args.address.v = AT + page * PAGE;
	args.bytes = nr * PAGE;
	if (gone)
		CHECK_EQ(quire_munmap(p->mm, args.address, args.bytes), 0);
	else
		CHECK_EQ(quire_mmap(p->mm, &args, &out), 0);
	for (; nr--; page++) {
		p->gone[page] = gone;
		p->value[page] = 0;
	}
}

static void lock_step(struct model *m, struct process *p)
{
	uint64_t page, nr;

	range(m, &page, &nr);
	if (has_hole(p, page, nr))
		return;
	CHECK_EQ(quire_mlock(p->mm, (quire_virt_t){ AT + page * PAGE }, nr * PAGE, 0), 0);
	rig_sound(&m->rig);
	CHECK_EQ(quire_munlock(p->mm, (quire_virt_t){ AT + page * PAGE }, nr * PAGE), 0);
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
	read_all(m, p);
	CHECK_EQ(quire_table_load(quire_table_kernel(m->rig.q)), 0);
	CHECK_EQ(quire_mm_destroy(p->mm), 0);
	p->mm = m->loaded = NULL;
}

static void sysctl_step(struct model *m)
{
	struct quire_vm_sysctl sysctl;

	if (below(m, 2)) {
		CHECK_EQ(quire_khugepaged(m->rig.q, NULL), 0);
		return;
	}
	CHECK_EQ(quire_vm_sysctl(m->rig.q, &sysctl), 0);
	/* Mostly always. */
	sysctl.transparent_huge = below(m, 3) ? QUIRE_THP_ALWAYS : (enum quire_thp)below(m, 3);
	sysctl.use_zero_page = below(m, 3);
	sysctl.pages_to_scan = 1 + (unsigned)below(m, 4 * m->n);
	sysctl.max_ptes_none = below(m, 2) ? (unsigned)below(m, m->n) : (unsigned)m->n - 1;
	sysctl.max_ptes_shared = (unsigned)below(m, m->n);
	CHECK_EQ(quire_vm_set_sysctl(m->rig.q, &sysctl), 0);
}

static void step(struct model *m)
{
	struct process *p;

	do {
		p = &m->process[below(m, PROCESSES)];
	} while (!p->mm || (m->loaded && p->mm != m->loaded && below(m, 4)));
	if (m->loaded != p->mm)
		CHECK_EQ(quire_mm_load(p->mm), 0);
	m->loaded = p->mm;
	switch (below(m, 48)) {
	case 0:
	case 1:
		fork_step(m, p);
		break;
	case 2:
		end_step(m, p);
		break;
	case 3:
	case 4:
	case 5:
		advise_step(m, p);
		break;
	case 6:
		protect_step(m, p);
		break;
	case 7:
		move_step(m, p);
		break;
	case 8:
		map_step(m, p);
		break;
	case 9:
		lock_step(m, p);
		break;
	case 10:
	case 11:
		sysctl_step(m);
		break;
	default:
		if (below(m, 2))
			read_step(m, p);
		else
			write_step(m, p);
	}
}

static void run(unsigned machine, uint64_t seed)
{
	static struct model m;

	m = (struct model){ .seed = seed };
	printf("machine %u, seed %" PRIu64 "\n", machine, seed);
	if (!process_rig(&m.rig, process_machine(machine), MB(160)))
		return;
	m.n = process_machine(machine)->machine == QUIRE_I386 ? 1024 : 512;
	m.pages = HUGES * m.n;
	struct quire_mm_config config;

	quire_mm_config_init(&config);
	config.privileged = true;
	CHECK_EQ(quire_mm_create(m.rig.q, &config, &m.process[0].mm), 0);
	process_anon(m.process[0].mm, AT, m.pages);
	for (unsigned i = 0, steps = STEPS; i < steps && !test_failures; i++) {
		if (i == 10) {
			struct quire_vm_sysctl sysctl;

			CHECK_EQ(quire_vm_sysctl(m.rig.q, &sysctl), 0);
			sysctl.transparent_huge = QUIRE_THP_ALWAYS;
			CHECK_EQ(quire_vm_set_sysctl(m.rig.q, &sysctl), 0);
		}
		step(&m);
		if (i % 32 == 0)
			rig_sound(&m.rig);
		if (test_failures)
			printf("step %u\n", i);
	}
	struct quire_vm_stat stat;

	CHECK_EQ(quire_vm_stat(m.rig.q, &stat), 0);
	for (enum quire_thp_event e = 0; e < QUIRE_NR_THP_EVENTS; e++)
		printf("%s %" PRIu64 "\n", quire_thp_event_name(e), stat.thp[e]);
	CHECK_EQ(quire_table_load(quire_table_kernel(m.rig.q)), 0);
	for (unsigned i = 0; i < PROCESSES; i++) {
		if (m.process[i].mm)
			read_all(&m, &m.process[i]);
		CHECK_EQ(quire_mm_destroy(m.process[i].mm), 0);
	}
	check_no_anon(&m.rig, MB(160));
	rig_end(&m.rig);
}

TEST(model)
{
	for (unsigned i = 0; process_machine(i); i++)
		run(i, 300 + i);
}

TEST_MAIN(CASE(model))
