/* SPDX-License-Identifier: MIT */
/*
 * elf_image.h - small programs for tests, to be damaged
 *
 * A program of one page of headers and one of code, which exits with status 42 where Linux runs it.
 * Segments can be given, and any bytes changed afterwards.
 */
#ifndef TEST_ELF_IMAGE_H
#define TEST_ELF_IMAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define IMAGE_MAX 65536
#define IMAGE_BASE 0x400000u
#define IMAGE_CODE 0x1000u
#define IMAGE_PARTS 6

#define PT_LOAD 1u
#define PT_INTERP 3u
#define PT_PHDR 6u
#define PT_GNU_STACK 0x6474e551u

struct part {
	uint32_t what, flags;
	uint64_t offset, vaddr, filesz, memsz, align;
};

struct image {
	bool wide;
	unsigned type; /* 2: EXEC, 3: DYN */
	uint64_t entry;
	unsigned nr;
	struct part part[IMAGE_PARTS];
	unsigned char bytes[IMAGE_MAX];
	size_t length;
};

static inline void image_word(struct image *image, size_t at, unsigned n, uint64_t v)
{
	for (unsigned i = 0; i < n; i++)
		image->bytes[at + i] = (unsigned char)(v >> 8 * i);
}

/* Offsets in the first header: of 64 bits, and of 32. */
static inline size_t image_at(const struct image *image, size_t wide, size_t narrow)
{
	return image->wide ? wide : narrow;
}

/** The usual program: one segment, read and execute */
static inline void image_begin(struct image *image, bool wide, unsigned type)
{
	uint64_t base = type == 2 ? IMAGE_BASE : 0;

	memset(image, 0, sizeof(*image));
	image->wide = wide;
	image->type = type;
	image->entry = base + IMAGE_CODE;
	image->nr = 1;
	image->length = IMAGE_CODE + 12;
	image->part[0] = (struct part){ PT_LOAD, 5, 0, base, 0, 0, 0x1000 };
	image->part[0].filesz = image->part[0].memsz = IMAGE_CODE + 12;
}

/** One more segment; in front of the others if it is to be found first */
static inline struct part *image_part(struct image *image, uint32_t what, bool first)
{
	struct part *p = &image->part[first ? 0 : image->nr];

	if (first)
		memmove(p + 1, p, image->nr * sizeof(*p));
	*p = (struct part){ .what = what, .flags = 6, .align = 0x1000 };
	image->nr++;
	return p;
}

/** Bytes of the file behind the code. Return: where they are */
static inline uint64_t image_data(struct image *image, const char *data, size_t n)
{
	size_t at = image->length;

	memcpy(image->bytes + at, data, n);
	image->length += n;
	return at;
}

/** Write the headers as they stand, and the code */
static inline void image_finish(struct image *image)
{
	static const unsigned char code[2][12] = {
		{ 0xbb, 42, 0, 0, 0, 0xb8, 1, 0, 0, 0, 0xcd, 0x80 },
		{ 0xbf, 42, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05 },
	};
	unsigned word = image->wide ? 8 : 4;
	size_t at = image_at(image, 64, 52);

	memcpy(image->bytes, "\177ELF", 4);
	memcpy(image->bytes + 4, image->wide ? "\2\1\1" : "\1\1\1", 3);
	image_word(image, 16, 2, image->type);
	image_word(image, 18, 2, image->wide ? 62 : 3);
	image_word(image, 20, 4, 1);
	image_word(image, 24, word, image->entry);
	image_word(image, image_at(image, 32, 28), word, at);
	image_word(image, image_at(image, 52, 40), 2, at);
	image_word(image, image_at(image, 54, 42), 2, image->wide ? 56 : 32);
	image_word(image, image_at(image, 56, 44), 2, image->nr);
	for (unsigned i = 0; i < image->nr; i++) {
		const struct part *p = &image->part[i];

		image_word(image, at, 4, p->what);
		image_word(image, at + (image->wide ? 4 : 24), 4, p->flags);
		image_word(image, at + word, word, p->offset);
		image_word(image, at + 2 * word, word, p->vaddr);
		image_word(image, at + 3 * word, word, p->vaddr);
		image_word(image, at + 4 * word, word, p->filesz);
		image_word(image, at + 5 * word, word, p->memsz);
		image_word(image, at + (image->wide ? 48 : 28), word, p->align);
		at += image->wide ? 56 : 32;
	}
	memcpy(image->bytes + IMAGE_CODE, code[image->wide], 12);
}

#endif
