/* SPDX-License-Identifier: MIT */
/*
 * test_exec_linux.c - the Linux underneath is the judge of execve: damaged programs end in its
 * errors
 *
 * Linux kills a program whose fault it finds after it has given up the old address space; then
 * Quire has any error, or starts what dies at once.
 */
#include "exec_linux.h"

/* Both say the same of an image. */
static void judge(const char *what, const struct image *image)
{
	char *argv[] = { "prog", "one", "", NULL };

	if (!write_file(program_path, image->bytes, image->length))
		abort();
	int linux_says = run_on_linux(program_path, argv), quire_says = run_on_quire(image);
	bool same = linux_says > 0	? quire_says == -linux_says
		    : linux_says == 0	? quire_says == 0
					: true;

	if (same)
		return;
	printf("%s (%d bits): Linux says %d, Quire %d\n", what, image->wide ? 64 : 32, linux_says,
	       quire_says);
	CHECK(!"the same");
}

/* A change of some bytes of the usual program. */
struct patch {
	const char *what;
	size_t wide, narrow; /* where */
	unsigned bytes;      /* 0: a word */
	uint64_t value;
};

static const struct patch patches[] = {
	{ "nothing", 0, 0, 1, 0x7f },
	{ "magic", 0, 0, 1, 0 },
	{ "class 0", 4, 4, 1, 0 },
	{ "class 1", 4, 4, 1, 1 },
	{ "class 2", 4, 4, 1, 2 },
	{ "big-endian", 5, 5, 1, 2 },
	{ "version 9", 6, 6, 1, 9 },
	{ "osabi 99", 7, 7, 1, 99 },
	{ "type 0", 16, 16, 2, 0 },
	{ "type 1", 16, 16, 2, 1 },
	{ "type 4", 16, 16, 2, 4 },
	{ "type 0xfe00", 16, 16, 2, 0xfe00 },
	{ "machine 0", 18, 18, 2, 0 },
	{ "machine 3", 18, 18, 2, 3 },
	{ "machine 6", 18, 18, 2, 6 },
	{ "machine 40", 18, 18, 2, 40 },
	{ "machine 62", 18, 18, 2, 62 },
	{ "version 0", 20, 20, 4, 0 },
	{ "entry 0", 24, 24, 0, 0 },
	{ "entry beyond", 24, 24, 0, ~0ull },
	{ "headers beyond", 32, 28, 0, 0x10000 },
	{ "headers at the end of all", 32, 28, 0, ~7ull },
	{ "headers, negative", 32, 28, 0, 1ull << 63 | 1u << 31 },
	{ "size of headers", 54, 42, 2, 57 },
	{ "no size of headers", 54, 42, 2, 0 },
	{ "size of this header", 52, 40, 2, 0 },
	{ "no headers", 56, 44, 2, 0 },
	{ "too many headers", 56, 44, 2, 65535 },
};

TEST(headers)
{
	if (!begin())
		return;
	for (int wide = 0; wide < 2; wide++) {
		if (!linux_runs(wide))
			continue;
		for (size_t i = 0; i < sizeof(patches) / sizeof(patches[0]); i++) {
			const struct patch *p = &patches[i];
			struct image image;

			image_begin(&image, wide, 2);
			image_finish(&image);
			image_word(&image, image_at(&image, p->wide, p->narrow),
				   p->bytes ? p->bytes : wide ? 8 : 4, p->value);
			judge(p->what, &image);
		}
	}
}

TEST(short_files)
{
	static const size_t lengths[] = { 0, 1, 4, 16, 51, 52, 63, 64, 80, 100, 120, 0x1000 };

	if (!begin())
		return;
	for (int wide = 0; wide < 2; wide++) {
		if (!linux_runs(wide))
			continue;
		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			struct image image;

			image_begin(&image, wide, 2);
			image_finish(&image);
			image.length = lengths[i];
			judge("short", &image);
		}
	}
}

/* As many program headers as are wanted, behind the code. */
TEST(many_headers)
{
	static const unsigned numbers[] = { 2, 73, 74, 128, 1170, 1171, 2048, 2049 };

	if (!begin())
		return;
	for (int wide = 0; wide < 2; wide++) {
		unsigned size = wide ? 56 : 32;

		if (!linux_runs(wide))
			continue;
		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
			static struct image image;

			image_begin(&image, wide, 2);
			image_finish(&image);
			if (image.length + numbers[i] * size > IMAGE_MAX)
				continue;
			memcpy(image.bytes + image.length, image.bytes + (wide ? 64 : 52), size);
			image_word(&image, image_at(&image, 32, 28), wide ? 8 : 4, image.length);
			image_word(&image, image_at(&image, 56, 44), 2, numbers[i]);
			image.length += numbers[i] * size;
			judge("many headers", &image);
		}
	}
}

/* ---- Segments ------------------------------------------------------------------------ */

/* What is done to the usual program before it is finished. */
/* clang-format off */
static void no_load(struct image *i) { i->part[0].what = PT_PHDR; }
static void shorter(struct image *i) { i->part[0].memsz = 10; }
static void endless(struct image *i) { i->part[0].memsz = i->wide ? ~0ull : 0xffffffff; }
static void large(struct image *i) { i->part[0].memsz = i->wide ? 1ull << 46 : 1u << 24; }
static void vaddr_high(struct image *i) { i->part[0].vaddr = i->wide ? ~0xfffull : 0xfffff000; }
static void vaddr_kernel(struct image *i) { i->part[0].vaddr = i->wide ? 1ull << 63 : 0xffffe000; }
static void misaligned(struct image *i) { i->part[0].offset = 1; }
static void align_0(struct image *i) { i->part[0].align = 0; }
static void align_3(struct image *i) { i->part[0].align = 3; }
static void align_2m(struct image *i) { i->part[0].align = 0x200000; }
static void align_63(struct image *i) { i->part[0].align = i->wide ? 1ull << 63 : 1u << 31; }
static void file_beyond(struct image *i) { i->part[0].filesz = i->part[0].memsz = 0x100000; }
static void bss_in_text(struct image *i) { i->part[0].memsz = 0x4000; }
static void bss_writable(struct image *i) { i->part[0].memsz = 0x4000, i->part[0].flags = 7; }

/* clang-format on */

static void shifted(struct image *i)
{
	i->part[0].offset += 0x10;
	i->part[0].vaddr += 0x10;
	i->part[0].filesz -= 0x10;
	i->part[0].memsz -= 0x10;
}

static void offset_beyond(struct image *i)
{
	struct part *p = more(i, 0x600000);

	p->offset = 0x100000;
	p->filesz = p->memsz = 0x1000;
}

static void offset_negative(struct image *i)
{
	struct part *p = more(i, 0x600000);

	p->offset = 1ull << 63;
	p->filesz = p->memsz = 0x1000;
}

static void only_bss(struct image *i)
{
	more(i, 0x600000)->memsz = 0x2345;
}

static void nothing(struct image *i)
{
	more(i, 0x600000);
}

static void bss_no_rights(struct image *i)
{
	struct part *p = more(i, 0x600000);

	p->filesz = 100;
	p->memsz = 200;
	p->flags = 0;
}

static void twice(struct image *i)
{
	struct part *p = more(i, i->part[0].vaddr);

	p->flags = 5;
	p->filesz = p->memsz = 0x1000;
}

static void downwards(struct image *i)
{
	struct part *p = image_part(i, PT_LOAD, true);

	p->vaddr = 0x800000;
	p->filesz = p->memsz = 100;
}

static void far_apart(struct image *i)
{
	struct part *p = more(i, i->wide ? 0x700000000000 : 0xf0000000);

	p->filesz = p->memsz = 100;
}

static void stack_plain(struct image *i)
{
	image_part(i, PT_GNU_STACK, false)->flags = 6;
}

static const struct {
	const char *what;
	void (*change)(struct image *image);
} changes[] = {
	{ "nothing to load", no_load },
	{ "longer in the file", shorter },
	{ "endless", endless },
	{ "large", large },
	{ "at the end of all", vaddr_high },
	{ "in the kernel", vaddr_kernel },
	{ "offset not congruent", misaligned },
	{ "aligned to 0", align_0 },
	{ "aligned to 3", align_3 },
	{ "aligned to 2 MB", align_2m },
	{ "aligned to all", align_63 },
	{ "longer than the file", file_beyond },
	{ "bss behind text", bss_in_text },
	{ "bss behind text that can be written", bss_writable },
	{ "not at a page's start", shifted },
	{ "beyond the file", offset_beyond },
	{ "at a negative offset", offset_negative },
	{ "bss alone", only_bss },
	{ "a segment of nothing", nothing },
	{ "bss without rights", bss_no_rights },
	{ "bss behind data", bss_of_data },
	{ "twice", twice },
	{ "downwards", downwards },
	{ "far apart", far_apart },
	{ "a stack with code", stack_exec },
	{ "a stack without", stack_plain },
};

TEST(segments)
{
	if (!begin())
		return;
	for (int wide = 0; wide < 2; wide++) {
		if (!linux_runs(wide))
			continue;
		for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
			for (unsigned type = 2; type < 4; type++) {
				struct image image;

				image_begin(&image, wide, type);
				changes[i].change(&image);
				image_finish(&image);
				judge(changes[i].what, &image);
			}
		}
	}
}

/* ---- Interpreters ---------------------------------------------------------------------- */

/* A program that names one: @name of @n bytes, @offset: where, 0: where it is. */
static void judge_naming(bool wide, const char *what, const char *name, size_t n, uint64_t offset)
{
	static struct image image;
	struct part *p;

	image_begin(&image, wide, 2);
	p = image_part(&image, PT_INTERP, true);
	p->offset = image_data(&image, name, n);
	p->offset = offset ? offset : p->offset;
	p->filesz = p->memsz = n;
	image_finish(&image);
	judge(what, &image);
}

static void judge_interpreter(bool wide, const char *what)
{
	if (!write_file(interpreter_path, interpreter.bytes, interpreter.length))
		abort();
	judge_naming(wide, what, interpreter_path, strlen(interpreter_path) + 1, 0);
}

TEST(interpreter_paths)
{
	static char path[5000];

	if (!begin())
		return;
	memset(path, '/', sizeof(path));
	for (int wide = 0; wide < 2; wide++) {
		if (!linux_runs(wide))
			continue;
		judge_naming(wide, "no such file", "/nonexistent", 13, 0);
		judge_naming(wide, "no end", "/bin/sh", 7, 0);
		judge_naming(wide, "one byte", "", 1, 0);
		judge_naming(wide, "no bytes", "", 0, 0);
		path[4096] = 0;
		judge_naming(wide, "too long", path, 4097, 0);
		path[4096] = '/';
		judge_naming(wide, "beyond the file", "/x", 3, 0x10000);
	}
}

TEST(interpreters)
{
	if (!begin())
		return;
	for (int wide = 0; wide < 2; wide++) {
		if (!linux_runs(wide))
			continue;
		for (size_t i = 0; i < sizeof(patches) / sizeof(patches[0]); i++) {
			const struct patch *p = &patches[i];

			image_begin(&interpreter, wide, 3);
			image_finish(&interpreter);
			image_word(&interpreter, image_at(&interpreter, p->wide, p->narrow),
				   p->bytes ? p->bytes : wide ? 8 : 4, p->value);
			judge_interpreter(wide, p->what);
		}
		for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
			image_begin(&interpreter, wide, 3);
			changes[i].change(&interpreter);
			image_finish(&interpreter);
			judge_interpreter(wide, changes[i].what);
		}
		for (size_t n = 0; n < 0x80; n += 13) {
			image_begin(&interpreter, wide, 3);
			image_finish(&interpreter);
			interpreter.length = n;
			judge_interpreter(wide, "short interpreter");
		}
	}
}

TEST(end)
{
	finish();
}

TEST_MAIN(CASE(headers), CASE(short_files), CASE(many_headers), CASE(segments),
	  CASE(interpreter_paths), CASE(interpreters), CASE(end))
