/* SPDX-License-Identifier: MIT */
/*
 * frames.h - the frame array and the section table
 *
 * A section is 2^10 frames, one block of the largest order. Only sections with
 * memory get frames; they are numbered one after the other, so a frame has an
 * index next to its pfn: index = section * 1024 + pfn % 1024. Everything inside
 * the frame tier is indexed by it, and holes cost nothing but a table slot per 4 GB.
 *
 *    pfn  ──roots[pfn >> 20]──> [pfn >> 10 & 1023] ──> section + 1, or 0: hole
 *    index ─section_start[index >> 10]──> pfn >> 10
 *
 * A section that straddles two zones is there twice, once for each, one after the other.
 */
#ifndef PHYS_FRAMES_H
#define PHYS_FRAMES_H

#include <quire/page.h>

#include "core/assert.h"
#include "core/lock.h"

#define SECTION_ORDER QUIRE_ORDER_MAX
#define SECTION_FRAMES (1u << SECTION_ORDER)
#define ROOT_ORDER 10 /* sections per root table: 2^10, 4 GB */
#define ROOT_SECTIONS (1u << ROOT_ORDER)
#define FRAME_NONE UINT32_MAX

/*
 * The word of a frame: what it is, for the first frame of an allocated block
 * the order, and above them the references, so that a block is allocated, checked and
 * freed with one access each. 0: free, or a later frame of a plain block; so a zeroed
 * array describes free memory and need not be written at start-up.
 */
#define HEAD_ORDER 0x0fu
#define HEAD_USED 0x10u     /* first frame of an allocated block */
#define HEAD_COMPOUND 0x20u /* with HEAD_USED: its other frames are HEAD_TAIL */
#define HEAD_TAIL 0x40u     /* later frame of a compound block, order likewise */
#define HEAD_RESERVED 0x80u /* memory never given to the allocator */
#define HEAD_HOLE 0x100u    /* no memory here */
#define HEAD_OWNED 0x200u   /* with HEAD_USED: a tier above holds it, only that frees it */
#define HEAD_BITS 0x3ffu
#define COUNT_ONE 0x400u    /* one reference */
#define COUNT_MAX (UINT32_MAX / COUNT_ONE)

/** struct quire_page - one frame */
struct quire_page {
	_Atomic uint32_t word; /* HEAD_… and references */
	_Atomic uint32_t owner; /* of an owned block's first frame: enum quire_owner, above its low
				* 8 bits the tier's own; the tier may set it in the others too */
	union {
		uintptr_t private; /* the owner's word, 0 after allocation */
		uint64_t private_pad; /* 16 bytes on every host */
	};
};

_Static_assert(sizeof(struct quire_page) == 16, "a frame is described in 16 bytes");

/** struct frames - all frames of a machine; constant after boot */
struct frames {
	struct quire_page *pages;  /* by index */
	uintptr_t nr;              /* length of pages: sections * 1024 */
	uint32_t nr_sections;
	bool twice;                /* a section is there twice: for two zones */
	uint32_t *section_start;   /* by section: first pfn >> 10 */
	uint32_t **roots;          /* by pfn >> 20; NULL: 4 GB of hole */
	uint32_t nr_roots;
	uint64_t table_bytes;      /* roots and section_start, for the account */
};

struct quire;

/** frames_index - a frame's index. @page is one of this machine's */
static inline uint32_t frames_index(const struct frames *f, const struct quire_page *page)
{
	return (uint32_t)(page - f->pages);
}

/** frames_head - the HEAD_… bits of a frame */
static inline uint32_t frames_head(const struct quire_page *page)
{
	return relaxed_load(&page->word) & HEAD_BITS;
}

/** frames_pfn - the pfn of the frame with index @i */
static inline uint64_t frames_pfn(const struct frames *f, uint32_t i)
{
	return ((uint64_t)f->section_start[i >> SECTION_ORDER] << SECTION_ORDER) |
	       (i & (SECTION_FRAMES - 1));
}

/**
 * frames_offer - the index of what may be a frame
 * @f:    the frames
 * @page: any address
 *
 * Rotating the offset brings bits that should be 0 to the top, so that one
 * comparison refuses both what lies outside and what lies between two frames.
 *
 * Return: its index, below f->nr; f->nr or more if it is no frame of this machine
 */
static inline uintptr_t frames_offer(const struct frames *f, const struct quire_page *page)
{
	uintptr_t offset = (uintptr_t)page - (uintptr_t)f->pages;

	return offset >> 4 | offset << (sizeof(offset) * 8 - 4);
}

/** frames_owns - is @page the address of one of this machine's frames? */
static inline bool frames_owns(const struct frames *f, const struct quire_page *page)
{
	return frames_offer(f, page) < f->nr;
}

/**
 * frames_own - mark a block as held by a tier
 * @page:  its first frame, allocated by the caller, nobody else has it
 * @owner: enum quire_owner, not QUIRE_OWNER_NONE, | what the tier adds << 8
 *
 * Whoever frees it without being the owner is refused (QUIRE_FREE_OWNED); the owner calls
 * frames_disown first. The bit is in the word that a free compares anyway: it costs nothing.
 */
static inline void frames_own(struct quire_page *page, uint32_t owner)
{
	relaxed_store(&page->owner, owner);
	relaxed_store(&page->word, relaxed_load(&page->word) | HEAD_OWNED);
}

/** frames_disown - make an owned block an ordinary one, to be freed */
static inline void frames_disown(struct quire_page *page)
{
	relaxed_store(&page->owner, QUIRE_OWNER_NONE);
	relaxed_store(&page->word, relaxed_load(&page->word) & ~HEAD_OWNED);
}

/** frames_owner - who holds the block that begins at @page; QUIRE_OWNER_NONE: nobody's tier */
static inline enum quire_owner frames_owner(const struct quire_page *page)
{
	if (!(relaxed_load(&page->word) & HEAD_OWNED))
		return QUIRE_OWNER_NONE;
	return (enum quire_owner)(relaxed_load(&page->owner) & 0xff);
}

/**
 * frames_hold - one more reference, that stays, to an owned block to which there is one already
 *
 * Those that stay, of entries, are half of what can be counted at the most, so that there are
 * always some left for frames_pin.
 *
 * Return: false if it has that many
 */
static inline bool frames_hold(struct quire_page *page)
{
	uint32_t word = relaxed_load(&page->word);

	ASSERT("PHYS-11", word >= COUNT_ONE);
	/* Far from the limit: as many processors may be about to add one each. */
	if (unlikely(word / COUNT_ONE > COUNT_MAX / 2))
		return false;
	atomic_fetch_add_explicit(&page->word, COUNT_ONE, memory_order_relaxed);
	return true;
}

/**
 * frames_pin - frames_hold for as long as a call is under way: never refused
 *
 * A call has one of a block, and there are not 2^21 calls at once: each has a stack somewhere.
 */
static inline void frames_pin(struct quire_page *page)
{
	uint32_t word = atomic_fetch_add_explicit(&page->word, COUNT_ONE, memory_order_relaxed);

	ASSERT("PHYS-11", word - COUNT_ONE < (COUNT_MAX - 1) * COUNT_ONE);
}

/**
 * frames_let_go - drop a reference to a block, unless it is the last
 *
 * Return: true if it was the last: it is still there, and the caller frees it
 */
static inline bool frames_let_go(struct quire_page *page)
{
	uint32_t word = acquire_load(&page->word);

	/* Who has the only reference is alone: another one comes only from one that is there. */
	do {
		if (word / COUNT_ONE == 1)
			return true;
	} while (!atomic_compare_exchange_weak_explicit(&page->word, &word, word - COUNT_ONE,
							memory_order_acq_rel,
							memory_order_acquire));
	return false;
}

/**
 * frames_find - the index of a pfn
 * @q:   the machine
 * @pfn: any
 *
 * Return: FRAME_NONE if there is no section with memory
 */
uint32_t frames_find(const struct quire *q, uint64_t pfn);

/**
 * frames_at - the frame of a pfn of memory
 * @f:   the frames
 * @pfn: of memory
 *
 * Where two zones are in one section it may be the other zone's frame: see frames_twice.
 */
static inline struct quire_page *frames_at(const struct frames *f, uint64_t pfn)
{
	uint32_t section = f->roots[pfn >> (SECTION_ORDER + ROOT_ORDER)]
				   [(pfn >> SECTION_ORDER) & (ROOT_SECTIONS - 1)];

	return &f->pages[(section - 1) << SECTION_ORDER | (pfn & (SECTION_FRAMES - 1))];
}

/** frames_twice - is the section of a frame by frames_at there once more, for another zone? */
static inline bool frames_twice(const struct frames *f, const struct quire_page *page)
{
	if (likely(!f->twice))
		return false;
	uint32_t next = (frames_index(f, page) >> SECTION_ORDER) + 1;

	return next < f->nr_sections && f->section_start[next] == f->section_start[next - 1];
}

/**
 * frames_enter - number a section
 * @f:       with nr_sections counted and tables allocated
 * @section: its number
 * @start:   its first pfn >> 10
 *
 * The first of two sections with one start stays in the table.
 */
void frames_enter(struct frames *f, uint32_t section, uint32_t start);

/**
 * frames_alloc - allocate the tables and the array
 * @f:           filled in
 * @host:        for the port
 * @nr_sections: with memory
 * @max_pfn:     one past the highest
 * @at:          physical place of the array, or QUIRE_PORT_ANYWHERE
 *
 * Return: 0; -QUIRE_ENOMEM, then nothing is kept
 */
int frames_alloc(struct frames *f, void *host, uint32_t nr_sections, uint64_t max_pfn, uint64_t at);

/** frames_root - make sure that the root table of @pfn is there. Return: 0; -QUIRE_ENOMEM */
int frames_root(struct frames *f, void *host, uint64_t pfn);

/** frames_free - give the tables and the array back */
void frames_free(struct frames *f, void *host);

#endif
