/* SPDX-License-Identifier: MIT */
/*
 * test_exec_linux.c - the Linux underneath is the judge of execve: damaged programs end in its
 * errors, and what it starts is where it starts it
 *
 * Each image is written to a file and executed by Linux in a child, and by Quire with the same
 * bytes. Linux kills a program whose fault it finds after it has given up the old address space;
 * then Quire has any error, or starts what dies at once.
 */
#include "exec.h"

#include <quire/report.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/quire-exec-XXXXXX";
static char program_path[64], interpreter_path[64];
static struct image interpreter; /* that program_path may name */
static struct rig rig;           /* x86-64 */

/* What became of an execve: 0: it ran; an errno; a signal as a negative number. */
static int run_on_linux(const char *path, char *const argv[])
{
	static char *const envp[] = { "HOME=/", "A=b", NULL };
	int pipe_of[2], error = 0, status = 0;
	pid_t child;

	if (pipe2(pipe_of, O_CLOEXEC))
		abort();
	child = fork();
	if (!child) {
		execve(path, argv, envp);
		error = errno;
		if (write(pipe_of[1], &error, sizeof(error)) != sizeof(error))
			_exit(3);
		_exit(2);
	}
	close(pipe_of[1]);
	if (read(pipe_of[0], &error, sizeof(error)) != sizeof(error))
		error = 0;
	close(pipe_of[0]);
	waitpid(child, &status, 0);
	if (error)
		return error;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : 0;
}

static bool write_file(const char *path, const unsigned char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	bool good = fd >= 0 && write(fd, bytes, n) == (ssize_t)n;

	if (fd >= 0)
		close(fd);
	return good;
}

static struct contents interpreter_contents;

static int open_interpreter(void *ctx, const char *path, struct quire_file **out)
{
	(void)ctx;
	if (strcmp(path, interpreter_path) != 0)
		return -QUIRE_ENOENT;
	*out = exec_file(&interpreter_contents, path);
	return *out ? 0 : -QUIRE_ENOMEM;
}

static int run_on_quire(const struct image *image)
{
	struct contents contents = { rig.q, image->bytes, image->length };
	struct quire_exec exec = { .file = exec_file(&contents, "prog"), .open = open_interpreter };
	struct quire_exec_start start;
	struct quire_mm *mm;
	int error;

	if (!exec.file)
		abort();
	interpreter_contents = (struct contents){ rig.q, interpreter.bytes, interpreter.length };
	error = exec_run(&rig, exec, &mm, &start);
	if (!error)
		CHECK_EQ(quire_mm_destroy(mm), 0);
	quire_file_put(exec.file);
	return error;
}

/* Both say the same of an image. */
static void judge(const char *what, const struct image *image)
{
	char *argv[] = { "prog", "one", "", NULL };

	if (!write_file(program_path, image->bytes, image->length))
		abort();
	int linux_says = run_on_linux(program_path, argv), quire_says = run_on_quire(image);
	bool same = linux_says > 0	? quire_says == -linux_says
		    : linux_says == 0	? quire_says == 0
					: true;

	if (same)
		return;
	printf("%s (%d bits): Linux says %d, Quire %d\n", what, image->wide ? 64 : 32, linux_says,
	       quire_says);
	CHECK(!"the same");
}

static bool linux_runs(bool wide)
{
	char *argv[] = { "prog", NULL };
	struct image image;

	image_begin(&image, wide, 2);
	image_finish(&image);
	return write_file(program_path, image.bytes, image.length) &&
	       run_on_linux(program_path, argv) == 0;
}

static bool begin(void)
{
	if (!strchr(folder, 'X'))
		return true;
	if (!mkdtemp(folder) || !exec_start(&rig, QUIRE_X86_64, MB(64)))
		return false;
	/* Who is root may map the first page. */
	snprintf(program_path, sizeof(program_path), "%s/prog", folder);
	snprintf(interpreter_path, sizeof(interpreter_path), "%s/interp", folder);
	return true;
}

/* A change of some bytes of the usual program. */
struct patch {
	const char *what;
	size_t wide, narrow; /* where */
	unsigned bytes;      /* 0: a word */
	uint64_t value;
};

static const struct patch patches[] = {
	{ "nothing", 0, 0, 1, 0x7f },
	{ "magic", 0, 0, 1, 0 },
	{ "class 0", 4, 4, 1, 0 },
	{ "class 1", 4, 4, 1, 1 },
	{ "class 2", 4, 4, 1, 2 },
	{ "big-endian", 5, 5, 1, 2 },
	{ "version 9", 6, 6, 1, 9 },
	{ "osabi 99", 7, 7, 1, 99 },
	{ "type 0", 16, 16, 2, 0 },
	{ "type 1", 16, 16, 2, 1 },
	{ "type 4", 16, 16, 2, 4 },
	{ "type 0xfe00", 16, 16, 2, 0xfe00 },
	{ "machine 0", 18, 18, 2, 0 },
	{ "machine 3", 18, 18, 2, 3 },
	{ "machine 6", 18, 18, 2, 6 },
	{ "machine 40", 18, 18, 2, 40 },
	{ "machine 62", 18, 18, 2, 62 },
	{ "version 0", 20, 20, 4, 0 },
	{ "entry 0", 24, 24, 0, 0 },
	{ "entry beyond", 24, 24, 0, ~0ull },
	{ "headers beyond", 32, 28, 0, 0x10000 },
	{ "headers at the end of all", 32, 28, 0, ~7ull },
	{ "headers, negative", 32, 28, 0, 1ull << 63 | 1u << 31 },
	{ "size of headers", 54, 42, 2, 57 },
	{ "no size of headers", 54, 42, 2, 0 },
	{ "size of this header", 52, 40, 2, 0 },
	{ "no headers", 56, 44, 2, 0 },
	{ "too many headers", 56, 44, 2, 65535 },
};

TEST(headers)
{
	if (!begin())
		return;
	for (int wide = 0; wide < 2; wide++) {
		if (!linux_runs(wide))
			continue;
		for (size_t i = 0; i < sizeof(patches) / sizeof(patches[0]); i++) {
			const struct patch *p = &patches[i];
			struct image image;

			image_begin(&image, wide, 2);
			image_finish(&image);
			image_word(&image, image_at(&image, p->wide, p->narrow),
				   p->bytes ? p->bytes : wide ? 8 : 4, p->value);
			judge(p->what, &image);
		}
	}
}

TEST(short_files)
{
	static const size_t lengths[] = { 0, 1, 4, 16, 51, 52, 63, 64, 80, 100, 120, 0x1000 };

	if (!begin())
		return;
	for (int wide = 0; wide < 2; wide++) {
		if (!linux_runs(wide))
			continue;
		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			struct image image;

			image_begin(&image, wide, 2);
			image_finish(&image);
			image.length = lengths[i];
			judge("short", &image);
		}
	}
}

/* As many program headers as are wanted, behind the code. */
TEST(many_headers)
{
	static const unsigned numbers[] = { 2, 73, 74, 128, 1170, 1171, 2048, 2049 };

	if (!begin())
		return;
	for (int wide = 0; wide < 2; wide++) {
		unsigned size = wide ? 56 : 32;

		if (!linux_runs(wide))
			continue;
		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
			static struct image image;

			image_begin(&image, wide, 2);
			image_finish(&image);
			if (image.length + numbers[i] * size > IMAGE_MAX)
				continue;
			memcpy(image.bytes + image.length, image.bytes + (wide ? 64 : 52), size);
			image_word(&image, image_at(&image, 32, 28), wide ? 8 : 4, image.length);
			image_word(&image, image_at(&image, 56, 44), 2, numbers[i]);
			image.length += numbers[i] * size;
			judge("many headers", &image);
		}
	}
}

/* ---- Segments ------------------------------------------------------------------------ */

/* What is done to the usual program before it is finished. */
/* clang-format off */
static void no_load(struct image *i) { i->part[0].what = PT_PHDR; }
static void shorter(struct image *i) { i->part[0].memsz = 10; }
static void endless(struct image *i) { i->part[0].memsz = i->wide ? ~0ull : 0xffffffff; }
static void large(struct image *i) { i->part[0].memsz = i->wide ? 1ull << 46 : 1u << 24; }
static void vaddr_high(struct image *i) { i->part[0].vaddr = i->wide ? ~0xfffull : 0xfffff000; }
static void vaddr_kernel(struct image *i) { i->part[0].vaddr = i->wide ? 1ull << 63 : 0xffffe000; }
static void misaligned(struct image *i) { i->part[0].offset = 1; }
static void align_0(struct image *i) { i->part[0].align = 0; }
static void align_3(struct image *i) { i->part[0].align = 3; }
static void align_2m(struct image *i) { i->part[0].align = 0x200000; }
static void align_63(struct image *i) { i->part[0].align = i->wide ? 1ull << 63 : 1u << 31; }
static void file_beyond(struct image *i) { i->part[0].filesz = i->part[0].memsz = 0x100000; }
static void bss_in_text(struct image *i) { i->part[0].memsz = 0x4000; }
static void bss_writable(struct image *i) { i->part[0].memsz = 0x4000, i->part[0].flags = 7; }

/* clang-format on */

static void shifted(struct image *i)
{
	i->part[0].offset += 0x10;
	i->part[0].vaddr += 0x10;
	i->part[0].filesz -= 0x10;
	i->part[0].memsz -= 0x10;
}

static struct part *more(struct image *i, uint64_t vaddr)
{
	struct part *p = image_part(i, PT_LOAD, false);

	p->vaddr = vaddr;
	return p;
}

static void offset_beyond(struct image *i)
{
	struct part *p = more(i, 0x600000);

	p->offset = 0x100000;
	p->filesz = p->memsz = 0x1000;
}

static void offset_negative(struct image *i)
{
	struct part *p = more(i, 0x600000);

	p->offset = 1ull << 63;
	p->filesz = p->memsz = 0x1000;
}

static void only_bss(struct image *i)
{
	more(i, 0x600000)->memsz = 0x2345;
}

static void nothing(struct image *i)
{
	more(i, 0x600000);
}

static void bss_no_rights(struct image *i)
{
	struct part *p = more(i, 0x600000);

	p->filesz = 100;
	p->memsz = 200;
	p->flags = 0;
}

static void bss_of_data(struct image *i)
{
	struct part *p = more(i, 0x600123);

	p->offset = 0x123;
	p->filesz = 100;
	p->memsz = 0x5000;
}

/* Linux puts images of 2 MB and more at a multiple of that: no matter of the file's. */
static void bss_near(struct image *i)
{
	bss_of_data(i);
	i->part[i->nr - 1].vaddr = i->part[0].vaddr + 0x5123;
}

static void twice(struct image *i)
{
	struct part *p = more(i, i->part[0].vaddr);

	p->flags = 5;
	p->filesz = p->memsz = 0x1000;
}

static void downwards(struct image *i)
{
	struct part *p = image_part(i, PT_LOAD, true);

	p->vaddr = 0x800000;
	p->filesz = p->memsz = 100;
}

static void far_apart(struct image *i)
{
	struct part *p = more(i, i->wide ? 0x700000000000 : 0xf0000000);

	p->filesz = p->memsz = 100;
}

static void stack_exec(struct image *i)
{
	image_part(i, PT_GNU_STACK, false)->flags = 7;
}

static void stack_plain(struct image *i)
{
	image_part(i, PT_GNU_STACK, false)->flags = 6;
}

static const struct {
	const char *what;
	void (*change)(struct image *image);
} changes[] = {
	{ "nothing to load", no_load },
	{ "longer in the file", shorter },
	{ "endless", endless },
	{ "large", large },
	{ "at the end of all", vaddr_high },
	{ "in the kernel", vaddr_kernel },
	{ "offset not congruent", misaligned },
	{ "aligned to 0", align_0 },
	{ "aligned to 3", align_3 },
	{ "aligned to 2 MB", align_2m },
	{ "aligned to all", align_63 },
	{ "longer than the file", file_beyond },
	{ "bss behind text", bss_in_text },
	{ "bss behind text that can be written", bss_writable },
	{ "not at a page's start", shifted },
	{ "beyond the file", offset_beyond },
	{ "at a negative offset", offset_negative },
	{ "bss alone", only_bss },
	{ "a segment of nothing", nothing },
	{ "bss without rights", bss_no_rights },
	{ "bss behind data", bss_of_data },
	{ "twice", twice },
	{ "downwards", downwards },
	{ "far apart", far_apart },
	{ "a stack with code", stack_exec },
	{ "a stack without", stack_plain },
};

TEST(segments)
{
	if (!begin())
		return;
	for (int wide = 0; wide < 2; wide++) {
		if (!linux_runs(wide))
			continue;
		for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
			for (unsigned type = 2; type < 4; type++) {
				struct image image;

				image_begin(&image, wide, type);
				changes[i].change(&image);
				image_finish(&image);
				judge(changes[i].what, &image);
			}
		}
	}
}

/* ---- Interpreters ---------------------------------------------------------------------- */

/* A program that names one: @name of @n bytes, @offset: where, 0: where it is. */
static void judge_naming(bool wide, const char *what, const char *name, size_t n, uint64_t offset)
{
	static struct image image;
	struct part *p;

	image_begin(&image, wide, 2);
	p = image_part(&image, PT_INTERP, true);
	p->offset = image_data(&image, name, n);
	p->offset = offset ? offset : p->offset;
	p->filesz = p->memsz = n;
	image_finish(&image);
	judge(what, &image);
}

static void judge_interpreter(bool wide, const char *what)
{
	if (!write_file(interpreter_path, interpreter.bytes, interpreter.length))
		abort();
	judge_naming(wide, what, interpreter_path, strlen(interpreter_path) + 1, 0);
}

TEST(interpreter_paths)
{
	static char path[5000];

	if (!begin())
		return;
	memset(path, '/', sizeof(path));
	for (int wide = 0; wide < 2; wide++) {
		if (!linux_runs(wide))
			continue;
		judge_naming(wide, "no such file", "/nonexistent", 13, 0);
		judge_naming(wide, "no end", "/bin/sh", 7, 0);
		judge_naming(wide, "one byte", "", 1, 0);
		judge_naming(wide, "no bytes", "", 0, 0);
		path[4096] = 0;
		judge_naming(wide, "too long", path, 4097, 0);
		path[4096] = '/';
		judge_naming(wide, "beyond the file", "/x", 3, 0x10000);
	}
}

TEST(interpreters)
{
	if (!begin())
		return;
	for (int wide = 0; wide < 2; wide++) {
		if (!linux_runs(wide))
			continue;
		for (size_t i = 0; i < sizeof(patches) / sizeof(patches[0]); i++) {
			const struct patch *p = &patches[i];

			image_begin(&interpreter, wide, 3);
			image_finish(&interpreter);
			image_word(&interpreter, image_at(&interpreter, p->wide, p->narrow),
				   p->bytes ? p->bytes : wide ? 8 : 4, p->value);
			judge_interpreter(wide, p->what);
		}
		for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
			image_begin(&interpreter, wide, 3);
			changes[i].change(&interpreter);
			image_finish(&interpreter);
			judge_interpreter(wide, changes[i].what);
		}
		for (size_t n = 0; n < 0x80; n += 13) {
			image_begin(&interpreter, wide, 3);
			image_finish(&interpreter);
			interpreter.length = n;
			judge_interpreter(wide, "short interpreter");
		}
	}
}

/* ---- What Linux starts, and where ------------------------------------------------------- */

/*
 * A program that has just been executed by Linux, with a fixed layout, and stands at its first
 * instruction.
 */
struct started {
	pid_t pid;
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
	{ "no empty segment", false, 1 },	       { "empty, at 0, first", true, 0 },
	{ "empty, at 0, last", false, 0 },	       { "empty, one page below, first", true, 0x2ff000 },
	{ "empty, one page below, last", false, 0x2ff000 }, { "empty, amid a page, first", true, 0x123 },
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
		CHECK(!start_on_linux(program_path, argv, &dead));
		CHECK_EQ(run_on_quire(&image), -QUIRE_EEXIST);
	}
}

TEST(end)
{
	if (!begin())
		return;
	unlink(program_path);
	unlink(interpreter_path);
	rmdir(folder);
	rig_end(&rig);
}

TEST_MAIN(CASE(headers), CASE(short_files), CASE(many_headers), CASE(segments),
	  CASE(interpreter_paths), CASE(interpreters), CASE(real_programs),
	  CASE(between_segments), CASE(end))
