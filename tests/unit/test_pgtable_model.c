/* SPDX-License-Identifier: MIT */
/*
 * test_pgtable_model.c - random changes of page tables against a naive model and the software MMU
 *
 * The model is an array: what each page of a window of addresses is mapped to. After
 * each change some addresses are translated three ways, by the core (query, walk), by the MMU
 * through its TLB, and by the array; over all formats a million of them. Frames in a part of
 * memory hold their own number, so that what is read tells where it was read.
 *
 *   QUIRE_LONG=1 test_pgtable_model     fifty times as many
 *   QUIRE_SEED=n test_pgtable_model     from another seed
 */
#include "paging.h"

#define SLOWNESS (TEST_SANITIZED ? 10 : 1)

#define STAMPED_START MB(32)
#define STAMPED_END MB(48)
#define MARKS (QUIRE_PTE_ACCESSED | QUIRE_PTE_DIRTY)
#define CHANGES 2500

/** struct page - what the model says of a page */
struct page {
	uint64_t phys; /* of the page */
	quire_pte_t pte; /* 0: not mapped */
};

/** struct model - a window of addresses, and the table that maps it */
struct model {
	struct rig rig;
	struct quire_table *table, *process; /* the same, or the kernel's and a process's */
	uint64_t start, nr;                  /* of the window, in pages */
	struct page *page;
	unsigned large[3]; /* orders of large pages, 0 ends */
	uint64_t phys_end;
	uint64_t seed, compared;
	bool kernel;
};

static uint64_t below(struct model *m, uint64_t n)
{
	return test_random(&m->seed) % n;
}

/* A range of pages in the window: mostly small, sometimes made of large pages. */
static uint64_t pick(struct model *m, uint64_t *first)
{
	uint64_t kind = below(m, 100), nr = 1 + below(m, 16);
	unsigned order = m->large[0];

	*first = below(m, m->nr);
	if (kind >= 60)
		nr = 1 + below(m, 1500);
	if (kind >= 80) {
		if (kind >= 97 && m->large[1])
			order = m->large[1];
		nr = (1 + below(m, 2)) << order;
		*first &= ~((1ull << order) - 1);
		if (kind & 1) { /* not quite */
			*first += below(m, 3);
			nr -= below(m, 3);
		}
	}
	if (*first + nr > m->nr)
		nr = m->nr - *first;
	return nr;
}

static quire_pte_t random_pte(struct model *m)
{
	quire_pte_t pte = (quire_pte_t)below(m, QUIRE_PTE_BITS + 1) | QUIRE_PTE_PRESENT;

	if (m->rig.q && quire_config(m->rig.q)->machine == QUIRE_I386)
		pte &= ~QUIRE_PTE_NX;
	return pte & ~(m->kernel ? QUIRE_PTE_USER : QUIRE_PTE_GLOBAL);
}

static bool is_free(const struct model *m, uint64_t first, uint64_t nr)
{
	for (uint64_t i = first; i < first + nr; i++) {
		if (m->page[i].pte)
			return false;
	}
	return true;
}

static quire_virt_t at(const struct model *m, uint64_t page)
{
	return virt((m->start + page) * QUIRE_PAGE_SIZE);
}

static void do_map(struct model *m, uint64_t first, uint64_t nr)
{
	static const unsigned orders[] = { 0, 9, 10, 18, 63 };
	quire_pte_t pte = random_pte(m);
	uint64_t phys = STAMPED_START + below(m, 2048) * QUIRE_PAGE_SIZE;
	bool good = is_free(m, first, nr);

	if (below(m, 4) == 0)
		phys = below(m, (m->phys_end - nr * QUIRE_PAGE_SIZE) >> 12) << 12;
	if (below(m, 2)) /* as virtual addresses are, so that large pages fit */
		phys = (phys & ~(MB(4) - 1)) | (at(m, first).v & (MB(4) - 1));
	if (phys + nr * QUIRE_PAGE_SIZE > m->phys_end)
		return;
	CHECK_EQ(quire_table_map(m->table, at(m, first), quire_phys(phys), nr * QUIRE_PAGE_SIZE,
				 pte, orders[below(m, 5)]),
		 good ? 0 : -QUIRE_EEXIST);
	for (uint64_t i = 0; good && i < nr; i++)
		m->page[first + i] = (struct page){ phys + i * QUIRE_PAGE_SIZE, pte };
}

static void do_map_pages(struct model *m, uint64_t first, uint64_t nr)
{
	struct quire_page *pages[64];
	quire_pte_t pte = random_pte(m);
	bool good;

	nr = nr > 64 ? 64 : nr;
	good = is_free(m, first, nr);
	for (uint64_t i = 0; i < nr; i++) {
		uint64_t pfn = (STAMPED_START + below(m, STAMPED_END - STAMPED_START)) >> 12;

		pages[i] = quire_pfn_page(m->rig.q, quire_pfn(pfn));
		if (good)
			m->page[first + i] = (struct page){ pfn << 12, pte };
	}
	CHECK_EQ(quire_table_map_pages(m->table, at(m, first), pages, nr, pte),
		 good ? 0 : -QUIRE_EEXIST);
}

static void do_unmap(struct model *m, uint64_t first, uint64_t nr)
{
	CHECK_EQ(quire_table_unmap(m->table, at(m, first), nr * QUIRE_PAGE_SIZE, NULL), 0);
	memset(m->page + first, 0, nr * sizeof(*m->page));
}

static void do_protect(struct model *m, uint64_t first, uint64_t nr)
{
	quire_pte_t few = 1u << below(m, 13) | 1u << below(m, 13);
	struct quire_table_change change = { .set = random_pte(m) & few,
					     .clear = random_pte(m) & few };

	change.set &= ~QUIRE_PTE_PRESENT;
	change.clear &= ~QUIRE_PTE_PRESENT;
	CHECK_EQ(quire_table_protect(m->table, at(m, first), nr * QUIRE_PAGE_SIZE, change, NULL),
		 0);
	for (uint64_t i = first; i < first + nr; i++) {
		if (m->page[i].pte)
			m->page[i].pte = (m->page[i].pte & ~change.clear) | change.set;
	}
}

/* Copy to a table of its own, and compare that. */
static void do_copy(struct model *m, uint64_t first, uint64_t nr)
{
	quire_pte_t clear = below(m, 2) ? QUIRE_PTE_RW : 0;
	struct quire_table *copy;

	if (m->kernel)
		return;
	CHECK_EQ(quire_table_create(m->rig.q, &copy), 0);
	CHECK_EQ(quire_table_copy(copy, m->table, at(m, first), nr * QUIRE_PAGE_SIZE, clear, NULL),
		 0);
	for (uint64_t i = first; i < first + nr; i++) {
		struct quire_mapping map;
		int error = quire_table_query(copy, at(m, i), &map);

		m->page[i].pte &= ~clear;
		CHECK_EQ(error, m->page[i].pte ? 0 : -QUIRE_ENOENT);
		if (error || (i & 15))
			continue;
		CHECK_EQ(map.phys.v + (at(m, i).v - map.virt.v), m->page[i].phys);
		CHECK_EQ((map.pte ^ m->page[i].pte) & ~MARKS, 0);
	}
	rig_sound(&m->rig);
	CHECK_EQ(quire_table_destroy(copy), 0);
}

/* The fault that the model expects of an access; error code and vector in one, 0: none. */
static unsigned expected(const struct model *m, const struct page *page, enum quire_access access,
			 bool user)
{
	unsigned code = (access == QUIRE_ACCESS_WRITE ? 2 : 0) | (user ? 4 : 0);

	if (access == QUIRE_ACCESS_EXEC && quire_config(m->rig.q)->machine != QUIRE_I386)
		code |= 16;
	if (!page->pte)
		return 1000 + code;
	if ((user && !(page->pte & QUIRE_PTE_USER)) ||
	    (access == QUIRE_ACCESS_WRITE && !(page->pte & QUIRE_PTE_RW)) ||
	    (access == QUIRE_ACCESS_EXEC && (page->pte & QUIRE_PTE_NX)))
		return 1000 + code + 1;
	return 0;
}

static unsigned seen(const struct quire_exception *fault)
{
	if (fault->vector == QUIRE_VECTOR_NONE)
		return 0;
	return 986 + (unsigned)fault->vector + fault->error_code;
}

/* One address, three ways. */
static void compare(struct model *m, uint64_t i)
{
	const struct page *page = &m->page[i];
	enum quire_access access = (enum quire_access)below(m, 3);
	bool user = below(m, 2);
	uint64_t offset = below(m, 512) * 8, word = 0;
	quire_virt_t address = virt(at(m, i).v + offset);
	struct quire_exception fault;
	struct quire_mapping map;
	struct quire_walk walk;
	unsigned wanted = expected(m, page, access, user);
	int error = quire_table_query(m->table, address, &map);

	m->compared++;
	CHECK_EQ(error, page->pte ? 0 : -QUIRE_ENOENT);
	if (!error) {
		CHECK_EQ(map.phys.v + (at(m, i).v - map.virt.v), page->phys);
		CHECK_EQ((map.pte ^ page->pte) & ~MARKS, 0);
	}
	CHECK_EQ(quire_table_walk(m->table, address, access, user, &walk), !wanted);
	CHECK_EQ(seen(&walk.fault), wanted);
	if (!wanted)
		CHECK_EQ(walk.phys.v, page->phys + offset);
	if (access == QUIRE_ACCESS_WRITE && !wanted &&
	    (page->phys < STAMPED_START || page->phys >= STAMPED_END))
		return; /* somebody else's memory */
	if (access == QUIRE_ACCESS_WRITE)
		word = page->phys >> 12;
	fault = quire_hosted_access(&m->rig.host, address, &word, sizeof(word), access, user);
	if (fault.vector == QUIRE_VECTOR_PF && quire_table_sync(m->process, address))
		fault = quire_hosted_access(&m->rig.host, address, &word, sizeof(word), access,
					    user);
	CHECK_EQ(seen(&fault), wanted);
	if (fault.vector == QUIRE_VECTOR_PF)
		CHECK_EQ(fault.address.v, address.v);
	if (!wanted && access == QUIRE_ACCESS_READ && page->phys >= STAMPED_START &&
	    page->phys < STAMPED_END)
		CHECK_EQ(word, page->phys >> 12);
}

static void change(struct model *m)
{
	static void (*const what[])(struct model *, uint64_t, uint64_t) = {
		do_map, do_map, do_map, do_map_pages, do_unmap, do_unmap, do_protect, do_protect,
		do_protect, do_copy,
	};
	uint64_t first, nr = pick(m, &first);
	struct quire_table_stat stat;

	if (!nr)
		return;
	what[below(m, sizeof(what) / sizeof(what[0]))](m, first, nr);
	quire_table_stat(m->table, &stat);
	if (stat.nr_tables < 40 || below(m, 20) == 0)
		rig_sound(&m->rig);
	/* The borders, the middle, anywhere. */
	compare(m, first);
	compare(m, first + nr - 1);
	if (first)
		compare(m, first - 1);
	if (first + nr < m->nr)
		compare(m, first + nr);
	for (unsigned i = 0; i < 40; i++)
		compare(m, first + below(m, nr));
	for (unsigned i = 0; i < 6; i++)
		compare(m, below(m, m->nr));
}

/* Every frame of the part that is read holds its number, many times over. */
static void stamp(struct model *m)
{
	for (uint64_t phys = STAMPED_START; phys < STAMPED_END; phys += 8) {
		uint64_t pfn = phys >> 12;

		memcpy(m->rig.host.direct + phys, &pfn, 8);
	}
}

static bool start(struct model *m, enum quire_machine machine, bool kernel)
{
	/* Windows across a border of the root's entries, but for i386's: those are 4 MB each. */
	static const uint64_t user_start[] = { 0x08000000, 0x3f000000, 0x7f80000000,
					       0xffff80000000 };
	static const uint64_t kernel_start[] = { 0xf0000000, 0xf0000000, 0xffffc97f80000000,
						 0xff00ffff80000000 };
	static const unsigned char width[] = { 32, 36, 46, 52 };
	const char *seed = getenv("QUIRE_SEED");

	*m = (struct model){ .start = (kernel ? kernel_start : user_start)[machine] >> 12,
			     .nr = machine >= QUIRE_X86_64 ? 0xc0000 : 0x8000,
			     .kernel = kernel,
			     .large = { machine == QUIRE_I386 ? 10 : 9,
					machine >= QUIRE_X86_64 ? 18 : 0 },
			     .phys_end = 1ull << width[machine],
			     .seed = seed ? strtoull(seed, NULL, 0) : 1 };
	m->page = calloc(m->nr, sizeof(*m->page));
	if (!m->page ||
	    !paging_start_without(&m->rig, machine, MB(64), STAMPED_START, STAMPED_END))
		return false;
	m->table = quire_table_kernel(m->rig.q);
	CHECK_EQ(quire_table_create(m->rig.q, &m->process), 0);
	if (!kernel)
		m->table = m->process;
	CHECK_EQ(quire_table_load(m->process), 0);
	return true;
}

static void model(enum quire_machine machine, bool kernel)
{
	unsigned nr = test_times(CHANGES / SLOWNESS);
	struct quire_mapping map;
	struct model m;

	if (!start(&m, machine, kernel))
		return;
	stamp(&m);
	for (unsigned i = 0; i < nr && !test_failures; i++)
		change(&m);
	if (test_failures)
		printf("%s, %s half: seed %llu\n", quire_machine_name(machine),
		       kernel ? "kernel's" : "user", (unsigned long long)m.seed);
	do_unmap(&m, 0, m.nr);
	CHECK(!quire_table_next(m.table, virt(0), &map));
	rig_sound(&m.rig);
	CHECK(m.compared > 30ull * nr);
	quire_table_trim(quire_table_kernel(m.rig.q));
	rig_sound(&m.rig);
	CHECK_EQ(quire_table_destroy(m.process), -QUIRE_EBUSY);
	CHECK_EQ(quire_table_load(quire_table_kernel(m.rig.q)), 0);
	CHECK_EQ(quire_table_destroy(m.process), 0);
	free(m.page);
	rig_end(&m.rig);
}

TEST(user_half)
{
	for (unsigned kind = 0; kind < QUIRE_NR_MACHINES; kind++)
		model((enum quire_machine)kind, false);
}

TEST(kernel_half)
{
	for (unsigned kind = 0; kind < QUIRE_NR_MACHINES; kind++)
		model((enum quire_machine)kind, true);
}

TEST_MAIN(CASE(user_half), CASE(kernel_half))
