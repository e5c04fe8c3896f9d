/* SPDX-License-Identifier: MIT */
/*
 * test_vmalloc_sweep.c - vmalloc, vmap, ioremap and kmap when the n-th frame is not to be had; a
 * model of areas under random calls
 *
 * Rules KVMA-1 to KVMA-5, KMAP-1 to KMAP-4, FIXM-1 and FIXM-2 are checked after each
 * step, and each is broken once to see that it is noticed.
 */
#include "kernel.h"

#include "kmem/kspace.h"
#include "pgtable/slots.h"

static uint64_t seed;

static uint64_t random_below(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

/* Leave @n frames free; the rest is in @page. Return: how many that is */
static size_t leave_free(struct rig *rig, struct quire_page **page, size_t max, size_t n)
{
	size_t nr = rig_fill(rig, QUIRE_GFP_HIGHUSER | QUIRE_GFP_BIT_MEMALLOC, 0, page, max);

	CHECK(nr < max);
	for (size_t i = 0; i < n && nr; i++)
		quire_page_free(rig->q, page[--nr], 0);
	return nr;
}

enum op { OP_SMALL, OP_LARGE, OP_HUGE, OP_MAP, OP_IO, NR_OPS };

static int do_op(struct rig *rig, enum op op, struct quire_page **held, quire_virt_t *out)
{
	switch (op) {
	case OP_SMALL:
		return quire_vmalloc(rig->q, 5 * 4096, out);
	case OP_LARGE:
		return quire_vmalloc(rig->q, 150 * 4096, out);
	case OP_HUGE:
		return quire_vmalloc_huge(rig->q, MB(4) + 3 * 4096, QUIRE_GFP_KERNEL, out);
	case OP_MAP:
		return quire_vmap(rig->q, held, 5, QUIRE_PTE_KERNEL, out);
	default:
		return quire_ioremap(rig->q, quire_phys(GB(3)), 20 * 4096, QUIRE_PTE_UC, out);
	}
}

static enum quire_vfree undo_op(struct rig *rig, enum op op, quire_virt_t virt)
{
	return op == OP_MAP  ? quire_vunmap(rig->q, virt)
	       : op == OP_IO ? quire_iounmap(rig->q, virt)
			     : quire_vfree(rig->q, virt);
}

/* With n frames left: all of it or nothing. Return: whether it was enough */
static bool try_with(enum quire_machine machine, enum op op, size_t n)
{
	static struct quire_page *page[8192], *held[5];
	struct quire_config config = rig_config(machine);
	quire_virt_t a = { 3 };
	struct rig rig;

	config.no_pcp = true;
	if (!rig_boot(&rig, config, MB(24)) || quire_kernel_boot(rig.q))
		return true;
	for (int i = 0; i < 5; i++)
		held[i] = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0);
	quire_set_min_free_kbytes(rig.q, 1);
	size_t nr = leave_free(&rig, page, 8192, n);
	uint64_t free = kernel_idle(&rig);
	int error = do_op(&rig, op, held, &a);

	rig_sound(&rig);
	if (error) {
		CHECK_EQ(error, -QUIRE_ENOMEM);
		CHECK_EQ(a.v, 3);
		CHECK_EQ(vmalloc_stat(&rig).nr_areas, 0);
	} else {
		CHECK_EQ(undo_op(&rig, op, a), QUIRE_VFREE_OK);
	}
	/* The region's first table stays (x86-64: it is in every root), nothing else. */
	CHECK(kernel_idle(&rig) + 2 >= free);
	rig_sound(&rig);
	rig_free_all(&rig, page, nr, 0);
	rig_end(&rig);
	return !error;
}

TEST(sweep)
{
	EACH_MACHINE(m)
	{
		for (int op = 0; op < NR_OPS; op++) {
			size_t n = 0;

			while (n < 1400 && !test_failures && !try_with(all_machines[m], op, n))
				n += op == OP_HUGE && n > 8 && n < 1000 ? 50 : 1;
			/* Frames, tables, and a slab for each of two records. */
			CHECK(n > 0 && n < 1100);
		}
	}
}

/* ---- Random calls against a model ------------------------------------------ */

#define SLOTS 300

struct slot {
	quire_virt_t virt;
	uint64_t nr;    /* pages; 0: empty */
	enum op op;
	uint64_t value; /* written to each page, plus its number */
};

static void model_fill(struct rig *rig, struct slot *s, struct quire_page **held)
{
	static uint64_t serial;

	s->op = (enum op)random_below(NR_OPS);
	if (do_op(rig, s->op, held, &s->virt))
		return;
	s->nr = s->op == OP_SMALL ? 5 : s->op == OP_LARGE ? 150 : s->op == OP_HUGE ? 1027 : 0;
	s->nr = s->op == OP_MAP ? 5 : s->op == OP_IO ? 20 : s->nr;
	s->value = ++serial << 16;
	if (s->op >= OP_MAP)
		return;
	for (uint64_t i = 0; i < s->nr; i++) {
		uint64_t value = s->value + i;

		CHECK_EQ(quire_write(rig->q, virt_of(s->virt.v + i * 4096), &value, 8, NULL), 0);
	}
}

static void model_empty(struct rig *rig, struct slot *s)
{
	for (uint64_t i = 0; s->op < OP_MAP && i < s->nr; i++) {
		uint64_t value = 0;

		CHECK_EQ(quire_read(rig->q, virt_of(s->virt.v + i * 4096), &value, 8, NULL), 0);
		CHECK_EQ(value, s->value + i);
	}
	CHECK_EQ(undo_op(rig, s->op, s->virt), QUIRE_VFREE_OK);
	/* Foreign if a purge has forgotten it by now. */
	CHECK(undo_op(rig, s->op, s->virt) != QUIRE_VFREE_OK);
	s->nr = 0;
}

/* No two overlap, and each has its guard page. */
static void model_check(struct rig *rig, const struct slot *slot)
{
	uint64_t nr = 0, seen = 0, from = 0;
	struct quire_vm_area area;

	for (int i = 0; i < SLOTS; i++)
		nr += slot[i].nr != 0;
	while (quire_vm_area_next(rig->q, virt_of(from), &area)) {
		CHECK(area.start.v >= from);
		from = area.start.v + area.bytes;
		if (area.kind == QUIRE_VM_LAZY)
			continue;
		seen++;
		for (int i = 0; i < SLOTS; i++) {
			if (slot[i].nr && slot[i].virt.v == area.start.v)
				CHECK_EQ(area.bytes, (slot[i].nr + 1) * 4096);
		}
	}
	CHECK_EQ(seen, nr);
	CHECK_EQ(vmalloc_stat(rig).nr_areas, nr);
	rig_sound(rig);
}

TEST(random_areas)
{
	seed = 0x2545f4914f6cdd1du;
	printf("seed %#" PRIx64 "\n", seed);
	EACH_MACHINE(m)
	{
		static struct slot slot[SLOTS];
		struct quire_page *held[5];
		struct rig rig;

		memset(slot, 0, sizeof(slot));
		if (!kernel_start(&rig, all_machines[m], MB(256)))
			return;
		for (int i = 0; i < 5; i++)
			held[i] = quire_page_alloc(rig.q, QUIRE_GFP_KERNEL, 0);
		unsigned nr = test_times(TEST_SANITIZED ? 500 : 1500);

		for (unsigned n = 0; n < nr && !test_failures; n++) {
			struct slot *s = &slot[random_below(n < nr / 2 ? SLOTS : 60)];

			quire_hosted_cpu((unsigned)random_below(4));
			quire_table_load(quire_table_kernel(rig.q));
			if (s->nr)
				model_empty(&rig, s);
			else
				model_fill(&rig, s, held);
			if (n % 50 == 0)
				model_check(&rig, slot);
			if (n % 400 == 399)
				quire_vm_unmap_aliases(rig.q);
		}
		for (int i = 0; i < SLOTS; i++) {
			if (slot[i].nr)
				model_empty(&rig, &slot[i]);
		}
		model_check(&rig, slot);
		rig_end(&rig);
	}
}

/* ---- Broken rules are noticed ------------------------------------------------ */

#define BROKEN(name, change, repair)                                  \
	do {                                                          \
		struct quire_violation found = { "none", "", 0 };     \
		change;                                               \
		CHECK(!quire_check(rig.q, &found));                   \
		CHECK(!strcmp(found.rule, name));                     \
		repair;                                               \
		CHECK(quire_check(rig.q, NULL));                      \
	} while (0)

TEST(rules_are_checked)
{
	struct rig rig;
	quire_virt_t a = { 0 }, b = { 0 }, c = { 0 };

	if (!kernel_start(&rig, QUIRE_I386_PAE, GB(2)))
		return;
	struct kspace *ks = kspace_of(rig.q);
	struct quire_page *page = quire_page_alloc(rig.q, QUIRE_GFP_HIGHUSER, 0);

	quire_vmalloc(rig.q, 3 * 4096, &a);
	quire_vmalloc(rig.q, 3 * 4096, &b);
	quire_vfree(rig.q, b);
	quire_kmap(rig.q, page, &c);
	struct area *area = tree_find(&ks->vmap.tree, a.v);
	struct area *lazy = tree_find(&ks->vmap.tree, b.v);
	uintptr_t word = area->first->private;
	void *entry = fixmap_entry(rig.q, 0);

	BROKEN("KVMA-1", area->start += 4096, area->start -= 4096);
	BROKEN("KVMA-1", area->nr_pages++, area->nr_pages--);
	BROKEN("KVMA-2", area->state = AREA_DYING, area->state = AREA_ALLOC);
	BROKEN("KVMA-3", ks->vmap.nr_areas++, ks->vmap.nr_areas--);
	BROKEN("KVMA-3", ks->vmap.nr_lazy++, ks->vmap.nr_lazy--);
	BROKEN("KVMA-3", ks->vmap.nr_frames++, ks->vmap.nr_frames--);
	BROKEN("KVMA-3", ks->vmap.lazy_end -= 4096, ks->vmap.lazy_end += 4096);
	BROKEN("KVMA-4", lazy->state = AREA_ALLOC, lazy->state = AREA_LAZY);
	BROKEN("KVMA-5", area->first->private = 0, area->first->private = word);
	BROKEN("KVMA-5", area->first = (struct quire_page *)word,
	       area->first = rig_nth(&rig, quire_vmalloc_page(rig.q, a), 0));
	BROKEN("KMAP-1", ks->kmap.slot[0].frame++, ks->kmap.slot[0].frame--);
	BROKEN("KMAP-1", ks->kmap.slot[9].users = 1, ks->kmap.slot[9].users = 0);
	uint16_t *bucket = ks->kmap.bucket;

	while (*bucket == KMAP_NONE)
		bucket++;
	BROKEN("KMAP-2", *bucket = KMAP_NONE, *bucket = 0);
	BROKEN("KMAP-3", ks->kmap.nr_open++, ks->kmap.nr_open--);
	BROKEN("KMAP-4", ks->kmap.stack[1].depth++, ks->kmap.stack[1].depth--);
	BROKEN("FIXM-1", slots_set(ks->table, entry, quire_phys(0), QUIRE_PTE_KERNEL),
	       slots_clear(ks->table, entry));
	entry = fixmap_entry(rig.q, layout_early_slot(quire_config(rig.q)) + 3);
	BROKEN("FIXM-2", slots_set(ks->table, entry, quire_phys(0), QUIRE_PTE_KERNEL),
	       slots_clear(ks->table, entry));
	rig_end(&rig);
}

TEST_MAIN(CASE(sweep), CASE(random_areas), CASE(rules_are_checked))
