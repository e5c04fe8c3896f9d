/* SPDX-License-Identifier: MIT */
/*
 * exec_stack.c - what a program finds on its stack
 *
 * Strings are copied before anything else, as high as they can be; the vectors come last, when it
 * is known where everything is.
 *
 * Source: System V ABI, x86-64 and i386 supplements (initial process stack); getauxval(3);
 *         execve(2)
 */
#include "vm/exec_stack.h"

#define PAGE_MASK ((uint64_t)QUIRE_PAGE_SIZE - 1)

/*
 * Linux's numbers: MAX_ARG_STRLEN, ARG_MAX, three quarters of _STK_LIM, what a stack begins with.
 */
#define STRING_MAX (32 * (uint64_t)QUIRE_PAGE_SIZE)
#define ARGS_MIN (128 << 10)
#define ARGS_MAX (6 << 20)
#define GROWN (128 << 10)

/* The stack's own alignment at a program's first instruction. */
#define STACK_ALIGN 16

/*
 * Bytes that a signal handler needs, without a processor's extended state; ticks of times(2) a
 * second.
 */
#define MINSIGSTKSZ 2048
#define CLOCKS_PER_SEC 100

enum auxv {
	AT_NULL,
	AT_PHDR = 3,
	AT_PHENT = 4,
	AT_PHNUM = 5,
	AT_PAGESZ = 6,
	AT_BASE = 7,
	AT_FLAGS = 8,
	AT_ENTRY = 9,
	AT_UID = 11,
	AT_EUID = 12,
	AT_GID = 13,
	AT_EGID = 14,
	AT_PLATFORM = 15,
	AT_HWCAP = 16,
	AT_CLKTCK = 17,
	AT_SECURE = 23,
	AT_RANDOM = 25,
	AT_HWCAP2 = 26,
	AT_EXECFN = 31,
	AT_MINSIGSTKSZ = 51,
};

/* A program without arguments gets one, of no length: many take argv[0] for granted. */
static const char *const no_args[] = { "", NULL };
static const char *const no_env[] = { NULL };

static uint64_t length(const char *text)
{
	uint64_t n = 0;

	while (text[n])
		n++;
	return n;
}

static const char *const *args_of(const struct quire_exec *exec)
{
	return exec->argv && exec->argv[0] ? exec->argv : no_args;
}

static const char *const *env_of(const struct quire_exec *exec)
{
	return exec->envp ? exec->envp : no_env;
}

/* Count strings and add up their bytes. Return: false if one is too long */
static bool count(const char *const *strings, uint64_t *nr, uint64_t *bytes)
{
	for (*nr = 0; strings[*nr]; (*nr)++) {
		uint64_t n = length(strings[*nr]) + 1;

		if (n > STRING_MAX)
			return false;
		*bytes += n;
	}
	return true;
}

int exec_stack_count(const struct quire_exec *exec, uint64_t limit, unsigned word,
		     struct exec_stack *out)
{
	uint64_t room = limit / 4 < ARGS_MAX ? limit / 4 : ARGS_MAX;

	*out = (struct exec_stack){ .exec = exec, .kernel_word = word };
	out->bytes = length(exec->path) + 1;
	if (out->bytes == 1)
		return -QUIRE_ENOENT;
	if (!count(args_of(exec), &out->nr_args, &out->bytes) ||
	    !count(env_of(exec), &out->nr_env, &out->bytes))
		return -QUIRE_E2BIG;
	room = room > ARGS_MIN ? room : ARGS_MIN;
	return out->bytes + (out->nr_args + out->nr_env) * word > room ? -QUIRE_E2BIG : 0;
}

static int map_area(const struct exec_stack *stack, uint64_t top, bool executable)
{
	uint64_t limit = stack->mm->config.rlimit[QUIRE_RLIMIT_STACK] & ~PAGE_MASK;
	uint64_t used = (stack->bytes + stack->kernel_word + PAGE_MASK) & ~PAGE_MASK;
	uint64_t size = used + GROWN < limit ? used + GROWN : limit;
	quire_virt_t found;

	size = size < used ? used : size;
	const struct quire_mmap args = {
		.address = { top - size },
		.bytes = size,
		.prot = QUIRE_PROT_READ | QUIRE_PROT_WRITE | (executable ? QUIRE_PROT_EXEC : 0),
		.flags = QUIRE_MAP_PRIVATE | QUIRE_MAP_ANONYMOUS | QUIRE_MAP_FIXED |
			 QUIRE_MAP_GROWSDOWN,
	};
	return quire_mmap(stack->mm, &args, &found);
}

/* Put bytes below what is there. Return: false if the page can't be had */
static bool put(struct exec_stack *stack, const void *from, uint64_t n)
{
	stack->at -= n;
	return !quire_copy_to_user(stack->mm, (quire_virt_t){ stack->at }, from, (size_t)n);
}

static bool put_text(struct exec_stack *stack, const char *text)
{
	return put(stack, text, length(text) + 1);
}

/* The last one highest. */
static bool put_strings(struct exec_stack *stack, const char *const *strings)
{
	size_t nr = 0;

	while (strings[nr])
		nr++;
	while (nr-- > 0) {
		if (!put_text(stack, strings[nr]))
			return false;
	}
	return true;
}

int exec_stack_map(struct exec_stack *stack, uint64_t top, bool executable)
{
	struct quire_mm_layout *layout = &stack->mm->layout;
	int error = map_area(stack, top, executable);

	if (error)
		return error;
	stack->at = top - stack->kernel_word;
	if (!put_text(stack, stack->exec->path))
		return -QUIRE_EFAULT;
	stack->path = layout->env_end.v = stack->at;
	if (!put_strings(stack, env_of(stack->exec)))
		return -QUIRE_EFAULT;
	layout->arg_end.v = layout->env_start.v = stack->at;
	if (!put_strings(stack, args_of(stack->exec)))
		return -QUIRE_EFAULT;
	layout->arg_start.v = layout->start_stack.v = stack->at;
	return 0;
}

/* ---- Vectors --------------------------------------------------------------------- */

/** struct vector - words that are written upwards */
struct vector {
	struct quire_mm *mm;
	uint64_t at;
	unsigned word;
	bool failed;
};

static void add(struct vector *v, uint64_t value)
{
	unsigned char bytes[8];

	for (unsigned i = 0; i < v->word; i++)
		bytes[i] = (unsigned char)(value >> 8 * i);
	if (quire_copy_to_user(v->mm, (quire_virt_t){ v->at }, bytes, v->word))
		v->failed = true;
	v->at += v->word;
}

/* Pointers to strings that lie one after the other. */
static void add_strings(struct vector *v, const char *const *strings, uint64_t at)
{
	for (; *strings; strings++) {
		add(v, at);
		at += length(*strings) + 1;
	}
	add(v, 0);
}

/** struct pair - an entry of the auxiliary vector */
struct pair {
	uint64_t type, value;
};

int exec_stack_finish(struct exec_stack *stack, const struct elf_image *program,
		      const struct elf *elf, uint64_t base, struct quire_exec_start *start)
{
	const struct quire_exec *exec = stack->exec;
	const char *platform = exec->platform ? exec->platform : elf->wide ? "x86_64" : "i686";
	struct quire_mm_layout *layout = &stack->mm->layout;
	struct vector v = { .mm = stack->mm, .word = stack->word };
	uint64_t at_platform, words;

	stack->at &= ~(uint64_t)(STACK_ALIGN - 1);
	v.failed = !put_text(stack, platform);
	at_platform = stack->at;
	v.failed |= !put(stack, exec->random, sizeof(exec->random));
	const struct pair pairs[] = {
		{ AT_MINSIGSTKSZ, MINSIGSTKSZ },
		{ AT_HWCAP, exec->hwcap },
		{ AT_PAGESZ, QUIRE_PAGE_SIZE },
		{ AT_CLKTCK, CLOCKS_PER_SEC },
		{ AT_PHDR, program->headers },
		{ AT_PHENT, elf_segment_bytes(elf->wide) },
		{ AT_PHNUM, elf->nr },
		{ AT_BASE, base },
		{ AT_FLAGS, 0 },
		{ AT_ENTRY, program->entry },
		{ AT_UID, exec->uid },
		{ AT_EUID, exec->euid },
		{ AT_GID, exec->gid },
		{ AT_EGID, exec->egid },
		{ AT_SECURE, exec->secure },
		{ AT_RANDOM, stack->at },
		{ AT_HWCAP2, exec->hwcap2 },
		{ AT_EXECFN, stack->path },
		{ AT_PLATFORM, at_platform },
		{ AT_NULL, 0 },
	};
	const size_t nr = sizeof(pairs) / sizeof(pairs[0]);

	words = 1 + stack->nr_args + 1 + stack->nr_env + 1 + 2 * nr;
	v.at = (stack->at - words * stack->word) & ~(uint64_t)(STACK_ALIGN - 1);
	start->stack.v = layout->start_stack.v = v.at;
	add(&v, stack->nr_args);
	add_strings(&v, args_of(exec), layout->arg_start.v);
	add_strings(&v, env_of(exec), layout->env_start.v);
	for (size_t i = 0; i < nr; i++) {
		add(&v, pairs[i].type);
		add(&v, pairs[i].value);
	}
	return v.failed ? -QUIRE_EFAULT : 0;
}
