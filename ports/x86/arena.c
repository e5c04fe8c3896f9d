/* SPDX-License-Identifier: MIT */
/*
 * arena.c - memory for simulated machines: as much as is touched
 *
 *   not mapped ──read──> the one frame of zeros, read-only
 *       │                    │
 *       └──────write─────────┴──write──> a frame of its own, of any zone
 *
 * The frames come from the machine this, and its page tables map them. What a fault takes there
 * must not be held by whoever touches the page: the records of sessions and of the
 * machine this are never in the arena.
 */
#include "arena.h"

#include <quire/error.h>
#include <quire/page.h>
#include <quire/pgtable.h>

#include "heap.h"
#include "place.h"
#include "x86.h"

#define PAGE_MASK ((uintptr_t)QUIRE_PAGE_SIZE - 1)

#define RIGHTS_READ (QUIRE_PTE_PRESENT | QUIRE_PTE_NX)
#define RIGHTS_WRITE (RIGHTS_READ | QUIRE_PTE_RW)

/* A range given out. */
struct range {
	struct range *next; /* the next one by address */
	uintptr_t start, end;
};

static struct {
	struct quire *q;
	struct quire_table *table;
	struct quire_page *zeros; /* one frame for all pages that were only read */
	struct range *ranges;
} arena;

int arena_init(struct quire *q)
{
	int error = quire_table_create(q, &arena.table);

	if (error)
		return error;
	arena.q = q;
	arena.zeros = quire_page_alloc(q, QUIRE_GFP_KERNEL | QUIRE_GFP_ZERO, 0);
	return arena.zeros ? quire_table_load(arena.table) : -QUIRE_ENOMEM;
}

void *arena_take(size_t bytes)
{
	struct range **at = &arena.ranges, *r;
	uintptr_t start = ARENA_START;

	if (!arena.table || !bytes || bytes > ARENA_END - ARENA_START)
		return NULL;
	bytes = (bytes + PAGE_MASK) & ~PAGE_MASK;
	for (; *at && (*at)->start - start < bytes; at = &(*at)->next)
		start = (*at)->end;
	if (ARENA_END - start < bytes)
		return NULL;
	r = heap_take(sizeof(*r));
	if (!r)
		return NULL;
	*r = (struct range){ *at, start, start + bytes };
	*at = r;
	return (void *)start;
}

static quire_virt_t virt_of(uintptr_t address)
{
	return (quire_virt_t){ address };
}

/* Unmap a range; then nobody can reach its frames, and they go back. */
static void empty(uintptr_t start, uintptr_t end)
{
	struct quire_page *frames = NULL;
	struct quire_mapping m = { .virt = virt_of(start) };

	for (uintptr_t at = start; quire_table_next(arena.table, virt_of(at), &m) && m.virt.v < end;
	     at = (uintptr_t)m.virt.v + QUIRE_PAGE_SIZE) {
		struct quire_page *page = quire_pfn_page(arena.q, quire_phys_pfn(m.phys));

		if (page == arena.zeros)
			continue;
		quire_page_set_private(page, (uintptr_t)frames);
		frames = page;
	}
	quire_table_unmap(arena.table, virt_of(start), end - start, NULL);
	while (frames) {
		struct quire_page *page = frames;

		frames = (struct quire_page *)quire_page_private(page);
		quire_page_set_private(page, 0);
		quire_page_put(arena.q, page);
	}
}

bool arena_give(void *p)
{
	struct range **at = &arena.ranges, *r;

	while (*at && (*at)->start != (uintptr_t)p)
		at = &(*at)->next;
	r = *at;
	if (!r)
		return false;
	empty(r->start, r->end);
	*at = r->next;
	heap_give(r, sizeof(*r));
	return true;
}

void arena_clear(void *p, size_t bytes)
{
	uintptr_t start = (uintptr_t)p, end = start + bytes;
	uintptr_t first = (start + PAGE_MASK) & ~PAGE_MASK, last = end & ~PAGE_MASK;

	if (first >= last) {
		__builtin_memset(p, 0, bytes);
		return;
	}
	__builtin_memset(p, 0, first - start);
	empty(first, last);
	__builtin_memset((void *)last, 0, end - last);
}

static void no_memory(uintptr_t address)
{
	x86_print("\nkernel: no frame is left for a page of a simulated machine, at 0x%lx\n",
		  (unsigned long)address);
	x86_exit(X86_EXIT_MEMORY);
}

static bool contains(uintptr_t address)
{
	for (const struct range *r = arena.ranges; r && r->start <= address; r = r->next) {
		if (address < r->end)
			return true;
	}
	return false;
}

/* Map a page, to a frame of its own or to the one of zeros, in place of what is there. */
static int fill(uintptr_t at, bool present, bool write)
{
	struct quire_page *page = arena.zeros;
	int error = 0;

	if (write)
		page = quire_page_alloc(arena.q, QUIRE_GFP_HIGHUSER, 0);
	if (!page)
		return -QUIRE_ENOMEM;
	if (present)
		error = quire_table_unmap(arena.table, virt_of(at), QUIRE_PAGE_SIZE, NULL);
	if (!error)
		error = quire_table_map(arena.table, virt_of(at),
					quire_pfn_phys(quire_page_pfn(arena.q, page)),
					QUIRE_PAGE_SIZE, write ? RIGHTS_WRITE : RIGHTS_READ, 0);
	if (!error && write)
		__builtin_memset((void *)at, 0, QUIRE_PAGE_SIZE);
	return error;
}

bool arena_fault(uintptr_t address, uintptr_t code)
{
	bool present = code & QUIRE_PF_PRESENT, write = code & QUIRE_PF_WRITE;

	if ((code & ~(uintptr_t)(QUIRE_PF_PRESENT | QUIRE_PF_WRITE)) || (present && !write) ||
	    !contains(address))
		return false;
	if (fill(address & ~PAGE_MASK, present, write))
		no_memory(address);
	return true;
}
