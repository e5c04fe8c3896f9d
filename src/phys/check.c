/* SPDX-License-Identifier: MIT */
/*
 * check.c - the invariants of the frame tier, and the hash of its state
 *
 * The rules are those of src/phys/README.md. Lists are held against blocks,
 * blocks against pair trees, pair trees against frames, and the sums against the
 * counters.
 */
#include <quire/quire.h>

#include "core/hash.h"
#include "phys/buddy.h"
#include "phys/machine.h"

/* What the walk over a zone's frames counts. */
struct tally {
	uint64_t free;  /* in pieces of pair trees or whole blocks */
	uint64_t used;  /* in allocated blocks */
	uint64_t loose; /* neither: they must be on per-cpu lists */
};

static bool broken(struct quire_violation *out, const char *rule, const char *text, uint64_t where)
{
	*out = (struct quire_violation){ rule, text, where };
	return false;
}

static bool block_check(const struct quire *q, uint32_t b, struct quire_violation *out)
{
	const struct block *block = &q->blocks[b];
	const struct block *buddy = &q->blocks[b ^ 1];
	bool whole = block->largest >= LARGEST_WHOLE;
	unsigned nr = 0;

	for (int order = 0; order < BLOCK_ORDER; order++)
		nr += block_nr_pieces(block, order) << order;
	if (whole && (nr || block->nr_free != BLOCK_FRAMES))
		return broken(out, "PHYS-4", "a block free as a whole has no pair bit set", b);
	if (!whole && nr != block->nr_free)
		return broken(out, "PHYS-2", "nr_free is the sum of the free pieces", b);
	if (block->claimed && block->slot != SLOT_NONE)
		return broken(out, "PHYS-7", "a claimed block is on no list", b);
	if (!whole && block->largest != block_largest(block))
		return broken(out, "PHYS-3", "largest is the order of the largest free piece", b);
	if ((block->largest == LARGEST_LOWER && (b & 1 || buddy->largest != LARGEST_UPPER)) ||
	    (block->largest == LARGEST_UPPER && (!(b & 1) || buddy->largest != LARGEST_LOWER)))
		return broken(out, "PHYS-4", "a block of order 10 has two halves", b);
	bool merge = block->type == buddy->type ||
		     (block->type < QUIRE_MIGRATE_CMA && buddy->type < QUIRE_MIGRATE_CMA);
	if (block->largest == LARGEST_WHOLE && buddy->largest == LARGEST_WHOLE && merge &&
	    !block->claimed && !buddy->claimed)
		return broken(out, "PHYS-9", "two free buddies are one block", b);
	return true;
}

/* An allocated block that starts at @i. Return: false if a frame of it is something else too */
static bool used_check(const struct quire *q, uint32_t i, uint32_t *end,
		       struct quire_violation *out)
{
	uint32_t head = frames_head(&q->frames.pages[i]), order = head & HEAD_ORDER;
	uint32_t tail = head & HEAD_COMPOUND ? HEAD_TAIL | order : 0;
	uint64_t pfn = frames_pfn(&q->frames, i);

	*end = i + (1u << order);
	if (i & ((1u << order) - 1))
		return broken(out, "PHYS-1", "a block starts at a multiple of its size", pfn);
	if (!quire_page_count(&q->frames.pages[i]))
		return broken(out, "PHYS-11", "an allocated block has a reference", pfn);
	if (!(head & HEAD_OWNED) != !q->frames.pages[i].owner)
		return broken(out, "PHYS-12", "an owned block says whose it is", pfn);
	for (uint32_t n = i; n < *end; n++) {
		const struct quire_page *page = &q->frames.pages[n];

		if (n > i && page->word != tail)
			return broken(out, "PHYS-11", "allocated blocks do not overlap", pfn);
		if (block_piece(&q->blocks[n >> BLOCK_ORDER], n & (BLOCK_FRAMES - 1)) >= 0)
			return broken(out, "PHYS-5", "an allocated frame is not free", pfn);
	}
	return true;
}

static bool frames_check(const struct quire *q, const struct zone *zone, struct tally *tally,
			 struct quire_violation *out)
{
	uint32_t i = zone->first_block << BLOCK_ORDER;
	uint32_t last = (zone->first_block + zone->nr_blocks) << BLOCK_ORDER, end;

	for (; i < last; i = end) {
		const struct quire_page *page = &q->frames.pages[i];
		int piece = block_piece(&q->blocks[i >> BLOCK_ORDER], i & (BLOCK_FRAMES - 1));
		uint32_t head = frames_head(page);

		end = i + 1;
		if (head & HEAD_USED) {
			if (!used_check(q, i, &end, out))
				return false;
			tally->used += end - i;
		} else if (head) {
			if (piece >= 0 || (head & HEAD_TAIL))
				return broken(out, "PHYS-5", "a reserved frame is not free",
					      frames_pfn(&q->frames, i));
		} else if (page->word) {
			return broken(out, "PHYS-5", "a free frame has no references",
				      frames_pfn(&q->frames, i));
		} else if (page->owner) {
			return broken(out, "PHYS-12", "a free frame has no owner",
				      frames_pfn(&q->frames, i));
		} else if (piece >= 0) {
			tally->free++;
		} else {
			tally->loose++;
		}
	}
	return true;
}

/* One list: links, slots, types. Adds its length to @nr. */
static bool list_check(const struct quire *q, const struct zone *zone, unsigned type, unsigned slot,
		       uint32_t *nr, struct quire_violation *out)
{
	const struct free_area *area = &zone->area[AREA(type, SLOT_ORDER(slot))];
	unsigned bucket = SLOT_BUCKET(slot);
	uint32_t prev = BLOCK_NONE;

	if ((area->mask >> bucket & 1) != (area->head[bucket] != BLOCK_NONE))
		return broken(out, "PHYS-6", "a mask bit says that the bucket has blocks", slot);
	for (uint32_t b = area->head[bucket]; b != BLOCK_NONE; b = q->blocks[b].next) {
		const struct block *block = &q->blocks[b];

		if (block->prev != prev || block->slot != slot || block->type != type ||
		    block->zone != zone->id || ++*nr > zone->nr_blocks)
			return broken(out, "PHYS-6", "a list holds the blocks of its slot", b);
		if (block->largest != (int)(SLOT_ORDER(slot)) ||
		    (SLOT_ORDER(slot) < BLOCK_ORDER && block->nr_free / BUCKET_FRAMES != bucket))
			return broken(out, "PHYS-6", "a block is on the list of its largest piece",
				      b);
		prev = b;
	}
	return true;
}

static bool lists_check(const struct quire *q, const struct zone *zone, struct quire_violation *out)
{
	uint32_t linked = 0, due = 0;

	if (!zone->nr_blocks)
		return true;
	for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++) {
		for (unsigned slot = 0; slot < NR_SLOTS; slot++) {
			if (!list_check(q, zone, type, slot, &linked, out))
				return false;
		}
	}
	for (uint32_t b = zone->first_block; b < zone->first_block + zone->nr_blocks; b++)
		due += q->blocks[b].largest >= 0 && q->blocks[b].largest != LARGEST_UPPER &&
		       !q->blocks[b].claimed;
	for (unsigned type = 0; type < QUIRE_NR_MIGRATE; type++) {
		for (unsigned order = 0; order < NR_ORDERS; order++) {
			bool named = zone->orders[type] >> order & 1;

			if (named != (zone->area[AREA(type, order)].mask != 0))
				return broken(out, "PHYS-6", "orders names the lists with blocks",
					      zone->id);
		}
	}
	if (linked != due)
		return broken(out, "PHYS-6", "each block with free frames is on a list", zone->id);
	return true;
}

static bool pcp_frame_check(const struct quire *q, const struct zone *zone, uint32_t i,
			    struct quire_violation *out)
{
	uint32_t b = i >> BLOCK_ORDER;

	if (i >= q->frames.nr || q->blocks[b].zone != zone->id || q->frames.pages[i].word ||
	    block_piece(&q->blocks[b], i & (BLOCK_FRAMES - 1)) >= 0)
		return broken(out, "PHYS-7", "a per-cpu list holds loose frames of its zone", i);
	return true;
}

static bool pcp_check(const struct quire *q, const struct zone *zone, const struct pcp *pcp,
		      struct quire_violation *out)
{
	const struct block *block = relaxed_load(&pcp->claimed);
	bool ok = true;

	if (pcp->count > pcp->room || pcp->nr_huge > pcp->huge_max ||
	    relaxed_load(&pcp->nr_pending) >= pcp->batch)
		return broken(out, "PHYS-7", "a per-cpu list is not longer than its limit",
			      zone->id);
	if (block && (!block->claimed || block->slot != SLOT_NONE))
		return broken(out, "PHYS-7", "a claimed block is on no list", zone->id);
	for (uint32_t n = 0; ok && n < pcp->count; n++)
		ok = pcp_frame_check(q, zone, frames_index(&q->frames, pcp->frame[n]), out);
	for (uint32_t n = 0; ok && n < pcp->nr_huge; n++)
		ok = pcp_frame_check(q, zone, pcp->huge[n], out);
	return ok;
}

static bool zone_check(const struct quire *q, const struct zone *zone, struct quire_violation *out)
{
	struct tally tally = { 0 };
	uint64_t pcp = 0, isolated = 0, cma = 0;
	int64_t all = (int64_t)zone->nr_free[1] + pcp_pending(q, zone);

	for (uint32_t b = zone->first_block; b < zone->first_block + zone->nr_blocks; b++) {
		if (!block_check(q, b, out))
			return false;
		if (q->blocks[b].type == QUIRE_MIGRATE_ISOLATE)
			isolated += q->blocks[b].nr_free;
		if (q->blocks[b].type == QUIRE_MIGRATE_CMA)
			cma += q->blocks[b].nr_free;
	}
	if (!lists_check(q, zone, out) || !frames_check(q, zone, &tally, out))
		return false;
	for (unsigned n = 0; zone->nr_blocks && n < QUIRE_NR_MIGRATE * q->config.nr_cpus; n++) {
		const struct pcp *list = pcp_of(q->pcp[LISTS(zone->id, n % QUIRE_NR_MIGRATE)],
						n / QUIRE_NR_MIGRATE);

		if (!pcp_check(q, zone, list, out))
			return false;
		pcp += pcp_nr_pages(list);
	}
	if (tally.loose != pcp)
		return broken(out, "PHYS-7", "a loose frame is on one per-cpu list", zone->id);
	if (tally.free != (uint64_t)all + isolated || isolated != (uint64_t)zone->nr_isolated ||
	    zone->nr_free[0] + (int64_t)cma != zone->nr_free[1])
		return broken(out, "PHYS-8", "the free counts are the sums over the blocks",
			      zone->id);
	if (tally.free + tally.loose + tally.used != zone->managed)
		return broken(out, "PHYS-8", "managed is free, per-cpu and allocated", zone->id);
	if (zone->managed > zone->present || zone->present > zone->end - zone->start)
		return broken(out, "PHYS-10", "managed <= present <= spanned", zone->id);
	if (zone->wmark[QUIRE_WMARK_MIN] > zone->wmark[QUIRE_WMARK_LOW] ||
	    zone->wmark[QUIRE_WMARK_LOW] > zone->wmark[QUIRE_WMARK_HIGH])
		return broken(out, "PHYS-10", "min <= low <= high", zone->id);
	return true;
}

bool quire_check(struct quire *q, struct quire_violation *out)
{
	struct quire_violation unread;

	if (!out)
		out = &unread;
	*out = (struct quire_violation){ 0 };
	if (!memmap_check(&q->map, out) || !memblock_check(&q->memblock, out))
		return false;
	for (unsigned z = 0; q->zones_built && z < QUIRE_NR_ZONES; z++) {
		if (!zone_check(q, &q->zones[z], out))
			return false;
	}
	return tiers_check(q, out);
}

static uint64_t hash_zone(const struct quire *q, const struct zone *zone, uint64_t hash)
{
	hash = hash_word(hash, zone->managed);
	hash = hash_word(hash, (uint64_t)zone->nr_free[1]);
	for (unsigned w = 0; w < QUIRE_NR_WMARKS; w++)
		hash = hash_word(hash, zone->wmark[w]);
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++)
		hash = hash_word(hash, zone->reserve[z]);
	for (unsigned type = 0; zone->nr_blocks && type < QUIRE_NR_MIGRATE; type++) {
		for (unsigned slot = 0; slot < NR_SLOTS; slot++) {
			const struct free_area *area = &zone->area[AREA(type, SLOT_ORDER(slot))];
			uint32_t b = area->head[SLOT_BUCKET(slot)];

			for (; b != BLOCK_NONE; b = q->blocks[b].next)
				hash = hash_word(hash, b);
		}
	}
	for (unsigned n = 0; zone->nr_blocks && n < QUIRE_NR_MIGRATE * q->config.nr_cpus; n++) {
		const struct pcp *pcp = pcp_of(q->pcp[LISTS(zone->id, n % QUIRE_NR_MIGRATE)],
					       n / QUIRE_NR_MIGRATE);
		const struct block *block = relaxed_load(&pcp->claimed);

		hash = hash_word(hash, block ? (uint64_t)(block - q->blocks) : BLOCK_NONE);
		hash = hash_word(hash, relaxed_load(&pcp->nr_pending));
		for (uint32_t k = 0; k < pcp->count; k++)
			hash = hash_word(hash, frames_index(&q->frames, pcp->frame[k]));
		for (uint32_t k = 0; k < pcp->nr_huge; k++)
			hash = hash_word(hash, pcp->huge[k]);
	}
	return hash;
}

static uint64_t hash_tree(const struct tree *tree, uint64_t hash)
{
	return hash_word(hash_word(hash, tree->pair), tree->side & tree->pair);
}

uint64_t quire_hash(struct quire *q)
{
	struct quire_map_entry entry;
	struct quire_range range;
	uint64_t hash = HASH_START;

	for (size_t i = 0; quire_map_get(q, i, &entry); i++)
		hash = hash_word(hash_word(hash_word(hash, entry.start), entry.end), entry.type);
	for (size_t i = 0; quire_memblock_get(q, QUIRE_MEMBLOCK_MEMORY, i, &range); i++)
		hash = hash_word(hash_word(hash, range.start), range.end);
	for (size_t i = 0; quire_memblock_get(q, QUIRE_MEMBLOCK_RESERVED, i, &range); i++)
		hash = hash_word(hash_word(hash_word(hash, range.start), range.end), range.what);
	for (uint32_t b = 0; b < q->nr_blocks; b++) {
		hash = hash_word(hash,
				 q->blocks[b].type | (uint64_t)(uint8_t)q->blocks[b].largest << 8);
		hash = hash_tree(&q->blocks[b].top, hash);
		for (unsigned t = 0; t < NR_PARTS; t++)
			hash = hash_tree(&q->blocks[b].part[t], hash);
	}
	for (uint32_t i = 0; i < q->frames.nr; i++) {
		const struct quire_page *page = &q->frames.pages[i];

		if (page->word)
			hash = hash_word(hash_word(hash, page->word), i);
	}
	hash = hash_word(hash_word(hash, q->min_free_kbytes), q->watermark_scale);
	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++)
		hash = hash_zone(q, &q->zones[z], hash);
	return tiers_hash(q, hash);
}
