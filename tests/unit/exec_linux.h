/* SPDX-License-Identifier: MIT */
/*
 * exec_linux.h - programs that this host's Linux and Quire both start, for tests
 *
 * Each image is written to a file and executed by Linux in a child, and by Quire with the same
 * bytes.
 */
#ifndef TEST_EXEC_LINUX_H
#define TEST_EXEC_LINUX_H

#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/quire-exec-XXXXXX";
static char program_path[64], interpreter_path[64];
static struct image interpreter; /* that program_path may name */
static struct rig rig;           /* x86-64 */

/* What became of an execve: 0: it ran; an errno; a signal as a negative number. */
static inline int run_on_linux(const char *path, char *const argv[])
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

static inline bool write_file(const char *path, const unsigned char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	bool good = fd >= 0 && write(fd, bytes, n) == (ssize_t)n;

	if (fd >= 0)
		close(fd);
	return good;
}

static struct contents interpreter_contents;

static inline int open_interpreter(void *ctx, const char *path, struct quire_file **out)
{
	(void)ctx;
	if (strcmp(path, interpreter_path) != 0)
		return -QUIRE_ENOENT;
	*out = exec_file(&interpreter_contents, path);
	return *out ? 0 : -QUIRE_ENOMEM;
}

static inline int run_on_quire(const struct image *image)
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

static inline bool linux_runs(bool wide)
{
	char *argv[] = { "prog", NULL };
	struct image image;

	image_begin(&image, wide, 2);
	image_finish(&image);
	return write_file(program_path, image.bytes, image.length) &&
	       run_on_linux(program_path, argv) == 0;
}

static inline bool begin(void)
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

static inline struct part *more(struct image *i, uint64_t vaddr)
{
	struct part *p = image_part(i, PT_LOAD, false);

	p->vaddr = vaddr;
	return p;
}

static inline void bss_of_data(struct image *i)
{
	struct part *p = more(i, 0x600123);

	p->offset = 0x123;
	p->filesz = 100;
	p->memsz = 0x5000;
}

/* Linux puts images of 2 MB and more at a multiple of that: no matter of the file's. */
static inline void bss_near(struct image *i)
{
	bss_of_data(i);
	i->part[i->nr - 1].vaddr = i->part[0].vaddr + 0x5123;
}

static inline void stack_exec(struct image *i)
{
	image_part(i, PT_GNU_STACK, false)->flags = 7;
}

/* After the last test. */
static inline void finish(void)
{
	if (!begin())
		return;
	unlink(program_path);
	unlink(interpreter_path);
	rmdir(folder);
	rig_end(&rig);
}

#endif
