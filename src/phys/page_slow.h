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
 * page_take_straight - a block from a zone's lists, past those of the cpu
 * @q:     the machine
 * @id:    LISTS(zone, mobility)
 * @order: 0 .. QUIRE_ORDER_MAX
 *
 * Return: index of its first frame; FRAME_NONE if none is free
 * Locks:  in quire_port_cpu_enter; takes zone->lock, block->lock
 */
uint32_t page_take_straight(struct quire *q, unsigned id, unsigned order);

/**
 * page_free_why - what is wrong with freeing that
 *
 * Return: QUIRE_FREE_OK if it starts an allocated block of @order
 */
enum quire_free page_free_why(struct quire *q, const struct quire_page *page, unsigned order);

#endif
