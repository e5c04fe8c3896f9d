/* SPDX-License-Identifier: MIT */
/*
 * gfp.c - GFP flags by Linux's names
 *
 * The names of all bits of quire_gfp_t, and of what they are put together to. The page
 * allocator acts on most of them itself, some of them only where there is a
 * pressure hook: DIRECT, KSWAPD, and how often it asks (NORETRY, RETRY_MAYFAIL).
 * IO and FS it hands to the hook, which knows what reclaim they forbid. NOWARN asks for
 * a silence that is there anyway. A flag that is none of these is no word here:
 * a script is told so, and a replay counts it as ignored (trace_gfp.c).
 */
#include "gfp.h"

#include "text.h"

static const struct lab_gfp_name names[] = {
	{ "GFP_KERNEL", QUIRE_GFP_KERNEL },
	{ "GFP_ATOMIC", QUIRE_GFP_ATOMIC },
	{ "GFP_NOWAIT", QUIRE_GFP_NOWAIT },
	{ "GFP_NOIO", QUIRE_GFP_NOIO },
	{ "GFP_NOFS", QUIRE_GFP_NOFS },
	{ "GFP_USER", QUIRE_GFP_USER },
	{ "GFP_DMA", QUIRE_GFP_DMA },
	{ "GFP_DMA32", QUIRE_GFP_DMA32 },
	{ "GFP_HIGHUSER", QUIRE_GFP_HIGHUSER },
	{ "GFP_HIGHUSER_MOVABLE", QUIRE_GFP_HIGHUSER_MOVABLE },
	{ "__GFP_DMA", QUIRE_GFP_BIT_DMA },
	{ "__GFP_DMA32", QUIRE_GFP_BIT_DMA32 },
	{ "__GFP_HIGHMEM", QUIRE_GFP_BIT_HIGHMEM },
	{ "__GFP_MOVABLE", QUIRE_GFP_BIT_MOVABLE },
	{ "__GFP_RECLAIMABLE", QUIRE_GFP_BIT_RECLAIMABLE },
	{ "__GFP_HIGH", QUIRE_GFP_BIT_HIGH },
	{ "__GFP_IO", QUIRE_GFP_BIT_IO },
	{ "__GFP_FS", QUIRE_GFP_BIT_FS },
	{ "__GFP_ZERO", QUIRE_GFP_BIT_ZERO },
	{ "__GFP_ATOMIC", QUIRE_GFP_BIT_ATOMIC },
	{ "__GFP_DIRECT_RECLAIM", QUIRE_GFP_BIT_DIRECT },
	{ "__GFP_KSWAPD_RECLAIM", QUIRE_GFP_BIT_KSWAPD },
	{ "__GFP_RECLAIM", QUIRE_GFP_RECLAIM },
	{ "__GFP_NOWARN", QUIRE_GFP_BIT_NOWARN },
	{ "__GFP_RETRY_MAYFAIL", QUIRE_GFP_BIT_RETRY_MAYFAIL },
	{ "__GFP_NOFAIL", QUIRE_GFP_BIT_NOFAIL },
	{ "__GFP_NORETRY", QUIRE_GFP_BIT_NORETRY },
	{ "__GFP_MEMALLOC", QUIRE_GFP_BIT_MEMALLOC },
	{ "__GFP_NOMEMALLOC", QUIRE_GFP_BIT_NOMEMALLOC },
	{ "__GFP_COMP", QUIRE_GFP_BIT_COMP },
};

const struct lab_gfp_name *lab_gfp_list(size_t i)
{
	return i < sizeof(names) / sizeof(names[0]) ? &names[i] : NULL;
}

bool lab_gfp_find(const char *text, size_t length, quire_gfp_t *out)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (text_is(text, length, names[i].name)) {
			*out = names[i].gfp;
			return true;
		}
	}
	return false;
}
