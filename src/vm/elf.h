/* SPDX-License-Identifier: MIT */
/*
 * elf.h - an ELF file's headers, read and judged
 *
 * Nothing in a file is believed: each number is read byte by byte, compared with what the file and
 * an address space can hold, and only then used. Linux doesn't look at the class, the byte order or
 * the version in a header, only at magic, type and machine; nor does this.
 *
 * Source: System V ABI, gABI ch. 4 and 5; elf(5)
 */
#ifndef VM_ELF_H
#define VM_ELF_H

#include <quire/file.h>

/* The longest path of an interpreter, with its 0. */
#define ELF_PATH_MAX 4096

/** What a program header describes. */
enum elf_what {
	ELF_LOAD = 1,
	ELF_INTERP = 3,
	ELF_GNU_STACK = 0x6474e551,
};

/* Rights of a segment. */
#define ELF_EXEC 1u
#define ELF_WRITE 2u
#define ELF_READ 4u

/** struct elf - an image's headers */
struct elf {
	struct quire *q;
	struct quire_file *file;
	bool wide;              /* its words have 64 bits */
	bool position;          /* ET_DYN: it can be anywhere; else ET_EXEC */
	bool interpreter;       /* of another program; set by who opened it */
	uint64_t entry;         /* where it begins, before it is moved */
	uint64_t headers_at;    /* of the program headers in the file */
	unsigned nr;            /* of them */
	unsigned char *headers; /* as they stand in the file; nobody has looked at them */
};

/** struct elf_segment - a program header */
struct elf_segment {
	uint32_t what;  /* enum elf_what, or anything */
	uint32_t flags; /* ELF_READ … */
	uint64_t offset, vaddr, file_bytes, memory_bytes, align;
};

/** elf_header_bytes - size of a file's first header */
static inline unsigned elf_header_bytes(bool wide)
{
	return wide ? 64 : 52;
}

/** elf_segment_bytes - size of a program header */
static inline unsigned elf_segment_bytes(bool wide)
{
	return wide ? 56 : 32;
}

/**
 * elf_open - read an image's headers
 * @q:    the machine
 * @file: opened for reading; stays the caller's
 * @wide: as a program of 64 bits
 * @out:  the headers, to be given to elf_close
 *
 * Return: 0; -QUIRE_ENOEXEC if it is no program of this kind, or its program headers aren't there,
 *         or are more than 64 KB; -QUIRE_ENOMEM; what reading the first header ended in
 */
int elf_open(struct quire *q, struct quire_file *file, bool wide, struct elf *out);

/** elf_close - forget them. Zeroed headers are none */
void elf_close(struct elf *elf);

/** elf_segment - a program header. @i: below elf->nr */
void elf_segment(const struct elf *elf, unsigned i, struct elf_segment *out);

/** elf_find - the first program header of a kind. Return: whether there is one */
bool elf_find(const struct elf *elf, enum elf_what what, struct elf_segment *out);

/**
 * elf_interpreter - the path of what loads a dynamic program
 * @elf: the program
 * @out: quire_kmalloc'ed, NULL if it names none
 *
 * Return: 0; -QUIRE_ENOEXEC if it has no end or an impossible length; -QUIRE_EIO if the file has
 *         less; -QUIRE_ENOMEM
 */
int elf_interpreter(const struct elf *elf, char **out);

/**
 * elf_span - the addresses from the first segment to the end of the last
 * @elf:   the image
 * @limit: end of user addresses
 * @start: page aligned
 *
 * Return: 0; -QUIRE_EINVAL if there is nothing to be loaded, or a segment is longer in the file
 *         than in memory, or beyond @limit
 */
int elf_span(const struct elf *elf, uint64_t limit, uint64_t *start, uint64_t *end);

/** elf_align - the largest alignment that a segment asks for: a power of two, a page at least */
uint64_t elf_align(const struct elf *elf);

#endif
