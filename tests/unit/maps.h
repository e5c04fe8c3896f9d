/* SPDX-License-Identifier: MIT */
/*
 * maps.h - what the tests of memory maps share
 */
#ifndef TEST_MAPS_H
#define TEST_MAPS_H

#include "test.h"

#include <quire/boot.h>
#include <quire/error.h>

#include "hosted.h"
#include "map.h"

#define MACHINES "examples/machines/"

/** A machine of a kind, whose frame array lies outside of its memory */
static inline struct quire *create(enum quire_machine machine, bool firmware, void *host)
{
	struct quire_config config;
	struct quire *q = NULL;

	quire_config_init(&config, machine);
	config.firmware = firmware;
	config.frames_outside = true;
	config.host = host;
	if (quire_create(&config, &q))
		return NULL;
	return q;
}

/** Read a text as a map and boot a machine with it; NULL after a CHECK that failed. */
static inline struct quire *boot_text(const char *text, enum quire_machine machine)
{
	struct lab_error err = { 0 };
	struct quire *q = NULL;
	struct lab_map m;
	int error;

	lab_map_init(&m, NULL);
	error = lab_map_text(&m, text, strlen(text), &err);
	if (error)
		printf("line %lu: %s\n", err.line, err.text);
	CHECK_EQ(error, 0);
	if (!error) {
		q = create(m.has_machine ? m.machine : machine, true, NULL);
		CHECK(q);
		CHECK_EQ(lab_map_boot(&m, q), 0);
		CHECK(quire_check(q, NULL));
	}
	lab_map_done(&m);
	return q;
}

/** A list of memblock as "start-end start-end:who", in hexadecimal */
static inline const char *list_text(struct quire *q, enum quire_memblock_list list)
{
	static char text[4096];
	struct quire_range range;
	size_t at = 0;

	text[0] = 0;
	for (size_t i = 0; q && quire_memblock_get(q, list, i, &range) && at < 4000; i++) {
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%llx-%llx", i ? " " : "",
				       (unsigned long long)range.start,
				       (unsigned long long)range.end);
		if (list == QUIRE_MEMBLOCK_RESERVED)
			at += (size_t)snprintf(text + at, sizeof(text) - at, ":%d",
					       (int)range.what);
	}
	return text;
}

static inline const char *map_text(struct quire *q)
{
	static char text[4096];
	struct quire_map_entry entry;
	size_t at = 0;

	text[0] = 0;
	for (size_t i = 0; q && quire_map_get(q, i, &entry) && at < 4000; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%llx-%llx:%u", i ? " " : "",
				       (unsigned long long)entry.start,
				       (unsigned long long)entry.end, entry.type);
	return text;
}

/** A whole file; the caller frees it. */
static inline char *read_file(const char *name)
{
	FILE *file = fopen(name, "rb");
	char *text = calloc(1, 1 << 20);

	CHECK(file);
	if (file) {
		CHECK(fread(text, 1, (1 << 20) - 1, file) > 0);
		fclose(file);
	}
	return text;
}

#endif
