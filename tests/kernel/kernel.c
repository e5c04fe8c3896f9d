/* SPDX-License-Identifier: MIT */
/*
 * kernel.c - the tiers above the frames, used as a kernel does: by plain pointers
 */
#include "image.h"

#include <quire/highmem.h>
#include <quire/layout.h>
#include <quire/page.h>
#include <quire/pgtable.h>
#include <quire/slab.h>
#include <quire/vmalloc.h>

#include "x86.h"

#define OBJECTS 2000
#define AREA_PAGES 300
#define WINDOWS 64

/* The processor's interrupt controller, and its version register. */
#define APIC_PHYS 0xfee00000u
#define APIC_VERSION 0x30u

static void *pointer(quire_virt_t virt)
{
	return (void *)(uintptr_t)virt.v;
}

static size_t size_of(unsigned i)
{
	return 8 + i * 37 % 6000;
}

/* Objects of all sizes keep what is written to them, to their last byte. */
int objects(struct quire *q)
{
	static unsigned char *object[OBJECTS];

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = round; i < OBJECTS; i += 1 + round) {
			WANT(!object[i]);
			object[i] = quire_kmalloc(q, size_of(i), QUIRE_GFP_KERNEL);
			WANT(object[i]);
			__builtin_memset(object[i], (int)(i & 0xff), size_of(i));
		}
		for (unsigned i = round; i < OBJECTS; i += 1 + round) {
			for (size_t n = 0; n < size_of(i); n++)
				WANT(object[i][n] == (i & 0xff));
			WANT(quire_kfree(q, object[i]) == QUIRE_KFREE_OK);
			object[i] = NULL;
		}
		WANT(quire_check(q, NULL));
	}
	unsigned char *zeros = quire_kzalloc(q, 100, QUIRE_GFP_KERNEL);
	WANT(zeros && !zeros[0] && !zeros[99]);
	WANT(quire_kfree(q, zeros) == QUIRE_KFREE_OK);
	return 0;
}

static int check_area(struct quire *q, quire_virt_t at)
{
	unsigned *words = pointer(at);
	unsigned per_page = QUIRE_PAGE_SIZE / sizeof(*words);

	for (unsigned i = 0; i < AREA_PAGES * per_page; i += 97)
		words[i] = i;
	for (unsigned p = 0; p < AREA_PAGES; p++) {
		struct quire_page *page;
		const unsigned *window;
		quire_virt_t seen;

		seen.v = at.v + (uint64_t)p * QUIRE_PAGE_SIZE;
		page = quire_vmalloc_page(q, seen);
		WANT(page && !quire_kmap_local(q, page, &seen));
		window = pointer(seen);
		for (unsigned i = 0; i < per_page; i++)
			WANT((p * per_page + i) % 97 || window[i] == p * per_page + i);
		WANT(quire_kunmap_local(q, seen) == QUIRE_KUNMAP_OK);
	}
	return 0;
}

/* An area is what its frames are, and ends with a page that is none. */
int vmalloc_areas(struct quire *q)
{
	quire_virt_t at, other, guard;
	struct quire_exception fault;
	char byte;

	for (unsigned i = 0; i < 4; i++) {
		WANT(!quire_vzalloc(q, AREA_PAGES * QUIRE_PAGE_SIZE, &at));
		WANT(!quire_vmalloc(q, QUIRE_PAGE_SIZE, &other));
		for (size_t n = 0; n < AREA_PAGES * QUIRE_PAGE_SIZE; n += 509)
			WANT(!((char *)pointer(at))[n]);
		if (check_area(q, at))
			return 1;
		guard.v = at.v + AREA_PAGES * QUIRE_PAGE_SIZE;
		WANT(quire_read(q, guard, &byte, 1, &fault) == -QUIRE_EFAULT);
		WANT(fault.address.v == guard.v && fault.error_code == 0);
		WANT(quire_vfree(q, at) == QUIRE_VFREE_OK);
		WANT(quire_vfree(q, other) == QUIRE_VFREE_OK);
		quire_vm_unmap_aliases(q);
		WANT(quire_read(q, at, &byte, 1, &fault) == -QUIRE_EFAULT);
	}
	WANT(quire_check(q, NULL));
	return 0;
}

/* The highest frame there is: on a machine with more than 4 GB above that. */
static struct quire_page *highest(struct quire *q, struct quire_page **blocks, size_t *nr,
				  size_t room)
{
	struct quire_page *best = NULL;

	for (*nr = 0; *nr < room; ++*nr) {
		struct quire_page *page = quire_page_alloc(q, QUIRE_GFP_HIGHUSER, QUIRE_ORDER_MAX);

		if (!page)
			break;
		blocks[*nr] = page;
		if (!best || quire_page_pfn(q, page).v > quire_page_pfn(q, best).v)
			best = page;
	}
	return best;
}

static int use_windows(struct quire *q, struct quire_page *block)
{
	uint64_t first = quire_page_pfn(q, block).v;
	quire_virt_t at[WINDOWS], local, nested;

	for (unsigned i = 0; i < WINDOWS; i++) {
		WANT(!quire_kmap(q, quire_pfn_page(q, quire_pfn(first + i)), &at[i]));
		*(uint64_t *)pointer(at[i]) = first + i;
		((uint64_t *)pointer(at[i]))[511] = ~(first + i);
	}
	for (unsigned i = 0; i < WINDOWS; i++) {
		struct quire_page *page = quire_pfn_page(q, quire_pfn(first + i));

		WANT(!quire_kmap_local(q, page, &local));
		WANT(!quire_kmap_local(q, block, &nested));
		WANT(*(uint64_t *)pointer(local) == first + i);
		WANT(((uint64_t *)pointer(local))[511] == ~(first + i));
		WANT(*(uint64_t *)pointer(nested) == first);
		WANT(quire_kunmap_local(q, nested) == QUIRE_KUNMAP_OK);
		WANT(quire_kunmap_local(q, local) == QUIRE_KUNMAP_OK);
		WANT(!quire_kunmap(q, page));
	}
	return 0;
}

/* Frames wherever they are, written and read through windows; then cleared through them. */
int windows(struct quire *q)
{
	static struct quire_page *blocks[2048];
	size_t nr;
	struct quire_page *block, *again;
	quire_virt_t at;

	block = highest(q, blocks, &nr, sizeof(blocks) / sizeof(blocks[0]));
	WANT(block);
	uint64_t pfn = quire_page_pfn(q, block).v;
	x86_print("frame 0x%llx of %s\n", (unsigned long long)pfn,
		  quire_zone_name(quire_page_zone(q, block)));
	if (use_windows(q, block))
		return 1;
	WANT(!quire_page_free(q, block, QUIRE_ORDER_MAX));
	again = quire_page_alloc(q, QUIRE_GFP_HIGHUSER | QUIRE_GFP_ZERO, QUIRE_ORDER_MAX);
	WANT(again == block);
	WANT(!quire_kmap(q, again, &at));
	WANT(!*(uint64_t *)pointer(at) && !((uint64_t *)pointer(at))[511]);
	WANT(!quire_kunmap(q, again));
	for (size_t i = 0; i < nr; i++)
		WANT(!quire_page_free(q, blocks[i], QUIRE_ORDER_MAX));
	WANT(quire_check(q, NULL));
	return 0;
}

/* A device's registers. */
int device(struct quire *q)
{
	quire_virt_t at;
	uint32_t version;

	WANT(!quire_ioremap(q, quire_phys(APIC_PHYS), QUIRE_PAGE_SIZE, QUIRE_PTE_UC_MINUS, &at));
	version = *(volatile uint32_t *)pointer((quire_virt_t){ at.v + APIC_VERSION }) & 0xff;
	WANT(version >= 0x10 && version <= 0x15);
	WANT(quire_iounmap(q, at) == QUIRE_VFREE_OK);
	WANT(!quire_early_ioremap(q, quire_phys(APIC_PHYS + APIC_VERSION), 4, &at));
	WANT((*(volatile uint32_t *)pointer(at) & 0xff) == version);
	WANT(!quire_early_iounmap(q, at, 4));
	return 0;
}
