/* SPDX-License-Identifier: MIT */
/*
 * exec_stack.h - what a program finds on its stack
 *
 *   top      a word of zeros
 *            path
 *            environment strings, the last one highest
 *            argument strings
 *            platform, 16 random bytes
 *            auxiliary vector     pairs of a type and a value, ends with type 0
 *            environment          pointers, NULL
 *            arguments            pointers, NULL
 *   start    number of arguments
 */
#ifndef VM_EXEC_STACK_H
#define VM_EXEC_STACK_H

#include <quire/exec.h>

#include "vm/elf_map.h"

/** struct exec_stack - a stack that is being filled, from the top down */
struct exec_stack {
	const struct quire_exec *exec;
	struct quire_mm *mm;
	uint64_t nr_args, nr_env; /* strings */
	uint64_t bytes;           /* of all of them */
	uint64_t at;              /* the lowest byte used so far */
	uint64_t path;            /* address: AT_EXECFN */
	unsigned kernel_word;     /* bytes of the machine's pointers */
	unsigned word;            /* of the program's */
};

/**
 * exec_stack_count - count the strings
 * @exec:  the program
 * @limit: RLIMIT_STACK, bytes
 * @word:  bytes of the machine's pointers
 * @out:   filled in but for mm, word and addresses
 *
 * Return: 0; -QUIRE_E2BIG if pointers and strings are more than a quarter of the limit or 6 MB, and
 *         128 KB, or a string is longer than 128 KB; -QUIRE_ENOENT for an empty path
 */
int exec_stack_count(const struct quire_exec *exec, uint64_t limit, unsigned word,
		     struct exec_stack *out);

/**
 * exec_stack_map - map the stack, and copy the strings
 * @stack:      counted; mm and word are set
 * @top:        its end, page aligned
 * @executable: the program wants to run code there
 *
 * As large as the strings and 128 KB, or as RLIMIT_STACK if that is less. It grows by faults.
 *
 * Return: 0; -QUIRE_EFAULT; what mmap says
 */
int exec_stack_map(struct exec_stack *stack, uint64_t top, bool executable);

/**
 * exec_stack_finish - the vectors
 * @stack:   with strings; at may have been moved down
 * @program: where it is
 * @elf:     its headers
 * @base:    of the interpreter; 0: there is none
 * @start:   its stack is set
 *
 * Return: 0; -QUIRE_EFAULT
 */
int exec_stack_finish(struct exec_stack *stack, const struct elf_image *program,
		      const struct elf *elf, uint64_t base, struct quire_exec_start *start);

#endif
