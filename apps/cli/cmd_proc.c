/* SPDX-License-Identifier: MIT */
/*
 * cmd_proc.c - quire proc: the /proc texts, one of them or a tree of all
 */
#include <quire/report.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "args.h"
#include "cli.h"
#include "script.h"

/* Make the folders that @path lies in. 0, or the system's errno. */
static int make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int failed;

		*slash = 0;
		failed = mkdir(path, 0777) && errno != EEXIST;
		*slash = '/';
		if (failed)
			return errno;
	}
	return 0;
}

static void write_file(void *ctx, const char *text, size_t length)
{
	fwrite(text, 1, length, ctx);
}

/** struct what - a report of a machine, or of a process of it */
struct what {
	struct quire *q;
	struct quire_mm *mm; /* NULL: of the machine */
	const struct quire_report_info *info;
};

/* 0, or the system's errno. */
static int write_report(struct cli *cli, const struct what *what, char *path)
{
	struct quire_sink sink = { write_file, NULL };
	int error = make_folders(path), failed;
	FILE *file;

	if (error)
		return error;
	file = fopen(path, "wb");
	if (!file)
		return errno;
	sink.ctx = file;
	if (what->mm)
		quire_report_mm(what->mm, what->info->name, cli->json, &sink);
	else
		quire_report(what->q, what->info->name, cli->json, &sink);
	errno = 0;
	failed = ferror(file);
	if (fclose(file) || failed)
		return errno ? errno : EIO;
	return 0;
}

/* @folder: in the tree; ends with a /, or is empty. */
static int write_file_of(struct cli *cli, const struct what *what, const char *folder)
{
	char *path;
	int error;

	if (asprintf(&path, "%s/%s%s%s", cli->dir, folder, what->info->path,
		     cli->json ? ".json" : "") < 0) {
		cli_error(cli, "the host has no memory");
		return CLI_FILE;
	}
	error = write_report(cli, what, path);
	if (error)
		cli_error(cli, "%s: %s", path, strerror(error));
	free(path);
	return error ? CLI_FILE : CLI_OK;
}

static int write_tree(struct cli *cli, struct quire *q)
{
	struct lab_process_info process = { .pid = 0 };
	struct what what = { .q = q };
	int status = CLI_OK;

	for (size_t i = 0; !status && (what.info = quire_report_list(i)); i++)
		status = write_file_of(cli, &what, "");
	while (!status && lab_next_process(cli->lab, process.pid, &process)) {
		char folder[32];

		what.mm = process.mm;
		snprintf(folder, sizeof(folder), "proc/%u/", process.pid);
		for (size_t i = 0; !status && (what.info = quire_report_mm_list(i)); i++)
			status = write_file_of(cli, &what, folder);
	}
	return status;
}

/* A report's name, with its folders or without. NULL after a message. */
static const char *report_name(struct cli *cli, const char *word)
{
	const char *slash = strrchr(word, '/');
	const char *base = slash ? slash + 1 : word;
	const struct quire_report_info *info;
	struct lab_nearest near = { NULL, 0 };

	for (size_t i = 0; (info = quire_report_list(i)); i++) {
		if (strcmp(info->name, base) == 0)
			return info->name;
		nearest_try(&near, base, info->name);
	}
	if (near.word)
		cli_error(cli, "unknown report '%s': did you mean '%s'?", word, near.word);
	else
		cli_error(cli, "unknown report '%s'; see `quire help proc`", word);
	return NULL;
}

int cmd_proc(struct cli *cli, int argc, char **argv)
{
	const char *name = NULL;
	struct quire *q;
	int status;

	if (!argc == !cli->dir)
		return cli_usage(cli, "say either a report's name or --dir; see `quire help proc`");
	if (argc)
		name = report_name(cli, argv[0]);
	if (argc && !name)
		return CLI_USAGE;
	status = cli_boot(cli, &q);
	if (status)
		return status;
	if (cli->dir)
		return write_tree(cli, q);
	quire_report(q, name, cli->json, &cli->out);
	return CLI_OK;
}
