/* SPDX-License-Identifier: MIT */
/*
 * vectors.S - exceptions: save all registers, call trap_handle, go back
 *
 * Each of the 32 vectors has a stub of its own, because the processor does not say which one
 * it took, and pushes an error code with some of them only. What lies on the stack
 * then is struct trap_frame (trap.h).
 *
 * Source: Intel SDM vol. 3, 6.13 and 6.14
 */
#include "place.h"

	.text

/* The vectors that come with an error code: 8, 10 to 14, 17, 21. */
#define WITH_CODE(n) (((0x00227d00 >> (n)) & 1))

	.altmacro
	.macro stub n
	.balign 16
	.if WITH_CODE(\n) == 0
	push $0
	.endif
	push $\n
	jmp trap_common
	.endm

	.balign 16
	.global trap_stubs
trap_stubs:
	.set i, 0
	.rept 32
	stub %i
	.set i, i + 1
	.endr

#ifdef __x86_64__
trap_common:
	cld
	push %rax
	push %rcx
	push %rdx
	push %rbx
	push %rbp
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, %rdi
	call trap_handle /* the processor aligned the stack to 16, and 22 words are on it */
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rbp
	pop %rbx
	pop %rdx
	pop %rcx
	pop %rax
	add $16, %rsp
	iretq

	/* void trap_load_segments(void): after lgdt */
	.global trap_load_segments
trap_load_segments:
	mov $KERNEL_DS, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	pop %rax
	push $KERNEL_CS
	push %rax
	lretq
#else
trap_common:
	cld
	pusha
	mov %esp, %eax
	mov %esp, %ebp /* callee-saved; its own value is in the frame */
	and $-16, %esp
	sub $12, %esp
	push %eax
	call trap_handle
	mov %ebp, %esp
	popa
	add $8, %esp
	iret

	.global trap_load_segments
trap_load_segments:
	mov $KERNEL_DS, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	pop %eax
	push $KERNEL_CS
	push %eax
	lret

	/* Where the task of the double fault begins, on a stack of its own. */
	.global trap_double_entry
trap_double_entry:
	call trap_double_fault
	ud2
#endif
