/* SPDX-License-Identifier: MIT */
/*
 * copy.S - copy_caught: one instruction that may fault, and where to go on then
 *
 * The registers count what is done, so at the fault they say how far it came.
 */
	.text
	.global copy_caught
copy_caught:
#ifdef __x86_64__
	mov %rdx, %rcx
1:	rep movsb
2:	mov %rcx, %rax
	ret
#else
	push %esi
	push %edi
	mov 12(%esp), %edi
	mov 16(%esp), %esi
	mov 20(%esp), %ecx
1:	rep movsb
2:	mov %ecx, %eax
	pop %edi
	pop %esi
	ret
#endif

	/* Pairs: an instruction, where to go on (trap.c). */
	.section .fixups, "a"
#ifdef __x86_64__
	.quad 1b, 2b
#else
	.long 1b, 2b
#endif
