/* SPDX-License-Identifier: MIT */
/*
 * elf.c - an ELF file's headers, read and judged
 *
 *                    64 bits          32 bits
 *   magic            0 .. 4           0 .. 4
 *   type, machine    16, 18           16, 18
 *   entry            24               24
 *   headers at       32               28
 *   their size, nr   54, 56           42, 44
 */
#include "vm/elf.h"

#include <quire/slab.h>

#include "core/string.h"

#define TYPE_EXEC 2
#define TYPE_DYN 3
#define MACHINE_386 3
#define MACHINE_486 6
#define MACHINE_X86_64 62

/* All program headers together. */
#define HEADERS_MAX 65536

static uint64_t word(const unsigned char *at, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = bytes; i-- > 0;)
		v = v << 8 | at[i];
	return v;
}

/* All of it or -EIO. */
static int read_all(struct quire_file *file, uint64_t offset, void *to, size_t n)
{
	unsigned char *buf = to;

	if (offset + n < offset)
		return -QUIRE_EIO;
	for (size_t done = 0; n; buf += done, offset += done, n -= done) {
		int error = quire_file_read(file, offset, buf, n, &done);

		if (error)
			return error;
		if (!done)
			return -QUIRE_EIO;
	}
	return 0;
}

/* The first header; what the file lacks of it is zero. */
static int read_header(struct quire_file *file, unsigned char *buf, size_t n)
{
	size_t have = 0, done = 1;

	memset(buf, 0, n);
	while (have < n && done) {
		int error = quire_file_read(file, have, buf + have, n - have, &done);

		if (error)
			return error;
		have += done;
	}
	return 0;
}

static bool is_ours(const unsigned char *header, bool wide)
{
	uint64_t type = word(header + 16, 2), machine = word(header + 18, 2);

	if (memcmp(header, "\177ELF", 4) != 0)
		return false;
	if (type != TYPE_EXEC && type != TYPE_DYN)
		return false;
	return wide ? machine == MACHINE_X86_64 : machine == MACHINE_386 || machine == MACHINE_486;
}

int elf_open(struct quire *q, struct quire_file *file, bool wide, struct elf *out)
{
	unsigned char header[64];
	int error = read_header(file, header, elf_header_bytes(wide));
	const unsigned char *sizes = header + (wide ? 54 : 42);
	size_t bytes;

	if (error)
		return error;
	*out = (struct elf){ .q = q, .file = file, .wide = wide };
	out->position = word(header + 16, 2) == TYPE_DYN;
	out->entry = word(header + 24, wide ? 8 : 4);
	out->headers_at = word(header + (wide ? 32 : 28), wide ? 8 : 4);
	out->nr = (unsigned)word(sizes + 2, 2);
	bytes = (size_t)out->nr * elf_segment_bytes(wide);
	if (!is_ours(header, wide) || word(sizes, 2) != elf_segment_bytes(wide) || !bytes ||
	    bytes > HEADERS_MAX)
		return -QUIRE_ENOEXEC;
	out->headers = quire_kmalloc(q, bytes, QUIRE_GFP_KERNEL);
	if (!out->headers)
		return -QUIRE_ENOMEM;
	error = read_all(file, out->headers_at, out->headers, bytes);
	if (!error)
		return 0;
	elf_close(out);
	return error == -QUIRE_ENOMEM ? error : -QUIRE_ENOEXEC;
}

void elf_close(struct elf *elf)
{
	if (elf->headers)
		quire_kfree(elf->q, elf->headers);
	elf->headers = NULL;
}

void elf_segment(const struct elf *elf, unsigned i, struct elf_segment *out)
{
	const unsigned char *p = elf->headers + (size_t)i * elf_segment_bytes(elf->wide);
	unsigned n = elf->wide ? 8 : 4;

	/* 64 bits: what, flags, offset, vaddr, paddr, sizes, align; 32: the flags before align. */
	out->what = (uint32_t)word(p, 4);
	out->flags = (uint32_t)word(p + (elf->wide ? 4 : 24), 4);
	out->offset = word(p + n, n);
	out->vaddr = word(p + 2 * n, n);
	out->file_bytes = word(p + 4 * n, n);
	out->memory_bytes = word(p + 5 * n, n);
	out->align = word(p + (elf->wide ? 48 : 28), n);
}

bool elf_find(const struct elf *elf, enum elf_what what, struct elf_segment *out)
{
	for (unsigned i = 0; i < elf->nr; i++) {
		elf_segment(elf, i, out);
		if (out->what == (uint32_t)what)
			return true;
	}
	return false;
}

int elf_interpreter(const struct elf *elf, char **out)
{
	struct elf_segment segment;
	int error;

	*out = NULL;
	if (!elf_find(elf, ELF_INTERP, &segment))
		return 0;
	if (segment.file_bytes < 2 || segment.file_bytes > ELF_PATH_MAX)
		return -QUIRE_ENOEXEC;
	*out = quire_kmalloc(elf->q, (size_t)segment.file_bytes, QUIRE_GFP_KERNEL);
	if (!*out)
		return -QUIRE_ENOMEM;
	error = read_all(elf->file, segment.offset, *out, (size_t)segment.file_bytes);
	if (!error && (*out)[segment.file_bytes - 1])
		error = -QUIRE_ENOEXEC;
	if (!error)
		return 0;
	quire_kfree(elf->q, *out);
	*out = NULL;
	return error;
}

int elf_span(const struct elf *elf, uint64_t limit, uint64_t *start, uint64_t *end)
{
	bool found = false;

	*start = UINT64_MAX;
	*end = 0;
	for (unsigned i = 0; i < elf->nr; i++) {
		struct elf_segment s;

		elf_segment(elf, i, &s);
		if (s.what != ELF_LOAD)
			continue;
		if (s.file_bytes > s.memory_bytes || s.memory_bytes > limit ||
		    s.vaddr > limit - s.memory_bytes)
			return -QUIRE_EINVAL;
		*start = s.vaddr < *start ? s.vaddr : *start;
		*end = s.vaddr + s.memory_bytes > *end ? s.vaddr + s.memory_bytes : *end;
		found = true;
	}
	*start &= ~(uint64_t)(QUIRE_PAGE_SIZE - 1);
	return found && *end > *start ? 0 : -QUIRE_EINVAL;
}

uint64_t elf_align(const struct elf *elf)
{
	uint64_t align = QUIRE_PAGE_SIZE;

	for (unsigned i = 0; i < elf->nr; i++) {
		struct elf_segment s;

		elf_segment(elf, i, &s);
		if (s.what == ELF_LOAD && !(s.align & (s.align - 1)) && s.align > align)
			align = s.align;
	}
	return align;
}
