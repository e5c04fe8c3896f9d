/* SPDX-License-Identifier: MIT */
/*
 * fuzz_elf.c - any bytes as a program, and as the interpreter of one
 *
 * Whatever a file says, execve either makes an address space in which every rule holds, or an
 * error, and then nothing is left of it. The first byte chooses the machine, and whether the bytes
 * are the interpreter.
 */
#include <quire/boot.h>
#include <quire/exec.h>
#include <quire/layout.h>
#include <quire/slab.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/elf_image.h"
#include "hosted.h"

#define MEMORY ((uint64_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file's contents. */
struct contents {
	struct quire *q;
	const uint8_t *bytes;
	size_t length;
};

static void require(bool cond, const char *what)
{
	if (!cond) {
		fprintf(stderr, "fuzz_elf: %s\n", what);
		abort();
	}
}

static int contents_read(void *ctx, uint64_t index, struct quire_page *const *pages, size_t nr)
{
	const struct contents *c = ctx;

	for (size_t i = 0; i < nr; i++) {
		uint64_t from = (index + i) << QUIRE_PAGE_SHIFT;
		unsigned char page[QUIRE_PAGE_SIZE] = { 0 };
		size_t n = from < c->length ? c->length - (size_t)from : 0;

		if (n)
			memcpy(page, c->bytes + from, n < sizeof(page) ? n : sizeof(page));
		if (quire_page_write(c->q, pages[i], 0, page, sizeof(page)))
			return -QUIRE_EIO;
	}
	return 0;
}

static const struct quire_store store = { .read = contents_read };

static struct quire_file *open_file(struct contents *c)
{
	const struct quire_inode_args args = { .store = &store, .ctx = c, .bytes = c->length };
	struct quire_inode *inode = NULL;
	struct quire_file *file = NULL;

	if (quire_inode_create(c->q, &args, &inode))
		return NULL;
	if (quire_file_open(inode, QUIRE_FILE_READ, "fuzz", &file))
		file = NULL;
	quire_inode_put(inode);
	return file;
}

static int open_interpreter(void *ctx, const char *path, struct quire_file **out)
{
	require(strlen(path) < 4096, "a path without an end");
	*out = open_file(ctx);
	return *out ? 0 : -QUIRE_ENOMEM;
}

static struct quire *boot(struct quire_hosted *host, enum quire_machine machine)
{
	struct quire_config config;
	struct quire *q = NULL;

	quire_config_init(&config, machine);
	config.host = host;
	config.firmware = false;
	config.frames_outside = true;
	require(!quire_create(&config, &q) &&
			!quire_memblock_add(q, quire_phys(0), quire_phys(MEMORY)) &&
			!quire_boot_zones(q) && !quire_kernel_boot(q),
		"no machine");
	int error = quire_slab_boot(q, NULL);

	require((!error || error == -QUIRE_EBUSY) && !quire_cache_boot(q) && !quire_vm_boot(q),
		"no processes");
	return q;
}

static void sound(struct quire *q)
{
	struct quire_violation broken = { 0 };

	if (quire_check(q, &broken))
		return;
	fprintf(stderr, "%s: %s\n", broken.rule, broken.text);
	require(false, "an invariant is broken");
}

static void run(struct quire *q, struct contents *program, struct contents *interpreter,
		uint64_t seed)
{
	static const char *const argv[] = { "fuzz", NULL };
	struct quire_exec exec = {
		.file = open_file(program),
		.path = "fuzz",
		.argv = argv,
		.open = open_interpreter,
		.ctx = interpreter,
	};
	struct quire_exec_start start;
	struct quire_mm_config config;
	struct quire_mm *mm = NULL;
	int error;

	if (!exec.file)
		return;
	quire_mm_config_init(&config);
	config.randomize = seed & 1;
	config.seed = seed;
	error = quire_exec(q, &config, &exec, &mm, &start);
	require(error <= 0 && !error == (mm != NULL), "an error and a process");
	sound(q);
	if (mm)
		require(!quire_mm_destroy(mm), "it does not end");
	quire_file_put(exec.file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct quire_hosted host = { .nr_allocs = 0 };
	static struct image image;
	struct contents fuzzed, other;
	struct quire *q;

	if (size < 2)
		return 0;
	q = boot(&host, (enum quire_machine)(data[0] % QUIRE_NR_MACHINES));
	fuzzed = (struct contents){ q, data + 2, size - 2 };
	/* A good program, which names an interpreter or is one. */
	image_begin(&image, data[0] & 64, data[0] & 128 ? 2 : 3);
	if (data[0] & 128) {
		struct part *p = image_part(&image, PT_INTERP, true);

		p->offset = image_data(&image, "/i", 3);
		p->filesz = p->memsz = 3;
	}
	image_finish(&image);
	other = (struct contents){ q, image.bytes, image.length };
	if (data[0] & 128)
		run(q, &other, &fuzzed, data[1]);
	else
		run(q, &fuzzed, &other, data[1]);
	sound(q);
	quire_destroy(q);
	quire_hosted_release(&host);
	require(!host.live_bytes, "memory is lost");
	return 0;
}
