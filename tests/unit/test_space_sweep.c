/* SPDX-License-Identifier: MIT */
/*
 * test_space_sweep.c - the system calls when the n-th record, node or frame is not to be had
 *
 * Each call is made with 0, 1, 2 … records of areas and tree nodes left, and nothing else in the
 * machine: it does all of its work, or says so and everything is as it was.
 */
#include "space.h"

#include "vm/mm.h"

#define AREAS 30
#define HELD_MAX 8192
/* Records and nodes that no call needs more of. */
#define NEEDED 40

/** struct hoard - what a test keeps from the machine */
struct hoard {
	struct quire_page *page[HELD_MAX];
	void *vma[HELD_MAX], *node[HELD_MAX];
	size_t nr_pages, nr_vmas, nr_nodes;
};

static struct space s;
static struct hoard hoard;

/* Take up to @max in all. Return: how many are held */
static size_t take(struct quire_cache *cache, void **held, size_t nr, size_t max)
{
	while (nr < max && (held[nr] = quire_cache_alloc(cache, QUIRE_GFP_KERNEL)))
		nr++;
	return nr;
}

static size_t give(struct quire_cache *cache, void **held, size_t nr, size_t n)
{
	while (n-- && nr)
		CHECK_EQ(quire_cache_free(cache, held[--nr]), QUIRE_KFREE_OK);
	return nr;
}

/* Leave so many records and nodes, and no frame. */
static void leave(size_t vmas, size_t nodes)
{
	struct vm *vm = vm_of(s.q);

	vma_nodes_put(s.mm, 0);
	hoard.nr_vmas = take(vm->vma_cache, hoard.vma, 0, NEEDED);
	hoard.nr_nodes = take(vm->node_cache, hoard.node, 0, NEEDED);
	hoard.nr_pages = rig_fill(&s.rig, QUIRE_GFP_HIGHUSER | QUIRE_GFP_BIT_MEMALLOC, 0,
				  hoard.page, HELD_MAX);
	hoard.nr_vmas = take(vm->vma_cache, hoard.vma, hoard.nr_vmas, HELD_MAX);
	hoard.nr_nodes = take(vm->node_cache, hoard.node, hoard.nr_nodes, HELD_MAX);
	CHECK(hoard.nr_pages < HELD_MAX && hoard.nr_vmas < HELD_MAX && hoard.nr_nodes < HELD_MAX);
	hoard.nr_vmas = give(vm->vma_cache, hoard.vma, hoard.nr_vmas, vmas);
	hoard.nr_nodes = give(vm->node_cache, hoard.node, hoard.nr_nodes, nodes);
}

static void give_back(void)
{
	struct vm *vm = vm_of(s.q);

	give(vm->vma_cache, hoard.vma, hoard.nr_vmas, hoard.nr_vmas);
	give(vm->node_cache, hoard.node, hoard.nr_nodes, hoard.nr_nodes);
	rig_free_all(&s.rig, hoard.page, hoard.nr_pages, 0);
}

enum op {
	OP_MAP, OP_MAP_OVER, OP_MAP_INSIDE, OP_MAP_SHARED, OP_UNMAP, OP_PROTECT, OP_PROTECT_MORE,
	OP_ADVISE, OP_LOCK, OP_SEAL, OP_BRK, OP_MOVE, OP_MOVE_INSIDE, OP_GROW, NR_OPS
};

/* Every third page from 0 on is free, areas of 8 are at 200 and 300. */
static int do_op(enum op op)
{
	const unsigned to = QUIRE_MREMAP_MAYMOVE | QUIRE_MREMAP_FIXED;

	switch (op) {
	case OP_MAP:
		return map_at(&s, 150, 2, RW, FIXED);
	case OP_MAP_OVER:
		return map_at(&s, 4, 20, QUIRE_PROT_READ, FIXED);
	case OP_MAP_INSIDE:
		return map_at(&s, 202, 2, QUIRE_PROT_READ, FIXED);
	case OP_MAP_SHARED:
		return map_at(&s, 202, 2, RW, QUIRE_MAP_SHARED | QUIRE_MAP_ANONYMOUS |
						      QUIRE_MAP_FIXED);
	case OP_UNMAP:
		return unmap_at(&s, 203, 2);
	case OP_PROTECT:
		return protect_at(&s, 203, 2, QUIRE_PROT_READ);
	case OP_PROTECT_MORE:
		return protect_at(&s, 204, 8, QUIRE_PROT_READ);
	case OP_ADVISE:
		return advise_at(&s, 203, 2, QUIRE_MADV_DONTFORK);
	case OP_LOCK:
		return quire_mlock(s.mm, at_page(203), 2 * PAGE, QUIRE_MLOCK_ONFAULT);
	case OP_SEAL:
		return quire_mseal(s.mm, at_page(203), 2 * PAGE, 0);
	case OP_BRK:
		return quire_brk(s.mm, at_page(402)).v == at_page(402).v ? 0 : -QUIRE_ENOMEM;
	case OP_MOVE:
		return remap_at(&s, 203, 2, 2, to, 170);
	case OP_MOVE_INSIDE:
		return remap_at(&s, 203, 2, 3, to, 302);
	default:
		return remap_at(&s, 203, 2, 9, QUIRE_MREMAP_MAYMOVE, 0);
	}
}

static void build(void)
{
	for (uint64_t n = 0; n < AREAS; n++)
		CHECK_EQ(map_at(&s, 3 * n, 2, RW, FIXED), 0);
	CHECK_EQ(map_at(&s, 200, 8, RW, FIXED), 0);
	CHECK_EQ(map_at(&s, 208, 8, RW | QUIRE_PROT_EXEC, FIXED), 0);
	CHECK_EQ(map_at(&s, 300, 8, RW, FIXED), 0);
	CHECK_EQ(quire_mm_set_brk(s.mm, at_page(400)), 0);
}

/* Return: whether it was enough */
static bool try_with(enum op op, size_t vmas, size_t nodes)
{
	struct quire_mm_stat before, after;
	uint64_t committed;
	char areas[4096];
	int error;

	if (!space_start(&s, QUIRE_X86_64, MB(16)))
		return true;
	build();
	leave(vmas, nodes);
	before = space_stat(&s);
	committed = space_committed(&s);
	strcpy(areas, space_areas(&s));
	error = do_op(op);
	if (error) {
		CHECK_EQ(error, op == OP_ADVISE ? -QUIRE_EAGAIN : -QUIRE_ENOMEM);
		after = space_stat(&s);
		after.hiwater_vm = before.hiwater_vm;
		CHECK(!memcmp(&before, &after, sizeof(after)));
		CHECK_STR(space_areas(&s), areas);
		CHECK_EQ(space_committed(&s), committed);
	} else {
		CHECK(strcmp(space_areas(&s), areas) != 0);
	}
	space_sound(&s);
	give_back();
	/* With all there is, it succeeds. */
	if (error)
		CHECK_EQ(do_op(op), 0);
	space_end(&s);
	return !error;
}

TEST(records_and_nodes)
{
	for (int op = 0; op < NR_OPS; op++) {
		/* Behind shared memory there are a file and its inode: from frames. */
		if (op == OP_MAP_SHARED)
			continue;
		size_t vmas = 0, nodes = 0;

		while (vmas < 8 && !test_failures && !try_with((enum op)op, vmas, NEEDED))
			vmas++;
		while (nodes < NEEDED && !test_failures && !try_with((enum op)op, 8, nodes))
			nodes++;
		CHECK(vmas <= 4 && nodes <= 16);
		if (test_failures)
			printf("call %d: %zu records, %zu nodes\n", op, vmas, nodes);
	}
	CHECK(!try_with(OP_MAP_SHARED, 8, NEEDED));
}

/* Pages move to where there are no page tables yet, with n frames left. */
TEST(page_tables)
{
	const struct quire_mremap args = { at_page(0), 4 * PAGE, 4 * PAGE, 3, virt_of(0x60000000) };
	size_t n = 0;
	int error;

	do {
		uint32_t value = 7, back = 0;
		quire_virt_t out = { 0 };

		if (!space_start(&s, QUIRE_X86_64, MB(16)))
			return;
		CHECK_EQ(map_at(&s, 0, 4, RW, FIXED), 0);
		CHECK_EQ(quire_copy_to_user(s.mm, at_page(1), &value, 4), 0);
		quire_set_min_free_kbytes(s.q, 1);
		hoard.nr_pages = rig_fill(&s.rig, QUIRE_GFP_HIGHUSER | QUIRE_GFP_BIT_MEMALLOC, 0,
					  hoard.page, HELD_MAX);
		for (size_t i = 0; i < n; i++)
			quire_page_free(s.q, hoard.page[--hoard.nr_pages], 0);
		error = quire_mremap(s.mm, &args, &out);
		CHECK(!error || error == -QUIRE_ENOMEM);
		CHECK_EQ(space_committed(&s), 4);
		CHECK_EQ(space_stat(&s).total_vm, 4);
		CHECK_EQ(quire_copy_from_user(s.mm, &back,
					      virt_of((error ? BASE : 0x60000000) + PAGE), 4), 0);
		CHECK_EQ(back, value);
		space_sound(&s);
		rig_free_all(&s.rig, hoard.page, hoard.nr_pages, 0);
		space_end(&s);
	} while (error && ++n < 100);
	CHECK(n > 0 && n < 20);
}

/* A process that is created with n frames left. */
TEST(create)
{
	size_t n = 0;
	int error;

	do {
		struct quire_mm *mm = NULL;

		if (!space_boot(&s, QUIRE_I386_PAE, MB(16)))
			return;
		quire_set_min_free_kbytes(s.q, 1);
		hoard.nr_pages = rig_fill(&s.rig, QUIRE_GFP_HIGHUSER | QUIRE_GFP_BIT_MEMALLOC, 0,
					  hoard.page, HELD_MAX);
		for (size_t i = 0; i < n; i++)
			quire_page_free(s.q, hoard.page[--hoard.nr_pages], 0);
		error = quire_mm_create(s.q, NULL, &mm);
		CHECK(!error || error == -QUIRE_ENOMEM);
		space_sound(&s);
		if (!error)
			CHECK_EQ(quire_mm_destroy(mm), 0);
		rig_free_all(&s.rig, hoard.page, hoard.nr_pages, 0);
		space_end(&s);
	} while (error && ++n < 100);
	CHECK(n > 0 && n < 100);
}

/* quire_vm_boot, with n frames left and when the host says no. */
TEST(boot)
{
	struct rig rig;
	size_t n = 0;
	int error;

	do {
		if (!kernel_start(&rig, QUIRE_X86_64, MB(16)))
			return;
		CHECK_EQ(quire_cache_boot(rig.q), 0);
		quire_set_min_free_kbytes(rig.q, 1);
		hoard.nr_pages = rig_fill(&rig, QUIRE_GFP_HIGHUSER | QUIRE_GFP_BIT_MEMALLOC, 0,
					  hoard.page, HELD_MAX);
		for (size_t i = 0; i < n; i++)
			quire_page_free(rig.q, hoard.page[--hoard.nr_pages], 0);
		error = quire_vm_boot(rig.q);
		CHECK(!error || error == -QUIRE_ENOMEM);
		rig_free_all(&rig, hoard.page, hoard.nr_pages, 0);
		if (error)
			CHECK_EQ(quire_vm_boot(rig.q), 0);
		rig_end(&rig);
	} while (error && ++n < 100);
	CHECK(n < 100);
}

TEST_MAIN(CASE(records_and_nodes), CASE(page_tables), CASE(create), CASE(boot))
