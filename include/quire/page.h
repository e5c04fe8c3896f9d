/* SPDX-License-Identifier: MIT */
/*
 * page.h - page frames: allocate, free, count, look
 *
 * Every frame of memory has a struct quire_page, 16 bytes out of band; the
 * frames themselves are never written (but for QUIRE_GFP_ZERO, through the
 * port). A block of order n is 2^n frames, aligned to its size.
 */
#ifndef QUIRE_PAGE_H
#define QUIRE_PAGE_H

#include <quire/quire.h>

#ifdef __cplusplus
extern "C" {
#endif

struct quire_page;

/* GFP flags: Linux's meaning, and for the zone bits Linux's values. */
typedef uint32_t quire_gfp_t;

#define QUIRE_GFP_BIT_DMA 0x01u         /* from ZONE_DMA */
#define QUIRE_GFP_BIT_HIGHMEM 0x02u     /* ZONE_HIGHMEM will do */
#define QUIRE_GFP_BIT_DMA32 0x04u       /* from ZONE_DMA32 or below */
#define QUIRE_GFP_BIT_MOVABLE 0x08u     /* can be moved; ZONE_MOVABLE with HIGHMEM */
#define QUIRE_GFP_BIT_RECLAIMABLE 0x10u /* can be reclaimed */
#define QUIRE_GFP_BIT_HIGH 0x20u        /* may use half of the reserve below min */
#define QUIRE_GFP_BIT_IO 0x40u          /* reclaim may start I/O */
#define QUIRE_GFP_BIT_FS 0x80u          /* reclaim may enter file systems */
#define QUIRE_GFP_BIT_ZERO 0x100u       /* filled with zeros */
#define QUIRE_GFP_BIT_ATOMIC 0x200u     /* can't wait, and may dig deeper */
#define QUIRE_GFP_BIT_DIRECT 0x400u     /* may reclaim itself (and so wait) */
#define QUIRE_GFP_BIT_KSWAPD 0x800u     /* wakes background reclaim */
#define QUIRE_GFP_BIT_NOWARN 0x2000u    /* a failure is expected */
#define QUIRE_GFP_BIT_RETRY_MAYFAIL 0x4000u /* reclaims as often for large blocks as for small */
#define QUIRE_GFP_BIT_NOFAIL 0x8000u
#define QUIRE_GFP_BIT_NORETRY 0x10000u
#define QUIRE_GFP_BIT_MEMALLOC 0x20000u /* ignores watermarks */
#define QUIRE_GFP_BIT_COMP 0x40000u     /* the block is one compound page */
#define QUIRE_GFP_BIT_NOMEMALLOC 0x80000u
#define QUIRE_GFP_BITS 0xfefffu         /* all of the above */

#define QUIRE_GFP_RECLAIM (QUIRE_GFP_BIT_DIRECT | QUIRE_GFP_BIT_KSWAPD)
#define QUIRE_GFP_ATOMIC (QUIRE_GFP_BIT_HIGH | QUIRE_GFP_BIT_ATOMIC | QUIRE_GFP_BIT_KSWAPD)
#define QUIRE_GFP_KERNEL (QUIRE_GFP_RECLAIM | QUIRE_GFP_BIT_IO | QUIRE_GFP_BIT_FS)
#define QUIRE_GFP_NOWAIT QUIRE_GFP_BIT_KSWAPD
#define QUIRE_GFP_NOIO QUIRE_GFP_RECLAIM
#define QUIRE_GFP_NOFS (QUIRE_GFP_RECLAIM | QUIRE_GFP_BIT_IO)
#define QUIRE_GFP_USER QUIRE_GFP_KERNEL
#define QUIRE_GFP_DMA QUIRE_GFP_BIT_DMA
#define QUIRE_GFP_DMA32 QUIRE_GFP_BIT_DMA32
#define QUIRE_GFP_HIGHUSER (QUIRE_GFP_USER | QUIRE_GFP_BIT_HIGHMEM)
#define QUIRE_GFP_HIGHUSER_MOVABLE (QUIRE_GFP_HIGHUSER | QUIRE_GFP_BIT_MOVABLE)
#define QUIRE_GFP_ZERO QUIRE_GFP_BIT_ZERO

/** How a block's frames can be got rid of; kept per pageblock. */
enum quire_migrate {
	QUIRE_MIGRATE_UNMOVABLE,
	QUIRE_MIGRATE_MOVABLE,
	QUIRE_MIGRATE_RECLAIMABLE,
	QUIRE_MIGRATE_CMA,     /* lent to movable requests until a device wants it */
	QUIRE_MIGRATE_ISOLATE, /* nothing is allocated from here */
	QUIRE_NR_MIGRATE
};

/** quire_migrate_name - "Unmovable", "Movable", "Reclaimable", "CMA", "Isolate" */
const char *quire_migrate_name(enum quire_migrate type);

/**
 * quire_page_alloc - allocate a block of 2^order frames
 * @q:     a machine with zones
 * @gfp:   QUIRE_GFP_…
 * @order: 0 .. QUIRE_ORDER_MAX
 *
 * Tries the highest zone the flags allow, then those below it, each as long
 * as its watermark holds. The block has one reference; its frames' contents are undefined
 * unless QUIRE_GFP_ZERO is set.
 *
 * Return:  the first frame; NULL if no zone can give it (quire_page_explain
 *          says why), or if @gfp or @order is out of range
 * Locks:   takes the per-cpu list's and the zone's
 * Context: any; with QUIRE_GFP_BIT_DIRECT it may call the pressure hook
 */
struct quire_page *quire_page_alloc(struct quire *q, quire_gfp_t gfp, unsigned order);

/** What became of a free. Anything but QUIRE_FREE_OK changed nothing. */
enum quire_free {
	QUIRE_FREE_OK,
	QUIRE_FREE_DOUBLE,    /* the frame is free already */
	QUIRE_FREE_ORDER,     /* it was allocated with another order */
	QUIRE_FREE_INSIDE,    /* it is inside a block, not its first frame */
	QUIRE_FREE_RESERVED,  /* reserved: never allocated */
	QUIRE_FREE_FOREIGN,   /* no frame of this machine */
	QUIRE_FREE_RANGE,     /* order beyond QUIRE_ORDER_MAX */
	QUIRE_FREE_REFERENCED, /* others hold references (quire_page_free_exact, _bulk) */
	QUIRE_FREE_OWNED       /* the kernel heap or a page table has it: enum quire_owner */
};

/** quire_free_name - the outcome in words: "double free", "wrong order" … */
const char *quire_free_name(enum quire_free outcome);

/**
 * quire_page_free - drop the caller's reference to a block
 * @q:     the machine it came from
 * @page:  its first frame
 * @order: the order it was allocated with
 *
 * The block is freed when this was the last reference, as Linux's __free_pages.
 *
 * Return:  QUIRE_FREE_OK, or what was wrong: then nothing has changed
 * Locks:   as quire_page_alloc
 * Context: any
 */
enum quire_free quire_page_free(struct quire *q, struct quire_page *page, unsigned order);

/**
 * quire_page_get - take one more reference to a block
 * @q:    the machine
 * @page: first frame of an allocated block, to which the caller or somebody who waits for it
 *        has a reference
 *
 * Return: 0; -QUIRE_EINVAL if it is not allocated, or a tier's own (enum quire_owner) that is not
 *         vmalloc's; -QUIRE_EOVERFLOW
 */
int quire_page_get(struct quire *q, struct quire_page *page);

/** quire_page_put - drop a reference; the last frees the block. Return: as quire_page_free */
enum quire_free quire_page_put(struct quire *q, struct quire_page *page);

/** quire_page_count - references to the block that starts at @page; 0 if none does */
uint32_t quire_page_count(const struct quire_page *page);

/** quire_page_order - the order the block at @page was allocated with */
unsigned quire_page_order(const struct quire_page *page);

/**
 * quire_page_head - the first frame of the compound block that @page is part of
 * @q:    the machine
 * @page: any frame of it
 *
 * Return: the head; @page itself if it is not part of a compound block
 */
struct quire_page *quire_page_head(struct quire *q, struct quire_page *page);

/**
 * quire_page_alloc_bulk - allocate single frames, many at once
 * @q:     the machine
 * @gfp:   QUIRE_GFP_…
 * @nr:    how many
 * @pages: filled from index 0
 *
 * Return: how many were had; fewer than @nr when memory ran out
 */
size_t quire_page_alloc_bulk(struct quire *q, quire_gfp_t gfp, size_t nr,
			     struct quire_page **pages);

/**
 * quire_page_free_bulk - free single frames, many at once
 * @q:     the machine
 * @nr:    how many
 * @pages: frames of order 0
 * @done:  how many were freed; may be NULL
 *
 * Stops at the first that can't be freed.
 *
 * Return: QUIRE_FREE_OK, or what was wrong with pages[*done]
 */
enum quire_free quire_page_free_bulk(struct quire *q, size_t nr, struct quire_page **pages,
				     size_t *done);

/**
 * quire_page_alloc_exact - contiguous frames for exactly @bytes bytes
 * @q:     the machine
 * @gfp:   QUIRE_GFP_… without QUIRE_GFP_BIT_COMP
 * @bytes: up to 4 MB
 *
 * Allocates the next power of two, splits it into single frames and frees the rest.
 *
 * Return: the first frame; NULL as quire_page_alloc
 */
struct quire_page *quire_page_alloc_exact(struct quire *q, quire_gfp_t gfp, size_t bytes);

/**
 * quire_page_free_exact - free what quire_page_alloc_exact gave, all or nothing
 *
 * Return: as quire_page_free
 */
enum quire_free quire_page_free_exact(struct quire *q, struct quire_page *page, size_t bytes);

/**
 * quire_page_split - make a block into 2^order single frames
 * @q:    the machine
 * @page: first frame of an allocated block with one reference, compound or not
 *
 * Each frame has one reference and is freed on its own.
 *
 * Return: 0; -QUIRE_EINVAL if it is no such block; -QUIRE_EBUSY if others hold references or a
 *         tier of the library owns it
 */
int quire_page_split(struct quire *q, struct quire_page *page);

/** quire_page_pfn - the frame's number */
quire_pfn_t quire_page_pfn(const struct quire *q, const struct quire_page *page);

/** quire_pfn_page - the frame with that number; NULL in a hole or outside of memory */
struct quire_page *quire_pfn_page(const struct quire *q, quire_pfn_t pfn);

/** quire_page_zone - the zone that the frame belongs to */
enum quire_zone quire_page_zone(const struct quire *q, const struct quire_page *page);

/** quire_page_private - the owner's word of an allocated block */
uintptr_t quire_page_private(const struct quire_page *page);

/** quire_page_set_private - set the owner's word */
void quire_page_set_private(struct quire_page *page, uintptr_t value);

/** What a frame is doing, for pictures and reports. */
enum quire_frame_state {
	QUIRE_FRAME_HOLE,      /* no memory there */
	QUIRE_FRAME_RESERVED,  /* never given to the allocator */
	QUIRE_FRAME_FREE,      /* in a free block of a zone */
	QUIRE_FRAME_PCP,       /* free, on a per-cpu list */
	QUIRE_FRAME_HEAD,      /* first frame of an allocated block */
	QUIRE_FRAME_BODY,      /* another frame of it */
};

/** The tier of the library that holds an allocated block. */
enum quire_owner {
	QUIRE_OWNER_NONE,  /* whoever called quire_page_alloc */
	QUIRE_OWNER_SLAB,  /* the kernel heap: a slab */
	QUIRE_OWNER_LARGE, /* the kernel heap: a request too large for slabs */
	QUIRE_OWNER_TABLE, /* a page table */
	QUIRE_OWNER_VMALLOC, /* an area of vmalloc */
	QUIRE_OWNER_ANON,    /* processes: anonymous memory */
	QUIRE_OWNER_CACHE,   /* the page cache: a page of a file */
	QUIRE_OWNER_HUGETLB, /* the pool of huge pages */
	QUIRE_NR_OWNERS
};

/** quire_owner_name - "none", "slab", "large kmalloc", "page table", "vmalloc" and so on */
const char *quire_owner_name(enum quire_owner owner);

/** struct quire_frame_info - one frame and the block it is part of */
struct quire_frame_info {
	enum quire_frame_state state;
	enum quire_zone zone;       /* not for holes */
	enum quire_migrate migrate; /* of its pageblock */
	unsigned order;             /* of the free or allocated block */
	quire_pfn_t first;          /* first frame of that block */
	uint32_t count;             /* references, of an allocated block */
	enum quire_owner owner;     /* of an allocated block */
};

/**
 * quire_frame_info - what a frame is doing
 * @q:   a machine with zones
 * @pfn: any frame number
 * @out: the answer
 *
 * Context: nobody else may use the machine meanwhile; searches, so not for fast paths
 */
void quire_frame_info(struct quire *q, quire_pfn_t pfn, struct quire_frame_info *out);

/** Watermarks of a zone. */
enum quire_wmark { QUIRE_WMARK_MIN, QUIRE_WMARK_LOW, QUIRE_WMARK_HIGH, QUIRE_NR_WMARKS };

/** Events counted per zone, as /proc/vmstat has them. */
enum quire_event {
	QUIRE_EVENT_ALLOC,    /* pgalloc_<zone>, frames */
	QUIRE_EVENT_FREE,     /* pgfree, frames */
	QUIRE_EVENT_FALLBACK, /* blocks taken from another migrate type's pageblocks */
	QUIRE_EVENT_STEAL,    /* pageblocks whose migrate type was changed for it */
	QUIRE_EVENT_REFILL,   /* times a per-cpu list was filled */
	QUIRE_EVENT_CLAIM,    /* times a cpu claimed a block to allocate from */
	QUIRE_NR_EVENTS
};

/** struct quire_zone_stat - everything countable of a zone, in frames */
struct quire_zone_stat {
	bool exists;               /* this kind of machine has the zone */
	quire_pfn_t start;         /* first frame; 0 if the zone is empty */
	uint64_t spanned;          /* end - start, holes included */
	uint64_t present;          /* memory */
	uint64_t managed;          /* given to the allocator */
	uint64_t free;             /* on the zone's lists (per-cpu lists not counted) */
	uint64_t free_cma;         /* those of them in CMA pageblocks */
	uint64_t present_cma;      /* memory in CMA pageblocks, free or not */
	uint64_t pcp;              /* on per-cpu lists */
	uint64_t wmark[QUIRE_NR_WMARKS];
	uint64_t reserve[QUIRE_NR_ZONES];  /* lowmem reserve against a request that could
					    * have used zone i; "protection" */
	uint64_t events[QUIRE_NR_EVENTS];
	uint64_t nr_blocks[QUIRE_NR_MIGRATE]; /* pageblocks by migrate type */
	uint64_t nr_free[QUIRE_NR_MIGRATE][QUIRE_ORDER_MAX + 1]; /* free blocks */
};

/**
 * quire_zone_stat - count a zone
 * @q:    a machine with zones
 * @zone: which
 * @out:  the counts; all 0 if there is no such zone
 *
 * Context: cost grows with the zone; exact when nobody else is using the machine
 */
void quire_zone_stat(struct quire *q, enum quire_zone zone, struct quire_zone_stat *out);

/** struct quire_pcp_stat - a per-cpu list */
struct quire_pcp_stat {
	uint64_t count; /* frames on it */
	uint64_t high;  /* frames it holds at most */
	uint64_t batch; /* frames moved at once; 0: this zone has no per-cpu lists */
};

/** quire_pcp_stat - look at cpu @cpu's list of @zone */
void quire_pcp_stat(struct quire *q, enum quire_zone zone, unsigned cpu,
		    struct quire_pcp_stat *out);

/**
 * quire_free_block_next - the next free block of an order, by frame number
 * @q:     a machine with zones
 * @zone:  which
 * @order: which
 * @from:  look at blocks that start at this frame or above
 * @out:   first frame of the block
 * @type:  its migrate type; may be NULL
 *
 * Return: true if there is one
 */
bool quire_free_block_next(struct quire *q, enum quire_zone zone, unsigned order, quire_pfn_t from,
			   quire_pfn_t *out, enum quire_migrate *type);

/**
 * quire_pair_bit - the bit of a pair of buddies
 * @q:     a machine with zones
 * @order: 0 .. QUIRE_ORDER_MAX - 1
 * @index: frame >> (order + 1)
 *
 * Return: 1 when exactly one of the two buddies is free as a whole, else 0
 */
int quire_pair_bit(struct quire *q, unsigned order, uint64_t index);

/** Why a zone does not give a block, from the first test to the last. */
enum quire_refusal {
	QUIRE_REFUSAL_NONE,      /* it would */
	QUIRE_REFUSAL_EMPTY,     /* the zone has no memory */
	QUIRE_REFUSAL_WATERMARK, /* free frames would fall below watermark + reserve */
	QUIRE_REFUSAL_ORDER,     /* enough free, but no block that large (fragmentation) */
	QUIRE_REFUSAL_TYPE,      /* such blocks are free, but in CMA or isolated pageblocks */
};

/** struct quire_zone_verdict - how a request stands with one zone */
struct quire_zone_verdict {
	enum quire_zone zone;
	enum quire_refusal refusal;
	enum quire_wmark wmark; /* the watermark tested */
	uint64_t free;          /* frames free */
	uint64_t need;          /* frames that must stay free: watermark, less what the flags
				 * may use of it, plus reserve */
	int order_max;          /* largest free block; -1: none */
};

/** struct quire_explanation - how a request stands with each zone it may use */
struct quire_explanation {
	int error; /* 0: the request is in range; -QUIRE_EINVAL */
	unsigned nr;
	struct quire_zone_verdict zone[QUIRE_NR_ZONES]; /* in the order they are tried */
};

/**
 * quire_page_explain - say which zone would refuse a request, and why
 * @q:     a machine with zones
 * @gfp:   as for quire_page_alloc
 * @order: likewise
 * @out:   the verdicts
 *
 * As the request would fare on this cpu now, without help from the pressure hook. Where it would
 * fail, the per-cpu lists are drained, as the request would do. That the port can't zero
 * a frame is not foreseen.
 */
void quire_page_explain(struct quire *q, quire_gfp_t gfp, unsigned order,
			struct quire_explanation *out);

/** quire_refusal_name - "below watermark", "no block that large" … */
const char *quire_refusal_name(enum quire_refusal refusal);

/** quire_page_drain - empty all per-cpu lists into their zones */
void quire_page_drain(struct quire *q);

/**
 * quire_set_migrate - set the migrate type of whole pageblocks
 * @q:     a machine with zones
 * @start: first frame, pageblock aligned
 * @end:   one past the last, pageblock aligned
 * @type:  the new type
 *
 * Frames free there move to the new type's lists at once; per-cpu lists are drained.
 *
 * Return: 0; -QUIRE_EINVAL for a range that is not whole pageblocks, or where one
 *         of them has no memory
 */
int quire_set_migrate(struct quire *q, quire_pfn_t start, quire_pfn_t end, enum quire_migrate type);

/** quire_pageblock_order - 10 on i386 (4 MB pages), else 9 (2 MB) */
unsigned quire_pageblock_order(const struct quire *q);

/*
 * What /proc/sys/vm sets. All recompute watermarks and reserves at once, one caller at a time;
 * others may allocate meanwhile.
 */

/**
 * quire_set_min_free_kbytes - as vm.min_free_kbytes; 0: by Linux's rule
 *
 * Return: 0; -QUIRE_EINVAL
 */
int quire_set_min_free_kbytes(struct quire *q, uint64_t kbytes);

/** quire_min_free_kbytes - the value in force */
uint64_t quire_min_free_kbytes(const struct quire *q);

/**
 * quire_set_watermark_scale - as vm.watermark_scale_factor, 1 .. 3000 in 1/10000
 *
 * Return: 0; -QUIRE_EINVAL
 */
int quire_set_watermark_scale(struct quire *q, unsigned factor);

/**
 * quire_set_reserve_ratio - one value of vm.lowmem_reserve_ratio; 0: no reserve
 *
 * Return: 0; -QUIRE_EINVAL
 */
int quire_set_reserve_ratio(struct quire *q, enum quire_zone zone, unsigned ratio);

/** struct quire_pressure - what an upper tier does when frames run short */
struct quire_pressure {
	/*
	 * Free memory for this request; returns frames freed. Called without spinlocks. Locks that
	 * may be held while sleeping may be held: an address space's, and unless @gfp has
	 * QUIRE_GFP_BIT_FS a file's, so it must not write files back then.
	 */
	uint64_t (*reclaim)(void *ctx, quire_gfp_t gfp, unsigned order);
	/* Start background reclaim of the zone. Called without locks; must not wait. */
	void (*wake)(void *ctx, enum quire_zone zone);
	void *ctx;
};

/** quire_set_pressure - set (or with NULL remove) the pressure hook; copied */
void quire_set_pressure(struct quire *q, const struct quire_pressure *hook);

/** quire_fragmentation_index - Linux's external fragmentation index for a failing request
 * @q:     a machine with zones
 * @zone:  which
 * @order: of the request
 *
 * Return: in thousandths: near 0 a failure would be for want of memory, near
 *         1000 for fragmentation; -1000 if a block of that order is free
 */
int quire_fragmentation_index(struct quire *q, enum quire_zone zone, unsigned order);

/** quire_unusable_index - Linux's unusable free space index
 * @q:     a machine with zones
 * @zone:  which
 * @order: of the request
 *
 * Return: share of free memory, in thousandths, that can't serve a request of @order
 */
int quire_unusable_index(struct quire *q, enum quire_zone zone, unsigned order);

/** struct quire_metadata - what the library itself uses, in bytes */
struct quire_metadata {
	uint64_t frames; /* frame array */
	uint64_t blocks; /* pair bitmaps and block records */
	uint64_t other;  /* section table, zones, per-cpu lists, struct quire */
};

/** quire_metadata - count the library's own memory */
void quire_metadata(const struct quire *q, struct quire_metadata *out);

#ifdef __cplusplus
}
#endif
#endif
