/* SPDX-License-Identifier: MIT */
/*
 * trap.c - GDT, TSS, IDT; telling of an exception that nobody expected
 *
 * The segments are Linux's: flat, base 0, so that logical and linear addresses have the same
 * value. A double fault gets a stack of its own, since the usual reason for it is that
 * the other one is used up: through the interrupt stack table on x86-64, as a task
 * of its own on i386.
 *
 * Source: Intel SDM vol. 3, 3.4.5, 6.11, 7.2
 */
#include "trap.h"

#include "arena.h"
#include "cpu.h"
#include "machine.h"
#include "place.h"
#include "x86.h"

#define VECTORS 32
#define DOUBLE_FAULT 8
#define PROTECTION_FAULT 13
#define PAGE_FAULT 14

/* Bits of a page fault's error code. */
#define CODE_PRESENT 0x1u
#define CODE_WRITE 0x2u
#define CODE_USER 0x4u
#define CODE_RESERVED 0x8u
#define CODE_FETCH 0x10u

#define GATE_INTERRUPT 0x8e00u
#define GATE_TASK 0x8500u
#define TSS_AVAILABLE 0x89u

#define DOUBLE_FAULT_STACK 4096

extern const unsigned char trap_stubs[]; /* 16 bytes each */
void trap_load_segments(void);
void trap_double_entry(void);

/* A pair of from and to: an instruction that may fault, and where to go on. */
struct fixup {
	uintptr_t from, to;
};
extern const struct fixup fixups_start[], fixups_end[];

struct table_pointer {
	uint16_t limit;
	uintptr_t base;
} __attribute__((packed));

static struct quire_exception caught; /* by a fixup, the last one */

static _Alignas(16) unsigned char double_fault_stack[DOUBLE_FAULT_STACK];

#ifdef __x86_64__

#define IST_DOUBLE_FAULT 1

struct tss {
	uint32_t reserved;
	uint64_t sp[3];
	uint64_t reserved_2;
	uint64_t ist[7];
	uint64_t reserved_3;
	uint32_t iomap; /* in the upper half: beyond the limit, so there is none */
} __attribute__((packed));

/* Linux's order: kernel 32-bit code, code, data; user 32-bit code, data, code. */
static uint64_t gdt[] = {
	0,
	0x00cf9b000000ffff, /* KERNEL_CS32 */
	0x00af9b000000ffff, /* KERNEL_CS */
	0x00cf93000000ffff, /* KERNEL_DS */
	0x00cffb000000ffff,
	0x00cff3000000ffff, /* USER_DS */
	0x00affb000000ffff, /* USER_CS */
	0,
	0, /* the TSS, 16 bytes */
	0,
};

static struct {
	uint64_t low, high;
} idt[VECTORS];

static struct tss tss;

static void set_gate(unsigned vector, uintptr_t to, unsigned ist)
{
	idt[vector].low = (to & 0xffff) | (uint64_t)KERNEL_CS << 16 | (uint64_t)ist << 32 |
			  (uint64_t)GATE_INTERRUPT << 32 | (to & 0xffff0000) << 32;
	idt[vector].high = to >> 32;
}

static void set_tss(void)
{
	uintptr_t base = (uintptr_t)&tss;

	tss.ist[IST_DOUBLE_FAULT - 1] =
		(uintptr_t)double_fault_stack + sizeof(double_fault_stack);
	tss.iomap = (uint32_t)sizeof(tss) << 16;
	gdt[TSS_SELECTOR / 8] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 |
				(uint64_t)TSS_AVAILABLE << 40 | (base >> 24 & 0xff) << 56;
	gdt[TSS_SELECTOR / 8 + 1] = base >> 32;
	set_gate(DOUBLE_FAULT, (uintptr_t)trap_stubs + 16 * DOUBLE_FAULT, IST_DOUBLE_FAULT);
}

#else

struct tss {
	uint32_t link, sp0, ss0, sp1, ss1, sp2, ss2;
	uint32_t cr3, ip, flags, ax, cx, dx, bx, sp, bp, si, di;
	uint32_t es, cs, ss, ds, fs, gs, ldt;
	uint32_t iomap; /* in the upper half: beyond the limit, so there is none */
};

/* Linux's places: kernel code and data at 12 and 13, then the user's; TSS at 16, of the double
 * fault at 31. */
static uint64_t gdt[32] = {
	[KERNEL_CS / 8] = 0x00cf9b000000ffff,
	[KERNEL_DS / 8] = 0x00cf93000000ffff,
	[USER_CS / 8] = 0x00cffb000000ffff,
	[USER_DS / 8] = 0x00cff3000000ffff,
};

static uint64_t idt[VECTORS];
static struct tss tss, double_fault_tss;

static void set_gate(unsigned vector, uintptr_t to, unsigned ist)
{
	(void)ist;
	idt[vector] = (to & 0xffff) | (uint64_t)KERNEL_CS << 16 | (uint64_t)GATE_INTERRUPT << 32 |
		      (uint64_t)(to & 0xffff0000) << 32;
}

static void set_tss_descriptor(unsigned selector, const struct tss *t)
{
	uint64_t base = (uintptr_t)t;

	gdt[selector / 8] = (sizeof(*t) - 1) | (base & 0xffffff) << 16 |
			    (uint64_t)TSS_AVAILABLE << 40 | (base >> 24) << 56;
}

static void set_tss(void)
{
	tss.iomap = double_fault_tss.iomap = (uint32_t)sizeof(tss) << 16;
	double_fault_tss.cr3 = (uint32_t)cpu_cr3();
	double_fault_tss.ip = (uint32_t)(uintptr_t)trap_double_entry;
	double_fault_tss.sp = (uint32_t)(uintptr_t)double_fault_stack + sizeof(double_fault_stack);
	double_fault_tss.flags = 2;
	double_fault_tss.cs = KERNEL_CS;
	double_fault_tss.ss = double_fault_tss.ds = double_fault_tss.es = KERNEL_DS;
	set_tss_descriptor(TSS_SELECTOR, &tss);
	set_tss_descriptor(DOUBLE_FAULT_SELECTOR, &double_fault_tss);
	idt[DOUBLE_FAULT] = (uint64_t)DOUBLE_FAULT_SELECTOR << 16 | (uint64_t)GATE_TASK << 32;
}

#endif

void trap_init(void)
{
	const struct table_pointer gdt_at = { sizeof(gdt) - 1, (uintptr_t)gdt };
	const struct table_pointer idt_at = { sizeof(idt) - 1, (uintptr_t)idt };

	for (unsigned i = 0; i < VECTORS; i++)
		set_gate(i, (uintptr_t)trap_stubs + 16 * i, 0);
	set_tss();
	__asm__ volatile("lgdt %0" : : "m"(gdt_at));
	trap_load_segments();
	__asm__ volatile("lidt %0" : : "m"(idt_at));
	__asm__ volatile("ltr %0" : : "r"((uint16_t)TSS_SELECTOR));
}

static const char *trap_name(uintptr_t vector)
{
	static const char *const names[] = {
		"#DE divide error",
		"#DB debug",
		"NMI",
		"#BP breakpoint",
		"#OF overflow",
		"#BR bound range",
		"#UD invalid opcode",
		"#NM no math coprocessor",
		"#DF double fault",
		"coprocessor segment overrun",
		"#TS invalid TSS",
		"#NP segment not present",
		"#SS stack segment",
		"#GP general protection",
		"#PF page fault",
		"15",
		"#MF math fault",
		"#AC alignment check",
		"#MC machine check",
		"#XM SIMD",
	};

	return vector < sizeof(names) / sizeof(names[0]) ? names[vector] : "reserved exception";
}

#define WORD "%0*lx"
#define WORD_OF(x) (int)(2 * sizeof(uintptr_t)), (unsigned long)(x)

static void dump(const struct trap_frame *f)
{
	x86_print("  ip " WORD "  cs %04lx  flags %08lx\n", WORD_OF(f->ip), (unsigned long)f->cs,
		  (unsigned long)f->flags);
	x86_print("  ax " WORD "  bx " WORD "  cx " WORD "  dx " WORD "\n", WORD_OF(f->ax),
		  WORD_OF(f->bx), WORD_OF(f->cx), WORD_OF(f->dx));
	x86_print("  si " WORD "  di " WORD "  bp " WORD "\n", WORD_OF(f->si), WORD_OF(f->di),
		  WORD_OF(f->bp));
#ifdef __x86_64__
	x86_print("  r8 " WORD "  r9 " WORD "  r10 " WORD "  r11 " WORD "\n", WORD_OF(f->r8),
		  WORD_OF(f->r9), WORD_OF(f->r10), WORD_OF(f->r11));
	x86_print("  r12 " WORD "  r13 " WORD "  r14 " WORD "  r15 " WORD "\n", WORD_OF(f->r12),
		  WORD_OF(f->r13), WORD_OF(f->r14), WORD_OF(f->r15));
	x86_print("  sp " WORD "\n", WORD_OF(f->sp));
#endif
	x86_print("  cr3 " WORD "\n", WORD_OF(cpu_cr3()));
}

static void tell_page_fault(uintptr_t code)
{
	x86_print("  %s %s " WORD ": %s%s\n", code & CODE_USER ? "user" : "kernel",
		  code & CODE_FETCH   ? "executes"
		  : code & CODE_WRITE ? "writes"
				      : "reads",
		  WORD_OF(cpu_cr2()), code & CODE_PRESENT ? "not allowed" : "not mapped",
		  code & CODE_RESERVED ? ", a reserved bit is set" : "");
}

void trap_root(uintptr_t root)
{
#ifdef __x86_64__
	(void)root;
#else
	double_fault_tss.cr3 = root; /* a task has tables of its own */
#endif
}

struct quire_exception trap_caught(void)
{
	return caught;
}

/* An access that may fault, and says so. */
static bool fix_up(struct trap_frame *frame)
{
	for (const struct fixup *f = fixups_start; f < fixups_end; f++) {
		if (f->from == frame->ip) {
			caught = (struct quire_exception){
				.vector = (enum quire_vector)frame->vector,
				.error_code = (uint32_t)frame->code,
				.address = { cpu_cr2() },
			};
			frame->ip = f->to;
			return true;
		}
	}
	return false;
}

void trap_handle(struct trap_frame *frame)
{
	if (frame->vector == PAGE_FAULT &&
	    (arena_fault(cpu_cr2(), frame->code) || machine_fault(cpu_cr2(), frame->code)))
		return;
	if ((frame->vector == PAGE_FAULT || frame->vector == PROTECTION_FAULT) && fix_up(frame))
		return;
	x86_print("\nException: %s, error code 0x%lx\n", trap_name(frame->vector),
		  (unsigned long)frame->code);
	if (frame->vector == PAGE_FAULT)
		tell_page_fault(frame->code);
	dump(frame);
	x86_exit(X86_EXIT_PANIC);
}

void trap_double_fault(void)
{
#ifndef __x86_64__
	const struct tss *t = &tss; /* the processor saved the registers there */

	x86_print("\nException: %s\n  ip %08x  sp %08x  bp %08x  cr2 %08lx\n",
		  trap_name(DOUBLE_FAULT), (unsigned)t->ip, (unsigned)t->sp, (unsigned)t->bp,
		  (unsigned long)cpu_cr2());
#endif
	x86_exit(X86_EXIT_PANIC);
}
