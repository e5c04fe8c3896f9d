/* SPDX-License-Identifier: MIT */
/*
 * test_exec_start.c - the Linux underneath is the judge of execve: what it starts is where it
 * starts it
 */
#include "exec_linux.h"

#include <quire/report.h>

#include <signal.h>
#include <stddef.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

/*
 * A program that has just been executed by Linux, with a fixed layout, and stands at its first
 * instruction.
 */
struct started {
	pid_t pid;
	int stop; /* the signal that it stopped with: SIGTRAP, or what it is to die of */
	uint64_t pc, sp;
	char maps[16384];
	unsigned char stack[1 << 16]; /* from sp on */
	size_t nr;
};

static bool start_on_linux(const char *path, char *const argv[], struct started *out)
{
	static char *const envp[] = { "HOME=/", "A=b", NULL };
	struct user_regs_struct regs;
	struct iovec local, remote;
	char name[64];
	int status = 0;
	FILE *file;

	out->pid = fork();
	if (!out->pid) {
		personality(ADDR_NO_RANDOMIZE);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execve(path, argv, envp);
		_exit(1);
	}
	waitpid(out->pid, &status, 0);
	out->stop = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
	if (!WIFSTOPPED(status) || ptrace(PTRACE_GETREGS, out->pid, NULL, &regs))
		return false;
#ifdef __x86_64__
	out->pc = regs.rip;
	out->sp = regs.rsp;
#else
	out->pc = (uint32_t)regs.eip;
	out->sp = (uint32_t)regs.esp;
#endif
	snprintf(name, sizeof(name), "/proc/%d/maps", (int)out->pid);
	file = fopen(name, "r");
	if (!file)
		return false;
	out->maps[fread(out->maps, 1, sizeof(out->maps) - 1, file)] = 0;
	fclose(file);
	out->nr = 0;
	for (size_t n = sizeof(out->stack); n > 64 && !out->nr; n -= 8) {
		local = (struct iovec){ out->stack, n };
		remote = (struct iovec){ (void *)(uintptr_t)out->sp, n };
		if (process_vm_readv(out->pid, &local, 1, &remote, 1, 0) == (ssize_t)n)
			out->nr = n;
	}
	return out->nr != 0;
}

static void end_on_linux(struct started *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}

/* Numbers of the vectors: strings by address, auxiliary values by type. */
struct vectors {
	uint64_t argc, argv[8], envp[8], aux[64];
	bool has[64];
};

static uint64_t stack_word(const unsigned char *stack, size_t *at, unsigned word)
{
	uint64_t v = 0;

	for (unsigned i = word; i-- > 0;)
		v = v << 8 | stack[*at + i];
	*at += word;
	return v;
}

static void read_vectors(const unsigned char *stack, size_t n, unsigned word, struct vectors *out)
{
	uint64_t v, type;
	size_t at = 0;

	memset(out, 0, sizeof(*out));
	out->argc = stack_word(stack, &at, word);
	for (unsigned i = 0; i < 8 && (v = stack_word(stack, &at, word)); i++)
		out->argv[i] = v;
	for (unsigned i = 0; i < 8 && (v = stack_word(stack, &at, word)); i++)
		out->envp[i] = v;
	while (at + 2 * word <= n && (type = stack_word(stack, &at, word))) {
		v = stack_word(stack, &at, word);
		if (type < 64)
			out->aux[type] = v, out->has[type] = true;
	}
}

/* The lines of maps without what the kernel gives by itself; of each only what is the program's. */
static void keep_lines(const char *maps, char *out, size_t size)
{
	size_t used = 0;

	out[0] = 0;
	for (const char *line = maps; *line; line = strchr(line, '\n') + 1) {
		unsigned long long start, end, offset;
		char rights[8], path[512] = "", *nl = strchr(line, '\n');

		*nl = 0;
		sscanf(line, "%llx-%llx %7s %llx %*s %*s %511[^\n]", &start, &end, rights, &offset,
		       path);
		*nl = '\n';
		if (strstr(path, "[v"))
			continue;
		used += (size_t)snprintf(out + used, size - used, "%llx-%llx %s %llx %s\n", start,
					 end, rights, offset, path);
	}
}

static void text_write(void *ctx, const char *text, size_t n)
{
	strncat(ctx, text, n);
}

static struct contents real[2]; /* program, interpreter */

static bool read_real(struct contents *c, const char *path)
{
	FILE *file = fopen(path, "rb");
	unsigned char *bytes = NULL;
	long n;

	if (!file)
		return false;
	fseek(file, 0, SEEK_END);
	n = ftell(file);
	rewind(file);
	bytes = malloc((size_t)n);
	if (!bytes || fread(bytes, 1, (size_t)n, file) != (size_t)n)
		abort();
	fclose(file);
	*c = (struct contents){ rig.q, bytes, (size_t)n };
	return true;
}

static int open_real(void *ctx, const char *path, struct quire_file **out)
{
	char resolved[4096];

	(void)ctx;
	if (!realpath(path, resolved) || !read_real(&real[1], resolved))
		return -QUIRE_ENOENT;
	*out = exec_file(&real[1], resolved);
	return *out ? 0 : -QUIRE_ENOMEM;
}

static struct quire_sink maps_sink(char *text)
{
	text[0] = 0;
	return (struct quire_sink){ text_write, text };
}

static void compare_vectors(const struct vectors *a, const struct vectors *b)
{
	/* PHDR PHENT PHNUM PAGESZ BASE FLAGS ENTRY PLATFORM CLKTCK SECURE RANDOM EXECFN */
	static const unsigned types[] = { 3, 4, 5, 6, 7, 8, 9, 15, 17, 23, 25, 31 };

	CHECK_EQ(b->argc, a->argc);
	for (unsigned i = 0; i < 8; i++) {
		CHECK_EQ(b->argv[i], a->argv[i]);
		CHECK_EQ(b->envp[i], a->envp[i]);
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		CHECK(b->has[types[i]] && a->has[types[i]]);
		if (b->aux[types[i]] != a->aux[types[i]])
			printf("AT %u\n", types[i]);
		CHECK_EQ(b->aux[types[i]], a->aux[types[i]]);
	}
	CHECK(b->has[11] && b->has[12] && b->has[13] && b->has[14] && b->has[16] && b->has[26]);
	CHECK(b->has[51] && !b->has[33]);
}

/* The same program, started by both: areas, vectors, entry. */
static void compare(const char *path)
{
	char *argv[] = { "prog", "one", "", NULL };
	static const char *const quire_argv[] = { "prog", "one", "", NULL };
	static struct started linux_has;
	static unsigned char stack[1 << 16];
	static char maps[16384], ours[16384], theirs[16384];
	struct quire_exec exec = { .path = path, .argv = quire_argv, .open = open_real };
	struct quire_exec_start start;
	struct vectors a, b;
	struct quire_mm *mm;
	size_t n = 0;

	if (!start_on_linux(path, argv, &linux_has) || !read_real(&real[0], path)) {
		CHECK(!"Linux starts it");
		return;
	}
	exec.file = exec_file(&real[0], path);
	CHECK_EQ(exec_run(&rig, exec, &mm, &start), 0);
	if (mm) {
		const struct quire_sink sink = maps_sink(maps);
		uint64_t top = start.compat ? 0xffffe000u : 0x7ffffffff000u;

		CHECK_EQ(quire_report_mm(mm, "maps", false, &sink), 0);
		keep_lines(maps, ours, sizeof(ours));
		keep_lines(linux_has.maps, theirs, sizeof(theirs));
		CHECK_STR(ours, theirs);
		CHECK_EQ(start.entry.v, linux_has.pc);
		CHECK_EQ(start.stack.v % 16, 0);
		n = (size_t)(top - start.stack.v);
		CHECK_EQ(quire_copy_from_user(mm, stack, start.stack, n), 0);
		read_vectors(stack, n, start.compat ? 4 : 8, &b);
		read_vectors(linux_has.stack, linux_has.nr, start.compat ? 4 : 8, &a);
		compare_vectors(&a, &b);
		/* From the platform's name up there are only strings, the same ones. */
		size_t same = (size_t)(top - a.aux[15]);

		CHECK(same < n && same < linux_has.nr);
		CHECK(!memcmp(stack + n - same, linux_has.stack + linux_has.nr - same, same));
		CHECK_EQ(quire_mm_destroy(mm), 0);
		rig_sound(&rig);
	}
	end_on_linux(&linux_has);
	quire_file_put(exec.file);
	free((void *)(uintptr_t)real[0].bytes);
	free((void *)(uintptr_t)real[1].bytes);
	memset(real, 0, sizeof(real));
}

TEST(real_programs)
{
	char self[4096] = "";

	if (!begin())
		return;
	if (!linux_runs(true))
		SKIP("this is no x86-64");
	/* Who is traced by a program of 32 bits has 32, too. */
	if (sizeof(long) == 8)
		compare("/usr/bin/true");
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0)
		compare(self);
	for (int wide = 0; wide <= (sizeof(long) == 8); wide++) {
		for (unsigned type = 2; type < 4 && linux_runs(wide); type++) {
			struct image image;

			image_begin(&image, wide, type);
			stack_exec(&image);
			bss_near(&image);
			image_finish(&image);
			if (!write_file(program_path, image.bytes, image.length))
				abort();
			compare(program_path);
		}
	}
}

/* ---- Segments that are far apart, and what lies between them --------------------------- */

/* What stands in a file besides the usual segment. */
static const struct {
	const char *what;
	bool first;
	uint64_t empty; /* address of a segment of nothing; 1: none */
} empties[] = {
	{ "no empty segment", false, 1 },
	{ "empty, at 0, first", true, 0 },
	{ "empty, at 0, last", false, 0 },
	{ "empty, one page below, first", true, 0x2ff000 },
	{ "empty, one page below, last", false, 0x2ff000 },
	{ "empty, amid a page, first", true, 0x123 },
};

static void add_empty(struct image *image, size_t i)
{
	if (empties[i].empty != 1)
		image_part(image, PT_LOAD, empties[i].first)->vaddr = empties[i].empty;
}

static void add_far(struct image *image, uint64_t vaddr)
{
	struct part *p = more(image, vaddr);

	p->filesz = p->memsz = 100;
}

static void write_program(const struct image *image)
{
	if (!write_file(program_path, image->bytes, image->length))
		abort();
}

/* An interpreter on both sides of the program, which lies at 0x400000. */
static void judge_around(bool wide, bool far, size_t i)
{
	static struct image image;
	struct part *p;

	image_begin(&interpreter, wide, 2);
	interpreter.part[0].vaddr = 0x300000;
	interpreter.entry = 0x300000 + IMAGE_CODE;
	if (far)
		add_far(&interpreter, 0x800000);
	add_empty(&interpreter, i);
	image_finish(&interpreter);
	if (!write_file(interpreter_path, interpreter.bytes, interpreter.length))
		abort();
	image_begin(&image, wide, 2);
	p = image_part(&image, PT_INTERP, true);
	p->offset = image_data(&image, interpreter_path, strlen(interpreter_path) + 1);
	p->filesz = p->memsz = strlen(interpreter_path) + 1;
	stack_exec(&image);
	image_finish(&image);
	write_program(&image);
	compare(program_path);
}

/* A program with a segment in its stack. */
static void judge_stack(bool wide, size_t i)
{
	static struct image image;

	image_begin(&image, wide, 2);
	add_far(&image, wide ? 0x7fffffff0000 : 0xfffe0000);
	add_empty(&image, i);
	stack_exec(&image);
	image_finish(&image);
	write_program(&image);
	compare(program_path);
}

/* Linux looks for room only where the first segment of a program goes. */
TEST(between_segments)
{
	char *argv[] = { "prog", NULL };
	static struct started dead;
	static struct image image;

	if (!begin())
		return;
	for (int wide = 0; wide < 2; wide++) {
		if (!linux_runs(wide))
			continue;
		for (size_t i = 0; i < sizeof(empties) / sizeof(empties[0]); i++) {
			judge_around(wide, false, i);
			judge_around(wide, true, i);
			judge_stack(wide, i);
		}
		/* The first one in the stack: Linux kills what it has begun. */
		image_begin(&image, wide, 2);
		image.part[0].vaddr = wide ? 0x7fffffff0000 : 0xfffe0000;
		image.entry = image.part[0].vaddr + IMAGE_CODE;
		image_finish(&image);
		write_program(&image);
		CHECK(!start_on_linux(program_path, argv, &dead) || dead.stop != SIGTRAP);
		CHECK_EQ(run_on_quire(&image), -QUIRE_EEXIST);
	}
}

TEST(end)
{
	finish();
}

TEST_MAIN(CASE(real_programs), CASE(between_segments), CASE(end))
