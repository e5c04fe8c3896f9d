/* SPDX-License-Identifier: MIT */
/*
 * space.h - machines with processes, for the tests of address spaces
 */
#ifndef TEST_SPACE_H
#define TEST_SPACE_H

#include "kernel.h"

#include <quire/mm.h>

#define PAGE ((uint64_t)QUIRE_PAGE_SIZE)
/* Where tests put their areas by address: all machines have it, and nothing else is there. */
#define BASE 0x20000000u
#define RW (QUIRE_PROT_READ | QUIRE_PROT_WRITE)
#define ANON (QUIRE_MAP_PRIVATE | QUIRE_MAP_ANONYMOUS)
#define FIXED (ANON | QUIRE_MAP_FIXED)

/** struct space - a machine, and one process of it */
struct space {
	struct rig rig;
	struct quire *q;
	struct quire_mm *mm;
};

/** A machine of @bytes up to and with processes; none yet */
static inline bool space_boot(struct space *s, enum quire_machine machine, uint64_t bytes)
{
	s->mm = NULL;
	if (!kernel_start(&s->rig, machine, bytes))
		return false;
	s->q = s->rig.q;
	CHECK_EQ(quire_cache_boot(s->q), 0);
	int error = quire_vm_boot(s->q);

	CHECK_EQ(error, 0);
	return !error;
}

/** The same, with a process that processor 0 has loaded */
static inline bool space_start(struct space *s, enum quire_machine machine, uint64_t bytes)
{
	if (!space_boot(s, machine, bytes))
		return false;
	int error = quire_mm_create(s->q, NULL, &s->mm);

	CHECK_EQ(error, 0);
	if (!error)
		CHECK_EQ(quire_mm_load(s->mm), 0);
	return !error;
}

/** Nothing is broken now */
static inline bool space_sound(struct space *s)
{
	return rig_sound(&s->rig);
}

/** End the process and the machine: everything goes back */
static inline void space_end(struct space *s)
{
	space_sound(s);
	if (s->mm) {
		quire_table_load(quire_table_kernel(s->q));
		CHECK_EQ(quire_mm_destroy(s->mm), 0);
	}
	rig_end(&s->rig);
}

/** Page @n from BASE on */
static inline quire_virt_t at_page(uint64_t n)
{
	return (quire_virt_t){ BASE + n * PAGE };
}

/** mmap of @nr pages at page @n. Return: 0 or the error */
static inline int map_at(struct space *s, uint64_t n, uint64_t nr, unsigned prot, unsigned flags)
{
	const struct quire_mmap args = {
		.address = at_page(n),
		.bytes = nr * PAGE,
		.prot = prot,
		.flags = flags,
	};
	quire_virt_t out = { 0 };
	int error = quire_mmap(s->mm, &args, &out);

	if (!error && flags & QUIRE_MAP_FIXED)
		CHECK_EQ(out.v, args.address.v);
	return error;
}

/** struct piece - pages of a file */
struct piece {
	struct quire_file *file;
	uint64_t first;
};

/** mmap of a piece of a file at page @n, likewise */
static inline int map_piece(struct space *s, uint64_t n, uint64_t nr, unsigned prot, unsigned flags,
			    struct piece piece)
{
	const struct quire_mmap args = {
		.address = at_page(n),
		.bytes = nr * PAGE,
		.prot = prot,
		.flags = flags | QUIRE_MAP_FIXED,
		.file = piece.file,
		.offset = piece.first * PAGE,
	};
	quire_virt_t out = { 0 };

	return quire_mmap(s->mm, &args, &out);
}
#define map_file(s, n, nr, prot, flags, file, first)                                      \
	map_piece(s, n, nr, prot, flags, (struct piece){ file, first })

static inline int unmap_at(struct space *s, uint64_t n, uint64_t nr)
{
	return quire_munmap(s->mm, at_page(n), nr * PAGE);
}

static inline int protect_at(struct space *s, uint64_t n, uint64_t nr, unsigned prot)
{
	return quire_mprotect(s->mm, at_page(n), nr * PAGE, prot);
}

static inline int advise_at(struct space *s, uint64_t n, uint64_t nr, int advice)
{
	return quire_madvise(s->mm, at_page(n), nr * PAGE, advice);
}

/** mremap from page @n to page @to, or with flags that say otherwise. Return: 0 or the error */
static inline int remap_at(struct space *s, uint64_t n, uint64_t old, uint64_t new, unsigned flags,
			   uint64_t to)
{
	const struct quire_mremap args = {
		.address = at_page(n),
		.old_bytes = old * PAGE,
		.new_bytes = new * PAGE,
		.flags = flags,
		.new_address = at_page(to),
	};
	quire_virt_t out = { 0 };

	return quire_mremap(s->mm, &args, &out);
}

static inline struct quire_mm_stat space_stat(struct space *s)
{
	struct quire_mm_stat stat;

	quire_mm_stat(s->mm, &stat);
	return stat;
}

static inline uint64_t space_committed(struct space *s)
{
	struct quire_vm_stat stat;

	CHECK_EQ(quire_vm_stat(s->q, &stat), 0);
	return stat.committed;
}

/** The areas from BASE on, as "page-page rwxp@pgoff page-page …", pages from BASE on */
static inline const char *space_areas(struct space *s)
{
	static char text[4096];
	struct quire_vma_info info;
	quire_virt_t from = { BASE };
	size_t n = 0;

	text[0] = 0;
	while (n < sizeof(text) - 80 && quire_mm_next_vma(s->mm, from, &info)) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%d-%d %c%c%c%c", n ? " " : "",
				      (int)((int64_t)(info.start.v - BASE) >> 12),
				      (int)((int64_t)(info.end.v - BASE) >> 12),
				      info.flags & QUIRE_VM_READ ? 'r' : '-',
				      info.flags & QUIRE_VM_WRITE ? 'w' : '-',
				      info.flags & QUIRE_VM_EXEC ? 'x' : '-',
				      info.flags & QUIRE_VM_MAYSHARE ? 's' : 'p');
		if (info.file)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "@%d", (int)info.pgoff);
		from = info.end;
	}
	return text;
}

/** A file of @nr_pages; without a store it is memory alone */
static inline struct quire_file *space_file(struct space *s, const struct quire_store *store,
					    uint64_t nr_pages)
{
	const struct quire_inode_args args = { .store = store, .bytes = nr_pages * PAGE };
	struct quire_inode *inode = NULL;
	struct quire_file *file = NULL;

	CHECK_EQ(quire_inode_create(s->q, &args, &inode), 0);
	CHECK_EQ(quire_file_open(inode, QUIRE_FILE_READ | QUIRE_FILE_WRITE, "file", &file), 0);
	quire_inode_put(inode);
	return file;
}

/** The kernel writes a word at the beginning of page @n */
static inline void space_put(struct space *s, uint64_t n, uint32_t value)
{
	CHECK_EQ(quire_copy_to_user(s->mm, at_page(n), &value, sizeof(value)), 0);
}

/** And reads it */
static inline uint32_t space_get(struct space *s, uint64_t n)
{
	uint32_t value = 0xdead;

	CHECK_EQ(quire_copy_from_user(s->mm, &value, at_page(n), sizeof(value)), 0);
	return value;
}

#endif
