/* SPDX-License-Identifier: MIT */
/*
 * segment.c - descriptors, Linux's flat descriptor table, and the checks of an access
 *
 * The descriptors are what the manual's format gives for base 0 and limit 4 GB; the
 * selectors are those that every register dump of Linux shows (cs 0x60 and 0x73 on i386,
 * 0x10 and 0x33 on x86-64).
 */
#include "arch/segment.h"

#include "arch/format.h"

#define SELECTOR_INDEX(selector) ((selector) >> 3)
#define SELECTOR_LOCAL 0x4u
#define SELECTOR_RPL(selector) ((selector)&3u)

/* Base 0, limit 4 GB, accessed. */
#define FLAT_KERNEL_CODE 0x00cf9b000000ffffull
#define FLAT_KERNEL_DATA 0x00cf93000000ffffull
#define FLAT_USER_CODE 0x00cffb000000ffffull
#define FLAT_USER_DATA 0x00cff3000000ffffull
#define LONG_KERNEL_CODE 0x00af9b000000ffffull
#define LONG_USER_CODE 0x00affb000000ffffull

struct entry {
	uint8_t index;
	uint64_t descriptor;
	const char *name;
};

static const struct entry gdt_32[] = {
	{ 12, FLAT_KERNEL_CODE, "kernel code" },
	{ 13, FLAT_KERNEL_DATA, "kernel data" },
	{ 14, FLAT_USER_CODE, "user code" },
	{ 15, FLAT_USER_DATA, "user data" },
	{ 0, 0, NULL },
};

static const struct entry gdt_64[] = {
	{ 1, FLAT_KERNEL_CODE, "kernel code, 32 bits" },
	{ 2, LONG_KERNEL_CODE, "kernel code" },
	{ 3, FLAT_KERNEL_DATA, "kernel data" },
	{ 4, FLAT_USER_CODE, "user code, 32 bits" },
	{ 5, FLAT_USER_DATA, "user data" },
	{ 6, LONG_USER_CODE, "user code" },
	{ 0, 0, NULL },
};

static const struct entry *find(enum quire_machine machine, unsigned index)
{
	const struct entry *e = format_of(machine)->sign ? gdt_64 : gdt_32;

	while (e->name && e->index != index)
		e++;
	return e;
}

uint64_t segment_descriptor(enum quire_machine machine, unsigned index)
{
	return find(machine, index)->descriptor;
}

const char *segment_name(enum quire_machine machine, unsigned index)
{
	return find(machine, index)->name;
}

void segment_decode(uint64_t descriptor, struct segment *out)
{
	uint32_t limit = (uint32_t)((descriptor & 0xffff) | (descriptor >> 32 & 0xf0000));
	bool pages = descriptor >> 55 & 1;

	*out = (struct segment){
		.base = (uint32_t)((descriptor >> 16 & 0xffffff) | (descriptor >> 32 & 0xff000000)),
		.limit = pages ? limit << 12 | 0xfff : limit,
		.type = descriptor >> 40 & 0xf,
		.dpl = descriptor >> 45 & 3,
		.code_data = descriptor >> 44 & 1,
		.present = descriptor >> 47 & 1,
		.wide = descriptor >> 54 & 1,
		.is_long = descriptor >> 53 & 1,
	};
}

uint64_t segment_encode(const struct segment *s)
{
	bool pages = s->limit > 0xfffff;
	uint64_t limit = pages ? s->limit >> 12 : s->limit, base = s->base;

	return (limit & 0xffff) | (limit & 0xf0000) << 32 | (base & 0xffffff) << 16 |
	       (base & 0xff000000) << 32 | (uint64_t)s->type << 40 | (uint64_t)s->dpl << 45 |
	       (uint64_t)s->code_data << 44 | (uint64_t)s->present << 47 |
	       (uint64_t)s->wide << 54 | (uint64_t)s->is_long << 53 | (uint64_t)pages << 55;
}

static bool fault(struct quire_linear *out, enum quire_vector vector, unsigned code)
{
	out->fault = (struct quire_exception){ vector, code, out->linear };
	return false;
}

/* May the segment be loaded for that access? Type and privilege. */
static bool loads(const struct segment *s, const struct quire_logical *l)
{
	unsigned rpl = SELECTOR_RPL(l->selector);

	if (!s->code_data)
		return false;
	switch (l->access) {
	case QUIRE_ACCESS_EXEC:
		if (!(s->type & SEGMENT_CODE))
			return false;
		return s->type & SEGMENT_CONFORMING ? s->dpl <= l->cpl
						    : s->dpl == l->cpl && rpl <= l->cpl;
	default:
		if (l->stack)
			return !(s->type & SEGMENT_CODE) && (s->type & SEGMENT_WRITE) &&
			       rpl == l->cpl && s->dpl == l->cpl;
		if ((s->type & SEGMENT_CODE) && !(s->type & SEGMENT_READ))
			return false;
		if ((s->type & SEGMENT_CODE) && (s->type & SEGMENT_CONFORMING))
			return true;
		return s->dpl >= l->cpl && s->dpl >= rpl;
	}
}

/* Are the offset's bytes inside of the segment, and is the access of a kind it allows? */
static bool inside(const struct segment *s, const struct quire_logical *l)
{
	uint64_t last = l->offset + l->bytes - 1;
	bool code = s->type & SEGMENT_CODE;

	if (l->access == QUIRE_ACCESS_WRITE && (code || !(s->type & SEGMENT_WRITE)))
		return false;
	if (last < l->offset)
		return false;
	if (!code && (s->type & SEGMENT_DOWN))
		return l->offset > s->limit && last <= (s->wide ? 0xffffffffu : 0xffffu);
	return last <= s->limit;
}

bool segment_linear(enum quire_machine machine, const struct quire_logical *l,
		    struct quire_linear *out)
{
	const struct format *f = format_of(machine);
	enum quire_vector limit = l->stack ? QUIRE_VECTOR_SS : QUIRE_VECTOR_GP;
	unsigned code = l->selector & ~3u;
	struct segment s;
	bool is_64;

	*out = (struct quire_linear){ .linear = { l->offset } };
	/* 64-bit mode ignores base, limit and, of data, the type; null will do, but not for CS. */
	segment_decode(segment_descriptor(machine, SELECTOR_INDEX(l->selector)), &s);
	is_64 = f->sign && (l->access != QUIRE_ACCESS_EXEC || s.is_long);
	if (!(code & ~SELECTOR_LOCAL) && !(code & SELECTOR_LOCAL)) {
		if (!is_64 || l->access == QUIRE_ACCESS_EXEC || (l->stack && l->cpl == 3))
			return fault(out, QUIRE_VECTOR_GP, 0);
	} else {
		/* There is no local table, and nothing beyond the global one. */
		if ((l->selector & SELECTOR_LOCAL) || !loads(&s, l))
			return fault(out, QUIRE_VECTOR_GP, code);
		if (!s.present)
			return fault(out, l->stack ? QUIRE_VECTOR_SS : QUIRE_VECTOR_NP, code);
	}
	if (is_64) {
		uint64_t last = l->offset + l->bytes - 1;

		if (!format_canonical(f, l->offset) || !format_canonical(f, last))
			return fault(out, limit, 0);
		return true;
	}
	if (!inside(&s, l))
		return fault(out, limit, 0);
	out->linear.v = (uint32_t)(s.base + l->offset);
	return true;
}
