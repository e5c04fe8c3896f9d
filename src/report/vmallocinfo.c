/* SPDX-License-Identifier: MIT */
/*
 * vmallocinfo.c - /proc/vmallocinfo, the areas of the vmalloc region
 *
 * A line per area in use, by address, and then those that are freed and not yet flushed:
 *
 *	0xf8800000-0xf8805000   20480 pages=4 vmalloc
 *	0xf8806000-0xf8808000    8192 phys=0xfee00000 ioremap
 *	0xf8808000-0xf880d000   20480 unpurged vm_area
 *
 * The size has the guard page in it. Linux also names the function that asked for an area, and
 * hides addresses from those without rights; here addresses are the machine's own.
 *
 * Source: Linux's Documentation/filesystems/proc.rst (vmallocinfo)
 */
#include "report/vmallocinfo.h"

#include <quire/vmalloc.h>

#include "report/json.h"

static const char *kind_name(enum quire_vm_kind kind)
{
	static const char *const names[] = {
		[QUIRE_VM_ALLOC] = "vmalloc",
		[QUIRE_VM_MAP] = "vmap",
		[QUIRE_VM_IOREMAP] = "ioremap",
		[QUIRE_VM_LAZY] = "unpurged vm_area",
	};

	return names[kind];
}

/* As wide as a pointer of the machine's. */
static int address_digits(const struct quire *q)
{
	return quire_config(q)->machine >= QUIRE_X86_64 ? 16 : 8;
}

static void write_text(const struct quire *q, const struct quire_vm_area *area,
		       const struct quire_sink *sink)
{
	int digits = address_digits(q);

	quire_format(sink, "0x%0*jx-0x%0*jx %7ju", digits, (uintmax_t)area->start.v, digits,
		     (uintmax_t)(area->start.v + area->bytes), (uintmax_t)area->bytes);
	if (area->nr_pages)
		quire_format(sink, " pages=%ju", (uintmax_t)area->nr_pages);
	if (area->kind == QUIRE_VM_IOREMAP)
		quire_format(sink, " phys=0x%0*jx", digits, (uintmax_t)area->phys.v);
	quire_format(sink, " %s\n", kind_name(area->kind));
}

static void write_json(struct json *j, const struct quire_vm_area *area)
{
	json_open(j, NULL, '{');
	json_number(j, "start", area->start.v);
	json_number(j, "end", area->start.v + area->bytes);
	json_number(j, "bytes", area->bytes);
	json_number(j, "pages", area->nr_pages);
	if (area->kind == QUIRE_VM_IOREMAP)
		json_number(j, "phys", area->phys.v);
	json_string(j, "kind", kind_name(area->kind));
	json_close(j, '}');
}

void vmallocinfo_write(struct quire *q, bool json, const struct quire_sink *sink)
{
	struct json j = { .sink = sink };

	if (json)
		json_open(&j, NULL, '[');
	for (int lazy = 0; lazy < 2; lazy++) {
		struct quire_vm_area area;
		quire_virt_t from = { 0 };

		for (; quire_vm_area_next(q, from, &area); from.v = area.start.v + area.bytes) {
			if ((area.kind == QUIRE_VM_LAZY) != lazy)
				continue;
			if (json)
				write_json(&j, &area);
			else
				write_text(q, &area, sink);
		}
	}
	if (json)
		json_close(&j, ']');
}
