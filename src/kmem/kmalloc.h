/* SPDX-License-Identifier: MIT */
/*
 * kmalloc.h - memory by size: families of caches, and whole frames
 */
#ifndef KMEM_KMALLOC_H
#define KMEM_KMALLOC_H

#include "kmem/kmem.h"

/**
 * kmalloc_args - the caches that are always there, one by one
 * @q:    the machine
 * @i:    0: that of the slabs' records; then kmalloc's families
 * @args: filled in
 * @name: room for args->name
 * @size: of it
 *
 * Return: false behind the last
 */
bool kmalloc_args(const struct quire *q, unsigned i, struct quire_cache_args *args, char *name,
		  size_t size);

/** kmalloc_place - that cache is there now: kmalloc finds it. @i: as for kmalloc_args */
void kmalloc_place(struct quire *q, unsigned i, struct cache *cache);

/** kmalloc_ready - all are there: sizes lead to them */
void kmalloc_ready(struct quire *q);

/** kmalloc_report_large - report each block of whole frames that is allocated. Return: how many */
uint64_t kmalloc_report_large(struct quire *q);

#endif
