/* SPDX-License-Identifier: MIT */
/*
 * fixmap.c - fixed addresses, and early ioremap in the lowest of them
 *
 *   fixaddr_boot_start              fixaddr_start                              top
 *   │ early ioremap: 8 x 64 pages │ │ kmap_local: 16 for each processor │ ACPI … APIC … │ guard │
 *                                                                       slot 15       1       0
 *
 * Early ioremap opens the window with the lowest number that is closed. A window is closed if its
 * first page is; it has as many pages as follow each other.
 *
 * Entries change under a lock, and the TLBs are flushed without it: by who closes, so that nobody
 * uses the slot any longer, and by who opens, because that flush may still be on its way.
 */
#include "pgtable/fixmap.h"

#include <quire/port.h>

#include "core/assert.h"
#include "core/hash.h"
#include "pgtable/slots.h"
#include "pgtable/tlb.h"

#define PAGE ((uint64_t)QUIRE_PAGE_SIZE)

int fixmap_make(struct quire_table *table, const struct quire_layout *layout)
{
	uint64_t start = layout->fixaddr_boot_start.v;

	/* With the page of slot 0, whatever that is. */
	return slots_make(table, layout->fixaddr_boot_start,
			  layout->fixaddr_top.v + PAGE - start);
}

void *fixmap_entry(const struct quire *q, unsigned slot)
{
	return slots_find(&pgtable_of(q)->kernel,
			  (quire_virt_t){ layout_fix_virt(&q->config, slot) });
}

/* Are the tables there? quire_kernel_boot makes them. */
static bool ready(const struct quire *q)
{
	return q->tier[TIER_KSPACE] != NULL;
}

const char *quire_fix_name(const struct quire *q, unsigned slot)
{
	static const struct {
		unsigned first;
		const char *name;
	} names[] = {
		{ QUIRE_FIX_ACPI, "ACPI" },	{ QUIRE_FIX_IO_APIC, "IO-APIC" },
		{ QUIRE_FIX_APIC, "APIC" },	{ QUIRE_FIX_EARLYCON, "early console" },
		{ QUIRE_FIX_DBGP, "debug port" },
	};
	unsigned early = layout_early_slot(&q->config);

	if (slot >= early && slot < early + QUIRE_EARLY_SLOTS * QUIRE_EARLY_PAGES)
		return "early ioremap";
	if (slot >= QUIRE_FIX_NR)
		return slot < layout_slots(&q->config) ? "kmap" : "unused";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slot >= names[i].first)
			return names[i].name;
	}
	return layout_is_64(q->config.machine) ? "vsyscall" : "guard";
}

quire_virt_t quire_fix_to_virt(const struct quire *q, unsigned slot)
{
	return (quire_virt_t){ layout_fix_virt(&q->config, slot) };
}

int quire_virt_to_fix(const struct quire *q, quire_virt_t virt, unsigned *slot)
{
	uint64_t top = layout_fix_virt(&q->config, 0);
	unsigned nr = layout_early_slot(&q->config) + QUIRE_EARLY_SLOTS * QUIRE_EARLY_PAGES;
	uint64_t page = virt.v & ~(PAGE - 1);

	if (page > top || (top - page) / PAGE >= nr)
		return -QUIRE_EINVAL;
	*slot = (unsigned)((top - page) / PAGE);
	return 0;
}

static uintptr_t enter(struct pgtable *pg) LOCK_ATTRIBUTE(acquire_capability(pg->fix))
{
	uintptr_t token = quire_port_cpu_enter();

	lock_take(&pg->fix);
	return token;
}

static void leave(struct pgtable *pg, uintptr_t token) LOCK_ATTRIBUTE(release_capability(pg->fix))
{
	lock_drop(&pg->fix);
	quire_port_cpu_leave(token);
}

/* Make all processors forget @nr pages that begin at @virt. */
static void forget(struct quire *q, uint64_t virt, unsigned nr)
{
	struct quire_tlb tlb;

	quire_tlb_begin(&tlb, quire_table_kernel(q));
	tlb_add(&tlb, (struct span){ virt, virt + nr * PAGE - 1 }, QUIRE_PAGE_SHIFT);
	quire_tlb_flush(&tlb);
}

static bool phys_ok(const struct quire *q, uint64_t phys, uint64_t bytes)
{
	const struct format *f = pgtable_of(q)->kernel.format;

	return phys + bytes > phys && !((phys + bytes - 1) >> f->phys_bits);
}

int quire_fixmap_set(struct quire *q, enum quire_fix slot, quire_phys_t phys, uint32_t pte)
{
	quire_phys_t old;

	if (!ready(q))
		return -QUIRE_ENODEV;
	if ((unsigned)slot - 1 >= QUIRE_FIX_NR - 1 || (phys.v & (PAGE - 1)) ||
	    !phys_ok(q, phys.v, PAGE) || (pte & ~QUIRE_PTE_BITS) || (pte & QUIRE_PTE_USER))
		return -QUIRE_EINVAL;
	void *entry = fixmap_entry(q, slot);
	struct pgtable *pg = pgtable_of(q);
	uintptr_t token = enter(pg);

	if (slots_get(&pg->kernel, entry, &old))
		slots_clear(&pg->kernel, entry);
	slots_set(&pg->kernel, entry, phys, pte);
	leave(pg, token);
	forget(q, layout_fix_virt(&q->config, slot), 1);
	return 0;
}

int quire_fixmap_clear(struct quire *q, enum quire_fix slot)
{
	quire_phys_t old;

	if (!ready(q))
		return -QUIRE_ENODEV;
	if ((unsigned)slot - 1 >= QUIRE_FIX_NR - 1)
		return -QUIRE_EINVAL;
	void *entry = fixmap_entry(q, slot);
	struct pgtable *pg = pgtable_of(q);
	uintptr_t token = enter(pg);
	bool mapped = slots_get(&pg->kernel, entry, &old);

	if (mapped)
		slots_clear(&pg->kernel, entry);
	leave(pg, token);
	if (mapped)
		forget(q, layout_fix_virt(&q->config, slot), 1);
	return mapped ? 0 : -QUIRE_EINVAL;
}

/* ---- Early ioremap ---------------------------------------------------------- */

/* The slot of page @i of a window: addresses go up as slots go down. */
static unsigned early_slot(const struct quire *q, unsigned window, unsigned i)
{
	return layout_early_slot(&q->config) + (window + 1) * QUIRE_EARLY_PAGES - 1 - i;
}

static bool early_mapped(const struct quire *q, unsigned window, unsigned i)
{
	quire_phys_t phys;

	return i < QUIRE_EARLY_PAGES &&
	       slots_get(&pgtable_of(q)->kernel, fixmap_entry(q, early_slot(q, window, i)), &phys);
}

static int early_map(struct quire *q, quire_phys_t phys, uint64_t bytes, quire_pte_t pte,
		     quire_virt_t *out)
{
	uint64_t offset = phys.v & (PAGE - 1), start = phys.v - offset;
	unsigned window = 0, nr = 0;

	if (!ready(q))
		return -QUIRE_ENODEV;
	if (!bytes || bytes > QUIRE_EARLY_PAGES * PAGE - offset ||
	    !phys_ok(q, start, offset + bytes))
		return -QUIRE_EINVAL;
	struct pgtable *pg = pgtable_of(q);
	uintptr_t token = enter(pg);

	while (window < QUIRE_EARLY_SLOTS && early_mapped(q, window, 0))
		window++;
	for (; window < QUIRE_EARLY_SLOTS && nr * PAGE < offset + bytes; nr++)
		slots_set(&pg->kernel, fixmap_entry(q, early_slot(q, window, nr)),
			  quire_phys(start + nr * PAGE), pte);
	leave(pg, token);
	if (!nr)
		return -QUIRE_EAGAIN;
	uint64_t virt = layout_fix_virt(&q->config, early_slot(q, window, 0));

	forget(q, virt, nr);
	out->v = virt + offset;
	return 0;
}

int quire_early_ioremap(struct quire *q, quire_phys_t phys, uint64_t bytes, quire_virt_t *out)
{
	return early_map(q, phys, bytes, QUIRE_PTE_KERNEL | QUIRE_PTE_UC, out);
}

int quire_early_memremap(struct quire *q, quire_phys_t phys, uint64_t bytes, quire_virt_t *out)
{
	return early_map(q, phys, bytes, QUIRE_PTE_KERNEL, out);
}

int quire_early_iounmap(struct quire *q, quire_virt_t virt, uint64_t bytes)
{
	uint64_t offset = virt.v & (PAGE - 1);
	unsigned slot, window, nr = 0;

	if (!ready(q))
		return -QUIRE_ENODEV;
	if (quire_virt_to_fix(q, virt, &slot) || slot < layout_early_slot(&q->config))
		return -QUIRE_EINVAL;
	window = (slot - layout_early_slot(&q->config)) / QUIRE_EARLY_PAGES;
	struct pgtable *pg = pgtable_of(q);
	uintptr_t token = enter(pg);

	while (early_mapped(q, window, nr))
		nr++;
	bool right = slot == early_slot(q, window, 0) && nr && bytes &&
		     bytes <= nr * PAGE - offset && offset + bytes > (nr - 1) * PAGE;

	for (unsigned i = 0; right && i < nr; i++)
		slots_clear(&pg->kernel, fixmap_entry(q, early_slot(q, window, i)));
	leave(pg, token);
	if (right)
		forget(q, virt.v - offset, nr);
	return right ? 0 : -QUIRE_EINVAL;
}

/* ---- Checking --------------------------------------------------------------- */

bool fixmap_check(const struct quire *q, struct quire_violation *out)
{
	unsigned early = layout_early_slot(&q->config);
	quire_phys_t phys;

	for (unsigned slot = 0; slot < early; slot++) {
		if (slot && slot < layout_slots(&q->config))
			continue;
		if (slots_get(&pgtable_of(q)->kernel, fixmap_entry(q, slot), &phys)) {
			*out = (struct quire_violation){
				"FIXM-1", "slot 0 and slots without a purpose are empty", slot
			};
			return false;
		}
	}
	for (unsigned window = 0; window < QUIRE_EARLY_SLOTS; window++) {
		for (unsigned i = 1; i < QUIRE_EARLY_PAGES; i++) {
			if (early_mapped(q, window, i) && !early_mapped(q, window, i - 1)) {
				*out = (struct quire_violation){
					"FIXM-2", "an early window's pages follow each other",
					window
				};
				return false;
			}
		}
	}
	return true;
}

uint64_t fixmap_hash(const struct quire *q, uint64_t hash)
{
	unsigned early = layout_early_slot(&q->config);
	unsigned nr = early + QUIRE_EARLY_SLOTS * QUIRE_EARLY_PAGES;
	quire_phys_t phys;

	for (unsigned slot = 1; slot < nr; slot++) {
		if (slots_get(&pgtable_of(q)->kernel, fixmap_entry(q, slot), &phys))
			hash = hash_word(hash_word(hash, slot), phys.v);
		if (slot == QUIRE_FIX_NR - 1)
			slot = early - 1;
	}
	return hash;
}
