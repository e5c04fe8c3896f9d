/* SPDX-License-Identifier: MIT */
/*
 * map.h - memory maps as real machines print them
 *
 * A text is read line by line; what the lines say about memory is kept, the
 * rest of a kernel log is ignored. The forms, after a kernel log's prefix (a
 * priority <6>, a time [    0.000000], a syslog date and host) if there is one:
 *
 *   BIOS-e820: 0000000000100000 - 00000000bb7e0000 (usable)        end exclusive
 *   BIOS-e820: [mem 0x0000000000100000-0x00000000bb7dffff] usable  end inclusive
 *   BIOS-88: and BIOS-e801: likewise
 *   user: likewise           this map replaces the firmware's, as mem= once did
 *   SRAT: Node 0 PXM 0 0-80000000        memory if nothing above is in the text
 *   00100000-bb7dffff : System RAM       /proc/iomem: a map if none of the above is;
 *     1d000000-1d91bc7f : Kernel code    its indented lines give reservations
 *     7a000000-7dffffff : Crash kernel
 *   Command line: ... mem=64M memmap=16M$0x4000000 memmap=4K#0x100000,1M@0 ...
 *   e820: update [mem 0x00000000-0x00000fff] usable ==> reserved
 *   e820: remove [mem 0x000a0000-0x000fffff] usable
 *   RAMDISK: [mem 0x09eb3000-0x09fcffff]
 *   memblock_reserve: [0x0009b000-0x0009efff] ...
 *   memblock_phys_free: [0x36400000-0x367fffff] ...   (memblock_free: before 5.15)
 *   memblock_remove: [0x...-0x...] ...
 *    reserved[0x0]  [0x00000000-0x0000ffff], ...
 *     HighMem  [mem 0x0000000036bfe000-0x00000000bb7dffff]   the end of lowmem
 *
 * "Linux version" begins a new boot: of a log with several, the last one counts.
 *
 * Types: usable, reserved, ACPI data, ACPI NVS, unusable, persistent (type N),
 * soft reserved, type N; in brackets or not. And Quire's own lines:
 *
 *   # a remark
 *   machine i386|i386-pae|x86-64|x86-64-la57 [ram SIZE]
 *   lowmem ADDRESS
 *   ram START-END                            sizes as 64M, 0x1000; end exclusive
 *   reserve START-END [kernel|initrd|other]
 *   release START-END
 *
 * A line that begins as one of these and does not go on as one is an error, and
 * so is a text without any map line: a cut or scrambled map is never half taken.
 */
#ifndef LAB_MAP_H
#define LAB_MAP_H

#include <quire/boot.h>

#include "error.h"

struct lab_map_line;

/** struct lab_map - a map being read; the fields that a caller may read come first */
struct lab_map {
	bool has_machine;           /* the text says, or betrays, what machine it is of */
	enum quire_machine machine; /* if so */
	uint64_t lowmem_bytes;      /* for quire_config; 0: the text does not say */

	struct quire_map_entry *entries; /* after lab_map_finish: for quire_boot_map */
	size_t nr_entries;
	size_t entries_capacity;

	void *host;
	struct lab_map_line *lines; /* what was read, in order */
	size_t nr_lines;
	size_t lines_capacity;
	unsigned sources;      /* bit per kind of map line seen */
	unsigned nr_changes;   /* lines that change the map */
	bool in_log;           /* the line being read is of a kernel log */
	bool command_line;     /* a kernel command line has been read */
	bool has_dma32;        /* the log has a zone DMA32 */
	bool has_highmem;      /* or HighMem, empty or not */
	bool wide;             /* memblock printed 64-bit addresses, or HighMem has some */
	uint64_t normal_end;   /* of the log's zone Normal */
	uint64_t kernel_start; /* of the kernel image in /proc/iomem */
	uint64_t kernel_end;   /* 0: none seen */
};

/** lab_map_init - begin a map. @host is for the port */
void lab_map_init(struct lab_map *m, void *host);

/** lab_map_done - give its memory back */
void lab_map_done(struct lab_map *m);

/**
 * lab_map_line - read one line
 * @m:      the map
 * @text:   the line, with or without its end of line
 * @length: of @text
 * @number: its number, for @err
 * @err:    filled in on an error
 *
 * Return: 0; -QUIRE_EINVAL for a damaged line; -QUIRE_ENOMEM
 */
int lab_map_line(struct lab_map *m, const char *text, size_t length, unsigned long number,
		 struct lab_error *err);

/**
 * lab_map_text - read a whole text and finish
 * @m:      the map
 * @text:   lines
 * @length: of @text
 * @err:    filled in on an error
 *
 * Return: as lab_map_line and lab_map_finish
 */
int lab_map_text(struct lab_map *m, const char *text, size_t length, struct lab_error *err);

/**
 * lab_map_ram - the map of a PC with so much memory, in place of a text
 * @m:       an empty map; finished afterwards
 * @machine: its kind
 * @bytes:   of memory
 *
 * As QEMU's firmware says it: 639K, a hole up to 1M, the rest up to 3G, and
 * what is above that from 4G on. An i386, which has no addresses there, has it up to 4G.
 *
 * Return: 0; -QUIRE_ERANGE if the machine has not so many addresses, or @bytes is 0; -QUIRE_ENOMEM
 */
int lab_map_ram(struct lab_map *m, enum quire_machine machine, uint64_t bytes);

/**
 * lab_map_finish - settle which lines count, after the last
 * @m:   the map
 * @err: filled in on an error
 *
 * Return: 0; -QUIRE_EINVAL if no line was a map line; -QUIRE_ENOMEM
 */
int lab_map_finish(struct lab_map *m, struct lab_error *err);

/**
 * lab_map_boot - give the map and its reservations to a machine
 * @m: a finished map
 * @q: a machine without zones, created with the hints of @m or others
 *
 * Return: 0; or what quire_boot_map or quire_memblock_… returned: then @q has a part of
 *         it and is good for quire_destroy only
 */
int lab_map_boot(const struct lab_map *m, struct quire *q);

#endif
