/* SPDX-License-Identifier: MIT */
/*
 * elf_map.c - an image's segments, mapped into an address space
 *
 * They keep the distances that they have in the file, so room for all of them is found first, in
 * one piece, where the image may be anywhere. One that says where it has to be is mapped there, its
 * first segment only if nothing is in the way, the others whatever is. An interpreter that says it
 * clears its whole length first, the program with it. All of this is Linux's.
 */
#include "vm/elf_map.h"

#define PAGE_MASK ((uint64_t)QUIRE_PAGE_SIZE - 1)
#define ANONYMOUS (QUIRE_MAP_PRIVATE | QUIRE_MAP_ANONYMOUS)

static uint64_t page_down(uint64_t v)
{
	return v & ~PAGE_MASK;
}

static uint64_t page_up(uint64_t v)
{
	return page_down(v + PAGE_MASK);
}

static unsigned rights(const struct elf_segment *s)
{
	return (s->flags & ELF_READ ? QUIRE_PROT_READ : 0) |
	       (s->flags & ELF_WRITE ? QUIRE_PROT_WRITE : 0) |
	       (s->flags & ELF_EXEC ? QUIRE_PROT_EXEC : 0);
}

/* Is there room? @at: where; 0: anywhere, and then it is set. */
static int find_room(struct quire_mm *mm, uint64_t *at, uint64_t bytes)
{
	const struct quire_mmap args = {
		.address = { *at },
		.bytes = bytes,
		.flags = ANONYMOUS | QUIRE_MAP_NORESERVE | (*at ? QUIRE_MAP_FIXED_NOREPLACE : 0),
	};
	quire_virt_t found = { 0 };
	int error = quire_mmap(mm, &args, &found);

	if (error)
		return error;
	*at = found.v;
	return quire_munmap(mm, found, bytes);
}

/* An interpreter's length from its first segment on, unless that has nothing in the file. */
static int clear_way(struct quire_mm *mm, const struct elf *elf, uint64_t bytes)
{
	struct elf_segment s;

	if (!elf_find(elf, ELF_LOAD, &s) || !s.file_bytes)
		return 0;
	return quire_munmap(mm, (quire_virt_t){ page_down(s.vaddr) }, bytes);
}

/* How far the image moves. */
static int find_bias(struct quire_mm *mm, const struct elf *elf, uint64_t base, uint64_t *bias)
{
	uint64_t limit = mm->layout.task_size.v, align = elf_align(elf), start = 0, end = 0, at;
	int error = elf_span(elf, limit, &start, &end);

	*bias = 0;
	if (error)
		return error;
	if (!elf->position)
		return elf->interpreter ? clear_way(mm, elf, page_up(end) - start) : 0;
	if (align >= limit)
		align = QUIRE_PAGE_SIZE;
	at = base & ~(align - 1);
	if (!at && align > QUIRE_PAGE_SIZE) {
		error = find_room(mm, &at, page_up(end) - start + align - QUIRE_PAGE_SIZE);
		at = (at + align - 1) & ~(align - 1);
	}
	if (!error)
		error = find_room(mm, &at, page_up(end) - start);
	*bias = at - start;
	return error;
}

/* Zeros from the segment's end in the file to its end in memory. */
static int map_zeros(struct quire_mm *mm, const struct elf_segment *s, uint64_t at)
{
	uint64_t from = at + s->file_bytes, to = page_up(at + s->memory_bytes);
	const struct quire_mmap args = {
		.address = { s->file_bytes ? page_up(from) : page_down(from) },
		.bytes = to - (s->file_bytes ? page_up(from) : page_down(from)),
		.prot = QUIRE_PROT_READ | QUIRE_PROT_WRITE | (rights(s) & QUIRE_PROT_EXEC),
		.flags = ANONYMOUS | QUIRE_MAP_FIXED,
	};
	quire_virt_t found;
	size_t rest = s->file_bytes ? (size_t)(page_up(from) - from) : 0;

	/* In a page that the program can't write nobody will ever miss the zeros. */
	if (rest && quire_clear_user(mm, (quire_virt_t){ from }, rest) &&
	    (rights(s) & QUIRE_PROT_WRITE))
		return -QUIRE_EFAULT;
	return args.bytes ? quire_mmap(mm, &args, &found) : 0;
}

/* @where: QUIRE_MAP_FIXED or FIXED_NOREPLACE */
static int map_segment(struct quire_mm *mm, const struct elf *elf, const struct elf_segment *s,
		       uint64_t at, unsigned where)
{
	uint64_t skip = at & PAGE_MASK;
	const struct quire_mmap args = {
		.address = { at - skip },
		.bytes = s->file_bytes + skip,
		.prot = rights(s),
		.flags = QUIRE_MAP_PRIVATE | where,
		.file = elf->file,
		.offset = s->offset - skip,
	};
	quire_virt_t found;
	int error = 0;

	if (s->file_bytes)
		error = s->offset < skip ? -QUIRE_EINVAL : quire_mmap(mm, &args, &found);
	if (!error && s->memory_bytes > s->file_bytes)
		error = map_zeros(mm, s, at);
	return error;
}

static void note_segment(const struct elf *elf, const struct elf_segment *s, struct elf_image *out)
{
	uint64_t at = s->vaddr + out->bias;

	if (elf->headers_at >= s->offset && elf->headers_at - s->offset < s->file_bytes)
		out->headers = elf->headers_at - s->offset + at;
	if (s->flags & ELF_EXEC) {
		out->start_code = at < out->start_code ? at : out->start_code;
		out->end_code = at + s->file_bytes > out->end_code ? at + s->file_bytes
								   : out->end_code;
	}
	out->start_data = at > out->start_data ? at : out->start_data;
	out->end_data = at + s->file_bytes > out->end_data ? at + s->file_bytes : out->end_data;
	out->end = at + s->memory_bytes > out->end ? at + s->memory_bytes : out->end;
}

int elf_map(struct quire_mm *mm, const struct elf *elf, uint64_t base, struct elf_image *out)
{
	unsigned where = QUIRE_MAP_FIXED_NOREPLACE;
	int error;

	*out = (struct elf_image){ .start_code = UINT64_MAX };
	error = find_bias(mm, elf, base, &out->bias);
	for (unsigned i = 0; i < elf->nr && !error; i++) {
		struct elf_segment s;

		elf_segment(elf, i, &s);
		if (s.what != ELF_LOAD)
			continue;
		error = map_segment(mm, elf, &s, s.vaddr + out->bias, where);
		note_segment(elf, &s, out);
		where = QUIRE_MAP_FIXED;
	}
	out->entry = elf->entry + out->bias;
	if (!error && out->entry >= mm->layout.task_size.v)
		error = -QUIRE_EINVAL;
	if (out->start_code == UINT64_MAX)
		out->start_code = 0;
	return error;
}
