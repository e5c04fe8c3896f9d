/* SPDX-License-Identifier: MIT */
/*
 * image.c - program files for a session: those of the host, and ones made to measure
 *
 * The contents stay in the host's memory, and are the file's backing store.
 *
 * Source: System V ABI, gABI ch. 4 and 5 (ELF)
 */
#include "image.h"

#include "text.h"

/* Where a program goes that can't be moved. */
#define BASE_64 0x400000u
#define BASE_32 0x8048000u

#define HEADER_ROOM 256u
#define PT_LOAD 1
#define PT_GNU_STACK 0x6474e551u

/** struct lab_image - a file, and its contents */
struct lab_image {
	struct lab_image *next;
	struct lab *lab;
	struct quire_file *file; /* the session's reference */
	char *text;
	size_t length;
	bool built; /* here, not read from the host */
	char path[LAB_LINE_MAX];
};

static const unsigned char zeros[QUIRE_PAGE_SIZE];

/* ---- The store ------------------------------------------------------------------- */

static int store_read(void *ctx, uint64_t index, struct quire_page *const *pages, size_t nr)
{
	const struct lab_image *image = ctx;

	for (size_t i = 0; i < nr; i++) {
		uint64_t from = (index + i) << QUIRE_PAGE_SHIFT;
		size_t n = from < image->length ? image->length - (size_t)from : 0;
		int error;

		n = n < QUIRE_PAGE_SIZE ? n : QUIRE_PAGE_SIZE;
		error = n ? quire_page_write(image->lab->q, pages[i], 0, image->text + from, n) : 0;
		if (!error && n < QUIRE_PAGE_SIZE)
			error = quire_page_write(image->lab->q, pages[i], (unsigned)n, zeros,
						 QUIRE_PAGE_SIZE - n);
		if (error)
			return error;
	}
	return 0;
}

static void drop(struct lab_image *image)
{
	struct lab *lab = image->lab;

	if (image->built)
		session_free(lab, image->text, image->length);
	else if (image->text)
		lab->host.done(lab->host.ctx, image->text, image->length);
	session_free(lab, image, sizeof(*image));
}

static void store_release(void *ctx)
{
	drop(ctx);
}

static const struct quire_store store = { .read = store_read, .release = store_release };

/* The contents become a file, which the session keeps open. They are gone if that fails. */
static int keep(struct lab *lab, struct lab_image *image, struct quire_file **out)
{
	const struct quire_inode_args args = {
		.store = &store,
		.ctx = image,
		.bytes = image->length,
		.dev_major = 8,
		.dev_minor = 1,
		.ino = lab->nr_images + 1,
	};
	struct quire_inode *inode = NULL;
	int error = quire_inode_create(lab->q, &args, &inode);

	if (error) {
		drop(image);
		return error;
	}
	error = quire_file_open(inode, QUIRE_FILE_READ, image->path, &image->file);
	if (!error) {
		lab->nr_images++;
		image->next = lab->images;
		lab->images = image;
		quire_file_get(image->file);
		*out = image->file;
	}
	quire_inode_put(inode);
	return error;
}

static struct lab_image *begin(struct lab *lab, const char *path)
{
	struct lab_image *image = session_alloc(lab, sizeof(*image));

	if (!image)
		return NULL;
	image->lab = lab;
	text_copy(image->path, sizeof(image->path), path);
	return image;
}

int image_open(struct lab *lab, const char *path, const char **why, struct quire_file **out)
{
	struct lab_image *image = lab->images;
	int error;

	while (image && (image->built || !text_equal(image->path, path)))
		image = image->next;
	if (image) {
		quire_file_get(image->file);
		*out = image->file;
		return 0;
	}
	if (!lab->host.read)
		return -QUIRE_EOPNOTSUPP;
	image = begin(lab, path);
	if (!image)
		return -QUIRE_ENOMEM;
	error = lab->host.read(lab->host.ctx, path, &image->text, &image->length, why);
	if (!error)
		return keep(lab, image, out);
	image->text = NULL;
	drop(image);
	return error;
}

void image_reset(struct lab *lab)
{
	while (lab->images) {
		struct lab_image *image = lab->images;

		lab->images = image->next;
		quire_file_put(image->file);
	}
	lab->nr_images = 0;
}

/* ---- A program made to measure ----------------------------------------------------- */

/** struct writer - numbers, one after the other, little-endian */
struct writer {
	char *at;
	unsigned word; /* bytes of an address */
};

static void put(struct writer *w, uint64_t value, unsigned bytes)
{
	while (bytes-- > 0) {
		*w->at++ = (char)(value & 0xff);
		value >>= 8;
	}
}

static void put_header(struct writer *w, const struct image_plan *plan, uint64_t entry)
{
	static const char ident[16] = { 0x7f, 'E', 'L', 'F', 0, 1, 1 };

	for (size_t i = 0; i < sizeof(ident); i++)
		put(w, i == 4 ? (plan->wide ? 2u : 1u) : (unsigned char)ident[i], 1);
	put(w, plan->position ? 3 : 2, 2);
	put(w, plan->wide ? 62 : 3, 2);
	put(w, 1, 4);
	put(w, entry, w->word);
	put(w, plan->wide ? 64 : 52, w->word);
	put(w, 0, w->word);
	put(w, 0, 4);
	put(w, plan->wide ? 64 : 52, 2);
	put(w, plan->wide ? 56 : 32, 2);
	put(w, 3, 2);
	put(w, 0, 6);
}

/** struct part - a program header */
struct part {
	uint32_t what, flags;
	uint64_t offset, vaddr, file_bytes, memory_bytes;
};

static void put_part(struct writer *w, const struct part *p)
{
	put(w, p->what, 4);
	if (w->word == 8)
		put(w, p->flags, 4);
	put(w, p->offset, w->word);
	put(w, p->vaddr, w->word);
	put(w, p->vaddr, w->word);
	put(w, p->file_bytes, w->word);
	put(w, p->memory_bytes, w->word);
	if (w->word == 4)
		put(w, p->flags, 4);
	put(w, QUIRE_PAGE_SIZE, w->word);
}

/*
 * exit(0), as each kind of processor says it to Linux: xor ebx, ebx; xor eax, eax; inc eax;
 * int 80h, and xor edi, edi; mov eax, 60; syscall.
 */
static void put_code(char *at, bool wide)
{
	static const unsigned char code[2][9] = {
		{ 0x31, 0xdb, 0x31, 0xc0, 0x40, 0xcd, 0x80 },
		{ 0x31, 0xff, 0xb8, 0x3c, 0x00, 0x00, 0x00, 0x0f, 0x05 },
	};

	for (size_t i = 0; i < sizeof(code[0]); i++)
		at[i] = (char)code[wide][i];
}

static void fill(struct lab_image *image, const struct image_plan *plan)
{
	uint64_t base = plan->position ? 0 : plan->wide ? BASE_64 : BASE_32;
	uint64_t data = (plan->text + QUIRE_PAGE_SIZE - 1) & ~(uint64_t)(QUIRE_PAGE_SIZE - 1);
	struct writer w = { image->text, plan->wide ? 8 : 4 };
	const struct part parts[] = {
		{ PT_LOAD, 5, 0, base, plan->text, plan->text },
		{ PT_LOAD, 6, data, base + data, plan->data, plan->data + plan->bss },
		{ PT_GNU_STACK, 6, 0, 0, 0, 0 },
	};

	put_header(&w, plan, base + HEADER_ROOM);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		put_part(&w, &parts[i]);
	put_code(image->text + HEADER_ROOM, plan->wide);
	for (uint64_t i = 0; i < plan->data; i++)
		image->text[data + i] = 'd';
}

int image_build(struct lab *lab, const struct image_plan *plan, const char *name,
		struct quire_file **out)
{
	uint64_t data = (plan->text + QUIRE_PAGE_SIZE - 1) & ~(uint64_t)(QUIRE_PAGE_SIZE - 1);
	struct lab_image *image = begin(lab, name);

	if (!image)
		return -QUIRE_ENOMEM;
	image->built = true;
	image->length = (size_t)(data + plan->data);
	image->text = session_alloc(lab, image->length);
	if (!image->text) {
		image->length = 0;
		drop(image);
		return -QUIRE_ENOMEM;
	}
	fill(image, plan);
	return keep(lab, image, out);
}
