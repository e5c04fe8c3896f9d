/* SPDX-License-Identifier: MIT */
/*
 * multiboot.c - what a multiboot loader left
 *
 * Source: Multiboot Specification 0.6.96, 3.3
 */
#include "multiboot.h"

#define LOADED_MAGIC 0x2badb002

/* Bits of info.flags: which of the fields are there. */
#define HAS_COMMAND_LINE 0x04u
#define HAS_MODULES 0x08u
#define HAS_MAP 0x40u

struct info {
	uint32_t flags, mem_lower, mem_upper, boot_device;
	uint32_t command_line; /* address */
	uint32_t nr_modules, modules;
	uint32_t symbols[4];
	uint32_t map_bytes, map;
};

struct module {
	uint32_t start, end, name, reserved;
};

struct map_line {
	uint32_t size; /* of what follows */
	uint64_t base, bytes;
	uint32_t type;
} __attribute__((packed));

static const void *at(uint32_t address)
{
	return x86_direct(quire_phys(address));
}

static void copy(char *to, size_t room, const char *from)
{
	size_t i = 0;

	for (; i + 1 < room && from[i]; i++)
		to[i] = from[i];
	to[i] = 0;
}

/* Behind the first word, which is the image's name. */
static const char *skip_word(const char *text)
{
	while (*text && *text != ' ')
		text++;
	while (*text == ' ')
		text++;
	return text;
}

static void read_modules(const struct info *info, struct x86_boot *out)
{
	const struct module *m = at(info->modules);

	for (uint32_t i = 0; i < info->nr_modules && i < X86_MODULES_MAX; i++, m++) {
		struct x86_module *to = &out->modules[out->nr_modules++];

		to->start = m->start;
		to->end = m->end;
		copy(to->name, sizeof(to->name), m->name ? at(m->name) : "");
	}
}

static void read_map(const struct info *info, struct x86_boot *out)
{
	uint32_t place = info->map, end = info->map + info->map_bytes;

	while (place < end && out->nr_map < X86_MAP_MAX) {
		const struct map_line *line = at(place);

		out->map[out->nr_map++] = (struct quire_map_entry){
			.start = line->base,
			.end = line->base + line->bytes,
			.type = line->type,
		};
		place += line->size + (uint32_t)sizeof(line->size);
	}
}

int multiboot_read(uint32_t magic, uint32_t address, struct x86_boot *out)
{
	const struct info *info = at(address);

	*out = (struct x86_boot){ .nr_map = 0 };
	if (magic != LOADED_MAGIC || !(info->flags & HAS_MAP))
		return -QUIRE_ENODEV;
	if (info->flags & HAS_COMMAND_LINE)
		copy(out->command_line, sizeof(out->command_line),
		     skip_word(at(info->command_line)));
	if (info->flags & HAS_MODULES)
		read_modules(info, out);
	read_map(info, out);
	return 0;
}
