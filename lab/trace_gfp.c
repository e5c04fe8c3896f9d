/* SPDX-License-Identifier: MIT */
/*
 * trace_gfp.c - the GFP flags of a recorded request
 *
 * Linux prints the composites it finds in the bits (GFP_KERNEL), then the
 * single flags that are left (__GFP_ZERO), then the rest as a number. Before
 * 4.6 the single flags had no underscores.
 *
 * Sources: Linux include/trace/events/mmflags.h for the names of each version
 * and gfp_types.h for what they stand for.
 */
#include "trace_gfp.h"

#include <quire/error.h>

#include "gfp.h"
#include "text.h"

/* Flags without a meaning here; the order is that of the bits in *ignored. */
enum ignored {
	IGNORED_WRITE,
	IGNORED_HARDWALL,
	IGNORED_THISNODE,
	IGNORED_ACCOUNT,
	IGNORED_ZEROTAGS,
	IGNORED_SKIP_ZERO,
	IGNORED_SKIP_KASAN,
	IGNORED_NOLOCKDEP,
	IGNORED_NO_OBJ_EXT,
	IGNORED_COLD,
	IGNORED_NOTRACK,
	IGNORED_OTHER_NODE,
	IGNORED_NUMBER,
	NR_IGNORED
};

#define IGNORE(flag) (1u << IGNORED_##flag)

static const char *const ignored_names[NR_IGNORED] = {
	[IGNORED_WRITE] = "__GFP_WRITE",
	[IGNORED_HARDWALL] = "__GFP_HARDWALL",
	[IGNORED_THISNODE] = "__GFP_THISNODE",
	[IGNORED_ACCOUNT] = "__GFP_ACCOUNT",
	[IGNORED_ZEROTAGS] = "__GFP_ZEROTAGS",
	[IGNORED_SKIP_ZERO] = "__GFP_SKIP_ZERO",
	[IGNORED_SKIP_KASAN] = "__GFP_SKIP_KASAN",
	[IGNORED_NOLOCKDEP] = "__GFP_NOLOCKDEP",
	[IGNORED_NO_OBJ_EXT] = "__GFP_NO_OBJ_EXT",
	[IGNORED_COLD] = "__GFP_COLD",
	[IGNORED_NOTRACK] = "__GFP_NOTRACK",
	[IGNORED_OTHER_NODE] = "__GFP_OTHER_NODE",
	[IGNORED_NUMBER] = "bits without a name",
};

#define TRANSHUGE_LIGHT                                                                   \
	((QUIRE_GFP_HIGHUSER_MOVABLE & ~QUIRE_GFP_RECLAIM) | QUIRE_GFP_BIT_COMP |         \
	 QUIRE_GFP_BIT_NOMEMALLOC | QUIRE_GFP_BIT_NOWARN)

/*
 * What lab_gfp_find does not know or does not know all of, without
 * leading underscores: composites with flags to ignore, those flags, and
 * names of older kernels.
 */
static const struct {
	const char *name;
	quire_gfp_t gfp;
	uint32_t ignored;
} more_names[] = {
	{ "GFP_HIGHUSER_MOVABLE", QUIRE_GFP_HIGHUSER_MOVABLE, IGNORE(HARDWALL) },
	{ "GFP_KERNEL_ACCOUNT", QUIRE_GFP_KERNEL, IGNORE(ACCOUNT) },
	{ "GFP_HIGHUSER", QUIRE_GFP_HIGHUSER, IGNORE(HARDWALL) },
	{ "GFP_USER", QUIRE_GFP_USER, IGNORE(HARDWALL) },
	{ "GFP_TRANSHUGE", TRANSHUGE_LIGHT | QUIRE_GFP_BIT_DIRECT, IGNORE(HARDWALL) },
	{ "GFP_TRANSHUGE_LIGHT", TRANSHUGE_LIGHT, IGNORE(HARDWALL) },
	{ "GFP_ACCOUNT", 0, IGNORE(ACCOUNT) },
	{ "GFP_HARDWALL", 0, IGNORE(HARDWALL) },
	{ "GFP_WRITE", 0, IGNORE(WRITE) },
	{ "GFP_THISNODE", 0, IGNORE(THISNODE) },
	{ "GFP_ZEROTAGS", 0, IGNORE(ZEROTAGS) },
	{ "GFP_SKIP_ZERO", 0, IGNORE(SKIP_ZERO) },
	{ "GFP_SKIP_KASAN", 0, IGNORE(SKIP_KASAN) },
	{ "GFP_SKIP_KASAN_POISON", 0, IGNORE(SKIP_KASAN) },
	{ "GFP_SKIP_KASAN_UNPOISON", 0, IGNORE(SKIP_KASAN) },
	{ "GFP_NOLOCKDEP", 0, IGNORE(NOLOCKDEP) },
	{ "GFP_NO_OBJ_EXT", 0, IGNORE(NO_OBJ_EXT) },
	{ "GFP_COLD", 0, IGNORE(COLD) },
	{ "GFP_NOTRACK", 0, IGNORE(NOTRACK) },
	{ "GFP_NOTRACK_FALSE_POSITIVE", 0, IGNORE(NOTRACK) },
	{ "GFP_OTHER_NODE", 0, IGNORE(OTHER_NODE) },
	{ "GFP_REPEAT", QUIRE_GFP_BIT_RETRY_MAYFAIL, 0 },
	{ "GFP_WAIT", QUIRE_GFP_BIT_DIRECT, 0 },
	{ "GFP_TEMPORARY", QUIRE_GFP_KERNEL | QUIRE_GFP_BIT_RECLAIMABLE, 0 },
	{ "GFP_NO_KSWAPD", 0, 0 },
};

/* The bits of Linux 6.1 that are not Quire's and have a name. */
static const struct {
	uint32_t bit;
	uint32_t ignored;
} ignored_bits[] = {
	{ 0x1000, IGNORE(WRITE) },
	{ 0x100000, IGNORE(HARDWALL) },
	{ 0x200000, IGNORE(THISNODE) },
	{ 0x400000, IGNORE(ACCOUNT) },
	{ 0x800000, IGNORE(ZEROTAGS) },
};

const char *trace_gfp_ignored(unsigned i)
{
	return i < NR_IGNORED ? ignored_names[i] : NULL;
}

static int find_name(const char *text, size_t length, quire_gfp_t *gfp, uint32_t *ignored)
{
	static const char under[] = "__";
	quire_gfp_t found;
	const char *bare = text;
	size_t bare_length = length;

	if (length > 2 && text[0] == under[0] && text[1] == under[1]) {
		bare += 2;
		bare_length -= 2;
	}
	for (size_t i = 0; i < sizeof(more_names) / sizeof(more_names[0]); i++) {
		if (text_is(bare, bare_length, more_names[i].name)) {
			*gfp |= more_names[i].gfp;
			*ignored |= more_names[i].ignored;
			return 0;
		}
	}
	if (lab_gfp_find(text, length, &found)) {
		*gfp |= found;
		return 0;
	}
	/* Before 4.6: the single flags, not the composites, follow without underscores. */
	for (size_t i = 0; lab_gfp_list(i); i++) {
		const struct lab_gfp_name *flag = lab_gfp_list(i);
		if (flag->name[0] == '_' && text_is(text, length, flag->name + 2)) {
			*gfp |= flag->gfp;
			return 0;
		}
	}
	return -QUIRE_EINVAL;
}

static int read_bits(const char *text, size_t length, quire_gfp_t *gfp, uint32_t *ignored)
{
	bool hex = length > 2 && text[0] == '0' && text[1] == 'x';
	uint64_t base = hex ? 16 : 10, bits = 0;

	for (size_t i = hex ? 2 : 0; i < length; i++) {
		char c = text[i];
		uint64_t digit = base;
		if (c >= '0' && c <= '9')
			digit = (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (uint64_t)(c - 'a') + 10;
		if (digit >= base)
			return -QUIRE_EINVAL;
		bits = bits * base + digit;
		if (bits > UINT32_MAX)
			return -QUIRE_EINVAL;
	}
	*gfp |= (quire_gfp_t)bits & QUIRE_GFP_BITS;
	bits &= ~(uint64_t)QUIRE_GFP_BITS;
	for (size_t i = 0; i < sizeof(ignored_bits) / sizeof(ignored_bits[0]); i++) {
		if (bits & ignored_bits[i].bit)
			*ignored |= ignored_bits[i].ignored;
		bits &= ~(uint64_t)ignored_bits[i].bit;
	}
	if (bits)
		*ignored |= IGNORE(NUMBER);
	return 0;
}

int trace_gfp(const char *text, size_t length, quire_gfp_t *gfp, uint32_t *ignored)
{
	*gfp = 0;
	*ignored = 0;
	if (text_is(text, length, "none"))
		return 0;
	for (size_t start = 0; start <= length;) {
		size_t end = start;
		while (end < length && text[end] != '|')
			end++;
		bool digits = end > start && text[start] >= '0' && text[start] <= '9';
		int err = digits ? read_bits(text + start, end - start, gfp, ignored)
				 : find_name(text + start, end - start, gfp, ignored);
		if (err)
			return err;
		start = end + 1;
	}
	return 0;
}
