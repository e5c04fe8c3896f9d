/* SPDX-License-Identifier: MIT */
/*
 * main.c - a small kernel: boots Quire on this machine and runs the ramdisk's scripts
 *
 * Each file whose name ends in .quire is a script with a session of its own, in the ramdisk's
 * order; one file that is no archive is a script whatever its name. Words of the
 * command line:
 *
 *   hashes   instead of what a script shows one line: name, status, hash of the
 *            machine, hash of what it showed
 *   bench    first a table of what operations cost
 *
 * The exit status is the worst of the scripts'.
 */
#include <quire/error.h>
#include <quire/page.h>
#include <quire/port.h>

#include "bench.h"
#include "files.h"
#include "lesson.h"
#include "x86.h"

struct kernel {
	const struct x86_boot *boot;
	struct quire *q; /* the machine this */
};

static void console_write(void *ctx, const char *text, size_t length)
{
	(void)ctx;
	x86_print("%.*s", (int)length, text);
}

static const struct quire_sink console = { console_write, NULL };

static int read_file(void *ctx, const char *name, char **text, size_t *length, const char **why)
{
	const struct kernel *kernel = ctx;
	struct file file;

	(void)why;
	if (!files_find(kernel->boot, name, &file))
		return -QUIRE_ENOENT;
	*text = (char *)(uintptr_t)file.text; /* the lab only reads it */
	*length = file.length;
	return 0;
}

/* Files are read where they lie. */
/* NOLINTNEXTLINE(readability-non-const-parameter) */
static void done_file(void *ctx, char *text, size_t length)
{
	(void)ctx;
	(void)text;
	(void)length;
}

static void set_cpu(void *ctx, unsigned cpu)
{
	(void)ctx;
	x86_cpu(cpu);
}

static bool has_word(const char *line, const char *word)
{
	while (*line) {
		size_t i = 0;

		while (word[i] && line[i] == word[i])
			i++;
		if (!word[i] && (!line[i] || line[i] == ' '))
			return true;
		while (*line && *line != ' ')
			line++;
		while (*line == ' ')
			line++;
	}
	return false;
}

static bool is_script(const struct file *file)
{
	static const char suffix[] = ".quire";
	size_t length = 0, want = sizeof(suffix) - 1;

	while (file->name[length])
		length++;
	return file->alone || (length > want &&
			       !__builtin_memcmp(file->name + length - want, suffix, want));
}

static int run_script(const struct lab_host *host, const struct file *file)
{
	enum lab_status status;
	struct lab *lab;

	if (lab_create(host, &lab)) {
		x86_print("%s: no memory\n", file->name);
		return LAB_FILE;
	}
	status = lab_text(lab, file->name, file->text, file->length);
	if (status != LAB_OK)
		x86_print("%s\n", lab_message(lab));
	lab_destroy(lab);
	return (int)status;
}

static int run_scripts(struct kernel *kernel)
{
	static struct x86_host sessions = { .memory = X86_HEAP };
	static struct x86_host machines = { .memory = X86_ARENA };
	const struct lab_host host = {
		.port = &sessions,
		.machines = &machines,
		.out = console,
		.talk = console,
		.read = read_file,
		.done = done_file,
		.set_cpu = set_cpu,
		.ctx = kernel,
		.machine = kernel->q,
	};
	bool hashes = has_word(kernel->boot->command_line, "hashes");
	struct file file;
	int worst = 0;

	for (size_t i = 0; files_get(kernel->boot, i, &file); i++) {
		if (!is_script(&file))
			continue;
		int status = hashes ? (int)lab_lesson(&host, file.name, &console)
				    : run_script(&host, &file);
		worst = status > worst ? status : worst;
	}
	return worst;
}

static void greet(struct quire *q)
{
	uint64_t managed = 0;

	for (unsigned z = 0; z < QUIRE_NR_ZONES; z++) {
		struct quire_zone_stat stat;

		quire_zone_stat(q, (enum quire_zone)z, &stat);
		managed += stat.managed;
	}
	x86_print("Quire %s on %s, %llu KB managed\n", QUIRE_VERSION,
		  quire_machine_name(quire_config(q)->machine),
		  (unsigned long long)managed * QUIRE_PAGE_SIZE / 1024);
}

int x86_main(const struct x86_boot *boot)
{
	struct kernel kernel = { boot, NULL };
	int error = x86_machine(boot, &kernel.q);

	if (error) {
		x86_print("kernel: this machine can't be booted: %s%s\n", quire_error_name(error),
			  error == -QUIRE_EOPNOTSUPP ? " (does the processor have no-execute?)"
						     : "");
		return LAB_FILE;
	}
	greet(kernel.q);
	if (has_word(boot->command_line, "bench"))
		error = bench_run(kernel.q);
	int status = run_scripts(&kernel);
	return status > error ? status : error;
}
