/* SPDX-License-Identifier: MIT */
/*
 * trace_gfp.h - the GFP flags of a recorded request
 *
 * A recording has flags for which Quire's page allocator does nothing. They
 * are told apart, so that a replay can say how many requests had them.
 */
#ifndef LAB_TRACE_GFP_H
#define LAB_TRACE_GFP_H

#include <quire/page.h>

/**
 * trace_gfp - read GFP flags as Linux prints them
 * @text:    names joined by "|", "none", or a number, whose bits are read as Linux 6.1's
 * @length:  of it
 * @gfp:     in Quire's bits
 * @ignored: bit i: trace_gfp_ignored(i) is among them
 *
 * Return: 0; -QUIRE_EINVAL for a name that no Linux has, or no number of 32 bits
 */
int trace_gfp(const char *text, size_t length, quire_gfp_t *gfp, uint32_t *ignored);

/** trace_gfp_ignored - the i-th flag without a meaning here. Return: NULL after the last */
const char *trace_gfp_ignored(unsigned i);

#endif
