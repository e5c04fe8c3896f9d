/* SPDX-License-Identifier: MIT */
/*
 * fuzz_program.c - any bytes as a recording of strace or of lackey, made again on a small machine
 */
#include <quire/boot.h>
#include <quire/layout.h>
#include <quire/slab.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hosted.h"
#include "program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool cond, const char *what)
{
	if (!cond) {
		fprintf(stderr, "fuzz_program: %s\n", what);
		abort();
	}
}

/* The first byte chooses the machine. */
static struct quire *boot(struct quire_hosted *host, uint8_t which)
{
	struct quire_map_entry map = { 0, 8 << 20, QUIRE_MAP_USABLE };
	struct quire_config config;
	struct quire *q = NULL;

	quire_config_init(&config, (enum quire_machine)(which % QUIRE_NR_MACHINES));
	config.host = host;
	config.frames_outside = true;
	require(quire_create(&config, &q) == 0, "create");
	require(quire_boot_map(q, &map, 1) == 0, "map");
	require(quire_boot_zones(q) == 0, "zones");
	require(quire_kernel_boot(q) == 0, "kernel");
	require(quire_slab_boot(q, NULL) == -QUIRE_EBUSY, "the heap came with the kernel");
	require(quire_cache_boot(q) == 0, "cache");
	require(quire_vm_boot(q) == 0, "vm");
	return q;
}

static void check_counts(struct lab_program *p)
{
	const struct lab_program_counts *c = lab_program_counts(p);

	require(c->agreed + c->refused + c->differed == c->made, "calls do not add up");
	require(c->live_processes <= c->peak_processes, "more processes than the peak");
	require(c->resident <= c->mapped, "more is resident than mapped");
}

static void take_line(struct lab_program *p, struct lab_strace *reader, const char *line,
		      size_t length)
{
	struct lab_touch touch;
	struct lab_call call;
	const char *why;

	if (!lab_lackey_line(line, length, &touch, &why))
		require(lab_program_touch(p, &touch) != -QUIRE_EINVAL, "a touch");
	else if (!lab_strace_line(reader, line, length, &call, &why))
		require(lab_program_call(p, &call) != -QUIRE_EINVAL, "a call");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct lab_strace reader;
	struct quire_violation broken = { 0 };
	struct quire_hosted host = { 0 };
	struct quire *q = boot(&host, size ? data[0] : 0);
	const char *text = (const char *)data + (size > 0), *end = (const char *)data + size;
	struct lab_program *program;

	memset(&reader, 0, sizeof(reader));
	require(lab_program_create(q, &program) == 0, "program");
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *line_end = newline ? newline : end;

		take_line(program, &reader, text, (size_t)(line_end - text));
		text = line_end + 1;
	}
	check_counts(program);
	require(quire_check(q, &broken), broken.text);
	lab_program_destroy(program);
	require(quire_check(q, &broken), broken.text);
	quire_destroy(q);
	quire_hosted_release(&host);
	require(host.live_bytes == 0, "memory was lost");
	return 0;
}
