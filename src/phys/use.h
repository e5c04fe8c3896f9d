/* SPDX-License-Identifier: MIT */
/*
 * use.h - what the tiers of user memory know about a frame, beside struct quire_page
 *
 * A machine that has only frames, or a kernel without processes, does not pay for it: the array
 * is made when the first of those tiers is set up.
 *
 *   struct quire_page   word      allocated, order, references
 *                       owner     QUIRE_OWNER_ANON, _CACHE or _HUGETLB (the first frame of
 *                                 all) | entries that map it << 8
 *                       private   whose it is: struct anon * or struct quire_inode *
 *   struct use          flags     USE_…
 *                       index     page of the file, or of the anonymous memory
 */
#ifndef PHYS_USE_H
#define PHYS_USE_H

#include "phys/machine.h"

#define USE_LOCKED 0x001u    /* somebody reads it in, writes it out, maps or unmaps it */
#define USE_WAITED 0x002u    /* and somebody sleeps until that ends */
#define USE_UPTODATE 0x004u  /* its contents are the file's */
#define USE_DIRTY 0x008u     /* and newer than the store's */
#define USE_WRITEBACK 0x010u /* on its way to the store */
#define USE_REFERENCED 0x020u
#define USE_ERROR 0x040u     /* it could not be read */
#define USE_AHEAD 0x080u     /* read before anybody asked: touched, it begins the next batch; of a
			      * file without a store: allocated, and nobody has used it yet */
#define USE_MLOCKED 0x100u
#define USE_LAZYFREE 0x200u  /* MADV_FREE: may go while it is clean */
#define USE_MEMORY 0x400u    /* of a file without a store */
#define USE_NEW 0x800u       /* of the fallocate that is under way */
#define USE_INDEX_SHIFT 13   /* above it: bits 32 .. 50 of the index: files of 2^63 bytes */

/** struct use - one frame's */
struct use {
	_Atomic uint32_t flags; /* USE_…, and the index's upper bits */
	uint32_t index;         /* its lower bits; constant while the frame is owned */
};

/**
 * use_map - make the array, unless it is there
 * @q: a machine with zones
 *
 * Every tier that needs it asks. From quire_port_alloc; quire_destroy gives it back.
 *
 * Return: 0; -QUIRE_ENODEV before the zones are built; -QUIRE_ENOMEM
 */
int use_map(struct quire *q);

/** use_end - give the array back */
void use_end(struct quire *q);

/** use_of - a frame's. @page: of this machine */
static inline struct use *use_of(const struct quire *q, const struct quire_page *page)
{
	return &q->use[page - q->frames.pages];
}

/** use_index - page of the file or memory that the frame holds */
static inline uint64_t use_index(const struct use *use)
{
	return (uint64_t)(relaxed_load(&use->flags) >> USE_INDEX_SHIFT) << 32 | use->index;
}

/** use_set - begin a frame's use: no other reader knows it yet. @flags: USE_… */
static inline void use_set(struct use *use, uint64_t index, uint32_t flags)
{
	use->index = (uint32_t)index;
	relaxed_store(&use->flags, flags | (uint32_t)(index >> 32) << USE_INDEX_SHIFT);
}

/** use_lock - wait until the frame is ours alone. Sleeps */
void use_lock(struct quire *q, struct quire_page *page);

/** use_trylock - if it is nobody's now. Return: whether it is ours */
bool use_trylock(struct quire *q, struct quire_page *page);

/** use_unlock - let others have it */
void use_unlock(struct quire *q, struct quire_page *page);

/* Entries that map a frame are counted in its owner's word. */
#define USE_MAPPED_ONE 0x100u

/** use_mapcount - entries that map it */
static inline uint32_t use_mapcount(const struct quire_page *page)
{
	return relaxed_load(&page->owner) >> 8;
}

#endif
