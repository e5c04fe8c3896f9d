/* SPDX-License-Identifier: MIT */
/*
 * probing.S - one access, as kernel or user code, whatever comes of it
 *
 * probe_enter saves the kernel's registers and goes to an instruction; it returns when that
 * has faulted or when the breakpoint behind it is reached. The table that leads the three
 * exceptions here is probe.c's.
 */
#include "place.h"

	.bss
	.balign 8
probe_sp: /* of the caller of probe_enter */
	.skip 8
	.global probe_vector, probe_code, probe_cx
probe_vector: /* 3, 13 or 14 */
	.skip 8
probe_code: /* error code of 13 and 14 */
	.skip 8
probe_cx: /* what was read */
	.skip 8

	/* Copied to where user code may run; kernel code uses them here. */
	.section .rodata
	.global probe_read, probe_write, probe_end
probe_read:
#ifdef __x86_64__
	.byte 0x8b, 0x08 /* mov (%rax), %ecx */
	.byte 0xcc
probe_write:
	.byte 0x89, 0x08 /* mov %ecx, (%rax) */
	.byte 0xcc
#else
	.byte 0x8b, 0x08 /* mov (%eax), %ecx */
	.byte 0xcc
probe_write:
	.byte 0x89, 0x08 /* mov %ecx, (%eax) */
	.byte 0xcc
#endif
probe_end:

	.text
	.global probe_enter, probe_trap_bp, probe_trap_gp, probe_trap_pf
#ifdef __x86_64__
	/* void probe_enter(uintptr_t ip, uintptr_t ax, uintptr_t cx, bool user) */
probe_enter:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, probe_sp
	mov %rsi, %rax
	mov %ecx, %r8d
	mov %rdx, %rcx
	test %r8d, %r8d
	jnz 1f
	jmp *%rdi
1:	push $USER_DS
	push $0
	push $2
	push $USER_CS
	push %rdi
	iretq

probe_trap_bp:
	movq $3, probe_vector
	jmp 2f
probe_trap_gp:
	movq $13, probe_vector
	pop probe_code
	jmp 2f
probe_trap_pf:
	movq $14, probe_vector
	pop probe_code
2:	mov %rcx, probe_cx
	mov $KERNEL_DS, %eax
	mov %eax, %ss
	mov probe_sp, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
#else
probe_enter:
	push %ebx
	push %ebp
	push %esi
	push %edi
	mov %esp, probe_sp
	mov 20(%esp), %edx
	mov 24(%esp), %eax
	mov 28(%esp), %ecx
	cmpl $0, 32(%esp)
	jnz 1f
	jmp *%edx
1:	mov $USER_DS, %ebx
	mov %ebx, %ds
	mov %ebx, %es
	push %ebx
	push $0
	push $2
	push $USER_CS
	push %edx
	iret

probe_trap_bp:
	movl $3, probe_vector
	jmp 2f
probe_trap_gp:
	movl $13, probe_vector
	pop probe_code
	jmp 2f
probe_trap_pf:
	movl $14, probe_vector
	pop probe_code
2:	mov %ecx, probe_cx
	mov $KERNEL_DS, %eax
	mov %eax, %ds
	mov %eax, %es
	mov probe_sp, %esp
	pop %edi
	pop %esi
	pop %ebp
	pop %ebx
	ret
#endif
