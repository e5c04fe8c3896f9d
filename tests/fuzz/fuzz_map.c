/* SPDX-License-Identifier: MIT */
/*
 * fuzz_map.c - any bytes as a memory map, and a machine booted with what they say
 */
#include <quire/boot.h>
#include <quire/page.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hosted.h"
#include "map.h"

/* Zones are built up to this much memory, so that a run stays short. */
#define MEMORY_MAX ((uint64_t)256 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool cond, const char *what)
{
	if (!cond) {
		fprintf(stderr, "fuzz_map: %s\n", what);
		abort();
	}
}

static void boot(const struct lab_map *m, struct quire_hosted *host)
{
	struct quire_violation broken = { 0 };
	struct quire_config config;
	struct quire_range range;
	struct quire *q = NULL;
	uint64_t bytes = 0;

	quire_config_init(&config, m->has_machine ? m->machine : QUIRE_X86_64);
	config.lowmem_bytes = m->lowmem_bytes;
	config.frames_outside = true;
	config.host = host;
	if (quire_create(&config, &q))
		return;
	if (!lab_map_boot(m, q)) {
		for (size_t i = 0; quire_memblock_get(q, QUIRE_MEMBLOCK_MEMORY, i, &range); i++) {
			require(range.end <= (uint64_t)1 << 52, "memory beyond the address limit");
			bytes += range.end - range.start;
		}
		if (bytes <= MEMORY_MAX && !quire_boot_zones(q)) {
			struct quire_page *page = quire_page_alloc(q, QUIRE_GFP_KERNEL, 0);

			require(!page || !quire_page_free(q, page, 0), "a frame can't be freed");
		}
	}
	if (!quire_check(q, &broken)) {
		fprintf(stderr, "%s: %s\n", broken.rule, broken.text);
		require(false, "an invariant is broken");
	}
	quire_destroy(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Now and then the host has no memory at some point. */
	struct quire_hosted host = { .fail_at = size % 5 ? 0 : size / 5 % 60 + 1 };
	struct lab_error err = { 0 };
	struct lab_map m;
	int error;

	lab_map_init(&m, &host);
	error = lab_map_text(&m, (const char *)data, size, &err);
	if (error)
		require(err.text[0], "an error without words");
	else
		boot(&m, &host);
	lab_map_done(&m);
	require(!host.live_bytes, "memory is lost");
	return 0;
}
