/* SPDX-License-Identifier: MIT */
/*
 * boot.S - from the loader to C
 *
 * A multiboot loader jumps to boot_entry at the image's physical address: 32-bit mode,
 * flat segments, paging off, eax = magic, ebx = address of its information. Boot tables
 * map the first memory twice, where it is (for the instructions that turn paging on) and where
 * the kernel is linked; then everything goes on there. C removes the first mapping
 * and gives the tables up for Quire's own.
 *
 * Sources: Multiboot Specification 0.6.96; Intel SDM vol. 3, 4.1 to 4.5 and 9.8.5.
 */
#include "place.h"

#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_FLAGS 0x00010003 /* modules on pages, memory map, addresses below */

#define PHYS(symbol) ((symbol) - LINK_BASE)

/* Bits of entries, CR0, CR4 and EFER. */
#define PRESENT_RW 0x003
#define LARGE 0x083 /* present, writable, maps memory itself */
#if defined(__x86_64__) || defined(PAE)
#define ENTRY_BYTES 8
#else
#define ENTRY_BYTES 4
#endif
#define CR0_PG_WP 0x80010000
#define CR4_PSE 0x10
#define CR4_PAE 0x20
#define CR4_PGE 0x80
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define EFER_NXE 0x800

	.section .multiboot, "a"
	.balign 4
header:
	.long MULTIBOOT_MAGIC
	.long MULTIBOOT_FLAGS
	.long -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)
	.long PHYS(header)
	.long PHYS(image_start)
	.long PHYS(data_end)
	.long PHYS(image_end)
	.long PHYS(boot_entry)

	/* One page each, zeroed by the loader as all of .bss. */
	.section .bss.pages, "aw", @nobits
	.balign 4096
	.global boot_root
boot_root: /* what CR3 points at */
	.skip 4096
#if defined(__x86_64__)
boot_pdpt_low: /* also of the direct map */
	.skip 4096
boot_pdpt_text:
	.skip 4096
boot_pd: /* the first gigabyte, in pages of 2 MB */
	.skip 4096
#elif defined(PAE)
boot_pd_low:
	.skip 4096
boot_pd_high:
	.skip 4096
#endif
boot_pt: /* the first pages, 4 KB each, so that one can be left out */
	.skip 4096
	.global boot_guard, boot_stack_end
boot_guard: /* what is not mapped below the stack */
	.skip 4096
boot_stack:
	.skip STACK_BYTES
boot_stack_end:

	.section .boot, "ax"
	.code32
	.global boot_entry
boot_entry:
	cld
	movl $PHYS(boot_stack_end), %esp
	movl %eax, %ebp /* neither is touched until C gets them */
	movl %ebx, %esi

	movl $PHYS(boot_pt), %edi
	movl $PRESENT_RW, %eax
	movl $4096 / ENTRY_BYTES, %ecx
1:	movl %eax, (%edi)
	addl $4096, %eax
	addl $ENTRY_BYTES, %edi
	loop 1b
	movl $PHYS(boot_guard), %eax
	shrl $12, %eax
	movl $0, PHYS(boot_pt)(, %eax, ENTRY_BYTES)

#if defined(__x86_64__)
	/* All three ways down meet in one table: a table of small pages, 511 pages of 2 MB. */
	movl $PHYS(boot_pd), %edi
	movl $LARGE, %eax
	movl $512, %ecx
1:	movl %eax, (%edi)
	addl $0x200000, %eax
	addl $8, %edi
	loop 1b
	movl $PHYS(boot_pt) + PRESENT_RW, PHYS(boot_pd)
	movl $PHYS(boot_pd) + PRESENT_RW, PHYS(boot_pdpt_low)
	movl $PHYS(boot_pd) + PRESENT_RW, PHYS(boot_pdpt_text) + 8 * 510
	movl $PHYS(boot_pdpt_low) + PRESENT_RW, PHYS(boot_root)
	movl $PHYS(boot_pdpt_low) + PRESENT_RW, PHYS(boot_root) + 8 * 273
	movl $PHYS(boot_pdpt_text) + PRESENT_RW, PHYS(boot_root) + 8 * 511
	movl $CR4_PAE | CR4_PGE, %eax
	movl %eax, %cr4
#elif defined(PAE)
	movl $PHYS(boot_pd_high), %edi
	movl $LARGE, %eax
	movl $LOWMEM_BYTES >> 21, %ecx
1:	movl %eax, (%edi)
	addl $0x200000, %eax
	addl $8, %edi
	loop 1b
	movl $PHYS(boot_pt) + PRESENT_RW, PHYS(boot_pd_high)
	movl $PHYS(boot_pt) + PRESENT_RW, PHYS(boot_pd_low) /* where these instructions are */
	movl $PHYS(boot_pd_low) + 1, PHYS(boot_root)
	movl $PHYS(boot_pd_high) + 1, PHYS(boot_root) + 8 * 3
	movl $CR4_PAE | CR4_PGE, %eax
	movl %eax, %cr4
#else
	movl $PHYS(boot_root) + 4 * 768, %edi
	movl $LARGE, %eax
	movl $LOWMEM_BYTES >> 22, %ecx
1:	movl %eax, (%edi)
	addl $0x400000, %eax
	addl $4, %edi
	loop 1b
	movl $PHYS(boot_pt) + PRESENT_RW, PHYS(boot_root) + 4 * 768
	movl $PHYS(boot_pt) + PRESENT_RW, PHYS(boot_root) /* where these instructions are */
	movl $CR4_PSE | CR4_PGE, %eax
	movl %eax, %cr4
#endif
	movl $PHYS(boot_root), %eax
	movl %eax, %cr3

	/* No-execute, where the processor has it; on x86-64 long mode as well. */
#if defined(__x86_64__) || defined(PAE)
	movl $0x80000000, %eax
	cpuid
	xorl %edi, %edi
	cmpl $0x80000001, %eax
	jb 2f
	movl $0x80000001, %eax
	cpuid
	btl $20, %edx
	jnc 2f
	orl $EFER_NXE, %edi
2:
#ifdef __x86_64__
	orl $EFER_LME, %edi
#endif
	testl %edi, %edi
	jz 3f /* a processor without both has no such register */
	movl $MSR_EFER, %ecx
	rdmsr
	orl %edi, %eax
	wrmsr
3:
#endif
	movl %cr0, %eax
	orl $CR0_PG_WP, %eax
	movl %eax, %cr0

#ifdef __x86_64__
	lgdt PHYS(boot_gdt_pointer)
	ljmp $KERNEL_CS, $PHYS(boot_64)

	.balign 8
boot_gdt:
	.quad 0
	.quad 0
	.quad 0x00af9b000000ffff /* KERNEL_CS: 64-bit code */
	.quad 0x00cf93000000ffff /* KERNEL_DS */
boot_gdt_pointer:
	.word . - boot_gdt - 1
	.long PHYS(boot_gdt)

	.code64
boot_64:
	movl $KERNEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq $boot_high, %rax
	jmp *%rax
boot_high:
	movq $boot_stack_end, %rsp
	movl %ebp, %edi
	/* %esi is the second argument already */
	xorl %ebp, %ebp
	call x86_start
#else
	movl $boot_high, %eax
	jmp *%eax
boot_high:
	movl $boot_stack_end - 8, %esp /* with the two arguments 16-aligned at the call */
	pushl %esi
	pushl %ebp
	xorl %ebp, %ebp
	call x86_start
#endif
	ud2
