/* SPDX-License-Identifier: MIT */
/*
 * cmd_walk.c - quire walk: the script's command of that name, on the command line
 */
#include <string.h>

#include "cli.h"
#include "script.h"

int cmd_walk(struct cli *cli, int argc, char **argv)
{
	char line[LAB_LINE_MAX] = "walk";
	size_t used = strlen(line);
	struct quire *q;
	int status;

	for (int i = 0; i < argc; i++) {
		/* One word is one word of the line. */
		if (!*argv[i] || strpbrk(argv[i], " \t\n\"#=") ||
		    used + strlen(argv[i]) + 2 > sizeof(line))
			return cli_usage(cli, "no such word: '%s'", argv[i]);
		line[used++] = ' ';
		memcpy(line + used, argv[i], strlen(argv[i]));
		used += strlen(argv[i]);
	}
	status = cli_boot(cli, &q);
	if (status)
		return status;
	status = (int)lab_line(cli->lab, line, used);
	if (status)
		cli_error(cli, "%s", lab_message(cli->lab));
	return status;
}
