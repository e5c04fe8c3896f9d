/* SPDX-License-Identifier: MIT */
/*
 * page_slow.h - what the fast paths of page.c leave to others
 */
#ifndef PHYS_PAGE_SLOW_H
#define PHYS_PAGE_SLOW_H

#include "phys/zone.h"

/**
 * page_alloc_slow - quire_page_alloc for any request
 *
 * All orders, ZERO and COMP, all zones of the route, pressure.
 * Locks: none held; takes pcp->lock and zone->lock
 */
struct quire_page *page_alloc_slow(struct quire *q, quire_gfp_t gfp, unsigned order);

/** page_free_slow - quire_page_free for any block, right or wrong. Locks: none held */
enum quire_free page_free_slow(struct quire *q, struct quire_page *page, unsigned order);

/**
 * page_take_block - a block straight from a zone's lists
 *
 * Return: index of its first frame; FRAME_NONE if none is free
 * Locks:  in quire_port_cpu_enter; takes zone->lock
 */
uint32_t page_take_block(struct quire *q, struct zone *zone, unsigned type, unsigned order);

/** page_return_block - a block straight back to its zone's lists. Locks: as page_take_block */
void page_return_block(struct quire *q, struct zone *zone, uint32_t i, unsigned order);

/**
 * page_free_why - what is wrong with freeing that
 *
 * Return: QUIRE_FREE_OK if it starts an allocated block of @order
 */
enum quire_free page_free_why(struct quire *q, const struct quire_page *page, unsigned order);

#endif
