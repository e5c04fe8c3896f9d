/* SPDX-License-Identifier: MIT */
/*
 * strace_names.c - the names that strace prints for numbers
 *
 * Values are those of x86. Source: mmap(2), mprotect(2), mremap(2), madvise(2), msync(2), mlock(2),
 * mlockall(2), clone(2), errno(3).
 */
#include "strace_names.h"

#include <quire/error.h>
#include <quire/mm.h>

#include "strace.h"

struct name {
	const char *text;
	uint32_t value;
};

static const struct name flags[] = {
	{ "PROT_NONE", QUIRE_PROT_NONE },
	{ "PROT_READ", QUIRE_PROT_READ },
	{ "PROT_WRITE", QUIRE_PROT_WRITE },
	{ "PROT_EXEC", QUIRE_PROT_EXEC },
	{ "PROT_GROWSDOWN", QUIRE_PROT_GROWSDOWN },
	{ "MAP_FILE", 0 },
	{ "MAP_SHARED", QUIRE_MAP_SHARED },
	{ "MAP_PRIVATE", QUIRE_MAP_PRIVATE },
	{ "MAP_SHARED_VALIDATE", QUIRE_MAP_SHARED_VALIDATE },
	{ "MAP_FIXED", QUIRE_MAP_FIXED },
	{ "MAP_ANONYMOUS", QUIRE_MAP_ANONYMOUS },
	{ "MAP_ANON", QUIRE_MAP_ANONYMOUS },
	{ "MAP_32BIT", QUIRE_MAP_32BIT },
	{ "MAP_GROWSDOWN", QUIRE_MAP_GROWSDOWN },
	{ "MAP_DENYWRITE", QUIRE_MAP_DENYWRITE },
	{ "MAP_EXECUTABLE", QUIRE_MAP_EXECUTABLE },
	{ "MAP_LOCKED", QUIRE_MAP_LOCKED },
	{ "MAP_NORESERVE", QUIRE_MAP_NORESERVE },
	{ "MAP_POPULATE", QUIRE_MAP_POPULATE },
	{ "MAP_NONBLOCK", QUIRE_MAP_NONBLOCK },
	{ "MAP_STACK", QUIRE_MAP_STACK },
	{ "MAP_HUGETLB", QUIRE_MAP_HUGETLB },
	{ "MAP_SYNC", QUIRE_MAP_SYNC },
	{ "MAP_FIXED_NOREPLACE", QUIRE_MAP_FIXED_NOREPLACE },
	{ "MREMAP_MAYMOVE", QUIRE_MREMAP_MAYMOVE },
	{ "MREMAP_FIXED", QUIRE_MREMAP_FIXED },
	{ "MREMAP_DONTUNMAP", QUIRE_MREMAP_DONTUNMAP },
	{ "MADV_NORMAL", QUIRE_MADV_NORMAL },
	{ "MADV_RANDOM", QUIRE_MADV_RANDOM },
	{ "MADV_SEQUENTIAL", QUIRE_MADV_SEQUENTIAL },
	{ "MADV_WILLNEED", QUIRE_MADV_WILLNEED },
	{ "MADV_DONTNEED", QUIRE_MADV_DONTNEED },
	{ "MADV_FREE", QUIRE_MADV_FREE },
	{ "MADV_REMOVE", QUIRE_MADV_REMOVE },
	{ "MADV_DONTFORK", QUIRE_MADV_DONTFORK },
	{ "MADV_DOFORK", QUIRE_MADV_DOFORK },
	{ "MADV_MERGEABLE", 12 },
	{ "MADV_UNMERGEABLE", 13 },
	{ "MADV_HUGEPAGE", QUIRE_MADV_HUGEPAGE },
	{ "MADV_NOHUGEPAGE", QUIRE_MADV_NOHUGEPAGE },
	{ "MADV_DONTDUMP", QUIRE_MADV_DONTDUMP },
	{ "MADV_DODUMP", QUIRE_MADV_DODUMP },
	{ "MADV_WIPEONFORK", QUIRE_MADV_WIPEONFORK },
	{ "MADV_KEEPONFORK", QUIRE_MADV_KEEPONFORK },
	{ "MADV_COLD", QUIRE_MADV_COLD },
	{ "MADV_PAGEOUT", QUIRE_MADV_PAGEOUT },
	{ "MADV_POPULATE_READ", QUIRE_MADV_POPULATE_READ },
	{ "MADV_POPULATE_WRITE", QUIRE_MADV_POPULATE_WRITE },
	{ "MADV_DONTNEED_LOCKED", 24 },
	{ "MADV_COLLAPSE", QUIRE_MADV_COLLAPSE },
	{ "MS_ASYNC", QUIRE_MS_ASYNC },
	{ "MS_INVALIDATE", QUIRE_MS_INVALIDATE },
	{ "MS_SYNC", QUIRE_MS_SYNC },
	{ "MLOCK_ONFAULT", QUIRE_MLOCK_ONFAULT },
	{ "MCL_CURRENT", QUIRE_MCL_CURRENT },
	{ "MCL_FUTURE", QUIRE_MCL_FUTURE },
	{ "MCL_ONFAULT", QUIRE_MCL_ONFAULT },
	{ "CLONE_VM", LAB_CLONE_VM },
	{ "CLONE_VFORK", LAB_CLONE_VFORK },
	{ "CLONE_THREAD", LAB_CLONE_THREAD },
	{ "NULL", 0 },
};

static bool is(const char *text, const char *name, size_t length)
{
	while (length && *text && *text == *name)
		text++, name++, length--;
	return !length && !*text;
}

bool strace_flag(const char *name, size_t length, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (is(flags[i].text, name, length)) {
			*out = flags[i].value;
			return true;
		}
	}
	return false;
}

int strace_errno(const char *name, size_t length)
{
	for (int error = 1; error < 134; error++) {
		if (is(quire_error_name(error), name, length))
			return error;
	}
	return 0;
}
