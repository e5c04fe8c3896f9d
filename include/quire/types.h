/* SPDX-License-Identifier: MIT */
/*
 * types.h - the four kinds of address, and the frame number
 *
 * A physical address, a virtual (= linear) address, a bus address and a page
 * frame number are four one-member structs: mixing them does not compile.
 * They are 64 bits wide on every host, because a 32-bit host may manage a
 * 64-bit machine.
 */
#ifndef QUIRE_TYPES_H
#define QUIRE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An address on the memory bus, as the firmware's map gives it. */
typedef struct {
	uint64_t v;
} quire_phys_t;

/** An address before paging: what a program or the kernel uses. */
typedef struct {
	uint64_t v;
} quire_virt_t;

/** An address as a device sees it, behind its IOMMU if it has one. */
typedef struct {
	uint64_t v;
} quire_bus_t;

/** A page frame number: physical address divided by the frame size. */
typedef struct {
	uint64_t v;
} quire_pfn_t;

#define QUIRE_PAGE_SHIFT 12
#define QUIRE_PAGE_SIZE (1u << QUIRE_PAGE_SHIFT)

/** quire_phys - the physical address @v */
static inline quire_phys_t quire_phys(uint64_t v)
{
	quire_phys_t a;
	a.v = v;
	return a;
}

/** quire_pfn - the frame number @v */
static inline quire_pfn_t quire_pfn(uint64_t v)
{
	quire_pfn_t p;
	p.v = v;
	return p;
}

/** quire_phys_pfn - the frame that holds physical address @a */
static inline quire_pfn_t quire_phys_pfn(quire_phys_t a)
{
	return quire_pfn(a.v >> QUIRE_PAGE_SHIFT);
}

/** quire_pfn_phys - the address of frame @p's first byte */
static inline quire_phys_t quire_pfn_phys(quire_pfn_t p)
{
	return quire_phys(p.v << QUIRE_PAGE_SHIFT);
}

#ifdef __cplusplus
}
#endif
#endif
