/* SPDX-License-Identifier: MIT */
/*
 * exec.c - execve: a program's image into a new address space
 *
 *   arguments counted     E2BIG
 *   program's headers     ENOEXEC
 *   interpreter           its own errors, ELIBBAD
 *   address space         from here on Linux would end the process: it has given up the old one
 *   stack, program, heap, interpreter, vectors
 *
 * Randomized, the stack, the program and the heap each move by a number of their own; a program
 * that can be anywhere and names no interpreter goes where mmap finds room, and its heap where
 * other programs are, for there is room to grow.
 *
 * Source: execve(2), elf(5), System V ABI, Linux's Documentation/admin-guide/sysctl/kernel.rst
 *         (randomize_va_space)
 */
#include <quire/exec.h>
#include <quire/slab.h>

#include "vm/elf_map.h"
#include "vm/exec_stack.h"

/*
 * The highest address below which stacks lie with four levels: five have more, for those who ask.
 */
#define STACK_TOP_64 0x7ffffffff000u

/* Where programs go that can be anywhere: two thirds up; 4 MB; a third and 16 MB up. */
#define BASE_64 0x555555554000u
#define BASE_32 0x400000u
#define BASE_COMPAT 0x56555000u

/** struct loading - an execve on its way */
struct loading {
	struct quire *q;
	const struct quire_exec *exec;
	struct quire_mm_config config;
	struct quire_file *library;  /* the interpreter; NULL: none */
	struct elf elf, interpreter; /* headers NULL: not open */
	struct elf_image image, interpreter_image;
	struct exec_stack stack;
	struct quire_mm *mm;
	uint64_t draws; /* random numbers had */
};

/*
 * The next number of the process's own row, below @range, a power of two; 0 if it is not
 * randomized.
 */
static uint64_t draw(struct loading *l, uint64_t range)
{
	uint64_t z = l->config.seed + 0x9e3779b97f4a7c15u * ++l->draws;

	if (!l->config.randomize)
		return 0;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (z ^ z >> 31) & (range - 1);
}

static bool is_wide_machine(const struct quire *q)
{
	return quire_config(q)->machine >= QUIRE_X86_64;
}

/* The program's headers, by the kind of program that they say. */
static int open_program(struct loading *l)
{
	bool wide = is_wide_machine(l->q);
	int error;

	if (quire_file_mode(l->exec->file) & QUIRE_FILE_NOEXEC)
		return -QUIRE_EACCES;
	error = elf_open(l->q, l->exec->file, wide, &l->elf);
	if (error != -QUIRE_ENOEXEC || !wide)
		return error;
	return elf_open(l->q, l->exec->file, false, &l->elf);
}

static int open_interpreter(struct loading *l)
{
	struct quire_inode_info info;
	char *path = NULL;
	int error = elf_interpreter(&l->elf, &path);

	if (error || !path)
		return error;
	error = l->exec->open ? l->exec->open(l->exec->ctx, path, &l->library) : -QUIRE_ENOENT;
	quire_kfree(l->q, path);
	if (error) {
		l->library = NULL;
		return error;
	}
	quire_inode_info(quire_file_inode(l->library), &info);
	if (quire_file_mode(l->library) & QUIRE_FILE_NOEXEC)
		return -QUIRE_EACCES;
	if (info.bytes < elf_header_bytes(l->elf.wide))
		return -QUIRE_EIO;
	error = elf_open(l->q, l->library, l->elf.wide, &l->interpreter);
	l->interpreter.interpreter = true;
	return error == -QUIRE_ENOEXEC ? -QUIRE_ELIBBAD : error;
}

static int map_stack(struct loading *l)
{
	uint64_t top = l->mm->layout.task_size.v;
	struct elf_segment s;

	top = top < STACK_TOP_64 ? top : STACK_TOP_64;
	l->stack.mm = l->mm;
	l->stack.word = l->elf.wide ? 8 : 4;
	top -= draw(l, l->elf.wide ? 0x400000 : 0x800) << QUIRE_PAGE_SHIFT;
	/* Programs of 32 bits that say nothing about it expect a stack with code. */
	return exec_stack_map(&l->stack, top,
			      elf_find(&l->elf, ELF_GNU_STACK, &s) ? s.flags & ELF_EXEC
								   : !l->elf.wide);
}

static int map_program(struct loading *l)
{
	struct quire_mm_layout *layout = &l->mm->layout;
	uint64_t base = l->elf.wide ? BASE_64 : l->config.compat ? BASE_COMPAT : BASE_32, heap;
	uint64_t moved = draw(l, l->elf.wide ? 1 << 28 : 1 << 8) << QUIRE_PAGE_SHIFT;
	bool alone = l->elf.position && !l->library;
	int error = elf_map(l->mm, &l->elf, l->library ? base + moved : 0, &l->image);

	if (error)
		return error;
	layout->start_code.v = l->image.start_code;
	layout->end_code.v = l->image.end_code;
	layout->start_data.v = l->image.start_data;
	layout->end_data.v = l->image.end_data;
	heap = (l->image.end + QUIRE_PAGE_SIZE - 1) & ~(uint64_t)(QUIRE_PAGE_SIZE - 1);
	heap = alone ? base : heap;
	heap += draw(l, l->elf.wide ? 1 << 18 : 1 << 13) << QUIRE_PAGE_SHIFT;
	return quire_mm_set_brk(l->mm, (quire_virt_t){ heap });
}

static int map_interpreter(struct loading *l, struct quire_exec_start *start)
{
	uint64_t limit = l->mm->layout.task_size.v;
	int error = 0;

	start->entry.v = l->image.entry;
	if (l->library) {
		error = elf_map(l->mm, &l->interpreter, 0, &l->interpreter_image);
		start->entry.v = l->interpreter_image.entry;
	}
	return !error && start->entry.v >= limit ? -QUIRE_EINVAL : error;
}

static int load(struct loading *l, struct quire_exec_start *start)
{
	int error = map_stack(l);

	if (!error)
		error = map_program(l);
	if (!error)
		error = map_interpreter(l, start);
	if (error)
		return error;
	/* Up to two pages of distance to the strings. */
	l->stack.at -= 16 * draw(l, 512);
	start->compat = l->config.compat;
	return exec_stack_finish(&l->stack, &l->image, &l->elf, l->interpreter_image.bias, start);
}

int quire_exec(struct quire *q, const struct quire_mm_config *config, const struct quire_exec *exec,
	       struct quire_mm **out, struct quire_exec_start *start)
{
	struct loading l = { .q = q, .exec = exec };
	int error;

	if (config)
		l.config = *config;
	else
		quire_mm_config_init(&l.config);
	error = exec_stack_count(exec, l.config.rlimit[QUIRE_RLIMIT_STACK],
				 is_wide_machine(q) ? 8 : 4, &l.stack);
	if (!error)
		error = open_program(&l);
	if (!error)
		error = open_interpreter(&l);
	l.config.compat = is_wide_machine(q) && !l.elf.wide;
	if (!error)
		error = quire_mm_create(q, &l.config, &l.mm);
	if (!error)
		error = load(&l, start);
	if (error)
		quire_mm_destroy(l.mm);
	else
		*out = l.mm;
	elf_close(&l.elf);
	elf_close(&l.interpreter);
	quire_file_put(l.library);
	return error;
}
