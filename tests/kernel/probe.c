/* SPDX-License-Identifier: MIT */
/*
 * probe.c - one access, as kernel or user code, whatever comes of it
 *
 * For the time of a probe, exceptions go to a table of this file's.
 */
#include "probe.h"

#include <quire/port.h>

#include "cpu.h"
#include "place.h"

#define BREAKPOINT 3
#define VECTORS 15
#define GATE 0x8e00u
#define GATE_USER 0xee00u /* also from user code */

extern const unsigned char probe_read[], probe_write[], probe_end[];
extern uintptr_t probe_vector, probe_code, probe_cx;
void probe_enter(uintptr_t ip, uintptr_t ax, uintptr_t cx, int user);
void probe_trap_bp(void);
void probe_trap_gp(void);
void probe_trap_pf(void);

struct table_pointer {
	uint16_t limit;
	uintptr_t base;
} __attribute__((packed));

struct gate {
	uint32_t word[sizeof(uintptr_t) / 2];
};

static struct gate idt[VECTORS];
static _Alignas(16) unsigned char stack[1024]; /* for exceptions of user code */

static void set_gate(unsigned vector, void (*to)(void), uint32_t kind)
{
	uintptr_t at = (uintptr_t)to;

	idt[vector].word[0] = (uint32_t)(at & 0xffff) | (uint32_t)KERNEL_CS << 16;
	idt[vector].word[1] = (uint32_t)(at & 0xffff0000) | kind;
#ifdef __x86_64__
	idt[vector].word[2] = (uint32_t)(at >> 32);
#endif
}

/* The kernel's stack, in the task state segment: the second word of it, whatever the mode. */
static void set_stack(void)
{
	struct table_pointer gdt;
	uint16_t task;

	__asm__ volatile("sgdt %0" : "=m"(gdt));
	__asm__ volatile("str %0" : "=r"(task));
	const uint32_t *d = (const uint32_t *)(gdt.base + (task & ~7u));
	uintptr_t base = d[0] >> 16 | (d[1] & 0xff) << 16 | (d[1] & 0xff000000);
#ifdef __x86_64__
	base |= (uintptr_t)d[2] << 32;
#endif
	uint32_t *tss = (uint32_t *)base;
	uintptr_t top = (uintptr_t)stack + sizeof(stack);

	tss[1] = (uint32_t)top;
#ifdef __x86_64__
	tss[2] = (uint32_t)(top >> 32);
#else
	tss[2] = KERNEL_DS;
#endif
}

void probe_copy_code(void *to)
{
	__builtin_memcpy(to, probe_read, (size_t)(probe_end - probe_read));
}

static uintptr_t code_of(const struct probe *p)
{
	if (p->access == QUIRE_ACCESS_EXEC)
		return p->address;
	if (p->access == QUIRE_ACCESS_WRITE)
		return p->code + (uintptr_t)(probe_write - probe_read);
	return p->code;
}

struct quire_exception probe_access(struct probe *p)
{
	const struct table_pointer ours = { sizeof(idt) - 1, (uintptr_t)idt };
	struct table_pointer before;
	uintptr_t token = quire_port_cpu_enter();
	struct quire_exception fault;

	set_gate(BREAKPOINT, probe_trap_bp, GATE_USER);
	set_gate(QUIRE_VECTOR_GP, probe_trap_gp, GATE);
	set_gate(QUIRE_VECTOR_PF, probe_trap_pf, GATE);
	set_stack();
	__asm__ volatile("sidt %0" : "=m"(before));
	__asm__ volatile("lidt %0" : : "m"(ours));
	probe_enter(code_of(p), p->address, p->value, p->user);
	__asm__ volatile("lidt %0" : : "m"(before));
	fault = (struct quire_exception){ (enum quire_vector)probe_vector, (uint32_t)probe_code,
					  { cpu_cr2() } };
	if (probe_vector == BREAKPOINT)
		fault.vector = QUIRE_VECTOR_NONE;
	p->value = (uint32_t)probe_cx;
	quire_port_cpu_leave(token);
	return fault;
}
