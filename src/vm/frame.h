/* SPDX-License-Identifier: MIT */
/*
 * frame.h - from an entry to its frame
 */
#ifndef VM_FRAME_H
#define VM_FRAME_H

#include "phys/use.h"
#include "vm/mm.h"

/* What a write makes of an entry. */
#define FRAME_WRITTEN ((uint64_t)(QUIRE_PTE_RW | QUIRE_PTE_DIRTY))

/** struct frame_finder - frames of one section are found without its tables; by frame_begin */
struct frame_finder {
	const struct quire *q;
	uint64_t section;         /* pfn >> SECTION_ORDER; UINT64_MAX: none yet */
	struct quire_page *first; /* its first frame */
	uint64_t zero;            /* address of the page of zeros */
	uint64_t address;         /* mask of an entry's address */
};

/** frame_begin - look for frames of an address space */
static inline struct frame_finder frame_begin(const struct quire_mm *mm)
{
	return (struct frame_finder){ mm->q, UINT64_MAX, NULL, vm_of(mm->q)->zero_entry,
				      mm->table->format->address };
}

/** frame_section - the rest of frame_find: another section */
struct quire_page *frame_section(struct frame_finder *f, uint64_t pfn);

/** frame_find - the frame that an entry in use maps; NULL: the page of zeros */
static inline struct quire_page *frame_find(struct frame_finder *f, uint64_t entry)
{
	uint64_t phys = entry & f->address, pfn = phys >> QUIRE_PAGE_SHIFT;

	if (phys == f->zero)
		return NULL;
	if (unlikely(pfn >> SECTION_ORDER != f->section))
		return frame_section(f, pfn);
	return f->first + (pfn & (SECTION_FRAMES - 1));
}

/** frame_at - the frame at an address that an entry in use has; NULL: the page of zeros */
static inline struct quire_page *frame_at(const struct quire *q, uint64_t phys)
{
	const struct frames *f = &q->frames;
	uint64_t pfn = phys >> QUIRE_PAGE_SHIFT;
	struct quire_page *page;

	if (phys == vm_of(q)->zero_entry)
		return NULL;
	page = frames_at(f, pfn);
	return unlikely(frames_twice(f, page)) ? &f->pages[frames_find(q, pfn)] : page;
}

/** frame_of - the frame that an entry in use maps, of one alone; NULL: the page of zeros */
static inline struct quire_page *frame_of(const struct quire_mm *mm, uint64_t entry)
{
	return frame_at(mm->q, entry & mm->table->format->address);
}

/** frame_anon - is it anonymous memory? Else it is of a file */
static inline bool frame_anon(const struct quire_page *page)
{
	return (relaxed_load(&page->owner) & 0xff) == QUIRE_OWNER_ANON;
}

/** frame_kind - what a process counts it as */
static inline enum rss frame_kind(const struct quire *q, const struct quire_page *page)
{
	if (frame_anon(page))
		return RSS_ANON;
	return relaxed_load(&use_of(q, page)->flags) & USE_MEMORY ? RSS_SHMEM : RSS_FILE;
}

/** frame_map - one entry more maps it. Return: whether it is the first. Locks: T of the entry */
static inline bool frame_map(struct quire_page *page)
{
	uint32_t owner = atomic_fetch_add_explicit(&page->owner, USE_MAPPED_ONE,
						   memory_order_relaxed);

	return !(owner >> 8);
}

/** frame_map_again - one more of a frame that entries map already */
static inline void frame_map_again(struct quire_page *page)
{
	(void)atomic_fetch_add_explicit(&page->owner, USE_MAPPED_ONE, memory_order_relaxed);
}

/** frame_unmap - one entry less. Return: whether it was the last. Locks: likewise */
static inline bool frame_unmap(struct quire_page *page)
{
	uint32_t owner = atomic_fetch_sub_explicit(&page->owner, USE_MAPPED_ONE,
						   memory_order_relaxed);

	ASSERT("RMAP-1", owner >> 8);
	return owner >> 8 == 1;
}

/** frame_dirty - a page of a file without a store was written through an entry. Locks: none */
static inline void frame_dirty(struct quire *q, struct quire_page *page)
{
	struct use *use = use_of(q, page);

	if ((relaxed_load(&use->flags) & (USE_MEMORY | USE_DIRTY)) == USE_MEMORY)
		atomic_fetch_or_explicit(&use->flags, USE_DIRTY, memory_order_relaxed);
}

/**
 * frame_unmap_only - frame_unmap, if it is anonymous memory that one entry maps
 *
 * Return: false if it is not, and nothing has changed
 */
static inline bool frame_unmap_only(struct quire_page *page)
{
	bool only = relaxed_load(&page->owner) == (QUIRE_OWNER_ANON | USE_MAPPED_ONE) &&
		    relaxed_load(&page->word) < 2 * COUNT_ONE;

	/* Nobody else has a reference, so nobody else counts. */
	if (likely(only))
		relaxed_store(&page->owner, QUIRE_OWNER_ANON);
	return only;
}

/**
 * frame_put - drop references to frames that entries had
 * @q:    the machine
 * @page: the frames, of processes; the array is used up
 * @nr:   how many
 *
 * Whoever was the last to have one frees it. Locks: none of T; takes A. TLBs have been flushed
 */
void frame_put(struct quire *q, struct quire_page **page, size_t nr);

#endif
